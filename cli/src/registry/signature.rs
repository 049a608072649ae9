//! Signatures beside what they sign, laid out as cosign does it: what `kwctl` and policy-server verify.
//!
//! The signatures of a manifest are the layers of another one, whose tag is made of the first one's digest. A layer is a text that
//! names the digest; the signature of that text stands in an annotation of the layer.

use std::collections::BTreeMap;

use oci_client::Reference;
use oci_client::manifest::{IMAGE_CONFIG_MEDIA_TYPE, OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest, OciManifest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Registry, RegistryError, by_tag, intact};
use crate::keys::{KeyError, SigningKey, VerificationKey};

/// The type of a layer that is signed.
const LAYER_MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The annotation that holds the signature.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// What a payload says it is.
const PAYLOAD_TYPE: &str = "cosign container image signature";
/// Larger layers are not looked at: a payload has some 250 bytes.
const LARGEST_PAYLOAD: u64 = 64 * 1024;
/// Nor are more of them.
const MOST: usize = 100;

/// The tag of the signatures of a manifest.
pub fn tag(digest: &str) -> String {
    format!("{}.sig", digest.replacen(':', "-", 1))
}

/// What is signed: the form is that of `containers-signature(5)`.
#[derive(Deserialize, Serialize)]
struct Payload {
    critical: Critical,
    #[serde(default)]
    optional: Value,
}

#[derive(Deserialize, Serialize)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Identity {
    docker_reference: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Image {
    docker_manifest_digest: String,
}

/// The text that is signed for a manifest of this repository.
fn payload(repository: &str, digest: &str) -> Vec<u8> {
    let payload = Payload {
        critical: Critical {
            identity: Identity { docker_reference: repository.to_owned() },
            image: Image { docker_manifest_digest: digest.to_owned() },
            kind: PAYLOAD_TYPE.to_owned(),
        },
        optional: Value::Null,
    };
    serde_json::to_vec(&payload).unwrap_or_default()
}

/// Why signatures cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The tag of the signatures, with something else behind it.
    #[error("{0}: this tag is for the signatures of a policy, and holds something else")]
    NoSignatures(Reference),
    /// So many that they are there to keep somebody busy.
    #[error("{0}: there are {1} signatures, and more than {MOST} are not looked at")]
    TooMany(Box<Reference>, usize),
}

/// The signatures of a manifest, as a registry holds them.
pub struct Signatures {
    digest: String,
    manifest: Option<OciImageManifest>,
    /// Of each layer what it says, or why that is not known.
    payloads: Vec<Result<Vec<u8>, Flaw>>,
}

impl Signatures {
    /// Reads the signatures of the manifest with this digest, in the repository of this image.
    ///
    /// # Errors
    /// When the registry does not give them.
    pub fn read(registry: &Registry, image: &Reference, digest: &str) -> Result<Self, SignatureError> {
        let place = by_tag(image, &tag(digest));
        let manifest = match intact(registry.manifest(&place))?.map(|found| found.map(|manifest| manifest.content)) {
            Ok(None) => None,
            Ok(Some(OciManifest::Image(manifest))) => Some(manifest),
            Ok(Some(OciManifest::ImageIndex(_))) | Err(_) => return Err(SignatureError::NoSignatures(place)),
        };
        let layers: Vec<&OciDescriptor> = manifest.iter().flat_map(|manifest| &manifest.layers).collect();
        if layers.len() > MOST {
            return Err(SignatureError::TooMany(Box::new(place), layers.len()));
        }
        // Those who sign by different keys sign the same text.
        let mut known: BTreeMap<(&str, i64), Result<Vec<u8>, Flaw>> = BTreeMap::new();
        let mut payloads = Vec::new();
        for layer in layers {
            if layer.media_type != LAYER_MEDIA_TYPE {
                payloads.push(Err(Flaw::OtherLayer(layer.media_type.clone())));
                continue;
            }
            let key = (&*layer.digest, layer.size);
            let payload = match known.get(&key) {
                Some(payload) => payload.clone(),
                None => registry.blob(&place, layer, LARGEST_PAYLOAD)?.map_err(Flaw::Unfetched),
            };
            payloads.push(known.entry(key).or_insert(payload).clone());
        }
        Ok(Self { digest: digest.to_owned(), manifest, payloads })
    }

    /// Whether one of them is by this key.
    ///
    /// # Errors
    /// What is wrong with each.
    pub fn verify(&self, key: &VerificationKey) -> Result<(), Vec<Flaw>> {
        let mut flaws = Vec::new();
        let layers = self.manifest.iter().flat_map(|manifest| &manifest.layers);
        for (layer, payload) in layers.zip(&self.payloads) {
            match payload.clone().and_then(|payload| check(layer, &payload, &self.digest, key)) {
                Ok(()) => return Ok(()),
                Err(flaw) => flaws.push(flaw),
            }
        }
        Err(flaws)
    }
}

