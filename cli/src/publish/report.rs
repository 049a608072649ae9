//! What was published, for people and for programs.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::{Publication, State};
use crate::registry::lock::LockedModule;
use crate::report::json::{TOOL, Tool};

/// Grows when a key changes its meaning or goes; new keys may come without that.
const SCHEMA_VERSION: u32 = 1;

/// How much of a digest is enough to tell it from others.
const SHORT_DIGEST: usize = "sha256:".len() + 12;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Root<'r> {
    schema_version: u32,
    tool: Tool,
    destination: &'r str,
    dry_run: bool,
    policies: Vec<Entry<'r>>,
}

#[derive(Serialize)]
struct Entry<'r> {
    name: &'r str,
    version: &'r str,
    reference: String,
    digest: &'r str,
    module: LockedModule,
    state: &'static str,
    /// The digest that the tag had before, if it was another one.
    previous: Option<&'r str>,
}

/// For programs.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn json(publications: &[Publication], destination: &str, dry_run: bool) -> serde_json::Result<String> {
    let entry = |publication: &Publication| {
        let locked = publication.locked();
        (locked.reference, locked.module)
    };
    let policies = publications
        .iter()
        .map(|publication| {
            let (reference, module) = entry(publication);
            let (state, previous) = match &publication.state {
                State::Unknown => ("unknown", None),
                State::Pending => ("pending", None),
                State::Differs(previous) => ("different", Some(&**previous)),
                State::Unchanged => ("unchanged", None),
                State::Pushed => ("pushed", None),
                State::Replaced(previous) => ("replaced", Some(&**previous)),
            };
            Entry {
                name: &publication.artifact.name,
                version: &publication.artifact.version,
                reference,
                digest: &publication.artifact.digest,
                module,
                state,
                previous,
            }
        })
        .collect();
    let root = Root { schema_version: SCHEMA_VERSION, tool: TOOL, destination, dry_run, policies };
    serde_json::to_string_pretty(&root).map(|text| text + "\n")
}

/// For people.
pub fn table(publications: &[Publication], dry_run: bool, force: bool) -> String {
    const FAINT: Style = Style::new().dimmed();
    let rows: Vec<[String; 5]> = publications
        .iter()
        .map(|publication| {
            let word = match &publication.state {
                State::Unknown => "not known",
                State::Pending if dry_run => "to be pushed",
                State::Differs(_) if dry_run && force => "to be replaced",
                State::Pending => "not pushed",
                State::Differs(_) => "different",
                State::Unchanged => "unchanged",
                State::Pushed => "pushed",
                State::Replaced(_) => "replaced",
            };
            [
                publication.artifact.name.clone(),
                word.to_owned(),
                publication.image.to_string(),
                short(&publication.artifact.digest).to_owned(),
                format!("{} KiB", publication.artifact.module.len().div_ceil(1024)),
            ]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [0, 1, 2, 3, 4].map(width);
    let mut text = String::new();
    for (row, publication) in rows.iter().zip(publications) {
        let style = match publication.state {
            State::Unchanged => FAINT,
            State::Differs(_) if !(dry_run && force) => AnsiColor::Red.on_default(),
            State::Pushed | State::Replaced(_) => AnsiColor::Green.on_default(),
            _ => Style::new(),
        };
        let [name, word, reference, digest, size] = row;
        let _ = writeln!(
            text,
            "{name:0$}  {style}{word:1$}{style:#}  {reference:2$}  {digest:3$}  {size:>4$}",
            widths[0], widths[1], widths[2], widths[3], widths[4]
        );
    }
    text
}

/// The beginning of a digest.
pub fn short(digest: &str) -> &str {
    digest.get(..SHORT_DIGEST).unwrap_or(digest)
}
