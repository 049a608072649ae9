//! Requires that a NetworkPolicy isolates every pod, for ingress and for egress.
//!
//! A pod that no NetworkPolicy of its namespace selects takes connections from every pod of the cluster, and may connect to everything
//! that the node reaches. So one pod that is taken over is a way to all others. Isolation is what the Kubernetes API calls it: some
//! policy selects the pod and applies to the direction. What such policies then allow is not judged here.
//!
//! CIS Kubernetes Benchmark 5.3.2; NSA/CISA Kubernetes Hardening Guide, "Network separation and hardening"; OWASP Kubernetes Top Ten
//! K07.

mod admin;
mod calico;
mod cilium;
mod survey;
mod uncovered;

use palisade_sdk::network::Direction;
use palisade_sdk::selector::{Labels, SelectorSetting};
use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{
    Answer, Error, GetQuery, Host, Map, Operation, Path, PodTemplate, Policy, Report, Request, Rule, SettingsError, Severity,
    Str, glob,
};

use survey::{Kind, MORE_KINDS, Subject, Survey};

const DEFAULT_DENY: &str = "apply {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: default-deny}, spec: {podSelector: {}, policyTypes: [Ingress, Egress]}} to the namespace, then allow what its pods need";

const HOST_NETWORK: Rule = Rule {
    id: "host-network",
    severity: Severity::Deny,
    summary: "a pod in its node's network is held by no NetworkPolicy",
    remedy: "remove hostNetwork, or set it to false",
    source: "Kubernetes: Network Policies, \"NetworkPolicy and hostNetwork pods\"; CIS Kubernetes Benchmark 5.2.5",
};
const NOT_ISOLATED_INGRESS: Rule = Rule {
    id: "not-isolated-ingress",
    severity: Severity::Deny,
    summary: "a pod that no NetworkPolicy selects for ingress takes connections from everywhere",
    remedy: DEFAULT_DENY,
    source: "Kubernetes: Network Policies, \"The two sorts of pod isolation\"; CIS Kubernetes Benchmark 5.3.2",
};
const NOT_ISOLATED_EGRESS: Rule = Rule {
    id: "not-isolated-egress",
    severity: Severity::Deny,
    summary: "a pod that no NetworkPolicy selects for egress may connect to everywhere",
    remedy: DEFAULT_DENY,
    source: "Kubernetes: Network Policies, \"The two sorts of pod isolation\"; NSA/CISA Kubernetes Hardening Guide, Network policies",
};
const NAMESPACE_OPEN: Rule = Rule {
    id: "namespace-open",
    severity: Severity::Deny,
    summary: "a namespace that exists has no policy that isolates any of its pods",
    remedy: DEFAULT_DENY,
    source: "CIS Kubernetes Benchmark 5.3.2; NSA/CISA Kubernetes Hardening Guide, Network policies",
};
const NEW_NAMESPACE_OPEN: Rule = Rule {
    id: "new-namespace-open",
    severity: Severity::Warn,
    summary: "a new namespace needs a policy before its first pod",
    remedy: DEFAULT_DENY,
    source: "CIS Kubernetes Benchmark 5.3.2; NSA/CISA Kubernetes Hardening Guide, Network policies",
};
const NO_DEFAULT_DENY: Rule = Rule {
    id: "no-default-deny",
    severity: Severity::Warn,
    summary: "a namespace whose pods are isolated one by one leaves the next one open",
    remedy: DEFAULT_DENY,
    source: "Kubernetes: Network Policies, \"Default policies\"; NSA/CISA Kubernetes Hardening Guide, Network policies",
};
const UNCOVERS_PODS: Rule = Rule {
    id: "uncovers-pods",
    severity: Severity::Warn,
    summary: "a NetworkPolicy that goes or is narrowed leaves running pods open that nothing else isolates",
    remedy: DEFAULT_DENY,
    source: "Kubernetes: Network Policies, \"The two sorts of pod isolation\"",
};

