//! Names in a registry: where policies go, and one artifact there.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use oci_client::Reference;

/// How a name may be written; `kwctl` and Kubewarden's resources ask for it.
const SCHEME: &str = "registry://";

/// Registries refuse longer names.
const LONGEST_REPOSITORY: usize = 255;

/// Why a name cannot be read. What was given is repeated only where it holds no credentials.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{subject}: {problem}")]
pub struct ReferenceError {
    subject: String,
    problem: String,
}

fn wrong(text: &str, problem: impl Into<String>) -> ReferenceError {
    // Everything before an @ could be a password, unless it is that of a digest, and there is no other.
    let hides = text.split_once('@').is_some_and(|(_, digest)| !is_only_digest(digest));
    let subject = if hides { "a name with @".to_owned() } else { format!("{text:?}") };
    ReferenceError { subject, problem: problem.into() }
}

/// Whether what follows an @ is a digest, or meant to be one.
fn is_only_digest(text: &str) -> bool {
    text.starts_with("sha256:") && !text.contains('@')
}

/// A folder of a registry: its host, and a path below which each policy has a repository of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    host: String,
    path: String,
}

impl Destination {
    /// Reads `registry://HOST[:PORT][/PATH]`; the scheme may be left out.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.split_once('@').is_some_and(|(_, digest)| is_only_digest(digest)) {
            return Err(wrong(text, "a destination has no digest: it is the folder of all policies"));
        }
        let (host, path) = split(text)?;
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.contains(':') {
            return Err(wrong(text, "a destination has no tag: it is the folder of all policies; pass --tag"));
        }
        if !path.is_empty() {
            check_repository(text, path)?;
        } else if host.eq_ignore_ascii_case("docker.io") {
            return Err(wrong(text, "at Docker Hub, expected the name of a user or an organisation: docker.io/NAME"));
        }
        Ok(Self { host: host.to_ascii_lowercase(), path: path.to_owned() })
    }

    /// The host, with its port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The artifact of a policy.
    ///
    /// # Errors
    /// When a registry would refuse its name or tag.
    pub fn artifact(&self, policy: &str, tag: &str) -> Result<Reference, ReferenceError> {
        let repository = if self.path.is_empty() { policy.to_owned() } else { format!("{}/{policy}", self.path) };
        check_repository(policy, &repository)?;
        check_tag(tag)?;
        Ok(Reference::with_tag(self.host.clone(), repository, tag.to_owned()))
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        if !self.path.is_empty() {
            write!(f, "/{}", self.path)?;
        }
        Ok(())
    }
}

/// Reads `[registry://]HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]`. Unlike docker's, a name without a host is none.
///
/// # Errors
/// When it is none.
pub fn parse(text: &str) -> Result<Reference, ReferenceError> {
    let bare = text.strip_prefix(SCHEME).unwrap_or(text);
    let (name, digest) = match bare.split_once('@') {
        Some((name, digest)) if digest.starts_with("sha256:") => (name, Some(digest)),
        _ => (bare, None),
    };
    if let Some(digest) = digest
        && !is_digest(digest)
    {
        return Err(wrong(text, "after @, expected sha256: and 64 hexadecimal digits"));
    }
    let (host, path) = split(name)?;
    let (repository, tag) = match path.split_once(':') {
        Some((repository, tag)) => (repository, Some(tag)),
        None => (path, None),
    };
    if repository.is_empty() {
        return Err(wrong(text, "expected a repository after the host: HOST/PATH:TAG"));
    }
    check_repository(text, repository)?;
    if let Some(tag) = tag {
        check_tag(tag)?;
    }
    let (host, repository) = (host.to_ascii_lowercase(), repository.to_owned());
    Ok(match (tag, digest) {
        (Some(tag), Some(digest)) => Reference::with_tag_and_digest(host, repository, tag.to_owned(), digest.to_owned()),
        (None, Some(digest)) => Reference::with_digest(host, repository, digest.to_owned()),
        (Some(tag), None) => Reference::with_tag(host, repository, tag.to_owned()),
        (None, None) => return Err(wrong(text, "expected a tag or a digest: HOST/PATH:TAG or HOST/PATH@sha256:…")),
    })
}

/// Host and path.
fn split(text: &str) -> Result<(&str, &str), ReferenceError> {
    let bare = text.strip_prefix(SCHEME).unwrap_or(text);
    if bare.contains('@') {
        return Err(wrong(
            text,
            "expected no user and no password in it: they are taken from docker's configuration, where `docker login` puts them",
        ));
    }
    if let Some((scheme, _)) = bare.split_once("://") {
        let found = if text.starts_with(SCHEME) { "two of them".to_owned() } else { format!("{scheme}://") };
        return Err(wrong(text, format!("expected {SCHEME}HOST/PATH or HOST/PATH, not {found}")));
    }
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let name = without_port(host);
    let is_address =
        name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok());
    let labels =
        || name.split('.').all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    if !is_address && !labels() {
        return Err(wrong(text, "expected a host at the beginning: HOST[:PORT]/PATH"));
    }
    if name.len() == host.len() && !is_address && !name.contains('.') && name != "localhost" {
        let problem = format!("expected a host at the beginning, and {name} is none; write docker.io/… for Docker Hub");
        return Err(wrong(text, problem));
    }
    if let Some(port) = host[name.len()..].strip_prefix(':')
        && !(port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0))
    {
        return Err(wrong(text, format!("{port:?} is no port")));
    }
    Ok((host, path))
}

