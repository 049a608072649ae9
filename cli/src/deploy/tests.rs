use std::collections::BTreeSet;
use std::sync::Arc;

use palisade_harness::fixture::{self, Fixture};
use palisade_harness::{AdmissionRequest, Cache, Description, Limits, Operation, RequestParts, World};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::profiles::{Difference, RulesDifference, SettingDifference};
use super::*;

fn engine() -> Engine {
    Engine::new(Limits::default(), Cache::Default).unwrap()
}

fn load(engine: &Engine, name: &str) -> Policy {
    Policy::load(engine, name, palisade_policies::find(name).unwrap().wasm).unwrap()
}

fn description(engine: &Engine, name: &str) -> Description {
    load(engine, name).describe().unwrap().unwrap()
}

fn fixtures(policy: &str) -> Vec<Fixture> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies").join(policy).join("fixtures");
    fixture::discover(&dir).unwrap().iter().map(|path| Fixture::read(path).unwrap()).collect()
}

fn plan(options: &Options<'_>) -> Result<Plan, DeployError> {
    Plan::new(&Profiles::read().unwrap(), options, || Ok(engine()))
}

fn names() -> BTreeSet<&'static str> {
    POLICIES.iter().map(|module| module.name).collect()
}

/// The settings as they are deployed: read back from the YAML, as YAML 1.1 would have it.
fn written(settings: &Map<String, Value>) -> Value {
    serde_norway::from_str(&yaml(&Settings(settings.clone())).unwrap()).unwrap()
}

#[test]
fn a_profile_has_each_policy_or_says_why_not() {
    let profiles = Profiles::read().unwrap();
    for name in [ProfileName::Baseline, ProfileName::Restricted] {
        let profile = profiles.profile(name);
        let (with, without): (BTreeSet<_>, BTreeSet<_>) =
            (profile.policies.keys().collect(), profile.left_out.keys().collect());
        assert_eq!(with.union(&without).map(|name| name.as_str()).collect::<BTreeSet<_>>(), names());
        assert_eq!(with.intersection(&without).count(), 0);
        assert!(profile.left_out.values().all(|reason| reason.ends_with('.')));
    }
    assert_eq!(profiles.profile(ProfileName::Restricted).policies.len(), POLICIES.len());
    for policy in profiles.exceptions.iter().map(|own| &own.policy).chain(profiles.lookups.iter().map(|lookup| &lookup.policy))
    {
        assert!(names().contains(policy.as_str()), "{policy}");
    }
}

#[test]
fn every_difference_is_one_and_the_policy_takes_it() {
    let profiles = Profiles::read().unwrap();
    let engine = engine();
    for name in [ProfileName::Baseline, ProfileName::Restricted] {
        let profile = profiles.profile(name);
        for (policy, differences) in &profile.policies {
            let described = description(&engine, policy);
            for difference in differences {
                match difference {
                    Difference::Rules(RulesDifference { rules, level, reason }) => {
                        assert!(reason.ends_with('.'), "{policy}: {reason}");
                        for rule in rules {
                            let known = described.rules.iter().find(|known| known.id == *rule);
                            let known = known.unwrap_or_else(|| panic!("{policy} has no rule {rule}"));
                            assert_ne!(known.severity.to_string(), level.as_str(), "{policy}: {rule} is so by default");
                        }
                    }
                    Difference::Setting(SettingDifference { setting, reason, .. }) => {
                        assert!(reason.ends_with('.'), "{policy}: {reason}");
                        assert!(described.settings.iter().any(|known| known.key() == *setting), "{policy} has no {setting}");
                    }
                }
            }
            let settings = written(&profile.settings(policy));
            let verdict = load(&engine, policy).validate_settings(&settings).unwrap();
            assert!(verdict.valid, "{policy}: {settings}: {verdict:?}");
        }
    }
}

