//! The sessions that `kwctl run --record-host-capabilities-interactions` writes and `--replay-host-capabilities-interactions` reads: what a
//! policy asked, and what it was told.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use serde_norway::value::{Tag, TaggedValue};

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

impl Session {
    /// The session as `kwctl run --replay-host-capabilities-interactions` reads it.
    pub fn to_yaml(&self) -> String {
        // Strings in structs: this cannot fail.
        serde_norway::to_string(&self.exchanges).unwrap_or_default()
    }
}

impl Exchange {
    /// A call and its answer, as kwctl records them. `None` for what kwctl does not record, since it never gets so far: calls that no host
    /// has, and arguments that are none; and logs.
    pub(crate) fn of_call(namespace: &str, operation: &str, payload: &[u8], answer: Result<&[u8], &str>) -> Option<Self> {
        let Question { tag, arguments } = Question::read(namespace, operation, payload).ok()??;
        let arguments = serde_norway::to_value(arguments).ok()?;
        let tagged = TaggedValue { tag: Tag::new(tag), value: arguments };
        let request = serde_norway::to_string(&serde_norway::Value::Tagged(Box::new(tagged))).ok()?;
        let response = match answer {
            Ok(payload) => Outcome::Success { payload: String::from_utf8_lossy(payload).into_owned() },
            Err(message) => Outcome::Error { message: message.to_owned() },
        };
        Some(Self { request, response })
    }

    /// Whether this is the answer to a call.
    ///
    /// # Errors
    /// With what was recorded instead.
    pub(crate) fn answers(&self, namespace: &str, operation: &str, payload: &[u8]) -> Result<(), String> {
        let (tag, arguments) = self.request.trim_start().split_once('\n').unwrap_or((self.request.trim(), ""));
        let tag = tag.trim().trim_start_matches('!');
        let other = || format!("the session has {tag} next, and the policy calls {namespace}/{operation}");
        let asked = Question::read(namespace, operation, payload)?.ok_or_else(other)?;
        let verification = asked.tag.starts_with(SIGSTORE) && tag.starts_with(SIGSTORE);
        if tag != asked.tag && !verification {
            return Err(other());
        }
        let recorded: Value =
            yaml::from_str(arguments).map_err(|error| format!("the session's request cannot be read: {error}"))?;
        let differs = |(key, value): (&String, &Value)| {
            // Older recordings lack newer arguments, and of a signature's verification the image is enough to tell.
            !same(key, value, &asked.arguments[key]) && (!verification || key == "image")
        };
        match recorded.as_object().into_iter().flatten().find(|entry| differs(*entry)) {
            Some((key, value)) => {
                Err(format!("the session has {tag} with {key} {value}, and the policy asks for {}", asked.arguments[key]))
            }
            None => Ok(()),
        }
    }
}

/// Whether an argument is the same. Field masks are a set, which kwctl writes in order.
fn same(key: &str, recorded: &Value, asked: &Value) -> bool {
    match (recorded, asked) {
        (Value::Array(recorded), Value::Array(asked)) if key == "field_masks" => {
            let set = |masks: &[Value]| masks.iter().map(Value::to_string).collect::<BTreeSet<_>>();
            set(recorded) == set(asked)
        }
        _ => recorded == asked,
    }
}

/// What the names of verifications begin with.
const SIGSTORE: &str = "Sigstore";

/// A call, under the name and with the arguments that kwctl records.
struct Question {
    tag: String,
    arguments: Value,
}

impl Question {
    /// `None` for a call that kwctl does not record.
    ///
    /// # Errors
    /// When the payload cannot be read.
    fn read(namespace: &str, operation: &str, payload: &[u8]) -> Result<Option<Self>, String> {
        let read = || -> Result<Value, String> {
            serde_json::from_slice(payload).map_err(|error| format!("the request cannot be read: {error}"))
        };
        let (tag, arguments) = match (namespace, operation) {
            ("kubernetes", "list_resources_by_namespace") => ("KubernetesListResourceNamespace", read()?),
            ("kubernetes", "list_resources_all") => ("KubernetesListResourceAll", read()?),
            ("kubernetes", "get_resource") => ("KubernetesGetResource", read()?),
            ("kubernetes", "can_i") => {
                let mut asked = read()?;
                let (review, uncached) = (asked["subject_access_review"].take(), asked["disable_cache"].take());
                ("KubernetesCanI", json!({"request": review, "disable_cache": uncached}))
            }
            ("oci", "v1/manifest_digest") => ("OciManifestDigest", json!({"image": read()?})),
            ("oci", "v1/oci_manifest") => ("OciManifest", json!({"image": read()?})),
            ("oci", "v1/oci_manifest_config") => ("OciManifestAndConfig", json!({"image": read()?})),
            ("net", "v1/dns_lookup_host") => ("DNSLookupHost", json!({"host": read()?})),
            ("crypto", "v1/is_certificate_trusted") => ("CryptoIsCertificateTrusted", json!({"request": read()?})),
            ("oci", "v1/verify" | "v2/verify") => return verification(read()?).map(Some),
            _ => return Ok(None),
        };
        Ok(Some(Self { tag: tag.to_owned(), arguments }))
    }
}

