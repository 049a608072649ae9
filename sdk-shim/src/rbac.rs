//! What a Role or ClusterRole grants, as the API server's authorizer decides it.
//!
//! RBAC is a union: a request is allowed when *one* rule grants all of it. Nothing adds up across rules, so
//! `get` on pods in one rule and `create` on secrets in another never make `create` on pods. Within a rule the lists multiply.
//!
//! | in a rule | grants |
//! | --- | --- |
//! | verb `*` | every verb, those of special meaning such as `escalate` and `impersonate` too. Verbs are case-sensitive |
//! | API group `*` | every group; the core group is the empty string |
//! | resource `*` | every resource and every subresource |
//! | resource `*/scale` | the subresource `scale` of every resource |
//! | resource `pods/exec` | that subresource, and not `pods` |
//! | resource `pods/*` | nothing: it is no pattern, and no subresource has that name |
//! | no `resourceNames` | every object, and requests that name none |
//! | some `resourceNames` | requests that name one of them, to the letter |
//! | URL `*`, or `/logs/*` | every path; every path that begins so. Only for ClusterRoles |
//!
//! `create`, `deletecollection`, `list` and `watch` name no object, so that a rule with `resourceNames` does not grant them, unless the
//! client names one: `list` and `watch` with the field selector `metadata.name`, and `create` by an apply or a PUT to a name.
//!
//! ```
//! use palisade_sdk::rbac::{Name, PolicyRule, ResourceRequest, Rules};
//! # let text = r#"[{"apiGroups": [""], "resources": ["*"], "verbs": ["get", "list"]}]"#;
//! # let rules: Vec<PolicyRule<'_>> = palisade_sdk::json::from_str(text).unwrap();
//! let rules = Rules::of_cluster_role(&rules);
//! let list_secrets = ResourceRequest { verb: "list", group: "", resource: "secrets", subresource: "", name: Name::Absent };
//! assert_eq!(rules.allows(&list_secrets), Some(0));
//! assert_eq!(rules.allows(&ResourceRequest { verb: "create", ..list_secrets }), None);
//! assert!(!rules.is_cluster_admin());
//! ```
//!
//! | to know | ask |
//! | --- | --- |
//! | whether a request is granted, and by which rule | [`Rules::allows`], [`Rules::granting`], [`Rules::allows_url`] |
//! | whether the rules grant all that another rule grants | [`Rules::covers`], [`Rules::lack`] |
//! | what several roles grant together | [`together`], [`AggregationRule::selects`] |
//! | which grants lead to more, and whether they come to `edit`, `admin` or `cluster-admin` | [`dangers::find`], [`dangers::grade`] |
//! | whether a RoleBinding could give it | [`scope::of_rule`] |
//! | whether the API server made a role | [`bootstrap`] |
//!
//! Sources: Kubernetes documentation, "Using RBAC Authorization"; `pkg/apis/rbac/v1/evaluation_helpers.go` of Kubernetes.

mod allowed;
pub mod bootstrap;
mod covers;
pub mod dangers;
pub mod harmless;
#[cfg(test)]
mod properties;
pub mod scope;
pub mod subjects;

pub use allowed::{AllowedRole, RoleKind};
pub use covers::Lack;

use std::ops::Deref;

use crate::json::{List, Map, Str};
use crate::selector::{LabelSelector, Labels};
use crate::views::ObjectMeta;
use crate::{Error, Path};

/// The API group of roles and bindings.
pub const GROUP: &str = "rbac.authorization.k8s.io";

/// What stands for every verb, API group, resource and URL.
pub const ALL: &str = "*";

/// The verbs of the API itself. There are others, which components check on their own: `bind`, `escalate`, `impersonate`, `approve`,
/// `sign`, `use`, and what operators invent.
pub const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

