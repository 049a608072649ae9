//! Rejects Secrets that are written by hand, and ways to a secret manager that give the secrets away.
//!
//! A Secret that somebody wrote is a copy that nobody rotates, in a file, a pipeline and a shell's history. One that an operator made
//! from a secret manager has its source, its rights and its log there. So Secrets must be made by an operator, and what the
//! operators are told, their stores, logins and templates, must keep what the manager protects.
//!
//! References: CIS Kubernetes Benchmark 5.4.2, OWASP Kubernetes Top 10 K08:2022; the published schemas of the External Secrets Operator, the
//! Vault Secrets Operator, Sealed Secrets, the Secrets Store CSI driver and the Vault Agent injector.

mod check;
mod csi;
mod external;
mod node;
mod origin;
mod remedy;
mod rules;
mod sealed;
mod secret;
mod store;
mod text;
mod vault;
mod workload;

use palisade_sdk::{Error, Host, Policy, Report, Request, Rule, SettingsError};

use check::Check;
use node::{Faults, Node};

palisade_sdk::settings! {
    /// What the deployer may change.
    pub struct Settings {
        /// The providers that stores may use, by their keys in a SecretStore (`vault`, `aws`, `gcpsm`, `azurekv`); SecretProviderClasses and
        /// VaultConnections are measured by it too. When empty, all but those that keep secrets in the cluster: `fake`, `kubernetes`, `crd`.
        pub allowed_providers: Vec<String> = Vec::new(),
        /// Secrets that may be written by hand: a list of `{name, namespace, type, reason}`. All but the `reason`, which is mandatory, are
        /// glob patterns, and at least `name` or `type` must be given.
        pub allowed_secrets: Vec<AllowedSecret> = Vec::new(),
        /// Further owners whose Secrets count as made by a manager: a list of `{apiGroup, kind, reason}`, for operators that generate
        /// credentials, such as a database's.
        pub trusted_owners: Vec<TrustedOwner> = Vec::new(),
        /// Who may write Secrets, as glob patterns of user names (`system:serviceaccount:external-secrets:*`). When given, owner and field
        /// manager are no longer enough: they can be claimed by whoever writes Secrets.
        pub trusted_writers: Vec<String> = Vec::new(),
        /// How long a rotated secret may take to arrive, in Go's notation: `30m`, `24h`.
        pub max_refresh_interval: String = "24h".to_owned(),
    }
}

palisade_sdk::setting! {
    /// A Secret that may be written by hand, and why.
    pub struct AllowedSecret {
        name: Option<String>,
        namespace: Option<String>,
        r#type: Option<String>,
        reason: String,
    }

    /// A kind whose objects make Secrets, and why they are trusted.
    pub struct TrustedOwner {
        api_group: String,
        kind: String,
        reason: String,
    }
}

/// The policy.
pub struct RequireExternalSecrets;

