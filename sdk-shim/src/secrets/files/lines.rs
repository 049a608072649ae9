//! Files of lines: a name, a separator and a value, or a directive and its value. `.env`, INI, properties, YAML, shell scripts,
//! configuration files of servers, and lists of logins.

use super::super::bytes::{DIGIT, DOT, WORD, among, at, cut, ends, listed, run, starts};
use super::super::names::{Class, Promise};
use super::super::rules::{HTTP, PLACEHOLDER};
use super::super::values::{self, Verdict};
use super::super::{Found, Scanner, Span, pairs};
use super::context::{self, Owner, Parents};
use super::language::{Language, Style};
use super::{Line, Lines};

const PASSWORD: Promise = Promise { class: Class::Password, weak: false };

/// Finds them.
pub(super) fn scan<'t>(scanner: &Scanner<'_>, key: &str, language: Language, text: &'t str, found: &mut Found<'t>) {
    let list = Logins::of(key);
    let mut reader = Reader {
        scanner,
        language,
        text,
        bytes: text.as_bytes(),
        parents: Parents::default(),
        section: Span { start: 0, end: 0 },
        label: None,
        waiting: None,
        list: None,
    };
    let mut lines = Lines::of(text.as_bytes()).peekable();
    while let Some(line) = lines.next() {
        match list {
            Some(list) if list.line(text, line, found) => {}
            _ => reader.line(line, lines.peek().copied(), found),
        }
    }
}

/// What a shell, or Docker Compose, puts in where a variable is not set: `${DB_PASSWORD:-...}`, `${DB_PASSWORD:=...}`.
pub(super) fn expansions<'t>(scanner: &Scanner<'_>, text: &'t str, found: &mut Found<'t>) {
    let bytes = text.as_bytes();
    let mut here = 0;
    while let Some(length) = cut(bytes, here, bytes.len()).windows(2).position(|pair| pair == b"${") {
        let name = Span { start: here + length + 2, end: run(bytes, here + length + 2, WORD) };
        here = name.end;
        let separator = match cut(bytes, name.end, name.end + 2) {
            b":-" | b":=" => 2,
            [b'-' | b'=', _] => 1,
            _ => continue,
        };
        let start = name.end + separator;
        let end = start + cut(bytes, start, bytes.len()).iter().take_while(|byte| !matches!(byte, b'}' | b'\n' | b'{')).count();
        here = end;
        if bytes.get(end) == Some(&b'}')
            && let Some(promise) = text.get(name.start..name.end).and_then(|name| scanner.promise(name))
        {
            super::judge(promise, name, Span { start, end }, text, found);
        }
    }
}

/// What the lines before said.
struct Reader<'r, 'o, 't> {
    scanner: &'r Scanner<'o>,
    language: Language,
    text: &'t str,
    bytes: &'t [u8],
    parents: Parents,
    /// `[section]`
    section: Span,
    /// `name: DB_PASSWORD`, and the number of the line.
    label: Option<(Owner, usize)>,
    /// The name whose value stands on the next line.
    waiting: Option<Waiting>,
    /// The name whose list goes on, and how far it is indented.
    list: Option<(Owner, usize)>,
}

/// A name whose value stands on the next line.
#[derive(Clone, Copy)]
struct Waiting {
    owner: Owner,
    /// How far the name is indented; the value is further.
    indent: usize,
    /// The line ended in a backslash.
    continued: bool,
    /// `|` or `>` of YAML.
    block: bool,
}

/// A name, and where its value begins.
struct Statement {
    name: Span,
    colon: bool,
    /// Behind the separator and spaces.
    value: usize,
    /// Behind the separator itself.
    after: usize,
}

