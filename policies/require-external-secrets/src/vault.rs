//! The kinds of the Vault Secrets Operator.

use palisade_sdk::{Error, List, Map, Path, Request, Str};

use crate::check::Check;
use crate::rules::{REFRESH_INTERVAL, VAULT_AUDIENCE, VAULT_ROLE};
use crate::store::static_credentials;

/// The API group.
pub const GROUP: &str = "secrets.hashicorp.com";

palisade_sdk::view! {
    struct VaultConnection<'a> {
        spec: ConnectionSpec<'a> as "spec",
    }

    /// `VaultConnectionSpec`
    struct ConnectionSpec<'a> {
        address: Str<'a> as "address",
        headers: Map<'a> as "headers",
        ca_cert_secret_ref: Str<'a> as "caCertSecretRef",
        ca_cert_path: Str<'a> as "caCertPath",
        skip_tls_verify: Option<bool> as "skipTLSVerify",
    }

    struct VaultAuth<'a> {
        spec: AuthSpec<'a> as "spec",
    }

    /// `VaultAuthSpec`, and `VaultAuthGlobalSpec`, whose methods have headers of their own.
    struct AuthSpec<'a> {
        vault_auth_global_ref: Option<()> as "vaultAuthGlobalRef",
        allowed_namespaces: List<Str<'a>> as "allowedNamespaces",
        method: Str<'a> as "method" | "defaultAuthMethod",
        headers: Map<'a> as "headers",
        params: Map<'a> as "params",
        kubernetes: Option<Method<'a>> as "kubernetes",
        jwt: Option<Method<'a>> as "jwt",
        app_role: Option<Method<'a>> as "appRole",
        aws: Option<Method<'a>> as "aws",
    }

    /// A method of login, `VaultAuthConfigKubernetes` and the others.
    struct Method<'a> {
        role: Str<'a> as "role",
        audiences: List<Str<'a>> as "audiences",
        secret_ref: Str<'a> as "secretRef",
        headers: Map<'a> as "headers",
        params: Map<'a> as "params",
    }

    /// A `VaultStaticSecret`, `VaultDynamicSecret` or `VaultPKISecret`.
    struct Synced<'a> {
        spec: SyncedSpec<'a> as "spec",
    }

    struct SyncedSpec<'a> {
        refresh_after: Str<'a> as "refreshAfter",
        sync_config: SyncConfig as "syncConfig",
        params: Map<'a> as "params",
        destination: Destination<'a> as "destination",
    }

    /// `SyncConfig`
    struct SyncConfig {
        instant_updates: Option<bool> as "instantUpdates",
    }

    /// `Destination`
    struct Destination<'a> {
        secret_type: Str<'a> as "type",
        labels: Map<'a> as "labels",
        annotations: Map<'a> as "annotations",
        transformation: Transformation<'a> as "transformation",
    }

    /// `Transformation`, and `SecretTransformationSpec`.
    struct Transformation<'a> {
        templates: Map<'a, Template<'a>> as "templates",
    }

    /// `Template`
    struct Template<'a> {
        text: Str<'a> as "text",
    }

    struct SecretTransformation<'a> {
        spec: TransformationSpec<'a> as "spec",
    }

    /// `SecretTransformationSpec`
    struct TransformationSpec<'a> {
        templates: Map<'a, Template<'a>> as "templates",
        source_templates: List<Template<'a>> as "sourceTemplates",
    }
}

