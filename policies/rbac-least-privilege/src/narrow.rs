//! What to write instead of a rule: what is left of it without what was reported, as YAML.

use palisade_sdk::Str;
use palisade_sdk::rbac::dangers::{DANGERS, POWERFUL, TELLING, Verbs, verb_bit};
use palisade_sdk::rbac::{ALL, PolicyRule};

use crate::words::{is_every_url, is_no_pattern, is_wildcard, small_letters};

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

/// What the verb `*` stands for on a resource, and on subresources.
const PLAIN: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete"];
const SUBRESOURCES: &[(&str, &[&str])] = &[
    ("status", &["get", "update", "patch"]),
    ("scale", &["get", "update", "patch"]),
    ("finalizers", &["update"]),
    ("log", &["get"]),
    ("eviction", &["create"]),
    ("binding", &["create"]),
];

/// Resources that have the subresources that a wildcard may be exchanged for.
const SCALED: &[&str] = &["replicationcontrollers", "deployments", "statefulsets", "replicasets"];
const WITHOUT_STATUS: &[&str] = &[
    "endpoints",
    "configmaps",
    "events",
    "serviceaccounts",
    "controllerrevisions",
    "ingressclasses",
    "endpointslices",
    "leases",
    "storageclasses",
    "csinodes",
    "csidrivers",
    "roles",
    "rolebindings",
    "clusterroles",
    "clusterrolebindings",
];

/// Rules with longer lists are not written out.
const LONGEST: usize = 40;
/// What is left is at most so many rules, and so many bytes.
const PARTS: usize = 3;
const LENGTH: usize = 400;

/// What was reported of a rule.
#[derive(Default)]
pub struct Cut {
    /// The wildcards that were.
    pub every_verb: bool,
    pub every_group: bool,
    pub every_resource: bool,
    pub every_url: bool,
    /// For each entry of `resources` the verbs that it must not be granted with.
    pub drops: Vec<Verbs>,
    /// Verbs that must go altogether.
    pub telling: Verbs,
    /// The list of [`POWERFUL`] names that must not be among the names.
    pub names: Option<usize>,
}

impl Cut {
    /// Whether a wildcard is exchanged for what it is likely to be used for.
    pub fn has_wildcards(&self) -> bool {
        self.every_verb || self.every_group || self.every_resource || self.every_url
    }
}

/// What is left of the rule, as one or a few rules in YAML's flow style: `{apiGroups: [""], resources: [pods], verbs: [get]}`. `None`
/// where nothing is left, or nothing can be derived.
pub fn narrowed(rule: &PolicyRule<'_>, cut: &Cut) -> Option<String> {
    let PolicyRule { verbs, api_groups, resources, resource_names, non_resource_urls } = rule;
    if [verbs, api_groups, resources, resource_names, non_resource_urls].iter().any(|list| list.len() > LONGEST) {
        return None;
    }
    let text = if resources.is_empty() { of_urls(rule, cut) } else { of_resources(rule, cut) }?;
    (text.len() <= LENGTH).then_some(text)
}

/// What is left of a rule about URLs.
fn of_urls(rule: &PolicyRule<'_>, cut: &Cut) -> Option<String> {
    let mut urls: Vec<&str> = Vec::new();
    for url in &rule.non_resource_urls {
        if !is_every_url(url) {
            urls.push(url);
        } else if cut.every_url {
            urls.extend(["/healthz", "/metrics", "/version"]);
        } else {
            return None;
        }
    }
    let verbs = kept_verbs(rule, 0, if cut.every_verb { Some(&["get"]) } else { None });
    let mut text = String::new();
    list(&mut text, "{nonResourceURLs: [", &urls)?;
    list(&mut text, "], verbs: [", &verbs)?;
    text.push_str("]}");
    (!urls.is_empty() && !verbs.is_empty()).then_some(text)
}

