//! Policies of Cilium (`cilium.io/v2`): `CiliumNetworkPolicy` and `CiliumClusterwideNetworkPolicy`.
//!
//! One object holds a rule in `spec`, and more of them in `specs`. A rule isolates the endpoints that it selects in each direction for
//! which it has a section that is not empty, allowing or denying, unless `enableDefaultDeny` says otherwise. Keys of labels carry a
//! source: `k8s:app`, or `any:app`, which is also what `app` alone means.

use palisade_sdk::network::Direction;
use palisade_sdk::selector::{LabelSelector, Requirement};
use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Error, List, Path, Str};

use crate::survey::{Subject, Survey};

palisade_sdk::view! {
    struct Policy<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        spec: Option<Rule<'a>> as "spec",
        specs: List<Rule<'a>> as "specs",
    }

    struct Rule<'a> {
        /// Absent in rules for nodes, which have a `nodeSelector`.
        endpoint_selector: Option<LabelSelector<'a>> as "endpointSelector",
        ingress: List<()> as "ingress",
        ingress_deny: List<()> as "ingressDeny",
        egress: List<()> as "egress",
        egress_deny: List<()> as "egressDeny",
        enable_default_deny: DefaultDeny as "enableDefaultDeny",
    }

    struct DefaultDeny {
        ingress: Option<bool> as "ingress",
        egress: Option<bool> as "egress",
    }
}

impl Rule<'_> {
    fn isolates(&self, direction: Direction) -> bool {
        let (set, allowed, denied) = match direction {
            Direction::Ingress => (self.enable_default_deny.ingress, &self.ingress, &self.ingress_deny),
            Direction::Egress => (self.enable_default_deny.egress, &self.egress, &self.egress_deny),
        };
        set.unwrap_or(!allowed.is_empty() || !denied.is_empty())
    }
}

/// How the keys of labels begin that Cilium, unless it is told otherwise, does not tell endpoints apart by: its default label filter.
const IGNORED: &[&str] = &[
    "io.kubernetes",
    "kubernetes.io",
    "k8s.io",
    "beta.kubernetes.io",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/job-completion-index",
    "pod-template-generation",
    "pod-template-hash",
    "controller-revision-hash",
    "annotation",
    "etcd_node",
];

/// Whether Cilium knows this label of a pod.
pub fn knows(key: &str) -> bool {
    !IGNORED.iter().any(|ignored| key.starts_with(ignored))
}

/// Adds what one policy does to the survey.
pub fn look(item: &str, subject: &Subject<'_>, survey: &mut Survey) -> Result<(), Error> {
    let policy: Policy<'_> = crate::survey::read(item)?;
    let rules = policy.spec.iter().map(|rule| (None, rule));
    let rules = rules.chain(policy.specs.iter().enumerate().map(|(index, rule)| (Some(index), rule)));
    let root = Path::root();
    for (index, rule) in rules {
        let Some(selector) = &rule.endpoint_selector else { continue };
        let at = match index {
            None => root.field("spec"),
            Some(index) => root.item("specs", index),
        };
        let selects = without_sources(selector).selects(&subject.cilium, &at.field("endpointSelector"))?;
        survey.add_rule(&policy.metadata.name, selects, |direction| rule.isolates(direction));
    }
    survey.count();
    Ok(())
}

/// The selector with keys as Kubernetes has them. A pod has no labels of other sources than `k8s`; those keep theirs, so that
/// they match none of its own.
fn without_sources<'s>(selector: &'s LabelSelector<'_>) -> LabelSelector<'s> {
    LabelSelector {
        match_labels: selector.match_labels.iter().map(|(key, value)| (without_source(key), value.as_str().into())).collect(),
        match_expressions: selector
            .match_expressions
            .iter()
            .map(|requirement| Requirement {
                key: without_source(&requirement.key),
                operator: requirement.operator.as_str().into(),
                values: requirement.values.iter().map(|value| value.as_str().into()).collect(),
            })
            .collect(),
    }
}

fn without_source(key: &str) -> Str<'_> {
    match key.split_once(':') {
        Some(("k8s" | "any", key)) => key.into(),
        Some((source, key)) => [source, key].join(".").into(),
        None => key.into(),
    }
}
