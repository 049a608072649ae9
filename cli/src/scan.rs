//! Shows every object to every policy that watches its kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use palisade_harness::kinds::Kinds;
use palisade_harness::{AdmissionRequest, Engine, EvalError, RequestParts, World};
use palisade_sdk::Date;
use rayon::prelude::*;
use serde_json::Value;

use crate::input::{Input, Object};
use crate::modules::{Candidate, ModuleError, Ready};
use crate::progress::Progress;
use crate::report::{Check, Failure, Finding, Report, Resource, RuleInfo};

/// A policy that has run out of time this often is not asked again: it would take as much for every object.
const STRIKES: usize = 3;

/// An object as the policies see it.
struct Subject {
    object: Object,
    request: AdmissionRequest,
    resource: Resource,
}

/// Judges everything that was read, as of `today` or else of the time that it is. The objects are also the cluster that the policies see.
///
/// # Errors
/// When a policy cannot be loaded.
pub fn run(
    engine: &Engine,
    input: Input,
    candidates: &[Candidate],
    namespace: &str,
    today: Option<Date>,
    with_rules: bool,
) -> Result<Report, ModuleError> {
    let Input { files, objects, mut failures, notes } = input;
    let count = objects.len();
    let mut world = World::default();
    if let Some(today) = today {
        world.set_today(today);
    }
    let mut known = Vec::with_capacity(count);
    for object in &objects {
        // A review is a question about an object, which is not in the cluster yet.
        if object.review.is_none() {
            // What is no object was turned away when it was read.
            let _ = world.add(object.value.clone(), namespace);
        }
    }
    let world = Arc::new(world);
    let subjects: Vec<Result<Subject, Box<Failure>>> =
        objects.into_par_iter().map(|object| subject(object, namespace, world.kinds())).collect();
    for subject in subjects {
        match subject {
            Ok(subject) => known.push(subject),
            Err(failure) => failures.push(*failure),
        }
    }
    let policies: Vec<Ready> = candidates
        .par_iter()
        .filter(|candidate| known.iter().any(|subject| candidate.watches(&subject.request)))
        .map(|candidate| candidate.ready(engine))
        .collect::<Result<_, _>>()?;

    let judges: Vec<Judge<'_>> = policies.iter().map(Judge::new).collect();
    let progress = Progress::new(known.len(), "objects");
    let verdicts: Vec<Vec<Verdict>> = known
        .par_iter()
        .map(|subject| {
            let verdicts = judges.iter().filter_map(|judge| judge.judge(subject, &world)).collect();
            progress.step();
            verdicts
        })
        .collect();
    drop(progress);

    let mut report = Report { files, objects: count, failures, notes, ..Report::default() };
    for (subject, verdicts) in known.iter().zip(verdicts) {
        for Verdict { policy, findings, failure } in verdicts {
            let (first_finding, first_failure) = (report.findings.len(), report.failures.len());
            report.findings.extend(findings);
            report.failures.extend(failure);
            report.checks.push(Check {
                place: subject.object.locate(""),
                resource: subject.resource.clone(),
                policy,
                findings: first_finding..report.findings.len(),
                failures: first_failure..report.failures.len(),
            });
        }
    }
    report.failures.extend(judges.iter().filter_map(Judge::given_up));
    if with_rules {
        report.rules = policies.iter().flat_map(rules).collect();
    }
    Ok(report)
}

