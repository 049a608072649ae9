//! Grants that may go to many: what is meant for everybody to see, and what is narrowed to named objects.
//!
//! ```
//! use palisade_sdk::rbac::harmless::{Audience, is_harmless};
//! use palisade_sdk::rbac::PolicyRule;
//! # let text = r#"[{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"], "resourceNames": ["limits"]}]"#;
//! # let rules: Vec<PolicyRule<'_>> = palisade_sdk::json::from_str(text).unwrap();
//! assert!(is_harmless(&rules, Audience::Everyone, Some("shop")));
//! assert!(!is_harmless(&rules, Audience::Anybody, Some("shop")));
//! ```
//!
//! Source: the roles that the API server itself hands to those groups, `plugin/pkg/auth/authorizer/rbac/bootstrappolicy` of Kubernetes.

use super::{ALL, PolicyRule};

/// To whom a grant goes, those of whom least is known first. What may go to one may go to those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Whoever reaches the API server.
    Anybody,
    /// Whoever has credentials, pods too.
    Everyone,
    /// A node, or one that is about to be.
    Node,
    /// A ServiceAccount of another namespace.
    Foreign,
}

/// What everybody may see: the paths of `system:public-info-viewer` and `system:service-account-issuer-discovery`, which the API
/// server itself hands to those without credentials or leaves to be handed to them.
const PUBLIC_URLS: &[&str] = &[
    "/healthz",
    "/livez",
    "/readyz",
    "/version",
    "/version/",
    "/.well-known/openid-configuration",
    "/.well-known/openid-configuration/",
    "/openid/v1/jwks",
    "/openid/v1/jwks/",
];

/// What `system:discovery` adds for all who have credentials.
const DISCOVERY_URLS: &[&str] = &["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"];

/// A grant that is harmless in these hands.
struct Harmless {
    audience: Audience,
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
    /// The objects and their namespace, when it is about some only.
    only: Option<(&'static str, &'static str)>,
}

const fn harmless(audience: Audience, group: &'static str, resource: &'static str, verbs: &'static [&'static str]) -> Harmless {
    Harmless { audience, group, resource, verbs, only: None }
}

const CERTIFICATES: &str = "certificates.k8s.io";

const HARMLESS: &[Harmless] = &[
    // How kubeadm lets a machine that joins find the cluster.
    Harmless { only: Some(("kube-public", "cluster-info")), ..harmless(Audience::Anybody, "", "configmaps", &["get"]) },
    // `system:basic-user`: questions about oneself.
    harmless(Audience::Everyone, "authorization.k8s.io", "selfsubjectaccessreviews", &["create"]),
    harmless(Audience::Everyone, "authorization.k8s.io", "selfsubjectrulesreviews", &["create"]),
    harmless(Audience::Everyone, "authentication.k8s.io", "selfsubjectreviews", &["create"]),
    // How a node gets and renews its certificate.
    harmless(Audience::Node, CERTIFICATES, "certificatesigningrequests", &["create", "get", "list", "watch"]),
    harmless(Audience::Node, CERTIFICATES, "certificatesigningrequests/nodeclient", &["create"]),
    harmless(Audience::Node, CERTIFICATES, "certificatesigningrequests/selfnodeclient", &["create"]),
    harmless(Audience::Node, CERTIFICATES, "certificatesigningrequests/selfnodeserver", &["create"]),
    harmless(Audience::Node, "", "nodes", &["get"]),
    // How one of several replicas in different namespaces comes to lead: it makes the Lease, which names narrow from then on.
    harmless(Audience::Foreign, "coordination.k8s.io", "leases", &["create"]),
    harmless(Audience::Foreign, "", "events", &["create", "patch"]),
];

/// Named objects may be read, unless they are Secrets.
const READ: &[&str] = &["get", "list", "watch"];
/// Those by which replicas settle who leads may be written too, from another namespace.
const LOCKS: &[&str] = &["leases", "configmaps", "endpoints"];
const LOCK: &[&str] = &["get", "list", "watch", "update", "patch"];

