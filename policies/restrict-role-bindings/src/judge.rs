//! Judges what a binding hands over, and to whom.

use palisade_sdk::rbac::ALL;
use palisade_sdk::rbac::dangers::{Found, Grade};
use palisade_sdk::rbac::harmless::{self, Audience};
use palisade_sdk::rbac::scope::{self, Scope};
use palisade_sdk::rbac::subjects::{Binding, Class, Who};
use palisade_sdk::{Path, Report, Rule};

use crate::harm::{Harm, Reach};
use crate::role::Role;
use crate::settings::{BindingKind, Settings};
use crate::words::cut;
use crate::{rules, words};

/// A binding with all that it is judged by.
pub struct Case<'c> {
    pub kind: BindingKind,
    pub binding: &'c Binding<'c>,
    /// Empty for a ClusterRoleBinding.
    pub namespace: &'c str,
    pub settings: &'c Settings,
    /// The role, when there is one.
    pub role: Option<&'c Role<'c>>,
}

/// Adds a finding for each subject that should not be bound, and for each that should not hold what the role grants.
pub fn judge(case: &Case<'_>, subjects: &[(usize, Who<'_>)], report: &mut Report) {
    let reach = Reach::of(case.namespace);
    let harm = case.role.map(|role| Harm::of(role, reach));
    let judge = Judge { case, reach, what: what(case, reach, harm.as_ref()) };
    let mut too_much = false;
    for (index, who) in subjects {
        judge.subject(*index, *who, report);
        if let Some(harm) = &harm
            && !matches!(who.class(), Class::Masters)
            && !who.is_misnamed()
            && *who != Who::Nobody
        {
            too_much |= judge.grant(*index, *who, harm, report);
        }
    }
    if !too_much {
        judge.reach(subjects, report);
    }
}

const ADMIN_INSTEAD: &str = "bind the ClusterRole admin, which leaves the namespace itself and its quotas alone, or accept the binding in the setting allowedBindings, with a reason";

struct Judge<'j> {
    case: &'j Case<'j>,
    reach: Reach<'j>,
    /// What the binding hands over, in a clause.
    what: String,
}

