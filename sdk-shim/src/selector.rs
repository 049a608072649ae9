//! Label selectors, as `k8s.io/apimachinery` evaluates them, over labels that may not all be known yet.
//!
//! When a workload is admitted its pods do not exist, and some of their labels get their value only later (`pod-template-hash`).
//! So [`Labels`] can hold a label without its value, and [`LabelSelector::selects`] says yes only where the pod will be selected
//! whatever the value turns out to be.
//!
//! A selector that is absent means what its field's documentation says, which differs: a missing `spec.podSelector` of a
//! NetworkPolicy selects every pod, a missing `namespaceSelector` of a peer is no selector at all. Give the former the type
//! [`LabelSelector`] in a view, the latter `Option<LabelSelector>`. An empty selector always selects everything.

use std::collections::BinaryHeap;

use crate::json::{self, JsonError, List, Map, Read, Reader, Str};
use crate::{Error, FieldDoc, Path, SettingType};

/// What is known of one label of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label<'l> {
    /// The object does not have it.
    Absent,
    /// The object has it, with this value.
    Is(&'l str),
    /// The object has it, with a value that is not known.
    Present,
    /// The object may have it or not.
    Unknown,
}

/// The labels of an object, sorted once so that looking one up is cheap.
#[derive(Clone, Debug)]
pub struct Labels<'l> {
    /// Key, place in the order given, and value where it is known.
    sorted: Vec<(&'l str, usize, Option<&'l str>)>,
    others: Label<'static>,
}

impl<'l> Labels<'l> {
    /// Exactly these labels; a value of `None` is not known. Of a key given twice the last one counts.
    pub fn new(labels: &[(&'l str, Option<&'l str>)]) -> Self {
        let heap: BinaryHeap<_> = labels.iter().enumerate().map(|(place, &(key, value))| (key, place, value)).collect();
        Self { sorted: heap.into_sorted_vec(), others: Label::Absent }
    }

    /// The labels of an object that is all known.
    pub fn of(labels: &'l Map<'_>) -> Self {
        let labels: Vec<_> = labels.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect();
        Self::new(&labels)
    }

    /// The object may have other labels than these.
    pub fn and_others(self) -> Self {
        Self { others: Label::Unknown, ..self }
    }

    /// What is known of the label with this key.
    pub fn get(&self, key: &str) -> Label<'l> {
        let end = self.sorted.partition_point(|(known, ..)| *known <= key);
        match end.checked_sub(1).and_then(|last| self.sorted.get(last)) {
            Some((known, _, value)) if *known == key => value.map_or(Label::Present, Label::Is),
            _ => self.others,
        }
    }
}

crate::view! {
    /// `LabelSelector` (`meta/v1`): all of its requirements must hold.
    pub struct LabelSelector<'a> {
        /// Labels that must have exactly this value.
        pub match_labels: Map<'a> as "matchLabels",
        /// Further requirements.
        pub match_expressions: List<Requirement<'a>> as "matchExpressions",
    }

    /// `matchExpressions[]`
    pub struct Requirement<'a> {
        /// The label's key.
        pub key: Str<'a> as "key",
        /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
        pub operator: Str<'a> as "operator",
        /// The values for `In` and `NotIn`.
        pub values: List<Str<'a>> as "values",
    }
}

impl<'a> LabelSelector<'a> {
    /// Whether it has no requirement, and so selects everything.
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Whether it selects an object with these labels, for certain.
    ///
    /// # Errors
    /// When the selector is not valid, with the path of what is wrong below `at`: an unknown operator, `In` without values, a key or
    /// a value that no label can have. Each requirement is checked, also those behind one that does not hold.
    pub fn selects(&self, labels: &Labels<'_>, at: &Path<'_>) -> Result<bool, Error> {
        Ok(self.unmet(labels, at)?.is_empty())
    }

