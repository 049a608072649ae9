//! `palisade rbac`: who may do what.

use std::fs;
use std::path::Path;

use crate::support::{Folder, Run, text};

const TODAY: [&str; 2] = ["--today", "2026-11-24"];

/// The files of an example, in a folder whose name does not differ from machine to machine.
fn example(name: &str) -> Folder {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    let mut files: Vec<_> = fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files.into_iter().fold(Folder::new(), |folder, path| {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        folder.file(&format!("k8s/{name}"), fs::read(&path).expect("a file"))
    })
}

const ROLES: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: deployer
  annotations: {palisade.dev/owner: team-platform, palisade.dev/review-by: 2026-09-30}
aggregationRule:
  clusterRoleSelectors:
    - matchLabels: {deploys: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: deployer-workloads
  labels: {deploys: shop}
rules:
  - apiGroups: [apps]
    resources: [deployments]
    verbs: [get, create, update, patch]
  - apiGroups: ['']
    resources: [secrets]
    resourceNames: [shop-database]
    verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: order-editor
  labels: {rbac.authorization.k8s.io/aggregate-to-edit: 'true'}
rules:
  - apiGroups: [shop.example.com]
    resources: [orders]
    verbs: [create, update, patch, delete]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: forgotten
  namespace: shop
  annotations: {palisade.dev/review-by: next year}
rules:
  - apiGroups: ['']
    resources: [pods/exec]
    verbs: [create]
";

const BINDINGS: &str = "\
apiVersion: v1
kind: List
items:
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata:
      name: deployers
      namespace: shop
      annotations: {palisade.dev/owner: team-shop, palisade.dev/review-by: 2026-12-01}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: deployer}
    subjects:
      - {kind: ServiceAccount, name: pipeline}
      - {kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'team-shop|ops'}
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata: {name: everyone-in-shop, namespace: shop}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
    subjects:
      - {kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'system:serviceaccounts:shop'}
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: legacy}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: order-admin}
    subjects:
      - {kind: User, apiGroup: rbac.authorization.k8s.io, name: 'system:serviceaccount:shop:pipeline'}
      - {kind: ServiceAccount, name: web}
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata: {name: nobody, namespace: shop}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: forgotten}
";

const OLD: &str = "\
apiVersion: rbac.authorization.k8s.io/v1beta1
kind: ClusterRoleBinding
metadata: {name: old}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: User, name: root}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {spec: {serviceAccountName: web, automountServiceAccountToken: false}}}
";

/// An aggregated ClusterRole, roles that are not there or not used, groups, a version that is gone.
fn corners() -> Folder {
    Folder::new().file("k8s/roles.yaml", ROLES).file("k8s/bindings.yaml", BINDINGS).file("k8s/old.yaml", OLD)
}

fn report(folder: &Folder, args: &[&str]) -> Run {
    folder.run(&[&["rbac", "k8s"][..], &TODAY, args].concat())
}

