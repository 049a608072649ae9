//! The policies as resources of a cluster: a plan of what is deployed, and the objects that it comes to.
//!
//! A policy's part comes from its module's metadata, a profile's from `deploy/profiles.yaml`. `palisade manifests`, the kustomizations
//! and the Helm chart below `deploy/` are all written from here, and a test holds that they come to the same objects.

pub mod group;
pub mod helm;
pub mod kustomize;
pub mod lookups;
pub mod profiles;
pub mod resources;
pub mod rights;
pub mod schema;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use palisade_harness::yaml::YamlError;
use palisade_harness::{Engine, EngineError, Metadata, Policy};
use palisade_policies::POLICIES;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::{Config, ConfigError};
use crate::generate::catalogue::{cell, filled};
use crate::generate::{Entry, GenerateError};
use crate::modules::{self, ModuleError};
use crate::publish;
use crate::registry;
use crate::registry::lock::{Lock, Locked};
use crate::registry::reference::{self, Destination, ReferenceError};
use profiles::{ProfileName, Profiles};
use resources::{
    ClusterRole, ClusterRoleBinding, ContextAwareResource, FailurePolicy, GroupSpec, MatchCondition, MatchPolicy, Mode,
    NamespaceSelector, ObjectMeta, PolicySpec, Resource, Rule, Settings, WithSpec, quoted,
};
use rights::Holders;

/// Group and version of Kubewarden's resources.
const API_VERSION: &str = "policies.kubewarden.io/v1";
/// How long the API server waits for an answer: Kubewarden's own default.
pub const TIMEOUT_SECONDS: u32 = 10;
/// The PolicyServer that Kubewarden's charts make.
pub const POLICY_SERVER: &str = "default";

const TITLE: &str = "io.artifacthub.displayName";
const DESCRIPTION: &str = "io.kubewarden.policy.description";
const CATEGORY: &str = "io.kubewarden.policy.category";
const SEVERITY: &str = "io.kubewarden.policy.severity";
const VERSION: &str = "io.kubewarden.policy.version";
const OCI_URL: &str = "io.kubewarden.policy.ociUrl";

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The profiles that are built in.
    #[error("deploy/profiles.yaml:{0}")]
    Profiles(#[from] YamlError),
    /// The configuration that is laid over them.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A policy that is not there, or does not work.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// Where the modules are.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A policy whose digest is not known.
    #[error("{policy}: the lock file does not have it; publish it first: palisade publish {destination} --policy {policy}")]
    NotPublished {
        /// The policy.
        policy: String,
        /// Where the others were published to.
        destination: String,
    },
    /// A policy that has changed since it was published.
    #[error(
        "{policy}: what was published is another module than this palisade's; publish it again: palisade publish {destination} --policy {policy} --tag …"
    )]
    Changed {
        /// The policy.
        policy: String,
        /// Where it was published to.
        destination: String,
    },
    /// A name that Kubernetes does not take.
    #[error("{what} {name:?}: expected lower-case letters, digits and hyphens, with a letter or digit at both ends")]
    Name {
        /// What it names.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The engine that runs modules.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Something that no text can be made of.
    #[error("{0}")]
    Text(String),
}

/// What is to be deployed, and how.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    /// The profile.
    pub profile: ProfileName,
    /// Whether it rejects.
    pub mode: Mode,
    /// Where the modules are; by default where they say themselves.
    pub registry: Option<&'a str>,
    /// Their tag; by default their version.
    pub tag: Option<&'a str>,
    /// What was published, by whose digests modules are named; and its place and tags, where none are given above.
    pub lock: Option<&'a Lock>,
    /// The PolicyServer; by default Kubewarden's own.
    pub policy_server: Option<&'a str>,
    /// Who gets the rights that the policies need; nobody if it is not given.
    pub holders: Option<&'a Holders>,
    /// Further namespaces that no policy sees.
    pub exclude_namespaces: &'a [String],
    /// If not empty: these alone, also those that the profile leaves out.
    pub only: &'a [String],
    /// Not these.
    pub skip: &'a [String],
    /// What is laid over the profile.
    pub config: Option<&'a Config>,
}

