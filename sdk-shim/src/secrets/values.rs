//! Which values can be a secret: what is a reference, a path, a placeholder, or simply no secret at all.

use super::bytes::{
    ALNUM, BASE64, COLON, DASH, DIGIT, DOT, HEX, UPPER, WORD, among, at, contains, cut, ends, is, listed, run, starts, variety,
};
use super::encoding;
use super::names::{self, Class, Promise};

/// What a value is under a name that promises a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No secret.
    No,
    /// What someone was meant to replace.
    Placeholder,
    /// A secret, good or bad.
    Yes,
}

/// Where a value comes from: how it must be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The whole value of a variable, a header or an annotation, or an argument behind its flag.
    Whole,
    /// A part of a longer text, which may be prose or a program.
    Part,
}

/// Removes white space around a value, and one pair of quotes.
pub(crate) fn strip(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    match value {
        [open @ (b'"' | b'\'' | b'`'), inner @ .., close] if open == close => inner.trim_ascii(),
        _ => value,
    }
}

/// Judges a value under a name.
pub(crate) fn judge(promise: Promise, value: &[u8], source: Source) -> Verdict {
    // Between backquotes a shell runs a command.
    if matches!(value.trim_ascii(), [b'`', .., b'`']) && value.trim_ascii().iter().any(u8::is_ascii_whitespace) {
        return Verdict::No;
    }
    // YAML's aliases: `password: *db_password`.
    if let (Source::Part, [b'*', first, ..]) = (source, value)
        && first.is_ascii_alphabetic()
        && run(value, 1, DASH) == value.len()
    {
        return Verdict::No;
    }
    let value = strip(value);
    // `${DB_PASSWORD:-hunter2}` is hunter2 wherever the variable is not set.
    let value = default_of(value).unwrap_or(value);
    if is_nothing(value) || is_reference(value) {
        return Verdict::No;
    }
    if is_template(value) {
        // In a text, asterisks are what a filter writes, and no one was meant to replace them.
        let masked = source == Source::Part && value.iter().all(|byte| *byte == b'*');
        return if masked { Verdict::No } else { Verdict::Placeholder };
    }
    if promise.class == Class::Authorization {
        return authorization(value);
    }
    if is_elsewhere(value) {
        return Verdict::No;
    }
    if promise.class == Class::Login && pair(value) != Verdict::No {
        return pair(value);
    }
    if promise.weak {
        // `APP_KEYS` are several.
        return if !value.split(|byte| *byte == b',').any(is_random) {
            Verdict::No
        } else if is_placeholder(value) {
            Verdict::Placeholder
        } else {
            Verdict::Yes
        };
    }
    // `"Forgot your password?"`
    let ends = matches!(value.last(), Some(b'?' | b'!' | b'.')) && value.iter().any(u8::is_ascii_whitespace);
    if source == Source::Part && ends {
        return Verdict::No;
    }
    // `ops_eyJzaW...`, `aaaaaaaaaaaaaaaa`
    let issued = promise.class != Class::Password;
    let shown = issued && value.ends_with(b"...") || issued && value.len() >= 16 && variety(value) <= 2;
    if is_placeholder(value) || shown {
        return Verdict::Placeholder;
    }
    let secret = match promise.class {
        Class::Password => is_password(value, source),
        _ => is_password(value, source) && is_issued(promise.class, value),
    };
    if secret { Verdict::Yes } else { Verdict::No }
}

/// What a URL's user information holds behind the colon.
pub(crate) fn judge_in_url(password: &[u8]) -> Verdict {
    if let Some(default) = default_of(password) {
        return judge_in_url(default);
    }
    // `postgres://USER:PASSWORD@HOST/NAME`
    let shown = || is_constant(password) && names::promise(password).is_some_and(|promise| !promise.weak);
    if password.is_empty() || is_reference(password) || is_template(password) {
        Verdict::No
    } else if is_placeholder(password) || shown() {
        Verdict::Placeholder
    } else {
        Verdict::Yes
    }
}

