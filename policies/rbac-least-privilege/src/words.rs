//! The words of messages and remedies.

use palisade_sdk::Str;
use palisade_sdk::rbac::ALL;
use palisade_sdk::rbac::dangers::VERBS;

/// More items than this are counted, not shown.
const SHOWN: usize = 3;
/// Longer texts of the object are cut.
const LENGTH: usize = 80;

/// The beginning of a text of the object, short enough for a message.
pub fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(LENGTH).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default()
}

/// `get, list, watch and 2 more`
pub fn shown(items: &[Str<'_>]) -> String {
    let mut text = String::new();
    for (index, item) in items.iter().take(SHOWN).enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(if item.is_empty() { "\"\"" } else { cut(item) });
    }
    if items.is_empty() {
        text.push_str("nothing");
    } else if items.len() > SHOWN {
        text.push_str(" and ");
        text.push_str(&(items.len() - SHOWN).to_string());
        text.push_str(" more");
    }
    text
}

/// `every verb`, `get, list`
pub fn all_or(every: &str, items: &[Str<'_>]) -> String {
    if items.iter().any(|item| *item == ALL) { every.to_owned() } else { shown(items) }
}

/// `the core group`, `every API group`, `apps, batch`
pub fn on_groups(groups: &[Str<'_>]) -> String {
    match groups {
        _ if groups.iter().any(|group| *group == ALL) => "every API group".to_owned(),
        [group] if group.is_empty() => "the core group".to_owned(),
        _ => shown(groups),
    }
}

/// Whether an entry of a rule's resources stands for more than one: `*`, `*/scale`.
pub fn is_wildcard(entry: &str) -> bool {
    entry == ALL || entry.starts_with("*/")
}

/// Whether it is written like a pattern that there is not: `pods/*`.
pub fn is_no_pattern(entry: &str) -> bool {
    entry.len() > 2 && entry.ends_with("/*")
}

/// Whether it stands for every URL.
pub fn is_every_url(url: &str) -> bool {
    url.ends_with('*') && matches!(url.trim_end_matches('*'), "" | "/")
}

/// The verb that is meant where capitals keep one from being it.
pub fn small_letters(verb: &str) -> Option<&'static str> {
    // Of URLs too.
    const OF_HTTP: [&str; 4] = ["post", "put", "head", "options"];
    if !verb.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    VERBS.iter().chain(&OF_HTTP).find(|known| known.eq_ignore_ascii_case(verb)).copied()
}
