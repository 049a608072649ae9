//! What annotations of Ingress controllers mean: certificates by other ways than `spec.tls`, redirects, versions of TLS.
//!
//! Sources: the annotation references of ingress-nginx, NGINX Ingress Controller, AWS Load Balancer Controller, GKE Ingress, Traefik,
//! HAProxy Kubernetes Ingress Controller, HAProxy Ingress, Contour, Kong, Application Gateway Ingress Controller, Cilium and
//! OpenShift; cert-manager's "Annotated Ingress resource".

use palisade_sdk::{Map, Path, Report};

use crate::Settings;
use crate::hosts::contains;
use crate::rules::{DEFAULT_TLS_VERSION, NO_REDIRECT, PLAIN_HTTP, WEAK_TLS};

/// Controllers that read annotations of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    Nginx,
    Aws,
    Google,
    Traefik,
    Haproxy,
    Contour,
    Kong,
    Azure,
    Cilium,
    OpenShift,
}

use Controller::{Aws, Azure, Cilium, Contour, Google, Haproxy, Kong, Nginx, OpenShift, Traefik};

/// Words in the name of a class, and whose they are. The first that is there counts.
const CLASS_WORDS: [(&str, Controller); 15] = [
    ("nginx", Nginx),
    // The managed nginx of AKS.
    ("webapprouting", Nginx),
    ("azure", Azure),
    ("appgw", Azure),
    ("agic", Azure),
    ("traefik", Traefik),
    ("haproxy", Haproxy),
    ("contour", Contour),
    ("kong", Kong),
    ("cilium", Cilium),
    ("openshift", OpenShift),
    ("gce", Google),
    ("gke", Google),
    ("alb", Aws),
    ("aws", Aws),
];

/// Annotations that bring TLS for every host of the Ingress, whatever `spec.tls` says, and their values; without a value, any.
const BRING_TLS: [(Controller, &str, &[&str]); 11] = [
    (Aws, "alb.ingress.kubernetes.io/certificate-arn", &[]),
    (Google, "ingress.gcp.kubernetes.io/pre-shared-cert", &[]),
    (Google, "networking.gke.io/managed-certificates", &[]),
    (Traefik, "traefik.ingress.kubernetes.io/router.tls.certresolver", &[]),
    (Azure, "appgw.ingress.kubernetes.io/appgw-ssl-certificate", &[]),
    (OpenShift, "route.openshift.io/termination", &["edge", "passthrough", "reencrypt"]),
    // The pods have the certificates, and the controller only forwards.
    (Nginx, "nginx.ingress.kubernetes.io/ssl-passthrough", &["true"]),
    (Haproxy, "haproxy.org/ssl-passthrough", &["true"]),
    (Haproxy, "haproxy-ingress.github.io/ssl-passthrough", &["true"]),
    (Haproxy, "ingress.kubernetes.io/ssl-passthrough", &["true"]),
    (Cilium, "ingress.cilium.io/tls-passthrough", &["enabled", "true"]),
];

/// Annotations that switch the redirect off, the value that does, and one by which there is a redirect all the same.
const REDIRECT_OFF: [(Option<Controller>, &str, &str, &str); 7] = [
    (Some(Nginx), "nginx.ingress.kubernetes.io/ssl-redirect", "false", "nginx.ingress.kubernetes.io/force-ssl-redirect"),
    // Of several controllers.
    (None, "ingress.kubernetes.io/ssl-redirect", "false", "ingress.kubernetes.io/force-ssl-redirect"),
    (Some(Haproxy), "haproxy.org/ssl-redirect", "false", ""),
    (Some(Haproxy), "haproxy-ingress.github.io/ssl-redirect", "false", ""),
    (Some(Azure), "appgw.ingress.kubernetes.io/ssl-redirect", "false", ""),
    (Some(Cilium), "ingress.cilium.io/force-https", "disabled", ""),
    (Some(Google), ALLOW_HTTP, "true", FRONTEND_CONFIG),
];

