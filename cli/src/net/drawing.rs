//! What both drawings have in common: which node is drawn where, and what is written on it.

use std::collections::{BTreeMap, HashSet};

use super::{Edge, Kind, Map, Mark, Node};
use crate::report::printable;

/// Colours, legible on light and on dark: stroke, and what a node is filled with.
pub const fn colour(mark: Mark) -> &'static str {
    match mark {
        Mark::Needed => "#2da44e",
        Mark::Unneeded => "#bf8700",
        Mark::Dangerous => "#cf222e",
    }
}

/// Groups of nodes that look alike, with the colours of their line and their ground.
pub const CLASSES: [(&str, &str, &str); 3] =
    [("workload", "#0969da", "#ddf4ff"), ("outside", "#57606a", "#f6f8fa"), ("anybody", "#cf222e", "#ffebe9")];

/// The group of a node.
pub fn class(node: &Node) -> &'static str {
    match node.kind {
        Kind::Workload(_) | Kind::EveryWorkload => "workload",
        Kind::Internet | Kind::AnyPod | Kind::Everything | Kind::Metadata => "anybody",
        Kind::Route | Kind::Pods | Kind::Addresses => "outside",
    }
}

/// A drawing: the namespaces with their nodes, those that are in none, and what each node is called in the drawing's text.
pub struct Drawing<'m> {
    pub map: &'m Map,
    pub names: Vec<String>,
    /// By name; indices of nodes.
    pub namespaces: BTreeMap<&'m str, Vec<usize>>,
    pub others: Vec<usize>,
}

impl<'m> Drawing<'m> {
    pub fn of(map: &'m Map) -> Self {
        let mut taken = HashSet::new();
        let names = map.nodes.iter().map(|node| identifier(&node.id, &mut taken)).collect();
        let mut drawing = Self { map, names, namespaces: BTreeMap::new(), others: Vec::new() };
        for (index, node) in map.nodes.iter().enumerate() {
            match &node.namespace {
                Some(namespace) => drawing.namespaces.entry(namespace).or_default().push(index),
                None => drawing.others.push(index),
            }
        }
        drawing
    }

    /// The name of a node in the drawing's text.
    pub fn name(&self, node: usize) -> &str {
        self.names.get(node).map_or("", String::as_str)
    }
}

/// What is written on a node: its lines.
pub fn node_lines(node: &Node) -> Vec<String> {
    let mut lines: Vec<String> = match node.kind {
        // It is long: what it is made of has a line of its own.
        Kind::Everything => node.name.split(": ").map(str::to_owned).collect(),
        _ => vec![node.name.clone()],
    };
    if let Kind::Workload(kind) = node.kind {
        lines.push(if node.is_host_network { format!("{kind}, host network") } else { kind.to_owned() });
    }
    lines.iter().map(|line| one_line(line)).collect()
}

/// What is written on an edge: its lines.
pub fn edge_lines(map: &Map, edge: &Edge) -> Vec<String> {
    let mut lines = vec![edge.open.label()];
    lines.extend(edge.via.iter().cloned());
    if !edge.except.is_empty() {
        let names: Vec<&str> =
            edge.except.iter().filter_map(|node| map.nodes.get(*node)).map(|node| node.name.as_str()).collect();
        lines.push(match names.as_slice() {
            [one] => format!("but not {one}"),
            names => format!("but not {} workloads", names.len()),
        });
    }
    lines.iter().filter(|line| !line.is_empty()).map(|line| one_line(line)).collect()
}

fn one_line(text: &str) -> String {
    printable(text).replace('\n', " ")
}

/// A word of letters, digits and `_` that no other node has.
fn identifier(id: &str, taken: &mut HashSet<String>) -> String {
    let plain: String = id.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    let mut name = plain.clone();
    let mut next = 2;
    while !taken.insert(name.clone()) {
        name = format!("{plain}_{next}");
        next += 1;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_words_and_differ() {
        let mut taken = HashSet::new();
        let mut next = |id: &str| identifier(id, &mut taken);
        assert_eq!(next("deployment/a-b/c"), "deployment_a_b_c");
        assert_eq!(next("deployment/a/b-c"), "deployment_a_b_c_2");
        assert_eq!(next("deployment/a/b_c"), "deployment_a_b_c_3");
        assert_eq!(next("pods/*/\"é\""), "pods______");
    }
}
