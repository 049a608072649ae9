//! Rejects workloads that hold secrets in plain text.
//!
//! Whoever reads a manifest, in Git, in a pull request, by `kubectl get`, in an audit log or a backup of etcd, reads every literal in
//! it. So a secret belongs into a Secret, and the manifest refers to that. This policy looks at everything in a workload that can
//! carry one: variables, command lines, probes, lifecycle hooks and annotations, and finds it with the detectors of
//! [`palisade_sdk::secrets`].
//!
//! References: CIS Kubernetes Benchmark 5.4.1 and 5.4.2, OWASP Kubernetes Top 10 K08:2022.

use palisade_sdk::secrets::exceptions::{self, Allowed};
use palisade_sdk::secrets::{Match, Options, Scanner, rules};
use palisade_sdk::views::{Container, Handler, ObjectMeta, PodSpec};
use palisade_sdk::{Error, Host, Map, Path, Policy, Report, Request, Rule, SettingsError};

palisade_sdk::settings! {
    /// What the deployer may change.
    pub struct Settings {
        /// Names that promise a secret besides the known ones, of variables, headers and annotations: globs, without regard to case.
        pub extra_names: Vec<String> = Vec::new(),
        /// What else is a secret wherever it stands: globs over words (`acme_????????????????`); white space, quotes, commas, semicolons and equals signs end a word.
        pub extra_patterns: Vec<String> = Vec::new(),
        /// What is accepted all the same: `{name, path, reason}`; `name` is a glob over the variable, header, annotation or field, `path` one over the place as findings print it, and of both both must match.
        pub allowed: Vec<Allowed> = Vec::new(),
        /// From how many bits of Shannon entropy for each character a word of 20 characters and more is a secret under any name; 4.5 finds most keys in base64. Off unless set.
        pub entropy_threshold: Option<f64> = None,
    }
}

/// The policy.
pub struct NoPlaintextEnvSecrets;

impl Policy for NoPlaintextEnvSecrets {
    type Settings = Settings;
    const RULES: &'static [Rule] = rules::ALL;

    fn check_settings(settings: &Settings) -> Result<(), SettingsError> {
        let Settings { extra_names, extra_patterns, allowed, entropy_threshold, .. } = settings;
        exceptions::check(extra_names, extra_patterns, allowed, *entropy_threshold)
    }

    fn validate(request: &Request<'_>, settings: &Settings, _: &dyn Host, report: &mut Report) -> Result<(), Error> {
        let Some(template) = request.pod_template::<PodSpec<'_>>()? else { return Ok(()) };
        // A pod is its own template, and need not be read twice.
        let is_pod = request.kind.kind == "Pod";
        let object: Object<'_> = if is_pod { Object::default() } else { request.object()? };
        let scanner = Scanner::new(Options {
            names: &settings.extra_names,
            patterns: &settings.extra_patterns,
            entropy: settings.entropy_threshold,
        });
        let mut search = Search { scanner, settings, report, seen: Seen::default() };

        let spec = template.spec_path();
        for (list, index, container) in template.spec.all_containers() {
            search.container(container, &spec.item(list, index));
        }
        search.annotations(&template.metadata.annotations, &template.metadata_path());
        search.annotations(&object.spec.job_template.metadata.annotations, &Path::new("spec.jobTemplate.metadata"));
        search.annotations(&object.metadata.annotations, &Path::new("metadata"));
        Ok(())
    }
}

palisade_sdk::export!(NoPlaintextEnvSecrets);

palisade_sdk::view! {
    /// What an object has besides its pod template.
    struct Object<'a> {
        metadata: ObjectMeta<'a> as "metadata",
        spec: ObjectSpec<'a> as "spec",
    }

    struct ObjectSpec<'a> {
        job_template: JobTemplate<'a> as "jobTemplate",
    }

    /// `JobTemplateSpec` (`batch/v1`).
    struct JobTemplate<'a> {
        metadata: ObjectMeta<'a> as "metadata",
    }
}

