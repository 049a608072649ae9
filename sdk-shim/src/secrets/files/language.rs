//! Which reader a file needs, by the name of its key and by its beginning, and how it writes comments.

use super::super::bytes::{among, cut, listed, starts};

/// How a file says things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// A name and a value on a line; a bare word is a text.
    Lines,
    /// As [`Lines`](Self::Lines), and bare words end at white space.
    Shell,
    /// Texts stand in quotes; a bare word is a variable.
    Code,
    /// Elements and attributes.
    Markup,
}

/// What a line comment begins with. Bits.
const HASH: u8 = 1;
const SLASHES: u8 = 2;
const SEMICOLON: u8 = 4;
const DASHES: u8 = 8;
const BANG: u8 = 16;

/// A language, as far as its texts and comments go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Language {
    pub style: Style,
    comments: u8,
    /// For people rather than for programs.
    pub prose: bool,
}

impl Language {
    const fn new(style: Style, comments: u8) -> Self {
        Self { style, comments, prose: false }
    }
}

/// By the suffix of the file, or by its whole name.
const KNOWN: &[(&str, Language)] = &[
    ("yaml yml kubeconfig", Language::new(Style::Lines, HASH)),
    ("properties props", Language::new(Style::Lines, HASH | BANG)),
    (
        "env ini cfg cnf conf config envrc toml-like netrc npmrc pypirc pgpass htpasswd acl service editorconfig gitconfig",
        Language::new(Style::Lines, HASH | SEMICOLON | SLASHES),
    ),
    ("sql", Language::new(Style::Lines, DASHES | SLASHES)),
    ("md markdown rst adoc log csv tsv po pot", Language { prose: true, ..Language::new(Style::Lines, 0) }),
    ("sh bash zsh ksh fish ash bashrc profile dockerfile makefile mk", Language::new(Style::Shell, HASH)),
    ("py pyi rb rake pl pm toml star bzl jl nix ex exs cr rego r tcl", Language::new(Style::Code, HASH)),
    (
        "js ts mjs cjs jsx tsx vue go java kt kts groovy gradle jenkinsfile scala c h cc cpp hpp cs fs rs swift dart json json5 jsonc \
         ipynb cue proto sol less scss css avsc dockerconfigjson dockercfg webmanifest har",
        Language::new(Style::Code, SLASHES),
    ),
    ("php phtml tf tfvars tfstate hcl nomad libsonnet jsonnet", Language::new(Style::Code, HASH | SLASHES)),
    ("lua hs", Language::new(Style::Code, DASHES)),
    ("xml html htm xhtml svg plist xsd xsl xslt pom wsdl resx csproj jrxml", Language::new(Style::Markup, 0)),
];

/// What is added to the name of a file that is a template or a copy of it.
const TEMPLATES: &str = "tpl tmpl template j2 jinja jinja2 erb gotmpl mustache ejs example sample dist default bak orig old in";

/// Suffixes of files that hold one value.
const VALUES: &str = "txt text value val b64 base64";

fn suffix(name: &[u8]) -> &[u8] {
    name.rsplit(|byte| *byte == b'.').next().unwrap_or_default()
}

/// The key of a file that holds one value, without the suffix that says so: the password of `password.txt`. Of `token.json`, which
/// holds more, nothing.
pub(super) fn without_suffix(key: &str) -> &str {
    let Some((stem, suffix)) = key.rsplit_once('.') else { return key };
    let suffix = suffix.as_bytes();
    if listed(suffix, VALUES) {
        stem
    } else if !stem.is_empty() && KNOWN.iter().any(|(names, _)| listed(suffix, names)) {
        ""
    } else {
        key
    }
}

impl Language {
    /// The language of a file.
    pub(super) fn of(key: &str, text: &[u8]) -> Self {
        let mut name = key.as_bytes();
        loop {
            let last = suffix(name);
            if let Some((_, language)) = KNOWN.iter().find(|(names, _)| listed(last, names)) {
                return language.confirmed(last, text);
            }
            if last.len() < name.len() && listed(last, TEMPLATES) {
                name = cut(name, 0, name.len() - last.len() - 1);
                continue;
            }
            return Self::by_content(text);
        }
    }

    /// The language that the key says, unless the content is plainly of another.
    fn confirmed(self, suffix: &[u8], text: &[u8]) -> Self {
        // `.conf` is anything: HOCON, Lua, JSON, XML. `.config` is XML where .NET reads it.
        if among(suffix, &["conf", "config", "cfg", "kubeconfig", "yaml", "yml", "default", "service"]) {
            let content = Self::by_content(text);
            if content.style == Style::Code && text.trim_ascii_start().first() == Some(&b'{')
                || content.style == Style::Markup && starts(text.trim_ascii_start(), "<?xml")
            {
                return content;
            }
        }
        self
    }

