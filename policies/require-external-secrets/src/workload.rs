//! Pods that fetch their secrets themselves: annotations of the Vault Agent injector, volumes of the Secrets Store CSI driver.

use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Error, List, Map, Path, Request, Str};

use crate::check::Check;
use crate::rules::{INJECTED_TOKEN, MISPLACED_ANNOTATION, STATIC_TOKEN, VAULT_ROLE};
use crate::store::static_credentials;
use crate::text::is_on;

palisade_sdk::view! {
    struct PodSpec<'a> {
        volumes: List<Volume<'a>> as "volumes",
    }

    /// `Volume` (`v1`)
    struct Volume<'a> {
        csi: Option<Csi<'a>> as "csi",
    }

    /// `CSIVolumeSource` (`v1`)
    struct Csi<'a> {
        driver: Str<'a> as "driver",
        node_publish_secret_ref: Option<()> as "nodePublishSecretRef",
    }

    /// What an object has besides its pod template.
    struct Object<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        spec: ObjectSpec<'a> as "spec",
    }

    struct ObjectSpec<'a> {
        job_template: JobTemplate<'a> as "jobTemplate",
    }

    /// `JobTemplateSpec` (`batch/v1`)
    struct JobTemplate<'a> {
        metadata: ObjectMeta<'a> as "metadata",
    }
}

const INJECT: &str = "vault.hashicorp.com/agent-inject";
const ROLE: &str = "vault.hashicorp.com/role";
const TEMPLATE: &str = "vault.hashicorp.com/agent-inject-template-";

/// Checks a pod, or the template of one.
pub fn check(request: &Request<'_>, check: &mut Check<'_>) -> Result<(), Error> {
    let Some(template) = request.pod_template::<PodSpec<'_>>()? else { return Ok(()) };
    let metadata = template.metadata_path();
    let annotations = &template.metadata.annotations;
    if is_set(annotations, INJECT) {
        injector(annotations, &metadata.field("annotations"), check);
    } else if request.kind.kind != "Pod" && !annotations.contains_key(INJECT) {
        let object: Object<'_> = request.object()?;
        for (annotations, path) in [
            (&object.metadata.annotations, Path::new("metadata.annotations")),
            (&object.spec.job_template.metadata.annotations, Path::new("spec.jobTemplate.metadata.annotations")),
        ] {
            if is_set(annotations, INJECT) {
                let message = "nothing is injected: the pod template has no such annotation";
                check.add(&MISPLACED_ANNOTATION, &path.key(INJECT), &[message]);
            }
        }
    }
    for (index, volume) in template.spec.volumes.iter().enumerate() {
        if let Some(csi) = &volume.csi
            && csi.driver == "secrets-store.csi.k8s.io"
            && csi.node_publish_secret_ref.is_some()
        {
            static_credentials(&template.spec_path().item("volumes", index).field("csi.nodePublishSecretRef"), check);
        }
    }
    Ok(())
}

fn get<'m>(annotations: &'m Map<'_>, name: &str) -> &'m str {
    annotations.get(name).map_or("", |value| value.as_str())
}

fn is_set(annotations: &Map<'_>, name: &str) -> bool {
    is_on(get(annotations, name))
}

/// The annotations of a pod that asks for the injector.
fn injector(annotations: &Map<'_>, path: &Path<'_>, check: &mut Check<'_>) {
    // With a ConfigMap of its own the agent reads how to log in from there.
    if get(annotations, "vault.hashicorp.com/agent-configmap").is_empty() {
        match get(annotations, "vault.hashicorp.com/auth-type") {
            "" | "kubernetes"
                if get(annotations, ROLE).is_empty()
                    && get(annotations, "vault.hashicorp.com/auth-config-role").is_empty() =>
            {
                check.add(&VAULT_ROLE, &path.key(ROLE), &["the agent's login to Vault names no role"]);
            }
            "approle" => static_credentials(&path.key("vault.hashicorp.com/auth-type"), check),
            "token_file" => {
                let message = "the login is a token that is kept in a file";
                check.add(&STATIC_TOKEN, &path.key("vault.hashicorp.com/auth-type"), &[message]);
            }
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
            name if name.starts_with(TEMPLATE) => {
                check.literal(name.strip_prefix(TEMPLATE).unwrap_or(name), value, &path);
            }
            _ => {}
        }
    }
}
