//! An OCI registry: manifests and blobs, read and pushed, one request after the other.
//!
//! A [`Registry`] is of one host. Requests that fail for the moment are tried again, and standard error says so.

mod connection;
mod credentials;
mod error;
pub mod lock;
pub mod reference;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use oci_client::client::Client;
use oci_client::errors::OciDistributionError;
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, ImageIndexEntry, OCI_IMAGE_INDEX_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE, OciImageManifest, OciManifest,
};
use oci_client::secrets::RegistryAuth;
use oci_client::token_cache::{RegistryToken, RegistryTokenType};
use oci_client::{Reference, RegistryOperation};
use olpc_cjson::CanonicalFormatter;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::runtime::{Builder, Runtime};

pub use connection::Options;
pub use error::{Fault, RegistryError};

/// How long to wait before each further attempt.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Tokens are good for a minute at least.
const TOKEN_LIFE: Duration = Duration::from_secs(30);

/// How often a list of referrers is written that somebody else writes too.
const ROUNDS: usize = 3;

/// Manifests that are asked for.
const MANIFESTS: &[&str] =
    &[OCI_IMAGE_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, IMAGE_MANIFEST_LIST_MEDIA_TYPE];

/// A registry, and who speaks to it.
pub struct Registry {
    host: String,
    runtime: Runtime,
    client: Client,
    auth: RegistryAuth,
    is_plain: bool,
    pushes: bool,
    /// The repositories that there is a token for: name, and whether it is one to push; and since when.
    authorised: RefCell<BTreeMap<(String, bool), Instant>>,
}

// Without what is secret.
impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("host", &self.host).finish_non_exhaustive()
    }
}

/// A manifest as the registry has it.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Their digest: `sha256:…`.
    pub digest: String,
    /// What they say.
    pub content: OciManifest,
}

/// The digest of these bytes, as registries write it.
pub fn digest(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        use fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Canonical JSON, as `kwctl` and other users of oci-client push it: the same manifest has the same digest.
pub fn canonical(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, CanonicalFormatter::new());
    // Manifests are text, whole numbers and maps by text: nothing that cannot be written, into memory.
    let _ = value.serialize(&mut serializer);
    bytes
}

/// The same repository, by digest.
pub fn by_digest(image: &Reference, digest: &str) -> Reference {
    image.clone_with_digest(digest.to_owned())
}

/// The same repository, by another tag.
pub fn by_tag(image: &Reference, tag: &str) -> Reference {
    Reference::with_tag(image.registry().to_owned(), image.repository().to_owned(), tag.to_owned())
}

/// The tag under which those that refer to a manifest are listed where the registry does not list them itself.
pub fn referrers_tag(digest: &str) -> String {
    digest.replacen(':', "-", 1)
}

