//! Building blocks of views: JSON read without copying, with nulls as the API server takes them.
//!
//! The API server sends and accepts `null` wherever a field can be left out. [`Str`], [`List`] and [`Map`] read it as empty,
//! so a view with `#[serde(default)]` needs no `Option` unless it must tell "absent" from "empty".

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A string that borrows from the request where it holds no escapes. `null` reads as the empty string.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Str<'a>(Cow<'a, str>);

impl Str<'_> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Str<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Str<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl fmt::Display for Str<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<str> for Str<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Str<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrVisitor;

        impl<'de> Visitor<'de> for StrVisitor {
            type Value = Str<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Str(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }

            fn visit_none<E>(self) -> Result<Self::Value, E> {
                Ok(Str::default())
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                deserializer.deserialize_str(self)
            }
        }

        deserializer.deserialize_option(StrVisitor)
    }
}

/// A list. `null` reads as the empty list. A `null` element reads as the element's default, as in Go, where the element is a view, a
/// [`Str`], a [`List`], a [`Map`] or an `Option`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'l, T> IntoIterator for &'l List<T> {
    type Item = &'l T;
    type IntoIter = std::slice::Iter<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_none<E>(self) -> Result<Self::Value, E> {
                Ok(List::default())
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                deserializer.deserialize_seq(self)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(List(list))
            }
        }

        deserializer.deserialize_option(ListVisitor(PhantomData))
    }
}

/// A map with string keys, in the order of the text. `null` reads as the empty map; of a key given twice the last value counts,
/// as for the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map<'a, V = Str<'a>>(Vec<(Str<'a>, V)>);

impl<V> Map<'_, V> {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&V> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Whether there is such a key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

impl<V> Default for Map<'_, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, V> Deref for Map<'a, V> {
    type Target = [(Str<'a>, V)];

    fn deref(&self) -> &[(Str<'a>, V)] {
        &self.0
    }
}

impl<'l, 'a, V> IntoIterator for &'l Map<'a, V> {
    type Item = &'l (Str<'a>, V);
    type IntoIter = std::slice::Iter<'l, (Str<'a>, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'a, V> FromIterator<(Str<'a>, V)> for Map<'a, V> {
    fn from_iter<I: IntoIterator<Item = (Str<'a>, V)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl<'de: 'a, 'a, V: Deserialize<'de>> Deserialize<'de> for Map<'a, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for MapVisitor<V> {
            type Value = Map<'de, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_none<E>(self) -> Result<Self::Value, E> {
                Ok(Map::default())
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                deserializer.deserialize_map(self)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut map = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    map.push(entry);
                }
                Ok(Map(map))
            }
        }

        deserializer.deserialize_option(MapVisitor(PhantomData))
    }
}

/// A struct that reads the fields it knows from a JSON object, and skips the others. Implemented by [`view!`](crate::view!).
///
/// `serde`'s derive would also read structs from arrays and check for missing and repeated fields: code that no view needs, in every
/// module, for every struct.
#[doc(hidden)]
pub trait View<'de>: Default {
    /// Reads the value of `key`, if the view has such a field.
    fn read_field<A: MapAccess<'de>>(&mut self, key: &str, entries: &mut A) -> Result<bool, A::Error>;
}

