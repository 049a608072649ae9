//! What a policy may ask: a cluster, a registry, sigstore and DNS, described by data.
//!
//! In a fixture these are the keys `cluster`, `registry`, `signatures`, `dns`, `access` and `faults`:
//!
//! ```yaml
//! cluster:                          # objects, as in manifests; without a namespace they are in `default`
//!   - {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {environment: prod}}}
//! registry:                         # by the very reference that the policy asks for
//!   ghcr.io/example/web:1.4:
//!     digest: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
//!     manifest: {schemaVersion: 2, …}
//!     config: {architecture: amd64, os: linux, config: {User: "10001"}, rootfs: {…}}
//! signatures:                       # who has signed what
//!   - image: ghcr.io/example/web:1.4
//!     digest: sha256:2c26…
//!     publicKeys: ["-----BEGIN PUBLIC KEY-----…"]
//!     keyless: [{issuer: https://token.actions.githubusercontent.com, subject: https://github.com/example/web/…}]
//!     githubActions: {owner: example, repo: web}
//!     certificates: ["-----BEGIN CERTIFICATE-----…"]
//!     annotations: {stage: released}
//! dns: {db.example.com: [192.0.2.7]}
//! access:                           # what `can_i` allows; a field left out is anything
//!   - {user: ann, verb: get, resource: pods}
//! faults:                           # calls that fail, whatever they ask
//!   - {call: kubernetes/list_resources_by_namespace, error: the API server is away}
//! ```

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use palisade_sdk::{Host, HostError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::access::{self, AccessRule};
use crate::kinds;
use crate::request::{RequestError, type_of};
use crate::selector::{FieldSelector, LabelSelector};
use crate::session::{Exchange, Outcome, Session};

/// What the registry says of an image.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// The digest of its manifest.
    pub digest: String,
    /// Its manifest or index.
    #[serde(default)]
    pub manifest: Option<Value>,
    /// Its configuration.
    #[serde(default)]
    pub config: Option<Value>,
}

/// Who has signed an image.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Signature {
    /// The image, as the policy names it.
    pub image: String,
    /// The digest that was signed.
    pub digest: String,
    /// The public keys whose owners have signed, in PEM.
    pub public_keys: Vec<String>,
    /// The identities that have signed without keys: `issuer` and `subject`.
    pub keyless: Vec<BTreeMap<String, String>>,
    /// The workflow that has signed: `owner` and `repo`.
    pub github_actions: Option<BTreeMap<String, String>>,
    /// The certificates whose owners have signed, in PEM.
    pub certificates: Vec<String>,
    /// What was signed along with the image.
    pub annotations: BTreeMap<String, String>,
}

/// A call that fails.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Namespace and operation: `kubernetes/get_resource`.
    pub call: String,
    /// What the host says.
    pub error: String,
}

/// What a policy may ask.
#[derive(Debug, Default)]
pub struct World {
    kinds: HashMap<(String, String), Stored>,
    registry: BTreeMap<String, Image>,
    signatures: Vec<Signature>,
    dns: BTreeMap<String, Vec<String>>,
    access: Vec<AccessRule>,
    faults: Vec<Fault>,
    session: Option<Mutex<VecDeque<Exchange>>>,
    /// Lists that were asked for: thousands of objects of one namespace ask for the same one.
    lists: RwLock<HashMap<Vec<u8>, Arc<[u8]>>>,
}

/// The objects of one kind.
#[derive(Debug, Default)]
struct Stored {
    objects: Vec<Value>,
    by_namespace: HashMap<String, Vec<usize>>,
    by_name: HashMap<(String, String), usize>,
}

impl World {
    /// A cluster of these objects. Those without a namespace are in `default_namespace` where their kind has namespaces; of two
    /// objects with the same name the later counts.
    ///
    /// # Errors
    /// When one of them is no Kubernetes object.
    pub fn of_objects(objects: impl IntoIterator<Item = Value>, default_namespace: &str) -> Result<Self, RequestError> {
        let mut world = Self::default();
        for object in objects {
            world.add(object, default_namespace)?;
        }
        Ok(world)
    }

    /// A world that answers as it was recorded.
    pub fn of_session(session: Session) -> Self {
        Self { session: Some(Mutex::new(session.exchanges.into())), ..Self::default() }
    }

