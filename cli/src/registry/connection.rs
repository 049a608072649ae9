//! How a registry is spoken to: TLS or not, whose certificates, through which proxy.

use std::env;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use oci_client::Client;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use reqwest::{NoProxy, Proxy, redirect};

use super::error::RegistryError;
use super::reader::Reader;
use super::reference::is_loopback;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// For a whole answer to begin, or to go on.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// A server on this machine answers sooner.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// For a whole answer to be there.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);

const USER_AGENT: &str = concat!("palisade/", env!("CARGO_PKG_VERSION"));

/// Why a redirect is not followed.
pub const LEAVES_TLS: &str = "it redirects from https to http, where everybody on the way could answer in its place";

/// How to speak to a registry.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Without TLS. On this machine that is found out by itself.
    pub plain_http: bool,
    /// Certificates of authorities to be trusted beside the system's, in PEM.
    pub ca_file: Option<PathBuf>,
}

/// Clients for this host: one that pushes, and one that reads.
///
/// # Errors
/// When the certificates or the proxy cannot be used.
pub fn clients(host: &str, options: &Options) -> Result<(Client, Reader), RegistryError> {
    let setup = |problem: String| RegistryError::Setup(problem);
    let is_plain = options.plain_http || (is_loopback(host) && speaks_plain_http(host));
    let extra_root_certificates = options.ca_file.as_deref().map(certificates).transpose()?.unwrap_or_default();
    let proxies = Proxies::of_environment();
    let reader = http_client(&extra_root_certificates, &proxies);
    let config = ClientConfig {
        protocol: if is_plain { ClientProtocol::Http } else { ClientProtocol::Https },
        extra_root_certificates,
        connect_timeout: Some(CONNECT_TIMEOUT),
        read_timeout: Some(READ_TIMEOUT),
        user_agent: USER_AGENT,
        http_proxy: proxies.http,
        https_proxy: proxies.https,
        no_proxy: Some(proxies.none),
        ..ClientConfig::default()
    };
    let clients = Client::try_from(config).and_then(|client| Ok((client, reader?)));
    let (client, reader) = clients.map_err(|error| {
        let mut reason: &dyn std::error::Error = &error;
        while let Some(source) = reason.source() {
            reason = source;
        }
        let reason = reason.to_string();
        let reason = reason.trim_start_matches("invalid peer certificate: ");
        match &options.ca_file {
            _ if reason.contains("No CA certificates") => setup(
                "there are no certificates of authorities on this system; install them (ca-certificates), or pass --ca-file FILE.pem"
                    .to_owned(),
            ),
            Some(path) if !reason.contains("builder") => setup(format!("{}: no certificate that can be used: {reason}", path.display())),
            // The reason is not repeated: a proxy's URL may hold a password.
            _ => setup(
                "the connection cannot be set up; are HTTPS_PROXY and HTTP_PROXY URLs, as http://proxy.example.com:3128?".to_owned(),
            ),
        }
    })?;
    // Over plain HTTP, others hear what is said; so they do beyond this machine where nobody meant it.
    let may_be_heard = options.plain_http && !is_loopback(host);
    Ok((client, Reader { client: reader, is_plain, may_be_heard }))
}

/// What answers are read by. It does not leave TLS when it is told to go elsewhere.
fn http_client(certificates: &[Certificate], proxies: &Proxies) -> reqwest::Result<reqwest::Client> {
    let certificates: Vec<_> =
        certificates.iter().map(|certificate| reqwest::Certificate::from_pem(&certificate.data)).collect::<Result<_, _>>()?;
    let policy = redirect::Policy::custom(|attempt| {
        let was_secure = attempt.previous().iter().any(|url| url.scheme() == "https");
        if was_secure && attempt.url().scheme() != "https" {
            return attempt.error(LEAVES_TLS);
        }
        redirect::Policy::default().redirect(attempt)
    });
    let mut builder = reqwest::Client::builder()
        .tls_certs_merge(certificates)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .timeout(ANSWER_TIMEOUT)
        .user_agent(USER_AGENT)
        .redirect(policy);
    let no_proxy = || NoProxy::from_string(&proxies.none);
    if let Some(proxy) = &proxies.https {
        builder = builder.proxy(Proxy::https(proxy)?.no_proxy(no_proxy()));
    }
    if let Some(proxy) = &proxies.http {
        builder = builder.proxy(Proxy::http(proxy)?.no_proxy(no_proxy()));
    }
    builder.build()
}

