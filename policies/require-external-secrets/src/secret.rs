//! Secrets: made by an operator, or written by hand.

use palisade_sdk::{Error, Map, Operation, Path, Request, Rule, Str, glob};

use crate::check::Check;
use crate::origin::{self, Metadata, Origin};
use crate::remedy;
use crate::rules::{
    BOOTSTRAP_TOKEN, CLAIMED_MANAGER, HAND_WRITTEN_BASIC_AUTH, HAND_WRITTEN_IMAGE_PULL, HAND_WRITTEN_SECRET,
    HAND_WRITTEN_SSH_AUTH, HAND_WRITTEN_TLS, HELM_RELEASE,
};
use crate::text::short;

palisade_sdk::view! {
    /// A Secret.
    struct Secret<'a> {
        metadata: Metadata<'a> as "metadata",
        secret_type: Str<'a> as "type",
        data: Map<'a> as "data",
        string_data: Map<'a> as "stringData",
    }
}

/// The types of Kubernetes that an operator makes as well as a person, and the rule of each; all others have the general one.
const TYPES: [(&str, &Rule); 5] = [
    ("kubernetes.io/tls", &HAND_WRITTEN_TLS),
    ("kubernetes.io/dockerconfigjson", &HAND_WRITTEN_IMAGE_PULL),
    ("kubernetes.io/dockercfg", &HAND_WRITTEN_IMAGE_PULL),
    ("kubernetes.io/basic-auth", &HAND_WRITTEN_BASIC_AUTH),
    ("kubernetes.io/ssh-auth", &HAND_WRITTEN_SSH_AUTH),
];

const OPAQUE: &str = "Opaque";
const TLS: &str = "kubernetes.io/tls";
const HELM: &str = "helm.sh/release.v1";
const BOOTSTRAP: &str = "bootstrap.kubernetes.io/token";
const SERVICE_ACCOUNT: &str = "kubernetes.io/service-account-token";

/// The keys of types that Kubernetes and Helm make; those that end with `*` are meant by their beginning.
const BOOTSTRAP_KEYS: &[&str] =
    &["token-id", "token-secret", "description", "expiration", "usage-bootstrap-*", "auth-extra-groups"];
const SERVICE_ACCOUNT_KEYS: &[&str] = &["token", "ca.crt", "namespace", "service-ca.crt"];
const HELM_KEYS: &[&str] = &["release"];

impl<'a> Secret<'a> {
    /// Its values: the field they are in, the key, the value.
    fn values(&self) -> impl Iterator<Item = (&'static str, &Str<'a>, &Str<'a>)> {
        self.data
            .iter()
            .map(|(key, value)| ("data", key, value))
            .chain(self.string_data.iter().map(|(key, value)| ("stringData", key, value)))
    }

    /// Whether there is nothing in it: operators fill such Secrets.
    fn is_empty(&self) -> bool {
        self.values().all(|(_, _, value)| value.is_empty())
    }

    /// Whether an update leaves type and values as they were.
    fn is_unchanged(&self, old: &Self) -> bool {
        self.secret_type == old.secret_type && self.string_data.is_empty() && self.data == old.data
    }

    fn has(&self, key: &str) -> bool {
        self.data.contains_key(key) || self.string_data.contains_key(key)
    }
}

/// Checks a Secret.
pub fn check(request: &Request<'_>, check: &mut Check<'_>) -> Result<(), Error> {
    let secret: Secret<'_> = request.object()?;
    let old: Option<Secret<'_>> = if request.operation == Operation::Update { request.old_object()? } else { None };
    let secret_type = if secret.secret_type.is_empty() { OPAQUE } else { &*secret.secret_type };
    if secret.is_empty() || old.as_ref().is_some_and(|old| secret.is_unchanged(old)) {
        return Ok(());
    }
    if is_allowed(&secret, secret_type, request, check) {
        return Ok(());
    }
    match secret_type {
        SERVICE_ACCOUNT => others(&secret, SERVICE_ACCOUNT_KEYS, "a ServiceAccount's token", &HAND_WRITTEN_SECRET, check),
        BOOTSTRAP => bootstrap_token(&secret, request, check),
        HELM => helm_release(&secret, check),
        _ => written(&secret, old.as_ref(), secret_type, request, check),
    }
    Ok(())
}

fn is_allowed(secret: &Secret<'_>, secret_type: &str, request: &Request<'_>, check: &Check<'_>) -> bool {
    let is = |pattern: &Option<String>, text: &str| pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, text));
    let name = if secret.metadata.name.is_empty() { &secret.metadata.generate_name } else { &secret.metadata.name };
    check.settings.allowed_secrets.iter().any(|allowed| {
        is(&allowed.name, name) && is(&allowed.namespace, &request.namespace) && is(&allowed.r#type, secret_type)
    })
}

