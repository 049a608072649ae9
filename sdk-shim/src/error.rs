//! Why an object could not be judged. Either way it is rejected.

use crate::host::HostError;

/// Ends a policy's work early. The shim turns it into a finding of its own, and the object is rejected: policies fail closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The object is not as the Kubernetes API defines it.
    Malformed {
        /// The field, as [`Path`](crate::Path) prints it.
        path: String,
        /// What was expected there and what stands there; never a value.
        problem: String,
    },
    /// The host did not answer.
    Host(HostError),
}

impl Error {
    /// An object that is wrong at `path`.
    pub fn malformed(path: &crate::Path<'_>, problem: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_string(), problem: problem.into() }
    }
}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}
