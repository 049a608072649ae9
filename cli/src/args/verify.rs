//! `palisade verify`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Connection;

const HELP: &str = "\
Examples:
  palisade verify registry://registry.example.com/policies --key release.pub
  palisade verify registry://registry.example.com/policies --key release.pub \\
      --policy rbac-least-privilege --tag v0.1.0
  palisade verify --key release.pub \\
      registry.example.com/policies/rbac-least-privilege@sha256:2f1c...

Which policies:
  Those of --policy, or else those that the lock file says were published
  there, or else all that are built in. A reference with a tag or a digest
  is that of one policy.

What is checked:
  tag        there is such a policy
  lock       the tag leads to the manifest that the lock file names, and the
             module has the hash that it names; - where there is no lock file
  signature  the manifest is signed by each --key; the form is cosign's
  module     the manifest has one WebAssembly module, and its bytes are those
             that the manifest names
  metadata   the module says which requests it is for, and is the policy of
             that name
  sbom       a bill of materials that is about this very module is attached,
             and signed by one --key; - for policies that are not built in

  Besides, it is told whether the module is byte for byte the one that is
  built into this program. It need not be: other versions have other modules.

Read besides:
  palisade.lock in the working directory, where --lock names no other file;
  the credentials of docker (see `palisade publish --help`).

Exit status:
  0  everything is as it should be
  1  something is not; the report says what to do
  2  something could not be checked; the rest is reported all the same";

/// Check what was published: tags, signatures, modules and bills of materials
#[derive(Debug, Args)]
#[command(after_help = "Run `palisade verify --help` for examples, what is checked and the exit status.", after_long_help = HELP)]
pub struct Verify {
    /// Where the policies are, as of `palisade publish`; or one policy with its tag or digest
    #[arg(value_name = "DESTINATION")]
    pub destination: String,

    /// The public key that they are signed by; if repeated, by each of them
    #[arg(short, long = "key", required = true, value_name = "FILE")]
    pub keys: Vec<PathBuf>,

    /// Only these policies; separated by commas, may be repeated
    #[arg(short, long = "policy", value_name = "NAME", value_delimiter = ',')]
    pub policies: Vec<String>,

    /// The tag [default: that of the lock file, or v and the version of the policy]
    #[arg(short, long, value_name = "TAG")]
    pub tag: Option<String>,

    /// The lock file that `palisade publish` wrote [default: palisade.lock, if it is there]
    #[arg(long, value_name = "FILE")]
    pub lock: Option<PathBuf>,

    /// Ask for no bill of materials
    #[arg(long)]
    pub no_sbom: bool,

    /// How to report
    #[arg(short, long, value_enum, default_value_t)]
    pub format: VerifyFormat,

    /// Write the report to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub connection: Connection,
}

/// The format of a report of what was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum VerifyFormat {
    /// For people
    #[default]
    Table,
    /// For programs: documented and stable
    Json,
}
