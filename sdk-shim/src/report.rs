//! What a policy has to say: rules, findings, and the response made of them.

use std::fmt::Write as _;

use crate::Path;
use crate::json::Writer;
use crate::settings::{Level, RuleLevels};

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The object is rejected.
    Deny,
    /// The object is accepted, and whoever applies it is warned.
    Warn,
}

impl Severity {
    /// As it is written in findings: `deny` or `warn`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
        }
    }
}

/// One thing that a policy holds. A user sets its severity by its id: `rules: {wildcard-verb: warn}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Kebab-case, stable for ever: users write it into their settings.
    pub id: &'static str,
    /// What a finding of this rule does unless the settings say otherwise.
    pub severity: Severity,
    /// One line: what must not be.
    pub summary: &'static str,
    /// One line, imperative: what to do instead.
    pub remedy: &'static str,
    /// Where the rule comes from: a section of the Kubernetes API, CIS, NSA/CISA, OWASP or Django's documentation.
    pub source: &'static str,
}

/// Declares a policy's rules as a table, each as a public constant, and all of them as `ALL` in the order of the table: name, id,
/// severity, summary, remedy and source.
///
/// ```
/// palisade_sdk::rules! {
///     HOST_NETWORK = "host-network", Deny:
///         "a pod in its node's network escapes every NetworkPolicy";
///         "remove hostNetwork, or set it to false";
///         "Pod Security Standards, baseline: Host Namespaces"
/// }
/// assert_eq!(ALL[0].id, HOST_NETWORK.id);
/// ```
#[macro_export]
macro_rules! rules {
    ($( $name:ident = $id:literal, $severity:ident: $summary:literal; $remedy:literal; $source:literal )*) => {
        $(
            #[doc = concat!("`", $id, "`")]
            pub const $name: $crate::Rule = $crate::Rule {
                id: $id,
                severity: $crate::Severity::$severity,
                summary: $summary,
                remedy: $remedy,
                source: $source,
            };
        )*

        /// All of them, in the order in which they are explained.
        pub const ALL: &[$crate::Rule] = &[$($name),*];
    };
}

/// A rule that an object breaks, and where. The audit annotation `findings` is a JSON list of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// Its severity, after the settings.
    pub severity: Severity,
    /// The field, as [`Path`] prints it; empty for the object as a whole.
    pub path: String,
    /// What is wrong. Never holds a secret's value.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// The line of the field's text, counted from 1, where the field is a text of several lines.
    pub line: Option<usize>,
}

/// Rules of the shim itself, which no setting switches off.
pub(crate) const MALFORMED_OBJECT: Rule = Rule {
    id: "malformed-object",
    severity: Severity::Deny,
    summary: "an object that cannot be read cannot be judged",
    remedy: "write the field as the Kubernetes API documents it",
    source: "Kubernetes API reference",
};
pub(crate) const HOST_CALL_FAILED: Rule = Rule {
    id: "host-call-failed",
    severity: Severity::Deny,
    summary: "an object whose surroundings cannot be read cannot be judged",
    remedy: "see that the policy server reaches what the policy asks for, and that contextAwareResources grants it",
    source: "Kubewarden host capabilities",
};
pub(crate) const INVALID_SETTINGS: Rule = Rule {
    id: "invalid-settings",
    severity: Severity::Deny,
    summary: "a policy with settings that it does not understand judges nothing",
    remedy: "correct the policy's settings",
    source: "Kubewarden policy settings",
};

/// Findings beyond this number are counted, not listed: a hostile object must not make an answer of hundreds of megabytes.
const LISTED: usize = 1000;

/// Collects findings while a policy judges an object.
#[derive(Debug, Default)]
pub struct Report {
    levels: RuleLevels,
    findings: Vec<Finding>,
    unlisted: usize,
    unlisted_deny: bool,
    mutated_object: Option<String>,
}

impl Report {
    pub(crate) fn new(levels: RuleLevels) -> Self {
        Self { levels, ..Self::default() }
    }

    /// The severity of a rule under the settings, or `None` when it is switched off: then there is no need to look.
    pub fn severity_of(&self, rule: &Rule) -> Option<Severity> {
        match self.levels.get(rule.id) {
            None => Some(rule.severity),
            Some(Level::Deny) => Some(Severity::Deny),
            Some(Level::Warn) => Some(Severity::Warn),
            Some(Level::Off) => None,
        }
    }

    /// Reports that the field at `path` breaks `rule`. The message says what is wrong there, without the final stop.
    pub fn add(&mut self, rule: &Rule, path: &Path<'_>, message: impl Into<String>) {
        self.push(rule, path, None, message.into(), None);
    }