/// What is deployed.
#[derive(Clone, Debug)]
pub struct Plan {
    mode: Mode,
    policy_server: String,
    holders: Option<Holders>,
    /// The policies, by name.
    pub policies: Vec<Planned>,
}

/// A policy that is deployed.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its name.
    pub name: &'static str,
    /// Its module's metadata.
    pub metadata: Metadata,
    /// Where its module is.
    pub module: String,
    /// Its settings.
    pub settings: Map<String, Value>,
    /// What it may look up, with these settings.
    pub lookups: Vec<ContextAwareResource>,
    /// The namespaces that it does not see.
    pub excluded_namespaces: Vec<String>,
    /// What happens while policy-server does not answer.
    pub failure_policy: FailurePolicy,
    /// What the API server asks first.
    pub match_conditions: Vec<MatchCondition>,
    /// Why it is deployed like this, a sentence each.
    pub notes: Vec<String>,
}

/// An object of a plan.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Object {
    /// A policy.
    Policy(Box<Resource<WithSpec<PolicySpec>>>),
    /// A group of policies.
    Group(Box<Resource<WithSpec<GroupSpec>>>),
    /// What policy-server may read.
    ClusterRole(Box<Resource<ClusterRole>>),
    /// That it may.
    ClusterRoleBinding(Box<Resource<ClusterRoleBinding>>),
}

impl Object {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Policy(resource) => &resource.metadata.name,
            Self::Group(resource) => &resource.metadata.name,
            Self::ClusterRole(resource) => &resource.metadata.name,
            Self::ClusterRoleBinding(resource) => &resource.metadata.name,
        }
    }
}

/// The metadata of every policy, by name.
///
/// # Errors
/// When one cannot be read.
pub fn metadata() -> Result<Vec<(&'static str, Metadata)>, DeployError> {
    POLICIES.iter().map(|module| Ok((module.name, modules::metadata(module)?))).collect()
}

/// An annotation of a module; empty if it is not there.
pub fn annotation<'m>(metadata: &'m Metadata, name: &str) -> &'m str {
    metadata.annotations.get(name).map_or("", String::as_str)
}

/// The registry that a policy's module names itself.
pub fn own_registry(name: &str, metadata: &Metadata) -> String {
    let url = annotation(metadata, OCI_URL);
    url.strip_suffix(name).and_then(|url| url.strip_suffix('/')).unwrap_or_default().to_owned()
}

/// The tag under which a policy is published.
pub fn own_tag(metadata: &Metadata) -> String {
    publish::tag_of(annotation(metadata, VERSION))
}

/// Whether a policy watches roles or bindings.
pub fn watches_rbac(metadata: &Metadata) -> bool {
    metadata.rules.iter().any(|rule| rule.api_groups.iter().any(|group| group == "rbac.authorization.k8s.io"))
}

/// The labels of an object.
pub fn labels(name: &str, component: &str, version: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("app.kubernetes.io/name", name.to_owned()),
        ("app.kubernetes.io/component", component.to_owned()),
        ("app.kubernetes.io/part-of", "palisade".to_owned()),
        ("app.kubernetes.io/version", version.to_owned()),
    ])
}

/// The annotations of a policy that Kubewarden's audit and user interfaces read.
pub fn annotations(metadata: &Metadata) -> BTreeMap<&'static str, String> {
    [TITLE, DESCRIPTION, CATEGORY, SEVERITY].into_iter().map(|name| (name, annotation(metadata, name).to_owned())).collect()
}

/// The rules of a policy's metadata.
pub fn rules(metadata: &Metadata) -> Vec<Rule> {
    let rule = |rule: &palisade_harness::Rule| Rule {
        api_groups: rule.api_groups.clone(),
        api_versions: rule.api_versions.clone(),
        resources: rule.resources.clone(),
        operations: rule.operations.clone(),
    };
    metadata.rules.iter().map(rule).collect()
}

