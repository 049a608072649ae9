//! What policies look up: no more than they ask for with their settings.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use palisade_harness::{Metadata, kinds};
use serde_json::{Map, Value};

use super::DeployError;
use super::profiles::{Lookup, Profiles};
use super::resources::ContextAwareResource;

impl Lookup {
    /// Whether it is asked for with these settings.
    fn is_wanted(&self, resource: &ContextAwareResource, settings: &Map<String, Value>) -> bool {
        let level = |rule: &str| settings.get("rules").and_then(|rules| rules.get(rule));
        let named = |setting: &str| {
            let name = format!("{}/{}", resource.api_version, resource.kind);
            settings.get(setting).and_then(Value::as_array).is_some_and(|names| names.iter().any(|known| *known == name))
        };
        self.unless_off.as_deref().is_none_or(|rule| level(rule).is_none_or(|level| level != "off"))
            && self.named_in.as_deref().is_none_or(named)
    }
}

/// What stands in the way of looking up a kind, if anything does.
pub fn condition<'p>(profiles: &'p Profiles, policy: &str, resource: &ContextAwareResource) -> Option<&'p Lookup> {
    profiles.lookups.iter().find(|lookup| {
        lookup.policy == policy
            && lookup.resources.iter().any(|known| known.api_version == resource.api_version && known.kind == resource.kind)
    })
}

/// Everything that a policy may look up, whatever its settings.
pub fn all(metadata: &Metadata) -> Vec<ContextAwareResource> {
    let resource = |resource: &palisade_harness::ContextAwareResource| ContextAwareResource {
        api_version: resource.api_version.clone(),
        kind: resource.kind.clone(),
    };
    metadata.context_aware_resources.iter().map(resource).collect()
}

/// What a policy may look up with these settings.
pub fn of(profiles: &Profiles, policy: &str, metadata: &Metadata, settings: &Map<String, Value>) -> Vec<ContextAwareResource> {
    let mut resources = all(metadata);
    resources
        .retain(|resource| condition(profiles, policy, resource).is_none_or(|lookup| lookup.is_wanted(resource, settings)));
    resources
}

/// Group and resource of a kind, as RBAC writes them.
pub fn group_and_resource(resource: &ContextAwareResource) -> (String, String) {
    let group = resource.api_version.split_once('/').map_or("", |(group, _)| group);
    (group.to_owned(), kinds::resource(group, &resource.kind))
}

/// What each policy looks up, and when, as a table.
///
/// # Errors
/// When a policy's metadata cannot be read.
pub fn table(profiles: &Profiles) -> Result<String, DeployError> {
    let mut text = String::from("| policy | reads | when |\n| --- | --- | --- |\n");
    for (name, metadata) in super::metadata()? {
        let mut by_condition: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for resource in all(&metadata) {
            let when = match condition(profiles, name, &resource) {
                Some(Lookup { unless_off: Some(rule), .. }) => {
                    format!("the rule `{rule}` is not off; both profiles switch it off")
                }
                Some(Lookup { named_in: Some(setting), .. }) => format!("the setting `{setting}` names the kind"),
                _ => "always".to_owned(),
            };
            let (group, resource) = group_and_resource(&resource);
            let name = if group.is_empty() { resource } else { format!("{resource}.{group}") };
            let names = by_condition.entry(when).or_default();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for (when, names) in by_condition {
            let _ = writeln!(text, "| {name} | {} | {when} |", names.join(", "));
        }
    }
    Ok(text)
}
