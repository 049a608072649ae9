//! Rejects Ingresses, Gateways and routes that serve without TLS, for any host, or for a host of somebody else.
//!
//! NSA/CISA Kubernetes Hardening Guide, "Network separation and hardening"; OWASP Kubernetes Top Ten K07; Django deployment checklist,
//! "HTTPS".

mod controllers;
mod gateways;
mod hosts;
mod ingresses;
mod lookup;
mod proxies;
mod routes;
mod rules;

use palisade_sdk::views::OwnerReference;
use palisade_sdk::{Error, Host, Map, Path, Policy, Report, Request, Rule, SettingsError, Str, glob};

use rules::{NO_HOST, WILDCARD_HOST};

palisade_sdk::settings! {
    /// What the deployer may change.
    pub struct Settings {
        /// Hosts that are accepted however they are served: a list of `{host, namespace, reason}`. `host` and `namespace` are glob
        /// patterns, `namespace` is any when left out; `reason` is mandatory.
        pub allowed_hosts: Vec<AllowedHost> = Vec::new(),
        /// Wildcard hosts that may be served, as glob patterns: `*.preview.example.com`. Their TLS is judged all the same.
        pub allowed_wildcards: Vec<String> = Vec::new(),
        /// Hosts that several namespaces may share, as glob patterns.
        pub shared_hosts: Vec<String> = Vec::new(),
        /// Whether the controller's own certificate counts where no Secret is named.
        pub default_certificate: bool = false,
        /// Classes of Ingresses and Gateways whose controllers bring the certificates themselves, as glob patterns.
        pub default_certificate_classes: Vec<String> = ["tailscale"].map(String::from).to_vec(),
        /// Classes of Ingresses and Gateways that may serve plain HTTP, as glob patterns: those whose TLS ends in front of them.
        pub plain_http_classes: Vec<String> = Vec::new(),
        /// The lowest version of TLS that may be allowed: `1.2` or `1.3`.
        pub min_tls_version: String = "1.2".to_owned(),
        /// Namespaces that are left alone, as glob patterns.
        pub exempt_namespaces: Vec<String> = Vec::new(),
    }
}

palisade_sdk::setting! {
    /// A host that is accepted however it is served.
    pub struct AllowedHost {
        host: String,
        namespace: Option<String>,
        reason: String,
    }
}

palisade_sdk::view! {
    /// `metadata`, as far as it matters here.
    pub struct Meta<'a> {
        name: Str<'a> as "name",
        namespace: Str<'a> as "namespace",
        labels: Map<'a> as "labels",
        annotations: Map<'a> as "annotations",
        creation_timestamp: Str<'a> as "creationTimestamp",
        owner_references: palisade_sdk::List<OwnerReference<'a>> as "ownerReferences",
    }

    /// A reference to another object; of a route also to a part of it.
    pub struct Reference<'a> {
        group: Option<Str<'a>> as "group",
        kind: Str<'a> as "kind",
        name: Str<'a> as "name",
        namespace: Str<'a> as "namespace",
        section_name: Str<'a> as "sectionName",
        port: Option<u32> as "port",
    }

    /// A redirect.
    pub struct Redirect<'a> {
        scheme: Str<'a> as "scheme",
    }
}

impl Meta<'_> {
    /// Whether cert-manager made the object, to prove to Let's Encrypt, over plain HTTP, that a host is the cluster's.
    fn is_solver(&self) -> bool {
        let is_challenge =
            |owner: &OwnerReference<'_>| owner.kind == "Challenge" && owner.api_version.starts_with("acme.cert-manager.io/");
        self.labels.get("acme.cert-manager.io/http01-solver").is_some_and(|value| value == "true")
            && self.owner_references.iter().any(is_challenge)
    }

    /// Whether this object was there before the other one. In a scan nobody knows, and so neither was.
    fn is_older_than(&self, other: &Meta<'_>) -> bool {
        let (own, other) = (&self.creation_timestamp, &other.creation_timestamp);
        // RFC 3339 in UTC sorts as text.
        !own.is_empty() && !other.is_empty() && own.as_str() < other.as_str()
    }
}

impl Settings {
    /// The lowest version of TLS, in tenths.
    fn lowest_version(&self) -> u8 {
        if self.min_tls_version == "1.3" { 13 } else { 12 }
    }

    fn allows_default_certificate(&self, class: &str) -> bool {
        self.default_certificate || any_matches(&self.default_certificate_classes, class)
    }
}

fn any_matches(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| glob::matches(pattern, text))
}

/// What is judged, and by what.
pub struct Context<'c> {
    settings: &'c Settings,
    namespace: &'c str,
    host: &'c dyn Host,
}

impl Context<'_> {
    /// Whether the settings accept a host however it is served. The host is in its normal form.
    fn is_allowed(&self, host: &str) -> bool {
        self.settings.allowed_hosts.iter().any(|allowed| {
            glob::matches(&allowed.host, host)
                && allowed.namespace.as_ref().is_none_or(|pattern| glob::matches(pattern, self.namespace))
        })
    }

    fn is_shared(&self, host: &str) -> bool {
        any_matches(&self.settings.shared_hosts, host)
    }

    fn is_allowed_wildcard(&self, host: &str) -> bool {
        any_matches(&self.settings.allowed_wildcards, host)
    }

    /// Reports a host that is none, or is a wildcard; it is in its normal form.
    fn judge_host(&self, host: &str, at: &Path<'_>, report: &mut Report) {
        if self.is_allowed(host) {
            return;
        }
        if host.is_empty() {
            report.add(&NO_HOST, at, "serves whatever host is asked for");
        } else if hosts::is_wildcard(host) && !self.is_allowed_wildcard(host) {
            report.add(&WILDCARD_HOST, at, ["serves every host of ", hosts::cut(host)].concat());
        }
    }
}

