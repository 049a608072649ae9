//! Makes the map: who there is, what each reaches, and what is to be thought of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use palisade_sdk::network::{Addresses, Cidr, Direction, End, Family, IpBlock, Peer, Pod};
use palisade_sdk::selector::{LabelSelector, Labels};

use super::exposure::{self, Route, Service, Source};
use super::mentions;
use super::objects::{NAMESPACE_NAME, Objects, OwnedLabels, add};
use super::policies::{EndId, Policies, Side};
use super::ports::{Declared, Open, Ports};
use super::{Blocked, Edge, Kind, Map, Mark, Node, place_of};
use crate::input::Input;

/// Public addresses far from each other: a policy that allows all of them means the Internet.
const PUBLIC: [[&str; 8]; 2] = [
    ["1.2.3.4", "23.45.67.89", "52.1.2.3", "81.2.69.142", "104.16.1.2", "145.97.1.2", "185.1.2.3", "212.58.1.2"],
    [
        "2001:470::1",
        "2400:cb00::1",
        "2600:1f18::1",
        "2607:f8b0::1",
        "2800:3f0::1",
        "2a00:1450::1",
        "2a02:26f0::1",
        "2c0f:fb50::1",
    ],
];
/// Where clouds give machines their credentials.
///
/// Source: the documentation of the instance metadata services of AWS, Azure and GCP.
const METADATA: [&str; 2] = ["169.254.169.254", "fd00:ec2::254"];
const METADATA_PORT: u16 = 80;
/// A namespace has to have as many workloads that do the same for the map to say so of all of them.
const FEWEST: usize = 3;
/// A block with more holes than this is judged by its first parts.
const BLOCKS: usize = 64;

/// Pods that a policy names, and that are not among the documents.
struct Outside {
    namespace: Option<String>,
    namespace_labels: OwnedLabels,
    labels: OwnedLabels,
    name: String,
}

/// The map of what was read. Objects that name no namespace are in `namespace`.
pub fn survey(input: Input, namespace: &str) -> Map {
    let Input { files, objects, mut failures, mut notes } = input;
    let count = objects.len();
    let mut objects = Objects::of(objects, namespace);
    failures.append(&mut objects.failures);
    notes.append(&mut objects.notes);
    declare_targets(&mut objects);
    let texts: Vec<String> = objects.policies.iter().map(|policy| policy.object.value.to_string()).collect();
    let mut policies = Policies::read(&objects.policies, &texts, &mut failures);
    let services = exposure::services(&objects);
    let mut survey = Survey { map: Map { files, objects: count, ..Map::default() }, policies: &mut policies, ends: Vec::new() };
    survey.workloads(&objects);
    let any = survey.any_pod();
    let others = survey.others(&objects);
    survey.connections(any, &others, &means(&objects, &services));
    survey.ways(&objects, &services, any, &others);
    let mut map = survey.map;
    map.failures = failures;
    map.notes = notes;
    map.settle();
    map
}

/// What a Service leads to is a port that something listens on, whether or not a container says so.
fn declare_targets(objects: &mut Objects) {
    let targets: Vec<(usize, &'static str, u16)> = {
        let services = exposure::services(objects);
        let targets_of = |service: &Service<'_>| {
            let targets = service.workloads.iter().filter_map(|index| Some((*index, objects.workloads.get(*index)?)));
            let ports = targets.flat_map(|(index, workload)| {
                service.targets(workload, None).into_iter().map(move |(protocol, number)| (index, protocol, number))
            });
            ports.collect::<Vec<_>>()
        };
        services.iter().flat_map(targets_of).collect()
    };
    for (workload, protocol, number) in targets {
        if let Some(workload) = objects.workloads.get_mut(workload) {
            add(&mut workload.ports, Declared { protocol, number, names: Vec::new() });
        }
    }
}

/// Who names which other's Service, with the Service's name and the ports that it leads to.
type Meant = BTreeMap<(usize, usize), (String, Ports)>;

