//! Settings: what the deployer of a policy may change, checked strictly.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};

use crate::report::Rule;

/// What a rule is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Findings reject the object.
    Deny,
    /// Findings warn.
    Warn,
    /// The rule is not looked at.
    Off,
}

/// The setting `rules` that every policy has: `{rule-id: deny | warn | off}`.
#[derive(Clone, Debug, Default)]
pub struct RuleLevels(Vec<(String, Level)>);

impl RuleLevels {
    /// The level that the settings give this rule.
    pub fn get(&self, id: &str) -> Option<Level> {
        self.0.iter().rev().find(|(rule, _)| rule == id).map(|(_, level)| *level)
    }
}

impl<'de> Deserialize<'de> for RuleLevels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Levels;

        impl<'de> Visitor<'de> for Levels {
            type Value = RuleLevels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of rule ids to deny, warn or off")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut levels = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    levels.push(entry);
                }
                Ok(RuleLevels(levels))
            }
        }

        deserializer.deserialize_map(Levels)
    }
}

/// A setting whose value cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    path: String,
    problem: String,
}

impl SettingsError {
    /// `path` is the key as the user wrote it (`allowedRoles[0].reason`), `problem` what was expected there.
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into() }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, problem } = self;
        if path.is_empty() { write!(f, "settings: {problem}") } else { write!(f, "settings: {path}: {problem}") }
    }
}

/// One field of a policy's settings, for documentation.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SettingDoc {
    /// The key, as in Rust (`allowed_roles`); users write it in camel case.
    pub name: &'static str,
    /// The type, as in Rust.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The default, as in Rust.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// Implemented by [`settings!`](crate::settings!).
pub trait Settings: DeserializeOwned + Default {
    /// The documentation of each field.
    const DOCS: &'static [SettingDoc];

    /// The common setting `rules`.
    fn rules(&self) -> &RuleLevels;
}

/// Declares a policy's settings: a struct with defaults, strict parsing, the common `rules` setting, and documentation that
/// `palisade policies` and the README show.
///
/// ```
/// palisade_sdk::settings! {
///     /// What the deployer may change.
///     pub struct Settings {
///         /// Namespaces that are left alone, as glob patterns.
///         pub exempt_namespaces: Vec<String> = vec!["kube-system".to_owned()],
///     }
/// }
/// assert_eq!(Settings::default().exempt_namespaces, ["kube-system"]);
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[$struct_meta:meta])*
        pub struct $name:ident {
            $( $(#[doc = $doc:literal])* pub $field:ident : $type:ty = $default:expr ),* $(,)?
        }
    ) => {
        $(#[$struct_meta])*
        #[derive(Clone, Debug, $crate::serde::Deserialize)]
        #[serde(crate = "palisade_sdk::serde", default, deny_unknown_fields, rename_all = "camelCase")]
        pub struct $name {
            $( $(#[doc = $doc])* pub $field: $type, )*
            /// The level of each rule that should differ from its default: `deny`, `warn` or `off`.
            pub rules: $crate::RuleLevels,
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* rules: Default::default() }
            }
        }

        impl $crate::Settings for $name {
            const DOCS: &'static [$crate::SettingDoc] = &[
                $( $crate::SettingDoc {
                    name: stringify!($field),
                    kind: stringify!($type),
                    default: stringify!($default),
                    doc: concat!($($doc),*),
                }, )*
            ];

            fn rules(&self) -> &$crate::RuleLevels {
                &self.rules
            }
        }
    };
}

/// Parses settings and checks what every policy checks: known keys, right types, known rules.
pub(crate) fn parse<S: Settings>(text: &str, rules: &[Rule]) -> Result<S, SettingsError> {
    // Kubewarden sends null or {} where none are given.
    let text = if matches!(text.trim(), "" | "null") { "{}" } else { text };
    let settings: S = serde_json::from_str(text).map_err(|error| {
        let fault = crate::json::explain(text, &error);
        SettingsError::new(fault.path, fault.problem)
    })?;
    for (id, _) in &settings.rules().0 {
        if !rules.iter().any(|rule| rule.id == id) {
            let known: Vec<&str> = rules.iter().map(|rule| rule.id).collect();
            return Err(SettingsError::new(
                format!("rules.{id}"),
                format!("unknown rule, expected one of {}", known.join(", ")),
            ));
        }
    }
    Ok(settings)
}
