//! The rules that `rbac-least-privilege` proposes instead of what it rejects: each is YAML, grants nothing that was not granted before, and
//! is no longer reported for the same reason.

use std::path::Path;
use std::sync::Arc;

use palisade_harness::fixture::{self, Fixture};
use palisade_harness::{AdmissionRequest, Cache, Engine, Finding, Limits, Policy, World, yaml};
use palisade_sdk::json;
use palisade_sdk::rbac::{PolicyRule, Rules};
use serde_json::{Value, json};

const NAME: &str = "rbac-least-privilege";

fn policy() -> Policy {
    let engine = Engine::new(Limits::default(), Cache::Default).unwrap();
    Policy::load(&engine, NAME, palisade_policies::find(NAME).unwrap().wasm).unwrap()
}

fn findings(policy: &Policy, object: &Value) -> Vec<Finding> {
    let request = AdmissionRequest::create(object.clone(), "shop").unwrap();
    policy.validate(&request, &json!({}), &Arc::new(World::default())).unwrap().findings
}

/// The rule that a finding stands in.
fn place(finding: &Finding) -> Option<usize> {
    finding.path.strip_prefix("rules[")?.split_once(']')?.0.parse().ok()
}

/// The rules that a remedy proposes.
fn proposed(finding: &Finding) -> Option<Vec<Value>> {
    let (_, text) = finding.remedy.split_once("; write {")?;
    let text = text.strip_suffix(", and strike what the holder does not use").unwrap_or(text);
    let text: Vec<String> = text.split(" and {").map(|rule| format!("- {{{rule}\n")).collect();
    Some(yaml::from_str(&text.concat()).unwrap_or_else(|error| panic!("{}: {error}", finding.remedy)))
}

/// Checks every remedy of an object; the answer is how many propose a rule.
fn check(policy: &Policy, object: &Value) -> usize {
    let mut checked = 0;
    for finding in findings(policy, object) {
        let (Some(index), Some(rules)) = (place(&finding), proposed(&finding)) else { continue };
        checked += 1;
        let original = object["rules"][index].to_string();
        let original: PolicyRule<'_> = json::from_str(&original).unwrap();
        let original = std::slice::from_ref(&original);
        for rule in &rules {
            let text = rule.to_string();
            let rule: PolicyRule<'_> = json::from_str(&text).unwrap();
            assert_eq!(Rules::of_cluster_role(original).lack(&rule), None, "{finding:?}\n{object:#}");
            let grants = (!rule.resources.is_empty() && !rule.api_groups.is_empty()) || !rule.non_resource_urls.is_empty();
            assert!(grants && !rule.verbs.is_empty(), "{finding:?} grants nothing");
        }
        let mut narrowed = object.clone();
        let after = index + rules.len();
        narrowed["rules"].as_array_mut().unwrap().splice(index..=index, rules);
        for left in findings(policy, &narrowed) {
            let is_elsewhere = place(&left).is_none_or(|place| !(index..after).contains(&place));
            assert!(is_elsewhere || left.rule != finding.rule, "{finding:?}\nleads to {left:?}\nof {object:#}");
        }
    }
    checked
}

#[test]
fn remedies_of_the_fixtures_hold() {
    let policy = policy();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(NAME).join("fixtures");
    let mut checked = 0;
    for path in fixture::discover(&dir).unwrap() {
        let fixture = Fixture::read(&path).unwrap();
        for object in fixture.objects().filter(|object| object["rules"].is_array() && !fixture.is_malformed()) {
            checked += check(&policy, object);
        }
    }
    assert!(checked > 50, "{checked}");
}

/// Combinations of what rules are made of, the same ones each time.
#[test]
fn remedies_of_many_rules_hold() {
    const GROUPS: &[&[&str]] = &[
        &[""],
        &["apps"],
        &["rbac.authorization.k8s.io"],
        &["*"],
        &["", "apps"],
        &["certificates.k8s.io"],
        &["widgets.example"],
        &["", "rbac.authorization.k8s.io"],
        &["batch", "batch"],
    ];
    const RESOURCES: &[&str] = &[
        "*",
        "*",
        "pods",
        "pods/exec",
        "pods/log",
        "pods/*",
        "*/exec",
        "*/scale",
        "*/status",
        "secrets",
        "configmaps",
        "nodes/proxy",
        "namespaces",
        "serviceaccounts",
        "serviceaccounts/token",
        "deployments",
        "deployments/scale",
        "jobs",
        "roles",
        "clusterroles",
        "rolebindings",
        "clusterrolebindings",
        "signers",
        "certificatesigningrequests/approval",
        "users",
        "groups",
        "widgets",
        "widgets/finalizers",
        "yes",
        "on \"off\"",
    ];
    const VERBS: &[&[&str]] = &[
        &["*"],
        &["get", "list", "watch"],
        &["get", "create"],
        &["get", "list", "watch", "create", "update", "patch", "delete"],
        &["get", "bind", "escalate"],
        &["impersonate", "get"],
        &["approve", "update"],
        &["GET", "create", "create"],
        &["get", "*"],
        &["create"],
    ];
    const NAMES: &[&[&str]] =
        &[&[], &[], &["web"], &["view", "cluster-admin"], &["cluster-admin"], &["", "web"], &["system:masters", "n"]];
    let policy = policy();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let (mut found, mut checked) = (0, 0);
    for _ in 0..3000 {
        let kind = ["Role", "ClusterRole"][next(2)];
        let resources: Vec<&str> = (0..=next(3)).map(|_| RESOURCES[next(RESOURCES.len())]).collect();
        let object = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": "app"},
            "rules": [{
                "apiGroups": GROUPS[next(GROUPS.len())],
                "resources": resources,
                "verbs": VERBS[next(VERBS.len())],
                "resourceNames": NAMES[next(NAMES.len())],
            }],
        });
        found += findings(&policy, &object).len();
        checked += check(&policy, &object);
    }
    assert!(checked * 3 > found, "{checked} of {found}");
}
