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
fn kinds_are_looked_up_where_they_live() {
    let world = cluster();
    let nodes = ListQuery::new("v1", "Node").namespace("shop");
    assert!(problem(host(&world).list(&nodes)).contains("is cluster wide"));
    // Policy-server takes no notice of the namespace of what has none.
    assert!(host(&world).get(&GetQuery::new("v1", "Node", "n").namespace("shop")).unwrap().is_some());
    assert!(problem(host(&world).get(&GetQuery::new("v1", "Pod", "a"))).contains("no namespace was provided"));
    assert!(host(&world).get(&GetQuery::new("v1", "Pod", "").namespace("shop")).unwrap().is_none());
}

#[test]
fn custom_kinds_live_where_their_definition_says() {
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "zones.example.com"},
        "spec": {"group": "example.com", "scope": "Cluster", "names": {"kind": "Zone", "plural": "zones"}},
    });
    let zone = |name: &str| json!({"apiVersion": "example.com/v1", "kind": "Zone", "metadata": {"name": name}});
    let mut world = World::of_objects([zone("a"), definition, zone("b")], "default").unwrap();
    let query = GetQuery::new("example.com/v1", "Zone", "a");
    let answer = value(&host(&world).get(&query).unwrap().unwrap());
    assert_eq!(answer, zone("a"));
    assert!(!world.kinds().is_namespaced("example.com", "Zone"));
    assert_eq!(names(&list(&world, &ListQuery::new("example.com/v1", "Zone"))), ["a", "b"]);
    // What was remembered of a list is forgotten when the cluster changes.
    world.add(zone("c"), "default").unwrap();
    assert_eq!(names(&list(&world, &ListQuery::new("example.com/v1", "Zone"))), ["a", "b", "c"]);
}

#[test]
fn namespaces_have_the_label_of_their_name() {
    let namespace = |metadata: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
    let world = World::of_objects(
        [namespace(json!({"name": "shop"})), namespace(json!({"name": "till", "labels": null})), namespace(json!(3))],
        "default",
    )
    .unwrap();
    for name in ["shop", "till"] {
        let selector = format!("kubernetes.io/metadata.name={name}");
        assert_eq!(names(&list(&world, &ListQuery::new("v1", "Namespace").label_selector(&selector))), [name]);
    }
}

#[test]
fn only_lists_leave_out_who_manages_a_field() {
    let mut pod = pod("a", Some("shop"), "web");
    pod["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": "{}", "kept": "yes"});
    let world = World::of_objects([pod.clone()], "default").unwrap();
    let got = host(&world).get(&GetQuery::new("v1", "Pod", "a").namespace("shop")).unwrap().unwrap();
    assert_eq!(value(&got), pod);
    let metadata = list(&world, &ListQuery::new("v1", "Pod"))["items"][0]["metadata"].clone();
    assert_eq!((metadata.get("managedFields"), &metadata["annotations"]), (None, &json!({"kept": "yes"})));
}