/// Checks an object of the operator's.
pub fn check(kind: &str, request: &Request<'_>, check: &mut Check<'_>) -> Result<(), Error> {
    match kind {
        "VaultConnection" => connection(&request.object::<VaultConnection<'_>>()?.spec, check),
        "VaultAuth" => auth(&request.object::<VaultAuth<'_>>()?.spec, false, check),
        "VaultAuthGlobal" => auth(&request.object::<VaultAuth<'_>>()?.spec, true, check),
        "VaultStaticSecret" | "VaultDynamicSecret" | "VaultPKISecret" => {
            synced(kind, &request.object::<Synced<'_>>()?.spec, check);
        }
        "SecretTransformation" => {
            let spec = request.object::<SecretTransformation<'_>>()?.spec;
            let path = Path::new("spec");
            templates(&spec.templates, &path.field("templates"), check);
            for (index, template) in spec.source_templates.iter().enumerate() {
                check.literal("text", &template.text, &path.item("sourceTemplates", index).field("text"));
            }
        }
        _ => {}
    }
    Ok(())
}

fn connection(spec: &ConnectionSpec<'_>, check: &mut Check<'_>) {
    let path = Path::new("spec");
    check.provider(&["vault"], &path);
    let address = path.field("address");
    check.address(&spec.address, &address);
    if spec.skip_tls_verify == Some(true) {
        check.unverified(&path.field("skipTLSVerify"));
    } else {
        let has_ca = !spec.ca_cert_secret_ref.is_empty() || !spec.ca_cert_path.is_empty();
        check.vault_ca(&spec.address, has_ca, &address);
    }
    check.literals(&spec.headers, &path.field("headers"));
}

fn auth(spec: &AuthSpec<'_>, is_global: bool, check: &mut Check<'_>) {
    let path = Path::new("spec");
    for (index, namespace) in spec.allowed_namespaces.iter().enumerate() {
        if namespace == &"*" {
            check.open(&path.item("allowedNamespaces", index), "every namespace may log in by this");
        }
    }
    check.literals(&spec.headers, &path.field("headers"));
    check.literals(&spec.params, &path.field("params"));
    for (name, method) in
        [("kubernetes", &spec.kubernetes), ("jwt", &spec.jwt), ("appRole", &spec.app_role), ("aws", &spec.aws)]
    {
        let Some(method) = method else { continue };
        let path = path.field(name);
        if !method.secret_ref.is_empty() {
            static_credentials(&path.field("secretRef"), check);
        }
        check.literals(&method.headers, &path.field("headers"));
        check.literals(&method.params, &path.field("params"));
    }
    // What is left out here may be given there: each of the two completes the other.
    if is_global || spec.vault_auth_global_ref.is_some() {
        return;
    }
    let none = Method::default();
    for (name, method) in [("kubernetes", &spec.kubernetes), ("jwt", &spec.jwt)] {
        if method.is_none() && spec.method != name {
            continue;
        }
        let method = method.as_ref().unwrap_or(&none);
        let path = path.field(name);
        if method.role.is_empty() {
            check.add(&VAULT_ROLE, &path.field("role"), &["the login to Vault names no role"]);
        }
        if method.audiences.is_empty() && method.secret_ref.is_empty() {
            let message = "the token is also good for the API server, since no audience is set";
            check.add(&VAULT_AUDIENCE, &path.field("audiences"), &[message]);
        }
    }
}

fn synced(kind: &str, spec: &SyncedSpec<'_>, check: &mut Check<'_>) {
    let path = Path::new("spec");
    let refresh = path.field("refreshAfter");
    if !spec.refresh_after.is_empty() {
        check.refresh(&spec.refresh_after, &refresh);
    } else if kind == "VaultStaticSecret" && spec.sync_config.instant_updates != Some(true) {
        check.add(&REFRESH_INTERVAL, &refresh, &["the secret is fetched once, since neither refreshAfter nor instantUpdates is set"]);
    }
    check.literals(&spec.params, &path.field("params"));
    let destination = &spec.destination;
    let path = path.field("destination");
    check.written_type(&destination.secret_type, &path.field("type"));
    check.literals(&destination.labels, &path.field("labels"));
    check.literals(&destination.annotations, &path.field("annotations"));
    templates(&destination.transformation.templates, &path.field("transformation.templates"), check);
}

fn templates(templates: &Map<'_, Template<'_>>, path: &Path<'_>, check: &mut Check<'_>) {
    for (name, template) in templates {
        check.literal(name, &template.text, &path.key(name).field("text"));
    }
}
