//! The detectors as a classifier: what real manifests hold, and what hides in them.

use proptest::prelude::*;

use super::*;

const SCANNER: Scanner<'static> = Scanner::new(Options { names: &[], patterns: &[], entropy: None });

/// Characters that nobody issued: a fixed sequence that looks random to a detector.
fn noise(alphabet: &str, length: usize) -> String {
    let alphabet = alphabet.as_bytes();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            alphabet[(state % alphabet.len() as u64) as usize] as char
        })
        .collect()
}

const ALNUM_LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX_DIGITS: &str = "0123456789abcdef";
const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn rules<'m>(matches: &'m [Match<'_>]) -> Vec<&'m str> {
    matches.iter().map(|found| found.rule.id).collect()
}

/// A value of each provider, with the rule that it breaks.
fn tokens() -> Vec<(String, &'static str)> {
    let letters = |n| noise(ALNUM_LETTERS, n);
    let hex = |n| noise(HEX_DIGITS, n);
    vec![
        (format!("AKIA{}", noise(CAPITALS, 16)), "aws-access-key"),
        (format!("ASIA{}", noise(CAPITALS, 16)), "aws-access-key"),
        (format!("AIza{}", letters(35)), "gcp-credential"),
        (format!("GOCSPX-{}", letters(28)), "gcp-credential"),
        (format!("abc8Q~{}", letters(34)), "azure-credential"),
        (format!("dop_v1_{}", hex(64)), "cloud-token"),
        (format!("dapi{}", hex(32)), "cloud-token"),
        (format!("ghp_{}", letters(36)), "github-token"),
        (format!("ghs_{}", letters(36)), "github-token"),
        (format!("github_pat_{}_{}", letters(22), letters(59)), "github-token"),
        (format!("glpat-{}", letters(20)), "gitlab-token"),
        (format!("glrt-t1_{}", letters(27)), "gitlab-token"),
        (format!("xoxb-{}-{}-{}", noise("123456789", 12), noise("123456789", 12), letters(24)), "slack-token"),
        (format!("xapp-1-A{}-{}-{}", letters(10), noise("123456789", 13), hex(64)), "slack-token"),
        (format!("https://hooks.slack.com/services/T{}/B{}/{}", letters(8), letters(8), letters(24)), "slack-token"),
        (format!("1234567890:AA{}", letters(33)), "chat-token"),
        (format!("M{}.{}.{}", letters(23), letters(6), letters(27)), "chat-token"),
        (format!("https://discord.com/api/webhooks/123456789012345678/{}", letters(68)), "chat-token"),
        (format!("sk_live_{}", letters(24)), "payment-key"),
        (format!("shpat_{}", hex(32)), "payment-key"),
        (format!("sq0atp-{}", letters(22)), "payment-key"),
        (format!("SG.{}.{}", letters(22), letters(43)), "mail-key"),
        (format!("SK{}", hex(32)), "mail-key"),
        (format!("key-{}", hex(32)), "mail-key"),
        (format!("{}-us12", hex(32)), "mail-key"),
        (format!("npm_{}", letters(36)), "registry-token"),
        (format!("pypi-AgEIcHlwaS5vcmc{}", letters(80)), "registry-token"),
        (format!("dckr_pat_{}", letters(27)), "registry-token"),
        (format!("sk-proj-{}", letters(100)), "ai-api-key"),
        (format!("sk-{}", letters(48)), "ai-api-key"),
        (format!("sk-ant-api03-{}AA", letters(93)), "ai-api-key"),
        (format!("hf_{}", letters(34)), "ai-api-key"),
        (format!("sntryu_{}", hex(64)), "monitoring-token"),
        (format!("sntrys_{}", letters(120)), "monitoring-token"),
        (format!("glsa_{}_{}", letters(32), hex(8)), "monitoring-token"),
        (format!("NRAK-{}", noise(CAPITALS, 27)), "monitoring-token"),
        (format!("hvs.{}", letters(90)), "vault-token"),
        (format!("s.{}", letters(24)), "vault-token"),
        (format!("dp.pt.{}", letters(43)), "vault-token"),
        (format!("{}.atlasv1.{}", letters(14), letters(64)), "vault-token"),
        (format!("lin_api_{}", letters(40)), "tool-token"),
        (format!("PMAK-{}-{}", hex(24), hex(34)), "tool-token"),
        (format!("eyJhbGciOiJIUzI1NiJ9.{}.{}", letters(40), letters(43)), "json-web-token"),
        (format!("AGE-SECRET-KEY-1{}", noise(CAPITALS, 58)), "private-key"),
        (format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", letters(64)), "private-key"),
        (format!("-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----", letters(64)), "private-key"),
        (format!("-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n{}\n", letters(64)), "private-key"),
        ("django-insecure-4w!9zq@t6#mj1v$yx0r8bk2^nh5&cf3(ld7)ps+ge=ua_io".to_owned(), "django-secret-key"),
    ]
}

pub(super) fn base64(text: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            encoded.push(if digit <= chunk.len() { DIGITS[value as usize] as char } else { '=' });
        }
    }
    encoded
}

