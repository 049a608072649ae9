//! The roles and bindings that every cluster has: the API server makes them when it starts.
//!
//! They are written in a table, `bootstrap.yaml`, which is read when something first asks for them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use palisade_sdk::rbac::GROUP;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::yaml;

/// The version of [`GROUP`] that clusters serve.
pub const API_VERSION: &str = "rbac.authorization.k8s.io/v1";

/// `admin`, `edit` and `view` take the rules of the ClusterRoles with this label, followed by their name.
const AGGREGATE_TO: &str = "rbac.authorization.k8s.io/aggregate-to-";

static ALL: LazyLock<Bootstrap> = LazyLock::new(|| Bootstrap::read(include_str!("bootstrap.yaml")));

/// The ClusterRoles and Roles, as they are created: those that are aggregated have no rules yet.
pub fn roles() -> &'static [Value] {
    &ALL.roles
}

/// The ClusterRoleBindings and RoleBindings.
pub fn bindings() -> &'static [Value] {
    &ALL.bindings
}

struct Bootstrap {
    roles: Vec<Value>,
    bindings: Vec<Value>,
}

/// A line of the table: a role and its binding.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    into: Option<String>,
    #[serde(default)]
    aggregates: Option<String>,
    #[serde(default, rename = "bound to")]
    bound_to: Option<Vec<String>>,
    #[serde(default)]
    binding: Option<String>,
    #[serde(default)]
    rules: Vec<String>,
}

impl Bootstrap {
    fn read(text: &str) -> Self {
        // The table is part of this crate, and a test reads it.
        let lines: BTreeMap<String, Line> = yaml::from_str(text).unwrap_or_default();
        let mut all = Self { roles: Vec::with_capacity(lines.len()), bindings: Vec::new() };
        for (name, line) in lines {
            let named = match name.split_once('/') {
                Some((namespace, name)) => Named { namespace: Some(namespace), name },
                None => Named { namespace: None, name: &name },
            };
            all.bindings.extend(line.bound_to.as_ref().map(|subjects| named.binding(line.binding.as_deref(), subjects)));
            all.roles.push(named.role(&line));
        }
        all
    }
}

/// What a line is called.
struct Named<'l> {
    namespace: Option<&'l str>,
    name: &'l str,
}

impl Named<'_> {
    fn object(&self, name: &str, kind: &str) -> Value {
        let mut metadata = json!({
            "name": name,
            "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
            "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
        });
        if let Some(namespace) = self.namespace {
            metadata["namespace"] = namespace.into();
        }
        let cluster = if self.namespace.is_none() { "Cluster" } else { "" };
        json!({"apiVersion": API_VERSION, "kind": format!("{cluster}{kind}"), "metadata": metadata})
    }

    fn role(&self, line: &Line) -> Value {
        let mut role = self.object(self.name, "Role");
        role["rules"] = line.rules.iter().map(|rule| policy_rule(rule)).collect();
        if let Some(other) = &line.into {
            role["metadata"]["labels"][format!("{AGGREGATE_TO}{other}")] = "true".into();
        }
        if let Some(own) = &line.aggregates {
            let label = format!("{AGGREGATE_TO}{own}");
            role["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": {label: "true"}}]});
        }
        role
    }

    fn binding(&self, name: Option<&str>, subjects: &[String]) -> Value {
        let mut binding = self.object(name.unwrap_or(self.name), "RoleBinding");
        let kind = if self.namespace.is_none() { "ClusterRole" } else { "Role" };
        binding["roleRef"] = json!({"apiGroup": GROUP, "kind": kind, "name": self.name});
        binding["subjects"] = subjects
            .iter()
            .filter_map(|subject| subject.split_once(' '))
            .map(|(kind, name)| match name.split_once('/') {
                Some((namespace, name)) => json!({"kind": kind, "namespace": namespace, "name": name}),
                None => json!({"apiGroup": GROUP, "kind": kind, "name": name}),
            })
            .collect();
        binding
    }
}

