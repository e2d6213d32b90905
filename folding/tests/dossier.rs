//! `docs/folding-parameters.md` is what the code computes.
//!
//! `UPDATE_DOCS=1 cargo test -p plica-folding --test dossier` rewrites it.

use std::fmt::Write as _;
use std::path::Path;

use plica_folding::{ChallengeSet, Parameters};

fn row(text: &mut String, what: &str, p: &Parameters) {
    let hardness = p.hardness();
    writeln!(
        text,
        "| {what} | {} | 2^{} | 2^{} | {} | {} | 2^{:.2} | {} | {:.0} | {:.0} | {:.0} | {:.1} |",
        p.rows,
        p.log_length,
        p.log_bound,
        p.challenges.expansion(),
        p.most_claims(),
        hardness.log_norm,
        hardness.block,
        hardness.matzov.floor(),
        hardness.classical.floor(),
        hardness.quantum.floor(),
        p.challenges.bits() - (p.most_claims() as f64).log2(),
    )
    .expect("memory");
}

fn dossier() -> String {
    let standard = Parameters::STANDARD;
    let mut text = String::from(
        "# Parameters of folding\n\n\
         Written by a test (`folding/tests/dossier.rs`) from `folding/src/params.rs` and `folding/src/challenge.rs`, which have the formulas.\n\n\
         κ rows and n columns of the key, in ring elements of degree 54; folded witnesses have coefficients below B; a challenge makes coefficients at most T\n\
         times as large. *norm*: the largest Euclidean norm of a vector that would break the binding of commitments, √(54·n)·8·T·B. *β*: the block size of BKZ that\n\
         finds one, by the root Hermite factor. Bits: MATZOV (2022), core-SVP classical 0.292·β and quantum 0.265·β (ADPS16). These are estimates, calibrated\n\
         against two published outputs of the lattice estimator; no reduction to a hard problem is claimed beyond MSIS. *statistical*: bits of the error of one fold of the most\n\
         claims, claims over the number of challenges; each further fold of an accumulator adds another such error.\n\n\
         | | κ | n | B | T | most claims | norm | β | MATZOV | classical | quantum | statistical |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    row(&mut text, "`standard`", &standard);
    let five = Parameters {
        challenges: ChallengeSet::FIVE,
        ..standard
    };
    row(&mut text, "challenges in {−2..2}", &five);
    for rows in [16, 17, 20] {
        row(&mut text, "other rows", &Parameters { rows, ..standard });
    }
    for log_length in [13, 17, 20] {
        let other = Parameters {
            log_length,
            ..standard
        };
        row(&mut text, "other lengths", &other);
    }
    for log_bound in [12, 18] {
        let other = Parameters {
            log_bound,
            ..standard
        };
        row(&mut text, "other bounds", &other);
    }
    text
}

#[test]
fn the_dossier_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/folding-parameters.md");
    let dossier = dossier();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &dossier).expect("writable");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, dossier, "UPDATE_DOCS=1 rewrites it");
}
