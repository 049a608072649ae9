//! Workloads: their labels, the names that they are given, the tags of their images. And ConfigMaps, which hold such names too.

use palisade_sdk::views::{EnvVar, ObjectMeta};
use palisade_sdk::{Error, List, Map, Operation, Path, Raw, Report, Request, Str};

use crate::cluster::{Cluster, Way};
use crate::names::{self, Evidence};
use crate::rules::{DNS_NAME_CROSSING, IMAGE_TAG_CROSSING, WORKLOAD_ENVIRONMENT};
use crate::search::Search;
use crate::settings::Side;
use crate::variables::Variables;

palisade_sdk::view! {
    /// `PodSpec`, as far as a name can stand in it.
    struct PodSpec<'a> {
        init_containers: List<Container<'a>> as "initContainers",
        containers: List<Container<'a>> as "containers",
        ephemeral_containers: List<Container<'a>> as "ephemeralContainers",
        dns_config: DnsConfig<'a> as "dnsConfig",
        volumes: List<Volume<'a>> as "volumes",
    }

    struct Container<'a> {
        image: Str<'a> as "image",
        command: List<Str<'a>> as "command",
        args: List<Str<'a>> as "args",
        env: List<EnvVar<'a>> as "env",
        liveness_probe: Handler<'a> as "livenessProbe",
        readiness_probe: Handler<'a> as "readinessProbe",
        startup_probe: Handler<'a> as "startupProbe",
        lifecycle: Lifecycle<'a> as "lifecycle",
    }

    struct Lifecycle<'a> {
        post_start: Handler<'a> as "postStart",
        pre_stop: Handler<'a> as "preStop",
    }

    struct Handler<'a> {
        exec: Exec<'a> as "exec",
        http_get: Target<'a> as "httpGet",
        tcp_socket: Target<'a> as "tcpSocket",
    }

    struct Exec<'a> {
        command: List<Str<'a>> as "command",
    }

    struct Target<'a> {
        host: Str<'a> as "host",
    }

    struct DnsConfig<'a> {
        searches: List<Str<'a>> as "searches",
    }

    struct Volume<'a> {
        nfs: Nfs<'a> as "nfs",
        iscsi: Iscsi<'a> as "iscsi",
        csi: Csi<'a> as "csi",
    }

    struct Nfs<'a> {
        server: Str<'a> as "server",
    }

    struct Iscsi<'a> {
        target_portal: Str<'a> as "targetPortal",
        portals: List<Str<'a>> as "portals",
    }

    struct Csi<'a> {
        attributes: Map<'a> as "volumeAttributes",
    }

    /// What a workload has besides its template.
    struct Object<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        spec: ObjectSpec<'a> as "spec",
    }

    struct ObjectSpec<'a> {
        job_template: JobTemplate<'a> as "jobTemplate",
    }

    struct JobTemplate<'a> {
        metadata: ObjectMeta<'a> as "metadata",
    }

    /// The parts of a pod, or of what a controller owns, that this policy judges, to compare them.
    struct Frozen<'a> {
        metadata: FrozenMeta<'a> as "metadata",
        spec: Option<Raw<'a>> as "spec",
    }

    struct FrozenMeta<'a> {
        labels: Option<Raw<'a>> as "labels",
        annotations: Option<Raw<'a>> as "annotations",
        owners: List<palisade_sdk::views::OwnerReference<'a>> as "ownerReferences",
    }

    struct ConfigMap<'a> {
        data: Map<'a> as "data",
    }
}

/// Annotations in which a client keeps the whole object as it was applied.
const COPIES: [&str; 2] = ["kubectl.kubernetes.io/last-applied-configuration", "kapp.k14s.io/original"];
const WHAT: &str = "names a Service of the namespace ";

/// Judges a ConfigMap.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge_config_map(request: &Request<'_>, cluster: &Cluster<'_>, report: &mut Report) -> Result<(), Error> {
    let ConfigMap { data } = request.object()?;
    let mut search = Search::new(cluster, &DNS_NAME_CROSSING, WHAT);
    let at = Path::new("data");
    for (key, value) in &data {
        search.text(value, evidence_of(key), &at.key(key), report)?;
    }
    Ok(())
}

/// Whether an update leaves a pod, or what a controller owns, as it was: controllers must be able to clean up.
///
/// # Errors
/// When the object cannot be read.
pub fn is_untouched(request: &Request<'_>) -> Result<bool, Error> {
    if request.operation != Operation::Update {
        return Ok(false);
    }
    let new: Frozen<'_> = request.object()?;
    let Some(old) = request.old_object::<Frozen<'_>>()? else { return Ok(false) };
    let is_controlled = request.kind.kind == "Pod" || new.metadata.owners.iter().any(|owner| owner.controller == Some(true));
    Ok(is_controlled
        && new.spec == old.spec
        && new.metadata.labels == old.metadata.labels
        && new.metadata.annotations == old.metadata.annotations)
}

