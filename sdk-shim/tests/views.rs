//! Each view reads what the types of `k8s-openapi` write, field by field: a misspelt name cannot hide.
//!
//! Every view is taken apart without `..`, so that a new field does not compile until it is checked here.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use k8s_openapi::jiff::Timestamp;
use kubewarden_policy_sdk::request as kubewarden;
use palisade_sdk::json::{self, Read};
use palisade_sdk::network::{NetworkPolicy, NetworkPolicyRule, NetworkPolicySpec};
use palisade_sdk::selector::{LabelSelector, Requirement};
use palisade_sdk::views::{
    Container, EnvVar, ExecAction, Handler, HttpGetAction, HttpHeader, Lifecycle, ObjectMeta, OwnerReference, PodSpec,
};
use palisade_sdk::{GroupVersionKind, List, Map, Operation, Request, Str, UserInfo};
use serde::Serialize;
use serde_json::Value;

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

fn map(entries: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
    Some(entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

fn strings<'l>(list: &'l List<Str<'_>>) -> Vec<&'l str> {
    list.iter().map(Str::as_str).collect()
}

fn entries<'l>(map: &'l Map<'_>) -> Vec<(&'l str, &'l str)> {
    map.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

/// Writes `object`, and lets the view be looked at. Then writes it with each field set to null, and with all of them: a null must read
/// as if the field were absent.
#[track_caller]
fn reads<V>(object: &impl Serialize, check: impl Fn(V))
where
    V: Read<'static> + Default + Debug,
{
    // Views borrow from the text; that of a test may live as long as the test does.
    let read = |value: Value| json::from_str::<V>(value.to_string().leak()).unwrap();
    let full = serde_json::to_value(object).unwrap();
    check(read(full.clone()));

    let fields = full.as_object().unwrap();
    assert!(!fields.is_empty());
    let mut nothing = Value::Object(fields.clone());
    for field in fields.keys() {
        nothing[field] = Value::Null;
        let mut absent = fields.clone();
        absent.remove(field);
        let mut null = absent.clone();
        null.insert(field.clone(), Value::Null);
        let printed = |fields| format!("{:?}", read(Value::Object(fields)));
        assert_eq!(printed(null), printed(absent), "{field}");
    }
    let default = format!("{:?}", V::default());
    assert_eq!(format!("{:?}", read(nothing)), default);
    assert_eq!(format!("{:?}", read(Value::Null)), default);
}

#[test]
fn object_meta() {
    let owner = meta::OwnerReference {
        api_version: "apps/v1".to_owned(),
        kind: "ReplicaSet".to_owned(),
        name: "web-1".to_owned(),
        controller: Some(true),
        uid: "u".to_owned(),
        block_owner_deletion: Some(false),
    };
    let metadata = meta::ObjectMeta {
        name: text("web"),
        generate_name: text("web-"),
        namespace: text("shop"),
        resource_version: text("42"),
        labels: map(&[("app", "web"), ("x.y/z", "")]),
        annotations: map(&[("note", "a \"quoted\" one")]),
        deletion_timestamp: Some(meta::Time(Timestamp::UNIX_EPOCH)),
        owner_references: Some(vec![owner.clone()]),
        ..Default::default()
    };
    reads(&metadata, |view: ObjectMeta<'_>| {
        let ObjectMeta {
            name,
            generate_name,
            namespace,
            resource_version,
            labels,
            annotations,
            deletion_timestamp,
            owner_references,
        } = view;
        assert_eq!((name.as_str(), generate_name.as_str(), namespace.as_str()), ("web", "web-", "shop"));
        assert_eq!(entries(&labels), [("app", "web"), ("x.y/z", "")]);
        assert_eq!(entries(&annotations), [("note", "a \"quoted\" one")]);
        assert_eq!(resource_version, "42");
        assert_eq!(deletion_timestamp, "1970-01-01T00:00:00Z");
        assert_eq!(owner_references.len(), 1);
    });
    reads(&owner, |view: OwnerReference<'_>| {
        let OwnerReference { api_version, kind, name, controller } = view;
        assert_eq!(
            (api_version.as_str(), kind.as_str(), name.as_str(), controller),
            ("apps/v1", "ReplicaSet", "web-1", Some(true))
        );
    });
}

