//! `palisade verify`

use std::path::{Path, PathBuf};

use oci_client::Reference;
use palisade_policies::POLICIES;

use super::{CommandError, Outcome};
use crate::args::{Verify, VerifyFormat};
use crate::deploy::own_tag;
use crate::keys::VerificationKey;
use crate::modules;
use crate::output;
use crate::progress::Progress;
use crate::publish::is_unreachable;
use crate::registry::lock::{FILE_NAME, Lock, Locked};
use crate::registry::reference::{self, Destination};
use crate::registry::{Registry, RegistryError};
use crate::verify::{self, Expectations, Key, LockedAs, Verdict};

/// A policy that is to be looked at.
struct Subject {
    policy: String,
    image: Reference,
    locked: LockedAs,
}

/// Checks what was published, and reports it.
///
/// # Errors
/// When the destination, a key or the lock file cannot be read. What is wrong at the registry stands in the report.
pub fn run(args: &Verify) -> Result<Outcome, CommandError> {
    let keys = args.keys.iter().map(|path| read_key(path)).collect::<Result<Vec<_>, _>>()?;
    let lock = read_lock(args.lock.as_deref())?;
    let subjects = if names_one(&args.destination) {
        let image = reference::parse(&args.destination).map_err(RegistryError::from)?;
        vec![one(args, image, lock.as_ref())?]
    } else {
        all(args, lock.as_ref())?
    };
    let Some(first) = subjects.first() else {
        return Err(CommandError::Other("there is nothing to verify: the lock file names no policy".to_owned()));
    };
    let registry = Registry::connect(first.image.registry(), &(&args.connection).into())?;

    let progress = Progress::new(subjects.len(), "policies looked at");
    let mut verdicts = Vec::new();
    let mut is_down = false;
    for Subject { policy, image, locked } in &subjects {
        let mut verdict = Verdict::new(policy, image.to_string());
        let expectations = Expectations { keys: &keys, locked, with_sbom: !args.no_sbom };
        if is_down {
            verdict.give_up(&"not asked for: the registry did not answer before");
        } else if let Err(error) = verify::examine(&registry, image, &expectations, &mut verdict) {
            verdict.give_up(&error);
            is_down = is_unreachable(&error);
        }
        verdicts.push(verdict);
        progress.step();
    }
    drop(progress);

    let text = match args.format {
        VerifyFormat::Table => verify::table(&verdicts, output::width()),
        VerifyFormat::Json => verify::json(&verdicts).map_err(|error| CommandError::Other(error.to_string()))?,
    };
    output::write(&text, args.output.as_deref())?;
    Ok(if verdicts.iter().any(Verdict::is_unknown) {
        Outcome::Incomplete
    } else if verdicts.iter().any(Verdict::is_wrong) {
        Outcome::Findings
    } else {
        Outcome::Clean
    })
}

/// Whether this is the name of one policy, with its tag or digest, rather than that of a folder.
fn names_one(destination: &str) -> bool {
    let bare = destination.split_once("://").map_or(destination, |(_, bare)| bare);
    bare.split_once('/').is_some_and(|(_, path)| path.contains([':', '@']))
}

fn read_key(path: &Path) -> Result<Key, CommandError> {
    Ok(Key { file: path.display().to_string(), key: VerificationKey::read(path)? })
}

/// The lock file that is asked for, which must be there, or the one that may be.
fn read_lock(path: Option<&Path>) -> Result<Option<(PathBuf, Lock)>, CommandError> {
    let file = path.unwrap_or(Path::new(FILE_NAME));
    match Lock::read(file)? {
        Some(lock) => Ok(Some((file.to_owned(), lock))),
        None if path.is_none() => Ok(None),
        None => Err(CommandError::Other(format!(
            "{}: there is no such file; `palisade publish` writes it, into palisade.lock by default",
            file.display()
        ))),
    }
}

