//! What Plica wants to reach, and whether it does.

use crate::results::Row;

/// How many times faster than a peer a profile is to be, at the same hash and security.
#[derive(Debug)]
pub(crate) struct Bar {
    ours: &'static str,
    theirs: &'static str,
    hash: &'static str,
    times: f64,
}

/// Peak memory is to be below this share of the peer's.
const MEMORY: f64 = 0.1;

pub(crate) const BARS: [Bar; 3] = [
    Bar {
        ours: "Plica fast",
        theirs: "miden-vm 0.23.5",
        hash: "RPO",
        times: 30.0,
    },
    Bar {
        ours: "Plica blake3",
        theirs: "miden-vm 0.23.5",
        hash: "BLAKE3",
        times: 15.0,
    },
    Bar {
        ours: "Plica blake3",
        theirs: "miden-vm 0.11.0",
        hash: "BLAKE3",
        times: 5.0,
    },
];

impl Bar {
    /// For the head of a table.
    pub(crate) fn title(&self) -> String {
        format!(
            "{} beside {}, at least {}×",
            self.hash, self.theirs, self.times
        )
    }

    /// For a cell of it: the ratios, and whether they suffice.
    pub(crate) fn verdict(&self, rows: &[Row]) -> String {
        let find = |name: &str| {
            let mut rows = rows
                .iter()
                .filter(|row| row.name == name && row.hash == self.hash);
            rows.find(|row| row.security == "96-conjectured")
                .and_then(|row| row.figures.as_ref().ok())
        };
        let (Some(ours), Some(theirs)) = (find(self.ours), find(self.theirs)) else {
            return "not measured | ".to_owned();
        };
        let faster = theirs.seconds / ours.seconds;
        // On a machine that does other things as well this is the steadier figure, and clocks favour the shorter process: a bar is met
        // if both meet it.
        let work = theirs.cpu_seconds / ours.cpu_seconds;
        let memory = ours.peak_bytes as f64 / theirs.peak_bytes as f64;
        format!(
            "{faster:.1}× (CPU {work:.1}×) {} | 1/{:.1} {}",
            met(faster.min(work) >= self.times),
            1.0 / memory,
            met(memory < MEMORY)
        )
    }
}

fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "**missed**" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Figures;

    fn row(name: &str, hash: &str, seconds: f64, peak_bytes: u64) -> Row {
        Row {
            program: "p".to_owned(),
            name: name.to_owned(),
            hash: hash.to_owned(),
            security: "96-conjectured".to_owned(),
            figures: Ok(Figures {
                runs: 1,
                seconds,
                cpu_seconds: seconds,
                peak_bytes,
                proof_bytes: 1,
                load: 0.0,
            }),
        }
    }

    #[test]
    fn bars_are_met_at_the_figure_and_missed_below_it() {
        let rows = |peer_seconds, peer_bytes| {
            [
                row("Plica fast", "RPO", 1.0, 100),
                row("miden-vm 0.23.5", "RPO", peer_seconds, peer_bytes),
            ]
        };
        assert_eq!(
            BARS[0].verdict(&rows(30.0, 1001)),
            "30.0× (CPU 30.0×) met | 1/10.0 met"
        );
        assert_eq!(
            BARS[0].verdict(&rows(29.9, 1000)),
            "29.9× (CPU 29.9×) **missed** | 1/10.0 **missed**"
        );
        // Less work saved than time.
        let mut busy = rows(30.0, 1001);
        if let Ok(figures) = &mut busy[0].figures {
            figures.cpu_seconds = 2.0;
        }
        assert_eq!(
            BARS[0].verdict(&busy),
            "30.0× (CPU 15.0×) **missed** | 1/10.0 met"
        );
        // Of another hash, or failed: no verdict.
        assert_eq!(BARS[1].verdict(&rows(30.0, 1001)), "not measured | ");
        let mut failed = rows(30.0, 1001);
        failed[1].figures = Err("x".to_owned());
        assert_eq!(BARS[0].verdict(&failed), "not measured | ");
    }
}
