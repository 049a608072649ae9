//! What the policies that look for secrets have in common: the check of their settings, exceptions, and how a finding is worded.

use super::rules::{self, EXAMPLE, PLACEHOLDER};
use super::{Encoding, Match};
use crate::{Path, SettingsError, glob};

crate::setting! {
    /// An exception, and why there is one.
    pub struct Allowed {
        /// A glob over the name of what holds the secret, or of the field in it.
        pub name: Option<String>,
        /// A glob over the place, as findings print it.
        pub path: Option<String>,
        /// Why this is no secret, or may stand there.
        pub reason: String,
    }
}

/// Refuses settings that cannot be meant: patterns that match nearly everything, or nothing, and exceptions without a reason.
///
/// # Errors
/// With the key's path and what was expected.
pub fn check(names: &[String], patterns: &[String], allowed: &[Allowed], entropy: Option<f64>) -> Result<(), SettingsError> {
    let list = Path::new("extraNames");
    for (index, name) in names.iter().enumerate() {
        check_glob(name, 2, &list.index(index))?;
    }
    let list = Path::new("extraPatterns");
    for (index, pattern) in patterns.iter().enumerate() {
        let path = list.index(index);
        check_glob(pattern, 3, &path)?;
        if pattern.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '=')) {
            let problem =
                "expected a pattern for a single word: white space, quotes, commas, semicolons and equals signs end one";
            return Err(SettingsError::new(path.to_string(), problem));
        }
    }
    let list = Path::new("allowed");
    for (index, allowed) in allowed.iter().enumerate() {
        let path = list.index(index);
        if allowed.name.is_none() && allowed.path.is_none() {
            return Err(SettingsError::new(path.to_string(), "expected a name or a path"));
        }
        for (field, pattern) in [("name", &allowed.name), ("path", &allowed.path)] {
            if let Some(pattern) = pattern {
                check_glob(pattern, 1, &path.field(field))?;
            }
        }
        if allowed.reason.trim().is_empty() {
            let problem = "expected why this is no secret, or may stand there";
            return Err(SettingsError::new(path.field("reason").to_string(), problem));
        }
    }
    match entropy {
        Some(threshold) if !(3.0..=6.0).contains(&threshold) => {
            Err(SettingsError::new("entropyThreshold", "expected bits for each character, from 3 to 6"))
        }
        _ => Ok(()),
    }
}

/// A glob must have so many characters that are no wildcards, or it would match nearly everything.
fn check_glob(pattern: &str, least: usize, path: &Path<'_>) -> Result<(), SettingsError> {
    let literal = pattern.chars().filter(|c| !matches!(c, '*' | '?')).count();
    if literal < least || pattern.trim() != pattern {
        let problem = if least == 1 {
            "expected a pattern with a character besides * and ?, and without space around it"
        } else {
            "expected a pattern with more characters besides * and ?, and without space around it"
        };
        return Err(SettingsError::new(path.to_string(), problem));
    }
    Ok(())
}

/// Whether an exception covers what has one of these names and stands here.
pub fn is_allowed(allowed: &[Allowed], names: &[&str], path: &Path<'_>) -> bool {
    if allowed.is_empty() {
        return false;
    }
    let path = path.to_string();
    allowed.iter().any(|allowed| {
        allowed.name.as_ref().is_none_or(|pattern| names.iter().any(|name| glob::matches(pattern, name)))
            && allowed.path.as_ref().is_none_or(|pattern| glob::matches(pattern, &path))
    })
}

/// Whether a client keeps the whole object in the annotation of this name, as it was applied.
pub fn is_copy(annotation: &str) -> bool {
    ["kubectl.kubernetes.io/last-applied-configuration", "kapp.k14s.io/original"].contains(&annotation)
}

impl Match<'_> {
    /// Goes on with a message: ` holds an AWS access key id (AKIA..., 20 characters)`.
    pub fn describe(&self, message: &mut String) {
        message.push_str(match self.rule.id {
            id if id == PLACEHOLDER.id => " holds a placeholder for ",
            id if id == EXAMPLE.id => " holds an example from documentation, ",
            _ => " holds ",
        });
        message.push_str(self.what);
        message.push_str(" (");
        if !self.name.is_empty() {
            message.push_str(self.name);
            message.push_str(", ");
        }
        if !self.prefix.is_empty() {
            message.push_str(self.prefix);
            message.push_str("..., ");
        }
        message.push_str(&self.length.to_string());
        message.push_str(" characters");
        message.push_str(match self.encoding {
            Encoding::Plain => ")",
            Encoding::Base64 => ", in base64)",
            Encoding::Percent => ", percent-encoded)",
        });
    }

    /// What to do: as a rule what `usual` says, behind the revocation of what somebody issued; with placeholders and examples what
    /// their rules say.
    pub fn remedy(&self, usual: &str) -> String {
        if self.rule.id == PLACEHOLDER.id || self.rule.id == EXAMPLE.id {
            self.rule.remedy.to_owned()
        } else if rules::is_issued(self.rule) {
            ["revoke it; ", usual].concat()
        } else {
            usual.to_owned()
        }
    }
}
