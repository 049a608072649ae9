//! The packages of `artifacthub/` against those that `kwctl scaffold artifacthub` makes of the same metadata and questions.
//!
//! Needs `kwctl` on the PATH; where there is none, each test is reported as ignored.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use libtest_mimic::{Arguments, Failed, Trial};
use palisade_policies::{Module, POLICIES};

/// Where a package says something else than `kwctl` does, on purpose: the day of the release, and whose policy it is.
const OURS: [&str; 2] = ["createdAt", "provider"];
/// What Artifact Hub reads besides, always or at times.
const MORE: [&str; 5] = ["category", "changes", "containsSecurityUpdates", "prerelease", "readme"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let path = env::var_os("PATH").unwrap_or_default();
    let kwctl = env::split_paths(&path).map(|folder| folder.join("kwctl")).find(|file| file.is_file());
    let trials = POLICIES.iter().map(|module| {
        let kwctl = kwctl.clone();
        Trial::test(format!("artifacthub::as-kwctl-writes-it::{}", module.name), {
            let kwctl = kwctl.clone().unwrap_or_default();
            move || is_as_kwctl_writes_it(&kwctl, module)
        })
        .with_ignored_flag(kwctl.is_none())
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn is_as_kwctl_writes_it(kwctl: &Path, module: &Module) -> Result<(), Failed> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = tempfile::tempdir()?;
    // JSON is YAML, and this is the very text that the module carries.
    let metadata = folder.path().join("metadata.yml");
    fs::write(&metadata, module.metadata)?;
    let output = Command::new(kwctl)
        .args(["scaffold", "artifacthub", "--metadata-path"])
        .arg(&metadata)
        .arg("--questions-path")
        .arg(root.join("policies").join(module.name).join("questions-ui.yml"))
        .output()?;
    if !output.status.success() {
        return Err(format!("kwctl failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let theirs: serde_norway::Mapping = serde_norway::from_slice(&output.stdout)?;
    let path = root.join("artifacthub").join(module.name).join("artifacthub-pkg.yml");
    let mut ours: serde_norway::Mapping = serde_norway::from_str(&fs::read_to_string(path)?)?;
    for key in MORE {
        ours.shift_remove(key);
    }
    let keys = |mapping: &serde_norway::Mapping| mapping.keys().cloned().collect::<Vec<_>>();
    if keys(&ours) != keys(&theirs) {
        return Err(format!("kwctl writes the fields {:?}, and here are {:?}", keys(&theirs), keys(&ours)).into());
    }
    for (key, value) in &theirs {
        if key.as_str().is_some_and(|key| OURS.contains(&key)) {
            continue;
        }
        if ours.get(key) != Some(value) {
            let text = |value: Option<&serde_norway::Value>| serde_json::to_string(&value).unwrap_or_default();
            return Err(format!("{key:?}: kwctl writes {}, and here is {}", text(Some(value)), text(ours.get(key))).into());
        }
    }
    Ok(())
}
