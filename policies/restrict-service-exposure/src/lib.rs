//! Rejects Services and host ports that open the cluster to the outside by accident.
//!
//! NSA/CISA Kubernetes Hardening Guide, "Network separation and hardening"; OWASP Kubernetes Top Ten K07; Pod Security Standards,
//! baseline: Host Ports.

mod balancers;
mod names;
mod rules;
mod sensitive;
mod services;

use palisade_sdk::json::{JsonError, Read, Reader};
use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Error, Host, List, Path, PodTemplate, Policy, Report, Request, Rule, SettingsError, Str, glob};

use rules::{HOST_NETWORK_PORT, HOST_PORT, SENSITIVE_PORT};

palisade_sdk::settings! {
    /// What the deployer may change.
    pub struct Settings {
        /// Services and workloads that are accepted as they are: a list of `{name, namespace, kind, reason}`. `name` and `namespace`
        /// are glob patterns, `namespace` and `kind` are any when left out; `reason` is mandatory. This is where the load balancer of
        /// the ingress controller goes.
        pub allowed_services: Vec<AllowedService> = Vec::new(),
        /// Host ports that any workload may open.
        pub allowed_host_ports: Vec<u32> = Vec::new(),
        /// Numbers of ports that are sensitive beside those that the policy knows.
        pub sensitive_ports: Vec<u32> = Vec::new(),
        /// Numbers of ports that are not sensitive here, whatever the policy knows of them.
        pub harmless_ports: Vec<u32> = Vec::new(),
        /// Classes of load balancers (`loadBalancerClass`) with private addresses, as glob patterns.
        pub internal_load_balancer_classes: Vec<String> = Vec::new(),
        /// Pools of MetalLB (`metallb.io/address-pool`) with private addresses, as glob patterns.
        pub internal_address_pools: Vec<String> = Vec::new(),
        /// Whether load balancers and NodePorts must keep the addresses of their clients, by `externalTrafficPolicy: Local`.
        pub require_local_traffic_policy: bool = false,
        /// Namespaces that are left alone, as glob patterns.
        pub exempt_namespaces: Vec<String> = ["kube-system"].map(String::from).to_vec(),
    }
}

palisade_sdk::setting! {
    /// A Service or workload that is accepted as it is.
    pub struct AllowedService {
        name: String,
        namespace: Option<String>,
        kind: Option<String>,
        reason: String,
    }
}

palisade_sdk::view! {
    /// An object that a controller may have made.
    struct Owned<'a> {
        metadata: ObjectMeta<'a> as "metadata",
    }

    /// The pod's spec, as far as it matters here.
    struct PodSpec<'a> {
        host_network: Option<bool> as "hostNetwork",
        init_containers: List<Container<'a>> as "initContainers",
        containers: List<Container<'a>> as "containers",
    }

    struct Container<'a> {
        ports: List<ContainerPort<'a>> as "ports",
    }

    struct ContainerPort<'a> {
        name: Str<'a> as "name",
        container_port: Number as "containerPort",
        host_port: Number as "hostPort",
    }
}

/// The number of a port; 0 is none.
#[derive(Clone, Copy, Debug, Default)]
struct Number(u32);

impl Read<'_> for Number {
    fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        Option::<u32>::read(reader).map(|number| Self(number.unwrap_or_default()))
    }
}

/// Restricts what is reachable from outside.
pub struct RestrictServiceExposure;

impl Policy for RestrictServiceExposure {
    type Settings = Settings;
    const RULES: &'static [Rule] = rules::ALL;

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        let wrong = |list: &str, index: usize, field: &str, problem: &str| {
            Err(SettingsError::new([list, "[", &index.to_string(), "]", field].concat(), problem))
        };
        for (index, allowed) in settings.allowed_services.iter().enumerate() {
            if allowed.reason.trim().is_empty() {
                return wrong("allowedServices", index, ".reason", "expected why this may be reached from outside");
            }
            if allowed.name.trim().is_empty() {
                return wrong("allowedServices", index, ".name", "expected a name or a glob pattern");
            }
        }
        let lists = [
            ("allowedHostPorts", &settings.allowed_host_ports),
            ("sensitivePorts", &settings.sensitive_ports),
            ("harmlessPorts", &settings.harmless_ports),
        ];
        for (list, ports) in lists {
            if let Some(index) = ports.iter().position(|port| !(1..=65_535).contains(port)) {
                return wrong(list, index, "", "expected a number from 1 to 65535");
            }
        }
        palisade_sdk::check_exempt_namespaces(&settings.exempt_namespaces)
    }

    fn validate(request: &Request<'_>, settings: &Settings, host: &dyn Host, report: &mut Report) -> Result<(), Error> {
        let (name, namespace, kind) = (&request.name, &request.namespace, request.kind.kind.as_str());
        let matches =
            |pattern: &Option<String>, text: &str| pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, text));
        let is_allowed = |name: &str| {
            settings.allowed_services.iter().any(|allowed| {
                glob::matches(&allowed.name, name)
                    && matches(&allowed.namespace, namespace)
                    && allowed.kind.as_ref().is_none_or(|wanted| wanted == kind)
            })
        };
        if settings.exempt_namespaces.iter().any(|pattern| glob::matches(pattern, namespace)) || is_allowed(name) {
            return Ok(());
        }
        if kind == "Service" && request.kind.group.is_empty() {
            return services::judge(request, settings, host, report);
        }
        let Some(template) = request.pod_template::<PodSpec<'_>>()? else { return Ok(()) };
        // A running pod's ports do not change; refusing its updates would only keep controllers from their work.
        if kind == "Pod" && request.old_pod_template::<PodSpec<'_>>()?.is_some() {
            return Ok(());
        }
        // What a workload makes that is accepted is, too: its pods, and the ReplicaSet or Job between.
        let owners = &request.object::<Owned<'_>>()?.metadata.owner_references;
        if owners.iter().any(|owner| is_owned_by_allowed(settings, namespace, &owner.kind, &owner.name)) {
            return Ok(());
        }
        judge_pod(&template, settings, report);
        Ok(())
    }
}

