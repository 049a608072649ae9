//! What a policy is asked: an `AdmissionRequest`, as policy-server writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::kinds::{self, Kinds};

/// The kind of what the API server sends.
const REVIEW: &str = "AdmissionReview";

/// What is being done with the object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// It is new.
    #[default]
    Create,
    /// It changes.
    Update,
    /// It goes.
    Delete,
    /// One of its subresources is connected to.
    Connect,
}

impl Operation {
    /// As it is written in a request and in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserInfo {
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The unique id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// What the authenticator adds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Vec<String>>,
}

/// Group, version and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupVersionKind {
    /// The API group; the core group is the empty string.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
}

/// An object that no request can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is not a map.
    #[error("a Kubernetes object is a map, and this is {0}")]
    NotAnObject(&'static str),
    /// A field that every object has is not there, or is not a string.
    #[error("{0} is missing, or is not a string")]
    Missing(&'static str),
    /// It is not a request that policy-server reads.
    #[error("this is no AdmissionReview (admission.k8s.io/v1) with a request: {0}")]
    NotAReview(String),
}

/// A request to judge. Its JSON is made once, however many policies see it.
#[derive(Clone, Debug)]
pub struct AdmissionRequest {
    /// The kind of the object.
    pub kind: GroupVersionKind,
    /// The resource: the kind in the plural.
    pub resource: String,
    /// The subresource; empty for the object itself.
    pub sub_resource: String,
    /// The object's name; empty where the API server is to make one.
    pub name: String,
    /// The namespace; empty for kinds without.
    pub namespace: String,
    /// What is being done.
    pub operation: Operation,
    json: String,
}

/// What a request is made of.
#[derive(Clone, Debug, Default)]
pub struct RequestParts {
    /// The object; `None` for a DELETE.
    pub object: Option<Value>,
    /// The object before an UPDATE or DELETE.
    pub old_object: Option<Value>,
    /// What is being done.
    pub operation: Operation,
    /// The subresource; empty for the object itself.
    pub sub_resource: String,
    /// The namespace, where it is not the object's own.
    pub namespace: Option<String>,
    /// The namespace of objects that do not say theirs.
    pub default_namespace: String,
    /// The name, where it is not the object's own.
    pub name: Option<String>,
    /// Who asks.
    pub user_info: UserInfo,
}

impl AdmissionRequest {
    /// The request that makes this object; one without a namespace goes to `default_namespace` where its kind has namespaces.
    ///
    /// # Errors
    /// When it is no Kubernetes object.
    pub fn create(object: Value, default_namespace: &str) -> Result<Self, RequestError> {
        Self::new(RequestParts {
            object: Some(object),
            default_namespace: default_namespace.to_owned(),
            ..RequestParts::default()
        })
    }

    /// A request of any sort.
    ///
    /// # Errors
    /// When there is neither object nor old object, or it is no Kubernetes object.
    pub fn new(parts: RequestParts) -> Result<Self, RequestError> {
        Self::with_kinds(parts, &Kinds::default())
    }

    /// A request of any sort in a cluster that has custom kinds: [`World::kinds`](crate::World::kinds).
    ///
    /// # Errors
    /// When there is neither object nor old object, or it is no Kubernetes object.
    pub fn with_kinds(parts: RequestParts, kinds: &Kinds) -> Result<Self, RequestError> {
        let RequestParts { mut object, mut old_object, operation, sub_resource, namespace, default_namespace, name, user_info } =
            parts;
        // What goes is the old object, and there is no new one.
        if operation == Operation::Delete && old_object.is_none() {
            old_object = object.take();
        }
        let described = object.as_ref().or(old_object.as_ref()).ok_or(RequestError::NotAnObject("nothing"))?;
        let (api_version, kind) = type_of(described)?;
        let (group, version) = kinds::group_version(api_version);
        let kind = GroupVersionKind { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() };
        let metadata = &described["metadata"];
        let own = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
        let name = name.unwrap_or_else(|| own("name"));
        let namespace = namespace.unwrap_or_else(|| match (kinds.is_namespaced(&kind.group, &kind.kind), own("namespace")) {
            (true, own) if own.is_empty() => default_namespace,
            (true, own) => own,
            // The API server puts a Namespace in itself: `requestInfo` has its name in both places.
            (false, _) if kind.group.is_empty() && kind.kind == "Namespace" => name.clone(),
            (false, _) => String::new(),
        });
        let resource = GroupVersionResource {
            group: kind.group.clone(),
            version: kind.version.clone(),
            resource: kinds.resource(&kind.group, &kind.kind),
        };
        // As the API server does before it asks, since Kubernetes 1.24.
        if !namespace.is_empty() && kinds.is_namespaced(&kind.group, &kind.kind) && sub_resource.is_empty() {
            object.iter_mut().chain(&mut old_object).for_each(|object| put_in_namespace(object, &namespace));
        }
        let unless_empty = |text: String| Some(text).filter(|text| !text.is_empty());
        let sub_resource = unless_empty(sub_resource);
        Ok(Self::of_wire(&Wire {
            // Nothing here depends on time or chance: the same manifest gives the same request.
            uid: "00000000-0000-0000-0000-000000000000".to_owned(),
            request_kind: Some(kind.clone()),
            kind,
            request_resource: Some(resource.clone()),
            resource,
            sub_resource: sub_resource.clone(),
            request_sub_resource: sub_resource,
            name: unless_empty(name),
            namespace: unless_empty(namespace),
            operation,
            user_info,
            object,
            old_object,
            dry_run: Some(false),
            options: None,
        }))
    }

    /// The request of an `AdmissionReview` as an API server or the audit scanner sends it, or such a request alone, in JSON.
    ///
    /// It comes out as policy-server hands it to a policy: without what is `null`, and without fields that it does not know.
    ///
    /// # Errors
    /// When policy-server would not take it.
    pub fn from_review(json: &str) -> Result<Self, RequestError> {
        let not_a_review = |error: serde_json::Error| RequestError::NotAReview(error.to_string());
        let mut value: Value = serde_json::from_str(json).map_err(not_a_review)?;
        if value["kind"] == REVIEW {
            value = value["request"].take();
        }
        Ok(Self::of_wire(&serde_json::from_value(value).map_err(not_a_review)?))
    }

    /// What the audit scanner asks about an object that is in the cluster: as if nobody in particular made it now. It writes the kind where
    /// the resource belongs.
    ///
    /// # Errors
    /// When it is no Kubernetes object.
    pub fn audit(object: Value) -> Result<Self, RequestError> {
        let (api_version, kind) = type_of(&object)?;
        let (group, version) = kinds::group_version(api_version);
        let kind = GroupVersionKind { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() };
        let own = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        Ok(Self::of_wire(&Wire {
            uid: own("uid").unwrap_or_default(),
            resource: GroupVersionResource {
                group: kind.group.clone(),
                version: kind.version.clone(),
                resource: kind.kind.clone(),
            },
            sub_resource: None,
            request_kind: Some(kind.clone()),
            kind,
            request_resource: None,
            request_sub_resource: None,
            name: own("name"),
            namespace: own("namespace"),
            operation: Operation::Create,
            user_info: UserInfo::default(),
            object: Some(object),
            old_object: None,
            dry_run: None,
            options: None,
        }))
    }

    fn of_wire(wire: &Wire) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            kind: wire.kind.clone(),
            resource: wire.resource.resource.clone(),
            sub_resource: text(&wire.sub_resource),
            name: text(&wire.name),
            namespace: text(&wire.namespace),
            operation: wire.operation,
            // Values with string keys only: this cannot fail.
            json: serde_json::to_string(wire).unwrap_or_default(),
        }
    }

    /// The request in JSON: what `kwctl run --request-path` reads, and what policy-server hands to a policy.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The `AdmissionReview` that asks policy-server, in JSON.
    pub fn review(&self) -> String {
        format!(r#"{{"apiVersion":"admission.k8s.io/v1","kind":"{REVIEW}","request":{}}}"#, self.json)
    }

    /// The payload of `validate` with these settings, in JSON.
    pub(crate) fn payload(&self, settings: &Value) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.json.len() + 64);
        payload.extend_from_slice(b"{\"request\":");
        payload.extend_from_slice(self.json.as_bytes());
        payload.extend_from_slice(b",\"settings\":");
        // A map of JSON values: this cannot fail.
        let _ = serde_json::to_writer(&mut payload, settings);
        payload.push(b'}');
        payload
    }
}

