//! What a role grants on Secrets.

use palisade_sdk::rbac::bootstrap::{AGGREGATE_TO, LABEL};
use palisade_sdk::rbac::dangers::{self, Class, DANGERS, Danger, Facts, READ, Reach, STAR, Verbs, verb_names};
use palisade_sdk::rbac::{PolicyRule, Role, RoleKind};
use palisade_sdk::selector::Labels;
use palisade_sdk::{Error, Path, Report, Rule};

use crate::rules;

/// Verbs that change what is there.
const CHANGE: Verbs = dangers::UPDATE | dangers::PATCH | dangers::DELETE | dangers::DELETE_COLLECTION;
/// Verbs that read more than one Secret.
const LIST: Verbs = dangers::LIST | dangers::WATCH;

const LETS_CREATE: &str =
    "put a Secret where an application looks for its own, or have one filled with a ServiceAccount's token";
const LETS_ALL: &str = "read passwords, keys and tokens, and exchange or delete them";

/// The ClusterRoles of Kubernetes that read Secrets, by their labels, and what they are.
const AGGREGATED: [(&str, &[(&str, &str)]); 3] = [
    ("cluster-admin", &[LABEL]),
    ("what edit is made of", &[LABEL, (AGGREGATE_TO[1], "true")]),
    ("what admin is made of", &[LABEL, (AGGREGATE_TO[2], "true")]),
];

/// Adds a finding for everything that the role grants on Secrets and should not.
///
/// # Errors
/// When a selector of the aggregation is not valid.
pub fn judge(kind: RoleKind, role: &Role<'_>, report: &mut Report) -> Result<(), Error> {
    let into_view =
        kind == RoleKind::ClusterRole && role.metadata.labels.get(AGGREGATE_TO[0]).is_some_and(|value| *value == "true");
    let secrets = |class| DANGERS.iter().find(|danger: &&Danger| danger.class == class);
    if let (Some(reading), Some(writing)) = (secrets(Class::SecretRead), secrets(Class::SecretWrite)) {
        for (index, rule) in role.rules.iter().enumerate() {
            Judge { index, rule, facts: Facts::of(rule), into_view, report }.rule(reading, writing);
        }
    }
    if kind == RoleKind::ClusterRole { aggregation(role, report) } else { Ok(()) }
}

struct Judge<'j> {
    index: usize,
    rule: &'j PolicyRule<'j>,
    facts: Facts<'j>,
    into_view: bool,
    report: &'j mut Report,
}

impl Judge<'_> {
    fn rule(&mut self, reading: &Danger, writing: &Danger) {
        let read = self.facts.grants(reading).map(|(reach, verbs)| (reach, verbs & (READ | STAR)));
        let write = self.facts.grants(writing);
        if let (Some((Reach::All, granted)), true) = (read, self.facts.verbs & STAR != 0)
            && granted & STAR != 0
            && self.reports(&rules::READ)
        {
            // Every verb is granted: one finding says it all.
            self.add(&rules::READ, "every verb", LETS_ALL);
            return;
        }
        match read {
            Some((Reach::All, verbs)) => self.add(&rules::READ, &named(verbs, READ), reading.lets),
            // `*` with names grants list and watch too, but nobody means them.
            Some((_, verbs)) if verbs & LIST != 0 => self.by_name(verbs & LIST),
            _ => {}
        }
        let Some((Reach::All, verbs)) = write else { return };
        let verbs = if verbs & STAR != 0 { dangers::WRITE } else { verbs };
        if verbs & CHANGE != 0 {
            self.add(&rules::WRITE, &verb_names(verbs & CHANGE), writing.lets);
        }
        if verbs & dangers::CREATE != 0 {
            self.add(&rules::CREATE, "create", LETS_CREATE);
        }
    }

    fn reports(&self, rule: &Rule) -> bool {
        self.report.severity_of(rule).is_some()
    }

    /// Reports at each entry that stands for Secrets.
    fn add(&mut self, about: &Rule, verbs: &str, lets: &str) {
        let root = Path::root();
        let at = root.item("rules", self.index);
        for (place, entry) in self.rule.resources.iter().enumerate() {
            let is_wildcard = *entry == "*";
            if !is_wildcard && *entry != "secrets" {
                continue;
            }
            let mut message = if is_wildcard { "`*` grants ".to_owned() } else { "grants ".to_owned() };
            message.push_str(verbs);
            message.push_str(" on every Secret");
            if self.facts.every_group && !is_wildcard {
                message.push_str(", for `*` among the API groups is the core group too");
            }
            message.push_str(", which lets its holder ");
            message.push_str(lets);
            if self.into_view {
                message.push_str("; aggregate-to-view hands it to whoever is bound to view");
            }
            self.report.add(about, &at.item("resources", place), message);
        }
    }

    fn by_name(&mut self, verbs: Verbs) {
        let mut message = "narrows ".to_owned();
        message.push_str(&verb_names(verbs));
        message.push_str(" on secrets by name, which grants it to requests with the field selector metadata.name alone");
        let verb = self.rule.verbs.iter().position(|verb| *verb == "list" || *verb == "watch").unwrap_or_default();
        let root = Path::root();
        let at = root.item("rules", self.index);
        self.report.add(&rules::LIST_BY_NAME, &at.item("verbs", verb), message);
    }
}

/// The verbs of a finding: with `*` all of them.
fn named(verbs: Verbs, all: Verbs) -> String {
    verb_names(if verbs & STAR != 0 { all } else { verbs })
}

/// What the role takes from others.
fn aggregation(role: &Role<'_>, report: &mut Report) -> Result<(), Error> {
    let Some(aggregation) = &role.aggregation_rule else { return Ok(()) };
    let rule = Path::new("aggregationRule");
    for (place, selector) in aggregation.cluster_role_selectors.iter().enumerate() {
        let at = rule.item("clusterRoleSelectors", place);
        for (what, labels) in AGGREGATED {
            let known: Vec<(&str, Option<&str>)> = labels.iter().map(|(key, value)| (*key, Some(*value))).collect();
            if selector.selects(&Labels::new(&known), &at)? {
                let message = ["selects ", what, ", which lets the role's holder ", LETS_ALL].concat();
                report.add(&rules::AGGREGATION, &at, message);
                break;
            }
        }
    }
    Ok(())
}
