//! YAML and JSON documents as `kubectl` reads them, with the line and column of every field.
//!
//! Plain scalars mean what they mean to `sigs.k8s.io/yaml`, which is YAML 1.1: `yes` and `on` are booleans, `0644` is octal, dates
//! stay strings; `<<` merges maps. JSON is read by the rules of JSON, several values in a row included.
//!
//! Everything is linear in the text, and nothing recurses deeper than [`MAX_DEPTH`].

mod json;
mod place;
mod scalar;
mod typed;

use std::collections::HashMap;
use std::fmt;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use place::{At, Entry, Place, Shape};

/// How deep maps and lists may be nested. The policy server reads 128 levels.
pub const MAX_DEPTH: usize = 250;

/// What the aliases of one document may add to it, in bytes: a few lines can otherwise stand for terabytes.
const MAX_ALIASED: usize = 32 << 20;

/// A place in a text: line and column, both from 1; columns are counted in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a document cannot be read, and where. Says nothing of the document's values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {problem}")]
pub struct YamlError {
    /// Where.
    pub position: Position,
    /// What is wrong there, without a final stop.
    pub problem: String,
}

impl YamlError {
    fn new(at: At, problem: impl Into<String>) -> Self {
        Self { position: at.into(), problem: problem.into() }
    }
}

/// One document: its value, and where each of its fields stands.
#[derive(Clone, Debug)]
pub struct Document {
    value: Value,
    place: Place,
}

impl Document {
    /// The value, as the API server would get it.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value, without its positions.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// Value and positions, each on its own.
    pub fn into_parts(self) -> (Value, Places) {
        (self.value, Places(self.place))
    }

    /// Where the document's first field stands.
    pub fn position(&self) -> Position {
        self.place.at.into()
    }

    /// Where the field at a finding's path stands: see [`Places::locate`].
    pub fn locate(&self, path: &str) -> Position {
        self.place.locate(path).into()
    }

    /// Where a line of the text at a finding's path stands: see [`Places::locate_line`].
    pub fn locate_line(&self, path: &str, line: usize) -> Position {
        self.place.locate_line(path, line).into()
    }

    /// Whether there is nothing in it, or `null`.
    pub fn is_empty(&self) -> bool {
        self.value.is_null()
    }

    /// The document as a typed value.
    ///
    /// # Errors
    /// With the position of the field at fault.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, YamlError> {
        typed::parse(&self.value, &self.place)
    }
}

/// Where each field of a document stands.
#[derive(Clone, Debug)]
pub struct Places(Place);

impl Places {
    /// Where the document's first field stands.
    pub fn position(&self) -> Position {
        self.0.at.into()
    }

    /// Where the field at a finding's path stands, for example `spec.containers[0].env[2].value` or
    /// `metadata.annotations[palisade.dev/owner]`: a scalar itself, or the key of a map or list. Where the path leads nowhere, the
    /// nearest ancestor that exists.
    pub fn locate(&self, path: &str) -> Position {
        self.0.locate(path).into()
    }

    /// Where a line, counted from 1, of the text at a finding's path stands, if the text is a literal block (`|`); else where the
    /// path does, since the lines of other texts are not those of the document.
    pub fn locate_line(&self, path: &str, line: usize) -> Position {
        self.0.locate_line(path, line).into()
    }
}

/// Every document of a text. One that cannot be read is an error in its place; those after it are read all the same.
pub fn documents(text: &str) -> Vec<Result<Document, YamlError>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(error) = unprintable(text) {
        return vec![Err(error)];
    }
    if text.trim_start().starts_with(['{', '[']) {
        let read = json::documents(text);
        // Flow style that is no JSON, `{a: b}`, is YAML still.
        if !matches!(read.last(), Some(Err(_))) {
            return read;
        }
        let reread = yaml_documents(text);
        // What is neither is explained as what it looks like.
        let looks_like_json = text.trim_start().get(1..).is_some_and(|rest| rest.trim_start().starts_with(['"', '{', '[']));
        return if looks_like_json && reread.iter().any(Result::is_err) { read } else { reread };
    }
    yaml_documents(text)
}

