//! What every kind is checked for: addresses, switches and literals in what it says, and how its findings are reported.

use palisade_sdk::secrets::{Options, Scanner};
use palisade_sdk::{Path, Report, Rule};

use crate::node::Node;
use crate::rules::{
    INSECURE_TLS, LITERAL_SECRET, OPEN_NAMESPACES, PLAIN_HTTP, PRIVILEGED_TYPE, REFRESH_INTERVAL, STATIC_CREDENTIALS,
    STORE_PROVIDER, UNANCHORED_REGEX, VAULT_CA, VAULT_ROLE,
};
use crate::{Settings, text};

/// The providers that keep secrets in the cluster, or in the store's own manifest.
const IN_THE_CLUSTER: [&str; 3] = ["fake", "kubernetes", "crd"];

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

    /// Whether secrets may come from the provider, which is known by these names.
    pub fn provider(&mut self, names: &[&str], path: &Path<'_>) {
        let allowed = &self.settings.allowed_providers;
        let Some(name) = names.first() else { return };
        if allowed.is_empty() {
            if IN_THE_CLUSTER.contains(name) {
                let why = if *name == "fake" { " lists its values in the manifest" } else { " keeps secrets in a cluster" };
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

    /// The role of a login to Vault.
    pub fn vault_role(&mut self, role: &str, path: &Path<'_>) {
        if role.is_empty() {
            self.add(&VAULT_ROLE, path, &["the login to Vault names no role"]);
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

    /// A login by what is kept in a Secret.
    pub fn static_credentials(&mut self, path: &Path<'_>) {
        let message = "the login is a credential that is kept in a Secret, and lives until somebody changes it";
        self.add(&STATIC_CREDENTIALS, path, &[message]);
    }

    /// A text that must hold no secret, and its name.
    pub fn literal(&mut self, name: &str, value: &str, path: &Path<'_>) {
        if let Some(found) = self.scanner.value(name, value).first() {
            let length = found.length.to_string();
            let message = [text::short(name), " holds ", found.what, " in plain text (", &length, " characters)"];
            self.add(&LITERAL_SECRET, path, &message);
        }
    }

    /// The texts of maps, which must hold no secret: templates, headers, parameters.
    pub fn literals(&mut self, node: &Node<'_, '_>, maps: &[&str]) {
        for map in maps {
            node.at(map).fields(&mut |name, node| {
                self.literal(name, &node.text(), &node.path);
            });
        }
    }

    /// What is open to every namespace.
    pub fn open(&mut self, path: &Path<'_>, what: &str) {
        self.add(&OPEN_NAMESPACES, path, &[what]);
    }

    /// A selector of namespaces.
    pub fn namespace_selector(&mut self, selector: &Node<'_, '_>) {
        if selector.is_set() && selects_everything(selector) {
            self.open(&selector.path, "the selector selects every namespace");
        }
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
        let shown = text::short(interval);
        let message = match (text::duration(interval), text::duration(longest)) {
            (None, _) => ["`", shown, "` is no duration such as 30m or 24h", ""],
            (Some(0), _) => ["at ", shown, " the secret is fetched once, and never again", ""],
            (Some(chosen), Some(most)) if chosen > most => {
                ["it takes ", shown, " until a rotated secret arrives, and the most is ", longest]
            }
            _ => return,
        };
        self.report.add(&REFRESH_INTERVAL, path, message.concat());
    }

    /// The type of the Secret that an operator is to write.
    pub fn written_type(&mut self, node: &Node<'_, '_>) {
        let secret_type = node.text();
        if matches!(&*secret_type, "kubernetes.io/service-account-token" | "bootstrap.kubernetes.io/token") {
            self.add(&PRIVILEGED_TYPE, &node.path, &["the operator is to write a Secret of type ", &secret_type]);
        }
    }
}

/// Whether a label selector selects everything: it is empty, or only asks for the label that each namespace has.
pub fn selects_everything(selector: &Node<'_, '_>) -> bool {
    let mut everything = selector.at("matchLabels").count() == 0;
    selector.at("matchExpressions").items(&mut |expression| {
        let every_namespace =
            expression.at("operator").text() == "Exists" && expression.at("key").text() == "kubernetes.io/metadata.name";
        everything &= every_namespace;
    });
    everything
}
