//! Names that promise a secret: `DB_PASSWORD`, `dbPassword`, `db-password`, `spring.datasource.password`, `PGPASSWORD`.
//!
//! A name is read as words. One of them is the noun of a secret, and the words around it say whether the value is that secret
//! (`DB_PASSWORD`, `PASSWORD_OLD`), something about it (`PASSWORD_FILE`, `TOKEN_TTL`, `CSRF_COOKIE_NAME`), or perhaps it
//! (`PASSWORD_GRAFANA`): then only a value that is random by itself counts.

use super::bytes::{among, contains, ends, listed, starts};

/// What kind of secret a name promises; which values can be one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Chosen by people: any text can be one.
    Password,
    /// Issued by a machine, or made for one.
    Token,
    /// As [`Token`](Self::Token), but the name is also used for the Kubernetes Secret that holds it.
    Secret,
    /// As [`Secret`](Self::Secret), behind the name of a service: more often that of its Kubernetes Secret than of a secret.
    Object,
    /// Key material.
    Key,
    /// The value of an `Authorization` header, or a pair `user:password`.
    Authorization,
    /// Credentials in any form, of which a pair `user:password` is one.
    Login,
}

/// What a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Promise {
    pub class: Class,
    /// The name says it only perhaps: the value must be random by itself.
    pub weak: bool,
}

impl Class {
    /// For messages.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Password => "a password",
            Self::Token => "a token",
            Self::Secret | Self::Object => "a secret",
            Self::Key => "a key",
            Self::Authorization | Self::Login => "credentials",
        }
    }
}

/// Names that follow no pattern: `REDISCLI_AUTH` and the like.
const WHOLE: &[(&str, Class)] = &[
    ("SONAR_LOGIN", Class::Login),
    ("sonar.login", Class::Login),
    ("VAULT_DEV_ROOT_TOKEN_ID", Class::Token),
    ("REDIS_AUTH", Class::Password),
    ("REDISCLI_AUTH", Class::Password),
    ("MASTERAUTH", Class::Password),
    ("RABBITMQ_ERLANG_COOKIE", Class::Token),
    ("ERLANG_COOKIE", Class::Token),
    ("SNMP_COMMUNITY", Class::Password),
    ("RELEASE_COOKIE", Class::Token),
];

/// Words that are a secret whatever stands before them, also at the end of a longer word (`PGPASSWORD`, `dbpass`).
const ENDINGS: &[(&str, Class)] = &[
    ("password", Class::Password),
    ("passwd", Class::Password),
    ("passphrase", Class::Password),
    ("passcode", Class::Password),
    ("passwort", Class::Password),
    ("kennwort", Class::Password),
    ("senha", Class::Password),
    ("contrasena", Class::Password),
    ("motdepasse", Class::Password),
    ("wachtwoord", Class::Password),
    ("pass", Class::Password),
    ("pwd", Class::Password),
    ("bindpw", Class::Password),
    ("rootpw", Class::Password),
    ("adminpw", Class::Password),
    ("userpw", Class::Password),
    ("dbpw", Class::Password),
    ("secret", Class::Secret),
    ("token", Class::Token),
    ("apikey", Class::Key),
    ("secretkey", Class::Key),
    ("accesskey", Class::Key),
    ("privatekey", Class::Key),
    ("encryptionkey", Class::Key),
    ("signingkey", Class::Key),
    ("masterkey", Class::Key),
    ("authkey", Class::Key),
    ("accountkey", Class::Key),
    ("licensekey", Class::Key),
];

