//! The kinds of the External Secrets Operator: what is fetched, how often, where it goes; and what is pushed out.

use palisade_sdk::selector::LabelSelector;
use palisade_sdk::{Error, List, Map, Path, Request, Str};

use crate::check::Check;
use crate::rules::{
    FIND_EVERYTHING, ORPHANED_SECRET, PUSH_EVERYTHING, REFRESH_INTERVAL, SECRET_IN_OTHER_KIND, STORE_PROVIDER,
};
use crate::store::{self, selects_everything};
use crate::text;

/// The API group.
pub const GROUP: &str = "external-secrets.io";

palisade_sdk::view! {
    struct ExternalSecret<'a> {
        spec: Spec<'a> as "spec",
    }

    /// `ExternalSecretSpec`
    struct Spec<'a> {
        refresh_policy: Str<'a> as "refreshPolicy",
        refresh_interval: Str<'a> as "refreshInterval",
        target: Target<'a> as "target",
        data: List<()> as "data",
        data_from: List<DataFrom<'a>> as "dataFrom",
    }

    /// `ExternalSecretTarget`
    struct Target<'a> {
        creation_policy: Str<'a> as "creationPolicy",
        template: Template<'a> as "template",
        manifest: Option<Manifest<'a>> as "manifest",
    }

    /// `ManifestReference`
    struct Manifest<'a> {
        api_version: Str<'a> as "apiVersion",
        kind: Str<'a> as "kind",
    }

    /// `ExternalSecretTemplate`
    struct Template<'a> {
        secret_type: Str<'a> as "type",
        metadata: TemplateMetadata<'a> as "metadata",
        data: Map<'a> as "data",
        template_from: List<TemplateFrom<'a>> as "templateFrom",
    }

    /// `ExternalSecretTemplateMetadata`
    struct TemplateMetadata<'a> {
        annotations: Map<'a> as "annotations",
        labels: Map<'a> as "labels",
    }

    /// `TemplateFrom`
    struct TemplateFrom<'a> {
        literal: Str<'a> as "literal",
    }

    /// `ExternalSecretDataFromRemoteRef`
    struct DataFrom<'a> {
        find: Option<Find<'a>> as "find",
        source_ref: SourceRef<'a> as "sourceRef",
    }

    /// `ExternalSecretFind`
    struct Find<'a> {
        path: Str<'a> as "path",
        name: FindName<'a> as "name",
        tags: Map<'a> as "tags",
    }

    /// `FindName`
    struct FindName<'a> {
        regexp: Str<'a> as "regexp",
    }

    /// `StoreGeneratorSourceRef`
    struct SourceRef<'a> {
        generator_ref: Option<GeneratorRef<'a>> as "generatorRef",
    }

    /// `GeneratorRef`
    struct GeneratorRef<'a> {
        kind: Str<'a> as "kind",
    }

    struct ClusterExternalSecret<'a> {
        spec: ClusterSpec<'a> as "spec",
    }

    /// `ClusterExternalSecretSpec`
    struct ClusterSpec<'a> {
        external_secret_spec: Spec<'a> as "externalSecretSpec",
        namespace_selector: Option<LabelSelector<'a>> as "namespaceSelector",
        namespace_selectors: List<LabelSelector<'a>> as "namespaceSelectors",
    }

    struct PushSecret<'a> {
        spec: PushSpec<'a> as "spec",
    }

    /// `PushSecretSpec`
    struct PushSpec<'a> {
        secret_store_refs: List<StoreRef<'a>> as "secretStoreRefs",
        selector: PushSelector<'a> as "selector",
        template: Template<'a> as "template",
    }

    /// `PushSecretStoreRef`
    struct StoreRef<'a> {
        label_selector: Option<LabelSelector<'a>> as "labelSelector",
    }

    /// `PushSecretSelector`
    struct PushSelector<'a> {
        secret: PushedSecret<'a> as "secret",
    }

    /// `PushSecretSecret`
    struct PushedSecret<'a> {
        selector: Option<LabelSelector<'a>> as "selector",
    }

    struct ClusterPushSecret<'a> {
        spec: ClusterPushSpec<'a> as "spec",
    }

    /// `ClusterPushSecretSpec`
    struct ClusterPushSpec<'a> {
        push_secret_spec: PushSpec<'a> as "pushSecretSpec",
        namespace_selectors: List<LabelSelector<'a>> as "namespaceSelectors",
    }
}

