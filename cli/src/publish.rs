//! Publishing policies to a registry, as Kubewarden pulls them.
//!
//! What is pushed is what `kwctl push` pushes, byte for byte, so that both give a module the same digest. Nothing is pushed twice, and
//! what a tag holds is replaced only when that is asked for.

mod artifact;
pub mod provenance;
pub mod report;

use std::collections::BTreeSet;

use oci_client::Reference;
use oci_client::manifest::OCI_IMAGE_MEDIA_TYPE;

pub use artifact::{Artifact, ArtifactError, CONFIG};
pub use provenance::Provenance;

use crate::progress::Progress;
use crate::registry::lock::{Locked, LockedModule};
use crate::registry::reference::{Destination, ReferenceError};
use crate::registry::{Fault, Registry, RegistryError};

/// A policy and where it goes.
#[derive(Debug)]
pub struct Publication {
    /// What is pushed.
    pub artifact: Artifact,
    /// The place and the tag.
    pub image: Reference,
    /// What became of it.
    pub state: State,
    /// What was put beside it.
    pub provenance: Provenance,
}

/// What became of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not asked for yet, or the registry could not be asked.
    Unknown,
    /// The tag is free: to be pushed.
    Pending,
    /// The tag holds another artifact, of this digest.
    Differs(String),
    /// The tag holds this very artifact.
    Unchanged,
    /// Pushed under a new tag.
    Pushed,
    /// Pushed in place of this digest.
    Replaced(String),
}

impl Publication {
    /// A policy, below a destination, under this tag or that of its version.
    ///
    /// # Errors
    /// When a registry would refuse its name or tag.
    pub fn new(artifact: Artifact, destination: &Destination, tag: Option<&str>) -> Result<Self, PublicationError> {
        let tag = match (tag, &*artifact.version) {
            (Some(tag), _) => tag.to_owned(),
            (None, "") => return Err(PublicationError::NoVersion { policy: artifact.name }),
            (None, version) => tag_of(version),
        };
        let image = destination.artifact(&artifact.name, &tag)?;
        Ok(Self { artifact, image, state: State::Unknown, provenance: Provenance::default() })
    }

    /// Whether the registry has it.
    pub fn is_there(&self) -> bool {
        matches!(self.state, State::Unchanged | State::Pushed | State::Replaced(_))
    }

    /// Its entry in the lock file.
    pub fn locked(&self) -> Locked {
        Locked {
            reference: self.image.to_string(),
            digest: self.artifact.digest.clone(),
            version: self.artifact.version.clone(),
            module: LockedModule { sha256: self.artifact.module_sha256().to_owned(), size: self.artifact.module.len() as u64 },
        }
    }
}

/// Why a policy cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum PublicationError {
    /// No tag.
    #[error("{policy}: its metadata has no io.kubewarden.policy.version to make a tag of; pass --tag")]
    NoVersion {
        /// The policy.
        policy: String,
    },
    /// No name for a registry.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

/// The tag of a version, as the policies of Kubewarden are tagged.
pub fn tag_of(version: &str) -> String {
    format!("v{}", version.trim_start_matches('v'))
}

/// Asks what each tag holds.
///
/// # Errors
/// When the registry does not say.
pub fn survey(registry: &Registry, publications: &mut [Publication]) -> Result<(), RegistryError> {
    let progress = Progress::new(publications.len(), "tags asked for");
    for publication in publications {
        publication.state = match registry.manifest(&publication.image)? {
            None => State::Pending,
            Some(manifest) if manifest.digest == publication.artifact.digest => State::Unchanged,
            Some(manifest) => State::Differs(manifest.digest),
        };
        progress.step();
    }
    Ok(())
}

/// Pushes what is not there: first all that manifests name, then the manifests, so that a tag never leads to half a policy, and as
/// few of them as may be are of one version while others are of the next when something fails in between.
///
/// # Errors
/// When the registry does not take it. What is there by then is there to stay, and a later run goes on from it.
pub fn push(registry: &Registry, publications: &mut [Publication]) -> Result<(), RegistryError> {
    let is_due = |publication: &&mut Publication| matches!(publication.state, State::Pending | State::Differs(_));
    let due = publications.iter_mut().filter(is_due).count();
    let progress = Progress::new(2 * due, "uploads");
    for publication in publications.iter_mut().filter(is_due) {
        registry.push_blob(&publication.image, &publication.artifact.module)?;
        registry.push_blob(&publication.image, CONFIG)?;
        progress.step();
    }
    for publication in publications.iter_mut().filter(is_due) {
        registry.push_manifest(&publication.image, &publication.artifact.manifest, OCI_IMAGE_MEDIA_TYPE)?;
        publication.state = match &publication.state {
            State::Differs(previous) => State::Replaced(previous.clone()),
            _ => State::Pushed,
        };
        progress.step();
    }
    Ok(())
}

/// Whether a registry could not be asked at all.
pub fn is_unreachable(error: &RegistryError) -> bool {
    matches!(error, RegistryError::Failed { fault: Fault::Unreachable(_) | Fault::Timeout, .. })
}

/// The first of two policies of one name.
pub fn twice(publications: &[Publication]) -> Option<&Publication> {
    let mut names = BTreeSet::new();
    publications.iter().find(|publication| !names.insert(&*publication.artifact.name))
}
