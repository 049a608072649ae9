//! The labelled corpus: each line of the tables, with several names, in several places and encodings.
//!
//! The corpus is the same for the same seed. A line belongs to a family, and families as a whole belong to a part: a hash of the
//! family's name holds a third of them back from tuning, and those of one table were written when the tuning was over.

use std::ops::Range;

use super::negatives::NEGATIVES;
use super::positives::{FORMATS, HTTP, NAMES, PASTED, URLS, WARNINGS};
use super::template::{Random, base64, expand, fnv, percent};
use super::unseen::UNSEEN;

/// The seed of the published figures.
pub const SEED: u64 = 0x5061_6c69_7361_6465;

/// How a secret is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detector {
    /// By the form of a provider's tokens.
    Format,
    /// In a URL or data source name.
    Url,
    /// In an `Authorization` header or a login.
    Http,
    /// By its name.
    Name,
    /// A value that is to be replaced: a warning.
    Placeholder,
    /// A value that documentation prints: a warning.
    Example,
}

impl Detector {
    pub const ALL: [Self; 6] = [Self::Format, Self::Url, Self::Http, Self::Name, Self::Placeholder, Self::Example];

    pub fn title(self) -> &'static str {
        match self {
            Self::Format => "formats",
            Self::Url => "URLs",
            Self::Http => "HTTP credentials",
            Self::Name => "names",
            Self::Placeholder => "placeholders",
            Self::Example => "examples",
        }
    }
}

/// What the family of a value was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// To tune the detectors.
    Tuning,
    /// For the figures alone, until they stood; its errors were read once then, and mended.
    HeldBack,
    /// For the figures alone: written afterwards, its errors unread.
    Unseen,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::Tuning, Self::HeldBack, Self::Unseen];

    pub fn title(self) -> &'static str {
        match self {
            Self::Tuning => "tuning",
            Self::HeldBack => "held back",
            Self::Unseen => "unseen",
        }
    }

    fn of(family: &str) -> Self {
        if UNSEEN.iter().any(|line| line.family == family) {
            Self::Unseen
        } else if (fnv(family) / 7).is_multiple_of(3) {
            Self::HeldBack
        } else {
            Self::Tuning
        }
    }
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A variable.
    Env,
    /// An annotation.
    Annotation,
    /// A header of a probe.
    Header,
    /// `--name=value`
    Flag,
    /// `--name value`
    FlagWord,
    /// `sh -c "export NAME=value ..."`
    Shell,
    /// A line of a `.env` file.
    Dotenv,
    /// A line of an INI file.
    Ini,
    /// A line of YAML.
    Yaml,
    /// A member in JSON.
    Json,
    /// A line of TOML.
    Toml,
    /// An assignment in Python.
    Python,
    /// The whole text is a file, the name its key.
    File,
    /// The whole text is a command, its words between `¦`.
    Command,
}

/// The places that kinds of lines are tried in.
pub mod places {
    use super::Place::{self, *};

    pub const ENV: &[Place] = &[Env];
    pub const NAMED: &[Place] = &[Env, Dotenv, Yaml, Flag, Json, Env, Ini, Toml, FlagWord, Python, Shell];
    pub const TOKEN: &[Place] = &[Env, Annotation, Flag, Yaml, Json, Env, Dotenv, Python, Shell];
    pub const TEXT: &[Place] = &[Annotation, Env];
    pub const ANNOTATION: &[Place] = &[Annotation];
    pub const HEADER: &[Place] = &[Header];
    pub const COMMAND: &[Place] = &[Command];
    pub const FILE: &[Place] = &[File];
}

/// A line of the tables.
pub struct Line {
    pub family: &'static str,
    /// What must find it; nothing where nothing may.
    pub detector: Option<Detector>,
    /// Between `|`.
    pub names: &'static str,
    /// Alternatives between `‖`.
    pub value: &'static str,
    pub places: &'static [Place],
    /// How many samples at least; each name and each alternative is used once.
    pub copies: usize,
}

impl Line {
    pub const fn new(
        family: &'static str,
        detector: Option<Detector>,
        names: &'static str,
        value: &'static str,
        places: &'static [Place],
        copies: usize,
    ) -> Self {
        Self { family, detector, names, value, places, copies }
    }
}

