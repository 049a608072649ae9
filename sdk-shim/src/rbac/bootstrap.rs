//! What the API server makes for itself when it starts.
//!
//! A name or a label proves nothing by itself: whoever may write roles and bindings can write both.

use super::Role;
use crate::json::Raw;
use crate::{Error, Operation, Request};

/// The names of the ClusterRoles that Kubernetes makes since 1.20. Those of its controllers are below.
///
/// Source: `plugin/pkg/auth/authorizer/rbac/bootstrappolicy` of Kubernetes.
const CLUSTER_ROLES: &[&str] = &[
    "admin",
    "cluster-admin",
    "edit",
    "system:aggregate-to-admin",
    "system:aggregate-to-edit",
    "system:aggregate-to-view",
    "system:auth-delegator",
    "system:basic-user",
    "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
    "system:certificates.k8s.io:kube-apiserver-client-approver",
    "system:certificates.k8s.io:kube-apiserver-client-kubelet-approver",
    "system:certificates.k8s.io:kubelet-serving-approver",
    "system:certificates.k8s.io:legacy-unknown-approver",
    "system:cluster-trust-bundle-discovery",
    "system:discovery",
    "system:heapster",
    "system:kube-aggregator",
    "system:kube-controller-manager",
    "system:kube-dns",
    "system:kube-scheduler",
    "system:kubelet-api-admin",
    "system:monitoring",
    "system:node",
    "system:node-bootstrapper",
    "system:node-problem-detector",
    "system:node-proxier",
    "system:persistent-volume-provisioner",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
    "system:volume-scheduler",
    "view",
];

/// The controllers of Kubernetes: each has a ClusterRole `system:controller:<name>`, which a ClusterRoleBinding of the same name gives to
/// the ServiceAccount `<name>` of `kube-system`.
pub const CONTROLLERS: &[&str] = &[
    "attachdetach-controller",
    "certificate-controller",
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "device-taint-eviction-controller",
    "disruption-controller",
    "endpoint-controller",
    "endpointslice-controller",
    "endpointslicemirroring-controller",
    "ephemeral-volume-controller",
    "expand-controller",
    "generic-garbage-collector",
    "horizontal-pod-autoscaler",
    "job-controller",
    "kube-apiserver-serving-clustertrustbundle-publisher",
    "legacy-service-account-token-cleaner",
    "namespace-controller",
    "node-controller",
    "persistent-volume-binder",
    "pod-garbage-collector",
    "podcertificaterequestcleaner",
    "podcheckpoint-controller",
    "podgroup-protection-controller",
    "pv-protection-controller",
    "pvc-protection-controller",
    "replicaset-controller",
    "replication-controller",
    "resource-claim-controller",
    "resourcepoolstatusrequest-controller",
    "resourcequota-controller",
    "root-ca-cert-publisher",
    "route-controller",
    "selinux-warning-controller",
    "service-account-controller",
    "service-cidrs-controller",
    "service-controller",
    "statefulset-controller",
    "storage-version-garbage-collector",
    "storage-version-migrator-controller",
    "ttl-after-finished-controller",
    "ttl-controller",
    "validatingadmissionpolicy-status-controller",
    "volumeattributesclass-protection-controller",
];

/// The label that all of them carry, and `cluster-admin` no other.
pub const LABEL: (&str, &str) = ("kubernetes.io/bootstrapping", "rbac-defaults");

/// Whether a ClusterRole of the API server has this name.
pub fn is_cluster_role(name: &str) -> bool {
    match name.strip_prefix("system:controller:") {
        Some(controller) => CONTROLLERS.contains(&controller),
        None => CLUSTER_ROLES.contains(&name),
    }
}

/// The labels by which a ClusterRole is aggregated into the user-facing ones.
pub const AGGREGATE_TO: [&str; 3] = [
    "rbac.authorization.k8s.io/aggregate-to-view",
    "rbac.authorization.k8s.io/aggregate-to-edit",
    "rbac.authorization.k8s.io/aggregate-to-admin",
];

crate::view! {
    /// The aggregation as it is written: to see whether it was changed.
    struct Aggregation<'a> {
        rule: Option<Raw<'a>> as "aggregationRule",
    }
}

/// Who the API server is to itself.
const API_SERVER: &str = "system:apiserver";

/// The controller that fills aggregated ClusterRoles, with credentials of its own and with those of its process.
const AGGREGATORS: [&str; 2] =
    ["system:serviceaccount:kube-system:clusterrole-aggregation-controller", "system:kube-controller-manager"];

/// Whether it is the aggregation controller that writes: what it copies was judged where it was written.
pub fn is_aggregation(request: &Request<'_>, role: &Role<'_>) -> bool {
    request.operation == Operation::Update
        && role.aggregation_rule.is_some()
        && AGGREGATORS.iter().any(|name| request.user_info.username == *name)
}

/// Whether a ClusterRole is one that the API server made: the label says so, the name is one of its names, and it was not altered by
/// somebody who could gain by it.
///
/// Label and name alone are not enough: whoever may write ClusterRoles can write both. So the writer must be the API server, or have
/// every right anyway (`system:masters`), or leave what the role grants as it was. Where no user is known, in a scan or in
/// the background audit, label and name decide.
///
/// # Errors
/// When the old object cannot be read.
pub fn is_bootstrapped(request: &Request<'_>, role: &Role<'_>) -> Result<bool, Error> {
    let name = role.metadata.name.as_str();
    if role.metadata.labels.get(LABEL.0).is_none_or(|value| *value != LABEL.1) {
        return Ok(false);
    }
    let user = &request.user_info;
    if user.username == API_SERVER && user.groups.iter().any(|group| *group == "system:masters") {
        // A later Kubernetes has names that are not listed here.
        return Ok(name.starts_with("system:") || is_cluster_role(name));
    }
    if !is_cluster_role(name) {
        return Ok(false);
    }
    if user.username.is_empty() || user.groups.iter().any(|group| *group == "system:masters") {
        return Ok(true);
    }
    if request.operation != Operation::Update {
        return Ok(false);
    }
    let Some(old) = request.old_object::<Role<'_>>()? else { return Ok(false) };
    let same_label = |key: &str| old.metadata.labels.get(key) == role.metadata.labels.get(key);
    Ok(old.rules == role.rules
        && request.object::<Aggregation<'_>>()?.rule == request.old_object::<Aggregation<'_>>()?.unwrap_or_default().rule
        && same_label(LABEL.0)
        && AGGREGATE_TO.iter().all(|label| same_label(label)))
}
