//! Looks at every policy that could isolate a pod, or a whole namespace, and remembers what decides.

use palisade_sdk::json::{self, Read};
use palisade_sdk::network::{Direction, NetworkPolicy};
use palisade_sdk::selector::Labels;
use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Error, Host, ListQuery, Path, Raw};

use crate::{admin, calico, cilium};

/// A kind of policy that can isolate pods.
pub struct Kind {
    api_version: &'static str,
    kind: &'static str,
    /// Whether it holds for the pods of its own namespace, and not for those of the cluster.
    pub namespaced: bool,
    fields: &'static [&'static str],
    look: fn(&str, &Subject<'_>, &mut Survey) -> Result<(), Error>,
}

impl Kind {
    const fn new(
        api_version: &'static str,
        kind: &'static str,
        namespaced: bool,
        look: fn(&str, &Subject<'_>, &mut Survey) -> Result<(), Error>,
    ) -> Self {
        Self { api_version, kind, namespaced, fields: &["metadata.name", "spec", "specs"], look }
    }

    /// Whether the setting `alsoCount` names this kind so: `cilium.io/v2/CiliumNetworkPolicy`.
    pub fn is(&self, name: &str) -> bool {
        name.strip_suffix(self.kind).and_then(|rest| rest.strip_suffix('/')) == Some(self.api_version)
    }

    /// As the setting names it.
    pub fn name(&self) -> String {
        [self.api_version, self.kind].join("/")
    }
}

/// What every cluster has.
static NETWORK_POLICY: Kind = Kind::new("networking.k8s.io/v1", "NetworkPolicy", true, look);

/// What the setting `alsoCount` can name. The metadata's `contextAwareResources` list the same.
pub static MORE_KINDS: &[Kind] = &[
    Kind::new("cilium.io/v2", "CiliumNetworkPolicy", true, cilium::look),
    Kind::new("cilium.io/v2", "CiliumClusterwideNetworkPolicy", false, cilium::look),
    Kind::new("projectcalico.org/v3", "NetworkPolicy", true, calico::look),
    Kind::new("projectcalico.org/v3", "GlobalNetworkPolicy", false, calico::look),
    Kind::new("crd.projectcalico.org/v1", "NetworkPolicy", true, calico::look),
    Kind::new("crd.projectcalico.org/v1", "GlobalNetworkPolicy", false, calico::look),
    Kind::new("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", false, admin::look),
    Kind::new("policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy", false, admin::look),
];

/// What is to be isolated: a pod, or any pod that a namespace may hold. Each field holds labels as one kind of policy sees them.
pub struct Subject<'s> {
    /// Whether it is a whole namespace: then an allow-all rule leaves it open.
    pub whole_namespace: bool,
    /// The pod's labels.
    pub pod: Labels<'s>,
    /// The pod's labels for Cilium.
    pub cilium: Labels<'s>,
    /// The pod's labels for Calico.
    pub calico: Labels<'s>,
    /// The labels of the ServiceAccount for Calico.
    pub calico_service_account: Labels<'s>,
    /// The labels of the namespace for Calico.
    pub calico_namespace: Labels<'s>,
    /// The labels of the namespace.
    pub namespace: Labels<'s>,
}

/// What the policies do for the subject, for each [`Direction`] in turn.
#[derive(Default)]
pub struct Survey {
    /// How many policies there are, as far as it mattered.
    pub policies: usize,
    /// Whether the subject is isolated.
    pub isolated: [bool; 2],
    /// Whether some policy of the namespace isolates some pod.
    pub isolates_some: [bool; 2],
    hints: [Hint; 2],
    unreadable: Option<String>,
    looks_at_namespaced: bool,
}

/// Why the pod is not isolated although it nearly is.
#[derive(Default)]
enum Hint {
    #[default]
    None,
    /// The policy of this name selects it, and isolates it for the other direction alone.
    OtherDirection(String),
    /// The policy of this name would select it, but for so many labels, of which one is this.
    Closest(String, usize, String),
}

