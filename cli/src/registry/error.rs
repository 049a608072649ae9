//! What can go wrong with a registry, and what to do then.

use std::error::Error;
use std::fmt;

use oci_client::errors::{DigestError, OciDistributionError, OciEnvelope, OciErrorCode};

use super::connection::LEAVES_TLS;
use super::credentials::CredentialsError;
use super::reference::ReferenceError;

/// What is repeated of a registry's own words.
const LONGEST_MESSAGE: usize = 300;

/// Why a registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A name that is none.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// Credentials that cannot be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The connection cannot be set up at all.
    #[error("{0}")]
    Setup(String),
    /// A request that failed.
    #[error("{host}: {what}: {fault}")]
    Failed {
        /// The registry.
        host: String,
        /// What was not done: `cannot push policies/a:v1`.
        what: String,
        /// Why.
        fault: Fault,
    },
}

/// Why a request failed.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// No connection.
    Unreachable(String),
    /// A connection that ended before the answer did.
    Cut(String),
    /// No answer in time.
    Timeout,
    /// A certificate that cannot be relied on.
    Certificate(String),
    /// Something answers, but not by TLS.
    NoTls,
    /// Something answers that does not like plain HTTP.
    Tls,
    /// It is sent from one place to the next.
    Redirects,
    /// Who are you? With the registry's words, or whose credentials they were.
    Unauthorised(Option<String>),
    /// You may not.
    Denied(Option<String>),
    /// There is no such thing.
    Missing(Option<String>),
    /// Not now: 429 and 5xx.
    Busy(u16, Option<String>),
    /// Any other refusal.
    Refused(Option<u16>, Option<String>),
    /// An answer that no registry gives.
    NoRegistry(String),
    /// An answer whose content is not what it should be.
    Wrong(String),
}

impl Fault {
    /// Whether it may go well the next time.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Cut(_) | Self::Timeout | Self::Busy(..))
    }

    /// What happened, without what to do.
    pub fn in_short(&self) -> String {
        match self {
            Self::Unreachable(cause) => format!("no connection: {cause}"),
            Self::Cut(cause) => format!("the connection was cut: {cause}"),
            Self::Timeout => "no answer in time".to_owned(),
            Self::Busy(429, _) => "too many requests".to_owned(),
            Self::Busy(code, _) => format!("status {code}"),
            other => other.to_string(),
        }
    }

    /// Bytes that are not those of a digest.
    pub fn other_bytes(bytes: &[u8], expected: &str) -> Self {
        let actual = super::digest(bytes);
        Self::Wrong(format!("what came is {actual}, and not {expected} as was said; is there a proxy in between?"))
    }

    /// The same, without these words, which a registry may repeat.
    pub fn without(self, secrets: &[String]) -> Self {
        let clean = |text: String| {
            secrets.iter().filter(|secret| !secret.is_empty()).fold(text, |text, secret| text.replace(secret, "***"))
        };
        match self {
            Self::Unauthorised(words) => Self::Unauthorised(words.map(clean)),
            Self::Denied(words) => Self::Denied(words.map(clean)),
            Self::Missing(words) => Self::Missing(words.map(clean)),
            Self::Busy(code, words) => Self::Busy(code, words.map(clean)),
            Self::Refused(code, words) => Self::Refused(code, words.map(clean)),
            Self::NoRegistry(what) => Self::NoRegistry(clean(what)),
            Self::Wrong(what) => Self::Wrong(clean(what)),
            other => other,
        }
    }

    /// An answer of this status, whose body is this.
    fn of_status(code: u16, body: &str) -> Self {
        if body.trim_start().starts_with('<') && (400..500).contains(&code) && !matches!(code, 401 | 403 | 429) {
            return Self::NoRegistry(format!("it answers with a web page (status {code})"));
        }
        let said = serde_json::from_str::<OciEnvelope>(body).ok().as_ref().and_then(words);
        match code {
            401 => Self::Unauthorised(said),
            403 => Self::Denied(said),
            404 => Self::Missing(said),
            429 | 500..=599 => Self::Busy(code, said),
            _ => Self::Refused(Some(code), said),
        }
    }
}

/// The messages of a registry, in one line; only those, as what else is in an answer could be anything.
fn words(envelope: &OciEnvelope) -> Option<String> {
    let messages: Vec<&str> =
        envelope.errors.iter().map(|error| error.message.trim()).filter(|message| !message.is_empty()).collect();
    let text: String =
        messages.join("; ").chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_MESSAGE).collect();
    (!text.is_empty()).then_some(text)
}

/// The innermost reason, which is the one that tells something. Outer ones name URLs, and those may hold tokens.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

impl From<reqwest::Error> for Fault {
    fn from(error: reqwest::Error) -> Self {
        OciDistributionError::RequestError(error).into()
    }
}

