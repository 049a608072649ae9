//! What NetworkPolicies let through.

use super::{Addresses, Cidr, Direction, NetworkPolicyRule, NetworkPolicySpec};
use crate::json::{JsonError, List, Read, Reader, Str};
use crate::selector::{LabelSelector, Labels};
use crate::{Error, Path};

crate::view! {
    /// `NetworkPolicyPeer`: who is allowed.
    pub struct Peer<'a> {
        /// Pods with these labels; of the policy's own namespace, where no namespaces are selected.
        pub pod_selector: Option<LabelSelector<'a>> as "podSelector",
        /// Namespaces with these labels; all of their pods, where no pods are selected.
        pub namespace_selector: Option<LabelSelector<'a>> as "namespaceSelector",
        /// Addresses, in place of both.
        pub ip_block: Option<IpBlock<'a>> as "ipBlock",
    }

    /// `IPBlock`
    pub struct IpBlock<'a> {
        /// The block.
        pub cidr: Str<'a> as "cidr",
        /// Blocks inside of it that are left out.
        pub except: List<Str<'a>> as "except",
    }

    /// `NetworkPolicyPort`
    pub struct PortRule<'a> {
        /// `TCP`, `UDP` or `SCTP`; empty is `TCP`.
        pub protocol: Str<'a> as "protocol",
        /// The port; all ports of the protocol, where it is absent.
        pub port: Option<PortNumber<'a>> as "port",
        /// The last port of a range that begins with `port`.
        pub end_port: Option<u32> as "endPort",
    }
}

/// A port as a number, or by the name that a container of the pod gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortNumber<'a> {
    /// From 1 to 65535.
    Number(i64),
    /// Of a container port of the pod that is connected to.
    Name(Str<'a>),
}

impl<'a> Read<'a> for PortNumber<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, JsonError> {
        let mut ahead = reader.clone();
        if ahead.skip()?.starts_with('"') { Str::read(reader).map(Self::Name) } else { i64::read(reader).map(Self::Number) }
    }
}

impl IpBlock<'_> {
    /// The addresses of the block.
    ///
    /// # Errors
    /// When one of its texts is no block.
    pub fn addresses(&self, at: &Path<'_>) -> Result<Addresses, Error> {
        let wrong = "expected a block of addresses, for example 10.0.0.0/8 or fd00::/8";
        let block = Cidr::parse(&self.cidr).ok_or_else(|| Error::malformed(&at.field("cidr"), wrong))?;
        let mut except = Vec::new();
        for (index, text) in self.except.iter().enumerate() {
            except.push(Cidr::parse(text).ok_or_else(|| Error::malformed(&at.item("except", index), wrong))?);
        }
        Ok(Addresses::of(&[block]).without(&Addresses::of(&except)))
    }
}

/// What is connected to, of a pod or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port<'p> {
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: &'p str,
    /// Its number.
    pub number: u16,
    /// The names that the containers of the pod give it; more than one container may.
    pub names: &'p [&'p str],
}

impl PortRule<'_> {
    /// Whether it allows the port.
    pub fn allows(&self, port: &Port<'_>) -> bool {
        let protocol = if self.protocol.is_empty() { "TCP" } else { &self.protocol };
        let number = i64::from(port.number);
        protocol == port.protocol
            && match &self.port {
                None => true,
                Some(PortNumber::Number(first)) => (*first..=self.end_port.map_or(*first, i64::from)).contains(&number),
                Some(PortNumber::Name(name)) => port.names.iter().any(|known| name == known),
            }
    }
}

/// A pod as policies see it.
#[derive(Clone, Debug)]
pub struct Pod<'p> {
    /// Its namespace.
    pub namespace: &'p str,
    /// The namespace's labels. Every namespace has `kubernetes.io/metadata.name`, also where no manifest says so.
    pub namespace_labels: Labels<'p>,
    /// Its own labels.
    pub labels: Labels<'p>,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug)]
pub enum End<'e> {
    /// A pod.
    Pod(&'e Pod<'e>),
    /// An address outside of the cluster. What `ipBlock` means for pods is left to the network plugin; here it means none.
    Address(Cidr),
}

