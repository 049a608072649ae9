//! Where in an object a finding stands.

use std::fmt;

/// The path of a field, printed as kubectl prints it: `spec.containers[0].env[2].value`,
/// `metadata.annotations[palisade.dev/review-by]`.
///
/// A path is a chain of borrowed steps, so that building one costs nothing until it is printed.
/// Each step borrows its parent: keep a parent in a `let` when it is used again.
///
/// ```
/// use palisade_sdk::Path;
/// let spec = Path::new("spec.template.spec");
/// let container = spec.item("containers", 0);
/// assert_eq!(container.item("env", 2).field("value").to_string(), "spec.template.spec.containers[0].env[2].value");
/// assert_eq!(Path::new("metadata.labels").key("app.kubernetes.io/name").to_string(), "metadata.labels[app.kubernetes.io/name]");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    /// Dotted fields, or nothing at all.
    Fields(&'p str),
    Index(usize),
    Item(&'p str, usize),
    Key(&'p str),
}

impl<'p> Path<'p> {
    /// The object itself; prints as nothing.
    pub const fn root() -> Self {
        Self::new("")
    }

    /// A path that starts with these fields, for example `spec.template.spec`.
    pub const fn new(fields: &'p str) -> Self {
        Self { parent: None, step: Step::Fields(fields) }
    }

    const fn then<'c>(&'c self, step: Step<'c>) -> Path<'c> {
        Path { parent: Some(self), step }
    }

    /// A field of this object, or several, separated by dots.
    pub const fn field<'c>(&'c self, name: &'c str) -> Path<'c> {
        self.then(Step::Fields(name))
    }

    /// An element of this list, counted from 0.
    pub const fn index(&self, index: usize) -> Path<'_> {
        self.then(Step::Index(index))
    }

    /// An element of a list that is a field of this object: `.field(name).index(index)` in one step.
    pub const fn item<'c>(&'c self, name: &'c str, index: usize) -> Path<'c> {
        self.then(Step::Item(name, index))
    }

    /// The value of a key of this map: a label or an annotation, say.
    pub const fn key<'c>(&'c self, key: &'c str) -> Path<'c> {
        self.then(Step::Key(key))
    }

    /// Prints the path; the answer tells whether anything was printed.
    fn write(&self, f: &mut fmt::Formatter<'_>) -> Result<bool, fmt::Error> {
        let after_something = match self.parent {
            Some(parent) => parent.write(f)?,
            None => false,
        };
        let dot = if after_something { "." } else { "" };
        match self.step {
            Step::Fields("") => return Ok(after_something),
            Step::Fields(name) => {
                f.write_str(dot)?;
                f.write_str(name)?;
            }
            Step::Index(index) => write!(f, "[{index}]")?,
            Step::Item(name, index) => write!(f, "{dot}{name}[{index}]")?,
            Step::Key(key) if is_identifier(key) => {
                f.write_str(dot)?;
                f.write_str(key)?;
            }
            Step::Key(key) => {
                f.write_str("[")?;
                f.write_str(key)?;
                f.write_str("]")?;
            }
        }
        Ok(true)
    }
}

/// Whether a map's key can stand after a dot, as a field does.
fn is_identifier(key: &str) -> bool {
    !key.is_empty()
        && !key.starts_with(|c: char| c.is_ascii_digit())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_kubectl_does() {
        let root = Path::root();
        assert_eq!(root.to_string(), "");
        assert_eq!(root.item("rules", 1).item("verbs", 0).to_string(), "rules[1].verbs[0]");
        let spec = root.field("spec");
        assert_eq!(spec.field("ports").index(3).to_string(), "spec.ports[3]");
        let metadata = Path::new("metadata");
        let labels = metadata.field("labels");
        assert_eq!(labels.key("app").to_string(), "metadata.labels.app");
        assert_eq!(labels.key("a.b/c").to_string(), "metadata.labels[a.b/c]");
        assert_eq!(labels.key("").to_string(), "metadata.labels[]");
    }
}
