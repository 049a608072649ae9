//! Who made a Secret: an operator, by the traces that it leaves on what it makes.
//!
//! Three traces count. An **owner reference** with the owner's uid: the garbage collector removes a Secret whose owner is not there, so it is hard to
//! claim. A **field manager** of the values, which the API server writes down. And the operator's **label**, which anybody can write:
//! it counts only on an object that was stored, and where the managed fields are left out, as exports do.

use crate::Settings;
use crate::node::Node;

/// An operator that makes Secrets.
struct Manager {
    /// Its name, for messages.
    name: &'static str,
    group: &'static str,
    kinds: &'static [&'static str],
    /// The names by which it writes, those that end with `*` by their beginning.
    writers: &'static [&'static str],
    /// A label or annotation that it sets, and its value where that is always the same.
    mark: (&'static str, Option<&'static str>),
}

/// Names of writers: the External Secrets Operator gives its own for each ExternalSecret, and the webhook's certificate is written by
/// its binary's. The others take the name of the binary, as client-go does.
static MANAGERS: [Manager; 5] = [
    Manager {
        name: "the External Secrets Operator",
        group: "external-secrets.io",
        kinds: &["ExternalSecret"],
        writers: &["externalsecrets.external-secrets.io/*", "external-secrets"],
        mark: ("reconcile.external-secrets.io/managed", Some("true")),
    },
    Manager {
        name: "the Vault Secrets Operator",
        group: "secrets.hashicorp.com",
        kinds: &["VaultStaticSecret", "VaultDynamicSecret", "VaultPKISecret", "HCPVaultSecretsApp"],
        writers: &["vault-secrets-operator"],
        mark: ("secrets.hashicorp.com/vso-ownerRefUID", None),
    },
    Manager {
        name: "Sealed Secrets",
        group: "bitnami.com",
        kinds: &["SealedSecret"],
        writers: &["controller"],
        mark: ("sealedsecrets.bitnami.com/sealed-secrets-key", None),
    },
    Manager {
        name: "the Secrets Store CSI driver",
        group: "secrets-store.csi.x-k8s.io",
        kinds: &["SecretProviderClassPodStatus"],
        writers: &["secrets-store-csi"],
        mark: ("secrets-store.csi.k8s.io/managed", Some("true")),
    },
    Manager {
        name: "cert-manager",
        group: "cert-manager.io",
        kinds: &["Certificate"],
        writers: &["cert-manager-*"],
        mark: (CERTIFICATE, None),
    },
];

/// The annotation by which cert-manager knows the Secrets of its Certificates.
const CERTIFICATE: &str = "cert-manager.io/certificate-name";

/// What the traces on a Secret say.
pub enum Origin {
    /// This operator made it.
    Manager(&'static str),
    /// An owner that the settings trust made it.
    TrustedOwner,
    /// Nobody that is known.
    Unknown,
}

/// Who made the Secret that has this metadata, and had `old` before an UPDATE, by its own account.
pub fn of(metadata: &Node<'_, '_>, old: Option<&Node<'_, '_>>, settings: &Settings) -> Origin {
    let mut origin = Origin::Unknown;
    metadata.at("ownerReferences").items(&mut |owner| {
        let (api_version, kind) = (owner.at("apiVersion").text(), owner.at("kind").text());
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        if owner.at("uid").text().is_empty() {
            return;
        }
        if let Some(manager) = MANAGERS.iter().find(|manager| manager.group == group && manager.kinds.contains(&&*kind)) {
            origin = Origin::Manager(manager.name);
        } else if settings.trusted_owners.iter().any(|trusted| trusted.api_group == group && trusted.kind == *kind) {
            origin = Origin::TrustedOwner;
        }
    });
    if matches!(origin, Origin::Unknown)
        && let Some(name) = writer_of_data(metadata)
    {
        origin = Origin::Manager(name);
    }
    // The mark that an UPDATE brings along counts no more than that of a manifest; and where the API server says who wrote the
    // values, it has said it.
    let is_stored = |metadata: &&Node<'_, '_>| {
        !metadata.at("resourceVersion").text().is_empty() && metadata.at("managedFields").count() == 0
    };
    if matches!(origin, Origin::Unknown)
        && let Some(name) = Some(old.unwrap_or(metadata)).filter(is_stored).and_then(marked)
    {
        origin = Origin::Manager(name);
    }
    origin
}

/// The operator that wrote all values.
fn writer_of_data(metadata: &Node<'_, '_>) -> Option<&'static str> {
    let (mut found, mut by_others) = (None, false);
    metadata.at("managedFields").items(&mut |entry| {
        let fields = entry.at("fieldsV1");
        if fields.is_set() && !fields.at("f:data").is_set() {
            return;
        }
        let name = entry.at("manager").text();
        match MANAGERS.iter().find(|manager| manager.writers.iter().any(|writer| is_meant(&name, writer))) {
            Some(manager) => found = Some(manager.name),
            None => by_others = true,
        }
    });
    found.filter(|_| !by_others)
}

/// Whether a name is this one, or begins so where that ends with `*`.
pub fn is_meant(name: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

/// The operator whose label or annotation a Secret has.
pub fn marked(metadata: &Node<'_, '_>) -> Option<&'static str> {
    let mut found = None;
    for marks in ["labels", "annotations"] {
        metadata.at(marks).fields(&mut |name, value| {
            for manager in &MANAGERS {
                let (key, expected) = manager.mark;
                if key == name && expected.is_none_or(|expected| value.text() == expected) {
                    found = Some(manager.name);
                }
            }
        });
    }
    found
}

/// Whether a Secret has the annotation of cert-manager's certificates.
pub fn is_certificate(metadata: &Node<'_, '_>) -> bool {
    let mut found = false;
    metadata.at("annotations").fields(&mut |name, _| found |= name == CERTIFICATE);
    found
}