/// The only document of a text, as a typed value.
///
/// # Errors
/// With the position of the field at fault, or of the second document.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    let mut documents = documents(text).into_iter();
    let document = match documents.next() {
        Some(document) => document?,
        None => Document { value: Value::Null, place: Place::scalar(At::START) },
    };
    match documents.next() {
        None => document.parse(),
        Some(Ok(second)) => {
            Err(YamlError { position: second.position(), problem: "expected one document, found another".to_owned() })
        }
        Some(Err(error)) => Err(error),
    }
}

/// The first character that no YAML may hold.
fn unprintable(text: &str) -> Option<YamlError> {
    let allowed = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{85}' => true,
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        c => !c.is_control(),
    };
    let (offset, character) = text.char_indices().find(|(_, c)| !allowed(*c))?;
    let before = text.get(..offset).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let at = At::new(before.matches('\n').count() + 1, line.chars().count() + 1);
    Some(YamlError::new(at, format!("the character U+{:04X} is not allowed in YAML", u32::from(character))))
}

fn yaml_documents(text: &str) -> Vec<Result<Document, YamlError>> {
    let mut documents = Vec::new();
    for chunk in chunks(text) {
        chunk.read(&mut documents);
    }
    documents
}

/// A part of a text that holds one document, as a rule.
#[derive(Debug)]
struct Chunk<'t> {
    text: &'t str,
    /// How many lines stand before it.
    lines_before: usize,
}

/// Splits at `---` and `...` in the first column, which YAML allows nowhere inside of a document. Directives stay with the
/// document that they are for.
fn chunks(text: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let (mut start, mut lines_before) = (0, 0);
    let (mut offset, mut lines) = (0, 0);
    // Whether the chunk has had nothing but comments, and directives.
    let (mut blank, mut directives) = (true, false);
    let mut cut = |start: &mut usize, lines_before: &mut usize, offset: usize, lines: usize| {
        if let Some(text) = text.get(*start..offset)
            && !text.is_empty()
        {
            chunks.push(Chunk { text, lines_before: *lines_before });
        }
        (*start, *lines_before) = (offset, lines);
    };
    for line in text.split_inclusive('\n') {
        let is_marker = |marker: &str| {
            line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
        };
        let starts = is_marker("---");
        let ends = is_marker("...");
        if starts {
            if !(blank && directives) {
                cut(&mut start, &mut lines_before, offset, lines);
            }
            (blank, directives) = (false, false);
        } else if !ends && !line.trim().is_empty() && !line.starts_with('#') {
            if blank && line.starts_with('%') {
                directives = true;
            } else {
                blank = false;
            }
        }
        offset += line.len();
        lines += 1;
        if ends {
            cut(&mut start, &mut lines_before, offset, lines);
            (blank, directives) = (true, false);
        }
    }
    cut(&mut start, &mut lines_before, offset, lines);
    chunks
}

impl Chunk<'_> {
    fn read(&self, documents: &mut Vec<Result<Document, YamlError>>) {
        let mut parser = Parser::new_from_str(self.text);
        let mut builder = Builder::new(self.text.contains('*'), self.lines_before);
        while let Some(event) = parser.next_event() {
            let step = event.map_err(|error| self.explain(&error)).and_then(|(event, span)| builder.step(event, span));
            match step {
                Ok(None) => {}
                Ok(Some(document)) => documents.push(Ok(document)),
                Err(error) => return documents.push(Err(error)),
            }
        }
    }

    fn explain(&self, error: &ScanError) -> YamlError {
        let marker = error.marker();
        // The scanner counts a line after the last one.
        let at = match self.text.lines().enumerate().last() {
            Some((index, last)) if marker.line() > index + 1 => {
                At::new(self.lines_before + index + 1, last.chars().count() + 1)
            }
            _ => At::new(self.lines_before + marker.line().max(1), marker.col() + 1),
        };
        match error.info() {
            "recursion limit exceeded" => too_deep(at),
            info => YamlError::new(at, info),
        }
    }
}

