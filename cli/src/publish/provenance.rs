//! What is put beside a module: signatures, and the bill of materials.

use palisade_policies::POLICIES;
use serde::Serialize;

use super::Publication;
use crate::commands::CommandError;
use crate::keys::SigningKey;
use crate::progress::Progress;
use crate::registry::Registry;
use crate::registry::sbom::{Subject, attach as attach_document};
use crate::registry::signature::{self, SignatureError};
use crate::report::count;
use crate::sbom;

/// What was put beside a module, if anything.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Provenance {
    /// The signature of its manifest.
    pub signature: Option<Step>,
    /// The bill of materials.
    pub sbom: Option<Attached>,
}

/// Whether it was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// It is new.
    Added,
    /// It was.
    Unchanged,
}

impl From<bool> for Step {
    fn from(is_new: bool) -> Self {
        if is_new { Self::Added } else { Self::Unchanged }
    }
}

/// A bill of materials that is attached.
#[derive(Clone, Debug, Serialize)]
pub struct Attached {
    /// The digest of its manifest.
    pub digest: String,
    /// Whether it was there.
    pub state: Step,
    /// The signature of that manifest.
    pub signature: Option<Step>,
}

/// Signs the manifests, also those that were there before.
///
/// # Errors
/// When the registry does not take a signature.
pub fn sign(registry: &Registry, publications: &mut [Publication], key: &SigningKey) -> Result<(), SignatureError> {
    let progress = Progress::new(publications.len(), "signatures");
    for publication in publications {
        let is_new = signature::sign(registry, &publication.image, &publication.artifact.digest, key)?;
        publication.provenance.signature = Some(is_new.into());
        progress.step();
    }
    Ok(())
}

/// Attaches to each module that is built in its bill of materials, signed where there is a key.
///
/// # Errors
/// When the registry does not take it.
pub fn attach(registry: &Registry, publications: &mut [Publication], key: Option<&SigningKey>) -> Result<(), CommandError> {
    let progress = Progress::new(publications.len(), "bills of materials");
    for publication in publications {
        // What the modules of others are made of, nobody here knows.
        if let Some(module) = POLICIES.iter().find(|module| module.wasm == &*publication.artifact.module) {
            let artifact = &publication.artifact;
            let subject = Subject { image: &publication.image, digest: &artifact.digest, size: artifact.manifest.len() };
            let (digest, is_new) = attach_document(registry, &subject, &artifact.name, &sbom::of(module)?)?;
            let attached = publication.provenance.sbom.insert(Attached { digest, state: is_new.into(), signature: None });
            if let Some(key) = key {
                let is_new = signature::sign(registry, &publication.image, &attached.digest, key)?;
                attached.signature = Some(is_new.into());
            }
        }
        progress.step();
    }
    Ok(())
}

/// What there is beside the modules, and how much of it is new.
pub fn lines(publications: &[Publication]) -> Vec<String> {
    let line = |noun: &str, plural: &str, steps: Vec<Step>| {
        let new = steps.iter().filter(|step| **step == Step::Added).count();
        let words = if steps.len() == 1 { count(1, noun) } else { format!("{} {plural}", steps.len()) };
        (!steps.is_empty()).then(|| format!("{words}, {new} new"))
    };
    let sboms = || publications.iter().filter_map(|publication| publication.provenance.sbom.as_ref());
    let signatures = publications
        .iter()
        .filter_map(|publication| publication.provenance.signature)
        .chain(sboms().filter_map(|sbom| sbom.signature));
    [
        line("bill of materials", "bills of materials", sboms().map(|sbom| sbom.state).collect()),
        line("signature", "signatures", signatures.collect()),
    ]
    .into_iter()
    .flatten()
    .collect()
}
