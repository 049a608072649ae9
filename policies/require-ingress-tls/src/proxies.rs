//! Kinds of single controllers: HTTPProxy of Contour, IngressRoute and TLSOption of Traefik.

use palisade_sdk::{Error, List, Path, Report, Request, Str};

use crate::controllers::{accepts, is_too_old};
use crate::hosts::{cut, normal};
use crate::lookup;
use crate::rules::{NO_CERTIFICATE, NO_HOST, NO_TLS, PLAIN_HTTP, WEAK_TLS, WILDCARD_HOST};
use crate::{Context, Redirect, Reference};

palisade_sdk::view! {
    /// `HTTPProxy` (`projectcontour.io/v1`); `IngressRoute`, `Middleware` and `TLSOption` (`traefik.io/v1alpha1`). Each has some of the
    /// fields.
    struct Proxy<'a> {
        metadata: crate::Meta<'a> as "metadata",
        spec: Spec<'a> as "spec",
    }

    struct Spec<'a> {
        routes: List<Route<'a>> as "routes",
        /// HTTPProxy
        ingress_class_name: Str<'a> as "ingressClassName",
        virtual_host: VirtualHost<'a> as "virtualhost",
        /// IngressRoute
        tls: Option<Tls<'a>> as "tls",
        /// Middleware
        redirect_scheme: Redirect<'a> as "redirectScheme",
        /// TLSOption
        min_version: Str<'a> as "minVersion",
    }

    struct VirtualHost<'a> {
        fqdn: Str<'a> as "fqdn",
        tls: Option<Tls<'a>> as "tls",
    }

    struct Tls<'a> {
        secret_name: Str<'a> as "secretName",
        /// HTTPProxy
        passthrough: Option<bool> as "passthrough",
        minimum_protocol_version: Str<'a> as "minimumProtocolVersion",
        /// IngressRoute
        cert_resolver: Str<'a> as "certResolver",
    }

    struct Route<'a> {
        /// HTTPProxy
        permit_insecure: Option<bool> as "permitInsecure",
        /// IngressRoute
        matching: Str<'a> as "match",
        middlewares: List<Reference<'a>> as "middlewares",
    }
}

const TRAEFIK_VERSIONS: [&str; 2] = ["traefik.io/v1alpha1", "traefik.containo.us/v1alpha1"];

/// Judges an HTTPProxy. Without `virtualhost` it is a part of another one.
///
/// # Errors
/// When it cannot be read.
pub fn judge_contour(request: &Request<'_>, context: &Context<'_>, report: &mut Report) -> Result<(), Error> {
    let Proxy { spec, .. } = request.object()?;
    let at = Path::new("spec");
    let virtual_host = &spec.virtual_host;
    if !virtual_host.fqdn.is_empty() {
        let here = at.field("virtualhost");
        let host = normal(&virtual_host.fqdn);
        context.judge_host(&host, &here.field("fqdn"), report);
        if context.is_allowed(&host) || is_plain_class(context, &spec.ingress_class_name) {
            return Ok(());
        }
        let tls_at = here.field("tls");
        match &virtual_host.tls {
            None => report.add(&NO_TLS, &tls_at, "there is no TLS, so that all is served over plain HTTP"),
            Some(tls) => {
                if tls.secret_name.is_empty()
                    && tls.passthrough != Some(true)
                    && !context.settings.allows_default_certificate(&spec.ingress_class_name)
                {
                    report.add(&NO_CERTIFICATE, &tls_at.field("secretName"), "names no certificate");
                }
                if is_too_old(&tls.minimum_protocol_version, context.settings.lowest_version()) {
                    let message = accepts(&tls.minimum_protocol_version);
                    report.add(&WEAK_TLS, &tls_at.field("minimumProtocolVersion"), message);
                }
            }
        }
    }
    for (index, _) in spec.routes.iter().enumerate().filter(|(_, route)| route.permit_insecure == Some(true)) {
        let message = "switches the redirect to HTTPS off, so that plain HTTP is served";
        report.add(&PLAIN_HTTP, &at.item("routes", index).field("permitInsecure"), message);
    }
    Ok(())
}

fn is_plain_class(context: &Context<'_>, class: &str) -> bool {
    crate::any_matches(&context.settings.plain_http_classes, class)
}

