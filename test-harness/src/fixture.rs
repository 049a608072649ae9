//! Test cases in YAML: an object, what the policy may ask, and what it must find.
//!
//! ```yaml
//! expect:
//!   denied:                   # every finding that rejects; one more or one less fails
//!     - rule: aws-access-key
//!       path: spec.template.spec.initContainers[0].env[0].value
//!       message: access key   # optional: a part of the finding's message
//!   warned: []                # every finding that warns; may stand beside `denied`
//! settings: {}                # the policy's settings
//! object: {apiVersion: apps/v1, kind: Deployment, …}
//! ```
//!
//! Instead of `denied` and `warned`, `expect` can say `allowed: true` (no finding at all), `mutated: {…}` (the object as it comes
//! out, with no finding), or `settingsError: "…"` (a part of the message with which the policy refuses its settings). Policies that
//! list no findings are held to `denied: true` or to `message: "…"`, a part of the response's message.
//!
//! Optional keys beside these: `operation`, `oldObject`, `subResource`, `namespace`, `name`, `userInfo` for the rest of the request;
//! `cluster`, `registry`, `signatures`, `dns`, `access`, `faults` for what the policy may ask, as [`World`] describes;
//! `today: 2026-11-24` for the day that its clock says, without which a policy that reads the clock fails the case: it would hold today and
//! not tomorrow; and `malformed: true` where the object is no valid Kubernetes object, on purpose. `session: FILE`, relative to the fixture, answers
//! from what `kwctl run --record-host-capabilities-interactions FILE` has recorded.
//!
//! A case that expects a finding fails when the rules in the policy's metadata do not cover its request: a policy server would never
//! ask the policy about it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use palisade_sdk::{Date, DateError};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::access::AccessRule;
use crate::policy::{EvalError, Policy};
use crate::recording::{Recording, Verdict};
use crate::request::{AdmissionRequest, Operation, RequestParts, UserInfo};
use crate::response::{Finding, Response, Severity};
use crate::session::Session;
use crate::world::{CALLS, Fault, Image, Signature, World};
use crate::yaml;

/// The namespace of objects that do not say theirs.
const DEFAULT_NAMESPACE: &str = "default";

/// What a case without a day is told when its policy asks for one.
const READS_CLOCK: &str = "the policy reads the clock: say which day it is, for example `today: 2026-11-24`";

/// Why a fixture cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    /// The file or folder cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a fixture.
    #[error("{}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column where there is one.
        problem: String,
    },
}

/// A test case.
#[derive(Clone, Debug)]
pub struct Fixture {
    name: String,
    file: File,
    expectation: Expectation,
    today: Option<Date>,
    session: Option<Session>,
}

/// The file, as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    expect: Expect,
    #[serde(default)]
    settings: Option<Value>,
    #[serde(default)]
    object: Option<Value>,
    #[serde(default)]
    old_object: Option<Value>,
    #[serde(default)]
    operation: Option<Operation>,
    #[serde(default)]
    sub_resource: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    user_info: UserInfo,
    #[serde(default)]
    cluster: Vec<Value>,
    #[serde(default)]
    registry: BTreeMap<String, Image>,
    #[serde(default)]
    signatures: Vec<Signature>,
    #[serde(default)]
    dns: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    access: Vec<AccessRule>,
    #[serde(default)]
    faults: Vec<Fault>,
    #[serde(default)]
    session: Option<PathBuf>,
    #[serde(default)]
    today: Option<String>,
    #[serde(default)]
    malformed: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expect {
    #[serde(default)]
    allowed: Option<bool>,
    #[serde(default)]
    denied: Option<Denied>,
    #[serde(default)]
    warned: Option<Vec<ExpectedFinding>>,
    #[serde(default)]
    mutated: Option<Value>,
    #[serde(default)]
    settings_error: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Denied {
    Somehow(bool),
    With(Vec<ExpectedFinding>),
}

/// A finding that must be there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedFinding {
    rule: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    message: Option<String>,
}

/// What must come out.
#[derive(Clone, Debug)]
enum Expectation {
    Findings(Vec<(Severity, ExpectedFinding)>),
    Rejected,
    Mutated(Value),
    SettingsError(String),
}

