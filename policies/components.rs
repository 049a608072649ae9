//! What each module is linked from: the crates, as cargo resolved them for the modules' own build, and the standard library.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::{fs, str};

use crate::{Result, TARGET, env};

/// Where the checksums of the lock file are those of crates that everybody can download.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A crate that is linked into a module.
#[derive(Default)]
struct Component {
    name: String,
    version: String,
    licence: String,
    dependencies: BTreeSet<Id>,
}

/// A crate's name and version.
type Id = (String, String);

/// For each policy, the text of its list of components.
///
/// `cargo tree` is asked about all policies at once, as `cargo build` was: features are then unified in the same way.
pub fn read(workspace: &Path, names: &[String]) -> Result<BTreeMap<String, String>> {
    let checksums = checksums(&fs::read_to_string(workspace.join("Cargo.lock"))?);
    let mut cargo = Command::new(env("CARGO")?);
    cargo.current_dir(workspace);
    // Macros run in the compiler; what they are made of is in no module.
    cargo.args(["tree", "--locked", "--offline", "--target", TARGET, "--edges", "normal,no-proc-macro"]);
    cargo.args(["--no-dedupe", "--prefix", "depth", "--format", " {p}|{l}"]);
    for name in names {
        cargo.args(["--package", name]);
    }
    let output = cargo.output()?;
    if !output.status.success() {
        return Err(format!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    let mut lists = BTreeMap::new();
    for tree in str::from_utf8(&output.stdout)?.split("\n\n") {
        let (root, components) = parse(tree)?;
        let list = list(&root, &components, &checksums)?;
        lists.insert(root.0, list);
    }
    match names.iter().find(|name| !lists.contains_key(*name)) {
        Some(name) => Err(format!("cargo tree says nothing of {name}").into()),
        None => Ok(lists),
    }
}

/// Reads lines such as `1 serde v1.0.0|MIT`, where the number is the depth.
fn parse(tree: &str) -> Result<(Id, BTreeMap<Id, Component>)> {
    let mut components: BTreeMap<Id, Component> = BTreeMap::new();
    let mut above: Vec<Id> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let parts = || -> Option<(usize, Id, &str)> {
            let (depth, rest) = line.split_once(' ')?;
            let (package, licence) = rest.split_once('|')?;
            let mut words = package.split(' ');
            let id = (words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned());
            Some((depth.parse().ok()?, id, licence))
        };
        let (depth, id, licence) = parts().ok_or_else(|| format!("cargo tree printed a line of another form: {line}"))?;
        above.truncate(depth);
        if let Some(parent) = above.last().and_then(|parent| components.get_mut(parent)) {
            parent.dependencies.insert(id.clone());
        }
        let component = components.entry(id.clone()).or_default();
        (component.name, component.version, component.licence) = (id.0.clone(), id.1.clone(), licence.to_owned());
        above.push(id);
    }
    let root = above.into_iter().next().ok_or("cargo tree printed an empty tree")?;
    Ok((root, components))
}

/// The list as Rust: the policy itself first, then the others in order.
fn list(root: &Id, components: &BTreeMap<Id, Component>, checksums: &BTreeMap<Id, String>) -> Result<String> {
    let mut order: Vec<&Id> = vec![root];
    order.extend(components.keys().filter(|id| *id != root));
    let mut text = String::from("&[");
    for id in &order {
        let Component { name, version, licence, dependencies } = &components[*id];
        let licence = Some(licence).filter(|licence| !licence.is_empty());
        let checksum = checksums.get(*id);
        let dependencies: Vec<_> = dependencies.iter().filter_map(|one| order.iter().position(|other| *other == one)).collect();
        write!(
            text,
            "Component {{ name: {name:?}, version: {version:?}, licence: {licence:?}, checksum: {checksum:?}, \
             dependencies: &{dependencies:?} }}, "
        )?;
    }
    text.push(']');
    Ok(text)
}

/// The checksums of crates from crates.io, by the lock file: a list of tables whose values stand on one line each.
fn checksums(lock: &str) -> BTreeMap<Id, String> {
    let mut checksums = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let value = |key: &str| {
            package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"').map(str::to_owned))
        };
        if let (Some(name), Some(version), Some(checksum)) = (value("name"), value("version"), value("checksum"))
            && value("source").as_deref() == Some(CRATES_IO)
        {
            checksums.insert((name, version), checksum);
        }
    }
    checksums
}

/// The standard library, which comes with the compiler, as Rust.
pub fn standard_library() -> Result<String> {
    let output = Command::new(env("RUSTC")?).arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let version = value("release:").ok_or("rustc -vV names no release")?;
    let commit = value("commit-hash:").filter(|commit| *commit != "unknown");
    Ok(format!("StandardLibrary {{ version: {version:?}, commit: {commit:?} }}"))
}
