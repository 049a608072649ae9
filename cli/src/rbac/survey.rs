//! Makes the report: who is bound to what, and what that grants.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use palisade_harness::{aggregation, bootstrap};
use palisade_sdk::Date;
use palisade_sdk::json;
use palisade_sdk::rbac::GROUP;
use palisade_sdk::rbac::bootstrap::{LABEL, is_cluster_role};
use palisade_sdk::rbac::subjects::{self, Class, Who};
use serde_json::Value;

use super::granted::{Granted, Judged};
use super::objects::{Known, Objects, namespace_of};
use super::risks::{self, Giving};
use super::{AccessReport, Annotations, Binding, Due, Given, Grant, Id, Mark, Problem, Role, Rule, Run, Subject};
use crate::input::{Input, Object};
use crate::report::{Failure, Note, Place, count};

/// All ServiceAccounts are in it.
const ACCOUNTS: &str = "system:serviceaccounts";
/// All ServiceAccounts of a namespace are in the group of this name, with the namespace behind a colon.
const ACCOUNTS_OF: &str = "system:serviceaccounts:";
/// All who have credentials are in it.
const AUTHENTICATED: &str = "system:authenticated";
/// A user who has none.
const ANONYMOUS: &str = "system:anonymous";

/// The report of what was read. Objects that name no namespace are in `namespace`.
pub fn survey(input: Input, namespace: &str, annotations: &Annotations, today: Date) -> AccessReport {
    let Input { files, objects, failures, notes } = input;
    let number = objects.len();
    let objects = Objects::of(objects, namespace);
    let mut survey = Survey {
        report: AccessReport {
            today,
            files,
            objects: number,
            subjects: Vec::new(),
            bindings: Vec::new(),
            roles: Vec::new(),
            problems: Vec::new(),
            failures,
            notes,
            is_part: false,
        },
        holders: BTreeMap::new(),
    };
    let Objects { mut roles, mut bindings, accounts, workloads, notes } = objects;
    survey.report.notes.extend(notes);
    roles.sort_by(|one, other| one.id.cmp(&other.id));
    bindings.sort_by(|one, other| one.id.cmp(&other.id));
    let texts = survey.roles(roles, annotations);
    let rules = Granted::read(&texts, &mut survey.report);
    survey.bindings(&bindings, annotations);
    survey.accounts(&accounts, workloads);
    survey.subjects(&rules);
    survey.unused(&rules);
    survey.report
}

/// Somebody to whom bindings give something, as far as it is known yet.
#[derive(Default)]
struct Holder {
    place: Option<Place>,
    runs: Vec<Run>,
    /// The bindings, in order.
    bindings: Vec<usize>,
}

/// The report in the making.
struct Survey {
    report: AccessReport,
    holders: BTreeMap<Id, Holder>,
}

impl Survey {
    /// The roles of the documents, and those that every cluster has beside them. Gives back each as text.
    fn roles(&mut self, known: Vec<Known>, annotations: &Annotations) -> Vec<String> {
        let mut values = Vec::new();
        for Known { id, object } in known {
            let place = Some(object.locate(""));
            let role = Role {
                is_delivered: is_delivered(&id, &object.value),
                due: Due::of(&object.value, annotations),
                rules: rules_of(&object.value, Some(&object)),
                parts: None,
                is_endless: false,
                is_used: false,
                marks: Arc::default(),
                id,
                place,
            };
            self.report.roles.push(role);
            values.push(object.value);
        }
        let own: HashSet<Id> = self.report.roles.iter().map(|role| role.id.clone()).collect();
        for value in bootstrap::roles() {
            let namespace = value["metadata"]["namespace"].as_str().map(Arc::from);
            let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
            let id = Id { kind, namespace, name: value["metadata"]["name"].as_str().unwrap_or_default().into() };
            if own.contains(&id) {
                continue;
            }
            self.report.roles.push(Role {
                id,
                place: None,
                is_delivered: true,
                due: Due::default(),
                rules: rules_of(value, None),
                parts: None,
                is_endless: false,
                is_used: false,
                marks: Arc::default(),
            });
            values.push(value.clone());
        }
        self.aggregate(&values);
        values.iter().map(Value::to_string).collect()
    }

