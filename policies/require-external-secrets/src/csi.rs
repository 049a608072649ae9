//! SecretProviderClass of the Secrets Store CSI driver, with the providers for Vault, AWS, Azure and Google Cloud.

use palisade_sdk::{Error, List, Map, Path, Request, Str};

use crate::check::Check;
use crate::rules::{NODE_IDENTITY, ONE_PROVIDER, VAULT_ROLE};
use crate::text;

palisade_sdk::view! {
    struct SecretProviderClass<'a> {
        spec: Spec<'a> as "spec",
    }

    /// `SecretProviderClassSpec`
    struct Spec<'a> {
        provider: Str<'a> as "provider",
        parameters: Map<'a> as "parameters",
        secret_objects: List<SecretObject<'a>> as "secretObjects",
    }

    /// `SecretObject`: a Secret that is made of what was fetched.
    struct SecretObject<'a> {
        secret_type: Str<'a> as "type",
        annotations: Map<'a> as "annotations",
        labels: Map<'a> as "labels",
    }
}

/// Parameters that list what is fetched, in YAML: names and paths, which look like secrets to a scanner.
const LISTS: [&str; 3] = ["objects", "secrets", "array"];

/// Checks a SecretProviderClass.
pub fn check(request: &Request<'_>, check: &mut Check<'_>) -> Result<(), Error> {
    let class: SecretProviderClass<'_> = request.object()?;
    let (spec, path) = (&class.spec, Path::new("spec"));
    let parameters = path.field("parameters");
    let provider = path.field("provider");
    match &*spec.provider {
        "" => check.add(&ONE_PROVIDER, &provider, &["the class has no provider"]),
        "azure" => check.provider(&["azure", "azurekv"], &provider),
        "gcp" => check.provider(&["gcp", "gcpsm"], &provider),
        other => check.provider(&[other], &provider),
    }
    for (name, value) in &spec.parameters {
        let path = parameters.key(name);
        check.address(value, &path);
        if !LISTS.contains(&&**name) {
            check.literal(name, value, &path);
        }
    }
    let get = |name: &str| spec.parameters.get(name).map_or("", |value| value.as_str());
    match &*spec.provider {
        "vault" => {
            let skipped = text::is_on(get("vaultSkipTLSVerify"));
            if skipped {
                check.unverified(&parameters.field("vaultSkipTLSVerify"));
            }
            let has_ca = skipped || !get("vaultCACertPath").is_empty() || !get("vaultCADirectory").is_empty();
            check.vault_ca(get("vaultAddress"), has_ca, &parameters.field("vaultAddress"));
            if get("roleName").is_empty() {
                check.add(&VAULT_ROLE, &parameters.field("roleName"), &["the login to Vault names no role"]);
            }
        }
        "azure" if text::is_on(get("useVMManagedIdentity")) => {
            let message = "secrets are fetched with the identity of the node, which all of its pods share";
            check.add(&NODE_IDENTITY, &parameters.field("useVMManagedIdentity"), &[message]);
        }
        "gcp" if get("auth") == "provider-adc" => {
            let message = "secrets are fetched with the identity of the driver, which all pods share";
            check.add(&NODE_IDENTITY, &parameters.field("auth"), &[message]);
        }
        _ => {}
    }
    for (index, object) in spec.secret_objects.iter().enumerate() {
        let path = path.item("secretObjects", index);
        check.written_type(&object.secret_type, &path.field("type"));
        check.literals(&object.annotations, &path.field("annotations"));
        check.literals(&object.labels, &path.field("labels"));
    }
    Ok(())
}
