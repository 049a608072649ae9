//! For programs: one JSON object, whose shape is documented in the crate's README and kept.

use serde::Serialize;

use super::ports::Range;
use super::{Blocked, Declared, Kind, Map, Mark, Node, Summary};
use crate::report::json::{ErrorEntry, NoteEntry, TOOL, Tool};

/// Grows when a key changes its meaning or goes; new keys may come without that.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Root<'m> {
    schema_version: u32,
    tool: Tool,
    summary: Summary,
    nodes: Vec<NodeEntry<'m>>,
    edges: Vec<EdgeEntry<'m>>,
    blocked: Vec<BlockedEntry<'m>>,
    errors: Vec<ErrorEntry<'m>>,
    notes: Vec<NoteEntry<'m>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeEntry<'m> {
    id: &'m str,
    #[serde(rename = "type")]
    node_type: &'static str,
    /// `Deployment` and so on, of a workload.
    kind: Option<&'static str>,
    namespace: Option<&'m str>,
    name: &'m str,
    file: Option<&'m str>,
    line: Option<usize>,
    column: Option<usize>,
    ports: &'m [Declared],
    host_network: bool,
    isolated: Option<Isolated>,
}

#[derive(Serialize)]
struct Isolated {
    ingress: bool,
    egress: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EdgeEntry<'m> {
    from: &'m str,
    to: &'m str,
    mark: Mark,
    reason: Option<&'m str>,
    every_port: bool,
    ports: Vec<Range>,
    declared: &'m [Declared],
    undeclared: &'m [Range],
    via: &'m [String],
    mentioned: bool,
    except: Vec<&'m str>,
}

#[derive(Serialize)]
struct BlockedEntry<'m> {
    from: &'m str,
    to: &'m str,
    why: &'m str,
}

impl<'m> From<&'m Node> for NodeEntry<'m> {
    fn from(node: &'m Node) -> Self {
        let position = node.place.as_ref().and_then(|place| place.position);
        let [ingress, egress] = node.is_isolated;
        Self {
            id: &node.id,
            node_type: node.kind.word(),
            kind: if let Kind::Workload(kind) = node.kind { Some(kind) } else { None },
            namespace: node.namespace.as_deref(),
            name: &node.name,
            file: node.place.as_ref().map(|place| &*place.file),
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
            ports: &node.ports,
            host_network: node.is_host_network,
            isolated: node.is_workload().then_some(Isolated { ingress, egress }),
        }
    }
}

/// The map as JSON.
///
/// # Errors
/// None that can happen: the map holds nothing that JSON lacks.
pub fn render(map: &Map) -> Result<String, serde_json::Error> {
    let id = |node: usize| map.nodes.get(node).map_or("", |node| node.id.as_str());
    let edges = map.edges.iter().map(|edge| EdgeEntry {
        from: id(edge.from),
        to: id(edge.to),
        mark: edge.mark,
        reason: Some(edge.reason.as_str()).filter(|reason| !reason.is_empty()),
        every_port: edge.open.all.is_every(),
        ports: edge.open.all.ranges(),
        declared: &edge.open.declared,
        undeclared: &edge.open.undeclared,
        via: &edge.via,
        mentioned: edge.is_mentioned,
        except: edge.except.iter().map(|node| id(*node)).collect(),
    });
    let blocked = map.blocked.iter().map(|Blocked { from, to, why }| BlockedEntry { from: id(*from), to: id(*to), why });
    let root = Root {
        schema_version: SCHEMA_VERSION,
        tool: TOOL,
        summary: map.summary(),
        nodes: map.nodes.iter().map(Into::into).collect(),
        edges: edges.collect(),
        blocked: blocked.collect(),
        errors: map.failures.iter().map(Into::into).collect(),
        notes: map.notes.iter().map(Into::into).collect(),
    };
    serde_json::to_string_pretty(&root).map(|text| text + "\n")
}
