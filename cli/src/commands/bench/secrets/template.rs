//! Texts with parts that are made up: `ghp_[[github:30]]`, `postgres://[[user]]:«[[password]]»@[[host]]/shop`.
//!
//! `[[kind:number]]` is replaced by something of that kind and length, the same for the same seed. `«` and `»` enclose the secret.
//! No value here was ever issued by anyone: all of them come from the generator of random numbers below.

use std::fmt::Write as _;
use std::ops::Range;

/// SplitMix64: small, and the same everywhere.
pub struct Random(u64);

impl Random {
    /// A stream of its own for each seed and label.
    pub fn new(seed: u64, label: &str) -> Self {
        Self(seed ^ fnv(label))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below this one, which is not zero.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// One of these.
    pub fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len())]
    }

    fn characters(&mut self, from: &str, number: usize) -> String {
        let from: Vec<char> = from.chars().collect();
        (0..number).map(|_| from[self.below(from.len())]).collect()
    }

    fn bytes(&mut self, number: usize) -> Vec<u8> {
        (0..number).map(|_| self.next() as u8).collect()
    }
}

/// FNV-1a, 64 bits.
pub fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// In the order of GitHub's base 62.
const ALNUM: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// RFC 4648, section 6; the account is part of an AWS key id in it.
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// BIP 173, in upper case: what age writes its keys in.
const BECH32: &str = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
/// What `django.core.management.utils.get_random_secret_key` draws from.
const DJANGO: &str = "abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)";

const WORDS: &[&str] = &[
    "harbour", "kestrel", "lantern", "maple", "orbit", "pebble", "quartz", "river", "saddle", "timber", "velvet", "willow",
    "anchor", "bramble", "copper", "dolphin", "ember", "falcon", "granite", "hazel", "island", "juniper", "kernel", "lagoon",
    "meadow", "nectar", "onyx", "prairie", "raven", "summit", "thistle", "umber", "violet", "walnut", "yonder", "zephyr",
];
const PEOPLE: &[&str] =
    &["shop", "app", "django", "postgres", "svc_orders", "admin", "celery", "web-user", "reporting", "root"];
const HOSTS: &[&str] = &[
    "db",
    "postgres.shop.svc.cluster.local",
    "10.0.4.17",
    "db-1.internal.example.com",
    "shop.c1x2y3z4.eu-west-1.rds.example.com",
    "redis-master",
    "cache.shop.svc",
    "localhost",
    "rabbitmq.messaging",
];
/// Passwords that work, and that every list of passwords begins with.
const WEAK: &[&str] = &[
    "postgres",
    "root",
    "admin123",
    "123456",
    "qwerty",
    "letmein",
    "minio123",
    "minioadmin",
    "wordpress",
    "hunter2",
    "welcome1",
    "passw0rd",
    "toor",
    "dbpassword11",
    "helloworld",
    "Passw0rd!",
    "monkey",
    "s3cr3t",
    "guest",
    "rabbitmq",
    "mysql",
    "P@ssw0rd",
];

/// A text, and where in it the secret stands: all of it where nothing says so.
pub struct Expanded {
    pub text: String,
    pub secret: Range<usize>,
    /// How many bytes of the secret stand in the template: those that all of its kind begin with.
    pub public: usize,
}

/// Fills a template in.
pub fn expand(template: &str, random: &mut Random) -> Expanded {
    let mut text = String::new();
    let (mut start, mut end) = (0, None);
    let mut made_up = None;
    let mut rest = template;
    while let Some(character) = rest.chars().next() {
        if let Some((inside, after)) = rest.strip_prefix("[[").and_then(|inside| inside.split_once("]]")) {
            let (kind, number) = inside.split_once(':').unwrap_or((inside, "0"));
            if end.is_none() {
                made_up = made_up.filter(|at| *at >= start).or(Some(text.len()));
            }
            part(kind, number, random, &mut text);
            rest = after;
            continue;
        }
        rest = &rest[character.len_utf8()..];
        match character {
            '«' => start = text.len(),
            '»' => end = Some(text.len()),
            _ => text.push(character),
        }
    }
    let end = end.unwrap_or(text.len());
    let mut public = made_up.filter(|at| (start..end).contains(at)).map_or(0, |at| at - start);
    if text[start..].starts_with("-----BEGIN ") {
        public = text[start..end].find('\n').unwrap_or(0);
    }
    Expanded { text, secret: start..end, public }
}

