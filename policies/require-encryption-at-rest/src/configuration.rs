//! EncryptionConfiguration: which provider writes the resources that must be encrypted, and whether the file is one at all.

use palisade_sdk::{Error, List, Path, Report, Request, Str};

use crate::keys::{self, Flaw};
use crate::{Settings, rules};

palisade_sdk::view! {
    /// `EncryptionConfiguration` (`apiserver.config.k8s.io/v1`)
    struct Configuration<'a> {
        entries: List<Entry<'a>> as "resources",
    }

    /// `ResourceConfiguration`
    struct Entry<'a> {
        resources: List<Str<'a>> as "resources",
        providers: List<Provider<'a>> as "providers",
    }

    /// `ProviderConfiguration`
    struct Provider<'a> {
        kms: Option<Kms<'a>> as "kms",
        aesgcm: Option<Keys<'a>> as "aesgcm",
        aescbc: Option<Keys<'a>> as "aescbc",
        secretbox: Option<Keys<'a>> as "secretbox",
        identity: Option<()> as "identity",
    }

    /// `KMSConfiguration`
    struct Kms<'a> {
        api_version: Str<'a> as "apiVersion",
        name: Str<'a> as "name",
        cache_size: Option<i64> as "cachesize",
        endpoint: Str<'a> as "endpoint",
        timeout: Str<'a> as "timeout",
    }

    /// `AESConfiguration`, `SecretboxConfiguration`
    struct Keys<'a> {
        keys: List<Key<'a>> as "keys",
    }

    /// `Key`
    struct Key<'a> {
        name: Str<'a> as "name",
        secret: Str<'a> as "secret",
    }
}

/// Key sizes of AES, in bytes.
const AES: &[usize] = &[16, 24, 32];

/// The key size of XSalsa20.
const SECRETBOX: &[usize] = &[32];

/// So many earlier names are compared with each: nobody has more, and the work stays linear.
const COMPARED: usize = 100;

impl Provider<'_> {
    /// What each of the three that keep keys in the file is called, and the lengths of its keys.
    fn local(&self) -> [(&'static str, &'static [usize], Option<&Keys<'_>>); 3] {
        [
            ("aesgcm", AES, self.aesgcm.as_ref()),
            ("aescbc", AES, self.aescbc.as_ref()),
            ("secretbox", SECRETBOX, self.secretbox.as_ref()),
        ]
    }
}

/// A resource and its group, as the API server takes the name apart: `deployments.apps`, `secrets`, `*.`, `*.*`.
fn group_resource(name: &str) -> (&str, &str) {
    name.split_once('.').unwrap_or((name, ""))
}

pub fn judge(request: &Request<'_>, settings: &Settings, report: &mut Report) -> Result<(), Error> {
    let configuration: Configuration<'_> = request.object()?;
    let entries = Path::new("resources");
    let mut kms_names: Vec<&str> = Vec::new();
    for (index, entry) in configuration.entries.iter().enumerate() {
        let path = entries.index(index);
        judge_names(entry, &path, report);
        if entry.providers.is_empty() {
            report.add(&rules::INVALID, &path.field("providers"), "an entry needs a provider");
        }
        for (index, provider) in entry.providers.iter().enumerate() {
            judge_provider(provider, index == 0, &path.item("providers", index), &mut kms_names, report);
        }
    }
    let mut judged = Vec::new();
    for resource in &settings.resources {
        judge_resource(resource, &configuration, &mut judged, report);
    }
    Ok(())
}

