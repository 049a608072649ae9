//! `palisade bench`: figures, measured on this machine.

mod generate;
mod secrets;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use palisade_harness::{AdmissionRequest, Cache, Engine, Limits, Policy, World};
use palisade_policies::POLICIES;
use serde_json::json;

use super::{CommandError, Outcome};
use crate::args::{Bench, BenchWhat};
use crate::config::Config;
use crate::modules::{self, ModuleError, Selection};
use crate::{input, output, scan};

/// Measures, and prints each figure when it is known.
pub fn run(args: &Bench) -> Result<Outcome, CommandError> {
    if let Some(BenchWhat::Secrets(args)) = &args.what {
        return secrets::run(args);
    }
    let cache = CacheDir::new()?;
    modules_and_evaluation(args, cache.path())?;
    throughput(args, cache.path())?;
    Ok(Outcome::Clean)
}

/// A folder for compiled modules, which goes when the measurement is over.
struct CacheDir(std::path::PathBuf);

impl CacheDir {
    fn new() -> Result<Self, CommandError> {
        let path = std::env::temp_dir().join(format!("palisade-bench-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(|error| CommandError::Other(format!("{}: {error}", path.display())))?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for CacheDir {
    fn drop(&mut self) {
        // It is in the system's folder for such things: if it stays, nothing is lost.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn engine(cache: &Path) -> Result<Engine, CommandError> {
    Ok(Engine::new(Limits::default(), Cache::Dir(cache.to_owned()))?)
}

fn modules_and_evaluation(args: &Bench, cache: &Path) -> Result<(), CommandError> {
    let request =
        AdmissionRequest::create(generate::pod(), "default").map_err(|error| CommandError::Other(error.to_string()))?;
    let world = Arc::new(World::default());
    let mut text = format!(
        "{:32} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n",
        "policy", "size", "first load", "next load", "mean", "median", "p95", "p99"
    );
    for module in POLICIES {
        let load = || -> Result<(Duration, Policy), CommandError> {
            let engine = engine(cache)?;
            let started = Instant::now();
            let policy = Policy::load(&engine, module.name, module.wasm)
                .map_err(|source| ModuleError::Load { module: module.name.to_owned(), source })?;
            Ok((started.elapsed(), policy))
        };
        let (first, _) = load()?;
        let (next, policy) = load()?;
        let iterations = args.iterations.max(1);
        let mut times = Vec::with_capacity(iterations);
        let settings = json!({});
        // The first ones, which find caches cold, are not counted.
        for round in 0..iterations + iterations.div_ceil(10) {
            let started = Instant::now();
            policy
                .validate(&request, &settings, &world)
                .map_err(|error| ModuleError::Broken { policy: module.name.into(), problem: error.to_string() })?;
            if round >= iterations.div_ceil(10) {
                times.push(started.elapsed());
            }
        }
        times.sort();
        let mean = times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap_or(u32::MAX);
        let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len() - 1)).copied().unwrap_or_default();
        let _ = writeln!(
            text,
            "{:32} {:>6} KiB {:>7.1} ms {:>7.1} ms {:>7.1} µs {:>7.1} µs {:>7.1} µs {:>7.1} µs",
            module.name,
            module.wasm.len().div_ceil(1024),
            millis(first),
            millis(next),
            micros(mean),
            micros(at(50)),
            micros(at(95)),
            micros(at(99)),
        );
    }
    let _ = writeln!(
        text,
        "\nload: compiled the first time, from the cache the next. mean to p99: `validate`, {} times, of a pod\n\
         of four containers with twelve variables each; a fresh instance each time.\n",
        args.iterations.max(1)
    );
    output::write(&text, None)?;
    Ok(())
}

fn throughput(args: &Bench, cache: &Path) -> Result<(), CommandError> {
    let mut text = format!("{:>8} {:>10} {:>10} {:>14} {:>10}\n", "objects", "read", "judged", "objects/s", "findings");
    for &number in &args.objects {
        let file = cache.join(format!("{number}.yaml"));
        let written = std::fs::write(&file, generate::manifests(number));
        written.map_err(|error| CommandError::Other(format!("{}: {error}", file.display())))?;
        let engine = engine(cache)?;
        let candidates = modules::choose(&engine, &Selection::default(), &Config::default())?;
        let started = Instant::now();
        let input = input::read(&[file]);
        let read = started.elapsed();
        let report = scan::run(&engine, input, &candidates, "default", None, false)?;
        let total = started.elapsed();
        if let Some(failure) = report.failures.first() {
            return Err(CommandError::Other(format!("{}: {}", failure.place, failure.message)));
        }
        let _ = writeln!(
            text,
            "{:>8} {:>7.0} ms {:>7.0} ms {:>14.0} {:>10}",
            report.objects,
            millis(read),
            millis(total - read),
            report.objects as f64 / total.as_secs_f64(),
            report.findings.len(),
        );
    }
    let threads = rayon::current_num_threads();
    let _ = writeln!(
        text,
        "\nscan: generated Deployments, Services, ConfigMaps, Roles, RoleBindings and NetworkPolicies, all policies,\n{threads} threads."
    );
    output::write(&text, None)?;
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
