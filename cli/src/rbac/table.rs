//! For people: subject by subject, what each may do, through what, and what matters about it.

use std::fmt::Write as _;

use anstyle::Style;

use super::words::{self, Right, Rights};
use super::{AccessReport, Given, Grant, Mark, Risk, Role, Subject};
use crate::report::printable;
use crate::report::table::{DENY, FAINT, GOOD, STRONG, WARN, failure_line, note_lines, section, wrap};

/// Lines of rights and names of workloads that are shown; the other formats have all of them.
const RIGHTS_SHOWN: usize = 8;
const RUNS_SHOWN: usize = 4;
const RESOURCES_SHOWN: usize = 24;

/// Verbs that are longer have a line of their own.
const VERBS_WIDEST: usize = 32;

/// The report as styled text. Lines are wrapped at `width` characters, or not at all.
pub fn render(report: &AccessReport, width: Option<usize>) -> String {
    let mut text = String::new();
    let mut rights = Rights::of(report);
    for subject in report.subjects.iter().filter(|subject| !subject.grants.is_empty()) {
        write_subject(&mut text, report, subject, &mut rights, width);
    }
    let unbound = report.subjects.iter().filter(|subject| subject.grants.is_empty());
    section(&mut text, "Bound to nothing", GOOD, width, unbound.map(|subject| unbound_line(report, subject)));
    let unused = report.unused_roles().into_iter().map(|role| unused_line(report, role));
    section(&mut text, "Roles that nobody is bound to", WARN, width, unused);
    let problems = report.problems.iter().map(|problem| format!("{}: {}: {}", problem.place, problem.object, problem.message));
    section(&mut text, "To be corrected", WARN, width, problems);
    section(&mut text, "Not read", DENY, width, report.failures.iter().map(failure_line));
    section(&mut text, "Notes", FAINT, width, note_lines(&report.notes).into_iter());
    let summary = report.summary();
    let style = match (summary.high + summary.overdue + summary.errors, summary.medium + summary.problems) {
        (0, 0) => GOOD,
        (0, _) => WARN,
        _ => DENY,
    };
    let mut line = String::new();
    wrap(&mut line, "", "", &summary.to_string(), width);
    let _ = writeln!(text, "{style}{}{style:#}", line.trim_end());
    text
}

fn style_of(risk: Option<Risk>) -> Style {
    match risk {
        Some(Risk::High) => DENY,
        Some(Risk::Medium) => WARN,
        None => GOOD,
    }
}

fn write_subject(text: &mut String, report: &AccessReport, subject: &Subject, rights: &mut Rights<'_>, width: Option<usize>) {
    let risk = subject.risk();
    let name = subject.id.to_string().replace('\n', "\\n");
    let _ = write!(text, "{STRONG}{}{STRONG:#}", printable(&name));
    if let Some(risk) = risk {
        let style = style_of(Some(risk));
        let _ = write!(text, "  {style}{}{style:#}", risk.word());
    }
    if let Some(place) = &subject.place {
        let _ = write!(text, "  {FAINT}{}{FAINT:#}", printable(&place.to_string()));
    }
    text.push('\n');
    let mut say = |words: &str| wrap(text, "  ", "    ", &printable(words), width);
    let runs = words::runs(subject, RUNS_SHOWN);
    if !runs.is_empty() {
        say(&runs);
    }
    if subject.is_undefined() {
        say("is not among the documents");
    }
    for words in words::holds_too(report, subject) {
        say(&words);
    }
    text.push('\n');
    for grant in &subject.grants {
        write_grant(text, report, grant, rights, width);
    }
    if !subject.together.is_empty() {
        let _ = writeln!(text, "  {STRONG}by several bindings together{STRONG:#}");
        for mark in &subject.together {
            write_mark(text, mark, width);
        }
        text.push('\n');
    }
}

