use palisade_sdk::host::{AccessReview, Action, Identity, IdentityPrefix, Signature as Wanted};
use palisade_sdk::{Error, GetQuery, ListQuery};

use super::*;

fn pod(name: &str, namespace: Option<&str>, app: &str) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": app}, "managedFields": [{}]},
        "spec": {"containers": [{"name": "c", "image": "web"}, {"name": "d", "image": "log"}], "nodeName": "n"},
    });
    if let Some(namespace) = namespace {
        pod["metadata"]["namespace"] = Value::from(namespace);
    }
    pod
}

fn cluster() -> World {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "namespace": "senseless"}});
    let pods = [pod("a", None, "web"), pod("b", Some("shop"), "web"), pod("c", Some("shop"), "db")];
    World::of_objects(pods.into_iter().chain([node]), "default").unwrap()
}

fn host(world: &World) -> &dyn Host {
    world
}

fn value(answer: &palisade_sdk::Answer) -> Value {
    serde_json::from_str(answer.text()).unwrap()
}

fn list(world: &World, query: &ListQuery<'_>) -> Value {
    value(&host(world).list(query).unwrap())
}

fn names(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

fn problem<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result.unwrap_err() {
        Error::Host(error) => error.problem,
        Error::Malformed { problem, .. } => panic!("{problem}"),
    }
}

#[test]
fn lists_by_namespace_labels_and_fields() {
    let world = cluster();
    let pods = || ListQuery::new("v1", "Pod");
    assert_eq!(names(&list(&world, &pods())), ["a", "b", "c"]);
    assert_eq!(names(&list(&world, &pods().namespace("shop"))), ["b", "c"]);
    assert_eq!(names(&list(&world, &pods().namespace("default"))), ["a"]);
    assert_eq!(names(&list(&world, &pods().label_selector("app=web"))), ["a", "b"]);
    assert_eq!(names(&list(&world, &pods().namespace("shop").field_selector("metadata.name!=b"))), ["c"]);
    assert_eq!(names(&list(&world, &ListQuery::new("v1", "Service"))), Vec::<&str>::new());
    assert!(problem(host(&world).list(&pods().label_selector("app in web"))).contains("unable to parse"));
    // The second time the answer is remembered, and the same.
    assert_eq!(list(&world, &pods()), list(&world, &pods()));
}

#[test]
fn masks_keep_what_they_name_and_the_metadata() {
    let world = cluster();
    let item =
        list(&world, &ListQuery::new("v1", "Pod").namespace("shop").fields(&["spec.containers.image"]))["items"][0].clone();
    assert_eq!(
        item,
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "b", "namespace": "shop", "labels": {"app": "web"}},
            "spec": {"containers": [{"image": "web"}, {"image": "log"}]},
        })
    );
}

#[test]
fn gets_by_name_and_says_what_is_not_there() {
    let world = cluster();
    let get = |query: GetQuery<'_>| host(&world).get(&query).unwrap().map(|answer| value(&answer));
    assert_eq!(get(GetQuery::new("v1", "Pod", "b").namespace("shop")).unwrap()["metadata"]["labels"]["app"], "web");
    assert_eq!(get(GetQuery::new("v1", "Pod", "b").namespace("default")), None);
    // A kind without namespaces is found without, whatever its manifest says.
    assert!(get(GetQuery::new("v1", "Node", "n")).is_some());
    assert_eq!(get(GetQuery::new("v1", "Secret", "x").namespace("shop")), None);
}

#[test]
fn the_later_of_two_objects_with_a_name_counts() {
    let mut generated = pod("", Some("shop"), "job");
    generated["metadata"] = json!({"generateName": "job-", "namespace": "shop"});
    let world = World::of_objects(
        [pod("b", Some("shop"), "old"), pod("b", Some("shop"), "new"), generated.clone(), generated],
        "default",
    )
    .unwrap();
    let answer = list(&world, &ListQuery::new("v1", "Pod"));
    let apps: Vec<&str> =
        answer["items"].as_array().unwrap().iter().filter_map(|item| item["metadata"]["labels"]["app"].as_str()).collect();
    assert_eq!((apps, answer["items"].as_array().unwrap().len()), (vec!["new"], 3));
}

#[test]
fn faults_fail() {
    let mut world = cluster();
    world.set_faults(vec![Fault { call: "kubernetes/get_resource".to_owned(), error: "away".to_owned() }]);
    assert_eq!(problem(host(&world).get(&GetQuery::new("v1", "Node", "n"))), "v1/Node: away");
    assert_eq!(names(&list(&world, &ListQuery::new("v1", "Node"))), ["n"]);
}

