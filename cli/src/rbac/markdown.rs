//! For a ticket: what somebody has to look at and sign off, each with a box to check.

use std::fmt::Write as _;

use super::words::{self, Rights};
use super::{AccessReport, Given, Grant, Mark, Risk, Subject};
use crate::report::table::{failure_line, note_lines};
use crate::report::{Place, printable};

/// How many workloads are named.
const RUNS_SHOWN: usize = 12;
/// How many resources are named in a line.
const RESOURCES_SHOWN: usize = 100;

/// The report as Markdown, as GitHub and GitLab show it.
pub fn render(report: &AccessReport) -> String {
    let mut text = format!("# Review of access, {}\n\n{}.\n", report.today, report.summary());
    let mut rights = Rights::of(report);
    for (title, risk) in [("High risk", Some(Risk::High)), ("Medium risk", Some(Risk::Medium)), ("No risk marked", None)] {
        let subjects = report.subjects.iter().filter(|subject| subject.risk() == risk && !subject.grants.is_empty());
        let subjects: Vec<&Subject> = subjects.collect();
        if !subjects.is_empty() {
            let _ = write!(text, "\n## {title}\n");
        }
        for subject in subjects {
            write_subject(&mut text, report, subject, &mut rights);
        }
    }
    let unbound = report.subjects.iter().filter(|subject| subject.grants.is_empty());
    section(&mut text, "Bound to nothing", "- [ ] ", unbound.map(|subject| unbound_line(report, subject)));
    let unused = report.unused_roles();
    let unused = unused.iter().map(|role| {
        let marks: String = role.marks.iter().map(mark_words).map(|words| format!("\n  - {words}")).collect();
        format!(
            "{} ({}): {}. Keep it, or remove it{marks}",
            code(&role.id.to_string()),
            role.place.as_ref().map(place_words).unwrap_or_default(),
            plain(&role.due.words(report.today))
        )
    });
    section(&mut text, "Roles that nobody is bound to", "- [ ] ", unused);
    let problems = report.problems.iter().map(|problem| {
        format!("{}, {}: {}", place_words(&problem.place), code(&problem.object.to_string()), plain(&problem.message))
    });
    section(&mut text, "To be corrected", "- [ ] ", problems);
    section(&mut text, "Not read", "- ", report.failures.iter().map(|failure| plain(&failure_line(failure))));
    section(&mut text, "Notes", "- ", note_lines(&report.notes).into_iter().map(|note| plain(&note)));
    text.push_str("\nReviewed by:\n\nOn:\n");
    text
}

fn section(text: &mut String, title: &str, bullet: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        let _ = write!(text, "\n## {title}\n\n");
    }
    for line in lines {
        let _ = writeln!(text, "{bullet}{line}");
    }
}

fn unbound_line(report: &AccessReport, subject: &Subject) -> String {
    let place = subject.place.as_ref().map(|place| format!(" ({})", place_words(place))).unwrap_or_default();
    let undefined = if subject.is_undefined() { "is not among the documents".to_owned() } else { String::new() };
    let facts = [words::runs(subject, RUNS_SHOWN), undefined].into_iter().chain(words::holds_too(report, subject));
    let facts: String = facts.filter(|fact| !fact.is_empty()).map(|fact| format!("; {}", plain(&fact))).collect();
    format!("{}{place}{facts}", code(&subject.id.to_string()))
}

fn write_subject(text: &mut String, report: &AccessReport, subject: &Subject, rights: &mut Rights<'_>) {
    let _ = write!(text, "\n### {}\n\n", code(&subject.id.to_string()));
    let mut facts = Vec::new();
    match &subject.place {
        Some(place) => facts.push(format!("Defined in {}", place_words(place))),
        None if subject.is_undefined() => facts.push("Not among the documents".to_owned()),
        None => {}
    }
    let runs = words::runs(subject, RUNS_SHOWN);
    if !runs.is_empty() {
        facts.push(capital(&plain(&runs)));
    }
    facts.extend(words::holds_too(report, subject).iter().map(|words| capital(&plain(words))));
    if !facts.is_empty() {
        let _ = write!(text, "{}.\n\n", facts.join(". "));
    }
    for grant in &subject.grants {
        write_grant(text, report, grant, rights);
    }
    if !subject.together.is_empty() {
        text.push_str("- [ ] By several bindings together:\n");
        for mark in &subject.together {
            let _ = writeln!(text, "  - {}", mark_words(mark));
        }
    }
}

