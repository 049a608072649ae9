//! Grants that lead to more: which of them a set of rules makes, and how much it grants as a whole.
//!
//! [`find`] asks it of the rules of one role, or of several put together; [`grade`] measures them by the roles that Kubernetes
//! delivers, whatever a role is called. A policy that speaks of each rule and each entry by itself asks [`Facts`].
//!
//! ```
//! use palisade_sdk::rbac::dangers::{self, Class, Grade, Reach};
//! use palisade_sdk::rbac::{PolicyRule, Rules, Within};
//! # let text = r#"[{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["db"]},
//! #                {"apiGroups": [""], "resources": ["pods/*", "*/exec"], "verbs": ["create"]}]"#;
//! # let rules: Vec<PolicyRule<'_>> = palisade_sdk::json::from_str(text).unwrap();
//! let rules = Rules::of_role(&rules);
//! let found = dangers::find(&rules, Within::Namespace);
//! assert_eq!(found[0].danger.class, Class::PodAccess);
//! assert_eq!(found[0].rule, 1);
//! assert_eq!(found[0].grant(), "create on pods/exec");
//! assert!(found[0].danger.lets.starts_with("run commands in any pod"));
//! // Of Secrets it is told how far the grant goes, for it matters also where it is narrow.
//! assert_eq!((found[1].danger.class, found[1].reach), (Class::SecretRead, Reach::Named));
//! assert_eq!(dangers::grade(&rules), Grade::Less);
//! ```
//!
//! Sources: Kubernetes documentation, "RBAC Good Practices"; CIS Kubernetes Benchmark 5.1.

use super::{ALL, Name, PolicyRule, ResourceRequest, Rules, Within};

/// The verbs that are told apart, in the order of their bits in a [`Verbs`].
pub const VERBS: [&str; 16] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    // Verbs that components check on their own.
    "escalate",
    "bind",
    "impersonate",
    // Constrained impersonation (KEP-5284). `impersonate:associated-node` is left out: it narrows to the holder's own node.
    "impersonate:user-info",
    "impersonate:serviceaccount",
    "impersonate:arbitrary-node",
    "approve",
    "sign",
];

/// A set of [`VERBS`], and [`STAR`].
pub type Verbs = u32;

/// `get`
pub const GET: Verbs = 1;
/// `list`
pub const LIST: Verbs = 1 << 1;
/// `watch`
pub const WATCH: Verbs = 1 << 2;
/// `create`
pub const CREATE: Verbs = 1 << 3;
/// `update`
pub const UPDATE: Verbs = 1 << 4;
/// `patch`
pub const PATCH: Verbs = 1 << 5;
/// `delete`
pub const DELETE: Verbs = 1 << 6;
/// `deletecollection`
pub const DELETE_COLLECTION: Verbs = 1 << 7;
/// `escalate`
pub const ESCALATE: Verbs = 1 << 8;
/// `bind`
pub const BIND: Verbs = 1 << 9;
/// `impersonate`
pub const IMPERSONATE: Verbs = 1 << 10;
/// `impersonate:user-info`, `impersonate:serviceaccount`, `impersonate:arbitrary-node`
pub const IMPERSONATE_CONSTRAINED: Verbs = (1 << 11) | (1 << 12) | (1 << 13);
/// `approve`
pub const APPROVE: Verbs = 1 << 14;
/// `sign`
pub const SIGN: Verbs = 1 << 15;
/// The verb `*`.
pub const STAR: Verbs = 1 << 31;

/// Verbs that read.
pub const READ: Verbs = GET | LIST | WATCH;
/// Verbs that make or change an object.
pub const CHANGE: Verbs = CREATE | UPDATE | PATCH;
/// Verbs that write.
pub const WRITE: Verbs = CHANGE | DELETE | DELETE_COLLECTION;
/// Verbs whose requests name no object, of resources that are no subresources.
pub const NAMELESS: Verbs = LIST | WATCH | CREATE | DELETE_COLLECTION;
/// Verbs that say by themselves what is meant.
pub const TELLING: Verbs = ESCALATE | BIND | IMPERSONATE | IMPERSONATE_CONSTRAINED | APPROVE | SIGN;

