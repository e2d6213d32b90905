use proptest::prelude::*;

use super::*;
use crate::check::Message;
use crate::chip::ChipKind;
use crate::testing::{
    Forgery, MULT, adversarial, balance, cell, check_forgeries, check_lookup_binds, felt,
    positions, second_solutions, violated,
};

const CHIP: ChipKind = ChipKind::Copy;
const FP: i64 = 7;
const KEY: u32 = 44;
const BASE: u32 = 200;
const SRC: [u32; LANES] = [50, 51, 52, 53];

/// In frame 7, the values 10 to 13 of cells 50 to 53, to cells 200 to 203.
fn row(kind: CopyKind, y: i64) -> Vec<Felt> {
    let entry = CopyEntry {
        kind,
        key: KEY,
        base: BASE,
        src: SRC,
        word: false,
    };
    let values = std::array::from_fn(|j| felt(10 + j as i64));
    let mut row = vec![Felt::ZERO; WIDTH];
    fill(
        Cols::of_mut(&mut row),
        felt(FP),
        felt(y),
        &entry,
        values,
        [felt(MULT); LANES],
    );
    row
}

fn gate() -> CopyKind {
    CopyKind::Gate { bit: Felt::ONE }
}

fn rows() -> [Vec<Felt>; 3] {
    [
        row(CopyKind::Pull, 3),
        row(CopyKind::Push, 3),
        row(gate(), 1),
    ]
}

fn mults() -> Vec<usize> {
    let positions = positions(WIDTH);
    Cols::of(&positions).lanes.map(|lane| lane.mult).to_vec()
}

#[test]
fn each_constraint_stops_a_forgery() {
    let lanes = |f: &dyn Fn(u32, i64) -> [(Message, i64); 2]| -> Vec<(Message, i64)> {
        (0..LANES as u32)
            .flat_map(|j| f(j, 10 + i64::from(j)))
            .collect()
    };
    // Reads frame 4 (a sibling, an earlier iteration) in place of `frame`.
    let reads_elsewhere = |frame| {
        lanes(&|j, value| {
            let src = SRC[j as usize];
            [(cell(frame, src, value), 1), (cell(4, src, value), -1)]
        })
    };
    // Writes into frame 4 in place of `frame`.
    let writes_elsewhere = |frame| {
        lanes(&|j, value| {
            [
                (cell(frame, BASE + j, value), -MULT),
                (cell(4, BASE + j, value), MULT),
            ]
        })
    };
    let mut forgeries = Vec::new();
    let [pull, push, gate] = rows();
    for (honest, from, to) in [(pull, 3, FP), (push.clone(), FP, 3), (gate.clone(), FP, FP)] {
        forgeries.push(Forgery::new(
            "source frame",
            honest.clone(),
            |row| Cols::of_mut(row).from = felt(4),
            reads_elsewhere(from),
        ));
        forgeries.push(Forgery::new(
            "destination frame",
            honest,
            |row| Cols::of_mut(row).to = felt(4),
            writes_elsewhere(to),
        ));
    }
    // The branch that was not taken.
    forgeries.push(Forgery::new(
        "gate",
        gate,
        |row| Cols::of_mut(row).y = Felt::ZERO,
        vec![(cell(FP, KEY, 1), 1), (cell(FP, KEY, 0), -1)],
    ));
    check_forgeries(CHIP, &forgeries);
}

#[test]
fn the_program_fixes_ids_and_kind() {
    let positions = positions(WIDTH);
    let cols = Cols::of(&positions);
    let mut columns = vec![cols.key, cols.base, cols.pull, cols.push, cols.bit];
    columns.extend(cols.lanes.map(|lane| lane.src));
    for row in rows() {
        check_lookup_binds(CHIP, &row, &columns);
    }
}

#[test]
fn the_key_is_read_in_the_own_frame() {
    for (row, y) in rows().iter().zip([3, 3, 1]) {
        assert_eq!(
            balance(CHIP, row).get(&cell(FP, KEY, y)),
            Some(&Felt::NEG_ONE)
        );
    }
}

#[test]
fn padding_duplicates_a_fact_and_provides_nothing() {
    for mut row in rows() {
        for column in mults() {
            row[column] = Felt::ZERO;
        }
        assert!(violated(CHIP, &row).is_empty());
        let consumed: Vec<Felt> = balance(CHIP, &row).into_values().collect();
        assert!(consumed.iter().all(|count| *count == Felt::NEG_ONE));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn copies_are_a_function_of_key_and_sources(
        kind in 0..3u8,
        fp in any::<u64>(),
        y in any::<u64>(),
        values in any::<[u64; LANES]>(),
        random in any::<u64>(),
    ) {
        let y = Felt::from_u64(y);
        let kind = [CopyKind::Pull, CopyKind::Push, CopyKind::Gate { bit: y }][usize::from(kind)];
        let entry = CopyEntry { kind, key: KEY, base: BASE, src: SRC, word: false };
        let mut honest = vec![Felt::ZERO; WIDTH];
        fill(
            Cols::of_mut(&mut honest),
            Felt::from_u64(fp),
            y,
            &entry,
            values.map(Felt::from_u64),
            [felt(MULT); LANES],
        );
        let mut candidates = adversarial(&honest);
        candidates.push(Felt::from_u64(random));
        prop_assert_eq!(second_solutions(CHIP, &honest, &mults(), &candidates), 0);
    }
}
