//! What plonky2's `bench_recursion -vv` prints.

use crate::stage::{LEAF, OVER_LAYER, OVER_LEAF, Stage};

/// The base proof and two layers. Its time of a layer is that of the witness and the proof, without the circuit; it has none of verifying.
pub(crate) fn read(printed: &str) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    for line in printed.lines() {
        let message = line.split_once("] ").map_or(line, |(_, message)| message);
        if let Some(prove) = message
            .strip_suffix("s to prove")
            .and_then(|time| time.parse().ok())
        {
            // Of a stage that is not known there would be nothing to compare.
            let Some(name) = [LEAF, OVER_LEAF, OVER_LAYER].get(stages.len()) else {
                return Vec::new();
            };
            stages.push(Stage::timed(name, prove));
        }
        let Some(stage) = stages.last_mut() else {
            continue;
        };
        if let Some((_, log_rows)) = message.rsplit_once(" = 2^") {
            stage.log_rows = log_rows.parse().ok();
        }
        let bytes = |start: &str| {
            let bytes = message.strip_prefix(start)?.strip_suffix(" bytes")?;
            bytes.parse().ok()
        };
        stage.bytes = bytes("Proof length: ").or(stage.bytes);
        stage.compressed = bytes("Compressed proof length: ").or(stage.compressed);
    }
    stages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read_from_the_log() {
        let layer = |time: &str, name: &str| {
            format!(
                "[DEBUG plonky2::util::timing] {time}s to prove\n\
                 [DEBUG plonky2::util::timing] | 0.0001s to run 3 generators\n\
                 [INFO  bench_recursion] {name} degree 4096 = 2^12\n"
            )
        };
        let log = [
            layer("1.5000", "Initial proof"),
            layer("2.2500", "Single recursion proof"),
            layer("2.0000", "Double recursion proof"),
            "[INFO  bench_recursion] Proof length: 127184 bytes\n".into(),
            "[INFO  bench_recursion] Compressed proof length: 115708 bytes\n".into(),
        ]
        .concat();
        let stages = read(&log);
        assert_eq!(
            stages.iter().map(|s| s.prove).collect::<Vec<_>>(),
            [1.5, 2.25, 2.0]
        );
        let last = &stages[2];
        assert_eq!((last.stage.as_str(), last.log_rows), (OVER_LAYER, Some(12)));
        assert_eq!(
            (last.bytes, last.compressed),
            (Some(127_184), Some(115_708))
        );
        assert!(read("error").is_empty());
    }
}
