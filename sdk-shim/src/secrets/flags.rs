//! Secrets that stand a word behind their flag (`--password hunter2`, `curl -u user:pass`), or stuck to a short one
//! (`mysql -phunter2`). Flags with an equals sign are [pairs](super::pairs).

use super::bytes::among;
use super::names::{self, Class, Promise};
use super::rules::{HTTP, PLACEHOLDER};
use super::values::{self, Source, Verdict};
use super::{Found, Span, named};

/// What a flag takes.
#[derive(Clone, Copy)]
enum Takes {
    Password,
    /// `user:password`
    Login,
}

/// A short or long flag whose name does not say what it takes.
struct Flag {
    flag: &'static str,
    takes: Takes,
    /// Whether the value may be stuck to it; of [`Stuck::Only`] flags it must be.
    stuck: Stuck,
}

#[derive(Clone, Copy, PartialEq)]
enum Stuck {
    No,
    Too,
    Only,
}

const fn flag(flag: &'static str, takes: Takes, stuck: Stuck) -> Flag {
    Flag { flag, takes, stuck }
}

/// Programs by the name of their file, and the flags by which they take passwords. `login` is the subcommand of container
/// tools, Helm and clouds.
const PROGRAMS: &[(&[&str], &[Flag])] = &[
    (
        &[
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mysqlimport",
            "mysqlcheck",
            "mysqlshow",
            "mariadb",
            "mariadb-dump",
            "mariadb-admin",
            "mariadb-check",
        ],
        &[flag("-p", Takes::Password, Stuck::Only)],
    ),
    (
        &["curl"],
        &[
            flag("-u", Takes::Login, Stuck::Too),
            flag("--user", Takes::Login, Stuck::No),
            flag("-U", Takes::Login, Stuck::Too),
            flag("--proxy-user", Takes::Login, Stuck::No),
        ],
    ),
    (&["http", "https", "xh"], &[flag("-a", Takes::Login, Stuck::Too), flag("--auth", Takes::Login, Stuck::No)]),
    (&["etcdctl"], &[flag("--user", Takes::Login, Stuck::No)]),
    (&["redis-cli", "valkey-cli", "keydb-cli"], &[flag("-a", Takes::Password, Stuck::No)]),
    (&["sshpass"], &[flag("-p", Takes::Password, Stuck::Too)]),
    (
        &["mongo", "mongosh", "mongodump", "mongorestore", "mongoimport", "mongoexport", "mongostat", "rabbitmqadmin", "cqlsh"],
        &[flag("-p", Takes::Password, Stuck::Too)],
    ),
    (&["sqlcmd", "bcp", "zip", "unzip"], &[flag("-P", Takes::Password, Stuck::Too)]),
    (&["ldapsearch", "ldapadd", "ldapmodify", "ldapwhoami", "ldapdelete"], &[flag("-w", Takes::Password, Stuck::Too)]),
    (&["login"], &[flag("-p", Takes::Password, Stuck::Too)]),
    (&["influx"], &[flag("-p", Takes::Password, Stuck::No), flag("-t", Takes::Password, Stuck::No)]),
    (&["7z", "7za"], &[flag("-p", Takes::Password, Stuck::Only)]),
];

/// What the next word is.
#[derive(Clone, Copy)]
enum Expected {
    /// The value of a flag, by the flag's name.
    Named(Promise),
    Flag(Takes),
    /// So many words, and a password behind them.
    Behind(u8),
    /// What `echo` and `printf` print.
    Echoed,
}

/// Reads the words of a command line, one text after the other: `command` and `args` are one line.
#[derive(Default)]
pub(super) struct Line {
    flags: Option<&'static [Flag]>,
    program: Program,
    expected: Option<Expected>,
    /// Where the last word of an `echo` stands, for what reads it from a pipe.
    echoed: Option<Span>,
}

/// Programs that take secrets in ways of their own.
#[derive(Clone, Copy, Default, PartialEq)]
enum Program {
    #[default]
    Other,
    /// `configure set NAME VALUE`
    Configure,
    /// `-passin pass:VALUE`
    Openssl,
    /// `-S` reads a password.
    Sudo,
    /// `-b FILE USER PASSWORD`, `-nb USER PASSWORD`
    Htpasswd,
    /// The client of MinIO.
    Mc,
    /// `mc alias set NAME URL ACCESS SECRET`
    McAlias,
}

/// How deep quotes are looked into: `sh -c "su -c 'psql ...'"`.
const DEEPEST: u32 = 3;

