//! What an object grants, and whether an update makes it more.

use std::collections::BinaryHeap;

use palisade_sdk::json::Raw;
use palisade_sdk::rbac::subjects::{RoleRef, Subject, Who};
use palisade_sdk::rbac::{PolicyRule, Rules};
use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{List, Path};

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
}

/// The first field by which `after` grants more than `before`, as far as can be told without a look at other objects.
///
/// The rules of an aggregated ClusterRole do not count: a controller writes them, and what it selects counts instead.
pub fn widened<'o>(before: &'o Object<'o>, after: &'o Object<'o>, namespace: &'o str) -> Option<String> {
    let root = Path::root();
    if after.role_ref != before.role_ref {
        return Some("roleRef".to_owned());
    }
    let who = |subject: &'o Subject<'o>| subject.who(namespace);
    let known: Vec<Who<'_>> = before.subjects.iter().map(who).collect::<BinaryHeap<_>>().into_sorted_vec();
    if let Some(index) = after.subjects.iter().position(|subject| known.binary_search(&who(subject)).is_err()) {
        return Some(root.item("subjects", index).to_string());
    }
    match after.aggregation_rule {
        Some(rule) if before.aggregation_rule != Some(rule) => Some("aggregationRule".to_owned()),
        Some(_) => None,
        None => {
            let more = Rules::of_cluster_role(&before.rules).first_lacking(&after.rules);
            more.map(|index| root.item("rules", index).to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use palisade_sdk::json;

    use super::*;

    fn widened_from(before: &str, after: &str) -> Option<String> {
        widened(&json::from_str(before).unwrap(), &json::from_str(after).unwrap(), "shop")
    }

    /// Lists multiply within a rule, and rules against rules; the work does not.
    #[test]
    fn long_lists_do_not_multiply() {
        const MANY: usize = 50_000;
        let verbs = |end: &str| (0..MANY).map(|verb| format!("\"verb{verb}{end}\"")).collect::<Vec<_>>().join(",");
        let rules =
            |verb: &str| vec![format!(r#"{{"apiGroups": [""], "resources": ["a"], "verbs": ["{verb}"]}}"#); MANY].join(",");
        let long =
            |end: &str| format!(r#"{{"rules": [{{"apiGroups": [""], "resources": ["a"], "verbs": [{}]}}]}}"#, verbs(end));
        let many = |verb: &str| format!(r#"{{"rules": [{}]}}"#, rules(verb));
        assert_eq!(widened_from(&long(""), &long("")), None);
        assert_eq!(widened_from(&many("get"), &many("get")), None);
        for (before, after) in
            [(long(""), many("verb7")), (many("verb7"), long("")), (long(""), long("x")), (many("get"), many("list"))]
        {
            assert!(widened_from(&before, &after).is_some());
        }
        let subjects = |end: &str| {
            (0..MANY).map(|name| format!(r#"{{"kind": "User", "name": "{name}{end}"}}"#)).collect::<Vec<_>>().join(",")
        };
        let (before, after) = (subjects(""), subjects("x"));
        assert_eq!(
            widened_from(&format!(r#"{{"subjects": [{before}]}}"#), &format!(r#"{{"subjects": [{before}, {after}]}}"#))
                .as_deref(),
            Some("subjects[50000]")
        );
    }
}
