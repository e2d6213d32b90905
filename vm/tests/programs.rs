//! Every program of the repository parses without warnings.

use std::path::{Path, PathBuf};

use plica_vm::inputs::{Inputs, outputs_from_json};
use plica_vm::syntax::{DirectoryModules, parse_program};

fn programs(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "masm")
    });
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

fn assert_all_parse(directory: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(directory);
    for path in programs(&root) {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        let program = parse_program(&text, &name, &DirectoryModules::new(&root));
        let program = program.unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
        assert!(program.warnings.is_empty(), "{:?}", program.warnings);
    }
}

#[test]
fn benchmarks_parse() {
    assert_all_parse("bench/programs");
}

#[test]
fn examples_parse() {
    assert_all_parse("examples");
    assert_all_parse("examples/modules");
    assert_all_parse("examples/storage");
}

#[test]
fn examples_have_inputs_and_outputs() {
    for directory in ["examples", "examples/modules", "examples/storage"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(directory);
        for path in programs(&root) {
            let read = |extension| std::fs::read_to_string(path.with_extension(extension)).unwrap();
            Inputs::from_json(&read("inputs")).unwrap();
            assert!(outputs_from_json(&read("outputs")).is_ok(), "{path:?}");
        }
    }
}
