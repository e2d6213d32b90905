//! The programs, with what differs between the dialects.
//!
//! `NAME.masm`, `NAME.inputs` and `NAME.outputs` are for Plica and `miden-vm` 0.11.0. Where 0.23.5 needs another text or
//! other inputs, these are `NAME.23.masm` and `NAME.23.inputs`. It reads `operand_stack` from the top, and memory by
//! element: a program that keeps one element per address is the same text there, with a fourth of the memory.

use std::path::PathBuf;

use crate::{merkle, programs};

/// The language of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// That of 0.11.0, which is Plica's.
    Release11,
    /// That of 0.23.5.
    Release23,
}

/// What the comparison runs unless it is told otherwise.
pub const COMPARED: [&str; 11] = [
    "fib16384", "hchain", "merkle16", "merkle32", "u32sum", "u32loop", "memsum", "sort", "sieve",
    "collatz", "matrix",
];

/// A program and its inputs, as files have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// MASM.
    pub text: String,
    /// JSON.
    pub inputs: String,
}

impl Source {
    /// The program `name` in a dialect.
    ///
    /// # Errors
    /// Which file cannot be read.
    pub fn read(name: &str, dialect: Dialect) -> Result<Self, String> {
        let inputs = match merkle::memberships(name) {
            Some(memberships) => memberships.inputs(match dialect {
                Dialect::Release11 => merkle::rpo,
                Dialect::Release23 => merkle::poseidon2,
            }),
            None => read(port(name, dialect, "inputs"))?,
        };
        Ok(Self {
            text: read(port(name, dialect, "masm"))?,
            inputs,
        })
    }
}

/// A file of a program: the port, if there is one.
fn port(name: &str, dialect: Dialect, extension: &str) -> PathBuf {
    let port = programs().join(format!("{name}.23.{extension}"));
    if dialect == Dialect::Release23 && port.exists() {
        port
    } else {
        programs().join(format!("{name}.{extension}"))
    }
}

fn read(path: PathBuf) -> Result<String, String> {
    std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// What a program prints: 16 elements, top first.
///
/// # Errors
/// If there is no such file, or it is malformed.
pub fn expected_outputs(name: &str) -> Result<Vec<u64>, String> {
    let text = read(programs().join(format!("{name}.outputs")))?;
    let outputs =
        plica_vm::inputs::outputs_from_json(&text).map_err(|e| format!("{name}.outputs: {e}"))?;
    Ok(outputs
        .iter()
        .map(plica_field::p3::PrimeField64::as_canonical_u64)
        .collect())
}

/// How many MASM operations a run of a program executes.
///
/// # Errors
/// If it was not counted.
pub fn operations(name: &str) -> Result<u64, String> {
    let text = read(programs().join("operations.json"))?;
    let counted: serde_json::Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    counted[name]
        .as_u64()
        .ok_or_else(|| format!("the operations of {name} were not counted"))
}

/// How many outputs, from the top, are a digest. The hash instructions of 0.23.5 are Poseidon2, so these differ there.
pub fn digest_outputs(name: &str) -> usize {
    if matches!(name, "hchain" | "hashes16384") {
        4
    } else {
        0
    }
}

/// The output that differs, if any, as `position: expected, found`.
///
/// # Errors
/// That.
pub fn compare_outputs(name: &str, dialect: Dialect, found: &[u64]) -> Result<(), String> {
    let expected = expected_outputs(name)?;
    if found.len() != expected.len() {
        return Err(format!(
            "{} outputs instead of {}",
            found.len(),
            expected.len()
        ));
    }
    let skipped = match dialect {
        Dialect::Release11 => 0,
        Dialect::Release23 => digest_outputs(name),
    };
    for (i, (&expected, &found)) in expected.iter().zip(found).enumerate().skip(skipped) {
        if expected != found {
            return Err(format!("output {i} is {found} instead of {expected}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compared_program_is_there_in_both_dialects() {
        for name in COMPARED {
            for dialect in [Dialect::Release11, Dialect::Release23] {
                let source = Source::read(name, dialect).unwrap();
                assert!(source.text.contains("begin") && source.inputs.contains("operand_stack"));
            }
            assert_eq!(expected_outputs(name).unwrap().len(), 16);
        }
    }

    #[test]
    fn ports_are_used_by_their_dialect_only() {
        let [ours, theirs] =
            [Dialect::Release11, Dialect::Release23].map(|d| Source::read("fib16384", d).unwrap());
        assert_eq!(ours.text, theirs.text);
        assert_ne!(ours.inputs, theirs.inputs);
    }

    #[test]
    fn a_wrong_output_is_named_and_only_digests_of_the_other_hash_are_not_compared() {
        let mut outputs = expected_outputs("hchain").unwrap();
        let (old, new) = (Dialect::Release11, Dialect::Release23);
        assert_eq!(compare_outputs("hchain", old, &outputs), Ok(()));
        outputs[3] += 1;
        assert!(
            compare_outputs("hchain", old, &outputs)
                .unwrap_err()
                .starts_with("output 3 is")
        );
        assert_eq!(compare_outputs("hchain", new, &outputs), Ok(()));
        outputs[4] += 1;
        assert!(
            compare_outputs("hchain", new, &outputs)
                .unwrap_err()
                .starts_with("output 4 is 1")
        );
        assert!(compare_outputs("sort", new, &[1]).is_err());
        let mut outputs = expected_outputs("sort").unwrap();
        outputs[0] = 0;
        assert!(compare_outputs("sort", new, &outputs).is_err());
    }
}
