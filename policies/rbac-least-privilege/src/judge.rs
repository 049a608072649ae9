//! Judges the rules of one role, and how it is aggregated.

use palisade_sdk::rbac::bootstrap::{AGGREGATE_TO, LABEL};
use palisade_sdk::rbac::dangers::{
    self, Class, DANGERS, Danger, Facts, Names, Partners, Reach, STAR, VERBS, Verbs, verb_bit, verb_names,
};
use palisade_sdk::rbac::{ALL, Name, PolicyRule, Role, RoleKind};
use palisade_sdk::selector::Labels;
use palisade_sdk::{Error, Operation, Path, Report, Request, Rule, Severity, Str};

use crate::narrow::{self, Cut};
use crate::words::{self, all_or, is_every_url, is_no_pattern, is_wildcard, on_groups, shown, small_letters};
use crate::{AllowedVerbs, Settings, rules};

/// More combinations of groups, resources and verbs than this are not looked up in `allowedVerbs`: no role that a person wrote has them.
const COMBINATIONS: usize = 10_000;

const SECRETS: &str = "secrets";

/// Adds a finding for everything that the role should not grant.
///
/// # Errors
/// When the object cannot be read.
pub fn judge(
    kind: RoleKind,
    role: &Role<'_>,
    request: &Request<'_>,
    settings: &Settings,
    report: &mut Report,
) -> Result<(), Error> {
    let allowed: Vec<&AllowedVerbs> = settings.allowed_verbs.iter().filter(|allowed| allowed.may_be_held_by(role)).collect();
    let rejects = |rule: &Rule| report.severity_of(rule) == Some(Severity::Deny);
    let context = Context {
        kind,
        wildcard_verb_rejects: rejects(&rules::WILDCARD_VERB),
        wildcard_resource_rejects: rejects(&rules::WILDCARD_RESOURCE),
        accepted: DANGERS.iter().map(|danger| accepted_verbs(danger, &allowed)).collect(),
        allowed,
        partners: Partners::of(&role.rules),
        changes_something: role.rules.iter().any(|rule| rule.grants_verb("update") || rule.grants_verb("patch")),
    };
    let mut judge = Judge { context, gravest: [None; 3], pending: Vec::new(), cut: Cut::default(), report };
    let token = judge.secret_token(&role.rules);
    for (index, rule) in role.rules.iter().enumerate() {
        let token = token.as_ref().filter(|token| token.rule == index);
        judge.rule(index, rule, token);
    }
    if kind == RoleKind::ClusterRole {
        judge.aggregated(role);
        judge.aggregating(role, request)?;
    }
    Ok(())
}

/// The verbs of a danger that the settings accept.
fn accepted_verbs(danger: &Danger, allowed: &[&AllowedVerbs]) -> Verbs {
    let mut name = String::new();
    danger.write_name(&mut name);
    let granted = allowed.iter().filter(|allowed| allowed.is_about(danger.group.name(), &name));
    granted
        .flat_map(|allowed| &allowed.verbs)
        .fold(0, |verbs, verb| verbs | if verb == ALL { Verbs::MAX } else { verb_bit(verb) })
}

impl AllowedVerbs {
    fn is_about(&self, group: &str, resource: &str) -> bool {
        let subresource = self.resource.strip_prefix("*/");
        (self.api_group == ALL || self.api_group == group)
            && (self.resource == ALL
                || self.resource == resource
                || subresource
                    .is_some_and(|wanted| resource.split_once('/').is_some_and(|(_, subresource)| subresource == wanted)))
    }

    fn accepts(&self, group: &str, resource: &str, verb: &str) -> bool {
        self.is_about(group, resource) && self.verbs.iter().any(|accepted| accepted == ALL || accepted == verb)
    }
}

/// A verb that says by itself what is meant, and the first thing that it is granted on.
#[derive(Clone, Copy)]
struct Told {
    danger: &'static Danger,
    misplaced: bool,
    name: Option<usize>,
}

/// What holds for the role as a whole.
struct Context<'j> {
    kind: RoleKind,
    wildcard_verb_rejects: bool,
    wildcard_resource_rejects: bool,
    allowed: Vec<&'j AllowedVerbs>,
    /// For each of [`DANGERS`] the verbs that the settings accept.
    accepted: Vec<Verbs>,
    /// What makes some dangers usable.
    partners: Partners,
    /// Whether `update` or `patch` is granted at all.
    changes_something: bool,
}