/// The objects that a policy may look up for some of its settings only are looked up with those settings alone: a module whose metadata does
/// not have them judges every fixture without a call that fails.
#[test]
fn what_is_not_granted_is_not_asked_for() {
    let profiles = Profiles::read().unwrap();
    let engine = engine();
    for lookup in &profiles.lookups {
        let module = palisade_policies::find(&lookup.policy).unwrap();
        let mut metadata: Value = serde_json::from_str(module.metadata).unwrap();
        let resources = metadata["contextAwareResources"].as_array_mut().unwrap();
        let before = resources.len();
        resources.retain(|resource| {
            !lookup.resources.iter().any(|own| resource["apiVersion"] == *own.api_version && resource["kind"] == *own.kind)
        });
        assert_eq!(before - resources.len(), lookup.resources.len(), "{}: the metadata has all of them", lookup.policy);
        let narrowed = Policy::load(&engine, module.name, &with_metadata(module, &metadata.to_string())).unwrap();
        let settings = match &lookup.unless_off {
            Some(rule) => json!({"rules": {rule: "off"}}),
            None => json!({}),
        };
        let whole = load(&engine, module.name);
        let mut judged = 0;
        for fixture in fixtures(&lookup.policy) {
            let Ok(request) = fixture.request() else { continue };
            let Ok(world) = World::of_objects(fixture.objects().skip(1).cloned(), "default") else { continue };
            let world = Arc::new(world);
            let answer = |policy: &Policy| policy.validate(&request, &settings, &world).map(|answer| answer.findings);
            assert_eq!(answer(&narrowed), answer(&whole), "{}: {}", lookup.policy, fixture.name());
            judged += 1;
        }
        assert!(judged > 20, "{}: {judged}", lookup.policy);
        // That the comparison can fail: where they are asked for, the narrowed module cannot answer.
        if let Some(rule) = &lookup.unless_off {
            let settings = json!({"rules": {rule: "warn"}});
            let differs = fixtures(&lookup.policy).iter().any(|fixture| {
                let (Ok(request), Ok(world)) = (fixture.request(), World::of_objects(Vec::new(), "default")) else {
                    return false;
                };
                let world = Arc::new(world);
                let answer = |policy: &Policy| policy.validate(&request, &settings, &world).map(|answer| answer.findings);
                answer(&narrowed) != answer(&whole)
            });
            assert!(differs, "{}: nothing depends on {rule}", lookup.policy);
        }
    }
}

/// A module with other metadata: that is its last section.
fn with_metadata(module: &palisade_policies::Module, metadata: &str) -> Vec<u8> {
    const NAME: &[u8] = b"io.kubewarden.metadata";
    let leb = |mut number: usize| {
        let mut bytes = Vec::new();
        loop {
            let low = (number & 0x7f) as u8;
            number >>= 7;
            if number == 0 {
                bytes.push(low);
                return bytes;
            }
            bytes.push(low | 0x80);
        }
    };
    let section = |data: &[u8]| {
        let content = [leb(NAME.len()), NAME.to_vec(), data.to_vec()].concat();
        [vec![0], leb(content.len()), content].concat()
    };
    let rest = module.wasm.strip_suffix(section(module.metadata.as_bytes()).as_slice()).expect("the metadata is last");
    [rest, &section(metadata.as_bytes())].concat()
}

/// The request of a fixture; the update of a subresource comes with the object as it was, which fixtures may leave out.
fn request_of(fixture: &Fixture) -> Result<AdmissionRequest, String> {
    let request = fixture.request().map_err(|error| error.to_string())?;
    if request.operation != Operation::Update || request.sub_resource.is_empty() {
        return Ok(request);
    }
    let object = fixture.objects().next().cloned();
    let parts = RequestParts {
        old_object: object.clone(),
        object,
        operation: Operation::Update,
        sub_resource: request.sub_resource,
        default_namespace: "default".to_owned(),
        ..RequestParts::default()
    };
    AdmissionRequest::new(parts).map_err(|error| error.to_string())
}

/// A profile that every team can turn on lets the cluster's own monitoring through, and a database on a node no more than before.
#[test]
fn baseline_takes_the_node_exporter() {
    let name = "restrict-service-exposure";
    let plan = plan(&Options { only: &[name.to_owned()], ..Options::default() }).unwrap();
    let policy = load(&engine(), name);
    let denied = |(port_name, port): (&str, u16)| {
        let ports = json!([{"name": port_name, "containerPort": port}]);
        let container = json!({"name": "main", "image": "registry.example.com/main:v1", "ports": ports});
        let pod = json!({"hostNetwork": true, "containers": [container]});
        let object = json!({
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "main", "namespace": "monitoring"},
            "spec": {
                "selector": {"matchLabels": {"app": "main"}},
                "template": {"metadata": {"labels": {"app": "main"}}, "spec": pod},
            },
        });
        let parts = RequestParts { object: Some(object), default_namespace: "default".to_owned(), ..RequestParts::default() };
        let request = AdmissionRequest::new(parts).unwrap();
        !policy.validate(&request, &written(&plan.policies[0].settings), &Arc::new(World::default())).unwrap().accepted
    };
    assert_eq!([("http-metrics", 9100), ("postgres", 5432)].map(denied), [false, true]);
}