/// The policy of a reference with a tag or a digest.
fn one(args: &Verify, image: Reference, lock: Option<&(PathBuf, Lock)>) -> Result<Subject, CommandError> {
    if !args.policies.is_empty() || args.tag.is_some() {
        return Err(CommandError::Other(format!("{image} is one policy already: leave out --policy and --tag")));
    }
    let policy = image.repository().rsplit('/').next().unwrap_or_default().to_owned();
    let is_its = |locked: &&Locked| {
        reference::parse(&locked.reference)
            .is_ok_and(|other| (other.registry(), other.repository()) == (image.registry(), image.repository()))
    };
    let locked = match lock {
        None => LockedAs::no_file(),
        Some((file, lock)) => match lock.policies.get(&policy).filter(is_its) {
            Some(locked) => locked_as(file, locked, &image)?,
            None => LockedAs::Unsaid(format!("{} says nothing of {}/{}", file.display(), image.registry(), image.repository())),
        },
    };
    Ok(Subject { policy, image, locked })
}

/// The policies of a destination.
fn all(args: &Verify, lock: Option<&(PathBuf, Lock)>) -> Result<Vec<Subject>, CommandError> {
    let destination = Destination::parse(&args.destination).map_err(RegistryError::from)?;
    let here = lock.filter(|(_, lock)| lock.destination == destination.to_string());
    if let (Some(file), Some((_, lock)), None) = (&args.lock, lock, here) {
        return Err(CommandError::Other(format!(
            "{}: is of {}, and this is {destination}; pass the lock file of this destination",
            file.display(),
            lock.destination
        )));
    }
    let names: Vec<&str> = if !args.policies.is_empty() {
        args.policies.iter().map(String::as_str).collect()
    } else if let Some((_, lock)) = here {
        lock.policies.keys().map(String::as_str).collect()
    } else {
        POLICIES.iter().map(|module| module.name).collect()
    };
    let subject = |name: &str| {
        let locked = here.and_then(|(file, lock)| Some((file, lock.policies.get(name)?)));
        let image = image(args, &destination, name, locked.map(|(_, locked)| locked))?;
        let locked = match (here, lock, locked) {
            (_, _, Some((file, locked))) => locked_as(file, locked, &image)?,
            (Some((file, _)), ..) => LockedAs::Missing(file.display().to_string()),
            (None, Some((file, lock)), _) => LockedAs::Unsaid(format!("{} is of {}", file.display(), lock.destination)),
            (None, None, _) => LockedAs::no_file(),
        };
        Ok(Subject { policy: name.to_owned(), image, locked })
    };
    names.into_iter().map(subject).collect()
}

/// Where a policy is: under the tag that is asked for, that it was published under, or that it would be.
fn image(args: &Verify, destination: &Destination, name: &str, locked: Option<&Locked>) -> Result<Reference, CommandError> {
    let published = locked.map(|locked| reference::parse(&locked.reference)).transpose().map_err(RegistryError::from)?;
    if let Some(tag) = args.tag.as_deref().or(published.as_ref().and_then(Reference::tag)) {
        return Ok(destination.artifact(name, tag).map_err(RegistryError::from)?);
    }
    match palisade_policies::find(name) {
        Some(module) => {
            let tag = own_tag(&modules::metadata(module)?);
            Ok(destination.artifact(name, &tag).map_err(RegistryError::from)?)
        }
        None => Err(CommandError::Other(format!("{name}: neither built in nor in the lock file; pass --tag"))),
    }
}

/// What the lock file says of an image. It says nothing of other tags than its own.
fn locked_as(file: &Path, locked: &Locked, image: &Reference) -> Result<LockedAs, CommandError> {
    let own = reference::parse(&locked.reference).map_err(RegistryError::from)?;
    if image.tag().is_some_and(|tag| own.tag() != Some(tag)) {
        return Ok(LockedAs::Unsaid(format!("{} is about the tag {}", file.display(), own.tag().unwrap_or_default())));
    }
    Ok(LockedAs::Said { file: file.display().to_string(), locked: locked.clone() })
}
