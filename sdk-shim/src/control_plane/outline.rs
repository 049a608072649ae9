//! The scalars of a YAML text in block style, as programs write it, with the keys that lead to them.
//!
//! No parser: flow style, anchors and scalars over several lines are passed over.

/// Calls `found` for each scalar behind a key, with the keys that lead to it; an item of a list is `-`.
pub fn read(text: &str, mut found: impl FnMut(&[&str], &str)) {
    // The keys that are open, and how far each is indented.
    let mut indents: Vec<usize> = Vec::new();
    let mut keys: Vec<&str> = Vec::new();
    // Lines that are indented further belong to a scalar of several lines.
    let mut scalar: Option<usize> = None;
    for line in text.lines() {
        let mut rest = line.trim_start_matches(' ');
        let mut indent = line.len() - rest.len();
        if rest.trim_end().is_empty() || scalar.is_some_and(|scalar| indent > scalar) {
            continue;
        }
        scalar = None;
        if rest.starts_with('#') {
            continue;
        }
        if rest.starts_with("---") && !keys.is_empty() {
            return;
        }
        loop {
            let item = if rest.trim_end() == "-" { Some("") } else { rest.strip_prefix("- ") };
            // An item may stand as far to the left as the key of its list.
            while let (Some(open), Some(key)) = (indents.last(), keys.last())
                && (*open > indent || (*open == indent && (item.is_none() || *key == "-")))
            {
                indents.pop();
                keys.pop();
            }
            let Some(inside) = item else { break };
            indents.push(indent);
            keys.push("-");
            let inside_trimmed = inside.trim_start_matches(' ');
            indent += rest.len().saturating_sub(inside_trimmed.len()).max(1);
            rest = inside_trimmed;
        }
        let (key, value) = match rest.split_once(": ") {
            Some(entry) => entry,
            None => match rest.trim_end().strip_suffix(':') {
                Some(key) => (key, ""),
                None => continue,
            },
        };
        indents.push(indent);
        keys.push(unquoted(key));
        match value.trim() {
            "" => {}
            value if value.starts_with(['|', '>']) => scalar = Some(indent),
            value if value.starts_with(['"', '\'']) => found(&keys, unquoted(value)),
            value => found(&keys, value.split(" #").next().unwrap_or_default().trim_end()),
        }
    }
}

/// A scalar without its quotes.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inside = |quote: char| text.strip_prefix(quote)?.split(quote).next();
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}
