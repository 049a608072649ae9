//! The map of small clusters, and of random ones: what it says of a pair of pods is what `connects` says.

use std::fs;

use palisade_sdk::json as sdk_json;
use palisade_sdk::network::{End, NetworkPolicy, NetworkPolicySpec, Pod, Port, connects};
use palisade_sdk::selector::Labels;
use serde_json::{Value, json};

use super::{Edge, Kind, Map, Node, dot, mermaid, survey};
use crate::input;

/// The map of these documents.
fn map(documents: &str) -> Map {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.yaml");
    fs::write(&file, documents).unwrap();
    survey::survey(input::read(&[file]), "default")
}

fn map_of(objects: &[Value]) -> Map {
    map(&json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string())
}

/// Each edge as `from -> to: ports, mark`.
fn edges(map: &Map) -> Vec<String> {
    let title = |node: usize| map.nodes[node].title();
    let except = |edge: &Edge| match edge.except.as_slice() {
        [] => String::new(),
        nodes => format!(" but {}", nodes.iter().map(|node| title(*node)).collect::<Vec<_>>().join(" ")),
    };
    let line = |edge: &Edge| {
        let (from, to) = (title(edge.from), title(edge.to).replace(": any pod, the Internet, the metadata service", ""));
        format!("{from} -> {to}: {}, {}{}", edge.open.label(), edge.mark.word(), except(edge))
    };
    map.edges.iter().map(line).collect()
}

fn blocked(map: &Map) -> Vec<String> {
    let title = |node: usize| map.nodes[node].title();
    map.blocked.iter().map(|one| format!("{} -> {}: {}", title(one.from), title(one.to), one.why)).collect()
}

fn pod(name: &str, ports: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [{"name": "a", "image": "a", "ports": ports}]}})
}

fn policy(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec})
}

fn service(name: &str, kind: &str, ports: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"type": kind, "selector": {"app": name}, "ports": ports}})
}

/// Nothing goes in or out but what other policies allow.
fn closed() -> Value {
    policy("closed", &json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}))
}

fn web() -> Value {
    pod("web", &json!([{"name": "http", "containerPort": 8000}]))
}

#[test]
fn nothing_is_held_without_policies() {
    let map = map_of(&[web()]);
    assert_eq!(
        edges(&map),
        ["any pod -> default/web: every port, dangerous", "default/web -> everything: every port, dangerous"]
    );
    assert_eq!(edges(&map_of(&[web(), closed()])), [""; 0]);
}

#[test]
fn a_pod_in_the_network_of_its_node_is_held_by_nothing() {
    let mut web = web();
    web["spec"]["hostNetwork"] = json!(true);
    let map = map_of(&[web, closed()]);
    assert_eq!(
        edges(&map),
        [
            "Internet -> default/web: TCP 8000, needed",
            "any pod -> default/web: every port, dangerous",
            "default/web -> everything: every port, dangerous",
        ]
    );
    assert_eq!(map.edges[0].via, ["hostNetwork"]);
}

#[test]
fn ports_that_nothing_listens_on_are_unneeded() {
    let from = json!([{"podSelector": {"matchLabels": {"app": "db"}}}]);
    let allow = |ports: Value| {
        let ingress = json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{"from": from, "ports": ports}]});
        let db = pod("db", &json!([]));
        let mut found = edges(&map_of(&[web(), db, policy("web", &ingress)]));
        found.retain(|edge| edge.starts_with("default/db -> default/web"));
        found.join("; ")
    };
    assert_eq!(allow(json!([{"port": 8000}])), "default/db -> default/web: TCP 8000, needed");
    assert_eq!(allow(json!([{"port": "http"}])), "default/db -> default/web: TCP 8000, needed");
    assert_eq!(allow(json!([{"port": "https"}])), "");
    assert_eq!(allow(json!([{"port": "http", "protocol": "UDP"}])), "");
    assert_eq!(allow(json!([{"port": 22}])), "default/db -> default/web: TCP 22, unneeded");
    assert_eq!(
        allow(json!([{"port": 7999, "endPort": 8001}])),
        "default/db -> default/web: TCP 8000, TCP 7999, TCP 8001, needed"
    );
    assert_eq!(allow(json!([{"protocol": "SCTP"}])), "default/db -> default/web: every SCTP port, unneeded");
    assert_eq!(allow(json!([])), "default/db -> default/web: every port, needed");
}