/// The bit of a verb, or of `*`; nothing for a verb that is not told apart.
pub fn verb_bit(verb: &str) -> Verbs {
    if verb == ALL {
        return STAR;
    }
    VERBS.iter().position(|known| *known == verb).map_or(0, |bit| 1 << bit)
}

/// `create, update`; without `*`.
pub fn verb_names(verbs: Verbs) -> String {
    let mut text = String::new();
    for (bit, verb) in VERBS.iter().enumerate() {
        if verbs & (1 << bit) != 0 {
            if !text.is_empty() {
                text.push_str(", ");
            }
            text.push_str(verb);
        }
    }
    text
}

/// What a grant leads to, the gravest first. Each has the id of a rule of the policies that look for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Writing rights into a role that one does not have.
    Escalate,
    /// Binding roles with rights that one does not have.
    Bind,
    /// Acting as somebody else.
    Impersonate,
    /// Creating tokens of ServiceAccounts.
    ServiceAccountToken,
    /// Approving or signing certificate requests.
    CertificateApproval,
    /// The kubelet's own API.
    NodeProxy,
    /// Writing webhook configurations and admission policies.
    AdmissionWrite,
    /// Writing APIServices and CustomResourceDefinitions.
    ApiWrite,
    /// Writing roles and bindings.
    RoleWrite,
    /// Coming into pods that run.
    PodAccess,
    /// Changing namespaces, and so their labels.
    NamespaceLabels,
    /// Creating PersistentVolumes.
    PersistentVolume,
    /// Creating and reading Secrets, which makes tokens of ServiceAccounts.
    SecretToken,
    /// Reading Secrets.
    SecretRead,
    /// Writing Secrets.
    SecretWrite,
    /// Writing what runs pods.
    WorkloadWrite,
}

impl Class {
    /// In kebab case: `pod-access`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Escalate => "escalate",
            Self::Bind => "bind",
            Self::Impersonate => "impersonate",
            Self::ServiceAccountToken => "service-account-token",
            Self::CertificateApproval => "certificate-approval",
            Self::NodeProxy => "node-proxy",
            Self::AdmissionWrite => "admission-write",
            Self::ApiWrite => "api-write",
            Self::RoleWrite => "role-write",
            Self::PodAccess => "pod-access",
            Self::NamespaceLabels => "namespace-labels",
            Self::PersistentVolume => "persistent-volume",
            Self::SecretToken => "secret-token",
            Self::SecretRead => "secret-read",
            Self::SecretWrite => "secret-write",
            Self::WorkloadWrite => "workload-write",
        }
    }

    /// Whether only those should hold it who run the cluster. The rest is what applications and those who deploy them may need.
    pub const fn is_grave(self) -> bool {
        !matches!(self, Self::SecretToken | Self::SecretRead | Self::SecretWrite | Self::WorkloadWrite)
    }
}

/// The API groups that hold dangers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Group {
    /// The core group.
    Core,
    /// `rbac.authorization.k8s.io`
    Rbac,
    /// `authentication.k8s.io`
    Authentication,
    /// `certificates.k8s.io`
    Certificates,
    /// `admissionregistration.k8s.io`
    Admission,
    /// `apiregistration.k8s.io`
    Registration,
    /// `apiextensions.k8s.io`
    Extensions,
    /// `apps`
    Apps,
    /// `batch`
    Batch,
}

/// Their names, in the order of [`Group`].
pub const GROUPS: [&str; 9] = [
    "",
    super::GROUP,
    "authentication.k8s.io",
    "certificates.k8s.io",
    "admissionregistration.k8s.io",
    "apiregistration.k8s.io",
    "apiextensions.k8s.io",
    "apps",
    "batch",
];

impl Group {
    /// As rules name it.
    pub fn name(self) -> &'static str {
        GROUPS.get(self as usize).copied().unwrap_or_default()
    }
}

/// How far `resourceNames` make a grant harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// They do.
    Narrow,
    /// They do not: one object is enough.
    DoNotHelp,
    /// They do, unless one of these is among them: an index into [`POWERFUL`].
    Except(usize),
    /// They narrow it, and what is left is still worth telling.
    Tell,
}

