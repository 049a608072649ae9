//! Requires that every role and binding names its owner and the day by which it is reviewed again.
//!
//! A grant is made for a reason, and outlives it: the person changes the team, the application goes, and the right stays. So each
//! Role, ClusterRole, RoleBinding and ClusterRoleBinding carries the day by which somebody looks at it again, and who that is. At admission the
//! day must be there, and not be too far away; when it has passed, the background audit and the scanner report it, though nobody touched
//! the object.
//!
//! References: Kubernetes documentation, "RBAC Good Practices", periodic review; PCI DSS v4.0 7.2.4; NIST SP 800-53 AC-6(7).

mod bootstrap;
mod exempt;
mod grant;
mod rules;

use palisade_sdk::selector::is_label_key;
use palisade_sdk::{
    Date, Error, Host, Operation, Path, Policy, Report, Request, Rule, SettingType, SettingsError, Severity, clock, glob, json,
    rbac,
};

use exempt::Exempt;
use grant::Object;

palisade_sdk::settings! {
    /// What the deployer may change.
    pub struct Settings {
        /// The annotation that names the day by which the object is reviewed again, as `YYYY-MM-DD`. It is due on that day, until midnight UTC.
        pub review_annotation: String = "palisade.dev/review-by".to_owned(),
        /// How far away that day may be, in days: 1 to 3650.
        pub max_review_interval: u32 = 180,
        /// From how many days before that day on there is a warning. With 0 there is one on the day itself; must be less than
        /// `maxReviewInterval`.
        pub warn_before: u32 = 30,
        /// The annotation that names who answers for the object.
        pub owner_annotation: String = "palisade.dev/owner".to_owned(),
        /// What an owner may be, as glob patterns (`*` is any text, `?` one character) of which one must match the whole of it; anybody, when
        /// the list is empty.
        pub owner_patterns: Vec<String> = Vec::new(),
        /// Namespaces whose Roles and RoleBindings are left alone, as glob patterns. The default are those in which Kubernetes runs itself.
        pub exempt_namespaces: Vec<String> = ["kube-system", "kube-public", "kube-node-lease"].map(String::from).to_vec(),
        /// Objects that need neither owner nor review: a list of `{kind, namespace, name, labels, ownedBy, reason, expires}`. `namespace` and
        /// `name` are glob patterns, `labels` is a label selector, `ownedBy` a glob pattern over the owner references, each written
        /// `Kind.group`; those that are there must all match, and one of the four is needed. `reason` is mandatory; `expires` is the
        /// last day on which it holds.
        pub exempt: Vec<Exempt> = Vec::new(),
    }
}

/// The kinds that grant something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `Role`
    Role,
    /// `ClusterRole`
    ClusterRole,
    /// `RoleBinding`
    RoleBinding,
    /// `ClusterRoleBinding`
    ClusterRoleBinding,
}

const KINDS: &[(&str, Kind)] = &[
    ("Role", Kind::Role),
    ("ClusterRole", Kind::ClusterRole),
    ("RoleBinding", Kind::RoleBinding),
    ("ClusterRoleBinding", Kind::ClusterRoleBinding),
];

impl Kind {
    fn is_cluster_scoped(self) -> bool {
        matches!(self, Self::ClusterRole | Self::ClusterRoleBinding)
    }
}

impl SettingType for Kind {
    const CHOICES: &'static [&'static str] = &["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"];
}

impl json::Read<'_> for Kind {
    fn read(reader: &mut json::Reader<'_>) -> Result<Self, json::JsonError> {
        json::read_choice(reader, KINDS)
    }
}

/// More days than this are no interval: ten years.
const LONGEST_INTERVAL: u32 = 3650;
/// Longer texts of the object are cut in messages.
const QUOTED: usize = 40;

/// Regular review of roles and bindings.
pub struct RequireRbacReview;

