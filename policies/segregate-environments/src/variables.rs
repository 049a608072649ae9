//! References to variables, `$(NAME)`, in later variables, commands and arguments, as the kubelet expands them.

use std::borrow::Cow;

/// How much longer a text may become. What would be longer is left as it is.
const GROWTH: usize = 4096;
/// How many names are compared for one container.
const COMPARISONS: usize = 1_000_000;

/// The variables of a container that have a literal value, in their order.
#[derive(Default)]
pub struct Variables<'v> {
    known: Vec<(&'v str, Cow<'v, str>)>,
    comparisons: usize,
}

impl<'v> Variables<'v> {
    /// Adds a variable; one of the same name is no longer seen.
    pub fn add(&mut self, name: &'v str, value: Cow<'v, str>) {
        self.known.push((name, value));
    }

    /// The text with the values of the variables that are known in the place of their references.
    pub fn expand<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if !text.bytes().any(|byte| byte == b'$') {
            return Cow::Borrowed(text);
        }
        let most = text.len() + GROWTH;
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            // `$$` is a dollar sign that begins nothing.
            if let Some(after) = after.strip_prefix('$') {
                expanded.push('$');
                rest = after;
                continue;
            }
            let name = after.strip_prefix('(').and_then(|name| name.split_once(')'));
            match name.and_then(|(name, after)| Some((self.value(name)?, after))) {
                Some((value, after)) => {
                    expanded.push_str(value);
                    rest = after;
                }
                None => {
                    expanded.push('$');
                    rest = after;
                }
            }
            if expanded.len() > most {
                return Cow::Borrowed(text);
            }
        }
        expanded.push_str(rest);
        Cow::Owned(expanded)
    }

    fn value(&mut self, name: &str) -> Option<&str> {
        self.comparisons += self.known.len();
        if self.comparisons > COMPARISONS {
            return None;
        }
        self.known.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_as_the_kubelet_does() {
        let mut variables = Variables::default();
        variables.add("NS", Cow::Borrowed("shop"));
        variables.add("HOST", Cow::Borrowed("db.shop"));
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("db.$(NS).svc", "db.shop.svc"),
            ("$(HOST)$(NS)", "db.shopshop"),
            ("$$(NS)", "$(NS)"),
            ("$$$(NS)", "$shop"),
            ("$(NOPE).$(NS)", "$(NOPE).shop"),
            ("$(NS", "$(NS"),
            ("$NS ${NS} $(NS)", "$NS ${NS} shop"),
            ("$", "$"),
        ] {
            assert_eq!(variables.expand(text), expected, "{text}");
        }
        variables.add("NS", Cow::Borrowed("blog"));
        assert_eq!(variables.expand("$(NS)"), "blog");
    }

    #[test]
    fn does_not_grow_without_bound() {
        let mut variables = Variables::default();
        let mut value: Cow<'_, str> = Cow::Borrowed("0123456789");
        for _ in 0..1000 {
            variables.add("V", value);
            value = Cow::Owned(variables.expand("$(V)$(V)$(V)$(V)").into_owned());
        }
        assert!(value.len() <= 16 + GROWTH, "{}", value.len());
        assert_eq!(variables.expand(&"$(V)".repeat(100_000)).len(), 400_000);
    }
}
