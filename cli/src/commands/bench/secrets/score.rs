//! How well the detectors do on the corpus.

use std::collections::BTreeMap;

use palisade_sdk::secrets::{Encoding, Match, Options, Scanner, rules};

use super::corpus::{Detector, Place, Sample};

/// Counts for one detector, or for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Secrets that it ought to find.
    pub labelled: usize,
    /// Those of them that were found, by whichever detector.
    pub found: usize,
    /// What it reported rightly.
    pub right: usize,
    /// What it reported and is none.
    pub wrong: usize,
}

impl Score {
    /// The part of what is reported that is right; of nothing, all of it is.
    pub fn precision(&self) -> f64 {
        ratio(self.right, self.right + self.wrong)
    }

    /// The part of what is there that is found.
    pub fn recall(&self) -> f64 {
        ratio(self.found, self.labelled)
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// What a part of the corpus gave.
#[derive(Debug, Default)]
pub struct Scores {
    pub detectors: BTreeMap<Detector, Score>,
    pub all: Score,
    pub positives: usize,
    pub negatives: usize,
    /// What was missed or reported wrongly.
    pub errors: Vec<String>,
}

/// Judges all samples of one part.
pub fn score<'s>(samples: impl Iterator<Item = &'s Sample>) -> Scores {
    let mut scores = Scores::default();
    for sample in samples {
        let reports = judge(sample);
        let (right, wrong): (Vec<_>, Vec<_>) = reports.iter().partition(|report| is_right(sample, report));
        if let Some(detector) = sample.detector {
            scores.positives += 1;
            let score = scores.detectors.entry(detector).or_default();
            score.labelled += 1;
            scores.all.labelled += 1;
            if right.is_empty() {
                scores.errors.push(line("missed", sample, ""));
            } else {
                score.found += 1;
                scores.all.found += 1;
            }
        } else {
            scores.negatives += 1;
        }
        // One value is one report, however many secrets are seen in it.
        if let Some(report) = right.first() {
            scores.detectors.entry(detector_of(report)).or_default().right += 1;
            scores.all.right += 1;
        }
        if let Some(report) = wrong.first() {
            scores.detectors.entry(detector_of(report)).or_default().wrong += 1;
            scores.all.wrong += 1;
            scores.errors.push(line("wrong", sample, report.rule));
        }
    }
    scores
}

/// Made-up values may be shown.
fn line(what: &str, sample: &Sample, rule: &str) -> String {
    let text = sample.words.join(" ").replace('\n', "\\n");
    let text: String = text.chars().take(200).collect();
    format!("{what:7} {:18} {:12} {rule:20} {}={text}", sample.family, format!("{:?}", sample.place), sample.name)
}

/// What a detector reported.
struct Report {
    /// The word it is in.
    word: usize,
    rule: &'static str,
    offset: usize,
    length: usize,
    encoding: Encoding,
}

impl Report {
    fn new(word: usize, found: &Match<'_>) -> Self {
        Self { word, rule: found.rule.id, offset: found.offset, length: found.length, encoding: found.encoding }
    }
}

/// Looks at a value as the policies look at its place.
fn judge(sample: &Sample) -> Vec<Report> {
    let scanner = Scanner::new(Options::default());
    let mut reports = Vec::new();
    match sample.place {
        Place::Command | Place::Flag | Place::FlagWord | Place::Shell => {
            let words = sample.words.iter().map(String::as_str);
            scanner.command(words, &mut |word, found| reports.push(Report::new(word, &found)));
        }
        Place::Env | Place::Annotation | Place::Header => {
            reports.extend(scanner.value(&sample.name, &sample.words[0]).iter().map(|found| Report::new(0, found)));
        }
        _ => scanner.file(&sample.name, &sample.words[0], &mut |_, found| reports.push(Report::new(0, found))),
    }
    reports
}

fn is_right(sample: &Sample, report: &Report) -> bool {
    let Some(detector) = sample.detector else { return false };
    let is_warning = |detector: Detector| matches!(detector, Detector::Placeholder | Detector::Example);
    let reported = detector_of(report);
    let kind = if is_warning(detector) { reported == detector } else { !is_warning(reported) };
    let (secret_word, secret) = &sample.secret;
    let plain = sample.encodings == 0 && report.encoding == Encoding::Plain;
    let end = if plain { report.offset + report.length } else { usize::MAX };
    kind && report.word == *secret_word && report.offset < secret.end && secret.start < end
}

/// Which detector a rule belongs to.
fn detector_of(report: &Report) -> Detector {
    match report.rule {
        id if id == rules::URL.id => Detector::Url,
        id if id == rules::HTTP.id => Detector::Http,
        id if id == rules::NAMED.id => Detector::Name,
        id if id == rules::PLACEHOLDER.id => Detector::Placeholder,
        id if id == rules::EXAMPLE.id => Detector::Example,
        _ => Detector::Format,
    }
}