/// Writes the namespace into an object that does not say its own.
fn put_in_namespace(object: &mut Value, namespace: &str) {
    let Some(fields) = object.as_object_mut() else { return };
    if let Value::Object(metadata) = fields.entry("metadata").or_insert_with(|| Value::Object(serde_json::Map::new()))
        && metadata.get("namespace").is_none_or(|own| own.is_null() || own == "")
    {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
}

/// `apiVersion` and `kind` of an object.
///
/// # Errors
/// When one of them is missing.
pub(crate) fn type_of(object: &Value) -> Result<(&str, &str), RequestError> {
    let Value::Object(fields) = object else {
        return Err(RequestError::NotAnObject(match object {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "a map",
        }));
    };
    let text = |field: &'static str| {
        fields.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or(RequestError::Missing(field))
    };
    Ok((text("apiVersion")?, text("kind")?))
}

#[derive(Clone, Serialize, Deserialize)]
struct GroupVersionResource {
    group: String,
    version: String,
    resource: String,
}

/// What policy-server reads and writes: its field names, their order, which must be there, and which are left out when they are `null`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    uid: String,
    kind: GroupVersionKind,
    resource: GroupVersionResource,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_kind: Option<GroupVersionKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_resource: Option<GroupVersionResource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_sub_resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    operation: Operation,
    #[serde(deserialize_with = "read_user")]
    user_info: UserInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_object: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Value>,
}

