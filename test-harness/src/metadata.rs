//! What a module says of itself: Kubewarden's custom section.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::AdmissionRequest;

/// The custom section that `kwctl annotate` writes.
const SECTION: &str = "io.kubewarden.metadata";

/// A policy's metadata, as far as running it needs it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Which requests the policy is for.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Title, description, author and so on.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Whether it may change objects.
    #[serde(default)]
    pub mutating: bool,
    /// Whether it runs in the background audit.
    #[serde(default = "yes")]
    pub background_audit: bool,
    /// `kubewarden-wapc`, `wasi`, `opa` or `gatekeeper`.
    #[serde(default)]
    pub execution_mode: String,
    /// `kubernetes` or `raw`.
    #[serde(default)]
    pub policy_type: String,
    /// The kinds that it may look up.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub context_aware_resources: Vec<ContextAwareResource>,
    /// The host calls that it makes: `oci/v1/verify`, `oci/*`, `*`. Modules from before Kubewarden asked for this do not say.
    #[serde(default)]
    pub host_capabilities: Option<Vec<String>>,
}

fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn yes() -> bool {
    true
}

/// Which requests a policy is for, as in a webhook configuration.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// API groups; the core group is the empty string, and `*` is all.
    #[serde(default)]
    pub api_groups: Vec<String>,
    /// Versions, or `*`.
    #[serde(default)]
    pub api_versions: Vec<String>,
    /// Resources in the plural: `pods`, `pods/exec`, `pods/*`, `*/scale`, `*` (no subresources), `*/*`.
    #[serde(default)]
    pub resources: Vec<String>,
    /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT` or `*`.
    #[serde(default)]
    pub operations: Vec<String>,
}

/// A kind that a policy may look up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextAwareResource {
    /// Group and version: `v1`, `apps/v1`.
    pub api_version: String,
    /// The kind.
    pub kind: String,
}

impl Metadata {
    /// The JSON of a module's custom section; `None` when there is none.
    ///
    /// # Errors
    /// When the module cannot be read.
    pub fn section(wasm: &[u8]) -> Result<Option<&[u8]>, String> {
        for payload in wasmparser::Parser::new(0).parse_all(wasm) {
            if let wasmparser::Payload::CustomSection(section) = payload.map_err(|error| error.to_string())?
                && section.name() == SECTION
            {
                return Ok(Some(section.data()));
            }
        }
        Ok(None)
    }

    /// Reads the custom section of a module; `None` when there is none.
    ///
    /// # Errors
    /// When the module or its section cannot be read.
    pub(crate) fn of_module(wasm: &[u8]) -> Result<Option<Self>, String> {
        let Some(section) = Self::section(wasm)? else { return Ok(None) };
        serde_json::from_slice(section)
            .map(Some)
            .map_err(|error| format!("its custom section {SECTION} cannot be read: {error}"))
    }

    /// Whether the policy says that it makes this host call.
    pub(crate) fn declares_call(&self, call: &str) -> bool {
        self.host_capabilities.as_ref().is_none_or(|patterns| {
            patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => call.starts_with(prefix),
                None => call == pattern,
            })
        })
    }

    /// Whether the policy is for this request.
    pub fn watches(&self, request: &AdmissionRequest) -> bool {
        self.rules.iter().any(|rule| rule.matches(request))
    }
}

impl Rule {
    fn matches(&self, request: &AdmissionRequest) -> bool {
        let any = |list: &[String], wanted: &str| list.iter().any(|item| item == "*" || item == wanted);
        any(&self.api_groups, &request.kind.group)
            && any(&self.api_versions, &request.kind.version)
            && any(&self.operations, request.operation.as_str())
            && self.resources.iter().any(|resource| resource_matches(resource, &request.resource, &request.sub_resource))
    }
}

/// As the API server matches resources of a webhook: `*` is every resource, but no subresource.
fn resource_matches(pattern: &str, resource: &str, sub_resource: &str) -> bool {
    let (wanted, wanted_sub) = pattern.split_once('/').unwrap_or((pattern, ""));
    (wanted == "*" || wanted == resource) && (wanted_sub == sub_resource || wanted_sub == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_declared_by_name_or_by_beginning() {
        let metadata = |capabilities: &str| {
            serde_json::from_str::<Metadata>(&format!(r#"{{"annotations": null, "hostCapabilities": {capabilities}}}"#))
                .unwrap()
        };
        for (capabilities, call, expected) in [
            ("null", "oci/v1/verify", true),
            ("[]", "oci/v1/verify", false),
            (r#"["*"]"#, "oci/v1/verify", true),
            (r#"["oci/*"]"#, "oci/v1/verify", true),
            (r#"["oci/v2/*"]"#, "oci/v1/verify", false),
            (r#"["oci/v1/verify"]"#, "oci/v1/verify", true),
            (r#"["net/v1/dns_lookup_host"]"#, "oci/v1/verify", false),
        ] {
            assert_eq!(metadata(capabilities).declares_call(call), expected, "{capabilities} {call}");
        }
    }

    #[test]
    fn resources_match_as_in_webhooks() {
        for (pattern, resource, sub_resource, expected) in [
            ("pods", "pods", "", true),
            ("pods", "pods", "exec", false),
            ("pods/exec", "pods", "exec", true),
            ("pods/exec", "pods", "", false),
            ("pods/*", "pods", "exec", true),
            ("pods/*", "pods", "", true),
            ("*", "pods", "", true),
            ("*", "pods", "exec", false),
            ("*/exec", "pods", "exec", true),
            ("*/*", "pods", "", true),
            ("services", "pods", "", false),
        ] {
            assert_eq!(resource_matches(pattern, resource, sub_resource), expected, "{pattern} {resource}/{sub_resource}");
        }
    }
}
