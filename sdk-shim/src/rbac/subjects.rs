//! Whom a binding names, as the API server's authorizer reads it.
//!
//! ```
//! use palisade_sdk::rbac::subjects::{Binding, Class, Who};
//! # let text = r#"{"subjects": [{"kind": "User", "name": "system:serviceaccount:shop:default"}, {"kind": "ServiceAccount", "name": "web"}]}"#;
//! # let binding: Binding<'_> = palisade_sdk::json::from_str(text).unwrap();
//! let who = binding.subjects[0].who("shop");
//! assert_eq!(who, Who::ServiceAccount { namespace: "shop", name: "default" });
//! assert_eq!(who.class(), Class::Default);
//! // A ClusterRoleBinding has no namespace to take it from.
//! assert_eq!(binding.subjects[1].refused_for("").unwrap().0, "namespace");
//! ```
//!
//! Sources: Kubernetes documentation, "Using RBAC Authorization"; `pkg/apis/rbac/validation` of Kubernetes.

use crate::json::{List, Str};
use crate::{glob, rbac};

crate::view! {
    /// `subjects[]` of a binding.
    pub struct Subject<'a> {
        /// `User`, `Group` or `ServiceAccount`.
        pub kind: Str<'a> as "kind",
        /// Its API group; empty for ServiceAccounts, and where it is left out.
        pub api_group: Str<'a> as "apiGroup",
        /// The name.
        pub name: Str<'a> as "name",
        /// Of a ServiceAccount only.
        pub namespace: Str<'a> as "namespace",
    }

    /// `roleRef` of a binding.
    #[derive(PartialEq)]
    pub struct RoleRef<'a> {
        /// `Role` or `ClusterRole`.
        pub kind: Str<'a> as "kind",
        /// The API group.
        pub api_group: Str<'a> as "apiGroup",
        /// The name.
        pub name: Str<'a> as "name",
    }

    /// A RoleBinding or a ClusterRoleBinding.
    pub struct Binding<'a> {
        /// The metadata.
        pub metadata: crate::views::ObjectMeta<'a> as "metadata",
        /// The role that is given.
        pub role_ref: RoleRef<'a> as "roleRef",
        /// Those to whom it is given.
        pub subjects: List<Subject<'a>> as "subjects",
    }
}