/// What is left of a rule about resources: entries that are left with the same verbs stand together.
fn of_resources(rule: &PolicyRule<'_>, cut: &Cut) -> Option<String> {
    let (names, telling) = kept_names(rule, cut);
    let groups = if cut.every_group { groups_of(rule)? } else { rule.api_groups.iter().map(Str::as_str).collect() };
    let mut parts: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
    let mut keep = |entry: String, drop: Verbs| {
        // What else is granted on these subresources is of no use.
        if drop & !telling != 0 && entry.contains('/') {
            return Some(());
        }
        let usual = if cut.every_verb || drop != 0 { Some(usual_verbs(&entry)) } else { None };
        let verbs = kept_verbs(rule, drop, usual);
        if verbs.is_empty() {
            // What has to go entirely is left out; of what has not, somebody must say how it is used.
            return (drop != 0).then_some(());
        }
        match parts.iter_mut().find(|(known, _)| *known == verbs) {
            Some((_, entries)) if entries.contains(&entry) => {}
            Some((_, entries)) => entries.push(entry),
            None => parts.push((verbs, vec![entry])),
        }
        Some(())
    };
    for (entry, drop) in rule.resources.iter().zip(&cut.drops) {
        if is_no_pattern(entry) {
            continue;
        }
        if !is_wildcard(entry) || (!cut.every_resource && *drop == 0) {
            keep(entry.as_str().to_owned(), drop | telling)?;
            continue;
        }
        let [group] = groups.as_slice() else { return None };
        let (_, resources) = KNOWN.iter().find(|(known, _)| known == group)?;
        let subresource = entry.strip_prefix('*').unwrap_or_default();
        for resource in resources.iter() {
            let exists = match subresource {
                "" => true,
                "/scale" => SCALED.contains(resource),
                "/status" => !resource.contains('/') && !WITHOUT_STATUS.contains(resource),
                _ => false,
            };
            if exists {
                let entry = [resource, subresource].concat();
                let grave = grave_verbs(group, &entry);
                keep(entry, drop | telling | grave)?;
            }
        }
    }
    if parts.is_empty() || parts.len() > PARTS {
        return None;
    }
    let mut text = String::new();
    for (verbs, entries) in &parts {
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        let and = if text.is_empty() { "" } else { " and " };
        text.push_str(and);
        list(&mut text, "{apiGroups: [", &groups)?;
        list(&mut text, "], resources: [", &entries)?;
        if !names.is_empty() {
            list(&mut text, "], resourceNames: [", &names)?;
        }
        list(&mut text, "], verbs: [", verbs)?;
        text.push_str("]}");
    }
    Some(text)
}

/// The rule's verbs but for these; `usual` is what comes instead of `*`, unless it stays.
fn kept_verbs<'r>(rule: &'r PolicyRule<'_>, drop: Verbs, usual: Option<&'static [&'static str]>) -> Vec<&'r str> {
    let mut verbs: Vec<&str> = Vec::new();
    let own = rule.verbs.iter().map(Str::as_str).filter(|verb| *verb != ALL && small_letters(verb).is_none());
    let every = if has(&rule.verbs, ALL) { usual.unwrap_or(&[ALL]) } else { &[] };
    for verb in own.chain(every.iter().copied()) {
        if verb_bit(verb) & drop == 0 && !verbs.contains(&verb) {
            verbs.push(verb);
        }
    }
    verbs
}

/// What is done with a resource as a rule; nothing for subresources that are not known.
fn usual_verbs(entry: &str) -> &'static [&'static str] {
    match entry.split_once('/') {
        None => PLAIN,
        Some((_, subresource)) => SUBRESOURCES.iter().find(|(known, _)| *known == subresource).map_or(&[], |(_, verbs)| *verbs),
    }
}

/// The verbs with which a resource leads to more that only those should hold who run the cluster.
fn grave_verbs(group: &str, entry: &str) -> Verbs {
    let about = DANGERS.iter().filter(|danger| danger.class.is_grave() && danger.group.name() == group);
    about.filter(|danger| danger.is_meant_by(entry)).fold(0, |verbs, danger| verbs | danger.verbs)
}

/// The rule's names but for those that lead to every right, and the verbs that must go. Without a name the rule would grant all objects.
fn kept_names<'r>(rule: &'r PolicyRule<'_>, cut: &Cut) -> (Vec<&'r str>, Verbs) {
    let powerful = cut.names.and_then(|list| POWERFUL.get(list)).copied().unwrap_or_default();
    let names = || rule.resource_names.iter().map(Str::as_str);
    let kept: Vec<&str> = names().filter(|name| !name.is_empty() && !powerful.contains(name)).collect();
    match kept.is_empty() {
        false => (kept, cut.telling),
        true => (names().collect(), cut.telling | if cut.names.is_some() { TELLING } else { 0 }),
    }
}

/// The API groups of the rule's resources, where all of them are known.
fn groups_of(rule: &PolicyRule<'_>) -> Option<Vec<&'static str>> {
    let mut groups = Vec::new();
    for entry in &rule.resources {
        let name = entry.split('/').next().unwrap_or_default();
        let (group, _) = KNOWN.iter().find(|(_, known)| known.contains(&name))?;
        if !groups.contains(group) {
            groups.push(*group);
        }
    }
    Some(groups)
}

fn has(list: &[Str<'_>], wanted: &str) -> bool {
    list.iter().any(|item| *item == wanted)
}

/// Writes the items of a flow sequence; `None` where one of them is nothing that a person would write.
fn list(text: &mut String, before: &str, items: &[&str]) -> Option<()> {
    text.push_str(before);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        if is_plain(item) {
            text.push_str(item);
        } else if item.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
            text.push('"');
            text.push_str(item);
            text.push('"');
        } else {
            return None;
        }
    }
    Some(())
}

/// Whether YAML reads it as a string without quotes, in a flow sequence too.
fn is_plain(text: &str) -> bool {
    const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/' | b'_'))
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}
