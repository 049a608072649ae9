//! Peers that are blocks of addresses: how much they let through together.

use palisade_sdk::network::{Addresses, Cidr, Direction, Family, Ranges};
use palisade_sdk::{Error, Path, Report};

use crate::rules::{DNS_ANYWHERE, EXCEPT_ALLOWED, METADATA_ADDRESS, WHOLE_INTERNET, WIDE_BLOCK};
use crate::{Allowed, Context, DNS_EVERYWHERE, ports};

/// Addresses of no host on the Internet: private, shared, local, for documentation and tests, multicast, reserved.
///
/// Source: IANA IPv4 Special-Purpose Address Registry, and Multicast; RFC 1112 section 4.
const NOT_PUBLIC: [&str; 15] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];
/// What of IPv6 is given to hosts on the Internet, and in it what is for documentation.
///
/// Source: IANA IPv6 Global Unicast Address Assignments; RFC 3849.
const GLOBAL_V6: &str = "2000::/3";
const NOT_PUBLIC_V6: &str = "2001:db8::/32";
/// Where clouds hand out the credentials of a node, over HTTP.
const METADATA: [&str; 2] = ["169.254.169.254/32", "fd00:ec2::254/128"];
const HTTP: u128 = 80;

/// A block, and where it stands.
struct Piece<'p> {
    rule: usize,
    place: usize,
    text: &'p str,
    addresses: Addresses,
    /// Its exceptions, where there are some.
    except: Vec<Cidr>,
    /// Whether it is itself too wide, in one of the versions.
    is_wide: [bool; 2],
}

