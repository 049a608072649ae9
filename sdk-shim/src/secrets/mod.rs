//! Whether a string is a secret, and which.
//!
//! Three detectors look at a text, and each [`Match`] says by its [rule](rules) which one found it:
//!
//! - **formats**: tokens that providers mark (`ghp_...`, `AKIA...`), JSON Web Tokens, private keys, wherever they stand in a longer
//!   text, from one table;
//! - **URLs**: a password in the user information of any URL, or in the data source names that look like one;
//! - **names**: a literal value of a variable, flag, header, field or connection string that is named like a secret
//!   ([`Scanner`] documents how names are read).
//!
//! Two rules more take what these find but nobody issued: `placeholder-secret` for values that ask to be replaced (`changeme`,
//! `<password>`), `example-secret` for those that a provider's documentation prints. A weak password that works, such as
//! `postgres`, is a secret. Patterns of the user's own, and entropy as a last resort, are options.
//!
//! One secret is one match, by the most specific rule: formats before URLs before names. Base64, once and twice, and
//! percent-encoding are decoded and looked into.
//!
//! What is found is described, never repeated: a match has the kind of secret, its length and its place, and no part of it but the
//! public prefix of its format.
//!
//! Work is linear in the length of the text, whatever the text is, and nothing is allocated for one without secrets or encodings.
//!
//! ```
//! use palisade_sdk::secrets::{Options, Scanner};
//!
//! let scanner = Scanner::new(Options::default());
//! let found = scanner.value("DATABASE_URL", "postgres://shop:Kestrel-91@db/shop");
//! assert_eq!(found[0].rule.id, "credentials-in-url");
//! assert_eq!((found[0].offset, found[0].length), (16, 10));
//! assert!(scanner.value("DATABASE_URL", "postgres://shop:$(DB_PASSWORD)@db/shop").is_empty());
//! ```

mod binary;
mod bytes;
mod encoding;
pub mod exceptions;
pub mod files;
mod flags;
mod formats;
mod names;
mod pairs;
pub mod rules;
mod urls;
mod values;

use crate::glob;
use crate::report::Rule;
use bytes::{ALNUM, BASE64, COLON, DJANGO_KEY, PAIR, PERCENT, SIGN, contains, cut, ends, run};
use names::{Class, Promise};
use rules::{AWS, AZURE, CUSTOM, DJANGO, ENTROPY, EXAMPLE, HTTP, NAMED, PLACEHOLDER};
use values::{Source, Verdict};

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<'t> {
    /// The rule that it breaks, one of [`rules::ALL`].
    pub rule: &'static Rule,
    /// What it is, with its article: `an AWS access key id`.
    pub what: &'static str,
    /// How it begins, where that is public: `AKIA`; else empty.
    pub prefix: &'static str,
    /// The name beside it, where it is inside of a longer text: `password` in `host=db password=...`; else empty.
    pub name: &'t str,
    /// The byte of the text at which it begins; of an encoded one, at which the encoded part begins.
    pub offset: usize,
    /// How many bytes it is long, decoded.
    pub length: usize,
    /// How it is encoded.
    pub encoding: Encoding,
    /// Equal for equal secrets, whatever the escapes: to tell that one is repeated. Not to be shown.
    pub fingerprint: u64,
    /// Where the part of the text ends that this match explains.
    end: usize,
}

/// How a secret is encoded where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// It is not.
    #[default]
    Plain,
    /// In base64, once or twice.
    Base64,
    /// Percent-encoded.
    Percent,
}

/// What a deployer may add to the detectors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'o> {
    /// Names that promise a secret as well, as [globs](crate::glob) without regard to case.
    pub names: &'o [String],
    /// Values that are secrets, as globs over single words: white space, quotes, commas, semicolons and equals signs end a word.
    pub patterns: &'o [String],
    /// The Shannon entropy, in bits for each character, from which a value of twenty characters and more is a secret by itself.
    pub entropy: Option<f64>,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: usize,
    end: usize,
}

/// What was found so far. Matches never overlap: what is found first stays.
#[derive(Default)]
struct Found<'t> {
    matches: Vec<Match<'t>>,
    /// The text that spans are about.
    text: &'t [u8],
    /// Up to here the matches are those of earlier detectors, sorted by place.
    sorted: usize,
}

impl<'t> Found<'t> {
    fn in_text(text: &'t str) -> Self {
        Self { matches: Vec::new(), text: text.as_bytes(), sorted: 0 }
    }