/// Makes of an object what the policies are asked.
fn subject(mut object: Object, namespace: &str, kinds: &Kinds) -> Result<Subject, Box<Failure>> {
    let fail = |object: &Object, path: &str, message: String| {
        Box::new(Failure { place: object.locate(path), resource: None, policy: None, message })
    };
    let request = match &object.review {
        Some(review) => review.request(namespace).map_err(|problem| fail(&object, "request", problem))?,
        None => {
            let parts = RequestParts {
                object: Some(object.value.clone()),
                default_namespace: namespace.to_owned(),
                ..RequestParts::default()
            };
            AdmissionRequest::with_kinds(parts, kinds).map_err(|error| fail(&object, "", error.to_string()))?
        }
    };
    let generated = object.value.pointer("/metadata/generateName").and_then(Value::as_str).unwrap_or_default();
    let name = match (&*request.name, generated) {
        ("", generated) if !generated.is_empty() => format!("{generated}*"),
        (name, _) => name.to_owned(),
    };
    let group = if request.kind.group.is_empty() { String::new() } else { format!("{}/", request.kind.group) };
    let resource = Resource {
        api_version: format!("{group}{}", request.kind.version),
        kind: request.kind.kind.clone(),
        // The request for a Namespace names it as its namespace too.
        namespace: Some(request.namespace.clone())
            .filter(|namespace| !namespace.is_empty() && kinds.is_namespaced(&request.kind.group, &request.kind.kind)),
        name,
    };
    // The request and the cluster have the object: this copy is no longer needed.
    object.value = Value::Null;
    Ok(Subject { object, request, resource })
}

/// What one policy said of one object.
struct Verdict {
    policy: Arc<str>,
    findings: Vec<Finding>,
    failure: Option<Failure>,
}

/// A policy at work.
struct Judge<'p> {
    ready: &'p Ready,
    strikes: AtomicUsize,
    not_asked: AtomicUsize,
}

impl<'p> Judge<'p> {
    fn new(ready: &'p Ready) -> Self {
        Self { ready, strikes: AtomicUsize::new(0), not_asked: AtomicUsize::new(0) }
    }

    /// What the policy says, if it is to be asked.
    fn judge(&self, subject: &Subject, world: &Arc<World>) -> Option<Verdict> {
        let Ready { name, settings, policy } = self.ready;
        if !policy.watches(&subject.request) {
            return None;
        }
        if self.strikes.load(Ordering::Relaxed) >= STRIKES {
            self.not_asked.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let mut verdict = Verdict { policy: Arc::clone(name), findings: Vec::new(), failure: None };
        let answer = match &subject.object.review {
            Some(review) => policy.validate_raw(&review.payload(settings), world),
            None => policy.validate(&subject.request, settings, world),
        };
        match answer {
            Ok(response) => {
                verdict.findings = response.findings.into_iter().map(|found| self.finding(subject, found)).collect();
            }
            Err(error) => {
                if matches!(error, EvalError::Deadline(_)) {
                    self.strikes.fetch_add(1, Ordering::Relaxed);
                }
                verdict.failure = Some(Failure {
                    place: subject.object.locate(""),
                    resource: Some(subject.resource.clone()),
                    policy: Some(Arc::clone(name)),
                    message: error.to_string(),
                });
            }
        }
        Some(verdict)
    }

    fn finding(&self, subject: &Subject, found: palisade_harness::Finding) -> Finding {
        let palisade_harness::Finding { rule, severity, path, message, remedy, line } = found;
        let prefix = match &subject.object.review {
            Some(review) => review.object_path(),
            None => "",
        };
        Finding {
            place: subject.object.locate_line(&format!("{prefix}{path}"), line),
            resource: subject.resource.clone(),
            policy: Arc::clone(&self.ready.name),
            rule,
            severity,
            path,
            message,
            remedy,
            exemption: None,
        }
    }

    /// Says that the policy was not asked about everything.
    fn given_up(&self) -> Option<Failure> {
        let number = self.not_asked.load(Ordering::Relaxed);
        (number > 0).then(|| Failure {
            place: crate::report::Place { file: Arc::clone(&self.ready.name), position: None },
            resource: None,
            policy: Some(Arc::clone(&self.ready.name)),
            message: format!(
                "ran out of time {STRIKES} times, and was not asked about {} more",
                crate::report::count(number, "object")
            ),
        })
    }
}

/// The rules of a policy; none for modules that know nothing of rules.
fn rules(ready: &Ready) -> Vec<RuleInfo> {
    let described = ready.policy.describe().ok().flatten().unwrap_or_default();
    described
        .rules
        .into_iter()
        .map(|rule| RuleInfo {
            policy: Arc::clone(&ready.name),
            id: rule.id,
            severity: rule.severity,
            summary: rule.summary,
            remedy: rule.remedy,
            source: rule.source,
        })
        .collect()
}
