//! Secrets in values that are files: `settings.py`, `.env`, INI, YAML, JSON, TOML, XML, shell scripts, and what else a ConfigMap holds.
//!
//! No format is parsed. A file is read once, from its beginning to its end, by one of three readers: [`lines`] for what people write
//! as a name and a value on a line, [`code`] for languages that put their texts into quotes, [`markup`] for elements and attributes. What
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

use super::bytes::{DOT, WORD, among, cut, is, run, starts};
use super::names::Promise;
use super::rules::{EXAMPLE, HTTP, NAMED, PLACEHOLDER, URL};
use super::values::{self, Source, Verdict};
use super::{Encoding, Found, Match, Scanner, Span, binary, encoding, flags, formats, named, urls};
use language::{Language, Style};

/// Gets each secret with the line on which it begins, counted from 1.
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
            return report(1, &whole(what, text.len(), Encoding::Base64));
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
        match language.style {
            Style::Lines | Style::Shell => lines::scan(self, key, language, text, &mut found),
            Style::Code => code::scan(self, language, text, &mut found),
            Style::Markup => markup::scan(self, text, &mut found),
        }
        found.next_detector();
        if language.style != Style::Markup {
            command_lines(language, text, &mut found);
            found.next_detector();
        }
        self.encoded(text, false, &mut found, 0);
        percent_encoded(language, text, &mut found);
        // One line is a value as that of a variable is.
        if !bytes.trim_ascii().contains(&b'\n') {
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
            report(1, &whole(what, content.len(), Encoding::Base64));
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
                    report(1, found);
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
        while let Some(here) = line
            && here.end < found.offset
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
        if found.offset >= comment {
            let documentation = [&NAMED, &HTTP, &PLACEHOLDER, &EXAMPLE].iter().any(|rule| rule.id == found.rule.id)
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
        let flag = here.first() == Some(&b'-') || here.windows(2).any(|pair| pair == b" -");
        if item {
            words.read_part(text, start, start + here.trim_ascii_end().len(), found);
        } else if flag {
            flags::Line::default().read_part(text, start, end, found);
        }
    }
}

/// Where the content of a line begins, behind spaces and the dashes of a list in YAML, and how many of these there are.
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
    if refers(values::strip(secret)) || is_format(secret) || is_label(name_text, secret) {
        return false;
    }
    let verdict = values::judge(promise, secret, Source::Whole);
    let shown = text.get(name.start..name.end).unwrap_or_default();
    named(verdict, promise.class, name_text, shown, bytes, value, found);
    verdict != Verdict::No
}

/// Whether something else puts the value in, by the ways that files have besides those of [`values::is_reference`].
fn refers(value: &[u8]) -> bool {
    const BEGINNINGS: [&str; 15] = [
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
                "any", "required", "optional", "nullable", "self",
            ],
        ),
    }
}

/// Whether the value is what a form shows beside the field: `password: Password`, `newPassword: New password`.
fn is_label(name: &[u8], value: &[u8]) -> bool {
    if !value.first().is_some_and(u8::is_ascii_uppercase) || value.iter().any(u8::is_ascii_digit) {
        return false;
    }
    // Letter by letter, whatever separates words.
    let mut letters = value.iter().filter(|byte| byte.is_ascii_alphabetic());
    let same = name
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .all(|byte| letters.next().is_some_and(|letter| letter.eq_ignore_ascii_case(byte)));
    let is_lower = name.iter().any(u8::is_ascii_lowercase);
    is_lower && same && letters.next().is_none() && value.iter().skip(1).any(u8::is_ascii_lowercase)
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
    let mut words = 0;
    let mut small = false;
    for word in text.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty()) {
        words += 1;
        small |= among(
            word,
            &[
                "the", "a", "an", "of", "to", "is", "are", "be", "for", "in", "if", "or", "and", "your", "this", "that", "with",
                "from", "by", "must", "not", "no", "when", "used", "use", "will", "on", "as", "you",
            ],
        );
    }
    words > 4 || words > 1 && small
}

/// Whether a word is a name as programs and configurations have them.
fn is_name(word: &[u8]) -> bool {
    !word.is_empty() && run(word, 0, DOT) == word.len() && word.first().is_some_and(|byte| is(*byte, WORD))
}

#[cfg(test)]
mod tests;
