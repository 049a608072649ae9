//! `palisade generate-key-pair`

use std::path::PathBuf;

use clap::Args;

const HELP: &str = "\
The private key is encrypted by the password of the environment variable
COSIGN_PASSWORD. The files have the form that cosign writes and reads: either
tool takes the other's keys.

Example:
  read -rs COSIGN_PASSWORD && export COSIGN_PASSWORD
  palisade generate-key-pair release
  palisade publish registry://registry.example.com/policies --sign-key release.key
  palisade verify registry://registry.example.com/policies --key release.pub

Files:
  PREFIX.key  the private key, for its owner's eyes only; keep it in the
              secrets of CI, not in a repository
  PREFIX.pub  the public key, for those who verify

  A file that is there already is never overwritten.

Exit status:
  0  both files were written
  2  they were not";

/// Make a key pair to sign policies with
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct GenerateKeyPair {
    /// What the names of the files begin with; a folder before it must be there
    #[arg(default_value = "palisade", value_name = "PREFIX")]
    pub prefix: PathBuf,
}