impl<'t> Reader<'_, '_, 't> {
    fn cut(&self, span: Span) -> &'t [u8] {
        cut(self.bytes, span.start, span.end)
    }

    fn line(&mut self, line: Line, next: Option<Line>, found: &mut Found<'t>) {
        let end = self.language.comment(self.bytes, line.start, line.end);
        let (start, dashes) = super::content(self.bytes, line.start, end);
        let here = Span { start, end: start + cut(self.bytes, start, end).trim_ascii_end().len() };
        if here.start == here.end {
            return;
        }
        let indent = start - line.start;
        let waiting = self.waiting.take().filter(|waiting| indent > waiting.indent || waiting.continued);
        // A list begins on the line behind its name, and ends with the first line that is none of it.
        let list = self.list.take().filter(|(_, before)| dashes > 0 && indent >= *before);
        let first = self.bytes.get(start).copied().unwrap_or_default();
        if first == b'[' && self.section(here) {
            return;
        }
        self.parents.leave(indent);
        // A block of one line is a value; one of several has lines of its own.
        let goes_on = || {
            next.is_some_and(|next| {
                let (start, _) = super::content(self.bytes, next.start, next.end);
                start < next.end && start - next.start >= indent
            })
        };
        let waiting = waiting.filter(|_| dashes == 0 && !goes_on());
        let statement = self.statement(here);
        if let Some(Waiting { owner, block: true, .. }) = waiting
            && statement.as_ref().is_none_or(|statement| !statement.colon)
            && self.value(owner, here, false, found)
        {
            return;
        }
        let Some(statement) = statement else {
            self.list = list;
            let owner = waiting.map(|waiting| waiting.owner).or(list.map(|(owner, _)| owner));
            if owner.is_some_and(|owner| self.value(owner, here, false, found)) {
                return;
            }
            return self.other(here, found);
        };
        self.assign(&statement, here, indent, line.number, found);
    }

    /// `[database]`
    fn section(&mut self, here: Span) -> bool {
        let inner = Span { start: here.start + 1, end: here.end.saturating_sub(1) };
        let name = self.cut(inner);
        let is_section = self.bytes.get(here.end - 1) == Some(&b']')
            && !name.is_empty()
            && name.iter().all(|byte| !matches!(byte, b',' | b'{' | b'[' | b']' | b'='));
        if is_section {
            self.parents.clear();
            // The last word of `[auth.ldap]` and of `[profile "x"]`.
            self.section = inner;
            self.list = None;
        }
        is_section
    }

    /// The name with which a line begins, if it begins with one.
    fn statement(&self, here: Span) -> Option<Statement> {
        let Span { start, end } = here;
        let mut at = start;
        if let Some(quote @ (b'"' | b'\'')) = self.bytes.get(start) {
            let name = Span { start: start + 1, end: closing(self.bytes, start + 1, end, *quote)? };
            at = name.end + 1;
            while at < end && matches!(self.bytes.get(at), Some(b' ' | b'\t')) {
                at += 1;
            }
            let colon = match self.bytes.get(at).filter(|_| at < end)? {
                b':' => true,
                b'=' if self.bytes.get(at + 1) != Some(&b'=') => false,
                _ => return None,
            };
            return Some(self.statement_at(name, at, colon, end));
        }
        let mut first_colon = None;
        while at < end {
            let next = self.bytes.get(at + 1).copied().filter(|_| at + 1 < end);
            match self.bytes.get(at)? {
                b'=' => {
                    if next == Some(b'=') {
                        return None;
                    }
                    let name = pairs::name_before(self.bytes, at, false).filter(|name| name.start >= start);
                    return name.map(|name| self.statement_at(name, at, false, end));
                }
                b':' if next == Some(b':') => at += 1,
                b':' if next == Some(b'/') && self.bytes.get(at + 2) == Some(&b'/') => return None,
                // `name := value`
                b':' if next == Some(b'=') => {}
                b':' if next.is_none_or(|next| matches!(next, b' ' | b'\t' | b'"' | b'\'')) => {
                    let name = pairs::name_before(self.bytes, at, true).filter(|name| name.start >= start);
                    return name.map(|name| self.statement_at(name, at, true, end));
                }
                b':' => first_colon = first_colon.or(Some(at)),
                b'(' | b'{' | b'<' | b'>' | b'"' | b'\'' | b'`' | b',' | b';' | b'|' | b'&' => return None,
                b'[' if !self.bytes.get(at + 1).is_some_and(|byte| byte.is_ascii_alphanumeric()) => return None,
                _ => {}
            }
            at += 1;
        }
        // `name:value`, as properties may have it.
        let colon = first_colon.filter(|colon| run(self.bytes, start, DOT) == *colon)?;
        Some(self.statement_at(Span { start, end: colon }, colon, true, end))
    }

    fn statement_at(&self, name: Span, separator: usize, colon: bool, end: usize) -> Statement {
        let mut after = separator + 1;
        if matches!(self.bytes.get(after), Some(b'>')) {
            after += 1;
        }
        let mut value = after.min(end);
        while value < end && matches!(self.bytes.get(value), Some(b' ' | b'\t')) {
            value += 1;
        }
        Statement { name, colon, value, after }
    }

    fn assign(&mut self, statement: &Statement, here: Span, indent: usize, number: usize, found: &mut Found<'t>) {
        let name = self.cut(statement.name);
        let value = Span { start: statement.value, end: here.end };
        let is_label = context::is_label(name);
        if is_label && value.start < value.end {
            let plain = self.unquoted(value);
            let promise = self.text.get(plain.start..plain.end).and_then(|name| self.scanner.promise(name));
            self.label = promise.map(|promise| (Owner { promise, name: plain }, number));
        }
        if self.section.end > 0 && self.parents.nearest().is_none() {
            self.parents.push(0, self.section);
        }
        let mut owner = self.scanner.owner(self.text, statement.name, &self.parents);
        if context::is_value(name) {
            let label = self.label.take().filter(|(_, line)| number - line <= 4).map(|(owner, _)| owner);
            owner = label.or_else(|| self.scanner.around(self.text, &self.parents)).or(owner);
        }
        // YAML: `password: &name value`
        let mut value = value;
        let mut is_anchor = false;
        if statement.colon && self.bytes.get(value.start) == Some(&b'&') {
            let length = self.cut(value).iter().position(u8::is_ascii_whitespace);
            is_anchor = length.is_none();
            value.start = length.map_or(value.end, |length| value.start + length);
            value = trimmed(self.bytes, value);
        }
        let rest = self.cut(value);
        let is_block = statement.colon && is_block_header(rest);
        if rest.is_empty() || is_block || matches!(rest, b"{" | b"[" | b"\\" | b"(") || is_anchor {
            self.parents.push(indent, statement.name);
            let Some(owner) = owner else { return };
            self.waiting = Some(Waiting { owner, indent, continued: rest == b"\\", block: is_block });
            self.list = (rest.is_empty() || rest == b"[").then_some((owner, indent));
            return;
        }
        if let Some(owner) = owner
            && self.value(owner, value, !statement.colon, found)
        {
            return;
        }
        // Registry logins, and pairs inside of the value.
        if owner.is_none()
            && pairs::other(self.upto(here.end), statement.name, statement.after, statement.after - 1, found).is_some()
        {
            return;
        }
        if owner.is_none() || matches!(rest.first(), Some(b'{' | b'[' | b'"' | b'\'')) || rest.contains(&b'=') {
            self.pairs(value, found);
        }
    }

    /// The text up to a place: what is behind is not looked at, and places stay what they are.
    fn upto(&self, end: usize) -> &'t str {
        self.text.get(..end).unwrap_or_default()
    }

    fn pairs(&self, part: Span, found: &mut Found<'t>) {
        if self.language.style == Style::Shell {
            return self.words(part, found);
        }
        pairs::scan_from(self.upto(part.end), part.start, found);
    }

    /// The words of a shell's line: pairs do not go beyond the quotes that they stand in.
    fn words(&self, part: Span, found: &mut Found<'t>) {
        let mut here = part.start;
        while here < part.end {
            let start = here;
            let mut inner = None;
            while here < part.end {
                match self.bytes.get(here) {
                    Some(quote @ (b'"' | b'\'')) => {
                        let Some(end) = closing(self.bytes, here + 1, part.end, *quote) else {
                            // A string of several lines.
                            here = part.end;
                            break;
                        };
                        if here == start {
                            inner = Some(Span { start: here + 1, end });
                        }
                        here = end + 1;
                    }
                    Some(b'$') if self.bytes.get(here + 1) == Some(&b'(') => {
                        here += 2;
                    }
                    Some(byte) if byte.is_ascii_whitespace() || matches!(byte, b';' | b'|' | b'&') => break,
                    _ => here += 1,
                }
            }
            match inner {
                // `echo "token: missing"`
                Some(inner)
                    if self.cut(inner).iter().all(|byte| !matches!(byte, b'=' | b'0'..=b'9' | b'-' | b'"' | b'\''))
                        && inner.end + 1 == here
                        && self.cut(inner).contains(&b':') => {}
                Some(inner) if inner.end + 1 == here => pairs::scan_from(self.upto(inner.end), start, found),
                _ => pairs::scan_from(self.upto(here), start, found),
            }
            here = here.max(start) + 1;
        }
    }

    fn unquoted(&self, value: Span) -> Span {
        match self.cut(value) {
            [quote @ (b'"' | b'\''), ..] => {
                let end = closing(self.bytes, value.start + 1, value.end, *quote).unwrap_or(value.end);
                Span { start: value.start + 1, end }
            }
            _ => value,
        }
    }

    /// Judges what stands behind a name; tells whether there is nothing else to be looked for in it.
    fn value(&self, owner: Owner, value: Span, equals: bool, found: &mut Found<'t>) -> bool {
        let mut value = value;
        let mut rest = self.cut(value);
        // YAML: `!!binary aGk=` is a text, `!vault |` and `!Ref x` are not; `*x` is a text that stands elsewhere.
        if let Some(tagged) = rest.strip_prefix(b"!") {
            let tag = tagged.iter().position(u8::is_ascii_whitespace);
            let (Some(tag), Some(b'!')) = (tag, tagged.first()) else {
                return tagged.first().is_some_and(u8::is_ascii_alphabetic) && tag.is_some();
            };
            value.start += tag + 2;
            rest = self.cut(value).trim_ascii_start();
            value.start = value.end - rest.len();
        }
        if rest.first() == Some(&b'*') && run(rest, 1, DOT) == rest.len() && !equals && rest.len() > 1 && !rest.ends_with(b"=")
        {
            return true;
        }
        match rest {
            // Of Grafana's INI, for what holds comment signs.
            [b'"', b'"', b'"', .., b'"', b'"', b'"'] if rest.len() > 6 => {
                self.judge(owner, Span { start: value.start + 3, end: value.end - 3 }, found)
            }
            [quote @ (b'"' | b'\''), ..] => {
                if let Some(end) = closing(self.bytes, value.start + 1, value.end, *quote) {
                    let inner = Span { start: value.start + 1, end };
                    // `"a" + b` and `"a" if c else "b"`: only the first is sure.
                    return self.judge(owner, inner, found);
                }
                // A text of several lines, or an apostrophe.
                let inner = Span { start: value.start + 1, end: value.end };
                self.judge(owner, inner, found)
            }
            [b'{', next, ..] if !matches!(next, b'{' | b'%' | b'#') && rest.ends_with(b"}") && rest.contains(&b':') => false,
            [b'[', next, ..] if *next != b'[' && owner.promise.class != Class::Authorization => self.items(owner, value, found),
            _ => self.bare(owner, value, equals, found),
        }
    }

    /// `[a, b]`
    fn items(&self, owner: Owner, list: Span, found: &mut Found<'t>) -> bool {
        let mut start = list.start + 1;
        let mut any = false;
        let mut owner = owner;
        // `passwords: [a, b]` are some, whatever they look like.
        owner.promise.weak &= !ends(self.cut(owner.name), "passwords");
        for item in cut(self.bytes, start, list.end).split(|byte| *byte == b',') {
            let end = start + item.len();
            let item = trimmed(self.bytes, Span { start, end: end.min(list.end) });
            let item = if self.bytes.get(item.end.saturating_sub(1)) == Some(&b']') && item.end > item.start {
                Span { end: item.end - 1, ..item }
            } else {
                item
            };
            let inner = self.unquoted(trimmed(self.bytes, item));
            if inner.start < inner.end && !self.cut(inner).contains(&b'{') {
                any |= self.judge(owner, inner, found);
            }
            start = end + 1;
        }
        any
    }

    /// A value without quotes.
    fn bare(&self, owner: Owner, value: Span, equals: bool, found: &mut Found<'t>) -> bool {
        let mut rest = self.cut(value);
        if self.language.style == Style::Shell && equals {
            // `A=$(cat x)`
            if rest.starts_with(b"$(") || rest.starts_with(b"`") {
                self.pairs(Span { start: value.start + 1, ..value }, found);
                return true;
            }
            let length = rest.iter().position(|byte| byte.is_ascii_whitespace() || matches!(byte, b';' | b'|' | b'&'));
            let word = Span { end: length.map_or(value.end, |length| value.start + length), ..value };
            self.judge(owner, word, found);
            self.pairs(Span { start: word.end, ..value }, found);
            return true;
        }
        if !self.language.prose
            && let Some(comment) = rest.windows(2).position(|pair| pair == b" ;")
        {
            rest = cut(rest, 0, comment).trim_ascii_end();
        }
        while let [inner @ .., b',' | b';'] = rest {
            rest = inner.trim_ascii_end();
        }
        let mut value = Span { end: value.start + rest.len(), ..value };
        if self.language.prose {
            // `**Password:** x`
            let marks = rest.iter().take_while(|byte| matches!(byte, b'*' | b'_' | b'`' | b' ')).count();
            value.start += marks;
            rest = self.cut(value);
            rest = rest.strip_suffix(b"`").unwrap_or(rest);
            value.end = value.start + rest.len();
        }
        if owner.promise.class != Class::Authorization && rest.iter().any(u8::is_ascii_whitespace) {
            if values::is_reference(rest) {
                return false;
            }
            let other_pairs = rest.split(u8::is_ascii_whitespace).skip(1).any(|word| {
                let name = run(word, 0, DOT).min(word.iter().position(|byte| *byte == b'=').unwrap_or(word.len()));
                name > 0 && word.get(name) == Some(&b'=') || word.starts_with(b"-") && word.len() > 1
            });
            if other_pairs {
                // `password=x dbname=y`: the first word is the value.
                let first = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
                self.judge(owner, Span { end: value.start + first, ..value }, found);
                self.pairs(Span { start: value.start + first, ..value }, found);
                return true;
            }
            if self.language.prose || super::is_sentence(rest) || super::is_expression(rest) {
                return false;
            }
        }
        // `"password": password` is a program that somebody quotes.
        let quoted_name = matches!(owner.name.start.checked_sub(1).and_then(|at| self.bytes.get(at)), Some(b'"' | b'\''));
        if super::is_expression(rest) || quoted_name && rest.eq_ignore_ascii_case(self.cut(owner.name)) {
            return false;
        }
        self.judge(owner, value, found)
    }

    fn judge(&self, owner: Owner, value: Span, found: &mut Found<'t>) -> bool {
        super::judge(owner.promise, owner.name, value, self.text, found)
    }

    /// A line that does not begin with a name and a separator.
    fn other(&mut self, here: Span, found: &mut Found<'t>) {
        if self.language.prose || !self.directive(here, found) {
            self.pairs(here, found);
        }
    }

    /// A directive with its value: `requirepass x`, `set $password "x";`, `proxy_set_header Authorization "Basic x";`,
    /// `machine h login l password p`, `user shop on >x ~*`.
    fn directive(&self, here: Span, found: &mut Found<'t>) -> bool {
        let line = self.cut(here);
        let line = line.strip_suffix(b";").unwrap_or(line).trim_ascii_end();
        let mut words = Words { text: self.bytes, next: here.start, end: here.start + line.len() };
        let Some(first) = words.next() else { return false };
        let head = self.cut(first);
        // `.netrc` (curl, Git, Heroku): tokens in any number on a line.
        if among(head, &["machine", "login"]) || head == b"default" && words.clone().any(|word| self.cut(word) == b"login") {
            let mut password = head == b"password";
            for word in words {
                if password {
                    self.judge(Owner { promise: PASSWORD, name: first }, word, found);
                }
                password = among(self.cut(word), &["password", "passwd"]);
            }
            return true;
        }
        // Redis ACL: `user shop on >password`; `#` is before the password's SHA-256.
        if head == b"user" && words.clone().any(|word| matches!(self.cut(word), b"on" | b"off")) {
            let mut any = false;
            for word in words.filter(|word| self.bytes.get(word.start) == Some(&b'>')) {
                any |= self.judge(Owner { promise: PASSWORD, name: first }, Span { start: word.start + 1, ..word }, found);
            }
            return any;
        }
        // HAProxy: `stats auth user:password`
        if head == b"stats"
            && let (Some(auth), Some(login), None) = (words.next(), words.next(), words.next())
        {
            return self.cut(auth) == b"auth" && self.login(login, found);
        }
        // Redis Sentinel: `sentinel auth-pass mymaster password`
        if head == b"sentinel" {
            let mut words = words.clone();
            let name = words.next().filter(|word| matches!(self.cut(*word), b"auth-pass" | b"sentinel-pass"));
            return match (name, words.last()) {
                (Some(name), Some(word)) => self.judge(Owner { promise: PASSWORD, name }, self.unquoted(word), found),
                _ => false,
            };
        }
        let mut words = Words { text: self.bytes, next: here.start, end: here.start + line.len() };
        let _ = words.next();
        let is_setter = listed(head, SETTERS);
        let mut name = first;
        for _ in 0..if is_setter { 3 } else { 1 } {
            let Some(value) = words.next() else { return false };
            let last = words.clone().next().is_none();
            let name_text = self.cut(name);
            let name_text = name_text.strip_prefix(b"$").unwrap_or(name_text);
            let promise = super::is_name(name_text)
                .then(|| std::str::from_utf8(name_text).ok().and_then(|name| self.scanner.promise(name)))
                .flatten()
                .or_else(|| listed(name_text, DIRECTIVES).then_some(PASSWORD))
                .filter(|promise| !promise.weak);
            if let Some(promise) = promise
                && (last || is_setter && among(self.cut(words.clone().next().unwrap_or(value)), &["always"]))
                && self.is_directive(name, value)
            {
                let owner = Owner { promise, name: Span { start: name.end - name_text.len(), ..name } };
                return self.judge(owner, self.unquoted(value), found);
            }
            name = value;
        }
        false
    }

    /// Whether two words are a name and its value rather than two words of a sentence: `token bucket`, `Password reset`.
    fn is_directive(&self, name: Span, value: Span) -> bool {
        let (name_text, value_text) = (self.cut(name), self.cut(value));
        let both = cut(self.bytes, name.start, value.end);
        let quoted = matches!(value_text.first(), Some(b'"' | b'\''));
        let words =
            value_text.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'.' | b',' | b'!' | b'?' | b':'));
        quoted
            || !super::is_expression(value_text)
                && super::super::names::promise(value_text).is_none()
                && (super::super::names::promise(both).is_some() || listed(name_text, DIRECTIVES) && !listed(name_text, "password"))
                // A word in small letters is believed of names that are no words.
                && (!words
                    || name_text.iter().any(|byte| matches!(byte, b'_' | b'-' | b'.'))
                    || listed(name_text, DIRECTIVES) && name_text.first().is_some_and(u8::is_ascii_lowercase))
    }

    /// `user:password`
    fn login(&self, login: Span, found: &mut Found<'t>) -> bool {
        let rule = match values::pair(self.cut(login)) {
            Verdict::No => return false,
            Verdict::Placeholder => &PLACEHOLDER,
            Verdict::Yes => &HTTP,
        };
        found.add(rule, "a user name and a password", "", login);
        true
    }
}

