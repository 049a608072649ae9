//! What is read, and where findings stand in it.

use crate::support::{DEPLOYMENT, Folder, Run, accepted, findings, text};

const SCAN: [&str; 7] = ["scan", "--policy", "pods.wasm", "--only", "pods", "--format", "json"];

fn scan(folder: &Folder, args: &[&str]) -> Run {
    folder.run(&[&SCAN[..], args].concat())
}

/// A policy that complains of every image.
fn folder() -> Folder {
    Folder::new().module("pods.wasm", &findings(&[("image", "deny", "spec.containers[0].image", "an image")]))
}

fn pod(name: &str) -> String {
    format!("{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{containers: [{{name: a, image: b}}]}}}}")
}

#[test]
fn many_documents_and_standard_input() {
    let folder = folder().file("one.yaml", format!("# a comment\n---\n---\n{}\n---\n{}\n", pod("a"), pod("b")));
    let expected = ["one.yaml:4:87 spec.containers[0].image", "one.yaml:6:87 spec.containers[0].image"];
    assert_eq!(scan(&folder, &["one.yaml"]).places(), expected);
    let text = format!("---\n{}\n", pod("c"));
    let run = folder.run_with(&[&SCAN[..], &["-", "-"]].concat(), &[], &text);
    assert_eq!(run.places(), ["<stdin>:2:87 spec.containers[0].image"]);
}

#[test]
fn lists_show_the_item() {
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n  - {}\n  - apiVersion: v1\n    kind: List\n    items:\n      - {}\n  - apiVersion: v1\n    kind: List\n    items: null\n",
        pod("a"),
        pod("b")
    );
    let typed = "{\"apiVersion\": \"v1\", \"kind\": \"PodList\", \"metadata\": {}, \"items\": [\n  {\"metadata\": {\"name\": \"c\"}, \"spec\": {\"containers\": [\n    {\"image\": \"x\"}]}}]}";
    let folder = folder().file("list.yaml", list).file("pods.json", typed);
    let run = scan(&folder, &["list.yaml", "pods.json"]);
    assert_eq!(
        run.places(),
        [
            "list.yaml:4:91 spec.containers[0].image",
            "list.yaml:8:95 spec.containers[0].image",
            "pods.json:3:15 spec.containers[0].image",
        ]
    );
    let json = run.json();
    let names: Vec<&str> =
        json["findings"].as_array().unwrap().iter().map(|finding| text(&finding["resource"], "name")).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(text(&json["findings"][2]["resource"], "kind"), "Pod");
}

#[test]
fn a_line_of_a_literal_block_is_shown() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n  data:\n    a.env: |\n\n      A=1\n      DB_PASSWORD=kestrel91\n    b.env: \"A=1\\nDB_PASSWORD=kestrel91\\n\"\n  binaryData:\n    c.env: QT0xCkRCX1BBU1NXT1JEPWtlc3RyZWw5MQo=\n";
    let run = Folder::new().file("list.yaml", list).run(&[
        "scan",
        "--only",
        "no-secrets-in-configmaps",
        "--format",
        "json",
        "list.yaml",
    ]);
    assert_eq!(
        run.places(),
        ["list.yaml:11:7 data[a.env]", "list.yaml:12:12 data[b.env]", "list.yaml:14:12 binaryData[c.env]"]
    );
}

#[test]
fn what_is_wrong_with_an_item_has_its_place() {
    let list = "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Pod\n    metadata: {name: 3}\n  - kind: Pod\n  - nonsense\n";
    let folder = folder().file("list.yaml", list).file("odd.yaml", "apiVersion: v1\nkind: List\nitems: {a: b}\n");
    assert_eq!(
        scan(&folder, &["list.yaml", "odd.yaml"]).errors(),
        [
            "list.yaml:6:22 metadata.name must be a string",
            "list.yaml:7:5 apiVersion is missing",
            "list.yaml:8:5 no Kubernetes object: expected a map with apiVersion and kind",
            "odd.yaml:3:1 the items of a list must be a list",
        ]
    );
}

