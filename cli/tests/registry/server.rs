//! A real registry, and who publishes to it.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};

use crate::REGISTRY;
use crate::support::{Folder, Run};

/// After that, a registry that does not answer never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// A registry that runs until it is dropped.
pub struct Server {
    child: Child,
    folder: tempfile::TempDir,
    /// `127.0.0.1` and its port.
    pub host: String,
}

/// The user of a registry that asks who one is, as in [`HTPASSWD`].
pub const USER: &str = "robot";
/// The user's password, which must be in no output.
pub const PASSWORD: &str = "a pass word";
/// Both, as a registry keeps them.
const HTPASSWD: &str = "robot:$2b$04$NxTYzvu1M78Bpw7FsA/9aOwcuNAQh0e31rHv1/Grc9VEzs7uFxlgq\n";

/// A certificate, its key, and the certificate of the authority behind it: each in PEM.
pub struct Identity {
    pub certificate: String,
    pub key: String,
    pub authority: String,
}

impl Identity {
    /// For this host, until the end of this year, by an authority of its own.
    pub fn new(host: &str, last_year: i32) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).expect("no names");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two of one name would be taken for one that lies.
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("authority {}", NUMBER.fetch_add(1, Ordering::SeqCst));
        authority.distinguished_name.push(DnType::CommonName, name);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority_key = KeyPair::generate().expect("a key");
        let authority_certificate = authority.self_signed(&authority_key).expect("a certificate");
        let issuer = Issuer::new(authority, authority_key);

        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(last_year, 12, 31);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");
        Self { certificate: certificate.pem(), key: key.serialize_pem(), authority: authority_certificate.pem() }
    }
}

impl Server {
    /// One that takes whatever comes.
    pub fn start() -> Self {
        Self::configured("", |_| {})
    }

    /// One that asks who one is.
    pub fn with_users() -> Self {
        Self::configured("auth: {htpasswd: {realm: test, path: FOLDER/htpasswd}}\n", |folder| {
            fs::write(folder.join("htpasswd"), HTPASSWD).expect("files can be written");
        })
    }

    /// One that speaks TLS.
    pub fn with_tls(identity: &Identity) -> Self {
        Self::configured("  tls: {certificate: FOLDER/certificate.pem, key: FOLDER/key.pem}\n", |folder| {
            fs::write(folder.join("certificate.pem"), &identity.certificate).expect("files can be written");
            fs::write(folder.join("key.pem"), &identity.key).expect("files can be written");
        })
    }

    /// `more` follows the section `http` of the configuration.
    fn configured(more: &str, prepare: impl Fn(&std::path::Path)) -> Self {
        // Between the choice of a free port and the start, another one may take it.
        for _ in 0..5 {
            if let Some(server) = Self::try_start(more, &prepare) {
                return server;
            }
        }
        panic!("{REGISTRY} does not start");
    }

    fn try_start(more: &str, prepare: impl Fn(&std::path::Path)) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
        let host = format!("127.0.0.1:{port}");
        prepare(folder.path());
        let path = folder.path().display().to_string();
        let config = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {path}/data}}, delete: {{enabled: true}}}}\nhttp:\n  addr: {host}\n{}",
            more.replace("FOLDER", &path)
        );
        let config_file = folder.path().join("config.yml");
        fs::write(&config_file, config).expect("files can be written");
        let log = File::create(folder.path().join("log")).expect("files can be written");
        let errors = log.try_clone().expect("a file");
        let mut child = Command::new(REGISTRY)
            .arg("serve")
            .arg(&config_file)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .expect("the registry starts");
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if child.try_wait().expect("a child").is_some() {
                return None;
            }
            if TcpStream::connect(&host).is_ok() {
                return Some(Self { child, folder, host });
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
        None
    }

    /// The requests that it has answered so far: `GET /v2/ HTTP/1.1`.
    pub fn requests(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join("log")).expect("a log");
        log.lines()
            .filter(|line| line.contains("palisade/"))
            .filter_map(|line| line.split_once("] \"")?.1.split_once('"'))
            .map(|(request, _)| request.to_owned())
            .collect()
    }

    /// What it answers at this path: the status, and the body.
    pub fn get(&self, path: &str) -> (u16, Vec<u8>) {
        self.reader().get(path)
    }

    /// Somebody who reads it.
    pub fn reader(&self) -> Reader {
        Reader { host: self.host.clone() }
    }
}

/// Somebody who reads what a registry has, and no more.
pub struct Reader {
    host: String,
}