/// Keys that do not belong to a type that Kubernetes or Helm makes: a type is no cover for other values.
fn others(secret: &Secret<'_>, keys: &[&str], what: &str, rule: &Rule, check: &mut Check<'_>) {
    let belongs = |key: &str| {
        keys.iter().any(|known| match known.strip_suffix('*') {
            Some(beginning) => key.starts_with(beginning),
            None => *known == key,
        })
    };
    for (field, key, value) in secret.values() {
        if !belongs(key) && !value.is_empty() {
            check.add(rule, &Path::new(field).key(key), &["the key ", short(key), " is no part of ", what]);
        }
    }
}

fn bootstrap_token(secret: &Secret<'_>, request: &Request<'_>, check: &mut Check<'_>) {
    if request.namespace != "kube-system" || !secret.metadata.name.starts_with("bootstrap-token-") {
        let message = "it is no bootstrap token: those are named bootstrap-token-… and in kube-system";
        check.add(&BOOTSTRAP_TOKEN, &Path::new("type"), &[message]);
    }
    if !secret.has("expiration") {
        check.add(&BOOTSTRAP_TOKEN, &Path::new("data"), &["the token does not expire: it has no expiration"]);
    }
    others(secret, BOOTSTRAP_KEYS, "a bootstrap token", &BOOTSTRAP_TOKEN, check);
}

fn helm_release(secret: &Secret<'_>, check: &mut Check<'_>) {
    if !secret.metadata.name.starts_with("sh.helm.release.v1.") {
        let message = "it is no release of Helm: those are named sh.helm.release.v1.<release>.v<revision>";
        check.add(&HELM_RELEASE, &Path::new("type"), &[message]);
    }
    others(secret, HELM_KEYS, "a release of Helm", &HELM_RELEASE, check);
}

fn written(
    secret: &Secret<'_>,
    old: Option<&Secret<'_>>,
    secret_type: &str,
    request: &Request<'_>,
    check: &mut Check<'_>,
) {
    let metadata = &secret.metadata;
    let user = &*request.user_info.username;
    let trusted = &check.settings.trusted_writers;
    if trusted.iter().any(|pattern| glob::matches(pattern, user)) {
        return;
    }
    let mut origin = origin::of(metadata, old.map(|old| &old.metadata), request, check.settings);
    if matches!(origin, Origin::Unknown) && secret_type == TLS && metadata.annotations.contains_key(origin::CERTIFICATE) {
        origin = Origin::Manager("cert-manager");
    }
    // In the background audit and in a scan nobody is known to write.
    let by_another = !user.is_empty() && (!trusted.is_empty() || is_person(user));
    let path = Path::new(if secret.data.is_empty() { "stringData" } else { "data" });
    match origin {
        Origin::Manager(name) if by_another => {
            let message = ["the Secret says that ", name, " makes it, and ", short(user), " writes it"];
            check.add(&CLAIMED_MANAGER, &path, &message);
        }
        Origin::TrustedOwner if by_another => {
            let message = ["the Secret says that its owner makes it, and ", short(user), " writes it"];
            check.add(&CLAIMED_MANAGER, &path, &message);
        }
        Origin::Manager(_) | Origin::TrustedOwner => {}
        Origin::Unknown => {
            let rule = TYPES.iter().find(|(name, _)| *name == secret_type).map_or(&HAND_WRITTEN_SECRET, |(_, rule)| *rule);
            by_hand(secret, secret_type, rule, request, &path, check);
        }
    }
}

/// Operators are ServiceAccounts; the control plane's own users begin with `system:` too.
fn is_person(user: &str) -> bool {
    !user.starts_with("system:") || matches!(user, "system:admin" | "system:anonymous")
}

fn by_hand(
    secret: &Secret<'_>,
    secret_type: &str,
    rule: &Rule,
    request: &Request<'_>,
    path: &Path<'_>,
    check: &mut Check<'_>,
) {
    const SHOWN: usize = 5;
    let mut message = String::from("written by hand: ");
    for (index, (_, key, _)) in secret.values().take(SHOWN).enumerate() {
        message.push_str(if index > 0 { ", " } else { "" });
        message.push_str(short(key));
    }
    if secret.values().nth(SHOWN).is_some() {
        message.push_str(" and more");
    }
    if let Some(owner) = secret.metadata.owner_references.first() {
        for part in ["; its owner, the ", short(&owner.kind), " ", short(&owner.name), ", is no known operator's, or has no uid"] {
            message.push_str(part);
        }
    } else if let Some(manager) = origin::marked(&secret.metadata) {
        for part in ["; it has the label of ", manager, ", which anybody can write"] {
            message.push_str(part);
        }
    }
    let metadata = &secret.metadata;
    let name = if metadata.name.is_empty() { metadata.generate_name.trim_end_matches('-') } else { &metadata.name };
    let keys: Vec<&str> = secret.values().map(|(_, key, _)| key.as_str()).take(remedy::LISTED + 1).collect();
    let remedy = remedy::manifests(rule, name, &request.namespace, secret_type, &keys);
    check.report.add_with_remedy(rule, path, message, remedy);
}