fn means(objects: &Objects, services: &[Service<'_>]) -> Meant {
    let mut meant = Meant::new();
    for (from, named) in mentions::mentions(objects, services).iter().enumerate() {
        for service in named.iter().filter_map(|index| services.get(*index)) {
            for to in service.workloads.iter().filter(|to| **to != from) {
                let Some(workload) = objects.workloads.get(*to) else { continue };
                let (name, ports) = meant.entry((from, *to)).or_default();
                *name = service.named.name.clone();
                for (protocol, number) in service.targets(workload, None) {
                    *ports = ports.with(&Ports::one(protocol, number));
                }
            }
        }
    }
    meant
}

/// The map in the making. The workloads are the first nodes, in their order.
struct Survey<'s, 't> {
    map: Map,
    policies: &'s mut Policies<'t>,
    /// For each node, the ends that it stands for: all of one of the lists must be open for it to be.
    ends: Vec<Vec<Vec<EndId>>>,
}

/// Who there is beside the workloads: indices of nodes.
struct Others {
    internet: usize,
    metadata: usize,
    everything: usize,
    /// By their text.
    blocks: BTreeMap<String, usize>,
    pods: Vec<usize>,
}

fn node(kind: Kind, id: &str, namespace: Option<String>, name: &str) -> Node {
    Node {
        id: id.to_owned(),
        kind,
        namespace,
        name: name.to_owned(),
        place: None,
        ports: Vec::new(),
        is_host_network: false,
        is_isolated: [false; 2],
    }
}

fn borrowed(labels: &OwnedLabels) -> Vec<(&str, Option<&str>)> {
    labels.iter().map(|(key, value)| (key.as_str(), value.as_deref())).collect()
}

/// The labels of a namespace; of one that is not among the documents, only its name is known.
fn namespace_labels<'l>(objects: &'l Objects, namespace: &'l str) -> Labels<'l> {
    match objects.namespaces.get(namespace) {
        Some(labels) => Labels::new(&borrowed(labels)),
        None => Labels::new(&[(NAMESPACE_NAME, Some(namespace))]).and_others(),
    }
}

/// An address as a block of one.
fn address(text: &str) -> Option<Cidr> {
    Cidr::parse_address(text)
}

impl Survey<'_, '_> {
    fn add(&mut self, node: Node, ends: Vec<Vec<EndId>>) -> usize {
        self.map.nodes.push(node);
        self.ends.push(ends);
        self.map.nodes.len() - 1
    }

    fn end(&mut self, side: &Side<'_>) -> EndId {
        self.policies.add(side)
    }

    fn addresses(&mut self, groups: &[Vec<Cidr>]) -> Vec<Vec<EndId>> {
        let mut ends = Vec::new();
        for group in groups.iter().filter(|group| !group.is_empty()) {
            ends.push(group.iter().map(|block| self.end(&Side::Seen(End::Address(*block)))).collect());
        }
        ends
    }

    fn workloads(&mut self, objects: &Objects) {
        for workload in &objects.workloads {
            let (kind, namespace, name) = (workload.kind, &workload.namespace, &workload.name);
            let pod = Pod {
                namespace,
                namespace_labels: namespace_labels(objects, namespace),
                labels: Labels::new(&borrowed(&workload.labels)),
            };
            let end = self.end(&if workload.is_host_network { Side::Node } else { Side::Seen(End::Pod(&pod)) });
            let is_isolated = Direction::ALL.map(|direction| self.policies.isolates(end, direction));
            let shown = if name.is_empty() { "(without a name)" } else { name };
            let id = format!("{}/{namespace}/{name}", kind.to_lowercase());
            let node = Node {
                place: Some(workload.place.clone()),
                ports: workload.ports.clone(),
                is_host_network: workload.is_host_network,
                is_isolated,
                ..node(Kind::Workload(kind), &id, Some(namespace.clone()), shown)
            };
            self.add(node, vec![vec![end]]);
        }
    }

    fn any_pod(&mut self) -> usize {
        let nobody = OwnedLabels::new();
        let pod = Pod {
            namespace: "",
            namespace_labels: Labels::new(&[(NAMESPACE_NAME, Some(""))]),
            labels: Labels::new(&borrowed(&nobody)),
        };
        let end = self.end(&Side::Seen(End::Pod(&pod)));
        self.add(node(Kind::AnyPod, "any-pod", None, "any pod"), vec![vec![end]])
    }

    /// The Internet, the metadata service, and whom policies and Services name beside the workloads.
    fn others(&mut self, objects: &Objects) -> Others {
        let mut outside: BTreeMap<String, Outside> = BTreeMap::new();
        let mut blocks: BTreeMap<String, Vec<Cidr>> = BTreeMap::new();
        for (index, (namespace, peer)) in self.policies.peers().enumerate() {
            if let Some(block) = &peer.ip_block {
                let Ok(addresses) = block.addresses(&palisade_sdk::Path::new("")) else { continue };
                blocks.entry(block_text(block)).or_insert_with(|| blocks_of(&addresses));
            } else if !self.policies.is_anybody(index) {
                for one in outside_of(namespace, peer, objects) {
                    outside.entry(format!("pods/{}/{}", one.namespace.as_deref().unwrap_or("*"), one.name)).or_insert(one);
                }
            }
        }
        for value in objects.services.iter().map(|service| &service.object.value) {
            for block in value["spec"]["loadBalancerSourceRanges"].as_array().into_iter().flatten() {
                let text = block.as_str().unwrap_or_default().trim();
                if let Some(block) = Cidr::parse(text) {
                    blocks.entry(text.to_owned()).or_insert_with(|| vec![block]);
                }
            }
        }
        let public = PUBLIC.map(|texts| texts.iter().filter_map(|text| address(text)).collect::<Vec<_>>());
        let ends = self.addresses(&public);
        let internet = self.add(node(Kind::Internet, "internet", None, "Internet"), ends);
        let metadata: Vec<Vec<Cidr>> = METADATA.iter().map(|text| address(text).into_iter().collect()).collect();
        let ends = self.addresses(&metadata);
        let metadata_node = self.add(node(Kind::Metadata, "metadata-service", None, "metadata service of the cloud"), ends);
        let name = "everything: any pod, the Internet, the metadata service";
        let everything = self.add(node(Kind::Everything, "everything", None, name), Vec::new());
        let mut by_text = BTreeMap::new();
        for (name, cidrs) in blocks {
            let all = Addresses::of(&cidrs);
            let is_internet = public.iter().any(|group| group.iter().all(|address| all.cover(address)));
            let is_metadata = metadata.iter().flatten().any(|address| cidrs == [*address]);
            if is_internet || is_metadata {
                by_text.insert(name, if is_internet { internet } else { metadata_node });
                continue;
            }
            let ends = self.addresses(&[cidrs]);
            let index = self.add(node(Kind::Addresses, &format!("addresses/{name}"), None, &short(&name)), ends);
            by_text.insert(name, index);
        }
        let mut pods = Vec::new();
        for (id, outside) in &outside {
            let labels_of_namespace = match &outside.namespace {
                Some(namespace) if objects.namespaces.contains_key(namespace) => namespace_labels(objects, namespace),
                _ => Labels::new(&borrowed(&outside.namespace_labels)),
            };
            let pod = Pod {
                namespace: outside.namespace.as_deref().unwrap_or_default(),
                namespace_labels: labels_of_namespace,
                labels: Labels::new(&borrowed(&outside.labels)),
            };
            let end = self.end(&Side::Seen(End::Pod(&pod)));
            pods.push(self.add(node(Kind::Pods, id, outside.namespace.clone(), &outside.name), vec![vec![end]]));
        }
        Others { internet, metadata: metadata_node, everything, blocks: by_text, pods }
    }

    /// The ports on which one node reaches another.
    fn open(&self, from: usize, to: usize) -> Ports {
        let declared = self.map.nodes.get(to).map(|node| node.ports.as_slice()).unwrap_or_default();
        let ends = |node: usize| self.ends.get(node).map(Vec::as_slice).unwrap_or_default();
        // Of most nodes there is one end.
        if let ([from], [to]) = (ends(from), ends(to))
            && let ([from], [to]) = (from.as_slice(), to.as_slice())
        {
            return self.policies.open(*from, *to, declared);
        }
        let mut open = Ports::default();
        for from in ends(from) {
            for to in ends(to) {
                let pairs = from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to)));
                let all = pairs.fold(None, |all: Option<Ports>, (from, to)| match all {
                    Some(all) if all.is_empty() => Some(all),
                    Some(all) => Some(all.and(&self.policies.open(from, to, declared))),
                    None => Some(self.policies.open(from, to, declared)),
                });
                open = open.with(&all.unwrap_or_default());
            }
        }
        open
    }

    fn is_free(&self, node: usize, direction: Direction) -> bool {
        self.map.nodes.get(node).is_some_and(|node| !node.is_isolated[place_of(direction)])
    }

    fn count(&self) -> usize {
        self.map.nodes.iter().filter(|node| node.is_workload()).count()
    }

    fn connections(&mut self, any: usize, others: &Others, meant: &Meant) {
        let workloads: Vec<usize> = (0..self.count()).collect();
        let free_to_leave: Vec<bool> = workloads.iter().map(|node| self.is_free(*node, Direction::Egress)).collect();
        // What each does to a pod that no policy knows.
        let to_any: Vec<Ports> = workloads.iter().map(|from| self.open(*from, any)).collect();
        let is_free = |node: usize| free_to_leave.get(node) == Some(&true);
        let mut edges = Vec::new();
        for to in workloads.iter().copied() {
            let from_any = self.open(any, to);
            let is_open = self.is_free(to, Direction::Ingress);
            let mut except = Vec::new();
            let mut found = Vec::new();
            for from in workloads.iter().copied().filter(|from| *from != to) {
                let meant = meant.get(&(from, to));
                if is_open && is_free(from) && meant.is_none() {
                    continue;
                }
                let open = self.open(from, to);
                let implied = to_any.get(from).map(|ports| ports.and(&from_any)).unwrap_or_default();
                // What policies make of the traffic of nodes differs by network plugin.
                let is_on_node = self.map.nodes.get(from).is_some_and(|node| node.is_host_network);
                let is_exception = !is_on_node && !open.cover(&implied);
                if is_exception {
                    except.push(from);
                }
                let is_implied = open.is_empty() || (!is_exception && implied.cover(&open));
                match meant {
                    Some((service, ports)) if open.and(ports).is_empty() && !ports.is_empty() => {
                        if !is_on_node {
                            self.map.blocked.push(Blocked { from, to, why: format!("names Service {service}") });
                        }
                        if !is_implied {
                            found.push((from, open, false));
                        }
                    }
                    Some((_, ports)) if is_implied => {
                        let ports = open.and(ports);
                        if !ports.is_empty() {
                            found.push((from, ports, true));
                        }
                    }
                    Some(_) => found.push((from, open, true)),
                    None if !is_implied => found.push((from, open, false)),
                    None => {}
                }
            }
            for from in others.pods.iter().chain(others.blocks.values()).copied().filter(|from| *from != others.internet) {
                let open = self.open(from, to);
                let is_implied = self.map.nodes.get(from).is_some_and(|node| node.kind == Kind::Pods) && from_any.cover(&open);
                // Addresses that reach everybody's pods are not worth a line for each.
                let is_worth = self.is_pods(from) || (!is_open && from != others.metadata);
                if !open.is_empty() && !is_implied && is_worth {
                    edges.push((from, to, open, false, Vec::new()));
                }
            }
            if !from_any.is_empty() {
                edges.push((any, to, from_any, false, except));
            }
            self.group(to, found, &mut edges);
        }
        let mut targets = vec![any, others.internet, others.metadata];
        targets.extend(&others.pods);
        targets.extend(others.blocks.values().filter(|node| ![others.internet, others.metadata].contains(node)));
        targets.dedup();
        for to in targets {
            let mut found = Vec::new();
            for from in workloads.iter().copied().filter(|from| !is_free(*from)) {
                let mut open = self.open(from, to);
                if to == others.metadata {
                    open = open.and(&Ports::one("TCP", METADATA_PORT));
                }
                let is_implied = self.is_pods(to) && to_any.get(from).is_some_and(|ports| ports.cover(&open));
                if !open.is_empty() && !is_implied {
                    found.push((from, open, false));
                }
            }
            self.group(to, found, &mut edges);
        }
        let found = workloads.iter().copied().filter(|from| is_free(*from)).map(|from| (from, Ports::all(), false)).collect();
        self.group(others.everything, found, &mut edges);
        for (from, to, open, is_mentioned, except) in edges {
            let edge = self.edge(from, to, open);
            self.map.edges.push(Edge { is_mentioned, except, ..edge });
        }
    }

    fn is_pods(&self, node: usize) -> bool {
        self.map.nodes.get(node).is_some_and(|node| node.kind == Kind::Pods)
    }

    /// Takes the edges to a node from workloads; what all workloads of a namespace do is said once.
    fn group(&mut self, to: usize, found: Vec<(usize, Ports, bool)>, edges: &mut Vec<(usize, usize, Ports, bool, Vec<usize>)>) {
        let mut by_namespace: BTreeMap<String, Vec<(usize, Ports, bool)>> = BTreeMap::new();
        for one in found {
            let namespace = self.map.nodes.get(one.0).and_then(|node| node.namespace.clone()).unwrap_or_default();
            by_namespace.entry(namespace).or_default().push(one);
        }
        for (namespace, found) in by_namespace {
            let common = self.common(&namespace, to, &found);
            if !common.is_empty() {
                let every = self.every(&namespace);
                edges.push((every, to, common.clone(), false, Vec::new()));
            }
            for (from, open, is_mentioned) in found {
                if is_mentioned || !common.cover(&open) {
                    edges.push((from, to, open, is_mentioned, Vec::new()));
                }
            }
        }
    }

    /// What all workloads of a namespace do, where there are enough of them.
    fn common(&self, namespace: &str, to: usize, found: &[(usize, Ports, bool)]) -> Ports {
        if found.len() < FEWEST {
            return Ports::default();
        }
        let is_member = |(index, node): &(usize, &Node)| {
            node.is_workload() && *index != to && !node.is_host_network && node.namespace.as_deref() == Some(namespace)
        };
        let members = self.map.nodes.iter().enumerate().filter(is_member).count();
        let pods = found.iter().filter(|(from, ..)| self.map.nodes.get(*from).is_some_and(|node| !node.is_host_network));
        let pods: Vec<&Ports> = pods.map(|(_, open, _)| open).collect();
        if pods.len() < members || members < FEWEST {
            return Ports::default();
        }
        pods.into_iter().fold(Ports::all(), |common, open| common.and(open))
    }

    /// The node for all workloads of a namespace.
    fn every(&mut self, namespace: &str) -> usize {
        let id = format!("every-workload/{namespace}");
        match self.map.nodes.iter().position(|node| node.kind == Kind::EveryWorkload && node.id == id) {
            Some(index) => index,
            None => {
                let name = format!("every workload of {namespace}");
                self.add(node(Kind::EveryWorkload, &id, Some(namespace.to_owned()), &name), Vec::new())
            }
        }
    }

    /// What leads into the cluster.
    fn ways(&mut self, objects: &Objects, services: &[Service<'_>], any: usize, others: &Others) {
        let routes = exposure::routes(objects);
        let mut nodes: HashMap<usize, usize> = HashMap::new();
        let mut found: BTreeMap<(usize, usize), (Ports, BTreeSet<String>)> = BTreeMap::new();
        for way in exposure::ways(objects, services, &routes) {
            let to = way.workload;
            let allowed = match &way.from {
                Source::Route(_) => self.by_controller(to, any, others),
                Source::Internet => self.by_address(others.internet, to, way.is_by_node, others),
                Source::Block(text) => {
                    let from = others.blocks.get(text).copied().unwrap_or(others.internet);
                    self.by_address(from, to, way.is_by_node, others)
                }
            };
            let from = match &way.from {
                Source::Internet => others.internet,
                Source::Block(text) => others.blocks.get(text).copied().unwrap_or(others.internet),
                Source::Route(index) => match routes.get(*index) {
                    Some(route) => *nodes.entry(*index).or_insert_with(|| self.route(route, others.internet)),
                    None => continue,
                },
            };
            let open = allowed.and(&way.ports);
            if open.is_empty() {
                if !way.ports.is_empty() {
                    self.map.blocked.push(Blocked { from, to, why: format!("is led there by {}", way.via) });
                }
                continue;
            }
            let (ports, via) = found.entry((from, to)).or_default();
            *ports = ports.with(&open);
            via.insert(way.via);
        }
        for ((from, to), (open, via)) in found {
            let edge = self.edge(from, to, open);
            self.map.edges.push(Edge { via: via.into_iter().collect(), ..edge });
        }
    }

    /// What addresses reach, themselves or through the addresses of nodes, of which nothing is known but the blocks that policies name.
    fn by_address(&self, from: usize, to: usize, is_by_node: bool, others: &Others) -> Ports {
        let mut open = self.open(from, to);
        if is_by_node && !open.is_every() {
            for block in others.blocks.values() {
                open = open.with(&self.open(*block, to));
            }
        }
        open
    }

    /// What the controller of a route may reach, which is not known itself: somebody of another namespace, or of outside.
    fn by_controller(&self, to: usize, any: usize, others: &Others) -> Ports {
        let mut open = self.open(any, to).with(&self.by_address(others.internet, to, true, others));
        if open.is_every() {
            return open;
        }
        let namespace = self.map.nodes.get(to).and_then(|node| node.namespace.as_deref());
        let elsewhere = |index: &usize| {
            let node = self.map.nodes.get(*index);
            node.is_some_and(|node| node.namespace.is_none() || node.namespace.as_deref() != namespace)
        };
        for from in (0..self.count()).chain(others.pods.iter().copied()).filter(elsewhere) {
            open = open.with(&self.open(from, to));
        }
        open
    }

    fn route(&mut self, route: &Route<'_>, internet: usize) -> usize {
        let named = route.named;
        let id = format!("{}/{}/{}", named.kind.to_lowercase(), named.namespace, named.name);
        let place = Some(named.object.locate(""));
        let node = Node { place, ..node(Kind::Route, &id, Some(named.namespace.clone()), &route.name()) };
        let index = self.add(node, Vec::new());
        let ports = route.port.map(|port| Ports::one("TCP", port)).unwrap_or_default();
        let edge = self.edge(internet, index, ports);
        self.map.edges.push(edge);
        index
    }

    /// The edge, marked.
    fn edge(&self, from: usize, to: usize, all: Ports) -> Edge {
        let (source, target) = (self.map.nodes.get(from), self.map.nodes.get(to));
        let open = match target {
            Some(node) if node.is_workload() => Open::of(all, &node.ports),
            _ => Open::of_unknown(all),
        };
        let (mark, reason) = match (source, target) {
            (Some(source), Some(target)) => judge(source, target, &open),
            _ => (Mark::Needed, String::new()),
        };
        Edge { from, to, open, mark, reason, via: Vec::new(), is_mentioned: false, except: Vec::new() }
    }
}

