//! `palisade generate-key-pair`

use super::{CommandError, Outcome};
use crate::args::GenerateKeyPair;
use crate::{keys, output};

/// Makes a key pair, and says where it is.
///
/// # Errors
/// When there is no password, or a file is there already or cannot be written.
pub fn run(args: &GenerateKeyPair) -> Result<Outcome, CommandError> {
    let [private, public] = keys::generate(&args.prefix)?;
    output::write(&format!("private key  {}\npublic key   {}\n", private.display(), public.display()), None)?;
    Ok(Outcome::Clean)
}