impl Registry {
    /// Makes ready to speak to a host, with the credentials that docker's configuration has for it. Sends nothing to any other
    /// machine yet.
    ///
    /// # Errors
    /// When credentials, certificates or proxies are configured that cannot be used.
    pub fn connect(host: &str, options: &Options) -> Result<Self, RegistryError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| RegistryError::Setup(format!("the connection cannot be set up: {error}")))?;
        let auth = credentials::of(host)?;
        let client = connection::client(host, options)?;
        let is_plain = options.plain_http;
        Ok(Self { host: host.to_owned(), runtime, client, auth, is_plain, pushes: false, authorised: RefCell::default() })
    }

    /// Asks for the right to push from the beginning, if there is somebody to have it. A repository that is made by the first push is not
    /// there for those who may read only, and some registries refuse to say even that.
    #[must_use]
    pub fn to_push(mut self) -> Self {
        self.pushes = self.auth != RegistryAuth::Anonymous;
        self
    }

    /// The host, with its port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// A manifest, by tag or digest; `None` when there is none.
    ///
    /// # Errors
    /// When the registry does not say so.
    pub fn manifest(&self, image: &Reference) -> Result<Option<Manifest>, RegistryError> {
        let what = || format!("cannot read {}", name(image));
        let pulled =
            self.attempt(image, RegistryOperation::Pull, || self.client.pull_manifest_raw(image, &self.auth, MANIFESTS));
        match pulled {
            Ok((bytes, _)) => {
                let content = serde_json::from_slice(&bytes).map_err(|_| {
                    let is_page = bytes.trim_ascii_start().starts_with(b"<");
                    let answer = if is_page { "a web page" } else { "no manifest" };
                    self.failed(what(), Fault::NoRegistry(format!("its answer is {answer}")))
                })?;
                Ok(Some(Manifest { digest: digest(&bytes), bytes: bytes.to_vec(), content }))
            }
            Err(Fault::Missing(_)) => Ok(None),
            Err(fault) => Err(self.failed(what(), fault)),
        }
    }

    /// A blob of the repository, whose bytes are checked against their digest.
    ///
    /// # Errors
    /// When there is none, or other bytes come.
    pub fn blob(&self, image: &Reference, digest: &str) -> Result<Vec<u8>, RegistryError> {
        let pull = || async {
            let mut bytes = Vec::new();
            self.client.pull_blob(image, digest, &mut bytes).await?;
            Ok(bytes)
        };
        self.attempt(image, RegistryOperation::Pull, pull)
            .map_err(|fault| self.failed(format!("cannot read {}@{digest}", image.repository()), fault))
    }

    /// Pushes a blob into the repository unless it is there, and says whether it did.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub fn push_blob(&self, image: &Reference, bytes: &[u8]) -> Result<bool, RegistryError> {
        let digest = digest(bytes);
        // To ask only saves time: where the answer is no answer, pushing tells what is wrong.
        let exists = self.attempt(image, RegistryOperation::Pull, || self.client.blob_exists(image, &digest));
        match exists {
            Ok(true) => return Ok(false),
            Err(fault) if fault.is_temporary() => return Err(self.failed(pushing(image), fault)),
            Ok(false) | Err(_) => {}
        }
        let push = || self.client.push_blob(image, bytes.to_vec(), &digest);
        self.attempt(image, RegistryOperation::Push, push).map_err(|fault| self.failed(pushing(image), fault))?;
        Ok(true)
    }

    /// Pushes a manifest, by tag or digest, after what it names.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub fn push_manifest(&self, image: &Reference, bytes: &[u8], media_type: &str) -> Result<(), RegistryError> {
        // Where an answer lacks its Location, oci-client takes the last part of the URL for a tag, and a digest for none.
        let target = by_tag(image, image.digest().or(image.tag()).unwrap_or("latest"));
        let push = || async {
            let media_type =
                media_type.parse().map_err(|_| OciDistributionError::UnsupportedMediaTypeError(media_type.to_owned()))?;
            self.client.push_manifest_raw(&target, bytes.to_vec(), media_type).await
        };
        self.attempt(image, RegistryOperation::Push, push).map_err(|fault| self.failed(pushing(image), fault))?;
        Ok(())
    }

    /// The manifests that refer to this one: those that the registry lists, and those under the tag that stands in for its list.
    ///
    /// # Errors
    /// When the registry does not say.
    pub fn referrers(&self, subject: &Reference) -> Result<Vec<ImageIndexEntry>, RegistryError> {
        let Some(digest) = subject.digest() else {
            return Err(
                self.failed(format!("cannot list what refers to {subject}"), Fault::Wrong("it has no digest".to_owned()))
            );
        };
        let listed = self.attempt(subject, RegistryOperation::Pull, || self.client.pull_referrers(subject, None));
        let mut entries = match listed {
            Ok(index) => index.manifests,
            // Older registries answer in several ways that they have no such list.
            Err(Fault::Missing(_) | Fault::NoRegistry(_) | Fault::Refused(..)) => Vec::new(),
            Err(fault) => return Err(self.failed(format!("cannot list what refers to {}", name(subject)), fault)),
        };
        if let Some(Manifest { content: OciManifest::ImageIndex(index), .. }) =
            self.manifest(&by_tag(subject, &referrers_tag(digest)))?
        {
            let known: BTreeSet<String> = entries.iter().map(|entry| entry.digest.clone()).collect();
            entries.extend(index.manifests.into_iter().filter(|entry| !known.contains(&entry.digest)));
        }
        Ok(entries)
    }

    /// Pushes a manifest that refers to another one by its `subject`, after its blobs, and sees to it that it is listed. Gives its
    /// digest.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub fn push_referrer(&self, subject: &Reference, manifest: &OciImageManifest) -> Result<String, RegistryError> {
        let bytes = canonical(manifest);
        let digest = digest(&bytes);
        let media_type = manifest.media_type.as_deref().unwrap_or(OCI_IMAGE_MEDIA_TYPE);
        self.push_manifest(&by_digest(subject, &digest), &bytes, media_type)?;
        let mut entry = json!({
            "mediaType": media_type,
            "digest": digest,
            "size": bytes.len(),
            "artifactType": manifest.artifact_type.as_ref().unwrap_or(&manifest.config.media_type),
        });
        if let Some(annotations) = &manifest.annotations {
            entry["annotations"] = json!(annotations);
        }
        for _ in 0..ROUNDS {
            if self.referrers(subject)?.iter().any(|entry| entry.digest == digest) {
                return Ok(digest);
            }
            self.list_referrer(subject, &entry)?;
        }
        if self.referrers(subject)?.iter().any(|entry| entry.digest == digest) {
            return Ok(digest);
        }
        let problem = "others write its list of signatures and attestations at the same time; try again";
        Err(self.failed(pushing(subject), Fault::Wrong(problem.to_owned())))
    }

    /// Adds to the list that stands in for the registry's own.
    fn list_referrer(&self, subject: &Reference, entry: &Value) -> Result<(), RegistryError> {
        let image = by_tag(subject, &referrers_tag(subject.digest().unwrap_or_default()));
        let mut index = match self.manifest(&image)? {
            // As it is, with what is not known here.
            Some(Manifest { bytes, content: OciManifest::ImageIndex(_), .. }) => {
                serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({}))
            }
            Some(_) => {
                let problem = "the tag is there already, and is no list of what refers to a manifest";
                return Err(self.failed(pushing(&image), Fault::Wrong(problem.to_owned())));
            }
            None => json!({"schemaVersion": 2, "mediaType": OCI_IMAGE_INDEX_MEDIA_TYPE, "manifests": []}),
        };
        if let Some(entries) = index["manifests"].as_array_mut() {
            entries.push(entry.clone());
        }
        self.push_manifest(&image, &canonical(&index), OCI_IMAGE_INDEX_MEDIA_TYPE)
    }

    /// Does it, again if it fails for the moment.
    fn attempt<T, F>(&self, image: &Reference, operation: RegistryOperation, work: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, OciDistributionError>>,
    {
        let mut pauses = PAUSES.iter().enumerate();
        loop {
            let outcome = self.runtime.block_on(async {
                self.authorise(image, operation).await?;
                work().await
            });
            let fault = match outcome {
                Ok(value) => return Ok(value),
                Err(error) => Fault::from(error),
            };
            match pauses.next() {
                Some((attempt, pause)) if fault.is_temporary() => {
                    let (next, all) = (attempt + 2, PAUSES.len() + 1);
                    anstream::eprintln!("note: {}: {}; attempt {next} of {all} follows", self.host, fault.in_short());
                    thread::sleep(*pause);
                }
                _ => return Err(fault),
            }
        }
    }

    /// Gets a token, where the registry wants one: left to oci-client, a failure to get it would go unnoticed.
    async fn authorise(&self, image: &Reference, operation: RegistryOperation) -> Result<(), OciDistributionError> {
        let operation = if self.pushes { RegistryOperation::Push } else { operation };
        let key = (image.repository().to_owned(), operation == RegistryOperation::Push);
        if self.authorised.borrow().get(&key).is_some_and(|since| since.elapsed() < TOKEN_LIFE) {
            return Ok(());
        }
        if let Some(token) = self.client.auth(image, &self.auth, operation).await?
            && self.pushes
        {
            // Who may push may read.
            let token = RegistryTokenType::Bearer(RegistryToken::Token { token });
            self.client.tokens.insert(image, RegistryOperation::Pull, token).await;
        }
        self.authorised.borrow_mut().insert(key, Instant::now());
        Ok(())
    }

    fn failed(&self, what: String, fault: Fault) -> RegistryError {
        let fault = match fault {
            Fault::Unauthorised(words) => Fault::Unauthorised(Some(self.whose_credentials(words))),
            Fault::Refused(Some(400), None) if self.is_plain => Fault::Tls,
            other => other,
        };
        RegistryError::Failed { host: self.host.clone(), what, fault }
    }

    /// Whose credentials were not enough, and what to do.
    fn whose_credentials(&self, words: Option<String>) -> String {
        let login = format!("docker login {}", self.host);
        let said = words.map(|words| format!(" (it says: {words})")).unwrap_or_default();
        let file =
            credentials::config_file().map_or_else(|| "docker's configuration".to_owned(), |path| path.display().to_string());
        match &self.auth {
            RegistryAuth::Basic(user, _) => {
                format!("the credentials of {user} in {file} are wrong, expired, or not enough{said}; log in again: {login}")
            }
            _ => format!("credentials are needed{said}, and {file} has none for it; log in: {login}"),
        }
    }
}

fn name(image: &Reference) -> String {
    match (image.digest(), image.tag()) {
        (Some(digest), _) => format!("{}@{digest}", image.repository()),
        (None, tag) => format!("{}:{}", image.repository(), tag.unwrap_or("latest")),
    }
}

fn pushing(image: &Reference) -> String {
    format!("cannot push {}", name(image))
}

#[cfg(test)]
mod tests;
