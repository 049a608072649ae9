//! Servers that do what no registry should, and a proxy that loses what goes through it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// The first byte of TLS, with which the command asks whether a server speaks it.
const TLS: u8 = 0x16;

/// The end of an answer that has none.
pub const ENDLESS: &[u8] = b"and so on";

const NO_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

/// A server that gives the answers of a function.
pub struct Fake {
    /// `127.0.0.1` and its port.
    pub host: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// `answer` gets the number of requests before, the request's first line, and the server's host. After an answer that ends with
    /// [`ENDLESS`], the server goes on until nobody listens any more.
    pub fn start<A: Into<Vec<u8>>>(answer: impl Fn(usize, &str, &str) -> A + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let host = listener.local_addr().expect("an address").to_string();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (own, recorded) = (host.clone(), Arc::clone(&heads));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let Some(head) = head(&mut stream) else { continue };
                let before = {
                    let mut heads = recorded.lock().expect("no panic");
                    heads.push(head.clone());
                    heads.len() - 1
                };
                let text: Vec<u8> = answer(before, head.lines().next().unwrap_or_default(), &own).into();
                let _ = stream.write_all(&text);
                while text.ends_with(ENDLESS) && stream.write_all(&[b' '; 65_536]).is_ok() {}
                let _ = stream.shutdown(Shutdown::Write);
                // What is still sent is read: else the answer could be lost with the connection.
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
            }
        });
        Self { host, heads }
    }

    /// Each request that came, up to its body.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }
}

/// A request up to its body; `None` if it is none.
fn head(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    if head.first() == Some(&TLS) {
        let _ = stream.write_all(NO_TLS);
        return None;
    }
    String::from_utf8(head).ok()
}

/// An answer, after which the connection ends.
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// The answer to what is not there.
pub fn unknown() -> String {
    let body = r#"{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}"#;
    answer("404 Not Found", "Content-Type: application/json\r\n", body)
}

/// Passes bytes on to a registry, as long as it may.
pub struct Proxy {
    /// `127.0.0.1` and its port.
    pub host: String,
    left: Arc<Left>,
}

/// What may still go towards the registry before every connection is cut.
struct Left {
    bytes: AtomicUsize,
    manifests: AtomicUsize,
}

/// When a proxy begins to lose what goes through it.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    Never,
    AfterBytes(usize),
    AfterManifests(usize),
}

impl Left {
    /// Whether a piece goes through; a part of it may.
    fn pass(&self, piece: &[u8], to: &mut TcpStream) -> bool {
        let is_manifest = piece.starts_with(b"PUT ") && piece.windows(11).take(200).any(|window| window == b"/manifests/");
        let take = |count: usize| move |left: usize| Some(left.saturating_sub(count));
        if is_manifest && self.manifests.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take(1)).unwrap_or_default() == 0 {
            self.bytes.store(0, Ordering::SeqCst);
        }
        let left = self.bytes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take(piece.len())).unwrap_or_default();
        to.write_all(&piece[..piece.len().min(left)]).is_ok() && left >= piece.len()
    }
}

impl Proxy {
    /// The first `busy` requests are answered with 503.
    pub fn start(registry: &str, busy: usize, cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let host = listener.local_addr().expect("an address").to_string();
        let (bytes, manifests) = match cut {
            Cut::Never => (usize::MAX, usize::MAX),
            Cut::AfterBytes(bytes) => (bytes, usize::MAX),
            Cut::AfterManifests(manifests) => (usize::MAX, manifests),
        };
        let left = Arc::new(Left { bytes: bytes.into(), manifests: manifests.into() });
        let (registry, shared) = (registry.to_owned(), Arc::clone(&left));
        thread::spawn(move || {
            let mut busy = busy;
            for stream in listener.incoming() {
                let Ok(mut client) = stream else { continue };
                let mut first = [0];
                if client.peek(&mut first).unwrap_or_default() == 1 && busy > 0 && first[0] != TLS {
                    busy -= 1;
                    let _ = head(&mut client);
                    let _ = client.write_all(answer("503 Service Unavailable", "", "").as_bytes());
                    continue;
                }
                if shared.bytes.load(Ordering::SeqCst) == 0 {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&registry) else { continue };
                let (Ok(client_reader), Ok(server_reader)) = (client.try_clone(), server.try_clone()) else { continue };
                let left = Arc::clone(&shared);
                thread::spawn(move || pass(client_reader, server, |piece, to| left.pass(piece, to)));
                thread::spawn(move || pass(server_reader, client, |piece, to| to.write_all(piece).is_ok()));
            }
        });
        Self { host, left }
    }

    /// From now on, nothing is lost.
    pub fn mend(&self) {
        self.left.bytes.store(usize::MAX, Ordering::SeqCst);
        self.left.manifests.store(usize::MAX, Ordering::SeqCst);
    }
}

/// Copies until one side ends, or a piece does not go through.
fn pass(mut from: TcpStream, mut to: TcpStream, send: impl Fn(&[u8], &mut TcpStream) -> bool) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !send(&buffer[..length], &mut to) {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
