//! What is measured of a proof.

use serde::{Deserialize, Serialize};

/// The stages that are compared, in the order in which they are proven.
pub(crate) const LEAF: &str = "leaf";
pub(crate) const OVER_LEAF: &str = "over a leaf";
pub(crate) const OVER_LAYER: &str = "over a layer";
pub(crate) const OVER_TWO: &str = "over two layers";

/// A proof of a stage. Who measures itself prints one as a line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stage {
    pub(crate) stage: String,
    /// Seconds for what does not depend on the children: circuit or program, and keys.
    #[serde(default)]
    pub(crate) setup: Option<f64>,
    /// Seconds from the children's proofs to the proof.
    pub(crate) prove: f64,
    /// Seconds of all threads meanwhile: on a busy machine they say more.
    #[serde(default)]
    pub(crate) cpu: Option<f64>,
    /// Seconds of a native verification.
    #[serde(default)]
    pub(crate) verify: Option<f64>,
    /// Queries of the low-degree test.
    #[serde(default)]
    pub(crate) queries: Option<usize>,
    /// log2 of the rows of the highest table.
    #[serde(default)]
    pub(crate) log_rows: Option<u32>,
    /// Committed elements of the base field before the blow-up, with those of the key.
    #[serde(default)]
    pub(crate) cells: Option<u64>,
    /// Of the proof.
    #[serde(default)]
    pub(crate) bytes: Option<u64>,
    /// Of the proof, if there is a smaller form that verifiers do not read directly.
    #[serde(default)]
    pub(crate) compressed: Option<u64>,
    /// Largest memory of the process so far, in bytes.
    #[serde(default)]
    pub(crate) peak: Option<u64>,
}

impl Stage {
    /// With nothing known but a time.
    pub(crate) fn timed(stage: &str, prove: f64) -> Self {
        Self {
            stage: stage.to_owned(),
            setup: None,
            prove,
            cpu: None,
            verify: None,
            queries: None,
            log_rows: None,
            cells: None,
            bytes: None,
            compressed: None,
            peak: None,
        }
    }

    /// Those among the lines of an output.
    pub(crate) fn read_all(printed: &str) -> Vec<Self> {
        printed
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// The run of median proving time, and how far the others are from it.
    pub(crate) fn median(mut runs: Vec<Self>) -> Option<(Self, [f64; 2])> {
        runs.sort_by(|a, b| a.prove.total_cmp(&b.prove));
        let range = [runs.first()?.prove, runs.last()?.prove];
        Some((runs.swap_remove(runs.len() / 2), range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_read_from_what_processes_print() {
        let printed = "warning\n{\"stage\":\"leaf\",\"prove\":1.5,\"bytes\":7}\n{}\n";
        let stages = Stage::read_all(printed);
        assert_eq!(stages.len(), 1);
        assert_eq!((stages[0].prove, stages[0].bytes), (1.5, Some(7)));
        let again = Stage::read_all(&serde_json::to_string(&stages[0]).unwrap());
        assert_eq!(stages, again);
    }

    #[test]
    fn the_median_is_a_run() {
        let run = |prove| Stage::timed(LEAF, prove);
        let (median, range) = Stage::median([3.0, 1.0, 2.0].map(run).into()).unwrap();
        assert_eq!((median.prove, range), (2.0, [1.0, 3.0]));
        assert_eq!(Stage::median(vec![]), None);
    }
}
