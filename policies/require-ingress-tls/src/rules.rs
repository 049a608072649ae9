//! The rules of this policy.

palisade_sdk::rules! {
    NO_TLS = "no-tls", Deny:
        "what is served without TLS can be read and changed on the way";
        "name the host in spec.tls, with the Secret of its certificate; on a Gateway, add a listener with protocol: HTTPS";
        "Kubernetes: Ingress, \"TLS\"; Django deployment checklist, HTTPS"
    NO_CERTIFICATE = "no-certificate", Deny:
        "TLS without a certificate of its own is served with the controller's default";
        "name the Secret with the certificate, or accept the default by the setting defaultCertificate";
        "Kubernetes API: IngressTLS, secretName; Gateway API: ListenerTLSConfig, certificateRefs"
    PLAIN_HTTP = "plain-http", Deny:
        "TLS helps nobody whose browser comes over plain HTTP first and is served";
        "redirect HTTP to HTTPS, or serve HTTPS alone";
        "OWASP Transport Layer Security Cheat Sheet, Use TLS for All Pages"
    NO_REDIRECT = "no-redirect", Warn:
        "this controller serves plain HTTP beside HTTPS unless told otherwise";
        "redirect HTTP to HTTPS by the controller's annotation";
        "OWASP Transport Layer Security Cheat Sheet, Use TLS for All Pages"
    WEAK_TLS = "weak-tls", Deny:
        "TLS 1.0 and 1.1 are broken and withdrawn (RFC 8996)";
        "allow TLS 1.2 and 1.3 only";
        "RFC 8996"
    DEFAULT_TLS_VERSION = "default-tls-version", Warn:
        "the default policy of AWS load balancers accepts TLS 1.0";
        "write alb.ingress.kubernetes.io/ssl-policy: ELBSecurityPolicy-TLS13-1-2-2021-06";
        "AWS Load Balancer Controller: Ingress annotations, ssl-policy"
    TLS_WITHOUT_HOSTS = "tls-without-hosts", Warn:
        "which hosts a TLS entry without hosts covers is left to the controller, and cert-manager makes no certificate for it";
        "list the hosts of the certificate";
        "Kubernetes API: IngressTLS, hosts"
    MISSING_CERTIFICATE = "missing-certificate", Warn:
        "where the Secret is not there, the controller serves a default certificate, or nothing";
        "correct the name, or add the Certificate, ExternalSecret or Secret that brings it";
        "Kubernetes API: IngressTLS, secretName"
    NO_HOST = "no-host", Deny:
        "what names no host answers to every name that leads to the controller";
        "name the host";
        "Kubernetes: Ingress, \"Ingress rules\""
    WILDCARD_HOST = "wildcard-host", Deny:
        "a wildcard takes every name that nobody else has taken";
        "name the hosts one by one, or accept the wildcard in the setting allowedWildcards";
        "Kubernetes: Ingress, \"Hostname wildcards\""
    OPEN_LISTENER = "open-listener", Warn:
        "a listener without a host of its own serves whatever host its routes name";
        "write the hostname of the listener, or accept the wildcard in the setting allowedWildcards";
        "Gateway API: Listener, hostname"
    DEFAULT_BACKEND = "default-backend", Warn:
        "a default backend answers for hosts and paths that nobody named";
        "name host and path of each backend";
        "Kubernetes: Ingress, \"DefaultBackend\""
    HOST_TAKEN = "host-taken", Deny:
        "namespaces that serve one host can take each other's traffic and cookies";
        "use a host of its own; where namespaces share a host on purpose, name it in the setting sharedHosts";
        "CIS Kubernetes Benchmark 5.6.1"
    PATH_TAKEN = "path-taken", Deny:
        "of two Ingresses with the same host and path one is served, and which one is not said";
        "use another path, or put both into one Ingress";
        "Kubernetes: Ingress, \"Multiple matches\""
    ROUTES_FROM_ALL = "routes-from-all", Warn:
        "any namespace can serve under the hosts and the certificate of this listener";
        "write allowedRoutes.namespaces.from: Same, or Selector with the labels of those that may";
        "Gateway API: Security model, \"Route binding\""
    REFERENCE_NOT_GRANTED = "reference-not-granted", Warn:
        "a certificate of another namespace can only be used where a ReferenceGrant there allows it";
        "add a ReferenceGrant to that namespace, from this Gateway's namespace to this Secret by name";
        "Gateway API: ReferenceGrant"
    WIDE_GRANT = "wide-grant", Warn:
        "a ReferenceGrant without a name opens every Secret of the namespace to the Gateways of another";
        "write the name of the Secret with the certificate";
        "Gateway API: ReferenceGrant, to.name"
}
