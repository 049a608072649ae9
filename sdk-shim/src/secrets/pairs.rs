//! Names and values inside of a text: `password=...`, `"password": "..."`, `PGPASSWORD=... psql`, `?user=a&password=b`,
//! `Server=...;Password=...;`, `<password>...</password>`, `WITH PASSWORD '...'`, and a `name` with a `value` beside it.
//!
//! Every kind of file and command line has pairs, and quotes and separators tell them well enough: no format is parsed.

use super::bytes::{BASE64, DASH, TILDE, WORD, among, contains, cut, is, run, run_back, starts};
use super::names::{self, Class, Promise};
use super::rules::{AZURE, HTTP, NAMED, PLACEHOLDER, PRIVATE_KEY};
use super::values::{self, Source, Verdict};
use super::{Found, Span, encoding, named, urls};

/// A longer name is none.
const LONGEST_NAME: usize = 128;

/// Finds them, from the beginning to the end: a value that was read is never read again.
pub(super) fn scan<'t>(text: &'t str, found: &mut Found<'t>) {
    scan_from(text, 0, found);
}

/// Finds those whose separators stand at or behind `from`.
pub(super) fn scan_from<'t>(text: &'t str, from: usize, found: &mut Found<'t>) {
    let bytes = text.as_bytes();
    let mut label = None;
    let mut here = from;
    while let Some(byte) = bytes.get(here) {
        let next = match byte {
            b'=' | b':' => pair(text, here, &mut label, found),
            b'>' => element(text, here, found),
            b'\'' | b'"' => django(text, here, found).or_else(|| sql(text, here, found)),
            _ => None,
        };
        here = next.filter(|next| *next > here).unwrap_or(here + 1);
    }
}

/// What a field `name` said, for the field `value` behind it: `{"name": "DB_PASSWORD", "value": "..."}`.
struct Label {
    promise: Option<Promise>,
    name: Span,
}

/// A pair whose separator stands here. Answers where to go on when its value was read.
fn pair<'t>(text: &'t str, separator: usize, label: &mut Option<Label>, found: &mut Found<'t>) -> Option<usize> {
    let bytes = text.as_bytes();
    let colon = bytes.get(separator) == Some(&b':');
    let mut start = separator + 1;
    match (colon, bytes.get(start)) {
        // `==`, `::`, `:=` and `://`; the last two belong to others.
        (false, Some(b'=')) | (true, Some(b':')) => return Some(separator + 2),
        (true, Some(b'=')) => return None,
        (true, Some(b'/')) if bytes.get(start + 1) == Some(&b'/') => return None,
        (false, Some(b'>')) => start += 1,
        _ => {}
    }
    let name = name_before(bytes, separator, colon)?;
    let name_text = cut(bytes, name.start, name.end);
    if among(name_text, &["name", "key"]) {
        let value = read(bytes, start, LONGEST_NAME)?;
        let inner = cut(bytes, value.start, value.end);
        // A JSON Web Key set's or Hasura's `"key": "..."`: random as no name is.
        let has = |kind: fn(&u8) -> bool| inner.iter().any(kind);
        if inner.len() >= 32
            && value.quoted
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && values::is_random(inner)
        {
            found.add_named(&NAMED, Class::Key.noun(), "", "key", Span { start: value.start, end: value.end });
            return Some(value.end);
        }
        *label = Some(Label { promise: names::promise(inner), name: Span { start: value.start, end: value.end } });
        return None;
    }
    let (promise, name, name_text) = match label.take_if(|_| among(name_text, &["value"])) {
        Some(label) if separator.saturating_sub(label.name.end) < 64 => {
            (label.promise, label.name, cut(bytes, label.name.start, label.name.end))
        }
        _ => (names::promise(name_text), name, name_text),
    };
    let Some(promise) = promise else { return other(text, name, start, separator, found) };
    let mut value = read(bytes, start, usize::MAX)?;
    if promise.class == Class::Authorization && !value.quoted {
        // A scheme and what belongs to it.
        let second = read(bytes, value.end, usize::MAX).filter(|second| !second.quoted && second.start > value.end);
        value.end = second.map_or(value.end, |second| second.end);
    }
    let secret = cut(bytes, value.start, value.end);
    // `connect(password=db_password)` passes a variable.
    let argument = !value.quoted && matches!(bytes.get(value.end), Some(b',' | b')'));
    // `this.password = password`
    let assigned = !value.quoted
        && (starts(name_text, "this.") || starts(name_text, "self."))
        && secret.eq_ignore_ascii_case(cut(name_text, 5, name_text.len()));
    let call = assigned
        || argument && (secret.eq_ignore_ascii_case(name_text) || names::promise(secret).is_some_and(|promise| !promise.weak));
    // `"password": "Passwort"` is what a page shows.
    // `--secret=shop-db` and `up{secret="shop"}` name an object.
    let matcher = value.quoted && matches!(name.start.checked_sub(1).and_then(|before| bytes.get(before)), Some(b'{'));
    let object = || {
        secret.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'-')
            && (matcher && !colon || among(name_text, &["secret", "--secret"]) && secret.contains(&b'-'))
    };
    let call = call || promise.class == Class::Secret && object();
    let call = call || colon && is_label(secret) || class_of_key(promise) && is_name_of_secret(secret);
    let spaced = value.start > start && !value.quoted;
    let prose = spaced && promise.class != Class::Authorization && goes_on(bytes, value.end);
    if !call {
        let promise = Promise { weak: promise.weak || prose, ..promise };
        let verdict = values::judge(promise, secret, Source::Part);
        named(
            verdict,
            promise.class,
            name_text,
            text.get(name.start..name.end).unwrap_or_default(),
            bytes,
            Span { start: value.start, end: value.end },
            found,
        );
    }
    Some(value.end)
}