fn write_grant(text: &mut String, report: &AccessReport, grant: &Grant, rights: &mut Rights<'_>) {
    let Some(binding) = report.bindings.get(grant.binding) else { return };
    let today = report.today;
    let role = report.role_of(binding);
    let given = match (&binding.role, role) {
        (Given::Missing(id), _) => format!("{}, which does not exist", code(&format!("{} {}", id.kind, id.name))),
        (Given::Role(_), Some(role)) => {
            let delivered = if role.is_delivered { words::DELIVERED.to_owned() } else { String::new() };
            let origin: Vec<String> = [delivered, role.place.as_ref().map(place_words).unwrap_or_default()]
                .into_iter()
                .filter(|word| !word.is_empty())
                .collect();
            format!("{} ({})", code(&format!("{} {}", role.id.kind, role.id.name)), origin.join(", "))
        }
        (Given::Role(_), None) => return,
    };
    let place = capital(&plain(&words::place_of(&binding.id)));
    let name = code(&format!("{} {}", binding.id.kind, binding.id.name));
    let _ = writeln!(text, "- [ ] **{place}**: {given}, by {name} ({})", place_words(&binding.place));
    let mut fact = |words: &str| {
        let _ = writeln!(text, "  - {words}");
    };
    if let Some(role) = role.filter(|role| !role.is_delivered) {
        fact(&format!("Role: {}", plain(&role.due.words(today))));
    }
    fact(&format!("Binding: {}", plain(&binding.due.words(today))));
    if let Some(parts) = role.and_then(|role| role.parts.as_ref()) {
        let names: Vec<String> =
            parts.iter().filter_map(|part| report.roles.get(*part)).map(|part| code(&part.id.name)).collect();
        fact(&if names.is_empty() {
            "Made of no ClusterRole that there is".to_owned()
        } else {
            format!("Made of {}", names.join(", "))
        });
    }
    for right in rights.given(binding).iter().flat_map(|rights| rights.iter()) {
        fact(&format!("{} on {}", code(&right.verbs), code(&words::some(&right.on, RESOURCES_SHOWN))));
    }
    for mark in grant.marks() {
        fact(&mark_words(mark));
    }
}

fn mark_words(mark: &Mark) -> String {
    let place = mark.place.as_ref().map(|place| format!(" ({})", place_words(place))).unwrap_or_default();
    format!("**{}** {}{place}: {}: {}", mark.risk.word(), code(mark.id), plain(&mark.what), plain(&mark.why))
}

/// The line is enough for a reader.
fn place_words(place: &Place) -> String {
    match place.position {
        Some(position) => code(&format!("{}:{}", place.file, position.line)),
        None => code(&place.file),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A text in one line in which nothing is Markdown.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in printable(text).chars() {
        match letter {
            '\n' => safe.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '!' | '&' => safe.extend(['\\', letter]),
            letter => safe.push(letter),
        }
    }
    safe
}

/// A text as code, in a fence that is longer than any in it.
fn code(text: &str) -> String {
    let text = printable(text).replace('\n', " ");
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let space = if text.is_empty() || text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markdown() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`a"), "`` `a ``");
        assert_eq!(code("a\nb\u{1b}"), "`a b\\u{1b}`");
        assert_eq!(plain("*a* [b](c) <d>\n# e"), "\\*a\\* \\[b\\](c) \\<d\\> \\# e");
    }
}