impl Peer<'_> {
    /// Whether it stands for this end of a connection, in a policy of this namespace.
    ///
    /// # Errors
    /// When a selector or a block is not valid.
    pub fn is(&self, end: &End<'_>, namespace: &str, at: &Path<'_>) -> Result<bool, Error> {
        match end {
            End::Address(address) => match &self.ip_block {
                Some(block) => Ok(block.addresses(&at.field("ipBlock"))?.cover(address)),
                None => Ok(false),
            },
            End::Pod(_) if self.ip_block.is_some() => Ok(false),
            End::Pod(pod) => {
                let in_namespace = match &self.namespace_selector {
                    Some(selector) => selector.selects(&pod.namespace_labels, &at.field("namespaceSelector"))?,
                    None => self.pod_selector.is_some() && pod.namespace == namespace,
                };
                let is_pod = match &self.pod_selector {
                    Some(selector) => selector.selects(&pod.labels, &at.field("podSelector"))?,
                    None => true,
                };
                Ok(in_namespace && is_pod)
            }
        }
    }
}

impl<'a> NetworkPolicyRule<'a> {
    /// Who is allowed; nobody in the list is everyone.
    ///
    /// # Errors
    /// When one of them cannot be read; `at` is the rule.
    pub fn read_peers(&self, direction: Direction, at: &Path<'_>) -> Result<Vec<Peer<'a>>, Error> {
        let items = self.peers.iter().enumerate();
        items.map(|(index, peer)| peer.read_at(&at.item(direction.peers_field(), index))).collect()
    }

    /// The ports; none in the list is all.
    ///
    /// # Errors
    /// When one of them cannot be read; `at` is the rule.
    pub fn read_ports(&self, at: &Path<'_>) -> Result<Vec<PortRule<'a>>, Error> {
        self.ports.iter().enumerate().map(|(index, port)| port.read_at(&at.item("ports", index))).collect()
    }

    /// Whether it lets a connection through, with this other end, to this port.
    ///
    /// # Errors
    /// When a peer or a port cannot be read.
    pub fn allows(
        &self,
        direction: Direction,
        namespace: &str,
        other: &End<'_>,
        port: &Port<'_>,
        at: &Path<'_>,
    ) -> Result<bool, Error> {
        let is_port = self.ports.is_empty() || self.read_ports(at)?.iter().any(|rule| rule.allows(port));
        if !is_port || self.peers.is_empty() {
            return Ok(is_port);
        }
        for (index, peer) in self.read_peers(direction, at)?.iter().enumerate() {
            if peer.is(other, namespace, &at.item(direction.peers_field(), index))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl NetworkPolicySpec<'_> {
    /// The first rule that lets a connection through for the pods that the policy selects, counted from 0.
    ///
    /// # Errors
    /// When a rule cannot be read.
    pub fn allowed_by(
        &self,
        direction: Direction,
        namespace: &str,
        other: &End<'_>,
        port: &Port<'_>,
    ) -> Result<Option<usize>, Error> {
        let spec = Path::new("spec");
        for (index, rule) in self.rules(direction).iter().enumerate() {
            if rule.allows(direction, namespace, other, port, &spec.item(direction.name(), index))? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }
}

/// Whether the policies let a connection through: for each of its ends that is a pod which they isolate, one of them must.
///
/// `policies` are those of the cluster, each with its namespace. Pods in their node's network are held by none; leave them out.
///
/// # Errors
/// When a policy cannot be read.
pub fn connects(
    policies: &[(&str, &NetworkPolicySpec<'_>)],
    from: &End<'_>,
    to: &End<'_>,
    port: &Port<'_>,
) -> Result<bool, Error> {
    for (direction, pod, other) in [(Direction::Egress, from, to), (Direction::Ingress, to, from)] {
        let End::Pod(pod) = pod else { continue };
        let (mut is_isolated, mut is_allowed) = (false, false);
        for (namespace, policy) in policies {
            if *namespace == pod.namespace && policy.isolates(&pod.labels, direction)? {
                is_isolated = true;
                is_allowed |= policy.allowed_by(direction, namespace, other, port)?.is_some();
            }
        }
        if is_isolated && !is_allowed {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::NetworkPolicy;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::net::Ipv4Addr;

    /// The definition, by the documentation of the API, on plain JSON: slow, and of other parts than what it is held against.
    mod reference {
        use super::*;

        #[derive(Clone, Debug)]
        pub struct Pod {
            pub namespace: &'static str,
            pub labels: Value,
        }

        #[derive(Clone, Debug)]
        pub enum End {
            Pod(Pod),
            Address([u8; 4]),
        }

        fn selects(selector: &Value, labels: &Value) -> bool {
            let entries = selector["matchLabels"].as_object().into_iter().flatten();
            let requirements = selector["matchExpressions"].as_array().into_iter().flatten();
            entries.clone().all(|(key, value)| labels[key] == *value)
                && requirements.clone().all(|requirement| {
                    let value = &labels[requirement["key"].as_str().unwrap()];
                    let listed = requirement["values"].as_array().is_some_and(|values| values.contains(value));
                    match requirement["operator"].as_str().unwrap() {
                        "In" => listed,
                        "NotIn" => !listed,
                        "Exists" => !value.is_null(),
                        _ => value.is_null(),
                    }
                })
        }

        fn block_has(text: &str, address: [u8; 4]) -> bool {
            let (start, prefix) = text.split_once('/').unwrap();
            let start: Ipv4Addr = start.parse().unwrap();
            let bits = |address: [u8; 4]| {
                address.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect::<Vec<_>>()
            };
            let prefix: usize = prefix.parse().unwrap();
            bits(start.octets())[..prefix] == bits(address)[..prefix]
        }

        fn peer_is(peer: &Value, end: &End, policy_namespace: &str) -> bool {
            match end {
                End::Address(address) => {
                    peer["ipBlock"]["cidr"].as_str().is_some_and(|cidr| block_has(cidr, *address))
                        && !peer["ipBlock"]["except"]
                            .as_array()
                            .into_iter()
                            .flatten()
                            .any(|except| block_has(except.as_str().unwrap(), *address))
                }
                End::Pod(pod) => {
                    let namespace = json!({"kubernetes.io/metadata.name": pod.namespace, "env": pod.namespace});
                    match (&peer["podSelector"], &peer["namespaceSelector"]) {
                        (Value::Null, Value::Null) => false,
                        (pods, Value::Null) => pod.namespace == policy_namespace && selects(pods, &pod.labels),
                        (Value::Null, namespaces) => selects(namespaces, &namespace),
                        (pods, namespaces) => selects(pods, &pod.labels) && selects(namespaces, &namespace),
                    }
                }
            }
        }

        fn port_is(rule: &Value, protocol: &str, number: u64, name: &str) -> bool {
            rule["protocol"].as_str().unwrap_or("TCP") == protocol
                && match &rule["port"] {
                    Value::Null => true,
                    Value::String(wanted) => wanted == name,
                    first => {
                        let first = first.as_u64().unwrap();
                        number >= first && number <= rule["endPort"].as_u64().unwrap_or(first)
                    }
                }
        }

        fn nothing_in(list: &Value) -> bool {
            list.as_array().is_none_or(Vec::is_empty)
        }

        pub fn connects(policies: &[(&str, Value)], from: &End, to: &End, (protocol, number, name): (&str, u64, &str)) -> bool {
            let side = |field: &str, other_field: &str, policy_type: &str, pod: &Pod, other: &End| {
                let selecting: Vec<_> = policies
                    .iter()
                    .filter(|(namespace, spec)| *namespace == pod.namespace && selects(&spec["podSelector"], &pod.labels))
                    .filter(|(_, spec)| match spec["policyTypes"].as_array() {
                        Some(types) if !types.is_empty() => types.iter().any(|named| named == policy_type),
                        _ => policy_type == "Ingress" || !nothing_in(&spec["egress"]),
                    })
                    .collect();
                selecting.is_empty()
                    || selecting.iter().any(|(namespace, spec)| {
                        spec[field].as_array().into_iter().flatten().any(|rule| {
                            (nothing_in(&rule["ports"])
                                || rule["ports"].as_array().unwrap().iter().any(|port| port_is(port, protocol, number, name)))
                                && (nothing_in(&rule[other_field])
                                    || rule[other_field].as_array().unwrap().iter().any(|peer| peer_is(peer, other, namespace)))
                        })
                    })
            };
            let leaves = if let End::Pod(pod) = from { side("egress", "to", "Egress", pod, to) } else { true };
            let arrives = if let End::Pod(pod) = to { side("ingress", "from", "Ingress", pod, from) } else { true };
            leaves && arrives
        }
    }

    const NAMESPACES: [&str; 2] = ["dev", "prod"];

    fn selector(keys: &'static [&'static str], values: &'static [&'static str]) -> impl Strategy<Value = Value> {
        let key = prop::sample::select(keys);
        let value = prop::sample::select(values);
        let requirement = (key.clone(), 0..4usize, value.clone()).prop_map(|(key, operator, value)| {
            let operator = ["In", "NotIn", "Exists", "DoesNotExist"][operator];
            if operator.ends_with("In") {
                json!({"key": key, "operator": operator, "values": [value]})
            } else {
                json!({"key": key, "operator": operator})
            }
        });
        prop_oneof![
            2 => Just(json!({})),
            3 => (key, value).prop_map(|(key, value)| json!({"matchLabels": {key: value}})),
            3 => requirement.prop_map(|requirement| json!({"matchExpressions": [requirement]})),
        ]
    }

    fn pods() -> impl Strategy<Value = Value> {
        selector(&["app", "tier"], &["a", "b"])
    }

    fn namespaces() -> impl Strategy<Value = Value> {
        selector(&["env", "kubernetes.io/metadata.name", "team"], &NAMESPACES)
    }

    fn peer() -> impl Strategy<Value = Value> {
        let block = prop::sample::select(vec!["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/1", "10.1.2.3/32"]);
        prop_oneof![
            pods().prop_map(|pods| json!({"podSelector": pods})),
            namespaces().prop_map(|namespaces| json!({"namespaceSelector": namespaces})),
            (pods(), namespaces()).prop_map(|(pods, namespaces)| json!({"podSelector": pods, "namespaceSelector": namespaces})),
            (block.clone(), prop::collection::vec(block, 0..2))
                .prop_map(|(cidr, except)| json!({"ipBlock": {"cidr": cidr, "except": except}})),
        ]
    }

    fn port() -> impl Strategy<Value = Value> {
        let protocol = prop::sample::select(vec![json!(null), json!("TCP"), json!("UDP"), json!("SCTP")]);
        let port = prop_oneof![
            Just(json!({})),
            (78..82u16).prop_map(|port| json!({"port": port})),
            (70..82u16, 0..12u16).prop_map(|(port, more)| json!({"port": port, "endPort": port + more})),
            prop::sample::select(vec!["http", "dns"]).prop_map(|name| json!({"port": name})),
        ];
        (protocol, port).prop_map(|(protocol, mut port)| {
            port["protocol"] = protocol;
            port
        })
    }

    fn list<S: Strategy<Value = Value> + 'static>(item: S) -> impl Strategy<Value = Value> {
        prop_oneof![1 => Just(Value::Null), 4 => prop::collection::vec(item, 0..3).prop_map(Value::from)]
    }

    fn policy() -> impl Strategy<Value = (&'static str, Value)> {
        let rules = |peers: &'static str| {
            list((list(peer()), list(port())).prop_map(move |(who, ports)| json!({peers: who, "ports": ports})))
        };
        let types = prop::sample::select(vec![
            json!(null),
            json!([]),
            json!(["Ingress"]),
            json!(["Egress"]),
            json!(["Ingress", "Egress"]),
        ]);
        (prop::sample::select(&NAMESPACES[..]), pods(), types, rules("from"), rules("to")).prop_map(
            |(namespace, pods, types, ingress, egress)| {
                (namespace, json!({"podSelector": pods, "policyTypes": types, "ingress": ingress, "egress": egress}))
            },
        )
    }

    fn end() -> impl Strategy<Value = reference::End> {
        let label = || prop::sample::select(vec![json!(null), json!("a"), json!("b")]);
        let pod = (prop::sample::select(&NAMESPACES[..]), label(), label()).prop_map(|(namespace, app, tier)| {
            let mut labels = serde_json::Map::new();
            for (key, value) in [("app", app), ("tier", tier)] {
                if !value.is_null() {
                    labels.insert(key.to_owned(), value);
                }
            }
            reference::End::Pod(reference::Pod { namespace, labels: Value::Object(labels) })
        });
        let address = prop::sample::select(vec![[10, 1, 2, 3], [10, 1, 9, 9], [10, 9, 9, 9], [192, 0, 2, 1], [93, 0, 0, 1]]);
        prop_oneof![3 => pod, 1 => address.prop_map(reference::End::Address)]
    }

    fn pod_of(end: &reference::End) -> Option<Pod<'_>> {
        let reference::End::Pod(reference::Pod { namespace, labels }) = end else { return None };
        let labels: Vec<_> = labels.as_object().unwrap().iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let namespace_labels = Labels::new(&[("kubernetes.io/metadata.name", Some(namespace)), ("env", Some(namespace))]);
        Some(Pod { namespace, namespace_labels, labels: Labels::new(&labels) })
    }

    fn end_of<'e>(end: &reference::End, pod: &'e Option<Pod<'e>>) -> End<'e> {
        match (end, pod) {
            (_, Some(pod)) => End::Pod(pod),
            (reference::End::Address(bytes), None) => {
                End::Address(Cidr::parse_address(&Ipv4Addr::from(*bytes).to_string()).unwrap())
            }
            (reference::End::Pod(_), None) => unreachable!("a pod is a pod"),
        }
    }

    proptest! {
        #![proptest_config(crate::network::ten_thousand_cases())]

        #[test]
        fn agrees_with_the_definition(
            policies in prop::collection::vec(policy(), 0..5), from in end(), to in end(),
            protocol in prop::sample::select(vec!["TCP", "UDP", "SCTP"]), number in 76..84u16, name in prop::sample::select(vec!["http", "dns"]),
        ) {
            let texts: Vec<_> = policies.iter().map(|(namespace, spec)| (*namespace, json!({"spec": spec}).to_string())).collect();
            let parsed: Vec<_> = texts.iter().map(|(namespace, text)| (*namespace, crate::json::from_str::<NetworkPolicy<'_>>(text).unwrap().spec)).collect();
            let parsed: Vec<_> = parsed.iter().map(|(namespace, spec)| (*namespace, spec)).collect();
            let (from_pod, to_pod) = (pod_of(&from), pod_of(&to));
            let (from_end, to_end) = (end_of(&from, &from_pod), end_of(&to, &to_pod));
            let found = connects(&parsed, &from_end, &to_end, &Port { protocol, number, names: &[name] }).unwrap();
            prop_assert_eq!(found, reference::connects(&policies, &from, &to, (protocol, u64::from(number), name)));
        }
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        let problem = |rule: Value| {
            let text = json!({"spec": {"ingress": [{}, rule]}}).to_string();
            let policy: NetworkPolicy<'_> = crate::json::from_str(&text).unwrap();
            let address = End::Address(Cidr::parse_address("192.0.2.1").unwrap());
            let at = Path::new("spec.ingress[1]");
            let port = Port { protocol: "TCP", number: 80, names: &[] };
            match policy.spec.ingress[1].allows(Direction::Ingress, "shop", &address, &port, &at).unwrap_err() {
                Error::Malformed { path, .. } => path,
                Error::Host(error) => error.to_string(),
            }
        };
        for (rule, path) in [
            (json!({"from": [{"ipBlock": {"cidr": "10.0.0.0"}}]}), "spec.ingress[1].from[0].ipBlock.cidr"),
            (
                json!({"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", ""]}}]}),
                "spec.ingress[1].from[0].ipBlock.except[1]",
            ),
            (json!({"from": [{"podSelector": []}]}), "spec.ingress[1].from[0].podSelector"),
            (json!({"from": ["web"]}), "spec.ingress[1].from[0]"),
            (json!({"ports": [{"port": 80}, {"port": true}]}), "spec.ingress[1].ports[1].port"),
        ] {
            assert_eq!(problem(rule.clone()), path, "{rule}");
        }
    }
}