/// What is to be thought of a connection, and why.
fn judge(from: &Node, to: &Node, open: &Open) -> (Mark, String) {
    let dangerous = |reason: &str| (Mark::Dangerous, reason.to_owned());
    let is_every = open.all.is_every();
    match to.kind {
        Kind::Everything if from.is_host_network => return dangerous("no policy holds a pod in the network of its node"),
        Kind::Everything => return dangerous("no policy holds what leaves it"),
        Kind::Metadata => return dangerous("the cloud gives its credentials there"),
        Kind::Internet if is_every => return dangerous("no limit of ports"),
        Kind::AnyPod if is_every => return dangerous("every port of every pod of the cluster"),
        Kind::Workload(_) => {}
        _ => return (Mark::Needed, String::new()),
    }
    if from.kind == Kind::AnyPod && is_every {
        let [is_isolated, _] = to.is_isolated;
        return dangerous(match (to.is_host_network, is_isolated) {
            (true, _) => "no policy holds a pod in the network of its node",
            (false, false) => "no policy holds what comes to it",
            (false, true) => "its policies let everybody in",
        });
    }
    if matches!(from.kind, Kind::Internet | Kind::Route | Kind::AnyPod) {
        // Behind a route, a console's port is as often that of an application; and webhooks listen where a node has its kubelet.
        let is_meant = |port: &&Declared| match port.number {
            3000 => from.kind == Kind::Route,
            6443 | 10250 => !to.is_host_network,
            _ => false,
        };
        let sensitive = open.declared.iter().filter(|port| !is_meant(port)).find_map(Declared::sensitive);
        if let Some(what) = sensitive {
            return dangerous(&format!(
                "{what} is open to {}",
                if from.kind == Kind::AnyPod { "every pod" } else { "the outside" }
            ));
        }
    }
    if open.declared.is_empty() {
        return (Mark::Unneeded, "nothing is known to listen there".to_owned());
    }
    (Mark::Needed, String::new())
}

