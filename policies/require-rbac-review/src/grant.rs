//! What an object grants, and whether an update makes it more.

use std::collections::BinaryHeap;

use palisade_sdk::json::Raw;
use palisade_sdk::rbac::{ALL, PolicyRule};
use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{List, Path, Str};

palisade_sdk::view! {
    /// A role or a binding of any kind: each has some of the fields.
    pub struct Object<'a> {
        /// The metadata.
        pub metadata: ObjectMeta<'a> as "metadata",
        rules: List<PolicyRule<'a>> as "rules",
        aggregation_rule: Option<Raw<'a>> as "aggregationRule",
        subjects: List<Subject<'a>> as "subjects",
        role_ref: RoleRef<'a> as "roleRef",
    }

    /// `subjects[]`
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    struct Subject<'a> {
        kind: Str<'a> as "kind",
        api_group: Str<'a> as "apiGroup",
        name: Str<'a> as "name",
        namespace: Str<'a> as "namespace",
    }

    /// `roleRef`
    #[derive(PartialEq)]
    struct RoleRef<'a> {
        api_group: Str<'a> as "apiGroup",
        kind: Str<'a> as "kind",
        name: Str<'a> as "name",
    }
}

/// The first field by which `after` grants more than `before`, as far as can be told without a look at other objects.
///
/// Each rule must be a rule of before, or a part of one; nothing is put together from several. The rules of an aggregated ClusterRole
/// do not count: a controller writes them, and what it selects counts instead.
pub fn widened<'o>(before: &'o Object<'o>, after: &'o Object<'o>) -> Option<String> {
    let root = Path::root();
    if after.role_ref != before.role_ref {
        return Some("roleRef".to_owned());
    }
    let known = sorted(before.subjects.iter());
    if let Some(index) = after.subjects.iter().position(|subject| known.binary_search(&subject).is_err()) {
        return Some(root.item("subjects", index).to_string());
    }
    match after.aggregation_rule {
        Some(rule) if before.aggregation_rule != Some(rule) => Some("aggregationRule".to_owned()),
        Some(_) => None,
        None => new_rule(&before.rules, &after.rules).map(|index| root.item("rules", index).to_string()),
    }
}

/// The first rule that is not among the old ones, nor a part of one.
///
/// A part is looked for in the order of the rules, as people strike verbs or whole rules: both lists are walked through once.
fn new_rule<'o>(before: &'o [PolicyRule<'o>], after: &'o [PolicyRule<'o>]) -> Option<usize> {
    let known = sorted(before.iter().map(lists));
    let mut old = before.iter().map(Sorted::of);
    let mut larger = old.next();
    after.iter().position(|rule| {
        if known.binary_search(&lists(rule)).is_ok() {
            return false;
        }
        while larger.as_ref().is_some_and(|larger| !larger.includes(rule)) {
            larger = old.next();
        }
        larger.is_none()
    })
}

/// The lists of a rule, of which it is the product; the names of the objects come last.
fn lists<'o>(rule: &'o PolicyRule<'o>) -> [&'o [Str<'o>]; 5] {
    [&rule.verbs, &rule.api_groups, &rule.resources, &rule.non_resource_urls, &rule.resource_names]
}

/// The lists of a rule, to look things up in.
struct Sorted<'o>([Vec<&'o Str<'o>>; 5]);

impl<'o> Sorted<'o> {
    fn of(rule: &'o PolicyRule<'o>) -> Self {
        Self(lists(rule).map(|list| sorted(list.iter())))
    }

    /// Whether every request that `rule` grants is granted here too.
    fn includes(&self, rule: &'o PolicyRule<'o>) -> bool {
        // A list that is longer is no part: so no more is looked up than there is to find.
        let has_all = |larger: &[&'o Str<'o>], smaller: &'o [Str<'o>]| {
            smaller.len() <= larger.len() && smaller.iter().all(|item| larger.binary_search(&item).is_ok())
        };
        let all = Str::from(ALL);
        let [parts @ .., part_of_names] = lists(rule);
        let [wholes @ .., names] = &self.0;
        // No names are all names.
        (names.is_empty() || (!part_of_names.is_empty() && has_all(names, part_of_names)))
            && wholes.iter().zip(parts).all(|(whole, part)| whole.binary_search(&&all).is_ok() || has_all(whole, part))
    }
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.collect::<BinaryHeap<_>>().into_sorted_vec()
}

