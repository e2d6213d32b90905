use p3_field::Field;
use plica_hash_rpo::State;
use plica_hash_rpo::constants::{ARK1, ARK2, INV_ALPHA};
use plica_hash_rpo::linear;

use super::head_tests::{Subject, chosen, end, inner, shared_tests, state};
use super::*;
use crate::chip::ChipKind;

const SUBJECT: Subject = Subject {
    chip: ChipKind::Absorb,
    fill: |row, values| {
        fill(Cols::of_mut(row), values);
        fill_rounds(row);
    },
};

/// Columns of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Cube,
    StateCube,
    State,
}

/// The rounds from a state on, column by column, with one that breaks its constraint and only that; all later ones fit it. Also what goes
/// into the last S-boxes.
fn forged_rounds(
    state: &State,
    (at, column, lane): (usize, Column, usize),
) -> ([Round<Felt>; ROUNDS], State) {
    let mut before = *state;
    let mut last = *state;
    let rounds = std::array::from_fn(|r| {
        let here = |c: Column| (r == at && c == column).then_some(lane);
        let y = linear(&before, &ARK1[r]);
        let mut cubes = y.map(|y| y.cube());
        if let Some(lane) = here(Column::Cube) {
            cubes[lane] += Felt::ONE;
        }
        let seventh = std::array::from_fn(|j| cubes[j].square() * y[j]);
        let middle = linear(&seventh, &ARK2[r]);
        last = middle;
        let mut after = middle.map(|w| w.exp_u64(INV_ALPHA));
        if let Some(lane) = here(Column::State) {
            after[lane] += Felt::ONE;
        }
        let mut state_cubes = after.map(|x| x.cube());
        if let Some(lane) = here(Column::StateCube) {
            // t = 1/s and x′ = w·s² solve t²·x′ = w.
            let s = Felt::from_u32(3);
            state_cubes[lane] = s.inverse();
            after[lane] = middle[lane] * s.square();
        }
        before = after;
        Round {
            cubes,
            state: after,
            state_cubes,
        }
    });
    (rounds, last)
}

/// Computes what follows from the differences and `last`.
fn refit_out(cols: &mut Cols<Felt>, middle: &State) {
    cols.head.out = std::array::from_fn(|j| {
        let chosen = middle[j] + cols.last.difference[j] * cols.head.last;
        chosen.exp_u64(INV_ALPHA)
    });
    cols.last.out_cubes = cols.head.out.map(|x| x.cube());
}

/// Computes the sums again: from the squares on, or from the halves on.
fn refit_sums(cols: &mut Cols<Felt>, from_halves: bool) {
    let pair = |v: usize, a: &[Felt; 3]| {
        let mut sum = scaled(a, &cols.head.data[v]);
        sum[0] += cols.head.data[v + 1];
        sum
    };
    let (a, x, data) = (cols.head.a, cols.head.x, cols.head.data);
    let base = |v: usize| data[v] * x + data[v + 1];
    let (half, base_half) = if from_halves {
        (cols.half, cols.base_half)
    } else {
        (
            add(product(&pair(0, &a), &cols.square), pair(2, &a)),
            base(0) * cols.base_square + base(2),
        )
    };
    let third = add(product(&half, &cols.square), pair(4, &a));
    let own = add(product(&third, &cols.square), pair(6, &a));
    let s_after = add(product(&cols.head.s, &cols.head.m), own);
    let square = cols.base_square;
    let value = (base_half * square + base(4)) * square + base(6);
    (cols.half, cols.base_half) = (half, base_half);
    (cols.head.s_after, cols.head.value) = (s_after, value);
}

#[test]
fn each_constraint_stops_a_forgery() {
    let mut forgeries = vec![SUBJECT.forgery_of_last(|row| {
        let cols = Cols::of_mut(row);
        cols.last.out_cubes = cols.head.out.map(|x| x.cube());
    })];
    let of = inner();
    for i in 0..3 {
        forgeries.push(SUBJECT.forgery(format!("square of a {i}"), &of, |row| {
            let cols = Cols::of_mut(row);
            cols.square[i] += Felt::ONE;
            refit_sums(cols, false);
        }));
        forgeries.push(SUBJECT.forgery(format!("half of the sum {i}"), &of, |row| {
            let cols = Cols::of_mut(row);
            cols.half[i] += Felt::ONE;
            refit_sums(cols, true);
        }));
        forgeries.push(SUBJECT.forgery(format!("sum {i}"), &of, |row| {
            Cols::of_mut(row).head.s_after[i] += Felt::ONE;
        }));
    }
    forgeries.push(SUBJECT.forgery("square of x", &of, |row| {
        let cols = Cols::of_mut(row);
        cols.base_square += Felt::ONE;
        refit_sums(cols, false);
    }));
    forgeries.push(SUBJECT.forgery("half of the sum at x", &of, |row| {
        let cols = Cols::of_mut(row);
        cols.base_half += Felt::ONE;
        refit_sums(cols, true);
    }));
    forgeries.push(SUBJECT.forgery("sum at x", &of, |row| {
        Cols::of_mut(row).head.value += Felt::ONE;
    }));
    for of in [inner(), end()] {
        for r in 0..ROUNDS {
            for (column, what) in [
                (Column::Cube, "cube"),
                (Column::StateCube, "cube of the result"),
                (Column::State, "result"),
            ] {
                for lane in 0..LANES {
                    if r == ROUNDS - 1 && column != Column::Cube {
                        continue;
                    }
                    let (rounds, middle) = forged_rounds(&state(&of), (r, column, lane));
                    let name = format!("round {r}, lane {lane}: {what}");
                    forgeries.push(SUBJECT.forgery(name, &of, |row| {
                        let cols = Cols::of_mut(row);
                        cols.rounds.copy_from_slice(&rounds[..ROUNDS - 1]);
                        cols.last.cubes = rounds[ROUNDS - 1].cubes;
                        let difference = |j: usize| middle[CAPACITY + j] - middle[j];
                        cols.last.difference = std::array::from_fn(difference);
                        refit_out(cols, &middle);
                        assert_eq!(cols.head.out, chosen(&middle, cols.head.last));
                    }));
                }
            }
        }
        let (_, middle) = forged_rounds(&state(&of), (ROUNDS, Column::Cube, 0));
        for j in 0..DIGEST {
            // The difference matters only where it is used.
            if of.last {
                let name = format!("round 6, out {j}: difference");
                forgeries.push(SUBJECT.forgery(name, &of, |row| {
                    let cols = Cols::of_mut(row);
                    cols.last.difference[j] += Felt::ONE;
                    refit_out(cols, &middle);
                }));
            }
            forgeries.push(
                SUBJECT.forgery(format!("round 6, out {j}: cube"), &of, |row| {
                    let cols = Cols::of_mut(row);
                    // As in a round: t = 1/3 and x′ = 9·w solve t²·x′ = w.
                    let chosen = cols.head.out[j].exp_u64(7);
                    cols.last.out_cubes[j] = Felt::from_u32(3).inverse();
                    cols.head.out[j] = chosen * Felt::from_u32(9);
                }),
            );
            forgeries.push(
                SUBJECT.forgery(format!("round 6, out {j}: result"), &of, |row| {
                    let cols = Cols::of_mut(row);
                    cols.head.out[j] += Felt::ONE;
                    cols.last.out_cubes[j] = cols.head.out[j].cube();
                }),
            );
        }
    }
    SUBJECT.check_forgeries(&forgeries);
}

shared_tests!(SUBJECT, &[Felt::ZERO, Felt::ONE]);
