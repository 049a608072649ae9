//! NetworkPolicies: the namespaces that their peers select.

use palisade_sdk::network::{Direction, NetworkPolicy};
use palisade_sdk::selector::{LabelSelector, Labels};
use palisade_sdk::{Error, Path, Report, Request};

use crate::cluster::{Cluster, Way};
use crate::rules::NETWORK_POLICY_CROSSING;
use crate::settings::Side;

/// The label that the API server gives every namespace.
const NAME: &str = "kubernetes.io/metadata.name";
/// How often a selector is held against a namespace, for one policy.
const MOST_LOOKS: usize = 500_000;

/// A namespace of another environment.
struct Candidate<'c> {
    side: Side<'c>,
    labels: Labels<'c>,
}

/// Judges a NetworkPolicy. Peers without a `namespaceSelector` are pods of the policy's own namespace, or addresses.
///
/// # Errors
/// When it cannot be read.
pub fn judge(request: &Request<'_>, cluster: &Cluster<'_>, report: &mut Report) -> Result<(), Error> {
    let policy: NetworkPolicy<'_> = request.object()?;
    let candidates: Vec<Candidate<'_>> =
        cluster.namespaces.iter().filter_map(|object| candidate(cluster, object.metadata.name.as_str())).collect();
    let mut looks = 0_usize;
    let spec = Path::new("spec");
    for direction in Direction::ALL {
        if !policy.spec.applies_to(direction) {
            continue;
        }
        for (index, rule) in policy.spec.rules(direction).iter().enumerate() {
            let at = spec.item(direction.name(), index);
            for (place, peer) in rule.read_peers(direction, &at)?.iter().enumerate() {
                let Some(selector) = &peer.namespace_selector else { continue };
                let at = at.item(direction.peers_field(), place);
                let at = at.field("namespaceSelector");
                let selected = select(cluster, selector, &candidates, &mut looks, &at)?;
                add(cluster, direction, &selected, &at, report);
            }
        }
    }
    Ok(())
}

fn candidate<'c>(cluster: &Cluster<'c>, name: &'c str) -> Option<Candidate<'c>> {
    let side = cluster.other_side(name)?;
    let (_, object) = cluster.find(name)?;
    let mut labels: Vec<_> = object.metadata.labels.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect();
    labels.push((NAME, Some(name)));
    Some(Candidate { side, labels: Labels::new(&labels) })
}

/// What the selector selects of other environments: namespaces that are there, and environments that it names.
fn select<'s, 'c: 's>(
    cluster: &Cluster<'c>,
    selector: &'s LabelSelector<'_>,
    candidates: &[Candidate<'c>],
    looks: &mut usize,
    at: &Path<'_>,
) -> Result<Vec<Side<'s>>, Error> {
    selector.selects(&Labels::new(&[]), at)?;
    let mut selected = Vec::new();
    let mut is_there = false;
    for name in pinned(selector, NAME) {
        let selects = match cluster.find(name) {
            Some((_, object)) => {
                is_there = true;
                match candidate(cluster, &object.metadata.name) {
                    Some(candidate) => selector.selects(&candidate.labels, at)?,
                    None => false,
                }
            }
            None => true,
        };
        selected.extend(cluster.other_side(name).filter(|_| selects));
    }
    if is_there || !selected.is_empty() {
        return Ok(selected);
    }
    *looks += candidates.len();
    if *looks > MOST_LOOKS {
        return Err(Error::malformed(at, "expected fewer peers, or such that name their namespaces"));
    }
    for candidate in candidates {
        if selector.selects(&candidate.labels, at)? {
            selected.push(candidate.side);
        }
    }
    for key in &cluster.settings.environment_labels {
        for value in pinned(selector, key) {
            let environment = cluster.settings.meaning(value).known();
            if let Some(environment) = environment.filter(|environment| *environment != cluster.own.environment) {
                selected.push(Side { environment, namespace: None });
            }
        }
    }
    Ok(selected)
}

/// The values that the selector demands of a label.
fn pinned<'s>(selector: &'s LabelSelector<'_>, key: &str) -> Vec<&'s str> {
    if let Some(value) = selector.match_labels.get(key) {
        return vec![value.as_str()];
    }
    let demands = selector.match_expressions.iter().find(|requirement| requirement.key == *key && requirement.operator == "In");
    demands.map(|requirement| requirement.values.iter().map(|value| value.as_str()).collect()).unwrap_or_default()
}

/// One finding for each other environment; the first namespace of it stands for all.
fn add(cluster: &Cluster<'_>, direction: Direction, selected: &[Side<'_>], at: &Path<'_>, report: &mut Report) {
    let way = match direction {
        Direction::Ingress => Way::In,
        Direction::Egress => Way::Out,
    };
    let mut seen: Vec<&str> = Vec::new();
    for side in selected {
        if seen.contains(&side.environment) || !cluster.forbids(*side, way) {
            continue;
        }
        seen.push(side.environment);
        let what = match (direction, side.namespace) {
            (Direction::Ingress, Some(_)) => "lets in pods of the namespace ",
            (Direction::Egress, Some(_)) => "lets pods reach the namespace ",
            (Direction::Ingress, None) => "lets in pods of namespaces of ",
            (Direction::Egress, None) => "lets pods reach namespaces of ",
        };
        cluster.report(&NETWORK_POLICY_CROSSING, at, what, *side, report);
    }
}
