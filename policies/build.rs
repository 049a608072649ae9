//! Compiles every policy for WebAssembly, annotates the modules, and embeds them in the crate.
//!
//! The modules are built by a second cargo in a target folder of its own, so that the policies keep their own profile, and one
//! that did not change is not compiled again.

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::{Map, Value};
use wasm_encoder::{CustomSection, RawSection};

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "guest";
/// Where Kubewarden looks for a policy's metadata.
const METADATA_SECTION: &str = "io.kubewarden.metadata";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() {
    if let Err(error) = build() {
        // Cargo prints each of these as an error of the build.
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
        std::process::exit(1);
    }
}

fn build() -> Result<()> {
    let policies_dir = PathBuf::from(env("CARGO_MANIFEST_DIR")?);
    let workspace = policies_dir.parent().ok_or("policies/ is not in a workspace")?;
    let out = PathBuf::from(env("OUT_DIR")?);
    let names = policy_names(&policies_dir)?;

    // A new folder changes the lock file; what else a module is made of is below.
    for file in ["Cargo.toml", "Cargo.lock", "sdk-shim/Cargo.toml", "sdk-shim/src"] {
        println!("cargo::rerun-if-changed={}", workspace.join(file).display());
    }
    for name in &names {
        for file in ["Cargo.toml", "metadata.yml", "src"] {
            println!("cargo::rerun-if-changed={}", policies_dir.join(name).join(file).display());
        }
    }

    if !names.is_empty() {
        require_target()?;
    }
    let common = Common::read(workspace)?;
    println!("cargo::rustc-env=PALISADE_RELEASED={}", common.released);
    if let Some(id) = &common.artifact_hub {
        println!("cargo::rustc-env=PALISADE_ARTIFACT_HUB_REPOSITORY={id}");
    }
    let built = compile(workspace, &out, &names)?;
    let mut list = String::from("/// Every policy, by name.\npub static POLICIES: &[Module] = &[\n");
    for name in &names {
        let metadata = metadata(name, &policies_dir.join(name).join("metadata.yml"), &common)?;
        let module = fs::read(built.join(name.replace('-', "_")).with_extension("wasm")).map_err(|error| {
            format!("policies/{name}: cargo made no module ({error}); its Cargo.toml needs crate-type = [\"cdylib\", \"rlib\"]")
        })?;
        let path = out.join(name).with_extension("wasm");
        fs::write(&path, annotate(&module, &metadata)?)?;
        writeln!(list, "    Module {{ name: {name:?}, wasm: include_bytes!({path:?}), metadata: {metadata:?} }},")?;
    }
    list.push_str("];\n");
    fs::write(out.join("policies.rs"), list)?;
    Ok(())
}

fn env(name: &str) -> Result<OsString> {
    env::var_os(name).ok_or_else(|| format!("{name} is not set").into())
}