fn too_deep(at: At) -> YamlError {
    YamlError::new(at, format!("nested more than {MAX_DEPTH} levels deep"))
}

/// A value and where it stands.
type Node = (Value, Place);

/// A node that has a name.
#[derive(Debug)]
struct Anchored {
    node: Node,
    /// The levels of maps and lists in it.
    height: usize,
    /// Roughly its bytes in memory.
    cost: usize,
}

/// A map or list whose end has not been read.
#[derive(Debug)]
struct Open {
    at: At,
    anchor: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    List { values: Vec<Value>, places: Vec<Place> },
    Map { values: Map<String, Value>, places: Vec<Entry>, key: Option<Key>, merged: Vec<Node> },
}

#[derive(Debug)]
enum Key {
    Name(String, At),
    /// `<<`
    Merge(At),
}

/// Makes documents of events.
#[derive(Debug)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    /// Whether an alias may come: anchors are remembered only then.
    has_aliases: bool,
    /// The bytes that aliases have added.
    aliased: usize,
    lines_before: usize,
    start: At,
}

impl Builder {
    fn new(has_aliases: bool, lines_before: usize) -> Self {
        Self { open: Vec::new(), root: None, anchors: HashMap::new(), has_aliases, aliased: 0, lines_before, start: At::START }
    }

    fn at(&self, span: Span) -> At {
        At::new(self.lines_before + span.start.line(), span.start.col() + 1)
    }

