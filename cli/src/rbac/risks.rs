//! What matters about a grant: marks by the same dangers, grades and subjects as those that the policies look for.

use palisade_sdk::rbac::dangers::{self, Class as DangerClass, DANGERS, Danger, Facts, Found, Grade, Partners, Reach};
use palisade_sdk::rbac::harmless::Audience;
use palisade_sdk::rbac::scope::{self, Scope};
use palisade_sdk::rbac::subjects::{Class, Who};
use palisade_sdk::rbac::{PolicyRule, Rules, Within};

use super::{Mark, Risk};

/// Where Kubernetes keeps what runs the cluster: rights there are rights in the whole of it.
const SYSTEM: &str = "kube-system";

/// More of the same kind are counted.
const SHOWN: usize = 4;

/// How a role is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Giving {
    /// Everywhere, by a ClusterRoleBinding.
    pub cluster: bool,
    /// In `kube-system`.
    pub system: bool,
    /// A role that Kubernetes delivers for people, to people: what it is there for.
    pub as_meant: bool,
    /// To a ServiceAccount.
    pub to_account: bool,
    /// `admin`, `edit` or `view`, which Kubernetes delivers to be bound in namespaces.
    pub user_facing: bool,
}

impl Giving {
    /// Through a binding of this namespace, or a ClusterRoleBinding.
    pub fn within(namespace: Option<&str>) -> Self {
        Self { cluster: namespace.is_none(), system: namespace == Some(SYSTEM), ..Self::default() }
    }

    fn reach(self) -> Within {
        if self.cluster { Within::Cluster } else { Within::Namespace }
    }

    fn rules<'r>(self, rules: &'r [PolicyRule<'r>]) -> Rules<'r> {
        if self.cluster { Rules::of_cluster_role(rules) } else { Rules::of_role(rules) }
    }

    /// Whether rights of this kind lead out of a namespace.
    fn is_wide(self) -> bool {
        self.cluster || self.system
    }

    fn place(self) -> &'static str {
        if self.cluster { "in the cluster" } else { "in the namespace" }
    }
}

/// A mark, and the rule that it is about: a place in the list of rules.
pub type RuleMark = (Mark, Option<usize>);

fn mark(id: &'static str, risk: Risk, what: impl Into<String>, why: impl Into<String>) -> Mark {
    Mark { id, risk, what: what.into(), why: why.into(), place: None }
}

/// What matters about these rules, given so. The gravest first.
pub fn of_rules(list: &[PolicyRule<'_>], giving: Giving) -> Vec<RuleMark> {
    let rules = giving.rules(list);
    let grade = dangers::grade(&rules);
    if grade == Grade::Everything {
        let why = format!("lets its holder do anything {}", giving.place());
        return vec![(mark("cluster-admin", Risk::High, "every verb on every resource", why), None)];
    }
    let mut marks = Vec::new();
    if giving.to_account && grade >= Grade::Edit {
        let role = if grade == Grade::Admin { "admin" } else { "edit" };
        let what = format!("what the role {role} grants");
        marks.push((
            mark(
                "application-admin",
                Risk::High,
                what,
                format!("whoever takes over one pod has everything {}", giving.place()),
            ),
            None,
        ));
    }
    let found: Vec<Found> =
        dangers::find(&rules, giving.reach()).into_iter().filter(|found| found.reach != Reach::Named).collect();
    marks.extend(found.chunk_by(|one, next| one.danger.class == next.danger.class).filter_map(|class| of_class(class, giving)));
    marks.extend(wildcards(list, giving));
    let is_namespaced = || giving.user_facing || list.iter().filter_map(scope::of_rule).max() < Some(Scope::Cluster);
    if giving.cluster && !list.is_empty() && is_namespaced() {
        let why = "everything that it grants is in namespaces: a RoleBinding in each that needs it grants less";
        marks.push((mark("cluster-wide-binding", Risk::Medium, "in every namespace", why), None));
    }
    marks.sort_by_key(|(mark, _)| std::cmp::Reverse(mark.risk));
    marks
}

/// The mark for the dangers of a class.
fn of_class(found: &[Found], giving: Giving) -> Option<RuleMark> {
    let first = found.first()?;
    let class = first.danger.class;
    let risk = match class {
        _ if giving.as_meant && !giving.is_wide() => Risk::Medium,
        DangerClass::SecretRead | DangerClass::SecretToken if giving.is_wide() => Risk::High,
        _ if class.is_grave() => Risk::High,
        _ => Risk::Medium,
    };
    let mut what = String::new();
    let mut verbs = String::new();
    for grant in found.iter().take(SHOWN).map(Found::grant) {
        // The verbs are said again when they are others.
        match grant.split_once(" on ") {
            Some((same, on)) if same == verbs => what = format!("{what}, {on}"),
            Some((others, _)) => {
                verbs = others.to_owned();
                what = if what.is_empty() { grant } else { format!("{what}; {grant}") };
            }
            None => {}
        }
    }
    if let Some(more) = found.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        what = format!("{what}; and {more} more");
    }
    let mut why = format!("lets its holder {}", first.danger.lets);
    if !found.iter().any(Found::is_usable) {
        why.push_str("; what that takes beside it is not in this role");
    }
    Some((mark(class.id(), risk, what, why), Some(first.rule)))
}