#[test]
fn answers_for_registry_and_names() {
    let mut world = World::default();
    let image = json!({"digest": "sha256:abc", "manifest": {"layers": []}, "config": {"os": "linux"}});
    world.set_registry(BTreeMap::from([("web:1".to_owned(), serde_json::from_value(image).unwrap())]));
    world.set_dns(BTreeMap::from([("db".to_owned(), vec!["192.0.2.7".to_owned()])]));
    assert_eq!(host(&world).manifest_digest("web:1").unwrap(), "sha256:abc");
    assert_eq!(value(&host(&world).oci_manifest("web:1").unwrap()), json!({"layers": []}));
    assert_eq!(value(&host(&world).oci_config("web:1").unwrap())["config"]["os"], "linux");
    assert_eq!(problem(host(&world).manifest_digest("web:2")), "the registry has no image web:2");
    assert_eq!(host(&world).lookup_host("db").unwrap(), ["192.0.2.7"]);
    assert!(problem(host(&world).lookup_host("cache")).contains("cache"));
}

#[test]
fn verifies_what_was_signed() {
    let mut world = World::default();
    let signature = json!({
        "image": "web:1", "digest": "sha256:abc", "publicKeys": ["KEY A", "KEY B"],
        "keyless": [{"issuer": "https://issuer.example", "subject": "https://code.example/team/web/release"}],
        "githubActions": {"owner": "team", "repo": "web"}, "certificates": ["CERT"], "annotations": {"stage": "released"},
    });
    world.set_signatures(vec![serde_json::from_value(signature).unwrap()]);
    let verify =
        |signature: &Wanted<'_>, annotations: &[(&str, &str)]| host(&world).verify_signature("web:1", signature, annotations);
    let trusted =
        |signature: Wanted<'_>| verify(&signature, &[]).is_ok_and(|answer| answer.is_trusted && answer.digest == "sha256:abc");

    assert!(trusted(Wanted::PublicKeys { pub_keys: &["KEY A", "KEY B"] }));
    assert!(!trusted(Wanted::PublicKeys { pub_keys: &["KEY A", "KEY C"] }));
    assert!(!trusted(Wanted::PublicKeys { pub_keys: &[] }));
    let identity = |subject| Identity { issuer: "https://issuer.example", subject };
    assert!(trusted(Wanted::Keyless { keyless: &[identity("https://code.example/team/web/release")] }));
    assert!(!trusted(Wanted::Keyless { keyless: &[identity("https://code.example/team/web")] }));
    let prefix = |url_prefix| IdentityPrefix { issuer: "https://issuer.example", url_prefix };
    assert!(trusted(Wanted::KeylessPrefix { keyless_prefix: &[prefix("https://code.example/team")] }));
    assert!(!trusted(Wanted::KeylessPrefix { keyless_prefix: &[prefix("https://code.example/te")] }));
    assert!(trusted(Wanted::GithubActions { owner: "team", repo: None }));
    assert!(!trusted(Wanted::GithubActions { owner: "team", repo: Some("other") }));
    assert!(trusted(Wanted::Certificate { certificate: b"CERT\n", certificate_chain: None, require_rekor_bundle: false }));
    let keys = Wanted::PublicKeys { pub_keys: &["KEY A"] };
    assert!(verify(&keys, &[("stage", "released")]).is_ok());
    assert!(problem(verify(&keys, &[("stage", "draft")])).contains("no signatures found"));
}

#[test]
fn says_who_may_do_what() {
    let mut world = World::default();
    world.set_access(
        serde_json::from_value(json!([{"user": "ann", "verb": "get", "resource": "pods"}, {"group": "admins"}])).unwrap(),
    );
    let may = |user, groups, verb| {
        let action = Action { verb, resource: "pods", ..Action::default() };
        host(&world).can_i(&AccessReview { user, groups, action }).unwrap().allowed
    };
    assert!(may("ann", &[], "get"));
    assert!(!may("ann", &[], "list"));
    assert!(may("bob", &["admins"], "delete"));
    assert!(!may("bob", &["users"], "get"));
}

#[test]
fn replays_what_kwctl_recorded() {
    let session = r#"
- type: Exchange
  request: |
    !KubernetesGetResource
    api_version: v1
    kind: Namespace
    name: shop
    namespace: null
    disable_cache: false
  response:
    type: Success
    payload: '{"metadata": {"name": "shop"}}'
- type: Exchange
  request: |
    !DNSLookupHost
    host: db
  response:
    type: Error
    message: no such host
"#;
    let replay = || World::of_session(crate::yaml::from_str(session).unwrap());
    let world = replay();
    let answer = host(&world).get(&GetQuery::new("v1", "Namespace", "shop")).unwrap().unwrap();
    assert_eq!(value(&answer)["metadata"]["name"], "shop");
    assert_eq!(problem(host(&world).lookup_host("db")), "no such host");
    assert_eq!(problem(host(&world).lookup_host("db")), "the session has no more answers");

    assert!(problem(host(&replay()).lookup_host("db")).contains("the session has KubernetesGetResource next"));
    assert!(problem(host(&replay()).get(&GetQuery::new("v1", "Namespace", "other"))).contains("with name \"shop\""));
}
