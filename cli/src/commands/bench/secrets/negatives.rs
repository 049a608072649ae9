//! What must not be found: what a Deployment and its ConfigMaps hold besides secrets, and what looks like one.

use super::corpus::Line;
use super::corpus::places::{ANNOTATION, COMMAND, ENV, FILE, HEADER, NAMED};

const fn clean(family: &'static str, names: &'static str, value: &'static str) -> Line {
    Line::new(family, None, names, value, NAMED, 6)
}

const fn env(family: &'static str, names: &'static str, value: &'static str) -> Line {
    Line::new(family, None, names, value, ENV, 4)
}

const fn note(family: &'static str, names: &'static str, value: &'static str) -> Line {
    Line::new(family, None, names, value, ANNOTATION, 3)
}

const fn command(family: &'static str, words: &'static str) -> Line {
    Line::new(family, None, "", words, COMMAND, 1)
}

const fn file(family: &'static str, key: &'static str, text: &'static str) -> Line {
    Line::new(family, None, key, text, FILE, 1)
}

/// One after the other; alternatives of a value stand between `‖`.
pub const NEGATIVES: &[Line] = &[
    // Ordinary settings.
    clean("plain", "DEBUG|LOG_JSON|USE_TZ|ENABLE_METRICS", "true‖false‖True‖0‖1‖off‖yes"),
    clean("plain", "LOG_LEVEL|DJANGO_LOG_LEVEL|RUST_LOG", "info‖WARNING‖debug,hyper=info"),
    clean("plain", "PORT|WORKERS|WEB_CONCURRENCY|MAX_CONNS", "8080‖3‖[[digits:4]]"),
    clean("plain", "ENVIRONMENT|NODE_ENV|APP_ENV|RAILS_ENV", "production‖staging‖development"),
    clean(
        "locale",
        "LANG|LC_ALL|LANGUAGE_CODE|TZ|TIME_ZONE",
        "en_US.UTF-8‖de_DE.utf8‖pt-br‖Europe/Berlin‖America/Argentina/Buenos_Aires‖C.UTF-8",
    ),
    env("cron", "BACKUP_SCHEDULE|CRON|CLEANUP_CRON", "0 3 * * *‖*/15 8-18 * * MON-FRI‖@daily"),
    clean("quantity", "MEMORY_LIMIT|CPU_REQUEST|JVM_HEAP|DISK_SIZE", "512Mi‖250m‖1.5Gi‖2048m‖10e6"),
    clean("duration", "TIMEOUT|GRACE_PERIOD|POLL_INTERVAL|RETENTION", "30s‖1h30m‖PT15M‖720h‖14d‖250ms"),
    clean("version", "APP_VERSION|RELEASE|CHART_VERSION", "1.24.3‖v2.0.0-rc.1+build.[[digits:4]]‖2024.11.3‖17.2-bookworm"),
    clean(
        "module",
        "DJANGO_SETTINGS_MODULE|CELERY_APP|WSGI_APPLICATION|FLASK_APP",
        "shop.settings.production‖shop.wsgi:application‖config.celery_app‖shop.main:create_app()",
    ),
    clean(
        "module",
        "DEFAULT_FILE_STORAGE|EMAIL_BACKEND|SESSION_ENGINE|CACHE_BACKEND",
        "storages.backends.s3boto3.S3Boto3Storage‖django.core.mail.backends.smtp.EmailBackend‖django.contrib.sessions.backends.cached_db",
    ),
    clean(
        "module",
        "AUTHENTICATION_BACKENDS|PASSWORD_HASHERS|TOKEN_MODEL",
        "django.contrib.auth.backends.ModelBackend‖django.contrib.auth.hashers.Argon2PasswordHasher‖rest_framework.authtoken.models.Token",
    ),
    clean(
        "class",
        "KEY_SERIALIZER|key.serializer|VALUE_DESERIALIZER|TOKEN_FILTER_CLASS",
        "org.apache.kafka.common.serialization.StringSerializer‖io.confluent.kafka.serializers.KafkaAvroDeserializer‖com.example.shop.security.TokenAuthenticationFilter",
    ),
    clean(
        "host",
        "DB_HOST|PGHOST|REDIS_HOST|SMTP_HOST|POSTGRES_HOST",
        "[[host]]‖shop-db.c9akciq32.eu-west-1.rds.amazonaws.com‖smtp.example.com‖fd00::1234‖10.2.3.4",
    ),
    clean(
        "host",
        "ALLOWED_HOSTS|CORS_ORIGINS|NO_PROXY|CSRF_TRUSTED_ORIGINS",
        "shop.example.com,www.example.com‖https://shop.example.com,https://admin.example.com‖localhost,127.0.0.1,.svc,.cluster.local,10.0.0.0/8",
    ),
    clean(
        "host",
        "KAFKA_BROKERS|BOOTSTRAP_SERVERS|ETCD_ENDPOINTS|CONTACT_POINTS",
        "kafka-0.kafka:9092,kafka-1.kafka:9092,kafka-2.kafka:9092‖http://etcd-0:2379,http://etcd-1:2379",
    ),
    clean(
        "email",
        "DEFAULT_FROM_EMAIL|SERVER_EMAIL|EMAIL_HOST_USER|ADMIN_EMAIL|PASSWORD_RESET_EMAIL|LETSENCRYPT_EMAIL",
        "shop@example.com‖no-reply+prod@mail.example.co.uk‖first.last@example.org",
    ),
    clean("user", "DB_USER|PGUSER|POSTGRES_USER|MYSQL_USER|RABBITMQ_DEFAULT_USER|ADMIN_USERNAME", "[[user]]‖shop_rw‖svc-web"),
    clean("database", "DB_NAME|PGDATABASE|POSTGRES_DB|MYSQL_DATABASE|MONGO_INITDB_DATABASE", "shop‖shop_production‖orders-v2"),
    clean(
        "url",
        "BASE_URL|SITE_URL|API_URL|PUBLIC_URL|FRONTEND_URL",
        "https://shop.example.com/‖http://api.shop.svc.cluster.local:8000/v1‖https://example.com:8443/a/b?c=d#e",
    ),
    clean(
        "url-without",
        "DATABASE_URL|DB_URL|SQLALCHEMY_DATABASE_URI",
        "postgres://[[host]]:5432/shop‖postgres://shop@[[host]]/shop‖sqlite:////var/lib/shop/db.sqlite3‖mysql://db/shop?ssl=true",
    ),
    clean(
        "url-without",
        "REDIS_URL|BROKER_URL|CELERY_RESULT_BACKEND|MONGO_URL",
        "redis://redis:6379/0‖amqp://rabbitmq:5672//‖mongodb://mongo-0:27017,mongo-1:27017/shop?replicaSet=rs0‖db+postgresql://db/results‖sqs://",
    ),
    env(
        "url-reference",
        "DATABASE_URL|DB_URL",
        "postgres://$(DB_USER):$(DB_PASSWORD)@db/shop‖postgres://shop:${DB_PASSWORD}@db:5432/shop‖postgresql://{{ user }}:{{ password }}@db/shop‖postgres://shop:$DB_PASSWORD@db/shop",
    ),
    env(
        "url-reference",
        "REDIS_URL|AMQP_URL",
        "redis://:$(REDIS_PASSWORD)@redis:6379/0‖amqp://${RABBIT_USER}:${RABBIT_PASS}@rabbit:5672/‖redis://:%(password)s@redis/0‖rediss://default:{{ .Values.redis.password }}@redis:6380",
    ),
    clean(
        "url-at",
        "IMAGE_URL|PROFILE_URL|NPM_URL|AVATAR",
        "https://medium.example.com/@shop/post-1‖https://cdn.example.com/npm/vue@3.4.21/dist/vue.js‖https://example.com/users/a:b/c@d‖https://maps.example.com/@52.52,13.40,15z",
    ),
    clean(
        "url-token",
        "TOKEN_URL|OAUTH_TOKEN_URI|TOKEN_ENDPOINT|AUTH_URL|OIDC_OP_TOKEN_ENDPOINT|ACCESS_TOKEN_URL",
        "https://idp.example.com/oauth2/token‖https://login.example.com/realms/shop/protocol/openid-connect/token‖/oauth/token",
    ),
    clean(
        "url-token",
        "JWKS_URL|JWKS_URI|KEYS_URL|PUBLIC_KEY_URL|KEYCLOAK_URL|VAULT_ADDR",
        "https://idp.example.com/.well-known/jwks.json‖https://vault.example.com:8200‖https://keycloak.example.com/auth",
    ),
    clean(
        "dsn-public",
        "SENTRY_DSN|VITE_SENTRY_DSN",
        "https://[[hex:32]]@o[[digits:6]].ingest.sentry.io/[[digits:7]]‖https://[[hex:32]]@sentry.example.com/3‖https://public@sentry.example.com/1",
    ),
    clean(
        "jdbc",
        "JDBC_URL|SPRING_DATASOURCE_URL",
        "jdbc:postgresql://[[host]]:5432/shop‖jdbc:sqlserver://db:1433;databaseName=shop;encrypt=true‖jdbc:mysql://db:3306/shop?useSSL=true&serverTimezone=UTC‖jdbc:h2:mem:shop",
    ),
    // Names that promise a secret and keep something else.
    clean("policy", "PASSWORD_MIN_LENGTH|PASSWORD_MAX_AGE|PASSWORD_HISTORY|MAX_PASSWORD_ATTEMPTS", "12‖90‖5"),
    clean("policy", "PASSWORD_RESET_TIMEOUT|PASSWORD_RESET_TIMEOUT_DAYS|PASSWORD_EXPIRY_DAYS", "259200‖3‖3600"),
    clean("policy", "PASSWORD_POLICY|PASSWORD_STRENGTH|PASSWORD_COMPLEXITY", "strong‖length(12) and upperCase(1)‖medium"),
    clean(
        "policy",
        "PASSWORD_HASH_ALGORITHM|PASSWORD_ENCODER|PASSWORD_ENCRYPTION|password_encryption",
        "argon2id‖bcrypt‖scram-sha-256‖pbkdf2_sha256",
    ),
    clean(
        "policy",
        "PASSWORD_REQUIRED|USE_PASSWORD|ENABLE_PASSWORD_LOGIN|DISABLE_PASSWORD_AUTH|ALLOW_EMPTY_PASSWORD|PASSWORDLESS",
        "true‖false‖yes‖no‖1",
    ),
    clean("policy", "MYSQL_RANDOM_ROOT_PASSWORD|MYSQL_ALLOW_EMPTY_PASSWORD|MARIADB_AUTO_UPGRADE", "yes‖1‖true"),
    clean(
        "lifetime",
        "TOKEN_EXPIRY|TOKEN_TTL|ACCESS_TOKEN_LIFETIME|JWT_EXPIRATION|JWT_EXPIRES_IN|REFRESH_TOKEN_EXPIRE_DAYS|SESSION_KEY_TTL",
        "3600‖15m‖7d‖P1D‖86400‖30",
    ),
    clean(
        "lifetime",
        "SECRET_ROTATION_DAYS|KEY_ROTATION_PERIOD|ACCESS_KEY_ROTATION|SECRET_REFRESH_INTERVAL|TOKEN_REFRESH_SECONDS",
        "90‖720h‖30d‖60",
    ),
    clean(
        "mode",
        "AUTH_TYPE|AUTH_METHOD|AUTH_MODE|AUTH_BACKEND|AUTH_PROVIDER|DB_AUTH",
        "bearer‖ldap‖kubernetes‖oidc‖jwt‖basic‖token‖none‖trust",
    ),
    clean(
        "mode",
        "TOKEN_TYPE|TOKEN_FORMAT|AUTH_SCHEME|CREDENTIAL_TYPE",
        "Bearer‖JWT‖opaque‖Token‖urn:ietf:params:oauth:token-type:jwt",
    ),
    clean(
        "mode",
        "SASL_MECHANISM|KAFKA_SASL_MECHANISM|SECURITY_PROTOCOL|POSTGRES_HOST_AUTH_METHOD|TLS_KEY_EXCHANGE",
        "SCRAM-SHA-512‖PLAIN‖SASL_SSL‖md5‖ECDHE-RSA-AES256-GCM-SHA384",
    ),
    clean(
        "mode",
        "JWT_ALGORITHM|JWT_ALG|SIGNING_ALGORITHM|KEY_ALGORITHM|ENCRYPTION_ALGORITHM|KEY_TYPE|KEYSTORE_TYPE",
        "HS256‖RS256‖EdDSA‖AES256‖aws:kms‖PKCS12‖ecdsa-p256",
    ),
    clean(
        "claims",
        "JWT_ISSUER|JWT_AUDIENCE|TOKEN_AUDIENCE|JWT_AUTH_HEADER_PREFIX|TOKEN_SCOPES|OAUTH_SCOPE",
        "https://idp.example.com/‖shop-api‖JWT‖openid profile email‖read:orders write:orders",
    ),
    clean(
        "header",
        "API_KEY_HEADER|TOKEN_HEADER|AUTH_HEADER|CSRF_HEADER_NAME|JWT_HEADER|SECRET_HEADER_NAME",
        "X-API-Key‖Authorization‖HTTP_X_CSRFTOKEN‖X-Shop-Token",
    ),
    clean(
        "cookie",
        "SESSION_COOKIE_NAME|CSRF_COOKIE_NAME|AUTH_COOKIE|TOKEN_COOKIE_NAME|AUTH_COOKIE_DOMAIN",
        "sessionid‖csrftoken‖.example.com‖__Host-shop",
    ),
    clean(
        "cookie",
        "SESSION_COOKIE_SECURE|CSRF_COOKIE_HTTPONLY|AUTH_COOKIE_SAMESITE|COOKIE_SECRET_ENABLED",
        "True‖Lax‖false‖Strict",
    ),
    clean(
        "object-name",
        "SECRET_NAME|DB_SECRET_NAME|TLS_SECRET_NAME|WEBHOOK_SECRET_NAME|EXISTING_SECRET|existingSecret",
        "shop-secrets‖shop-db-credentials‖kserve-webhook-server-cert‖wildcard-example-com-tls‖regcred",
    ),
    clean(
        "object-name",
        "IMAGE_PULL_SECRET|IMAGE_PULL_SECRETS|TLS_SECRET|imagePullSecret|PULL_SECRET",
        "regcred‖ghcr-pull‖shop-tls‖regcred,ghcr",
    ),
    clean(
        "object-name",
        "SECRET_NAMESPACE|SECRETS_NAMESPACE|SECRET_LABEL_SELECTOR|SECRET_STORE|SECRETS_BACKEND|SECRET_PROVIDER",
        "shop‖vault‖aws-secrets-manager‖app=shop,tier=web‖kube-system",
    ),
    clean(
        "object-name",
        "SERVICE_ACCOUNT|SERVICE_ACCOUNT_NAME|CREDENTIALS_ID|credentialsId|CREDENTIAL_NAME|KEY_NAME|SSH_KEY_NAME",
        "shop-web‖github-app‖deploy-key-2024‖jenkins-docker-hub",
    ),
    clean(
        "key-of",
        "existingSecretPasswordKey|PASSWORD_KEY|SECRET_KEY_NAME|userPasswordKey|auth.secretKeys.adminPasswordKey|passwordSecretKey",
        "password‖postgres-password‖db-password‖admin-password",
    ),
    clean(
        "path",
        "PASSWORD_FILE|DB_PASSWORD_FILE|POSTGRES_PASSWORD_FILE|SECRET_KEY_FILE|TOKEN_FILE|API_KEY_FILE",
        "/run/secrets/db-password‖/etc/shop/secret_key‖./secrets/token.txt‖C:\\\\secrets\\\\token.txt‖/vault/secrets/db",
    ),
    clean(
        "path",
        "SSL_KEY|TLS_KEY|TLS_KEY_PATH|PRIVATE_KEY|SSL_KEY_FILE|KUBELET_CLIENT_KEY|OTEL_EXPORTER_OTLP_CLIENT_KEY",
        "/etc/tls/tls.key‖/kubewarden/certs/tls.key‖/etc/ssl/private/server.pem‖file:///etc/tls/tls.key",
    ),
    clean(
        "path",
        "GOOGLE_APPLICATION_CREDENTIALS|AWS_SHARED_CREDENTIALS_FILE|CREDENTIALS|KUBECONFIG|CREDENTIALS_PATH",
        "/var/secrets/google/key.json‖/root/.aws/credentials‖~/.kube/config‖config/credentials.yml.enc",
    ),
    clean(
        "path",
        "SECRETS_DIR|SECRETS_PATH|SECRETS_MOUNT|AWS_WEB_IDENTITY_TOKEN_FILE|TOKEN_PATH|SA_TOKEN",
        "/etc/secrets‖/var/run/secrets/kubernetes.io/serviceaccount/token‖/mnt/secrets-store‖/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
    ),
    clean(
        "path",
        "VAULT_SECRET_PATH|VAULT_PATH|SECRET_PATH|SSM_PATH|SECRETS_PREFIX",
        "secret/data/shop/db‖kv/shop/production‖/shop/prod/database‖shop/prod/",
    ),
    clean(
        "arn",
        "SECRET_ARN|DB_SECRET_ARN|KMS_KEY_ARN|AWS_ROLE_ARN|SECRETS_MANAGER_ARN",
        "arn:aws:secretsmanager:eu-west-1:[[digits:12]]:secret:shop/db-[[alnum:6]]‖arn:aws:kms:eu-west-1:[[digits:12]]:key/[[uuid]]‖arn:aws:iam::[[digits:12]]:role/shop-web",
    ),
    clean(
        "kms",
        "KMS_KEY_ID|AWS_KMS_KEY_ID|ENCRYPTION_KEY_ID|SIGNING_KEY_ID|KMS_KEY",
        "[[uuid]]‖alias/shop‖projects/shop/locations/eu/keyRings/shop/cryptoKeys/db‖mrk-[[hex:32]]",
    ),
    clean(
        "kms",
        "KEY_VAULT_NAME|KEYVAULT_URL|KEY_VAULT_URI|AZURE_KEYVAULT_NAME",
        "shop-prod-kv‖https://shop-prod.vault.azure.net/",
    ),
    clean(
        "cache-key",
        "KEY_PREFIX|CACHE_KEY_PREFIX|REDIS_KEY_PREFIX|CACHES_KEY_PREFIX|SESSION_KEY_PREFIX|TOKEN_PREFIX",
        "shop:‖shop:v2:‖prod_shop_‖sess:",
    ),
    clean(
        "cache-key",
        "CACHE_KEY|REDIS_KEY|QUEUE_KEY|LOCK_KEY|RATE_LIMIT_KEY",
        "products:list:v2‖queue:emails‖shop:lock:migrate‖user_or_ip",
    ),
    clean(
        "other-key",
        "PRIMARY_KEY|PARTITION_KEY|SORT_KEY|FOREIGN_KEY|HASH_KEY|SHARD_KEY|RANGE_KEY",
        "id‖tenant_id‖created_at‖/tenantId‖orderId",
    ),
    clean(
        "other-key",
        "ROUTING_KEY|RABBITMQ_ROUTING_KEY|BINDING_KEY|MESSAGE_KEY|EVENT_KEY",
        "orders.created‖shop.events.#‖order-id‖*.invoice.*",
    ),
    clean(
        "other-key",
        "LABEL_KEY|TOPOLOGY_KEY|ANNOTATION_KEY|TAINT_KEY|NODE_LABEL_KEY|topologyKey",
        "app.kubernetes.io/name‖topology.kubernetes.io/zone‖kubernetes.io/hostname‖node-role.kubernetes.io/control-plane",
    ),
    clean(
        "other-key",
        "S3_KEY|OBJECT_KEY|BLOB_KEY|STATE_KEY|S3_KEY_PREFIX|BACKUP_KEY",
        "backups/2024/db.sql.gz‖exports/report.csv‖prod/terraform.tfstate‖media/",
    ),
    clean(
        "other-key",
        "I18N_KEY|TRANSLATION_KEY|FEATURE_KEY|FLAG_KEY|SETTING_KEY|METRIC_KEY",
        "messages.checkout.title‖new-checkout‖shop.http.requests‖enable_beta_search",
    ),
    clean("other-key", "HOTKEY|KEYMAP|KEYBOARD_LAYOUT|KEYBINDING|KEY_EVENT", "ctrl+k‖us-intl‖vim‖keydown"),
    clean(
        "other-key",
        "KEY_SIZE|KEY_LENGTH|RSA_KEY_BITS|KEY_VERSION|ENCRYPTION_KEY_VERSION|KEYS_PER_PAGE",
        "2048‖4096‖3‖256‖v2",
    ),
    clean(
        "other-key",
        "KEYSPACE|CASSANDRA_KEYSPACE|KEYWORDS|KEYFRAME_INTERVAL|MONKEY|TURKEY_REGION|KEYCLOAK_REALM",
        "shop‖django,shop,checkout‖60‖shop-prod",
    ),
    clean(
        "tokens-of-text",
        "MAX_TOKENS|NUM_TOKENS|MAX_TOTAL_TOKENS|TOKEN_LIMIT|TOKENS_PER_MINUTE|TOKEN_BUCKET_SIZE",
        "4096‖2048‖100000‖500",
    ),
    clean(
        "tokens-of-text",
        "TOKENIZER|TOKENIZER_NAME|TOKENIZERS_PARALLELISM|TOKENIZER_PATH",
        "bert-base-uncased‖meta-llama/Llama-3.1-8B-Instruct‖false‖/models/tokenizer.json",
    ),
    env("tokens-of-text", "PAD_TOKEN|EOS_TOKEN|BOS_TOKEN|STOP_TOKEN|MASK_TOKEN", "<pad>‖</s>‖<|endoftext|>‖[MASK]‖<s>"),
    clean(
        "tokens-of-money",
        "TOKEN_SYMBOL|TOKEN_NAME|TOKEN_DECIMALS|TOKEN_ADDRESS|TOKEN_CONTRACT_ADDRESS",
        "USDC‖Shop Coin‖18‖0x[[hex:40]]",
    ),
    clean("wallet", "CONTRACT_ADDRESS|WALLET_ADDRESS|ETH_ADDRESS|TREASURY", "0x[[hex:40]]‖bc1q[[lower:38]]"),
    clean(
        "switch",
        "AUTH_ENABLED|REDIS_AUTH_ENABLED|API_KEYS_ENABLED|SECRETS_ENABLED|HAS_SECRET|CORS_ALLOW_CREDENTIALS|CREATE_SECRET",
        "true‖false‖1‖0‖on",
    ),
    clean(
        "switch",
        "APIKEY_VALIDATION|SECRET_SCANNING|TOKEN_REVIEW|PASSWORD_CHECK|CREDENTIALS_MODE|TOKEN_AUTH",
        "strict‖enabled‖disabled‖include‖same-origin‖required",
    ),
    clean(
        "auth-other",
        "AUTH_USER_MODEL|AUTH_PASSWORD_VALIDATORS|AUTHOR|AUTHORITY|AUTHENTICATION_TIMEOUT|OAUTH_CALLBACK",
        "accounts.User‖[]‖Shop Team‖https://login.example.com/common‖30‖/accounts/callback/",
    ),
    clean(
        "pass-other",
        "PASS_THROUGH|BYPASS_CACHE|COMPASS_URL|PASSIVE_MODE|PASSENGER_APP_ENV|PROXY_PASS|PASS_COUNT",
        "true‖1‖http://compass:3030‖off‖production‖http://upstream:8080‖3",
    ),
    clean(
        "secret-other",
        "SECRETARY_EMAIL|SECRET_SANTA_ENABLED|SECRETS_MANAGER_REGION|SECRET_TYPE|SECRET_VERSION|SECRET_ENGINE",
        "office@example.com‖true‖eu-west-1‖Opaque‖AWSCURRENT‖kv-v2‖latest",
    ),
    // Identifiers that are public.
    clean("client-id", "CLIENT_ID|OAUTH_CLIENT_ID|AZURE_CLIENT_ID|AZURE_TENANT_ID|ARM_SUBSCRIPTION_ID|TENANT_ID", "[[uuid]]"),
    clean(
        "client-id",
        "GOOGLE_CLIENT_ID|SOCIAL_AUTH_GOOGLE_OAUTH2_KEY",
        "[[digits:12]]-[[lower:32]].apps.googleusercontent.com",
    ),
    clean("client-id", "GITHUB_CLIENT_ID|GITHUB_APP_CLIENT_ID", "Iv1.[[hex:16]]‖Iv23li[[alnum:14]]‖Ov23li[[alnum:14]]"),
    clean(
        "client-id",
        "COGNITO_CLIENT_ID|USER_POOL_CLIENT_ID|AUTH0_CLIENT_ID|OKTA_CLIENT_ID",
        "[[lower:26]]‖[[alnum:32]]‖0oa[[alnum:17]]",
    ),
    clean(
        "client-id",
        "COGNITO_USER_POOL_ID|COGNITO_IDENTITY_POOL_ID|ACCESS_POLICY_ID",
        "eu-west-1_[[alnum:9]]‖eu-west-1:[[uuid]]‖[[uuid]]",
    ),
    clean(
        "public-key-id",
        "STRIPE_PUBLISHABLE_KEY|STRIPE_PUBLIC_KEY|VITE_STRIPE_KEY|PAYMENT",
        "pk_live_[[alnum:24]]‖pk_live_51[[alnum:97]]‖pk_test_51[[alnum:97]]",
    ),
    clean(
        "public-key-id",
        "RECAPTCHA_SITE_KEY|RECAPTCHA_PUBLIC_KEY|HCAPTCHA_SITEKEY|TURNSTILE_SITE_KEY",
        "6L[[url64:38]]‖[[uuid]]‖0x4AAAAAA[[url64:14]]",
    ),
    clean(
        "public-key-id",
        "VAPID_PUBLIC_KEY|WG_PUBLIC_KEY|COSIGN_PUBLIC_KEY|PUSH_PUBLIC_KEY|MINISIGN_PUBKEY",
        "B[[url64:86]]‖[[rand64:32]]‖RWQ[[base64:53]]",
    ),
    clean(
        "account",
        "TWILIO_ACCOUNT_SID|TWILIO_MESSAGING_SERVICE_SID|STRIPE_ACCOUNT_ID|STRIPE_PRICE_ID|STRIPE_PRODUCT",
        "AC[[hex:32]]‖MG[[hex:32]]‖acct_[[alnum:16]]‖price_1[[alnum:23]]‖prod_[[alnum:14]]",
    ),
    clean(
        "account",
        "AWS_ACCOUNT_ID|PROJECT_ID|GCP_PROJECT_NUMBER|ORG_ID|GITHUB_APP_ID|GITHUB_INSTALLATION_ID",
        "[[digits:12]]‖shop-prod-[[digits:6]]‖[[digits:8]]",
    ),
    clean(
        "account",
        "SLACK_CHANNEL|SLACK_CHANNEL_ID|DISCORD_GUILD_ID|TELEGRAM_CHAT_ID|SLACK_TEAM",
        "#alerts‖C0[[upper:9]]‖[[digits:19]]‖-100[[digits:10]]‖T0[[upper:9]]",
    ),
    clean(
        "account",
        "GA_MEASUREMENT_ID|GOOGLE_ANALYTICS_ID|GTM_ID|FACEBOOK_APP_ID|FIREBASE_APP_ID|HOTJAR_ID",
        "G-[[upper:10]]‖UA-[[digits:8]]-1‖GTM-[[upper:7]]‖[[digits:16]]‖1:[[digits:12]]:web:[[hex:22]]",
    ),
    clean(
        "account",
        "ALGOLIA_APP_ID|ALGOLIA_APPLICATION_ID|DD_SITE|NEW_RELIC_ACCOUNT_ID|LAUNCHDARKLY_CLIENT_SIDE_ID",
        "[[upper:10]]‖datadoghq.eu‖[[digits:7]]‖[[hex:24]]",
    ),
    clean(
        "identifier",
        "REQUEST_ID|CORRELATION_ID|TRACE_ID|SPAN_ID|TRACEPARENT|INSTANCE_ID|RUN_ID",
        "[[uuid]]‖[[hex:32]]‖00-[[hex:32]]-[[hex:16]]-01‖01[[base32:24]]‖i-0[[hex:17]]",
    ),
    clean(
        "identifier",
        "CLUSTER_ID|KAFKA_CLUSTER_ID|MACHINE_ID|CONTAINER_ID|NODE_ID|DEVICE_ID|ELASTIC_CLUSTER_UUID",
        "[[url64:22]]‖[[hex:32]]‖[[hex:64]]‖[[uuid]]",
    ),
    clean(
        "identifier",
        "POD_NAME|HOSTNAME|POD_UID|REPLICA_SET",
        "web-[[lower:9]]-[[lower:5]]‖[[uuid]]‖shop-worker-[[lower:10]]",
    ),
    clean(
        "identifier",
        "VPC_ID|SUBNET_IDS|SECURITY_GROUP|AMI_ID|HOSTED_ZONE_ID",
        "vpc-0[[hex:16]]‖subnet-0[[hex:16]],subnet-0[[hex:16]]‖sg-0[[hex:16]]‖ami-0[[hex:16]]‖Z0[[upper:19]]",
    ),
    // Hashes.
    clean(
        "hash",
        "GIT_SHA|GIT_COMMIT|COMMIT_SHA|SOURCE_VERSION|HEROKU_SLUG_COMMIT|REVISION|VCS_REF",
        "[[hex:40]]‖[[hex:7]]‖[[hex:12]]‖[[hex:40]]",
    ),
    clean("hash", "IMAGE_DIGEST|DIGEST|CONTENT_DIGEST|LAYER", "sha256:[[hex:64]]‖sha512:[[hex:128]]"),
    clean(
        "hash",
        "PYTHON_SHA256|CHECKSUM|MD5SUM|FILE_HASH|CONFIG_HASH|SHA1|DOWNLOAD_SHA512",
        "[[hex:64]]‖[[hex:32]]‖[[hex:40]]‖[[hex:128]]",
    ),
    clean(
        "hash",
        "ETAG|CACHE_BUSTER|BUILD_HASH|ASSET_VERSION|STATIC_VERSION|BUILD_ID",
        "\\\"[[hex:32]]\\\"‖[[hex:8]]‖20241103T[[digits:6]]Z-[[hex:12]]‖[[hex:20]]",
    ),
    clean(
        "hash",
        "GPG_KEY|GPG_FINGERPRINT|KEY_FINGERPRINT|SSH_FINGERPRINT|CERT_FINGERPRINT|TLS_THUMBPRINT",
        "[[HEX:40]]‖SHA256:[[base64:43]]‖[[HEX:40]]",
    ),
    clean(
        "hash",
        "CA_CERT_HASH|DISCOVERY_TOKEN_CA_CERT_HASH|SRI|SCRIPT_INTEGRITY|CSP_SCRIPT_SRC",
        "sha256:[[hex:64]]‖sha384-[[base64:64]]‖'sha256-[[base64:43]]='",
    ),
    clean(
        "image",
        "IMAGE|SIDECAR_IMAGE|RUNNER_IMAGE|BASE_IMAGE|INIT_IMAGE",
        "ghcr.io/example/shop:1.4.2‖registry.example.com:5000/shop/web@sha256:[[hex:64]]‖[[digits:12]].dkr.ecr.eu-west-1.amazonaws.com/shop:main-[[hex:7]]‖nginx:1.27-alpine",
    ),
    // Lists and texts.
    clean(
        "flags",
        "FEATURE_FLAGS|ENABLED_FEATURES|FEATURES|EXPERIMENTS",
        "new-checkout,beta-search,dark-mode‖SearchV2=true,CheckoutV3=false‖auth.passwordless,auth.tokens,billing.secrets‖a/b:50,c/d:10",
    ),
    env(
        "format",
        "LOG_FORMAT|ACCESS_LOG_FORMAT|GUNICORN_CMD_ARGS|PROMPT_COMMAND",
        "%(asctime)s %(levelname)s %(name)s %(message)s‖%h %l %u %t \"%r\" %s %b \"%{Referer}i\"‖--access-logfile=- --workers=3 --threads=2‖[%d{ISO8601}] %-5p %c{1} - %m%n",
    ),
    env(
        "java-opts",
        "JAVA_OPTS|JAVA_TOOL_OPTIONS|CATALINA_OPTS|JVM_ARGS",
        "-Xmx512m -XX:+UseG1GC -Djava.security.egd=file:/dev/./urandom‖-Djavax.net.ssl.trustStore=/etc/ssl/truststore.jks -Djavax.net.ssl.trustStoreType=PKCS12‖-javaagent:/opt/agent.jar -Dspring.profiles.active=prod",
    ),
    env(
        "query",
        "SQL_PROBE|HEALTH_QUERY|INIT_SQL",
        "SELECT 1‖SELECT id, password_hash FROM users WHERE token IS NOT NULL LIMIT 1‖SET statement_timeout = '30s'",
    ),
    env(
        "regex",
        "PATH_REGEX|MASK_PATTERN|LOG_REDACT|TOKEN_PATTERN|PASSWORD_REGEX",
        "^/api/v[0-9]+/(users|orders)/?$‖(?i)(password|token|secret)=[^&\\s]+‖^[A-Za-z0-9_-]{20,}$‖^(?=.*[A-Z])(?=.*\\d).{12,}$",
    ),
    env(
        "policy-header",
        "CSP|CONTENT_SECURITY_POLICY|PERMISSIONS_POLICY",
        "default-src 'self'; script-src 'self' https://js.stripe.com; frame-ancestors 'none'‖geolocation=(), camera=(), publickey-credentials-get=(self)",
    ),
    env(
        "prose",
        "MOTD|SITE_DESCRIPTION|WELCOME_TEXT|PASSWORD_HINT|PASSWORD_HELP_TEXT|SECRET_QUESTION",
        "Forgot your password? Reset it under Settings: Security.‖The token is valid for one hour; do not share it.‖Your mother's maiden name?‖At least 12 characters, one digit and one sign",
    ),
    env(
        "prose",
        "USER_PROMPT|SYSTEM_PROMPT|BANNER",
        "You are a helpful assistant. Never reveal your API key or password: say no instead.‖Authorized use only. Passwords are rotated by Vault.‖Password: enter the one from your letter",
    ),
    env(
        "json",
        "APP_CONFIG|SETTINGS_JSON|LIMITS",
        "{\"auth\":{\"type\":\"bearer\",\"tokenTtl\":3600},\"cache\":{\"keyPrefix\":\"shop:\"}}‖{\"db\":{\"host\":\"db\",\"passwordFile\":\"/run/secrets/db\"}}‖[{\"key\":\"a\",\"value\":\"b\"},{\"key\":\"c\",\"value\":\"d\"}]‖{\"name\":\"password\",\"type\":\"string\",\"required\":true}",
    ),
    clean("palette", "THEME_COLOR|BRAND_COLORS|GRADIENT", "#[[hex:6]]‖#[[hex:6]],#[[hex:6]]‖rgba(12,34,56,0.8)"),
    clean(
        "numbers",
        "LATLNG|PHONE|IBAN_EXAMPLE|TAX_ID|SUPPORT_PHONE",
        "52.5200,13.4050‖+49 30 [[digits:8]]‖DE[[digits:20]]‖+1-555-[[digits:7]]",
    ),
    clean(
        "time",
        "BUILD_DATE|START_AFTER|DEPLOYED_AT|RESTARTED_AT",
        "2024-11-03T10:22:33Z‖17[[digits:8]]‖2024-11-03 10:22:33+00:00",
    ),
    clean(
        "long-words",
        "ENUM_VALUE|STRATEGY|QUEUE_NAME|TOPIC|CONSUMER_GROUP|INDEX_NAME",
        "THIS_IS_A_VERY_LONG_ENUMERATION_VALUE_NAME‖shop-frontend-canary-deployment-2024-11‖OrderCreatedEventHandlerFactoryBean‖com.example.shop.orders.v2.created‖logs-shop-production-000042",
    ),
    clean(
        "bucket",
        "AWS_STORAGE_BUCKET_NAME|S3_BUCKET|BACKUP_BUCKET|STORAGE_URI|GCS_BUCKET",
        "shop-media-prod-eu-west-1‖s3://shop-backups/postgres‖gs://shop-exports-[[digits:6]]‖hf://google/gemma-2-9b-it",
    ),
    clean(
        "endpoint",
        "S3_ENDPOINT_URL|AWS_S3_CUSTOM_DOMAIN|SQS_QUEUE_URL|CDN|OTEL_EXPORTER_OTLP_ENDPOINT",
        "https://s3.eu-west-1.amazonaws.com‖d[[lower:13]].cloudfront.net‖https://sqs.eu-west-1.amazonaws.com/[[digits:12]]/shop‖http://otel-collector.monitoring:4317",
    ),
    // References, under names that promise a secret.
    env(
        "reference",
        "DB_PASSWORD|API_KEY|SECRET_KEY|AUTH_TOKEN",
        "$(DB_PASSWORD)‖${DB_PASSWORD}‖$DB_PASSWORD‖${DB_PASSWORD:?must be set}‖$(echo)‖${file:/etc/shop/db:password}",
    ),
    env(
        "reference",
        "DB_PASSWORD|API_KEY|SECRET_KEY|AUTH_TOKEN",
        "{{ .Values.db.password }}‖{{ db_password }}‖{{ vault_db_password | default('') }}‖{{ lookup('env', 'DB_PASSWORD') }}‖{{- with secret \"database/creds/shop\" }}{{ .Data.password }}{{ end }}",
    ),
    env(
        "reference",
        "DB_PASSWORD|API_KEY|SECRET_KEY|AUTH_TOKEN",
        "%DB_PASSWORD%‖%(DB_PASSWORD)s‖%env(DB_PASSWORD)%‖<%= ENV['DB_PASSWORD'] %>‖#{DB_PASSWORD}#",
    ),
    env(
        "reference-manager",
        "DB_PASSWORD|API_KEY|SECRET_KEY|AUTH_TOKEN",
        "vault:secret/data/shop#DB_PASSWORD‖ref+vault://secret/shop#/password‖op://production/shop/password‖<path:secret/data/shop#password>‖arn:aws:secretsmanager:eu-west-1:[[digits:12]]:secret:shop/db-[[alnum:6]]",
    ),
    env(
        "reference-manager",
        "DB_PASSWORD|API_KEY|SECRET_KEY|AUTH_TOKEN",
        "@Microsoft.KeyVault(SecretUri=https://shop.vault.azure.net/secrets/db/[[hex:32]])‖{{resolve:secretsmanager:shop/db:SecretString:password}}‖gcp:secretmanager:projects/shop/secrets/db/versions/latest‖projects/[[digits:12]]/secrets/db/versions/3‖ssm:/shop/prod/db/password‖awssm://shop/db",
    ),
    env(
        "encrypted",
        "DB_PASSWORD|API_KEY|SECRET_KEY|AUTH_TOKEN",
        "ENC[AES256_GCM,data:[[base64:24]],iv:[[base64:43]]=,tag:[[base64:22]]==,type:str]‖ENC([[base64:44]])‖{cipher}[[hex:96]]",
    ),
    env(
        "code",
        "DB_PASSWORD|SECRET_KEY|API_KEY",
        "os.environ['DB_PASSWORD']‖env('SECRET_KEY')‖process.env.API_KEY‖file:///run/secrets/db‖env:DB_PASSWORD",
    ),
    env("empty", "DB_PASSWORD|SECRET_KEY|API_KEY|AUTH_TOKEN", "‖ ‖\"\"‖''‖null‖none‖undefined‖~"),
    // What is encoded or armoured, and no secret.
    env("certificate", "TLS_CERT|CA_BUNDLE|CLIENT_CERTIFICATE|SSL_CERT|IDP_CERT", "[[certificate]]"),
    env("certificate", "JWT_PUBLIC_KEY|PUBLIC_KEY|VERIFY_KEY|COSIGN_KEY|JWT_VERIFYING_KEY", "[[public-key]]"),
    env(
        "certificate",
        "SSH_PUBLIC_KEY|AUTHORIZED_KEYS|DEPLOY_KEY_PUB|SSH_KNOWN_HOSTS",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[[base64:43]] shop@example.com‖ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ[[base64:340]]== ci‖github.com ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABB[[base64:86]]=",
    ),
    env(
        "base64-text",
        "CONFIG_B64|BOOTSTRAP|USER_DATA|LOGGING_CONFIG_BASE64",
        "[[encode:debug = false\nlog_level = info\nworkers = 3\nbind = 0.0.0.0:8000\n]]‖[[encode:{\"replicas\": 3, \"strategy\": \"rolling\", \"paused\": false}]]‖[[encode:apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n]]‖[[encode:#cloud-config\npackages:\n  - nginx\n  - htop\n]]",
    ),
    env(
        "base64-text",
        "GREETING_B64|PAYLOAD|STATE",
        "[[encode:The quick brown fox jumps over the lazy dog]]‖[[encode:DB_PASSWORD=$(DB_PASSWORD) exec gunicorn shop.wsgi]]‖[[encode:user@example.com]]",
    ),
    env(
        "data-uri",
        "LOGO|FAVICON|PIXEL",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA[[base64:300]]=‖data:image/svg+xml;base64,[[encode:<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"8\" height=\"8\"></svg>]]",
    ),
    env(
        "license",
        "LICENSE_TEXT|COPYRIGHT",
        "Apache-2.0 OR MIT‖Copyright 2024 the Shop authors. SPDX-License-Identifier: Apache-2.0",
    ),
    // Annotations.
    note(
        "annotation",
        "checksum/config|checksum/secret|config-hash|kubectl.kubernetes.io/restartedAt|deployment.kubernetes.io/revision",
        "[[hex:64]]‖2024-11-03T10:22:33Z‖12",
    ),
    note(
        "annotation",
        "vault.hashicorp.com/agent-inject-secret-db|vault.hashicorp.com/role|vault.hashicorp.com/secret-volume-path",
        "secret/data/shop/db‖shop‖/vault/secrets",
    ),
    note(
        "annotation",
        "vault.hashicorp.com/agent-inject-template-db",
        "{{- with secret \"secret/data/shop/db\" -}}\nexport DB_PASSWORD=\"{{ .Data.data.password }}\"\n{{- end }}",
    ),
    note(
        "annotation",
        "nginx.ingress.kubernetes.io/auth-secret|nginx.ingress.kubernetes.io/auth-tls-secret|nginx.ingress.kubernetes.io/auth-url|nginx.ingress.kubernetes.io/auth-realm",
        "basic-auth‖shop/ca-secret‖https://auth.example.com/verify‖Authentication Required",
    ),
    note(
        "annotation",
        "reloader.stakater.com/auto|secret.reloader.stakater.com/reload|sealedsecrets.bitnami.com/cluster-wide|secrets.infisical.com/auto-reload",
        "true‖shop-db,shop-api",
    ),
    note(
        "annotation",
        "iam.amazonaws.com/role|eks.amazonaws.com/role-arn|iam.gke.io/gcp-service-account|azure.workload.identity/client-id",
        "arn:aws:iam::[[digits:12]]:role/shop‖shop@shop-prod.iam.gserviceaccount.com‖[[uuid]]",
    ),
    note(
        "annotation",
        "container.apparmor.security.beta.kubernetes.io/web|seccomp.security.alpha.kubernetes.io/pod|prometheus.io/path|linkerd.io/inject",
        "runtime/default‖/metrics‖enabled",
    ),
    note(
        "annotation",
        "meta.helm.sh/release-name|argocd.argoproj.io/tracking-id|kustomize.toolkit.fluxcd.io/checksum|image.openshift.io/triggers",
        "shop‖shop:apps/Deployment:shop/web‖[[hex:40]]‖[{\"from\":{\"kind\":\"ImageStreamTag\",\"name\":\"shop:latest\"}}]",
    ),
    Line::new(
        "header",
        None,
        "Accept|User-Agent|X-Forwarded-Proto|Host|X-Request-Id|Content-Type",
        "application/json‖kube-probe/1.30‖https‖shop.example.com‖[[uuid]]‖text/html; charset=utf-8",
        HEADER,
        6,
    ),
    Line::new(
        "header",
        None,
        "Authorization|X-API-Key|Cookie",
        "Bearer $(TOKEN)‖Bearer ${API_TOKEN}‖Basic {{ auth }}‖Bearer‖$(API_KEY)",
        HEADER,
        5,
    ),
    // Commands.
    command("command", "gunicorn¦shop.wsgi:application¦--bind=0.0.0.0:8000¦--workers=3¦--forwarded-allow-ips=10.0.0.0/8"),
    command("command", "celery¦-A¦shop¦worker¦-l¦info¦-Q¦default,emails¦--concurrency=4¦-P¦prefork"),
    command("command", "python¦manage.py¦migrate¦--noinput¦--settings=shop.settings.production"),
    command("command", "python¦manage.py¦test¦-p¦test_*.py¦--parallel¦4"),
    command("command", "sh¦-c¦mkdir -p /data/media && exec gunicorn -c /etc/gunicorn.conf.py shop.wsgi"),
    command("command", "mysql¦-u¦root¦-p$(MYSQL_ROOT_PASSWORD)¦shop"),
    command("command", "sh¦-c¦mysql -uroot -p\"$MYSQL_ROOT_PASSWORD\" -P 3306 -h db shop < /init.sql"),
    command("command", "sh¦-c¦mysqladmin ping -h localhost -u root -p${MYSQL_ROOT_PASSWORD}"),
    command("command", "redis-server¦--requirepass¦$(REDIS_PASSWORD)¦--appendonly¦yes"),
    command("command", "sh¦-c¦redis-cli -a \"$REDIS_PASSWORD\" --no-auth-warning ping"),
    command("command", "redis-cli¦-h¦cache¦-p¦6379¦ping"),
    command("command", "sh¦-c¦PGPASSWORD=\"$DB_PASSWORD\" psql -h db -U shop -c 'select 1'"),
    command("command", "sh¦-c¦export PGPASSWORD=$(cat /run/secrets/db); pg_dump -h db shop"),
    command("command", "sh¦-c¦curl -fsS -H \"Authorization: Bearer $TOKEN\" https://api.example.com/ping"),
    command(
        "command",
        "sh¦-c¦TOKEN=$(cat /var/run/secrets/kubernetes.io/serviceaccount/token); curl -k -H \"Authorization: Bearer ${TOKEN}\" https://kubernetes/api",
    ),
    command("command", "sh¦-c¦curl -u \"$USER:$PASS\" https://api.example.com"),
    command("command", "curl¦-X¦POST¦-H¦Content-Type: application/json¦-d¦{\"ok\":true}¦http://localhost:8080/hook"),
    command("command", "sh¦-c¦echo \"$REGISTRY_PASSWORD\" | docker login -u ci --password-stdin registry.example.com"),
    command("command", "sh¦-c¦vault kv get -field=password secret/shop > /run/db && chmod 0400 /run/db"),
    command("command", "sh¦-c¦openssl rand -base64 32 > /run/key; openssl x509 -in /tls/tls.crt -noout -dates"),
    command("command", "kubectl¦create¦secret¦generic¦shop¦--from-file=password=/run/secrets/db"),
    command("command", "sh¦-c¦kubectl get secret shop-db -o jsonpath='{.data.password}' | base64 -d > /run/db"),
    command("command", "vault¦agent¦-config=/etc/vault/agent.hcl¦-log-level=info"),
    command(
        "command",
        "oauth2-proxy¦--cookie-secret-file=/etc/secrets/cookie¦--client-id=shop¦--cookie-secure=true¦--cookie-name=_oauth2",
    ),
    command(
        "command",
        "kube-apiserver¦--service-account-key-file=/etc/kubernetes/pki/sa.pub¦--tls-private-key-file=/etc/kubernetes/pki/apiserver.key¦--enable-bootstrap-token-auth=true¦--token-auth-file=/etc/tokens.csv",
    ),
    command(
        "command",
        "prometheus¦--config.file=/etc/prometheus/prometheus.yml¦--storage.tsdb.retention.time=15d¦--web.enable-lifecycle",
    ),
    command(
        "command",
        "controller¦--leader-elect¦--secret-name=webhook-cert¦--secret-namespace=shop¦--token-ttl=15m¦--auth-mode=kubernetes¦--key-rotation=720h",
    ),
    command(
        "command",
        "app¦--password-file=/run/secrets/db¦--token-path¦/var/run/token¦--api-key-env¦API_KEY¦--secret-ref=shop-db",
    ),
    command("command", "app¦--password¦$(DB_PASSWORD)¦--token=$(API_TOKEN)¦--secret-key=${SECRET_KEY}"),
    command("command", "java¦-Xmx512m¦-Dspring.datasource.password=${DB_PASSWORD}¦-jar¦app.jar"),
    command("command", "tar¦-xpzf¦/backup/shop.tgz¦-C¦/data"),
    command("command", "ssh-keygen¦-t¦ed25519¦-f¦/tmp/key¦-N¦¦-q"),
    command("command", "sh¦-c¦ssh -p 2222 -i /keys/id_ed25519 deploy@10.0.0.3 uptime"),
    command("command", "sh¦-c¦: ${DB_PASSWORD:?must be set} ${SECRET_KEY:?must be set} && exec python -m shop"),
    command("command", "sh¦-c¦if [ -z \"$DB_PASSWORD\" ]; then echo 'DB_PASSWORD is not set' >&2; exit 1; fi"),
    command("command", "sh¦-c¦read -rs PASSWORD < /run/secrets/db && export PASSWORD && exec app"),
    command("command", "sh¦-c¦sed -i \"s/__PASSWORD__/$DB_PASSWORD/\" /etc/app.conf && app"),
    command("command", "nginx¦-g¦daemon off;"),
    command("command", "etcdctl¦--endpoints=https://etcd:2379¦--cacert=/pki/ca.crt¦--key=/pki/client.key¦endpoint¦health"),
    command("command", "git¦clone¦--depth=1¦git@github.com:example/shop.git¦/src"),
    command(
        "command",
        "sh¦-c¦apk add --no-cache curl && curl -sSfL https://example.com/install.sh | sh -s -- -b /usr/local/bin v1.2.3",
    ),
    command("command", "sh¦-c¦echo [[hex:64]]  app.tgz | sha256sum -c -"),
    command("command", "kubeadm¦join¦10.0.0.1:6443¦--discovery-token-ca-cert-hash¦sha256:[[hex:64]]¦--node-name¦web-1"),
    // Words beside the noun that make it something else.
    clean(
        "about-field",
        "PASSWORD_FIELD|PASSWORD_COLUMN|OAUTH_TOKEN_NAME|API_KEY_PARAM|SECRET_ENV_VAR|TOKEN_QUERY_PARAM",
        "passwd‖password_hash‖access_token‖key‖api_key",
    ),
    clean(
        "about-number",
        "SECRET_KEY_LENGTH|SALT_LENGTH|HASH_SALT_ROUNDS|BCRYPT_ROUNDS|JWT_LEEWAY|SESSION_COOKIE_AGE|TOKEN_WINDOW",
        "50‖16‖12‖1209600",
    ),
    clean(
        "about-grant",
        "GRANT_TYPES|OAUTH_GRANT_TYPE|RESPONSE_TYPE|OIDC_RESPONSE_TYPE|PASSWORD_GRANT",
        "password,refresh_token‖client_credentials‖code id_token‖authorization_code",
    ),
    clean(
        "about-method",
        "TOKEN_ENDPOINT_AUTH_METHOD|CLIENT_AUTH_METHOD|OIDC_CLIENT_AUTHENTICATION|SIGNING_METHOD|ID_TOKEN_SIGNED_RESPONSE_ALG",
        "client_secret_basic‖client_secret_post‖private_key_jwt‖RS256‖none",
    ),
    clean(
        "about-command",
        "PASSWORD_COMMAND|GIT_ASKPASS|SSH_ASKPASS|SUDO_ASKPASS|SECRETS_COMMAND|TOKEN_COMMAND",
        "/usr/local/bin/askpass‖pass show shop/db‖vault-helper get‖/bin/echo",
    ),
    clean(
        "about-redaction",
        "KEYS_TO_REDACT|SENSITIVE_FIELDS|FILTER_PARAMETERS|LOG_REDACT_KEYS|HEADERS_TO_STRIP|SCRUB_FIELDS",
        "password,token,secret‖password, api_key, authorization‖Authorization,X-Api-Key,Cookie‖[\"password\",\"secret\"]",
    ),
    clean(
        "about-cors",
        "CORS_ALLOW_HEADERS|EXPOSE_HEADERS|ACCESS_CONTROL_ALLOW_HEADERS|ALLOWED_HEADERS",
        "authorization,x-api-key,content-type‖X-Auth-Token,X-Request-Id‖Content-Type, Authorization, X-CSRF-Token",
    ),
    clean(
        "about-cookie",
        "JWT_COOKIE|ACCESS_TOKEN_COOKIE|JWT_AUTH_COOKIE|JWT_AUTH_REFRESH_COOKIE|SESSION_COOKIE_DOMAIN",
        "access‖shop-auth‖refresh_token‖.example.com",
    ),
    clean(
        "service-env",
        "TOKEN_SERVICE_HOST|TOKEN_SERVICE_SERVICE_PORT|SECRET_SERVICE_URL|PASSWORD_SERVICE_ADDR|AUTH_TOKEN_SERVICE_PORT_8080_TCP",
        "10.96.14.7‖8080‖http://secret-service:8080‖passwordservice:8080‖tcp://10.96.14.7:8080",
    ),
    clean(
        "store",
        "KEYSTORE|TRUSTSTORE|KEYSTORE_LOCATION|KEYRING_BACKEND|PASSWORD_STORE_DIR|KEYDB_HOST",
        "/etc/ssl/keystore.jks‖classpath:truststore.p12‖keyring.backends.null.Keyring‖keydb.cache.svc",
    ),
    clean("seed", "SEED|RANDOM_SEED|PYTHONHASHSEED|SHUFFLE_SEED", "42‖[[digits:6]]‖random‖0"),
    clean(
        "attributes",
        "OTEL_RESOURCE_ATTRIBUTES|DD_TAGS|METRIC_LABELS|AWS_TAGS",
        "service.name=shop,k8s.pod.uid=[[uuid]]‖env:prod,team:shop,version:[[hex:7]]‖key=value,token_type=bearer",
    ),
    env(
        "attributes",
        "OTEL_EXPORTER_OTLP_HEADERS|EXTRA_HEADERS",
        "api-key=$(OTLP_KEY)‖authorization=Bearer%20$(TOKEN)‖x-scope-orgid=shop",
    ),
    // What begins as tokens do.
    clean(
        "looks-like",
        "CSS_CLASS|MODULE|CONFIG_KEY|CONTAINER",
        "sk-loading-spinner-container-inner-wrapper‖hf_config_for_local_development_only‖re_export_everything_from_this_module‖key-value-store-for-session-data-cache",
    ),
    clean(
        "looks-like",
        "PACKAGE|REPO|TOPIC",
        "npm_lifecycle_event_handlers_and_more_things‖ghp_is_a_prefix‖pypi-server-mirror-for-internal-packages-only‖xoxb-is-the-prefix-of-bot-tokens",
    ),
    clean(
        "looks-like",
        "SKU|PART_NUMBER|SERIAL|ORDER_PREFIX",
        "SK[[digits:10]]‖AC-[[digits:8]]‖AKIA-[[digits:4]]‖API-[[digits:4]]-[[digits:4]]",
    ),
    clean(
        "looks-like",
        "HOST_ALIAS|DOMAIN|S_HOST",
        "s.example.com‖hvs.example.org‖sg.example.com.sg‖pat.shop.svc.cluster.local‖ya29.example.com",
    ),
    env(
        "looks-like-jwt",
        "BOOT_CONFIG|STATE_B64|VIEW_STATE",
        "[[encode:{\"replicas\":3,\"strategy\":\"rolling\",\"paused\":false,\"revision\":12}]]‖[[encode:{\"typ\":\"config\",\"v\":1}]].[[encode:{\"a\":1}]]",
    ),
    // Addresses with signs in odd places.
    clean(
        "url-odd",
        "GIT_URL|REPO|REMOTE",
        "ssh://git@git.example.com:2222/shop/shop.git‖git@github.com:example/shop.git‖https://git@git.example.com/shop.git‖git+ssh://git@github.com/example/shop@v1.2.3",
    ),
    clean(
        "url-odd",
        "LINK|CONTACT_URL|SIP_URI|TARGET",
        "mailto:shop@example.com?subject=a:b‖sip:shop@sip.example.com:5060‖https://example.com:8080/?email=a@example.com‖http://[::1]:8080/a@b‖https://example.com/a?next=/b:c@d",
    ),
    clean(
        "url-odd",
        "FTP_URL|ARCHIVE|MIRROR",
        "ftp://anonymous@ftp.example.com/pub‖rsync://mirror.example.com:873/a‖oci://ghcr.io/example/charts/shop:1.2.3‖docker://nginx:1.27@sha256:[[hex:64]]",
    ),
    env(
        "url-odd-reference",
        "CLONE_URL|REPO_URL",
        "https://x-access-token:$(GITHUB_TOKEN)@github.com/example/shop.git‖https://oauth2:${CI_TOKEN}@gitlab.example.com/shop.git‖https://$(GIT_USER):$(GIT_TOKEN)@git.example.com/shop‖https://{user}:{password}@host/path",
    ),
    clean(
        "url-encoded",
        "CALLBACK|NEXT_URL|REDIRECT",
        "https%3A%2F%2Fexample.com%2Fcb%3Ftoken_type%3Dbearer‖https://example.com/login?next=%2Fa%2Fb%3Fpage%3D2‖%2Fpath%2Fto%2Ffile",
    ),
    clean(
        "url-query",
        "WEBHOOK|FEED|CALLBACK_URL",
        "https://example.com/cb?response_type=token&client_id=shop&scope=openid‖https://example.com/a?key=value&sort=asc‖https://example.com/search?q=password+reset&page=2‖https://example.com/v1?token_type=jwt&auth=none",
    ),
    clean(
        "telemetry",
        "APPLICATIONINSIGHTS_CONNECTION_STRING|TELEMETRY",
        "InstrumentationKey=[[uuid]];IngestionEndpoint=https://westeurope-1.in.applicationinsights.azure.com/",
    ),
    clean(
        "adonet",
        "ConnectionStrings__Default|DB_CONNECTION",
        "Server=db;Database=shop;Trusted_Connection=True;Encrypt=True‖Data Source=/var/lib/shop.db;Cache=Shared‖Server=tcp:shop.database.windows.net,1433;Authentication=Active Directory Managed Identity;Database=shop",
    ),
    // Encodings of public things.
    env(
        "encoded-public",
        "CA_BUNDLE_B64|TLS_CRT_B64|CA_CERT",
        "[[encode:-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ2VydGlmaWNhdGUgb2Ygbm8gb25l\n-----END CERTIFICATE-----\n]]‖[[encode:-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n]]",
    ),
    env(
        "encoded-public",
        "KUBECONFIG_B64|VALUES_B64|POLICY_B64",
        "[[encode:apiVersion: v1\nkind: Config\nclusters:\n- name: shop\n  cluster:\n    server: https://10.0.0.1:6443\nusers:\n- name: web\n  user:\n    tokenFile: /var/run/token\n]]‖[[encode:auth:\n  existingSecret: shop-db\n  password: \"\"\n]]‖H4sIAAAAAAAA/[[base64:300]]",
    ),
    // References again, as other tools write them.
    env(
        "reference-more",
        "DB_PASSWORD|API_KEY|AUTH_TOKEN|CLIENT_SECRET",
        "${{ secrets.DB_PASSWORD }}‖((db_password))‖${vault:secret/shop:password}‖{{env \"DB_PASSWORD\"}}‖$(cat /run/secrets/db)‖`cat /run/secrets/db`",
    ),
    env(
        "reference-more",
        "DB_PASSWORD|API_KEY|AUTH_TOKEN|CLIENT_SECRET",
        "os.getenv(\"DB_PASSWORD\")‖secrets.db_password‖var.db_password‖data.vault_generic_secret.db.data[\"password\"]‖random_password.db.result‖ENV[\"DB_PASSWORD\"]‖System.getenv(\"DB_PASSWORD\")",
    ),
    env(
        "reference-more",
        "DB_PASSWORD|API_KEY|AUTH_TOKEN|CLIENT_SECRET",
        "secretref:shop-db‖akv://shop/db‖aws-sm://shop/db#password‖k8s:secret/shop/db/password‖sops:secrets.yaml#db‖env://DB_PASSWORD‖azurekv://shop/db‖secret://shop/db",
    ),
    env(
        "json-empty",
        "CONFIG|SETTINGS",
        "{\"password\":null,\"token\":\"\"}‖{\"password\":{\"fromEnv\":\"DB_PASSWORD\"}}‖{\"auth\":{\"token\":false,\"secret\":0}}‖{\"secretName\":\"shop-db\",\"secretKey\":\"password\"}",
    ),
    env(
        "yaml-in-env",
        "CONFIG_YAML|VECTOR_CONFIG",
        "auth:\n  strategy: bearer\n  token: \"${TOKEN}\"\n  password: *db_password\n‖sinks:\n  out:\n    type: http\n    auth: {strategy: basic, user: shop, password: \"${PW}\"}\n",
    ),
    env(
        "public-hashes",
        "ADMIN_PASSWORD_HASH|HTPASSWD_HASH|TRAEFIK_HASH",
        "$2b$12$[[alnum:53]]‖$argon2id$v=19$m=65536,t=3,p=4$[[base64:22]]$[[base64:43]]‖pbkdf2_sha256$600000$[[alnum:22]]$[[base64:43]]=",
    ),
    // Commands again.
    command("command-more", "openssl¦req¦-x509¦-nodes¦-newkey¦rsa:2048¦-keyout¦/tls/tls.key¦-out¦/tls/tls.crt"),
    command("command-more", "curl¦--silent¦--cert¦/tls/tls.crt¦--key¦/tls/tls.key¦https://api.example.com/health"),
    command(
        "command-more",
        "sh¦-c¦aws secretsmanager get-secret-value --secret-id shop/db --query SecretString --output text > /run/db",
    ),
    command("command-more", "sh¦-c¦gcloud secrets versions access latest --secret=shop-db > /run/db"),
    command("command-more", "az¦keyvault¦secret¦show¦--vault-name¦shop¦--name¦db-password"),
    command("command-more", "argocd¦app¦sync¦shop¦--auth-token¦$(ARGOCD_TOKEN)"),
    command(
        "command-more",
        "sh¦-c¦kubectl create secret docker-registry regcred --docker-server=ghcr.io --docker-username=ci --docker-password=\"$TOKEN\"",
    ),
    command("command-more", "psql¦-h¦db¦-U¦shop¦-p¦5432¦-w¦-c¦select 1"),
    command("command-more", "ssh¦-p¦22¦-o¦PasswordAuthentication=no¦-o¦StrictHostKeyChecking=yes¦deploy@host"),
    command("command-more", "docker-entrypoint.sh¦postgres¦-c¦password_encryption=scram-sha-256¦-c¦ssl_key_file=/tls/tls.key"),
    command("command-more", "mysqld¦--default-authentication-plugin=caching_sha2_password¦--skip-name-resolve"),
    command("command-more", "minio¦server¦/data¦--console-address¦:9001"),
    command(
        "command-more",
        "controller¦--token-auth-ttl=1h¦--webhook-secret-name=shop-webhook¦--key-algorithm=ecdsa¦--tls-private-key-file=/tls/tls.key",
    ),
    command("command-more", "sh¦-c¦pg_isready -U \"$POSTGRES_USER\" -d \"$POSTGRES_DB\" || exit 1"),
    command("command-more", "python¦-c¦import secrets; print(secrets.token_urlsafe(32))"),
    command("command-more", "sh¦-c¦htpasswd -bc /etc/htpasswd \"$USER\" \"$PASSWORD\""),
    command("command-more", "node¦--max-old-space-size=512¦--inspect=0.0.0.0:9229¦dist/server.js"),
    command("command-more", "loki¦-config.file=/etc/loki/loki.yaml¦-auth.multitenant-enabled=false"),
    // Files.
    file(
        "file-nginx",
        "nginx.conf",
        "server {\n  listen 8080;\n  location / {\n    proxy_pass http://web:8000;\n    proxy_set_header Authorization $http_authorization;\n    auth_basic \"Restricted\";\n    auth_basic_user_file /etc/nginx/.htpasswd;\n  }\n  ssl_certificate_key /etc/tls/tls.key;\n  ssl_password_file /etc/tls/pass;\n}\n",
    ),
    file(
        "file-prometheus",
        "prometheus.yml",
        "global:\n  scrape_interval: 15s\nscrape_configs:\n  - job_name: kubernetes-pods\n    bearer_token_file: /var/run/secrets/kubernetes.io/serviceaccount/token\n    basic_auth:\n      username: scrape\n      password_file: /etc/prometheus/password\n    relabel_configs:\n      - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape]\n        action: keep\n        regex: true\n",
    ),
    file(
        "file-alert",
        "alertmanager.yml",
        "global:\n  smtp_auth_password_file: /etc/alertmanager/smtp\n  slack_api_url_file: /etc/alertmanager/slack\nroute:\n  receiver: mail\n  group_by: [alertname, namespace]\n",
    ),
    file(
        "file-django",
        "settings.py",
        "import os\n\nSECRET_KEY = os.environ[\"SECRET_KEY\"]\nDATABASES = {\n    \"default\": {\n        \"ENGINE\": \"django.db.backends.postgresql\",\n        \"NAME\": \"shop\",\n        \"USER\": os.environ.get(\"DB_USER\", \"shop\"),\n        \"PASSWORD\": os.environ[\"DB_PASSWORD\"],\n    }\n}\nAUTH_PASSWORD_VALIDATORS = [\n    {\"NAME\": \"django.contrib.auth.password_validation.MinimumLengthValidator\", \"OPTIONS\": {\"min_length\": 12}},\n]\nPASSWORD_RESET_TIMEOUT = 3600\nCSRF_COOKIE_NAME = \"csrftoken\"\nSESSION_COOKIE_SECURE = True\n",
    ),
    file(
        "file-django",
        "settings.py",
        "import environ\n\nenv = environ.Env(DEBUG=(bool, False))\nSECRET_KEY = env('SECRET_KEY')\nDATABASES = {'default': env.db()}\nEMAIL_HOST_PASSWORD = env.str('EMAIL_HOST_PASSWORD', default='')\nSIMPLE_JWT = {\n    'ACCESS_TOKEN_LIFETIME': timedelta(minutes=5),\n    'SIGNING_KEY': SECRET_KEY,\n    'AUTH_HEADER_TYPES': ('Bearer',),\n    'USER_ID_CLAIM': 'user_id',\n    'TOKEN_TYPE_CLAIM': 'token_type',\n}\n",
    ),
    file(
        "file-django",
        "settings.py",
        "from decouple import config\n\nSECRET_KEY = config('SECRET_KEY')\nSTRIPE_PUBLIC_KEY = config('STRIPE_PUBLIC_KEY')\nAWS_SECRET_ACCESS_KEY = config(\"AWS_SECRET_ACCESS_KEY\", default=None)\nREST_FRAMEWORK = {\n    'DEFAULT_AUTHENTICATION_CLASSES': ['rest_framework.authentication.TokenAuthentication'],\n}\nCACHES = {'default': {'KEY_PREFIX': 'shop', 'LOCATION': f\"redis://:{config('REDIS_PASSWORD')}@redis/0\"}}\n",
    ),
    file(
        "file-spring",
        "application.yml",
        "spring:\n  datasource:\n    url: jdbc:postgresql://db/shop\n    username: ${DB_USER}\n    password: ${DB_PASSWORD}\n  security:\n    oauth2:\n      resourceserver:\n        jwt:\n          issuer-uri: https://idp.example.com/\n          jwk-set-uri: https://idp.example.com/jwks\nserver:\n  ssl:\n    key-store: classpath:keystore.p12\n    key-store-type: PKCS12\n    key-alias: shop\n",
    ),
    file(
        "file-values",
        "values.yaml",
        "auth:\n  enabled: true\n  existingSecret: shop-db\n  secretKeys:\n    adminPasswordKey: postgres-password\n    userPasswordKey: password\n  password: \"\"\n  passwordUpdateJob: {enabled: false}\nimagePullSecrets: []\nserviceAccount:\n  automountServiceAccountToken: false\ntls:\n  secretName: shop-tls\n",
    ),
    file(
        "file-rbac",
        "role.yaml",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: shop\nrules:\n  - apiGroups: [\"\"]\n    resources: [secrets, serviceaccounts/token]\n    verbs: [get]\n    resourceNames: [shop-db]\n",
    ),
    file(
        "file-pod",
        "pod.yaml",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: web\n      image: shop:1\n      env:\n        - name: DB_PASSWORD\n          valueFrom:\n            secretKeyRef:\n              name: shop-db\n              key: password\n        - name: API_TOKEN\n          valueFrom: {secretKeyRef: {name: shop, key: token}}\n",
    ),
    file(
        "file-external-secret",
        "external.yaml",
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nspec:\n  refreshInterval: 1h\n  secretStoreRef: {name: vault, kind: SecretStore}\n  target: {name: shop-db}\n  data:\n    - secretKey: password\n      remoteRef: {key: shop/db, property: password}\n",
    ),
    file(
        "file-openapi",
        "openapi.yaml",
        "openapi: 3.1.0\ncomponents:\n  securitySchemes:\n    ApiKeyAuth:\n      type: apiKey\n      in: header\n      name: X-API-Key\n    bearer:\n      type: http\n      scheme: bearer\n      bearerFormat: JWT\n  schemas:\n    Login:\n      required: [username, password]\n      properties:\n        username: {type: string}\n        password: {type: string, format: password, minLength: 12}\n        token:\n          type: string\n          description: The token from the mail\n",
    ),
    file(
        "file-locale",
        "en.json",
        "{\n  \"login\": \"Log in\",\n  \"password\": \"Password\",\n  \"new_password\": \"New password\",\n  \"forgot_password\": \"Forgot your password?\",\n  \"password_confirmation\": \"Confirm password\",\n  \"token_expired\": \"Your token has expired\",\n  \"api_key\": \"API key\",\n  \"secret\": \"Secret\"\n}\n",
    ),
    file(
        "file-locale",
        "de.yaml",
        "login: Anmelden\npassword: Passwort\nforgot_password: Passwort vergessen?\ntoken_expired: Die Sitzung ist abgelaufen\napi_key: Zugangsschlüssel\n",
    ),
    file(
        "file-html",
        "login.html",
        "<form method=\"post\">\n<input type=\"hidden\" name=\"csrf_token\" value=\"{{ csrf_token }}\">\n<label for=\"password\">Password:</label>\n<input type=\"password\" name=\"password\" id=\"password\" autocomplete=\"current-password\" placeholder=\"Your password\">\n</form>\n",
    ),
    file(
        "file-js",
        "auth.js",
        "const token = req.headers.authorization;\nconst { password } = req.body;\nif (!password || password.length < 12) throw new Error('password too short');\nconst secret = process.env.JWT_SECRET;\nconst apiKey = config.get('apiKey');\nmodule.exports = { password: req.body.password, token: getToken(req) };\n",
    ),
    file(
        "file-python",
        "views.py",
        "def login(request, username, password=None):\n    user = authenticate(request, username=username, password=password)\n    token = Token.objects.create(user=user)\n    api_key = request.META.get('HTTP_X_API_KEY')\n    secret = get_secret('shop/db')\n    password = getpass.getpass('Password: ')\n    return Response({'token': token.key})\n",
    ),
    file(
        "file-go",
        "config.go",
        "type Config struct {\n\tUsername string `json:\"username\"`\n\tPassword string `json:\"password\" env:\"DB_PASSWORD\"`\n\tToken    string `yaml:\"token,omitempty\"`\n}\n\nfunc (c *Config) Load() { c.Password = os.Getenv(\"DB_PASSWORD\") }\n",
    ),
    file(
        "file-java",
        "Config.java",
        "public class Config {\n  @Value(\"${db.password}\")\n  private String password;\n  private static final String TOKEN_HEADER = \"X-Auth-Token\";\n  public void setPassword(String password) { this.password = password; }\n}\n",
    ),
    file(
        "file-sql",
        "schema.sql",
        "CREATE TABLE users (\n  id BIGSERIAL PRIMARY KEY,\n  password VARCHAR(128) NOT NULL,\n  token CHAR(40) DEFAULT NULL,\n  secret_key TEXT,\n  FOREIGN KEY (team_id) REFERENCES teams (id)\n);\nCREATE INDEX token_idx ON users (token);\n",
    ),
    file(
        "file-shell",
        "entrypoint.sh",
        "#!/bin/sh\nset -eu\nif [ -f /run/secrets/db ]; then\n  export DB_PASSWORD=\"$(cat /run/secrets/db)\"\nfi\nDB_USER=\"${DB_USER:-shop}\"\nTOKEN=`cat /token`\nSECRET_KEY=${SECRET_KEY:-}\nexec \"$@\"\n",
    ),
    file(
        "file-markdown",
        "README.md",
        "# Shop\n\nSet `DB_PASSWORD` and `SECRET_KEY` in a Secret; the token comes from Vault.\n\n| variable | meaning |\n| --- | --- |\n| `API_KEY` | the key of the geocoder |\n| `PASSWORD_MIN_LENGTH` | default: 12 |\n",
    ),
    file(
        "file-env",
        ".env",
        "# Secrets come from Vault\nDEBUG=False\nDB_HOST=db\nDB_USER=shop\nDB_PASSWORD=\nSECRET_KEY=${SECRET_KEY}\nTOKEN_TTL=3600\nAUTH_BACKEND=ldap\nCACHE_KEY_PREFIX=shop:\nGIT_SHA=[[hex:40]]\n",
    ),
    file(
        "file-toml",
        "pyproject.toml",
        "[project]\nname = \"shop\"\nversion = \"1.0.0\"\nkeywords = [\"shop\", \"django\"]\nauthors = [{name = \"Shop Team\", email = \"shop@example.com\"}]\ndependencies = [\"django-rest-passwordreset>=1.4\", \"python-jose[cryptography]\"]\n\n[tool.uv]\nurl = \"https://pypi.example.com/simple\"\n",
    ),
    file(
        "file-lock",
        "package-lock.json",
        "{\n  \"name\": \"shop\",\n  \"lockfileVersion\": 3,\n  \"packages\": {\n    \"node_modules/js-tokens\": {\n      \"version\": \"4.0.0\",\n      \"resolved\": \"https://registry.npmjs.org/js-tokens/-/js-tokens-4.0.0.tgz\",\n      \"integrity\": \"sha512-[[base64:86]]==\"\n    }\n  }\n}\n",
    ),
    file(
        "file-requirements",
        "requirements.txt",
        "django==5.1.3 \\\n    --hash=sha256:[[hex:64]] \\\n    --hash=sha256:[[hex:64]]\ndjangorestframework-api-key==3.0.0\n",
    ),
    file(
        "file-logback",
        "logback.xml",
        "<configuration>\n  <appender name=\"STDOUT\" class=\"ch.qos.logback.core.ConsoleAppender\">\n    <encoder><pattern>%d{ISO8601} [%thread] %-5level %logger{36} - %replace(%msg){'password=[^&amp;]*','password=***'}%n</pattern></encoder>\n  </appender>\n</configuration>\n",
    ),
    file("file-ca", "ca.crt", "[[certificate]]\n"),
    file("file-ca", "bundle.pem", "# Subject: Example CA\n[[certificate]]\n[[certificate]]\n"),
    file(
        "file-known-hosts",
        "known_hosts",
        "git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[[base64:43]]\n[git.example.com]:2222 ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ[[base64:340]]\n",
    ),
    file(
        "file-coredns",
        "Corefile",
        ".:53 {\n    errors\n    health\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n      pods insecure\n    }\n    prometheus :9153\n    forward . /etc/resolv.conf\n}\n",
    ),
    file(
        "file-dashboard",
        "dashboard.json",
        "{\n  \"title\": \"Tokens issued\",\n  \"uid\": \"[[url64:14]]\",\n  \"panels\": [{\"datasource\": {\"type\": \"prometheus\", \"uid\": \"P[[HEX:16]]\"}, \"targets\": [{\"expr\": \"sum(rate(auth_tokens_total{secret=\\\"shop\\\"}[5m])) by (key)\", \"legendFormat\": \"{{key}}\"}]}]\n}\n",
    ),
    file(
        "file-sops",
        "secrets.enc.yaml",
        "db:\n    password: ENC[AES256_GCM,data:[[base64:24]],iv:[[base64:43]]=,tag:[[base64:22]]==,type:str]\nsops:\n    age:\n        - recipient: age1[[lower:58]]\n          enc: |\n            -----BEGIN AGE ENCRYPTED FILE-----\n            [[base64:64]]\n            -----END AGE ENCRYPTED FILE-----\n    mac: ENC[AES256_GCM,data:[[base64:80]],iv:[[base64:43]]=,tag:[[base64:22]]==,type:str]\n",
    ),
    file(
        "file-sealed",
        "sealed.yaml",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nspec:\n  encryptedData:\n    password: AgB[[base64:740]]\n    api-token: AgA[[base64:743]]=\n",
    ),
    file("file-ansible", "vault.yml", "db_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  [[digits:80]]\n  [[digits:80]]\n"),
    file(
        "file-jinja",
        "app.conf.j2",
        "[database]\nuser = {{ db_user }}\npassword = {{ db_password }}\n{% if use_token %}token = {{ lookup('hashi_vault', 'secret=secret/shop:token') }}{% endif %}\n",
    ),
    file(
        "file-pg",
        "postgresql.conf",
        "listen_addresses = '*'\npassword_encryption = scram-sha-256\nssl_key_file = '/etc/tls/tls.key'\nssl_passphrase_command = ''\nshared_preload_libraries = 'pg_stat_statements'\n",
    ),
    file(
        "file-pg",
        "pg_hba.conf",
        "# TYPE DATABASE USER ADDRESS METHOD\nlocal all all trust\nhost all all 10.0.0.0/8 scram-sha-256\nhost replication all all md5\n",
    ),
    file("file-redis", "redis.conf", "maxmemory 256mb\nappendonly yes\n# requirepass foobared\nprotected-mode no\n"),
    file(
        "file-my",
        "my.cnf",
        "[mysqld]\ndefault_authentication_plugin=caching_sha2_password\nvalidate_password.policy=MEDIUM\nvalidate_password.length=12\nkey_buffer_size=16M\nsecure-file-priv=/var/lib/mysql-files\n",
    ),
    file(
        "file-terraform",
        "main.tf",
        "variable \"db_password\" {\n  type      = string\n  sensitive = true\n}\nresource \"aws_db_instance\" \"shop\" {\n  username = \"shop\"\n  password = var.db_password\n  kms_key_id = data.aws_kms_key.shop.arn\n}\n",
    ),
    file(
        "file-workflow",
        "ci.yml",
        "jobs:\n  build:\n    steps:\n      - uses: docker/login-action@v3\n        with:\n          username: ci\n          password: ${{ secrets.REGISTRY_PASSWORD }}\n      - run: npm publish\n        env:\n          NODE_AUTH_TOKEN: ${{ secrets.NPM_TOKEN }}\n",
    ),
    file(
        "file-graphql",
        "schema.graphql",
        "type Mutation {\n  login(username: String!, password: String!): AuthPayload!\n  resetPassword(token: String!, newPassword: String!): Boolean!\n}\n",
    ),
    file(
        "file-license",
        "LICENSE",
        "Permission is hereby granted, free of charge, to any person obtaining a copy of this software: the key words MUST and SHOULD are to be interpreted as described in RFC 2119.\n",
    ),
];
