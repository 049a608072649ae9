//! Every string of a part of an object, wherever it stands.

use palisade_sdk::{Error, List, Map, Path, Raw, Str};

/// Deeper than any field of the Kubernetes API that names something.
const DEPTH: usize = 12;

/// A string and its place.
pub struct Found<'f> {
    /// The key that it is the value of, or that of the list it is in.
    pub key: &'f str,
    /// The first key on the way to it.
    pub root: &'f str,
    pub text: &'f str,
    pub at: &'f Path<'f>,
}

/// Shows each string below a place.
///
/// # Errors
/// When the JSON is broken, and those of `look`.
pub fn each(part: Raw<'_>, at: &Path<'_>, look: &mut dyn FnMut(&Found<'_>) -> Result<(), Error>) -> Result<(), Error> {
    walk(part, ["", ""], at, DEPTH, look)
}

fn walk(
    part: Raw<'_>,
    [root, key]: [&str; 2],
    at: &Path<'_>,
    depth: usize,
    look: &mut dyn FnMut(&Found<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let text = part.get();
    match text.as_bytes().first() {
        Some(b'"') => {
            let text: Str<'_> = part.read_at(at)?;
            look(&Found { key, root, text: &text, at })
        }
        Some(b'{') if depth > 0 => {
            let map: Map<'_, Raw<'_>> = part.read_at(at)?;
            for (key, value) in &map {
                walk(*value, [if root.is_empty() { key } else { root }, key], &at.key(key), depth - 1, look)?;
            }
            Ok(())
        }
        Some(b'[') if depth > 0 => {
            let list: List<Raw<'_>> = part.read_at(at)?;
            for (index, value) in list.iter().enumerate() {
                walk(*value, [root, key], &at.index(index), depth - 1, look)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
