//! Memory of calls: what stops an access in another context than the program's.

use p3_field::PrimeCharacteristicRing;
use plica_air::check::Message;
use plica_air::chip::ChipKind;
use plica_air::chips::{addresses, clock, memory_element, pack};
use plica_field::Felt;

use super::forged::{Forged, felt, int, message, stopped_by_bus};

const ZERO: Felt = Felt::ZERO;

/// The root stores 9, the callee loads from the same address of its own context.
const CALL: &str = "
proc.f mem_load.7 swap drop end
begin push.9 mem_store.7 call.f end";

/// The cell of an address with its context.
fn place(frame: Felt, id: Felt, address: i64, context: Felt) -> Message {
    message(&[Felt::ONE, frame, id, felt(address), context])
}

/// The callee's load finds what the root stored, at clock 1, and leaves it; the callee's own address is not touched.
fn load_from_the_root(forged: &mut Forged) -> (Felt, Felt, Felt) {
    let [store, load]: [_; 2] = forged
        .steps(ChipKind::MemoryElement)
        .try_into()
        .expect("two accesses");
    let stored = int(memory_element::Cols::of(forged.row(store)).access.clk);
    let cols = memory_element::Cols::of_mut(forged.row_mut(load));
    let context = std::mem::replace(&mut cols.access.context, ZERO);
    cols.word[0] = felt(9);
    cols.value = felt(9);
    let clk = cols.access.clk;
    cols.access.gap = [felt(int(clk) - stored - 1), ZERO, ZERO];
    let (frame, place, id) = (cols.access.fp, cols.access.address_id, cols.access.value_id);
    forged.poison(frame, int(id) as u32, felt(9));

    let [root, own]: [_; 2] = forged
        .steps(ChipKind::Addresses)
        .try_into()
        .expect("two addresses");
    addresses::Cols::of_mut(forged.row_mut(root)).clk = clk;
    let cols = addresses::Cols::of_mut(forged.row_mut(own));
    // Nothing was there, and nothing is.
    cols.word = [ZERO; 4];
    cols.clk = ZERO;
    (frame, place, context)
}

#[test]
fn a_call_does_not_read_the_memory_of_the_root() {
    let mut forged = Forged::honest(CALL, &[5]);
    assert_eq!(forged.public[16], ZERO);
    let (frame, id, context) = load_from_the_root(&mut forged);
    forged.rebalance();
    assert_eq!(forged.public[16], felt(9));
    assert_ne!(context, ZERO);
    // No row gives an address in the root's context.
    stopped_by_bus(&forged, &[(place(frame, id, 7, ZERO), -1)]);
}

/// The address is put together with context 0: then its context is not the clock.
#[test]
fn the_context_of_an_address_is_the_one_of_the_call() {
    let mut forged = Forged::honest(CALL, &[5]);
    let (frame, id, context) = load_from_the_root(&mut forged);
    let clock = forged.steps(ChipKind::Clock)[0];
    let clock_id = clock::Cols::of(forged.row(clock)).id;
    for at in forged.rows(ChipKind::Pack) {
        for fact in &mut pack::Cols::of_mut(forged.row_mut(at)).facts {
            if fact.fp == frame && fact.id == id {
                for component in &mut fact.components {
                    if component.src == clock_id && component.immediate == ZERO {
                        component.value = ZERO;
                    }
                }
            }
        }
    }
    forged.rebalance();
    assert_eq!(forged.public[16], felt(9));
    let reads = forged.findings().unbalanced;
    let wrong = message(&[Felt::ONE, frame, clock_id]);
    assert_eq!(reads.len(), 1, "{reads:?}");
    assert_eq!(reads[0].0, wrong);
    assert_ne!(context, ZERO);
}
