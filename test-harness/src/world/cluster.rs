//! The objects of a cluster, and looking them up as policy-server does.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use palisade_sdk::rbac::GROUP;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::aggregation::{self, TooMany};
use crate::bootstrap;
use crate::kinds::{self, Kinds};
use crate::request::{RequestError, type_of};
use crate::selector::{FieldSelector, LabelSelector};

/// What `kubectl apply` remembers of an object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The label with which the API server names every Namespace.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// How many rules the aggregation controller may write. A cluster has some thousands.
const MOST_RULES: usize = 200_000;

/// Of these kinds every cluster has some objects.
const ACCESS_KINDS: [&str; 4] = ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];

/// The objects of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) kinds: Kinds,
    /// By `apiVersion` and `kind`.
    stored: HashMap<(String, String), Stored>,
    /// Made when something first asks for it: most scans never do.
    access: OnceLock<Access>,
}

/// Who may do what: what was added, and what every cluster has beside it.
#[derive(Debug)]
struct Access {
    /// In the order of [`ACCESS_KINDS`].
    kinds: [Stored; ACCESS_KINDS.len()],
    /// Whether the rules of aggregated ClusterRoles are known.
    aggregated: Result<(), TooMany>,
}

/// The objects of one kind.
#[derive(Debug, Default)]
struct Stored {
    objects: Vec<Value>,
    by_namespace: HashMap<String, Vec<usize>>,
    by_name: HashMap<(String, String), usize>,
    /// Made when a label selector first asks: thousands of selectors over thousands of objects must not take millions of steps.
    by_label: OnceLock<HashMap<(String, String), Vec<usize>>>,
}

/// What `kubernetes/list_…` and `kubernetes/get_resource` are asked with.
#[derive(Debug, Deserialize)]
pub(crate) struct ResourceRequest {
    api_version: String,
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    label_selector: Option<String>,
    #[serde(default)]
    field_selector: Option<String>,
    #[serde(default)]
    field_masks: Option<Vec<String>>,
}

impl ResourceRequest {
    fn group(&self) -> &str {
        kinds::group_version(&self.api_version).0
    }
}

impl Cluster {
    /// Adds an object; one of the same name gives way to it.
    pub(crate) fn add(&mut self, object: Value, default_namespace: &str) -> Result<(), RequestError> {
        type_of(&object)?;
        self.access.take();
        if let Some((group, kind)) = self.kinds.learn(&object)
            && !self.kinds.is_namespaced(&group, &kind)
        {
            self.leave_namespaces(&group, &kind)?;
        }
        self.store(object, default_namespace)
    }

    /// The definition may come after objects of its kind, which were taken to be in namespaces until then.
    fn leave_namespaces(&mut self, group: &str, kind: &str) -> Result<(), RequestError> {
        let versions: Vec<_> =
            self.stored.keys().filter(|key| key.1 == kind && kinds::group_version(&key.0).0 == group).cloned().collect();
        for key in versions {
            for object in self.stored.remove(&key).into_iter().flat_map(|stored| stored.objects) {
                self.store(object, "")?;
            }
        }
        Ok(())
    }

    fn store(&mut self, mut object: Value, default_namespace: &str) -> Result<(), RequestError> {
        let (api_version, kind) = type_of(&object)?;
        let key = (api_version.to_owned(), kind.to_owned());
        let namespaced = self.kinds.is_namespaced(kinds::group_version(api_version).0, kind);
        let own = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        let name = own("name");
        let namespace = match own("namespace") {
            _ if !namespaced => String::new(),
            own if own.is_empty() => default_namespace.to_owned(),
            own => own,
        };
        default_metadata(&mut object, &namespace, &name);
        self.stored.entry(key).or_default().add(object, namespace, name);
        Ok(())
    }

    /// The objects of a kind.
    fn of_version(&self, api_version: &str, kind: &str) -> Option<&Stored> {
        match ACCESS_KINDS.iter().position(|known| *known == kind) {
            Some(known) if api_version == bootstrap::API_VERSION => self.access().kinds.get(known),
            _ => self.stored.get(&(api_version.to_owned(), kind.to_owned())),
        }
    }

    /// The objects of a kind, by version.
    fn of_versions(&self, group: &str, kind: &str) -> Vec<&Stored> {
        let own = self.stored.keys().filter(|key| key.1 == kind && kinds::group_version(&key.0).0 == group).map(|key| &*key.0);
        let mut versions: Vec<&str> = own.chain((group == GROUP).then_some(bootstrap::API_VERSION)).collect();
        versions.sort_unstable();
        versions.dedup();
        versions.into_iter().filter_map(|version| self.of_version(version, kind)).collect()
    }