/// Judges what stands behind `Authorization:`, or a pair `user:password`.
pub(crate) fn authorization(value: &[u8]) -> Verdict {
    let scheme = run(value, 0, DASH);
    let mut rest = cut(value, scheme, value.len());
    let spaced = rest.len();
    rest = rest.trim_ascii_start();
    while starts(rest, "%20") {
        rest = cut(rest, 3, rest.len());
    }
    let scheme = cut(value, 0, scheme);
    if rest.len() < spaced && !rest.is_empty() {
        let credentials = strip(rest);
        if is_nothing(credentials) || is_reference(credentials) {
            return Verdict::No;
        }
        if is_template(credentials) || is_placeholder(credentials) {
            return Verdict::Placeholder;
        }
        if among(scheme, &["basic"]) {
            return pair(&encoding::base64(credentials));
        }
        let known = among(
            scheme,
            &["bearer", "token", "apikey", "api-key", "key", "splunk", "digest", "negotiate", "glsa", "genie-key"],
        );
        return if known && credentials.len() >= 3 || is_random(credentials) { Verdict::Yes } else { Verdict::No };
    }
    let base64 = || value.len() >= 8 && run(value, 0, BASE64) == value.len();
    match pair(value) {
        Verdict::No if is_random(value) || is_uuid(value) || base64() && pair(&encoding::base64(value)) == Verdict::Yes => {
            Verdict::Yes
        }
        verdict => verdict,
    }
}

/// Judges `user:password`, or `user/password` as Neo4j writes it.
pub(crate) fn pair(value: &[u8]) -> Verdict {
    let value = strip(value);
    let separator = if starts(value, "neo4j/") { b'/' } else { b':' };
    let Some(colon) = value.iter().position(|byte| *byte == separator) else { return Verdict::No };
    let password = cut(value, colon + 1, value.len());
    if colon == 0
        || is_reference(value)
        || password.starts_with(b"//")
        || !value.iter().all(|byte| matches!(byte, b' '..=b'~' | 0x80..))
    {
        return Verdict::No;
    }
    judge_in_url(password)
}

/// Whether the value says that there is none.
fn is_nothing(value: &[u8]) -> bool {
    value.is_empty()
        || among(
            value,
            &[
                "true",
                "false",
                "yes",
                "no",
                "on",
                "off",
                "null",
                "none",
                "nil",
                "undefined",
                "n/a",
                "(none)",
                "<none>",
                "[]",
                "{}",
                "-",
                "*",
                "~",
                "enabled",
                "disabled",
                "\"\"",
                "''",
                "\\\"\\\"",
                "\\\"",
                "\\",
            ],
        )
}