/// A value in its place, and what is true of it.
#[derive(Clone, Debug)]
pub struct Sample {
    pub family: &'static str,
    pub part: Part,
    pub detector: Option<Detector>,
    pub place: Place,
    pub name: String,
    /// The words of a command, or else one text.
    pub words: Vec<String>,
    /// The word and the bytes of it that are secret, encoded as they are.
    pub secret: (usize, Range<usize>),
    /// The secret as its owner would write it.
    pub plain: String,
    /// How many of its first bytes are the same in all tokens of its kind.
    pub public: usize,
    /// How often it is encoded.
    pub encodings: u32,
}

/// All of it.
pub fn samples(seed: u64) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (table, lines) in [FORMATS, PASTED, URLS, HTTP, NAMES, WARNINGS, NEGATIVES, UNSEEN].into_iter().enumerate() {
        for line in lines {
            // A stream for each line: a new one leaves the others as they are.
            let mut random = Random::new(seed, &format!("{table} {} {}", line.names, line.value));
            of_line(line, &mut random, &mut samples);
        }
    }
    samples
}

fn of_line(line: &Line, random: &mut Random, samples: &mut Vec<Sample>) {
    let names: Vec<&str> = line.names.split('|').collect();
    let values: Vec<&str> = line.value.split('‖').collect();
    let first_place = random.below(line.places.len());
    for copy in 0..line.copies.max(names.len()).max(values.len()) {
        let name = names[copy % names.len()];
        let value = expand(values[copy % values.len()], random);
        let place = line.places[(first_place + copy) % line.places.len()];
        let mut sample = placed(line, place, name, &value.text, value.secret);
        sample.public = value.public;
        samples.push(sample);
    }
    if line.places.len() > 1 || line.names.is_empty() {
        encoded(line, names[0], random, samples);
    }
}

/// The same once more in base64, once and twice, and percent-encoded.
fn encoded(line: &Line, name: &str, random: &mut Random, samples: &mut Vec<Sample>) {
    let turn = fnv(line.names) ^ fnv(line.value);
    let template = line.value.split('‖').next().unwrap_or_default();
    let stands_alone = matches!(line.detector, Some(Detector::Format | Detector::Url));
    let one_in = |number: u64| turn.is_multiple_of(number);
    let mut add = |name: &str, encodings: u32, template: String, wrap: &dyn Fn(&str) -> String| {
        let value = expand(&template, random);
        let text = wrap(&value.text);
        let whole = 0..text.len();
        let mut sample = placed(line, Place::Env, name, &text, whole);
        sample.encodings = encodings;
        sample.plain = value.text[value.secret].to_owned();
        sample.public = value.public;
        samples.push(sample);
    };
    if line.places == places::COMMAND || line.detector == Some(Detector::Example) {
        return;
    }
    if stands_alone && one_in(2) {
        add("CONFIG_B64", 1, template.to_owned(), &|text| base64(text.as_bytes()));
    }
    if stands_alone && one_in(5) {
        add("PAYLOAD", 2, template.to_owned(), &|text| base64(base64(text.as_bytes()).as_bytes()));
    }
    if line.detector == Some(Detector::Url) && one_in(3) {
        add("NEXT", 1, template.to_owned(), &|text| format!("https://example.com/login?next={}", percent(text)));
    }
    let is_simple = !template.contains(['"', '\'', ' ', '\n', '#', '$'])
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if matches!(line.detector, None | Some(Detector::Name)) && is_simple && one_in(3) {
        let file = format!("DEBUG=False\n{name}={template}\nWEB_CONCURRENCY=3\n");
        add("DOTENV_B64", 1, file, &|text| base64(text.as_bytes()));
    }
}