fn container(name: &str) -> core::Container {
    let handler = |command: &str| core::LifecycleHandler {
        exec: Some(core::ExecAction { command: Some(vec![command.to_owned()]) }),
        ..Default::default()
    };
    let probe = |command: &str| core::Probe {
        exec: Some(core::ExecAction { command: Some(vec![command.to_owned()]) }),
        ..Default::default()
    };
    core::Container {
        name: name.to_owned(),
        image: text("registry.example/app:1"),
        command: Some(vec!["run".to_owned()]),
        args: Some(vec!["--fast".to_owned(), String::new()]),
        env: Some(vec![core::EnvVar { name: "A".to_owned(), value: text("1"), value_from: None }]),
        liveness_probe: Some(probe("live")),
        readiness_probe: Some(probe("ready")),
        startup_probe: Some(probe("started")),
        lifecycle: Some(core::Lifecycle {
            post_start: Some(handler("post")),
            pre_stop: Some(handler("pre")),
            stop_signal: None,
        }),
        ..Default::default()
    }
}

fn command(handler: Option<&Handler<'_>>) -> String {
    let exec = handler.and_then(|handler| handler.exec.as_ref()).expect("a command");
    strings(&exec.command).join(" ")
}

#[test]
fn pod_spec_and_containers() {
    let ephemeral = core::EphemeralContainer { name: "debug".to_owned(), image: text("i"), ..Default::default() };
    let spec = core::PodSpec {
        host_network: Some(true),
        service_account_name: text("web"),
        init_containers: Some(vec![container("init")]),
        containers: vec![container("app")],
        ephemeral_containers: Some(vec![ephemeral.clone()]),
        ..Default::default()
    };
    reads(&spec, |view: PodSpec<'_>| {
        let names: Vec<_> =
            view.all_containers().map(|(list, index, container)| (list, index, container.name.to_string())).collect();
        let expected = [("initContainers", "init"), ("containers", "app"), ("ephemeralContainers", "debug")];
        assert_eq!(names, expected.map(|(list, name)| (list, 0, name.to_owned())));
        let PodSpec { host_network, service_account_name, init_containers, containers, ephemeral_containers } = view;
        assert_eq!((host_network, service_account_name.as_str()), (Some(true), "web"));
        assert_eq!([init_containers.len(), containers.len(), ephemeral_containers.len()], [1, 1, 1]);
    });
    reads(&container("app"), |view: Container<'_>| {
        let Container { name, image, command: run, args, env, liveness_probe, readiness_probe, startup_probe, lifecycle } =
            view;
        assert_eq!((name.as_str(), image.as_str()), ("app", "registry.example/app:1"));
        assert_eq!((strings(&run), strings(&args)), (vec!["run"], vec!["--fast", ""]));
        assert_eq!(env.len(), 1);
        assert_eq!(command(liveness_probe.as_ref()), "live");
        assert_eq!(command(readiness_probe.as_ref()), "ready");
        assert_eq!(command(startup_probe.as_ref()), "started");
        let Lifecycle { post_start, pre_stop } = lifecycle.unwrap();
        assert_eq!((command(post_start.as_ref()), command(pre_stop.as_ref())), ("post".to_owned(), "pre".to_owned()));
    });
    reads(&container("app").lifecycle.unwrap(), |view: Lifecycle<'_>| {
        assert!(view.post_start.is_some() && view.pre_stop.is_some());
    });
    reads(&core::EnvVar { name: "A".to_owned(), value: text("1"), value_from: None }, |view: EnvVar<'_>| {
        let EnvVar { name, value } = view;
        assert_eq!((name.as_str(), value.as_str()), ("A", "1"));
    });
    // An ephemeral container has the same fields.
    let ephemeral = core::EphemeralContainer {
        name: "debug".to_owned(),
        image: text("i"),
        command: Some(vec!["sh".to_owned()]),
        args: Some(vec!["-c".to_owned()]),
        env: Some(vec![core::EnvVar::default()]),
        liveness_probe: container("").liveness_probe,
        readiness_probe: container("").readiness_probe,
        startup_probe: container("").startup_probe,
        lifecycle: container("").lifecycle,
        ..ephemeral
    };
    reads(&ephemeral, |view: Container<'_>| {
        assert_eq!((view.name.as_str(), view.image.as_str()), ("debug", "i"));
        assert_eq!((strings(&view.command), strings(&view.args), view.env.len()), (vec!["sh"], vec!["-c"], 1));
        assert_eq!(command(view.liveness_probe.as_ref()), "live");
        assert_eq!(command(view.readiness_probe.as_ref()), "ready");
        assert_eq!(command(view.startup_probe.as_ref()), "started");
        assert!(view.lifecycle.is_some());
    });
}

