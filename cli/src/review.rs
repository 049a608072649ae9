//! An `AdmissionReview` that was recorded, to be judged as the very request that it holds.

use palisade_harness::{AdmissionRequest, Operation, RequestParts};
use serde::Deserialize;
use serde_json::{Value, json};

/// A recorded request.
#[derive(Clone, Debug)]
pub struct Review(Value);

/// What of it decides which policies look.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parts {
    #[serde(default)]
    object: Option<Value>,
    #[serde(default)]
    old_object: Option<Value>,
    operation: Operation,
    #[serde(default)]
    sub_resource: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    name: Option<String>,
    kind: Kind,
    resource: Resource,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    group: String,
    version: String,
    kind: String,
}

#[derive(Deserialize)]
struct Resource {
    resource: String,
}

impl Review {
    /// The request of a review.
    pub fn new(review: &Value) -> Self {
        Self(review.get("request").cloned().unwrap_or_default())
    }

    /// The request, as far as it decides which policies look.
    ///
    /// # Errors
    /// With what is missing.
    pub fn request(&self, namespace: &str) -> Result<AdmissionRequest, String> {
        // An error of serde may repeat a value.
        let parts: Parts = serde_json::from_value(self.0.clone()).map_err(|_| {
            "this AdmissionReview holds no complete request: kind, resource and operation are needed".to_owned()
        })?;
        let mut request = AdmissionRequest::new(RequestParts {
            object: parts.object,
            old_object: parts.old_object,
            operation: parts.operation,
            sub_resource: parts.sub_resource.unwrap_or_default(),
            namespace: parts.namespace.or(Some(String::new())),
            default_namespace: namespace.to_owned(),
            name: parts.name,
            ..RequestParts::default()
        })
        .map_err(|error| error.to_string())?;
        request.kind.group = parts.kind.group;
        request.kind.version = parts.kind.version;
        request.kind.kind = parts.kind.kind;
        request.resource = parts.resource.resource;
        Ok(request)
    }

    /// What a policy gets.
    pub fn payload(&self, settings: &Value) -> Vec<u8> {
        json!({"request": self.0, "settings": settings}).to_string().into_bytes()
    }

    /// Where in the document the object stands whose fields findings name.
    pub fn object_path(&self) -> &'static str {
        if self.0.get("object").is_some_and(|object| !object.is_null()) { "request.object." } else { "request.oldObject." }
    }
}
