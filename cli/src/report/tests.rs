use std::path::Path;
use std::time::Duration;

use super::*;

pub fn finding() -> Finding {
    Finding {
        place: Place { file: "k8s/web.yaml".into(), position: Some(Position { line: 23, column: 20 }) },
        resource: resource(),
        policy: "no-plaintext-env-secrets".into(),
        rule: "aws-access-key".to_owned(),
        severity: Severity::Deny,
        path: "spec.template.spec.containers[0].env[0].value".to_owned(),
        message: "the variable AWS_ACCESS_KEY_ID holds an AWS access key of 20 characters".to_owned(),
        remedy: "take it from a Secret, by valueFrom.secretKeyRef, and revoke the key".to_owned(),
        exemption: None,
    }
}

fn resource() -> Resource {
    Resource {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: Some("shop".to_owned()),
        name: "web".to_owned(),
    }
}

/// A report with one of everything, and with texts that a format could stumble over.
fn report() -> Report {
    let role = Resource {
        api_version: "rbac.authorization.k8s.io/v1".to_owned(),
        kind: "ClusterRole".to_owned(),
        namespace: None,
        name: "a\u{1b}[31m<&>\"".to_owned(),
    };
    let awkward: Arc<str> = "k8s/ü, 100%:x.yaml".into();
    let findings = vec![
        finding(),
        Finding {
            severity: Severity::Warn,
            place: Place { file: "k8s/web.yaml".into(), position: Some(Position { line: 9, column: 3 }) },
            path: String::new(),
            policy: "third-party".into(),
            rule: "rejected".to_owned(),
            message: "two lines:\nthe second, with 50% <b>".to_owned(),
            remedy: String::new(),
            ..finding()
        },
        Finding {
            resource: role.clone(),
            place: Place { file: Arc::clone(&awkward), position: Some(Position { line: 1, column: 1 }) },
            exemption: Some(Exempted {
                reason: "agreed with the platform team".to_owned(),
                expires: Some("2026-12-31".to_owned()),
            }),
            ..finding()
        },
    ];
    let failures = vec![
        Failure {
            place: Place { file: Arc::clone(&awkward), position: Some(Position { line: 7, column: 2 }) },
            resource: None,
            policy: None,
            message: "did not find expected key".to_owned(),
        },
        Failure {
            place: Place { file: "k8s/web.yaml".into(), position: Some(Position { line: 2, column: 1 }) },
            resource: Some(resource()),
            policy: Some("slow".into()),
            message: "took longer than 2 s".to_owned(),
        },
    ];
    let check = |place: &str, resource: &Resource, policy: &str, findings, failures| Check {
        place: Place { file: place.into(), position: Some(Position { line: 2, column: 1 }) },
        resource: resource.clone(),
        policy: policy.into(),
        findings,
        failures,
    };
    Report {
        files: 3,
        objects: 3,
        checks: vec![
            check("k8s/web.yaml", &resource(), "no-plaintext-env-secrets", 0..1, 0..0),
            check("k8s/web.yaml", &resource(), "third-party", 1..2, 1..1),
            check("k8s/web.yaml", &resource(), "slow", 2..2, 1..2),
            check(&awkward, &role, "no-plaintext-env-secrets", 2..3, 2..2),
            check(&awkward, &role, "rbac-least-privilege", 3..3, 2..2),
        ],
        findings,
        failures,
        notes: vec![Note {
            place: Place { file: "docker-compose.yaml".into(), position: None },
            message: "skipped".to_owned(),
        }],
        rules: vec![RuleInfo {
            policy: "no-plaintext-env-secrets".into(),
            id: "aws-access-key".to_owned(),
            severity: Severity::Deny,
            summary: "an AWS access key in a manifest".to_owned(),
            remedy: "take it from a Secret".to_owned(),
            source: "CIS Kubernetes Benchmark 5.4.1".to_owned(),
        }],
    }
}

#[test]
fn table() {
    insta::assert_snapshot!(anstream::adapter::strip_str(&table::render(&report(), None, None)));
}

#[test]
fn table_in_a_narrow_terminal_with_styles() {
    insta::assert_snapshot!(
        format!("{:?}", table::render(&report(), Some(60), Some(Duration::from_millis(1234)))).replace("\\n", "\n")
    );
}

#[test]
fn table_of_nothing() {
    let report = Report { files: 1, objects: 1, ..Report::default() };
    assert_eq!(
        anstream::adapter::strip_str(&table::render(&report, None, None)).to_string(),
        "1 object in 1 file: no findings\n"
    );
}

#[test]
fn what_is_said_of_many_is_said_once() {
    let note =
        |file: &str, message: &str| Note { place: Place { file: file.into(), position: None }, message: message.to_owned() };
    let mut notes: Vec<Note> = (0..5).map(|index| note(&format!("{index}.yaml"), "skipped")).collect();
    notes.push(note("x.yaml", "other"));
    let second = Finding { path: "spec.other".to_owned(), ..finding() };
    let report = Report { notes, findings: vec![finding(), second], ..Report::default() };
    let text = anstream::adapter::strip_str(&table::render(&report, None, None)).to_string();
    assert!(text.contains("  0.yaml, 1.yaml, 2.yaml and 2 more: skipped\n  x.yaml: other\n"), "{text}");
    assert_eq!(text.matches(&finding().remedy).count(), 1, "{text}");
}

#[test]
fn json() {
    insta::assert_snapshot!(json::render(&report()).unwrap());
}

#[test]
fn sarif() {
    insta::assert_snapshot!(sarif::render(&report(), Path::new("/work")).unwrap());
}

#[test]
fn junit() {
    insta::assert_snapshot!(junit::render(&report(), |severity| severity == Severity::Deny).unwrap());
}

#[test]
fn github() {
    insta::assert_snapshot!(github::render(&report(), Path::new("/work")));
}

#[test]
fn what_is_left_out_is_in_no_case() {
    let mut report = report();
    report.retain(|finding| finding.severity == Severity::Warn);
    let ranges: Vec<_> = report.checks.iter().map(|check| check.findings.clone()).collect();
    assert_eq!(ranges, [0..0, 0..1, 1..1, 1..1, 1..1]);
    assert_eq!(report.summary(), Summary { files: 3, objects: 3, deny: 0, warn: 1, exempt: 0, errors: 2 });
}