/// A user as the API server writes one: lists may be `null`, and there may be more fields than are known. Fixtures are read strictly.
fn read_user<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UserInfo, D::Error> {
    #[derive(Deserialize)]
    struct Sent {
        username: Option<String>,
        uid: Option<String>,
        groups: Option<Vec<String>>,
        extra: Option<BTreeMap<String, Vec<String>>>,
    }
    let Sent { username, uid, groups, extra } = Sent::deserialize(deserializer)?;
    Ok(UserInfo { username, uid, groups: groups.unwrap_or_default(), extra: extra.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn payload(request: &AdmissionRequest) -> Value {
        serde_json::from_slice(&request.payload(&json!({}))).unwrap()
    }

    #[test]
    fn namespaces_are_as_the_kind_has_them() {
        let object = |kind: &str, namespace: Option<&str>| {
            let metadata = namespace.map_or(json!({"name": "x"}), |namespace| json!({"name": "x", "namespace": namespace}));
            json!({"apiVersion": "v1", "kind": kind, "metadata": metadata})
        };
        let namespace = |object| AdmissionRequest::create(object, "shop").unwrap().namespace;
        assert_eq!(namespace(object("Pod", None)), "shop");
        assert_eq!(namespace(object("Pod", Some("other"))), "other");
        // As the API server asks about a Namespace.
        assert_eq!(namespace(object("Namespace", None)), "x");
        assert_eq!(namespace(object("Node", Some("senseless"))), "");

        let written =
            |object| payload(&AdmissionRequest::create(object, "shop").unwrap())["request"]["object"]["metadata"].clone();
        assert_eq!(written(object("Pod", None))["namespace"], "shop");
        assert_eq!(written(object("Pod", Some("other")))["namespace"], "other");
        assert_eq!(written(object("Namespace", None)).get("namespace"), None);
        assert_eq!(written(json!({"apiVersion": "v1", "kind": "Pod"}))["namespace"], "shop");
        assert_eq!(written(json!({"apiVersion": "v1", "kind": "Pod", "metadata": 3})), 3);
    }

    #[test]
    fn is_written_as_policy_server_writes_it() {
        let request = AdmissionRequest::new(RequestParts {
            object: None,
            old_object: Some(
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}),
            ),
            operation: Operation::Delete,
            user_info: UserInfo { username: Some("ann".to_owned()), ..UserInfo::default() },
            ..RequestParts::default()
        })
        .unwrap();
        let request = payload(&request)["request"].clone();
        assert_eq!(
            request,
            json!({
                "uid": "00000000-0000-0000-0000-000000000000",
                "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
                "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
                "requestKind": {"group": "apps", "version": "v1", "kind": "Deployment"},
                "requestResource": {"group": "apps", "version": "v1", "resource": "deployments"},
                "name": "web",
                "namespace": "shop",
                "operation": "DELETE",
                "userInfo": {"username": "ann"},
                "oldObject": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}},
                "dryRun": false,
            })
        );
    }

    #[test]
    fn what_is_deleted_is_the_old_object() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}});
        let parts =
            |object, old_object| RequestParts { object, old_object, operation: Operation::Delete, ..RequestParts::default() };
        let written = |parts| payload(&AdmissionRequest::new(parts).unwrap())["request"].clone();
        let request = written(parts(Some(pod.clone()), None));
        assert_eq!(request, written(parts(None, Some(pod))));
        assert_eq!((request.get("object"), &request["oldObject"]["metadata"]["name"]), (None, &json!("web")));
    }

    #[test]
    fn reviews_are_read_as_policy_server_reads_them() {
        let review = json!({
            "kind": "AdmissionReview",
            "apiVersion": "admission.k8s.io/v1",
            "request": {
                "uid": "7d4c5a9e-5f0c-4f3c-9d43-0a2f8d1f6f0b",
                "kind": {"group": "", "version": "v1", "kind": "Pod"},
                "resource": {"group": "", "version": "v1", "resource": "pods"},
                "subResource": "ephemeralcontainers",
                "namespace": "shop",
                "operation": "UPDATE",
                "userInfo": {"username": "ann", "groups": null, "extra": {"scopes": ["a"]}, "later": 1},
                "object": {"spec": {"nodeName": null}},
                "oldObject": null,
                "dryRun": null,
                "options": {"kind": "UpdateOptions", "apiVersion": "meta.k8s.io/v1"},
                "later": true,
            },
        });
        let expected = json!({
            "uid": "7d4c5a9e-5f0c-4f3c-9d43-0a2f8d1f6f0b",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "subResource": "ephemeralcontainers",
            "namespace": "shop",
            "operation": "UPDATE",
            "userInfo": {"username": "ann", "extra": {"scopes": ["a"]}},
            "object": {"spec": {"nodeName": null}},
            "options": {"kind": "UpdateOptions", "apiVersion": "meta.k8s.io/v1"},
        });
        for sent in [&review, &review["request"]] {
            let request = AdmissionRequest::from_review(&sent.to_string()).unwrap();
            assert_eq!(payload(&request)["request"], expected);
            assert_eq!(serde_json::from_str::<Value>(&request.review()).unwrap()["request"], expected);
            assert_eq!((request.resource.as_str(), request.sub_resource.as_str()), ("pods", "ephemeralcontainers"));
            assert_eq!((request.name.as_str(), request.namespace.as_str()), ("", "shop"));
        }
        for (field, problem) in [("uid", "missing field `uid`"), ("userInfo", "missing field `userInfo`")] {
            let mut review = review.clone();
            review["request"].as_object_mut().unwrap().remove(field);
            let error = AdmissionRequest::from_review(&review.to_string()).unwrap_err();
            assert!(error.to_string().ends_with(problem), "{error}");
        }
    }

    #[test]
    fn the_audit_knows_the_object_alone() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "uid": "1"}});
        let request = AdmissionRequest::audit(object.clone()).unwrap();
        assert_eq!(
            payload(&request)["request"],
            json!({
                "uid": "1",
                "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
                "resource": {"group": "apps", "version": "v1", "resource": "Deployment"},
                "requestKind": {"group": "apps", "version": "v1", "kind": "Deployment"},
                "name": "web",
                "namespace": "shop",
                "operation": "CREATE",
                "userInfo": {},
                "object": object,
            })
        );
    }

    #[test]
    fn refuses_what_is_no_object() {
        for (object, problem) in [
            (json!([]), "a Kubernetes object is a map, and this is a list"),
            (json!({"kind": "Pod"}), "apiVersion is missing, or is not a string"),
            (json!({"apiVersion": "v1", "kind": 3}), "kind is missing, or is not a string"),
        ] {
            assert_eq!(AdmissionRequest::create(object, "default").unwrap_err().to_string(), problem);
        }
    }
}
