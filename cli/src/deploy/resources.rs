//! Kubewarden's resources, and those of RBAC, as far as they are written here: the fields of `policies.kubewarden.io/v1`.

use std::collections::BTreeMap;

use clap::ValueEnum;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

/// Words that YAML 1.1, which kubectl and Helm read, takes for booleans.
const BOOLEANS: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "true", "false"];
/// What such a word begins with until [`quoted`] has put it into quotes.
const MARKED: &str = "yaml_1_1_boolean_";

/// A resource of any kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource<S> {
    /// Group and version.
    pub api_version: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// Name, labels and annotations.
    pub metadata: ObjectMeta,
    /// The rest.
    #[serde(flatten)]
    pub content: S,
}

/// Name, labels and annotations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ObjectMeta {
    /// The name.
    pub name: String,
    /// The labels.
    pub labels: BTreeMap<&'static str, String>,
    /// The annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<&'static str, String>,
}

/// What has a spec.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WithSpec<S> {
    /// The spec.
    pub spec: S,
}

/// What happens to what a policy rejects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is accepted, logged, and reported by the audit
    #[default]
    Monitor,
    /// It is rejected
    Protect,
}

/// What happens while policy-server does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailurePolicy {
    /// The request goes on.
    Ignore,
    /// The request is rejected.
    Fail,
}

/// Which requests that are equal to those of the rules are meant, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum MatchPolicy {
    /// Those by another group or version as well.
    Equivalent,
}

/// The requests that a policy is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// API groups.
    pub api_groups: Vec<String>,
    /// Versions.
    pub api_versions: Vec<String>,
    /// Resources and subresources.
    pub resources: Vec<String>,
    /// Operations.
    pub operations: Vec<String>,
}

/// A kind that a policy may look up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextAwareResource {
    /// Group and version.
    pub api_version: String,
    /// The kind.
    pub kind: String,
}

/// What the API server asks before it calls the policy: an expression of CEL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchCondition {
    /// Its name.
    pub name: String,
    /// The expression.
    pub expression: String,
}

/// Which namespaces are meant. Kubewarden's controller takes the expressions alone, and no `matchLabels`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSelector {
    /// Expressions that must all hold.
    pub match_expressions: Vec<Expression>,
}

/// An expression over one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expression {
    /// The label.
    pub key: &'static str,
    /// `NotIn` and the like.
    pub operator: &'static str,
    /// The values.
    pub values: Vec<String>,
}

impl NamespaceSelector {
    /// Every namespace but these; none where there are none.
    pub fn without(namespaces: &[String]) -> Option<Self> {
        let expression = Expression { key: "kubernetes.io/metadata.name", operator: "NotIn", values: namespaces.to_vec() };
        (!namespaces.is_empty()).then(|| Self { match_expressions: vec![expression] })
    }
}

/// A policy's settings. Strings that YAML 1.1 takes for booleans are marked as they are written, for [`quoted`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(pub Map<String, Value>);

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fn marked(value: &Value) -> Value {
            match value {
                Value::String(text) if BOOLEANS.contains(&text.to_ascii_lowercase().as_str()) => {
                    format!("{MARKED}{text}").into()
                }
                Value::Array(items) => items.iter().map(marked).collect(),
                Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), marked(value))).collect(),
                other => other.clone(),
            }
        }
        self.0.iter().map(|(key, value)| (key, marked(value))).collect::<BTreeMap<_, _>>().serialize(serializer)
    }
}

/// A text of YAML with quotes around the words that were marked.
pub fn quoted(text: &str) -> String {
    let mut parts = text.split(MARKED);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(part.len());
        let (word, rest) = part.split_at(end);
        result.extend(["'", word, "'", rest]);
    }
    result
}

/// The spec of a ClusterAdmissionPolicy. `sideEffects` is left out: Kubewarden makes `None` of that, which is true.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicySpec {
    /// The PolicyServer that runs it.
    pub policy_server: String,
    /// Whether it rejects.
    pub mode: Mode,
    /// Where the module is.
    pub module: String,
    /// Its settings.
    pub settings: Settings,
    /// What it is asked about.
    pub rules: Vec<Rule>,
    /// Whether it changes objects.
    pub mutating: bool,
    /// Whether the audit asks it.
    pub background_audit: bool,
    /// What it may look up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context_aware_resources: Vec<ContextAwareResource>,
    /// While policy-server does not answer.
    pub failure_policy: FailurePolicy,
    /// Other versions of the same objects.
    pub match_policy: MatchPolicy,
    /// What is asked first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub match_conditions: Vec<MatchCondition>,
    /// The namespaces that it sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<NamespaceSelector>,
    /// How long the API server waits.
    pub timeout_seconds: u32,
}

/// The spec of a ClusterAdmissionPolicyGroup.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupSpec {
    /// The PolicyServer that runs it.
    pub policy_server: String,
    /// Whether it rejects.
    pub mode: Mode,
    /// What it is asked about.
    pub rules: Vec<Rule>,
    /// Whether the audit asks it.
    pub background_audit: bool,
    /// While policy-server does not answer.
    pub failure_policy: FailurePolicy,
    /// Other versions of the same objects.
    pub match_policy: MatchPolicy,
    /// What is asked first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub match_conditions: Vec<MatchCondition>,
    /// The namespaces that it sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<NamespaceSelector>,
    /// How long the API server waits.
    pub timeout_seconds: u32,
    /// Its members, by their names in the expression.
    pub policies: BTreeMap<String, Member>,
    /// What must hold.
    pub expression: String,
    /// What is said where it does not.
    pub message: String,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Where the module is.
    pub module: String,
    /// Its settings.
    pub settings: Settings,
    /// What it may look up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context_aware_resources: Vec<ContextAwareResource>,
}

/// The rules of a ClusterRole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClusterRole {
    /// What it grants.
    pub rules: Vec<PolicyRule>,
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyRule {
    /// API groups.
    pub api_groups: Vec<String>,
    /// Resources.
    pub resources: Vec<String>,
    /// Verbs.
    pub verbs: Vec<&'static str>,
}

/// Who holds a ClusterRole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterRoleBinding {
    /// The role.
    pub role_ref: RoleRef,
    /// The holders.
    pub subjects: Vec<Subject>,
}

/// The role of a binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleRef {
    /// The group of RBAC.
    pub api_group: &'static str,
    /// `ClusterRole`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

/// A ServiceAccount that holds a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// `ServiceAccount`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
}