/// Whether something else puts the value in: Kubernetes (`$(NAME)`), a shell, a template, or a tool that fetches secrets.
pub(crate) fn is_reference(value: &[u8]) -> bool {
    const OPENINGS: [(&[u8], &[u8]); 11] = [
        (b"%{", b"}"),
        (b"%[", b"]"),
        (b"$(", b")"),
        (b"${", b"}"),
        (b"{{", b"}}"),
        (b"%%", b"%%"),
        (b"<%", b"%>"),
        (b"#{", b"}"),
        (b"%(", b")"),
        (b"((", b"))"),
        (b"$[[", b"]]"),
    ];
    if OPENINGS.iter().any(|(open, close)| {
        let find = |text: &[u8], what: &[u8]| text.windows(what.len()).position(|window| window == what);
        find(value, open).is_some_and(|start| find(cut(value, start + open.len(), value.len()), close).is_some())
    }) {
        return true;
    }
    match value {
        // Kubernetes makes `$NAME` of it, which is then the shell's.
        [b'$', rest @ ..] if rest.first() == Some(&b'$') && rest.len() > 2 => is_reference(rest),
        // A shell's variable, or a command between backquotes.
        [b'$', name @ ..] if !name.is_empty() && run(name, 0, WORD) == name.len() && !at(name, 0, DIGIT) => true,
        [b'$', b'1'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'$'] => true,
        [b'`', ..] => true,
        // Of Windows, and of Symfony.
        [b'%', name @ .., b'%'] if is_constant(name) => true,
        // Python's `str.format`.
        [b'{', name @ .., b'}'] if !name.is_empty() && name.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_') => {
            true
        }
        _ if is_lookup(value) => true,
        _ => {
            const TOOLS: [&str; 41] = [
                "%env(",
                "sops:",
                "secret/",
                "kv/",
                "[[",
                "vault:",
                "<path:",
                "gcp:secretmanager:",
                "gcpsm:",
                "aws:secretsmanager:",
                "aws-sm:",
                "secretsmanager:",
                "keyvault:",
                "doppler:",
                "infisical:",
                "bao:",
                "conjur:",
                "k8s:",
                "!vault",
                "!sub",
                "!ref",
                "!getatt",
                "$ANSIBLE_VAULT;",
                "ref+",
                "secretref:",
                "secretRef",
                "op:",
                "ssm:",
                "sm:",
                "awssm:",
                "akv:",
                "gsm:",
                "arn:",
                "projects/",
                "ENC[",
                "ENC(",
                "{cipher}",
                "@Microsoft.KeyVault(",
                "env:",
                "file:",
                "secret:",
            ];
            TOOLS.iter().any(|tool| starts(value, tool))
        }
    }
}

/// Whether the value only says where or what the secret is: an address, a path, a digest, the public half of a key, structured
/// text, which is looked into by other means.
fn is_elsewhere(value: &[u8]) -> bool {
    const PUBLIC: [&str; 35] = [
        "ssh-rsa ",
        "ssh-ed25519 ",
        "ssh-dss ",
        "ecdsa-sha2-",
        "sk-ssh-",
        "-----BEGIN CERT",
        "-----BEGIN PUBLIC",
        "-----BEGIN RSA PUBLIC",
        "-----BEGIN SSH2 PUBLIC",
        "-----BEGIN PGP PUBLIC",
        "-----BEGIN EC PARAM",
        "-----BEGIN DH PARAM",
        "pk_live_",
        "pk_test_",
        // Mapbox, PostHog
        "pk.eyJ",
        "phc_",
        "sha256:",
        "sha384:",
        "sha512:",
        "sha256-",
        "sha512-",
        "md5:",
        "$2a$",
        "$2b$",
        "$2y$",
        "$argon2",
        "$5$",
        "$6$",
        "$apr1$",
        "pbkdf2",
        "scrypt:",
        "bcrypt$",
        "{SSHA",
        "SCRAM-SHA-256$",
        "argon2$",
    ];
    PUBLIC.iter().any(|public| starts(value, public))
        || matches!(value.first(), Some(b'{' | b'[')) && value.len() > 1 && !is_bracketed_word(value)
        || ends(value, ".apps.googleusercontent.com")
        || is_sealed(value)
        || value.windows(3).any(|window| window == b"://")
        || is_path(value)
        || is_email(value)
}

/// A random word in brackets, which are part of the password then: `{k8fT2qLw91}`. Structured text has more than a word in them.
fn is_bracketed_word(value: &[u8]) -> bool {
    let inner = cut(value, 1, value.len().saturating_sub(1));
    let has = |kind: fn(&u8) -> bool| inner.iter().any(kind);
    inner.len() >= 8
        && run(inner, 0, DASH) == inner.len()
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
}

/// What Sealed Secrets writes: two bytes of a length, 512 as its keys have 4096 bits, then that many bytes and more.
fn is_sealed(value: &[u8]) -> bool {
    value.len() >= 700 && matches!(value, [b'A', b'g', b'A'..=b'D', ..]) && run(value, 0, BASE64) == value.len()
}

