//! Held against what is independent of the build script: cargo's own graph, the modules' bytes, and the rules of CycloneDX.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cyclonedx_bom::prelude::Validate;
use palisade_policies::POLICIES;
use serde_json::Value;

use super::*;

/// Bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parsed(module: &Module) -> Value {
    serde_json::from_slice(&of(module).expect("a bill")).expect("JSON")
}

/// The names and versions of the components.
fn named(bom: &Value) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    bom["components"].as_array().expect("a list").iter().map(|one| (text(&one["name"]), text(&one["version"]))).collect()
}

#[test]
fn is_valid_and_the_same_twice() {
    let mut serial_numbers = BTreeSet::new();
    for module in POLICIES {
        let bytes = of(module).expect("a bill");
        assert_eq!(bytes, of(module).expect("a bill"));
        let bom = Bom::parse_from_json(&bytes[..]).expect("CycloneDX");
        assert!(bom.validate().passed(), "{}: {:?}", module.name, bom.validate());
        let json = parsed(module);
        assert_eq!(
            (&json["bomFormat"], &json["specVersion"], &json["version"]),
            (&"CycloneDX".into(), &"1.5".into(), &1.into())
        );
        assert!(json["metadata"]["timestamp"].is_null());
        assert!(serial_numbers.insert(json["serialNumber"].as_str().expect("a number").to_owned()), "two bills of one number");
        let policy = &json["metadata"]["component"];
        assert_eq!((&policy["name"], &policy["type"]), (&module.name.into(), &"application".into()));
        assert_eq!(policy["licenses"][0]["expression"], "Apache-2.0");
        assert_eq!(subject(&bytes).expect("a hash"), hex(&Sha256::digest(module.wasm)));
    }
}

/// Normal dependencies without macros, as `cargo metadata` resolves the workspace: for this platform, whose crates are here
/// already. No policy depends on others for WebAssembly.
#[test]
fn names_the_crates_that_cargo_resolves() {
    let rustc = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let rustc = String::from_utf8(rustc.stdout).expect("rustc prints text");
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let packages: BTreeMap<String, Value> =
        list(&metadata["packages"]).into_iter().map(|package| (package["id"].to_string(), package)).collect();
    let nodes: BTreeMap<String, Value> =
        list(&metadata["resolve"]["nodes"]).into_iter().map(|node| (node["id"].to_string(), node)).collect();
    for module in POLICIES {
        let root = packages.iter().find(|(_, package)| package["name"] == module.name).expect("a package").0;
        let (mut seen, mut open) = (BTreeSet::new(), vec![root.clone()]);
        while let Some(id) = open.pop() {
            for dependency in list(&nodes[&id]["deps"]) {
                let normal = list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
                let id = dependency["pkg"].to_string();
                let is_macro =
                    list(&packages[&id]["targets"]).iter().any(|target| list(&target["kind"]).contains(&"proc-macro".into()));
                if normal && !is_macro && seen.insert(id.clone()) {
                    open.push(id);
                }
            }
        }
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let mut expected: BTreeSet<(String, String)> =
            seen.iter().map(|id| (text(&packages[id]["name"]), text(&packages[id]["version"]))).collect();
        assert!(expected.iter().any(|(name, _)| name == "palisade-sdk"));
        expected.insert(("rust-std".to_owned(), STANDARD_LIBRARY.version.to_owned()));
        assert_eq!(named(&parsed(module)), expected, "{}", module.name);
    }
}

/// Panic messages name the files they stand in: those of the standard library by its commit, those of crates by their folder.
#[test]
fn names_what_the_module_names() {
    let mut commits = 0;
    for module in POLICIES {
        let text = String::from_utf8_lossy(module.wasm);
        let bom = parsed(module);
        for rest in text.split("/rustc/").skip(1) {
            let commit = rest.split('/').next().expect("a first part");
            let purl = format!("pkg:github/rust-lang/rust@{commit}");
            assert!(bom["components"].as_array().expect("a list").iter().any(|one| one["purl"] == *purl), "{purl}");
            commits += 1;
        }
        let crates: BTreeSet<String> = named(&bom).into_iter().map(|(name, version)| format!("{name}-{version}")).collect();
        // registry/<index>/<crate>-<version>/src/…
        for rest in text.split("registry/").skip(1) {
            if let Some(folder) = rest.split('/').nth(1).filter(|_| rest.split('/').nth(2) == Some("src")) {
                assert!(crates.contains(folder), "{}: {folder} is in no component", module.name);
            }
        }
    }
    assert!(commits > 0, "no module names the standard library");
}

#[test]
fn crates_of_a_registry_are_told_by_url_and_checksum() {
    static MODULE: Module = Module {
        name: "made-up",
        wasm: b"\0asm\x01\0\0\0",
        metadata: r#"{"annotations": {"io.kubewarden.policy.version": "2.0.0"}}"#,
        components: &[
            palisade_policies::Component {
                name: "made-up",
                version: "1.0.0",
                licence: Some("Apache-2.0"),
                checksum: None,
                dependencies: &[1, 2],
            },
            palisade_policies::Component {
                name: "itoa",
                version: "1.0.15",
                licence: Some("MIT/Apache-2.0"),
                checksum: Some("4a5f13b858c8d314ee3e8f639011f7ccefe71f97f96e50151fb991f267928e2c"),
                dependencies: &[],
            },
            palisade_policies::Component {
                name: "odd",
                version: "0.1.0",
                licence: Some("As you like it"),
                checksum: None,
                dependencies: &[1],
            },
        ],
    };
    let bytes = of(&MODULE).expect("a bill");
    assert!(Bom::parse_from_json(&bytes[..]).expect("CycloneDX").validate().passed());
    let text = String::from_utf8(bytes).expect("UTF-8");
    let lines = text.lines().filter(|line| !line.contains("serialNumber")).collect::<Vec<_>>().join("\n");
    let text = lines
        .replace(STANDARD_LIBRARY.commit.unwrap_or("no commit"), "[commit]")
        .replace(STANDARD_LIBRARY.version, "[release]");
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_no_bill_is_refused() {
    for text in ["", "{}", r#"{"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1}"#, r#"{"specVersion": "9"}"#] {
        assert!(matches!(subject(text.as_bytes()), Err(SbomError::Unreadable(_))), "{text}");
    }
}
