//! No output holds a secret, of whichever kind and in whichever place.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Folder, text};

/// So many characters of a secret, behind the beginning that all of its kind have, may stand in no output.
const WINDOW: usize = 8;

#[test]
fn no_output_holds_a_secret() {
    let folder = Folder::new();
    let written = folder.run(&["bench", "secrets", "--write", "corpus"]);
    assert_eq!((written.status, written.stdout.as_str()), (0, ""), "{written:?}");
    let labels = std::fs::read_to_string(folder.path().join("corpus/labels.json")).expect("labels");
    let labels: Vec<Value> = serde_json::from_str(&labels).expect("JSON");
    let windows: Vec<(&str, BTreeSet<&[u8]>)> =
        labels.iter().filter_map(|label| Some((text(label, "name"), windows(label)?))).collect();
    assert!(windows.len() >= 600, "{}", windows.len());

    for format in ["table", "json", "sarif", "junit", "github"] {
        let run = folder.run(&["scan", "corpus/manifests.json", "--format", format]);
        assert_eq!(run.status, 1, "{format}: {}", run.stderr);
        let output = [run.stdout, run.stderr].concat();
        assert!(output.contains("sample-0"), "{format}");
        let here: BTreeSet<&[u8]> = output.as_bytes().windows(WINDOW).collect();
        for (name, windows) in &windows {
            let leaked = windows.iter().filter(|window| here.contains(*window)).count();
            assert_eq!(leaked, 0, "{format} shows a part of the secret of {name}");
        }
    }
}

/// All parts of a secret of that length, as its owner writes it and as it stands there. Nothing for those that are words, which a
/// message may use by chance.
fn windows(label: &Value) -> Option<BTreeSet<&[u8]>> {
    // `changeme` is nobody's secret.
    let secret = label.get("secret").filter(|secret| !secret.is_null() && text(secret, "detector") != "placeholders")?;
    let public = usize::try_from(secret["publicPrefix"].as_u64().unwrap_or_default()).unwrap_or_default();
    let plain = text(secret, "plain").as_bytes();
    let written = text(secret, "written").as_bytes();
    let encoded = if plain == written { &[][..] } else { written };
    let all = |window: &[u8], kind: fn(&u8) -> bool, signs: &[u8]| window.iter().all(|byte| kind(byte) || signs.contains(byte));
    // `-----BEGIN PRIVATE KEY-----` is public too, and so is the form of a JSON key.
    let is_word = |window: &[u8]| {
        all(window, u8::is_ascii_lowercase, b"-_ .:/") || all(window, u8::is_ascii_uppercase, b"- ") || window.contains(&b'"')
    };
    let parts = plain.get(public..).unwrap_or_default().windows(WINDOW).chain(encoded.windows(WINDOW));
    let windows: BTreeSet<&[u8]> = parts.filter(|window| !is_word(window)).collect();
    (!windows.is_empty()).then_some(windows)
}
