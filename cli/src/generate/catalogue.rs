//! The tables and examples in README files, and the catalogue.
//!
//! A text holds a generated part between two comments: `<!-- palisade:rules -->` (or `settings`, `fixture FILE`, `policies`, `net PATH`) and
//! `<!-- palisade:end -->`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use palisade_harness::{Description, SettingDescription};

use super::{Entry, GenerateError, MARK};
use crate::input;
use crate::net::{mermaid, survey};

const BEGIN: &str = "<!-- palisade:";
const END: &str = "<!-- palisade:end -->";

/// The catalogue, and the README files with their generated parts renewed.
///
/// # Errors
/// When a README cannot be read, or one of its markers is wrong.
pub fn files(root: &Path, entries: &[Entry]) -> Result<Vec<(PathBuf, String)>, GenerateError> {
    let mut files = vec![(root.join("docs/catalogue.md"), catalogue(entries))];
    files.push(filled(root.join("README.md"), |marker, argument| match marker {
        "policies" => Some(policies_table(entries, "policies/")),
        "net" => network(&root.join(argument)),
        _ => None,
    })?);
    for entry in entries {
        files.push(filled(entry.dir.join("README.md"), |marker, argument| match marker {
            "rules" => Some(rules_table(&entry.description)),
            "settings" => Some(settings_table(&entry.description)),
            "fixture" => fixture(&entry.dir.join(argument)),
            _ => None,
        })?);
    }
    Ok(files)
}

/// Fills the generated parts of a file.
pub(crate) fn filled(
    path: PathBuf,
    content: impl Fn(&str, &str) -> Option<String>,
) -> Result<(PathBuf, String), GenerateError> {
    let text = fs::read_to_string(&path).map_err(|source| GenerateError::File { path: path.clone(), source })?;
    match fill(&text, content) {
        Ok(text) => Ok((path, text)),
        Err(problem) => Err(GenerateError::Marker { path, problem }),
    }
}

fn fill(text: &str, content: impl Fn(&str, &str) -> Option<String>) -> Result<String, String> {
    let mut result = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        result.push_str(line);
        result.push('\n');
        let Some(marker) = line.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix("-->")) else { continue };
        let marker = marker.trim();
        let (what, argument) = marker.split_once(' ').unwrap_or((marker, ""));
        let generated = content(what, argument).ok_or_else(|| format!("nothing can be written for {line}"))?;
        if !lines.by_ref().any(|line| line.trim() == END) {
            return Err(format!("no {END} behind {line}"));
        }
        let _ = write!(result, "\n{}\n\n{END}\n", generated.trim_end());
    }
    Ok(result)
}

/// The catalogue: every policy, what it holds and where that comes from.
fn catalogue(entries: &[Entry]) -> String {
    let mut text = format!("# Policies\n\n{MARK}.\n\n");
    text.push_str(&policies_table(entries, "../policies/"));
    for entry in entries {
        let annotation = |name: &str| entry.metadata.annotations.get(name).map_or("", String::as_str);
        let _ = write!(
            text,
            "\n## [{name}](../policies/{name}/README.md)\n\n{}.\n\n- Practice: {}\n- References: {}\n- Kinds: {}\n",
            annotation("io.kubewarden.policy.description").trim_end_matches('.'),
            annotation("dev.palisade.practice"),
            annotation("dev.palisade.references"),
            annotation("io.artifacthub.resources").split(',').map(str::trim).collect::<Vec<_>>().join(", "),
            name = entry.name,
        );
        let looked_up: Vec<String> = entry
            .metadata
            .context_aware_resources
            .iter()
            .map(|resource| format!("{} ({})", resource.kind, resource.api_version))
            .collect();
        if !looked_up.is_empty() {
            let _ = writeln!(text, "- Looks up: {}", looked_up.join(", "));
        }
        let _ = write!(text, "\n{}", rules_table(&entry.description));
    }
    text
}

fn policies_table(entries: &[Entry], prefix: &str) -> String {
    let mut text = String::from("| policy | holds | rules |\n| --- | --- | --- |\n");
    for Entry { name, metadata, description, .. } in entries {
        let practice = metadata.annotations.get("dev.palisade.practice").map_or("", String::as_str);
        let _ = writeln!(text, "| [{name}]({prefix}{name}/README.md) | {} | {} |", cell(practice), description.rules.len());
    }
    text
}

pub fn rules_table(description: &Description) -> String {
    let mut text = String::from("| rule | default | what it finds | what to do | source |\n| --- | --- | --- | --- | --- |\n");
    for rule in &description.rules {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            rule.id,
            rule.severity,
            cell(&rule.summary),
            cell(&rule.remedy),
            cell(&rule.source)
        );
    }
    text
}

