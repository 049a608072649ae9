//! The ClusterRoles that the API server makes for itself, and who writes them.

use palisade_sdk::rbac::Role;
use palisade_sdk::rbac::bootstrap::{LABEL, is_cluster_role};
use palisade_sdk::{Error, Operation, Request, json::Raw};

/// The labels by which a ClusterRole is aggregated into the user-facing ones.
pub const AGGREGATE_TO: [&str; 3] = [
    "rbac.authorization.k8s.io/aggregate-to-view",
    "rbac.authorization.k8s.io/aggregate-to-edit",
    "rbac.authorization.k8s.io/aggregate-to-admin",
];

palisade_sdk::view! {
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
