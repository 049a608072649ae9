//! Ingresses and HTTPRoutes: their hosts, and what they join.

use palisade_sdk::{Error, List, ListQuery, Path, Report, Request, Str};
use palisade_sdk::views::ObjectMeta;

use crate::cluster::{Cluster, Index, Way};
use crate::names::Evidence;
use crate::rules::{DNS_NAME_CROSSING, ROUTE_CROSSING, SHARED_HOST};
use crate::search::Search;
use crate::workload;

palisade_sdk::view! {
    /// An Ingress or an HTTPRoute.
    struct Route<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        spec: Spec<'a> as "spec",
    }

    struct Spec<'a> {
        hostnames: List<Str<'a>> as "hostnames",
        parents: List<Reference<'a>> as "parentRefs",
        rules: List<RouteRule<'a>> as "rules",
    }

    struct RouteRule<'a> {
        host: Str<'a> as "host",
        backends: List<Reference<'a>> as "backendRefs",
        filters: List<Filter<'a>> as "filters",
    }

    struct Filter<'a> {
        mirror: Mirror<'a> as "requestMirror",
    }

    struct Mirror<'a> {
        backend: Reference<'a> as "backendRef",
    }

    struct Reference<'a> {
        namespace: Str<'a> as "namespace",
    }
}

const INGRESS: &str = "Ingress";
const HTTP_ROUTE: &str = "HTTPRoute";

impl Route<'_> {
    /// The hosts, in the order of the object. Those of an Ingress without any are empty, and mean all.
    fn hosts(&self) -> Vec<String> {
        if self.spec.hostnames.is_empty() {
            self.spec.rules.iter().map(|rule| rule.host.to_ascii_lowercase()).collect()
        } else {
            self.spec.hostnames.iter().map(|host| host.to_ascii_lowercase()).collect()
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
    let mut search = Search::new(cluster, &DNS_NAME_CROSSING, "names a Service of the namespace ");
    workload::annotations(&route.metadata.annotations, &Path::new("metadata"), Evidence::None, &mut search, report)
}

/// Judges an HTTPRoute.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge_http_route(request: &Request<'_>, cluster: &Cluster<'_>, report: &mut Report) -> Result<(), Error> {
    let route: Route<'_> = request.object()?;
    judge_hosts(&route, HTTP_ROUTE, &[INGRESS, HTTP_ROUTE], cluster, report)?;
    let mut check = |reference: &Reference<'_>, at: &Path<'_>, way: Way, what: &str| {
        if let Some(other) = cluster.crosses(reference.namespace.as_str(), way) {
            cluster.report(&ROUTE_CROSSING, &at.field("namespace"), what, other, report);
        }
    };
    let spec = Path::new("spec");
    for (index, parent) in route.spec.parents.iter().enumerate() {
        check(parent, &spec.item("parentRefs", index), Way::In, "is attached to what is in ");
    }
    let sends = "sends to a Service of the namespace ";
    for (index, rule) in route.spec.rules.iter().enumerate() {
        let at = spec.item("rules", index);
        for (place, backend) in rule.backends.iter().enumerate() {
            check(backend, &at.item("backendRefs", place), Way::Out, sends);
        }
        for (place, filter) in rule.filters.iter().enumerate() {
            let at = at.item("filters", place);
            check(&filter.mirror.backend, &at.field("requestMirror.backendRef"), Way::Out, sends);
        }
    }
    Ok(())
}

/// Holds the hosts against those of other environments.
fn judge_hosts(
    route: &Route<'_>,
    kind: &str,
    kinds: &[&'static str],
    cluster: &Cluster<'_>,
    report: &mut Report,
) -> Result<(), Error> {
    let hosts = route.hosts();
    if report.severity_of(&SHARED_HOST).is_none() || hosts.iter().all(String::is_empty) {
        return Ok(());
    }
    let index = Index::new(hosts.iter().map(String::as_str));
    // For each host, the first other route that has it.
    let mut taken: Vec<Option<Conflict>> = hosts.iter().map(|_| None).collect();
    for other_kind in kinds {
        let (api_version, field) = if *other_kind == INGRESS {
            ("networking.k8s.io/v1", "spec.rules.host")
        } else {
            ("gateway.networking.k8s.io/v1", "spec.hostnames")
        };
        let answer = cluster.host.list(&ListQuery::new(api_version, other_kind).fields(&[field]))?;
        for other in &answer.items::<Route<'_>>()? {
            let metadata = &other.metadata;
            let Some(side) = cluster.crosses(metadata.namespace.as_str(), Way::Both) else { continue };
            for host in other.hosts().iter().filter(|host| !host.is_empty()) {
                for place in index.places(host) {
                    if let Some(free @ None) = taken.get_mut(place) {
                        *free = Some(Conflict {
                            kind: other_kind,
                            name: metadata.name.to_string(),
                            namespace: metadata.namespace.to_string(),
                            environment: side.environment.to_owned(),
                        });
                    }
                }
            }
        }
    }
    let spec = Path::new("spec");
    for (place, (host, conflict)) in hosts.iter().zip(&taken).enumerate() {
        let Some(Conflict { kind: other, name, namespace, environment }) = conflict else { continue };
        let rule = spec.item("rules", place);
        let at = if kind == INGRESS { rule.field("host") } else { spec.item("hostnames", place) };
        let message = [
            host,
            " is also of the ",
            other,
            " ",
            name,
            " in ",
            namespace,
            ", which is of ",
            environment,
            ", and this namespace is of ",
            cluster.own.environment,
        ];
        report.add(&SHARED_HOST, &at, message.concat());
    }
    Ok(())
}

/// Another route with the same host.
struct Conflict {
    kind: &'static str,
    name: String,
    namespace: String,
    environment: String,
}