impl Plan {
    /// Makes a plan. The settings that the configuration changes are shown to the policies, which may refuse them.
    ///
    /// # Errors
    /// When a name is not known, a setting is refused, or the place of the modules is none.
    pub fn new(
        profiles: &Profiles,
        options: &Options<'_>,
        engine: impl Fn() -> Result<Engine, DeployError>,
    ) -> Result<Self, DeployError> {
        let known = metadata()?;
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let unknown = |name: &&String| !names.contains(&name.as_str());
        if let Some(name) = options.only.iter().chain(options.skip).find(unknown) {
            return Err(ModuleError::no_built_in(name).into());
        }
        if let Some(config) = options.config
            && let Some(name) = config.policies.keys().find(unknown)
        {
            let problem = format!("there is no policy of this name; there are {}", names.join(", "));
            return Err(config.wrong_policy(name, problem).into());
        }
        for name in options.exclude_namespaces {
            check_name("the namespace", name)?;
        }
        let policy_server = options.policy_server.unwrap_or(POLICY_SERVER);
        check_name("the PolicyServer", policy_server)?;
        for account in options.holders.iter().flat_map(|holders| [&holders.policy_server, &holders.audit_scanner]) {
            check_name("the namespace", &account.namespace)?;
            check_name("the ServiceAccount", &account.name)?;
        }
        let profile = profiles.profile(options.profile);
        let mut policies = Vec::new();
        for (name, metadata) in known {
            let is = |names: &[String]| names.iter().any(|wanted| wanted == name);
            let own = options.config.and_then(|config| config.policies.get(name));
            let enabled = own.map_or(profile.policies.contains_key(name), |own| own.enabled);
            let wanted = if options.only.is_empty() { enabled } else { is(options.only) };
            if !wanted || is(options.skip) {
                continue;
            }
            let mut settings = profile.settings(name);
            if let Some((config, own)) = options.config.zip(own)
                && lay_over(&mut settings, own.effective_settings())
            {
                accept(&engine()?, config, name, &settings)?;
            }
            policies.push(planned(profiles, options, name, metadata, settings)?);
        }
        Ok(Self { mode: options.mode, policy_server: policy_server.to_owned(), holders: options.holders.cloned(), policies })
    }

    /// The objects, those first that others need.
    pub fn objects(&self) -> Vec<Object> {
        let mut objects = self.rights();
        objects.extend(self.policies.iter().map(|policy| self.policy(policy)));
        objects
    }

    fn policy(&self, planned: &Planned) -> Object {
        let metadata = &planned.metadata;
        Object::Policy(Box::new(Resource {
            api_version: API_VERSION,
            kind: "ClusterAdmissionPolicy",
            metadata: ObjectMeta {
                name: planned.name.to_owned(),
                labels: labels(planned.name, "policy", annotation(metadata, VERSION)),
                annotations: annotations(metadata),
            },
            content: WithSpec {
                spec: PolicySpec {
                    policy_server: self.policy_server.clone(),
                    mode: self.mode,
                    module: planned.module.clone(),
                    settings: Settings(planned.settings.clone()),
                    rules: rules(metadata),
                    mutating: metadata.mutating,
                    background_audit: metadata.background_audit,
                    context_aware_resources: planned.lookups.clone(),
                    failure_policy: planned.failure_policy,
                    match_policy: MatchPolicy::Equivalent,
                    match_conditions: planned.match_conditions.clone(),
                    namespace_selector: NamespaceSelector::without(&planned.excluded_namespaces),
                    timeout_seconds: TIMEOUT_SECONDS,
                },
            },
        }))
    }

    /// An object as YAML, with comments that say why it is as it is.
    ///
    /// # Errors
    /// When there is no YAML for it.
    pub fn text(&self, object: &Object) -> Result<String, DeployError> {
        let mut text = String::new();
        for planned in &self.policies {
            let is_member = matches!(object, Object::Group(group) if group.content.spec.policies.contains_key(&group::identifier(planned.name)));
            for note in &planned.notes {
                if planned.name == object.name() {
                    let _ = writeln!(text, "# {note}");
                } else if is_member {
                    let _ = writeln!(text, "# {}: {note}", planned.name);
                }
            }
        }
        text.push_str(&yaml(object)?);
        Ok(text)
    }
}

