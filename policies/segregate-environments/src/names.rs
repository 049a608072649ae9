//! Cluster DNS names in any text: a host alone, a URL, a list, a data source name, a whole configuration file.
//!
//! `db.shop.svc` and `db.shop.svc.cluster.local` say themselves what they are. `db.shop` is one only if there is a namespace `shop`, and
//! so is half of what stands in a file: module paths, keys, file names, domains. So each short name comes with what speaks for it.

/// How sure it is that a word is the name of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// It could be anything with a dot.
    None,
    /// It is a host, by its place in a URL, by a port, or by the name of what it is given to; maybe one of the Internet.
    Host,
    /// It is reached by a protocol, or on a port, that is not for the Internet.
    Service,
}

/// A name that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'t> {
    /// The label in the place of the Service; empty where a variable stands for it.
    pub service: &'t str,
    /// The label in the place of the namespace.
    pub namespace: &'t str,
    /// For a short name what speaks for it; `None` for one with `svc` or `pod` in it.
    pub short: Option<Evidence>,
    /// Whether there are labels before the Service's: the name of a pod.
    pub is_of_pod: bool,
    /// The line, from 1.
    pub line: usize,
}

/// Schemes of the web, whose hosts are as likely on the Internet.
const WEB_SCHEMES: [&str; 4] = ["http", "https", "ws", "wss"];
/// Ports of the web.
const WEB_PORTS: [&str; 4] = ["80", "443", "8080", "8443"];
/// The last words of names that are given hosts.
const HOST_WORDS: [&str; 22] = [
    "addr",
    "address",
    "addresses",
    "api",
    "backend",
    "broker",
    "brokers",
    "dsn",
    "endpoint",
    "endpoints",
    "host",
    "hostname",
    "hosts",
    "node",
    "nodes",
    "server",
    "servers",
    "service",
    "upstream",
    "uri",
    "url",
    "urls",
];
/// How far back the name of a value is looked for.
const KEY_LENGTH: usize = 64;

/// Whether what has this name is given hosts: `DB_HOST`, `--redis-url`, `spring.datasource.url`.
pub fn takes_hosts(name: &str) -> bool {
    let start = name.bytes().rposition(|byte| !byte.is_ascii_alphanumeric()).map_or(0, |index| index + 1);
    let last = name.get(start..).unwrap_or_default();
    HOST_WORDS.iter().any(|word| {
        let Some((before, end)) = last.len().checked_sub(word.len()).and_then(|middle| last.split_at_checked(middle)) else {
            return false;
        };
        // `dbHost` and `databaseURL`, but not `ghost`.
        let begins_a_word = before.is_empty()
            || (before.bytes().next_back().is_some_and(|byte| !byte.is_ascii_uppercase())
                && end.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase()));
        begins_a_word && end.eq_ignore_ascii_case(word)
    })
}

/// Shows each name in the text. `evidence` is what is known beforehand; `domains` are those of the cluster.
pub fn scan<'t>(text: &'t str, evidence: Evidence, domains: &[String], found: &mut dyn FnMut(Name<'t>)) {
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let is_file = bytes.contains(&b'\n');
    // What the scheme of the URL says, until its host part ends.
    let mut authority: Option<Evidence> = None;
    let (mut here, mut line, mut line_begins) = (0, 1, true);
    while here < bytes.len() {
        let byte = at(here);
        if is_host_byte(byte) {
            let end = here + bytes.iter().skip(here).take_while(|byte| is_host_byte(**byte)).count();
            let word = Word { text, start: here, end, in_path: here > 0 && at(here - 1) == b'/' && authority.is_none() };
            if let Some(name) = word.read(evidence.max(authority.unwrap_or(Evidence::None)), domains) {
                found(Name { line, ..name });
            }
            (here, line_begins) = (end, false);
            continue;
        }
        match byte {
            b'\n' => {
                line += 1;
                (authority, line_begins) = (None, true);
            }
            b' ' | b'\t' | b'\r' => authority = None,
            // A comment of a file.
            b'#' | b';' if line_begins && is_file => {
                here += bytes.iter().skip(here).take_while(|byte| **byte != b'\n').count();
                continue;
            }
            b'/' if at(here + 1) == b'/' => {
                if line_begins && is_file && at(here + 2) == b' ' {
                    here += bytes.iter().skip(here).take_while(|byte| **byte != b'\n').count();
                    continue;
                }
                let scheme = text.get(..here).and_then(|before| before.strip_suffix(':')).unwrap_or_default();
                authority = Some(if scheme.is_empty() || is_web(scheme) { Evidence::Host } else { Evidence::Service });
                (here, line_begins) = (here + 2, false);
                continue;
            }
            // A list of hosts, a user, a port, an address in brackets are all within the host part.
            b',' | b'@' | b':' | b'%' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'$' | b'*' | b'+' | b'!' => {
                line_begins = false
            }
            _ => (authority, line_begins) = (None, false),
        }
        here += 1;
    }
}

