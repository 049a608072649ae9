//! For programs: one JSON object, whose shape is documented in the crate's README and kept.

use serde::Serialize;

use super::{AccessReport, Binding, Due, Given, Grant, Id, Mark, Problem, Review, Risk, Role, Rule, Run, Subject, Summary};
use crate::report::Place;
use crate::report::json::{ErrorEntry, NoteEntry, PlaceEntry, TOOL, Tool};

/// Grows when a key changes its meaning or goes; new keys may come without that.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Root<'r> {
    schema_version: u32,
    tool: Tool,
    today: String,
    summary: Summary,
    subjects: Vec<SubjectEntry<'r>>,
    bindings: Vec<BindingEntry<'r>>,
    roles: Vec<RoleEntry<'r>>,
    problems: Vec<ProblemEntry<'r>>,
    errors: Vec<ErrorEntry<'r>>,
    notes: Vec<NoteEntry<'r>>,
}

/// A place that is not always known.
#[derive(Serialize)]
struct MaybePlace<'r> {
    file: Option<&'r str>,
    line: Option<usize>,
    column: Option<usize>,
}

impl<'r> From<Option<&'r Place>> for MaybePlace<'r> {
    fn from(place: Option<&'r Place>) -> Self {
        let position = place.and_then(|place| place.position);
        Self {
            file: place.map(|place| &*place.file),
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
        }
    }
}

#[derive(Serialize)]
struct SubjectEntry<'r> {
    #[serde(flatten)]
    id: &'r Id,
    #[serde(flatten)]
    place: MaybePlace<'r>,
    risk: Option<Risk>,
    runs: Vec<RunEntry<'r>>,
    groups: Vec<&'r str>,
    grants: Vec<GrantEntry<'r>>,
    together: Vec<MarkEntry<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunEntry<'r> {
    #[serde(flatten)]
    workload: &'r Id,
    #[serde(flatten)]
    place: PlaceEntry<'r>,
    has_token: bool,
}

#[derive(Serialize)]
struct GrantEntry<'r> {
    within: Option<&'r str>,
    binding: &'r Id,
    role: &'r Id,
    marks: Vec<MarkEntry<'r>>,
}

#[derive(Serialize)]
struct MarkEntry<'r> {
    id: &'r str,
    risk: Risk,
    what: &'r str,
    why: &'r str,
    #[serde(flatten)]
    place: MaybePlace<'r>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DueEntry<'r> {
    owner: Option<&'r str>,
    review_by: Option<String>,
    review: &'static str,
}

#[derive(Serialize)]
struct BindingEntry<'r> {
    #[serde(flatten)]
    id: &'r Id,
    #[serde(flatten)]
    place: PlaceEntry<'r>,
    #[serde(flatten)]
    due: DueEntry<'r>,
    role: &'r Id,
    exists: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RoleEntry<'r> {
    #[serde(flatten)]
    id: &'r Id,
    #[serde(flatten)]
    place: MaybePlace<'r>,
    #[serde(flatten)]
    due: DueEntry<'r>,
    is_used: bool,
    is_delivered: bool,
    made_of: Option<Vec<&'r str>>,
    rules: Vec<RuleEntry<'r>>,
    marks: Vec<MarkEntry<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleEntry<'r> {
    verbs: &'r [String],
    api_groups: &'r [String],
    resources: &'r [String],
    resource_names: &'r [String],
    #[serde(rename = "nonResourceURLs")]
    urls: &'r [String],
    #[serde(flatten)]
    place: MaybePlace<'r>,
}

#[derive(Serialize)]
struct ProblemEntry<'r> {
    id: &'r str,
    object: &'r Id,
    message: &'r str,
    #[serde(flatten)]
    place: PlaceEntry<'r>,
}

impl<'r> From<&'r Mark> for MarkEntry<'r> {
    fn from(mark: &'r Mark) -> Self {
        Self { id: mark.id, risk: mark.risk, what: &mark.what, why: &mark.why, place: mark.place.as_ref().into() }
    }
}

impl<'r> From<&'r Run> for RunEntry<'r> {
    fn from(run: &'r Run) -> Self {
        Self { workload: &run.workload, place: (&run.place).into(), has_token: run.has_token }
    }
}