#[test]
fn what_a_service_leads_to_listens() {
    let objects = [
        pod("web", &json!([])),
        service("web", "ClusterIP", &json!([{"port": 80, "targetPort": 8000}])),
        policy(
            "web",
            &json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{"ports": [{"port": 8000}]}]}),
        ),
    ];
    assert_eq!(edges(&map_of(&objects)), ["any pod -> default/web: TCP 8000, needed"]);
}

#[test]
fn databases_are_nothing_for_everybody() {
    let redis = pod("redis", &json!([{"containerPort": 6379}]));
    let all = policy(
        "all",
        &json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{"ports": [{"port": 6379}]}]}),
    );
    assert_eq!(edges(&map_of(&[redis.clone(), all.clone()])), ["any pod -> default/redis: TCP 6379, dangerous"]);
    let out = service("redis", "LoadBalancer", &json!([{"port": 1, "targetPort": 6379}]));
    assert_eq!(
        edges(&map_of(&[redis.clone(), all.clone(), out.clone()])),
        ["Internet -> default/redis: TCP 6379, dangerous", "any pod -> default/redis: TCP 6379, dangerous"]
    );
    let mut internal = out.clone();
    internal["metadata"]["annotations"] = json!({"service.beta.kubernetes.io/azure-load-balancer-internal": "true"});
    assert_eq!(edges(&map_of(&[redis.clone(), all.clone(), internal])).len(), 1);
    let mut for_some = out;
    for_some["spec"]["loadBalancerSourceRanges"] = json!(["203.0.113.0/24"]);
    assert!(edges(&map_of(&[redis, all, for_some])).contains(&"203.0.113.0/24 -> default/redis: TCP 6379, needed".to_owned()));
}

#[test]
fn webhooks_are_no_kubelets() {
    let webhook = pod("webhook", &json!([{"containerPort": 10250}]));
    let all = policy(
        "all",
        &json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{"ports": [{"port": 10250}]}]}),
    );
    assert_eq!(edges(&map_of(&[webhook, all])), ["any pod -> default/webhook: TCP 10250, needed"]);
}

#[test]
fn what_is_published_must_be_let_in() {
    let published = service("web", "NodePort", &json!([{"port": 80, "targetPort": "http"}]));
    let closed = map_of(&[web(), published.clone(), closed()]);
    assert_eq!(edges(&closed), [""; 0]);
    assert_eq!(blocked(&closed), ["Internet -> default/web: is led there by Service web (NodePort)"]);
    let allow = |block: &str| {
        let spec = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{"from": [{"ipBlock": {"cidr": block}}]}]});
        edges(&map_of(&[web(), published.clone(), policy("in", &spec)]))
    };
    assert!(allow("0.0.0.0/0").contains(&"Internet -> default/web: TCP 8000, needed".to_owned()));
    // The nodes may be there, and stand in between.
    assert!(allow("10.0.0.0/8").contains(&"Internet -> default/web: TCP 8000, needed".to_owned()));
}

#[test]
fn routes_come_from_a_controller() {
    let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"}, "spec": {
        "tls": [{"hosts": ["a.example"]}],
        "rules": [{"host": "a.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}}]}});
    let gateway = json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "web"}, "spec": {
        "hostnames": ["b.example", "c.example"], "rules": [{"backendRefs": [{"name": "web", "port": 80}]}]}});
    let behind = service(
        "web",
        "ClusterIP",
        &json!([{"port": 80, "targetPort": "http"}, {"name": "other", "port": 81, "targetPort": 9999}]),
    );
    let admit = |from: Value| {
        policy(
            "in",
            &json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{"from": from, "ports": [{"port": "http"}]}]}),
        )
    };
    let nginx = json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}]);
    let open = map_of(&[web(), behind.clone(), ingress.clone(), gateway, admit(nginx)]);
    assert_eq!(
        edges(&open),
        [
            "Internet -> HTTPRoute b.example and 1 more: , needed",
            "Internet -> Ingress a.example: TCP 443, needed",
            "HTTPRoute b.example and 1 more -> default/web: TCP 8000, needed",
            "Ingress a.example -> default/web: TCP 8000, needed",
            "every pod in ingress-nginx -> default/web: TCP 8000, needed",
        ]
    );
    // A pod of the same namespace is no controller.
    let own = map_of(&[web(), behind, ingress, pod("db", &json!([])), admit(json!([{"podSelector": {}}]))]);
    assert_eq!(blocked(&own), ["Ingress a.example -> default/web: is led there by Service web"]);
}

