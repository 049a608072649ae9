//! The objects that the report is made of, sorted by what they are to it.

use std::collections::HashMap;
use std::sync::Arc;

use palisade_harness::kinds;
use palisade_sdk::rbac::GROUP;
use serde_json::Value;

use super::Id;
use crate::input::Object;
use crate::report::{Note, Place};

/// What the documents hold of roles, bindings and those who run as somebody. Of two objects of the same name the later counts.
#[derive(Debug, Default)]
pub struct Objects {
    pub roles: Vec<Known>,
    pub bindings: Vec<Known>,
    pub accounts: Vec<Known>,
    pub workloads: Vec<(Known, Pod)>,
    /// Objects that another one of the same name takes the place of.
    pub notes: Vec<Note>,
}

/// An object with its name.
#[derive(Debug)]
pub struct Known {
    pub id: Id,
    pub object: Object,
}

impl Known {
    /// Where it begins.
    pub fn place(&self) -> Place {
        self.object.locate("")
    }
}

/// What of a pod decides as whom it runs.
#[derive(Debug, PartialEq, Eq)]
pub struct Pod {
    /// The ServiceAccount.
    pub account: String,
    /// Whether it wants the ServiceAccount's token mounted; `None` where that is left to the ServiceAccount.
    pub automount: Option<bool>,
    /// Whether it mounts a token by a volume of its own.
    pub projects_token: bool,
}

/// Where each kind that runs pods keeps their spec: kind, groups and JSON pointer.
const WORKLOADS: &[(&str, &[&str], &str)] = &[
    ("Pod", &[""], "/spec"),
    ("PodTemplate", &[""], "/template/spec"),
    ("ReplicationController", &[""], "/spec/template/spec"),
    ("Deployment", &["apps"], "/spec/template/spec"),
    ("ReplicaSet", &["apps"], "/spec/template/spec"),
    ("DaemonSet", &["apps"], "/spec/template/spec"),
    ("StatefulSet", &["apps"], "/spec/template/spec"),
    ("Job", &["batch"], "/spec/template/spec"),
    ("CronJob", &["batch"], "/spec/jobTemplate/spec/template/spec"),
];

impl Objects {
    /// Sorts the objects. Those that name no namespace are in `namespace`, where their kind has namespaces.
    pub fn of(objects: Vec<Object>, namespace: &str) -> Self {
        let mut all = Self::default();
        let mut workloads = Vec::new();
        for object in objects {
            // A review is a question about an object, which is not in the cluster yet.
            if object.review.is_some() {
                continue;
            }
            let api_version = object.value["apiVersion"].as_str().unwrap_or_default();
            let (group, kind) = (kinds::group_version(api_version).0, object.value["kind"].as_str().unwrap_or_default());
            let id = |kind: &'static str| id_of(&object.value, group, kind, namespace);
            match (group, kind) {
                (GROUP, "Role") => all.roles.push(Known { id: id("Role"), object }),
                (GROUP, "ClusterRole") => all.roles.push(Known { id: id("ClusterRole"), object }),
                (GROUP, "RoleBinding") => all.bindings.push(Known { id: id("RoleBinding"), object }),
                (GROUP, "ClusterRoleBinding") => all.bindings.push(Known { id: id("ClusterRoleBinding"), object }),
                ("", "ServiceAccount") => all.accounts.push(Known { id: id("ServiceAccount"), object }),
                _ => {
                    let workload = WORKLOADS.iter().find(|(known, groups, _)| *known == kind && groups.contains(&group));
                    let spec = workload.and_then(|(.., spec)| object.value.pointer(spec));
                    if let (Some((kind, ..)), Some(spec)) = (workload, spec) {
                        workloads.push((id(kind), Pod::of(spec), object));
                    }
                }
            }
        }
        all.workloads = workloads.into_iter().map(|(id, pod, object)| (Known { id, object }, pod)).collect();
        let Self { roles, bindings, accounts, notes, .. } = &mut all;
        for known in [roles, bindings, accounts] {
            keep_last(known, notes);
        }
        all
    }
}

fn id_of(object: &Value, group: &str, kind: &'static str, default_namespace: &str) -> Id {
    let text = |field: &str| object["metadata"][field].as_str().filter(|text| !text.is_empty());
    let namespace = kinds::is_namespaced(group, kind).then(|| text("namespace").unwrap_or(default_namespace).into());
    let generated = || text("generateName").map(|prefix| format!("{prefix}*"));
    let name = text("name").map(str::to_owned).or_else(generated).unwrap_or_default();
    Id { kind, namespace, name: name.into() }
}

/// Of objects of the same name leaves the last.
fn keep_last(known: &mut Vec<Known>, notes: &mut Vec<Note>) {
    let mut last: HashMap<Id, usize> = HashMap::new();
    for (index, one) in known.iter().enumerate() {
        last.insert(one.id.clone(), index);
    }
    let mut index = 0;
    known.retain(|one| {
        let stays = last.get(&one.id) == Some(&index) || is_generated(&one.id);
        if !stays {
            let message = format!("{} is written again further on, and the last one counts", one.id);
            notes.push(Note { place: one.place(), message });
        }
        index += 1;
        stays
    });
}

/// Objects whose name the API server makes are all different.
fn is_generated(id: &Id) -> bool {
    id.name.is_empty() || id.name.ends_with('*')
}

impl Pod {
    fn of(spec: &Value) -> Self {
        let text = |field: &str| spec[field].as_str().filter(|text| !text.is_empty());
        let sources = spec["volumes"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|volume| volume["projected"]["sources"].as_array().into_iter().flatten());
        Self {
            // The old name of the field counts where the new one is empty.
            account: text("serviceAccountName").or_else(|| text("serviceAccount")).unwrap_or("default").to_owned(),
            automount: spec["automountServiceAccountToken"].as_bool(),
            projects_token: sources.into_iter().any(|source| source["serviceAccountToken"].is_object()),
        }
    }
}

/// The namespace of an object that has one.
pub fn namespace_of(id: &Id) -> Arc<str> {
    id.namespace.clone().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pods_run_as_somebody() {
        let pod = |spec: Value| {
            let Pod { account, automount, projects_token } = Pod::of(&spec);
            (account, automount, projects_token)
        };
        assert_eq!(pod(json!({})), ("default".to_owned(), None, false));
        assert_eq!(pod(json!({"serviceAccount": "old", "serviceAccountName": null})).0, "old");
        assert_eq!(pod(json!({"serviceAccount": "old", "serviceAccountName": "new"})).0, "new");
        let volumes = json!([{"name": "a", "emptyDir": {}}, {"name": "t", "projected": {"sources": [{"configMap": {}}, {"serviceAccountToken": {"path": "t"}}]}}]);
        assert_eq!(
            pod(json!({"automountServiceAccountToken": false, "volumes": volumes})),
            ("default".to_owned(), Some(false), true)
        );
    }
}
