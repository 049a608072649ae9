//! Workloads: their labels, the names that they are given, the tags of their images. And ConfigMaps, which hold such names too.

use palisade_sdk::json::Read;
use palisade_sdk::views::{EnvVar, ObjectMeta};
use palisade_sdk::{Error, List, Map, Operation, Path, Raw, Report, Request, Str};

use crate::cluster::{Cluster, Object, Way};
use crate::names::{self, Evidence};
use crate::rules::{DNS_NAME_CROSSING, IMAGE_TAG_CROSSING, WORKLOAD_ENVIRONMENT};
use crate::search::Search;
use crate::settings::Side;
use crate::strings;
use crate::variables::Variables;

palisade_sdk::view! {
    /// `PodSpec`, as far as a name can stand in it.
    struct PodSpec<'a> {
        init_containers: List<Container<'a>> as "initContainers",
        containers: List<Container<'a>> as "containers",
        ephemeral_containers: List<Container<'a>> as "ephemeralContainers",
        dns_config: Option<Raw<'a>> as "dnsConfig",
        volumes: Option<Raw<'a>> as "volumes",
    }

    struct ConfigMap<'a> {
        data: Map<'a> as "data",
    }
}

/// Fields of volumes and DNS settings that hold hosts or domains, besides those whose names say so.
const HOST_FIELDS: [&str; 6] = ["host", "targetPortal", "portals", "monitors", "searches", "source"];
/// A container: a view of so many fields would be larger.
type Container<'a> = Map<'a, Raw<'a>>;

/// Annotations in which a client keeps the whole object as it was applied.
const COPIES: [&str; 2] = ["kubectl.kubernetes.io/last-applied-configuration", "kapp.k14s.io/original"];
const WHAT: &str = "names a Service of the namespace ";

/// Judges a ConfigMap.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge_config_map(request: &Request<'_>, cluster: &Cluster<'_>, report: &mut Report) -> Result<(), Error> {
    let ConfigMap { data } = request.object()?;
    let mut search = Search::new(cluster, &DNS_NAME_CROSSING, WHAT, report);
    let at = Path::new("data");
    for (key, value) in &data {
        search.text(value, evidence_of(key), &at.key(key));
    }
    search.finish()
}

/// Whether an update leaves a pod, or what a controller owns, as it was: controllers must be able to clean up.
///
/// # Errors
/// When the object cannot be read.
pub fn is_untouched(request: &Request<'_>) -> Result<bool, Error> {
    if request.operation != Operation::Update {
        return Ok(false);
    }
    let new: Object<'_> = request.object()?;
    let Some(old) = request.old_object::<Object<'_>>()? else { return Ok(false) };
    let is_controlled =
        request.kind.kind == "Pod" || new.metadata.owner_references.iter().any(|owner| owner.controller == Some(true));
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
    let Object { metadata, spec, .. } = request.object()?;
    label(&metadata, &Path::new("metadata"), cluster, report);
    if request.kind.kind != "Pod" {
        label(&template.metadata, &template.metadata_path(), cluster, report);
    }
    if request.kind.kind == "CronJob" {
        let at = Path::new("spec.jobTemplate");
        let job = read(read(spec, &at)?.job_template, &at)?;
        label(&job.metadata, &at.field("metadata"), cluster, report);
    }
    let (spec, path) = (&template.spec, template.spec_path());
    let lists = [
        ("initContainers", &spec.init_containers),
        ("containers", &spec.containers),
        ("ephemeralContainers", &spec.ephemeral_containers),
    ];
    if cluster.settings.check_image_tags {
        for (list, containers) in lists {
            for (index, container) in containers.iter().enumerate() {
                let at = path.item(list, index);
                let reference: Str<'_> = field(container, "image", &at)?;
                image(&reference, &at.field("image"), cluster, report);
            }
        }
    }
    let mut search = Search::new(cluster, &DNS_NAME_CROSSING, WHAT, report);
    for (list, containers) in lists {
        for (index, container) in containers.iter().enumerate() {
            judge_container(container, &path.item(list, index), &mut search)?;
        }
    }
    let mut none = Variables::default();
    for (name, part) in [("dnsConfig", spec.dns_config), ("volumes", spec.volumes)] {
        judge_part(part, &path.field(name), &mut none, &mut search)?;
    }
    annotations(&template.metadata.annotations, &template.metadata_path(), &mut search);
    search.finish()
}

