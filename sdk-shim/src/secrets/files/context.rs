//! What stands around a name: the names that it is nested in, and the `name` beside a `value`.

use super::super::bytes::{among, cut, ends};
use super::super::names::Promise;
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
    among(
        name,
        &[
            "value", "default", "val", "literal", "content", "plaintext", "stringValue", "defaultValue", "default_value",
            "default_var", "fallback",
        ],
    )
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
    /// What a name in a file promises, read together with the name that it is nested in: of `jwt: {key: ...}` it is the key of
    /// a JWT.
    pub(super) fn owner(&self, text: &str, name: Span, parents: &Parents) -> Option<Owner> {
        let own = text.get(name.start..name.end)?;
        let promise = self.promise(own);
        if let Some(promise) = promise.filter(|promise| !promise.weak) {
            return Some(Owner { promise, name });
        }
        let around = parents.nearest().and_then(|parent| cut(text.as_bytes(), parent.start, parent.end).get(..));
        if let Some(parent) = around
            && parent.len() + own.len() < LONGEST
            && !own.contains('.')
            && among(own.as_bytes(), &["key", "salt", "credentials"])
            // Kubernetes: `passwordSecret: {name: ..., key: ...}` refers to a Secret.
            && !["secret", "ref", "selector"].iter().any(|word| ends(parent, word))
        {
            let mut both = [0u8; LONGEST];
            let length = parent.len() + 1 + own.len();
            for (slot, byte) in both.iter_mut().zip(parent.iter().chain(b".").chain(own.as_bytes())) {
                *slot = *byte;
            }
            // Prometheus: `authorization: {type: Bearer, credentials: ...}`.
            if among(parent, &["authorization"]) {
                let promise = Promise { class: super::super::names::Class::Token, weak: false };
                return Some(Owner { promise, name });
            }
            if let Some(promise) = super::super::names::promise(cut(&both, 0, length)) {
                return Some(Owner { promise, name });
            }
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

/// The longest name, together with the one around it, that is looked at as one.
const LONGEST: usize = 96;
