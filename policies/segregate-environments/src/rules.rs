//! What the policy reports.

use palisade_sdk::{Rule, Severity};

const BOUNDARIES: &str = "CIS Kubernetes Benchmark 5.7.1; PCI DSS v4.0 6.5.3";

pub const NO_ENVIRONMENT: Rule = Rule {
    id: "no-environment",
    severity: Severity::Deny,
    summary: "a namespace without an environment can't be kept apart from the others",
    remedy: "set the label environment to one of the setting environments (dev, staging, prod); what serves all of them goes into sharedNamespaces",
    source: BOUNDARIES,
};
pub const UNKNOWN_ENVIRONMENT: Rule = Rule {
    id: "unknown-environment",
    severity: Severity::Deny,
    summary: "an environment that is not on the list may be a slip, and nobody says what it may reach",
    remedy: "write one of the environments that the setting environments lists, or add this one to it",
    source: BOUNDARIES,
};
pub const ENVIRONMENT_SPELLING: Rule = Rule {
    id: "environment-spelling",
    severity: Severity::Warn,
    summary: "label selectors compare letter by letter: one environment in two spellings is two for every NetworkPolicy",
    remedy: "spell the environment as the setting environments does, or accept this spelling in the setting aliases",
    source: "Kubernetes: Labels and Selectors",
};
pub const ENVIRONMENT_CHANGED: Rule = Rule {
    id: "environment-changed",
    severity: Severity::Deny,
    summary: "a namespace with workloads that moves to another environment takes all that they hold and reach along",
    remedy: "make a new namespace in the other environment, and deploy there",
    source: BOUNDARIES,
};
pub const WORKLOAD_ENVIRONMENT: Rule = Rule {
    id: "workload-environment",
    severity: Severity::Deny,
    summary: "a workload of another environment than its namespace is in the wrong place, or is selected as what it is not",
    remedy: "write the environment of the namespace, or deploy to a namespace of this environment",
    source: BOUNDARIES,
};
pub const NETWORK_POLICY_CROSSING: Rule = Rule {
    id: "network-policy-crossing",
    severity: Severity::Deny,
    summary: "a NetworkPolicy that allows traffic with a namespace of another environment joins the two",
    remedy: "add the environment to the namespaceSelector, or name namespaces of this environment by kubernetes.io/metadata.name, or allow the crossing in allowedCrossings",
    source: "Kubernetes: Network Policies, \"Behavior of to and from selectors\"; NSA/CISA Kubernetes Hardening Guide, Network policies",
};
pub const EXTERNAL_NAME_CROSSING: Rule = Rule {
    id: "external-name-crossing",
    severity: Severity::Deny,
    summary: "a Service that is an alias of one in another environment hides the crossing from all who use it",
    remedy: "point the Service to one of this environment, or allow the crossing in allowedCrossings",
    source: "Kubernetes: Service, \"ExternalName\"",
};
pub const ROLE_BINDING_CROSSING: Rule = Rule {
    id: "role-binding-crossing",
    severity: Severity::Deny,
    summary: "a ServiceAccount of another environment that has rights here carries what happens there over",
    remedy: "bind the role to a ServiceAccount of this environment, or allow the crossing in allowedCrossings",
    source: "Kubernetes: Using RBAC Authorization, \"Referring to subjects\"; PCI DSS v4.0 6.5.3",
};
pub const DNS_NAME_CROSSING: Rule = Rule {
    id: "dns-name-crossing",
    severity: Severity::Deny,
    summary: "a workload that is given the cluster DNS name of another environment's Service will connect to it",
    remedy: "name the Service of this environment, or allow the crossing in allowedCrossings",
    source: "Kubernetes: DNS for Services and Pods",
};
pub const ROUTE_CROSSING: Rule = Rule {
    id: "route-crossing",
    severity: Severity::Deny,
    summary: "a route that is attached to a Gateway or sends to a Service of another environment joins the two",
    remedy: "name Gateways and Services of this environment, or a shared Gateway, or allow the crossing in allowedCrossings",
    source: "Gateway API: Cross-namespace routing",
};
pub const SHARED_HOST: Rule = Rule {
    id: "shared-host",
    severity: Severity::Deny,
    summary: "a host that two environments serve brings requests, cookies and credentials of one to the other",
    remedy: "give each environment a host of its own, or allow the crossing in allowedCrossings",
    source: "Kubernetes: Ingress, \"Name based virtual hosting\"; PCI DSS v4.0 6.5.3",
};
pub const IMAGE_TAG_CROSSING: Rule = Rule {
    id: "image-tag-crossing",
    severity: Severity::Deny,
    summary: "an image whose tag names another environment was built for it (with checkImageTags)",
    remedy: "deploy an image that was built for this environment, or one that is the same for all",
    source: BOUNDARIES,
};

/// All of them.
pub const ALL: &[Rule] = &[
    NO_ENVIRONMENT,
    UNKNOWN_ENVIRONMENT,
    ENVIRONMENT_SPELLING,
    ENVIRONMENT_CHANGED,
    WORKLOAD_ENVIRONMENT,
    NETWORK_POLICY_CROSSING,
    EXTERNAL_NAME_CROSSING,
    ROLE_BINDING_CROSSING,
    DNS_NAME_CROSSING,
    ROUTE_CROSSING,
    SHARED_HOST,
    IMAGE_TAG_CROSSING,
];