/// Whether all that rules grant is harmless in these hands, given in this namespace, or everywhere with `None`. In a namespace nobody gets
/// URLs.
pub fn is_harmless(rules: &[PolicyRule<'_>], audience: Audience, namespace: Option<&str>) -> bool {
    rules.iter().all(|rule| {
        let urls = rule.non_resource_urls.is_empty() || namespace.is_some() || urls_are_harmless(rule, audience);
        urls && (rule.verbs.is_empty() || resources_are_harmless(rule, audience, namespace))
    })
}

fn urls_are_harmless(rule: &PolicyRule<'_>, audience: Audience) -> bool {
    rule.verbs.iter().all(|verb| matches!(verb.as_str(), "get" | "head"))
        && rule.non_resource_urls.iter().all(|url| {
            let url = url.as_str();
            PUBLIC_URLS.contains(&url) || (audience >= Audience::Everyone && DISCOVERY_URLS.contains(&url))
        })
}

fn resources_are_harmless(rule: &PolicyRule<'_>, audience: Audience, namespace: Option<&str>) -> bool {
    let verbs_are_among = |allowed: &[&str]| rule.verbs.iter().all(|verb| allowed.contains(&verb.as_str()));
    let named = !rule.resource_names.is_empty() && rule.resource_names.iter().all(|name| !name.is_empty());
    let reads = named && audience >= Audience::Everyone && verbs_are_among(READ);
    let locks = named && audience == Audience::Foreign && verbs_are_among(LOCK);
    rule.resources.iter().all(|resource| {
        let resource = resource.as_str();
        let is_plain = resource != ALL && resource != "secrets" && !resource.contains('/');
        if (reads && is_plain) || (locks && LOCKS.contains(&resource)) {
            return true;
        }
        rule.api_groups.iter().all(|group| {
            HARMLESS.iter().any(|grant| {
                let of_these = grant.only.is_none_or(|(wanted, only)| {
                    namespace == Some(wanted) && named && rule.resource_names.iter().all(|name| *name == only)
                });
                grant.audience <= audience
                    && *group == grant.group
                    && resource == grant.resource
                    && of_these
                    && verbs_are_among(grant.verbs)
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn harmless(rule: &str, audience: Audience, namespace: Option<&str>) -> bool {
        let rule: PolicyRule<'_> = crate::json::from_str(rule).unwrap();
        is_harmless(&[rule], audience, namespace)
    }

    #[test]
    fn it_depends_on_the_hands() {
        use Audience::{Anybody, Everyone, Foreign, Node};
        let urls = r#"{"nonResourceURLs": ["/healthz"], "verbs": ["get"]}"#;
        let discovery = r#"{"nonResourceURLs": ["/apis/*"], "verbs": ["get"]}"#;
        let info = r#"{"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["cluster-info"], "verbs": ["get"]}"#;
        let review =
            r#"{"apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews"], "verbs": ["create"]}"#;
        let request =
            r#"{"apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests"], "verbs": ["create"]}"#;
        let lease = r#"{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": ["a"], "verbs": ["get", "update"]}"#;
        let secret = r#"{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"], "verbs": ["get"]}"#;
        let pods = r#"{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}"#;
        for (rule, namespace, from) in [
            (urls, None, Some(Anybody)),
            (discovery, None, Some(Everyone)),
            // Nobody gets it.
            (r#"{"nonResourceURLs": ["/logs/*"], "verbs": ["*"]}"#, Some("shop"), Some(Anybody)),
            (info, Some("kube-public"), Some(Anybody)),
            (info, Some("shop"), Some(Everyone)),
            (review, None, Some(Everyone)),
            (request, None, Some(Node)),
            (lease, Some("shop"), Some(Foreign)),
            (secret, Some("shop"), None),
            (pods, None, None),
            (r#"{"apiGroups": [""], "resources": ["pods"], "verbs": []}"#, None, Some(Anybody)),
        ] {
            for audience in [Anybody, Everyone, Node, Foreign] {
                let expected = from.is_some_and(|from| audience >= from);
                assert_eq!(harmless(rule, audience, namespace), expected, "{rule} {audience:?}");
            }
        }
    }
}
