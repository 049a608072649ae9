//! Who may do what: the answers to `kubernetes/can_i`.

use palisade_sdk::json as views;
use palisade_sdk::rbac::{GROUP, Name, ResourceRequest, Role};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::world::Cluster;

/// Whose members may do anything, whatever the roles say.
const MASTERS: &str = "system:masters";

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

/// The answer to a review, as a `SubjectAccessReviewStatus`: allowed is what these rules allow, and what the roles and bindings of the
/// cluster grant, as the API server's RBAC authorizer reads them.
///
/// # Errors
/// When it can't be said what the cluster's roles grant.
pub(crate) fn review(rules: &[AccessRule], cluster: &Cluster, request: &Value) -> Result<Value, String> {
    let review = &request["subject_access_review"];
    let reason = match rules.iter().any(|rule| rule.allows(review)) {
        true => Some("allowed by a rule of this test".to_owned()),
        false => granted(cluster, review)?,
    };
    Ok(match reason {
        Some(reason) => json!({"allowed": true, "reason": reason}),
        None => json!({"allowed": false}),
    })
}

/// What grants the action, if anything does.
fn granted(cluster: &Cluster, review: &Value) -> Result<Option<String>, String> {
    let user = text(&review["user"]);
    let groups: Vec<&str> = review["groups"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if groups.contains(&MASTERS) {
        return Ok(Some(format!("RBAC: allowed to group {MASTERS}")));
    }
    cluster.aggregated()?;
    let action = &review["resource_attributes"];
    let request = ResourceRequest {
        verb: text(&action["verb"]),
        group: text(&action["group"]),
        resource: text(&action["resource"]),
        subresource: text(&action["subresource"]),
        name: Some(text(&action["name"])).filter(|name| !name.is_empty()).map_or(Name::Absent, Name::Is),
    };
    let namespace = text(&action["namespace"]);
    let here = cluster.of_kind(GROUP, "RoleBinding").filter(|binding| {
        // A RoleBinding grants nothing outside of its namespace, and no request outside of every namespace.
        !namespace.is_empty() && binding["metadata"]["namespace"] == namespace
    });
    let granting = cluster
        .of_kind(GROUP, "ClusterRoleBinding")
        .chain(here)
        .find(|binding| binds(binding, user, &groups) && role_allows(cluster, binding, &request));
    let reason =
        |binding: &Value| format!("RBAC: allowed by {} \"{}\"", text(&binding["kind"]), text(&binding["metadata"]["name"]));
    Ok(granting.map(reason))
}

/// Whether one of a binding's subjects is this user.
fn binds(binding: &Value, user: &str, groups: &[&str]) -> bool {
    let account = user.strip_prefix("system:serviceaccount:").and_then(|account| account.split_once(':'));
    binding["subjects"].as_array().into_iter().flatten().any(|subject| {
        let name = text(&subject["name"]);
        match text(&subject["kind"]) {
            "User" => name == user,
            "Group" => groups.contains(&name),
            "ServiceAccount" => {
                let own = [text(&subject["namespace"]), text(&binding["metadata"]["namespace"])];
                own.into_iter().find(|own| !own.is_empty()).is_some_and(|namespace| account == Some((namespace, name)))
            }
            _ => false,
        }
    })
}

/// Whether the role that a binding names allows the request.
fn role_allows(cluster: &Cluster, binding: &Value, request: &ResourceRequest<'_>) -> bool {
    let (kind, name) = (text(&binding["roleRef"]["kind"]), text(&binding["roleRef"]["name"]));
    let namespace = if kind == "Role" { text(&binding["metadata"]["namespace"]) } else { "" };
    let Some(role) = cluster.find(GROUP, kind, namespace, name) else { return false };
    let json = role.to_string();
    // A role that the API server would not take grants nothing.
    views::from_str::<Role<'_>>(&json).is_ok_and(|role| role.rules.iter().any(|rule| rule.allows(request)))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Roles and bindings in YAML, and whether they allow an action: user and groups, then verb, resource, namespace and name.
    fn may(objects: &str, who: (&str, &[&str]), action: (&str, &str, &str, &str)) -> bool {
        let mut cluster = Cluster::default();
        for document in crate::yaml::documents(objects) {
            let mut object = document.unwrap().into_value();
            object["apiVersion"] = "rbac.authorization.k8s.io/v1".into();
            cluster.add(object, "shop").unwrap();
        }
        let ((user, groups), (verb, resource, namespace, name)) = (who, action);
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let review = json!({"subject_access_review": {
            "user": user, "groups": groups,
            "resource_attributes": {
                "verb": verb, "group": "", "resource": resource, "subresource": subresource, "namespace": namespace, "name": name,
            },
        }});
        super::review(&[], &cluster, &review).unwrap()["allowed"] == true
    }

    const ROLES: &str = "
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [''], resources: [pods], verbs: [get, list]}]
---
kind: RoleBinding
metadata: {name: reader}
roleRef: {kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: web}, {kind: Group, name: operators}, {kind: ServiceAccount, name: web, namespace: ci}]
---
kind: ClusterRole
metadata: {name: one-secret}
rules: [{apiGroups: [''], resources: [secrets], verbs: ['*'], resourceNames: [web]}]
---
kind: ClusterRoleBinding
metadata: {name: one-secret}
roleRef: {kind: ClusterRole, name: one-secret}
subjects: [{kind: User, name: ann}]
---
kind: ClusterRoleBinding
metadata: {name: root}
roleRef: {kind: ClusterRole, name: cluster-admin}
subjects: [{kind: User, name: root}, {kind: ServiceAccount, name: nowhere}]
";

    #[test]
    fn bindings_grant_what_their_roles_allow() {
        let web = ("system:serviceaccount:shop:web", &[][..]);
        let ann = ("ann", &[][..]);
        for (who, action, expected) in [
            (web, ("list", "pods", "shop", ""), true),
            (web, ("list", "pods", "till", ""), false),
            (web, ("list", "pods", "", ""), false),
            (web, ("delete", "pods", "shop", "x"), false),
            (web, ("get", "pods/log", "shop", "x"), false),
            (("system:serviceaccount:ci:web", &[]), ("list", "pods", "shop", ""), true),
            (("system:serviceaccount:ci:db", &[]), ("list", "pods", "shop", ""), false),
            (("bob", &["operators"]), ("list", "pods", "shop", ""), true),
            (("bob", &["system:masters"]), ("delete", "nodes", "", "n"), true),
            (("bob", &[]), ("list", "pods", "shop", ""), false),
            (ann, ("get", "secrets", "shop", "web"), true),
            (ann, ("get", "secrets", "shop", "db"), false),
            (ann, ("list", "secrets", "shop", ""), false),
            (("root", &[]), ("delete", "nodes", "", "n"), true),
            // Of a ServiceAccount without namespace in a ClusterRoleBinding nobody is meant.
            (("system:serviceaccount::nowhere", &[]), ("get", "pods", "shop", "x"), false),
            (("system:serviceaccount:shop:nowhere", &[]), ("get", "pods", "shop", "x"), false),
        ] {
            assert_eq!(may(ROLES, who, action), expected, "{who:?} {action:?}");
        }
    }

    #[test]
    fn aggregated_roles_allow_what_their_parts_do() {
        let roles = "
kind: ClusterRole
metadata: {name: all}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: all}}]}
rules: [{apiGroups: [''], resources: [nodes], verbs: ['*']}]
---
kind: ClusterRole
metadata: {name: some, labels: {to: all}}
aggregationRule: {clusterRoleSelectors: [{matchExpressions: [{key: to, operator: In, values: [some, all]}]}]}
---
kind: ClusterRole
metadata: {name: pods, labels: {to: some}}
rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]
---
kind: ClusterRole
metadata: {name: secrets}
rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]
---
kind: ClusterRoleBinding
metadata: {name: ann}
roleRef: {kind: ClusterRole, name: all}
subjects: [{kind: User, name: ann}]
";
        let ann = ("ann", &[][..]);
        assert!(may(roles, ann, ("get", "pods", "shop", "x")));
        assert!(!may(roles, ann, ("get", "secrets", "shop", "x")));
        // The controller overwrites the rules that an aggregating role says itself.
        assert!(!may(roles, ann, ("get", "nodes", "", "x")));
    }

    #[test]
    fn broken_roles_grant_nothing() {
        let roles = "
kind: ClusterRole
metadata: {name: broken}
rules: all
---
kind: ClusterRoleBinding
metadata: {name: a}
roleRef: {kind: ClusterRole, name: broken}
subjects: [{kind: User, name: ann}, 3]
---
kind: ClusterRoleBinding
metadata: {name: b}
subjects: {kind: User, name: ann}
";
        assert!(!may(roles, ("ann", &[]), ("get", "pods", "shop", "x")));
    }
}