/// Wildcards, which grant what nobody has thought of yet.
fn wildcards(rules: &[PolicyRule<'_>], giving: Giving) -> Vec<RuleMark> {
    let of_resources = |rule: &PolicyRule<'_>| !rule.resources.is_empty() && !rule.api_groups.is_empty();
    let on = |rule: &PolicyRule<'_>| {
        let shown: Vec<&str> = rule.resources.iter().take(SHOWN).map(|resource| resource.as_str()).collect();
        let more = if rule.resources.len() > SHOWN { " and others" } else { "" };
        format!("{}{more}", shown.join(", "))
    };
    type Look<'l> = (&'static str, &'l dyn Fn(&PolicyRule<'_>) -> Option<String>, &'static str);
    let looks: [Look<'_>; 4] = [
        (
            "wildcard-verb",
            &|rule| (of_resources(rule) && rule.verbs.iter().any(|verb| *verb == "*")).then(|| format!("* on {}", on(rule))),
            "grants every verb, also those that lead to further rights",
        ),
        (
            "wildcard-resource",
            &|rule| {
                let entry = rule.resources.iter().find(|entry| **entry == "*" || entry.starts_with("*/"));
                entry.filter(|_| of_resources(rule)).map(|entry| format!("the resources {entry}"))
            },
            "grants every resource of the API group, also those that are yet to come",
        ),
        (
            "wildcard-api-group",
            &|rule| {
                (of_resources(rule) && rule.api_groups.iter().any(|group| *group == "*"))
                    .then(|| format!("{} of every API group", on(rule)))
            },
            "grants resources of these names in every API group, also in those that are installed later",
        ),
        (
            "wildcard-url",
            &|rule| {
                let url = rule.non_resource_urls.iter().find(|url| url.as_str().trim_start_matches('/').starts_with('*'));
                url.filter(|_| giving.cluster).map(|url| format!("the URLs {url}"))
            },
            "grants every path of the API server that is no resource, debugging and logs among them",
        ),
    ];
    looks
        .into_iter()
        .filter_map(|(id, look, why)| {
            let (place, what) = rules.iter().enumerate().find_map(|(place, rule)| look(rule).map(|what| (place, what)))?;
            Some((mark(id, Risk::High, what, why), Some(place)))
        })
        .collect()
}

