//! What to write instead of a Secret: an ExternalSecret or a VaultStaticSecret that makes the same one.
//!
//! Both are whole manifests. They name the Secret's keys, and Vault's path `<namespace>/<name>` as the place of the values.

use palisade_sdk::Rule;

/// Up to so many keys are listed; with more, all keys of the path are taken.
pub const LISTED: usize = 12;

/// The two manifests, after the remedy of the rule, each as a YAML document.
pub fn manifests(rule: &Rule, name: &str, namespace: &str, secret_type: &str, keys: &[&str]) -> String {
    let name = if is_name(name) { name } else { "app" };
    let namespace = if is_name(namespace) { namespace } else { "default" };
    let path = [namespace, "/", name].concat();
    let secret_type = Some(secret_type).filter(|kind| *kind != "Opaque" && is_type(kind));
    // A key that is none cannot be in a Secret either.
    let keys: Vec<&str> = keys.iter().copied().filter(|key| is_key(key)).collect();
    let listed = keys.len() <= LISTED;

    let mut yaml = Yaml(String::from(rule.remedy));
    yaml.0.push_str("; one of these, for example:");
    yaml.head("external-secrets.io/v1", "ExternalSecret", name, namespace);
    yaml.0.push_str("\n  refreshInterval: 1h\n  secretStoreRef:\n    kind: SecretStore\n    name: vault\n  target:");
    yaml.field("    name: ", name);
    if let Some(secret_type) = secret_type {
        yaml.0.push_str("\n    template:");
        yaml.field("      type: ", secret_type);
    }
    if listed {
        yaml.0.push_str("\n  data:");
        for key in &keys {
            yaml.field("    - secretKey: ", key);
            yaml.0.push_str("\n      remoteRef:");
            yaml.field("        key: ", &path);
            yaml.field("        property: ", key);
        }
    } else {
        yaml.0.push_str("\n  dataFrom:\n    - extract:");
        yaml.field("        key: ", &path);
    }

    yaml.head("secrets.hashicorp.com/v1beta1", "VaultStaticSecret", name, namespace);
    yaml.0.push_str("\n  vaultAuthRef: vault\n  mount: secret\n  type: kv-v2");
    yaml.field("  path: ", &path);
    yaml.0.push_str("\n  refreshAfter: 1h\n  destination:");
    yaml.field("    name: ", name);
    yaml.0.push_str("\n    create: true");
    if let Some(secret_type) = secret_type {
        yaml.field("    type: ", secret_type);
    }
    yaml.0.push_str("\n    transformation:\n      excludeRaw: true");
    if listed && !keys.is_empty() {
        yaml.0.push_str("\n      includes:");
        for key in &keys {
            yaml.0.push_str("\n        - \"^");
            for letter in key.chars() {
                if letter == '.' {
                    yaml.0.push_str("[.]");
                } else {
                    yaml.0.push(letter);
                }
            }
            yaml.0.push_str("$\"");
        }
    }
    // The last line is a comment, so that what is written behind it, such as a full stop, harms nothing.
    yaml.0.push_str("\n# the values are those of ");
    yaml.0.push_str(&path);
    yaml.0.push_str(" in Vault");
    yaml.0
}

struct Yaml(String);

impl Yaml {
    fn head(&mut self, api_version: &str, kind: &str, name: &str, namespace: &str) {
        for part in ["\n---\napiVersion: ", api_version, "\nkind: ", kind, "\nmetadata:"] {
            self.0.push_str(part);
        }
        self.field("  name: ", name);
        self.field("  namespace: ", namespace);
        self.0.push_str("\nspec:");
    }

    /// A line with a value that is quoted: `true` and `1e3` are names too. It holds nothing that would have to be escaped.
    fn field(&mut self, beginning: &str, value: &str) {
        for part in ["\n", beginning, "\"", value, "\""] {
            self.0.push_str(part);
        }
    }
}

/// Kubernetes documentation, Object Names and IDs: DNS subdomain names.
fn is_name(text: &str) -> bool {
    let end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    text.len() <= 253
        && end(text.as_bytes().first())
        && end(text.as_bytes().last())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
}

fn is_key(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

fn is_type(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/'))
}
