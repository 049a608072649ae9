//! `palisade publish`, and how any command speaks to a registry.

use std::env;
use std::path::PathBuf;

use clap::Args;

use super::ListFormat;
use crate::registry::Options;

const PUBLISH_HELP: &str = "\
Each policy goes to DESTINATION/NAME:TAG as the OCI artifact that Kubewarden
pulls: the same, byte for byte, that `kwctl push` makes of the module.

Examples:
  palisade publish registry.example.com/policies
  palisade publish registry.example.com/policies --dry-run
  palisade publish registry.example.com/policies --policy rbac-least-privilege,other.wasm
  palisade publish localhost:5000/policies     # without TLS, if need be

A registry holds what was published:
  A tag that holds this very artifact is left alone. One that holds another
  is not touched, and then nothing at all is pushed, unless --force says so.
  When something fails half way, run it again: it goes on from there.

Credentials:
  Those of docker: `docker login HOST`, credential helpers, $DOCKER_CONFIG.
  Without any, nobody in particular pushes.

What is written:
  palisade.lock, or the file that --lock names: the digest of each policy at
  this destination, for `palisade manifests --pin-digests`. What it says of
  policies that are not published this time stays. One file is for one
  destination.

Environment:
  PALISADE_CA_FILE                    as --ca-file
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY   as usual; this machine needs no proxy

Exit status:
  0  the registry has every policy; with --dry-run: nothing is in the way
  1  a tag holds something else; nothing was pushed
  2  something could not be done; what was pushed is in the lock file";

/// Publish policies to a registry
#[derive(Debug, Args)]
#[command(after_help = "Run `palisade publish --help` for examples, credentials and the exit status.", after_long_help = PUBLISH_HELP)]
pub struct Publish {
    /// The folder of the registry: [registry://]HOST[:PORT][/PATH]
    pub destination: String,

    /// Only these policies, by name, or the files of other modules; separated by commas
    #[arg(short, long = "policy", value_name = "POLICY", value_delimiter = ',')]
    pub policies: Vec<PathBuf>,

    /// The tag [default: v and the version of each policy]
    #[arg(short, long)]
    pub tag: Option<String>,

    /// Replace what the tags hold
    #[arg(long)]
    pub force: bool,

    /// Push and write nothing: only say what would be pushed
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Where the digests are written
    #[arg(long, value_name = "FILE", default_value = crate::registry::lock::FILE_NAME)]
    pub lock: PathBuf,

    /// How to report
    #[arg(short, long, value_enum, default_value_t)]
    pub format: ListFormat,

    #[command(flatten)]
    pub connection: Connection,
}

/// How to speak to the registry.
#[derive(Debug, Args)]
pub struct Connection {
    /// Trust the authorities of this file too, for the certificate of the registry; in PEM
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// Speak to the registry without TLS: whoever listens can read and change all, credentials too
    #[arg(long)]
    pub plain_http: bool,
}

impl From<&Connection> for Options {
    fn from(connection: &Connection) -> Self {
        // Not by clap: it takes a variable that is set to nothing for a mistake, and pipelines set such.
        let of_environment = || env::var_os("PALISADE_CA_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
        let ca_file = connection.ca_file.clone().or_else(of_environment);
        Self { plain_http: connection.plain_http, ca_file }
    }
}
