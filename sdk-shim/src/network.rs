//! NetworkPolicies (`networking.k8s.io/v1`): which pods they isolate, and in which direction.
//!
//! A pod is *isolated* for a direction when some NetworkPolicy of its namespace selects it and applies to that direction; then only
//! what such policies allow gets through. A pod that none selects is open to everyone. [`connects`] puts it all together.

mod addresses;
pub mod balancers;
mod ranges;
pub mod sensitive;
mod traffic;
mod workloads;

pub use addresses::{Addresses, Cidr, Family};
pub use ranges::Ranges;
pub use traffic::{End, IpBlock, Peer, Pod, Port, PortNumber, PortRule, connects};
pub use workloads::{ContainerPort, Listed, WORKLOAD_KINDS, each_workload};

use crate::json::{List, Raw, Str};
use crate::selector::{LabelSelector, Labels};
use crate::views::ObjectMeta;
use crate::{Error, Path};

/// A direction of traffic, seen from the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the pod.
    Ingress,
    /// From the pod.
    Egress,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ingress, Self::Egress];

    /// As in `policyTypes`.
    pub const fn policy_type(self) -> &'static str {
        match self {
            Self::Ingress => "Ingress",
            Self::Egress => "Egress",
        }
    }

    /// In a sentence, and as the field of a policy's spec that holds the rules.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }

    /// The field of a rule that names the other side.
    pub const fn peers_field(self) -> &'static str {
        match self {
            Self::Ingress => "from",
            Self::Egress => "to",
        }
    }
}

crate::view! {
    /// `NetworkPolicy`
    pub struct NetworkPolicy<'a> {
        /// Name, namespace, labels.
        pub metadata: ObjectMeta<'a> as "metadata",
        /// What it does. A missing one selects every pod and lets nothing in, as for the API server.
        pub spec: NetworkPolicySpec<'a> as "spec",
    }

    /// `NetworkPolicySpec`
    pub struct NetworkPolicySpec<'a> {
        /// The pods of the policy's namespace that it isolates; absent or empty is all of them.
        pub pod_selector: LabelSelector<'a> as "podSelector",
        /// The directions; [`applies_to`](Self::applies_to) knows what an absent list means.
        pub policy_types: List<Str<'a>> as "policyTypes",
        /// What may reach the pods.
        pub ingress: List<NetworkPolicyRule<'a>> as "ingress",
        /// What the pods may reach.
        pub egress: List<NetworkPolicyRule<'a>> as "egress",
    }

    /// `NetworkPolicyIngressRule` and `NetworkPolicyEgressRule`: traffic that is allowed.
    pub struct NetworkPolicyRule<'a> {
        /// The other side; absent or empty is everyone. [`read_peers`](Self::read_peers) reads it.
        pub peers: List<Raw<'a>> as "from" | "to",
        /// The ports; absent or empty is all. [`read_ports`](Self::read_ports) reads them.
        pub ports: List<Raw<'a>> as "ports",
    }
}

impl NetworkPolicyRule<'_> {
    /// Whether it allows all traffic of its direction: `- {}`.
    pub fn allows_everything(&self) -> bool {
        self.peers.is_empty() && self.ports.is_empty()
    }
}

impl<'a> NetworkPolicySpec<'a> {
    /// Whether the policy has a say in this direction. Without `policyTypes` it has in ingress, and in egress if there is an egress
    /// rule (`SetDefaults_NetworkPolicy` of the API server); with them, the rules of a direction that they do not name are ignored.
    pub fn applies_to(&self, direction: Direction) -> bool {
        if self.policy_types.is_empty() {
            return direction == Direction::Ingress || !self.egress.is_empty();
        }
        self.policy_types.iter().any(|policy_type| policy_type == direction.policy_type())
    }

