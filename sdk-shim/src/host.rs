//! What a policy may ask of its surroundings: Kubernetes, registries, sigstore and DNS, through the policy server.
//!
//! [`Host`] has one required method, so that a test can stand in for the policy server; the harness does.
//! The wire format is Kubewarden's; a test compares each request with the types of `kubewarden-policy-sdk`.

use std::fmt;

use crate::error::Error;
use crate::json::{self, JsonError, List, Read, Reader, View, Writer};

/// A host call that failed, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostError {
    /// Namespace and operation, for example `kubernetes/get_resource`.
    pub call: String,
    /// What the host says of it.
    pub problem: String,
}

impl HostError {
    /// A failed call.
    pub fn new(namespace: &str, operation: &str, problem: impl Into<String>) -> Self {
        Self { call: format!("{namespace}/{operation}"), problem: problem.into() }
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "host call {} failed: {}", self.call, self.problem)
    }
}

/// What the host answered; views read it.
#[derive(Clone, Debug)]
pub struct Answer {
    call: &'static str,
    text: String,
}

impl Answer {
    /// The answer's JSON.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The answer as a view.
    ///
    /// # Errors
    /// When it is not what the view reads.
    pub fn read<'a, T: Read<'a>>(&'a self) -> Result<T, Error> {
        json::from_str(&self.text).map_err(|error| {
            let fault = json::explain(&self.text, error);
            let place = if fault.path.is_empty() { String::new() } else { [": ", &fault.path].concat() };
            Error::Host(HostError {
                call: self.call.to_owned(),
                problem: ["the answer", &place, ": ", &fault.problem].concat(),
            })
        })
    }

    /// The objects of a list, each as a view.
    ///
    /// # Errors
    /// When one of them is not what the view reads.
    pub fn items<'a, T: Read<'a>>(&'a self) -> Result<List<T>, Error> {
        struct Listed<T>(List<T>);

        impl<'a, T: Read<'a>> View<'a> for Listed<T> {
            fn keys(&self) -> &'static [&'static str] {
                &["items"]
            }

            fn read_field(&mut self, key: &str, reader: &mut Reader<'a>) -> Result<bool, JsonError> {
                if key == "items" {
                    self.0 = List::read(reader)?;
                }
                Ok(key == "items")
            }
        }

        impl<'a, T: Read<'a>> Read<'a> for Listed<T> {
            fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
                let mut listed = Self(List::default());
                reader.object(&mut listed)?;
                Ok(listed)
            }
        }

        self.read::<Listed<T>>().map(|listed| listed.0)
    }
}

/// Which objects to list. Without [`namespace`](Self::namespace), those of the whole cluster.
///
/// The policy server answers lists from a watch that it keeps for each different query, so the answer may be some moments old, and
/// a query that is never the same twice costs it a watch each time. The first answer waits until the watch has begun: without the right to
/// `list` and `watch` the kind, the evaluation runs into its deadline.
#[derive(Clone, Debug)]
pub struct ListQuery<'q> {
    api_version: &'q str,
    kind: &'q str,
    namespace: Option<&'q str>,
    label_selector: Option<&'q str>,
    field_selector: Option<&'q str>,
    fields: &'q [&'q str],
}

impl<'q> ListQuery<'q> {
    /// Objects of a kind: `ListQuery::new("networking.k8s.io/v1", "NetworkPolicy")`. The policy's metadata must list the kind in
    /// `contextAwareResources`.
    pub const fn new(api_version: &'q str, kind: &'q str) -> Self {
        Self { api_version, kind, namespace: None, label_selector: None, field_selector: None, fields: &[] }
    }

    /// Only those of this namespace.
    pub const fn namespace(self, namespace: &'q str) -> Self {
        Self { namespace: Some(namespace), ..self }
    }

    /// Only those whose labels match, in the API server's text form: `app=web,tier in (a,b),!legacy`.
    pub const fn label_selector(self, selector: &'q str) -> Self {
        Self { label_selector: Some(selector), ..self }
    }

    /// Only those whose fields match: `metadata.name=web`.
    pub const fn field_selector(self, selector: &'q str) -> Self {
        Self { field_selector: Some(selector), ..self }
    }

    /// Only these fields of each object, as dotted paths that run through lists; without, all. Saves the policy server memory. The
    /// metadata is always there. A key with a dot in it cannot be named: name the map that it is in.
    pub const fn fields(self, fields: &'q [&'q str]) -> Self {
        Self { fields, ..self }
    }
}

