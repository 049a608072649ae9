//! The rules that the detectors report: one for each family of providers, and one for each other way to give a secret away.

use crate::report::{Rule, Severity};

const REVOKE: &str = "revoke it, since whoever read the manifest has it, and put the new one into a Secret";
const MOVE: &str = "put it into a Secret, and refer to that";
const OWASP: &str = "OWASP Kubernetes Top 10 K08:2022 Secrets Management Failures; CIS Kubernetes Benchmark 5.4";

const fn provider(id: &'static str, summary: &'static str) -> Rule {
    Rule { id, severity: Severity::Deny, summary, remedy: REVOKE, source: OWASP }
}

const fn literal(id: &'static str, summary: &'static str) -> Rule {
    Rule { id, severity: Severity::Deny, summary, remedy: MOVE, source: OWASP }
}

/// Amazon Web Services.
pub const AWS: Rule = provider("aws-access-key", "access keys of Amazon Web Services stand in no manifest");
/// Google Cloud.
pub const GCP: Rule =
    provider("gcp-credential", "service account keys, API keys and OAuth secrets of Google Cloud stand in no manifest");
/// Microsoft Azure.
pub const AZURE: Rule =
    provider("azure-credential", "account keys, signatures and client secrets of Azure stand in no manifest");
/// Other clouds, platforms and databases as a service.
pub const CLOUD: Rule = provider("cloud-token", "tokens of clouds and hosting platforms stand in no manifest");
/// GitHub.
pub const GITHUB: Rule = provider("github-token", "GitHub tokens stand in no manifest");
/// GitLab.
pub const GITLAB: Rule = provider("gitlab-token", "GitLab tokens stand in no manifest");
/// Slack: tokens and incoming webhooks.
pub const SLACK: Rule = provider("slack-token", "Slack tokens and webhook addresses stand in no manifest");
/// Other chats: Discord, Telegram, Microsoft Teams.
pub const CHAT: Rule = provider("chat-token", "bot tokens and webhook addresses of chats stand in no manifest");
/// Payment and shops: Stripe, Square, Shopify and others.
pub const PAYMENT: Rule = provider("payment-key", "keys of payment providers and shops stand in no manifest");
/// Mail and messages: SendGrid, Mailgun, Twilio and others.
pub const MAIL: Rule = provider("mail-key", "keys of mail and message services stand in no manifest");
/// Package registries: npm, PyPI and others.
pub const REGISTRY: Rule = provider("registry-token", "tokens of package and image registries stand in no manifest");
/// Model providers: OpenAI, Anthropic, Hugging Face and others.
pub const MODEL: Rule = provider("ai-api-key", "API keys of model providers stand in no manifest");
/// Monitoring: Sentry, Grafana, New Relic and others.
pub const MONITORING: Rule = provider("monitoring-token", "tokens of monitoring services stand in no manifest");
/// Secret managers and infrastructure as code: Vault, Doppler, 1Password, Terraform, Pulumi.
pub const MANAGER: Rule = provider("vault-token", "tokens of secret managers and infrastructure tools stand in no manifest");
/// Tools of development teams: Linear, Postman, Notion, Atlassian and others.
pub const TOOL: Rule = provider("tool-token", "tokens of development and office tools stand in no manifest");
/// JSON Web Tokens.
pub const JWT: Rule = provider("json-web-token", "JSON Web Tokens stand in no manifest");
/// Private keys: PEM, OpenSSH, PGP, age.
pub const PRIVATE_KEY: Rule = provider("private-key", "private keys stand in no manifest");
/// Django's signing key.
pub const DJANGO: Rule = Rule {
    id: "django-secret-key",
    severity: Severity::Deny,
    summary: "Django's SECRET_KEY stands in no manifest, and one that startproject made serves no production",
    remedy: "make a new key, and put it into a Secret",
    source: "Django deployment checklist: SECRET_KEY; check security.W009",
};
/// User and password inside of a URL or a data source name.
pub const URL: Rule = literal("credentials-in-url", "a URL or data source name holds no password");
/// What an `Authorization` header carries.
pub const HTTP: Rule =
    literal("http-credentials", "an Authorization header, a basic-auth pair or registry login is not written out");
/// A name that promises a secret, with a literal value.
pub const NAMED: Rule =
    literal("named-secret", "a variable, flag, header or field that is named like a secret has no literal value");
/// A value that someone was meant to replace.
pub const PLACEHOLDER: Rule = Rule {
    id: "placeholder-secret",
    severity: Severity::Warn,
    summary: "a secret is not left at the value that a template put there",
    remedy: "refer to a Secret that holds the real value; a placeholder that works is a password that everyone knows",
    source: "CWE-1392 Use of Default Credentials",
};
/// A value that a provider's documentation prints.
pub const EXAMPLE: Rule = Rule {
    id: "example-secret",
    severity: Severity::Warn,
    summary: "a credential from a provider's documentation is left in no manifest",
    remedy: "remove it, or refer to a Secret that holds the real one",
    source: "CWE-1392 Use of Default Credentials",
};
/// A pattern of the settings.
pub const CUSTOM: Rule = literal("custom-pattern", "nothing stands in a manifest that the setting extraPatterns describes");
/// The last resort.
pub const ENTROPY: Rule =
    literal("high-entropy", "no value is as random as a key; looked at only where the setting entropyThreshold is given");

/// All of them: what a policy that uses the detectors names as its own.
pub const ALL: &[Rule] = &[
    AWS,
    GCP,
    AZURE,
    CLOUD,
    GITHUB,
    GITLAB,
    SLACK,
    CHAT,
    PAYMENT,
    MAIL,
    REGISTRY,
    MODEL,
    MONITORING,
    MANAGER,
    TOOL,
    JWT,
    PRIVATE_KEY,
    DJANGO,
    URL,
    HTTP,
    NAMED,
    PLACEHOLDER,
    EXAMPLE,
    CUSTOM,
    ENTROPY,
];

/// Whether what breaks the rule was issued by someone who can revoke it.
pub fn is_issued(rule: &Rule) -> bool {
    rule.remedy == REVOKE
}
