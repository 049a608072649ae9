//! Policies of Calico: `NetworkPolicy` and `GlobalNetworkPolicy` of `projectcalico.org/v3`, and the same as stored in
//! `crd.projectcalico.org/v1`.
//!
//! A pod that such a policy selects is isolated for the policy's `types`: what no rule of its tier lets through is dropped at the
//! tier's end. That holds in the default tier; another tier may end with `Pass`, so policies of those do not count.

use palisade_sdk::network::Direction;
use palisade_sdk::selector::{Label, Labels};
use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Error, List, Path, Str};

use crate::survey::{Subject, Survey};

palisade_sdk::view! {
    struct Policy<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        spec: Spec<'a> as "spec",
    }

    struct Spec<'a> {
        tier: Str<'a> as "tier",
        selector: Str<'a> as "selector",
        namespace_selector: Str<'a> as "namespaceSelector",
        service_account_selector: Str<'a> as "serviceAccountSelector",
        types: List<Str<'a>> as "types",
        ingress: List<()> as "ingress",
        egress: List<()> as "egress",
        do_not_track: Option<bool> as "doNotTrack",
        pre_dnat: Option<bool> as "preDNAT",
    }
}

impl Spec<'_> {
    /// Without `types`: egress if there are egress rules, ingress if there are ingress rules or no rules at all. Unlike in Kubernetes,
    /// egress rules alone do not imply ingress.
    fn applies_to(&self, direction: Direction) -> bool {
        if !self.types.is_empty() {
            return self.types.iter().any(|listed| listed == direction.policy_type());
        }
        match direction {
            Direction::Ingress => self.egress.is_empty() || !self.ingress.is_empty(),
            Direction::Egress => !self.egress.is_empty(),
        }
    }
}

/// Adds what one policy does to the survey.
pub fn look(item: &str, subject: &Subject<'_>, survey: &mut Survey) -> Result<(), Error> {
    let Policy { metadata, spec } = crate::survey::read(item)?;
    let at = Path::new("spec");
    let evaluate = |field: &str, selector: &str, labels: &Labels<'_>| {
        evaluate(selector, labels).map_err(|problem| Error::malformed(&at.field(field), problem))
    };
    let selects = [
        evaluate("selector", &spec.selector, &subject.calico)?,
        evaluate("namespaceSelector", &spec.namespace_selector, &subject.calico_namespace)?,
        evaluate("serviceAccountSelector", &spec.service_account_selector, &subject.calico_service_account)?,
    ];
    // These two kinds act on the node's own interfaces, before pods are told apart.
    let for_nodes = spec.do_not_track == Some(true) || spec.pre_dnat == Some(true);
    let default_tier = spec.tier.is_empty() || spec.tier == "default";
    let selects = selects.iter().all(|selects| *selects == Some(true)) && default_tier && !for_nodes;
    survey.add(&metadata.name, selects, |direction| spec.applies_to(direction));
    Ok(())
}

/// How deep parentheses may nest.
const DEPTH: usize = 32;

/// Whether a selector of Calico's language selects what has these labels; `None` where that is not certain.
///
/// ```text
/// all()   has(k)   k == 'v'   k != 'v'   k in {'a', 'b'}   k not in {'a'}   k contains 'v'   k starts with 'v'   k ends with 'v'
/// !x   x && y   x || y   (x)   global()
/// ```
pub fn evaluate(selector: &str, labels: &Labels<'_>) -> Result<Option<bool>, &'static str> {
    let mut parser = Parser { rest: selector.trim_ascii(), labels, depth: 0 };
    if parser.rest.is_empty() {
        return Ok(Some(true));
    }
    let selects = parser.any()?;
    if parser.rest.is_empty() { Ok(selects) } else { Err("expected the end of the selector") }
}

/// Reads the text from the left and evaluates at once.
struct Parser<'p> {
    rest: &'p str,
    labels: &'p Labels<'p>,
    depth: usize,
}