    /// What is allowed in this direction.
    pub fn rules(&self, direction: Direction) -> &[NetworkPolicyRule<'a>] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// Whether the policy isolates a pod with these labels in this direction, if it is in the policy's namespace.
    ///
    /// # Errors
    /// When its selector is not valid.
    pub fn isolates(&self, labels: &Labels<'_>, direction: Direction) -> Result<bool, Error> {
        let selects = self.pod_selector.selects(labels, &Path::new("spec.podSelector"))?;
        Ok(selects && self.applies_to(direction))
    }

    /// Whether every pod of the namespace is selected.
    pub fn selects_every_pod(&self) -> bool {
        self.pod_selector.is_empty()
    }

    /// Whether nothing passes in this direction, for any pod of the namespace, save what other policies allow.
    pub fn is_default_deny(&self, direction: Direction) -> bool {
        self.selects_every_pod() && self.applies_to(direction) && self.rules(direction).is_empty()
    }
}

/// Ten thousand cases, by a seed that is printed: `PROPTEST_RNG_SEED` makes the same ones again.
#[cfg(test)]
fn ten_thousand_cases() -> proptest::test_runner::Config {
    use proptest::test_runner::{Config, RngSeed};
    let config = Config::with_cases(10_000);
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            now.map_or(0, |now| u64::try_from(now.as_nanos() & u128::from(u64::MAX)).unwrap_or(0))
        }
    };
    println!("PROPTEST_RNG_SEED={seed}");
    Config { rng_seed: RngSeed::Fixed(seed), ..config }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(spec: Value, look: impl Fn(&NetworkPolicySpec<'_>)) {
        let text = json!({"metadata": {"name": "p"}, "spec": spec}).to_string();
        look(&crate::json::from_str::<NetworkPolicy<'_>>(&text).unwrap().spec);
    }

    #[test]
    fn policy_types_default_as_the_api_server_sets_them() {
        for (spec, ingress, egress) in [
            (json!(null), true, false),
            (json!({}), true, false),
            (json!({"policyTypes": []}), true, false),
            (json!({"policyTypes": null, "ingress": null, "egress": null}), true, false),
            (json!({"egress": []}), true, false),
            (json!({"egress": [{}]}), true, true),
            (json!({"egress": [null]}), true, true),
            (json!({"ingress": [{}], "egress": [{"to": [{"podSelector": {}}]}]}), true, true),
            (json!({"policyTypes": ["Ingress"], "egress": [{}]}), true, false),
            (json!({"policyTypes": ["Egress"]}), false, true),
            (json!({"policyTypes": ["Egress"], "ingress": [{}]}), false, true),
            (json!({"policyTypes": ["Egress", "Ingress"]}), true, true),
            (json!({"policyTypes": ["egress"]}), false, false),
        ] {
            check(spec.clone(), |policy| {
                assert_eq!(policy.applies_to(Direction::Ingress), ingress, "{spec}");
                assert_eq!(policy.applies_to(Direction::Egress), egress, "{spec}");
            });
        }
    }

    #[test]
    fn default_deny_selects_all_and_allows_nothing() {
        for (spec, ingress, egress) in [
            (json!({}), true, false),
            (json!({"policyTypes": ["Ingress", "Egress"]}), true, true),
            (json!({"podSelector": {"matchLabels": {}}, "policyTypes": ["Ingress", "Egress"]}), true, true),
            (json!({"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress", "Egress"]}), false, false),
            (json!({"podSelector": {"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}}), false, false),
            (json!({"policyTypes": ["Ingress", "Egress"], "ingress": [{}]}), false, true),
            (json!({"policyTypes": ["Ingress", "Egress"], "egress": [{"ports": [{"port": 53}]}]}), true, false),
        ] {
            check(spec.clone(), |policy| {
                assert_eq!(policy.is_default_deny(Direction::Ingress), ingress, "{spec}");
                assert_eq!(policy.is_default_deny(Direction::Egress), egress, "{spec}");
            });
        }
    }

    #[test]
    fn isolation_is_selection() {
        let labels = Labels::new(&[("app", Some("web"))]);
        check(json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{}]}), |policy| {
            assert!(policy.isolates(&labels, Direction::Ingress).unwrap(), "an allow-all rule isolates too");
            assert!(!policy.isolates(&labels, Direction::Egress).unwrap());
            assert!(!policy.isolates(&Labels::new(&[]), Direction::Ingress).unwrap());
        });
        check(json!({"podSelector": {"matchExpressions": [{"key": "app", "operator": "Is"}]}}), |policy| {
            let error = policy.isolates(&labels, Direction::Egress).unwrap_err();
            assert!(matches!(error, Error::Malformed { path, .. } if path == "spec.podSelector.matchExpressions[0].operator"));
        });
    }

    #[test]
    fn an_empty_rule_allows_everything() {
        for (rule, everything) in [
            (json!({}), true),
            (json!(null), true),
            (json!({"from": [], "ports": null}), true),
            (json!({"from": [{}]}), false),
            (json!({"ports": [{"port": 80}]}), false),
        ] {
            check(json!({"ingress": [rule]}), |policy| assert_eq!(policy.ingress[0].allows_everything(), everything, "{rule}"));
        }
    }
}