#[test]
fn egress_to_the_internet() {
    let to = |blocks: Value, ports: Value| {
        let to: Vec<Value> = blocks.as_array().unwrap().iter().map(|cidr| json!({"ipBlock": {"cidr": cidr}})).collect();
        let spec = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [{"to": to, "ports": ports}]});
        edges(&map_of(&[web(), policy("out", &spec)])).join("; ")
    };
    assert_eq!(
        to(json!(["0.0.0.0/0"]), json!([])),
        "default/web -> Internet: every port, dangerous; default/web -> metadata service of the cloud: TCP 80, dangerous"
    );
    assert_eq!(to(json!(["0.0.0.0/0"]), json!([{"port": 443}])), "default/web -> Internet: TCP 443, needed");
    assert_eq!(to(json!(["::/0"]), json!([{"port": 443}])), "default/web -> Internet: TCP 443, needed");
    // Two halves are the Internet; the halves are named, too.
    assert!(
        to(json!(["0.0.0.0/1", "128.0.0.0/1"]), json!([{"port": 443}])).contains("default/web -> Internet: TCP 443, needed")
    );
    assert_eq!(to(json!(["198.51.100.0/24"]), json!([{"port": 443}])), "default/web -> 198.51.100.0/24: TCP 443, needed");
    assert_eq!(
        to(json!(["169.254.169.254/32"]), json!([{"port": 80}])),
        "default/web -> metadata service of the cloud: TCP 80, dangerous"
    );
    let except = json!([{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16", "10.0.0.0/8"]}}]);
    let spec = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [{"to": except, "ports": [{"port": 443}, {"port": 80}]}]});
    assert_eq!(edges(&map_of(&[web(), policy("out", &spec)])), ["default/web -> Internet: TCP 80, TCP 443, needed"]);
}

#[test]
fn blocks_with_other_exceptions_are_others() {
    let to = |app: &str, except: Value| {
        let block = json!({"cidr": "10.0.0.0/8", "except": except});
        let select = json!({"matchLabels": {"app": app}});
        let ports = json!([{"port": 443}]);
        let spec = json!({"podSelector": select, "policyTypes": ["Ingress", "Egress"], "egress": [{"to": [{"ipBlock": block}], "ports": ports}]});
        policy(app, &spec)
    };
    let (one, other) = (json!(["10.1.0.0/16"]), json!(["10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16"]));
    assert_eq!(
        edges(&map_of(&[web(), pod("db", &json!([])), to("web", one), to("db", other)])),
        [
            "default/db -> 10.0.0.0/8 without 3 blocks: TCP 443, needed",
            "default/web -> 10.0.0.0/8 without 10.1.0.0/16: TCP 443, needed",
        ]
    );
}

#[test]
fn what_all_workloads_of_a_namespace_do_is_said_once() {
    let pods: Vec<Value> = ["a", "b", "c", "d"].iter().map(|name| pod(name, &json!([{"containerPort": 80}]))).collect();
    let dns = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}});
    let spec = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}],
        "egress": [{"to": [dns], "ports": [{"port": 53, "protocol": "UDP"}]}, {"to": [{"podSelector": {}}]}]});
    let mut objects = pods;
    objects.push(policy("own", &spec));
    assert_eq!(
        edges(&map_of(&objects)),
        [
            "every workload of default -> default/a: TCP 80, needed",
            "every workload of default -> default/b: TCP 80, needed",
            "every workload of default -> default/c: TCP 80, needed",
            "every workload of default -> default/d: TCP 80, needed",
            "every workload of default -> k8s-app=kube-dns in kube-system: UDP 53, needed",
        ]
    );
}

