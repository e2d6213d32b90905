use p3_field::Field;

use super::*;
use crate::chip::ChipKind;
use crate::code::{FactOp, Operand};
use crate::testing::{
    FRAMES, Forgery, IDS, MULT, cell, check_forgeries, check_lookup_binds, check_padding, felt,
    positions, tests_of_both, with_facts, word,
};

/// Ids of the operands.
const SRC: [u32; 4] = [50, 51, 52, 53];
const VALUES: [i64; 4] = [60, 61, 62, 63];

/// Component j is a constant if bit j of `mask` is set.
fn row<const N: usize>(mask: u32) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; width::<N>()];
    let values = VALUES.map(felt);
    let operands: [Operand; 4] = std::array::from_fn(|j| {
        if mask >> j & 1 == 1 {
            Operand::Imm(values[j])
        } else {
            Operand::Cell(SRC[j])
        }
    });
    with_facts::<N>(FactOp::Pack, &operands, &values, |i, values| {
        fill(&mut Row::<_, N>::of_mut(&mut row).facts[i], values);
    });
    row
}

fn mults<const N: usize>() -> Vec<usize> {
    let positions = positions(width::<N>());
    Row::<_, N>::of(&positions)
        .facts
        .map(|fact| fact.mult)
        .to_vec()
}

fn each_constraint_stops_a_forgery<const N: usize>(chip: ChipKind) {
    let mut forgeries = Vec::new();
    for i in 0..N {
        for j in 0..4 {
            let changed = |value| {
                let mut word_value = VALUES;
                word_value[j] = value;
                vec![
                    (word(FRAMES[i], IDS[i], VALUES), -MULT),
                    (word(FRAMES[i], IDS[i], word_value), MULT),
                ]
            };
            // Another constant than the program's.
            forgeries.push(Forgery::new(
                format!("fact {i}: immediate {j}"),
                row::<N>(1 << j),
                |row| Row::<_, N>::of_mut(row).facts[i].components[j].value = felt(5),
                changed(5),
            ));
            // The flag of another component in other digits: both are constants by half.
            let other = if j == 0 { 1 } else { 0 };
            let ratio = Felt::from_u32(1 << other) * Felt::from_u32(1 << j).inverse();
            // j is a cell and the other a constant; the code stays if j takes the other's flag. Its value must be its id then.
            let honest = row::<N>(1 << other);
            let src = i64::from(SRC[j]);
            let mut gain = changed(src);
            gain.push((cell(FRAMES[i], SRC[j], VALUES[j]), 1));
            // The constant of the other component is now read as the cell of that id.
            gain.push((cell(FRAMES[i], VALUES[other] as u32, VALUES[other]), -1));
            // 1 − flag of j instead of one reads of its cell, which has the value that the id is.
            let count = ratio - Felt::ONE;
            let mut forged = Forgery::new(
                format!("fact {i}: immediate {j} is boolean"),
                honest,
                |row| {
                    let components = &mut Row::<_, N>::of_mut(row).facts[i].components;
                    components[other].immediate = Felt::ZERO;
                    components[j].immediate = ratio;
                    components[j].value = components[j].src;
                },
                gain,
            );
            forged.also(cell(FRAMES[i], SRC[j], src), count);
            forgeries.push(forged);
        }
    }
    check_forgeries(chip, &forgeries);
}

fn the_program_fixes_ids_and_constants<const N: usize>(chip: ChipKind) {
    let positions = positions(width::<N>());
    let facts = Row::<_, N>::of(&positions).facts;
    let columns: Vec<usize> = facts
        .iter()
        .flat_map(|fact| {
            let components = fact.components.into_iter();
            components
                .flat_map(|c| [c.immediate, c.src])
                .chain([fact.id])
        })
        .collect();
    check_lookup_binds(chip, &row::<N>(0b0101), &columns);
}

fn padding_duplicates_a_fact_and_provides_nothing<const N: usize>(chip: ChipKind) {
    check_padding(chip, &row::<N>(0b0110), &mults::<N>());
}

tests_of_both!(
    Pack, FACTS, PackNarrow:
    each_constraint_stops_a_forgery,
    the_program_fixes_ids_and_constants,
    padding_duplicates_a_fact_and_provides_nothing,
);
