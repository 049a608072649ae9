//! The examples that the README shows.

use std::collections::BTreeSet;

use crate::support::{Folder, text};

const INSECURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/django-insecure");
/// Reviews fall due: the examples are judged as of this day.
const TODAY: &str = "2026-12-01";
const HARDENED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/django-hardened");

#[test]
fn every_policy_finds_something_in_the_insecure_one() {
    let folder = Folder::new();
    let json = folder.run(&["scan", INSECURE, "--today", TODAY, "--format", "json"]).json();
    let found: BTreeSet<&str> =
        json["findings"].as_array().expect("findings").iter().map(|finding| text(finding, "policy")).collect();
    let listed = folder.run(&["policies", "--format", "json"]).json();
    let policies: BTreeSet<&str> = listed.as_array().expect("policies").iter().map(|policy| text(policy, "name")).collect();
    assert_eq!(found, policies);
    assert_eq!(json["errors"].as_array().map(Vec::len), Some(0));
}

#[test]
fn every_policy_accepts_the_hardened_one() {
    let run = Folder::new().run(&["scan", HARDENED, "--today", TODAY]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.contains("no findings"), "{run:?}");
}
