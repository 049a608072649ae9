//! Secrets: made by an operator, or written by hand.

use palisade_sdk::{Error, Map, Operation, Path, Raw, Request, Rule, Str, glob};

use crate::check::Check;
use crate::node::Node;
use crate::origin::{self, Origin};
use crate::remedy;
use crate::rules::{
    BOOTSTRAP_TOKEN, CLAIMED_MANAGER, HAND_WRITTEN_BASIC_AUTH, HAND_WRITTEN_IMAGE_PULL, HAND_WRITTEN_SECRET,
    HAND_WRITTEN_SSH_AUTH, HAND_WRITTEN_TLS, HELM_RELEASE,
};
use crate::text::short;

palisade_sdk::view! {
    /// A Secret.
    struct Secret<'a> {
        metadata: Option<Raw<'a>> as "metadata",
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

    /// Where its values are.
    fn path(&self) -> Path<'static> {
        Path::new(if self.data.is_empty() { "stringData" } else { "data" })
    }
}

/// A Secret that is written, and by whom.
struct Writing<'w, 'a> {
    secret: Secret<'a>,
    /// Its type; `Opaque` where it gives none.
    secret_type: &'w str,
    /// Its name, or the beginning of it where the API server makes the rest.
    name: &'w str,
    namespace: &'w str,
    user: &'w str,
    metadata: Node<'w, 'a>,
    /// The metadata before an UPDATE.
    old: Option<Node<'w, 'a>>,
}

/// Checks a Secret.
pub fn check(request: &Request<'_>, object: &Node<'_, '_>, check: &mut Check<'_>) -> Result<(), Error> {
    let secret: Secret<'_> = request.object()?;
    let old: Option<Secret<'_>> = if request.operation == Operation::Update { request.old_object()? } else { None };
    if secret.is_empty() || old.as_ref().is_some_and(|old| secret.is_unchanged(old)) {
        return Ok(());
    }
    let metadata = object.at("metadata");
    let (name, generate_name) = (metadata.at("name").text(), metadata.at("generateName").text());
    let secret_type = secret.secret_type.clone();
    let writing = Writing {
        secret,
        secret_type: if secret_type.is_empty() { "Opaque" } else { &secret_type },
        name: if name.is_empty() { generate_name.trim_end_matches('-') } else { &name },
        namespace: &request.namespace,
        user: &request.user_info.username,
        metadata,
        old: old.map(|old| metadata.replaced(old.metadata)),
    };
    if writing.is_allowed(check) {
        return Ok(());
    }
    match writing.secret_type {
        SERVICE_ACCOUNT => {
            writing.others(SERVICE_ACCOUNT_KEYS, "a ServiceAccount's token", &HAND_WRITTEN_SECRET, check);
        }
        BOOTSTRAP => writing.bootstrap_token(check),
        HELM => writing.helm_release(check),
        _ => writing.judge(check),
    }
    Ok(())
}

impl Writing<'_, '_> {
    fn is_allowed(&self, check: &Check<'_>) -> bool {
        let is = |pattern: &Option<String>, text: &str| pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, text));
        check.settings.allowed_secrets.iter().any(|allowed| {
            is(&allowed.name, self.name) && is(&allowed.namespace, self.namespace) && is(&allowed.r#type, self.secret_type)
        })
    }

    /// Keys that do not belong to a type that Kubernetes or Helm makes: a type is no cover for other values.
    fn others(&self, keys: &[&str], what: &str, rule: &Rule, check: &mut Check<'_>) {
        for (field, key, value) in self.secret.values() {
            if !value.is_empty() && !keys.iter().any(|known| origin::is_meant(key, known)) {
                check.add(rule, &Path::new(field).key(key), &["the key ", short(key), " is no part of ", what]);
            }
        }
    }

    fn bootstrap_token(&self, check: &mut Check<'_>) {
        if self.namespace != "kube-system" || !self.name.starts_with("bootstrap-token-") {
            let message = "it is no bootstrap token: those are named bootstrap-token-… and in kube-system";
            check.add(&BOOTSTRAP_TOKEN, &Path::new("type"), &[message]);
        }
        if self.secret.values().all(|(_, key, value)| *key != "expiration" || value.is_empty()) {
            let message = "the token does not expire: it has no expiration";
            check.add(&BOOTSTRAP_TOKEN, &self.secret.path(), &[message]);
        }
        self.others(BOOTSTRAP_KEYS, "a bootstrap token", &BOOTSTRAP_TOKEN, check);
    }

    fn helm_release(&self, check: &mut Check<'_>) {
        if !self.name.starts_with("sh.helm.release.v1.") {
            let message = "it is no release of Helm: those are named sh.helm.release.v1.<release>.v<revision>";
            check.add(&HELM_RELEASE, &Path::new("type"), &[message]);
        }
        self.others(HELM_KEYS, "a release of Helm", &HELM_RELEASE, check);
    }

    /// Any other type: whether it was made, or written by hand.
    fn judge(&self, check: &mut Check<'_>) {
        let trusted = &check.settings.trusted_writers;
        if trusted.iter().any(|pattern| glob::matches(pattern, self.user)) {
            return;
        }
        let origin = match origin::of(&self.metadata, self.old.as_ref(), check.settings) {
            Origin::Unknown if self.secret_type == TLS && origin::is_certificate(&self.metadata) => {
                Origin::Manager("cert-manager")
            }
            origin => origin,
        };
        let claimed = match origin {
            Origin::Unknown => return self.by_hand(check),
            Origin::Manager(name) => name,
            Origin::TrustedOwner => "its owner",
        };
        // In the background audit and in a scan nobody is known to write.
        if !self.user.is_empty() && (!trusted.is_empty() || is_person(self.user)) {
            let message = ["the Secret says that ", claimed, " makes it, and ", short(self.user), " writes it"];
            check.add(&CLAIMED_MANAGER, &self.secret.path(), &message);
        }
    }

    fn by_hand(&self, check: &mut Check<'_>) {
        const SHOWN: usize = 5;
        let mut message = String::from("written by hand: ");
        for (index, (_, key, _)) in self.secret.values().take(SHOWN).enumerate() {
            message.push_str(if index > 0 { ", " } else { "" });
            message.push_str(short(key));
        }
        if self.secret.values().nth(SHOWN).is_some() {
            message.push_str(" and more");
        }
        let mut owned = false;
        self.metadata.at("ownerReferences").items(&mut |owner| {
            let (kind, name) = (owner.at("kind").text(), owner.at("name").text());
            if !owned {
                let parts = ["; its owner, the ", short(&kind), " ", short(&name), ", is no known operator's or has no uid"];
                message.push_str(&parts.concat());
            }
            owned = true;
        });
        if !owned && let Some(manager) = origin::marked(&self.metadata) {
            message.push_str(&["; it has the label of ", manager, ", which anybody can write"].concat());
        }
        let rule = TYPES.iter().find(|(name, _)| *name == self.secret_type).map_or(&HAND_WRITTEN_SECRET, |(_, rule)| *rule);
        let keys: Vec<&str> = self.secret.values().map(|(_, key, _)| key.as_str()).take(remedy::LISTED + 1).collect();
        let remedy = remedy::manifests(rule, self.name, self.namespace, self.secret_type, &keys);
        check.report.add_with_remedy(rule, &self.secret.path(), message, remedy);
    }
}

/// Operators are ServiceAccounts; the control plane's own users begin with `system:` too.
fn is_person(user: &str) -> bool {
    !user.starts_with("system:") || matches!(user, "system:admin" | "system:anonymous")
}
