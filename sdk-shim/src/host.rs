//! What a policy may ask of its surroundings: Kubernetes, registries, sigstore and DNS, through the policy server.
//!
//! [`Host`] has one required method, so that a test can stand in for the policy server; the harness does.
//! The wire format is Kubewarden's; a test compares each request with the types of `kubewarden-policy-sdk`.

use std::fmt;

use serde::Serialize;

use crate::error::Error;
use crate::json::{self, JsonError, List, Read, Reader, View};

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

    /// Only these fields of each object, as dotted paths that run through lists; without, all. Saves the policy server memory.
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

/// May this user do that? Empty fields are left out, as in a `SubjectAccessReview`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AccessReview<'q> {
    /// The user's name.
    pub user: &'q str,
    /// The user's groups.
    pub groups: &'q [&'q str],
    /// The action.
    #[serde(rename = "resource_attributes")]
    pub action: Action<'q>,
}

/// An action on a resource.
#[derive(Clone, Debug, Default, Serialize)]
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
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type")]
pub enum Signature<'q> {
    /// By all of these public keys, in PEM.
    #[serde(rename = "SigstorePubKeyVerify")]
    PublicKeys {
        /// The keys.
        pub_keys: &'q [&'q str],
    },
    /// Keyless, by these identities.
    #[serde(rename = "SigstoreKeylessVerify")]
    Keyless {
        /// Issuer and subject of each.
        keyless: &'q [Identity<'q>],
    },
    /// Keyless, by identities whose subject is a URL that begins so.
    #[serde(rename = "SigstoreKeylessPrefixVerify")]
    KeylessPrefix {
        /// Issuer and beginning of the subject of each.
        keyless_prefix: &'q [IdentityPrefix<'q>],
    },
    /// Keyless, by a workflow of GitHub Actions.
    #[serde(rename = "SigstoreGithubActionsVerify")]
    GithubActions {
        /// The owner of the repository.
        owner: &'q str,
        /// The repository; `None` is any of the owner's.
        repo: Option<&'q str>,
    },
    /// By a certificate, in PEM.
    #[serde(rename = "SigstoreCertificateVerify")]
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
#[derive(Clone, Debug, Serialize)]
pub struct Identity<'q> {
    /// The OIDC issuer.
    pub issuer: &'q str,
    /// The subject of its token.
    pub subject: &'q str,
}

/// Who signed keylessly, by the beginning of a URL.
#[derive(Clone, Debug, Serialize)]
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
        #[derive(Serialize)]
        struct Payload<'q> {
            api_version: &'q str,
            kind: &'q str,
            #[serde(skip_serializing_if = "Option::is_none")]
            namespace: Option<&'q str>,
            label_selector: Option<&'q str>,
            field_selector: Option<&'q str>,
            field_masks: Option<&'q [&'q str]>,
        }
        let &ListQuery { api_version, kind, namespace, label_selector, field_selector, fields } = query;
        let field_masks = (!fields.is_empty()).then_some(fields);
        let call = match namespace {
            Some(_) => "kubernetes/list_resources_by_namespace",
            None => "kubernetes/list_resources_all",
        };
        let payload = Payload { api_version, kind, namespace, label_selector, field_selector, field_masks };
        ask(self, call, &payload).map_err(|error| about(api_version, kind, error))
    }

    /// Gets an object; `None` when there is none.
    ///
    /// # Errors
    /// When the call fails.
    pub fn get(&self, query: &GetQuery<'_>) -> Result<Option<Answer>, Error> {
        #[derive(Serialize)]
        struct Payload<'q> {
            api_version: &'q str,
            kind: &'q str,
            name: &'q str,
            namespace: Option<&'q str>,
            disable_cache: bool,
            field_masks: Option<&'q [&'q str]>,
        }
        let &GetQuery { api_version, kind, name, namespace, fields, disable_cache } = query;
        let field_masks = (!fields.is_empty()).then_some(fields);
        match ask(self, "kubernetes/get_resource", &Payload { api_version, kind, name, namespace, disable_cache, field_masks })
        {
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
        #[derive(Serialize)]
        struct Payload<'q> {
            subject_access_review: &'q AccessReview<'q>,
            disable_cache: bool,
        }
        ask(self, "kubernetes/can_i", &Payload { subject_access_review: review, disable_cache: false })?.read()
    }

    /// The digest of an image's manifest: `sha256:…`.
    ///
    /// # Errors
    /// When the call fails.
    pub fn manifest_digest(&self, image: &str) -> Result<String, Error> {
        ask(self, "oci/v1/manifest_digest", &image)?.read::<Digest>().map(|answer| answer.digest)
    }

    /// An image's manifest, or the index of a multi-platform image.
    ///
    /// # Errors
    /// When the call fails.
    pub fn oci_manifest(&self, image: &str) -> Result<Answer, Error> {
        ask(self, "oci/v1/oci_manifest", &image)
    }

    /// An image's `manifest`, `digest` and `config`.
    ///
    /// # Errors
    /// When the call fails.
    pub fn oci_config(&self, image: &str) -> Result<Answer, Error> {
        ask(self, "oci/v1/oci_manifest_config", &image)
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
        #[derive(Serialize)]
        struct Payload<'q> {
            image: &'q str,
            #[serde(flatten)]
            signature: &'q Signature<'q>,
            annotations: Option<Annotations<'q>>,
        }
        let annotations = (!annotations.is_empty()).then_some(Annotations(annotations));
        ask(self, "oci/v2/verify", &Payload { image, signature, annotations })?.read()
    }

    /// The addresses of a host name.
    ///
    /// # Errors
    /// When the call fails.
    pub fn lookup_host(&self, host: &str) -> Result<Vec<String>, Error> {
        ask(self, "net/v1/dns_lookup_host", &host)?.read::<Lookup>().map(|answer| answer.ips.to_vec())
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

/// Pairs, written as a map.
struct Annotations<'q>(&'q [(&'q str, &'q str)]);

impl Serialize for Annotations<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// Makes a call whose name is `namespace/operation`.
fn ask(host: &dyn Host, call: &'static str, payload: &impl Serialize) -> Result<Answer, Error> {
    let (namespace, operation) = call.split_once('/').unwrap_or((call, ""));
    let failed = |problem: String| HostError::new(namespace, operation, problem);
    let payload = serde_json::to_vec(payload).map_err(|error| failed(error.to_string()))?;
    let answer = host.call(namespace, operation, &payload)?;
    let text = String::from_utf8(answer).map_err(|_| failed("the answer is not UTF-8".to_owned()))?;
    Ok(Answer { call, text })
}