/// Judges a workload.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge(request: &Request<'_>, cluster: &Cluster<'_>, report: &mut Report) -> Result<(), Error> {
    let Some(template) = request.pod_template::<PodSpec<'_>>()? else { return Ok(()) };
    let Object { metadata, spec: object_spec } = request.object()?;
    label(&metadata, &Path::new("metadata"), cluster, report);
    if request.kind.kind != "Pod" {
        label(&object_spec.job_template.metadata, &Path::new("spec.jobTemplate.metadata"), cluster, report);
        label(&template.metadata, &template.metadata_path(), cluster, report);
    }
    let mut search = Search::new(cluster, &DNS_NAME_CROSSING, WHAT);
    let (spec, path) = (&template.spec, template.spec_path());
    let lists = [
        ("initContainers", &spec.init_containers),
        ("containers", &spec.containers),
        ("ephemeralContainers", &spec.ephemeral_containers),
    ];
    for (list, containers) in lists {
        for (index, container) in containers.iter().enumerate() {
            let at = path.item(list, index);
            if cluster.settings.check_image_tags {
                image(&container.image, &at.field("image"), cluster, report);
            }
            judge_container(container, &at, &mut search, report)?;
        }
    }
    for (index, domain) in spec.dns_config.searches.iter().enumerate() {
        search.text(domain, Evidence::None, &path.item("dnsConfig.searches", index), report)?;
    }
    for (index, volume) in spec.volumes.iter().enumerate() {
        judge_volume(volume, &path.item("volumes", index), &mut search, report)?;
    }
    annotations(&template.metadata.annotations, &template.metadata_path(), Evidence::None, &mut search, report)
}

/// The environment label of a workload, or of its template.
fn label(metadata: &ObjectMeta<'_>, at: &Path<'_>, cluster: &Cluster<'_>, report: &mut Report) {
    for key in &cluster.settings.environment_labels {
        let Some(value) = metadata.labels.get(key) else { continue };
        let own = cluster.own.environment;
        if cluster.settings.meaning(value).name() != own {
            let found = if value.is_empty() { "nothing" } else { value.as_str() };
            let message = ["says that it is of ", found, ", and its namespace is of ", own].concat();
            report.add(&WORKLOAD_ENVIRONMENT, &at.field("labels").key(key), message);
        }
    }
}

fn judge_container(
    container: &Container<'_>,
    at: &Path<'_>,
    search: &mut Search<'_>,
    report: &mut Report,
) -> Result<(), Error> {
    let mut variables = Variables::default();
    for (index, variable) in container.env.iter().enumerate() {
        let value = variables.expand(&variable.value);
        search.text(&value, evidence_of(&variable.name), &at.item("env", index).field("value"), report)?;
        variables.add(&variable.name, value);
    }
    // The arguments go on where the command ends.
    let command = container.command.iter().map(|word| ("command", word));
    let words = command.chain(container.args.iter().map(|word| ("args", word)));
    let mut option = "";
    for (index, (list, word)) in words.enumerate() {
        let place = if list == "args" { index - container.command.len() } else { index };
        search.text(&variables.expand(word), evidence_of(option), &at.item(list, place), report)?;
        option = if word.starts_with('-') { word } else { "" };
    }
    for (name, handler) in [
        ("livenessProbe", &container.liveness_probe),
        ("readinessProbe", &container.readiness_probe),
        ("startupProbe", &container.startup_probe),
        ("lifecycle.postStart", &container.lifecycle.post_start),
        ("lifecycle.preStop", &container.lifecycle.pre_stop),
    ] {
        let at = at.field(name);
        for (index, word) in handler.exec.command.iter().enumerate() {
            search.text(&variables.expand(word), Evidence::None, &at.item("exec.command", index), report)?;
        }
        search.text(&handler.http_get.host, Evidence::Host, &at.field("httpGet.host"), report)?;
        search.text(&handler.tcp_socket.host, Evidence::Service, &at.field("tcpSocket.host"), report)?;
    }
    Ok(())
}

fn judge_volume(volume: &Volume<'_>, at: &Path<'_>, search: &mut Search<'_>, report: &mut Report) -> Result<(), Error> {
    search.text(&volume.nfs.server, Evidence::Service, &at.field("nfs.server"), report)?;
    search.text(&volume.iscsi.target_portal, Evidence::Service, &at.field("iscsi.targetPortal"), report)?;
    for (index, portal) in volume.iscsi.portals.iter().enumerate() {
        search.text(portal, Evidence::Service, &at.item("iscsi.portals", index), report)?;
    }
    let attributes = at.field("csi.volumeAttributes");
    for (key, value) in &volume.csi.attributes {
        search.text(value, evidence_of(key), &attributes.key(key), report)?;
    }
    Ok(())
}

/// Looks through annotations, save those that are copies of the object.
///
/// # Errors
/// When the host does not answer.
pub fn annotations(
    annotations: &Map<'_>,
    metadata: &Path<'_>,
    evidence: Evidence,
    search: &mut Search<'_>,
    report: &mut Report,
) -> Result<(), Error> {
    let at = metadata.field("annotations");
    for (key, value) in annotations {
        if !COPIES.contains(&key.as_str()) {
            search.text(value, evidence.max(evidence_of(key)), &at.key(key), report)?;
        }
    }
    Ok(())
}

/// What the name of a value says of it.
fn evidence_of(name: &str) -> Evidence {
    if names::takes_hosts(name) { Evidence::Host } else { Evidence::None }
}

/// The words of an image's tag.
fn image(reference: &str, at: &Path<'_>, cluster: &Cluster<'_>, report: &mut Report) {
    let reference = reference.split('@').next().unwrap_or_default();
    let name = reference.rsplit('/').next().unwrap_or_default();
    let Some((_, tag)) = name.split_once(':') else { return };
    let mut other = None;
    for word in tag.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        match cluster.settings.meaning(word).known() {
            // An image for both is for this one.
            Some(environment) if environment == cluster.own.environment => return,
            Some(environment) => other = Some(environment),
            None => {}
        }
    }
    let Some(environment) = other else { return };
    let side = Side { environment, namespace: None };
    if cluster.forbids(side, Way::In) {
        cluster.report(&IMAGE_TAG_CROSSING, at, "the tag says that the image was built for ", side, report);
    }
}