impl Policy for RequireRbacReview {
    type Settings = Settings;
    const RULES: &'static [Rule] = rules::ALL;

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        let wrong = |path: &str, problem: &str| Err(SettingsError::new(path, problem));
        let annotations = [("reviewAnnotation", &settings.review_annotation), ("ownerAnnotation", &settings.owner_annotation)];
        for (path, annotation) in annotations {
            if !is_label_key(annotation) {
                return wrong(path, "expected the name of an annotation, for example palisade.dev/review-by");
            }
        }
        if settings.review_annotation == settings.owner_annotation {
            return wrong("ownerAnnotation", "expected another annotation than that of the review");
        }
        if !(1..=LONGEST_INTERVAL).contains(&settings.max_review_interval) {
            return wrong("maxReviewInterval", "expected a number of days from 1 to 3650");
        }
        if settings.warn_before >= settings.max_review_interval {
            return wrong("warnBefore", "expected fewer days than maxReviewInterval: every object would be warned of");
        }
        let lists = [("ownerPatterns[", &settings.owner_patterns), ("exemptNamespaces[", &settings.exempt_namespaces)];
        for (list, patterns) in lists {
            if let Some(index) = patterns.iter().position(|pattern| pattern.trim().is_empty()) {
                return wrong(&[list, &index.to_string(), "]"].concat(), "expected a glob pattern");
            }
        }
        settings
            .exempt
            .iter()
            .enumerate()
            .try_for_each(|(index, exempt)| exempt.check(&["exempt[", &index.to_string(), "]"].concat()))
    }

    fn validate(request: &Request<'_>, settings: &Settings, _: &dyn Host, report: &mut Report) -> Result<(), Error> {
        let Some((_, kind)) = KINDS.iter().find(|(name, _)| request.kind.group == rbac::GROUP && request.kind.kind == *name)
        else {
            return Ok(());
        };
        let exempts = |pattern: &String| glob::matches(pattern, &request.namespace);
        if !kind.is_cluster_scoped() && settings.exempt_namespaces.iter().any(exempts) {
            return Ok(());
        }
        let object: Object<'_> = request.object()?;
        let before: Option<Object<'_>> = if request.operation == Operation::Update { request.old_object()? } else { None };
        let widened = before.as_ref().and_then(|before| grant::widened(before, &object, &request.namespace));
        if bootstrap::is_own(request, *kind, &object.metadata, before.is_some() && widened.is_none()) {
            return Ok(());
        }
        let today = clock::today()?;
        for exempt in &settings.exempt {
            if exempt.covers(request, *kind, &object.metadata, today)? {
                return Ok(());
            }
        }
        let mut judge =
            Judge { settings, kind: &request.kind.kind, object: &object, before: before.as_ref(), widened, today, report };
        judge.owner();
        judge.review();
        Ok(())
    }
}

palisade_sdk::export!(RequireRbacReview);

/// One object, under judgement.
struct Judge<'j, 'a> {
    settings: &'j Settings,
    kind: &'j str,
    object: &'j Object<'a>,
    /// What it was before an update.
    before: Option<&'j Object<'a>>,
    /// The field by which the update grants more.
    widened: Option<String>,
    today: Date,
    report: &'j mut Report,
}

impl Judge<'_, '_> {
    fn owner(&mut self) {
        let annotation = &self.settings.owner_annotation;
        let patterns = &self.settings.owner_patterns;
        let owner = value(self.object, annotation);
        let form = shown(patterns);
        let (rule, message) = if owner.is_empty() {
            let message = ["nobody is named who answers for this ", self.kind, self.misplaced(annotation)];
            (&rules::OWNER_MISSING, text(&message))
        } else if !patterns.is_empty() && !patterns.iter().any(|pattern| glob::matches(pattern, owner)) {
            (&rules::OWNER_UNKNOWN, text(&["the owner ", &quoted(owner), " is not of the form ", &form]))
        } else {
            return;
        };
        let remedy = text(&[rule.remedy, ": ", annotation, if patterns.is_empty() { "" } else { ", as " }, &form]);
        self.find(rule, annotation, message, remedy);
    }

    fn review(&mut self) {
        let annotation = &self.settings.review_annotation;
        let written = value(self.object, annotation);
        let found = if written.is_empty() {
            let message = ["no day is set by which this ", self.kind, " is reviewed again", self.misplaced(annotation)];
            Some((&rules::REVIEW_MISSING, text(&message)))
        } else {
            match written.parse() {
                Ok(due) => self.look_at(due),
                Err::<Date, _>(error) => {
                    let message = [&quoted(written), " is no day, written YYYY-MM-DD: ", &error.to_string()];
                    Some((&rules::REVIEW_UNREADABLE, text(&message)))
                }
            }
        };
        if let Some((rule, message)) = found {
            let latest = self.today.plus_days(self.settings.max_review_interval.into()).unwrap_or(Date::MAX).to_string();
            let remedy = text(&[rule.remedy, ", at the latest ", annotation, ": \"", &latest, "\""]);
            self.find(rule, annotation, message, remedy);
        }
    }

