use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::*;

fn one(text: &str) -> Document {
    let mut documents = documents(text);
    assert_eq!(documents.len(), 1, "{documents:?}");
    documents.remove(0).unwrap()
}

fn error(text: &str) -> YamlError {
    documents(text).into_iter().find_map(Result::err).expect("an error")
}

fn located(document: &Document, path: &str) -> (usize, usize) {
    let position = document.locate(path);
    (position.line, position.column)
}

#[test]
fn scalars_mean_what_they_mean_to_kubectl() {
    for (text, value) in [
        ("yes", json!(true)),
        ("Off", json!(false)),
        ("n", json!(false)),
        ("~", json!(null)),
        ("", json!(null)),
        ("0644", json!(420)),
        ("0o17", json!(15)),
        ("0x1F", json!(31)),
        ("0b101", json!(5)),
        ("-0x10", json!(-16)),
        ("+7", json!(7)),
        ("08", json!(8)),
        ("1_000", json!(1000)),
        ("1.0", json!(1)),
        ("1.5", json!(1.5)),
        ("-.5", json!(-0.5)),
        ("1e3", json!(1000)),
        ("1e", json!("1e")),
        ("0x", json!("0x")),
        ("1.2.3", json!("1.2.3")),
        ("12:30:45", json!("12:30:45")),
        ("2024-01-01", json!("2024-01-01")),
        ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("1e400", json!("1e400")),
        ("+-7", json!("+-7")),
        ("'yes'", json!("yes")),
        ("\"0644\"", json!("0644")),
        ("!!str 0644", json!("0644")),
        ("!!int '7'", json!(7)),
        ("!custom 7", json!("7")),
        ("!!python/name:x.y ''", json!("")),
        ("tRue", json!("tRue")),
    ] {
        assert_eq!(one(&format!("a: {text}\n")).value(), &json!({"a": value}), "{text}");
    }
}

#[test]
fn numbers_that_json_lacks_are_errors() {
    assert_eq!(error("a:\n  b: .inf\n").position, Position { line: 2, column: 6 });
    assert_eq!(error("a: !!int x").position, Position { line: 1, column: 4 });
    assert_eq!(error("a: !!binary aGk=").position, Position { line: 1, column: 4 });
}

#[test]
fn keys_are_strings() {
    assert_eq!(one("1: a\ntrue: b\non: c2\n".replace("true: b\n", "").as_str()).value(), &json!({"1": "a", "true": "c2"}));
    assert_eq!(error("? [a]\n: b\n").problem, "a key must be a string");
    assert_eq!(error("~: b\n").problem, "a key must be a string");
}