impl Judge<'_> {
    /// Whom the binding names.
    fn subject(&self, index: usize, who: Who<'_>, report: &mut Report) {
        let root = Path::root();
        let at = root.item("subjects", index);
        let name = at.field("name");
        let hands = |rule: &Rule, holders: &str, report: &mut Report| {
            let mut message = ["hands ", &self.what, " to ", holders].concat();
            if who.is_misnamed() {
                message.push_str(match who {
                    Who::Group(_) => ", or is meant to: no group has this name",
                    _ => ", or is meant to: no user has this name",
                });
            }
            report.add(rule, &name, message);
        };
        match who.class() {
            Class::Masters => {
                let mut message = "binds system:masters, whose members may do everything past RBAC".to_owned();
                if who.is_misnamed() {
                    message.push_str(", or is meant to: no user has this name");
                }
                report.add(&rules::SYSTEM_MASTERS, &name, message);
            }
            Class::Anonymous if !self.is_harmless(Audience::Anybody) => {
                hands(&rules::ANONYMOUS_SUBJECT, "everybody who reaches the API server, without credentials", report);
            }
            Class::Everyone if !self.is_harmless(Audience::Everyone) => {
                let holders = match who {
                    Who::Group("system:serviceaccounts") => "every pod of the cluster",
                    Who::Group("system:authenticated") => "every user and every pod of the cluster",
                    _ => "every user of the cluster",
                };
                hands(&rules::EVERYONE, holders, report);
            }
            Class::AccountsOf(namespace) if !self.is_harmless(Audience::Everyone) => {
                hands(&rules::NAMESPACE_ACCOUNTS, &["every pod of namespace ", cut(namespace)].concat(), report);
            }
            Class::Default => {
                let holders = match who {
                    Who::ServiceAccount { namespace, .. } if !namespace.is_empty() => {
                        ["every pod of namespace ", cut(namespace), " that names no ServiceAccount"].concat()
                    }
                    _ => "every pod that names no ServiceAccount".to_owned(),
                };
                hands(&rules::DEFAULT_SERVICE_ACCOUNT, &holders, report);
            }
            Class::Component if !self.is_harmless(Audience::Node) => {
                let holders = [&words::who(who), ", and so to whoever takes over the node or the component"].concat();
                hands(&rules::COMPONENT_SUBJECT, &holders, report);
            }
            _ => {}
        }
        if let Who::ServiceAccount { namespace, .. } = who
            && self.case.kind == BindingKind::RoleBinding
            && namespace != self.case.namespace
            && !self.case.settings.is_platform(namespace)
            && !self.is_harmless(Audience::Foreign)
        {
            let by_name = self.case.binding.subjects.get(index).is_some_and(|subject| subject.kind == "User");
            let message = [
                "hands ",
                &self.what,
                " to ",
                &words::who(who),
                ", and so to whoever may run pods in namespace ",
                cut(namespace),
            ];
            let at = if by_name { name } else { at.field("namespace") };
            report.add(&rules::FOREIGN_SERVICE_ACCOUNT, &at, message.concat());
        }
    }

    fn is_harmless(&self, audience: Audience) -> bool {
        self.case.role.is_some_and(|role| {
            let namespace = Some(self.case.namespace).filter(|namespace| !namespace.is_empty());
            harmless::is_harmless(&role.rules, audience, namespace)
        })
    }

    /// What the binding hands to this subject; whether that is a finding.
    fn grant(&self, index: usize, who: Who<'_>, harm: &Harm, report: &mut Report) -> bool {
        let root = Path::root();
        let at = root.item("subjects", index);
        let before = report.findings().len();
        let holder = words::who(who);
        let role = words::role(self.case);
        if harm.grade == Grade::Everything && report.severity_of(&rules::CLUSTER_ADMIN).is_some() {
            let mut message = ["hands ", &self.what, " to ", &holder].concat();
            if self.case.binding.role_ref.name != "cluster-admin" {
                message.push_str(": ");
                message.push_str(&role);
                message.push_str(" equals cluster-admin");
            }
            let is_person = !matches!(who, Who::ServiceAccount { .. });
            let remedy = match self.reach {
                Reach::Namespace(_) if is_person => ADMIN_INSTEAD,
                _ => rules::CLUSTER_ADMIN.remedy,
            };
            report.add_with_remedy(&rules::CLUSTER_ADMIN, &at, message, remedy);
            return true;
        }
        let (is_application, is_platform) = match who {
            Who::ServiceAccount { namespace, .. } => {
                let is_platform = self.case.settings.is_platform(namespace);
                (!is_platform, is_platform)
            }
            Who::Group(_) => (matches!(who.class(), Class::AccountsOf(_) | Class::Everyone), false),
            _ => (false, false),
        };
        if is_platform {
            return false;
        }
        let place = self.reach.words();
        let (like_rule, lead_rule, secrets_rule) = match self.reach {
            Reach::Everywhere | Reach::System => (&rules::CLUSTER_TAKEOVER, &rules::CLUSTER_TAKEOVER, &rules::CLUSTER_SECRETS),
            Reach::Namespace(_) if is_application => {
                (&rules::APPLICATION_ADMIN, &rules::NAMESPACE_ESCALATION, &rules::NAMESPACE_SECRETS)
            }
            Reach::Namespace(_) => return false,
        };
        if let Some(like) = harm.like()
            && report.severity_of(like_rule).is_some()
        {
            let message = [
                &role,
                " hands what `",
                like,
                "` grants to ",
                &holder,
                ", ",
                &place,
                ": it reads every Secret, and runs any image as any ServiceAccount",
            ];
            report.add(like_rule, &at, message.concat());
            return true;
        }
        let is_grave = |found: &&Found| found.danger.class.is_grave() || self.reach == Reach::System;
        let (grave, workloads): (Vec<_>, Vec<_>) = harm.leads.iter().partition(is_grave);
        let lead = |rule: &Rule, found: &[&Found], report: &mut Report| {
            let Some(first) = found.first() else { return };
            let place = if self.reach == Reach::Everywhere { "cluster-wide" } else { &place };
            let mut message = ["lets ", &holder, " ", first.danger.lets, ", ", place, ": "].concat();
            message.push_str(&[&role, " grants ", &words::grants(found)].concat());
            report.add(rule, &at, message);
        };
        if self.reach == Reach::Everywhere {
            lead(lead_rule, &grave, report);
            // What leads to every right says it all.
            if grave.is_empty() || report.severity_of(lead_rule).is_none() {
                lead(&rules::CLUSTER_WORKLOADS, &workloads, report);
            }
        } else {
            lead(lead_rule, &harm.leads.iter().collect::<Vec<_>>(), report);
        }
        if harm.grade >= Grade::Secrets {
            let message = ["lets ", &holder, " read every Secret ", &place, ", and use what they hold: by ", &role];
            let instead = match self.reach {
                Reach::Everywhere => words::role_binding(self.case, &[(index, who)]),
                _ => None,
            };
            let remedy = match instead {
                Some(instead) => "name the Secrets in resourceNames, or ".to_owned() + &instead,
                None => secrets_rule.remedy.to_owned(),
            };
            report.add_with_remedy(secrets_rule, &at, message.concat(), remedy);
        }
        report.findings().len() > before
    }

    /// Whether RoleBindings would do.
    fn reach(&self, subjects: &[(usize, Who<'_>)], report: &mut Report) {
        let (BindingKind::ClusterRoleBinding, Some(role)) = (self.case.kind, self.case.role) else { return };
        let is_meant = |who: Who<'_>| match who {
            Who::ServiceAccount { namespace, .. } => !self.case.settings.is_platform(namespace),
            Who::Nobody => false,
            _ => matches!(who.class(), Class::Other | Class::AccountsOf(_)) && !who.is_misnamed(),
        };
        if !subjects.iter().any(|(_, who)| is_meant(*who)) {
            return;
        }
        let mut resources: Vec<&str> = Vec::new();
        let mut unknown = None;
        for rule in role.rules.iter().filter(|rule| !rule.verbs.is_empty()) {
            match scope::of_rule(rule) {
                Some(Scope::Cluster) => return,
                Some(Scope::Unknown) if rule.resources.iter().any(|resource| is_clusters_own(resource)) => return,
                Some(Scope::Unknown) => unknown = unknown.or(Some(rule)),
                Some(Scope::Namespaced) => {}
                None => continue,
            }
            for resource in &rule.resources {
                if resources.len() <= words::SHOWN && !resources.contains(&resource.as_str()) {
                    resources.push(resource);
                }
            }
        }
        if resources.is_empty() {
            return;
        }
        let mut message =
            ["reaches every namespace, though all that it grants is in namespaces: ", &words::some(&resources)].concat();
        if let Some(rule) = unknown {
            message.push_str(&["; of those of ", &words::shown(&rule.api_groups), " this is taken for granted"].concat());
        }
        let remedy = words::role_binding(self.case, subjects);
        let remedy = remedy.as_deref().unwrap_or(rules::CLUSTER_WIDE_BINDING.remedy);
        report.add_with_remedy(&rules::CLUSTER_WIDE_BINDING, &Path::new("roleRef.name"), message, remedy);
    }
}

