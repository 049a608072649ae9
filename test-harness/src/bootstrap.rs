//! The roles and ClusterRoleBindings that every cluster has: the API server makes them when it starts.
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

/// The ClusterRoles, as they are created: those that are aggregated have no rules yet.
pub fn cluster_roles() -> &'static [Value] {
    &ALL.roles
}

/// The Roles, in `kube-system` and `kube-public`.
pub fn roles() -> &'static [Value] {
    &ALL.namespaced
}

/// The ClusterRoleBindings.
pub fn cluster_role_bindings() -> &'static [Value] {
    &ALL.bindings
}

struct Bootstrap {
    roles: Vec<Value>,
    namespaced: Vec<Value>,
    bindings: Vec<Value>,
}

/// A line of the table: a ClusterRole and its ClusterRoleBinding, or a Role.
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
    rules: Vec<String>,
}

impl Bootstrap {
    fn read(text: &str) -> Self {
        // The table is part of this crate, and a test reads it.
        let lines: BTreeMap<String, Line> = yaml::from_str(text).unwrap_or_default();
        let mut all = Self { roles: Vec::with_capacity(lines.len()), namespaced: Vec::new(), bindings: Vec::new() };
        for (name, line) in lines {
            if let Some((namespace, name)) = name.split_once('/') {
                let mut role = role(name, &line);
                role["kind"] = "Role".into();
                role["metadata"]["namespace"] = namespace.into();
                all.namespaced.push(role);
                continue;
            }
            all.bindings.extend(line.bound_to.as_ref().map(|subjects| binding(&name, subjects)));
            all.roles.push(role(&name, &line));
        }
        all
    }
}

fn metadata(name: &str) -> Value {
    json!({
        "name": name,
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    })
}

fn role(name: &str, line: &Line) -> Value {
    let rules: Vec<Value> = line.rules.iter().map(|rule| policy_rule(rule)).collect();
    let mut role = json!({"apiVersion": API_VERSION, "kind": "ClusterRole", "metadata": metadata(name), "rules": rules});
    if let Some(other) = &line.into {
        role["metadata"]["labels"][format!("{AGGREGATE_TO}{other}")] = "true".into();
    }
    if let Some(own) = &line.aggregates {
        let label = format!("{AGGREGATE_TO}{own}");
        role["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": {label: "true"}}]});
    }
    role
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

fn binding(name: &str, subjects: &[String]) -> Value {
    let subjects: Vec<Value> = subjects
        .iter()
        .filter_map(|subject| subject.split_once(' '))
        .map(|(kind, name)| match name.split_once('/') {
            Some((namespace, name)) => json!({"kind": kind, "namespace": namespace, "name": name}),
            None => json!({"apiGroup": GROUP, "kind": kind, "name": name}),
        })
        .collect();
    json!({
        "apiVersion": API_VERSION,
        "kind": "ClusterRoleBinding",
        "metadata": metadata(name),
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": name},
        "subjects": subjects,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use k8s_openapi::api::rbac::v1 as api;

    use super::*;

    #[test]
    fn the_table_holds_valid_objects() {
        let lines: BTreeMap<String, Line> = yaml::from_str(include_str!("bootstrap.yaml")).unwrap();
        assert_eq!(cluster_roles().len() + roles().len(), lines.len());
        for role in roles() {
            let read: api::Role = serde_json::from_value(role.clone()).unwrap();
            assert_eq!(&serde_json::to_value(&read).unwrap(), role);
            assert!(read.rules.unwrap_or_default().iter().all(|rule| !rule.verbs.is_empty()), "{role}");
        }
        assert!(lines.len() > 60, "{}", lines.len());
        let mut names = HashSet::new();
        for role in cluster_roles() {
            let read: api::ClusterRole = serde_json::from_value(role.clone()).unwrap();
            assert_eq!(&serde_json::to_value(&read).unwrap(), role);
            assert!(
                palisade_sdk::rbac::bootstrap::is_cluster_role(read.metadata.name.as_deref().unwrap_or_default()),
                "{role}"
            );
            let rules = read.rules.unwrap_or_default();
            assert_eq!(rules.is_empty(), read.aggregation_rule.is_some(), "{role}");
            for rule in rules {
                let resources = rule.resources.unwrap_or_default();
                let urls = rule.non_resource_urls.unwrap_or_default();
                assert_eq!(rule.api_groups.unwrap_or_default().is_empty(), resources.is_empty());
                assert!(!rule.verbs.is_empty() && resources.is_empty() != urls.is_empty(), "{role}");
                assert!(urls.iter().all(|url| url == "*" || url.starts_with('/')), "{role}");
            }
            names.insert(read.metadata.name.unwrap());
        }
        for binding in cluster_role_bindings() {
            let read: api::ClusterRoleBinding = serde_json::from_value(binding.clone()).unwrap();
            assert!(names.contains(&read.role_ref.name), "{binding}");
            assert!(
                read.subjects
                    .unwrap_or_default()
                    .iter()
                    .all(|subject| subject.name.starts_with("system:") == (subject.kind != "ServiceAccount"))
            );
        }
    }

    #[test]
    fn controllers_are_bound_to_their_service_accounts() {
        for binding in cluster_role_bindings() {
            let name = binding["metadata"]["name"].as_str().unwrap();
            if let Some(controller) = name.strip_prefix("system:controller:") {
                let subject = json!([{"kind": "ServiceAccount", "namespace": "kube-system", "name": controller}]);
                assert_eq!(binding["subjects"], subject);
            }
        }
        let controllers = |values: &[Value]| {
            values.iter().filter(|value| value["metadata"]["name"].as_str().unwrap().starts_with("system:controller:")).count()
        };
        assert_eq!(controllers(cluster_roles()), controllers(cluster_role_bindings()));
    }
}
