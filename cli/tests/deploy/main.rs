//! What `palisade manifests`, the kustomizations and the Helm chart deploy: the same objects, as Kubewarden takes them.
//!
//! What needs kubectl or helm is reported as ignored, with the program's name, where that is not installed.

mod fields;
mod helm;
mod kustomize;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use serde_json::Value;

/// Labels that say how an object came into the cluster.
const ORIGIN: [&str; 3] = ["app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "helm.sh/chart"];

/// Each profile in each mode.
pub const VARIANTS: [[&str; 2]; 4] =
    [["baseline", "monitor"], ["baseline", "protect"], ["restricted", "monitor"], ["restricted", "protect"]];

/// Objects, by kind and name.
pub type Objects = BTreeMap<(String, String), Value>;

fn main() -> ExitCode {
    let mut trials = fields::trials();
    trials.extend(kustomize::trials());
    trials.extend(helm::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A test that needs a program.
pub fn trial(
    name: impl Into<String>,
    program: &'static str,
    run: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, move || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
            run().map(|()| Completion::Completed)
        } else {
            Ok(Completion::ignored_with(format!("{program} is not installed")))
        }
    })
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) -> Result<(), Failed> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// What a program prints; its errors, where it fails.
pub fn output(command: &mut Command) -> Result<String, Failed> {
    let output = command.output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// What `palisade manifests` prints.
pub fn manifests(args: &[&str]) -> Result<String, Failed> {
    output(Command::new(env!("CARGO_BIN_EXE_palisade")).arg("manifests").args(args))
}

/// What `palisade manifests` writes for a profile in a mode.
pub fn expected(profile: &str, mode: &str) -> Result<Objects, Failed> {
    objects(&manifests(&["--profile", profile, "--mode", mode])?)
}

/// The objects of a text, without what says how they came into the cluster.
pub fn objects(text: &str) -> Result<Objects, Failed> {
    let mut objects = Objects::new();
    for document in palisade_harness::yaml::documents(text) {
        let document = document?;
        if document.is_empty() {
            continue;
        }
        let mut object = document.into_value();
        if let Some(labels) = object["metadata"]["labels"].as_object_mut() {
            labels.retain(|label, _| !ORIGIN.contains(&label.as_str()));
        }
        let name = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let key = (name(&object["kind"]), name(&object["metadata"]["name"]));
        if objects.insert(key.clone(), object).is_some() {
            return Err(format!("{} {} is there twice", key.0, key.1).into());
        }
    }
    Ok(objects)
}

/// Fails with the first difference.
pub fn same(found: &Objects, expected: &Objects) -> Result<(), Failed> {
    let names = |objects: &Objects| objects.keys().cloned().collect::<Vec<_>>();
    if names(found) != names(expected) {
        return Err(format!("expected {:?}, found {:?}", names(expected), names(found)).into());
    }
    for (key, object) in expected {
        if found[key] != *object {
            return Err(format!("{} {}: expected {object}, found {}", key.0, key.1, found[key]).into());
        }
    }
    Ok(())
}
