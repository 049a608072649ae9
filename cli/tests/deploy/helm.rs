//! The Helm chart, by `helm`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use palisade_harness::fixture;
use palisade_policies::POLICIES;
use serde_json::{Map, Value, json};

use crate::{Objects, VARIANTS, expected, objects, output, root, same, trial};

const HELM: &str = "helm";

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = VARIANTS
        .map(|[profile, mode]| {
            trial(format!("helm::{profile}-{mode}"), HELM, move || {
                same(&template(&json!({"profile": profile, "mode": mode}))?, &expected(profile, mode)?)
            })
        })
        .into();
    trials.push(trial("helm::lint", HELM, || output(Command::new(HELM).args(["lint", "--strict"]).arg(chart())).map(drop)));
    trials.push(trial("helm::values-of-the-chart", HELM, values_of_the_chart));
    trials.push(trial("helm::notes-tell-who-rejects", HELM, notes_tell_who_rejects));
    trials.push(trial("helm::values-of-a-policy", HELM, values_of_a_policy));
    trials.push(trial("helm::rights-follow-the-settings", HELM, rights_follow_the_settings));
    trials.push(trial("helm::schema-takes-the-settings-of-fixtures", HELM, settings_of_fixtures));
    for (name, values, expected) in wrong_values() {
        trials.push(trial(format!("helm::schema-refuses::{name}"), HELM, move || {
            let found = match template(&values) {
                Ok(_) => return Err("helm took it".into()),
                Err(error) => error.message().unwrap_or_default().to_owned(),
            };
            if found.contains("values don't meet the specifications of the schema") && found.contains(expected) {
                Ok(())
            } else {
                Err(format!("expected {expected:?} to be said, found {found}").into())
            }
        }));
    }
    trials
}

fn chart() -> PathBuf {
    root().join("deploy/helm/palisade")
}

fn template(values: &Value) -> Result<Objects, Failed> {
    template_of(&values.to_string())
}

/// What the chart comes to with values in YAML.
fn template_of(values: &str) -> Result<Objects, Failed> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("values.yaml");
    fs::write(&file, values)?;
    let text = output(Command::new(HELM).args(["template", "palisade"]).arg(chart()).arg("--values").arg(file))?;
    objects(&text)
}

fn policy<'o>(objects: &'o Objects, name: &str) -> &'o Value {
    &objects[&("ClusterAdmissionPolicy".to_owned(), name.to_owned())]["spec"]
}

fn equal(what: &str, found: &Value, expected: &Value) -> Result<(), Failed> {
    if found == expected { Ok(()) } else { Err(format!("{what}: expected {expected}, found {found}").into()) }
}

/// Of the chart as a whole: those of `palisade manifests` do the same.
fn values_of_the_chart() -> Result<(), Failed> {
    let found = template(&json!({
        "registry": "registry.example.com/ours",
        "tag": "v9",
        "policyServer": "strict",
        "additionalExcludedNamespaces": ["calico-system"],
        "rbac": {
            "policyServer": {"namespace": "security", "name": "strict"},
            "auditScanner": {"namespace": "security", "name": "auditor"},
        },
    }))?;
    let args = [
        "--registry=registry.example.com/ours",
        "--tag=v9",
        "--policy-server=strict",
        "--exclude-namespace=calico-system",
        "--service-account=security/strict",
        "--audit-service-account=security/auditor",
    ];
    same(&found, &objects(&crate::manifests(&args)?)?)?;
    let scheme = template(&json!({"registry": "registry://registry.example.com/ours/"}))?;
    same(&scheme, &objects(&crate::manifests(&["--registry=registry://registry.example.com/ours/"])?)?)?;
    let without = template(&json!({"rbac": {"create": false}}))?;
    same(&without, &objects(&crate::manifests(&["--no-rbac"])?)?)?;
    let annotations = json!({"palisade.dev/owner": "team-platform", "palisade.dev/review-by": "2027-03-31"});
    let annotated = template(&json!({"rbac": {"annotations": annotations}}))?;
    for kind in ["ClusterRole", "ClusterRoleBinding"] {
        let key = (kind.to_owned(), "palisade-lookups".to_owned());
        equal(kind, &annotated[&key]["metadata"]["annotations"], &annotations)?;
    }
    Ok(())
}