/// What matters about the one to whom a role goes; nothing where what it grants is harmless in such hands.
pub fn of_subject(who: Who<'_>, namespace: Option<&str>, mut is_harmless: impl FnMut(Audience) -> bool) -> Option<Mark> {
    let high = |id, what: &str, why: &str| Some(mark(id, Risk::High, what, why));
    match who.class() {
        Class::Masters => high(
            "system-masters",
            "to system:masters",
            "members of this group have every right past RBAC, and no binding takes one away",
        ),
        Class::Anonymous if !is_harmless(Audience::Anybody) => {
            high("anonymous-subject", "to those without credentials", "everybody holds it who reaches the API server")
        }
        Class::Everyone if !is_harmless(Audience::Everyone) => {
            high("everyone", "to all who have credentials", "every pod and every user of the cluster may hold it")
        }
        Class::AccountsOf(_) if !is_harmless(Audience::Everyone) => high(
            "namespace-service-accounts",
            "to all ServiceAccounts of a namespace",
            "every pod there holds it, those that name no ServiceAccount too",
        ),
        Class::Default => high(
            "default-service-account",
            "to a ServiceAccount called default",
            "every pod of its namespace holds it that names no other ServiceAccount",
        ),
        Class::Component if !is_harmless(Audience::Node) => Some(mark(
            "component-subject",
            Risk::Medium,
            "to a node or a component of the control plane",
            "they have what they need; more goes to whoever takes one of them over",
        )),
        _ => match (who, namespace) {
            (Who::ServiceAccount { namespace: own, .. }, Some(namespace))
                if own != namespace && !is_harmless(Audience::Foreign) =>
            {
                let what = format!("to a ServiceAccount of {own}");
                let why = format!("whoever may run pods in {own} comes to these rights in {namespace}");
                Some(mark("foreign-service-account", Risk::High, what, why))
            }
            _ => None,
        },
    }
}

/// The binding of a role that is not there.
pub fn of_missing(role: &str) -> Mark {
    mark(
        "missing-role",
        Risk::High,
        format!("{role}, which does not exist"),
        "grants whatever somebody writes under that name later on",
    )
}

/// The binding of a role of which nothing can be said.
pub fn of_endless() -> Mark {
    mark(
        "endless-aggregation",
        Risk::High,
        "a role that is aggregated from too many others",
        "nothing can be said of what it grants",
    )
}

/// Half a danger: the grant, or what must come to it for it to be of use.
#[derive(Clone, Copy, Debug)]
pub struct Half {
    /// Index into [`DANGERS`].
    pub danger: usize,
    /// The first rule that makes the grant.
    pub grant: Option<usize>,
    /// The first rule with what must come to it.
    pub partner: Option<usize>,
}

/// The dangers that need two grants, where a role has one of the two at least.
pub fn halves(list: &[PolicyRule<'_>], giving: Giving) -> Vec<Half> {
    let with_partner =
        || DANGERS.iter().enumerate().filter(|(_, danger)| danger.partner.is_some() && (giving.cluster || !danger.cluster));
    if list.is_empty() || with_partner().next().is_none() {
        return Vec::new();
    }
    let facts: Vec<Facts<'_>> = list.iter().map(Facts::of).collect();
    let partners = Partners::of(list);
    with_partner()
        .filter_map(|(index, danger)| {
            let grant = facts.iter().position(|facts| facts.grants(danger).is_some_and(|(reach, _)| reach != Reach::Named));
            let is_harmless = partners.of_danger(danger).is_some() && partners.make_harmless(danger);
            let partner = partners.of_danger(danger).filter(|_| !is_harmless);
            (grant.is_some() || partner.is_some()).then_some(Half { danger: index, grant, partner })
        })
        .collect()
}

/// The mark for a danger whose halves come from two bindings.
pub fn of_halves(danger: usize, grant: &str, partner: &str, place: &str) -> Option<Mark> {
    let danger: &Danger = DANGERS.get(danger)?;
    let mut name = String::new();
    danger.write_name(&mut name);
    let risk = if danger.class.is_grave() { Risk::High } else { Risk::Medium };
    let what = format!("{} on {name} by {grant}, with what {partner} grants", dangers::verb_names(danger.verbs));
    Some(mark(danger.class.id(), risk, what, format!("together they let their holder {}, {place}", danger.lets)))
}
