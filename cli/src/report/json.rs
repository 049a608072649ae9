//! For programs: one JSON object, whose shape is documented in the crate's README and kept.

use palisade_harness::Severity;
use serde::Serialize;

use super::{Exempted, Failure, Finding, Note, Place, Report, Resource, Summary};

/// Grows when a key changes its meaning or goes; new keys may come without that.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Root<'r> {
    schema_version: u32,
    tool: Tool,
    summary: Summary,
    findings: Vec<FindingEntry<'r>>,
    errors: Vec<ErrorEntry<'r>>,
    notes: Vec<NoteEntry<'r>>,
}

/// What made a report.
#[derive(Serialize)]
pub struct Tool {
    name: &'static str,
    version: &'static str,
}

/// This program.
pub const TOOL: Tool = Tool { name: "palisade", version: env!("CARGO_PKG_VERSION") };

/// A place, spread over three keys.
#[derive(Clone, Copy, Serialize)]
pub struct PlaceEntry<'r> {
    file: &'r str,
    line: Option<usize>,
    column: Option<usize>,
}

#[derive(Serialize)]
struct FindingEntry<'r> {
    #[serde(flatten)]
    place: PlaceEntry<'r>,
    policy: &'r str,
    rule: &'r str,
    severity: Severity,
    path: &'r str,
    message: &'r str,
    remedy: &'r str,
    resource: &'r Resource,
    exemption: Option<&'r Exempted>,
}

/// What could not be read or judged.
#[derive(Serialize)]
pub struct ErrorEntry<'r> {
    #[serde(flatten)]
    place: PlaceEntry<'r>,
    policy: Option<&'r str>,
    resource: Option<&'r Resource>,
    message: &'r str,
}

/// What else is to be known.
#[derive(Serialize)]
pub struct NoteEntry<'r> {
    #[serde(flatten)]
    place: PlaceEntry<'r>,
    message: &'r str,
}

impl<'r> From<&'r Place> for PlaceEntry<'r> {
    fn from(place: &'r Place) -> Self {
        let position = place.position;
        Self {
            file: &place.file,
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
        }
    }
}

impl<'r> From<&'r Finding> for FindingEntry<'r> {
    fn from(finding: &'r Finding) -> Self {
        Self {
            place: (&finding.place).into(),
            policy: &finding.policy,
            rule: &finding.rule,
            severity: finding.severity,
            path: &finding.path,
            message: &finding.message,
            remedy: &finding.remedy,
            resource: &finding.resource,
            exemption: finding.exemption.as_ref(),
        }
    }
}

impl<'r> From<&'r Failure> for ErrorEntry<'r> {
    fn from(failure: &'r Failure) -> Self {
        Self {
            place: (&failure.place).into(),
            policy: failure.policy.as_deref(),
            resource: failure.resource.as_ref(),
            message: &failure.message,
        }
    }
}

impl<'r> From<&'r Note> for NoteEntry<'r> {
    fn from(note: &'r Note) -> Self {
        Self { place: (&note.place).into(), message: &note.message }
    }
}

/// The report as JSON.
///
/// # Errors
/// None that can happen: the report holds nothing that JSON lacks.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    let root = Root {
        schema_version: SCHEMA_VERSION,
        tool: TOOL,
        summary: report.summary(),
        findings: report.findings.iter().map(Into::into).collect(),
        errors: report.failures.iter().map(Into::into).collect(),
        notes: report.notes.iter().map(Into::into).collect(),
    };
    serde_json::to_string_pretty(&root).map(|text| text + "\n")
}
