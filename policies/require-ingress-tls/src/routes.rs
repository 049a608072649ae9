//! Routes of the Gateway API: HTTPRoute, GRPCRoute and TLSRoute.

use palisade_sdk::{Error, List, ListQuery, Path, Report, Request, Str};

use crate::gateways::{GROUP, Gateway, Listener, VERSIONS};
use crate::hosts::{Texts, cut, is_wildcard, meet, normal};
use crate::lookup;
use crate::rules::{HOST_TAKEN, NO_HOST, PLAIN_HTTP};
use crate::{Context, Meta, Redirect, Reference, any_matches};

palisade_sdk::view! {
    /// A route (`gateway.networking.k8s.io`), as far as it matters here.
    pub struct Route<'a> {
        metadata: Meta<'a> as "metadata",
        spec: Spec<'a> as "spec",
    }

    struct Spec<'a> {
        parent_refs: List<Reference<'a>> as "parentRefs",
        hostnames: List<Str<'a>> as "hostnames",
        rules: List<RouteRule<'a>> as "rules",
    }

    struct RouteRule<'a> {
        filters: List<Filter<'a>> as "filters",
    }

    struct Filter<'a> {
        request_redirect: Redirect<'a> as "requestRedirect",
    }
}

/// As many as the API allows.
const MOST_PARENTS: usize = 32;

impl Reference<'_> {
    /// Whether a route's parent is a Gateway; routes of service meshes have Services as parents.
    fn is_gateway(&self) -> bool {
        self.group.as_ref().is_none_or(|group| group == GROUP) && matches!(self.kind.as_str(), "" | "Gateway")
    }

    fn takes(&self, listener: &Listener<'_>) -> bool {
        (self.section_name.is_empty() || self.section_name == listener.name.as_str())
            && self.port.is_none_or(|port| listener.port == Some(port))
    }

    /// Namespace and name of the Gateway, for a route of this namespace.
    fn gateway(&self, namespace: &str) -> String {
        let namespace = if self.namespace.is_empty() { namespace } else { self.namespace.as_str() };
        [namespace, "/", &self.name].concat()
    }
}

impl Route<'_> {
    /// Whether each rule only redirects to HTTPS.
    pub fn only_redirects(&self) -> bool {
        let redirects = |rule: &RouteRule<'_>| rule.filters.iter().any(|filter| filter.request_redirect.scheme == "https");
        !self.spec.rules.is_empty() && self.spec.rules.iter().all(redirects)
    }

    /// Whether it is attached to a listener of this Gateway.
    pub fn is_attached_to(&self, name: &str, namespace: &str, listener: &Listener<'_>) -> bool {
        let gateway = [namespace, "/", name].concat();
        self.spec
            .parent_refs
            .iter()
            .any(|parent| parent.is_gateway() && parent.gateway(&self.metadata.namespace) == gateway && parent.takes(listener))
            && self.may_attach_to(listener, &self.metadata.namespace, namespace)
    }

    fn may_attach_to(&self, listener: &Listener<'_>, own: &str, gateway: &str) -> bool {
        let hostname = normal(&listener.hostname);
        let meets = self.spec.hostnames.is_empty() || self.spec.hostnames.iter().any(|host| meet(&hostname, &normal(host)));
        meets && (own == gateway || listener.takes_others())
    }

    /// The Gateways that it is attached to.
    fn gateways(&self, namespace: &str) -> impl Iterator<Item = String> {
        self.spec.parent_refs.iter().filter(|parent| parent.is_gateway()).map(move |parent| parent.gateway(namespace))
    }
}

/// Judges a route.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge(request: &Request<'_>, context: &Context<'_>, report: &mut Report) -> Result<(), Error> {
    let route: Route<'_> = request.object()?;
    let at = Path::new("spec");
    let parents = &route.spec.parent_refs;
    if parents.len() > MOST_PARENTS {
        return Err(Error::malformed(&at.field("parentRefs"), "expected at most 32 parents"));
    }
    let is_of_mesh = !parents.is_empty() && !parents.iter().any(Reference::is_gateway);
    if route.metadata.is_solver() || is_of_mesh {
        return Ok(());
    }
    // Who only redirects serves nothing.
    if route.only_redirects() {
        return Ok(());
    }
    for (index, host) in route.spec.hostnames.iter().enumerate() {
        context.judge_host(&normal(host), &at.item("hostnames", index), report);
    }
    let inherits = judge_parents(&route, request.kind.kind == "TLSRoute", context, report)?;
    if route.spec.hostnames.is_empty() && !inherits && !context.is_allowed("") {
        report.add(&NO_HOST, &at.field("hostnames"), "serves every host of its listeners");
    }
    let before: Option<Route<'_>> = request.old_object()?;
    judge_claims(&route, before.as_ref(), request, context, report)
}

