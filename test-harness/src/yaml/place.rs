//! Where the fields of a document stand.

use super::Position;

/// A position in little room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    line: u32,
    column: u32,
}

impl At {
    pub(super) const START: Self = Self { line: 1, column: 1 };

    pub(super) fn new(line: usize, column: usize) -> Self {
        let narrow = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Self { line: narrow(line), column: narrow(column) }
    }
}

impl From<At> for Position {
    fn from(at: At) -> Self {
        Self { line: at.line as usize, column: at.column as usize }
    }
}

/// Where a node stands, and where those in it do.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) at: At,
    pub(super) shape: Shape,
}

#[derive(Clone, Debug)]
pub(super) enum Shape {
    Scalar,
    /// A literal block: its lines are those of the document, and it stands where its first one does.
    Literal,
    List(Vec<Place>),
    Map(Vec<Entry>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Box<str>,
    pub(super) at: At,
    pub(super) place: Place,
}

impl Entry {
    /// Where a reader looks for it: a scalar in the key's line, else the key. Values that are not written have no place of their
    /// own, and block scalars start in the line after.
    fn shown(&self) -> At {
        match self.place.shape {
            Shape::Scalar if self.place.at.line == self.at.line => self.place.at,
            _ => self.at,
        }
    }
}

impl Place {
    pub(super) fn scalar(at: At) -> Self {
        Self { at, shape: Shape::Scalar }
    }

    /// A literal block whose first line that is not empty stands here.
    pub(super) fn literal(at: At, text: &str) -> Self {
        let empty = text.bytes().take_while(|byte| *byte == b'\n').count();
        let line = at.line.saturating_sub(u32::try_from(empty).unwrap_or(u32::MAX)).max(1);
        Self { at: At { line, ..at }, shape: Shape::Literal }
    }

    pub(super) fn list(at: At, items: Vec<Place>) -> Self {
        Self { at, shape: Shape::List(items) }
    }

    pub(super) fn map(at: At, entries: Vec<Entry>) -> Self {
        Self { at, shape: Shape::Map(entries) }
    }

    /// An alias stands elsewhere, but what is in it stands where it is written.
    pub(super) fn seen_from(self, at: At) -> Self {
        let shape = match self.shape {
            Shape::Literal => Shape::Scalar,
            shape => shape,
        };
        Self { at, shape }
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.shape {
            Shape::Map(entries) => entries.iter().find(|entry| &*entry.key == key),
            _ => None,
        }
    }

    /// Where a line, counted from 1, of the text at this path stands; where the lines of the text are not those of the document, or
    /// there is no such text, where [`locate`](Self::locate) finds the path.
    pub(super) fn locate_line(&self, path: &str, line: usize) -> At {
        match self.find(path) {
            (Some(Place { at, shape: Shape::Literal }), _) => {
                let line = at.line.saturating_add(u32::try_from(line.saturating_sub(1)).unwrap_or(u32::MAX));
                At { line, ..*at }
            }
            (_, at) => at,
        }
    }

    /// Where the field at this path stands, or its nearest ancestor that exists.
    pub(super) fn locate(&self, path: &str) -> At {
        self.find(path).1
    }

    /// The node at this path, where there is one, and where it or its nearest ancestor is shown.
    fn find<'s>(&'s self, path: &'s str) -> (Option<&'s Place>, At) {
        let mut place = self;
        let mut at = self.at;
        let mut rest = path;
        while !rest.is_empty() {
            match place.step(rest) {
                Some((next, next_at, after)) => (place, at, rest) = (next, next_at, after),
                None => return (None, at),
            }
        }
        (Some(place), at)
    }

    /// Takes the first step of a path: where it leads, where that is shown, and the rest of the path.
    fn step<'s>(&'s self, path: &'s str) -> Option<(&'s Place, At, &'s str)> {
        match &self.shape {
            Shape::Scalar | Shape::Literal => None,
            Shape::List(items) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                let item = items.get(index.parse::<usize>().ok()?)?;
                Some((item, item.at, rest))
            }
            Shape::Map(_) => self.key(path).map(|(entry, rest)| (&entry.place, entry.shown(), rest)),
        }
    }

    /// A key in brackets, or up to the next dot or bracket. Keys may hold these characters themselves: the shortest key that exists
    /// is meant.
    fn key<'s>(&'s self, path: &'s str) -> Option<(&'s Entry, &'s str)> {
        if let Some(inside) = path.strip_prefix('[') {
            return inside.match_indices(']').find_map(|(end, _)| {
                let (key, rest) = (inside.get(..end)?, inside.get(end + 1..)?);
                (rest.is_empty() || rest.starts_with(['.', '['])).then_some(())?;
                let unquoted = ['"', '\''].into_iter().find_map(|quote| key.strip_prefix(quote)?.strip_suffix(quote));
                self.entry(key).or_else(|| self.entry(unquoted?)).map(|entry| (entry, rest))
            });
        }
        let path = path.strip_prefix('.').unwrap_or(path);
        let ends = path.match_indices(['.', '[']).map(|(end, _)| end).chain([path.len()]);
        // A key with very many dots is not looked for: each attempt costs a search.
        ends.take(32).find_map(|end| self.entry(path.get(..end)?).map(|entry| (entry, path.get(end..).unwrap_or_default())))
    }
}