/// Whether a custom resource is in no namespace by its name: that is what `clusterissuers`, `globalnetworkpolicies` and
/// `gatewayclasses` say. Of a wildcard some may be.
fn is_clusters_own(resource: &str) -> bool {
    let name = resource.split('/').next().unwrap_or_default();
    name.starts_with("cluster") || name.starts_with("global") || name.ends_with("classes") || name == ALL || name == "signers"
}

/// What a binding hands over, in a clause that goes on from "hands".
fn what(case: &Case<'_>, reach: Reach<'_>, harm: Option<&Harm>) -> String {
    let Some(harm) = harm else { return "what the role will grant".to_owned() };
    if harm.grade == Grade::Everything {
        return match reach {
            Reach::Everywhere => "every right in the cluster".to_owned(),
            Reach::System => "every right in namespace kube-system, and by it in the cluster,".to_owned(),
            Reach::Namespace(namespace) => ["every right in namespace ", cut(namespace)].concat(),
        };
    }
    if let Some(like) = harm.like() {
        return ["what `", like, "` grants ", &reach.words()].concat();
    }
    if let Some(lead) = harm.leads.first() {
        return [&lead.grant(), " ", &reach.words()].concat();
    }
    if harm.grade >= Grade::Secrets {
        return ["every Secret ", &reach.words()].concat();
    }
    words::first_grant(case).unwrap_or_else(|| words::role(case))
}