/// Roles that lead to every right.
const ROLES: usize = 0;
/// Users and groups that hold every right.
const IDENTITIES: usize = 1;
/// Signers whose certificates the API server takes as credentials.
const SIGNERS: usize = 2;

/// The names that no narrowing may include.
pub const POWERFUL: [&[&str]; 3] = [
    &[
        "cluster-admin",
        "system:controller:clusterrole-aggregation-controller",
        "system:kube-controller-manager",
        "system:kubelet-api-admin",
        "system:node",
    ],
    &["system:masters", "kubeadm:cluster-admins", "system:kube-controller-manager"],
    &["kubernetes.io/kube-apiserver-client", "kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/*"],
];

/// The lowest of the user-facing roles that holds a grant as Kubernetes delivers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum HeldBy {
    /// `edit`, and so `admin`.
    Edit,
    /// `admin`
    Admin,
    /// Neither of them.
    Nobody,
}

/// A second grant without which a danger is not yet usable: an index into [`PARTNERS`].
pub type Partner = Option<usize>;

/// A grant that makes another one usable: any of the verbs on any of the resources.
#[derive(Debug)]
pub struct Second {
    /// The group of the resources.
    pub group: Group,
    /// The resources.
    pub resources: &'static [&'static str],
    /// Empty for the resources themselves.
    pub subresource: &'static str,
    /// The verbs.
    pub verbs: &'static [&'static str],
    /// Which objects it must be granted on.
    pub name: Name<'static>,
}

/// The second grants.
pub static PARTNERS: [Second; 7] = [
    Second {
        group: Group::Rbac,
        resources: &["roles", "clusterroles"],
        subresource: "",
        verbs: &["update", "patch", "create"],
        name: Name::Some,
    },
    Second {
        group: Group::Rbac,
        resources: &["rolebindings", "clusterrolebindings"],
        subresource: "",
        verbs: &["create", "update", "patch"],
        name: Name::Some,
    },
    Second {
        group: Group::Certificates,
        resources: &["certificatesigningrequests"],
        subresource: "approval",
        verbs: &["update", "patch"],
        name: Name::Some,
    },
    Second {
        group: Group::Certificates,
        resources: &["certificatesigningrequests"],
        subresource: "status",
        verbs: &["update", "patch"],
        name: Name::Some,
    },
    Second { group: Group::Certificates, resources: &["signers"], subresource: "", verbs: &["approve"], name: Name::Some },
    Second { group: Group::Certificates, resources: &["signers"], subresource: "", verbs: &["sign"], name: Name::Some },
    Second {
        group: Group::Core,
        resources: &["secrets"],
        subresource: "",
        verbs: &["get", "list", "watch"],
        name: Name::Every,
    },
];
const WRITES_ROLES: Partner = Some(0);
const WRITES_BINDINGS: Partner = Some(1);
const WRITES_APPROVAL: Partner = Some(2);
const WRITES_STATUS: Partner = Some(3);
const MAY_APPROVE: Partner = Some(4);
const MAY_SIGN: Partner = Some(5);
const READS_SECRETS: Partner = Some(6);

/// A grant that leads to more.
#[derive(Debug)]
pub struct Danger {
    /// What it leads to.
    pub class: Class,
    /// The resource's API group.
    pub group: Group,
    /// The resource.
    pub resource: &'static str,
    /// Empty for the resource itself; `*` for any.
    pub subresource: &'static str,
    /// Any of these is the danger.
    pub verbs: Verbs,
    /// Whether it is asked for outside of namespaces, so that neither a Role nor a RoleBinding grants it.
    pub cluster: bool,
    /// What `resourceNames` do to it.
    pub names: Names,
    /// Who has it anyway.
    pub held_by: HeldBy,
    /// What must come to it.
    pub partner: Partner,
    /// What the holder can do: goes on from "which lets its holder".
    pub lets: &'static str,
}

