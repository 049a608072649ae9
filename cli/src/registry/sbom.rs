//! Bills of materials beside the modules that they are about: OCI artifacts whose subject is the module's manifest.

use std::collections::BTreeMap;

use oci_client::Reference;
use oci_client::annotations::ORG_OPENCONTAINERS_IMAGE_TITLE;
use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest, OciManifest};

use super::{Manifest, Registry, RegistryError, by_digest, canonical, digest};
use crate::sbom::{self, MEDIA_TYPE, SbomError};

/// The config of an artifact that has none, as OCI asks for it.
const EMPTY: &[u8] = b"{}";
const EMPTY_MEDIA_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// Larger ones are not read.
const LARGEST: u64 = 16 * 1024 * 1024;

/// More of them for one manifest are not looked at.
const MOST: usize = 100;

/// What is attached to a manifest.
pub struct Subject<'s> {
    /// Where it is.
    pub image: &'s Reference,
    /// Its digest.
    pub digest: &'s str,
    /// Its size in bytes.
    pub size: usize,
}

/// An artifact that says it is the bill of materials of a manifest.
pub struct Attached {
    /// The digest of its manifest.
    pub digest: String,
    /// The SHA-256, in hexadecimal, of the module that it is about; or what is wrong with it.
    pub module: Result<String, Flaw>,
}

/// What is wrong with such an artifact.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    /// The list names it, and it is not there.
    #[error("it is listed, but cannot be fetched: {0}")]
    Unfetched(String),
    /// It belongs to another manifest, or to none.
    #[error("its subject is {0}")]
    OtherSubject(String),
    /// It is of another form.
    #[error("it has no layer of type {MEDIA_TYPE}")]
    NoLayer,
    /// So many that they are there to keep somebody busy.
    #[error("there are {0} bills of materials, and more than {MOST} are not looked at")]
    TooMany(usize),
    /// The document.
    #[error(transparent)]
    Document(#[from] SbomError),
}

/// Attaches a bill of materials, unless it is attached already. Gives the digest of its manifest, and whether it is new.
///
/// # Errors
/// When the registry does not take it.
pub fn attach(
    registry: &Registry,
    subject: &Subject<'_>,
    name: &str,
    document: &[u8],
) -> Result<(String, bool), RegistryError> {
    let image = by_digest(subject.image, subject.digest);
    let manifest = manifest(subject, name, document);
    let own = digest(&canonical(&manifest));
    let is_listed = registry.referrers(&image)?.iter().any(|entry| entry.digest == own);
    if is_listed && registry.manifest_if_intact(&image, &own)?.is_ok() {
        return Ok((own, false));
    }
    registry.push_blob(&image, EMPTY)?;
    registry.push_blob(&image, document)?;
    Ok((registry.push_referrer(&image, &manifest)?, true))
}

fn manifest(subject: &Subject<'_>, name: &str, document: &[u8]) -> OciImageManifest {
    let descriptor = |media_type: &str, bytes: &[u8]| OciDescriptor {
        media_type: media_type.to_owned(),
        digest: digest(bytes),
        size: size(bytes.len()),
        ..OciDescriptor::default()
    };
    // Under this name clients write it into a folder.
    let title = BTreeMap::from([(ORG_OPENCONTAINERS_IMAGE_TITLE.to_owned(), format!("{name}.cdx.json"))]);
    OciImageManifest {
        media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
        artifact_type: Some(MEDIA_TYPE.to_owned()),
        config: descriptor(EMPTY_MEDIA_TYPE, EMPTY),
        layers: vec![OciDescriptor { annotations: Some(title), ..descriptor(MEDIA_TYPE, document) }],
        subject: Some(OciDescriptor {
            media_type: OCI_IMAGE_MEDIA_TYPE.to_owned(),
            digest: subject.digest.to_owned(),
            size: size(subject.size),
            ..OciDescriptor::default()
        }),
        ..OciImageManifest::default()
    }
}

fn size(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// The bills of materials that are attached to the manifest with this digest, in the repository of this image.
///
/// # Errors
/// When the registry does not list them.
pub fn attached(registry: &Registry, image: &Reference, digest: &str) -> Result<Vec<Attached>, RegistryError> {
    let mut entries = registry.referrers(&by_digest(image, digest))?;
    entries.retain(|entry| entry.artifact_type.as_deref() == Some(MEDIA_TYPE));
    if entries.len() > MOST {
        return Ok(vec![Attached { digest: digest.to_owned(), module: Err(Flaw::TooMany(entries.len())) }]);
    }
    entries
        .into_iter()
        .map(|entry| Ok(Attached { module: read(registry, image, digest, &entry.digest)?, digest: entry.digest }))
        .collect()
}

fn read(registry: &Registry, image: &Reference, subject: &str, own: &str) -> Result<Result<String, Flaw>, RegistryError> {
    let manifest = match registry.manifest_if_intact(image, own)? {
        Ok(Manifest { content: OciManifest::Image(manifest), .. }) => manifest,
        Ok(_) => return Ok(Err(Flaw::NoLayer)),
        Err(problem) => return Ok(Err(Flaw::Unfetched(problem))),
    };
    match manifest.subject {
        Some(descriptor) if descriptor.digest == subject => {}
        other => {
            let other = other.map_or_else(|| "none".to_owned(), |descriptor| descriptor.digest);
            return Ok(Err(Flaw::OtherSubject(other)));
        }
    }
    let layer = manifest.layers.iter().find(|layer| layer.media_type == MEDIA_TYPE);
    let Some(layer) = layer else { return Ok(Err(Flaw::NoLayer)) };
    let document = registry.blob(image, layer, LARGEST)?;
    Ok(document.map_err(Flaw::Unfetched).and_then(|document| Ok(sbom::subject(&document)?)))
}