    /// What is wrong with a day that can be read.
    fn look_at(&self, due: Date) -> Option<(&'static Rule, String)> {
        let interval = self.settings.max_review_interval;
        let day = due.to_string();
        let days = self.today.days_until(due);
        let (rule, message) = match u32::try_from(days) {
            Err(_) => {
                let late = in_days(days.unsigned_abs());
                (&rules::REVIEW_OVERDUE, text(&["the review was due on ", &day, ", ", &late, " ago"]))
            }
            Ok(days) if days > interval => {
                let away = in_days(days);
                let message = [&day, " is ", &away, " away, and a review is due within ", &in_days(interval)];
                (&rules::REVIEW_TOO_FAR, text(&message))
            }
            Ok(_) if let Some(field) = self.widened_under(due) => {
                let message = [field, " grants more than before, and the day of the review is still ", &day];
                (&rules::GRANT_WIDENED, text(&message))
            }
            Ok(0) => (&rules::REVIEW_DUE_SOON, text(&["the review is due today, on ", &day])),
            Ok(days) if days <= self.settings.warn_before => {
                (&rules::REVIEW_DUE_SOON, text(&["the review is due in ", &in_days(days), ", on ", &day]))
            }
            Ok(_) => return None,
        };
        Some((rule, message))
    }

    /// The field by which an update grants more, where this day was set for less.
    fn widened_under(&self, due: Date) -> Option<&str> {
        let field = self.widened.as_deref()?;
        let was_due = value(self.before?, &self.settings.review_annotation).parse();
        (was_due == Ok(due) && self.report.severity_of(&rules::GRANT_WIDENED).is_some()).then_some(field)
    }

    /// Reports what is wrong with an annotation; as less, where an update is not to blame.
    fn find(&mut self, rule: &'static Rule, annotation: &str, mut message: String, remedy: String) {
        let untouched = self.widened.is_none()
            && self.before.is_some_and(|before| value(before, annotation) == value(self.object, annotation));
        let mut rule = rule;
        if untouched && self.report.severity_of(rule) == Some(Severity::Deny) {
            rule = &rules::UNRELATED_UPDATE;
            message.push_str(", as before this update");
        }
        let annotations = Path::new("metadata.annotations");
        self.report.add_with_remedy(rule, &annotations.key(annotation), message, remedy);
    }

    /// What to add where the annotation is missing, and a label has its name.
    fn misplaced(&self, annotation: &str) -> &'static str {
        if self.object.metadata.labels.contains_key(annotation) { ": it stands among the labels" } else { "" }
    }
}

/// The value of an annotation; empty where there is none, or a blank one.
fn value<'o>(object: &'o Object<'_>, annotation: &str) -> &'o str {
    object
        .metadata
        .annotations
        .get(annotation)
        .map(|value| value.as_str())
        .filter(|value| !value.trim().is_empty())
        .unwrap_or_default()
}

/// One text of many. Not generic over their number, to be there once.
#[inline(never)]
fn text(parts: &[&str]) -> String {
    parts.concat()
}

/// `1 day`, `30 days`
fn in_days(days: u32) -> String {
    days.to_string() + if days == 1 { " day" } else { " days" }
}

/// `` `a*` ``, `` `a*` or `b*` ``
fn shown(patterns: &[String]) -> String {
    let mut text = String::new();
    for pattern in patterns {
        if !text.is_empty() {
            text.push_str(" or ");
        }
        text.push_str(&quoted(pattern));
    }
    text
}

/// A text of the object as a message can hold it: short, and on one line.
fn quoted(text: &str) -> String {
    let mut quoted = "`".to_owned();
    for (index, letter) in text.chars().enumerate() {
        if index == QUOTED {
            quoted.push('…');
            break;
        }
        quoted.push(if letter.is_control() { ' ' } else { letter });
    }
    quoted.push('`');
    quoted
}
