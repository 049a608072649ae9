//! What kind of thing a document is: `apiVersion` and `kind`, and whether any API server would know them.

use palisade_harness::kinds::{self, Kind};
use serde_json::Value;

/// The field at fault, and the problem.
pub type Fault = (&'static str, String);

/// Groups that belong to Kubernetes alone, whose kinds are all known, and their versions.
const BUILT_IN: &[(&str, &[&str])] = &[
    ("", &["v1"]),
    ("apps", &["v1"]),
    ("autoscaling", &["v1", "v2"]),
    ("batch", &["v1"]),
    ("extensions", &[]),
    ("policy", &["v1"]),
    ("rbac.authorization.k8s.io", &["v1"]),
];

/// An object's `apiVersion` and `kind`.
///
/// # Errors
/// When one of them is missing, or no string.
pub fn type_of(value: &Value) -> Result<(&str, &str), Fault> {
    let Some(fields) = value.as_object() else {
        return Err(("", "no Kubernetes object: expected a map with apiVersion and kind".to_owned()));
    };
    let field = |name: &'static str| match fields.get(name) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.as_str()),
        None if looks_like_object(value) => Err(("", format!("{name} is missing"))),
        None => Err(("", "no Kubernetes object: it has neither apiVersion nor kind".to_owned())),
        Some(_) => Err((name, format!("{name} must be a string that is not empty"))),
    };
    Ok((field("apiVersion")?, field("kind")?))
}

/// Whether a document means to be a Kubernetes object.
pub fn looks_like_object(value: &Value) -> bool {
    value.get("apiVersion").is_some() || value.get("kind").is_some()
}

/// Whether an API server would know this kind, and take the object's metadata. Custom resources are taken as they are.
///
/// # Errors
/// When the version is gone, the kind is in another group or in none, or a name is no string.
pub fn check(value: &Value, api_version: &str, kind: &str) -> Result<(), Fault> {
    if let Some(removed) = kinds::removed_version(api_version, kind) {
        let instead = if removed.instead.is_empty() { String::new() } else { format!("; write {}", removed.instead) };
        return Err(("apiVersion", format!("{api_version} of {kind} is gone since Kubernetes {}{instead}", removed.since)));
    }
    let (group, version) = kinds::group_version(api_version);
    if version.is_empty() || version.contains('/') || (group.is_empty() && api_version.contains('/')) {
        return Err(("apiVersion", "apiVersion must be a version, or a group and a version with a slash between".to_owned()));
    }
    if let Some((_, versions)) = BUILT_IN.iter().find(|(known, _)| *known == group) {
        if kinds::find(group, kind).is_none() {
            return Err(("kind", format!("{api_version} has no kind {kind}{}", hint(group, kind))));
        }
        if !versions.contains(&version) {
            return Err((
                "apiVersion",
                format!("{kind} has no version {version}; write {}", join(group, versions.last().unwrap_or(&"v1"))),
            ));
        }
    }
    check_metadata(value)
}

fn check_metadata(value: &Value) -> Result<(), Fault> {
    match value.get("metadata") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Object(metadata)) => {
            for path in ["metadata.name", "metadata.generateName", "metadata.namespace"] {
                let field = path.trim_start_matches("metadata.");
                if !matches!(metadata.get(field), None | Some(Value::Null | Value::String(_))) {
                    return Err((path, format!("{path} must be a string")));
                }
            }
            Ok(())
        }
        Some(_) => Err(("metadata", "metadata must be a map".to_owned())),
    }
}

/// What was meant, perhaps.
fn hint(group: &str, kind: &str) -> String {
    let elsewhere: Vec<&Kind> = kinds::all().filter(|known| known.kind == kind).collect();
    if let [one] = elsewhere.as_slice() {
        let version =
            BUILT_IN.iter().find(|(group, _)| *group == one.group).and_then(|(_, versions)| versions.last()).unwrap_or(&"v1");
        return format!("; {kind} is in {}", join(one.group, version));
    }
    let near = kinds::all().filter(|known| known.group == group).min_by_key(|known| distance(known.kind, kind));
    match near.filter(|known| distance(known.kind, kind) <= 2) {
        Some(known) => format!("; did you mean {}?", known.kind),
        None => String::new(),
    }
}

fn join(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// How many letters have to be changed, added or taken away (Levenshtein), capitals aside. Long words are not compared.
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.to_ascii_lowercase(), other.to_ascii_lowercase());
    if other.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, wanted) in other.bytes().enumerate() {
            let substituted = diagonal + usize::from(letter != wanted);
            diagonal = row[column + 1];
            row[column + 1] = substituted.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(api_version: &str, kind: &str) -> String {
        check(&json!({}), api_version, kind).map_or_else(|(_, problem)| problem, |()| "fine".to_owned())
    }

    #[test]
    fn kinds_that_no_api_server_knows() {
        for (api_version, kind, expected) in [
            ("apps/v1", "Deployment", "fine"),
            ("example.com/v1", "Anything", "fine"),
            ("networking.k8s.io/v1", "Ingress", "fine"),
            ("gateway.networking.k8s.io/v1beta1", "HTTPRoute", "fine"),
            ("apps/v1", "Deploymnet", "apps/v1 has no kind Deploymnet; did you mean Deployment?"),
            ("apps/v1", "deployment", "apps/v1 has no kind deployment; did you mean Deployment?"),
            ("v1", "Deployment", "v1 has no kind Deployment; Deployment is in apps/v1"),
            ("v1", "CronJob", "v1 has no kind CronJob; CronJob is in batch/v1"),
            ("v1", "Zzzzzzzz", "v1 has no kind Zzzzzzzz"),
            ("apps/v2", "Deployment", "Deployment has no version v2; write apps/v1"),
            (
                "extensions/v1beta1",
                "Ingress",
                "extensions/v1beta1 of Ingress is gone since Kubernetes 1.22; write networking.k8s.io/v1",
            ),
            ("a/b/c", "X", "apiVersion must be a version, or a group and a version with a slash between"),
            ("/v1", "Pod", "apiVersion must be a version, or a group and a version with a slash between"),
        ] {
            assert_eq!(fault(api_version, kind), expected);
        }
    }

    #[test]
    fn types_that_are_not_there() {
        let fault = |value: Value| type_of(&value).map(|_| ()).unwrap_err();
        assert_eq!(fault(json!({"kind": "Pod"})), ("", "apiVersion is missing".to_owned()));
        assert_eq!(fault(json!({"apiVersion": "v1"})), ("", "kind is missing".to_owned()));
        assert_eq!(
            fault(json!({"apiVersion": "v1", "kind": 3})),
            ("kind", "kind must be a string that is not empty".to_owned())
        );
        assert_eq!(fault(json!({"kind": "Pod", "apiVersion": " "})).0, "apiVersion");
        assert_eq!(fault(json!({"a": 1})).1, "no Kubernetes object: it has neither apiVersion nor kind");
        assert_eq!(fault(json!("text")).1, "no Kubernetes object: expected a map with apiVersion and kind");
    }

    #[test]
    fn names_are_strings() {
        let fault = |metadata: Value| check(&json!({"metadata": metadata}), "v1", "Pod").map_err(|(path, _)| path);
        assert_eq!(fault(json!(null)), Ok(()));
        assert_eq!(fault(json!({"name": null})), Ok(()));
        assert_eq!(fault(json!([])), Err("metadata"));
        assert_eq!(fault(json!({"namespace": 3})), Err("metadata.namespace"));
    }
}
