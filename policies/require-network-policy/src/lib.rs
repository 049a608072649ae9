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
mod views;

use palisade_sdk::network::Direction;
use palisade_sdk::selector::{Labels, SelectorSetting};
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
        metadata: Metadata<'a> as "metadata",
        spec: Spec as "spec",
    }

    struct Metadata<'a> {
        name: Str<'a> as "name",
        labels: Map<'a> as "labels",
        generate_name: Str<'a> as "generateName",
        resource_version: Str<'a> as "resourceVersion",
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
    const RULES: &'static [Rule] =
        &[HOST_NETWORK, NOT_ISOLATED_INGRESS, NOT_ISOLATED_EGRESS, NAMESPACE_OPEN, NEW_NAMESPACE_OPEN, NO_DEFAULT_DENY];

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        for (index, name) in settings.also_count.iter().enumerate() {
            if !MORE_KINDS.iter().any(|kind| kind.is(name)) {
                let known: Vec<String> = MORE_KINDS.iter().map(Kind::name).collect();
                return Err(SettingsError::new(format!("alsoCount[{index}]"), format!("expected one of {}", known.join(", "))));
            }
        }
        for (index, pattern) in settings.exempt_namespaces.iter().enumerate() {
            if pattern.is_empty() {
                return Err(SettingsError::new(format!("exemptNamespaces[{index}]"), "expected a name or a pattern"));
            }
        }
        Ok(())
    }

    fn validate(request: &Request<'_>, settings: &Settings, host: &dyn Host, report: &mut Report) -> Result<(), Error> {
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
    // Whether a running pod is isolated is up to its labels. To refuse an update that leaves them would only keep controllers from
    // their work: a Job's pods could not even be finished.
    if request.operation == Operation::Update
        && request.kind.kind == "Pod"
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

    let object: Object<'_> = request.object()?;
    let mut labels = added_labels(request, &object);
    labels.extend(own.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))));
    let service_account = match template.spec.service_account_name.as_str() {
        "" => "default",
        name => name,
    };
    let pod = Pod { labels: Some(&labels), service_account: Some(service_account) };
    let survey = look_around(&request.namespace, &pod, None, settings, host)?;
    for (direction, rule) in Direction::ALL.into_iter().zip(rules) {
        if !survey.isolated[direction as usize] {
            let message = not_isolated(&survey, direction, &request.namespace, own);
            report.add(rule, &template.metadata_path().field("labels"), message);
        }
    }
    Ok(())
}

/// The labels that the pods of this workload get beside those of its template.
fn added_labels<'l>(request: &Request<'_>, object: &'l Object<'_>) -> Vec<(&'l str, Option<&'l str>)> {
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
        text.push_str(value);
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
    let survey = look_around(name, &any_pod, Some(&object.metadata.labels), settings, host)?;
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

/// The pod that is to be isolated; with nothing known of it, any pod of its namespace.
struct Pod<'p> {
    labels: Option<&'p [(&'p str, Option<&'p str>)]>,
    service_account: Option<&'p str>,
}

/// Surveys the policies for a pod in a namespace. The labels of the namespace are looked up where they matter, unless they are given.
fn look_around(
    namespace: &str,
    pod: &Pod<'_>,
    namespace_labels: Option<&Map<'_>>,
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

    // The API server sets this label on every namespace.
    let mut of_namespace = vec![("kubernetes.io/metadata.name", Some(namespace))];
    for (key, value) in namespace_labels.into_iter().flatten() {
        of_namespace.push((key, Some(value)));
    }
    let prefixed: Vec<(String, Option<&str>)> =
        of_namespace.iter().map(|(key, value)| (["io.cilium.k8s.namespace.labels.", key].concat(), *value)).collect();
    let of_pod = pod.labels.unwrap_or_default();

    // Cilium does not tell pods apart by labels that are different for each; those of the pod are what the others are not.
    let mut cilium: Vec<_> = of_pod.iter().copied().filter(|(_, value)| value.is_some()).collect();
    cilium.push(("io.kubernetes.pod.namespace", Some(namespace)));
    cilium.push(("io.cilium.k8s.policy.serviceaccount", pod.service_account));
    cilium.push(("io.cilium.k8s.policy.cluster", None));
    cilium.extend(prefixed.iter().map(|(key, value)| (key.as_str(), *value)));

    let mut calico = of_pod.to_vec();
    calico.push(("projectcalico.org/namespace", Some(namespace)));
    calico.push(("projectcalico.org/orchestrator", Some("k8s")));
    calico.push(("projectcalico.org/serviceaccount", pod.service_account));
    let mut calico_namespace = of_namespace.clone();
    calico_namespace.push(("projectcalico.org/name", Some(namespace)));

    let known = |labels: &[_], all: bool| {
        let labels = Labels::new(labels);
        if all { labels } else { labels.and_others() }
    };
    let whole_namespace = pod.labels.is_none();
    let subject = Subject {
        whole_namespace,
        pod: known(of_pod, !whole_namespace),
        cilium: known(&cilium, !whole_namespace),
        calico: known(&calico, !whole_namespace),
        calico_service_account: known(&[("projectcalico.org/name", pod.service_account)], false),
        calico_namespace: known(&calico_namespace, namespace_labels.is_some()),
        namespace: known(&of_namespace, namespace_labels.is_some()),
    };
    Survey::take(host, namespace, &subject, |kind| settings.counts(kind))
}
