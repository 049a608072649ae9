//! The search for Services of other environments in texts.

use palisade_sdk::{Error, Path, Report, Rule};

use crate::cluster::{Cluster, Way};
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
    /// For each namespace, the last text in which it was found: it is reported once for each.
    seen: Vec<usize>,
    texts: usize,
}

impl<'s> Search<'s> {
    /// A search that reports this rule; `what` is said of the text, and the namespace follows.
    pub fn new(cluster: &'s Cluster<'s>, rule: &'static Rule, what: &'static str) -> Self {
        Self { cluster, rule, what, seen: Vec::new(), texts: 0 }
    }

    /// Looks through a text that stands at a place.
    ///
    /// # Errors
    /// When the host does not answer.
    pub fn text(&mut self, text: &str, evidence: Evidence, at: &Path<'_>, report: &mut Report) -> Result<(), Error> {
        self.texts += 1;
        let is_file = text.trim_ascii_end().contains('\n');
        let mut failure = None;
        let cluster = self.cluster;
        names::scan(text, evidence, &cluster.settings.cluster_domains, &mut |name| {
            if failure.is_none()
                && let Err(error) = self.name(&name, is_file, at, report)
            {
                failure = Some(error);
            }
        });
        failure.map_or(Ok(()), Err)
    }

    fn name(&mut self, name: &Name<'_>, is_file: bool, at: &Path<'_>, report: &mut Report) -> Result<(), Error> {
        // Longer ones are no namespaces.
        if name.namespace.len() > 63 {
            return Ok(());
        }
        let (service, namespace) = (name.service.to_ascii_lowercase(), name.namespace.to_ascii_lowercase());
        if (&*service, &*namespace) == API_SERVER {
            return Ok(());
        }
        let place = self.cluster.find(&namespace).map(|(place, _)| place);
        if place.is_none() && name.short.is_some() {
            return Ok(());
        }
        let Some(other) = self.cluster.crosses(&namespace, Way::Out) else { return Ok(()) };
        if let Some(place) = place {
            if self.seen.is_empty() {
                self.seen.resize(self.cluster.namespaces.len(), 0);
            }
            if self.seen.get(place) == Some(&self.texts) {
                return Ok(());
            }
        }
        if let Some(evidence) = name.short
            && !is_convincing(evidence, name)
            && !self.cluster.has_service(&namespace, &service)?
        {
            return Ok(());
        }
        if let Some(seen) = place.and_then(|place| self.seen.get_mut(place)) {
            *seen = self.texts;
        }
        let line = if is_file { ["in line ", &name.line.to_string(), " "].concat() } else { String::new() };
        self.cluster.report(self.rule, at, &[&line, self.what].concat(), other, report);
        Ok(())
    }
}

/// Whether a short name is that of a Service, without asking whether there is one. A namespace with a hyphen in its name is neither
/// a top-level domain nor a module.
fn is_convincing(evidence: Evidence, name: &Name<'_>) -> bool {
    let namespace = name.namespace;
    if namespace.contains('-') {
        return true;
    }
    let may_be_domain = namespace.len() == 2 || DOMAINS.iter().any(|domain| domain.eq_ignore_ascii_case(namespace));
    if may_be_domain { evidence == Evidence::Service && !name.is_of_pod } else { evidence >= Evidence::Host }
}