/// The names of the resources of an entry, by themselves.
fn judge_names(entry: &Entry<'_>, path: &Path<'_>, report: &mut Report) {
    if entry.resources.is_empty() {
        report.add(&rules::INVALID, &path.field("resources"), "an entry needs a resource");
    }
    let mut wildcards: Vec<&str> = Vec::new();
    for (index, name) in entry.resources.iter().enumerate() {
        let (resource, group) = group_resource(name);
        let earlier = entry.resources.iter().take(index.min(COMPARED));
        let problem = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            "the names of resources have no capitals"
        } else if name == "*" {
            "write *. for the core group, or *.* for all"
        } else if group == "*" && resource != "*" {
            "one resource of all groups can't be named"
        } else if group == "events.k8s.io" {
            "events are stored as those of the core group: write events"
        } else if group == "extensions" {
            "the group extensions is gone"
        } else if matches!(name.as_str(), "apiserveripinfo" | "serviceipallocations" | "servicenodeportallocations") {
            "what has no REST API can't be encrypted"
        } else if earlier.clone().any(|earlier| group_resource(earlier) == (resource, group)) {
            "the resource is in this list before"
        } else if (index > 0 && name == "*.*")
            || wildcards.iter().any(|wildcard| *wildcard == group || *wildcard == "*")
            || (resource == "*" && earlier.clone().any(|earlier| group_resource(earlier).1 == group))
        {
            "the list holds a resource and a pattern that covers it"
        } else {
            ""
        };
        if !problem.is_empty() {
            report.add(&rules::INVALID, &path.item("resources", index), problem);
        }
        if resource == "*" && wildcards.len() < COMPARED {
            wildcards.push(group);
        }
    }
}

fn judge_provider<'c>(
    provider: &'c Provider<'_>,
    writes: bool,
    path: &Path<'_>,
    kms_names: &mut Vec<&'c str>,
    report: &mut Report,
) {
    let local = provider.local();
    let kept = local.iter().filter(|(.., keys)| keys.is_some()).count();
    let number = kept + usize::from(provider.kms.is_some()) + usize::from(provider.identity.is_some());
    if number != 1 {
        let problem = if number == 0 {
            "the provider is none of kms, secretbox, aescbc, aesgcm and identity; identity is written with {}"
        } else {
            "each provider is an item of its own"
        };
        report.add(&rules::INVALID, path, problem);
    }
    for (name, lengths, keys) in local {
        if let Some(keys) = keys {
            judge_keys(keys, lengths, writes, &path.field(name), report);
        }
    }
    if let Some(kms) = &provider.kms {
        judge_kms(kms, &path.field("kms"), kms_names, report);
    }
}

fn judge_keys(keys: &Keys<'_>, lengths: &[usize], writes: bool, path: &Path<'_>, report: &mut Report) {
    if keys.keys.is_empty() {
        report.add(&rules::INVALID, &path.field("keys"), "a provider needs a key");
    }
    for (index, key) in keys.keys.iter().enumerate() {
        let path = path.item("keys", index);
        if key.name.is_empty() {
            report.add(&rules::INVALID, &path.field("name"), "a key needs a name");
        } else if keys.keys.iter().take(index.min(COMPARED)).any(|earlier| *earlier.name == *key.name) {
            let problem = "a key before it has the same name, so what this one encrypted is never read again";
            report.add(&rules::INVALID, &path.field("name"), problem);
        }
        let message = match keys::flaw(&key.secret, lengths) {
            Some(Flaw::NotBase64) => "the key is not in base64".to_owned(),
            Some(Flaw::Length(0)) => "there is no key".to_owned(),
            Some(Flaw::Length(length)) => {
                let wanted = if lengths.len() > 1 { " bytes, and must have 16, 24 or 32" } else { " bytes, and must have 32" };
                ["the key has ", &length.to_string(), wanted].concat()
            }
            // Those behind the first only read what they once encrypted.
            Some(Flaw::Guessable) if writes && index == 0 => "the key is text or a pattern, and no random bytes".to_owned(),
            _ => continue,
        };
        report.add(&rules::WEAK_KEY, &path.field("secret"), message);
    }
}

