//! Policies of cluster administrators (`policy.networking.k8s.io/v1alpha1`): `AdminNetworkPolicy` and
//! `BaselineAdminNetworkPolicy`.
//!
//! Unlike a NetworkPolicy these isolate nothing by selecting it: each rule allows, denies or passes on the traffic that it names, and
//! what no rule names stays open. So one counts for a direction only when it denies, on every port, all that its rules can name: the
//! pods of all namespaces for ingress, every IPv4 address for egress.

use palisade_sdk::network::Direction;
use palisade_sdk::selector::LabelSelector;
use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Error, List, Path, Str};

use crate::survey::{Subject, Survey};

palisade_sdk::view! {
    struct Policy<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        spec: Spec<'a> as "spec",
    }

    struct Spec<'a> {
        subject: Pods<'a> as "subject",
        ingress: List<Rule<'a>> as "ingress",
        egress: List<Rule<'a>> as "egress",
    }

    /// Pods, by one of the fields: all of some namespaces, or some of them. Also the networks that a rule for egress can name.
    struct Pods<'a> {
        namespaces: Option<LabelSelector<'a>> as "namespaces",
        pods: Option<NamespacedPods<'a>> as "pods",
        networks: List<Str<'a>> as "networks",
    }

    struct NamespacedPods<'a> {
        namespace_selector: LabelSelector<'a> as "namespaceSelector",
        pod_selector: LabelSelector<'a> as "podSelector",
    }

    struct Rule<'a> {
        action: Str<'a> as "action",
        peers: List<Pods<'a>> as "from" | "to",
        /// Absent is all ports.
        ports: List<()> as "ports",
    }
}

impl Pods<'_> {
    fn select(&self, subject: &Subject<'_>, at: &Path<'_>) -> Result<bool, Error> {
        if let Some(namespaces) = &self.namespaces {
            return namespaces.selects(&subject.namespace, &at.field("namespaces"));
        }
        let Some(pods) = &self.pods else { return Ok(false) };
        let at = at.field("pods");
        let namespace = pods.namespace_selector.selects(&subject.namespace, &at.field("namespaceSelector"))?;
        Ok(pods.pod_selector.selects(&subject.pod, &at.field("podSelector"))? && namespace)
    }

    fn are_everyone(&self, direction: Direction) -> bool {
        match direction {
            Direction::Ingress => {
                let all_pods = |pods: &NamespacedPods<'_>| pods.namespace_selector.is_empty() && pods.pod_selector.is_empty();
                self.namespaces.as_ref().is_some_and(LabelSelector::is_empty) || self.pods.as_ref().is_some_and(all_pods)
            }
            Direction::Egress => self.networks.iter().any(|network| network == "0.0.0.0/0"),
        }
    }
}

/// Adds what one policy does to the survey.
pub fn look(item: &str, subject: &Subject<'_>, survey: &mut Survey) -> Result<(), Error> {
    let Policy { metadata, spec } = crate::survey::read(item)?;
    let selects = spec.subject.select(subject, &Path::new("spec.subject"))?;
    survey.add(&metadata.name, selects, |direction| {
        let rules = match direction {
            Direction::Ingress => &spec.ingress,
            Direction::Egress => &spec.egress,
        };
        let denies_all = |rule: &Rule<'_>| {
            rule.action == "Deny" && rule.ports.is_empty() && rule.peers.iter().any(|peer| peer.are_everyone(direction))
        };
        rules.iter().any(denies_all)
    });
    Ok(())
}
