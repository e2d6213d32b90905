//! The results as Markdown.

use std::fmt::Write as _;

use crate::bars::BARS;
use crate::results::Row;

/// A table of figures for each program, one of all, and the table of bars.
pub(crate) fn markdown(programs: &[String], rows: &[Row]) -> String {
    let mut text = String::new();
    for program in programs {
        let _ = writeln!(text, "### {program}\n");
        text.push_str("| | hash | security | time | CPU time | peak memory | proof | load |\n");
        text.push_str("|---|---|---|---|---|---|---|---|\n");
        for row in rows.iter().filter(|row| row.program == *program) {
            let _ = write!(text, "| {} | {} | {} | ", row.name, row.hash, row.security);
            let _ = match &row.figures {
                Ok(f) => writeln!(
                    text,
                    "{:.3} s | {:.2} s | {} MB | {} KB | {:.1} |",
                    f.seconds,
                    f.cpu_seconds,
                    f.peak_bytes >> 20,
                    f.proof_bytes >> 10,
                    f.load
                ),
                Err(failure) => writeln!(text, "failed: {failure} | | | | |"),
            };
        }
        text.push('\n');
    }
    text.push_str(&overview(programs, rows));
    text.push_str(&bars(programs, rows));
    text
}

/// One line per program: each contender with time, CPU time and peak memory.
fn overview(programs: &[String], rows: &[Row]) -> String {
    let mut contenders: Vec<(&str, &str, &str)> = Vec::new();
    for row in rows {
        let contender = (row.name.as_str(), row.hash.as_str(), row.security.as_str());
        if !contenders.contains(&contender) {
            contenders.push(contender);
        }
    }
    contenders.sort_unstable();
    let heads = contenders
        .iter()
        .map(|(name, hash, security)| format!(" {name} {hash} {security} |"));
    let mut text = format!(
        "### Overview\n\nTime, CPU time, peak memory.\n\n| |{}\n",
        heads.collect::<String>()
    );
    let _ = writeln!(text, "|---|{}", "---|".repeat(contenders.len()));
    for program in programs {
        let _ = write!(text, "| `{program}` |");
        for &(name, hash, security) in &contenders {
            let mut cells = rows
                .iter()
                .filter(|row| row.program == *program && row.name == name);
            let row = cells.find(|row| row.hash == hash && row.security == security);
            let _ = match row.map(|row| &row.figures) {
                Some(Ok(f)) => write!(
                    text,
                    " {:.2} s, {:.2} s, {} MB |",
                    f.seconds,
                    f.cpu_seconds,
                    f.peak_bytes >> 20
                ),
                Some(Err(_)) => write!(text, " failed |"),
                None => write!(text, " not measured |"),
            };
        }
        text.push('\n');
    }
    text + "\n"
}

/// One line per program: each bar with its ratio of times and of peak memory.
fn bars(programs: &[String], rows: &[Row]) -> String {
    let titles = BARS
        .iter()
        .map(|bar| format!(" {} | memory below 1/10 |", bar.title()));
    let mut text = format!("### Bars\n\n| |{}\n", titles.collect::<String>());
    let _ = writeln!(text, "|---|{}", "---|---|".repeat(BARS.len()));
    for program in programs {
        let rows: Vec<Row> = rows
            .iter()
            .filter(|row| row.program == *program)
            .cloned()
            .collect();
        let verdicts: Vec<String> = BARS.iter().map(|bar| bar.verdict(&rows)).collect();
        let _ = writeln!(text, "| `{program}` | {} |", verdicts.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_as_many_cells_in_every_line() {
        let row = Row {
            program: "p".to_owned(),
            name: "n".to_owned(),
            hash: "h".to_owned(),
            security: "s".to_owned(),
            figures: Err("it broke".to_owned()),
        };
        let text = markdown(&["p".to_owned()], &[row]);
        for table in text.split("\n\n").filter(|part| part.starts_with('|')) {
            let cells: Vec<usize> = table
                .lines()
                .map(|line| line.matches('|').count())
                .collect();
            assert!(cells.iter().all(|&n| n == cells[0]), "{table}");
        }
        assert!(text.contains("failed: it broke"));
    }
}
