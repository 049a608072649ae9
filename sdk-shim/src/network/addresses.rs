//! IP addresses and CIDR blocks, as the API server reads them.

use std::net::Ipv6Addr;

use super::Ranges;

/// The version of the Internet Protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4, with addresses from 0 to 2^32 - 1.
    V4,
    /// IPv6, with addresses from 0 to 2^128 - 1.
    V6,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// The bits of an address.
    pub const fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// The last address.
    pub const fn last(self) -> u128 {
        u128::MAX >> (128 - self.bits())
    }
}

/// A block of addresses: `10.0.0.0/8`, `fd00::/8`. An address alone is a block of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    /// The version of its addresses.
    pub family: Family,
    /// The first address; what the text has behind the prefix is cut off, as the API server does.
    pub first: u128,
    /// How many bits all addresses share.
    pub prefix: u8,
}

impl Cidr {
    /// Reads a block as the API server reads it: an address, `/` and a prefix. Zeros may lead the numbers (`010.0.0.0/08` is
    /// `10.0.0.0/8`), and IPv4 addresses in IPv6 (`::ffff:10.0.0.0/104`) are IPv4.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let prefix = if prefix.len() <= 4 { decimal(prefix)? } else { return None };
        let (family, address, bits) = read(address)?;
        // The prefix counts the bits of the text's own form.
        let prefix = u8::try_from(prefix).ok().filter(|prefix| *prefix <= bits)?;
        match (family, bits) {
            (Family::V4, 128) if prefix >= 96 => Some(Self::new(Family::V4, address, prefix - 96)),
            // A block that holds all of IPv4 in IPv6, and more.
            (Family::V4, 128) => Some(Self::new(Family::V6, MAPPED | address, prefix)),
            _ => Some(Self::new(family, address, prefix)),
        }
    }

    /// Reads an address alone, as a block of one.
    pub fn parse_address(text: &str) -> Option<Self> {
        let (family, address, _) = read(text)?;
        Some(Self::new(family, address, family.bits()))
    }

    fn new(family: Family, address: u128, prefix: u8) -> Self {
        let rest = family.last().checked_shr(u32::from(prefix)).unwrap_or(0);
        Self { family, first: address & !rest, prefix }
    }

    /// The last address.
    pub fn last(&self) -> u128 {
        self.first | self.family.last().checked_shr(u32::from(self.prefix)).unwrap_or(0)
    }

    /// Whether every address of the other block is in this one.
    pub fn contains(&self, other: &Self) -> bool {
        self.family == other.family && self.first <= other.first && other.last() <= self.last()
    }

    /// Whether they share an address.
    pub fn meets(&self, other: &Self) -> bool {
        self.contains(other) || other.contains(self)
    }
}

/// Where IPv4 lies in IPv6.
const MAPPED: u128 = 0xffff_0000_0000;

/// An address, and the bits of the form it is written in.
fn read(text: &str) -> Option<(Family, u128, u8)> {
    if !text.contains(':') {
        return read_v4(text).map(|address| (Family::V4, address, 32));
    }
    let address = u128::from(text.parse::<Ipv6Addr>().ok()?);
    if address >> 32 == MAPPED >> 32 {
        return Some((Family::V4, address & Family::V4.last(), 128));
    }
    Some((Family::V6, address, 128))
}

fn read_v4(text: &str) -> Option<u128> {
    let mut parts = text.split('.');
    let mut address = 0;
    for _ in 0..4 {
        let part = decimal(parts.next()?).filter(|part| *part <= 255)?;
        address = address << 8 | u128::from(part);
    }
    parts.next().is_none().then_some(address)
}

/// A number of decimal digits, with as many zeros before it as one likes.
fn decimal(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// A set of addresses, of both versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    v4: Ranges,
    v6: Ranges,
}

impl Addresses {
    /// The addresses of all these blocks.
    pub fn of(blocks: &[Cidr]) -> Self {
        let of = |family: Family| {
            Ranges::of(blocks.iter().filter(|block| block.family == family).map(|block| (block.first, block.last())))
        };
        Self { v4: of(Family::V4), v6: of(Family::V6) }
    }

    /// The addresses of these ranges, of IPv4 and of IPv6.
    pub const fn of_ranges(v4: Ranges, v6: Ranges) -> Self {
        Self { v4, v6 }
    }

    /// Every address there is.
    pub fn all() -> Self {
        Self { v4: Ranges::of([(0, Family::V4.last())]), v6: Ranges::of([(0, Family::V6.last())]) }
    }

