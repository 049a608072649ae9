//! An OCI registry: manifests and blobs, read and pushed, one request after the other.
//!
//! A [`Registry`] is of one host. Requests that fail for the moment are tried again, and standard error says so.

mod connection;
mod credentials;
mod error;
pub mod lock;
mod reader;
pub mod reference;
pub mod sbom;
pub mod signature;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_client::client::Client;
use oci_client::errors::OciDistributionError;
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, ImageIndexEntry, OCI_IMAGE_INDEX_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageIndex, OciImageManifest, OciManifest,
};
use oci_client::secrets::RegistryAuth;
use oci_client::token_cache::{RegistryToken, RegistryTokenType};
use oci_client::{Reference, RegistryOperation};
use olpc_cjson::CanonicalFormatter;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::runtime::{Builder, Runtime};

pub use connection::Options;
pub use error::{Fault, RegistryError};
use reader::{Challenge, Pass, Reader};
use reference::is_digest;

/// How long to wait before each further attempt.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Tokens are good for a minute at least.
const TOKEN_LIFE: Duration = Duration::from_secs(30);

/// How often a list of referrers is written that somebody else writes too.
const ROUNDS: usize = 3;

/// Registries take no larger manifests, and lists of them.
const LARGEST_MANIFEST: u64 = 4 * 1024 * 1024;

/// Manifests that are asked for.
const MANIFESTS: &[&str] =
    &[OCI_IMAGE_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, IMAGE_MANIFEST_LIST_MEDIA_TYPE];

