//! Sets of ports, and ports in words.

use std::fmt::Write as _;

use palisade_sdk::network::{Port, PortNumber, PortRule, Ranges};
use serde::Serialize;

/// The protocols that a NetworkPolicy knows.
pub const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
const FIRST: u128 = 1;
const LAST: u128 = 65_535;

/// A port that something is known to listen on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Declared {
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: &'static str,
    pub number: u16,
    /// The names that containers give it, sorted.
    pub names: Vec<String>,
}

impl Declared {
    /// What listens there, where it is nothing for everybody: by its number, or by a name.
    pub fn sensitive(&self) -> Option<&'static str> {
        use palisade_sdk::network::sensitive;
        sensitive::by_number(u32::from(self.number)).or_else(|| self.names.iter().find_map(|name| sensitive::by_name(name)))
    }
}

/// Ports, by protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports([Ranges; 3]);

impl Ports {
    /// Every port of every protocol.
    pub fn all() -> Self {
        Self(std::array::from_fn(|_| Ranges::of([(FIRST, LAST)])))
    }

    /// From the first to the last of one protocol; of an unknown protocol, none.
    pub fn range(protocol: &str, first: u128, last: u128) -> Self {
        Self(
            PROTOCOLS.map(
                |known| {
                    if known == protocol { Ranges::of([(first.max(FIRST), last.min(LAST))]) } else { Ranges::default() }
                },
            ),
        )
    }

    /// One port.
    pub fn one(protocol: &str, number: u16) -> Self {
        Self::range(protocol, number.into(), number.into())
    }

    /// Those that a policy's port lets through to a pod with these ports, whose names it may use.
    pub fn of_rule(rule: &PortRule<'_>, declared: &[Declared]) -> Self {
        let protocol = if rule.protocol.is_empty() { "TCP" } else { &rule.protocol };
        let number = |number: i64| u128::try_from(number).unwrap_or_default();
        match &rule.port {
            None => Self::range(protocol, FIRST, LAST),
            Some(PortNumber::Number(first)) => {
                Self::range(protocol, number(*first), rule.end_port.map_or_else(|| number(*first), u128::from))
            }
            Some(PortNumber::Name(_)) => {
                let mut ports = Self::default();
                for port in declared {
                    let names: Vec<&str> = port.names.iter().map(String::as_str).collect();
                    if rule.allows(&Port { protocol: port.protocol, number: port.number, names: &names }) {
                        ports = ports.with(&Self::one(port.protocol, port.number));
                    }
                }
                ports
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Ranges::is_empty)
    }

    /// Whether every TCP port is in it: then nothing is held back that matters.
    pub fn is_every(&self) -> bool {
        self.0[0].covers(FIRST, LAST)
    }

    pub fn contains(&self, protocol: &str, number: u16) -> bool {
        let number = u128::from(number);
        PROTOCOLS.iter().zip(&self.0).any(|(known, ranges)| *known == protocol && ranges.covers(number, number))
    }

    pub fn with(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|index| self.0[index].with(&other.0[index])))
    }

    pub fn without(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|index| self.0[index].without(&other.0[index])))
    }

    /// What is in both.
    pub fn and(&self, other: &Self) -> Self {
        self.without(&self.without(other))
    }

    /// Whether all of the other's are in it.
    pub fn cover(&self, other: &Self) -> bool {
        other.without(self).is_empty()
    }

    /// The ranges, by protocol and number.
    pub fn ranges(&self) -> Vec<Range> {
        let number = |number: u128| u16::try_from(number).unwrap_or(u16::MAX);
        PROTOCOLS
            .iter()
            .zip(&self.0)
            .flat_map(|(protocol, ranges)| {
                ranges.iter().map(move |(first, last)| Range { protocol, first: number(first), last: number(last) })
            })
            .collect()
    }
}

/// Ports that follow on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    pub protocol: &'static str,
    pub first: u16,
    pub last: u16,
}

/// The ports of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// All that are open.
    pub all: Ports,
    /// Those of them that something is known to listen on.
    pub declared: Vec<Declared>,
    /// Those of them that nothing is known of; empty where every port is open, or where nobody knows what listens there.
    pub undeclared: Vec<Range>,
}

impl Open {
    /// What is open of a workload with these ports.
    pub fn of(all: Ports, declared: &[Declared]) -> Self {
        let declared: Vec<Declared> =
            declared.iter().filter(|port| all.contains(port.protocol, port.number)).cloned().collect();
        let undeclared = if all.is_every() {
            Vec::new()
        } else {
            declared.iter().fold(all.clone(), |rest, port| rest.without(&Ports::one(port.protocol, port.number))).ranges()
        };
        Self { all, declared, undeclared }
    }

