//! Gateways, and the grants by which they use certificates of other namespaces.

use std::collections::BinaryHeap;

use palisade_sdk::{Error, List, ListQuery, Map, Path, Report, Request, Str};

use crate::controllers::make_certificates;
use crate::hosts::{Texts, cut, is_wildcard, meet, normal};
use crate::lookup;
use crate::routes::Route;
use crate::rules::{NO_CERTIFICATE, NO_TLS, OPEN_LISTENER, REFERENCE_NOT_GRANTED, ROUTES_FROM_ALL, WIDE_GRANT};
use crate::{Context, Meta, Reference, any_matches};

/// The API group of the Gateway API.
pub const GROUP: &str = "gateway.networking.k8s.io";
/// Versions in which Gateways and HTTPRoutes are served.
pub const VERSIONS: [&str; 2] = ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"];

palisade_sdk::view! {
    /// `Gateway`, and also `ReferenceGrant`, of which only the spec's fields differ (`gateway.networking.k8s.io/v1`).
    pub struct Gateway<'a> {
        metadata: Meta<'a> as "metadata",
        /// What it serves.
        pub spec: Spec<'a> as "spec",
    }

    /// `GatewaySpec` and `ReferenceGrantSpec`, as far as they matter here.
    pub struct Spec<'a> {
        /// Whose controller serves it.
        pub gateway_class_name: Str<'a> as "gatewayClassName",
        /// The ports that it opens.
        pub listeners: List<Listener<'a>> as "listeners",
        /// ReferenceGrant: who may refer.
        from: List<Reference<'a>> as "from",
        /// ReferenceGrant: to what.
        to: List<Reference<'a>> as "to",
    }

    /// `Listener`
    pub struct Listener<'a> {
        /// What routes call it by.
        pub name: Str<'a> as "name",
        /// The hosts that it serves; empty is any.
        pub hostname: Str<'a> as "hostname",
        /// Its port.
        pub port: Option<u32> as "port",
        /// `HTTP`, `HTTPS`, `TLS`, `TCP`, `UDP` or one of an implementation.
        pub protocol: Str<'a> as "protocol",
        tls: TlsConfig<'a> as "tls",
        allowed_routes: AllowedRoutes<'a> as "allowedRoutes",
    }

    struct TlsConfig<'a> {
        mode: Str<'a> as "mode",
        certificate_refs: List<Reference<'a>> as "certificateRefs",
        options: Map<'a> as "options",
    }

    struct AllowedRoutes<'a> {
        namespaces: RouteNamespaces<'a> as "namespaces",
    }

    struct RouteNamespaces<'a> {
        from: Str<'a> as "from",
        selector: Selector<'a> as "selector",
    }

    /// A label selector, of which it only matters whether it has requirements.
    struct Selector<'a> {
        match_labels: Map<'a> as "matchLabels",
        match_expressions: List<()> as "matchExpressions",
    }
}

/// As many as the API allows.
const MOST_LISTENERS: usize = 64;

/// GKE takes the certificates of a Gateway from a map of them.
const CERTIFICATE_MAP: &str = "networking.gke.io/certmap";

impl Listener<'_> {
    /// Whether it takes routes of a namespace other than the Gateway's.
    pub fn takes_others(&self) -> bool {
        matches!(self.allowed_routes.namespaces.from.as_str(), "All" | "Selector")
    }

    fn is_open_to_all(&self) -> bool {
        let RouteNamespaces { from, selector } = &self.allowed_routes.namespaces;
        from == "All" || (from == "Selector" && selector.match_labels.is_empty() && selector.match_expressions.is_empty())
    }
}

