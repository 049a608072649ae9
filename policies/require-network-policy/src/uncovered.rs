//! Which running pods a change of a NetworkPolicy leaves open.

use std::cell::RefCell;
use std::collections::BTreeMap;

use palisade_sdk::network::{Direction, NetworkPolicy, NetworkPolicySpec};
use palisade_sdk::selector::{Labels, SelectorSetting};
use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Error, GetQuery, Host, HostError, ListQuery, Operation, Path, Report, Request, Str};

use crate::{Known, Pod, Settings, UNCOVERS_PODS, look_around};

/// More names than this are counted, not shown.
const SHOWN: usize = 10;
/// Who deletes what is in a namespace that is going.
const NAMESPACE_CONTROLLER: &str = "system:serviceaccount:kube-system:namespace-controller";

palisade_sdk::view! {
    struct RunningPod<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        spec: RunningSpec<'a> as "spec",
        status: Status<'a> as "status",
    }

    struct RunningSpec<'a> {
        host_network: Option<bool> as "hostNetwork",
        service_account_name: Str<'a> as "serviceAccountName",
    }

    struct Status<'a> {
        phase: Str<'a> as "phase",
    }

    struct Leaving<'a> {
        metadata: ObjectMeta<'a> as "metadata",
    }
}

impl RunningPod<'_> {
    fn is_held(&self) -> bool {
        self.spec.host_network != Some(true)
            && self.metadata.deletion_timestamp.is_empty()
            && self.status.phase != "Succeeded"
            && self.status.phase != "Failed"
    }
}

/// Warns of pods that were isolated by the policy as it was, and by nothing afterwards.
///
/// # Errors
/// When the host does not answer, or the policy cannot be read.
pub fn judge(request: &Request<'_>, settings: &Settings, host: &dyn Host, report: &mut Report) -> Result<(), Error> {
    if request.operation == Operation::Create
        || report.severity_of(&UNCOVERS_PODS).is_none()
        || request.user_info.username == NAMESPACE_CONTROLLER
    {
        return Ok(());
    }
    let Some(old) = request.old_object::<NetworkPolicy<'_>>()? else { return Ok(()) };
    let new = if request.operation == Operation::Update { Some(request.object::<NetworkPolicy<'_>>()?.spec) } else { None };
    let isolates = |spec: &NetworkPolicySpec<'_>, labels: &Labels<'_>, direction| {
        // A selector that is not valid selects nothing: what enforces the policy could not read it either.
        spec.isolates(labels, direction).unwrap_or(false)
    };
    let fields = [
        "metadata.name",
        "metadata.labels",
        "metadata.deletionTimestamp",
        "spec.hostNetwork",
        "spec.serviceAccountName",
        "status.phase",
    ];
    let answer = host.list(&ListQuery::new("v1", "Pod").namespace(&request.namespace).fields(&fields))?;
    let pods = answer.items::<RunningPod<'_>>()?;
    let remembering = Remembering { host, answers: RefCell::default() };
    let mut is_looked_up = false;
    let mut known: BTreeMap<String, [bool; 2]> = BTreeMap::new();
    let mut open: [Vec<&str>; 2] = [Vec::new(), Vec::new()];
    for pod in pods.iter().filter(|pod| pod.is_held()) {
        let own = Labels::of(&pod.metadata.labels);
        let lost = Direction::ALL.map(|direction| {
            isolates(&old.spec, &own, direction) && !new.as_ref().is_some_and(|new| isolates(new, &own, direction))
        });
        if lost == [false; 2] || is_exempt(&pod.metadata, settings)? {
            continue;
        }
        if !std::mem::replace(&mut is_looked_up, true) && is_going(request, host)? {
            return Ok(());
        }
        let service_account = match pod.spec.service_account_name.as_str() {
            "" => "default",
            name => name,
        };
        // The pods of a workload are alike: they are looked at once.
        let mut kind = service_account.to_owned();
        for (key, value) in &pod.metadata.labels {
            for part in [" ", key.as_str(), "=", value.as_str()] {
                kind.push_str(part);
            }
        }
        let isolated = match known.get(&kind) {
            Some(isolated) => *isolated,
            None => {
                let labels: Vec<Known<'_>> =
                    pod.metadata.labels.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect();
                let subject = Pod { labels: Some(&labels), service_account: Some(service_account) };
                let without = Some(old.metadata.name.as_str());
                let isolated = look_around(&request.namespace, &subject, None, without, settings, &remembering)?.isolated;
                known.insert(kind, isolated);
                isolated
            }
        };
        for ((open, lost), isolated) in open.iter_mut().zip(lost).zip(isolated) {
            if lost && !isolated {
                open.push(&pod.metadata.name);
            }
        }
    }
    let spec = Path::new("spec");
    let at = if new.is_some() { spec } else { Path::root() };
    for (direction, open) in Direction::ALL.into_iter().zip(&open) {
        if !open.is_empty() {
            report.add(&UNCOVERS_PODS, &at, message(direction, open, new.is_some()));
        }
    }
    Ok(())
}

fn message(direction: Direction, open: &[&str], is_update: bool) -> String {
    let mut text = if is_update { "the policy as it is now".to_owned() } else { "without this policy nothing".to_owned() };
    text.push_str(if is_update { ", with the others, does not isolate " } else { " isolates " });
    text.push_str(&open.len().to_string());
    text.push_str(if open.len() == 1 { " running pod for " } else { " running pods for " });
    text.push_str(direction.name());
    for (index, name) in open.iter().take(SHOWN).enumerate() {
        text.push_str(if index == 0 { ": " } else { ", " });
        text.push_str(name);
    }
    if open.len() > SHOWN {
        text.push_str(" and ");
        text.push_str(&(open.len() - SHOWN).to_string());
        text.push_str(" more");
    }
    text
}

fn is_exempt(pod: &ObjectMeta<'_>, settings: &Settings) -> Result<bool, Error> {
    let selects = |exempt: &SelectorSetting| exempt.selector().selects(&Labels::of(&pod.labels), &Path::root());
    for exempt in &settings.exempt_pods {
        if selects(exempt)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the namespace is being deleted, with everything in it.
fn is_going(request: &Request<'_>, host: &dyn Host) -> Result<bool, Error> {
    let query = GetQuery::new("v1", "Namespace", &request.namespace).fields(&["metadata.deletionTimestamp"]);
    let Some(answer) = host.get(&query)? else { return Ok(false) };
    Ok(!answer.read::<Leaving<'_>>()?.metadata.deletion_timestamp.is_empty())
}

/// Asks each question once: about every pod the same policies are looked at.
struct Remembering<'h> {
    host: &'h dyn Host,
    answers: RefCell<Vec<(Vec<u8>, Vec<u8>)>>,
}

impl Host for Remembering<'_> {
    fn call(&self, namespace: &str, operation: &str, payload: &[u8]) -> Result<Vec<u8>, HostError> {
        let known = self.answers.borrow().iter().find(|(asked, _)| asked == payload).map(|(_, answer)| answer.clone());
        if let Some(answer) = known {
            return Ok(answer);
        }
        let answer = self.host.call(namespace, operation, payload)?;
        self.answers.borrow_mut().push((payload.to_vec(), answer.clone()));
        Ok(answer)
    }
}
