//! What to write instead of a Secret: an ExternalSecret or a VaultStaticSecret that makes the same one.
//!
//! Both are whole manifests. They name the Secret's keys, and Vault's path `<namespace>/<name>` as the place of the values. All that
//! is filled in is quoted, since `true` and `1e3` are names too, and made of characters that need no escape.

use palisade_sdk::Rule;

/// Up to so many keys are listed; with more, all keys of the path are taken.
pub const LISTED: usize = 12;

// `$n` is the Secret's name, `$s` its namespace, `$t` its type, `$k` a key, `$x` the key as a regular expression, `$1` to `$3` are
// the parts that depend on the Secret. The last line is a comment, so that what is written behind it harms nothing.
const MANIFESTS: &str = r#"; one of these, for example:
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: "$n"
  namespace: "$s"
spec:
  refreshInterval: 1h
  secretStoreRef:
    kind: SecretStore
    name: vault
  target:
    name: "$n"$1
$2
---
apiVersion: secrets.hashicorp.com/v1beta1
kind: VaultStaticSecret
metadata:
  name: "$n"
  namespace: "$s"
spec:
  vaultAuthRef: vault
  mount: secret
  type: kv-v2
  path: "$s/$n"
  refreshAfter: 1h
  destination:
    name: "$n"
    create: true
    type: "$t"
    transformation:
      excludeRaw: true$3
# the values are those of $s/$n in Vault"#;
const TYPE: &str = "
    template:
      type: \"$t\"";
const ALL_KEYS: &str = "  dataFrom:
    - extract:
        key: \"$s/$n\"";
const KEY: &str = "
    - secretKey: \"$k\"
      remoteRef:
        key: \"$s/$n\"
        property: \"$k\"";
const INCLUDED: &str = "
        - \"^$x$\"";

/// The two manifests, after the remedy of the rule, each as a YAML document.
pub fn manifests(rule: &Rule, name: &str, namespace: &str, secret_type: &str, keys: &[&str]) -> String {
    let name = if is_name(name) { name } else { "app" };
    let namespace = if is_name(namespace) { namespace } else { "default" };
    let secret_type = if is_written(secret_type) { secret_type } else { "Opaque" };
    let (mut data, mut includes) = (String::from("  data:"), String::from("\n      includes:"));
    let mut listed = 0;
    // A key that cannot be one is in no Secret either.
    for key in keys.iter().filter(|key| is_written(key) && !key.contains('/')) {
        let pattern = key.split('.').collect::<Vec<_>>().join("[.]");
        let parts = [('n', name), ('s', namespace), ('k', key), ('x', pattern.as_str())];
        fill(&mut data, KEY, &parts);
        fill(&mut includes, INCLUDED, &parts);
        listed += 1;
    }
    let parts = [('n', name), ('s', namespace), ('t', secret_type)];
    if listed == 0 || keys.len() > LISTED {
        data.clear();
        fill(&mut data, ALL_KEYS, &parts);
        includes.clear();
    }
    let mut template = String::new();
    if secret_type != "Opaque" {
        fill(&mut template, TYPE, &parts);
    }
    let mut remedy = String::from(rule.remedy);
    let [name, namespace, secret_type] = parts;
    fill(&mut remedy, MANIFESTS, &[name, namespace, secret_type, ('1', &template), ('2', &data), ('3', &includes)]);
    remedy
}

/// Writes a template, with the values of its parts.
fn fill(text: &mut String, template: &str, parts: &[(char, &str)]) {
    for (index, piece) in template.split('$').enumerate() {
        let part = parts.iter().find(|(letter, _)| index > 0 && piece.starts_with(*letter));
        match part {
            Some((_, value)) => {
                text.push_str(value);
                text.push_str(piece.get(1..).unwrap_or_default());
            }
            None => {
                text.push_str(if index > 0 { "$" } else { "" });
                text.push_str(piece);
            }
        }
    }
}

/// Kubernetes documentation, Object Names and IDs: DNS subdomain names.
fn is_name(text: &str) -> bool {
    let end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    is_written(text)
        && end(text.as_bytes().first())
        && end(text.as_bytes().last())
        && text.bytes().all(|byte| !byte.is_ascii_uppercase() && !matches!(byte, b'_' | b'/'))
}

/// Whether a text is made of the characters of keys and types.
fn is_written(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{HAND_WRITTEN_SECRET, HAND_WRITTEN_TLS};

    #[test]
    fn lists_keys_up_to_a_number() {
        let few = manifests(&HAND_WRITTEN_TLS, "shop-tls", "shop", "kubernetes.io/tls", &["tls.crt", "tls.key"]);
        for line in [
            "  name: \"shop-tls\"\n  namespace: \"shop\"\n",
            "    name: \"shop-tls\"\n    template:\n      type: \"kubernetes.io/tls\"\n  data:\n    - secretKey: \"tls.crt\"\n",
            "        key: \"shop/shop-tls\"\n        property: \"tls.key\"\n---\n",
            "      includes:\n        - \"^tls[.]crt$\"\n        - \"^tls[.]key$\"\n# the values",
        ] {
            assert!(few.contains(line), "{line}\n\nis not in\n\n{few}");
        }
        let many = manifests(&HAND_WRITTEN_SECRET, "shop", "shop", "Opaque", &["key"; LISTED + 1]);
        assert!(many.contains("  dataFrom:\n    - extract:\n        key: \"shop/shop\"\n---\n"), "{many}");
        assert!(!many.contains("secretKey") && !many.contains("includes") && !many.contains("template"), "{many}");
    }

    /// What no API server would take does not get into the manifests.
    #[test]
    fn hostile_texts_stay_out() {
        let hostile = "x\"\n---\nkind: Pod\n$n";
        let long = "x".repeat(1000);
        for text in [hostile, &long, "", "-", "$k"] {
            let remedy = manifests(&HAND_WRITTEN_SECRET, text, text, text, &[text, "key"]);
            assert!(!remedy.contains("kind: Pod") && remedy.len() < 2000, "{remedy}");
            assert!(remedy.contains("  name: \"app\"\n  namespace: \"default\"\n"), "{remedy}");
        }
    }
}
