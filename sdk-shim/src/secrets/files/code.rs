//! Languages that put their texts into quotes: Python, JavaScript, Go, Lua, PHP, Terraform, TOML, JSON.
//!
//! A text is a secret when it is what a name gets (`PASSWORD = '...'`, `password='...'`, `'PASSWORD': '...'`, `"key" => "..."`), when it
//! is what stands in for a variable that is not set (`os.environ.get('X', '...')`, `process.env.X || '...'`), and when there is a
//! secret in it. What is not in quotes is a program, and no secret.

use super::super::bytes::{DASH, DIGIT, DOT, WORD, among, contains, cut, ends, is, run, run_back};
use super::super::names::Class;
use super::super::{Found, Scanner, Span, flags, pairs};
use super::context::{self, Owner, Parents};
use super::language::Language;

/// A text in quotes.
#[derive(Clone, Copy)]
struct Literal {
    /// Where the quote stands.
    open: usize,
    /// The text itself.
    inner: Span,
    /// Behind the closing quote.
    after: usize,
}

/// What a program is made of, as far as it matters here.
enum Token {
    Text(Literal),
    /// Any other character that is neither a letter nor white space, and where it stands.
    Sign(u8, usize),
}

/// Cuts a program into tokens. Comments are left out.
struct Lexer<'t> {
    text: &'t [u8],
    language: Language,
    here: usize,
    /// For each kind of quote, up to where none is opened again, since it would not close: apostrophes.
    dead: [usize; 3],
    /// Whether triple quotes close.
    triple: bool,
}

const QUOTES: [u8; 3] = [b'"', b'\'', b'`'];

impl<'t> Lexer<'t> {
    fn new(text: &'t [u8], language: Language) -> Self {
        Self { text, language, here: 0, dead: [0; 3], triple: true }
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or_default()
    }

    /// The line's end.
    fn end_of_line(&self, from: usize) -> usize {
        let rest = cut(self.text, from, self.text.len());
        rest.iter().position(|byte| *byte == b'\n').map_or(self.text.len(), |length| from + length)
    }

    fn next(&mut self) -> Option<Token> {
        loop {
            let here = self.here;
            let byte = *self.text.get(here)?;
            if self.language.begins_comment(self.text, here) {
                self.here = self.end_of_line(here);
                continue;
            }
            if byte == b'/' && self.byte(here + 1) == b'*' && self.language.has_slashes() {
                let rest = cut(self.text, here + 2, self.text.len());
                let end = rest.windows(2).position(|pair| pair == b"*/");
                self.here = end.map_or(self.text.len(), |end| here + end + 4);
                continue;
            }
            if let Some(kind) = QUOTES.iter().position(|quote| *quote == byte) {
                if let Some(literal) = self.literal(here, kind) {
                    self.here = literal.after;
                    return Some(Token::Text(literal));
                }
                self.here = here + 1;
                continue;
            }
            self.here = here + 1;
            if byte == b'\\' {
                self.here = here + 2;
            } else if byte == b'\n' || !(byte.is_ascii_whitespace() || is(byte, WORD) || byte >= 0x80) {
                return Some(Token::Sign(byte, here));
            }
        }
    }

    fn literal(&mut self, open: usize, kind: usize) -> Option<Literal> {
        let quote = *QUOTES.get(kind)?;
        if self.triple && quote != b'`' && self.byte(open + 1) == quote && self.byte(open + 2) == quote {
            let start = open + 3;
            let rest = cut(self.text, start, self.text.len());
            match rest.windows(3).position(|three| three == [quote; 3]) {
                Some(length) => {
                    let inner = Span { start, end: start + length };
                    return Some(Literal { open, inner, after: inner.end + 3 });
                }
                // The search went to the end of the text once, and does not again.
                None => self.triple = false,
            }
        }
        if self.dead.get(kind).is_some_and(|dead| open < *dead) {
            return None;
        }
        let start = open + 1;
        let mut end = start;
        loop {
            match self.byte(end) {
                b'\n' => break,
                0 if end >= self.text.len() => break,
                b'\\' if self.byte(end + 1) != b'\n' => end += 1,
                byte if byte == quote => {
                    return Some(Literal { open, inner: Span { start, end }, after: end + 1 });
                }
                _ => {}
            }
            end += 1;
        }
        if let Some(dead) = self.dead.get_mut(kind) {
            *dead = end.min(self.text.len());
        }
        None
    }
}

