//! Secrets in values that are files: `settings.py`, `.env`, INI, YAML, JSON, TOML, XML, shell scripts, and what else a ConfigMap holds.
//!
//! No format is parsed. A file is read once, from its beginning to its end, by one of three readers: `lines` for what people write
//! as a name and a value on a line, `code` for languages that put their texts into quotes, `markup` for elements and attributes. What
//! a reader does not understand it passes over, so that a broken file is read as far as one can.
//!
//! What stands in a comment is a secret only when somebody issued it: a key of a provider in a comment is a leak, and
//! `# password: changeme` is documentation.
//!
//! Each reader keeps what it knows in a few fields of fixed size, and each byte is looked at by a fixed number of passes, so that the
//! work is linear in the length of the file whatever is in it.

mod code;
mod context;
mod language;
mod lines;
mod markup;

use super::bytes::{DOT, UPPER, WORD, among, cut, ends, is, run, starts};
use super::names::{Class, Promise};
use super::rules::{EXAMPLE, HTTP, NAMED, PLACEHOLDER, URL};
use super::values::{self, Source, Verdict};
use super::{Encoding, Found, Match, Scanner, Span, binary, encoding, flags, formats, named, urls};
use language::{Language, Style};

/// Gets each secret with the line on which it begins, counted from 1; 0 in a file that is no text.
pub type Visitor<'v> = dyn FnMut(usize, &Match<'_>) + 'v;

/// A value that should be base64, and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBase64;

impl Scanner<'_> {
    /// Secrets in the value of a key that may be a whole file: `settings.py` of a ConfigMap's `data`.
    ///
    /// ```
    /// use palisade_sdk::secrets::{Options, Scanner};
    ///
    /// let settings = "DEBUG = False\nDATABASES = {'default': {'NAME': 'shop', 'PASSWORD': 'Kestrel-91'}}\n";
    /// let mut found = Vec::new();
    /// Scanner::new(Options::default()).file("settings.py", settings, &mut |line, secret| found.push((line, secret.length)));
    /// assert_eq!(found, [(2, 10)]);
    /// ```
    pub fn file(&self, key: &str, text: &str, report: &mut Visitor<'_>) {
        if text.is_empty() {
            return;
        }
        if let Some(what) = binary::key_store_in_base64(key, text.trim_ascii().as_bytes()) {
            return report(0, &whole(what, text.len(), Encoding::Base64));
        }
        let bytes = text.as_bytes();
        let language = Language::of(key, bytes);
        let mut found = Found::in_text(text);
        if bytes.len() >= super::SHORTEST_TOKEN {
            formats::scan(bytes, &mut found);
            found.next_detector();
        }
        self.patterns(text, &mut found);
        found.next_detector();
        urls::scan(bytes, &mut found);
        found.next_detector();
        self.encoded(text, false, &mut found, 0);
        match language.style {
            Style::Lines | Style::Shell => lines::scan(self, key, language, text, &mut found),
            Style::Code => code::scan(self, language, text, &mut found),
            Style::Markup => markup::scan(self, text, &mut found),
        }
        found.next_detector();
        if matches!(language.style, Style::Lines | Style::Shell) {
            lines::expansions(self, text, &mut found);
            found.next_detector();
        }
        if language.style != Style::Markup && !language.prose {
            command_lines(language, text, &mut found);
            found.next_detector();
        }
        percent_encoded(language, text, &mut found);
        // One line is a value as that of a variable is.
        let value = bytes.trim_ascii();
        if !value.contains(&b'\n') && !lines::is_list_of_logins(key) && !is_hash(value) && !refers(values::strip(value)) {
            self.by_name(language::without_suffix(key), text, &mut found);
            found.next_detector();
        }
        self.by_entropy(text, &mut found);
        found.next_detector();
        each(&found.matches, language, bytes, report);
    }

    /// Secrets in the value of a key that holds base64 of anything: text in UTF-8 or UTF-16 is read as a [`file`](Self::file), and of
    /// what is no text the kind is looked at, and whether tokens stand in it.
    ///
    /// # Errors
    /// When the value is no base64 (RFC 4648, section 4, line breaks aside): nobody can tell what it is.
    pub fn binary_file(&self, key: &str, encoded: &str, report: &mut Visitor<'_>) -> Result<(), NotBase64> {
        let content = encoding::base64_strict(encoded.as_bytes()).ok_or(NotBase64)?;
        if let Some(what) = binary::secret(key, &content) {
            report(0, &whole(what, content.len(), Encoding::Base64));
            return Ok(());
        }
        match binary::text(&content) {
            binary::Content::Text(text) => self.file(key, &text, report),
            binary::Content::Other(text) => {
                // Names and values in what is no text are chance; tokens of a known form are not.
                let mut found = Found::in_text(&text);
                formats::scan(text.as_bytes(), &mut found);
                found.next_detector();
                for found in &found.matches {
                    report(0, found);
                }
            }
        }
        Ok(())
    }
}