#[test]
fn finds_the_token_of_every_provider() {
    for (token, rule) in tokens() {
        assert_eq!(rules(&SCANNER.value("SETTING", &token)), [rule], "{token}");
        // However it is named, it is found once.
        assert_eq!(rules(&SCANNER.value("API_TOKEN", &token)), [rule], "{token} under a name");
        assert_eq!(rules(&SCANNER.value("X", &format!("  \"{token}\"\n"))), [rule], "{token} in quotes");
        let once = base64(token.as_bytes());
        assert_eq!(rules(&SCANNER.value("X", &once)), [rule], "{token} in base64");
        assert_eq!(rules(&SCANNER.value("X", &base64(once.as_bytes()))), [rule], "{token} in base64 twice");
        let escaped: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!(rules(&SCANNER.value("X", &escaped)), [rule], "{token} percent-encoded");
    }
}

#[test]
fn checksums_tell_an_issued_token_from_a_placeholder() {
    // The random part is no more than x, yet the checksum is right: somebody issued it.
    let checksum = |random: &str| {
        let crc = !random.bytes().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
        });
        let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        (0..6).rev().map(|place| digits[(crc / 62u32.pow(place) % 62) as usize] as char).collect::<String>()
    };
    let random = "x".repeat(30);
    assert_eq!(rules(&SCANNER.value("X", &format!("ghp_{random}{}", checksum(&random)))), ["github-token"]);
    assert_eq!(rules(&SCANNER.value("X", &format!("ghp_{random}xxxxxx"))), ["placeholder-secret"]);
}

#[test]
fn tells_examples_and_placeholders_apart() {
    for value in ["AKIAIOSFODNN7EXAMPLE", concat!("ghp_", "16C7e42F292c6912E7710c838347Ae178B4a")] {
        assert_eq!(rules(&SCANNER.value("X", value)), ["example-secret"], "{value}");
    }
    assert_eq!(rules(&SCANNER.value("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")), ["example-secret"]);
    for (name, value) in [
        ("DB_PASSWORD", "changeme"),
        ("DB_PASSWORD", "CHANGE_ME"),
        ("DB_PASSWORD", "please-change-me!"),
        ("DB_PASSWORD", "your-password-here"),
        ("DB_PASSWORD", "<password>"),
        ("DB_PASSWORD", "********"),
        ("DB_PASSWORD", "xxx"),
        ("DB_PASSWORD", "TODO"),
        ("SECRET_KEY", "replace-me-with-a-real-key"),
        ("API_TOKEN", "YOUR_API_TOKEN"),
        ("OPENAI_API_KEY", "sk-your-key"),
        ("DISCOVERY_TOKEN", "INSERT_DISCOVERY_TOKEN"),
        ("API_TOKEN", "API_TOKEN"),
        ("DATABASE_URL", "postgres://user:changeme@db/app"),
        ("X", "AKIAXXXXXXXXXXXXXXXX"),
    ] {
        assert_eq!(rules(&SCANNER.value(name, value)), ["placeholder-secret"], "{name}={value}");
    }
}

