//! Which policies look, each with its settings; loaded when something is there to look at.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use palisade_harness::{AdmissionRequest, Engine, LoadError, Metadata, Policy};
use palisade_policies::POLICIES;
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::config::{Config, ConfigError};

/// The annotation that names a policy.
const TITLE: &str = "io.kubewarden.policy.title";

/// Which policies the command line asks for.
#[derive(Debug, Default)]
pub struct Selection<'a> {
    /// Modules beside the built-in ones.
    pub files: &'a [PathBuf],
    /// If not empty: only these, even if the configuration disables them.
    pub only: &'a [String],
    /// Not these.
    pub skip: &'a [String],
}

/// A policy that is to look.
#[derive(Debug)]
pub struct Candidate {
    /// Its name.
    pub name: Arc<str>,
    /// Its settings.
    pub settings: Value,
    metadata: Option<Metadata>,
    module: Module,
}

#[derive(Debug)]
enum Module {
    BuiltIn(&'static [u8]),
    Loaded(Box<Policy>),
}

/// A policy that is ready.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Its name.
    pub name: Arc<str>,
    /// Its settings.
    pub settings: Value,
    /// The module.
    pub policy: Policy,
}

/// Why the policies cannot look.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// A module's file that cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A module that cannot be loaded.
    #[error("{module}: {source}")]
    Load {
        /// The file or the name.
        module: String,
        /// Why.
        source: LoadError,
    },
    /// Two policies of one name.
    #[error("{}: there is a policy named {name} already; rename the file", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A name that no policy has.
    #[error("there is no policy named {name}; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Those that exist.
        known: String,
    },
    /// A policy that fails before it has seen an object.
    #[error("{policy}: {problem}")]
    Broken {
        /// The policy.
        policy: Arc<str>,
        /// What happened.
        problem: String,
    },
    /// Something wrong in the configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl ModuleError {
    /// A name that no built-in policy has.
    pub fn no_built_in(name: impl Into<String>) -> Self {
        let known: Vec<&str> = POLICIES.iter().map(|module| module.name).collect();
        Self::Unknown { name: name.into(), known: known.join(", ") }
    }
}

/// What a built-in module says of itself.
///
/// # Errors
/// When it cannot be read.
pub fn metadata(module: &palisade_policies::Module) -> Result<Metadata, ModuleError> {
    serde_json::from_str(module.metadata)
        .map_err(|error| ModuleError::Broken { policy: module.name.into(), problem: error.to_string() })
}

/// Chooses the policies, and checks the settings of those that have any.
///
/// # Errors
/// When a module cannot be loaded, a name is unknown, or a policy refuses its settings.
pub fn choose(engine: &Engine, selection: &Selection<'_>, config: &Config) -> Result<Vec<Candidate>, ModuleError> {
    let mut candidates = Vec::new();
    for module in POLICIES {
        candidates.push(Candidate {
            name: module.name.into(),
            settings: json!({}),
            metadata: Some(metadata(module)?),
            module: Module::BuiltIn(module.wasm),
        });
    }
    for path in selection.files {
        let candidate = third_party(engine, path, &candidates)?;
        candidates.push(candidate);
    }
    let names: BTreeSet<Arc<str>> = candidates.iter().map(|candidate| Arc::clone(&candidate.name)).collect();
    let known =
        || if names.is_empty() { "none".to_owned() } else { names.iter().map(|name| &**name).collect::<Vec<_>>().join(", ") };
    if let Some(name) = selection.only.iter().chain(selection.skip).find(|name| !names.contains(name.as_str())) {
        return Err(ModuleError::Unknown { name: name.clone(), known: known() });
    }
    if let Some(name) = config.policies.keys().find(|name| !names.contains(name.as_str())) {
        return Err(config.wrong_policy(name, format!("there is no policy of this name; there are {}", known())).into());
    }
    candidates.retain(|candidate| {
        let named = |names: &[String]| names.iter().any(|name| **name == *candidate.name);
        let enabled = config.policies.get(&*candidate.name).is_none_or(|policy| policy.enabled);
        (if selection.only.is_empty() { enabled } else { named(selection.only) }) && !named(selection.skip)
    });
    candidates.par_iter_mut().try_for_each(|candidate| candidate.configure(engine, config))?;
    Ok(candidates)
}

