//! Who may do what, by the roles and bindings of manifests: the report that a regular review of access starts from.
//!
//! [`survey`] makes it of what was read. It judges grants by the dangers and grades of `palisade_sdk::rbac`, as the policies do.

mod due;
mod granted;
pub mod json;
pub mod markdown;
mod objects;
mod risks;
pub mod survey;
pub mod table;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use palisade_sdk::{Date, glob};
use serde::Serialize;

use crate::report::{Failure, Note, Place, count};
pub use due::{Annotations, Due, Review};

/// What an object or a subject goes by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// For example `RoleBinding`, `Group`.
    pub kind: &'static str,
    /// The namespace; `None` for what is in none.
    pub namespace: Option<Arc<str>>,
    /// The name.
    pub name: Arc<str>,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name } = self;
        let name = if name.is_empty() { "(without a name)" } else { name };
        match namespace {
            Some(namespace) => write!(f, "{kind} {namespace}/{name}"),
            None => write!(f, "{kind} {name}"),
        }
    }
}

impl Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'i> {
            kind: &'i str,
            namespace: Option<&'i str>,
            name: &'i str,
        }
        Written { kind: self.kind, namespace: self.namespace.as_deref(), name: &self.name }.serialize(serializer)
    }
}

impl Id {
    /// Whether a pattern of the command line means it: by name, with the namespace, with the kind, or with both.
    fn is_meant_by(&self, pattern: &str) -> bool {
        let Self { kind, namespace, name } = self;
        let full = namespace.as_ref().map(|namespace| format!("{namespace}/{name}"));
        let names = [Some(&**name), full.as_deref()];
        names
            .into_iter()
            .flatten()
            .any(|name| glob::matches(pattern, name) || glob::matches(pattern, &format!("{kind}:{name}")))
    }
}

/// How much a grant matters: as the policies would have it, `High` is what they reject, and `Medium` what they warn of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// What applications and those who deploy them may need, and what is worth a look all the same.
    Medium,
    /// What leads to the rights of others, or goes to everybody.
    High,
}

impl Risk {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Something about a grant that a reviewer must look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Stable: the id of the rule of a policy, or of a class of dangers, which have the same ids.
    pub id: &'static str,
    /// How much it matters.
    pub risk: Risk,
    /// What is granted, or to whom: `create on pods/exec`.
    pub what: String,
    /// What that means.
    pub why: String,
    /// The rule of the role, where it is one in particular and in a document.
    pub place: Option<Place>,
}

/// A rule of a role.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    pub verbs: Vec<String>,
    pub api_groups: Vec<String>,
    pub resources: Vec<String>,
    pub resource_names: Vec<String>,
    pub urls: Vec<String>,
    /// `None` in a role that is not among the documents.
    pub place: Option<Place>,
}

/// A Role or ClusterRole.
#[derive(Clone, Debug)]
pub struct Role {
    pub id: Id,
    /// `None` for one that is not among the documents.
    pub place: Option<Place>,
    /// Whether the API server makes it, and every cluster has it: by name and label where it is among the documents.
    pub is_delivered: bool,
    pub due: Due,
    /// The rules that are written in it.
    pub rules: Vec<Rule>,
    /// The ClusterRoles whose rules it has instead of those, where it is aggregated, through others too: indices into
    /// [`AccessReport::roles`].
    pub parts: Option<Vec<usize>>,
    /// Whether it is aggregated from so many others that nothing can be said of it.
    pub is_endless: bool,
    /// Whether a binding of the documents gives it, or a role that is used is made of it.
    pub is_used: bool,
    /// What somebody would hold to whom it is bound as it could be; of unused roles only.
    pub marks: Arc<[Mark]>,
}

impl Role {
    /// Whether a reader is told its rules, where they are known. What `admin`, `edit` and `view` grant fills pages, and is told by Kubernetes.
    fn shows_rules(&self) -> bool {
        !self.is_endless && (!self.is_delivered || self.parts.is_none())
    }
}

/// The role that a binding gives.
#[derive(Clone, Debug)]
pub enum Given {
    /// Index into [`AccessReport::roles`].
    Role(usize),
    /// Neither in the documents, nor one that every cluster has.
    Missing(Id),
}

/// A RoleBinding or ClusterRoleBinding.
#[derive(Clone, Debug)]
pub struct Binding {
    pub id: Id,
    pub place: Place,
    pub due: Due,
    pub role: Given,
}

/// What a subject holds through one binding.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Index into [`AccessReport::bindings`].
    pub binding: usize,
    /// What the role grants.
    pub role_marks: Arc<[Mark]>,
    /// What matters about the subject, or about the binding.
    pub own_marks: Vec<Mark>,
}

