//! `palisade export`

use std::fmt::Write as _;
use std::fs;

use palisade_policies::POLICIES;

use super::{CommandError, Outcome};
use crate::args::Export;
use crate::modules::ModuleError;
use crate::{output, sbom};

/// Writes the modules, and says which.
///
/// # Errors
/// When a policy is not known, or a file cannot be written.
pub fn run(args: &Export) -> Result<Outcome, CommandError> {
    if let Some(name) = args.only.iter().find(|name| palisade_policies::find(name).is_none()) {
        return Err(ModuleError::no_built_in(name).into());
    }
    let failed = |path: &std::path::Path, error: std::io::Error| {
        CommandError::Other(format!("{}: cannot be written: {error}", path.display()))
    };
    fs::create_dir_all(&args.dir).map_err(|error| failed(&args.dir, error))?;
    let mut written = String::new();
    for module in POLICIES.iter().filter(|module| args.only.is_empty() || args.only.iter().any(|name| name == module.name)) {
        let mut write = |extension: &str, content: &[u8]| {
            let path = args.dir.join(module.name).with_extension(extension);
            fs::write(&path, content).map_err(|error| failed(&path, error))?;
            let _ = writeln!(written, "{}  {} bytes", path.display(), content.len());
            Ok::<_, CommandError>(())
        };
        write("wasm", module.wasm)?;
        if args.sbom {
            write("cdx.json", &sbom::of(module)?)?;
        }
    }
    output::write(&written, None)?;
    Ok(Outcome::Clean)
}
