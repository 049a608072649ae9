//! What a role lets its holder do, where it is bound.

use palisade_sdk::rbac::dangers::{self, Class, Found, Grade};
use palisade_sdk::rbac::{Rules, Within};

use crate::bootstrap::SYSTEM;
use crate::role::{Role, RoleKind};
use crate::words::cut;

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
    /// How much it is as a whole.
    pub grade: Grade,
    /// Single grants that lead to more, the gravest first. Those on Secrets are not here: the grade says who reads them.
    pub leads: Vec<Found>,
}

impl Harm {
    /// Judges a role in its reach.
    pub fn of(role: &Role<'_>, reach: Reach<'_>) -> Self {
        let (rules, within) = match (reach, role.kind) {
            (Reach::Everywhere, RoleKind::ClusterRole) => (Rules::of_cluster_role(&role.rules), Within::Cluster),
            _ => (Rules::of_role(&role.rules), Within::Namespace),
        };
        let is_of_secrets =
            |found: &Found| matches!(found.danger.class, Class::SecretToken | Class::SecretRead | Class::SecretWrite);
        let found = dangers::find(&rules, within).into_iter().filter(|found| !is_of_secrets(found));
        // What still wants a second grant leads nowhere yet.
        let (mut leads, wanting): (Vec<_>, Vec<_>) = found.partition(Found::is_usable);
        leads.extend(wanting);
        Self { grade: dangers::grade(&rules), leads }
    }

    /// The user-facing role that it equals, as far as it matters.
    pub fn like(&self) -> Option<&'static str> {
        match self.grade {
            Grade::Admin => Some("admin"),
            Grade::Edit => Some("edit"),
            _ => None,
        }
    }
}