/// The notes after an installation. Helm prints them with a cluster only, so they stand in a template of their own here.
fn notes(values: &Value) -> Result<String, Failed> {
    let folder = tempfile::tempdir()?;
    let copied = folder.path().join("palisade");
    crate::copy(&chart(), &copied)?;
    let templates = copied.join("templates");
    let text = fs::read_to_string(templates.join("NOTES.txt"))?;
    fs::write(
        templates.join("notes.yaml"),
        format!("{{{{- define \"notes\" -}}}}\n{text}\n{{{{- end }}}}\nnotes: {{{{ include \"notes\" . | toJson }}}}\n"),
    )?;
    let file = folder.path().join("values.yaml");
    fs::write(&file, values.to_string())?;
    let mut command = Command::new(HELM);
    command.args(["template", "palisade"]).arg(&copied).args(["--show-only", "templates/notes.yaml", "--values"]).arg(file);
    let notes: Value = palisade_harness::yaml::from_str(&output(&mut command)?)?;
    Ok(notes["notes"].as_str().unwrap_or_default().to_owned())
}

fn notes_tell_who_rejects() -> Result<(), Failed> {
    let (watches, rejects) = ("These reject nothing yet: ", "These reject what they find: ");
    let one = json!({"no-secrets-in-configmaps": {"mode": "protect"}});
    for (values, expected) in
        [(json!({}), [true, false]), (json!({"mode": "protect"}), [false, true]), (json!({"policies": one}), [true, true])]
    {
        let notes = notes(&values)?;
        let found = [watches, rejects].map(|text| notes.contains(text));
        if found != expected {
            return Err(format!("{values}: expected {expected:?}, found {found:?} in {notes}").into());
        }
    }
    let notes = notes(&json!({"policies": one}))?;
    let is_said = notes.contains("1 reject what they find, and 9 only watch")
        && notes.contains(&format!("{rejects}no-secrets-in-configmaps.\n"));
    if is_said { Ok(()) } else { Err(format!("the policy that rejects is not named: {notes}").into()) }
}

fn values_of_a_policy() -> Result<(), Failed> {
    let digest = format!("sha256:{}", "0a".repeat(32));
    // `off` without quotes is a boolean to Helm.
    let found = template_of(&format!(
        "profile: restricted
policies:
  no-secrets-in-configmaps: {{enabled: false}}
  rbac-least-privilege:
    mode: protect
    digest: {digest}
    timeoutSeconds: 5
    namespaceSelector: {{matchExpressions: [{{key: environment, operator: In, values: [prod]}}]}}
    settings: {{rules: {{escalate: warn, secret-token: off}}}}
  restrict-role-bindings: {{mode: protect, failurePolicy: Ignore}}
  segregate-environments: {{settings: {{checkImageTags: false}}}}
"
    ))?;
    if found.keys().any(|(_, name)| name == "no-secrets-in-configmaps") {
        return Err("a policy that is not enabled is deployed".into());
    }
    let spec = policy(&found, "rbac-least-privilege");
    equal("mode", &spec["mode"], &json!("protect"))?;
    equal("failurePolicy", &spec["failurePolicy"], &json!("Fail"))?;
    let module = format!("registry://registry.palisade.example/policies/rbac-least-privilege:v0.1.0@{digest}");
    equal("module", &spec["module"], &json!(module))?;
    equal("timeoutSeconds", &spec["timeoutSeconds"], &json!(5))?;
    let expression = json!([{"key": "environment", "operator": "In", "values": ["prod"]}]);
    equal("namespaceSelector", &spec["namespaceSelector"], &json!({"matchExpressions": expression}))?;
    // The profile's other level stays.
    let rules = json!({"aggregated-write": "deny", "escalate": "warn", "secret-token": "off"});
    equal("rules", &spec["settings"]["rules"], &rules)?;
    equal("failurePolicy", &policy(&found, "restrict-role-bindings")["failurePolicy"], &json!("Ignore"))?;
    // What is false is taken over as well.
    equal("settings", &policy(&found, "segregate-environments")["settings"], &json!({"checkImageTags": false}))
}

