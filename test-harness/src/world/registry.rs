//! The images of registries, and who has signed them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// What the registry says of an image.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// The digest of its manifest.
    pub digest: String,
    /// Its manifest or index.
    #[serde(default)]
    pub manifest: Option<Value>,
    /// Its configuration. That of an index is found with the image that the index names for linux/amd64.
    #[serde(default)]
    pub config: Option<Value>,
}

/// Who has signed an image.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Signature {
    /// The image.
    pub image: String,
    /// The digest that was signed.
    pub digest: String,
    /// The public keys whose owners have signed, in PEM.
    pub public_keys: Vec<String>,
    /// The identities that have signed without keys.
    pub keyless: Vec<Identity>,
    /// The repository whose workflow has signed.
    pub github_actions: Option<Repository>,
    /// The certificates whose owners have signed, in PEM.
    pub certificates: Vec<String>,
    /// What was signed along with the image.
    pub annotations: BTreeMap<String, String>,
}

/// Who signs without keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The OIDC issuer.
    pub issuer: String,
    /// The subject of its token.
    pub subject: String,
}

/// A repository on GitHub.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// Its owner.
    pub owner: String,
    /// Its name.
    pub repo: String,
}

/// An image reference as Docker reads it: `web` is `docker.io/library/web:latest`. A digest outweighs a tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reference {
    repository: String,
    /// With the `:` or `@` that leads it.
    version: String,
}

impl Reference {
    fn new(text: &str) -> Self {
        let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
        let (name, tag) = match name.rsplit_once(':') {
            // A colon before a slash belongs to a port.
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (name, "latest"),
        };
        let repository = match name.split_once('/') {
            Some(("index.docker.io", rest)) => format!("docker.io/{rest}"),
            Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => name.to_owned(),
            Some(_) => format!("docker.io/{name}"),
            None => format!("docker.io/library/{name}"),
        };
        let version = digest.map_or_else(|| format!(":{tag}"), |digest| format!("@{digest}"));
        Self { repository, version }
    }

    fn digest(&self) -> Option<&str> {
        self.version.strip_prefix('@')
    }
}

/// Images and signatures.
#[derive(Debug, Default)]
pub(super) struct Registry {
    images: BTreeMap<Reference, Image>,
    signatures: Vec<(Reference, Signature)>,
}

impl Registry {
    pub(super) fn set_images(&mut self, images: BTreeMap<String, Image>) {
        self.images = images.into_iter().map(|(reference, image)| (Reference::new(&reference), image)).collect();
    }

    pub(super) fn set_signatures(&mut self, signatures: Vec<Signature>) {
        self.signatures = signatures.into_iter().map(|signature| (Reference::new(&signature.image), signature)).collect();
    }

    fn find(&self, reference: &Reference) -> Option<&Image> {
        self.images.get(reference).or_else(|| {
            let digest = reference.digest()?;
            let same = |other: &Reference, image: &Image| other.repository == reference.repository && image.digest == digest;
            self.images.iter().find(|(other, image)| same(other, image)).map(|(_, image)| image)
        })
    }

    fn image(&self, reference: &str) -> Result<&Image, String> {
        self.find(&Reference::new(reference)).ok_or_else(|| format!("the registry has no image {reference}"))
    }

    pub(super) fn digest(&self, reference: &str) -> Result<Value, String> {
        Ok(json!({"digest": self.image(reference)?.digest}))
    }

    pub(super) fn manifest(&self, reference: &str) -> Result<Value, String> {
        let manifest = self.image(reference)?.manifest.clone();
        manifest.ok_or_else(|| format!("the registry has no manifest of {reference}"))
    }

    /// Manifest, digest and configuration of an image; of an index, those of its image for linux/amd64.
    pub(super) fn config(&self, reference: &str) -> Result<Value, String> {
        let mut image = self.image(reference)?;
        let index = image.manifest.as_ref().and_then(|manifest| manifest["manifests"].as_array());
        if let Some(entries) = index {
            let is_wanted = |entry: &&Value| entry["platform"]["os"] == "linux" && entry["platform"]["architecture"] == "amd64";
            let digest = entries.iter().find(is_wanted).and_then(|entry| entry["digest"].as_str());
            let digest = digest.ok_or_else(|| format!("the index {reference} names no image for linux/amd64"))?;
            let repository = Reference::new(reference).repository;
            image = self.image(&format!("{repository}@{digest}"))?;
        }
        match image {
            Image { digest, manifest: Some(manifest), config: Some(config) } => {
                Ok(json!({"manifest": manifest, "digest": digest, "config": config}))
            }
            _ => Err(format!("the registry has no manifest and configuration of {reference}")),
        }
    }