    /// Ends the turn of a detector, which finds in the order of the text: merges what it found into what was there.
    fn next_detector(&mut self) {
        if self.sorted > 0 && self.sorted < self.matches.len() {
            let mut new = self.matches.split_off(self.sorted).into_iter().peekable();
            let mut old = std::mem::take(&mut self.matches).into_iter().peekable();
            loop {
                let next = match (old.peek(), new.peek()) {
                    (Some(before), Some(after)) if after.offset < before.offset => new.next(),
                    (Some(_), _) => old.next(),
                    _ => new.next(),
                };
                match next {
                    Some(next) => self.matches.push(next),
                    None => break,
                }
            }
        }
        self.sorted = self.matches.len();
    }

    /// Whether an earlier detector explained part of this, or the present one did just before.
    fn explains(&self, span: Span) -> bool {
        let overlaps = |found: Option<&Match<'_>>| found.is_some_and(|found| found.offset < span.end && span.start < found.end);
        let earlier = self.matches.get(..self.sorted).unwrap_or_default();
        let behind = earlier.partition_point(|found| found.offset < span.end);
        overlaps(behind.checked_sub(1).and_then(|last| earlier.get(last))) || overlaps(self.matches.last())
    }

    fn add(&mut self, rule: &'static Rule, what: &'static str, prefix: &'static str, span: Span) {
        self.add_named(rule, what, prefix, "", span);
    }

    fn add_named(&mut self, rule: &'static Rule, what: &'static str, prefix: &'static str, name: &'t str, span: Span) {
        if span.start >= span.end || self.explains(span) {
            return;
        }
        let Span { start: offset, end } = span;
        let fingerprint = fingerprint(cut(self.text, offset, end));
        // A name that looks like a token is not shown.
        let name = if name.len() <= 40 && !values::is_mixed(name.as_bytes()) { name } else { "" };
        self.matches.push(Match {
            rule,
            what,
            prefix,
            name,
            offset,
            length: end - offset,
            encoding: Encoding::Plain,
            fingerprint,
            end,
        });
    }

    /// Takes over what was found in a decoded part of the text.
    fn adopt(&mut self, inner: &[Match<'_>], span: Span, encoding: Encoding) {
        for found in inner {
            self.matches.push(Match { name: "", offset: span.start, end: span.end, encoding, ..found.clone() });
        }
    }
}

/// Adds what a name and its value are judged to be.
fn named<'t>(verdict: Verdict, class: Class, name: &[u8], shown: &'t str, text: &[u8], span: Span, found: &mut Found<'t>) {
    let value = cut(text, span.start, span.end);
    let (rule, what) = match verdict {
        Verdict::No => return,
        Verdict::Placeholder => (&PLACEHOLDER, class.noun()),
        Verdict::Yes => specific(class, name, values::strip(value)),
    };
    found.add_named(rule, what, "", shown, span);
}

/// The rule of the provider whose keys have no prefix, but are known by a name and a form together.
fn specific(class: Class, name: &[u8], value: &[u8]) -> (&'static Rule, &'static str) {
    let base64 = run(value, 0, BASE64) == value.len();
    let is = |words: &[&str]| words.iter().any(|word| contains(name, word));
    if formats::is_example(value) {
        return (&EXAMPLE, "a key of a provider's documentation");
    }
    match class {
        Class::Authorization => (&HTTP, "credentials"),
        Class::Key | Class::Secret if value.len() == 40 && base64 && is(&["secret"]) && is(&["aws", "access", "s3"]) => {
            if contains(value, "example") {
                (&EXAMPLE, "an AWS secret access key")
            } else {
                (&AWS, "an AWS secret access key")
            }
        }
        Class::Key
            if base64 && value.len() == 88 && value.ends_with(b"==") && is(&["account", "storage", "cosmos", "azure"]) =>
        {
            (&AZURE, "an Azure account key")
        }
        Class::Key if base64 && value.len() == 44 && value.ends_with(b"=") && is(&["sharedaccess"]) => {
            (&AZURE, "a shared access key of Azure")
        }
        Class::Key
            if (value.len() == 50
                && run(value, 0, DJANGO_KEY) == 50
                && run(value, 0, ALNUM) < 50
                && ends(name, "secret_key"))
                || is(&["django"]) =>
        {
            (&DJANGO, "a Django SECRET_KEY")
        }
        _ => (&NAMED, class.noun()),
    }
}

