//! SealedSecret of Sealed Secrets.

use palisade_sdk::{Error, Map, Path, Request, Str};

use crate::check::Check;
use crate::rules::{SEALED_SCOPE, UNSEALED_VALUE};
use crate::text::short;

palisade_sdk::view! {
    struct SealedSecret<'a> {
        metadata: Metadata<'a> as "metadata",
        spec: Spec<'a> as "spec",
    }

    struct Metadata<'a> {
        annotations: Map<'a> as "annotations",
    }

    /// `SealedSecretSpec`
    struct Spec<'a> {
        encrypted_data: Map<'a> as "encryptedData",
        template: Template<'a> as "template",
    }

    /// `SecretTemplateSpec`. Older releases of the kind kept `stringData` there too, and manifests still do.
    struct Template<'a> {
        metadata: Metadata<'a> as "metadata",
        secret_type: Str<'a> as "type",
        data: Map<'a> as "data",
        string_data: Map<'a> as "stringData",
    }
}

/// The annotations that widen the scope, and what it is then.
const SCOPES: [(&str, &str); 2] = [
    ("sealedsecrets.bitnami.com/cluster-wide", "under any name in any namespace"),
    ("sealedsecrets.bitnami.com/namespace-wide", "under any name of its namespace"),
];

/// How a sealed value begins in base64: with the length of the wrapped key, that of an RSA modulus, in two bytes.
const SEALED: [&str; 4] = ["AQ", "AY", "Ag", "BA"];

/// Checks a SealedSecret.
pub fn check(request: &Request<'_>, check: &mut Check<'_>) -> Result<(), Error> {
    let sealed: SealedSecret<'_> = request.object()?;
    let annotations = Path::new("metadata.annotations");
    // The first that is set decides.
    for (annotation, scope) in SCOPES {
        if sealed.metadata.annotations.get(annotation).is_some_and(|value| value == &"true") {
            check.add(&SEALED_SCOPE, &annotations.key(annotation), &["the Secret opens ", scope]);
            break;
        }
    }
    let spec = Path::new("spec");
    let path = spec.field("encryptedData");
    for (key, value) in &sealed.spec.encrypted_data {
        if !value.is_empty() && !SEALED.iter().any(|beginning| value.starts_with(beginning)) {
            check.add(&UNSEALED_VALUE, &path.key(key), &["the value of ", short(key), " is not sealed"]);
        }
    }
    let template = &sealed.spec.template;
    let path = spec.field("template");
    check.written_type(&template.secret_type, &path.field("type"));
    check.literals(&template.data, &path.field("data"));
    check.literals(&template.string_data, &path.field("stringData"));
    check.literals(&template.metadata.annotations, &path.field("metadata.annotations"));
    Ok(())
}
