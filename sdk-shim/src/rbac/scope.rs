//! Which resources are in namespaces, and which are the cluster's: whether a RoleBinding could give what a role grants.
//!
//! ```
//! use palisade_sdk::rbac::scope::{Scope, of_resource};
//! assert_eq!(of_resource("apps", "deployments"), Scope::Namespaced);
//! assert_eq!(of_resource("", "nodes"), Scope::Cluster);
//! assert_eq!(of_resource("widgets.example", "widgets"), Scope::Unknown);
//! ```

use super::{ALL, PolicyRule};

/// Where the objects of a resource are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// In namespaces.
    Namespaced,
    /// Not known: it is not a resource of Kubernetes itself. Most are in namespaces, so take it for one of those, and say that it is a guess.
    Unknown,
    /// In none.
    Cluster,
}

/// An API group of Kubernetes, and its resources.
struct Group {
    name: &'static str,
    namespaced: &'static [&'static str],
    cluster: &'static [&'static str],
}

/// The groups of Kubernetes itself. Beside the resources of its types there are those that only rules name, such as `signers`, and those
/// of versions and servers that every cluster may have, such as `metrics.k8s.io`.
static GROUPS: [Group; 25] = [
    Group {
        name: "",
        namespaced: &[
            "bindings",
            "configmaps",
            "endpoints",
            "events",
            "limitranges",
            "persistentvolumeclaims",
            "pods",
            "podtemplates",
            "replicationcontrollers",
            "resourcequotas",
            "secrets",
            "serviceaccounts",
            "services",
        ],
        cluster: &["componentstatuses", "groups", "namespaces", "nodes", "persistentvolumes", "users"],
    },
    Group {
        name: "admissionregistration.k8s.io",
        namespaced: &[],
        cluster: &[
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
            "mutatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "validatingwebhookconfigurations",
        ],
    },
    Group { name: "apiextensions.k8s.io", namespaced: &[], cluster: &["customresourcedefinitions"] },
    Group { name: "apiregistration.k8s.io", namespaced: &[], cluster: &["apiservices"] },
    Group {
        name: "apps",
        namespaced: &["controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"],
        cluster: &[],
    },
    Group {
        name: "authentication.k8s.io",
        namespaced: &["serviceaccounts"],
        cluster: &["groups", "nodes", "selfsubjectreviews", "tokenreviews", "uids", "userextras", "users"],
    },
    Group {
        name: "authorization.k8s.io",
        namespaced: &["localsubjectaccessreviews"],
        cluster: &["selfsubjectaccessreviews", "selfsubjectrulesreviews", "subjectaccessreviews"],
    },
    Group { name: "autoscaling", namespaced: &["horizontalpodautoscalers"], cluster: &[] },
    Group { name: "batch", namespaced: &["cronjobs", "jobs"], cluster: &[] },
    Group {
        name: "certificates.k8s.io",
        namespaced: &["podcertificaterequests"],
        cluster: &["certificatesigningrequests", "clustertrustbundles", "signers"],
    },
    Group { name: "coordination.k8s.io", namespaced: &["leasecandidates", "leases"], cluster: &[] },
    Group { name: "discovery.k8s.io", namespaced: &["endpointslices"], cluster: &[] },
    Group { name: "events.k8s.io", namespaced: &["events"], cluster: &[] },
    Group {
        name: "extensions",
        namespaced: &["daemonsets", "deployments", "ingresses", "networkpolicies", "replicasets"],
        cluster: &["podsecuritypolicies"],
    },
    Group { name: "flowcontrol.apiserver.k8s.io", namespaced: &[], cluster: &["flowschemas", "prioritylevelconfigurations"] },
    Group { name: "internal.apiserver.k8s.io", namespaced: &[], cluster: &["storageversions"] },
    Group { name: "metrics.k8s.io", namespaced: &["pods"], cluster: &["nodes"] },
    Group {
        name: "networking.k8s.io",
        namespaced: &["ingresses", "networkpolicies"],
        cluster: &["ingressclasses", "ipaddresses", "servicecidrs"],
    },
    Group { name: "node.k8s.io", namespaced: &[], cluster: &["runtimeclasses"] },
    Group { name: "policy", namespaced: &["poddisruptionbudgets"], cluster: &["podsecuritypolicies"] },
    Group {
        name: "rbac.authorization.k8s.io",
        namespaced: &["rolebindings", "roles"],
        cluster: &["clusterrolebindings", "clusterroles"],
    },
    Group {
        name: "resource.k8s.io",
        namespaced: &["resourceclaims", "resourceclaimtemplates"],
        cluster: &["deviceclasses", "devicetaintrules", "resourceslices"],
    },
    Group { name: "scheduling.k8s.io", namespaced: &[], cluster: &["priorityclasses"] },
    Group {
        name: "storage.k8s.io",
        namespaced: &["csistoragecapacities"],
        cluster: &["csidrivers", "csinodes", "storageclasses", "volumeattachments", "volumeattributesclasses"],
    },
    Group { name: "storagemigration.k8s.io", namespaced: &[], cluster: &["storageversionmigrations"] },
];

/// Subresources that some cluster-scoped resource of Kubernetes has: `*/scale` is none of theirs.
const OF_CLUSTER_RESOURCES: [&str; 5] = ["approval", "finalize", "finalizers", "proxy", "status"];

impl Group {
    fn scope(&self, entry: &str) -> Scope {
        let (resource, subresource) = entry.split_once('/').unwrap_or((entry, ""));
        if resource == ALL {
            let reaches = subresource.is_empty() || OF_CLUSTER_RESOURCES.contains(&subresource);
            return if reaches && !self.cluster.is_empty() { Scope::Cluster } else { Scope::Namespaced };
        }
        if self.cluster.contains(&resource) {
            Scope::Cluster
        } else if self.namespaced.contains(&resource) {
            Scope::Namespaced
        } else {
            Scope::Unknown
        }
    }
}

/// The scope of a resource, written as in a rule: `pods`, `pods/exec`, `*`. A wildcard has the widest scope of what it stands for.
pub fn of_resource(group: &str, resource: &str) -> Scope {
    if group == ALL {
        return GROUPS.iter().map(|known| known.scope(resource)).filter(|scope| *scope != Scope::Unknown).max().map_or(
            Scope::Unknown,
            // There are other groups, of which nothing is known.
            |widest| if resource == ALL || resource.starts_with("*/") { widest.max(Scope::Unknown) } else { widest },
        );
    }
    GROUPS.iter().find(|known| known.name == group).map_or(Scope::Unknown, |known| known.scope(resource))
}

/// The widest scope of what a rule grants; `None` where it grants nothing. URLs are the cluster's.
///
/// `resourceNames` are no matter: an object of the cluster is out of reach for a RoleBinding under any name. There is one exception that is
/// not told apart: a RoleBinding does grant requests for the Namespace that it is in.
pub fn of_rule(rule: &PolicyRule<'_>) -> Option<Scope> {
    if rule.verbs.is_empty() {
        return None;
    }
    if !rule.non_resource_urls.is_empty() {
        return Some(Scope::Cluster);
    }
    // Groups may be listed again and again.
    let mut groups: Vec<&str> = Vec::new();
    for group in &rule.api_groups {
        let known = *group == ALL || GROUPS.iter().any(|known| known.name == group.as_str());
        let group = if known { group.as_str() } else { UNKNOWN };
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    let scopes = rule.resources.iter().flat_map(|resource| groups.iter().map(|group| of_resource(group, resource)));
    scopes.max()
}

/// Stands for every group that is not known.
const UNKNOWN: &str = "?";
