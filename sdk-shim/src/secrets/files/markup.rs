//! Elements and attributes: `<password>...</password>`, `<user name="shop" password="..."/>`, `<property name="password">...</property>`,
//! `<name>password</name><value>...</value>`, `<key>password</key><string>...</string>`.

use super::super::bytes::{DOT, among, cut, run};
use super::super::{Found, Scanner, Span, pairs};
use super::context::Owner;

/// Finds them.
pub(super) fn scan<'t>(scanner: &Scanner<'_>, text: &'t str, found: &mut Found<'t>) {
    let bytes = text.as_bytes();
    let mut reader = Reader { scanner, text, bytes, label: None };
    let mut here = 0;
    while let Some(open) = next(bytes, here, b'<') {
        here = if cut(bytes, open, open + 4) == b"<!--" {
            // The end of the comment is the end of the text where there is none.
            let rest = cut(bytes, open + 4, bytes.len());
            rest.windows(3).position(|mark| mark == b"-->").map_or(bytes.len(), |length| open + 4 + length + 3)
        } else {
            reader.tag(open, found)
        };
    }
}

fn next(text: &[u8], from: usize, byte: u8) -> Option<usize> {
    cut(text, from, text.len()).iter().position(|here| *here == byte).map(|length| from + length)
}

struct Reader<'r, 'o, 't> {
    scanner: &'r Scanner<'o>,
    text: &'t str,
    bytes: &'t [u8],
    /// What an attribute or an element said is the name of what follows.
    label: Option<Owner>,
}

impl<'t> Reader<'_, '_, 't> {
    fn owner(&self, name: Span) -> Option<Owner> {
        let name_text = self.text.get(name.start..name.end).filter(|name| name.len() <= 128)?;
        self.scanner.promise(name_text).map(|promise| Owner { promise, name })
    }

    fn judge(&self, owner: Owner, value: Span, found: &mut Found<'t>) {
        super::judge(owner.promise, owner.name, value, self.text, found);
    }

    /// Reads a tag and the text behind it; answers where to go on.
    fn tag(&mut self, open: usize, found: &mut Found<'t>) -> usize {
        let start = open + 1;
        let name = Span { start, end: run_name(self.bytes, start) };
        let element = cut(self.bytes, name.start, name.end);
        if element.is_empty() {
            // `</x>`, `<?x ?>`, `a < b`
            return start;
        }
        let local = element.rsplit(|byte| *byte == b':').next().unwrap_or_default();
        let mut labelled = None;
        let mut here = name.end;
        // Attributes.
        loop {
            match self.bytes.get(here) {
                None => return here,
                // A tag that does not end.
                Some(b'<') => return here,
                Some(b'>') => break,
                Some(byte) if byte.is_ascii_whitespace() || *byte == b'/' => here += 1,
                Some(_) => {
                    let attribute = Span { start: here, end: run_name(self.bytes, here) };
                    here = attribute.end.max(here + 1);
                    if self.bytes.get(attribute.end) != Some(&b'=') {
                        continue;
                    }
                    let Some(quote @ (b'"' | b'\'')) = self.bytes.get(attribute.end + 1) else { continue };
                    let start = attribute.end + 2;
                    let Some(end) = next(self.bytes, start, *quote) else { return self.bytes.len() };
                    here = end + 1;
                    let value = Span { start, end };
                    let attribute_name = cut(self.bytes, attribute.start, attribute.end);
                    // Forms speak of passwords: `<input name="password" type="password" value="">`.
                    if among(attribute_name, &["name", "key", "id", "property"]) {
                        labelled = self.owner(value);
                    } else if among(attribute_name, &["value", "default", "defaultvalue"]) {
                        if let Some(owner) = labelled.take() {
                            self.judge(owner, value, found);
                        }
                    } else if let Some(owner) = self.owner(attribute).filter(|_| !is_html(attribute_name)) {
                        self.judge(owner, value, found);
                    } else if cut(self.bytes, start, end).iter().any(|byte| matches!(byte, b'=' | b':')) {
                        pairs::scan_from(self.text.get(..end).unwrap_or_default(), start, found);
                    }
                }
            }
        }
        let empty = self.bytes.get(here - 1) == Some(&b'/');
        let start = here + 1;
        let end = next(self.bytes, start, b'<').unwrap_or(self.bytes.len());
        let content = cut(self.bytes, start, end);
        let (start, end) = match content.trim_ascii() {
            [] if cut(self.bytes, end, end + 9) == b"<![CDATA[" => {
                let start = end + 9;
                (start, next(self.bytes, start, b']').unwrap_or(self.bytes.len()))
            }
            inner => {
                let start = start + content.len() - content.trim_ascii_start().len();
                (start, start + inner.len())
            }
        };
        if empty || start >= end {
            return end.max(here + 1);
        }
        let value = Span { start, end };
        let label = self.label.take();
        if among(local, &["name", "key", "param-name"]) {
            self.label = self.owner(value);
        } else if let Some(owner) = self.owner(name) {
            self.judge(owner, value, found);
        } else if let Some(owner) =
            labelled.filter(|_| !among(local, &["label", "a", "button", "option", "select", "h1", "h2", "p"]))
        {
            self.judge(owner, value, found);
        } else if let Some(owner) = label.filter(|_| among(local, &["value", "string", "param-value"])) {
            self.judge(owner, value, found);
        } else if !among(local, &["script", "style", "p", "title", "description", "pattern"]) {
            pairs::scan_from(self.text.get(..end).unwrap_or_default(), start, found);
        }
        end
    }
}

fn run_name(text: &[u8], start: usize) -> usize {
    let mut end = start;
    while text.get(end).is_some_and(|byte| *byte == b':' || *byte != b'=' && run(&[*byte], 0, DOT) == 1) {
        end += 1;
    }
    end
}

/// Attributes of HTML whose values people see.
fn is_html(attribute: &[u8]) -> bool {
    among(attribute, &["placeholder", "title", "alt", "aria-label", "autocomplete", "for", "type", "class"])
}
