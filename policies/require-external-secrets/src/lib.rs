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
