//! The command line, as clap reads it.

mod keys;
mod manifests;
mod publish;
mod verify;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use palisade_harness::Severity;
use palisade_sdk::Date;

use crate::rbac::Risk;

pub use keys::GenerateKeyPair;
pub use manifests::Manifests;
pub use publish::{Connection, Publish};
pub use verify::{Verify, VerifyFormat};

/// Scans Kubernetes manifests with Kubewarden policies, offline.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, subcommand_required = true, max_term_width = 100)]
pub struct Cli {
    /// When to use colours; by default on terminals, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,

    #[command(subcommand)]
    pub command: Command,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Color {
    // No doc comments: they would take ten lines in the help of every command.
    #[default]
    Auto,
    Always,
    Never,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Scan manifests
    Scan(Scan),
    /// Report who may do what, for a review of access
    Rbac(Rbac),
    /// Report who can reach whom
    Net(Net),
    /// Run a policy's fixtures
    Test(Test),
    /// List the policies, or explain one
    Policies(Policies),
    /// Measure sizes, load times and speed
    Bench(Bench),
    /// Write the policies' modules into a folder
    Export(Export),
    /// Make a key pair to sign policies with
    GenerateKeyPair(GenerateKeyPair),
    /// Publish policies to a registry
    Publish(Publish),
    /// Check what was published: tags, signatures, modules and bills of materials
    Verify(Verify),
    /// Write the policies as resources of Kubewarden, to apply them to a cluster
    Manifests(Manifests),
    /// Renew the files that are generated from the policies
    #[command(hide = true)]
    Generate(Generate),
    /// Print a script that completes this command in a shell
    #[command(
        after_help = "Example, for bash:\n  palisade completions bash > ~/.local/share/bash-completion/completions/palisade"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
}

const SCAN_HELP: &str = "\
Examples:
  palisade scan k8s/
  helm template chart/ | palisade scan -
  palisade scan k8s/ --format sarif --output palisade.sarif
  palisade scan k8s/ --only rbac-least-privilege --fail-on deny
  palisade scan k8s/ --today 2027-01-31    # what will be due by then

What is read:
  YAML and JSON files with any number of documents, lists included. Of a
  folder, all files named *.yaml, *.yml and *.json, without hidden files,
  node_modules, Helm charts, kustomization files, and documents that have
  neither apiVersion nor kind. A file that is named itself must hold
  Kubernetes objects. All objects of one scan are one cluster: policies
  that look things up see them, and nothing else.

Configuration:
  palisade.yaml, in the working directory or the nearest one above it:

    policies:
      rbac-least-privilege:
        # As the policy's README lists them
        settings: {allowedRoles: []}
        # Each rule: deny, warn or off
        rules: {wildcard-verb: warn}
      require-network-policy:
        enabled: false
    exemptions:
      # policy, rule, namespace, kind and name are patterns with * and ?;
      # those that are there must all match
      - policy: rbac-least-privilege
        namespace: kube-*
        reason: managed by the platform team
        # Optional: the last day on which it holds
        expires: 2026-12-31

Exit status:
  0  no findings, and everything could be read and judged
  1  findings, of the severity of --fail-on or above
  2  something could not be read or judged; the rest is reported
     all the same";

/// Scan manifests
#[derive(Debug, Args)]
#[command(after_help = "Run `palisade scan --help` for examples, the configuration and the exit status.", after_long_help = SCAN_HELP)]
pub struct Scan {
    /// Files and folders; - is standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// How to report
    #[arg(short, long, value_enum, default_value_t)]
    pub format: Format,

    /// Write the report to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// The configuration, instead of the nearest palisade.yaml
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The namespace of objects that name none
    #[arg(short, long, default_value = "default", value_name = "NAME")]
    pub namespace: String,

    /// The day, for what is due or expires [default: today, in UTC]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub today: Option<Date>,

    #[command(flatten)]
    pub policies: PolicySelection,

    /// Report only findings of this severity or above
    #[arg(long, value_enum, default_value_t = Threshold::Warn, value_name = "SEVERITY")]
    pub severity: Threshold,

    /// Exit with status 1 from this severity on
    #[arg(long, value_enum, default_value_t = FailOn::Warn, value_name = "SEVERITY")]
    pub fail_on: FailOn,
}

/// Which policies look.
#[derive(Debug, Args)]
pub struct PolicySelection {
    /// Add a Kubewarden policy: a WebAssembly module; may be repeated
    #[arg(short = 'p', long = "policy", value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Use only these policies, even those that the configuration disables; separated by commas
    #[arg(long, value_name = "POLICY", value_delimiter = ',')]
    pub only: Vec<String>,

    /// Do not use these policies; separated by commas
    #[arg(long, value_name = "POLICY", value_delimiter = ',')]
    pub skip: Vec<String>,
}

/// The format of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// For programs: documented and stable
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, for CI servers
    Junit,
    /// Annotations of GitHub Actions
    Github,
}

