//! For people: workload by workload, what reaches it and what it reaches.

use std::fmt::Write as _;

use anstyle::Style;

use super::{Edge, Kind, Map, Mark, Node};
use crate::report::printable;
use crate::report::table::{DENY, FAINT, GOOD, STRONG, WARN, failure_line, note_lines, section, wrap};

/// Names of exceptions that are shown; the other formats have all of them.
const EXCEPT_SHOWN: usize = 4;
/// The widest word of a mark.
const MARK_WIDTH: usize = 9;

/// The map as styled text. Lines are wrapped at `width` characters, or not at all.
pub fn render(map: &Map, width: Option<usize>) -> String {
    let mut text = String::new();
    let is_listed = |node: &Node| node.is_workload() || node.kind == Kind::EveryWorkload;
    // The edges of each node, gathered once.
    let mut edges: Vec<[Vec<&Edge>; 2]> = map.nodes.iter().map(|_| [Vec::new(), Vec::new()]).collect();
    for edge in &map.edges {
        for (side, node) in [(0, edge.to), (1, edge.from)] {
            if let Some(sides) = edges.get_mut(node) {
                sides[side].push(edge);
            }
        }
    }
    for (node, [reached_by, reaches]) in map.nodes.iter().zip(&edges).filter(|(node, _)| is_listed(node)) {
        write_node(&mut text, node, width);
        write_edges(&mut text, map, "reached by", reached_by, |edge| edge.from, width);
        write_edges(&mut text, map, "reaches", reaches, |edge| edge.to, width);
        if reached_by.is_empty() && reaches.is_empty() {
            let _ = writeln!(text, "  {FAINT}nothing of its own{FAINT:#}");
        }
        text.push('\n');
    }
    let blocked = map.blocked.iter().map(|blocked| {
        let title = |node: usize| map.nodes.get(node).map(Node::title).unwrap_or_default();
        printable(&format!(
            "{} → {}: {}, but the policies do not let it through",
            title(blocked.from),
            title(blocked.to),
            blocked.why
        ))
        .into_owned()
    });
    section(&mut text, "Meant, but closed", WARN, width, blocked);
    section(&mut text, "Not read", DENY, width, map.failures.iter().map(failure_line));
    section(&mut text, "Notes", FAINT, width, note_lines(&map.notes).into_iter());
    let summary = map.summary();
    let style = match (summary.dangerous + summary.errors, summary.unneeded + summary.blocked) {
        (0, 0) => GOOD,
        (0, _) => WARN,
        _ => DENY,
    };
    let mut line = String::new();
    wrap(&mut line, "", "", &summary.to_string(), width);
    let _ = writeln!(text, "{style}{}{style:#}", line.trim_end());
    text
}

fn style_of(mark: Mark) -> Style {
    match mark {
        Mark::Dangerous => DENY,
        Mark::Unneeded => WARN,
        Mark::Needed => GOOD,
    }
}

fn write_node(text: &mut String, node: &Node, width: Option<usize>) {
    let kind = if let Kind::Workload(kind) = node.kind { format!("{kind} ") } else { String::new() };
    let _ = write!(text, "{STRONG}{}{STRONG:#}", printable(&format!("{kind}{}", node.title())));
    if let Some(place) = &node.place {
        let _ = write!(text, "  {FAINT}{}{FAINT:#}", printable(&place.to_string()));
    }
    text.push('\n');
    if !node.is_workload() {
        return;
    }
    let isolation = match (node.is_host_network, node.is_isolated) {
        (true, _) => "in the network of its node: no policy holds it",
        (_, [true, true]) => return,
        (_, [false, false]) => "no policy isolates it",
        (_, [true, false]) => "isolated for ingress, not for egress",
        (_, [false, true]) => "isolated for egress, not for ingress",
    };
    wrap(text, "  ", "  ", isolation, width);
}

fn write_edges(
    text: &mut String,
    map: &Map,
    title: &str,
    edges: &[&Edge],
    other: impl Fn(&Edge) -> usize,
    width: Option<usize>,
) {
    if edges.is_empty() {
        return;
    }
    let _ = writeln!(text, "  {FAINT}{title}{FAINT:#}");
    let mut edges = edges.to_vec();
    edges.sort_by_key(|edge| (std::cmp::Reverse(edge.mark), other(edge)));
    for edge in edges {
        let style = style_of(edge.mark);
        let title = map.nodes.get(other(edge)).map(Node::title).unwrap_or_default();
        let line = format!("{STRONG}{}{STRONG:#}: {}", printable(&title), printable(&words(map, edge)));
        let mark = format!("    {style}{:MARK_WIDTH$}{style:#}  ", edge.mark.word());
        wrap(text, &mark, &" ".repeat(4 + MARK_WIDTH + 2), &line, width);
    }
}

/// A connection in words, without its ends.
fn words(map: &Map, edge: &Edge) -> String {
    let mut parts = Vec::new();
    let ports = edge.open.words();
    if !ports.is_empty() {
        parts.push(ports);
    }
    if !edge.via.is_empty() {
        parts.push(format!("by {}", edge.via.join(", ")));
    }
    if edge.is_mentioned {
        parts.push("named in its settings".to_owned());
    }
    if !edge.except.is_empty() {
        let names: Vec<String> =
            edge.except.iter().take(EXCEPT_SHOWN).filter_map(|node| map.nodes.get(*node)).map(Node::title).collect();
        let more = match edge.except.len().checked_sub(EXCEPT_SHOWN) {
            Some(more) if more > 0 => format!(" and {more} more"),
            _ => String::new(),
        };
        parts.push(format!("but not {}{more}", names.join(", ")));
    }
    let text = parts.join(", ");
    if edge.reason.is_empty() {
        text
    } else if text.is_empty() {
        edge.reason.clone()
    } else {
        format!("{text}; {}", edge.reason)
    }
}