fn judge_kms<'c>(kms: &'c Kms<'_>, path: &Path<'_>, names: &mut Vec<&'c str>, report: &mut Report) {
    let is_v2 = kms.api_version == "v2";
    let mut invalid = |field: &str, problem: &str| report.add(&rules::INVALID, &path.field(field), problem);
    if !matches!(kms.api_version.as_str(), "" | "v1" | "v2") {
        invalid("apiVersion", "the versions of KMS are v1 and v2");
    }
    if kms.name.is_empty() {
        invalid("name", "a KMS provider needs a name");
    } else if is_v2 && kms.name.contains(':') {
        invalid("name", "the name of a KMS provider has no colon");
    } else if is_v2 && names.iter().any(|name| kms.name == *name) {
        invalid("name", "another KMS provider has the same name");
    }
    if names.len() < COMPARED {
        names.push(&kms.name);
    }
    if !kms.endpoint.starts_with("unix:") {
        invalid("endpoint", "the KMS plugin is reached by a socket: unix:///…");
    }
    match kms.cache_size {
        Some(_) if is_v2 => invalid("cachesize", "KMS v2 has no cachesize"),
        Some(0) => invalid("cachesize", "the cache holds at least one key, or is switched off by a negative number"),
        _ => {}
    }
    if kms.timeout.starts_with('-') || (!kms.timeout.is_empty() && !kms.timeout.bytes().any(|byte| matches!(byte, b'1'..=b'9')))
    {
        invalid("timeout", "the timeout is longer than nothing");
    }
}

/// Finds the provider that writes a resource, as the API server does: an entry that names it counts before one for its group, and that before
/// one for all. `judged` are the entries whose provider was judged before.
fn judge_resource(wanted: &str, configuration: &Configuration<'_>, judged: &mut Vec<usize>, report: &mut Report) {
    let (resource, group) = group_resource(wanted);
    let entries = Path::new("resources");
    let mut found: [Option<usize>; 3] = [None; 3];
    for (index, entry) in configuration.entries.iter().enumerate() {
        for (place, name) in entry.resources.iter().enumerate() {
            let level = match group_resource(name) {
                exact if exact == (resource, group) => 0,
                ("*", of) if of == group => 1,
                ("*", "*") => 2,
                _ => continue,
            };
            // What a wider entry before it covers the API server does not take.
            let is_masked = found.iter().skip(level + 1).any(|wider| wider.is_some_and(|wider| wider < index));
            if is_masked {
                let path = entries.index(index);
                report.add(&rules::INVALID, &path.item("resources", place), "an entry before this one covers it already");
            }
            if let Some(found) = found.get_mut(level)
                && found.is_none()
                && !entry.providers.is_empty()
            {
                *found = Some(index);
            }
        }
    }
    let Some(index) = found.into_iter().flatten().next() else {
        let message = ["no entry covers ", wanted, ", which are stored in plain text"].concat();
        report.add(&rules::NOT_ENCRYPTED, &entries, message);
        return;
    };
    if judged.contains(&index) {
        return;
    }
    judged.push(index);
    let Some(writer) = configuration.entries.get(index).and_then(|entry| entry.providers.first()) else { return };
    let entry = entries.index(index);
    let path = entry.item("providers", 0);
    let of = |text: &str| [text, wanted].concat();
    if writer.identity.is_some() {
        report.add(
            &rules::IDENTITY_FIRST,
            &path.field("identity"),
            of("identity is the first provider, so it writes, in plain text, the "),
        );
    } else if let Some(kms) = &writer.kms {
        if kms.api_version != "v2" {
            let message = match kms.api_version.as_str() {
                "" => "without an apiVersion this is KMS v1",
                _ => "the KMS provider that writes is one of v1",
            };
            report.add(&rules::KMS_V1, &path.field("kms.apiVersion"), message);
        }
    } else if writer.aesgcm.is_some() {
        report.add(
            &rules::AES_GCM,
            &path.field("aesgcm"),
            of("aesgcm, with a key that is not replaced in time, encrypts the "),
        );
    } else if writer.aescbc.is_some() {
        let message = of("a key in this file encrypts, by aescbc, which is open to padding oracle attacks, the ");
        report.add(&rules::LOCAL_KEY, &path.field("aescbc"), message);
    } else if writer.secretbox.is_some() {
        report.add(&rules::LOCAL_KEY, &path.field("secretbox"), of("a key in this file encrypts the "));
    }
}
