//! Shows every object to every policy that watches its kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use palisade_harness::{AdmissionRequest, Engine, EvalError, World};
use rayon::prelude::*;
use serde_json::Value;

use crate::input::{Input, Object};
use crate::modules::{Candidate, ModuleError, Ready};
use crate::progress::Progress;
use crate::report::{Check, Failure, Finding, Report, Resource, RuleInfo};

/// A policy that has run into its limits this often is not asked again: it would take its time for every object.
const STRIKES: usize = 3;

/// An object as the policies see it.
struct Subject {
    object: Object,
    request: AdmissionRequest,
    resource: Resource,
}

/// Judges everything that was read. The objects are also the cluster that the policies see.
///
/// # Errors
/// When a policy cannot be loaded.
pub fn run(engine: &Engine, input: Input, candidates: &[Candidate], namespace: &str, with_rules: bool) -> Result<Report, ModuleError> {
    let Input { files, objects, mut failures, notes } = input;
    let count = objects.len();
    let cluster = objects.iter().filter(|object| !object.is_review).map(|object| object.value.clone()).collect();
    let world = Arc::new(World::from_objects(cluster));
    let subjects: Vec<Result<Subject, Failure>> = objects.into_par_iter().map(|object| subject(object, namespace, &world)).collect();
    let mut known = Vec::with_capacity(subjects.len());
    for subject in subjects {
        match subject {
            Ok(subject) => known.push(subject),
            Err(failure) => failures.push(failure),
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
        for ready in &policies {
            report.rules.extend(rules(ready)?);
        }
    }
    Ok(report)
}

fn subject(object: Object, namespace: &str, world: &World) -> Result<Subject, Failure> {
    let request = if object.is_review {
        AdmissionRequest::from_review(&object.value).map_err(|problem| Failure {
            place: object.locate("request"),
            resource: None,
            policy: None,
            message: format!("no request that can be judged: {problem}"),
        })?
    } else {
        AdmissionRequest::for_object(&object.value, namespace, world)
    };
    let resource = resource(&object, &request);
    Ok(Subject { object, request, resource })
}

fn resource(object: &Object, request: &AdmissionRequest) -> Resource {
    let text = |pointer: &str| object.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if object.is_review {
        return Resource {
            api_version: text("/apiVersion").to_owned(),
            kind: request.kind().to_owned(),
            namespace: request.namespace().map(str::to_owned),
            name: text("/request/name").to_owned(),
        };
    }
    let name = match (text("/metadata/name"), text("/metadata/generateName")) {
        ("", "") => String::new(),
        ("", generated) => format!("{generated}*"),
        (name, _) => name.to_owned(),
    };
    Resource {
        api_version: text("/apiVersion").to_owned(),
        kind: text("/kind").to_owned(),
        namespace: request.namespace().map(str::to_owned),
        name,
    }
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
        match policy.validate(&subject.request, settings, world) {
            Ok(response) => {
                verdict.findings = response.findings.into_iter().map(|found| self.finding(subject, found)).collect();
            }
            Err(error) => {
                if matches!(error, EvalError::Deadline { .. } | EvalError::Memory { .. }) {
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
        let palisade_harness::Finding { rule, severity, path, message, remedy } = found;
        let prefix = if subject.object.is_review { "request.object." } else { "" };
        Finding {
            place: subject.object.locate(&format!("{prefix}{path}")),
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
                "ran into its limits {STRIKES} times, and was not asked about {} more",
                crate::report::count(number, "object")
            ),
        })
    }
}

fn rules(ready: &Ready) -> Result<Vec<RuleInfo>, ModuleError> {
    let described = ready
        .policy
        .describe()
        .map_err(|error| ModuleError::Broken { policy: Arc::clone(&ready.name), problem: error.to_string() })?;
    let rules = described.map(|description| description.rules).unwrap_or_default();
    Ok(rules
        .into_iter()
        .map(|rule| RuleInfo {
            policy: Arc::clone(&ready.name),
            id: rule.id,
            severity: rule.severity,
            summary: rule.summary,
            remedy: rule.remedy,
            source: rule.source,
        })
        .collect())
}
