//! Name patterns, as settings use them.

/// Whether the whole of `text` matches `pattern`, where `*` stands for any run of characters and `?` for one.
///
/// Takes time in proportion to the product of both lengths at worst and never recurses.
///
/// ```
/// use palisade_sdk::glob;
/// assert!(glob::matches("*_PASSWORD", "DB_PASSWORD"));
/// assert!(!glob::matches("team-?", "team-12"));
/// ```
pub fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go back to when a character does not match: just behind the last `*`.
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let text_here = text.clone();
        match (pattern.next(), text.next()) {
            (Some('*'), _) => {
                text = text_here;
                retry = Some((pattern.clone(), text.clone()));
            }
            (None, None) => return true,
            (Some('?'), Some(_)) => {}
            (Some(expected), Some(found)) if expected == found => {}
            (Some(_), None) => return false,
            _ => match &mut retry {
                Some((after_star, rest)) => {
                    rest.next();
                    pattern = after_star.clone();
                    text = rest.clone();
                }
                None => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn matches_whole_names() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
            ("?", "ä", true),
            ("?", "", false),
            ("system:*", "system:node", true),
            ("system:*", "a-system:node", false),
            ("**a", "bba", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern:?} on {text:?}");
        }
    }

    /// The definition, slow.
    fn reference(pattern: &[char], text: &[char]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some('*'), _) => reference(&pattern[1..], text) || (!text.is_empty() && reference(pattern, &text[1..])),
            (Some(p), Some(t)) => (*p == '?' || p == t) && reference(&pattern[1..], &text[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(matches(&pattern, &text), reference(&p, &t));
        }
    }
}