    fn access(&self) -> &Access {
        self.access.get_or_init(|| {
            let kinds = ACCESS_KINDS.map(|kind| {
                let own = self.stored.get(&(bootstrap::API_VERSION.to_owned(), kind.to_owned()));
                let made = bootstrap::roles().iter().chain(bootstrap::bindings()).filter(|object| object["kind"] == kind);
                Stored::beside(own, made)
            });
            let mut access = Access { kinds, aggregated: Ok(()) };
            let [cluster_roles, ..] = &mut access.kinds;
            access.aggregated = aggregate(&mut cluster_roles.objects);
            access
        })
    }

    /// Whether it can be said what the ClusterRoles grant.
    ///
    /// # Errors
    /// When aggregation has no end.
    pub(crate) fn aggregated(&self) -> Result<(), String> {
        self.access().aggregated.map_err(|problem| problem.to_string())
    }

    /// An answer is no answer when it would have an aggregated ClusterRole without its rules.
    fn check(&self, api_version: &str, object: &Value) -> Result<(), String> {
        let is_aggregated = api_version == bootstrap::API_VERSION && !object["aggregationRule"].is_null();
        if is_aggregated { self.aggregated() } else { Ok(()) }
    }

    /// The list of the objects that a request selects, of the whole cluster or of its namespace.
    pub(crate) fn list(&self, request: &ResourceRequest, in_namespace: bool) -> Result<Value, String> {
        let ResourceRequest { api_version, kind, .. } = request;
        let namespace = match (in_namespace, &request.namespace) {
            (false, _) => None,
            (true, None) => return Err("missing field `namespace`".to_owned()),
            (true, Some(_)) if !self.kinds.is_namespaced(request.group(), kind) => {
                return Err(format!(
                    "resource {api_version}/{kind} is cluster wide. Cannot search for it inside of a namespace"
                ));
            }
            (true, Some(namespace)) => Some(namespace.as_str()),
        };
        let labels = LabelSelector::parse(request.label_selector.as_deref().unwrap_or_default())?;
        let fields = FieldSelector::parse(request.field_selector.as_deref().unwrap_or_default(), request.group(), kind)?;
        let mask = Mask::new(request.field_masks.as_deref());
        let stored = self.of_version(api_version, kind);
        let items: Vec<Value> = stored
            .map(|stored| stored.candidates(namespace, &labels))
            .unwrap_or_default()
            .into_iter()
            .filter(|object| namespace.is_none_or(|namespace| object["metadata"]["namespace"] == namespace))
            .filter(|object| labels.matches(object) && fields.matches(object))
            .map(|object| {
                self.check(api_version, object)?;
                let mut object = mask.prune_object(object);
                forget_managers(&mut object);
                Ok(object)
            })
            .collect::<Result<_, String>>()?;
        Ok(json!({
            "apiVersion": api_version,
            "kind": format!("{kind}List"),
            "metadata": {"resourceVersion": ""},
            "items": items,
        }))
    }

    /// The objects of a kind, of all versions.
    pub(crate) fn of_kind(&self, group: &str, kind: &str) -> impl Iterator<Item = &Value> {
        self.of_versions(group, kind).into_iter().flat_map(|stored| &stored.objects)
    }

    /// The object of a name, of whatever version; in the namespace, or of a kind without when that is empty.
    pub(crate) fn find(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.of_versions(group, kind).into_iter().find_map(|stored| stored.get(namespace, name))
    }

    /// One object.
    pub(crate) fn get(&self, request: &ResourceRequest) -> Result<Value, String> {
        let ResourceRequest { api_version, kind, name, namespace, .. } = request;
        let place = match namespace {
            // Policy-server does not look at the namespace then.
            _ if !self.kinds.is_namespaced(request.group(), kind) => "",
            Some(namespace) => namespace,
            None => return Err(format!("Resource {api_version}/{kind} is namespaced, but no namespace was provided")),
        };
        let object = self
            .of_version(api_version, kind)
            .and_then(|stored| stored.get(place, name))
            .filter(|_| !name.is_empty())
            // The words of policy-server: guests look for them.
            .ok_or_else(|| format!("Cannot find {api_version}/{kind} named '{name}' inside of namespace '{namespace:?}'"))?;
        self.check(api_version, object)?;
        Ok(Mask::new(request.field_masks.as_deref()).prune_object(object))
    }
}

