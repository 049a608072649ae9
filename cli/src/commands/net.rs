//! `palisade net`

use super::{CommandError, Outcome};
use crate::args::{MapFormat, Net};
use crate::net::{dot, json, mermaid, survey, table};
use crate::report::table::failure_line;
use crate::{input, output};

/// Reads, and reports who can reach whom.
pub fn run(args: &Net) -> Result<Outcome, CommandError> {
    let input = input::read(&args.paths);
    let nothing = input.objects.is_empty() && input.failures.is_empty();
    let mut map = survey::survey(input, &args.namespace);
    map.narrow(&args.within);
    let text = match args.format {
        MapFormat::Table => table::render(&map, if args.output.is_some() { None } else { output::width() }),
        MapFormat::Json => json::render(&map).map_err(|error| CommandError::Other(error.to_string()))?,
        MapFormat::Dot => dot::render(&map),
        MapFormat::Mermaid => mermaid::render(&map),
    };
    output::write(&text, args.output.as_deref())?;
    if args.output.is_some() || args.format != MapFormat::Table {
        for failure in &map.failures {
            anstream::eprintln!("error: {}", failure_line(failure));
        }
        if args.output.is_some() {
            anstream::eprintln!("{}", map.summary());
        }
    }
    if nothing {
        let paths: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
        return Err(CommandError::Other(format!("there is no Kubernetes object in {}", paths.join(", "))));
    }
    Ok(if map.failures.is_empty() { Outcome::Clean } else { Outcome::Incomplete })
}
