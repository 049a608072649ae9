//! The namespaces of the cluster and their environments, and what crosses from one into another.

use std::collections::BinaryHeap;

use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Answer, Error, Host, List, ListQuery, Path, Raw, Report, Rule};

use crate::settings::{Settings, Side};

palisade_sdk::view! {
    /// Any object. One view for all of them keeps the module small.
    pub struct Object<'a> {
        pub metadata: ObjectMeta<'a> as "metadata",
        pub spec: Option<Raw<'a>> as "spec",
        /// Of the spec of a CronJob, read as an object too.
        pub job_template: Option<Raw<'a>> as "jobTemplate",
    }
}

/// Asks for the namespaces.
///
/// # Errors
/// When the host does not answer.
pub fn list_namespaces(host: &dyn Host) -> Result<Answer, Error> {
    host.list(&ListQuery::new("v1", "Namespace").fields(&["metadata.labels"]))
}

/// Names in order, each with where it was found, to look them up.
pub struct Index<'i>(Vec<Entry<'i>>);

/// The entries of [`palisade_sdk::selector::Labels`] are of this type too, and the module has the code for it once.
type Entry<'i> = (&'i str, usize, Option<&'i str>);

impl<'i> Index<'i> {
    /// A heap sorts them, since `sort` costs kilobytes of code.
    pub fn new(names: impl Iterator<Item = &'i str>) -> Self {
        let heap: BinaryHeap<_> = names.enumerate().map(|(place, name)| (name, place, None)).collect();
        Self(heap.into_sorted_vec())
    }

    /// The places of a name.
    pub fn places(&self, name: &str) -> impl Iterator<Item = usize> + use<'_, 'i> {
        let first = self.0.partition_point(|(known, ..)| *known < name);
        let after = self.0.partition_point(|(known, ..)| *known <= name);
        self.0.get(first..after).unwrap_or_default().iter().map(|(_, place, _)| *place)
    }
}

/// Which way a crossing goes, seen from the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The object reaches the other environment.
    Out,
    /// The other environment reaches the object, or something in its namespace.
    In,
    /// Both meet.
    Both,
}

/// The cluster, seen from the namespace of the object that is judged.
pub struct Cluster<'c> {
    pub settings: &'c Settings,
    pub host: &'c dyn Host,
    pub namespaces: &'c [Object<'c>],
    index: Index<'c>,
    /// The namespace of the object.
    pub own: Side<'c>,
}

impl<'c> Cluster<'c> {
    /// The cluster; `None` where the environment of the object's namespace is not known, so that nothing can cross.
    pub fn new(
        settings: &'c Settings,
        host: &'c dyn Host,
        namespaces: &'c List<Object<'c>>,
        namespace: &'c str,
    ) -> Option<Self> {
        let index = Index::new(namespaces.iter().map(|object| object.metadata.name.as_str()));
        let own = index.places(namespace).next().and_then(|place| namespaces.get(place));
        let environment = settings.environment(namespace, own.map(|object| &object.metadata.labels))?;
        let own = Side { environment, namespace: Some(namespace) };
        Some(Self { settings, host, namespaces, index, own })
    }

    /// The namespace, and its place among all.
    pub fn find(&self, name: &str) -> Option<(usize, &'c Object<'c>)> {
        let place = self.index.places(name).next()?;
        self.namespaces.get(place).map(|object| (place, object))
    }

    /// The other side, where a namespace is of another environment.
    pub fn other_side<'n>(&self, name: &'n str) -> Option<Side<'n>>
    where
        'c: 'n,
    {
        let labels = self.find(name).map(|(_, object)| &object.metadata.labels);
        let environment = self.settings.environment(name, labels)?;
        (environment != self.own.environment).then_some(Side { environment, namespace: Some(name) })
    }

    /// Whether a crossing is not meant by the settings.
    pub fn forbids(&self, other: Side<'_>, way: Way) -> bool {
        let allowed = match way {
            Way::Out => self.settings.allows(self.own, other),
            Way::In => self.settings.allows(other, self.own),
            Way::Both => self.settings.allows(self.own, other) || self.settings.allows(other, self.own),
        };
        !allowed
    }

    /// The other side, where a namespace is of another environment and the settings do not allow to cross.
    pub fn crosses<'n>(&self, name: &'n str, way: Way) -> Option<Side<'n>>
    where
        'c: 'n,
    {
        self.other_side(name).filter(|other| self.forbids(*other, way))
    }

    /// Reports a crossing: `what` ends where the other side's name follows.
    pub fn report(&self, rule: &Rule, at: &Path<'_>, what: &str, other: Side<'_>, report: &mut Report) {
        let of = if other.namespace.is_some() { ", which is of " } else { "" };
        let message = [
            what,
            other.namespace.unwrap_or_default(),
            of,
            other.environment,
            ", and this namespace is of ",
            self.own.environment,
        ];
        report.add(rule, at, message.concat());
    }
}
