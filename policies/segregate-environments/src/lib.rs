//! Keeps the environments of a cluster apart.
//!
//! Where dev, staging and prod share a cluster, a namespace is of one of them by its label, and this policy sees to it that every
//! namespace has one and that nothing leads from one environment into another: no NetworkPolicy, no alias, no role, no DNS name in a
//! workload's configuration, no route, no host. What may cross is said in the settings, with a reason.
//!
//! CIS Kubernetes Benchmark 5.7.1; NSA/CISA Kubernetes Hardening Guide, "Network separation and hardening"; OWASP Kubernetes Top Ten
//! K07; PCI DSS v4.0 6.5.3.

mod cluster;
mod names;
mod namespace;
mod network_policy;
mod references;
mod routes;
mod rules;
mod search;
mod settings;
mod strings;
mod variables;
mod workload;

use palisade_sdk::{Error, Host, Policy, Report, Request, Rule, SettingsError, rbac};

use cluster::{Cluster, Object};
use settings::Settings;

/// Keeps environments apart.
pub struct SegregateEnvironments;

impl Policy for SegregateEnvironments {
    type Settings = Settings;
    const RULES: &'static [Rule] = rules::ALL;

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        settings.check()
    }

    fn validate(request: &Request<'_>, settings: &Settings, host: &dyn Host, report: &mut Report) -> Result<(), Error> {
        let kind = (request.kind.group.as_str(), request.kind.kind.as_str());
        if kind == ("", "Namespace") {
            return namespace::judge(request, settings, host, report);
        }
        // What is of all environments cannot leave one.
        if settings.is_shared(&request.namespace) {
            return Ok(());
        }
        let look: fn(&Request<'_>, &Cluster<'_>, &mut Report) -> Result<(), Error> = match kind {
            ("", "Service") => references::judge_service,
            ("", "ConfigMap") => workload::judge_config_map,
            ("networking.k8s.io", "NetworkPolicy") => network_policy::judge,
            ("networking.k8s.io", "Ingress") => routes::judge_ingress,
            ("gateway.networking.k8s.io", "HTTPRoute") => routes::judge_http_route,
            (rbac::GROUP, "RoleBinding") => references::judge_role_binding,
            _ if request.is_workload() && !workload::is_untouched(request)? => workload::judge,
            _ => return Ok(()),
        };
        let answer = cluster::list_namespaces(host)?;
        let namespaces = answer.items::<Object<'_>>()?;
        match Cluster::new(settings, host, &namespaces, &request.namespace) {
            Some(cluster) => look(request, &cluster, report),
            None => Ok(()),
        }
    }
}

palisade_sdk::export!(SegregateEnvironments);
