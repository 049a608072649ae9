//! What a Palisade policy is written with.
//!
//! A policy is a crate below `policies/` with one type that implements [`Policy`]. This is a whole one:
//!
//! ```
//! use palisade_sdk::{Error, Host, Policy, Report, Request, Rule, Severity};
//!
//! const HOST_NETWORK: Rule = Rule {
//!     id: "host-network",
//!     severity: Severity::Deny,
//!     summary: "a pod in its node's network escapes every NetworkPolicy",
//!     remedy: "remove hostNetwork, or set it to false",
//!     source: "Pod Security Standards, baseline: Host Namespaces",
//! };
//!
//! palisade_sdk::settings! {
//!     /// What the deployer may change.
//!     pub struct Settings {
//!         /// Namespaces that are left alone, as glob patterns.
//!         pub exempt_namespaces: Vec<String> = Vec::new(),
//!     }
//! }
//!
//! /// Rejects pods in the network of their node.
//! pub struct NoHostNetwork;
//!
//! impl Policy for NoHostNetwork {
//!     type Settings = Settings;
//!     const RULES: &'static [Rule] = &[HOST_NETWORK];
//!
//!     fn validate(request: &Request<'_>, settings: &Settings, _: &dyn Host, report: &mut Report) -> Result<(), Error> {
//!         if settings.exempt_namespaces.iter().any(|pattern| palisade_sdk::glob::matches(pattern, &request.namespace)) {
//!             return Ok(());
//!         }
//!         let Some(template) = request.pod_template::<palisade_sdk::views::PodSpec<'_>>()? else { return Ok(()) };
//!         if template.spec.host_network == Some(true) {
//!             report.add(&HOST_NETWORK, &template.spec_path().field("hostNetwork"), "the pod runs in its node's network");
//!         }
//!         Ok(())
//!     }
//! }
//!
//! palisade_sdk::export!(NoHostNetwork);
//!
//! // What the policy server sends, and what it gets:
//! let payload = br#"{"settings": {}, "request": {
//!     "kind": {"group": "apps", "version": "v1", "kind": "Deployment"}, "operation": "CREATE", "namespace": "shop",
//!     "object": {"spec": {"template": {"spec": {"hostNetwork": true}}}}}}"#;
//! let response = palisade_sdk::run::<NoHostNetwork>(b"validate", payload, &palisade_sdk::NoHost).unwrap();
//! let response = String::from_utf8(response).unwrap();
//! assert!(response.contains("spec.template.spec.hostNetwork: the pod runs in its node's network (host-network)"));
//! ```
//!
//! # What the shim does, so that no policy does
//!
//! - **Entry points**: [`export!`] makes the module answer `validate`, `validate_settings`, `protocol_version`, and `describe`,
//!   by which Palisade's own tools list its rules and settings.
//! - **Clean-up is never held up**: a `DELETE` is accepted unseen, unless the policy sets [`Policy::JUDGES_DELETE`]; of an
//!   `UPDATE` on an object that is being deleted only those findings count that the object did not have before.
//! - **Failing closed**: an object that a view cannot read is rejected by the built-in rule `malformed-object`, a host call that
//!   fails by `host-call-failed`, unreadable settings by `invalid-settings`. No value of the object is in the text.
//! - **Severities**: the setting `rules` turns any rule of the policy to `deny`, `warn` or `off`.
//! - **The response**: `deny` findings are the message, a line each; `warn` findings are the warnings; all of them are, as JSON,
//!   the audit annotation `findings`: a list of `{rule, severity, path, message, remedy}`, with a `line` where the field is a text
//!   of several lines.
//!
//! # What a policy uses
//!
//! | for | use |
//! | --- | --- |
//! | the request and its object | [`Request`], [`views`], or views of its own by [`view!`], made of [`Str`], [`List`], [`Map`] |
//! | any workload's pod | [`Request::pod_template`], which knows every kind and keeps the path |
//! | the place of a finding | [`Path`] |
//! | saying what is wrong | [`Report::add`] with a [`Rule`]; many rules by [`rules!`] |
//! | settings | [`settings!`], [`SettingsError`], and [`glob`] for patterns |
//! | the cluster, registries, signatures, DNS | [`Host`] |
//! | label selectors and NetworkPolicies | [`selector`], [`network`] |
//! | what a Role grants, and what that leads to | [`rbac`] |
//! | the flags of the API server | [`control_plane`] |
//! | what day it is | [`clock`], which gives a [`Date`] |
//! | whether a string is a secret | [`secrets`] |
//!
//! Keep work linear in the object's size, do not recurse on its depth, and do not panic: a trap loses the message.

