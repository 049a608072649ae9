//! Encodings that hide a secret from a reader, but from no one else: base64 and percent-encoding.

use super::bytes::{BASE64, DASH, HEX, is};

/// The six bits that a character of base64 stands for, in its alphabets for MIME and for URLs.
fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

/// Decodes base64 up to the first character that belongs to none of its alphabets; line breaks are skipped.
pub(crate) fn base64(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3 + 2);
    base64_into(text, |byte| {
        decoded.push(byte);
        true
    });
    decoded
}

/// Decodes base64 as the API server does for `binaryData`: the standard alphabet, padding, and nothing else but line breaks.
pub(crate) fn base64_strict(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let digits = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let mut count = 0usize;
    for byte in text.get(..digits)? {
        match byte {
            b'\n' | b'\r' => {}
            b'-' | b'_' => return None,
            _ => {
                sextet(*byte)?;
                count += 1;
            }
        }
    }
    let padding = text.len() - digits;
    (padding <= 2 && (count + padding).is_multiple_of(4)).then(|| base64(text))
}

/// Decodes base64 byte by byte, for as long as `take` wants more.
fn base64_into(text: &[u8], mut take: impl FnMut(u8) -> bool) {
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in text {
        let Some(value) = sextet(*byte) else {
            if matches!(byte, b'\n' | b'\r') {
                continue;
            }
            return;
        };
        bits = (bits << 6) | value;
        count += 6;
        if count >= 8 {
            count -= 8;
            if !take((bits >> count) as u8) {
                return;
            }
            bits &= (1 << count) - 1;
        }
    }
}

/// The text that a run of base64 stands for, if it stands for one: printable from its beginning to its end. Anything else, a
/// word or a path, say, is given up at its first unprintable byte, before anything is allocated.
pub(crate) fn base64_text(encoded: &[u8]) -> Option<String> {
    let mut printable = true;
    base64_into(encoded, |byte| {
        printable = matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t' | 0x80..);
        printable
    });
    if !printable {
        return None;
    }
    String::from_utf8(base64(encoded)).ok()
}

/// The next run of base64 at or behind `from` that is long enough to hold a secret: its beginning and its end, padding
/// included. Lines of one encoded block, as `base64` wraps them, are one run.
pub(crate) fn next_base64(text: &[u8], from: usize) -> Option<(usize, usize)> {
    let in_run = |at: usize| text.get(at).is_some_and(|byte| is(*byte, BASE64 | DASH) && *byte != b'=');
    let mut start = from;
    loop {
        while !in_run(start) {
            if start >= text.len() {
                return None;
            }
            start += 1;
        }
        let mut end = start;
        let mut line = start;
        loop {
            while in_run(end) {
                end += 1;
            }
            let next = match (text.get(end), text.get(end + 1)) {
                (Some(b'\n'), _) => end + 1,
                (Some(b'\r'), Some(b'\n')) => end + 2,
                _ => break,
            };
            if end - line < 60 || !(end - line).is_multiple_of(4) || !in_run(next) {
                break;
            }
            (end, line) = (next, next);
        }
        if end - start >= SHORTEST {
            let padding = text.iter().skip(end).take(2).take_while(|byte| **byte == b'=').count();
            return Some((start, end + padding));
        }
        start = end;
    }
}

/// The shortest run of base64 that is decoded: shorter ones are words, and hold no more than eleven characters.
pub(crate) const SHORTEST: usize = 16;

fn hex(byte: Option<&u8>) -> Option<u8> {
    let byte = *byte?;
    if !is(byte, HEX) {
        return None;
    }
    Some(if byte.is_ascii_digit() { byte - b'0' } else { (byte | 0x20) - b'a' + 10 })
}

/// The number that hexadecimal digits stand for, if they are nothing else.
pub(crate) fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |number, digit| Some((number << 4) | u32::from(hex(Some(digit))?)))
}

/// The text without its percent-encoding, or nothing where it has none, or what it stands for is no text.
pub(crate) fn percent(text: &[u8]) -> Option<String> {
    let escape = |at: usize| Some((hex(text.get(at + 1))? << 4) | hex(text.get(at + 2))?);
    let first = text.iter().enumerate().position(|(at, byte)| *byte == b'%' && escape(at).is_some())?;
    let mut decoded = Vec::with_capacity(text.len());
    decoded.extend(text.iter().take(first));
    let mut at = first;
    while let Some(byte) = text.get(at) {
        match escape(at) {
            Some(value) if *byte == b'%' => {
                decoded.push(value);
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_both_alphabets_with_and_without_padding() {
        assert_eq!(base64(b"aHVudGVyMg=="), b"hunter2");
        assert_eq!(base64(b"aHVudGVyMg"), b"hunter2");
        assert_eq!(base64(b"-_-_"), base64(b"+/+/"));
        assert_eq!(base64(b""), b"");
        assert_eq!(base64_text(b"aHVu\ndGVyMg==").as_deref(), Some("hunter2"));
        assert_eq!(base64_text(b"production"), None);
    }

    #[test]
    fn finds_runs_and_joins_wrapped_lines() {
        assert_eq!(next_base64(b"TOKEN=aHVudGVyMmh1bnRlcg== x", 0), Some((6, 26)));
        assert_eq!(next_base64(b"a bc def", 0), None);
        let line = "QUJD".repeat(19);
        let block = format!("{line}\n{line}\nQUJDRA==\n");
        assert_eq!(next_base64(block.as_bytes(), 0), Some((0, block.len() - 1)));
        let lines = format!("{}\n{}", "a".repeat(20), "b".repeat(20));
        assert_eq!(next_base64(lines.as_bytes(), 0), Some((0, 20)));
    }

    #[test]
    fn decodes_percent_encoding_only_where_there_is_some() {
        assert_eq!(percent(b"user%3Apass%40host").as_deref(), Some("user:pass@host"));
        assert_eq!(percent(b"100% sure, %zz"), None);
        assert_eq!(percent(b"%ff"), None);
        assert_eq!(percent(b"%25%"), Some("%%".to_owned()));
    }
}
