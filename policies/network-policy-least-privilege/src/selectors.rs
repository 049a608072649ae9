//! Peers that are pods: which namespaces they come from.

use palisade_sdk::network::{Direction, Peer};
use palisade_sdk::selector::{LabelSelector, Labels};
use palisade_sdk::{Path, Report};

use crate::rules::{DNS_ANYWHERE, EVERY_POD, LOOSE_NAMESPACE_SELECTOR};
use crate::{Allowed, Context, ports};

/// The label that the API server gives every namespace.
const NAME: &str = "kubernetes.io/metadata.name";
/// Labels of cluster DNS: whoever serves it is asked on its port alone.
const DNS_LABEL: (&str, &[&str]) = ("k8s-app", &["kube-dns", "coredns", "node-local-dns", "dns-default"]);
/// More combinations of labels than this are not tried.
const MOST: usize = 4096;

/// Judges peers one by one, and together.
pub fn judge(context: &Context<'_>, direction: Direction, rules: &[Allowed<'_>], at: &Path<'_>, report: &mut Report) {
    let mut is_flat = false;
    for rule in rules {
        let here = at.index(rule.index);
        let is_dns = direction == Direction::Egress && rule.ports.is_dns();
        for (place, peer) in rule.peers.iter().enumerate() {
            let Some(namespaces) = &peer.namespace_selector else { continue };
            let here = here.item(direction.peers_field(), place);
            let everywhere = hold_every_namespace(&[namespaces]);
            if is_dns && (is_cluster_dns(peer) || !everywhere && is_trusted(context, namespaces)) {
                continue;
            }
            if everywhere && is_every_pod(peer) {
                is_flat = true;
                if is_dns {
                    report.add(&DNS_ANYWHERE, &here, "allows DNS to every pod of the cluster, and cluster DNS is meant");
                } else {
                    report.add(&EVERY_POD, &here, message(direction, "is every pod of every namespace"));
                }
            } else if everywhere {
                let namespaces = here.field("namespaceSelector");
                report.add(
                    &LOOSE_NAMESPACE_SELECTOR,
                    &namespaces,
                    "takes pods with these labels from every namespace, also from one that an intruder may write to",
                );
            } else if !is_trusted(context, namespaces) {
                let namespaces = here.field("namespaceSelector");
                report.add(
                    &LOOSE_NAMESPACE_SELECTOR,
                    &namespaces,
                    "chooses namespaces by what whoever makes one may set, or by what they are not",
                );
            }
        }
    }
    if is_flat {
        return;
    }
    for group in ports::groups(rules) {
        let peers =
            || group.iter().flat_map(|rule| rule.peers.iter().enumerate().map(|(place, peer)| (rule.index, place, peer)));
        let whole = || peers().filter(|(_, _, peer)| is_every_pod(peer));
        let selectors: Vec<_> = whole().filter_map(|(_, _, peer)| peer.namespace_selector.as_ref()).collect();
        if let Some((rule, place, _)) = whole().find(|(_, _, peer)| peer.namespace_selector.is_some())
            && hold_every_namespace(&selectors)
        {
            let rule = at.index(rule);
            let here = rule.item(direction.peers_field(), place);
            report.add(&EVERY_POD, &here, message(direction, "is, with the other peers, every pod of every namespace"));
            return;
        }
        // Pods with a label and pods without it, of all namespaces.
        let anywhere = || {
            let is_anywhere = |namespaces: &LabelSelector<'_>| hold_every_namespace(&[namespaces]);
            peers().filter(move |(_, _, peer)| peer.namespace_selector.as_ref().is_some_and(is_anywhere))
        };
        let selectors: Vec<_> = anywhere().filter_map(|(_, _, peer)| peer.pod_selector.as_ref()).collect();
        if let Some((rule, place, _)) = anywhere().next()
            && hold_every_object(&selectors, None)
        {
            let rule = at.index(rule);
            let here = rule.item(direction.peers_field(), place);
            report.add(&EVERY_POD, &here, message(direction, "is, with the other peers, every pod of every namespace"));
            return;
        }
    }
}

