//! NetworkPolicies, read once, and which ends of connections each of their peers stands for: so that a pair of ends costs no more than a
//! look at a table. Selecting and comparing is done by `palisade_sdk::network`.

use std::collections::HashMap;

use palisade_sdk::network::{Direction, End, NetworkPolicy, NetworkPolicySpec, Peer, PortRule};
use palisade_sdk::selector::Labels;
use palisade_sdk::{Error, Path, json};

use super::objects::Named;
use super::ports::{Declared, Ports};
use crate::report::Failure;

/// The policies of the cluster.
pub struct Policies<'t> {
    policies: Vec<Policy<'t>>,
    /// Peers that mean the same, once.
    peers: Vec<(String, Peer<'t>)>,
    /// For each peer, whether it stands for each end.
    matches: Vec<Vec<bool>>,
    /// For each end, the policies that isolate it, by direction.
    isolating: Vec<[Vec<usize>; 2]>,
}

struct Policy<'t> {
    namespace: &'t str,
    spec: NetworkPolicySpec<'t>,
    rules: [Vec<Rule<'t>>; 2],
}

struct Rule<'t> {
    /// `None` is everybody.
    peers: Option<Vec<usize>>,
    /// None is every port.
    ports: Vec<PortRule<'t>>,
}

/// One side of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Side<'e> {
    /// A pod or an address, as policies see them.
    Seen(End<'e>),
    /// A pod in its node's network: held by no policy, and for others it is an address that nobody knows.
    Node,
}

/// The place of an end in the tables, as [`Policies::add`] gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndId(usize);

impl<'t> Policies<'t> {
    /// Reads the policies; `texts` are their objects as JSON. One that cannot be read is a failure, and counts for nothing.
    pub fn read(named: &'t [Named], texts: &'t [String], failures: &mut Vec<Failure>) -> Self {
        let mut all = Self { policies: Vec::new(), peers: Vec::new(), matches: Vec::new(), isolating: Vec::new() };
        let mut known = HashMap::new();
        for (named, text) in named.iter().zip(texts) {
            match all.policy(&named.namespace, text, &mut known) {
                Ok(policy) => all.policies.push(policy),
                Err((path, problem)) => {
                    let at = if path.is_empty() { String::new() } else { format!("{path}: ") };
                    failures.push(named.failure(&path, &format!("cannot be read, and counts for nothing: {at}{problem}")));
                }
            }
        }
        all.matches = vec![Vec::new(); all.peers.len()];
        all
    }

    fn policy(
        &mut self,
        namespace: &'t str,
        text: &'t str,
        known: &mut HashMap<(String, &'t str), usize>,
    ) -> Result<Policy<'t>, (String, String)> {
        let fault = |error: Error| match error {
            Error::Malformed { path, problem } => (path, problem),
            Error::Host(error) => (String::new(), error.to_string()),
        };
        let policy: NetworkPolicy<'t> = json::from_str(text).map_err(|error| (String::new(), error.problem))?;
        let nobody = Labels::new(&[]);
        policy.spec.isolates(&nobody, Direction::Ingress).map_err(fault)?;
        let spec = Path::new("spec");
        let mut rules = [Vec::new(), Vec::new()];
        for direction in Direction::ALL {
            if !policy.spec.applies_to(direction) {
                continue;
            }
            for (index, rule) in policy.spec.rules(direction).iter().enumerate() {
                let at = spec.item(direction.name(), index);
                let ports = rule.read_ports(&at).map_err(fault)?;
                let peers = rule.read_peers(direction, &at).map_err(fault)?;
                let mut indices = Vec::with_capacity(peers.len());
                for (place, (peer, raw)) in peers.into_iter().zip(rule.peers.iter()).enumerate() {
                    let at = at.item(direction.peers_field(), place);
                    check(&peer, &at).map_err(fault)?;
                    // Only a peer without a selector of namespaces depends on that of its policy.
                    let own = if peer.namespace_selector.is_none() && peer.ip_block.is_none() { namespace } else { "" };
                    let next = self.peers.len();
                    let index = *known.entry((raw.get().to_owned(), own)).or_insert(next);
                    if index == next {
                        self.peers.push((own.to_owned(), peer));
                    }
                    indices.push(index);
                }
                let peers = if indices.is_empty() { None } else { Some(indices) };
                rules[super::place_of(direction)].push(Rule { peers, ports });
            }
        }
        Ok(Policy { namespace, spec: policy.spec, rules })
    }

