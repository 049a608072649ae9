//! `palisade.yaml`: which policies look, with which settings, and what is exempt.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use palisade_harness::yaml::{self, Places, Position, YamlError};
use palisade_sdk::Date;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::exemptions::Exemption;
use crate::report::Place;

/// The file that is looked for.
pub const FILE_NAME: &str = "palisade.yaml";

/// The configuration, checked for what can be known without the policies.
#[derive(Debug, Default)]
pub struct Config {
    /// What is set for each policy.
    pub policies: BTreeMap<String, PolicyConfig>,
    /// What is exempt.
    pub exemptions: Vec<Exemption>,
    source: Option<(Arc<str>, Places)>,
}

/// What is set for one policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyConfig {
    /// Whether it looks at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Its settings, as it defines them.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// The level of each rule that should differ from its default: the policy's setting `rules`.
    #[serde(default)]
    pub rules: BTreeMap<String, Level>,
}

/// What a rule is set to: a level that the policies know.
#[derive(Clone, Copy, Debug)]
pub struct Level(&'static str);

impl Level {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LevelVisitor;

        impl serde::de::Visitor<'_> for LevelVisitor {
            type Value = Level;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("deny, warn or off")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Level, E> {
                let known = ["deny", "warn", "off"].into_iter().find(|level| *level == text);
                known.map(Level).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }

            // What YAML makes of `off` without quotes.
            fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Level, E> {
                if value { Err(E::invalid_value(serde::de::Unexpected::Bool(true), &self)) } else { Ok(Level("off")) }
            }
        }

        deserializer.deserialize_any(LevelVisitor)
    }
}

fn yes() -> bool {
    true
}

impl PolicyConfig {
    /// The settings that the policy gets.
    pub fn effective_settings(&self) -> Value {
        let mut settings = self.settings.clone();
        if !self.rules.is_empty() {
            let rules: Map<String, Value> = self.rules.iter().map(|(rule, level)| (rule.clone(), level.0.into())).collect();
            settings.insert("rules".to_owned(), Value::Object(rules));
        }
        Value::Object(settings)
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    policies: Option<BTreeMap<String, Option<PolicyConfig>>>,
    #[serde(default)]
    exemptions: Option<Vec<WrittenExemption>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenExemption {
    policy: Option<String>,
    rule: Option<String>,
    namespace: Option<String>,
    kind: Option<String>,
    name: Option<String>,
    reason: String,
    expires: Option<String>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{place}: {problem}")]
    Wrong {
        /// Where.
        place: Place,
        /// What.
        problem: String,
    },
}

impl Config {
    /// Reads the given file, or the nearest `palisade.yaml` of the working directory and those above it, or nothing.
    ///
    /// # Errors
    /// When the file cannot be read, or something in it is wrong.
    pub fn load(given: Option<&Path>) -> Result<Self, ConfigError> {
        match given {
            Some(path) => Self::read(path),
            None => match find() {
                Some(path) => Self::read(&path),
                None => Ok(Self::default()),
            },
        }
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, &path.to_string_lossy())
    }

    fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let file: Arc<str> = file.into();
        let wrong = |error: YamlError| ConfigError::Wrong {
            place: Place { file: Arc::clone(&file), position: Some(error.position) },
            problem: error.problem,
        };
        let mut documents = yaml::documents(text).into_iter();
        let Some(document) = documents.next() else { return Ok(Self::default()) };
        let document = document.map_err(wrong)?;
        if let Some(second) = documents.next() {
            let position = second.map_err(wrong)?.position();
            return Err(wrong(YamlError { position, problem: "expected one document, found another".to_owned() }));
        }
        if document.is_empty() {
            return Ok(Self::default());
        }
        let written: Written = document.parse().map_err(wrong)?;
        let (value, places) = document.into_parts();
        drop(value);
        let mut config = Self { source: Some((file, places)), ..Self::default() };
        for (name, policy) in written.policies.unwrap_or_default() {
            let policy = policy.unwrap_or(PolicyConfig { enabled: true, settings: Map::new(), rules: BTreeMap::new() });
            if policy.settings.contains_key("rules") && !policy.rules.is_empty() {
                return Err(
                    config.wrong(&key(&name, "settings.rules"), "the rules' levels are set twice: keep those of `rules` only")
                );
            }
            config.policies.insert(name, policy);
        }
        for (index, written) in written.exemptions.unwrap_or_default().into_iter().enumerate() {
            let exemption = config.exemption(index, written)?;
            config.exemptions.push(exemption);
        }
        Ok(config)
    }

    fn exemption(&self, index: usize, written: WrittenExemption) -> Result<Exemption, ConfigError> {
        let WrittenExemption { policy, rule, namespace, kind, name, reason, expires } = written;
        let path = |field: &str| format!("exemptions[{index}].{field}");
        let patterns = [("policy", &policy), ("rule", &rule), ("namespace", &namespace), ("kind", &kind), ("name", &name)];
        for (field, pattern) in patterns {
            if pattern.as_deref().is_some_and(|pattern| pattern.trim().is_empty()) {
                return Err(self.wrong(&path(field), "expected a name or a pattern, found nothing"));
            }
        }
        if patterns.iter().all(|(_, pattern)| pattern.is_none()) {
            return Err(self.wrong(
                &format!("exemptions[{index}]"),
                "this would exempt everything: name a policy, rule, namespace, kind or name",
            ));
        }
        if reason.trim().is_empty() {
            return Err(self.wrong(&path("reason"), "an exemption needs a reason"));
        }
        let expires = match expires {
            None => None,
            Some(text) => match text.parse() {
                Ok(date) => Some(date),
                Err::<Date, _>(error) => {
                    return Err(self.wrong(&path("expires"), format!("expected a day, written YYYY-MM-DD: {error}")));
                }
            },
        };
        let place = self.place(&format!("exemptions[{index}]"));
        Ok(Exemption { policy, rule, namespace, kind, name, reason, expires, place })
    }

