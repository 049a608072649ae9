//! What a scalar means, by the rules of `sigs.k8s.io/yaml`: YAML 1.1 without sexagesimal numbers, dates as strings.

use saphyr_parser::Tag;
use serde_json::{Number, Value};

/// What a scalar without quotes means.
///
/// # Errors
/// When JSON has no such value.
pub(super) fn resolve(text: &str) -> Result<Value, &'static str> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" => {
            return Err("JSON, and so Kubernetes, has no such number");
        }
        _ => number(text).map_or_else(|| Value::from(text), Value::Number),
    })
}

/// What a scalar with a tag means.
///
/// # Errors
/// When it is not what the tag says.
pub(super) fn tagged(tag: &Tag, text: &str) -> Result<Value, &'static str> {
    if !tag.is_yaml_core_schema() {
        return Ok(Value::from(text));
    }
    let value = match tag.suffix.as_str() {
        "null" | "bool" | "int" | "float" | "timestamp" => resolve(text)?,
        "binary" => return Err("!!binary is not read; write the base64 text as a string"),
        // `str`, and what other languages define for themselves.
        _ => return Ok(Value::from(text)),
    };
    match (tag.suffix.as_str(), &value) {
        ("null", Value::Null) | ("bool", Value::Bool(_)) | ("float", Value::Number(_)) | ("timestamp", Value::String(_)) => {
            Ok(value)
        }
        ("int", Value::Number(number)) if !number.is_f64() => Ok(value),
        _ => Err("the value is not what its tag says"),
    }
}

/// A key, as JSON has it: a string. `None` for `null`, maps and lists.
pub(super) fn key(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A JSON number as the API server keeps it: `1.0` is the integer 1.
pub(super) fn float(value: f64) -> Option<Number> {
    // Every integer up to here is a float exactly.
    const EXACT: f64 = (1_u64 << 53) as f64;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}

fn number(text: &str) -> Option<Number> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    // Only digits may be parted by underscores, but Go drops them wherever they stand.
    let digits = if text.contains('_') && !text.starts_with('.') { &*text.replace('_', "") } else { text };
    integer(digits).or_else(|| if is_float(digits) { float(digits.parse().ok()?) } else { None })
}

/// Go's `strconv.ParseInt(text, 0, 64)`: a leading 0 makes it octal.
fn integer(text: &str) -> Option<Number> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, unsigned.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, unsigned.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, unsigned.get(2..)?),
        [b'0', _, ..] => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    // Rust's parsers take another sign here.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if negative { 0_i64.checked_sub_unsigned(value).map(Number::from) } else { Some(Number::from(value)) }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let some_digits = |text: &str| !text.is_empty() && digits(text);
    let mantissa = match mantissa.split_once('.') {
        Some(("", after)) => some_digits(after),
        Some((before, after)) => some_digits(before) && digits(after),
        None => some_digits(mantissa),
    };
    mantissa && exponent.is_none_or(|exponent| some_digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)))
}
