//! `artifacthub/`: what Artifact Hub reads of the policies.
//!
//! A package has the fields that `kwctl scaffold artifacthub` writes, with the same values but for two: `createdAt` is the day of the
//! release and not of the writing, and `provider` says whose policies these are. Category, readme and changes are added. There is no
//! `digest`: Artifact Hub makes one of the fields, and the module's own would bind this text to one version of the compiler.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use palisade_policies::{ARTIFACT_HUB_REPOSITORY, RELEASED};
use serde::Serialize;

use super::catalogue::{rules_table, settings_table};
use super::changelog::Change;
use super::{Entry, GenerateError, MARK};

/// What Artifact Hub recommends beside a policy: what runs it.
const CONTROLLER: &str = "https://artifacthub.io/packages/helm/kubewarden/kubewarden-controller";

/// The repository of packages.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Repository<'a> {
    #[serde(rename = "repositoryID", skip_serializing_if = "Option::is_none")]
    repository_id: Option<&'a str>,
    owners: Vec<Person<'a>>,
}

/// A package: one policy.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    version: &'a str,
    name: &'a str,
    display_name: &'a str,
    created_at: String,
    description: &'a str,
    license: &'a str,
    #[serde(rename = "homeURL")]
    home_url: &'a str,
    containers_images: [Image; 1],
    keywords: Vec<&'a str>,
    links: [Link<'a>; 1],
    category: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    prerelease: bool,
    readme: String,
    install: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<&'a Change>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    contains_security_updates: bool,
    maintainers: Vec<Person<'a>>,
    provider: Provider<'a>,
    recommendations: [Recommendation; 1],
    annotations: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Image {
    name: &'static str,
    image: String,
}

/// `kwctl` adds one to `policy.wasm` of a release on GitHub, a file that a repository of many policies has not.
#[derive(Serialize)]
struct Link<'a> {
    name: &'static str,
    url: &'a str,
}

#[derive(Serialize)]
struct Person<'a> {
    name: &'a str,
    email: &'a str,
}

#[derive(Serialize)]
struct Provider<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Recommendation {
    url: &'static str,
}

/// What the repository of packages says of itself, and whose it is.
///
/// # Errors
/// When an author cannot be read.
pub fn repository(root: &Path, entries: &[Entry]) -> Result<(PathBuf, String), GenerateError> {
    let mut owners = Vec::new();
    if let Some(entry) = entries.first() {
        owners = people(entry)?;
    }
    let repository = Repository { repository_id: ARTIFACT_HUB_REPOSITORY, owners };
    let mut text = format!("# {MARK}, from the workspace's Cargo.toml.\n");
    if repository.repository_id.is_none() {
        text.push_str("# Without a repositoryID: set artifact-hub there once Artifact Hub has given one.\n");
    }
    text.push_str(&yaml("artifacthub-repo.yml", &repository)?);
    Ok((root.join("artifacthub/artifacthub-repo.yml"), text))
}

/// The package of a policy, whose form for its settings is `questions`. Of the changes it has those that name it.
///
/// # Errors
/// When an annotation is missing, or the author cannot be read.
pub fn package(root: &Path, entry: &Entry, questions: &str, changes: &[Change]) -> Result<(PathBuf, String), GenerateError> {
    let named = format!("`{}`", entry.name);
    let changes: Vec<&Change> = changes.iter().filter(|change| change.description.contains(&named)).collect();
    let version = annotation(entry, "io.kubewarden.policy.version")?;
    let image = format!("{}:v{version}", annotation(entry, "io.kubewarden.policy.ociUrl")?);
    let maintainers = people(entry)?;
    let package = Package {
        version,
        name: annotation(entry, "io.kubewarden.policy.title")?,
        display_name: annotation(entry, "io.artifacthub.displayName")?,
        created_at: format!("{RELEASED}T00:00:00Z"),
        description: annotation(entry, "io.kubewarden.policy.description")?,
        license: annotation(entry, "io.kubewarden.policy.license")?,
        home_url: annotation(entry, "io.kubewarden.policy.url")?,
        install: install(&image),
        containers_images: [Image { name: "policy", image }],
        keywords: annotation(entry, "io.artifacthub.keywords")?.split(',').map(str::trim).collect(),
        links: [Link { name: "source", url: annotation(entry, "io.kubewarden.policy.source")? }],
        category: "security",
        prerelease: version.contains('-'),
        readme: readme(entry)?,
        contains_security_updates: changes.iter().any(|change| change.kind == "security"),
        changes,
        provider: Provider { name: maintainers.first().map_or("", |person| person.name) },
        maintainers,
        recommendations: [Recommendation { url: CONTROLLER }],
        annotations: annotations(entry, questions)?,
    };
    let text = format!("# {MARK}.\n{}", yaml(entry.name, &package)?);
    Ok((root.join("artifacthub").join(entry.name).join("artifacthub-pkg.yml"), text))
}

