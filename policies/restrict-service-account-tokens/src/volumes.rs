//! The volumes of a pod that hold tokens, and where they are mounted.

use palisade_sdk::{List, Str};

/// Where Kubernetes mounts the token of the API server, and clients look for it.
pub const TOKEN_DIR: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The token's file there; `/var/run` is a link to `/run` in most images.
const TOKEN_FILES: [&str; 2] =
    ["/var/run/secrets/kubernetes.io/serviceaccount/token", "/run/secrets/kubernetes.io/serviceaccount/token"];

palisade_sdk::view! {
    /// `PodSpec` (`v1`), as far as it matters here.
    pub struct PodSpec<'a> {
        pub service_account_name: Str<'a> as "serviceAccountName",
        /// The deprecated alias, which counts where the other is empty.
        pub service_account: Str<'a> as "serviceAccount",
        pub automount: Option<bool> as "automountServiceAccountToken",
        pub volumes: List<Volume<'a>> as "volumes",
        init_containers: List<Container<'a>> as "initContainers",
        containers: List<Container<'a>> as "containers",
        ephemeral_containers: List<Container<'a>> as "ephemeralContainers",
    }

    /// `Container` and `EphemeralContainer` (`v1`)
    struct Container<'a> {
        volume_mounts: List<VolumeMount<'a>> as "volumeMounts",
    }

    /// `VolumeMount` (`v1`)
    struct VolumeMount<'a> {
        name: Str<'a> as "name",
        mount_path: Str<'a> as "mountPath",
        sub_path: Str<'a> as "subPath",
        sub_path_expr: Str<'a> as "subPathExpr",
    }

    /// `Volume` (`v1`)
    pub struct Volume<'a> {
        pub name: Str<'a> as "name",
        secret: Option<SecretVolumeSource<'a>> as "secret",
        projected: ProjectedVolumeSource<'a> as "projected",
    }

    /// `SecretVolumeSource` (`v1`)
    struct SecretVolumeSource<'a> {
        secret_name: Str<'a> as "secretName",
    }

    /// `ProjectedVolumeSource` (`v1`)
    struct ProjectedVolumeSource<'a> {
        sources: List<VolumeProjection<'a>> as "sources",
    }

    /// `VolumeProjection` (`v1`)
    struct VolumeProjection<'a> {
        token: Option<Token<'a>> as "serviceAccountToken",
        secret: Option<()> as "secret",
    }

    /// `ServiceAccountTokenProjection` (`v1`)
    pub struct Token<'a> {
        pub audience: Str<'a> as "audience",
        pub expiration_seconds: Option<i64> as "expirationSeconds",
        path: Str<'a> as "path",
    }
}

impl<'a> Volume<'a> {
    /// The projected tokens, with their places among the sources.
    pub fn tokens(&self) -> impl Iterator<Item = (usize, &Token<'a>)> {
        self.projected.sources.iter().enumerate().filter_map(|(index, source)| Some((index, source.token.as_ref()?)))
    }

    /// Whether it holds a Secret and no projected token.
    pub fn is_secret(&self) -> bool {
        self.secret.is_some()
            || (self.tokens().next().is_none() && self.projected.sources.iter().any(|source| source.secret.is_some()))
    }

    /// Whether it is as the API server adds it: the volume `kube-api-access-…`, or the Secret `<account>-token-…` that it was before
    /// Kubernetes 1.21. Templates hold no such Secret.
    fn looks_injected(&self, account: &str, is_pod: bool) -> bool {
        if let Some(secret) = &self.secret {
            let random = secret.secret_name.strip_prefix(account).and_then(|rest| rest.strip_prefix("-token-"));
            return is_pod && secret.secret_name == *self.name && random.is_some_and(|random| random.len() == 5);
        }
        let mut tokens = self.tokens();
        self.name.starts_with("kube-api-access-")
            && tokens.next().is_some_and(|(_, token)| token.audience.is_empty() && token.path == "token")
            && tokens.next().is_none()
    }
}

/// What becomes of a volume.
#[derive(Clone, Copy, Debug, Default)]
pub struct Use<'s> {
    /// Some container mounts it.
    pub mounted: bool,
    /// It is mounted where clients of the API server look.
    pub in_token_dir: bool,
    /// It looks like the one that the API server adds.
    pub looks_injected: bool,
    /// The file of the volume that is mounted as the token of the API server's clients.
    token_file: Option<&'s str>,
    /// It is mounted elsewhere too.
    elsewhere: bool,
}