/// Whether the value is a path or the name of a file.
fn is_path(value: &[u8]) -> bool {
    const SUFFIXES: [&str; 14] =
        [".pem", ".key", ".crt", ".cert", ".json", ".yaml", ".yml", ".txt", ".jks", ".p12", ".pfx", ".toml", ".conf", ".env"];
    if value.iter().any(|byte| byte.is_ascii_whitespace() || *byte == b'=' || *byte == b'+') {
        return false;
    }
    // A secret key of AWS may begin with a slash, and have others.
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    if value.len() == 40
        && run(value, 0, BASE64) == 40
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
    {
        return false;
    }
    let rooted = matches!(value, [b'/', ..] | [b'.', b'/', ..] | [b'.', b'.', b'/', ..] | [b'~', b'/', ..] | [b'@', b'/', ..])
        || value.len() > 2 && value.get(1) == Some(&b':') && matches!(value.get(2), Some(b'\\' | b'/'));
    let segments = || value.split(|byte| matches!(byte, b'/' | b'\\'));
    // Of a random string only few characters are slashes, so that what is between them is random too.
    if segments().any(is_random) {
        return false;
    }
    rooted && value.len() > 2
        || SUFFIXES.iter().any(|suffix| ends(value, suffix))
        || value.contains(&b'/')
            && !has(u8::is_ascii_uppercase)
            && segments().all(|segment| at(segment, 0, ALNUM) && run(segment, 0, DOT) == segment.len() && !is_mixed(segment))
}

/// `someone@example.com`
fn is_email(value: &[u8]) -> bool {
    let Some(sign) = value.iter().position(|byte| *byte == b'@') else { return false };
    let (local, domain) = (cut(value, 0, sign), cut(value, sign + 1, value.len()));
    let Some(dot) = domain.iter().rposition(|byte| *byte == b'.') else { return false };
    let top = cut(domain, dot + 1, domain.len());
    !local.is_empty()
        && local.iter().all(|byte| is(*byte, DOT) || matches!(byte, b'+' | b'%'))
        && dot > 0
        && domain.iter().all(|byte| is(*byte, ALNUM) || matches!(byte, b'.' | b'-'))
        && top.len() >= 2
        && top.iter().all(u8::is_ascii_alphabetic)
}

/// Whether any text but a few can be the value: that is, whether it is a password.
fn is_password(value: &[u8], source: Source) -> bool {
    // A PIN has four digits, a duration a number and a unit.
    if value.len() < 4 && value.iter().any(u8::is_ascii_digit) && is_quantity(value) {
        return false;
    }
    // `var.db_password`
    let variable = || {
        let last = value.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        dotted_words(value) >= 2 && last.contains(&b'_') && names::promise(last).is_some()
    };
    if source == Source::Whole && variable() {
        return false;
    }
    if source == Source::Part {
        // Programs and prose: `password=get_password()`, `password: the one you were given`.
        let code = value.iter().any(|byte| matches!(byte, b'(' | b'[')) && !is_mixed(value);
        let variable = dotted_words(value) >= 2 && value.rsplit(|byte| *byte == b'.').next().and_then(names::promise).is_some();
        if code || variable || is_type(value) || value.iter().any(u8::is_ascii_whitespace) && !is_passphrase(value) {
            return false;
        }
    }
    !among(value, &["scram-sha-256", "interactive", "prompt"]) && dotted_words(value) < 3
}

/// Types, as GraphQL, TypeScript, Python and SQL write them: `String!`, `str`, `VARCHAR(128)`.
pub(crate) fn is_type(value: &[u8]) -> bool {
    let word = cut(value, 0, run(value, 0, WORD));
    matches!(cut(value, word.len(), value.len()), [] | [b'!' | b'?' | b','] | [b'(', .., b')' | b','])
        && listed(word, "string str text varchar char bytes any object boolean bool int number required optional self")
}