    /// The selector as [`ListQuery::label_selector`](crate::ListQuery::label_selector) takes it: `app=web,tier in (a,b),!legacy`;
    /// empty where it selects everything. `None` when it is not valid, and so selects nothing.
    pub fn to_query(&self) -> Option<String> {
        self.selects(&Labels::new(&[]), &Path::root()).ok()?;
        let mut query = String::new();
        let mut requirement = |parts: &[&str]| {
            if !query.is_empty() {
                query.push(',');
            }
            parts.iter().for_each(|part| query.push_str(part));
        };
        for (key, value) in &self.match_labels {
            requirement(&[key, "=", value]);
        }
        for Requirement { key, operator, values } in &self.match_expressions {
            match operator.as_str() {
                "Exists" => requirement(&[key]),
                "DoesNotExist" => requirement(&["!", key]),
                operator => {
                    let values: Vec<&str> = values.iter().map(Str::as_str).collect();
                    let operator = if operator == "In" { " in (" } else { " notin (" };
                    requirement(&[key, operator, &values.join(","), ")"]);
                }
            }
        }
        Some(query)
    }

    /// The keys of the requirements that do not hold for certain; with none, an object with these labels is selected.
    ///
    /// # Errors
    /// As for [`selects`](Self::selects).
    pub fn unmet(&self, labels: &Labels<'_>, at: &Path<'_>) -> Result<Vec<&str>, Error> {
        let mut unmet = Vec::new();
        let match_labels = at.field("matchLabels");
        for (key, value) in &self.match_labels {
            let here = match_labels.key(key);
            check_key(key, &here)?;
            check_value(value, &here)?;
            if labels.get(key) != Label::Is(value) {
                unmet.push(key.as_str());
            }
        }
        for (index, requirement) in self.match_expressions.iter().enumerate() {
            if !requirement.holds(labels, &at.item("matchExpressions", index))? {
                unmet.push(&requirement.key);
            }
        }
        Ok(unmet)
    }
}

impl Requirement<'_> {
    /// Whether it holds for an object with these labels, for certain.
    fn holds(&self, labels: &Labels<'_>, at: &Path<'_>) -> Result<bool, Error> {
        check_key(&self.key, &at.field("key"))?;
        let label = labels.get(&self.key);
        let values = at.field("values");
        let listed = |value: &str| self.values.iter().any(|listed| listed == value);
        let (holds, takes_values) = match self.operator.as_str() {
            "In" => (matches!(label, Label::Is(value) if listed(value)), true),
            "NotIn" => (matches!(label, Label::Is(value) if !listed(value)) || label == Label::Absent, true),
            "Exists" => (matches!(label, Label::Is(_) | Label::Present), false),
            "DoesNotExist" => (label == Label::Absent, false),
            _ => return Err(Error::malformed(&at.field("operator"), "expected In, NotIn, Exists or DoesNotExist")),
        };
        match (takes_values, self.values.is_empty()) {
            (true, true) => return Err(Error::malformed(&values, "expected at least one value")),
            (false, false) => return Err(Error::malformed(&values, "expected no values for this operator")),
            _ => {}
        }
        for (index, value) in self.values.iter().enumerate() {
            check_value(value, &values.index(index))?;
        }
        Ok(holds)
    }
}

/// A label selector in a policy's settings: as in the Kubernetes API, but an unknown key is refused.
#[derive(Clone, Debug)]
pub struct SelectorSetting(String);

impl SelectorSetting {
    /// The selector.
    pub fn selector(&self) -> LabelSelector<'_> {
        // It was read once already, when the settings were.
        json::from_str(&self.0).unwrap_or_default()
    }
}

impl SettingType for SelectorSetting {
    const FIELDS: &'static [FieldDoc] =
        &[FieldDoc::new::<MatchLabels>("match_labels", "Map"), FieldDoc::new::<MatchExpression>("match_expressions", "Vec<_>")];
}

/// Any keys, each with a string.
struct MatchLabels;

impl SettingType for MatchLabels {}

struct MatchExpression;