#[cfg(test)]
mod tests {
    use palisade_sdk::json;
    use palisade_sdk::rbac::{Name, ResourceRequest};

    use super::*;

    /// Every rule of a small world.
    fn rules() -> Vec<String> {
        let mut rules = Vec::new();
        for verbs in [r#""#, r#""get""#, r#""get", "create""#, r#""*""#] {
            for groups in [r#""""#, r#""", "apps""#, r#""*", "apps""#] {
                for resources in [r#""pods""#, r#""pods/exec""#, r#""pods", "pods/exec", "nodes""#, r#""*/exec""#, r#""*""#] {
                    for names in [r#""#, r#""a""#, r#""b", "a""#] {
                        rules.push(format!(
                            r#"{{"verbs": [{verbs}], "apiGroups": [{groups}], "resources": [{resources}], "resourceNames": [{names}]}}"#
                        ));
                    }
                }
            }
        }
        rules
    }

    fn requests() -> Vec<ResourceRequest<'static>> {
        let mut requests = Vec::new();
        for verb in ["get", "create", "delete"] {
            for group in ["", "apps", "batch"] {
                for (resource, subresource) in [("pods", ""), ("pods", "exec"), ("nodes", ""), ("nodes", "exec")] {
                    for name in [Name::Absent, Name::Is("a"), Name::Is("b"), Name::Is("c")] {
                        requests.push(ResourceRequest { verb, group, resource, subresource, name });
                    }
                }
            }
        }
        requests
    }

    /// What is not found to be more grants no request that was not granted before.
    #[test]
    fn what_is_not_more_grants_no_more() {
        let (rules, requests) = (rules(), requests());
        let parsed: Vec<PolicyRule<'_>> = rules.iter().map(|rule| json::from_str(rule).unwrap()).collect();
        let mut parts = 0;
        for old in &parsed {
            for new in &parsed {
                let old = std::slice::from_ref(old);
                if new_rule(old, std::slice::from_ref(new)).is_none() {
                    parts += 1;
                    for request in requests.iter().filter(|request| new.allows(request)) {
                        assert!(old[0].allows(request), "{new:?} is no part of {old:?}: {request:?}");
                    }
                }
            }
        }
        // Each is a part of itself, and many are of others.
        assert!(parts > 2 * parsed.len(), "{parts}");
    }

    fn widened_from(before: &str, after: &str) -> Option<String> {
        widened(&json::from_str(before).unwrap(), &json::from_str(after).unwrap())
    }

    /// Lists multiply within a rule, and rules against rules; the work does not.
    #[test]
    fn long_lists_do_not_multiply() {
        const MANY: usize = 50_000;
        let verbs = |end: &str| (0..MANY).map(|verb| format!("\"verb{verb}{end}\"")).collect::<Vec<_>>().join(",");
        let rules = |verb: &str| vec![format!(r#"{{"verbs": ["{verb}"]}}"#); MANY].join(",");
        let (long, longer) = (verbs(""), verbs("x"));
        let (one, many) = (format!(r#"{{"rules": [{{"verbs": [{long}]}}]}}"#), format!(r#"{{"rules": [{}]}}"#, rules("verb7")));
        assert_eq!(widened_from(&one, &many), None);
        assert_eq!(widened_from(&many, &one).as_deref(), Some("rules[0]"));
        let other = format!(r#"{{"rules": [{{"verbs": [{long}, "more"]}}, {}]}}"#, rules("other"));
        assert_eq!(widened_from(&one, &other).as_deref(), Some("rules[0]"));
        assert_eq!(widened_from(&format!(r#"{{"rules": [{{"verbs": [{longer}]}}]}}"#), &one).as_deref(), Some("rules[0]"));
        let subjects = |end: &str| (0..MANY).map(|name| format!(r#"{{"name": "{name}{end}"}}"#)).collect::<Vec<_>>().join(",");
        let (before, after) = (subjects(""), subjects("x"));
        assert_eq!(
            widened_from(&format!(r#"{{"subjects": [{before}]}}"#), &format!(r#"{{"subjects": [{before}, {after}]}}"#))
                .as_deref(),
            Some("subjects[50000]")
        );
    }
}
