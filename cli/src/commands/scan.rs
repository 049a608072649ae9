//! `palisade scan`

use std::path::PathBuf;
use std::time::Instant;

use palisade_sdk::clock;

use super::{CommandError, Outcome, engine};
use crate::args::{FailOn, Format, Scan};
use crate::config::Config;
use crate::modules::{self, Selection};
use crate::report::{Report, github, json, junit, sarif, table};
use crate::{exemptions, input, output, scan};

/// Scans, and reports.
pub fn run(args: &Scan) -> Result<Outcome, CommandError> {
    let started = Instant::now();
    // The engine starts while the files are read.
    let (input, engine) = rayon::join(|| input::read(&args.paths), engine);
    let engine = engine?;
    let today = match args.today {
        Some(today) => today,
        None => clock::today().map_err(|error| CommandError::Other(format!("{error}; say --today")))?,
    };
    let config = Config::load(args.config.as_deref())?;
    let selection = Selection { files: &args.policies.files, only: &args.policies.only, skip: &args.policies.skip };
    let candidates = modules::choose(&engine, &selection, &config)?;
    let nothing = input.objects.is_empty() && input.failures.is_empty();
    let mut report = scan::run(&engine, input, &candidates, &args.namespace, args.today, args.format == Format::Sarif)?;
    report.retain(|finding| args.severity.includes(finding.severity));
    report.notes.extend(exemptions::apply(&config.exemptions, &mut report.findings, today));
    let outcome = outcome(&report, args.fail_on);
    let elapsed = started.elapsed();

    let text = match args.format {
        Format::Table => {
            let width = if args.output.is_some() { None } else { output::width() };
            table::render(&report, width, Some(elapsed))
        }
        Format::Json => json::render(&report).map_err(internal)?,
        Format::Sarif => sarif::render(&report, &here()).map_err(internal)?,
        Format::Junit => junit::render(&report, |severity| args.fail_on.includes(severity)).map_err(internal)?,
        Format::Github => github::render(&report, &here()),
    };
    output::write(&text, args.output.as_deref())?;
    if args.output.is_some() || !matches!(args.format, Format::Table | Format::Github) {
        for failure in &report.failures {
            anstream::eprintln!("error: {}", table::failure_line(failure));
        }
        if args.output.is_some() {
            anstream::eprintln!("{}", report.summary());
        }
    }
    if nothing {
        let paths: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
        return Err(CommandError::Other(format!("there is no Kubernetes object in {}", paths.join(", "))));
    }
    Ok(outcome)
}

/// The working directory.
fn here() -> PathBuf {
    std::env::current_dir().unwrap_or_default()
}

fn outcome(report: &Report, fail_on: FailOn) -> Outcome {
    if !report.failures.is_empty() {
        Outcome::Incomplete
    } else if report.active().any(|finding| fail_on.includes(finding.severity)) {
        Outcome::Findings
    } else {
        Outcome::Clean
    }
}

fn internal(error: impl std::fmt::Display) -> CommandError {
    CommandError::Other(format!("the report cannot be written: {error}"))
}
