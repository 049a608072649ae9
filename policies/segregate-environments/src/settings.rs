//! What the deployer may change, and what a label's value means by it.

use palisade_sdk::selector::{is_label_key, is_label_value};
use palisade_sdk::{Map, SettingsError, glob};

palisade_sdk::settings! {
    /// What the deployer may change.
    pub struct Settings {
        /// The environments, as labels name them.
        pub environments: Vec<String> = vec!["dev".to_owned(), "staging".to_owned(), "prod".to_owned()],
        /// Other values that stand for an environment: a list of `{pattern, environment}`, where `pattern` is a glob (`prod-*`). Common spellings (`production`, `stage`, capital letters) are understood without, and warned of.
        pub aliases: Vec<Named> = Vec::new(),
        /// Labels that say the environment of a namespace or workload. The first that a namespace has counts.
        pub environment_labels: Vec<String> = vec!["environment".to_owned()],
        /// The environment of namespaces without such a label, by their name: a list of `{pattern, environment}`, where `pattern` is a glob. The first that matches counts.
        pub namespace_patterns: Vec<Named> = Vec::new(),
        /// Namespaces that serve all environments and are of none, whatever their labels say, as glob patterns.
        pub shared_namespaces: Vec<String> = ["kube-system", "kube-public", "kube-node-lease", "ingress-nginx", "cert-manager", "external-dns", "external-secrets", "monitoring", "logging", "kubewarden", "argocd", "flux-system", "istio-system"].map(String::from).to_vec(),
        /// Crossings that are meant: a list of `{from, to, fromNamespace, toNamespace, reason}`. `from` is the environment that connects, or is given a right, and `to` the one that is reached; `fromNamespace` and `toNamespace` narrow it. All are globs; `from`, `to` and `reason` are mandatory. For a shared host either direction will do.
        pub allowed_crossings: Vec<AllowedCrossing> = Vec::new(),
        /// The DNS domains of the cluster: what follows `svc` in the name of a Service.
        pub cluster_domains: Vec<String> = vec!["cluster.local".to_owned(), "clusterset.local".to_owned()],
        /// Whether the hosts of an Ingress are also held against those of HTTPRoutes. The cluster must know the kind then.
        pub gateway_api: bool = false,
        /// Whether image tags are looked at: `shop:1.4-dev` is then a finding in `prod`.
        pub check_image_tags: bool = false,
    }
}

palisade_sdk::setting! {
    /// What stands for an environment.
    pub struct Named {
        pattern: String,
        environment: String,
    }

    /// Two environments that may meet.
    pub struct AllowedCrossing {
        from: String,
        to: String,
        from_namespace: Option<String>,
        to_namespace: Option<String>,
        reason: String,
    }
}

/// Spellings of the same environment.
const SPELLINGS: &[&[&str]] = &[
    &["dev", "development", "devel"],
    &["test", "testing", "tst"],
    &["staging", "stage", "stg"],
    &["prod", "production", "prd"],
];

/// What the value of an environment label means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning<'v> {
    /// An environment of the settings, spelt as there.
    Listed(&'v str),
    /// An environment of the settings in another spelling, which nobody has accepted.
    Spelling(&'v str),
    /// Some other environment.
    Other(&'v str),
}

impl<'v> Meaning<'v> {
    /// The environment.
    pub const fn name(self) -> &'v str {
        match self {
            Self::Listed(name) | Self::Spelling(name) | Self::Other(name) => name,
        }
    }

    /// The environment, if the settings know it.
    pub const fn known(self) -> Option<&'v str> {
        match self {
            Self::Listed(name) | Self::Spelling(name) => Some(name),
            Self::Other(_) => None,
        }
    }
}

/// One end of a crossing.
#[derive(Clone, Copy, Debug)]
pub struct Side<'s> {
    /// The environment.
    pub environment: &'s str,
    /// The namespace, where one is meant.
    pub namespace: Option<&'s str>,
}

impl Settings {
    /// What a label's value means.
    pub fn meaning<'v>(&'v self, value: &'v str) -> Meaning<'v> {
        if let Some(listed) = self.environments.iter().find(|listed| *listed == value) {
            return Meaning::Listed(listed);
        }
        if let Some(environment) = named(&self.aliases, value) {
            return Meaning::Listed(environment);
        }
        let group = SPELLINGS.iter().find(|group| group.iter().any(|word| word.eq_ignore_ascii_case(value)));
        let is_same = |listed: &&String| {
            listed.eq_ignore_ascii_case(value)
                || group.is_some_and(|group| group.iter().any(|word| word.eq_ignore_ascii_case(listed)))
        };
        self.environments.iter().find(is_same).map_or(Meaning::Other(value), |listed| Meaning::Spelling(listed))
    }