/// A holder of rights. Names are compared to the letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who<'s> {
    /// A user, by name.
    User(&'s str),
    /// The members of a group, by name.
    Group(&'s str),
    /// A user too: `system:serviceaccount:<namespace>:<name>`.
    ServiceAccount {
        /// Its namespace; empty where it is not known.
        namespace: &'s str,
        /// Its name.
        name: &'s str,
    },
    /// A kind of subject that there is not.
    Nobody,
}

/// What is special about a holder of rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class<'s> {
    /// `system:masters`, whose members have every right past RBAC.
    Masters,
    /// Whoever reaches the API server, without credentials.
    Anonymous,
    /// Whoever has credentials, pods too.
    Everyone,
    /// All ServiceAccounts of a namespace.
    AccountsOf(&'s str),
    /// The ServiceAccount `default` of some namespace.
    Default,
    /// A node, or a component of the control plane.
    Component,
    /// Nothing.
    Other,
}

const SERVICE_ACCOUNT: &str = "system:serviceaccount:";
const ACCOUNTS_OF: &str = "system:serviceaccounts:";

/// Names of users and groups with a class of their own. A name of the wrong kind grants nothing until somebody corrects the kind.
const SPECIAL: &[(&str, bool, Class<'static>)] = &[
    ("system:masters", true, Class::Masters),
    ("system:anonymous", false, Class::Anonymous),
    ("system:unauthenticated", true, Class::Anonymous),
    ("system:authenticated", true, Class::Everyone),
    // Of OpenShift: `system:authenticated:oauth`.
    ("system:authenticated:*", true, Class::Everyone),
    ("system:serviceaccounts", true, Class::Everyone),
    ("system:nodes", true, Class::Component),
    ("system:bootstrappers", true, Class::Component),
    ("system:bootstrappers:*", true, Class::Component),
    ("system:bootstrap:*", false, Class::Component),
    ("system:node:*", false, Class::Component),
    ("system:apiserver", false, Class::Component),
    ("system:kube-*", false, Class::Component),
];

impl Subject<'_> {
    /// Whom the subject stands for. In a RoleBinding a ServiceAccount without a namespace is of the binding's.
    pub fn who<'s>(&'s self, binding_namespace: &'s str) -> Who<'s> {
        let name = self.name.as_str();
        match self.kind.as_str() {
            "ServiceAccount" => {
                let namespace = if self.namespace.is_empty() { binding_namespace } else { self.namespace.as_str() };
                Who::ServiceAccount { namespace, name }
            }
            "User" => match name.strip_prefix(SERVICE_ACCOUNT).and_then(|rest| rest.split_once(':')) {
                Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => Who::ServiceAccount { namespace, name },
                _ => Who::User(name),
            },
            "Group" => Who::Group(name),
            _ => Who::Nobody,
        }
    }

    /// The field for which the API server refuses the subject, and why.
    pub fn refused_for(&self, binding_namespace: &str) -> Option<(&'static str, &'static str)> {
        let group = self.api_group.as_str();
        match self.kind.as_str() {
            _ if self.name.is_empty() => Some(("name", "is empty, so that the subject names nobody")),
            "ServiceAccount" if !group.is_empty() => {
                Some(("apiGroup", "must be left out: ServiceAccounts are in the core group"))
            }
            "ServiceAccount" if self.namespace.is_empty() && binding_namespace.is_empty() => {
                Some(("namespace", "is missing: a ClusterRoleBinding has no namespace to take it from"))
            }
            "User" | "Group" if !group.is_empty() && group != rbac::GROUP => {
                Some(("apiGroup", "must be rbac.authorization.k8s.io, which is also meant when it is left out"))
            }
            "ServiceAccount" | "User" | "Group" => None,
            _ => Some(("kind", "is none of User, Group and ServiceAccount")),
        }
    }
}

impl<'s> Who<'s> {
    /// What is special about it.
    pub fn class(self) -> Class<'s> {
        let name = match self {
            Self::ServiceAccount { name: "default", .. } => return Class::Default,
            Self::ServiceAccount { .. } | Self::Nobody => return Class::Other,
            Self::User(name) | Self::Group(name) => name,
        };
        if let Some(namespace) = name.strip_prefix(ACCOUNTS_OF).filter(|namespace| !namespace.is_empty()) {
            return Class::AccountsOf(namespace);
        }
        // It stood for every user when RBAC was new, and still is written to that end.
        if name == rbac::ALL {
            return Class::Everyone;
        }
        SPECIAL.iter().find(|(special, ..)| glob::matches(special, name)).map_or(Class::Other, |(.., class)| *class)
    }

    /// Whether it is of the wrong kind for its special name, and so stands for nobody yet.
    pub fn is_misnamed(self) -> bool {
        let (name, is_group) = match self {
            Self::User(name) => (name, false),
            Self::Group(name) => (name, true),
            _ => return false,
        };
        name == rbac::ALL
            || (!is_group && name.starts_with(ACCOUNTS_OF))
            || SPECIAL.iter().any(|(special, group, _)| *group != is_group && glob::matches(special, name))
    }

    /// As settings name it: `User:jane`, `Group:team`, `ServiceAccount:shop/web`.
    pub fn key(self) -> String {
        match self {
            Self::User(name) => ["User:", name].concat(),
            Self::Group(name) => ["Group:", name].concat(),
            Self::ServiceAccount { namespace, name } => ["ServiceAccount:", namespace, "/", name].concat(),
            Self::Nobody => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_who_is_meant() {
        let class = |kind: &'static str, name: &'static str| {
            let subject = Subject { kind: kind.into(), name: name.into(), ..Subject::default() };
            let who = subject.who("shop");
            (format!("{:?}", who.class()), who.is_misnamed(), who.key())
        };
        for (kind, name, expected, misnamed, key) in [
            ("User", "ann", "Other", false, "User:ann"),
            ("User", "system:serviceaccount:shop:web", "Other", false, "ServiceAccount:shop/web"),
            ("User", "system:serviceaccount:shop:default", "Default", false, "ServiceAccount:shop/default"),
            ("User", "system:serviceaccount::web", "Other", false, "User:system:serviceaccount::web"),
            ("ServiceAccount", "web", "Other", false, "ServiceAccount:shop/web"),
            ("User", "system:anonymous", "Anonymous", false, "User:system:anonymous"),
            ("Group", "system:anonymous", "Anonymous", true, "Group:system:anonymous"),
            ("Group", "system:authenticated:oauth", "Everyone", false, "Group:system:authenticated:oauth"),
            ("Group", "system:serviceaccounts:shop", "AccountsOf(\"shop\")", false, "Group:system:serviceaccounts:shop"),
            ("User", "*", "Everyone", true, "User:*"),
            ("Group", "system:masters", "Masters", false, "Group:system:masters"),
            ("User", "system:node:n1", "Component", false, "User:system:node:n1"),
            ("Robot", "x", "Other", false, ""),
        ] {
            assert_eq!(class(kind, name), (expected.to_owned(), misnamed, key.to_owned()), "{kind} {name}");
        }
    }
}
