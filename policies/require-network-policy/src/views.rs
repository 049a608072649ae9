//! What all kinds of policy have in common.

use palisade_sdk::json::{self, Read};
use palisade_sdk::{Error, Path, Str};

palisade_sdk::view! {
    /// `metadata`
    pub struct Metadata<'a> {
        /// The name.
        pub name: Str<'a> as "name",
    }

    /// Any object.
    pub struct Named<'a> {
        /// Its metadata.
        pub metadata: Metadata<'a> as "metadata",
    }
}

/// Reads one item of a list.
pub fn read<'a, T: Read<'a>>(item: &'a str) -> Result<T, Error> {
    json::from_str(item).map_err(|_| Error::malformed(&Path::root(), "it is not as its API defines it"))
}
