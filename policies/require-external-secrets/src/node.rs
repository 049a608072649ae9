//! A value of an object together with its place, for kinds that are read by the names of their fields.
//!
//! The operators' kinds are many, and of each only some fields are asked for, once: a view for each would make most of the module.

use std::cell::Cell;

use palisade_sdk::json::{self, JsonError};
use palisade_sdk::{Error, List, Map, Path, Raw, Request, Str};

/// What of an object could not be read. It reads as nothing until the end, and then the object is rejected.
#[derive(Default)]
pub struct Faults(Cell<Option<Error>>);

impl Faults {
    /// The first fault.
    pub fn into_result(self) -> Result<(), Error> {
        self.0.into_inner().map_or(Ok(()), Err)
    }

    #[cold]
    #[inline(never)]
    fn add(&self, path: &Path<'_>, error: JsonError) {
        let first = self.0.take();
        self.0.set(Some(first.unwrap_or_else(|| Error::malformed(path, error.problem))));
    }
}

/// A value, and where it stands. What is absent is `null`.
#[derive(Clone, Copy)]
pub struct Node<'n, 'a> {
    raw: Raw<'a>,
    pub path: Path<'n>,
    faults: &'n Faults,
}

impl<'n, 'a> Node<'n, 'a> {
    /// The object of a request.
    pub fn object(request: &Request<'a>, faults: &'n Faults) -> Result<Self, Error> {
        request.raw_object().map(|raw| Self { raw, path: Path::root(), faults })
    }

    /// Another value in this one's place: what it was before.
    pub fn replaced(&self, raw: Option<Raw<'a>>) -> Self {
        Self { raw: raw.unwrap_or(Raw::new("null")), ..*self }
    }
}

impl<'a> Node<'_, 'a> {
    /// The value of a field, or of one below it, with dots between the names.
    #[inline(never)]
    pub fn at<'c>(&'c self, fields: &'c str) -> Node<'c, 'a> {
        let mut raw = self.raw;
        let mut read = 0;
        for name in fields.split('.') {
            let here = fields.get(..read).unwrap_or_default().trim_end_matches('.');
            raw = self.map_of(raw, &self.path.field(here)).get(name).copied().unwrap_or(Raw::new("null"));
            read += name.len() + 1;
        }
        Node { raw, path: self.path.field(fields), faults: self.faults }
    }

    fn map_of(&self, raw: Raw<'a>, path: &Path<'_>) -> Map<'a, Raw<'a>> {
        json::from_str(raw.get()).unwrap_or_else(|error| {
            self.faults.add(path, error);
            Map::default()
        })
    }

    /// Whether it is there, whatever it is.
    pub fn is_set(&self) -> bool {
        !self.is("null")
    }

    /// Whether it is this JSON.
    pub fn is(&self, json: &str) -> bool {
        self.raw.get() == json
    }

    /// Whether it is a text.
    pub fn is_text(&self) -> bool {
        self.raw.get().starts_with('"')
    }

    /// Its text; that of nothing is empty.
    #[inline(never)]
    pub fn text(&self) -> Str<'a> {
        json::from_str(self.raw.get()).unwrap_or_else(|error| {
            self.faults.add(&self.path, error);
            Str::default()
        })
    }

    /// Whether it is on; nothing is off.
    pub fn is_on(&self) -> bool {
        let flag: Result<Option<bool>, _> = json::from_str(self.raw.get());
        flag.unwrap_or_else(|error| {
            self.faults.add(&self.path, error);
            None
        }) == Some(true)
    }

    /// The values of a list, in turn; how many there are.
    #[inline(never)]
    pub fn items(&self, visit: &mut dyn FnMut(Node<'_, 'a>)) -> usize {
        let items: List<Raw<'a>> = json::from_str(self.raw.get()).unwrap_or_else(|error| {
            self.faults.add(&self.path, error);
            List::default()
        });
        for (index, raw) in items.iter().enumerate() {
            visit(Node { raw: *raw, path: self.path.index(index), faults: self.faults });
        }
        items.len()
    }

    /// The values of a map that are there, with their keys, in turn; how many there are.
    #[inline(never)]
    pub fn fields(&self, visit: &mut dyn FnMut(&str, Node<'_, 'a>)) -> usize {
        let mut count = 0;
        for (name, raw) in &self.map_of(self.raw, &self.path) {
            if raw.get() != "null" {
                count += 1;
                visit(name, Node { raw: *raw, path: self.path.key(name), faults: self.faults });
            }
        }
        count
    }

    /// How many values a list or a map has.
    pub fn count(&self) -> usize {
        if self.raw.get().starts_with('[') { self.items(&mut |_| {}) } else { self.fields(&mut |_, _| {}) }
    }

    /// Every text, number and switch in it, with the key that it has or that its list has; deeper than `depth` nothing is looked at.
    pub fn leaves(&self, name: &str, depth: u32, visit: &mut dyn FnMut(&str, Node<'_, 'a>)) {
        match self.raw.get().as_bytes().first() {
            Some(b'{') if depth > 0 => {
                self.fields(&mut |name, node| node.leaves(name, depth - 1, visit));
            }
            Some(b'[') if depth > 0 => {
                self.items(&mut |node| node.leaves(name, depth - 1, visit));
            }
            Some(b'{' | b'[') | None => {}
            Some(_) => visit(name, *self),
        }
    }
}
