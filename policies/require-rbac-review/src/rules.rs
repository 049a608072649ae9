//! The rules, as users see them.

use palisade_sdk::{Rule, Severity};

const GOOD_PRACTICES: &str = "Kubernetes documentation, RBAC Good Practices: Periodic review";
const SIX_MONTHS: &str = "Kubernetes documentation, RBAC Good Practices: Periodic review; PCI DSS v4.0 7.2.4";
const PRIVILEGES: &str = "NIST SP 800-53 AC-6(7), review of user privileges";
const OWNER: &str = "PCI DSS v4.0 7.2.4: somebody acknowledges that access remains appropriate";

/// No day is named.
pub const REVIEW_MISSING: Rule = Rule {
    id: "review-missing",
    severity: Severity::Deny,
    summary: "a grant that no day is set for is never looked at again",
    remedy: "review what it grants, and annotate it with the day by which that is done again",
    source: GOOD_PRACTICES,
};

/// What is named is no day.
pub const REVIEW_UNREADABLE: Rule = Rule {
    id: "review-unreadable",
    severity: Severity::Deny,
    summary: "a day that cannot be read never comes",
    remedy: "write the day as YYYY-MM-DD",
    source: GOOD_PRACTICES,
};

/// The day has passed.
pub const REVIEW_OVERDUE: Rule = Rule {
    id: "review-overdue",
    severity: Severity::Deny,
    summary: "the day has passed, and nobody has said that the grant is still needed",
    remedy: "review what it grants and to whom, take away what is no longer needed, and write the day of the next review",
    source: PRIVILEGES,
};

/// The day is too far away.
pub const REVIEW_TOO_FAR: Rule = Rule {
    id: "review-too-far",
    severity: Severity::Deny,
    summary: "a review that is years away is none",
    remedy: "write an earlier day",
    source: SIX_MONTHS,
};

/// The day comes near.
pub const REVIEW_DUE_SOON: Rule = Rule {
    id: "review-due-soon",
    severity: Severity::Warn,
    summary: "the review is due within the next days",
    remedy: "review what it grants and to whom, take away what is no longer needed, and write the day of the next review",
    source: PRIVILEGES,
};

/// More is granted than was reviewed.
pub const GRANT_WIDENED: Rule = Rule {
    id: "grant-widened",
    severity: Severity::Warn,
    summary: "an update grants more than was reviewed, and leaves the day of the next review as it was",
    remedy: "review the new grant, and write the day of the next review",
    source: PRIVILEGES,
};

/// Nobody answers for it.
pub const OWNER_MISSING: Rule = Rule {
    id: "owner-missing",
    severity: Severity::Deny,
    summary: "a grant that nobody answers for is reviewed by nobody",
    remedy: "annotate it with the team or person that answers for it",
    source: OWNER,
};

/// Who answers for it is none of those who may.
pub const OWNER_UNKNOWN: Rule = Rule {
    id: "owner-unknown",
    severity: Severity::Deny,
    summary: "an owner that matches none of the patterns in the settings cannot be asked",
    remedy: "name an owner of the form that the settings ask for",
    source: OWNER,
};

/// Wrong already before an update that has nothing to do with it.
pub const UNRELATED_UPDATE: Rule = Rule {
    id: "unrelated-update",
    severity: Severity::Warn,
    summary: "an update that grants no more than before, and leaves the annotation as it was, is let through with what was wrong already",
    remedy: "review what it grants and to whom, and put the annotation right",
    source: PRIVILEGES,
};

/// All of them.
pub const ALL: &[Rule] = &[
    REVIEW_MISSING,
    REVIEW_UNREADABLE,
    REVIEW_OVERDUE,
    REVIEW_TOO_FAR,
    REVIEW_DUE_SOON,
    GRANT_WIDENED,
    OWNER_MISSING,
    OWNER_UNKNOWN,
    UNRELATED_UPDATE,
];
