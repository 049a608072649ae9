//! What Kubewarden's components may read: policy-server what the policies look up, the audit scanner what they judge, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use palisade_harness::Metadata;

use super::lookups::group_and_resource;
use super::resources::{ClusterRole, ClusterRoleBinding, ObjectMeta, PolicyRule, Resource, RoleRef, Subject};
use super::{Object, Plan, VERSION, annotation, labels};

const RBAC: &str = "rbac.authorization.k8s.io";

/// A ClusterRole, and what its holder does by it.
#[derive(Clone, Copy, Debug)]
pub struct Role {
    /// The name of the role and of its binding.
    pub name: &'static str,
    /// What it is for.
    pub component: &'static str,
    /// The verbs.
    pub verbs: &'static [&'static str],
}

/// Of policy-server, which keeps a copy of what policies look up, and follows its changes.
pub const LOOKUPS: Role = Role { name: "palisade-lookups", component: "lookups", verbs: &["get", "list", "watch"] };
/// Of the audit scanner, whose own role sees neither roles nor bindings.
pub const AUDIT: Role = Role { name: "palisade-audit", component: "audit", verbs: &["get", "list"] };

/// Resources, by API group.
type Groups = BTreeMap<String, BTreeSet<String>>;

/// A ServiceAccount of Kubewarden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
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

/// Who is given rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holders {
    /// What the PolicyServer runs as.
    pub policy_server: ServiceAccount,
    /// What the audit scanner runs as.
    pub audit_scanner: ServiceAccount,
}

impl Default for Holders {
    /// Those that Kubewarden's charts make, in the namespace that its documentation installs them to.
    fn default() -> Self {
        let account = |name: &str| ServiceAccount { namespace: "kubewarden".to_owned(), name: name.to_owned() };
        Self { policy_server: account("policy-server"), audit_scanner: account("audit-scanner") }
    }
}

/// What the audit scanner reads for a policy: the kinds that the policy is asked about when they are made. Not Secrets: to read them all is
/// more than an audit is worth; and none of those that are asked for in every version, which the scanner passes over.
pub fn audited(metadata: &Metadata) -> Vec<(String, String)> {
    let mut audited = Vec::new();
    for rule in &metadata.rules {
        if rule.api_versions.iter().any(|version| version == "*")
            || !rule.operations.iter().any(|operation| operation == "CREATE")
        {
            continue;
        }
        for group in &rule.api_groups {
            for resource in rule.resources.iter().filter(|resource| !(group.is_empty() && *resource == "secrets")) {
                audited.push((group.clone(), resource.clone()));
            }
        }
    }
    audited
}

impl Plan {
    /// The rights that the policies need, as roles and bindings; none where they need nothing.
    pub(super) fn rights(&self) -> Vec<Object> {
        let Some(holders) = &self.holders else { return Vec::new() };
        let mut lookups = Groups::new();
        let mut audit = Groups::new();
        for policy in &self.policies {
            for (group, resource) in policy.lookups.iter().map(group_and_resource) {
                lookups.entry(group).or_default().insert(resource);
            }
            for (group, resource) in audited(&policy.metadata) {
                audit.entry(group).or_default().insert(resource);
            }
        }
        let mut objects = self.role(LOOKUPS, lookups, &holders.policy_server);
        objects.extend(self.role(AUDIT, audit, &holders.audit_scanner));
        objects
    }

    fn role(&self, role: Role, groups: Groups, holder: &ServiceAccount) -> Vec<Object> {
        if groups.is_empty() {
            return Vec::new();
        }
        let version = self.policies.first().map_or("", |policy| annotation(&policy.metadata, VERSION));
        let metadata = ObjectMeta {
            name: role.name.to_owned(),
            labels: labels(role.name, role.component, version),
            ..ObjectMeta::default()
        };
        let rule = |(group, resources): (String, BTreeSet<String>)| PolicyRule {
            api_groups: vec![group],
            resources: resources.into_iter().collect(),
            verbs: role.verbs.to_vec(),
        };
        let api_version = "rbac.authorization.k8s.io/v1";
        let content = ClusterRole { rules: groups.into_iter().map(rule).collect() };
        let cluster_role = Resource { api_version, kind: "ClusterRole", metadata: metadata.clone(), content };
        let subject = Subject { kind: "ServiceAccount", name: holder.name.clone(), namespace: holder.namespace.clone() };
        let content = ClusterRoleBinding {
            role_ref: RoleRef { api_group: RBAC, kind: "ClusterRole", name: role.name.to_owned() },
            subjects: vec![subject],
        };
        let binding = Resource { api_version, kind: "ClusterRoleBinding", metadata, content };
        vec![Object::ClusterRole(Box::new(cluster_role)), Object::ClusterRoleBinding(Box::new(binding))]
    }
}
