//! What each command does.

pub mod bench;
pub mod export;
pub mod keys;
pub mod manifests;
pub mod net;
pub mod policies;
pub mod publish;
pub mod rbac;
pub mod scan;
pub mod test;
pub mod verify;

use palisade_harness::{Cache, Engine, Limits};

use crate::config::ConfigError;
use crate::deploy::DeployError;
use crate::generate::GenerateError;
use crate::keys::KeyError;
use crate::modules::ModuleError;
use crate::output::OutputError;
use crate::registry::signature::SignatureError;
use crate::sbom::SbomError;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A module.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// A report that cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The plan of a deployment.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// The generated files.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] palisade_harness::EngineError),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A bill of materials.
    #[error(transparent)]
    Sbom(#[from] SbomError),
    /// A registry.
    #[error(transparent)]
    Registry(#[from] crate::registry::RegistryError),
    /// A signature.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Anything else, with what to do.
    #[error("{0}")]
    Other(String),
}

/// The outcome of a command that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to complain of.
    Clean,
    /// Findings, or fixtures that do not hold.
    Findings,
    /// Some of the work could not be done.
    Incomplete,
}

/// The engine that runs modules.
pub fn engine() -> Result<Engine, CommandError> {
    Ok(Engine::new(Limits::default(), Cache::Default)?)
}
