//! `palisade rbac`

use palisade_sdk::clock;

use super::{CommandError, Outcome};
use crate::args::{AccessFormat, Rbac};
use crate::config::Config;
use crate::rbac::{Annotations, Filter, json, markdown, survey, table};
use crate::report::table::failure_line;
use crate::{input, output};

/// Reads, and reports who may do what.
pub fn run(args: &Rbac) -> Result<Outcome, CommandError> {
    let today = match args.today {
        Some(today) => today,
        None => clock::today().map_err(|error| CommandError::Other(format!("{error}; say --today")))?,
    };
    let annotations = Annotations::of(&Config::load(args.config.as_deref())?);
    let input = input::read(&args.paths);
    let nothing = input.objects.is_empty() && input.failures.is_empty();
    let mut report = survey::survey(input, &args.namespace, &annotations, today);
    report.narrow(&Filter { subjects: args.subjects.clone(), within: args.within.clone(), risk: args.risk.map(Into::into) });
    let text = match args.format {
        AccessFormat::Table => table::render(&report, if args.output.is_some() { None } else { output::width() }),
        AccessFormat::Json => json::render(&report).map_err(|error| CommandError::Other(error.to_string()))?,
        AccessFormat::Markdown => markdown::render(&report),
    };
    output::write(&text, args.output.as_deref())?;
    if args.output.is_some() || args.format != AccessFormat::Table {
        for failure in &report.failures {
            anstream::eprintln!("error: {}", failure_line(failure));
        }
        if args.output.is_some() {
            anstream::eprintln!("{}", report.summary());
        }
    }
    if nothing {
        let paths: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
        return Err(CommandError::Other(format!("there is no Kubernetes object in {}", paths.join(", "))));
    }
    Ok(if report.failures.is_empty() { Outcome::Clean } else { Outcome::Incomplete })
}