#[test]
fn handlers() {
    let http_get = core::HTTPGetAction {
        path: text("/healthz?full=1"),
        host: text("web.example"),
        http_headers: Some(vec![core::HTTPHeader { name: "Accept".to_owned(), value: "text/plain".to_owned() }]),
        port: IntOrString::Int(8080),
        scheme: text("HTTP"),
    };
    let exec = core::ExecAction { command: Some(vec!["true".to_owned()]) };
    let probe = core::Probe {
        http_get: Some(http_get.clone()),
        exec: Some(exec.clone()),
        period_seconds: Some(5),
        ..Default::default()
    };
    let hook = core::LifecycleHandler { http_get: Some(http_get.clone()), exec: Some(exec.clone()), ..Default::default() };
    let check = |view: Handler<'_>| {
        let Handler { exec, http_get } = view;
        assert!(exec.is_some() && http_get.is_some());
    };
    reads(&probe, check);
    reads(&hook, check);
    reads(&exec, |view: ExecAction<'_>| {
        let ExecAction { command } = view;
        assert_eq!(strings(&command), ["true"]);
    });
    reads(&http_get, |view: HttpGetAction<'_>| {
        let HttpGetAction { path, host, http_headers } = view;
        assert_eq!((path.as_str(), host.as_str()), ("/healthz?full=1", "web.example"));
        assert_eq!(http_headers.len(), 1);
    });
    reads(&core::HTTPHeader { name: "Accept".to_owned(), value: "text/plain".to_owned() }, |view: HttpHeader<'_>| {
        let HttpHeader { name, value } = view;
        assert_eq!((name.as_str(), value.as_str()), ("Accept", "text/plain"));
    });
}