impl Grant {
    /// All marks, those that matter most first.
    pub fn marks(&self) -> Vec<&Mark> {
        let mut marks: Vec<&Mark> = self.own_marks.iter().chain(self.role_marks.iter()).collect();
        marks.sort_by_key(|mark| std::cmp::Reverse(mark.risk));
        marks
    }
}

/// A workload whose pods run as a ServiceAccount.
#[derive(Clone, Debug)]
pub struct Run {
    pub workload: Id,
    pub place: Place,
    /// Whether a token is mounted into its pods.
    pub has_token: bool,
}

/// Somebody who holds something, or could.
#[derive(Clone, Debug)]
pub struct Subject {
    pub id: Id,
    /// Of a ServiceAccount that is among the documents.
    pub place: Option<Place>,
    /// What runs as it.
    pub runs: Vec<Run>,
    /// Groups that it is in whatever anybody says, and that hold something: indices into [`AccessReport::subjects`].
    pub groups: Vec<usize>,
    /// In the order of the bindings' names.
    pub grants: Vec<Grant>,
    /// What only several of the grants lead to.
    pub together: Vec<Mark>,
}

impl Subject {
    /// Whether it is a ServiceAccount that the documents should hold, and do not. Every namespace has one called `default`.
    pub fn is_undefined(&self) -> bool {
        self.id.kind == "ServiceAccount" && self.place.is_none() && &*self.id.name != "default"
    }

    /// The greatest risk of what it holds itself.
    pub fn risk(&self) -> Option<Risk> {
        let own = self.grants.iter().flat_map(|grant| grant.own_marks.iter().chain(grant.role_marks.iter()));
        own.chain(&self.together).map(|mark| mark.risk).max()
    }
}

/// Something that is not as its author can have meant it.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Stable: `invalid-subject` and so on.
    pub id: &'static str,
    pub place: Place,
    pub object: Id,
    pub message: String,
}

/// Who may do what. Everything is in an order that depends on names alone.
#[derive(Clone, Debug)]
pub struct AccessReport {
    /// For which day it is made.
    pub today: Date,
    /// How many files were read.
    pub files: usize,
    /// How many objects were found.
    pub objects: usize,
    /// Those with the greatest risk first, then by kind, namespace and name.
    pub subjects: Vec<Subject>,
    pub bindings: Vec<Binding>,
    /// Those of the documents, and those that every cluster has.
    pub roles: Vec<Role>,
    pub problems: Vec<Problem>,
    /// What could not be read.
    pub failures: Vec<Failure>,
    /// What else is to be known.
    pub notes: Vec<Note>,
    /// Whether it was narrowed to a part of the subjects.
    pub is_part: bool,
}

/// What a reader wants to see.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Patterns, of which one must mean the subject.
    pub subjects: Vec<String>,
    /// Only what is granted in these namespaces, by whatever binding: patterns.
    pub within: Vec<String>,
    /// Only subjects with a risk of this or above.
    pub risk: Option<Risk>,
}

impl AccessReport {
    /// Leaves out what the filter does not ask for.
    pub fn narrow(&mut self, filter: &Filter) {
        let Filter { subjects, within, risk } = filter;
        if subjects.is_empty() && within.is_empty() && risk.is_none() {
            return;
        }
        self.is_part = true;
        let is_within = |namespace: &str| within.is_empty() || within.iter().any(|pattern| glob::matches(pattern, namespace));
        let bindings = &self.bindings;
        for subject in &mut self.subjects {
            let reaches = |grant: &Grant| {
                let namespace = bindings.get(grant.binding).and_then(|binding| binding.id.namespace.as_ref());
                namespace.is_none_or(|namespace| is_within(namespace))
            };
            if subject.grants.iter().any(|grant| !reaches(grant)) {
                subject.grants.retain(reaches);
                subject.together.clear();
            }
        }
        let wanted: Vec<bool> = self
            .subjects
            .iter()
            .map(|subject| {
                let lives_there = subject.id.namespace.as_ref().is_some_and(|namespace| is_within(namespace));
                (subjects.is_empty() || subjects.iter().any(|pattern| subject.id.is_meant_by(pattern)))
                    && (!subject.grants.is_empty() || lives_there)
                    && risk.is_none_or(|risk| subject.risk() >= Some(risk))
            })
            .collect();
        // Where each of those that stay will be.
        let mut places = Vec::with_capacity(wanted.len());
        let mut next = 0;
        for wanted in &wanted {
            places.push(wanted.then_some(next));
            next += usize::from(*wanted);
        }
        for subject in &mut self.subjects {
            subject.groups = subject.groups.iter().filter_map(|group| places.get(*group).copied().flatten()).collect();
        }
        let mut wanted = wanted.into_iter();
        self.subjects.retain(|_| wanted.next().unwrap_or_default());
        self.problems.clear();
    }