    /// Finds out what aggregated ClusterRoles are made of.
    fn aggregate(&mut self, values: &[Value]) {
        let roles = &mut self.report.roles;
        let cluster_roles: Vec<usize> =
            (0..roles.len()).filter(|role| roles.get(*role).is_some_and(|role| role.id.kind == "ClusterRole")).collect();
        let candidates: Vec<&Value> = cluster_roles.iter().filter_map(|role| values.get(*role)).collect();
        match aggregation::members(&candidates) {
            Ok(members) => {
                for (role, members) in cluster_roles.iter().zip(members) {
                    let parts = members
                        .map(|members| members.iter().filter_map(|member| cluster_roles.get(*member).copied()).collect());
                    if let Some(role) = roles.get_mut(*role) {
                        role.parts = parts;
                    }
                }
            }
            Err(problem) => {
                // Nothing can be said of what they grant; the first of them stands for all.
                let mut place = None;
                for role in cluster_roles {
                    let is_aggregated = values.get(role).is_some_and(|value| !value["aggregationRule"].is_null());
                    if let Some(role) = roles.get_mut(role).filter(|_| is_aggregated) {
                        role.is_endless = true;
                        place = place.or(role.place.clone());
                    }
                }
                if let Some(place) = place {
                    self.report.failures.push(Failure { place, resource: None, policy: None, message: problem.to_string() });
                }
            }
        }
    }

    /// The bindings, and to whom they give something.
    fn bindings(&mut self, known: &[Known], annotations: &Annotations) {
        let roles: HashMap<Id, usize> =
            self.report.roles.iter().enumerate().map(|(index, role)| (role.id.clone(), index)).collect();
        let mut left_out = Vec::new();
        for one in known {
            // Nobody can change it for long, nor review it.
            if is_as_delivered(one) {
                left_out.push(one);
                continue;
            }
            let Some((kind, name)) = self.role_ref(one) else { continue };
            let namespace = if kind == "Role" { one.id.namespace.clone() } else { None };
            let id = Id { kind, namespace, name: name.into() };
            let role = match roles.get(&id) {
                Some(role) => Given::Role(*role),
                None => Given::Missing(id),
            };
            self.mark_used(&role);
            let index = self.report.bindings.len();
            let due = Due::of(&one.object.value, annotations);
            self.report.bindings.push(Binding { id: one.id.clone(), place: one.place(), due, role });
            self.hand_out(one, index);
        }
        if let Some(first) = left_out.first() {
            let message =
                format!("{} left out: the API server makes the same in every cluster", count(left_out.len(), "binding"));
            self.report.notes.push(Note { place: Place { position: None, ..first.place() }, message });
        }
    }

    /// A role that is given, and those that it is made of.
    fn mark_used(&mut self, given: &Given) {
        let Given::Role(index) = given else { return };
        let Some(role) = self.report.roles.get_mut(*index).filter(|role| !role.is_used) else { return };
        role.is_used = true;
        for part in role.parts.clone().unwrap_or_default() {
            if let Some(part) = self.report.roles.get_mut(part) {
                part.is_used = true;
            }
        }
    }

    /// Kind and name of the role that a binding gives, if the API server would take it.
    fn role_ref(&mut self, binding: &Known) -> Option<(&'static str, String)> {
        let reference = &binding.object.value["roleRef"];
        let text = |field: &str| reference[field].as_str().unwrap_or_default();
        let (kind, name) = (text("kind"), text("name"));
        let known = match kind {
            "Role" if binding.id.namespace.is_some() => Some("Role"),
            "ClusterRole" => Some("ClusterRole"),
            _ => None,
        };
        let (field, message) = match known {
            _ if !["", GROUP].contains(&text("apiGroup")) => {
                ("roleRef.apiGroup", "refers to a role of another API group than rbac.authorization.k8s.io")
            }
            None if kind == "Role" => ("roleRef.kind", "a ClusterRoleBinding gives no Role, only a ClusterRole"),
            None => ("roleRef.kind", "refers to something that is neither a Role nor a ClusterRole"),
            Some(_) if name.is_empty() => ("roleRef.name", "names no role"),
            Some(kind) => return Some((kind, name.to_owned())),
        };
        self.problem("invalid-role-ref", binding, field, format!("{message}; the API server refuses it"));
        None
    }