proptest::proptest! {
    /// The indexes leave out nothing that a selector selects, and bring nothing else.
    #[test]
    fn an_indexed_list_is_what_looking_at_every_object_gives(
        pods in proptest::collection::vec(("[xy]", proptest::collection::btree_map("[ab]", "[12]", 0..3)), 0..12),
        namespace in proptest::option::of("[xyz]"),
        wanted in proptest::collection::btree_map("[ab]", "[123]", 0..3),
        excluded in proptest::option::of("[ab]"),
    ) {
        let pods: Vec<Value> = pods
            .iter()
            .enumerate()
            .map(|(number, (namespace, labels))| json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": number.to_string(), "namespace": namespace, "labels": labels},
            }))
            .collect();
        let expected: Vec<&str> = pods
            .iter()
            .map(|pod| &pod["metadata"])
            .filter(|metadata| namespace.as_ref().is_none_or(|namespace| metadata["namespace"] == **namespace))
            .filter(|metadata| wanted.iter().all(|(key, value)| metadata["labels"][key] == **value))
            .filter(|metadata| excluded.as_ref().is_none_or(|key| metadata["labels"].get(key).is_none()))
            .map(|metadata| metadata["name"].as_str().unwrap())
            .collect();
        let selector: Vec<String> = wanted
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .chain(excluded.iter().map(|key| format!("!{key}")))
            .collect();
        let selector = selector.join(",");
        let mut query = ListQuery::new("v1", "Pod").label_selector(&selector);
        if let Some(namespace) = &namespace {
            query = query.namespace(namespace);
        }
        let world = World::of_objects(pods.clone(), "default").unwrap();
        let answer = list(&world, &query);
        proptest::prop_assert_eq!(names(&answer), expected);
    }
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
fn images_are_found_by_every_way_to_name_them() {
    let image = |digest: &str, manifest: Value, config: Option<Value>| Image {
        digest: digest.into(),
        manifest: Some(manifest),
        config,
    };
    let index = json!({"manifests": [
        {"digest": "sha256:arm", "platform": {"os": "linux", "architecture": "arm64"}},
        {"digest": "sha256:amd", "platform": {"os": "linux", "architecture": "amd64"}},
    ]});
    let mut world = World::default();
    world.set_registry(BTreeMap::from([
        ("nginx".to_owned(), image("sha256:index", index.clone(), None)),
        (
            "docker.io/library/nginx@sha256:amd".to_owned(),
            image("sha256:amd", json!({"layers": []}), Some(json!({"os": "linux"}))),
        ),
        ("ghcr.io/team/arm".to_owned(), image("sha256:x", json!({"manifests": []}), None)),
    ]));
    for name in ["nginx", "nginx:latest", "docker.io/library/nginx", "library/nginx@sha256:index"] {
        assert_eq!(host(&world).manifest_digest(name).unwrap(), "sha256:index", "{name}");
    }
    assert!(problem(host(&world).manifest_digest("nginx:1.29")).contains("nginx:1.29"));
    assert!(problem(host(&world).manifest_digest("ghcr.io/nginx")).contains("no image"));
    // The index itself, and the configuration of its image for the platform of most policy servers.
    assert_eq!(value(&host(&world).oci_manifest("nginx").unwrap()), index);
    let config = value(&host(&world).oci_config("nginx").unwrap());
    assert_eq!(config, json!({"manifest": {"layers": []}, "digest": "sha256:amd", "config": {"os": "linux"}}));
    assert!(problem(host(&world).oci_config("ghcr.io/team/arm")).contains("linux/amd64"));
}

#[test]
fn several_signatures_of_an_image_count_together() {
    let mut world = World::default();
    let signatures = json!([
        {"image": "web:1", "digest": "sha256:abc", "publicKeys": ["KEY A"], "annotations": {"stage": "released"}},
        {"image": "web:1", "digest": "sha256:abc", "publicKeys": ["KEY B"]},
        {"image": "web:1", "digest": "sha256:old", "publicKeys": ["KEY C"]},
    ]);
    world.set_signatures(serde_json::from_value(signatures).unwrap());
    world.set_registry(BTreeMap::from([("web:1".to_owned(), Image { digest: "sha256:abc".into(), ..Image::default() })]));
    let verify = |image: &str, pub_keys: &[&str], annotations: &[(&str, &str)]| {
        host(&world).verify_signature(image, &Wanted::PublicKeys { pub_keys }, annotations).map(|answer| answer.digest)
    };
    assert_eq!(verify("web:1", &["KEY A", "KEY B"], &[]).unwrap(), "sha256:abc");
    assert_eq!(verify("docker.io/library/web@sha256:abc", &["KEY A"], &[]).unwrap(), "sha256:abc");
    // Each of them must have signed the annotations.
    assert!(verify("web:1", &["KEY A", "KEY B"], &[("stage", "released")]).is_err());
    assert!(verify("web:1", &["KEY A"], &[("stage", "released")]).is_ok());
    // The tag has moved on from what KEY C signed.
    assert!(verify("web:1", &["KEY C"], &[]).is_err());
    assert_eq!(verify("web:1@sha256:old", &["KEY C"], &[]).unwrap(), "sha256:old");

    // The older form of the call has the kind of verification as its key.
    let payload = json!({"SigstorePubKeyVerify": {"image": "web:1", "pub_keys": ["KEY A"], "annotations": null}}).to_string();
    let answer: Value = serde_json::from_slice(&world.call("oci", "v1/verify", payload.as_bytes()).unwrap()).unwrap();
    assert_eq!(answer, json!({"is_trusted": true, "digest": "sha256:abc"}));
    assert!(world.call("oci", "v2/verify", b"{}").is_err());
}