/// Where in a rule a finding stands.
#[derive(Clone, Copy)]
enum Place {
    Verb(usize),
    Group(usize),
    Resource(usize),
    Name(usize),
    Url(usize),
}

/// A finding on the rule at hand, until it is known what is left of the rule.
struct Pending {
    about: &'static Rule,
    place: Place,
    message: String,
    /// Instead of the narrowed rule.
    remedy: Option<String>,
}

/// A grant of creating Secrets that makes tokens.
struct SecretToken {
    rule: usize,
    place: usize,
    message: String,
}

struct Judge<'j> {
    context: Context<'j>,
    /// The first danger, and its rule, for each level of [`dangers::HeldBy`].
    gravest: [Option<(usize, &'static Danger)>; 3],
    /// The findings on the rule at hand, and what of it must go.
    pending: Vec<Pending>,
    cut: Cut,
    report: &'j mut Report,
}

impl Judge<'_> {
    fn rule(&mut self, index: usize, rule: &PolicyRule<'_>, token: Option<&SecretToken>) {
        let facts = Facts::of(rule);
        self.cut = Cut { drops: vec![0; rule.resources.len()], ..Cut::default() };
        self.wildcard_verbs(&facts);
        self.wildcard_groups(&facts);
        self.wildcard_urls(&facts);
        self.dangers(index, &facts);
        if let Some(token) = token {
            for (drop, _) in self.cut.drops.iter_mut().zip(&rule.resources).filter(|(_, entry)| **entry == SECRETS) {
                *drop |= dangers::CREATE;
            }
            self.add(&rules::SECRET_TOKEN, Place::Resource(token.place), token.message.clone());
        }
        self.mistakes(rule);
        self.flush(index, rule);
    }

    fn add(&mut self, about: &'static Rule, place: Place, message: String) {
        self.pending.push(Pending { about, place, message, remedy: None });
    }

    /// Reports the findings on the rule at hand, with what is left of it.
    fn flush(&mut self, index: usize, rule: &PolicyRule<'_>) {
        if self.pending.is_empty() {
            return;
        }
        let narrowed = narrow::narrowed(rule, &self.cut);
        let root = Path::root();
        let at = root.item("rules", index);
        for Pending { about, place, message, remedy } in self.pending.drain(..) {
            let path = match place {
                Place::Verb(place) => at.item("verbs", place),
                Place::Group(place) => at.item("apiGroups", place),
                Place::Resource(place) => at.item("resources", place),
                Place::Name(place) => at.item("resourceNames", place),
                Place::Url(place) => at.item("nonResourceURLs", place),
            };
            match (remedy, &narrowed) {
                (Some(remedy), _) => self.report.add_with_remedy(about, &path, message, remedy),
                (None, Some(narrowed)) => {
                    let strike = if self.cut.has_wildcards() { ", and strike what the holder does not use" } else { "" };
                    let remedy = [about.remedy, "; write ", narrowed, strike].concat();
                    self.report.add_with_remedy(about, &path, message, remedy);
                }
                (None, None) => self.report.add(about, &path, message),
            }
        }
    }

    /// What the rule grants that leads to more.
    fn dangers(&mut self, index: usize, facts: &Facts<'_>) {
        let rule = facts.rule;
        let mut told: [Option<Told>; VERBS.len()] = [None; VERBS.len()];
        let mut impersonation_is_known = false;
        for (place, entry) in rule.resources.iter().enumerate() {
            let wildcard = is_wildcard(entry);
            let wildcard_is_said = self.wildcard_resource(facts, entry, place);
            let mut star_is_said = false;
            let mut drop = 0;
            for (danger, accepted) in DANGERS.iter().zip(&self.context.accepted) {
                let Some(about) = rules::of(danger.class) else { continue };
                if !danger.is_meant_by(entry) || !self.context.counts(danger) {
                    continue;
                }
                let misplaced = !facts.names_group(danger);
                if misplaced && (wildcard || !danger.class.is_grave() || !facts.names_core_group()) {
                    continue;
                }
                impersonation_is_known |= danger.verbs & (dangers::IMPERSONATE | dangers::IMPERSONATE_CONSTRAINED) != 0;
                let granted = facts.verbs & (danger.verbs | STAR) & !accepted;
                if granted == 0 || self.context.partners.make_harmless(danger) {
                    continue;
                }
                let Some((reach, granted)) = facts.reach(danger, granted) else { continue };
                if !misplaced && let Some(gravest) = self.gravest.get_mut(danger.held_by as usize) {
                    gravest.get_or_insert((index, danger));
                }
                if self.report.severity_of(about).is_none() {
                    continue;
                }
                let literal = granted & !STAR;
                let list =
                    if let (Reach::Powerful(_), Names::Except(list)) = (reach, danger.names) { Some(list) } else { None };
                // A name that leads to more can be struck, and the verb left.
                let dropped = if list.is_some() { 0 } else { danger.verbs & !accepted };
                if danger.class.is_grave() {
                    drop |= dropped;
                    self.cut.names = self.cut.names.or(list);
                }
                if literal & dangers::TELLING != 0 {
                    let name = if let Reach::Powerful(place) = reach { Some(place) } else { None };
                    self.cut.telling |= if list.is_some() { 0 } else { literal & dangers::TELLING };
                    for (bit, told) in told.iter_mut().enumerate() {
                        if literal & (1 << bit) != 0 && told.is_none_or(|told| told.misplaced && !misplaced) {
                            *told = Some(Told { danger, misplaced, name });
                        }
                    }
                    continue;
                }
                // The most general finding says it all.
                let by_resource = wildcard_is_said && self.context.wildcard_resource_rejects;
                let by_verb = literal == 0 && about.severity == Severity::Warn && self.context.wildcard_verb_rejects;
                if by_resource || by_verb || (star_is_said && granted & STAR != 0) {
                    continue;
                }
                star_is_said |= granted & STAR != 0;
                drop |= dropped;
                let message = self.context.message(danger, granted, misplaced, index);
                let place = if let Reach::Powerful(name) = reach { Place::Name(name) } else { Place::Resource(place) };
                self.pending.push(Pending { about, place, message, remedy: None });
            }
            if let Some(drops) = self.cut.drops.get_mut(place) {
                *drops |= drop;
            }
        }
        for (told, verb) in told.iter().zip(VERBS) {
            let Some(told) = told else { continue };
            let Some(about) = rules::of(told.danger.class) else { continue };
            let message = self.context.message(told.danger, verb_bit(verb), told.misplaced, index);
            let place = told.name.map_or_else(|| Place::Verb(verb_at(rule, verb)), Place::Name);
            self.add(about, place, message);
        }
        if !impersonation_is_known {
            self.impersonation_of_something(facts);
        }
    }

    /// `impersonate` on resources that cannot be impersonated grants nothing by itself, yet nobody writes it to no end.
    fn impersonation_of_something(&mut self, facts: &Facts<'_>) {
        let rule = facts.rule;
        if facts.verbs & dangers::IMPERSONATE == 0 || rule.resources.is_empty() || !rule.resource_names.is_empty() {
            return;
        }
        let mut message = "grants impersonate on ".to_owned();
        message.push_str(&shown(&rule.resources));
        message.push_str(", which is meant to let its holder act as somebody else");
        self.cut.telling |= dangers::IMPERSONATE;
        self.add(&rules::IMPERSONATE, Place::Verb(verb_at(rule, "impersonate")), message);
    }

    fn wildcard_verbs(&mut self, facts: &Facts<'_>) {
        let rule = facts.rule;
        if facts.verbs & STAR == 0 || self.context.accepts(&rule.api_groups, &rule.resources, &[Str::from(ALL)]) {
            return;
        }
        let mut message = "`*` grants every verb on ".to_owned();
        if rule.resources.is_empty() {
            message.push_str(&all_or("every URL", &rule.non_resource_urls));
            if !rule.non_resource_urls.is_empty() {
                message.push_str(", which lets its holder write there too, where the path takes it");
            }
        } else {
            message.push_str(&all_or("every resource", &rule.resources));
            message.push_str(", which lets its holder ");
            let danger = self.context.gravest(facts, &rule.resources);
            message.push_str(
                danger.map_or("delete all objects at once, and use verbs that are yet to come", |danger| danger.lets),
            );
        }
        self.cut.every_verb = self.report.severity_of(&rules::WILDCARD_VERB).is_some();
        for (place, _) in rule.verbs.iter().enumerate().filter(|(_, verb)| **verb == ALL) {
            self.add(&rules::WILDCARD_VERB, Place::Verb(place), message.clone());
        }
    }

    fn wildcard_groups(&mut self, facts: &Facts<'_>) {
        let rule = facts.rule;
        if !facts.every_group || self.context.accepts(&[Str::from(ALL)], &rule.resources, &rule.verbs) {
            return;
        }
        let mut message = "`*` grants ".to_owned();
        message.push_str(&all_or("every verb", &rule.verbs));
        message.push_str(" on ");
        message.push_str(&all_or("every resource", &rule.resources));
        message.push_str(" of every API group, which lets its holder use what is installed later, unseen by who granted it");
        self.cut.every_group = self.report.severity_of(&rules::WILDCARD_API_GROUP).is_some();
        for (place, _) in rule.api_groups.iter().enumerate().filter(|(_, group)| **group == ALL) {
            self.add(&rules::WILDCARD_API_GROUP, Place::Group(place), message.clone());
        }
    }

    fn wildcard_urls(&mut self, facts: &Facts<'_>) {
        let rule = facts.rule;
        for (place, url) in rule.non_resource_urls.iter().enumerate().filter(|(_, url)| is_every_url(url)) {
            let mut message = "`".to_owned();
            message.push_str(words::cut(url));
            message.push_str("` grants ");
            message.push_str(&all_or("every verb", &rule.verbs));
            message.push_str(
                " on every path of the API server that is no resource, which lets its holder see metrics, logs and profiles",
            );
            self.cut.every_url = self.report.severity_of(&rules::WILDCARD_URL).is_some();
            self.add(&rules::WILDCARD_URL, Place::Url(place), message);
        }
    }

    /// Whether the entry is a wildcard that is reported.
    fn wildcard_resource(&mut self, facts: &Facts<'_>, entry: &Str<'_>, place: usize) -> bool {
        let rule = facts.rule;
        let place = Place::Resource(place);
        if !is_no_pattern(entry) && !is_wildcard(entry)
            || self.context.accepts(&rule.api_groups, std::slice::from_ref(entry), &rule.verbs)
        {
            return false;
        }
        let mut message = "`".to_owned();
        message.push_str(words::cut(entry));
        if is_no_pattern(entry) {
            message.push_str("` is no pattern that RBAC knows, and grants nothing");
            self.add(&rules::WILDCARD_RESOURCE, place, message);
            return false;
        }
        message.push_str("` grants ");
        message.push_str(&all_or("every verb", &rule.verbs));
        match entry.strip_prefix("*/") {
            Some(subresource) => {
                message.push_str(" on the subresource ");
                message.push_str(words::cut(subresource));
                message.push_str(" of every resource of ");
            }
            None => message.push_str(" on every resource of "),
        }
        message.push_str(&on_groups(&rule.api_groups));
        match self.context.gravest(facts, std::slice::from_ref(entry)) {
            Some(danger) => {
                message.push_str(", ");
                danger.write_name(&mut message);
                message.push_str(" among them, which lets its holder ");
                message.push_str(danger.lets);
            }
            None => message.push_str(", which lets its holder use those that are added later, unseen by who granted it"),
        }
        self.cut.every_resource |= self.report.severity_of(&rules::WILDCARD_RESOURCE).is_some();
        self.add(&rules::WILDCARD_RESOURCE, place, message);
        true
    }

    /// What grants nothing, though it is meant to.
    fn mistakes(&mut self, rule: &PolicyRule<'_>) {
        for (place, verb) in rule.verbs.iter().enumerate() {
            let Some(meant) = small_letters(verb).filter(|meant| !rule.grants_verb(meant)) else { continue };
            let mut message = "`".to_owned();
            message.push_str(words::cut(verb));
            message.push_str("` is no verb, for verbs are in small letters, and grants nothing");
            let remedy = Some(["write ", meant, " if it is needed, and strike it if nobody missed it"].concat());
            self.pending.push(Pending { about: &rules::VERB_IN_CAPITALS, place: Place::Verb(place), message, remedy });
        }
        let nameless = |verb: &Str<'_>| *verb == "create" || *verb == "deletecollection";
        if !rule.resource_names.is_empty()
            && !rule.resources.is_empty()
            && !rule.verbs.is_empty()
            && !self.context.changes_something
            && rule.verbs.iter().all(nameless)
            && rule.resources.iter().all(|entry| !entry.contains('/') && *entry != ALL)
            && !rule.resource_names.iter().any(|name| name.is_empty())
        {
            let mut message = "narrow ".to_owned();
            message.push_str(&shown(&rule.verbs));
            message.push_str(" to objects by name, and its requests name none, so that nothing is granted");
            let about = &rules::NAMES_WITHOUT_EFFECT;
            self.pending.push(Pending { about, place: Place::Name(0), message, remedy: Some(about.remedy.to_owned()) });
        }
    }

    /// A Secret of the type `kubernetes.io/service-account-token` is filled with a token of the ServiceAccount that it names.
    /// Wildcards are left to their own findings.
    fn secret_token(&self, all: &[PolicyRule<'_>]) -> Option<SecretToken> {
        let names = |rule: &PolicyRule<'_>| rule.grants_group("") && rule.resources.iter().any(|resource| *resource == SECRETS);
        let has = |rule: &PolicyRule<'_>, wanted: &[&str]| rule.verbs.iter().any(|verb| wanted.contains(&verb.as_str()));
        let (index, rule) =
            all.iter().enumerate().find(|(_, rule)| names(rule) && has(rule, &["create"]) && rule.grants_name(Name::Absent))?;
        let reading =
            all.iter().position(|rule| names(rule) && has(rule, &["get", "list", "watch"]) && rule.grants_name(Name::Every))?;
        if self.context.allowed.iter().any(|allowed| allowed.accepts("", SECRETS, "create")) {
            return None;
        }
        let mut message = "grants create on secrets, and reading them ".to_owned();
        if reading == index {
            message.push_str("too");
        } else {
            message.push_str("in rules[");
            message.push_str(&reading.to_string());
            message.push(']');
        }
        message.push_str(", which lets its holder make a token Secret for any ServiceAccount of the namespace and read it");
        let place = rule.resources.iter().position(|resource| *resource == SECRETS).unwrap_or_default();
        Some(SecretToken { rule: index, place, message })
    }

    /// What the role brings into the user-facing ClusterRoles.
    fn aggregated(&mut self, role: &Role<'_>) {
        const HOLDERS: [&str; 3] =
            ["whoever is bound to view, edit or admin", "whoever is bound to edit or admin", "whoever is bound to admin"];
        let labels = Path::new("metadata.labels");
        for (level, (label, holders)) in AGGREGATE_TO.iter().zip(HOLDERS).enumerate() {
            if role.metadata.labels.get(label).is_none_or(|value| *value != "true") {
                continue;
            }
            let at = labels.key(label);
            let brings = |verb: &str, resource: &str, index: usize, lets: &str| {
                let mut message = "hands ".to_owned();
                message.push_str(verb);
                message.push_str(" on ");
                message.push_str(resource);
                message.push_str(" (rules[");
                message.push_str(&index.to_string());
                message.push_str("]) to ");
                message.push_str(holders);
                message.push_str(", and lets each of them ");
                message.push_str(lets);
                message
            };
            // Beyond what the role has as Kubernetes delivers it: view holds nothing of the kind.
            let beyond = self.gravest.iter().skip(level).rev().flatten().next();
            if let Some((index, danger)) = beyond {
                let mut name = String::new();
                danger.write_name(&mut name);
                let verbs = role.rules.get(*index).map_or(0, |rule| Facts::of(rule).verbs);
                let message = brings(
                    &verb_names(if verbs & STAR != 0 { danger.verbs } else { verbs & danger.verbs }),
                    &name,
                    *index,
                    danger.lets,
                );
                self.report.add(&rules::AGGREGATED_ESCALATION, &at, message);
            }
            if level > 0 {
                continue;
            }
            let read = ["get", "list", "watch"].iter().find_map(|verb| {
                let accepted = self.context.allowed.iter().any(|allowed| allowed.accepts("", "secrets", verb));
                let granting = |rule: &PolicyRule<'_>| {
                    rule.grants_verb(verb) && rule.grants_group("") && rule.grants_resource("secrets", "")
                };
                role.rules.iter().position(granting).filter(|_| !accepted).map(|index| (verb, index))
            });
            if let Some((verb, index)) = read {
                const READ: &str = "read passwords, keys and tokens, which `view` leaves out on purpose";
                self.report.add(&rules::AGGREGATED_SECRETS, &at, brings(verb, SECRETS, index, READ));
            }
            if beyond.is_some() {
                continue;
            }
            let writes = role.rules.iter().enumerate().find_map(|(index, rule)| {
                let verbs = Facts::of(rule).verbs;
                // Reviews are questions, though they are asked by creating them.
                let resource = rule.resources.iter().find(|resource| !resource.ends_with("reviews"))?;
                (verbs & (dangers::WRITE | STAR) != 0).then_some((index, verbs, resource))
            });
            if let Some((index, verbs, resource)) = writes {
                let verbs = if verbs & STAR != 0 { "every verb".to_owned() } else { verb_names(verbs & dangers::WRITE) };
                const WRITE: &str = "change what they were given to see";
                self.report.add(&rules::AGGREGATED_WRITE, &at, brings(&verbs, words::cut(resource), index, WRITE));
            }
        }
    }

    /// What the role takes from others.
    fn aggregating(&mut self, role: &Role<'_>, request: &Request<'_>) -> Result<(), Error> {
        palisade_sdk::view! {
            struct Stored<'a> {
                metadata: StoredMeta<'a> as "metadata",
            }
            struct StoredMeta<'a> {
                resource_version: Str<'a> as "resourceVersion",
            }
        }
        let Some(aggregation) = &role.aggregation_rule else { return Ok(()) };
        let rule = Path::new("aggregationRule");
        let cluster_admin = Labels::new(&[(LABEL.0, Some(LABEL.1))]);
        for (place, selector) in aggregation.cluster_role_selectors.iter().enumerate() {
            let at = rule.item("clusterRoleSelectors", place);
            if selector.selects(&cluster_admin, &at)? {
                self.report.add(
                    &rules::AGGREGATION_SELECTOR,
                    &at,
                    "selects cluster-admin, which lets the role's holder do everything",
                );
            }
        }
        // A stored role has rules because the controller wrote them.
        let is_new =
            request.operation == Operation::Create && request.object::<Stored<'_>>()?.metadata.resource_version.is_empty();
        if is_new && !role.rules.is_empty() {
            self.report.add(
                &rules::AGGREGATION_OVERWRITES,
                &Path::new("rules"),
                "stand beside an aggregationRule, so that a controller overwrites them with those of the ClusterRoles it selects",
            );
        }
        Ok(())
    }
}