/// Words that are a secret by themselves only.
const ALONE: &[(&str, Class, bool)] = &[
    ("pw", Class::Password, false),
    ("pswd", Class::Password, false),
    ("psw", Class::Password, false),
    ("authorization", Class::Authorization, false),
    ("credential", Class::Login, true),
    ("credentials", Class::Login, true),
    ("creds", Class::Login, true),
    ("passwords", Class::Password, true),
    ("tokens", Class::Token, true),
    ("secrets", Class::Secret, true),
    ("bearer", Class::Token, true),
    ("jwt", Class::Token, true),
    ("pat", Class::Token, true),
    ("salt", Class::Secret, true),
    ("pepper", Class::Secret, true),
    ("keys", Class::Key, true),
    ("cookie", Class::Token, true),
    ("session", Class::Token, true),
    ("psk", Class::Key, false),
];

/// What stands before `key` where the key is secret.
const SECRET_KEYS: &str = "\
    api app application secret private priv encryption encrypt crypt crypto cipher decryption signing sign signature \
    master auth account shared license licence fernet hmac jwt webhook storage service admin root unseal \
    recovery deploy ssh rsa aes tls ssl client server vapid cookie data integration ingest ingestion write \
    nonce in subscription heroku hubspot snyk sendgrid mailgun mailchimp twilio openai anthropic gemini groq mistral \
    cohere datadog cloudflare linode vultr postmark sparkpost resend stripe paypal braintree virustotal openweather \
    rapidapi";

/// What stands before `key` where it is no secret, or before any noun where the whole is not one.
const HARMLESS_BEFORE: &str = "\
    public pub publishable site gpg pgp primary foreign partition sort cache object bucket map index idx idempotency \
    known host recv sequence hot search lookup group row label annotation config setting registry shard dedup tag";

/// Words of language models, paging and forms before `token`: `PAD_TOKEN`, `NEXT_TOKEN`, `CSRF_TOKEN`.
const HARMLESS_TOKENS: &str = "pad eos bos sep unk mask cls stop special page next continuation cancellation csrf xsrf authenticity antiforgery verification";

/// Words that make of the whole name a digest's: `checksum/secret`. Digits at the end of a word are not seen.
const DIGESTS: &[&str] = &["checksum", "digest", "fingerprint", "sha", "md"];

/// Words that turn what follows into the name of a Kubernetes object.
const NAMES_AN_OBJECT: &str = "pull tls cert certificate image existing external kubernetes k8s sealed kube";

/// Services, whose secret is often the object that holds their password: `DB_SECRET=shop-postgresql`.
const SERVICES: &str = "\
    db database postgres postgresql pg mysql mariadb mongo mongodb redis rabbitmq kafka elastic elasticsearch docker \
    registry storage backup smtp mail ldap credentials connection basicauth";

/// What may follow a noun and leave the promise as it was.
const NEUTRAL_AFTER: &str = "\
    old new current previous prev next default fallback fallbacks value val string str text plain plaintext raw \
    literal b encoded base prod production dev development staging stage test qa local live sandbox main master \
    replica primary secondary admin root v a";

/// What follows a noun where the value is something about the secret.
const METADATA_AFTER: &str = "\
    file files filename path paths dir directory folder location source src mount volume name names namespace ref \
    reference id ids identifier uuid arn alias version revision label title description desc hint prompt help length \
    len size bytes bits min max minimum maximum count limit quota budget complexity strength history attempts \
    retries expiry expire expires expiration expired exp ttl timeout lifetime age duration validity valid until \
    interval period days hours minutes seconds secs ms rotation rotate refresh renew renewal reset change changed \
    update url urls uri uris endpoint endpoints host hostname hosts port address addr server domain region type \
    types kind mode method methods algorithm algorithms alg algo hash hasher hashers hashed hashing digest checksum \
    sha fingerprint thumbprint encryption cipher format encoding scheme protocol policy policies rule rules \
    validator validators validation pattern regex regexp charset class classes module backend backends provider \
    providers store storage manager engine driver plugin service client handler factory generator command cmd script \
    header headers prefix suffix field fields column param params parameter attribute claim claims property variable \
    var env cookie issuer iss audience aud subject scope scopes role roles user users username owner email group \
    groups enabled enable disabled disable required require optional allowed allow auth authentication login signin \
    grant flow leeway skew delimiter separator index usage status state config configuration settings options \
    template stdin through passthrough annotation exchange review reviewer cache model lookup query bucket table \
    topic queue image pair ring space word board code vault set ops injector sync agent operator controller webhook \
    cert certificate ca pem crt pub public bound secure samesite httponly sizes limits per checker check checks \
    strategy family style meter sharing visible visibility show hide toggle tool tools library management support \
    supported reuse lock lockout block auto generation random page view form input placeholder icon app api ready \
    exists present changes requests request rate usages savings stream counter counts window santa garden \
    introspection revocation cleanup propagation encoder symbol decimals contract supply connector connectors identity iterations";

