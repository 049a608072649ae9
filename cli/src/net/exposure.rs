//! What leads into the cluster: Services that are reachable from outside, ports of nodes, Ingresses and routes.

use std::collections::{BTreeMap, HashMap};

use palisade_sdk::network::{Cidr, balancers};
use serde_json::Value;

use super::objects::{Named, Objects, Workload, number_of};
use super::ports::{Declared, PROTOCOLS, Ports};

/// A Service, and the workloads that it leads to.
#[derive(Debug)]
pub struct Service<'o> {
    pub named: &'o Named,
    ports: Vec<ServicePort<'o>>,
    /// Indices of workloads.
    pub workloads: Vec<usize>,
}

#[derive(Debug)]
struct ServicePort<'o> {
    name: &'o str,
    number: Option<u16>,
    protocol: &'static str,
    target: Target<'o>,
}

#[derive(Debug)]
enum Target<'o> {
    Number(u16),
    Name(&'o str),
}

impl<'o> Service<'o> {
    fn of(named: &'o Named) -> Self {
        let ports = named.object.value["spec"]["ports"].as_array().into_iter().flatten();
        let ports = ports.filter_map(|port| {
            let protocol = port["protocol"].as_str().filter(|text| !text.is_empty()).unwrap_or("TCP");
            let number = number_of(&port["port"]);
            let target = match &port["targetPort"] {
                // A number in quotes is a number.
                Value::String(name) if !name.is_empty() => match name.parse() {
                    Ok(number) => Target::Number(number),
                    Err(_) => Target::Name(name),
                },
                target => Target::Number(number_of(target).or(number)?),
            };
            let protocol = PROTOCOLS.iter().find(|known| **known == protocol)?;
            Some(ServicePort { name: port["name"].as_str().unwrap_or_default(), number, protocol, target })
        });
        Self { named, ports: ports.collect(), workloads: Vec::new() }
    }

    /// The ports of a workload that it leads to: all, or those behind the port that a backend names.
    pub fn targets(&self, workload: &Workload, backend: Option<&Backend>) -> Vec<(&'static str, u16)> {
        let is_meant = |port: &&ServicePort<'_>| match backend.map(|backend| &backend.port) {
            None | Some(BackendPort::Any) => true,
            Some(BackendPort::Number(number)) => port.number == Some(*number),
            Some(BackendPort::Name(name)) => port.name == name,
        };
        let mut targets = Vec::new();
        for port in self.ports.iter().filter(is_meant) {
            match &port.target {
                Target::Number(number) => targets.push((port.protocol, *number)),
                Target::Name(name) => {
                    let is_named = |known: &&Declared| known.protocol == port.protocol && known.names.iter().any(|n| n == name);
                    targets.extend(workload.ports.iter().filter(is_named).map(|known| (known.protocol, known.number)));
                }
            }
        }
        targets
    }
}

/// The Services of the documents, with the workloads that each selects.
pub fn services(objects: &Objects) -> Vec<Service<'_>> {
    let mut by_namespace: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, workload) in objects.workloads.iter().enumerate() {
        by_namespace.entry(&workload.namespace).or_default().push(index);
    }
    let mut services: Vec<Service<'_>> = objects.services.iter().map(Service::of).collect();
    for service in &mut services {
        let Some(selector) = service.named.object.value["spec"]["selector"].as_object().filter(|map| !map.is_empty()) else {
            continue;
        };
        let has = |workload: &Workload, key: &str, value: &Value| {
            workload.labels.iter().any(|(known, label)| known == key && label.as_deref() == value.as_str())
        };
        let candidates = by_namespace.get(service.named.namespace.as_str()).into_iter().flatten();
        let selected = candidates.filter(|index| {
            let workload = objects.workloads.get(**index);
            workload.is_some_and(|workload| selector.iter().all(|(key, value)| value.is_string() && has(workload, key, value)))
        });
        service.workloads = selected.copied().collect();
    }
    services
}

/// Who comes in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Everybody.
    Internet,
    /// The addresses of a block.
    Block(String),
    /// Through a route: its index.
    Route(usize),
}

/// A way in.
#[derive(Debug)]
pub struct Way {
    pub from: Source,
    /// Index of the workload.
    pub workload: usize,
    pub ports: Ports,
    /// What publishes it.
    pub via: String,
    /// Whether a node may stand in between, whose address is then what policies see.
    pub is_by_node: bool,
}

/// An Ingress, or a route of the Gateway API.
#[derive(Debug)]
pub struct Route<'o> {
    pub named: &'o Named,
    pub hosts: Vec<String>,
    /// The port that it is served on, where that is known.
    pub port: Option<u16>,
    backends: Vec<Backend>,
}

/// Where a route leads.
#[derive(Debug)]
pub struct Backend {
    namespace: String,
    service: String,
    port: BackendPort,
}

#[derive(Debug)]
enum BackendPort {
    Any,
    Number(u16),
    Name(String),
}

impl<'o> Route<'o> {
    fn of(named: &'o Named) -> Self {
        let spec = &named.object.value["spec"];
        if named.kind == "Ingress" { Self::of_ingress(named, spec) } else { Self::of_gateway(named, spec) }
    }

