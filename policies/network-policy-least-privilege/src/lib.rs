//! Rejects NetworkPolicies that let more through than the traffic that is needed.
//!
//! What counts is what the policy as a whole lets through: connections need one rule, so two rules that each allow half of the Internet
//! allow the Internet, and an exception that another peer allows is none. Rules are taken together where the ports of one hold those of
//! the other.
//!
//! NSA/CISA Kubernetes Hardening Guide, "Network separation and hardening"; CIS Kubernetes Benchmark 5.3.2; OWASP Kubernetes Top Ten K07.

mod blocks;
mod pods;
mod ports;
mod rules;
mod selectors;

use palisade_sdk::network::{Addresses, Cidr, Direction, NetworkPolicy, NetworkPolicyRule, Peer};
use palisade_sdk::selector::Labels;
use palisade_sdk::{Error, Host, Path, Policy, Report, Request, Rule, SettingsError, glob};

use ports::Ports;
use rules::{ALLOW_ALL, ANY_DESTINATION, ANY_PORT, ANY_SOURCE, DNS_ANYWHERE, IGNORED_RULES, WIDE_PORT_RANGE};

palisade_sdk::settings! {
    /// What the deployer may change.
    pub struct Settings {
        /// Policies that are accepted as they are: a list of `{name, namespace, reason}`. `name` and `namespace` are glob patterns,
        /// `namespace` is any when left out; `reason` is mandatory.
        pub allowed_policies: Vec<AllowedPolicy> = Vec::new(),
        /// Traffic with the Internet that is meant: a list of `{direction, ports, name, namespace, reason}`. `direction` is `ingress` or
        /// `egress`; `ports` are the numbers of the ports; `name` and `namespace` are glob patterns of the policies that may allow
        /// it, any when left out; `reason` is mandatory. A rule all of whose ports are listed may then have every peer or any block.
        pub allowed_internet: Vec<AllowedInternet> = Vec::new(),
        /// Blocks of addresses that may be allowed however wide they are, with what is inside of them, for example the network of the
        /// company.
        pub allowed_blocks: Vec<String> = Vec::new(),
        /// The shortest prefix of IPv4 blocks: `16` allows 65,536 addresses.
        pub min_prefix_ipv4: u32 = 16,
        /// The shortest prefix of IPv6 blocks.
        pub min_prefix_ipv6: u32 = 48,
        /// How many ports a rule may name by ranges.
        pub max_ports: u32 = 100,
        /// Labels of namespaces that only administrators set, so that a namespace may be chosen by them.
        pub trusted_namespace_labels: Vec<String> = vec!["kubernetes.io/metadata.name".to_owned()],
        /// Namespaces whose policies are left alone, as glob patterns.
        pub exempt_namespaces: Vec<String> = Vec::new(),
    }
}

palisade_sdk::setting! {
    /// A policy that is accepted as it is.
    pub struct AllowedPolicy {
        name: String,
        namespace: Option<String>,
        reason: String,
    }

    /// Traffic with the Internet that is meant.
    pub struct AllowedInternet {
        direction: String,
        ports: Vec<u32>,
        name: Option<String>,
        namespace: Option<String>,
        reason: String,
    }
}

/// Least privilege for NetworkPolicies.
pub struct NetworkPolicyLeastPrivilege;

/// The policy's whereabouts, and what the settings say of it.
struct Context<'c> {
    settings: &'c Settings,
    name: &'c str,
    namespace: &'c str,
    allowed_blocks: Addresses,
}

impl Context<'_> {
    /// Whether these ports may be open to the Internet.
    fn may_be_public(&self, direction: Direction, ports: &Ports) -> bool {
        let matches =
            |pattern: &Option<String>, text: &str| pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, text));
        let allowed = self.settings.allowed_internet.iter().filter(|allowed| {
            allowed.direction == direction.name()
                && matches(&allowed.name, self.name)
                && matches(&allowed.namespace, self.namespace)
        });
        ports.are_among(&allowed.flat_map(|allowed| allowed.ports.iter().copied()).collect::<Vec<_>>())
    }
}

/// A rule of the policy, read.
pub struct Allowed<'a> {
    /// Its place in the list.
    index: usize,
    peers: Vec<Peer<'a>>,
    ports: Ports,
    /// Whether the settings accept it for any peer.
    is_public: bool,
}