/// Judges blocks one by one, and together.
///
/// # Errors
/// When one of them is none; they were looked at before.
pub fn judge(
    context: &Context<'_>,
    direction: Direction,
    rules: &[Allowed<'_>],
    at: &Path<'_>,
    report: &mut Report,
) -> Result<(), Error> {
    let limits = Limits::new(context);
    let mut pieces = Vec::new();
    for rule in rules {
        let here = at.index(rule.index);
        for (place, peer) in rule.peers.iter().enumerate() {
            let Some(block) = &peer.ip_block else { continue };
            let peer_at = here.item(direction.peers_field(), place);
            let here = peer_at.field("ipBlock");
            let addresses = block.addresses(&here)?;
            let is_wide = if rule.is_public { [false; 2] } else { limits.widths(&addresses) };
            let cidr = here.field("cidr");
            if !rule.is_public && limits.is_internet(&addresses) {
                if direction == Direction::Egress && rule.ports.is_dns() {
                    report.add(&DNS_ANYWHERE, &cidr, DNS_EVERYWHERE);
                } else {
                    report.add(&WHOLE_INTERNET, &cidr, internet(direction, ""));
                }
            } else if is_wide != [false; 2] {
                let mut message = "allows ".to_owned();
                message.push_str(cut(&block.cidr));
                message.push_str(", and blocks must have at least the prefix /");
                message.push_str(&limits.shortest(is_wide).to_string());
                report.add(&WIDE_BLOCK, &cidr, message);
            }
            if direction == Direction::Egress && rule.ports.open_tcp(HTTP) {
                metadata(&addresses, &cidr, report);
            }
            let except = block.except.iter().filter_map(|text| Cidr::parse(text)).collect();
            pieces.push(Piece { rule: rule.index, place, text: &block.cidr, addresses, except, is_wide });
        }
    }
    if pieces.len() > 1 {
        together(&limits, direction, rules, &pieces, at, report);
    }
    Ok(())
}

fn internet(direction: Direction, together: &str) -> String {
    let lets = match direction {
        Direction::Ingress => " every public address, so that anybody on the Internet can connect",
        Direction::Egress => " every public address, so that an intruder can carry data to any host on the Internet",
    };
    ["allows", together, lets].concat()
}

/// The metadata services that egress to these addresses reaches.
fn metadata(addresses: &Addresses, at: &Path<'_>, report: &mut Report) {
    for text in METADATA {
        if Cidr::parse(text).is_some_and(|service| addresses.cover(&service)) {
            let address = text.split('/').next().unwrap_or(text);
            let message = ["reaches ", address, ", where an intruder gets the credentials of the node"].concat();
            let remedy = ["write except: [", text, "] beside it"].concat();
            report.add_with_remedy(&METADATA_ADDRESS, at, message, &remedy);
        }
    }
}

/// What blocks make together that none of them is alone.
fn together(
    limits: &Limits,
    direction: Direction,
    rules: &[Allowed<'_>],
    pieces: &[Piece<'_>],
    at: &Path<'_>,
    report: &mut Report,
) {
    let mut internet_is_said = false;
    let mut said: Vec<(usize, usize)> = Vec::new();
    let mut voided: Vec<Vec<bool>> = pieces.iter().map(|piece| vec![false; piece.except.len()]).collect();
    for group in ports::groups(rules) {
        // A group is in the order of the rules.
        let is_member = |piece: &Piece<'_>| group.binary_search_by_key(&piece.rule, |rule| rule.index).is_ok();
        let members: Vec<&Piece<'_>> = pieces.iter().filter(|piece| is_member(piece)).collect();
        let all = union(members.iter().map(|piece| &piece.addresses));
        for (piece, voided) in pieces.iter().zip(&mut voided).filter(|(piece, _)| is_member(piece)) {
            for ((place, except), is_void) in piece.except.iter().enumerate().zip(voided) {
                if !*is_void && all.cover(except) {
                    *is_void = true;
                    let rule = at.index(piece.rule);
                    let peer = rule.item(direction.peers_field(), piece.place);
                    let block = peer.field("ipBlock");
                    report.add(
                        &EXCEPT_ALLOWED,
                        &block.item("except", place),
                        "is left out here, and other peers allow all of it",
                    );
                }
            }
        }
        // The settings accept what is public on purpose by its ports, which these rules share.
        if group.iter().any(|rule| rule.is_public) {
            continue;
        }
        let Some(first) = members.first() else { continue };
        if !internet_is_said && limits.is_internet(&all) && !members.iter().any(|piece| limits.is_internet(&piece.addresses)) {
            internet_is_said = true;
            said.push((first.rule, first.place));
            let rule = at.index(first.rule);
            let peer = rule.item(direction.peers_field(), first.place);
            report.add(&WHOLE_INTERNET, &peer.field("ipBlock.cidr"), internet(direction, ", with the other peers,"));
            continue;
        }
        if internet_is_said {
            continue;
        }
        for (family, is_alone) in Family::ALL.into_iter().zip(0..) {
            for first in wide_together(limits, &members, &all, family, is_alone) {
                if said.contains(&(first.rule, first.place)) {
                    continue;
                }
                said.push((first.rule, first.place));
                let rule = at.index(first.rule);
                let peer = rule.item(direction.peers_field(), first.place);
                let mut message = "allows ".to_owned();
                message.push_str(cut(first.text));
                message.push_str(", and with the peers beside it a block that is wider than /");
                message.push_str(&limits.prefix(family).to_string());
                report.add(&WIDE_BLOCK, &peer.field("ipBlock.cidr"), message);
            }
        }
    }
}

/// For each block that is too wide, the first of the pieces that make it; those of which one is too wide alone are left out.
fn wide_together<'m, 'p>(
    limits: &Limits,
    members: &[&'m Piece<'p>],
    all: &Addresses,
    family: Family,
    is_alone: usize,
) -> Vec<&'m Piece<'p>> {
    let ranges: Vec<(u128, u128)> = limits.wide_ranges(all, family).collect();
    let mut firsts: Vec<Option<&'m Piece<'p>>> = vec![None; ranges.len()];
    let mut is_known = vec![false; ranges.len()];
    for piece in members {
        for (start, end) in piece.addresses.ranges(family).iter() {
            let next = ranges.partition_point(|(_, last)| *last < start);
            let met = ranges.iter().zip(&mut firsts).zip(&mut is_known).skip(next);
            for ((_, first), is_known) in met.take_while(|(((range_start, _), _), _)| *range_start <= end) {
                first.get_or_insert(piece);
                *is_known |= piece.is_wide.get(is_alone) == Some(&true);
            }
        }
    }
    firsts.into_iter().zip(is_known).filter_map(|(first, is_known)| first.filter(|_| !is_known)).collect()
}

fn union<'p>(sets: impl Iterator<Item = &'p Addresses> + Clone) -> Addresses {
    let of = |family: Family| Ranges::of(sets.clone().flat_map(|set| set.ranges(family).iter()));
    Addresses::of_ranges(of(Family::V4), of(Family::V6))
}

/// The beginning of a text of the object, short enough for a message.
fn cut(text: &str) -> &str {
    text.get(..text.len().min(64)).unwrap_or_default()
}

/// What is too much.
struct Limits {
    prefixes: [u8; 2],
    allowed: Addresses,
    /// The public addresses of each version.
    public: Addresses,
}

impl Limits {
    fn new(context: &Context<'_>) -> Self {
        let blocks = |texts: &[&str]| Addresses::of(&texts.iter().filter_map(|text| Cidr::parse(text)).collect::<Vec<_>>());
        let public = blocks(&["0.0.0.0/0", GLOBAL_V6]).without(&blocks(&NOT_PUBLIC)).without(&blocks(&[NOT_PUBLIC_V6]));
        let prefix = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
        Self {
            prefixes: [prefix(context.settings.min_prefix_ipv4), prefix(context.settings.min_prefix_ipv6)],
            allowed: context.allowed_blocks.clone(),
            public,
        }
    }

    fn prefix(&self, family: Family) -> u8 {
        let [v4, v6] = self.prefixes;
        if family == Family::V4 { v4 } else { v6 }
    }

    fn shortest(&self, wide: [bool; 2]) -> u8 {
        self.prefix(if wide[0] { Family::V4 } else { Family::V6 })
    }

    /// Whether every public address of one of the versions is there.
    fn is_internet(&self, addresses: &Addresses) -> bool {
        Family::ALL
            .iter()
            .any(|family| self.public.ranges(*family).iter().all(|(first, last)| addresses.ranges(*family).covers(first, last)))
    }

    /// For each version, whether there is a block wider than allowed.
    fn widths(&self, addresses: &Addresses) -> [bool; 2] {
        Family::ALL.map(|family| self.wide_ranges(addresses, family).next().is_some())
    }

    /// The ranges that hold a whole block wider than allowed, beside what the settings accept.
    fn wide_ranges(&self, addresses: &Addresses, family: Family) -> impl Iterator<Item = (u128, u128)> + use<> {
        let rest = addresses.ranges(family).without(self.allowed.ranges(family));
        // One bit less of prefix is twice the addresses.
        let shared = self.prefix(family).checked_sub(1);
        let bits = family.bits();
        let holds = move |(first, last): &(u128, u128)| {
            let Some(rest) = shared.map(|shared| u32::from(bits.saturating_sub(shared))) else { return false };
            let size = 1_u128.checked_shl(rest).map_or(u128::MAX, |size| size - 1);
            // The first address on the boundary of such a block.
            let start = first.checked_add(size).map(|end| end & !size);
            start.and_then(|start| start.checked_add(size)).is_some_and(|end| end <= *last)
        };
        rest.iter().filter(holds).collect::<Vec<_>>().into_iter()
    }
}