fn write_grant(text: &mut String, report: &AccessReport, grant: &Grant, rights: &mut Rights<'_>, width: Option<usize>) {
    let Some(binding) = report.bindings.get(grant.binding) else { return };
    let today = report.today;
    let where_ = words::place_of(&binding.id);
    let role = report.role_of(binding);
    let given = match (&binding.role, role) {
        (Given::Missing(id), _) => format!("{} {}", id.kind, id.name),
        (Given::Role(_), Some(role)) => format!("{} {}", role.id.kind, role.id.name),
        (Given::Role(_), None) => return,
    };
    wrap(text, "  ", "    ", &format!("{STRONG}{}{STRONG:#}: {}", printable(&where_), printable(&given)), width);
    let mut fact = |what: &str, words: &str| {
        wrap(text, "    ", "      ", &format!("{FAINT}{what}{FAINT:#} {}", printable(words)), width);
    };
    if let Some(role) = role {
        let place = role.place.as_ref().map(ToString::to_string);
        fact(
            "role",
            &match place {
                Some(place) if !role.is_delivered => format!("{place}, {}", role.due.words(today)),
                Some(place) => format!("{}, {place}", words::DELIVERED),
                None => words::DELIVERED.to_owned(),
            },
        );
    }
    fact("binding", &format!("{}, {}, {}", binding.id.name, binding.place, binding.due.words(today)));
    if let Some(parts) = role.and_then(|role| role.parts.as_ref()) {
        let names: Vec<String> =
            parts.iter().filter_map(|part| report.roles.get(*part)).map(|part| part.id.name.to_string()).collect();
        let made = if names.is_empty() { "no ClusterRole that there is".to_owned() } else { words::some(&names, RUNS_SHOWN) };
        fact("made of", &made);
    }
    if let Some(rights) = rights.given(binding) {
        write_rights(text, &rights, width);
    }
    for mark in grant.marks() {
        write_mark(text, mark, width);
    }
    text.push('\n');
}

/// The rights in two columns, or below each other where the lines are short.
fn write_rights(text: &mut String, rights: &[Right], width: Option<usize>) {
    if rights.is_empty() {
        text.push_str("    grants nothing\n");
    }
    let shown = rights.get(..RIGHTS_SHOWN).unwrap_or(rights);
    let widest = width.map_or(VERBS_WIDEST, |width| VERBS_WIDEST.min(width / 3));
    let fits = |right: &&Right| right.verbs.chars().count() <= widest;
    let column = shown.iter().filter(fits).map(|right| right.verbs.chars().count()).max().unwrap_or_default();
    for right in shown {
        let (verbs, on) =
            (printable(&right.verbs).into_owned(), printable(&words::some(&right.on, RESOURCES_SHOWN)).into_owned());
        let indent = " ".repeat(4 + column + 2);
        if fits(&right) {
            wrap(text, &format!("    {verbs:column$}  "), &indent, &on, width);
        } else {
            wrap(text, "    ", "      ", &verbs, width);
            wrap(text, &indent, &indent, &on, width);
        }
    }
    if let Some(rest) = rights.len().checked_sub(RIGHTS_SHOWN).filter(|rest| *rest > 0) {
        let _ = writeln!(text, "    {FAINT}and {rest} more, in the other formats{FAINT:#}");
    }
}

fn write_mark(text: &mut String, mark: &Mark, width: Option<usize>) {
    let style = style_of(Some(mark.risk));
    let place =
        mark.place.as_ref().map(|place| format!("  {FAINT}{}{FAINT:#}", printable(&place.to_string()))).unwrap_or_default();
    let _ = writeln!(text, "    {style}{:6}{style:#}  {}{place}", mark.risk.word(), mark.id);
    wrap(text, "            ", "            ", &printable(&format!("{}: {}", mark.what, mark.why)), width);
}

fn unbound_line(report: &AccessReport, subject: &Subject) -> String {
    let place = subject.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
    let undefined = if subject.is_undefined() { "is not among the documents".to_owned() } else { String::new() };
    let facts = [words::runs(subject, RUNS_SHOWN), undefined].into_iter().chain(words::holds_too(report, subject));
    let facts: String = facts.filter(|fact| !fact.is_empty()).map(|fact| format!("; {fact}")).collect();
    format!("{place}{}{facts}", subject.id)
}

fn unused_line(report: &AccessReport, role: &Role) -> String {
    let marks: Vec<String> = role.marks.iter().map(|mark| mark.id.to_owned()).collect();
    let risk = role.marks.iter().map(|mark| mark.risk).max();
    let risk = risk.map_or(String::new(), |risk| format!("; {} risk: {}", risk.word(), words::some(&marks, RUNS_SHOWN)));
    let place = role.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
    format!("{place}{}, {}{risk}", role.id, role.due.words(report.today))
}
