//! Settings: what the deployer of a policy may change, checked strictly.

use std::fmt;

use crate::Date;
use crate::json::{self, JsonError, Read, Reader};
use crate::report::Rule;

/// What a rule is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl Read<'_> for RuleLevels {
    fn read(reader: &mut Reader<'_>) -> Result<Self, JsonError> {
        let mut levels = Vec::new();
        if reader.enter_object()? {
            while let Some(key) = reader.next_key(levels.is_empty())? {
                let level = read_level(reader)?;
                levels.push((key.into_owned(), level));
            }
        }
        Ok(Self(levels))
    }
}

/// To YAML 1.1, which `kubectl` reads, `off` is a boolean: it arrives as `false`.
fn read_level(reader: &mut Reader<'_>) -> Result<Level, JsonError> {
    if reader.clone().boolean() == Ok(false) {
        return reader.boolean().map(|_| Level::Off);
    }
    json::read_choice(reader, &[("deny", Level::Deny), ("warn", Level::Warn), ("off", Level::Off)])
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

/// A field of settings, or of a struct in them, for documentation and forms.
#[derive(Clone, Copy, Debug)]
pub struct FieldDoc {
    /// The key, as in Rust (`allowed_roles`); users write it in camel case.
    pub name: &'static str,
    /// The type, as in Rust.
    pub kind: &'static str,
    /// The fields of the struct that it is, or is a list of.
    pub fields: &'static [FieldDoc],
    /// What it may be, where it is one of a few words.
    pub choices: &'static [&'static str],
}

impl FieldDoc {
    /// A field of this type, which is spelt so.
    pub const fn new<T: SettingType>(name: &'static str, kind: &'static str) -> Self {
        Self { name, kind, fields: T::FIELDS, choices: T::CHOICES }
    }
}

/// A type that settings can have. One of a policy's own says what it may be: `impl SettingType for Kind { … }`.
pub trait SettingType {
    /// The fields, of a struct.
    const FIELDS: &'static [FieldDoc] = &[];
    /// The words, of an enum.
    const CHOICES: &'static [&'static str] = &[];
}

macro_rules! plain {
    ($($type:ty)*) => { $( impl SettingType for $type {} )* };
}

plain! { bool String u8 u16 u32 u64 usize f32 f64 Date }

impl<T: SettingType> SettingType for Vec<T> {
    const FIELDS: &'static [FieldDoc] = T::FIELDS;
    const CHOICES: &'static [&'static str] = T::CHOICES;
}

impl<T: SettingType> SettingType for Option<T> {
    const FIELDS: &'static [FieldDoc] = T::FIELDS;
    const CHOICES: &'static [&'static str] = T::CHOICES;
}

/// One field of a policy's settings, for documentation.
#[derive(Clone, Copy, Debug)]
pub struct SettingDoc {
    /// What it is called, and what it may be.
    pub field: FieldDoc,
    /// The default, as in Rust.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// Implemented by [`settings!`](crate::settings!).
pub trait Settings: Default + for<'a> Read<'a> {
    /// The documentation of each field.
    const DOCS: &'static [SettingDoc];

    /// The common setting `rules`.
    fn rules(&self) -> &RuleLevels;
}

/// Declares a policy's settings: a struct with defaults, strict parsing, the common `rules` setting, and documentation that
/// `palisade policies` and the README show. Users write the keys in camel case.
///
/// Values are strings, booleans, whole numbers, `Vec`s and `Option`s of these, structs that [`setting!`](crate::setting!)
/// declares, and other types that are a [`SettingType`](crate::SettingType).
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
/// let settings: Settings = palisade_sdk::json::read_strictly(r#"{"exemptNamespaces": ["dev-*"], "rules": {"a": "off"}}"#).unwrap();
/// assert_eq!(settings.exempt_namespaces, ["dev-*"]);
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
        #[derive(Clone, Debug)]
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

        $crate::read_setting!($name { $($field,)* rules });

        impl $crate::Settings for $name {
            const DOCS: &'static [$crate::SettingDoc] = &[
                $( $crate::SettingDoc {
                    field: $crate::FieldDoc::new::<$type>(stringify!($field), stringify!($type)),
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

/// Declares structs that settings hold. A field that is left out has its type's default: check what is mandatory in
/// [`Policy::check_settings`](crate::Policy::check_settings). Users write the keys in camel case.
///
/// ```
/// palisade_sdk::setting! {
///     /// A role that is accepted as it is.
///     pub struct AllowedRole {
///         /// Its name.
///         pub name: String,
///         /// Why it is accepted.
///         pub reason: String,
///     }
/// }
/// let role: AllowedRole = palisade_sdk::json::read_strictly(r#"{"name": "ci", "reason": "deploys"}"#).unwrap();
/// assert_eq!(role.name, "ci");
/// assert!(palisade_sdk::json::read_strictly::<AllowedRole>(r#"{"nmae": "ci"}"#).is_err());
/// ```
#[macro_export]
macro_rules! setting {
    ($(
        $(#[$struct_meta:meta])*
        $visibility:vis struct $name:ident {
            $( $(#[$field_meta:meta])* $field_visibility:vis $field:ident : $type:ty ),* $(,)?
        }
    )+) => { $(
        $(#[$struct_meta])*
        #[derive(Clone, Debug, Default)]
        $visibility struct $name {
            $( $(#[$field_meta])* $field_visibility $field: $type, )*
        }

        $crate::read_setting!($name { $($field),* });

        impl $crate::SettingType for $name {
            const FIELDS: &'static [$crate::FieldDoc] = &[
                $( $crate::FieldDoc::new::<$type>(stringify!($field), stringify!($type)), )*
            ];
        }
    )+ };
}

/// Reads a struct of settings.
#[doc(hidden)]
#[macro_export]
macro_rules! read_setting {
    ($name:ident { $($field:ident),* }) => {
        impl<'json> $crate::json::View<'json> for $name {
            fn keys(&self) -> &'static [&'static str] {
                &[$(stringify!($field)),*]
            }

            fn read_field(
                &mut self,
                key: &str,
                reader: &mut $crate::json::Reader<'json>,
            ) -> Result<bool, $crate::json::JsonError> {
                $( if $crate::json::is_camel_case_of(key, stringify!($field)) {
                    self.$field = $crate::json::Read::read(reader)?;
                    return Ok(true);
                } )*
                Ok(false)
            }
        }

        impl<'json> $crate::json::Read<'json> for $name {
            fn read(reader: &mut $crate::json::Reader<'json>) -> Result<Self, $crate::json::JsonError> {
                if reader.null() {
                    return Err(reader.expected("a map"));
                }
                let mut setting = Self::default();
                reader.object(&mut setting)?;
                Ok(setting)
            }
        }
    };
}

/// Parses settings and checks what every policy checks: known keys, right types, known rules.
pub(crate) fn parse<S: Settings>(text: &str, rules: &[Rule]) -> Result<S, SettingsError> {
    // Kubewarden sends null or {} where none are given.
    let text = if matches!(text.trim(), "" | "null") { "{}" } else { text };
    let settings: S = json::read_strictly(text).map_err(|error| {
        let fault = json::explain(text, error);
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