impl Policy for NetworkPolicyLeastPrivilege {
    type Settings = Settings;
    const RULES: &'static [Rule] = rules::ALL;

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        let wrong = |list: &str, index: usize, field: &str, problem: &str| {
            Err(SettingsError::new([list, "[", &index.to_string(), "]", field].concat(), problem))
        };
        for (index, allowed) in settings.allowed_policies.iter().enumerate() {
            if allowed.reason.trim().is_empty() {
                return wrong("allowedPolicies", index, ".reason", "expected why this policy is accepted");
            }
            if allowed.name.trim().is_empty() {
                return wrong("allowedPolicies", index, ".name", "expected a name or a glob pattern");
            }
        }
        for (index, allowed) in settings.allowed_internet.iter().enumerate() {
            if allowed.reason.trim().is_empty() {
                return wrong("allowedInternet", index, ".reason", "expected why this traffic is accepted");
            }
            if Direction::ALL.iter().all(|direction| allowed.direction != direction.name()) {
                return wrong("allowedInternet", index, ".direction", "expected ingress or egress");
            }
            if allowed.ports.is_empty() || allowed.ports.iter().any(|port| !(1..=65_535).contains(port)) {
                return wrong("allowedInternet", index, ".ports", "expected port numbers from 1 to 65535");
            }
        }
        for (index, block) in settings.allowed_blocks.iter().enumerate() {
            if Cidr::parse(block).is_none() {
                return wrong("allowedBlocks", index, "", "expected a block of addresses, for example 10.0.0.0/8");
            }
        }
        for (index, label) in settings.trusted_namespace_labels.iter().enumerate() {
            if label.trim().is_empty() {
                return wrong("trustedNamespaceLabels", index, "", "expected the key of a label");
            }
        }
        if settings.min_prefix_ipv4 > 32 {
            return Err(SettingsError::new("minPrefixIpv4", "expected a prefix from 0 to 32"));
        }
        if settings.min_prefix_ipv6 > 128 {
            return Err(SettingsError::new("minPrefixIpv6", "expected a prefix from 0 to 128"));
        }
        palisade_sdk::check_exempt_namespaces(&settings.exempt_namespaces)
    }

    fn validate(request: &Request<'_>, settings: &Settings, host: &dyn Host, report: &mut Report) -> Result<(), Error> {
        if request.kind.group != "networking.k8s.io" || request.kind.kind != "NetworkPolicy" {
            return Ok(());
        }
        let policy: NetworkPolicy<'_> = request.object()?;
        let (name, namespace) = (policy.metadata.name.as_str(), request.namespace.as_str());
        let is_allowed = |allowed: &AllowedPolicy| {
            glob::matches(&allowed.name, name)
                && allowed.namespace.as_ref().is_none_or(|pattern| glob::matches(pattern, namespace))
        };
        if settings.allowed_policies.iter().any(is_allowed)
            || settings.exempt_namespaces.iter().any(|pattern| glob::matches(pattern, namespace))
        {
            return Ok(());
        }
        let blocks: Vec<Cidr> = settings.allowed_blocks.iter().filter_map(|block| Cidr::parse(block)).collect();
        let context = Context { settings, name, namespace, allowed_blocks: Addresses::of(&blocks) };
        policy.spec.pod_selector.selects(&Labels::new(&[]), &Path::new("spec.podSelector"))?;
        check_types(&policy)?;
        let mut ingress = Vec::new();
        for direction in Direction::ALL {
            let rules = read(&context, direction, policy.spec.rules(direction))?;
            let spec = Path::new("spec");
            let at = spec.field(direction.name());
            if !policy.spec.applies_to(direction) {
                if !rules.is_empty() {
                    let message =
                        ["policyTypes does not name ", direction.policy_type(), ", so that these rules are not looked at"]
                            .concat();
                    report.add(&IGNORED_RULES, &at, message);
                }
                continue;
            }
            for rule in &rules {
                judge(&context, direction, rule, &at.index(rule.index), report);
            }
            selectors::judge(&context, direction, &rules, &at, report);
            blocks::judge(&context, direction, &rules, &at, report)?;
            if direction == Direction::Ingress {
                ingress = rules;
            }
        }
        pods::judge(host, namespace, &policy.spec.pod_selector, &ingress, report)
    }
}

palisade_sdk::export!(NetworkPolicyLeastPrivilege);

/// Refuses directions that the API server refuses.
fn check_types(policy: &NetworkPolicy<'_>) -> Result<(), Error> {
    let spec = Path::new("spec");
    for (index, policy_type) in policy.spec.policy_types.iter().enumerate() {
        if Direction::ALL.iter().all(|direction| *policy_type != direction.policy_type()) {
            return Err(Error::malformed(&spec.item("policyTypes", index), "expected Ingress or Egress"));
        }
    }
    Ok(())
}

/// Reads the rules of a direction, and refuses what the API server refuses.
fn read<'a>(context: &Context<'_>, direction: Direction, rules: &[NetworkPolicyRule<'a>]) -> Result<Vec<Allowed<'a>>, Error> {
    let spec = Path::new("spec");
    let mut read = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let at = spec.item(direction.name(), index);
        let peers = rule.read_peers(direction, &at)?;
        for (place, peer) in peers.iter().enumerate() {
            check_peer(peer, &at.item(direction.peers_field(), place))?;
        }
        let ports = Ports::of(rule.read_ports(&at)?, &at)?;
        let is_public = context.may_be_public(direction, &ports);
        read.push(Allowed { index, peers, ports, is_public });
    }
    Ok(read)
}

