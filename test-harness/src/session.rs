//! The sessions that `kwctl run --record-host-capabilities-interactions` writes: what a policy asked, and what it was told.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::yaml;

/// One question and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub struct Exchange {
    /// The question, in kwctl's own form: a YAML text with the call's name as tag, then its arguments.
    pub request: String,
    /// The answer.
    pub response: Outcome,
}

/// What a host call came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Outcome {
    /// It succeeded.
    Success {
        /// The answer, in JSON.
        payload: String,
    },
    /// It failed.
    Error {
        /// Why.
        message: String,
    },
}

/// A recorded session. Answers are given in the order in which they were recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Session {
    /// The exchanges, in order.
    pub exchanges: Vec<Exchange>,
}

impl Exchange {
    /// Whether this is the answer to a call.
    ///
    /// # Errors
    /// With what was recorded instead.
    pub(crate) fn answers(&self, namespace: &str, operation: &str, payload: &[u8]) -> Result<(), String> {
        let (tag, arguments) = self.request.trim_start().split_once('\n').unwrap_or((self.request.trim(), ""));
        let tag = tag.trim().trim_start_matches('!');
        let asked = name(namespace, operation).unwrap_or("");
        let verification = asked == "Sigstore" && tag.starts_with(asked);
        if tag != asked && !verification {
            return Err(format!("the session has {tag} next, and the policy calls {namespace}/{operation}"));
        }
        let recorded: Value =
            yaml::from_str(arguments).map_err(|error| format!("the session's request cannot be read: {error}"))?;
        let asked = arguments_of(operation, payload)?;
        let differs = |(key, value): (&String, &Value)| {
            let other = &asked[key];
            // Older recordings lack newer arguments, and of a signature's verification the image is enough to tell.
            value != other && (!verification || key == "image")
        };
        match recorded.as_object().into_iter().flatten().find(|entry| differs(*entry)) {
            Some((key, value)) => {
                Err(format!("the session has {tag} with {key} {value}, and the policy asks for {}", asked[key]))
            }
            None => Ok(()),
        }
    }
}

/// The arguments of a call, under the names that kwctl records.
fn arguments_of(operation: &str, payload: &[u8]) -> Result<Value, String> {
    let mut payload: Value = serde_json::from_slice(payload).map_err(|error| format!("the request cannot be read: {error}"))?;
    Ok(match operation {
        "v1/dns_lookup_host" => json!({"host": payload}),
        "v1/manifest_digest" | "v1/oci_manifest" | "v1/oci_manifest_config" => json!({"image": payload}),
        "can_i" => {
            json!({"request": payload["subject_access_review"].take(), "disable_cache": payload["disable_cache"].take()})
        }
        _ => payload,
    })
}

/// The name that kwctl gives a call.
fn name(namespace: &str, operation: &str) -> Option<&'static str> {
    Some(match (namespace, operation) {
        ("kubernetes", "list_resources_by_namespace") => "KubernetesListResourceNamespace",
        ("kubernetes", "list_resources_all") => "KubernetesListResourceAll",
        ("kubernetes", "get_resource") => "KubernetesGetResource",
        ("kubernetes", "can_i") => "KubernetesCanI",
        ("oci", "v1/manifest_digest") => "OciManifestDigest",
        ("oci", "v1/oci_manifest") => "OciManifest",
        ("oci", "v1/oci_manifest_config") => "OciManifestAndConfig",
        ("oci", "v1/verify" | "v2/verify") => "Sigstore",
        ("net", "v1/dns_lookup_host") => "DNSLookupHost",
        _ => return None,
    })
}