/// Four words and more, all of small letters, none of them of secrets: no sentence, which speaks of the password.
fn is_passphrase(value: &[u8]) -> bool {
    let mut words = value.split(|byte| *byte == b' ');
    value.iter().filter(|byte| **byte == b' ').count() >= 3
        && words.all(|word| {
            word.len() >= 3
                && word.iter().all(u8::is_ascii_lowercase)
                && names::promise(word).is_none()
                && !among(
                    word,
                    &["the", "your", "and", "for", "you", "this", "that", "with", "from", "must", "not", "was", "has"],
                )
        })
}

/// Whether a machine may have issued the value, or someone made it for one.
fn is_issued(class: Class, value: &[u8]) -> bool {
    const MODES: [&str; 38] = [
        "bearer",
        "jwt",
        "basic",
        "opaque",
        "oauth",
        "oauth2",
        "oidc",
        "saml",
        "ldap",
        "apikey",
        "api-key",
        "api_key",
        "header",
        "cookie",
        "query",
        "form",
        "body",
        "session",
        "authorization",
        "x-api-key",
        "random",
        "static",
        "dynamic",
        "required",
        "optional",
        "auto",
        "hs256",
        "hs384",
        "hs512",
        "rs256",
        "rs384",
        "rs512",
        "es256",
        "eddsa",
        "aes-256-gcm",
        "aes256",
        "a256gcm",
        "sha256",
    ];
    // `v1.2.3`
    let version = value.strip_prefix(b"v").unwrap_or(value);
    let versioned = version.contains(&b'.') && version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    // `DB_SECRET=shop-postgresql`
    let object = class == Class::Object && value.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'-');
    if value.len() < 3
        || versioned
        || object
        || among(value, &MODES)
        || is_quantity(value) && value.len() < 8
        || dotted_words(value) >= 2
        || is_host_and_port(value)
    {
        return false;
    }
    if starts(value, "x-") && !value.iter().any(u8::is_ascii_digit) {
        return false;
    }
    // Sentences, not passphrases.
    if value.iter().filter(|byte| **byte == b' ').count() >= 2 && !value.iter().any(u8::is_ascii_digit) {
        return false;
    }
    !(class != Class::Key && is_object_name(value))
}

/// A number, with or without a unit: `3600`, `5m`, `1h30m`, `0.5`, `512Mi`.
fn is_quantity(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    at(value, 0, DIGIT)
        && value.len() - digits <= 4
        && digits * 2 >= value.len()
        && value.iter().all(|byte| {
            is(*byte, DIGIT)
                || matches!(
                    byte,
                    b'.' | b',' | b'_' | b'h' | b'm' | b's' | b'd' | b'w' | b'y' | b'M' | b'G' | b'K' | b'k' | b'i'
                )
        })
}

/// How many words separated by dots the value is made of, if it is made of nothing else: `django.contrib.auth.hashers`,
/// `vault.svc.cluster.local`.
fn dotted_words(value: &[u8]) -> usize {
    let mut words = 0;
    for word in value.split(|byte| *byte == b'.') {
        if !word.first().is_some_and(u8::is_ascii_alphabetic) || run(word, 0, DASH) != word.len() || is_mixed(word) {
            return 0;
        }
        words += 1;
    }
    words
}

/// `redis:6379`
fn is_host_and_port(value: &[u8]) -> bool {
    let Some(colon) = value.iter().position(|byte| *byte == b':') else { return false };
    let port = cut(value, colon + 1, value.len());
    colon > 0 && (2..=5).contains(&port.len()) && run(port, 0, DIGIT) == port.len() && run(value, 0, DOT) == colon
}

/// Whether this is the name of a Kubernetes Secret rather than a secret: `shop-db-credentials`.
fn is_object_name(value: &[u8]) -> bool {
    let name = value.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'-');
    let mut words = value.split(|byte| *byte == b'-');
    let first = words.next().unwrap_or_default();
    let last = words.next_back().unwrap_or_default();
    name && among(last, &["secret", "secrets", "credentials", "creds", "tls", "cert", "certs", "keys"])
        && !among(
            first,
            &[
                "my", "super", "top", "very", "not", "so", "our", "the", "some", "a", "dev", "test", "shared", "jwt", "cookie",
                "session", "client",
            ],
        )
}

