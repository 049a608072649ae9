//! Who can reach whom, by the workloads, NetworkPolicies, Services and routes of manifests.
//!
//! [`survey`] makes the map of what was read. What a policy selects and lets through is decided by `palisade_sdk::network`, as the
//! policies do. A pair of workloads that may connect only because anybody may is not drawn: the map says instead that every pod reaches
//! the one, and that the other reaches everything.

pub mod dot;
mod drawing;
mod exposure;
pub mod json;
mod mentions;
pub mod mermaid;
mod objects;
mod policies;
mod ports;
pub mod survey;
pub mod table;
#[cfg(test)]
mod tests;

use std::fmt;

use palisade_sdk::glob;
use palisade_sdk::network::Direction;
use serde::Serialize;

use crate::report::{Failure, Note, Place, count};
pub use ports::{Declared, Open};

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// All that is outside of the cluster, by public addresses.
    Internet,
    /// What publishes Services by host: a rule of an Ingress, or a route of the Gateway API.
    Route,
    /// A pod of whatever namespace, with no labels that matter.
    AnyPod,
    /// Pods that a policy names, and none of the documents are.
    Pods,
    /// A block of addresses that a policy or a Service names.
    Addresses,
    /// All workloads of one namespace.
    EveryWorkload,
    /// A workload of the documents, for example a Deployment.
    Workload(&'static str),
    /// The service of the cloud that gives a machine its credentials.
    Metadata,
    /// All of these: what a pod reaches that no policy holds.
    Everything,
}

impl Kind {
    /// Stable, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Internet => "internet",
            Self::Route => "route",
            Self::AnyPod => "any-pod",
            Self::Pods => "pods",
            Self::Addresses => "addresses",
            Self::EveryWorkload => "every-workload",
            Self::Workload(_) => "workload",
            Self::Metadata => "metadata-service",
            Self::Everything => "everything",
        }
    }
}

/// Somebody who reaches, or is reached.
#[derive(Clone, Debug)]
pub struct Node {
    /// Stable: it does not depend on what else there is.
    pub id: String,
    pub kind: Kind,
    /// The namespace, where it is in one that is known.
    pub namespace: Option<String>,
    /// For people, within the namespace.
    pub name: String,
    /// Of what is among the documents.
    pub place: Option<Place>,
    /// The ports that something listens on, of a workload.
    pub ports: Vec<Declared>,
    /// Whether it is in its node's network, where no policy holds it.
    pub is_host_network: bool,
    /// Whether a policy isolates it, for ingress and for egress.
    pub is_isolated: [bool; 2],
}

impl Node {
    /// For people, with the namespace.
    pub fn title(&self) -> String {
        match (&self.namespace, self.kind) {
            (Some(namespace), Kind::Workload(_)) => format!("{namespace}/{}", self.name),
            (Some(namespace), Kind::Pods) => format!("{} in {namespace}", self.name),
            _ => self.name.clone(),
        }
    }

    /// Whether it is a workload of the documents.
    pub fn is_workload(&self) -> bool {
        matches!(self.kind, Kind::Workload(_))
    }
}

/// What is to be thought of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Something listens there.
    Needed,
    /// It is open, and nothing is known to listen there.
    Unneeded,
    /// It should not be.
    Dangerous,
}

impl Mark {
    /// All, the worst first.
    pub const ALL: [Self; 3] = [Self::Dangerous, Self::Unneeded, Self::Needed];

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Needed => "needed",
            Self::Unneeded => "unneeded",
            Self::Dangerous => "dangerous",
        }
    }
}

/// Somebody may connect to somebody.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Indices into [`Map::nodes`].
    pub from: usize,
    pub to: usize,
    pub open: Open,
    pub mark: Mark,
    /// Why it is dangerous or unneeded; nothing for what is needed.
    pub reason: String,
    /// What publishes it: `Service web (LoadBalancer)`.
    pub via: Vec<String>,
    /// Whether the one names the other's Service in its settings.
    pub is_mentioned: bool,
    /// Those that it does not hold for, where it begins at [`Kind::AnyPod`].
    pub except: Vec<usize>,
}

/// A connection that somebody means to make, and that no policy lets through.
#[derive(Clone, Debug)]
pub struct Blocked {
    pub from: usize,
    pub to: usize,
    /// What shows that it is meant: `names Service postgres`.
    pub why: String,
}

/// Who can reach whom. Everything is in an order that depends on names alone.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// How many files were read.
    pub files: usize,
    /// How many objects were found.
    pub objects: usize,
    /// By kind, namespace and name.
    pub nodes: Vec<Node>,
    /// By the nodes.
    pub edges: Vec<Edge>,
    pub blocked: Vec<Blocked>,
    /// What could not be read.
    pub failures: Vec<Failure>,
    /// What else is to be known.
    pub notes: Vec<Note>,
}

impl Map {
    /// Leaves out what neither begins nor ends in a namespace that a pattern means; without patterns, nothing.
    pub fn narrow(&mut self, within: &[String]) {
        if within.is_empty() {
            return;
        }
        let is_within: Vec<bool> = self
            .nodes
            .iter()
            .map(|node| {
                let namespace = node.namespace.as_deref();
                namespace.is_some_and(|namespace| within.iter().any(|pattern| glob::matches(pattern, namespace)))
            })
            .collect();
        let holds = |from: usize, to: usize| [from, to].iter().any(|node| is_within.get(*node) == Some(&true));
        self.edges.retain(|edge| holds(edge.from, edge.to));
        self.blocked.retain(|blocked| holds(blocked.from, blocked.to));
        let keep: Vec<bool> = is_within.iter().enumerate().map(|(node, within)| *within || self.is_drawn(node)).collect();
        self.keep(&keep);
    }

