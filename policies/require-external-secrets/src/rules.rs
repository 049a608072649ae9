//! The rules of this policy.

palisade_sdk::rules! {
    HAND_WRITTEN_SECRET = "hand-written-secret", Deny:
        "a Secret is made by an operator from a secret manager, not written by hand";
        "keep the values in a secret manager, and apply an ExternalSecret or VaultStaticSecret instead";
        "CIS Kubernetes Benchmark 5.4.2"
    HAND_WRITTEN_TLS = "hand-written-tls", Deny:
        "a certificate and its key (kubernetes.io/tls) are issued by cert-manager or come from a secret manager";
        "let cert-manager issue it by a Certificate, or keep it in a secret manager";
        "CIS Kubernetes Benchmark 5.4.2"
    HAND_WRITTEN_IMAGE_PULL = "hand-written-image-pull", Deny:
        "a registry login (kubernetes.io/dockerconfigjson, dockercfg) comes from a secret manager";
        "let the node's credential provider log in, or keep the login in a secret manager";
        "CIS Kubernetes Benchmark 5.4.2"
    HAND_WRITTEN_BASIC_AUTH = "hand-written-basic-auth", Deny:
        "a user's name and password (kubernetes.io/basic-auth) come from a secret manager";
        "keep the password in a secret manager";
        "CIS Kubernetes Benchmark 5.4.2"
    HAND_WRITTEN_SSH_AUTH = "hand-written-ssh-auth", Deny:
        "an SSH key (kubernetes.io/ssh-auth) comes from a secret manager";
        "keep the key in a secret manager";
        "CIS Kubernetes Benchmark 5.4.2"
    BOOTSTRAP_TOKEN = "bootstrap-token", Deny:
        "a bootstrap token expires, and is in kube-system, where alone it is one";
        "make it by kubeadm token create, with a time to live of hours";
        "Kubernetes documentation, Authenticating with Bootstrap Tokens"
    HELM_RELEASE = "helm-release", Deny:
        "a Secret that says it is a release of Helm holds one, and nothing else";
        "leave the type helm.sh/release.v1 to Helm, and keep the values in a secret manager";
        "CIS Kubernetes Benchmark 5.4.2"
    CLAIMED_MANAGER = "claimed-manager", Deny:
        "a Secret that says an operator makes it is written by that operator";
        "change the value in the secret manager; the operator brings it";
        "OWASP Kubernetes Top 10 K08:2022"
    STORE_PROVIDER = "store-provider", Deny:
        "a store reads from a secret manager that is allowed, not from the cluster itself nor from a list in its own manifest";
        "use a secret manager: vault, aws, azurekv, gcpsm or another of the setting allowedProviders";
        "External Secrets Operator, Security best practices"
    ONE_PROVIDER = "one-provider", Deny:
        "a store has one provider";
        "name exactly one provider";
        "External Secrets Operator, API specification: SecretStoreProvider"
    PLAIN_HTTP = "plain-http", Deny:
        "secrets and the tokens that fetch them do not travel in plain text";
        "use the https address";
        "OWASP Kubernetes Top 10 K08:2022; Vault, Production hardening"
    INSECURE_TLS = "insecure-tls", Deny:
        "the certificate of the secret manager is verified";
        "remove the switch, and give the CA of the server's certificate instead";
        "OWASP Kubernetes Top 10 K08:2022; Vault, Production hardening"
    VAULT_CA = "vault-ca", Warn:
        "Vault's certificate is verified by a CA of your own, not by any that the system trusts";
        "give the CA, by caProvider or caBundle, caCertSecretRef, or vaultCACertPath";
        "Vault, Production hardening"
    STATIC_TOKEN = "static-token", Deny:
        "nobody logs in to Vault by a token or password that is kept in a Secret";
        "log in by the kubernetes or jwt method, with a ServiceAccount's short-lived token";
        "Vault, Production hardening"
    STATIC_CREDENTIALS = "static-credentials", Warn:
        "an operator logs in by the identity of a workload, not by a key that is kept in a Secret";
        "log in by a ServiceAccount: Vault's kubernetes or jwt method, IRSA, Workload Identity";
        "External Secrets Operator, Security best practices"
    OPEN_NAMESPACES = "open-namespaces", Deny:
        "what serves several namespaces names them";
        "list the namespaces, or select them by a label that only those who run the cluster can set";
        "External Secrets Operator, Multi Tenancy; Vault Secrets Operator, allowedNamespaces"
    UNANCHORED_REGEX = "unanchored-regex", Warn:
        "a regular expression for namespaces begins with `^`, or it also finds them by the middle of their names";
        "begin it with ^, and end it with $ where it is the whole name";
        "External Secrets Operator, Multi Tenancy"
    REFRESH_INTERVAL = "refresh-interval", Deny:
        "a secret that was rotated arrives in time";
        "refresh it periodically, for example each hour";
        "OWASP Kubernetes Top 10 K08:2022"
    LITERAL_SECRET = "literal-secret", Deny:
        "what tells an operator where secrets are holds none itself";
        "move it into the secret manager, and refer to it by a template such as {{ .password }}";
        "OWASP Kubernetes Top 10 K08:2022; CIS Kubernetes Benchmark 5.4"
    FIND_EVERYTHING = "find-everything", Warn:
        "an ExternalSecret takes the secrets that it names, not all that its store can read";
        "name them in data, or narrow find by path, tags or a pattern";
        "External Secrets Operator, Security best practices"
    PRIVILEGED_TYPE = "privileged-type", Deny:
        "no operator is made to write tokens of ServiceAccounts or nodes, past the rights of who asks it";
        "leave these types to Kubernetes, and request tokens by the TokenRequest API";
        "External Secrets Operator, ExternalSecret validation"
    SECRET_IN_OTHER_KIND = "secret-in-other-kind", Deny:
        "secrets are written to Secrets, not to kinds that anybody reads and nothing encrypts";
        "remove target.manifest, and refer to the Secret";
        "CIS Kubernetes Benchmark 5.4"
    ORPHANED_SECRET = "orphaned-secret", Warn:
        "a Secret goes when the object that it was made from goes";
        "use creationPolicy: Owner";
        "External Secrets Operator, Ownership and Deletion"
    PUSH_EVERYTHING = "push-everything", Deny:
        "a PushSecret names the Secrets that leave the cluster, and the stores that they go to";
        "name them, or select them by a label";
        "External Secrets Operator, PushSecret"
    VAULT_ROLE = "vault-role", Deny:
        "a login to Vault names its role, which holds what it may read";
        "name a role that reads no more than this application's paths";
        "Vault, Kubernetes auth method"
    VAULT_AUDIENCE = "vault-audience", Warn:
        "the ServiceAccount's token that Vault gets is for Vault alone, and no key to the API server";
        "set audiences to the one that Vault's role expects, for example vault";
        "Vault, Kubernetes auth method: audience"
    SEALED_SCOPE = "sealed-scope", Warn:
        "a SealedSecret opens under its own name and in its own namespace only";
        "seal it again with the strict scope, and remove the annotation";
        "Sealed Secrets, Scopes"
    UNSEALED_VALUE = "unsealed-value", Deny:
        "the values of a SealedSecret are sealed";
        "seal it by kubeseal, and change the value, since whoever read the manifest has it";
        "Sealed Secrets, encryptedData"
    NODE_IDENTITY = "node-identity", Warn:
        "a pod fetches secrets as itself, not as its node or the driver, whose rights every pod shares";
        "use the workload identity of the pod's ServiceAccount";
        "Secrets Store CSI driver: providers for Azure and GCP, Identity access modes"
    INJECTED_TOKEN = "injected-token", Warn:
        "the Vault token of the agent stays with the agent, which alone fetches secrets";
        "remove agent-inject-token, and let agent-inject-secret-… write what the application needs";
        "Vault Agent injector, Annotations"
    MISPLACED_ANNOTATION = "misplaced-annotation", Warn:
        "annotations of the Vault Agent injector are on the pod, where it reads them";
        "move it to the metadata of the pod template";
        "Vault Agent injector, Annotations"
}
