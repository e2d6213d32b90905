//! Command line: arguments, files, output, exit codes.

mod aggregate;
mod args;
mod commands;
mod files;
mod inspect;
mod joint;
mod library;
mod output;
mod progress;
mod root;

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
    if let Some(level) = std::env::var_os("PLICA_TRACE") {
        trace_phases(&level);
    }
    let json = cli.command.json();
    let result = match &cli.command {
        Command::Run(args) => commands::run(args),
        Command::Prove(args) => commands::prove(args),
        Command::Setup(args) => commands::setup(args),
        Command::Verify(args) => commands::verify(args),
        Command::Chain(args) => commands::chain(args),
        Command::Analyze(args) => commands::analyze(args),
        Command::Aggregate(args) => aggregate::aggregate(args),
        Command::Inspect(args) => inspect::inspect(args),
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

/// Prints a tree of the phases with their times to standard error; `PLICA_TRACE=debug` shows their parts, too.
fn trace_phases(level: &std::ffi::OsStr) {
    use tracing_forest::ForestLayer;
    use tracing_forest::printer::Printer;
    use tracing_subscriber::filter::LevelFilter;
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    let level = if level == "debug" {
        LevelFilter::DEBUG
    } else {
        LevelFilter::INFO
    };
    let printer = Printer::new().writer(|| Unfailing);
    tracing_subscriber::registry()
        .with(level)
        .with(ForestLayer::from(printer))
        .init();
}

/// Standard error, without failures: a reader that has gone away must not stop a proof.
struct Unfailing;

impl std::io::Write for Unfailing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = std::io::stderr().write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