/// Looks for secrets.
///
/// A name promises a secret when one of its words is the noun of one, in any case style: `DB_PASSWORD`, `dbPassword`,
/// `spring.datasource.password`, `PGPASSWORD`. Words around it take the promise back (`PASSWORD_FILE`, `TOKEN_TTL`,
/// `PUBLIC_KEY`) or weaken it (`TOKEN_BILLING`), so that the value must be random by itself. Under such a name a value is a secret
/// unless it is empty, a reference (`$(NAME)`, `${NAME}`, `{{ ... }}`, `vault:...`), a path, an address, an e-mail address, a
/// public key, a hash, a boolean, a short number, a mode such as `bearer`, or the name of an object.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scanner<'o> {
    options: Options<'o>,
}

impl<'o> Scanner<'o> {
    /// A scanner with these options.
    pub const fn new(options: Options<'o>) -> Self {
        Self { options }
    }

    /// Secrets in the value of something that has a name: a variable, a header, an annotation, a key of a ConfigMap.
    pub fn value<'t>(&self, name: &'t str, value: &'t str) -> Vec<Match<'t>> {
        let mut found = Found::in_text(value);
        if value.is_empty() {
            return found.matches;
        }
        self.inside(value, &mut found, 0);
        let bytes = value.as_bytes();
        if bytes.first() == Some(&b'-') || bytes.windows(2).any(|pair| pair == b" -") {
            flags::Line::default().read(value, &mut found);
            found.next_detector();
        }
        self.by_name(name, value, &mut found);
        self.by_entropy(value, &mut found);
        found.matches
    }

