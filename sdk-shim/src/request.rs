//! The admission request that a policy judges.

use crate::json::{self, JsonError, List, Raw, Read, Reader, Str};
use crate::views::{ObjectMeta, PodTemplate};
use crate::{Error, Path};

crate::view! {
    /// An `AdmissionRequest` (`admission.k8s.io/v1`), as Kubewarden hands it to a policy. Borrows from the payload.
    pub struct Request<'a> {
        /// The kind of the object, after the conversion that the webhook asked for.
        pub kind: GroupVersionKind<'a> as "kind",
        /// The name; empty where the API server is still to make one from `generateName`.
        pub name: Str<'a> as "name",
        /// The namespace; empty for cluster-scoped objects. This one counts, not the object's own field.
        pub namespace: Str<'a> as "namespace",
        /// What is being done.
        pub operation: Operation as "operation",
        /// The subresource, for example `ephemeralcontainers`; empty for the object itself.
        pub sub_resource: Str<'a> as "subResource" | "sub_resource",
        /// Who asks.
        pub user_info: UserInfo<'a> as "userInfo" | "user_info",
        object: Option<Raw<'a>> as "object",
        old_object: Option<Raw<'a>> as "oldObject" | "old_object",
    }

    /// Group, version and kind: `apps`, `v1`, `Deployment`. The core group is the empty string.
    pub struct GroupVersionKind<'a> {
        /// The API group.
        pub group: Str<'a> as "group",
        /// The version.
        pub version: Str<'a> as "version",
        /// The kind.
        pub kind: Str<'a> as "kind",
    }

    /// Who makes a request.
    pub struct UserInfo<'a> {
        /// The user's name; a ServiceAccount is `system:serviceaccount:<namespace>:<name>`.
        pub username: Str<'a> as "username",
        /// The groups that the user belongs to.
        pub groups: List<Str<'a>> as "groups",
    }

    /// The whole payload of `validate`.
    pub(crate) struct Payload<'a> {
        pub request: Request<'a> as "request",
        pub settings: Option<Raw<'a>> as "settings",
    }
}

/// What a request does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operation {
    /// A new object.
    #[default]
    Create,
    /// A changed object; the old one is there too.
    Update,
    /// An object goes. Policies do not see these unless they ask for it, see [`Policy::JUDGES_DELETE`](crate::Policy::JUDGES_DELETE).
    Delete,
    /// A connection to a subresource such as `pods/exec`.
    Connect,
}

impl Read<'_> for Operation {
    fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        let choices =
            [("CREATE", Self::Create), ("UPDATE", Self::Update), ("DELETE", Self::Delete), ("CONNECT", Self::Connect)];
        json::read_choice(reader, &choices)
    }
}

/// Where each kind that runs pods keeps its pod template: kind, groups, and the place.
const WORKLOADS: &[(&str, &[&str], Place)] = &[
    ("Pod", &[""], Place { steps: &[], metadata: "metadata", spec: "spec" }),
    ("PodTemplate", &[""], Place { steps: &["template"], metadata: "template.metadata", spec: "template.spec" }),
    ("ReplicationController", &[""], Place::IN_SPEC),
    ("Deployment", &["apps", "extensions"], Place::IN_SPEC),
    ("ReplicaSet", &["apps", "extensions"], Place::IN_SPEC),
    ("DaemonSet", &["apps", "extensions"], Place::IN_SPEC),
    ("StatefulSet", &["apps"], Place::IN_SPEC),
    ("Job", &["batch"], Place::IN_SPEC),
    (
        "CronJob",
        &["batch"],
        Place {
            steps: &["spec", "jobTemplate", "spec", "template"],
            metadata: "spec.jobTemplate.spec.template.metadata",
            spec: "spec.jobTemplate.spec.template.spec",
        },
    ),
];

/// Where a pod template stands: the steps that lead to it, and the paths of what it holds.
#[derive(Clone, Copy)]
struct Place {
    steps: &'static [&'static str],
    metadata: &'static str,
    spec: &'static str,
}

impl Place {
    const IN_SPEC: Self = Self { steps: &["spec", "template"], metadata: "spec.template.metadata", spec: "spec.template.spec" };
}

