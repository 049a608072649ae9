//! What every kind is checked for: addresses, switches and literals in what it says, and how its findings are reported.

use palisade_sdk::secrets::{Options, Scanner};
use palisade_sdk::{Error, Map, Path, Raw, Report, Rule, json};

use crate::rules::{
    INSECURE_TLS, LITERAL_SECRET, OPEN_NAMESPACES, PLAIN_HTTP, PRIVILEGED_TYPE, REFRESH_INTERVAL, STORE_PROVIDER,
    UNANCHORED_REGEX, VAULT_CA,
};
use crate::{Settings, text};

/// The providers that keep secrets in the cluster, or in the store's own manifest.
const IN_THE_CLUSTER: [&str; 3] = ["fake", "kubernetes", "crd"];

/// No provider's schema is deeper.
const DEEPEST: u32 = 8;

/// Switches that take the verification of certificates away, in the providers of the External Secrets Operator: the field, and the value that does.
const SWITCHES: [(&str, &str); 3] = [("ignoreSslCertificate", "true"), ("insecure", "true"), ("verifyCA", "false")];

/// Checks an object, and collects what is wrong with it.
pub struct Check<'c> {
    pub settings: &'c Settings,
    pub report: &'c mut Report,
    scanner: Scanner<'static>,
}

impl<'c> Check<'c> {
    pub fn new(settings: &'c Settings, report: &'c mut Report) -> Self {
        Self { settings, report, scanner: Scanner::new(Options::default()) }
    }

    /// Adds a finding whose message is made of these parts.
    pub fn add(&mut self, rule: &Rule, path: &Path<'_>, message: &[&str]) {
        self.report.add(rule, path, message.concat());
    }

    /// Whether secrets may come from this provider. `aliases` are names that the same manager has elsewhere.
    pub fn provider(&mut self, names: &[&str], path: &Path<'_>) {
        let allowed = &self.settings.allowed_providers;
        let Some(name) = names.first() else { return };
        if allowed.is_empty() {
            if IN_THE_CLUSTER.contains(name) {
                let why = if *name == "fake" { " lists its values in the manifest" } else { " reads from the cluster itself" };
                self.add(&STORE_PROVIDER, path, &["the provider ", name, why]);
            }
        } else if !allowed.iter().any(|allowed| names.iter().any(|name| allowed.eq_ignore_ascii_case(name))) {
            self.add(&STORE_PROVIDER, path, &["the provider ", text::short(name), " is not among the allowed ones"]);
        }
    }

    /// A Vault that is reached over TLS; `has_ca` tells whether its CA is given.
    pub fn vault_ca(&mut self, address: &str, has_ca: bool, path: &Path<'_>) {
        if !has_ca && !address.is_empty() && !text::is_plain_http(address) {
            self.add(&VAULT_CA, path, &["no CA is given for this Vault, so that any CA of the system can vouch for it"]);
        }
    }

    /// An address of anything.
    pub fn address(&mut self, address: &str, path: &Path<'_>) {
        if text::is_plain_http(address) {
            self.add(&PLAIN_HTTP, path, &["the address is one of plain http"]);
        }
    }

    /// A switch that takes the verification of certificates away.
    pub fn unverified(&mut self, path: &Path<'_>) {
        self.add(&INSECURE_TLS, path, &["certificates are not verified"]);
    }

    /// A text that must hold no secret, and its name.
    pub fn literal(&mut self, name: &str, value: &str, path: &Path<'_>) {
        if let Some(found) = self.scanner.value(name, value).first() {
            let length = found.length.to_string();
            let message = [text::short(name), " holds ", found.what, " in plain text (", &length, " characters)"];
            self.add(&LITERAL_SECRET, path, &message);
        }
    }

    /// The texts of a map, which must hold no secret: a template, headers, parameters.
    pub fn literals(&mut self, texts: &Map<'_>, path: &Path<'_>) {
        for (name, value) in texts {
            self.literal(name, value, &path.key(name));
        }
    }

    /// Everything that a provider's configuration says, whatever the provider: addresses, switches and literals.
    pub fn configuration(&mut self, raw: Raw<'_>, name: &str, path: &Path<'_>) -> Result<(), Error> {
        self.walk(raw, name, path, DEEPEST)
    }

    fn walk(&mut self, raw: Raw<'_>, name: &str, path: &Path<'_>, depth: u32) -> Result<(), Error> {
        let malformed = |error: json::JsonError| Error::malformed(path, error.problem);
        match raw.get().as_bytes().first() {
            Some(b'{') if depth > 0 => {
                let fields: Map<'_, Raw<'_>> = json::from_str(raw.get()).map_err(malformed)?;
                for (name, value) in &fields {
                    self.walk(*value, name, &path.key(name), depth - 1)?;
                }
            }
            Some(b'[') if depth > 0 => {
                let items: Vec<Raw<'_>> = json::from_str(raw.get()).map_err(malformed)?;
                for (index, item) in items.iter().enumerate() {
                    self.walk(*item, name, &path.index(index), depth - 1)?;
                }
            }
            Some(b'"') => {
                let value: palisade_sdk::Str<'_> = json::from_str(raw.get()).map_err(malformed)?;
                self.address(&value, path);
                self.literal(name, &value, path);
            }
            _ => {
                if SWITCHES.iter().any(|(switch, value)| *switch == name && *value == raw.get()) {
                    self.unverified(path);
                }
            }
        }
        Ok(())
    }

    /// What is open to every namespace.
    pub fn open(&mut self, path: &Path<'_>, what: &str) {
        self.add(&OPEN_NAMESPACES, path, &[what]);
    }

    /// A regular expression for namespaces.
    pub fn namespace_regex(&mut self, pattern: &str, path: &Path<'_>) {
        if text::matches_everything(pattern) {
            self.open(path, "the expression finds every namespace");
        } else if text::is_unanchored(pattern) {
            let message = ["`", text::short(pattern), "` also finds namespaces that have it in the middle of their names"];
            self.add(&UNANCHORED_REGEX, path, &message);
        }
    }

    /// How often a secret is fetched again.
    pub fn refresh(&mut self, interval: &str, path: &Path<'_>) {
        let longest = &self.settings.max_refresh_interval;
        let message = match (text::duration(interval), text::duration(longest)) {
            (None, _) => vec!["`", text::short(interval), "` is no duration such as 30m or 24h"],
            (Some(0), _) => vec!["at ", text::short(interval), " the secret is fetched once, and never again"],
            (Some(interval_ms), Some(longest_ms)) if interval_ms > longest_ms => {
                vec!["a rotated secret may take ", text::short(interval), ", and at most ", longest, " is allowed"]
            }
            _ => return,
        };
        self.add(&REFRESH_INTERVAL, path, &message);
    }

    /// The type of the Secret that an operator is to write.
    pub fn written_type(&mut self, secret_type: &str, path: &Path<'_>) {
        if matches!(secret_type, "kubernetes.io/service-account-token" | "bootstrap.kubernetes.io/token") {
            self.add(&PRIVILEGED_TYPE, path, &["the operator is to write a Secret of type ", secret_type]);
        }
    }
}