impl<'p> Parser<'p> {
    /// `x || y || …`
    fn any(&mut self) -> Result<Option<bool>, &'static str> {
        let mut holds = self.all()?;
        while self.take("||") {
            holds = not(both(not(holds), not(self.all()?)));
        }
        Ok(holds)
    }

    /// `x && y && …`
    fn all(&mut self) -> Result<Option<bool>, &'static str> {
        let mut holds = self.term()?;
        while self.take("&&") {
            holds = both(holds, self.term()?);
        }
        Ok(holds)
    }

    fn term(&mut self) -> Result<Option<bool>, &'static str> {
        let mut negated = false;
        while self.take("!") {
            negated = !negated;
        }
        let holds = if self.take("(") {
            self.depth += 1;
            if self.depth > DEPTH {
                return Err("parentheses nest too deeply");
            }
            let holds = self.any()?;
            self.depth -= 1;
            self.expect(")")?;
            holds
        } else if self.take("all(") {
            self.expect(")")?;
            Some(true)
        } else if self.take("global(") {
            // What belongs to no namespace; a pod does.
            self.expect(")")?;
            Some(false)
        } else if self.take("has(") {
            let label = self.label()?;
            self.expect(")")?;
            match label {
                Label::Absent => Some(false),
                Label::Is(_) | Label::Present => Some(true),
                Label::Unknown => None,
            }
        } else {
            self.comparison()?
        };
        Ok(if negated { not(holds) } else { holds })
    }

    /// A label, an operator and its operand.
    fn comparison(&mut self) -> Result<Option<bool>, &'static str> {
        let label = self.label()?;
        // What an operator says of a label that is absent, and of its value where it has one.
        let judge = |holds: &dyn Fn(&str) -> bool| match label {
            Label::Absent => Some(false),
            Label::Is(value) => Some(holds(value)),
            Label::Present | Label::Unknown => None,
        };
        if self.take("==") {
            let wanted = self.literal()?;
            Ok(judge(&|value| value == wanted))
        } else if self.take("!=") {
            let unwanted = self.literal()?;
            Ok(not(judge(&|value| value == unwanted)))
        } else if self.take("contains") {
            let part = self.literal()?;
            Ok(judge(&|value| contains(value, part)))
        } else if self.take("starts") {
            self.expect("with")?;
            let start = self.literal()?;
            Ok(judge(&|value| value.starts_with(start)))
        } else if self.take("ends") {
            self.expect("with")?;
            let end = self.literal()?;
            Ok(judge(&|value| value.ends_with(end)))
        } else if self.take("not") {
            self.expect("in")?;
            let set = self.set()?;
            Ok(not(judge(&|value| set.contains(&value))))
        } else if self.take("in") {
            let set = self.set()?;
            Ok(judge(&|value| set.contains(&value)))
        } else {
            Err("expected an operator behind a label")
        }
    }

    /// A label's key; what is known of that label.
    fn label(&mut self) -> Result<Label<'p>, &'static str> {
        self.skip_space();
        let is_key = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-');
        let end = self.rest.bytes().position(|byte| !is_key(byte)).unwrap_or(self.rest.len());
        match self.rest.split_at_checked(end) {
            Some((key, rest)) if !key.is_empty() => {
                self.rest = rest;
                Ok(self.labels.get(key))
            }
            _ => Err("expected a label"),
        }
    }

    /// `{'a', 'b'}`
    fn set(&mut self) -> Result<Vec<&'p str>, &'static str> {
        let mut values = Vec::new();
        self.expect("{")?;
        while !self.take("}") {
            values.push(self.literal()?);
            if !self.take(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(values)
    }

    /// A string in single or double quotes, without escapes.
    fn literal(&mut self) -> Result<&'p str, &'static str> {
        self.skip_space();
        let bytes = self.rest.as_bytes();
        let quote = bytes.first().filter(|byte| matches!(byte, b'\'' | b'"')).ok_or("expected a string in quotes")?;
        let length = bytes.iter().skip(1).position(|byte| byte == quote).ok_or("a string has no end")?;
        let value = self.rest.get(1..=length).unwrap_or_default();
        self.rest = self.rest.get(length + 2..).unwrap_or_default();
        Ok(value)
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &'static str) -> Result<(), &'static str> {
        if self.take(token) {
            return Ok(());
        }
        Err(match token {
            ")" => "expected )",
            "}" => "expected }",
            "{" => "expected a set in braces",
            _ => "expected an operator behind a label",
        })
    }
}

/// Whether `part` occurs in `text`: label values are short, so the plain way is the small one.
fn contains(text: &str, part: &str) -> bool {
    part.is_empty() || text.as_bytes().windows(part.len()).any(|window| window == part.as_bytes())
}

/// And, where `None` may be either.
fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn not(holds: Option<bool>) -> Option<bool> {
    holds.map(|holds| !holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use palisade_sdk::json;

    #[test]
    fn reads_the_language() {
        let labels = Labels::new(&[("app", Some("web-1")), ("tier", Some("")), ("x.y/in", Some("in")), ("hash", None)]);
        for (selector, expected) in [
            ("", Some(true)),
            ("  ", Some(true)),
            ("all()", Some(true)),
            ("all( )", Some(true)),
            ("!all()", Some(false)),
            ("global()", Some(false)),
            ("app == 'web-1'", Some(true)),
            ("app==\"web-1\"", Some(true)),
            ("app == 'web'", Some(false)),
            ("tier == ''", Some(true)),
            ("nope == ''", Some(false)),
            ("nope != 'x'", Some(true)),
            ("app != 'web-1'", Some(false)),
            ("has(app)", Some(true)),
            ("has( app )", Some(true)),
            ("has(nope)", Some(false)),
            ("!has(nope)", Some(true)),
            ("!!has(nope)", Some(false)),
            ("app in {'a', 'web-1'}", Some(true)),
            ("app in {}", Some(false)),
            ("app not in {'a',}", Some(true)),
            ("app notin {'a'}", Some(true)),
            ("nope not in {'a'}", Some(true)),
            ("nope in {'a'}", Some(false)),
            ("app contains 'eb'", Some(true)),
            ("app contains ''", Some(true)),
            ("app starts with 'web'", Some(true)),
            ("app ends with '-2'", Some(false)),
            ("nope ends with ''", Some(false)),
            ("x.y/in in {'in'}", Some(true)),
            ("has(app) && app == 'x' || all()", Some(true)),
            ("all() || has(app) && app == 'x'", Some(true)),
            ("(all() || has(app)) && app == 'x'", Some(false)),
            ("has(hash)", Some(true)),
            ("hash == 'x'", None),
            ("hash != 'x'", None),
            ("hash == 'x' && all()", None),
            ("hash == 'x' && !all()", Some(false)),
            ("hash == 'x' || all()", Some(true)),
            ("!(hash in {'x'})", None),
        ] {
            assert_eq!(evaluate(selector, &labels), Ok(expected), "{selector}");
        }
    }

    #[test]
    fn refuses_what_calico_refuses() {
        for selector in [
            "app",
            "app =",
            "app = 'x'",
            "app == x",
            "== 'x'",
            "app == 'x",
            "app in 'x'",
            "app in {'a' 'b'}",
            "app in {,}",
            "has()",
            "has(app",
            "all(",
            "(all()",
            "all())",
            "all() &",
            "all() && ",
            "all() all()",
            "app starts 'x'",
            "app not {'x'}",
            "!",
            "&&",
            "@",
        ] {
            assert!(evaluate(selector, &Labels::new(&[])).is_err(), "{selector}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}all(){}", "(".repeat(depth), ")".repeat(depth));
        assert_eq!(evaluate(&nested(DEPTH), &Labels::new(&[])), Ok(Some(true)));
        assert!(evaluate(&nested(DEPTH + 1), &Labels::new(&[])).is_err());
        assert!(evaluate(&"(".repeat(1_000_000), &Labels::new(&[])).is_err());
        let long = vec!["has(a)"; 100_000].join(" || ");
        assert_eq!(evaluate(&long, &Labels::new(&[])), Ok(Some(false)));
    }

    #[test]
    fn types_default_unlike_those_of_kubernetes() {
        for (spec, ingress, egress) in [
            ("{}", true, false),
            (r#"{"ingress": [{}]}"#, true, false),
            (r#"{"egress": [{}]}"#, false, true),
            (r#"{"ingress": [{}], "egress": [{}]}"#, true, true),
            (r#"{"types": ["Egress"], "ingress": [{}]}"#, false, true),
            (r#"{"types": ["Ingress", "Egress"]}"#, true, true),
        ] {
            let parsed: Spec<'_> = json::from_str(spec).unwrap();
            assert_eq!(parsed.applies_to(Direction::Ingress), ingress, "{spec}");
            assert_eq!(parsed.applies_to(Direction::Egress), egress, "{spec}");
        }
    }
}