/// Which object to get.
#[derive(Clone, Debug)]
pub struct GetQuery<'q> {
    api_version: &'q str,
    kind: &'q str,
    name: &'q str,
    namespace: Option<&'q str>,
    fields: &'q [&'q str],
    disable_cache: bool,
}

impl<'q> GetQuery<'q> {
    /// A cluster-scoped object: `GetQuery::new("v1", "Namespace", "shop")`. The policy's metadata must list the kind in
    /// `contextAwareResources`.
    pub const fn new(api_version: &'q str, kind: &'q str, name: &'q str) -> Self {
        Self { api_version, kind, name, namespace: None, fields: &[], disable_cache: false }
    }

    /// The object of that name in this namespace.
    pub const fn namespace(self, namespace: &'q str) -> Self {
        Self { namespace: Some(namespace), ..self }
    }

    /// Only these fields, as for [`ListQuery::fields`].
    pub const fn fields(self, fields: &'q [&'q str]) -> Self {
        Self { fields, ..self }
    }

    /// Ask the API server even where the policy server remembers an answer of the last seconds.
    pub const fn uncached(self) -> Self {
        Self { disable_cache: true, ..self }
    }
}

/// May this user do that? What is `None` the `SubjectAccessReview` leaves out.
#[derive(Clone, Debug, Default)]
pub struct AccessReview<'q> {
    /// The user's name.
    pub user: &'q str,
    /// The user's groups.
    pub groups: &'q [&'q str],
    /// The action.
    pub action: Action<'q>,
}

/// An action on a resource.
#[derive(Clone, Debug, Default)]
pub struct Action<'q> {
    /// The namespace; `None` for cluster-scoped resources, or for all namespaces.
    pub namespace: Option<&'q str>,
    /// `get`, `create` and so on.
    pub verb: &'q str,
    /// The API group; `None` is the core group.
    pub group: Option<&'q str>,
    /// The resource, in the plural: `pods`.
    pub resource: &'q str,
    /// The subresource: `exec`.
    pub subresource: Option<&'q str>,
    /// The name of the object; `None` is all.
    pub name: Option<&'q str>,
    /// The API version.
    pub version: Option<&'q str>,
}

crate::view! {
    /// Whether an action is allowed.
    pub struct AccessDecision {
        /// Allowed by some authorizer.
        pub allowed: bool as "allowed",
        /// Refused outright, whatever other authorizers say.
        pub denied: Option<bool> as "denied",
        /// Why.
        pub reason: Option<String> as "reason",
    }

    /// What a verification found.
    pub struct Verification {
        /// Whether the signatures are there and right.
        pub is_trusted: bool as "is_trusted",
        /// The digest that was verified: write this one into the object.
        pub digest: String as "digest",
    }

    struct Digest {
        digest: String as "digest",
    }

    struct Lookup {
        ips: List<String> as "ips",
    }
}

/// How an image must be signed.
#[derive(Clone, Debug)]
pub enum Signature<'q> {
    /// By all of these public keys, in PEM.
    PublicKeys {
        /// The keys.
        pub_keys: &'q [&'q str],
    },
    /// Keyless, by these identities.
    Keyless {
        /// Issuer and subject of each.
        keyless: &'q [Identity<'q>],
    },
    /// Keyless, by identities whose subject is a URL that begins so.
    KeylessPrefix {
        /// Issuer and beginning of the subject of each.
        keyless_prefix: &'q [IdentityPrefix<'q>],
    },
    /// Keyless, by a workflow of GitHub Actions.
    GithubActions {
        /// The owner of the repository.
        owner: &'q str,
        /// The repository; `None` is any of the owner's.
        repo: Option<&'q str>,
    },
    /// By a certificate, in PEM.
    Certificate {
        /// The certificate.
        certificate: &'q [u8],
        /// The chain that vouches for it; `None` trusts the certificate itself.
        certificate_chain: Option<&'q [&'q [u8]]>,
        /// Whether the signature must be in the transparency log.
        require_rekor_bundle: bool,
    },
}

/// Who signed keylessly.
#[derive(Clone, Debug)]
pub struct Identity<'q> {
    /// The OIDC issuer.
    pub issuer: &'q str,
    /// The subject of its token.
    pub subject: &'q str,
}