fn class_of_key(promise: Promise) -> bool {
    matches!(promise.class, Class::Key | Class::Token | Class::Secret)
}

/// One word with a capital, that is the noun of a secret or beyond ASCII: what a translation of a page has beside `password`.
pub(super) fn is_label(value: &[u8]) -> bool {
    let capital = value.first().is_some_and(|byte| byte.is_ascii_uppercase() || !byte.is_ascii());
    capital
        && value.iter().skip(1).all(|byte| byte.is_ascii_lowercase() || !byte.is_ascii())
        && (!value.is_ascii() || names::promise(value).is_some())
}

/// The name of a secret where the secret would be: `secretKey: db-password`, `token: access_token`.
fn is_name_of_secret(value: &[u8]) -> bool {
    let words = value.iter().any(|byte| matches!(byte, b'-' | b'_' | b'.')) || among(value, &["password", "username"]);
    words
        && value.first().is_some_and(u8::is_ascii_alphabetic)
        && !value.iter().any(u8::is_ascii_digit)
        && run(value, 0, TILDE) == value.len()
        && names::promise(value).is_some()
        && !values::is_placeholder(value)
}

/// Fields whose name alone promises nothing: registry logins, signatures of Azure Storage, JSON Web Keys, gossip
/// keys, and users of brokers.
pub(super) fn other<'t>(text: &'t str, name: Span, start: usize, separator: usize, found: &mut Found<'t>) -> Option<usize> {
    let bytes = text.as_bytes();
    let name_text = cut(bytes, name.start, name.end);
    if among(name_text, &["auth", "_auth"]) {
        let value = read(bytes, start, 256)?;
        let login = cut(bytes, value.start, value.end);
        if login.len() >= 8 && run(login, 0, BASE64) == login.len() && values::pair(&encoding::base64(login)) == Verdict::Yes {
            found.add(&HTTP, "the login of a registry", "", Span { start: value.start, end: value.end });
            return Some(value.end);
        }
    }
    if among(name_text, &["sig"])
        && matches!(name.start.checked_sub(1).and_then(|before| bytes.get(before)), Some(b'?' | b'&' | b';'))
    {
        let value = read(bytes, start, 128)?;
        let around = || cut(bytes, separator.saturating_sub(256), (separator + 256).min(bytes.len()));
        let signed =
            || around().windows(4).any(|window| matches!(window, [b'?' | b'&' | b';', b's', b'v' | b'e' | b'r', b'=']));
        if value.end - value.start >= 40 && signed() {
            found.add(&AZURE, "a shared access signature", "", Span { start: value.start, end: value.end });
            return Some(value.end);
        }
    }
    // The key of Serf's gossip in Consul and Nomad: 16, 24 or 32 bytes.
    if name_text == b"encrypt" {
        let value = read(bytes, start, 64).filter(|value| value.quoted)?;
        let key = cut(bytes, value.start, value.end);
        if matches!(key.len(), 24 | 32 | 44) && run(key, 0, BASE64) == key.len() && values::is_mixed(key) {
            found.add(&NAMED, Class::Key.noun(), "", Span { start: value.start, end: value.end });
            return Some(value.end);
        }
    }
    // A private JSON Web Key (RFC 7517), which names its type: `d` is the private exponent, `k` a symmetric key.
    if matches!(name_text, b"d" | b"k") {
        let value = read(bytes, start, 2048).filter(|value| value.quoted)?;
        let secret = cut(bytes, value.start, value.end);
        let around = || cut(bytes, name.start.saturating_sub(2048), (value.end + 2048).min(bytes.len()));
        if secret.len() >= 22 && run(secret, 0, DASH) == secret.len() && contains(around(), "\"kty\"") {
            found.add(&PRIVATE_KEY, "a private JSON Web Key", "", Span { start: value.start, end: value.end });
            return Some(value.end);
        }
    }
    // The users of a broker's login module, Kafka's or ZooKeeper's: `PlainLoginModule required user_alice="..."`.
    if starts(name_text, "user_") && contains(cut(bytes, name.start.saturating_sub(1024), name.start), "loginmodule") {
        let value = read(bytes, start, 256).filter(|value| value.quoted)?;
        let span = Span { start: value.start, end: value.end };
        let verdict =
            values::judge(Promise { class: Class::Password, weak: false }, cut(bytes, span.start, span.end), Source::Part);
        named(verdict, Class::Password, name_text, text.get(name.start..name.end).unwrap_or_default(), bytes, span, found);
        return Some(value.end);
    }
    None
}

