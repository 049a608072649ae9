//! Clusters that Rancher makes, of K3s or RKE2.

use palisade_sdk::{Error, List, Map, Path, Raw, Report, Request, Str, json};

use crate::rules;
use crate::server::SECRETS_ENCRYPTION;

palisade_sdk::view! {
    /// `Cluster` (`provisioning.cattle.io/v1`)
    struct Cluster<'a> {
        spec: Spec<'a> as "spec",
    }

    struct Spec<'a> {
        version: Str<'a> as "kubernetesVersion",
        rke: Option<RkeConfig<'a>> as "rkeConfig",
    }

    struct RkeConfig<'a> {
        /// `config.yaml` of the servers.
        global: Map<'a, Raw<'a>> as "machineGlobalConfig",
    }
}

pub fn judge(request: &Request<'_>, report: &mut Report) -> Result<(), Error> {
    let Cluster { spec } = request.object()?;
    // Clusters that are only imported, or belong to a cloud, have none.
    let Some(rke) = spec.rke else { return Ok(()) };
    let has_file = rke.global.get("kube-apiserver-arg").is_some_and(|arguments| {
        let list = json::from_str::<List<Str<'_>>>(arguments.get()).unwrap_or_default();
        list.iter().any(|argument| argument.trim_start_matches('-').starts_with("encryption-provider-config="))
    });
    if has_file {
        return Ok(());
    }
    let path = Path::new("spec.rkeConfig.machineGlobalConfig");
    let at = path.key(SECRETS_ENCRYPTION);
    // The file of K3s takes "true" as well.
    let said = rke.global.get(SECRETS_ENCRYPTION).map(|value| value.get().trim_matches('"'));
    match said {
        Some("true") => {}
        Some("false") => report.add(&rules::SWITCHED_OFF, &at, "the encryption of Secrets is switched off"),
        _ if spec.version.contains("+k3s") => {
            report.add(&rules::SWITCHED_OFF, &at, "k3s is not told to encrypt Secrets, so they are stored as they are");
        }
        // RKE2 does it by itself.
        _ => {}
    }
    Ok(())
}