fn rights_follow_the_settings() -> Result<(), Failed> {
    let role = |values: &Value| -> Result<(Value, Value), Failed> {
        let found = template(values)?;
        let role = found[&("ClusterRole".to_owned(), "palisade-lookups".to_owned())]["rules"].clone();
        Ok((role, policy(&found, "require-ingress-tls")["contextAwareResources"].clone()))
    };
    let grants = |rules: &Value, group: &str, resource: &str| {
        let of = |rule: &Value| {
            rule["apiGroups"] == json!([group])
                && rule["resources"].as_array().is_some_and(|all| all.contains(&json!(resource)))
        };
        rules.as_array().is_some_and(|rules| rules.iter().any(of))
    };
    let secret = json!({"apiVersion": "v1", "kind": "Secret"});
    let looks_up = |resources: &Value| resources.as_array().is_some_and(|all| all.contains(&secret));
    let (rules, resources) = role(&json!({}))?;
    if grants(&rules, "", "secrets") || looks_up(&resources) || grants(&rules, "cilium.io", "ciliumnetworkpolicies") {
        return Err("the profile may read Secrets, or Cilium's policies".into());
    }
    let (rules, resources) = role(&json!({"policies": {
        "require-ingress-tls": {"settings": {"rules": {"missing-certificate": "warn"}}},
        "require-network-policy": {"enabled": true, "settings": {"alsoCount": ["cilium.io/v2/CiliumNetworkPolicy"]}},
    }}))?;
    if !grants(&rules, "", "secrets") || !looks_up(&resources) || !grants(&rules, "cilium.io", "ciliumnetworkpolicies") {
        return Err("what the settings ask for may not be read".into());
    }
    if grants(&rules, "cilium.io", "ciliumclusterwidenetworkpolicies") {
        return Err("what no setting names may be read".into());
    }
    Ok(())
}

/// Whatever settings a fixture has that its policy takes, the schema takes as well.
fn settings_of_fixtures() -> Result<(), Failed> {
    let mut of_policies: Vec<(&str, Vec<Value>)> = Vec::new();
    for module in POLICIES {
        let mut all = Vec::new();
        for path in fixture::discover(&root().join("policies").join(module.name).join("fixtures"))? {
            let fixture: Value = palisade_harness::yaml::from_str(&fs::read_to_string(&path)?)?;
            let settings = &fixture["settings"];
            if settings.is_object() && fixture["expect"].get("settingsError").is_none() && !all.contains(settings) {
                all.push(settings.clone());
            }
        }
        of_policies.push((module.name, all));
    }
    let most = of_policies.iter().map(|(_, all)| all.len()).max().unwrap_or_default();
    let number: usize = of_policies.iter().map(|(_, all)| all.len()).sum();
    if number < 100 {
        return Err(format!("only {number} fixtures have settings").into());
    }
    for index in 0..most {
        let policies: Map<String, Value> = of_policies
            .iter()
            .filter_map(|(name, all)| Some(((*name).to_owned(), json!({"enabled": true, "settings": all.get(index)?}))))
            .collect();
        let found = template(&json!({"policies": policies}))?;
        for (name, values) in &policies {
            // Levels are laid over those of the profile; everything else is as it was given.
            for (key, value) in values["settings"].as_object().into_iter().flatten().filter(|(key, _)| *key != "rules") {
                equal(&format!("{name}: {key}"), &policy(&found, name)["settings"][key], value)?;
            }
        }
    }
    Ok(())
}

