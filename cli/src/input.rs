//! What there is to scan: files, folders and standard input, as objects that know where they stand.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use palisade_harness::yaml::{self, Places, Position};
use rayon::prelude::*;
use serde_json::Value;

use crate::identity;
use crate::report::{Failure, Note, Place, STDIN};
use crate::review::Review;

/// An object of the scan.
#[derive(Clone, Debug)]
pub struct Object {
    /// The file that it is in.
    pub file: Arc<str>,
    /// The object, complete with the `apiVersion` and `kind` that its list may have said for it.
    pub value: Value,
    /// The request to judge, where the document is a recorded `AdmissionReview` and no object to be created.
    pub review: Option<Review>,
    places: Arc<Places>,
    /// Where it is in its document: empty, or for example `items[3]`.
    prefix: String,
}

impl Object {
    /// Where a field of the object stands.
    pub fn locate(&self, path: &str) -> Place {
        Place { file: Arc::clone(&self.file), position: Some(self.places.locate(&join(&self.prefix, path))) }
    }

    /// Where a line of a field's text stands, or the field where no line is given.
    pub fn locate_line(&self, path: &str, line: Option<usize>) -> Place {
        let Some(line) = line else { return self.locate(path) };
        let position = self.places.locate_line(&join(&self.prefix, path), line);
        Place { file: Arc::clone(&self.file), position: Some(position) }
    }
}

fn join(prefix: &str, path: &str) -> String {
    let dot = if prefix.is_empty() || path.is_empty() || path.starts_with('[') { "" } else { "." };
    format!("{prefix}{dot}{path}")
}

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Input {
    /// How many files were read.
    pub files: usize,
    /// The objects, in the order of the arguments, of the files' names, and of the documents.
    pub objects: Vec<Object>,
    /// What could not be read.
    pub failures: Vec<Failure>,
    /// What was left out.
    pub notes: Vec<Note>,
}

impl Input {
    fn append(&mut self, mut other: Input) {
        self.files += other.files;
        self.objects.append(&mut other.objects);
        self.failures.append(&mut other.failures);
        self.notes.append(&mut other.notes);
    }

    fn fail(&mut self, file: &Arc<str>, position: Option<Position>, message: impl Into<String>) {
        let place = Place { file: Arc::clone(file), position };
        self.failures.push(Failure { place, resource: None, policy: None, message: message.into() });
    }

    fn note(&mut self, file: &Arc<str>, position: Option<Position>, message: impl Into<String>) {
        self.notes.push(Note { place: Place { file: Arc::clone(file), position }, message: message.into() });
    }
}

/// A file to be read.
struct Source {
    path: PathBuf,
    name: Arc<str>,
    /// Whether the user named it, rather than a folder that it is in: what is in it must then be manifests.
    named: bool,
}

/// Reads all that the paths name; `-` is standard input. A text given twice is read once.
pub fn read(paths: &[PathBuf]) -> Input {
    let mut input = Input::default();
    let mut sources = Vec::new();
    let mut stdin_seen = false;
    for path in paths {
        let name = shown(path);
        if path.as_os_str() == "-" {
            if !stdin_seen {
                sources.push(Source { path: path.clone(), name: STDIN.into(), named: true });
            }
            stdin_seen = true;
        } else if path.is_dir() {
            walk(path, &mut sources, &mut input);
        } else {
            sources.push(Source { path: path.clone(), name, named: true });
        }
    }
    let mut seen = HashSet::new();
    sources.retain(|source| fs::canonicalize(&source.path).map_or(true, |path| seen.insert(path)));
    let read: Vec<Input> = sources.par_iter().map(read_source).collect();
    for one in read {
        input.append(one);
    }
    input
}

/// A path without the dots that say "here".
fn shown(path: &Path) -> Arc<str> {
    let plain: PathBuf = path.components().filter(|component| *component != Component::CurDir).collect();
    if plain.as_os_str().is_empty() { ".".into() } else { plain.to_string_lossy().into() }
}

/// Finds the manifests of a folder. What other tools read is left out: hidden files, `node_modules`, charts and kustomizations
/// (which have to be rendered), Palisade's own configuration. Links to folders are not followed.
fn walk(dir: &Path, sources: &mut Vec<Source>, input: &mut Input) {
    let dir_name = shown(dir);
    let mut entries = match fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(error) => return input.fail(&dir_name, None, format!("cannot be read: {error}")),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    let is_chart = entries.iter().any(|entry| entry.file_name() == "Chart.yaml");
    if is_chart {
        let message = format!(
            "a Helm chart: its templates are scanned once they are rendered, by `helm template {dir_name} | palisade scan -`"
        );
        input.note(&dir_name, None, message);
    }
    for entry in entries {
        let file_name = entry.file_name();
        let file_name = file_name.to_string_lossy();
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if file_name.starts_with('.') || file_name == "node_modules" {
            continue;
        }
        if kind.is_dir() {
            // Of a chart, only its CustomResourceDefinitions are plain manifests.
            if !is_chart || file_name == "crds" {
                walk(&path, sources, input);
            }
        } else if is_manifest_name(&file_name) && !is_chart && path.is_file() {
            let name = shown(&path);
            match &*file_name {
                "palisade.yaml" | "palisade.yml" => {}
                "kustomization.yaml" | "kustomization.yml" => {
                    let message = format!(
                        "a kustomization: what it changes is seen in `kustomize build {} | palisade scan -`",
                        dir.display()
                    );
                    input.note(&name, None, message);
                }
                _ => sources.push(Source { path, name, named: false }),
            }
        }
    }
}