/// Judges a Gateway.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge(request: &Request<'_>, context: &Context<'_>, report: &mut Report) -> Result<(), Error> {
    let gateway: Gateway<'_> = request.object()?;
    let annotations = &gateway.metadata.annotations;
    let (class, listeners) = (&gateway.spec.gateway_class_name, &gateway.spec.listeners);
    let needs_reference = !context.settings.allows_default_certificate(class) && !annotations.contains_key(CERTIFICATE_MAP);
    let encrypted = listeners.iter().filter(|listener| matches!(listener.protocol.as_str(), "HTTPS" | "TLS"));
    let encrypted = Texts::keys_of(&mut encrypted.map(|listener| normal(&listener.hostname)));
    if listeners.len() > MOST_LISTENERS {
        return Err(Error::malformed(&Path::new("spec.listeners"), "expected at most 64 listeners"));
    }
    let may_be_plain = any_matches(&context.settings.plain_http_classes, class);
    let mut plain = Vec::new();
    let mut references = Vec::new();
    let at = Path::new("spec");
    for (index, listener) in listeners.iter().enumerate() {
        let here = at.item("listeners", index);
        let hostname = normal(&listener.hostname);
        let is_accepted = context.is_allowed(&hostname);
        match listener.protocol.as_str() {
            "HTTP" => {
                let has_twin = encrypted.contains(&hostname) || encrypted.iter().any(|(other, _)| meet(&hostname, other));
                if !has_twin && !is_accepted && !may_be_plain {
                    plain.push(index);
                }
            }
            "HTTPS" | "TLS" if listener.tls.mode != "Passthrough" => {
                let TlsConfig { certificate_refs, options, .. } = &listener.tls;
                let tls = here.field("tls");
                if certificate_refs.is_empty() && options.is_empty() && needs_reference && !is_accepted {
                    report.add(&NO_CERTIFICATE, &tls.field("certificateRefs"), "names no certificate");
                }
                for (place, reference) in certificate_refs.iter().enumerate() {
                    if matches!(reference.kind.as_str(), "" | "Secret") && is_core(reference) {
                        references.push((reference, tls.item("certificateRefs", place).to_string()));
                    }
                }
            }
            "HTTPS" | "TLS" => {}
            // Connections without host names.
            _ => continue,
        }
        if listener.protocol != "HTTP" && !is_accepted && !context.is_allowed_wildcard(&hostname) {
            if hostname.is_empty() {
                report.add(&OPEN_LISTENER, &here.field("hostname"), "serves every host that a route names");
            } else if is_wildcard(&hostname) {
                let message = ["serves every host of ", cut(&hostname), " that a route names"].concat();
                report.add(&OPEN_LISTENER, &here.field("hostname"), message);
            }
        }
        if listener.is_open_to_all() {
            let namespaces = here.field("allowedRoutes.namespaces");
            report.add(&ROUTES_FROM_ALL, &namespaces.field("from"), "takes routes of every namespace");
        }
    }
    judge_plain(&gateway, &plain, context, report)?;
    judge_references(&references, make_certificates(annotations), context, report)
}

/// Reports listeners for plain HTTP that have no counterpart, unless all that they do is to redirect.
fn judge_plain(gateway: &Gateway<'_>, plain: &[usize], context: &Context<'_>, report: &mut Report) -> Result<(), Error> {
    if plain.is_empty() || report.severity_of(&NO_TLS).is_none() {
        return Ok(());
    }
    let mut redirects: Vec<Option<bool>> = vec![None; plain.len()];
    let fields = ["spec.parentRefs", "spec.rules.filters", "spec.hostnames"];
    for version in VERSIONS {
        let query = ListQuery::new(version, "HTTPRoute").fields(&fields);
        let Some(answer) = lookup::if_known(context.host.list(&query))? else { continue };
        for route in &answer.items::<Route<'_>>()? {
            for (index, redirects) in plain.iter().zip(&mut redirects) {
                let Some(listener) = gateway.spec.listeners.get(*index) else { continue };
                if route.is_attached_to(&gateway.metadata.name, context.namespace, listener) {
                    *redirects = Some(redirects.unwrap_or(true) && route.only_redirects());
                }
            }
        }
    }
    for (index, redirects) in plain.iter().zip(redirects) {
        if redirects != Some(true) {
            let here = Path::new("spec").item("listeners", *index).field("protocol").to_string();
            report.add(&NO_TLS, &Path::new(&here), "listens on HTTP, and no listener serves the same hosts over HTTPS");
        }
    }
    Ok(())
}

