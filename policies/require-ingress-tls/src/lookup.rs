//! What is looked up: certificates and who makes them, and whether the whole cluster is known.

use palisade_sdk::{Answer, Error, GetQuery, Host, ListQuery, Path, Report, Str};

use crate::Reference;
use crate::hosts::{Texts, contains, cut};
use crate::rules::MISSING_CERTIFICATE;

/// Secrets, and kinds whose objects make one: of the name that their spec says, or else of their own.
const SOURCES: [(&str, &str); 7] = [
    ("v1", "Secret"),
    (CERT_MANAGER, "Certificate"),
    ("external-secrets.io/v1", "ExternalSecret"),
    ("external-secrets.io/v1beta1", "ExternalSecret"),
    ("bitnami.com/v1alpha1", "SealedSecret"),
    ("secrets.hashicorp.com/v1beta1", "VaultStaticSecret"),
    ("secrets.hashicorp.com/v1beta1", "VaultPKISecret"),
];
const CERT_MANAGER: &str = "cert-manager.io/v1";
/// Of a Secret its name and type, and never its data.
const FIELDS: [&str; 5] = ["metadata.name", "type", "spec.secretName", "spec.target.name", "spec.destination.name"];

palisade_sdk::view! {
    /// A Secret, or what makes one.
    struct Source<'a> {
        metadata: Reference<'a> as "metadata",
        secret_type: Str<'a> as "type",
        spec: SourceSpec<'a> as "spec",
    }

    struct SourceSpec<'a> {
        secret_name: Str<'a> as "secretName",
        target: Reference<'a> as "target" | "destination",
    }
}

/// Makes nothing of a kind that the cluster does not know: it has no objects then. The policy server says
/// `Cannot find resource v1/Thing`, or, where the whole group is not there, `error finding resource example.com/v1 / Thing: … 404 …`.
///
/// # Errors
/// When the call failed for another reason.
pub fn if_known<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    let is_unknown = |problem: &str| {
        contains(problem, "Cannot find resource") || contains(problem, "error finding resource") && contains(problem, "404")
    };
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Host(error)) if is_unknown(&error.problem) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gets an object of a namespace, in the first of these versions that has it.
///
/// # Errors
/// When a call fails.
pub fn get(
    host: &dyn Host,
    versions: &[&str],
    kind: &str,
    namespace: &str,
    name: &str,
    fields: &[&str],
) -> Result<Option<Answer>, Error> {
    for version in versions {
        let query = GetQuery::new(version, kind, name).namespace(namespace).fields(fields);
        if let Some(answer) = if_known(host.get(&query))?.flatten() {
            return Ok(Some(answer));
        }
    }
    Ok(None)
}

/// Whether the host knows a whole cluster, and not only the manifests of a scan: every cluster has this namespace.
fn knows_the_cluster(host: &dyn Host) -> Result<bool, Error> {
    Ok(host.get(&GetQuery::new("v1", "Namespace", "kube-system").fields(&["metadata.name"]))?.is_some())
}

/// Reports Secrets that are not there, and that nothing known makes: by namespace and name, `shop/shop-tls`, the place that names
/// each. In a scan, where Secrets are often left out, only in a namespace for which it holds other certificates.
///
/// # Errors
/// When the host does not answer.
pub fn certificates(mut wanted: Texts, host: &dyn Host, report: &mut Report) -> Result<(), Error> {
    if report.severity_of(&MISSING_CERTIFICATE).is_none() {
        return Ok(());
    }
    let names: Vec<String> = wanted.iter().map(|(name, _)| name.clone()).collect();
    for names in names.chunk_by(|one, other| namespace_of(one) == namespace_of(other)) {
        let namespace = names.first().map(|name| namespace_of(name)).unwrap_or_default();
        let mut are_known = false;
        let mut missing = names.len();
        for (api_version, kind) in SOURCES {
            if missing == 0 {
                break;
            }
            let query = ListQuery::new(api_version, kind).namespace(namespace).fields(&FIELDS);
            let Some(answer) = if_known(host.list(&query))? else { continue };
            for Source { metadata, secret_type, spec } in &answer.items::<Source<'_>>()? {
                let made = [&spec.secret_name, &spec.target.name, &metadata.name].into_iter().find(|name| !name.is_empty());
                let made = made.map(Str::as_str).unwrap_or_default();
                if wanted.take(&[namespace, "/", made].concat()).is_some() {
                    missing = missing.saturating_sub(1);
                }
                are_known |= api_version == CERT_MANAGER || secret_type == "kubernetes.io/tls";
            }
        }
        if missing > 0 && (are_known || knows_the_cluster(host)?) {
            for name in names {
                if let Some(place) = wanted.take(name) {
                    let message = ["the Secret ", cut(name), " is not there, and nothing known makes it"];
                    report.add(&MISSING_CERTIFICATE, &Path::new(&place), message.concat());
                }
            }
        }
    }
    Ok(())
}

fn namespace_of(name: &str) -> &str {
    name.split_once('/').map_or(name, |(namespace, _)| namespace)
}
