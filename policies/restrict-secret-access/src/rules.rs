//! The rules of this policy.

use palisade_sdk::{Rule, Severity};

/// What to grant instead; the name is to be filled in.
const BY_NAME: &str = "name the Secrets, for example {apiGroups: [\"\"], resources: [secrets], resourceNames: [the-one-secret], verbs: [get]}, or mount them into the pod, which needs no right at all";

/// Reading Secrets that are not named.
pub const READ: Rule = Rule {
    id: "secret-read",
    severity: Severity::Deny,
    summary: "who may get, list or watch Secrets without naming them reads every one in reach: a list holds the values too",
    remedy: BY_NAME,
    source: "CIS Kubernetes Benchmark 5.1.2",
};
/// Changing or deleting Secrets that are not named.
pub const WRITE: Rule = Rule {
    id: "secret-write",
    severity: Severity::Deny,
    summary: "who may change Secrets without naming them exchanges the credentials that others run with, or takes them away",
    remedy: "name the Secrets, for example {apiGroups: [\"\"], resources: [secrets], resourceNames: [the-one-secret], verbs: [update, patch]}, or leave Secrets to their manager",
    source: "CIS Kubernetes Benchmark 5.1.2",
};
/// Creating Secrets.
pub const CREATE: Rule = Rule {
    id: "secret-create",
    severity: Severity::Warn,
    summary: "creating Secrets cannot be narrowed to a name, and a Secret of the right type is filled with a ServiceAccount's token",
    remedy: "leave the creation of Secrets to their manager, such as External Secrets or cert-manager, and grant update on the one Secret by name",
    source: "CIS Kubernetes Benchmark 5.1.2",
};
/// `list` and `watch` with names.
pub const LIST_BY_NAME: Rule = Rule {
    id: "secret-list-by-name",
    severity: Severity::Warn,
    summary: "list and watch with resourceNames are granted only to requests with the field selector metadata.name: others fail, until somebody strikes the names",
    remedy: "grant get with these names; keep list and watch only for a client that sets the field selector metadata.name",
    source: "Kubernetes documentation, Using RBAC Authorization: Referring to resources",
};
/// An aggregation that brings Secrets.
pub const AGGREGATION: Rule = Rule {
    id: "secret-aggregation",
    severity: Severity::Deny,
    summary: "a ClusterRole that aggregates what edit, admin or cluster-admin are made of reads every Secret, whatever it says itself",
    remedy: "select by a label that only the ClusterRoles carry that are meant, with matchLabels",
    source: "Kubernetes documentation, Using RBAC Authorization: aggregated ClusterRoles",
};
/// `envFrom` of a Secret.
pub const ENV_FROM: Rule = Rule {
    id: "secret-env-from",
    severity: Severity::Warn,
    summary: "envFrom takes every key of a Secret into the environment, those of tomorrow too, where child processes, crash reports and debug pages see them",
    remedy: "mount the Secret as files, or take the keys that are used one by one with valueFrom.secretKeyRef",
    source: "CIS Kubernetes Benchmark 5.4.1",
};
/// The mode of a Secret's files.
pub const FILE_MODE: Rule = Rule {
    id: "secret-file-mode",
    severity: Severity::Warn,
    summary: "the files of a Secret are open to every user in the container, where one of them would do",
    remedy: "write defaultMode: 0440 (288 in JSON), with fsGroup in the pod's securityContext so that its own user can read; or fix the container to one user with runAsNonRoot: true and allowPrivilegeEscalation: false",
    source: "Kubernetes API reference, SecretVolumeSource",
};

/// All of them.
pub const ALL: &[Rule] = &[READ, WRITE, CREATE, LIST_BY_NAME, AGGREGATION, ENV_FROM, FILE_MODE];