/// Reports parents that serve the route over plain HTTP. The answer is whether the listeners name the hosts that the route does not.
fn judge_parents(route: &Route<'_>, is_tls: bool, context: &Context<'_>, report: &mut Report) -> Result<bool, Error> {
    let all_allowed =
        !route.spec.hostnames.is_empty() && route.spec.hostnames.iter().all(|host| context.is_allowed(&normal(host)));
    let mut known = 0;
    let mut are_named = true;
    for (index, parent) in route.spec.parent_refs.iter().enumerate().filter(|(_, parent)| parent.is_gateway()) {
        let namespace = if parent.namespace.is_empty() { context.namespace } else { parent.namespace.as_str() };
        let fields = ["spec.gatewayClassName", "spec.listeners"];
        let Some(answer) = lookup::get(context.host, &VERSIONS, "Gateway", namespace, &parent.name, &fields)? else {
            are_named = false;
            continue;
        };
        let gateway: Gateway<'_> = answer.read()?;
        let may_be_plain = any_matches(&context.settings.plain_http_classes, &gateway.spec.gateway_class_name);
        let mut is_said = may_be_plain || all_allowed || is_tls;
        for listener in &gateway.spec.listeners {
            if !parent.takes(listener) || !route.may_attach_to(listener, context.namespace, namespace) {
                continue;
            }
            let hostname = normal(&listener.hostname);
            known += 1;
            are_named &= !hostname.is_empty() && (!is_wildcard(&hostname) || context.is_allowed_wildcard(&hostname));
            if listener.protocol == "HTTP" && !is_said && !(route.spec.hostnames.is_empty() && context.is_allowed(&hostname)) {
                is_said = true;
                let message = [
                    "is served over plain HTTP by the listener ",
                    cut(&listener.name),
                    " of ",
                    cut(namespace),
                    "/",
                    cut(&parent.name),
                ];
                let remedy = "write the sectionName of a listener for HTTPS, and leave HTTP to a route that redirects";
                let place = Path::new("spec").item("parentRefs", index).to_string();
                report.add_with_remedy(&PLAIN_HTTP, &Path::new(&place), message.concat(), remedy);
            }
        }
    }
    Ok(known > 0 && are_named)
}

/// Reports hosts that a route of another namespace has on the same Gateway.
fn judge_claims(
    route: &Route<'_>,
    before: Option<&Route<'_>>,
    request: &Request<'_>,
    context: &Context<'_>,
    report: &mut Report,
) -> Result<(), Error> {
    let mut claimed = Vec::new();
    for (index, host) in route.spec.hostnames.iter().enumerate() {
        let host = normal(host);
        if !host.is_empty() && !context.is_allowed(&host) && !context.is_shared(&host) {
            let place = Path::new("spec").item("hostnames", index).to_string();
            claimed.push((host, place));
        }
    }
    let gateways = Texts::keys_of(&mut route.gateways(context.namespace));
    if claimed.is_empty() || gateways.is_empty() || report.severity_of(&HOST_TAKEN).is_none() {
        return Ok(());
    }
    let mut claimed = Texts::of(claimed);
    let is_new = before.is_none();
    let before = before.into_iter().flat_map(|before| before.spec.hostnames.iter());
    let hosts_before = Texts::keys_of(&mut before.map(|host| normal(host)));
    let api_version = [GROUP, "/", &request.kind.version].concat();
    let fields = ["spec.parentRefs", "spec.hostnames", "spec.rules.filters"];
    let query = ListQuery::new(&api_version, &request.kind.kind).fields(&fields);
    let Some(answer) = lookup::if_known(context.host.list(&query))? else { return Ok(()) };
    for other in &answer.items::<Route<'_>>()? {
        let namespace = &other.metadata.namespace;
        if namespace == context.namespace || other.metadata.is_solver() || other.only_redirects() {
            continue;
        }
        if !other.gateways(namespace).any(|gateway| gateways.contains(&gateway)) {
            continue;
        }
        let is_older = route.metadata.is_older_than(&other.metadata);
        for host in other.spec.hostnames.iter().map(|host| normal(host)) {
            if is_older && (is_new || hosts_before.contains(&host)) {
                continue;
            }
            // Said once for each host.
            if let Some(place) = claimed.take(&host) {
                let message = [cut(&host), " is served already, by the route ", cut(namespace), "/", cut(&other.metadata.name)];
                report.add(&HOST_TAKEN, &Path::new(&place), message.concat());
            }
        }
    }
    Ok(())
}
