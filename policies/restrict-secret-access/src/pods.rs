//! What a pod takes of Secrets, and how.

use std::collections::BinaryHeap;

use palisade_sdk::{List, Path, PodTemplate, Report, Str};

use crate::{Settings, rules};

palisade_sdk::view! {
    /// `PodSpec`
    pub struct PodSpec<'a> {
        security_context: Option<PodSecurityContext> as "securityContext",
        init_containers: List<Container<'a>> as "initContainers",
        containers: List<Container<'a>> as "containers",
        ephemeral_containers: List<Container<'a>> as "ephemeralContainers",
        volumes: List<Volume<'a>> as "volumes",
    }
}

palisade_sdk::view! {
    /// `PodSecurityContext`
    struct PodSecurityContext {
        run_as_user: Option<i64> as "runAsUser",
        run_as_non_root: Option<bool> as "runAsNonRoot",
    }

    /// `SecurityContext`
    struct SecurityContext {
        run_as_user: Option<i64> as "runAsUser",
        run_as_non_root: Option<bool> as "runAsNonRoot",
        allow_privilege_escalation: Option<bool> as "allowPrivilegeEscalation",
        privileged: Option<bool> as "privileged",
    }

    /// `Container`, `EphemeralContainer`
    struct Container<'a> {
        env_from: List<EnvFrom<'a>> as "envFrom",
        volume_mounts: List<VolumeMount<'a>> as "volumeMounts",
        security_context: Option<SecurityContext> as "securityContext",
    }

    /// `EnvFromSource`
    struct EnvFrom<'a> {
        secret_ref: Option<SecretRef<'a>> as "secretRef",
    }

    /// `SecretEnvSource`
    struct SecretRef<'a> {
        name: Str<'a> as "name",
    }

    /// `VolumeMount`
    struct VolumeMount<'a> {
        name: Str<'a> as "name",
    }

    /// `Volume`
    struct Volume<'a> {
        name: Str<'a> as "name",
        secret: Option<SecretVolume<'a>> as "secret",
        projected: Option<Projected<'a>> as "projected",
    }

    /// `SecretVolumeSource`
    struct SecretVolume<'a> {
        secret_name: Str<'a> as "secretName",
        default_mode: Option<u32> as "defaultMode",
        items: List<Item> as "items",
    }

    /// `KeyToPath`
    struct Item {
        mode: Option<u32> as "mode",
    }

    /// `ProjectedVolumeSource`
    struct Projected<'a> {
        default_mode: Option<u32> as "defaultMode",
        sources: List<Source<'a>> as "sources",
    }

    /// `VolumeProjection`
    struct Source<'a> {
        secret: Option<SecretProjection<'a>> as "secret",
    }

    /// `SecretProjection`
    struct SecretProjection<'a> {
        name: Str<'a> as "name",
        items: List<Item> as "items",
    }
}

/// The mode of files where none is given.
const DEFAULT_MODE: u32 = 0o644;
/// What others may do with a file, and what the default leaves them.
const OTHERS: u32 = 0o007;
const OTHERS_READ: u32 = 0o004;

/// Adds a finding for each Secret that the pod takes whole into an environment, or leaves open to every user of a container.
pub fn judge(template: &PodTemplate<'_, PodSpec<'_>>, namespace: &str, settings: &Settings, report: &mut Report) {
    let spec = &template.spec;
    let at = template.spec_path();
    let accepted = |secret: &str| settings.allowed_secrets.iter().any(|allowed| allowed.is(secret, namespace));
    // The volumes that are mounted, and whether by a container that is one user for good. Those that are not come first.
    let mut mounted = BinaryHeap::new();
    for (list, containers) in [
        ("initContainers", &spec.init_containers),
        ("containers", &spec.containers),
        ("ephemeralContainers", &spec.ephemeral_containers),
    ] {
        for (index, container) in containers.iter().enumerate() {
            let here = at.item(list, index);
            for (place, source) in container.env_from.iter().enumerate() {
                let Some(secret) = source.secret_ref.as_ref().filter(|secret| !accepted(&secret.name)) else { continue };
                let message = [
                    "takes every key of the Secret ",
                    cut(&secret.name),
                    " into the environment, which child processes, crash reports and debug pages give away",
                ];
                report.add(&rules::ENV_FROM, &here.item("envFrom", place).field("secretRef"), message.concat());
            }
            let one_user = container.is_one_user(spec.security_context.as_ref());
            mounted.extend(container.volume_mounts.iter().map(|mount| (mount.name.as_str(), one_user)));
        }
    }
    let mounted = mounted.into_sorted_vec();
    for (index, volume) in spec.volumes.iter().enumerate() {
        let first = mounted.partition_point(|(name, _)| *name < volume.name.as_str());
        let Some((_, one_user)) = mounted.get(first).filter(|(name, _)| volume.name == *name) else { continue };
        let here = at.item("volumes", index);
        let mut files = Files { one_user: *one_user, report: &mut *report };
        if let Some(secret) = &volume.secret
            && !accepted(&secret.secret_name)
            && !volume.is_injected(secret)
        {
            let here = here.field("secret");
            files.items(&secret.items, &secret.secret_name, &here);
            if takes_default(&secret.items) {
                files.default(secret.default_mode, &secret.secret_name, &here);
            }
        }
        let Some(projected) = &volume.projected else { continue };
        let here = here.field("projected");
        let mut takes = None;
        for (place, source) in projected.sources.iter().enumerate() {
            let Some(secret) = source.secret.as_ref().filter(|secret| !accepted(&secret.name)) else { continue };
            files.items(&secret.items, &secret.name, &here.item("sources", place).field("secret"));
            if takes_default(&secret.items) {
                takes = takes.or(Some(&secret.name));
            }
        }
        if let Some(secret) = takes {
            files.default(projected.default_mode, secret, &here);
        }
    }
}

