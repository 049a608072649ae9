//! What the deployer may accept.

use palisade_sdk::rbac::subjects::{Binding, Who};
use palisade_sdk::{SettingType, SettingsError, glob, json};

palisade_sdk::settings! {
    /// What the deployer may accept.
    pub struct Settings {
        /// Bindings that are accepted: a list of `{name, namespace, kind, role, subject, reason}`. All that is given must match; all but
        /// `kind` and `reason` are glob patterns. `name` is the binding's, `role` is that of `roleRef`, `subject` is written
        /// `User:jane`, `Group:oidc:admins` or `ServiceAccount:shop/web`, and accepts this subject alone. `kind` is `RoleBinding` or
        /// `ClusterRoleBinding`; with `namespace` only RoleBindings in such a namespace are meant. `reason` is mandatory.
        pub allowed_bindings: Vec<AllowedBinding> = Vec::new(),
        /// Namespaces whose ServiceAccounts are the platform's and no application's, as glob patterns: they may be bound to anything
        /// but what equals cluster-admin, in other namespaces and cluster-wide. Whoever may run pods there comes to these rights.
        pub platform_namespaces: Vec<String> = Vec::new(),
    }
}

palisade_sdk::setting! {
    /// A binding that is accepted.
    pub struct AllowedBinding {
        name: Option<String>,
        namespace: Option<String>,
        kind: Option<BindingKind>,
        role: Option<String>,
        subject: Option<String>,
        reason: String,
    }
}

/// The kind of a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingKind {
    /// `RoleBinding`
    RoleBinding,
    /// `ClusterRoleBinding`
    ClusterRoleBinding,
}

impl SettingType for BindingKind {
    const CHOICES: &'static [&'static str] = &["RoleBinding", "ClusterRoleBinding"];
}

impl json::Read<'_> for BindingKind {
    fn read(reader: &mut json::Reader<'_>) -> Result<Self, json::JsonError> {
        json::read_choice(reader, &[("RoleBinding", Self::RoleBinding), ("ClusterRoleBinding", Self::ClusterRoleBinding)])
    }
}

impl AllowedBinding {
    /// Whether it is about this binding, for some subject at least.
    pub fn is_about(&self, kind: BindingKind, binding: &Binding<'_>, namespace: &str) -> bool {
        let matches =
            |pattern: &Option<String>, text: &str| pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, text));
        self.kind.is_none_or(|wanted| wanted == kind)
            && (self.namespace.is_none() || kind == BindingKind::RoleBinding)
            && matches(&self.namespace, namespace)
            && matches(&self.name, &binding.metadata.name)
            && matches(&self.role, &binding.role_ref.name)
    }

    /// Whether this subject is accepted.
    pub fn accepts(&self, who: Who<'_>) -> bool {
        self.subject.as_ref().is_none_or(|pattern| glob::matches(pattern, &who.key()))
    }
}

impl Settings {
    /// Whether a namespace is the platform's.
    pub fn is_platform(&self, namespace: &str) -> bool {
        self.platform_namespaces.iter().any(|pattern| glob::matches(pattern, namespace))
    }

    /// Refuses what cannot be meant.
    pub fn check(&self) -> Result<(), SettingsError> {
        let wrong = |list: &str, index: usize, field: &str, problem: &str| {
            Err(SettingsError::new([list, "[", &index.to_string(), "]", field].concat(), problem))
        };
        let blank = |text: &str| text.trim().is_empty();
        let any = |text: &str| text.bytes().all(|byte| matches!(byte, b'*' | b'?'));
        for (index, allowed) in self.allowed_bindings.iter().enumerate() {
            let list = "allowedBindings";
            let AllowedBinding { name, namespace, kind, role, subject, reason } = allowed;
            if blank(reason) {
                return wrong(list, index, ".reason", "expected why this binding is accepted");
            }
            for (field, pattern) in [(".name", name), (".namespace", namespace), (".role", role), (".subject", subject)] {
                if pattern.as_ref().is_some_and(|pattern| blank(pattern)) {
                    return wrong(list, index, field, "expected a name or a glob pattern");
                }
            }
            if [name, namespace, role, subject].iter().all(|pattern| pattern.as_ref().is_none_or(|pattern| any(pattern))) {
                return wrong(list, index, "", "expected a name, role, subject or namespace: this one accepts every binding");
            }
            // One without a name, or a ServiceAccount without a namespace, would accept nobody.
            let is_subject = |pattern: &String| {
                let name = |kind: &str| pattern.strip_prefix(kind).filter(|name| !blank(name));
                any(pattern)
                    || name("User:").or_else(|| name("Group:")).is_some()
                    || name("ServiceAccount:").is_some_and(|name| name.contains(['/', '*']))
            };
            if subject.as_ref().is_some_and(|pattern| !is_subject(pattern)) {
                return wrong(
                    list,
                    index,
                    ".subject",
                    "expected User:<name>, Group:<name> or ServiceAccount:<namespace>/<name>",
                );
            }
            if namespace.is_some() && *kind == Some(BindingKind::ClusterRoleBinding) {
                return wrong(list, index, ".namespace", "expected none: a ClusterRoleBinding is in no namespace");
            }
        }
        for (index, pattern) in self.platform_namespaces.iter().enumerate() {
            if blank(pattern) || any(pattern) {
                return wrong(
                    "platformNamespaces",
                    index,
                    "",
                    "expected a name, or a pattern that not every namespace matches",
                );
            }
        }
        Ok(())
    }
}
