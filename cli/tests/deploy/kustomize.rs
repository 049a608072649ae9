//! The kustomizations, by `kubectl kustomize`.

use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use palisade_policies::POLICIES;

use crate::{Objects, VARIANTS, copy, expected, manifests, objects, output, root, same, trial};

const KUBECTL: &str = "kubectl";

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = VARIANTS
        .map(|[profile, mode]| {
            trial(format!("kustomize::{profile}-{mode}"), KUBECTL, move || {
                let component = if mode == "protect" { "components: [protect]\n" } else { "" };
                same(&overlay(&format!("resources: [{profile}]\n{component}"))?, &expected(profile, mode)?)
            })
        })
        .into();
    trials.push(trial("kustomize::images-change-one-module", KUBECTL, one_module));
    trials.push(trial("kustomize::replacements-change-the-registry-of-all", KUBECTL, every_module));
    trials.push(trial("kustomize::a-folder-of-palisade-manifests", KUBECTL, folder_of_manifests));
    trials
}

fn build(folder: &Path) -> Result<Objects, Failed> {
    objects(&output(Command::new(KUBECTL).arg("kustomize").arg(folder))?)
}

/// The objects of a kustomization beside ours.
fn overlay(text: &str) -> Result<Objects, Failed> {
    let folder = tempfile::tempdir()?;
    copy(&root().join("deploy/kustomize"), folder.path())?;
    fs::write(folder.path().join("kustomization.yaml"), text)?;
    build(folder.path())
}

/// The module of each policy, by name.
fn modules(objects: &Objects) -> Vec<(&str, &str)> {
    objects.iter().filter_map(|((_, name), object)| Some((name.as_str(), object["spec"]["module"].as_str()?))).collect()
}

/// As docs/clusters.md shows it.
fn one_module() -> Result<(), Failed> {
    let digest = format!("sha256:{}", "0a".repeat(32));
    let found = overlay(&format!(
        "resources: [baseline]\nconfigurations: [images.yaml]\nimages:\n\
         - name: registry://registry.palisade.example/policies/rbac-least-privilege\n  \
           newName: registry://localhost:5000/ours/rbac-least-privilege\n  newTag: v9\n\
         - name: registry://registry.palisade.example/policies/require-ingress-tls\n  digest: {digest}\n"
    ))?;
    let before = expected("baseline", "monitor")?;
    for ((name, module), (_, unchanged)) in modules(&found).into_iter().zip(modules(&before)) {
        let wanted = match name {
            "rbac-least-privilege" => "registry://localhost:5000/ours/rbac-least-privilege:v9".to_owned(),
            "require-ingress-tls" => format!("registry://registry.palisade.example/policies/require-ingress-tls@{digest}"),
            _ => unchanged.to_owned(),
        };
        if module != wanted {
            return Err(format!("{name}: expected {wanted}, found {module}").into());
        }
    }
    Ok(())
}

/// As docs/clusters.md shows it.
fn every_module() -> Result<(), Failed> {
    let text = fs::read_to_string(root().join("docs/clusters.md"))?;
    let (_, example) = text.split_once("<!-- replacements -->").ok_or("docs/clusters.md has no such example")?;
    let example = example.split("```").nth(1).and_then(|block| block.strip_prefix("yaml\n")).ok_or("no block of YAML")?;
    let found = overlay(&example.replace("deploy/kustomize/", ""))?;
    let modules = modules(&found);
    let profile = expected("restricted", "monitor")?;
    if modules.len() != POLICIES.len() || found.len() != profile.len() {
        return Err(format!("expected {} objects, found {:?}", profile.len(), found.keys()).into());
    }
    for (name, module) in modules {
        if module != format!("registry://registry.example.com/platform/palisade/{name}:v0.1.0") {
            return Err(format!("{name}: {module}").into());
        }
    }
    Ok(())
}

fn folder_of_manifests() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    for grouped in [false, true] {
        let target = folder.path().join(grouped.to_string());
        let mut args = vec!["--profile", "restricted"];
        args.extend(grouped.then_some("--grouped"));
        let printed = objects(&manifests(&args)?)?;
        let path = format!("{}/", target.display());
        args.extend(["--output", &path]);
        manifests(&args)?;
        same(&build(&target)?, &printed)?;
    }
    Ok(())
}
