//! Who pushes: what `docker login` keeps, or the helper that keeps it.

use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::secrets::RegistryAuth;

/// The name that docker keeps the credentials of Docker Hub under.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Why the credentials cannot be had.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the credentials for {host}: {problem}")]
pub struct CredentialsError {
    host: String,
    problem: String,
}

/// The file in which docker keeps credentials, or names those who do.
pub fn config_file() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    Some(folder("DOCKER_CONFIG").or_else(|| Some(folder("HOME")?.join(".docker")))?.join("config.json"))
}

/// The credentials for a host. Where nothing is configured, nobody in particular.
///
/// # Errors
/// When something is configured, and cannot be used. To go on without it would end in an error that tells less.
pub fn of(host: &str) -> Result<RegistryAuth, CredentialsError> {
    let Some(path) = config_file() else { return Ok(RegistryAuth::Anonymous) };
    let failed = |problem: String| CredentialsError { host: host.to_owned(), problem };
    let config = match fs::read(&path) {
        Ok(config) => config,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(RegistryAuth::Anonymous),
        Err(error) => return Err(failed(format!("{} cannot be read: {error}", path.display()))),
    };
    let is_hub = matches!(host, "docker.io" | "index.docker.io" | "registry-1.docker.io");
    let server = if is_hub { DOCKER_HUB } else { host };
    let again = format!("log in again: docker login {host}");
    match docker_credential::get_credential_from_reader(&*config, server) {
        // A place holder that some helpers answer with when they know nothing.
        Ok(DockerCredential::UsernamePassword(user, password)) if user.is_empty() && password.is_empty() => {
            Ok(RegistryAuth::Anonymous)
        }
        Ok(DockerCredential::UsernamePassword(user, password)) => Ok(RegistryAuth::Basic(user, password)),
        Ok(DockerCredential::IdentityToken(_)) => Err(failed(format!(
            "{} has an identity token, which only docker itself can use; log in with a password or an access token: \
             docker login --username NAME {host}",
            path.display()
        ))),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(RegistryAuth::Anonymous),
        // By docker's protocol, a helper that has none fails with these words on its standard output.
        Err(CredentialRetrievalError::HelperFailure { stdout, .. })
            if stdout.contains("credentials not found") || stdout.contains("no credentials server URL") =>
        {
            Ok(RegistryAuth::Anonymous)
        }
        // What it printed could be a secret.
        Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
            Err(failed(format!("{helper} failed; see what it says: echo {server} | {helper} get")))
        }
        Err(CredentialRetrievalError::HelperCommunicationError) => Err(failed(format!(
            "the helper that {} names cannot be started; is docker-credential-… on the PATH?",
            path.display()
        ))),
        Err(CredentialRetrievalError::MalformedHelperResponse) => Err(failed(format!(
            "the helper that {} names did not answer with the JSON of docker's credential helpers",
            path.display()
        ))),
        Err(CredentialRetrievalError::ConfigReadError) => {
            Err(failed(format!("{} is no configuration of docker", path.display())))
        }
        Err(CredentialRetrievalError::CredentialMismatchError) => Err(failed(format!(
            "in {}, auth says another user or password than username and password do; {again}",
            path.display()
        ))),
        Err(CredentialRetrievalError::CredentialDecodingError | CredentialRetrievalError::ConfigNotFound) => {
            Err(failed(format!("in {}, auth is not the Base64 of USER:PASSWORD; {again}", path.display())))
        }
    }
}