/// A policy that did something else than a fixture says. Prints as the difference: `-` what was expected, `+` what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Mismatch(Vec<String>);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Mismatch {
    fn line(text: impl Into<String>) -> Self {
        Self(vec![text.into()])
    }
}

/// The fixtures of a folder: every `.yaml`, `.yml` and `.json` file in it, by name.
///
/// # Errors
/// When the folder cannot be read, or holds none.
pub fn discover(dir: &Path) -> Result<Vec<PathBuf>, FixtureError> {
    let failed = |source| FixtureError::File { path: dir.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known)) {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(FixtureError::Malformed { path: dir.to_owned(), problem: "there is no fixture in this folder".to_owned() });
    }
    paths.sort();
    Ok(paths)
}

impl Fixture {
    /// Reads a fixture from a file; its name is the file's, without the ending.
    ///
    /// # Errors
    /// When the file cannot be read, or is no fixture.
    pub fn read(path: &Path) -> Result<Self, FixtureError> {
        let text = fs::read_to_string(path).map_err(|source| FixtureError::File { path: path.to_owned(), source })?;
        let malformed = |path: &Path, problem| FixtureError::Malformed { path: path.to_owned(), problem };
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut fixture = Self::parse(&name, &text).map_err(|problem| malformed(path, problem))?;
        if let Some(session) = &fixture.file.session {
            let session = path.with_file_name("").join(session);
            let text = fs::read_to_string(&session).map_err(|source| FixtureError::File { path: session.clone(), source })?;
            fixture.session = Some(yaml::from_str(&text).map_err(|error| malformed(&session, error.to_string()))?);
        }
        Ok(fixture)
    }