    /// The role that a binding gives, if there is one.
    pub fn role_of(&self, binding: &Binding) -> Option<&Role> {
        match &binding.role {
            Given::Role(role) => self.roles.get(*role),
            Given::Missing(_) => None,
        }
    }

    /// The rules of a role, with those that are aggregated into it.
    pub fn rules_of<'r>(&'r self, role: &'r Role) -> Vec<&'r Rule> {
        match &role.parts {
            Some(parts) => {
                let parts = parts.iter().filter_map(|part| self.roles.get(*part)).filter(|part| part.parts.is_none());
                parts.flat_map(|part| &part.rules).collect()
            }
            None => role.rules.iter().collect(),
        }
    }

    /// The bindings through which the subjects hold something, in order.
    pub fn shown_bindings(&self) -> Vec<&Binding> {
        if !self.is_part {
            return self.bindings.iter().collect();
        }
        let shown: BTreeSet<usize> =
            self.subjects.iter().flat_map(|subject| &subject.grants).map(|grant| grant.binding).collect();
        shown.into_iter().filter_map(|binding| self.bindings.get(binding)).collect()
    }

    /// The roles that matter to the subjects, in order; in the whole report also those that nobody is bound to.
    pub fn shown_roles(&self) -> Vec<&Role> {
        let mut shown = BTreeSet::new();
        if !self.is_part {
            shown.extend(self.roles.iter().enumerate().filter(|(_, role)| !role.is_delivered).map(|(index, _)| index));
        }
        for binding in self.shown_bindings() {
            if let Given::Role(role) = binding.role {
                shown.insert(role);
                shown.extend(self.roles.get(role).and_then(|role| role.parts.as_ref()).into_iter().flatten());
            }
        }
        shown.into_iter().filter_map(|role| self.roles.get(role)).collect()
    }

    /// Roles of the documents that nobody is bound to.
    pub fn unused_roles(&self) -> Vec<&Role> {
        if self.is_part {
            return Vec::new();
        }
        self.roles.iter().filter(|role| !role.is_delivered && !role.is_used).collect()
    }

    /// How many there are of each.
    pub fn summary(&self) -> Summary {
        let with = |risk: Risk| self.subjects.iter().filter(|subject| subject.risk() == Some(risk)).count();
        let roles: Vec<&Role> = self.shown_roles().into_iter().filter(|role| !role.is_delivered).collect();
        let bindings = self.shown_bindings();
        let reviews = || roles.iter().map(|role| &role.due.review).chain(bindings.iter().map(|binding| &binding.due.review));
        Summary {
            files: self.files,
            objects: self.objects,
            subjects: self.subjects.len(),
            bindings: bindings.len(),
            roles: roles.len(),
            high: with(Risk::High),
            medium: with(Risk::Medium),
            overdue: reviews().filter(|review| review.is_overdue(self.today)).count(),
            without_review: reviews().filter(|review| matches!(review, Review::None | Review::Unreadable(_))).count(),
            unused_roles: self.unused_roles().len(),
            problems: self.problems.len(),
            errors: self.failures.len(),
        }
    }
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Files that were read.
    pub files: usize,
    /// Objects that were found.
    pub objects: usize,
    /// Subjects in the report.
    pub subjects: usize,
    /// Bindings in the report.
    pub bindings: usize,
    /// Roles in the report, without those that every cluster has.
    pub roles: usize,
    /// Subjects with a high risk.
    pub high: usize,
    /// Subjects with a medium risk, and no high one.
    pub medium: usize,
    /// Roles and bindings whose review is overdue.
    pub overdue: usize,
    /// Roles and bindings that name no day of review, or none that can be read.
    pub without_review: usize,
    /// Roles that nobody is bound to.
    pub unused_roles: usize,
    /// What is not as its author can have meant it.
    pub problems: usize,
    /// What could not be read.
    pub errors: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subjects, bindings, roles, high, medium, overdue, without_review, unused_roles, problems, errors, .. } =
            *self;
        write!(f, "{}, {}, {}: ", count(subjects, "subject"), count(bindings, "binding"), count(roles, "role"))?;
        match (high, medium) {
            (0, 0) => f.write_str("no risk marked")?,
            (high, 0) => write!(f, "{high} with a high risk")?,
            (0, medium) => write!(f, "{medium} with a medium risk")?,
            _ => write!(f, "{high} with a high risk, {medium} with a medium one")?,
        }
        let rest = [
            (overdue, count(overdue, "review") + " overdue"),
            (without_review, format!("{without_review} without a day of review")),
            (unused_roles, count(unused_roles, "unused role")),
            (problems, count(problems, "problem")),
            (errors, count(errors, "error")),
        ];
        rest.iter().filter(|(number, _)| *number > 0).try_for_each(|(_, words)| write!(f, "; {words}"))
    }
}
