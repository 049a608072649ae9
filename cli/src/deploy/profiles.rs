//! `deploy/profiles.yaml`: which policies a profile has, how each differs from its defaults, and why.

use std::collections::BTreeMap;

use clap::ValueEnum;
use palisade_harness::ContextAwareResource;
use palisade_harness::yaml::{self, YamlError};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::resources::{FailurePolicy, MatchCondition};
use crate::config::Level;

const TEXT: &str = include_str!("../../../deploy/profiles.yaml");

/// A profile's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProfileName {
    /// What every team can turn on
    #[default]
    Baseline,
    /// Every policy, and everything that is unsafe is rejected
    Restricted,
}

impl ProfileName {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profiles {
    /// Namespaces that no policy sees, unless it says otherwise.
    pub excluded_namespaces: Vec<String>,
    /// What is asked before a policy that watches roles and bindings is called.
    pub rbac_match_conditions: Vec<MatchCondition>,
    /// Policies that are deployed in another way than the rest.
    pub exceptions: Vec<Exception>,
    /// What policies look up for some of their settings only.
    pub lookups: Vec<Lookup>,
    profiles: ByName,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByName {
    baseline: Profile,
    restricted: Profile,
}

/// A policy that is deployed in another way than the rest.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exception {
    /// The policy.
    pub policy: String,
    /// The namespaces that it does not see.
    pub excluded_namespaces: Vec<String>,
    /// What happens while policy-server does not answer, in every mode.
    pub failure_policy: Option<FailurePolicy>,
    /// Why.
    pub reason: String,
}

/// What a policy looks up for some of its settings only.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lookup {
    /// The policy.
    pub policy: String,
    /// They are looked up for this rule alone.
    pub unless_off: Option<String>,
    /// They are looked up if this setting, a list, names them: `apps/v1/Deployment`.
    pub named_in: Option<String>,
    /// The kinds.
    pub resources: Vec<ContextAwareResource>,
}

/// A profile.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// For whom it is.
    pub summary: String,
    /// Its policies, each with what differs from its defaults.
    pub policies: BTreeMap<String, Vec<Difference>>,
    /// The policies that it does not have, each with the reason.
    pub left_out: BTreeMap<String, String>,
}

/// What differs from a policy's defaults.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Difference {
    /// The level of some rules.
    Rules(RulesDifference),
    /// A setting.
    Setting(SettingDifference),
}

/// Rules at another level.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesDifference {
    /// The rules.
    pub rules: Vec<String>,
    /// Their level.
    pub level: Level,
    /// Why.
    pub reason: String,
}

/// A setting with another value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingDifference {
    /// Its key.
    pub setting: String,
    /// Its value.
    pub value: Value,
    /// Why.
    pub reason: String,
}

impl Profiles {
    /// Reads what is built in.
    ///
    /// # Errors
    /// When the file is not as it should be.
    pub fn read() -> Result<Self, YamlError> {
        yaml::from_str(TEXT)
    }

    /// The profile of that name.
    pub fn profile(&self, name: ProfileName) -> &Profile {
        match name {
            ProfileName::Baseline => &self.profiles.baseline,
            ProfileName::Restricted => &self.profiles.restricted,
        }
    }

    /// How a policy is deployed, if in another way than the rest.
    pub fn exception(&self, policy: &str) -> Option<&Exception> {
        self.exceptions.iter().find(|exception| exception.policy == policy)
    }
}

impl Profile {
    /// The settings that a policy gets by this profile; none if the profile does not have it.
    pub fn settings(&self, policy: &str) -> Map<String, Value> {
        let (mut settings, mut levels) = (Map::new(), Map::new());
        for difference in self.differences(policy) {
            match difference {
                Difference::Rules(RulesDifference { rules, level, .. }) => {
                    levels.extend(rules.iter().map(|rule| (rule.clone(), level.as_str().into())));
                }
                Difference::Setting(SettingDifference { setting, value, .. }) => {
                    settings.insert(setting.clone(), value.clone());
                }
            }
        }
        if !levels.is_empty() {
            settings.insert("rules".to_owned(), levels.into());
        }
        settings
    }

    /// What differs from a policy's defaults, in the order of the file.
    pub fn differences(&self, policy: &str) -> &[Difference] {
        self.policies.get(policy).map_or(&[], Vec::as_slice)
    }
}

impl Difference {
    /// What it is, and why, in one sentence.
    pub fn explained(&self) -> String {
        match self {
            Self::Rules(RulesDifference { rules, level, reason }) => {
                format!("{}: {}. {reason}", rules.join(", "), level.as_str())
            }
            Self::Setting(SettingDifference { setting, value, reason }) => format!("{setting}: {value}. {reason}"),
        }
    }
}
