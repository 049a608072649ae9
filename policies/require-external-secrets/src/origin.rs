//! Who made a Secret: an operator, by the traces that it leaves on what it makes.
//!
//! Three traces count. An **owner reference** with the owner's uid: the garbage collector removes a Secret whose owner is not there, so it is hard to
//! claim. A **field manager** of the values, which the API server writes down. And the operator's **label**, which anybody can write:
//! it counts only on an object that is stored already, as the background audit and an export see it.

use palisade_sdk::{List, Map, Operation, Raw, Request, Str};

use crate::Settings;

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
const MANAGERS: [Manager; 5] = [
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
pub const CERTIFICATE: &str = "cert-manager.io/certificate-name";

palisade_sdk::view! {
    /// `metadata` of a Secret, as far as it tells who made it.
    pub struct Metadata<'a> {
        pub name: Str<'a> as "name",
        pub generate_name: Str<'a> as "generateName",
        pub resource_version: Str<'a> as "resourceVersion",
        pub labels: Map<'a> as "labels",
        pub annotations: Map<'a> as "annotations",
        pub owner_references: List<Owner<'a>> as "ownerReferences",
        managed_fields: List<ManagedFields<'a>> as "managedFields",
    }

    /// `ownerReferences[]`
    pub struct Owner<'a> {
        api_version: Str<'a> as "apiVersion",
        pub kind: Str<'a> as "kind",
        pub name: Str<'a> as "name",
        uid: Str<'a> as "uid",
    }

    /// `managedFields[]`
    struct ManagedFields<'a> {
        manager: Str<'a> as "manager",
        fields: Option<Fields<'a>> as "fieldsV1",
    }

    /// `fieldsV1`, where the values of a Secret are concerned.
    struct Fields<'a> {
        data: Option<Raw<'a>> as "f:data",
    }
}

/// What the traces on a Secret say.
pub enum Origin {
    /// This operator made it.
    Manager(&'static str),
    /// An owner that the settings trust made it.
    TrustedOwner,
    /// Nobody that is known.
    Unknown,
}

/// Who made a Secret, by its own account.
pub fn of(metadata: &Metadata<'_>, old: Option<&Metadata<'_>>, request: &Request<'_>, settings: &Settings) -> Origin {
    for owner in &metadata.owner_references {
        let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
        if owner.uid.is_empty() {
            continue;
        }
        if let Some(manager) = MANAGERS.iter().find(|manager| manager.group == group && manager.kinds.contains(&&*owner.kind)) {
            return Origin::Manager(manager.name);
        }
        if settings.trusted_owners.iter().any(|trusted| trusted.api_group == group && trusted.kind == *owner.kind) {
            return Origin::TrustedOwner;
        }
    }
    if let Some(name) = writer_of_data(metadata) {
        return Origin::Manager(name);
    }
    // What an UPDATE brings along counts no more than what a manifest says.
    let stored = match request.operation {
        Operation::Update => old,
        _ => Some(metadata).filter(|metadata| !metadata.resource_version.is_empty()),
    };
    match stored.and_then(marked) {
        Some(name) => Origin::Manager(name),
        None => Origin::Unknown,
    }
}

/// The operator that wrote all values.
fn writer_of_data(metadata: &Metadata<'_>) -> Option<&'static str> {
    let mut found = None;
    for entry in &metadata.managed_fields {
        if entry.fields.as_ref().is_some_and(|fields| fields.data.is_none()) {
            continue;
        }
        found = Some(MANAGERS.iter().find(|manager| manager.writers.iter().any(|writer| is_writer(&entry.manager, writer)))?.name);
    }
    found
}

fn is_writer(name: &str, writer: &str) -> bool {
    match writer.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == writer,
    }
}

/// The operator whose label or annotation a Secret has.
pub fn marked(metadata: &Metadata<'_>) -> Option<&'static str> {
    MANAGERS.iter().find_map(|manager| {
        let (key, expected) = manager.mark;
        let value = metadata.labels.get(key).or_else(|| metadata.annotations.get(key))?;
        expected.is_none_or(|expected| *value == expected).then_some(manager.name)
    })
}