const ALLOW_HTTP: &str = "kubernetes.io/ingress.allow-http";
/// Names the object in which GKE's redirect is written.
const FRONTEND_CONFIG: &str = "networking.gke.io/v1beta1.FrontendConfig";
const AZURE_REDIRECT: &str = "appgw.ingress.kubernetes.io/ssl-redirect";
const AWS_PORTS: &str = "alb.ingress.kubernetes.io/listen-ports";
const AWS_REDIRECT: &str = "alb.ingress.kubernetes.io/ssl-redirect";
const AWS_ACTIONS: &str = "alb.ingress.kubernetes.io/actions.";
const AWS_POLICY: &str = "alb.ingress.kubernetes.io/ssl-policy";
const AWS_GROUP: &str = "alb.ingress.kubernetes.io/group.name";
const KONG_PROTOCOLS: &str = "konghq.com/protocols";
const TRAEFIK_ENTRY_POINTS: &str = "traefik.ingress.kubernetes.io/router.entrypoints";
const TRAEFIK_MIDDLEWARES: &str = "traefik.ingress.kubernetes.io/router.middlewares";
/// Traefik serves this Ingress over TLS, with whatever certificate it has.
pub const TRAEFIK_TLS: &str = "traefik.ingress.kubernetes.io/router.tls";
const CONTOUR_VERSION: &str = "projectcontour.io/tls-minimum-protocol-version";

/// Annotations by which somebody makes the Secrets that `spec.tls` or `certificateRefs` name.
const MADE: [&str; 6] = [
    "cert-manager.io/cluster-issuer",
    "cert-manager.io/issuer",
    "kubernetes.io/tls-acme",
    "cert.gardener.cloud/purpose",
    "kubernetes.azure.com/tls-cert-keyvault-uri",
    "cert-manager.io/issuer-name",
];

/// Snippets of nginx's configuration.
const SNIPPETS: [&str; 4] = [
    "nginx.ingress.kubernetes.io/server-snippet",
    "nginx.ingress.kubernetes.io/configuration-snippet",
    "nginx.org/server-snippets",
    "nginx.org/location-snippets",
];

/// The lowest version of TLS that policies of AWS accept, in tenths, by what their names have in them. The first that is there counts.
const AWS_POLICIES: [(&str, u8); 11] = [
    ("TLS13-1-3", 13),
    ("TLS13-1-2", 12),
    ("TLS13-1-1", 11),
    ("TLS13-1-0", 10),
    ("TLS-1-2", 12),
    ("FS-1-2", 12),
    ("TLS-1-1", 11),
    ("FS-1-1", 11),
    ("TLS-1-0", 10),
    ("2016-08", 10),
    ("FS-2018-06", 10),
];

/// The annotations of an Ingress, and who reads them.
pub struct Annotations<'a> {
    all: &'a Map<'a>,
    /// Whose class it is, where the name of the class tells.
    controller: Option<Controller>,
}