fn read<'a>(part: Option<Raw<'a>>, at: &Path<'_>) -> Result<Object<'a>, Error> {
    let Some(part) = part else { return Ok(Object::default()) };
    part.read_at(at)
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

/// A field of a container.
fn field<'a, T: Read<'a> + Default>(container: &Container<'a>, name: &str, at: &Path<'_>) -> Result<T, Error> {
    container.get(name).map_or_else(|| Ok(T::default()), |value| value.read_at(&at.field(name)))
}

fn judge_container(container: &Container<'_>, at: &Path<'_>, search: &mut Search<'_>) -> Result<(), Error> {
    let env: List<EnvVar<'_>> = field(container, "env", at)?;
    let mut variables = Variables::default();
    for (index, variable) in env.iter().enumerate() {
        let value = variables.expand(&variable.value);
        search.text(&value, evidence_of(&variable.name), &at.item("env", index).field("value"));
        // One that is given in another way is not known.
        if !value.is_empty() {
            variables.add(&variable.name, value);
        }
    }
    for name in ["command", "args"] {
        let words: List<Str<'_>> = field(container, name, at)?;
        let mut option = "";
        for (index, word) in words.iter().enumerate() {
            search.text(&variables.expand(word), evidence_of(option), &at.item(name, index));
            option = if word.starts_with('-') { word } else { "" };
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] {
        judge_part(container.get(name).copied(), &at.field(name), &mut variables, search)?;
    }
    Ok(())
}

/// Looks through what holds hosts and commands among other things.
fn judge_part(
    part: Option<Raw<'_>>,
    at: &Path<'_>,
    variables: &mut Variables<'_>,
    search: &mut Search<'_>,
) -> Result<(), Error> {
    let Some(part) = part else { return Ok(()) };
    strings::each(part, at, &mut |string| {
        if string.key == "command" {
            search.text(&variables.expand(string.text), Evidence::None, string.at);
        } else if HOST_FIELDS.contains(&string.key) || names::takes_hosts(string.key) {
            search.text(string.text, Evidence::Host, string.at);
        }
        Ok(())
    })
}

/// Looks through annotations, save those that are copies of the object.
pub fn annotations(annotations: &Map<'_>, metadata: &Path<'_>, search: &mut Search<'_>) {
    let at = metadata.field("annotations");
    for (key, value) in annotations {
        if !COPIES.contains(&key.as_str()) {
            search.text(value, evidence_of(key), &at.key(key));
        }
    }
}

/// What the name of a value says of it.
fn evidence_of(name: &str) -> Evidence {
    if names::takes_hosts(name) { Evidence::Host } else { Evidence::None }
}

/// The words of an image's tag.
fn image(reference: &str, at: &Path<'_>, cluster: &Cluster<'_>, report: &mut Report) {
    let reference = reference.split_once('@').map_or(reference, |(name, _)| name);
    let name = reference.rsplit_once('/').map_or(reference, |(_, name)| name);
    let Some((_, tag)) = name.split_once(':') else { return };
    let mut other = None;
    let mut rest = tag;
    while !rest.is_empty() {
        let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let word = rest.get(..length).unwrap_or_default();
        rest = rest.get(length + 1..).unwrap_or_default();
        let Some(environment) = cluster.settings.meaning(word).known() else { continue };
        // An image for both is for this one.
        if environment == cluster.own.environment {
            return;
        }
        other = Some(environment);
    }
    let Some(environment) = other else { return };
    let side = Side { environment, namespace: None };
    if cluster.forbids(side, Way::In) {
        cluster.report(&IMAGE_TAG_CROSSING, at, "the tag says that the image was built for ", side, report);
    }
}
