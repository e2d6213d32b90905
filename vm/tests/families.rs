//! A program of each family of instructions, proven and verified; the outputs are those of the literal interpreter.

#[path = "support/reference/mod.rs"]
mod reference;
mod support;

use plica_field::Felt;
use plica_fri::{Model, Profile, SecurityTarget};
use plica_vm::compile::compile;
use plica_vm::inputs::Inputs;
use plica_vm::prover::{prove, setup, verify};
use plica_vm::syntax::{NoModules, parse_program};
use reference::interpret;

/// Few queries: what is wrong fails at the first.
const TARGET: SecurityTarget = SecurityTarget {
    model: Model::Conjectured,
    bits: 40,
};

const FAMILIES: &[(&str, &str, &[u64])] = &[
    (
        "comparison",
        "begin
            dup.1 dup.1 lt dup.2 dup.2 gte add dup.1 lte.9 add dup.2 gt.18446744069414584319 add
            dup.2 is_odd add movup.3 drop
        end",
        &[5, 0xffff_ffff_0000_0000, 3],
    ),
    (
        "powers",
        "begin
            dup.1 dup.1 exp dup.1 exp.u4 movup.2 pow2 add swap ilog2 swap drop
        end",
        &[11, 3],
    ),
    (
        "extension",
        "begin
            dupw ext2mul dup.5 dup.5 ext2div ext2inv dup.3 dup.3 ext2sub ext2neg ext2add
        end",
        &[1, 2, 3, 4, 5, 6, 7, 8],
    ),
    (
        "conversion",
        "begin
            u32testw swap u32split add u32cast u32assert2 add movup.2 u32test drop u32cast
        end",
        &[1, 1 << 40, 3, 4],
    ),
    (
        "32-bit arithmetic",
        "begin
            dup.2 dup.2 dup.2 u32overflowing_add3 drop
            dup.1 u32overflowing_sub drop dup.1 u32overflowing_mul.77 drop u32wrapping_madd
            swap u32divmod.5 u32wrapping_mul dup.1 u32overflowing_add add u32cast
        end",
        &[0xffff_fffe, 7, 0x1234_5678, 9, 8, 7],
    ),
    (
        "32-bit comparison",
        "begin
            dup.1 dup.1 u32lt dup.2 dup.2 u32gte add dup.1 u32lte.9 add dup.2 u32gt.8 add
            movdn.2 u32min u32max.3
        end",
        &[5, 6],
    ),
    (
        "bits",
        "begin
            dup.1 dup.1 u32and dup.2 dup.2 u32or u32xor u32not
            u32shl.3 u32shr.1 dup.2 u32rotl u32rotr.5 dup.2 u32shr dup.2 u32shl dup.2 u32rotr
            dup u32popcnt swap dup u32clz swap dup u32ctz swap dup u32clo swap u32cto
            add add add add swap drop
        end",
        &[0xdead_beef, 13, 17],
    ),
    (
        "in a loop",
        "begin
            push.1 dup.1 neq.0
            while.true
                u32wrapping_mul.1664525 u32wrapping_add.1013904223 dup u32rotl.7 u32xor
                swap u32wrapping_sub.1 swap dup.1 neq.0
            end
            swap drop
        end",
        &[20],
    ),
];

#[test]
fn families_are_proven() {
    for (name, source, inputs) in FAMILIES {
        let program = parse_program(source, name, &NoModules).expect("parses");
        let inputs = Inputs::from_stack(inputs.iter().map(|&v| Felt::new(v)).collect::<Vec<_>>());
        let expected =
            interpret(&program, &inputs, 10_000).unwrap_or_else(|stop| panic!("{name}: {stop:?}"));
        let compiled = compile(&program).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (proving, verifying) = setup(&compiled, &Profile::FAST, TARGET).expect("keys");
        let proven = prove(
            &compiled,
            &proving,
            &inputs.initial_stack(),
            1 << 20,
            TARGET,
        )
        .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(proven.claim.outputs, expected, "{name}");
        verify(&verifying, &proven.claim, &proven.proof, TARGET)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut claim = proven.claim;
        claim.outputs[0] += Felt::new(1);
        assert!(
            verify(&verifying, &claim, &proven.proof, TARGET).is_err(),
            "{name}"
        );
    }
}