/// A value as YAML.
///
/// # Errors
/// When there is no YAML for it.
pub fn yaml(value: &impl Serialize) -> Result<String, DeployError> {
    serde_norway::to_string(value).map(|text| quoted(&text)).map_err(|error| DeployError::Text(error.to_string()))
}

fn planned(
    profiles: &Profiles,
    options: &Options<'_>,
    name: &'static str,
    metadata: Metadata,
    settings: Map<String, Value>,
) -> Result<Planned, DeployError> {
    let exception = profiles.exception(name);
    let by_mode = match options.mode {
        Mode::Monitor => FailurePolicy::Ignore,
        Mode::Protect => FailurePolicy::Fail,
    };
    let mut excluded_namespaces = exception.map_or(&profiles.excluded_namespaces, |own| &own.excluded_namespaces).clone();
    for namespace in options.exclude_namespaces {
        if !excluded_namespaces.contains(namespace) {
            excluded_namespaces.push(namespace.clone());
        }
    }
    let mut notes: Vec<String> = exception.iter().map(|exception| exception.reason.clone()).collect();
    let differences = profiles.profile(options.profile).differences(name);
    notes.extend(differences.iter().map(profiles::Difference::explained));
    Ok(Planned {
        name,
        module: module(options, name, &metadata)?,
        lookups: lookups::of(profiles, name, &metadata, &settings),
        settings,
        excluded_namespaces,
        failure_policy: exception.and_then(|exception| exception.failure_policy).unwrap_or(by_mode),
        match_conditions: if watches_rbac(&metadata) { profiles.rbac_match_conditions.clone() } else { Vec::new() },
        notes,
        metadata,
    })
}

/// Where a policy's module is: `registry://HOST/PATH/NAME:TAG`, and `@DIGEST` behind it where that is known. Policy-server pulls by the
/// digest then; the tag is for people.
fn module(options: &Options<'_>, name: &str, metadata: &Metadata) -> Result<String, DeployError> {
    let locked = options.lock.map(|lock| locked(lock, name)).transpose()?;
    let destination = match (options.registry, options.lock) {
        (Some(registry), _) => Destination::parse(registry)?,
        (None, Some(lock)) => Destination::parse(&lock.destination)?,
        (None, None) => Destination::parse(&own_registry(name, metadata))?,
    };
    let locked_tag = locked.and_then(|locked| reference::parse(&locked.reference).ok()?.tag().map(str::to_owned));
    let tag = options.tag.map(str::to_owned).or(locked_tag).unwrap_or_else(|| own_tag(metadata));
    let mut module = format!("registry://{}", destination.artifact(name, &tag)?);
    if let Some(locked) = locked {
        let _ = write!(module, "@{}", locked.digest);
    }
    Ok(module)
}

/// What the lock file says of a policy. It must be the module whose metadata and settings are written here.
fn locked<'l>(lock: &'l Lock, name: &str) -> Result<&'l Locked, DeployError> {
    let destination = || lock.destination.clone();
    let missing = || DeployError::NotPublished { policy: name.to_owned(), destination: destination() };
    let locked = lock.policies.get(name).ok_or_else(missing)?;
    let wasm = palisade_policies::find(name).map(|module| module.wasm).unwrap_or_default();
    if locked.module.sha256 == registry::sha256(wasm) {
        Ok(locked)
    } else {
        Err(DeployError::Changed { policy: name.to_owned(), destination: destination() })
    }
}

/// Lays settings over others, and the levels of rules over theirs; whether there were any.
fn lay_over(settings: &mut Map<String, Value>, own: Value) -> bool {
    let Value::Object(own) = own else { return false };
    let any = !own.is_empty();
    for (key, value) in own {
        match (settings.get_mut(&key), value) {
            (Some(Value::Object(levels)), Value::Object(own)) if key == "rules" => levels.extend(own),
            (_, value) => {
                settings.insert(key, value);
            }
        }
    }
    any
}