/// The name that ends before a separator: `name=`, `name =`, `"name":`, `\"name\":`, `name :=`, `['name'] =`.
pub(super) fn name_before(text: &[u8], separator: usize, colon: bool) -> Option<Span> {
    let before = |at: usize| at.checked_sub(1).and_then(|at| text.get(at)).copied();
    let mut end = separator;
    if !colon {
        match before(end) {
            Some(b'!' | b'<' | b'>' | b'~' | b'^') => return None,
            Some(b':' | b'+' | b'?') => end -= 1,
            _ => {}
        }
    }
    while separator - end < 8 && matches!(before(end), Some(b' ' | b'\t')) {
        end -= 1;
    }
    if before(end) == Some(b']') {
        end -= 1;
    }
    let quoted = matches!(before(end), Some(b'"' | b'\'' | b'`'));
    if quoted {
        end -= 1;
        if before(end) == Some(b'\\') {
            end -= 1;
        }
    }
    let start = run_back(text, end, TILDE, LONGEST_NAME);
    // `"$PASSWORD" = "x"` compares.
    let variable = before(start) == Some(b'$') || before(start) == Some(b'{') && before(start - 1) == Some(b'$');
    // `arn:aws:secretsmanager:region:account:secret:name` is one name.
    let chained = colon && !quoted && matches!(before(start), Some(b':' | b'/' | b'@'));
    (start < end && !variable && !chained).then_some(Span { start, end })
}

/// A value, without its quotes.
struct Value {
    start: usize,
    end: usize,
    quoted: bool,
}

