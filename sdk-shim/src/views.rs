//! Views: small structs that borrow from the request and name only the fields that policies read.
//!
//! Each follows the Kubernetes API by name. A test fills the types of `k8s-openapi`, serialises them, and checks that each view
//! reads what they wrote. A policy that needs other fields declares a view of its own, from [`Str`], [`List`] and [`Map`]:
//!
//! ```
//! use palisade_sdk::{List, Str, serde::Deserialize};
//!
//! #[derive(Deserialize, Default)]
//! #[serde(crate = "palisade_sdk::serde", default, rename_all = "camelCase")]
//! struct Ingress<'a> {
//!     #[serde(borrow)]
//!     spec: Option<IngressSpec<'a>>,
//! }
//!
//! #[derive(Deserialize, Default)]
//! #[serde(crate = "palisade_sdk::serde", default, rename_all = "camelCase")]
//! struct IngressSpec<'a> {
//!     #[serde(borrow)]
//!     ingress_class_name: Str<'a>,
//! }
//! ```

use serde::Deserialize;

use crate::Path;
use crate::json::{List, Map, Str};

/// `metadata` of any object, and of a pod template.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ObjectMeta<'a> {
    /// The name; empty where the API server is to make one.
    #[serde(borrow)]
    pub name: Str<'a>,
    /// The beginning of the name that the API server makes.
    #[serde(borrow)]
    pub generate_name: Str<'a>,
    /// The namespace as the object says it; [`Request::namespace`](crate::Request::namespace) is the one that counts.
    #[serde(borrow)]
    pub namespace: Str<'a>,
    /// The labels.
    #[serde(borrow)]
    pub labels: Map<'a>,
    /// The annotations.
    #[serde(borrow)]
    pub annotations: Map<'a>,
    /// When the object was asked to go; empty when it was not.
    #[serde(borrow)]
    pub deletion_timestamp: Str<'a>,
    /// The objects that this one belongs to.
    #[serde(borrow)]
    pub owner_references: List<OwnerReference<'a>>,
}

/// `metadata.ownerReferences[]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OwnerReference<'a> {
    /// The owner's group and version.
    #[serde(borrow)]
    pub api_version: Str<'a>,
    /// The owner's kind.
    #[serde(borrow)]
    pub kind: Str<'a>,
    /// The owner's name.
    #[serde(borrow)]
    pub name: Str<'a>,
    /// Whether the owner manages this object.
    pub controller: Option<bool>,
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

/// `PodSpec` (`v1`), as far as policies read it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec<'a> {
    /// Whether the pod lives in its node's network; `None` is `false`.
    pub host_network: Option<bool>,
    /// The ServiceAccount; empty is `default`.
    #[serde(borrow)]
    pub service_account_name: Str<'a>,
    /// Containers that run before the others, or beside them when their `restartPolicy` is `Always`.
    #[serde(borrow)]
    pub init_containers: List<Container<'a>>,
    /// The pod's containers.
    #[serde(borrow)]
    pub containers: List<Container<'a>>,
    /// Containers that `kubectl debug` added.
    #[serde(borrow)]
    pub ephemeral_containers: List<Container<'a>>,
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

/// `Container` and `EphemeralContainer` (`v1`), as far as policies read them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container<'a> {
    /// The name.
    #[serde(borrow)]
    pub name: Str<'a>,
    /// The image reference.
    #[serde(borrow)]
    pub image: Str<'a>,
    /// The entry point; empty is the image's own.
    #[serde(borrow)]
    pub command: List<Str<'a>>,
    /// The arguments.
    #[serde(borrow)]
    pub args: List<Str<'a>>,
    /// The environment variables.
    #[serde(borrow)]
    pub env: List<EnvVar<'a>>,
    /// What the kubelet asks to learn whether the container lives.
    #[serde(borrow)]
    pub liveness_probe: Option<Handler<'a>>,
    /// What the kubelet asks to learn whether the container can serve.
    #[serde(borrow)]
    pub readiness_probe: Option<Handler<'a>>,
    /// What the kubelet asks to learn whether the container has started.
    #[serde(borrow)]
    pub startup_probe: Option<Handler<'a>>,
    /// What runs after the start and before the stop.
    #[serde(borrow)]
    pub lifecycle: Option<Lifecycle<'a>>,
}

/// `EnvVar` (`v1`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnvVar<'a> {
    /// The variable's name.
    #[serde(borrow)]
    pub name: Str<'a>,
    /// Its literal value, with `$(NAME)` references to other variables; empty when there is none.
    #[serde(borrow)]
    pub value: Str<'a>,
}

/// `Probe` and `LifecycleHandler` (`v1`): a command or a request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Handler<'a> {
    /// A command in the container.
    #[serde(borrow)]
    pub exec: Option<ExecAction<'a>>,
    /// An HTTP request to it.
    #[serde(borrow)]
    pub http_get: Option<HttpGetAction<'a>>,
}

/// `ExecAction` (`v1`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExecAction<'a> {
    /// The command, not run in a shell.
    #[serde(borrow)]
    pub command: List<Str<'a>>,
}

/// `HTTPGetAction` (`v1`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpGetAction<'a> {
    /// The path, with its query.
    #[serde(borrow)]
    pub path: Str<'a>,
    /// The host; empty is the pod's address.
    #[serde(borrow)]
    pub host: Str<'a>,
    /// The headers.
    #[serde(borrow)]
    pub http_headers: List<HttpHeader<'a>>,
}

/// `HTTPHeader` (`v1`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct HttpHeader<'a> {
    /// The header's name.
    #[serde(borrow)]
    pub name: Str<'a>,
    /// Its value.
    #[serde(borrow)]
    pub value: Str<'a>,
}

/// `Lifecycle` (`v1`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Lifecycle<'a> {
    /// Runs when the container has started.
    #[serde(borrow)]
    pub post_start: Option<Handler<'a>>,
    /// Runs before the container is stopped.
    #[serde(borrow)]
    pub pre_stop: Option<Handler<'a>>,
}
