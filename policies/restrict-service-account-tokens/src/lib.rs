//! Rejects ServiceAccount tokens that nobody asked for, that never expire, or that anyone could replay at the API server.
//!
//! A token is the identity of a pod. By default Kubernetes puts one into every container, for the ServiceAccount `default` where none
//! is named; whoever gets into the container then acts as it. A pod asks for a token by `automountServiceAccountToken: true` in its own
//! spec, or by a projected volume at the place where clients of the API server look.
//!
//! CIS Kubernetes Benchmark 5.1.5 and 5.1.6; NSA/CISA Kubernetes Hardening Guide, "Protecting Pod service account tokens"; Kubernetes
//! documentation, "Managing Service Accounts".

mod account;
mod pod;
mod rules;
mod secret;
mod volumes;

use palisade_sdk::{Error, Host, Policy, Report, Request, Rule, SettingsError, glob};

palisade_sdk::settings! {
    /// What the deployer may change.
    pub struct Settings {
        /// ServiceAccounts whose pods are clients of the API server, and are accepted with whatever tokens they mount, also where
        /// they do not ask for them: a list of `{serviceAccount, namespace, reason}`. `serviceAccount` and `namespace` are glob patterns;
        /// without `namespace` it holds for all; `reason` is mandatory. The ServiceAccount itself is accepted as well.
        pub allowed_clients: Vec<AllowedClient> = Vec::new(),
        /// Whether pods may have a token of the API server only if `allowedClients` names their ServiceAccount. Otherwise asking for one is
        /// enough.
        pub only_allowed_clients: bool = false,
        /// Secrets of the type `kubernetes.io/service-account-token` that are accepted: a list of `{name, namespace, reason}`. `name`
        /// and `namespace` are glob patterns; without `namespace` it holds for all; `reason` is mandatory.
        pub allowed_token_secrets: Vec<AllowedTokenSecret> = Vec::new(),
        /// How long a projected token may live, in seconds; at least 600. The default is what the API server itself uses. Tokens that widespread
        /// webhooks add to pods may live as long as those make them: 86400 for `sts.amazonaws.com` and `identity.l5d.io`, 43200
        /// for `istio-ca`.
        pub max_token_seconds: u32 = 3_607,
        /// The audiences of the API server (its flag `--api-audiences`, or else its issuer), as glob patterns. A token without an audience is
        /// for them.
        pub api_server_audiences: Vec<String> = ["https://kubernetes.default*", "kubernetes.default*", "kubernetes.svc.default", "https://container.googleapis.com/v1/projects/*", "api"].map(String::from).to_vec(),
        /// Namespaces that are left alone, as glob patterns. The default are those in which Kubernetes runs itself.
        pub exempt_namespaces: Vec<String> = ["kube-system", "kube-public", "kube-node-lease"].map(String::from).to_vec(),
    }
}

palisade_sdk::setting! {
    /// A ServiceAccount whose pods are accepted.
    pub struct AllowedClient {
        service_account: String,
        namespace: Option<String>,
        reason: String,
    }

    /// A token Secret that is accepted.
    pub struct AllowedTokenSecret {
        name: String,
        namespace: Option<String>,
        reason: String,
    }
}

impl Settings {
    /// Whether a ServiceAccount is an accepted client of the API server.
    fn allows_client(&self, namespace: &str, service_account: &str) -> bool {
        self.allowed_clients
            .iter()
            .any(|allowed| covers(&allowed.service_account, &allowed.namespace, service_account, namespace))
    }

    /// Whether an audience is the API server's.
    fn is_api_server(&self, audience: &str) -> bool {
        audience.is_empty() || self.api_server_audiences.iter().any(|pattern| glob::matches(pattern, audience))
    }
}

/// Whether patterns for name and namespace cover an object.
fn covers(name_pattern: &str, namespace_pattern: &Option<String>, name: &str, namespace: &str) -> bool {
    glob::matches(name_pattern, name) && namespace_pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, namespace))
}

/// Restricts ServiceAccount tokens.
pub struct RestrictServiceAccountTokens;

