//! The writer of answers.

/// Writes JSON. Commas are put where they belong; brackets are the caller's to balance.
#[derive(Debug, Default)]
pub struct Writer {
    text: String,
    /// Whether a comma is due before the next value or key.
    comma: bool,
}

impl Writer {
    /// What was written.
    pub fn finish(self) -> String {
        self.text
    }

    fn separate(&mut self) {
        if self.comma {
            self.text.push(',');
        }
        self.comma = true;
    }

    /// Begins a map or list: `{` or `[`.
    pub fn open(&mut self, bracket: char) -> &mut Self {
        self.separate();
        self.text.push(bracket);
        self.comma = false;
        self
    }

    /// Ends a map or list: `}` or `]`.
    pub fn close(&mut self, bracket: char) -> &mut Self {
        self.text.push(bracket);
        self.comma = true;
        self
    }

    /// A key; its value comes next.
    pub fn key(&mut self, key: &str) -> &mut Self {
        self.string(key);
        self.text.push(':');
        self.comma = false;
        self
    }

    /// A value that is JSON already: a number, `true`, or an object from elsewhere.
    pub fn raw(&mut self, json: &str) -> &mut Self {
        self.separate();
        self.text.push_str(json);
        self
    }

    /// A string.
    pub fn string(&mut self, text: &str) -> &mut Self {
        self.separate();
        self.text.push('"');
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\')) {
            self.text.push_str(rest.get(..at).unwrap_or_default());
            match rest.as_bytes().get(at) {
                Some(b'\n') => self.text.push_str("\\n"),
                Some(byte @ (b'"' | b'\\')) => {
                    self.text.push('\\');
                    self.text.push(char::from(*byte));
                }
                Some(byte) => {
                    self.text.push_str("\\u00");
                    for digit in [byte >> 4, byte & 15] {
                        self.text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
                    }
                }
                None => {}
            }
            rest = rest.get(at + 1..).unwrap_or_default();
        }
        self.text.push_str(rest);
        self.text.push('"');
        self
    }

    /// A list of strings.
    pub fn strings(&mut self, items: &[&str]) -> &mut Self {
        self.open('[');
        for item in items {
            self.string(item);
        }
        self.close(']')
    }

    /// A key with a string, or with `null` where there is none.
    pub fn optional(&mut self, key: &str, text: Option<&str>) -> &mut Self {
        self.key(key);
        match text {
            Some(text) => self.string(text),
            None => self.raw("null"),
        }
    }

    /// A key with a string.
    pub fn field(&mut self, key: &str, text: &str) -> &mut Self {
        self.key(key).string(text)
    }
}
