//! Whom a binding names, as the API server's authorizer reads it.

use palisade_sdk::rbac;
use palisade_sdk::{List, Str, glob};

palisade_sdk::view! {
    /// `subjects[]` of a binding.
    pub struct Subject<'a> {
        pub kind: Str<'a> as "kind",
        pub api_group: Str<'a> as "apiGroup",
        pub name: Str<'a> as "name",
        pub namespace: Str<'a> as "namespace",
    }

    /// `roleRef` of a binding.
    #[derive(PartialEq)]
    pub struct RoleRef<'a> {
        pub kind: Str<'a> as "kind",
        pub api_group: Str<'a> as "apiGroup",
        pub name: Str<'a> as "name",
    }

    /// A RoleBinding or a ClusterRoleBinding.
    pub struct Binding<'a> {
        pub metadata: palisade_sdk::views::ObjectMeta<'a> as "metadata",
        pub role_ref: RoleRef<'a> as "roleRef",
        pub subjects: List<Subject<'a>> as "subjects",
    }
}

/// A holder of rights. Names are compared to the letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who<'s> {
    User(&'s str),
    Group(&'s str),
    /// A user too: `system:serviceaccount:<namespace>:<name>`. The namespace is empty where it is not known.
    ServiceAccount {
        namespace: &'s str,
        name: &'s str,
    },
    /// A kind of subject that there is not.
    Nobody,
}

/// What is special about a holder of rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class<'s> {
    Masters,
    Anonymous,
    Everyone,
    /// All ServiceAccounts of a namespace.
    AccountsOf(&'s str),
    /// The ServiceAccount `default` of some namespace.
    Default,
    /// A node, or a component of the control plane.
    Component,
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

    /// As messages name it.
    pub fn words(self) -> String {
        match self {
            Self::User(name) => ["user ", cut(name)].concat(),
            Self::Group(name) => ["group ", cut(name)].concat(),
            Self::ServiceAccount { namespace: "", name } => ["ServiceAccount ", cut(name)].concat(),
            Self::ServiceAccount { namespace, name } => ["ServiceAccount ", cut(namespace), "/", cut(name)].concat(),
            Self::Nobody => "nobody".to_owned(),
        }
    }
}

/// Texts of the object are quoted up to a length.
pub fn cut(text: &str) -> &str {
    const LENGTH: usize = 100;
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}