/// Requires TLS, and hosts of one's own, of what is served to the outside.
pub struct RequireIngressTls;

impl Policy for RequireIngressTls {
    type Settings = Settings;
    const RULES: &'static [Rule] = rules::ALL;

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        for (index, allowed) in settings.allowed_hosts.iter().enumerate() {
            let wrong = |field: &str, problem: &str| {
                Err(SettingsError::new(["allowedHosts[", &index.to_string(), "].", field].concat(), problem))
            };
            if allowed.reason.trim().is_empty() {
                return wrong("reason", "expected why this host is accepted");
            }
            if allowed.host.trim().is_empty() {
                return wrong("host", "expected a host or a glob pattern");
            }
        }
        if !matches!(settings.min_tls_version.as_str(), "1.2" | "1.3") {
            return Err(SettingsError::new("minTlsVersion", "expected \"1.2\" or \"1.3\""));
        }
        palisade_sdk::check_exempt_namespaces(&settings.exempt_namespaces)
    }

    fn validate(request: &Request<'_>, settings: &Settings, host: &dyn Host, report: &mut Report) -> Result<(), Error> {
        let context = Context { settings, namespace: &request.namespace, host };
        if any_matches(&settings.exempt_namespaces, context.namespace) {
            return Ok(());
        }
        match (request.kind.group.as_str(), request.kind.kind.as_str()) {
            ("networking.k8s.io", "Ingress") => ingresses::judge(request, &context, report),
            (gateways::GROUP, "Gateway") => gateways::judge(request, &context, report),
            (gateways::GROUP, "ReferenceGrant") => gateways::judge_grant(request, report),
            (gateways::GROUP, "HTTPRoute" | "GRPCRoute" | "TLSRoute") => routes::judge(request, &context, report),
            ("projectcontour.io", "HTTPProxy") => proxies::judge_contour(request, &context, report),
            ("traefik.io" | "traefik.containo.us", "IngressRoute") => proxies::judge_traefik(request, &context, report),
            ("traefik.io" | "traefik.containo.us", "TLSOption") => proxies::judge_tls_option(request, &context, report),
            _ => Ok(()),
        }
    }
}

palisade_sdk::export!(RequireIngressTls);

#[cfg(test)]
mod tests {
    use super::*;
    use palisade_sdk::HostError;

    /// Answers every list with these items.
    struct Cluster(String);

    impl Host for Cluster {
        fn call(&self, _: &str, operation: &str, _: &[u8]) -> Result<Vec<u8>, HostError> {
            match operation {
                "get_resource" => Err(HostError::new("kubernetes", operation, "Cannot find v1/Namespace named 'kube-system'")),
                _ => Ok(format!(r#"{{"items": [{}]}}"#, self.0).into_bytes()),
            }
        }
    }

    fn judge(kind: (&str, &str, &str), object: &str, cluster: &str) -> String {
        let (group, version, kind) = kind;
        let payload = format!(
            r#"{{"settings": {{}}, "request": {{"kind": {{"group": "{group}", "version": "{version}", "kind": "{kind}"}},
                "operation": "CREATE", "namespace": "shop", "object": {object}}}}}"#
        );
        let response = palisade_sdk::run::<RequireIngressTls>(b"validate", payload.as_bytes(), &Cluster(cluster.to_owned()));
        String::from_utf8(response.unwrap()).unwrap()
    }

    /// Tens of thousands of hosts, and another Ingress that has as many.
    #[test]
    fn an_ingress_of_megabytes_is_judged_to_the_last_host() {
        let rules = |suffix: &str| {
            let rule = |index| format!(r#"{{"host": "h{index}.{suffix}", "http": {{"paths": [{{"path": "/"}}]}}}}"#);
            (0..30_000).map(rule).collect::<Vec<_>>().join(", ")
        };
        let hosts: Vec<String> = (0..29_999).map(|index| format!("\"h{index}.example.com\"")).collect();
        let object = format!(
            r#"{{"metadata": {{"name": "many"}}, "spec": {{"tls": [{{"secretName": "many", "hosts": [{}]}}], "rules": [{}]}}}}"#,
            hosts.join(", "),
            rules("example.com")
        );
        let other = |suffix: &str, more: &str| {
            format!(
                r#"{{"metadata": {{"name": "other", "namespace": "blog"}}, "spec": {{"rules": [{}{more}]}}}}"#,
                rules(suffix)
            )
        };
        let kind = ("networking.k8s.io", "v1", "Ingress");
        let last = "spec.rules[29999].host: h29999.example.com";
        let response = judge(kind, &object, &other("example.org", ""));
        assert!(response.contains(&[last, " is not among the hosts of spec.tls"].concat()), "{response}");
        assert!(!response.contains("host-taken"), "{response}");
        let response = judge(kind, &object, &other("example.org", r#", {"host": "h29999.example.com"}"#));
        assert!(response.contains(&[last, " is served already, by the Ingress blog/other"].concat()), "{response}");
    }

    /// Rules of Traefik that cost a parser as much as they can.
    #[test]
    fn rules_of_megabytes_are_judged() {
        for unit in ["(", "Host(`", "`", "Host(`a`,", "!Host(", "é("] {
            let object =
                format!(r#"{{"spec": {{"routes": [{{"match": "{}"}}], "tls": {{"secretName": "a"}}}}}}"#, unit.repeat(300_000));
            let response = judge(("traefik.io", "v1alpha1", "IngressRoute"), &object, "");
            assert_eq!(response.contains("no-host"), unit != "Host(`" && unit != "Host(`a`,", "{unit}");
        }
    }
}