#[test]
fn those_that_a_policy_leaves_out_are_named() {
    let from = json!([{"namespaceSelector": {}, "podSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["db"]}]}}]);
    let spec = json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{"from": from, "ports": [{"port": 8000}]}]});
    let found = edges(&map_of(&[web(), pod("db", &json!([])), pod("job", &json!([])), policy("web", &spec)]));
    assert!(found.contains(&"any pod -> default/web: TCP 8000, needed but default/db".to_owned()), "{found:?}");
}

#[test]
fn settings_say_what_is_needed() {
    let mut app = web();
    app["spec"]["containers"][0]["envFrom"] = json!([{"configMapRef": {"name": "settings"}}]);
    let settings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"URL": "redis://redis:6379/0"}});
    let redis = pod("redis", &json!([{"containerPort": 6379}]));
    let behind = service("redis", "ClusterIP", &json!([{"port": 6379}]));
    let open = map_of(&[app.clone(), settings.clone(), redis.clone(), behind.clone()]);
    assert!(edges(&open).contains(&"default/web -> default/redis: TCP 6379, needed".to_owned()), "{open:?}");
    assert!(open.edges.iter().any(|edge| edge.is_mentioned));
    let held = map_of(&[app, settings, redis, behind, closed()]);
    assert_eq!(blocked(&held), ["default/web -> default/redis: names Service redis"]);
}

#[test]
fn pods_that_something_makes_are_not_counted_twice() {
    let mut child = pod("web-1", &json!([]));
    child["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "controller": true, "uid": "1"}]);
    let parent = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}}});
    assert_eq!(map_of(&[child.clone(), parent]).summary().workloads, 1);
    assert_eq!(map_of(&[child]).summary().workloads, 1);
}

#[test]
fn policies_that_cannot_be_read_are_failures() {
    for (spec, expected) in [
        (json!({"podSelector": [], "ingress": []}), "spec.podSelector"),
        (
            json!({"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0"}}]}]}),
            "spec.ingress[0].from[0].ipBlock.cidr",
        ),
        (
            json!({"podSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}}),
            "spec.podSelector.matchExpressions[0].operator",
        ),
        (json!({"podSelector": {}, "ingress": [{"ports": [{"port": true}]}]}), "spec.ingress[0].ports[0].port"),
    ] {
        let map = map_of(&[web(), policy("odd", &spec)]);
        assert_eq!(map.failures.len(), 1, "{spec}");
        let message = &map.failures[0].message;
        assert!(message.starts_with("NetworkPolicy default/odd: cannot be read"), "{message}");
        assert!(expected == "spec.podSelector" || message.contains(expected), "{message}");
    }
    let mut odd = web();
    odd["metadata"]["labels"] = json!({"app": 1});
    assert_eq!(map_of(&[odd]).failures.len(), 1);
}

#[test]
fn a_part_of_the_map() {
    let mut other = web();
    other["metadata"]["namespace"] = json!("other");
    let mut map = map_of(&[web(), other]);
    map.narrow(&["oth*".to_owned()]);
    assert_eq!(edges(&map), ["any pod -> other/web: every port, dangerous", "other/web -> everything: every port, dangerous"]);
    assert_eq!(map.nodes.len(), 3);
}