impl From<OciDistributionError> for Fault {
    fn from(error: OciDistributionError) -> Self {
        match error {
            OciDistributionError::RequestError(error) => {
                if let Some(status) = error.status() {
                    return Self::of_status(status.as_u16(), "");
                }
                let cause = root_cause(&error);
                if let Some(reason) = cause.strip_prefix("invalid peer certificate: ") {
                    Self::Certificate(reason.to_owned())
                } else if cause.contains("InvalidContentType") {
                    Self::NoTls
                } else if error.is_timeout() {
                    Self::Timeout
                } else if cause == LEAVES_TLS {
                    Self::Wrong(cause)
                } else if error.is_redirect() {
                    Self::Redirects
                } else if error.is_connect() {
                    Self::Unreachable(cause)
                } else if error.is_builder() {
                    Self::Wrong(cause)
                } else {
                    Self::Cut(cause)
                }
            }
            OciDistributionError::UnauthorizedError { .. } => Self::Unauthorised(None),
            OciDistributionError::AuthenticationFailure(body) => {
                Self::Unauthorised(serde_json::from_str::<OciEnvelope>(&body).ok().as_ref().and_then(words))
            }
            OciDistributionError::ServerError { code, message, .. } => Self::of_status(code, &message),
            OciDistributionError::RegistryError { envelope, .. } => {
                let said = words(&envelope);
                match envelope.errors.first().map(|error| &error.code) {
                    Some(OciErrorCode::Unauthorized) => Self::Unauthorised(said),
                    Some(OciErrorCode::Denied) => Self::Denied(said),
                    Some(OciErrorCode::Toomanyrequests) => Self::Busy(429, said),
                    Some(
                        OciErrorCode::BlobUnknown
                        | OciErrorCode::ManifestUnknown
                        | OciErrorCode::NameUnknown
                        | OciErrorCode::NotFound,
                    ) => Self::Missing(said),
                    _ => Self::Refused(None, said),
                }
            }
            OciDistributionError::ImageManifestNotFoundError(_) => Self::Missing(None),
            OciDistributionError::RegistryTokenDecodeError(_) => {
                Self::NoRegistry("its token service did not answer with a token".to_owned())
            }
            OciDistributionError::RegistryNoLocationError | OciDistributionError::UrlParseError(_) => {
                Self::NoRegistry("it does not say where to upload to".to_owned())
            }
            OciDistributionError::SpecViolationError(violation) => Self::NoRegistry(violation),
            OciDistributionError::ManifestParsingError(_)
            | OciDistributionError::VersionedParsingError(_)
            | OciDistributionError::ManifestEncodingError(_)
            | OciDistributionError::JsonError(_) => Self::NoRegistry("its answer is not the JSON of a registry".to_owned()),
            OciDistributionError::DigestError(DigestError::VerificationError { expected, actual }) => {
                Self::Wrong(format!("what came is {actual}, and not {expected} as was said; is there a proxy in between?"))
            }
            OciDistributionError::DigestError(_) => Self::NoRegistry("its answer has a digest that is none".to_owned()),
            other => Self::Wrong(root_cause(&other)),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |said: &Option<String>| said.as_ref().map(|words| format!(" (it says: {words})")).unwrap_or_default();
        match self {
            Self::Unreachable(cause) => write!(
                f,
                "no connection: {cause}; are name and port right, is the registry up, and is there a proxy to be named or left out?"
            ),
            Self::Cut(cause) => {
                write!(f, "the connection was cut: {cause}; publish again: what is there already is not pushed twice")
            }
            Self::Timeout => f.write_str("no answer in time; is the registry up, or a proxy in between?"),
            Self::Certificate(reason) => match reason {
                // An authority of the same name, but with another key, is another one too.
                reason if reason.starts_with("UnknownIssuer") || reason.starts_with("BadSignature") => f.write_str(
                    "its certificate is of an authority that is not trusted here; \
                     pass the certificate of that authority: --ca-file FILE.pem",
                ),
                reason if reason.starts_with("certificate expired") => f.write_str(
                    "its certificate has expired; the registry needs a new one, or the clock of this machine is wrong",
                ),
                reason if reason.starts_with("certificate not valid yet") => {
                    f.write_str("its certificate is not valid yet; is the clock of this machine right?")
                }
                reason if reason.starts_with("certificate not valid for name") => {
                    write!(f, "{reason}; call the registry by a name that its certificate is for")
                }
                reason => write!(f, "its certificate is not valid: {reason}"),
            },
            Self::NoTls => f.write_str("it does not speak TLS; if plain HTTP is meant, pass --plain-http"),
            Self::Tls => f.write_str("refused with status 400; if it speaks TLS, leave out --plain-http"),
            Self::Redirects => f.write_str("it redirects in a circle; is this the registry itself, or a web page before it?"),
            Self::Unauthorised(None) => f.write_str("not authorised"),
            Self::Unauthorised(Some(words)) => f.write_str(words),
            Self::Denied(words) => write!(f, "denied{}; this user may not", said(words)),
            Self::Missing(words) => {
                write!(f, "not found{}; some registries want a repository to be made before the first push", said(words))
            }
            Self::Busy(429, words) => write!(f, "too many requests{}; try again later", said(words)),
            Self::Busy(code, words) => write!(f, "the registry fails, with status {code}{}; try again later", said(words)),
            Self::Refused(Some(code), words) => write!(f, "refused with status {code}{}", said(words)),
            Self::Refused(None, words) => write!(f, "refused{}", said(words)),
            Self::NoRegistry(what) => write!(f, "{what}; is this an OCI registry?"),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}
