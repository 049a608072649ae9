//! The command `palisade`: scans Kubernetes manifests with Kubewarden policies, offline, and reports who may do what by them,
//! and who can reach whom.

mod args;
mod commands;
mod config;
mod deploy;
mod exemptions;
mod generate;
mod identity;
mod input;
mod keys;
mod modules;
mod net;
mod output;
mod progress;
mod publish;
mod rbac;
mod registry;
mod report;
mod review;
mod sbom;
mod scan;
mod verify;

use std::process::ExitCode;

use anstyle::AnsiColor;
use clap::{CommandFactory, Parser};

use args::{Cli, Color, Command};
use commands::{CommandError, Outcome};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    match run(&cli.command) {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Ok(Outcome::Incomplete) => ExitCode::from(2),
        Err(error) => {
            let style = AnsiColor::Red.on_default().bold();
            anstream::eprintln!("{style}error:{style:#} {error}");
            ExitCode::from(2)
        }
    }
}

fn run(command: &Command) -> Result<Outcome, CommandError> {
    match command {
        Command::Scan(args) => commands::scan::run(args),
        Command::Rbac(args) => commands::rbac::run(args),
        Command::Net(args) => commands::net::run(args),
        Command::Test(args) => commands::test::run(args),
        Command::Policies(args) => commands::policies::run(args),
        Command::Bench(args) => commands::bench::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::GenerateKeyPair(args) => commands::keys::run(args),
        Command::Publish(args) => commands::publish::run(args),
        Command::Verify(args) => commands::verify::run(args),
        Command::Manifests(args) => commands::manifests::run(args),
        Command::Generate(args) => {
            for path in generate::run(&args.root, args.check)? {
                println!("{}", path.display());
            }
            Ok(Outcome::Clean)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "palisade", &mut script);
            output::write(&String::from_utf8_lossy(&script), None)?;
            Ok(Outcome::Clean)
        }
    }
}