    /// The language of a file whose key says nothing, by its first kilobytes.
    fn by_content(text: &[u8]) -> Self {
        const ANY: Language = Language::new(Style::Lines, HASH | SEMICOLON | SLASHES | DASHES);
        let start = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
        let end = start.trim_ascii_end().last();
        match start.first() {
            Some(b'{') if end == Some(&b'}') && !start.starts_with(b"{{") => return Self::new(Style::Code, SLASHES),
            Some(b'[') if end == Some(&b']') => return Self::new(Style::Code, SLASHES),
            Some(b'<') if ["<?xml", "<!DOCTYPE", "<html", "<svg", "<configuration"].iter().any(|tag| starts(start, tag)) => {
                return Self::new(Style::Markup, 0);
            }
            Some(b'<') if starts(start, "<?php") => return Self::new(Style::Code, HASH | SLASHES),
            _ => {}
        }
        let beginning = cut(start, 0, start.len().min(4096));
        if let Some(interpreter) = beginning.strip_prefix(b"#!") {
            let line = interpreter.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let runs = |words: &[&str]| words.iter().any(|word| super::super::bytes::contains(line, word));
            return if runs(&["python", "ruby", "perl"]) {
                Self::new(Style::Code, HASH)
            } else if runs(&["node", "deno", "bun"]) {
                Self::new(Style::Code, SLASHES)
            } else {
                Self::new(Style::Shell, HASH)
            };
        }
        const SIGNS: &[(&str, Language)] = &[
            ("import ", Language::new(Style::Code, HASH | SLASHES)),
            ("from ", Language::new(Style::Code, HASH)),
            ("def ", Language::new(Style::Code, HASH)),
            ("class ", Language::new(Style::Code, HASH | SLASHES)),
            ("function ", Language::new(Style::Code, SLASHES)),
            ("const ", Language::new(Style::Code, SLASHES)),
            ("var ", Language::new(Style::Code, SLASHES)),
            ("let ", Language::new(Style::Code, SLASHES)),
            ("package ", Language::new(Style::Code, SLASHES)),
            ("module.exports", Language::new(Style::Code, SLASHES)),
            ("local ", Language::new(Style::Code, DASHES)),
            ("resource \"", Language::new(Style::Code, HASH | SLASHES)),
            ("variable \"", Language::new(Style::Code, HASH | SLASHES)),
            ("provider \"", Language::new(Style::Code, HASH | SLASHES)),
            ("terraform {", Language::new(Style::Code, HASH | SLASHES)),
        ];
        for line in beginning.split(|byte| *byte == b'\n') {
            if let Some((sign, language)) = SIGNS.iter().find(|(sign, _)| line.starts_with(sign.as_bytes())) {
                // `from the start` and `local 127.0.0.1` are no programs; a keyword of one stands before a name and punctuation.
                let rest = cut(line, sign.len(), line.len());
                let program = match *sign {
                    "from " => super::super::bytes::contains(rest, " import "),
                    "import " | "package " => !rest.contains(&b':'),
                    "def " | "class " | "function " => rest.iter().any(|byte| matches!(byte, b'(' | b':' | b'{')),
                    "const " | "var " | "let " | "local " => rest.contains(&b'=') || rest.starts_with(b"function"),
                    _ => true,
                };
                if program {
                    return *language;
                }
            }
        }
        ANY
    }

    /// Where a comment begins on a line, or the line's end.
    pub(super) fn comment(self, text: &[u8], start: usize, end: usize) -> usize {
        let line = cut(text, start, end);
        let indent = line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let content = cut(line, indent, line.len());
        let spaced = |rest: &[u8]| rest.first().is_none_or(u8::is_ascii_whitespace);
        let whole = match content {
            // `{{/* ... */}}`, `{# ... #}`, `<!-- ... -->` on one line.
            [b'{', b'{', b'/' | b'-', ..] | [b'{', b'#', ..] => true,
            [b'<', b'!', b'-', b'-', ..] => line.ends_with(b"-->"),
            [b'#', ..] => self.comments & HASH != 0 || self.comments == 0 && !self.prose,
            [b';', ..] => self.comments & SEMICOLON != 0,
            [b'!', ..] => self.comments & BANG != 0,
            [b'/', b'*', ..] => true,
            [b'*', rest @ ..] if self.comments & SLASHES != 0 => spaced(rest) || rest.first() == Some(&b'/'),
            [b'/', b'/', rest @ ..] if self.comments & SLASHES != 0 => self.style == Style::Code || spaced(rest),
            [b'-', b'-', rest @ ..] if self.comments & DASHES != 0 => {
                self.style == Style::Code || spaced(rest) || rest.first() == Some(&b'[')
            }
            _ => false,
        };
        if whole {
            return start + indent;
        }
        start + self.trailing(line)
    }

    /// Whether a comment begins here, in a language of [`Style::Code`], outside of quotes.
    pub(super) fn begins_comment(self, text: &[u8], here: usize) -> bool {
        let next = || text.get(here + 1).copied().unwrap_or_default();
        match text.get(here) {
            Some(b'#') => self.comments & HASH != 0,
            Some(b'/') => {
                self.comments & SLASHES != 0 && next() == b'/' && here.checked_sub(1).and_then(|at| text.get(at)) != Some(&b':')
            }
            Some(b'-') => self.comments & DASHES != 0 && next() == b'-',
            _ => false,
        }
    }