fn without_port(host: &str) -> &str {
    match host.rfind(']') {
        Some(end) => &host[..=end],
        None => host.split_once(':').map_or(host, |(name, _)| name),
    }
}

/// Whether a host, with or without port, is this machine.
pub fn is_loopback(host: &str) -> bool {
    let name = without_port(host).trim_matches(['[', ']']);
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a text is the name of a repository, or a part of one.
pub fn is_repository(text: &str) -> bool {
    let is_name = |part: &str| {
        let alphanumeric = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let bytes = part.as_bytes();
        alphanumeric(bytes.first())
            && alphanumeric(bytes.last())
            && bytes.iter().all(|byte| alphanumeric(Some(byte)) || b"._-".contains(byte))
            // Between letters and digits: one dot, one or two underscores, or any number of hyphens.
            && part.split(|c: char| c.is_ascii_alphanumeric()).all(|gap| {
                matches!(gap, "" | "." | "_" | "__") || gap.bytes().all(|byte| byte == b'-')
            })
    };
    text.split('/').all(is_name)
}

fn check_repository(text: &str, repository: &str) -> Result<(), ReferenceError> {
    if !is_repository(repository) {
        let problem = format!(
            "{repository:?} is no repository: expected lower-case letters, digits, and . _ - between them, in parts divided by /"
        );
        return Err(wrong(text, problem));
    }
    if repository.len() > LONGEST_REPOSITORY {
        return Err(wrong(text, format!("a repository's name has at most {LONGEST_REPOSITORY} characters")));
    }
    Ok(())
}

fn check_tag(tag: &str) -> Result<(), ReferenceError> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let first = tag.bytes().next().is_some_and(word);
    if first && tag.len() <= 128 && tag.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-') {
        return Ok(());
    }
    let problem = "is no tag: expected at most 128 letters, digits, and _ . - after the first of them";
    Err(ReferenceError { subject: format!("{tag:?}"), problem: problem.to_owned() })
}

/// Whether a text is a digest that can be relied on.
pub fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations() {
        for (text, host, shown) in [
            ("registry://registry.example.com/policies", "registry.example.com", "registry.example.com/policies"),
            ("registry.example.com:5000/a/b/", "registry.example.com:5000", "registry.example.com:5000/a/b"),
            ("Registry.Example.com/a", "registry.example.com", "registry.example.com/a"),
            ("localhost/a", "localhost", "localhost/a"),
            ("localhost:5000", "localhost:5000", "localhost:5000"),
            ("cache:5000/a", "cache:5000", "cache:5000/a"),
            ("registry://[::1]:5000/a__b/c--d", "[::1]:5000", "[::1]:5000/a__b/c--d"),
            ("[::1]/a", "[::1]", "[::1]/a"),
        ] {
            let destination = Destination::parse(text).unwrap();
            assert_eq!((destination.host(), &*destination.to_string()), (host, shown), "{text}");
        }
    }

    #[test]
    fn what_is_no_destination() {
        let errors: Vec<String> = [
            "",
            "registry://",
            "policies/ours",
            "https://registry.example.com/policies",
            "registry://registry://registry.example.com/policies",
            "registry.example.com/policies@sha256:0a0a",
            "registry.example.com/policies:v1@sha256:0a0a",
            "registry.example.com:+80/a",
            "registry.example.com:0/a",
            "docker.io",
            "registry.example.com/policies:v1",
            "registry.example.com/Policies",
            "registry.example.com/a..b",
            "registry.example.com//a",
            "registry.example.com:port/a",
            "registry.example.com:99999/a",
            "reg istry.example.com/a",
            "robot:hunter2@registry.example.com/a",
            "robot:hunter2@registry.example.com/a@sha256:0a0a",
        ]
        .iter()
        .map(|text| Destination::parse(text).unwrap_err().to_string())
        .collect();
        assert!(!errors.concat().contains("hunter2"));
        insta::assert_snapshot!(errors.join("\n"));
    }

    #[test]
    fn references() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for text in [
            "registry.example.com/a/b:v1.0.0".to_owned(),
            format!("registry.example.com/a/b@{digest}"),
            format!("localhost:5000/a:latest@{digest}"),
            "[::1]:5000/a:v1".to_owned(),
        ] {
            assert_eq!(parse(&format!("registry://{text}")).unwrap().to_string(), text);
            assert_eq!(parse(&text).unwrap().to_string(), text);
        }
        let errors: Vec<String> =
            ["a:v1", "registry.example.com/a", "registry.example.com:v1", "localhost:5000/a:-v1", "localhost:5000/a@sha256:12"]
                .iter()
                .map(|text| parse(text).unwrap_err().to_string())
                .collect();
        insta::assert_snapshot!(errors.join("\n"));
    }

    #[test]
    fn artifacts() {
        let destination = Destination::parse("localhost:5000/ours").unwrap();
        assert_eq!(destination.artifact("a", "v1").unwrap().to_string(), "localhost:5000/ours/a:v1");
        assert_eq!(
            Destination::parse("localhost:5000").unwrap().artifact("a", "v1").unwrap().to_string(),
            "localhost:5000/a:v1"
        );
        for (policy, tag) in [("A", "v1"), ("a", ""), ("a", "v1+build"), ("a", &"1".repeat(129)), (&"a".repeat(255), "v1")] {
            assert!(destination.artifact(policy, tag).is_err(), "{policy} {tag}");
        }
    }

    #[test]
    fn this_machine() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:80", "127.1.2.3", "[::1]", "[::1]:5000"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example.com", "10.0.0.1:5000", "[::2]:5000", "registry.example.com"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