    /// Takes an end into the tables.
    pub fn add(&mut self, side: &Side<'_>) -> EndId {
        let root = Path::new("");
        for ((namespace, peer), matches) in self.peers.iter().zip(&mut self.matches) {
            matches.push(match side {
                // Whatever can be wrong with a peer was found when it was read.
                Side::Seen(end) => peer.is(end, namespace, &root).unwrap_or(false),
                Side::Node => false,
            });
        }
        let isolating = |direction: Direction| {
            let Side::Seen(End::Pod(pod)) = side else { return Vec::new() };
            let selects = |policy: &Policy<'_>| {
                policy.namespace == pod.namespace && policy.spec.isolates(&pod.labels, direction).unwrap_or(false)
            };
            (0..self.policies.len()).filter(|index| self.policies.get(*index).is_some_and(selects)).collect()
        };
        self.isolating.push(Direction::ALL.map(isolating));
        EndId(self.isolating.len() - 1)
    }

    /// Peers that stand for pods, with the namespace that they are of where they name none.
    pub fn peers(&self) -> impl Iterator<Item = (&str, &Peer<'t>)> {
        self.peers.iter().map(|(namespace, peer)| (namespace.as_str(), peer))
    }

    /// Whether the peer stands for one of the ends that are in the tables.
    pub fn is_anybody(&self, peer: usize) -> bool {
        self.matches.get(peer).is_some_and(|matches| matches.contains(&true))
    }

    /// Whether a policy isolates the end.
    pub fn isolates(&self, end: EndId, direction: Direction) -> bool {
        !self.isolating_of(end, direction).is_empty()
    }

    fn isolating_of(&self, end: EndId, direction: Direction) -> &[usize] {
        self.isolating.get(end.0).map(|both| both[super::place_of(direction)].as_slice()).unwrap_or_default()
    }

    /// What the policies of one end let through, to or from the other. `declared` are the ports of the pod that is connected to.
    fn side(&self, end: EndId, direction: Direction, other: EndId, declared: &[Declared]) -> Ports {
        let policies = self.isolating_of(end, direction);
        if policies.is_empty() {
            return Ports::all();
        }
        let stands = |peer: &usize| self.matches.get(*peer).and_then(|matches| matches.get(other.0)) == Some(&true);
        let mut open = Ports::default();
        for rule in policies
            .iter()
            .filter_map(|index| self.policies.get(*index))
            .flat_map(|policy| &policy.rules[super::place_of(direction)])
        {
            if rule.peers.as_ref().is_some_and(|peers| !peers.iter().any(stands)) {
                continue;
            }
            if rule.ports.is_empty() {
                return Ports::all();
            }
            for port in &rule.ports {
                open = open.with(&Ports::of_rule(port, declared));
            }
        }
        open
    }

    /// The ports on which the one reaches the other.
    pub fn open(&self, from: EndId, to: EndId, declared: &[Declared]) -> Ports {
        let leaves = self.side(from, Direction::Egress, to, declared);
        if leaves.is_empty() {
            return leaves;
        }
        let arrives = self.side(to, Direction::Ingress, from, declared);
        if arrives == Ports::all() { leaves } else { leaves.and(&arrives) }
    }
}

/// Whether everything of a peer can be read.
fn check(peer: &Peer<'_>, at: &Path<'_>) -> Result<(), Error> {
    let nobody = Labels::new(&[]);
    if let Some(block) = &peer.ip_block {
        block.addresses(&at.field("ipBlock"))?;
    }
    for (field, selector) in [("namespaceSelector", &peer.namespace_selector), ("podSelector", &peer.pod_selector)] {
        if let Some(selector) = selector {
            selector.selects(&nobody, &at.field(field))?;
        }
    }
    Ok(())
}
