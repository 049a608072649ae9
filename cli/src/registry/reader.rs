//! What a registry answers, no further than it may go on.
//!
//! A registry, or who stands before it, may answer anything: bytes without end, other bytes than those that were asked for, or the
//! address of a token service that credentials must not be sent to.

use http_auth::parser::ChallengeParser;
use oci_client::Reference;
use oci_client::errors::{OciDistributionError, OciEnvelope};
use oci_client::secrets::RegistryAuth;
use oci_client::token_cache::RegistryToken;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Response, StatusCode, Url};

use super::error::Fault;
use super::reference::is_loopback;
use super::{RegistryOperation, digest};

/// No message of a registry is longer, and no token.
const LARGEST_MESSAGE: u64 = 1024 * 1024;

/// The header by which registries say what they answer with.
const DIGEST_HEADER: &str = "Docker-Content-Digest";

/// Speaks to a registry to read.
pub struct Reader {
    /// What sends the requests.
    pub client: reqwest::Client,
    /// Whether the registry is spoken to without TLS.
    pub is_plain: bool,
    /// Whether the user wants it to be spoken to without TLS over a network.
    pub may_be_heard: bool,
}

/// What a registry asks of those who come.
pub enum Challenge {
    /// Nothing.
    None,
    /// User and password.
    Basic,
    /// A token, which this service gives, under this name of the registry.
    Bearer {
        /// Where it is.
        realm: Url,
        /// What the registry is called there.
        service: Option<String>,
    },
}

/// What shows who one is.
#[derive(Clone)]
pub enum Pass {
    /// Nobody in particular.
    None,
    /// User and password.
    Basic(String, String),
    /// A token.
    Bearer(String),
}

