//! One ClusterAdmissionPolicyGroup for each category, in place of a ClusterAdmissionPolicy for each policy.

use std::collections::BTreeMap;

use super::resources::{GroupSpec, MatchPolicy, Member, NamespaceSelector, ObjectMeta, Resource, Rule, Settings, WithSpec};
use super::{API_VERSION, CATEGORY, DESCRIPTION, Object, Plan, Planned, SEVERITY, TIMEOUT_SECONDS, TITLE, VERSION};
use super::{annotation, labels, rules};

/// How long policy-server lets a member work, in seconds, unless it is told otherwise. The members of a group work one after the other.
const EVALUATION_SECONDS: u32 = 2;
/// The longest that an API server waits for a webhook.
const LONGEST_TIMEOUT: u32 = 30;
/// Severities, the gravest first.
const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];

impl Plan {
    /// The objects, with a group for each category that has more than one policy. A policy with which the others of its category do not agree
    /// on namespaces and on what happens while policy-server does not answer stays by itself, as a group has these once for all.
    pub fn grouped_objects(&self) -> Vec<Object> {
        let mut objects = self.rights();
        let mut groups: BTreeMap<&str, Vec<&Planned>> = BTreeMap::new();
        for policy in &self.policies {
            groups.entry(annotation(&policy.metadata, CATEGORY)).or_default().push(policy);
        }
        let mut made = Vec::new();
        for (category, policies) in groups {
            let (members, others) = alike(&policies);
            if members.len() > 1 {
                made.push(self.group(category, &members));
            } else {
                objects.extend(members.into_iter().map(|policy| self.policy(policy)));
            }
            objects.extend(others.into_iter().map(|policy| self.policy(policy)));
        }
        objects.extend(made);
        objects
    }

    fn group(&self, category: &str, members: &[&Planned]) -> Object {
        let name = format!("palisade-{}", category.to_lowercase());
        let severities = || members.iter().map(|member| annotation(&member.metadata, SEVERITY));
        let severity = SEVERITIES.into_iter().find(|known| severities().any(|severity| severity == *known));
        let names: Vec<&str> = members.iter().map(|member| member.name).collect();
        let first = members.first();
        let member = |planned: &&Planned| {
            let member = Member {
                module: planned.module.clone(),
                settings: Settings(planned.settings.clone()),
                context_aware_resources: planned.lookups.clone(),
            };
            (identifier(planned.name), member)
        };
        let seconds = EVALUATION_SECONDS * u32::try_from(members.len()).unwrap_or(LONGEST_TIMEOUT);
        let mut conditions = Vec::new();
        for condition in members.iter().flat_map(|member| &member.match_conditions) {
            if !conditions.contains(condition) {
                conditions.push(condition.clone());
            }
        }
        Object::Group(Box::new(Resource {
            api_version: API_VERSION,
            kind: "ClusterAdmissionPolicyGroup",
            metadata: ObjectMeta {
                labels: labels(&name, "policy-group", first.map_or("", |member| annotation(&member.metadata, VERSION))),
                annotations: BTreeMap::from([
                    (TITLE, format!("Palisade: {category}")),
                    (DESCRIPTION, format!("Holds {}", names.join(", "))),
                    (CATEGORY, category.to_owned()),
                    (SEVERITY, severity.unwrap_or("medium").to_owned()),
                ]),
                name,
            },
            content: WithSpec {
                spec: GroupSpec {
                    policy_server: self.policy_server.clone(),
                    mode: self.mode,
                    rules: union(members),
                    background_audit: members.iter().all(|member| member.metadata.background_audit),
                    failure_policy: first.map_or(super::FailurePolicy::Fail, |member| member.failure_policy),
                    match_policy: MatchPolicy::Equivalent,
                    match_conditions: conditions,
                    namespace_selector: first.and_then(|member| NamespaceSelector::without(&member.excluded_namespaces)),
                    timeout_seconds: seconds.clamp(TIMEOUT_SECONDS, LONGEST_TIMEOUT),
                    policies: members.iter().map(member).collect(),
                    expression: names.iter().map(|name| format!("{}()", identifier(name))).collect::<Vec<_>>().join(" && "),
                    message: format!(
                        "rejected by Palisade's policies for {category}: kubectl -v4 shows what each of them finds; \
                         palisade scan shows it with line and remedy"
                    ),
                },
            },
        }))
    }
}

/// The most that agree on what a group has once, and the others.
fn alike<'p>(policies: &[&'p Planned]) -> (Vec<&'p Planned>, Vec<&'p Planned>) {
    let agrees = |one: &Planned, other: &Planned| {
        one.excluded_namespaces == other.excluded_namespaces
            && one.failure_policy == other.failure_policy
            && one.metadata.mutating == other.metadata.mutating
    };
    let number = |one: &Planned| policies.iter().filter(|other| agrees(one, other)).count();
    // Of equally many those of the first policy, so that the same plan is always grouped alike.
    let most = policies.iter().rev().max_by_key(|policy| number(policy));
    policies.iter().copied().partition(|policy| most.is_some_and(|most| agrees(most, policy) && !policy.metadata.mutating))
}

/// A policy's name as CEL takes it for a function.
pub(super) fn identifier(name: &str) -> String {
    name.replace('-', "_")
}

/// What any of the members is asked about; resources that only differ in their names are taken together.
fn union(members: &[&Planned]) -> Vec<Rule> {
    let mut all: Vec<Rule> = Vec::new();
    for rule in members.iter().flat_map(|member| rules(&member.metadata)) {
        let same = all.iter_mut().find(|known| {
            known.api_groups == rule.api_groups
                && known.api_versions == rule.api_versions
                && known.operations == rule.operations
        });
        match same {
            Some(known) => {
                let new = rule.resources.into_iter().filter(|resource| !known.resources.contains(resource));
                let new: Vec<String> = new.collect();
                known.resources.extend(new);
            }
            None => all.push(rule),
        }
    }
    all
}