/// Whether some file has the mode of its volume. Without items every key is a file.
fn takes_default(items: &[Item]) -> bool {
    items.is_empty() || items.iter().any(|item| item.mode.is_none())
}

impl Volume<'_> {
    /// Whether it looks like the token that the API server gave every pod before Kubernetes 1.21: a Secret `<account>-token-<random>` in a
    /// volume of the same name.
    fn is_injected(&self, secret: &SecretVolume<'_>) -> bool {
        self.name == *secret.secret_name && self.name.rsplit_once("-token-").is_some_and(|(_, random)| random.len() == 5)
    }
}

impl Container<'_> {
    /// Whether all that ever runs in it is the same user, and not root: nothing changes the user then.
    fn is_one_user(&self, pod: Option<&PodSecurityContext>) -> bool {
        let own = self.security_context.as_ref();
        let user = own.and_then(|own| own.run_as_user).or(pod.and_then(|pod| pod.run_as_user));
        let non_root = own.and_then(|own| own.run_as_non_root).or(pod.and_then(|pod| pod.run_as_non_root));
        let fixed = own.is_some_and(|own| own.allow_privilege_escalation == Some(false) && own.privileged != Some(true));
        fixed && user.map_or(non_root == Some(true), |user| user != 0)
    }
}

/// Judges the files of a volume.
struct Files<'f> {
    one_user: bool,
    report: &'f mut Report,
}

impl Files<'_> {
    fn is_open(&self, mode: u32) -> bool {
        // Where there is only one user, what the default leaves to others is nobody's. More than that is no accident.
        mode & OTHERS != 0 && (!self.one_user || mode & OTHERS != OTHERS_READ)
    }

    /// The files that have a mode of their own.
    fn items(&mut self, items: &[Item], secret: &str, at: &Path<'_>) {
        for (index, item) in items.iter().enumerate() {
            if let Some(mode) = item.mode.filter(|mode| self.is_open(*mode)) {
                self.report.add(&rules::FILE_MODE, &at.item("items", index).field("mode"), message(secret, mode, ""));
            }
        }
    }

    /// The files that have the volume's mode.
    fn default(&mut self, mode: Option<u32>, secret: &str, at: &Path<'_>) {
        if self.is_open(mode.unwrap_or(DEFAULT_MODE)) {
            match mode {
                Some(mode) => self.report.add(&rules::FILE_MODE, &at.field("defaultMode"), message(secret, mode, "")),
                None => self.report.add(&rules::FILE_MODE, at, message(secret, DEFAULT_MODE, ", the default")),
            }
        }
    }
}

/// What is wrong with a mode.
fn message(secret: &str, mode: u32, whence: &str) -> String {
    let mut message = "opens the files of the Secret ".to_owned();
    message.push_str(cut(secret));
    message.push_str(" to every user in the container, by mode 0");
    for shift in [6, 3, 0] {
        message.push(char::from(b'0' + u8::try_from((mode >> shift) & 7).unwrap_or_default()));
    }
    message.push_str(whence);
    message.push_str(", so that whatever runs there under another user reads them");
    message
}

/// The beginning of a name, short enough for a message.
fn cut(text: &str) -> &str {
    const LENGTH: usize = 80;
    let end = text.char_indices().nth(LENGTH).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default()
}
