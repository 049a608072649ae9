//! What a role lets its holder do, where it is bound.

use palisade_sdk::rbac::dangers::{self, Found};
use palisade_sdk::rbac::{self, Name, ResourceRequest, Rules};

use crate::bootstrap::SYSTEM;
use crate::role::{Role, RoleKind};
use crate::subject::cut;

/// Where a binding takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<'n> {
    /// In every namespace, and on what is in none.
    Everywhere,
    /// Where Kubernetes runs itself: who may run pods there, or read the Secrets, is its master.
    System,
    /// In this namespace.
    Namespace(&'n str),
}

impl<'n> Reach<'n> {
    /// The reach of a binding in this namespace; empty for a ClusterRoleBinding.
    pub fn of(namespace: &'n str) -> Self {
        match namespace {
            "" => Self::Everywhere,
            SYSTEM => Self::System,
            namespace => Self::Namespace(namespace),
        }
    }

    /// `in every namespace`
    pub fn words(self) -> String {
        match self {
            Self::Everywhere => "in every namespace".to_owned(),
            Self::System => ["in ", SYSTEM].concat(),
            Self::Namespace(namespace) => ["in namespace ", cut(namespace)].concat(),
        }
    }
}

/// What makes a role too much for many a holder.
pub struct Harm {
    /// It equals cluster-admin, in its reach.
    pub everything: bool,
    /// It grants what one of the user-facing roles grants that write: its name.
    pub like: Option<&'static str>,
    /// It reads every Secret.
    pub secrets: bool,
    /// Single grants that lead to more, the gravest first.
    pub leads: Vec<Found>,
}

/// A resource of the user-facing roles.
struct Held(&'static str, &'static str);

/// What `edit` writes, as far as it matters who holds it.
const EDITED: &[Held] =
    &[Held("", "pods"), Held("", "secrets"), Held("", "configmaps"), Held("", "services"), Held("apps", "deployments")];
/// What `admin` writes beside that.
const ADMINISTERED: &[Held] = &[Held(rbac::GROUP, "roles"), Held(rbac::GROUP, "rolebindings")];

/// Judges a role in its reach.
pub fn of(role: &Role<'_>, reach: Reach<'_>) -> Harm {
    let rules = match role.kind {
        RoleKind::Role => Rules::of_role(&role.rules),
        RoleKind::ClusterRole => Rules::of_cluster_role(&role.rules),
    };
    let secrets = reads_secrets(&rules);
    let writes = |held: &Held| {
        let may = |verb: &str| allows(&rules, verb, held.0, held.1, Name::Every);
        may("create") && (may("update") || may("patch")) && may("delete")
    };
    let edits = secrets && EDITED.iter().all(writes);
    let like = match edits {
        true if ADMINISTERED.iter().all(writes) => Some("admin"),
        true => Some("edit"),
        false => None,
    };
    let reach = match reach {
        Reach::Everywhere => dangers::Reach::Cluster,
        Reach::System | Reach::Namespace(_) => dangers::Reach::Namespace,
    };
    Harm { everything: rules.is_cluster_admin(), like, secrets, leads: dangers::of(&role.rules, reach) }
}

fn allows(rules: &Rules<'_>, verb: &str, group: &str, resource: &str, name: Name<'_>) -> bool {
    rules.allows(&ResourceRequest { verb, group, resource, subresource: "", name }).is_some()
}

/// Whether every Secret in reach can be read; named ones alone cannot be listed.
fn reads_secrets(rules: &Rules<'_>) -> bool {
    allows(rules, "get", "", "secrets", Name::Every)
        || ["list", "watch"].iter().any(|verb| allows(rules, verb, "", "secrets", Name::Absent))
}