fn yaml(what: &str, value: &impl Serialize) -> Result<String, GenerateError> {
    serde_norway::to_string(value).map_err(|error| GenerateError::Module(format!("{what}: {error}")))
}

fn annotation<'e>(entry: &'e Entry, name: &str) -> Result<&'e str, GenerateError> {
    let missing = || GenerateError::Module(format!("{}: its metadata has no annotation {name}", entry.name));
    entry.metadata.annotations.get(name).map(String::as_str).ok_or_else(missing)
}

/// The authors, each with an e-mail.
fn people(entry: &Entry) -> Result<Vec<Person<'_>>, GenerateError> {
    let authors = annotation(entry, "io.kubewarden.policy.author")?;
    let person = |author| {
        let (name, email) = str::trim(author).strip_suffix('>')?.split_once('<')?;
        Some(Person { name: name.trim(), email })
    };
    authors.split(',').map(person).collect::<Option<_>>().ok_or_else(|| {
        GenerateError::Module(format!("{}: io.kubewarden.policy.author: expected Name <e-mail>, found {authors}", entry.name))
    })
}

/// What Rancher and others read of a policy: only strings, so that what has a structure is YAML in them.
fn annotations(entry: &Entry, questions: &str) -> Result<BTreeMap<&'static str, String>, GenerateError> {
    let mut annotations = BTreeMap::from([
        ("kubewarden/mutation", entry.metadata.mutating.to_string()),
        ("kubewarden/questions-ui", questions.to_owned()),
        ("kubewarden/resources", annotation(entry, "io.artifacthub.resources")?.to_owned()),
        ("kubewarden/rules", yaml(entry.name, &entry.metadata.rules)?),
    ]);
    let looked_up: BTreeSet<_> = entry.metadata.context_aware_resources.iter().collect();
    if !looked_up.is_empty() {
        annotations.insert("kubewarden/contextAwareResources", yaml(entry.name, &looked_up)?);
    }
    Ok(annotations)
}

/// In the words of `kwctl`, which users know from other policies.
fn install(image: &str) -> String {
    format!(
        "The policy can be obtained using [kwctl](https://docs.kubewarden.io/howtos/install-kwctl):\n\
         ```console\n\
         kwctl pull {image}\n\
         ```\n\
         Then, generate the policy manifest and tune it to your liking. For example:\n\
         ```console\n\
         kwctl scaffold manifest -t ClusterAdmissionPolicy registry://{image}\n\
         ```\n"
    )
}

/// The policy in short: the README of its folder has examples and limits, and links that lead nowhere from elsewhere.
fn readme(entry: &Entry) -> Result<String, GenerateError> {
    let mut text = format!("{}.\n\n", annotation(entry, "io.kubewarden.policy.description")?.trim_end_matches('.'));
    let _ = writeln!(text, "- Practice: {}", annotation(entry, "dev.palisade.practice")?);
    let _ = writeln!(text, "- References: {}", annotation(entry, "dev.palisade.references")?);
    let looked_up: Vec<String> = entry
        .metadata
        .context_aware_resources
        .iter()
        .map(|looked_up| format!("{} ({})", looked_up.kind, looked_up.api_version))
        .collect();
    if !looked_up.is_empty() {
        let _ = writeln!(text, "- Looks up: {}", looked_up.join(", "));
    }
    let _ = write!(text, "\n## Rules\n\n{}", rules_table(&entry.description));
    let _ = write!(text, "\n## Settings\n\n{}", settings_table(&entry.description));
    let source = annotation(entry, "io.kubewarden.policy.source")?;
    let _ = write!(
        text,
        "\nExamples, limits and a comparison with other policies: `policies/{}` of [the source]({source}).\n",
        entry.name
    );
    Ok(text)
}