/// Judges an IngressRoute.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge_traefik(request: &Request<'_>, context: &Context<'_>, report: &mut Report) -> Result<(), Error> {
    let Proxy { metadata, spec } = request.object()?;
    let at = Path::new("spec");
    let mut all_allowed = !spec.routes.is_empty();
    let mut all_redirect = !spec.routes.is_empty();
    for route in &spec.routes {
        all_redirect = all_redirect && redirects(route, context)?;
    }
    // Who only redirects serves nothing.
    if all_redirect {
        return Ok(());
    }
    for (index, route) in spec.routes.iter().enumerate() {
        let here = at.item("routes", index);
        let place = here.field("match");
        let matched = Matched::of(&route.matching);
        for host in &matched.hosts {
            context.judge_host(&normal(host), &place, report);
            all_allowed &= context.is_allowed(&normal(host));
        }
        if matched.hosts.is_empty() && !context.is_allowed("") {
            all_allowed = false;
            match matched.pattern {
                Some(pattern) if context.is_allowed_wildcard(pattern) => {}
                Some(pattern) => {
                    report.add(&WILDCARD_HOST, &place, ["serves every host that matches ", cut(pattern)].concat());
                }
                None => report.add(&NO_HOST, &place, "serves whatever host is asked for"),
            }
        }
    }
    let class = metadata.annotations.get("kubernetes.io/ingress.class").map(Str::as_str).unwrap_or_default();
    if all_allowed || is_plain_class(context, class) {
        return Ok(());
    }
    let tls_at = at.field("tls");
    match &spec.tls {
        None => report.add_with_remedy(
            &NO_TLS,
            &tls_at,
            "there is no TLS, so that all is served over plain HTTP",
            "write tls with secretName or certResolver, and leave plain HTTP to a route with a redirectScheme middleware",
        ),
        Some(tls) => {
            if tls.secret_name.is_empty() && tls.cert_resolver.is_empty() && !context.settings.allows_default_certificate(class)
            {
                let message = "names neither a Secret nor a resolver, so that the default certificate is served";
                report.add(&NO_CERTIFICATE, &tls_at.field("secretName"), message);
            }
        }
    }
    Ok(())
}

/// Whether a middleware of the route redirects to HTTPS.
fn redirects(route: &Route<'_>, context: &Context<'_>) -> Result<bool, Error> {
    for reference in route.middlewares.iter().take(MOST_MIDDLEWARES) {
        let namespace = if reference.namespace.is_empty() { context.namespace } else { reference.namespace.as_str() };
        let fields = ["spec.redirectScheme"];
        let found = lookup::get(context.host, &TRAEFIK_VERSIONS, "Middleware", namespace, &reference.name, &fields)?;
        if let Some(answer) = found
            && answer.read::<Proxy<'_>>()?.spec.redirect_scheme.scheme == "https"
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A redirect is among the first: what stands behind it is never asked.
const MOST_MIDDLEWARES: usize = 16;

/// What a rule of Traefik says of hosts.
struct Matched<'m> {
    hosts: Vec<&'m str>,
    /// A regular expression for hosts.
    pattern: Option<&'m str>,
}

impl<'m> Matched<'m> {
    /// Reads ``Host(`a`, `b`) && PathPrefix(`/`)``.
    fn of(rule: &'m str) -> Self {
        let mut matched = Self { hosts: Vec::new(), pattern: None };
        let mut rest = rule;
        while let Some((before, behind)) = rest.split_once('(') {
            let name_at = before.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
            let (in_front, name) = before.split_at_checked(name_at).unwrap_or_default();
            let is_negated = in_front.trim_end().ends_with('!');
            let is_host = matches!(name, "Host" | "HostHeader" | "HostRegexp") && !is_negated;
            rest = behind;
            // The arguments, each in quotes; what is in them is no syntax.
            loop {
                rest = rest.trim_start();
                rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
                let Some(quote) = rest.chars().next().filter(|quote| matches!(quote, '`' | '"' | '\'')) else { break };
                let Some((argument, behind)) = rest.get(1..).and_then(|rest| rest.split_once(quote)) else { break };
                if is_host && name == "HostRegexp" {
                    matched.pattern = Some(argument);
                } else if is_host {
                    matched.hosts.push(argument);
                }
                rest = behind;
            }
        }
        matched
    }
}

/// Judges a TLSOption of Traefik.
///
/// # Errors
/// When it cannot be read.
pub fn judge_tls_option(request: &Request<'_>, context: &Context<'_>, report: &mut Report) -> Result<(), Error> {
    let Proxy { spec, .. } = request.object()?;
    const VERSIONS: [(&str, &str); 4] =
        [("VersionTLS10", "1.0"), ("VersionTLS11", "1.1"), ("VersionTLS12", "1.2"), ("VersionTLS13", "1.3")];
    let version = VERSIONS.iter().find(|(name, _)| spec.min_version == *name).map(|(_, version)| *version);
    if let Some(version) = version.filter(|version| is_too_old(version, context.settings.lowest_version())) {
        report.add(&WEAK_TLS, &Path::new("spec.minVersion"), accepts(version));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_hosts_of_traefiks_rules() {
        for (rule, hosts, pattern) in [
            ("Host(`a.example.com`)", vec!["a.example.com"], None),
            ("PathPrefix(`/Host(`) && Host(`a`, \"b\")", vec!["a", "b"], None),
            ("(Host(`a`) || Host(`b`)) && PathPrefix(`/x`)", vec!["a", "b"], None),
            ("!Host(`a`)", vec![], None),
            ("HostRegexp(`.+`)", vec![], Some(".+")),
            ("PathPrefix(`/`)", vec![], None),
            ("HostSNI(`*`)", vec![], None),
            ("Host(`a", vec![], None),
            ("", vec![], None),
        ] {
            let matched = Matched::of(rule);
            assert_eq!((matched.hosts, matched.pattern), (hosts, pattern), "{rule}");
        }
    }
}
