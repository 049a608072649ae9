//! For code scanning: SARIF 2.1.0.

use std::collections::BTreeMap;
use std::path::Path;

use palisade_harness::Severity;
use serde_json::json;
use serde_sarif::sarif;

use super::{Finding, Place, Report, RuleInfo};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The report as SARIF. Files below `root`, the working directory, are named from there.
///
/// # Errors
/// None that can happen: the report holds nothing that JSON lacks.
pub fn render(report: &Report, root: &Path) -> Result<String, serde_json::Error> {
    let rules = rules(report);
    let index: BTreeMap<&str, i64> = rules.iter().map(|rule| rule.id.as_str()).zip(0..).collect();
    let results: Vec<sarif::Result> = report.findings.iter().map(|finding| result(finding, &index, root)).collect();
    let notifications: Vec<sarif::Notification> = report
        .failures
        .iter()
        .map(|failure| {
            let about = failure.policy.as_ref().map(|policy| format!("{policy}: ")).unwrap_or_default();
            sarif::Notification::builder()
                .level(json!("error"))
                .message(sarif::Message::builder().text(format!("{about}{}", failure.message)).build())
                .locations(vec![location(&failure.place, root, Vec::new())])
                .build()
        })
        .collect();
    let invocation = sarif::Invocation::builder()
        .execution_successful(report.failures.is_empty())
        .tool_execution_notifications(notifications)
        .build();
    let driver = sarif::ToolComponent::builder()
        .name("palisade")
        .version(env!("CARGO_PKG_VERSION"))
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .short_description(text("Scans Kubernetes manifests with Kubewarden policies"))
        .rules(rules)
        .build();
    let run = sarif::Run::builder()
        .tool(sarif::Tool::builder().driver(driver).build())
        .column_kind(json!("unicodeCodePoints"))
        .invocations(vec![invocation])
        .results(results)
        .build();
    let log = sarif::Sarif::builder().schema(SCHEMA).version(json!("2.1.0")).runs(vec![run]).build();
    serde_json::to_string_pretty(&log).map(|text| text + "\n")
}

/// The rules of the policies that looked, and those that only third-party findings name.
fn rules(report: &Report) -> Vec<sarif::ReportingDescriptor> {
    let mut rules: BTreeMap<String, sarif::ReportingDescriptor> = BTreeMap::new();
    for rule in &report.rules {
        let id = format!("{}/{}", rule.policy, rule.id);
        rules.insert(id.clone(), descriptor(id, rule));
    }
    for finding in &report.findings {
        let id = rule_id(finding);
        rules.entry(id.clone()).or_insert_with(|| {
            let summary = format!("A rule of the policy {}", finding.policy);
            sarif::ReportingDescriptor::builder()
                .id(id)
                .short_description(text(&summary))
                .full_description(text(&summary))
                .build()
        });
    }
    rules.into_values().collect()
}

fn descriptor(id: String, rule: &RuleInfo) -> sarif::ReportingDescriptor {
    let RuleInfo { policy, severity, summary, remedy, source, .. } = rule;
    let help = sarif::MultiformatMessageString::builder()
        .text(format!("{summary}.\nWhat to do: {remedy}.\nSource: {source}."))
        .markdown(format!("{summary}.\n\n**What to do:** {remedy}.\n\n**Source:** {source}."))
        .build();
    // Code scanning sorts by this number; 7 and more is "high".
    let score = match severity {
        Severity::Deny => "8.0",
        Severity::Warn => "4.0",
    };
    let properties = sarif::PropertyBag::builder()
        .tags(vec!["security".to_owned(), "kubernetes".to_owned(), policy.to_string()])
        .additional_properties([("security-severity".to_owned(), json!(score))])
        .build();
    sarif::ReportingDescriptor::builder()
        .id(id)
        .name(pascal_case(&rule.id))
        .short_description(text(summary))
        .full_description(text(summary))
        .help(help)
        .default_configuration(sarif::ReportingConfiguration::builder().level(json!(level(*severity))).build())
        .properties(properties)
        .build()
}

