//! Rejects bindings that hand over too much, or to too many.
//!
//! A role says what may be done; a binding says who may do it, and where. So a binding is judged by what its role really grants, which
//! is looked up, and never by the role's name: `app-viewer` can equal cluster-admin, and `admin` of some namespace can read pods and
//! no more. How a home-made role is written is the concern of `rbac-least-privilege`.
//!
//! References: CIS Kubernetes Benchmark 5.1; Kubernetes documentation, "RBAC Good Practices".

mod bootstrap;
mod harm;
mod judge;
mod role;
mod rules;
mod settings;
mod words;

use palisade_sdk::rbac::subjects::{Binding, Subject, Who};
use palisade_sdk::{Error, Host, Operation, Path, Policy, Report, Request, Rule, SettingsError, rbac};

use role::{Found, RoleKind};
use settings::{BindingKind, Settings};

/// Least privilege for RoleBindings and ClusterRoleBindings.
pub struct RestrictRoleBindings;

impl Policy for RestrictRoleBindings {
    type Settings = Settings;
    const RULES: &'static [Rule] = rules::ALL;

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        settings.check()
    }

    fn validate(request: &Request<'_>, settings: &Settings, host: &dyn Host, report: &mut Report) -> Result<(), Error> {
        let (kind, namespace) = match request.kind.kind.as_str() {
            _ if request.kind.group != rbac::GROUP => return Ok(()),
            "RoleBinding" => (BindingKind::RoleBinding, request.namespace.as_str()),
            "ClusterRoleBinding" => (BindingKind::ClusterRoleBinding, ""),
            _ => return Ok(()),
        };
        let binding: Binding<'_> = request.object()?;
        if request.operation == Operation::Update
            && let Some(old) = request.old_object::<Binding<'_>>()?
            && hands_over_no_more(&old, &binding, namespace)
        {
            return Ok(());
        }
        if bootstrap::is_the_api_servers(request, &binding) {
            return Ok(());
        }
        let role_kind = check_role_ref(kind, &binding, report);
        check_subjects(&binding, namespace, report);
        let subjects = judged_subjects(kind, &binding, namespace, settings);
        if subjects.is_empty() {
            return Ok(());
        }
        let name = binding.role_ref.name.as_str();
        let found = match role_kind {
            Some(role_kind) => role::find(role_kind, name, namespace, host)?,
            None => None,
        };
        if let (Some(role_kind), None) = (role_kind, &found) {
            let message = words::missing_role(role_kind, name, namespace);
            report.add(&rules::MISSING_ROLE, &Path::new("roleRef.name"), message);
        }
        let role = found.as_ref().map(Found::read).transpose()?;
        judge::judge(&judge::Case { kind, binding: &binding, namespace, settings, role: role.as_ref() }, &subjects, report);
        Ok(())
    }
}

palisade_sdk::export!(RestrictRoleBindings);

/// Whether an update leaves the role, and names nobody who was not named before: then nobody gains by it.
fn hands_over_no_more(old: &Binding<'_>, new: &Binding<'_>, namespace: &str) -> bool {
    let before = sorted(&old.subjects, namespace);
    let group = |group: &str| group.is_empty() || group == rbac::GROUP;
    old.role_ref.kind == new.role_ref.kind
        && old.role_ref.name == new.role_ref.name
        && group(&old.role_ref.api_group) == group(&new.role_ref.api_group)
        && new.subjects.iter().all(|subject| before.binary_search(&subject.who(namespace)).is_ok())
}

/// The holders, in order; a heap weighs less in the module than the library's sort.
fn sorted<'s>(subjects: &'s [Subject<'_>], namespace: &'s str) -> Vec<Who<'s>> {
    let heap: std::collections::BinaryHeap<Who<'s>> = subjects.iter().map(|subject| subject.who(namespace)).collect();
    heap.into_sorted_vec()
}

/// The kind of the role, when the API server takes the reference.
fn check_role_ref(kind: BindingKind, binding: &Binding<'_>, report: &mut Report) -> Option<RoleKind> {
    let role_ref = &binding.role_ref;
    let mut refuse = |field: &str, message: &str| {
        report.add(&rules::INVALID_ROLE_REF, &Path::new("roleRef").field(field), message);
        None
    };
    if !role_ref.api_group.is_empty() && role_ref.api_group != rbac::GROUP {
        return refuse("apiGroup", "is not rbac.authorization.k8s.io, the one API group that has roles");
    }
    if role_ref.name.is_empty() {
        return refuse("name", "names no role");
    }
    match (role_ref.kind.as_str(), kind) {
        ("ClusterRole", _) => Some(RoleKind::ClusterRole),
        ("Role", BindingKind::RoleBinding) => Some(RoleKind::Role),
        ("Role", BindingKind::ClusterRoleBinding) => {
            refuse("kind", "is Role, which is of one namespace, and a ClusterRoleBinding is of none")
        }
        _ => refuse("kind", "is neither Role nor ClusterRole"),
    }
}

/// Reports subjects that the API server refuses.
fn check_subjects(binding: &Binding<'_>, namespace: &str, report: &mut Report) {
    let root = Path::root();
    for (index, subject) in binding.subjects.iter().enumerate() {
        if let Some((field, message)) = subject.refused_for(namespace) {
            report.add(&rules::INVALID_SUBJECT, &root.item("subjects", index).field(field), message);
        }
    }
}