    /// Like [`add`](Self::add), with a remedy that fits this very finding better than the rule's own.
    pub fn add_with_remedy(&mut self, rule: &Rule, path: &Path<'_>, message: impl Into<String>, remedy: impl Into<String>) {
        self.push(rule, path, None, message.into(), Some(remedy.into()));
    }

    /// Like [`add_with_remedy`](Self::add_with_remedy), about a line of the text at `path`: a scan then points at that line.
    pub fn add_in_text(
        &mut self,
        rule: &Rule,
        path: &Path<'_>,
        line: Option<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.push(rule, path, line, message.into(), Some(remedy.into()));
    }

    fn push(&mut self, rule: &Rule, path: &Path<'_>, line: Option<usize>, message: String, remedy: Option<String>) {
        let Some(severity) = self.severity_of(rule) else { return };
        if self.findings.len() == LISTED {
            self.unlisted += 1;
            self.unlisted_deny |= severity == Severity::Deny;
            return;
        }
        let remedy = remedy.unwrap_or_else(|| rule.remedy.to_owned());
        self.findings.push(Finding { rule: rule.id, severity, path: path.to_string(), message, remedy, line });
    }

    /// The object as it should be, in JSON: the answer then carries it, unless something is denied.
    pub fn mutate(&mut self, object: String) {
        self.mutated_object = Some(object);
    }

    /// What was found so far.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Forgets what `before` holds too: same rule, same place, same words.
    pub(crate) fn forget(&mut self, before: &Report) {
        self.findings.retain(|finding| !before.findings.contains(finding));
        self.unlisted = self.unlisted.saturating_sub(before.unlisted);
        self.unlisted_deny &= self.unlisted > 0;
    }

    pub(crate) fn into_response(self) -> Response {
        let accepted = !self.unlisted_deny && self.findings.iter().all(|finding| finding.severity != Severity::Deny);
        let mut message = String::new();
        let mut warnings = Vec::new();
        for finding in &self.findings {
            match finding.severity {
                Severity::Deny => {
                    if !message.is_empty() {
                        message.push('\n');
                    }
                    let _ = write!(message, "{}: {}", line(finding), finding.remedy);
                }
                Severity::Warn => warnings.push(line(finding)),
            }
        }
        if self.unlisted > 0 {
            let rest = format!("and {} findings more", self.unlisted);
            if self.unlisted_deny {
                message.push('\n');
                message.push_str(&rest);
            } else {
                warnings.push(rest);
            }
        }
        Response {
            accepted,
            message: (!accepted).then_some(message),
            code: (!accepted).then_some("403"),
            mutated_object: self.mutated_object.filter(|_| accepted),
            findings: (!self.findings.is_empty()).then(|| written(&self.findings)),
            warnings: (!warnings.is_empty()).then_some(warnings),
        }
    }
}

/// `spec.x: what is wrong (rule)`
fn line(finding: &Finding) -> String {
    let separator = if finding.path.is_empty() { "" } else { ": " };
    format!("{}{separator}{} ({})", finding.path, finding.message, finding.rule)
}

/// The findings as a JSON list.
fn written(findings: &[Finding]) -> String {
    let mut writer = Writer::default();
    writer.open('[');
    for finding in findings {
        writer.open('{').field("rule", finding.rule).field("severity", finding.severity.as_str());
        writer.field("path", &finding.path).field("message", &finding.message).field("remedy", &finding.remedy);
        if let Some(line) = finding.line {
            writer.key("line").raw(&line.to_string());
        }
        writer.close('}');
    }
    writer.close(']');
    writer.finish()
}

/// The answer to `validate`, as Kubewarden defines it.
#[derive(Debug)]
pub(crate) struct Response {
    pub accepted: bool,
    pub message: Option<String>,
    pub code: Option<&'static str>,
    pub mutated_object: Option<String>,
    /// The audit annotation `findings`. The values of annotations are strings, so it becomes JSON in JSON.
    pub findings: Option<String>,
    pub warnings: Option<Vec<String>>,
}

impl Response {
    pub(crate) fn write(&self) -> String {
        let mut writer = Writer::default();
        writer.open('{').key("accepted").raw(if self.accepted { "true" } else { "false" });
        if let Some(message) = &self.message {
            writer.field("message", message);
        }
        if let Some(code) = self.code {
            writer.key("code").raw(code);
        }
        if let Some(object) = &self.mutated_object {
            writer.key("mutated_object").raw(object);
        }
        if let Some(findings) = &self.findings {
            writer.key("audit_annotations").open('{').field("findings", findings).close('}');
        }
        if let Some(warnings) = &self.warnings {
            writer.key("warnings").open('[');
            for warning in warnings {
                writer.string(warning);
            }
            writer.close(']');
        }
        writer.close('}');
        writer.finish()
    }
}