    /// Reads a fixture from its text. What it says of a session is left to [`read`](Self::read).
    ///
    /// # Errors
    /// With what is wrong, and where.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let file: File = yaml::from_str(text).map_err(|error| error.to_string())?;
        let (expectation, today) = check(&file).map_err(|(path, problem)| {
            let document = yaml::documents(text).into_iter().next().and_then(Result::ok);
            document.map_or(problem.clone(), |document| format!("{}: {problem}", document.locate(&path)))
        })?;
        Ok(Self { name: name.to_owned(), file, expectation, today, session: None })
    }

    /// The case's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its object is no valid Kubernetes object, on purpose.
    pub fn is_malformed(&self) -> bool {
        self.file.malformed
    }

    /// The object, the old object, and the objects of the cluster.
    pub fn objects(&self) -> impl Iterator<Item = &Value> {
        self.file.object.iter().chain(&self.file.old_object).chain(&self.file.cluster)
    }

    /// The rules that it expects findings of.
    pub fn expected_rules(&self) -> impl Iterator<Item = &str> {
        let findings = match &self.expectation {
            Expectation::Findings(findings) => findings.as_slice(),
            _ => &[],
        };
        findings.iter().map(|(_, finding)| finding.rule.as_str())
    }

    /// Whether it expects the object to pass without any finding.
    pub fn expects_acceptance(&self) -> bool {
        matches!(&self.expectation, Expectation::Findings(findings) if findings.is_empty())
    }

    /// The day that the case takes place on, where that matters.
    pub fn today(&self) -> Option<Date> {
        self.today
    }

    /// Runs the case.
    ///
    /// # Errors
    /// With the difference between what was expected and what came out.
    pub fn run(&self, policy: &Policy) -> Result<(), Mismatch> {
        self.judge(policy, &self.record(policy, self.today)?)
    }

    /// Runs the case on this day, or without one on the day that it is, and keeps what was said. Nothing is compared.
    ///
    /// # Errors
    /// When the policy does not come to a verdict.
    pub fn record(&self, policy: &Policy, today: Option<Date>) -> Result<Recording, Mismatch> {
        let settings = self.file.settings.clone().unwrap_or_else(|| json!({}));
        let failed = |error: EvalError| Mismatch::line(error.to_string());
        let mut world = self.world()?;
        if let Some(today) = today {
            world.set_today(today);
        }
        world.start_recording();
        let request = self.request_in(&world)?;
        let world = Arc::new(world);
        let answer = policy.validate_settings(&settings).map_err(failed)?;
        let verdict = match answer.valid {
            true => match policy.validate(&request, &settings, &world) {
                Ok(response) => Verdict::Response(Box::new(response)),
                // What happened need not happen tomorrow.
                Err(_) if today.is_none() && world.clock_was_read() => return Err(Mismatch::line(READS_CLOCK)),
                Err(error) => return Err(failed(error)),
            },
            false => Verdict::SettingsRefused(answer.message.unwrap_or_default()),
        };
        Ok(Recording { request, settings, session: world.recorded(), verdict, reads_clock: world.clock_was_read() })
    }

    /// Compares what was recorded with what the case expects.
    ///
    /// # Errors
    /// With the difference.
    pub fn judge(&self, policy: &Policy, recording: &Recording) -> Result<(), Mismatch> {
        let response = match (&self.expectation, &recording.verdict) {
            (Expectation::SettingsError(part), Verdict::SettingsRefused(message)) if message.contains(part) => return Ok(()),
            (Expectation::SettingsError(part), verdict) => {
                let found = match verdict {
                    Verdict::SettingsRefused(message) => format!("settings refused: {message}"),
                    Verdict::Response(_) => "settings accepted".to_owned(),
                };
                return Err(Mismatch(vec![format!("- settings refused with {part:?}"), format!("+ {found}")]));
            }
            (_, Verdict::SettingsRefused(message)) => return Err(Mismatch::line(format!("+ settings refused: {message}"))),
            (_, Verdict::Response(response)) => response,
        };
        let request = &recording.request;
        if !self.expects_acceptance() && !policy.watches(request) {
            let resource = [request.resource.as_str(), request.sub_resource.as_str()].join("/");
            return Err(Mismatch::line(format!(
                "no rule in the policy's metadata covers {} of {} in {:?} {}",
                request.operation.as_str(),
                resource.trim_end_matches('/'),
                request.kind.group,
                request.kind.version,
            )));
        }
        if self.today.is_none() && recording.reads_clock {
            return Err(Mismatch::line(READS_CLOCK));
        }
        self.compare(response)
    }

    /// The request that the case is about.
    ///
    /// # Errors
    /// When the object is no Kubernetes object at all.
    pub fn request(&self) -> Result<AdmissionRequest, Mismatch> {
        self.request_in(&World::default())
    }

    fn request_in(&self, world: &World) -> Result<AdmissionRequest, Mismatch> {
        let file = &self.file;
        let operation = file.operation.unwrap_or(match (&file.object, &file.old_object) {
            (Some(_), Some(_)) => Operation::Update,
            (None, Some(_)) => Operation::Delete,
            _ => Operation::Create,
        });
        // kwctl wants a request also where there is only a word on settings.
        let nothing = || json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "no-object"}});
        let only_settings = file.object.is_none() && file.old_object.is_none();
        let parts = RequestParts {
            object: file.object.clone().or_else(|| only_settings.then(nothing)),
            old_object: file.old_object.clone(),
            operation,
            sub_resource: file.sub_resource.clone(),
            namespace: file.namespace.clone(),
            default_namespace: DEFAULT_NAMESPACE.to_owned(),
            name: file.name.clone(),
            user_info: file.user_info.clone(),
        };
        AdmissionRequest::with_kinds(parts, world.kinds()).map_err(|error| Mismatch::line(format!("object: {error}")))
    }

    fn world(&self) -> Result<World, Mismatch> {
        let file = &self.file;
        let mut world = World::of_objects(file.cluster.iter().cloned(), DEFAULT_NAMESPACE)
            .map_err(|error| Mismatch::line(format!("cluster: {error}")))?;
        world.set_registry(file.registry.clone());
        world.set_signatures(file.signatures.clone());
        world.set_dns(file.dns.clone());
        world.set_access(file.access.clone());
        world.set_faults(file.faults.clone());
        if let Some(session) = &self.session {
            world.set_session(session.clone());
        }
        Ok(world)
    }

    fn compare(&self, response: &Response) -> Result<(), Mismatch> {
        let mut lines = match &self.expectation {
            Expectation::Findings(expected) => difference(expected, &response.findings),
            Expectation::Rejected if response.accepted => vec!["- rejected".to_owned(), "+ accepted".to_owned()],
            Expectation::Mutated(object) => {
                let mut lines = difference(&[], &response.findings);
                if response.mutated_object.as_ref() != Some(object) {
                    let found = response.mutated_object.as_ref().map_or("unchanged".to_owned(), Value::to_string);
                    lines.extend([format!("- {object}"), format!("+ {found}")]);
                }
                lines
            }
            Expectation::Rejected | Expectation::SettingsError(_) => Vec::new(),
        };
        if !matches!(self.expectation, Expectation::Mutated(_))
            && let Some(object) = &response.mutated_object
        {
            lines.push(format!("+ object changed to {object}"));
        }
        if let Expectation::Findings(expected) = &self.expectation {
            let rejects = expected.iter().any(|(severity, _)| *severity == Severity::Deny);
            if lines.is_empty() && rejects == response.accepted {
                lines.push(format!("+ accepted is {}, and the findings say otherwise", response.accepted));
            }
        }
        if let Some(part) = &self.file.expect.message {
            let message = response.message.as_deref().unwrap_or_default();
            if !message.contains(part.as_str()) {
                lines.extend([format!("- message with {part:?}"), format!("+ message {message:?}")]);
            }
        }
        if lines.is_empty() { Ok(()) } else { Err(Mismatch(lines)) }
    }
}