impl Stored {
    /// These objects, and of the others those that have names of their own.
    fn beside<'o>(own: Option<&'o Self>, others: impl Iterator<Item = &'o Value>) -> Self {
        let mut all = Self::default();
        let text = |object: &Value, field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        for object in own.into_iter().flat_map(|own| &own.objects) {
            all.add(object.clone(), text(object, "namespace"), text(object, "name"));
        }
        for object in others {
            let (namespace, name) = (text(object, "namespace"), text(object, "name"));
            if all.get(&namespace, &name).is_none() {
                all.add(object.clone(), namespace, name);
            }
        }
        all
    }

    /// Adds an object; one of the same name gives way to it.
    fn add(&mut self, object: Value, namespace: String, name: String) {
        self.by_label.take();
        let identity = (namespace, name);
        match self.by_name.get(&identity).and_then(|index| self.objects.get_mut(*index)) {
            // Objects whose name the API server is to make are all different.
            Some(same) if !identity.1.is_empty() => *same = object,
            _ => {
                let index = self.objects.len();
                self.objects.push(object);
                self.by_namespace.entry(identity.0.clone()).or_default().push(index);
                self.by_name.insert(identity, index);
            }
        }
    }

    fn get(&self, namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(*self.by_name.get(&(namespace.to_owned(), name.to_owned()))?)
    }

    /// Objects among which are all that a selector wants, in the order in which they came: as few as an index tells.
    fn candidates(&self, namespace: Option<&str>, labels: &LabelSelector) -> Vec<&Value> {
        let of = |indices: &[usize]| indices.iter().filter_map(|index| self.objects.get(*index)).collect();
        let in_namespace = namespace.map(|namespace| self.by_namespace.get(namespace).map_or(&[][..], Vec::as_slice));
        let labelled = labels
            .equalities()
            .map(|(key, value)| self.by_label().get(&(key.to_owned(), value.to_owned())).map_or(&[][..], Vec::as_slice))
            .min_by_key(|indices| indices.len());
        match (in_namespace, labelled) {
            (None, None) => self.objects.iter().collect(),
            (Some(indices), None) | (None, Some(indices)) => of(indices),
            (Some(one), Some(other)) => of(if one.len() <= other.len() { one } else { other }),
        }
    }

    fn by_label(&self) -> &HashMap<(String, String), Vec<usize>> {
        self.by_label.get_or_init(|| {
            let mut index: HashMap<_, Vec<usize>> = HashMap::new();
            for (number, object) in self.objects.iter().enumerate() {
                for (key, value) in object["metadata"]["labels"].as_object().into_iter().flatten() {
                    if let Some(value) = value.as_str() {
                        index.entry((key.clone(), value.to_owned())).or_default().push(number);
                    }
                }
            }
            index
        })
    }
}

/// Fills in what the aggregation controller does: the rules of ClusterRoles that are made of others.
///
/// # Errors
/// When that would be endless. No rules are filled in then.
fn aggregate(roles: &mut [Value]) -> Result<(), TooMany> {
    let all = aggregation::members(&roles.iter().collect::<Vec<_>>())?;
    let mut left = MOST_RULES;
    let mut filled = Vec::new();
    for (index, members) in all.iter().enumerate() {
        let Some(members) = members else { continue };
        let (mut rules, mut seen) = (Vec::new(), HashSet::new());
        let with_rules = members.iter().filter(|member| all.get(**member).is_some_and(Option::is_none));
        let own = with_rules.filter_map(|member| roles.get(*member)?["rules"].as_array()).flatten();
        for rule in own {
            left = left.checked_sub(1).ok_or(TooMany)?;
            if seen.insert(rule) {
                rules.push(rule.clone());
            }
        }
        filled.push((index, rules));
    }
    for (index, rules) in filled {
        if let Some(Value::Object(role)) = roles.get_mut(index) {
            role.insert("rules".to_owned(), rules.into());
        }
    }
    Ok(())
}

/// Fills in what the API server does: the namespace, and the label that every Namespace has.
fn default_metadata(object: &mut Value, namespace: &str, name: &str) {
    let Some(fields) = object.as_object_mut() else { return };
    let is_namespace = fields.get("apiVersion").is_some_and(|version| version == "v1")
        && fields.get("kind").is_some_and(|kind| kind == "Namespace");
    let Value::Object(metadata) = fields.entry("metadata").or_insert_with(|| json!({})) else { return };
    if namespace.is_empty() {
        metadata.remove("namespace");
    } else {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    if is_namespace && !name.is_empty() {
        let labels = metadata.entry("labels").or_insert_with(|| json!({}));
        if labels.is_null() {
            *labels = json!({});
        }
        if let Value::Object(labels) = labels {
            labels.insert(NAMESPACE_NAME.to_owned(), name.into());
        }
    }
}

/// Lists come without managed fields, and without what `kubectl apply` remembers.
fn forget_managers(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    metadata.remove("managedFields");
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(LAST_APPLIED);
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
