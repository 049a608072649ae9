//! What `CHANGELOG.md` says of a version, for those who look at one policy.
//!
//! Its form is that of Keep a Changelog: `## 0.1.0 - 2026-11-28`, below it `### Added` and the other kinds, and below these entries
//! that begin with `- `. The kinds are those of Artifact Hub as well.

use std::path::Path;
use std::{fs, io};

use serde::Serialize;

use super::GenerateError;

const KINDS: [&str; 6] = ["added", "changed", "deprecated", "removed", "fixed", "security"];

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `added`, `changed`, `deprecated`, `removed`, `fixed` or `security`.
    pub kind: &'static str,
    /// What changed.
    pub description: String,
}

/// The entries of a version, which was released on that day. Without a changelog there are none.
///
/// # Errors
/// When the file cannot be read, does not know the version, or says another day.
pub fn read(root: &Path, version: &str, released: &str) -> Result<Vec<Change>, GenerateError> {
    let path = root.join("CHANGELOG.md");
    match fs::read_to_string(&path) {
        Ok(text) => changes(&text, version, released).map_err(|problem| GenerateError::Marker { path, problem }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(GenerateError::File { path, source }),
    }
}

fn changes(text: &str, version: &str, released: &str) -> Result<Vec<Change>, String> {
    let heading = |line: &str| Some(line.strip_prefix("## ")?.replace(['[', ']'], ""));
    let day_of = |line: &str| {
        let heading = heading(line)?;
        let (found, rest) = heading.split_once(' ').unwrap_or((&heading, ""));
        (found == version).then(|| rest.trim_matches([' ', '-']).to_owned())
    };
    let mut lines = text.lines();
    let day = lines.find_map(day_of).ok_or_else(|| format!("expected a section for {version}: ## {version} - {released}"))?;
    if day != "unreleased" && day != released {
        return Err(format!("{version} was released on {day}, and by Cargo.toml on {released}; write the same day in both"));
    }
    let mut changes: Vec<Change> = Vec::new();
    let mut kind = None;
    let mut open = false;
    for line in lines.take_while(|line| heading(line).is_none()) {
        if let Some(name) = line.strip_prefix("### ") {
            let known = KINDS.into_iter().find(|known| name.trim().eq_ignore_ascii_case(known));
            kind = Some(known.ok_or_else(|| format!("{line}: expected one of {}", KINDS.join(", ")))?);
            open = false;
        } else if let (Some(kind), Some(entry)) = (kind, line.strip_prefix("- ")) {
            changes.push(Change { kind, description: entry.trim().to_owned() });
            open = true;
        } else if line.trim().is_empty() {
            open = false;
        } else if let (true, Some(change)) = (open, changes.last_mut()) {
            change.description = format!("{} {}", change.description, line.trim());
        }
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Changelog\n\n## 0.2.0 - 2027-01-31\n\nWords.\n\n### Added\n\n- `a`: one,\n  and more.\n- two\n\n\
                        ### Security\n- three\n\n## [0.1.0] - unreleased\n\n### Fixed\n\n- four\n";

    #[test]
    fn entries_are_those_of_the_version() {
        let entry = |kind, description: &str| Change { kind, description: description.to_owned() };
        assert_eq!(
            changes(TEXT, "0.2.0", "2027-01-31").unwrap(),
            [entry("added", "`a`: one, and more."), entry("added", "two"), entry("security", "three")]
        );
        assert_eq!(changes(TEXT, "0.1.0", "2026-11-28").unwrap(), [entry("fixed", "four")]);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let problem = |text: &str, version| changes(text, version, "2026-11-28").unwrap_err();
        assert!(problem(TEXT, "0.1").starts_with("expected a section for 0.1:"));
        assert_eq!(problem(TEXT, "0.3.0"), "expected a section for 0.3.0: ## 0.3.0 - 2026-11-28");
        assert!(problem(TEXT, "0.2.0").starts_with("0.2.0 was released on 2027-01-31, and by Cargo.toml on 2026-11-28"));
        assert!(problem("## 1.0.0 - unreleased\n### Improved\n", "1.0.0").contains("expected one of added, changed"));
    }

    #[test]
    fn without_a_changelog_there_are_no_entries() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path(), "0.1.0", "2026-11-28").unwrap(), []);
    }
}