/// A registry, and who speaks to it.
pub struct Registry {
    host: String,
    runtime: Runtime,
    /// Pushes.
    client: Client,
    reader: Reader,
    auth: RegistryAuth,
    is_plain: bool,
    pushes: bool,
    /// What the registry asks of those who come, once it is known.
    challenge: RefCell<Option<Rc<Challenge>>>,
    /// What there is for each repository: by its name, and whether it is one to push; and since when.
    passes: RefCell<BTreeMap<(String, bool), (Pass, Instant)>>,
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

/// The SHA-256 of these bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        use fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The digest of these bytes, as registries write it.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256(bytes))
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
        let (client, reader) = connection::clients(host, options)?;
        Ok(Self {
            host: host.to_owned(),
            runtime,
            client,
            reader,
            auth,
            is_plain: options.plain_http,
            pushes: false,
            challenge: RefCell::default(),
            passes: RefCell::default(),
        })
    }

    /// Asks for the right to push from the beginning, if there is somebody to have it. A repository that is made by the first push is not
    /// there for those who may read only, and some registries refuse to say even that.
    #[must_use]
    pub fn for_pushing(mut self) -> Self {
        self.pushes = self.auth != RegistryAuth::Anonymous;
        self
    }

    /// A manifest, by tag or digest; `None` when there is none.
    ///
    /// # Errors
    /// When the registry does not say so, or answers with another one.
    pub fn manifest(&self, image: &Reference) -> Result<Option<Manifest>, RegistryError> {
        let path = format!("manifests/{}", image.digest().or(image.tag()).unwrap_or("latest"));
        let failed = |fault| self.failed(format!("cannot read {}", name(image)), fault);
        let bytes = match self.read(image, &path, MANIFESTS, LARGEST_MANIFEST) {
            Ok(bytes) => bytes,
            Err(Fault::Missing(_)) => return Ok(None),
            Err(fault) => return Err(failed(fault)),
        };
        let digest = digest(&bytes);
        match image.digest() {
            Some(expected) if expected != digest => Err(failed(Fault::other_bytes(&bytes, expected))),
            _ => Ok(Some(Manifest { content: parse_manifest(&bytes).map_err(failed)?, digest, bytes })),
        }
    }

    /// A manifest of this digest, or why there is no such thing: what a list names may be gone, or be something else.
    ///
    /// # Errors
    /// When the registry does not say.
    pub fn manifest_if_intact(&self, image: &Reference, digest: &str) -> Result<Result<Manifest, String>, RegistryError> {
        if !is_digest(digest) {
            return Ok(Err(no_digest(digest)));
        }
        let manifest = intact(self.manifest(&by_digest(image, digest)))?;
        Ok(manifest.and_then(|manifest| manifest.ok_or_else(|| "there is no such manifest".to_owned())))
    }

    /// A blob of the repository, whose bytes are as many as its descriptor says, and have the digest that it says; or why the registry
    /// does not have them: what a manifest names may be gone, or be something else by now.
    ///
    /// # Errors
    /// When the registry does not say.
    pub fn blob(
        &self,
        image: &Reference,
        descriptor: &OciDescriptor,
        largest: u64,
    ) -> Result<Result<Vec<u8>, String>, RegistryError> {
        let OciDescriptor { digest: expected, size, .. } = descriptor;
        if !is_digest(expected) {
            return Ok(Err(no_digest(expected)));
        }
        let length = match u64::try_from(*size) {
            Ok(length) if length <= largest => length,
            _ => return Ok(Err(format!("the manifest says that it has {size} bytes; expected at most {largest}"))),
        };
        let read = self.read(image, &format!("blobs/{expected}"), &["*/*"], length).and_then(|bytes| {
            if digest(&bytes) != *expected {
                return Err(Fault::other_bytes(&bytes, expected));
            }
            if bytes.len() as u64 != length {
                return Err(Fault::Wrong(format!("it has {} bytes, and the manifest says {length}", bytes.len())));
            }
            Ok(bytes)
        });
        match read {
            Err(Fault::Missing(_)) => Ok(Err("the registry does not have it".to_owned())),
            read => intact(read.map_err(|fault| self.failed(format!("cannot read {}@{expected}", image.repository()), fault))),
        }
    }

    /// What is at a path of the repository.
    fn read(&self, image: &Reference, path: &str, accept: &[&str], limit: u64) -> Result<Vec<u8>, Fault> {
        self.attempt(
            image,
            RegistryOperation::Pull,
            |pass| async move { self.reader.get(image, path, accept, &pass, limit).await },
        )
    }

    /// Pushes a blob into the repository unless it is there, and says whether it did.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub fn push_blob(&self, image: &Reference, bytes: &[u8]) -> Result<bool, RegistryError> {
        let digest = digest(bytes);
        // To ask only saves time: where the answer is no answer, pushing tells what is wrong.
        let exists = self.attempt(image, RegistryOperation::Pull, |_| self.client.blob_exists(image, &digest));
        match exists {
            Ok(true) => return Ok(false),
            Err(fault) if fault.is_temporary() => return Err(self.failed(pushing(image), fault)),
            Ok(false) | Err(_) => {}
        }
        let push = |_| self.client.push_blob(image, bytes.to_vec(), &digest);
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
        let push = |_| async {
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
        let listed = self.read(subject, &format!("referrers/{digest}"), &[OCI_IMAGE_INDEX_MEDIA_TYPE], LARGEST_MANIFEST);
        let mut entries = match listed.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|_| no_manifest(&bytes))) {
            Ok(OciImageIndex { manifests, .. }) => manifests,
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
    fn attempt<T, E, F>(&self, image: &Reference, operation: RegistryOperation, work: impl Fn(Pass) -> F) -> Result<T, Fault>
    where
        Fault: From<E>,
        F: Future<Output = Result<T, E>>,
    {
        let mut pauses = PAUSES.iter().enumerate();
        loop {
            let outcome: Result<T, Fault> = self.runtime.block_on(async {
                let pass = self.authorise(image, operation).await?;
                Ok(work(pass).await?)
            });
            let fault = match outcome {
                Ok(value) => return Ok(value),
                Err(fault) => fault,
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

    /// Gets what the registry wants to see: left to oci-client, a failure would go unnoticed, and the credentials go to whatever
    /// service the registry names.
    async fn authorise(&self, image: &Reference, operation: RegistryOperation) -> Result<Pass, Fault> {
        let operation = if self.pushes { RegistryOperation::Push } else { operation };
        let key = (image.repository().to_owned(), operation == RegistryOperation::Push);
        if let Some((pass, since)) = self.passes.borrow().get(&key)
            && since.elapsed() < TOKEN_LIFE
        {
            return Ok(pass.clone());
        }
        let known = self.challenge.borrow().clone();
        let challenge = match known {
            Some(challenge) => challenge,
            None => {
                let challenge = Rc::new(self.reader.challenge(image).await?);
                self.challenge.borrow_mut().insert(challenge).clone()
            }
        };
        let pass = self.reader.pass(image, &challenge, &self.auth, operation).await?;
        let token = match &pass {
            Pass::None => None,
            Pass::Basic(user, password) => Some(RegistryTokenType::Basic(user.clone(), password.clone())),
            Pass::Bearer(token) => Some(RegistryTokenType::Bearer(RegistryToken::Token { token: token.clone() })),
        };
        if let Some(token) = token {
            self.client.store_auth_if_needed(image.resolve_registry(), &self.auth).await;
            self.client.tokens.insert(image, operation, token.clone()).await;
            // Who may push may read.
            self.client.tokens.insert(image, RegistryOperation::Pull, token).await;
        }
        self.passes.borrow_mut().insert(key, (pass.clone(), Instant::now()));
        Ok(pass)
    }

    fn failed(&self, what: String, fault: Fault) -> RegistryError {
        let fault = match fault.without(&self.secrets()) {
            Fault::Unauthorised(words) => Fault::Unauthorised(Some(self.whose_credentials(words))),
            Fault::Refused(Some(400), None) if self.is_plain => Fault::Tls,
            other => other,
        };
        RegistryError::Failed { host: self.host.clone(), what, fault }
    }

    /// What no message may repeat, although a registry may say it.
    fn secrets(&self) -> Vec<String> {
        let mut secrets: Vec<String> = match &self.auth {
            RegistryAuth::Basic(user, password) => vec![password.clone(), STANDARD.encode(format!("{user}:{password}"))],
            _ => Vec::new(),
        };
        secrets.extend(self.passes.borrow().values().filter_map(|(pass, _)| match pass {
            Pass::Bearer(token) => Some(token.clone()),
            _ => None,
        }));
        secrets
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

/// What a manifest says, if it says it in one way only: it must not be an image to one reader, and a list of images to another.
fn parse_manifest(bytes: &[u8]) -> Result<OciManifest, Fault> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Form {
        media_type: Option<String>,
        schema_version: u32,
        layers: Option<IgnoredAny>,
        manifests: Option<IgnoredAny>,
    }
    let (form, content) = match (serde_json::from_slice::<Form>(bytes), serde_json::from_slice(bytes)) {
        (Ok(form), Ok(content)) => (form, content),
        _ => return Err(no_manifest(bytes)),
    };
    let types = match content {
        OciManifest::Image(_) => [OCI_IMAGE_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE],
        OciManifest::ImageIndex(_) => [OCI_IMAGE_INDEX_MEDIA_TYPE, IMAGE_MANIFEST_LIST_MEDIA_TYPE],
    };
    if form.layers.is_some() && form.manifests.is_some() {
        return Err(Fault::Wrong("the manifest is an image and a list of images at once".to_owned()));
    }
    if form.schema_version != 2 {
        return Err(Fault::Wrong(format!("the manifest is of schemaVersion {}; expected 2", form.schema_version)));
    }
    match form.media_type {
        Some(media_type) if !types.contains(&&*media_type) => {
            Err(Fault::Wrong(format!("the manifest says that it is {media_type:?}, and has the form of {}", types[0])))
        }
        _ => Ok(content),
    }
}

fn no_manifest(bytes: &[u8]) -> Fault {
    let is_page = bytes.trim_ascii_start().starts_with(b"<");
    Fault::NoRegistry(format!("its answer is {}", if is_page { "a web page" } else { "no manifest" }))
}

fn no_digest(text: &str) -> String {
    format!("{text:?} is no digest: expected sha256: and 64 hexadecimal digits")
}

/// Tells what is not as it should be from what is not known.
fn intact<T>(result: Result<T, RegistryError>) -> Result<Result<T, String>, RegistryError> {
    match result {
        Err(RegistryError::Failed { fault: Fault::Wrong(problem) | Fault::NoRegistry(problem), .. }) => Ok(Err(problem)),
        result => result.map(Ok),
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
