//! Whether a set of rules grants all that a rule grants, or a set of them.

use std::collections::BinaryHeap;

use super::{ALL, Name, PolicyRule, Rules};
use crate::Str;

/// More comparisons than these are not made: no role that a person wrote needs them.
const COMPARISONS: usize = 10_000_000;

/// The first thing that a rule grants and a set of rules does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack<'q> {
    /// A verb on a resource, each as the rule writes it, wildcards too.
    Resource {
        /// The verb.
        verb: &'q str,
        /// The API group.
        group: &'q str,
        /// The resource, or `pods/exec`.
        resource: &'q str,
        /// The object, where the rule narrows the grant.
        name: Option<&'q str>,
    },
    /// A verb on URLs.
    Url {
        /// The verb.
        verb: &'q str,
        /// The path, or the pattern.
        url: &'q str,
    },
    /// It would take too long to find out: the rule has millions of combinations. Take it for something that is lacking.
    Unknown,
}

impl Rules<'_> {
    /// Whether the rules together grant everything that `rule` grants, as the API server asks it of somebody who writes a role without
    /// the verb `escalate`. URLs of `rule` count as they do in a ClusterRole.
    ///
    /// ```
    /// # use palisade_sdk::rbac::{PolicyRule, Rules};
    /// # let text = r#"[{"apiGroups": [""], "resources": ["pods", "*/scale"], "verbs": ["get", "update"]}, {"apiGroups": ["apps"], "resources": ["*"], "verbs": ["*"]},
    /// #   {"apiGroups": ["", "apps"], "resources": ["deployments/scale"], "verbs": ["update"]}]"#;
    /// # let rules: Vec<PolicyRule<'_>> = palisade_sdk::json::from_str(text).unwrap();
    /// let [held @ .., wanted] = rules.as_slice() else { unreachable!() };
    /// assert!(Rules::of_cluster_role(held).covers(wanted));
    /// assert!(!Rules::of_cluster_role(&held[..1]).covers(wanted));
    /// ```
    pub fn covers(&self, rule: &PolicyRule<'_>) -> bool {
        self.lack(rule).is_none()
    }

    /// The first thing that `rule` grants and these rules do not, where there is one; see [`covers`](Self::covers).
    ///
    /// A rule is broken down to single grants, of which each is held by one of the rules or by none. A wildcard is held by the
    /// same wildcard alone, or a wider one: it stands also for what there is not yet.
    pub fn lack<'q>(&self, rule: &'q PolicyRule<'_>) -> Option<Lack<'q>> {
        if rule.combinations().saturating_mul(self.size()) > COMPARISONS {
            return Some(Lack::Unknown);
        }
        self.look_for(rule)
    }

    /// The place of the first of some rules that grants what these do not, where there is one: whether a role grants more than it did. A rule
    /// that is here to the letter is not broken down, and all others together take no longer than one may in [`lack`](Self::lack);
    /// what would take longer counts as lacking.
    pub fn first_lacking<'q>(&'q self, rules: &'q [PolicyRule<'q>]) -> Option<usize> {
        let known = self.iter().map(PolicyRule::lists).collect::<BinaryHeap<_>>().into_sorted_vec();
        let size = self.size();
        let mut left = COMPARISONS;
        rules.iter().position(|rule| {
            if known.binary_search(&rule.lists()).is_ok() {
                return false;
            }
            match left.checked_sub(rule.combinations().saturating_mul(size)) {
                Some(rest) => left = rest,
                None => return true,
            }
            self.look_for(rule).is_some()
        })
    }

    fn look_for<'q>(&self, rule: &'q PolicyRule<'_>) -> Option<Lack<'q>> {
        let names = || rule.resource_names.iter().map(|name| Some(name.as_str()));
        for verb in rule.verbs.iter().filter(|verb| !verb.is_empty()) {
            for group in &rule.api_groups {
                for resource in &rule.resources {
                    let lacks = |name: &Option<&str>| !self.grants(verb, group, resource, name.map_or(Name::Every, Name::Is));
                    let lack = |name| Lack::Resource { verb, group, resource, name };
                    let lacking = if rule.resource_names.is_empty() { Some(None).filter(lacks) } else { names().find(lacks) };
                    if let Some(name) = lacking {
                        return Some(lack(name));
                    }
                }
            }
            if let Some(url) = rule.non_resource_urls.iter().find(|url| !self.grants_url_pattern(verb, url)) {
                return Some(Lack::Url { verb, url });
            }
        }
        None
    }

    /// How many strings they have: each may have to be compared.
    fn size(&self) -> usize {
        self.iter().flat_map(PolicyRule::lists).map(<[Str<'_>]>::len).sum()
    }

    /// Whether one of the rules grants this, of which any but the name may be a wildcard.
    fn grants(&self, verb: &str, group: &str, entry: &str, name: Name<'_>) -> bool {
        let (resource, subresource) = match entry.split_once('/') {
            // No request has an empty name for either, so that there is nothing to hold.
            Some((resource, subresource)) if resource.is_empty() || subresource.is_empty() => return true,
            Some(parts) => parts,
            None if entry.is_empty() => return true,
            None => (entry, ""),
        };
        self.iter().any(|rule| {
            rule.grants_verb(verb)
                && rule.grants_group(group)
                && rule.grants_resource(resource, subresource)
                && rule.grants_name(name)
        })
    }

    /// Whether one of the rules grants the verb on every path that a pattern stands for.
    fn grants_url_pattern(&self, verb: &str, url: &str) -> bool {
        let Some(prefix) = url.strip_suffix(ALL).map(|rest| rest.trim_end_matches('*')) else {
            return url.is_empty() || self.allows_url(verb, url).is_some();
        };
        self.urls
            && self.iter().any(|rule| {
                let covers =
                    |held: &str| held.strip_suffix(ALL).is_some_and(|held| prefix.starts_with(held.trim_end_matches('*')));
                rule.grants_verb(verb) && rule.non_resource_urls.iter().any(|held| covers(held))
            })
    }
}

impl<'a> PolicyRule<'a> {
    fn lists(&self) -> [&[Str<'a>]; 5] {
        let Self { verbs, api_groups, resources, resource_names, non_resource_urls } = self;
        [verbs, api_groups, resources, resource_names, non_resource_urls]
    }

    /// How many single grants it is broken down to.
    fn combinations(&self) -> usize {
        let resources =
            self.api_groups.len().saturating_mul(self.resources.len()).saturating_mul(self.resource_names.len().max(1));
        resources.saturating_add(self.non_resource_urls.len()).saturating_mul(self.verbs.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn rules(text: &str) -> Vec<PolicyRule<'_>> {
        json::from_str(text).unwrap()
    }

    #[test]
    fn says_what_is_lacking() {
        let held = rules(
            r#"[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
                {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"], "resourceNames": ["db"]},
                {"nonResourceURLs": ["/logs/*"], "verbs": ["get"]}]"#,
        );
        let held = Rules::of_cluster_role(&held);
        let lack = |wanted: &'static str| held.lack(&rules(wanted)[0]).map(|lack| format!("{lack:?}")).unwrap_or_default();
        assert_eq!(lack(r#"[{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]"#), "");
        assert_eq!(
            lack(r#"[{"apiGroups": [""], "resources": ["secrets"], "verbs": ["update", "bind"], "resourceNames": ["db"]}]"#),
            ""
        );
        assert_eq!(lack(r#"[{"nonResourceURLs": ["/logs/a", "/logs/a*"], "verbs": ["get"]}]"#), "");
        assert!(lack(r#"[{"nonResourceURLs": ["/logs*"], "verbs": ["get"]}]"#).contains(r#"url: "/logs*""#));
        assert!(
            lack(r#"[{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["db", "other"]}]"#)
                .contains(r#"name: Some("other")"#)
        );
        assert!(lack(r#"[{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]"#).contains("name: None"));
        assert!(lack(r#"[{"apiGroups": ["", "apps"], "resources": ["pods"], "verbs": ["get"]}]"#).contains(r#"group: "apps""#));
        // What grants nothing lacks nothing.
        assert_eq!(lack(r#"[{"apiGroups": [], "resources": ["*"], "verbs": ["*"]}, {}]"#), "");
        assert_eq!(lack(r#"[{"apiGroups": ["*"], "resources": ["nodes/", "/exec", ""], "verbs": ["*"]}]"#), "");
    }

    #[test]
    fn gives_up_on_what_nobody_writes() {
        let many = format!(r#"[{{"apiGroups": [{0}], "resources": [{0}], "verbs": [{0}]}}]"#, vec![r#""a""#; 1000].join(","));
        let many = rules(&many);
        assert_eq!(Rules::of_role(&many).lack(&many[0]), Some(Lack::Unknown));
        // What is there to the letter is not looked at.
        assert_eq!(Rules::of_role(&many).first_lacking(&many), None);
        assert_eq!(Rules::of_role(&many[..0]).first_lacking(&many), Some(0));
    }

    #[test]
    fn finds_the_rule_that_is_more() {
        let held = rules(
            r#"[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
                {"apiGroups": ["apps"], "resources": ["*"], "verbs": ["*"]}]"#,
        );
        let held = Rules::of_cluster_role(&held);
        let first = |wanted: &'static str| held.first_lacking(&rules(wanted));
        let (pods, apps) = (
            r#"{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}"#,
            r#"{"apiGroups": ["apps"], "resources": ["*"], "verbs": ["*"]}"#,
        );
        let of = |list: &[&str]| held.first_lacking(&rules(&["[", &list.join(","), "]"].concat()));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[apps, pods, pods]), None);
        assert_eq!(of(&[apps, pods, r#"{"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}"#, pods]), Some(2));
        assert_eq!(first(r#"[{"apiGroups": ["", "apps"], "resources": ["pods"], "verbs": ["get"]}, {}]"#), None);
        // Each by itself takes little time, all of them too much.
        let many = vec![r#"{"apiGroups": ["apps"], "resources": ["a"], "verbs": ["x"]}"#; 2_000].join(",");
        let more = vec![r#"{"apiGroups": ["apps"], "resources": ["a"], "verbs": ["x", "y"]}"#; 2_000].join(",");
        let (many, more) = (["[", &many, "]"].concat(), ["[", &more, "]"].concat());
        let mut more = rules(&more);
        more.push(json::from_str(apps).unwrap());
        let lacking = Rules::of_role(&rules(&many)).first_lacking(&more);
        assert_eq!(lacking, Some(0));
        assert!(matches!(Rules::of_role(&more).first_lacking(&rules(&many)), Some(1..)));
    }
}