/// Shows settings to the policy.
fn accept(engine: &Engine, config: &Config, name: &str, settings: &Map<String, Value>) -> Result<(), DeployError> {
    let broken = |problem: String| ModuleError::Broken { policy: name.into(), problem };
    let wasm = palisade_policies::find(name).map(|module| module.wasm).unwrap_or_default();
    let policy = Policy::load(engine, name, wasm).map_err(|source| ModuleError::Load { module: name.to_owned(), source })?;
    let verdict = policy.validate_settings(&Value::Object(settings.clone())).map_err(|error| broken(error.to_string()))?;
    if verdict.valid {
        return Ok(());
    }
    let said = verdict.message.unwrap_or_else(|| "the policy refuses these settings, and does not say why".to_owned());
    Err(config.wrong_settings(name, &said).into())
}

fn check_name(what: &'static str, name: &str) -> Result<(), DeployError> {
    let inside = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let bytes = name.as_bytes();
    let valid = name.len() <= 63
        && bytes.iter().all(|letter| inside(*letter) || *letter == b'-')
        && bytes.first().zip(bytes.last()).is_some_and(|(first, last)| inside(*first) && inside(*last));
    if valid { Ok(()) } else { Err(DeployError::Name { what, name: name.to_owned() }) }
}

/// What the profiles have of each policy, as a table.
pub fn profiles_table(profiles: &Profiles) -> String {
    let mut text = String::from("| policy | baseline | restricted |\n| --- | --- | --- |\n");
    for module in POLICIES {
        let _ = write!(text, "| [{name}](../policies/{name}/README.md) |", name = module.name);
        for profile in [ProfileName::Baseline, ProfileName::Restricted] {
            let profile = profiles.profile(profile);
            let said: Vec<String> = match profile.left_out.get(module.name) {
                Some(reason) => vec![format!("left out: {reason}")],
                None => profile.differences(module.name).iter().map(profiles::Difference::explained).collect(),
            };
            let said = if said.is_empty() { "as by default".to_owned() } else { said.join("<br>") };
            let _ = write!(text, " {} |", cell(&said));
        }
        text.push('\n');
    }
    text
}

/// What differs in every profile, as a list.
pub fn exceptions_list(profiles: &Profiles) -> String {
    let mut text = String::new();
    for exception in &profiles.exceptions {
        let _ = writeln!(text, "- `{}` {}. {}", exception.policy, exception_of(exception), exception.reason);
    }
    text
}

/// Why a policy is deployed in another way than the rest.
fn exception_of(exception: &profiles::Exception) -> String {
    let namespaces = match exception.excluded_namespaces.as_slice() {
        [] => "sees every namespace".to_owned(),
        names => format!("sees every namespace but {}", names.join(", ")),
    };
    match exception.failure_policy {
        Some(FailurePolicy::Ignore) => format!("{namespaces}; is passed over while policy-server does not answer"),
        Some(FailurePolicy::Fail) => format!("{namespaces}; rejects while policy-server does not answer"),
        None => namespaces,
    }
}

/// All files below `deploy/`, and those that tell of it.
///
/// # Errors
/// When a file that is filled in cannot be read, or there is no text for something.
pub fn files(root: &Path, entries: &[Entry]) -> Result<Vec<(PathBuf, String)>, GenerateError> {
    let failed = |error: DeployError| GenerateError::Module(error.to_string());
    let profiles = Profiles::read().map_err(|error| failed(error.into()))?;
    let holders = Holders::default();
    let plan = |profile: ProfileName| {
        let options = Options { profile, holders: Some(&holders), ..Options::default() };
        // Without a configuration no policy is loaded.
        Plan::new(&profiles, &options, || Err(DeployError::Text("nothing is to be loaded".to_owned())))
    };
    let mut files = kustomize::files(&profiles, plan).map_err(failed)?;
    for (path, _) in &mut files {
        *path = root.join(&path);
    }
    files.extend(helm::files(root, &profiles, entries)?);
    files.push(filled(root.join("docs/clusters.md"), |marker, _| match marker {
        "profiles" => Some(profiles_table(&profiles)),
        "exceptions" => Some(exceptions_list(&profiles)),
        "lookups" => Some(lookups::table(&profiles).unwrap_or_default()),
        _ => None,
    })?);
    Ok(files)
}

#[cfg(test)]
mod tests;