/// Directives whose value is a password, whatever it looks like.
const DIRECTIVES: &str = "requirepass masterauth bindpw rootpw password sasl_password auth_pass psk";

/// Directives that give a value to what is named by their next word.
const SETTERS: &str = "\
    set setenv env arg export setvar define proxy_set_header add_header more_set_headers more_set_input_headers \
    grpc_set_header fastcgi_param uwsgi_param scgi_param requestheader header http-request http-response add-header \
    set-header rule user record_modifier config :";

/// Whether the lines of this file are logins, hashed as a rule, so that its name says nothing of the value as a whole.
pub(super) fn is_list_of_logins(key: &str) -> bool {
    Logins::of(key).is_some()
}

/// Lists of logins, whose lines have places instead of names.
#[derive(Clone, Copy)]
enum Logins {
    /// `host:port:database:user:password`, of PostgreSQL.
    Pgpass,
    /// `"user" "password"`, of PgBouncer.
    Userlist,
    /// `user:hash`, of Apache and nginx.
    Htpasswd,
    /// `host user:password`, of Postfix.
    SaslPasswd,
    /// `user:x:1000:...`, of the system, and what else only looks like names and values.
    Passwd,
}

impl Logins {
    fn of(key: &str) -> Option<Self> {
        let key = key.as_bytes();
        if among(key, &[".pgpass", "pgpass", "pgpass.conf"]) {
            Some(Self::Pgpass)
        } else if starts(key, "userlist") {
            Some(Self::Userlist)
        } else if starts(key, "sasl_passwd") {
            Some(Self::SaslPasswd)
        } else if ends(key, "htpasswd") || starts(key, "htpasswd") || starts(key, ".htpasswd") {
            Some(Self::Htpasswd)
        } else if among(key, &["passwd", "group", "shadow", "passwd.template", "subuid", "subgid"]) {
            Some(Self::Passwd)
        } else {
            None
        }
    }

