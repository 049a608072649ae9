//! Secrets that hold a token.

use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Error, Operation, Path, Report, Request, Str};

use crate::{Settings, covers, rules};

/// The annotation that names the ServiceAccount of a token Secret.
const NAME: &str = "kubernetes.io/service-account.name";

palisade_sdk::view! {
    /// `Secret` (`v1`), without what it holds.
    struct Secret<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        kind: Str<'a> as "type",
    }
}

impl Secret<'_> {
    fn is_token(&self) -> bool {
        self.kind == "kubernetes.io/service-account-token"
    }

    fn account(&self) -> &str {
        self.metadata.annotations.get(NAME).map_or("", |name| name.as_str())
    }
}

pub fn judge(request: &Request<'_>, settings: &Settings, report: &mut Report) -> Result<(), Error> {
    let secret: Secret<'_> = request.object()?;
    if !secret.is_token() {
        return Ok(());
    }
    // A Secret's type never changes. So an update makes no new token, unless it names another ServiceAccount: it is the token controller
    // that fills the Secret in, the API server that notes its last use, the cleaner that marks it. The background audit reports it.
    if request.operation == Operation::Update
        && let Some(old) = request.old_object::<Secret<'_>>()?
        && old.is_token()
        && old.account() == secret.account()
    {
        return Ok(());
    }
    // Until Kubernetes 1.24 the controller made one for each ServiceAccount.
    if request.user_info.username == "system:kube-controller-manager" {
        return Ok(());
    }
    let name = match secret.metadata.name.as_str() {
        "" => secret.metadata.generate_name.as_str(),
        name => name,
    };
    if settings.allowed_token_secrets.iter().any(|allowed| covers(&allowed.name, &allowed.namespace, name, &request.namespace))
    {
        return Ok(());
    }
    let account = match secret.account() {
        "" => "a ServiceAccount".to_owned(),
        account => ["ServiceAccount ", crate::pod::short(account)].concat(),
    };
    let message = ["it holds a token of ", &account, " that never expires: whoever reads it can act as that account"].concat();
    report.add(&rules::TOKEN_SECRET, &Path::new("type"), message);
    Ok(())
}