palisade_sdk::settings! {
    /// What the deployer may change.
    pub struct Settings {
        /// Kinds of policy that count beside `networking.k8s.io/v1` NetworkPolicy, because the cluster's network enforces them:
        /// `cilium.io/v2/CiliumNetworkPolicy`, `cilium.io/v2/CiliumClusterwideNetworkPolicy`, `projectcalico.org/v3/NetworkPolicy`,
        /// `projectcalico.org/v3/GlobalNetworkPolicy`, the same two of `crd.projectcalico.org/v1`,
        /// `policy.networking.k8s.io/v1alpha1/AdminNetworkPolicy` and
        /// `policy.networking.k8s.io/v1alpha1/BaselineAdminNetworkPolicy`. Only kinds named here are asked for.
        pub also_count: Vec<String> = Vec::new(),
        /// Namespaces that are left alone, as glob patterns. The default are those in which Kubernetes runs itself.
        pub exempt_namespaces: Vec<String> = ["kube-system", "kube-public", "kube-node-lease"].map(String::from).to_vec(),
        /// Pods that are left alone, by label selectors (`matchLabels`, `matchExpressions`) over their own labels. Whoever writes a
        /// pod's labels can then exempt it.
        pub exempt_pods: Vec<SelectorSetting> = Vec::new(),
    }
}

impl Settings {
    fn counts(&self, kind: &Kind) -> bool {
        self.also_count.iter().any(|name| kind.is(name))
    }
}

palisade_sdk::view! {
    /// The pod's spec, as far as it matters here.
    struct PodSpec<'a> {
        host_network: Option<bool> as "hostNetwork",
        service_account_name: Str<'a> as "serviceAccountName",
    }

    /// A Namespace, or a workload, as far as it matters here.
    struct Object<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        spec: Spec as "spec",
    }

    struct Spec {
        /// Of a Job: whether the API server leaves the labels of its pods alone.
        manual_selector: Option<bool> as "manualSelector",
    }
}

/// Labels that controllers and the API server add to the pods of a kind. Their values are not known beforehand, save for the name of
/// a Job, which is what is true here.
const ADDED_LABELS: &[(&str, &[(&str, bool)])] = &[
    ("Deployment", &[("pod-template-hash", false)]),
    ("DaemonSet", &[("controller-revision-hash", false), ("pod-template-generation", false)]),
    (
        "StatefulSet",
        &[
            ("controller-revision-hash", false),
            ("statefulset.kubernetes.io/pod-name", false),
            ("apps.kubernetes.io/pod-index", false),
        ],
    ),
    ("Job", JOB_LABELS),
    ("CronJob", JOB_LABELS),
];
const JOB_LABELS: &[(&str, bool)] = &[
    ("batch.kubernetes.io/job-name", true),
    ("job-name", true),
    ("batch.kubernetes.io/controller-uid", false),
    ("controller-uid", false),
];

/// Requires NetworkPolicies.
pub struct RequireNetworkPolicy;

impl Policy for RequireNetworkPolicy {
    type Settings = Settings;
    const RULES: &'static [Rule] = &[
        HOST_NETWORK,
        NOT_ISOLATED_INGRESS,
        NOT_ISOLATED_EGRESS,
        NAMESPACE_OPEN,
        NEW_NAMESPACE_OPEN,
        NO_DEFAULT_DENY,
        UNCOVERS_PODS,
    ];
    /// To warn of the pods that a NetworkPolicy leaves open when it goes.
    const JUDGES_DELETE: bool = true;

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        for (index, name) in settings.also_count.iter().enumerate() {
            if !MORE_KINDS.iter().any(|kind| kind.is(name)) {
                let known: Vec<String> = MORE_KINDS.iter().map(Kind::name).collect();
                return Err(SettingsError::new(format!("alsoCount[{index}]"), format!("expected one of {}", known.join(", "))));
            }
        }
        palisade_sdk::check_exempt_namespaces(&settings.exempt_namespaces)
    }

    fn validate(request: &Request<'_>, settings: &Settings, host: &dyn Host, report: &mut Report) -> Result<(), Error> {
        if request.kind.kind == "NetworkPolicy" && request.kind.group == "networking.k8s.io" {
            let exempt = is_exempt(&request.namespace, settings);
            let judged = if exempt { Ok(()) } else { uncovered::judge(request, settings, host, report) };
            // What only warns does not hold up a deletion.
            return if request.operation == Operation::Delete { Ok(()) } else { judged };
        }
        if request.operation == Operation::Delete {
            return Ok(());
        }
        if request.kind.kind == "Namespace" && request.kind.group.is_empty() {
            return judge_namespace(request, settings, host, report);
        }
        let exempt = is_exempt(&request.namespace, settings);
        match request.pod_template::<PodSpec<'_>>()? {
            Some(template) if !exempt => judge_pod(request, &template, settings, host, report),
            _ => Ok(()),
        }
    }
}

