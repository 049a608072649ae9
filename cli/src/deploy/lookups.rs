//! What policies look up, and the right of policy-server to read it: no more than the policies of a plan ask for with their settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::str::FromStr;

use palisade_harness::{Metadata, kinds};
use serde_json::{Map, Value};

use super::profiles::{Lookup, Profiles};
use super::resources::{
    ClusterRole, ClusterRoleBinding, ContextAwareResource, ObjectMeta, PolicyRule, Resource, RoleRef, Subject,
};
use super::{DeployError, Object, Plan, VERSION, annotation, labels};

/// The name of the role and of its binding.
pub const ROLE: &str = "palisade-lookups";
/// The verbs that policy-server needs: it keeps a copy of what policies look up, and follows its changes.
pub const VERBS: [&str; 3] = ["get", "list", "watch"];
const RBAC: &str = "rbac.authorization.k8s.io";

/// The ServiceAccount that a PolicyServer runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Default for ServiceAccount {
    /// The one that Kubewarden's charts make, in the namespace that its documentation installs them to.
    fn default() -> Self {
        Self { namespace: "kubewarden".to_owned(), name: "policy-server".to_owned() }
    }
}

impl FromStr for ServiceAccount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err("expected NAMESPACE/NAME, for example kubewarden/policy-server".to_owned()),
        }
    }
}

impl Lookup {
    /// Whether it is asked for with these settings.
    fn is_wanted(&self, resource: &ContextAwareResource, settings: &Map<String, Value>) -> bool {
        let level = |rule: &str| settings.get("rules").and_then(|rules| rules.get(rule));
        let named = |setting: &str| {
            let name = format!("{}/{}", resource.api_version, resource.kind);
            settings.get(setting).and_then(Value::as_array).is_some_and(|names| names.iter().any(|known| *known == name))
        };
        self.unless_off.as_deref().is_none_or(|rule| level(rule).is_none_or(|level| level != "off"))
            && self.named_in.as_deref().is_none_or(named)
    }
}

/// What stands in the way of looking up a kind, if anything does.
pub fn condition<'p>(profiles: &'p Profiles, policy: &str, resource: &ContextAwareResource) -> Option<&'p Lookup> {
    profiles.lookups.iter().find(|lookup| {
        lookup.policy == policy
            && lookup.resources.iter().any(|known| known.api_version == resource.api_version && known.kind == resource.kind)
    })
}

/// Everything that a policy may look up, whatever its settings.
pub fn all(metadata: &Metadata) -> Vec<ContextAwareResource> {
    let resource = |resource: &palisade_harness::ContextAwareResource| ContextAwareResource {
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
    };
    metadata.context_aware_resources.iter().map(resource).collect()
}

/// What a policy may look up with these settings.
pub fn of(profiles: &Profiles, policy: &str, metadata: &Metadata, settings: &Map<String, Value>) -> Vec<ContextAwareResource> {
    let mut resources = all(metadata);
    resources
        .retain(|resource| condition(profiles, policy, resource).is_none_or(|lookup| lookup.is_wanted(resource, settings)));
    resources
}

/// Group and resource of a kind, as RBAC writes them.
pub fn group_and_resource(resource: &ContextAwareResource) -> (String, String) {
    let group = resource.api_version.split_once('/').map_or("", |(group, _)| group);
    (group.to_owned(), kinds::resource(group, &resource.kind))
}

impl Plan {
    /// The role that lets policy-server read what the policies look up, and its binding; nothing if they look up nothing.
    pub(super) fn lookups(&self) -> Vec<Object> {
        let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for resource in self.policies.iter().flat_map(|policy| &policy.lookups) {
            let (group, resource) = group_and_resource(resource);
            groups.entry(group).or_default().insert(resource);
        }
        let Some(account) = self.service_account.as_ref().filter(|_| !groups.is_empty()) else { return Vec::new() };
        let version = self.policies.first().map_or("", |policy| annotation(&policy.metadata, VERSION));
        let metadata = ObjectMeta { name: ROLE.to_owned(), labels: labels(ROLE, "lookups", version), ..ObjectMeta::default() };
        let rule = |(group, resources): (String, BTreeSet<String>)| PolicyRule {
            api_groups: vec![group],
            resources: resources.into_iter().collect(),
            verbs: VERBS.to_vec(),
        };
        let api_version = "rbac.authorization.k8s.io/v1";
        let role = Resource {
            api_version,
            kind: "ClusterRole",
            metadata: metadata.clone(),
            content: ClusterRole { rules: groups.into_iter().map(rule).collect() },
        };
        let binding = Resource {
            api_version,
            kind: "ClusterRoleBinding",
            metadata,
            content: ClusterRoleBinding {
                role_ref: RoleRef { api_group: RBAC, kind: "ClusterRole", name: ROLE.to_owned() },
                subjects: vec![Subject {
                    kind: "ServiceAccount",
                    name: account.name.clone(),
                    namespace: account.namespace.clone(),
                }],
            },
        };
        vec![Object::ClusterRole(Box::new(role)), Object::ClusterRoleBinding(Box::new(binding))]
    }
}

/// What each policy looks up, and when, as a table.
///
/// # Errors
/// When a policy's metadata cannot be read.
pub fn table(profiles: &Profiles) -> Result<String, DeployError> {
    let mut text = String::from("| policy | reads | when |\n| --- | --- | --- |\n");
    for (name, metadata) in super::metadata()? {
        let mut by_condition: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for resource in all(&metadata) {
            let when = match condition(profiles, name, &resource) {
                Some(Lookup { unless_off: Some(rule), .. }) => {
                    format!("the rule `{rule}` is not off; both profiles switch it off")
                }
                Some(Lookup { named_in: Some(setting), .. }) => format!("the setting `{setting}` names the kind"),
                _ => "always".to_owned(),
            };
            let (group, resource) = group_and_resource(&resource);
            let name = if group.is_empty() { resource } else { format!("{resource}.{group}") };
            let names = by_condition.entry(when).or_default();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for (when, names) in by_condition {
            let _ = writeln!(text, "| {name} | {} | {when} |", names.join(", "));
        }
    }
    Ok(text)
}
