//! Pods, and what makes them.

use palisade_sdk::json::Raw;
use palisade_sdk::views::ObjectMeta;
use palisade_sdk::{Answer, Error, GetQuery, Host, Operation, Path, Report, Request};

use crate::account::ServiceAccount;
use crate::volumes::{PodSpec, Token, Uses};
use crate::{Settings, rules};

/// The annotation of a pod that mirrors one of the kubelet's own. The API server lets such a pod have no ServiceAccount and no token.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// Audiences for which widespread webhooks add tokens to pods, and how long those live, in seconds: Amazon EKS Pod Identity Webhook, Linkerd,
/// Istio. What they add is there before this policy looks.
const ADDED_BY_WEBHOOKS: [(&str, i64); 3] = [("sts.amazonaws.com", 86_400), ("identity.l5d.io", 86_400), ("istio-ca", 43_200)];

/// How long a token lives that does not say it, in seconds.
const DEFAULT_SECONDS: i64 = 3600;

pub fn judge(request: &Request<'_>, settings: &Settings, host: &dyn Host, report: &mut Report) -> Result<(), Error> {
    let Some(template) = request.pod_template::<PodSpec<'_>>()? else { return Ok(()) };
    if template.metadata.annotations.contains_key(MIRROR) || changes_nothing(request)? {
        return Ok(());
    }
    let spec = &template.spec;
    let spec_path = template.spec_path();
    let name_path = spec_path.field("serviceAccountName");
    let alias_path = spec_path.field("serviceAccount");
    // The order of the API server's conversion.
    let (account, account_path) = match (spec.service_account_name.as_str(), spec.service_account.as_str()) {
        ("", "") => ("default", &name_path),
        ("", alias) => (alias, &alias_path),
        (name, _) => (name, &name_path),
    };
    if !spec.service_account.is_empty() && spec.service_account != *spec.service_account_name {
        let message = match spec.service_account_name.as_str() {
            "" => "serviceAccount is a deprecated alias of serviceAccountName".to_owned(),
            name => ["the pod runs as ", short(name), ", as serviceAccountName says: this field is ignored"].concat(),
        };
        report.add(&rules::DEPRECATED_FIELD, &alias_path, message);
    }
    let is_allowed = settings.allows_client(&request.namespace, account);

    let uses = Uses::find(spec, account, request.kind.kind == "Pod");
    let is_default = account == "default";
    let needs_answer = spec.automount.is_none() && uses.room_for_token && !is_allowed;
    let looks_up = needs_answer || (!is_default && report.severity_of(&rules::SERVICE_ACCOUNT_MISSING).is_some());
    // What is no name is not asked for: a placeholder that was never filled in, or a path to something else.
    let answer = if looks_up && is_name(account) { look_up(host, &request.namespace, account)? } else { None };
    // It is there in every namespace, also where no document says so.
    if looks_up && !is_default && answer.is_none() {
        let message = if is_name(account) {
            let namespace = request.namespace.as_str();
            let rest = ": no pod starts, and whoever makes the account decides what the pods may do";
            ["there is no ServiceAccount ", account, " in namespace ", namespace, rest].concat()
        } else {
            ["no ServiceAccount can be called ", short(account)].concat()
        };
        report.add(&rules::SERVICE_ACCOUNT_MISSING, account_path, message);
    }
    if is_allowed {
        return Ok(());
    }
    let of_account = answer.as_ref().map(Answer::read::<ServiceAccount<'_>>).transpose()?.and_then(|account| account.automount);
    let automounted = uses.room_for_token && spec.automount.or(of_account).unwrap_or(true);
    if automounted && spec.automount.is_none() {
        let message = if of_account == Some(true) {
            [
                "the pod gets the token of ServiceAccount ",
                short(account),
                ", which gives it to every pod, and did not ask for it: whoever gets into a container can act as that account",
            ]
        } else {
            [
                "neither the pod nor ServiceAccount ",
                short(account),
                " says that no token is to be mounted: whoever gets into a container can act as that account",
            ]
        };
        report.add(&rules::TOKEN_MOUNTED, &spec_path.field("automountServiceAccountToken"), message.concat());
    }

    let mut judge =
        Judge { settings, report, account, asks: automounted && spec.automount == Some(true), has_token: automounted };
    for (index, (volume, used)) in spec.volumes.iter().zip(&uses.of_volume).enumerate() {
        let path = spec_path.item("volumes", index);
        if automounted && used.looks_injected {
            continue;
        }
        if volume.is_secret() && used.in_token_dir {
            let message = [
                "the Secret of volume ",
                short(&volume.name),
                " is mounted as the token of the API server: it does not expire when the pod goes",
            ];
            judge.has_token = true;
            judge.report.add(&rules::TOKEN_FROM_SECRET, &path, message.concat());
        }
        for (source, token) in volume.tokens() {
            let sources = path.field("projected");
            let source = sources.item("sources", source);
            let path = source.field("serviceAccountToken");
            if used.mounted {
                judge.token(token, used.is_for_api_clients(token), &path);
            } else {
                judge.report.add(
                    &rules::TOKEN_UNUSED,
                    &path,
                    ["no container mounts the volume ", short(&volume.name), ", for which the kubelet gets a token"].concat(),
                );
            }
        }
    }

    let Judge { report, asks, has_token, .. } = judge;
    if is_default && has_token {
        report.add(
            &rules::DEFAULT_SERVICE_ACCOUNT,
            account_path,
            "the pod holds a token of the ServiceAccount default: what is granted to that, every other pod of the namespace has too",
        );
    } else if is_default {
        report.add(
            &rules::DEFAULT_WITHOUT_TOKEN,
            account_path,
            "the pod runs as the ServiceAccount default, if without its token",
        );
    }
    if asks && settings.only_allowed_clients {
        let message = [
            "the pod asks for a token of the API server, and ServiceAccount ",
            short(account),
            " is not among the allowed clients",
        ];
        report.add(&rules::UNLISTED_CLIENT, account_path, message.concat());
    }
    Ok(())
}

/// Judges the projected tokens of a pod.
struct Judge<'j> {
    settings: &'j Settings,
    report: &'j mut Report,
    account: &'j str,
    /// The pod asks for a token of the API server.
    asks: bool,
    has_token: bool,
}