crate::view! {
    /// A `Role` or a `ClusterRole` (`rbac.authorization.k8s.io/v1`).
    pub struct Role<'a> {
        /// The metadata.
        pub metadata: ObjectMeta<'a> as "metadata",
        /// What it grants.
        pub rules: List<PolicyRule<'a>> as "rules",
        /// Only of a ClusterRole: where a controller takes the rules from; it overwrites `rules` with what it finds.
        pub aggregation_rule: Option<AggregationRule<'a>> as "aggregationRule",
    }

    /// `rules[]`
    #[derive(PartialEq)]
    pub struct PolicyRule<'a> {
        /// The verbs, case-sensitive, or `*`.
        pub verbs: List<Str<'a>> as "verbs",
        /// The API groups, or `*`; the core group is empty.
        pub api_groups: List<Str<'a>> as "apiGroups",
        /// The resources, as `pods`, `pods/exec`, `*/scale` or `*`.
        pub resources: List<Str<'a>> as "resources",
        /// The objects; none is all of them.
        pub resource_names: List<Str<'a>> as "resourceNames",
        /// URL paths that are no resources, with an optional `*` at the end.
        pub non_resource_urls: List<Str<'a>> as "nonResourceURLs",
    }

    /// `aggregationRule`
    pub struct AggregationRule<'a> {
        /// The ClusterRoles to take rules from: those that any of these selects.
        pub cluster_role_selectors: List<LabelSelector<'a>> as "clusterRoleSelectors",
    }
}

/// The object that a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'r> {
    /// The request names none, as `create`, `list`, `watch` and `deletecollection` do.
    Absent,
    /// The object of this name.
    Is(&'r str),
    /// Whatever its name: asks for a grant that no `resourceNames` narrow.
    Every,
    /// Some object at least: asks for a grant that `resourceNames` may narrow.
    Some,
}

/// A request for a resource, as the authorizer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceRequest<'r> {
    /// `get`, `list`, …
    pub verb: &'r str,
    /// The API group; empty is core.
    pub group: &'r str,
    /// The resource in the plural: `pods`.
    pub resource: &'r str,
    /// The subresource, or nothing.
    pub subresource: &'r str,
    /// The object's name.
    pub name: Name<'r>,
}

fn any_is(list: &[Str<'_>], wanted: &str) -> bool {
    list.iter().any(|item| *item == wanted)
}

/// Whether `pattern`, an entry of a rule's `resources`, stands for the resource (or its subresource, where there is one).
pub fn resource_matches(pattern: &str, resource: &str, subresource: &str) -> bool {
    if pattern == ALL {
        return true;
    }
    match pattern.strip_prefix(resource) {
        Some("") if subresource.is_empty() => return true,
        Some(rest) if !subresource.is_empty() && rest.strip_prefix('/') == Some(subresource) => return true,
        _ => {}
    }
    !subresource.is_empty() && pattern.strip_prefix("*/") == Some(subresource)
}

impl PolicyRule<'_> {
    /// Whether the rule grants this verb.
    pub fn grants_verb(&self, verb: &str) -> bool {
        self.verbs.iter().any(|granted| *granted == ALL || *granted == verb)
    }

    /// Whether the rule is about this API group.
    pub fn grants_group(&self, group: &str) -> bool {
        self.api_groups.iter().any(|granted| *granted == ALL || *granted == group)
    }

    /// Whether the rule is about this resource, or this subresource of it.
    pub fn grants_resource(&self, resource: &str, subresource: &str) -> bool {
        self.resources.iter().any(|pattern| resource_matches(pattern, resource, subresource))
    }

    /// Whether the rule is about the object.
    pub fn grants_name(&self, name: Name<'_>) -> bool {
        self.resource_names.is_empty()
            || match name {
                // An empty string among the names matches requests that name none.
                Name::Absent => any_is(&self.resource_names, ""),
                Name::Is(name) => any_is(&self.resource_names, name),
                Name::Every => false,
                Name::Some => true,
            }
    }

    /// Whether the rule grants the request.
    pub fn allows(&self, request: &ResourceRequest<'_>) -> bool {
        self.grants_verb(request.verb)
            && self.grants_group(request.group)
            && self.grants_resource(request.resource, request.subresource)
            && self.grants_name(request.name)
    }

    /// Whether the rule, in a ClusterRole, grants the verb on a URL path that is no resource.
    pub fn allows_url(&self, verb: &str, path: &str) -> bool {
        self.grants_verb(verb)
            && self.non_resource_urls.iter().any(|pattern| {
                let prefix = pattern.trim_end_matches('*');
                if prefix.len() < pattern.len() { path.starts_with(prefix) } else { **pattern == *path }
            })
    }
}

/// Where a grant takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// In one namespace: by a Role, or by a RoleBinding to a ClusterRole. What is in no namespace, URLs included, is out of reach.
    Namespace,
    /// In every namespace, and on what is in none: by a ClusterRoleBinding.
    Cluster,
}