/// A file that is a secret as a whole.
fn whole(what: &'static str, length: usize, encoding: Encoding) -> Match<'static> {
    let rule = &super::rules::PRIVATE_KEY;
    Match { rule, what, prefix: "", name: "", offset: 0, length, encoding, fingerprint: 0, end: length }
}

/// Hands on what was found, but for what is documentation.
fn each(matches: &[Match<'_>], language: Language, text: &[u8], report: &mut Visitor<'_>) {
    let mut lines = Lines::of(text);
    let mut line = lines.next();
    // Where the comment of the present line begins, looked for once.
    let mut comment = None;
    for found in matches {
        // A value by its key's name begins where its text does.
        let space =
            cut(text, found.offset, found.offset + found.length).iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let offset = found.offset + space;
        while let Some(here) = line
            && here.end < offset
        {
            line = lines.next();
            comment = None;
        }
        let Some(here) = line else { return };
        let comment = *comment.get_or_insert_with(|| language.comment(text, here.start, here.end));
        let secret = cut(text, found.offset, found.offset + found.length);
        let is_plain = found.encoding == Encoding::Plain;
        if found.rule.id == URL.id && is_plain && (refers(secret) || is_format(secret)) {
            continue;
        }
        let is_sample_rule = [&PLACEHOLDER, &EXAMPLE].iter().any(|rule| rule.id == found.rule.id);
        if language.prose && is_sample_rule {
            continue;
        }
        if offset >= comment {
            let documentation = is_sample_rule
                || [&NAMED, &HTTP].iter().any(|rule| rule.id == found.rule.id)
                || found.rule.id == URL.id && (!is_plain || is_sample(secret));
            if documentation {
                continue;
            }
        }
        report(here.number, found);
    }
}

/// Whether this is the password of a documentation's URL: `user:password@host`, `root:secret@db`.
fn is_sample(password: &[u8]) -> bool {
    password.len() < 8
        || password.iter().all(u8::is_ascii_alphabetic)
        || ["password", "secret", "example", "pass"].iter().any(|word| starts(password, word))
}

/// A line of a text, without what ends it.
#[derive(Clone, Copy)]
struct Line {
    /// From 1.
    number: usize,
    start: usize,
    end: usize,
}

/// The lines of a text.
struct Lines<'t> {
    text: &'t [u8],
    next: usize,
    number: usize,
}

impl<'t> Lines<'t> {
    fn of(text: &'t [u8]) -> Self {
        Self { text, next: 0, number: 0 }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    #[inline(never)]
    fn next(&mut self) -> Option<Line> {
        let rest = self.text.get(self.next..).filter(|rest| !rest.is_empty())?;
        let start = self.next;
        let length = rest.iter().position(|byte| *byte == b'\n');
        let mut end = length.map_or(self.text.len(), |length| start + length);
        self.next = end + 1;
        self.number += 1;
        if end > start && self.text.get(end - 1) == Some(&b'\r') {
            end -= 1;
        }
        Some(Line { number: self.number, start, end })
    }
}

/// Flags of programs, wherever a line has some: `mysql -phunter2`, `- --password`, `- hunter2`.
fn command_lines<'t>(language: Language, text: &'t str, found: &mut Found<'t>) {
    let bytes = text.as_bytes();
    if language.style == Style::Code {
        return code::command_lines(language, text, found);
    }
    // The words of a list in YAML are one command line.
    let mut words = flags::Line::default();
    let mut indent = None;
    for line in Lines::of(bytes) {
        let (start, dashes) = content(bytes, line.start, line.end);
        if start == line.end {
            continue;
        }
        let end = language.comment(bytes, line.start, line.end);
        if start >= end {
            continue;
        }
        let item = dashes > 0;
        if !item || indent != Some(start - line.start) {
            words = flags::Line::default();
            indent = item.then_some(start - line.start);
        }
        let here = cut(bytes, start, end);
        // `Usage: run --password PASSWORD`
        if super::bytes::contains(cut(here, 0, here.len().min(64)), "usage:") {
            continue;
        }
        let flag = here.first() == Some(&b'-') || here.windows(2).any(|pair| matches!(pair, b" -" | b"\"-" | b"'-"));
        if item {
            words.read_part(text, start, start + here.trim_ascii_end().len(), found);
        } else if flag {
            flags::Line::default().read_part(text, start, end, found);
        }
    }
}

/// Where the content of a line begins, behind spaces and the dashes of a list in YAML, and how many of these there are.
#[inline(never)]
fn content(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let mut here = start;
    let mut dashes = 0;
    while here < end {
        match text.get(here) {
            Some(b' ' | b'\t') => here += 1,
            Some(b'-') if matches!(text.get(here + 1), Some(b' ' | b'\t')) => {
                dashes += 1;
                here += 2;
            }
            _ => break,
        }
    }
    (here.min(end), dashes)
}

/// Tokens and URLs that are percent-encoded, line by line.
fn percent_encoded<'t>(language: Language, text: &'t str, found: &mut Found<'t>) {
    let bytes = text.as_bytes();
    for line in Lines::of(bytes) {
        let end = language.comment_after_percent(bytes, line.start, line.end);
        let Some(decoded) = encoding::percent(cut(bytes, line.start, end)) else { continue };
        let mut inner = Found::in_text(&decoded);
        formats::scan(decoded.as_bytes(), &mut inner);
        inner.next_detector();
        urls::scan(decoded.as_bytes(), &mut inner);
        inner.next_detector();
        let span = Span { start: line.start, end };
        if !inner.matches.is_empty() && !found.explains(span) {
            found.adopt(&inner.matches, span, Encoding::Percent);
        }
    }
    found.next_detector();
}

