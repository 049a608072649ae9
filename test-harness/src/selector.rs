//! Label and field selectors in the text form of the API server.

use serde_json::Value;

use crate::kinds;

/// One requirement of a label selector.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    DoesNotExist(String),
    Greater(String, i64),
    Less(String, i64),
}

/// A label selector: `app=web,tier in (a,b),!legacy`. All requirements must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

impl LabelSelector {
    /// Reads a selector.
    ///
    /// # Errors
    /// When it is not well formed.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut requirements = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            // A comma inside of parentheses belongs to the requirement.
            let mut depth = 0;
            let end = rest
                .char_indices()
                .find(|(_, c)| {
                    match c {
                        '(' => depth += 1,
                        ')' => depth -= 1,
                        _ => {}
                    }
                    *c == ',' && depth == 0
                })
                .map_or(rest.len(), |(index, _)| index);
            let (one, after) = rest.split_at(end);
            requirements.push(requirement(one.trim()).ok_or_else(|| format!("unable to parse requirement: {one}"))?);
            rest = match after.strip_prefix(',').map(str::trim_start) {
                Some("") => return Err("unable to parse requirement: nothing follows the last comma".to_owned()),
                Some(rest) => rest,
                None => after,
            };
        }
        Ok(Self(requirements))
    }

    /// Labels that an object must have with these very values: not all that it asks for, but enough to look them up.
    pub(crate) fn equalities(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|requirement| match requirement {
            Requirement::In(key, values) => match values.as_slice() {
                [value] => Some((key.as_str(), value.as_str())),
                _ => None,
            },
            _ => None,
        })
    }

    /// Whether an object's labels satisfy it.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let label = |key: &str| labels[key].as_str();
        let number = |key: &str| label(key).and_then(|value| value.parse::<i64>().ok());
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => label(key).is_some_and(|value| values.iter().any(|wanted| wanted == value)),
            Requirement::NotIn(key, values) => label(key).is_none_or(|value| values.iter().all(|wanted| wanted != value)),
            Requirement::Exists(key) => label(key).is_some(),
            Requirement::DoesNotExist(key) => label(key).is_none(),
            Requirement::Greater(key, bound) => number(key).is_some_and(|value| value > *bound),
            Requirement::Less(key, bound) => number(key).is_some_and(|value| value < *bound),
        })
    }
}

fn requirement(text: &str) -> Option<Requirement> {
    let key = |text: &str| {
        let text = text.trim();
        let valid = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        valid.then(|| text.to_owned())
    };
    let value = |text: &str| {
        let text = text.trim();
        text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)).then(|| text.to_owned())
    };
    if let Some(name) = text.strip_prefix('!') {
        return key(name).map(Requirement::DoesNotExist);
    }
    if let Some(set) = text.strip_suffix(')') {
        let (head, set) = set.split_once('(')?;
        let values = set.split(',').map(value).collect::<Option<Vec<_>>>()?;
        let head = head.trim_end();
        return match head.strip_suffix("notin") {
            Some(name) if name.ends_with(char::is_whitespace) => key(name).map(|name| Requirement::NotIn(name, values)),
            _ => {
                let name = head.strip_suffix("in").filter(|name| name.ends_with(char::is_whitespace))?;
                key(name).map(|name| Requirement::In(name, values))
            }
        };
    }
    for (operator, negated) in [("!=", true), ("==", false), ("=", false)] {
        if let Some((name, wanted)) = text.split_once(operator) {
            let values = vec![value(wanted)?];
            let name = key(name)?;
            return Some(if negated { Requirement::NotIn(name, values) } else { Requirement::In(name, values) });
        }
    }
    for (operator, greater) in [('>', true), ('<', false)] {
        if let Some((name, bound)) = text.split_once(operator) {
            let bound = bound.trim().parse().ok()?;
            let name = key(name)?;
            return Some(if greater { Requirement::Greater(name, bound) } else { Requirement::Less(name, bound) });
        }
    }
    key(text).map(Requirement::Exists)
}

/// A field selector: `metadata.name=web,status.phase!=Running`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<(String, bool, String)>);

impl FieldSelector {
    /// Reads a selector for objects of a kind. Which fields a custom resource, or one of another API server, is selected by, is
    /// for its definition to say: any is taken.
    ///
    /// # Errors
    /// When it is not well formed, or names a field that the API server does not select this kind by.
    pub(crate) fn parse(text: &str, group: &str, kind: &str) -> Result<Self, String> {
        let mut terms = Vec::new();
        for term in text.split(',').map(str::trim).filter(|term| !term.is_empty()) {
            let (field, negated, value) = ["!=", "==", "="]
                .iter()
                .find_map(|operator| {
                    term.split_once(operator).map(|(field, value)| (field.trim(), *operator == "!=", value.trim()))
                })
                .ok_or_else(|| format!("invalid selector: '{term}'; can't understand '{term}'"))?;
            if kinds::is_built_in(group) && !selectable(kind, field) {
                return Err(format!("field label not supported: {field}"));
            }
            terms.push((field.to_owned(), negated, value.to_owned()));
        }
        Ok(Self(terms))
    }