/// Who signed keylessly, by the beginning of a URL.
#[derive(Clone, Debug)]
pub struct IdentityPrefix<'q> {
    /// The OIDC issuer.
    pub issuer: &'q str,
    /// The beginning of the subject; the policy server ends it with `/`.
    pub url_prefix: &'q str,
}

/// The policy server, as a policy sees it: one call that all others are made of. What policies use are the typed methods of
/// `dyn Host`. Every failed call is an error that names the call; with `?` it rejects the object.
pub trait Host {
    /// One call of the waPC binding `kubewarden`.
    ///
    /// # Errors
    /// When the host refuses, fails, or knows no such call.
    fn call(&self, namespace: &str, operation: &str, payload: &[u8]) -> Result<Vec<u8>, HostError>;
}

// Not provided methods of the trait: its table of functions would bring all of them into every module.
impl dyn Host + '_ {
    /// Lists objects.
    ///
    /// # Errors
    /// When the call fails.
    pub fn list(&self, query: &ListQuery<'_>) -> Result<Answer, Error> {
        let &ListQuery { api_version, kind, namespace, label_selector, field_selector, fields } = query;
        let mut payload = Writer::default();
        payload.open('{').field("api_version", api_version).field("kind", kind);
        let call = match namespace {
            Some(namespace) => {
                payload.field("namespace", namespace);
                "kubernetes/list_resources_by_namespace"
            }
            None => "kubernetes/list_resources_all",
        };
        payload.optional("label_selector", label_selector).optional("field_selector", field_selector);
        write_masks(&mut payload, fields);
        payload.close('}');
        ask(self, call, payload).map_err(|error| about(api_version, kind, error))
    }

    /// Gets an object; `None` when there is none.
    ///
    /// # Errors
    /// When the call fails.
    pub fn get(&self, query: &GetQuery<'_>) -> Result<Option<Answer>, Error> {
        let &GetQuery { api_version, kind, name, namespace, fields, disable_cache } = query;
        let mut payload = Writer::default();
        payload.open('{').field("api_version", api_version).field("kind", kind).field("name", name);
        payload.optional("namespace", namespace).key("disable_cache").raw(if disable_cache { "true" } else { "false" });
        write_masks(&mut payload, fields);
        payload.close('}');
        match ask(self, "kubernetes/get_resource", payload) {
            Ok(answer) => Ok(Some(answer)),
            Err(Error::Host(error)) if is_not_found(&error.problem) => Ok(None),
            Err(error) => Err(about(api_version, kind, error)),
        }
    }

    /// Asks whether a user may do something.
    ///
    /// # Errors
    /// When the call fails.
    pub fn can_i(&self, review: &AccessReview<'_>) -> Result<AccessDecision, Error> {
        let AccessReview { user, groups, action } = review;
        let Action { namespace, verb, group, resource, subresource, name, version } = *action;
        let mut payload = Writer::default();
        payload.open('{').key("subject_access_review").open('{').field("user", user).key("groups").strings(groups);
        payload.key("resource_attributes").open('{').field("verb", verb).field("resource", resource);
        payload.optional("namespace", namespace).optional("group", group).optional("subresource", subresource);
        payload.optional("name", name).optional("version", version).close('}').close('}');
        payload.key("disable_cache").raw("false").close('}');
        ask(self, "kubernetes/can_i", payload)?.read()
    }

    /// The digest of an image's manifest: `sha256:…`.
    ///
    /// # Errors
    /// When the call fails.
    pub fn manifest_digest(&self, image: &str) -> Result<String, Error> {
        ask_about(self, "oci/v1/manifest_digest", image)?.read::<Digest>().map(|answer| answer.digest)
    }

    /// An image's manifest, or the index of a multi-platform image.
    ///
    /// # Errors
    /// When the call fails.
    pub fn oci_manifest(&self, image: &str) -> Result<Answer, Error> {
        ask_about(self, "oci/v1/oci_manifest", image)
    }

    /// An image's `manifest`, `digest` and `config`.
    ///
    /// # Errors
    /// When the call fails.
    pub fn oci_config(&self, image: &str) -> Result<Answer, Error> {
        ask_about(self, "oci/v1/oci_manifest_config", image)
    }

    /// Verifies an image's sigstore signatures. All `annotations` must have been signed too.
    ///
    /// # Errors
    /// When the call fails, which it also does for an image without signatures.
    pub fn verify_signature(
        &self,
        image: &str,
        signature: &Signature<'_>,
        annotations: &[(&str, &str)],
    ) -> Result<Verification, Error> {
        let mut payload = Writer::default();
        payload.open('{').field("image", image);
        signature.write(&mut payload);
        payload.key("annotations");
        if annotations.is_empty() {
            payload.raw("null");
        } else {
            payload.open('{');
            for (key, value) in annotations {
                payload.field(key, value);
            }
            payload.close('}');
        }
        payload.close('}');
        ask(self, "oci/v2/verify", payload)?.read()
    }

    /// The addresses of a host name.
    ///
    /// # Errors
    /// When the call fails.
    pub fn lookup_host(&self, host: &str) -> Result<Vec<String>, Error> {
        ask_about(self, "net/v1/dns_lookup_host", host)?.read::<Lookup>().map(|answer| answer.ips.to_vec())
    }
}