    fn is_drawn(&self, node: usize) -> bool {
        self.edges.iter().any(|edge| edge.from == node || edge.to == node || edge.except.contains(&node))
            || self.blocked.iter().any(|blocked| blocked.from == node || blocked.to == node)
    }

    /// Leaves out the other nodes, to which no edge may lead.
    fn keep(&mut self, keep: &[bool]) {
        let mut places = Vec::with_capacity(keep.len());
        let mut next = 0;
        for keep in keep {
            places.push(next);
            next += usize::from(*keep);
        }
        self.renumber(&places);
        let mut keep = keep.iter();
        self.nodes.retain(|_| keep.next() == Some(&true));
    }

    /// Gives every node the place that stands at its own.
    fn renumber(&mut self, places: &[usize]) {
        let moved = |node: &mut usize| *node = places.get(*node).copied().unwrap_or_default();
        for edge in &mut self.edges {
            moved(&mut edge.from);
            moved(&mut edge.to);
            edge.except.iter_mut().for_each(moved);
        }
        for blocked in &mut self.blocked {
            moved(&mut blocked.from);
            moved(&mut blocked.to);
        }
    }

    /// Puts everything in order, and leaves out what is neither a workload nor at the end of an edge.
    fn settle(&mut self) {
        let mut drawn: Vec<bool> = self.nodes.iter().map(Node::is_workload).collect();
        let ends = self.edges.iter().flat_map(|edge| [edge.from, edge.to]);
        for end in ends.chain(self.blocked.iter().flat_map(|blocked| [blocked.from, blocked.to])) {
            if let Some(drawn) = drawn.get_mut(end) {
                *drawn = true;
            }
        }
        self.keep(&drawn);
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        let key = |index: usize| self.nodes.get(index).map(|node| (&node.namespace, node.kind, &node.name, &node.id));
        order.sort_by(|one, other| key(*one).cmp(&key(*other)));
        let mut places = vec![0; order.len()];
        for (place, node) in order.iter().enumerate() {
            if let Some(slot) = places.get_mut(*node) {
                *slot = place;
            }
        }
        self.renumber(&places);
        self.nodes = order.iter().filter_map(|node| self.nodes.get(*node).cloned()).collect();
        for edge in &mut self.edges {
            edge.except.sort_unstable();
            edge.via.sort();
            edge.via.dedup();
        }
        self.edges.sort_by_key(|edge| (edge.from, edge.to));
        self.blocked.sort_by(|one, other| (one.from, one.to, &one.why).cmp(&(other.from, other.to, &other.why)));
        self.blocked.dedup_by(|one, other| (one.from, one.to, &one.why) == (other.from, other.to, &other.why));
    }

    /// How many there are of each.
    pub fn summary(&self) -> Summary {
        let with = |mark: Mark| self.edges.iter().filter(|edge| edge.mark == mark).count();
        let open = |direction: usize| {
            let is_open = |node: &&Node| node.is_workload() && node.is_isolated.get(direction) != Some(&true);
            self.nodes.iter().filter(is_open).count()
        };
        Summary {
            files: self.files,
            objects: self.objects,
            workloads: self.nodes.iter().filter(|node| node.is_workload()).count(),
            connections: self.edges.len(),
            dangerous: with(Mark::Dangerous),
            unneeded: with(Mark::Unneeded),
            needed: with(Mark::Needed),
            blocked: self.blocked.len(),
            open_to_all: open(0),
            reach_all: open(1),
            errors: self.failures.len(),
        }
    }
}

/// The place of a direction in [`Node::is_isolated`].
pub const fn place_of(direction: Direction) -> usize {
    match direction {
        Direction::Ingress => 0,
        Direction::Egress => 1,
    }
}

/// How many there are of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Files that were read.
    pub files: usize,
    /// Objects that were found.
    pub objects: usize,
    /// Workloads of the documents.
    pub workloads: usize,
    /// Edges.
    pub connections: usize,
    pub dangerous: usize,
    pub unneeded: usize,
    pub needed: usize,
    /// Connections that are meant, and closed.
    pub blocked: usize,
    /// Workloads that no policy isolates for ingress.
    pub open_to_all: usize,
    /// Workloads that no policy isolates for egress.
    pub reach_all: usize,
    /// What could not be read.
    pub errors: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workloads, connections, dangerous, unneeded, needed, blocked, errors, .. } = *self;
        write!(f, "{}, {}: ", count(workloads, "workload"), count(connections, "connection"))?;
        let parts = [(dangerous, "dangerous"), (unneeded, "unneeded"), (needed, "needed")];
        let parts: Vec<String> =
            parts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
        f.write_str(if parts.is_empty() { "nothing is open".to_owned() } else { parts.join(", ") }.as_str())?;
        if blocked > 0 {
            write!(f, "; {blocked} meant but closed")?;
        }
        if errors > 0 {
            write!(f, "; {}", count(errors, "error"))?;
        }
        Ok(())
    }
}