/// What holds a secret, for the message.
#[derive(Clone, Copy)]
enum Holder<'n> {
    Variable(&'n str),
    Argument,
    Header(&'n str),
    RequestPath,
    Annotation(&'n str),
}

/// Looks through an object.
struct Search<'r> {
    scanner: Scanner<'r>,
    settings: &'r Settings,
    report: &'r mut Report,
    seen: Seen,
}

/// Fingerprints of what was found, to know it again in a copy of the object. In buckets, since sorting costs kilobytes of code.
#[derive(Default)]
struct Seen(Vec<Vec<u64>>);

impl Seen {
    const BUCKETS: usize = 256;

    fn add(&mut self, fingerprint: u64) {
        if self.0.is_empty() {
            self.0.resize_with(Self::BUCKETS, Vec::new);
        }
        if let Some(bucket) = self.0.get_mut(fingerprint as usize % Self::BUCKETS) {
            bucket.push(fingerprint);
        }
    }

    fn has(&self, fingerprint: u64) -> bool {
        self.0.get(fingerprint as usize % Self::BUCKETS).is_some_and(|bucket| bucket.contains(&fingerprint))
    }
}

impl Search<'_> {
    fn container(&mut self, container: &Container<'_>, path: &Path<'_>) {
        for (index, variable) in container.env.iter().enumerate() {
            let found = self.scanner.value(&variable.name, &variable.value);
            self.add_all(found, Holder::Variable(&variable.name), &path.item("env", index).field("value"));
        }
        // The arguments go on where the command ends: `command: [mysql]`, `args: [-p...]`.
        let commands = container.command.len();
        let words = container.command.iter().chain(container.args.iter()).map(|word| word.as_str());
        self.command(words, |index| match index.checked_sub(commands) {
            None => path.item("command", index),
            Some(index) => path.item("args", index),
        });
        for (name, probe) in [
            ("livenessProbe", &container.liveness_probe),
            ("readinessProbe", &container.readiness_probe),
            ("startupProbe", &container.startup_probe),
        ] {
            self.handler(probe.as_ref(), &path.field(name));
        }
        if let Some(lifecycle) = &container.lifecycle {
            self.handler(lifecycle.post_start.as_ref(), &path.field("lifecycle.postStart"));
            self.handler(lifecycle.pre_stop.as_ref(), &path.field("lifecycle.preStop"));
        }
    }

    fn handler(&mut self, handler: Option<&Handler<'_>>, path: &Path<'_>) {
        let Some(handler) = handler else { return };
        if let Some(exec) = &handler.exec {
            let exec_path = path.field("exec");
            self.command(exec.command.iter().map(|word| word.as_str()), |index| exec_path.item("command", index));
        }
        if let Some(request) = &handler.http_get {
            let request_path = path.field("httpGet");
            let found = self.scanner.text(&request.path);
            self.add_all(found, Holder::RequestPath, &request_path.field("path"));
            for (index, header) in request.http_headers.iter().enumerate() {
                let found = self.scanner.value(&header.name, &header.value);
                self.add_all(found, Holder::Header(&header.name), &request_path.item("httpHeaders", index).field("value"));
            }
        }
    }

    fn command<'t, 'p>(&mut self, words: impl Iterator<Item = &'t str>, path: impl Fn(usize) -> Path<'p>) {
        let scanner = self.scanner;
        scanner.command(words, &mut |index, found| self.add(&found, Holder::Argument, &path(index)));
    }

    fn annotations(&mut self, annotations: &Map<'_>, metadata: &Path<'_>) {
        let path = metadata.field("annotations");
        for (name, value) in annotations {
            if !exceptions::is_copy(name) {
                let found = self.scanner.value(name, value);
                self.add_all(found, Holder::Annotation(name), &path.key(name));
            }
        }
        for (name, value) in annotations {
            if exceptions::is_copy(name) {
                // What the object itself holds is reported there, and goes from the copy with the next apply.
                let mut found = self.scanner.text(value);
                found.retain(|found| !self.seen.has(found.fingerprint));
                self.add_all(found, Holder::Annotation(name), &path.key(name));
            }
        }
    }

    fn add_all(&mut self, found: Vec<Match<'_>>, holder: Holder<'_>, path: &Path<'_>) {
        for found in found {
            self.add(&found, holder, path);
        }
    }

    fn add(&mut self, found: &Match<'_>, holder: Holder<'_>, path: &Path<'_>) {
        self.seen.add(found.fingerprint);
        if self.is_allowed(found, holder, path) {
            return;
        }
        const REQUEST: &str = "probe a path that needs no credentials, or by a command that reads them from a file";
        let (subject, name, remedy) = match holder {
            Holder::Variable(name) => (
                "the variable ",
                name,
                "keep it in a Secret, and refer to that by valueFrom.secretKeyRef or mount it as a file",
            ),
            Holder::Argument => (
                "the argument",
                "",
                "keep it in a Secret that is mounted as a file, or pass $(NAME) of a variable that comes from one",
            ),
            Holder::Header(name) => ("the header ", name, REQUEST),
            Holder::RequestPath => ("the path", "", REQUEST),
            Holder::Annotation(name) if exceptions::is_copy(name) => {
                ("the annotation ", name, "apply the corrected manifest with the client that wrote the annotation")
            }
            Holder::Annotation(name) => {
                ("the annotation ", name, "remove it, since annotations are read by whoever can read the object")
            }
        };
        let mut message = String::from(subject);
        message.extend(name.chars().take(64));
        found.describe(&mut message);
        self.report.add_with_remedy(found.rule, path, message, found.remedy(remedy));
    }

    fn is_allowed(&self, found: &Match<'_>, holder: Holder<'_>, path: &Path<'_>) -> bool {
        let name = match holder {
            Holder::Variable(name) | Holder::Header(name) | Holder::Annotation(name) => name,
            Holder::Argument | Holder::RequestPath => found.name,
        };
        exceptions::is_allowed(&self.settings.allowed, &[name, found.name], path)
    }
}