/// Words that end in a noun of a secret by chance.
const BY_CHANCE: &[&str] = &[
    "bypass",
    "compass",
    "overpass",
    "underpass",
    "trespass",
    "surpass",
    "multipass",
    "singlepass",
    "oldpwd",
    "askpass",
    "jsonwebtoken",
];

/// What the name promises, or nothing.
pub(crate) fn promise(name: &[u8]) -> Option<Promise> {
    if let Some((_, class)) = WHOLE.iter().find(|(whole, _)| name.eq_ignore_ascii_case(whole.as_bytes())) {
        return Some(Promise { class: *class, weak: *class == Class::Login });
    }
    // Bundler's way to name a host: `BUNDLE_GEMS__EXAMPLE__COM`.
    if starts(name, "bundle_") && name.windows(2).any(|pair| pair == b"__") {
        return Some(Promise { class: Class::Login, weak: true });
    }
    let words = Words::of(name);
    let words = words.as_slice();
    // The last noun counts: in `PASSWORD_RESET_TOKEN` it is the token.
    let (at, first, mut promise) = (0..words.len()).rev().find_map(|at| noun(words, at))?;
    let mut unknown = 0;
    for word in words.iter().skip(at + 1) {
        if listed(word, METADATA_AFTER) {
            return None;
        }
        unknown += usize::from(!listed(word, NEUTRAL_AFTER));
    }
    // `PASSWORD_GRAFANA` says whose it is; `PASSWORD_OF_THE_OLD_SYSTEM` and `PASS_REMOTE` may say anything, and so may keys.
    let owned = unknown <= 1 && promise.class != Class::Key && !words.get(at).is_some_and(|word| among(word, &["pass"]));
    promise.weak |= unknown > 0 && !owned;
    let before = words.get(..first).unwrap_or_default();
    let last = before.last().copied().unwrap_or_default();
    let public = || before.iter().any(|word| among(word, &["public"]));
    if listed(last, SERVICES) {
        match promise.class {
            Class::Secret => promise.class = Class::Object,
            // `DB_SECRET_KEY=password`
            Class::Key if words.get(first).is_some_and(|word| among(word, &["secret"])) => promise.weak = true,
            _ => {}
        }
    }
    let harmless = before.iter().any(|word| among(word, DIGESTS))
        || match promise.class {
            // `nginx.ingress.kubernetes.io/auth-secret`
            Class::Secret | Class::Object => {
                listed(last, NAMES_AN_OBJECT) || contains(name, ".kubernetes.io/") || contains(name, ".k8s.io/")
            }
            // In `config.secretKey` only what makes a key public counts.
            Class::Key if first < at => {
                among(last, &["public", "pub", "publishable", "site"])
                    || public()
                    // `passwordSecretKey`: under which key of a Secret the password is.
                    || among(last, &["password"])
                    // `SOCIAL_AUTH_GITHUB_KEY` is the client id, and so are those of Pusher and DocuSign.
                    || before.iter().any(|word| among(word, &["social", "pusher", "docusign"]))
            }
            Class::Key => listed(last, HARMLESS_BEFORE) || public(),
            // `ETCD_INITIAL_CLUSTER_TOKEN` only tells clusters apart.
            Class::Token => {
                listed(last, HARMLESS_TOKENS)
                    || public()
                    || among(last, &["cluster"]) && before.iter().any(|word| among(word, &["initial"]))
            }
            Class::Password | Class::Authorization | Class::Login => false,
        };
    if harmless { None } else { Some(promise) }
}

