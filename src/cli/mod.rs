//! Command line: arguments, files, output, exit codes.

mod args;
mod commands;
mod files;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::{Cli, Command};

/// Runs the command and turns its result into an exit code.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let usage = !matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            // A closed pipe behind `--help` is no failure.
            let _ = error.print();
            return ExitCode::from(if usage {
                plica::Category::Usage as u8
            } else {
                0
            });
        }
    };
    if std::env::var_os("PLICA_TRACE").is_some() {
        trace_phases();
    }
    let json = cli.command.json();
    let result = match &cli.command {
        Command::Run(args) => commands::run(args),
        Command::Prove(args) => commands::prove(args),
        Command::Setup(args) => commands::setup(args),
        Command::Verify(args) => commands::verify(args),
        Command::Analyze(args) => commands::analyze(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let category = error.category();
            output::error(error, json);
            ExitCode::from(category as u8)
        }
    }
}

/// Prints a tree of the phases with their times when the command ends.
fn trace_phases() {
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    tracing_subscriber::registry()
        .with(tracing_forest::ForestLayer::default())
        .init();
}
