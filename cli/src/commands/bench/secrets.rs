//! `palisade bench secrets`: precision and recall of the detectors of secrets, on a labelled corpus.
//!
//! The corpus is made up as it is needed, from [tables](positives) of names, values and places, and a seed: no value that looks like a
//! secret lies in the repository, and none was ever issued. Whole families of values are held back from tuning, and others were
//! written after it; both are reported apart.

mod corpus;
mod negatives;
mod positives;
mod score;
mod template;
mod unseen;

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::super::{CommandError, Outcome};
use crate::args::{BenchSecrets, ListFormat};
use crate::output;
use corpus::{Detector, Part, Place, SEED, Sample};
use score::{Score, Scores, score};

/// Measures, or writes the corpus.
pub fn run(args: &BenchSecrets) -> Result<Outcome, CommandError> {
    let seed = args.seed.unwrap_or(SEED);
    let samples = corpus::samples(seed);
    if let Some(dir) = &args.write {
        write(&samples, dir)?;
        return Ok(Outcome::Clean);
    }
    let parts = Part::ALL.map(|part| (part.title(), score(samples.iter().filter(|sample| sample.part == part))));
    let mut text = match args.format {
        ListFormat::Table => table(&parts, seed),
        ListFormat::Json => format!("{:#}\n", json(&parts, seed)),
    };
    if args.errors {
        text.push('\n');
        for error in &parts[0].1.errors {
            text.push_str(error);
            text.push('\n');
        }
    }
    output::write(&text, None)?;
    Ok(Outcome::Clean)
}

fn rows(scores: &Scores) -> impl Iterator<Item = (&'static str, Score)> {
    let detectors =
        Detector::ALL.map(|detector| (detector.title(), scores.detectors.get(&detector).copied().unwrap_or_default()));
    detectors.into_iter().chain([("all", scores.all)])
}

fn table(parts: &[(&str, Scores)], seed: u64) -> String {
    let mut text = format!(
        "{:10} {:18} {:>8} {:>8} {:>8} {:>8} {:>10} {:>8}\n",
        "part", "detector", "secrets", "found", "reports", "wrong", "precision", "recall"
    );
    for (part, scores) in parts {
        for (title, score) in rows(scores) {
            let _ = writeln!(
                text,
                "{part:10} {title:18} {:>8} {:>8} {:>8} {:>8} {:>10.4} {:>8.4}",
                score.labelled,
                score.found,
                score.right + score.wrong,
                score.wrong,
                score.precision(),
                score.recall(),
            );
        }
        text.push('\n');
    }
    for (part, scores) in parts {
        let _ = writeln!(text, "{part}: {} values that are secret, {} that are not.", scores.positives, scores.negatives);
    }
    let _ = writeln!(
        text,
        "Values are made up from seed {seed}. A secret counts as found by whichever detector; what a detector reports\n\
         counts as right where a secret of that severity stands. Families of values belong to one part as a whole."
    );
    text
}

fn json(parts: &[(&str, Scores)], seed: u64) -> Value {
    let part = |(name, scores): &(&str, Scores)| {
        let detectors: Vec<Value> = rows(scores)
            .map(|(title, score)| {
                json!({
                    "detector": title,
                    "secrets": score.labelled,
                    "found": score.found,
                    "right": score.right,
                    "wrong": score.wrong,
                    "precision": score.precision(),
                    "recall": score.recall(),
                })
            })
            .collect();
        json!({"part": name, "positives": scores.positives, "negatives": scores.negatives, "detectors": detectors})
    };
    json!({"seed": seed, "parts": parts.iter().map(part).collect::<Vec<_>>()})
}

/// Writes `manifests.json`, a list of objects, and `labels.json`, what is true of each.
fn write(samples: &[Sample], dir: &Path) -> Result<(), CommandError> {
    let objects: Vec<Value> = samples.iter().enumerate().map(|(index, sample)| object(index, sample)).collect();
    let labels: Vec<Value> = samples.iter().enumerate().map(|(index, sample)| label(index, sample)).collect();
    std::fs::create_dir_all(dir).map_err(|error| CommandError::Other(format!("{}: {error}", dir.display())))?;
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    for (name, value) in [("manifests.json", list), ("labels.json", Value::from(labels))] {
        output::write(&value.to_string(), Some(&dir.join(name)))?;
    }
    Ok(())
}

fn name(index: usize) -> String {
    format!("sample-{index}")
}

fn label(index: usize, sample: &Sample) -> Value {
    let (word, range) = sample.secret.clone();
    let secret = sample.detector.map(|detector| {
        json!({
            "detector": detector.title(),
            "plain": sample.plain,
            "written": sample.words[word][range],
            "publicPrefix": sample.public,
        })
    });
    json!({"name": name(index), "family": sample.family, "part": sample.part.title(), "secret": secret})
}

fn object(index: usize, sample: &Sample) -> Value {
    let metadata = json!({"name": name(index), "namespace": "shop"});
    let value = || sample.words[0].clone();
    let pod = |container: Value| {
        let mut container = container;
        container["name"] = json!("web");
        container["image"] = json!("shop:1");
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}})
    };
    match sample.place {
        Place::Env => pod(json!({"env": [{"name": sample.name, "value": value()}]})),
        Place::Command | Place::Flag | Place::FlagWord | Place::Shell => pod(json!({"args": sample.words})),
        Place::Header => {
            let header = json!({"name": sample.name, "value": value()});
            pod(json!({"livenessProbe": {"httpGet": {"path": "/", "port": 8000, "httpHeaders": [header]}}}))
        }
        Place::Annotation => {
            let mut object = pod(json!({}));
            object["metadata"]["annotations"] = json!({sample.name.clone(): value()});
            object
        }
        _ => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {sample.name.clone(): value()}}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The corpus is the same each time, and so are the figures: 0.98 and 0.97 are the aim.
    #[test]
    fn the_detectors_are_as_good_as_they_should_be() {
        let samples = corpus::samples(SEED);
        for part in Part::ALL {
            let scores = score(samples.iter().filter(|sample| sample.part == part));
            let (precision, recall) = (scores.all.precision(), scores.all.recall());
            // What else is shown would be tuned on.
            let errors = if part == Part::Tuning { scores.errors.join("\n") } else { String::new() };
            assert!(precision >= 0.98 && recall >= 0.97, "{}: {precision:.4} {recall:.4}\n{errors}", part.title());
        }
    }

    /// Other values of the same families: what is found is not one lucky seed's.
    #[test]
    fn other_seeds_give_no_other_picture() {
        for seed in 1..=3 {
            let scores = score(corpus::samples(seed).iter());
            assert!(scores.all.precision() >= 0.975 && scores.all.recall() >= 0.965, "seed {seed}: {:?}", scores.all);
        }
    }
}
