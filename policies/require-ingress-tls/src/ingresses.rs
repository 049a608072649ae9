//! Ingresses.

use palisade_sdk::{Error, List, ListQuery, Path, Report, Request, Str};

use crate::controllers::{Annotations, TRAEFIK_TLS};
use crate::hosts::{self, Texts, cut, normal};
use crate::lookup;
use crate::rules::{
    DEFAULT_BACKEND, HOST_TAKEN, NO_CERTIFICATE, NO_HOST, NO_TLS, PATH_TAKEN, TLS_WITHOUT_HOSTS, WILDCARD_HOST,
};
use crate::{Context, Meta, any_matches};

palisade_sdk::view! {
    /// `Ingress` (`networking.k8s.io/v1`).
    struct Ingress<'a> {
        metadata: Meta<'a> as "metadata",
        spec: Spec<'a> as "spec",
    }

    struct Spec<'a> {
        ingress_class_name: Str<'a> as "ingressClassName",
        default_backend: Option<()> as "defaultBackend",
        tls: List<Tls<'a>> as "tls",
        rules: List<Rule<'a>> as "rules",
    }

    struct Tls<'a> {
        hosts: List<Str<'a>> as "hosts",
        secret_name: Str<'a> as "secretName",
    }

    struct Rule<'a> {
        host: Str<'a> as "host",
        http: Http<'a> as "http",
    }

    struct Http<'a> {
        paths: List<HttpPath<'a>> as "paths",
    }

    struct HttpPath<'a> {
        path: Str<'a> as "path",
        path_type: Str<'a> as "pathType",
    }
}

/// Further names of the hosts, separated by commas.
const SERVER_ALIAS: &str = "nginx.ingress.kubernetes.io/server-alias";
/// A second Ingress for the same host and path, on purpose: it takes a part of the requests.
const CANARY: &str = "nginx.ingress.kubernetes.io/canary";
/// Conditions of AWS load balancers beside host and path.
const CONDITIONS: &str = "alb.ingress.kubernetes.io/conditions.";
/// Where Let's Encrypt asks for its token.
const CHALLENGE: &str = "/.well-known/acme-challenge/";

impl Ingress<'_> {
    fn class(&self) -> &str {
        match self.spec.ingress_class_name.as_str() {
            "" => self.metadata.annotations.get("kubernetes.io/ingress.class").map(Str::as_str).unwrap_or_default(),
            class => class,
        }
    }

    fn is_solver(&self) -> bool {
        let mut paths = self.spec.rules.iter().flat_map(|rule| rule.http.paths.iter());
        self.metadata.is_solver() && self.spec.default_backend.is_none() && paths.all(|path| path.path.starts_with(CHALLENGE))
    }

    /// Whether it shares host and path with others on purpose.
    fn shares_paths(&self) -> bool {
        self.metadata.annotations.get(CANARY).is_some_and(|value| value == "true")
            || self.metadata.annotations.iter().any(|(key, _)| key.starts_with(CONDITIONS))
    }

    /// The further names of its hosts.
    fn aliases(&self) -> impl Iterator<Item = &str> {
        let aliases = self.metadata.annotations.get(SERVER_ALIAS).map(Str::as_str).unwrap_or_default();
        aliases.split(',').map(str::trim).filter(|alias| !alias.is_empty())
    }

    /// The places of its hosts, and of its paths: host, path and how that is compared.
    fn claims(&self) -> (Texts, Texts) {
        let (mut claimed, mut paths) = (Vec::new(), Vec::new());
        let at = Path::new("spec");
        for (index, rule) in self.spec.rules.iter().enumerate() {
            let (host, rule_at) = (normal(&rule.host), at.item("rules", index));
            if host.is_empty() {
                continue;
            }
            for (place, path) in rule.http.paths.iter().enumerate() {
                let path_at = rule_at.item("http.paths", place);
                paths.push((path_key(&host, path), path_at.field("path").to_string()));
            }
            claimed.push((host, rule_at.field("host").to_string()));
        }
        for alias in self.aliases() {
            claimed.push((normal(alias), Path::new("metadata.annotations").key(SERVER_ALIAS).to_string()));
        }
        (Texts::of(claimed), Texts::of(paths))
    }

    /// The hosts that its `spec.tls` names, with a certificate.
    fn certified(&self) -> impl Iterator<Item = String> {
        self.spec.tls.iter().filter(|tls| !tls.secret_name.is_empty()).flat_map(|tls| tls.hosts.iter().map(|host| normal(host)))
    }
}

