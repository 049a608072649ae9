//! A folder with files, modules made for one test, and the command run in it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A folder that goes when the test is over.
pub struct Folder(tempfile::TempDir);

/// What the command did.
#[derive(Debug)]
pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, with the folders that it is in.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path: PathBuf = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders can be made");
        fs::write(path, content).expect("files can be written");
        self
    }

    /// Writes a module that gives this answer to everything.
    pub fn module(self, name: &str, answer: &Value) -> Self {
        let wasm = answering(answer);
        self.file(name, wasm)
    }

    /// Runs `palisade` with these arguments.
    pub fn run(&self, args: &[&str]) -> Run {
        self.run_with(args, &[], "")
    }

    /// Runs `palisade` with variables, and text on standard input.
    pub fn run_with(&self, args: &[&str], variables: &[(&str, &str)], stdin: &str) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_palisade"));
        command.args(args).current_dir(self.path());
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "COSIGN_PASSWORD"] {
            command.env_remove(variable);
        }
        // Compiled modules are shared by all tests, and by none of the user's scans.
        command.env("PALISADE_CACHE_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("modules"));
        command.envs(variables.iter().copied());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
        let mut pipe = child.stdin.take().expect("a pipe");
        let text = stdin.to_owned();
        // A command that does not read it closes it: no fault.
        let writer = std::thread::spawn(move || drop(pipe.write_all(text.as_bytes())));
        let output = child.wait_with_output().expect("the command ends");
        writer.join().expect("the writer ends");
        Run {
            status: output.status.code().expect("no signal"),
            stdout: without_time(&String::from_utf8(output.stdout).expect("UTF-8")),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Run {
    /// The report in JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Each finding as `file:line:column path`.
    pub fn places(&self) -> Vec<String> {
        let place = |finding: &Value| {
            format!("{}:{}:{} {}", text(finding, "file"), finding["line"], finding["column"], text(finding, "path"))
        };
        self.json()["findings"].as_array().expect("findings").iter().map(place).collect()
    }

    /// Each error as `file:line:column message`.
    pub fn errors(&self) -> Vec<String> {
        let place =
            |error: &Value| format!("{}:{}:{} {}", text(error, "file"), error["line"], error["column"], text(error, "message"));
        self.json()["errors"].as_array().expect("errors").iter().map(place).collect()
    }

    /// Each note as `file message`.
    pub fn notes(&self) -> Vec<String> {
        let place = |note: &Value| format!("{} {}", text(note, "file"), text(note, "message"));
        self.json()["notes"].as_array().expect("notes").iter().map(place).collect()
    }
}

pub fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// The duration is the only thing that differs from run to run.
fn without_time(text: &str) -> String {
    let Some((before, time)) = text.rsplit_once(", in ") else { return text.to_owned() };
    match time.trim_end().strip_suffix(" s") {
        Some(number) if number.parse::<f64>().is_ok() => format!("{before}, in … s\n"),
        _ => text.to_owned(),
    }
}

/// A waPC module whose entry point does this.
pub fn wapc(data: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (import "wapc" "__guest_request" (func $request (param i32 i32)))
            (import "wapc" "__guest_response" (func $response (param i32 i32)))
            (memory (export "memory") 4)
            (data (i32.const 0) "{data}")
            (func (export "__guest_call") (param i32 i32) (result i32) {body}))"#
    );
    wat::parse_str(text).expect("a module")
}

/// A module that gives this answer to everything.
pub fn answering(answer: &Value) -> Vec<u8> {
    let bytes = answer.to_string().into_bytes();
    let data: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    wapc(&data, &format!("(call $response (i32.const 0) (i32.const {})) (i32.const 1)", bytes.len()))
}

/// The answer of a policy that accepts everything, and all settings.
pub fn accepted() -> Value {
    serde_json::json!({"accepted": true, "valid": true})
}

/// The answer of a policy that finds this.
pub fn findings(findings: &[(&str, &str, &str, &str)]) -> Value {
    let findings: Vec<Value> = findings
        .iter()
        .map(|(rule, severity, path, message)| {
            serde_json::json!({"rule": rule, "severity": severity, "path": path, "message": message, "remedy": "do something else"})
        })
        .collect();
    serde_json::json!({
        "accepted": findings.iter().all(|finding| finding["severity"] != "deny"),
        "valid": true,
        "message": "no",
        "audit_annotations": {"findings": Value::from(findings).to_string()},
    })
}

/// A Deployment without mistakes in its form.
pub const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostNetwork: true
      containers:
        - name: web
          image: registry.example.com/shop:1.0
";