palisade_sdk::export!(RequireNetworkPolicy);

fn is_exempt(namespace: &str, settings: &Settings) -> bool {
    settings.exempt_namespaces.iter().any(|pattern| glob::matches(pattern, namespace))
}

fn judge_pod(
    request: &Request<'_>,
    template: &PodTemplate<'_, PodSpec<'_>>,
    settings: &Settings,
    host: &dyn Host,
    report: &mut Report,
) -> Result<(), Error> {
    let own = &template.metadata.labels;
    let object: Object<'_> = request.object()?;
    // An update that leaves a running pod's labels leaves its isolation, and so does one of a ReplicaSet that its Deployment scales:
    // the pods that come of it are judged themselves. To refuse these would only keep controllers from their work, clean-up included.
    let has_controller = object.metadata.owner_references.iter().any(|owner| owner.controller == Some(true));
    if request.operation == Operation::Update
        && (request.kind.kind == "Pod" || has_controller)
        && let Some(old) = request.old_pod_template::<PodSpec<'_>>()?
        && old.metadata.labels == *own
        && old.spec.host_network == template.spec.host_network
    {
        return Ok(());
    }
    for exempt in &settings.exempt_pods {
        if exempt.selector().selects(&Labels::of(own), &Path::root())? {
            return Ok(());
        }
    }
    if template.spec.host_network == Some(true) {
        let path = template.spec_path();
        report.add(
            &HOST_NETWORK,
            &path.field("hostNetwork"),
            "the pod is in its node's network, where no NetworkPolicy holds it",
        );
        return Ok(());
    }
    let rules = [&NOT_ISOLATED_INGRESS, &NOT_ISOLATED_EGRESS];
    if rules.iter().all(|rule| report.severity_of(rule).is_none()) {
        return Ok(());
    }

    let mut labels = added_labels(request, &object);
    labels.extend(own.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))));
    let service_account = match template.spec.service_account_name.as_str() {
        "" => "default",
        name => name,
    };
    let pod = Pod { labels: Some(&labels), service_account: Some(service_account) };
    let survey = look_around(&request.namespace, &pod, None, None, settings, host)?;
    for (direction, rule) in Direction::ALL.into_iter().zip(rules) {
        if !survey.isolated[direction as usize] {
            let message = not_isolated(&survey, direction, &request.namespace, own);
            report.add(rule, &template.metadata_path().field("labels"), message);
        }
    }
    Ok(())
}

/// The labels that the pods of this workload get beside those of its template.
fn added_labels<'l>(request: &Request<'_>, object: &'l Object<'_>) -> Vec<Known<'l>> {
    let kind = request.kind.kind.as_str();
    if kind == "Job" && object.spec.manual_selector == Some(true) {
        return Vec::new();
    }
    let added = ADDED_LABELS.iter().find(|(workload, _)| *workload == kind).map_or(&[][..], |(_, labels)| *labels);
    let name = object.metadata.name.as_str();
    let has_name = kind == "Job" && !name.is_empty();
    added.iter().map(|(key, is_name)| (*key, (*is_name && has_name).then_some(name))).collect()
}

/// What the finding for a pod says.
fn not_isolated(survey: &Survey, direction: Direction, namespace: &str, labels: &Map<'_>) -> String {
    let name = direction.name();
    if survey.policies == 0 {
        return format!("no NetworkPolicy in namespace {namespace}, so nothing limits the pod's {name}");
    }
    let looked_at = match survey.policies {
        1 => format!("the one network policy for namespace {namespace} does not isolate"),
        policies => format!("none of the {policies} network policies for namespace {namespace} isolates"),
    };
    format!("{looked_at} {} for {name}{}{}", described(labels), survey.hint(direction), survey.unreadable())
}