fn message(direction: Direction, what: &str) -> String {
    let so = match direction {
        Direction::Ingress => ", so that any pod that is taken over can attack this one",
        Direction::Egress => ", so that an intruder goes from here to any of them",
    };
    [what, so].concat()
}

/// Whether the peer does not say which pods of its namespaces it is.
fn is_every_pod(peer: &Peer<'_>) -> bool {
    peer.ip_block.is_none() && peer.pod_selector.as_ref().is_none_or(|selector| hold_every_object(&[selector], None))
}

fn is_cluster_dns(peer: &Peer<'_>) -> bool {
    let (key, values) = DNS_LABEL;
    peer.pod_selector.as_ref().is_some_and(|pods| {
        pods.match_labels.get(key).is_some_and(|value| values.contains(&value.as_str()))
            || pods.match_expressions.iter().any(|requirement| {
                requirement.key == key
                    && requirement.operator == "In"
                    && requirement.values.iter().all(|value| values.contains(&value.as_str()))
            })
    })
}

/// Whether the namespaces are chosen by a label that only administrators set.
fn is_trusted(context: &Context<'_>, selector: &LabelSelector<'_>) -> bool {
    let trusted = |key: &str| context.settings.trusted_namespace_labels.iter().any(|label| label == key);
    selector.match_labels.iter().any(|(key, _)| trusted(key))
        || selector.match_expressions.iter().any(|requirement| requirement.operator == "In" && trusted(&requirement.key))
}

/// Whether each namespace that can be is selected by one of these.
fn hold_every_namespace(selectors: &[&LabelSelector<'_>]) -> bool {
    hold_every_object(selectors, Some(NAME))
}

/// Whether each object is selected by one of these, whatever its labels are; all have the label `always`.
///
/// Tries every combination of the values that the selectors name, one that they do not name, and none.
fn hold_every_object(selectors: &[&LabelSelector<'_>], always: Option<&str>) -> bool {
    if selectors.iter().any(|selector| selector.is_empty()) {
        return true;
    }
    let mut values: Vec<(&str, Vec<Option<&str>>)> = Vec::new();
    let mut combinations = 1_usize;
    let mentioned = selectors.iter().flat_map(|selector| {
        let labels = selector.match_labels.iter().map(|(key, value)| (key.as_str(), Some(value.as_str())));
        let expressions = selector.match_expressions.iter().flat_map(|requirement| {
            let key = requirement.key.as_str();
            std::iter::once((key, None)).chain(requirement.values.iter().map(move |value| (key, Some(value.as_str()))))
        });
        labels.chain(expressions)
    });
    for (key, value) in mentioned {
        let known = match values.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => known,
            None => {
                // No label has this value: it stands for all that are not named.
                let mut fresh = vec![Some("~")];
                if always != Some(key) {
                    fresh.push(None);
                }
                values.push((key, fresh));
                match values.last_mut() {
                    Some((_, known)) => known,
                    None => continue,
                }
            }
        };
        if value.is_some() && !known.contains(&value) {
            known.push(value);
        }
        combinations = values.iter().fold(1, |product: usize, (_, known)| product.saturating_mul(known.len()));
        if combinations > MOST {
            return false;
        }
    }
    if combinations.saturating_mul(selectors.len()) > MOST * 256 {
        return false;
    }
    (0..combinations).all(|combination| {
        let mut rest = combination;
        let mut labels = Vec::new();
        for (key, known) in &values {
            if let Some(value) = known.get(rest % known.len()).copied().flatten() {
                labels.push((*key, Some(value)));
            }
            rest /= known.len();
        }
        let labels = Labels::new(&labels);
        selectors.iter().any(|selector| selector.selects(&labels, &Path::root()).unwrap_or(false))
    })
}
