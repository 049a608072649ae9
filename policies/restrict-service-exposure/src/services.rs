//! Services: their type, and what they open.

use palisade_sdk::network::{Addresses, Cidr, Family, PortNumber, Ranges, each_workload};
use palisade_sdk::selector::LabelSelector;
use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Error, Host, List, Map, Path, Report, Request, Str};

use crate::balancers::{self, SOURCE_RANGES};
use crate::names::{self, Inside};
use crate::rules::{
    EXTERNAL_IPS, EXTERNAL_NAME_CLUSTER, EXTERNAL_NAME_INTERNAL, EXTERNAL_TRAFFIC_POLICY, NODE_PORT, OPEN_LOAD_BALANCER,
    OPEN_SOURCE_RANGES, SENSITIVE_PORT, SENSITIVE_PORT_INTERNAL,
};
use crate::{Settings, sensitive};

palisade_sdk::view! {
    struct Service<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        spec: ServiceSpec<'a> as "spec",
    }

    /// `ServiceSpec`, as far as it matters here.
    pub struct ServiceSpec<'a> {
        service_type: Str<'a> as "type",
        selector: Map<'a> as "selector",
        ports: List<ServicePort<'a>> as "ports",
        external_ips: List<Str<'a>> as "externalIPs",
        external_name: Str<'a> as "externalName",
        external_traffic_policy: Str<'a> as "externalTrafficPolicy",
        load_balancer_source_ranges: List<Str<'a>> as "loadBalancerSourceRanges",
        /// Who makes the load balancer.
        pub load_balancer_class: Str<'a> as "loadBalancerClass",
        /// The address that is asked for.
        pub load_balancer_ip: Str<'a> as "loadBalancerIP",
    }

    struct ServicePort<'a> {
        name: Str<'a> as "name",
        app_protocol: Str<'a> as "appProtocol",
        port: Option<u32> as "port",
        target_port: Option<PortNumber<'a>> as "targetPort",
    }
}

/// Who can connect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Anybody on the Internet, or whoever reaches a node.
    Outside,
    /// The network around the cluster, or the clients that are named.
    Network,
    /// Pods.
    Cluster,
}

/// Judges a Service.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge(request: &Request<'_>, settings: &Settings, host: &dyn Host, report: &mut Report) -> Result<(), Error> {
    let service: Service<'_> = request.object()?;
    let spec = &service.spec;
    let at = Path::new("spec");
    let mut reach = match spec.service_type.as_str() {
        "" | "ClusterIP" => Reach::Cluster,
        "NodePort" => {
            let message = "opens its ports on the addresses of all nodes, to whoever reaches one of them";
            report.add(&NODE_PORT, &at.field("type"), message);
            Reach::Outside
        }
        "LoadBalancer" => load_balancer(&service, settings, report)?,
        "ExternalName" => {
            external_name(&spec.external_name, &request.namespace, report);
            Reach::Cluster
        }
        _ => return Err(Error::malformed(&at.field("type"), "expected ClusterIP, NodePort, LoadBalancer or ExternalName")),
    };
    let external_ips = at.field("externalIPs");
    if !spec.external_ips.is_empty() {
        let message = "takes over the traffic to these addresses on every node, whosever they are";
        report.add(&EXTERNAL_IPS, &external_ips, message);
        reach = Reach::Outside;
    }
    if reach == Reach::Cluster {
        return Ok(());
    }
    if settings.require_local_traffic_policy && spec.external_traffic_policy != "Local" && spec.service_type != "ClusterIP" {
        let message = "the addresses of clients are lost on the way through the nodes";
        report.add(&EXTERNAL_TRAFFIC_POLICY, &at.field("externalTrafficPolicy"), message);
    }
    let (rule, who) = match reach {
        Reach::Outside => (&SENSITIVE_PORT, "lets the outside connect to "),
        _ => (&SENSITIVE_PORT_INTERNAL, "lets the network around the cluster connect to "),
    };
    if report.severity_of(rule).is_none() {
        return Ok(());
    }
    let numbers = look_up_names(spec, host, &request.namespace)?;
    for (index, (port, number)) in spec.ports.iter().zip(&numbers).enumerate() {
        if let Some((field, what)) = serves(settings, port, *number) {
            let here = at.item("ports", index);
            report.add(rule, &here.field(field), [who, what].concat());
        }
    }
    Ok(())
}

/// What a port of the Service leads to, where that is sensitive, and which field says so.
fn serves(settings: &Settings, port: &ServicePort<'_>, looked_up: Option<u32>) -> Option<(&'static str, &'static str)> {
    let number = |number: u32| sensitive::by_number(settings, number);
    let target = match &port.target_port {
        Some(PortNumber::Number(target)) => u32::try_from(*target).ok().filter(|target| *target != 0),
        _ => None,
    };
    let is_harmless = |number: u32| settings.harmless_ports.contains(&number);
    if target.or(looked_up).or(port.port).is_some_and(is_harmless) {
        return None;
    }
    let target_name = match &port.target_port {
        Some(PortNumber::Name(name)) => Some(name.as_str()),
        _ => None,
    };
    // What listens is behind targetPort. The port in front of it only tells where there is no other.
    if let Some(target) = target.or(looked_up) {
        if let Some(what) = number(target) {
            return Some(("targetPort", what));
        }
    } else if let Some(what) = target_name.and_then(sensitive::by_name) {
        return Some(("targetPort", what));
    }
    port.port
        .and_then(number)
        .map(|what| ("port", what))
        .or_else(|| sensitive::by_name(&port.name).map(|what| ("name", what)))
        .or_else(|| sensitive::by_name(&port.app_protocol).map(|what| ("appProtocol", what)))
}