/// `v1/verify` has the kind of verification as its only key, `v2/verify` has it beside the others.
fn verification(mut payload: Value) -> Result<Question, String> {
    let unknown = || "the request names no kind of verification".to_owned();
    let fields = payload.as_object_mut().ok_or_else(unknown)?;
    let (tag, arguments) = match fields.remove("type") {
        Some(tag) => (tag.as_str().ok_or_else(unknown)?.to_owned(), payload),
        None => std::mem::take(fields).into_iter().next().ok_or_else(unknown)?,
    };
    if tag.starts_with(SIGSTORE) { Ok(Question { tag, arguments }) } else { Err(unknown()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_written_as_kwctl_writes_them() {
        let payload =
            br#"{"api_version": "v1", "kind": "Namespace", "name": "shop", "disable_cache": false, "field_masks": null}"#;
        let exchange = Exchange::of_call("kubernetes", "get_resource", payload, Ok(b"{\"kind\": \"Namespace\"}")).unwrap();
        let session = Session { exchanges: vec![exchange] };
        assert_eq!(
            session.to_yaml(),
            "\
- type: Exchange
  request: |
    !KubernetesGetResource
    api_version: v1
    disable_cache: false
    field_masks: null
    kind: Namespace
    name: shop
  response:
    type: Success
    payload: '{\"kind\": \"Namespace\"}'
"
        );
        assert_eq!(yaml::from_str::<Session>(&session.to_yaml()).unwrap(), session);
        assert_eq!(session.exchanges[0].answers("kubernetes", "get_resource", payload), Ok(()));
    }

    #[test]
    fn what_is_written_answers_the_same_call_and_no_other() {
        let calls: [(&str, &str, &str); 9] = [
            (
                "kubernetes",
                "list_resources_all",
                r#"{"api_version": "v1", "kind": "Pod", "field_masks": ["spec", "metadata.name"]}"#,
            ),
            (
                "kubernetes",
                "list_resources_by_namespace",
                r#"{"api_version": "v1", "kind": "Pod", "namespace": "on: \"off\" # \u00e9"}"#,
            ),
            ("kubernetes", "can_i", r#"{"subject_access_review": {"user": "ann"}, "disable_cache": true}"#),
            ("oci", "v1/manifest_digest", r#""ghcr.io/example/web:1.4""#),
            ("oci", "v1/oci_manifest", r#""123""#),
            ("oci", "v1/oci_manifest_config", r#""null""#),
            ("oci", "v1/verify", r#"{"SigstorePubKeyVerify": {"image": "web", "pub_keys": ["a\nb"], "annotations": null}}"#),
            ("oci", "v2/verify", r#"{"type": "SigstoreGithubActionsVerify", "image": "web", "owner": "example"}"#),
            ("net", "v1/dns_lookup_host", r#""db.example.com""#),
        ];
        for (index, (namespace, operation, payload)) in calls.into_iter().enumerate() {
            let exchange = Exchange::of_call(namespace, operation, payload.as_bytes(), Err("no: \"route\"\nto host")).unwrap();
            let text = Session { exchanges: vec![exchange.clone()] }.to_yaml();
            assert_eq!(yaml::from_str::<Session>(&text).unwrap().exchanges, std::slice::from_ref(&exchange), "{text}");
            for (other, (namespace, operation, payload)) in calls.into_iter().enumerate() {
                let answers = exchange.answers(namespace, operation, payload.as_bytes()).is_ok();
                // Of verifications the image is enough to tell.
                assert_eq!(answers, other == index || operation.ends_with("verify") && calls[index].1.ends_with("verify"));
            }
        }
    }

    #[test]
    fn kwctl_never_hears_of_some_calls() {
        for (namespace, operation, payload) in [
            ("tracing", "log", "{}"),
            ("kubernetes", "delete", "{}"),
            ("net", "v1/dns_lookup_host", "db"),
            ("oci", "v2/verify", "{}"),
        ] {
            assert_eq!(Exchange::of_call(namespace, operation, payload.as_bytes(), Ok(b"")), None, "{namespace}/{operation}");
        }
    }
}