impl Danger {
    /// Whether an entry of a rule's `resources` stands for it.
    pub fn is_meant_by(&self, entry: &str) -> bool {
        if self.subresource == ALL {
            // userextras/scopes and the like. As `*/…` they could be of any resource, and are seen as the wildcard they are.
            return entry == ALL
                || entry.strip_prefix(self.resource).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'));
        }
        super::resource_matches(entry, self.resource, self.subresource)
    }

    /// `pods/exec`
    pub fn write_name(&self, text: &mut String) {
        text.push_str(self.resource);
        if !self.subresource.is_empty() {
            text.push('/');
            text.push_str(self.subresource);
        }
    }
}

const fn danger(class: Class, group: Group, resource: &'static str, verbs: Verbs, lets: &'static str) -> Danger {
    Danger {
        class,
        group,
        resource,
        subresource: "",
        verbs,
        cluster: false,
        names: Names::Narrow,
        held_by: HeldBy::Nobody,
        partner: None,
        lets,
    }
}

impl Danger {
    const fn sub(self, subresource: &'static str) -> Self {
        Self { subresource, ..self }
    }

    const fn cluster(self) -> Self {
        Self { cluster: true, ..self }
    }

    const fn names(self, names: Names) -> Self {
        Self { names, ..self }
    }

    const fn held_by(self, held_by: HeldBy) -> Self {
        Self { held_by, ..self }
    }

    const fn with(self, partner: Partner) -> Self {
        Self { partner, ..self }
    }
}

const WRITE_ANY_ROLE: &str = "write any right into a role, and so come to hold it";
const BIND_ANY_ROLE: &str = "bind any role, cluster-admin too, to whom it likes";
const ACT_AS_OTHERS: &str = "act as anybody else, with their rights and under their name";
const REPLACE_CHECKS: &str = "switch admission checks off, or see and alter what others write to the API";
const HAND_ON: &str = "hand its rights on to anybody, unseen by who granted them";
const RUN_PODS: &str = "run any image as any ServiceAccount of the namespace, with any of its Secrets mounted";
const ISSUE_CREDENTIALS: &str = "issue itself credentials of any user or group";