impl SettingType for MatchExpression {
    const FIELDS: &'static [FieldDoc] = &[
        FieldDoc::new::<String>("key", "String"),
        FieldDoc::new::<Operator>("operator", "String"),
        FieldDoc::new::<Vec<String>>("values", "Vec<String>"),
    ];
}

struct Operator;

impl SettingType for Operator {
    const CHOICES: &'static [&'static str] = &["In", "NotIn", "Exists", "DoesNotExist"];
}

impl<'a> Read<'a> for SelectorSetting {
    fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        let mut here = reader.clone();
        let selector = LabelSelector::read(reader)?;
        let text = here.skip()?;
        let refused = |problem: String| here.clone().refused(&["expected a label selector: ", &problem].concat());
        // An empty one exempts or admits everything, and no one means that.
        if selector.is_empty() {
            return Err(refused("it has neither matchLabels nor matchExpressions".to_owned()));
        }
        selector.selects(&Labels::new(&[]), &Path::root()).map_err(|error| match error {
            Error::Malformed { path, problem } => refused([&path, ": ", &problem].concat()),
            Error::Host(error) => refused(error.problem),
        })?;
        Ok(Self(text.to_owned()))
    }
}

fn check_key(key: &str, at: &Path<'_>) -> Result<(), Error> {
    if is_label_key(key) { Ok(()) } else { Err(Error::malformed(at, "not a valid label key")) }
}

fn check_value(value: &str, at: &Path<'_>) -> Result<(), Error> {
    if value.is_empty() || is_label_value(value) { Ok(()) } else { Err(Error::malformed(at, "not a valid label value")) }
}

/// Whether this can be a label's key, or an annotation's: a name, with a DNS subdomain and `/` before it or not.
pub fn is_label_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => prefix.len() <= 253 && prefix.split('.').all(is_dns_label) && is_label_value(name),
        None => is_label_value(key),
    }
}

