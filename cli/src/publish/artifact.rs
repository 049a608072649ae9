//! A module as an OCI artifact.

use std::borrow::Cow;
use std::collections::BTreeMap;

use oci_client::annotations::ORG_OPENCONTAINERS_IMAGE_SOURCE;
use oci_client::client::{Config, ImageLayer};
use oci_client::manifest::{OciImageManifest, WASM_CONFIG_MEDIA_TYPE, WASM_LAYER_MEDIA_TYPE};
use palisade_harness::Metadata;
use serde::Deserialize;

use crate::registry::reference::is_repository;
use crate::registry::{canonical, digest};

const TITLE: &str = "io.kubewarden.policy.title";
const VERSION: &str = "io.kubewarden.policy.version";
const SOURCE: &str = "io.kubewarden.policy.source";

/// The configuration of every module: there is nothing to configure.
pub const CONFIG: &[u8] = b"{}";

/// A module, and the manifest that describes it to registries.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The policy's name, which is the last part of its repository's.
    pub name: String,
    /// Its version; empty where its metadata says none.
    pub version: String,
    /// The module.
    pub module: Cow<'static, [u8]>,
    /// The manifest.
    pub manifest: Vec<u8>,
    /// The manifest's digest.
    pub digest: String,
    module_digest: String,
}

/// Why a module cannot be published.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ArtifactError {
    /// Not what policy-server runs.
    #[error("{module}: no WebAssembly module{}", hint.map(|hint| format!(": {hint}")).unwrap_or_default())]
    NotWasm {
        /// The file or the name.
        module: String,
        /// What it seems to be.
        hint: Option<&'static str>,
    },
    /// A module that is damaged.
    #[error("{module}: its metadata cannot be read: {problem}")]
    Unreadable {
        /// The file or the name.
        module: String,
        /// Why.
        problem: String,
    },
    /// Kubewarden would not know how to run it.
    #[error(
        "{module}: has no metadata, without which Kubewarden does not know how to run it; add it: kwctl annotate --metadata-path metadata.yml --output-path annotated.wasm {module}"
    )]
    NoMetadata {
        /// The file or the name.
        module: String,
    },
    /// Nothing to call it by.
    #[error(
        "{module}: neither its title ({title:?}) nor the name of the file is one for a repository: expected lower-case letters, digits, and . _ - between them; rename the file"
    )]
    NoName {
        /// The file.
        module: String,
        /// The title.
        title: String,
    },
    /// JSON that registries refuse.
    #[error(
        "{module}: the annotation {annotation} has a control character in it, such as a tab, which no registry takes; annotate the module without it"
    )]
    ControlCharacter {
        /// The file or the name.
        module: String,
        /// The annotation.
        annotation: String,
    },
}

/// What is read of the metadata. That there are no annotations is not the same as that there are none in them: `kwctl` tells the
/// two apart.
#[derive(Deserialize)]
struct Annotated {
    annotations: Option<BTreeMap<String, String>>,
}

impl Artifact {
    /// A policy of this name.
    ///
    /// # Errors
    /// When it is no module with metadata.
    pub fn named(name: &str, module: impl Into<Cow<'static, [u8]>>) -> Result<Self, ArtifactError> {
        Self::build(name, module.into(), |_| Ok(name.to_owned()))
    }

    /// The module of a file. Its name is its title, or else the file's.
    ///
    /// # Errors
    /// When it is no module with metadata, or has no name.
    pub fn of_file(file: &str, stem: &str, module: Vec<u8>) -> Result<Self, ArtifactError> {
        Self::build(file, module.into(), |title| {
            let is_name = |name: &&str| is_repository(name) && !name.contains('/');
            let name = [title, stem].into_iter().find(is_name);
            name.map(str::to_owned).ok_or_else(|| ArtifactError::NoName { module: file.to_owned(), title: title.to_owned() })
        })
    }

    fn build(
        subject: &str,
        module: Cow<'static, [u8]>,
        name: impl Fn(&str) -> Result<String, ArtifactError>,
    ) -> Result<Self, ArtifactError> {
        let annotations = annotations(subject, &module)?;
        let text = |name: &str| annotations.as_ref().and_then(|all| all.get(name)).map_or("", |value| value.trim());
        let (name, version) = (name(text(TITLE))?, text(VERSION).to_owned());
        let annotations = annotations.map(for_manifest);
        if let Some(annotation) = annotations.iter().flatten().find_map(|(key, value)| {
            (key.contains(char::is_control) || value.contains(char::is_control)).then(|| key.escape_debug().to_string())
        }) {
            return Err(ArtifactError::ControlCharacter { module: subject.to_owned(), annotation });
        }
        let layer = ImageLayer::new(module.to_vec(), WASM_LAYER_MEDIA_TYPE.to_owned(), None);
        let config = Config::new(CONFIG.to_vec(), WASM_CONFIG_MEDIA_TYPE.to_owned(), None);
        let manifest = canonical(&OciImageManifest::build(&[layer], &config, annotations));
        Ok(Self { name, version, digest: digest(&manifest), manifest, module_digest: digest(&module), module })
    }