/// All of them, in the order of [`Class`]; of one resource the gravest first.
pub static DANGERS: &[Danger] = {
    use Class::{
        AdmissionWrite, ApiWrite, Bind, CertificateApproval, Escalate, Impersonate, NamespaceLabels, NodeProxy,
        PersistentVolume, PodAccess, RoleWrite, SecretRead, SecretToken, SecretWrite, ServiceAccountToken, WorkloadWrite,
    };
    use Group::{Admission, Apps, Authentication, Batch, Certificates, Core, Extensions, Rbac, Registration};
    use HeldBy::{Admin, Edit};
    use Names::{DoNotHelp, Except, Tell};
    &[
        danger(Escalate, Rbac, "roles", ESCALATE, WRITE_ANY_ROLE).names(DoNotHelp).with(WRITES_ROLES),
        danger(Escalate, Rbac, "clusterroles", ESCALATE, WRITE_ANY_ROLE).cluster().names(DoNotHelp).with(WRITES_ROLES),
        danger(Bind, Rbac, "roles", BIND, BIND_ANY_ROLE).names(Except(ROLES)).with(WRITES_BINDINGS),
        // A RoleBinding to a ClusterRole asks for it in the namespace of the RoleBinding.
        danger(Bind, Rbac, "clusterroles", BIND, BIND_ANY_ROLE).names(Except(ROLES)).with(WRITES_BINDINGS),
        danger(Impersonate, Core, "users", IMPERSONATE, ACT_AS_OTHERS).cluster().names(Except(IDENTITIES)),
        danger(Impersonate, Core, "groups", IMPERSONATE, ACT_AS_OTHERS).cluster().names(Except(IDENTITIES)),
        danger(Impersonate, Core, "serviceaccounts", IMPERSONATE, "act as any ServiceAccount").held_by(Edit),
        danger(Impersonate, Authentication, "uids", IMPERSONATE, ACT_AS_OTHERS).cluster(),
        danger(Impersonate, Authentication, "userextras", IMPERSONATE, ACT_AS_OTHERS).cluster().sub("*"),
        danger(Impersonate, Authentication, "users", IMPERSONATE_CONSTRAINED, ACT_AS_OTHERS).cluster().names(Except(IDENTITIES)),
        danger(Impersonate, Authentication, "groups", IMPERSONATE_CONSTRAINED, ACT_AS_OTHERS).cluster().names(Except(IDENTITIES)),
        danger(Impersonate, Authentication, "serviceaccounts", IMPERSONATE_CONSTRAINED, "act as any ServiceAccount"),
        danger(Impersonate, Authentication, "nodes", IMPERSONATE_CONSTRAINED, "act as any node").cluster(),
        danger(ServiceAccountToken, Core, "serviceaccounts", CREATE, "get a token of any ServiceAccount, and so its rights")
            .sub("token")
            .held_by(Edit),
        danger(CertificateApproval, Certificates, "signers", APPROVE, ISSUE_CREDENTIALS)
            .cluster()
            .names(Except(SIGNERS))
            .with(WRITES_APPROVAL),
        danger(CertificateApproval, Certificates, "signers", SIGN, ISSUE_CREDENTIALS)
            .cluster()
            .names(Except(SIGNERS))
            .with(WRITES_STATUS),
        danger(CertificateApproval, Certificates, "certificatesigningrequests", UPDATE | PATCH, ISSUE_CREDENTIALS)
            .sub("approval")
            .cluster()
            .with(MAY_APPROVE),
        danger(CertificateApproval, Certificates, "certificatesigningrequests", UPDATE | PATCH, ISSUE_CREDENTIALS)
            .sub("status")
            .cluster()
            .with(MAY_SIGN),
        danger(
            NodeProxy,
            Core,
            "nodes",
            READ | WRITE,
            "run commands in every pod of a node (get is enough, over a WebSocket), past admission and the audit log",
        )
        .sub("proxy")
        .cluster()
        .names(DoNotHelp),
        danger(AdmissionWrite, Admission, "mutatingwebhookconfigurations", WRITE, REPLACE_CHECKS).cluster(),
        danger(AdmissionWrite, Admission, "validatingwebhookconfigurations", WRITE, REPLACE_CHECKS).cluster(),
        danger(AdmissionWrite, Admission, "validatingadmissionpolicies", WRITE, REPLACE_CHECKS).cluster(),
        danger(AdmissionWrite, Admission, "validatingadmissionpolicybindings", WRITE, REPLACE_CHECKS).cluster(),
        danger(AdmissionWrite, Admission, "mutatingadmissionpolicies", WRITE, REPLACE_CHECKS).cluster(),
        danger(AdmissionWrite, Admission, "mutatingadmissionpolicybindings", WRITE, REPLACE_CHECKS).cluster(),
        danger(
            ApiWrite,
            Registration,
            "apiservices",
            WRITE,
            "send the requests for an API, with what they hold, to a server of its own",
        )
        .cluster(),
        danger(
            ApiWrite,
            Extensions,
            "customresourcedefinitions",
            WRITE,
            "change what an API accepts and convert its objects, or delete it with all of them",
        )
        .cluster(),
        danger(RoleWrite, Rbac, "roles", CHANGE, HAND_ON).held_by(Admin),
        danger(RoleWrite, Rbac, "rolebindings", CHANGE, HAND_ON).held_by(Admin),
        danger(RoleWrite, Rbac, "clusterroles", CHANGE, HAND_ON).cluster(),
        danger(RoleWrite, Rbac, "clusterrolebindings", CHANGE, HAND_ON).cluster(),
        danger(
            PodAccess,
            Core,
            "pods",
            GET | CREATE,
            "run commands in any pod in reach, with its Secrets and identity (get is enough before Kubernetes 1.35, over a WebSocket)",
        )
        .sub("exec")
        .held_by(Edit),
        danger(
            PodAccess,
            Core,
            "pods",
            GET | CREATE,
            "read and write the terminal of any container in reach (get is enough before Kubernetes 1.35, over a WebSocket)",
        )
        .sub("attach")
        .held_by(Edit),
        danger(
            PodAccess,
            Core,
            "pods",
            GET | CREATE,
            "reach any port of any pod, past network policies (get is enough before Kubernetes 1.35, over a WebSocket)",
        )
        .sub("portforward")
        .held_by(Edit),
        danger(PodAccess, Core, "pods", CHANGE, "run a container of its own inside any pod in reach, with its identity")
            .sub("ephemeralcontainers"),
        danger(
            NamespaceLabels,
            Core,
            "namespaces",
            UPDATE | PATCH,
            "take the Pod Security labels off a namespace, or move it under other network policies",
        ),
        danger(PersistentVolume, Core, "persistentvolumes", CREATE, "mount any path of a node by hostPath").cluster(),
        danger(SecretToken, Core, "secrets", CREATE, "make a token Secret for any ServiceAccount of the namespace and read it")
            .held_by(Edit)
            .with(READS_SECRETS),
        danger(SecretRead, Core, "secrets", READ, "read passwords, keys and tokens, and act with them outside of the cluster too")
            .names(Tell)
            .held_by(Edit),
        danger(SecretWrite, Core, "secrets", WRITE, "exchange the credentials that applications use, or delete them")
            .names(Tell)
            .held_by(Edit),
        danger(WorkloadWrite, Core, "pods", CHANGE, RUN_PODS).held_by(Edit),
        danger(WorkloadWrite, Core, "replicationcontrollers", CHANGE, RUN_PODS).held_by(Edit),
        danger(WorkloadWrite, Apps, "deployments", CHANGE, RUN_PODS).held_by(Edit),
        danger(WorkloadWrite, Apps, "statefulsets", CHANGE, RUN_PODS).held_by(Edit),
        danger(WorkloadWrite, Apps, "daemonsets", CHANGE, RUN_PODS).held_by(Edit),
        danger(WorkloadWrite, Apps, "replicasets", CHANGE, RUN_PODS).held_by(Edit),
        danger(WorkloadWrite, Batch, "jobs", CHANGE, RUN_PODS).held_by(Edit),
        danger(WorkloadWrite, Batch, "cronjobs", CHANGE, RUN_PODS).held_by(Edit),
    ]
};

