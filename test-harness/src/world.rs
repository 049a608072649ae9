//! What a policy may ask: a cluster, a registry, sigstore and DNS, described by data.
//!
//! In a fixture these are the keys `cluster`, `registry`, `signatures`, `dns`, `access` and `faults`:
//!
//! ```yaml
//! cluster:                          # objects, as in manifests; without a namespace they are in `default`. A
//!                                 # CustomResourceDefinition among them says whether its kind has namespaces
//!   - {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {environment: prod}}}
//! registry:                         # by reference; `web` is docker.io/library/web:latest
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
//! access:                           # what `can_i` allows beside what the cluster's roles and bindings grant; a field left out is
//!                                   # anything
//!   - {user: ann, verb: get, resource: pods}
//! faults:                           # calls that fail, whatever they ask
//!   - {call: kubernetes/list_resources_by_namespace, error: the API server is away}
//! ```
//!
//! Beside the objects that are added, a cluster has the roles and bindings that the API server makes when it starts (the ClusterRoles
//! `cluster-admin`, `edit`, `system:discovery`, …: [`bootstrap`](crate::bootstrap)); an object of the same name takes the place of one of them. And it has an aggregation controller: a ClusterRole with an `aggregationRule`, `admin`, `edit` and `view` among them, is
//! answered with the rules of the ClusterRoles that it selects. So `edit` grants what a ClusterRole in `cluster` with the label
//! `rbac.authorization.k8s.io/aggregate-to-edit` brings into it.

mod cluster;
mod registry;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use palisade_sdk::{Date, Host, HostError};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::access::{self, AccessRule};
use crate::kinds::Kinds;
use crate::request::RequestError;
use crate::session::{Exchange, Outcome, Session};
pub(crate) use cluster::Cluster;
use registry::Registry;

pub use registry::{Identity, Image, Repository, Signature};

/// Every call that a policy can make, as policy-server knows them: namespace and operation.
pub const CALLS: &[&str] = &[
    "crypto/v1/is_certificate_trusted",
    "kubernetes/can_i",
    "kubernetes/get_resource",
    "kubernetes/list_resources_all",
    "kubernetes/list_resources_by_namespace",
    "net/v1/dns_lookup_host",
    "oci/v1/manifest_digest",
    "oci/v1/oci_manifest",
    "oci/v1/oci_manifest_config",
    "oci/v1/verify",
    "oci/v2/verify",
    "tracing/log",
];

/// How many bytes of answers are remembered.
const MOST_REMEMBERED: usize = 128 << 20;

/// A call that fails.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Namespace and operation, one of [`CALLS`]: `kubernetes/get_resource`.
    pub call: String,
    /// What the host says.
    pub error: String,
}

/// What a policy may ask.
#[derive(Debug, Default)]
pub struct World {
    cluster: Cluster,
    registry: Registry,
    dns: BTreeMap<String, Vec<String>>,
    access: Vec<AccessRule>,
    faults: Vec<Fault>,
    session: Option<Mutex<VecDeque<Exchange>>>,
    recording: Option<Mutex<Vec<Exchange>>>,
    now: Option<Duration>,
    clock_was_read: AtomicBool,
    remembered: RwLock<Remembered>,
}

