//! What a policy answers.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The audit annotation in which Palisade's policies list their findings.
const FINDINGS: &str = "findings";

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The object is accepted, with a warning.
    Warn,
    /// The object is rejected.
    Deny,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Warn => "warn",
            Self::Deny => "deny",
        })
    }
}

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule that does not hold. Policies that have no rules report under [`Finding::REJECTED`] and [`Finding::WARNING`].
    pub rule: String,
    /// How much it weighs.
    pub severity: Severity,
    /// The field, as kubectl writes it; empty for the object as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do; empty where the policy does not say.
    #[serde(default)]
    pub remedy: String,
    /// The line of the field's text, counted from 1, where the field is a text of several lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

impl Finding {
    /// The rule of a rejection by a policy that has no rules.
    pub const REJECTED: &'static str = "rejected";
    /// The rule of a warning by a policy that has no rules.
    pub const WARNING: &'static str = "warning";
}

/// Kubewarden's `ValidationResponse`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Response {
    /// Whether the object is accepted.
    pub accepted: bool,
    /// Why not.
    #[serde(default)]
    pub message: Option<String>,
    /// The HTTP status of the rejection.
    #[serde(default)]
    pub code: Option<u16>,
    /// The object as it should be.
    #[serde(default)]
    pub mutated_object: Option<Value>,
    /// What goes to the audit log.
    #[serde(default)]
    pub audit_annotations: Option<BTreeMap<String, String>>,
    /// What whoever applies the object is told.
    #[serde(default)]
    pub warnings: Option<Vec<String>>,
    /// The findings: those that a Palisade policy lists, or one for the rejection and one for each warning.
    #[serde(skip)]
    pub findings: Vec<Finding>,
}

impl Response {
    /// Reads a policy's answer.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut response: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        response.findings = match response.listed_findings() {
            Some(findings) => findings.map_err(|error| format!("audit annotation {FINDINGS}: {error}"))?,
            None => response.other_findings(),
        };
        Ok(response)
    }

    fn listed_findings(&self) -> Option<serde_json::Result<Vec<Finding>>> {
        let text = self.audit_annotations.as_ref()?.get(FINDINGS)?;
        // Another policy may use the same annotation for something else.
        text.starts_with('[').then(|| serde_json::from_str(text))
    }

    fn other_findings(&self) -> Vec<Finding> {
        let finding = |rule: &str, severity, message: &str| Finding {
            rule: rule.to_owned(),
            severity,
            path: String::new(),
            message: message.to_owned(),
            remedy: String::new(),
            line: None,
        };
        let mut findings = Vec::new();
        if !self.accepted {
            let message = self.message.as_deref().filter(|message| !message.is_empty()).unwrap_or("rejected without a reason");
            findings.push(finding(Finding::REJECTED, Severity::Deny, message));
        }
        for warning in self.warnings.iter().flatten() {
            findings.push(finding(Finding::WARNING, Severity::Warn, warning));
        }
        findings
    }
}

/// The answer to `validate_settings`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SettingsVerdict {
    /// Whether the policy takes these settings.
    pub valid: bool,
    /// Why not.
    #[serde(default)]
    pub message: Option<String>,
}

/// What a Palisade policy says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Its rules.
    pub rules: Vec<RuleDescription>,
    /// Its settings, without the common `rules`.
    pub settings: Vec<SettingDescription>,
}

/// A rule of a Palisade policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleDescription {
    /// The id, as settings name it.
    pub id: String,
    /// What a finding does by default.
    pub severity: Severity,
    /// What must not be.
    pub summary: String,
    /// What to do instead.
    pub remedy: String,
    /// Where the rule comes from.
    pub source: String,
}

/// A setting of a Palisade policy, or a field of a struct in one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingDescription {
    /// The name in Rust; see [`key`](Self::key).
    pub name: String,
    /// The type, in Rust.
    #[serde(rename = "type")]
    pub kind: String,
    /// The default, in Rust; empty for a field of a struct, which has its type's default.
    #[serde(default)]
    pub default: String,
    /// What it does; empty for a field of a struct, which the setting's own text explains.
    #[serde(default)]
    pub doc: String,
    /// What it may be, where it is one of a few words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The fields of the struct that it is, or is a list of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Self>,
}

impl SettingDescription {
    /// The key as users write it: `allowed_roles` is `allowedRoles`.
    pub fn key(&self) -> String {
        let mut key = String::new();
        let mut upper = false;
        for letter in self.name.trim_start_matches("r#").chars() {
            match letter {
                '_' => upper = true,
                _ if upper => {
                    key.extend(letter.to_uppercase());
                    upper = false;
                }
                _ => key.push(letter),
            }
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_come_from_the_annotation_or_from_message_and_warnings() {
        let listed = br#"{"accepted":false,"message":"x","audit_annotations":{"findings":
            "[{\"rule\":\"a\",\"severity\":\"warn\",\"path\":\"spec\",\"message\":\"m\",\"remedy\":\"r\"}]"}}"#;
        let response = Response::read(listed).unwrap();
        assert_eq!(response.findings.len(), 1);
        assert_eq!(response.findings[0].severity, Severity::Warn);

        let plain = br#"{"accepted":false,"message":null,"warnings":["careful"],"audit_annotations":null}"#;
        let rules: Vec<String> = Response::read(plain).unwrap().findings.into_iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, [Finding::REJECTED, Finding::WARNING]);

        assert!(Response::read(br#"{"accepted":true,"audit_annotations":{"findings":"[1]"}}"#).is_err());
        assert!(Response::read(br#"{"accepted":true,"audit_annotations":{"findings":"three"}}"#).unwrap().findings.is_empty());
        assert!(Response::read(b"{}").is_err());
    }

    #[test]
    fn keys_are_camel_case() {
        let setting = SettingDescription { name: "allowed_roles_by_name".into(), ..SettingDescription::default() };
        assert_eq!(setting.key(), "allowedRolesByName");
    }
}
