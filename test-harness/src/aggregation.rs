//! What the cluster's aggregation controller does: it fills the rules of the ClusterRoles that have an `aggregationRule`.
//!
//! Source: `pkg/controller/clusterroleaggregation` of Kubernetes.

use std::collections::{HashMap, HashSet};

use palisade_sdk::rbac::AggregationRule;
use palisade_sdk::selector::{LabelSelector, Labels};
use palisade_sdk::{Path, json as views};
use serde_json::Value;

/// How many ClusterRoles are looked at to find out who takes rules from whom. A cluster has some hundreds.
const MOST_STEPS: usize = 5_000_000;

/// The ClusterRoles take rules from each other so much that it can't be found out in reasonable time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many ClusterRoles are aggregated over too many others")]
pub struct TooMany;

/// For each of the ClusterRoles: those whose rules it has, in the order in which they come. `None` for one that has no
/// `aggregationRule`, and so has the rules that are written in it.
///
/// A ClusterRole can be made of others that are themselves made of others, and round in circles: all of them are named. Those among them
/// that have an `aggregationRule` bring no rules of their own, for the controller overwrites what is written there. A selector that the API
/// server would refuse selects nothing.
///
/// # Errors
/// When there is no end to it.
pub fn members(roles: &[&Value]) -> Result<Vec<Option<Vec<usize>>>, TooMany> {
    let mut steps = MOST_STEPS;
    let selected = selected(roles, &mut steps)?;
    let mut all = Vec::with_capacity(roles.len());
    for (index, direct) in selected.iter().enumerate() {
        let Some(direct) = direct else {
            all.push(None);
            continue;
        };
        let mut members = Vec::new();
        let mut seen = HashSet::from([index]);
        let mut pending: Vec<usize> = direct.iter().rev().copied().collect();
        while let Some(next) = pending.pop() {
            steps = steps.checked_sub(1).ok_or(TooMany)?;
            if !seen.insert(next) {
                continue;
            }
            members.push(next);
            pending.extend(selected.get(next).and_then(Option::as_ref).into_iter().flatten().rev());
        }
        all.push(Some(members));
    }
    Ok(all)
}

/// For each of the ClusterRoles those that its own selectors select, each selector's by name.
fn selected(roles: &[&Value], steps: &mut usize) -> Result<Vec<Option<Vec<usize>>>, TooMany> {
    let rules: Vec<&Value> = roles.iter().map(|role| &role["aggregationRule"]).collect();
    if rules.iter().all(|rule| rule.is_null()) {
        return Ok(vec![None; roles.len()]);
    }
    let index = Index::new(roles);
    let mut all = Vec::with_capacity(roles.len());
    for rule in rules {
        if rule.is_null() {
            all.push(None);
            continue;
        }
        let text = rule.to_string();
        let rule: AggregationRule<'_> = views::from_str(&text).unwrap_or_default();
        let mut found = Vec::new();
        for selector in &rule.cluster_role_selectors {
            let candidates = index.candidates(selector);
            *steps = steps.checked_sub(candidates.len()).ok_or(TooMany)?;
            found.extend(candidates.iter().filter(|one| index.selects(selector, **one)));
        }
        all.push(Some(found));
    }
    Ok(all)
}

/// The ClusterRoles by name and by label.
struct Index<'r> {
    labels: Vec<Labels<'r>>,
    by_name: Vec<usize>,
    /// By key, then by value.
    by_label: HashMap<&'r str, HashMap<&'r str, Vec<usize>>>,
}