/// The members of a group get whatever any of them watches.
#[test]
fn members_of_a_group_accept_what_they_do_not_watch() {
    let engine = engine();
    let options = Options { profile: ProfileName::Restricted, ..Options::default() };
    let plan = plan(&options).unwrap();
    let mut seen = 0;
    for object in plan.grouped_objects() {
        let Object::Group(group) = object else { continue };
        let spec = &group.content.spec;
        let members: Vec<&Planned> =
            plan.policies.iter().filter(|policy| spec.policies.contains_key(&policy.name.replace('-', "_"))).collect();
        assert_eq!(members.len(), spec.policies.len());
        for member in &members {
            let policy = load(&engine, member.name);
            for other in members.iter().filter(|other| other.name != member.name) {
                for fixture in fixtures(other.name).iter().filter(|fixture| !fixture.is_malformed()) {
                    let Ok(request) = request_of(fixture) else { continue };
                    if policy.watches(&request) || !other.metadata.watches(&request) {
                        continue;
                    }
                    let Ok(world) = World::of_objects(fixture.objects().skip(1).cloned(), "default") else { continue };
                    let answer = policy.validate(&request, &written(&member.settings), &Arc::new(world)).unwrap();
                    assert!(
                        answer.accepted && answer.findings.is_empty() && answer.mutated_object.is_none(),
                        "{} on {}'s {}: {answer:?}",
                        member.name,
                        other.name,
                        fixture.name()
                    );
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 500, "{seen}");
}

#[test]
fn groups_are_as_kubewarden_takes_them() {
    // What CEL does not take for a name.
    const RESERVED: [&str; 21] = [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ];
    for profile in [ProfileName::Baseline, ProfileName::Restricted] {
        let plan = plan(&Options { profile, ..Options::default() }).unwrap();
        let objects = plan.grouped_objects();
        let mut deployed = Vec::new();
        for object in &objects {
            let Object::Group(group) = object else {
                deployed.push(object.name().to_owned());
                continue;
            };
            let spec = &group.content.spec;
            assert!(spec.policies.len() > 1 && !spec.message.is_empty());
            assert!((2..=30).contains(&spec.timeout_seconds) && spec.timeout_seconds >= 2 * spec.policies.len() as u32);
            let mut called = Vec::new();
            for call in spec.expression.split(" && ") {
                let name = call.strip_suffix("()").unwrap();
                assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') && !RESERVED.contains(&name));
                called.push(name);
            }
            assert_eq!(
                called.iter().collect::<BTreeSet<_>>(),
                spec.policies.keys().map(|key| key.as_str()).collect::<BTreeSet<_>>().iter().collect()
            );
            for member in called {
                let policy = plan.policies.iter().find(|policy| policy.name.replace('-', "_") == member).unwrap();
                assert_eq!(spec.failure_policy, policy.failure_policy);
                assert_eq!(spec.namespace_selector, NamespaceSelector::without(&policy.excluded_namespaces));
                for rule in rules(&policy.metadata) {
                    let covers = |known: &Rule| {
                        known.api_groups == rule.api_groups
                            && known.api_versions == rule.api_versions
                            && known.operations == rule.operations
                            && rule.resources.iter().all(|resource| known.resources.contains(resource))
                    };
                    assert!(spec.rules.iter().any(covers), "{member}: {rule:?}");
                }
                deployed.push(policy.name.to_owned());
            }
        }
        deployed.sort();
        assert_eq!(deployed, plan.policies.iter().map(|policy| policy.name).collect::<Vec<_>>());
    }
}

#[test]
fn the_control_plane_is_left_alone() {
    for mode in [Mode::Monitor, Mode::Protect] {
        let options = Options { profile: ProfileName::Restricted, mode, ..Options::default() };
        for policy in plan(&options).unwrap().policies {
            let watches_pods =
                policy.metadata.rules.iter().any(|rule| rule.resources.iter().any(|resource| resource == "pods"));
            let is_passed_over = policy.failure_policy == FailurePolicy::Ignore;
            let sees_it = !policy.excluded_namespaces.iter().any(|namespace| namespace == "kube-system");
            // Whatever starts in kube-system starts without policy-server.
            assert!(!watches_pods || !sees_it || is_passed_over, "{}", policy.name);
            assert_eq!(policy.match_conditions.is_empty(), !watches_rbac(&policy.metadata));
            if mode == Mode::Monitor {
                assert!(is_passed_over);
            }
        }
    }
}

#[test]
fn rights_follow_the_settings() {
    let holders = Holders::default();
    let rights = |options: &Options<'_>| -> Vec<String> {
        let plan = plan(&Options { holders: Some(&holders), ..options.clone() }).unwrap();
        let role = plan.objects().into_iter().find_map(|object| match object {
            Object::ClusterRole(role) if role.metadata.name == rights::LOOKUPS.name => Some(role),
            _ => None,
        });
        let Some(role) = role else { return Vec::new() };
        let rules = role.content.rules.iter();
        rules.flat_map(|rule| rule.resources.iter().map(|name| format!("{}/{name}", rule.api_groups[0]))).collect()
    };
    let none = Options { only: &["no-secrets-in-configmaps".to_owned()], ..Options::default() };
    assert!(rights(&none).is_empty());
    // Nothing of the profiles reads Secrets.
    for profile in [ProfileName::Baseline, ProfileName::Restricted] {
        let rights = rights(&Options { profile, ..Options::default() });
        assert!(!rights.contains(&"/secrets".to_owned()) && rights.contains(&"rbac.authorization.k8s.io/roles".to_owned()));
    }
    let config = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("palisade.yaml");
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path)).unwrap()
    };
    let config = config(
        "policies:\n  require-ingress-tls: {rules: {missing-certificate: warn}}\n  \
         require-network-policy: {settings: {alsoCount: [cilium.io/v2/CiliumNetworkPolicy]}}\n",
    );
    let rights = rights(&Options { config: Some(&config), ..Options::default() });
    for right in ["/secrets", "cilium.io/ciliumnetworkpolicies"] {
        assert!(rights.contains(&right.to_owned()), "{right}: {rights:?}");
    }
    assert!(!rights.contains(&"cilium.io/ciliumclusterwidenetworkpolicies".to_owned()));
}

