use super::*;
use crate::check::Message;
use crate::chip::ChipKind;
use crate::record::Remembered;
use crate::testing::{
    Forgery, address, balance, check_forgeries, check_real_is_boolean, check_silent, felt,
    limbs_changed, memory,
};

const CHIP: ChipKind = ChipKind::Addresses;
const WORD: [i64; 4] = [80, 81, 82, 83];

fn touched(context: u64, address: u32) -> Touched {
    Touched {
        context,
        address,
        left: Remembered {
            word: WORD.map(felt),
            clk: 9,
        },
    }
}

fn row(own: (u64, u32), previous: Option<(u64, u32)>) -> Vec<Felt> {
    let mut row = vec![Felt::ZERO; WIDTH];
    let previous = previous.map(|(context, address)| touched(context, address));
    let own = touched(own.0, own.1);
    let counts = limbs::Counts::default();
    fill(Cols::of_mut(&mut row), &own, previous.as_ref(), &counts);
    row
}

/// Address 30 behind 20.
fn next() -> Vec<Felt> {
    row((0, 30), Some((0, 20)))
}

fn padding() -> Vec<Felt> {
    let mut row = vec![Felt::ONE; WIDTH];
    fill_padding(Cols::of_mut(&mut row));
    row
}

#[test]
fn a_row_begins_and_ends_an_address_and_is_a_step_of_the_chain() {
    let cases = [
        ((0, 0), None, [0, -1]),
        ((0, 30), None, [0, -1]),
        ((4, 2), None, [0, -1]),
        ((0, 30), Some((0, 29)), [0, 29]),
        ((0, u32::MAX), Some((0, 0)), [0, 0]),
        ((7, 30), Some((0, 40)), [0, 40]),
        ((8, 0), Some((7, u32::MAX)), [7, i64::from(u32::MAX)]),
    ];
    for (own, previous, before) in cases {
        let messages = balance(CHIP, &row(own, previous));
        let (context, place) = (own.0 as i64, i64::from(own.1));
        let expected = [
            (address(before[0], before[1]), -1),
            (address(context, place), 1),
            (memory(context, place, [0; 4], 0), 1),
            (memory(context, place, WORD, 9), -1),
        ];
        for (message, count) in expected {
            assert_eq!(messages.get(&message), Some(&felt(count)));
        }
        assert!(messages.len() > expected.len(), "and the limbs");
    }
}

#[test]
fn each_constraint_stops_a_forgery() {
    let reversed = balance(CHIP, &next());
    // Limbs of one value count several times.
    let reversed: Vec<(Message, Felt)> = reversed
        .into_iter()
        .map(|(message, count)| (message, -count.double()))
        .collect();
    let mut real = Forgery::new(
        "real is boolean",
        next(),
        |row| Cols::of_mut(row).real = Felt::NEG_ONE,
        Vec::new(),
    );
    for (message, count) in reversed {
        real.also(message, count);
    }
    // Address 30 a second time, behind itself: ½ of the one order, ½ of the other make up for it.
    let twice = Forgery::new(
        "same context is boolean",
        row((1, 30), Some((0, 20))),
        |row| {
            let cols = Cols::of_mut(row);
            // 1 + same·(address difference − 1) − 1 − gap = 0 with a difference of 0 and a gap of −same
            cols.previous_context = cols.context;
            cols.previous_address = felt(28);
            cols.same = Felt::ONE.halve();
        },
        vec![(address(0, 20), 1), (address(1, 28), -1)],
    );
    let order = Forgery::new(
        "order",
        next(),
        // Behind itself.
        |row| Cols::of_mut(row).previous_address = felt(30),
        vec![(address(0, 20), 1), (address(0, 30), -1)],
    );
    // A context again, "in another context".
    let again = Forgery::new(
        "same context",
        next(),
        |row| Cols::of_mut(row).previous_context = felt(5),
        vec![(address(0, 20), 1), (address(5, 20), -1)],
    );
    check_forgeries(CHIP, &[real, twice, again, order]);
}

/// What the constraints leave open is in the messages: an address in limbs, a gap in limbs.
#[test]
fn an_address_of_2_to_the_32_has_no_limbs() {
    let honest = row((0, u32::MAX), Some((0, 20)));
    let mut forged = honest.clone();
    let cols = Cols::of_mut(&mut forged);
    cols.address[0] += Felt::ONE;
    cols.gap[0] += Felt::ONE;
    let mut expected = balance(CHIP, &honest);
    let last = i64::from(u32::MAX);
    let limbs = |value: i64| [value & 0xfff, value >> 12 & 0xfff, value >> 24];
    let mut changes = limbs_changed(limbs(last), [0x1000, 0xfff, 0xff]);
    let gap = limbs(last - 21);
    changes.extend(limbs_changed(gap, [gap[0] + 1, gap[1], gap[2]]));
    for (before, after, count) in [
        (
            memory(0, last, [0; 4], 0),
            memory(0, last + 1, [0; 4], 0),
            1,
        ),
        (memory(0, last, WORD, 9), memory(0, last + 1, WORD, 9), -1),
        (address(0, last), address(0, last + 1), 1),
    ] {
        changes.extend([(before, -count), (after, count)]);
    }
    for (message, count) in changes {
        *expected.entry(message).or_default() += felt(count);
    }
    expected.retain(|_, count| *count != Felt::ZERO);
    assert_eq!(balance(CHIP, &forged), expected);
}

#[test]
fn real_is_0_or_1() {
    check_real_is_boolean(CHIP, &[next(), padding()]);
}

#[test]
fn padding_is_silent() {
    check_silent(CHIP, &padding());
}