impl Policy for RequireExternalSecrets {
    type Settings = Settings;
    const RULES: &'static [Rule] = rules::ALL;

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        let wrong = |list: &str, index: usize, field: &str, problem: &str| {
            Err(SettingsError::new([list, "[", &index.to_string(), "]", field].concat(), problem))
        };
        let blank = |text: &str| text.trim().is_empty();
        for (index, provider) in settings.allowed_providers.iter().enumerate() {
            if blank(provider) {
                return wrong("allowedProviders", index, "", "expected a provider, for example vault or aws");
            }
        }
        for (index, allowed) in settings.allowed_secrets.iter().enumerate() {
            let list = "allowedSecrets";
            if blank(&allowed.reason) {
                return wrong(list, index, ".reason", "expected why this Secret may be written by hand");
            }
            if allowed.name.is_none() && allowed.r#type.is_none() {
                return wrong(list, index, "", "expected a name or a type");
            }
            for (field, pattern) in [(".name", &allowed.name), (".namespace", &allowed.namespace), (".type", &allowed.r#type)] {
                if pattern.as_ref().is_some_and(|pattern| blank(pattern)) {
                    return wrong(list, index, field, "expected a glob pattern");
                }
            }
            let any = |pattern: &Option<String>| {
                pattern.as_ref().is_none_or(|pattern| pattern.bytes().all(|byte| matches!(byte, b'*' | b'?')))
            };
            if any(&allowed.name) && any(&allowed.namespace) && any(&allowed.r#type) {
                return wrong(list, index, "", "expected narrower patterns: these accept every Secret");
            }
        }
        for (index, owner) in settings.trusted_owners.iter().enumerate() {
            let list = "trustedOwners";
            if blank(&owner.reason) {
                return wrong(list, index, ".reason", "expected why Secrets of this owner are trusted");
            }
            if blank(&owner.kind) {
                return wrong(list, index, ".kind", "expected a kind, for example Postgresql");
            }
            if blank(&owner.api_group) {
                return wrong(list, index, ".apiGroup", "expected the API group of a custom resource");
            }
        }
        for (index, writer) in settings.trusted_writers.iter().enumerate() {
            if writer.bytes().all(|byte| matches!(byte, b'*' | b'?' | b' ')) {
                return wrong("trustedWriters", index, "", "expected a user's name or a glob pattern that is narrower");
            }
        }
        match text::duration(&settings.max_refresh_interval) {
            Some(milliseconds) if milliseconds > 0 => Ok(()),
            _ => Err(SettingsError::new("maxRefreshInterval", "expected a duration above zero, for example 30m or 24h")),
        }
    }

    fn validate(request: &Request<'_>, settings: &Settings, _: &dyn Host, report: &mut Report) -> Result<(), Error> {
        let mut check = Check::new(settings, report);
        let faults = Faults::default();
        let object = Node::object(request, &faults)?;
        match (request.kind.group.as_str(), request.kind.kind.as_str()) {
            ("", "Secret") => secret::check(request, &object, &mut check)?,
            (external::GROUP, kind) => external::check(kind, &object, &mut check),
            (vault::GROUP, kind) => vault::check(kind, &object, &mut check),
            ("bitnami.com", "SealedSecret") => sealed::check(&object, &mut check),
            ("secrets-store.csi.x-k8s.io", "SecretProviderClass") => csi::check(&object, &mut check),
            _ => workload::check(request, &object, &mut check)?,
        }
        faults.into_result()
    }
}

palisade_sdk::export!(RequireExternalSecrets);

#[cfg(test)]
mod tests {
    use super::*;

