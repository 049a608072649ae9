//! `questions-ui.yml`: the form in which Rancher asks for a policy's settings.
//!
//! Each setting is a question, with the fields of structs below it, and each rule is one, for its level. A rule's question stands by
//! itself, and not below one for `rules`: where the form has a choice below a map, each answer makes it forget the others.

use std::path::PathBuf;

use palisade_harness::{SettingDescription, Severity};
use serde::Serialize;
use serde_json::{Value, json};

use super::catalogue::default_value;
use super::{Entry, GenerateError, MARK};

/// Lists of numbers: the form has but text for the items of a list.
const NUMBERS: &str = "The items are numbers: write them in the YAML view, since this form would put them in quotes.";

/// Strings in structs that may be left out although they are no `Option`: the name of the core API group is empty.
const MAY_BE_EMPTY: &str = "apiGroup";

/// How words of keys are written in labels.
const WORDS: &[(&str, &str)] = &[("api", "API"), ("http", "HTTP"), ("ipv4", "IPv4"), ("ipv6", "IPv6"), ("tls", "TLS")];

#[derive(Serialize)]
struct Form {
    questions: Vec<Question>,
}

#[derive(Default, Serialize)]
struct Question {
    /// Absent where the setting is absent by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    tooltip: &'static str,
    group: &'static str,
    label: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<String>,
    required: bool,
    /// Of a map whose keys have questions of their own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hide_input: bool,
    #[serde(rename = "type")]
    kind: &'static str,
    variable: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subquestions: Vec<Self>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sequence_questions: Vec<Self>,
}

/// The form of a policy, as the file in its folder.
///
/// # Errors
/// When a setting's default cannot be read.
pub fn file(entry: &Entry) -> Result<(PathBuf, String), GenerateError> {
    let failed = |problem: String| GenerateError::Module(format!("{}: {problem}", entry.name));
    let mut questions = Vec::new();
    for setting in &entry.description.settings {
        // What is said of defaults is JSON, which is YAML as well.
        let default: Value = serde_json::from_str(&default_value(setting))
            .map_err(|error| failed(format!("the default of {} is no value ({error}): {}", setting.key(), setting.default)))?;
        let description = setting.doc.split_whitespace().collect::<Vec<_>>().join(" ");
        questions.push(Question {
            default: Some(default).filter(|default| !default.is_null()),
            description,
            ..question(setting, "")
        });
    }
    questions.extend(entry.description.rules.iter().map(|rule| Question {
        default: Some(json!(rule.severity)),
        description: rule.summary.clone(),
        group: "Rules",
        label: rule.id.clone(),
        options: vec![Severity::Deny.to_string(), Severity::Warn.to_string(), "off".to_owned()],
        kind: "enum",
        variable: format!("rules.{}", rule.id),
        ..Question::default()
    }));
    let form = serde_norway::to_string(&Form { questions }).map_err(|error| failed(error.to_string()))?;
    // To YAML 1.1, which some read, the word is a boolean.
    let form = form.replace("\n  - off\n", "\n  - 'off'\n");
    Ok((entry.dir.join("questions-ui.yml"), format!("# {MARK}.\n{form}")))
}

/// Whether a field of a struct cannot be left out.
pub fn is_mandatory(field: &SettingDescription) -> bool {
    field.kind == "String" && field.default.is_empty() && field.key() != MAY_BE_EMPTY
}

/// The question for a setting, or for a field below one; `above` is what its variable begins with. Its default is that of its type.
fn question(setting: &SettingDescription, above: &str) -> Question {
    let variable = format!("{above}{}", setting.key());
    let inside = |kind: &str, wrapper: &str| Some(kind.strip_prefix(wrapper)?.strip_suffix('>')?.trim().to_owned());
    let optional = inside(&setting.kind, "Option<");
    let of = optional.clone().unwrap_or_else(|| setting.kind.clone());
    let item = inside(&of, "Vec<");
    let is_number = |kind: &str| matches!(kind, "u8" | "u16" | "u32" | "u64" | "usize");
    let below = |above: &str| setting.fields.iter().map(|field| question(field, above)).collect::<Vec<_>>();
    let mut question = Question { group: "Settings", label: label(&setting.key()), variable, ..Question::default() };
    let default = match item {
        Some(item) => {
            question.sequence_questions = below("");
            question.kind = if setting.fields.is_empty() { "array[" } else { "sequence[" };
            if is_number(&item) {
                question.tooltip = NUMBERS;
            }
            Some(json!([]))
        }
        None if !setting.fields.is_empty() => {
            question.subquestions = below(&format!("{}.", question.variable));
            question.kind = "map[";
            question.hide_input = true;
            Some(json!({}))
        }
        None if !setting.choices.is_empty() => {
            question.options.clone_from(&setting.choices);
            question.kind = "enum";
            None
        }
        None => {
            let (kind, default) = match of.as_str() {
                "bool" => ("boolean", json!(false)),
                "f32" | "f64" => ("float", json!(0.0)),
                "Map" => ("map[", json!({})),
                number if is_number(number) => ("int", json!(0)),
                _ => ("string", json!("")),
            };
            question.kind = kind;
            Some(default)
        }
    };
    question.required = is_mandatory(setting);
    question.default = default.filter(|_| optional.is_none());
    question
}

