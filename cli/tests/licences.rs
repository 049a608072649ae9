//! Every dependency may be used and passed on under a licence that goes with Apache-2.0.

use std::collections::BTreeMap;
use std::process::Command;

const ACCEPTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression of `OR`, `AND` and parentheses can be satisfied with accepted licences.
fn is_accepted(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    let parts = |text: &str, operator: &str| -> Vec<String> {
        let (mut parts, mut depth) = (vec![String::new()], 0);
        for word in text.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
            depth += i32::from(word == "(") - i32::from(word == ")");
            match parts.last_mut() {
                Some(last) if word != operator || depth > 0 => {
                    last.push(' ');
                    last.push_str(word);
                }
                _ => parts.push(String::new()),
            }
        }
        parts
    };
    let alternatives = parts(&expression, "OR");
    if alternatives.len() > 1 {
        return alternatives.iter().any(|one| is_accepted(one));
    }
    let conjuncts = parts(&expression, "AND");
    if conjuncts.len() > 1 {
        return conjuncts.iter().all(|one| is_accepted(one));
    }
    let one = expression.trim();
    match one.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => is_accepted(inner),
        None => ACCEPTED.contains(&one),
    }
}

#[test]
fn expressions_are_understood() {
    for (expression, accepted) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
        ("", false),
    ] {
        assert_eq!(is_accepted(expression), accepted, "{expression}");
    }
}

#[test]
fn every_dependency_has_an_accepted_licence() {
    // Those that are built on this platform. The lock file names more: what no feature that is chosen here asks for.
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--edges", "normal,build,dev", "--prefix", "none", "--format", "{p}\t{l}", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8(output.stdout).expect("cargo prints text");
    let packages: BTreeMap<&str, &str> =
        tree.lines().map(|line| line.trim_end_matches(" (*)")).filter_map(|line| line.split_once('\t')).collect();
    assert!(packages.len() > 100, "{output:?}", output = String::from_utf8_lossy(&output.stderr));
    let refused: Vec<String> = packages
        .iter()
        .filter(|(_, licence)| !is_accepted(licence))
        .map(|(package, licence)| format!("{package} ({licence:?})"))
        .collect();
    assert!(refused.is_empty(), "{}", refused.join(", "));
}
