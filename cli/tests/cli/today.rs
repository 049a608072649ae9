//! The day that it is: for what is due, and for what expires.

use palisade_sdk::clock;

use crate::support::{DEPLOYMENT, Folder, Run, findings};

/// A Role that is reviewed by this day.
fn role(review_by: &str) -> Folder {
    Folder::new().file(
        "role.yaml",
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: web\n  namespace: shop\n  annotations:\n    palisade.dev/owner: team-shop\n    palisade.dev/review-by: {review_by}\nrules: []\n"
        ),
    )
}

fn scan(folder: &Folder, more: &[&str]) -> Run {
    folder.run(&[&["scan", ".", "--only", "require-rbac-review", "-f", "json"], more].concat())
}

fn found(run: &Run) -> Vec<String> {
    let json = run.json();
    let findings = json["findings"].as_array().expect("findings");
    findings.iter().map(|finding| format!("{} {}", finding["rule"], finding["message"]).replace('"', "")).collect()
}

#[test]
fn policies_hear_the_day() {
    let folder = role("2026-12-31");
    let on = |day: &str| {
        let run = scan(&folder, &["--today", day]);
        (run.status, found(&run))
    };
    assert_eq!(on("2026-11-30"), (0, vec![]));
    assert_eq!(on("2026-12-20"), (1, vec!["review-due-soon the review is due in 11 days, on 2026-12-31".to_owned()]));
    assert_eq!(on("2026-12-31"), (1, vec!["review-due-soon the review is due today, on 2026-12-31".to_owned()]));
    assert_eq!(on("2027-01-01"), (1, vec!["review-overdue the review was due on 2026-12-31, 1 day ago".to_owned()]));
    let run = scan(&folder, &["--today", "2027-01-01"]);
    assert_eq!(run.places(), ["role.yaml:8:29 metadata.annotations[palisade.dev/review-by]"]);
}

#[test]
fn without_it_is_the_day_of_the_system() {
    let today = clock::today().unwrap();
    let in_days = |days: i64| role(&today.plus_days(days).unwrap().to_string());
    let run = scan(&in_days(90), &[]);
    assert_eq!((run.status, found(&run)), (0, vec![]));
    // Also when midnight comes in between.
    let overdue = found(&scan(&in_days(-1), &[]));
    assert!(overdue.len() == 1 && overdue[0].starts_with("review-overdue "), "{overdue:?}");
}

#[test]
fn exemptions_expire_by_it() {
    let folder = Folder::new()
        .file("web.yaml", DEPLOYMENT)
        .module("pods.wasm", &findings(&[("odd", "deny", "", "odd")]))
        .file("palisade.yaml", "exemptions:\n  - {rule: odd, reason: was fine, expires: 2026-12-31}\n");
    let on = |day: &str| folder.run(&["scan", "web.yaml", "-p", "pods.wasm", "--only", "pods", "-f", "json", "--today", day]);
    let last = on("2026-12-31");
    assert_eq!((last.status, last.notes()), (0, vec![]));
    let over = on("2027-01-01");
    assert_eq!(over.status, 1);
    assert_eq!(over.notes(), ["palisade.yaml this exemption expired on 2026-12-31: it no longer covers 1 finding".to_owned()]);
}

#[test]
fn an_exemption_says_what_is_wrong_with_its_day() {
    let folder = role("2026-12-31").file("palisade.yaml", "exemptions:\n  - {rule: odd, reason: fine, expires: 31.12.2026}\n");
    let run = folder.run(&["scan", "role.yaml"]);
    assert_eq!(run.status, 2);
    assert_eq!(run.stderr, "error: palisade.yaml:2:40: expected a day, written YYYY-MM-DD: the year comes first\n");
}

#[test]
fn what_is_no_day_is_wrong_use() {
    let folder = role("2026-12-31");
    for (day, problem) in [
        ("2026-02-30", "that month has 28 days"),
        ("2026-2-3", "a year has four digits, month and day have two"),
        ("03.02.2026", "the year comes first"),
        ("2026-02-03T10:00:00Z", "a day has no time of day"),
        ("tomorrow", "a day is written YYYY-MM-DD"),
        ("", "a day is written YYYY-MM-DD"),
    ] {
        let run = scan(&folder, &["--today", day]);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{day}");
        assert!(run.stderr.starts_with("error: ") && run.stderr.contains("--today <YYYY-MM-DD>"), "{run:?}");
        assert!(run.stderr.contains(problem), "{run:?}");
    }
}

#[test]
fn fixtures_bring_their_own() {
    let fixture = |today: &str| {
        format!(
            "expect:\n  allowed: true\n{today}object:\n  apiVersion: rbac.authorization.k8s.io/v1\n  kind: Role\n  metadata:\n    name: web\n    annotations: {{palisade.dev/owner: ann, palisade.dev/review-by: 2027-03-01}}\n  rules: []\n"
        )
    };
    let folder = Folder::new()
        .file("good/reviewed.yaml", fixture("today: 2026-11-24\n"))
        .file("bad/without-a-day.yaml", fixture(""))
        .file("broken/no-day.yaml", fixture("today: 2026-11-31\n"));
    assert_eq!(folder.run(&["test", "require-rbac-review", "good"]).status, 0);
    let bad = folder.run(&["test", "require-rbac-review", "bad"]);
    assert_eq!(bad.status, 1);
    assert!(bad.stdout.contains("the policy reads the clock: say which day it is"), "{bad:?}");
    let broken = folder.run(&["test", "require-rbac-review", "broken"]);
    assert_eq!(broken.status, 2);
    assert!(
        broken.stdout.contains("line 3, column 8: expected a day, written YYYY-MM-DD: that month has 30 days"),
        "{broken:?}"
    );
}
