//! Every host call on the wire: that the request is the one which Kubewarden's own SDK would send, and that the answer is read.
//!
//! Where the SDK shows its types without its feature `cluster-context` (registries and signatures), the request is read into them
//! and written again. The feature would bring a second version of `k8s-openapi`; so the four requests of the group `kubernetes` are
//! spelt out here, field by field as in the SDK's `host_capabilities::kubernetes`, whose optional fields are written as null.

use std::cell::RefCell;

use k8s_openapi::api::authorization::v1::SubjectAccessReviewStatus;
use kubewarden_policy_sdk::host_capabilities::SigstoreVerificationInputV2;
use kubewarden_policy_sdk::host_capabilities::net::LookupResponse;
use kubewarden_policy_sdk::host_capabilities::oci::ManifestDigestResponse;
use kubewarden_policy_sdk::host_capabilities::verification::VerificationResponse;
use palisade_sdk::host::{AccessReview, Action, Identity, IdentityPrefix, Signature};
use palisade_sdk::{Error, GetQuery, Host, HostError, ListQuery, Str};
use serde::Serialize;
use serde_json::{Value, json};

/// Answers every call the same, and remembers the last one.
struct Recorder {
    answer: Result<Vec<u8>, String>,
    asked: RefCell<Option<(String, Value)>>,
}

impl Recorder {
    fn new(answer: &impl Serialize) -> Self {
        Self { answer: Ok(serde_json::to_vec(answer).unwrap()), asked: RefCell::default() }
    }

    /// The calls are methods of `dyn Host`.
    fn host(&self) -> &dyn Host {
        self
    }

    fn failing(problem: &str) -> Self {
        Self { answer: Err(problem.to_owned()), asked: RefCell::default() }
    }

    #[track_caller]
    fn asked(&self, call: &str, payload: &Value) {
        let asked = self.asked.borrow();
        let (asked_call, asked_payload) = asked.as_ref().expect("a call");
        assert_eq!((asked_call.as_str(), asked_payload), (call, payload));
    }
}

impl Host for Recorder {
    fn call(&self, namespace: &str, operation: &str, payload: &[u8]) -> Result<Vec<u8>, HostError> {
        *self.asked.borrow_mut() = Some((format!("{namespace}/{operation}"), serde_json::from_slice(payload).unwrap()));
        self.answer.clone().map_err(|problem| HostError::new(namespace, operation, problem))
    }
}

fn policies() -> ListQuery<'static> {
    ListQuery::new("networking.k8s.io/v1", "NetworkPolicy")
}

