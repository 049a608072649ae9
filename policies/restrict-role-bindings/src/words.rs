//! The words of messages and remedies.

use palisade_sdk::Str;
use palisade_sdk::rbac::dangers::Found;
use palisade_sdk::rbac::subjects::Who;

use crate::judge::Case;
use crate::role::RoleKind;

/// More items than this are counted, not shown.
pub const SHOWN: usize = 3;

/// `Role web of namespace shop`, `ClusterRole view`
pub fn role(case: &Case<'_>) -> String {
    role_of(case.role.map_or(RoleKind::ClusterRole, |role| role.kind), &case.binding.role_ref.name, case.namespace)
}

fn role_of(kind: RoleKind, name: &str, namespace: &str) -> String {
    let name = cut(name);
    match kind {
        RoleKind::Role => ["Role ", name, " of namespace ", cut(namespace)].concat(),
        RoleKind::ClusterRole => ["ClusterRole ", name].concat(),
    }
}

/// What is wrong with a binding to nothing.
pub fn missing_role(kind: RoleKind, name: &str, namespace: &str) -> String {
    role_of(kind, name, namespace) + " does not exist: whoever makes it later decides what the subjects may do"
}

/// `get, list on pods, services and more, by ClusterRole view,`
pub fn first_grant(case: &Case<'_>) -> Option<String> {
    let rules = &case.role?.rules;
    let rule = rules.first()?;
    let on = if rule.resources.is_empty() { &rule.non_resource_urls } else { &rule.resources };
    let mut text = [&shown(&rule.verbs), " on ", &shown(on)].concat();
    if rules.len() > 1 {
        text.push_str(" and more, by ");
        text.push_str(&role(case));
        text.push(',');
    }
    Some(text)
}

/// `get, list, watch`
pub fn shown(items: &[Str<'_>]) -> String {
    some(&items.iter().map(Str::as_str).collect::<Vec<_>>())
}

/// `pods, services, configmaps and more`
pub fn some(items: &[&str]) -> String {
    let shown: Vec<&str> = items.iter().take(SHOWN).map(|item| cut(item)).collect();
    shown.join(", ") + if items.len() > SHOWN { " and more" } else { "" }
}

/// `create on pods/exec; patch on namespaces; and 2 more`
pub fn grants(found: &[&Found]) -> String {
    let mut text = found.iter().take(SHOWN).map(|found| found.grant()).collect::<Vec<_>>().join("; ");
    if found.len() > SHOWN {
        text.push_str("; and ");
        text.push_str(&(found.len() - SHOWN).to_string());
        text.push_str(" more");
    }
    text
}

/// The RoleBinding to write instead of a ClusterRoleBinding, on one line, when all subjects are ServiceAccounts of one namespace.
pub fn role_binding(case: &Case<'_>, subjects: &[(usize, Who<'_>)]) -> Option<String> {
    let (_, Who::ServiceAccount { namespace, .. }) = subjects.first()? else { return None };
    let binding = case.binding;
    let (name, role) = (binding.metadata.name.as_str(), binding.role_ref.name.as_str());
    let mut accounts = String::new();
    for (_, who) in subjects {
        let Who::ServiceAccount { namespace: own, name } = who else { return None };
        if own != namespace || !is_plain(name) {
            return None;
        }
        if !accounts.is_empty() {
            accounts.push_str(", ");
        }
        accounts.push_str(&["{kind: ServiceAccount, name: ", name, ", namespace: ", own, "}"].concat());
    }
    if subjects.len() > SHOWN || ![name, role, namespace].iter().all(|text| is_plain(text)) {
        return None;
    }
    Some(
        [
            "write {apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: ",
            name,
            ", namespace: ",
            namespace,
            "}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ",
            role,
            "}, subjects: [",
            &accounts,
            "]}, once for each namespace that needs it",
        ]
        .concat(),
    )
}

/// Whether a text needs no quotes in YAML, and is short.
fn is_plain(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'_');
    text.len() <= 100
        && text.bytes().all(inner)
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && text.as_bytes().last().is_some_and(u8::is_ascii_alphanumeric)
}

/// Whom a binding names.
pub fn who(who: Who<'_>) -> String {
    match who {
        Who::User(name) => ["user ", cut(name)].concat(),
        Who::Group(name) => ["group ", cut(name)].concat(),
        Who::ServiceAccount { namespace: "", name } => ["ServiceAccount ", cut(name)].concat(),
        Who::ServiceAccount { namespace, name } => ["ServiceAccount ", cut(namespace), "/", cut(name)].concat(),
        Who::Nobody => "nobody".to_owned(),
    }
}

/// Texts of the object are quoted up to a length.
pub fn cut(text: &str) -> &str {
    const LENGTH: usize = 100;
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}