/// How a rule reaches a danger's objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of them.
    All,
    /// One that is worth them all, at this place among the names.
    Powerful(usize),
    /// Only those that `resourceNames` say; where [`Names::Tell`] has it told.
    Named,
}

impl Reach {
    const fn is_wider_than(self, other: Self) -> bool {
        const fn width(reach: Reach) -> u8 {
            match reach {
                Reach::All => 2,
                Reach::Powerful(_) => 1,
                Reach::Named => 0,
            }
        }
        width(self) > width(other)
    }
}

/// What is asked of a rule again and again, looked up once.
#[derive(Debug)]
pub struct Facts<'f> {
    /// The rule.
    pub rule: &'f PolicyRule<'f>,
    /// The known verbs, and `*`.
    pub verbs: Verbs,
    /// Whether it is about every API group, by `*`.
    pub every_group: bool,
    /// A bit for each of [`GROUPS`], as the rule names them.
    groups: u32,
    /// Whether a name is empty: it matches requests that name nothing.
    blank_name: bool,
    powerful: [Option<usize>; POWERFUL.len()],
}

impl<'f> Facts<'f> {
    /// Looks a rule up, in the time of reading it once.
    pub fn of(rule: &'f PolicyRule<'f>) -> Self {
        let group_bit = |name: &str| GROUPS.iter().position(|known| *known == name).map_or(0, |bit| 1 << bit);
        Self {
            rule,
            verbs: rule.verbs.iter().fold(0, |verbs, verb| verbs | verb_bit(verb)),
            every_group: rule.api_groups.iter().any(|group| *group == ALL),
            groups: rule.api_groups.iter().fold(0, |groups, group| groups | group_bit(group)),
            blank_name: rule.resource_names.iter().any(|name| name.is_empty()),
            powerful: POWERFUL.map(|list| rule.resource_names.iter().position(|name| list.contains(&name.as_str()))),
        }
    }

    /// Whether the rule is about the danger's API group.
    pub fn names_group(&self, danger: &Danger) -> bool {
        self.every_group || self.groups & (1 << danger.group as u32) != 0
    }

