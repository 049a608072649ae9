//! Whether a resource is in namespaces: what a RoleBinding can hand over, and what takes a ClusterRoleBinding.
//!
//! ```
//! use palisade_sdk::rbac::scope::{Scope, of};
//! assert_eq!(of("", "pods/log"), Scope::Namespaced);
//! assert_eq!(of("", "nodes"), Scope::Cluster);
//! assert_eq!(of("widgets.example", "widgets"), Scope::Unknown);
//! ```

use super::ALL;

/// Where the objects of a resource are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In namespaces.
    Namespaced,
    /// In none, or some of them are.
    Cluster,
    /// A custom resource, in namespaces most likely.
    Unknown,
}

/// The API groups of Kubernetes itself, and their resources that are in no namespace. All others of theirs are in namespaces. What is no
/// resource, but checked as one, is here too: users and groups that can be impersonated, and signers.
///
/// Source: Kubernetes API reference, up to 1.34.
const GROUPS: &[(&str, &[&str])] = &[
    ("", &["componentstatuses", "namespaces", "nodes", "persistentvolumes", "users", "groups"]),
    (
        "admissionregistration.k8s.io",
        &[
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
            "mutatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "validatingwebhookconfigurations",
        ],
    ),
    ("apiextensions.k8s.io", &["customresourcedefinitions"]),
    ("apiregistration.k8s.io", &["apiservices"]),
    ("apps", &[]),
    ("authentication.k8s.io", &["tokenreviews", "selfsubjectreviews", "users", "groups", "uids", "userextras", "nodes"]),
    ("authorization.k8s.io", &["subjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"]),
    ("autoscaling", &[]),
    ("batch", &[]),
    ("certificates.k8s.io", &["certificatesigningrequests", "clustertrustbundles", "signers"]),
    ("coordination.k8s.io", &[]),
    ("discovery.k8s.io", &[]),
    ("events.k8s.io", &[]),
    ("extensions", &["podsecuritypolicies"]),
    ("flowcontrol.apiserver.k8s.io", &["flowschemas", "prioritylevelconfigurations"]),
    ("internal.apiserver.k8s.io", &["storageversions"]),
    ("metrics.k8s.io", &["nodes"]),
    ("networking.k8s.io", &["ingressclasses", "ipaddresses", "servicecidrs"]),
    ("node.k8s.io", &["runtimeclasses"]),
    ("policy", &["podsecuritypolicies"]),
    ("rbac.authorization.k8s.io", &["clusterroles", "clusterrolebindings"]),
    ("resource.k8s.io", &["deviceclasses", "resourceslices", "devicetaintrules"]),
    ("scheduling.k8s.io", &["priorityclasses"]),
    ("storage.k8s.io", &["csidrivers", "csinodes", "storageclasses", "volumeattachments", "volumeattributesclasses"]),
    ("storagemigration.k8s.io", &["storageversionmigrations"]),
];

/// Custom resources that are in no namespace, and whose names do not say so.
const WIDESPREAD: &[(&str, &[&str])] = &[
    ("cert-manager.io", &["signers"]),
    ("gateway.networking.k8s.io", &["gatewayclasses"]),
    ("policies.kubewarden.io", &["policyservers"]),
    ("policy.networking.k8s.io", &["adminnetworkpolicies", "baselineadminnetworkpolicies"]),
    ("snapshot.storage.k8s.io", &["volumesnapshotclasses", "volumesnapshotcontents"]),
];

/// The scope of an entry of a rule's `resources` in one of its API groups. A subresource is where its resource is.
pub fn of(group: &str, entry: &str) -> Scope {
    let resource = entry.split('/').next().unwrap_or_default();
    if resource == ALL {
        // Every resource of the group: if it has any that is in no namespace, or can have.
        return match GROUPS.iter().find(|(known, _)| *known == group) {
            Some((_, [])) => Scope::Namespaced,
            _ => Scope::Cluster,
        };
    }
    if group == ALL {
        return match GROUPS.iter().any(|(_, cluster)| cluster.contains(&resource)) {
            true => Scope::Cluster,
            false => Scope::Namespaced,
        };
    }
    let listed = |groups: &[(&str, &[&str])]| {
        groups.iter().find(|(known, _)| *known == group).map(|(_, cluster)| cluster.contains(&resource))
    };
    match listed(GROUPS) {
        Some(true) => Scope::Cluster,
        Some(false) => Scope::Namespaced,
        // By convention a custom resource says so by its name: clusterissuers, globalnetworkpolicies.
        None if listed(WIDESPREAD) == Some(true) || resource.starts_with("cluster") || resource.starts_with("global") => {
            Scope::Cluster
        }
        None => Scope::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_take_the_widest_scope() {
        for (group, entry, expected) in [
            ("", "pods", Scope::Namespaced),
            ("", "pods/*", Scope::Namespaced),
            ("", "nodes/metrics", Scope::Cluster),
            ("", "*", Scope::Cluster),
            ("apps", "*", Scope::Namespaced),
            ("apps", "*/scale", Scope::Namespaced),
            ("*", "*", Scope::Cluster),
            ("*", "pods", Scope::Namespaced),
            ("*", "nodes", Scope::Cluster),
            ("widgets.example", "*", Scope::Cluster),
            ("widgets.example", "widgets", Scope::Unknown),
            ("widgets.example", "clusterwidgets", Scope::Cluster),
            ("crd.projectcalico.org", "globalnetworkpolicies", Scope::Cluster),
            ("gateway.networking.k8s.io", "gateways", Scope::Unknown),
            ("gateway.networking.k8s.io", "gatewayclasses", Scope::Cluster),
            ("authorization.k8s.io", "localsubjectaccessreviews", Scope::Namespaced),
            ("authorization.k8s.io", "subjectaccessreviews", Scope::Cluster),
        ] {
            assert_eq!(of(group, entry), expected, "{group}/{entry}");
        }
    }
}