/// Finds them.
pub(super) fn scan<'t>(scanner: &Scanner<'_>, language: Language, text: &'t str, found: &mut Found<'t>) {
    let bytes = text.as_bytes();
    let mut reader = Reader {
        scanner,
        text,
        bytes,
        parents: Parents::default(),
        depth: 0,
        getting: None,
        name: None,
        label: None,
        last: None,
        opens: false,
    };
    let mut lexer = Lexer::new(bytes, language);
    while let Some(token) = lexer.next() {
        match token {
            Token::Text(literal) => reader.text(literal, found),
            Token::Sign(sign, at) => reader.sign(sign, at, found),
        }
    }
}

/// What a name gets.
#[derive(Clone, Copy)]
struct Getting {
    /// The name, where it promises something.
    owner: Option<Owner>,
    name: Span,
    /// Behind the separator.
    after: usize,
    /// How many brackets were open.
    depth: u32,
    /// In a list, all texts are what it gets.
    list: bool,
}

/// What stands before the present place.
struct Reader<'r, 'o, 't> {
    scanner: &'r Scanner<'o>,
    text: &'t str,
    bytes: &'t [u8],
    parents: Parents,
    depth: u32,
    getting: Option<Getting>,
    /// The last name that got something, for the map that it gets.
    name: Option<Span>,
    /// `"name": "DB_PASSWORD"`
    label: Option<Owner>,
    /// The last text that is named like a secret, and whether it is what a call sets.
    last: Option<(Owner, bool)>,
    /// Whether the last sign leaves an assignment open at the end of its line.
    opens: bool,
}

/// How far a `value` may be from its `name`.
const NEAR: usize = 240;

