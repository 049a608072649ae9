//! The rules of this policy.

palisade_sdk::rules! {
    NODE_PORT = "node-port", Deny:
        "a NodePort is open on every node, past Ingress, its TLS and its firewall";
        "write type: ClusterIP, and let an Ingress or a Gateway lead to it";
        "Kubernetes: Service, \"type: NodePort\"; NSA/CISA Kubernetes Hardening Guide, Network separation and hardening"
    OPEN_LOAD_BALANCER = "open-load-balancer", Deny:
        "a load balancer with a public address and without loadBalancerSourceRanges serves the whole Internet";
        "write type: ClusterIP behind an Ingress, or name the clients in loadBalancerSourceRanges, or make it internal by the annotation of the cloud; what is public on purpose goes into the setting allowedServices";
        "Kubernetes: Service, \"type: LoadBalancer\"; NSA/CISA Kubernetes Hardening Guide, Network separation and hardening"
    OPEN_SOURCE_RANGES = "open-source-ranges", Deny:
        "loadBalancerSourceRanges that together are half of the Internet or more shut out nobody";
        "name the addresses of the clients";
        "Kubernetes API: ServiceSpec, loadBalancerSourceRanges"
    EXTERNAL_IPS = "external-ips", Deny:
        "externalIPs take over traffic to any address, also that of other Services and of the outside (CVE-2020-8554)";
        "remove externalIPs, and use type: LoadBalancer or an Ingress";
        "CVE-2020-8554; Kubernetes API: ServiceSpec, externalIPs"
    EXTERNAL_NAME_INTERNAL = "external-name-internal", Deny:
        "an ExternalName that leads to the cloud's metadata service, to this host or to a private address lends its reach to whoever asks it";
        "name the public host that is meant, or make a Service without selector with an EndpointSlice for the private address";
        "Kubernetes: Service, \"type: ExternalName\"; OWASP Kubernetes Top Ten K07"
    EXTERNAL_NAME_CLUSTER = "external-name-cluster", Warn:
        "an ExternalName of a Service of another namespace lets an Ingress here serve what belongs there";
        "call the Service by its own name, or route to it by a Gateway with a ReferenceGrant";
        "Kubernetes: Service, \"type: ExternalName\""
    SENSITIVE_PORT = "sensitive-port", Deny:
        "a database, cache, broker, console or control plane is reachable from outside of the cluster";
        "write type: ClusterIP; for administration use kubectl port-forward or a VPN";
        "NSA/CISA Kubernetes Hardening Guide, Network separation and hardening; OWASP Kubernetes Top Ten K07"
    SENSITIVE_PORT_INTERNAL = "sensitive-port-internal", Warn:
        "a database, cache, broker or console is reachable from the network around the cluster";
        "write type: ClusterIP where only pods connect; else name the clients in loadBalancerSourceRanges and require TLS";
        "NSA/CISA Kubernetes Hardening Guide, Network separation and hardening"
    HOST_PORT = "host-port", Deny:
        "a hostPort opens the container on the address of its node, past Services and, with many network plugins, past NetworkPolicies";
        "remove hostPort, and use a Service";
        "Pod Security Standards, baseline: Host Ports"
    HOST_NETWORK_PORT = "host-network-port", Deny:
        "in the network of its node every port of a container is a port of the node";
        "remove hostNetwork, and use a Service";
        "Pod Security Standards, baseline: Host Namespaces; Kubernetes API: ContainerPort, hostPort"
    EXTERNAL_TRAFFIC_POLICY = "external-traffic-policy", Warn:
        "with externalTrafficPolicy: Cluster the pods see addresses of nodes in place of their clients', in logs and in ipBlock rules";
        "write externalTrafficPolicy: Local";
        "Kubernetes: Service, \"External traffic policy\""
}