// The macros name this crate, also when it uses them itself.
extern crate self as palisade_sdk;

#[cfg(target_arch = "wasm32")]
mod allocator;
pub mod clock;
pub mod control_plane;
mod date;
mod error;
pub mod glob;
pub mod host;
pub mod json;
pub mod network;
mod path;
pub mod rbac;
mod report;
mod request;
pub mod secrets;
pub mod selector;
mod settings;
pub mod views;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod wapc;

pub use date::{Date, DateError};
pub use error::Error;
pub use host::{Answer, GetQuery, Host, HostError, ListQuery};
pub use json::{List, Map, Raw, Str};
pub use path::Path;
pub use report::{Finding, Report, Rule, Severity};
pub use request::{GroupVersionKind, Operation, Request, UserInfo};
pub use settings::{FieldDoc, Level, RuleLevels, SettingDoc, SettingType, Settings, SettingsError};
pub use views::PodTemplate;

use json::Writer;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: allocator::Bump = allocator::Bump::new();

/// A policy: what it holds, and how it looks.
pub trait Policy {
    /// Its settings, declared by [`settings!`].
    type Settings: Settings;

    /// Every rule that it may report.
    const RULES: &'static [Rule];

    /// Whether `validate` sees `DELETE` requests too; the metadata's rules must then list the operation. Only for policies that
    /// warn of what a deletion uncovers: clean-up must not be held up.
    const JUDGES_DELETE: bool = false;

    /// Refuses settings that parse but cannot be meant: an empty reason, a number out of range.
    ///
    /// # Errors
    /// With the key's path and what was expected.
    fn check_settings(settings: &Self::Settings) -> Result<(), SettingsError> {
        let _ = settings;
        Ok(())
    }