    /// Secrets in a text that has no name: a line of a file, the path of a request.
    pub fn text<'t>(&self, text: &'t str) -> Vec<Match<'t>> {
        let mut found = Found::in_text(text);
        self.inside(text, &mut found, 0);
        self.by_entropy(text, &mut found);
        found.matches
    }

    /// Secrets in the words of one command line, in their order; `report` gets each match with the index of its word.
    pub fn command<'t>(&self, words: impl Iterator<Item = &'t str>, report: &mut dyn FnMut(usize, Match<'t>)) {
        let mut line = flags::Line::default();
        for (index, word) in words.enumerate() {
            let mut found = Found::in_text(word);
            self.inside(word, &mut found, 0);
            line.read(word, &mut found);
            found.next_detector();
            self.by_entropy(word, &mut found);
            for matched in found.matches {
                report(index, matched);
            }
        }
    }

    /// What needs no name. `depth` counts the encodings around the text.
    fn inside<'t>(&self, text: &'t str, found: &mut Found<'t>, depth: u32) {
        let bytes = text.as_bytes();
        // Most values are short, and of few characters: what cannot be in them is not looked for.
        let sets = bytes::sets_of(bytes);
        if bytes.len() >= SHORTEST_TOKEN {
            formats::scan(bytes, found);
            found.next_detector();
        }
        self.patterns(text, found);
        found.next_detector();
        if sets & COLON != 0 && sets & SIGN != 0 {
            urls::scan(bytes, found);
            found.next_detector();
        }
        if sets & PAIR != 0 {
            pairs::scan(text, found);
            found.next_detector();
        }
        if depth < DEEPEST && bytes.len() >= encoding::SHORTEST {
            self.encoded(text, sets & PERCENT != 0, found, depth);
        }
    }

    /// What is encoded, where nothing plain explains it.
    fn encoded<'t>(&self, text: &'t str, has_percent: bool, found: &mut Found<'t>, depth: u32) {
        let bytes = text.as_bytes();
        let mut here = 0;
        while let Some((start, end)) = encoding::next_base64(bytes, here) {
            here = end;
            let span = Span { start, end };
            if found.explains(span) {
                continue;
            }
            if let Some(decoded) = encoding::base64_text(cut(bytes, start, end)) {
                let mut inner = Found::in_text(&decoded);
                self.inside(&decoded, &mut inner, depth + 1);
                found.adopt(&inner.matches, span, Encoding::Base64);
            }
        }
        found.next_detector();
        if let Some(decoded) = if has_percent { encoding::percent(bytes) } else { None } {
            let mut inner = Found::in_text(&decoded);
            self.inside(&decoded, &mut inner, depth + 1);
            // The same text once more: what it has besides is what the encoding hid.
            let known = found.matches.len();
            inner.matches.retain(|new| !found.matches.iter().take(known).any(|old| old.rule.id == new.rule.id));
            found.adopt(&inner.matches, Span { start: 0, end: bytes.len() }, Encoding::Percent);
            found.next_detector();
        }
    }

    /// Words that a pattern of the options describes.
    fn patterns(&self, text: &str, found: &mut Found<'_>) {
        if self.options.patterns.is_empty() {
            return;
        }
        let mut start = 0;
        for word in text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '=')) {
            let end = start + word.len();
            if !word.is_empty() && self.options.patterns.iter().any(|pattern| glob::matches(pattern, word)) {
                found.add(&CUSTOM, "what extraPatterns describes", "", Span { start, end });
            }
            // All separators but white space beyond ASCII are one byte long.
            start = end + text.get(end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        }
    }

    /// What a name promises, the names of the options included.
    fn promise(&self, name: &str) -> Option<Promise> {
        let named_by_options = || {
            let lower = name.to_ascii_lowercase();
            self.options.names.iter().any(|pattern| glob::matches(&pattern.to_ascii_lowercase(), &lower))
        };
        if !self.options.names.is_empty() && named_by_options() {
            return Some(Promise { class: Class::Password, weak: false });
        }
        names::promise(name.as_bytes())
    }

    /// The whole value, by its name.
    fn by_name<'t>(&self, name: &'t str, value: &'t str, found: &mut Found<'t>) {
        let bytes = value.as_bytes();
        let span = Span { start: 0, end: bytes.len() };
        // Alone it is a pair, if anything; inside of a text it has other meanings.
        let login = || name.eq_ignore_ascii_case("auth").then_some(Promise { class: Class::Login, weak: true });
        let Some(promise) = self.promise(name).or_else(login) else {
            // A data source name without a scheme: `shop:hunter2@db:5432/shop`.
            if ["url", "uri", "dsn"].iter().any(|suffix| ends(name.as_bytes(), suffix)) {
                urls::without_scheme(bytes, found);
            }
            return;
        };
        let mut verdict = values::judge(promise, bytes, Source::Whole);
        // `API_TOKEN=API_TOKEN`: a template that nobody filled in. As a password it would work.
        if verdict == Verdict::Yes
            && promise.class != Class::Password
            && name.contains(['_', '-'])
            && bytes.trim_ascii().eq_ignore_ascii_case(name.as_bytes())
        {
            verdict = Verdict::Placeholder;
        }
        named(verdict, promise.class, name.as_bytes(), "", bytes, span, found);
    }

    fn by_entropy(&self, text: &str, found: &mut Found<'_>) {
        let Some(threshold) = self.options.entropy else { return };
        found.next_detector();
        let bytes = text.as_bytes();
        let mut start = 0;
        for word in bytes.split(|byte| !bytes::is(*byte, bytes::DOT | BASE64)) {
            let end = start + word.len();
            let digits = word.iter().any(u8::is_ascii_digit);
            if word.len() >= 20 && digits && !values::is_uuid(word) && values::entropy(word) >= threshold {
                found.add(&ENTROPY, "a value that is as random as a key", "", Span { start, end });
            }
            start = end + 1;
        }
    }
}

/// How many encodings are looked through.
const DEEPEST: u32 = 2;

/// No form of [`formats`] is shorter.
const SHORTEST_TOKEN: usize = 15;

const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// FNV-1a, 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}

/// A hash that white space and the escapes of JSON do not change.
fn fingerprint(secret: &[u8]) -> u64 {
    let mut fingerprint = hash(&[]);
    let mut rest = secret;
    while let Some((byte, after)) = rest.split_first() {
        let (seen, next) = match (byte, after) {
            (b'\\', [b'u', digits @ ..]) => match digits.get(..4).and_then(encoding::number) {
                Some(value) => (Some(value as u8), digits.get(4..).unwrap_or_default()),
                None => (None, after),
            },
            (b'\\', [b'n' | b'r' | b't', next @ ..]) => (None, next),
            (b'\\', _) => (None, after),
            _ => ((!byte.is_ascii_whitespace()).then_some(*byte), after),
        };
        if let Some(byte) = seen {
            fingerprint = (fingerprint ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        }
        rest = next;
    }
    fingerprint
}

#[cfg(test)]
mod tests;