    /// Those of one version.
    pub const fn ranges(&self, family: Family) -> &Ranges {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether every address of the block is in the set.
    pub fn cover(&self, block: &Cidr) -> bool {
        self.ranges(block.family).covers(block.first, block.last())
    }

    /// Whether some address of the block is in the set.
    pub fn meet(&self, block: &Cidr) -> bool {
        self.ranges(block.family).meets(block.first, block.last())
    }

    /// What is in one of the two.
    pub fn with(&self, other: &Self) -> Self {
        Self { v4: self.v4.with(&other.v4), v6: self.v6.with(&other.v6) }
    }

    /// What is in this one, and not in the other.
    pub fn without(&self, other: &Self) -> Self {
        Self { v4: self.v4.without(&other.v4), v6: self.v6.without(&other.v6) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn cidr(text: &str) -> Cidr {
        Cidr::parse(text).unwrap_or_else(|| panic!("{text} is a block"))
    }

    #[test]
    fn reads_what_the_api_server_takes() {
        for (text, same) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("010.000.0.0/08", "10.0.0.0/8"),
            ("0.0.0.0/00", "0.0.0.0/0"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:0.0.0.0/96", "0.0.0.0/0"),
            ("::ffff:a00:1/128", "10.0.0.1/32"),
            ("FD00:0:0::1/8", "fd00::/8"),
            ("fd00:ec2::254/128", "fd00:0ec2:0000:0000:0000:0000:0000:0254/128"),
        ] {
            assert_eq!(cidr(text), cidr(same), "{text}");
        }
        assert_eq!(cidr("255.255.255.255/32").last(), u128::from(u32::MAX));
        assert_eq!(cidr("::/0").last(), u128::MAX);
        assert_eq!(cidr("::/0").prefix, 0);
        // A part of IPv6 that holds IPv4 and more is IPv6.
        assert_eq!(cidr("::ffff:0:0/80").family, Family::V6);
        assert_eq!(Cidr::parse_address("169.254.169.254"), Cidr::parse("169.254.169.254/32"));
        assert_eq!(Cidr::parse_address("::ffff:169.254.169.254"), Cidr::parse("169.254.169.254/32"));
    }

    #[test]
    fn refuses_what_is_no_block() {
        for text in [
            "",
            "/",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.0.0/8",
            "256.0.0.0/8",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            " 10.0.0.0/8",
            "10.0.0.0/8 ",
            "::/129",
            "::1",
            "fd00:::/8",
            "fe80::1%eth0/64",
            "٣.0.0.0/8",
            "a.b.c.d/8",
            "10.0.0.0/99999999999999999999",
        ] {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
    }

    #[test]
    fn halves_of_the_internet_are_the_internet() {
        let halves = Addresses::of(&[cidr("128.0.0.0/1"), cidr("0.0.0.0/1")]);
        assert!(halves.cover(&cidr("0.0.0.0/0")));
        assert!(!halves.cover(&cidr("::/0")));
        let holed = halves.without(&Addresses::of(&[cidr("169.254.169.254/32")]));
        assert!(!holed.cover(&cidr("0.0.0.0/0")) && !holed.meet(&cidr("169.254.169.254/32")));
        assert_eq!(holed.with(&Addresses::of(&[cidr("169.254.0.0/16")])), halves);
        assert_eq!(Addresses::all().ranges(Family::V6).count(), u128::MAX);
        assert!(Addresses::default().is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Against the addresses of the standard library, and masks by hand.
        #[test]
        fn blocks_are_what_the_mask_says(address: u32, six: u128, prefix in 0..=32u8, long in 0..=128u8, other: u32) {
            let block = cidr(&format!("{}/{prefix}", Ipv4Addr::from(address)));
            let masked = |address: u32| if prefix == 0 { 0 } else { address >> (32 - prefix) };
            let one = Cidr::parse_address(&Ipv4Addr::from(other).to_string()).unwrap();
            prop_assert_eq!(block.contains(&one), masked(address) == masked(other));
            prop_assert_eq!(block.last() - block.first, (1u128 << (32 - prefix)) - 1);

            let text = Ipv6Addr::from(six);
            let block = cidr(&format!("{text}/{long}"));
            if !matches!(IpAddr::V6(text).to_canonical(), IpAddr::V4(_)) {
                prop_assert_eq!(block.first, if long == 0 { 0 } else { six >> (128 - long) << (128 - long) });
                prop_assert!(block.contains(&Cidr::parse_address(&text.to_string()).unwrap()));
            }
        }
    }
}
