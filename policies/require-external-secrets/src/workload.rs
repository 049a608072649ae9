//! Pods that fetch their secrets themselves: annotations of the Vault Agent injector, volumes of the Secrets Store CSI driver.

use palisade_sdk::{Error, Map, Path, Request};

use crate::check::Check;
use crate::node::Node;
use crate::rules::{INJECTED_TOKEN, MISPLACED_ANNOTATION, STATIC_TOKEN};
use crate::text::is_on;

const INJECT: &str = "vault.hashicorp.com/agent-inject";
const ROLE: &str = "vault.hashicorp.com/role";
const AUTH_TYPE: &str = "vault.hashicorp.com/auth-type";
const TEMPLATE: &str = "vault.hashicorp.com/agent-inject-template-";

/// Checks a pod, or the template of one.
pub fn check(request: &Request<'_>, object: &Node<'_, '_>, check: &mut Check<'_>) -> Result<(), Error> {
    // The spec is skipped: of it, only the volumes are asked for.
    let Some(template) = request.pod_template::<()>()? else { return Ok(()) };
    let annotations = &template.metadata.annotations;
    if is_on(get(annotations, INJECT)) {
        injector(annotations, &template.metadata_path().field("annotations"), check);
    } else if request.kind.kind != "Pod" && !annotations.contains_key(INJECT) {
        misplaced(object, check);
    }
    object.at(&template.spec_path().to_string()).at("volumes").items(&mut |volume| {
        let credentials = volume.at("csi.nodePublishSecretRef");
        if credentials.is_set() && volume.at("csi.driver").text() == "secrets-store.csi.k8s.io" {
            check.static_credentials(&credentials.path);
        }
    });
    Ok(())
}

/// Annotations beside the pod template, where nobody reads them.
fn misplaced(object: &Node<'_, '_>, check: &mut Check<'_>) {
    for place in ["metadata.annotations", "spec.jobTemplate.metadata.annotations"] {
        object.at(place).fields(&mut |name, value| {
            if name == INJECT && is_on(&value.text()) {
                let message = "nothing is injected: the pod template has no such annotation";
                check.add(&MISPLACED_ANNOTATION, &value.path, &[message]);
            }
        });
    }
}

fn get<'m>(annotations: &'m Map<'_>, name: &str) -> &'m str {
    annotations.get(name).map_or("", |value| value.as_str())
}

/// The annotations of a pod that asks for the injector.
fn injector(annotations: &Map<'_>, path: &Path<'_>, check: &mut Check<'_>) {
    // With a ConfigMap of its own the agent reads how to log in from there.
    if get(annotations, "vault.hashicorp.com/agent-configmap").is_empty() {
        let at = path.key(AUTH_TYPE);
        match get(annotations, AUTH_TYPE) {
            "" | "kubernetes" if get(annotations, "vault.hashicorp.com/auth-config-role").is_empty() => {
                check.vault_role(get(annotations, ROLE), &path.key(ROLE));
            }
            "approle" => check.static_credentials(&at),
            "token_file" => check.add(&STATIC_TOKEN, &at, &["the login is a token that is kept in a file"]),
            _ => {}
        }
    }
    for (name, value) in annotations {
        let path = path.key(name);
        match name.as_str() {
            "vault.hashicorp.com/service" => check.address(value, &path),
            "vault.hashicorp.com/tls-skip-verify" if is_on(value) => check.unverified(&path),
            "vault.hashicorp.com/agent-inject-token" if is_on(value) => {
                check.add(&INJECTED_TOKEN, &path, &["the agent's own Vault token is given to the application"]);
            }
            name => {
                if let Some(file) = name.strip_prefix(TEMPLATE) {
                    check.literal(file, value, &path);
                }
            }
        }
    }
}
