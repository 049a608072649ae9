//! What roles grant, with what is aggregated into them, and what is known of it already.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use palisade_sdk::json::{self, List};
use palisade_sdk::rbac::harmless::{Audience, is_harmless};
use palisade_sdk::rbac::{self, PolicyRule};

use super::risks::{self, Giving, Half};
use super::{AccessReport, Mark, Problem};

/// The rules of each role, as its text says them.
pub struct Granted<'t> {
    own: Vec<List<PolicyRule<'t>>>,
}

impl<'t> Granted<'t> {
    /// Reads the roles of a report; what cannot be read is a problem of the report.
    pub fn read(texts: &'t [String], report: &mut AccessReport) -> Self {
        let mut own = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            let rules = match json::from_str::<rbac::Role<'t>>(text) {
                Ok(role) => role.rules,
                Err(error) => {
                    if let Some(role) = report.roles.get(index)
                        && let Some(place) = &role.place
                    {
                        let message = format!("cannot be read, and grants nothing: {}", error.problem);
                        report.problems.push(Problem {
                            id: "invalid-role",
                            place: place.clone(),
                            object: role.id.clone(),
                            message,
                        });
                    }
                    List::default()
                }
            };
            own.push(rules);
        }
        Self { own }
    }

    /// All that a role grants.
    fn of(&self, report: &AccessReport, role: usize) -> Effective<'t> {
        let with_rules = |part: &usize| report.roles.get(*part).is_some_and(|part| part.parts.is_none());
        let parts = match report.roles.get(role).and_then(|role| role.parts.as_ref()) {
            Some(parts) => parts.iter().copied().filter(with_rules).collect(),
            None => vec![role],
        };
        let lists = || parts.iter().filter_map(|part| Some((*part, self.own.get(*part)?)));
        Effective {
            origins: lists().flat_map(|(part, rules)| (0..rules.len()).map(move |rule| (part, rule))).collect(),
            rules: rbac::together(lists().map(|(_, rules)| rules)),
        }
    }
}

/// All that a role grants.
struct Effective<'t> {
    rules: List<PolicyRule<'t>>,
    /// For each of the rules the role that it is written in, and its place there.
    origins: Vec<(usize, usize)>,
}

/// What is known of roles already: thousands of bindings may give the same one.
pub struct Judged<'g, 't> {
    granted: &'g Granted<'t>,
    marks: HashMap<(usize, Giving), Arc<[Mark]>>,
    halves: HashMap<(usize, Giving), Arc<[Half]>>,
    harmless: HashMap<(usize, Audience, Option<Arc<str>>), bool>,
    rules: HashMap<usize, Rc<Effective<'t>>>,
    /// How many rules those are.
    remembered: usize,
}

/// How many rules are remembered: more is worked out again each time, rather than fill the memory.
const MOST_REMEMBERED: usize = 500_000;

impl<'g, 't> Judged<'g, 't> {
    /// Nothing yet.
    pub fn new(granted: &'g Granted<'t>) -> Self {
        Self {
            granted,
            marks: HashMap::new(),
            halves: HashMap::new(),
            harmless: HashMap::new(),
            rules: HashMap::new(),
            remembered: 0,
        }
    }

    fn rules(&mut self, report: &AccessReport, role: usize) -> Rc<Effective<'t>> {
        if let Some(known) = self.rules.get(&role) {
            return Rc::clone(known);
        }
        let effective = Rc::new(self.granted.of(report, role));
        let size = effective.rules.len();
        if self.remembered.saturating_add(size) <= MOST_REMEMBERED {
            self.remembered += size;
            self.rules.insert(role, Rc::clone(&effective));
        }
        effective
    }

    /// Whether what a role grants is harmless in these hands.
    pub fn is_harmless(
        &mut self,
        report: &AccessReport,
        role: usize,
        audience: Audience,
        namespace: &Option<Arc<str>>,
    ) -> bool {
        let key = (role, audience, namespace.clone());
        if let Some(known) = self.harmless.get(&key) {
            return *known;
        }
        let is_harmless = is_harmless(&self.rules(report, role).rules, audience, namespace.as_deref());
        self.harmless.insert(key, is_harmless);
        is_harmless
    }

    /// What matters about what a role grants, given so.
    pub fn marks(&mut self, report: &AccessReport, role: usize, giving: Giving) -> Arc<[Mark]> {
        if let Some(known) = self.marks.get(&(role, giving)) {
            return Arc::clone(known);
        }
        let effective = self.rules(report, role);
        let place = |rule: usize| {
            let (part, rule) = effective.origins.get(rule)?;
            report.roles.get(*part)?.rules.get(*rule)?.place.clone()
        };
        let marks = risks::of_rules(&effective.rules, giving).into_iter();
        let marks: Arc<[Mark]> = marks.map(|(mark, rule)| Mark { place: rule.and_then(place), ..mark }).collect();
        self.marks.insert((role, giving), Arc::clone(&marks));
        marks
    }

    /// The dangers that a role has one half of.
    pub fn halves(&mut self, report: &AccessReport, role: usize, giving: Giving) -> Arc<[Half]> {
        if let Some(known) = self.halves.get(&(role, giving)) {
            return Arc::clone(known);
        }
        let halves: Arc<[Half]> = risks::halves(&self.rules(report, role).rules, giving).into();
        self.halves.insert((role, giving), Arc::clone(&halves));
        halves
    }
}