impl<'a> Annotations<'a> {
    /// The annotations of an Ingress of this class.
    pub fn new(all: &'a Map<'a>, class: &str) -> Self {
        let class = class.to_ascii_lowercase();
        let has = |word: &str| class.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part.starts_with(word));
        let controller = CLASS_WORDS.iter().find(|(word, _)| has(word)).map(|(_, controller)| *controller);
        Self { all, controller }
    }

    /// The value of an annotation of a controller, if that may be the one that serves the Ingress; never empty.
    fn get(&self, of: Option<Controller>, key: &str) -> Option<&str> {
        let is_read = self.controller.is_none() || of.is_none() || self.controller == of;
        self.all.get(key).map(|value| value.trim()).filter(|value| is_read && !value.is_empty())
    }

    fn is(&self, of: Controller, key: &str, value: &str) -> bool {
        self.get(Some(of), key).is_some_and(|found| found.eq_ignore_ascii_case(value))
    }

    /// Whether Secrets that are not there will be made.
    pub fn make_certificates(&self) -> bool {
        make_certificates(self.all)
    }

    /// Whether every host has TLS by other ways than `spec.tls`.
    pub fn bring_tls(&self) -> bool {
        let ports = self.aws_ports();
        let brings = |(of, key, values): &(Controller, &str, &[&str])| {
            // A certificate does nothing for a load balancer that listens on HTTP alone.
            let is_used = *of != Aws || ports.is_none_or(|(_, https)| https);
            is_used
                && self
                    .get(Some(*of), key)
                    .is_some_and(|found| values.is_empty() || values.iter().any(|value| found.eq_ignore_ascii_case(value)))
        };
        BRING_TLS.iter().any(brings) || ports.is_some_and(|(_, https)| https)
    }

    /// Whether Traefik has TLS on without saying with which certificate.
    pub fn use_default_of_traefik(&self) -> bool {
        self.is(Traefik, TRAEFIK_TLS, "true")
    }

    /// Whether `spec.tls` is not read: a load balancer of AWS takes certificates from its own store and listens where it is told to.
    pub fn ignore_tls(&self) -> bool {
        self.aws_ports().is_some_and(|(_, https)| !https) && !self.bring_tls()
    }

    /// Whether a certificate is used for whatever hosts it has, and `hosts` is not read.
    pub fn use_every_certificate(&self) -> bool {
        self.controller == Some(Google)
    }

    /// Whether the controller has no use for Secrets.
    pub fn need_no_secret(&self) -> bool {
        self.controller == Some(Aws) || self.bring_tls()
    }

    /// Whether the controller puts all Ingresses of a host together, so that one of them can bring its certificate. Those of AWS and
    /// Google make a load balancer for each Ingress.
    pub fn share_hosts(&self) -> bool {
        !matches!(self.controller, Some(Aws | Google)) && self.aws_ports().is_none()
    }

    /// Whether the load balancer listens on HTTP, and on HTTPS.
    fn aws_ports(&self) -> Option<(bool, bool)> {
        let ports = self.get(Some(Aws), AWS_PORTS)?;
        let has = |protocol: &str| ports.split('"').any(|part| part.trim().eq_ignore_ascii_case(protocol));
        Some((has("HTTP"), has("HTTPS")))
    }

    /// The group of Ingresses that share a load balancer of AWS.
    pub fn group(&self) -> Option<&str> {
        self.get(Some(Aws), AWS_GROUP)
    }

    /// Whether a load balancer of AWS redirects to HTTPS.
    pub fn redirect_on_aws(&self) -> bool {
        let redirects = |value: &str| {
            let value = value.to_ascii_lowercase();
            let has = |word: &str| value.split('"').any(|part| part == word);
            has("redirect") && has("https")
        };
        self.get(Some(Aws), AWS_REDIRECT).is_some_and(|port| !port.eq_ignore_ascii_case("false"))
            || self.all.iter().any(|(key, value)| key.starts_with(AWS_ACTIONS) && redirects(value))
    }

    /// Whether all that is served is a redirect, by a middleware of Traefik.
    pub fn only_redirect(&self) -> bool {
        self.get(Some(Traefik), TRAEFIK_MIDDLEWARES).is_some_and(|names| {
            let names = names.to_ascii_lowercase();
            ["redirect", "https"].iter().any(|word| contains(&names, word))
        }) && self.are_plain_entry_points()
    }

    fn are_plain_entry_points(&self) -> bool {
        self.get(Some(Traefik), TRAEFIK_ENTRY_POINTS)
            .is_some_and(|names| names.split(',').all(|name| matches!(name.trim(), "web" | "http")))
    }

    /// Reports what lets plain HTTP through beside TLS. `group_redirects` says whether another Ingress of the same load balancer
    /// redirects for all.
    pub fn judge_redirect(&self, group_redirects: bool, report: &mut Report) {
        let metadata = Path::new("metadata.annotations");
        for (of, key, off, on) in REDIRECT_OFF {
            let is_off = self.get(of, key).is_some_and(|value| value.eq_ignore_ascii_case(off));
            let is_on = self.get(of, on).is_some_and(|value| !value.eq_ignore_ascii_case("false"));
            if is_off && !is_on {
                report.add(&PLAIN_HTTP, &metadata.key(key), "switches the redirect to HTTPS off, so that plain HTTP is served");
            }
        }
        if let Some(protocols) = self.get(Some(Kong), KONG_PROTOCOLS)
            && protocols.split(',').any(|protocol| protocol.trim() == "http")
        {
            report.add(&PLAIN_HTTP, &metadata.key(KONG_PROTOCOLS), "has Kong serve plain HTTP");
        }
        if self.are_plain_entry_points() && !self.only_redirect() {
            report.add(&PLAIN_HTTP, &metadata.key(TRAEFIK_ENTRY_POINTS), "has Traefik serve on its entry point for plain HTTP");
        }
        if let Some((true, _)) = self.aws_ports()
            && !self.redirect_on_aws()
            && !group_redirects
        {
            let remedy = "write alb.ingress.kubernetes.io/ssl-redirect: \"443\", or listen on HTTPS alone";
            report.add_with_remedy(
                &PLAIN_HTTP,
                &metadata.key(AWS_PORTS),
                "listens on HTTP, and nothing redirects to HTTPS",
                remedy,
            );
        }
        let is_google = self.controller == Some(Google)
            || (self.controller.is_none() && BRING_TLS.iter().any(|(of, key, _)| *of == Google && self.all.contains_key(key)));
        if is_google && self.get(None, ALLOW_HTTP).is_none() && self.get(None, FRONTEND_CONFIG).is_none() {
            let remedy = "write kubernetes.io/ingress.allow-http: \"false\", or name a FrontendConfig with redirectToHttps";
            report.add_with_remedy(&NO_REDIRECT, &metadata, "Google's load balancer serves plain HTTP beside HTTPS", remedy);
        }
        if self.controller == Some(Azure) && self.get(None, AZURE_REDIRECT).is_none() {
            let remedy = "write appgw.ingress.kubernetes.io/ssl-redirect: \"true\"";
            report.add_with_remedy(&NO_REDIRECT, &metadata, "the Application Gateway serves plain HTTP beside HTTPS", remedy);
        }
    }

    /// Reports versions of TLS that are too old.
    pub fn judge_versions(&self, settings: &Settings, report: &mut Report) {
        let metadata = Path::new("metadata.annotations");
        let lowest = settings.lowest_version();
        for key in SNIPPETS {
            if let Some(version) = self.get(Some(Nginx), key).and_then(|snippet| lowest_in_snippet(snippet, lowest)) {
                report.add(&WEAK_TLS, &metadata.key(key), ["lets nginx accept ", version].concat());
            }
        }
        if let Some(version) = self.get(Some(Contour), CONTOUR_VERSION)
            && is_too_old(version, lowest)
        {
            report.add(&WEAK_TLS, &metadata.key(CONTOUR_VERSION), accepts(version));
        }
        match self.get(Some(Aws), AWS_POLICY) {
            Some(policy) => {
                let version = AWS_POLICIES.iter().find(|(part, _)| contains(policy, part)).map(|(_, version)| *version);
                if version.is_some_and(|version| version < lowest) {
                    report.add(&WEAK_TLS, &metadata.key(AWS_POLICY), "this policy accepts versions of TLS that are too old");
                }
            }
            None if self.bring_tls() && (self.aws_ports().is_some() || self.get(Some(Aws), BRING_TLS[0].1).is_some()) => {
                report.add(&DEFAULT_TLS_VERSION, &metadata.key(AWS_POLICY), "the load balancer accepts TLS 1.0 by default");
            }
            None => {}
        }
    }
}