impl<'a> AggregationRule<'a> {
    /// Whether a ClusterRole with these labels is aggregated by it. The role that aggregates is never among its own sources.
    ///
    /// # Errors
    /// When a selector is not valid; the controller then leaves the role as it is. `at` is where the `aggregationRule` stands.
    pub fn selects(&self, labels: &Map<'_>, at: &Path<'_>) -> Result<bool, Error> {
        let labels = Labels::of(labels);
        let mut selected = false;
        for (index, selector) in self.cluster_role_selectors.iter().enumerate() {
            selected |= selector.selects(&labels, &at.item("clusterRoleSelectors", index))?;
        }
        Ok(selected)
    }
}

/// The rules of several roles as one list, for [`Rules`]: of all that somebody is bound to in one place, or of the ClusterRoles that
/// another one [aggregates](AggregationRule::selects), whose own rules do not count.
///
/// ```
/// use palisade_sdk::rbac::{self, ResourceRequest, Name, Role, Rules};
/// # let text = r#"[{"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
/// #                {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}]}]"#;
/// # let roles: Vec<Role<'_>> = palisade_sdk::json::from_str(text).unwrap();
/// let all = rbac::together(roles.iter().map(|role| &role.rules));
/// let create = ResourceRequest { verb: "create", group: "", resource: "pods", subresource: "", name: Name::Absent };
/// assert_eq!(Rules::of_role(&all).allows(&create), Some(1));
/// ```
pub fn together<'a, 'l>(roles: impl IntoIterator<Item = &'l List<PolicyRule<'a>>>) -> List<PolicyRule<'a>>
where
    'a: 'l,
{
    roles.into_iter().flat_map(|rules| rules.iter().cloned()).collect()
}

/// The rules of one role, or of several [put together](together): what any of them grants is granted.
///
/// A Role, and a ClusterRole that a RoleBinding names, grant only what is in one namespace; so ask them for namespaced resources alone
/// (and for the Namespace itself, which counts as its own).
#[derive(Clone, Copy, Debug)]
pub struct Rules<'r> {
    rules: &'r [PolicyRule<'r>],
    urls: bool,
}

impl<'r> Deref for Rules<'r> {
    type Target = [PolicyRule<'r>];

    fn deref(&self) -> &[PolicyRule<'r>] {
        self.rules
    }
}

impl<'r> Rules<'r> {
    /// The rules of a Role, or of a ClusterRole that a RoleBinding gives; they grant no URLs.
    pub const fn of_role(rules: &'r [PolicyRule<'r>]) -> Self {
        Self { rules, urls: false }
    }