impl<'r> Index<'r> {
    fn new(roles: &[&'r Value]) -> Self {
        let mut by_name: Vec<usize> = (0..roles.len()).collect();
        by_name.sort_by_key(|role| roles.get(*role).and_then(|role| role["metadata"]["name"].as_str()));
        let labels: Vec<Vec<(&str, Option<&str>)>> = roles
            .iter()
            .map(|role| {
                let labels = role["metadata"]["labels"].as_object();
                labels.into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str())).collect()
            })
            .collect();
        let mut by_label: HashMap<&str, HashMap<&str, Vec<usize>>> = HashMap::new();
        for role in &by_name {
            for (key, value) in labels.get(*role).into_iter().flatten() {
                by_label.entry(key).or_default().entry(value.unwrap_or_default()).or_default().push(*role);
            }
        }
        Self { labels: labels.iter().map(|labels| Labels::new(labels)).collect(), by_name, by_label }
    }

    /// All that the selector can select, and perhaps more.
    fn candidates(&self, selector: &LabelSelector<'_>) -> &[usize] {
        let labelled = selector.match_labels.iter().map(|(key, value)| {
            self.by_label.get(key.as_str()).and_then(|values| values.get(value.as_str())).map_or(&[][..], Vec::as_slice)
        });
        labelled.min_by_key(|roles| roles.len()).unwrap_or(&self.by_name)
    }

    fn selects(&self, selector: &LabelSelector<'_>, role: usize) -> bool {
        self.labels.get(role).is_some_and(|labels| selector.selects(labels, &Path::root()) == Ok(true))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// A ClusterRole with one label, and the labels of those that it takes rules from.
    fn role(name: usize, label: &str, takes: Option<&[&str]>) -> Value {
        let mut role = json!({"metadata": {"name": format!("r{name}"), "labels": {"to": label}}});
        if let Some(takes) = takes {
            let selectors: Vec<Value> = takes.iter().map(|label| json!({"matchLabels": {"to": label}})).collect();
            role["aggregationRule"] = json!({"clusterRoleSelectors": selectors});
        }
        role
    }

    fn of(roles: &[Value]) -> Result<Vec<Option<Vec<usize>>>, TooMany> {
        members(&roles.iter().collect::<Vec<_>>())
    }

    #[test]
    fn roles_are_taken_through_others_and_once() {
        let roles = [
            role(4, "top", Some(&["a", "b", "top"])),
            role(3, "a", Some(&["b"])),
            role(2, "b", None),
            role(1, "b", None),
            role(0, "a", None),
        ];
        assert_eq!(of(&roles).unwrap(), [Some(vec![4, 1, 3, 2]), Some(vec![3, 2]), None, None, None]);
    }

    #[test]
    fn expressions_select_and_what_is_not_valid_does_not() {
        let roles = [
            json!({"metadata": {"name": "a"}, "aggregationRule": {"clusterRoleSelectors": [
                {"matchExpressions": [{"key": "to", "operator": "In", "values": ["x", "y"]}]}]}}),
            role(1, "y", None),
            json!({"metadata": {"name": "b"}, "aggregationRule": {"clusterRoleSelectors": [
                {"matchExpressions": [{"key": "to", "operator": "Is", "values": ["y"]}]}]}}),
            json!({"metadata": {"name": "c"}, "aggregationRule": {}}),
            json!({"metadata": {"name": "d"}, "aggregationRule": [3]}),
            json!({"metadata": {"name": "e"}, "aggregationRule": {"clusterRoleSelectors": [{}]}}),
        ];
        let none = Some(Vec::new());
        assert_eq!(of(&roles).unwrap(), [Some(vec![1]), None, none.clone(), none.clone(), none, Some(vec![0, 1, 2, 3, 4])]);
    }

    #[test]
    fn what_has_no_end_is_refused() {
        let roles: Vec<Value> = (0..3_000).map(|name| role(name, "all", Some(&["all"]))).collect();
        assert_eq!(of(&roles), Err(TooMany));
    }

    const LABELS: [&str; 3] = ["a", "b", "c"];

    proptest! {
        /// The definition: rules move up until nothing changes.
        #[test]
        fn members_are_the_fixed_point(
            shape in proptest::collection::vec((0..3_usize, proptest::option::of(proptest::sample::subsequence(&LABELS[..], 0..=2))), 0..7),
        ) {
            let roles: Vec<Value> =
                shape.iter().enumerate().map(|(name, (label, takes))| role(name, LABELS[*label], takes.as_deref())).collect();
            let mut has: Vec<HashSet<usize>> =
                shape.iter().enumerate().map(|(index, (_, takes))| if takes.is_none() { HashSet::from([index]) } else { HashSet::new() }).collect();
            for _ in 0..shape.len() {
                for (index, (_, takes)) in shape.iter().enumerate() {
                    for (other, (label, _)) in shape.iter().enumerate() {
                        if takes.as_ref().is_some_and(|takes| takes.contains(&LABELS[*label])) {
                            let more = has[other].clone();
                            has[index].extend(more);
                        }
                    }
                }
            }
            for (index, members) in of(&roles).unwrap().into_iter().enumerate() {
                prop_assert_eq!(members.is_none(), shape[index].1.is_none());
                let Some(members) = members else { continue };
                prop_assert_eq!(members.len(), members.iter().collect::<HashSet<_>>().len());
                let with_rules: HashSet<usize> = members.into_iter().filter(|member| shape[*member].1.is_none()).collect();
                prop_assert_eq!(with_rules, has[index].clone());
            }
        }
    }
}
