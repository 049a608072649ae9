//! The pods that the policy selects: whether there are any, and what their ports are called.

use palisade_sdk::network::{Listed, each_workload};
use palisade_sdk::selector::{LabelSelector, Labels};
use palisade_sdk::{Error, Host, ListQuery, Map, Path, Report};

use crate::Allowed;
use crate::rules::{SELECTS_NO_POD, UNKNOWN_PORT_NAME};

palisade_sdk::view! {
    struct Service<'a> {
        spec: ServiceSpec<'a> as "spec",
    }

    struct ServiceSpec<'a> {
        selector: Map<'a> as "selector",
    }
}

/// What is known of the selected pods.
#[derive(Default)]
struct Selected {
    /// Whether there is any pod or workload.
    is_inhabited: bool,
    /// Whether some of them are selected.
    some: bool,
    /// Whether some of them have one of the labels that are an operator's.
    has_operator_label: bool,
    /// For each name that the policy gives a port, whether a container has it.
    known: Vec<bool>,
}

/// Judges what the policy selects, where there is something in the namespace to be selected.
///
/// # Errors
/// When the host does not answer, or the selector is not valid.
pub fn judge(
    host: &dyn Host,
    namespace: &str,
    selector: &LabelSelector<'_>,
    ingress: &[Allowed<'_>],
    report: &mut Report,
) -> Result<(), Error> {
    let names: Vec<_> = ingress
        .iter()
        .flat_map(|rule| rule.ports.names().map(move |(protocol, name, place)| (rule.index, protocol, name, place)))
        .collect();
    let off = report.severity_of(&SELECTS_NO_POD).is_none() && report.severity_of(&UNKNOWN_PORT_NAME).is_none();
    // Where every pod is selected there is one as soon as there are any.
    if off || selector.is_empty() && names.is_empty() {
        return Ok(());
    }
    let mut selected = Selected { known: vec![false; names.len()], ..Selected::default() };
    each_workload(host, namespace, &mut |workload| {
        look(workload, selector, &names, &mut selected)?;
        Ok(selected.some && selected.known.iter().all(|known| *known))
    })?;
    if !selected.is_inhabited {
        return Ok(());
    }
    if !selected.some {
        // Pods that an operator makes of its own resources are not here yet: neither their labels, where those are the operator's own.
        if !selected.has_operator_label && operator_labels(selector).next().is_some() {
            return Ok(());
        }
        // A Service that waits for them is here.
        let answer = host.list(&ListQuery::new("v1", "Service").namespace(namespace).fields(&["spec.selector"]))?;
        for service in &answer.items::<Service<'_>>()? {
            let labels = &service.spec.selector;
            if !labels.is_empty() && selector.selects(&Labels::of(labels), &Path::new("spec.podSelector"))? {
                return Ok(());
            }
        }
        let message = "selects none of the pods of the namespace, nor of those that its workloads make, so that they stay open";
        report.add(&SELECTS_NO_POD, &Path::new("spec.podSelector"), message);
        return Ok(());
    }
    for ((rule, protocol, name, place), known) in names.iter().zip(&selected.known) {
        if !known {
            let spec = Path::new("spec");
            let rule = spec.item("ingress", *rule);
            let port = rule.item("ports", *place);
            let name = name.get(..name.len().min(63)).unwrap_or_default();
            let message = ["no container of the selected pods has a ", protocol, " port with the name ", name].concat();
            report.add(&UNKNOWN_PORT_NAME, &port.field("port"), message);
        }
    }
    Ok(())
}

/// The labels asked for that have a domain in front which is not of Kubernetes: an operator gives them to the pods that it makes
/// (`cnpg.io/cluster`, `acme.cert-manager.io/http01-solver`).
fn operator_labels<'s>(selector: &'s LabelSelector<'_>) -> impl Iterator<Item = &'s str> {
    let wanted =
        selector.match_expressions.iter().filter(|requirement| matches!(requirement.operator.as_str(), "In" | "Exists"));
    let keys =
        selector.match_labels.iter().map(|(key, _)| key.as_str()).chain(wanted.map(|requirement| requirement.key.as_str()));
    keys.filter(|key| {
        key.split_once('/').is_some_and(|(domain, _)| {
            !["kubernetes.io", "k8s.io"]
                .iter()
                .any(|own| domain.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
        })
    })
}

fn look(
    workload: &Listed<'_, '_>,
    selector: &LabelSelector<'_>,
    names: &[(usize, &'static str, &str, usize)],
    selected: &mut Selected,
) -> Result<(), Error> {
    selected.is_inhabited = true;
    selected.has_operator_label |= operator_labels(selector).any(|key| workload.metadata().labels.get(key).is_some());
    if !workload.may_be_selected_by(selector, &Path::new("spec.podSelector"))? {
        return Ok(());
    }
    selected.some = true;
    for port in workload.ports() {
        let protocol = if port.protocol.is_empty() { "TCP" } else { &port.protocol };
        for ((_, wanted, name, _), known) in names.iter().zip(&mut selected.known) {
            *known |= protocol == *wanted && port.name == *name;
        }
    }
    Ok(())
}
