//! In `policy-server`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use palisade_harness::{AdmissionRequest, Verdict};
use palisade_policies::{Module, POLICIES};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::cases::{Case, Cases, can_be_set, difference};
use crate::http::Connection;
use crate::{needs, trust};

/// The group of policies that is served beside the single ones, and its members by their names in its expression.
const GROUP: &str = "roles";
const MEMBERS: [(&str, &str); 2] = [("grants", "rbac-least-privilege"), ("secrets", "restrict-secret-access")];
/// A policy that only watches.
const MONITOR: &str = "monitored-rbac-least-privilege";

/// One server for all trials, started by the first that needs it, and what was measured of it.
#[derive(Clone)]
pub struct Figures(Arc<OnceLock<Result<Server, String>>>);

/// What a trial does with the server.
type Run = Box<dyn FnOnce(&Server, &Cases) -> Result<(), Failed> + Send>;

/// The id of each policy with each of its settings, written in JSON.
type Ids = HashMap<(&'static str, String), String>;

pub fn trials(program: Option<&Path>, cases: &Arc<Cases>) -> (Vec<Trial>, Figures) {
    let figures = Figures(Arc::default());
    let mut trials = Vec::new();
    let mut trial = |name: String, run: Run| {
        let (program, cases, figures) = (program.map(Path::to_owned), Arc::clone(cases), figures.clone());
        let is_there = program.is_some();
        let trial = Trial::test(format!("policy-server::{name}"), move || {
            let program = program.ok_or("policy-server is not installed")?;
            let server = figures.0.get_or_init(|| Server::start(&program, &cases));
            run(server.as_ref().map_err(Failed::from)?, &cases)
        });
        trials.push(needs("policy-server", is_there, trial));
    };
    for module in POLICIES {
        trial(format!("{}::validate", module.name), Box::new(move |server, cases| validates(server, module, cases)));
    }
    trial("group".to_owned(), Box::new(judges_as_a_group));
    trial("monitor".to_owned(), Box::new(only_watches));
    trial("audit".to_owned(), Box::new(audits));
    (trials, figures)
}

/// A running server.
pub struct Server {
    child: Child,
    address: SocketAddr,
    ids: Ids,
    ready: Duration,
    /// How many requests were made, and how long all of them took.
    asked: Mutex<(usize, Duration)>,
    _dir: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(program: &Path, cases: &Cases) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
        let (policies, ids) = configuration(dir.path(), cases)?;
        let file = dir.path().join("policies.yml");
        fs::write(&file, policies.to_string()).map_err(|error| failed(&file, error))?;
        let log = dir.path().join("log");
        let (port, readiness) = (free_port()?, free_port()?);
        let mut command = Command::new(program);
        command.current_dir(dir.path()).env_clear().env("HOME", dir.path());
        command.args([
            "--addr",
            "127.0.0.1",
            "--log-level",
            "warn",
            "--log-no-color",
            "--ignore-kubernetes-connection-failure",
        ]);
        // Settings that are refused are reported where they are used.
        command.args(["--continue-on-errors", "--port", &port.to_string(), "--readiness-probe-port", &readiness.to_string()]);
        command.args(["--policies", "policies.yml", "--policies-download-dir", ".", "--sigstore-cache-dir", "sigstore"]);
        command.arg("--sigstore-trust-config").arg(trust::write(dir.path())?);
        let output = File::create(&log).map_err(|error| failed(&log, error))?;
        command.stdin(Stdio::null()).stderr(output.try_clone().map_err(|error| failed(&log, error))?).stdout(output);
        let begin = Instant::now();
        let mut child = command.spawn().map_err(|error| failed(program, error))?;
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let is_ready = || Connection::open(address(readiness)).and_then(|mut server| server.get("/readiness"));
        while !is_ready().is_ok_and(|(status, _)| status == 200) {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                let log = fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("policy-server has ended with {status}:\n{log}"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        let asked = Mutex::default();
        Ok(Self { child, address: address(port), ids, ready: begin.elapsed(), asked, _dir: dir })
    }

    /// The `AdmissionResponse` to a review.
    fn ask(&self, connection: &mut Connection, path: &str, review: &str) -> Result<Value, Failed> {
        let begin = Instant::now();
        let (status, body) = connection.post(path, review)?;
        let took = begin.elapsed();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        *asked = (asked.0 + 1, asked.1 + took);
        if status != 200 {
            return Err(format!("{path}: status {status}: {}", String::from_utf8_lossy(&body)).into());
        }
        let mut answer: Value = serde_json::from_slice(&body)?;
        Ok(answer["response"].take())
    }

    fn connect(&self) -> Result<Connection, Failed> {
        Ok(Connection::open(self.address)?)
    }

    /// The most memory that it has had so far, where the system tells.
    fn peak(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| error.to_string())
}

/// What is served, and under which names: each policy by its own with its defaults, and by others with the settings of its cases.
fn configuration(dir: &Path, cases: &Cases) -> Result<(Value, Ids), String> {
    let (mut policies, mut ids) = (Map::new(), Ids::new());
    let mut modules: HashMap<&str, Value> = HashMap::new();
    for module in POLICIES {
        let path: PathBuf = dir.join(module.name).with_extension("wasm");
        fs::write(&path, module.wasm).map_err(|error| format!("{}: {error}", path.display()))?;
        let metadata: Value = serde_json::from_str(module.metadata).map_err(|error| error.to_string())?;
        let entry = json!({
            "module": format!("file://{}", path.display()),
            "contextAwareResources": metadata["contextAwareResources"],
            "hostCapabilities": metadata["hostCapabilities"],
        });
        let of_cases = cases.of(module).map(|case| &case.recording.settings).filter(|settings| can_be_set(settings));
        let defaults = json!({});
        for settings in [&defaults].into_iter().chain(of_cases) {
            let number = ids.len();
            let id = ids.entry((module.name, settings.to_string())).or_insert_with(|| match settings == &defaults {
                true => module.name.to_owned(),
                false => format!("{}-{number}", module.name),
            });
            if !policies.contains_key(id.as_str()) {
                let mut entry = entry.clone();
                entry["settings"] = settings.clone();
                policies.insert(id.clone(), entry);
            }
        }
        modules.insert(module.name, entry);
    }
    let member = |(name, policy): (&str, &str)| modules.get(policy).map(|entry| (name.to_owned(), entry.clone()));
    let members: Map<String, Value> = MEMBERS.into_iter().filter_map(member).collect();
    let expression = MEMBERS.map(|(name, _)| format!("{name}()")).join(" && ");
    policies.insert(GROUP.to_owned(), json!({"policies": members, "expression": expression, "message": "too much in a role"}));
    let mut monitored = modules.remove(MEMBERS[0].1).ok_or("there is no rbac-least-privilege")?;
    monitored["policyMode"] = "monitor".into();
    policies.insert(MONITOR.to_owned(), monitored);
    Ok((Value::Object(policies), ids))
}

/// It says what the harness says of everything for which it needs no cluster.
fn validates(server: &Server, module: &Module, cases: &Cases) -> Result<(), Failed> {
    let mut connection = server.connect()?;
    let mut differences = Vec::new();
    for case in cases.of(module).filter(|case| case.recording.session.exchanges.is_empty()) {
        let Some(id) = server.ids.get(&(module.name, case.recording.settings.to_string())) else { continue };
        let found = server.ask(&mut connection, &format!("/validate/{id}"), &case.recording.request.review())?;
        differences.extend(match &case.recording.verdict {
            Verdict::SettingsRefused(message) => not_refused(case, message, &found),
            Verdict::Response(_) => difference(case, &found),
        });
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n").into()) }
}

/// A policy whose settings are refused rejects everything, and says why.
fn not_refused(case: &Case, message: &str, found: &Value) -> Option<String> {
    let status = &found["status"];
    let says_why = status["message"].as_str().is_some_and(|text| text.contains(message));
    let refused = found["allowed"] == false && status["code"] == 500 && says_why;
    (!refused).then(|| format!("{}\n  - settings refused: {message}\n  + {found}", case.name))
}

/// The members of a group are asked one by one, and its expression decides.
fn judges_as_a_group(server: &Server, cases: &Cases) -> Result<(), Failed> {
    let mut connection = server.connect()?;
    for (name, allowed) in [("role-create", false), ("role-update", true), ("clusterrole-create", false)] {
        let review = cases.review(name)?;
        let found = server.ask(&mut connection, &format!("/validate/{GROUP}"), &review.text)?;
        if found["allowed"] != allowed || (!allowed && found["status"]["message"] != "too much in a role") {
            return Err(format!("{name}: {found}").into());
        }
    }
    Ok(())
}

/// What would be rejected is accepted while a policy only watches.
fn only_watches(server: &Server, cases: &Cases) -> Result<(), Failed> {
    let review = cases.review("role-create")?;
    let found = server.ask(&mut server.connect()?, &format!("/validate/{MONITOR}"), &review.text)?;
    if found["allowed"] == true && found["auditAnnotations"]["findings"].is_string() {
        Ok(())
    } else {
        Err(found.to_string().into())
    }
}

/// The audit scanner gets the true verdict, also of a policy that only watches.
fn audits(server: &Server, cases: &Cases) -> Result<(), Failed> {
    let review: Value = serde_json::from_str(&cases.review("role-create")?.text)?;
    let request = AdmissionRequest::audit(review["request"]["object"].clone())?;
    let mut connection = server.connect()?;
    for id in [MONITOR, MEMBERS[0].1] {
        let found = server.ask(&mut connection, &format!("/audit/{id}"), &request.review())?;
        if found["allowed"] != false || found["status"]["code"] != 403 {
            return Err(format!("{id}: {found}").into());
        }
    }
    Ok(())
}

impl Figures {
    /// What was measured; `None` when no server was started.
    pub fn report(&self) -> Option<String> {
        let server = self.0.get()?.as_ref().ok()?;
        let (requests, took) = *server.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for module in POLICIES {
            let digest: String = Sha256::digest(module.wasm).iter().map(|byte| format!("{byte:02x}")).collect();
            let _ = writeln!(text, "{:32} {:>8} bytes  sha256:{digest}", module.name, module.wasm.len());
        }
        let policies = server.ids.len() + 2;
        let _ =
            writeln!(text, "\npolicy-server: {policies} policies of {} modules ready in {:.1?}", POLICIES.len(), server.ready);
        if let Some(peak) = server.peak() {
            let _ = writeln!(text, "policy-server: {} MiB at most", peak / 1024);
        }
        let rate = requests as f64 / took.as_secs_f64().max(f64::EPSILON);
        let _ = writeln!(text, "policy-server: {requests} requests, {rate:.0} a second on one connection");
        Some(text)
    }
}
