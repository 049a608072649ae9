//! Host names: as they are compared, which of them a certificate covers, and who else serves them.

use std::collections::BinaryHeap;

/// Texts by their keys: the places of hosts or paths, for example. Sorted once, so that looking one up is cheap.
#[derive(Debug, Default)]
pub struct Texts(Vec<(String, String)>);

impl Texts {
    /// Of several texts with the same key the first in order is kept.
    pub fn of(texts: Vec<(String, String)>) -> Self {
        // A heap, and no sort of the standard library: that is several times as large.
        let mut sorted = BinaryHeap::from(texts).into_sorted_vec();
        sorted.dedup_by(|one, other| one.0 == other.0);
        Self(sorted)
    }

    /// A set of keys.
    pub fn keys_of(keys: &mut dyn Iterator<Item = String>) -> Self {
        Self::of(keys.map(|key| (key, String::new())).collect())
    }

    /// The place of a key in order.
    pub fn find(&self, key: &str) -> Option<usize> {
        let at = self.0.partition_point(|(known, _)| known.as_str() < key);
        self.0.get(at).filter(|(known, _)| known == key).map(|_| at)
    }

    /// Whether there is such a key.
    pub fn contains(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Takes the text of a key away, so that it is found once: it is empty afterwards.
    pub fn take(&mut self, key: &str) -> Option<String> {
        let at = self.find(key)?;
        self.0.get_mut(at).map(|(_, text)| std::mem::take(text)).filter(|text| !text.is_empty())
    }

    /// Keys and texts in order.
    pub fn iter(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A host as it is compared: without regard to case and to a final dot.
pub fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// The wildcard that covers a host: `*.example.com` for `shop.example.com`. A wildcard stands for exactly one label.
fn wildcard_of(host: &str) -> Option<String> {
    host.split_once('.').map(|(_, parent)| ["*.", parent].concat())
}

/// Whether a host is among these, by itself or by a wildcard. Both are in their normal form.
pub fn covers(hosts: &Texts, host: &str) -> bool {
    hosts.contains(host) || wildcard_of(host).is_some_and(|wildcard| hosts.contains(&wildcard))
}

/// Whether a hostname of a listener and one of a route have a host in common, by the rules of the Gateway API: there a wildcard stands
/// for any number of labels, and an empty hostname for every host.
pub fn meet(one: &str, other: &str) -> bool {
    let inside = |wildcard: &str, host: &str| {
        wildcard.strip_prefix('*').is_some_and(|suffix| {
            let host = host.strip_prefix('*').unwrap_or(host);
            host.len() >= suffix.len() && host.ends_with(suffix)
        })
    };
    one.is_empty() || other.is_empty() || one == other || inside(one, other) || inside(other, one)
}

/// Whether it is a wildcard.
pub fn is_wildcard(host: &str) -> bool {
    host.contains('*')
}

/// Whether a text has this part.
pub fn contains(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window == part.as_bytes())
}

/// The beginning of a text of the object, short enough for a message.
pub fn cut(text: &str) -> &str {
    let mut end = text.len().min(80);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_of_a_certificate_stands_for_one_label() {
        let hosts = Texts::keys_of(&mut ["*.example.com".to_owned()].into_iter());
        for (host, expected) in [
            ("a.example.com", true),
            ("*.example.com", true),
            ("a.b.example.com", false),
            ("example.com", false),
            ("example.com.evil.test", false),
            ("com", false),
            ("", false),
        ] {
            assert_eq!(covers(&hosts, host), expected, "{host}");
        }
        assert_eq!(normal("Shop.Example.COM."), "shop.example.com");
    }

    #[test]
    fn a_wildcard_of_a_listener_stands_for_several() {
        for (one, other, expected) in [
            ("", "a.example.com", true),
            ("a.example.com", "a.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "*.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "*.example.org", false),
            ("a.example.com", "b.example.com", false),
        ] {
            assert_eq!(meet(one, other), expected, "{one} {other}");
            assert_eq!(meet(other, one), expected, "{other} {one}");
        }
    }
}
