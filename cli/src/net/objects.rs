//! The objects that the map is made of, sorted by what they are to it.

use std::collections::{BTreeMap, HashMap, HashSet};

use palisade_harness::kinds;
use serde_json::{Map as JsonMap, Value};

use super::ports::{Declared, PROTOCOLS};
use crate::input::Object;
use crate::report::{Failure, Note, Place};

/// The label that every namespace has.
pub const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// A label's key, and its value where it is known.
pub type OwnedLabels = Vec<(String, Option<String>)>;

/// What the documents hold. Of two objects of the same name the later counts.
#[derive(Debug, Default)]
pub struct Objects {
    pub workloads: Vec<Workload>,
    /// The labels of the namespaces that are there.
    pub namespaces: BTreeMap<String, OwnedLabels>,
    pub policies: Vec<Named>,
    pub services: Vec<Named>,
    /// Ingresses, and routes of the Gateway API.
    pub routes: Vec<Named>,
    pub config_maps: HashMap<(String, String), Value>,
    /// Objects whose labels cannot be read.
    pub failures: Vec<Failure>,
    /// Objects that another one of the same name takes the place of.
    pub notes: Vec<Note>,
}

/// An object with its name.
#[derive(Debug)]
pub struct Named {
    pub kind: &'static str,
    pub namespace: String,
    pub name: String,
    pub object: Object,
}

impl Named {
    /// A failure to read a field of it.
    pub fn failure(&self, path: &str, problem: &str) -> Failure {
        let message = format!("{} {}/{}: {problem}", self.kind, self.namespace, self.name);
        Failure { place: self.object.locate(path), resource: None, policy: None, message }
    }
}

/// What makes pods, or is one.
#[derive(Debug)]
pub struct Workload {
    pub kind: &'static str,
    pub namespace: String,
    pub name: String,
    pub place: Place,
    /// Those of its pods.
    pub labels: OwnedLabels,
    /// Those of its containers, sorted.
    pub ports: Vec<Declared>,
    /// Those that are opened on the node, too.
    pub host_ports: Vec<Declared>,
    pub is_host_network: bool,
    /// The pod's spec, for what it mentions.
    pub spec: Value,
}

/// Where each kind keeps the pod: kind, group, and JSON pointer to what has `metadata` and `spec`.
const WORKLOADS: &[(&str, &str, &str)] = &[
    ("Pod", "", ""),
    ("ReplicationController", "", "/spec/template"),
    ("Deployment", "apps", "/spec/template"),
    ("ReplicaSet", "apps", "/spec/template"),
    ("DaemonSet", "apps", "/spec/template"),
    ("StatefulSet", "apps", "/spec/template"),
    ("Job", "batch", "/spec/template"),
    ("CronJob", "batch", "/spec/jobTemplate/spec/template"),
];

/// Labels that controllers add to the pods of a kind, with values that are not known before.
const ADDED: &[(&str, &[&str])] = &[
    ("Deployment", &["pod-template-hash"]),
    ("DaemonSet", &["controller-revision-hash", "pod-template-generation"]),
    ("StatefulSet", &["apps.kubernetes.io/pod-index", "controller-revision-hash", "statefulset.kubernetes.io/pod-name"]),
    ("Job", &["batch.kubernetes.io/controller-uid", "controller-uid"]),
    ("CronJob", &["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"]),
];

/// Routes of the Gateway API.
const GATEWAY: &str = "gateway.networking.k8s.io";
const ROUTES: [&str; 5] = ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"];