/// What real charts and tutorials have in their manifests, and what must not be rejected.
const CLEAN: &[(&str, &str)] = &[
    ("POSTGRES_PASSWORD", "$(DB_PASSWORD)"),
    ("POSTGRES_PASSWORD", "${DB_PASSWORD}"),
    ("POSTGRES_PASSWORD", "$DB_PASSWORD"),
    ("POSTGRES_PASSWORD", "{{ .Values.db.password }}"),
    ("POSTGRES_PASSWORD", ""),
    ("POSTGRES_PASSWORD", "  "),
    ("POSTGRES_PASSWORD_FILE", "/run/secrets/postgres-password"),
    ("POSTGRES_PASSWORD", "/run/secrets/postgres-password"),
    ("DB_PASSWORD", "vault:secret/data/shop#password"),
    ("DB_PASSWORD", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf"),
    ("DB_PASSWORD", "%%env_DB_PASSWORD%%"),
    ("DB_PASSWORD", "ENC[k8s_secret@default/shop/password]"),
    ("ADMIN_PASSWORD", "$2y$10$abcdefghijklmnopqrstuuOHxYv0Dk2bN6sG5e1f2g3h4i5j6k7l8m"),
    ("ALLOW_EMPTY_PASSWORD", "yes"),
    ("MYSQL_RANDOM_ROOT_PASSWORD", "true"),
    ("PASSWORD_MIN_LENGTH", "12"),
    ("TOKEN_EXPIRY", "3600"),
    ("ACCESS_TOKEN_LIFETIME", "30m"),
    ("REFRESH_TOKEN", "true"),
    ("PASSWORD_HASHERS", "django.contrib.auth.hashers.Argon2PasswordHasher"),
    ("DEFAULT_PASSWORD", "django.contrib.auth.hashers.PBKDF2PasswordHasher"),
    ("JWT_ALGORITHM", "HS256"),
    ("JWT_SECRET", "HS256"),
    ("AUTH_TOKEN", "bearer"),
    ("OAUTH_TOKEN_URL", "https://login.example.com/oauth2/token"),
    ("TOKEN", "https://login.example.com/oauth2/token"),
    ("API_TOKEN_HEADER", "X-Api-Token"),
    ("DB_SECRET_NAME", "shop-db"),
    ("DB_SECRET", "shop-db-credentials"),
    ("TLS_SECRET", "shop-tls"),
    ("IMAGE_PULL_SECRET", "registry"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"),
    ("AWS_ACCESS_KEY_ID", "$(AWS_ACCESS_KEY_ID)"),
    ("EMAIL_HOST_USER", "shop@example.com"),
    ("DEFAULT_FROM_EMAIL", "Shop <shop@example.com>"),
    ("SENTRY_DSN", "https://0123456789abcdef0123456789abcdef@o42.ingest.sentry.io/4507"),
    ("CELERY_BROKER_URL", "redis://redis:6379/0"),
    ("DATABASE_URL", "postgres://db:5432/shop"),
    ("DATABASE_URL", "postgres://shop@db:5432/shop"),
    ("DATABASE_URL", "postgres://shop:$(DB_PASSWORD)@db:5432/shop"),
    ("DATABASE_URL", "postgres://shop:${DB_PASSWORD}@db:5432/shop"),
    ("DATABASE_URL", "postgresql://{{ user }}:{{ password }}@db/shop"),
    ("DATABASE_URL", "postgres://shop:<password>@db/shop"),
    ("DATABASE_URL", "postgres://shop:***@db/shop"),
    ("REPOSITORY", "git+ssh://git@github.com/example/shop.git"),
    ("MODULE", "https://cdn.example.com/npm/@scope/package@1.2.3/index.js"),
    ("IMAGE", "docker://nginx:1.27@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
    ("IMAGE", "registry.example.com:5000/shop@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
    ("GIT_SHA", "0123456789abcdef0123456789abcdef01234567"),
    ("TENANT_ID", "0f8fad5b-d9cb-469f-a165-70867728950e"),
    ("CLIENT_ID", "0f8fad5b-d9cb-469f-a165-70867728950e"),
    ("GPG_KEY", "E3FF2839C048B25C084DEBE9B26995E310250568"),
    ("PYTHON_SHA256", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
    ("CA_CERT", "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQsw\n-----END CERTIFICATE-----"),
    ("JWT_PUBLIC_KEY", "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1c7\n-----END PUBLIC KEY-----"),
    ("SSH_KEY", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0a8dZ1t2w3x4y5z6A7B8C9D0E1F2G3H4I5J6K7L8M9 shop"),
    ("STRIPE_PUBLISHABLE_KEY", "pk_live_51HabcdefGHIJKLmnopQRST0123456789"),
    ("RECAPTCHA_SITE_KEY", "6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ_MXjiZKhI"),
    ("DJANGO_SETTINGS_MODULE", "shop.settings.production"),
    ("GUNICORN_CMD_ARGS", "--workers 3 --bind 0.0.0.0:8000 --access-logfile - --keep-alive 65"),
    ("JAVA_OPTS", "-Xmx512m -Djavax.net.ssl.trustStore=/etc/ssl/truststore.jks -Duser.timezone=UTC"),
    ("KC_HOSTNAME", "keycloak.example.com"),
    ("KC_DB_URL", "jdbc:postgresql://db:5432/keycloak"),
    ("KEYCLOAK_ADMIN", "admin"),
    ("GF_SECURITY_ADMIN_USER", "admin"),
    ("GF_SERVER_ROOT_URL", "%(protocol)s://%(domain)s:%(http_port)s/grafana/"),
    ("GF_AUTH_GENERIC_OAUTH_SCOPES", "openid profile email"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel-collector:4317"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=$(OTEL_API_KEY)"),
    ("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,k8s.pod.uid=$(POD_UID),deployment.environment=production"),
    ("DD_TAGS", "env:prod team:shop token:none"),
    ("DD_SECRET_BACKEND_COMMAND", "/readsecret_multiple_providers.sh"),
    ("DD_LOGS_CONFIG_CONTAINER_COLLECT_ALL", "true"),
    ("ES_JAVA_OPTS", "-Xms1g -Xmx1g"),
    ("xpack.security.authc.token.enabled", "true"),
    ("ELASTICSEARCH_HOSTS", "https://elasticsearch-es-http:9200"),
    ("RABBITMQ_DEFAULT_USER", "shop"),
    ("KAFKA_CFG_LISTENER_SECURITY_PROTOCOL_MAP", "CLIENT:SASL_PLAINTEXT,INTERNAL:PLAINTEXT"),
    ("KAFKA_CFG_SASL_MECHANISM_INTER_BROKER_PROTOCOL", "SCRAM-SHA-256"),
    ("POSTGRES_INITDB_ARGS", "--auth-host=scram-sha-256 --auth-local=peer --data-checksums"),
    ("POSTGRES_HOST_AUTH_METHOD", "scram-sha-256"),
    ("POD_NAMES", "web-7d9c5b8f6d-x2x4z,web-7d9c5b8f6d-p9q8r"),
    ("VERSION", "v1.27.3-gke.1234567"),
    ("BUILD", "2024-05-17T10:22:33Z-a1b2c3d4e5f6"),
    ("TZ", "Europe/Berlin"),
    ("CRON", "*/5 * * * *"),
    ("SECRETS_PATH", "secret/data/shop"),
    ("VAULT_ADDR", "https://vault.vault.svc:8200"),
    ("VAULT_TOKEN_TTL", "1h"),
    ("KMS_KEY", "alias/shop-production"),
    ("ENCRYPTION_KEY", "arn:aws:kms:eu-west-1:123456789012:key/0f8fad5b-d9cb-469f-a165-70867728950e"),
    ("CACHE_KEY", "shop:v1:products"),
    ("SORT_KEY", "created_at"),
    ("MAX_TOKENS", "4096"),
    ("PAD_TOKEN", "<pad>"),
    ("LABELS", "app.kubernetes.io/name=shop,tier=web"),
    ("FEATURES", "password-reset,token-refresh,secret-santa"),
    ("MESSAGE", "Forgot your password? Reset it: https://shop.example.com/reset?next=/login"),
    ("HELP", "password: the one you were given by mail"),
    ("PASSWORD_PROMPT", "Enter your password"),
    ("SOCIAL_AUTH_GOOGLE_OAUTH2_KEY", "123456789012-shop.apps.googleusercontent.com"),
    ("LOGGING", "{\"version\": 1, \"formatters\": {\"json\": {\"class\": \"pythonjsonlogger.jsonlogger.JsonFormatter\"}}}"),
    ("CONFIG", "{\"password\": \"$(DB_PASSWORD)\", \"passwordFile\": \"/run/secrets/db\", \"tokenTTL\": 3600}"),
    ("CONFIG", "[db]\npassword_file = /run/secrets/db\npassword = ${DB_PASSWORD}\n"),
    ("DSN", "host=db user=shop dbname=shop sslmode=verify-full"),
    ("PROXY", "http://user:@proxy.example.com:3128"),
    ("SCRIPT", "export PGPASSWORD=$(cat /run/secrets/db) && psql -h db -U shop"),
    ("SCRIPT", "export PGPASSWORD=\"$(< /run/secrets/db)\"; pg_dump shop"),
    ("SCRIPT", "if [ \"$PASSWORD\" = \"\" ]; then exit 1; fi"),
    ("CODE", "connect(host=host, password=password, token=os.environ['TOKEN'], secret=get_secret())"),
    ("BASE64_TEXT", "VGhpcyBpcyBhbiBvcmRpbmFyeSBzZW50ZW5jZS4="),
    ("SPRING_PASSWORD", "${DB_PASSWORD}"),
    ("checksum/secret", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
    ("vault.hashicorp.com/agent-inject-secret-db", "secret/data/shop/db"),
    (
        "vault.hashicorp.com/agent-inject-template-db",
        "{{ with secret \"secret/data/shop\" }}postgres://shop:{{ .Data.data.password }}@db/shop{{ end }}",
    ),
    ("secret.reloader.stakater.com/reload", "shop-secret,shop-tls"),
    ("cni.projectcalico.org/containerID", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
];

#[test]
fn accepts_what_is_no_secret() {
    let flagged: Vec<_> = CLEAN
        .iter()
        .map(|(name, value)| (name, value, SCANNER.value(name, value)))
        .filter(|(_, _, found)| !found.is_empty())
        .map(|(name, value, found)| format!("{name}={value}: {}", rules(&found).join(", ")))
        .collect();
    assert!(flagged.is_empty(), "{flagged:#?}");
}

/// Literal secrets, as they are really written.
const SECRETS: &[(&str, &str, &str)] = &[
    ("POSTGRES_PASSWORD", "postgres", "named-secret"),
    ("POSTGRES_PASSWORD", "password", "named-secret"),
    ("MYSQL_ROOT_PASSWORD", "root", "named-secret"),
    ("REDIS_PASSWORD", "s3cr3t", "named-secret"),
    ("DB_PASSWORD", "hunter2", "named-secret"),
    ("DB_PASSWORD", "  hunter2\n", "named-secret"),
    ("DB_PASSWORD", "123456", "named-secret"),
    ("db_password", "hunter2", "named-secret"),
    ("dbPassword", "hunter2", "named-secret"),
    ("spring.datasource.password", "hunter2", "named-secret"),
    ("ConnectionStrings__DbPass", "hunter2", "named-secret"),
    ("PGPASSWORD", "P@ssw0rd!", "named-secret"),
    ("MYSQL_PWD", "hunter2", "named-secret"),
    ("REDISCLI_AUTH", "hunter2", "named-secret"),
    ("KEYSTORE_PASS", "/s3cr3t+x=", "named-secret"),
    ("DB_PASSWORD", "${DB_PASSWORD:-hunter2}", "named-secret"),
    ("DB_PASSWORD", "aHVudGVyMg==", "named-secret"),
    ("JWT_SECRET", "supersecret", "named-secret"),
    ("JWT_SECRET", "my-super-secret", "named-secret"),
    ("NEXTAUTH_SECRET", "secret", "named-secret"),
    ("NEXT_AUTH_SECRET", "secret", "named-secret"),
    ("VAULT_DEV_ROOT_TOKEN", "root", "named-secret"),
    ("GITHUB_TOKEN", "0123456789abcdef0123456789abcdef01234567", "named-secret"),
    ("HEROKU_API_KEY", "0f8fad5b-d9cb-469f-a165-70867728950e", "named-secret"),
    ("DD_API_KEY", "0123456789abcdef0123456789abcdef", "named-secret"),
    ("TWILIO_AUTH_TOKEN", "0123456789abcdef0123456789abcdef", "named-secret"),
    ("MAPS_KEY", "Xk29fLm83Qp01ZrT56Yw", "named-secret"),
    ("PASSWORD_GRAFANA", "admin", "named-secret"),
    ("SECRET_SHOP", "secretsquirrels", "named-secret"),
    ("TOKEN_BILLING", "Xk29fLm83Qp01ZrT56Yw", "named-secret"),
    ("SECRET_KEY", "not-so-secret", "named-secret"),
    ("SECRET_KEY", "k2#v9m@x7q!w4z$p8r&t3y*u6i(o1a)s5d-f0g_h=jklzbnqem", "django-secret-key"),
    ("DJANGO_SECRET_KEY", "not-so-secret", "django-secret-key"),
    ("AWS_SECRET_ACCESS_KEY", "p7Rm2Xq9Lw4Vz8Kt1Yb6Nc3Hd5Jf0Gs+Ua/EoTiQ", "aws-access-key"),
    ("DATABASE_URL", "postgres://shop:hunter2@db:5432/shop", "credentials-in-url"),
    ("DATABASE_URL", "postgres://user:pass@db/app", "credentials-in-url"),
    ("DATABASE_URL", "postgres://shop:hun%20ter%2F2@db/shop", "credentials-in-url"),
    ("DATABASE_URL", "postgres%3A%2F%2Fshop%3Ahunter2%40db%2Fshop", "credentials-in-url"),
    ("DATABASE_URL", "postgres://shop:hun/ter#2@db/shop", "credentials-in-url"),
    ("DATABASE_URL", "shop:hunter2@db:5432/shop", "credentials-in-url"),
    ("CELERY_BROKER_URL", "redis://:hunter2@redis:6379/0", "credentials-in-url"),
    ("BROKER", "amqp://guest:guest@rabbitmq:5672//", "credentials-in-url"),
    ("MONGO", "mongodb+srv://shop:hunter2@cluster0.example.net/shop?retryWrites=true", "credentials-in-url"),
    ("EMAIL", "smtp://shop%40example.com:hunter2@smtp.example.com:587", "credentials-in-url"),
    ("SENTRY_DSN", "https://0123456789abcdef:fedcba9876543210@sentry.example.com/4", "credentials-in-url"),
    ("GO_DSN", "shop:hunter2@tcp(db:3306)/shop?parseTime=true", "credentials-in-url"),
    ("ORACLE", "jdbc:oracle:thin:scott/tiger@//db:1521/orcl", "credentials-in-url"),
    ("DB", "jdbc:postgresql://db/shop?user=shop&password=hunter2", "named-secret"),
    ("DB", "host=db user=shop password=hunter2 dbname=shop", "named-secret"),
    ("DB", "Server=db;Database=shop;User Id=sa;Password=hunter2;", "named-secret"),
    ("DB", "Server=db;Database=shop;Uid=sa;Pwd=hunter2;", "named-secret"),
    ("CONFIG", "{\"db\": {\"user\": \"shop\", \"password\": \"hunter2\"}}", "named-secret"),
    ("CONFIG", "{\\\"password\\\": \\\"hunter2\\\"}", "named-secret"),
    ("CONFIG", "db:\n  user: shop\n  password: hunter2\n", "named-secret"),
    ("CONFIG", "[db]\nuser = shop\npassword = hunter2\n", "named-secret"),
    ("CONFIG", "<db><user>shop</user><password>hunter2</password></db>", "named-secret"),
    ("CONFIG", "[{\"name\": \"DB_PASSWORD\", \"value\": \"hunter2\"}]", "named-secret"),
    ("CONFIG", "- name: DB_PASSWORD\n  value: hunter2\n", "named-secret"),
    ("CONFIG", "{\"auths\":{\"registry.example.com\":{\"auth\":\"c2hvcDpodW50ZXIy\"}}}", "http-credentials"),
    ("CONFIG", "eyJkYiI6IHsicGFzc3dvcmQiOiAiaHVudGVyMiJ9fQ==", "named-secret"),
    ("SCRIPT", "export DB_PASSWORD=hunter2; ./run", "named-secret"),
    ("SCRIPT", "PGPASSWORD=hunter2 psql -h db", "named-secret"),
    ("SCRIPT", "psql -c \"CREATE ROLE shop LOGIN PASSWORD 'hunter2'\"", "named-secret"),
    ("SCRIPT", "mysql -e \"CREATE USER shop IDENTIFIED BY 'hunter2'\"", "named-secret"),
    ("EXTRA_FLAGS", "--requirepass hunter2", "named-secret"),
    ("JAVA_OPTS", "-Xmx1g -Djavax.net.ssl.keyStorePassword=hunter2", "named-secret"),
    (
        "KAFKA_JAAS",
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"hunter2\";",
        "named-secret",
    ),
    ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=0123456789abcdef,x=y", "named-secret"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Basic%20c2hvcDpodW50ZXIy", "http-credentials"),
    ("Authorization", "Bearer abcdef123456", "http-credentials"),
    ("Authorization", "Basic c2hvcDpodW50ZXIy", "http-credentials"),
    ("FLOWER_BASIC_AUTH", "shop:hunter2", "http-credentials"),
    ("NEO4J_AUTH", "neo4j/hunter2", "http-credentials"),
    ("X-Api-Key", "abcdef123456", "named-secret"),
    ("CURL", "curl -u shop:hunter2 https://example.com", "http-credentials"),
    ("CURL", "curl -H \"Authorization: Bearer abcdef123456\" https://example.com", "http-credentials"),
    (
        "STORAGE",
        "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=NqVwYS81VP7Hb1DX8pPd5khxE3pyIgKpaUnArl63XykWZeiNNCiia3anXn9k3ksu9mI4ROnl89Sm995ytbxAk7==;EndpointSuffix=core.windows.net",
        "azure-credential",
    ),
    (
        "BUS",
        "Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=Xk29fLm83Qp01ZrT56YwXk29fLm83Qp01ZrT56YwXk2=",
        "azure-credential",
    ),
    (
        "SAS",
        "https://shop.blob.core.windows.net/c?sv=2022-11-02&se=2030-01-01&sr=c&sp=r&sig=Xk29fLm83Qp01ZrT56YwXk29fLm83Qp01ZrT56YwXk2%3D",
        "azure-credential",
    ),
];

#[test]
fn finds_literal_secrets() {
    let wrong: Vec<_> = SECRETS
        .iter()
        .map(|(name, value, rule)| (name, value, rule, SCANNER.value(name, value)))
        .filter(|(_, _, rule, found)| rules(found) != [**rule])
        .map(|(name, value, rule, found)| format!("{name}={value}: {}, not {rule}", rules(&found).join(", ")))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn reads_command_lines_word_by_word() {
    let found = |words: &[&str]| {
        let mut found = Vec::new();
        SCANNER.command(words.iter().copied(), &mut |index, matched| found.push((index, matched.rule.id)));
        found
    };
    for (words, expected) in [
        (&["app", "--password", "hunter2"][..], vec![(2, "named-secret")]),
        (&["app", "--password=hunter2"], vec![(1, "named-secret")]),
        (&["app", "-password", "hunter2"], vec![(2, "named-secret")]),
        (&["app", "--token", "$(TOKEN)", "--port", "80"], vec![]),
        (&["app", "--password-file", "/run/secrets/x"], vec![]),
        (&["app", "--token", "--verbose"], vec![]),
        (&["mysql", "-u", "root", "-phunter2", "shop"], vec![(3, "named-secret")]),
        (&["mysql", "-u", "root", "-p$(ROOT_PASSWORD)"], vec![]),
        (&["sh", "-c", "mysql -p$$MYSQL_ROOT_PASSWORD -e 'SELECT 1'"], vec![]),
        (&["mkdir", "-p", "/data/shop"], vec![]),
        (&["docker", "run", "-p", "8080:80", "nginx"], vec![]),
        (&["docker", "login", "-u", "shop", "-p", "hunter2"], vec![(5, "named-secret")]),
        (&["redis-cli", "-a", "hunter2", "ping"], vec![(2, "named-secret")]),
        (&["redis-server", "--requirepass", "hunter2"], vec![(2, "named-secret")]),
        (&["curl", "-fsS", "-u", "shop:hunter2", "https://example.com"], vec![(3, "http-credentials")]),
        (&["curl", "-u", "shop:$(PASSWORD)", "https://example.com"], vec![]),
        (&["curl", "-H", "Authorization: Bearer abcdef123456"], vec![(2, "http-credentials")]),
        (&["sh", "-c", "mysqladmin ping -uroot -p'hunter2' && echo ok"], vec![(2, "named-secret")]),
        (&["sh", "-c", "redis-cli -a $REDIS_PASSWORD ping"], vec![]),
        (&["bash", "-c", "su postgres -c 'redis-cli -a hunter2 ping'"], vec![(2, "named-secret")]),
        (&["sh", "-c", "sshpass -p hunter2 ssh host"], vec![(2, "named-secret")]),
        (
            &["aws", "configure", "set", "aws_secret_access_key", "p7Rm2Xq9Lw4Vz8Kt1Yb6Nc3Hd5Jf0Gs+Ua/EoTiQ"],
            vec![(4, "named-secret")],
        ),
        (&["rabbitmqctl", "add_user", "shop", "hunter2"], vec![(3, "named-secret")]),
        (&["openssl", "rsa", "-passin", "pass:hunter2"], vec![(3, "named-secret")]),
        (&["kubectl", "create", "secret", "generic", "x", "--from-literal=password=hunter2"], vec![(5, "named-secret")]),
        (&["celery", "-A", "shop", "-b", "amqp://u:hunter2@mq//"], vec![(4, "credentials-in-url")]),
        (&["gunicorn", "shop.wsgi", "--bind", "0.0.0.0:8000", "--workers", "3"], vec![]),
        (&["/cloud-sql-proxy", "--credentials-file=/secrets/key.json", "--port=5432", "project:region:db"], vec![]),
        (&["python", "manage.py", "runserver", "--settings=shop.settings.dev"], vec![]),
    ] {
        assert_eq!(found(words), expected, "{words:?}");
    }
}

#[test]
fn one_secret_is_one_match_and_several_are_several() {
    let token = format!("ghp_{}", noise(ALNUM_LETTERS, 36));
    assert_eq!(
        rules(&SCANNER.value("GITHUB_TOKEN", &format!("https://oauth2:{token}@github.com/example/shop"))),
        ["github-token"]
    );
    let text = format!("postgres://u:hunter2@db/x token={token} password=hunter3");
    let mut matches = SCANNER.text(&text);
    matches.sort_by_key(|found| found.offset);
    assert_eq!(rules(&matches), ["credentials-in-url", "github-token", "named-secret"]);
}

#[test]
fn options_add_names_patterns_and_entropy() {
    let names = vec!["*_FOO".to_owned()];
    let patterns = vec!["acme-????????".to_owned()];
    let scanner = Scanner::new(Options { names: &names, patterns: &patterns, entropy: Some(4.0) });
    assert_eq!(rules(&scanner.value("db_foo", "x1")), ["named-secret"]);
    assert_eq!(rules(&scanner.value("X", "id=acme-12ab34cd;")), ["custom-pattern"]);
    assert_eq!(rules(&scanner.value("X", &noise(ALNUM_LETTERS, 40))), ["high-entropy"]);
    assert_eq!(rules(&scanner.value("X", "a-rather-long-name-of-a-deployment-1")), [""; 0]);
    assert_eq!(rules(&SCANNER.value("X", &noise(ALNUM_LETTERS, 40))), [""; 0]);
}

#[test]
fn the_fingerprint_survives_escapes() {
    let plain = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----";
    let escaped = plain.replace('\n', "\\n");
    assert_eq!(SCANNER.text(plain)[0].fingerprint, SCANNER.text(&escaped)[0].fingerprint);
    assert_ne!(SCANNER.value("PASSWORD", "hunter2")[0].fingerprint, SCANNER.value("PASSWORD", "hunter3")[0].fingerprint);
}

/// Texts that make a careless scanner walk the same characters again and again. Each takes milliseconds here, and would take
/// hours if it did not.
#[test]
fn hostile_texts_are_walked_once() {
    for unit in [
        "a",
        "=",
        "'",
        "\"",
        "://",
        "a://",
        "@",
        "$(",
        "{{",
        "<",
        "-",
        "--a ",
        "eyJ",
        "eyJ-",
        "eyJ.",
        "glpat-",
        "sk-",
        "1Q~",
        ".atlasv1.",
        "1:A",
        "-us1",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----AAAAAAAAAAAAAAAA ",
        "password=",
        "password=\"",
        "password='",
        "password: ",
        "auth=",
        "name=",
        "&sig=",
        "password 'password '",
        "user password '",
        "Authorization: ",
        "<password>",
        "password=(",
        ")",
        "\\",
        "\\n",
        "%41",
        "%25",
        "QUJD",
        "a@",
        "u:p@tcp(",
        "oracle:thin:",
        "ghp_",
        "\"name\":\"PASSWORD\",",
        "mysql -p ",
        "key-",
        "'\\''",
        "xoxb-1",
        "password=$(x",
        "${a:-",
        "aAzFuAAAAAA==",
        "+ASt12345A== ",
        "a.sk-",
        "echo a | ",
        "echo a | chpasswd ",
        "1|a",
        "u@h:p/@",
        "me@h:p/w@h ",
        "htpasswd -b a b ",
        "password: *a\n",
        "\"password\": \"Password\",",
        "AgA",
    ] {
        let text = unit.repeat(300_000 / unit.len());
        let _ = SCANNER.value("PASSWORD", &text);
        SCANNER.command([text.as_str()].into_iter(), &mut |_, _| {});
    }
}

/// Large values of the kinds that people and attackers write: a line of a mebibyte, a million commas, encodings around encodings.
#[test]
fn large_values_are_walked_once() {
    let line = format!("{}password=Kestrel-91 {}", "word ".repeat(100_000), "word ".repeat(100_000));
    let found = SCANNER.value("NOTES", &line);
    assert_eq!(found.iter().map(|found| found.rule.id).collect::<Vec<_>>(), ["named-secret"]);
    assert!(SCANNER.value("LIST", &",".repeat(1_000_000)).is_empty());
    assert!(SCANNER.value("DB_PASSWORD", &"a,".repeat(500_000)).len() <= 1);

    // Base64 of base64 of ...: looked into twice, and then it is only long.
    let mut text = String::from("ghp_16C7e42F292c6912E7710c838347Ae178B4a");
    for depth in 0..14 {
        let found = SCANNER.value("BLOB", &text);
        assert_eq!(!found.is_empty(), depth <= 2, "{depth}");
        text = encode(&text);
    }
    assert!(text.len() > 2_000);
    // One run of base64 after the other, each to be decoded, and each of them base64 again.
    let runs = format!("{} ", encode(&encode("nothing to be seen here, and nothing there"))).repeat(10_000);
    assert!(SCANNER.value("BLOBS", &runs).is_empty());
    // Percent signs are decoded once, whatever they decode to.
    assert!(SCANNER.value("QUERY", &"%25".repeat(300_000)).is_empty());
}

/// RFC 4648, section 4.
fn encode(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let group = (0..3).fold(0u32, |group, at| group << 8 | chunk.get(at).copied().map_or(0, u32::from));
        for place in 0..4 {
            let sextet = ALPHABET[(group >> (18 - 6 * place)) as usize & 63];
            encoded.push(if place <= chunk.len() { char::from(sextet) } else { '=' });
        }
    }
    encoded
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn never_panics(name in any::<String>(), text in any::<String>()) {
        let _ = SCANNER.value(&name, &text);
        SCANNER.command([name.as_str(), text.as_str()].into_iter(), &mut |_, _| {});
    }

    #[test]
    fn never_panics_on_what_looks_like_secrets(text in "([a-z=:/@'\"\\\\$({<>})&;% \n-]|password|://|eyJ|-----BEGIN |PRIVATE KEY-----|Q~|%2|\\u00e9|ghp_){0,60}") {
        for found in SCANNER.value("DB_PASSWORD", &text) {
            prop_assert!(found.offset < text.len());
        }
        let _ = SCANNER.value("X", &text);
        SCANNER.command(text.split('\n'), &mut |_, _| {});
    }

    #[test]
    fn a_token_is_found_in_any_text(index in 0..1000usize, before in "[a-zA-Z0-9é ,.;:()/-]{0,40}", after in "[a-zA-Zé ,.;:()/]{0,40}") {
        let tokens = tokens();
        let (token, rule) = &tokens[index % tokens.len()];
        let text = format!("{before} {token} {after}");
        let matches = SCANNER.text(&text);
        prop_assert!(matches.iter().any(|found| found.rule.id == *rule), "{text}: {matches:?}");
    }

    #[test]
    fn a_match_says_nothing_of_the_secret(password in "[A-Za-z0-9]{8,30}") {
        for text in [format!("postgres://u:{password}@db/x"), format!("db_password={password}"), format!("--set a.b.token {password}")] {
            for found in SCANNER.value("X", &text) {
                let said = format!("{} {} {} {}", found.what, found.prefix, found.name, found.rule.summary);
                for start in 0..password.len().saturating_sub(5) {
                    prop_assert!(!said.contains(&password[start..start + 6]), "{said}");
                }
            }
        }
    }
}