/// The value that begins here, behind spaces; `most` bounds its length. Nothing where structured text begins, which has pairs
/// of its own.
fn read(text: &[u8], from: usize, most: usize) -> Option<Value> {
    let mut start = from;
    while start - from < 16 && matches!(text.get(start), Some(b' ' | b'\t')) {
        start += 1;
    }
    let escaped = text.get(start) == Some(&b'\\') && matches!(text.get(start + 1), Some(b'"' | b'\''));
    let open = start + usize::from(escaped);
    if let Some(quote @ (b'"' | b'\'' | b'`')) = text.get(open) {
        let start = open + 1;
        if matches!(text.get(start), Some(b'{' | b'[')) && text.get(start + 1) != Some(&b'{') {
            return None;
        }
        let mut end = start;
        while let Some(byte) = text.get(end) {
            if end - start >= most {
                return None;
            }
            match byte {
                b'\\' if escaped && text.get(end + 1) == Some(quote) => break,
                b'\\' => end += 1,
                _ if byte == quote && !escaped => break,
                _ => {}
            }
            end += 1;
        }
        let end = end.min(text.len());
        return Some(Value { start, end, quoted: true });
    }
    if matches!(text.get(start), Some(b'{' | b'[')) && text.get(start + 1) != Some(&b'{') {
        return None;
    }
    let mut end = start;
    let mut call = false;
    while let Some(byte) = text.get(end) {
        if end - start >= most {
            return None;
        }
        call |= *byte == b'(';
        if let Some(after) = matches!(byte, b'$' | b'{' | b'<' | b'%').then(|| urls::template_end(text, end)).flatten() {
            end = after;
            continue;
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b';' | b',' | b'&' | b'"' | b'\'' | b'`' | b'|' | b'}' | b']' | b'<' | b'>' => break,
            b')' if !call => break,
            b'\\' if matches!(text.get(end + 1), Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\n')) => break,
            _ => end += 1,
        }
    }
    Some(Value { start, end, quoted: false })
}

/// Whether a sentence goes on behind an unquoted value.
fn goes_on(text: &[u8], end: usize) -> bool {
    let after = run_spaces(text, end);
    after > end && text.get(after).is_some_and(|byte| is(*byte, WORD) || *byte == b'(')
}

fn run_spaces(text: &[u8], from: usize) -> usize {
    let mut end = from;
    while end - from < 16 && matches!(text.get(end), Some(b' ' | b'\t')) {
        end += 1;
    }
    end
}

/// `<password>...</password>`
fn element<'t>(text: &'t str, close: usize, found: &mut Found<'t>) -> Option<usize> {
    let bytes = text.as_bytes();
    let name = run_back(bytes, close, TILDE, LONGEST_NAME);
    if name.checked_sub(1).and_then(|open| bytes.get(open)) != Some(&b'<') {
        return None;
    }
    let promise = names::promise(cut(bytes, name, close))?;
    let mut end = close + 1;
    while bytes.get(end).is_some_and(|byte| *byte != b'<') {
        end += 1;
    }
    if bytes.get(end + 1) == Some(&b'/') {
        let verdict = values::judge(promise, cut(bytes, close + 1, end), Source::Part);
        named(
            verdict,
            promise.class,
            cut(bytes, name, close),
            text.get(name..close).unwrap_or_default(),
            bytes,
            Span { start: close + 1, end },
            found,
        );
    }
    Some(end)
}

/// `create_superuser('admin', 'admin@example.com', '...')`, Django's way to make users: the password is the third.
fn django(text: &str, quote: usize, found: &mut Found<'_>) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.get(quote.checked_sub(1)?) != Some(&b'(') {
        return None;
    }
    let name = run_back(bytes, quote - 1, WORD, 32);
    if !among(cut(bytes, name, quote - 1), &["create_superuser", "create_user"]) {
        return None;
    }
    let mut value = read(bytes, quote, LONGEST_NAME).filter(|value| value.quoted)?;
    for _ in 0..2 {
        let comma = value.end + 1;
        if bytes.get(comma) != Some(&b',') {
            return None;
        }
        value = read(bytes, comma + 1, LONGEST_NAME).filter(|value| value.quoted)?;
    }
    let promise = Promise { class: Class::Password, weak: false };
    let verdict = values::judge(promise, cut(bytes, value.start, value.end), Source::Whole);
    named(verdict, Class::Password, b"", "", bytes, Span { start: value.start, end: value.end }, found);
    Some(value.end)
}

/// `CREATE ROLE shop WITH PASSWORD '...'`, `IDENTIFIED BY '...'`
fn sql(text: &str, quote: usize, found: &mut Found<'_>) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.get(quote) != Some(&b'\'') {
        return None;
    }
    let mut end = quote;
    while end > 0 && quote - end < 8 && bytes.get(end - 1).is_some_and(u8::is_ascii_whitespace) {
        end -= 1;
    }
    if end == quote {
        return None;
    }
    let word = run_back(bytes, end, WORD, 16);
    let is_password = match cut(bytes, word, end) {
        by if among(by, &["by"]) => {
            // Also `IDENTIFIED WITH sha256_password BY '...'`.
            contains(cut(bytes, word.saturating_sub(48), word), "identified")
        }
        word => among(word, &["password"]),
    };
    // `AND password '...'` is no SQL: a role or a user must be spoken of before.
    let before = cut(bytes, word.saturating_sub(80), word);
    let spoken = ["role", "user", "identified"].iter().any(|term| contains(before, term));
    if !is_password || !spoken {
        return None;
    }
    let start = quote + 1;
    let end = start + bytes.iter().skip(start).take_while(|byte| **byte != b'\'').count();
    let rule = match values::judge(Promise { class: Class::Password, weak: false }, cut(bytes, start, end), Source::Whole) {
        Verdict::No => return Some(end + 1),
        Verdict::Placeholder => &PLACEHOLDER,
        Verdict::Yes => &NAMED,
    };
    found.add(rule, "the password of a database role", "", Span { start, end });
    Some(end + 1)
}
