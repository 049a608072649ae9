//! For CI servers: a suite for each file, a case for each policy that judged an object of it.

use palisade_harness::Severity;
use quick_junit::{NonSuccessKind, Report as Junit, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{Check, Failure, Finding, Report};

/// The report as JUnit XML. Findings from `fails` on are failures of their case; others are its output.
///
/// # Errors
/// None that can happen: the writer is a string.
pub fn render(report: &Report, fails: impl Fn(Severity) -> bool) -> Result<String, SerializeError> {
    let mut junit = Junit::new("palisade");
    let mut suites: Vec<TestSuite> = Vec::new();
    let suite = |suites: &mut Vec<TestSuite>, file: &str| match suites.iter().position(|suite| suite.name.as_str() == file) {
        Some(index) => index,
        None => {
            suites.push(TestSuite::new(file));
            suites.len() - 1
        }
    };
    let mut judged = vec![false; report.failures.len()];
    for check in &report.checks {
        judged.get_mut(check.failures.clone()).unwrap_or_default().fill(true);
        let index = suite(&mut suites, &check.place.file);
        suites[index].add_test_case(case(report, check, &fails));
    }
    for (failure, _) in report.failures.iter().zip(judged).filter(|(_, judged)| !judged) {
        let index = suite(&mut suites, &failure.place.file);
        let mut case = TestCase::new("can be read", error(&[failure]));
        case.set_classname(&*failure.place.file);
        suites[index].add_test_case(case);
    }
    junit.add_test_suites(suites);
    junit.to_string()
}

fn case(report: &Report, check: &Check, fails: &impl Fn(Severity) -> bool) -> TestCase {
    let findings = report.findings.get(check.findings.clone()).unwrap_or_default();
    let failures: Vec<&Failure> = report.failures.get(check.failures.clone()).unwrap_or_default().iter().collect();
    let (failing, other): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.exemption.is_none() && fails(finding.severity));
    let lines = |findings: &[&Finding]| findings.iter().map(|finding| line(finding)).collect::<Vec<_>>().join("\n");
    let status = if !failures.is_empty() {
        error(&failures)
    } else if let Some(first) = failing.first() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let rest = if failing.len() > 1 { format!(" (and {} more)", failing.len() - 1) } else { String::new() };
        status.set_type(format!("{}/{}", first.policy, first.rule));
        status.set_message(format!("{}{rest}", first.message));
        status.set_description(lines(&failing));
        status
    } else {
        TestCaseStatus::success()
    };
    let mut case = TestCase::new(format!("{} {}", check.policy, check.resource), status);
    case.set_classname(&*check.place.file);
    if !other.is_empty() {
        case.set_system_out(lines(&other));
    }
    case
}

fn error(failures: &[&Failure]) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    let lines: Vec<String> = failures.iter().map(|failure| format!("{}: {}", failure.place, failure.message)).collect();
    status.set_message(failures.first().map_or("", |failure| failure.message.as_str()));
    status.set_description(lines.join("\n"));
    status
}

fn line(finding: &Finding) -> String {
    let word = match (&finding.exemption, finding.severity) {
        (Some(_), _) => "exempt",
        (None, Severity::Deny) => "deny",
        (None, Severity::Warn) => "warn",
    };
    let path = if finding.path.is_empty() { String::new() } else { format!("{}: ", finding.path) };
    let remedy = if finding.remedy.is_empty() { String::new() } else { format!("; {}", finding.remedy) };
    format!("{}: {word} {}: {path}{}{remedy}", finding.place, finding.rule, finding.message)
}
