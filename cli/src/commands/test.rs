//! `palisade test`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use palisade_harness::Policy;
use palisade_harness::fixture::{self, Fixture};
use rayon::prelude::*;

use super::{CommandError, Outcome, engine};
use crate::args::Test;
use crate::report::count;
use crate::{modules, output};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// What became of a fixture.
enum Result {
    Holds,
    Fails(String),
    /// The fixture cannot be read, or its recording cannot be written.
    Broken(String),
}

/// Runs the fixtures of a folder, and prints each with its result.
pub fn run(args: &Test) -> std::result::Result<Outcome, CommandError> {
    let engine = engine()?;
    let built_in = args.module.to_str().and_then(palisade_policies::find);
    let policy = match built_in {
        Some(module) => Policy::load(&engine, module.name, module.wasm)
            .map_err(|source| modules::ModuleError::Load { module: module.name.to_owned(), source })?,
        None => modules::load_file(&engine, &args.module)?,
    };
    let dir = match (&args.dir, built_in) {
        (Some(dir), _) => dir.clone(),
        (None, Some(module)) => Path::new("policies").join(module.name).join("fixtures"),
        (None, None) => {
            return Err(CommandError::Other("name the folder of the fixtures: palisade test MODULE DIR".to_owned()));
        }
    };
    let mut paths = fixture::discover(&dir).map_err(|error| CommandError::Other(error.to_string()))?;
    if let Some(filter) = &args.filter {
        paths.retain(|path| path.file_stem().is_some_and(|stem| stem.to_string_lossy().contains(filter)));
    }
    if paths.is_empty() {
        return Err(CommandError::Other(format!("there is no fixture to run in {}", dir.display())));
    }
    let results: Vec<(PathBuf, Result)> = paths
        .into_par_iter()
        .map(|path| {
            let result = one(&policy, &path, args.record.as_deref());
            (path, result)
        })
        .collect();

    let mut text = String::new();
    let (mut failed, mut broken) = (0, 0);
    for (path, result) in &results {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let (style, word, details) = match result {
            Result::Holds => (GOOD, "ok", ""),
            Result::Fails(details) => {
                failed += 1;
                (BAD, "FAILED", details.as_str())
            }
            Result::Broken(details) => {
                broken += 1;
                (BAD, "ERROR", details.as_str())
            }
        };
        let _ = writeln!(text, "{style}{word:6}{style:#}  {name}");
        for line in details.lines() {
            let _ = writeln!(text, "        {line}");
        }
    }
    let held = results.len() - failed - broken;
    let _ = write!(text, "\n{}: {}: {held} hold, {failed} failed", policy.name(), count(results.len(), "fixture"));
    if broken > 0 {
        let _ = write!(text, ", {broken} could not be run");
    }
    text.push('\n');
    if let Some(dir) = &args.record {
        let _ = writeln!(text, "recorded in {}: `palisade test --help` says how kwctl runs it", dir.display());
    }
    output::write(&text, None)?;
    Ok(match (failed, broken) {
        (0, 0) => Outcome::Clean,
        (_, 0) => Outcome::Findings,
        _ => Outcome::Incomplete,
    })
}

fn one(policy: &Policy, path: &Path, record: Option<&Path>) -> Result {
    let fixture = match Fixture::read(path) {
        Ok(fixture) => fixture,
        Err(error) => return Result::Broken(error.to_string()),
    };
    let recording = match fixture.record(policy, fixture.today()) {
        Ok(recording) => recording,
        Err(mismatch) => return Result::Fails(mismatch.to_string()),
    };
    if let Some(dir) = record
        && let Err(error) = recording.write(&dir.join(fixture.name()))
    {
        return Result::Broken(error.to_string());
    }
    match fixture.judge(policy, &recording) {
        Ok(()) => Result::Holds,
        Err(mismatch) => Result::Fails(mismatch.to_string()),
    }
}
