//! Ingresses and HTTPRoutes: their hosts, and what they join.

use palisade_sdk::{Error, ListQuery, Path, Raw, Report, Request};

use crate::cluster::{Cluster, Index, Object, Way};
use crate::rules::{DNS_NAME_CROSSING, ROUTE_CROSSING, SHARED_HOST};
use crate::search::Search;
use crate::strings::Found;
use crate::{strings, workload};

/// Version, kind, and the field that holds hosts.
type Kind = (&'static str, &'static str, &'static str);

const INGRESS: Kind = ("networking.k8s.io/v1", "Ingress", "spec.rules.host");
const HTTP_ROUTE: Kind = ("gateway.networking.k8s.io/v1", "HTTPRoute", "spec.hostnames");

/// Judges an Ingress.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge_ingress(request: &Request<'_>, cluster: &Cluster<'_>, report: &mut Report) -> Result<(), Error> {
    let Object { metadata, spec, .. } = request.object()?;
    let kinds: &[_] = if cluster.settings.gateway_api { &[INGRESS, HTTP_ROUTE] } else { &[INGRESS] };
    judge_hosts(spec, kinds, cluster, report)?;
    let mut search = Search::new(cluster, &DNS_NAME_CROSSING, "names a Service of the namespace ", report);
    workload::annotations(&metadata.annotations, &Path::new("metadata"), &mut search);
    search.finish()
}

/// Judges an HTTPRoute.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge_http_route(request: &Request<'_>, cluster: &Cluster<'_>, report: &mut Report) -> Result<(), Error> {
    let Object { spec, .. } = request.object()?;
    judge_hosts(spec, &[INGRESS, HTTP_ROUTE], cluster, report)?;
    // Wherever it refers to a Gateway or a Service: in parents, backends, and filters.
    each(spec, &mut |string| {
        if string.key != "namespace" {
            return Ok(());
        }
        let (way, what) = if string.root == "parentRefs" {
            (Way::In, "is attached to what is in the namespace ")
        } else {
            (Way::Out, "sends to a Service of the namespace ")
        };
        if let Some(other) = cluster.crosses(string.text, way) {
            cluster.report(&ROUTE_CROSSING, string.at, what, other, report);
        }
        Ok(())
    })
}

fn each(spec: Option<Raw<'_>>, look: &mut dyn FnMut(&Found<'_>) -> Result<(), Error>) -> Result<(), Error> {
    spec.map_or(Ok(()), |spec| strings::each(spec, &Path::new("spec"), look))
}

/// The hosts of either kind, with their places. An Ingress without one takes all, and shares none.
fn hosts(spec: Option<Raw<'_>>) -> Result<Vec<(String, String)>, Error> {
    let mut hosts = Vec::new();
    each(spec, &mut |string| {
        if (string.key == "host" && string.root == "rules") || (string.key == "hostnames" && string.root == string.key) {
            hosts.push((string.text.to_ascii_lowercase(), string.at.to_string()));
        }
        Ok(())
    })?;
    hosts.retain(|(host, _)| !host.is_empty());
    Ok(hosts)
}

/// Holds the hosts against those of other environments.
fn judge_hosts(spec: Option<Raw<'_>>, kinds: &[Kind], cluster: &Cluster<'_>, report: &mut Report) -> Result<(), Error> {
    let own = hosts(spec)?;
    if report.severity_of(&SHARED_HOST).is_none() || own.is_empty() {
        return Ok(());
    }
    let index = Index::new(own.iter().map(|(host, _)| host.as_str()));
    // For each host, what is said of the first other route that has it.
    let mut taken: Vec<Option<String>> = vec![None; own.len()];
    for (api_version, kind, field) in kinds {
        let answer = cluster.host.list(&ListQuery::new(api_version, kind).fields(&[field]))?;
        for Object { metadata, spec, .. } in &answer.items::<Object<'_>>()? {
            let Some(side) = cluster.crosses(metadata.namespace.as_str(), Way::Both) else { continue };
            for (host, _) in hosts(*spec)? {
                for place in index.places(&host) {
                    if let Some(free @ None) = taken.get_mut(place) {
                        let what = [&host, " is also of the ", kind, " ", &*metadata.name, " in "];
                        *free = Some([&what.concat(), &*metadata.namespace, ", which is of ", side.environment].concat());
                    }
                }
            }
        }
    }
    for ((_, at), message) in own.iter().zip(&taken) {
        if let Some(message) = message {
            let message = [message, ", and this namespace is of ", cluster.own.environment];
            report.add(&SHARED_HOST, &Path::new(at), message.concat());
        }
    }
    Ok(())
}
