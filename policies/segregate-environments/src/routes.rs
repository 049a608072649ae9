//! Ingresses and HTTPRoutes: their hosts, and what they join.

use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Error, List, ListQuery, Path, Report, Request, Str, json};

use crate::cluster::{Cluster, Index, Object, Way};
use crate::rules::{DNS_NAME_CROSSING, ROUTE_CROSSING, SHARED_HOST};
use crate::search::Search;
use crate::{strings, workload};

palisade_sdk::view! {
    /// An Ingress or an HTTPRoute.
    struct Route<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        spec: Spec<'a> as "spec",
    }

    struct Spec<'a> {
        hostnames: List<Str<'a>> as "hostnames",
        rules: List<RouteRule<'a>> as "rules",
    }

    struct RouteRule<'a> {
        host: Str<'a> as "host",
    }
}

const INGRESS: &str = "Ingress";
const HTTP_ROUTE: &str = "HTTPRoute";

impl Spec<'_> {
    /// The hosts, in the order of the object. Those of an Ingress without any are empty, and mean all.
    fn hosts(&self) -> Vec<String> {
        if self.hostnames.is_empty() {
            self.rules.iter().map(|rule| rule.host.to_ascii_lowercase()).collect()
        } else {
            self.hostnames.iter().map(|host| host.to_ascii_lowercase()).collect()
        }
    }
}

/// Judges an Ingress.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge_ingress(request: &Request<'_>, cluster: &Cluster<'_>, report: &mut Report) -> Result<(), Error> {
    let route: Route<'_> = request.object()?;
    let kinds: &[_] = if cluster.settings.gateway_api { &[INGRESS, HTTP_ROUTE] } else { &[INGRESS] };
    judge_hosts(&route, INGRESS, kinds, cluster, report)?;
    let mut search = Search::new(cluster, &DNS_NAME_CROSSING, "names a Service of the namespace ", report);
    workload::annotations(&route.metadata.annotations, &Path::new("metadata"), &mut search);
    search.finish()
}

/// Judges an HTTPRoute.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge_http_route(request: &Request<'_>, cluster: &Cluster<'_>, report: &mut Report) -> Result<(), Error> {
    let route: Route<'_> = request.object()?;
    judge_hosts(&route, HTTP_ROUTE, &[INGRESS, HTTP_ROUTE], cluster, report)?;
    let Object { spec, .. } = request.object()?;
    let Some(spec) = spec else { return Ok(()) };
    // Wherever it refers to a Gateway or a Service: in parents, backends, and filters.
    strings::each(spec, &Path::new("spec"), &mut |string| {
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

/// Holds the hosts against those of other environments.
fn judge_hosts(
    route: &Route<'_>,
    kind: &str,
    kinds: &[&'static str],
    cluster: &Cluster<'_>,
    report: &mut Report,
) -> Result<(), Error> {
    let hosts = route.spec.hosts();
    if report.severity_of(&SHARED_HOST).is_none() || hosts.iter().all(String::is_empty) {
        return Ok(());
    }
    let index = Index::new(hosts.iter().map(String::as_str));
    // For each host, what is said of the first other route that has it.
    let mut taken: Vec<Option<String>> = vec![None; hosts.len()];
    for other_kind in kinds {
        let (api_version, field) = if *other_kind == INGRESS {
            ("networking.k8s.io/v1", "spec.rules.host")
        } else {
            ("gateway.networking.k8s.io/v1", "spec.hostnames")
        };
        let answer = cluster.host.list(&ListQuery::new(api_version, other_kind).fields(&[field]))?;
        for Object { metadata, spec, .. } in &answer.items::<Object<'_>>()? {
            let Some(side) = cluster.crosses(metadata.namespace.as_str(), Way::Both) else { continue };
            // What is wrong with another object is reported there.
            let spec: Spec<'_> = spec.and_then(|spec| json::from_str(spec.get()).ok()).unwrap_or_default();
            for host in spec.hosts().iter().filter(|host| !host.is_empty()) {
                for place in index.places(host) {
                    if let Some(free @ None) = taken.get_mut(place) {
                        let what = [host, " is also of the ", other_kind, " ", &*metadata.name, " in "];
                        *free = Some([&what.concat(), &*metadata.namespace, ", which is of ", side.environment].concat());
                    }
                }
            }
        }
    }
    let spec = Path::new("spec");
    for (place, message) in taken.iter().enumerate() {
        let Some(message) = message else { continue };
        let rule = spec.item("rules", place);
        let at = if kind == INGRESS { rule.field("host") } else { spec.item("hostnames", place) };
        report.add(&SHARED_HOST, &at, [message, ", and this namespace is of ", cluster.own.environment].concat());
    }
    Ok(())
}
