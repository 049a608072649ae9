//! Lets Secrets be read by name, by those who need them, and given to pods key by key.
//!
//! Two doors lead to a Secret: the API, which roles open, and the pod that it is given to. Of roles this policy judges what they grant on
//! Secrets, however it is written; of pods, whether they take more of a Secret than they use, and who in the container reads its files.
//!
//! References: CIS Kubernetes Benchmark 5.1.2 and 5.4.1; Kubernetes documentation, "Good practices for Kubernetes Secrets".

mod pods;
mod roles;
mod rules;

use palisade_sdk::rbac::{self, AllowedRole, Role, RoleKind, bootstrap};
use palisade_sdk::{Error, Host, Policy, Report, Request, Rule, SettingsError, glob};

palisade_sdk::settings! {
    /// What the deployer may accept.
    pub struct Settings {
        /// Roles that may reach Secrets: a list of `{name, namespace, kind, reason}`. `name` and `namespace` are glob patterns; with
        /// `namespace` only Roles in such a namespace are meant; `kind` is `Role` or `ClusterRole`, both when left out; `reason` is
        /// mandatory.
        pub allowed_roles: Vec<AllowedRole> = Vec::new(),
        /// Secrets that pods may take whole into their environment, and whose files may be open: a list of `{name, namespace, reason}`.
        /// `name` and `namespace` are glob patterns, every namespace when left out; `reason` is mandatory.
        pub allowed_secrets: Vec<AllowedSecret> = Vec::new(),
    }
}

palisade_sdk::setting! {
    /// A Secret whose use is accepted.
    pub struct AllowedSecret {
        name: String,
        namespace: Option<String>,
        reason: String,
    }
}

impl AllowedSecret {
    fn is(&self, secret: &str, namespace: &str) -> bool {
        glob::matches(&self.name, secret) && self.namespace.as_ref().is_none_or(|pattern| glob::matches(pattern, namespace))
    }
}

/// Access to Secrets, by roles and by pods.
pub struct RestrictSecretAccess;

impl Policy for RestrictSecretAccess {
    type Settings = Settings;
    const RULES: &'static [Rule] = rules::ALL;

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        AllowedRole::check(&settings.allowed_roles, "allowedRoles")?;
        let blank = |text: &str| text.trim().is_empty();
        for (index, allowed) in settings.allowed_secrets.iter().enumerate() {
            let wrong = |field: &str, problem: &str| {
                Err(SettingsError::new(["allowedSecrets[", &index.to_string(), "].", field].concat(), problem))
            };
            if blank(&allowed.reason) {
                return wrong("reason", "expected why this use is accepted");
            }
            if blank(&allowed.name) {
                return wrong("name", "expected a name or a glob pattern");
            }
            if allowed.namespace.as_ref().is_some_and(|namespace| blank(namespace)) {
                return wrong("namespace", "expected a name or a glob pattern");
            }
            if allowed.namespace.is_none() && allowed.name.bytes().all(|byte| matches!(byte, b'*' | b'?')) {
                return wrong("name", "expected a narrower pattern, or a namespace: this one accepts every Secret");
            }
        }
        Ok(())
    }

    fn validate(request: &Request<'_>, settings: &Settings, _: &dyn Host, report: &mut Report) -> Result<(), Error> {
        let Some(kind) = RoleKind::of(&request.kind.kind).filter(|_| request.kind.group == rbac::GROUP) else {
            if let Some(template) = request.pod_template()? {
                pods::judge(&template, &request.namespace, settings, report);
            }
            return Ok(());
        };
        let role: Role<'_> = request.object()?;
        let is_accepted = settings.allowed_roles.iter().any(|allowed| allowed.is(kind, &role, &request.namespace))
            || (kind == RoleKind::ClusterRole
                && (bootstrap::is_aggregation(request, &role) || bootstrap::is_bootstrapped(request, &role)?));
        if is_accepted { Ok(()) } else { roles::judge(kind, &role, report) }
    }
}

palisade_sdk::export!(RestrictSecretAccess);

#[cfg(test)]
mod tests {
    use super::*;

    fn response(group: &str, kind: &str, object: &str) -> String {
        let payload = format!(
            r#"{{"settings": {{}}, "request": {{"kind": {{"group": "{group}", "version": "v1", "kind": "{kind}"}}, "operation": "CREATE",
                "namespace": "shop", "object": {object}}}}}"#
        );
        let response = palisade_sdk::run::<RestrictSecretAccess>(b"validate", payload.as_bytes(), &palisade_sdk::NoHost);
        String::from_utf8(response.unwrap()).unwrap()
    }

    fn repeated(item: &str, times: usize) -> String {
        vec![item; times].join(", ")
    }

    /// A rule is a product of lists; the work is not.
    #[test]
    fn long_lists_do_not_multiply() {
        let times = 50_000;
        let object = format!(
            r#"{{"metadata": {{"name": "many"}}, "rules": [{{"apiGroups": [{}], "resources": [{}], "verbs": [{}], "resourceNames": [{}]}}]}}"#,
            repeated(r#""apps", "*""#, times),
            repeated(r#""secrets""#, times),
            repeated(r#""get", "list""#, times),
            repeated(r#""db", """#, times)
        );
        assert!(response(rbac::GROUP, "ClusterRole", &object).contains("findings more"));
    }

    /// Every container mounts every volume.
    #[test]
    fn thousands_of_volumes_are_judged_to_the_last() {
        let times = 20_000;
        let numbered = |item: &dyn Fn(usize) -> String| (0..times).map(item).collect::<Vec<_>>().join(", ");
        let volumes = numbered(&|index| {
            let mode = if index + 1 == times { 0o644 } else { 0o400 };
            format!(r#"{{"name": "v{index}", "secret": {{"secretName": "s{index}", "defaultMode": {mode}}}}}"#)
        });
        let mounts = numbered(&|index| format!(r#"{{"name": "v{index}", "mountPath": "/{index}"}}"#));
        let container = format!(r#"{{"name": "web", "volumeMounts": [{mounts}]}}"#);
        let object =
            format!(r#"{{"spec": {{"containers": [{container}], "initContainers": [{container}], "volumes": [{volumes}]}}}}"#);
        let response = response("", "Pod", &object);
        assert!(response.contains("spec.volumes[19999].secret.defaultMode"), "{}", response.len());
    }
}
