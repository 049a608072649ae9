//! SecretStore and ClusterSecretStore of the External Secrets Operator.

use crate::check::Check;
use crate::node::Node;
use crate::rules::{ONE_PROVIDER, STATIC_TOKEN};

/// No provider's schema is deeper.
const DEEPEST: u32 = 8;

/// Switches of providers that take the verification of certificates away: the field, and the value that does.
const SWITCHES: [(&str, &str); 3] = [("ignoreSslCertificate", "true"), ("insecure", "true"), ("verifyCA", "false")];

/// Logins to Vault, and to OpenBao, which is made alike, by what never changes.
const STATIC_LOGINS: [(&str, &str); 3] =
    [("auth.tokenSecretRef", "a token"), ("auth.userPass", "a password"), ("auth.ldap", "a password")];

/// Logins to Vault by what is kept in a Secret, and changes where somebody sees to it.
const VAULT_CREDENTIALS: [&str; 5] =
    ["auth.appRole.secretRef", "auth.kubernetes.secretRef", "auth.jwt.secretRef", "auth.iam.secretRef", "auth.gcp.secretRef"];

/// Checks the spec of a store; `for_cluster` is whether it serves all namespaces.
pub fn check(spec: &Node<'_, '_>, for_cluster: bool, check: &mut Check<'_>) {
    let provider = spec.at("provider");
    let count = provider.fields(&mut |name, node| {
        check.provider(&[name], &node.path);
        // Of the fake one, each value is literal, and the provider is finding enough.
        if name != "fake" {
            node.leaves(name, DEEPEST, &mut |name, leaf| configured(name, &leaf, check));
        }
        match name {
            "vault" | "openBao" => vault(&node, check),
            // Those that know the identity of a workload.
            "aws" | "gcpsm" | "ibm" | "oracle" => credentials(&node, &["auth.secretRef"], check),
            // With a workload's identity, the reference holds the tenant's and the client's id alone.
            "azurekv" if matches!(&*node.at("authType").text(), "" | "ServicePrincipal") => {
                credentials(&node, &["authSecretRef"], check);
            }
            _ => {}
        }
    });
    if count != 1 {
        let message = if count == 0 { "the store has no provider" } else { "the store has more than one provider" };
        check.add(&ONE_PROVIDER, &provider.path, &[message]);
    }
    if for_cluster {
        conditions(&spec.at("conditions"), check);
    }
}

/// What a provider's configuration says, whatever the provider: addresses, switches and literals.
fn configured(name: &str, leaf: &Node<'_, '_>, check: &mut Check<'_>) {
    if leaf.is_text() {
        let value = leaf.text();
        check.address(&value, &leaf.path);
        check.literal(name, &value, &leaf.path);
    } else if SWITCHES.iter().any(|(switch, value)| *switch == name && leaf.is(value)) {
        check.unverified(&leaf.path);
    }
}

fn vault(vault: &Node<'_, '_>, check: &mut Check<'_>) {
    let has_ca = vault.at("caProvider").is_set() || !vault.at("caBundle").text().is_empty();
    let server = vault.at("server");
    check.vault_ca(&server.text(), has_ca, &server.path);
    for (field, what) in STATIC_LOGINS {
        let login = vault.at(field);
        if login.is_set() {
            check.add(&STATIC_TOKEN, &login.path, &["the login is ", what, " that is kept in a Secret"]);
        }
    }
    credentials(vault, &VAULT_CREDENTIALS, check);
    if vault.at("auth.kubernetes").is_set() {
        let role = vault.at("auth.kubernetes.role");
        check.vault_role(&role.text(), &role.path);
    }
}

fn credentials(provider: &Node<'_, '_>, fields: &[&str], check: &mut Check<'_>) {
    for field in fields {
        let reference = provider.at(field);
        if reference.is_set() {
            check.static_credentials(&reference.path);
        }
    }
}

/// The namespaces of any of the conditions may use the store.
fn conditions(conditions: &Node<'_, '_>, check: &mut Check<'_>) {
    let count = conditions.items(&mut |condition| {
        check.namespace_selector(&condition.at("namespaceSelector"));
        condition.at("namespaceRegexes").items(&mut |pattern| {
            check.namespace_regex(&pattern.text(), &pattern.path);
        });
    });
    if count == 0 {
        check.open(&conditions.path, "every namespace may use the store, since it has no conditions");
    }
}