/// `get list | core apps | pods deployments | names`, or `get | /healthz /version`.
fn policy_rule(text: &str) -> Value {
    let parts =
        text.split('|').map(|part| part.split_whitespace().map(|word| if word == "core" { "" } else { word }).collect());
    match parts.collect::<Vec<Vec<&str>>>().as_slice() {
        [verbs, groups, resources] => json!({"verbs": verbs, "apiGroups": groups, "resources": resources}),
        [verbs, groups, resources, names] => {
            json!({"verbs": verbs, "apiGroups": groups, "resources": resources, "resourceNames": names})
        }
        [verbs, urls] => json!({"verbs": verbs, "nonResourceURLs": urls}),
        _ => json!({"verbs": []}),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use k8s_openapi::api::rbac::v1 as api;
    use palisade_sdk::rbac::bootstrap::is_cluster_role;

    use super::*;

    #[test]
    fn the_table_holds_valid_objects() {
        let lines: BTreeMap<String, Line> = yaml::from_str(include_str!("bootstrap.yaml")).unwrap();
        assert_eq!(roles().len(), lines.len());
        let mut names = HashSet::new();
        for role in roles() {
            let (metadata, rules, is_aggregated) = if role["kind"] == "Role" {
                let read: api::Role = serde_json::from_value(role.clone()).unwrap();
                assert_eq!(&serde_json::to_value(&read).unwrap(), role);
                (read.metadata, read.rules, false)
            } else {
                let read: api::ClusterRole = serde_json::from_value(role.clone()).unwrap();
                assert_eq!(&serde_json::to_value(&read).unwrap(), role);
                assert!(is_cluster_role(read.metadata.name.as_deref().unwrap()), "{role}");
                (read.metadata, read.rules, read.aggregation_rule.is_some())
            };
            let rules = rules.unwrap_or_default();
            assert_eq!(rules.is_empty(), is_aggregated, "{role}");
            for rule in rules {
                let resources = rule.resources.unwrap_or_default();
                let urls = rule.non_resource_urls.unwrap_or_default();
                assert_eq!(rule.api_groups.unwrap_or_default().is_empty(), resources.is_empty());
                assert!(!rule.verbs.is_empty() && resources.is_empty() != urls.is_empty(), "{role}");
                assert!(urls.iter().all(|url| url == "*" || url.starts_with('/')), "{role}");
            }
            names.insert((role["kind"].clone(), metadata.namespace, metadata.name));
        }
        assert!(names.len() > 70, "{}", names.len());
        for binding in bindings() {
            let (role, subjects) = if binding["kind"] == "RoleBinding" {
                let read: api::RoleBinding = serde_json::from_value(binding.clone()).unwrap();
                (("Role".into(), read.metadata.namespace, Some(read.role_ref.name)), read.subjects)
            } else {
                let read: api::ClusterRoleBinding = serde_json::from_value(binding.clone()).unwrap();
                (("ClusterRole".into(), None, Some(read.role_ref.name)), read.subjects)
            };
            assert!(names.contains(&role), "{binding}");
            let is_known = |subject: &api::Subject| subject.name.starts_with("system:") != (subject.kind == "ServiceAccount");
            assert!(subjects.unwrap_or_default().iter().all(is_known), "{binding}");
        }
    }

    #[test]
    fn controllers_are_bound_to_their_service_accounts() {
        let controllers = |values: &'static [Value]| -> Vec<(&Value, &str)> {
            let name = |value: &'static Value| value["metadata"]["name"].as_str()?.strip_prefix("system:controller:");
            let of_cluster = values.iter().filter(|value| value["metadata"]["namespace"].is_null());
            of_cluster.filter_map(|value| Some((value, name(value)?))).collect()
        };
        for (binding, controller) in controllers(bindings()) {
            let subject = json!([{"kind": "ServiceAccount", "namespace": "kube-system", "name": controller}]);
            assert_eq!(binding["subjects"], subject);
        }
        assert_eq!(controllers(roles()).len(), controllers(bindings()).len());
    }
}