type Key = (&'static str, String, String);

impl Objects {
    /// Sorts the objects. Those that name no namespace are in `default_namespace`.
    pub fn of(objects: Vec<Object>, default_namespace: &str) -> Self {
        let mut all = Self::default();
        let mut pods = Vec::new();
        let mut namespaces = Vec::new();
        for object in objects {
            // A review is a question about an object, which is not in the cluster yet.
            if object.review.is_some() {
                continue;
            }
            let api_version = object.value["apiVersion"].as_str().unwrap_or_default();
            let (group, kind) =
                (kinds::group_version(api_version).0.to_owned(), object.value["kind"].as_str().unwrap_or_default().to_owned());
            let named = |kind: &'static str| {
                let text = |field: &str| object.value["metadata"][field].as_str().filter(|text| !text.is_empty());
                let namespace = text("namespace").unwrap_or(default_namespace).to_owned();
                let name = text("name").map(str::to_owned).or_else(|| text("generateName").map(|prefix| format!("{prefix}*")));
                Named { kind, namespace, name: name.unwrap_or_default(), object: object.clone() }
            };
            match (group.as_str(), kind.as_str()) {
                ("", "Namespace") => namespaces.push(named("Namespace")),
                ("", "Service") => all.services.push(named("Service")),
                ("", "ConfigMap") => {
                    let Named { namespace, name, object, .. } = named("ConfigMap");
                    all.config_maps.insert((namespace, name), object.value);
                }
                ("networking.k8s.io", "NetworkPolicy") => all.policies.push(named("NetworkPolicy")),
                ("networking.k8s.io", "Ingress") => all.routes.push(named("Ingress")),
                (GATEWAY, kind) => {
                    if let Some(kind) = ROUTES.iter().find(|known| **known == kind) {
                        all.routes.push(named(kind));
                    }
                }
                (group, kind) => {
                    let known = WORKLOADS.iter().find(|(known, of, _)| *known == kind && *of == group);
                    if let Some((kind, _, template)) = known {
                        pods.push((named(kind), *template));
                    }
                }
            }
        }
        let Self { services, policies, routes, notes, .. } = &mut all;
        for list in [services, policies, routes, &mut namespaces] {
            keep_last(list, |named| named, notes);
        }
        keep_last(&mut pods, |(named, _)| named, notes);
        for named in namespaces {
            let labels = all.labels(&named.object.value["metadata"]["labels"], &named, "metadata.labels");
            // It is the API server that sets this one.
            let mut labels: OwnedLabels = labels.into_iter().filter(|(key, _)| key != NAMESPACE_NAME).collect();
            labels.push((NAMESPACE_NAME.to_owned(), Some(named.name.clone())));
            all.namespaces.insert(named.name, labels);
        }
        let there: HashSet<Key> = pods.iter().map(|(named, _)| key_of(named)).collect();
        for (named, template) in pods {
            if !is_owned(&named, &there) {
                all.workload(named, template);
            }
        }
        all
    }

    fn workload(&mut self, named: Named, template: &str) {
        let null = Value::Null;
        let pod = named.object.value.pointer(template).unwrap_or(&null);
        let path = template.trim_start_matches('/').replace('/', ".");
        let path = if path.is_empty() { "metadata.labels".to_owned() } else { format!("{path}.metadata.labels") };
        let mut labels = self.labels(&pod["metadata"]["labels"], &named, &path);
        let added = ADDED.iter().find(|(kind, _)| *kind == named.kind).map(|(_, keys)| *keys).unwrap_or_default();
        labels.extend(added.iter().map(|key| ((*key).to_owned(), None)));
        if named.kind == "Job" && !named.name.ends_with('*') {
            labels.extend(["batch.kubernetes.io/job-name", "job-name"].map(|key| (key.to_owned(), Some(named.name.clone()))));
        }
        let spec = &pod["spec"];
        let (ports, host_ports) = ports_of(spec);
        self.workloads.push(Workload {
            kind: named.kind,
            place: named.object.locate(""),
            labels,
            ports,
            host_ports,
            is_host_network: spec["hostNetwork"] == true,
            spec: spec.clone(),
            namespace: named.namespace,
            name: named.name,
        });
    }

    fn labels(&mut self, labels: &Value, named: &Named, path: &str) -> OwnedLabels {
        let empty = JsonMap::new();
        let labels = match labels {
            Value::Null => &empty,
            Value::Object(labels) => labels,
            _ => {
                self.failures.push(named.failure(path, &format!("{path} must be a map")));
                &empty
            }
        };
        let mut known = Vec::new();
        for (key, value) in labels {
            match value {
                Value::String(value) => known.push((key.clone(), Some(value.clone()))),
                Value::Null => known.push((key.clone(), Some(String::new()))),
                _ => self.failures.push(named.failure(path, &format!("the label {key} in {path} must be a string"))),
            }
        }
        known
    }
}

fn key_of(named: &Named) -> Key {
    (named.kind, named.namespace.clone(), named.name.clone())
}

/// Whether something among the documents makes it: then it is not a workload of its own.
fn is_owned(named: &Named, there: &HashSet<Key>) -> bool {
    let owners = named.object.value["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners.into_iter().any(|owner| {
        let kind = WORKLOADS.iter().find(|(kind, ..)| owner["kind"] == *kind);
        let name = owner["name"].as_str().unwrap_or_default();
        kind.is_some_and(|(kind, ..)| there.contains(&(kind, named.namespace.clone(), name.to_owned())))
    })
}

/// Of objects of the same name leaves the last.
fn keep_last<T>(objects: &mut Vec<T>, named: impl Fn(&T) -> &Named, notes: &mut Vec<Note>) {
    let mut last: HashMap<Key, usize> = HashMap::new();
    for (index, object) in objects.iter().enumerate() {
        last.insert(key_of(named(object)), index);
    }
    let mut index = 0;
    objects.retain(|object| {
        let object = named(object);
        // Objects whose name the API server makes are all different.
        let is_generated = object.name.is_empty() || object.name.ends_with('*');
        let stays = is_generated || last.get(&key_of(object)) == Some(&index);
        if !stays {
            let Named { kind, namespace, name, .. } = object;
            let message = format!("{kind} {namespace}/{name} is written again further on, and the last one counts");
            notes.push(Note { place: object.object.locate(""), message });
        }
        index += 1;
        stays
    });
}

/// The ports of the containers, and those of them that are opened on the node.
fn ports_of(spec: &Value) -> (Vec<Declared>, Vec<Declared>) {
    let (mut ports, mut host_ports) = (Vec::new(), Vec::new());
    for list in ["initContainers", "containers"] {
        let containers = spec[list].as_array().into_iter().flatten();
        for port in containers.flat_map(|container| container["ports"].as_array().into_iter().flatten()) {
            let protocol = port["protocol"].as_str().filter(|text| !text.is_empty()).unwrap_or("TCP");
            let Some(protocol) = PROTOCOLS.iter().find(|known| **known == protocol) else { continue };
            let Some(number) = number_of(&port["containerPort"]) else { continue };
            let names: Vec<String> =
                port["name"].as_str().filter(|text| !text.is_empty()).map(str::to_owned).into_iter().collect();
            let declared = Declared { protocol, number, names };
            if number_of(&port["hostPort"]).is_some() {
                add(&mut host_ports, declared.clone());
            }
            add(&mut ports, declared);
        }
    }
    (ports, host_ports)
}

/// A port's number.
pub fn number_of(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0)
}

/// Adds a port, or its names to those that the port has already.
pub fn add(ports: &mut Vec<Declared>, port: Declared) {
    match ports.iter_mut().find(|known| known.protocol == port.protocol && known.number == port.number) {
        Some(known) => {
            known.names.extend(port.names);
            known.names.sort();
            known.names.dedup();
        }
        None => {
            ports.push(port);
            ports.sort();
        }
    }
}
