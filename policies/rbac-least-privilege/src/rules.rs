//! The rules of this policy.

use palisade_sdk::Rule;
use palisade_sdk::rbac::dangers::Class;

palisade_sdk::rules! {
    WILDCARD_VERB = "wildcard-verb", Deny:
        "`*` among the verbs grants every verb, also those that lead to further rights, and those that are yet to come";
        "list the verbs that the holder uses, for example get, list, watch";
        "CIS Kubernetes Benchmark 5.1.3"
    WILDCARD_RESOURCE = "wildcard-resource", Deny:
        "`*` among the resources grants every resource of the API group, with its subresources and those that are yet to come";
        "name the resources that the holder uses, and each subresource by itself";
        "CIS Kubernetes Benchmark 5.1.3"
    WILDCARD_API_GROUP = "wildcard-api-group", Deny:
        "`*` among the API groups grants resources of that name in every group, also in those that are installed later";
        "name the API groups; the core group is \"\"";
        "CIS Kubernetes Benchmark 5.1.3"
    WILDCARD_URL = "wildcard-url", Deny:
        "`*` or `/*` among the nonResourceURLs grants every path of the API server that is no resource, debugging and logs among them";
        "name the paths, for example /metrics or /healthz";
        "CIS Kubernetes Benchmark 5.1.3"
    ESCALATE = "escalate", Deny:
        "`escalate` lets its holder write rights into a role that it does not have itself";
        "leave escalate out; a role can hand on what it grants itself without it";
        "CIS Kubernetes Benchmark 5.1.8"
    BIND = "bind", Deny:
        "`bind` lets its holder bind roles with rights that it does not have itself";
        "leave bind out, or name the roles that may be bound in resourceNames, and cluster-admin not among them";
        "CIS Kubernetes Benchmark 5.1.8"
    IMPERSONATE = "impersonate", Deny:
        "`impersonate` lets its holder act as somebody else, with their rights and under their name";
        "leave impersonate out, or name whom it may act as in resourceNames, and no group of administrators among them";
        "CIS Kubernetes Benchmark 5.1.8"
    SERVICE_ACCOUNT_TOKEN = "service-account-token", Deny:
        "creating tokens of ServiceAccounts gives the rights of every ServiceAccount in reach";
        "name the ServiceAccounts in resourceNames, or mount a projected token instead of requesting one";
        "CIS Kubernetes Benchmark 5.1.13"
    SECRET_TOKEN = "secret-token", Warn:
        "creating and reading Secrets together gives a token of every ServiceAccount of the namespace";
        "name the Secrets that are read in resourceNames, or leave their creation to another identity";
        "Kubernetes documentation, Managing Service Accounts: manual API token Secrets"
    CERTIFICATE_APPROVAL = "certificate-approval", Deny:
        "approving or signing certificate requests issues credentials for any user or group";
        "leave it to a person, or name the signers in resourceNames, and none that issues client certificates of the API server";
        "CIS Kubernetes Benchmark 5.1.11"
    NODE_PROXY = "node-proxy", Deny:
        "nodes/proxy reaches the kubelet, which runs commands in every pod of the node, past admission and the audit log";
        "grant what is read of the kubelet: nodes/metrics, nodes/stats, nodes/log, nodes/healthz, nodes/configz or nodes/pods";
        "CIS Kubernetes Benchmark 5.1.10"
    ADMISSION_WRITE = "admission-write", Deny:
        "writing webhook configurations or admission policies switches checks off, or reads and alters whatever is written to the API";
        "leave it to who installs the webhook, or grant update and patch with its name in resourceNames";
        "CIS Kubernetes Benchmark 5.1.12"
    API_WRITE = "api-write", Deny:
        "writing APIServices or CustomResourceDefinitions redirects or removes whole APIs, with the objects in them";
        "leave it to who installs the API, or grant update and patch with its name in resourceNames";
        "Kubernetes documentation, RBAC Good Practices"
    ROLE_WRITE = "role-write", Deny:
        "writing roles and bindings hands rights on to anybody";
        "leave roles and bindings to the pipeline that installs the application, or name them in resourceNames and grant update alone";
        "Kubernetes documentation, RBAC Good Practices"
    POD_ACCESS = "pod-access", Deny:
        "access to the inside of pods gives their Secrets, their data and the identity of their ServiceAccount";
        "leave it out, or name the pods in resourceNames; pods/log is enough to read logs";
        "Kubernetes documentation, RBAC Good Practices"
    NAMESPACE_LABELS = "namespace-labels", Deny:
        "changing a namespace changes its labels, by which Pod Security and network policies judge it";
        "leave namespaces to who runs the cluster, or name them in resourceNames";
        "Kubernetes documentation, RBAC Good Practices: Namespace modification"
    PERSISTENT_VOLUME = "persistent-volume", Deny:
        "creating PersistentVolumes mounts any path of a node, by hostPath";
        "grant persistentvolumeclaims, and let a StorageClass make the volumes";
        "CIS Kubernetes Benchmark 5.1.9"
    WORKLOAD_WRITE = "workload-write", Warn:
        "writing workloads runs any image as any ServiceAccount of the namespace, with any of its Secrets mounted";
        "leave it out where the holder deploys nothing, or accept it in the setting allowedVerbs where it does";
        "CIS Kubernetes Benchmark 5.1.4"
    VERB_IN_CAPITALS = "verb-in-capitals", Warn:
        "verbs are compared to the letter: one with capitals grants nothing, though somebody meant it to";
        "write the verb in small letters if it is needed";
        "Kubernetes documentation, Using RBAC Authorization: PolicyRule"
    NAMES_WITHOUT_EFFECT = "names-without-effect", Warn:
        "requests to create, and to delete a collection, name no object: a rule that grants them by name grants nothing";
        "leave resourceNames out where the grant is needed, and strike the rule where nobody missed it";
        "Kubernetes documentation, Using RBAC Authorization: Referring to resources"
    AGGREGATED_SECRETS = "aggregated-secrets", Deny:
        "a ClusterRole that is aggregated into `view` must not grant Secrets, which `view` leaves out on purpose";
        "remove the label, and bind the ClusterRole to those who need it";
        "Kubernetes documentation, Using RBAC Authorization: user-facing roles"
    AGGREGATED_ESCALATION = "aggregated-escalation", Deny:
        "a ClusterRole that is aggregated into `view`, `edit` or `admin` must not add ways to further rights to them";
        "remove the label, and bind the ClusterRole to those who need it";
        "Kubernetes documentation, Using RBAC Authorization: user-facing roles"
    AGGREGATED_WRITE = "aggregated-write", Warn:
        "a ClusterRole that is aggregated into `view` should only read";
        "aggregate what writes into edit or admin, in a ClusterRole of its own";
        "Kubernetes documentation, Using RBAC Authorization: user-facing roles"
    AGGREGATION_SELECTOR = "aggregation-selector", Deny:
        "an aggregation that selects cluster-admin, as an empty selector does, grants everything";
        "select by a label that only the ClusterRoles carry that are meant, with matchLabels";
        "Kubernetes documentation, Using RBAC Authorization: aggregated ClusterRoles"
    AGGREGATION_OVERWRITES = "aggregation-overwrites", Warn:
        "rules beside an aggregationRule are overwritten: the role does not grant what it says";
        "move the rules to a ClusterRole that the aggregationRule selects";
        "Kubernetes documentation, Using RBAC Authorization: aggregated ClusterRoles"
}

/// The rule about what a grant leads to; none for Secrets, which are the concern of another policy but where they make tokens.
pub const fn of(class: Class) -> Option<&'static Rule> {
    Some(match class {
        Class::Escalate => &ESCALATE,
        Class::Bind => &BIND,
        Class::Impersonate => &IMPERSONATE,
        Class::ServiceAccountToken => &SERVICE_ACCOUNT_TOKEN,
        Class::CertificateApproval => &CERTIFICATE_APPROVAL,
        Class::NodeProxy => &NODE_PROXY,
        Class::AdmissionWrite => &ADMISSION_WRITE,
        Class::ApiWrite => &API_WRITE,
        Class::RoleWrite => &ROLE_WRITE,
        Class::PodAccess => &POD_ACCESS,
        Class::NamespaceLabels => &NAMESPACE_LABELS,
        Class::PersistentVolume => &PERSISTENT_VOLUME,
        Class::WorkloadWrite => &WORKLOAD_WRITE,
        Class::SecretToken | Class::SecretRead | Class::SecretWrite => return None,
    })
}