    fn of_ingress(named: &'o Named, spec: &Value) -> Self {
        let mut route = Self { named, hosts: Vec::new(), port: None, backends: Vec::new() };
        let mut backend = |backend: &Value| {
            let service = &backend["service"];
            let Some(name) = service["name"].as_str() else { return };
            let port = match (number_of(&service["port"]["number"]), service["port"]["name"].as_str()) {
                (Some(number), _) => BackendPort::Number(number),
                (None, Some(name)) => BackendPort::Name(name.to_owned()),
                (None, None) => BackendPort::Any,
            };
            route.backends.push(Backend { namespace: named.namespace.clone(), service: name.to_owned(), port });
        };
        backend(&spec["defaultBackend"]);
        for rule in spec["rules"].as_array().into_iter().flatten() {
            for path in rule["http"]["paths"].as_array().into_iter().flatten() {
                backend(&path["backend"]);
            }
            route.hosts.extend(rule["host"].as_str().filter(|host| !host.is_empty()).map(str::to_owned));
        }
        let has_tls = spec["tls"].as_array().is_some_and(|tls| !tls.is_empty());
        route.port = Some(if has_tls { 443 } else { 80 });
        route
    }

    fn of_gateway(named: &'o Named, spec: &Value) -> Self {
        let mut backends = Vec::new();
        let rules = spec["rules"].as_array().into_iter().flatten();
        for backend in rules.flat_map(|rule| rule["backendRefs"].as_array().into_iter().flatten()) {
            let text = |field: &str| backend[field].as_str().filter(|text| !text.is_empty());
            let is_service = text("kind").is_none_or(|kind| kind == "Service") && text("group").is_none();
            if let Some(name) = text("name").filter(|_| is_service) {
                backends.push(Backend {
                    namespace: text("namespace").unwrap_or(&named.namespace).to_owned(),
                    service: name.to_owned(),
                    port: number_of(&backend["port"]).map_or(BackendPort::Any, BackendPort::Number),
                });
            }
        }
        let hosts = spec["hostnames"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        Self { named, hosts: hosts.collect(), port: None, backends }
    }

    /// For people: what it serves.
    pub fn name(&self) -> String {
        let Named { kind, name, .. } = self.named;
        let mut hosts = self.hosts.clone();
        hosts.sort();
        hosts.dedup();
        match hosts.as_slice() {
            [] => format!("{kind} {name}, any host"),
            [host] => format!("{kind} {host}"),
            [host, rest @ ..] => format!("{kind} {host} and {} more", rest.len()),
        }
    }
}

/// The routes of the documents.
pub fn routes(objects: &Objects) -> Vec<Route<'_>> {
    objects.routes.iter().map(Route::of).collect()
}

/// All ways in.
pub fn ways(objects: &Objects, services: &[Service<'_>], routes: &[Route<'_>]) -> Vec<Way> {
    let mut ways = Vec::new();
    let ports_of = |targets: Vec<(&'static str, u16)>| {
        targets.iter().fold(Ports::default(), |ports, (protocol, number)| ports.with(&Ports::one(protocol, *number)))
    };
    let mut by_name: BTreeMap<(&str, &str), &Service<'_>> = BTreeMap::new();
    for service in services {
        by_name.insert((&service.named.namespace, &service.named.name), service);
        let sources = sources_of(service);
        let Some((how, sources)) = sources else { continue };
        let is_by_node = service.named.object.value["spec"]["externalTrafficPolicy"] != "Local";
        for workload in &service.workloads {
            let Some(known) = objects.workloads.get(*workload) else { continue };
            for from in &sources {
                let via = format!("Service {} ({how})", service.named.name);
                let ports = ports_of(service.targets(known, None));
                ways.push(Way { from: from.clone(), workload: *workload, ports, via, is_by_node });
            }
        }
    }
    for (index, workload) in objects.workloads.iter().enumerate() {
        let (opened, how) =
            if workload.is_host_network { (&workload.ports, "hostNetwork") } else { (&workload.host_ports, "hostPort") };
        if !opened.is_empty() {
            let ports = ports_of(opened.iter().map(|port| (port.protocol, port.number)).collect());
            ways.push(Way { from: Source::Internet, workload: index, ports, via: how.to_owned(), is_by_node: false });
        }
    }
    for (index, route) in routes.iter().enumerate() {
        for backend in &route.backends {
            let Some(service) = by_name.get(&(backend.namespace.as_str(), backend.service.as_str())) else { continue };
            for workload in &service.workloads {
                let Some(known) = objects.workloads.get(*workload) else { continue };
                let ports = ports_of(service.targets(known, Some(backend)));
                let via = format!("Service {}", service.named.name);
                ways.push(Way { from: Source::Route(index), workload: *workload, ports, via, is_by_node: false });
            }
        }
    }
    ways
}

/// How a Service is reached from outside, and by whom; `None` where it is not.
fn sources_of(service: &Service<'_>) -> Option<(&'static str, Vec<Source>)> {
    let value = &service.named.object.value;
    let spec = &value["spec"];
    let texts = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(Value::as_str).map(|text| text.trim().to_owned()).collect()
    };
    let annotation = |key: &str| value["metadata"]["annotations"][key].as_str();
    let text = |field: &str| spec[field].as_str().unwrap_or_default();
    if !texts(&spec["externalIPs"]).is_empty() {
        return Some(("externalIPs", vec![Source::Internet]));
    }
    match text("type") {
        "NodePort" => Some(("NodePort", vec![Source::Internet])),
        "LoadBalancer" => {
            if balancers::is_internal(annotation, text("loadBalancerClass"), text("loadBalancerIP")) == Some(true) {
                return None;
            }
            let mut blocks = texts(&spec["loadBalancerSourceRanges"]);
            if blocks.is_empty() {
                let listed = balancers::SOURCE_RANGES.iter().filter_map(|key| annotation(key));
                blocks = listed.flat_map(|list| list.split(',')).map(|text| text.trim().to_owned()).collect();
            }
            blocks.retain(|block| Cidr::parse(block).is_some());
            let sources =
                if blocks.is_empty() { vec![Source::Internet] } else { blocks.into_iter().map(Source::Block).collect() };
            Some(("LoadBalancer", sources))
        }
        _ => None,
    }
}