    /// Whether the rule names the core group, where somebody may look for a danger that is elsewhere.
    pub fn names_core_group(&self) -> bool {
        self.groups & 1 != 0
    }

    /// Of some verbs of the danger (and `*`) those that the rule's names leave, and how far.
    pub fn reach(&self, danger: &Danger, verbs: Verbs) -> Option<(Reach, Verbs)> {
        if verbs == 0 {
            return None;
        }
        if self.rule.resource_names.is_empty() || danger.names == Names::DoNotHelp {
            return Some((Reach::All, verbs));
        }
        if let Names::Except(list) = danger.names
            && let Some(place) = self.powerful.get(list).copied().flatten()
        {
            return Some((Reach::Powerful(place), verbs));
        }
        let nameless = verbs & NAMELESS;
        let star = if danger.verbs & NAMELESS != 0 { verbs & STAR } else { 0 };
        if self.blank_name && danger.subresource.is_empty() && nameless | star != 0 {
            return Some((Reach::All, nameless | star));
        }
        (danger.names == Names::Tell).then_some((Reach::Named, verbs))
    }

    /// How the rule grants the danger, and which of its verbs, with [`STAR`] where `*` is among the rule's; whatever else it needs.
    pub fn grants(&self, danger: &Danger) -> Option<(Reach, Verbs)> {
        let granted = self.verbs & (danger.verbs | STAR);
        if granted == 0 || !self.names_group(danger) || !self.rule.resources.iter().any(|entry| danger.is_meant_by(entry)) {
            return None;
        }
        self.reach(danger, granted)
    }
}

/// Which of the second grants a set of rules makes.
#[derive(Debug)]
pub struct Partners {
    /// The first rule that grants it.
    first: [Option<usize>; PARTNERS.len()],
    /// Whether it approves, or signs, for harmless signers alone.
    only_own_signers: [bool; 2],
}

impl Partners {
    /// Looks them up.
    pub fn of(rules: &[PolicyRule<'_>]) -> Self {
        let only_own_signers = |partner: Partner| {
            let second = partner.and_then(|partner| PARTNERS.get(partner));
            let mut granting = rules.iter().filter(|rule| second.is_some_and(|second| second.is_granted_by(rule))).peekable();
            granting.peek().is_some()
                && granting.all(|rule| {
                    let powerful = POWERFUL.get(SIGNERS).copied().unwrap_or_default();
                    !rule.resource_names.is_empty() && !rule.resource_names.iter().any(|name| powerful.contains(&name.as_str()))
                })
        };
        Self {
            first: PARTNERS.each_ref().map(|second| rules.iter().position(|rule| second.is_granted_by(rule))),
            only_own_signers: [MAY_APPROVE, MAY_SIGN].map(only_own_signers),
        }
    }

    /// The first rule with what must come to a danger.
    pub fn of_danger(&self, danger: &Danger) -> Option<usize> {
        danger.partner.and_then(|partner| self.first.get(partner).copied().flatten())
    }

    /// Whether the danger leads nowhere for want of a partner: it approves for signers of its own alone, or creates Secrets and reads none.
    pub fn make_harmless(&self, danger: &Danger) -> bool {
        let [approves, signs] = self.only_own_signers;
        (approves && danger.partner == MAY_APPROVE)
            || (signs && danger.partner == MAY_SIGN)
            || (danger.partner == READS_SECRETS && self.of_danger(danger).is_none())
    }
}

impl Second {
    fn is_granted_by(&self, rule: &PolicyRule<'_>) -> bool {
        rule.grants_group(self.group.name())
            && self.verbs.iter().any(|verb| rule.grants_verb(verb))
            && self.resources.iter().any(|resource| rule.grants_resource(resource, self.subresource))
            && rule.grants_name(self.name)
    }
}

/// A danger that a set of rules grants.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The danger.
    pub danger: &'static Danger,
    /// Those of its verbs that are granted as widely as [`reach`](Self::reach) says, by one rule or another; with [`STAR`] where `*`
    /// grants them all.
    pub verbs: Verbs,
    /// How far the widest grant goes.
    pub reach: Reach,
    /// The first rule that grants it so widely, counted from 0.
    pub rule: usize,
    /// The first rule that grants what must come to it, counted from 0.
    pub with: Option<usize>,
}