impl Line {
    /// Reads an argument, or the words of a script.
    pub(super) fn read<'t>(&mut self, text: &'t str, found: &mut Found<'t>) {
        let bytes = text.as_bytes();
        // What is echoed is read in the same script only.
        self.echoed = None;
        if bytes.iter().any(u8::is_ascii_whitespace) {
            self.script(text, 0, bytes.len(), 0, found);
        } else {
            self.word(text, 0, bytes.len(), found);
        }
    }

    /// Splits a part of a script into words as a shell does.
    fn script<'t>(&mut self, text: &'t str, from: usize, to: usize, depth: u32, found: &mut Found<'t>) {
        let bytes = text.as_bytes();
        let mut here = from;
        while here < to {
            let Some(byte) = bytes.get(here) else { return };
            if byte.is_ascii_whitespace() || matches!(byte, b';' | b'|' | b'&' | b'(' | b')') {
                if !matches!(byte, b' ' | b'\t') {
                    let echoed = self.echoed.filter(|_| *byte == b'|');
                    *self = Self { echoed, ..Self::default() };
                }
                here += 1;
                continue;
            }
            // A list of words as JSON and YAML write it: `["redis-server", "--requirepass", "..."]`.
            let is_quote = |at: Option<usize>| matches!(at.and_then(|at| bytes.get(at)), Some(b'"' | b'\''));
            let behind_quote = |here: usize| here > from && is_quote(here.checked_sub(1));
            if *byte == b'[' && is_quote(Some(here + 1)) || matches!(byte, b',' | b']') && behind_quote(here) {
                here += 1;
                continue;
            }
            let start = here;
            let mut quote = None;
            let mut spaces = false;
            while here < to {
                let Some(byte) = bytes.get(here) else { break };
                match (quote, byte) {
                    (None, b'"' | b'\'') => quote = Some(*byte),
                    (Some(open), byte) if open == *byte => quote = None,
                    (None, byte) if byte.is_ascii_whitespace() || matches!(byte, b';' | b'|' | b'&' | b')') => break,
                    (None, b',' | b']') if here > start && behind_quote(here) => break,
                    (_, b'\\') => here += 1,
                    (Some(_), byte) if byte.is_ascii_whitespace() => spaces = true,
                    _ => {}
                }
                here += 1;
            }
            let end = here.min(to);
            // A quoted script in the script.
            let free = matches!(self.expected, None | Some(Expected::Echoed));
            if spaces && depth < DEEPEST && matches!(bytes.get(start), Some(b'"' | b'\'')) && free {
                self.expected = None;
                self.script(text, start + 1, end.saturating_sub(1).max(start + 1), depth + 1, found);
            } else {
                self.word(text, start, end, found);
            }
        }
    }

    fn word<'t>(&mut self, text: &'t str, start: usize, end: usize, found: &mut Found<'t>) {
        let bytes = text.as_bytes();
        let (start, end) = unquoted(bytes, start, end);
        let Some(word) = bytes.get(start..end) else { return };
        let is_flag = word.len() > 1 && word.first() == Some(&b'-');
        match self.expected.take() {
            Some(Expected::Echoed) if !is_flag => {
                self.echoed = Some(Span { start, end });
                self.expected = Some(Expected::Echoed);
                return;
            }
            Some(Expected::Behind(words)) if words <= 1 || !is_flag => {
                let flag = Expected::Flag(Takes::Password);
                self.expected = Some(if words <= 1 { flag } else { Expected::Behind(words - 1) });
                return;
            }
            Some(Expected::Flag(takes)) => return take(takes, bytes, start, end, found),
            Some(Expected::Named(promise)) if !is_flag => {
                let verdict = values::judge(promise, word, Source::Whole);
                return named(verdict, promise.class, b"", "", bytes, Span { start, end }, found);
            }
            _ => {}
        }
        let reads = if among(word, &["--password-stdin", "--stdin"]) || self.program == Program::Sudo && word == b"-S" {
            Some(Takes::Password)
        } else if among(word, &["chpasswd"]) {
            Some(Takes::Login)
        } else {
            None
        };
        if let (Some(takes), Some(Span { start, end })) = (reads, self.echoed.take_if(|_| reads.is_some())) {
            return take(takes, bytes, start, end, found);
        }
        if is_flag {
            self.flag(text, start, end, found);
            return;
        }
        let file = word.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if let Some((_, flags)) = PROGRAMS.iter().find(|(names, _)| names.iter().any(|name| file == name.as_bytes())) {
            self.flags = Some(flags);
        } else if among(file, &["configure", "config"]) {
            self.program = Program::Configure;
        } else if among(file, &["openssl"]) {
            self.program = Program::Openssl;
        } else if among(file, &["echo", "printf"]) {
            self.expected = Some(Expected::Echoed);
        } else if among(file, &["sudo"]) {
            self.program = Program::Sudo;
        } else if among(file, &["htpasswd"]) {
            self.program = Program::Htpasswd;
        } else if among(file, &["mc"]) {
            self.program = Program::Mc;
        } else if self.program == Program::Mc && word == b"alias" {
            self.program = Program::McAlias;
        } else if self.program == Program::McAlias && word == b"set" {
            self.expected = Some(Expected::Behind(3));
        } else if among(word, &["add_user", "change_password"]) {
            self.expected = Some(Expected::Behind(1));
        } else if self.program == Program::Configure && !word.contains(&b'=') {
            self.expected = names::promise(word).map(Expected::Named);
        } else if self.program == Program::Openssl && word.starts_with(b"pass:") {
            take(Takes::Password, bytes, start + 5, end, found);
        }
    }

    fn flag<'t>(&mut self, text: &'t str, start: usize, end: usize, found: &mut Found<'t>) {
        let bytes = text.as_bytes();
        let Some(word) = bytes.get(start..end) else { return };
        for flag in self.flags.unwrap_or_default() {
            let Some(rest) = word.strip_prefix(flag.flag.as_bytes()) else { continue };
            match rest {
                [] if flag.stuck != Stuck::Only => self.expected = Some(Expected::Flag(flag.takes)),
                [] => {}
                [b'=', ..] => take(flag.takes, bytes, start + flag.flag.len() + 1, end, found),
                _ if flag.stuck != Stuck::No => {
                    let (start, end) = unquoted(bytes, start + flag.flag.len(), end);
                    take(flag.takes, bytes, start, end, found);
                }
                _ => continue,
            }
            return;
        }
        if self.program == Program::Htpasswd && word.get(1) != Some(&b'-') {
            let has = |letter| word.contains(&letter);
            self.expected = match (has(b'b'), has(b'n')) {
                (true, true) => Some(Expected::Behind(1)),
                (true, false) => Some(Expected::Behind(2)),
                _ => None,
            };
            return;
        }
        let dashes = word.iter().take_while(|byte| **byte == b'-').count();
        let name = word.get(dashes..).unwrap_or_default();
        if !name.iter().any(|byte| matches!(byte, b'=' | b':')) {
            self.expected = names::promise(name).map(Expected::Named);
        }
    }

    /// As [`read`](Self::read), for a part of a text.
    pub(super) fn read_part<'t>(&mut self, text: &'t str, from: usize, to: usize, found: &mut Found<'t>) {
        if text.as_bytes().get(from..to).is_some_and(|part| part.iter().any(u8::is_ascii_whitespace)) {
            self.script(text, from, to, 0, found);
        } else {
            self.word(text, from, to, found);
        }
    }
}