/// The subjects that are to be judged, each once: not those that the settings accept, nor those of Kubernetes' own bindings.
fn judged_subjects<'s>(
    kind: BindingKind,
    binding: &'s Binding<'_>,
    namespace: &'s str,
    settings: &Settings,
) -> Vec<(usize, Who<'s>)> {
    let allowed: Vec<_> =
        settings.allowed_bindings.iter().filter(|allowed| allowed.is_about(kind, binding, namespace)).collect();
    let mut seen = sorted(&binding.subjects, namespace);
    seen.dedup();
    let mut seen: Vec<(Who<'_>, bool)> = seen.into_iter().map(|who| (who, false)).collect();
    let mut is_new = |who: Who<'_>| match seen.binary_search_by(|(known, _)| known.cmp(&who)) {
        Ok(place) => seen.get_mut(place).is_some_and(|(_, seen)| !std::mem::replace(seen, true)),
        Err(_) => false,
    };
    let subjects = binding.subjects.iter().enumerate().map(|(index, subject)| (index, subject.who(namespace)));
    subjects
        .filter(|(_, who)| {
            is_new(*who)
                && !allowed.iter().any(|allowed| allowed.accepts(*who))
                && !bootstrap::is_known(binding, namespace, *who)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use palisade_sdk::HostError;

    use super::*;

    /// Answers every look-up of one role with this text, and every list with that one.
    struct Answers {
        role: String,
        list: String,
    }

    impl Host for Answers {
        fn call(&self, _: &str, operation: &str, _: &[u8]) -> Result<Vec<u8>, HostError> {
            Ok(if operation == "get_resource" { &self.role } else { &self.list }.clone().into_bytes())
        }
    }

    /// What is said of a ClusterRoleBinding with these subjects.
    fn response(subjects: &str, host: &dyn Host) -> String {
        let payload = format!(
            r#"{{"settings": {{}}, "request": {{"kind": {{"group": "{}", "version": "v1", "kind": "ClusterRoleBinding"}}, "operation": "CREATE",
                "object": {{"metadata": {{"name": "many"}}, "roleRef": {{"kind": "ClusterRole", "name": "app"}}, "subjects": [{subjects}]}}}}}}"#,
            rbac::GROUP
        );
        let response = palisade_sdk::run::<RestrictRoleBindings>(b"validate", payload.as_bytes(), host);
        String::from_utf8(response.unwrap()).unwrap()
    }

    fn numbered(count: usize, item: impl Fn(usize) -> String) -> String {
        (0..count).map(item).collect::<Vec<_>>().join(", ")
    }

    const READS_PODS: &str = r#"{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}"#;
    const READS_SECRETS: &str = r#"{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}"#;

    #[test]
    fn thousands_of_rules_are_judged_to_the_last() {
        let rules = numbered(20_000, |_| READS_PODS.to_owned());
        let host = Answers { role: format!(r#"{{"rules": [{rules}, {READS_SECRETS}]}}"#), list: String::new() };
        let response = response(r#"{"kind": "User", "name": "jane"}"#, &host);
        assert!(response.contains("read every Secret"), "{response}");
        assert!(!response.contains("cluster-admin"), "{response}");
    }

    #[test]
    fn thousands_of_subjects_are_judged_each_once() {
        let host = Answers { role: format!(r#"{{"rules": [{READS_SECRETS}]}}"#), list: String::new() };
        let subjects = numbered(20_000, |index| format!(r#"{{"kind": "User", "name": "user-{}"}}"#, index % 500));
        let response = response(&subjects, &host);
        assert!(response.contains("subjects[499]: "), "{response}");
        assert!(!response.contains("subjects[500]"), "they are the first 500 over again");
    }

    #[test]
    fn names_are_quoted_up_to_a_length() {
        let host = Answers { role: format!(r#"{{"rules": [{READS_SECRETS}]}}"#), list: String::new() };
        let long = "ä".repeat(10_000);
        let response = response(&format!(r#"{{"kind": "Group", "name": "{long}"}}"#), &host);
        assert!(response.contains("cluster-secrets"));
        assert!(response.len() < 10_000, "{} bytes", response.len());
    }

    #[test]
    fn an_aggregation_without_end_is_refused() {
        let selectors = |from: usize, count: usize| {
            numbered(count, |index| format!(r#"{{"matchLabels": {{"part": "{}"}}}}"#, from + index))
        };
        let role = |selectors: &str| format!(r#"{{"aggregationRule": {{"clusterRoleSelectors": [{selectors}]}}}}"#);
        let subject = r#"{"kind": "User", "name": "jane"}"#;
        let host = Answers { role: role(&selectors(0, 60)), list: r#"{"items": []}"#.to_owned() };
        assert!(!response(subject, &host).contains("more selectors"));
        // Those that they select bring selectors of their own.
        let host = Answers { role: role(&selectors(0, 60)), list: format!(r#"{{"items": [{}]}}"#, role(&selectors(60, 60))) };
        let response = response(subject, &host);
        assert!(response.contains("more selectors than can be judged"), "{response}");
        assert!(response.contains("roleRef.name"));
    }
}
