//! JSON Schemas of what policies take as settings, made of what they say of themselves.

use palisade_harness::{Description, RuleDescription, SettingDescription};
use serde_json::{Map, Value, json};

use crate::generate::questions::is_mandatory;

/// The schema of a policy's settings.
pub fn settings(description: &Description) -> Value {
    let setting = |setting: &SettingDescription| {
        let mut schema = of(setting);
        schema["description"] = setting.doc.split_whitespace().collect::<Vec<_>>().join(" ").into();
        (setting.key(), schema)
    };
    // To YAML 1.1, which Helm reads, `off` without quotes is `false`.
    let level = |rule: &RuleDescription| {
        let description = format!("{}, by default {}", rule.summary, rule.severity);
        (rule.id.clone(), json!({"enum": ["deny", "warn", "off", false], "description": description}))
    };
    let mut properties: Map<String, Value> = description.settings.iter().map(setting).collect();
    let mut rules = object(description.rules.iter().map(level).collect());
    rules["description"] = "The level of each rule that should differ from the profile's: deny, warn or off".into();
    properties.insert("rules".to_owned(), rules);
    object(properties)
}

/// A map with these keys and no others.
fn object(properties: Map<String, Value>) -> Value {
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

/// The schema of a setting, or of a field in one.
fn of(setting: &SettingDescription) -> Value {
    of_type(&setting.kind, setting)
}

fn of_type(kind: &str, setting: &SettingDescription) -> Value {
    let inside = |prefix: &str| kind.strip_prefix(prefix).and_then(|rest| rest.strip_suffix('>')).map(str::trim);
    if let Some(item) = inside("Vec<") {
        return json!({"type": "array", "items": of_type(item, setting)});
    }
    if let Some(value) = inside("Option<") {
        return json!({"anyOf": [of_type(value, setting), {"type": "null"}]});
    }
    if !setting.choices.is_empty() {
        return json!({"enum": setting.choices});
    }
    if !setting.fields.is_empty() {
        let mut schema = object(setting.fields.iter().map(|field| (field.key(), of(field))).collect());
        let mandatory: Vec<String> =
            setting.fields.iter().filter(|field| is_mandatory(field)).map(SettingDescription::key).collect();
        if !mandatory.is_empty() {
            schema["required"] = json!(mandatory);
        }
        return schema;
    }
    match kind {
        "bool" => json!({"type": "boolean"}),
        "u8" | "u16" | "u32" | "u64" | "usize" => json!({"type": "integer", "minimum": 0}),
        "f32" | "f64" => json!({"type": "number"}),
        "Map" => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        // Days are written as text, too.
        _ => json!({"type": "string"}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(kind: &str, fields: Vec<SettingDescription>) -> SettingDescription {
        SettingDescription { name: "some_name".to_owned(), kind: kind.to_owned(), fields, ..SettingDescription::default() }
    }

    #[test]
    fn types_become_schemas() {
        assert_eq!(of(&setting("Vec<u16>", vec![])), json!({"type": "array", "items": {"type": "integer", "minimum": 0}}));
        assert_eq!(of(&setting("Option<f64>", vec![])), json!({"anyOf": [{"type": "number"}, {"type": "null"}]}));
        let item = json!({
            "type": "object",
            "properties": {"someName": {"type": "string"}},
            "additionalProperties": false,
            "required": ["someName"],
        });
        let list = setting("Vec<AllowedRole>", vec![setting("String", vec![])]);
        assert_eq!(of(&list), json!({"type": "array", "items": item}));
        let choice = SettingDescription { choices: vec!["Role".to_owned()], ..setting("Option<RoleKind>", vec![]) };
        assert_eq!(of(&choice), json!({"anyOf": [{"enum": ["Role"]}, {"type": "null"}]}));
    }
}
