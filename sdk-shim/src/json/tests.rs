use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

crate::view! {
    struct Outer<'a> {
        name: Str<'a> as "name",
        tags: List<Str<'a>> as "tags",
        labels: Map<'a> as "labels",
        inner: List<Inner<'a>> as "inner",
        raw: Raw<'a> as "raw",
    }

    struct Inner<'a> {
        name: Str<'a> as "name",
        count: Option<u32> as "count" | "number",
        on: Option<bool> as "on",
    }
}

#[test]
fn null_is_empty() {
    let view: Outer<'_> = from_str(r#"{"name":null,"tags":null,"labels":null,"inner":[null, {"count":null}]}"#).unwrap();
    assert_eq!(view.name, "");
    assert!(view.tags.is_empty() && view.labels.is_empty());
    assert_eq!((view.inner.len(), view.inner[0].count, view.inner[1].on), (2, None, None));
    assert_eq!(view.inner[0].name, "");
    assert!(from_str::<Outer<'_>>("null").unwrap().name.is_empty());
}

#[test]
fn strings_borrow_unless_escaped() {
    let text = r#"{"name":"plain","tags":["a\nb", "\u00e4\ud83d\ude00\"\\\/", "\ud83d x \q"],"labels":{"x":"1","x":"2"}}"#;
    let view: Outer<'_> = from_str(text).unwrap();
    let borrowed = text.as_bytes().as_ptr_range().contains(&view.name.as_ptr());
    assert!(borrowed && view.name == "plain");
    assert_eq!(view.tags[0], "a\nb");
    assert_eq!(view.tags[1], "ä😀\"\\/");
    assert_eq!(view.tags[2], "\u{fffd} x \u{fffd}");
    assert_eq!(view.labels.get("x").map(Str::as_str), Some("2"));
}

#[test]
fn raw_values_are_the_text() {
    let view: Outer<'_> = from_str(r#"{"raw": {"a": ["]", 1.5e3, true]} , "name":"x"}"#).unwrap();
    assert_eq!((view.raw.get(), view.name.as_str()), (r#"{"a": ["]", 1.5e3, true]}"#, "x"));
}

#[test]
fn errors_name_the_field_and_no_value() {
    for (text, path, problem) in [
        (r#"{"name": {"a": 1}}"#, "name", "expected a string, found a map"),
        (r#"{"tags": "hunter2"}"#, "tags", "expected a list, found a string"),
        (r#"{"tags": ["a", 7]}"#, "tags[1]", "expected a string, found a number"),
        (r#"{"labels": {"a.b/c": true}}"#, "labels[a.b/c]", "expected a string, found a boolean"),
        (r#"{"inner": [{}, {"count": "x"}]}"#, "inner[1].count", "expected a whole number, found a string"),
        (r#"{"inner": [{"count": -1}]}"#, "inner[0].count", "expected a whole number from 0 to 4294967295, found a number"),
        (r#"{"inner": [{"count": 1.5}]}"#, "inner[0].count", "expected a whole number, found a number"),
        (r#"{"inner": [[]]}"#, "inner[0]", "expected a map, found a list"),
        (r#"{"inner": [{"on": "yes"}]}"#, "inner[0].on", "expected a boolean, found a string"),
        (
            "{\n \"inner\": [\n{\"x\": [{}], \"count\": \"a, expected b\"}]}",
            "inner[0].count",
            "expected a whole number, found a string",
        ),
        (r#"{"name": "x" "tags": []}"#, "name", "the JSON is broken: expected a comma or the end of the map"),
        (r#"{"name": "x"#, "name", "the JSON is broken: expected the end of this string"),
        (r#"{"name": "x"} x"#, "", "the JSON is broken: expected the end of the text"),
        ("", "", "expected a map, found the end of the text"),
    ] {
        let fault = explain(text, from_str::<Outer<'_>>(text).unwrap_err());
        assert_eq!((fault.path.as_str(), fault.problem.as_str()), (path, problem), "{text}");
    }
}

#[test]
fn strict_reading_refuses_unknown_keys() {
    let text = r#"{"inner": [{"nmae": 1}]}"#;
    assert!(from_str::<Outer<'_>>(text).is_ok());
    let fault = explain(text, read_strictly::<Outer<'_>>(text).unwrap_err());
    assert_eq!(
        (fault.path.as_str(), fault.problem.as_str()),
        ("inner[0].nmae", "unknown key, expected one of name, count, on")
    );
}

#[test]
fn numbers_with_a_point() {
    for (text, number) in [("4", 4.0), ("3.5", 3.5), ("-0.25", -0.25), ("0.001", 0.001), ("100", 100.0)] {
        assert_eq!(from_str::<f64>(text), Ok(number));
    }
    for text in ["\"4\"", "1e3", "1.", "12345678901", "true", "1.0000000001"] {
        assert!(from_str::<f64>(text).is_err(), "{text}");
    }
}

#[test]
fn digs_without_recursion() {
    let deep = format!(r#"{{"deep":{}{},"spec":{{"template":{{"x":1}}}}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let raw = Raw::new(&deep);
    assert_eq!(dig(raw, &["spec", "template"]).unwrap().unwrap().get(), r#"{"x":1}"#);
    assert!(dig(raw, &["spec", "missing", "x"]).unwrap().is_none());
    let fault = explain(&deep, dig(raw, &["spec", "template", "x", "y"]).unwrap_err());
    assert_eq!((fault.path.as_str(), fault.problem.as_str()), ("spec.template.x", "expected a map, found a number"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-c\"\\\\]{0,3}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn skips_whatever_serde_writes(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let raw: Raw<'_> = from_str(&text).unwrap();
        prop_assert_eq!(raw.get(), &text);
    }

    #[test]
    fn reads_strings_as_serde_does(text in ".{0,40}", ascii in any::<bool>()) {
        let written = if ascii {
            // Every character as an escape.
            let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            format!("\"{units}\"")
        } else {
            serde_json::to_string(&text).unwrap()
        };
        prop_assert_eq!(from_str::<String>(&written).unwrap(), text);
    }

    #[test]
    fn writes_strings_as_serde_reads_them(key in ".{0,10}", text in "(?s).{0,40}") {
        let mut writer = Writer::default();
        writer.open('{').field(&key, &text).key("list").open('[').raw("1").string(&text).open('{').close('}').close(']').close('}');
        let read: Value = serde_json::from_str(&writer.finish()).unwrap();
        if key != "list" {
            prop_assert_eq!(&read[&key], &json!(text));
        }
        prop_assert_eq!(&read["list"], &json!([1, text, {}]));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}\",:a-z0-9.\\\\u \\-]{0,40}") {
        let _ = from_str::<Outer<'_>>(&text).map_err(|error| explain(&text, error));
        let _ = dig(Raw::new(&text), &["a", "b"]);
    }
}
