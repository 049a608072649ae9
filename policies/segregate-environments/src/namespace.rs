//! Namespaces: their label, and how it may change.

use palisade_sdk::network::WORKLOAD_KINDS;
use palisade_sdk::{Error, Host, ListQuery, Operation, Path, Report, Request};

use crate::cluster::Object;
use crate::rules::{ENVIRONMENT_CHANGED, ENVIRONMENT_SPELLING, NO_ENVIRONMENT, UNKNOWN_ENVIRONMENT};
use crate::settings::{Meaning, Settings};

/// Labels by which people name environments, to say why one is not seen.
const LIKELY: [&str; 4] = ["env", "environment", "stage", "tier"];

/// Judges a Namespace.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge(request: &Request<'_>, settings: &Settings, host: &dyn Host, report: &mut Report) -> Result<(), Error> {
    let Object { metadata, .. } = request.object()?;
    let name = metadata.name.as_str();
    if settings.is_shared(name) {
        return Ok(());
    }
    let metadata_path = Path::new("metadata");
    let labels = metadata_path.field("labels");
    let label = settings.label(&metadata.labels);
    let meaning = label.map(|(_, value)| settings.meaning(value));
    match (label, meaning) {
        (None, _) => {
            let is_likely = |key: &str, value: &str| {
                let last = key.rsplit_once('/').map_or(key, |(_, last)| last);
                LIKELY.contains(&last) && settings.meaning(value).known().is_some()
            };
            let wanted = settings.environment_labels.first().map_or("environment", String::as_str);
            let message = match metadata.labels.iter().find(|(key, value)| is_likely(key, value)) {
                Some((key, _)) => {
                    ["has no label ", wanted, "; its label ", key, " is not one that the setting environmentLabels names"]
                        .concat()
                }
                None => ["has no label ", wanted, " that says its environment"].concat(),
            };
            report.add(&NO_ENVIRONMENT, &labels, message);
        }
        (Some((key, value)), Some(Meaning::Other(_))) => {
            let found = if value.is_empty() { "the environment is empty" } else { value };
            let known = settings.environments.join(", ");
            report.add(&UNKNOWN_ENVIRONMENT, &labels.key(key), [found, ", and the environments are ", &known].concat());
        }
        (Some((key, value)), Some(Meaning::Spelling(environment))) => {
            let message = [value, " is ", environment, " in another spelling, which selectors do not see"].concat();
            report.add(&ENVIRONMENT_SPELLING, &labels.key(key), message);
        }
        _ => {}
    }
    if request.operation != Operation::Update || report.severity_of(&ENVIRONMENT_CHANGED).is_none() {
        return Ok(());
    }
    let Some(Object { metadata: before, .. }) = request.old_object()? else { return Ok(()) };
    let Some((old_key, old_value)) = settings.label(&before.labels) else { return Ok(()) };
    // A value that is on no list may be mended.
    let Some(old) = settings.meaning(old_value).known() else { return Ok(()) };
    let new = meaning.map_or("", Meaning::name);
    if old == new {
        return Ok(());
    }
    if has_workloads(name, host)? {
        let at = labels.key(label.map_or(old_key, |(key, _)| key));
        let message = if new.is_empty() {
            ["the namespace has workloads, and was of ", old].concat()
        } else {
            ["the namespace has workloads, and would move from ", old, " to ", new].concat()
        };
        report.add(&ENVIRONMENT_CHANGED, &at, message);
    }
    Ok(())
}

fn has_workloads(namespace: &str, host: &dyn Host) -> Result<bool, Error> {
    for (api_version, kind) in WORKLOAD_KINDS {
        let answer = host.list(&ListQuery::new(api_version, kind).namespace(namespace).fields(&["metadata.name"]))?;
        if !answer.items::<Object<'_>>()?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