    fn problem(&mut self, id: &'static str, known: &Known, path: &str, message: String) {
        let problem = Problem { id, place: known.object.locate(path), object: known.id.clone(), message };
        self.report.problems.push(problem);
    }

    /// Notes for each subject of a binding that it holds what the binding gives.
    fn hand_out(&mut self, known: &Known, binding: usize) {
        let text = known.object.value.to_string();
        let read: subjects::Binding<'_> = match json::from_str(&text) {
            Ok(read) => read,
            Err(error) => {
                return self.problem(
                    "invalid-subject",
                    known,
                    "subjects",
                    format!("the subjects cannot be read: {}", error.problem),
                );
            }
        };
        if read.subjects.is_empty() {
            self.problem("no-subject", known, "", "binds nobody".to_owned());
        }
        let namespace = known.id.namespace.as_deref().unwrap_or_default();
        for (index, subject) in read.subjects.iter().enumerate() {
            if let Some((field, problem)) = subject.refused_for(namespace) {
                let path = format!("subjects[{index}].{field}");
                let message = format!("{field} of subjects[{index}] {problem}; the API server refuses the binding");
                self.problem("invalid-subject", known, &path, message);
                continue;
            }
            let Some(id) = id_of(subject.who(namespace)) else { continue };
            let holder = self.holders.entry(id).or_default();
            // The same subject may be listed twice.
            if holder.bindings.last() != Some(&binding) {
                holder.bindings.push(binding);
            }
        }
    }

    /// ServiceAccounts, and what runs as them, whether anything is bound to them or not.
    fn accounts(&mut self, accounts: &[Known], workloads: Vec<(Known, super::objects::Pod)>) {
        let mut automounts: HashMap<Id, bool> = HashMap::new();
        for account in accounts {
            self.holders.entry(account.id.clone()).or_default().place = Some(account.place());
            if let Some(automount) = account.object.value["automountServiceAccountToken"].as_bool() {
                automounts.insert(account.id.clone(), automount);
            }
        }
        for (workload, pod) in workloads {
            let namespace = namespace_of(&workload.id);
            let account = Id { kind: "ServiceAccount", namespace: Some(namespace), name: pod.account.into() };
            let automount = pod.automount.or_else(|| automounts.get(&account).copied()).unwrap_or(true);
            let run = Run { place: workload.place(), workload: workload.id, has_token: automount || pod.projects_token };
            self.holders.entry(account).or_default().runs.push(run);
        }
        for holder in self.holders.values_mut() {
            holder.runs.sort_by(|one, other| (&one.workload, &one.place).cmp(&(&other.workload, &other.place)));
        }
    }

    /// Judges what each subject holds.
    fn subjects(&mut self, granted: &Granted<'_>) {
        let mut judged = Judged::new(granted);
        let mut subjects: Vec<Subject> = Vec::with_capacity(self.holders.len());
        for (id, Holder { place, runs, bindings }) in std::mem::take(&mut self.holders) {
            let grants = bindings.iter().filter_map(|binding| self.grant(&id, *binding, &mut judged)).collect();
            let together = self.together(&bindings, &mut judged);
            subjects.push(Subject { id, place, runs, groups: Vec::new(), grants, together });
        }
        subjects.sort_by(|one, other| other.risk().cmp(&one.risk()).then_with(|| one.id.cmp(&other.id)));
        self.report.subjects = subjects;
        self.join_groups();
    }

    fn grant(&self, id: &Id, index: usize, judged: &mut Judged<'_, '_>) -> Option<Grant> {
        let binding = self.report.bindings.get(index)?;
        let who = who(id);
        let namespace = binding.id.namespace.as_deref();
        let role = self.report.role_of(binding);
        let mut own_marks = Vec::new();
        let role_marks = match (&binding.role, role) {
            (Given::Role(number), Some(role)) => {
                let is_person = matches!(who, Who::User(_) | Who::Group(_)) && who.class() == Class::Other;
                let giving = Giving {
                    as_meant: is_person && role.is_delivered,
                    to_account: matches!(who, Who::ServiceAccount { .. }),
                    user_facing: role.is_delivered && role.parts.is_some(),
                    ..Giving::within(namespace)
                };
                judged.marks(&self.report, *number, giving)
            }
            (Given::Missing(id), _) => {
                own_marks.push(risks::of_missing(&id.to_string()));
                Arc::default()
            }
            (Given::Role(_), None) => return None,
        };
        own_marks.extend(role.filter(|role| role.is_endless).map(|_| risks::of_endless()));
        own_marks.extend(risks::of_subject(who, namespace, |audience| match binding.role {
            Given::Role(role) => judged.is_harmless(&self.report, role, audience, &binding.id.namespace),
            Given::Missing(_) => false,
        }));
        Some(Grant { binding: index, role_marks, own_marks })
    }

    /// What only several bindings lead to.
    fn together(&self, bindings: &[usize], judged: &mut Judged<'_, '_>) -> Vec<Mark> {
        if bindings.len() < 2 {
            return Vec::new();
        }
        // For each danger: by which binding the grant is made, and by which what must come to it; everywhere, and by namespace.
        let mut scopes: BTreeMap<Option<Arc<str>>, BTreeMap<usize, Halves>> = BTreeMap::new();
        for index in bindings {
            let Some(binding) = self.report.bindings.get(*index) else { continue };
            let Given::Role(role) = binding.role else { continue };
            let namespace = binding.id.namespace.clone();
            let halves = judged.halves(&self.report, role, Giving::within(namespace.as_deref()));
            let scope = scopes.entry(namespace).or_default();
            for half in halves.iter() {
                let both = scope.entry(half.danger).or_default();
                both.grant = both.grant.or(half.grant.map(|_| *index));
                both.partner = both.partner.or(half.partner.map(|_| *index));
                both.is_whole |= half.grant.is_some() && half.partner.is_some();
            }
        }
        let everywhere = scopes.get(&None).cloned().unwrap_or_default();
        let mut marks = Vec::new();
        for (namespace, dangers) in &scopes {
            let place = match namespace {
                Some(namespace) => format!("in namespace {namespace}"),
                None => "in the cluster".to_owned(),
            };
            for (danger, here) in dangers {
                let cluster = everywhere.get(danger).filter(|_| namespace.is_some()).copied().unwrap_or_default();
                let is_whole = here.is_whole || cluster.is_whole || (cluster.grant.is_some() && cluster.partner.is_some());
                let (Some(grant), Some(partner)) = (here.grant.or(cluster.grant), here.partner.or(cluster.partner)) else {
                    continue;
                };
                let name = |binding: usize| {
                    self.report.bindings.get(binding).map(|binding| binding.id.to_string()).unwrap_or_default()
                };
                if !is_whole {
                    marks.extend(risks::of_halves(*danger, &name(grant), &name(partner), &place));
                }
            }
        }
        marks.sort_by_key(|mark| std::cmp::Reverse(mark.risk));
        marks
    }

    /// Finds the groups that subjects are in whatever anybody says, among those that hold something.
    fn join_groups(&mut self) {
        let groups: HashMap<Arc<str>, usize> = self
            .report
            .subjects
            .iter()
            .enumerate()
            .filter(|(_, subject)| subject.id.kind == "Group")
            .map(|(index, subject)| (Arc::clone(&subject.id.name), index))
            .collect();
        for subject in &mut self.report.subjects {
            let of_namespace = subject.id.namespace.as_ref().map(|namespace| format!("{ACCOUNTS_OF}{namespace}"));
            let names = match (subject.id.kind, &*subject.id.name) {
                ("ServiceAccount", _) => vec![of_namespace.as_deref().unwrap_or_default(), ACCOUNTS, AUTHENTICATED],
                ("User", name) if name != ANONYMOUS => vec![AUTHENTICATED],
                _ => Vec::new(),
            };
            subject.groups = names.into_iter().filter_map(|name| groups.get(name).copied()).collect();
        }
    }

    /// Judges the roles that nobody is bound to, as far as they could be bound.
    fn unused(&mut self, granted: &Granted<'_>) {
        // What is aggregated into a role that every cluster has is used by whoever holds that one.
        let delivered: HashSet<usize> = self
            .report
            .roles
            .iter()
            .filter(|role| role.is_delivered)
            .flat_map(|role| role.parts.iter().flatten().copied())
            .collect();
        let mut judged = Judged::new(granted);
        for index in 0..self.report.roles.len() {
            let Some(role) = self.report.roles.get_mut(index) else { continue };
            role.is_used |= delivered.contains(&index);
            if role.is_used || role.is_delivered {
                continue;
            }
            let giving = Giving::within(role.id.namespace.as_deref());
            let marks = judged.marks(&self.report, index, giving);
            if let Some(role) = self.report.roles.get_mut(index) {
                // Where it will be bound is not known.
                role.marks = marks.iter().filter(|mark| mark.id != "cluster-wide-binding").cloned().collect();
            }
        }
    }
}

