//! The rules of this policy.

palisade_sdk::rules! {
    ALLOW_ALL = "allow-all", Deny:
        "a rule without peers and ports lets everything through, as if there were no policy";
        "name the peers and the ports, or remove the rule: without rules the direction is closed";
        "Kubernetes: Network Policies, \"Allow all ingress traffic\"; NSA/CISA Kubernetes Hardening Guide, Network policies"
    ANY_SOURCE = "any-source", Deny:
        "ingress without `from` takes connections from every pod, node and address";
        "name who connects in from: pods, namespaces by kubernetes.io/metadata.name, or blocks of addresses; what is public on purpose goes into the setting allowedInternet";
        "NSA/CISA Kubernetes Hardening Guide, Network policies"
    ANY_DESTINATION = "any-destination", Deny:
        "egress without `to` reaches every pod, node and address: what an intruder takes leaves that way";
        "name what is reached in to: pods, namespaces by kubernetes.io/metadata.name, or blocks of addresses";
        "NSA/CISA Kubernetes Hardening Guide, Network policies"
    DNS_ANYWHERE = "dns-anywhere", Warn:
        "DNS to anywhere is a way out: names can carry data to whoever answers for them";
        "write to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}]";
        "Kubernetes: DNS for Services and Pods"
    EVERY_POD = "every-pod", Deny:
        "peers that are every pod of every namespace leave the cluster flat";
        "write namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}, and a podSelector beside it, in one peer";
        "Kubernetes: Network Policies, \"Behavior of to and from selectors\""
    LOOSE_NAMESPACE_SELECTOR = "loose-namespace-selector", Warn:
        "a namespace chosen by a label that whoever makes one can set, or by what it is not, may be anybody's";
        "write namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}: the API server sets this label, and nobody else can; labels that only administrators set go into the setting trustedNamespaceLabels";
        "Kubernetes: Network Policies, \"Targeting a Namespace by its name\""
    WHOLE_INTERNET = "whole-internet", Deny:
        "blocks that together are every public address are the Internet, however they are cut";
        "name the addresses that are needed; what is public on purpose goes into the setting allowedInternet, by its ports";
        "NSA/CISA Kubernetes Hardening Guide, Network policies"
    WIDE_BLOCK = "wide-block", Deny:
        "a block wider than the settings allow holds more than the peers that are meant";
        "write the narrowest block that holds the peers, or accept this one in the setting allowedBlocks";
        "NSA/CISA Kubernetes Hardening Guide, Network policies"
    METADATA_ADDRESS = "metadata-address", Deny:
        "egress to the cloud's metadata service hands out the credentials of the node";
        "add the address to except: [169.254.169.254/32], or [fd00:ec2::254/128] in IPv6";
        "NSA/CISA Kubernetes Hardening Guide, Network separation: cloud metadata; Kubernetes: Securing a Cluster, \"Restricting cloud metadata API access\""
    EXCEPT_ALLOWED = "except-allowed", Warn:
        "an exception that another peer allows is none: a connection needs one peer only";
        "narrow the other peer, or remove the exception";
        "Kubernetes API: NetworkPolicyPeer, IPBlock"
    ANY_PORT = "any-port", Warn:
        "without ports the peers reach every port, also those for debugging, metrics and administration";
        "name the ports, for example ports: [{protocol: TCP, port: 5432}]";
        "NSA/CISA Kubernetes Hardening Guide, Network policies"
    WIDE_PORT_RANGE = "wide-port-range", Warn:
        "a range of more ports than the settings allow is nearly all of them";
        "name the ports one by one, or the narrowest range";
        "Kubernetes: Network Policies, \"Targeting a range of ports\""
    IGNORED_RULES = "ignored-rules", Warn:
        "rules for a direction that policyTypes does not name do nothing";
        "name the direction in policyTypes, or remove its rules";
        "Kubernetes API: NetworkPolicySpec, policyTypes"
    SELECTS_NO_POD = "selects-no-pod", Warn:
        "a policy that selects no pod protects none";
        "write the labels of the pods as their template has them";
        "Kubernetes API: NetworkPolicySpec, podSelector"
    UNKNOWN_PORT_NAME = "unknown-port-name", Warn:
        "a port name that no container of the selected pods has lets nothing through";
        "write the name that the container gives the port, or its number";
        "Kubernetes API: NetworkPolicyPort, port"
}
