//! The Helm chart: its values, their schema, and what its templates need to know of the policies. The templates themselves are written by
//! hand; `policies.yaml` is what they read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use palisade_harness::{Metadata, SettingDescription};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::profiles::{ProfileName, Profiles};
use super::resources::{FailurePolicy, MatchCondition, Rule, Settings};
use super::rights::{self, Holders};
use super::{
    DESCRIPTION, DeployError, POLICY_SERVER, TIMEOUT_SECONDS, VERSION, annotation, annotations, lookups, own_registry, own_tag,
    rules, schema, watches_rbac, yaml,
};
use crate::generate::catalogue::{cell, default_value, filled, type_name};
use crate::generate::{Entry, GenerateError, MARK};

/// The chart's folder.
const CHART: &str = "deploy/helm/palisade";

/// What the templates read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'d> {
    roles: BTreeMap<&'static str, RoleData>,
    policies: BTreeMap<&'d str, PolicyData<'d>>,
}

#[derive(Serialize)]
struct RoleData {
    name: &'static str,
    verbs: &'static [&'static str],
}

/// A policy, as the templates read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyData<'d> {
    version: &'d str,
    tag: String,
    annotations: BTreeMap<&'static str, String>,
    rules: Vec<Rule>,
    mutating: bool,
    background_audit: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    excluded_namespaces: Option<&'d [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_policy: Option<FailurePolicy>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    match_conditions: &'d [MatchCondition],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    context_aware_resources: Vec<LookupData<'d>>,
    audited: Vec<AuditedData>,
    profiles: BTreeMap<&'static str, ProfileData>,
}

/// What a policy looks up: for RBAC as well, and when.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LookupData<'d> {
    api_version: String,
    kind: String,
    group: String,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    unless_off: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    named_in: Option<&'d str>,
}

/// What the audit scanner reads for a policy.
#[derive(Serialize)]
struct AuditedData {
    group: String,
    resource: String,
}

#[derive(Serialize)]
struct ProfileData {
    enabled: bool,
    settings: Settings,
}

/// The files of the chart that are not written by hand.
///
/// # Errors
/// When the README cannot be read, or there is no text for something.
pub fn files(root: &Path, profiles: &Profiles, entries: &[Entry]) -> Result<Vec<(PathBuf, String)>, GenerateError> {
    let text = |error: DeployError| GenerateError::Module(error.to_string());
    let version = entries.first().map_or("", |entry| annotation(&entry.metadata, VERSION));
    let chart = root.join(CHART);
    let pretty = serde_json::to_string_pretty(&values_schema(profiles, entries))
        .map_err(|error| GenerateError::Module(error.to_string()))?;
    Ok(vec![
        (chart.join("Chart.yaml"), chart_yaml(version)),
        (
            chart.join("policies.yaml"),
            format!("# {MARK}. What the templates read.\n{}", yaml(&data(profiles, entries)).map_err(text)?),
        ),
        (chart.join("values.yaml"), values(profiles, entries)),
        (chart.join("values.schema.json"), pretty + "\n"),
        filled(chart.join("README.md"), |marker, _| match marker {
            "values" => Some(values_table(profiles, entries)),
            "profiles" => Some(super::profiles_table(profiles)),
            _ => None,
        })?,
    ])
}

fn chart_yaml(version: &str) -> String {
    format!(
        "\
# {MARK}.
apiVersion: v2
name: palisade
description: Kubewarden policies that hold security practices of applications on Kubernetes
type: application
version: {version}
appVersion: {version}
keywords: [kubewarden, policies, security, rbac, secrets, network]
annotations:
  artifacthub.io/license: Apache-2.0
"
    )
}

fn data<'d>(profiles: &'d Profiles, entries: &'d [Entry]) -> Data<'d> {
    Data {
        roles: [rights::LOOKUPS, rights::AUDIT]
            .map(|role| (role.component, RoleData { name: role.name, verbs: role.verbs }))
            .into(),
        policies: entries.iter().map(|entry| (entry.name, policy_data(profiles, entry.name, &entry.metadata))).collect(),
    }
}

