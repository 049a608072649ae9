//! Findings that are accepted for a reason, until a day.

use palisade_sdk::{Date, glob};

use crate::report::{Exempted, Finding, Note, Place};

/// What does not count, and why. Each pattern that is there must match the whole name, as [`glob`] does it.
#[derive(Clone, Debug)]
pub struct Exemption {
    /// The policy's name.
    pub policy: Option<String>,
    /// The rule's id.
    pub rule: Option<String>,
    /// The object's namespace; a cluster-scoped object has none.
    pub namespace: Option<String>,
    /// The object's kind.
    pub kind: Option<String>,
    /// The object's name.
    pub name: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub expires: Option<Date>,
    /// Where it is written.
    pub place: Place,
}

impl Exemption {
    fn covers(&self, finding: &Finding) -> bool {
        let matches = |pattern: &Option<String>, text: Option<&str>| {
            pattern.as_deref().is_none_or(|pattern| text.is_some_and(|text| glob::matches(pattern, text)))
        };
        matches(&self.policy, Some(&finding.policy))
            && matches(&self.rule, Some(&finding.rule))
            && matches(&self.namespace, finding.resource.namespace.as_deref())
            && matches(&self.kind, Some(&finding.resource.kind))
            && matches(&self.name, Some(&finding.resource.name))
    }

    fn has_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|expires| expires < today)
    }
}

/// Marks the findings that are exempt, and tells of exemptions that have expired or cover nothing.
pub fn apply(exemptions: &[Exemption], findings: &mut [Finding], today: Date) -> Vec<Note> {
    let mut used = vec![0_usize; exemptions.len()];
    for finding in findings.iter_mut() {
        for (exemption, used) in exemptions.iter().zip(&mut used) {
            if !exemption.covers(finding) {
                continue;
            }
            *used += 1;
            if !exemption.has_expired(today) && finding.exemption.is_none() {
                let expires = exemption.expires.map(|date| date.to_string());
                finding.exemption = Some(Exempted { reason: exemption.reason.clone(), expires });
            }
        }
    }
    let mut notes = Vec::new();
    for (exemption, used) in exemptions.iter().zip(used) {
        let message = match exemption.expires {
            Some(expires) if exemption.has_expired(today) && used > 0 => {
                format!("this exemption expired on {expires}: it no longer covers {}", crate::report::count(used, "finding"))
            }
            Some(expires) if exemption.has_expired(today) => format!("this exemption expired on {expires}, and covers nothing"),
            _ if used == 0 => "this exemption covers nothing in this scan".to_owned(),
            _ => continue,
        };
        notes.push(Note { place: exemption.place.clone(), message });
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::finding;

    fn exemption(kind: Option<&str>, namespace: Option<&str>, rule: Option<&str>, expires: Option<&str>) -> Exemption {
        Exemption {
            policy: None,
            rule: rule.map(str::to_owned),
            namespace: namespace.map(str::to_owned),
            kind: kind.map(str::to_owned),
            name: None,
            reason: "agreed".to_owned(),
            expires: expires.map(|date| date.parse().unwrap()),
            place: Place { file: "palisade.yaml".into(), position: None },
        }
    }

    fn applied(exemption: Exemption) -> (bool, Vec<String>) {
        let mut findings = vec![finding()];
        let notes = apply(&[exemption], &mut findings, "2026-06-15".parse().unwrap());
        (findings[0].exemption.is_some(), notes.into_iter().map(|note| note.message).collect())
    }

    #[test]
    fn every_pattern_must_match() {
        let covers_nothing = vec!["this exemption covers nothing in this scan".to_owned()];
        assert_eq!(applied(exemption(Some("Deploy*"), Some("sh?p"), Some("aws-*"), None)), (true, vec![]));
        assert_eq!(applied(exemption(Some("Deployment"), Some("other"), None, None)), (false, covers_nothing.clone()));
        assert_eq!(applied(exemption(Some("Deploy"), None, None, None)), (false, covers_nothing));
    }

    #[test]
    fn a_cluster_scoped_object_is_in_no_namespace() {
        let mut findings = vec![finding()];
        findings[0].resource.namespace = None;
        apply(&[exemption(None, Some("*"), None, None)], &mut findings, "2026-06-15".parse().unwrap());
        assert!(findings[0].exemption.is_none());
    }

    #[test]
    fn it_holds_through_its_last_day() {
        assert_eq!(applied(exemption(None, Some("shop"), None, Some("2026-06-15"))), (true, vec![]));
        assert_eq!(
            applied(exemption(None, Some("shop"), None, Some("2026-06-14"))),
            (false, vec!["this exemption expired on 2026-06-14: it no longer covers 1 finding".to_owned()])
        );
        assert_eq!(
            applied(exemption(None, Some("else"), None, Some("2026-06-14"))),
            (false, vec!["this exemption expired on 2026-06-14, and covers nothing".to_owned()])
        );
    }
}