impl Judge<'_> {
    fn token(&mut self, token: &Token<'_>, for_api_clients: bool, path: &Path<'_>) {
        self.has_token = true;
        let is_api_server = self.settings.is_api_server(&token.audience);
        if is_api_server && for_api_clients {
            self.asks = true;
        } else if is_api_server {
            let which = match token.audience.as_str() {
                "" => "the token names no audience, and so is",
                _ => "the token is",
            };
            let message =
                [which, " one for the API server: whoever receives it can act there as ServiceAccount ", short(self.account)];
            self.report.add(&rules::TOKEN_AUDIENCE, &path.field("audience"), message.concat());
        }
        let seconds = token.expiration_seconds.unwrap_or(DEFAULT_SECONDS);
        let known =
            ADDED_BY_WEBHOOKS.iter().find(|(audience, _)| token.audience == *audience).map_or(0, |(_, seconds)| *seconds);
        let limit = i64::from(self.settings.max_token_seconds).max(known);
        if seconds > limit {
            let limit = limit.to_string();
            let message = ["the token lives for ", &seconds.to_string(), " seconds, and ", &limit, " are allowed"].concat();
            let remedy = ["write expirationSeconds: ", &limit, ", or less: the kubelet renews the token in time"].concat();
            self.report.add_with_remedy(&rules::TOKEN_LIFETIME, &path.field("expirationSeconds"), message, remedy);
        }
    }
}

/// Whether the request leaves everything as it was that this policy looks at: a Pod's ServiceAccount and volumes never change, and the
/// updates of what a controller owns are that controller's work.
fn changes_nothing(request: &Request<'_>) -> Result<bool, Error> {
    palisade_sdk::view! {
        struct Object<'a> {
            metadata: ObjectMeta<'a> as "metadata",
        }
    }
    if request.operation != Operation::Update {
        return Ok(false);
    }
    if request.kind.kind == "Pod" {
        return Ok(true);
    }
    let object: Object<'_> = request.object()?;
    if !object.metadata.owner_references.iter().any(|owner| owner.controller == Some(true)) {
        return Ok(false);
    }
    let new = request.pod_template::<Raw<'_>>()?;
    let old = request.old_pod_template::<Raw<'_>>()?;
    Ok(matches!((old, new), (Some(old), Some(new)) if old.spec == new.spec))
}

fn look_up(host: &dyn Host, namespace: &str, name: &str) -> Result<Option<Answer>, Error> {
    host.get(&GetQuery::new("v1", "ServiceAccount", name).namespace(namespace).fields(&["automountServiceAccountToken"]))
}

/// Whether an object can have this name: a DNS subdomain, as far as its letters go.
fn is_name(name: &str) -> bool {
    name.len() <= 253 && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
}

/// A name for a message. No valid one is longer.
pub fn short(name: &str) -> &str {
    if name.len() > 253 { "(its name is too long)" } else { name }
}