    /// Adds an object to the cluster.
    ///
    /// # Errors
    /// When it is no Kubernetes object.
    pub fn add(&mut self, mut object: Value, default_namespace: &str) -> Result<(), RequestError> {
        let (api_version, kind) = type_of(&object)?;
        let key = (api_version.to_owned(), kind.to_owned());
        let namespaced = kinds::is_namespaced(kinds::group_version(api_version).0, kind);
        let mut namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
        if namespaced && namespace.is_empty() {
            default_namespace.clone_into(&mut namespace);
        } else if !namespaced {
            namespace.clear();
        }
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        tidy(&mut object, &namespace);
        let stored = self.kinds.entry(key).or_default();
        let identity = (namespace, name);
        match stored.by_name.get(&identity) {
            // Objects whose name the API server is to make are all different.
            Some(&index) if !identity.1.is_empty() => stored.objects[index] = object,
            _ => {
                let index = stored.objects.len();
                stored.objects.push(object);
                stored.by_namespace.entry(identity.0.clone()).or_default().push(index);
                stored.by_name.insert(identity, index);
            }
        }
        Ok(())
    }

    /// What the registry knows, by image reference.
    pub fn set_registry(&mut self, registry: BTreeMap<String, Image>) {
        self.registry = registry;
    }

    /// Who has signed what.
    pub fn set_signatures(&mut self, signatures: Vec<Signature>) {
        self.signatures = signatures;
    }

    /// The addresses of host names.
    pub fn set_dns(&mut self, dns: BTreeMap<String, Vec<String>>) {
        self.dns = dns;
    }

    /// Who may do what.
    pub fn set_access(&mut self, access: Vec<AccessRule>) {
        self.access = access;
    }

    /// Calls that fail.
    pub fn set_faults(&mut self, faults: Vec<Fault>) {
        self.faults = faults;
    }

    fn list_objects(&self, request: &ResourceRequest, namespace: Option<&str>) -> Result<Value, String> {
        let labels = LabelSelector::parse(request.label_selector.as_deref().unwrap_or_default())?;
        let fields = FieldSelector::parse(request.field_selector.as_deref().unwrap_or_default(), &request.kind)?;
        let mask = Mask::new(request.field_masks.as_deref());
        let stored = self.kinds.get(&(request.api_version.clone(), request.kind.clone()));
        let all = stored.map_or(0, |stored| stored.objects.len());
        let indices: Box<dyn Iterator<Item = usize> + '_> = match (stored, namespace) {
            (Some(stored), Some(namespace)) => Box::new(stored.by_namespace.get(namespace).into_iter().flatten().copied()),
            _ => Box::new(0..all),
        };
        let items: Vec<Value> = indices
            .filter_map(|index| stored.and_then(|stored| stored.objects.get(index)))
            .filter(|object| labels.matches(object) && fields.matches(object))
            .map(|object| mask.prune_object(object))
            .collect();
        Ok(json!({
            "apiVersion": request.api_version,
            "kind": format!("{}List", request.kind),
            "metadata": {"resourceVersion": ""},
            "items": items,
        }))
    }

    fn get_object(&self, request: &ResourceRequest) -> Result<Value, String> {
        let ResourceRequest { api_version, kind, name, namespace, .. } = request;
        let name = name.clone().unwrap_or_default();
        let identity = (namespace.clone().unwrap_or_default(), name.clone());
        self.kinds
            .get(&(api_version.clone(), kind.clone()))
            .and_then(|stored| stored.by_name.get(&identity).and_then(|index| stored.objects.get(*index)))
            .map(|object| Mask::new(request.field_masks.as_deref()).prune_object(object))
            // The words of policy-server: guests look for them.
            .ok_or_else(|| format!("Cannot find {api_version}/{kind} named '{name}' inside of namespace '{namespace:?}'"))
    }

    fn image(&self, payload: &[u8]) -> Result<&Image, String> {
        let image: String = read(payload)?;
        self.registry.get(&image).ok_or_else(|| format!("the registry has no image {image}"))
    }

    fn verify(&self, payload: &[u8]) -> Result<Value, String> {
        let request: Value = read(payload)?;
        let image = request["image"].as_str().unwrap_or_default();
        let wanted: BTreeMap<String, String> = match &request["annotations"] {
            Value::Null => BTreeMap::new(),
            annotations => serde_json::from_value(annotations.clone()).map_err(|error| error.to_string())?,
        };
        let signature = self
            .signatures
            .iter()
            .find(|signature| {
                signature.image == image
                    && wanted.iter().all(|(key, value)| signature.annotations.get(key) == Some(value))
                    && signature.satisfies(&request)
            })
            .ok_or_else(|| format!("no signatures found for image: {image}"))?;
        Ok(json!({"is_trusted": true, "digest": signature.digest}))
    }

    /// The answer to a call, and whether it may be kept for the next one that asks the same.
    fn answer(&self, namespace: &str, operation: &str, payload: &[u8]) -> Result<Value, String> {
        match (namespace, operation) {
            ("kubernetes", "list_resources_by_namespace") => {
                let request: ResourceRequest = read(payload)?;
                let namespace = request.namespace.clone().ok_or("namespace is missing")?;
                self.list_objects(&request, Some(&namespace))
            }
            ("kubernetes", "list_resources_all") => self.list_objects(&read(payload)?, None),
            ("kubernetes", "get_resource") => self.get_object(&read(payload)?),
            ("kubernetes", "can_i") => Ok(access::review(&self.access, &read(payload)?)),
            ("oci", "v1/manifest_digest") => Ok(json!({"digest": self.image(payload)?.digest})),
            ("oci", "v1/oci_manifest") => {
                self.image(payload)?.manifest.clone().ok_or_else(|| "the registry has no manifest of this image".to_owned())
            }
            ("oci", "v1/oci_manifest_config") => {
                let image = self.image(payload)?;
                match (&image.manifest, &image.config) {
                    (Some(manifest), Some(config)) => {
                        Ok(json!({"manifest": manifest, "digest": image.digest, "config": config}))
                    }
                    _ => Err("the registry has no manifest and configuration of this image".to_owned()),
                }
            }
            ("oci", "v1/verify" | "v2/verify") => self.verify(payload),
            ("net", "v1/dns_lookup_host") => {
                let host: String = read(payload)?;
                self.dns.get(&host).map(|ips| json!({"ips": ips})).ok_or_else(|| format!("failed to lookup address of {host}"))
            }
            ("crypto", "v1/is_certificate_trusted") => Err("certificates are not verified offline".to_owned()),
            ("kubernetes" | "oci" | "net" | "crypto", _) => Err(format!("unknown operation: {operation}")),
            _ => Err(format!("unknown namespace: {namespace}")),
        }
    }
}

