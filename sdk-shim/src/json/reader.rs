//! The parser.

use std::borrow::Cow;

use super::{Read, View};

/// A value that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Where it begins in the text, in bytes.
    pub at: usize,
    /// What was expected there, and what stands there. Never the value itself.
    pub problem: String,
}

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.problem)
    }
}

/// Reads a text that is one value.
///
/// # Errors
/// When it is of another type, or something follows it.
pub fn from_str<'a, T: Read<'a>>(text: &'a str) -> Result<T, JsonError> {
    let mut reader = Reader::new(text, false);
    let value = T::read(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Like [`from_str`], but an object with a key that its view does not know is an error.
///
/// # Errors
/// When the value is of another type, a key is not known, or something follows the value.
pub fn read_strictly<'a, T: Read<'a>>(text: &'a str) -> Result<T, JsonError> {
    let mut reader = Reader::new(text, true);
    let value = T::read(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Reads JSON from the front. What is skipped is not checked beyond its brackets and quotes.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) strict: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, strict: bool) -> Self {
        Self { text, at: 0, strict }
    }

    /// The next byte that is no white space, without taking it.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// An error about the value that comes next: what is expected there.
    #[cold]
    #[inline(never)]
    pub fn expected(&mut self, what: &str) -> JsonError {
        let found = match self.peek() {
            None => "the end of the text",
            Some(b'{') => "a map",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            Some(_) => "something that is not JSON",
        };
        JsonError { at: self.at, problem: ["expected ", what, ", found ", found].concat() }
    }

    /// An error about the value that comes next, in other words: it is of the right type, and cannot be meant.
    #[cold]
    #[inline(never)]
    pub fn refused(&mut self, problem: &str) -> JsonError {
        self.peek();
        JsonError { at: self.at, problem: problem.to_owned() }
    }

    #[cold]
    #[inline(never)]
    fn broken(&mut self, what: &str) -> JsonError {
        JsonError { at: self.at, problem: ["the JSON is broken: expected ", what].concat() }
    }

    fn take(&mut self, wanted: u8, name: &str) -> Result<(), JsonError> {
        if self.peek() == Some(wanted) {
            self.at += 1;
            return Ok(());
        }
        Err(self.broken(name))
    }

    fn end(&mut self) -> Result<(), JsonError> {
        if self.peek().is_none() { Ok(()) } else { Err(self.broken("the end of the text")) }
    }

    fn literal(&mut self, word: &str) -> bool {
        let found =
            self.peek().is_some() && self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes()));
        if found {
            self.at += word.len();
        }
        found
    }

    /// Whether `null` comes next; then it is taken.
    pub fn null(&mut self) -> bool {
        self.literal("null")
    }

    /// A boolean.
    ///
    /// # Errors
    /// When something else comes next.
    pub fn boolean(&mut self) -> Result<bool, JsonError> {
        if self.literal("true") {
            Ok(true)
        } else if self.literal("false") {
            Ok(false)
        } else {
            Err(self.expected("a boolean"))
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// When something else comes next, or it does not fit.
    pub fn integer(&mut self) -> Result<i64, JsonError> {
        self.peek();
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')).count();
        match self.text.get(start..start + length).and_then(|digits| digits.parse().ok()) {
            Some(number) => {
                self.at += length;
                Ok(number)
            }
            None => Err(self.expected("a whole number")),
        }
    }

    /// A number or string, as its text: `0.5`, `4`, `"100Mi"`.
    ///
    /// # Errors
    /// When something else comes next.
    pub fn scalar(&mut self) -> Result<Cow<'a, str>, JsonError> {
        match self.peek() {
            Some(b'-' | b'0'..=b'9') => Ok(Cow::Borrowed(self.skip()?)),
            Some(b'"') => self.string(),
            _ => Err(self.expected("a number or a string")),
        }
    }

    /// A string; borrowed from the text where it holds no escapes.
    ///
    /// # Errors
    /// When something else comes next.
    #[inline(never)]
    pub fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a string"));
        }
        let start = self.at + 1;
        let escaped = self.skip_string()?;
        let text = self.text.get(start..self.at - 1).unwrap_or_default();
        Ok(if escaped { Cow::Owned(unescape(text)) } else { Cow::Borrowed(text) })
    }

    /// Moves behind a string; tells whether it holds escapes.
    fn skip_string(&mut self) -> Result<bool, JsonError> {
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        let mut escaped = false;
        loop {
            match bytes.get(at) {
                None => return Err(self.broken("the end of this string")),
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                }
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        Ok(escaped)
    }

    /// Skips a value, whatever it is; gives its text.
    ///
    /// # Errors
    /// When no value comes next, or it does not end.
    #[inline(never)]
    pub fn skip(&mut self) -> Result<&'a str, JsonError> {
        self.peek();
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.skip_string()?;
                }
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                Some(b'}' | b']') if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                Some(b',' | b':') if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                Some(b'-' | b'0'..=b'9' | b'a'..=b'z') => {
                    while bytes
                        .get(self.at)
                        .is_some_and(|byte| matches!(byte, b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E'))
                    {
                        self.at += 1;
                    }
                }
                _ => return Err(self.broken("a value")),
            }
            if depth == 0 {
                return Ok(self.text.get(start..self.at).unwrap_or_default());
            }
        }
    }

    /// Moves into a list; `false` for `null`, which is an empty one. Then [`next_item`](Self::next_item) is called until it says
    /// that there are no more.
    ///
    /// # Errors
    /// When something else comes next.
    pub fn enter_list(&mut self) -> Result<bool, JsonError> {
        if self.null() {
            return Ok(false);
        }
        if self.peek() != Some(b'[') {
            return Err(self.expected("a list"));
        }
        self.at += 1;
        Ok(true)
    }

    /// Moves to the next item of a list; `first` says whether it is the first.
    ///
    /// # Errors
    /// When the list is broken.
    pub fn next_item(&mut self, first: bool) -> Result<bool, JsonError> {
        match self.peek() {
            Some(b']') => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if first => Ok(true),
            _ => Err(self.broken("a comma or the end of the list")),
        }
    }

    /// Moves into an object; `false` for `null`, which is an empty one. Then [`next_key`](Self::next_key) is called until there are
    /// no more.
    ///
    /// # Errors
    /// When something else comes next.
    pub fn enter_object(&mut self) -> Result<bool, JsonError> {
        if self.null() {
            return Ok(false);
        }
        if self.peek() != Some(b'{') {
            return Err(self.expected("a map"));
        }
        self.at += 1;
        Ok(true)
    }

    /// The next key of an object, or `None` at its end; its value comes next.
    ///
    /// # Errors
    /// When the object is broken.
    #[inline(never)]
    pub fn next_key(&mut self, first: bool) -> Result<Option<Cow<'a, str>>, JsonError> {
        match self.peek() {
            Some(b'}') => {
                self.at += 1;
                return Ok(None);
            }
            Some(b',') if !first => self.at += 1,
            Some(_) if first => {}
            _ => return Err(self.broken("a comma or the end of the map")),
        }
        let key = self.string()?;
        self.take(b':', "a colon")?;
        Ok(Some(key))
    }

    /// Reads an object into a view, and skips what it does not know, or refuses it where reading is strict. `null` leaves the view as
    /// it is.
    ///
    /// # Errors
    /// When something else comes next, or a field is of another type.
    #[inline(never)]
    pub fn object(&mut self, view: &mut dyn View<'a>) -> Result<(), JsonError> {
        if !self.enter_object()? {
            return Ok(());
        }
        let mut first = true;
        while let Some(key) = self.next_key(first)? {
            first = false;
            if !view.read_field(&key, self)? {
                if self.strict {
                    self.peek();
                    let mut problem = String::from("unknown key, expected one of ");
                    for (index, known) in view.keys().iter().enumerate() {
                        problem.push_str(if index > 0 { ", " } else { "" });
                        problem.extend(camel_case(known));
                    }
                    return Err(JsonError { at: self.at, problem });
                }
                self.skip()?;
            }
        }
        Ok(())
    }
}

