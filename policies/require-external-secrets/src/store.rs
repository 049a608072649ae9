//! SecretStore and ClusterSecretStore of the External Secrets Operator.

use palisade_sdk::selector::LabelSelector;
use palisade_sdk::{Error, List, Map, Path, Raw, Request, Str, json};

use crate::check::Check;
use crate::rules::{ONE_PROVIDER, STATIC_CREDENTIALS, STATIC_TOKEN, VAULT_ROLE};

palisade_sdk::view! {
    struct Store<'a> {
        spec: Spec<'a> as "spec",
    }

    /// `SecretStoreSpec`
    struct Spec<'a> {
        provider: Map<'a, Raw<'a>> as "provider",
        conditions: List<Condition<'a>> as "conditions",
    }

    /// `ClusterSecretStoreCondition`: the namespaces of any of these may use the store.
    struct Condition<'a> {
        namespace_selector: Option<LabelSelector<'a>> as "namespaceSelector",
        namespace_regexes: List<Str<'a>> as "namespaceRegexes",
    }

    /// `VaultProvider`, and `OpenBaoProvider`, which is made alike.
    struct Vault<'a> {
        server: Str<'a> as "server",
        ca_bundle: Str<'a> as "caBundle",
        ca_provider: Option<()> as "caProvider",
        auth: VaultAuth<'a> as "auth",
    }

    /// `VaultAuth`
    struct VaultAuth<'a> {
        token_secret_ref: Option<()> as "tokenSecretRef",
        user_pass: Option<()> as "userPass",
        ldap: Option<()> as "ldap",
        app_role: Option<()> as "appRole",
        kubernetes: Option<Kubernetes<'a>> as "kubernetes",
        jwt: Option<Method> as "jwt",
        iam: Option<Method> as "iam",
        gcp: Option<Method> as "gcp",
    }

    /// `VaultKubernetesAuth`
    struct Kubernetes<'a> {
        role: Str<'a> as "role",
        secret_ref: Option<()> as "secretRef",
    }

    /// A method of login that takes its credentials from a Secret, or from somewhere better.
    struct Method {
        secret_ref: Option<()> as "secretRef",
    }

    /// The login of AWS, Google Cloud, IBM and Oracle, `auth`, and that of Azure.
    struct Cloud<'a> {
        auth: Method as "auth",
        auth_secret_ref: Option<()> as "authSecretRef",
        auth_type: Str<'a> as "authType",
    }
}

/// Checks a store; `for_cluster` is whether it serves all namespaces.
pub fn check(request: &Request<'_>, for_cluster: bool, check: &mut Check<'_>) -> Result<(), Error> {
    let store: Store<'_> = request.object()?;
    let spec = Path::new("spec");
    let path = spec.field("provider");
    let mut count = 0;
    for (name, raw) in &store.spec.provider {
        if raw.get() == "null" {
            continue;
        }
        count += 1;
        let path = path.key(name);
        check.provider(&[name], &path);
        // Its values are findings enough.
        if *name != "fake" {
            check.configuration(*raw, name, &path)?;
        }
        match name.as_str() {
            "vault" | "openBao" => vault(read(*raw, &path)?, &path, check),
            "aws" | "gcpsm" | "ibm" | "oracle" | "azurekv" => cloud(&read(*raw, &path)?, &path, check),
            _ => {}
        }
    }
    if count != 1 {
        let message = if count == 0 { "the store has no provider" } else { "the store has more than one provider" };
        check.add(&ONE_PROVIDER, &path, &[message]);
    }
    if for_cluster {
        conditions(&store.spec.conditions, &spec, check);
    }
    Ok(())
}

fn read<'a, T: json::Read<'a>>(raw: Raw<'a>, path: &Path<'_>) -> Result<T, Error> {
    json::from_str(raw.get()).map_err(|error| Error::malformed(path, error.problem))
}

fn vault(vault: Vault<'_>, path: &Path<'_>, check: &mut Check<'_>) {
    let has_ca = !vault.ca_bundle.is_empty() || vault.ca_provider.is_some();
    check.vault_ca(&vault.server, has_ca, &path.field("server"));
    let auth = &vault.auth;
    let path = path.field("auth");
    for (used, field, what) in [
        (auth.token_secret_ref.is_some(), "tokenSecretRef", "a token"),
        (auth.user_pass.is_some(), "userPass", "a password"),
        (auth.ldap.is_some(), "ldap", "a password"),
    ] {
        if used {
            check.add(&STATIC_TOKEN, &path.field(field), &["the login is ", what, " that is kept in a Secret"]);
        }
    }
    let by_secret = |method: &Option<Method>| method.as_ref().is_some_and(|method| method.secret_ref.is_some());
    for (used, field) in [
        (auth.app_role.is_some(), "appRole.secretRef"),
        (auth.kubernetes.as_ref().is_some_and(|method| method.secret_ref.is_some()), "kubernetes.secretRef"),
        (by_secret(&auth.jwt), "jwt.secretRef"),
        (by_secret(&auth.iam), "iam.secretRef"),
        (by_secret(&auth.gcp), "gcp.secretRef"),
    ] {
        if used {
            static_credentials(&path.field(field), check);
        }
    }
    if auth.kubernetes.as_ref().is_some_and(|method| method.role.is_empty()) {
        check.add(&VAULT_ROLE, &path.field("kubernetes.role"), &["the login to Vault names no role"]);
    }
}

fn cloud(cloud: &Cloud<'_>, path: &Path<'_>, check: &mut Check<'_>) {
    if cloud.auth.secret_ref.is_some() {
        static_credentials(&path.field("auth.secretRef"), check);
    }
    // Azure: with a workload's identity, the reference holds the tenant and the client's id alone.
    if cloud.auth_secret_ref.is_some() && matches!(&*cloud.auth_type, "" | "ServicePrincipal") {
        static_credentials(&path.field("authSecretRef"), check);
    }
}

/// A login by what is kept in a Secret.
pub fn static_credentials(path: &Path<'_>, check: &mut Check<'_>) {
    check.add(&STATIC_CREDENTIALS, path, &["the login is a credential that is kept in a Secret, and lives until somebody changes it"]);
}

fn conditions(conditions: &List<Condition<'_>>, spec: &Path<'_>, check: &mut Check<'_>) {
    if conditions.is_empty() {
        check.open(&spec.field("conditions"), "every namespace may use the store, since it has no conditions");
    }
    for (index, condition) in conditions.iter().enumerate() {
        let path = spec.item("conditions", index);
        if condition.namespace_selector.as_ref().is_some_and(selects_everything) {
            check.open(&path.field("namespaceSelector"), "the selector selects every namespace");
        }
        for (index, pattern) in condition.namespace_regexes.iter().enumerate() {
            check.namespace_regex(pattern, &path.item("namespaceRegexes", index));
        }
    }
}

/// Whether a selector of namespaces selects all of them: it is empty, or only asks for the label that each namespace has.
pub fn selects_everything(selector: &LabelSelector<'_>) -> bool {
    selector.match_labels.is_empty()
        && selector
            .match_expressions
            .iter()
            .all(|expression| expression.operator == "Exists" && expression.key == "kubernetes.io/metadata.name")
}
