//! ServiceAccounts.

use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Error, List, Operation, Path, Report, Request, Str};

use crate::{Settings, rules};

/// The annotation by which a ServiceAccount's pods may mount only the Secrets that it lists.
const ENFORCE: &str = "kubernetes.io/enforce-mountable-secrets";

palisade_sdk::view! {
    /// `ServiceAccount` (`v1`), as far as it matters here.
    pub struct ServiceAccount<'a> {
        pub metadata: ObjectMeta<'a> as "metadata",
        /// Whether pods that do not say it themselves get a token; `None` is `true`.
        pub automount: Option<bool> as "automountServiceAccountToken",
        secrets: List<Reference<'a>> as "secrets",
    }

    /// `ObjectReference` (`v1`)
    struct Reference<'a> {
        name: Str<'a> as "name",
    }
}

impl ServiceAccount<'_> {
    /// Whether `secrets[index]` is a token of this account, by its name.
    fn lists_token(&self, index: usize) -> bool {
        let rest = self.secrets.get(index).and_then(|secret| secret.name.strip_prefix(self.metadata.name.as_str()));
        !self.metadata.name.is_empty() && rest.is_some_and(|rest| rest.starts_with("-token"))
    }

    /// As Go's `strconv.ParseBool` reads it.
    fn enforces_mountable_secrets(&self) -> bool {
        let value = self.metadata.annotations.get(ENFORCE).map_or("", |value| value.as_str());
        ["1", "t", "T", "true", "TRUE", "True"].contains(&value)
    }
}

pub fn judge(request: &Request<'_>, settings: &Settings, report: &mut Report) -> Result<(), Error> {
    let account: ServiceAccount<'_> = request.object()?;
    // Controllers patch ServiceAccounts: what an update leaves as it was is for the background audit to report.
    let old = match request.operation {
        Operation::Update => request.old_object::<ServiceAccount<'_>>()?,
        _ => None,
    };
    let name = match account.metadata.name.as_str() {
        "" => account.metadata.generate_name.as_str(),
        name => name,
    };
    let unchanged = old.as_ref().is_some_and(|old| old.automount == account.automount);
    if !unchanged && !settings.allows_client(&request.namespace, name) {
        let path = Path::new("automountServiceAccountToken");
        match account.automount {
            Some(false) => {}
            None if name == "default" => {
                // The account is made with its namespace, and without the field.
                if !crate::is_by_control_plane(request) {
                    let message = "the ServiceAccount default gives its token to every pod that names no other: nothing says that it should not";
                    report.add(&rules::ACCOUNT_AUTOMOUNTS, &path, message);
                }
            }
            None => {
                let message = [
                    "nothing keeps ServiceAccount ",
                    crate::pod::short(name),
                    " from giving its token to every pod that runs as it",
                ]
                .concat();
                report.add(&rules::ACCOUNT_SILENT, &path, message);
            }
            Some(true) => {
                let message = [
                    "every pod that runs as ServiceAccount ",
                    crate::pod::short(name),
                    " gets its token, whether it needs one or not, and so does who breaks into it",
                ]
                .concat();
                report.add(&rules::ACCOUNT_AUTOMOUNTS, &path, message);
            }
        }
    }
    let root = Path::root();
    for (index, secret) in account.secrets.iter().enumerate() {
        // As a rule there is one, and it stays where it was.
        let known = old.as_ref().and_then(|old| old.secrets.get(index)).is_some_and(|old| old.name == secret.name);
        if account.lists_token(index) && !known {
            report.add(
                &rules::TOKEN_SECRET_LISTED,
                &root.item("secrets", index),
                "it names a token of this account that never expires",
            );
        }
    }
    if account.enforces_mountable_secrets() && !old.is_some_and(|old| old.enforces_mountable_secrets()) {
        let annotations = Path::new("metadata.annotations");
        report.add(
            &rules::ENFORCE_MOUNTABLE_SECRETS,
            &annotations.key(ENFORCE),
            "it limits what the account's pods may mount, not what they may read with its token",
        );
    }
    Ok(())
}
