//! The ports of a rule.

use palisade_sdk::network::{PortNumber, PortRule, Ranges};
use palisade_sdk::{Error, Path};

const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
const ALL: (u128, u128) = (1, 65_535);
/// DNS, the port of OpenShift's servers for it, and DNS over TLS.
const DNS: [u32; 3] = [53, 5353, 853];
/// What CoreDNS calls its ports in Kubernetes' own manifests.
const DNS_NAMES: [&str; 2] = ["dns", "dns-tcp"];

/// What a rule opens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// The list is empty: everything.
    everything: bool,
    numbers: [Ranges; 3],
    /// Names, with their protocol and the place of the entry.
    names: Vec<(usize, String, usize)>,
    /// The first entry that opens a whole protocol.
    whole: Option<usize>,
    /// The first entry of more than one port.
    range: Option<usize>,
}

impl Ports {
    /// Reads the ports of the rule at `at`.
    ///
    /// # Errors
    /// For what the API server refuses.
    pub fn of(rules: Vec<PortRule<'_>>, at: &Path<'_>) -> Result<Self, Error> {
        let mut ports = Self { everything: rules.is_empty(), ..Self::default() };
        let mut ranges = [const { Vec::new() }; 3];
        for (place, rule) in rules.iter().enumerate() {
            let at = at.item("ports", place);
            let protocol = if rule.protocol.is_empty() { "TCP" } else { &rule.protocol };
            let Some(protocol) = PROTOCOLS.iter().position(|known| *known == protocol) else {
                return Err(Error::malformed(&at.field("protocol"), "expected TCP, UDP or SCTP"));
            };
            let end = at.field("endPort");
            let range = match (&rule.port, rule.end_port) {
                (None, None) => {
                    ports.whole.get_or_insert(place);
                    ALL
                }
                (None, Some(_)) => {
                    return Err(Error::malformed(&end, "expected a port beside it, which the range begins with"));
                }
                (Some(PortNumber::Name(_)), Some(_)) => {
                    return Err(Error::malformed(&end, "expected none beside a port that is named"));
                }
                (Some(PortNumber::Name(name)), None) => {
                    ports.names.push((protocol, name.as_str().to_owned(), place));
                    continue;
                }
                (Some(PortNumber::Number(first)), last) => {
                    let number = |number: i64| u128::try_from(number).ok().filter(|number| (ALL.0..=ALL.1).contains(number));
                    let Some(first) = number(*first) else {
                        return Err(Error::malformed(&at.field("port"), "expected a number from 1 to 65535, or a name"));
                    };
                    let last = match last {
                        None => first,
                        Some(last) => number(i64::from(last))
                            .filter(|last| first <= *last)
                            .ok_or_else(|| Error::malformed(&end, "expected a number up to 65535, and not below port"))?,
                    };
                    if first < last {
                        ports.range.get_or_insert(place);
                    }
                    (first, last)
                }
            };
            if let Some(ranges) = ranges.get_mut(protocol) {
                ranges.push(range);
            }
        }
        ports.numbers = ranges.map(Ranges::of);
        Ok(ports)
    }

    /// Whether every port of every protocol is open.
    pub fn is_everything(&self) -> bool {
        self.everything || self.numbers.iter().all(|numbers| numbers.covers(ALL.0, ALL.1))
    }

    /// The first entry that opens every port of a protocol: alone, or by ranges that together do.
    pub fn everything_of_a_protocol(&self) -> Option<usize> {
        let by_ranges = || if self.numbers.iter().any(|numbers| numbers.covers(ALL.0, ALL.1)) { self.range } else { None };
        self.whole.or_else(by_ranges)
    }

    /// How many ports are open of the protocol with the most, where there are ranges, and the first range's place.
    pub fn range(&self) -> Option<(u128, usize)> {
        let most = self.numbers.iter().map(Ranges::count).max()?;
        self.range.map(|place| (most, place))
    }

    /// Whether these ports are nothing but DNS.
    pub fn is_dns(&self) -> bool {
        self.names.iter().all(|(_, name, _)| DNS_NAMES.contains(&name.as_str())) && self.numbers_are_among(&DNS)
    }

    /// Whether all of these ports are in the list. Names are not.
    pub fn are_among(&self, list: &[u32]) -> bool {
        self.names.is_empty() && !list.is_empty() && self.numbers_are_among(list)
    }

    fn numbers_are_among(&self, list: &[u32]) -> bool {
        let list = Ranges::of(list.iter().map(|port| (u128::from(*port), u128::from(*port))));
        !self.everything && self.numbers.iter().all(|numbers| numbers.without(&list).is_empty())
    }

    /// Whether TCP on this port is open, at an address that is no pod.
    pub fn open_tcp(&self, port: u128) -> bool {
        self.everything || self.numbers.first().is_some_and(|tcp| tcp.covers(port, port))
    }

    /// Whether all of the other ports are open here too.
    pub fn hold(&self, other: &Self) -> bool {
        let holds_names = || {
            other.names.iter().all(|(protocol, name, _)| {
                self.numbers.get(*protocol).is_some_and(|numbers| numbers.covers(ALL.0, ALL.1))
                    || self.names.iter().any(|(own, known, _)| own == protocol && known == name)
            })
        };
        self.everything
            || !other.everything
                && self.numbers.iter().zip(&other.numbers).all(|(own, other)| other.without(own).is_empty())
                && holds_names()
    }

    /// The ports that are named: each with its protocol, and the place of the entry.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, &str, usize)> {
        self.names
            .iter()
            .map(|(protocol, name, place)| (PROTOCOLS.get(*protocol).copied().unwrap_or_default(), name.as_str(), *place))
    }
}

/// More different lists of ports than this are taken as one: no policy that a person wrote has them.
const MOST: usize = 64;

/// Groups of rules that are to be taken together: for each list of ports, the rules that open at least those.
pub fn groups<'g, 'a>(rules: &'g [crate::Allowed<'a>]) -> Vec<Vec<&'g crate::Allowed<'a>>> {
    let mut lists: Vec<&Ports> = Vec::new();
    for rule in rules {
        if !lists.iter().any(|known| known.opens_the_same(&rule.ports)) {
            lists.push(&rule.ports);
        }
        if lists.len() > MOST {
            return vec![rules.iter().collect()];
        }
    }
    lists.iter().map(|list| rules.iter().filter(|rule| rule.ports.hold(list)).collect()).collect()
}

impl Ports {
    fn opens_the_same(&self, other: &Self) -> bool {
        self.hold(other) && other.hold(self)
    }
}
