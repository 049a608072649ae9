//! Views: small structs that borrow from the request and name only the fields that policies read.
//!
//! Each follows the Kubernetes API by name. A test fills the types of `k8s-openapi`, serialises them, and checks that each view
//! reads what they wrote. A policy that needs other fields declares a view of its own with [`view!`](crate::view!).

use crate::Path;
use crate::json::{List, Map, Str};

crate::view! {
    /// `metadata` of any object, and of a pod template.
    pub struct ObjectMeta<'a> {
        /// The name; empty where the API server is to make one.
        pub name: Str<'a> as "name",
        /// The beginning of the name that the API server makes.
        pub generate_name: Str<'a> as "generateName",
        /// The namespace as the object says it; [`Request::namespace`](crate::Request::namespace) is the one that counts.
        pub namespace: Str<'a> as "namespace",
        /// The version; empty while the object is being made. The background audit asks with CREATE about objects that have one.
        pub resource_version: Str<'a> as "resourceVersion",
        /// The labels.
        pub labels: Map<'a> as "labels",
        /// The annotations.
        pub annotations: Map<'a> as "annotations",
        /// When the object was asked to go; empty when it was not.
        pub deletion_timestamp: Str<'a> as "deletionTimestamp",
        /// The objects that this one belongs to.
        pub owner_references: List<OwnerReference<'a>> as "ownerReferences",
    }
}

crate::view! {
    /// `metadata.ownerReferences[]`
    pub struct OwnerReference<'a> {
        /// The owner's group and version.
        pub api_version: Str<'a> as "apiVersion",
        /// The owner's kind.
        pub kind: Str<'a> as "kind",
        /// The owner's name.
        pub name: Str<'a> as "name",
        /// Whether the owner manages this object.
        pub controller: Option<bool> as "controller",
    }
}

/// The pod that a workload makes, and where in the workload it is written.
#[derive(Clone, Debug)]
pub struct PodTemplate<'a, S = PodSpec<'a>> {
    /// The pod's metadata: for a Pod its own, else the template's.
    pub metadata: ObjectMeta<'a>,
    /// The pod's spec.
    pub spec: S,
    pub(crate) metadata_path: Path<'static>,
    pub(crate) spec_path: Path<'static>,
}

impl<S> PodTemplate<'_, S> {
    /// Where [`metadata`](Self::metadata) stands: `metadata`, `spec.template.metadata` and so on.
    pub const fn metadata_path(&self) -> Path<'static> {
        self.metadata_path
    }

    /// Where [`spec`](Self::spec) stands: `spec`, `spec.template.spec` and so on.
    pub const fn spec_path(&self) -> Path<'static> {
        self.spec_path
    }
}

crate::view! {
    /// `PodSpec` (`v1`), as far as policies read it.
    pub struct PodSpec<'a> {
        /// Whether the pod lives in its node's network; `None` is `false`.
        pub host_network: Option<bool> as "hostNetwork",
        /// The ServiceAccount; empty is `default`.
        pub service_account_name: Str<'a> as "serviceAccountName",
        /// Containers that run before the others, or beside them when their `restartPolicy` is `Always`.
        pub init_containers: List<Container<'a>> as "initContainers",
        /// The pod's containers.
        pub containers: List<Container<'a>> as "containers",
        /// Containers that `kubectl debug` added.
        pub ephemeral_containers: List<Container<'a>> as "ephemeralContainers",
    }
}

impl<'a> PodSpec<'a> {
    /// Every container of all three lists, with the list's field name and the place in it.
    pub fn all_containers(&self) -> impl Iterator<Item = (&'static str, usize, &Container<'a>)> {
        [
            ("initContainers", &self.init_containers),
            ("containers", &self.containers),
            ("ephemeralContainers", &self.ephemeral_containers),
        ]
        .into_iter()
        .flat_map(|(list, containers)| containers.iter().enumerate().map(move |(index, container)| (list, index, container)))
    }
}

crate::view! {
    /// `Container` and `EphemeralContainer` (`v1`), as far as policies read them.
    pub struct Container<'a> {
        /// The name.
        pub name: Str<'a> as "name",
        /// The image reference.
        pub image: Str<'a> as "image",
        /// The entry point; empty is the image's own.
        pub command: List<Str<'a>> as "command",
        /// The arguments.
        pub args: List<Str<'a>> as "args",
        /// The environment variables.
        pub env: List<EnvVar<'a>> as "env",
        /// What the kubelet asks to learn whether the container lives.
        pub liveness_probe: Option<Handler<'a>> as "livenessProbe",
        /// What the kubelet asks to learn whether the container can serve.
        pub readiness_probe: Option<Handler<'a>> as "readinessProbe",
        /// What the kubelet asks to learn whether the container has started.
        pub startup_probe: Option<Handler<'a>> as "startupProbe",
        /// What runs after the start and before the stop.
        pub lifecycle: Option<Lifecycle<'a>> as "lifecycle",
    }
}

crate::view! {
    /// `EnvVar` (`v1`).
    pub struct EnvVar<'a> {
        /// The variable's name.
        pub name: Str<'a> as "name",
        /// Its literal value, with `$(NAME)` references to other variables; empty when there is none.
        pub value: Str<'a> as "value",
    }
}

crate::view! {
    /// `Probe` and `LifecycleHandler` (`v1`): a command or a request.
    pub struct Handler<'a> {
        /// A command in the container.
        pub exec: Option<ExecAction<'a>> as "exec",
        /// An HTTP request to it.
        pub http_get: Option<HttpGetAction<'a>> as "httpGet",
    }
}

crate::view! {
    /// `ExecAction` (`v1`).
    pub struct ExecAction<'a> {
        /// The command, not run in a shell.
        pub command: List<Str<'a>> as "command",
    }
}

crate::view! {
    /// `HTTPGetAction` (`v1`).
    pub struct HttpGetAction<'a> {
        /// The path, with its query.
        pub path: Str<'a> as "path",
        /// The host; empty is the pod's address.
        pub host: Str<'a> as "host",
        /// The headers.
        pub http_headers: List<HttpHeader<'a>> as "httpHeaders",
    }
}

crate::view! {
    /// `HTTPHeader` (`v1`).
    pub struct HttpHeader<'a> {
        /// The header's name.
        pub name: Str<'a> as "name",
        /// Its value.
        pub value: Str<'a> as "value",
    }
}

crate::view! {
    /// `Lifecycle` (`v1`).
    pub struct Lifecycle<'a> {
        /// Runs when the container has started.
        pub post_start: Option<Handler<'a>> as "postStart",
        /// Runs before the container is stopped.
        pub pre_stop: Option<Handler<'a>> as "preStop",
    }
}
