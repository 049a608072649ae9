//! What a scan has to say, and the formats in which it says it.

pub mod github;
pub mod json;
pub mod junit;
pub mod sarif;
pub mod table;

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use palisade_harness::Severity;
use palisade_harness::yaml::Position;
use serde::Serialize;

/// The name that standard input goes by.
pub const STDIN: &str = "<stdin>";

/// An object, as a reader knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// For example `apps/v1`.
    pub api_version: String,
    /// For example `Deployment`.
    pub kind: String,
    /// Its namespace, or the default one; `None` for cluster-scoped objects.
    pub namespace: Option<String>,
    /// Its name, or what it will be generated from; empty when it has neither.
    pub name: String,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name, .. } = self;
        let name = if name.is_empty() { "(without a name)" } else { name };
        match namespace {
            Some(namespace) => write!(f, "{kind} {namespace}/{name}"),
            None => write!(f, "{kind} {name}"),
        }
    }
}

/// A file, and a place in it where one is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// As the user named it.
    pub file: Arc<str>,
    /// Where in it.
    pub position: Option<Position>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "{}:{}:{}", self.file, position.line, position.column),
            None => f.write_str(&self.file),
        }
    }
}

/// A rule of a policy that an object breaks.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Of the very field.
    pub place: Place,
    /// The object.
    pub resource: Resource,
    /// The policy's name.
    pub policy: Arc<str>,
    /// The rule's id.
    pub rule: String,
    /// After the settings.
    pub severity: Severity,
    /// The field; empty for the object as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do; empty where the policy does not say.
    pub remedy: String,
    /// Why it does not count, when it is exempt.
    pub exemption: Option<Exempted>,
}

/// The exemption that a finding falls under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exempted {
    /// The reason that the configuration gives.
    pub reason: String,
    /// The last day on which it holds.
    pub expires: Option<String>,
}

/// Something that could not be read or judged.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The file, or the module, that it is about.
    pub place: Place,
    /// The object that could not be judged.
    pub resource: Option<Resource>,
    /// The policy that could not judge it.
    pub policy: Option<Arc<str>>,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Something worth knowing that is no fault: a file that is no manifest, an exemption that is not used.
#[derive(Clone, Debug)]
pub struct Note {
    /// What it is about.
    pub place: Place,
    /// What is to be known.
    pub message: String,
}

/// What one policy made of one object.
#[derive(Clone, Debug)]
pub struct Check {
    /// The object's place.
    pub place: Place,
    /// The object.
    pub resource: Resource,
    /// The policy's name.
    pub policy: Arc<str>,
    /// Where its findings are in the report.
    pub findings: std::ops::Range<usize>,
    /// Where its failures are in the report.
    pub failures: std::ops::Range<usize>,
}

/// A rule, for formats that list the rules beside the findings.
#[derive(Clone, Debug)]
pub struct RuleInfo {
    /// The policy's name.
    pub policy: Arc<str>,
    /// The rule's id.
    pub id: String,
    /// What it does by default.
    pub severity: Severity,
    /// What must not be.
    pub summary: String,
    /// What to do instead.
    pub remedy: String,
    /// Where the rule comes from.
    pub source: String,
}

/// The outcome of a scan. Everything is in the order of the files and of the objects in them.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many files were read.
    pub files: usize,
    /// How many objects were found.
    pub objects: usize,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What could not be read or judged: what the files are at fault for, then what the policies are.
    pub failures: Vec<Failure>,
    /// What else is to be known.
    pub notes: Vec<Note>,
    /// What was looked at.
    pub checks: Vec<Check>,
    /// The rules of the policies that looked.
    pub rules: Vec<RuleInfo>,
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Files that were read.
    pub files: usize,
    /// Objects that were found.
    pub objects: usize,
    /// Findings that would reject their object.
    pub deny: usize,
    /// Findings that warn.
    pub warn: usize,
    /// Findings that an exemption covers.
    pub exempt: usize,
    /// What could not be read or judged.
    pub errors: usize,
}

impl Report {
    /// Findings that count.
    pub fn active(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.exemption.is_none())
    }

    /// Leaves out the findings that `keep` does not hold for.
    pub fn retain(&mut self, keep: impl Fn(&Finding) -> bool) {
        let mut kept = Vec::with_capacity(self.findings.len());
        let findings = std::mem::take(&mut self.findings);
        // How many are kept of those before each index.
        let mut before = Vec::with_capacity(findings.len() + 1);
        for finding in findings {
            before.push(kept.len());
            if keep(&finding) {
                kept.push(finding);
            }
        }
        before.push(kept.len());
        self.findings = kept;
        let moved = |index: usize| before.get(index).copied().unwrap_or_default();
        for check in &mut self.checks {
            check.findings = moved(check.findings.start)..moved(check.findings.end);
        }
    }

    /// How many there are of each.
    pub fn summary(&self) -> Summary {
        let count = |severity| self.active().filter(|finding| finding.severity == severity).count();
        Summary {
            files: self.files,
            objects: self.objects,
            deny: count(Severity::Deny),
            warn: count(Severity::Warn),
            exempt: self.findings.len() - self.active().count(),
            errors: self.failures.len(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, objects, deny, warn, exempt, errors } = *self;
        write!(f, "{} in {}: ", count(objects, "object"), count(files, "file"))?;
        match (deny, warn) {
            (0, 0) => write!(f, "no findings")?,
            _ => write!(f, "{} ({deny} deny, {warn} warn)", count(deny + warn, "finding"))?,
        }
        if exempt > 0 {
            write!(f, ", {exempt} exempt")?;
        }
        if errors > 0 {
            write!(f, ", {}", count(errors, "error"))?;
        }
        Ok(())
    }
}

/// A file's path from `root` on where it is below it, else from the root of the file system on.
fn below(file: &str, root: &Path) -> PathBuf {
    let mut absolute = PathBuf::new();
    for component in root.join(file).components() {
        match component {
            Component::ParentDir => {
                absolute.pop();
            }
            Component::CurDir => {}
            other => absolute.push(other),
        }
    }
    absolute.strip_prefix(root).map(Path::to_owned).unwrap_or(absolute)
}

/// A number with its noun.
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// A text with its control characters made visible: what comes from a manifest must not move a terminal's cursor.
pub fn printable(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => safe.push('\n'),
            c if c.is_control() => safe.extend(c.escape_default()),
            c => safe.push(c),
        }
    }
    safe.into()
}

#[cfg(test)]
pub mod tests;
