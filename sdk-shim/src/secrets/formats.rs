//! Tokens that are known by their form: a prefix, a character set, a length, sometimes a checksum.
//!
//! The forms are those that the providers document, or their secret-scanning partners do. Lengths are a little more generous
//! than today's tokens, since providers lengthen them without notice.

use super::bytes::{
    ALNUM, BASE64, DASH, DIGIT, DJANGO_KEY, DOT, HEX, SETS, Set, TILDE, UPPER, WEB, WORD, at, contains, cut, is, run, run_back,
    variety,
};
use super::rules::*;
use super::{Found, Span, encoding, hash, values};
use crate::report::Rule;

/// The form of a token: a public prefix, a run of characters, and what follows it.
struct Format {
    rule: &'static Rule,
    what: &'static str,
    /// Where the token begins. It is public: messages may show it.
    prefix: &'static str,
    body: Run,
    rest: &'static [Part],
    check: Check,
}

/// Characters of a set: at least so many, at most so many.
struct Run(Set, u16, u16);

/// What follows the first run.
enum Part {
    /// These very characters.
    Is(&'static str),
    /// A run.
    Has(Run),
}

/// What a token's form alone does not say.
enum Check {
    No,
    /// The last six characters are a CRC32 of those before them, in base 62.
    Checksum,
    /// The first part is base64 of a JSON object that names an algorithm.
    Jwt,
    /// In its middle stands what OpenAI marks its keys with.
    OpenAi,
    /// Letters and digits alternate in it: no word in any language.
    Mixed,
    /// It has capitals and small letters.
    Cased,
    /// It is base64 of a user and a password.
    Pair,
}

use Check::{Cased, Checksum, Jwt, Mixed, OpenAi, Pair};
use Part::{Has, Is};

/// There is no longest.
const ANY: u16 = u16::MAX;

const fn form(rule: &'static Rule, what: &'static str, prefix: &'static str, body: Run) -> Format {
    parts(rule, what, prefix, body, &[])
}

const fn parts(rule: &'static Rule, what: &'static str, prefix: &'static str, body: Run, rest: &'static [Part]) -> Format {
    Format { rule, what, prefix, body, rest, check: Check::No }
}

const fn checked(rule: &'static Rule, what: &'static str, prefix: &'static str, body: Run, check: Check) -> Format {
    Format { rule, what, prefix, body, rest: &[], check }
}

const DISCORD_REST: &[Part] = &[Is("."), Has(Run(DASH, 6, 6)), Is("."), Has(Run(DASH, 27, 45))];
const BRAINTREE_REST: &[Part] = &[Is("$"), Has(Run(HEX, 32, 32))];
const WEBHOOK_REST: &[Part] = &[Is("/"), Has(Run(DASH, 40, 90))];
/// What follows the first eight digits of a UUID.
const UUID_REST: &[Part] =
    &[Is("-"), Has(Run(HEX, 4, 4)), Is("-"), Has(Run(HEX, 4, 4)), Is("-"), Has(Run(HEX, 4, 4)), Is("-"), Has(Run(HEX, 12, 12))];
const HARNESS_REST: &[Part] = &[Is("."), Has(Run(ALNUM, 24, 24)), Is("."), Has(Run(ALNUM, 20, 20))];
const SLACK_LONG: &[Part] = &[Is("-"), Has(Run(DASH, 40, 250))];
const SLACK_REST: &[Part] = &[Is("-"), Has(Run(DASH, 10, 80))];

/// Of two prefixes where one begins with the other, the longer stands first.
const FORMATS: &[Format] = &[
    // Clouds
    form(&AWS, "an AWS access key id", "AKIA", Run(UPPER, 16, 16)),
    form(&AWS, "a temporary AWS access key id", "ASIA", Run(UPPER, 16, 16)),
    form(&AWS, "an AWS bearer token id", "ABIA", Run(UPPER, 16, 16)),
    form(&AWS, "an AWS context key id", "ACCA", Run(UPPER, 16, 16)),
    form(&AWS, "an Amazon Bedrock API key", "ABSK", Run(BASE64, 109, 280)),
    form(&AWS, "a short-lived Amazon Bedrock API key", "bedrock-api-key-", Run(BASE64, 28, ANY)),
    parts(&AWS, "an Amazon Marketplace token", "amzn.mws.", Run(HEX, 8, 8), UUID_REST),
    form(&GCP, "a Google API key", "AIza", Run(DASH, 35, 35)),
    form(&GCP, "a Google OAuth client secret", "GOCSPX-", Run(DASH, 24, 40)),
    form(&GCP, "a Google OAuth access token", "ya29.", Run(DASH, 20, ANY)),
    form(&CLOUD, "a DigitalOcean access token", "dop_v1_", Run(HEX, 64, 64)),
    form(&CLOUD, "a DigitalOcean OAuth token", "doo_v1_", Run(HEX, 64, 64)),
    form(&CLOUD, "a DigitalOcean refresh token", "dor_v1_", Run(HEX, 64, 64)),
    form(&CLOUD, "an Alibaba Cloud access key id", "LTAI", Run(ALNUM, 12, 26)),
    form(&CLOUD, "a Yandex Cloud API key", "AQVN", Run(DASH, 35, 38)),
    form(&CLOUD, "a Heroku API key", "HRKU-", Run(DASH, 36, 70)),
    form(&CLOUD, "a Fly.io access token", "fo1_", Run(DASH, 43, 43)),
    form(&CLOUD, "a Fly.io access token", "fm2_", Run(BASE64, 100, ANY)),
    form(&CLOUD, "a Fly.io access token", "fm1a_", Run(BASE64, 100, ANY)),
    form(&CLOUD, "a Fly.io access token", "fm1r_", Run(BASE64, 100, ANY)),
    checked(&CLOUD, "a ClickHouse Cloud API key", "4b1d", Run(ALNUM, 38, 38), Mixed),
    form(&CLOUD, "a Yandex Cloud token", "t1.", Run(DOT, 100, ANY)),
    checked(&CLOUD, "a Yandex Cloud secret key", "YC", Run(DASH, 38, 38), Mixed),
    form(&CLOUD, "a Defined Networking token", "dnkey-", Run(DASH, 79, 79)),
    form(&CLOUD, "a Vercel Blob token", "vercel_blob_rw_", Run(WORD, 30, 80)),
    form(&CLOUD, "a Neon API key", "napi_", Run(ALNUM, 50, 80)),
    form(&CLOUD, "a MongoDB Atlas client secret", "mdb_sa_sk_", Run(DASH, 30, 60)),
    form(&CLOUD, "a CockroachDB Cloud key", "CCDB1_", Run(WORD, 40, 80)),
    form(&CLOUD, "a Scalingo API token", "tk-us-", Run(DASH, 48, 48)),
    form(&CLOUD, "a Databricks access token", "dapi", Run(HEX, 32, 32)),
    form(&CLOUD, "a Databricks OAuth secret", "dose", Run(HEX, 32, 32)),
    form(&CLOUD, "a PlanetScale password", "pscale_pw_", Run(DOT, 32, 64)),
    form(&CLOUD, "a PlanetScale token", "pscale_tkn_", Run(DOT, 32, 64)),
    form(&CLOUD, "a PlanetScale OAuth token", "pscale_oauth_", Run(DOT, 32, 64)),
    form(&CLOUD, "a Supabase access token", "sbp_", Run(HEX, 40, 40)),
    form(&CLOUD, "a Supabase secret key", "sb_secret_", Run(DASH, 20, 60)),
    form(&CLOUD, "an OpenShift user token", "sha256~", Run(DASH, 43, 43)),
    form(&CLOUD, "a Cloudflare origin CA key", "v1.0-", Run(DASH, 100, 200)),
    form(&CLOUD, "a Tailscale key", "tskey-", Run(DASH, 20, 80)),
    form(&CLOUD, "a Netlify access token", "nfp_", Run(ALNUM, 36, 40)),
    checked(&CLOUD, "a Render API key", "rnd_", Run(ALNUM, 28, 40), Mixed),
    form(&CLOUD, "an Aiven token", "AVNS_", Run(DASH, 16, 30)),
    // Code hosts
    checked(&GITHUB, "a GitHub personal access token", "ghp_", Run(ALNUM, 30, 255), Checksum),
    checked(&GITHUB, "a GitHub OAuth token", "gho_", Run(ALNUM, 30, 255), Checksum),
    checked(&GITHUB, "a GitHub user token of an app", "ghu_", Run(ALNUM, 30, 255), Checksum),
    checked(&GITHUB, "a GitHub server token of an app", "ghs_", Run(ALNUM, 30, 255), Checksum),
    checked(&GITHUB, "a GitHub refresh token", "ghr_", Run(ALNUM, 30, 255), Checksum),
    form(&GITHUB, "a fine-grained GitHub personal access token", "github_pat_", Run(WORD, 40, 255)),
    form(&GITLAB, "a GitLab personal access token", "glpat-", Run(DOT, 20, 300)),
    form(&GITLAB, "a GitLab deploy token", "gldt-", Run(DASH, 20, 60)),
    form(&GITLAB, "a GitLab runner token", "glrt-", Run(DOT, 20, 300)),
    form(&GITLAB, "a GitLab runner token", "glrtr-", Run(DOT, 20, 300)),
    form(&GITLAB, "a GitLab runner registration token", "GR1348941", Run(DASH, 20, 40)),
    form(&GITLAB, "a GitLab CI job token", "glcbt-", Run(DASH, 20, 300)),
    form(&GITLAB, "a GitLab pipeline trigger token", "glptt-", Run(DASH, 20, 60)),
    form(&GITLAB, "a GitLab feed token", "glft-", Run(DASH, 20, 60)),
    form(&GITLAB, "a GitLab incoming mail token", "glimt-", Run(DASH, 20, 60)),
    form(&GITLAB, "a GitLab agent token", "glagent-", Run(DASH, 40, 80)),
    form(&GITLAB, "a GitLab OAuth application secret", "gloas-", Run(DASH, 40, 80)),
    form(&GITLAB, "a GitLab SCIM token", "glsoat-", Run(DASH, 20, 60)),
    form(&GITLAB, "a GitLab feature flag token", "glffct-", Run(DASH, 20, 60)),
    form(&TOOL, "a Bitbucket app password", "ATBB", Run(ALNUM, 32, 32)),
    form(&TOOL, "a Bitbucket access token", "ATCTT3", Run(DOT, 120, 250)),
    form(&TOOL, "a Sourcegraph access token", "sgp_", Run(WORD, 40, 64)),
    // RFC 7617
    checked(&HTTP, "a user name and a password", "Basic ", Run(BASE64, 9, 400), Pair),
    // Chats
    parts(&SLACK, "a Slack bot token", "xoxb-", Run(ALNUM, 8, 14), SLACK_REST),
    parts(&SLACK, "a Slack user token", "xoxp-", Run(ALNUM, 8, 14), SLACK_REST),
    parts(&SLACK, "a Slack configuration token", "xoxe.xox", Run(ALNUM, 1, 1), SLACK_LONG),
    parts(&SLACK, "a Slack refresh token", "xoxe-", Run(ALNUM, 1, 14), SLACK_LONG),
    form(&SLACK, "a Slack workspace token", "xoxa-", Run(DASH, 10, 120)),
    form(&SLACK, "a Slack workspace token", "xoxr-", Run(DASH, 10, 120)),
    form(&SLACK, "a Slack session token", "xoxs-", Run(DASH, 20, 120)),
    form(&SLACK, "a Slack legacy token", "xoxo-", Run(DASH, 20, 120)),
    form(&SLACK, "a Slack client token", "xoxc-", Run(DASH, 20, 160)),
    form(&SLACK, "a Slack session cookie", "xoxd-", Run(DASH, 20, ANY)),
    parts(&SLACK, "a Slack app-level token", "xapp-", Run(DIGIT, 1, 2), &[Is("-"), Has(Run(DASH, 20, 120))]),
    form(&SLACK, "a Slack webhook address", "hooks.slack.com/services/", Run(WEB, 20, 80)),
    form(&SLACK, "a Slack webhook address", "hooks.slack.com/workflows/", Run(WEB, 20, 120)),
    form(&SLACK, "a Slack webhook address", "hooks.slack.com/triggers/", Run(WEB, 20, 120)),
    Format { check: Mixed, ..parts(&CHAT, "a Discord bot token", "M", Run(DASH, 23, 27), DISCORD_REST) },
    Format { check: Mixed, ..parts(&CHAT, "a Discord bot token", "N", Run(DASH, 23, 27), DISCORD_REST) },
    Format { check: Mixed, ..parts(&CHAT, "a Discord bot token", "O", Run(DASH, 23, 27), DISCORD_REST) },
    parts(&CHAT, "a Discord webhook address", "discord.com/api/webhooks/", Run(DIGIT, 15, 22), WEBHOOK_REST),
    parts(&CHAT, "a Discord webhook address", "discordapp.com/api/webhooks/", Run(DIGIT, 15, 22), WEBHOOK_REST),
    form(&CHAT, "a Microsoft Teams webhook address", "webhook.office.com/webhookb2/", Run(WEB, 60, 250)),
    // Payment and shops
    form(&PAYMENT, "a live Stripe secret key", "sk_live_", Run(ALNUM, 10, 255)),
    form(&PAYMENT, "a Stripe test key", "sk_test_", Run(ALNUM, 10, 255)),
    form(&PAYMENT, "a live restricted Stripe key", "rk_live_", Run(ALNUM, 10, 255)),
    form(&PAYMENT, "a restricted Stripe test key", "rk_test_", Run(ALNUM, 10, 255)),
    form(&PAYMENT, "a webhook signing secret", "whsec_", Run(BASE64, 24, 100)),
    form(&PAYMENT, "a Square access token", "EAAA", Run(DASH, 60, 60)),
    form(&PAYMENT, "a Square access token", "sq0atp-", Run(DASH, 22, 60)),
    form(&PAYMENT, "a Square application secret", "sq0csp-", Run(DASH, 22, 60)),
    form(&PAYMENT, "a Shopify access token", "shpat_", Run(HEX, 32, 64)),
    form(&PAYMENT, "a Shopify custom app token", "shpca_", Run(HEX, 32, 64)),
    form(&PAYMENT, "a Shopify private app token", "shppa_", Run(HEX, 32, 64)),
    form(&PAYMENT, "a Shopify shared secret", "shpss_", Run(HEX, 32, 64)),
    parts(&PAYMENT, "a Braintree access token", "access_token$production$", Run(ALNUM, 16, 16), BRAINTREE_REST),
    parts(&PAYMENT, "a Braintree sandbox token", "access_token$sandbox$", Run(ALNUM, 16, 16), BRAINTREE_REST),
    form(&PAYMENT, "an EasyPost API key", "EZAK", Run(ALNUM, 54, 54)),
    form(&PAYMENT, "an EasyPost test API key", "EZTK", Run(ALNUM, 54, 54)),
    form(&PAYMENT, "a Flutterwave secret key", "FLWSECK", Run(DASH, 12, 60)),
    form(&PAYMENT, "a Shippo API token", "shippo_live_", Run(HEX, 40, 40)),
    form(&PAYMENT, "a Shippo test token", "shippo_test_", Run(HEX, 40, 40)),
    form(&PAYMENT, "a Duffel API token", "duffel_live_", Run(DASH, 43, 43)),
    form(&PAYMENT, "a Duffel test token", "duffel_test_", Run(DASH, 43, 43)),
    form(&PAYMENT, "a Paddle API key", "pdl_live_apikey_", Run(WORD, 30, 80)),
    form(&PAYMENT, "a Stripe organisation key", "sk_org_", Run(WORD, 20, 255)),
    form(&PAYMENT, "a production Stripe key", "sk_prod_", Run(ALNUM, 10, 255)),
    form(&PAYMENT, "a restricted production Stripe key", "rk_prod_", Run(ALNUM, 10, 255)),
    form(&PAYMENT, "a Shopify partner token", "shpua_", Run(HEX, 32, 64)),
    form(&PAYMENT, "a Razorpay live key", "rzp_live_", Run(ALNUM, 14, 14)),
    form(&PAYMENT, "a Plaid access token", "access-production-", Run(DASH, 36, 36)),
    form(&PAYMENT, "a Plaid development token", "access-development-", Run(DASH, 36, 36)),
    form(&PAYMENT, "a Plaid sandbox token", "access-sandbox-", Run(DASH, 36, 36)),
    // Mail and messages
    parts(&MAIL, "a SendGrid API key", "SG.", Run(DASH, 16, 32), &[Is("."), Has(Run(DASH, 30, 64))]),
    form(&MAIL, "a Twilio API key", "SK", Run(HEX, 32, 32)),
    form(&MAIL, "a Mailgun API key", "key-", Run(HEX, 32, 32)),
    form(&MAIL, "a Brevo API key", "xkeysib-", Run(DASH, 64, 90)),
    form(&MAIL, "a Brevo SMTP key", "xsmtpsib-", Run(DASH, 64, 90)),
    Format { check: Mixed, ..parts(&MAIL, "a Resend API key", "re_", Run(ALNUM, 8, 9), &[Is("_"), Has(Run(ALNUM, 20, 30))]) },
    form(&MAIL, "a MailerSend token", "mlsn.", Run(HEX, 64, 64)),
    // Package registries
    checked(&REGISTRY, "an npm access token", "npm_", Run(ALNUM, 30, 60), Checksum),
    form(&REGISTRY, "a PyPI upload token", "pypi-AgE", Run(DASH, 50, ANY)),
    form(&REGISTRY, "a RubyGems API key", "rubygems_", Run(HEX, 48, 48)),
    checked(&REGISTRY, "a Cargo registry token", "cio", Run(ALNUM, 32, 32), Mixed),
    form(&REGISTRY, "a Clojars deploy token", "CLOJARS_", Run(ALNUM, 60, 60)),
    checked(&REGISTRY, "a NuGet API key", "oy2", Run(ALNUM, 43, 43), Mixed),
    form(&REGISTRY, "a Docker Hub access token", "dckr_pat_", Run(DASH, 24, 60)),
    form(&REGISTRY, "a Docker Hub organisation token", "dckr_oat_", Run(DASH, 24, 60)),
    form(&REGISTRY, "an Artifactory API key", "AKCp", Run(ALNUM, 69, 69)),
    checked(&REGISTRY, "an Artifactory reference token", "cmVmd", Run(ALNUM, 59, 59), Mixed),
    // Model providers
    form(&MODEL, "an Anthropic API key", "sk-ant-", Run(DASH, 20, 255)),
    form(&MODEL, "an OpenAI project key", "sk-proj-", Run(DASH, 20, 255)),
    form(&MODEL, "an OpenAI service account key", "sk-svcacct-", Run(DASH, 20, 255)),
    form(&MODEL, "an OpenAI admin key", "sk-admin-", Run(DASH, 20, 255)),
    form(&MODEL, "an OpenRouter API key", "sk-or-v1-", Run(HEX, 64, 64)),
    checked(&MODEL, "an OpenAI API key", "sk-", Run(ALNUM, 32, 64), Mixed),
    checked(&MODEL, "an OpenAI API key", "sk-", Run(DASH, 40, 255), OpenAi),
    checked(&MODEL, "a Hugging Face access token", "hf_", Run(ALNUM, 30, 40), Cased),
    form(&MODEL, "a Hugging Face organisation token", "api_org_", Run(ALNUM, 30, 40)),
    form(&MODEL, "a Groq API key", "gsk_", Run(ALNUM, 40, 60)),
    form(&MODEL, "an xAI API key", "xai-", Run(ALNUM, 60, 90)),
    form(&MODEL, "a Perplexity API key", "pplx-", Run(ALNUM, 40, 60)),
    form(&MODEL, "a Replicate API token", "r8_", Run(ALNUM, 37, 37)),
    form(&MODEL, "a Langfuse secret key", "sk-lf-", Run(DASH, 36, 36)),
    form(&MODEL, "a Cerebras API key", "csk-", Run(ALNUM, 40, 60)),
    form(&MODEL, "a Pinecone API key", "pcsk_", Run(WORD, 40, 90)),
    form(&MODEL, "a Tavily API key", "tvly-", Run(DASH, 30, 60)),
    checked(&MODEL, "a Fireworks API key", "fw_", Run(ALNUM, 22, 30), Mixed),
    checked(&MODEL, "an ElevenLabs API key", "sk_", Run(HEX, 48, 48), Mixed),
    form(&MODEL, "an NVIDIA API key", "nvapi-", Run(DASH, 50, 80)),
    form(&MODEL, "a LangSmith API key", "lsv2_pt_", Run(WORD, 32, 64)),
    form(&MODEL, "a LangSmith service key", "lsv2_sk_", Run(WORD, 32, 64)),
    // Monitoring
    form(&MONITORING, "a Sentry organisation token", "sntrys_", Run(BASE64, 20, ANY)),
    form(&MONITORING, "a Sentry user token", "sntryu_", Run(HEX, 64, 64)),
    parts(&MONITORING, "a Grafana service account token", "glsa_", Run(ALNUM, 32, 32), &[Is("_"), Has(Run(HEX, 8, 8))]),
    form(&MONITORING, "a Grafana Cloud token", "glc_", Run(BASE64, 32, 400)),
    form(&MONITORING, "a Grafana API key", "eyJrIjoi", Run(BASE64, 60, 400)),
    form(&MONITORING, "a New Relic user key", "NRAK-", Run(ALNUM, 26, 30)),
    form(&MONITORING, "a New Relic insert key", "NRII-", Run(DASH, 30, 36)),
    form(&MONITORING, "a New Relic query key", "NRIQ-", Run(DASH, 30, 36)),
    parts(&MONITORING, "a Dynatrace token", "dt0c01.", Run(ALNUM, 24, 24), &[Is("."), Has(Run(ALNUM, 64, 64))]),
    form(&MONITORING, "a Datadog application key", "ddapp_", Run(ALNUM, 30, 50)),
    form(&MONITORING, "a PostHog personal API key", "phx_", Run(ALNUM, 40, 60)),
    form(&MONITORING, "an Axiom API token", "xaat-", Run(DASH, 36, 36)),
    form(&MONITORING, "an Axiom personal token", "xapt-", Run(DASH, 36, 36)),
    form(&MONITORING, "a Logfire token", "pylf_v", Run(WORD, 40, 80)),
    form(&MONITORING, "a Honeycomb API key", "hcaik_", Run(ALNUM, 50, 70)),
    // Secret managers and infrastructure as code
    form(&MANAGER, "a Vault service token", "hvs.", Run(DASH, 20, ANY)),
    checked(&MANAGER, "a Vault token", "s.", Run(ALNUM, 24, 24), Mixed),
    form(&MANAGER, "a Vault batch token", "hvb.", Run(DASH, 20, ANY)),
    form(&MANAGER, "a Vault recovery token", "hvr.", Run(DASH, 20, ANY)),
    form(&MANAGER, "a Doppler token", "dp.pt.", Run(ALNUM, 40, 44)),
    form(&MANAGER, "a Doppler token", "dp.st.", Run(DOT, 40, 80)),
    form(&MANAGER, "a Doppler token", "dp.ct.", Run(ALNUM, 40, 44)),
    form(&MANAGER, "a Doppler token", "dp.sa.", Run(ALNUM, 40, 44)),
    form(&MANAGER, "a Doppler token", "dp.scim.", Run(ALNUM, 40, 44)),
    form(&MANAGER, "a 1Password service account token", "ops_eyJ", Run(BASE64, 200, ANY)),
    form(&MANAGER, "a Pulumi access token", "pul-", Run(HEX, 40, 40)),
    form(&MANAGER, "an Infracost API key", "ico-", Run(ALNUM, 32, 32)),
    parts(
        &MANAGER,
        "a 1Password secret key",
        "A3-",
        Run(UPPER, 6, 6),
        &[
            Is("-"),
            Has(Run(UPPER, 6, 11)),
            Is("-"),
            Has(Run(UPPER, 5, 5)),
            Is("-"),
            Has(Run(UPPER, 5, 5)),
            Is("-"),
            Has(Run(UPPER, 5, 5)),
        ],
    ),
    parts(&MANAGER, "an Infisical service token", "st.", Run(HEX, 24, 24), &[Is("."), Has(Run(HEX, 32, 32))]),
    // Tools
    form(&TOOL, "a Linear API key", "lin_api_", Run(ALNUM, 40, 48)),
    form(&TOOL, "a Linear OAuth token", "lin_oauth_", Run(ALNUM, 40, 80)),
    parts(&TOOL, "a Postman API key", "PMAK-", Run(HEX, 24, 24), &[Is("-"), Has(Run(HEX, 34, 34))]),
    form(&TOOL, "a Notion integration token", "ntn_", Run(ALNUM, 40, 50)),
    checked(&TOOL, "a Notion integration token", "secret_", Run(ALNUM, 43, 43), Mixed),
    form(&TOOL, "an Atlassian API token", "ATATT3", Run(DOT, 120, 250)),
    parts(&TOOL, "an Airtable access token", "pat", Run(ALNUM, 14, 14), &[Is("."), Has(Run(HEX, 64, 64))]),
    form(&TOOL, "a Figma access token", "figd_", Run(DASH, 38, 60)),
    form(&TOOL, "a Contentful management token", "CFPAT-", Run(DASH, 43, 43)),
    form(&TOOL, "a Typeform token", "tfp_", Run(DOT, 40, 80)),
    form(&TOOL, "a SonarQube user token", "squ_", Run(HEX, 40, 40)),
    form(&TOOL, "a SonarQube project token", "sqp_", Run(HEX, 40, 40)),
    form(&TOOL, "a SonarQube analysis token", "sqa_", Run(HEX, 40, 40)),
    form(&TOOL, "a Buildkite API token", "bkua_", Run(HEX, 40, 40)),
    parts(&TOOL, "a CircleCI token", "CCIPAT_", Run(ALNUM, 20, 24), &[Is("_"), Has(Run(HEX, 40, 40))]),
    form(&TOOL, "a Prefect API key", "pnu_", Run(ALNUM, 36, 36)),
    form(&TOOL, "a ReadMe API key", "rdme_", Run(ALNUM, 60, 80)),
    checked(&TOOL, "an Octopus Deploy API key", "API-", Run(UPPER, 25, 27), Mixed),
    parts(&TOOL, "a Harness access token", "pat.", Run(DASH, 22, 22), HARNESS_REST),
    parts(&TOOL, "a HubSpot access token", "pat-na1-", Run(HEX, 8, 8), &[Is("-"), Has(Run(DASH, 27, 27))]),
    parts(&TOOL, "a HubSpot access token", "pat-na2-", Run(HEX, 8, 8), &[Is("-"), Has(Run(DASH, 27, 27))]),
    parts(&TOOL, "a HubSpot access token", "pat-ap1-", Run(HEX, 8, 8), &[Is("-"), Has(Run(DASH, 27, 27))]),
    parts(&TOOL, "a HubSpot access token", "pat-eu1-", Run(HEX, 8, 8), &[Is("-"), Has(Run(DASH, 27, 27))]),
    parts(&TOOL, "a LaunchDarkly SDK key", "sdk-", Run(HEX, 8, 8), UUID_REST),
    parts(&TOOL, "a LaunchDarkly access token", "api-", Run(HEX, 8, 8), UUID_REST),
    form(&TOOL, "an Adobe client secret", "p8e-", Run(DASH, 32, 32)),
    form(&TOOL, "a Frame.io API token", "fio-u-", Run(DASH, 64, 64)),
    form(&TOOL, "a 42 client secret", "s-s4t2ud-", Run(HEX, 64, 64)),
    form(&TOOL, "a 42 client secret", "s-s4t2af-", Run(HEX, 64, 64)),
    form(&TOOL, "a SettleMint token", "sm_aat_", Run(ALNUM, 16, 16)),
    form(&TOOL, "a SettleMint token", "sm_pat_", Run(ALNUM, 16, 16)),
    form(&TOOL, "a SettleMint token", "sm_sat_", Run(ALNUM, 16, 16)),
    parts(&TOOL, "a Harness service account token", "sat.", Run(DASH, 22, 22), HARNESS_REST),
    form(&TOOL, "a Dropbox access token", "sl.", Run(DASH, 130, ANY)),
    form(&TOOL, "a Facebook access token", "EAAM", Run(ALNUM, 100, ANY)),
    form(&TOOL, "a Facebook access token", "EAAC", Run(ALNUM, 100, ANY)),
    form(&TOOL, "a Trello token", "ATTA", Run(HEX, 64, 72)),
    form(&TOOL, "an Atlassian service token", "ATSTT3", Run(DOT, 120, 250)),
    form(&TOOL, "a Mapbox secret token", "sk.eyJ", Run(DOT, 60, 300)),
    // Anything
    Format {
        check: Jwt,
        ..parts(&JWT, "a JSON Web Token", "eyJ", Run(DASH, 8, ANY), &[Is("."), Has(Run(DASH, 6, ANY)), Is(".")])
    },
    form(&PRIVATE_KEY, "an age private key", "AGE-SECRET-KEY-1", Run(UPPER, 58, 58)),
    form(&PRIVATE_KEY, "an age private key", "AGE-SECRET-KEY-PQ-1", Run(UPPER, 58, ANY)),
    form(&PRIVATE_KEY, "a PuTTY private key", "PuTTY-User-Key-File-", Run(DIGIT, 1, 1)),
    form(&DJANGO, "a Django SECRET_KEY that startproject made", "django-insecure-", Run(DJANGO_KEY, 10, ANY)),
];

/// Values that documentation prints and that are known everywhere, as FNV-1a hashes: access key ids and secret keys of the AWS
/// documentation, the token of jwt.io, Stripe's test keys, GitHub's sample token, the account key of the Azure Storage emulator.
const EXAMPLES: &[u64] = &[
    0x0E627699B98376D0,
    0x7699C294BEEBAD32,
    0x7DA4539F17DE7061,
    0x8F635EE3A1E6F45D,
    0x47E084A1E49DE508,
    0xDDD19C486D095D84,
    0x67E733C2F9035757,
    0xF6CAD54E10EB31AC,
    0x3F9D1C996E620B67,
    0x9F1920C6CD484714,
    0x15F87945422CBEA3,
    0x9AA63F3BC69917AD,
];

/// For each first character of a prefix the first format that begins with it, and for each format the next one: indices into
/// [`FORMATS`], one higher, so that 0 ends the chain.
static CHAINS: ([u8; 128], [u8; FORMATS.len()]) = {
    let (mut first, mut next) = ([0; 128], [0; FORMATS.len()]);
    let mut index = FORMATS.len();
    while index > 0 {
        let head = FORMATS[index - 1].prefix.as_bytes()[0] as usize;
        next[index - 1] = first[head];
        assert!(index <= u8::MAX as usize);
        first[head] = index as u8;
        index -= 1;
    }
    (first, next)
};

/// Where runs of characters end, remembered, so that each is walked once for each set whatever the text is: tokens can begin
/// inside of what looked like the body of another. A form has at most four runs of one set.
#[derive(Default)]
struct Runs {
    known: [[(usize, usize); 4]; SETS],
    oldest: [u8; SETS],
}

impl Runs {
    fn end(&mut self, text: &[u8], start: usize, set: Set) -> usize {
        let index = set.trailing_zeros() as usize;
        let (Some(known), Some(oldest)) = (self.known.get_mut(index), self.oldest.get_mut(index)) else { return start };
        if let Some((_, end)) = known.iter().find(|(from, end)| *from <= start && start < *end) {
            return *end;
        }
        let end = run(text, start, set);
        if let Some(slot) = known.get_mut(*oldest as usize) {
            *slot = (start, end);
        }
        *oldest = (*oldest + 1) % 4;
        end
    }
}

/// Finds tokens at the beginning of every word of the text, and those whose mark stands in their middle.
pub(super) fn scan(text: &[u8], found: &mut Found<'_>) {
    let mut runs = Runs::default();
    // Whether the whole text is a service account's key is asked once, when there is a private key.
    let mut service_account = None;
    let mut here = 0;
    let mut in_word = false;
    let mut word = 0;
    while let Some(&byte) = text.get(here) {
        let mut end = None;
        if is(byte, WORD) {
            if !in_word {
                word = here;
                end = token(text, here, &mut runs, found);
            }
            in_word = true;
        } else {
            if in_word && here - word >= SHORTEST_MARKED {
                marked(text, word, here, found);
            }
            in_word = false;
            end = match byte {
                // The escapes of JSON and shells end a word: `\nghp_...`, `\u003dghp_...`.
                b'\\' => escape(text, here),
                b'-' => private_key(text, here, &mut service_account, found).or_else(|| mailchimp(text, here, found)),
                b'.' => terraform(text, here, found),
                b'~' => azure(text, here, found),
                b':' => telegram(text, here, found),
                b'|' => facebook(text, here, found),
                _ => None,
            };
        }
        match end {
            Some(end) if end > here => {
                in_word = byte != b'\\' && at(text, end - 1, WORD);
                word = end;
                here = end;
            }
            _ => here += 1,
        }
    }
    if in_word && here - word >= SHORTEST_MARKED {
        marked(text, word, here, found);
    }
}

fn escape(text: &[u8], here: usize) -> Option<usize> {
    match text.get(here + 1)? {
        b'n' | b'r' | b't' | b'"' | b'\\' => Some(here + 2),
        b'u' if run(cut(text, here + 2, here + 6), 0, HEX) == 4 => Some(here + 6),
        _ => None,
    }
}

fn token(text: &[u8], start: usize, runs: &mut Runs, found: &mut Found<'_>) -> Option<usize> {
    let mut link = *CHAINS.0.get(*text.get(start)? as usize)?;
    while link > 0 {
        let index = link as usize - 1;
        let format = FORMATS.get(index)?;
        if let Some(end) = fits(format, text, start, runs) {
            let secret = cut(text, start, end);
            let body = cut(secret, format.prefix.len(), secret.len());
            let certain = matches!(format.check, Checksum) && checksum_holds(body);
            let rule = if certain { format.rule } else { judge(format.rule, secret, body) };
            found.add(rule, format.what, format.prefix, Span { start, end });
            return Some(end);
        }
        link = *CHAINS.1.get(index)?;
    }
    None
}

/// Whether a token of this form begins here, and where it ends.
fn fits(format: &Format, text: &[u8], start: usize, runs: &mut Runs) -> Option<usize> {
    let after_prefix = start + format.prefix.len();
    // The second character tells most prefixes apart, for less than a comparison of all.
    let second = format.prefix.as_bytes().get(1);
    if second.is_some() && text.get(start + 1) != second {
        return None;
    }
    if cut(text, start, after_prefix) != format.prefix.as_bytes() {
        return None;
    }
    let mut take = |from: usize, Run(set, least, most): &Run| {
        let end = runs.end(text, from, *set);
        let length = end - from;
        (usize::from(*least) <= length && (*most == ANY || length <= usize::from(*most))).then_some(end)
    };
    let first_end = take(after_prefix, &format.body)?;
    let mut end = first_end;
    for part in format.rest {
        end = match part {
            Is(characters) => {
                let next = end + characters.len();
                if cut(text, end, next) != characters.as_bytes() {
                    return None;
                }
                next
            }
            Has(run) => take(end, run)?,
        };
    }
    let holds = match format.check {
        Check::No | Checksum => true,
        Jwt => {
            // Not inside of a longer run, so that each is decoded once.
            if at_before(text, start, DASH) || !is_jose_header(cut(text, start, first_end)) {
                return None;
            }
            // The signature, which may be empty; of an encrypted token more parts.
            end = runs.end(text, end, DASH);
            while text.get(end) == Some(&b'.') {
                end = runs.end(text, end + 1, DASH);
            }
            true
        }
        OpenAi => contains(cut(text, after_prefix, end), "T3BlbkFJ"),
        Mixed => values::is_mixed(cut(text, after_prefix, end)),
        Pair => {
            let login = encoding::base64(cut(text, after_prefix, end));
            // No token of three parts, whose first is JSON.
            !login.starts_with(b"{") && values::pair(&login) == values::Verdict::Yes
        }
        Cased => {
            let body = cut(text, after_prefix, end);
            body.iter().any(u8::is_ascii_uppercase) && body.iter().any(u8::is_ascii_lowercase) || variety(body) <= 3
        }
    };
    // `box.ico-7a38...png`: a short prefix may begin any part of a name.
    let inside = format.prefix.len() <= 4
        && !matches!(format.check, Checksum)
        && matches!(start.checked_sub(1).and_then(|before| text.get(before)), Some(b'.' | b'-'));
    (holds && !inside && !at(text, end, ALNUM)).then_some(end)
}

/// Which rule a token breaks that has the right form: its provider's, or that of values nobody issued.
fn judge(rule: &'static Rule, secret: &[u8], body: &[u8]) -> &'static Rule {
    if rule.id == DJANGO.id {
        // The prefix is the finding: whatever follows it was never meant for production.
        return rule;
    }
    if is_example(secret) || contains(body, "example") {
        return &EXAMPLE;
    }
    if variety(body) <= 3 || values::is_placeholder(body) { &PLACEHOLDER } else { rule }
}

/// Whether documentation prints this very value.
pub(super) fn is_example(secret: &[u8]) -> bool {
    EXAMPLES.contains(&hash(secret))
}

/// GitHub's and npm's checksum: CRC32 of the random part, in base 62, six digits.
fn checksum_holds(body: &[u8]) -> bool {
    let Some((random, digits)) = body.split_last_chunk::<6>() else { return false };
    let mut crc = u32::MAX;
    for byte in random {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let mut rest = !crc;
    digits.iter().rev().all(|digit| {
        let expected = (rest % 62) as u8;
        rest /= 62;
        *digit
            == match expected {
                0..10 => b'0' + expected,
                10..36 => b'A' + expected - 10,
                _ => b'a' + expected - 36,
            }
    })
}

/// Whether this is base64 of a JSON object with the member `alg` (RFC 7515, section 4).
fn is_jose_header(text: &[u8]) -> bool {
    let header = encoding::base64(cut(text, 0, text.len().min(2048)));
    header.first() == Some(&b'{') && contains(&header, "\"alg\"")
}

/// PEM and its relatives: `-----BEGIN ... PRIVATE KEY-----`, on lines, on one line, or with escaped line breaks.
fn private_key(text: &[u8], here: usize, service_account: &mut Option<bool>, found: &mut Found<'_>) -> Option<usize> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const END: &[u8] = b"-----END ";
    if cut(text, here, here + BEGIN.len()) != BEGIN {
        return None;
    }
    let label = here + BEGIN.len();
    let length = cut(text, label, (label + 64).min(text.len())).windows(5).position(|window| window == b"-----")?;
    let title = cut(text, label, label + length);
    let mut body = label + length + 5;
    if !(title.ends_with(b"PRIVATE KEY") || title.ends_with(b"PRIVATE KEY BLOCK")) {
        return Some(body);
    }
    loop {
        match text.get(body) {
            Some(byte) if byte.is_ascii_whitespace() => body += 1,
            Some(b'\\') if matches!(text.get(body + 1), Some(b'n' | b'r' | b't' | b'\\')) => body += 1,
            Some(b'n' | b'r' | b't') if text.get(body - 1) == Some(&b'\\') => body += 1,
            _ => break,
        }
    }
    let line = run(text, body, BASE64);
    let rule = if line - body >= 16 || (line > body && text.get(run(text, body, DASH)) == Some(&b':')) {
        let whole = *service_account.get_or_insert_with(|| contains(text, "service_account") && contains(text, "private_key"));
        if whole { &GCP } else { &PRIVATE_KEY }
    } else if matches!(text.get(body), Some(b'.' | b'<' | b'*' | b'x' | b'X' | b'[')) {
        &PLACEHOLDER
    } else {
        // The label alone, as in a search for it; or a reference where the key would be.
        return Some(body);
    };
    let end = cut(text, body, text.len()).windows(END.len()).position(|window| window == END);
    let end = end.map_or(text.len(), |offset| {
        let label = body + offset + END.len();
        let length = cut(text, label, (label + 64).min(text.len())).windows(5).position(|window| window == b"-----");
        length.map_or(label, |length| label + length + 5)
    });
    let what = if rule.id == GCP.id { "a Google service account key" } else { "a private key" };
    found.add(rule, what, "-----BEGIN ", Span { start: here, end });
    Some(end)
}

/// No word with a mark at its end is shorter, counted from a plus sign or slash in it.
const SHORTEST_MARKED: usize = 9;

/// Keys that are marked near their end, of which the word that ends here is the last part: those of Azure, as its published
/// patterns have them (Microsoft Security Utilities, SEC101), of New Relic and of MaxMind.
fn marked(text: &[u8], word: usize, end: usize, found: &mut Found<'_>) {
    let length = end - word;
    let tail = |from: usize, length: usize| end.checked_sub(from).map_or(&[][..], |start| cut(text, start, start + length));
    // Ten characters before the end stands a mark of four; padding follows where the key has bytes to fill.
    let padding = run(cut(text, end, (end + 3).min(text.len())), 0, BASE64);
    let padded = cut(text, end, end + padding);
    let (size, what) = match (tail(10, 4), padded) {
        (b"APIM" | b"ACDb" | b"+ABa" | b"+AMC" | b"+ASt", b"==") => (86, "an Azure account key"),
        (b"AIoT" | b"AzCa" | b"AZEG" | b"+ASb" | b"+AEh" | b"+ARm", b"=") => (43, "a shared access key of Azure"),
        (b"AzFu", b"==") => (54, "a key of Azure Functions"),
        (b"AzSe", b"") => (52, "a key of Azure AI Search"),
        (b"+ACR", b"") => (52, "a password of Azure Container Registry"),
        _ => (0, ""),
    };
    if size > 0 {
        let start = run_back(text, end, BASE64, size + 1);
        if end - start == size {
            found.add(&AZURE, what, "", Span { start, end: end + padding });
        }
        return;
    }
    let (rule, what) = match length {
        84 | 86 if cut(text, word + 52, word + 57) == b"JQQJ9" => (&AZURE, "an access token of Azure"),
        40 if tail(4, 4) == b"NRAL" && run(text, word, ALNUM) == end => (&MONITORING, "a New Relic license key"),
        40 if tail(4, 4) == b"_mmk" => (&TOOL, "a MaxMind license key"),
        _ => return,
    };
    found.add(rule, what, "", Span { start: word, end: if length == 86 { end + padding } else { end } });
}

/// `<32 hexadecimal digits>-us12`
fn mailchimp(text: &[u8], here: usize, found: &mut Found<'_>) -> Option<usize> {
    if cut(text, here, here + 3) != b"-us" {
        return None;
    }
    let start = run_back(text, here, HEX, 33);
    let end = run(text, here + 3, DIGIT);
    if here - start != 32 || at_before(text, start, WORD) || !(1..=2).contains(&(end - here - 3)) || at(text, end, WORD) {
        return None;
    }
    add_judged(&MAIL, "a Mailchimp API key", text, start, end, found);
    Some(end)
}

/// `<14 characters>.atlasv1.<60 to 70 characters>`
fn terraform(text: &[u8], here: usize, found: &mut Found<'_>) -> Option<usize> {
    const MARK: &[u8] = b".atlasv1.";
    let after = here + MARK.len();
    if cut(text, here, after) != MARK {
        return None;
    }
    let start = run_back(text, here, ALNUM, 15);
    let end = run_within(text, after, DOT, 91);
    if here - start != 14 || !(50..=90).contains(&(end - after)) {
        return None;
    }
    add_judged(&MANAGER, "a Terraform Cloud token", text, start, end, found);
    Some(end)
}

/// `<3 characters><digit>Q~<31 to 34 characters>`: a client secret of Microsoft Entra ID.
fn azure(text: &[u8], here: usize, found: &mut Found<'_>) -> Option<usize> {
    let start = here.checked_sub(5)?;
    if text.get(here - 1) != Some(&b'Q')
        || !at(text, here - 2, DIGIT)
        || run(cut(text, start, here), 0, TILDE) < 5
        || at_before(text, start, TILDE)
    {
        return None;
    }
    let end = run_within(text, here + 1, TILDE, 35);
    if !(31..=34).contains(&(end - here - 1)) {
        return None;
    }
    add_judged(&AZURE, "a client secret of Microsoft Entra ID", text, start, end, found);
    Some(end)
}

/// `<8 to 10 digits>:A<34 characters>`, also behind the `bot` of its API's addresses.
fn telegram(text: &[u8], here: usize, found: &mut Found<'_>) -> Option<usize> {
    let start = run_back(text, here, DIGIT, 11);
    let end = run(text, here + 1, DASH);
    let bounded = !at_before(text, start, WORD) || start.checked_sub(3).is_some_and(|bot| cut(text, bot, start) == b"bot");
    if !(8..=10).contains(&(here - start)) || text.get(here + 1) != Some(&b'A') || end - here != 36 || !bounded {
        return None;
    }
    add_judged(&CHAT, "a Telegram bot token", text, start, end, found);
    Some(end)
}

/// `<15 or 16 digits>|<27 to 40 characters>`: an app's access token of Facebook.
fn facebook(text: &[u8], here: usize, found: &mut Found<'_>) -> Option<usize> {
    let start = run_back(text, here, DIGIT, 17);
    let end = run_within(text, here + 1, DASH, 41);
    if !(15..=16).contains(&(here - start)) || !(27..=40).contains(&(end - here - 1)) || at_before(text, start, WORD) {
        return None;
    }
    add_judged(&TOOL, "a Facebook app token", text, start, end, found);
    Some(end)
}

fn add_judged(rule: &'static Rule, what: &'static str, text: &[u8], start: usize, end: usize, found: &mut Found<'_>) {
    let secret = cut(text, start, end);
    found.add(judge(rule, secret, secret), what, "", Span { start, end });
}

/// Where a run ends, or that it goes on after `most` characters: marks that belong to the set of what follows them would
/// otherwise have the same run walked for each.
fn run_within(text: &[u8], start: usize, set: Set, most: usize) -> usize {
    start + run(cut(text, start, (start + most).min(text.len())), 0, set)
}

fn at_before(text: &[u8], here: usize, set: Set) -> bool {
    here.checked_sub(1).is_some_and(|before| at(text, before, set))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_is_shorter_than_what_is_looked_at() {
        for format in FORMATS {
            let rest: usize = format
                .rest
                .iter()
                .map(|part| match part {
                    Is(characters) => characters.len(),
                    Has(run) => usize::from(run.1),
                })
                .sum();
            let shortest = format.prefix.len() + usize::from(format.body.1) + rest;
            assert!(shortest >= super::super::SHORTEST_TOKEN, "{}", format.what);
        }
    }

    #[test]
    fn of_two_prefixes_the_longer_stands_first() {
        for (index, format) in FORMATS.iter().enumerate() {
            let hidden = FORMATS[index + 1..]
                .iter()
                .find(|later| later.prefix != format.prefix && later.prefix.starts_with(format.prefix));
            // One that is a form of its own, told by what follows, hides nothing.
            if let Some(later) = hidden {
                assert!(
                    format.body.2 != ANY || !matches!(format.check, Check::No),
                    "{} before {}",
                    format.prefix,
                    later.prefix
                );
            }
        }
    }
}