impl Reader {
    /// Asks what it takes to be let in.
    pub async fn challenge(&self, image: &Reference) -> Result<Challenge, Fault> {
        let root = format!("{}/v2/", self.root(image));
        let response = self.client.get(&root).send().await?;
        // Who fails for the moment does not say what is asked for at other times.
        if response.status() == StatusCode::TOO_MANY_REQUESTS || response.status().is_server_error() {
            return Err(refusal(response.status(), b""));
        }
        let texts = response.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|header| header.to_str().ok());
        let challenges: Vec<_> = texts.flat_map(ChallengeParser::new).filter_map(Result::ok).collect();
        let named = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme.eq_ignore_ascii_case(scheme));
        let Some(bearer) = named("Bearer") else {
            // Only the registry itself gets the password, and not whom it sends us to.
            let is_itself = Url::parse(&root).is_ok_and(|url| url.origin() == response.url().origin());
            return Ok(if is_itself && named("Basic").is_some() { Challenge::Basic } else { Challenge::None });
        };
        let value = |name: &str| {
            let is_it = |(key, _): &&(&str, _)| key.eq_ignore_ascii_case(name);
            bearer.params.iter().find(is_it).map(|(_, value)| value.to_unescaped())
        };
        let realm = value("realm").unwrap_or_default();
        match Url::parse(&realm) {
            Ok(realm) if matches!(realm.scheme(), "https" | "http") && realm.has_host() => {
                Ok(Challenge::Bearer { realm, service: value("service") })
            }
            _ => Err(Fault::NoRegistry("it names a token service that is none".to_owned())),
        }
    }

    /// Gets what the challenge asks for.
    pub async fn pass(
        &self,
        image: &Reference,
        challenge: &Challenge,
        auth: &RegistryAuth,
        operation: RegistryOperation,
    ) -> Result<Pass, Fault> {
        let (realm, service) = match (challenge, auth) {
            (Challenge::Bearer { realm, service }, _) => (realm, service),
            (Challenge::Basic, RegistryAuth::Basic(user, password)) => return Ok(Pass::Basic(user.clone(), password.clone())),
            _ => return Ok(Pass::None),
        };
        let operation = if operation == RegistryOperation::Push { "pull,push" } else { "pull" };
        let scope = format!("repository:{}:{operation}", image.repository());
        let mut request = self.client.get(realm.clone()).query(&[("scope", &scope)]);
        if let Some(service) = service {
            request = request.query(&[("service", service)]);
        }
        if let RegistryAuth::Basic(user, password) = auth {
            if !self.may_know(realm) {
                let origin = realm.origin().ascii_serialization();
                return Err(Fault::Wrong(format!(
                    "its token service is at {origin}, without TLS, so that everybody on the way could read the credentials; nothing \
                     was sent there: have the registry name a token service by https"
                )));
            }
            request = request.basic_auth(user, Some(password));
        }
        let mut response = request.send().await?;
        let status = response.status();
        let body = body(&mut response, LARGEST_MESSAGE).await?;
        if status != StatusCode::OK {
            return Err(OciDistributionError::AuthenticationFailure(String::from_utf8_lossy(&body).into_owned()).into());
        }
        let token = serde_json::from_slice::<RegistryToken>(&body).ok().map(|token| token.token().to_owned());
        // It goes into the head of each request.
        match token.filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())) {
            Some(token) => Ok(Pass::Bearer(token)),
            None => Err(OciDistributionError::RegistryTokenDecodeError(String::new()).into()),
        }
    }

    /// Whether credentials may be sent to a token service.
    fn may_know(&self, realm: &Url) -> bool {
        let is_here = || realm.host_str().is_some_and(is_loopback);
        realm.scheme() == "https" || (self.is_plain && (self.may_be_heard || is_here()))
    }

    /// What is at this path of a repository, if it has at most so many bytes.
    pub async fn get(&self, image: &Reference, path: &str, accept: &[&str], pass: &Pass, limit: u64) -> Result<Vec<u8>, Fault> {
        let url = format!("{}/v2/{}/{path}", self.root(image), image.repository());
        let request = self.client.get(&url).header(ACCEPT, accept.join(", "));
        let mut response = authorised(request, pass).send().await?;
        let status = response.status();
        if status != StatusCode::OK {
            let body = body(&mut response, LARGEST_MESSAGE).await?;
            return Err(refusal(status, &body));
        }
        let header = response.headers().get(DIGEST_HEADER).and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let bytes = body(&mut response, limit).await?;
        match header.filter(|said| said.starts_with("sha256:")) {
            Some(said) if said != digest(&bytes) => Err(Fault::other_bytes(&bytes, &said)),
            _ => Ok(bytes),
        }
    }

    fn root(&self, image: &Reference) -> String {
        format!("{}://{}", if self.is_plain { "http" } else { "https" }, image.resolve_registry())
    }
}

fn authorised(request: RequestBuilder, pass: &Pass) -> RequestBuilder {
    match pass {
        Pass::None => request,
        Pass::Basic(user, password) => request.basic_auth(user, Some(password)),
        Pass::Bearer(token) => match HeaderValue::from_str(&format!("Bearer {token}")) {
            Ok(mut value) => {
                value.set_sensitive(true);
                request.header(AUTHORIZATION, value)
            }
            Err(_) => request,
        },
    }
}

/// The body, which is not read further than it may be long.
async fn body(response: &mut Response, limit: u64) -> Result<Vec<u8>, Fault> {
    let too_long = || Fault::Wrong(format!("what comes is longer than {limit} bytes, and was not read any further"));
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(too_long());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Why it was not given.
fn refusal(status: StatusCode, body: &[u8]) -> Fault {
    let url = String::new();
    match serde_json::from_slice::<OciEnvelope>(body) {
        _ if status == StatusCode::UNAUTHORIZED => OciDistributionError::UnauthorizedError { url },
        _ if status.is_success() => {
            OciDistributionError::SpecViolationError(format!("it answers with status {}", status.as_u16()))
        }
        Ok(envelope) if status.is_client_error() => OciDistributionError::RegistryError { envelope, url },
        _ => OciDistributionError::ServerError {
            code: status.as_u16(),
            message: String::from_utf8_lossy(body).into_owned(),
            url,
        },
    }
    .into()
}
