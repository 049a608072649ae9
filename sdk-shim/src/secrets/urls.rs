//! Passwords inside of URLs and data source names: `scheme://user:password@host`, `user:password@tcp(host)`,
//! `jdbc:oracle:thin:user/password@host`.

use super::bytes::{ALNUM, DASH, DIGIT, DOT, at, cut, run, run_back, starts};
use super::rules::{PLACEHOLDER, URL};
use super::values::{self, Verdict};
use super::{Found, Span};

/// Finds them, one by one. Each stretch between two schemes is walked once.
pub(super) fn scan(text: &[u8], found: &mut Found<'_>) {
    let mut here = 0;
    while let Some(byte) = text.get(here) {
        let next = match byte {
            b':' if cut(text, here, here + 3) == b"://" && here > 0 && at(text, here - 1, DASH) => {
                Some(url(text, here + 3, found))
            }
            b':' => oracle(text, here, found),
            b'@' => go_mysql(text, here, found),
            _ => None,
        };
        here = next.unwrap_or(here + 1);
    }
}

/// Looks at what follows `://`, and answers where to go on.
fn url(text: &[u8], start: usize, found: &mut Found<'_>) -> usize {
    let mut end = start;
    let mut path = None;
    let mut sign: Option<usize> = None;
    let mut open = false;
    while let Some(byte) = text.get(end) {
        match byte {
            // Templates hold spaces, quotes and slashes that end nothing.
            b'$' | b'{' | b'<' | b'%' => {
                if let Some(after) = template_end(text, end) {
                    end = after;
                    continue;
                }
                if *byte == b'<' {
                    break;
                }
            }
            b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'`' | b'>' => break,
            b'\\' if matches!(text.get(end + 1), Some(b'n' | b'r' | b't' | b'"')) => break,
            b':' if cut(text, end, end + 3) == b"://" => break,
            b'/' | b'?' | b'#' if path.is_none() => {
                path = Some(end);
                // `me@example.com:pass/word@host`: behind the first sign stands no host with a port.
                open = sign.is_some_and(|sign| {
                    let host = cut(text, sign + 1, end);
                    let port = host.iter().rposition(|byte| *byte == b':').map(|colon| cut(host, colon + 1, host.len()));
                    port.is_some_and(|port| (port.is_empty() || run(port, 0, DIGIT) < port.len()) && !port.contains(&b']'))
                });
            }
            b'@' if path.is_none() => sign = Some(end),
            // A password with a slash, a question mark or a hash that nobody encoded.
            b'@' if sign.is_none() || open => sign = Some(end),
            _ => {}
        }
        end += 1;
    }
    if let Some(sign) = sign {
        user_information(text, start, path.unwrap_or(end), sign, found);
    }
    end.max(start)
}

fn user_information(text: &[u8], start: usize, path: usize, sign: usize, found: &mut Found<'_>) {
    let information = cut(text, start, sign);
    let Some(colon) = information.iter().position(|byte| *byte == b':') else { return };
    let password = cut(information, colon + 1, information.len());
    if sign > path {
        // `http://host:8080/@scope`, `http://[::1]/x@y`, `http://host/a:b@c`, `http://host:$(PORT)/@scope`: the sign belongs to the path.
        let before_path = cut(text, start + colon + 1, path);
        let port = !before_path.is_empty() && run(before_path, 0, DIGIT) == before_path.len()
            || before_path.ends_with(b"}")
            || before_path.ends_with(b")");
        if start + colon > path || port || information.first() == Some(&b'[') {
            return;
        }
    }
    // `docker://nginx:1.27@sha256:...`
    if starts(cut(text, sign + 1, sign + 8), "sha256:") || starts(cut(text, sign + 1, sign + 8), "sha512:") {
        return;
    }
    add(values::judge_in_url(password), start + colon + 1, sign, found);
}

/// `user:password@tcp(host:3306)/name`, `user:password@unix(/socket)/name`
fn go_mysql(text: &[u8], sign: usize, found: &mut Found<'_>) -> Option<usize> {
    if !starts(cut(text, sign + 1, sign + 5), "tcp(") && !starts(cut(text, sign + 1, sign + 6), "unix(") {
        return None;
    }
    let mut start = sign;
    while start > 0
        && sign - start < 256
        && text.get(start - 1).is_some_and(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\''))
    {
        start -= 1;
    }
    let colon = cut(text, start, sign).iter().position(|byte| *byte == b':')?;
    add(values::judge_in_url(cut(text, start + colon + 1, sign)), start + colon + 1, sign, found);
    Some(sign + 1)
}

/// `jdbc:oracle:thin:user/password@host`
fn oracle(text: &[u8], colon: usize, found: &mut Found<'_>) -> Option<usize> {
    const DRIVER: &str = "oracle:thin:";
    let driver = (colon + 1).checked_sub(DRIVER.len())?;
    if !starts(cut(text, driver, colon + 1), DRIVER) {
        return None;
    }
    let rest = cut(text, colon + 1, (colon + 257).min(text.len()));
    let sign =
        rest.iter().position(|byte| *byte == b'@' || byte.is_ascii_whitespace()).filter(|at| rest.get(*at) == Some(&b'@'))?;
    let slash = cut(rest, 0, sign).iter().position(|byte| *byte == b'/')?;
    let (start, end) = (colon + 1 + slash + 1, colon + 1 + sign);
    add(values::judge_in_url(cut(text, start, end)), start, end, found);
    Some(end)
}

/// `user:password@host/name`, where the name of the value says that it is an address.
pub(super) fn without_scheme(text: &[u8], found: &mut Found<'_>) {
    let value = text.trim_ascii();
    if value.windows(3).any(|window| window == b"://") || value.iter().any(u8::is_ascii_whitespace) {
        return;
    }
    let (Some(colon), Some(sign)) = (value.iter().position(|byte| *byte == b':'), value.iter().rposition(|byte| *byte == b'@'))
    else {
        return;
    };
    let user = cut(value, 0, colon);
    if colon == 0 || colon > sign || run(user, 0, DOT) != user.len() || !at(value, sign + 1, ALNUM) {
        return;
    }
    let password = cut(value, colon + 1, sign);
    if password.contains(&b'/') || starts(cut(value, sign + 1, value.len()), "sha256:") || starts(user, "mailto") {
        return;
    }
    let before = text.len() - text.trim_ascii_start().len();
    add(values::judge_in_url(password), before + colon + 1, before + sign, found);
}

fn add(verdict: Verdict, start: usize, end: usize, found: &mut Found<'_>) {
    let rule = match verdict {
        Verdict::No => return,
        Verdict::Placeholder => &PLACEHOLDER,
        Verdict::Yes => &URL,
    };
    found.add(rule, "a password inside of a URL", "", Span { start, end });
}

/// Where a template that begins here ends: `$(...)`, `${...}`, `%{...}`, `{{...}}`, `<...>`. They are short.
pub(super) fn template_end(text: &[u8], start: usize) -> Option<usize> {
    const LONGEST: usize = 128;
    let rest = cut(text, start, (start + LONGEST).min(text.len()));
    let close: &[u8] = match rest {
        [b'$', b'(', ..] => b")",
        [b'$' | b'%', b'{', ..] => b"}",
        [b'{', b'{', ..] => b"}}",
        [b'<', ..] => b">",
        _ => return None,
    };
    let length = rest.windows(close.len()).position(|window| window == close)?;
    // `<a href=...>` is none.
    if rest.first() == Some(&b'<') && run_back(text, start + length, DASH, LONGEST) != start + 1 {
        return None;
    }
    Some(start + length + close.len())
}