/// `allowed_roles` as `allowedRoles`, and the raw identifier `r#type` as `type`.
fn camel_case(name: &str) -> impl Iterator<Item = char> {
    let mut upper = false;
    name.strip_prefix("r#").unwrap_or(name).chars().filter_map(move |letter| {
        let here = std::mem::replace(&mut upper, letter == '_');
        (letter != '_').then(|| if here { letter.to_ascii_uppercase() } else { letter })
    })
}

/// Whether `key` is `name` in camel case.
#[doc(hidden)]
#[inline(never)]
pub fn is_camel_case_of(key: &str, name: &str) -> bool {
    key.chars().eq(camel_case(name))
}

/// Resolves the escapes of a string. What is no escape, or half of a surrogate pair, becomes U+FFFD.
#[inline(never)]
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut letters = after.chars();
        let letter = match letters.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(other @ ('"' | '\\' | '/')) => other,
            Some('u') => {
                let unit = hex(&mut letters);
                match unit {
                    Some(high @ 0xD800..=0xDBFF) => {
                        let mut ahead = letters.clone();
                        match (ahead.next(), ahead.next(), hex(&mut ahead)) {
                            (Some('\\'), Some('u'), Some(low @ 0xDC00..=0xDFFF)) => {
                                letters = ahead;
                                let point = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                                char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER)
                            }
                            _ => char::REPLACEMENT_CHARACTER,
                        }
                    }
                    Some(unit) => char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER),
                    None => char::REPLACEMENT_CHARACTER,
                }
            }
            _ => char::REPLACEMENT_CHARACTER,
        };
        plain.push(letter);
        rest = letters.as_str();
    }
    plain.push_str(rest);
    plain
}

fn hex(letters: &mut std::str::Chars<'_>) -> Option<u32> {
    let mut unit = 0;
    for _ in 0..4 {
        unit = unit * 16 + letters.next()?.to_digit(16)?;
    }
    Some(unit)
}