#[test]
fn json_streams() {
    let object = |name: &str| format!("{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"{name}\"}}}}");
    let folder = folder().file("stream.json", format!("{}\n{}{}\n", object("a"), object("b"), object("c")));
    let run = scan(&folder, &["stream.json"]);
    assert_eq!(run.json()["summary"]["objects"], 3);
}

#[test]
fn namespaces_are_as_the_kind_has_them() {
    let crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com}\nspec: {group: example.com, scope: Cluster, names: {kind: Thing, plural: things}}\n";
    let thing = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: one}\n";
    let other = "apiVersion: example.com/v1\nkind: Other\nmetadata: {generateName: one-}\n";
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n";
    let folder =
        folder().file("all.yaml", format!("{crd}---\n{thing}---\n{other}---\n{role}---\n{}\n---\n{DEPLOYMENT}", pod("a")));
    let run = scan(&folder, &["all.yaml", "--namespace", "team"]);
    let json = run.json();
    let resources: Vec<String> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let resource = &finding["resource"];
            format!("{} {}/{}", text(resource, "kind"), text(resource, "namespace"), text(resource, "name"))
        })
        .collect();
    assert_eq!(
        resources,
        [
            "CustomResourceDefinition /things.example.com",
            "Thing /one",
            "Other team/one-*",
            "ClusterRole /r",
            "Pod team/a",
            "Deployment shop/web"
        ]
    );
}

#[test]
fn folders_hold_more_than_manifests() {
    let folder = folder()
        .file("app/b.yaml", pod("b"))
        .file("app/a/deep.yml", pod("a"))
        .file("app/c.json", "{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}")
        .file("app/README.md", "kind: [")
        .file("app/.github/workflows/ci.yaml", "on: [")
        .file("app/.hidden.yaml", "kind: [")
        .file("app/node_modules/x/y.yaml", "kind: [")
        .file("app/palisade.yaml", "policies: {}\n")
        .file("app/docker-compose.yaml", "# services\nservices: {}\n")
        .file("app/tsconfig.json", "{\"strict\": [true] /* always */}\n")
        .file("app/empty.yaml", "# nothing\n")
        .file("app/overlay/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n")
        .file("app/chart/Chart.yaml", "apiVersion: v2\nname: shop\n")
        .file("app/chart/values.yaml", "a: 1\n")
        .file("app/chart/templates/web.yaml", "{{ if }}\n")
        .file("app/chart/crds/thing.yaml", pod("crd"));
    let run = scan(&folder, &["app"]);
    assert_eq!(run.status, 1);
    assert_eq!(
        run.places(),
        [
            "app/a/deep.yml:1:87 spec.containers[0].image",
            "app/b.yaml:1:87 spec.containers[0].image",
            "app/c.json:1:1 spec.containers[0].image",
            "app/chart/crds/thing.yaml:1:89 spec.containers[0].image",
        ]
    );
    assert_eq!(
        run.notes(),
        [
            "app/chart a Helm chart: its templates are scanned once they are rendered, by `helm template app/chart | palisade scan -`",
            "app/overlay/kustomization.yaml a kustomization: what it changes is seen in `kustomize build app/overlay | palisade scan -`",
            "app/docker-compose.yaml skipped: no Kubernetes object, it has neither apiVersion nor kind",
            "app/empty.yaml skipped: no object in it",
            "app/tsconfig.json skipped: no Kubernetes object, and no JSON that can be read",
        ]
    );
    // A file that is named must be a manifest.
    assert_eq!(
        scan(&folder, &["app/docker-compose.yaml"]).errors(),
        ["app/docker-compose.yaml:2:1 no Kubernetes object: it has neither apiVersion nor kind"]
    );
}