    /// The module's digest, in hexadecimal.
    pub fn module_sha256(&self) -> &str {
        self.module_digest.trim_start_matches("sha256:")
    }
}

fn annotations(subject: &str, module: &[u8]) -> Result<Option<BTreeMap<String, String>>, ArtifactError> {
    let subject = || subject.to_owned();
    let hint = match module {
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => None,
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => Some("a component, which policy-server does not run"),
        [] => Some("the file is empty"),
        [0x1f, 0x8b, ..] => Some("it is compressed"),
        _ if module.trim_ascii_start().starts_with(b"(module") => Some("it is WebAssembly in text; build it with wat2wasm"),
        _ => return Err(ArtifactError::NotWasm { module: subject(), hint: None }),
    };
    if hint.is_some() {
        return Err(ArtifactError::NotWasm { module: subject(), hint });
    }
    let unreadable = |problem: String| ArtifactError::Unreadable { module: subject(), problem };
    let section =
        Metadata::section(module).map_err(unreadable)?.ok_or_else(|| ArtifactError::NoMetadata { module: subject() })?;
    let annotated: Annotated = serde_json::from_slice(section).map_err(|error| unreadable(error.to_string()))?;
    Ok(annotated.annotations)
}

/// The annotations that a manifest takes: those of one line, as OCI has it, and the source where registries look for it.
fn for_manifest(annotations: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut kept: BTreeMap<String, String> = annotations
        .into_iter()
        .filter(|(_, value)| value.lines().count() <= 1)
        .map(|(key, value)| (key, value.trim().to_owned()))
        .collect();
    if let Some(source) = kept.get(SOURCE).cloned() {
        kept.entry(ORG_OPENCONTAINERS_IMAGE_SOURCE.to_owned()).or_insert(source);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least module with this custom section.
    fn module(metadata: &str) -> Vec<u8> {
        let mut section = vec![b"io.kubewarden.metadata".len() as u8];
        section.extend(b"io.kubewarden.metadata");
        section.extend(metadata.as_bytes());
        let mut wasm = b"\0asm\x01\0\0\0\0".to_vec();
        // Its length, in LEB128.
        wasm.extend([section.len() as u8 & 0x7f | 0x80, (section.len() >> 7) as u8]);
        wasm.extend(section);
        wasm
    }

    #[test]
    fn a_manifest() {
        let metadata = r#"{"annotations": {
            "io.kubewarden.policy.title": "a",
            "io.kubewarden.policy.version": "1.0.0",
            "io.kubewarden.policy.source": " https://example.com/a\n",
            "io.kubewarden.policy.usage": "two\nlines",
            "io.kubewarden.policy.description": "Größe"
        }}"#;
        let artifact = Artifact::of_file("b.wasm", "b", module(metadata)).unwrap();
        assert_eq!((&*artifact.name, &*artifact.version), ("a", "1.0.0"));
        insta::assert_snapshot!(String::from_utf8(artifact.manifest).unwrap());
    }

    #[test]
    fn no_annotations_and_none_in_them() {
        for (metadata, expected) in [(r#"{"annotations": null}"#, false), ("{}", false), (r#"{"annotations": {}}"#, true)] {
            let artifact = Artifact::of_file("a.wasm", "a", module(metadata)).unwrap();
            assert_eq!(String::from_utf8(artifact.manifest).unwrap().contains("annotations"), expected, "{metadata}");
        }
    }

    #[test]
    fn a_source_that_is_said_is_kept() {
        let annotations = [(SOURCE, "a"), (ORG_OPENCONTAINERS_IMAGE_SOURCE, "b")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(for_manifest(annotations.into()).get(ORG_OPENCONTAINERS_IMAGE_SOURCE).map(String::as_str), Some("b"));
    }

    #[test]
    fn what_cannot_be_published() {
        let tab = module("{\"annotations\": {\"a\": \"b\\tc\"}}");
        let errors: Vec<String> = [
            Vec::new(),
            b"hello".to_vec(),
            b"(module)".to_vec(),
            b"\x1f\x8b".to_vec(),
            b"\0asm\x0d\0\x01\0".to_vec(),
            b"\0asm\x01\0\0\0".to_vec(),
            b"\0asm\x01\0\0\0\0\x7f".to_vec(),
            module("hello"),
            tab,
        ]
        .into_iter()
        .map(|module| Artifact::of_file("a.wasm", "a", module).unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(errors.join("\n"));
    }

    #[test]
    fn names() {
        let of = |title: &str, stem: &str| {
            let metadata = format!(r#"{{"annotations": {{"io.kubewarden.policy.title": {title:?}}}}}"#);
            Artifact::of_file("some/file.wasm", stem, module(&metadata)).map(|artifact| artifact.name)
        };
        assert_eq!(of("title", "stem").as_deref(), Ok("title"));
        assert_eq!(of("A Title", "stem").as_deref(), Ok("stem"));
        assert_eq!(of("a/b", "stem").as_deref(), Ok("stem"));
        assert_eq!(of("", "stem").as_deref(), Ok("stem"));
        insta::assert_snapshot!(of("A Title", "Some File").unwrap_err());
    }
}
