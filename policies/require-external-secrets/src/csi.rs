//! SecretProviderClass of the Secrets Store CSI driver, with the providers for Vault, AWS, Azure and Google Cloud.

use crate::check::Check;
use crate::node::Node;
use crate::rules::{NODE_IDENTITY, ONE_PROVIDER};
use crate::text::is_on;

/// Parameters that list what is fetched, in YAML: names and paths, which look like secrets to a scanner.
const LISTS: [&str; 3] = ["objects", "secrets", "array"];

/// Checks a SecretProviderClass.
pub fn check(object: &Node<'_, '_>, check: &mut Check<'_>) {
    let spec = object.at("spec");
    let node = spec.at("provider");
    let provider = node.text();
    match &*provider {
        "" => check.add(&ONE_PROVIDER, &node.path, &["the class has no provider"]),
        "azure" => check.provider(&["azure", "azurekv"], &node.path),
        "gcp" => check.provider(&["gcp", "gcpsm"], &node.path),
        other => check.provider(&[other], &node.path),
    }
    let parameters = spec.at("parameters");
    parameters.fields(&mut |name, node| {
        let value = node.text();
        check.address(&value, &node.path);
        if !LISTS.contains(&name) {
            check.literal(name, &value, &node.path);
        }
        match (&*provider, name) {
            ("vault", "vaultSkipTLSVerify") if is_on(&value) => check.unverified(&node.path),
            ("azure", "useVMManagedIdentity") if is_on(&value) => {
                let message = "secrets are fetched with the identity of the node, which all of its pods share";
                check.add(&NODE_IDENTITY, &node.path, &[message]);
            }
            ("gcp", "auth") if value == "provider-adc" => {
                let message = "secrets are fetched with the identity of the driver, which all pods share";
                check.add(&NODE_IDENTITY, &node.path, &[message]);
            }
            _ => {}
        }
    });
    if provider == "vault" {
        let has = |name| !parameters.at(name).text().is_empty();
        let verified = has("vaultCACertPath") || has("vaultCADirectory");
        let skipped = is_on(&parameters.at("vaultSkipTLSVerify").text());
        let (address, role) = (parameters.at("vaultAddress"), parameters.at("roleName"));
        check.vault_ca(&address.text(), verified || skipped, &address.path);
        check.vault_role(&role.text(), &role.path);
    }
    spec.at("secretObjects").items(&mut |object| {
        check.written_type(&object.at("type"));
        check.literals(&object, &["annotations", "labels"]);
    });
}