/// Whether a label can have this value, beside the empty one: letters, digits, `-`, `_` and `.`, beginning and ending with a letter
/// or digit; 63 at most.
pub fn is_label_value(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    bytes.len() <= 63
        && ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn is_dns_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    bytes.first().is_some_and(inner) && bytes.last().is_some_and(inner) && bytes.iter().all(|byte| inner(byte) || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn selects(selector: serde_json::Value, labels: &[(&str, Option<&str>)]) -> Result<bool, String> {
        let text = selector.to_string();
        let selector: LabelSelector<'_> = json::from_str(&text).unwrap();
        selector.selects(&Labels::new(labels), &Path::new("spec.podSelector")).map_err(|error| match error {
            Error::Malformed { path, .. } => path,
            Error::Host(error) => error.to_string(),
        })
    }

    #[test]
    fn empty_selects_everything() {
        for selector in
            [json!({}), json!(null), json!({"matchLabels": {}, "matchExpressions": []}), json!({"matchLabels": null})]
        {
            assert_eq!(selects(selector.clone(), &[]), Ok(true), "{selector}");
            assert_eq!(selects(selector, &[("app", Some("web"))]), Ok(true));
        }
    }

    #[test]
    fn absent_is_what_the_field_says() {
        crate::view! {
            struct Peer<'a> {
                always: LabelSelector<'a> as "podSelector",
                maybe: Option<LabelSelector<'a>> as "namespaceSelector",
            }
        }
        for text in [r#"{}"#, r#"{"podSelector": null, "namespaceSelector": null}"#] {
            let peer: Peer<'_> = json::from_str(text).unwrap();
            assert!(peer.always.is_empty() && peer.maybe.is_none());
        }
        let peer: Peer<'_> = json::from_str(r#"{"namespaceSelector": {}}"#).unwrap();
        assert!(peer.maybe.is_some_and(|selector| selector.is_empty()));
    }

    #[test]
    fn what_is_invalid_is_an_error_with_its_path() {
        let expression = |key: &str, operator: &str, values: serde_json::Value| json!({"matchLabels": {"no": "match"}, "matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        for (selector, path) in [
            (expression("a", "in", json!(["x"])), "spec.podSelector.matchExpressions[0].operator"),
            (expression("a", "Gt", json!(["1"])), "spec.podSelector.matchExpressions[0].operator"),
            (expression("a", "", json!([])), "spec.podSelector.matchExpressions[0].operator"),
            (expression("a", "In", json!([])), "spec.podSelector.matchExpressions[0].values"),
            (expression("a", "NotIn", json!(null)), "spec.podSelector.matchExpressions[0].values"),
            (expression("a", "Exists", json!(["x"])), "spec.podSelector.matchExpressions[0].values"),
            (expression("a", "DoesNotExist", json!([""])), "spec.podSelector.matchExpressions[0].values"),
            (expression("", "Exists", json!([])), "spec.podSelector.matchExpressions[0].key"),
            (expression("a/b/c", "Exists", json!([])), "spec.podSelector.matchExpressions[0].key"),
            (expression("A.b/c", "Exists", json!([])), "spec.podSelector.matchExpressions[0].key"),
            (expression("a", "In", json!(["ok", "-x"])), "spec.podSelector.matchExpressions[0].values[1]"),
            (json!({"matchLabels": {"app": "not a value"}}), "spec.podSelector.matchLabels.app"),
            (json!({"matchLabels": {"k8s:app": "web"}}), "spec.podSelector.matchLabels[k8s:app]"),
        ] {
            assert_eq!(selects(selector.clone(), &[]), Err(path.to_owned()), "{selector}");
        }
    }

    #[test]
    fn queries_are_written_as_the_api_server_reads_them() {
        let query = |selector: serde_json::Value| {
            let text = selector.to_string();
            let selector: LabelSelector<'_> = json::from_str(&text).unwrap();
            selector.to_query()
        };
        assert_eq!(query(json!({})).as_deref(), Some(""));
        assert_eq!(query(json!({"matchLabels": {"a.b/c": "", "app": "web"}})).as_deref(), Some("a.b/c=,app=web"));
        let expressions = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]},
            {"key": "tier", "operator": "NotIn", "values": ["", "c"]},
            {"key": "live", "operator": "Exists"},
            {"key": "old", "operator": "DoesNotExist"}]});
        assert_eq!(query(expressions).as_deref(), Some("app=web,tier in (a,b),tier notin (,c),live,!old"));
        assert_eq!(query(json!({"matchExpressions": [{"key": "a", "operator": "Is", "values": ["b"]}]})), None);
        assert_eq!(query(json!({"matchLabels": {"a": "b),c in (d"}})), None);
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        let labels = Labels::new(&[("b", Some("1")), ("a", Some("2")), ("b", Some("3")), ("c", None)]);
        assert_eq!(labels.get("b"), Label::Is("3"));
        assert_eq!(labels.get("a"), Label::Is("2"));
        assert_eq!(labels.get("c"), Label::Present);
        assert_eq!(labels.get("d"), Label::Absent);
        assert_eq!(labels.and_others().get("d"), Label::Unknown);
    }

    #[test]
    fn settings_are_strict() {
        let read = |text: &str| json::read_strictly::<SelectorSetting>(text);
        let good = read(r#"{"matchLabels": {"app": "web"}}"#).unwrap();
        assert!(good.selector().selects(&Labels::new(&[("app", Some("web"))]), &Path::root()).unwrap());
        for (text, problem) in [
            ("{}", "neither matchLabels nor matchExpressions"),
            ("null", "neither matchLabels nor matchExpressions"),
            (r#"{"matchLabel": {"app": "web"}}"#, "unknown key"),
            (r#"{"matchExpressions": [{"key": "a", "operator": "In"}]}"#, "matchExpressions[0].values"),
            (r#"{"matchLabels": {"app": 1}}"#, "expected a string"),
            ("[]", "expected a map"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    /// The definition, by `metav1.LabelSelectorAsSelector` and `labels.Requirement.Matches`, on labels that are all known.
    fn reference(selector: &LabelSelector<'_>, labels: &[(String, String)]) -> bool {
        let value = |key: &str| labels.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
        selector.match_labels.iter().all(|(key, wanted)| value(key) == Some(wanted))
            && selector.match_expressions.iter().all(|requirement| {
                let value = value(&requirement.key);
                let listed = value.is_some_and(|value| requirement.values.iter().any(|listed| listed == value));
                match requirement.operator.as_str() {
                    "In" => value.is_some() && listed,
                    "NotIn" => value.is_none() || !listed,
                    "Exists" => value.is_some(),
                    "DoesNotExist" => value.is_none(),
                    other => unreachable!("{other}"),
                }
            })
    }

    fn any_selector() -> impl Strategy<Value = serde_json::Value> {
        let key = prop::sample::select(vec!["a", "b", "x.y/c"]);
        let value = prop::sample::select(vec!["", "1", "2"]);
        let values = prop::collection::vec(value.clone(), 1..3);
        let requirement = (key.clone(), 0..4usize, values).prop_map(|(key, operator, values)| match operator {
            0 => json!({"key": key, "operator": "In", "values": values}),
            1 => json!({"key": key, "operator": "NotIn", "values": values}),
            2 => json!({"key": key, "operator": "Exists"}),
            _ => json!({"key": key, "operator": "DoesNotExist", "values": null}),
        });
        (prop::collection::btree_map(key, value, 0..3), prop::collection::vec(requirement, 0..3))
            .prop_map(|(labels, expressions)| json!({"matchLabels": labels, "matchExpressions": expressions}))
    }

    /// For each of three keys: absent, one of the values, or (from 4) present with a value not known, or not known at all.
    fn labels_of(states: &[usize]) -> Vec<(String, String)> {
        let keys = ["a", "b", "x.y/c"].iter().zip(states);
        keys.filter(|(_, state)| **state > 0)
            .map(|(key, state)| ((*key).to_owned(), ["", "1", "2", "z"][state - 1].to_owned()))
            .collect()
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(selector in any_selector(), states in prop::collection::vec(0..5usize, 3)) {
            let text = selector.to_string();
            let selector: LabelSelector<'_> = json::from_str(&text).unwrap();
            let known = labels_of(&states);
            let labels: Vec<_> = known.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect();
            prop_assert_eq!(selector.selects(&Labels::new(&labels), &Path::root()).unwrap(), reference(&selector, &known));
        }

        /// Where a value is not known, the answer is yes only if it is yes for every value.
        #[test]
        fn is_certain(selector in any_selector(), states in prop::collection::vec(0..5usize, 3), hidden in 0..3usize) {
            let text = selector.to_string();
            let selector: LabelSelector<'_> = json::from_str(&text).unwrap();
            let hidden_key = ["a", "b", "x.y/c"][hidden];
            let known = labels_of(&states);
            let mut labels: Vec<_> = known.iter().filter(|(key, _)| key != hidden_key).map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect();
            labels.push((hidden_key, None));
            if selector.selects(&Labels::new(&labels), &Path::root()).unwrap() {
                for state in 1..5 {
                    let mut states = states.clone();
                    states[hidden] = state;
                    prop_assert!(reference(&selector, &labels_of(&states)));
                }
            }
            labels.pop();
            // Present, absent or unknown: `and_others` must hold for all of them, and for labels that the selector alone names.
            if states.iter().enumerate().all(|(place, state)| place == hidden || *state > 0)
                && selector.selects(&Labels::new(&labels).and_others(), &Path::root()).unwrap() {
                for state in 0..5 {
                    let mut states = states.clone();
                    states[hidden] = state;
                    prop_assert!(reference(&selector, &labels_of(&states)));
                }
            }
        }
    }
}