/// A severity and all above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Threshold {
    /// What would be rejected
    Deny,
    /// Everything
    Warn,
}

impl Threshold {
    /// Whether this severity is at or above it.
    pub fn includes(self, severity: Severity) -> bool {
        self == Self::Warn || severity == Severity::Deny
    }
}

/// From which severity on findings fail a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Findings that would be rejected
    Deny,
    /// All findings
    Warn,
    /// No finding
    Never,
}

impl FailOn {
    /// Whether a finding of this severity fails a scan.
    pub fn includes(self, severity: Severity) -> bool {
        match self {
            Self::Deny => severity == Severity::Deny,
            Self::Warn => true,
            Self::Never => false,
        }
    }
}

const RBAC_HELP: &str = "\
Examples:
  palisade rbac k8s/
  palisade rbac k8s/ --format markdown > review.md
  palisade rbac k8s/ --subject 'ServiceAccount:shop/*' --risk
  kubectl get clusterroles,clusterrolebindings,roles,rolebindings,sa,deploy \\
      --all-namespaces -o json | palisade rbac -

What is reported:
  For each user, group and ServiceAccount: through which binding it holds
  which role, where, and what that grants. Groups that ServiceAccounts are
  in anyway (system:serviceaccounts, that of their namespace, and
  system:authenticated) stand by themselves, and are named beside their
  members. The roles that every cluster has, such as admin, edit and view,
  are known, with what the documents aggregate into them.

Marks:
  high    what the policies reject: it leads to the rights of others, or
          goes to everybody
  medium  what they warn of: worth a look

  Reviews that are overdue are told by the annotations
  palisade.dev/review-by and palisade.dev/owner of roles and bindings, or by
  those that palisade.yaml sets for the policy require-rbac-review.

Exit status:
  0  the report is complete, whatever it says
  2  something could not be read; the rest is reported all the same";

/// Report who may do what, for a review of access
#[derive(Debug, Args)]
#[command(after_help = "Run `palisade rbac --help` for examples, what is reported and the marks.", after_long_help = RBAC_HELP)]
pub struct Rbac {
    /// Files and folders; - is standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// How to report
    #[arg(short, long, value_enum, default_value_t)]
    pub format: AccessFormat,

    /// Write the report to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// The configuration, instead of the nearest palisade.yaml
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The namespace of objects that name none
    #[arg(short, long, default_value = "default", value_name = "NAME")]
    pub namespace: String,

    /// The day, for reviews that are due [default: today, in UTC]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub today: Option<Date>,

    /// Only these subjects: NAME, NAMESPACE/NAME, with or without KIND: before it, with * and ?; may be repeated
    #[arg(long = "subject", value_name = "PATTERN")]
    pub subjects: Vec<String>,

    /// Only what is granted in these namespaces, also by a ClusterRoleBinding; may be repeated
    #[arg(long, value_name = "NAMESPACE")]
    pub within: Vec<String>,

    /// Only subjects with a mark, or with --risk=high one of these
    #[arg(long, value_enum, value_name = "RISK", num_args = 0..=1, require_equals = true, default_missing_value = "medium")]
    pub risk: Option<AccessRisk>,
}

/// The format of a report of access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AccessFormat {
    /// For people
    #[default]
    Table,
    /// For programs: documented and stable
    Json,
    /// For a ticket, with boxes to check
    Markdown,
}

/// A risk and all above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AccessRisk {
    /// What the policies warn of, and what they reject
    Medium,
    /// What the policies reject
    High,
}

impl From<AccessRisk> for Risk {
    fn from(risk: AccessRisk) -> Self {
        match risk {
            AccessRisk::Medium => Self::Medium,
            AccessRisk::High => Self::High,
        }
    }
}

const NET_HELP: &str = "\
Examples:
  palisade net k8s/
  palisade net k8s/ --format mermaid          # for Markdown on GitHub, GitLab
  palisade net k8s/ --format dot | dot -Tsvg -o network.svg
  kubectl get deploy,sts,ds,cj,job,po,svc,ing,netpol,ns,cm \\
      --all-namespaces -o json | palisade net -

What is reported:
  For each workload: who reaches it and whom it reaches, on which ports, by
  the NetworkPolicies, Services and routes of the documents. From the
  Internet comes what a Service, a host port or a route publishes. A pair of
  workloads that may connect only because anybody may is not listed; there
  it says \"any pod\" and \"everything\" instead.

Marks:
  dangerous  a database, a console or a workload that no policy isolates is
             open to everybody; the metadata service of the cloud, or the
             Internet on every port, can be reached
  unneeded   open, but neither a container nor a Service names a port there
  needed     what is left
  What a workload names in its settings and no policy lets it reach is
  listed apart.

Exit status:
  0  the report is complete, whatever it says
  2  something could not be read; the rest is reported all the same";

/// Report who can reach whom
#[derive(Debug, Args)]
#[command(after_help = "Run `palisade net --help` for examples, what is reported and the marks.", after_long_help = NET_HELP)]
pub struct Net {
    /// Files and folders; - is standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// How to report
    #[arg(short, long, value_enum, default_value_t)]
    pub format: MapFormat,