    /// Reads a line, if it is one of the list.
    fn line<'t>(self, text: &'t str, line: Line, found: &mut Found<'t>) -> bool {
        let bytes = text.as_bytes();
        let here = cut(bytes, line.start, line.end);
        if here.first().is_none_or(|byte| *byte == b'#') {
            return true;
        }
        let mut add = |start: usize, end: usize, what: &'static str| {
            let secret = cut(bytes, start, end);
            let rule = if super::refers(secret) { Verdict::No } else { values::judge_in_url(secret) };
            match rule {
                Verdict::No => {}
                Verdict::Placeholder => found.add(&PLACEHOLDER, what, "", Span { start, end }),
                Verdict::Yes => found.add(&HTTP, what, "", Span { start, end }),
            }
        };
        match self {
            Self::Pgpass => {
                let mut colons = 0;
                let mut at = line.start;
                while at < line.end && colons < 4 {
                    match bytes.get(at) {
                        Some(b'\\') => at += 1,
                        Some(b':') => colons += 1,
                        _ => {}
                    }
                    at += 1;
                }
                if colons == 4 {
                    add(at, line.end, "the password of a database role");
                }
                colons == 4
            }
            Self::Userlist => {
                let mut words = Words { text: bytes, next: line.start, end: line.end };
                let (Some(user), Some(password)) = (words.next(), words.next()) else { return false };
                let quoted = |word: Span| cut(bytes, word.start, word.end).len() >= 2 && bytes.get(word.start) == Some(&b'"');
                if !quoted(user) || !quoted(password) {
                    return false;
                }
                let (start, end) = (password.start + 1, password.end - 1);
                if !super::is_hash(cut(bytes, start, end)) {
                    add(start, end, "the password of a database role");
                }
                true
            }
            Self::Htpasswd => {
                let Some(colon) = here.iter().position(|byte| *byte == b':') else { return false };
                let (start, end) = (line.start + colon + 1, line.end);
                let start = if starts(cut(bytes, start, end), "{PLAIN}") { start + 7 } else { start };
                let hash = cut(bytes, start, end);
                // Of the first crypt, as `htpasswd -d` makes them, there are thirteen characters.
                let crypt =
                    hash.len() == 13 && hash.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'));
                if !super::is_hash(hash) && !crypt {
                    add(start, end, "a password");
                }
                true
            }
            Self::SaslPasswd => {
                let mut words = Words { text: bytes, next: line.start, end: line.end };
                let (Some(_), Some(login)) = (words.next(), words.next()) else { return false };
                let Some(colon) = cut(bytes, login.start, login.end).iter().position(|byte| *byte == b':') else {
                    return false;
                };
                add(login.start + colon + 1, login.end, "a password");
                true
            }
            Self::Passwd => true,
        }
    }
}

