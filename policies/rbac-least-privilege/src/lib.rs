//! Rejects Roles and ClusterRoles that grant more than their holder needs.
//!
//! Two kinds of grant are found: wildcards, which grant what nobody has thought of, and grants by which a holder gains more than was
//! granted. Of a rule that is a wildcard through and through the wildcards alone are reported: they say it all.
//!
//! References: CIS Kubernetes Benchmark 5.1; Kubernetes documentation, "RBAC Good Practices".

mod judge;
mod narrow;
mod rules;
mod words;

use palisade_sdk::rbac::{self, AllowedRole, Role, RoleKind, bootstrap};
use palisade_sdk::{Error, Host, Policy, Report, Request, Rule, SettingsError, glob};

palisade_sdk::settings! {
    /// What the deployer may accept.
    pub struct Settings {
        /// Roles that are accepted as they are: a list of `{name, namespace, kind, reason}`. `name` and `namespace` are glob patterns;
        /// with `namespace` only Roles in such a namespace are meant; `kind` is `Role` or `ClusterRole`, both when left out;
        /// `reason` is mandatory.
        pub allowed_roles: Vec<AllowedRole> = Vec::new(),
        /// Grants that are accepted in every role, or in some: a list of `{apiGroup, resource, verbs, roles, reason}`. `apiGroup` is the
        /// core group when left out; `resource` is written as in a rule, `pods/exec` for a subresource; `*` stands for any, and
        /// accepts the wildcard itself. `roles` are glob patterns of the names of the roles that may hold it, all when left out; `reason` is
        /// mandatory.
        pub allowed_verbs: Vec<AllowedVerbs> = Vec::new(),
    }
}

palisade_sdk::setting! {
    /// A grant that is accepted.
    pub struct AllowedVerbs {
        api_group: String,
        resource: String,
        verbs: Vec<String>,
        roles: Vec<String>,
        reason: String,
    }
}

impl AllowedVerbs {
    fn may_be_held_by(&self, role: &Role<'_>) -> bool {
        self.roles.is_empty() || self.roles.iter().any(|pattern| glob::matches(pattern, &role.metadata.name))
    }
}

/// Least privilege for Roles and ClusterRoles.
pub struct RbacLeastPrivilege;

impl Policy for RbacLeastPrivilege {
    type Settings = Settings;
    const RULES: &'static [Rule] = rules::ALL;

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        AllowedRole::check(&settings.allowed_roles, "allowedRoles")?;
        let wrong = |list: &str, index: usize, field: &str, problem: &str| {
            Err(SettingsError::new([list, "[", &index.to_string(), "].", field].concat(), problem))
        };
        let blank = |text: &str| text.trim().is_empty();
        for (index, allowed) in settings.allowed_verbs.iter().enumerate() {
            let list = "allowedVerbs";
            if blank(&allowed.reason) {
                return wrong(list, index, "reason", "expected why this grant is accepted");
            }
            if blank(&allowed.resource) {
                return wrong(list, index, "resource", "expected a resource as rules name it, for example pods or pods/exec");
            }
            if allowed.verbs.is_empty() || allowed.verbs.iter().any(|verb| blank(verb)) {
                return wrong(list, index, "verbs", "expected at least one verb, and no empty one");
            }
            if allowed.roles.iter().any(|role| blank(role)) {
                return wrong(list, index, "roles", "expected names or glob patterns");
            }
        }
        Ok(())
    }

    fn validate(request: &Request<'_>, settings: &Settings, _: &dyn Host, report: &mut Report) -> Result<(), Error> {
        let Some(kind) = RoleKind::of(&request.kind.kind).filter(|_| request.kind.group == rbac::GROUP) else { return Ok(()) };
        let role: Role<'_> = request.object()?;
        if settings.allowed_roles.iter().any(|allowed| allowed.is(kind, &role, &request.namespace)) {
            return Ok(());
        }
        if kind == RoleKind::ClusterRole
            && (bootstrap::is_aggregation(request, &role) || bootstrap::is_bootstrapped(request, &role)?)
        {
            return Ok(());
        }
        judge::judge(kind, &role, request, settings, report)
    }
}

palisade_sdk::export!(RbacLeastPrivilege);

#[cfg(test)]
mod tests {
    use super::*;

    /// The findings on a ClusterRole with these rules: how many, and the last one's path.
    fn findings(rules: &str) -> String {
        let payload = format!(
            r#"{{"settings": {{}}, "request": {{"kind": {{"group": "{}", "version": "v1", "kind": "ClusterRole"}}, "operation": "CREATE",
                "object": {{"metadata": {{"name": "many"}}, "rules": [{rules}]}}}}}}"#,
            rbac::GROUP
        );
        let response = palisade_sdk::run::<RbacLeastPrivilege>(b"validate", payload.as_bytes(), &palisade_sdk::NoHost);
        String::from_utf8(response.unwrap()).unwrap()
    }

    fn repeated(item: &str, times: usize) -> String {
        vec![item; times].join(", ")
    }

    #[test]
    fn thousands_of_rules_are_judged_to_the_last() {
        let rule = r#"{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}"#;
        let last = r#"{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}"#;
        assert!(findings(&format!("{}, {last}", repeated(rule, 20_000))).contains("rules[20000].resources[0]"));
    }

    /// A rule is a product of lists; the work is not.
    #[test]
    fn long_lists_do_not_multiply() {
        let times = 50_000;
        let rule = |resource: &str, verb: &str, name: &str| {
            format!(
                r#"{{"apiGroups": [{}], "resources": [{}], "verbs": [{}], "resourceNames": [{}]}}"#,
                repeated(r#""apps", "*""#, times),
                repeated(resource, times),
                repeated(verb, times),
                repeated(name, times)
            )
        };
        for (resource, verb) in [(r#""*""#, r#""*""#), (r#""roles""#, r#""bind", "update""#), (r#""signers""#, r#""approve""#)]
        {
            assert!(findings(&rule(resource, verb, r#""cluster-admin""#)).contains("findings more"), "{resource}");
        }
    }

    /// What is quoted of an object is short, however long it is there.
    #[test]
    fn quotes_are_cut() {
        let long = "ä".repeat(10_000);
        let rule = format!(r#"{{"apiGroups": ["{long}"], "resources": ["*/{long}"], "verbs": ["{long}", "*"]}}"#);
        let response = findings(&rule);
        assert!(response.contains("wildcard-resource"));
        assert!(response.len() < 10_000, "{} bytes", response.len());
    }
}