impl Reader {
    /// What is answered at this path: the status, and the body.
    pub fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.host).expect("a connection");
        let accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\nAccept: {accept}\r\n\r\n", self.host).expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&answer[..end]);
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, answer[end + 4..].to_vec())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Who publishes: a folder, with a configuration of docker that nobody else uses.
pub struct Publisher {
    pub folder: Folder,
    variables: RefCell<Vec<(String, String)>>,
}

impl Publisher {
    pub fn new() -> Self {
        let folder = Folder::new();
        let docker = folder.path().join("docker").display().to_string();
        let mut variables = vec![("DOCKER_CONFIG".to_owned(), docker)];
        for name in ["PALISADE_CA_FILE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            variables.push((name.to_owned(), String::new()));
            variables.push((name.to_ascii_lowercase(), String::new()));
        }
        Self { folder, variables: RefCell::new(variables) }
    }

    /// Sets a variable for the runs that follow.
    pub fn set(&self, name: &str, value: &str) {
        self.variables.borrow_mut().push((name.to_owned(), value.to_owned()));
    }

    /// Writes a file, with the folders that it is in.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders can be made");
        fs::write(path, content).expect("files can be written");
    }

    /// Writes docker's configuration.
    pub fn docker(&self, config: &str) {
        self.file("docker/config.json", config);
    }

    /// Logs in, as docker does.
    pub fn log_in(&self, host: &str, user: &str, password: &str) {
        let config = serde_json::json!({"auths": {host: {"auth": base64(&format!("{user}:{password}"))}}});
        self.docker(&config.to_string());
    }

    /// Runs `palisade` with these arguments. The password is never in what it prints.
    pub fn run(&self, args: &[&str]) -> Run {
        let variables = self.variables.borrow();
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        let run = self.folder.run_with(args, &variables, "");
        let printed = format!("{run:?}");
        assert!(!printed.contains(PASSWORD) && !printed.contains(&base64(PASSWORD)), "{printed}");
        run
    }

    /// Runs `palisade publish`.
    pub fn publish(&self, args: &[&str]) -> Run {
        self.run(&[&["publish"], args].concat())
    }

    /// What it printed, without what differs from run to run.
    pub fn shown(&self, run: &Run, host: &str) -> String {
        let text = format!("exit status: {}\n-- standard output\n{}-- standard error\n{}", run.status, run.stdout, run.stderr);
        let folder = self.folder.path().display().to_string();
        let port = host.rsplit(':').next().expect("a port");
        text.replace(&folder, "FOLDER").replace(&format!(":{port}"), ":PORT")
    }

    /// A file's content, if there is one.
    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.path().join(name)).ok()
    }
}

/// A module with this custom section, which does nothing.
pub fn module(metadata: &str) -> Vec<u8> {
    let mut wasm = wat::parse_str("(module)").expect("a module");
    let name = "io.kubewarden.metadata";
    let mut section = vec![u8::try_from(name.len()).expect("short")];
    section.extend(name.bytes());
    section.extend(metadata.bytes());
    wasm.push(0);
    let mut length = section.len();
    loop {
        let byte = u8::try_from(length & 0x7f).expect("seven bits");
        length >>= 7;
        wasm.push(if length == 0 { byte } else { byte | 0x80 });
        if length == 0 {
            break;
        }
    }
    wasm.extend(section);
    wasm
}

/// Metadata of a policy of this title and version, which `kwctl` takes too.
pub fn metadata(title: &str, version: &str) -> String {
    serde_json::json!({
        "protocolVersion": "v1",
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
        "annotations": {
            "io.kubewarden.policy.title": title,
            "io.kubewarden.policy.version": version,
            "io.kubewarden.policy.source": "https://example.com/policies ",
            "io.kubewarden.policy.usage": "more than\none line",
        },
        "mutating": false,
        "backgroundAudit": true,
        "executionMode": "kubewarden-wapc",
        "contextAwareResources": [],
    })
    .to_string()
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |chunk: &[u8]| {
        let bits = chunk.iter().chain(&[0; 2]).take(3).fold(0, |bits: usize, byte| bits << 8 | usize::from(*byte));
        let digit = |index: usize| if index <= chunk.len() { char::from(DIGITS[bits >> (18 - 6 * index) & 63]) } else { '=' };
        [0, 1, 2, 3].map(digit)
    };
    text.as_bytes().chunks(3).flat_map(digits).collect()
}