/// Between a block and what is left out of it.
const WITHOUT: &str = " without ";

/// A block with all that is left out of it.
fn block_text(block: &IpBlock<'_>) -> String {
    let mut except: Vec<&str> = block.except.iter().map(|text| text.as_str()).collect();
    except.sort_unstable();
    let without = if except.is_empty() { "" } else { WITHOUT };
    format!("{}{without}{}", block.cidr.as_str(), except.join(", "))
}

/// For people, not more than one block that is left out.
fn short(block: &str) -> String {
    match block.split_once(WITHOUT) {
        Some((block, except)) if except.contains(',') => format!("{block}{WITHOUT}{} blocks", except.split(',').count()),
        _ => block.to_owned(),
    }
}

/// The blocks that addresses are made of.
fn blocks_of(addresses: &Addresses) -> Vec<Cidr> {
    let mut blocks = Vec::new();
    for family in Family::ALL {
        for (mut first, last) in addresses.ranges(family).iter() {
            while blocks.len() < BLOCKS {
                // The largest block that begins here and ends in the range.
                let fits = |prefix: &u8| {
                    let rest = family.last().checked_shr(u32::from(*prefix)).unwrap_or(0);
                    first & rest == 0 && last - first >= rest
                };
                let prefix = (0..=family.bits()).find(fits).unwrap_or(family.bits());
                let block = Cidr { family, first, prefix };
                blocks.push(block);
                if block.last() >= last {
                    break;
                }
                first = block.last() + 1;
            }
        }
    }
    blocks
}