impl Use<'_> {
    /// Whether a token of the volume is there for clients of the API server, and for nobody else.
    pub fn is_for_api_clients(&self, token: &Token<'_>) -> bool {
        !self.elsewhere && self.token_file.is_some_and(|file| token.path == file)
    }
}

/// What becomes of a pod's volumes.
#[derive(Debug)]
pub struct Uses<'s> {
    /// In the order of the volumes.
    pub of_volume: Vec<Use<'s>>,
    /// Whether some container gets the API server's own volume when automounting is on: one that has nothing else in that place.
    pub room_for_token: bool,
}

impl<'s> Uses<'s> {
    /// Looks through all containers once.
    pub fn find(spec: &'s PodSpec<'_>, account: &str, is_pod: bool) -> Self {
        let mut of_volume: Vec<Use<'s>> = spec
            .volumes
            .iter()
            .map(|volume| Use { looks_injected: volume.looks_injected(account, is_pod), ..Use::default() })
            .collect();
        let by_name = Names::new(&spec.volumes);
        // A pod without containers is no pod, and is judged as the default is.
        let mut room_for_token = spec.init_containers.is_empty() && spec.containers.is_empty();
        for (containers, are_given_tokens) in
            [(&spec.init_containers, true), (&spec.containers, true), (&spec.ephemeral_containers, false)]
        {
            for container in containers {
                let mut occupied = false;
                for mount in &container.volume_mounts {
                    let volume = by_name.find(&spec.volumes, &mount.name).and_then(|index| of_volume.get_mut(index));
                    let in_token_dir = mount.mount_path == TOKEN_DIR;
                    occupied |= in_token_dir && !volume.as_ref().is_some_and(|volume| volume.looks_injected);
                    if let Some(volume) = volume {
                        volume.mounted = true;
                        let file = mount.token_file();
                        volume.in_token_dir |= file.is_some();
                        volume.elsewhere |= file.is_none() || volume.token_file.is_some_and(|other| Some(other) != file);
                        volume.token_file = file.or(volume.token_file);
                    }
                }
                room_for_token |= are_given_tokens && !occupied;
            }
        }
        Self { of_volume, room_for_token }
    }
}

/// Finds volumes by name without going through all of them. Sorting them would cost kilobytes of code.
struct Names(Vec<Vec<usize>>);

impl Names {
    fn new(volumes: &[Volume<'_>]) -> Self {
        let mut names = Self(Vec::new());
        names.0.resize_with(volumes.len() / 4 + 1, Vec::new);
        for (index, volume) in volumes.iter().enumerate() {
            let bucket = names.bucket(&volume.name);
            if let Some(bucket) = names.0.get_mut(bucket) {
                bucket.push(index);
            }
        }
        names
    }

    /// By FNV-1a.
    fn bucket(&self, name: &str) -> usize {
        let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        hash as usize % self.0.len()
    }

    fn find(&self, volumes: &[Volume<'_>], name: &str) -> Option<usize> {
        let bucket = self.0.get(self.bucket(name))?;
        bucket.iter().copied().find(|index| volumes.get(*index).is_some_and(|volume| volume.name == *name))
    }
}

/// What of a file's path is below a directory, however the directory is spelled (`/var//run/./secrets/`); nothing for the file itself.
fn below<'f>(directory: &str, file: &'f str) -> Option<&'f str> {
    let mut steps: Vec<&str> = Vec::new();
    for step in directory.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    let mut rest = file.trim_start_matches('/');
    for step in steps {
        rest = match rest.strip_prefix(step)? {
            "" => "",
            rest => rest.strip_prefix('/')?,
        };
    }
    Some(rest)
}

impl VolumeMount<'_> {
    /// The file of the volume that the mount puts where clients of the API server look for their token.
    fn token_file(&self) -> Option<&str> {
        TOKEN_FILES.into_iter().find_map(|token_file| {
            let rest = below(&self.mount_path, token_file)?;
            if !self.sub_path_expr.is_empty() {
                None
            } else if self.sub_path.is_empty() {
                (!rest.is_empty()).then_some(rest)
            } else {
                rest.is_empty().then_some(self.sub_path.as_str())
            }
        })
    }
}