#[test]
fn every_field_has_its_place() {
    let document = one("# comment
apiVersion: v1
metadata:
  name: x
  annotations:
    a.b/c: 'val'
    plain.dots: two
spec:
  containers:
  - name: one
    command: [\"sh\", \"-c\"]
    env:
      - name: A
        value: |
          text
      - {name: B, value: ä, other: c}
    empty:
  none: {}
");
    for (path, place) in [
        ("", (2, 1)),
        ("apiVersion", (2, 13)),
        ("metadata", (3, 1)),
        ("metadata.annotations[a.b/c]", (6, 12)),
        ("metadata.annotations.plain.dots", (7, 17)),
        ("metadata.annotations['a.b/c']", (6, 12)),
        ("metadata.labels.app", (3, 1)),
        ("spec.containers", (9, 3)),
        ("spec.containers[0]", (10, 5)),
        ("spec.containers[0].command", (11, 5)),
        ("spec.containers[0].command[1]", (11, 21)),
        ("spec.containers[0].env[0].value", (14, 9)),
        ("spec.containers[0].env[1]", (16, 9)),
        ("spec.containers[0].env[1].value", (16, 26)),
        ("spec.containers[0].env[1].other", (16, 36)),
        ("spec.containers[0].env[7].value", (12, 5)),
        ("spec.containers[1]", (9, 3)),
        ("spec.none.deeper[0].still", (18, 3)),
        ("]][[..", (2, 1)),
    ] {
        assert_eq!(located(&document, path), place, "{path}");
    }
    assert_eq!(located(&document, "spec.containers[0].empty").0, 17);
    assert_eq!(document.position(), Position { line: 2, column: 1 });
}

#[test]
fn documents_are_separate() {
    let read = documents("a: 1\n---\nb: [\n---\n# nothing\n---\nc: 3\n...\n--- {d: 4}\n--- |\n text\n");
    let values: Vec<_> = read.iter().map(|document| document.as_ref().ok().map(Document::value)).collect();
    assert_eq!(
        values,
        [
            Some(&json!({"a": 1})),
            None,
            Some(&json!(null)),
            Some(&json!({"c": 3})),
            Some(&json!({"d": 4})),
            Some(&json!("text\n"))
        ]
    );
    assert!(read[2].as_ref().unwrap().is_empty());
    assert_eq!(read[3].as_ref().unwrap().position(), Position { line: 7, column: 1 });
    assert_eq!(read[4].as_ref().unwrap().locate("d"), Position { line: 9, column: 9 });
    let broken = read[1].as_ref().unwrap_err();
    assert!((3..=4).contains(&broken.position.line), "{broken}");
}

#[test]
fn separators_stand_in_the_first_column_only() {
    let text = "a: |\n  x\n  ---\n  y\nb: '\n  --- '\n";
    assert_eq!(one(text).value(), &json!({"a": "x\n---\ny\n", "b": " --- "}));
    assert_eq!(one("a: ---b\n").value(), &json!({"a": "---b"}));
}

#[test]
fn directives_belong_to_the_next_document() {
    let read = documents("%YAML 1.2\n# c\n---\na: 1\n...\n%TAG ! tag:example.com,2000:\n---\nb: 2\n");
    let values: Vec<_> = read.into_iter().map(|document| document.unwrap().into_value()).collect();
    assert_eq!(values, [json!({"a": 1}), json!({"b": 2})]);
}

#[test]
fn empty_texts_hold_no_document_or_an_empty_one() {
    for text in ["", "\n\n", "# only a comment\n", "---\n", "--- # c\n...\n", "\u{feff}"] {
        assert!(documents(text).iter().all(|document| document.as_ref().unwrap().is_empty()), "{text:?}");
    }
}

#[test]
fn anchors_aliases_and_merges() {
    let document = one("
base: &base {a: 1, b: 2}
other: &other
  b: 3
  c: 4
one:
  <<: *base
  a: own
two:
  <<: [*other, *base]
list: [*base, \"<<\"]
quoted: {\"<<\": 5}
");
    assert_eq!(document.value()["one"], json!({"a": "own", "b": 2}));
    assert_eq!(document.value()["two"], json!({"a": 1, "b": 3, "c": 4}));
    assert_eq!(document.value()["list"], json!([{"a": 1, "b": 2}, "<<"]));
    assert_eq!(document.value()["quoted"], json!({"<<": 5}));
    assert_eq!(located(&document, "one.b"), (2, 23));
    assert_eq!(located(&document, "two.c"), (5, 6));
    assert_eq!(located(&document, "list[0]"), (11, 8));
    assert_eq!(located(&document, "list[0].a"), (2, 17));
    assert_eq!(error("a: &a [*a]\n").position, Position { line: 1, column: 8 });
    assert_eq!(error("a: {<<: 1}\n").problem, "`<<` merges a map, or a list of maps");
    assert!(error("a: *nowhere\n").problem.contains("anchor"));
}

#[test]
fn aliases_cannot_explode() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let item = format!("*a{},", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", item.repeat(9)));
    }
    assert_eq!(error(&text).problem, "aliases repeat more than 32 MiB");
    // Depth grows through aliases too.
    let mut text = "a0: &a0 []\n".to_owned();
    for level in 1..=300 {
        text.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert!(error(&text).problem.starts_with("nested more than"));
}

#[test]
fn a_key_is_set_once() {
    let twice = error("a:\n  b: 1\n  c: 2\n  b: 3\n");
    assert_eq!(
        (twice.position, twice.problem.as_str()),
        (Position { line: 4, column: 3 }, "the key `b` is already set in this map")
    );
    assert_eq!(error("{\"a\": 1, \"a\": 2}").position, Position { line: 1, column: 10 });
    assert_eq!(one("{\"a\": {\"a\": 1}}").value(), &json!({"a": {"a": 1}}));
}

#[test]
fn ten_thousand_levels_are_an_error() {
    let expected = format!("nested more than {MAX_DEPTH} levels deep");
    let block: String = (0..10_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    for text in [
        "[".repeat(10_000),
        "{\"a\":".repeat(10_000),
        "{a: ".repeat(10_000),
        "- ".repeat(10_000),
        format!("x: {}", "[".repeat(10_000)),
        block,
    ] {
        assert_eq!(error(&text).problem, expected, "{:.20}", text);
    }
    let fits = format!("{}1{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert!(!one(&fits).is_empty());
    assert!(!one(&fits.replace("[1]", "{a: b}")).is_empty());
}

#[test]
fn json_is_read_by_its_own_rules() {
    let document = one("{\n\t\"a\": [1, 2.0, -3e2, true, null, \"\\ud83d\\ude00\\/\"],\n\t\"ä\": {\"b\": {}}\n}\n");
    assert_eq!(document.value(), &json!({"a": [1, 2, -300, true, null, "😀/"], "ä": {"b": {}}}));
    assert_eq!(located(&document, "a[3]"), (2, 22));
    assert_eq!(located(&document, "ä.b"), (3, 8));
    let stream = documents("{\"a\": 1}{\"a\": 2}\n---\n{\"a\": 3}\n");
    assert_eq!(stream.len(), 3);
    assert_eq!(stream[2].as_ref().unwrap().locate("a"), Position { line: 3, column: 7 });
    assert_eq!(one("{a: b, c: [d]}").value(), &json!({"a": "b", "c": ["d"]}));
    assert_eq!(error("{\"a\": 1\n  \"b\": 2}").position, Position { line: 2, column: 3 });
    assert_eq!(error("{\"a\": ").position, Position { line: 1, column: 7 });
    for text in ["{\"a\": \"x", "[1,", "{\"a\" 1}", "{{ .Values.x }}", "{\"a\": \"\\q\"}", "[1]]"] {
        let error = error(text);
        assert_eq!(error.position.line, 1, "{text}: {error}");
    }
}

#[test]
fn characters_that_end_a_text_early_are_errors() {
    let hidden = error("a: 1\nb: x\0\nc: 2\n");
    assert_eq!(hidden.to_string(), "line 2, column 5: the character U+0000 is not allowed in YAML");
    assert!(error("a: \u{1b}[31m").problem.contains("U+001B"));
}

#[test]
fn windows_line_ends() {
    let read = documents("a: 1\r\n---\r\nb:\r\n  c: 2\r\n");
    assert_eq!(read[1].as_ref().unwrap().value(), &json!({"b": {"c": 2}}));
    assert_eq!(read[1].as_ref().unwrap().locate("b.c"), Position { line: 4, column: 6 });
}

#[test]
fn three_megabytes_are_normal() {
    let text = format!("data:\n  a: \"{}\"\n  b: |\n    {}\nlast: 1\n", "x".repeat(1_500_000), "word ".repeat(300_000));
    assert_eq!(located(&one(&text), "last"), (5, 7));
    let many: String = (0..60_000).map(|index| format!("  - {{name: key-{index}, value: some text}}\n")).collect();
    assert_eq!(located(&one(&format!("env:\n{many}")), "env[59999].value").0, 60_001);
    let json = format!("{{\"env\": [{}1]}}", "{\"name\": \"a\", \"value\": \"b\"},".repeat(100_000));
    assert_eq!(located(&one(&json), "env[100000]"), (1, 10 + 100_000 * 28));
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Sample {
    name: String,
    #[serde(default)]
    port: u16,
    #[serde(default)]
    inner: Vec<Inner>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Inner {
    level: Level,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Level {
    High,
    Low,
}

#[test]
fn typed_values_and_their_errors() {
    let read = |text: &str| from_str::<Sample>(text).map_err(|error| error.to_string());
    assert_eq!(
        read("name: a\ninner:\n  - level: high\n  - level: low\n"),
        Ok(Sample { name: "a".into(), port: 0, inner: vec![Inner { level: Level::High }, Inner { level: Level::Low }] })
    );
    assert_eq!(read("name: a\nport: hunter2\n"), Err("line 2, column 7: expected u16".into()));
    assert_eq!(read("name: a\nport: 70000\n"), Err("line 2, column 7: expected u16".into()));
    assert_eq!(read("name: a\ninner:\n  - level: hunter2\n"), Err("line 3, column 12: expected `high` or `low`".into()));
    assert_eq!(
        read("name: a\nprot: 1\n"),
        Err("line 2, column 1: unknown key `prot`, expected one of `name`, `port`, `inner`".into())
    );
    assert_eq!(read("name: a\ninner:\n  - {}\n"), Err("line 3, column 5: missing key `level`".into()));
    assert_eq!(read("name: [hunter2]\n"), Err("line 1, column 7: expected a string".into()));
    assert_eq!(read("name: a\ninner: [hunter2]\n"), Err("line 2, column 9: expected struct Inner".into()));
    assert_eq!(read("name: {a: b}\n"), Err("line 1, column 7: expected a string".into()));
    assert_eq!(read("name: a\n---\nname: b\n"), Err("line 3, column 1: expected one document, found another".into()));
    assert!(read("").unwrap_err().starts_with("line 1, column 1: "));
}

/// YAML that this crate's reader and another one agree on.
fn plain_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zA-Z0-9 .:/_#'\"äß-]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z./-]{1,6}", inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Block style, with every string in double quotes.
fn print_block(value: &Value, indent: usize, text: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                text.push_str(&format!("\n{pad}-"));
                print_block(item, indent + 2, text);
            }
        }
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                text.push_str(&format!("\n{pad}\"{key}\":"));
                print_block(value, indent + 2, text);
            }
        }
        scalar => text.push_str(&format!(" {scalar}")),
    }
}

/// The path of every scalar.
fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| paths(item, &format!("{path}[{index}]"), found))
        }
        Value::Object(entries) => entries.iter().for_each(|(key, value)| paths(value, &format!("{path}[{key}]"), found)),
        _ => found.push(path.to_owned()),
    }
}

proptest! {
    #[test]
    fn reads_back_what_was_written(value in plain_value()) {
        let json = serde_json::to_string_pretty(&value).unwrap();
        let mut block = String::new();
        print_block(&value, 0, &mut block);
        for text in [json, block] {
            let document = one(&text);
            prop_assert_eq!(document.value(), &value, "{}", text);
            // Each scalar stands where its position says.
            let mut found = Vec::new();
            paths(&value, "", &mut found);
            for path in found {
                let position = document.locate(&path);
                let line = text.split('\n').nth(position.line - 1).unwrap();
                let here: String = line.chars().skip(position.column - 1).collect();
                let pointer = path.replace('/', "~1").replace("][", "/").replace('[', "/").replace(']', "");
                let scalar = value.pointer(&pointer).unwrap();
                prop_assert!(here.starts_with(&scalar.to_string()), "{} at {:?}: {}", path, position, here);
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\-?:,\\[\\]{}#&*!|>'\"%@` \n\tab0{]{0,60}") {
        for document in documents(&text).into_iter().flatten() {
            document.locate("a.b[0][c]");
        }
    }
}

#[test]
fn lines_of_literal_blocks_are_those_of_the_document() {
    let text = "data:\n  a: |\n    one\n    two\n  b: |2-\n\n     one\n    two\n  c: >\n    one\n    two\n  d: \"one\\ntwo\"\n  e: # x\n    |\n    one\n    two\n  f: &f |\n    one\n  g: *f\n---\n- |\n  one\n  two\n";
    let read = documents(text);
    let document = read[0].as_ref().unwrap();
    let at = |path: &str, line| {
        let Position { line, column } = document.locate_line(path, line);
        (line, column)
    };
    assert_eq!(at("data.a", 1), (3, 5));
    assert_eq!(at("data.a", 2), (4, 5));
    // The first line is empty, and counts.
    assert_eq!(document.value()["data"]["b"], "\n one\ntwo");
    assert_eq!(at("data.b", 2), (7, 5));
    assert_eq!(at("data.b", 3), (8, 5));
    // Lines of folded and quoted texts are not those of the document, and an alias has none.
    assert_eq!(at("data.c", 2), (9, 3));
    assert_eq!(at("data.d", 2), (12, 6));
    assert_eq!(at("data.e", 2), (16, 5));
    assert_eq!(at("data.f", 1), (17, 6));
    assert_eq!(at("data.g", 1), (19, 6));
    // What is no text, or not there.
    assert_eq!(at("data", 2), (1, 1));
    assert_eq!(at("data.z", 2), (1, 1));
    assert_eq!(read[1].as_ref().unwrap().locate_line("[0]", 2), Position { line: 23, column: 3 });
}