/// The number of each port whose targetPort is a name, from the pods that the Service selects.
fn look_up_names(spec: &ServiceSpec<'_>, host: &dyn Host, namespace: &str) -> Result<Vec<Option<u32>>, Error> {
    let mut numbers: Vec<Option<u32>> = vec![None; spec.ports.len()];
    let name = |port: &ServicePort<'_>| match &port.target_port {
        Some(PortNumber::Name(name)) => Some(name.as_str().to_owned()),
        _ => None,
    };
    let names: Vec<Option<String>> = spec.ports.iter().map(name).collect();
    if spec.selector.is_empty() || names.iter().all(Option::is_none) {
        return Ok(numbers);
    }
    let selector = LabelSelector { match_labels: spec.selector.clone(), match_expressions: List::default() };
    each_workload(host, namespace, &mut |workload| {
        // A selector of a Service is not checked by the API server; one that is not valid selects nothing.
        if !workload.may_be_selected_by(&selector, &Path::new("spec.selector")).unwrap_or(false) {
            return Ok(false);
        }
        for port in workload.ports() {
            for (name, number) in names.iter().zip(&mut numbers) {
                if name.as_ref().is_some_and(|name| port.name == name.as_str()) {
                    *number = number.or(port.container_port);
                }
            }
        }
        Ok(names.iter().zip(&numbers).all(|(name, number)| name.is_none() || number.is_some()))
    })?;
    Ok(numbers)
}

fn load_balancer(service: &Service<'_>, settings: &Settings, report: &mut Report) -> Result<Reach, Error> {
    let (spec, annotations) = (&service.spec, &service.metadata.annotations);
    let at = Path::new("spec");
    let field = at.field("loadBalancerSourceRanges");
    let wrong = "expected a block of addresses, for example 203.0.113.0/24";
    let mut blocks = Vec::new();
    for (index, text) in spec.load_balancer_source_ranges.iter().enumerate() {
        blocks.push(Cidr::parse(text.trim()).ok_or_else(|| Error::malformed(&field.index(index), wrong))?);
    }
    let metadata = Path::new("metadata.annotations");
    let mut by_annotation = None;
    if blocks.is_empty() {
        for key in SOURCE_RANGES {
            let Some(list) = annotations.get(key).filter(|list| !list.trim().is_empty()) else { continue };
            by_annotation.get_or_insert(key);
            for text in list.split(',') {
                blocks.push(Cidr::parse(text.trim()).ok_or_else(|| Error::malformed(&metadata.key(key), wrong))?);
            }
        }
    }
    if balancers::is_internal(settings, annotations, spec) {
        return Ok(Reach::Network);
    }
    if blocks.is_empty() {
        let message = "gets a public address, and serves whoever connects";
        report.add(&OPEN_LOAD_BALANCER, &at.field("type"), message);
        return Ok(Reach::Outside);
    }
    // Two halves are the Internet, too.
    let all = Addresses::of(&blocks);
    if Family::ALL.iter().any(|family| is_half_of_the_internet(&all, *family)) {
        let message = "allows half of the Internet or more, nearly as if there were no ranges";
        let annotation = by_annotation.map(|key| metadata.key(key));
        report.add(&OPEN_SOURCE_RANGES, annotation.as_ref().unwrap_or(&field), message);
        return Ok(Reach::Outside);
    }
    Ok(Reach::Network)
}

/// Whether half of the addresses are there that hosts on the Internet may have: nobody has so many clients. Of IPv6 that is 2000::/3.
///
/// Source: IANA IPv6 Global Unicast Address Assignments.
fn is_half_of_the_internet(addresses: &Addresses, family: Family) -> bool {
    let (first, last) = if family == Family::V4 { (0, family.last()) } else { (1 << 125, (1 << 126) - 1) };
    let rest = Ranges::of([(first, last)]).without(addresses.ranges(family));
    rest.count() <= (last - first) / 2 + 1
}

fn external_name(name: &str, namespace: &str, report: &mut Report) {
    let at = Path::new("spec.externalName");
    match names::inside(name) {
        Some(Inside::Private(what)) => report.add(&EXTERNAL_NAME_INTERNAL, &at, ["leads to ", what].concat()),
        Some(Inside::Cluster(other)) if other != namespace => {
            let other = other.get(..other.len().min(63)).unwrap_or_default();
            report.add(&EXTERNAL_NAME_CLUSTER, &at, ["leads to a Service of the namespace ", other].concat());
        }
        _ => {}
    }
}
