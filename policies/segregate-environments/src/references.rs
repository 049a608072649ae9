//! Services that are aliases, and subjects of RoleBindings.

use palisade_sdk::rbac::subjects::{Class, Subject, Who};
use palisade_sdk::{Error, List, Path, Report, Request, Str};

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

/// Judges a RoleBinding: who is given rights in its namespace.
///
/// # Errors
/// When it cannot be read.
pub fn judge_role_binding(request: &Request<'_>, cluster: &Cluster<'_>, report: &mut Report) -> Result<(), Error> {
    let RoleBinding { subjects } = request.object()?;
    // The first namespace that the groups of all ServiceAccounts bring in.
    let stranger = cluster.namespaces.iter().find_map(|object| cluster.crosses(object.metadata.name.as_str(), Way::In));
    for (index, subject) in subjects.iter().enumerate() {
        let who = subject.who(&request.namespace);
        let (other, what) = match (who, who.class()) {
            (Who::ServiceAccount { namespace, .. }, _) => {
                (cluster.crosses(namespace, Way::In), "gives rights to a ServiceAccount of the namespace ")
            }
            (Who::Group(_), Class::AccountsOf(namespace)) => {
                (cluster.crosses(namespace, Way::In), "gives rights to all ServiceAccounts of the namespace ")
            }
            (Who::Group(_), Class::Everyone) => {
                (stranger, "gives rights to the ServiceAccounts of every namespace, also those of ")
            }
            _ => continue,
        };
        if let Some(other) = other {
            let root = Path::root();
            let at = root.item("subjects", index);
            let field = if subject.kind == "ServiceAccount" { "namespace" } else { "name" };
            cluster.report(&ROLE_BINDING_CROSSING, &at.field(field), what, other, report);
        }
    }
    Ok(())
}