fn is_manifest_name(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

fn is_json_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

fn read_source(source: &Source) -> Input {
    let mut input = Input::default();
    let bytes = if &*source.name == STDIN {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(&source.path)
    };
    match bytes {
        Ok(bytes) => {
            input.files = 1;
            match String::from_utf8(bytes) {
                Ok(text) => read_text(&text, source, &mut input),
                Err(error) => not_utf8(&error.utf8_error(), error.as_bytes(), source, &mut input),
            }
        }
        Err(error) => input.fail(&source.name, None, format!("cannot be read: {error}")),
    }
    input
}

fn not_utf8(error: &std::str::Utf8Error, bytes: &[u8], source: &Source, input: &mut Input) {
    let offset = error.valid_up_to();
    let before = String::from_utf8_lossy(bytes.get(..offset).unwrap_or_default());
    let line = before.rsplit('\n').next().unwrap_or_default();
    let position = Position { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 };
    let hint = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "; it looks like UTF-16",
        _ => "",
    };
    input.fail(&source.name, Some(position), format!("not UTF-8, from byte {offset} on{hint}"));
}

fn read_text(text: &str, source: &Source, input: &mut Input) {
    let mut is_empty = true;
    for document in yaml::documents(text) {
        match document {
            Ok(document) if document.is_empty() => {}
            Ok(document) => {
                is_empty = false;
                let (value, places) = document.into_parts();
                let position = places.position();
                if !source.named && !identity::looks_like_object(&value) {
                    input.note(
                        &source.name,
                        Some(position),
                        "skipped: no Kubernetes object, it has neither apiVersion nor kind",
                    );
                    continue;
                }
                unfold(value, String::new(), &source.name, &Arc::new(places), input);
            }
            // A JSON file of another tool, with comments perhaps.
            Err(_) if !source.named && is_json_name(&source.path) && !text.contains("\"apiVersion\"") => {
                is_empty = false;
                input.note(&source.name, None, "skipped: no Kubernetes object, and no JSON that can be read");
            }
            Err(error) => {
                is_empty = false;
                let hint = if text.contains("{{") { "; a template has to be rendered first" } else { "" };
                input.fail(&source.name, Some(error.position), format!("{}{hint}", error.problem));
            }
        }
    }
    if is_empty && source.named {
        input.fail(&source.name, Some(Position { line: 1, column: 1 }), "empty: no object in it");
    } else if is_empty {
        input.note(&source.name, None, "skipped: no object in it");
    }
}

/// Adds a document's object, or the objects of a list.
fn unfold(value: Value, prefix: String, file: &Arc<str>, places: &Arc<Places>, input: &mut Input) {
    // Lists may hold lists: what is to do is kept here, last first.
    let mut waiting = vec![(value, prefix)];
    while let Some((mut value, prefix)) = waiting.pop() {
        let at = |path: &str| Some(places.locate(&join(&prefix, path)));
        let (api_version, kind) = match identity::type_of(&value) {
            Ok((api_version, kind)) => (api_version.to_owned(), kind.to_owned()),
            Err((path, problem)) => {
                input.fail(file, at(path), problem);
                continue;
            }
        };
        if kind.ends_with("List") && (kind == "List" || value.get("items").is_some()) {
            let items = match value.get_mut("items").map(Value::take) {
                None | Some(Value::Null) => continue,
                Some(Value::Array(items)) => items,
                Some(_) => {
                    input.fail(file, at("items"), "the items of a list must be a list");
                    continue;
                }
            };
            for (index, mut item) in items.into_iter().enumerate().rev() {
                // Typed lists, as the API server gives them, do not repeat the type in each item.
                if kind != "List"
                    && let Some(item) = item.as_object_mut()
                    && !item.contains_key("apiVersion")
                    && !item.contains_key("kind")
                {
                    item.insert("apiVersion".to_owned(), Value::from(api_version.as_str()));
                    item.insert("kind".to_owned(), Value::from(kind.trim_end_matches("List")));
                }
                waiting.push((item, join(&prefix, &format!("items[{index}]"))));
            }
            continue;
        }
        if let Err((path, problem)) = identity::check(&value, &api_version, &kind) {
            input.fail(file, at(path), problem);
            continue;
        }
        let review = (kind == "AdmissionReview" && api_version.starts_with("admission.k8s.io/")).then(|| Review::new(&value));
        input.objects.push(Object { file: Arc::clone(file), value, review, places: Arc::clone(places), prefix });
    }
}
