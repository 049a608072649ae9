//! JSON values in a row, with positions. YAML's rules will not do: it knows no surrogate pairs, and one value only.

use serde_json::{Map, Number, Value};

use super::place::{At, Entry, Place};
use super::{Document, MAX_DEPTH, Node, YamlError, scalar, too_deep};

/// Every value of a text; lines of `---` may stand between them. The first error is the last element.
pub(super) fn documents(text: &str) -> Vec<Result<Document, YamlError>> {
    let mut reader = Reader { text, offset: 0, line: 1, column: 1 };
    let mut documents = Vec::new();
    loop {
        reader.skip_space();
        while reader.column == 1 && reader.rest().starts_with("---") {
            reader.advance(3);
            reader.skip_space();
        }
        if reader.rest().is_empty() {
            return documents;
        }
        match reader.value() {
            Ok((value, place)) => documents.push(Ok(Document { value, place })),
            Err(error) => {
                documents.push(Err(error));
                return documents;
            }
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    offset: usize,
    line: usize,
    column: usize,
}

/// A map or list whose end has not been read.
enum Open {
    List { at: At, values: Vec<Value>, places: Vec<Place> },
    Map { at: At, values: Map<String, Value>, places: Vec<Entry>, key: String, key_at: At },
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    fn at(&self) -> At {
        At::new(self.line, self.column)
    }

    fn error<T>(&self, problem: &str) -> Result<T, YamlError> {
        Err(YamlError::new(self.at(), problem))
    }

    /// Goes on by this many bytes, in which no line ends.
    fn advance(&mut self, bytes: usize) {
        self.column += self.rest().get(..bytes).map_or(bytes, |passed| passed.chars().count());
        self.offset += bytes;
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => (self.offset, self.line, self.column) = (self.offset + 1, self.line + 1, 1),
                b' ' | b'\t' | b'\r' => self.advance(1),
                _ => break,
            }
        }
    }

    /// A whole value, read without recursion.
    fn value(&mut self) -> Result<Node, YamlError> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.skip_space();
            let at = self.at();
            let mut node = match self.peek() {
                Some(b'{' | b'[') if open.len() == MAX_DEPTH => return Err(too_deep(at)),
                Some(b'{') => {
                    self.advance(1);
                    self.skip_space();
                    if self.peek() == Some(b'}') {
                        self.advance(1);
                        (Value::Object(Map::new()), Place::map(at, Vec::new()))
                    } else {
                        let (key, key_at) = self.key()?;
                        open.push(Open::Map { at, values: Map::new(), places: Vec::new(), key, key_at });
                        continue;
                    }
                }
                Some(b'[') => {
                    self.advance(1);
                    self.skip_space();
                    if self.peek() == Some(b']') {
                        self.advance(1);
                        (Value::Array(Vec::new()), Place::list(at, Vec::new()))
                    } else {
                        open.push(Open::List { at, values: Vec::new(), places: Vec::new() });
                        continue;
                    }
                }
                _ => (self.scalar()?, Place::scalar(at)),
            };
            // What is complete goes into what is open, which may be complete then.
            loop {
                let Some(parent) = open.pop() else { return Ok(node) };
                self.skip_space();
                match parent {
                    Open::List { at, mut values, mut places } => {
                        values.push(node.0);
                        places.push(node.1);
                        match self.peek() {
                            Some(b',') => {
                                self.advance(1);
                                open.push(Open::List { at, values, places });
                                break;
                            }
                            Some(b']') => {
                                self.advance(1);
                                node = (Value::Array(values), Place::list(at, places));
                            }
                            _ => return self.error("expected `,` or `]`"),
                        }
                    }
                    Open::Map { at, mut values, mut places, key, key_at } => {
                        places.push(Entry { key: key.as_str().into(), at: key_at, place: node.1 });
                        values.insert(key, node.0);
                        match self.peek() {
                            Some(b',') => {
                                self.advance(1);
                                self.skip_space();
                                let (key, key_at) = self.key()?;
                                if values.contains_key(&key) {
                                    return Err(YamlError::new(key_at, format!("the key `{key}` is already set in this map")));
                                }
                                open.push(Open::Map { at, values, places, key, key_at });
                                break;
                            }
                            Some(b'}') => {
                                self.advance(1);
                                node = (Value::Object(values), Place::map(at, places));
                            }
                            _ => return self.error("expected `,` or `}`"),
                        }
                    }
                }
            }
        }
    }

    /// A key and its colon.
    fn key(&mut self) -> Result<(String, At), YamlError> {
        let at = self.at();
        if self.peek() != Some(b'"') {
            return self.error("expected a key in double quotes");
        }
        let key = self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return self.error("expected `:`");
        }
        self.advance(1);
        Ok((key, at))
    }

    fn scalar(&mut self) -> Result<Value, YamlError> {
        if self.peek() == Some(b'"') {
            return self.string().map(Value::String);
        }
        let rest = self.rest();
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
        let word = rest.get(..length).unwrap_or_default();
        let value = match word {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => match serde_json::from_str::<Number>(word).ok().and_then(normal) {
                Some(number) => Value::Number(number),
                None if rest.is_empty() => return self.error("the text ends in the middle of a value"),
                None => return self.error("expected a value"),
            },
        };
        self.advance(length);
        Ok(value)
    }

    fn string(&mut self) -> Result<String, YamlError> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let mut end = 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                None | Some(b'\n') => return self.error("a string without end"),
                Some(_) => end += 1,
            }
        }
        let quoted = rest.get(..=end).unwrap_or_default();
        match serde_json::from_str(quoted) {
            Ok(text) => {
                self.advance(quoted.len());
                Ok(text)
            }
            Err(_) => self.error("a string with an escape or a character that JSON does not know"),
        }
    }
}

/// As the API server keeps it.
fn normal(number: Number) -> Option<Number> {
    match number.as_f64() {
        Some(value) if number.is_f64() => scalar::float(value),
        _ => Some(number),
    }
}