#[test]
fn words_of_yaml_1_1_are_quoted() {
    let settings = json!({"a": "off", "b": ["yes", "n", "no way"], "c": {"d": "True"}, "e": false});
    let Value::Object(settings) = settings else { unreachable!() };
    let text = yaml(&Settings(settings)).unwrap();
    assert_eq!(text, "a: 'off'\nb:\n- 'yes'\n- 'n'\n- no way\nc:\n  d: 'True'\ne: false\n");
}

#[test]
fn digests_come_from_the_lock_file() {
    let name = "rbac-least-privilege";
    let mut sha256 = String::new();
    for byte in Sha256::digest(palisade_policies::find(name).unwrap().wasm) {
        let _ = write!(sha256, "{byte:02x}");
    }
    let digest = format!("sha256:{}", "0a".repeat(32));
    let lock = |sha256: &str| {
        let mut lock = Lock::new("registry.example.com/ours");
        lock.policies.insert(
            name.to_owned(),
            Locked {
                reference: format!("registry.example.com/ours/{name}:v7"),
                digest: digest.clone(),
                version: "0.1.0".to_owned(),
                module: registry::lock::LockedModule { sha256: sha256.to_owned(), size: 1 },
            },
        );
        lock
    };
    let module = |lock: &Lock, registry: Option<&str>, only: &str| {
        let only = [only.to_owned()];
        let options = Options { lock: Some(lock), registry, only: &only, ..Options::default() };
        plan(&options).map(|plan| plan.policies[0].module.clone()).map_err(|error| error.to_string())
    };
    let good = lock(&sha256);
    assert_eq!(module(&good, None, name).unwrap(), format!("registry://registry.example.com/ours/{name}:v7@{digest}"));
    assert_eq!(
        module(&good, Some("mirror.example.com"), name).unwrap(),
        format!("registry://mirror.example.com/{name}:v7@{digest}")
    );
    assert_eq!(
        module(&good, None, "no-secrets-in-configmaps").unwrap_err(),
        "no-secrets-in-configmaps: the lock file does not have it; publish it first: \
         palisade publish registry.example.com/ours --policy no-secrets-in-configmaps"
    );
    let changed = module(&lock("00"), None, name).unwrap_err();
    assert!(changed.starts_with("rbac-least-privilege: what was published is another module"), "{changed}");
}