    /// An error of a key.
    pub fn wrong(&self, path: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError::Wrong { place: self.place(path), problem: problem.into() }
    }

    /// An error of a policy's settings. What the policy says begins with the key at fault: `settings: allowedRoles[0]: …`.
    pub fn wrong_settings(&self, policy: &str, said: &str) -> ConfigError {
        let problem = said.strip_prefix("settings: ").unwrap_or(said);
        let field = problem.split_once(": ").map(|(field, _)| field).filter(|field| !field.contains(' '));
        let levels_apart = self.policies.get(policy).is_some_and(|policy| !policy.rules.is_empty());
        let path = match field {
            Some(field) if levels_apart && field.starts_with("rules") => key(policy, field),
            Some(field) => key(policy, &format!("settings.{field}")),
            None => key(policy, "settings"),
        };
        self.wrong(&path, format!("{policy}: {problem}"))
    }

    /// An error about a policy as a whole.
    pub fn wrong_policy(&self, policy: &str, problem: impl Into<String>) -> ConfigError {
        self.wrong(&format!("policies[{policy}]"), problem)
    }

    fn place(&self, path: &str) -> Place {
        match &self.source {
            Some((file, places)) => Place { file: Arc::clone(file), position: Some(places.locate(path)) },
            None => Place { file: FILE_NAME.into(), position: Some(Position { line: 1, column: 1 }) },
        }
    }
}

fn key(policy: &str, field: &str) -> String {
    format!("policies[{policy}].{field}")
}

/// The nearest configuration of the working directory and those above it.
fn find() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let found = here.ancestors().map(|dir| dir.join(FILE_NAME)).find(|path| path.is_file())?;
    // Shown as a user would write it.
    Some(found.strip_prefix(&here).map(Path::to_owned).unwrap_or(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Config::parse(text, FILE_NAME).expect_err("an error").to_string()
    }

    #[test]
    fn unknown_keys_are_errors_with_their_place() {
        assert_eq!(error("policy: {}\n"), "palisade.yaml:1:1: unknown key `policy`, expected `policies` or `exemptions`");
        assert_eq!(
            error("policies:\n  a:\n    enabeld: false\n"),
            "palisade.yaml:3:5: unknown key `enabeld`, expected one of `enabled`, `settings`, `rules`"
        );
        assert_eq!(error("policies:\n  a:\n    rules: {x: loud}\n"), "palisade.yaml:3:16: expected deny, warn or off");
        assert_eq!(error("policies: [a]\n"), "palisade.yaml:1:11: expected a map");
        assert_eq!(error("a: 1\n---\nb: 2\n"), "palisade.yaml:3:1: expected one document, found another");
        assert_eq!(error("policies: {a: {}, a: {}}\n"), "palisade.yaml:1:19: the key `a` is already set in this map");
    }

    #[test]
    fn an_exemption_has_a_reason_and_a_target() {
        assert_eq!(error("exemptions:\n  - name: web\n"), "palisade.yaml:2:5: missing key `reason`");
        assert_eq!(error("exemptions:\n  - name: web\n    reason: ' '\n"), "palisade.yaml:3:13: an exemption needs a reason");
        assert_eq!(
            error("exemptions:\n  - reason: because\n"),
            "palisade.yaml:2:5: this would exempt everything: name a policy, rule, namespace, kind or name"
        );
        assert_eq!(
            error("exemptions:\n  - {name: a, reason: b, expires: 2024-02-30}\n"),
            "palisade.yaml:2:35: expected a day, written YYYY-MM-DD: that month has 29 days"
        );
        assert_eq!(
            error("exemptions:\n  - {name: '', reason: b}\n"),
            "palisade.yaml:2:12: expected a name or a pattern, found nothing"
        );
    }

    #[test]
    fn levels_are_a_setting() {
        let config = Config::parse("policies:\n  a: {settings: {x: 1}, rules: {r: warn, s: off}}\n  b:\n", FILE_NAME).unwrap();
        assert_eq!(config.policies["a"].effective_settings(), serde_json::json!({"x": 1, "rules": {"r": "warn", "s": "off"}}));
        assert!(config.policies["b"].enabled);
        assert_eq!(
            error("policies:\n  a:\n    settings: {rules: {x: off}}\n    rules: {y: off}\n"),
            "palisade.yaml:3:16: the rules' levels are set twice: keep those of `rules` only"
        );
    }

    #[test]
    fn what_a_policy_says_of_its_settings_is_placed() {
        let config = Config::parse(
            "policies:\n  a:\n    settings:\n      list:\n        - {x: 1}\n    rules:\n      r: warn\n",
            FILE_NAME,
        )
        .unwrap();
        let said = |text: &str| config.wrong_settings("a", text).to_string();
        assert_eq!(said("settings: list[0].x: too small"), "palisade.yaml:5:15: a: list[0].x: too small");
        assert_eq!(said("settings: rules.r: unknown rule"), "palisade.yaml:7:10: a: rules.r: unknown rule");
        assert_eq!(said("no good"), "palisade.yaml:3:5: a: no good");
    }

    #[test]
    fn an_empty_file_sets_nothing() {
        for text in ["", "# nothing\n", "---\n", "policies:\nexemptions:\n"] {
            let config = Config::parse(text, FILE_NAME).unwrap();
            assert!(config.policies.is_empty() && config.exemptions.is_empty());
        }
    }
}