#[test]
fn of_the_insecure_example() {
    let folder = example("django-insecure");
    let run = report(&folder, &[]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!("access_insecure", run.stdout);
    insta::assert_snapshot!("access_insecure_markdown", report(&folder, &["--format", "markdown"]).stdout);
}

#[test]
fn of_the_hardened_example() {
    let run = report(&example("django-hardened"), &[]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!("access_hardened", run.stdout);
}

#[test]
fn of_corner_cases() {
    let folder = corners();
    for format in ["table", "json", "markdown"] {
        let run = report(&folder, &["--format", format]);
        // The version that is gone cannot be read.
        assert_eq!(run.status, 2, "{run:?}");
        insta::assert_snapshot!(format!("access_corners_{format}"), run.stdout);
        if format != "table" {
            assert!(run.stderr.starts_with("error: k8s/old.yaml:1:13: rbac.authorization.k8s.io/v1beta1 of ClusterRoleBinding is gone since Kubernetes 1.22"), "{run:?}");
        }
    }
}

#[test]
fn in_a_narrow_terminal() {
    let args = ["rbac", "k8s", "--today", "2026-11-24", "--subject", "*pipeline", "--color", "always"];
    let run = corners().run_with(&args, &[("COLUMNS", "60"), ("CLICOLOR_FORCE", "1")], "");
    insta::assert_snapshot!("access_narrow", run.stdout);
}

#[test]
fn the_json_refers_to_what_it_holds() {
    let json = report(&corners(), &["--format", "json"]).json();
    let list = |key: &str| json[key].as_array().expect("a list").clone();
    let id = |value: &serde_json::Value| (value["kind"].clone(), value["namespace"].clone(), value["name"].clone());
    let (bindings, roles) = (list("bindings"), list("roles"));
    for grant in list("subjects").iter().flat_map(|subject| subject["grants"].as_array().expect("grants").clone()) {
        let binding = bindings.iter().find(|binding| id(binding) == id(&grant["binding"])).expect("the binding");
        let exists = roles.iter().any(|role| id(role) == id(&grant["role"]));
        assert_eq!(binding["exists"], exists, "{grant}");
        assert_eq!(grant["within"], binding["namespace"]);
    }
    for role in &roles {
        for part in role["madeOf"].as_array().into_iter().flatten() {
            assert!(roles.iter().any(|role| role["name"] == *part), "{part}");
        }
    }
    assert_eq!(json["summary"]["subjects"], list("subjects").len());
    assert_eq!(json["summary"]["errors"], 1);
}

#[test]
fn parts_of_it() {
    let folder = corners();
    let names = |args: &[&str]| -> Vec<String> {
        let json = report(&folder, &[&["--format", "json"][..], args].concat()).json();
        json["subjects"].as_array().expect("a list").iter().map(|subject| text(subject, "name").to_owned()).collect()
    };
    assert_eq!(names(&["--risk=high"]), ["system:serviceaccounts:shop", "pipeline"]);
    assert_eq!(names(&["--risk"]), ["system:serviceaccounts:shop", "pipeline", "team-shop|ops"]);
    assert_eq!(names(&["--subject", "ServiceAccount:shop/*"]), ["pipeline", "web"]);
    assert_eq!(names(&["--subject", "team-*", "--subject", "web"]), ["team-shop|ops", "web"]);
    assert_eq!(names(&["--within", "till"]), ["pipeline"]);
    let run = report(&folder, &["--risk=some"]);
    assert_eq!(run.status, 2);
    // What could not be read is told whatever is asked for.
    assert!(report(&folder, &["--subject", "nobody"]).stdout.contains("v1beta1"));
}

#[test]
fn of_standard_input_into_a_file() {
    let folder = Folder::new();
    let args = ["rbac", "-", "-f", "markdown", "-o", "review.md", "--today", "2026-11-24", "-n", "shop"];
    let run = folder.run_with(&args, &[], ROLES);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
    assert_eq!(
        run.stderr,
        "0 subjects, 0 bindings, 4 roles: no risk marked; 1 review overdue; 3 without a day of review; 3 unused roles\n"
    );
    let review = fs::read_to_string(folder.path().join("review.md")).expect("a file");
    assert!(review.starts_with("# Review of access, 2026-11-24\n") && review.contains("`<stdin>:34`"), "{review}");
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let folder = corners().file("k8s/broken.yaml", "kind: [\n");
    let run = report(&folder, &["--subject", "web"]);
    assert_eq!(run.status, 2);
    assert!(run.stdout.contains("k8s/broken.yaml:1:8: ") && run.stdout.contains("ServiceAccount shop/web"), "{run:?}");
    let run = Folder::new().file("k8s/note.yaml", "a: 1\n").run(&["rbac", "k8s"]);
    assert!(run.status == 2 && run.stderr.contains("there is no Kubernetes object in k8s"), "{run:?}");
    assert_eq!(Folder::new().run(&["rbac", "nowhere.yaml"]).status, 2);
}

#[test]
fn the_annotations_are_those_of_the_policy() {
    let config = "policies:\n  require-rbac-review:\n    settings: {reviewAnnotation: example.com/until, ownerAnnotation: example.com/team}\n";
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a, annotations: {example.com/until: 2026-11-23, example.com/team: shop}}\n";
    let folder = Folder::new().file("palisade.yaml", config).file("k8s/role.yaml", role);
    let run = report(&folder, &[]);
    assert!(run.stdout.contains("owner shop, review overdue since 2026-11-23, for 1 day"), "{run:?}");
    let run = folder.file("palisade.yaml", "policies: 3\n").run(&["rbac", "k8s"]);
    assert!(run.status == 2 && run.stderr.contains("palisade.yaml:1:11: expected a map"), "{run:?}");
}