#[test]
fn a_template_is_pointed_out() {
    let folder = folder().file("t.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Values.name }}\n");
    let run = scan(&folder, &["t.yaml"]);
    assert_eq!(run.status, 2);
    assert!(run.errors()[0].ends_with("; a template has to be rendered first"), "{run:?}");
}

#[test]
fn what_is_named_twice_is_read_once() {
    let folder = folder().file("k8s/a.yaml", pod("a"));
    assert_eq!(scan(&folder, &["k8s", "k8s/a.yaml", "./k8s/../k8s/a.yaml"]).json()["summary"]["objects"], 1);
}

#[test]
fn recorded_requests() {
    let review = |operation: &str| {
        format!(
            "apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nrequest:\n  uid: x\n  kind: {{group: '', version: v1, kind: Pod}}\n  resource: {{group: '', version: v1, resource: pods}}\n  operation: {operation}\n  name: a\n  namespace: shop\n  object: {}\n",
            pod("a")
        )
    };
    let folder = folder().file("review.yaml", review("UPDATE")).file("broken.yaml", review("ENTER"));
    let run = scan(&folder, &["review.yaml"]);
    assert_eq!(run.places(), ["review.yaml:10:97 spec.containers[0].image"]);
    assert_eq!(text(&run.json()["findings"][0]["resource"], "namespace"), "shop");
    assert_eq!(
        scan(&folder, &["broken.yaml"]).errors(),
        ["broken.yaml:3:1 this AdmissionReview holds no complete request: kind, resource and operation are needed"]
    );
}

#[test]
fn severities_decide_what_is_shown_and_what_fails() {
    let folder = Folder::new()
        .file("web.yaml", DEPLOYMENT)
        .module("pods.wasm", &findings(&[("odd", "warn", "metadata.name", "odd")]))
        .module("both.wasm", &findings(&[("odd", "warn", "metadata.name", "odd"), ("bad", "deny", "metadata.name", "bad")]));
    let status = |args: &[&str]| scan(&folder, &[&["web.yaml"], args].concat()).status;
    assert_eq!(status(&[]), 1);
    assert_eq!(status(&["--fail-on", "deny"]), 0);
    assert_eq!(status(&["--fail-on", "never"]), 0);
    assert_eq!(status(&["--severity", "deny"]), 0);
    let run = folder.run(&["scan", "web.yaml", "-p", "both.wasm", "--only", "both", "--severity", "deny", "-f", "json"]);
    assert_eq!((run.status, run.places().len()), (1, 1));
}

#[test]
fn a_scan_of_nothing_is_no_clean_scan() {
    let folder = Folder::new().file("empty/README.md", "").module("pods.wasm", &accepted());
    let run = folder.run(&["scan", "empty"]);
    assert_eq!(run.status, 2);
    assert_eq!(run.stderr, "error: there is no Kubernetes object in empty\n");
}

#[test]
fn scanned_objects_are_the_cluster() {
    // Isolated by a policy in another file; the other pod is not.
    let policy = |direction: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {}, namespace: default}}\nspec: {{podSelector: {{matchLabels: {{app: a}}}}, policyTypes: [{direction}]}}\n",
            direction.to_lowercase()
        )
    };
    let pod = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, labels: {{app: {name}}}}}\nspec: {{containers: [{{name: a, image: b}}]}}\n"
        )
    };
    let folder = Folder::new()
        .file("k8s/pods.yaml", format!("{}---\n{}", pod("a"), pod("b")))
        .file("k8s/policies.yaml", format!("{}---\n{}", policy("Ingress"), policy("Egress")));
    let run = folder.run(&["scan", "k8s", "--only", "require-network-policy", "--severity", "deny", "-f", "json"]);
    let json = run.json();
    let found: Vec<&str> =
        json["findings"].as_array().unwrap().iter().map(|finding| text(&finding["resource"], "name")).collect();
    assert!(!found.is_empty() && found.iter().all(|name| *name == "b"), "{run:?}");
}
