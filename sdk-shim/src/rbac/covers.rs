//! Whether a set of rules grants all that a rule grants.

use super::{ALL, Name, PolicyRule, Rules};

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
        if self.effort(rule) > COMPARISONS {
            return Some(Lack::Unknown);
        }
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

    /// How many strings it takes to compare.
    fn effort(&self, rule: &PolicyRule<'_>) -> usize {
        let held: usize = self.iter().map(PolicyRule::size).sum();
        let resources =
            rule.api_groups.len().saturating_mul(rule.resources.len()).saturating_mul(rule.resource_names.len().max(1));
        resources.saturating_add(rule.non_resource_urls.len()).saturating_mul(rule.verbs.len()).saturating_mul(held)
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

impl PolicyRule<'_> {
    /// How many strings it has.
    fn size(&self) -> usize {
        let Self { verbs, api_groups, resources, resource_names, non_resource_urls } = self;
        [verbs, api_groups, resources, resource_names, non_resource_urls].map(|list| list.len()).iter().sum()
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
    }
}
