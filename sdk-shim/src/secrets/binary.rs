//! Files that are no text: key stores and keys by their first bytes, and text in whatever encoding.

use super::bytes::{BASE64, contains, cut, ends, run};
use super::encoding;

/// What a file is that holds a private key, by how it begins; nothing where it holds none.
pub(super) fn secret(key: &str, content: &[u8]) -> Option<&'static str> {
    match content {
        // Sun's key store, versions 1 and 2, and the one of JCE.
        [0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 1 | 2, ..] => has_private_entry(content).then_some("a Java key store"),
        [0xCE, 0xCE, 0xCE, 0xCE, 0, 0, 0, 1 | 2, ..] => has_private_entry(content).then_some("a Java key store"),
        // Kerberos, MIT's key table: version 5.2, and the first entry's length, which is short.
        [5, 2, 0, 0, _, _, ..] if content.len() > 24 => Some("a Kerberos key table"),
        // OpenPGP, a secret key packet of version 4 in the old and the new framing (RFC 9580, sections 4.2 and 5.5.1.3).
        [0x94, _, 4, ..] | [0x95, _, _, 4, ..] | [0xC5, _, 4, ..] | [0xC5, _, _, 4, ..] if content.len() > 100 => {
            Some("a PGP private key")
        }
        [0x30, ..] => der(key, content),
        _ => openssh(content),
    }
}

/// As [`secret`], of a text that is base64 from its beginning to its end, as a whole.
pub(super) fn key_store_in_base64(key: &str, text: &[u8]) -> Option<&'static str> {
    // The first bytes of the stores; text would begin with others.
    let begins =
        text.starts_with(b"/u3+7Q") || text.starts_with(b"zs7Ozg") || text.starts_with(b"MI") || text.starts_with(b"BQIA");
    if !begins || run(text, 0, BASE64) < text.len().min(60) {
        return None;
    }
    let content = encoding::base64_strict(text)?;
    secret(key, &content)
}

/// Whether a Java key store holds an entry that is no certificate (`JavaKeyStore.engineLoad`). What is cut off is taken for one.
fn has_private_entry(content: &[u8]) -> bool {
    let number = |at: usize, bytes: usize| {
        cut(content, at, at.saturating_add(bytes)).iter().fold(0usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let version = number(4, 4);
    let count = number(8, 4);
    let mut at = 12;
    for _ in 0..count.min(10_000) {
        if number(at, 4) != 2 || at >= content.len() {
            return true;
        }
        // The alias, a date, in version 2 the certificate's type, and the certificate.
        at = at.saturating_add(14).saturating_add(number(at.saturating_add(4), 2));
        if version == 2 {
            at = at.saturating_add(2).saturating_add(number(at, 2));
        }
        at = at.saturating_add(4).saturating_add(number(at, 4));
    }
    false
}

/// Keys and key stores in ASN.1: PKCS #12 (RFC 7292), PKCS #8 (RFC 5958), PKCS #1 (RFC 8017), SEC 1 (RFC 5915).
fn der(key: &str, content: &[u8]) -> Option<&'static str> {
    let inner = match content {
        [0x30, 0x82, _, _, inner @ ..] | [0x30, 0x83, _, _, _, inner @ ..] | [0x30, 0x81, _, inner @ ..] => inner,
        [0x30, length, inner @ ..] if *length < 0x80 => inner,
        _ => return None,
    };
    match inner {
        // Version 3 and what is authenticated. Stores for trust only hold certificates, and only their names say so.
        [2, 1, 3, 0x30, ..] => {
            let name = key.as_bytes();
            let trust = contains(name, "trust") || contains(name, "cacert") || ends(name, "ca.p12") || ends(name, "ca.pfx");
            (!trust).then_some("a PKCS #12 key store")
        }
        // Version, and the algorithm's identifier.
        [2, 1, 0 | 1, 0x30, _, 6, ..] if inner.len() > 40 => Some("a private key"),
        // Version, and the modulus.
        [2, 1, 0, 2, 0x81 | 0x82, ..] => Some("a private key"),
        [2, 1, 1, 4, 0x20 | 0x30 | 0x42, ..] => Some("a private key"),
        _ => None,
    }
}

fn openssh(content: &[u8]) -> Option<&'static str> {
    content.starts_with(b"openssh-key-v1\0").then_some("a private key")
}

/// What a file holds.
pub(super) enum Content {
    /// Text.
    Text(String),
    /// Something else, with what is text in it.
    Other(String),
}

/// Reads text in UTF-8, in UTF-16 with a mark or plainly of Latin letters, or in a character set of one byte.
pub(super) fn text(content: &[u8]) -> Content {
    let wide = |content: &[u8], big: bool| {
        let units = content.chunks_exact(2).map(|pair| match pair {
            [a, b] if big => u16::from_be_bytes([*a, *b]),
            [a, b] => u16::from_le_bytes([*a, *b]),
            _ => 0,
        });
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match content {
        [0xFF, 0xFE, rest @ ..] => return Content::Text(wide(rest, false)),
        [0xFE, 0xFF, rest @ ..] => return Content::Text(wide(rest, true)),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => return Content::Text(wide(content, true)),
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => return Content::Text(wide(content, false)),
        _ => {}
    }
    let strange = content.iter().filter(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127)).count();
    let text = String::from_utf8_lossy(content).into_owned();
    // Texts have no control characters; what is compressed or compiled has one in eight.
    if strange * 64 > content.len() { Content::Other(text) } else { Content::Text(text) }
}
