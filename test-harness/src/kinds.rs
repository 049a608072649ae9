//! What is known of Kubernetes' own kinds: their resource names, whether they have namespaces, and which versions are gone.

use std::collections::HashMap;

use serde_json::Value;

/// A kind of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The API group; the core group is the empty string.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The resource: the kind's name in the plural, as URLs and rules have it.
    pub resource: &'static str,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
}

const fn namespaced(group: &'static str, kind: &'static str, resource: &'static str) -> Kind {
    Kind { group, kind, resource, namespaced: true }
}

const fn cluster(group: &'static str, kind: &'static str, resource: &'static str) -> Kind {
    Kind { group, kind, resource, namespaced: false }
}

/// The kinds of Kubernetes itself, whatever their versions.
const BUILT_IN: &[Kind] = &[
    namespaced("", "Binding", "bindings"),
    cluster("", "ComponentStatus", "componentstatuses"),
    namespaced("", "ConfigMap", "configmaps"),
    namespaced("", "Endpoints", "endpoints"),
    namespaced("", "Event", "events"),
    namespaced("", "LimitRange", "limitranges"),
    cluster("", "Namespace", "namespaces"),
    cluster("", "Node", "nodes"),
    cluster("", "PersistentVolume", "persistentvolumes"),
    namespaced("", "PersistentVolumeClaim", "persistentvolumeclaims"),
    namespaced("", "Pod", "pods"),
    namespaced("", "PodTemplate", "podtemplates"),
    namespaced("", "ReplicationController", "replicationcontrollers"),
    namespaced("", "ResourceQuota", "resourcequotas"),
    namespaced("", "Secret", "secrets"),
    namespaced("", "Service", "services"),
    namespaced("", "ServiceAccount", "serviceaccounts"),
    cluster("admissionregistration.k8s.io", "MutatingAdmissionPolicy", "mutatingadmissionpolicies"),
    cluster("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings"),
    cluster("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
    cluster("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
    cluster("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
    cluster("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
    cluster("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions"),
    cluster("apiregistration.k8s.io", "APIService", "apiservices"),
    namespaced("apps", "ControllerRevision", "controllerrevisions"),
    namespaced("apps", "DaemonSet", "daemonsets"),
    namespaced("apps", "Deployment", "deployments"),
    namespaced("apps", "ReplicaSet", "replicasets"),
    namespaced("apps", "StatefulSet", "statefulsets"),
    namespaced("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    namespaced("batch", "CronJob", "cronjobs"),
    namespaced("batch", "Job", "jobs"),
    cluster("certificates.k8s.io", "CertificateSigningRequest", "certificatesigningrequests"),
    cluster("certificates.k8s.io", "ClusterTrustBundle", "clustertrustbundles"),
    namespaced("coordination.k8s.io", "Lease", "leases"),
    namespaced("discovery.k8s.io", "EndpointSlice", "endpointslices"),
    namespaced("events.k8s.io", "Event", "events"),
    cluster("flowcontrol.apiserver.k8s.io", "FlowSchema", "flowschemas"),
    cluster("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration", "prioritylevelconfigurations"),
    namespaced("networking.k8s.io", "Ingress", "ingresses"),
    cluster("networking.k8s.io", "IngressClass", "ingressclasses"),
    cluster("networking.k8s.io", "IPAddress", "ipaddresses"),
    namespaced("networking.k8s.io", "NetworkPolicy", "networkpolicies"),
    cluster("networking.k8s.io", "ServiceCIDR", "servicecidrs"),
    cluster("node.k8s.io", "RuntimeClass", "runtimeclasses"),
    namespaced("policy", "PodDisruptionBudget", "poddisruptionbudgets"),
    cluster("policy", "PodSecurityPolicy", "podsecuritypolicies"),
    cluster("rbac.authorization.k8s.io", "ClusterRole", "clusterroles"),
    cluster("rbac.authorization.k8s.io", "ClusterRoleBinding", "clusterrolebindings"),
    namespaced("rbac.authorization.k8s.io", "Role", "roles"),
    namespaced("rbac.authorization.k8s.io", "RoleBinding", "rolebindings"),
    cluster("resource.k8s.io", "DeviceClass", "deviceclasses"),
    namespaced("resource.k8s.io", "ResourceClaim", "resourceclaims"),
    namespaced("resource.k8s.io", "ResourceClaimTemplate", "resourceclaimtemplates"),
    cluster("resource.k8s.io", "ResourceSlice", "resourceslices"),
    cluster("scheduling.k8s.io", "PriorityClass", "priorityclasses"),
    cluster("storage.k8s.io", "CSIDriver", "csidrivers"),
    cluster("storage.k8s.io", "CSINode", "csinodes"),
    namespaced("storage.k8s.io", "CSIStorageCapacity", "csistoragecapacities"),
    cluster("storage.k8s.io", "StorageClass", "storageclasses"),
    cluster("storage.k8s.io", "VolumeAttachment", "volumeattachments"),
    cluster("storage.k8s.io", "VolumeAttributesClass", "volumeattributesclasses"),
];

/// Custom resources that are widespread and have no namespaces, or whose plural cannot be guessed. Others are taken to have namespaces.
const WIDESPREAD: &[Kind] = &[
    // Files of the control plane that have the form of objects; the first is an old name of the second.
    cluster("", "EncryptionConfig", "encryptionconfigs"),
    cluster("apiserver.config.k8s.io", "EncryptionConfiguration", "encryptionconfigurations"),
    cluster("kubeadm.k8s.io", "ClusterConfiguration", "clusterconfigurations"),
    cluster("cert-manager.io", "ClusterIssuer", "clusterissuers"),
    cluster("cilium.io", "CiliumClusterwideNetworkPolicy", "ciliumclusterwidenetworkpolicies"),
    namespaced("cilium.io", "CiliumNetworkPolicy", "ciliumnetworkpolicies"),
    cluster("crd.projectcalico.org", "GlobalNetworkPolicy", "globalnetworkpolicies"),
    namespaced("crd.projectcalico.org", "NetworkPolicy", "networkpolicies"),
    cluster("external-secrets.io", "ClusterExternalSecret", "clusterexternalsecrets"),
    cluster("external-secrets.io", "ClusterPushSecret", "clusterpushsecrets"),
    cluster("external-secrets.io", "ClusterSecretStore", "clustersecretstores"),
    cluster("gateway.networking.k8s.io", "GatewayClass", "gatewayclasses"),
    namespaced("gateway.networking.k8s.io", "Gateway", "gateways"),
    cluster("policies.kubewarden.io", "ClusterAdmissionPolicy", "clusteradmissionpolicies"),
    cluster("policies.kubewarden.io", "ClusterAdmissionPolicyGroup", "clusteradmissionpolicygroups"),
    cluster("policies.kubewarden.io", "PolicyServer", "policyservers"),
    cluster("policy.networking.k8s.io", "AdminNetworkPolicy", "adminnetworkpolicies"),
    cluster("policy.networking.k8s.io", "BaselineAdminNetworkPolicy", "baselineadminnetworkpolicies"),
    cluster("projectcalico.org", "GlobalNetworkPolicy", "globalnetworkpolicies"),
    namespaced("projectcalico.org", "NetworkPolicy", "networkpolicies"),
];

/// A version of a kind that the API server no longer serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Group and version.
    pub api_version: &'static str,
    /// The kind, or empty for all kinds of the version.
    pub kind: &'static str,
    /// The version of Kubernetes that no longer has it.
    pub since: &'static str,
    /// What to write instead; empty where there is nothing.
    pub instead: &'static str,
}

const fn removed(api_version: &'static str, kind: &'static str, since: &'static str, instead: &'static str) -> Removed {
    Removed { api_version, kind, since, instead }
}

/// Source: Kubernetes documentation, "Deprecated API Migration Guide".
const REMOVED: &[Removed] = &[
    removed("extensions/v1beta1", "Ingress", "1.22", "networking.k8s.io/v1"),
    removed("extensions/v1beta1", "NetworkPolicy", "1.16", "networking.k8s.io/v1"),
    removed("extensions/v1beta1", "PodSecurityPolicy", "1.16", ""),
    removed("extensions/v1beta1", "", "1.16", "apps/v1"),
    removed("apps/v1beta1", "", "1.16", "apps/v1"),
    removed("apps/v1beta2", "", "1.16", "apps/v1"),
    removed("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration", "1.22", "admissionregistration.k8s.io/v1"),
    removed(
        "admissionregistration.k8s.io/v1beta1",
        "ValidatingWebhookConfiguration",
        "1.22",
        "admissionregistration.k8s.io/v1",
    ),
    removed("apiextensions.k8s.io/v1beta1", "", "1.22", "apiextensions.k8s.io/v1"),
    removed("apiregistration.k8s.io/v1beta1", "", "1.22", "apiregistration.k8s.io/v1"),
    removed("autoscaling/v2beta1", "", "1.25", "autoscaling/v2"),
    removed("autoscaling/v2beta2", "", "1.26", "autoscaling/v2"),
    removed("batch/v1beta1", "", "1.25", "batch/v1"),
    removed("batch/v2alpha1", "", "1.21", "batch/v1"),
    removed("certificates.k8s.io/v1beta1", "CertificateSigningRequest", "1.22", "certificates.k8s.io/v1"),
    removed("coordination.k8s.io/v1beta1", "Lease", "1.22", "coordination.k8s.io/v1"),
    removed("discovery.k8s.io/v1beta1", "", "1.25", "discovery.k8s.io/v1"),
    removed("events.k8s.io/v1beta1", "", "1.25", "events.k8s.io/v1"),
    removed("flowcontrol.apiserver.k8s.io/v1beta1", "", "1.26", "flowcontrol.apiserver.k8s.io/v1"),
    removed("flowcontrol.apiserver.k8s.io/v1beta2", "", "1.29", "flowcontrol.apiserver.k8s.io/v1"),
    removed("flowcontrol.apiserver.k8s.io/v1beta3", "", "1.32", "flowcontrol.apiserver.k8s.io/v1"),
    removed("networking.k8s.io/v1beta1", "Ingress", "1.22", "networking.k8s.io/v1"),
    removed("networking.k8s.io/v1beta1", "IngressClass", "1.22", "networking.k8s.io/v1"),
    removed("node.k8s.io/v1beta1", "", "1.25", "node.k8s.io/v1"),
    removed("policy/v1beta1", "PodDisruptionBudget", "1.25", "policy/v1"),
    removed("policy/v1beta1", "PodSecurityPolicy", "1.25", ""),
    removed("rbac.authorization.k8s.io/v1alpha1", "", "1.22", "rbac.authorization.k8s.io/v1"),
    removed("rbac.authorization.k8s.io/v1beta1", "", "1.22", "rbac.authorization.k8s.io/v1"),
    removed("scheduling.k8s.io/v1beta1", "PriorityClass", "1.22", "scheduling.k8s.io/v1"),
    removed("storage.k8s.io/v1beta1", "CSIDriver", "1.22", "storage.k8s.io/v1"),
    removed("storage.k8s.io/v1beta1", "CSINode", "1.22", "storage.k8s.io/v1"),
    removed("storage.k8s.io/v1beta1", "CSIStorageCapacity", "1.27", "storage.k8s.io/v1"),
    removed("storage.k8s.io/v1beta1", "StorageClass", "1.22", "storage.k8s.io/v1"),
    removed("storage.k8s.io/v1beta1", "VolumeAttachment", "1.22", "storage.k8s.io/v1"),
];

/// Every kind that is known.
pub fn all() -> impl Iterator<Item = &'static Kind> {
    BUILT_IN.iter().chain(WIDESPREAD)
}

/// The kinds of Kubernetes itself, and those that the CustomResourceDefinitions of a cluster define.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    custom: HashMap<(String, String), Custom>,
}

/// What a CustomResourceDefinition says of its kind.
#[derive(Clone, Debug)]
struct Custom {
    resource: String,
    namespaced: bool,
}

impl Kinds {
    /// Takes in what an object defines, if it is a CustomResourceDefinition; group and kind are the answer.
    pub fn learn(&mut self, object: &Value) -> Option<(String, String)> {
        if object["kind"] != "CustomResourceDefinition" {
            return None;
        }
        let spec = &object["spec"];
        let names = &spec["names"];
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let key = (text(&spec["group"])?, text(&names["kind"])?);
        let custom = Custom { resource: text(&names["plural"])?, namespaced: spec["scope"] != "Cluster" };
        self.custom.insert(key.clone(), custom);
        Some(key)
    }

    fn custom(&self, group: &str, kind: &str) -> Option<&Custom> {
        // Most clusters of a test define nothing, and then no key need be made.
        if self.custom.is_empty() { None } else { self.custom.get(&(group.to_owned(), kind.to_owned())) }
    }

    /// Whether objects of a kind are in namespaces; kinds that are not known are taken to be.
    pub fn is_namespaced(&self, group: &str, kind: &str) -> bool {
        self.custom(group, kind).map_or_else(|| is_namespaced(group, kind), |custom| custom.namespaced)
    }

    /// The resource name of a kind. For kinds that are not known it is made as `kubectl` guesses it.
    pub fn resource(&self, group: &str, kind: &str) -> String {
        self.custom(group, kind).map_or_else(|| resource(group, kind), |custom| custom.resource.clone())
    }
}

/// Whether the kinds of a group are Kubernetes' own, and not custom resources or those of another API server.
pub(crate) fn is_built_in(group: &str) -> bool {
    BUILT_IN.iter().any(|known| known.group == group)
}

/// What is known of a kind of this group.
pub fn find(group: &str, kind: &str) -> Option<&'static Kind> {
    BUILT_IN.iter().chain(WIDESPREAD).find(|known| known.group == group && known.kind == kind)
}

/// Whether objects of a kind are in namespaces; kinds that are not known are taken to be.
pub fn is_namespaced(group: &str, kind: &str) -> bool {
    find(group, kind).is_none_or(|known| known.namespaced)
}

/// The resource name of a kind. For kinds that are not known it is made as `kubectl` guesses it.
pub fn resource(group: &str, kind: &str) -> String {
    match find(group, kind) {
        Some(known) => known.resource.to_owned(),
        None => plural(&kind.to_ascii_lowercase()),
    }
}

fn plural(word: &str) -> String {
    match word.as_bytes() {
        [.., b's'] => format!("{word}es"),
        [stem @ .., b'y'] => format!("{}ies", String::from_utf8_lossy(stem)),
        _ => format!("{word}s"),
    }
}

/// Group and version of an `apiVersion`: `apps/v1` is `("apps", "v1")`, `v1` is `("", "v1")`.
pub fn group_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Whether a version of a kind is gone.
pub fn removed_version(api_version: &str, kind: &str) -> Option<&'static Removed> {
    REMOVED.iter().find(|removed| removed.api_version == api_version && (removed.kind.is_empty() || removed.kind == kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn guesses_what_it_does_not_know() {
        assert_eq!(resource("apps", "Deployment"), "deployments");
        assert_eq!(resource("networking.k8s.io", "NetworkPolicy"), "networkpolicies");
        assert_eq!(resource("example.com", "Gateway"), "gatewaies");
        assert_eq!(resource("example.com", "Class"), "classes");
        assert!(is_namespaced("example.com", "Thing"));
        assert!(!is_namespaced("", "Namespace"));
    }

    #[test]
    fn the_tables_agree_with_the_kubernetes_types() {
        use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope, Resource};

        fn check<T: Resource>(namespaced: bool) {
            let known = find(T::GROUP, T::KIND).unwrap_or_else(|| panic!("{} is missing", T::KIND));
            assert_eq!((known.resource, known.namespaced), (T::URL_PATH_SEGMENT, namespaced), "{}", T::KIND);
        }
        fn namespaced<T: Resource<Scope = NamespaceResourceScope>>() {
            check::<T>(true);
        }
        fn cluster<T: Resource<Scope = ClusterResourceScope>>() {
            check::<T>(false);
        }
        use k8s_openapi::api::{
            admissionregistration::v1 as admission, apps::v1 as apps, autoscaling::v2 as autoscaling, batch::v1 as batch,
            certificates::v1 as certificates, coordination::v1 as coordination, core::v1 as core, discovery::v1 as discovery,
            flowcontrol::v1 as flow, networking::v1 as net, node::v1 as node, policy::v1 as policy, rbac::v1 as rbac,
            scheduling::v1 as scheduling, storage::v1 as storage,
        };
        namespaced::<core::ConfigMap>();
        namespaced::<core::Endpoints>();
        namespaced::<core::Event>();
        namespaced::<core::LimitRange>();
        cluster::<core::Namespace>();
        cluster::<core::Node>();
        cluster::<core::PersistentVolume>();
        namespaced::<core::PersistentVolumeClaim>();
        namespaced::<core::Pod>();
        namespaced::<core::PodTemplate>();
        namespaced::<core::ReplicationController>();
        namespaced::<core::ResourceQuota>();
        namespaced::<core::Secret>();
        namespaced::<core::Service>();
        namespaced::<core::ServiceAccount>();
        cluster::<admission::MutatingWebhookConfiguration>();
        cluster::<admission::ValidatingWebhookConfiguration>();
        cluster::<admission::ValidatingAdmissionPolicy>();
        cluster::<admission::ValidatingAdmissionPolicyBinding>();
        namespaced::<apps::ControllerRevision>();
        namespaced::<apps::DaemonSet>();
        namespaced::<apps::Deployment>();
        namespaced::<apps::ReplicaSet>();
        namespaced::<apps::StatefulSet>();
        namespaced::<autoscaling::HorizontalPodAutoscaler>();
        namespaced::<batch::CronJob>();
        namespaced::<batch::Job>();
        cluster::<certificates::CertificateSigningRequest>();
        namespaced::<coordination::Lease>();
        namespaced::<discovery::EndpointSlice>();
        cluster::<flow::FlowSchema>();
        cluster::<flow::PriorityLevelConfiguration>();
        namespaced::<net::Ingress>();
        cluster::<net::IngressClass>();
        cluster::<net::IPAddress>();
        namespaced::<net::NetworkPolicy>();
        cluster::<net::ServiceCIDR>();
        cluster::<node::RuntimeClass>();
        namespaced::<policy::PodDisruptionBudget>();
        cluster::<rbac::ClusterRole>();
        cluster::<rbac::ClusterRoleBinding>();
        namespaced::<rbac::Role>();
        namespaced::<rbac::RoleBinding>();
        cluster::<scheduling::PriorityClass>();
        cluster::<storage::CSIDriver>();
        cluster::<storage::CSINode>();
        namespaced::<storage::CSIStorageCapacity>();
        cluster::<storage::StorageClass>();
        cluster::<storage::VolumeAttachment>();
    }

    #[test]
    fn knows_what_is_gone() {
        assert_eq!(removed_version("extensions/v1beta1", "Ingress").map(|removed| removed.since), Some("1.22"));
        assert_eq!(removed_version("extensions/v1beta1", "Deployment").map(|removed| removed.instead), Some("apps/v1"));
        assert!(removed_version("apps/v1", "Deployment").is_none());
        // These came later, and are served.
        assert!(removed_version("admissionregistration.k8s.io/v1beta1", "ValidatingAdmissionPolicy").is_none());
        assert!(removed_version("storage.k8s.io/v1beta1", "VolumeAttributesClass").is_none());
        assert!(removed_version("networking.k8s.io/v1beta1", "IPAddress").is_none());
    }

    #[test]
    fn custom_resource_definitions_say_how_their_kind_is_called_and_where_it_lives() {
        let definition = |scope: &str| {
            json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "policies.example.com"},
                "spec": {"group": "example.com", "scope": scope, "names": {"kind": "Gateway", "plural": "gateways"}},
            })
        };
        let mut kinds = Kinds::default();
        assert_eq!(kinds.learn(&json!({"apiVersion": "v1", "kind": "Pod", "spec": {}})), None);
        assert_eq!(kinds.learn(&json!({"kind": "CustomResourceDefinition", "spec": "nonsense"})), None);
        assert_eq!(
            (kinds.resource("example.com", "Gateway").as_str(), kinds.is_namespaced("example.com", "Gateway")),
            ("gatewaies", true)
        );
        assert_eq!(kinds.learn(&definition("Cluster")), Some(("example.com".to_owned(), "Gateway".to_owned())));
        assert_eq!(
            (kinds.resource("example.com", "Gateway").as_str(), kinds.is_namespaced("example.com", "Gateway")),
            ("gateways", false)
        );
        kinds.learn(&definition("Namespaced"));
        assert!(kinds.is_namespaced("example.com", "Gateway"));
        assert_eq!(kinds.resource("apps", "Deployment"), "deployments");
    }

    #[test]
    fn tells_its_own_groups_from_custom_ones() {
        for (group, expected) in [
            ("", true),
            ("apps", true),
            ("networking.k8s.io", true),
            ("gateway.networking.k8s.io", false),
            ("cilium.io", false),
            ("example.com", false),
            ("metrics.k8s.io", false),
        ] {
            assert_eq!(is_built_in(group), expected, "{group}");
        }
    }
}