fn take(takes: Takes, bytes: &[u8], start: usize, end: usize, found: &mut Found<'_>) {
    let value = bytes.get(start..end).unwrap_or_default();
    match takes {
        Takes::Password => {
            let promise = Promise { class: Class::Password, weak: false };
            named(values::judge(promise, value, Source::Whole), promise.class, b"", "", bytes, Span { start, end }, found);
        }
        Takes::Login => {
            let Some(colon) = value.iter().position(|byte| *byte == b':') else { return };
            // `<user:password>`
            if matches!(value, [b'<', .., b'>']) {
                return;
            }
            let (user, password) = (value.get(..colon).unwrap_or_default(), value.get(colon + 1..).unwrap_or_default());
            // `curl -u TOKEN:`: a key instead of a user.
            let rule = match values::judge_in_url(password) {
                Verdict::No if password.is_empty() && values::is_random(user) => &HTTP,
                Verdict::No => return,
                Verdict::Placeholder => &PLACEHOLDER,
                Verdict::Yes => &HTTP,
            };
            found.add(rule, "a user name and a password", "", Span { start, end });
        }
    }
}

/// The place of a word without the quotes around it.
fn unquoted(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    match text.get(start..end) {
        Some([open @ (b'"' | b'\''), .., close]) if open == close => (start + 1, end - 1),
        _ => (start, end),
    }
}
