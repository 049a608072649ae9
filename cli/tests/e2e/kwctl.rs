//! In `kwctl`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use palisade_harness::{Recording, Verdict};
use palisade_policies::{Module, POLICIES};
use serde_json::Value;
use tempfile::TempDir;

use crate::cases::{Case, Cases, can_be_set, difference};
use crate::{needs, trust};

/// With this variable set to `all`, every case is run.
const HOW_MANY: &str = "PALISADE_E2E";

/// How many cases of each policy are run without it: each takes a process, and the module's compilation.
const SAMPLE: usize = 12;

pub fn trials(kwctl: Option<&Path>, cases: &Arc<Cases>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for module in POLICIES {
        let mut trial = |what: &str, run: fn(&Kwctl, &Module, &Cases) -> Result<(), Failed>| {
            let (program, cases) = (kwctl.map(Path::to_owned), Arc::clone(cases));
            let trial = Trial::test(format!("kwctl::{}::{what}", module.name), move || {
                let program = program.ok_or("kwctl is not installed")?;
                run(&Kwctl::new(program, module)?, module, &cases)
            });
            trials.push(needs("kwctl", kwctl.is_some(), trial));
        };
        trial("inspect", inspects);
        trial("annotate", annotates);
        trial("run", runs);
    }
    trials
}

/// The tool, in a folder of its own, with a module in it.
struct Kwctl {
    program: PathBuf,
    dir: TempDir,
    trust: PathBuf,
    module: PathBuf,
}

