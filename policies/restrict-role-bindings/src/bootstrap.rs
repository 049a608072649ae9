//! The bindings that Kubernetes makes for itself.

use palisade_sdk::rbac::subjects::{Binding, Who};
use palisade_sdk::{Request, rbac};

/// Bindings of the API server, and of kubeadm, that hand over more than others may hold: namespace, name, and whom they name. The
/// role has the name of the binding unless there is another. They are known by all that they hand over, so that it does not matter
/// who writes them; those that hand over little are not here, but judged like any other.
///
/// Sources: `plugin/pkg/auth/authorizer/rbac/bootstrappolicy` and `cmd/kubeadm/app/phases` of Kubernetes.
const KNOWN: &[(&str, &str, Option<&str>, Who<'static>)] = &[
    ("", "cluster-admin", None, Who::Group("system:masters")),
    ("", "kubeadm:cluster-admins", Some("cluster-admin"), Who::Group("kubeadm:cluster-admins")),
    ("", "system:kube-controller-manager", None, CONTROLLER_MANAGER),
    ("", "system:kube-scheduler", None, SCHEDULER),
    ("", "system:volume-scheduler", None, SCHEDULER),
    ("", "system:node-proxier", None, Who::User("system:kube-proxy")),
    ("", "system:kube-dns", None, Who::ServiceAccount { namespace: SYSTEM, name: "kube-dns" }),
    (SYSTEM, "system::leader-locking-kube-controller-manager", None, CONTROLLER_MANAGER),
    (SYSTEM, "system::leader-locking-kube-scheduler", None, SCHEDULER),
];
const CONTROLLER_MANAGER: Who<'_> = Who::User("system:kube-controller-manager");
const SCHEDULER: Who<'_> = Who::User("system:kube-scheduler");
/// Where Kubernetes runs itself.
pub const SYSTEM: &str = "kube-system";

/// Controllers whose right is a Role, in `kube-system`.
const CONTROLLERS_BY_ROLE: [&str; 3] = ["bootstrap-signer", "cloud-provider", "token-cleaner"];

/// The label that the API server puts on its own.
const LABEL: (&str, &str) = ("kubernetes.io/bootstrapping", "rbac-defaults");

/// Whether it is the API server that writes one of its own bindings, also one that a later Kubernetes has. The label by itself is no
/// reason: everybody can write it.
pub fn is_the_api_servers(request: &Request<'_>, binding: &Binding<'_>) -> bool {
    let user = &request.user_info;
    let name = binding.metadata.name.as_str();
    user.username == "system:apiserver"
        && user.groups.iter().any(|group| *group == "system:masters")
        && binding.metadata.labels.get(LABEL.0).is_some_and(|value| *value == LABEL.1)
        && (name.starts_with("system:") || name == "cluster-admin")
}

/// Whether the binding is one of Kubernetes' own, and names this holder as that one does.
pub fn is_known(binding: &Binding<'_>, namespace: &str, who: Who<'_>) -> bool {
    let name = binding.metadata.name.as_str();
    let role = binding.role_ref.name.as_str();
    let role_kind = if namespace.is_empty() { "ClusterRole" } else { "Role" };
    if binding.role_ref.kind != role_kind {
        return false;
    }
    if let Some(controller) = name.strip_prefix("system:controller:") {
        let is_controller = match namespace {
            "" => rbac::bootstrap::CONTROLLERS.contains(&controller),
            SYSTEM => CONTROLLERS_BY_ROLE.contains(&controller),
            _ => false,
        };
        return is_controller && role == name && who == Who::ServiceAccount { namespace: SYSTEM, name: controller };
    }
    KNOWN.iter().any(|(known_namespace, known, other_role, holder)| {
        *known_namespace == namespace && *known == name && role == other_role.unwrap_or(known) && *holder == who
    })
}
