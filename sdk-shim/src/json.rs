//! JSON without copying, with nulls as the API server takes them: the reader under the views, and the writer of answers.
//!
//! `serde` makes a parser for every struct of every module, some 2 KiB each, and more than that for the words of its errors. Here one
//! parser serves all: a view only says which field goes where. A module is half as large for it, and no slower.
//!
//! The API server sends and accepts `null` wherever a field can be left out. [`Str`], [`List`], [`Map`] and views read it as empty,
//! so a view needs no `Option` unless it must tell "absent" from "empty".

mod reader;
mod values;
mod writer;

#[doc(hidden)]
pub use reader::is_camel_case_of;
pub use reader::{JsonError, Reader, from_str, read_strictly};
pub(crate) use values::dig;
pub use values::{List, Map, Raw, Str, read_choice};
pub use writer::Writer;

/// A value that is read from JSON.
pub trait Read<'a>: Sized {
    /// Reads the value that comes next.
    ///
    /// # Errors
    /// When it is of another type.
    fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError>;
}

/// A struct that reads the fields it knows from a JSON object. Implemented by [`view!`](crate::view!) and
/// [`setting!`](crate::setting!).
pub trait View<'a> {
    /// The keys of its fields.
    fn keys(&self) -> &'static [&'static str];

    /// Reads the value of `key`, if there is such a field.
    ///
    /// # Errors
    /// When the value is of another type.
    fn read_field(&mut self, key: &str, reader: &mut Reader<'a>) -> Result<bool, JsonError>;
}

/// Declares views: structs that read the fields that they name from a JSON object, and skip the others.
///
/// Each field gives its key in the JSON after `as`, or several with `|`. A field that is missing keeps its type's default. Of a key
/// given twice the last value counts, as for the API server. Fields are other views, [`Str`], [`List`], [`Map`], [`Raw`], `Option`s,
/// booleans and whole numbers.
///
/// ```
/// use palisade_sdk::{List, Str};
///
/// palisade_sdk::view! {
///     /// An Ingress, as far as this policy reads it.
///     pub struct IngressSpec<'a> {
///         /// The class of the controller that serves it.
///         pub ingress_class_name: Str<'a> as "ingressClassName",
///         /// What is served over TLS.
///         pub tls: List<IngressTls<'a>> as "tls",
///     }
///
///     /// `spec.tls[]`
///     pub struct IngressTls<'a> {
///         /// The hosts of the certificate.
///         pub hosts: List<Str<'a>> as "hosts",
///     }
/// }
///
/// let spec: IngressSpec = palisade_sdk::json::from_str(r#"{"tls": [{"hosts": ["shop.example"]}], "rules": null}"#).unwrap();
/// assert_eq!(spec.tls[0].hosts[0], "shop.example");
/// ```
#[macro_export]
macro_rules! view {
    ($(
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident $(<$lifetime:lifetime>)? {
            $( $(#[$field_meta:meta])* $field_visibility:vis $field:ident : $type:ty as $first:literal $(| $other:literal)* ),* $(,)?
        }
    )+) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, Default)]
        $visibility struct $name $(<$lifetime>)? {
            $( $(#[$field_meta])* $field_visibility $field: $type, )*
        }

        impl<'json $(: $lifetime, $lifetime)?> $crate::json::View<'json> for $name $(<$lifetime>)? {
            fn keys(&self) -> &'static [&'static str] {
                &[$($first),*]
            }

            fn read_field(
                &mut self,
                key: &str,
                reader: &mut $crate::json::Reader<'json>,
            ) -> Result<bool, $crate::json::JsonError> {
                match key {
                    $( $first $(| $other)* => self.$field = $crate::json::Read::read(reader)?, )*
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }

        impl<'json $(: $lifetime, $lifetime)?> $crate::json::Read<'json> for $name $(<$lifetime>)? {
            fn read(reader: &mut $crate::json::Reader<'json>) -> Result<Self, $crate::json::JsonError> {
                let mut view = Self::default();
                reader.object(&mut view)?;
                Ok(view)
            }
        }
    )+ };
}

/// What is wrong with a JSON text, and at which field. Values of the text never appear in it.
#[derive(Debug)]
pub(crate) struct Fault {
    pub path: String,
    pub problem: String,
}

/// Explains an error about `text`: where it stands, and what was expected there.
#[inline(never)]
pub(crate) fn explain(text: &str, error: JsonError) -> Fault {
    Fault { path: field_at(text.as_bytes(), error.at), problem: error.problem }
}

/// The path of the field that begins at `end`. Works on broken text too, and without recursion.
fn field_at(text: &[u8], end: usize) -> String {
    enum Open<'t> {
        Object(Option<&'t [u8]>),
        Array(usize),
    }
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut at = 0;
    while at < end {
        match text.get(at) {
            None => break,
            Some(b'{') => open.push(Open::Object(None)),
            Some(b'[') => open.push(Open::Array(0)),
            Some(b'}' | b']') => {
                open.pop();
            }
            Some(b',') => match open.last_mut() {
                Some(Open::Array(index)) => *index += 1,
                Some(Open::Object(key)) => *key = None,
                None => {}
            },
            Some(b'"') => {
                let start = at + 1;
                at = start;
                while text.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if text.get(at) == Some(&b'\\') { 2 } else { 1 };
                }
                if let Some(Open::Object(key @ None)) = open.last_mut() {
                    *key = text.get(start..at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    let mut path = String::new();
    for step in open {
        match step {
            Open::Object(Some(key)) => {
                let key = String::from_utf8_lossy(key);
                let here = std::mem::take(&mut path);
                path = crate::Path::new(&here).key(&key).to_string();
            }
            Open::Object(None) => {}
            Open::Array(index) => {
                let here = std::mem::take(&mut path);
                path = crate::Path::new(&here).index(index).to_string();
            }
        }
    }
    path
}

#[cfg(test)]
mod tests;