/// Pods as a peer describes them, in a policy of the namespace: one for each namespace that it names.
fn outside_of(namespace: &str, peer: &Peer<'_>, objects: &Objects) -> Vec<Outside> {
    let labels = peer.pod_selector.as_ref().map(sample).unwrap_or_default();
    let pods = peer.pod_selector.as_ref().map(words).filter(|words| !words.is_empty());
    let name = pods.unwrap_or_else(|| "every pod".to_owned());
    let Some(selector) = &peer.namespace_selector else {
        let namespace_labels = match objects.namespaces.get(namespace) {
            Some(labels) => labels.clone(),
            None => vec![(NAMESPACE_NAME.to_owned(), Some(namespace.to_owned()))],
        };
        return vec![Outside { namespace: Some(namespace.to_owned()), namespace_labels, labels, name }];
    };
    let by_label = selector.match_labels.get(NAMESPACE_NAME).map(|name| vec![name.to_string()]);
    let listed = selector.match_expressions.iter().find(|one| one.key == NAMESPACE_NAME && one.operator == "In");
    let names = by_label.or_else(|| listed.map(|one| one.values.iter().map(ToString::to_string).collect::<Vec<String>>()));
    let Some(names) = names else {
        let selected = words(selector);
        let name = if selected.is_empty() { name } else { format!("{name} in namespaces with {selected}") };
        return vec![Outside { namespace: None, namespace_labels: sample(selector), labels, name }];
    };
    let outside = names.into_iter().map(|namespace| {
        let mut namespace_labels: OwnedLabels = sample(selector).into_iter().filter(|(key, _)| key != NAMESPACE_NAME).collect();
        namespace_labels.push((NAMESPACE_NAME.to_owned(), Some(namespace.clone())));
        Outside { namespace: Some(namespace), namespace_labels, labels: labels.clone(), name: name.clone() }
    });
    outside.collect()
}

/// The fewest labels that a selector asks for.
fn sample(selector: &LabelSelector<'_>) -> OwnedLabels {
    let labels = selector.match_labels.iter().map(|(key, value)| (key.to_string(), Some(value.to_string())));
    let required = selector.match_expressions.iter().filter_map(|requirement| match requirement.operator.as_str() {
        "In" => Some((requirement.key.to_string(), requirement.values.first().map(ToString::to_string))),
        "Exists" => Some((requirement.key.to_string(), None)),
        _ => None,
    });
    // What is asked for by value counts before what only has to be there.
    let mut all: OwnedLabels = required.chain(labels).collect();
    all.sort_by_key(|(_, value)| value.is_some());
    all
}

/// A selector in words: `k8s-app=kube-dns`.
fn words(selector: &LabelSelector<'_>) -> String {
    selector.to_query().unwrap_or_default().replace(',', ", ")
}
