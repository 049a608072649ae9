//! Requires that the API server encrypts Secrets before it stores them, with keys that are worth the name.
//!
//! Without an EncryptionConfiguration the API server writes Secrets into etcd as they are: base64 is no encryption. Three things have
//! to hold: the API server is given such a file, the file's first provider for Secrets encrypts, and its key is not to be guessed, best of all
//! not even on the node.
//!
//! CIS Kubernetes Benchmark 1.2.27 and 1.2.28; Kubernetes documentation, "Encrypting Confidential Data at Rest"; OWASP Kubernetes Top
//! Ten K08.

mod configuration;
mod keys;
mod rancher;
mod rules;
mod server;

use palisade_sdk::{Error, Host, Policy, Report, Request, Rule, SettingsError, glob};

palisade_sdk::settings! {
    /// What the deployer may change.
    pub struct Settings {
        /// The resources that must be encrypted, as an EncryptionConfiguration names them: `secrets`, or with the group behind a dot,
        /// `oauthaccesstokens.oauth.openshift.io`.
        pub resources: Vec<String> = vec!["secrets".to_owned()],
        /// Namespaces whose pods are left alone, as glob patterns: those of test control planes, say.
        pub exempt_namespaces: Vec<String> = Vec::new(),
    }
}

/// Requires encryption at rest.
pub struct RequireEncryptionAtRest;

impl Policy for RequireEncryptionAtRest {
    type Settings = Settings;
    const RULES: &'static [Rule] = rules::ALL;

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        if settings.resources.is_empty() {
            return Err(SettingsError::new("resources", "expected at least one resource"));
        }
        for (index, resource) in settings.resources.iter().enumerate() {
            let is_name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
            if resource.is_empty() || resource.starts_with('.') || !resource.bytes().all(is_name) {
                let key = ["resources[", &index.to_string(), "]"].concat();
                return Err(SettingsError::new(key, "expected a resource such as secrets, and no pattern"));
            }
        }
        palisade_sdk::check_exempt_namespaces(&settings.exempt_namespaces)
    }

    fn validate(request: &Request<'_>, settings: &Settings, _: &dyn Host, report: &mut Report) -> Result<(), Error> {
        if settings.exempt_namespaces.iter().any(|pattern| glob::matches(pattern, &request.namespace)) {
            return Ok(());
        }
        match (request.kind.group.as_str(), request.kind.kind.as_str()) {
            ("apiserver.config.k8s.io", "EncryptionConfiguration") | ("", "EncryptionConfig") => {
                configuration::judge(request, settings, report)
            }
            ("provisioning.cattle.io", "Cluster") => rancher::judge(request, report),
            _ => server::judge(request, report),
        }
    }
}

palisade_sdk::export!(RequireEncryptionAtRest);

#[cfg(test)]
mod tests {
    use super::*;

    /// What the policy answers about an EncryptionConfiguration.
    fn answer(object: &str) -> String {
        let payload = format!(
            r#"{{"settings": {{}}, "request": {{"operation": "CREATE",
                "kind": {{"group": "apiserver.config.k8s.io", "version": "v1", "kind": "EncryptionConfiguration"}}, "object": {object}}}}}"#
        );
        let response = palisade_sdk::run::<RequireEncryptionAtRest>(b"validate", payload.as_bytes(), &palisade_sdk::NoHost);
        String::from_utf8(response.unwrap()).unwrap()
    }

    #[test]
    fn keys_are_never_repeated() {
        for key in ["YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=", "c2VjcmV0IGlzIHNlY3VyZQ==", "no base64, and a secret"] {
            for provider in ["aescbc", "aesgcm", "secretbox", "kms"] {
                let object = format!(
                    r#"{{"resources": [{{"resources": ["secrets"], "providers": [{{"{provider}": {{"keys": [{{"name": "a", "secret": "{key}"}}]}}}}]}}]}}"#
                );
                let answer = answer(&object);
                assert!(answer.contains("findings"), "{provider}: {answer}");
                assert!(!answer.contains(key.get(..8).unwrap()), "{provider}: {answer}");
            }
        }
        let number = answer(
            r#"{"resources": [{"resources": ["secrets"], "providers": [{"aescbc": {"keys": [{"secret": 12345678}]}}]}]}"#,
        );
        assert!(number.contains("malformed-object") && !number.contains("12345678"), "{number}");
    }

    #[test]
    fn long_lists_do_not_multiply() {
        let many = |item: &str| vec![item; 20_000].join(", ");
        let object = format!(
            r#"{{"resources": [{{"resources": [{}, "secrets"], "providers": [{}]}}, {}]}}"#,
            many(r#""a.b", "*.c""#),
            many(r#"{"kms": {"apiVersion": "v2", "name": "a"}}, {"aescbc": {"keys": [{"name": "k"}]}}"#),
            many(r#"{"resources": ["*.*"]}"#),
        );
        assert!(answer(&object).contains("findings more"));
    }
}