    /// What the policy answers about an object.
    fn answer(group: &str, kind: &str, object: &str) -> String {
        let payload = format!(
            r#"{{"settings": {{"allowedProviders": ["vault", "webhook"]}}, "request": {{"operation": "CREATE", "namespace": "shop",
                "kind": {{"group": "{group}", "version": "v1", "kind": "{kind}"}}, "object": {object}}}}}"#
        );
        let response = palisade_sdk::run::<RequireExternalSecrets>(b"validate", payload.as_bytes(), &palisade_sdk::NoHost);
        String::from_utf8(response.unwrap()).unwrap()
    }

    /// Wherever a secret stands, it is found, and nothing of it is in the answer.
    #[test]
    fn no_answer_repeats_a_value() {
        const ESO: &str = external::GROUP;
        const VSO: &str = vault::GROUP;
        let places = [
            ("", "Secret", r#"{"stringData": {"password": "VALUE"}}"#),
            ("", "Secret", r#"{"data": {"password": "VALUE"}, "type": "kubernetes.io/tls"}"#),
            ("", "Secret", r#"{"data": {"password": "VALUE"}, "type": "helm.sh/release.v1"}"#),
            ("", "Secret", r#"{"data": ["VALUE"]}"#),
            (ESO, "SecretStore", r#"{"spec": {"provider": {"fake": {"data": [{"key": "a", "value": "VALUE"}]}}}}"#),
            (ESO, "SecretStore", r#"{"spec": {"provider": {"webhook": {"headers": {"X-Api-Key": "VALUE"}}}}}"#),
            (ESO, "SecretStore", r#"{"spec": {"provider": {"vault": {"server": "http://shop:VALUE@vault"}}}}"#),
            (ESO, "ExternalSecret", r#"{"spec": {"target": {"template": {"data": {"password": "VALUE"}}}}}"#),
            (ESO, "ExternalSecret", r#"{"spec": {"target": "VALUE"}}"#),
            (ESO, "PushSecret", r#"{"spec": {"template": {"data": {"url": "postgres://shop:VALUE@db/shop"}}}}"#),
            (VSO, "VaultConnection", r#"{"spec": {"address": "http://vault", "headers": {"X-Api-Key": "VALUE"}}}"#),
            (VSO, "SecretTransformation", r#"{"spec": {"templates": {"password": {"text": "VALUE"}}}}"#),
            ("bitnami.com", "SealedSecret", r#"{"spec": {"encryptedData": {"password": "VALUE"}}}"#),
            (
                "secrets-store.csi.x-k8s.io",
                "SecretProviderClass",
                r#"{"spec": {"provider": "vault", "parameters": {"clientSecret": "VALUE", "roleName": "shop"}}}"#,
            ),
            (
                "",
                "Pod",
                r#"{"metadata": {"annotations": {"vault.hashicorp.com/agent-inject": "true", "vault.hashicorp.com/role": "shop",
                    "vault.hashicorp.com/agent-inject-template-env": "export DB_PASSWORD=VALUE"}}}"#,
            ),
        ];
        for (group, kind, object) in places {
            let response = answer(group, kind, &object.replace("VALUE", "4f9Qz81LmXw7Rk2Vb6"));
            assert!(response.contains(r#""accepted":false"#), "{object}: {response}");
            assert!(!response.contains("4f9Qz8") && !response.contains("k2Vb6"), "{object}: {response}");
        }
    }

    #[test]
    fn a_hundred_thousand_keys_make_a_short_answer() {
        let keys: Vec<String> = (0..100_000).map(|index| format!(r#""key-{index}": "x""#)).collect();
        let response = answer("", "Secret", &format!(r#"{{"data": {{{}}}}}"#, keys.join(", ")));
        assert!(response.contains("key-4 and more"));
        assert!(response.len() < 10_000, "{} bytes", response.len());
        let long = "x".repeat(1_000_000);
        let response = answer("", "Secret", &format!(r#"{{"metadata": {{"name": "{long}"}}, "data": {{"{long}": "x"}}}}"#));
        assert!(response.len() < 10_000, "{} bytes", response.len());
    }

    #[test]
    fn deep_nesting_is_no_burden() {
        let depth = 200_000;
        let nested = |open: &str, close: &str| format!("{}null{}", open.repeat(depth), close.repeat(depth));
        for provider in [nested(r#"{"a": "#, "}"), nested("[", "]")] {
            let response = answer(
                external::GROUP,
                "SecretStore",
                &format!(r#"{{"spec": {{"provider": {{"vault": {{"x": {provider}}}}}}}}}"#),
            );
            assert!(response.contains(r#""accepted":true"#), "{response}");
        }
    }

    /// What is checked last of a large object is found in it.
    #[test]
    fn long_lists_are_judged_to_the_last() {
        let items = |item: &str, last: &str| format!("[{}{last}]", format!("{item}, ").repeat(50_000));
        let conditions = items(r#"{"namespaces": ["shop"]}"#, r#"{"namespaceSelector": {}}"#);
        let object = format!(r#"{{"spec": {{"provider": {{"vault": {{}}}}, "conditions": {conditions}}}}}"#);
        assert!(answer(external::GROUP, "ClusterSecretStore", &object).contains("spec.conditions[50000].namespaceSelector"));
        let sources = items(r#"{"extract": {"key": "a"}}"#, r#"{"find": {"name": {"regexp": ".*"}}}"#);
        let object = format!(r#"{{"spec": {{"dataFrom": {sources}}}}}"#);
        assert!(answer(external::GROUP, "ExternalSecret", &object).contains("spec.dataFrom[50000].find"));
    }
}
