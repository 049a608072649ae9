//! The command and registries: real ones that are started for a test, and some that do what no registry should.
//!
//! What needs a program that is not installed is reported as ignored, with the program's name.

mod fake;
mod hostile;
mod publish;
mod server;
mod signing;
#[allow(dead_code, reason = "shared with the tests of the other commands, which use all of it")]
#[path = "../cli/support.rs"]
mod support;
mod trouble;

use std::path::PathBuf;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};

/// The registry of Debian's package of that name, and of the image `registry:2`.
pub const REGISTRY: &str = "docker-registry";

fn main() -> ExitCode {
    let mut trials = publish::trials();
    trials.extend(signing::trials());
    trials.extend(trouble::trials());
    trials.extend(hostile::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A test that needs these programs. A failed assertion in it is its failure.
pub fn trial(name: &str, needs: &'static [&'static str], run: fn()) -> Trial {
    Trial::ignorable_test(name, move || {
        if let Some(missing) = needs.iter().find(|program| on_path(program).is_none()) {
            return Ok(Completion::ignored_with(format!("{missing} is not installed")));
        }
        run();
        Ok(Completion::Completed)
    })
}

/// Where a program is.
pub fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}