/// Whether a noun ends at the word `at`: where it ends, where it begins, and what it promises.
fn noun(words: &[&[u8]], at: usize) -> Option<(usize, usize, Promise)> {
    let word = words.get(at)?;
    let before = at.checked_sub(1).and_then(|before| words.get(before));
    let is = |class, weak| Some((at, at, Promise { class, weak }));
    if let Some((_, class, weak)) = ALONE.iter().find(|(alone, _, _)| word.eq_ignore_ascii_case(alone.as_bytes())) {
        return is(*class, *weak);
    }
    if among(word, &["key"]) {
        let Some(before) = before else { return is(Class::Key, true) };
        // Rails' `ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY`
        let primary = among(before, &["primary"]) && words.iter().any(|word| among(word, &["encryption"]));
        if listed(before, HARMLESS_BEFORE) && !primary {
            return None;
        }
        // An access key is half a name: only `secret` makes it a secret whatever it looks like.
        let secret_access = among(before, &["access"]) && words.iter().any(|word| among(word, &["secret"]));
        let weak = !listed(before, SECRET_KEYS) && !secret_access && !primary;
        return Some((at, at - 1, Promise { class: Class::Key, weak }));
    }
    if among(word, &["auth"]) {
        let npm =
            || before.is_some_and(|word| among(word, &["config"])) && words.first().is_some_and(|word| among(word, &["npm"]));
        let basic = before.is_some_and(|word| among(word, &["basic", "neo4j", "http", "flower", "proxy"])) || npm();
        return if basic { is(Class::Authorization, false) } else { None };
    }
    // `PASS` as a verb, `passThrough`, is left to the words behind it.
    ENDINGS
        .iter()
        .find(|(ending, _)| ends(word, ending))
        .filter(|_| !among(word, BY_CHANCE))
        .and_then(|(_, class)| is(*class, false))
}

const MOST_WORDS: usize = 16;

/// The words of a name, the last sixteen of them.
struct Words<'n> {
    words: [&'n [u8]; MOST_WORDS],
    count: usize,
}