/// The folders that hold a crate, in order.
fn policy_names(policies_dir: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(policies_dir)? {
        let path = entry?.path();
        if path.join("Cargo.toml").is_file() {
            let name =
                path.file_name().and_then(|name| name.to_str()).ok_or("a policy's folder has a name that is not UTF-8")?;
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Adds the WebAssembly target to the toolchain where it is missing.
fn require_target() -> Result<()> {
    let rustc = env("RUSTC")?;
    let installed = || -> Result<bool> {
        let output = Command::new(&rustc).args(["--print", "target-libdir", "--target", TARGET]).output()?;
        Ok(output.status.success() && Path::new(String::from_utf8(output.stdout)?.trim()).is_dir())
    };
    if installed()? {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", TARGET]).output();
    match added {
        Ok(output) if output.status.success() && installed()? => Ok(()),
        Ok(output) => Err(format!(
            "the policies need the target {TARGET}, and rustup could not add it; run: rustup target add {TARGET}\n{}",
            String::from_utf8_lossy(&output.stderr).trim()
        )
        .into()),
        Err(error) => Err(format!(
            "the policies need the target {TARGET}; run: rustup target add {TARGET}\n\
             (rustup itself did not start: {error}; where rust comes from a distribution, install its package for {TARGET})"
        )
        .into()),
    }
}

/// Builds the policies, and gives the folder that their modules are in.
fn compile(workspace: &Path, out: &Path, names: &[String]) -> Result<PathBuf> {
    // Shared by the host's profiles: cargo marks the root of its target folder with this file.
    let target_root = out.ancestors().find(|dir| dir.join("CACHEDIR.TAG").is_file()).unwrap_or(out);
    let target_dir = target_root.join("guest");
    let built = target_dir.join(TARGET).join(PROFILE);
    if names.is_empty() {
        return Ok(built);
    }
    let mut cargo = Command::new(env("CARGO")?);
    cargo.current_dir(workspace);
    cargo.args(["build", "--lib", "--target", TARGET, "--profile", PROFILE, "--target-dir"]).arg(&target_dir);
    for name in names {
        cargo.args(["--package", name]);
    }
    // What was set for the outer build is not meant for the guests: flags, wrappers such as clippy's, profiles, targets.
    for (name, _) in env::vars_os() {
        let outer = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PROFILE_")
                || name.starts_with("CARGO_BUILD_")
                || name.starts_with("CARGO_TARGET_")
                || matches!(
                    name,
                    "RUSTFLAGS" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER" | "RUSTDOCFLAGS" | "MAKEFLAGS" | "MFLAGS"
                )
        });
        if outer && name != "CARGO_BUILD_JOBS" {
            cargo.env_remove(name);
        }
    }
    // The same source gives the same bytes wherever it is built: panic messages name files.
    let mut flags = vec![remap(workspace, "")];
    if let Some(home) = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| env::home_dir().map(|home| home.join(".cargo")))
    {
        flags.push(remap(&home.join("registry/src"), "registry"));
    }
    let mut encoded = OsString::new();
    for (index, flag) in flags.iter().enumerate() {
        if index > 0 {
            encoded.push("\x1f");
        }
        encoded.push(flag);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", encoded);
    if cargo.status()?.success() {
        Ok(built)
    } else {
        Err("the policies did not compile for WebAssembly; see the compiler's messages".into())
    }
}

fn remap(from: &Path, to: &str) -> OsString {
    let mut flag = OsString::from("--remap-path-prefix=");
    flag.push(from);
    flag.push("=");
    flag.push(to);
    flag
}

/// What is the same for every policy, from the workspace's `Cargo.toml`.
struct Common {
    version: String,
    license: String,
    authors: String,
    homepage: String,
    repository: String,
    registry: String,
    released: String,
    artifact_hub: Option<String>,
}

impl Common {
    fn read(workspace: &Path) -> Result<Self> {
        let output = Command::new(env("CARGO")?)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(workspace)
            .output()?;
        if !output.status.success() {
            return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
        }
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let palisade = |key: &str, expected: &str| {
            let text = metadata["metadata"]["palisade"][key].as_str().unwrap_or_default();
            if text.is_empty() {
                Err(format!("Cargo.toml: [workspace.metadata.palisade] {key}: expected {expected}"))
            } else {
                Ok(text.to_owned())
            }
        };
        let package = |key: &str, expected: &str| match env(key)?.into_string() {
            Ok(text) if !text.is_empty() => Ok(text),
            _ => {
                let key = key.trim_start_matches("CARGO_PKG_").to_lowercase();
                Err(Box::<dyn Error>::from(format!("Cargo.toml: [workspace.package] {key}: expected {expected}")))
            }
        };
        let authors = package("CARGO_PKG_AUTHORS", "a list of `Name <e-mail>`")?;
        for author in authors.split(':') {
            if !author
                .split_once('<')
                .is_some_and(|(name, mail)| !name.trim().is_empty() && mail.contains('@') && mail.ends_with('>'))
            {
                return Err(
                    format!("Cargo.toml: [workspace.package] authors: expected `Name <e-mail>`, found {author:?}").into()
                );
            }
        }
        let released = palisade("released", "the day of the release")?;
        if !(released.len() == 10 && released.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')) {
            let problem = format!("expected a day such as 2026-11-28, found {released:?}");
            return Err(format!("Cargo.toml: [workspace.metadata.palisade] released: {problem}").into());
        }
        Ok(Self {
            version: package("CARGO_PKG_VERSION", "a version")?,
            license: package("CARGO_PKG_LICENSE", "an SPDX expression")?,
            // Cargo joins them with colons, Kubewarden with commas.
            authors: authors.replace(':', ", "),
            homepage: package("CARGO_PKG_HOMEPAGE", "an address")?,
            repository: package("CARGO_PKG_REPOSITORY", "the address of the source")?,
            registry: palisade("registry", "a registry and a path in it, such as registry.example.com/policies")?,
            released,
            artifact_hub: metadata["metadata"]["palisade"]["artifact-hub"].as_str().map(str::to_owned),
        })
    }

    /// The annotations that a policy of this name has from here.
    fn annotations(&self, name: &str) -> [(&'static str, String); 7] {
        [
            ("io.kubewarden.policy.title", name.to_owned()),
            ("io.kubewarden.policy.version", self.version.clone()),
            ("io.kubewarden.policy.license", self.license.clone()),
            ("io.kubewarden.policy.author", self.authors.clone()),
            ("io.kubewarden.policy.url", self.homepage.clone()),
            ("io.kubewarden.policy.source", self.repository.clone()),
            ("io.kubewarden.policy.ociUrl", format!("{}/{name}", self.registry.trim_end_matches('/'))),
        ]
    }
}

/// Reads `metadata.yml` and gives it as JSON, as `kwctl annotate` writes it: completed with the protocol's version and what all
/// policies have in common, and with every key known.
fn metadata(name: &str, path: &Path, common: &Common) -> Result<String> {
    const REQUIRED: [&str; 9] = [
        "rules",
        "mutating",
        "backgroundAudit",
        "executionMode",
        "policyType",
        "contextAwareResources",
        "hostCapabilities",
        "minimumKubewardenVersion",
        "annotations",
    ];
    let problem = |what: String| format!("{}: {what}", path.display());
    let text = fs::read_to_string(path).map_err(|error| problem(error.to_string()))?;
    let mut metadata: Map<String, Value> = serde_norway::from_str(&text).map_err(|error| problem(error.to_string()))?;
    for key in REQUIRED {
        if !metadata.contains_key(key) {
            return Err(problem(format!("{key} is missing")).into());
        }
    }
    if let Some(unknown) = metadata.keys().find(|key| !REQUIRED.contains(&key.as_str())) {
        return Err(problem(format!("unknown key {unknown}")).into());
    }
    let minimum = metadata["minimumKubewardenVersion"].as_str().unwrap_or_default();
    if minimum.split('.').count() != 3 || !minimum.split('.').all(|number| number.parse::<u32>().is_ok()) {
        return Err(problem(
            "minimumKubewardenVersion: expected three numbers in quotes, such as \"1.22.0\": Kubewarden cannot load a module with less"
                .to_owned(),
        )
        .into());
    }
    let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) else {
        return Err(problem("annotations: expected a map".to_owned()).into());
    };
    if let Some((key, _)) = annotations.iter().find(|(_, value)| !value.is_string()) {
        return Err(problem(format!("annotations: {key}: expected a string; put it in quotes")).into());
    }
    for (key, value) in common.annotations(name) {
        if annotations.insert(key.to_owned(), Value::String(value)).is_some() {
            return Err(problem(format!("annotations: {key} comes from the workspace's Cargo.toml: leave it out here")).into());
        }
    }
    metadata.insert("protocolVersion".to_owned(), Value::from("v1"));
    Ok(serde_json::to_string(&metadata)?)
}

/// The module with its metadata as a custom section, and without the custom sections that only serve debuggers.
fn annotate(module: &[u8], metadata: &str) -> Result<Vec<u8>> {
    let mut annotated = wasm_encoder::Module::new();
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let payload = payload?;
        if matches!(payload, wasmparser::Payload::CustomSection(_)) {
            continue;
        }
        if let Some((id, range)) = payload.as_section() {
            annotated.section(&RawSection { id, data: &module[range] });
        }
    }
    annotated.section(&CustomSection { name: METADATA_SECTION.into(), data: metadata.as_bytes().into() });
    Ok(annotated.finish())
}
