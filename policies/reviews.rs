//! Every policy on what an API server really sends: the `AdmissionReview`s of `examples/reviews`, as policy-server hands them on.
//!
//! Fixtures show what a policy finds in a manifest. What reaches a policy server has gone through defaulting and the admission plugins by
//! then: `managedFields`, `status`, the token's volume, `null` where there is nothing. The verdict of each policy that watches a review
//! stands in `examples/reviews/verdicts`, and so does what it says in the background audit where that differs: the audit scanner knows
//! the object alone, and nobody who asks. `INSTA_UPDATE=always cargo test --test reviews` renews them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use palisade_harness::{AdmissionRequest, Cache, Engine, Limits, Policy, Response, World};
use palisade_policies::POLICIES;
use serde_json::{Value, json};

/// The day on which all of them are judged.
const TODAY: &str = "2026-11-25";

/// What rules watch and no API server ever asks about, and why.
const NEVER_SENT: [(&str, &str); 3] = [
    // Files that have the form of objects: `palisade scan` finds them.
    ("encryptionconfigs", "*"),
    ("encryptionconfigurations", "*"),
    ("clusterconfigurations", "*"),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// What all trials need.
struct Bench {
    policies: Vec<Policy>,
    reviews: Vec<Review>,
    cluster: Vec<Value>,
}

/// One file.
struct Review {
    name: String,
    json: Value,
    request: AdmissionRequest,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/reviews")
}

fn trials() -> Result<Vec<Trial>, String> {
    let bench = Arc::new(Bench::load()?);
    let mut trials = Vec::new();
    for index in 0..bench.reviews.len() {
        let (name, bench) = (bench.reviews[index].name.clone(), Arc::clone(&bench));
        trials.push(Trial::test(format!("reviews::{name}"), move || Ok(bench.judge(&bench.reviews[index])?)));
    }
    for index in 0..bench.policies.len() {
        let name = bench.policies[index].name().to_owned();
        let mut check = |what: &str, check: fn(&Bench, &Policy) -> Result<(), String>| {
            let bench = Arc::clone(&bench);
            trials.push(Trial::test(format!("{name}::{what}"), move || {
                check(&bench, &bench.policies[index]).map_err(Failed::from)
            }));
        };
        check("all-it-watches-has-a-review", all_it_watches_has_a_review);
        check("answers-whatever-it-is-sent", answers_whatever_it_is_sent);
    }
    Ok(trials)
}

impl Bench {
    fn load() -> Result<Self, String> {
        let engine = Engine::new(Limits::default(), Cache::Default).map_err(|error| error.to_string())?;
        let policies = POLICIES
            .iter()
            .map(|module| Policy::load(&engine, module.name, module.wasm).map_err(|error| error.to_string()))
            .collect::<Result<_, _>>()?;
        let failed = |path: &Path, problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
        let read = |path: &Path| fs::read_to_string(path).map_err(|error| failed(path, &error));
        let mut reviews = Vec::new();
        for entry in fs::read_dir(folder()).map_err(|error| failed(&folder(), &error))? {
            let path = entry.map_err(|error| failed(&folder(), &error))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let text = read(&path)?;
                let json = serde_json::from_str(&text).map_err(|error| failed(&path, &error))?;
                let request = AdmissionRequest::from_review(&text).map_err(|error| failed(&path, &error))?;
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                reviews.push(Review { name, json, request });
            }
        }
        reviews.sort_by(|one, other| one.name.cmp(&other.name));
        let path = folder().join("cluster.yaml");
        let cluster = palisade_harness::yaml::documents(&read(&path)?)
            .into_iter()
            .map(|document| document.map(|document| document.value().clone()).map_err(|error| failed(&path, &error)))
            .collect::<Result<_, _>>()?;
        Ok(Self { policies, reviews, cluster })
    }

    /// The verdicts of the policies that watch a review, against those that are known.
    fn judge(&self, review: &Review) -> Result<(), String> {
        let audit = review.in_audit()?;
        let mut text = String::new();
        for policy in self.policies.iter().filter(|policy| policy.watches(&review.request)) {
            let verdict = self.verdict(policy, &review.request)?;
            let _ = write!(text, "{}: {verdict}", policy.name());
            if let Some(audit) = &audit {
                let audited = self.verdict(policy, audit)?;
                if audited != verdict {
                    let _ = write!(text, "{} in the audit: {audited}", policy.name());
                }
            }
        }
        if text.is_empty() {
            text.push_str("no policy watches it\n");
        }
        let mut settings = insta::Settings::new();
        settings.set_snapshot_path(folder().join("verdicts"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(review.name.as_str(), text));
        Ok(())
    }

    fn verdict(&self, policy: &Policy, request: &AdmissionRequest) -> Result<String, String> {
        let response = self.ask(policy, request)?;
        let mut text = format!("{}\n", if response.accepted { "accepted" } else { "rejected" });
        for finding in &response.findings {
            let place = if finding.path.is_empty() { "the object" } else { &finding.path };
            let _ = writeln!(text, "  {} {} at {place}", finding.severity, finding.rule);
        }
        Ok(text)
    }

    fn ask(&self, policy: &Policy, request: &AdmissionRequest) -> Result<Response, String> {
        let mut world = World::of_objects(self.cluster.iter().cloned(), "default").map_err(|error| error.to_string())?;
        world.set_today(TODAY.parse().map_err(|error| format!("{TODAY}: {error}"))?);
        policy.validate(request, &json!({}), &Arc::new(world)).map_err(|error| format!("{}: {error}", policy.name()))
    }
}

impl Review {
    /// What the audit scanner asks about the object. It looks at whole objects only.
    fn in_audit(&self) -> Result<Option<AdmissionRequest>, String> {
        let object = &self.json["request"]["object"];
        if object.is_null() || !self.request.sub_resource.is_empty() {
            return Ok(None);
        }
        AdmissionRequest::audit(object.clone()).map(Some).map_err(|error| format!("{}: {error}", self.name))
    }

    fn group(&self) -> &str {
        &self.request.kind.group
    }
}

fn all_it_watches_has_a_review(bench: &Bench, policy: &Policy) -> Result<(), String> {
    let metadata = policy.metadata().ok_or("the module has no metadata")?;
    let mut missing = BTreeSet::new();
    for rule in &metadata.rules {
        for (group, resource, operation) in rule.api_groups.iter().flat_map(|group| {
            rule.resources
                .iter()
                .flat_map(move |resource| rule.operations.iter().map(move |operation| (group, resource, operation)))
        }) {
            let is_sent = |review: &Review| {
                let asked = [review.request.resource.as_str(), review.request.sub_resource.as_str()].join("/");
                let version = &review.request.kind.version;
                review.group() == group
                    && asked.trim_end_matches('/') == resource
                    && review.request.operation.as_str() == operation
                    && rule.api_versions.iter().any(|known| known == "*" || known == version)
            };
            let never = |entry: &(&str, &str)| entry.0 == resource && (entry.1 == "*" || entry.1 == operation);
            if !bench.reviews.iter().any(is_sent) && !NEVER_SENT.iter().any(never) {
                missing.insert(format!("{operation} of {resource} in {group:?}"));
            }
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("examples/reviews has no review of: {}", missing.into_iter().collect::<Vec<_>>().join(", ")))
    }
}

/// Rules can be widened, and `kwctl run` asks what it is given: a policy answers then too, and does not crash.
fn answers_whatever_it_is_sent(bench: &Bench, policy: &Policy) -> Result<(), String> {
    for review in &bench.reviews {
        bench.ask(policy, &review.request).map_err(|problem| format!("{}: {problem}", review.name))?;
    }
    // What `/validate_raw` and `kwctl run --raw` hand on is any JSON at all.
    let pod = &bench.reviews.iter().find(|review| review.name == "pod-create").ok_or("pod-create.json is missing")?.json;
    for raw in
        [json!({}), json!(null), json!([]), json!("text"), json!({"uid": 1}), pod["request"]["object"].clone(), pod.clone()]
    {
        let payload = json!({"request": raw, "settings": {}}).to_string();
        let response = policy.validate_raw(payload.as_bytes(), &Arc::new(World::default()));
        let response = response.map_err(|error| format!("{payload}: {error}"))?;
        if response.accepted && !response.findings.is_empty() {
            return Err(format!("{payload}: accepted in spite of {:?}", response.findings));
        }
    }
    Ok(())
}