impl<'n> Words<'n> {
    /// Splits at whatever is no letter or digit, between a small and a capital letter, and before the last capital of several
    /// (`APIKey`).
    fn of(name: &'n [u8]) -> Self {
        // Sixteen words of a name that people can read are no longer than this.
        let name = name.get(name.len().saturating_sub(256)..).unwrap_or_default();
        let mut words = Self { words: [&[]; MOST_WORDS], count: 0 };
        let mut start = 0;
        let mut before = b' ';
        for (at, byte) in name.iter().enumerate() {
            let small_next = name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
            let hump = byte.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_uppercase() && small_next);
            if !byte.is_ascii_alphanumeric() {
                words.push(name.get(start..at).unwrap_or_default());
                start = at + 1;
            } else if hump {
                words.push(name.get(start..at).unwrap_or_default());
                start = at;
            }
            before = *byte;
        }
        words.push(name.get(start..).unwrap_or_default());
        words
    }

    fn push(&mut self, word: &'n [u8]) {
        // `password2` is a password too.
        let letters = word.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1);
        let word = word.get(..letters).unwrap_or_default();
        if word.is_empty() {
            return;
        }
        if self.count == MOST_WORDS {
            self.words.rotate_left(1);
            self.count -= 1;
        }
        if let Some(slot) = self.words.get_mut(self.count) {
            *slot = word;
            self.count += 1;
        }
    }

    fn as_slice(&self) -> &[&'n [u8]] {
        self.words.get(..self.count).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str) -> Option<(Class, bool)> {
        promise(name.as_bytes()).map(|promise| (promise.class, promise.weak))
    }

    #[test]
    fn reads_every_case_style() {
        for name in [
            "DB_PASSWORD",
            "db_password",
            "db-password",
            "dbPassword",
            "DbPassword",
            "db.password",
            "DBPASSWORD",
            "PGPASSWORD",
            "dbpass",
            "DB_PW",
            "MYSQL_PWD",
            "spring.datasource.password",
            "PASSWORD",
            "POSTGRES_PASSWORD_PROD",
            "password2",
            "DB_PASSWORD_V2",
            "REDISCLI_AUTH",
            "requirepass",
            "javax.net.ssl.keyStorePassword",
            "PASSWORD_GRAFANA",
            "GF_SECURITY_ADMIN_PASSWORD",
            "PasswordOld",
        ] {
            assert_eq!(class(name), Some((Class::Password, false)), "{name}");
        }
        for name in ["GITHUB_TOKEN", "authToken", "X-Auth-Token", "VAULT_DEV_ROOT_TOKEN", "accesstoken"] {
            assert_eq!(class(name), Some((Class::Token, false)), "{name}");
        }
        for name in ["JWT_SECRET", "clientSecret", "CLIENT_SECRET_OLD", "OAUTH2_PROXY_COOKIE_SECRET"] {
            assert_eq!(class(name), Some((Class::Secret, false)), "{name}");
        }
        for name in [
            "SECRET_KEY",
            "API_KEY",
            "apiKey",
            "APIKey",
            "AWS_SECRET_ACCESS_KEY",
            "SECRET_KEY_BASE",
            "SECRET_KEY_FALLBACKS",
            "DD_API_KEY",
        ] {
            assert_eq!(class(name), Some((Class::Key, false)), "{name}");
        }
        for name in ["PASSWORD_OF_NOBODY_KNOWN", "PASS_REMOTE", "API_KEY_BILLING", "MAPS_KEY", "CREDENTIALS"] {
            assert!(class(name).is_some_and(|(_, weak)| weak), "{name}");
        }
    }

    #[test]
    fn leaves_what_is_about_a_secret() {
        for name in [
            "POSTGRES_PASSWORD_FILE",
            "PASSWORD_MIN_LENGTH",
            "TOKEN_EXPIRY",
            "ACCESS_TOKEN_LIFETIME",
            "PASSWORD_RESET_TIMEOUT",
            "SECRET_NAME",
            "DB_SECRET_NAME",
            "TOKEN_URL",
            "GF_AUTH_GENERIC_OAUTH_TOKEN_URL",
            "PASSWORD_HASHERS",
            "AUTH_PASSWORD_VALIDATORS",
            "AWS_ACCESS_KEY_ID",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "CSRF_TOKEN",
            "CSRF_COOKIE_NAME",
            "IMAGE_PULL_SECRET",
            "TLS_SECRET",
            "PUBLIC_KEY",
            "STRIPE_PUBLISHABLE_KEY",
            "RECAPTCHA_SITE_KEY",
            "GPG_KEY",
            "PRIMARY_KEY",
            "PAD_TOKEN",
            "TOKENIZERS_PARALLELISM",
            "BYPASS",
            "KEYCLOAK_URL",
            "MONKEY",
            "DD_SECRET_BACKEND_COMMAND",
            "KC_PASSWORD_POLICY",
            "checksum/secret",
            "checksum/db-password",
            "PASSWORD_AUTHENTICATION",
            "ETCD_INITIAL_CLUSTER_TOKEN",
            "JWT_ALGORITHM",
            "API_KEY_HEADER",
            "DATABASE_URL",
            "AUTHOR",
            "",
        ] {
            assert_eq!(class(name), None, "{name}");
        }
    }

    #[test]
    fn any_length_of_name() {
        assert_eq!(class(&"A_".repeat(1_000_000)), None);
        assert_eq!(class(&format!("{}PASSWORD", "A_".repeat(1000))), Some((Class::Password, false)));
    }
}