/// A cheap generator of numbers: the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn list(&mut self, most: usize, mut item: impl FnMut(&mut Self) -> Value) -> Value {
        (0..self.below(most + 1)).map(|_| item(self)).collect()
    }

    fn selector(&mut self, keys: &[&str], values: &[&str]) -> Value {
        let (key, value) = (self.one_of(keys), self.one_of(values));
        match self.below(6) {
            0 | 1 => json!({}),
            2 => json!({"matchLabels": {key: value}}),
            3 => json!({"matchExpressions": [{"key": key, "operator": "In", "values": values}]}),
            4 => json!({"matchExpressions": [{"key": key, "operator": "NotIn", "values": [value]}]}),
            _ => json!({"matchExpressions": [{"key": key, "operator": self.one_of(&["Exists", "DoesNotExist"])}]}),
        }
    }

    fn peer(&mut self) -> Value {
        let pods = self.selector(&["app", "tier"], &["a", "b"]);
        let namespaces = self.selector(&["env", "kubernetes.io/metadata.name", "team"], &NAMESPACES);
        match self.below(5) {
            0 | 1 => json!({"podSelector": pods}),
            2 => json!({"namespaceSelector": namespaces}),
            3 => json!({"namespaceSelector": namespaces, "podSelector": pods}),
            _ => json!({"ipBlock": {"cidr": "0.0.0.0/0"}}),
        }
    }

    fn port(&mut self) -> Value {
        let protocol = self.one_of(&[json!(null), json!("TCP"), json!("UDP")]);
        match self.below(5) {
            0 => json!({"protocol": protocol}),
            1 => json!({"protocol": protocol, "port": self.one_of(&["http", "dns"])}),
            2 => json!({"protocol": protocol, "port": 70 + self.below(12), "endPort": 80 + self.below(4)}),
            _ => json!({"protocol": protocol, "port": 79 + self.below(3)}),
        }
    }

    fn rules(&mut self, peers: &str) -> Value {
        self.list(2, |random| {
            let (who, ports) = (random.list(2, Self::peer), random.list(2, Self::port));
            json!({peers: who, "ports": ports})
        })
    }

    fn cluster(&mut self) -> Vec<Value> {
        let mut objects = Vec::new();
        for name in NAMESPACES {
            objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"env": name}}}));
        }
        for index in 0..8 {
            let mut labels = serde_json::Map::new();
            for key in ["app", "tier"] {
                if self.below(3) > 0 {
                    labels.insert(key.to_owned(), json!(self.one_of(&["a", "b"])));
                }
            }
            let ports = json!([{"name": "http", "containerPort": 79 + self.below(3)}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]);
            let namespace = self.one_of(&NAMESPACES);
            objects.push(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("p{index}"), "namespace": namespace, "labels": labels},
                "spec": {"containers": [{"name": "a", "image": "a", "ports": ports}]}}));
        }
        for index in 0..self.below(6) {
            let types = self.one_of(&[json!(null), json!(["Ingress"]), json!(["Egress"]), json!(["Ingress", "Egress"])]);
            let spec = json!({"podSelector": self.selector(&["app", "tier"], &["a", "b"]), "policyTypes": types,
                "ingress": self.rules("from"), "egress": self.rules("to")});
            let namespace = self.one_of(&NAMESPACES);
            objects.push(json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": {"name": format!("n{index}"), "namespace": namespace}, "spec": spec}));
        }
        objects
    }
}

const NAMESPACES: [&str; 2] = ["dev", "prod"];

/// What the map says of a pair: directly, for all workloads of the namespace, or by what anybody may.
fn says(map: &Map, from: usize, to: usize, protocol: &str, number: u16) -> bool {
    let is_every = |node: &Node| node.kind == Kind::EveryWorkload && node.namespace == map.nodes[from].namespace;
    let is_from = |edge: &&Edge| edge.from == from || is_every(&map.nodes[edge.from]);
    let open = |edge: &&Edge| edge.open.all.contains(protocol, number);
    let leads = |edge: &&Edge, kinds: &[Kind]| kinds.contains(&map.nodes[edge.to].kind);
    let direct = map.edges.iter().filter(is_from).filter(open).any(|edge| edge.to == to);
    let leaves = map.edges.iter().filter(is_from).filter(open).any(|edge| leads(&edge, &[Kind::AnyPod, Kind::Everything]));
    let arrives = map
        .edges
        .iter()
        .filter(open)
        .any(|edge| map.nodes[edge.from].kind == Kind::AnyPod && edge.to == to && !edge.except.contains(&from));
    direct || (leaves && arrives)
}

