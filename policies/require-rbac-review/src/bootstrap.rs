//! The roles and bindings that the API server makes for itself: nobody can annotate them.

use palisade_sdk::rbac::bootstrap::{LABEL, is_cluster_role};
use palisade_sdk::{Request, views::ObjectMeta};

use crate::Kind;

/// Roles and RoleBindings of `kube-system` and `kube-public`.
///
/// Source: `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/namespace_policy.go` of Kubernetes.
const NAMESPACED: &[&str] = &[
    "extension-apiserver-authentication-reader",
    "system::extension-apiserver-authentication-reader",
    "system::leader-locking-kube-controller-manager",
    "system::leader-locking-kube-scheduler",
    "system:controller:bootstrap-signer",
    "system:controller:cloud-provider",
    "system:controller:token-cleaner",
];

const API_SERVER: &str = "system:apiserver";

/// Whether the object is one that the API server made: the label and the name say so, and nobody else gains by saying so.
///
/// Label and name prove nothing: whoever may write roles can write both. So the writer must be the API server, or have every right
/// anyway (`system:masters`), or leave what is granted as it was. Where no user is known, in a scan or in the background audit, label
/// and name decide.
pub fn is_own(request: &Request<'_>, kind: Kind, metadata: &ObjectMeta<'_>, grants_no_more: bool) -> bool {
    if metadata.labels.get(LABEL.0).is_none_or(|value| *value != LABEL.1) {
        return false;
    }
    let name = metadata.name.as_str();
    let is_known = match kind {
        // A ClusterRoleBinding has the name of its ClusterRole.
        Kind::ClusterRole | Kind::ClusterRoleBinding => is_cluster_role(name),
        Kind::Role | Kind::RoleBinding => {
            matches!(request.namespace.as_str(), "kube-system" | "kube-public") && NAMESPACED.contains(&name)
        }
    };
    let user = &request.user_info;
    let has_every_right = user.groups.iter().any(|group| *group == "system:masters");
    if has_every_right && user.username == API_SERVER {
        // A later Kubernetes has names that are not listed here.
        return is_known || name.starts_with("system:");
    }
    is_known && (has_every_right || grants_no_more || user.username.is_empty())
}