/// Where the verb stands.
fn verb_at(rule: &PolicyRule<'_>, verb: &str) -> usize {
    rule.verbs.iter().position(|granted| *granted == verb).unwrap_or_default()
}

impl Context<'_> {
    /// Whether the settings accept all of this.
    fn accepts(&self, groups: &[Str<'_>], resources: &[Str<'_>], verbs: &[Str<'_>]) -> bool {
        let combinations = groups.len().saturating_mul(resources.len()).saturating_mul(verbs.len());
        (1..=COMBINATIONS).contains(&combinations)
            && !self.allowed.is_empty()
            && groups.iter().all(|group| {
                resources.iter().all(|resource| {
                    verbs.iter().all(|verb| self.allowed.iter().any(|allowed| allowed.accepts(group, resource, verb)))
                })
            })
    }

    /// Whether a role of this kind can grant the danger, or is meant to: nobody writes `escalate` or `impersonate` to no end.
    fn counts(&self, danger: &Danger) -> bool {
        self.kind == RoleKind::ClusterRole || !danger.cluster || matches!(danger.class, Class::Escalate | Class::Impersonate)
    }

    /// The gravest of what the rule grants by one of these entries of its resources.
    fn gravest(&self, facts: &Facts<'_>, entries: &[Str<'_>]) -> Option<&'static Danger> {
        DANGERS.iter().zip(&self.accepted).find_map(|(danger, accepted)| {
            let granted = facts.verbs & (danger.verbs | STAR) & !accepted;
            let counts = granted != 0
                && facts.names_group(danger)
                && self.counts(danger)
                && !self.partners.make_harmless(danger)
                && facts.reach(danger, granted).is_some()
                && entries.iter().any(|entry| danger.is_meant_by(entry));
            counts.then_some(danger)
        })
    }

    /// What a grant lets its holder do.
    fn message(&self, danger: &Danger, granted: Verbs, misplaced: bool, index: usize) -> String {
        let literal = granted & !STAR;
        let mut message = if misplaced { "names ".to_owned() } else { "grants ".to_owned() };
        message.push_str(&verb_names(if literal == 0 { danger.verbs } else { literal }));
        message.push_str(" on ");
        danger.write_name(&mut message);
        if literal == 0 {
            message.push_str(", by `*`");
        }
        if misplaced {
            message.push_str(" in the core group, where it grants nothing; in ");
            message.push_str(danger.group.name());
            message.push_str(", which must be meant, it lets its holder ");
        } else {
            message.push_str(", which lets its holder ");
        }
        message.push_str(danger.lets);
        if let Some(second) = self.partners.of_danger(danger) {
            message.push_str(if misplaced { "; with " } else { ": with " });
            if second == index {
                message.push_str("what else the rule grants, at once");
            } else {
                message.push_str("rules[");
                message.push_str(&second.to_string());
                message.push_str("], at once");
            }
        }
        message
    }
}
