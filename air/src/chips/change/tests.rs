use super::*;
use crate::chip::ChipKind;
use crate::testing::{
    Forgery, MULT, adversarial, balance, change, check_every_column_is_noticed, check_forgeries,
    check_padding, felt, node, positions, second_solutions, violated,
};

const CHIP: ChipKind = ChipKind::Change;

fn word(seed: i64) -> Word {
    [1, 2, 3, 4].map(|j| felt(1000 * seed + j))
}

fn roots() -> [Word; 2] {
    [word(8), word(9)]
}

/// From index 5 of level 3 to one of its children.
fn inner(is_right: bool) -> ChangeRow {
    ChangeRow {
        roots: roots(),
        level: 3,
        index: 5,
        is_right,
        sibling: word(1),
        mult: MULT as u32,
    }
}

fn top(is_right: bool) -> ChangeRow {
    ChangeRow {
        level: 0,
        index: 0,
        ..inner(is_right)
    }
}

fn row(of: &ChangeRow) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; WIDTH];
    fill(Cols::of_mut(&mut row), of);
    row
}

fn all() -> [ChangeRow; 4] {
    [top(false), top(true), inner(false), inner(true)]
}

/// Both trees have the sibling at a place.
fn siblings(level: i64, index: i64) -> [crate::check::Message; 2] {
    roots().map(|root| node(level, index, root, word(1)))
}

#[test]
fn a_step_reads_the_sibling_in_both_trees() {
    for of in all() {
        let row = row(&of);
        assert_eq!(violated(CHIP, &row), [] as [&str; 0]);
        let (level, index) = (of.level as i64, of.index as i64);
        let side = i64::from(of.is_right);
        let mut expected = vec![(change(level + 1, 2 * index + side, roots()), felt(MULT))];
        for message in siblings(level + 1, 2 * index + 1 - side) {
            expected.push((message, Felt::NEG_ONE));
        }
        if level > 0 {
            expected.push((change(level, index, roots()), Felt::NEG_ONE));
        }
        expected.sort_unstable();
        let found: Vec<_> = balance(CHIP, &row).into_iter().collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn each_constraint_stops_a_forgery() {
    let honest = row(&top(false));
    // What the honest row says and no longer does, and the reverse.
    let moved = |level: i64, index: i64| {
        let mut gain = vec![
            (change(1, 0, roots()), -MULT),
            (change(level, index, roots()), MULT),
        ];
        gain.extend(siblings(1, 1).map(|message| (message, 1)));
        gain.extend(siblings(level, index + 1).map(|message| (message, -1)));
        gain
    };
    let forgeries = [
        Forgery::new(
            "top is boolean",
            honest.clone(),
            |row| Cols::of_mut(row).top = Felt::TWO,
            vec![(change(0, 0, roots()), 1)],
        ),
        // Siblings that were never compared.
        Forgery::new(
            "top: level 0",
            honest.clone(),
            |row| Cols::of_mut(row).level = felt(5),
            moved(6, 0),
        ),
        Forgery::new(
            "top: index 0",
            honest.clone(),
            |row| Cols::of_mut(row).index = felt(7),
            moved(1, 14),
        ),
        // A sibling that is none.
        Forgery::new(
            "side is boolean",
            honest.clone(),
            |row| Cols::of_mut(row).side = felt(3),
            {
                let mut gain = vec![
                    (change(1, 0, roots()), -MULT),
                    (change(1, 3, roots()), MULT),
                ];
                gain.extend(siblings(1, 1).map(|message| (message, 1)));
                gain.extend(siblings(1, -2).map(|message| (message, -1)));
                gain
            },
        ),
    ];
    check_forgeries(CHIP, &forgeries);
}

#[test]
fn every_column_is_noticed() {
    for of in all() {
        check_every_column_is_noticed(CHIP, &row(&of));
    }
}

#[test]
fn padding_duplicates_a_fact_and_provides_nothing() {
    let mult = Cols::of(&positions(WIDTH)).mult;
    for of in all() {
        check_padding(CHIP, &row(&of), &[mult]);
    }
}

/// With what a row reads held fixed there is no other row.
#[test]
fn a_step_is_determined_by_what_it_reads() {
    let mult = Cols::of(&positions(WIDTH)).mult;
    for of in [inner(false), inner(true)] {
        let row = row(&of);
        let found = second_solutions(CHIP, &row, &[mult], &adversarial(&row));
        assert_eq!(found, 0);
    }
    // The first step may also ask for one before it, which nobody has.
    for of in [top(false), top(true)] {
        let mut row = row(&of);
        Cols::of_mut(&mut row).top = Felt::ZERO;
        let found = second_solutions(CHIP, &row, &[mult], &adversarial(&row));
        assert_eq!(found, 0);
    }
}
