//! `palisade manifests`

use std::fs;
use std::path::{Path, PathBuf};

use anstyle::AnsiColor;

use super::{CommandError, Outcome, engine};
use crate::args::Manifests;
use crate::config::Config;
use crate::deploy::profiles::Profiles;
use crate::deploy::rights::Holders;
use crate::deploy::{DeployError, Options, Plan, kustomize};
use crate::output;
use crate::registry::lock::Lock;

/// Writes the resources.
///
/// # Errors
/// When something cannot be read or written, or is not known.
pub fn run(args: &Manifests) -> Result<Outcome, CommandError> {
    let profiles = Profiles::read().map_err(DeployError::from)?;
    let config = args.config.as_deref().map(|path| Config::load(Some(path))).transpose()?;
    let lock = if args.pin_digests { Some(read_lock(&args.lock)?) } else { None };
    let holders = Holders { policy_server: args.service_account.clone(), audit_scanner: args.audit_service_account.clone() };
    let options = Options {
        profile: args.profile,
        mode: args.mode,
        registry: args.registry.as_deref(),
        tag: args.tag.as_deref(),
        lock: lock.as_ref(),
        policy_server: Some(&args.policy_server),
        holders: (!args.no_rbac).then_some(&holders),
        exclude_namespaces: &args.exclude_namespaces,
        only: &args.only,
        skip: &args.skip,
        config: config.as_ref(),
    };
    let plan = Plan::new(&profiles, &options, || engine().map_err(|error| DeployError::Text(error.to_string())))?;
    if plan.policies.is_empty() {
        return Err(CommandError::Other(
            "no policy is left; see --only, --skip, and `enabled` in the configuration".to_owned(),
        ));
    }
    let exemptions = config.as_ref().map_or(0, |config| config.exemptions.len());
    if exemptions > 0 {
        let style = AnsiColor::Yellow.on_default().bold();
        anstream::eprintln!(
            "{style}note:{style:#} the exemptions of the configuration ({exemptions}) hold in scans only; \
             in a cluster a policy's own settings accept what is meant: palisade policies NAME lists them"
        );
    }
    let objects = if args.grouped { plan.grouped_objects() } else { plan.objects() };
    match &args.output {
        Some(path) if is_folder(path) => {
            write_folder(path, &kustomize::folder(&plan, &objects, "")?)?;
        }
        file => {
            let texts = objects.iter().map(|object| plan.text(object)).collect::<Result<Vec<_>, _>>()?;
            output::write(&texts.join("---\n"), file.as_deref())?;
        }
    }
    Ok(Outcome::Clean)
}

fn read_lock(path: &Path) -> Result<Lock, CommandError> {
    Lock::read(path)?.ok_or_else(|| {
        CommandError::Other(format!(
            "{}: there is no such file; palisade publish HOST/PATH writes it, and --lock says where it is",
            path.display()
        ))
    })
}

fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR])
}

fn write_folder(folder: &Path, files: &[(PathBuf, String)]) -> Result<(), CommandError> {
    fs::create_dir_all(folder)
        .map_err(|error| CommandError::Other(format!("{}: cannot be made: {error}", folder.display())))?;
    let mut written = String::new();
    for (name, text) in files {
        let path = folder.join(name);
        output::write(text, Some(&path))?;
        written.push_str(&format!("{}\n", path.display()));
    }
    Ok(output::write(&written, None)?)
}