/// By which binding a danger is granted, and by which what must come to it.
#[derive(Clone, Copy, Default)]
struct Halves {
    grant: Option<usize>,
    partner: Option<usize>,
    /// Whether one role has both: then it is marked there.
    is_whole: bool,
}

/// Whether a role is one that the API server makes. The label can be written by anybody, and so can the name; together they say what is
/// meant, and what the role grants is judged all the same.
fn is_delivered(id: &Id, role: &Value) -> bool {
    let (label, value) = LABEL;
    let is_known = || match id.kind {
        "ClusterRole" => is_cluster_role(&id.name),
        _ => bootstrap::roles().iter().any(|own| is_same_object(id, own)),
    };
    role["metadata"]["labels"][label] == value && is_known()
}

/// Whether a binding is as the API server makes it: the same role, to the same subjects.
fn is_as_delivered(known: &Known) -> bool {
    let binding = &known.object.value;
    let (label, value) = LABEL;
    if binding["metadata"]["labels"][label] != value {
        return false;
    }
    let subjects = |binding: &Value| -> HashSet<[String; 3]> {
        let text = |subject: &Value, field: &str| subject[field].as_str().unwrap_or_default().to_owned();
        let subjects = binding["subjects"].as_array().into_iter().flatten();
        subjects.map(|subject| ["kind", "namespace", "name"].map(|field| text(subject, field))).collect()
    };
    let own = bootstrap::bindings().iter().find(|own| is_same_object(&known.id, own));
    own.is_some_and(|own| {
        let same = |field: &str| own["roleRef"][field] == binding["roleRef"][field];
        same("kind") && same("name") && subjects(own) == subjects(binding)
    })
}