    /// What is open of something whose ports nobody knows.
    pub fn of_unknown(all: Ports) -> Self {
        Self { all, declared: Vec::new(), undeclared: Vec::new() }
    }

    /// In words: `TCP 5432 (postgres)`, `every port`.
    pub fn words(&self) -> String {
        self.write(|port| match port.names.is_empty() {
            true => format!("{} {}", port.protocol, port.number),
            false => format!("{} {} ({})", port.protocol, port.number, port.names.join(", ")),
        })
    }

    /// In as few words as a drawing has room for.
    pub fn label(&self) -> String {
        self.write(|port| format!("{} {}", port.protocol, port.number))
    }

    fn write(&self, declared: impl Fn(&Declared) -> String) -> String {
        if self.all.is_every() {
            return "every port".to_owned();
        }
        if self.declared.is_empty() {
            return range_words(&self.all.ranges());
        }
        let mut text = self.declared.iter().map(declared).collect::<Vec<_>>().join(", ");
        if !self.undeclared.is_empty() {
            let _ = write!(text, ", {}", range_words(&self.undeclared));
        }
        text
    }
}

/// How many ranges are named; the other formats have all of them.
const RANGES_SHOWN: usize = 6;

/// `TCP 8000-8100, UDP 53`
pub fn range_words(ranges: &[Range]) -> String {
    let word = |range: &Range| match range {
        Range { protocol, first: 1, last: u16::MAX } => format!("every {protocol} port"),
        Range { protocol, first, last } if first == last => format!("{protocol} {first}"),
        Range { protocol, first, last } => format!("{protocol} {first}-{last}"),
    };
    let mut words: Vec<String> = ranges.iter().take(RANGES_SHOWN).map(word).collect();
    if ranges.len() > RANGES_SHOWN {
        words.push(format!("{} more", ranges.len() - RANGES_SHOWN));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(protocol: &'static str, number: u16, name: &str) -> Declared {
        let names = if name.is_empty() { Vec::new() } else { vec![name.to_owned()] };
        Declared { protocol, number, names }
    }

    #[test]
    fn ports_in_words() {
        let web = [declared("TCP", 8000, "http"), declared("UDP", 53, "")];
        let words = |ports: Ports| Open::of(ports, &web).words();
        assert_eq!(words(Ports::all()), "every port");
        assert_eq!(words(Ports::range("TCP", 1, 65_535)), "every port");
        assert_eq!(words(Ports::range("UDP", 0, 70_000)), "UDP 53, UDP 1-52, UDP 54-65535");
        assert_eq!(words(Ports::range("SCTP", 1, 65_535)), "every SCTP port");
        assert_eq!(words(Ports::one("TCP", 8000)), "TCP 8000 (http)");
        assert_eq!(words(Ports::one("TCP", 8000).with(&Ports::range("TCP", 9000, 9100))), "TCP 8000 (http), TCP 9000-9100");
        assert_eq!(words(Ports::range("TCP", 9100, 9000)), "");
        let many = (1..10).fold(Ports::default(), |ports, number| ports.with(&Ports::one("TCP", number * 10)));
        assert_eq!(Open::of_unknown(many).label(), "TCP 10, TCP 20, TCP 30, TCP 40, TCP 50, TCP 60, 3 more");
    }

    #[test]
    fn what_listens_is_told_by_number_and_name() {
        assert_eq!(declared("TCP", 5432, "").sensitive(), Some("PostgreSQL"));
        assert_eq!(declared("TCP", 7000, "redis-cache").sensitive(), Some("Redis"));
        assert_eq!(declared("TCP", 8000, "http").sensitive(), None);
    }

    #[test]
    fn sets_are_sets() {
        let some = Ports::range("TCP", 10, 20).with(&Ports::one("UDP", 53));
        assert!(Ports::all().cover(&some) && !some.cover(&Ports::all()));
        assert_eq!(some.and(&Ports::all()), some);
        assert_eq!(some.and(&Ports::range("TCP", 20, 30)), Ports::one("TCP", 20));
        assert!(some.and(&Ports::range("SCTP", 1, 100)).is_empty());
        assert!(Ports::range("ICMP", 1, 100).is_empty());
        assert!(some.contains("UDP", 53) && !some.contains("TCP", 53));
    }
}
