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

/// A list. `null` reads as the empty list, and a `null` element as the element's default, as in Go.
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

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for ListVisitor<T> {
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
                while let Some(item) = items.next_element::<Option<T>>()? {
                    list.push(item.unwrap_or_default());
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

impl<'de: 'a, 'a, V: Deserialize<'de> + Default> Deserialize<'de> for Map<'a, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de> + Default> Visitor<'de> for MapVisitor<V> {
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
                while let Some((key, value)) = entries.next_entry::<Str<'de>, Option<V>>()? {
                    map.push((key, value.unwrap_or_default()));
                }
                Ok(Map(map))
            }
        }

        deserializer.deserialize_option(MapVisitor(PhantomData))
    }
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
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
    Fault { path: field_at(text.as_bytes(), end), problem: without_values(message) }
}

fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (start + column).min(text.len())
}

/// serde quotes the offending value (`invalid type: string "hunter2", expected a map`): keeps its type only.
fn without_values(message: &str) -> String {
    let Some((found, expected)) = message.rsplit_once(", expected ") else {
        // `unknown field`, `duplicate field` and syntax errors name no value.
        return message.to_owned();
    };
    match found.split_once(": ") {
        Some(("invalid type" | "invalid value", value)) => {
            let kind = value.split(['"', '`']).next().unwrap_or_default().trim();
            let kind = if kind.is_empty() { "value" } else { kind };
            format!("expected {expected}, found {kind}")
        }
        _ => message.to_owned(),
    }
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

    #[derive(Debug, Default, serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct View<'a> {
        #[serde(borrow)]
        name: Str<'a>,
        #[serde(borrow)]
        tags: List<Str<'a>>,
        #[serde(borrow)]
        labels: Map<'a>,
        #[serde(borrow)]
        inner: List<Inner<'a>>,
    }

    #[derive(Clone, Debug, Default, serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Inner<'a> {
        #[serde(borrow)]
        name: Str<'a>,
        count: u32,
    }

    #[test]
    fn null_is_empty() {
        let view: View<'_> = serde_json::from_str(r#"{"name":null,"tags":null,"labels":null,"inner":[null]}"#).unwrap();
        assert_eq!(view.name, "");
        assert!(view.tags.is_empty() && view.labels.is_empty());
        assert_eq!(view.inner[0].count, 0);
        assert_eq!(view.inner[0].name, "");
    }

    #[test]
    fn strings_borrow_unless_escaped() {
        let view: View<'_> = serde_json::from_str(r#"{"name":"plain","tags":["a\nb"],"labels":{"x":"1","x":"2"}}"#).unwrap();
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
            (r#"{"inner": [{"nmae": 1}]}"#, "inner[0].nmae", "unknown field `nmae`, expected `name` or `count`"),
            (r#"{"inner": [{"count": -1}]}"#, "inner[0].count", "expected u32, found integer"),
            ("{\n \"inner\": [\n{\"count\": \"a, expected b\"}]}", "inner[0].count", "expected u32, found string"),
        ] {
            let error = serde_json::from_str::<View<'_>>(text).unwrap_err();
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