impl<'r> From<&'r Rule> for RuleEntry<'r> {
    fn from(rule: &'r Rule) -> Self {
        Self {
            verbs: &rule.verbs,
            api_groups: &rule.api_groups,
            resources: &rule.resources,
            resource_names: &rule.resource_names,
            urls: &rule.urls,
            place: rule.place.as_ref().into(),
        }
    }
}

impl<'r> From<&'r Problem> for ProblemEntry<'r> {
    fn from(problem: &'r Problem) -> Self {
        Self { id: problem.id, object: &problem.object, message: &problem.message, place: (&problem.place).into() }
    }
}

/// The parts of a report that refer to each other.
struct Entries<'r>(&'r AccessReport);

impl<'r> Entries<'r> {
    fn due(&self, due: &'r Due) -> DueEntry<'r> {
        let review_by = match due.review {
            Review::By(day) => Some(day.to_string()),
            Review::None | Review::Unreadable(_) => None,
        };
        DueEntry { owner: due.owner.as_deref(), review_by, review: due.review.state(self.0.today) }
    }

    fn role_of(&self, binding: &'r Binding) -> Option<(&'r Id, bool)> {
        match &binding.role {
            Given::Missing(id) => Some((id, false)),
            Given::Role(role) => self.0.roles.get(*role).map(|role| (&role.id, true)),
        }
    }

    fn binding(&self, binding: &'r Binding) -> Option<BindingEntry<'r>> {
        let (role, exists) = self.role_of(binding)?;
        Some(BindingEntry { id: &binding.id, place: (&binding.place).into(), due: self.due(&binding.due), role, exists })
    }

    fn role(&self, role: &'r Role) -> RoleEntry<'r> {
        let names = |parts: &'r Vec<usize>| parts.iter().filter_map(|part| Some(&*self.0.roles.get(*part)?.id.name)).collect();
        RoleEntry {
            id: &role.id,
            place: role.place.as_ref().into(),
            due: self.due(&role.due),
            is_used: role.is_used,
            is_delivered: role.is_delivered,
            made_of: role.parts.as_ref().map(names),
            rules: role.rules.iter().map(Into::into).collect(),
            marks: role.marks.iter().map(Into::into).collect(),
        }
    }

    fn grant(&self, grant: &'r Grant) -> Option<GrantEntry<'r>> {
        let binding = self.0.bindings.get(grant.binding)?;
        Some(GrantEntry {
            within: binding.id.namespace.as_deref(),
            binding: &binding.id,
            role: self.role_of(binding)?.0,
            marks: grant.marks().into_iter().map(Into::into).collect(),
        })
    }

    fn subject(&self, subject: &'r Subject) -> SubjectEntry<'r> {
        SubjectEntry {
            id: &subject.id,
            place: subject.place.as_ref().into(),
            risk: subject.risk(),
            runs: subject.runs.iter().map(Into::into).collect(),
            groups: subject.groups.iter().filter_map(|group| Some(&*self.0.subjects.get(*group)?.id.name)).collect(),
            grants: subject.grants.iter().filter_map(|grant| self.grant(grant)).collect(),
            together: subject.together.iter().map(Into::into).collect(),
        }
    }
}

/// The report as JSON.
///
/// # Errors
/// None that can happen: the report holds nothing that JSON lacks.
pub fn render(report: &AccessReport) -> Result<String, serde_json::Error> {
    let entries = Entries(report);
    let root = Root {
        schema_version: SCHEMA_VERSION,
        tool: TOOL,
        today: report.today.to_string(),
        summary: report.summary(),
        subjects: report.subjects.iter().map(|subject| entries.subject(subject)).collect(),
        bindings: report.shown_bindings().into_iter().filter_map(|binding| entries.binding(binding)).collect(),
        roles: report.shown_roles().into_iter().map(|role| entries.role(role)).collect(),
        problems: report.problems.iter().map(Into::into).collect(),
        errors: report.failures.iter().map(Into::into).collect(),
        notes: report.notes.iter().map(Into::into).collect(),
    };
    serde_json::to_string_pretty(&root).map(|text| text + "\n")
}
