//! The words of messages and remedies.

use palisade_sdk::Str;
use palisade_sdk::rbac::ALL;

/// Common resources of the API groups: what stands instead of a wildcard.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "pods",
            "pods/log",
            "services",
            "endpoints",
            "configmaps",
            "events",
            "persistentvolumeclaims",
            "serviceaccounts",
            "replicationcontrollers",
        ],
    ),
    ("apps", &["deployments", "statefulsets", "daemonsets", "replicasets", "controllerrevisions"]),
    ("batch", &["jobs", "cronjobs"]),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("networking.k8s.io", &["ingresses", "networkpolicies", "ingressclasses"]),
    ("policy", &["poddisruptionbudgets"]),
    ("discovery.k8s.io", &["endpointslices"]),
    ("coordination.k8s.io", &["leases"]),
    ("storage.k8s.io", &["storageclasses", "volumeattachments", "csinodes", "csidrivers"]),
    ("rbac.authorization.k8s.io", &["roles", "rolebindings", "clusterroles", "clusterrolebindings"]),
    // What no wildcard should be exchanged for without a thought is looked up, and not proposed.
    ("", &["secrets", "nodes", "namespaces", "persistentvolumes", "limitranges", "resourcequotas", "bindings"]),
];

/// More items than this are counted, not shown.
const SHOWN: usize = 3;
/// Longer texts of the object are cut.
const LENGTH: usize = 80;

/// The beginning of a text of the object, short enough for a message.
pub fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(LENGTH).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default()
}

/// `get, list, watch and 2 more`
pub fn shown(items: &[Str<'_>]) -> String {
    let mut text = String::new();
    for (index, item) in items.iter().take(SHOWN).enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(if item.is_empty() { "\"\"" } else { cut(item) });
    }
    if items.is_empty() {
        text.push_str("nothing");
    } else if items.len() > SHOWN {
        text.push_str(" and ");
        text.push_str(&(items.len() - SHOWN).to_string());
        text.push_str(" more");
    }
    text
}

/// `every verb`, `get, list`
pub fn all_or(every: &str, items: &[Str<'_>]) -> String {
    if items.iter().any(|item| *item == ALL) { every.to_owned() } else { shown(items) }
}

/// `the core group`, `every API group`, `apps, batch`
pub fn on_groups(groups: &[Str<'_>]) -> String {
    match groups {
        _ if groups.iter().any(|group| *group == ALL) => "every API group".to_owned(),
        [group] if group.is_empty() => "the core group".to_owned(),
        _ => shown(groups),
    }
}

/// What to write instead of the verb `*`, where the resources tell.
pub fn verbs_instead(resources: &[Str<'_>]) -> Option<&'static str> {
    if resources.is_empty() || resources.iter().any(|resource| resource.contains('*')) {
        None
    } else if resources.iter().all(|resource| resource.ends_with("/status") || resource.ends_with("/scale")) {
        Some("write verbs: [get, update, patch], and strike what the holder does not use")
    } else if resources.iter().all(|resource| !resource.contains('/')) {
        Some("write verbs: [get, list, watch, create, update, patch, delete], and strike what the holder does not use")
    } else {
        None
    }
}

/// What to write instead of the API group `*`, where all resources are known.
pub fn groups_instead(resources: &[Str<'_>]) -> Option<String> {
    let mut found = [false; KNOWN.len()];
    for resource in resources {
        let name = resource.split('/').next().unwrap_or_default();
        let row = KNOWN.iter().position(|(_, known)| known.contains(&name))?;
        // Two rows are of the core group.
        let first = KNOWN.iter().position(|(group, _)| Some(group) == KNOWN.get(row).map(|(group, _)| group))?;
        *found.get_mut(first)? = true;
    }
    let mut text = String::new();
    for (_, (group, _)) in found.iter().zip(KNOWN).filter(|(found, _)| **found) {
        text.push_str(if text.is_empty() { "write apiGroups: [" } else { ", " });
        text.push_str(if group.is_empty() { "\"\"" } else { group });
    }
    (!text.is_empty()).then(|| text + "]")
}

/// What to write instead of the resource `*`, where the group's resources are known.
pub fn resources_instead(entry: &str, groups: &[Str<'_>]) -> Option<String> {
    let [group] = groups else { return None };
    let (_, resources) = KNOWN.iter().find(|(known, _)| *group == *known)?;
    let subresource = match entry.strip_prefix('*')? {
        "" => "",
        "/scale" if *group == "apps" => "/scale",
        "/status" => "/status",
        _ => return None,
    };
    let mut text = "name those that the holder uses of ".to_owned();
    let mut first = true;
    for resource in resources.iter() {
        let scales = matches!(*resource, "deployments" | "statefulsets" | "replicasets");
        if (subresource == "/scale" && !scales) || (!subresource.is_empty() && resource.contains('/')) {
            continue;
        }
        if !std::mem::take(&mut first) {
            text.push_str(", ");
        }
        text.push_str(resource);
        text.push_str(subresource);
    }
    Some(text)
}
