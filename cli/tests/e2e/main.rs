//! The published modules in Kubewarden's own tools: whether `kwctl` and `policy-server` say of every fixture what the harness says.
//!
//! The tools are taken from the `PATH`. Where one is missing, its trials are reported as ignored, by name. `policy-server` sees every case
//! whose policy asks its host nothing, `kwctl` some of each policy, with the answers of the host replayed; with `PALISADE_E2E=all` it sees
//! all of them, which takes minutes. What was measured is printed at the end.

mod cases;
mod http;
mod kwctl;
mod server;
mod trust;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

use cases::Cases;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let (kwctl, server) = (find("kwctl"), find("policy-server"));
    // All fixtures are run to know what is expected: not for the names of what is ignored.
    let cases = match kwctl.is_some() || server.is_some() {
        true => Cases::load().map(Arc::new),
        false => Ok(Arc::default()),
    };
    let cases = match cases {
        Ok(cases) => cases,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = kwctl::trials(kwctl.as_deref(), &cases);
    let (of_server, figures) = server::trials(server.as_deref(), &cases);
    trials.extend(of_server);
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(figures) = figures.report() {
        print!("{figures}");
    }
    conclusion.exit_code()
}

/// A tool, if it is installed.
fn find(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// A trial that needs a tool: ignored where it is missing, and says so.
fn needs(tool: &'static str, is_there: bool, trial: Trial) -> Trial {
    if is_there { trial } else { trial.with_kind(format!("{tool} is not on the PATH")).with_ignored_flag(true) }
}