palisade_sdk::export!(RestrictServiceExposure);

/// Whether an owner is a workload that the settings accept, or was made by one: the ReplicaSet of a Deployment and the Job of a CronJob
/// have its name, and a hash or the time behind it.
fn is_owned_by_allowed(settings: &Settings, namespace: &str, kind: &str, name: &str) -> bool {
    let maker = match (kind, name.rsplit_once('-')) {
        ("ReplicaSet", Some((deployment, _))) => Some(("Deployment", deployment)),
        ("Job", Some((cron_job, _))) => Some(("CronJob", cron_job)),
        _ => None,
    };
    std::iter::once((kind, name)).chain(maker).any(|(kind, name)| {
        settings.allowed_services.iter().any(|allowed| {
            allowed.kind.as_ref().is_none_or(|wanted| wanted == kind)
                && glob::matches(&allowed.name, name)
                && allowed.namespace.as_ref().is_none_or(|pattern| glob::matches(pattern, namespace))
        })
    })
}

fn judge_pod(template: &PodTemplate<'_, PodSpec<'_>>, settings: &Settings, report: &mut Report) {
    let spec = template.spec_path();
    let in_host_network = template.spec.host_network == Some(true);
    let lists = [("initContainers", &template.spec.init_containers), ("containers", &template.spec.containers)];
    for (list, containers) in lists {
        for (index, container) in containers.iter().enumerate() {
            let at = spec.item(list, index);
            for (place, port) in container.ports.iter().enumerate() {
                judge_port(port, in_host_network, settings, &at.item("ports", place), report);
            }
        }
    }
}

fn judge_port(port: &ContainerPort<'_>, in_host_network: bool, settings: &Settings, at: &Path<'_>, report: &mut Report) {
    let (number, rule, field, how) = match (port.host_port.0, in_host_network) {
        // In the node's network the API server sets hostPort to the same number.
        (_, true) => (port.container_port.0, &HOST_NETWORK_PORT, "containerPort", " of the node, as the pod is in its network"),
        (0, false) => return,
        (number, false) => (number, &HOST_PORT, "hostPort", " of its node"),
    };
    if settings.allowed_host_ports.contains(&number) {
        return;
    }
    let here = at.field(field);
    let mut message = "opens port ".to_owned();
    message.push_str(&number.to_string());
    message.push_str(how);
    report.add(rule, &here, message);
    // What listens is behind the container's port; its name says nothing more where that is known to be harmless.
    if settings.harmless_ports.contains(&port.container_port.0) {
        return;
    }
    let serves = sensitive::by_number(settings, number)
        .or_else(|| sensitive::by_number(settings, port.container_port.0))
        .or_else(|| sensitive::by_name(&port.name));
    if let Some(what) = serves {
        report.add(&SENSITIVE_PORT, &here, ["lets whoever reaches the node connect to ", what].concat());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palisade_sdk::HostError;

    struct NoPods;

    impl Host for NoPods {
        fn call(&self, _: &str, _: &str, _: &[u8]) -> Result<Vec<u8>, HostError> {
            Ok(br#"{"items": []}"#.to_vec())
        }
    }

    /// Tens of thousands of ports, and as many names to look up.
    #[test]
    fn a_service_of_megabytes_is_judged_to_the_last_port() {
        let ports: Vec<String> =
            (0..30_000).map(|index| format!(r#"{{"name": "p{index}", "port": 8000, "targetPort": "name-{index}"}}"#)).collect();
        let payload = format!(
            r#"{{"settings": {{}}, "request": {{"kind": {{"group": "", "version": "v1", "kind": "Service"}}, "operation": "CREATE",
                "namespace": "shop", "object": {{"metadata": {{"name": "many"}}, "spec": {{"type": "NodePort", "selector": {{"app": "web"}},
                "ports": [{}, {{"name": "last", "port": 6379}}]}}}}}}}}"#,
            ports.join(", ")
        );
        let response = palisade_sdk::run::<RestrictServiceExposure>(b"validate", payload.as_bytes(), &NoPods).unwrap();
        let response = String::from_utf8(response).unwrap();
        assert!(response.contains("spec.ports[30000].port: lets the outside connect to Redis"), "{response}");
    }
}