/// Reads a view; `null` reads as the view's default.
#[doc(hidden)]
pub fn read_view<'de, V: View<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<V, D::Error> {
    struct ViewVisitor<V>(PhantomData<V>);

    impl<'de, V: View<'de>> Visitor<'de> for ViewVisitor<V> {
        type Value = V;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_none<E>(self) -> Result<V, E> {
            Ok(V::default())
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V, D::Error> {
            deserializer.deserialize_map(self)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<V, A::Error> {
            let mut view = V::default();
            while let Some(key) = entries.next_key::<Str<'de>>()? {
                if !view.read_field(&key, &mut entries)? {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
            Ok(view)
        }
    }

    deserializer.deserialize_option(ViewVisitor(PhantomData))
}

/// Declares views: structs that read the fields that they name from a JSON object, and skip the others.
///
/// Each field gives its key in the JSON after `as`, or several with `|`. A field that is missing keeps its type's default. Of a key
/// given twice the last value counts, as for the API server. All fields' types read `null`: they are other views, [`Str`],
/// [`List`], [`Map`] or `Option`s.
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
/// # use palisade_sdk::serde::Deserialize;
/// # let spec = IngressSpec::deserialize(&mut serde_json::Deserializer::from_str(r#"{"tls": [{"hosts": ["shop.example"]}]}"#)).unwrap();
/// # assert_eq!(spec.tls[0].hosts[0], "shop.example");
/// ```
#[macro_export]
macro_rules! view {
    ($(
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident $(<$lifetime:lifetime>)? {
            $( $(#[$field_meta:meta])* $field_visibility:vis $field:ident : $type:ty as $($key:literal)|+ ),* $(,)?
        }
    )+) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, Default)]
        $visibility struct $name $(<$lifetime>)? {
            $( $(#[$field_meta])* $field_visibility $field: $type, )*
        }

        impl<'de $(: $lifetime, $lifetime)?> $crate::serde::Deserialize<'de> for $name $(<$lifetime>)? {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::json::read_view(deserializer)
            }
        }

        impl<'de $(: $lifetime, $lifetime)?> $crate::json::View<'de> for $name $(<$lifetime>)? {
            fn read_field<A: $crate::serde::de::MapAccess<'de>>(&mut self, key: &str, entries: &mut A) -> Result<bool, A::Error> {
                match key {
                    $( $($key)|+ => self.$field = entries.next_value()?, )*
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }
    )+ };
}

/// The text of a field, found by the names that lead to it, or nothing when a step is missing or null.
pub(crate) fn dig<'a>(object: &'a RawValue, fields: &[&str]) -> Result<Option<&'a RawValue>, serde_json::Error> {
    struct Field<'f>(&'f str);

    impl<'de> Visitor<'de> for Field<'_> {
        type Value = Option<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_map(self)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(key) = entries.next_key::<Str<'de>>()? {
                if key == self.0 {
                    found = Some(entries.next_value::<&'de RawValue>()?);
                } else {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }

    let mut here = object;
    for name in fields {
        let mut deserializer = serde_json::Deserializer::from_str(here.get());
        match deserializer.deserialize_option(Field(name))? {
            Some(next) if next.get() != "null" => here = next,
            _ => return Ok(None),
        }
    }
    Ok(Some(here))
}

/// What is wrong with a JSON text, and at which field. Values of the text never appear in it.
pub(crate) struct Fault {
    pub path: String,
    pub problem: String,
}

/// Explains an error of serde_json about `text`: where it stands, and what was expected there.
pub(crate) fn explain(text: &str, error: &serde_json::Error) -> Fault {
    let end = offset_of(text, error.line(), error.column());
    let message = error.to_string();
    let message = split_last(&message, " at line ").map_or(message.as_str(), |(what, _)| what);
    Fault { path: field_at(text.as_bytes(), end), problem: without_values(message) }
}

fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (start + column).min(text.len())
}

/// serde quotes the offending value (`invalid type: string "hunter2", expected a map`): keeps its type only.
fn without_values(message: &str) -> String {
    let Some((found, expected)) = split_last(message, ", expected ") else {
        // `unknown field`, `duplicate field` and syntax errors name no value.
        return message.to_owned();
    };
    let value = found.strip_prefix("invalid type: ").or_else(|| found.strip_prefix("invalid value: "));
    match value {
        Some(value) => {
            let kind = value.split(['"', '`']).next().unwrap_or_default().trim();
            let kind = if kind.is_empty() { "value" } else { kind };
            format!("expected {expected}, found {kind}")
        }
        None => message.to_owned(),
    }
}

/// What stands before and behind the last `separator`. `str::rsplit_once` does the same, with 2 KiB of code.
fn split_last<'t>(text: &'t str, separator: &str) -> Option<(&'t str, &'t str)> {
    let at = text.as_bytes().windows(separator.len()).rposition(|window| window == separator.as_bytes())?;
    Some((text.get(..at)?, text.get(at + separator.len()..)?))
}

