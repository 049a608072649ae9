//! As a graph of Graphviz.

use std::fmt::Write as _;

use super::drawing::{CLASSES, Drawing, class, colour, edge_lines, node_lines};
use super::{Kind, Map, Mark, Node};

/// The map as a directed graph.
pub fn render(map: &Map) -> String {
    let drawing = Drawing::of(map);
    let mut text = "digraph network {\n  rankdir=LR\n  fontname=\"sans-serif\"\n".to_owned();
    text.push_str("  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontcolor=\"#1f2328\"]\n");
    text.push_str("  edge [fontname=\"sans-serif\", fontsize=10]\n");
    for node in &drawing.others {
        write_node(&mut text, "  ", &drawing, *node);
    }
    for (index, (namespace, nodes)) in drawing.namespaces.iter().enumerate() {
        let _ = writeln!(text, "  subgraph cluster_{index} {{\n    label={}", label(&[format!("namespace {namespace}")]));
        for node in nodes {
            write_node(&mut text, "    ", &drawing, *node);
        }
        text.push_str("  }\n");
    }
    for edge in &map.edges {
        let (from, to) = (drawing.name(edge.from), drawing.name(edge.to));
        let label = label(&edge_lines(map, edge));
        let tip = self::label(std::slice::from_ref(&edge.reason));
        let tip = if edge.reason.is_empty() { String::new() } else { format!(", tooltip={tip}") };
        let _ = writeln!(text, "  {from} -> {to} [label={label}, {}{tip}]", look(edge.mark));
    }
    text.push_str("  subgraph cluster_legend {\n    label=\"Legend\"\n    node [shape=point, label=\"\"]\n");
    for (index, mark) in Mark::ALL.iter().enumerate() {
        let _ = writeln!(text, "    legend_{index}a -> legend_{index}b [label=\"{}\", {}]", mark.word(), look(*mark));
    }
    text.push_str("  }\n}\n");
    text
}

fn look(mark: Mark) -> String {
    let style = match mark {
        Mark::Needed => "solid",
        Mark::Unneeded => "dashed",
        Mark::Dangerous => "bold",
    };
    let colour = colour(mark);
    format!("color=\"{colour}\", fontcolor=\"{colour}\", style={style}")
}

fn write_node(text: &mut String, indent: &str, drawing: &Drawing<'_>, index: usize) {
    let Some(node) = drawing.map.nodes.get(index) else { return };
    let class = CLASSES.iter().find(|(name, ..)| *name == class(node));
    let (line, ground) = class.map_or(("black", "white"), |(_, line, ground)| (*line, *ground));
    let _ = writeln!(
        text,
        "{indent}{} [label={}{}, color=\"{line}\", fillcolor=\"{ground}\"]",
        drawing.name(index),
        label(&node_lines(node)),
        shape(node)
    );
}

fn shape(node: &Node) -> &'static str {
    match node.kind {
        Kind::Workload(_) | Kind::Pods | Kind::Addresses | Kind::Metadata => "",
        Kind::EveryWorkload => ", peripheries=2",
        Kind::Internet | Kind::Everything | Kind::AnyPod => ", shape=ellipse, style=filled",
        Kind::Route => ", shape=hexagon, style=filled",
    }
}

/// A text in quotes: a backslash would begin an escape.
fn label(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| line.replace('\\', "\\\\").replace('"', "\\\"")).collect();
    format!("\"{}\"", lines.join("\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_text() {
        assert_eq!(label(&["a\"b\\n".to_owned(), "<i>".to_owned()]), "\"a\\\"b\\\\n\\n<i>\"");
    }
}