/// Host and path as they are compared: for a prefix a final slash means nothing, and an exact path is another one.
fn path_key(host: &str, path: &HttpPath<'_>) -> String {
    if path.path_type == "Exact" {
        return [host, " =", &path.path].concat();
    }
    let mut prefix = path.path.as_str();
    while let Some(shorter) = prefix.strip_suffix('/') {
        prefix = shorter;
    }
    [host, " ", prefix].concat()
}

/// Judges an Ingress.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge(request: &Request<'_>, context: &Context<'_>, report: &mut Report) -> Result<(), Error> {
    let ingress: Ingress<'_> = request.object()?;
    if ingress.is_solver() {
        return Ok(());
    }
    judge_hosts(&ingress, context, report);
    let before: Option<Ingress<'_>> = request.old_object()?;
    let others = judge_claims(&ingress, before.as_ref(), context, report)?;
    if any_matches(&context.settings.plain_http_classes, ingress.class()) {
        return Ok(());
    }
    judge_tls(&ingress, &others, context, report)
}

/// What other Ingresses do for this one.
#[derive(Default)]
struct Others {
    /// Whether one on the same load balancer of AWS redirects for all of them.
    redirect: bool,
    /// The hosts for which one of the same namespace and class has a certificate: controllers put all Ingresses of a host together.
    certified: Texts,
}

fn judge_hosts(ingress: &Ingress<'_>, context: &Context<'_>, report: &mut Report) {
    let at = Path::new("spec");
    for (index, rule) in ingress.spec.rules.iter().enumerate() {
        context.judge_host(&normal(&rule.host), &at.item("rules", index).field("host"), report);
    }
    for alias in ingress.aliases() {
        let alias = normal(alias);
        let is_pattern = alias.starts_with('~') || hosts::is_wildcard(&alias) || alias.starts_with('.');
        if is_pattern && !context.is_allowed(&alias) && !context.is_allowed_wildcard(&alias) {
            let message = ["serves every host that matches ", cut(&alias)].concat();
            report.add(&WILDCARD_HOST, &Path::new("metadata.annotations").key(SERVER_ALIAS), message);
        }
    }
    if ingress.spec.default_backend.is_some() {
        let here = at.field("defaultBackend");
        if !ingress.spec.rules.is_empty() {
            report.add(&DEFAULT_BACKEND, &here, "answers for every host and path that no rule names");
        } else if !context.is_allowed("") {
            report.add(&NO_HOST, &here, "serves whatever host is asked for");
        }
    }
}

/// Reports hosts and paths that another Ingress has.
fn judge_claims(
    ingress: &Ingress<'_>,
    before: Option<&Ingress<'_>>,
    context: &Context<'_>,
    report: &mut Report,
) -> Result<Others, Error> {
    let (mut claimed, mut paths) = ingress.claims();
    let annotations = Annotations::new(&ingress.metadata.annotations, ingress.class());
    let group = annotations.group();
    if claimed.is_empty() && group.is_none() {
        return Ok(Others::default());
    }
    // Whoever was first keeps a host; but not one that is new to it.
    let (hosts_before, paths_before) = before.map(Ingress::claims).unwrap_or_default();
    let mut redirect = false;
    let mut certified = Vec::new();
    let fields = [
        "spec.ingressClassName",
        "spec.tls",
        "spec.rules.host",
        "spec.rules.http.paths.path",
        "spec.rules.http.paths.pathType",
    ];
    let answer = context.host.list(&ListQuery::new("networking.k8s.io/v1", "Ingress").fields(&fields))?;
    for other in &answer.items::<Ingress<'_>>()? {
        let is_here = other.metadata.namespace == context.namespace;
        if is_here && other.metadata.name == ingress.metadata.name.as_str() || other.is_solver() {
            continue;
        }
        let theirs = Annotations::new(&other.metadata.annotations, other.class());
        redirect |= group.is_some() && theirs.group() == group && theirs.redirect_on_aws();
        // Two classes are two controllers, each with addresses of its own.
        let (class, other_class) = (ingress.class(), other.class());
        if !class.is_empty() && !other_class.is_empty() && class != other_class {
            continue;
        }
        let whose = || [" already, by the Ingress ", cut(&other.metadata.namespace), "/", cut(&other.metadata.name)].concat();
        let is_older = ingress.metadata.is_older_than(&other.metadata);
        let keeps = |before_it: &Texts, key: &str| is_older && (before.is_none() || before_it.contains(key));
        if is_here {
            certified.extend(other.certified().filter(|host| claimed.contains(host)).map(|host| (host, String::new())));
            if ingress.shares_paths() || other.shares_paths() {
                continue;
            }
            for rule in &other.spec.rules {
                let host = normal(&rule.host);
                let paths_of_it = if claimed.contains(&host) { &*rule.http.paths } else { &[] };
                for key in paths_of_it.iter().map(|path| path_key(&host, path)) {
                    // Said once for each path.
                    if !keeps(&paths_before, &key)
                        && let Some(place) = paths.take(&key)
                    {
                        let message = ["this host and path are served", &whose()].concat();
                        report.add(&PATH_TAKEN, &Path::new(&place), message);
                    }
                }
            }
            continue;
        }
        for host in other.spec.rules.iter().map(|rule| rule.host.as_str()).chain(other.aliases()) {
            let host = normal(host);
            if !claimed.contains(&host) || keeps(&hosts_before, &host) || context.is_allowed(&host) || context.is_shared(&host)
            {
                continue;
            }
            // Said once for each host.
            if let Some(place) = claimed.take(&host) {
                report.add(&HOST_TAKEN, &Path::new(&place), [cut(&host), " is served", &whose()].concat());
            }
        }
    }
    Ok(Others { redirect, certified: Texts::of(certified) })
}

