//! Every policy of the folders beside this file, as the WebAssembly module that is published.
//!
//! The build script compiles each folder for `wasm32-unknown-unknown`, adds its `metadata.yml` as Kubewarden's custom section, and
//! embeds the result here. A new folder with a `Cargo.toml` is a new policy: there is no list to keep. What is the same for every
//! policy, such as its version, its author and its registry, the build script takes from the workspace's `Cargo.toml`.

/// A policy's module.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// The policy's name, which is its folder's.
    pub name: &'static str,
    /// The module, annotated: what policy-server loads.
    pub wasm: &'static [u8],
    /// What `metadata.yml` says, completed, as the JSON of the module's custom section `io.kubewarden.metadata`.
    pub metadata: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/policies.rs"));

/// The day on which this version was released, as `YYYY-MM-DD`.
pub const RELEASED: &str = env!("PALISADE_RELEASED");

/// The id that Artifact Hub gave the repository of the packages, once it is registered there.
pub const ARTIFACT_HUB_REPOSITORY: Option<&str> = option_env!("PALISADE_ARTIFACT_HUB_REPOSITORY");

/// The policy of that name.
pub fn find(name: &str) -> Option<&'static Module> {
    POLICIES.iter().find(|module| module.name == name)
}
