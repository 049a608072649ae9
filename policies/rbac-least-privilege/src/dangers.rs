//! Grants that lead to more: what this policy looks for beside wildcards.

use palisade_sdk::{Rule, rbac};

use crate::rules;

/// The verbs that this policy knows, in the order of their bits in a [`Verbs`].
pub const VERBS: [&str; 16] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    // Verbs that components check on their own. Names narrow them, and a finding stands at the verb.
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

/// A set of [`VERBS`].
pub type Verbs = u32;

pub const GET: Verbs = 1;
pub const LIST: Verbs = 1 << 1;
pub const WATCH: Verbs = 1 << 2;
pub const CREATE: Verbs = 1 << 3;
const UPDATE: Verbs = 1 << 4;
const PATCH: Verbs = 1 << 5;
const DELETE: Verbs = 1 << 6;
const DELETE_COLLECTION: Verbs = 1 << 7;
const ESCALATE: Verbs = 1 << 8;
const BIND: Verbs = 1 << 9;
pub const IMPERSONATE: Verbs = 1 << 10;
pub const IMPERSONATE_CONSTRAINED: Verbs = (1 << 11) | (1 << 12) | (1 << 13);
const APPROVE: Verbs = 1 << 14;
const SIGN: Verbs = 1 << 15;
/// The verb `*`.
pub const STAR: Verbs = 1 << 31;

pub const READ: Verbs = GET | LIST | WATCH;
const CHANGE: Verbs = CREATE | UPDATE | PATCH;
pub const WRITE: Verbs = CHANGE | DELETE | DELETE_COLLECTION;
/// Verbs whose requests name no object, of resources that are no subresources.
pub const NAMELESS: Verbs = LIST | WATCH | CREATE | DELETE_COLLECTION;
/// Verbs that say by themselves what is meant: their findings stand at the verb, once for a rule.
pub const TELLING: Verbs = ESCALATE | BIND | IMPERSONATE | IMPERSONATE_CONSTRAINED | APPROVE | SIGN;

/// The API groups that hold dangers.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Group {
    Core,
    Rbac,
    Authentication,
    Certificates,
    Admission,
    Registration,
    Extensions,
    Apps,
    Batch,
}

/// Their names, in the order of [`Group`].
pub const GROUPS: [&str; 9] = [
    "",
    rbac::GROUP,
    "authentication.k8s.io",
    "certificates.k8s.io",
    "admissionregistration.k8s.io",
    "apiregistration.k8s.io",
    "apiextensions.k8s.io",
    "apps",
    "batch",
];

impl Group {
    pub fn name(self) -> &'static str {
        GROUPS.get(self as usize).copied().unwrap_or_default()
    }
}

/// How far `resourceNames` make a grant harmless.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// They do.
    Narrow,
    /// They do not: one object is enough.
    DoNotHelp,
    /// They do, unless one of these is among them: an index into [`POWERFUL`].
    Except(usize),
}

/// Roles that lead to every right.
const ROLES: usize = 0;
/// Users and groups that hold every right.
const IDENTITIES: usize = 1;
/// Signers whose certificates the API server takes as credentials.
pub const SIGNERS: usize = 2;

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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum HeldBy {
    Edit,
    Admin,
    Nobody,
}

/// A second grant without which a danger is not yet usable: an index into [`PARTNERS`].
pub type Partner = Option<usize>;

/// A grant that makes another one usable: any of the verbs on any of the resources.
pub struct Second {
    pub group: Group,
    pub resources: &'static [&'static str],
    pub subresource: &'static str,
    pub verbs: &'static [&'static str],
}

/// The second grants.
pub static PARTNERS: [Second; 6] = [
    Second {
        group: Group::Rbac,
        resources: &["roles", "clusterroles"],
        subresource: "",
        verbs: &["update", "patch", "create"],
    },
    Second {
        group: Group::Rbac,
        resources: &["rolebindings", "clusterrolebindings"],
        subresource: "",
        verbs: &["create", "update", "patch"],
    },
    Second {
        group: Group::Certificates,
        resources: &["certificatesigningrequests"],
        subresource: "approval",
        verbs: &["update", "patch"],
    },
    Second {
        group: Group::Certificates,
        resources: &["certificatesigningrequests"],
        subresource: "status",
        verbs: &["update", "patch"],
    },
    Second { group: Group::Certificates, resources: &["signers"], subresource: "", verbs: &["approve"] },
    Second { group: Group::Certificates, resources: &["signers"], subresource: "", verbs: &["sign"] },
];
const WRITES_ROLES: Partner = Some(0);
const WRITES_BINDINGS: Partner = Some(1);
const WRITES_APPROVAL: Partner = Some(2);
const WRITES_STATUS: Partner = Some(3);
pub const MAY_APPROVE: Partner = Some(4);
pub const MAY_SIGN: Partner = Some(5);

