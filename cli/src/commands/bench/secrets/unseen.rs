//! Written when the detectors were tuned on the other tables, to see what they do with what they were not made for. Nobody reads the
//! errors in this part one by one: whoever needs more to tune on adds lines to the other tables.

use super::corpus::Detector::{self, Format, Http, Name, Placeholder, Url};
use super::corpus::Line;
use super::corpus::places::{ANNOTATION, COMMAND, ENV, FILE, HEADER, NAMED, TEXT, TOKEN};

const fn yes(family: &'static str, detector: Detector, names: &'static str, value: &'static str) -> Line {
    Line::new(family, Some(detector), names, value, NAMED, 5)
}

const fn token(family: &'static str, names: &'static str, value: &'static str) -> Line {
    Line::new(family, Some(Format), names, value, TOKEN, 4)
}

const fn yes_env(family: &'static str, detector: Detector, names: &'static str, value: &'static str) -> Line {
    Line::new(family, Some(detector), names, value, ENV, 3)
}

const fn yes_command(family: &'static str, detector: Detector, words: &'static str) -> Line {
    Line::new(family, Some(detector), "", words, COMMAND, 2)
}

const fn yes_file(family: &'static str, detector: Detector, key: &'static str, text: &'static str) -> Line {
    Line::new(family, Some(detector), key, text, FILE, 2)
}

const fn no(family: &'static str, names: &'static str, value: &'static str) -> Line {
    Line::new(family, None, names, value, NAMED, 6)
}

const fn no_env(family: &'static str, names: &'static str, value: &'static str) -> Line {
    Line::new(family, None, names, value, ENV, 4)
}

const fn no_command(family: &'static str, words: &'static str) -> Line {
    Line::new(family, None, "", words, COMMAND, 1)
}

const fn no_file(family: &'static str, key: &'static str, text: &'static str) -> Line {
    Line::new(family, None, key, text, FILE, 1)
}