impl<'t> Reader<'_, '_, 't> {
    fn cut(&self, span: Span) -> &'t [u8] {
        cut(self.bytes, span.start, span.end)
    }

    fn sign(&mut self, sign: u8, at: usize, found: &mut Found<'t>) {
        let opens = std::mem::replace(&mut self.opens, sign != b'\n');
        match sign {
            b'=' | b':' => {
                self.separator(sign, at);
                self.number(found);
            }
            b'{' => {
                let name = self.name.take().filter(|name| at.saturating_sub(name.end) < NEAR);
                self.depth += 1;
                self.parents.push(self.depth as usize, name.unwrap_or(Span { start: 0, end: 0 }));
                self.getting = None;
            }
            b'}' => {
                self.depth = self.depth.saturating_sub(1);
                self.parents.pop();
                self.getting = None;
                self.name = None;
            }
            b'[' | b'(' => {
                self.depth += 1;
                if let Some(getting) = &mut self.getting {
                    getting.list |= sign == b'['
                        && self.bytes.get(at + 1) != Some(&b']')
                        && self.bytes.get(getting.after..at).is_some_and(|gap| gap.trim_ascii().is_empty());
                }
            }
            b']' | b')' => {
                // The call is over.
                if let Some((_, sets)) = &mut self.last {
                    *sets &= sign != b')';
                }
                self.depth = self.depth.saturating_sub(1);
                if self.getting.is_some_and(|getting| getting.depth >= self.depth && sign == b']' && getting.list) {
                    self.getting = None;
                }
            }
            b',' if self.getting.is_some_and(|getting| getting.depth < self.depth) => {}
            b',' | b';' => self.getting = None,
            b'\n' => {
                // An assignment goes on in brackets, and behind an operator.
                if !opens && self.getting.is_some_and(|getting| getting.depth >= self.depth) {
                    self.getting = None;
                }
                self.opens = opens;
            }
            _ => {}
        }
    }

    fn separator(&mut self, sign: u8, at: usize) {
        let next = self.bytes.get(at + 1).copied().unwrap_or_default();
        let before = at.checked_sub(1).and_then(|before| self.bytes.get(before)).copied().unwrap_or_default();
        let colon = sign == b':';
        // `==`, `!=`, `<=`, `=~`, `::`, `://`; of `:=` the second counts.
        if next == sign || before == sign || colon && matches!(next, b'=' | b'/') || !colon && next == b'~' {
            return;
        }
        if !colon && matches!(before, b'!' | b'<' | b'>') {
            return;
        }
        let after = at + 1 + usize::from(!colon && next == b'>');
        let Some(name) = pairs::name_before(self.bytes, at, colon) else { return };
        // `password: string = "..."`: the type is no name.
        if let Some(getting) = &mut self.getting
            && !colon
            && getting.owner.is_some()
            && self.bytes.get(getting.after..name.start).is_some_and(|gap| gap.trim_ascii().is_empty())
        {
            getting.after = after;
            return;
        }
        let name_text = cut(self.bytes, name.start, name.end);
        // `"JSON Web Token": "..."` is a text and no name.
        let behind = |at: usize| at.checked_sub(1).and_then(|at| self.bytes.get(at)).copied().unwrap_or_default();
        if matches!(self.bytes.get(name.end), Some(b'"' | b'\'')) && behind(name.start) == b' ' {
            self.getting = None;
            return;
        }
        let mut owner = self.scanner.owner(self.text, name, &self.parents);
        // `map[key] = ...`: a variable says which.
        if !QUOTES.contains(&behind(name.start)) && self.bytes.get(name.end) == Some(&b']') {
            owner = None;
        }
        // `Rails.application.config.secret_key_base`: of a member its own name counts.
        let member = name_text.iter().rposition(|byte| *byte == b'.').map(|dot| Span { start: name.start + dot + 1, ..name });
        if let Some(member) = member.and_then(|member| self.scanner.owner(self.text, member, &self.parents))
            && !member.promise.weak
        {
            owner = Some(member);
        }
        if context::is_value(name_text) {
            let near = |owner: &Owner| at.saturating_sub(owner.name.end) < NEAR;
            let label = self.label.take().filter(near);
            let last = || self.last.map(|(owner, _)| owner).filter(near);
            owner = label.or_else(last).or_else(|| self.scanner.around(self.text, &self.parents)).or(owner);
        }
        self.getting = Some(Getting { owner, name, after, depth: self.depth, list: false });
        self.name = Some(name);
    }

    /// `"password": 12345678`
    fn number(&self, found: &mut Found<'t>) {
        let Some(Getting { owner: Some(owner), after, .. }) = self.getting else { return };
        let start = after + cut(self.bytes, after, after + 8).iter().take_while(|byte| **byte == b' ').count();
        let end = run(self.bytes, start, DIGIT);
        let ends =
            self.bytes.get(end).is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b'}' | b';' | b')'));
        if owner.promise.class == Class::Password && (4..=64).contains(&(end - start)) && ends {
            super::judge(owner.promise, owner.name, Span { start, end }, self.text, found);
        }
    }

    fn text(&mut self, literal: Literal, found: &mut Found<'t>) {
        self.opens = false;
        let Literal { open, inner, after } = literal;
        let spaces = run_back_spaces(self.bytes, open);
        let next = self.bytes.get(after + cut(self.bytes, after, after + 8).iter().take_while(|byte| **byte == b' ').count());
        let content = self.cut(inner);
        // A key; the separator will read it. Of `a ? "b" : "c"` this one is none.
        let is_key = match next {
            Some(b':') => true,
            Some(b'=') => self.bytes.get(after + 1) != Some(&b'=') && self.bytes.get(after + 2) != Some(&b'='),
            _ => false,
        };
        if is_key && !content.contains(&b' ') && content.len() < 128 {
            return;
        }
        let direct = |getting: &Getting| {
            // `f"..."`, `rb'...'`, `("..."`
            let gap = cut(self.bytes, getting.after, open);
            gap.trim_ascii() == b"[]byte("
                || gap.len() < 256
                    && gap.iter().all(|byte| byte.is_ascii_whitespace() || matches!(byte, b'(' | b'[' | b'@' | b'$' | b'\\'))
                || gap.len() < 8
                    && gap.trim_ascii().len() <= 2
                    && gap
                        .trim_ascii()
                        .iter()
                        .all(|byte| matches!(byte.to_ascii_lowercase(), b'f' | b'r' | b'b' | b'u' | b'@' | b'$'))
        };
        let mut done = false;
        if let Some(getting) = self.getting {
            let is_direct = direct(&getting);
            let name_text = self.cut(getting.name);
            if is_direct && context::is_label(name_text) {
                self.label = self.owner_of(inner);
            }
            match getting.owner {
                Some(owner) if is_direct || getting.list || self.is_default(getting.after, spaces) => {
                    done = self.judge(owner, inner, found);
                }
                Some(_) => {}
                None if is_direct => {
                    done = pairs::other(self.text, getting.name, getting.after, getting.after - 1, found).is_some();
                }
                None => {}
            }
        }
        if !done
            && let Some((owner, true)) = self.last.take()
            && self.bytes.get(spaces.wrapping_sub(1)) == Some(&b',')
            && open.saturating_sub(owner.name.end) < NEAR
        {
            done = self.judge(owner, inner, found);
        }
        if let Some(owner) = self.owner_of(inner) {
            self.last = Some((owner, self.is_set(spaces)));
        }
        // `"token: invalid"` is a message; a text of several lines may be a file.
        let has_pairs = || {
            content.iter().any(|byte| matches!(byte, b'=' | b'>' | b'"' | b'\'' | b'\n')) || contains(content, "authorization:")
        };
        if !done && content.len() > 4 && has_pairs() {
            pairs::scan_from(self.text.get(..inner.end).unwrap_or_default(), inner.start, found);
        }
    }

    /// The name that a text is, if it promises something.
    fn owner_of(&self, inner: Span) -> Option<Owner> {
        let name = self.text.get(inner.start..inner.end)?;
        if name.len() > 128 || !super::is_name(name.as_bytes()) {
            return None;
        }
        self.scanner.promise(name).map(|promise| Owner { promise, name: inner })
    }

    /// Whether the text that begins behind these spaces is what stands in for something that is not there.
    fn is_default(&self, from: usize, spaces: usize) -> bool {
        let before = |back: usize| spaces.checked_sub(back).and_then(|at| self.bytes.get(at)).copied().unwrap_or_default();
        match before(1) {
            // `a || "b"`, `a ?? "b"`, `a ?: "b"`
            b'|' => before(2) == b'|',
            b'?' => before(2) == b'?',
            b':' => before(2) == b'?',
            // The second argument of what reads the environment or a configuration.
            b',' => {
                let call = cut(self.bytes, from, (from + 64).min(spaces));
                // `SECRET_KEY=(str, '...')`, of django-environ: a type and a default.
                let inner = call.trim_ascii().strip_prefix(b"(").unwrap_or_default();
                if run(inner, 0, WORD) + 1 == inner.len() && inner.len() > 1 {
                    return true;
                }
                const READERS: [&str; 9] =
                    ["env", "config(", ".get(", "getOrDefault", "getProperty", "fetch(", "setdefault", "lookup(", "coalesce("];
                READERS.iter().any(|reader| contains(call, reader))
            }
            _ => {
                let word = run_back(self.bytes, spaces, WORD, 8);
                among(cut(self.bytes, word, spaces), &["or", "else"]) && word > from
            }
        }
    }

    /// Whether the text that begins behind these spaces names what a call sets: `define('X', ...)`, `put("x", ...)`.
    fn is_set(&self, spaces: usize) -> bool {
        let Some(open) = spaces.checked_sub(1).filter(|open| self.bytes.get(*open) == Some(&b'(')) else { return false };
        let name = run_back(self.bytes, open, DASH | DOT, 64);
        let name = cut(self.bytes, name, open);
        let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        among(
            last,
            &[
                "define",
                "put",
                "set",
                "add",
                "setdefault",
                "setproperty",
                "getordefault",
                "getproperty",
                "setenv",
                "fetch",
                "env",
                "getenv",
                "config",
                "get",
                "setex",
                "header",
                "setheader",
                "addheader",
                "append",
                // `flag.String("password", "...", "usage")`
                "string",
            ],
        )
    }

    fn judge(&self, owner: Owner, inner: Span, found: &mut Found<'t>) -> bool {
        let value = self.cut(inner);
        // What is put together of pieces: `"Bearer " + token`, `'%s:%s' % (a, b)`.
        if owner.promise.class != Class::Authorization
            && (value.ends_with(b" ")
                || value.contains(&b'%') && contains(value, "%s")
                || super::is_sentence(value) && !ends(value, "here"))
        {
            return false;
        }
        // `bearerToken = "bearer-token"` is a constant.
        let letters = |text: &'t [u8]| text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase);
        if owner.promise.class != Class::Password && letters(value).eq(letters(self.cut(owner.name))) && !value.contains(&b'_')
        {
            return false;
        }
        super::judge(owner.promise, owner.name, inner, self.text, found)
    }
}

