//! Every field that is written is one of Kubewarden's, of the right type, and what must be there is.

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::{VARIANTS, manifests, objects};

/// A mistake in the spec of a policy.
type Change = fn(&mut Value);

const FIELDS: &str = include_str!("fields.yaml");

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("manifests::fields::what-is-wrong-is-found", what_is_wrong_is_found)];
    for [profile, mode] in VARIANTS {
        for grouped in [false, true] {
            let name = format!("manifests::fields::{profile}-{mode}{}", if grouped { "-grouped" } else { "" });
            trials.push(Trial::test(name, move || {
                let mut args = vec!["--profile", profile, "--mode", mode];
                args.extend(grouped.then_some("--grouped"));
                let objects = objects(&manifests(&args)?)?;
                if objects.len() < 5 {
                    return Err(format!("only {} objects", objects.len()).into());
                }
                objects.values().try_for_each(|object| check(object).map_err(Failed::from))
            }));
        }
    }
    trials
}

fn check(object: &Value) -> Result<(), String> {
    let fields: Value = palisade_harness::yaml::from_str(FIELDS).map_err(|error| error.to_string())?;
    let kind = object["kind"].as_str().unwrap_or_default();
    let table = fields.get(kind).ok_or_else(|| format!("the kind {kind:?} is not known"))?;
    field(object, table, &format!("{kind} {}", object["metadata"]["name"]))
}

fn field(value: &Value, kind: &Value, path: &str) -> Result<(), String> {
    let wrong = |expected: &str| Err(format!("{path}: expected {expected}, found {value}"));
    match (kind, value) {
        (Value::String(kind), _) => match kind.as_str() {
            "any" => Ok(()),
            "text" if value.as_str().is_some_and(|text| !text.is_empty() || path.contains("apiGroups[")) => Ok(()),
            "bool" if value.is_boolean() => Ok(()),
            "seconds" if value.as_u64().is_some_and(|seconds| (2..=30).contains(&seconds)) => Ok(()),
            words if value.as_str().is_some_and(|word| words.split('|').any(|known| known == word)) => Ok(()),
            _ => wrong(kind),
        },
        (Value::Array(item), Value::Array(values)) if !values.is_empty() => {
            values.iter().enumerate().try_for_each(|(index, value)| field(value, &item[0], &format!("{path}[{index}]")))
        }
        (Value::Array(_), _) => wrong("a list with something in it"),
        (Value::Object(fields), Value::Object(values)) => {
            if let Some(missing) = fields.keys().filter_map(|key| key.strip_suffix('!')).find(|key| !values.contains_key(*key))
            {
                return Err(format!("{path}: {missing} is missing"));
            }
            values.iter().try_for_each(|(key, value)| {
                let kind = [key.as_str(), &format!("{key}!"), "*"].into_iter().find_map(|key| fields.get(key));
                field(value, kind.ok_or_else(|| format!("{path}: there is no field {key}"))?, &format!("{path}.{key}"))
            })
        }
        (Value::Object(_), _) => wrong("a map"),
        _ => Err(format!("{path}: the table cannot say {kind}")),
    }
}

fn what_is_wrong_is_found() -> Result<(), Failed> {
    let objects = objects(&manifests(&["--only", "require-ingress-tls", "--no-rbac"])?)?;
    let good = objects.values().next().ok_or("nothing is written")?;
    check(good)?;
    let changes: [(&str, Change); 5] = [
        ("there is no field modul", |spec| spec["modul"] = "x".into()),
        ("mutating is missing", |spec| drop(spec.as_object_mut().and_then(|spec| spec.remove("mutating")))),
        ("expected protect|monitor", |spec| spec["mode"] = "audit".into()),
        ("expected seconds", |spec| spec["timeoutSeconds"] = 60.into()),
        ("there is no field matchLabels", |spec| spec["namespaceSelector"]["matchLabels"] = "x".into()),
    ];
    for (expected, change) in changes {
        let mut object = good.clone();
        change(&mut object["spec"]);
        let found = check(&object).err().unwrap_or_default();
        if !found.contains(expected) {
            return Err(format!("expected {expected:?}, found {found:?}").into());
        }
    }
    Ok(())
}