/// `a pod with app=web, tier=frontend`
fn described(labels: &Map<'_>) -> String {
    const SHOWN: usize = 3;
    if labels.is_empty() {
        return "a pod without labels".to_owned();
    }
    let mut text = String::new();
    for (index, (key, value)) in labels.iter().take(SHOWN).enumerate() {
        text.push_str(if index == 0 { "a pod with " } else { ", " });
        text.push_str(key);
        text.push('=');
        // No valid value is longer.
        text.push_str(if value.len() > 63 { "…" } else { value });
    }
    if labels.len() > SHOWN {
        text.push_str(", …");
    }
    text
}

fn judge_namespace(request: &Request<'_>, settings: &Settings, host: &dyn Host, report: &mut Report) -> Result<(), Error> {
    let object: Object<'_> = request.object()?;
    let name = match object.metadata.name.as_str() {
        "" => object.metadata.generate_name.as_str(),
        name => name,
    };
    if is_exempt(name, settings) {
        return Ok(());
    }
    // A namespace that is being made can hold no policy yet. The background audit also asks with CREATE, about objects that have a
    // version already.
    let exists = request.operation == Operation::Update || !object.metadata.resource_version.is_empty();
    let open_rule = if exists { &NAMESPACE_OPEN } else { &NEW_NAMESPACE_OPEN };
    if report.severity_of(open_rule).is_none() && report.severity_of(&NO_DEFAULT_DENY).is_none() {
        return Ok(());
    }
    let any_pod = Pod { labels: None, service_account: None };
    let survey = look_around(name, &any_pod, Some(&object.metadata.labels), None, settings, host)?;
    let which = |partly: bool| {
        let wanted = Direction::ALL.into_iter().filter(|direction| {
            let direction = *direction as usize;
            !survey.isolated[direction] && survey.isolates_some[direction] == partly
        });
        wanted.map(Direction::name).collect::<Vec<_>>().join(" and ")
    };
    let at = Path::new("metadata.name");
    let open = which(false);
    if !open.is_empty() {
        report.add(
            open_rule,
            &at,
            format!("no policy isolates the pods of namespace {name} for {open}{}", survey.unreadable()),
        );
    }
    let partly = which(true);
    if !partly.is_empty() {
        let message = format!("policies isolate some pods of namespace {name} for {partly}, and none isolates them all");
        report.add(&NO_DEFAULT_DENY, &at, message);
    }
    Ok(())
}

/// A label's key, and its value where that is known.
type Known<'l> = (&'l str, Option<&'l str>);

/// The pod that is to be isolated; with nothing known of it, any pod of its namespace.
struct Pod<'p> {
    labels: Option<&'p [Known<'p>]>,
    service_account: Option<&'p str>,
}

