//! For GitHub Actions: workflow commands, which become annotations on a pull request's lines.

use std::fmt::Write as _;
use std::path::Path;

use palisade_harness::Severity;

use super::{Place, Report, printable};

/// The report as workflow commands, and a line that sums it up. Files are named from `root`, the working directory, on: annotations
/// find only those.
pub fn render(report: &Report, root: &Path) -> String {
    let mut text = String::new();
    let at = |place: &Place| Place { file: super::below(&place.file, root).to_string_lossy().into(), position: place.position };
    for finding in report.active() {
        let command = match finding.severity {
            Severity::Deny => "error",
            Severity::Warn => "warning",
        };
        let title = format!("{}/{}", finding.policy, finding.rule);
        let mut message = format!("{}: ", finding.resource);
        if !finding.path.is_empty() {
            let _ = write!(message, "{}: ", finding.path);
        }
        message.push_str(&finding.message);
        if !finding.remedy.is_empty() {
            let _ = write!(message, "\n{}", finding.remedy);
        }
        write_command(&mut text, command, &at(&finding.place), &title, &message);
    }
    for failure in &report.failures {
        let mut message = String::new();
        if let Some(resource) = &failure.resource {
            let _ = write!(message, "{resource}: ");
        }
        message.push_str(&failure.message);
        write_command(&mut text, "error", &at(&failure.place), failure.policy.as_deref().unwrap_or("palisade"), &message);
    }
    for note in &report.notes {
        // Not worth an annotation: there may be many, and only ten of a sort are shown.
        let _ = writeln!(text, "note: {}", printable(&format!("{}: {}", note.place, note.message)).replace('\n', " "));
    }
    let _ = writeln!(text, "{}", report.summary());
    text
}

fn write_command(text: &mut String, command: &str, place: &Place, title: &str, message: &str) {
    let _ = write!(text, "::{command} file={}", property(&place.file));
    if let Some(position) = place.position {
        let _ = write!(text, ",line={},col={}", position.line, position.column);
    }
    let _ = writeln!(text, ",title={}::{}", property(title), data(message));
}

/// Escaped as the runner's toolkit does it: a message is one line.
fn data(text: &str) -> String {
    printable(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
