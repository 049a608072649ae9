//! Grants that lead to more: those by which a holder comes to rights that were not granted.
//!
//! ```
//! use palisade_sdk::rbac::{PolicyRule, dangers};
//! let text = r#"[{"apiGroups": [""], "resources": ["pods", "pods/exec"], "verbs": ["get", "create"]}]"#;
//! let rules: Vec<PolicyRule<'_>> = palisade_sdk::json::from_str(text).unwrap();
//! let found = dangers::of(&rules, dangers::Reach::Namespace);
//! assert_eq!(found.iter().map(dangers::Found::grant).collect::<Vec<_>>(), ["get, create on pods/exec", "create on pods"]);
//! ```
//!
//! Sources: Kubernetes documentation, "RBAC Good Practices"; CIS Kubernetes Benchmark 5.1.

use super::{ALL, GROUP, PolicyRule, resource_matches};

/// What a danger leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Writing rights into roles that one does not have.
    Escalate,
    /// Binding roles with rights that one does not have.
    Bind,
    /// Acting as somebody else.
    Impersonate,
    /// Tokens of ServiceAccounts.
    ServiceAccountToken,
    /// Certificates for any user.
    CertificateApproval,
    /// The kubelet.
    NodeProxy,
    /// Webhooks and admission policies.
    AdmissionWrite,
    /// APIs themselves.
    ApiWrite,
    /// Roles and bindings.
    RoleWrite,
    /// The inside of pods.
    PodAccess,
    /// Labels of namespaces.
    NamespaceLabels,
    /// Volumes on a node's disk.
    PersistentVolume,
    /// Workloads, and what runs in them.
    WorkloadWrite,
}

impl Kind {
    /// Whether few need it for their daily work. Operators and pipelines do need to write workloads.
    pub const fn is_grave(self) -> bool {
        !matches!(self, Self::WorkloadWrite)
    }
}

/// The verbs that lead further, in the order of their bits in a [`Verbs`].
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

/// `get`.
pub const GET: Verbs = 1;
/// `list`.
pub const LIST: Verbs = 1 << 1;
/// `watch`.
pub const WATCH: Verbs = 1 << 2;
/// `create`.
pub const CREATE: Verbs = 1 << 3;
const UPDATE: Verbs = 1 << 4;
const PATCH: Verbs = 1 << 5;
const DELETE: Verbs = 1 << 6;
const DELETE_COLLECTION: Verbs = 1 << 7;
const ESCALATE: Verbs = 1 << 8;
const BIND: Verbs = 1 << 9;
/// `impersonate`.
pub const IMPERSONATE: Verbs = 1 << 10;
/// The verbs of constrained impersonation.
pub const IMPERSONATE_CONSTRAINED: Verbs = (1 << 11) | (1 << 12) | (1 << 13);
const APPROVE: Verbs = 1 << 14;
const SIGN: Verbs = 1 << 15;
/// The verb `*`.
pub const STAR: Verbs = 1 << 31;

/// Reading.
pub const READ: Verbs = GET | LIST | WATCH;
const CHANGE: Verbs = CREATE | UPDATE | PATCH;
/// Writing and deleting.
pub const WRITE: Verbs = CHANGE | DELETE | DELETE_COLLECTION;
/// Verbs whose requests name no object, of resources that are no subresources.
pub const NAMELESS: Verbs = LIST | WATCH | CREATE | DELETE_COLLECTION;
/// Verbs that say by themselves what is meant: their findings stand at the verb, once for a rule.
pub const TELLING: Verbs = ESCALATE | BIND | IMPERSONATE | IMPERSONATE_CONSTRAINED | APPROVE | SIGN;

/// The API groups that hold dangers.
#[derive(Clone, Copy, PartialEq, Eq)]
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
    GROUP,
    "authentication.k8s.io",
    "certificates.k8s.io",
    "admissionregistration.k8s.io",
    "apiregistration.k8s.io",
    "apiextensions.k8s.io",
    "apps",
    "batch",
];

