//! Runs any Kubewarden policy in wasmtime, offline: the cluster, the registry, sigstore and DNS that it asks are described in YAML.
//!
//! ```no_run
//! use std::sync::Arc;
//! use palisade_harness::{AdmissionRequest, Cache, Engine, Limits, Policy, World};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::new(Limits::default(), Cache::Default)?;
//! let policy = Policy::load(&engine, "no-host-network", &std::fs::read("policy.wasm")?)?;
//! let pod = serde_json::json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": []}});
//! let request = AdmissionRequest::create(pod, "default")?;
//! let response = policy.validate(&request, &serde_json::json!({}), &Arc::new(World::default()))?;
//! println!("{}", response.accepted);
//! # Ok(())
//! # }
//! ```
//!
//! | for | use |
//! | --- | --- |
//! | loading and running modules | [`Engine`], [`Policy`], [`Response`] |
//! | what a policy is asked | [`AdmissionRequest`] |
//! | what a policy may ask | [`World`] |
//! | test cases in YAML | [`fixture`] |
//! | doing the same in kwctl | [`Recording`] |
//! | YAML with lines and columns | [`yaml`] |
//! | what is known of Kubernetes' kinds | [`kinds`] |
//! | the roles that every cluster has, and what aggregation makes of them | [`bootstrap`], [`aggregation`] |

mod access;
pub mod aggregation;
pub mod bootstrap;
mod engine;
pub mod fixture;
pub mod kinds;
mod metadata;
mod policy;
mod recording;
mod request;
mod response;
mod selector;
mod session;
mod wapc;
mod world;
pub mod yaml;

pub use access::AccessRule;
pub use engine::{Cache, Engine, EngineError, Limits};
pub use metadata::{ContextAwareResource, Metadata, Rule};
pub use policy::{EvalError, LoadError, Policy};
pub use recording::{Recording, RecordingError, Verdict};
pub use request::{AdmissionRequest, GroupVersionKind, Operation, RequestError, RequestParts, UserInfo};
pub use response::{Description, Finding, Response, RuleDescription, SettingDescription, SettingsVerdict, Severity};
pub use session::{Exchange, Outcome, Session};
pub use world::{CALLS, Fault, Identity, Image, Repository, Signature, World};
