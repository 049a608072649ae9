//! What the texts of manifests mean: durations, addresses, switches, patterns.

/// A duration in Go's notation (`1h30m`, `1.5h`, `500ms`, `0`), in milliseconds; `None` when it is none. Negative ones are zero.
pub fn duration(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 7] = [("ns", 0), ("us", 0), ("µs", 0), ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    let mut total: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = cut_where(rest, |c| !c.is_ascii_digit() && c != '.');
        let (unit, after) = cut_where(after, |c| c.is_ascii_digit() || c == '.');
        let scale = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().unwrap_or(u64::MAX) };
        total = total.saturating_add(whole.saturating_mul(scale));
        // Three digits of the fraction are as much as anyone writes.
        let mut part = scale;
        for digit in fraction.bytes().take(3) {
            part /= 10;
            total = total.saturating_add(part.saturating_mul(u64::from(digit.saturating_sub(b'0'))));
        }
        rest = after;
    }
    Some(if negative { 0 } else { total })
}

fn cut_where(text: &str, stop: impl Fn(char) -> bool) -> (&str, &str) {
    let at = text.find(stop).unwrap_or(text.len());
    (text.get(..at).unwrap_or_default(), text.get(at..).unwrap_or_default())
}

/// Whether an address is one of plain HTTP.
pub fn is_plain_http(address: &str) -> bool {
    address.trim_start().as_bytes().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"http://"))
}

/// Whether a switch that is written as text is on, as Go's `strconv.ParseBool` reads it.
pub fn is_on(switch: &str) -> bool {
    matches!(switch, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

/// Whether a regular expression that is searched for in a name, as Go does, finds every name.
pub fn matches_everything(pattern: &str) -> bool {
    let anchored = pattern.starts_with('^') && pattern.ends_with('$');
    let core = pattern.strip_prefix('^').unwrap_or(pattern);
    let core = core.strip_suffix('$').unwrap_or(core);
    let core = core.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(core);
    match core.strip_prefix("?:").unwrap_or(core) {
        "" | "." => !anchored,
        ".*" | ".+" | ".*?" | ".+?" | "\\S*" | "\\S+" | "[a-z0-9-]*" | "[a-z0-9-]+" | "[-a-z0-9]*" | "[-a-z0-9]+" => true,
        _ => false,
    }
}

/// Whether a regular expression can find its text in the middle of a name: one of its alternatives does not begin with `^`.
pub fn is_unanchored(pattern: &str) -> bool {
    let (mut depth, mut escaped, mut start) = (0_usize, false, true);
    for (at, c) in pattern.char_indices() {
        if start {
            let rest = pattern.get(at..).unwrap_or_default();
            let rest = rest.strip_prefix('(').unwrap_or(rest);
            let rest = rest.strip_prefix("?:").unwrap_or(rest);
            if !rest.starts_with('^') && !rest.starts_with("\\A") {
                return true;
            }
            start = false;
        }
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => start = true,
            _ => {}
        }
    }
    start
}

/// The beginning of a text that is quoted in a message: objects can hold megabytes.
pub fn short(text: &str) -> &str {
    match text.char_indices().nth(80) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("1h", Some(3_600_000)),
            ("1h0m0s", Some(3_600_000)),
            ("1.5h", Some(5_400_000)),
            (".5s", Some(500)),
            ("1h30m", Some(5_400_000)),
            ("720h", Some(2_592_000_000)),
            ("100ms", Some(100)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("-1h", Some(0)),
            ("99999999999999999999h", Some(u64::MAX)),
            ("1d", None),
            ("1", None),
            ("h", None),
            ("", None),
            ("1.2.3h", None),
            ("1 h", None),
        ] {
            assert_eq!(duration(text), expected, "{text:?}");
        }
    }

    #[test]
    fn patterns_that_find_every_name() {
        for pattern in ["", "^", "$", ".", ".*", "^.*$", "^(.*)$", ".+", "(?:.*)", "^.+"] {
            assert!(matches_everything(pattern), "{pattern:?}");
        }
        for pattern in ["^$", "team-.*", "^.$", "a", "^[a-z]$", "(a|b)"] {
            assert!(!matches_everything(pattern), "{pattern:?}");
        }
    }

    #[test]
    fn patterns_without_an_anchor() {
        for pattern in ["prod", "prod-.*", "prod$", "^a|b", "(a|b)$", "[ab]^"] {
            assert!(is_unanchored(pattern), "{pattern:?}");
        }
        for pattern in ["^prod", "^prod-.*$", "^(a|b)$", "^a$|^b$", "(^a$|^b$)", "\\Aprod"] {
            assert!(!is_unanchored(pattern), "{pattern:?}");
        }
    }

    #[test]
    fn quotes_are_cut_between_characters() {
        assert_eq!(short("ä"), "ä");
        assert_eq!(short(&"ä".repeat(100)).chars().count(), 80);
    }
}
