//! `palisade policies`

use std::fmt::Write as _;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use palisade_harness::{Description, Metadata, Policy, Severity};
use palisade_policies::POLICIES;
use serde::Serialize;

use super::{CommandError, Outcome, engine};
use crate::args::{ListFormat, Policies};
use crate::generate::catalogue::{default_value, type_name};
use crate::modules::{self, ModuleError};
use crate::output;
use crate::report::table::wrap;

const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// A policy, as programs get it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    name: &'a str,
    version: &'a str,
    description: &'a str,
    category: &'a str,
    severity: &'a str,
    practice: &'a str,
    references: Vec<&'a str>,
    kinds: Vec<String>,
    looks_up: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Vec<RuleEntry<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<Vec<SettingEntry<'a>>>,
}

#[derive(Serialize)]
struct RuleEntry<'a> {
    id: &'a str,
    severity: Severity,
    summary: &'a str,
    remedy: &'a str,
    source: &'a str,
}

#[derive(Serialize)]
struct SettingEntry<'a> {
    key: String,
    #[serde(rename = "type")]
    kind: String,
    default: String,
    doc: &'a str,
}

impl<'a> Entry<'a> {
    fn new(name: &'a str, metadata: &'a Metadata, description: Option<&'a Description>) -> Self {
        let annotation = |name: &str| metadata.annotations.get(name).map_or("", String::as_str);
        let mut kinds: Vec<String> = metadata
            .rules
            .iter()
            .flat_map(|rule| rule.resources.iter().map(move |resource| (rule, resource)))
            .map(|(rule, resource)| match rule.api_groups.first().map_or("", String::as_str) {
                "" => resource.clone(),
                group => format!("{resource}.{group}"),
            })
            .collect();
        kinds.dedup();
        Self {
            name,
            version: annotation("io.kubewarden.policy.version"),
            description: annotation("io.kubewarden.policy.description"),
            category: annotation("io.kubewarden.policy.category"),
            severity: annotation("io.kubewarden.policy.severity"),
            practice: annotation("dev.palisade.practice"),
            references: annotation("dev.palisade.references")
                .split(',')
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .collect(),
            kinds,
            looks_up: metadata
                .context_aware_resources
                .iter()
                .map(|resource| format!("{} ({})", resource.kind, resource.api_version))
                .collect(),
            rules: description.map(|description| {
                let entry = |rule: &'a palisade_harness::RuleDescription| RuleEntry {
                    id: &rule.id,
                    severity: rule.severity,
                    summary: &rule.summary,
                    remedy: &rule.remedy,
                    source: &rule.source,
                };
                description.rules.iter().map(entry).collect()
            }),
            settings: description.map(|description| {
                let entry = |setting: &'a palisade_harness::SettingDescription| SettingEntry {
                    key: setting.key(),
                    kind: type_name(&setting.kind),
                    default: default_value(setting),
                    doc: setting.doc.trim(),
                };
                description.settings.iter().map(entry).collect()
            }),
        }
    }
}

/// Lists all policies, or explains one.
pub fn run(args: &Policies) -> Result<Outcome, CommandError> {
    let text = match &args.policy {
        None => list(args.format)?,
        Some(policy) => explain(policy, args.format)?,
    };
    output::write(&text, None)?;
    Ok(Outcome::Clean)
}

fn list(format: ListFormat) -> Result<String, CommandError> {
    let mut metadata: Vec<(&str, Metadata)> = Vec::new();
    for module in POLICIES {
        metadata.push((module.name, modules::metadata(module)?));
    }
    let entries: Vec<Entry<'_>> = metadata.iter().map(|(name, metadata)| Entry::new(name, metadata, None)).collect();
    match format {
        ListFormat::Json => json(&entries),
        ListFormat::Table => {
            let longest = entries.iter().map(|entry| entry.name.len()).max().unwrap_or_default();
            let mut text = String::new();
            for Entry { name, description, .. } in &entries {
                let first = format!("{STRONG}{name}{STRONG:#}{}  ", " ".repeat(longest - name.len()));
                wrap(&mut text, &first, &" ".repeat(longest + 2), description, output::width());
            }
            text.push_str("\nExplain one: palisade policies NAME\n");
            Ok(text)
        }
    }
}

fn explain(name: &Path, format: ListFormat) -> Result<String, CommandError> {
    let engine = engine()?;
    let policy = match name.to_str().and_then(palisade_policies::find) {
        Some(module) => Policy::load(&engine, module.name, module.wasm)
            .map_err(|source| ModuleError::Load { module: module.name.to_owned(), source })?,
        None if name.components().count() == 1 && !name.exists() => {
            return Err(ModuleError::no_built_in(name.display().to_string()).into());
        }
        None => modules::load_file(&engine, name)?,
    };
    // Modules that know nothing of this operation may answer anything.
    let description = policy.describe().ok().flatten();
    let no_metadata = Metadata::default();
    let entry = Entry::new(policy.name(), policy.metadata().unwrap_or(&no_metadata), description.as_ref());
    match format {
        ListFormat::Json => json(&entry),
        ListFormat::Table => Ok(explanation(&entry)),
    }
}

fn json(value: &impl Serialize) -> Result<String, CommandError> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|error| CommandError::Other(error.to_string()))
}

fn explanation(entry: &Entry<'_>) -> String {
    let width = output::width();
    let mut text = String::new();
    let _ = writeln!(text, "{STRONG}{}{STRONG:#}  {FAINT}{}{FAINT:#}\n", entry.name, entry.version);
    if !entry.description.is_empty() {
        wrap(&mut text, "", "", entry.description, width);
        text.push('\n');
    }
    let references = entry.references.join(", ");
    let (kinds, looks_up) = (entry.kinds.join(", "), entry.looks_up.join(", "));
    for (label, value) in
        [("practice", entry.practice), ("looks at", &*kinds), ("looks up", &*looks_up), ("references", &*references)]
    {
        if !value.is_empty() {
            wrap(&mut text, &format!("{FAINT}{label:10}{FAINT:#}  "), "            ", value, width);
        }
    }
    for rule in entry.rules.iter().flatten() {
        let (style, word) = match rule.severity {
            Severity::Deny => (AnsiColor::Red.on_default().bold(), "deny"),
            Severity::Warn => (AnsiColor::Yellow.on_default().bold(), "warn"),
        };
        let _ = writeln!(text, "\n{style}{word}{style:#}  {STRONG}{}{STRONG:#}", rule.id);
        wrap(&mut text, "      ", "      ", rule.summary, width);
        wrap(&mut text, "      → ", "        ", rule.remedy, width);
        wrap(&mut text, &format!("      {FAINT}"), "      ", &format!("{}{FAINT:#}", rule.source), width);
    }
    match &entry.settings {
        Some(settings) => {
            let _ = writeln!(text, "\n{STRONG}Settings{STRONG:#}\n");
            for SettingEntry { key, kind, default, doc } in settings {
                let kind = kind.replace('`', "");
                wrap(
                    &mut text,
                    &format!("  {STRONG}{key}{STRONG:#}: "),
                    "      ",
                    &format!("{kind}, by default {default}"),
                    width,
                );
                wrap(&mut text, "      ", "      ", doc, width);
            }
            let common = "map, by default {}";
            wrap(&mut text, &format!("  {STRONG}rules{STRONG:#}: "), "      ", common, width);
            wrap(
                &mut text,
                "      ",
                "      ",
                "The level of each rule that should differ from its default: deny, warn or off.",
                width,
            );
        }
        None => text.push_str("\nThis module does not describe its rules and settings; see its own documentation.\n"),
    }
    text
}