/// Loads a module that is not built in. Its name is its title, or else its file's.
fn third_party(engine: &Engine, path: &Path, others: &[Candidate]) -> Result<Candidate, ModuleError> {
    let policy = load_file(engine, path)?;
    let taken = |name: &str| others.iter().any(|other| *other.name == *name);
    let title = policy
        .metadata()
        .and_then(|metadata| metadata.annotations.get(TITLE))
        .map(String::as_str)
        .filter(|title| !title.trim().is_empty() && !taken(title));
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name: Arc<str> = title.map_or_else(|| Arc::from(&*stem), Arc::from);
    if taken(&name) {
        return Err(ModuleError::Twice { path: path.to_owned(), name: name.to_string() });
    }
    Ok(Candidate { name, settings: json!({}), metadata: policy.metadata().cloned(), module: Module::Loaded(Box::new(policy)) })
}

/// Loads a module from a file, under its file's name.
///
/// # Errors
/// When the file cannot be read, or is no policy that can be run.
pub fn load_file(engine: &Engine, path: &Path) -> Result<Policy, ModuleError> {
    let wasm = fs::read(path).map_err(|source| ModuleError::Unreadable { path: path.to_owned(), source })?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Policy::load(engine, &stem, &wasm).map_err(|source| ModuleError::Load { module: path.display().to_string(), source })
}

impl Candidate {
    /// Takes what the configuration says for it. A policy that gets settings is loaded, to ask whether it takes them.
    fn configure(&mut self, engine: &Engine, config: &Config) -> Result<(), ModuleError> {
        let Some(own) = config.policies.get(&*self.name) else { return Ok(()) };
        let settings = own.effective_settings();
        if settings.as_object().is_none_or(serde_json::Map::is_empty) {
            return Ok(());
        }
        let policy = self.load(engine)?;
        let broken = |problem: String| ModuleError::Broken { policy: Arc::clone(&self.name), problem };
        if !own.rules.is_empty() && !matches!(policy.describe(), Ok(Some(_))) {
            let problem = "not one of Palisade's policies: the levels of its rules cannot be set; it takes `settings` only";
            return Err(config.wrong(&format!("policies[{}].rules", self.name), format!("{}: {problem}", self.name)).into());
        }
        let verdict = policy.validate_settings(&settings).map_err(|error| broken(error.to_string()))?;
        if !verdict.valid {
            let said = verdict.message.unwrap_or_else(|| "the policy refuses these settings, and does not say why".to_owned());
            return Err(config.wrong_settings(&self.name, &said).into());
        }
        self.settings = settings;
        self.module = Module::Loaded(Box::new(policy));
        Ok(())
    }

    /// Whether it wants to see this request.
    pub fn watches(&self, request: &AdmissionRequest) -> bool {
        self.metadata.as_ref().is_none_or(|metadata| metadata.watches(request))
    }

    fn load(&self, engine: &Engine) -> Result<Policy, ModuleError> {
        match &self.module {
            Module::Loaded(policy) => Ok(Policy::clone(policy)),
            Module::BuiltIn(wasm) => Policy::load(engine, &self.name, wasm)
                .map_err(|source| ModuleError::Load { module: self.name.to_string(), source }),
        }
    }

    /// Makes it ready to look.
    ///
    /// # Errors
    /// When the module cannot be loaded.
    pub fn ready(&self, engine: &Engine) -> Result<Ready, ModuleError> {
        Ok(Ready { name: Arc::clone(&self.name), settings: self.settings.clone(), policy: self.load(engine)? })
    }
}