fn run_back_spaces(text: &[u8], end: usize) -> usize {
    let mut start = end;
    // The letters before a quote belong to it: `f'...'`.
    if start > 0
        && text.get(start - 1).is_some_and(|byte| matches!(byte.to_ascii_lowercase(), b'f' | b'r' | b'b' | b'u' | b'$' | b'@'))
    {
        let prefix = run_back(text, start, WORD, 4);
        if start - prefix <= 2 {
            start = prefix;
        }
    }
    while end - start < 128 && start > 0 && text.get(start - 1).is_some_and(u8::is_ascii_whitespace) {
        start -= 1;
    }
    start
}

/// Flags of programs in lists of words: `["redis-server", "--requirepass", "..."]`, and in texts.
pub(super) fn command_lines<'t>(language: Language, text: &'t str, found: &mut Found<'t>) {
    let mut lexer = Lexer::new(text.as_bytes(), language);
    let mut line = flags::Line::default();
    while let Some(token) = lexer.next() {
        match token {
            Token::Sign(b'[' | b'(' | b'{' | b']' | b')' | b'}' | b';' | b':' | b'=', _) => line = flags::Line::default(),
            Token::Sign(..) => {}
            // A message may speak of flags.
            Token::Text(Literal { inner, .. }) if super::has_small_words(cut(text.as_bytes(), inner.start, inner.end)) => {}
            Token::Text(Literal { inner, .. }) => line.read_part(text, inner.start, inner.end, found),
        }
    }
}