/// What is wrong, and what is said of it.
fn wrong_values() -> Vec<(&'static str, Value, &'static str)> {
    let settings = |policy: &str, settings: Value| json!({"policies": {policy: {"settings": settings}}});
    vec![
        ("an-unknown-value", json!({"profil": "baseline"}), "profil"),
        ("an-unknown-profile", json!({"profile": "strict"}), "profile"),
        ("an-unknown-mode", json!({"mode": "audit"}), "mode"),
        (
            "a-value-that-is-null",
            json!({"additionalExcludedNamespaces": null}),
            "missing property 'additionalExcludedNamespaces'",
        ),
        ("a-mode-that-is-null", json!({"mode": null}), "missing property 'mode'"),
        ("policies-that-are-null", json!({"policies": null}), "missing property 'policies'"),
        ("another-scheme", json!({"registry": "https://registry.example.com/ours"}), "registry"),
        ("a-registry-with-a-tag", json!({"registry": "registry.example.com/ours:v1"}), "registry"),
        ("a-path-in-capitals", json!({"registry": "registry.example.com/Ours"}), "registry"),
        (
            "the-name-of-no-namespace",
            json!({"additionalExcludedNamespaces": ["Calico_System"]}),
            "additionalExcludedNamespaces",
        ),
        ("the-name-of-no-policy-server", json!({"policyServer": "Strict"}), "policyServer"),
        ("an-unknown-policy", json!({"policies": {"no-such-policy": {}}}), "no-such-policy"),
        (
            "labels-of-namespaces",
            json!({"policies": {"rbac-least-privilege": {"namespaceSelector": {"matchLabels": {"a": "b"}}}}}),
            "matchLabels",
        ),
        (
            "a-selector-that-is-empty",
            json!({"policies": {"rbac-least-privilege": {"namespaceSelector": {}}}}),
            "missing property 'matchExpressions'",
        ),
        (
            "a-selector-without-values",
            json!({"policies": {"rbac-least-privilege": {"namespaceSelector": {
                "matchExpressions": [{"key": "environment", "operator": "In"}],
            }}}}),
            "missing property 'values'",
        ),
        (
            "a-selector-with-needless-values",
            json!({"policies": {"rbac-least-privilege": {"namespaceSelector": {
                "matchExpressions": [{"key": "environment", "operator": "Exists", "values": ["prod"]}],
            }}}}),
            "maxItems",
        ),
        ("no-digest", json!({"policies": {"rbac-least-privilege": {"digest": "latest"}}}), "digest"),
        ("a-long-timeout", json!({"timeoutSeconds": 60}), "timeoutSeconds"),
        ("an-unknown-setting", settings("rbac-least-privilege", json!({"allowedRole": []})), "allowedRole"),
        ("an-unknown-rule", settings("rbac-least-privilege", json!({"rules": {"wildcard": "warn"}})), "wildcard"),
        ("an-unknown-level", settings("rbac-least-privilege", json!({"rules": {"escalate": "loud"}})), "escalate"),
        ("a-list-that-is-none", settings("require-network-policy", json!({"exemptNamespaces": "dev"})), "exemptNamespaces"),
        ("a-number-that-is-none", settings("require-rbac-review", json!({"warnBefore": "soon"})), "warnBefore"),
        ("no-reason", settings("rbac-least-privilege", json!({"allowedRoles": [{"name": "x"}]})), "reason"),
        (
            "a-word-that-is-none",
            settings("rbac-least-privilege", json!({"allowedRoles": [{"name": "x", "kind": "role", "reason": "y"}]})),
            "kind",
        ),
        (
            "an-unknown-field-of-an-exception",
            settings("rbac-least-privilege", json!({"allowedRoles": [{"nam": "x", "reason": "y"}]})),
            "nam",
        ),
    ]
}