fn policy_data<'d>(profiles: &'d Profiles, name: &str, metadata: &'d Metadata) -> PolicyData<'d> {
    let lookup = |resource: super::ContextAwareResource| {
        let (group, plural) = lookups::group_and_resource(&resource);
        let condition = lookups::condition(profiles, name, &resource);
        LookupData {
            api_version: resource.api_version,
            kind: resource.kind,
            group,
            resource: plural,
            unless_off: condition.and_then(|lookup| lookup.unless_off.as_deref()),
            named_in: condition.and_then(|lookup| lookup.named_in.as_deref()),
        }
    };
    let by_profile = |profile: ProfileName| {
        let its = profiles.profile(profile);
        let data = ProfileData { enabled: its.policies.contains_key(name), settings: Settings(its.settings(name)) };
        (profile.as_str(), data)
    };
    let exception = profiles.exception(name);
    PolicyData {
        version: annotation(metadata, VERSION),
        tag: own_tag(metadata),
        annotations: annotations(metadata),
        rules: rules(metadata),
        mutating: metadata.mutating,
        background_audit: metadata.background_audit,
        excluded_namespaces: exception.map(|exception| exception.excluded_namespaces.as_slice()),
        failure_policy: exception.and_then(|exception| exception.failure_policy),
        match_conditions: if watches_rbac(metadata) { &profiles.rbac_match_conditions } else { &[] },
        context_aware_resources: lookups::all(metadata).into_iter().map(lookup).collect(),
        audited: rights::audited(metadata).into_iter().map(|(group, resource)| AuditedData { group, resource }).collect(),
        profiles: [ProfileName::Baseline, ProfileName::Restricted].map(by_profile).into(),
    }
}

/// Where modules are, as [`crate::registry::reference::Destination`] reads it.
const REGISTRY_PATTERN: &str =
    "^(registry://)?([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:]+\\])(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*/?$";
/// The name of a namespace, of a PolicyServer, or of a ServiceAccount.
const NAME_PATTERN: &str = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";

/// A value of the chart as a whole: its key, its default as YAML, its schema, and what it does.
struct GlobalValue {
    key: &'static str,
    default: String,
    schema: Value,
    doc: &'static str,
}

fn registry(entries: &[Entry]) -> String {
    entries.first().map(|entry| own_registry(entry.name, &entry.metadata)).unwrap_or_default()
}

fn global_values(profiles: &Profiles, entries: &[Entry]) -> Vec<GlobalValue> {
    let name = || json!({"type": "string", "pattern": NAME_PATTERN});
    let holders = Holders::default();
    let value = |key, default: String, schema, doc| GlobalValue { key, default, schema, doc };
    vec![
        value(
            "profile",
            "baseline".to_owned(),
            json!({"enum": ["baseline", "restricted"]}),
            "Which policies are deployed, and how strict they are: `baseline` or `restricted`.",
        ),
        value(
            "mode",
            "monitor".to_owned(),
            json!({"enum": ["monitor", "protect"]}),
            "`monitor` reports what policies find, `protect` rejects it. Kubewarden does not let a policy go back to `monitor`: see the notes.",
        ),
        value(
            "registry",
            registry(entries),
            json!({"type": "string", "pattern": REGISTRY_PATTERN}),
            "The folder of the registry that the modules are pulled from: `HOST[:PORT]/PATH`.",
        ),
        value(
            "tag",
            "\"\"".to_owned(),
            json!({"type": "string", "pattern": "^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$"}),
            "The tag of all modules; that of each policy's version, `v0.1.0`, when empty.",
        ),
        value(
            "policyServer",
            POLICY_SERVER.to_owned(),
            name(),
            "The PolicyServer that runs the policies. It cannot be changed afterwards.",
        ),
        value(
            "excludedNamespaces",
            format!("[{}]", profiles.excluded_namespaces.join(", ")),
            json!({"type": "array", "items": name()}),
            "Namespaces that no policy sees, save those that are about the control plane itself. Kubewarden leaves out its own by itself. \
             Put those here without which the cluster does not start: network and storage drivers.",
        ),
        value(
            "additionalExcludedNamespaces",
            "[]".to_owned(),
            json!({"type": "array", "items": name()}),
            "Further namespaces that no policy sees, whatever it is about.",
        ),
        value(
            "timeoutSeconds",
            TIMEOUT_SECONDS.to_string(),
            json!({"type": "integer", "minimum": 2, "maximum": 30}),
            "How long the API server waits for an answer.",
        ),
        value(
            "rbac.create",
            "true".to_owned(),
            json!({"type": "boolean"}),
            "Whether policy-server gets the right to read what the policies look up, and the audit scanner what they judge.",
        ),
        value(
            "rbac.policyServer.namespace",
            holders.policy_server.namespace,
            name(),
            "The namespace of the PolicyServer's ServiceAccount.",
        ),
        value("rbac.policyServer.name", holders.policy_server.name, name(), "The name of that ServiceAccount."),
        value(
            "rbac.auditScanner.namespace",
            holders.audit_scanner.namespace,
            name(),
            "The namespace of the audit scanner's ServiceAccount.",
        ),
        value("rbac.auditScanner.name", holders.audit_scanner.name, name(), "The name of that ServiceAccount."),
        value(
            "rbac.annotations",
            "{}".to_owned(),
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            "Annotations of the ClusterRoles and their bindings: the owner and the day of review that require-rbac-review asks for.",
        ),
    ]
}

