//! The kinds of the External Secrets Operator: what is fetched, how often, where it goes; and what is pushed out.

use crate::check::{Check, selects_everything};
use crate::node::Node;
use crate::rules::{FIND_EVERYTHING, ORPHANED_SECRET, PUSH_EVERYTHING, REFRESH_INTERVAL, SECRET_IN_OTHER_KIND, STORE_PROVIDER};
use crate::{store, text};

/// The API group.
pub const GROUP: &str = "external-secrets.io";

/// Checks an object of the operator's.
pub fn check(kind: &str, object: &Node<'_, '_>, check: &mut Check<'_>) {
    let spec = object.at("spec");
    match kind {
        "SecretStore" => store::check(&spec, false, check),
        "ClusterSecretStore" => store::check(&spec, true, check),
        "ExternalSecret" => external_secret(&spec, check),
        "ClusterExternalSecret" => {
            check.namespace_selector(&spec.at("namespaceSelector"));
            spec.at("namespaceSelectors").items(&mut |selector| check.namespace_selector(&selector));
            external_secret(&spec.at("externalSecretSpec"), check);
        }
        "PushSecret" => push_secret(&spec, check),
        "ClusterPushSecret" => {
            spec.at("namespaceSelectors").items(&mut |selector| check.namespace_selector(&selector));
            push_secret(&spec.at("pushSecretSpec"), check);
        }
        _ => {}
    }
}

fn external_secret(spec: &Node<'_, '_>, check: &mut Check<'_>) {
    let mut generators = 0;
    let sources = spec.at("dataFrom").items(&mut |source| {
        generators += usize::from(source.at("sourceRef.generatorRef").is_set());
        data_from(&source, check)
    });
    // A generated password is to stay the same: it is made once, on purpose.
    let generated = sources > 0 && generators == sources && spec.at("data").count() == 0;
    if !generated {
        refresh(spec, check);
    }
    let target = spec.at("target");
    let policy = target.at("creationPolicy");
    if policy.text() == "Orphan" {
        let message = "the Secret stays when the ExternalSecret goes, and shows no owner";
        check.add(&ORPHANED_SECRET, &policy.path, &[message]);
    }
    let kind = target.at("manifest.kind");
    if target.at("manifest").is_set() && (kind.text() != "Secret" || target.at("manifest.apiVersion").text() != "v1") {
        let message = ["the values are written to the kind ", text::short(&kind.text()), ", not to a Secret"].concat();
        check.add(&SECRET_IN_OTHER_KIND, &kind.path, &[&message]);
    }
    template(&target.at("template"), check);
}

fn data_from(source: &Node<'_, '_>, check: &mut Check<'_>) {
    let find = source.at("find");
    if find.is_set()
        && matches!(&*find.at("path").text(), "" | "/")
        && find.at("tags").count() == 0
        && text::matches_everything(&find.at("name.regexp").text())
    {
        check.add(&FIND_EVERYTHING, &find.path, &["it takes every secret that the store can read"]);
    }
    let generator = source.at("sourceRef.generatorRef.kind");
    if generator.text() == "Fake" {
        check.add(&STORE_PROVIDER, &generator.path, &["the generator Fake lists its values in a manifest"]);
    }
}

fn refresh(spec: &Node<'_, '_>, check: &mut Check<'_>) {
    let policy = spec.at("refreshPolicy");
    let interval = spec.at("refreshInterval");
    match &*policy.text() {
        name @ ("CreatedOnce" | "OnChange") => {
            let message = ["with ", name, " a rotated secret never arrives by itself"];
            check.add(&REFRESH_INTERVAL, &policy.path, &message);
        }
        // The API server sets an hour where none is given.
        _ if !interval.is_set() => {}
        _ => check.refresh(&interval.text(), &interval.path),
    }
}

fn template(template: &Node<'_, '_>, check: &mut Check<'_>) {
    check.written_type(&template.at("type"));
    check.literals(template, &["data", "metadata.annotations", "metadata.labels"]);
    template.at("templateFrom").items(&mut |source| {
        let literal = source.at("literal");
        check.literal("literal", &literal.text(), &literal.path);
    });
}

fn push_secret(spec: &Node<'_, '_>, check: &mut Check<'_>) {
    let selector = spec.at("selector.secret.selector");
    if selector.is_set() && selects_everything(&selector) {
        check.add(&PUSH_EVERYTHING, &selector.path, &["the selector selects every Secret of the namespace"]);
    }
    spec.at("secretStoreRefs").items(&mut |store| {
        let selector = store.at("labelSelector");
        if selector.is_set() && selects_everything(&selector) {
            check.add(&PUSH_EVERYTHING, &selector.path, &["the selector selects every store"]);
        }
    });
    template(&spec.at("template"), check);
}