fn judge_tls(ingress: &Ingress<'_>, others: &Others, context: &Context<'_>, report: &mut Report) -> Result<(), Error> {
    let annotations = Annotations::new(&ingress.metadata.annotations, ingress.class());
    let spec = &ingress.spec;
    let hosts: Vec<String> = spec.rules.iter().map(|rule| normal(&rule.host)).collect();
    let is_everything = spec.rules.is_empty() && spec.default_backend.is_some();
    if hosts.iter().all(|host| context.is_allowed(host)) && (!is_everything || context.is_allowed("")) {
        return Ok(());
    }
    // Traefik's usual pair: one Ingress for HTTPS, and one that only redirects.
    if spec.tls.is_empty() && annotations.only_redirect() {
        return Ok(());
    }
    let at = Path::new("spec");
    let needs_secret = !annotations.need_no_secret() && !context.settings.allows_default_certificate(ingress.class());
    let are_made = annotations.make_certificates();
    let mut wanted = Vec::new();
    let mut named = Vec::new();
    let mut covers_all = annotations.bring_tls();
    if annotations.use_default_of_traefik() && !covers_all {
        covers_all = true;
        if spec.tls.is_empty() && needs_secret {
            let message = "has Traefik serve TLS, and names no certificate";
            report.add(&NO_CERTIFICATE, &Path::new("metadata.annotations").key(TRAEFIK_TLS), message);
        }
    }
    for (index, tls) in spec.tls.iter().enumerate() {
        let here = at.item("tls", index);
        if tls.hosts.is_empty() && annotations.use_every_certificate() {
            covers_all = true;
        }
        if tls.hosts.is_empty() && !covers_all {
            let message = if are_made {
                "names no hosts, so that cert-manager makes no certificate"
            } else {
                "names no hosts, so that the controller chooses by the certificate, or not at all"
            };
            report.add(&TLS_WITHOUT_HOSTS, &here.field("hosts"), message);
            covers_all = true;
        }
        named.extend(tls.hosts.iter().map(|host| (normal(host), String::new())));
        if !tls.secret_name.is_empty() {
            let place = here.field("secretName");
            if !annotations.need_no_secret() && !are_made {
                wanted.push(([context.namespace, "/", &tls.secret_name].concat(), place.to_string()));
            }
        } else if needs_secret {
            let all_allowed = !tls.hosts.is_empty() && tls.hosts.iter().all(|host| context.is_allowed(&normal(host)));
            if !all_allowed {
                let message = "no Secret is named, so that the controller's default certificate is served";
                report.add(&NO_CERTIFICATE, &here.field("secretName"), message);
            }
        }
    }
    let tls_is_read = !annotations.ignore_tls();
    let covered = Texts::of(named);
    let is_covered = |host: &str| {
        covers_all || hosts::covers(&covered, host) || (annotations.share_hosts() && others.certified.contains(host))
    };
    let any_is_covered = covers_all || !covered.is_empty() || hosts.iter().any(|host| is_covered(host));
    if !any_is_covered || (!covers_all && !tls_is_read) {
        let message = if tls_is_read {
            "there is no TLS, so that all is served over plain HTTP"
        } else {
            "the load balancer listens on HTTP alone"
        };
        report.add(&NO_TLS, &at.field("tls"), message);
        annotations.judge_versions(context.settings, report);
        return Ok(());
    }
    for (index, host) in hosts.iter().enumerate() {
        if !host.is_empty() && !is_covered(host) && !context.is_allowed(host) {
            let message = [cut(host), " is not among the hosts of spec.tls"].concat();
            report.add(&NO_TLS, &at.item("rules", index).field("host"), message);
        }
    }
    annotations.judge_redirect(others.redirect, report);
    annotations.judge_versions(context.settings, report);
    lookup::certificates(Texts::of(wanted), context.host, report)
}