/// The path of the field that the text is about just before `end`. Works on broken text too, and without recursion.
fn field_at(text: &[u8], end: usize) -> String {
    enum Open<'t> {
        Object(Option<&'t [u8]>),
        Array(usize),
    }
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut at = 0;
    while at < end {
        match text[at] {
            b'{' => open.push(Open::Object(None)),
            b'[' => open.push(Open::Array(0)),
            b'}' | b']' => {
                open.pop();
            }
            b',' => match open.last_mut() {
                Some(Open::Array(index)) => *index += 1,
                Some(Open::Object(key)) => *key = None,
                None => {}
            },
            b'"' => {
                let start = at + 1;
                at = start;
                while at < text.len() && text[at] != b'"' {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                if let Some(Open::Object(key @ None)) = open.last_mut() {
                    *key = Some(&text[start..at.min(text.len())]);
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
            Open::Array(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::view! {
        struct Outer<'a> {
            name: Str<'a> as "name",
            tags: List<Str<'a>> as "tags",
            labels: Map<'a> as "labels",
            inner: List<Inner<'a>> as "inner",
        }

        struct Inner<'a> {
            name: Str<'a> as "name",
            count: Option<u32> as "count" | "number",
        }
    }

    #[test]
    fn null_is_empty() {
        let view: Outer<'_> = serde_json::from_str(r#"{"name":null,"tags":null,"labels":null,"inner":[null]}"#).unwrap();
        assert_eq!(view.name, "");
        assert!(view.tags.is_empty() && view.labels.is_empty());
        assert_eq!(view.inner[0].count, None);
        assert_eq!(view.inner[0].name, "");
    }

    #[test]
    fn strings_borrow_unless_escaped() {
        let view: Outer<'_> = serde_json::from_str(r#"{"name":"plain","tags":["a\nb"],"labels":{"x":"1","x":"2"}}"#).unwrap();
        assert!(matches!(view.name.0, Cow::Borrowed("plain")));
        assert_eq!(view.tags[0], "a\nb");
        assert_eq!(view.labels.get("x").map(Str::as_str), Some("2"));
    }

    #[test]
    fn errors_name_the_field_and_no_value() {
        for (text, path, problem) in [
            (r#"{"name": {"a": 1}}"#, "name", "expected a string, found map"),
            (r#"{"tags": "hunter2"}"#, "tags", "expected a list, found string"),
            (r#"{"tags": ["a", 7]}"#, "tags[1]", "expected a string, found integer"),
            (r#"{"labels": {"a.b/c": true}}"#, "labels[a.b/c]", "expected a string, found boolean"),
            (r#"{"inner": [{}, {"count": "x"}]}"#, "inner[1].count", "expected u32, found string"),
            (r#"{"inner": [[]]}"#, "inner[0]", "expected a map, found sequence"),
            (r#"{"inner": [{"number": []}]}"#, "inner[0].number", "expected u32, found sequence"),
            (r#"{"inner": [{"count": -1}]}"#, "inner[0].count", "expected u32, found integer"),
            ("{\n \"inner\": [\n{\"count\": \"a, expected b\"}]}", "inner[0].count", "expected u32, found string"),
        ] {
            let error = serde_json::from_str::<Outer<'_>>(text).unwrap_err();
            let fault = explain(text, &error);
            assert_eq!((fault.path.as_str(), fault.problem.as_str()), (path, problem), "{text}: {error}");
        }
    }

    #[test]
    fn digs_without_recursion() {
        let deep = format!(r#"{{"deep":{}{},"spec":{{"template":{{"x":1}}}}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        let raw: &RawValue = serde_json::from_str(&deep).unwrap();
        assert_eq!(dig(raw, &["spec", "template"]).unwrap().unwrap().get(), r#"{"x":1}"#);
        assert!(dig(raw, &["spec", "missing", "x"]).unwrap().is_none());
        assert!(dig(raw, &["deep", "x"]).is_err());
    }
}
