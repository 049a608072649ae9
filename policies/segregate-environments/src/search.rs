//! The search for Services of other environments in texts.

use palisade_sdk::{Error, ListQuery, Path, Report, Rule};

use crate::cluster::{Cluster, Index, Object, Way};
use crate::names::{self, Evidence, Name};

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
}

/// A short name that is one only if there is such a Service.
struct Doubtful {
    /// Namespace and name.
    service: String,
    namespace: String,
    at: String,
    what: String,
    text: usize,
}

impl<'s> Search<'s> {
    /// A search that reports this rule; `what` is said of the text, and the namespace follows.
    pub fn new(cluster: &'s Cluster<'s>, rule: &'static Rule, what: &'static str, report: &'s mut Report) -> Self {
        Self { cluster, rule, what, report, seen: vec![0; cluster.namespaces.len()], texts: 0, doubtful: Vec::new() }
    }

    /// Looks through a text that stands at a place.
    pub fn text(&mut self, text: &str, evidence: Evidence, at: &Path<'_>) {
        self.texts += 1;
        let is_file = text.trim_ascii_end().contains('\n');
        let cluster = self.cluster;
        names::scan(text, evidence, &cluster.settings.cluster_domains, &mut |name| self.name(&name, is_file, at));
    }

    fn name(&mut self, name: &Name<'_>, is_file: bool, at: &Path<'_>) {
        // Longer ones are no namespaces.
        if name.namespace.len() > 63 || name.service.len() > 63 {
            return;
        }
        let (service, namespace) = (name.service.to_ascii_lowercase(), name.namespace.to_ascii_lowercase());
        let place = self.cluster.find(&namespace).map(|(place, _)| place);
        let is_known = place.is_some() || name.short.is_none();
        if !is_known || (&*service, &*namespace) == API_SERVER || place.is_some_and(|place| self.is_seen(place, self.texts)) {
            return;
        }
        let Some(other) = self.cluster.crosses(&namespace, Way::Out) else { return };
        let line = if is_file { ["in line ", &name.line.to_string(), " "].concat() } else { String::new() };
        let what = [&line, self.what].concat();
        if name.short.is_some_and(|evidence| !is_convincing(evidence, name)) {
            let service = [&namespace, "/", &*service].concat();
            self.doubtful.push(Doubtful { service, namespace, at: at.to_string(), what, text: self.texts });
            return;
        }
        if let Some(seen) = place.and_then(|place| self.seen.get_mut(place)) {
            *seen = self.texts;
        }
        self.cluster.report(self.rule, at, &what, other, self.report);
    }

    fn is_seen(&self, place: usize, text: usize) -> bool {
        self.seen.get(place) == Some(&text)
    }

    /// Asks for the Services, where there are names that may be theirs.
    ///
    /// # Errors
    /// When the host does not answer.
    pub fn finish(self) -> Result<(), Error> {
        let Self { cluster, rule, report, doubtful, .. } = self;
        if doubtful.is_empty() {
            return Ok(());
        }
        let index = Index::new(doubtful.iter().map(|doubtful| &*doubtful.service));
        let mut exists = vec![false; doubtful.len()];
        let answer = cluster.host.list(&ListQuery::new("v1", "Service").fields(&["metadata.name"]))?;
        for Object { metadata, .. } in &answer.items::<Object<'_>>()? {
            for place in index.places(&[&metadata.namespace, "/", &*metadata.name].concat()) {
                if let Some(exists) = exists.get_mut(place) {
                    *exists = true;
                }
            }
        }
        let mut last = (0, "");
        for (doubtful, exists) in doubtful.iter().zip(exists) {
            let here = (doubtful.text, &*doubtful.namespace);
            if exists
                && here != last
                && let Some(other) = cluster.crosses(&doubtful.namespace, Way::Out)
            {
                last = here;
                cluster.report(rule, &Path::new(&doubtful.at), &doubtful.what, other, report);
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
    let ordinal = service.rsplit('-').next().unwrap_or_default();
    let is_pod = !name.is_of_pod && ordinal.len() < service.len() && ordinal.bytes().all(|byte| byte.is_ascii_digit());
    if is_pod || !namespace.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return false;
    }
    if namespace.contains('-') {
        return !service.is_empty() || evidence > Evidence::None;
    }
    let may_be_domain = namespace.len() == 2 || DOMAINS.iter().any(|domain| domain.eq_ignore_ascii_case(namespace));
    if may_be_domain { evidence == Evidence::Service && !name.is_of_pod } else { evidence >= Evidence::Host }
}