impl<'a> Request<'a> {
    /// The object as a view.
    ///
    /// # Errors
    /// When the request holds no object, or one that the view cannot read.
    pub fn object<T: Read<'a>>(&self) -> Result<T, Error> {
        self.raw_object()?.read_at(&Path::root())
    }

    /// The object as JSON, to look into it in other ways or to change it.
    ///
    /// # Errors
    /// When the request holds no object.
    pub fn raw_object(&self) -> Result<Raw<'a>, Error> {
        self.object.ok_or_else(|| Error::malformed(&Path::root(), "the request holds no object"))
    }

    /// The object before an UPDATE or DELETE, where there is one.
    ///
    /// # Errors
    /// When the view cannot read it.
    pub fn old_object<T: Read<'a>>(&self) -> Result<Option<T>, Error> {
        self.old_object.map(|old| old.read_at(&Path::root())).transpose()
    }

    /// The pod template of any workload kind (Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, ReplicationController, Job,
    /// CronJob, PodTemplate), with the path at which it stands; `None` for an object of another kind. `S` is the view of the
    /// pod's spec: name your own to read fewer fields.
    ///
    /// # Errors
    /// When the request holds no object, or the views cannot read it.
    pub fn pod_template<S: Read<'a> + Default>(&self) -> Result<Option<PodTemplate<'a, S>>, Error> {
        let Some(place) = self.place() else { return Ok(None) };
        read_template(self.raw_object()?, place).map(Some)
    }

    /// [`pod_template`](Self::pod_template) of the object before an UPDATE.
    ///
    /// # Errors
    /// When the views cannot read it.
    pub fn old_pod_template<S: Read<'a> + Default>(&self) -> Result<Option<PodTemplate<'a, S>>, Error> {
        match (self.place(), self.old_object) {
            (Some(place), Some(old)) => read_template(old, place).map(Some),
            _ => Ok(None),
        }
    }

    /// Whether the object is of a kind that runs pods.
    pub fn is_workload(&self) -> bool {
        self.place().is_some()
    }

    fn place(&self) -> Option<Place> {
        WORKLOADS
            .iter()
            .find(|(kind, groups, _)| self.kind.kind == *kind && groups.iter().any(|group| self.kind.group == *group))
            .map(|(_, _, place)| *place)
    }

    /// A part of the object, found by the names that lead to it, which `at` holds with dots between; the default where it is not there.
    pub(crate) fn part<T: Read<'a> + Default>(&self, at: &str) -> Result<T, Error> {
        let object = self.raw_object()?;
        let steps: Vec<&str> = at.split('.').collect();
        let part = json::dig(object, &steps).map_err(|error| object.misread(error, &Path::root()))?;
        part.map_or_else(|| Ok(T::default()), |part| part.read_at(&Path::new(at)))
    }

    /// Whether an UPDATE touches an object that is already on its way out.
    pub(crate) fn is_being_deleted(&self) -> bool {
        self.updated().is_some_and(|metadata| !metadata.deletion_timestamp.is_empty())
    }

    /// Whether an UPDATE touches what nobody can mend by it: an object on its way out, a pod, which stays what it was when it began, or a
    /// workload that a controller has made, and must be able to scale down when its own object has been mended.
    pub(crate) fn is_of_what_stays(&self) -> bool {
        self.updated().is_some_and(|metadata| {
            let is_made = || metadata.owner_references.iter().any(|owner| owner.controller == Some(true));
            !metadata.deletion_timestamp.is_empty() || self.is_workload() && (self.kind.kind == "Pod" || is_made())
        })
    }

    /// The metadata of the object of an UPDATE, where it can be read.
    fn updated(&self) -> Option<ObjectMeta<'a>> {
        crate::view! {
            struct Object<'a> {
                metadata: ObjectMeta<'a> as "metadata",
            }
        }
        if self.operation != Operation::Update || self.old_object.is_none() {
            return None;
        }
        Some(self.object::<Object<'a>>().ok()?.metadata)
    }

    /// The same request about the object as it was before.
    pub(crate) fn before(&self) -> Self {
        Self { object: self.old_object, ..self.clone() }
    }
}

fn read_template<'a, S: Read<'a> + Default>(object: Raw<'a>, place: Place) -> Result<PodTemplate<'a, S>, Error> {
    let template = json::dig(object, place.steps).map_err(|error| object.misread(error, &Path::root()))?;
    let part = |name: &str| match template {
        Some(template) => json::dig(template, &[name]).map_err(|error| object.misread(error, &Path::root())),
        None => Ok(None),
    };
    Ok(PodTemplate {
        metadata: part("metadata")?.map(|raw| raw.read_at(&Path::new(place.metadata))).transpose()?.unwrap_or_default(),
        spec: part("spec")?.map(|raw| raw.read_at(&Path::new(place.spec))).transpose()?.unwrap_or_default(),
        metadata_path: Path::new(place.metadata),
        spec_path: Path::new(place.spec),
    })
}