    /// Whether comments stand between `/*` and `*/`, too.
    pub(super) fn has_slashes(self) -> bool {
        self.comments & SLASHES != 0
    }

    /// As [`comment`](Self::comment), for a line that has a percent sign; of others nothing is left.
    pub(super) fn comment_after_percent(self, text: &[u8], start: usize, end: usize) -> usize {
        if cut(text, start, end).contains(&b'%') { self.comment(text, start, end) } else { start }
    }

    /// Where a comment behind something else begins: its mark stands behind white space, and in no quotes.
    fn trailing(self, line: &[u8]) -> usize {
        let mut quote = None;
        // Where a quote was opened that may turn out to be an apostrophe: from there on it is tried once more, without quotes.
        let mut opened = None;
        let mut quotes = true;
        let mut here = 0;
        loop {
            let Some(byte) = line.get(here) else {
                match opened.take().filter(|_| quotes && quote.is_some()) {
                    Some(open) => (here, quote, quotes) = (open, None, false),
                    None => return line.len(),
                }
                continue;
            };
            let before = here.checked_sub(1).and_then(|before| line.get(before)).copied().unwrap_or(b' ');
            let next = line.get(here + 1).copied().unwrap_or(b' ');
            match (quote, byte) {
                (Some(_), b'\\') => here += 1,
                (Some(open), byte) if open == *byte => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'' | b'`')
                    if quotes
                        && (before.is_ascii_whitespace() || matches!(before, b'=' | b':' | b'(' | b'[' | b'{' | b',')) =>
                {
                    quote = Some(*byte);
                    opened = Some(here);
                }
                (None, b'#') if self.comments & HASH != 0 && before.is_ascii_whitespace() => return here,
                (None, b'/')
                    if self.comments & SLASHES != 0
                        && next == b'/'
                        && before.is_ascii_whitespace()
                        && (self.style == Style::Code || line.get(here + 2).is_none_or(u8::is_ascii_whitespace)) =>
                {
                    return here;
                }
                (None, b'-')
                    if self.comments & DASHES != 0
                        && next == b'-'
                        && before.is_ascii_whitespace()
                        && line.get(here + 2).is_none_or(u8::is_ascii_whitespace) =>
                {
                    return here;
                }
                _ => {}
            }
            here += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_by_key_and_content() {
        for (key, text, style) in [
            ("settings.py", "A = 1", Style::Code),
            ("settings.py.j2", "A = 1", Style::Code),
            (".env", "A=1", Style::Lines),
            (".env.example", "A=1", Style::Lines),
            ("application.yaml", "a: 1", Style::Lines),
            ("config", "{\"a\": 1}", Style::Code),
            ("config.yaml", "{\"a\": 1}", Style::Code),
            ("config", "{{ template }}", Style::Lines),
            ("config", "[section]\na = 1", Style::Lines),
            ("run.sh", "echo", Style::Shell),
            ("run", "#!/bin/sh\necho", Style::Shell),
            ("run", "#!/usr/bin/env python3\nprint()", Style::Code),
            ("script", "import os\n", Style::Code),
            ("script", "import: os\n", Style::Lines),
            ("notes", "from the beginning\n", Style::Lines),
            ("server", "<?xml version=\"1.0\"?><a/>", Style::Markup),
            ("fluent.conf", "<source>\n  @type forward\n</source>", Style::Lines),
            ("Dockerfile", "FROM x", Style::Shell),
            ("", "", Style::Lines),
        ] {
            assert_eq!(Language::of(key, text.as_bytes()).style, style, "{key}: {text}");
        }
    }

    #[test]
    fn comments_begin_outside_of_quotes() {
        let at = |key: &str, line: &str| Language::of(key, b"").comment(line.as_bytes(), 0, line.len());
        assert_eq!(at("a.yaml", "a: b # c"), 5);
        assert_eq!(at("a.yaml", "a: 'b # c'"), 10);
        assert_eq!(at("a.yaml", "a: \"b\" # c"), 7);
        assert_eq!(at("a.yaml", "a: don't # c"), 9);
        assert_eq!(at("a.yaml", "a: 'don # c"), 8);
        assert_eq!(at("a.yaml", "a: b#c"), 6);
        assert_eq!(at("a.yaml", "  # c"), 2);
        assert_eq!(at("a.ini", ";c"), 0);
        assert_eq!(at("a.yaml", ";c"), 2);
        assert_eq!(at("a.js", "let a = 'http://x'; // c"), 20);
        assert_eq!(at("a.js", " * c"), 1);
        assert_eq!(at(".npmrc", "//registry/:_auth=x"), 19);
        assert_eq!(at("a.lua", "--c"), 0);
        assert_eq!(at("a.sh", "--password x"), 12);
        assert_eq!(at("", "--password x"), 12);
    }
}
