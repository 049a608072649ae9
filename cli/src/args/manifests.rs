//! `palisade manifests`

use std::path::PathBuf;

use clap::Args;

use crate::deploy::profiles::ProfileName;
use crate::deploy::resources::Mode;
use crate::deploy::rights::ServiceAccount;
use crate::registry::lock::FILE_NAME as LOCK_FILE;

const HELP: &str = "\
Examples:
  palisade manifests | kubectl apply -f -
  palisade manifests --profile restricted --output palisade/
  palisade manifests --registry registry.example.com/policies
  palisade manifests --pin-digests              # of what was published
  palisade manifests --mode protect --only rbac-least-privilege
  palisade manifests --config palisade.yaml     # with the settings of scans

What is written:
  A ClusterAdmissionPolicy of Kubewarden for each policy of the profile, with
  its module, its settings, what it watches and what it may look up; and two
  ClusterRoles with their bindings: policy-server may read what the policies
  look up, and the audit scanner what they judge, save Secrets.
  Comments say what differs from a policy's defaults, and why. The same input
  always gives the same text.

Profiles:
  baseline    what every team can turn on; what widespread charts ship is at
              most warned of, save roles that grant everything: those of Argo
              CD, for example, are accepted by name in allowedRoles
  restricted  every policy, and everything that is unsafe is rejected

Modes:
  monitor  nothing is rejected; policy-server logs what it finds, and the
           audit reports it. When policy-server is down, requests go on.
  protect  what policies find is rejected. When policy-server is down, so is
           what they watch, outside of kube-system and the like.
  Kubewarden refuses to set a policy back from protect to monitor: delete it,
  and apply it anew.

What is read:
  With --pin-digests the lock file that palisade publish wrote; with --config a
  configuration of palisade scan, of which settings, levels of rules and
  `enabled` are laid over the profile. Its exemptions are for scans only.

Exit status:
  0  everything is written
  2  something could not be read, is not known, or could not be written";

/// Write the policies as resources of Kubewarden, to apply them to a cluster
#[derive(Debug, Args)]
#[command(after_help = "Run `palisade manifests --help` for examples, profiles and modes.", after_long_help = HELP)]
pub struct Manifests {
    /// Which policies, and how strict they are
    #[arg(long, value_enum, default_value_t)]
    pub profile: ProfileName,

    /// Whether what they find is rejected
    #[arg(long, value_enum, default_value_t)]
    pub mode: Mode,

    /// The folder of the registry with the modules [default: the one that they name themselves]
    #[arg(long, value_name = "HOST/PATH")]
    pub registry: Option<String>,

    /// The tag of the modules [default: that of each policy's version, for example v0.1.0]
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,

    /// Name the modules by their digests too, so that what is pulled is what was published
    #[arg(long)]
    pub pin_digests: bool,

    /// Where the digests are
    #[arg(long, value_name = "FILE", default_value = LOCK_FILE, requires = "pin_digests")]
    pub lock: PathBuf,

    /// The PolicyServer that runs the policies
    #[arg(long, value_name = "NAME", default_value = crate::deploy::POLICY_SERVER)]
    pub policy_server: String,

    /// The ServiceAccount of that PolicyServer
    #[arg(long, value_name = "NAMESPACE/NAME", default_value = "kubewarden/policy-server")]
    pub service_account: ServiceAccount,

    /// The ServiceAccount of the audit scanner
    #[arg(long, value_name = "NAMESPACE/NAME", default_value = "kubewarden/audit-scanner")]
    pub audit_service_account: ServiceAccount,

    /// Leave out the ClusterRoles and their bindings, where Kubewarden has these rights already
    #[arg(long, conflicts_with_all = ["service_account", "audit_service_account"])]
    pub no_rbac: bool,

    /// A further namespace that no policy sees; may be repeated
    #[arg(long = "exclude-namespace", value_name = "NAME")]
    pub exclude_namespaces: Vec<String>,

    /// Only these policies, even those that the profile leaves out; separated by commas
    #[arg(long, value_name = "POLICY", value_delimiter = ',')]
    pub only: Vec<String>,

    /// Not these policies; separated by commas
    #[arg(long, value_name = "POLICY", value_delimiter = ',')]
    pub skip: Vec<String>,

    /// Lay the settings of a palisade.yaml over the profile
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Write one ClusterAdmissionPolicyGroup for each category where that is possible; docs/clusters.md says what groups lose
    #[arg(long)]
    pub grouped: bool,

    /// Write to a file instead of standard output, or into a folder, as a kustomization: one that exists, or a name with / behind it
    #[arg(short, long, value_name = "FILE|DIR")]
    pub output: Option<PathBuf>,
}