/// Surveys the policies for a pod in a namespace. The labels of the namespace are looked up where they matter, unless they are given. The NetworkPolicy `without` does
/// not count.
fn look_around(
    namespace: &str,
    pod: &Pod<'_>,
    namespace_labels: Option<&Map<'_>>,
    without: Option<&str>,
    settings: &Settings,
    host: &dyn Host,
) -> Result<Survey, Error> {
    let of_the_cluster = MORE_KINDS.iter().any(|kind| !kind.namespaced && settings.counts(kind));
    let answer = match namespace_labels {
        None if of_the_cluster => host.get(&GetQuery::new("v1", "Namespace", namespace).fields(&["metadata.labels"]))?,
        _ => None,
    };
    let looked_up = answer.as_ref().map(Answer::read::<Object<'_>>).transpose()?;
    let namespace_labels = namespace_labels.or(looked_up.as_ref().map(|object| &object.metadata.labels));

    // The API server sets the label with the name on every namespace.
    let mut of_namespace: Vec<Known<'_>> = vec![("kubernetes.io/metadata.name", Some(namespace))];
    if let Some(namespace_labels) = namespace_labels {
        for (key, value) in namespace_labels {
            of_namespace.push((key, Some(value)));
        }
    }
    let of_pod = pod.labels.unwrap_or_default();
    let mut prefixed: Vec<String> = Vec::new();
    for (key, _) in &of_namespace {
        prefixed.push(["io.cilium.k8s.namespace.labels.", key].concat());
    }
    let mut for_cilium: Vec<Known<'_>> = Vec::new();
    for (key, (_, value)) in prefixed.iter().zip(&of_namespace) {
        for_cilium.push((key, *value));
    }
    for label in of_pod {
        if cilium::knows(label.0) {
            for_cilium.push(*label);
        }
    }
    let for_cilium_too = [
        ("io.kubernetes.pod.namespace", Some(namespace)),
        ("io.cilium.k8s.policy.serviceaccount", pod.service_account),
        ("io.cilium.k8s.policy.cluster", None),
    ];
    let for_calico = [
        ("projectcalico.org/namespace", Some(namespace)),
        ("projectcalico.org/orchestrator", Some("k8s")),
        ("projectcalico.org/serviceaccount", pod.service_account),
    ];
    let (pod_known, namespace_known) = (pod.labels.is_some(), namespace_labels.is_some());
    let subject = Subject {
        whole_namespace: !pod_known,
        pod: labels(of_pod, &[], pod_known),
        cilium: labels(&for_cilium, &for_cilium_too, pod_known),
        calico: labels(of_pod, &for_calico, pod_known),
        calico_service_account: labels(&[], &[("projectcalico.org/name", pod.service_account)], false),
        calico_namespace: labels(&of_namespace, &[("projectcalico.org/name", Some(namespace))], namespace_known),
        namespace: labels(&of_namespace, &[], namespace_known),
    };
    Survey::take(host, namespace, &subject, without, |kind| settings.counts(kind))
}

/// These labels, and others unless all are known.
#[inline(never)]
fn labels<'l>(some: &[Known<'l>], more: &[Known<'l>], all: bool) -> Labels<'l> {
    let mut labels = some.to_vec();
    labels.extend_from_slice(more);
    let labels = Labels::new(&labels);
    if all { labels } else { labels.and_others() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palisade_sdk::HostError;

    /// Answers every list with these policies.
    struct Cluster(String);

    impl Host for Cluster {
        fn call(&self, _: &str, _: &str, _: &[u8]) -> Result<Vec<u8>, HostError> {
            Ok(self.0.clone().into_bytes())
        }
    }

    fn policies(number: usize) -> String {
        let policy = |index: usize| {
            format!(
                r#"{{"metadata": {{"name": "p{index}"}}, "spec": {{"podSelector": {{"matchLabels": {{"app": "{index}"}},
                "matchExpressions": [{{"key": "x{index}", "operator": "Exists"}}]}}, "policyTypes": ["Ingress", "Egress"]}}}}"#
            )
        };
        let policies: Vec<String> = (0..number).map(policy).collect();
        format!(r#"{{"items": [{}]}}"#, policies.join(","))
    }

    fn judge(cluster: &Cluster, labels: &str) -> String {
        let payload = format!(
            r#"{{"request": {{"kind": {{"group": "", "version": "v1", "kind": "Pod"}}, "namespace": "shop", "operation": "CREATE",
            "object": {{"metadata": {{"name": "web", "labels": {{{labels}}}}}, "spec": {{}}}}}}}}"#
        );
        String::from_utf8(palisade_sdk::run::<RequireNetworkPolicy>(b"validate", payload.as_bytes(), cluster).unwrap()).unwrap()
    }

    /// Each policy looks up its own keys only, so that the work is the sum of both sizes and not their product.
    #[test]
    fn thousands_of_policies_and_a_pod_of_three_megabytes() {
        let cluster = Cluster(policies(5_000));
        let labels: Vec<String> = (0..150_000).map(|index| format!(r#""x{index}": "some-value""#)).collect();
        let labels = labels.join(",");
        assert!(labels.len() > 3_000_000);
        let selected = judge(&cluster, &format!(r#"{labels},"app": "4999""#));
        assert_eq!(selected, r#"{"accepted":true}"#);
        let open = judge(&cluster, &labels);
        assert!(
            open.contains("none of the 5000 network policies for namespace shop isolates a pod with x0=some-value"),
            "{open}"
        );
        assert!(open.contains("closest is p0, save for the label app"), "{open}");
    }
}