    /// Judges an object: adds a finding to the report for each rule that it breaks, at each place.
    ///
    /// # Errors
    /// When it cannot be judged; it is then rejected.
    fn validate(request: &Request<'_>, settings: &Self::Settings, host: &dyn Host, report: &mut Report) -> Result<(), Error>;
}

/// Makes the crate a Kubewarden module of this policy. Does nothing outside of WebAssembly.
#[macro_export]
macro_rules! export {
    ($policy:ty) => {
        /// The entry point of waPC.
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        pub extern "C" fn __guest_call(operation_length: usize, payload_length: usize) -> i32 {
            $crate::wapc::guest_call::<$policy>(operation_length, payload_length)
        }
    };
}

/// A host that answers no call: for policies that make none.
#[derive(Clone, Copy, Debug)]
pub struct NoHost;

impl Host for NoHost {
    fn call(&self, namespace: &str, operation: &str, _: &[u8]) -> Result<Vec<u8>, HostError> {
        Err(HostError::new(namespace, operation, "there is no host"))
    }
}

/// Runs one operation of a policy: what the module does inside of WebAssembly, callable from native tests.
///
/// # Errors
/// Only for an unknown operation; everything else is a response.
pub fn run<P: Policy>(operation: &[u8], payload: &[u8], host: &dyn Host) -> Result<Vec<u8>, String> {
    let response = match operation {
        b"validate" => validate::<P>(payload, host).write(),
        b"validate_settings" => validate_settings::<P>(payload),
        b"protocol_version" => "\"v1\"".to_owned(),
        b"describe" => describe(P::RULES, P::Settings::DOCS),
        _ => return Err(["unknown operation ", &String::from_utf8_lossy(operation)].concat()),
    };
    Ok(response.into_bytes())
}

/// The answer to `describe`.
fn describe(rules: &[Rule], settings: &[SettingDoc]) -> String {
    let mut writer = Writer::default();
    writer.open('{').key("rules").open('[');
    for rule in rules {
        writer.open('{').field("id", rule.id).field("severity", rule.severity.as_str()).field("summary", rule.summary);
        writer.field("remedy", rule.remedy).field("source", rule.source).close('}');
    }
    writer.close(']').key("settings").open('[');
    for setting in settings {
        describe_field(&mut writer, &setting.field);
        writer.field("default", setting.default).field("doc", setting.doc).close('}');
    }
    writer.close(']').close('}');
    writer.finish()
}

/// A field, and those inside of it; leaves its object open. As deep as the types are.
fn describe_field(writer: &mut Writer, field: &FieldDoc) {
    writer.open('{').field("name", field.name).field("type", field.kind);
    if !field.choices.is_empty() {
        writer.key("choices").strings(field.choices);
    }
    if !field.fields.is_empty() {
        writer.key("fields").open('[');
        for inner in field.fields {
            describe_field(writer, inner);
            writer.close('}');
        }
        writer.close(']');
    }
}

fn parse_settings<P: Policy>(text: &str) -> Result<P::Settings, SettingsError> {
    let settings = settings::parse(text, P::RULES)?;
    P::check_settings(&settings)?;
    Ok(settings)
}

/// The answer to `validate_settings`, as Kubewarden defines it.
fn validate_settings<P: Policy>(payload: &[u8]) -> String {
    let checked = match std::str::from_utf8(payload) {
        Ok(text) => parse_settings::<P>(text).map(|_| ()),
        Err(_) => Err(SettingsError::new("", "expected JSON in UTF-8")),
    };
    let mut writer = Writer::default();
    writer.open('{').key("valid").raw(if checked.is_ok() { "true" } else { "false" });
    if let Err(error) = checked {
        writer.field("message", &error.to_string());
    }
    writer.close('}');
    writer.finish()
}

fn validate<P: Policy>(payload: &[u8], host: &dyn Host) -> report::Response {
    judge::<P>(payload, host).unwrap_or_else(|(rule, code, path, problem)| {
        let mut report = Report::default();
        report.add(rule, &Path::new(&path), problem);
        report::Response { code: Some(code), ..report.into_response() }
    })
}

/// Why there is no judgement: a built-in rule, the response's code, the field and the problem.
type Refusal = (&'static Rule, &'static str, String, String);

fn judge<P: Policy>(payload: &[u8], host: &dyn Host) -> Result<report::Response, Refusal> {
    let malformed = |path: String, problem: String| (&report::MALFORMED_OBJECT, "422", path, problem);
    let text = std::str::from_utf8(payload).map_err(|_| malformed(String::new(), "the payload is not UTF-8".to_owned()))?;
    let payload: request::Payload<'_> = json::from_str(text).map_err(|error| {
        let fault = json::explain(text, error);
        malformed(fault.path, fault.problem)
    })?;
    let request = &payload.request;
    if request.operation == Operation::Delete && !P::JUDGES_DELETE {
        return Ok(Report::default().into_response());
    }
    let settings = parse_settings::<P>(payload.settings.map_or("{}", Raw::get))
        .map_err(|error| (&report::INVALID_SETTINGS, "500", String::new(), error.to_string()))?;
    let refuse = |error: Error| match error {
        Error::Malformed { path, problem } => malformed(path, problem),
        Error::Host(error) => (&report::HOST_CALL_FAILED, "500", String::new(), error.to_string()),
    };
    let look = |request: &Request<'_>| {
        let mut report = Report::new(settings.rules().clone());
        P::validate(request, &settings, host, &mut report).map(|()| report)
    };
    // Clean-up is not held up by what was wrong before it began; an object that only now cannot be judged is refused.
    let before = || request.is_being_deleted().ok()?.then(|| look(&request.before()));
    match look(request) {
        Ok(mut report) => {
            if !report.findings().is_empty()
                && let Some(Ok(before)) = before()
            {
                report.forget(&before);
            }
            Ok(report.into_response())
        }
        Err(error) => match before() {
            Some(Err(same)) if same == error => Ok(Report::default().into_response()),
            _ => Err(refuse(error)),
        },
    }
}
