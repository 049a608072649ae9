//! Rules of roles in words.

use std::collections::HashMap;
use std::rc::Rc;

use super::{AccessReport, Binding, Given, Id, Rule, Run, Subject};

/// How many of the objects are named that a rule is narrowed to.
const NAMES_SHOWN: usize = 8;

/// A line of what a role grants: the verbs, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// `get, list`
    pub verbs: String,
    /// `deployments.apps`, `pods/log`, `secrets (only db)`
    pub on: Vec<String>,
}

/// What roles grant, worked out once for each.
pub struct Rights<'r> {
    report: &'r AccessReport,
    known: HashMap<(usize, bool), Rc<[Right]>>,
}

impl<'r> Rights<'r> {
    /// Of the roles of a report.
    pub fn of(report: &'r AccessReport) -> Self {
        Self { report, known: HashMap::new() }
    }

    /// What a binding gives, as far as a reader is told it.
    pub fn given(&mut self, binding: &Binding) -> Option<Rc<[Right]>> {
        let report = self.report;
        let Given::Role(index) = binding.role else { return None };
        let role = report.roles.get(index).filter(|role| role.shows_rules())?;
        let with_urls = binding.id.namespace.is_none();
        let rights = self.known.entry((index, with_urls)).or_insert_with(|| rights(&report.rules_of(role), with_urls).into());
        Some(Rc::clone(rights))
    }
}

/// What rules grant, in lines. Rules with the same verbs that follow on each other share one. URLs are told only of what is given in the
/// whole cluster, for in a namespace nobody gets them.
fn rights(rules: &[&Rule], with_urls: bool) -> Vec<Right> {
    let mut rights: Vec<Right> = Vec::new();
    for rule in rules {
        let verbs = if rule.verbs.is_empty() { "nothing".to_owned() } else { rule.verbs.join(", ") };
        let mut on = Vec::new();
        if !rule.resources.is_empty() && !rule.api_groups.is_empty() {
            resources(rule, &mut on);
        }
        if with_urls {
            on.extend(rule.urls.iter().cloned());
        }
        if on.is_empty() {
            continue;
        }
        match rights.last_mut() {
            Some(last) if last.verbs == verbs => last.on.append(&mut on),
            _ => rights.push(Right { verbs, on }),
        }
    }
    rights
}

/// As kubectl writes them: the resource, its API group, its subresource.
fn resources(rule: &Rule, on: &mut Vec<String>) {
    let first = on.len();
    for resource in &rule.resources {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let slash = if subresource.is_empty() { "" } else { "/" };
        on.extend(rule.api_groups.iter().map(|group| {
            let dot = if group.is_empty() { "" } else { "." };
            format!("{resource}{dot}{group}{slash}{subresource}")
        }));
    }
    if !rule.resource_names.is_empty() {
        let name = |name: &String| if name.is_empty() { "\"\"".to_owned() } else { name.clone() };
        let names = some(&rule.resource_names.iter().map(name).collect::<Vec<_>>(), NAMES_SHOWN);
        on.iter_mut().skip(first).for_each(|on| on.push_str(&format!(" (only {names})")));
    }
}

/// Where a binding takes effect.
pub fn place_of(binding: &Id) -> String {
    match &binding.namespace {
        Some(namespace) => format!("in namespace {namespace}"),
        None => "in the whole cluster".to_owned(),
    }
}

/// Whom a role is from, where no document holds it.
pub const DELIVERED: &str = "of every cluster";

/// The first of some names, and how many there are beside them.
pub fn some(names: &[String], shown: usize) -> String {
    match names.len().saturating_sub(shown) {
        0 => names.join(", "),
        rest => format!("{} and {rest} more", names.get(..shown).unwrap_or_default().join(", ")),
    }
}

/// What runs as a subject, in a sentence; empty when nothing does.
pub fn runs(subject: &Subject, shown: usize) -> String {
    if subject.runs.is_empty() {
        return String::new();
    }
    let none_has_token = !subject.runs.iter().any(|run| run.has_token);
    let name = |run: &Run| {
        let without = if run.has_token || none_has_token { "" } else { " (without its token)" };
        format!("{}{without}", run.workload)
    };
    let names = some(&subject.runs.iter().map(name).collect::<Vec<_>>(), shown);
    format!("runs {names}{}", if none_has_token { "; no token of it is mounted" } else { "" })
}

/// What a subject holds by groups that it is in anyway.
pub fn holds_too(report: &AccessReport, subject: &Subject) -> Vec<String> {
    let groups = subject.groups.iter().filter_map(|group| report.subjects.get(*group));
    groups
        .map(|group| {
            let risk = group.risk().map_or(String::new(), |risk| format!(" ({} risk)", risk.word()));
            format!("holds too what {} holds{risk}", group.id)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verbs: &[&str], groups: &[&str], resources: &[&str], names: &[&str], urls: &[&str]) -> Rule {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        Rule {
            verbs: list(verbs),
            api_groups: list(groups),
            resources: list(resources),
            resource_names: list(names),
            urls: list(urls),
            place: None,
        }
    }

    #[test]
    fn rules_are_lines() {
        let rules = [
            rule(&["get", "list"], &[""], &["pods", "pods/log"], &[], &[]),
            rule(&["get", "list"], &["apps"], &["deployments", "deployments/scale"], &[], &[]),
            rule(&["get"], &[""], &["secrets"], &["db", ""], &[]),
            rule(&["get"], &["apps", "extensions"], &["*"], &[], &[]),
            rule(&["get"], &[], &[], &[], &["/metrics", "/healthz"]),
            rule(&["post"], &[], &[], &[], &["/metrics"]),
            rule(&[], &["*"], &["nodes"], &[], &[]),
            rule(&["get"], &[], &["nothing"], &[], &[]),
        ];
        let lines = |with_urls| {
            rights(&rules.iter().collect::<Vec<_>>(), with_urls)
                .into_iter()
                .map(|right| format!("{}: {}", right.verbs, right.on.join(", ")))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            lines(true),
            [
                "get, list: pods, pods/log, deployments.apps, deployments.apps/scale",
                "get: secrets (only db, \"\"), *.apps, *.extensions, /metrics, /healthz",
                "post: /metrics",
                "nothing: nodes.*",
            ]
        );
        assert_eq!(lines(false)[1..], ["get: secrets (only db, \"\"), *.apps, *.extensions", "nothing: nodes.*"]);
    }
}