/// A value of each policy: its key, its schema, and what it does.
fn policy_values() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("enabled", json!({"type": ["boolean", "null"]}), "Whether it is deployed; as the profile says, when null."),
        ("mode", json!({"enum": ["monitor", "protect", null]}), "Its own mode."),
        (
            "failurePolicy",
            json!({"enum": ["Ignore", "Fail", null]}),
            "What happens while policy-server does not answer; by default `Ignore` in monitor and `Fail` in protect.",
        ),
        ("timeoutSeconds", json!({"type": ["integer", "null"], "minimum": 2, "maximum": 30}), "Its own timeout."),
        (
            "namespaceSelector",
            json!({
                "type": ["object", "null"],
                "properties": {
                    "matchExpressions": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "key": {"type": "string"},
                                "operator": {"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
                                "values": {"type": "array", "items": {"type": "string"}},
                            },
                            "required": ["key", "operator"],
                            "additionalProperties": false,
                            // The API server refuses the webhook otherwise, and the policy never becomes active.
                            "if": {"properties": {"operator": {"enum": ["In", "NotIn"]}}},
                            "then": {"required": ["values"], "properties": {"values": {"minItems": 1}}},
                            "else": {"properties": {"values": {"maxItems": 0}}},
                        },
                        "minItems": 1,
                    },
                },
                // A selector that is empty means every namespace to Kubernetes, and would be taken for none here.
                "required": ["matchExpressions"],
                "additionalProperties": false,
            }),
            "The namespaces that it sees, in place of all but the excluded ones. Kubewarden reads `matchExpressions` alone.",
        ),
        (
            "digest",
            json!({"type": ["string", "null"], "pattern": "^sha256:[0-9a-f]{64}$"}),
            "The digest by which its module is pulled, as palisade.lock has it: `sha256:…`.",
        ),
    ]
}

fn values(profiles: &Profiles, entries: &[Entry]) -> String {
    let mut text = format!("# {MARK}. README.md explains every value.\n");
    let mut open: Vec<&str> = Vec::new();
    for GlobalValue { key, default, doc, .. } in global_values(profiles, entries) {
        let parts: Vec<&str> = key.split('.').collect();
        let (last, maps) = parts.split_last().map_or(("", &[][..]), |(last, maps)| (*last, maps));
        let common = open.iter().zip(maps).take_while(|(one, other)| one == other).count();
        for (depth, map) in maps.iter().enumerate().skip(common) {
            let _ = writeln!(text, "{}{map}:", "  ".repeat(depth));
        }
        open = maps.to_vec();
        let indent = "  ".repeat(maps.len());
        comment(&mut text, &indent, doc);
        let _ = writeln!(text, "{indent}{last}: {default}");
    }
    let _ =
        writeln!(text, "# Each policy. Settings are laid over those of the profile; values that are null are the profile's.");
    text.push_str("policies:\n");
    for entry in entries {
        comment(&mut text, "  ", annotation(&entry.metadata, DESCRIPTION));
        let _ = writeln!(text, "  {}:", entry.name);
        for (key, _, _) in policy_values() {
            let _ = writeln!(text, "    {key}: null");
        }
        text.push_str("    settings: {}\n");
    }
    text
}

