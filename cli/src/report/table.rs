//! For people: findings by object, each with its place, field, fault and remedy.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use palisade_harness::Severity;

use super::{Failure, Finding, Note, Report, printable};

/// What is bad.
pub const DENY: Style = AnsiColor::Red.on_default().bold();
/// What may be.
pub const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// What is good.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Headings.
pub const STRONG: Style = Style::new().bold();
/// What is only looked for.
pub const FAINT: Style = Style::new().dimmed();

/// The report as styled text. Lines are wrapped at `width` characters, or not at all.
pub fn render(report: &Report, width: Option<usize>, elapsed: Option<Duration>) -> String {
    let mut text = String::new();
    let findings: Vec<&Finding> = report.active().collect();
    for object in findings.chunk_by(|one, next| one.place.file == next.place.file && one.resource == next.resource) {
        let mut object = object.to_vec();
        object.sort_by_key(|finding| finding.place.position);
        if let Some(Finding { resource, place, .. }) = object.first() {
            let (resource, file) = (resource.to_string(), &place.file);
            let _ = writeln!(text, "{STRONG}{}{STRONG:#}  {FAINT}{}{FAINT:#}\n", printable(&resource), printable(file));
        }
        for (index, finding) in object.iter().enumerate() {
            // The same thing is to be done about the next one: it is said there.
            let repeated = object.get(index + 1).is_some_and(|next| next.remedy == finding.remedy);
            write_finding(&mut text, finding, !repeated, width);
        }
    }
    section(&mut text, "Not read, or not judged", DENY, width, report.failures.iter().map(failure_line));
    section(&mut text, "Notes", FAINT, width, note_lines(&report.notes).into_iter());
    let summary = report.summary();
    let style = match (summary.deny + summary.errors, summary.warn) {
        (0, 0) => GOOD,
        (0, _) => WARN,
        _ => DENY,
    };
    let _ = write!(text, "{style}{summary}{style:#}");
    if let Some(elapsed) = elapsed {
        let _ = write!(text, "{FAINT}, in {:.2} s{FAINT:#}", elapsed.as_secs_f64());
    }
    text.push('\n');
    text
}

fn write_finding(text: &mut String, finding: &Finding, with_remedy: bool, width: Option<usize>) {
    let (style, word) = match finding.severity {
        Severity::Deny => (DENY, "deny"),
        Severity::Warn => (WARN, "warn"),
    };
    let _ = writeln!(
        text,
        "  {style}{word}{style:#}  {}  {FAINT}{}/{}{FAINT:#}",
        printable(&finding.place.to_string()),
        printable(&finding.policy),
        printable(&finding.rule)
    );
    if !finding.path.is_empty() {
        let _ = writeln!(text, "        {FAINT}{}{FAINT:#}", printable(&finding.path));
    }
    wrap(text, "        ", "        ", &printable(&finding.message), width);
    if with_remedy && !finding.remedy.is_empty() {
        wrap(text, "        → ", "          ", &printable(&finding.remedy), width);
    }
    text.push('\n');
}

/// A failure in a line.
pub fn failure_line(failure: &Failure) -> String {
    let Failure { place, resource, policy, message } = failure;
    let mut line = format!("{place}: ");
    if let Some(resource) = resource {
        let _ = write!(line, "{resource}: ");
    }
    // A policy that is at fault as a whole is its own place.
    if let Some(policy) = policy.as_ref().filter(|policy| **policy != place.file) {
        let _ = write!(line, "{policy}: ");
    }
    printable(&(line + message)).into_owned()
}

/// Notes, those that say the same in one line.
pub fn note_lines(notes: &[Note]) -> Vec<String> {
    const SHOWN: usize = 3;
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for note in notes {
        match groups.iter_mut().find(|(message, _)| *message == note.message) {
            Some((_, places)) => places.push(note.place.to_string()),
            None => groups.push((&note.message, vec![note.place.to_string()])),
        }
    }
    groups
        .into_iter()
        .map(|(message, places)| {
            let shown = places.get(..SHOWN).unwrap_or(&places).join(", ");
            match places.len().saturating_sub(SHOWN) {
                0 => format!("{shown}: {message}"),
                rest => format!("{shown} and {rest} more: {message}"),
            }
        })
        .collect()
}

/// A title, and the lines below it; nothing when there are none.
pub fn section(text: &mut String, title: &str, style: Style, width: Option<usize>, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    let _ = writeln!(text, "{style}{title}{style:#}\n");
    for line in lines {
        wrap(text, "  ", "    ", &printable(&line), width);
    }
    text.push('\n');
}

/// Writes a text in lines of at most `width` characters, words permitting.
pub fn wrap(text: &mut String, first: &str, next: &str, words: &str, width: Option<usize>) {
    let width = width.unwrap_or(usize::MAX);
    let mut indent = first;
    for paragraph in words.lines() {
        text.push_str(indent);
        let mut used = shown_length(indent);
        indent = next;
        for (index, word) in paragraph.split(' ').enumerate() {
            let length = shown_length(word);
            if index > 0 && used + 1 + length > width {
                text.push('\n');
                text.push_str(next);
                used = shown_length(next);
            } else if index > 0 {
                text.push(' ');
                used += 1;
            }
            text.push_str(word);
            used += length;
        }
        text.push('\n');
    }
}

/// How many characters are seen of a text that may be styled.
fn shown_length(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().chars().count()
}