    /// Whether an object's fields satisfy it.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(field, negated, wanted)| {
            let found = field.split('.').fold(object, |here, step| &here[step]);
            let found = match found {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            (found == *wanted) != *negated
        })
    }
}

/// Source: Kubernetes documentation, "Field Selectors".
fn selectable(kind: &str, field: &str) -> bool {
    let own: &[&str] = match kind {
        "Pod" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "Event" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "Secret" => &["type"],
        "Namespace" => &["status.phase"],
        "ReplicaSet" | "ReplicationController" => &["status.replicas"],
        "Job" => &["status.successful"],
        "Node" => &["spec.unschedulable"],
        "CertificateSigningRequest" => &["spec.signerName"],
        _ => &[],
    };
    matches!(field, "metadata.name" | "metadata.namespace") || own.contains(&field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn object(labels: &Value) -> Value {
        json!({"metadata": {"name": "web", "labels": labels}, "status": {"phase": "Running"}})
    }

    #[test]
    fn labels() {
        let object = object(&json!({"app": "web", "tier": "front", "size": "3"}));
        for (selector, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app!=web", false),
            ("missing!=web", true),
            ("app in (db, web)", true),
            ("app in (db),tier", false),
            ("tier notin (back,middle)", true),
            ("missing notin (x)", true),
            ("app", true),
            ("!app", false),
            ("!missing", true),
            ("size>2", true),
            ("size<2", false),
            ("app>2", false),
            ("app in (web),tier in (front)", true),
        ] {
            assert_eq!(LabelSelector::parse(selector).unwrap().matches(&object), expected, "{selector}");
        }
        for selector in ["app in web", "=x", "a b", "app in (we b)", "!", ",", "app>x", "app=web,", "app=web,,tier"] {
            assert!(LabelSelector::parse(selector).is_err(), "{selector}");
        }
    }

    #[test]
    fn fields() {
        let object = object(&json!({}));
        let parse = |selector| FieldSelector::parse(selector, "", "Pod");
        assert!(parse("metadata.name=web,status.phase!=Failed").unwrap().matches(&object));
        assert!(!parse("metadata.name!=web").unwrap().matches(&object));
        assert_eq!(parse("spec.x=1").unwrap_err(), "field label not supported: spec.x");
        assert!(parse("metadata.name").is_err());
        // A vulnerability report, say, is selected by the image that it is about.
        assert!(FieldSelector::parse("status.phase=Running", "example.com", "Report").unwrap().matches(&object));
    }

    proptest! {
        /// A field that is not there is as good as an empty one.
        #[test]
        fn a_field_selector_is_the_conjunction_of_its_terms(
            phase in proptest::option::of("[xy]"),
            node in proptest::option::of("[xy]"),
            wanted in proptest::collection::vec((any::<bool>(), 0..3_usize, "[xy]?"), 0..4),
        ) {
            let pod = json!({"spec": {"nodeName": node}, "status": {"phase": phase}});
            let mut text = Vec::new();
            let mut expected = true;
            for (of_phase, operator, value) in &wanted {
                let (field, found) = if *of_phase { ("status.phase", &phase) } else { ("spec.nodeName", &node) };
                text.push(format!("{field}{}{value}", ["=", "==", "!="][*operator]));
                expected &= (found.as_deref().unwrap_or_default() == value) == (*operator < 2);
            }
            prop_assert_eq!(FieldSelector::parse(&text.join(","), "", "Pod").unwrap().matches(&pod), expected);
        }

        /// Each requirement, written in text and read again, decides as its definition says.
        #[test]
        fn a_selector_is_the_conjunction_of_its_requirements(
            labels in proptest::collection::btree_map("[ab]", "[xy]", 0..3),
            wanted in proptest::collection::vec(("[ab]", 0..4_u8, proptest::collection::vec("[xyz]", 1..3)), 0..4),
        ) {
            let mut text = Vec::new();
            let mut expected = true;
            for (key, operator, values) in &wanted {
                let label = labels.get(key);
                let is_in = label.is_some_and(|label| values.contains(label));
                let set = values.join(", ");
                let (one, holds) = match operator {
                    0 => (format!("{key} in ({set})"), is_in),
                    1 => (format!("{key} notin ({set})"), !is_in),
                    2 => (key.clone(), label.is_some()),
                    _ => (format!("!{key}"), label.is_none()),
                };
                text.push(one);
                expected &= holds;
            }
            let selector = LabelSelector::parse(&text.join(",")).unwrap();
            prop_assert_eq!(selector.matches(&object(&json!(labels))), expected);
        }
    }
}
