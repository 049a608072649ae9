//! What a workload means to connect to: the Services that its settings name.
//!
//! Read are commands, arguments, variables, and the ConfigMaps that variables and volumes come from. A name counts where a host
//! stands: as the whole of a value, behind `//` or `@`, before a port, as the value of an option.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::exposure::Service;
use super::objects::{Objects, Workload};

/// For each workload, the Services that it names: their indices.
pub fn mentions(objects: &Objects, services: &[Service<'_>]) -> Vec<BTreeSet<usize>> {
    let mut known: HashMap<(&str, &str), usize> = HashMap::new();
    for (index, service) in services.iter().enumerate() {
        known.insert((&service.named.namespace, &service.named.name), index);
    }
    objects
        .workloads
        .iter()
        .map(|workload| {
            let mut found = BTreeSet::new();
            each_text(objects, workload, &mut |text| {
                each_host(text, &mut |host| found.extend(resolve(host, &workload.namespace, &known)));
            });
            found
        })
        .collect()
}

fn each_text<'o>(objects: &'o Objects, workload: &'o Workload, look: &mut impl FnMut(&'o str)) {
    let list = |value: &'o Value| value.as_array().into_iter().flatten();
    let config_map = |name: &Value| objects.config_maps.get(&(workload.namespace.clone(), name.as_str()?.to_owned()));
    let spec = &workload.spec;
    let mut whole = Vec::new();
    for field in ["initContainers", "containers"] {
        for container in list(&spec[field]) {
            for part in ["command", "args"] {
                list(&container[part]).filter_map(Value::as_str).for_each(&mut *look);
            }
            for variable in list(&container["env"]) {
                variable["value"].as_str().into_iter().for_each(&mut *look);
                let from = &variable["valueFrom"]["configMapKeyRef"];
                let value = config_map(&from["name"]).and_then(|map| map["data"][from["key"].as_str()?].as_str());
                value.into_iter().for_each(&mut *look);
            }
            whole.extend(list(&container["envFrom"]).filter_map(|from| config_map(&from["configMapRef"]["name"])));
        }
    }
    for volume in list(&spec["volumes"]) {
        whole.extend(config_map(&volume["configMap"]["name"]));
        let sources = list(&volume["projected"]["sources"]);
        whole.extend(sources.filter_map(|source| config_map(&source["configMap"]["name"])));
    }
    for map in whole {
        map["data"].as_object().into_iter().flat_map(serde_json::Map::values).filter_map(Value::as_str).for_each(&mut *look);
    }
}

/// Shows each word of the text that stands where a host does.
fn each_host<'t>(text: &'t str, look: &mut impl FnMut(&'t str)) {
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '-' | '.');
    let mut start = 0;
    while let Some(offset) = text.get(start..).and_then(|rest| rest.find(is_part)) {
        let begin = start + offset;
        let rest = text.get(begin..).unwrap_or_default();
        let end = begin + rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        start = end;
        let word = text.get(begin..end).unwrap_or_default().trim_end_matches('.');
        let (before, after) = (text.get(..begin).unwrap_or_default(), text.get(end..).unwrap_or_default());
        if !word.is_empty() && is_host(before, word, after) {
            look(word);
        }
    }
}

fn is_host(before: &str, word: &str, after: &str) -> bool {
    // The scheme of a URL, or its user and password.
    let authority = after.split(['/', ' ', '\n', '"', '\'', ',']).next().unwrap_or_default();
    if after.starts_with("://") || authority.contains('@') {
        return false;
    }
    let is_whole = before.trim().is_empty() && after.trim().is_empty();
    let has_port = after.strip_prefix(':').is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()));
    let is_closed = after.is_empty() || after.starts_with([',', '"', '\'', ' ', '\n', '/', ';', '&']);
    let is_value = before.ends_with(['=', ',', '"', '\'']) || before.ends_with(": ");
    let is_option =
        before.ends_with(' ') && before.split_whitespace().next_back().is_some_and(|option| option.starts_with('-'));
    is_whole
        || before.ends_with("//")
        || before.ends_with('@')
        || (has_port && !before.ends_with('/'))
        || (is_closed && (is_value || is_option))
        || word.contains(".svc")
}

/// The Service that a name means, seen from a namespace: `db`, `db.shop`, `db.shop.svc.cluster.local`, `db-0.db`.
fn resolve(host: &str, namespace: &str, known: &HashMap<(&str, &str), usize>) -> Option<usize> {
    let parts: Vec<&str> = host.split('.').collect();
    let service = |name: Option<&&str>, rest: &[&str]| {
        let is_service = rest.get(1).is_none_or(|part| *part == "svc");
        let namespace = rest.first().copied().unwrap_or(namespace);
        known.get(&(namespace, *name?)).copied().filter(|_| is_service)
    };
    service(parts.first(), parts.get(1..).unwrap_or_default())
        .or_else(|| service(parts.get(1), parts.get(2..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(text: &str) -> Vec<&str> {
        let mut hosts = Vec::new();
        each_host(text, &mut |host| hosts.push(host));
        hosts
    }

    #[test]
    fn hosts_are_told_from_words() {
        for (text, expected) in [
            ("postgres", &["postgres"][..]),
            ("redis://redis:6379/0", &["redis"]),
            ("redis://:secret@cache/0", &["cache"]),
            ("postgres://shop:pass@db.shop.svc:5432/shop", &["db.shop.svc"]),
            ("redis://shop:1234@cache", &["cache"]),
            ("--host=postgres", &["postgres"]),
            ("pg_dump -h postgres shop", &["postgres"]),
            ("celery -A shop worker", &["shop"]),
            ("a:6379,b:6379", &["a", "b"]),
            ("host: redis\nport: 6379\n", &["redis", "6379"]),
            ("CACHE = \"redis\"", &["redis"]),
            ("the web application", &[]),
            ("/data/postgres", &[]),
            ("call db.shop.svc.cluster.local. now", &["db.shop.svc.cluster.local"]),
            ("é@db", &["db"]),
            ("", &[]),
        ] {
            assert_eq!(hosts(text), expected, "{text}");
        }
    }

    #[test]
    fn names_are_resolved_as_in_the_cluster() {
        let known = HashMap::from([(("shop", "db"), 0), (("other", "db"), 1)]);
        let resolve = |host: &str| resolve(host, "shop", &known);
        for (host, expected) in [
            ("db", Some(0)),
            ("db.other", Some(1)),
            ("db.other.svc.cluster.local", Some(1)),
            ("db-0.db", Some(0)),
            ("db-0.db.other.svc", Some(1)),
            ("db.none", None),
            ("db.example.com", None),
            ("db.other.example", None),
            ("web", None),
            ("...", None),
        ] {
            assert_eq!(resolve(host), expected, "{host}");
        }
    }
}