/// Judges a value under the name that it has in a file, and tells whether it is anything to speak of.
fn judge<'t>(promise: Promise, name: Span, value: Span, text: &'t str, found: &mut Found<'t>) -> bool {
    let bytes = text.as_bytes();
    let (name_text, secret) = (cut(bytes, name.start, name.end), cut(bytes, value.start, value.end));
    // `***` is what a log shows instead.
    if secret.iter().all(|byte| *byte == b'*') {
        return false;
    }
    if refers(values::strip(secret))
        || is_format(secret)
        || is_hash(secret)
        || is_label(name_text, secret)
        || values::is_type(secret)
    {
        return false;
    }
    // `Bearer {token}`
    let last = secret.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    if promise.class == Class::Authorization && refers(last) {
        return false;
    }
    // `proxyPass = "grpc_pass"`: an outcome, or a directive.
    if ends(name_text, "pass") && ends(secret, "pass") {
        return false;
    }
    // `passwordSecretKey: shop-password`: the key under which a Secret has it.
    if ["secretkey", "passwordkey", "tokenkey"].iter().any(|name| ends(name_text, name)) && is_name_of_secret(secret) {
        return false;
    }
    let mut verdict = values::judge(promise, secret, Source::Whole);
    if verdict == Verdict::Yes && is_variable(secret) {
        // `HF_TOKEN: HF_TOKEN` is not filled in; another name is where the secret will be.
        if !secret.eq_ignore_ascii_case(name_text) {
            return false;
        }
        verdict = Verdict::Placeholder;
    }
    let shown = text.get(name.start..name.end).unwrap_or_default();
    named(verdict, promise.class, name_text, shown, bytes, value, found);
    verdict != Verdict::No
}

/// Whether something else puts the value in, by the ways that files have besides those of [`values::is_reference`].
fn refers(value: &[u8]) -> bool {
    const BEGINNINGS: [&str; 18] = [
        "process.env",
        "os.environ",
        "os.getenv",
        "System.getenv",
        "System.get_env",
        "ENV[",
        "ENV.",
        "env.",
        "import.meta.env",
        "var.",
        "local.",
        "data.",
        "module.",
        "<path:",
        "ref:",
        // Tables of Postfix.
        "hash:/",
        "lmdb:/",
        "texthash:/",
    ];
    match value {
        // Grafana's `$__file{...}`, and Argo CD's `$secret:key.of.it`.
        [b'$', b'_', b'_', rest @ ..] if rest.ends_with(b"}") => return true,
        [b'$', name @ ..] if name.first().is_some_and(u8::is_ascii_alphabetic) => {
            return name.iter().all(|byte| is(*byte, DOT) && *byte != b'=' || *byte == b':') && !values::is_mixed(name);
        }
        // `{password}` of a template, `[[ .Password ]]`, `@{password}`
        [b'{', name @ .., b'}'] | [b'@', b'{', name @ .., b'}'] => return run(name, 0, DOT) == name.len(),
        [b'[', b'[', .., b']', b']'] => return true,
        _ => {}
    }
    BEGINNINGS.iter().any(|beginning| value.starts_with(beginning.as_bytes()))
}