impl Host for World {
    fn call(&self, namespace: &str, operation: &str, payload: &[u8]) -> Result<Vec<u8>, HostError> {
        let failed = |problem: String| HostError::new(namespace, operation, problem);
        // Logs of a policy are nobody's findings.
        if (namespace, operation) == ("tracing", "log") {
            return Ok(Vec::new());
        }
        if let Some(fault) = self.faults.iter().find(|fault| fault.call.split_once('/') == Some((namespace, operation))) {
            return Err(failed(fault.error.clone()));
        }
        if let Some(session) = &self.session {
            let next = session.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let exchange = next.ok_or_else(|| failed("the session has no more answers".to_owned()))?;
            exchange.answers(namespace, operation, payload).map_err(failed)?;
            return match exchange.response {
                Outcome::Success { payload } => Ok(payload.into_bytes()),
                Outcome::Error { message } => Err(failed(message)),
            };
        }
        let bytes = |answer: Value| serde_json::to_vec(&answer).map_err(|error| failed(error.to_string()));
        if !operation.starts_with("list_resources") {
            return self.answer(namespace, operation, payload).map_err(failed).and_then(bytes);
        }
        let key = [operation.as_bytes(), b" ", payload].concat();
        let known = self.lists.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(answer) = known {
            return Ok(answer.to_vec());
        }
        let answer = self.answer(namespace, operation, payload).map_err(failed).and_then(bytes)?;
        self.lists.write().unwrap_or_else(PoisonError::into_inner).insert(key, answer.as_slice().into());
        Ok(answer)
    }
}

