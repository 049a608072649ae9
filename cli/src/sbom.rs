//! The bill of materials of a module: what it is linked from, as CycloneDX.
//!
//! It is made of what the build knew, and says nothing of the time or the machine: the same module has the same one, byte for byte.

use std::fmt::Write as _;

use cyclonedx_bom::external_models::normalized_string::NormalizedString;
use cyclonedx_bom::external_models::spdx::SpdxExpression;
use cyclonedx_bom::external_models::uri::Purl;
use cyclonedx_bom::models::bom::{Bom, BomReference, SpecVersion, UrnUuid};
use cyclonedx_bom::models::component::{Classification, Component, Components, MimeType};
use cyclonedx_bom::models::composition::{AggregateType, Composition, Compositions};
use cyclonedx_bom::models::dependency::{Dependencies, Dependency};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::{LicenseChoice, Licenses};
use cyclonedx_bom::models::metadata::Metadata;
use cyclonedx_bom::models::tool::Tools;
use palisade_policies::{Module, STANDARD_LIBRARY};
use sha2::{Digest as _, Sha256};

/// What registries and scanners know it by.
pub const MEDIA_TYPE: &str = "application/vnd.cyclonedx+json";

/// Why there is no bill of materials, or none that can be read.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// One that cannot be written.
    #[error("the bill of materials of {module} cannot be written: {problem}")]
    Unwritable {
        /// The policy.
        module: String,
        /// Why.
        problem: String,
    },
    /// One that is none.
    #[error("the bill of materials cannot be read: {0}")]
    Unreadable(String),
}

/// The bill of materials of a module, as JSON.
///
/// # Errors
/// When it cannot be written.
pub fn of(module: &Module) -> Result<Vec<u8>, SbomError> {
    let failed = |problem: String| SbomError::Unwritable { module: module.name.to_owned(), problem };
    let mut bom = describe(module);
    // The number is that of its content: without one, and then with it.
    let anonymous = to_json(bom.clone()).map_err(failed)?;
    bom.serial_number = Some(UrnUuid(uuid(&Sha256::digest(&anonymous))));
    to_json(bom).map_err(failed)
}

fn to_json(bom: Bom) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    bom.output_as_json(&mut text, SpecVersion::V1_5).map_err(|error| error.to_string())?;
    text.push(b'\n');
    Ok(text)
}