const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

fn is_web(before: &str) -> bool {
    WEB_SCHEMES.iter().any(|scheme| {
        let start = before.len().saturating_sub(scheme.len());
        let is_whole = start == 0 || before.as_bytes().get(start - 1).is_some_and(|byte| !byte.is_ascii_alphanumeric());
        is_whole && before.get(start..).is_some_and(|word| word.eq_ignore_ascii_case(scheme))
    })
}

/// A run of bytes that hosts are made of.
struct Word<'t> {
    text: &'t str,
    start: usize,
    end: usize,
    in_path: bool,
}

impl<'t> Word<'t> {
    fn before(&self, distance: usize) -> u8 {
        self.start.checked_sub(distance).and_then(|index| self.text.as_bytes().get(index)).copied().unwrap_or(0)
    }

    fn after(&self, distance: usize) -> u8 {
        self.text.as_bytes().get(self.end + distance).copied().unwrap_or(0)
    }

    fn read(&self, evidence: Evidence, domains: &[String]) -> Option<Name<'t>> {
        let whole = self.text.get(self.start..self.end)?;
        let host = whole.trim_end_matches('.');
        // `.shop.svc` stands for every Service of the namespace, as in NO_PROXY, and `$(NAME).shop.svc` for one.
        if host.starts_with('.') && !matches!(self.before(1), b'}' | b')') {
            return None;
        }
        let domain = domains.iter().find_map(|domain| strip_domain(host, domain));
        let mut labels = domain.unwrap_or(host).rsplit('.');
        let last = labels.next()?;
        if ["svc", "pod"].iter().any(|word| last.eq_ignore_ascii_case(word)) && (domain.is_some() || last.len() == 3) {
            let is_pod = last.eq_ignore_ascii_case("pod");
            let namespace = labels.next().filter(|label| !label.is_empty())?;
            let service = labels.next();
            // Without the domain, `x.svc` may as well be a Service x, and `x.y.pod` is no name at all.
            if domain.is_none() && (service.is_none() || is_pod) {
                return if is_pod { self.read_short(host, evidence) } else { None };
            }
            let is_of_pod = labels.next().is_some();
            return Some(Name { service: service.unwrap_or_default(), namespace, short: None, is_of_pod, line: 0 });
        }
        if domain.is_some() { None } else { self.read_short(host, evidence) }
    }

    /// `service.namespace`, `pod.service.namespace`, `_port._tcp.service.namespace`.
    fn read_short(&self, host: &'t str, evidence: Evidence) -> Option<Name<'t>> {
        let host = match host.strip_prefix('-') {
            // `--key.word` is an option's name, `-hdb.shop` may be an option and its host.
            Some(rest) if rest.starts_with('-') => return None,
            Some(rest) => rest,
            None => host,
        };
        let mut labels = host.rsplit('.');
        let (namespace, service) = (labels.next()?, labels.next()?);
        let is_name = service.bytes().next().is_none_or(|first| first.is_ascii_alphabetic())
            && !service.bytes().any(|byte| byte == b'_')
            && service.len() <= 63;
        let more = labels.clone().count();
        let most = if host.starts_with('_') { 2 } else { 1 };
        if !is_name || more > most || self.is_something_else() {
            return None;
        }
        let mut evidence = evidence;
        if self.after(0) == b':' {
            let port = self.text.get(self.end + 1..).unwrap_or_default();
            let port = port.get(..port.bytes().take_while(u8::is_ascii_digit).count()).unwrap_or_default();
            if !port.is_empty() && port.len() <= 5 {
                evidence = evidence.max(if WEB_PORTS.contains(&port) { Evidence::Host } else { Evidence::Service });
            }
        }
        if evidence == Evidence::None && takes_hosts(self.key()) {
            evidence = Evidence::Host;
        }
        Some(Name { service, namespace, short: Some(evidence), is_of_pod: more > 0, line: 0 })
    }

    /// Part of a path, a template's expression, a function, a key, the user of an address.
    fn is_something_else(&self) -> bool {
        let (before, after) = (self.before(1), self.after(0));
        let is_template = before == b'{' && matches!(self.before(2), b'$' | b'{');
        let is_quoted_key = matches!(after, b'"' | b'\'') && self.after(1) == b':';
        let rest = self.text.get(self.end..).unwrap_or_default().bytes();
        let is_key = rest.take(KEY_LENGTH).find(|byte| *byte != b' ') == Some(b'=')
            || (after == b':' && matches!(self.after(1), b' ' | b'\n' | b'\r' | 0))
            || is_quoted_key;
        self.in_path || is_template || is_key || matches!(after, b'(' | b'@') || matches!(before, b'$' | b'\\')
    }

    /// The word that the value is given to: `host` in `host=db.shop`, `host: db.shop` and `"host": "db.shop"`.
    fn key(&self) -> &'t str {
        let before = self.text.as_bytes().get(..self.start).unwrap_or_default();
        let mut nearby = (self.start.saturating_sub(KEY_LENGTH)..self.start).rev();
        let mut last_but = |bytes: &[u8]| nearby.find(|index| before.get(*index).is_some_and(|byte| !bytes.contains(byte)));
        if !last_but(b" \"'").is_some_and(|sign| matches!(before.get(sign), Some(b'=' | b':'))) {
            return "";
        }
        let Some(last) = last_but(b" \"'") else { return "" };
        let key = before.get(..=last).unwrap_or_default();
        let length = key.iter().rev().take(KEY_LENGTH).take_while(|byte| is_host_byte(**byte)).count();
        self.text.get(last + 1 - length..=last).unwrap_or_default()
    }
}

