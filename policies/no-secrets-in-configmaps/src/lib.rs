//! Rejects ConfigMaps that hold secrets.
//!
//! A ConfigMap provides no secrecy (Kubernetes documentation: ConfigMaps): nearly everyone may read it, it is not encrypted at
//! rest, and it is kept in Git. This policy looks at every value of `data` and `binaryData` with the detectors of
//! [`palisade_sdk::secrets`], reads values that are files line by line ([`palisade_sdk::secrets::files`]), and names the line. The
//! ConfigMap's annotations are looked at too.
//!
//! References: CIS Kubernetes Benchmark 5.4.1 and 5.4.2, OWASP Kubernetes Top 10 K08:2022.

use palisade_sdk::secrets::exceptions::{self, Allowed};
use palisade_sdk::secrets::{Match, Options, Scanner, rules};
use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Error, Host, Map, Path, Policy, Report, Request, Rule, SettingsError};

palisade_sdk::settings! {
    /// What the deployer may change.
    pub struct Settings {
        /// Names that promise a secret besides the known ones, of keys and of fields in files: globs, without regard to case.
        pub extra_names: Vec<String> = Vec::new(),
        /// What else is a secret wherever it stands: globs over words (`acme_????????????????`); white space, quotes, commas, semicolons and equals signs end a word.
        pub extra_patterns: Vec<String> = Vec::new(),
        /// What is accepted all the same: `{name, path, reason}`; `name` is a glob over the key, and over the field in a file, `path` one over the place as findings print it (`data[settings.py]`), and of both both must match.
        pub allowed: Vec<Allowed> = Vec::new(),
        /// From how many bits of Shannon entropy for each character a word of 20 characters and more is a secret under any name; 4.5 finds most keys in base64. Off unless set.
        pub entropy_threshold: Option<f64> = None,
    }
}

/// The policy.
pub struct NoSecretsInConfigMaps;

palisade_sdk::view! {
    /// `ConfigMap` (`v1`).
    struct ConfigMap<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        data: Map<'a> as "data",
        binary_data: Map<'a> as "binaryData",
    }
}

impl Policy for NoSecretsInConfigMaps {
    type Settings = Settings;
    const RULES: &'static [Rule] = rules::ALL;

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        let Settings { extra_names, extra_patterns, allowed, entropy_threshold, .. } = settings;
        exceptions::check(extra_names, extra_patterns, allowed, *entropy_threshold)
    }

    fn validate(request: &Request<'_>, settings: &Settings, _: &dyn Host, report: &mut Report) -> Result<(), Error> {
        // Other kinds have `data` too, and a Secret is where a secret belongs.
        if request.kind.kind != "ConfigMap" {
            return Ok(());
        }
        let object: ConfigMap<'_> = request.object()?;
        let scanner = Scanner::new(Options {
            names: &settings.extra_names,
            patterns: &settings.extra_patterns,
            entropy: settings.entropy_threshold,
        });
        let mut search = Search { settings, report };

        let data = Path::new("data");
        for (key, value) in &object.data {
            let place = Place { holder: "the key ", name: key, path: &data.key(key), remedy: IN_DATA, lines: Lines::OfField };
            let place = if value.trim().contains('\n') { place } else { Place { lines: Lines::None, ..place } };
            scanner.file(key, value, &mut |line, found| search.add(&place, line, found));
        }
        let binary_data = Path::new("binaryData");
        for (key, value) in &object.binary_data {
            let path = binary_data.key(key);
            let place = Place { holder: "the key ", name: key, path: &path, remedy: IN_DATA, lines: Lines::Decoded };
            let read = scanner.binary_file(key, value, &mut |line, found| search.add(&place, line, found));
            read.map_err(|_| {
                Error::malformed(&path, "expected base64 (RFC 4648, section 4) of a file, and found something else")
            })?;
        }
        let annotations = Path::new("metadata.annotations");
        for (name, value) in &object.metadata.annotations {
            // A copy of the whole object says nothing that the object does not say.
            if exceptions::is_copy(name) {
                continue;
            }
            let path = annotations.key(name);
            let place = Place { holder: "the annotation ", name, path: &path, remedy: IN_ANNOTATION, lines: Lines::None };
            for found in scanner.value(name, value) {
                search.add(&place, 0, &found);
            }
        }
        Ok(())
    }
}

palisade_sdk::export!(NoSecretsInConfigMaps);

const IN_DATA: &str = "keep it in a Secret, and let the configuration read it from a mounted file or a variable";
const IN_ANNOTATION: &str = "remove it, since annotations are read by whoever can read the object";

/// Where a text stands, for messages.
struct Place<'p> {
    holder: &'static str,
    name: &'p str,
    path: &'p Path<'p>,
    remedy: &'static str,
    lines: Lines,
}

/// What the lines of a text are.
#[derive(Clone, Copy, PartialEq)]
enum Lines {
    /// There is only one, or none that means anything.
    None,
    /// Lines of the field.
    OfField,
    /// Lines of the file that the field encodes.
    Decoded,
}

struct Search<'r> {
    settings: &'r Settings,
    report: &'r mut Report,
}

impl Search<'_> {
    fn add(&mut self, place: &Place<'_>, line: usize, found: &Match<'_>) {
        let Place { holder, name, path, remedy, lines } = *place;
        if exceptions::is_allowed(&self.settings.allowed, &[name, found.name], path) {
            return;
        }
        let mut message = String::from(holder);
        message.push_str(name.get(..64).unwrap_or(name));
        if line > 0 && lines != Lines::None {
            message.push_str(", line ");
            message.push_str(&line.to_string());
            message.push(',');
        }
        found.describe(&mut message);
        let remedy = found.remedy(remedy);
        self.report.add_in_text(found.rule, path, (lines == Lines::OfField).then_some(line), message, remedy);
    }
}
