//! kubeadm's configuration: as a file of its own, inside of Cluster API's objects, and as kubeadm keeps it in the cluster.

use std::rc::Rc;

use super::{ApiServer, Flag, Form, InlineFile, Mount, outline};
use crate::json::{JsonError, List, Map, Read, Reader, Str};
use crate::views::ObjectMeta;
use crate::{Error, Path, Request};

/// What kubeadm mounts into the API server by itself, beside its directory of certificates.
const MOUNTED: [&str; 5] =
    ["/etc/ssl/certs", "/etc/ca-certificates", "/etc/pki", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"];

/// Where kubeadm keeps certificates unless it is told otherwise.
const CERTIFICATES: &str = "/etc/kubernetes/pki";

crate::view! {
    /// `ClusterConfiguration` (`kubeadm.k8s.io`)
    struct ClusterConfiguration<'a> {
        certificates_dir: Str<'a> as "certificatesDir",
        api_server: ApiServerSection<'a> as "apiServer",
    }

    struct ApiServerSection<'a> {
        extra_args: ExtraArgs<'a> as "extraArgs",
        extra_volumes: List<HostPathMount<'a>> as "extraVolumes",
    }

    struct HostPathMount<'a> {
        mount_path: Str<'a> as "mountPath",
    }

    /// `File` (`bootstrap.cluster.x-k8s.io`)
    struct File<'a> {
        path: Str<'a> as "path",
        content: Str<'a> as "content",
    }

    /// `ConfigMap` (`v1`)
    struct ConfigMap<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        data: Map<'a> as "data",
    }

    struct Argument<'a> {
        name: Str<'a> as "name",
        value: Str<'a> as "value",
    }
}

/// A map, or a list of names and values.
#[derive(Clone, Debug, Default)]
struct ExtraArgs<'a> {
    map: Map<'a>,
    list: List<Argument<'a>>,
}

impl<'a> Read<'a> for ExtraArgs<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        if reader.clone().enter_list().is_ok() {
            return Ok(Self { list: List::read(reader)?, ..Self::default() });
        }
        Ok(Self { map: Map::read(reader)?, ..Self::default() })
    }
}

pub fn find(request: &Request<'_>) -> Result<Option<ApiServer>, Error> {
    let version = request.kind.version.as_str();
    let form = |first_with_lists: &str| if version >= first_with_lists { Form::ArgumentList } else { Form::ArgumentMap };
    match (request.kind.group.as_str(), request.kind.kind.as_str()) {
        ("kubeadm.k8s.io", "ClusterConfiguration") => Ok(Some(of_cluster(&request.object()?, form("v1beta4"), &Path::root()))),
        ("controlplane.cluster.x-k8s.io", _) => {
            let Some(config) = config_spec(request) else { return Ok(None) };
            let path = [config, ".clusterConfiguration"].concat();
            Ok(Some(of_cluster(&request.part(&path)?, form("v1beta2"), &Path::new(&path))))
        }
        ("", "ConfigMap") if request.namespace == "kube-system" => {
            let ConfigMap { metadata, data } = request.object()?;
            let text = data.get("ClusterConfiguration").filter(|_| metadata.name == "kubeadm-config");
            Ok(text.map(|text| of_text(text)))
        }
        _ => Ok(None),
    }
}

/// Where an object of Cluster API that makes control planes with kubeadm says how.
fn config_spec(request: &Request<'_>) -> Option<&'static str> {
    match (request.kind.group.as_str(), request.kind.kind.as_str()) {
        ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane") => Some("spec.kubeadmConfigSpec"),
        ("controlplane.cluster.x-k8s.io", "KubeadmControlPlaneTemplate") => Some("spec.template.spec.kubeadmConfigSpec"),
        _ => None,
    }
}

/// The files whose content the object says itself.
pub fn files(request: &Request<'_>) -> Result<Vec<InlineFile>, Error> {
    let Some(config) = config_spec(request) else { return Ok(Vec::new()) };
    let path = [config, ".files"].concat();
    let files: List<File<'_>> = request.part(&path)?;
    let path = Path::new(&path);
    let with_content = files.iter().enumerate().filter(|(_, file)| !file.content.is_empty());
    let inline = |(index, file): (usize, &File<'_>)| InlineFile {
        name: file.path.to_string(),
        content: file.content.to_string(),
        path: path.index(index).field("content").to_string(),
    };
    Ok(with_content.map(inline).collect())
}

fn mounts<'m>(certificates: &'m str, extra: impl Iterator<Item = &'m str>) -> Vec<Mount> {
    let certificates = if certificates.is_empty() { CERTIFICATES } else { certificates };
    let mount_path = MOUNTED.into_iter().chain([certificates]).chain(extra);
    mount_path.map(|mount_path| Mount { volume: String::new(), mount_path: mount_path.to_owned() }).collect()
}

fn of_cluster(cluster: &ClusterConfiguration<'_>, form: Form, path: &Path<'_>) -> ApiServer {
    let section = &cluster.api_server;
    let path = path.field("apiServer.extraArgs");
    let flag = |name: &str, value: &str, path: Path<'_>| Flag {
        name: name.replace('_', "-"),
        value: value.to_owned(),
        path: path.to_string(),
    };
    let map = section.extra_args.map.iter().map(|(name, value)| flag(name, value, path.key(name)));
    let list = section.extra_args.list.iter().enumerate();
    let list = list.map(|(index, argument)| flag(&argument.name, &argument.value, path.index(index).field("value")));
    ApiServer {
        form,
        path: path.to_string(),
        has_hidden_flags: false,
        flags: map.chain(list).collect(),
        volumes: Rc::default(),
        mounts: mounts(&cluster.certificates_dir, section.extra_volumes.iter().map(|volume| volume.mount_path.as_str())),
    }
}

/// Reads the YAML that kubeadm writes.
fn of_text(text: &str) -> ApiServer {
    const PATH: &str = "data.ClusterConfiguration";
    let mut form = Form::ArgumentMap;
    let mut flags: Vec<Flag> = Vec::new();
    let mut certificates = String::new();
    let mut extra = Vec::new();
    let mut name = String::new();
    outline::read(text, |keys, value| {
        let mut add = |name: &str| {
            flags.push(Flag { name: name.replace('_', "-"), value: value.to_owned(), path: PATH.to_owned() });
        };
        match keys {
            ["apiVersion"] if value == "kubeadm.k8s.io/v1beta4" => form = Form::ArgumentList,
            ["certificatesDir"] => value.clone_into(&mut certificates),
            ["apiServer", "extraArgs", "-", "name"] => value.clone_into(&mut name),
            ["apiServer", "extraArgs", "-", "value"] => add(&name),
            ["apiServer", "extraArgs", name] => add(name),
            ["apiServer", "extraVolumes", "-", "mountPath"] => extra.push(value.to_owned()),
            _ => {}
        }
    });
    let mounts = mounts(&certificates, extra.iter().map(String::as_str));
    ApiServer { form, path: PATH.to_owned(), has_hidden_flags: false, flags, mounts, volumes: Rc::default() }
}