/// The default of a reference, where it has one: `${NAME:-default}`, `${NAME:=default}`, and Spring's `${NAME:default}`.
fn default_of(value: &[u8]) -> Option<&[u8]> {
    let [b'$', b'{', inner @ .., b'}'] = value else { return None };
    let name = run(inner, 0, DOT);
    // `${file:/etc/shop/db:password}` asks a provider of that name.
    if at(inner, name, COLON)
        && among(cut(inner, 0, name), &["file", "env", "vault", "secret", "secrets", "sys", "directory", "sops"])
    {
        return None;
    }
    let default = match cut(inner, name, inner.len()) {
        [b':', b'-' | b'=', default @ ..] | [b'-', default @ ..] => default,
        [b':', b'?' | b'+', ..] => return None,
        [b':', default @ ..] => default,
        _ => return None,
    };
    let default = strip(default);
    // One step in is enough: a default that is a reference with a default stays a reference.
    (!default.is_empty() && name > 0).then_some(default)
}

/// Whether the value shows only that there is one: `<password>`, `***`, `[token]`, `__PASSWORD__`, `@PASSWORD@`.
fn is_template(value: &[u8]) -> bool {
    match value {
        [b'<', .., b'>'] => true,
        [b'[', inner @ .., b']'] => !inner.is_empty() && !inner.iter().any(|byte| matches!(byte, b'"' | b'\'' | b',')),
        [b'_', b'_', .., b'_', b'_'] => run(value, 0, UPPER | WORD) == value.len() && !value.iter().any(u8::is_ascii_lowercase),
        [b'@', name @ .., b'@'] => {
            is_constant(name.trim_ascii()) || matches!(name, [b'@', name @ .., b'@'] if is_constant(name))
        }
        [_, _, ..] => value.iter().all(|byte| matches!(byte, b'*' | b'.' | b'-' | b'_' | b'?' | b'#')),
        _ => false,
    }
}

/// `DB_PASSWORD`, the name of a variable or constant.
fn is_constant(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| is(*byte, UPPER) || *byte == b'_')
}

/// Code that reads a variable: `os.environ["NAME"]`, `env('NAME')`, `System.getenv("NAME")`.
fn is_lookup(value: &[u8]) -> bool {
    let name = run(value, 0, DOT);
    at(value, 0, ALNUM)
        && matches!(
            cut(value, name, value.len()),
            [b'(', b'"' | b'\'', .., b')'] | [b'[', b'"' | b'\'', .., b']'] | [b'(', b')']
        )
}

