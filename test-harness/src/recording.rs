//! A case as it went, in the files with which `kwctl run` does the same again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::request::AdmissionRequest;
use crate::response::Response;
use crate::session::Session;

/// A case as it went: what the policy was given, what it asked, and what it said.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The request. A case that is about settings alone has one about a ConfigMap without data.
    pub request: AdmissionRequest,
    /// The settings.
    pub settings: Value,
    /// The host calls that were made, and their answers.
    pub session: Session,
    /// What the policy said.
    pub verdict: Verdict,
    /// Whether the policy asked what time it is. kwctl tells it the real one.
    pub reads_clock: bool,
}

/// What a policy says.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It refuses its settings, with this message.
    SettingsRefused(String),
    /// It judges the request.
    Response(Box<Response>),
}

/// A recording that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be written: {source}", path.display())]
pub struct RecordingError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Recording {
    /// The file for `--request-path`.
    pub const REQUEST: &'static str = "request.json";
    /// The file for `--settings-path`.
    pub const SETTINGS: &'static str = "settings.json";
    /// The file for `--replay-host-capabilities-interactions`; there is none when the policy asked nothing.
    pub const SESSION: &'static str = "session.yaml";

    /// Writes the files into a folder, which is made where it is missing.
    ///
    /// # Errors
    /// When one of them cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), RecordingError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| RecordingError { path, source }
        };
        fs::create_dir_all(dir).map_err(failed(dir))?;
        let write = |name: &str, text: &str| {
            let path = dir.join(name);
            fs::write(&path, text).map_err(failed(&path))
        };
        write(Self::REQUEST, &indented(&serde_json::from_str(&self.request.review()).unwrap_or_default()))?;
        write(Self::SETTINGS, &indented(&self.settings))?;
        if !self.session.exchanges.is_empty() {
            return write(Self::SESSION, &self.session.to_yaml());
        }
        // What an earlier recording has left would be replayed.
        let path = dir.join(Self::SESSION);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&path)(error)),
            _ => Ok(()),
        }
    }
}

/// For people to read, and to change.
fn indented(value: &Value) -> String {
    // A map of JSON values: this cannot fail.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}