    /// Verifies signatures: all that the request names must have signed, each with all the annotations.
    pub(super) fn verify(&self, request: &Value) -> Result<Value, String> {
        // `v1/verify` has the kind of verification as the only key, `v2/verify` beside the others.
        let (kind, request) = match (request["type"].as_str(), request.as_object().and_then(|fields| fields.iter().next())) {
            (Some(kind), _) => (kind, request),
            (None, Some((kind, request))) => (kind.as_str(), request),
            (None, None) => return Err("missing field `type`".to_owned()),
        };
        let image = request["image"].as_str().ok_or("missing field `image`")?;
        let annotations: BTreeMap<String, String> = match &request["annotations"] {
            Value::Null => BTreeMap::new(),
            annotations => serde_json::from_value(annotations.clone()).map_err(|error| error.to_string())?,
        };
        let reference = Reference::new(image);
        let resolved = reference.digest().or_else(|| self.find(&reference).map(|image| image.digest.as_str()));
        let signatures: Vec<&Signature> = self
            .signatures
            .iter()
            .filter(|(signed, signature)| {
                let same_image = match resolved {
                    Some(digest) => signature.digest == digest,
                    None => signed.version == reference.version,
                };
                let annotated = annotations.iter().all(|(key, value)| signature.annotations.get(key) == Some(value));
                signed.repository == reference.repository && same_image && annotated
            })
            .map(|(_, signature)| signature)
            .collect();
        match signatures.first() {
            Some(signature) if is_satisfied(kind, request, &signatures) => {
                Ok(json!({"is_trusted": true, "digest": signature.digest}))
            }
            _ => Err(format!("no signatures found for image: {image}")),
        }
    }
}

/// Whether all that a verification asks for has signed.
fn is_satisfied(kind: &str, request: &Value, signatures: &[&Signature]) -> bool {
    let all = |field: &str, signed: &dyn Fn(&Value, &Signature) -> bool| {
        let wanted = request[field].as_array().map_or(&[][..], Vec::as_slice);
        !wanted.is_empty() && wanted.iter().all(|wanted| signatures.iter().any(|signature| signed(wanted, signature)))
    };
    match kind {
        "SigstorePubKeyVerify" => all("pub_keys", &|key, signature| {
            signature.public_keys.iter().any(|own| key.as_str().is_some_and(|key| own.trim() == key.trim()))
        }),
        "SigstoreKeylessVerify" => all("keyless", &|wanted, signature| {
            signature.keyless.iter().any(|own| wanted["issuer"] == own.issuer && wanted["subject"] == own.subject)
        }),
        "SigstoreKeylessPrefixVerify" => all("keyless_prefix", &|wanted, signature| {
            let Some(prefix) = wanted["url_prefix"].as_str() else { return false };
            // Policy-server ends the prefix so, that `example` is not taken for `example-of-others`.
            let prefix = format!("{}/", prefix.strip_suffix('/').unwrap_or(prefix));
            signature.keyless.iter().any(|own| wanted["issuer"] == own.issuer && own.subject.starts_with(&prefix))
        }),
        "SigstoreGithubActionsVerify" => signatures
            .iter()
            .filter_map(|signature| signature.github_actions.as_ref())
            .any(|own| request["owner"] == own.owner && (request["repo"].is_null() || request["repo"] == own.repo)),
        "SigstoreCertificateVerify" => {
            let bytes = request["certificate"].as_array().into_iter().flatten();
            let wanted: Vec<u8> = bytes.filter_map(Value::as_u64).filter_map(|byte| u8::try_from(byte).ok()).collect();
            let mut own = signatures.iter().flat_map(|signature| &signature.certificates);
            own.any(|own| own.trim().as_bytes() == wanted.trim_ascii())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_docker_reads_them() {
        for (one, other) in [
            ("web", "docker.io/library/web:latest"),
            ("team/web", "index.docker.io/team/web"),
            ("localhost/web:1", "localhost/web:1"),
            ("registry:5000/web", "registry:5000/web:latest"),
            ("ghcr.io/team/web:1@sha256:abc", "ghcr.io/team/web@sha256:abc"),
        ] {
            assert_eq!(Reference::new(one), Reference::new(other), "{one}");
        }
        for (one, other) in
            [("web:1", "web:2"), ("ghcr.io/web", "web"), ("localhost/web", "web"), ("registry:5000/web", "registry/web:5000")]
        {
            assert_ne!(Reference::new(one), Reference::new(other), "{one}");
        }
    }
}
