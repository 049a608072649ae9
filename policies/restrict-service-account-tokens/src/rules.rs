//! The rules of this policy.

palisade_sdk::rules! {
    TOKEN_MOUNTED = "token-mounted", Deny:
        "a pod gets a token of the API server although it does not ask for one";
        "write automountServiceAccountToken: false into the pod's spec; or true, if the pod talks to the API server";
        "CIS Kubernetes Benchmark 5.1.6"
    DEFAULT_SERVICE_ACCOUNT = "default-service-account", Deny:
        "a pod holds a token of the ServiceAccount `default`, which it shares with every pod of the namespace that names none";
        "make a ServiceAccount for this workload, with automountServiceAccountToken: false, and name it in serviceAccountName";
        "CIS Kubernetes Benchmark 5.1.5"
    DEFAULT_WITHOUT_TOKEN = "default-service-account-without-token", Warn:
        "a pod without a token runs as `default` all the same: to CSI drivers, credential providers and clouds it is any pod of the namespace";
        "make a ServiceAccount for this workload, with automountServiceAccountToken: false, and name it in serviceAccountName";
        "CIS Kubernetes Benchmark 5.1.5"
    SERVICE_ACCOUNT_MISSING = "service-account-missing", Warn:
        "a pod names a ServiceAccount that is not there: it does not start, and whoever makes the account decides its rights";
        "make the ServiceAccount, with automountServiceAccountToken: false, or name one that exists";
        "Kubernetes documentation, Managing Service Accounts: ServiceAccount admission controller"
    DEPRECATED_FIELD = "deprecated-service-account-field", Warn:
        "serviceAccount is a deprecated alias, and ignored where serviceAccountName says something else";
        "write serviceAccountName instead";
        "Kubernetes API reference, PodSpec"
    TOKEN_FROM_SECRET = "token-from-secret", Deny:
        "a Secret is mounted where clients look for the token of the API server: such a token never expires and is bound to no pod";
        "remove the volume, and write automountServiceAccountToken: true if the pod talks to the API server";
        "Kubernetes documentation, Managing Service Accounts: manual API token Secrets"
    TOKEN_AUDIENCE = "token-audience", Deny:
        "a projected token for the API server that is not mounted for its clients: whoever receives it can act as the pod";
        "name the one receiver as the token's audience, for example audience: vault";
        "Kubernetes API reference, ServiceAccountTokenProjection; NSA/CISA Kubernetes Hardening Guide, Protecting Pod service account tokens"
    TOKEN_LIFETIME = "token-lifetime", Deny:
        "a projected token lives longer than maxTokenSeconds: so long is a stolen one good for";
        "lower expirationSeconds, or leave it out, which makes it 3600: the kubelet renews the token in time";
        "Kubernetes API reference, ServiceAccountTokenProjection"
    TOKEN_UNUSED = "token-unused", Warn:
        "a token is issued for the pod, and no container mounts it";
        "remove the volume";
        "CIS Kubernetes Benchmark 5.1.6"
    UNLISTED_CLIENT = "unlisted-client", Deny:
        "with onlyAllowedClients: a pod asks for a token of the API server, and allowedClients does not name its ServiceAccount";
        "write automountServiceAccountToken: false, or have the ServiceAccount added to the setting allowedClients";
        "CIS Kubernetes Benchmark 5.1.6"
    ACCOUNT_AUTOMOUNTS = "service-account-automounts", Deny:
        "a ServiceAccount gives its token to every pod that does not decline it";
        "write automountServiceAccountToken: false here, and true into the spec of the pods that talk to the API server";
        "CIS Kubernetes Benchmark 5.1.5 and 5.1.6"
    ACCOUNT_SILENT = "service-account-automount-unset", Warn:
        "a ServiceAccount that does not say so gives its token to every pod that does not decline it";
        "write automountServiceAccountToken: false here, and true into the spec of the pods that talk to the API server";
        "CIS Kubernetes Benchmark 5.1.6"
    TOKEN_SECRET_LISTED = "token-secret-listed", Warn:
        "a ServiceAccount lists a token Secret of its own: Kubernetes has made none by itself since 1.24";
        "remove the entry, and the Secret once nothing uses it";
        "Kubernetes documentation, Managing Service Accounts: auto-generated legacy ServiceAccount token clean up"
    ENFORCE_MOUNTABLE_SECRETS = "enforce-mountable-secrets", Warn:
        "the annotation kubernetes.io/enforce-mountable-secrets is deprecated since Kubernetes 1.32, and keeps no pod from reading Secrets through the API";
        "remove the annotation, and keep apart by namespaces what must not share Secrets";
        "Kubernetes documentation, Well-Known Labels, Annotations and Taints"
    TOKEN_SECRET = "token-secret", Deny:
        "a Secret of the type kubernetes.io/service-account-token is filled with a token that never expires and is bound to no pod";
        "let clients ask for a token (`kubectl create token`), or mount a projected one: {serviceAccountToken: {path: token, audience: …, expirationSeconds: 3600}}";
        "Kubernetes documentation, Managing Service Accounts: manual API token Secrets; NSA/CISA Kubernetes Hardening Guide, Protecting Pod service account tokens"
}
