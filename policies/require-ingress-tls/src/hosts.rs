//! Host names: as they are compared, which of them a certificate covers, and who else serves them.

use std::collections::BTreeMap;

/// Text by text: the place of a host or a path by its name, for example.
pub type Texts = BTreeMap<String, String>;

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
    hosts.contains_key(host) || wildcard_of(host).is_some_and(|wildcard| hosts.contains_key(&wildcard))
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
        let hosts: Texts = [("*.example.com".to_owned(), String::new())].into();
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