/// A UUID of the version that leaves the bits to whoever makes it (RFC 9562, version 8).
fn uuid(digest: &[u8]) -> String {
    let mut text = String::from("urn:uuid:");
    for (index, byte) in digest.iter().take(16).enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let byte = match index {
            6 => byte & 0x0f | 0x80,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn describe(module: &Module) -> Bom {
    let (crates, standard_library) = (module.components, standard_library());
    let references: Vec<String> = crates.iter().map(reference).collect();
    let library_reference = standard_library.bom_ref.clone().unwrap_or_default();
    let mut dependencies: Vec<Dependency> = crates
        .iter()
        .zip(&references)
        .map(|(one, reference)| Dependency {
            dependency_ref: reference.clone(),
            dependencies: one.dependencies.iter().map(|index| references[*index].clone()).collect(),
        })
        .collect();
    if let Some(policy) = dependencies.first_mut() {
        policy.dependencies.push(library_reference.clone());
    }
    let mut components: Vec<Component> = crates.iter().skip(1).map(library).collect();
    components.push(standard_library);
    let composition = |aggregate: AggregateType, of: Vec<String>| Composition {
        bom_ref: None,
        aggregate,
        assemblies: None,
        dependencies: Some(of.into_iter().map(BomReference).collect()),
        vulnerabilities: None,
        signature: None,
    };
    Bom {
        serial_number: None,
        metadata: Some(Metadata { tools: Some(tools()), component: Some(policy(module)), ..Metadata::default() }),
        components: Some(Components(components)),
        dependencies: Some(Dependencies(dependencies)),
        // Every crate is there; what the compiler's own library is made of, nobody here knows.
        compositions: Some(Compositions(vec![
            composition(AggregateType::Complete, references),
            composition(AggregateType::Unknown, vec![library_reference]),
        ])),
        spec_version: SpecVersion::V1_5,
        ..Bom::default()
    }
}

/// What made the document.
fn tools() -> Tools {
    let palisade = Component::new(Classification::Application, env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), None);
    Tools::Object { services: None, components: Some(Components(vec![palisade])) }
}

/// The policy itself, with the hash of its module.
fn policy(module: &Module) -> Component {
    let metadata: serde_json::Value = serde_json::from_str(module.metadata).unwrap_or_default();
    let annotation = |name: &str| metadata["annotations"][format!("io.kubewarden.policy.{name}")].as_str();
    let own = &module.components[0];
    Component {
        mime_type: Some(MimeType("application/wasm".to_owned())),
        description: annotation("description").map(NormalizedString::new),
        hashes: Some(sha256(&crate::registry::sha256(module.wasm))),
        licenses: own.licence.map(licences),
        ..Component::new(
            Classification::Application,
            module.name,
            annotation("version").unwrap_or(own.version),
            Some(reference(own)),
        )
    }
}

/// What a component is called elsewhere in the document.
fn reference(component: &palisade_policies::Component) -> String {
    purl(component).map_or_else(|| format!("{}@{}", component.name, component.version), |purl| purl.to_string())
}

/// A published crate has a package URL. One of this repository has none: a stranger could publish a crate of its name.
fn purl(component: &palisade_policies::Component) -> Option<Purl> {
    component.checksum.and_then(|_| Purl::new("cargo", component.name, component.version).ok())
}

fn library(one: &palisade_policies::Component) -> Component {
    Component {
        licenses: one.licence.map(licences),
        hashes: one.checksum.map(sha256),
        purl: purl(one),
        ..Component::new(Classification::Library, one.name, one.version, Some(reference(one)))
    }
}

/// The standard library, by the commit that the compiler was built from.
fn standard_library() -> Component {
    let version = STANDARD_LIBRARY.version;
    let purl = format!("pkg:github/rust-lang/rust@{}", STANDARD_LIBRARY.commit.unwrap_or(version));
    Component {
        description: Some(NormalizedString::new("The standard library of Rust, as it comes with the compiler")),
        licenses: Some(licences("MIT OR Apache-2.0")),
        purl: purl.parse().ok(),
        ..Component::new(Classification::Library, "rust-std", version, Some(purl))
    }
}

fn licences(expression: &str) -> Licenses {
    Licenses(vec![match SpdxExpression::parse_lax(expression.to_owned()) {
        Ok(expression) => LicenseChoice::Expression(expression),
        Err(_) => LicenseChoice::license(expression),
    }])
}

fn sha256(hex: &str) -> Hashes {
    Hashes(vec![Hash { alg: HashAlgorithm::SHA_256, content: HashValue(hex.to_owned()) }])
}

/// The SHA-256, in hexadecimal, of the module that a bill of materials is about.
///
/// # Errors
/// When it is no CycloneDX, or names no module or no hash.
pub fn subject(text: &[u8]) -> Result<String, SbomError> {
    let unreadable = |problem: &dyn std::fmt::Display| SbomError::Unreadable(problem.to_string());
    let bom = Bom::parse_from_json(text).map_err(|error| unreadable(&error))?;
    let component = bom.metadata.and_then(|metadata| metadata.component);
    component
        .and_then(|component| component.hashes)
        .and_then(|hashes| hashes.0.into_iter().find(|hash| hash.alg == HashAlgorithm::SHA_256))
        .map(|hash| hash.content.0)
        .ok_or_else(|| unreadable(&"it has no metadata.component with a hash of SHA-256"))
}

#[cfg(test)]
mod tests;
