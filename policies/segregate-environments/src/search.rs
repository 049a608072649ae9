//! The search for Services of other environments in texts.

use palisade_sdk::{Error, ListQuery, Path, Report, Rule};

use crate::cluster::{Cluster, Index, Object, Way};
use crate::names::{self, Evidence, Name};
use crate::settings::Side;

/// The API server, as every workload may call it: it is of no environment.
const API_SERVER: (&str, &str) = ("kubernetes", "default");
/// Top-level domains by which a namespace may be called; those of two letters are all known by that.
const DOMAINS: [&str; 24] = [
    "app", "blog", "cloud", "com", "data", "dev", "email", "example", "host", "info", "internal", "local", "media", "net",
    "network", "news", "online", "org", "shop", "site", "store", "systems", "test", "tools",
];

/// Looks through the texts of an object.
pub struct Search<'s> {
    cluster: &'s Cluster<'s>,
    rule: &'static Rule,
    what: &'static str,
    report: &'s mut Report,
    /// For each namespace, the last text in which it was found: it is reported once for each.
    seen: Vec<usize>,
    texts: usize,
    doubtful: Vec<Doubtful>,
    /// The places of texts that hold doubtful names.
    places: Vec<String>,
}

/// A short name that is one only if there is such a Service.
struct Doubtful {
    /// `namespace/name`
    service: String,
    text: usize,
    /// In [`Search::places`].
    place: usize,
    line: usize,
}

impl<'s> Search<'s> {
    /// A search that reports this rule; `what` is said of the text, and the namespace follows.
    pub fn new(cluster: &'s Cluster<'s>, rule: &'static Rule, what: &'static str, report: &'s mut Report) -> Self {
        let seen = vec![0; cluster.namespaces.len()];
        Self { cluster, rule, what, report, seen, texts: 0, doubtful: Vec::new(), places: Vec::new() }
    }

    /// Looks through a text that stands at a place.
    pub fn text(&mut self, text: &str, evidence: Evidence, at: &Path<'_>) {
        self.texts += 1;
        let is_file = text.trim_ascii_end().contains('\n');
        let cluster = self.cluster;
        names::scan(text, evidence, &cluster.settings.cluster_domains, &mut |name| {
            self.name(&Name { line: if is_file { name.line } else { 0 }, ..name }, at);
        });
    }

    fn name(&mut self, name: &Name<'_>, at: &Path<'_>) {
        // Longer ones are no namespaces.
        if name.namespace.len() > 63 || name.service.len() > 63 {
            return;
        }
        let (service, namespace) = (name.service.to_ascii_lowercase(), name.namespace.to_ascii_lowercase());
        let found = self.cluster.find(&namespace).map(|(index, _)| index);
        let is_seen = found.is_some_and(|index| self.seen.get(index) == Some(&self.texts));
        if is_seen || (found.is_none() && name.short.is_some()) || (&*service, &*namespace) == API_SERVER {
            return;
        }
        let Some(other) = self.cluster.crosses(&namespace, Way::Out) else { return };
        if name.short.is_some_and(|evidence| !is_convincing(evidence, name)) {
            if self.doubtful.last().is_none_or(|last| last.text != self.texts) {
                self.places.push(at.to_string());
            }
            let service = [&namespace, "/", &*service].concat();
            let place = self.places.len() - 1;
            self.doubtful.push(Doubtful { service, text: self.texts, place, line: name.line });
            return;
        }
        if let Some(seen) = found.and_then(|index| self.seen.get_mut(index)) {
            *seen = self.texts;
        }
        self.add(name.line, at, other);
    }

    fn add(&mut self, line: usize, at: &Path<'_>, other: Side<'_>) {
        let what = if line > 0 { &*["in line ", &line.to_string(), " ", self.what].concat() } else { self.what };
        self.cluster.report(self.rule, at, what, other, self.report);
    }

    /// Asks for the Services, where there are names that may be theirs.
    ///
    /// # Errors
    /// When the host does not answer.
    pub fn finish(mut self) -> Result<(), Error> {
        if self.doubtful.is_empty() {
            return Ok(());
        }
        let doubtful = std::mem::take(&mut self.doubtful);
        let index = Index::new(doubtful.iter().map(|doubtful| &*doubtful.service));
        let mut exists = vec![false; doubtful.len()];
        let answer = self.cluster.host.list(&ListQuery::new("v1", "Service").fields(&["metadata.name"]))?;
        for Object { metadata, .. } in &answer.items::<Object<'_>>()? {
            for entry in index.places(&[&metadata.namespace, "/", &*metadata.name].concat()) {
                if let Some(exists) = exists.get_mut(entry) {
                    *exists = true;
                }
            }
        }
        for (doubtful, _) in doubtful.iter().zip(exists).filter(|(_, exists)| *exists) {
            let namespace = doubtful.service.split_once('/').map_or("", |(namespace, _)| namespace);
            let (Some((found, _)), Some(other)) = (self.cluster.find(namespace), self.cluster.crosses(namespace, Way::Out))
            else {
                continue;
            };
            if let Some(seen) = self.seen.get_mut(found).filter(|seen| **seen != doubtful.text) {
                *seen = doubtful.text;
                let place = self.places.get(doubtful.place).cloned().unwrap_or_default();
                self.add(doubtful.line, &Path::new(&place), other);
            }
        }
        Ok(())
    }
}

/// Whether a short name is that of a Service, without asking whether there is one. A namespace with a hyphen in its name is neither
/// a top-level domain nor a module.
fn is_convincing(evidence: Evidence, name: &Name<'_>) -> bool {
    let (service, namespace) = (name.service, name.namespace);
    // `db-0.db` is rather a pod of a StatefulSet in the same namespace.
    let ordinal = service.rsplit_once('-').map_or("no", |(_, ordinal)| ordinal);
    let is_pod = !name.is_of_pod && ordinal.bytes().all(|byte| byte.is_ascii_digit());
    if is_pod || !namespace.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return false;
    }
    if namespace.contains('-') {
        return !service.is_empty() || evidence > Evidence::None;
    }
    let may_be_domain = namespace.len() == 2 || DOMAINS.iter().any(|domain| domain.eq_ignore_ascii_case(namespace));
    if may_be_domain { evidence == Evidence::Service && !name.is_of_pod } else { evidence >= Evidence::Host }
}