#[test]
fn every_call_is_known_and_others_are_not() {
    let world = World::default();
    for call in CALLS {
        let (namespace, operation) = call.split_once('/').unwrap();
        if let Err(error) = world.call(namespace, operation, b"\"x\"") {
            assert!(!error.problem.contains("unknown"), "{call}: {}", error.problem);
        }
    }
    assert!(problem_of(world.call("oci", "v3/verify", b"{}")).contains("unknown operation"));
    assert!(problem_of(world.call("tracing", "shout", b"{}")).contains("unknown operation"));
    assert!(problem_of(world.call("clock", "now", b"{}")).contains("unknown namespace"));
}

fn problem_of(result: Result<Vec<u8>, HostError>) -> String {
    result.unwrap_err().problem
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

const RBAC: &str = "rbac.authorization.k8s.io/v1";

/// A ClusterRole that grants `get` on one resource.
fn cluster_role(name: &str, labels: Value, resource: &str) -> Value {
    json!({
        "apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name, "labels": labels},
        "rules": [{"apiGroups": ["shop.example.com"], "resources": [resource], "verbs": ["get"]}],
    })
}

/// A ClusterRole that is made of those with a label.
fn aggregated(name: &str, labels: Value, label: &str) -> Value {
    json!({
        "apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name, "labels": labels},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {label: "true"}}]},
        "rules": [{"apiGroups": [""], "resources": ["overwritten"], "verbs": ["get"]}],
    })
}

/// The resources that a ClusterRole of the world has rules for.
fn resources(world: &World, name: &str) -> Vec<String> {
    let answer = host(world).get(&GetQuery::new(RBAC, "ClusterRole", name)).unwrap().unwrap_or_else(|| panic!("no {name}"));
    let rules = value(&answer)["rules"].as_array().unwrap().clone();
    rules.iter().flat_map(|rule| rule["resources"].as_array().unwrap()).map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_cluster_has_the_roles_that_the_api_server_makes() {
    let world = World::default();
    assert_eq!(resources(&world, "system:kube-dns"), ["endpoints", "services"]);
    let bootstrapped =
        list(&world, &ListQuery::new(RBAC, "ClusterRole").label_selector("kubernetes.io/bootstrapping=rbac-defaults"));
    assert_eq!(names(&bootstrapped), names(&list(&world, &ListQuery::new(RBAC, "ClusterRole"))));
    assert!(names(&bootstrapped).contains(&"cluster-admin"));
    let bindings = list(&world, &ListQuery::new(RBAC, "ClusterRoleBinding").field_selector("metadata.name=cluster-admin"));
    assert_eq!(bindings["items"][0]["subjects"][0]["name"], "system:masters");
    // They are no objects of other kinds and versions.
    assert!(host(&world).get(&GetQuery::new("rbac.authorization.k8s.io/v1beta1", "ClusterRole", "view")).unwrap().is_none());
    assert!(host(&world).get(&GetQuery::new(RBAC, "Role", "view").namespace("default")).unwrap().is_none());
    let of_namespace = |namespace| names(&list(&world, &ListQuery::new(RBAC, "Role").namespace(namespace))).len();
    assert_eq!((of_namespace("kube-public"), of_namespace("default")), (1, 0));
    let reader = GetQuery::new(RBAC, "Role", "extension-apiserver-authentication-reader").namespace("kube-system");
    assert!(host(&world).get(&reader).unwrap().is_some());
}

#[test]
fn an_object_of_ones_own_takes_the_place_of_one_that_every_cluster_has() {
    let mut world = World::of_objects([cluster_role("system:kube-dns", json!({}), "zones")], "default").unwrap();
    assert_eq!(resources(&world, "system:kube-dns"), ["zones"]);
    let all = list(&world, &ListQuery::new(RBAC, "ClusterRole"));
    assert_eq!(names(&all).iter().filter(|name| **name == "system:kube-dns").count(), 1);
    // What comes later counts, also after somebody asked.
    world.add(cluster_role("system:kube-dns", json!({}), "names"), "default").unwrap();
    assert_eq!(resources(&world, "system:kube-dns"), ["names"]);
}

#[test]
fn aggregated_roles_have_the_rules_of_those_that_they_select() {
    let to = |level: &str| json!({format!("rbac.authorization.k8s.io/aggregate-to-{level}"): "true"});
    let objects = [
        cluster_role("orders", to("edit"), "orders"),
        cluster_role("carts", json!({"team": "true"}), "carts"),
        aggregated("team", to("view"), "team"),
    ];
    let world = World::of_objects(objects, "default").unwrap();
    assert_eq!(resources(&world, "team"), ["carts"], "a controller overwrites the rules that are written");
    let has = |role: &str, resource: &str| resources(&world, role).iter().any(|one| one == resource);
    for (role, resource, expected) in [
        ("view", "pods", true),
        ("view", "secrets", false),
        ("view", "carts", true),
        ("view", "orders", false),
        ("edit", "secrets", true),
        ("edit", "carts", true),
        ("edit", "orders", true),
        ("edit", "rolebindings", false),
        ("admin", "orders", true),
        ("admin", "rolebindings", true),
    ] {
        assert_eq!(has(role, resource), expected, "{role} {resource}");
    }
    // The same rule of two of them is there once.
    let rules = value(&host(&world).get(&GetQuery::new(RBAC, "ClusterRole", "admin")).unwrap().unwrap())["rules"].clone();
    let rules = rules.as_array().unwrap();
    assert!(rules.iter().enumerate().all(|(index, rule)| !rules[..index].contains(rule)));
}

#[test]
fn access_comes_from_the_roles_that_every_cluster_has() {
    let objects = [
        cluster_role("orders", json!({"rbac.authorization.k8s.io/aggregate-to-view": "true"}), "orders"),
        json!({
            "apiVersion": RBAC, "kind": "RoleBinding", "metadata": {"name": "edit", "namespace": "shop"},
            "roleRef": {"kind": "ClusterRole", "name": "edit"}, "subjects": [{"kind": "User", "name": "ann"}],
        }),
    ];
    let world = World::of_objects(objects, "default").unwrap();
    let ask = |user: &str, groups: &[&str], verb: &str, group: &str, resource: &str, namespace: &str| {
        let action = Action { namespace: Some(namespace), verb, group: Some(group), resource, ..Action::default() };
        host(&world).can_i(&AccessReview { user, groups, action }).unwrap().allowed
    };
    assert!(ask("ann", &[], "delete", "apps", "deployments", "shop"));
    assert!(ask("ann", &[], "get", "shop.example.com", "orders", "shop"));
    assert!(!ask("ann", &[], "get", "shop.example.com", "orders", "till"));
    assert!(!ask("ann", &[], "create", "rbac.authorization.k8s.io", "rolebindings", "shop"));
    assert!(ask("bob", &["system:authenticated"], "create", "authorization.k8s.io", "selfsubjectaccessreviews", ""));
    assert!(ask("system:kube-scheduler", &[], "create", "", "bindings", "shop"));
    assert!(ask("system:serviceaccount:kube-system:namespace-controller", &[], "delete", "apps", "deployments", "shop"));
    assert!(!ask("system:serviceaccount:shop:namespace-controller", &[], "delete", "apps", "deployments", "shop"));
}

#[test]
fn what_cannot_be_aggregated_is_not_answered() {
    let circle = (0..3_000).map(|name| aggregated(&format!("r{name}"), json!({"all": "true"}), "all"));
    let mut world = World::of_objects(circle, "default").unwrap();
    world.add(cluster_role("plain", json!({}), "orders"), "default").unwrap();
    let aggregated = problem(host(&world).get(&GetQuery::new(RBAC, "ClusterRole", "r7")));
    assert!(aggregated.contains("too many ClusterRoles"), "{aggregated}");
    assert!(problem(host(&world).list(&ListQuery::new(RBAC, "ClusterRole"))).contains("too many ClusterRoles"));
    let action = Action { verb: "get", resource: "pods", ..Action::default() };
    assert!(problem(host(&world).can_i(&AccessReview { user: "ann", groups: &[], action })).contains("too many ClusterRoles"));
    assert_eq!(resources(&world, "plain"), ["orders"]);
}