    /// Takes an event; the answer is a document when it is complete.
    fn step(&mut self, event: Event<'_>, span: Span) -> Result<Option<Document>, YamlError> {
        let at = self.at(span);
        match event {
            Event::DocumentStart(_) => self.start = at,
            Event::DocumentEnd => {
                self.anchors.clear();
                self.aliased = 0;
                let (value, place) = self.root.take().unwrap_or((Value::Null, Place::scalar(self.start)));
                return Ok(Some(Document { value, place }));
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), at)?,
            Event::SequenceStart(anchor, _) => {
                self.begin(at, anchor, Content::List { values: Vec::new(), places: Vec::new() })?;
            }
            Event::MappingStart(anchor, _) => {
                let content = Content::Map { values: Map::new(), places: Vec::new(), key: None, merged: Vec::new() };
                self.begin(at, anchor, content)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            Event::Alias(anchor) => self.alias(anchor, at)?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd => {}
        }
        Ok(None)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, tag: Option<&Tag>, at: At) -> Result<(), YamlError> {
        let plain = style == ScalarStyle::Plain;
        if plain && tag.is_none() && text == "<<" && self.expects_key() {
            return self.key(Key::Merge(at));
        }
        let value = match tag {
            None if plain => scalar::resolve(text),
            None => Ok(Value::from(text)),
            Some(tag) => scalar::tagged(tag, text),
        };
        let value = value.map_err(|problem| YamlError::new(at, problem))?;
        // Behind an anchor or a tag the event stands there, and not where the text does.
        let is_literal = style == ScalarStyle::Literal && anchor == 0 && tag.is_none();
        let place = if is_literal { Place::literal(at, text) } else { Place::scalar(at) };
        self.node((value, place), anchor)
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Map { key: None, .. }, .. }))
    }

    fn key(&mut self, new: Key) -> Result<(), YamlError> {
        let Some(Open { content: Content::Map { values, key, .. }, .. }) = self.open.last_mut() else { return Ok(()) };
        if let Key::Name(name, at) = &new
            && values.contains_key(name)
        {
            return Err(YamlError::new(*at, format!("the key `{name}` is already set in this map")));
        }
        *key = Some(new);
        Ok(())
    }

    fn begin(&mut self, at: At, anchor: usize, content: Content) -> Result<(), YamlError> {
        if self.expects_key() {
            return Err(not_a_key(at));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(too_deep(at));
        }
        self.open.push(Open { at, anchor, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), YamlError> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let node = match open.content {
            Content::List { values, places } => (Value::Array(values), Place::list(open.at, places)),
            Content::Map { mut values, mut places, merged, .. } => {
                for node in merged {
                    merge(node, &mut values, &mut places);
                }
                (Value::Object(values), Place::map(open.at, places))
            }
        };
        self.node(node, open.anchor)
    }

    fn alias(&mut self, anchor: usize, at: At) -> Result<(), YamlError> {
        let depth = self.open.len();
        let Some(known) = self.anchors.get(&anchor) else {
            return Err(YamlError::new(at, "an alias that stands inside of what it names"));
        };
        if depth + known.height > MAX_DEPTH {
            return Err(too_deep(at));
        }
        let cost = known.cost;
        self.spend(cost, at)?;
        let Some(known) = self.anchors.get(&anchor) else { return Ok(()) };
        let (value, place) = known.node.clone();
        self.node((value, place.seen_from(at)), 0)
    }

    fn spend(&mut self, cost: usize, at: At) -> Result<(), YamlError> {
        self.aliased = self.aliased.saturating_add(cost);
        if self.aliased > MAX_ALIASED {
            return Err(YamlError::new(at, format!("aliases repeat more than {} MiB", MAX_ALIASED >> 20)));
        }
        Ok(())
    }

    /// Puts a complete node where it belongs.
    fn node(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        if anchor != 0 && self.has_aliases {
            let (height, cost) = measure(&node.0);
            self.spend(cost, node.1.at)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), height, cost });
        }
        if self.expects_key() {
            let at = node.1.at;
            return match scalar::key(node.0) {
                Some(name) => self.key(Key::Name(name, at)),
                None => Err(not_a_key(at)),
            };
        }
        let (value, place) = node;
        match self.open.last_mut() {
            None => self.root = Some((value, place)),
            Some(Open { content: Content::List { values, places }, .. }) => {
                values.push(value);
                places.push(place);
            }
            Some(Open { content: Content::Map { values, places, key, merged }, .. }) => match key.take() {
                Some(Key::Name(name, at)) => {
                    places.push(Entry { key: name.as_str().into(), at, place });
                    values.insert(name, value);
                }
                Some(Key::Merge(at)) => match (value, place.shape) {
                    (value @ Value::Object(_), shape) => merged.push((value, Place { at: place.at, shape })),
                    (Value::Array(items), Shape::List(places)) if items.iter().all(Value::is_object) => {
                        merged.extend(items.into_iter().zip(places));
                    }
                    _ => return Err(YamlError::new(at, "`<<` merges a map, or a list of maps")),
                },
                None => {}
            },
        }
        Ok(())
    }
}

fn not_a_key(at: At) -> YamlError {
    YamlError::new(at, "a key must be a string")
}

/// Adds the keys of a merged map that are not there.
fn merge((value, place): Node, values: &mut Map<String, Value>, places: &mut Vec<Entry>) {
    let (Value::Object(more), Shape::Map(entries)) = (value, place.shape) else { return };
    let mut entries: HashMap<Box<str>, Entry> = entries.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
    for (key, value) in more {
        if values.contains_key(&key) {
            continue;
        }
        places.extend(entries.remove(key.as_str()));
        values.insert(key, value);
    }
}

/// The levels of maps and lists in a value, and roughly its bytes.
fn measure(value: &Value) -> (usize, usize) {
    let own = size_of::<Node>();
    let children = |values: &mut dyn Iterator<Item = (usize, &Value)>| {
        values.fold((1, own), |(height, cost), (key, value)| {
            let (child_height, child_cost) = measure(value);
            (height.max(1 + child_height), cost + key + child_cost)
        })
    };
    match value {
        Value::Array(values) => children(&mut values.iter().map(|value| (0, value))),
        Value::Object(values) => children(&mut values.iter().map(|(key, value)| (size_of::<Entry>() + 2 * key.len(), value))),
        Value::String(text) => (0, own + text.len()),
        _ => (0, own),
    }
}

#[cfg(test)]
mod tests;
