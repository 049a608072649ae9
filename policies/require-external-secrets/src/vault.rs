//! The kinds of the Vault Secrets Operator.

use crate::check::Check;
use crate::node::Node;
use crate::rules::{REFRESH_INTERVAL, VAULT_AUDIENCE};

/// The API group.
pub const GROUP: &str = "secrets.hashicorp.com";

/// The methods of login in a VaultAuth, each with a configuration of its own under its name.
const METHODS: [&str; 5] = ["kubernetes", "jwt", "appRole", "aws", "gcp"];

/// Checks an object of the operator's.
pub fn check(kind: &str, object: &Node<'_, '_>, check: &mut Check<'_>) {
    let spec = object.at("spec");
    match kind {
        "VaultConnection" => connection(&spec, check),
        "VaultAuth" => auth(&spec, spec.at("vaultAuthGlobalRef").is_set(), check),
        "VaultAuthGlobal" => auth(&spec, true, check),
        "VaultStaticSecret" | "VaultDynamicSecret" | "VaultPKISecret" => synced(kind, &spec, check),
        "SecretTransformation" => {
            templates(&spec.at("templates"), check);
            spec.at("sourceTemplates").items(&mut |template| text("text", &template, check));
        }
        _ => {}
    }
}

fn connection(spec: &Node<'_, '_>, check: &mut Check<'_>) {
    check.provider(&["vault"], &spec.path);
    let (node, skip) = (spec.at("address"), spec.at("skipTLSVerify"));
    let address = node.text();
    check.address(&address, &node.path);
    let skipped = skip.is_on();
    if skipped {
        check.unverified(&skip.path);
    }
    let has_ca = !spec.at("caCertSecretRef").text().is_empty() || !spec.at("caCertPath").text().is_empty();
    check.vault_ca(&address, has_ca || skipped, &node.path);
    check.literals(spec, &["headers"]);
}

/// A VaultAuth or VaultAuthGlobal; `is_part` when it and another complete each other, so that nothing is missing by itself.
fn auth(spec: &Node<'_, '_>, is_part: bool, check: &mut Check<'_>) {
    spec.at("allowedNamespaces").items(&mut |namespace| {
        if namespace.text() == "*" {
            check.open(&namespace.path, "every namespace may log in by this");
        }
    });
    check.literals(spec, &["headers", "params"]);
    let chosen = spec.at("method").text();
    for name in METHODS {
        let method = spec.at(name);
        let secret = method.at("secretRef");
        let by_secret = !secret.text().is_empty();
        if by_secret {
            check.static_credentials(&secret.path);
        }
        check.literals(&method, &["headers", "params"]);
        let is_used = method.is_set() || chosen == name;
        if is_part || !is_used || name == "appRole" {
            continue;
        }
        let (role, audiences) = (method.at("role"), method.at("audiences"));
        check.vault_role(&role.text(), &role.path);
        if matches!(name, "kubernetes" | "jwt") && !by_secret && audiences.count() == 0 {
            let message = "the token is also good for the API server, since no audience is set";
            check.add(&VAULT_AUDIENCE, &audiences.path, &[message]);
        }
    }
}

fn synced(kind: &str, spec: &Node<'_, '_>, check: &mut Check<'_>) {
    let refresh = spec.at("refreshAfter");
    let interval = refresh.text();
    if !interval.is_empty() {
        check.refresh(&interval, &refresh.path);
    } else if kind == "VaultStaticSecret" && !spec.at("syncConfig.instantUpdates").is_on() {
        let message = "the secret is fetched once, since neither refreshAfter nor instantUpdates is set";
        check.add(&REFRESH_INTERVAL, &refresh.path, &[message]);
    }
    let destination = spec.at("destination");
    check.written_type(&destination.at("type"));
    check.literals(spec, &["params"]);
    check.literals(&destination, &["labels", "annotations"]);
    templates(&destination.at("transformation.templates"), check);
}

fn templates(templates: &Node<'_, '_>, check: &mut Check<'_>) {
    templates.fields(&mut |name, template| text(name, &template, check));
}

fn text(name: &str, template: &Node<'_, '_>, check: &mut Check<'_>) {
    let text = template.at("text");
    check.literal(name, &text.text(), &text.path);
}