/// Words between white space; one in quotes is one.
#[derive(Clone)]
struct Words<'t> {
    text: &'t [u8],
    next: usize,
    end: usize,
}

impl Iterator for Words<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        while self.next < self.end && self.text.get(self.next).is_some_and(u8::is_ascii_whitespace) {
            self.next += 1;
        }
        let start = self.next;
        if let Some(quote @ (b'"' | b'\'')) = self.text.get(start).filter(|_| start < self.end)
            && let Some(close) = closing(self.text, start + 1, self.end, *quote)
        {
            self.next = close + 1;
            return Some(Span { start, end: close + 1 });
        }
        while self.next < self.end && !self.text.get(self.next).is_some_and(u8::is_ascii_whitespace) {
            self.next += 1;
        }
        (self.next > start).then_some(Span { start, end: self.next })
    }
}

/// Where a quote closes that was opened before `from`; a doubled single quote is one, as in YAML and SQL.
#[inline(never)]
fn closing(text: &[u8], from: usize, end: usize, quote: u8) -> Option<usize> {
    let mut here = from;
    while here < end {
        match text.get(here) {
            Some(b'\\') if quote != b'\'' => here += 1,
            Some(byte) if *byte == quote => {
                if quote == b'\'' && here > from && here + 1 < end && text.get(here + 1) == Some(&quote) {
                    here += 1;
                } else {
                    return Some(here);
                }
            }
            _ => {}
        }
        here += 1;
    }
    None
}

/// `|`, `>-`, `|2+`: the text stands on the next lines.
fn is_block_header(value: &[u8]) -> bool {
    matches!(value.first(), Some(b'|' | b'>'))
        && value.len() <= 3
        && value.iter().skip(1).all(|byte| matches!(byte, b'+' | b'-') || at(&[*byte], 0, DIGIT))
}

fn trimmed(text: &[u8], span: Span) -> Span {
    let part = cut(text, span.start, span.end);
    let start = span.start + part.len() - part.trim_ascii_start().len();
    Span { start, end: start + part.trim_ascii().len() }
}