pub const UNSEEN: &[Line] = &[
    // Secrets by name.
    yes("u-zulip", Name, "SECRETS_rabbitmq_password|SECRETS_postgres_password|ZULIP_AUTH_LDAP_BIND_PASSWORD", "[[password]]"),
    yes("u-mastodon", Name, "OTP_SECRET|SECRET_KEY_BASE|VAPID_PRIVATE_KEY|SMTP_PASSWORD|ES_PASS", "[[alnum:44]]"),
    yes(
        "u-sentry-host",
        Name,
        "SENTRY_SECRET_KEY|SENTRY_DB_PASSWORD|SENTRY_EMAIL_PASSWORD|SENTRY_REDIS_PASSWORD",
        "[[alnum:50]]",
    ),
    yes("u-odoo", Name, "PGPASSWORD|ODOO_MASTER_PASSWORD|admin_passwd|db_password", "[[password]]"),
    yes("u-metabase", Name, "MB_DB_PASS|MB_ENCRYPTION_SECRET_KEY|MB_EMBEDDING_SECRET_KEY|MB_JWT_SHARED_SECRET", "[[alnum:40]]"),
    yes("u-outline", Name, "UTILS_SECRET|SLACK_CLIENT_SECRET|GOOGLE_CLIENT_SECRET|OIDC_CLIENT_SECRET", "[[hex:64]]"),
    yes(
        "u-kafka",
        Name,
        "KAFKA_CLIENT_PASSWORDS|KAFKA_INTER_BROKER_PASSWORD|SCHEMA_REGISTRY_SSL_KEY_PASSWORD|ssl.keystore.password",
        "[[alnum:18]]",
    ),
    yes("u-temporal", Name, "CASSANDRA_PASSWORD|MYSQL_PWD|VISIBILITY_DB_PWD|SQL_PASSWORD", "[[password]]"),
    yes("u-harbor", Name, "HARBOR_ADMIN_PASSWORD|REGISTRY_HTTP_SECRET|CORE_SECRET|JOBSERVICE_SECRET|CSRF_KEY", "[[alnum:32]]"),
    yes("u-payload", Name, "PAYLOAD_SECRET|BETTER_AUTH_SECRET|LUCIA_SECRET|IRON_SESSION_PASSWORD", "[[rand64:24]]"),
    yes("u-strapi", Name, "ADMIN_JWT_SECRET|API_TOKEN_SALT|TRANSFER_TOKEN_SALT|APP_KEYS", "[[rand64:16]]"),
    yes("u-phoenix", Name, "SECRET_KEY_BASE|LIVE_VIEW_SIGNING_SALT|RELEASE_COOKIE|ERLANG_COOKIE", "[[rand64:48]]"),
    yes("u-wallet", Name, "MNEMONIC_PASSWORD|SIGNER_PRIVATE_KEY|RELAYER_PRIVATE_KEY|OPERATOR_KEY_PASSWORD", "0x[[hex:64]]"),
    yes("u-mixed-case", Name, "Db_Password|dbPASSWORD|DataBasePassword|MyApp.Db.Password|my-app-db-password", "[[password]]"),
    yes(
        "u-prefix",
        Name,
        "REACT_APP_API_SECRET|NEXT_PRIVATE_API_KEY|QUARKUS_DATASOURCE_PASSWORD|MICRONAUT_SECURITY_TOKEN_JWT_SECRET",
        "[[alnum:36]]",
    ),
    yes(
        "u-quarkus",
        Name,
        "quarkus.datasource.password|mp.jwt.decrypt.key.password|micronaut.http.client.ssl.key-store.password",
        "[[alnum:14]]",
    ),
    yes("u-wireguard", Name, "WG_PRIVATE_KEY|WIREGUARD_PRESHARED_KEY|PSK|IPSEC_PSK", "[[rand64:32]]"),
    yes("u-wifi", Name, "WIFI_PASSWORD|WPA_PASSPHRASE|VNC_PASSWORD|RDP_PASSWORD|IPMI_PASSWORD", "[[password]]"),
    yes("u-token-short", Name, "DUCKDNS_TOKEN|FREEDNS_TOKEN|PUSHOVER_TOKEN|PUSHBULLET_TOKEN|GOTIFY_APP_TOKEN", "[[alnum:22]]"),
    yes(
        "u-dns",
        Name,
        "HETZNER_DNS_API_TOKEN|GANDI_API_KEY|NAMECHEAP_API_KEY|DYNU_API_KEY|OVH_APPLICATION_SECRET|OVH_CONSUMER_KEY",
        "[[alnum:32]]",
    ),
    yes(
        "u-webhook",
        Name,
        "GITLAB_WEBHOOK_TOKEN|STRAVA_VERIFY_TOKEN|BITBUCKET_WEBHOOK_SECRET|SVIX_SIGNING_SECRET",
        "[[hex:40]]",
    ),
    yes_env(
        "u-weak",
        Name,
        "MINIO_ROOT_PASSWORD|MONGO_INITDB_ROOT_PASSWORD|GITEA_ADMIN_PASSWORD",
        "minioadmin‖example1‖Admin123!‖changed2024",
    ),
    yes_env(
        "u-shape",
        Name,
        "DB_PASSWORD|ROOT_PASSWORD",
        "[[upper:4]]-[[upper:4]]-[[upper:4]]‖[[Word]]_[[Word]]_[[digits:2]]‖[[word]][[digits:4]]$‖[[alnum:10]]\\\\[[alnum:4]]",
    ),
    yes_env(
        "u-shape",
        Name,
        "ADMIN_PASSWORD|SMTP_PASSWORD",
        "[[word]] [[digits:4]] [[word]]‖[[alnum:9]]=[[alnum:3]]‖!![[alnum:12]]‖[[alnum:8]],[[alnum:4]]",
    ),
    yes_env("u-basic", Http, "TRAEFIK_BASIC_AUTH|HTTP_BASIC_AUTH|PROXY_BASIC_AUTH", "ops:[[password]]"),
    yes_env(
        "u-docker",
        Http,
        ".dockerconfigjson|DOCKER_CONFIG_JSON",
        r#"{"auths":{"ghcr.io":{"username":"ci","password":"«[[alnum:40]]»"}}}"#,
    ),
    // By form.
    token("u-pasted", "EXTRA_ARGS|SIDE_NOTE", "--registry-token=«npm_[[github:30]]» --verbose"),
    token("u-pasted", "MOTD|HINT", "login with «glpat-[[alnum:20]]» (read only)"),
    token("u-github", "RENOVATE_TOKEN|HOMEBREW|GOPROXY_AUTH", "ghp_[[github:30]]"),
    token("u-aws", "SES_USER|S3_LOGIN", "AKIA[[base32:16]]"),
    token("u-slack", "ALERTS|PAGER", "xoxb-[[digits:11]]-[[digits:12]]-[[alnum:24]]"),
    token("u-stripe", "BILLING|CHECKOUT", "sk_live_[[alnum:34]]"),
    token("u-openai", "LLM|ASSISTANT", "sk-svcacct-[[url64:74]]T3BlbkFJ[[url64:74]]"),
    token("u-anthropic", "LLM|ASSISTANT", "sk-ant-admin01-[[url64:93]]AA"),
    token("u-vault", "UNSEAL|BAO", "hvs.CAES[[url64:90]]"),
    token(
        "u-azure",
        "BLOB|QUEUE_CONN",
        "DefaultEndpointsProtocol=https;AccountName=files;AccountKey=«[[base64:76]]+ASt[[alnum:5]]A==»;EndpointSuffix=core.windows.net",
    ),
    token("u-azure-key", "SEARCH|INDEXER", "[[alnum:42]]AzSeA[[alnum:5]]"),
    token("u-sendgrid", "NEWSLETTER|OUTBOX", "SG.[[url64:22]].[[url64:43]]"),
    token("u-npm", "PUBLISH|UPSTREAM", "npm_[[github:30]]"),
    token("u-jwt", "SESSION_BLOB|EXTRA_CLAIM", "[[jwt]]"),
    token("u-shopify", "SHOP_ACCESS|IMPORTER", "shppa_[[hex:32]]"),
    token("u-atlassian", "WIKI|BOARD", "[[atlassian:ATATT3xFfGF0,176]]"),
    token("u-grafana", "DASHBOARDS|PANELS", "[[grafana]]"),
    Line::new("u-text", Some(Format), "owner-note|handover", "use the key «sk_live_[[alnum:24]]» for now", TEXT, 4),
    Line::new("u-header", Some(Format), "X-Custom|X-Forward", "«ghs_[[github:30]]»", HEADER, 2),
    yes_env("u-pem", Format, "CERT_AND_KEY|PEM_BUNDLE", "[[certificate]]\n«[[pem:EC ]]»"),
    yes_env("u-ssh", Format, "GIT_SSH|KEYFILE", "[[pem:OPENSSH ]]"),
    yes_env("u-gcp", Format, "TERRAFORM_SA|BIGQUERY", "[[service-account]]"),
    // In addresses.
    yes("u-url", Url, "SQL_URL|STORE_DSN|PG_DSN", "postgresql+asyncpg://[[user]]:«[[password]]»@[[host]]:5432/app"),
    yes("u-url", Url, "QUEUE|MESSAGES", "amqp://[[user]]:«[[password]]»@mq-0.mq:5672/prod?heartbeat=30"),
    yes("u-url", Url, "VALKEY_URL|CACHE_DSN", "redis+sentinel://:«[[password]]»@sentinel:26379/mymaster/0"),
    yes("u-url", Url, "INFLUX|TSDB", "http://[[user]]:«[[alnum:20]]»@influx.example.com:8086/write?db=shop"),
    yes("u-url", Url, "SOCKS|UPSTREAM_PROXY", "socks5://[[user]]:«[[password]]»@proxy:1080"),
    yes("u-url", Url, "WEBDAV|NEXTCLOUD", "https://backup%40example.com:«[[alnum:20]]»@cloud.example.com/dav"),
    yes("u-url", Url, "MSSQL|REPORTS", "mssql+pyodbc://sa:«[[alnum:14]]»@[[host]]/reports?driver=ODBC+Driver+18"),
    yes_env("u-url-list", Url, "NODES|CLUSTER", "nats://a:«[[alnum:16]]»@nats-0:4222,nats://nats-1:4222"),
    yes_env(
        "u-url-json",
        Url,
        "AIRFLOW_CONN_SHOP|CONN_JSON",
        r#"{"uri":"mysql://[[user]]:«[[alnum:16]]»@db/shop","extra":{"charset":"utf8"}}"#,
    ),
    yes_command("u-url-command", Url, "pgbench¦--dbname=postgres://[[user]]:«[[alnum:14]]»@db/bench¦-c¦10"),
    yes_command("u-url-command", Url, "sh¦-c¦wait-for -t 60 redis://:«[[alnum:14]]»@redis:6379 && rq worker"),
    // In commands.
    yes_command("u-flag", Name, "app¦serve¦--jwt-secret¦«[[alnum:32]]»¦--addr=:8080"),
    yes_command("u-flag", Name, "app¦--smtp.password=«[[password]]»¦--smtp.host=mail"),
    yes_command("u-flag", Name, "keycloak¦start¦--db-password=«[[password]]»¦--hostname=sso.example.com"),
    yes_command("u-flag", Name, "hasura¦--admin-secret¦«[[alnum:28]]»"),
    yes_command("u-flag", Name, "rclone¦copy¦/data¦s3:backup¦--s3-secret-access-key=«[[base64:40]]»"),
    yes_command("u-flag", Name, "sh¦-c¦mariadb -uapp -p'«[[alnum:14]]»' -e 'show tables' app"),
    yes_command("u-flag", Name, "bash¦-c¦DB_PASSWORD=«[[alnum:16]]» exec ./run.sh"),
    yes_command("u-flag", Name, "sh¦-c¦redis-cli --pass «[[alnum:16]]» info"),
    yes_command("u-flag", Name, "mongosh¦-u¦root¦-p¦«[[alnum:14]]»¦--quiet"),
    yes_command(
        "u-curl",
        Http,
        "sh¦-c¦curl -s -X POST https://api.example.com -H 'Authorization: Bearer «[[alnum:36]]»' -d '{}'",
    ),
    yes_command("u-curl", Http, "curl¦--user¦elastic:«[[alnum:20]]»¦http://localhost:9200/_cluster/health"),
    yes_command("u-wget", Http, "sh¦-c¦wget --header='Authorization: Basic «[[basic]]»' -qO- http://localhost/health"),
    // In files.
    yes_file(
        "u-file",
        Name,
        "production.json",
        "{\n  \"db\": {\n    \"user\": \"app\",\n    \"password\": \"«[[alnum:16]]»\",\n    \"port\": 5432\n  }\n}\n",
    ),
    yes_file(
        "u-file",
        Name,
        "application-prod.yaml",
        "mail:\n  host: smtp.example.com\n  username: shop\n  password: «[[alnum:16]]»\n  port: 587\n",
    ),
    yes_file(
        "u-file",
        Name,
        "celery.py",
        "from celery import Celery\n\nBROKER_PASSWORD = \"«[[alnum:16]]»\"\napp = Celery('shop')\n",
    ),
    yes_file(
        "u-file",
        Name,
        "vector.toml",
        "[sinks.out]\ntype = \"elasticsearch\"\n\n[sinks.out.auth]\nstrategy = \"basic\"\nuser = \"shop\"\npassword = \"«[[alnum:16]]»\"\n",
    ),
    yes_file(
        "u-file",
        Name,
        "db.properties",
        "jdbc.driver=org.postgresql.Driver\njdbc.username=shop\njdbc.password=«[[alnum:16]]»\n",
    ),
    yes_file("u-file", Name, "prod.env", "APP_ENV=production\nAPI_KEY=«[[hex:40]]»\nTIMEOUT=30\n"),
    yes_file("u-file", Format, "config.yml", "github:\n  token: «ghp_[[github:30]]»\n  org: example\n"),
    Line::new(
        "u-placeholder",
        Some(Placeholder),
        "DB_PASSWORD|SECRET_KEY|API_TOKEN",
        "changeme123‖<YOUR_TOKEN>‖change_me_please‖REPLACE-ME",
        ENV,
        4,
    ),
    // No secrets.
    no("u-ordinary", "GUNICORN_WORKERS|CELERYD_CONCURRENCY|STATIC_ROOT|MEDIA_URL|APP_HOME", "4‖/srv/static‖/media/‖/opt/app"),
    no(
        "u-ordinary",
        "SERVER_NAME|PUBLIC_HOSTNAME|INGRESS_CLASS|STORAGE_CLASS|RUNTIME_CLASS",
        "shop.example.org‖nginx‖gp3-encrypted‖kata-qemu",
    ),
    no(
        "u-ordinary",
        "SPRING_PROFILES_ACTIVE|ASPNETCORE_ENVIRONMENT|MIX_ENV|GIN_MODE",
        "prod,kubernetes‖Production‖prod‖release",
    ),
    no(
        "u-spring",
        "spring.security.user.name|spring.jpa.hibernate.naming.physical-strategy|server.ssl.key-alias|server.ssl.key-store-type",
        "admin‖org.hibernate.boot.model.naming.CamelCaseToUnderscoresNamingStrategy‖shop‖PKCS12",
    ),
    no(
        "u-token-about",
        "TOKEN_ISSUER_URL|TOKEN_CLOCK_SKEW|TOKEN_REUSE_INTERVAL|TOKEN_STORE_TYPE|ACCESS_TOKEN_VALIDITY_SECONDS",
        "https://sso.example.com‖30s‖0‖redis‖900",
    ),
    no(
        "u-token-about",
        "AUTH_TOKEN_CLASSES|JWT_AUTH_COOKIE_USE_CSRF|REST_AUTH_TOKEN_MODEL|TOKEN_OBTAIN_SERIALIZER",
        "rest_framework_simplejwt.tokens.AccessToken‖True‖knox.models.AuthToken‖shop.serializers.TokenSerializer",
    ),
    no(
        "u-pass-about",
        "PASSWORD_LOGIN_ENABLED|ACCOUNT_PASSWORD_MIN_LENGTH|OLD_PASSWORD_FIELD_ENABLED|LOGOUT_ON_PASSWORD_CHANGE|PASSWORD_AGE_DAYS",
        "true‖10‖False‖365",
    ),
    no(
        "u-pass-about",
        "PASSWORD_RESET_CONFIRM_URL|PASSWORD_TEMPLATE|PASSWORD_RESET_EMAIL_SUBJECT|PASSWORD_EXPIRED_REDIRECT",
        "auth/reset/{uid}/{token}‖registration/password_reset.html‖Reset your password‖/login?expired=1",
    ),
    no(
        "u-secret-about",
        "SECRET_ID|SECRET_REF|SECRETS_FILE|SECRET_BACKEND_URL|SECRET_KEY_REF_NAME|SECRETS_VERSION_STAGE",
        "prod/shop/db‖shop-db‖/vault/secrets/config.env‖https://vault:8200‖AWSCURRENT",
    ),
    no(
        "u-key-about",
        "KEY_FILE_PATH|KEY_COLUMN|KEY_SEPARATOR|KEY_TEMPLATE|API_KEY_LOCATION|SIGNING_KEY_PATH",
        "/etc/keys/app.pem‖user_id‖:‖shop:{tenant}:{id}‖header",
    ),
    no(
        "u-key-about",
        "DEFAULT_API_KEY_HEADER|X_API_KEY_NAME|API_KEY_REQUIRED|API_KEY_CACHE_TTL|API_KEY_QUOTA",
        "X-Api-Key‖shop-frontend‖true‖300‖1000/day",
    ),
    no(
        "u-keys",
        "CACHE_KEY_FUNCTION|SORT_BY_KEY|LOOKUP_KEY|GROUP_KEY|JOIN_KEY|DEDUPLICATION_KEY",
        "shop.cache.make_key‖created‖slug‖tenant‖order_id‖message_id",
    ),
    no(
        "u-auth-about",
        "AUTH_REALM|AUTH_DOMAIN|AUTHZ_MODE|AUTH_CALLBACK_PATH|OAUTH2_PROXY_PROVIDER|AUTH_STRATEGIES",
        "Shop staff‖login.example.com‖RBAC,Node‖/oauth2/callback‖oidc‖local,google",
    ),
    no(
        "u-credential-about",
        "CREDENTIALS_PROVIDER|CREDENTIAL_SOURCE|CREDENTIALS_SECRET_NAME|AWS_CREDENTIALS_PROFILE|CREDENTIAL_HELPER",
        "com.amazonaws.auth.WebIdentityTokenCredentialsProvider‖Ec2InstanceMetadata‖cloud-credentials‖default‖ecr-login",
    ),
    no(
        "u-words",
        "BYPASS_TOKEN_CHECK|PASSPORT_SERVICE|COMPASSION_MODE|TOKENIZED_ASSETS|SECRETARIAT_URL|MONKEYPATCH",
        "false‖http://passport:3000‖on‖true‖https://office.example.com‖gevent",
    ),
    no(
        "u-public",
        "PUBLISHABLE_KEY|MAPBOX_STYLE|SITE_KEY|GA_TRACKING_ID|SENTRY_PROJECT|SENTRY_ORG",
        "pk_test_51[[alnum:97]]‖mapbox://styles/mapbox/streets-v12‖6Le[[url64:37]]‖UA-[[digits:8]]-2‖shop-web",
    ),
    no(
        "u-ids",
        "SENTRY_RELEASE|DEPLOYMENT_ID|BUILD_NUMBER|SESSION_ID|MESSAGE_ID|ULID",
        "[[hex:40]]‖[[uuid]]‖[[digits:5]]‖01[[upper:24]]",
    ),
    no(
        "u-hash",
        "LOCKFILE_HASH|BUNDLE_CHECKSUM|SRC_REV|TREE_HASH|SBOM_DIGEST|PLUGIN_SHA512",
        "[[hex:64]]‖[[hex:40]]‖sha256:[[hex:64]]‖[[hex:128]]",
    ),
    no(
        "u-aws",
        "AWS_ROLE_SESSION_NAME|AWS_PROFILE|EKS_CLUSTER|ECR_REPO|CLOUDFRONT_ID|SNS_TOPIC_ARN",
        "shop-web‖default‖prod-eu‖[[digits:12]].dkr.ecr.eu-central-1.amazonaws.com/shop‖E[[upper:13]]‖arn:aws:sns:eu-west-1:[[digits:12]]:orders",
    ),
    no(
        "u-url",
        "DATABASE_READ_URL|CACHE_URL|SEARCH_URL|AMQP_ADDR",
        "postgresql://reader@db-ro:5432/shop‖redis://cache:6379‖http://opensearch:9200/_search?q=a:b‖amqp://mq:5672",
    ),
    no(
        "u-url",
        "RELEASE_URL|ASSET_URL|DOCS|SOURCE_LINK",
        "https://example.com/releases/v1.2.3/app-[[hex:12]].tar.gz‖https://cdn.example.com/@scope/pkg@1.2.3/index.js‖https://example.com/~user/a@b.html‖https://example.com/p?id=[[uuid]]",
    ),
    no(
        "u-list",
        "WATCH_NAMESPACES|ENABLED_PLUGINS|LOCALES|CORS_METHODS",
        "shop,billing,auth‖rabbitmq_management,rabbitmq_auth_backend_oauth2‖en,de,pt-BR‖GET,POST,OPTIONS",
    ),
    no(
        "u-model",
        "MODEL_NAME|EMBEDDING_MODEL|MAX_NEW_TOKENS|TOKEN_BUDGET|CONTEXT_TOKENS",
        "gpt-4o-mini-2024-07-18‖text-embedding-3-small‖512‖8192",
    ),
    no_env(
        "u-reference",
        "DB_PASSWORD|JWT_SECRET|STRIPE_SECRET_KEY|API_TOKEN",
        "$(DB_PASSWORD)‖${STRIPE_SECRET_KEY}‖{{ .Values.secrets.jwt }}‖{{ env.Getenv \"API_TOKEN\" }}‖vault:kv/data/shop#token‖${DB_PASSWORD-}",
    ),
    no_env(
        "u-reference",
        "SECRET_KEY|ADMIN_PASSWORD|CLIENT_SECRET|PRIVATE_KEY",
        "secretsmanager:shop/prod‖/run/secrets/admin‖file:/etc/keys/private.pem‖arn:aws:ssm:eu-west-1:[[digits:12]]:parameter/shop/key‖op://shop/prod/secret",
    ),
    no_env("u-empty", "DB_PASSWORD|JWT_SECRET|API_TOKEN", "‖false‖\"\"‖none"),
    no_env(
        "u-text",
        "ALERT_TEXT|HELP|PASSWORD_RULES|TOKEN_HELP",
        "Rotate the password every 90 days.‖See https://example.com/docs/tokens for how to get one‖Use 12 characters or more‖Your session token expires soon; log in again",
    ),
    no_env(
        "u-structured",
        "FLUENT_FILTER|OPA_DATA|RULES_JSON",
        "[{\"field\":\"password\",\"action\":\"mask\"},{\"field\":\"token\",\"action\":\"drop\"}]‖{\"type\":\"object\",\"properties\":{\"secret\":{\"type\":\"string\"}}}‖if .token != null then .token = \"***\" else . end",
    ),
    no_env(
        "u-encoded",
        "BANNER_B64|SCRIPT_B64|TEMPLATE_B64",
        "[[encode:#!/bin/sh\nset -eu\nexec gunicorn shop.wsgi --bind 0.0.0.0:8000\n]]‖[[encode:Hello {{ name }}, your order {{ id }} was sent.\n]]‖[[encode:server:\n  port: 8080\n  tls: {secretName: shop-tls}\n]]",
    ),
    no_env(
        "u-public-key",
        "MTLS_CA|SAML_CERT|RELEASE_PUBKEY",
        "[[certificate]]‖[[public-key]]‖ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[[base64:43]] ops",
    ),
    Line::new(
        "u-annotation",
        None,
        "cert-manager.io/private-key-algorithm|cert-manager.io/private-key-rotation-policy|ingress.kubernetes.io/auth-type",
        "ECDSA‖Always‖basic",
        ANNOTATION,
        3,
    ),
    Line::new(
        "u-annotation",
        None,
        "external-secrets.io/force-sync|vault.security.banzaicloud.io/vault-role|kubernetes.io/service-account.name|operator.1password.io/item-path",
        "17[[digits:8]]‖shop‖web‖vaults/shop/items/db",
        ANNOTATION,
        4,
    ),
    Line::new(
        "u-header",
        None,
        "X-Scope-OrgID|If-None-Match|X-Tenant|Accept-Language",
        "shop‖\"[[hex:32]]\"‖[[uuid]]‖de-DE,de;q=0.9",
        HEADER,
        4,
    ),
    no_command(
        "u-command",
        "uvicorn¦shop.asgi:application¦--host¦0.0.0.0¦--ssl-keyfile¦/tls/tls.key¦--ssl-certfile¦/tls/tls.crt",
    ),
    no_command("u-command", "uwsgi¦--module=shop.wsgi¦--http=:8000¦--master¦--processes=4¦--harakiri=30"),
    no_command("u-command", "sh¦-c¦python manage.py collectstatic --noinput && python manage.py check --deploy"),
    no_command("u-command", "sh¦-c¦export DB_PASSWORD=\"$(vault read -field=password database/creds/shop)\" && exec app"),
    no_command(
        "u-command",
        "app¦--auth.token-lifetime=1h¦--auth.jwks-url=https://idp.example.com/jwks¦--auth.password-policy=strict",
    ),
    no_command(
        "u-command",
        "prometheus-adapter¦--secure-port=6443¦--tls-private-key-file=/tls/tls.key¦--metrics-relist-interval=1m",
    ),
    no_command("u-command", "external-secrets¦--concurrent=1¦--enable-secrets-caching=true¦--namespace=shop"),
    no_command(
        "u-command",
        "cert-manager¦--cluster-resource-namespace=cert-manager¦--dynamic-serving-ca-secret-name=cert-manager-webhook-ca",
    ),
    no_command("u-command", "sh¦-c¦mongosh --eval \"db.auth('root', process.env.MONGO_PASSWORD)\""),
    no_command("u-command", "redis-sentinel¦/etc/redis/sentinel.conf¦--sentinel¦auth-pass¦mymaster¦$(REDIS_PASSWORD)"),
    no_command("u-command", "sh¦-c¦mkdir -p /run/keys && ssh-keyscan -p 22 git.example.com > /run/keys/known_hosts"),
    no_command("u-command", "sh¦-c¦grep -q password /etc/app.conf || echo 'no password set' >&2"),
    no_command("u-command", "sh¦-c¦curl -fsS --cacert /ca.crt -H \"X-Vault-Token: $VAULT_TOKEN\" $VAULT_ADDR/v1/sys/health"),
    no_command("u-command", "node¦server.js¦--port=3000¦--session-cookie-name=sid¦--csrf-token-header=x-csrf"),
    no_file(
        "u-file",
        "values-prod.yaml",
        "image:\n  repository: ghcr.io/example/shop\n  tag: 1.2.3\nsecret:\n  create: false\n  name: shop-db\n  passwordKey: password\nexternalSecrets:\n  enabled: true\n  refreshInterval: 1h\n",
    ),
    no_file(
        "u-file",
        "settings.py",
        "import os\n\nSECRET_KEY = os.environ.get('DJANGO_SECRET_KEY')\nPASSWORD_HASHERS = ['django.contrib.auth.hashers.Argon2PasswordHasher']\nSOCIALACCOUNT_PROVIDERS = {'google': {'APP': {'client_id': os.environ['GOOGLE_ID'], 'secret': os.environ['GOOGLE_SECRET'], 'key': ''}}}\nLOGIN_REDIRECT_URL = '/'\n",
    ),
    no_file(
        "u-file",
        "otel.yaml",
        "exporters:\n  otlp:\n    endpoint: otel:4317\n    headers:\n      api-key: ${env:OTLP_API_KEY}\nextensions:\n  bearertokenauth:\n    scheme: Bearer\n    filename: /var/run/token\n",
    ),
    no_file(
        "u-file",
        "traefik.yml",
        "entryPoints:\n  websecure:\n    address: :8443\nhttp:\n  middlewares:\n    auth:\n      basicAuth:\n        usersFile: /etc/traefik/users\n        headerField: X-User\n",
    ),
    no_file(
        "u-file",
        "schema.json",
        "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"properties\": {\n    \"password\": {\"type\": \"string\", \"minLength\": 12},\n    \"apiKey\": {\"$ref\": \"#/$defs/secretRef\"}\n  },\n  \"required\": [\"password\"]\n}\n",
    ),
    no_file(
        "u-file",
        "messages.properties",
        "login.title=Log in\nlogin.password=Password\nlogin.forgot=Forgot your password?\nerror.token.expired=The link has expired\n",
    ),
    no_file(
        "u-file",
        "policy.rego",
        "package k8s\n\ndeny[msg] {\n  input.review.object.kind == \"Secret\"\n  not input.review.object.metadata.annotations[\"owner\"]\n  msg := \"a Secret needs an owner\"\n}\n",
    ),
    no_file(
        "u-file",
        "rbac.csv",
        "p, role:dev, applications, sync, shop/*, allow\np, role:dev, secrets, get, */*, deny\ng, example:devs, role:dev\n",
    ),
    no_file(
        "u-file",
        "script.py",
        "import hashlib\n\ndef fingerprint(token: str) -> str:\n    return hashlib.sha256(token.encode()).hexdigest()\n\npassword = input('password: ')\nassert password != 'password'\n",
    ),
    no_file(
        "u-file",
        "rules.yml",
        "groups:\n  - name: auth\n    rules:\n      - alert: TokenErrors\n        expr: rate(auth_token_errors_total[5m]) > 0.1\n        annotations:\n          summary: 'Token errors on {{ $labels.instance }}'\n",
    ),
];