impl Found {
    /// Whether nothing must come to it that the rules do not grant. It is worth telling all the same: the rest may be bound elsewhere.
    pub fn is_usable(&self) -> bool {
        self.danger.partner.is_none() || self.with.is_some()
    }

    /// `get, create on pods/exec`, for messages: "grants … , which lets its holder …".
    pub fn grant(&self) -> String {
        let mut text = verb_names(if self.verbs & STAR != 0 { self.danger.verbs } else { self.verbs });
        text.push_str(" on ");
        self.danger.write_name(&mut text);
        text
    }
}

/// The dangers that the rules grant within a namespace or the cluster, in the order of [`DANGERS`]: the gravest first, and each once.
/// Wildcards grant what they stand for. The time is linear in the size of the rules.
pub fn find(rules: &Rules<'_>, within: Within) -> Vec<Found> {
    let facts: Vec<Facts<'_>> = rules.iter().map(Facts::of).collect();
    let partners = Partners::of(rules);
    let mut all = Vec::new();
    for danger in DANGERS {
        if (danger.cluster && within == Within::Namespace) || partners.make_harmless(danger) {
            continue;
        }
        let mut found: Option<Found> = None;
        for (rule, facts) in facts.iter().enumerate() {
            let Some((reach, verbs)) = facts.grants(danger) else { continue };
            match &mut found {
                Some(found) if found.reach.is_wider_than(reach) => {}
                Some(found) if !reach.is_wider_than(found.reach) => found.verbs |= verbs,
                _ => found = Some(Found { danger, verbs, reach, rule, with: partners.of_danger(danger) }),
            }
        }
        all.extend(found);
    }
    all
}

/// How much a set of rules grants, measured by the roles that Kubernetes delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Less than any of those below. Single [dangers](find) may be among it.
    Less,
    /// It reads every Secret.
    Secrets,
    /// What `edit` grants, as far as it matters: workloads, Secrets, ConfigMaps and Services.
    Edit,
    /// What `admin` grants: roles and bindings too.
    Admin,
    /// Everything, as `cluster-admin` does: every verb of the API on every resource of every API group, or of the four that a cluster is
    /// made of: core, apps, batch and RBAC.
    Everything,
}

/// What `edit` writes, as far as it matters who holds it.
const EDITED: [(&str, &str); 5] =
    [("", "pods"), ("", "secrets"), ("", "configmaps"), ("", "services"), ("apps", "deployments")];
/// What `admin` writes beside that.
const ADMINISTERED: [(&str, &str); 2] = [(super::GROUP, "roles"), (super::GROUP, "rolebindings")];
/// The API groups that a cluster is made of.
const ESSENTIAL: [&str; 4] = ["", "apps", "batch", super::GROUP];

/// Measures the rules, of one role or of several together. Of a Role, or of what a RoleBinding gives, it is meant of the namespace.
pub fn grade(rules: &Rules<'_>) -> Grade {
    let may = |verb: &str, group: &str, resource: &str, name: Name<'_>| {
        rules.allows(&ResourceRequest { verb, group, resource, subresource: "", name }).is_some()
    };
    // A resource called `*` is granted by that wildcard alone.
    if ESSENTIAL.iter().all(|group| super::VERBS.iter().all(|verb| may(verb, group, ALL, Name::Every))) {
        return Grade::Everything;
    }
    let reads_secrets = may("get", "", "secrets", Name::Every)
        || may("list", "", "secrets", Name::Absent)
        || may("watch", "", "secrets", Name::Absent);
    if !reads_secrets {
        return Grade::Less;
    }
    let writes = |(group, resource): &(&str, &str)| {
        may("create", group, resource, Name::Every)
            && (may("update", group, resource, Name::Every) || may("patch", group, resource, Name::Every))
            && may("delete", group, resource, Name::Every)
    };
    match EDITED.iter().all(writes) {
        false => Grade::Secrets,
        true if ADMINISTERED.iter().all(writes) => Grade::Admin,
        true => Grade::Edit,
    }
}