/// Adds one part. A misspelt kind is a defect of a table, and stops the program.
fn part(kind: &str, argument: &str, random: &mut Random, text: &mut String) {
    let number = argument.parse().unwrap_or(0);
    let made = match kind {
        "digits" => random.characters(DIGITS, number),
        "hex" => random.characters(HEX, number),
        "HEX" => random.characters(HEX, number).to_uppercase(),
        "lower" => random.characters(LOWER, number),
        "upper" => random.characters(UPPER, number),
        "letters" => random.characters(LETTERS, number),
        "alnum" => random.characters(ALNUM, number),
        "base64" => random.characters(BASE64, number),
        "url64" => random.characters(BASE64_URL, number),
        "base32" => random.characters(BASE32, number),
        "bech32" => random.characters(BECH32, number),
        "django" => random.characters(DJANGO, number),
        // As `openssl rand -base64 32` prints it, with its padding.
        "rand64" => base64(&random.bytes(number)),
        "word" => random.pick(WORDS).to_owned(),
        "Word" => capital(random.pick(WORDS)),
        "user" => random.pick(PEOPLE).to_owned(),
        "host" => random.pick(HOSTS).to_owned(),
        "weak" => random.pick(WEAK).to_owned(),
        "password" => password(random),
        "uuid" => uuid(random),
        // RFC 7617: what follows `Basic`, and what a registry login is.
        "basic" => base64(format!("{}:{}", random.pick(PEOPLE), password(random)).as_bytes()),
        // The random part, and six digits in base 62 of its CRC32: GitHub's and npm's tokens.
        "github" => {
            let body = random.characters(ALNUM, number);
            let checksum = base62(crc32(body.as_bytes()), 6);
            body + &checksum
        }
        // Grafana's: eight hexadecimal digits of the CRC32 of all before the last underscore, its lowest byte first.
        "grafana" => {
            let body = format!("glsa_{}", random.characters(ALNUM, 32));
            let checksum = crc32(body.as_bytes()).swap_bytes();
            format!("{body}_{checksum:08x}")
        }
        // Atlassian's: eight upper-case hexadecimal digits of the CRC32 of all before them.
        "atlassian" => {
            let (start, number) = argument.split_once(',').expect("a beginning and a number");
            let number = number.parse().expect("a number");
            let tail = if start == "ATBB" { "" } else { "=" };
            let body = format!("{start}{}{tail}", random.characters(if tail.is_empty() { ALNUM } else { BASE64_URL }, number));
            let checksum = crc32(body.as_bytes());
            format!("{body}{checksum:08X}")
        }
        "jwt" => {
            let algorithm = random.pick(&["HS256", "RS256", "ES256", "HS512"]);
            let header = url64(format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#).as_bytes());
            let subject = uuid(random);
            let payload =
                url64(format!(r#"{{"sub":"{subject}","iss":"shop","iat":17{}}}"#, random.characters(DIGITS, 8)).as_bytes());
            let signature = url64(&random.bytes(if algorithm == "HS256" { 32 } else { 64 }));
            format!("{header}.{payload}.{signature}")
        }
        // A token of a ServiceAccount, and one with a key id first in its header.
        "jwt-kid" => {
            let header = url64(format!(r#"{{"kid":"{}","alg":"RS256"}}"#, random.characters(BASE64_URL, 43)).as_bytes());
            let payload = url64(br#"{"iss":"kubernetes/serviceaccount","sub":"system:serviceaccount:shop:web"}"#);
            format!("{header}.{payload}.{}", url64(&random.bytes(256)))
        }
        "pem" => armour(&format!("{argument}PRIVATE KEY"), 640, random),
        "certificate" => armour("CERTIFICATE", 720, random),
        "public-key" => armour("PUBLIC KEY", 294, random),
        "service-account" => {
            let key = armour("PRIVATE KEY", 900, random).replace('\n', "\\n");
            format!(
                r#"{{"type":"service_account","project_id":"shop-{}","private_key_id":"{}","private_key":"{key}\n","client_email":"web@shop.iam.gserviceaccount.com","client_id":"{}","token_uri":"https://oauth2.googleapis.com/token"}}"#,
                random.characters(DIGITS, 6),
                random.characters(HEX, 40),
                random.characters(DIGITS, 21),
            )
        }
        "glc" => base64(
            format!(
                r#"{{"o":"{}","n":"shop-metrics","k":"{}","m":{{"r":"eu"}}}}"#,
                random.characters(DIGITS, 6),
                random.characters(ALNUM, 24)
            )
            .as_bytes(),
        ),
        // `base64:` of a text in the table, which has no parts of its own.
        "encode" => base64(argument.as_bytes()),
        _ => panic!("the template has a part of the unknown kind {kind}"),
    };
    text.push_str(&made);
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

/// As people and generators make them.
fn password(random: &mut Random) -> String {
    let (one, two) = (capital(random.pick(WORDS)), random.pick(WORDS));
    let number = 10 + random.below(8990);
    match random.below(12) {
        0 => format!("{one}-{two}-{number}"),
        1 => random.characters(ALNUM, 16),
        2 => format!("{one}{number}!"),
        3 => format!("{two}{number}"),
        4 => random.characters(LOWER, 12),
        5 => random.characters(HEX, 32),
        6 => base64(&random.bytes(18)),
        7 => format!("{}#{}", random.characters(ALNUM, 7), random.characters(ALNUM, 6)),
        8 => format!("{}@{number}", one.replace('a', "4").replace('e', "3").replace('o', "0")),
        9 => random.characters(ALNUM, 24),
        10 => random.characters(LETTERS, 20),
        _ => format!("{two}_{}{number}", random.pick(WORDS)),
    }
}

fn uuid(random: &mut Random) -> String {
    let mut hex = |number| random.characters(HEX, number);
    format!("{}-{}-4{}-a{}-{}", hex(8), hex(4), hex(3), hex(3), hex(12))
}

fn armour(title: &str, size: usize, random: &mut Random) -> String {
    let mut body = vec![0x30, 0x82];
    body.extend(random.bytes(size));
    let mut text = format!("-----BEGIN {title}-----\n");
    for line in base64(&body).as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    let _ = write!(text, "-----END {title}-----");
    text
}

/// CRC-32 as in ISO 3309, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

fn base62(mut number: u32, width: usize) -> String {
    let mut digits = vec![b'0'; width];
    for digit in digits.iter_mut().rev() {
        *digit = ALNUM.as_bytes()[(number % 62) as usize];
        number /= 62;
    }
    String::from_utf8_lossy(&digits).into_owned()
}

/// RFC 4648, section 4, padded.
pub fn base64(bytes: &[u8]) -> String {
    encode(bytes, BASE64, true)
}

fn url64(bytes: &[u8]) -> String {
    encode(bytes, BASE64_URL, false)
}

fn encode(bytes: &[u8], alphabet: &str, padded: bool) -> String {
    let alphabet = alphabet.as_bytes();
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().chain([0, 0].iter()).take(3).fold(0u32, |group, byte| group << 8 | u32::from(*byte));
        for place in 0..4 {
            if place <= chunk.len() {
                text.push(char::from(alphabet[(group >> (18 - 6 * place)) as usize & 63]));
            } else if padded {
                text.push('=');
            }
        }
    }
    text
}

/// RFC 3986: everything but unreserved characters.
pub fn percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_for_the_same_seed() {
        let text = |seed| expand("a «[[alnum:40]]» [[uuid]]", &mut Random::new(seed, "label")).text;
        assert_eq!(text(1), text(1));
        assert_ne!(text(1), text(2));
        let expanded = expand("user:«[[hex:8]]»@", &mut Random::new(1, ""));
        assert_eq!((expanded.secret, expanded.text.len()), (5..13, 14));
    }

    #[test]
    fn checksums_and_encodings_are_right() {
        // The check value of CRC-32 (ISO 3309), and the test vectors of RFC 4648, section 10.
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!([base64(b"f"), base64(b"fo"), base64(b"foo"), base64(b"foobar")], ["Zg==", "Zm8=", "Zm9v", "Zm9vYmFy"]);
        assert_eq!(base62(61, 6), "00000z");
        assert_eq!(percent("a:/é"), "a%3A%2F%C3%A9");
    }
}