impl Kwctl {
    fn new(program: PathBuf, module: &Module) -> Result<Self, Failed> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("module.wasm");
        fs::write(&path, module.wasm)?;
        Ok(Self { program, trust: trust::write(dir.path())?, module: path, dir })
    }

    /// Runs it without anything of the user's: no configuration, no cluster, no cache.
    fn call(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.dir.path()).env_clear();
        command.env("HOME", self.dir.path()).env("NO_COLOR", "1");
        Ok(command.output()?)
    }

    /// What it prints, when it succeeds.
    fn print(&self, arguments: &[&str]) -> Result<String, Failed> {
        let output = self.call(arguments)?;
        if !output.status.success() {
            return Err(format!("kwctl {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

/// It reads the metadata as it was written.
fn inspects(kwctl: &Kwctl, module: &Module, _: &Cases) -> Result<(), Failed> {
    let printed = kwctl.print(&["inspect", "--output", "yaml", text(&kwctl.module)])?;
    // Behind the metadata it may say that nothing is signed.
    let found: Value = serde_norway::from_str(printed.split("\n\n").next().unwrap_or_default())?;
    same_metadata(&serde_json::from_str(module.metadata)?, &found)?;
    let pretty = kwctl.print(&["inspect", text(&kwctl.module)])?;
    if pretty.contains(module.name) { Ok(()) } else { Err(format!("the title is missing: {pretty}").into()) }
}

/// Whether kwctl understands all that we write: it leaves out empty lists, sorts the resources, and adds annotations of its own.
fn same_metadata(ours: &Value, theirs: &Value) -> Result<(), Failed> {
    let sorted = |value: &Value| {
        let mut items: Vec<String> = value.as_array().into_iter().flatten().map(Value::to_string).collect();
        items.sort();
        items
    };
    for (key, expected) in ours.as_object().into_iter().flatten() {
        let found = &theirs[key];
        let same = match (key.as_str(), expected) {
            ("annotations", Value::Object(annotations)) => annotations.iter().all(|(name, text)| found[name] == *text),
            ("contextAwareResources" | "hostCapabilities", _) => sorted(expected) == sorted(found),
            _ => expected == found,
        };
        if !same {
            return Err(format!("{key} is {expected}, and to kwctl it is {found}").into());
        }
    }
    for (key, found) in theirs.as_object().into_iter().flatten() {
        if ours.get(key).is_none() && !(found.is_null() || found.as_array().is_some_and(Vec::is_empty)) {
            return Err(format!("kwctl adds {key}: {found}").into());
        }
    }
    Ok(())
}

/// It would have annotated the module in the same way.
fn annotates(kwctl: &Kwctl, module: &Module, _: &Cases) -> Result<(), Failed> {
    let [raw, metadata, annotated] = ["raw.wasm", "metadata.yml", "annotated.wasm"].map(|name| kwctl.dir.path().join(name));
    fs::write(&raw, without_metadata(module.wasm)?)?;
    let mut given: Value = serde_json::from_str(module.metadata)?;
    // It asks the module itself.
    given.as_object_mut().ok_or("the metadata is no map")?.remove("protocolVersion");
    fs::write(&metadata, given.to_string())?;
    kwctl.print(&["annotate", "--metadata-path", text(&metadata), "--output-path", text(&annotated), text(&raw)])?;
    let found = metadata_of(&fs::read(&annotated)?)?.ok_or("kwctl has written no metadata")?;
    let expected = metadata_of(module.wasm)?.ok_or("the module has no metadata")?;
    same_metadata(&expected, &found)
}

const SECTION: &str = "io.kubewarden.metadata";

fn metadata_of(wasm: &[u8]) -> Result<Option<Value>, Failed> {
    for payload in wasmparser::Parser::new(0).parse_all(wasm) {
        if let wasmparser::Payload::CustomSection(section) = payload?
            && section.name() == SECTION
        {
            return Ok(Some(serde_json::from_slice(section.data())?));
        }
    }
    Ok(None)
}

/// The module as the compiler wrote it: the metadata is its last section.
fn without_metadata(wasm: &[u8]) -> Result<&[u8], Failed> {
    let mut end = 0;
    for payload in wasmparser::Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if matches!(&payload, wasmparser::Payload::CustomSection(section) if section.name() == SECTION) {
            return Ok(&wasm[..end]);
        }
        if let Some((_, range)) = payload.as_section() {
            end = range.end;
        }
    }
    Err("the module has no metadata".into())
}

/// It says what the harness says.
fn runs(kwctl: &Kwctl, module: &Module, cases: &Cases) -> Result<(), Failed> {
    let cases: Vec<&Case> = cases.of(module).collect();
    let all = std::env::var(HOW_MANY).is_ok_and(|value| value == "all");
    let step = if all { 1 } else { cases.len().div_ceil(SAMPLE).max(1) };
    let mut differences = Vec::new();
    for case in cases.iter().step_by(step) {
        differences.extend(one(kwctl, case)?);
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(format!("{} of {}:\n{}", differences.len(), cases.len().div_ceil(step), differences.join("\n")).into())
    }
}

fn one(kwctl: &Kwctl, case: &Case) -> Result<Option<String>, Failed> {
    let dir = kwctl.dir.path().join("case");
    case.recording.write(&dir)?;
    let file = |name: &str| dir.join(name).to_string_lossy().into_owned();
    let (request, settings, session) = (file(Recording::REQUEST), file(Recording::SETTINGS), file(Recording::SESSION));
    let mut arguments = vec!["run", "--sigstore-trust-config", text(&kwctl.trust)];
    arguments.extend(["--request-path", &request, "--settings-path", &settings]);
    if !case.recording.session.exchanges.is_empty() {
        arguments.extend(["--allow-context-aware", "--replay-host-capabilities-interactions", &session]);
    }
    arguments.push(text(&kwctl.module));
    let output = kwctl.call(&arguments)?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match &case.recording.verdict {
        Verdict::SettingsRefused(message) => {
            let expected = match can_be_set(&case.recording.settings) {
                true => format!("Provided settings are not valid: {message}"),
                false => "Invalid settings".to_owned(),
            };
            let refused = !output.status.success() && stderr.contains(&expected);
            Ok((!refused).then(|| format!("{}\n  - {expected}\n  + {stdout}{stderr}", case.name)))
        }
        Verdict::Response(_) => match serde_json::from_str(&stdout) {
            Ok(found) => Ok(difference(case, &found)),
            Err(error) => Ok(Some(format!("{}\n  + no answer ({error}): {stdout}{stderr}", case.name))),
        },
    }
}
