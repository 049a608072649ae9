//! API servers: whether they are given an EncryptionConfiguration, and can read it.

use palisade_sdk::control_plane::{ApiServer, Form, InlineFile, Source};
use palisade_sdk::{Error, Operation, Path, Report, Request};

use crate::rules;

/// The flag.
const FLAG: &str = "encryption-provider-config";

/// Its name until Kubernetes 1.13.
const OLD_FLAG: &str = "experimental-encryption-provider-config";

/// The flag by which k3s and RKE2 encrypt.
pub const SECRETS_ENCRYPTION: &str = "secrets-encryption";

const IN_A_POD: &str = "add --encryption-provider-config=/etc/kubernetes/enc/encryption.yaml, volumeMounts: [{name: enc, mountPath: /etc/kubernetes/enc, readOnly: true}], and to the pod volumes: [{name: enc, hostPath: {path: /etc/kubernetes/enc}}]";
const AS_A_MAP: &str = "write apiServer: {extraArgs: {encryption-provider-config: /etc/kubernetes/enc/encryption.yaml}, extraVolumes: [{name: enc, hostPath: /etc/kubernetes/enc, mountPath: /etc/kubernetes/enc, readOnly: true}]}";
const AS_A_LIST: &str = "write apiServer: {extraArgs: [{name: encryption-provider-config, value: /etc/kubernetes/enc/encryption.yaml}], extraVolumes: [{name: enc, hostPath: /etc/kubernetes/enc, mountPath: /etc/kubernetes/enc, readOnly: true}]}";

pub fn judge(request: &Request<'_>, report: &mut Report) -> Result<(), Error> {
    if is_too_late(request) {
        return Ok(());
    }
    let servers = ApiServer::find(request)?;
    // kubeadm writes its configuration anew with each upgrade. What it leaves open the background audit reports.
    if request.kind.kind == "ConfigMap"
        && request.operation == Operation::Update
        && !has_file(&servers)
        && ApiServer::find_before(request)?.is_some_and(|before| !has_file(&before))
    {
        return Ok(());
    }
    for server in servers {
        judge_server(&server, report);
    }
    for file in InlineFile::find(request)? {
        if holds_key(&file.content) {
            report.add(&rules::INLINE_KEY, &Path::new(&file.path), "the file is an EncryptionConfiguration with a key in it");
        }
    }
    Ok(())
}

/// Whether nothing can be prevented any more: a Pod's command never changes, and the kubelet tells of its own pods when they run already.
fn is_too_late(request: &Request<'_>) -> bool {
    request.kind.kind == "Pod"
        && (request.operation == Operation::Update || request.user_info.username.starts_with("system:node:"))
}

fn has_file(servers: &[ApiServer]) -> bool {
    servers.iter().any(|server| server.flag(FLAG).is_some_and(|flag| !flag.value.is_empty()))
}

fn judge_server(server: &ApiServer, report: &mut Report) {
    let place = Path::new(&server.path);
    let Some(flag) = server.flag(FLAG).filter(|flag| !flag.value.is_empty()) else {
        if server.form == Form::K3s {
            match server.flag(SECRETS_ENCRYPTION).map(|flag| flag.value.as_str()) {
                Some("" | "true" | "1") => {}
                _ => report.add(
                    &rules::SWITCHED_OFF,
                    &place,
                    "k3s is not told to encrypt Secrets, so they are stored as they are",
                ),
            }
            return;
        }
        // OpenShift's API server reads all of its settings from a file.
        if server.flag("openshift-config").is_some() {
            return;
        }
        if server.has_hidden_flags {
            let message = "the flag --encryption-provider-config is not among those that can be seen here";
            report.add(&rules::FLAGS_HIDDEN, &place, message);
            return;
        }
        let remedy = match server.form {
            Form::ArgumentMap => AS_A_MAP,
            Form::ArgumentList => AS_A_LIST,
            Form::Container | Form::K3s => IN_A_POD,
        };
        let old = server.flag(OLD_FLAG);
        let place = old.map_or(place, |flag| Path::new(&flag.path));
        let message = if old.is_some() {
            "--experimental-encryption-provider-config is the flag of Kubernetes before 1.13"
        } else {
            "the API server has no --encryption-provider-config, so Secrets are stored in plain text"
        };
        report.add_with_remedy(&rules::NOT_CONFIGURED, &place, message, remedy);
        return;
    };
    // k3s reads the file from the disk of its node, or from wherever its own pod has it.
    // A variable, or what a template still has to fill in, can't be followed.
    if server.form == Form::K3s || flag.value.starts_with('<') || flag.value.contains(['$', '{']) {
        return;
    }
    let place = Path::new(&flag.path);
    let file = short(&flag.value);
    match server.source_of(&flag.value) {
        Some(Source::Host | Source::Secret | Source::Other) => {}
        Some(Source::ConfigMap) => {
            report.add(&rules::IN_CONFIG_MAP, &place, ["the file ", file, " comes from a ConfigMap"].concat());
        }
        Some(Source::Nothing) => {
            let message = ["the file ", file, " is in a volume that the pod does not have"].concat();
            report.add(&rules::NOT_MOUNTED, &place, message);
        }
        None => report.add(&rules::NOT_MOUNTED, &place, ["no volume of the API server holds the file ", file].concat()),
    }
}

/// Whether a file is an EncryptionConfiguration with a key, in YAML or JSON.
fn holds_key(content: &str) -> bool {
    content.contains("EncryptionConfig")
        && content.match_indices("secret").any(|(at, word)| {
            let before = content.get(..at).unwrap_or_default().trim_end_matches(['"', '\'']);
            let after = content.get(at + word.len()..).unwrap_or_default().trim_start_matches(['"', '\'']);
            let value =
                after.trim_start_matches(' ').strip_prefix(':').unwrap_or_default().trim_start_matches([' ', '"', '\'']);
            let length =
                value.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')).count();
            before.ends_with([' ', '\n', ',', '{']) && length >= 16
        })
}

/// A path for a message.
fn short(path: &str) -> &str {
    if path.len() > 200 { "(its path is too long)" } else { path }
}
