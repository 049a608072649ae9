//! Keys: whether they are of the right length, and could be guessed. No part of a key leaves this module.

/// What is wrong with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is not base64, as Go decodes it.
    NotBase64,
    /// It has so many bytes, and another number is wanted.
    Length(usize),
    /// It is text, or a pattern.
    Guessable,
}

/// Looks at a key in base64. What a template still has to fill in has no flaw.
pub fn flaw(secret: &str, lengths: &[usize]) -> Option<Flaw> {
    if is_placeholder(secret) {
        return None;
    }
    let Some(key) = decode(secret) else { return Some(Flaw::NotBase64) };
    if !lengths.contains(&key.len()) {
        return Some(Flaw::Length(key.len()));
    }
    is_guessable(&key).then_some(Flaw::Guessable)
}

/// `${KEY}`, `$(KEY)`, `{{ key }}`, `<BASE 64 ENCODED SECRET>`
fn is_placeholder(secret: &str) -> bool {
    secret.starts_with('$') || secret.contains("{{") || (secret.starts_with('<') && secret.ends_with('>'))
}

/// Base64 with the standard alphabet and padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    // The longest key has 32 bytes; whatever is much longer is none.
    let letters: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).take(4096).collect();
    let padding = letters.iter().rev().take_while(|byte| **byte == b'=').count();
    if !letters.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let mut key = Vec::new();
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in letters.iter().take(letters.len() - padding) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            key.push((bits >> count & 0xff) as u8);
        }
    }
    Some(key)
}

/// Whether random bytes would look otherwise. That all of 16 random bytes are printable happens once in eight million times, that they
/// are half of them alike, or evenly spaced, never.
fn is_guessable(key: &[u8]) -> bool {
    let printable = key.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t'));
    let mut seen = [false; 256];
    for byte in key {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    let mut steps = key.iter().zip(key.iter().skip(1)).map(|(one, next)| next.wrapping_sub(*one));
    let first = steps.next();
    printable || distinct <= key.len() / 2 || steps.all(|step| Some(step) == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_their_flaws() {
        for (secret, expected) in [
            ("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=", Some(Flaw::Guessable)), // eight bytes, four times
            ("2f8kZ1yQmB7xVtE0pLrN5aUuC3hGd6WsJo9iKvMzXbQ=", None),
            ("2f8kZ1yQmB7xVtE0\npLrN5aUuC3hGd6WsJo9iKvMzXbQ=\n", None),
            ("2f8kZ1yQmB7xVtE0pLrN5aUuC3hGd6WsJo9iKvMzXbQ", Some(Flaw::NotBase64)),
            ("2f8kZ1yQmB7xVtE0pLrN5aUuC3hGd6WsJo9i_vMzXbQ=", Some(Flaw::NotBase64)),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", Some(Flaw::Guessable)),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", Some(Flaw::Guessable)),
            ("YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=", Some(Flaw::Guessable)), // the example of the documentation
            ("c2VjcmV0IGlzIHNlY3VyZQ==", Some(Flaw::Length(16))),
            ("", Some(Flaw::Length(0))),
            ("====", Some(Flaw::NotBase64)),
            ("<BASE 64 ENCODED SECRET>", None),
            ("${ENCRYPTION_KEY}", None),
        ] {
            assert_eq!(flaw(secret, &[32]), expected, "{secret}");
        }
        assert_eq!(flaw("c2VjcmV0IGlzIHNlY3VyZQ==", &[16, 24, 32]), Some(Flaw::Guessable));
    }
}
