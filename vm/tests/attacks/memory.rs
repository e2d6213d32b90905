//! Rule R10: what stops a load that does not give what was stored last.

use p3_field::PrimeCharacteristicRing;
use plica_air::check::Message;
use plica_air::chip::ChipKind;
use plica_air::chips::{addresses, memory_element};
use plica_air::code::INPUT;
use plica_field::Felt;

use super::forged::{Forged, felt, int, message, stopped_by, stopped_by_bus};

const ZERO: Felt = Felt::ZERO;
/// The address that the programs use.
const PLACE: i64 = 7;

/// The word (element, 0, 0, 0) at the address, as the access at `clk` left it.
fn memory(element: i64, clk: i64) -> Message {
    message(&[8, 0, 0, PLACE, element, 0, 0, 0, clk].map(felt))
}

/// A link of the chain of addresses in context 0.
fn address(place: i64) -> Message {
    message(&[9, 0, place].map(felt))
}

fn limb(tag: i64, value: i64) -> Message {
    message(&[tag, value].map(felt))
}

/// Changes access number `n` to find and to show `element`, left at `clk`, and carries it on.
fn show(forged: &mut Forged, n: usize, element: i64, clk: i64) {
    let at = forged.steps(ChipKind::MemoryElement)[n];
    let cols = memory_element::Cols::of_mut(forged.row_mut(at));
    cols.word[0] = felt(element);
    let gap = int(cols.access.clk) - clk - 1;
    cols.access.gap = [felt(gap), ZERO, ZERO];
    if cols.access.store == ZERO {
        cols.value = felt(element);
        let id = int(cols.access.value_id) as u32;
        forged.poison(ZERO, id, felt(element));
    }
}

/// Changes what the address table says was left at the end.
fn leave(forged: &mut Forged, element: i64, clk: i64) {
    let at = forged.steps(ChipKind::Addresses)[0];
    let cols = addresses::Cols::of_mut(forged.row_mut(at));
    cols.word[0] = felt(element);
    cols.clk = felt(clk);
}

const TWO_STORES: &str = "begin push.5 mem_store.7 push.6 mem_store.7 mem_load.7 swap drop end";

#[test]
fn a_load_does_not_give_what_was_overwritten() {
    let mut forged = Forged::honest(TWO_STORES, &[]);
    assert_eq!(forged.public[16], felt(6));
    show(&mut forged, 2, 5, 1);
    leave(&mut forged, 5, 3);
    forged.rebalance();
    assert_eq!(forged.public[16], felt(5));
    // The first store's word is taken twice, the second one's not at all.
    stopped_by_bus(&forged, &[(memory(5, 1), -1), (memory(6, 2), 1)]);
}

/// With the stores exchanged in time as well, the chain of clocks would have to go back.
#[test]
fn a_load_does_not_give_what_will_be_stored() {
    let mut forged = Forged::honest("begin mem_load.7 push.5 mem_store.7 swap drop end", &[]);
    show(&mut forged, 0, 5, 2);
    show(&mut forged, 1, 5, 1);
    // What was there first is left over, and taken at the end.
    leave(&mut forged, 0, 0);
    forged.rebalance();
    assert_eq!(forged.public[16], felt(5));
    // 1 − 2 − 1
    stopped_by_bus(&forged, &[(limb(3, -2), -1)]);
}

/// A row that takes what it gives itself.
#[test]
fn an_access_is_not_its_own_past() {
    let mut forged = Forged::honest("begin mem_load.7 swap drop end", &[]);
    show(&mut forged, 0, 5, 1);
    leave(&mut forged, 0, 0);
    forged.rebalance();
    assert_eq!(forged.public[16], felt(5));
    stopped_by_bus(&forged, &[(limb(3, -1), -1)]);
}