impl Survey {
    /// Asks for the policies that count, until it is clear that both directions are isolated. The NetworkPolicy `without` is left out.
    pub fn take(
        host: &dyn Host,
        namespace: &str,
        subject: &Subject<'_>,
        without: Option<&str>,
        also: impl Fn(&Kind) -> bool,
    ) -> Result<Self, Error> {
        let mut survey = Self::default();
        for kind in std::iter::once(&NETWORK_POLICY).chain(MORE_KINDS.iter().filter(|kind| also(kind))) {
            if survey.isolated == [true; 2] {
                break;
            }
            let query = ListQuery::new(kind.api_version, kind.kind).fields(kind.fields);
            let query = if kind.namespaced { query.namespace(namespace) } else { query };
            let answer = host.list(&query)?;
            survey.looks_at_namespaced = kind.namespaced;
            for item in &answer.items::<Raw<'_>>()? {
                let is_left_out =
                    |without: &str| read::<Named<'_>>(item.get()).is_ok_and(|named| named.metadata.name == without);
                if std::ptr::eq(kind, &NETWORK_POLICY) && without.is_some_and(is_left_out) {
                    continue;
                }
                if let Err(error) = (kind.look)(item.get(), subject, &mut survey) {
                    survey.skip(kind, item.get(), error);
                }
            }
        }
        Ok(survey)
    }

    /// Counts a policy that does this for the subject.
    pub fn add(&mut self, name: &str, selects: bool, isolates: impl Fn(Direction) -> bool) {
        self.count();
        self.add_rule(name, selects, isolates);
    }

    /// Counts a policy.
    pub fn count(&mut self) {
        self.policies += 1;
    }

    /// Adds a part of a policy that has a selector of its own.
    pub fn add_rule(&mut self, name: &str, selects: bool, isolates: impl Fn(Direction) -> bool) {
        let isolates = Direction::ALL.map(isolates);
        for (direction, applies) in isolates.into_iter().enumerate() {
            self.isolated[direction] |= applies && selects;
            self.isolates_some[direction] |= applies && self.looks_at_namespaced;
            if selects && !applies && isolates != [false; 2] {
                self.hints[direction] = Hint::OtherDirection(name.to_owned());
            }
        }
    }

    /// Remembers a policy that selects the subject save for some labels, if none came closer.
    fn nearly(&mut self, name: &str, unmet: &[&str], applies: impl Fn(Direction) -> bool) {
        let Some(first) = unmet.first() else { return };
        for (hint, direction) in self.hints.iter_mut().zip(Direction::ALL) {
            let closer = match hint {
                Hint::None => true,
                Hint::OtherDirection(_) => false,
                Hint::Closest(_, so_far, _) => unmet.len() < *so_far,
            };
            if closer && applies(direction) {
                *hint = Hint::Closest(name.to_owned(), unmet.len(), (*first).to_owned());
            }
        }
    }

    /// A policy that cannot be read isolates nothing: the one that enforces it could not read it either.
    fn skip(&mut self, kind: &Kind, item: &str, error: Error) {
        self.count();
        if self.unreadable.is_some() {
            return;
        }
        let problem = match error {
            Error::Malformed { path, problem } if path.is_empty() => problem,
            Error::Malformed { path, problem } => [path, problem].join(": "),
            Error::Host(error) => error.problem,
        };
        let name = read::<Named<'_>>(item).map(|named| named.metadata.name.to_string()).unwrap_or_default();
        self.unreadable = Some(format!("; {} {name} cannot be read and does not count: {problem}", kind.kind));
    }

    /// What may help to see why it is not isolated in this direction, with a separator before it; or nothing.
    pub fn hint(&self, direction: Direction) -> String {
        match self.hints.get(direction as usize) {
            Some(Hint::OtherDirection(policy)) => format!("; {policy} selects it, but not for {}", direction.name()),
            Some(Hint::Closest(policy, _, label)) => format!("; closest is {policy}, save for the label {label}"),
            _ => String::new(),
        }
    }

    /// Which policy could not be read, with a separator before it; or nothing.
    pub fn unreadable(&self) -> &str {
        self.unreadable.as_deref().unwrap_or_default()
    }
}

palisade_sdk::view! {
    /// A policy of which nothing but the name can be read.
    struct Named<'a> {
        metadata: ObjectMeta<'a> as "metadata",
    }
}

/// Reads a policy.
pub fn read<'a, T: Read<'a>>(item: &'a str) -> Result<T, Error> {
    json::from_str(item).map_err(|_| Error::malformed(&Path::root(), "it is not as its API defines it"))
}

/// Adds what one NetworkPolicy of Kubernetes does to the survey.
fn look(item: &str, subject: &Subject<'_>, survey: &mut Survey) -> Result<(), Error> {
    let NetworkPolicy { metadata, spec } = read(item)?;
    let selector = &spec.pod_selector;
    let unmet = selector.unmet(&subject.pod, &Path::new("spec.podSelector"))?;
    survey.add(&metadata.name, unmet.is_empty(), |direction| {
        let open = subject.whole_namespace && spec.rules(direction).iter().any(|rule| rule.allows_everything());
        spec.applies_to(direction) && !open
    });
    // With no label in common it is about something else.
    if unmet.len() < selector.match_labels.len() + selector.match_expressions.len() {
        survey.nearly(&metadata.name, &unmet, |direction| spec.applies_to(direction));
    }
    Ok(())
}
