//! Who answers for a role or a binding, and by which day it is reviewed again.

use palisade_sdk::{Date, DateError};
use serde_json::Value;

use crate::config::Config;

/// The policy that has these annotations written; its settings name them.
const POLICY: &str = "require-rbac-review";

/// Where the owner and the day stand.
#[derive(Clone, Debug)]
pub struct Annotations {
    review: String,
    owner: String,
}

impl Annotations {
    /// As the policy `require-rbac-review` is set to read them.
    pub fn of(config: &Config) -> Self {
        let set = |setting: &str, default: &str| {
            let settings = config.policies.get(POLICY).map(|policy| &policy.settings);
            let value = settings.and_then(|settings| settings.get(setting)).and_then(Value::as_str);
            value.unwrap_or(default).to_owned()
        };
        Self { review: set("reviewAnnotation", "palisade.dev/review-by"), owner: set("ownerAnnotation", "palisade.dev/owner") }
    }
}

/// By which day an object is reviewed again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Review {
    /// It does not say.
    #[default]
    None,
    /// It says something that is no day.
    Unreadable(DateError),
    /// By this day, on which it is due until midnight UTC.
    By(Date),
}

impl Review {
    /// Whether the day has passed.
    pub fn is_overdue(&self, today: Date) -> bool {
        matches!(self, Self::By(day) if *day < today)
    }

    /// In words: `review by 2026-12-01, in 7 days`.
    pub fn words(&self, today: Date) -> String {
        match self {
            Self::None => "no day of review".to_owned(),
            Self::Unreadable(problem) => format!("no day of review that can be read: {problem}"),
            Self::By(day) => match today.days_until(*day) {
                0 => format!("review by {day}, today"),
                1 => format!("review by {day}, tomorrow"),
                days @ 2.. => format!("review by {day}, in {days} days"),
                -1 => format!("review overdue since {day}, for 1 day"),
                days => format!("review overdue since {day}, for {} days", days.unsigned_abs()),
            },
        }
    }

    /// In a word, for programs.
    pub fn state(&self, today: Date) -> &'static str {
        match self {
            Self::None => "missing",
            Self::Unreadable(_) => "unreadable",
            Self::By(_) if self.is_overdue(today) => "overdue",
            Self::By(_) => "planned",
        }
    }
}

/// What an object says of its review.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Who answers for it; `None` where nobody is named.
    pub owner: Option<String>,
    /// When.
    pub review: Review,
}

impl Due {
    /// Reads an object's annotations.
    pub fn of(object: &Value, names: &Annotations) -> Self {
        let annotation = |name: &str| object["metadata"]["annotations"][name].as_str();
        let owner = annotation(&names.owner).map(str::trim).filter(|owner| !owner.is_empty()).map(str::to_owned);
        let review = match annotation(&names.review).map(str::parse) {
            None => Review::None,
            Some(Ok(day)) => Review::By(day),
            Some(Err(problem)) => Review::Unreadable(problem),
        };
        Self { owner, review }
    }

    /// In words: `owner team-shop, review by 2026-12-01, in 7 days`.
    pub fn words(&self, today: Date) -> String {
        match &self.owner {
            Some(owner) => format!("owner {owner}, {}", self.review.words(today)),
            None => format!("no owner, {}", self.review.words(today)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn days_are_counted() {
        let names = Annotations { review: "by".to_owned(), owner: "owner".to_owned() };
        let today: Date = "2026-11-24".parse().expect("a day");
        for (annotations, words, state) in [
            (json!(null), "no owner, no day of review", "missing"),
            (json!({"owner": " ", "by": "2026-11-24"}), "no owner, review by 2026-11-24, today", "planned"),
            (json!({"owner": "team-shop", "by": "2026-11-25"}), "owner team-shop, review by 2026-11-25, tomorrow", "planned"),
            (json!({"by": "2027-01-01"}), "no owner, review by 2027-01-01, in 38 days", "planned"),
            (json!({"by": "2026-11-23"}), "no owner, review overdue since 2026-11-23, for 1 day", "overdue"),
            (json!({"by": "2025-11-24"}), "no owner, review overdue since 2025-11-24, for 365 days", "overdue"),
            (json!({"by": "2026-02-30"}), "no owner, no day of review that can be read: that month has 28 days", "unreadable"),
        ] {
            let due = Due::of(&json!({"metadata": {"annotations": annotations}}), &names);
            assert_eq!((due.words(today).as_str(), due.review.state(today)), (words, state));
        }
    }
}