#[test]
fn lists_by_namespace() {
    let host = Recorder::new(&json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": ["a", null, "b"]}));
    let answer = host.host().list(&policies().namespace("shop")).unwrap();
    assert_eq!(answer.items::<Str<'_>>().unwrap().iter().map(Str::as_str).collect::<Vec<_>>(), ["a", "", "b"]);
    host.asked(
        "kubernetes/list_resources_by_namespace",
        &json!({
            "api_version": "networking.k8s.io/v1", "kind": "NetworkPolicy", "namespace": "shop",
            "label_selector": null, "field_selector": null, "field_masks": null,
        }),
    );
}

#[test]
fn lists_the_whole_cluster() {
    let host = Recorder::new(&json!({"items": []}));
    let query = policies().label_selector("app=web").field_selector("metadata.name=x").fields(&["metadata.name", "spec"]);
    assert!(host.host().list(&query).unwrap().items::<Str<'_>>().unwrap().is_empty());
    host.asked(
        "kubernetes/list_resources_all",
        &json!({
            "api_version": "networking.k8s.io/v1", "kind": "NetworkPolicy", "label_selector": "app=web",
            "field_selector": "metadata.name=x", "field_masks": ["metadata.name", "spec"],
        }),
    );
}

#[test]
fn gets_one() {
    let host = Recorder::new(&json!("found"));
    let answer =
        host.host().get(&GetQuery::new("v1", "Pod", "web").namespace("shop").fields(&["spec"]).uncached()).unwrap().unwrap();
    assert_eq!(answer.read::<Str<'_>>().unwrap(), "found");
    host.asked(
        "kubernetes/get_resource",
        &json!({
            "api_version": "v1", "kind": "Pod", "name": "web", "namespace": "shop", "disable_cache": true, "field_masks": ["spec"],
        }),
    );
    host.host().get(&GetQuery::new("v1", "Namespace", "shop")).unwrap();
    host.asked(
        "kubernetes/get_resource",
        &json!({
            "api_version": "v1", "kind": "Namespace", "name": "shop", "namespace": null, "disable_cache": false, "field_masks": null,
        }),
    );
}

/// The texts are those of policy-server (`callback_handler/kubernetes/client.rs`), as a guest sees them.
#[test]
fn not_found_is_told_from_other_failures() {
    let query = GetQuery::new("v1", "Namespace", "shop");
    for problem in [
        "Cannot find v1/Namespace named 'shop' inside of namespace 'None'",
        "Callback evaluation failure: Cannot find v1/Namespace named 'shop' inside of namespace 'Some(\"x\")'\n\nStack backtrace:",
    ] {
        assert!(Recorder::failing(problem).host().get(&query).unwrap().is_none(), "{problem}");
    }
    for problem in [
        "Callback evaluation failure: Cannot find resource v1/Namespace",
        "Callback evaluation failure: error finding resource cilium.io/v2 / CiliumNetworkPolicy: 404 page not found",
        "Policy has not been granted access to Kubernetes v1/Namespace resources. The violation has been reported.",
        "kube::Client was not initialized properly",
    ] {
        let error = Recorder::failing(problem).host().get(&query).unwrap_err();
        let Error::Host(error) = error else { panic!("{error:?}") };
        assert_eq!(error.to_string(), format!("host call kubernetes/get_resource failed: v1/Namespace: {problem}"));
    }
    // A list has no "not found": an empty one is a success.
    let error = Recorder::failing("Cannot find v1/Namespace named 'shop'").host().list(&policies()).unwrap_err();
    let Error::Host(error) = error else { panic!("{error:?}") };
    assert_eq!(error.call, "kubernetes/list_resources_all");
    assert_eq!(error.problem, "networking.k8s.io/v1/NetworkPolicy: Cannot find v1/Namespace named 'shop'");
}

#[test]
fn an_answer_that_cannot_be_read_names_the_call_and_no_value() {
    let host = Recorder::new(&json!({"items": ["a", {"hunter2": "hunter2"}]}));
    let error = host.host().list(&policies()).unwrap().items::<Str<'_>>().unwrap_err();
    let Error::Host(error) = error else { panic!("{error:?}") };
    assert_eq!(error.call, "kubernetes/list_resources_all");
    assert_eq!(error.problem, "the answer: items[1]: expected a string, found a map");
    let host = Recorder { answer: Ok(vec![b'"', 0xff, b'"']), asked: RefCell::default() };
    assert!(matches!(host.host().lookup_host("x"), Err(Error::Host(error)) if error.problem == "the answer is not UTF-8"));
}

#[test]
fn asks_what_a_user_may_do() {
    let status = SubjectAccessReviewStatus {
        allowed: true,
        denied: Some(false),
        evaluation_error: Some("none".to_owned()),
        reason: Some("RBAC".to_owned()),
    };
    let host = Recorder::new(&status);
    let action = Action {
        namespace: Some("shop"),
        verb: "get",
        group: Some("apps"),
        resource: "deployments",
        subresource: Some("scale"),
        name: Some("web"),
        version: Some("v1"),
    };
    let decision = host.host().can_i(&AccessReview { user: "ada", groups: &["dev", "ops"], action }).unwrap();
    assert!(decision.allowed && decision.denied == Some(false) && decision.reason.as_deref() == Some("RBAC"));
    host.asked(
        "kubernetes/can_i",
        &json!({
            "subject_access_review": {
                "user": "ada",
                "groups": ["dev", "ops"],
                "resource_attributes": {
                    "namespace": "shop", "verb": "get", "group": "apps", "resource": "deployments", "subresource": "scale",
                    "name": "web", "version": "v1",
                },
            },
            "disable_cache": false,
        }),
    );
    let host = Recorder::new(&SubjectAccessReviewStatus::default());
    let decision = host.host().can_i(&AccessReview::default()).unwrap();
    assert!(!decision.allowed && decision.denied.is_none() && decision.reason.is_none());
}

#[test]
fn asks_registries() {
    let host = Recorder::new(&ManifestDigestResponse { digest: "sha256:00".to_owned() });
    assert_eq!(host.host().manifest_digest("registry.example/app:1").unwrap(), "sha256:00");
    host.asked("oci/v1/manifest_digest", &json!("registry.example/app:1"));

    let host = Recorder::new(&json!("a manifest"));
    assert_eq!(host.host().oci_manifest("registry.example/app:1").unwrap().read::<Str<'_>>().unwrap(), "a manifest");
    host.asked("oci/v1/oci_manifest", &json!("registry.example/app:1"));
    host.host().oci_config("registry.example/app:1").unwrap();
    host.asked("oci/v1/oci_manifest_config", &json!("registry.example/app:1"));
}

#[test]
fn asks_for_addresses() {
    let host = Recorder::new(&LookupResponse { ips: vec!["127.0.0.1".to_owned(), "::1".to_owned()] });
    assert_eq!(host.host().lookup_host("localhost").unwrap(), ["127.0.0.1", "::1"]);
    host.asked("net/v1/dns_lookup_host", &json!("localhost"));
}

#[test]
fn asks_for_signatures() {
    let identity = Identity { issuer: "https://issuer.example", subject: "ada@dev.example" };
    let prefix = IdentityPrefix { issuer: "https://issuer.example", url_prefix: "https://git.example/shop" };
    let signatures = [
        Signature::PublicKeys { pub_keys: &["key 1", "key 2"] },
        Signature::Keyless { keyless: &[identity] },
        Signature::KeylessPrefix { keyless_prefix: &[prefix] },
        Signature::GithubActions { owner: "octo", repo: None },
        Signature::GithubActions { owner: "octo", repo: Some("shop") },
        Signature::Certificate { certificate: b"pem", certificate_chain: None, require_rekor_bundle: true },
        Signature::Certificate { certificate: b"pem", certificate_chain: Some(&[b"one", b"two"]), require_rekor_bundle: false },
    ];
    let annotations: [&[(&str, &str)]; 2] = [&[], &[("env", "prod"), ("team", "shop")]];
    let mut types = Vec::new();
    for signature in &signatures {
        for annotations in annotations {
            let host = Recorder::new(&VerificationResponse { is_trusted: true, digest: "sha256:00".to_owned() });
            let verification = host.host().verify_signature("registry.example/app:1", signature, annotations).unwrap();
            assert!(verification.is_trusted && verification.digest == "sha256:00");
            let payload = host.asked.borrow().as_ref().unwrap().1.clone();
            let understood: SigstoreVerificationInputV2 = serde_json::from_value(payload.clone()).unwrap();
            host.asked("oci/v2/verify", &serde_json::to_value(understood).unwrap());
            assert_eq!(payload["annotations"].is_null(), annotations.is_empty());
            types.push(payload["type"].as_str().unwrap().to_owned());
        }
    }
    types.dedup();
    assert_eq!(
        types,
        [
            "SigstorePubKeyVerify",
            "SigstoreKeylessVerify",
            "SigstoreKeylessPrefixVerify",
            "SigstoreGithubActionsVerify",
            "SigstoreCertificateVerify"
        ]
    );
    // A certificate travels as a list of bytes, as the SDK writes a `Vec<u8>`.
    let host = Recorder::new(&VerificationResponse { is_trusted: true, digest: String::new() });
    host.host().verify_signature("app", &signatures[6], &[]).unwrap();
    assert_eq!(host.asked.borrow().as_ref().unwrap().1["certificate_chain"], json!([[111, 110, 101], [116, 119, 111]]));
}