/// A key in words: `minTlsVersion` is `Min TLS version`.
fn label(key: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for letter in key.chars() {
        match words.last_mut() {
            Some(word) if !letter.is_uppercase() => word.push(letter),
            _ => words.push(letter.to_lowercase().collect()),
        }
    }
    for word in &mut words {
        if let Some((_, written)) = WORDS.iter().find(|(known, _)| known == word) {
            *word = (*written).to_owned();
        }
    }
    let text = words.join(" ");
    text.get(..1).map_or_else(String::new, |first| first.to_uppercase() + &text[1..])
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use palisade_harness::{Cache, Engine, Limits, Policy, World, fixture};
    use palisade_policies::POLICIES;

    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    /// Every policy, and the questions that its form asks.
    fn forms() -> Vec<(Policy, Vec<Value>)> {
        let engine = Engine::new(Limits::default(), Cache::Default).unwrap();
        let forms = super::super::entries(&root()).unwrap().into_iter().map(|entry| {
            let module = palisade_policies::find(entry.name).unwrap();
            let form: Value = serde_norway::from_str(&file(&entry).unwrap().1).unwrap();
            (Policy::load(&engine, module.name, module.wasm).unwrap(), form["questions"].as_array().unwrap().clone())
        });
        let forms: Vec<_> = forms.collect();
        assert_eq!(forms.len(), POLICIES.len());
        forms
    }

    fn text<'a>(question: &'a Value, key: &str) -> &'a str {
        question[key].as_str().unwrap_or_default()
    }

    /// The settings that the form gives with these answers.
    fn answered<'q>(answers: impl IntoIterator<Item = (&'q str, Value)>) -> Value {
        let mut settings = json!({});
        for (variable, value) in answers {
            let place = variable.splitn(2, '.').fold(&mut settings, |value, key| &mut value[key]);
            *place = value;
        }
        settings
    }

    fn is_empty(list: &Value) -> bool {
        list.as_array().is_none_or(Vec::is_empty)
    }

    /// A value such as the form gives for a question, or, with `wrong`, one of another type.
    fn answer(question: &Value, wrong: bool) -> Value {
        let inside = |questions: &Value, above: usize| {
            let answers = questions
                .as_array()
                .into_iter()
                .flatten()
                .map(|inner| (&text(inner, "variable")[above..], answer(inner, false)));
            answered(answers)
        };
        if wrong {
            return if text(question, "type") == "boolean" { json!(["odd"]) } else { json!(true) };
        }
        match text(question, "type") {
            "boolean" => json!(true),
            "int" => json!(20),
            "float" => json!(4.5),
            "string" => json!("1.2"),
            "enum" => question["options"][0].clone(),
            "map[" if is_empty(&question["subquestions"]) => json!({"app": "web"}),
            "map[" => inside(&question["subquestions"], text(question, "variable").len() + 1),
            "array[" if question.get("tooltip").is_some() => json!([20]),
            "array[" => json!(["odd"]),
            "sequence[" => json!([inside(&question["sequence_questions"], 0)]),
            kind => panic!("no type of Rancher's: {kind}"),
        }
    }

    #[test]
    fn every_setting_and_every_rule_has_one_question() {
        for (policy, questions) in forms() {
            let described = policy.describe().unwrap().unwrap();
            let settings = described.settings.iter().map(SettingDescription::key);
            let rules = described.rules.iter().map(|rule| format!("rules.{}", rule.id));
            let asked: Vec<&str> = questions.iter().map(|question| text(question, "variable")).collect();
            assert_eq!(asked, settings.chain(rules).collect::<Vec<_>>(), "{}", policy.name());
            for question in &questions {
                assert!(!text(question, "description").is_empty() && !text(question, "label").is_empty(), "{question}");
            }
        }
    }

    /// The policy reads what the form gives, field by field, and nothing of another type.
    #[test]
    fn answers_have_the_types_of_settings() {
        for (policy, questions) in forms() {
            for question in &questions {
                for wrong in [false, true] {
                    let settings = answered([(text(question, "variable"), answer(question, wrong))]);
                    let verdict = policy.validate_settings(&settings).unwrap();
                    // Values may be refused for what they say; those of a wrong type, and unknown keys, are refused in these words.
                    let message = verdict.message.unwrap_or_default();
                    let misread = message.contains(", found ") || message.contains("unknown");
                    assert_eq!(misread, wrong, "{}: {settings}: {message}", policy.name());
                }
            }
        }
    }

    /// A form that is left as it is gives settings by which a policy judges as it does without any.
    #[test]
    fn defaults_are_those_of_the_policy() {
        let world = Arc::new(World::default());
        for (policy, questions) in forms() {
            let defaults = questions.iter().filter_map(|question| {
                let default = question.get("default")?.clone();
                Some((text(question, "variable"), default))
            });
            let defaults = answered(defaults);
            assert_eq!(policy.validate_settings(&defaults).unwrap().message, None, "{}: {defaults}", policy.name());
            let mut judged = 0;
            for path in fixture::discover(&root().join("policies").join(policy.name()).join("fixtures")).unwrap() {
                let Ok(request) = fixture::Fixture::read(&path).unwrap().request() else { continue };
                let judge = |settings: &Value| policy.validate(&request, settings, &world).unwrap();
                let without = judge(&json!({}));
                assert_eq!(format!("{:?}", judge(&defaults)), format!("{without:?}"), "{}", path.display());
                judged += usize::from(!without.findings.is_empty());
            }
            assert!(judged > 0, "{}: no fixture shows a difference", policy.name());
        }
    }

    #[test]
    fn keys_in_words() {
        for (key, words) in
            [("allowed", "Allowed"), ("minTlsVersion", "Min TLS version"), ("minPrefixIpv4", "Min prefix IPv4"), ("", "")]
        {
            assert_eq!(label(key), words);
        }
    }
}