/// Signs the manifest with this digest in the repository of this image, unless this key did already; says whether it did.
///
/// # Errors
/// When the registry does not take it.
pub fn sign(registry: &Registry, image: &Reference, digest: &str, key: &SigningKey) -> Result<bool, SignatureError> {
    let existing = Signatures::read(registry, image, digest)?;
    if existing.verify(key.public()).is_ok() {
        return Ok(false);
    }
    let payload = payload(&format!("{}/{}", image.registry(), image.repository()), digest);
    let signature = key.sign(&payload)?;
    let (manifest, config) = append(existing.manifest, &payload, signature);
    registry.push_blob(image, &payload)?;
    registry.push_blob(image, &config)?;
    registry.push_manifest(&by_tag(image, &tag(digest)), &super::canonical(&manifest), OCI_IMAGE_MEDIA_TYPE)?;
    Ok(true)
}

/// Why a layer is no signature of a manifest by a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A layer of another kind.
    #[error("a layer of type {0}")]
    OtherLayer(String),
    /// A layer that cannot be had as its digest says.
    #[error("a payload that cannot be fetched: {0}")]
    Unfetched(String),
    /// A layer without the annotation.
    #[error("a payload without a signature")]
    Unsigned,
    /// A signature by another key, or of other bytes.
    #[error("a signature that is not by this key")]
    OtherKey,
    /// A text of another form.
    #[error("a payload that cannot be read")]
    Garbage,
    /// A text about another manifest.
    #[error("a signature by this key, but of {0}")]
    OtherDigest(String),
}

/// Whether a layer is a signature, by this key, of the manifest with this digest.
///
/// The name in the payload is not looked at, as it is not by cosign: a mirror keeps the signatures of what it mirrors.
///
/// # Errors
/// What is wrong with it.
fn check(layer: &OciDescriptor, payload: &[u8], digest: &str, key: &VerificationKey) -> Result<(), Flaw> {
    let signature = layer.annotations.as_ref().and_then(|annotations| annotations.get(SIGNATURE)).ok_or(Flaw::Unsigned)?;
    // First of all: what nobody answers for is not worth reading.
    if !key.verifies(payload, signature) {
        return Err(Flaw::OtherKey);
    }
    let payload: Payload = serde_json::from_slice(payload).map_err(|_| Flaw::Garbage)?;
    if payload.critical.kind != PAYLOAD_TYPE {
        return Err(Flaw::Garbage);
    }
    let signed = payload.critical.image.docker_manifest_digest;
    if signed == digest { Ok(()) } else { Err(Flaw::OtherDigest(signed)) }
}

/// The manifest of signatures with one more, and the config that goes with it.
fn append(existing: Option<OciImageManifest>, payload: &[u8], signature: String) -> (OciImageManifest, Vec<u8>) {
    let mut manifest = existing.unwrap_or_default();
    manifest.media_type = Some(OCI_IMAGE_MEDIA_TYPE.to_owned());
    manifest.layers.push(OciDescriptor {
        media_type: LAYER_MEDIA_TYPE.to_owned(),
        digest: super::digest(payload),
        size: i64::try_from(payload.len()).unwrap_or(i64::MAX),
        annotations: Some(BTreeMap::from([(SIGNATURE.to_owned(), signature)])),
        ..OciDescriptor::default()
    });
    let config = config(&manifest.layers);
    manifest.config = OciDescriptor {
        media_type: IMAGE_CONFIG_MEDIA_TYPE.to_owned(),
        digest: super::digest(&config),
        size: i64::try_from(config.len()).unwrap_or(i64::MAX),
        ..OciDescriptor::default()
    };
    (manifest, config)
}

/// An image's config, as cosign writes one: nobody reads it, but there must be one that lists the layers.
#[derive(Serialize)]
struct Config<'a> {
    architecture: &'static str,
    created: &'static str,
    history: Vec<History>,
    os: &'static str,
    rootfs: RootFs<'a>,
    config: BTreeMap<(), ()>,
}

#[derive(Serialize)]
struct History {
    created: &'static str,
}

#[derive(Serialize)]
struct RootFs<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: Vec<&'a str>,
}

/// No time at all, so that the same layers have the same config.
const NEVER: &str = "0001-01-01T00:00:00Z";

fn config(layers: &[OciDescriptor]) -> Vec<u8> {
    let config = Config {
        architecture: "",
        created: NEVER,
        history: layers.iter().map(|_| History { created: NEVER }).collect(),
        os: "",
        rootfs: RootFs { kind: "layers", diff_ids: layers.iter().map(|layer| layer.digest.as_str()).collect() },
        config: BTreeMap::new(),
    };
    serde_json::to_vec(&config).unwrap_or_default()
}

#[cfg(test)]
mod tests;
