//! SealedSecret of Sealed Secrets.

use crate::check::Check;
use crate::node::Node;
use crate::rules::{SEALED_SCOPE, UNSEALED_VALUE};
use crate::text::short;

/// The annotations that widen the scope, and what it is then.
const SCOPES: [(&str, &str); 2] = [
    ("sealedsecrets.bitnami.com/cluster-wide", "under any name in any namespace"),
    ("sealedsecrets.bitnami.com/namespace-wide", "under any name of its namespace"),
];

/// How a sealed value begins in base64: with the length of the wrapped key, that of an RSA modulus, in two bytes.
const SEALED: [&str; 4] = ["AQ", "AY", "Ag", "BA"];

/// Checks a SealedSecret.
pub fn check(object: &Node<'_, '_>, check: &mut Check<'_>) {
    object.at("metadata.annotations").fields(&mut |name, value| {
        for (annotation, scope) in SCOPES {
            if name == annotation && value.text() == "true" {
                check.add(&SEALED_SCOPE, &value.path, &["the Secret opens ", scope]);
            }
        }
    });
    object.at("spec.encryptedData").fields(&mut |key, value| {
        let sealed = value.text();
        if !sealed.is_empty() && !SEALED.iter().any(|beginning| sealed.starts_with(beginning)) {
            check.add(&UNSEALED_VALUE, &value.path, &["the value of ", short(key), " is not sealed"]);
        }
    });
    let template = object.at("spec.template");
    check.written_type(&template.at("type"));
    // Older releases of the kind had stringData there too, and manifests still do.
    check.literals(&template, &["data", "stringData", "metadata.annotations", "metadata.labels"]);
}
