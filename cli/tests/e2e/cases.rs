//! What is asked, and what the harness says to it: every fixture, and every review of `examples/reviews` that a policy watches.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use palisade_harness::fixture::{self, Fixture};
use palisade_harness::{AdmissionRequest, Cache, Engine, Limits, Policy, Recording, Verdict, World};
use palisade_policies::{Module, POLICIES};
use serde_json::{Value, json};

/// The cases of every policy, in the order of [`POLICIES`].
#[derive(Debug, Default)]
pub struct Cases {
    cases: Vec<Vec<Case>>,
    reviews: Vec<Review>,
}

/// One request with its settings, and its verdict.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub recording: Recording,
}

/// One file of `examples/reviews`.
#[derive(Debug)]
pub struct Review {
    pub name: String,
    pub text: String,
}

impl Cases {
    /// Runs them all in the harness, with the system's clock: the tools have no other.
    pub fn load() -> Result<Self, String> {
        let engine = Engine::new(Limits::default(), Cache::Default).map_err(|error| error.to_string())?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let reviews = reviews(&root.join("examples/reviews"))?;
        let cluster = cluster(&root.join("examples/reviews/cluster.yaml"))?;
        let mut cases = Vec::new();
        for module in POLICIES {
            let policy =
                Policy::load(&engine, module.name, module.wasm).map_err(|error| format!("{}: {error}", module.name))?;
            let mut of_policy = fixtures(&policy, &root.join("policies").join(module.name).join("fixtures"))?;
            for review in &reviews {
                let request =
                    AdmissionRequest::from_review(&review.text).map_err(|error| format!("{}: {error}", review.name))?;
                if policy.watches(&request) {
                    let recording = judge(&policy, request, &cluster).map_err(|error| format!("{}: {error}", review.name))?;
                    of_policy.push(Case { name: format!("examples/reviews/{}", review.name), recording });
                }
            }
            cases.push(of_policy);
        }
        Ok(Self { cases, reviews })
    }

    /// Those of a policy.
    pub fn of(&self, module: &Module) -> impl Iterator<Item = &Case> {
        let index = POLICIES.iter().position(|known| known.name == module.name);
        index.and_then(|index| self.cases.get(index)).into_iter().flatten()
    }

    /// The file of that name.
    pub fn review(&self, name: &str) -> Result<&Review, String> {
        self.reviews.iter().find(|review| review.name == name).ok_or_else(|| format!("examples/reviews/{name}.json is missing"))
    }
}

fn reviews(dir: &Path) -> Result<Vec<Review>, String> {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let entries: Vec<_> = fs::read_dir(dir).and_then(Iterator::collect::<Result<_, _>>).map_err(|error| failed(dir, error))?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            Ok(Review { name, text: fs::read_to_string(path).map_err(|error| failed(path, error))? })
        })
        .collect()
}

fn cluster(path: &Path) -> Result<Vec<Value>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    palisade_harness::yaml::documents(&text)
        .into_iter()
        .map(|document| {
            document.map(|document| document.value().clone()).map_err(|error| format!("{}: {error}", path.display()))
        })
        .collect()
}

fn fixtures(policy: &Policy, dir: &Path) -> Result<Vec<Case>, String> {
    let paths = fixture::discover(dir).map_err(|error| error.to_string())?;
    let case = |path: &PathBuf| {
        let fixture = Fixture::read(path).map_err(|error| error.to_string())?;
        let recording = fixture.record(policy, None).map_err(|mismatch| format!("{}: {mismatch}", path.display()))?;
        Ok(Case { name: fixture.name().to_owned(), recording })
    };
    paths.iter().map(case).collect()
}

/// A review with the policy's defaults.
fn judge(policy: &Policy, request: AdmissionRequest, cluster: &[Value]) -> Result<Recording, String> {
    let mut world = World::of_objects(cluster.iter().cloned(), "default").map_err(|error| error.to_string())?;
    world.start_recording();
    let (world, settings) = (Arc::new(world), json!({}));
    let response = policy.validate(&request, &settings, &world).map_err(|error| error.to_string())?;
    let verdict = Verdict::Response(Box::new(response));
    Ok(Recording { request, settings, session: world.recorded(), verdict, reads_clock: world.clock_was_read() })
}

/// Whether the settings can be given at all: Kubewarden's tools take a map, and let nothing else come near a policy.
pub fn can_be_set(settings: &Value) -> bool {
    settings.is_object() || settings.is_null()
}

/// Compares an `AdmissionResponse` with the verdict of the harness. `None` when they say the same.
pub fn difference(case: &Case, found: &Value) -> Option<String> {
    let Verdict::Response(expected) = &case.recording.verdict else {
        return Some(format!("the harness refuses the settings, and this was the answer: {found}"));
    };
    let status = match (&expected.message, expected.code) {
        (None, None) => Value::Null,
        (message, code) => without_null(json!({"message": message, "code": code})),
    };
    let expected = json!({
        "allowed": expected.accepted,
        "status": status,
        "auditAnnotations": expected.audit_annotations,
        "warnings": expected.warnings,
    });
    let differs = |key: &&String| found.get(key.as_str()).unwrap_or(&Value::Null) != &expected[key.as_str()];
    let keys: Vec<&String> = expected.as_object().into_iter().flat_map(|fields| fields.keys()).filter(differs).collect();
    let lines: Vec<String> = keys
        .into_iter()
        .map(|key| format!("  - {key}: {}\n  + {key}: {}", expected[key], found.get(key).unwrap_or(&Value::Null)))
        .collect();
    (!lines.is_empty()).then(|| format!("{}\n{}", case.name, lines.join("\n")))
}

fn without_null(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    value
}