    /// The environment label that counts, and its value.
    pub fn label<'l>(&'l self, labels: &'l Map<'_>) -> Option<(&'l str, &'l str)> {
        self.environment_labels.iter().find_map(|key| labels.get(key).map(|value| (key.as_str(), value.as_str())))
    }

    /// The environment of a namespace, by its labels or else its name; `None` where it is shared, or not known.
    pub fn environment<'l>(&'l self, name: &str, labels: Option<&'l Map<'_>>) -> Option<&'l str> {
        if self.is_shared(name) {
            return None;
        }
        match labels.and_then(|labels| self.label(labels)).map(|(_, value)| value) {
            Some("") | None => named(&self.namespace_patterns, name),
            Some(value) => Some(self.meaning(value).name()),
        }
    }

    /// Whether a namespace serves all environments.
    pub fn is_shared(&self, name: &str) -> bool {
        self.shared_namespaces.iter().any(|pattern| glob::matches(pattern, name))
    }

    /// Whether a crossing is meant.
    pub fn allows(&self, from: Side<'_>, to: Side<'_>) -> bool {
        let fits = |pattern: &Option<String>, side: Side<'_>| {
            pattern.as_ref().is_none_or(|pattern| side.namespace.is_some_and(|namespace| glob::matches(pattern, namespace)))
        };
        self.allowed_crossings.iter().any(|allowed| {
            glob::matches(&allowed.from, from.environment)
                && glob::matches(&allowed.to, to.environment)
                && fits(&allowed.from_namespace, from)
                && fits(&allowed.to_namespace, to)
        })
    }

    /// Refuses what cannot be meant.
    ///
    /// # Errors
    /// With the key.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.environments.len() < 2 {
            return Err(SettingsError::new("environments", "expected at least two environments to keep apart"));
        }
        for (index, name) in self.environments.iter().enumerate() {
            if !is_label_value(name) {
                return wrong("environments", index, "", "expected a value that a label can have");
            }
            if self.environments.iter().take(index).any(|earlier| earlier == name) {
                return wrong("environments", index, "", "is listed twice");
            }
        }
        for (list, names) in [("aliases", &self.aliases), ("namespacePatterns", &self.namespace_patterns)] {
            for (index, named) in names.iter().enumerate() {
                if !is_pattern(&named.pattern) {
                    return wrong(list, index, ".pattern", PATTERN);
                }
                if !self.environments.contains(&named.environment) {
                    return wrong(list, index, ".environment", "expected one of environments");
                }
            }
        }
        if self.environment_labels.is_empty() {
            return Err(SettingsError::new("environmentLabels", "expected the key of a label"));
        }
        for (index, key) in self.environment_labels.iter().enumerate() {
            if !is_label_key(key) {
                return wrong("environmentLabels", index, "", "expected the key of a label");
            }
        }
        for (index, pattern) in self.shared_namespaces.iter().enumerate() {
            if !is_pattern(pattern) {
                return wrong("sharedNamespaces", index, "", PATTERN);
            }
        }
        for (index, allowed) in self.allowed_crossings.iter().enumerate() {
            if allowed.from.is_empty() {
                return wrong("allowedCrossings", index, ".from", "expected the environment that connects");
            }
            if allowed.to.is_empty() {
                return wrong("allowedCrossings", index, ".to", "expected the environment that is reached");
            }
            if allowed.reason.trim().is_empty() {
                return wrong("allowedCrossings", index, ".reason", "expected why this crossing is meant");
            }
            for (key, pattern) in [(".fromNamespace", &allowed.from_namespace), (".toNamespace", &allowed.to_namespace)] {
                if pattern.as_ref().is_some_and(String::is_empty) {
                    return wrong("allowedCrossings", index, key, "expected a name or a pattern");
                }
            }
        }
        for (index, domain) in self.cluster_domains.iter().enumerate() {
            let is_label =
                |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if !domain.split('.').all(is_label) {
                return wrong("clusterDomains", index, "", "expected a domain, for example cluster.local");
            }
        }
        Ok(())
    }
}

const PATTERN: &str = "expected a name or a pattern, and not one of everything";

fn wrong(list: &str, index: usize, key: &str, problem: &str) -> Result<(), SettingsError> {
    Err(SettingsError::new([list, "[", &index.to_string(), "]", key].concat(), problem))
}

fn named<'n>(names: &'n [Named], text: &str) -> Option<&'n str> {
    names.iter().find(|named| glob::matches(&named.pattern, text)).map(|named| named.environment.as_str())
}

/// A pattern of wildcards alone would mean everything there is.
fn is_pattern(pattern: &str) -> bool {
    pattern.bytes().any(|byte| !matches!(byte, b'*' | b'?' | b' '))
}
