//! The map of who can reach whom.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::{DEPLOYMENT, Folder, text};

/// A folder with a copy of an example, so that its files go by the same names everywhere.
fn example(name: &str) -> Folder {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    fs::read_dir(source).expect("the example is there").fold(Folder::new(), |folder, entry| {
        let path = entry.expect("an entry").path();
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        folder.file(&format!("{name}/{file}"), fs::read(&path).expect("a file"))
    })
}

#[test]
fn examples_in_every_format() {
    for name in ["django-insecure", "django-hardened"] {
        let folder = example(name);
        for format in ["table", "json", "dot", "mermaid"] {
            let run = folder.run(&["net", name, "--format", format]);
            assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{format}");
            insta::assert_snapshot!(format!("net_{name}_{format}"), run.stdout);
        }
    }
}

/// What the pictures are to show.
#[test]
fn only_the_insecure_example_has_dangers() {
    let marks = |name: &str| {
        let json = example(name).run(&["net", name, "-f", "json"]).json();
        let edges = json["edges"].as_array().expect("edges").clone();
        edges.iter().map(|edge| text(edge, "mark").to_owned()).collect::<BTreeSet<String>>()
    };
    assert!(marks("django-insecure").contains("dangerous"));
    assert_eq!(marks("django-hardened"), BTreeSet::from(["needed".to_owned()]));
}

#[test]
fn every_edge_leads_from_a_node_to_a_node() {
    let json = example("django-insecure").run(&["net", "django-insecure", "-f", "json"]).json();
    let nodes: Vec<&str> = json["nodes"].as_array().expect("nodes").iter().map(|node| text(node, "id")).collect();
    let different: BTreeSet<&str> = nodes.iter().copied().collect();
    assert_eq!(nodes.len(), different.len(), "{nodes:?}");
    for edge in json["edges"].as_array().expect("edges") {
        assert!(different.contains(text(edge, "from")) && different.contains(text(edge, "to")), "{edge}");
    }
    assert_eq!(json["schemaVersion"], 1);
}

#[test]
fn the_order_of_the_files_does_not_matter() {
    let folder = example("django-insecure");
    let mut files: Vec<String> = fs::read_dir(folder.path().join("django-insecure"))
        .expect("a folder")
        .map(|entry| format!("django-insecure/{}", entry.expect("an entry").file_name().to_string_lossy()))
        .collect();
    files.sort();
    let run = |files: &[String]| {
        let mut args = vec!["net", "--format", "dot"];
        args.extend(files.iter().map(String::as_str));
        folder.run(&args).stdout
    };
    let forwards = run(&files);
    files.reverse();
    assert_eq!(run(&files), forwards);
    assert!(!forwards.is_empty());
}

#[test]
fn what_cannot_be_read_is_reported_beside_the_rest() {
    let old = "apiVersion: extensions/v1beta1\nkind: NetworkPolicy\nmetadata: {name: a}\n";
    let odd = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: odd, namespace: shop}\n\
               spec:\n  podSelector: {}\n  ingress:\n    - from:\n        - ipBlock: {cidr: nowhere}\n";
    let folder = Folder::new().file("web.yaml", DEPLOYMENT).file("old.yaml", old).file("odd.yaml", odd);
    let run = folder.run(&["net", "."]);
    assert_eq!(run.status, 2);
    assert!(run.stdout.contains("Deployment shop/web"), "{run:?}");
    assert!(run.stdout.contains("old.yaml:1:13: extensions/v1beta1 of NetworkPolicy is gone"), "{run:?}");
    assert!(run.stdout.contains("odd.yaml:8:27: NetworkPolicy shop/odd: cannot be read"), "{run:?}");
    // Beside a drawing, the errors are not lost either.
    let drawn = folder.run(&["net", ".", "--format", "mermaid"]);
    assert_eq!(drawn.status, 2);
    assert_eq!(drawn.stderr.lines().count(), 2, "{drawn:?}");
    assert!(!drawn.stdout.contains("gone since"), "{drawn:?}");
    let json = folder.run(&["net", ".", "-f", "json"]);
    assert_eq!((json.status, json.errors().len()), (2, 2));
}

#[test]
fn options() {
    let folder = Folder::new().file("web.yaml", DEPLOYMENT.replace("  namespace: shop\n", ""));
    let run = folder.run(&["net", "web.yaml", "--namespace", "blue", "--output", "map.txt"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
    assert_eq!(run.stderr, "1 workload, 2 connections: 2 dangerous\n");
    let written = fs::read_to_string(folder.path().join("map.txt")).expect("the file is written");
    assert!(written.starts_with("Deployment blue/web  web.yaml:1:1\n"), "{written}");
    let none = folder.run(&["net", "web.yaml", "--within", "green"]);
    assert_eq!((none.status, none.stdout.as_str()), (0, "0 workloads, 0 connections: nothing is open\n"));
    let nothing = Folder::new().file("a.yaml", "a: 1\n").run(&["net", "."]);
    assert_eq!(nothing.status, 2);
    assert!(nothing.stderr.contains("there is no Kubernetes object in ."), "{nothing:?}");
    let missing = folder.run(&["net", "none"]);
    assert_eq!(missing.status, 2);
    assert!(missing.stdout.contains("none: cannot be read"), "{missing:?}");
}

#[test]
fn lines_are_as_wide_as_the_terminal() {
    let folder = example("django-insecure");
    let run = folder.run_with(&["net", "django-insecure"], &[("COLUMNS", "60"), ("CLICOLOR_FORCE", "1")], "");
    let plain = |line: &str| {
        let mut text = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            text.push_str(before);
            rest = after.split_once('m').map_or("", |(_, rest)| rest);
        }
        text + rest
    };
    let lines: Vec<String> = run.stdout.lines().map(plain).filter(|line| line.starts_with(' ')).collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 60), "{lines:#?}");
    assert!(run.stdout.contains('\u{1b}'));
}