/// A grant that leads to more.
pub struct Danger {
    pub rule: &'static Rule,
    pub group: Group,
    pub resource: &'static str,
    /// Empty for the resource itself; `*` for any.
    pub subresource: &'static str,
    /// Any of these is the danger.
    pub verbs: Verbs,
    /// Whether the resource is cluster-scoped, so that a Role cannot grant it.
    pub cluster: bool,
    pub names: Names,
    pub held_by: HeldBy,
    pub partner: Partner,
    /// What the holder can do: goes on from "which lets its holder".
    pub lets: &'static str,
}

impl Danger {
    /// Whether an entry of a rule's `resources` stands for it.
    pub fn is_meant_by(&self, entry: &str) -> bool {
        if self.subresource == "*" {
            // userextras/scopes and the like. As `*/…` they could be of any resource, and are seen as the wildcard they are.
            return entry == "*"
                || entry.strip_prefix(self.resource).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'));
        }
        rbac::resource_matches(entry, self.resource, self.subresource)
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

const fn danger(rule: &'static Rule, group: Group, resource: &'static str, verbs: Verbs, lets: &'static str) -> Danger {
    Danger {
        rule,
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

/// All of them; of one resource the gravest first.
pub static DANGERS: &[Danger] = {
    use Group::{Admission, Apps, Authentication, Batch, Certificates, Core, Extensions, Rbac, Registration};
    use HeldBy::{Admin, Edit};
    &[
        danger(&rules::ESCALATE, Rbac, "roles", ESCALATE, WRITE_ANY_ROLE).names(Names::DoNotHelp).with(WRITES_ROLES),
        danger(&rules::ESCALATE, Rbac, "clusterroles", ESCALATE, WRITE_ANY_ROLE).names(Names::DoNotHelp).with(WRITES_ROLES),
        danger(&rules::BIND, Rbac, "roles", BIND, BIND_ANY_ROLE).names(Names::Except(ROLES)).with(WRITES_BINDINGS),
        danger(&rules::BIND, Rbac, "clusterroles", BIND, BIND_ANY_ROLE).names(Names::Except(ROLES)).with(WRITES_BINDINGS),
        danger(&rules::IMPERSONATE, Core, "users", IMPERSONATE, ACT_AS_OTHERS).names(Names::Except(IDENTITIES)),
        danger(&rules::IMPERSONATE, Core, "groups", IMPERSONATE, ACT_AS_OTHERS).names(Names::Except(IDENTITIES)),
        danger(&rules::IMPERSONATE, Core, "serviceaccounts", IMPERSONATE, "act as any ServiceAccount").held_by(Edit),
        danger(&rules::IMPERSONATE, Authentication, "uids", IMPERSONATE, ACT_AS_OTHERS),
        danger(&rules::IMPERSONATE, Authentication, "userextras", IMPERSONATE, ACT_AS_OTHERS).sub("*"),
        danger(&rules::IMPERSONATE, Authentication, "users", IMPERSONATE_CONSTRAINED, ACT_AS_OTHERS).names(Names::Except(IDENTITIES)),
        danger(&rules::IMPERSONATE, Authentication, "groups", IMPERSONATE_CONSTRAINED, ACT_AS_OTHERS).names(Names::Except(IDENTITIES)),
        danger(&rules::IMPERSONATE, Authentication, "serviceaccounts", IMPERSONATE_CONSTRAINED, "act as any ServiceAccount"),
        danger(&rules::IMPERSONATE, Authentication, "nodes", IMPERSONATE_CONSTRAINED, "act as any node"),
        danger(&rules::SERVICE_ACCOUNT_TOKEN, Core, "serviceaccounts", CREATE, "get a token of any ServiceAccount, and so its rights")
            .sub("token")
            .held_by(Edit),
        danger(&rules::CERTIFICATE_APPROVAL, Certificates, "signers", APPROVE, ISSUE_CREDENTIALS)
            .cluster()
            .names(Names::Except(SIGNERS))
            .with(WRITES_APPROVAL),
        danger(&rules::CERTIFICATE_APPROVAL, Certificates, "signers", SIGN, ISSUE_CREDENTIALS)
            .cluster()
            .names(Names::Except(SIGNERS))
            .with(WRITES_STATUS),
        danger(&rules::CERTIFICATE_APPROVAL, Certificates, "certificatesigningrequests", UPDATE | PATCH, ISSUE_CREDENTIALS)
            .sub("approval")
            .cluster()
            .with(MAY_APPROVE),
        danger(&rules::CERTIFICATE_APPROVAL, Certificates, "certificatesigningrequests", UPDATE | PATCH, ISSUE_CREDENTIALS)
            .sub("status")
            .cluster()
            .with(MAY_SIGN),
        danger(
            &rules::NODE_PROXY,
            Core,
            "nodes",
            READ | WRITE,
            "run commands in every pod of a node (get is enough, over a WebSocket), past admission and the audit log",
        )
        .sub("proxy")
        .cluster()
        .names(Names::DoNotHelp),
        danger(&rules::ADMISSION_WRITE, Admission, "mutatingwebhookconfigurations", WRITE, REPLACE_CHECKS).cluster(),
        danger(&rules::ADMISSION_WRITE, Admission, "validatingwebhookconfigurations", WRITE, REPLACE_CHECKS).cluster(),
        danger(&rules::ADMISSION_WRITE, Admission, "validatingadmissionpolicies", WRITE, REPLACE_CHECKS).cluster(),
        danger(&rules::ADMISSION_WRITE, Admission, "validatingadmissionpolicybindings", WRITE, REPLACE_CHECKS).cluster(),
        danger(&rules::ADMISSION_WRITE, Admission, "mutatingadmissionpolicies", WRITE, REPLACE_CHECKS).cluster(),
        danger(&rules::ADMISSION_WRITE, Admission, "mutatingadmissionpolicybindings", WRITE, REPLACE_CHECKS).cluster(),
        danger(
            &rules::API_WRITE,
            Registration,
            "apiservices",
            WRITE,
            "send the requests for an API, with what they hold, to a server of its own",
        )
        .cluster(),
        danger(
            &rules::API_WRITE,
            Extensions,
            "customresourcedefinitions",
            WRITE,
            "change what an API accepts and convert its objects, or delete it with all of them",
        )
        .cluster(),
        danger(&rules::ROLE_WRITE, Rbac, "roles", CHANGE, HAND_ON).held_by(Admin),
        danger(&rules::ROLE_WRITE, Rbac, "rolebindings", CHANGE, HAND_ON).held_by(Admin),
        danger(&rules::ROLE_WRITE, Rbac, "clusterroles", CHANGE, HAND_ON).cluster(),
        danger(&rules::ROLE_WRITE, Rbac, "clusterrolebindings", CHANGE, HAND_ON).cluster(),
        danger(
            &rules::POD_ACCESS,
            Core,
            "pods",
            GET | CREATE,
            "run commands in any pod in reach, with its Secrets and identity (get is enough before Kubernetes 1.35, over a WebSocket)",
        )
        .sub("exec")
        .held_by(Edit),
        danger(
            &rules::POD_ACCESS,
            Core,
            "pods",
            GET | CREATE,
            "read and write the terminal of any container in reach (get is enough before Kubernetes 1.35, over a WebSocket)",
        )
        .sub("attach")
        .held_by(Edit),
        danger(
            &rules::POD_ACCESS,
            Core,
            "pods",
            GET | CREATE,
            "reach any port of any pod, past network policies (get is enough before Kubernetes 1.35, over a WebSocket)",
        )
        .sub("portforward")
        .held_by(Edit),
        danger(
            &rules::POD_ACCESS,
            Core,
            "pods",
            CHANGE,
            "run a container of its own inside any pod in reach, with its identity",
        )
        .sub("ephemeralcontainers"),
        danger(
            &rules::NAMESPACE_LABELS,
            Core,
            "namespaces",
            UPDATE | PATCH,
            "take the Pod Security labels off a namespace, or move it under other network policies",
        ),
        danger(&rules::PERSISTENT_VOLUME, Core, "persistentvolumes", CREATE, "mount any path of a node by hostPath").cluster(),
        danger(&rules::WORKLOAD_WRITE, Core, "pods", CHANGE, RUN_PODS).held_by(Edit),
        danger(&rules::WORKLOAD_WRITE, Core, "replicationcontrollers", CHANGE, RUN_PODS).held_by(Edit),
        danger(&rules::WORKLOAD_WRITE, Apps, "deployments", CHANGE, RUN_PODS).held_by(Edit),
        danger(&rules::WORKLOAD_WRITE, Apps, "statefulsets", CHANGE, RUN_PODS).held_by(Edit),
        danger(&rules::WORKLOAD_WRITE, Apps, "daemonsets", CHANGE, RUN_PODS).held_by(Edit),
        danger(&rules::WORKLOAD_WRITE, Apps, "replicasets", CHANGE, RUN_PODS).held_by(Edit),
        danger(&rules::WORKLOAD_WRITE, Batch, "jobs", CHANGE, RUN_PODS).held_by(Edit),
        danger(&rules::WORKLOAD_WRITE, Batch, "cronjobs", CHANGE, RUN_PODS).held_by(Edit),
    ]
};
