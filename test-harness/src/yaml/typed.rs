//! A document as a typed value, by serde, with the position of the field at fault.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::YamlError;
use super::place::{At, Place, Shape};

/// Reads a value; its fields' places are for errors.
pub(super) fn parse<T: DeserializeOwned>(value: &Value, place: &Place) -> Result<T, YamlError> {
    let mut printer = Printer::default();
    printer.print(value, place);
    // serde_json tells where in a text it failed, and never where in a value.
    serde_json::from_str(&printer.text).map_err(|error| {
        // The last byte that it read, which stands before the value if it is the wrong kind of map or list.
        let last = error.column().saturating_sub(1);
        let fault = if matches!(printer.text.as_bytes().get(last), Some(b':' | b',' | b'[')) { last + 1 } else { last };
        YamlError::new(printer.at(fault).unwrap_or(place.at), without_values(&error.to_string()))
    })
}

/// Prints JSON in one line, and remembers where each part of it comes from.
#[derive(Default)]
struct Printer {
    text: String,
    /// The bytes of each key and value, and its place; a value comes after those in it.
    parts: Vec<(std::ops::Range<usize>, At)>,
}

impl Printer {
    fn print(&mut self, value: &Value, place: &Place) {
        let start = self.text.len();
        match (value, &place.shape) {
            (Value::Array(values), Shape::List(places)) => {
                self.text.push('[');
                for (index, (value, place)) in values.iter().zip(places).enumerate() {
                    if index > 0 {
                        self.text.push(',');
                    }
                    self.print(value, place);
                }
                self.text.push(']');
            }
            (Value::Object(values), Shape::Map(entries)) => {
                self.text.push('{');
                for (index, entry) in entries.iter().enumerate() {
                    if index > 0 {
                        self.text.push(',');
                    }
                    let key_start = self.text.len();
                    self.scalar(&Value::from(&*entry.key));
                    self.parts.push((key_start..self.text.len(), entry.at));
                    self.text.push(':');
                    self.print(values.get(&*entry.key).unwrap_or(&Value::Null), &entry.place);
                }
                self.text.push('}');
            }
            (scalar, _) => self.scalar(scalar),
        }
        self.parts.push((start..self.text.len(), place.at));
    }

    fn scalar(&mut self, value: &Value) {
        self.text.push_str(&value.to_string());
    }

    /// The smallest part that this byte is in.
    fn at(&self, offset: usize) -> Option<At> {
        self.parts.iter().find(|(range, _)| range.contains(&offset)).map(|(_, at)| *at)
    }
}

/// serde quotes the value that does not fit: says what was expected only.
fn without_values(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(what, _)| what);
    match message.split_once(": ") {
        Some(("invalid type" | "invalid value" | "invalid length", rest)) => match rest.rsplit_once(", expected ") {
            Some((_, expected)) => format!("expected {expected}"),
            None => "a value that does not fit".to_owned(),
        },
        _ => match message.strip_prefix("unknown variant ").and_then(|rest| rest.rsplit_once(", expected ")) {
            Some((_, expected)) => format!("expected {expected}"),
            None => message.replace("unknown field", "unknown key").replace("missing field", "missing key"),
        },
    }
}