fn check_peer(peer: &Peer<'_>, at: &Path<'_>) -> Result<(), Error> {
    let none = Labels::new(&[]);
    if let Some(selector) = &peer.namespace_selector {
        selector.selects(&none, &at.field("namespaceSelector"))?;
    }
    if let Some(selector) = &peer.pod_selector {
        selector.selects(&none, &at.field("podSelector"))?;
    }
    let selects = peer.namespace_selector.is_some() || peer.pod_selector.is_some();
    match &peer.ip_block {
        Some(_) if selects => Err(Error::malformed(&at.field("ipBlock"), "expected no selectors beside it")),
        Some(block) => block.addresses(&at.field("ipBlock")).map(|_| ()),
        None if selects => Ok(()),
        None => Err(Error::malformed(at, "expected podSelector, namespaceSelector or ipBlock")),
    }
}

const DNS_EVERYWHERE: &str = "allows DNS to every address, so that an intruder can carry data out in names";

/// What a rule lacks: peers, ports, or both.
fn judge(context: &Context<'_>, direction: Direction, rule: &Allowed<'_>, at: &Path<'_>, report: &mut Report) {
    let (no_peers, no_ports) = (rule.peers.is_empty(), rule.ports.is_everything());
    if no_peers && no_ports {
        let message = match direction {
            Direction::Ingress => "lets everybody in on every port, so that any pod or address can attack whatever listens",
            Direction::Egress => {
                "lets out everything, so that an intruder reaches the cluster, the cloud and the Internet from here"
            }
        };
        report.add(&ALLOW_ALL, at, message);
        return;
    }
    if no_peers && !rule.is_public {
        let is_dns = direction == Direction::Egress && rule.ports.is_dns();
        let (finding, message) = match direction {
            _ if is_dns => (&DNS_ANYWHERE, DNS_EVERYWHERE),
            Direction::Ingress => (&ANY_SOURCE, "names no sources, so that any pod or address connects to these ports"),
            Direction::Egress => {
                (&ANY_DESTINATION, "names no destinations, so that an intruder reaches any host on these ports")
            }
        };
        report.add(finding, at, message);
    }
    if no_ports {
        report.add(&ANY_PORT, at, "names no ports, so that these peers reach every port");
        return;
    }
    let max = u128::from(context.settings.max_ports);
    if let Some(place) = rule.ports.everything_of_a_protocol() {
        let ports = at.item("ports", place);
        report.add(&ANY_PORT, &ports, "names a protocol and no port, so that these peers reach every port of it");
    } else if let Some((count, place)) = rule.ports.range().filter(|(count, _)| *count > max) {
        let mut message = "opens ".to_owned();
        message.push_str(&count.to_string());
        message.push_str(" ports, and at most ");
        message.push_str(&max.to_string());
        message.push_str(" are allowed");
        report.add(&WIDE_PORT_RANGE, &at.item("ports", place), message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(spec: &str) -> String {
        let payload = format!(
            r#"{{"settings": {{"rules": {{"selects-no-pod": "off", "unknown-port-name": "off"}}}}, "request": {{
                "kind": {{"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"}}, "operation": "CREATE",
                "namespace": "shop", "object": {{"metadata": {{"name": "many"}}, "spec": {spec}}}}}}}"#
        );
        let response = palisade_sdk::run::<NetworkPolicyLeastPrivilege>(b"validate", payload.as_bytes(), &palisade_sdk::NoHost);
        String::from_utf8(response.unwrap()).unwrap()
    }

    fn list(length: usize, item: impl Fn(usize) -> String) -> String {
        (0..length).map(item).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn thousands_of_peers_are_judged_together() {
        let block = |index: usize| format!(r#"{{"ipBlock": {{"cidr": "10.{}.{}.0/24"}}}}"#, index / 256, index % 256);
        let peers = list(65_536, block);
        let response = findings(&format!(r#"{{"egress": [{{"to": [{peers}], "ports": [{{"port": 443}}]}}]}}"#));
        assert!(response.contains("wide-block") && response.contains("with the peers beside it"), "{response}");
    }

    #[test]
    fn thousands_of_rules_do_not_multiply() {
        let rule = |index: usize| {
            format!(
                r#"{{"from": [{{"namespaceSelector": {{"matchLabels": {{"team": "t{index}"}}}}}}, {{"ipBlock": {{"cidr": "192.0.2.0/24",
                    "except": ["192.0.2.{}/32"]}}}}], "ports": [{{"port": {}}}]}}"#,
                index % 256,
                1 + index
            )
        };
        let response = findings(&format!(r#"{{"ingress": [{}, {{}}]}}"#, list(15_000, rule)));
        assert!(response.contains("findings more"), "{}", response.len());
    }

    #[test]
    fn halves_of_many_kinds() {
        let keys = list(40, |index| format!(r#"{{"key": "k{index}", "operator": "Exists"}}"#));
        let response = findings(&format!(
            r#"{{"ingress": [{{"from": [{{"namespaceSelector": {{"matchExpressions": [{keys}]}}}}], "ports": [{{"port": 80}}]}}]}}"#
        ));
        assert!(response.contains("loose-namespace-selector") && !response.contains("every-pod"), "{response}");
    }
}