fn result(finding: &Finding, index: &BTreeMap<&str, i64>, root: &Path) -> sarif::Result {
    let id = rule_id(finding);
    let object =
        sarif::LogicalLocation::builder().fully_qualified_name(finding.resource.to_string()).kind("object".to_owned()).build();
    let mut places = vec![object];
    if !finding.path.is_empty() {
        places.push(
            sarif::LogicalLocation::builder().fully_qualified_name(finding.path.clone()).kind("member".to_owned()).build(),
        );
    }
    let path = if finding.path.is_empty() { String::new() } else { format!("{}: ", finding.path) };
    let remedy = if finding.remedy.is_empty() { String::new() } else { format!("\nWhat to do: {}.", finding.remedy) };
    let message = format!("{}: {path}{}{remedy}", finding.resource, finding.message);
    let suppressions: Vec<sarif::Suppression> = finding
        .exemption
        .iter()
        .map(|exemption| sarif::Suppression::builder().kind(json!("external")).justification(exemption.reason.clone()).build())
        .collect();
    sarif::Result::builder()
        .rule_index(index.get(id.as_str()).copied().unwrap_or(-1))
        .rule_id(id)
        .level(match finding.severity {
            Severity::Deny => sarif::ResultLevel::Error,
            Severity::Warn => sarif::ResultLevel::Warning,
        })
        .message(sarif::Message::builder().text(message).build())
        .locations(vec![location(&finding.place, root, places)])
        .partial_fingerprints([("palisade/v1".to_owned(), fingerprint(finding, root))])
        .suppressions(suppressions)
        .build()
}

fn rule_id(finding: &Finding) -> String {
    format!("{}/{}", finding.policy, finding.rule)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Deny => "error",
        Severity::Warn => "warning",
    }
}

fn text(text: &str) -> sarif::MultiformatMessageString {
    sarif::MultiformatMessageString::builder().text(text).build()
}

fn location(place: &Place, root: &Path, logical: Vec<sarif::LogicalLocation>) -> sarif::Location {
    let artifact = sarif::ArtifactLocation::builder().uri(uri(&place.file, root)).build();
    let physical = sarif::PhysicalLocation::builder().artifact_location(artifact);
    let physical = match place.position {
        Some(position) => {
            let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
            let region =
                sarif::Region::builder().start_line(number(position.line)).start_column(number(position.column)).build();
            physical.region(region).build()
        }
        None => physical.build(),
    };
    sarif::Location::builder().physical_location(physical).logical_locations(logical).build()
}

/// A file's URI reference: relative to the working directory where it is below it.
fn uri(file: &str, root: &Path) -> String {
    if file == super::STDIN {
        return "stdin".to_owned();
    }
    let path = super::below(file, root);
    if path.is_absolute() { format!("file://{}", encode(&path.to_string_lossy())) } else { encode(&path.to_string_lossy()) }
}

/// Percent-encodes a path.
fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// What stays the same when lines are added above a finding: 64 bits of FNV-1a over policy, rule, file, object and field.
fn fingerprint(finding: &Finding, root: &Path) -> String {
    let Finding { policy, rule, path, resource, place, .. } = finding;
    let identity = [
        policy,
        rule.as_str(),
        &uri(&place.file, root),
        &resource.api_version,
        &resource.kind,
        resource.namespace.as_deref().unwrap_or_default(),
        &resource.name,
        path,
    ];
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in identity.join("\0").bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("{hash:016x}")
}

/// `wildcard-verb` as `WildcardVerb`.
fn pascal_case(id: &str) -> String {
    id.split(['-', '_'])
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_relative_and_encoded() {
        let root = Path::new("/srv/shop");
        assert_eq!(uri("k8s/web.yaml", root), "k8s/web.yaml");
        assert_eq!(uri("./k8s/../a b%#?.yaml", root), "a%20b%25%23%3F.yaml");
        assert_eq!(uri("/srv/shop/ü.yaml", root), "%C3%BC.yaml");
        assert_eq!(uri("../other/x.yaml", root), "file:///srv/other/x.yaml");
        assert_eq!(uri("<stdin>", root), "stdin");
    }

    #[test]
    fn names_are_pascal_case() {
        assert_eq!(pascal_case("wildcard-verb"), "WildcardVerb");
        assert_eq!(pascal_case(""), "");
    }
}
