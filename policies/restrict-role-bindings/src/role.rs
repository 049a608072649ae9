//! The role that a binding names, with all that is aggregated into it.

use palisade_sdk::rbac::{self, PolicyRule};
use palisade_sdk::{Answer, Error, GetQuery, Host, ListQuery, Path};

const API_VERSION: &str = "rbac.authorization.k8s.io/v1";
const FIELDS: &[&str] = &["rules", "aggregationRule"];

/// A ClusterRole can be made of ClusterRoles that are themselves made of others. More different selectors than this nobody writes.
const SELECTORS: usize = 64;

/// The kind of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleKind {
    /// `Role`
    Role,
    /// `ClusterRole`
    ClusterRole,
}

impl RoleKind {
    /// As objects name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::ClusterRole => "ClusterRole",
        }
    }
}

/// What the host answered about a role and those that are aggregated into it.
pub struct Found {
    kind: RoleKind,
    role: Answer,
    aggregated: Vec<Answer>,
}

/// A role that exists.
pub struct Role<'r> {
    pub kind: RoleKind,
    /// What it grants: its own rules, and those of each ClusterRole that its aggregation selects.
    pub rules: Vec<PolicyRule<'r>>,
}

palisade_sdk::view! {
    /// What a ClusterRole is made of.
    struct Aggregated<'a> {
        aggregation_rule: Option<rbac::AggregationRule<'a>> as "aggregationRule",
    }
}

/// Looks a role up; `None` when there is none.
///
/// The controller writes the rules of an aggregated ClusterRole some time after those that it is made of, so that those are looked up
/// too: a binding must not be judged by what the role was a moment ago.
///
/// # Errors
/// When a host call fails, or the aggregation has no end.
pub fn find(kind: RoleKind, name: &str, namespace: &str, host: &dyn Host) -> Result<Option<Found>, Error> {
    // Not from the policy server's memory: the role may have been applied a second ago, in the same file.
    let query = GetQuery::new(API_VERSION, kind.name(), name).fields(FIELDS).uncached();
    let query = if kind == RoleKind::Role { query.namespace(namespace) } else { query };
    let Some(role) = host.get(&query)? else { return Ok(None) };
    let mut aggregated: Vec<Answer> = Vec::new();
    if kind == RoleKind::ClusterRole {
        let mut selectors = selectors(&role.read()?);
        while let Some(selector) = selectors.get(aggregated.len()) {
            if selectors.len() > SELECTORS {
                return Err(Error::malformed(
                    &Path::new("roleRef.name"),
                    "the ClusterRole is aggregated over more selectors than can be judged",
                ));
            }
            let query = ListQuery::new(API_VERSION, RoleKind::ClusterRole.name()).fields(FIELDS);
            let answer = host.list(&if selector.is_empty() { query } else { query.label_selector(selector) })?;
            for selected in &answer.items::<Aggregated<'_>>()? {
                for selector in self::selectors(selected) {
                    if selectors.len() <= SELECTORS && !selectors.contains(&selector) {
                        selectors.push(selector);
                    }
                }
            }
            aggregated.push(answer);
        }
    }
    Ok(Some(Found { kind, role, aggregated }))
}

/// The selectors of an aggregation, in text form. One that is not valid selects nothing: the controller cannot read it either.
fn selectors(role: &Aggregated<'_>) -> Vec<String> {
    let Some(aggregation) = &role.aggregation_rule else { return Vec::new() };
    aggregation.cluster_role_selectors.iter().filter_map(|selector| selector.to_query()).collect()
}

impl Found {
    /// What the role grants.
    ///
    /// # Errors
    /// When an answer is not as the Kubernetes API writes it.
    pub fn read(&self) -> Result<Role<'_>, Error> {
        let mut rules = self.role.read::<rbac::Role<'_>>()?.rules.to_vec();
        for answer in &self.aggregated {
            for selected in &answer.items::<rbac::Role<'_>>()? {
                rules.extend_from_slice(&selected.rules);
            }
        }
        Ok(Role { kind: self.kind, rules })
    }
}
