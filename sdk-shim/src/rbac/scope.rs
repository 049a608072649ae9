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
        cluster: &["deviceclasses", "devicetaintrules", "resourcepoolstatusrequests", "resourceslices"],
    },
    Group { name: "scheduling.k8s.io", namespaced: &["podgroups", "workloads"], cluster: &["priorityclasses"] },
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
            |widest| if is_wildcard(resource) { widest.max(Scope::Unknown) } else { widest },
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
    let of_entry = |entry: &str| {
        let scopes = || groups.iter().map(|group| of_resource(group, entry));
        // Groups and resources are often listed together of which not every pair exists.
        let known = if is_wildcard(entry) { None } else { scopes().filter(|scope| *scope != Scope::Unknown).max() };
        known.or_else(|| scopes().max())
    };
    rule.resources.iter().filter_map(|entry| of_entry(entry)).max()
}

fn is_wildcard(entry: &str) -> bool {
    entry == ALL || entry.starts_with("*/")
}

/// Stands for every group that is not known.
const UNKNOWN: &str = "?";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope, Resource};

    use super::*;
    use crate::json;

    /// Resources that no type stands for: only rules name them, or they are of versions and servers beyond those of `k8s-openapi`.
    const WITHOUT_TYPE: &[(&str, &str)] = &[
        ("", "groups"),
        ("", "users"),
        ("authentication.k8s.io", "groups"),
        ("authentication.k8s.io", "nodes"),
        ("authentication.k8s.io", "serviceaccounts"),
        ("authentication.k8s.io", "uids"),
        ("authentication.k8s.io", "userextras"),
        ("authentication.k8s.io", "users"),
        ("certificates.k8s.io", "signers"),
        ("extensions", "daemonsets"),
        ("extensions", "deployments"),
        ("extensions", "ingresses"),
        ("extensions", "networkpolicies"),
        ("extensions", "podsecuritypolicies"),
        ("extensions", "replicasets"),
        ("metrics.k8s.io", "nodes"),
        ("metrics.k8s.io", "pods"),
        ("policy", "podsecuritypolicies"),
        ("resource.k8s.io", "resourcepoolstatusrequests"),
        ("scheduling.k8s.io", "podgroups"),
        ("scheduling.k8s.io", "workloads"),
    ];

    /// Every kind that the API server of `k8s-openapi`'s version stores or answers, and nothing beside them.
    #[test]
    fn the_table_agrees_with_the_kubernetes_types() {
        fn namespaced<T: Resource<Scope = NamespaceResourceScope>>() -> (&'static str, &'static str, Scope) {
            (T::GROUP, T::URL_PATH_SEGMENT, Scope::Namespaced)
        }
        fn cluster<T: Resource<Scope = ClusterResourceScope>>() -> (&'static str, &'static str, Scope) {
            (T::GROUP, T::URL_PATH_SEGMENT, Scope::Cluster)
        }
        macro_rules! kinds {
            ($( $scope:ident: [ $($module:ident::$version:ident { $($kind:ident),* })* ] )*) => {
                vec![$($($( $scope::<k8s_openapi::api::$module::$version::$kind>(), )*)*)*]
            };
        }
        let mut kinds = kinds! {
            namespaced: [
                core::v1 {
                    Binding, ConfigMap, Endpoints, Event, LimitRange, PersistentVolumeClaim, Pod, PodTemplate, ReplicationController,
                    ResourceQuota, Secret, Service, ServiceAccount
                }
                apps::v1 { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet }
                authorization::v1 { LocalSubjectAccessReview }
                autoscaling::v2 { HorizontalPodAutoscaler }
                batch::v1 { CronJob, Job }
                certificates::v1alpha1 { PodCertificateRequest }
                coordination::v1 { Lease }
                coordination::v1beta1 { LeaseCandidate }
                discovery::v1 { EndpointSlice }
                events::v1 { Event }
                networking::v1 { Ingress, NetworkPolicy }
                policy::v1 { PodDisruptionBudget }
                rbac::v1 { Role, RoleBinding }
                resource::v1 { ResourceClaim, ResourceClaimTemplate }
                storage::v1 { CSIStorageCapacity }
            ]
            cluster: [
                core::v1 { ComponentStatus, Namespace, Node, PersistentVolume }
                admissionregistration::v1 {
                    MutatingWebhookConfiguration, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
                    ValidatingWebhookConfiguration
                }
                admissionregistration::v1beta1 { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding }
                apiserverinternal::v1alpha1 { StorageVersion }
                authentication::v1 { SelfSubjectReview, TokenReview }
                authorization::v1 { SelfSubjectAccessReview, SelfSubjectRulesReview, SubjectAccessReview }
                certificates::v1 { CertificateSigningRequest }
                certificates::v1beta1 { ClusterTrustBundle }
                flowcontrol::v1 { FlowSchema, PriorityLevelConfiguration }
                networking::v1 { IngressClass, IPAddress, ServiceCIDR }
                node::v1 { RuntimeClass }
                rbac::v1 { ClusterRole, ClusterRoleBinding }
                resource::v1 { DeviceClass, ResourceSlice }
                resource::v1alpha3 { DeviceTaintRule }
                scheduling::v1 { PriorityClass }
                storage::v1 { CSIDriver, CSINode, StorageClass, VolumeAttachment, VolumeAttributesClass }
                storagemigration::v1alpha1 { StorageVersionMigration }
            ]
        };
        kinds.push(cluster::<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition>());
        kinds.push(cluster::<k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService>());
        for (group, resource, scope) in &kinds {
            assert_eq!(of_resource(group, resource), *scope, "{resource} of {group:?}");
        }
        let known: BTreeSet<(&str, &str)> = kinds.iter().map(|(group, resource, _)| (*group, *resource)).collect();
        for group in &GROUPS {
            for resource in group.namespaced.iter().chain(group.cluster) {
                assert!(
                    known.contains(&(group.name, *resource)) != WITHOUT_TYPE.contains(&(group.name, *resource)),
                    "{resource} of {:?} is in no list, or in both",
                    group.name
                );
            }
        }
    }

    #[test]
    fn wildcards_have_the_widest_scope() {
        for (group, resource, scope) in [
            ("", "*", Scope::Cluster),
            ("apps", "*", Scope::Namespaced),
            ("apps", "*/scale", Scope::Namespaced),
            ("", "*/status", Scope::Cluster),
            ("", "*/exec", Scope::Namespaced),
            ("", "nodes/proxy", Scope::Cluster),
            ("", "pods/log", Scope::Namespaced),
            ("widgets.example", "*", Scope::Unknown),
            ("", "widgets", Scope::Unknown),
            ("*", "*", Scope::Cluster),
            ("*", "*/scale", Scope::Unknown),
            ("*", "pods", Scope::Namespaced),
            ("*", "nodes", Scope::Cluster),
            ("*", "widgets", Scope::Unknown),
        ] {
            assert_eq!(of_resource(group, resource), scope, "{resource} of {group:?}");
        }
    }

    #[test]
    fn a_rule_has_the_widest_scope_of_what_it_grants() {
        let scope = |text: &'static str| of_rule(&json::from_str(text).unwrap());
        assert_eq!(
            scope(r#"{"apiGroups": ["", "apps"], "resources": ["pods", "deployments"], "verbs": ["get"]}"#),
            Some(Scope::Namespaced)
        );
        assert_eq!(
            scope(r#"{"apiGroups": ["", "a.example"], "resources": ["pods", "widgets"], "verbs": ["get"]}"#),
            Some(Scope::Unknown)
        );
        assert_eq!(
            scope(r#"{"apiGroups": ["apps", "a.example"], "resources": ["*"], "verbs": ["get"]}"#),
            Some(Scope::Unknown)
        );
        assert_eq!(
            scope(r#"{"apiGroups": ["apps", "apps"], "resources": ["deployments"], "verbs": ["get"]}"#),
            Some(Scope::Namespaced)
        );
        assert_eq!(
            scope(r#"{"apiGroups": ["a.example", "b.example", ""], "resources": ["nodes"], "verbs": ["get"]}"#),
            Some(Scope::Cluster)
        );
        assert_eq!(scope(r#"{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}"#), Some(Scope::Cluster));
        assert_eq!(scope(r#"{"apiGroups": [""], "resources": ["nodes"], "verbs": []}"#), None);
        assert_eq!(scope(r#"{"apiGroups": null, "resources": ["nodes"], "verbs": ["get"]}"#), None);
    }
}