    /// The rules of a ClusterRole.
    pub const fn of_cluster_role(rules: &'r [PolicyRule<'r>]) -> Self {
        Self { rules, urls: true }
    }

    /// The first rule that grants the request, counted from 0.
    pub fn allows(&self, request: &ResourceRequest<'_>) -> Option<usize> {
        self.granting(request).next()
    }

    /// Every rule that grants the request, counted from 0.
    pub fn granting<'q>(&self, request: &'q ResourceRequest<'_>) -> impl Iterator<Item = usize> + use<'q, 'r> {
        let rules = self.rules;
        rules.iter().enumerate().filter(move |(_, rule)| rule.allows(request)).map(|(index, _)| index)
    }

    /// The first rule that grants the verb on this URL path, counted from 0.
    pub fn allows_url(&self, verb: &str, path: &str) -> Option<usize> {
        if self.urls { self.rules.iter().position(|rule| rule.allows_url(verb, path)) } else { None }
    }

    /// Whether the rules together grant every verb of the API on every resource: `cluster-admin` under any name, and however the
    /// verbs are spread over the rules. Of a Role it means the same for its namespace.
    pub fn is_cluster_admin(&self) -> bool {
        let everywhere = |rule: &&PolicyRule<'_>| {
            any_is(&rule.api_groups, ALL) && any_is(&rule.resources, ALL) && rule.grants_name(Name::Every)
        };
        VERBS.iter().all(|verb| self.rules.iter().filter(everywhere).any(|rule| rule.grants_verb(verb)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use k8s_openapi::api::rbac::v1 as api;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::*;

    const GROUPS: [&str; 3] = ["", "apps", "batch"];
    const RESOURCES: [&str; 3] = ["pods", "nodes", "pod"];
    const SUBRESOURCES: [&str; 4] = ["", "exec", "scale", "*"];
    const ASKED_VERBS: [&str; 4] = ["get", "create", "GET", "bind"];
    const NAMES: [&str; 3] = ["", "a", "b"];
    const PATHS: [&str; 6] = ["/", "/api", "/api/", "/api/v1", "/apis", "/logs"];

    type Grant = (&'static str, &'static str, &'static str, &'static str, &'static str);

    /// The definition, slow: writes down every request that the rule allows.
    fn grants(rule: &PolicyRule<'_>) -> HashSet<Grant> {
        let mut all = HashSet::new();
        for group in GROUPS {
            for resource in RESOURCES {
                for subresource in SUBRESOURCES {
                    for verb in ASKED_VERBS {
                        for name in NAMES {
                            all.insert((group, resource, subresource, verb, name));
                        }
                    }
                }
            }
        }
        let combined = |resource: &str, subresource: &str| {
            if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") }
        };
        all.retain(|(group, resource, subresource, verb, name)| {
            let has = |list: &List<Str<'_>>, value: &str| list.iter().filter(|item| item.as_str() == value).count() > 0;
            let mut patterns = vec!["*".to_owned(), combined(resource, subresource)];
            if !subresource.is_empty() {
                patterns.push(format!("*/{subresource}"));
            }
            (has(&rule.api_groups, group) || has(&rule.api_groups, "*"))
                && (has(&rule.verbs, verb) || has(&rule.verbs, "*"))
                && patterns.iter().any(|pattern| has(&rule.resources, pattern))
                && (rule.resource_names.is_empty() || has(&rule.resource_names, name))
        });
        all
    }

    fn list(values: &'static [&'static str], most: usize) -> impl Strategy<Value = List<Str<'static>>> {
        subsequence(values, 0..=most.min(values.len())).prop_map(|chosen| chosen.into_iter().map(Str::from).collect())
    }

    fn rule() -> impl Strategy<Value = PolicyRule<'static>> {
        (
            list(&["get", "create", "Get", "*", "escalate"], 2),
            list(&["", "apps", "*", "app"], 2),
            list(&["pods", "pods/exec", "pods/*", "*", "*/scale", "*/*", "nodes/", "/exec", "*/", "pod"], 3),
            list(&["", "a", "c", "*"], 2),
            list(&["*", "/", "/api", "/api/*", "/a*", "/apis**", "/*/v1", ""], 2),
        )
            .prop_map(|(verbs, api_groups, resources, resource_names, non_resource_urls)| PolicyRule {
                verbs,
                api_groups,
                resources,
                resource_names,
                non_resource_urls,
            })
    }

    fn url_matches(pattern: &str, path: &str) -> bool {
        match pattern.find(|c| c != '*').map(|_| pattern.trim_end_matches('*')) {
            // Nothing but stars; the empty pattern is the empty path, which no request has.
            None => !pattern.is_empty(),
            Some(prefix) if prefix != pattern => path.as_bytes().starts_with(prefix.as_bytes()),
            Some(exact) => exact == path,
        }
    }

    proptest! {
        #[test]
        fn a_set_grants_the_union_of_its_rules(rules in proptest::collection::vec(rule(), 0..4)) {
            let granted: Vec<HashSet<Grant>> = rules.iter().map(grants).collect();
            let set = Rules::of_cluster_role(&rules);
            for group in GROUPS {
                for resource in RESOURCES {
                    for subresource in SUBRESOURCES {
                        for verb in ASKED_VERBS {
                            for name in NAMES {
                                let request = ResourceRequest {
                                    verb, group, resource, subresource,
                                    name: if name.is_empty() { Name::Absent } else { Name::Is(name) },
                                };
                                let expected: Vec<usize> = (0..rules.len())
                                    .filter(|index| granted[*index].contains(&(group, resource, subresource, verb, name)))
                                    .collect();
                                prop_assert_eq!(set.granting(&request).collect::<Vec<_>>(), expected.clone(), "{:?}", request);
                                prop_assert_eq!(set.allows(&request), expected.first().copied());
                            }
                        }
                    }
                }
            }
        }

        #[test]
        fn urls_are_exact_or_prefixes(rules in proptest::collection::vec(rule(), 0..4), path in select(&PATHS[..]), verb in select(&["get", "post"][..])) {
            let expected = rules.iter().position(|rule| {
                rule.verbs.iter().any(|granted| granted == "*" || granted == verb)
                    && rule.non_resource_urls.iter().any(|pattern| url_matches(pattern, path))
            });
            prop_assert_eq!(Rules::of_cluster_role(&rules).allows_url(verb, path), expected);
            prop_assert_eq!(Rules::of_role(&rules).allows_url(verb, path), None);
        }

        /// Whatever is asked of a cluster admin is granted, and only of one.
        #[test]
        fn a_cluster_admin_may_do_everything(rules in proptest::collection::vec(rule(), 0..4)) {
            let set = Rules::of_cluster_role(&rules);
            let everything = VERBS.iter().all(|verb| {
                // A group and a resource that no rule names: only wildcards reach them.
                set.allows(&ResourceRequest { verb, group: "new.example", resource: "things", subresource: "", name: Name::Every }).is_some()
            });
            prop_assert_eq!(set.is_cluster_admin(), everything);
        }
    }

    fn read(text: &str) -> Role<'_> {
        crate::json::from_str(text).unwrap()
    }

    #[test]
    fn verbs_spread_over_rules_make_a_cluster_admin() {
        let role = read(
            r#"{"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch", "create"]},
                          {"apiGroups": ["*"], "resources": ["*"], "verbs": ["update", "patch", "delete", "deletecollection"]}]}"#,
        );
        assert!(Rules::of_cluster_role(&role.rules).is_cluster_admin());
        assert!(!Rules::of_cluster_role(&role.rules[..1]).is_cluster_admin());
    }

    #[test]
    fn names_narrow() {
        let role = read(
            r#"{"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"], "resourceNames": ["db"]}]}"#,
        );
        let rules = Rules::of_role(&role.rules);
        let ask = |verb, name| rules.allows(&ResourceRequest { verb, group: "", resource: "secrets", subresource: "", name });
        assert_eq!(ask("get", Name::Is("db")), Some(0));
        assert_eq!(ask("get", Name::Is("other")), None);
        assert_eq!(ask("get", Name::Every), None);
        assert_eq!(ask("get", Name::Some), Some(0));
        assert_eq!(ask("list", Name::Absent), None);
        assert_eq!(ask("list", Name::Is("db")), Some(0), "with the field selector metadata.name=db");
    }

    #[test]
    fn nulls_are_absent() {
        let role =
            read(r#"{"metadata": null, "rules": [null, {"verbs": null, "resources": [null]}], "aggregationRule": null}"#);
        assert_eq!(role.rules.len(), 2);
        assert!(role.aggregation_rule.is_none());
        assert_eq!(role.rules[1].resources[0], "");
        assert!(read(r#"{"rules": null}"#).rules.is_empty());
    }

    #[test]
    fn views_read_what_the_api_writes() {
        let strings = |values: &[&str]| Some(values.iter().map(ToString::to_string).collect::<Vec<_>>());
        let written = api::ClusterRole {
            metadata: meta::ObjectMeta { name: Some("reader".into()), ..Default::default() },
            rules: Some(vec![api::PolicyRule {
                verbs: vec!["get".into()],
                api_groups: strings(&["apps"]),
                resources: strings(&["deployments"]),
                resource_names: strings(&["web"]),
                non_resource_urls: strings(&["/healthz"]),
            }]),
            aggregation_rule: Some(api::AggregationRule {
                cluster_role_selectors: Some(vec![meta::LabelSelector {
                    match_labels: Some([("tier".to_owned(), "web".to_owned())].into()),
                    match_expressions: Some(vec![meta::LabelSelectorRequirement {
                        key: "tier".into(),
                        operator: "In".into(),
                        values: strings(&["web"]),
                    }]),
                }]),
            }),
        };
        let text = serde_json::to_string(&written).unwrap();
        let role = read(&text);
        assert_eq!(role.metadata.name, "reader");
        let rule = &role.rules[0];
        for (list, expected) in [
            (&rule.verbs, "get"),
            (&rule.api_groups, "apps"),
            (&rule.resources, "deployments"),
            (&rule.resource_names, "web"),
            (&rule.non_resource_urls, "/healthz"),
        ] {
            assert_eq!(list.iter().map(Str::as_str).collect::<Vec<_>>(), [expected]);
        }
        let selector = &role.aggregation_rule.unwrap().cluster_role_selectors[0];
        assert_eq!(selector.match_labels.get("tier").unwrap(), "web");
        assert_eq!(selector.match_expressions[0].key, "tier");
    }
}