#[test]
fn memory_begins_with_zeros() {
    let mut forged = Forged::honest("begin mem_load.7 swap drop end", &[]);
    show(&mut forged, 0, 5, 0);
    leave(&mut forged, 5, 1);
    forged.rebalance();
    assert_eq!(forged.public[16], felt(5));
    stopped_by_bus(&forged, &[(memory(5, 0), -1), (memory(0, 0), 1)]);
}

/// Two histories of one address: the load begins a second one.
fn second_history() -> (Forged, Vec<Felt>) {
    let mut forged = Forged::honest("begin push.5 mem_store.7 mem_load.7 swap drop end", &[]);
    show(&mut forged, 1, 0, 0);
    leave(&mut forged, 5, 1);
    let at = forged.steps(ChipKind::Addresses)[0];
    let mut row = forged.row(at).to_vec();
    let cols = addresses::Cols::of_mut(&mut row);
    cols.word[0] = ZERO;
    cols.clk = felt(2);
    (forged, row)
}

#[test]
fn an_address_has_one_row() {
    // Behind itself.
    let (mut forged, mut row) = second_history();
    let cols = addresses::Cols::of_mut(&mut row);
    cols.previous_address = felt(PLACE);
    cols.gap = [ZERO; 3];
    forged.push(ChipKind::Addresses, row.clone());
    forged.rebalance();
    assert_eq!(forged.public[16], ZERO);
    stopped_by(&forged, ChipKind::Addresses, "order");

    // With the gap that the order asks for.
    let (mut forged, mut row) = second_history();
    let cols = addresses::Cols::of_mut(&mut row);
    cols.previous_address = felt(PLACE);
    cols.gap = [felt(-1), ZERO, ZERO];
    forged.push(ChipKind::Addresses, row);
    forged.rebalance();
    stopped_by_bus(&forged, &[(limb(3, -1), -1)]);

    // Behind an address that has no row.
    let (mut forged, mut row) = second_history();
    let cols = addresses::Cols::of_mut(&mut row);
    cols.previous_address = felt(3);
    cols.gap = [felt(3), ZERO, ZERO];
    forged.push(ChipKind::Addresses, row);
    forged.rebalance();
    stopped_by_bus(&forged, &[(address(3), -1), (address(PLACE), 1)]);

    // At the start, beside the first one: a second chain, which has no start of its own.
    let (mut forged, row) = second_history();
    forged.push(ChipKind::Addresses, row);
    forged.rebalance();
    stopped_by_bus(&forged, &[(address(-1), -1), (address(PLACE), 1)]);
}

#[test]
fn an_access_needs_a_row_of_its_address() {
    let mut forged = Forged::honest(TWO_STORES, &[]);
    let at = forged.steps(ChipKind::Addresses)[0];
    forged.remove(at);
    forged.rebalance();
    stopped_by_bus(
        &forged,
        &[
            (memory(0, 0), -1),
            (memory(6, 3), 1),
            (address(-1), 1),
            (address(PLACE), -1),
        ],
    );
}

#[test]
fn an_address_of_2_to_the_32_has_no_row() {
    let mut forged = Forged::honest("begin mem_load end", &[PLACE as u64]);
    let beyond = felt((1 << 32) + PLACE);
    forged.poison(ZERO, INPUT, beyond);
    let at = forged.steps(ChipKind::MemoryElement)[0];
    memory_element::Cols::of_mut(forged.row_mut(at))
        .access
        .address = beyond;
    let at = forged.steps(ChipKind::Addresses)[0];
    let cols = addresses::Cols::of_mut(forged.row_mut(at));
    cols.address[2] = felt(256);
    cols.gap[2] = felt(256);
    let at = forged.rows(ChipKind::Boundary)[0];
    plica_air::chips::boundary::Cols::of_mut(forged.row_mut(at)).last[1] = beyond;
    forged.rebalance();
    assert_eq!(forged.public[0], beyond);
    stopped_by_bus(&forged, &[(limb(4, 256), -2)]);
}
