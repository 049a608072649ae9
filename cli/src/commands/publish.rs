//! `palisade publish`

use std::fs;
use std::path::Path;

use anstyle::AnsiColor;
use palisade_policies::POLICIES;

use super::{CommandError, Outcome};
use crate::args::{ListFormat, Publish};
use crate::keys::SigningKey;
use crate::modules::ModuleError;
use crate::output;
use crate::publish::{self, Artifact, ArtifactError, Publication, State, provenance, report};
use crate::registry::lock::{Lock, LockError};
use crate::registry::reference::Destination;
use crate::registry::{Fault, Registry, RegistryError};

/// Publishes, and says what.
///
/// # Errors
/// When a module, the lock file or the registry is not as it should be.
pub fn run(args: &Publish) -> Result<Outcome, CommandError> {
    let destination = Destination::parse(&args.destination).map_err(RegistryError::from)?;
    // All that can be known beforehand is, so that nothing is pushed in vain.
    let mut publications = Vec::new();
    for artifact in artifacts(args)? {
        publications.push(Publication::new(artifact, &destination, args.tag.as_deref()).map_err(other)?);
    }
    if let Some(publication) = publish::twice(&publications) {
        let name = &publication.artifact.name;
        return Err(CommandError::Other(format!(
            "there are two policies named {name}; publish one of them, or rename the file"
        )));
    }
    let key = args.sign_key.as_deref().map(SigningKey::read).transpose()?;
    lock(&args.lock, &destination)?;
    if !args.dry_run {
        Lock::try_write(&args.lock)?;
    }
    let registry = Registry::connect(destination.host(), &(&args.connection).into())?.for_pushing();

    match publish::survey(&registry, &mut publications) {
        Err(error) if args.dry_run && publish::is_unreachable(&error) => {
            anstream::eprintln!("note: {error}\nnote: so it is not known what is there already");
        }
        result => result?,
    }
    let conflicts: Vec<&Publication> = if args.force {
        Vec::new()
    } else {
        publications.iter().filter(|publication| matches!(publication.state, State::Differs(_))).collect()
    };
    for conflict in &conflicts {
        complain(conflict);
    }
    if args.dry_run || !conflicts.is_empty() {
        let outcome = if conflicts.is_empty() { Outcome::Clean } else { Outcome::Findings };
        print(args, &destination, &publications)?;
        return Ok(outcome);
    }

    let pushed = push(args, &registry, &mut publications, key.as_ref());
    // Also when something failed: what is there is there.
    let written = write_down(&args.lock, &destination, &publications);
    print(args, &destination, &publications)?;
    pushed?;
    written?;
    Ok(Outcome::Clean)
}

/// Pushes modules with what goes beside them. A module is signed before its tag leads to it: nobody is to find one that nobody
/// answers for.
fn push(
    args: &Publish,
    registry: &Registry,
    publications: &mut [Publication],
    key: Option<&SigningKey>,
) -> Result<(), CommandError> {
    if let Some(key) = key {
        provenance::sign(registry, publications, key)?;
    }
    publish::push(registry, publications)?;
    if !args.no_sbom {
        provenance::attach(registry, publications, key).map_err(with_hint)?;
    }
    Ok(())
}

/// Some registries take nothing but images.
fn with_hint(error: CommandError) -> CommandError {
    match error {
        CommandError::Registry(RegistryError::Failed { fault: Fault::Refused(..) | Fault::NoRegistry(_), .. }) => {
            other(format!("{error}; the policies are there; if this registry takes no bills of materials, pass --no-sbom"))
        }
        error => error,
    }
}

/// Adds to the lock file what the registry has. It is read again: meanwhile, somebody else may have published other policies.
fn write_down(path: &Path, destination: &Destination, publications: &[Publication]) -> Result<(), CommandError> {
    let mut is_there = publications.iter().filter(|publication| publication.is_there()).peekable();
    if is_there.peek().is_none() {
        return Ok(());
    }
    let mut lock = lock(path, destination)?;
    lock.policies.extend(is_there.map(|publication| (publication.artifact.name.clone(), publication.locked())));
    Ok(lock.write(path)?)
}

fn other(error: impl std::fmt::Display) -> CommandError {
    CommandError::Other(error.to_string())
}

/// The modules that are asked for: the built-in ones, or those that are named.
fn artifacts(args: &Publish) -> Result<Vec<Artifact>, CommandError> {
    if args.policies.is_empty() {
        return POLICIES.iter().map(|module| Artifact::named(module.name, module.wasm).map_err(other)).collect();
    }
    let mut artifacts = Vec::new();
    for policy in &args.policies {
        artifacts.push(match policy.to_str().and_then(palisade_policies::find) {
            Some(module) => Artifact::named(module.name, module.wasm).map_err(other)?,
            None if policy.components().count() == 1 && policy.extension().is_none() && !policy.exists() => {
                return Err(ModuleError::no_built_in(policy.display().to_string()).into());
            }
            None => of_file(policy)?,
        });
    }
    Ok(artifacts)
}

fn of_file(path: &Path) -> Result<Artifact, CommandError> {
    let module = fs::read(path).map_err(|source| ModuleError::Unreadable { path: path.to_owned(), source })?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Artifact::of_file(&path.display().to_string(), &stem, module).map_err(|error: ArtifactError| other(error))
}

/// What the file says already, which must be of the same destination.
fn lock(path: &Path, destination: &Destination) -> Result<Lock, CommandError> {
    let destination = destination.to_string();
    // Found out now, and not when everything is pushed.
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Err(CommandError::Other(format!(
            "{}: cannot be written: there is no folder {}",
            path.display(),
            folder.display()
        )));
    }
    match Lock::read(path)? {
        None => Ok(Lock::new(destination)),
        Some(lock) if lock.destination == destination => Ok(lock),
        Some(lock) => Err(CommandError::Other(format!(
            "{}: is of {}, and this is {destination}; pass --lock FILE with another file for this destination",
            path.display(),
            lock.destination
        ))),
    }
}

fn complain(conflict: &Publication) {
    let State::Differs(previous) = &conflict.state else { return };
    let style = AnsiColor::Red.on_default().bold();
    anstream::eprintln!(
        "{style}error:{style:#} {}: holds another artifact ({}, not {}); nothing was pushed; raise the version or pass --tag, \
         or replace it: --force",
        conflict.image,
        report::short(previous),
        report::short(&conflict.artifact.digest)
    );
}

fn print(args: &Publish, destination: &Destination, publications: &[Publication]) -> Result<(), CommandError> {
    let text = match args.format {
        ListFormat::Table => report::table(publications, args.dry_run, args.force),
        ListFormat::Json => report::json(publications, &destination.to_string(), args.dry_run).map_err(other)?,
    };
    Ok(output::write(&text, None)?)
}

impl From<LockError> for CommandError {
    fn from(error: LockError) -> Self {
        Self::Other(error.to_string())
    }
}