impl Signature {
    /// Whether all that a verification asks for has signed.
    fn satisfies(&self, request: &Value) -> bool {
        let list = |field: &str| request[field].as_array().map_or(&[][..], Vec::as_slice);
        let same = |identity: &BTreeMap<String, String>, field: &str, wanted: &Value| {
            identity.get(field).map(String::as_str) == wanted.as_str()
        };
        match request["type"].as_str().unwrap_or_default() {
            "SigstorePubKeyVerify" => {
                let keys = list("pub_keys");
                let signed = |key: &Value| self.public_keys.iter().any(|own| Some(own.trim()) == key.as_str().map(str::trim));
                !keys.is_empty() && keys.iter().all(signed)
            }
            "SigstoreKeylessVerify" => {
                let wanted = list("keyless");
                let signed = |wanted: &Value| {
                    self.keyless
                        .iter()
                        .any(|own| same(own, "issuer", &wanted["issuer"]) && same(own, "subject", &wanted["subject"]))
                };
                !wanted.is_empty() && wanted.iter().all(signed)
            }
            "SigstoreKeylessPrefixVerify" => {
                let wanted = list("keyless_prefix");
                let signed = |wanted: &Value| {
                    let prefix = format!("{}/", wanted["url_prefix"].as_str().unwrap_or_default().trim_end_matches('/'));
                    let begins =
                        |own: &BTreeMap<String, String>| own.get("subject").is_some_and(|subject| subject.starts_with(&prefix));
                    self.keyless.iter().any(|own| same(own, "issuer", &wanted["issuer"]) && begins(own))
                };
                !wanted.is_empty() && wanted.iter().all(signed)
            }
            "SigstoreGithubActionsVerify" => self.github_actions.as_ref().is_some_and(|own| {
                same(own, "owner", &request["owner"]) && (request["repo"].is_null() || same(own, "repo", &request["repo"]))
            }),
            "SigstoreCertificateVerify" => {
                let wanted: Vec<u8> =
                    list("certificate").iter().filter_map(Value::as_u64).filter_map(|byte| u8::try_from(byte).ok()).collect();
                self.certificates.iter().any(|own| own.trim().as_bytes() == wanted.trim_ascii())
            }
            _ => false,
        }
    }
}

/// What `kubernetes/…` calls are asked with.
#[derive(Debug, Deserialize)]
struct ResourceRequest {
    api_version: String,
    kind: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    label_selector: Option<String>,
    #[serde(default)]
    field_selector: Option<String>,
    #[serde(default)]
    field_masks: Option<Vec<String>>,
}

fn read<T: serde::de::DeserializeOwned>(payload: &[u8]) -> Result<T, String> {
    serde_json::from_slice(payload).map_err(|error| format!("the request cannot be read: {error}"))
}

/// Makes an object what policy-server keeps of it: with its namespace, without managed fields and what `kubectl apply` remembers.
fn tidy(object: &mut Value, namespace: &str) {
    let Some(Value::Object(metadata)) =
        object.as_object_mut().map(|fields| fields.entry("metadata").or_insert_with(|| json!({})))
    else {
        return;
    };
    if !namespace.is_empty() {
        metadata.insert("namespace".to_owned(), Value::from(namespace));
    }
    metadata.remove("managedFields");
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

/// Which fields of an object are kept. Lists are looked through.
#[derive(Debug, Default)]
struct Mask {
    children: BTreeMap<String, Mask>,
}

impl Mask {
    fn new(paths: Option<&[String]>) -> Self {
        let mut mask = Self::default();
        for path in paths.into_iter().flatten() {
            path.split('.').fold(&mut mask, |here, step| here.children.entry(step.to_owned()).or_default());
        }
        mask
    }

    /// The type and the metadata stay whole, as in policy-server.
    fn prune_object(&self, object: &Value) -> Value {
        let Value::Object(fields) = object else { return object.clone() };
        let kept = |name: &str| matches!(name, "apiVersion" | "kind" | "metadata");
        Value::Object(
            fields
                .iter()
                .filter_map(|(name, value)| {
                    let value = if kept(name) || self.children.is_empty() {
                        value.clone()
                    } else {
                        self.children.get(name)?.prune(value)
                    };
                    Some((name.clone(), value))
                })
                .collect(),
        )
    }

    fn prune(&self, value: &Value) -> Value {
        if self.children.is_empty() {
            return value.clone();
        }
        match value {
            Value::Object(fields) => {
                let kept =
                    fields.iter().filter_map(|(name, value)| Some((name.clone(), self.children.get(name)?.prune(value))));
                Value::Object(kept.collect::<Map<_, _>>())
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| self.prune(item)).collect()),
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