/// A comment of lines that are not too long.
fn comment(text: &mut String, indent: &str, doc: &str) {
    let mut line = String::new();
    for word in doc.split_whitespace() {
        if !line.is_empty() && line.len() + word.len() > 120 {
            let _ = writeln!(text, "{indent}#{line}");
            line.clear();
        }
        let _ = write!(line, " {word}");
    }
    let _ = writeln!(text, "{indent}#{line}");
}

fn values_schema(profiles: &Profiles, entries: &[Entry]) -> Value {
    let mut root = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart palisade",
        "description": MARK,
        "type": "object",
        "additionalProperties": false,
        // Helm gives this to every chart.
        "properties": {"global": {"type": "object"}},
    });
    for GlobalValue { key, schema, doc, .. } in global_values(profiles, entries) {
        let mut at = &mut root;
        let parts: Vec<&str> = key.split('.').collect();
        for (depth, part) in parts.iter().enumerate() {
            // Helm takes a value that is null for one that is not there, and templates for an empty one.
            if at["properties"][*part].is_null() {
                match at["required"].as_array_mut() {
                    Some(required) => required.push((*part).into()),
                    None => at["required"] = json!([part]),
                }
            }
            at = &mut at["properties"][*part];
            if at.is_null() {
                *at = if depth + 1 == parts.len() {
                    let mut schema = schema.clone();
                    schema["description"] = doc.into();
                    schema
                } else {
                    json!({"type": "object", "additionalProperties": false, "properties": {}})
                };
            }
        }
    }
    let policy = |entry: &Entry| {
        let mut properties: Map<String, Value> = policy_values()
            .into_iter()
            .map(|(key, mut schema, doc)| {
                schema["description"] = doc.into();
                (key.to_owned(), schema)
            })
            .collect();
        properties.insert("settings".to_owned(), schema::settings(&entry.description));
        let description = annotation(&entry.metadata, DESCRIPTION);
        let schema =
            json!({"type": "object", "additionalProperties": false, "description": description, "properties": properties});
        (entry.name.to_owned(), schema)
    };
    let policies: Map<String, Value> = entries.iter().map(policy).collect();
    if let Some(required) = root["required"].as_array_mut() {
        required.push("policies".into());
    }
    root["properties"]["policies"] = json!({"type": "object", "additionalProperties": false, "properties": policies});
    root
}

fn values_table(profiles: &Profiles, entries: &[Entry]) -> String {
    let mut text = String::from("| value | default | meaning |\n| --- | --- | --- |\n");
    for GlobalValue { key, default, doc, .. } in global_values(profiles, entries) {
        let _ = writeln!(text, "| `{key}` | `{default}` | {} |", cell(doc));
    }
    text.push_str("\nOf each policy, below `policies.NAME`:\n\n| value | default | meaning |\n| --- | --- | --- |\n");
    for (key, _, doc) in policy_values() {
        let _ = writeln!(text, "| `{key}` | `null` | {} |", cell(doc));
    }
    text.push_str("| `settings` | `{}` | Its settings, laid over those of the profile; lists are replaced as a whole. |\n");
    text.push_str("\nSettings of each policy, beside `rules`, the levels of its rules (`deny`, `warn` or `off`):\n\n");
    text.push_str("| policy | setting | type | default |\n| --- | --- | --- | --- |\n");
    for entry in entries {
        let mut name = format!("[{name}](../../../policies/{name}/README.md)", name = entry.name);
        for setting in &entry.description.settings {
            let SettingDescription { kind, .. } = setting;
            let _ = writeln!(
                text,
                "| {name} | `{}` | {} | `{}` |",
                setting.key(),
                cell(&type_name(kind)),
                cell(&default_value(setting))
            );
            name.clear();
        }
    }
    text
}
