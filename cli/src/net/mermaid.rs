//! As a flowchart of Mermaid, which GitHub and GitLab draw in Markdown.

use std::fmt::Write as _;

use super::drawing::{CLASSES, Drawing, class, colour, edge_lines, node_lines};
use super::{Kind, Map, Mark, Node};

/// The map as a flowchart.
pub fn render(map: &Map) -> String {
    let drawing = Drawing::of(map);
    let mut text = "flowchart LR\n".to_owned();
    for node in &drawing.others {
        write_node(&mut text, "  ", &drawing, *node);
    }
    for (index, (namespace, nodes)) in drawing.namespaces.iter().enumerate() {
        let _ = writeln!(text, "  subgraph namespace_{index} [{}]", label(&[format!("namespace {namespace}")]));
        for node in nodes {
            write_node(&mut text, "    ", &drawing, *node);
        }
        text.push_str("  end\n");
    }
    for edge in &map.edges {
        let arrow = arrow(edge.mark);
        let lines = edge_lines(map, edge);
        let label = if lines.is_empty() { String::new() } else { format!("|{}|", label(&lines)) };
        let _ = writeln!(text, "  {} {arrow}{label} {}", drawing.name(edge.from), drawing.name(edge.to));
    }
    text.push_str("  subgraph legend [\"Legend\"]\n    direction LR\n");
    for (index, mark) in Mark::ALL.iter().enumerate() {
        let arrow = arrow(*mark);
        let _ = writeln!(text, "    legend_{index}a[\" \"] {arrow}|{}| legend_{index}b[\" \"]", mark.word());
    }
    text.push_str("  end\n");
    for (place, mark) in Mark::ALL.iter().enumerate() {
        let marked = map.edges.iter().enumerate().filter(|(_, edge)| edge.mark == *mark).map(|(index, _)| index);
        let links: Vec<String> = marked.chain([map.edges.len() + place]).map(|index| index.to_string()).collect();
        let _ = writeln!(text, "  linkStyle {} stroke:{}", links.join(","), colour(*mark));
    }
    for (name, line, ground) in CLASSES {
        let members: Vec<&str> = map
            .nodes
            .iter()
            .zip(&drawing.names)
            .filter(|(node, _)| class(node) == name)
            .map(|(_, name)| name.as_str())
            .collect();
        if !members.is_empty() {
            let _ = writeln!(text, "  classDef {name} stroke:{line},fill:{ground},color:#1f2328");
            let _ = writeln!(text, "  class {} {name}", members.join(","));
        }
    }
    text
}

/// The line of an edge: marks differ without colours, too.
const fn arrow(mark: Mark) -> &'static str {
    match mark {
        Mark::Needed => "-->",
        Mark::Unneeded => "-.->",
        Mark::Dangerous => "==>",
    }
}

fn write_node(text: &mut String, indent: &str, drawing: &Drawing<'_>, index: usize) {
    let Some(node) = drawing.map.nodes.get(index) else { return };
    let (open, close) = shape(node);
    let _ = writeln!(text, "{indent}{}{open}{}{close}", drawing.name(index), label(&node_lines(node)));
}

fn shape(node: &Node) -> (&'static str, &'static str) {
    match node.kind {
        Kind::Workload(_) => ("[", "]"),
        Kind::EveryWorkload => ("[[", "]]"),
        Kind::Internet | Kind::Everything | Kind::AnyPod => ("([", "])"),
        Kind::Route => ("{{", "}}"),
        Kind::Pods | Kind::Addresses | Kind::Metadata => ("(", ")"),
    }
}

/// A text in quotes, in which nothing is Mermaid's or HTML's.
fn label(lines: &[String]) -> String {
    let mut text = "\"".to_owned();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            text.push_str("<br/>");
        }
        for letter in line.chars() {
            match letter {
                // Not `.`, `)` or `-` behind a number at the beginning, where Mermaid would read a list.
                'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '/' | ':' | ',' | '=' | '(' | '_' => text.push(letter),
                '.' | ')' | '-' | '*' if index > 0 || !text.trim_matches('"').chars().all(|c| c.is_ascii_digit()) => {
                    text.push(letter);
                }
                letter if letter.is_alphanumeric() => text.push(letter),
                letter => {
                    let _ = write!(text, "#{};", u32::from(letter));
                }
            }
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_text() {
        let one = |text: &str| label(&[text.to_owned()]);
        assert_eq!(one("web"), "\"web\"");
        assert_eq!(one("10.0.0.0/8"), "\"10#46;0.0.0/8\"");
        assert_eq!(one("a\"b]<i>#1;`&"), "\"a#34;b#93;#60;i#62;#35;1#59;#96;#38;\"");
        assert_eq!(one("*.example.com"), "\"#42;.example.com\"");
        assert_eq!(one("é"), "\"é\"");
        assert_eq!(label(&["a".to_owned(), "TCP 80".to_owned()]), "\"a<br/>TCP 80\"");
    }
}