/// Whether the value is the verb of a format, the parameter of a statement, or the type of a field: `%s`, `%(name)s`, `:name`,
/// `string`.
fn is_format(value: &[u8]) -> bool {
    match value {
        [b'%', rest @ ..] => {
            let verb = rest.trim_ascii_start();
            matches!(verb, [b's' | b'v' | b'q' | b'd' | b'r' | b'w' | b'x' | b'@'])
        }
        _ => among(
            value,
            &[
                "string", "str", "text", "varchar", "bool", "boolean", "int", "integer", "number", "object", "array", "bytes",
                "any", "required", "optional", "nullable", "self", "read", "write",
            ],
        ),
    }
}

/// Whether the value is what a form shows beside the field: `password: Password`, `doForgotPassword: Forgot password?`.
fn is_label(name: &[u8], value: &[u8]) -> bool {
    if value.len() > 64 || !value.first().is_some_and(u8::is_ascii_uppercase) || !name.iter().any(u8::is_ascii_lowercase) {
        return false;
    }
    // `password: Passwort`, `forgotPassword: Passwort vergessen?`
    if super::pairs::is_label(value) || value.ends_with(b"?") && value.contains(&b' ') {
        return true;
    }
    let mut promises = false;
    let mut words = value.split(|byte| !byte.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    // `token: Token missing`
    let sentence = value.contains(&b' ') && value.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b' ');
    let known = words.all(|word| {
        promises |= super::names::promise(word).is_some();
        sentence || name.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
    });
    known && promises && !value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_lowercase)
}

/// Whether this is the hash of a password rather than a password: of `crypt`, also behind the user's name; of PostgreSQL, Jupyter and
/// LDAP.
fn is_hash(value: &[u8]) -> bool {
    let behind_user = value.iter().position(|byte| *byte == b':').map_or(value, |colon| cut(value, colon + 1, value.len()));
    let crypt = |value: &[u8]| value.first() == Some(&b'$') && value.iter().filter(|byte| **byte == b'$').count() >= 3;
    crypt(value)
        || crypt(behind_user)
        || starts(behind_user, "{SHA}")
        || starts(behind_user, "{SSHA")
        || value.len() == 35 && value.starts_with(b"md5")
        || ["SCRAM-SHA-256$", "argon2:", "sha1:", "sha256:", "pbkdf2"].iter().any(|kind| starts(value, kind))
}

/// Whether the value is the name of a variable that holds the secret: `DB_PASSWORD`.
fn is_variable(value: &[u8]) -> bool {
    value.contains(&b'_')
        && run(value, 0, UPPER | WORD) == value.len()
        && !value.iter().any(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        && super::names::promise(value).is_some_and(|promise| !promise.weak)
}

/// Whether the value is the name of a secret in a Secret: `db-password`, `username`.
fn is_name_of_secret(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_' | b'.'))
        && (super::names::promise(value).is_some() || among(value, &["username", "user"]) || ends(value, "-file"))
}

/// Whether the value is an expression of a program rather than a text: `get_secret('shop')`, `settings.PASSWORD`, `a[0]`.
fn is_expression(value: &[u8]) -> bool {
    let name = run(value, 0, DOT);
    if name == 0 || value.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    match value.get(name) {
        Some(b'(') => value.ends_with(b")") || value.contains(&b'"') || value.contains(&b'\''),
        Some(b'[') => value.contains(&b']'),
        None => {
            // A variable that is named like a secret, in a module.
            let mut parts = value.split(|byte| *byte == b'.');
            let last = parts.next_back().unwrap_or_default();
            parts.next().is_some() && !values::is_mixed(value) && super::names::promise(last).is_some()
        }
        _ => false,
    }
}

/// Whether the text says something rather than being a word or two: it is no password then.
fn is_sentence(text: &[u8]) -> bool {
    let words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count();
    words > 4 || words > 1 && has_small_words(text)
}

/// Whether there are words in the text that sentences are held together with.
fn has_small_words(text: &[u8]) -> bool {
    const WORDS: [&str; 28] = [
        "the", "a", "an", "of", "to", "is", "are", "be", "for", "in", "if", "or", "and", "your", "this", "that", "with",
        "from", "by", "must", "not", "no", "when", "used", "will", "on", "as", "you",
    ];
    text.contains(&b' ') && text.split(u8::is_ascii_whitespace).any(|word| among(word, &WORDS))
}

/// Whether a word is a name as programs and configurations have them.
fn is_name(word: &[u8]) -> bool {
    !word.is_empty() && run(word, 0, DOT) == word.len() && word.first().is_some_and(|byte| is(*byte, WORD))
}

#[cfg(test)]
mod tests;
