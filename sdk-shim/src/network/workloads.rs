//! The pods of a namespace, running or still to come, with their labels and ports.

use crate::selector::{LabelSelector, Labels};
use crate::views::ObjectMeta;
use crate::{Error, Host, List, ListQuery, Path, Str};

/// Kinds that make pods, the pods themselves first: version and kind. A policy that asks for them lists them in
/// `contextAwareResources`.
pub const WORKLOAD_KINDS: [(&str, &str); 8] = [
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

crate::view! {
    /// A pod, or the template of a workload.
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

    /// `ports[]` of a container.
    pub struct ContainerPort<'a> {
        /// The name, by which Services and NetworkPolicies may call it.
        pub name: Str<'a> as "name",
        /// `TCP`, `UDP` or `SCTP`; empty is `TCP`.
        pub protocol: Str<'a> as "protocol",
        /// The number.
        pub container_port: Option<u32> as "containerPort",
    }
}

/// A pod, or the pods that a workload makes.
#[derive(Debug)]
pub struct Listed<'w, 'a> {
    template: bool,
    metadata: &'w ObjectMeta<'a>,
    lists: [&'w List<Container<'a>>; 2],
}

impl<'w, 'a> Listed<'w, 'a> {
    fn of(workload: &'w Workload<'a>) -> Self {
        let spec = &workload.spec;
        let template = spec.template.as_ref().or_else(|| spec.job_template.as_ref().and_then(|job| job.spec.template.as_ref()));
        match template {
            Some(Template { metadata, spec }) => {
                Self { template: true, metadata, lists: [&spec.init_containers, &spec.containers] }
            }
            None => Self { template: false, metadata: &workload.metadata, lists: [&spec.init_containers, &spec.containers] },
        }
    }

    /// The labels: of a workload, those of its template. Controllers add others, see [`Self::may_be_selected_by`].
    pub const fn metadata(&self) -> &'w ObjectMeta<'a> {
        self.metadata
    }

    /// Whether the selector selects the pod, or may select the pods of the workload once controllers have added their labels.
    ///
    /// # Errors
    /// When the selector is not valid.
    pub fn may_be_selected_by(&self, selector: &LabelSelector<'_>, at: &Path<'_>) -> Result<bool, Error> {
        let unmet = selector.unmet(&Labels::of(&self.metadata.labels), at)?;
        Ok(unmet.iter().all(|key| self.template && ADDED.contains(key)))
    }

    /// The ports of its containers.
    pub fn ports(&self) -> impl Iterator<Item = &'w ContainerPort<'a>> + use<'w, 'a> {
        self.lists.into_iter().flatten().flat_map(|container| container.ports.iter())
    }
}

/// Shows each pod and workload of a namespace, until `look` says that it has seen enough.
///
/// # Errors
/// When the host does not answer, and those of `look`.
pub fn each_workload(
    host: &dyn Host,
    namespace: &str,
    look: &mut dyn FnMut(&Listed<'_, '_>) -> Result<bool, Error>,
) -> Result<(), Error> {
    for (api_version, kind) in WORKLOAD_KINDS {
        let answer = host.list(&ListQuery::new(api_version, kind).namespace(namespace).fields(FIELDS))?;
        for workload in &answer.items::<Workload<'_>>()? {
            if look(&Listed::of(workload))? {
                return Ok(());
            }
        }
    }
    Ok(())
}