    /// Write the report to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// The namespace of objects that name none
    #[arg(short, long, default_value = "default", value_name = "NAME")]
    pub namespace: String,

    /// Only what begins or ends in these namespaces, with * and ?; may be repeated
    #[arg(long, value_name = "NAMESPACE")]
    pub within: Vec<String>,
}

/// The format of a map of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum MapFormat {
    /// For people
    #[default]
    Table,
    /// For programs: documented and stable
    Json,
    /// For Graphviz
    Dot,
    /// For Markdown on GitHub and GitLab
    Mermaid,
}

const TEST_HELP: &str = "\
A fixture is a YAML file with an object and what the policy must say of it:

  expect:
    denied:
      - rule: wildcard-verb
        path: rules[0].verbs[0]
  object:
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    ...

Examples:
  palisade test rbac-least-privilege
  palisade test ./policy.wasm fixtures/
  palisade test ./policy.wasm fixtures/ --record recorded/

What --record writes:
  For each fixture a folder of its name, with what kwctl needs to do the same:
  request.json, an AdmissionReview; settings.json; and, where the policy asks
  its host anything, session.yaml, with the answers that the fixture gives:

    kwctl run --allow-context-aware \\
      --request-path recorded/NAME/request.json \\
      --settings-path recorded/NAME/settings.json \\
      --replay-host-capabilities-interactions recorded/NAME/session.yaml \\
      ./policy.wasm

  The module of a built-in policy is written by `palisade export`. kwctl has no
  flag for the day: a policy that reads the clock is told the real one there.

Exit status:
  0  every fixture holds
  1  some do not
  2  the module cannot be loaded, or a fixture cannot be read, or a recording
     cannot be written";

/// Run a policy's fixtures
#[derive(Debug, Args)]
#[command(after_long_help = TEST_HELP)]
pub struct Test {
    /// The file of a module, or the name of a built-in policy
    pub module: PathBuf,

    /// The folder of the fixtures; for a built-in policy, the one beside its source by default
    pub dir: Option<PathBuf>,

    /// Run only fixtures whose names contain this
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,

    /// Write request, settings and host calls of each fixture into this folder, for `kwctl run`
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
}

/// List the policies, or explain one
#[derive(Debug, Args)]
pub struct Policies {
    /// The policy to explain: its name, or the file of a module
    pub policy: Option<PathBuf>,

    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// The format of a list.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum ListFormat {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
}

/// Measure sizes, load times and speed
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Bench {
    #[command(subcommand)]
    pub what: Option<BenchWhat>,

    /// How often each policy judges a pod
    #[arg(long, default_value_t = 2000, value_name = "NUMBER")]
    pub iterations: usize,

    /// How many generated objects are scanned; may be repeated
    #[arg(long, default_values_t = [1_000, 10_000], value_name = "NUMBER")]
    pub objects: Vec<usize>,
}

/// What else can be measured.
#[derive(Debug, Subcommand)]
pub enum BenchWhat {
    /// Measure how well secrets are told from what is none
    Secrets(BenchSecrets),
}

/// Measure how well secrets are told from what is none, on a corpus that is made up as it is needed
#[derive(Debug, Args)]
pub struct BenchSecrets {
    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    pub format: ListFormat,

    /// Make up other values: of another seed than the published figures
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,

    /// Print what was missed or reported wrongly, of the part that the detectors were tuned on
    #[arg(long)]
    pub errors: bool,

    /// Write the corpus into a folder instead, as manifests and their labels, to measure other scanners by it
    #[arg(long, value_name = "DIR", conflicts_with_all = ["format", "errors"])]
    pub write: Option<PathBuf>,
}

const EXPORT_HELP: &str = "\
Each module carries its metadata, as kwctl annotate would write it.

With --sbom a bill of materials is written beside each, as POLICY.cdx.json:
CycloneDX 1.5 with the crates that are linked into the module, their versions,
licences and checksums, and the hash of the module. The same module always
has the same one.

Example:
  palisade export modules/ --only rbac-least-privilege
  kwctl run modules/rbac-least-privilege.wasm --request-path request.json

To push them to a registry: palisade publish";

/// Write the policies' modules into a folder
#[derive(Debug, Args)]
#[command(after_help = EXPORT_HELP)]
pub struct Export {
    /// The folder; it is made if it is not there
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,

    /// Only these policies; separated by commas
    #[arg(long, value_name = "POLICY", value_delimiter = ',')]
    pub only: Vec<String>,

    /// Write the bill of materials of each beside it
    #[arg(long)]
    pub sbom: bool,
}

/// Renew the files that are generated from the policies
#[derive(Debug, Args)]
pub struct Generate {
    /// Change nothing: only say whether everything is up to date
    #[arg(long)]
    pub check: bool,

    /// The root of the repository
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub root: PathBuf,
}
