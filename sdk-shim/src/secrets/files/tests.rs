//! Files as people keep them in ConfigMaps, with the lines that hold secrets.

use proptest::prelude::*;

use super::super::{Options, Scanner};

const SCANNER: Scanner<'static> = Scanner::new(Options { names: &[], patterns: &[], entropy: None });

/// `line rule` of each secret.
fn found(key: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    SCANNER.file(key, text, &mut |line, secret| found.push(format!("{line} {}", secret.rule.id)));
    found
}

fn check(cases: &[(&str, &str, &[&str])]) {
    let wrong: Vec<_> = cases
        .iter()
        .map(|(key, text, expected)| (key, text, expected, found(key, text)))
        .filter(|(_, _, expected, found)| found != *expected)
        .map(|(key, text, expected, found)| format!("{key}: {found:?}, not {expected:?}\n{text}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn values_that_are_no_files() {
    check(&[
        ("DB_PASSWORD", "hunter2", &["1 named-secret"]),
        ("DB_PASSWORD", "hunter2\n", &["1 named-secret"]),
        ("DB_PASSWORD", "\n\nhunter2\n", &["3 named-secret"]),
        ("DB_PASSWORD", "changeme", &["1 placeholder-secret"]),
        ("db.password", "hunter2", &["1 named-secret"]),
        ("password.txt", "hunter2\n", &["1 named-secret"]),
        ("DATABASE_URL", "postgres://shop:hunter2@db/shop", &["1 credentials-in-url"]),
        ("DATABASE_URL", "shop:hunter2@db/shop", &["1 credentials-in-url"]),
        ("DATABASE_URL", "postgres://shop:$(DB_PASSWORD)@db/shop", &[]),
        ("args", "--requirepass hunter2", &["1 named-secret"]),
        ("JAVA_OPTS", "-Xmx1g -Djavax.net.ssl.keyStorePassword=hunter2", &["1 named-secret"]),
        ("AWS_ACCESS_KEY_ID", "AKIAQNOTISSUED234567", &["1 aws-access-key"]),
        ("token", "0123456789abcdef0123456789abcdef01234567", &["1 named-secret"]),
        ("DB_PASSWORD", "", &[]),
        ("DB_PASSWORD", "$(OTHER)", &[]),
        ("DB_PASSWORD", "{{ .Values.password }}", &[]),
        ("DB_PASSWORD_FILE", "/run/secrets/db", &[]),
        ("PASSWORD_MIN_LENGTH", "12", &[]),
        ("token.json", "{}", &[]),
        ("secret.yaml", "enabled: true", &[]),
        ("passwords", "a: 1\nb: 2\n", &[]),
    ]);
}

#[test]
fn environment_files() {
    check(&[
        (
            ".env",
            "DEBUG=0\nexport DB_PASSWORD=hunter2\nSECRET_KEY='abc def#1'\n# OLD_PASSWORD=hunter3\nTOKEN_TTL=3600\n",
            &["2 named-secret", "3 named-secret"],
        ),
        (".env", "DB_PASSWORD=pass;word&more,x\n", &["1 named-secret"]),
        (".env", "DB_PASSWORD=\"hunter2\" # the old one\n", &["1 named-secret"]),
        (".env", "DB_PASSWORD=${DB_PASSWORD:-hunter2}\nA=${B:-c}\n", &["1 named-secret"]),
        (".env", "DB_PASSWORD=Summer(2024\r\nNAME=shop\r\n", &["1 named-secret"]),
        (".env", "DB_PASSWORD=\nDB_TOKEN=${TOKEN}\nDB_SECRET=$SECRET\nPASSWORD_FILE=/run/x\n", &[]),
        (".env", "API_URL=https://u:p4ssw0rd@host/\n", &["1 credentials-in-url"]),
        (".env", "# DATABASE_URL=postgres://user:password@localhost/db\n", &[]),
        (".env", "# DATABASE_URL=postgres://shop:Kestrel-91x@db/shop\n", &["1 credentials-in-url"]),
        (".env", "# AWS_ACCESS_KEY_ID=AKIAQNOTISSUED234567\n", &["1 aws-access-key"]),
        (".env", "# AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\n", &[]),
        ("app.properties", "db.user=shop\ndb.password=hunter2\n! db.password=x1\n", &["2 named-secret"]),
        ("app.properties", "db.password : hunter2\nspring.mail.password:hunter3\n", &["1 named-secret", "2 named-secret"]),
        ("app.properties", "db.password=\\\n  hunter2\n", &["2 named-secret"]),
        ("app.properties", "jasypt=ENC(abc)\ndb.password=ENC(G6N718UuyPE5bHyWKyuLQSm02auQPUtm)\n", &[]),
        ("messages.properties", "password=Password\npasswordNew=New Password\ndoForgotPassword=Forgot Password?\n", &[]),
        ("app.properties", "password.label=Enter your password\ntoken.expired=The token is expired\n", &[]),
    ]);
}

#[test]
fn ini_and_relatives() {
    check(&[
        (
            "grafana.ini",
            "[security]\nadmin_user = admin\nadmin_password = admin\n;secret_key = SW2YcwTIb9zpOOhoPsMm\n[database]\n# Example: mysql://user:secret@host:port/database\npassword = $__file{/etc/secrets/db}\n[smtp]\npassword = \"\"\"#pass;word\"\"\"\n",
            &["3 named-secret", "9 named-secret"],
        ),
        (
            "credentials",
            "[default]\naws_access_key_id = AKIAQNOTISSUED234567\naws_secret_access_key = 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\n",
            &["2 aws-access-key", "3 aws-access-key"],
        ),
        ("pip.conf", "[global]\nindex-url = https://shop:hunter2@pypi.example.com/simple\n", &["2 credentials-in-url"]),
        (".pypirc", "[pypi]\nusername = shop\npassword = hunter2\n", &["3 named-secret"]),
        (".npmrc", "//registry.example.com/:_authToken=0f8fad5b-d9cb-469f-a165-70867728950e\n", &["1 named-secret"]),
        (".npmrc", "//registry.example.com/:_authToken=${NPM_TOKEN}\nalways-auth=true\n", &[]),
        (".npmrc", "_auth=c2hvcDpodW50ZXIy\n", &["1 http-credentials"]),
        (
            "pgbouncer.ini",
            "[databases]\nshop = host=db user=shop password=hunter2 dbname=shop\n[pgbouncer]\nauth_file = /etc/userlist.txt\n",
            &["2 named-secret"],
        ),
        ("supervisord.conf", "[program:x]\nenvironment=A=\"1\",DB_PASSWORD=\"%(ENV_DB_PASSWORD)s\"\n", &[]),
        ("odbc.ini", "[dsn]\nServer = db\nPWD = hunter2\n", &["3 named-secret"]),
        ("jwt.ini", "[jwt]\nkey = 0123456789abcdef0123\n[cache]\nkey = 0123456789abcdef0123\n", &["2 named-secret"]),
        ("my.cnf", "[client]\nuser=root\npassword=hunter2\n", &["3 named-secret"]),
        (
            "airflow.cfg",
            "[webserver]\nsecret_key = temporary_key\n[core]\nfernet_key =\nsql_alchemy_conn = postgresql://airflow:airflow@db/airflow\n",
            &["2 named-secret", "5 credentials-in-url"],
        ),
        ("mqtt.conf", "remote_password hunter2\n", &["1 named-secret"]),
    ]);
}

#[test]
fn yaml() {
    check(&[
        ("config.yaml", "db:\n  user: shop\n  password: hunter2\n  port: 5432\n", &["3 named-secret"]),
        ("config.yaml", "db:\n  password: 'it''s me'\n  token: \"a\\\"b1\"\n", &["2 named-secret", "3 named-secret"]),
        ("config.yaml", "password: |\n  hunter2\nuser: x\n", &["2 named-secret"]),
        ("config.yaml", "password: >-\n  hunter2=\nuser: x\n", &["2 named-secret"]),
        ("config.yaml", "password:\n  hunter2\nuser: x\n", &["2 named-secret"]),
        ("config.yaml", "password: &pw hunter2\nother: *pw\nadmin_password: *pw\n", &["1 named-secret"]),
        ("config.yaml", "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  62313365396662343061393464336163\n", &[]),
        ("config.yaml", "password: !Ref DbPassword\ntoken: !secret api_token\n", &[]),
        ("config.yaml", "password: !!str 123456\n", &["1 named-secret"]),
        ("config.yaml", "password: 123456\n", &["1 named-secret"]),
        ("config.yaml", "db: {user: shop, password: hunter2}\n", &["1 named-secret"]),
        (
            "config.yaml",
            "users:\n  - name: a\n    password: hunter2\n  - {name: b, password: hunter3}\n",
            &["3 named-secret", "4 named-secret"],
        ),
        ("config.yaml", "tokens:\n  - Xk29fLm83Qp01ZrT56Yw\n  - none\n", &["2 named-secret"]),
        ("config.yaml", "SECRET_KEY_FALLBACKS: [abcdef123456, 'x9y8z7w6']\n", &["1 named-secret", "1 named-secret"]),
        ("pod.yaml", "env:\n- name: DB_PASSWORD\n  value: hunter2\n- name: LOG\n  value: debug\n", &["3 named-secret"]),
        ("pod.yaml", "env:\n- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db\n      key: password\n", &[]),
        ("pod.yaml", "args:\n- --user\n- shop\n- --password\n- hunter2\n", &["5 named-secret"]),
        ("pod.yaml", "command: [redis-server, --requirepass, hunter2]\n", &["1 named-secret"]),
        ("config.yaml", "password: correct horse 7 battery\n", &["1 named-secret"]),
        ("config.yaml", "password: the one that you were given\ntoken: string\n", &[]),
        ("config.yaml", "# password: hunter2\nuser: x # token: abcdef123456\n", &[]),
        ("config.yaml", "jwt:\n  key: abcdef123456\ncache:\n  key: abcdef123456\n", &["2 named-secret"]),
        (
            "values.yaml",
            "existingSecret: shop-db\nsecretName: x\npasswordKey: password\nexistingPasswordSecretKey: pw\nconfigFromSecret: shop-x\njksPasswordSecretKey: https-jks-password\nsecretKeys:\n  adminPasswordKey: admin\n",
            &[],
        ),
        (
            "values.yaml",
            "auth:\n  enabled: true\n  existingSecret: \"\"\n  password: \"\"\n  passwordUpdateJob:\n    enabled: false\n",
            &[],
        ),
        (
            "prometheus.yml",
            "basic_auth:\n  username: shop\n  password: hunter2\nauthorization:\n  type: Bearer\n  credentials: abcdef123456\nbearer_token_file: /var/run/token\n",
            &["3 named-secret", "6 named-secret"],
        ),
        (
            "alertmanager.yml",
            "global:\n  smtp_auth_password: 'hunter2'\n  slack_api_url: https://hooks.slack.com/services/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\n  opsgenie_api_key: abcdef123456\n",
            &["2 named-secret", "3 slack-token", "4 named-secret"],
        ),
        (
            "alertmanager.yml",
            "receivers:\n- name: x\n  slack_configs:\n  - api_url_file: /etc/slack\n    channel: '#alerts'\n    title: '{{ .CommonLabels.alertname }}'\n",
            &[],
        ),
        (
            "dex.config",
            "connectors:\n- type: github\n  config:\n    clientID: abc\n    clientSecret: $dex.github.clientSecret\n    other: $argocd-secret:dex.x.clientSecret\n",
            &[],
        ),
        (
            "kubeconfig",
            "users:\n- name: admin\n  user:\n    token: abcdef1234567890abcdef\n    tokenFile: /x\n",
            &["4 named-secret"],
        ),
        ("sops.yaml", "password: ENC[AES256_GCM,data:abc,iv:def,tag:ghi,type:str]\n", &[]),
        ("settings.yaml", "settings.py: |\n  PASSWORD = 'hunter2'\n", &["2 named-secret"]),
        (
            "crd.yaml",
            "properties:\n  password:\n    type: string\n    description: The password to use\n    default: hunter2\n",
            &["5 named-secret"],
        ),
        ("config.yaml", "password: Password\nname: x\n", &[]),
        ("config.yaml", "\"password\": \"hunter2\"\n? x\n", &["1 named-secret"]),
        ("config.yaml", "url: jdbc:postgresql://db/shop?user=a&password=hunter2\n", &["1 named-secret"]),
        (
            "config.yaml",
            "password: op://vault/item/field\ntoken: projects/p/secrets/s/versions/1\nsecret: vault:secret/data/x#y\n",
            &[],
        ),
    ]);
}

#[test]
fn json_and_toml() {
    check(&[
        ("config.json", "{\n  \"db\": {\n    \"password\": \"hunter2\",\n    \"port\": 5432\n  }\n}\n", &["3 named-secret"]),
        (
            "config.json",
            "{\"db\":{\"password\":\"hunter2\",\"tokens\":[\"Xk29fLm83Qp01ZrT56Yw\"],\"passwordFile\":\"/x\"}}",
            &["1 named-secret", "1 named-secret"],
        ),
        ("config.json", "{\"inner\": \"{\\\"password\\\": \\\"hunter2\\\"}\"}", &["1 named-secret"]),
        ("config.json", "{\"password\": \"\\u0068unter2\"}", &["1 named-secret"]),
        (
            "config.json",
            "{\"env\": [{\"name\": \"DB_PASSWORD\", \"value\": \"hunter2\"}, {\"name\": \"A\", \"value\": \"b\"}]}",
            &["1 named-secret"],
        ),
        ("config.json", "{\"password\": null, \"token\": \"${TOKEN}\", \"secret\": true, \"passwordPolicy\": \"strong\"}", &[]),
        (".dockerconfigjson", "{\"auths\":{\"r.example.com\":{\"auth\":\"c2hvcDpodW50ZXIy\"}}}", &["1 http-credentials"]),
        (
            "config.json",
            "{\"auths\":{\"r.example.com\":{\"username\":\"shop\",\"password\":\"hunter2\"}}}",
            &["1 named-secret"],
        ),
        ("config.json", "{\"jwt\": {\"key\": \"abcdef123456\"}, \"secretRef\": {\"key\": \"password\"}}", &["1 named-secret"]),
        (
            "schema.json",
            "{\"password\": {\"type\": \"string\", \"title\": \"Password\"}, \"required\": [\"password\", \"token\"]}",
            &[],
        ),
        (
            "messages.json",
            "{\"password\": \"Password\", \"newPassword\": \"New password\", \"token_invalid\": \"Your token is invalid\"}",
            &[],
        ),
        (
            "dashboard.json",
            "{\"targets\":[{\"expr\":\"sum(rate(token_requests_total{job=\\\"shop\\\"}[5m]))\",\"refId\":\"A\"}],\"uid\":\"09ec8aa1e996d6ffcd6817bbaff4db1b\",\"title\":\"Tokens\"}",
            &[],
        ),
        ("args.json", "{\"command\": [\"redis-server\", \"--requirepass\", \"hunter2\"]}", &["1 named-secret"]),
        ("config.toml", "[database]\npassword = \"hunter2\" # x\nport = 5432\nuser = 'shop'\n", &["2 named-secret"]),
        (
            "config.toml",
            "db = { user = \"a\", password = \"hunter2\" }\ntokens = [\n  \"Xk29fLm83Qp01ZrT56Yw\",\n]\n",
            &["1 named-secret", "3 named-secret"],
        ),
        ("config.toml", "[[redis]]\npassword = '''hunter2'''\n", &["2 named-secret"]),
    ]);
}

#[test]
fn python() {
    check(&[
        (
            "settings.py",
            "SECRET_KEY = 'django-insecure-4w!9zq@t6#mj1v$yx0r8bk2^nh5&cf3(ld7)ps+ge=ua_io'\n",
            &["1 django-secret-key"],
        ),
        (
            "settings.py",
            "DATABASES = {\n    'default': {\n        'ENGINE': 'django.db.backends.postgresql',\n        'PASSWORD': 'hunter2',\n    }\n}\n",
            &["4 named-secret"],
        ),
        ("settings.py", "DATABASES = {'default': {'USER': 'shop', 'PASSWORD': os.environ['DB_PASSWORD']}}\n", &[]),
        ("settings.py", "SECRET_KEY = os.environ.get('SECRET_KEY', 'not-so-secret-1')\n", &["1 named-secret"]),
        ("settings.py", "SECRET_KEY = os.getenv(\"SECRET_KEY\", \"not-so-secret-1\")\n", &["1 named-secret"]),
        ("settings.py", "SECRET_KEY = env('SECRET_KEY', default='not-so-secret-1')\n", &["1 named-secret"]),
        ("settings.py", "SECRET_KEY = env(\n    'SECRET_KEY',\n    default='not-so-secret-1',\n)\n", &["3 named-secret"]),
        ("settings.py", "SECRET_KEY = config('SECRET_KEY')\nEMAIL_HOST_PASSWORD = env.str('EMAIL_HOST_PASSWORD')\n", &[]),
        ("settings.py", "SECRET_KEY = os.environ.get('SECRET_KEY') or 'not-so-secret-1'\n", &["1 named-secret"]),
        (
            "settings.py",
            "os.environ.setdefault('DB_PASSWORD', 'hunter2')\nos.environ['API_TOKEN'] = 'abcdef123456'\n",
            &["1 named-secret", "2 named-secret"],
        ),
        ("settings.py", "PASSWORD = (\n    'hunter2'\n    'hunter3'\n)\nX = 'y'\n", &["2 named-secret"]),
        ("settings.py", "PASSWORD = \"\"\"hunter2\"\"\"\n", &["1 named-secret"]),
        ("settings.py", "PASSWORD: str = 'hunter2'\n", &["1 named-secret"]),
        ("settings.py", "# PASSWORD = 'hunter2'\nX = 1  # token = 'abcdef123456'\n", &[]),
        ("settings.py", "DATABASE_URL = f'postgres://{user}:{password}@{host}/shop'\nB = 'amqp://%s:%s@mq//' % (u, p)\n", &[]),
        ("settings.py", "BROKER = 'amqp://shop:hunter2@mq//'\n", &["1 credentials-in-url"]),
        ("settings.py", "conn = connect(host='db', user='shop', password='hunter2')\n", &["1 named-secret"]),
        ("settings.py", "conn = connect(password=password, token=get_token('shop', 'x'))\n", &[]),
        ("settings.py", "FIELDS = ['password', 'token']\nlabels = {'password': 'Password', 'token': 'Enter the token'}\n", &[]),
        ("settings.py", "if password == 'hunter2':\n    pass\n", &[]),
        (
            "settings.py",
            "def login(username, password=''):\n    '''Log in with password: the one given.'''\n    token = request.GET.get('token')\n",
            &[],
        ),
        (
            "settings.py",
            "AUTH_PASSWORD_VALIDATORS = [\n    {'NAME': 'django.contrib.auth.password_validation.MinimumLengthValidator'},\n]\nPASSWORD_HASHERS = ['django.contrib.auth.hashers.Argon2PasswordHasher']\n",
            &[],
        ),
        ("settings.py", "SECRET_KEY_FALLBACKS = ['abcdef123456', 'x9y8z7w6']\n", &["1 named-secret", "1 named-secret"]),
        ("settings.py", "password = get_secret('shop', 'db-password')\ntoken = vault.read('secret/data/shop', 'token')\n", &[]),
        ("settings.py", "password = hashlib.sha256('x'.encode()).hexdigest()\nlogger.info('password: %s', password)\n", &[]),
        (
            "app.py",
            "subprocess.run(['mysql', '-uroot', '-phunter2'])\nos.system('curl -u shop:hunter2 https://x')\n",
            &["1 named-secret", "2 http-credentials"],
        ),
        ("app.py", "headers = {'Authorization': 'Bearer abcdef123456', 'X': 'Bearer ' + token}\n", &["1 http-credentials"]),
        (
            "jupyter.py",
            "c.NotebookApp.token = ''\nc.NotebookApp.password = 'argon2:$argon2id$v=19$m=10240,t=10,p=8$abc'\n",
            &[],
        ),
        ("superset_config.py", "SECRET_KEY = 'thisISaSECRET_1234'\n", &["1 named-secret"]),
    ]);
}

#[test]
fn other_programs() {
    check(&[
        (
            "config.js",
            "const password = 'hunter2';\nmodule.exports = { token: process.env.TOKEN || 'abcdef123456' };\n",
            &["1 named-secret", "2 named-secret"],
        ),
        (
            "config.js",
            "// const password = 'hunter2';\n/* token: 'abcdef123456' */\nconst url = 'http://x/y'; // password = 'x1'\n",
            &[],
        ),
        ("config.ts", "const password: string = \"hunter2\";\nlet token: string | undefined;\n", &["1 named-secret"]),
        (
            "app.js",
            "if (token === 'abc123') { headers['X-Token'] = token; fetch(u, {headers: {Authorization: 'Bearer ' + token, 'X-Api-Key': key}}); }\n",
            &[],
        ),
        ("app.js", "var t = \"don't\"; var p = document.getElementById('password').value; $('#token').val();\n", &[]),
        (
            "wp-config.php",
            "<?php\ndefine('DB_USER', 'wp');\ndefine('DB_PASSWORD', 'hunter2');\ndefine( 'AUTH_KEY',  'put your unique phrase here' );\n",
            &["3 named-secret", "4 placeholder-secret"],
        ),
        (
            "config.inc.php",
            "<?php\n$cfg['blowfish_secret'] = 'hunter2hunter2';\n$config = ['password' => 'hunter2'];\n",
            &["2 named-secret", "3 named-secret"],
        ),
        ("wp-config.php", "<?php\ndefine('DB_PASSWORD', getenv('WORDPRESS_DB_PASSWORD'));\n", &[]),
        (
            "init.lua",
            "-- password = 'hunter2'\nlocal password = \"hunter2\"\nlocal token = ngx.var.http_token\n",
            &["2 named-secret"],
        ),
        (
            "main.go",
            "package main\n\nvar password = \"hunter2\"\nfunc f(token string) error { return errors.New(\"token: invalid\") }\n",
            &["3 named-secret"],
        ),
        ("terraform.tfvars", "db_password = \"hunter2\"\nregion = \"eu\"\n", &["1 named-secret"]),
        (
            "main.tf",
            "variable \"db_password\" {\n  type    = string\n  default = \"hunter2\"\n}\nresource \"x\" \"y\" {\n  password = var.db_password\n  token = \"${var.token}\"\n}\n",
            &["3 named-secret"],
        ),
        ("database.yml", "production:\n  password: <%= ENV['DB_PASSWORD'] %>\n", &[]),
        (
            "secrets.rb",
            "Rails.application.config.secret_key_base = 'abcdef0123456789abcdef'\nx = ENV.fetch('API_TOKEN', 'abcdef123456')\n",
            &["1 named-secret", "2 named-secret"],
        ),
        (
            "App.java",
            "props.setProperty(\"db.password\", \"hunter2\");\nString password = System.getenv(\"PASSWORD\");\nmap.put(\"password\", \"hunter3\");\n",
            &["1 named-secret", "3 named-secret"],
        ),
        (
            "init.sql",
            "CREATE USER shop IDENTIFIED BY 'hunter2';\n-- CREATE USER x IDENTIFIED BY 'hunter3';\nCREATE TABLE users (id int, password varchar(255) not null, token text);\n",
            &["1 named-secret"],
        ),
        (
            "init.sql",
            "ALTER ROLE shop WITH PASSWORD 'hunter2';\nSELECT password FROM users WHERE token = 'x';\n",
            &["1 named-secret"],
        ),
    ]);
}

#[test]
fn shell_scripts() {
    check(&[
        (
            "run.sh",
            "#!/bin/sh\nexport DB_PASSWORD=hunter2\nPGPASSWORD=hunter2 psql -h db\ncurl -u shop:hunter2 https://x\n",
            &["2 named-secret", "3 named-secret", "4 http-credentials"],
        ),
        ("run.sh", "export DB_PASSWORD=$(cat /run/secrets/db)\nTOKEN=`cat x`\nPASSWORD=\"$1\"\nAPI_TOKEN=${API_TOKEN}\n", &[]),
        ("run.sh", "echo \"Password: $PASSWORD\"\nread -s -p \"Password: \" PASSWORD\nprintf 'token: %s\\n' \"$TOKEN\"\n", &[]),
        ("run.sh", "cat > /etc/x <<EOF\n[db]\npassword = hunter2\ntoken: ${TOKEN}\nEOF\n", &["3 named-secret"]),
        ("run.sh", "mysql -uroot -phunter2 -e 'select 1'\nmysql -uroot -p\"$PW\"\nmkdir -p /a/b\n", &["1 named-secret"]),
        ("run.sh", "# mysql -phunter2\nhelm install --set auth.password=hunter2 x\n", &["2 named-secret"]),
        (
            "run.sh",
            "if [ \"$PASSWORD\" = \"\" ]; then exit 1; fi\n[ -z \"$TOKEN\" ] && TOKEN=abcdef123456\n",
            &["2 named-secret"],
        ),
        (
            "run.sh",
            "vault login -method=token token=\"$VAULT_TOKEN\"\nkubectl create secret generic x --from-literal=password=hunter2\n",
            &["2 named-secret"],
        ),
        (
            "Dockerfile",
            "FROM python\nENV DB_PASSWORD=hunter2\nENV API_TOKEN abcdef123456\nARG NPM_TOKEN\n",
            &["2 named-secret", "3 named-secret"],
        ),
    ]);
}

#[test]
fn servers() {
    check(&[
        (
            "redis.conf",
            "# requirepass foobared\nport 6379\nrequirepass hunter2\nmasterauth hunter2\nuser shop on >hunter2 ~* +@all\nuser x off nopass\n",
            &["3 named-secret", "4 named-secret", "5 named-secret"],
        ),
        ("users.acl", "user default on #d74ff0ee8da3b9806b18c877dbf29bbde50b5bd8e4dad7a3a725000feb82e8f1 ~* +@all\n", &[]),
        (
            "nginx.conf",
            "server {\n  proxy_set_header Authorization \"Basic c2hvcDpodW50ZXIy\";\n  proxy_set_header Host $host;\n  proxy_set_header X-Token $http_x_token;\n  auth_basic_user_file /etc/nginx/.htpasswd;\n  ssl_password_file /x;\n  ssl_session_tickets off;\n  set $db_password \"hunter2\";\n}\n",
            &["2 http-credentials", "8 named-secret"],
        ),
        (
            "userlist.txt",
            "\"shop\" \"hunter2\"\n\"app\" \"md5d8578edf8458ce06fbc5bb76a58c5ca4\"\n\"b\" \"SCRAM-SHA-256$4096:abc=$def=:ghi=\"\n",
            &["1 http-credentials"],
        ),
        (
            ".pgpass",
            "# host:port\ndb:5432:shop:shop:hunter2\n*:*:*:x:pass\\:word\n",
            &["2 http-credentials", "3 http-credentials"],
        ),
        (
            ".netrc",
            "machine github.com login shop password hunter2\nmachine x\n  login y\n  password hunter3\n",
            &["1 named-secret", "4 named-secret"],
        ),
        (
            ".htpasswd",
            "shop:$apr1$abc$defghijklmnopqrstuvwx/\nadmin:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\nold:rqXexS6ZhobKA\n",
            &[],
        ),
        (".htpasswd", "shop:{PLAIN}hunter2\n", &["1 http-credentials"]),
        ("htpasswd", "shop:$2y$10$abcdefghijklmnopqrstuuOHxYv0Dk2bN6sG5e1f2g3h4i5j6k7l8m", &[]),
        ("passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/sbin/nologin\n", &[]),
        (
            "haproxy.cfg",
            "listen stats\n  stats auth admin:hunter2\nuserlist x\n  user a insecure-password hunter2\n  user b password $5$abc$def\n",
            &["2 http-credentials", "4 named-secret"],
        ),
        (
            "fluent.conf",
            "<match **>\n  @type elasticsearch\n  user fluentd\n  password hunter2\n</match>\n",
            &["4 named-secret"],
        ),
        (
            "fluent.conf",
            "<match **>\n  password \"#{ENV['ES_PASSWORD']}\"\n  <auth>\n    shared_key hunter2hunter2\n  </auth>\n</match>\n",
            &["4 named-secret"],
        ),
        ("logstash.conf", "output { elasticsearch {\n  user => \"x\"\n  password => \"hunter2\"\n} }\n", &["3 named-secret"]),
        ("rabbitmq.conf", "default_user = shop\ndefault_pass = hunter2\n", &["2 named-secret"]),
        ("slapd.conf", "rootdn \"cn=admin\"\nrootpw hunter2\n", &["2 named-secret"]),
        (
            "rndc.key",
            "key \"rndc-key\" {\n  algorithm hmac-sha256;\n  secret \"Xk29fLm83Qp01ZrT56YwXk29fLm83Qp01ZrT56YwXk2=\";\n};\n",
            &["3 named-secret"],
        ),
        ("sshd_config", "PasswordAuthentication no\nPermitEmptyPasswords no\nKbdInteractiveAuthentication no\n", &[]),
        (
            "pg_hba.conf",
            "# TYPE DATABASE USER ADDRESS METHOD\nhost all all 0.0.0.0/0 scram-sha-256\nlocal all all password\n",
            &[],
        ),
        (
            "postgresql.conf",
            "password_encryption = scram-sha-256\nprimary_conninfo = 'host=db user=repl password=hunter2'\n",
            &["2 named-secret"],
        ),
        ("Corefile", ".:53 {\n    errors\n    kubernetes cluster.local in-addr.arpa\n    forward . /etc/resolv.conf\n}\n", &[]),
        ("motd.txt", "Welcome. Your password reset token is sent by mail.\nToken bucket\nPassword reset\n", &[]),
        (
            "README.md",
            "Set `password: hunter2` first.\n\n| password | the password |\n\n- token: the token to use\n",
            &["1 named-secret"],
        ),
    ]);
}

#[test]
fn markup() {
    check(&[
        ("config.xml", "<db>\n  <user>shop</user>\n  <password>hunter2</password>\n</db>\n", &["3 named-secret"]),
        (
            "tomcat-users.xml",
            "<?xml version=\"1.0\"?>\n<tomcat-users>\n  <user username=\"admin\" password=\"hunter2\" roles=\"manager\"/>\n</tomcat-users>\n",
            &["3 named-secret"],
        ),
        (
            "hibernate.xml",
            "<property name=\"hibernate.connection.password\">hunter2</property>\n<property name=\"url\">jdbc:x</property>\n",
            &["1 named-secret"],
        ),
        (
            "core-site.xml",
            "<configuration>\n<property>\n<name>fs.s3a.secret.key</name>\n<value>abcdef123456</value>\n</property>\n</configuration>\n",
            &["4 named-secret"],
        ),
        (
            "web.config",
            "<?xml version=\"1.0\"?>\n<configuration><appSettings><add key=\"ApiKey\" value=\"abcdef123456\"/>\n<add name=\"Db\" connectionString=\"Server=db;Password=hunter2;\"/></appSettings></configuration>\n",
            &["2 named-secret", "3 named-secret"],
        ),
        (
            "app.plist",
            "<plist><dict><key>password</key><string>hunter2</string><key>x</key><string>y</string></dict></plist>\n",
            &["1 named-secret"],
        ),
        (
            "settings.xml",
            "<servers><server><id>x</id><username>u</username><password>${env.PASSWORD}</password></server></servers>\n",
            &[],
        ),
        (
            "index.html",
            "<!DOCTYPE html>\n<label for=\"password\">Password</label>\n<input type=\"password\" name=\"password\" id=\"password\" placeholder=\"Password\">\n<input type=\"hidden\" name=\"csrf_token\" value=\"\">\n<a id=\"token\">Get a token</a>\n",
            &[],
        ),
        (
            "log4j2.xml",
            "<Configuration><!-- <password>hunter2</password> -->\n<PatternLayout pattern=\"%d %m%n\"/></Configuration>\n",
            &[],
        ),
        ("x.xml", "<password><![CDATA[hunter2]]></password>", &["1 named-secret"]),
    ]);
}

#[test]
fn keys_and_encodings() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA0000111122223333444455556666777788889999\n-----END RSA PRIVATE KEY-----\n";
    check(&[
        ("tls.key", key, &["1 private-key"]),
        ("id_rsa", &format!("\n\n{key}"), &["3 private-key"]),
        (
            "config.yaml",
            &format!("a: 1\ntls:\n  key: |\n{}", key.replace('\n', "\n    ").replace("-----BEGIN", "    -----BEGIN")),
            &["4 private-key"],
        ),
        (
            "tls.crt",
            "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQsw\n-----END CERTIFICATE-----\n",
            &[],
        ),
        (
            "dh.pem",
            "-----BEGIN DH PARAMETERS-----\nMIIBCAKCAQEA0000111122223333444455556666777788889999\n-----END DH PARAMETERS-----\n",
            &[],
        ),
        ("id_rsa.pub", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC0000 shop@example.com\n", &[]),
        (
            "jwks.json",
            "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"abc\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc\",\"e\":\"AQAB\"}]}",
            &[],
        ),
        // base64 of `password=hunter2` and of a line with a token, percent-encoded.
        ("a.ini", "x = y\nblob = cGFzc3dvcmQ9aHVudGVyMg==\n", &["2 named-secret"]),
        ("a.ini", "x = 100%\nblob = a%20b\nu = postgres%3A%2F%2Fshop%3Ahunter2%40db%2Fshop\n", &["3 credentials-in-url"]),
        (
            "keystore.jks",
            "/u3+7QAAAAIAAAABAAAAAQAFbXlrZXkAAAGAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            &["0 private-key"],
        ),
    ]);
}

fn binary(key: &str, content: &[u8]) -> Result<Vec<String>, super::NotBase64> {
    let mut found = Vec::new();
    let encoded = super::super::tests::base64(content);
    SCANNER.binary_file(key, &encoded, &mut |line, secret| found.push(format!("{line} {}", secret.rule.id)))?;
    Ok(found)
}

#[test]
fn binary_data() {
    let utf16 = |text: &str, mark: bool| {
        let units = mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    let mut der = vec![0x30, 0x82, 9, 0, 2, 1, 3, 0x30];
    der.extend([7; 100]);
    let mut trust = vec![0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 2, b'c', b'a', 0, 0, 0, 0, 0, 0, 0, 0];
    trust.extend([0, 5, b'X', b'.', b'5', b'0', b'9', 0, 0, 0, 4, 1, 2, 3, 4]);
    let mut private = trust.clone();
    private[15] = 1;
    let noise: Vec<u8> = (0..4000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut hidden = noise.clone();
    hidden.extend(b" AKIAQNOTISSUED234567 ");
    for (key, content, expected) in [
        ("a.env", b"A=1\nDB_PASSWORD=hunter2\n".to_vec(), &["2 named-secret"][..]),
        ("a.env", utf16("A=1\r\nDB_PASSWORD=hunter2\r\n", true), &["2 named-secret"]),
        ("a.env", utf16("A=1\nDB_PASSWORD=hunter2\n", false), &["2 named-secret"]),
        ("a.env", b"N=M\xFCller\nDB_PASSWORD=hunter2\n".to_vec(), &["2 named-secret"]),
        ("keystore.p12", der.clone(), &["0 private-key"]),
        ("truststore.p12", der, &[]),
        ("truststore.jks", trust, &[]),
        ("keystore.jks", private, &["0 private-key"]),
        ("key.der", [&[0x30, 0x82, 4, 0xA4, 2, 1, 0, 2, 0x82, 1, 1][..], &noise].concat(), &["0 private-key"]),
        ("x.keytab", [&[5, 2, 0, 0, 0, 60][..], &noise].concat(), &["0 private-key"]),
        ("logo.png", [&b"\x89PNG\r\n\x1a\n"[..], &noise].concat(), &[]),
        ("blob", hidden, &[]),
        ("empty", Vec::new(), &[]),
    ] {
        let found = binary(key, &content).unwrap();
        // What looks like a token in the middle of noise is found where a word begins.
        if key == "blob" {
            assert_eq!(found.last().map(String::as_str).unwrap_or_default().split(' ').next_back(), Some("aws-access-key"));
        } else {
            assert_eq!(found, expected, "{key}");
        }
    }
    for broken in ["%", "abc", "YWJj=", "YWJj\u{e9}", "YW Jj", "====", "YW=Jj", "YW-_"] {
        assert_eq!(SCANNER.binary_file("x", broken, &mut |_, _| {}), Err(super::NotBase64), "{broken}");
    }
    assert_eq!(SCANNER.binary_file("x", "YWJj\nYWI=\n", &mut |_, _| {}), Ok(()));
}

/// What is written in more ways than one.
#[test]
fn more_of_what_people_write() {
    check(&[
        (
            "settings.py",
            "env = environ.Env(DEBUG=(bool, False), SECRET_KEY=(str, 'kestrel-over-harbour'))\nX = 1\n",
            &["1 named-secret"],
        ),
        (
            "settings.py",
            "SECRET_KEY = 'a' if DEBUG else 'kestrel-over-harbour'\nPIN_PASSWORD = 12345678\n",
            &["1 named-secret", "2 named-secret"],
        ),
        ("config.json", "{\n\"dbPassword\": 12345678,\n\"passwordLength\": 12345678\n}", &["2 named-secret"]),
        ("config.yaml", "users:\n  passwords: [kestrel91, kestrel92]\n", &["2 named-secret", "2 named-secret"]),
        ("compose.yaml", "environment:\n- A=${DB_PASSWORD:-kestrel91}\n- B=${DB_PASSWORD}\n", &["2 named-secret"]),
        (
            "run.sh",
            ": \"${DB_PASSWORD:=kestrel91}\"\n: ${DB_PASSWORD:?must be set}\nTOKEN=\"${VAULT_TOKEN:-}\"\n",
            &["1 named-secret"],
        ),
        ("run.sh", "psql <<SQL\nALTER USER shop WITH PASSWORD 'kestrel91';\nSQL\n", &["2 named-secret"]),
        (
            "run.sh",
            "echo \"Usage: $0 --password PASSWORD --token TOKEN\"\necho \"token: missing\"\nsed -i \"s|__PASSWORD__|$PW|\" x\n",
            &[],
        ),
        ("sasl_passwd", "[smtp.example.com]:587 shop@example.com:kestrel91\n# x y:z\n", &["1 http-credentials"]),
        ("ipsec.secrets", ": PSK \"kestrel91\"\n", &["1 named-secret"]),
        ("main.cf", "smtp_sasl_auth_enable = yes\nsmtpd_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n", &[]),
        (
            "app.py",
            "data = {'token': token, 'password': '***', 'secret': client.secret}\nassert token != 'not-issued-0000'\n",
            &[],
        ),
        ("externalsecret.yaml", "data:\n- secretKey: password\n  remoteRef: {key: shop/db, property: password}\n", &[]),
        (
            "pod.yaml",
            "volumes:\n- name: tls\n  secret:\n    secretName: shop-tls\n    items:\n    - key: tls.key\n      path: tls.key\n",
            &[],
        ),
        (
            "agent.hcl",
            "template {\n  contents = <<EOT\n{{ with secret \"secret/data/shop\" }}DB_PASSWORD={{ .Data.data.password }}{{ end }}\nEOT\n}\n",
            &[],
        ),
    ]);
}

/// Texts that make a careless reader walk the same characters again and again. Each takes milliseconds here, and would take
/// hours if it did not.
#[test]
fn hostile_files_are_walked_once() {
    for unit in [
        "\n",
        ",",
        "=",
        ":",
        "'",
        "\"",
        "`",
        "'''",
        "\"\"\"",
        "[",
        "{",
        "(",
        "<",
        "\\",
        "\\'",
        "'\\'",
        "#",
        " #",
        "/*",
        "<!--",
        "<a ",
        "<a b=\"",
        "- ",
        "-\n",
        "a\n",
        "a:\n",
        " a:\n",
        "a: |\n",
        "password:\n",
        "password: |\n\n",
        "password: [",
        "password: \"",
        "password=a ",
        "a=b,",
        "password \n",
        "password x\n",
        "user on >x ",
        "machine x login y password z ",
        "name: password\n",
        "[a]\n",
        "x = '",
        "{\"password\":\"x\",",
        "\"name\":\"password\",",
        "<name>password</name>",
        "<![CDATA[",
        "QUJD",
        "%41",
        "$(",
        "'a' ",
        "f'",
        "password = (\n",
        "password || 'x' ",
        "&",
        " -p",
        "--a ",
        "set ",
        "stats auth ",
        "é",
        "\r",
    ] {
        let text = unit.repeat(50_000 / unit.len());
        for key in ["a.yaml", "a.py", "a.js", "a.xml", "a.sh", "a", ".pgpass", "password", "userlist.txt", "a.md", "a.lua"] {
            let mut count = 0usize;
            SCANNER.file(key, &text, &mut |_, _| count += 1);
            assert!(count <= text.len());
        }
    }
    // One base64 in the other, many times over.
    let mut nested = "password=hunter2".to_owned();
    while nested.len() < 700_000 {
        nested = super::super::tests::base64(nested.as_bytes());
    }
    SCANNER.file("a", &nested, &mut |_, _| {});
    // Indentation that grows.
    let deep: String = (0..2000).map(|depth| format!("{}a{depth}:\n", " ".repeat(depth % 300))).collect();
    SCANNER.file("a.yaml", &deep, &mut |_, _| {});
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn never_panics(key in any::<String>(), text in any::<String>(), bytes in any::<Vec<u8>>()) {
        SCANNER.file(&key, &text, &mut |_, _| {});
        let _ = SCANNER.binary_file(&key, &text, &mut |_, _| {});
        let _ = binary(&key, &bytes);
    }

    #[test]
    fn lines_are_those_of_the_text(index in 0..9usize, text in "([a-z=:/@'\"`\\\\$({<\\[>})&;% \n\r#|-]|password|PASSWORD = |: |é|\"name\"|<value>|'''|hunter2){0,60}") {
        let keys = ["a.yaml", "a.py", "a.js", "a.xml", "a.sh", "a", ".pgpass", "password", "userlist.txt"];
        let lines = text.split('\n').count();
        let mut before = 0;
        SCANNER.file(keys[index], &text, &mut |line, _| {
            assert!(line >= before && line <= lines);
            before = line;
        });
    }

    #[test]
    fn a_message_says_nothing_of_the_secret(password in "[A-Za-z0-9]{8,30}") {
        for (key, text) in [
            ("a.yaml", format!("db:\n  password: {password}\n  args: [--token, {password}]\n")),
            ("a.py", format!("X = {{'PASSWORD': '{password}'}}\nY = env('TOKEN', default='{password}')\n")),
            ("a.xml", format!("<a><password>{password}</password><b name=\"token\" value=\"{password}\"/></a>")),
            ("a.sh", format!("export TOKEN={password}\nmysql -p{password}\n: ${{TOKEN:-{password}}}\n")),
            (".pgpass", format!("db:5432:a:b:{password}\n")),
            (".netrc", format!("machine a login b password {password}\n")),
            ("redis.conf", format!("requirepass {password}\nuser a on >{password}\n")),
            ("a", super::super::tests::base64(format!("password={password}\n").as_bytes())),
        ] {
            SCANNER.file(key, &text, &mut |_, secret| {
                let mut said = secret.prefix.to_owned();
                secret.describe(&mut said);
                for start in 0..password.len().saturating_sub(5) {
                    assert!(!said.contains(&password[start..start + 6]), "{key}: {said}");
                }
            });
        }
    }

    #[test]
    fn a_password_in_any_file_is_found_on_its_line(before in "([a-c]{1,8}: [a-z0-9]{1,8}\n){0,5}", password in "[A-Z][a-z]{4,8}[0-9]{2,4}[!-]") {
        let line = before.matches('\n').count() + 1;
        let text = format!("{before}db_password: {password}\nlast: 1\n");
        prop_assert_eq!(found("a.yaml", &text), [format!("{line} named-secret")]);
        let text = format!("{}db_password = \"{password}\"\n", before.replace(": ", " = "));
        prop_assert_eq!(found("a.ini", &text), [format!("{line} named-secret")]);
    }
}