pub fn settings_table(description: &Description) -> String {
    let mut text = String::from("| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
    for setting in &description.settings {
        let _ = writeln!(
            text,
            "| `{}` | {} | `{}` | {} |",
            setting.key(),
            cell(&type_name(&setting.kind)),
            default_value(setting),
            cell(setting.doc.trim())
        );
    }
    text.push_str(
        "| `rules` | map | `{}` | The level of each rule that should differ from its default: `deny`, `warn` or `off`. |\n",
    );
    text
}

/// A Rust type in words.
pub fn type_name(kind: &str) -> String {
    let inside = |prefix: &str| kind.strip_prefix(prefix).and_then(|rest| rest.strip_suffix('>')).map(str::trim);
    match kind {
        "bool" => "`true` or `false`".to_owned(),
        "String" => "string".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "whole number".to_owned(),
        "f32" | "f64" => "number".to_owned(),
        _ => match (inside("Vec<"), inside("Option<")) {
            (Some(item), _) => format!("list of {}s", type_name(item)),
            (_, Some(item)) => format!("{}, or nothing", type_name(item)),
            _ if kind == "SelectorSetting" => "label selector".to_owned(),
            // A struct of the policy's own: what it holds is in the setting's meaning.
            _ => "map".to_owned(),
        },
    }
}

/// A default that is written in Rust, as it would be in YAML.
pub fn default_value(setting: &SettingDescription) -> String {
    // A long one stands on several lines.
    let default = setting.default.split_whitespace().collect::<Vec<_>>().join(" ");
    let default = default.as_str();
    match default {
        "Vec::new()" | "vec![]" => "[]".to_owned(),
        "String::new()" => "\"\"".to_owned(),
        "None" => "null".to_owned(),
        _ => default
            .trim_start_matches("vec!")
            .trim_end_matches(".map(String::from).to_vec()")
            .replace(".to_owned()", "")
            .replace(".into()", "")
            .replace("String::from(", "")
            .replace("\")", "\"")
            .replace('_', if default.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "_" }),
    }
}

/// A fixture as an example: without its comment and what it expects.
fn fixture(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let file = path.file_name()?.to_str()?;
    Some(format!("`fixtures/{file}`:\n\n```yaml\n{}\n```", text.trim_end()))
}

/// A picture of who can reach whom by the manifests of a folder.
fn network(path: &Path) -> Option<String> {
    let map = survey::survey(input::read(&[path.to_owned()]), "default");
    (map.objects > 0 && map.failures.is_empty()).then(|| format!("```mermaid\n{}```", mermaid::render(&map)))
}

/// A text for the cell of a table.
pub(crate) fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_between_its_markers_only() {
        let text = "a\n<!-- palisade:rules -->\nold\n<!-- palisade:end -->\nb\n";
        let once = fill(text, |what, _| (what == "rules").then(|| "new\n".to_owned())).unwrap();
        assert_eq!(once, "a\n<!-- palisade:rules -->\n\nnew\n\n<!-- palisade:end -->\nb\n");
        let twice = fill(&once, |_, _| Some("new\n".to_owned())).unwrap();
        assert_eq!(twice, once);
        assert!(fill(text, |_, _| None).is_err());
        assert!(fill("<!-- palisade:rules -->\n", |_, _| Some(String::new())).is_err());
    }

    #[test]
    fn draws_what_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), "{apiVersion: v1, kind: Pod, metadata: {name: web}}").unwrap();
        let drawing = network(folder.path()).unwrap();
        assert!(drawing.starts_with("```mermaid\nflowchart LR\n") && drawing.ends_with("\n```"), "{drawing}");
        fs::write(folder.path().join("b.yaml"), "{").unwrap();
        assert_eq!(network(folder.path()), None);
        assert_eq!(network(&folder.path().join("none")), None);
    }

    #[test]
    fn says_types_and_defaults_as_users_write_them() {
        let default =
            |default: &str| default_value(&SettingDescription { default: default.to_owned(), ..SettingDescription::default() });
        assert_eq!(
            default("vec![\"kube-system\".to_owned(), \"kube-public\".to_owned()]"),
            "[\"kube-system\", \"kube-public\"]"
        );
        assert_eq!(default("Vec::new()"), "[]");
        assert_eq!(default("[\"a\",\n\"b\"].map(String::from).to_vec()"), "[\"a\", \"b\"]");
        assert_eq!(default("1_000"), "1000");
        assert_eq!(default("[\"a\", \"b\"].map(String::from).to_vec()"), "[\"a\", \"b\"]");
        assert_eq!(type_name("Vec<AllowedRole>"), "list of maps");
        assert_eq!(type_name("Option<f64>"), "number, or nothing");
        assert_eq!(type_name("Vec<String>"), "list of strings");
    }
}