/// Whether the value asks to be replaced: `changeme`, `CHANGE_ME`, `your-password-here`, `xxx`, `TODO`. One that works and is
/// only weak, `postgres` or `password` say, does not ask.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    // What is as long as a key and as random is one, whatever words are in it by chance.
    if value.len() > 100 {
        return false;
    }
    let mut letters = [0u8; 100];
    let mut count = 0;
    for (slot, byte) in letters.iter_mut().zip(value.iter().filter(|byte| is(**byte, ALNUM) || !byte.is_ascii())) {
        *slot = byte.to_ascii_lowercase();
        count += 1;
    }
    // Without case and separators: `CHANGE_ME` and `change-me` are one.
    let plain = cut(&letters, 0, count);
    const ASKS: [&str; 27] = [
        "changeme",
        "changethis",
        "changeit",
        "changein",
        "changebefore",
        "changefor",
        "pleasechange",
        "tobechanged",
        "mustchange",
        "changerequired",
        "replaceme",
        "replacethis",
        "replacewith",
        "tobereplaced",
        "replaceit",
        "placeholder",
        "fillme",
        "fillin",
        "insertyour",
        "inserthere",
        "enteryour",
        "puthere",
        "overrideme",
        "setme",
        "addyour",
        "redacted",
        "generateme",
    ];
    const WHOLE: [&str; 18] = [
        "todo",
        "fixme",
        "tbd",
        "dummy",
        "dummykey",
        "dummysecret",
        "dummytoken",
        "dummypassword",
        "fake",
        "notset",
        "unset",
        "replace",
        "change",
        "placeholder",
        "removed",
        "hidden",
        "secrethere",
        "notused",
    ];
    if ASKS.iter().any(|words| contains(plain, words)) || among(plain, &WHOLE) {
        return true;
    }
    // `xxx`, `xxxxxxxx-xxxx`, `000000`: but `111` in a PIN asks for nothing.
    if count >= 3 && variety(plain) == 1 && plain.first().is_some_and(|byte| matches!(byte, b'x' | b'0')) {
        return true;
    }
    if contains(plain, "xxxxxx") {
        return true;
    }
    // `your-password-here`, `my-token-goes-here`, `sk-your-key`
    let mut words = value.split(|byte| !is(*byte, ALNUM)).filter(|word| !word.is_empty());
    let yours = words.clone().any(|word| among(word, &["your"]));
    let here = words.clone().count() >= 2 && words.next_back().is_some_and(|word| among(word, &["here"]));
    yours
        || here
        || starts(value, "insert_")
        || starts(value, "insert-")
        || starts(plain, "yourpassword")
        || starts(plain, "yoursecret")
        || starts(plain, "yourtoken")
        || starts(plain, "yourapi")
        || starts(plain, "yourkey")
}

/// Whether the characters alternate as those of words do not: three changes between letters and digits, or as many between
/// capitals, small letters and digits as in a random string, of which five in eight neighbours differ. In words that are joined in
/// camel case two in six do.
pub(crate) fn is_mixed(value: &[u8]) -> bool {
    let (mut changes, mut humps) = (0, 0);
    let mut before = 0;
    for byte in value {
        let class = match byte {
            b'0'..=b'9' => 1,
            b'A'..=b'Z' => 2,
            b'a'..=b'z' => 4,
            _ => continue,
        };
        humps += usize::from(before != 0 && before != class);
        changes += usize::from(before != 0 && (before == 1) != (class == 1));
        before = class;
    }
    changes >= 3 && changes * 12 >= value.len() || value.len() >= 16 && humps * 20 >= value.len() * 9
}

/// Whether the value is random by itself: long, of the characters that keys are written in, letters and digits mixed, and no
/// UUID, version or date.
pub(crate) fn is_random(value: &[u8]) -> bool {
    value.len() >= 16
        && value.iter().all(|byte| is(*byte, DOT) || matches!(byte, b'+' | b'/' | b'~'))
        && is_mixed(value)
        && !is_uuid(value)
        && !is_numbered_name(value)
        && variety(value) >= 8
        // Hexadecimal digits are letters to three eighths.
        && letters(value) * if value.len() >= 32 && run(value, 0, HEX) == value.len() { 5 } else { 4 } >= value.len()
}

/// `shop-prod2-1208358310`: words and numbers between dashes, as names of objects have them.
fn is_numbered_name(value: &[u8]) -> bool {
    value.contains(&b'-')
        && value.split(|byte| *byte == b'-').all(|part| {
            let word = part.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
            part.iter().skip(word).all(u8::is_ascii_digit) && (word == 0 || part.len() - word <= 2)
        })
}

fn letters(value: &[u8]) -> usize {
    value.iter().filter(|byte| byte.is_ascii_alphabetic()).count()
}

/// `8-4-4-4-12` hexadecimal digits.
pub(crate) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value
            .iter()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { *byte == b'-' } else { is(*byte, HEX) })
}

/// The Shannon entropy of the text in bits for each character.
pub(crate) fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = value.len() as f64;
    let bits: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum();
    bits
}