/// What stands before the domain, if the host is in it.
fn strip_domain<'t>(host: &'t str, domain: &str) -> Option<&'t str> {
    let length = host.len().checked_sub(domain.len() + 1)?;
    let is_in = host.as_bytes().get(length) == Some(&b'.')
        && host.get(length + 1..).is_some_and(|end| end.eq_ignore_ascii_case(domain));
    if is_in { host.get(..length) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each name as `service/namespace`, with what speaks for it.
    fn names(text: &str) -> Vec<String> {
        let domains = ["cluster.local".to_owned()];
        let mut names = Vec::new();
        scan(text, Evidence::None, &domains, &mut |name| {
            let sure = match name.short {
                None => "svc",
                Some(Evidence::None) => "?",
                Some(Evidence::Host) => "host",
                Some(Evidence::Service) => "service",
            };
            names.push(format!("{}/{} {sure}", name.service, name.namespace));
        });
        names
    }

    #[test]
    fn full_names() {
        for (text, expected) in [
            ("db.shop.svc", "db/shop svc"),
            ("db.shop.svc.cluster.local", "db/shop svc"),
            ("db.shop.svc.cluster.local.", "db/shop svc"),
            ("db.shop.svc.", "db/shop svc"),
            ("DB.Shop.SVC.Cluster.Local", "DB/Shop svc"),
            ("postgres://u:p@db.shop.svc:5432/x", "db/shop svc"),
            ("db-0.db.shop.svc.cluster.local", "db/shop svc"),
            ("_pg._tcp.db.shop.svc.cluster.local", "db/shop svc"),
            ("10-0-0-1.shop.pod.cluster.local", "10-0-0-1/shop svc"),
            ("shop.svc.cluster.local", "/shop svc"),
            ("http://$(NAME).shop.svc:80", "/shop svc"),
            ("${NAME}.shop.svc", "/shop svc"),
            ("-hdb.shop.svc", "-hdb/shop svc"),
            ("svc.svc.svc", "svc/svc svc"),
            ("/db.shop.svc.cluster.local/10.0.0.1", "db/shop svc"),
        ] {
            assert_eq!(names(text), [expected], "{text}");
        }
    }

    #[test]
    fn no_names() {
        for text in [
            "",
            "db",
            "10.0.0.1",
            "1.2.3",
            ".svc.cluster.local",
            ".shop.svc",
            "*.shop.svc",
            "svc.cluster.local",
            "shop.svc",
            ".cluster.local",
            "x.y.cluster.local",
            "/etc/app/config.shop",
            "conf/config.shop",
            "http://example/config.shop",
            "--log.shop=debug",
            "logging.shop=debug",
            "logging.shop = debug",
            "logging.shop: debug",
            "{\"logging.shop\": \"debug\"}",
            "${log.shop}",
            "{{log.shop}}",
            "$log.shop",
            "app.shop()",
            "ops@",
            "first.last@example",
            "my_app.shop",
            "a.b.c.shop",
            ".env.shop",
            "...",
            "-",
        ] {
            assert_eq!(names(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn short_names_with_what_speaks_for_them() {
        for (text, expected) in [
            ("db.shop", "db/shop ?"),
            ("config.settings.shop", "settings/shop ?"),
            ("db-0.db.shop", "db/shop ?"),
            ("_pg._tcp.db.shop", "db/shop ?"),
            ("x.shop.pod", "shop/pod ?"),
            ("http://db.shop", "db/shop host"),
            ("https://db.shop/path", "db/shop host"),
            ("//db.shop/path", "db/shop host"),
            ("db.shop:80", "db/shop host"),
            ("redis://db.shop/0", "db/shop service"),
            ("redis://:pw@db.shop:6379/0", "db/shop service"),
            ("u:p@tcp(db.shop:3306)/x", "db/shop service"),
            ("db.shop:5432", "db/shop service"),
            ("config.shop:app", "config/shop ?"),
            ("host=db.shop port=5432", "db/shop host"),
            ("{\"dbHost\": \"db.shop\"}", "db/shop host"),
            ("name: db.shop", "db/shop ?"),
            ("db.shop.", "db/shop ?"),
            ("-hdb.shop", "hdb/shop ?"),
            ("?upstream=db.shop&x", "db/shop host"),
        ] {
            assert_eq!(names(text), [expected], "{text}");
        }
    }

    #[test]
    fn several_names_in_a_text() {
        assert_eq!(
            names("mongodb://u:p@a.shop,b.shop:27017/x,c.shop"),
            ["a/shop service", "b/shop service", "c/shop ?"],
            "the host part ends with the path"
        );
        assert_eq!(names("a.x.svc,b.y.svc;c.z"), ["a/x svc", "b/y svc", "c/z ?"]);
    }

    #[test]
    fn comments_are_left_out_and_lines_counted() {
        let mut lines = Vec::new();
        let text = "# a.x.svc\n  ; b.x.svc\n// c.x.svc\nhost = d.x.svc # e.x.svc\n\n//f.x.svc\n";
        scan(text, Evidence::None, &[], &mut |name| lines.push((name.service, name.line)));
        assert_eq!(lines, [("d", 4), ("e", 4), ("f", 6)]);
        assert_eq!(names("#a.x.svc"), ["a/x svc"], "one line is no file");
    }

    #[test]
    fn names_that_are_given_hosts() {
        for name in ["DB_HOST", "host", "--redis-url", "spring.datasource.url", "dbHost", "databaseURL", "KAFKA_BROKERS", "URL"]
        {
            assert!(takes_hosts(name), "{name}");
        }
        for name in ["", "DJANGO_SETTINGS_MODULE", "ghost", "HOST_NAME_FILE", "--settings", "hosted"] {
            assert!(!takes_hosts(name), "{name}");
        }
    }

    #[test]
    fn long_texts_take_linear_time() {
        for text in ["a.".repeat(1 << 20), "a.b ".repeat(1 << 19), "://".repeat(1 << 19), "é.ü=a.b".repeat(1 << 18)] {
            names(&text);
        }
    }
}