/// A path of the fixture, and what is wrong there.
type Contradiction = (String, String);

/// Checks what the types do not.
fn check(file: &File) -> Result<(Expectation, Option<Date>), Contradiction> {
    let expectation = expectation(&file.expect).map_err(|problem| ("expect".to_owned(), problem))?;
    let at_root = |problem: &str| (String::new(), problem.to_owned());
    if !matches!(expectation, Expectation::SettingsError(_)) && file.object.is_none() && file.old_object.is_none() {
        return Err(at_root("object is missing"));
    }
    for (index, fault) in file.faults.iter().enumerate() {
        if !CALLS.contains(&fault.call.as_str()) {
            let known = CALLS.join(", ");
            return Err((format!("faults[{index}].call"), format!("there is no such call; there are {known}")));
        }
    }
    let File { cluster, registry, signatures, dns, access, .. } = file;
    let answers = !(cluster.is_empty() && registry.is_empty() && signatures.is_empty() && dns.is_empty() && access.is_empty());
    if file.session.is_some() && answers {
        return Err((
            "session".to_owned(),
            "a session answers everything: no cluster, registry or the like beside it".to_owned(),
        ));
    }
    let today = file.today.as_deref().map(str::parse).transpose();
    let today =
        today.map_err(|error: DateError| ("today".to_owned(), format!("expected a day, written YYYY-MM-DD: {error}")))?;
    Ok((expectation, today))
}

fn expectation(expect: &Expect) -> Result<Expectation, String> {
    let Expect { allowed, denied, warned, mutated, settings_error, message } = expect;
    let findings = denied.is_some() || warned.is_some();
    let said = [allowed.is_some(), findings, mutated.is_some(), settings_error.is_some()];
    match said.iter().filter(|said| **said).count() {
        0 if message.is_some() => return Ok(Expectation::Rejected),
        0 => return Err("expect says nothing: give allowed, denied, warned, mutated or settingsError".to_owned()),
        1 => {}
        _ => return Err("expect says several things that exclude each other".to_owned()),
    }
    if let Some(message) = settings_error {
        return Ok(Expectation::SettingsError(message.clone()));
    }
    if let Some(object) = mutated {
        return Ok(Expectation::Mutated(object.clone()));
    }
    match (allowed, denied) {
        (Some(false), _) => return Err("expect.allowed can only be true; say what is denied instead".to_owned()),
        (_, Some(Denied::Somehow(true))) if warned.is_none() => return Ok(Expectation::Rejected),
        (_, Some(Denied::Somehow(_))) => return Err("expect.denied is a list of findings, or true alone".to_owned()),
        _ => {}
    }
    let with =
        |severity, findings: &[ExpectedFinding]| findings.iter().map(|finding| (severity, finding.clone())).collect::<Vec<_>>();
    let mut expected = Vec::new();
    if let Some(Denied::With(findings)) = denied {
        expected.extend(with(Severity::Deny, findings));
    }
    expected.extend(with(Severity::Warn, warned.as_deref().unwrap_or_default()));
    if findings && expected.is_empty() {
        return Err("expect lists no finding: say allowed: true".to_owned());
    }
    Ok(Expectation::Findings(expected))
}