/// What took a search to answer: thousands of objects of one namespace ask the same.
#[derive(Debug, Default)]
struct Remembered {
    answers: HashMap<Vec<u8>, Arc<[u8]>>,
    bytes: usize,
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
        let mut world = Self::default();
        world.set_session(session);
        world
    }

    /// Adds an object to the cluster.
    ///
    /// # Errors
    /// When it is no Kubernetes object.
    pub fn add(&mut self, object: Value, default_namespace: &str) -> Result<(), RequestError> {
        *self.remembered.get_mut().unwrap_or_else(PoisonError::into_inner) = Remembered::default();
        self.cluster.add(object, default_namespace)
    }

    /// The kinds that the cluster knows: those of its CustomResourceDefinitions beside the built-in ones.
    pub fn kinds(&self) -> &Kinds {
        &self.cluster.kinds
    }

    /// What the registry knows, by image reference.
    pub fn set_registry(&mut self, registry: BTreeMap<String, Image>) {
        self.registry.set_images(registry);
    }

    /// Who has signed what.
    pub fn set_signatures(&mut self, signatures: Vec<Signature>) {
        self.registry.set_signatures(signatures);
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

    /// A recording that answers instead of everything else.
    pub fn set_session(&mut self, session: Session) {
        self.session = Some(Mutex::new(session.exchanges.into()));
    }

    /// From now on every call is recorded with its answer, as kwctl does it.
    pub fn start_recording(&mut self) {
        self.recording = Some(Mutex::default());
    }

    /// What has been recorded.
    pub fn recorded(&self) -> Session {
        let exchanges =
            self.recording.as_ref().map(|recording| recording.lock().unwrap_or_else(PoisonError::into_inner).clone());
        Session { exchanges: exchanges.unwrap_or_default() }
    }

    /// Stops the clock that policies read through WASI at this time since 1970, UTC; without, it is the system's.
    pub fn set_now(&mut self, now: Duration) {
        self.now = Some(now);
    }

    /// Stops the clock at noon of this day, UTC; before 1970, at the beginning of 1970.
    pub fn set_today(&mut self, today: Date) {
        let days = u64::try_from(today.days_since_1970()).ok();
        self.set_now(days.map_or(Duration::ZERO, |days| Duration::from_hours(24 * days + 12)));
    }

    /// Whether a policy has asked what time it is.
    pub fn clock_was_read(&self) -> bool {
        self.clock_was_read.load(Ordering::Relaxed)
    }

    /// The time since 1970 that a policy is told.
    pub(crate) fn tell_time(&self) -> Duration {
        self.clock_was_read.store(true, Ordering::Relaxed);
        self.now.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    fn answer(&self, namespace: &str, operation: &str, payload: &[u8]) -> Result<Value, String> {
        match (namespace, operation) {
            ("kubernetes", "list_resources_by_namespace") => self.cluster.list(&read(payload)?, true),
            ("kubernetes", "list_resources_all") => self.cluster.list(&read(payload)?, false),
            ("kubernetes", "get_resource") => self.cluster.get(&read(payload)?),
            ("kubernetes", "can_i") => access::review(&self.access, &self.cluster, &read(payload)?),
            ("oci", "v1/manifest_digest") => self.registry.digest(&read::<String>(payload)?),
            ("oci", "v1/oci_manifest") => self.registry.manifest(&read::<String>(payload)?),
            ("oci", "v1/oci_manifest_config") => self.registry.config(&read::<String>(payload)?),
            ("oci", "v1/verify" | "v2/verify") => self.registry.verify(&read(payload)?),
            ("net", "v1/dns_lookup_host") => {
                let host: String = read(payload)?;
                self.dns.get(&host).map(|ips| json!({"ips": ips})).ok_or_else(|| format!("failed to lookup address of {host}"))
            }
            ("crypto", "v1/is_certificate_trusted") => Err("certificates are not verified offline".to_owned()),
            ("kubernetes" | "oci" | "net" | "crypto" | "tracing", _) => Err(format!("unknown operation: {operation}")),
            _ => Err(format!("unknown namespace: {namespace}")),
        }
    }

    /// The next recorded answer, if the policy asks as it did then.
    fn replay(
        session: &Mutex<VecDeque<Exchange>>,
        namespace: &str,
        operation: &str,
        payload: &[u8],
    ) -> Result<Vec<u8>, String> {
        let next = session.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let exchange = next.ok_or("the session has no more answers")?;
        exchange.answers(namespace, operation, payload)?;
        match exchange.response {
            Outcome::Success { payload } => Ok(payload.into_bytes()),
            Outcome::Error { message } => Err(message),
        }
    }
}

impl Host for World {
    fn call(&self, namespace: &str, operation: &str, payload: &[u8]) -> Result<Vec<u8>, HostError> {
        let answer = self.reply(namespace, operation, payload);
        if let Some(recording) = &self.recording {
            let exchange =
                Exchange::of_call(namespace, operation, payload, answer.as_deref().map_err(|problem| problem.as_str()));
            recording.lock().unwrap_or_else(PoisonError::into_inner).extend(exchange);
        }
        answer.map_err(|problem| HostError::new(namespace, operation, problem))
    }
}

impl World {
    fn reply(&self, namespace: &str, operation: &str, payload: &[u8]) -> Result<Vec<u8>, String> {
        let fault = self.faults.iter().find(|fault| fault.call.split_once('/') == Some((namespace, operation)));
        if let Some(fault) = fault {
            return Err(fault.error.clone());
        }
        // Logs of a policy are nobody's findings.
        if (namespace, operation) == ("tracing", "log") {
            return Ok(Vec::new());
        }
        if let Some(session) = &self.session {
            return Self::replay(session, namespace, operation, payload);
        }
        let bytes = |answer: Value| serde_json::to_vec(&answer).map_err(|error| error.to_string());
        if !operation.starts_with("list_resources") && operation != "can_i" {
            return self.answer(namespace, operation, payload).and_then(bytes);
        }
        let key = [operation.as_bytes(), b" ", payload].concat();
        let known = self.remembered.read().unwrap_or_else(PoisonError::into_inner).answers.get(&key).cloned();
        if let Some(answer) = known {
            return Ok(answer.to_vec());
        }
        let answer = self.answer(namespace, operation, payload).and_then(bytes)?;
        let mut remembered = self.remembered.write().unwrap_or_else(PoisonError::into_inner);
        if remembered.bytes + answer.len() <= MOST_REMEMBERED {
            remembered.bytes += key.len() + answer.len();
            remembered.answers.insert(key, answer.as_slice().into());
        }
        Ok(answer)
    }
}

fn read<T: serde::de::DeserializeOwned>(payload: &[u8]) -> Result<T, String> {
    serde_json::from_slice(payload).map_err(|error| format!("the request cannot be read: {error}"))
}

#[cfg(test)]
mod tests;