#[test]
fn the_map_says_what_connects_says() {
    let (mut compared, mut open) = (0, 0);
    for seed in 1..=300 {
        let objects = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed)).cluster();
        let map = map_of(&objects);
        assert_eq!(map.failures.len(), 0, "seed {seed}");
        let of = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
        let texts: Vec<(&str, String)> =
            of("NetworkPolicy").map(|object| (object["metadata"]["namespace"].as_str().unwrap(), object.to_string())).collect();
        let parsed: Vec<(&str, NetworkPolicy<'_>)> =
            texts.iter().map(|(namespace, text)| (*namespace, sdk_json::from_str(text).unwrap())).collect();
        let policies: Vec<(&str, &NetworkPolicySpec<'_>)> =
            parsed.iter().map(|(namespace, policy)| (*namespace, &policy.spec)).collect();
        let pods: Vec<(usize, u16, Pod<'_>)> = of("Pod")
            .map(|object| {
                let metadata = &object["metadata"];
                let namespace = metadata["namespace"].as_str().unwrap();
                let labels: Vec<(&str, Option<&str>)> =
                    metadata["labels"].as_object().unwrap().iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
                let node = map.nodes.iter().position(|node| node.is_workload() && metadata["name"] == *node.name).unwrap();
                let http = object["spec"]["containers"][0]["ports"][0]["containerPort"].as_u64().unwrap();
                let namespace_labels =
                    Labels::new(&[("kubernetes.io/metadata.name", Some(namespace)), ("env", Some(namespace))]);
                (node, u16::try_from(http).unwrap(), Pod { namespace, namespace_labels, labels: Labels::new(&labels) })
            })
            .collect();
        for (from, _, from_pod) in &pods {
            for (to, http, to_pod) in pods.iter().filter(|(to, ..)| to != from) {
                for (protocol, number) in
                    [("TCP", 53), ("TCP", 75), ("TCP", 79), ("TCP", 80), ("TCP", 81), ("UDP", 53), ("UDP", 80), ("SCTP", 80)]
                {
                    let names: &[&str] = match (protocol, number) {
                        ("TCP", number) if number == *http => &["http"],
                        ("UDP", 53) => &["dns"],
                        _ => &[],
                    };
                    let port = Port { protocol, number, names };
                    let expected = connects(&policies, &End::Pod(from_pod), &End::Pod(to_pod), &port).unwrap();
                    let names = [*from, *to].map(|node| map.nodes[node].title());
                    assert_eq!(says(&map, *from, *to, protocol, number), expected, "seed {seed}, {names:?}, {port:?}");
                    compared += 1;
                    open += usize::from(expected);
                }
            }
        }
    }
    assert!(compared > 100_000 && open * 10 > compared && open * 10 < compared * 9, "{open} of {compared} are open");
}

/// Quotes close, subgraphs end, and every node of an edge is there.
#[test]
fn drawings_are_well_formed_whatever_the_names() {
    for name in ["web", "end", "a\"b", "a]b", "\\", "\\\"", "a\nb", "`a`", "<b>", "%%", "1. a", "#quot;", "é", "", "--> x"] {
        let mut one = pod("x", &json!([{"containerPort": 80}]));
        one["metadata"]["name"] = json!(name);
        one["metadata"]["namespace"] = json!(name);
        let map = map_of(&[one, web()]);
        let flow = mermaid::render(&map);
        assert_eq!(
            flow.lines().filter(|line| line.trim_start().starts_with("subgraph")).count(),
            flow.lines().filter(|line| line.trim() == "end").count(),
            "{flow}"
        );
        for line in flow.lines() {
            assert_eq!(line.matches('"').count() % 2, 0, "{line}");
            let labels: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
            assert!(
                labels.iter().all(|label| !label.replace("<br/>", "").contains(['<', '>', '`', '[', ']', '|', '{', '}'])),
                "{line}"
            );
        }
        let graph = dot::render(&map);
        // Without what stands in quotes, in which quotes and backslashes have one before them, brackets are in pairs.
        let mut outside = String::new();
        let (mut is_quoted, mut is_escaped) = (false, false);
        for letter in graph.chars() {
            match letter {
                _ if is_escaped => is_escaped = false,
                '\\' if is_quoted => is_escaped = true,
                '"' => is_quoted = !is_quoted,
                letter if !is_quoted => outside.push(letter),
                _ => {}
            }
        }
        assert!(!is_quoted, "{graph}");
        for (open, close) in [('{', '}'), ('[', ']')] {
            assert_eq!(outside.matches(open).count(), outside.matches(close).count(), "{graph}");
        }
        assert!(outside.is_ascii(), "{outside}");
    }
}
