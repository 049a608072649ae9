//! Roles that settings accept.

use super::Role;
use crate::{SettingType, SettingsError, glob, json};

crate::setting! {
    /// A role that is accepted as it is, in a policy's settings.
    pub struct AllowedRole {
        /// Its name, as a glob pattern.
        name: String,
        /// Its namespace, as a glob pattern: then only Roles are meant.
        namespace: Option<String>,
        /// `Role` or `ClusterRole`; both when left out.
        kind: Option<RoleKind>,
        /// Why it is accepted.
        reason: String,
    }
}

/// The kind of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleKind {
    /// `Role`
    Role,
    /// `ClusterRole`
    ClusterRole,
}

impl RoleKind {
    /// The kind of this name in the API group of roles.
    pub fn of(kind: &str) -> Option<Self> {
        match kind {
            "Role" => Some(Self::Role),
            "ClusterRole" => Some(Self::ClusterRole),
            _ => None,
        }
    }
}

impl SettingType for RoleKind {
    const CHOICES: &'static [&'static str] = &["Role", "ClusterRole"];
}

impl json::Read<'_> for RoleKind {
    fn read(reader: &mut json::Reader<'_>) -> Result<Self, json::JsonError> {
        json::read_choice(reader, &[("Role", Self::Role), ("ClusterRole", Self::ClusterRole)])
    }
}

impl AllowedRole {
    /// Whether it is this role.
    pub fn is(&self, kind: RoleKind, role: &Role<'_>, namespace: &str) -> bool {
        let in_namespace = |pattern: &String| kind == RoleKind::Role && glob::matches(pattern, namespace);
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.namespace.as_ref().is_none_or(in_namespace)
            && glob::matches(&self.name, &role.metadata.name)
    }

    /// Refuses a list of them of which one cannot be meant: it has no reason, or accepts every role of every namespace. `list` is the key
    /// of the settings.
    ///
    /// # Errors
    /// With the path of the field.
    pub fn check(allowed: &[Self], list: &str) -> Result<(), SettingsError> {
        let blank = |text: &str| text.trim().is_empty();
        for (index, allowed) in allowed.iter().enumerate() {
            let wrong = |field: &str, problem: &str| {
                Err(SettingsError::new([list, "[", &index.to_string(), "].", field].concat(), problem))
            };
            if blank(&allowed.reason) {
                return wrong("reason", "expected why this role is accepted");
            }
            if blank(&allowed.name) {
                return wrong("name", "expected a name or a glob pattern");
            }
            if allowed.namespace.is_none() && allowed.name.bytes().all(|byte| matches!(byte, b'*' | b'?')) {
                return wrong("name", "expected a narrower pattern, or a namespace: this one accepts every role");
            }
            if allowed.namespace.as_ref().is_some_and(|namespace| blank(namespace)) {
                return wrong("namespace", "expected a name or a glob pattern");
            }
            if allowed.namespace.is_some() && allowed.kind == Some(RoleKind::ClusterRole) {
                return wrong("namespace", "expected none: a ClusterRole is in no namespace");
            }
        }
        Ok(())
    }
}