impl Group {
    /// The name that rules have.
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
    /// `edit`, and so `admin` too.
    Edit,
    /// `admin`.
    Admin,
    /// None of them.
    Nobody,
}

/// A second grant without which a danger is not yet usable: an index into [`PARTNERS`].
pub type Partner = Option<usize>;

/// A grant that makes another one usable: any of the verbs on any of the resources.
pub struct Second {
    /// The API group.
    pub group: Group,
    /// Any of these.
    pub resources: &'static [&'static str],
    /// Empty for the resources themselves.
    pub subresource: &'static str,
    /// Any of these.
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
/// Approving for a signer.
pub const MAY_APPROVE: Partner = Some(4);
/// Signing for a signer.
pub const MAY_SIGN: Partner = Some(5);

/// A grant that leads to more.
pub struct Danger {
    /// What it leads to.
    pub kind: Kind,
    /// The API group.
    pub group: Group,
    /// The resource in the plural.
    pub resource: &'static str,
    /// Empty for the resource itself; `*` for any.
    pub subresource: &'static str,
    /// Any of these is the danger.
    pub verbs: Verbs,
    /// Whether the resource is cluster-scoped, so that a Role cannot grant it.
    pub cluster: bool,
    /// How far names help.
    pub names: Names,
    /// Which user-facing role holds it.
    pub held_by: HeldBy,
    /// What makes it usable.
    pub partner: Partner,
    /// What the holder can do: goes on from "which lets its holder".
    pub lets: &'static str,
}

