//! The values that views are made of.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use super::{JsonError, Read, Reader};
use crate::{Error, Path};

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

impl From<String> for Str<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
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

impl<'a> Read<'a> for Str<'a> {
    #[inline(never)]
    fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        if reader.null() { Ok(Self::default()) } else { reader.string().map(Self) }
    }
}

/// A value of which nothing matters but that it is there.
impl Read<'_> for () {
    fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        reader.skip().map(|_| ())
    }
}

impl Read<'_> for String {
    #[inline(never)]
    fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        reader.string().map(Cow::into_owned)
    }
}

impl Read<'_> for bool {
    fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        reader.boolean()
    }
}

impl Read<'_> for i64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        reader.integer()
    }
}

impl Read<'_> for u32 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        let mut before = reader.clone();
        reader.integer()?.try_into().map_err(|_| before.expected("a whole number from 0 to 4294967295"))
    }
}

/// A number with a few digits, such as a threshold. The standard library reads every number there is, with 20 KiB of tables.
impl Read<'_> for f64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        let mut before = reader.clone();
        decimal(reader.skip()?).ok_or_else(|| before.expected("a number such as 4 or 3.5"))
    }
}

fn decimal(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if whole.len() > 9 || fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let negative = whole.starts_with('-');
    let whole: i32 = whole.parse().ok()?;
    let scale = 10_u32.pow(u32::try_from(fraction.len()).ok()?);
    let fraction = f64::from(fraction.parse::<u32>().ok()?) / f64::from(scale);
    Some(f64::from(whole) + if negative { -fraction } else { fraction })
}

impl<'a, T: Read<'a>> Read<'a> for Option<T> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        if reader.null() { Ok(None) } else { T::read(reader).map(Some) }
    }
}

impl<'a, T: Read<'a>> Read<'a> for Vec<T> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        let mut items = Self::new();
        if reader.enter_list()? {
            while reader.next_item(items.is_empty())? {
                items.push(T::read(reader)?);
            }
        }
        Ok(items)
    }
}

/// A value as it stands in the text, to be read later, or by someone else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// The JSON text.
    pub const fn get(self) -> &'a str {
        self.0
    }

    /// The text as a value of its own.
    pub const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Reads the value, which stands at a place.
    ///
    /// # Errors
    /// When it is of another type, with the place.
    pub fn read_at<T: Read<'a>>(self, at: &Path<'_>) -> Result<T, Error> {
        super::from_str(self.0).map_err(|error| self.misread(error, at))
    }

    /// An error about the value, with the place in the object.
    #[cold]
    #[inline(never)]
    pub(crate) fn misread(self, error: JsonError, at: &Path<'_>) -> Error {
        let fault = super::explain(self.0, error);
        let path = if fault.path.starts_with('[') {
            [&at.to_string(), &*fault.path].concat()
        } else {
            at.field(&fault.path).to_string()
        };
        Error::Malformed { path, problem: fault.problem }
    }
}

impl<'a> Read<'a> for Raw<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        reader.skip().map(Self)
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

impl<'a, T: Read<'a>> Read<'a> for List<T> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        Vec::read(reader).map(Self)
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

impl<'a, V: Read<'a>> Read<'a> for Map<'a, V> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        let mut entries = Vec::new();
        if reader.enter_object()? {
            while let Some(key) = reader.next_key(entries.is_empty())? {
                entries.push((Str(key), V::read(reader)?));
            }
        }
        Ok(Self(entries))
    }
}

/// Reads a string that is one of a few words, for settings: the value that stands beside it.
///
/// # Errors
/// When it is none of them.
pub fn read_choice<T: Copy>(reader: &mut Reader<'_>, choices: &[(&str, T)]) -> Result<T, JsonError> {
    let mut before = reader.clone();
    let found = reader.string()?;
    choices.iter().find(|(word, _)| *word == found).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        before.refused(&["expected one of ", &words.join(", ")].concat())
    })
}

/// The value of a field, found by the names that lead to it, or nothing when a step is missing or null.
pub(crate) fn dig<'a>(object: Raw<'a>, fields: &[&str]) -> Result<Option<Raw<'a>>, JsonError> {
    let start = object.0;
    let mut here = object;
    for name in fields {
        // Errors speak of the text as a whole.
        let offset = here.0.as_ptr() as usize - start.as_ptr() as usize;
        let found = field(here, name).map_err(|error| JsonError { at: error.at + offset, ..error })?;
        match found {
            Some(next) if next.0 != "null" => here = next,
            _ => return Ok(None),
        }
    }
    Ok(Some(here))
}

fn field<'a>(object: Raw<'a>, name: &str) -> Result<Option<Raw<'a>>, JsonError> {
    struct Field<'f, 'a>(&'f str, Option<Raw<'a>>);

    impl<'a> super::View<'a> for Field<'_, 'a> {
        fn keys(&self) -> &'static [&'static str] {
            &[]
        }

        fn read_field(&mut self, key: &str, reader: &mut Reader<'a>) -> Result<bool, JsonError> {
            if key == self.0 {
                self.1 = Some(Raw::read(reader)?);
            }
            Ok(key == self.0)
        }
    }

    let mut found = Field(name, None);
    Reader::new(object.0, false).object(&mut found)?;
    Ok(found.1)
}
