//! What stands around a name: the names that it is nested in, and the `name` beside a `value`.

use super::super::bytes::{among, cut, ends, listed, starts};
use super::super::names::{Class, Promise};
use super::super::{Scanner, Span};

/// A name that promises something, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub promise: Promise,
    pub name: Span,
}

/// Fields that say what another field holds: `name: DB_PASSWORD`, `value: ...`.
pub(super) fn is_label(name: &[u8]) -> bool {
    among(name, &["name", "key", "env", "variable"])
}

/// Fields that hold the value of what is named elsewhere: beside them, around them, or before them.
pub(super) fn is_value(name: &[u8]) -> bool {
    among(name, &["value", "default", "stringValue", "defaultValue", "default_value", "default_var", "fallback"])
}

/// The names that the present place is nested in: those of maps, or of blocks. Of deeper ones than it has room for only the
/// number is known.
#[derive(Default)]
pub(super) struct Parents {
    stack: [(usize, Span); Self::MOST],
    depth: usize,
}

impl Parents {
    const MOST: usize = 12;

    /// Goes into a map that a name at this level has.
    pub(super) fn push(&mut self, level: usize, name: Span) {
        if let Some(slot) = self.stack.get_mut(self.depth) {
            *slot = (level, name);
        }
        self.depth += 1;
    }

    pub(super) fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Leaves the maps of names at this level or deeper.
    pub(super) fn leave(&mut self, level: usize) {
        self.depth = self.depth.min(Self::MOST);
        while self.depth > 0 && self.stack.get(self.depth - 1).is_some_and(|(parent, _)| *parent >= level) {
            self.depth -= 1;
        }
    }

    pub(super) fn clear(&mut self) {
        self.depth = 0;
    }

    /// The name whose map this is.
    pub(super) fn nearest(&self) -> Option<Span> {
        let (_, name) = self.stack.get(self.depth.checked_sub(1)?)?;
        (name.start < name.end).then_some(*name)
    }
}

impl Scanner<'_> {
    /// What a name in a file promises, read together with the name that it is nested in: of `jwt: {key: ...}` it is a key that signs.
    pub(super) fn owner(&self, text: &str, name: Span, parents: &Parents) -> Option<Owner> {
        let own = text.get(name.start..name.end)?;
        // Charts: `existingPasswordSecretKey: password` and `configFromSecret: shop` name a Secret, or a key of it.
        if starts(own.as_bytes(), "existing") || ends(own.as_bytes(), "fromsecret") {
            return None;
        }
        let promise = self.promise(own);
        if let Some(promise) = promise.filter(|promise| !promise.weak) {
            return Some(Owner { promise, name });
        }
        let around = parents.nearest().map(|parent| cut(text.as_bytes(), parent.start, parent.end)).unwrap_or_default();
        // Prometheus: `authorization: {type: Bearer, credentials: ...}`.
        let class = if among(own.as_bytes(), &["credentials"]) && among(around, &["authorization"]) {
            Some(Class::Token)
        } else if among(own.as_bytes(), &["key"]) && listed(last_word(around), KEYS) {
            Some(Class::Key)
        } else {
            None
        };
        if let Some(class) = class {
            return Some(Owner { promise: Promise { class, weak: false }, name });
        }
        promise.map(|promise| Owner { promise, name })
    }

    /// What the name around a `value` promises.
    pub(super) fn around(&self, text: &str, parents: &Parents) -> Option<Owner> {
        let name = parents.nearest()?;
        let promise = self.promise(text.get(name.start..name.end)?)?;
        Some(Owner { promise, name })
    }
}

/// Maps whose `key` is a secret. Of others it is any key: `secretKeyRef: {name: ..., key: ...}`.
const KEYS: &str = "jwt api encryption crypto signing hmac session license fernet aes";

/// The last word of a name in any case style.
fn last_word(name: &[u8]) -> &[u8] {
    let start = name.iter().rposition(|byte| !byte.is_ascii_lowercase()).unwrap_or(0);
    let start = if name.get(start).is_some_and(u8::is_ascii_alphabetic) { start } else { start + 1 };
    cut(name, start, name.len())
}