/// Writes a value into its place; where the place has no room for it, it is a variable.
fn placed(line: &Line, place: Place, name: &str, value: &str, secret: Range<usize>) -> Sample {
    let mut sample = Sample {
        family: line.family,
        part: Part::of(line.family),
        detector: line.detector,
        place,
        name: name.to_owned(),
        plain: value[secret.clone()].to_owned(),
        words: Vec::new(),
        secret: (0, secret.clone()),
        public: 0,
        encodings: 0,
    };
    if place == Place::Command {
        let mut start = 0;
        for (index, word) in value.split('¦').enumerate() {
            if secret.start >= start && secret.start <= start + word.len() {
                sample.secret = (index, secret.start - start..(secret.end - start).min(word.len()));
            }
            start += word.len() + '¦'.len_utf8();
            sample.words.push(word.to_owned());
        }
        return sample;
    }
    let is_identifier = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let one_line = !value.contains(['\n', '\r']) && !value.is_empty();
    let without = |signs: &[char]| one_line && !value.contains(signs);
    let kebab = kebab(name);
    let key = |key: &str| key.to_owned();
    let (key, before, after) = match place {
        Place::Flag if one_line => (String::new(), format!("--{kebab}="), String::new()),
        Place::FlagWord if one_line && !value.starts_with('-') => {
            sample.words = vec!["app".to_owned(), format!("--{kebab}"), value.to_owned(), "--verbose".to_owned()];
            sample.secret.0 = 2;
            return sample;
        }
        Place::Shell if is_identifier && without(&['\'']) => {
            (String::new(), format!("set -e; export {name}='"), "' && exec app".to_owned())
        }
        Place::Dotenv if is_identifier && without(&['"', '\'', '$', '\\', '#', ' ', '`']) => {
            (key(".env"), format!("DEBUG=False\nLOG_LEVEL=info\n{name}="), "\nPORT=8000\n".to_owned())
        }
        Place::Ini if without(&['"', '\'', ';', '#', '%']) => {
            (key("app.ini"), format!("[server]\nport = 8000\n\n[shop]\n{name} = "), "\ntimeout = 30\n".to_owned())
        }
        Place::Yaml if without(&['\'', '\\']) => {
            let mut text = "server:\n  port: 8000\n".to_owned();
            let parts: Vec<&str> = if name.contains('/') { vec![name] } else { name.split('.').collect() };
            for (depth, part) in parts.iter().enumerate() {
                let end = if depth + 1 == parts.len() { " '" } else { "\n" };
                text += &format!("{}{part}:{end}", "  ".repeat(depth));
            }
            (key("config.yaml"), text, "'\ntimeout: 30\n".to_owned())
        }
        Place::Json if without(&['"', '\\']) => {
            (key("config.json"), format!("{{\n  \"port\": 8000,\n  \"{name}\": \""), "\",\n  \"timeout\": 30\n}\n".to_owned())
        }
        Place::Toml if is_identifier && without(&['"', '\\']) => {
            (key("config.toml"), format!("[shop]\nport = 8000\n{name} = \""), "\"\ntimeout = 30\n".to_owned())
        }
        Place::Python if is_identifier && without(&['\'', '\\']) => {
            (key("settings.py"), format!("import os\n\nDEBUG = False\n{name} = '"), "'\nUSE_TZ = True\n".to_owned())
        }
        Place::Annotation if !name.contains('/') => {
            sample.name = format!("shop.example.com/{kebab}");
            sample.words = vec![value.to_owned()];
            return sample;
        }
        Place::Header | Place::File | Place::Annotation => {
            sample.words = vec![value.to_owned()];
            return sample;
        }
        _ => {
            sample.place = Place::Env;
            sample.words = vec![value.to_owned()];
            return sample;
        }
    };
    let word = if matches!(place, Place::Flag | Place::Shell) { 1 + usize::from(place == Place::Shell) } else { 0 };
    sample.secret = (word, secret.start + before.len()..secret.end + before.len());
    let text = format!("{before}{value}{after}");
    sample.words = match place {
        Place::Flag => vec!["app".to_owned(), text, "--verbose".to_owned()],
        Place::Shell => vec!["sh".to_owned(), "-c".to_owned(), text],
        _ => {
            sample.name = key;
            vec![text]
        }
    };
    sample
}

/// `dbPassword`, `DB_PASSWORD`, `db.password`: `db-password`.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    let mut lower = false;
    for character in name.chars() {
        if character.is_ascii_uppercase() && lower {
            text.push('-');
        }
        lower = character.is_ascii_lowercase();
        text.push(if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' });
    }
    text.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_enough_and_the_same_each_time() {
        let corpus = samples(SEED);
        let positives = corpus.iter().filter(|sample| sample.detector.is_some()).count();
        assert!(positives >= 600 && corpus.len() - positives >= 1000, "{positives} of {}", corpus.len());
        let tuning = corpus.iter().filter(|sample| sample.part == Part::Tuning).count();
        assert!(tuning * 3 <= corpus.len() * 2, "{tuning} of {}", corpus.len());
        assert!(corpus.iter().map(|sample| &sample.words).eq(samples(SEED).iter().map(|sample| &sample.words)));
        assert_ne!(corpus[0].words, samples(SEED + 1)[0].words);
    }

    #[test]
    fn the_secret_is_where_the_label_says() {
        for sample in samples(SEED).into_iter().filter(|sample| sample.detector.is_some()) {
            let (word, range) = sample.secret.clone();
            let text = &sample.words[word][range];
            assert!(sample.encodings > 0 || text == sample.plain, "{sample:?}");
        }
    }
}
