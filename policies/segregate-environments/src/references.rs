//! Services that are aliases, and subjects of RoleBindings.

use palisade_sdk::{Error, List, Path, Report, Request, Str, rbac};

use crate::cluster::{Cluster, Way};
use crate::names::Evidence;
use crate::rules::{EXTERNAL_NAME_CROSSING, ROLE_BINDING_CROSSING};
use crate::search::Search;

palisade_sdk::view! {
    struct Service<'a> {
        spec: ServiceSpec<'a> as "spec",
    }

    struct ServiceSpec<'a> {
        r#type: Str<'a> as "type",
        external_name: Str<'a> as "externalName",
    }

    struct RoleBinding<'a> {
        subjects: List<Subject<'a>> as "subjects",
    }

    struct Subject<'a> {
        kind: Str<'a> as "kind",
        api_group: Str<'a> as "apiGroup",
        name: Str<'a> as "name",
        namespace: Str<'a> as "namespace",
    }
}

/// Judges a Service.
///
/// # Errors
/// When it cannot be read, or the host does not answer.
pub fn judge_service(request: &Request<'_>, cluster: &Cluster<'_>, report: &mut Report) -> Result<(), Error> {
    let Service { spec } = request.object()?;
    if spec.r#type != "ExternalName" {
        return Ok(());
    }
    let mut search = Search::new(cluster, &EXTERNAL_NAME_CROSSING, "is an alias of a Service in the namespace ", report);
    search.text(&spec.external_name, Evidence::Host, &Path::new("spec.externalName"));
    search.finish()
}

/// Groups that hold the ServiceAccounts of every namespace.
const EVERYONE: [&str; 2] = ["system:serviceaccounts", "system:authenticated"];

/// Judges a RoleBinding: who is given rights in its namespace.
///
/// # Errors
/// When it cannot be read.
pub fn judge_role_binding(request: &Request<'_>, cluster: &Cluster<'_>, report: &mut Report) -> Result<(), Error> {
    let RoleBinding { subjects } = request.object()?;
    // The first namespace that the groups of all ServiceAccounts bring in.
    let stranger = cluster.namespaces.iter().find_map(|object| cluster.crosses(object.metadata.name.as_str(), Way::In));
    for (index, subject) in subjects.iter().enumerate() {
        let at = Path::root();
        let at = at.item("subjects", index);
        let is_rbac = subject.api_group == rbac::GROUP || subject.api_group.is_empty();
        let (namespace, field, what) = match subject.kind.as_str() {
            "ServiceAccount" => {
                (Some(subject.namespace.as_str()), "namespace", "gives rights to a ServiceAccount of the namespace ")
            }
            "User" if is_rbac => {
                let account = subject.name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
                (account.map(|(namespace, _)| namespace), "name", "gives rights to a ServiceAccount of the namespace ")
            }
            "Group" if is_rbac && EVERYONE.iter().any(|group| subject.name == *group) => {
                if let Some(other) = stranger {
                    let what = "gives rights to the ServiceAccounts of every namespace, also those of ";
                    cluster.report(&ROLE_BINDING_CROSSING, &at.field("name"), what, other, report);
                }
                continue;
            }
            "Group" if is_rbac => (
                subject.name.strip_prefix("system:serviceaccounts:"),
                "name",
                "gives rights to all ServiceAccounts of the namespace ",
            ),
            _ => continue,
        };
        if let Some(other) = namespace.and_then(|namespace| cluster.crosses(namespace, Way::In)) {
            cluster.report(&ROLE_BINDING_CROSSING, &at.field(field), what, other, report);
        }
    }
    Ok(())
}