#[test]
fn network_policy() {
    let requirement = meta::LabelSelectorRequirement {
        key: "tier".to_owned(),
        operator: "In".to_owned(),
        values: Some(vec!["a".to_owned(), String::new()]),
    };
    let selector =
        meta::LabelSelector { match_labels: map(&[("app", "web")]), match_expressions: Some(vec![requirement.clone()]) };
    let peer = networking::NetworkPolicyPeer { pod_selector: Some(selector.clone()), ..Default::default() };
    let port = networking::NetworkPolicyPort { port: Some(IntOrString::Int(53)), ..Default::default() };
    let ingress =
        networking::NetworkPolicyIngressRule { from: Some(vec![peer.clone()]), ports: Some(vec![port.clone(), port.clone()]) };
    let egress = networking::NetworkPolicyEgressRule { to: Some(vec![peer.clone(), peer]), ports: Some(vec![port]) };
    let spec = networking::NetworkPolicySpec {
        pod_selector: Some(selector.clone()),
        policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
        ingress: Some(vec![ingress.clone(), networking::NetworkPolicyIngressRule::default()]),
        egress: Some(vec![egress.clone()]),
    };
    let policy = networking::NetworkPolicy {
        metadata: meta::ObjectMeta { name: text("default-deny"), ..Default::default() },
        spec: Some(spec.clone()),
    };
    reads(&policy, |view: NetworkPolicy<'_>| {
        let NetworkPolicy { metadata, spec } = view;
        assert_eq!((metadata.name.as_str(), spec.policy_types.len()), ("default-deny", 2));
    });
    reads(&spec, |view: NetworkPolicySpec<'_>| {
        let NetworkPolicySpec { pod_selector, policy_types, ingress, egress } = view;
        assert!(!pod_selector.is_empty());
        assert_eq!(strings(&policy_types), ["Ingress", "Egress"]);
        assert_eq!((ingress.len(), egress.len()), (2, 1));
        assert_eq!((ingress[0].allows_everything(), ingress[1].allows_everything()), (false, true));
    });
    reads(&ingress, |view: NetworkPolicyRule<'_>| {
        let NetworkPolicyRule { peers, ports } = view;
        assert_eq!((peers.len(), ports.len()), (1, 2));
    });
    reads(&egress, |view: NetworkPolicyRule<'_>| {
        let NetworkPolicyRule { peers, ports } = view;
        assert_eq!((peers.len(), ports.len()), (2, 1));
    });
    reads(&selector, |view: LabelSelector<'_>| {
        let LabelSelector { match_labels, match_expressions } = view;
        assert_eq!(entries(&match_labels), [("app", "web")]);
        assert_eq!(match_expressions.len(), 1);
    });
    reads(&requirement, |view: Requirement<'_>| {
        let Requirement { key, operator, values } = view;
        assert_eq!((key.as_str(), operator.as_str(), strings(&values)), ("tier", "In", vec!["a", ""]));
    });
}

/// The request as the policy server hands it over, which is as Kubewarden's SDK writes it.
#[test]
fn request() {
    let request = kubewarden::KubernetesAdmissionRequest {
        kind: kubewarden::GroupVersionKind {
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            kind: "Deployment".to_owned(),
        },
        name: "web".to_owned(),
        namespace: "shop".to_owned(),
        operation: "UPDATE".to_owned(),
        sub_resource: "status".to_owned(),
        user_info: kubewarden::UserInfo { username: "ada".to_owned(), groups: ["dev".to_owned()].into(), ..Default::default() },
        object: serde_json::json!("new"),
        old_object: serde_json::json!("old"),
        ..Default::default()
    };
    let written = serde_json::to_string(&request).unwrap();
    // The API server's own spelling is understood too.
    let camel =
        written.replace("user_info", "userInfo").replace("sub_resource", "subResource").replace("old_object", "oldObject");
    for written in [&written, &camel] {
        let view: Request<'_> = json::from_str(written).unwrap();
        let GroupVersionKind { group, version, kind } = &view.kind;
        assert_eq!((group.as_str(), version.as_str(), kind.as_str()), ("apps", "v1", "Deployment"));
        assert_eq!((view.name.as_str(), view.namespace.as_str(), view.sub_resource.as_str()), ("web", "shop", "status"));
        assert_eq!(view.operation, Operation::Update);
        let UserInfo { username, groups } = &view.user_info;
        assert_eq!((username.as_str(), strings(groups)), ("ada", vec!["dev"]));
        assert_eq!(view.object::<Str<'_>>().unwrap(), "new");
        assert_eq!(view.old_object::<Str<'_>>().unwrap().unwrap(), "old");
    }
    let none =
        serde_json::to_string(&kubewarden::KubernetesAdmissionRequest { operation: "CREATE".to_owned(), ..Default::default() });
    let none = none.unwrap();
    let view: Request<'_> = json::from_str(&none).unwrap();
    assert_eq!(view.operation, Operation::Create);
    assert!(view.object::<Str<'_>>().is_err() && view.old_object::<Str<'_>>().unwrap().is_none());
}