/// Checks an object of the operator's.
pub fn check(kind: &str, request: &Request<'_>, check: &mut Check<'_>) -> Result<(), Error> {
    let path = Path::new("spec");
    match kind {
        "SecretStore" => store::check(request, false, check)?,
        "ClusterSecretStore" => store::check(request, true, check)?,
        "ExternalSecret" => external_secret(&request.object::<ExternalSecret<'_>>()?.spec, &path, check),
        "ClusterExternalSecret" => {
            let spec = request.object::<ClusterExternalSecret<'_>>()?.spec;
            if spec.namespace_selector.as_ref().is_some_and(selects_everything) {
                check.open(&path.field("namespaceSelector"), EVERY_NAMESPACE);
            }
            namespaces(&spec.namespace_selectors, &path, check);
            external_secret(&spec.external_secret_spec, &path.field("externalSecretSpec"), check);
        }
        "PushSecret" => push_secret(&request.object::<PushSecret<'_>>()?.spec, &path, check),
        "ClusterPushSecret" => {
            let spec = request.object::<ClusterPushSecret<'_>>()?.spec;
            namespaces(&spec.namespace_selectors, &path, check);
            push_secret(&spec.push_secret_spec, &path.field("pushSecretSpec"), check);
        }
        _ => {}
    }
    Ok(())
}

const EVERY_NAMESPACE: &str = "the selector selects every namespace";

fn namespaces(selectors: &List<LabelSelector<'_>>, path: &Path<'_>, check: &mut Check<'_>) {
    for (index, selector) in selectors.iter().enumerate() {
        if selects_everything(selector) {
            check.open(&path.item("namespaceSelectors", index), EVERY_NAMESPACE);
        }
    }
}

fn external_secret(spec: &Spec<'_>, path: &Path<'_>, check: &mut Check<'_>) {
    // A generated password is to stay the same: it is made once, on purpose.
    let generated = spec.data.is_empty()
        && !spec.data_from.is_empty()
        && spec.data_from.iter().all(|from| from.source_ref.generator_ref.is_some());
    if !generated {
        match &*spec.refresh_policy {
            policy @ ("CreatedOnce" | "OnChange") => {
                let message = ["with ", policy, " a rotated secret never arrives by itself"];
                check.add(&REFRESH_INTERVAL, &path.field("refreshPolicy"), &message);
            }
            // The API server sets an hour where none is given.
            _ if spec.refresh_interval.is_empty() => {}
            _ => check.refresh(&spec.refresh_interval, &path.field("refreshInterval")),
        }
    }
    for (index, from) in spec.data_from.iter().enumerate() {
        let path = path.item("dataFrom", index);
        if let Some(find) = &from.find
            && matches!(&*find.path, "" | "/")
            && find.tags.is_empty()
            && text::matches_everything(&find.name.regexp)
        {
            check.add(&FIND_EVERYTHING, &path.field("find"), &["it takes every secret that the store can read"]);
        }
        if from.source_ref.generator_ref.as_ref().is_some_and(|generator| generator.kind == "Fake") {
            let message = "the generator Fake lists its values in a manifest";
            check.add(&STORE_PROVIDER, &path.field("sourceRef.generatorRef.kind"), &[message]);
        }
    }
    let target = &spec.target;
    let path = path.field("target");
    if target.creation_policy == "Orphan" {
        let message = "the Secret stays when the ExternalSecret goes, and shows no owner";
        check.add(&ORPHANED_SECRET, &path.field("creationPolicy"), &[message]);
    }
    if let Some(Manifest { api_version, kind }) = &target.manifest
        && (kind != &"Secret" || api_version != &"v1")
    {
        let message = ["the values are written to a ", text::short(kind), ", not to a Secret"];
        check.add(&SECRET_IN_OTHER_KIND, &path.field("manifest.kind"), &message);
    }
    template(&target.template, &path.field("template"), check);
}

fn template(template: &Template<'_>, path: &Path<'_>, check: &mut Check<'_>) {
    check.written_type(&template.secret_type, &path.field("type"));
    check.literals(&template.data, &path.field("data"));
    let metadata = path.field("metadata");
    check.literals(&template.metadata.annotations, &metadata.field("annotations"));
    check.literals(&template.metadata.labels, &metadata.field("labels"));
    for (index, from) in template.template_from.iter().enumerate() {
        check.literal("literal", &from.literal, &path.item("templateFrom", index).field("literal"));
    }
}

fn push_secret(spec: &PushSpec<'_>, path: &Path<'_>, check: &mut Check<'_>) {
    if spec.selector.secret.selector.as_ref().is_some_and(LabelSelector::is_empty) {
        let message = "the selector selects every Secret of the namespace";
        check.add(&PUSH_EVERYTHING, &path.field("selector.secret.selector"), &[message]);
    }
    for (index, store) in spec.secret_store_refs.iter().enumerate() {
        if store.label_selector.as_ref().is_some_and(LabelSelector::is_empty) {
            let path = path.item("secretStoreRefs", index);
            check.add(&PUSH_EVERYTHING, &path.field("labelSelector"), &["the selector selects every store"]);
        }
    }
    template(&spec.template, &path.field("template"), check);
}