impl Danger {
    /// Whether an entry of a rule's `resources` stands for it.
    pub fn is_meant_by(&self, entry: &str) -> bool {
        if self.subresource == "*" {
            // userextras/scopes and the like. As `*/…` they could be of any resource, and are seen as the wildcard they are.
            return entry == ALL
                || entry.strip_prefix(self.resource).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'));
        }
        resource_matches(entry, self.resource, self.subresource)
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

const fn danger(kind: Kind, group: Group, resource: &'static str, verbs: Verbs, lets: &'static str) -> Danger {
    Danger {
        kind,
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
        danger(Kind::Escalate, Rbac, "roles", ESCALATE, WRITE_ANY_ROLE).names(Names::DoNotHelp).with(WRITES_ROLES),
        danger(Kind::Escalate, Rbac, "clusterroles", ESCALATE, WRITE_ANY_ROLE).names(Names::DoNotHelp).with(WRITES_ROLES),
        danger(Kind::Bind, Rbac, "roles", BIND, BIND_ANY_ROLE).names(Names::Except(ROLES)).with(WRITES_BINDINGS),
        danger(Kind::Bind, Rbac, "clusterroles", BIND, BIND_ANY_ROLE).names(Names::Except(ROLES)).with(WRITES_BINDINGS),
        danger(Kind::Impersonate, Core, "users", IMPERSONATE, ACT_AS_OTHERS).names(Names::Except(IDENTITIES)),
        danger(Kind::Impersonate, Core, "groups", IMPERSONATE, ACT_AS_OTHERS).names(Names::Except(IDENTITIES)),
        danger(Kind::Impersonate, Core, "serviceaccounts", IMPERSONATE, "act as any ServiceAccount").held_by(Edit),
        danger(Kind::Impersonate, Authentication, "uids", IMPERSONATE, ACT_AS_OTHERS),
        danger(Kind::Impersonate, Authentication, "userextras", IMPERSONATE, ACT_AS_OTHERS).sub("*"),
        danger(Kind::Impersonate, Authentication, "users", IMPERSONATE_CONSTRAINED, ACT_AS_OTHERS).names(Names::Except(IDENTITIES)),
        danger(Kind::Impersonate, Authentication, "groups", IMPERSONATE_CONSTRAINED, ACT_AS_OTHERS).names(Names::Except(IDENTITIES)),
        danger(Kind::Impersonate, Authentication, "serviceaccounts", IMPERSONATE_CONSTRAINED, "act as any ServiceAccount"),
        danger(Kind::Impersonate, Authentication, "nodes", IMPERSONATE_CONSTRAINED, "act as any node"),
        danger(Kind::ServiceAccountToken, Core, "serviceaccounts", CREATE, "get a token of any ServiceAccount, and so its rights")
            .sub("token")
            .held_by(Edit),
        danger(Kind::CertificateApproval, Certificates, "signers", APPROVE, ISSUE_CREDENTIALS)
            .cluster()
            .names(Names::Except(SIGNERS))
            .with(WRITES_APPROVAL),
        danger(Kind::CertificateApproval, Certificates, "signers", SIGN, ISSUE_CREDENTIALS)
            .cluster()
            .names(Names::Except(SIGNERS))
            .with(WRITES_STATUS),
        danger(Kind::CertificateApproval, Certificates, "certificatesigningrequests", UPDATE | PATCH, ISSUE_CREDENTIALS)
            .sub("approval")
            .cluster()
            .with(MAY_APPROVE),
        danger(Kind::CertificateApproval, Certificates, "certificatesigningrequests", UPDATE | PATCH, ISSUE_CREDENTIALS)
            .sub("status")
            .cluster()
            .with(MAY_SIGN),
        danger(
            Kind::NodeProxy,
            Core,
            "nodes",
            READ | WRITE,
            "run commands in every pod of a node (get is enough, over a WebSocket), past admission and the audit log",
        )
        .sub("proxy")
        .cluster()
        .names(Names::DoNotHelp),
        danger(Kind::AdmissionWrite, Admission, "mutatingwebhookconfigurations", WRITE, REPLACE_CHECKS).cluster(),
        danger(Kind::AdmissionWrite, Admission, "validatingwebhookconfigurations", WRITE, REPLACE_CHECKS).cluster(),
        danger(Kind::AdmissionWrite, Admission, "validatingadmissionpolicies", WRITE, REPLACE_CHECKS).cluster(),
        danger(Kind::AdmissionWrite, Admission, "validatingadmissionpolicybindings", WRITE, REPLACE_CHECKS).cluster(),
        danger(Kind::AdmissionWrite, Admission, "mutatingadmissionpolicies", WRITE, REPLACE_CHECKS).cluster(),
        danger(Kind::AdmissionWrite, Admission, "mutatingadmissionpolicybindings", WRITE, REPLACE_CHECKS).cluster(),
        danger(
            Kind::ApiWrite,
            Registration,
            "apiservices",
            WRITE,
            "send the requests for an API, with what they hold, to a server of its own",
        )
        .cluster(),
        danger(
            Kind::ApiWrite,
            Extensions,
            "customresourcedefinitions",
            WRITE,
            "change what an API accepts and convert its objects, or delete it with all of them",
        )
        .cluster(),
        danger(Kind::RoleWrite, Rbac, "roles", CHANGE, HAND_ON).held_by(Admin),
        danger(Kind::RoleWrite, Rbac, "rolebindings", CHANGE, HAND_ON).held_by(Admin),
        danger(Kind::RoleWrite, Rbac, "clusterroles", CHANGE, HAND_ON).cluster(),
        danger(Kind::RoleWrite, Rbac, "clusterrolebindings", CHANGE, HAND_ON).cluster(),
        danger(
            Kind::PodAccess,
            Core,
            "pods",
            GET | CREATE,
            "run commands in any pod in reach, with its Secrets and identity (get is enough before Kubernetes 1.35, over a WebSocket)",
        )
        .sub("exec")
        .held_by(Edit),
        danger(
            Kind::PodAccess,
            Core,
            "pods",
            GET | CREATE,
            "read and write the terminal of any container in reach (get is enough before Kubernetes 1.35, over a WebSocket)",
        )
        .sub("attach")
        .held_by(Edit),
        danger(
            Kind::PodAccess,
            Core,
            "pods",
            GET | CREATE,
            "reach any port of any pod, past network policies (get is enough before Kubernetes 1.35, over a WebSocket)",
        )
        .sub("portforward")
        .held_by(Edit),
        danger(
            Kind::PodAccess,
            Core,
            "pods",
            CHANGE,
            "run a container of its own inside any pod in reach, with its identity",
        )
        .sub("ephemeralcontainers"),
        danger(
            Kind::NamespaceLabels,
            Core,
            "namespaces",
            UPDATE | PATCH,
            "take the Pod Security labels off a namespace, or move it under other network policies",
        ),
        danger(Kind::PersistentVolume, Core, "persistentvolumes", CREATE, "mount any path of a node by hostPath").cluster(),
        danger(Kind::WorkloadWrite, Core, "pods", CHANGE, RUN_PODS).held_by(Edit),
        danger(Kind::WorkloadWrite, Core, "replicationcontrollers", CHANGE, RUN_PODS).held_by(Edit),
        danger(Kind::WorkloadWrite, Apps, "deployments", CHANGE, RUN_PODS).held_by(Edit),
        danger(Kind::WorkloadWrite, Apps, "statefulsets", CHANGE, RUN_PODS).held_by(Edit),
        danger(Kind::WorkloadWrite, Apps, "daemonsets", CHANGE, RUN_PODS).held_by(Edit),
        danger(Kind::WorkloadWrite, Apps, "replicasets", CHANGE, RUN_PODS).held_by(Edit),
        danger(Kind::WorkloadWrite, Batch, "jobs", CHANGE, RUN_PODS).held_by(Edit),
        danger(Kind::WorkloadWrite, Batch, "cronjobs", CHANGE, RUN_PODS).held_by(Edit),
    ]
};

/// The bit of a verb, and none for a verb that leads no further.
pub fn bit_of(verb: &str) -> Verbs {
    if verb == ALL {
        return STAR;
    }
    VERBS.iter().position(|known| *known == verb).map_or(0, |bit| 1 << bit)
}

/// `create, update`
pub fn verb_names(verbs: Verbs) -> String {
    let mut text = String::new();
    for (bit, verb) in VERBS.iter().enumerate() {
        if verbs & !STAR & (1 << bit) != 0 {
            if !text.is_empty() {
                text.push_str(", ");
            }
            text.push_str(verb);
        }
    }
    text
}

/// Whether a rule grants this.
pub fn grants_some(rule: &PolicyRule<'_>, second: &Second) -> bool {
    rule.grants_group(second.group.name())
        && second.verbs.iter().any(|verb| rule.grants_verb(verb))
        && second.resources.iter().any(|resource| rule.grants_resource(resource, second.subresource))
}

/// Whether the role approves (or signs) for some signers, and for none of those that the API server trusts: then updating the
/// requests themselves leads no further.
pub fn has_only_own_signers(rules: &[PolicyRule<'_>], partner: Partner) -> bool {
    let Some(second) = partner.and_then(|partner| PARTNERS.get(partner)) else { return false };
    let mut granting = rules.iter().filter(|rule| grants_some(rule, second)).peekable();
    granting.peek().is_some() && granting.all(|rule| !rule.resource_names.is_empty() && powerful_name(rule, SIGNERS).is_none())
}

/// The first of the rule's names that leads to every right.
fn powerful_name(rule: &PolicyRule<'_>, list: usize) -> Option<usize> {
    let powerful = POWERFUL.get(list)?;
    rule.resource_names.iter().position(|name| powerful.contains(&name.as_str()))
}

/// What is asked of a rule again and again, looked up once.
pub struct Facts<'f> {
    /// The rule itself.
    pub rule: &'f PolicyRule<'f>,
    /// The known verbs, and `*`.
    pub verbs: Verbs,
    /// A bit for each of [`GROUPS`], as the rule names them.
    groups: u32,
    /// Whether `*` is among the groups.
    pub every_group: bool,
    /// Whether a name is empty: it matches requests that name nothing.
    blank_name: bool,
    powerful: [Option<usize>; 3],
}

/// How a rule reaches a danger's objects.
pub enum Extent {
    /// All of them.
    All,
    /// One that is worth them all, at this place among the names.
    Named(usize),
}

impl<'f> Facts<'f> {
    /// Looks them up.
    pub fn of(rule: &'f PolicyRule<'f>) -> Self {
        let group_bit = |name: &str| GROUPS.iter().position(|known| *known == name).map_or(0, |bit| 1 << bit);
        Self {
            rule,
            verbs: rule.verbs.iter().fold(0, |verbs, verb| verbs | bit_of(verb)),
            groups: rule.api_groups.iter().fold(0, |groups, group| groups | group_bit(group)),
            every_group: rule.api_groups.iter().any(|group| *group == ALL),
            blank_name: rule.resource_names.iter().any(|name| name.is_empty()),
            powerful: [0, 1, 2].map(|list| powerful_name(rule, list)),
        }
    }

    /// Whether the rule is about the danger's API group.
    pub fn names_group(&self, danger: &Danger) -> bool {
        self.every_group || self.groups & (1 << danger.group as u32) != 0
    }

    /// Whether the rule looks for the danger in the core group, where it is not.
    pub fn misplaces(&self, danger: &Danger) -> bool {
        danger.kind.is_grave() && self.groups & 1 != 0
    }

    /// Whether the names leave the danger, and for which of the verbs.
    pub fn extent(&self, danger: &Danger, verbs: Verbs) -> Option<(Extent, Verbs)> {
        if self.rule.resource_names.is_empty() || danger.names == Names::DoNotHelp {
            return Some((Extent::All, verbs));
        }
        if let Names::Except(list) = danger.names
            && let Some(place) = self.powerful.get(list).copied().flatten()
        {
            return Some((Extent::Named(place), verbs));
        }
        let nameless = verbs & NAMELESS;
        let star = if danger.verbs & NAMELESS != 0 { verbs & STAR } else { 0 };
        (self.blank_name && danger.subresource.is_empty() && nameless | star != 0).then_some((Extent::All, nameless | star))
    }

    /// The place of a verb among the rule's.
    pub fn verb_at(&self, verb: &str) -> usize {
        self.rule.verbs.iter().position(|granted| *granted == verb).unwrap_or_default()
    }
}

/// Where rules take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In every namespace, and on what is in none: a ClusterRole in a ClusterRoleBinding.
    Cluster,
    /// In one namespace.
    Namespace,
}

/// A danger that rules together grant.
#[derive(Clone, Copy)]
pub struct Found {
    /// The danger.
    pub danger: &'static Danger,
    /// The verbs that are granted, of the danger's own.
    pub verbs: Verbs,
}

impl Found {
    /// `create on pods/exec`
    pub fn grant(&self) -> String {
        let mut text = verb_names(self.verbs);
        text.push_str(" on ");
        self.danger.write_name(&mut text);
        text
    }
}

/// What rules together let their holder come to, in the order of [`DANGERS`]: each danger once, with all of its verbs that any rule
/// grants. What is granted of a resource in the wrong API group is nothing, and so not here.
pub fn of(rules: &[PolicyRule<'_>], reach: Reach) -> Vec<Found> {
    let own_signers = [MAY_APPROVE, MAY_SIGN].map(|partner| (partner, has_only_own_signers(rules, partner)));
    let mut granted: Vec<Verbs> = vec![0; DANGERS.len()];
    for rule in rules {
        let facts = Facts::of(rule);
        if facts.verbs == 0 {
            continue;
        }
        for entry in &rule.resources {
            for (danger, granted) in DANGERS.iter().zip(&mut granted) {
                if (danger.cluster && reach == Reach::Namespace) || !danger.is_meant_by(entry) || !facts.names_group(danger) {
                    continue;
                }
                if let Some((_, verbs)) = facts.extent(danger, facts.verbs & (danger.verbs | STAR)) {
                    *granted |= if verbs & STAR == 0 { verbs } else { danger.verbs };
                }
            }
        }
    }
    let found = DANGERS.iter().zip(granted).map(|(danger, verbs)| Found { danger, verbs });
    found
        .filter(|found| {
            let harmless = own_signers.iter().any(|(partner, own)| *own && found.danger.partner == *partner);
            found.verbs != 0 && !harmless
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::subsequence;

    use super::super::{Name, ResourceRequest, Rules};
    use super::*;
    use crate::json::{List, Str};

    fn rules(text: &str) -> Vec<PolicyRule<'_>> {
        crate::json::from_str(text).unwrap()
    }

    fn grants(text: &str, reach: Reach) -> Vec<String> {
        of(&rules(text), reach).iter().map(Found::grant).collect()
    }

    #[test]
    fn verbs_add_up_over_rules() {
        let text = r#"[{"apiGroups": [""], "resources": ["pods"], "verbs": ["update"]},
                       {"apiGroups": ["*"], "resources": ["pods"], "verbs": ["create", "get"]}]"#;
        assert_eq!(grants(text, Reach::Namespace), ["create, update on pods"]);
    }

    #[test]
    fn what_is_in_no_namespace_is_not_granted_in_one() {
        let text = r#"[{"apiGroups": [""], "resources": ["nodes/proxy", "persistentvolumes"], "verbs": ["get", "create"]}]"#;
        assert_eq!(grants(text, Reach::Cluster), ["get, create on nodes/proxy", "create on persistentvolumes"]);
        assert!(grants(text, Reach::Namespace).is_empty());
    }

    #[test]
    fn signers_of_ones_own_are_harmless() {
        let text = |signer: &str| {
            format!(
                r#"[{{"apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests/approval"], "verbs": ["update"]}},
                    {{"apiGroups": ["certificates.k8s.io"], "resources": ["signers"], "resourceNames": ["{signer}"], "verbs": ["approve"]}}]"#
            )
        };
        assert!(grants(&text("issuers.example/web"), Reach::Cluster).is_empty());
        assert_eq!(
            grants(&text("kubernetes.io/kube-apiserver-client"), Reach::Cluster),
            ["approve on signers", "update on certificatesigningrequests/approval"]
        );
    }

    fn list(values: &'static [&'static str], most: usize) -> impl Strategy<Value = List<Str<'static>>> {
        subsequence(values, 0..=most.min(values.len())).prop_map(|chosen| chosen.into_iter().map(Str::from).collect())
    }

    fn rule() -> impl Strategy<Value = PolicyRule<'static>> {
        (
            list(&["get", "create", "patch", "escalate", "impersonate", "*"], 2),
            list(&["", "apps", "rbac.authorization.k8s.io", "*"], 2),
            list(&["pods", "pods/exec", "*/exec", "*", "deployments", "clusterroles", "users", "nodes/proxy"], 3),
        )
            .prop_map(|(verbs, api_groups, resources)| PolicyRule {
                verbs,
                api_groups,
                resources,
                ..PolicyRule::default()
            })
    }

    proptest! {
        /// Where no names narrow, a danger is what the authorizer allows of it.
        #[test]
        fn agrees_with_the_authorizer(rules in proptest::collection::vec(rule(), 0..4)) {
            let found = of(&rules, Reach::Cluster);
            let set = Rules::of_cluster_role(&rules);
            for danger in DANGERS.iter().filter(|danger| danger.subresource != "*") {
                let verbs = found.iter().find(|found| std::ptr::eq(found.danger, danger)).map_or(0, |found| found.verbs);
                for (bit, verb) in VERBS.iter().enumerate().filter(|(bit, _)| danger.verbs & (1 << bit) != 0) {
                    let request = ResourceRequest {
                        verb,
                        group: danger.group.name(),
                        resource: danger.resource,
                        subresource: danger.subresource,
                        name: Name::Every,
                    };
                    prop_assert_eq!(verbs & (1 << bit) != 0, set.allows(&request).is_some(), "{:?}", request);
                }
            }
        }

        /// Nothing is taken away by a further rule, save what a rule for signers of one's own makes harmless.
        #[test]
        fn a_rule_more_never_grants_less(rules in proptest::collection::vec(rule(), 0..4), more in rule()) {
            let before = of(&rules, Reach::Namespace);
            let mut rules = rules;
            rules.push(more);
            let after = of(&rules, Reach::Namespace);
            for found in before {
                let still = after.iter().find(|other| std::ptr::eq(other.danger, found.danger));
                prop_assert!(still.is_some_and(|still| still.verbs & found.verbs == found.verbs));
            }
        }
    }
}
