//! Writes the inputs of `merkle16` and `merkle32`, which are not in the repository, into a folder:
//! `cargo run --release -p plica-bench --bin merkle -- DIR`.

use std::path::PathBuf;

use clap::Parser;
use plica_bench::program::{Dialect, Source};

/// Writes the inputs of the Merkle programs.
#[derive(Debug, Parser)]
struct Args {
    /// Where the files go, `NAME.inputs` and `NAME.23.inputs` for 0.23.5.
    folder: PathBuf,
}

fn main() -> Result<(), String> {
    let Args { folder } = Args::parse();
    for name in ["merkle16", "merkle32"] {
        for (dialect, extension) in [
            (Dialect::Release11, "inputs"),
            (Dialect::Release23, "23.inputs"),
        ] {
            let path = folder.join(format!("{name}.{extension}"));
            let inputs = Source::read(name, dialect)?.inputs;
            std::fs::write(&path, inputs).map_err(|e| format!("{}: {e}", path.display()))?;
        }
    }
    Ok(())
}
