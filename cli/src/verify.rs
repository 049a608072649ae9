//! What was found out about a published policy, and how it is reported.

mod examination;
mod report;

use serde::Serialize;

pub use examination::{Expectations, Key, LockedAs, examine};
pub use report::{json, table};

/// What is looked at, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// The tag leads to a manifest.
    Tag,
    /// It is the manifest of the lock file.
    Lock,
    /// The manifest is signed by the keys.
    Signature,
    /// It has one module, of the bytes that it names.
    Module,
    /// The module says what Kubewarden must know of it.
    Metadata,
    /// There is a bill of materials of this very module, signed by one of the keys.
    Sbom,
}

impl Aspect {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Tag, Self::Lock, Self::Signature, Self::Module, Self::Metadata, Self::Sbom];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Lock => "lock",
            Self::Signature => "signature",
            Self::Module => "module",
            Self::Metadata => "metadata",
            Self::Sbom => "sbom",
        }
    }
}

/// How it is with one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum State {
    /// As it should be.
    Good,
    /// Not as it should be.
    Wrong {
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// It could not be found out.
    Unknown {
        /// Why.
        problem: String,
    },
    /// It was not looked at.
    Skipped {
        /// Why not.
        reason: String,
    },
}

impl State {
    /// Not as it should be.
    fn wrong(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Wrong { problem: problem.into(), remedy: remedy.into() }
    }

    /// Not found out.
    fn unknown(problem: &impl ToString) -> Self {
        Self::Unknown { problem: problem.to_string() }
    }

    /// Not looked at.
    fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped { reason: reason.into() }
    }
}

/// A module, beside the one of this binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuiltIn {
    /// Byte for byte the same.
    Same,
    /// The policy is built in, with other bytes.
    Other,
    /// No such policy is built in.
    None,
}

/// What was found out about a policy.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Its name.
    pub policy: String,
    /// Where it is, with tag or digest.
    pub reference: String,
    /// The digest of its manifest.
    pub digest: Option<String>,
    /// What was looked at.
    pub states: Vec<(Aspect, State)>,
    /// Whether the module is the one of this binary, if it could be had.
    pub built_in: Option<BuiltIn>,
}

impl Verdict {
    /// One of which nothing is known yet.
    pub fn new(policy: &str, reference: String) -> Self {
        Self { policy: policy.to_owned(), reference, digest: None, states: Vec::new(), built_in: None }
    }

    /// How it is with this.
    pub fn state(&self, aspect: Aspect) -> Option<&State> {
        self.states.iter().find(|(one, _)| *one == aspect).map(|(_, state)| state)
    }

    /// Finds something out.
    fn set(&mut self, aspect: Aspect, state: State) {
        self.states.push((aspect, state));
    }

    /// What is next, in the order in which it is looked at.
    fn next(&self) -> impl Iterator<Item = Aspect> + use<> {
        let done: Vec<Aspect> = self.states.iter().map(|(aspect, _)| *aspect).collect();
        Aspect::ALL.into_iter().filter(move |aspect| !done.contains(aspect))
    }

    /// Leaves the rest, for want of something before it.
    fn skip_rest(&mut self, reason: &str) {
        for aspect in self.next() {
            self.set(aspect, State::skipped(reason));
        }
    }

    /// Leaves the rest, as the registry could not be asked about what is next.
    pub fn give_up(&mut self, error: &impl ToString) {
        if let Some(aspect) = self.next().next() {
            self.set(aspect, State::unknown(error));
        }
        self.skip_rest("the registry did not answer");
    }

    fn any(&self, which: impl Fn(&State) -> bool) -> bool {
        self.states.iter().any(|(_, state)| which(state))
    }

    /// Whether something is not as it should be.
    pub fn is_wrong(&self) -> bool {
        self.any(|state| matches!(state, State::Wrong { .. }))
    }

    /// Whether something could not be found out.
    pub fn is_unknown(&self) -> bool {
        self.any(|state| matches!(state, State::Unknown { .. }))
    }
}

#[cfg(test)]
mod tests;
