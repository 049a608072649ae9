//! The verdicts as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::Style;
use serde::Serialize;

use super::{Aspect, BuiltIn, State, Verdict};
use crate::report::json::{TOOL, Tool};
use crate::report::printable;
use crate::report::table::{DENY, FAINT, GOOD, STRONG, WARN, wrap};

/// Grows when a key changes its meaning or goes; new keys may come without that.
const SCHEMA_VERSION: u32 = 1;

/// So many characters of a digest tell it from others.
const SHOWN_OF_DIGEST: usize = 12;

/// A cell of the table: what stands there, and how.
type Cell = (String, Style);

/// A line for each policy, and below what is wrong and what to do.
pub fn table(verdicts: &[Verdict], width: Option<usize>) -> String {
    let plain = |text: &str| (text.to_owned(), STRONG);
    let mut rows: Vec<Vec<Cell>> = vec![vec![plain("policy"), plain("digest")]];
    // A tag that leads nowhere has no digest: it needs no column of its own.
    let aspects = &Aspect::ALL[1..];
    rows[0].extend(aspects.iter().map(|aspect| plain(aspect.name())));
    rows[0].push(plain("built in"));
    for verdict in verdicts {
        let mut row = vec![(printable(&verdict.policy).into_owned(), Style::new()), digest(verdict)];
        row.extend(aspects.iter().map(|aspect| cell(verdict.state(*aspect))));
        row.push(match verdict.built_in {
            Some(BuiltIn::Same) => ("same".to_owned(), GOOD),
            Some(BuiltIn::Other) => ("other".to_owned(), WARN),
            Some(BuiltIn::None) | None => ("-".to_owned(), FAINT),
        });
        rows.push(row);
    }
    let mut text = String::new();
    write_rows(&mut text, &rows);
    text.push('\n');
    write_problems(&mut text, verdicts, width);
    let summary = Summary::of(verdicts);
    let style = match (summary.unknown, summary.wrong) {
        (0, 0) => GOOD,
        _ => DENY,
    };
    let _ = writeln!(text, "{style}{}{style:#}", summary.in_words());
    text
}

fn digest(verdict: &Verdict) -> Cell {
    match (
        verdict.digest.as_deref().and_then(|digest| digest.split_once(':')?.1.get(..SHOWN_OF_DIGEST)),
        verdict.state(Aspect::Tag),
    ) {
        (Some(digest), _) => (digest.to_owned(), FAINT),
        (None, Some(State::Wrong { .. })) => ("none".to_owned(), DENY),
        (None, _) => ("?".to_owned(), WARN),
    }
}

fn cell(state: Option<&State>) -> Cell {
    let (word, style) = match state {
        Some(State::Good) => ("ok", GOOD),
        Some(State::Wrong { .. }) => ("WRONG", DENY),
        Some(State::Unknown { .. }) => ("?", WARN),
        Some(State::Skipped { .. }) | None => ("-", FAINT),
    };
    (word.to_owned(), style)
}

fn write_rows(text: &mut String, rows: &[Vec<Cell>]) {
    let length = |cell: &Cell| cell.0.chars().count();
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column).map(length)).max().unwrap_or_default())
        .collect();
    for row in rows {
        for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let (word, style) = cell;
            let _ = write!(text, "{style}{word}{style:#}");
            if index + 1 < columns {
                let _ = write!(text, "{}", " ".repeat(width - length(cell) + 2));
            }
        }
        text.push('\n');
    }
}

fn write_problems(text: &mut String, verdicts: &[Verdict], width: Option<usize>) {
    for verdict in verdicts.iter().filter(|verdict| verdict.is_wrong() || verdict.is_unknown()) {
        let (policy, reference) = (printable(&verdict.policy), printable(&verdict.reference));
        let _ = writeln!(text, "{STRONG}{policy}{STRONG:#}  {FAINT}{reference}{FAINT:#}");
        for (aspect, state) in &verdict.states {
            let (problem, remedy, style) = match state {
                State::Wrong { problem, remedy } => (problem, remedy.as_str(), DENY),
                State::Unknown { problem } => (problem, "", WARN),
                State::Good | State::Skipped { .. } => continue,
            };
            wrap(text, &format!("  {style}{}{style:#}  ", aspect.name()), "    ", &printable(problem), width);
            if !remedy.is_empty() {
                wrap(text, "    → ", "      ", &printable(remedy), width);
            }
        }
        text.push('\n');
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Root<'v> {
    schema_version: u32,
    tool: Tool,
    summary: Summary,
    policies: Vec<Entry<'v>>,
}

#[derive(Serialize)]
struct Summary {
    policies: usize,
    good: usize,
    wrong: usize,
    unknown: usize,
}

impl Summary {
    /// A policy of which something could not be found out counts as such, whatever else is wrong with it.
    fn of(verdicts: &[Verdict]) -> Self {
        let unknown = verdicts.iter().filter(|verdict| verdict.is_unknown()).count();
        let wrong = verdicts.iter().filter(|verdict| verdict.is_wrong() && !verdict.is_unknown()).count();
        Self { policies: verdicts.len(), good: verdicts.len() - wrong - unknown, wrong, unknown }
    }

    fn in_words(&self) -> String {
        match (self.policies, self.good) {
            (1, 1) => return "1 policy, and it is as it should be".to_owned(),
            (all, good) if all == good => return format!("{all} policies, and all are as they should be"),
            _ => {}
        }
        let mut words = format!("{} of {} as it should be", self.good, self.policies);
        for (number, what) in [(self.wrong, "not"), (self.unknown, "could not be checked")] {
            if number > 0 {
                let _ = write!(words, ", {number} {what}");
            }
        }
        words
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'v> {
    policy: &'v str,
    reference: &'v str,
    digest: Option<&'v str>,
    checks: BTreeMap<&'static str, &'v State>,
    built_in: Option<BuiltIn>,
}

impl<'v> From<&'v Verdict> for Entry<'v> {
    fn from(verdict: &'v Verdict) -> Self {
        Self {
            policy: &verdict.policy,
            reference: &verdict.reference,
            digest: verdict.digest.as_deref(),
            checks: verdict.states.iter().map(|(aspect, state)| (aspect.name(), state)).collect(),
            built_in: verdict.built_in,
        }
    }
}

/// For programs.
///
/// # Errors
/// None that can happen: the verdicts hold nothing that JSON lacks.
pub fn json(verdicts: &[Verdict]) -> Result<String, serde_json::Error> {
    let root = Root {
        schema_version: SCHEMA_VERSION,
        tool: TOOL,
        summary: Summary::of(verdicts),
        policies: verdicts.iter().map(Entry::from).collect(),
    };
    serde_json::to_string_pretty(&root).map(|text| text + "\n")
}