fn judge_references(
    references: &[(&Reference<'_>, String)],
    are_made: bool,
    context: &Context<'_>,
    report: &mut Report,
) -> Result<(), Error> {
    let mut wanted = Vec::new();
    let mut foreign = Vec::new();
    for (reference, place) in references {
        let is_here = reference.namespace.is_empty() || reference.namespace == context.namespace;
        let namespace = if is_here { context.namespace } else { reference.namespace.as_str() };
        // cert-manager makes Secrets beside the Gateway only.
        if !(is_here && are_made) {
            wanted.push(([namespace, "/", &reference.name].concat(), place.clone()));
        }
        if !is_here {
            foreign.push((namespace.to_owned(), [reference.name.as_str(), " ", place].concat()));
        }
    }
    if !foreign.is_empty() && report.severity_of(&REFERENCE_NOT_GRANTED).is_some() {
        judge_grants(&BinaryHeap::from(foreign).into_sorted_vec(), context, report)?;
    }
    lookup::certificates(Texts::of(wanted), context.host, report)
}

/// Reports Secrets of other namespaces that no ReferenceGrant opens. Each is given as its namespace, and its name and place.
fn judge_grants(foreign: &[(String, String)], context: &Context<'_>, report: &mut Report) -> Result<(), Error> {
    for group in foreign.chunk_by(|one, other| one.0 == other.0) {
        let namespace = group.first().map(|(namespace, _)| namespace.as_str()).unwrap_or_default();
        let mut granted = Vec::new();
        let mut all = false;
        for version in VERSIONS {
            let query = ListQuery::new(version, "ReferenceGrant").namespace(namespace).fields(&["spec.from", "spec.to"]);
            let Some(answer) = lookup::if_known(context.host.list(&query))? else { continue };
            for Gateway { spec, .. } in &answer.items::<Gateway<'_>>()? {
                let is_from_here = |from: &Reference<'_>| {
                    is_of_gateways(from) && from.kind == "Gateway" && from.namespace == context.namespace
                };
                if spec.from.iter().any(is_from_here) {
                    for to in spec.to.iter().filter(|to| is_secret(to)) {
                        all |= to.name.is_empty();
                        granted.push((to.name.as_str().to_owned(), String::new()));
                    }
                }
            }
        }
        let granted = Texts::of(granted);
        for (_, named) in group {
            let (name, place) = named.split_once(' ').unwrap_or_default();
            if !all && !granted.contains(name) {
                let message = ["no ReferenceGrant in ", cut(namespace), " lets this Gateway use the Secret ", cut(name)];
                report.add(&REFERENCE_NOT_GRANTED, &Path::new(place), message.concat());
            }
        }
    }
    Ok(())
}

fn is_core(reference: &Reference<'_>) -> bool {
    reference.group.as_ref().is_none_or(|group| group.is_empty())
}

fn is_of_gateways(reference: &Reference<'_>) -> bool {
    reference.group.as_ref().is_some_and(|group| group == GROUP)
}

fn is_secret(to: &Reference<'_>) -> bool {
    is_core(to) && to.kind == "Secret"
}

/// Judges a ReferenceGrant.
///
/// # Errors
/// When it cannot be read.
pub fn judge_grant(request: &Request<'_>, report: &mut Report) -> Result<(), Error> {
    let Gateway { spec, .. } = request.object()?;
    if !spec.from.iter().any(|from| is_of_gateways(from) && from.kind == "Gateway") {
        return Ok(());
    }
    for (index, to) in spec.to.iter().enumerate() {
        if is_secret(to) && to.name.is_empty() {
            let message = "opens every Secret of the namespace to the Gateways of another";
            report.add(&WIDE_GRANT, &Path::new("spec").item("to", index), message);
        }
    }
    Ok(())
}
