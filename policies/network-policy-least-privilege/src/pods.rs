//! The pods that the policy selects: whether there are any, and what their ports are called.

use palisade_sdk::selector::{LabelSelector, Labels};
use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Error, Host, List, ListQuery, Map, Path, Report, Str};

use crate::Allowed;
use crate::rules::{SELECTS_NO_POD, UNKNOWN_PORT_NAME};

/// Kinds that make pods, the pods themselves first.
const KINDS: [(&str, &str); 8] = [
    ("v1", "Pod"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "CronJob"),
    ("batch/v1", "Job"),
    ("apps/v1", "ReplicaSet"),
    ("v1", "ReplicationController"),
];
/// Where each of them has its labels and its ports.
const FIELDS: &[&str] = &[
    "metadata.labels",
    "spec.containers.ports",
    "spec.initContainers.ports",
    "spec.template.metadata.labels",
    "spec.template.spec.containers.ports",
    "spec.template.spec.initContainers.ports",
    "spec.jobTemplate.spec.template.metadata.labels",
    "spec.jobTemplate.spec.template.spec.containers.ports",
    "spec.jobTemplate.spec.template.spec.initContainers.ports",
];
/// Labels that controllers and the API server add to pods, and no template has.
const ADDED: [&str; 10] = [
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "pod-template-generation",
    "pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
];

palisade_sdk::view! {
    struct Workload<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        spec: Spec<'a> as "spec",
    }

    /// Of any of the kinds.
    struct Spec<'a> {
        containers: List<Container<'a>> as "containers",
        init_containers: List<Container<'a>> as "initContainers",
        template: Option<Template<'a>> as "template",
        job_template: Option<JobTemplate<'a>> as "jobTemplate",
    }

    struct JobTemplate<'a> {
        spec: JobSpec<'a> as "spec",
    }

    struct JobSpec<'a> {
        template: Option<Template<'a>> as "template",
    }

    struct Template<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        spec: PodSpec<'a> as "spec",
    }

    struct PodSpec<'a> {
        containers: List<Container<'a>> as "containers",
        init_containers: List<Container<'a>> as "initContainers",
    }

    struct Container<'a> {
        ports: List<ContainerPort<'a>> as "ports",
    }

    struct ContainerPort<'a> {
        name: Str<'a> as "name",
        protocol: Str<'a> as "protocol",
    }

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
    for (api_version, kind) in KINDS {
        if selected.some && selected.known.iter().all(|known| *known) {
            return Ok(());
        }
        let answer = host.list(&ListQuery::new(api_version, kind).namespace(namespace).fields(FIELDS))?;
        for workload in &answer.items::<Workload<'_>>()? {
            look(workload, selector, &names, &mut selected)?;
        }
    }
    if !selected.is_inhabited {
        return Ok(());
    }
    if !selected.some {
        // Pods that an operator makes of its own resources are not here yet; a Service that waits for them is.
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

fn look(
    workload: &Workload<'_>,
    selector: &LabelSelector<'_>,
    names: &[(usize, &'static str, &str, usize)],
    selected: &mut Selected,
) -> Result<(), Error> {
    let spec = &workload.spec;
    let template = spec.template.as_ref().or_else(|| spec.job_template.as_ref().and_then(|job| job.spec.template.as_ref()));
    let (metadata, lists) = match template {
        Some(template) => (&template.metadata, [&template.spec.init_containers, &template.spec.containers]),
        None => (&workload.metadata, [&spec.init_containers, &spec.containers]),
    };
    selected.is_inhabited = true;
    let unmet = selector.unmet(&Labels::of(&metadata.labels), &Path::new("spec.podSelector"))?;
    if !unmet.iter().all(|key| template.is_some() && ADDED.contains(key)) {
        return Ok(());
    }
    selected.some = true;
    for port in lists.into_iter().flatten().flat_map(|container| container.ports.iter()) {
        let protocol = if port.protocol.is_empty() { "TCP" } else { &port.protocol };
        for ((_, wanted, name, _), known) in names.iter().zip(&mut selected.known) {
            *known |= protocol == *wanted && port.name == *name;
        }
    }
    Ok(())
}