impl Policy for RestrictServiceAccountTokens {
    type Settings = Settings;
    const RULES: &'static [Rule] = rules::ALL;

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        for (index, allowed) in settings.allowed_clients.iter().enumerate() {
            let (name, namespace) = (&allowed.service_account, &allowed.namespace);
            check_exception("allowedClients", index, "serviceAccount", name, namespace, &allowed.reason)?;
        }
        for (index, allowed) in settings.allowed_token_secrets.iter().enumerate() {
            check_exception("allowedTokenSecrets", index, "name", &allowed.name, &allowed.namespace, &allowed.reason)?;
        }
        if settings.max_token_seconds < 600 {
            return Err(SettingsError::new(
                "maxTokenSeconds",
                "expected at least 600: the API server issues no shorter tokens",
            ));
        }
        if let Some(index) = settings.api_server_audiences.iter().position(|pattern| pattern.trim().is_empty()) {
            return Err(wrong("apiServerAudiences", index, "", "expected a name or a pattern"));
        }
        palisade_sdk::check_exempt_namespaces(&settings.exempt_namespaces)
    }

    fn validate(request: &Request<'_>, settings: &Settings, host: &dyn Host, report: &mut Report) -> Result<(), Error> {
        if settings.exempt_namespaces.iter().any(|pattern| glob::matches(pattern, &request.namespace)) {
            return Ok(());
        }
        match request.kind.kind.as_str() {
            "ServiceAccount" if request.kind.group.is_empty() => account::judge(request, settings, report),
            "Secret" if request.kind.group.is_empty() => secret::judge(request, settings, report),
            _ => pod::judge(request, settings, host, report),
        }
    }
}

palisade_sdk::export!(RestrictServiceAccountTokens);

/// Whether a request is one of Kubernetes itself, which makes the ServiceAccount `default` of each namespace.
fn is_by_control_plane(request: &Request<'_>) -> bool {
    let user = request.user_info.username.as_str();
    user == "system:kube-controller-manager"
        || ["system:serviceaccount:kube-system:", "system:serviceaccount:openshift-infra:"]
            .iter()
            .any(|prefix| user.starts_with(prefix))
}

fn wrong(list: &str, index: usize, field: &str, problem: &str) -> SettingsError {
    let dot = if field.is_empty() { "" } else { "." };
    SettingsError::new([list, "[", &index.to_string(), "]", dot, field].concat(), problem)
}

fn check_exception(
    list: &str,
    index: usize,
    name_field: &str,
    name: &str,
    namespace: &Option<String>,
    reason: &str,
) -> Result<(), SettingsError> {
    let any = |pattern: &str| pattern.bytes().all(|byte| matches!(byte, b'*' | b'?'));
    if reason.trim().is_empty() {
        return Err(wrong(list, index, "reason", "expected why this is accepted"));
    }
    if name.trim().is_empty() {
        return Err(wrong(list, index, name_field, "expected a name or a glob pattern"));
    }
    if namespace.as_ref().is_some_and(|namespace| namespace.trim().is_empty()) {
        return Err(wrong(list, index, "namespace", "expected a name or a glob pattern"));
    }
    if any(name) && namespace.as_deref().is_none_or(any) {
        return Err(wrong(list, index, name_field, "expected a narrower pattern, or a namespace: this one accepts all"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Volumes are found by name: many of them, mounted many times, are no product.
    #[test]
    fn thousands_of_volumes_are_judged_to_the_last() {
        let many = 30_000;
        let list = |item: &dyn Fn(usize) -> String| (0..many).map(item).collect::<Vec<_>>().join(", ");
        let volumes = list(&|index| {
            format!(r#"{{"name": "v{index}", "projected": {{"sources": [{{"serviceAccountToken": {{"path": "t"}}}}]}}}}"#)
        });
        let mounts = list(&|index| format!(r#"{{"name": "v{}", "mountPath": "/t/{index}"}}"#, many - 1 - index));
        let payload = format!(
            r#"{{"settings": {{"rules": {{"service-account-missing": "off"}}}}, "request": {{"operation": "CREATE", "namespace": "shop",
                "kind": {{"group": "", "version": "v1", "kind": "Pod"}},
                "object": {{"metadata": {{"name": "web"}}, "spec": {{"serviceAccountName": "web", "automountServiceAccountToken": false,
                    "containers": [{{"name": "web", "volumeMounts": [{mounts}]}}], "volumes": [{volumes}]}}}}}}}}"#
        );
        let response =
            palisade_sdk::run::<RestrictServiceAccountTokens>(b"validate", payload.as_bytes(), &palisade_sdk::NoHost);
        let response = String::from_utf8(response.unwrap()).unwrap();
        assert!(response.contains("token-audience"));
        assert!(response.contains("and 29000 findings more"));
        assert!(!response.contains("token-unused"));
    }
}
