//! What needs no review, by the settings.

use palisade_sdk::selector::{Labels, SelectorSetting};
use palisade_sdk::views::{ObjectMeta, OwnerReference};
use palisade_sdk::{Date, Error, Path, Request, SettingsError, glob};

use crate::Kind;

palisade_sdk::setting! {
    /// Objects that are accepted without owner and review. What is given must all hold.
    pub struct Exempt {
        kind: Option<Kind>,
        namespace: Option<String>,
        name: Option<String>,
        labels: Option<SelectorSetting>,
        owned_by: Option<String>,
        reason: String,
        expires: Option<Date>,
    }
}

impl Exempt {
    /// Refuses what cannot be meant. `at` is the key of this exemption.
    pub fn check(&self, at: &str) -> Result<(), SettingsError> {
        let wrong = |field: &str, problem: &str| Err(SettingsError::new([at, ".", field].concat(), problem));
        if self.reason.trim().is_empty() {
            return wrong("reason", "expected why this needs no review");
        }
        let patterns = [("namespace", &self.namespace), ("name", &self.name), ("ownedBy", &self.owned_by)];
        for (field, pattern) in patterns {
            if pattern.as_deref().is_some_and(|pattern| pattern.trim().is_empty()) {
                return wrong(field, "expected a name or a glob pattern");
            }
        }
        let narrows = |pattern: &Option<String>| {
            pattern.as_deref().is_some_and(|pattern| !pattern.bytes().all(|byte| matches!(byte, b'*' | b'?')))
        };
        if self.labels.is_none() && !patterns.iter().any(|(_, pattern)| narrows(pattern)) {
            return Err(SettingsError::new(
                at,
                "expected a narrower namespace, name, ownedBy or labels: this exempts everything",
            ));
        }
        if self.namespace.is_some() && self.kind.is_some_and(Kind::is_cluster_scoped) {
            return wrong("namespace", "expected none: this kind is in no namespace");
        }
        Ok(())
    }

    /// Whether it holds today, for this object.
    pub fn covers(&self, request: &Request<'_>, kind: Kind, metadata: &ObjectMeta<'_>, today: Date) -> Result<bool, Error> {
        let name = if metadata.name.is_empty() { &metadata.generate_name } else { &metadata.name };
        let matches =
            |pattern: &Option<String>, text: &str| pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, text));
        let fits = self.expires.is_none_or(|expires| today <= expires)
            && self.kind.is_none_or(|wanted| wanted == kind)
            && (self.namespace.is_none() || !kind.is_cluster_scoped())
            && matches(&self.namespace, &request.namespace)
            && matches(&self.name, name)
            && (self.owned_by.is_none()
                || metadata.owner_references.iter().any(|owner| matches(&self.owned_by, &kind_of(owner))));
        match &self.labels {
            Some(labels) if fits => labels.selector().selects(&Labels::of(&metadata.labels), &Path::root()),
            _ => Ok(fits),
        }
    }
}

/// `Kind.group`, and the kind alone for the core group.
fn kind_of(owner: &OwnerReference<'_>) -> String {
    match owner.api_version.split_once('/') {
        Some((group, _)) => [owner.kind.as_str(), ".", group].concat(),
        None => owner.kind.to_string(),
    }
}
