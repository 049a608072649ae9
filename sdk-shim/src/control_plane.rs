//! The API server of a cluster, wherever its flags are written: in the pod that it runs in, in kubeadm's configuration, in Cluster API's
//! `KubeadmControlPlane`, or among the arguments of k3s.
//!
//! [`ApiServer::find`] reads them all into one form, so that a policy asks for a flag, and for the volume that a file is in, and need not
//! know who wrote it where.

mod command;
mod kubeadm;
mod outline;

use std::rc::Rc;

use crate::json::{List, Raw, Str};
use crate::{Error, Path, Request};

/// An API server that an object makes or configures.
#[derive(Clone, Debug)]
pub struct ApiServer {
    /// What its flags are written in.
    pub form: Form,
    /// Where they are written: the path of a container's list, of `extraArgs`, or of a text.
    pub path: String,
    /// Whether some of them can't be known: a variable whose value stands elsewhere.
    pub has_hidden_flags: bool,
    flags: Vec<Flag>,
    mounts: Vec<Mount>,
    /// Those of the pod, which its containers share.
    volumes: Rc<[(String, Source)]>,
}

/// What the flags of an API server are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The command and the arguments of a container.
    Container,
    /// The arguments of `k3s server`. Those of k3s itself are among the flags, and so are the ones that it hands on by
    /// `--kube-apiserver-arg`.
    K3s,
    /// A map, as kubeadm has it up to `v1beta3`, and Cluster API up to `v1beta1`.
    ArgumentMap,
    /// A list of names and values, as kubeadm has it since `v1beta4`, and Cluster API since `v1beta2`.
    ArgumentList,
}

/// A flag.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The name without the dashes before it, and with `-` where `_` was written.
    pub name: String,
    /// The value; empty where there is none.
    pub value: String,
    /// Where it stands.
    pub path: String,
}

/// Where a volume of the API server is mounted.
#[derive(Clone, Debug)]
struct Mount {
    /// The volume's name; empty where there are only directories of the node.
    volume: String,
    mount_path: String,
}

/// What is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file or directory of the node.
    Host,
    /// A Secret.
    Secret,
    /// A ConfigMap.
    ConfigMap,
    /// Something else.
    Other,
    /// Nothing: the pod has no volume of that name.
    Nothing,
}

/// A file that Cluster API brings onto the nodes of a control plane, and whose content its object says.
#[derive(Clone, Debug)]
pub struct InlineFile {
    /// Where it is on the node.
    pub name: String,
    /// What is in it.
    pub content: String,
    /// Where the object says so.
    pub path: String,
}

impl InlineFile {
    /// The files of the object of a request; none, if it is no `KubeadmControlPlane` or `KubeadmControlPlaneTemplate`.
    ///
    /// # Errors
    /// When the object cannot be read.
    pub fn find(request: &Request<'_>) -> Result<Vec<Self>, Error> {
        kubeadm::files(request)
    }
}

impl ApiServer {
    /// The API servers that the object of a request makes or configures: most often none, or one.
    ///
    /// # Errors
    /// When the object cannot be read.
    pub fn find(request: &Request<'_>) -> Result<Vec<Self>, Error> {
        match request.pod_template::<PodSpec<'_>>()? {
            Some(template) => Ok(of_pod(&template.spec, &template.spec_path())),
            None => Ok(kubeadm::find(request)?.into_iter().collect()),
        }
    }

    /// Those of the object as it was before an UPDATE; `None` where the request does not say.
    ///
    /// # Errors
    /// When the object cannot be read.
    pub fn find_before(request: &Request<'_>) -> Result<Option<Vec<Self>>, Error> {
        request.old_object::<()>()?.map(|()| Self::find(&request.before())).transpose()
    }

    /// The flag of this name that counts: the last one.
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().rev().find(|flag| flag.name == name)
    }

    /// What an absolute path leads into: of the volumes that are mounted above it, the deepest.
    pub fn source_of(&self, path: &str) -> Option<Source> {
        let mounts = self.mounts.iter().filter(|mount| leads_into(path, &mount.mount_path));
        let mount = mounts.max_by_key(|mount| steps(&mount.mount_path).count())?;
        if mount.volume.is_empty() {
            return Some(Source::Host);
        }
        let volume = self.volumes.iter().find(|(name, _)| *name == mount.volume);
        Some(volume.map_or(Source::Nothing, |(_, source)| *source))
    }
}

fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|step| !matches!(*step, "" | "."))
}

/// Whether a path is the same as `dir`, or below it.
fn leads_into(path: &str, dir: &str) -> bool {
    let mut rest = steps(path);
    path.starts_with('/')
        && dir.starts_with('/')
        && steps(dir).all(|step| rest.next() == Some(step))
        && rest.all(|step| step != "..")
}

crate::view! {
    struct PodSpec<'a> {
        init_containers: List<Container<'a>> as "initContainers",
        containers: List<Container<'a>> as "containers",
        volumes: List<Volume<'a>> as "volumes",
    }

    struct Container<'a> {
        image: Str<'a> as "image",
        command: List<Str<'a>> as "command",
        args: List<Str<'a>> as "args",
        /// Read only where it matters: what is wrong in the variables of another program is not to be judged here.
        env: Option<Raw<'a>> as "env",
        volume_mounts: List<VolumeMount<'a>> as "volumeMounts",
    }

    struct VolumeMount<'a> {
        name: Str<'a> as "name",
        mount_path: Str<'a> as "mountPath",
    }

    struct Volume<'a> {
        name: Str<'a> as "name",
        host_path: Option<()> as "hostPath",
        secret: Option<()> as "secret",
        config_map: Option<()> as "configMap",
    }
}

fn of_pod(spec: &PodSpec<'_>, path: &Path<'_>) -> Vec<ApiServer> {
    let mut servers = Vec::new();
    let mut volumes: Option<Rc<[(String, Source)]>> = None;
    // An init container that goes on running is one, too.
    for (list, containers) in [("initContainers", &spec.init_containers), ("containers", &spec.containers)] {
        for (index, container) in containers.iter().enumerate() {
            let Some(found) = command::find(container, &path.item(list, index)) else { continue };
            let mounts = container.volume_mounts.iter();
            let mounts = mounts.map(|mount| Mount { volume: mount.name.to_string(), mount_path: mount.mount_path.to_string() });
            let volumes = volumes
                .get_or_insert_with(|| spec.volumes.iter().map(|volume| (volume.name.to_string(), volume.source())).collect());
            servers.push(ApiServer { mounts: mounts.collect(), volumes: Rc::clone(volumes), ..found });
        }
    }
    servers
}

impl Volume<'_> {
    fn source(&self) -> Source {
        match (self.host_path, self.secret, self.config_map) {
            (Some(()), ..) => Source::Host,
            (_, Some(()), _) => Source::Secret,
            (.., Some(())) => Source::ConfigMap,
            _ => Source::Other,
        }
    }
}

#[cfg(test)]
mod tests;