fn is_same_object(id: &Id, object: &Value) -> bool {
    object["kind"] == id.kind
        && object["metadata"]["namespace"].as_str() == id.namespace.as_deref()
        && object["metadata"]["name"] == *id.name
}

/// The rules as they are written, for people to read.
fn rules_of(role: &Value, object: Option<&Object>) -> Vec<Rule> {
    let rules = role["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
    let list = |rule: &Value, field: &str| -> Vec<String> {
        rule[field].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    rules
        .iter()
        .enumerate()
        .map(|(index, rule)| Rule {
            verbs: list(rule, "verbs"),
            api_groups: list(rule, "apiGroups"),
            resources: list(rule, "resources"),
            resource_names: list(rule, "resourceNames"),
            urls: list(rule, "nonResourceURLs"),
            place: object.map(|object| object.locate(&format!("rules[{index}]"))),
        })
        .collect()
}

/// The name that a subject goes by in the report. A User can be a ServiceAccount.
fn id_of(who: Who<'_>) -> Option<Id> {
    Some(match who {
        Who::User(name) => Id { kind: "User", namespace: None, name: name.into() },
        Who::Group(name) => Id { kind: "Group", namespace: None, name: name.into() },
        Who::ServiceAccount { namespace, name } => {
            Id { kind: "ServiceAccount", namespace: Some(namespace.into()), name: name.into() }
        }
        Who::Nobody => return None,
    })
}

/// The subject of a name.
fn who(id: &Id) -> Who<'_> {
    match (id.kind, &id.namespace) {
        ("ServiceAccount", Some(namespace)) => Who::ServiceAccount { namespace, name: &id.name },
        ("Group", _) => Who::Group(&id.name),
        _ => Who::User(&id.name),
    }
}