/// Whether somebody makes the Secrets that an object with these annotations names.
pub fn make_certificates(annotations: &Map<'_>) -> bool {
    MADE.iter().any(|key| annotations.get(key).is_some_and(|value| !value.is_empty() && value != "false"))
}

/// What a message says of a version that is accepted.
pub fn accepts(version: &str) -> String {
    ["accepts TLS ", crate::hosts::cut(version)].concat()
}

/// Whether a version of TLS, `1.1` for example, is lower than the lowest that is allowed, in tenths.
pub fn is_too_old(version: &str, lowest: u8) -> bool {
    ["1.0", "1.1", "1.2", "1.3"]
        .iter()
        .position(|known| *known == version)
        .is_some_and(|minor| minor + 10 < usize::from(lowest))
}

/// A version that is too old among those of nginx's `ssl_protocols`.
fn lowest_in_snippet(snippet: &str, lowest: u8) -> Option<&'static str> {
    const PROTOCOLS: [(&str, &str, u8); 5] = [
        ("SSLv2", "SSL 2", 0),
        ("SSLv3", "SSL 3", 0),
        ("TLSv1", "TLS 1.0", 10),
        ("TLSv1.1", "TLS 1.1", 11),
        ("TLSv1.2", "TLS 1.2", 12),
    ];
    for line in snippet.split('\n') {
        let code = line.split_once('#').map_or(line, |(code, _)| code);
        for word in code.split(';').flat_map(|part| part.split_ascii_whitespace().skip_while(|word| *word != "ssl_protocols")) {
            if let Some((_, name, _)) = PROTOCOLS.iter().find(|(known, _, tenths)| *known == word && *tenths < lowest) {
                return Some(name);
            }
        }
    }
    None
}
