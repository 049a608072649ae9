//! JSON Schemas of what policies take as settings, made of what they say of themselves.

use palisade_harness::{Description, SettingDescription};
use serde_json::{Map, Value, json};

/// The schema of a policy's settings.
pub fn settings(description: &Description) -> Value {
    let mut properties: Map<String, Value> = description
        .settings
        .iter()
        .map(|setting| {
            let mut schema = of_type(&setting.kind, &setting.doc);
            schema["description"] = sentence(&setting.doc).into();
            (setting.key(), schema)
        })
        .collect();
    let level = |rule: &palisade_harness::RuleDescription| {
        // To YAML 1.1, which Helm reads, `off` without quotes is `false`.
        let schema =
            json!({"enum": ["deny", "warn", "off", false], "description": format!("{}: {}", rule.severity, rule.summary)});
        (rule.id.clone(), schema)
    };
    properties.insert(
        "rules".to_owned(),
        json!({
            "type": "object",
            "description": "The level of each rule that should differ from the profile's: deny, warn or off",
            "properties": description.rules.iter().map(level).collect::<Map<_, _>>(),
            "additionalProperties": false,
        }),
    );
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

/// The schema of a Rust type. What the maps of a list hold is only in the setting's meaning: ``a list of `{name, reason}` ``.
fn of_type(kind: &str, doc: &str) -> Value {
    let inside = |prefix: &str| kind.strip_prefix(prefix).and_then(|rest| rest.strip_suffix('>')).map(str::trim);
    if let Some(item) = inside("Vec<") {
        return json!({"type": "array", "items": of_type(item, doc)});
    }
    if let Some(value) = inside("Option<") {
        let mut schema = of_type(value, doc);
        schema["type"] = json!([schema["type"], "null"]);
        return schema;
    }
    match kind {
        "bool" => json!({"type": "boolean"}),
        "String" => json!({"type": "string"}),
        "u8" | "u16" | "u32" | "u64" | "usize" => json!({"type": "integer", "minimum": 0}),
        "f32" | "f64" => json!({"type": "number"}),
        "SelectorSetting" => json!({
            "type": "object",
            "properties": {
                "matchLabels": {"type": "object", "additionalProperties": {"type": "string"}},
                "matchExpressions": {"type": "array", "items": {"type": "object"}},
            },
            "additionalProperties": false,
        }),
        _ => map(doc),
    }
}

fn map(doc: &str) -> Value {
    let keys: Vec<&str> = doc
        .split_once("list of `{")
        .and_then(|(_, rest)| rest.split_once("}`"))
        .map(|(keys, _)| keys.split(',').map(str::trim).collect())
        .unwrap_or_default();
    if keys.is_empty() {
        return json!({"type": "object"});
    }
    // Only the policy knows what the values of such a key may be.
    let properties: Map<String, Value> = keys.iter().map(|key| ((*key).to_owned(), json!({}))).collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if keys.contains(&"reason") && doc.contains("mandatory") {
        schema["required"] = json!(["reason"]);
    }
    schema
}

fn sentence(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A setting's default, and what it does, for a comment or a table.
pub fn explained(setting: &SettingDescription) -> String {
    sentence(&setting.doc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_become_schemas() {
        assert_eq!(of_type("Vec<u16>", ""), json!({"type": "array", "items": {"type": "integer", "minimum": 0}}));
        assert_eq!(of_type("Option<f64>", ""), json!({"type": ["number", "null"]}));
        let doc = "Roles that are accepted: a list of `{name, reason}`. `reason` is mandatory.";
        let item = json!({
            "type": "object",
            "properties": {"name": {}, "reason": {}},
            "additionalProperties": false,
            "required": ["reason"],
        });
        assert_eq!(of_type("Vec<AllowedRole>", doc), json!({"type": "array", "items": item}));
        assert_eq!(of_type("Something", "It says nothing of its keys."), json!({"type": "object"}));
    }
}