/// Each certificate of a file.
fn certificates(path: &Path) -> Result<Vec<Certificate>, RegistryError> {
    let wrong = |problem: String| RegistryError::Setup(format!("{}: {problem}", path.display()));
    let pem = fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let text = String::from_utf8_lossy(&pem);
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        let what = if text.contains("PRIVATE KEY-----") { "a private key" } else { "no certificate" };
        return Err(wrong(format!("holds {what}; expected certificates in PEM (-----BEGIN CERTIFICATE-----)")));
    }
    Ok(vec![Certificate { encoding: CertificateEncoding::Pem, data: pem }])
}

/// What the usual variables say.
#[derive(Default)]
struct Proxies {
    http: Option<String>,
    https: Option<String>,
    none: String,
}

impl Proxies {
    fn of_environment() -> Self {
        let variable = |name: &str| {
            let value = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
            value(name).or_else(|| value(&name.to_ascii_uppercase()))
        };
        // No proxy reaches this machine, so nobody need say so.
        let mut none = "localhost,127.0.0.0/8,::1".to_owned();
        if let Some(others) = variable("no_proxy") {
            none = format!("{none},{others}");
        }
        let all = variable("all_proxy");
        Self { http: variable("http_proxy").or_else(|| all.clone()), https: variable("https_proxy").or(all), none }
    }
}

/// Whether a server of this machine answers by HTTP to one who begins with TLS.
///
/// Nothing secret is sent, and any other answer, or none, counts as TLS.
fn speaks_plain_http(host: &str) -> bool {
    /// The beginning of a TLS handshake that no server goes on with, and in whose end HTTP sees the end of a request.
    const HELLO: &[u8] = b"\x16\x03\x01\x00\x08\x01\x00\x00\x04\r\n\r\n";
    let with_port =
        if host.rsplit(']').next().is_some_and(|rest| rest.contains(':')) { host.to_owned() } else { format!("{host}:80") };
    let Ok(addresses) = with_port.to_socket_addrs() else { return false };
    let Some(mut stream) = addresses.into_iter().find_map(|address| TcpStream::connect_timeout(&address, PROBE_TIMEOUT).ok())
    else {
        return false;
    };
    let _ = stream.set_read_timeout(Some(PROBE_TIMEOUT));
    let mut answer = [0; 5];
    stream.write_all(HELLO).and_then(|()| stream.read_exact(&mut answer)).is_ok() && &answer == b"HTTP/"
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A server that reads something and answers with this, once.
    fn answering(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut hello = [0; 64];
            let _ = stream.read(&mut hello);
            let _ = stream.write_all(answer);
        });
        host
    }

    #[test]
    fn what_answers_http_is_http() {
        assert!(speaks_plain_http(&answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")));
        assert!(!speaks_plain_http(&answering(b"\x15\x03\x01\x00\x02\x02\x32")));
        assert!(!speaks_plain_http(&answering(b"")));
        assert!(!speaks_plain_http("127.0.0.1:1"));
    }

    #[test]
    fn files_that_hold_no_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let failed = || certificates(&path).unwrap_err().to_string().replace(&*path.to_string_lossy(), "ca.pem");
        let mut errors = vec![failed()];
        for content in ["", "hello", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n"] {
            fs::write(&path, content).unwrap();
            errors.push(failed());
        }
        insta::assert_snapshot!(errors.join("\n"));
    }
}
