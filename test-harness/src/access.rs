//! Who may do what: the answers to `kubernetes/can_i`.

use serde::Deserialize;
use serde_json::{Value, json};

/// Allows an action. A field that is left out stands for anything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AccessRule {
    /// The user.
    pub user: Option<String>,
    /// A group that the user must be in.
    pub group: Option<String>,
    /// The namespace of the objects.
    pub namespace: Option<String>,
    /// `get`, `create` and so on.
    pub verb: Option<String>,
    /// The API group of the resource.
    pub api_group: Option<String>,
    /// The resource, in the plural.
    pub resource: Option<String>,
    /// The subresource.
    pub subresource: Option<String>,
    /// The object's name.
    pub name: Option<String>,
}

impl AccessRule {
    /// Whether this rule allows what a `SubjectAccessReview` asks.
    fn allows(&self, review: &Value) -> bool {
        let action = &review["resource_attributes"];
        let same = |wanted: &Option<String>, found: &Value| {
            wanted.as_deref().is_none_or(|wanted| wanted == found.as_str().unwrap_or_default())
        };
        let in_group = self
            .group
            .as_deref()
            .is_none_or(|group| review["groups"].as_array().into_iter().flatten().any(|found| found.as_str() == Some(group)));
        in_group
            && same(&self.user, &review["user"])
            && same(&self.namespace, &action["namespace"])
            && same(&self.verb, &action["verb"])
            && same(&self.api_group, &action["group"])
            && same(&self.resource, &action["resource"])
            && same(&self.subresource, &action["subresource"])
            && same(&self.name, &action["name"])
    }
}

/// The answer to a review, as a `SubjectAccessReviewStatus`.
pub(crate) fn review(rules: &[AccessRule], request: &Value) -> Value {
    let review = &request["subject_access_review"];
    json!({"allowed": rules.iter().any(|rule| rule.allows(review))})
}