impl Signature<'_> {
    /// Writes its fields, and the name of its kind.
    fn write(&self, payload: &mut Writer) {
        match self {
            Self::PublicKeys { pub_keys } => {
                payload.field("type", "SigstorePubKeyVerify").key("pub_keys").strings(pub_keys);
            }
            Self::Keyless { keyless } => {
                payload.field("type", "SigstoreKeylessVerify").key("keyless").open('[');
                for Identity { issuer, subject } in *keyless {
                    payload.open('{').field("issuer", issuer).field("subject", subject).close('}');
                }
                payload.close(']');
            }
            Self::KeylessPrefix { keyless_prefix } => {
                payload.field("type", "SigstoreKeylessPrefixVerify").key("keyless_prefix").open('[');
                for IdentityPrefix { issuer, url_prefix } in *keyless_prefix {
                    payload.open('{').field("issuer", issuer).field("url_prefix", url_prefix).close('}');
                }
                payload.close(']');
            }
            Self::GithubActions { owner, repo } => {
                payload.field("type", "SigstoreGithubActionsVerify").field("owner", owner).optional("repo", *repo);
            }
            Self::Certificate { certificate, certificate_chain, require_rekor_bundle } => {
                payload.field("type", "SigstoreCertificateVerify").key("certificate");
                write_bytes(payload, certificate);
                payload.key("certificate_chain");
                match certificate_chain {
                    Some(chain) => {
                        payload.open('[');
                        for certificate in *chain {
                            write_bytes(payload, certificate);
                        }
                        payload.close(']');
                    }
                    None => {
                        payload.raw("null");
                    }
                }
                payload.key("require_rekor_bundle").raw(if *require_rekor_bundle { "true" } else { "false" });
            }
        }
    }
}

/// Bytes travel as a list of numbers.
fn write_bytes(payload: &mut Writer, bytes: &[u8]) {
    payload.open('[');
    for byte in bytes {
        payload.raw(&byte.to_string());
    }
    payload.close(']');
}

fn write_masks(payload: &mut Writer, fields: &[&str]) {
    payload.key("field_masks");
    if fields.is_empty() {
        payload.raw("null");
    } else {
        payload.strings(fields);
    }
}

/// The policy server has no code for "not found", only the text `Cannot find v1/Namespace named 'x' …`. That a *kind* is not there,
/// `Cannot find resource v1/Thing`, is another matter: then the call failed.
fn is_not_found(problem: &str) -> bool {
    let contains = |text: &str| problem.as_bytes().windows(text.len()).any(|window| window == text.as_bytes());
    contains("Cannot find ") && contains(" named '")
}

/// Says what was asked for: the policy server does not always.
fn about(api_version: &str, kind: &str, error: Error) -> Error {
    match error {
        Error::Host(HostError { call, problem }) => {
            Error::Host(HostError { call, problem: [api_version, "/", kind, ": ", &problem].concat() })
        }
        other => other,
    }
}

/// Makes a call about an image or a host name.
fn ask_about(host: &dyn Host, call: &'static str, subject: &str) -> Result<Answer, Error> {
    let mut payload = Writer::default();
    payload.string(subject);
    ask(host, call, payload)
}

/// Makes a call whose name is `namespace/operation`.
fn ask(host: &dyn Host, call: &'static str, payload: Writer) -> Result<Answer, Error> {
    let (namespace, operation) = call.split_once('/').unwrap_or((call, ""));
    let failed = |problem: String| HostError::new(namespace, operation, problem);
    let answer = host.call(namespace, operation, payload.finish().as_bytes())?;
    let text = String::from_utf8(answer).map_err(|_| failed("the answer is not UTF-8".to_owned()))?;
    Ok(Answer { call, text })
}