/// Pairs what was expected with what was found; what is left over on either side is a line.
fn difference(expected: &[(Severity, ExpectedFinding)], found: &[Finding]) -> Vec<String> {
    let mut left: Vec<&Finding> = found.iter().collect();
    let mut lines = Vec::new();
    for (severity, wanted) in expected {
        let fits = |finding: &&Finding| {
            finding.severity == *severity
                && finding.rule == wanted.rule
                && finding.path == wanted.path
                && wanted.message.as_ref().is_none_or(|part| finding.message.contains(part.as_str()))
        };
        match left.iter().position(fits) {
            Some(index) => {
                left.remove(index);
            }
            None => {
                let message = wanted.message.as_ref().map(|part| format!(" with {part:?}")).unwrap_or_default();
                lines.push(format!("- {severity} {} at {}{message}", wanted.rule, place(&wanted.path)));
            }
        }
    }
    lines
        .extend(left.iter().map(|finding| {
            format!("+ {} {} at {}: {}", finding.severity, finding.rule, place(&finding.path), finding.message)
        }));
    lines
}

fn place(path: &str) -> &str {
    if path.is_empty() { "the object" } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        Fixture::parse("x", text).unwrap_err()
    }

    #[test]
    fn says_what_is_wrong_with_a_fixture() {
        assert!(problem("object: {}").contains("expect"));
        assert!(problem("expect: {}\nobject: {}").contains("expect says nothing"));
        assert!(problem("expect: {allowed: true, denied: []}\nobject: {}").contains("exclude each other"));
        assert!(problem("expect: {denied: []}\nobject: {}").contains("allowed: true"));
        assert!(problem("expect: {allowed: false}\nobject: {}").contains("can only be true"));
        assert!(problem("expect: {allowed: true}").contains("object is missing"));
        assert!(problem("expect: {allowed: true}\nobjekt: {}").contains("objekt"));
        assert!(problem("expect: {denied: true, warned: []}\nobject: {}").contains("true alone"));
        let faults = "expect: {allowed: true}\nobject: {}\nfaults:\n  - {call: kubernetes/list, error: x}";
        assert!(problem(faults).starts_with("line 4, column 12: there is no such call"), "{}", problem(faults));
        let session = "expect: {allowed: true}\nobject: {}\nsession: s.yaml\ndns: {db: []}";
        assert!(problem(session).starts_with("line 3, column 10: a session answers everything"), "{}", problem(session));
        assert!(problem("object: {}\nexpect:\n  allowed: false").starts_with("line 2, column 1: "));
        let today = problem("expect: {allowed: true}\nobject: {}\ntoday: 2026-02-30");
        assert_eq!(today, "line 3, column 8: expected a day, written YYYY-MM-DD: that month has 28 days");
    }

    #[test]
    fn shows_the_difference() {
        let expected = |rule: &str, path: &str| {
            (Severity::Deny, ExpectedFinding { rule: rule.to_owned(), path: path.to_owned(), message: None })
        };
        let found = |rule: &str, path: &str| Finding {
            rule: rule.to_owned(),
            severity: Severity::Deny,
            path: path.to_owned(),
            message: "wrong".to_owned(),
            remedy: String::new(),
            line: None,
        };
        // Order does not matter, numbers do.
        assert!(difference(&[expected("a", "x"), expected("b", "y")], &[found("b", "y"), found("a", "x")]).is_empty());
        assert_eq!(
            difference(&[expected("a", "x"), expected("a", "x")], &[found("a", "x"), found("b", "")]),
            ["- deny a at x", "+ deny b at the object: wrong"]
        );
    }

    #[test]
    fn operation_follows_from_the_objects() {
        let operation = |text: &str| Fixture::parse("x", text).unwrap().request().unwrap().operation;
        let pod = "{apiVersion: v1, kind: Pod}";
        assert_eq!(operation(&format!("expect: {{allowed: true}}\nobject: {pod}")), Operation::Create);
        assert_eq!(operation(&format!("expect: {{allowed: true}}\nobject: {pod}\noldObject: {pod}")), Operation::Update);
        assert_eq!(operation(&format!("expect: {{allowed: true}}\noldObject: {pod}")), Operation::Delete);
    }
}
