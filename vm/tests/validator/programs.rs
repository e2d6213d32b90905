//! The programs whose tables are changed.

use super::*;

pub(crate) const PROGRAMS: &[(&str, &str)] = &[
    ("straight", "begin dup.1 mul dup.2 add inv swap.3 end"),
    (
        "hash chain",
        "begin dup neq.0 while.true movdn.15 hash movup.15 sub.1 dup neq.0 end end",
    ),
    (
        "gates",
        "begin dup eq.0 if.true add.1 dup.2 mul else sub.3 dup.3 add end swap.2 end",
    ),
    (
        "gates_nested",
        "begin dup eq.0 if.true dup.1 eq.1 if.true add else mul end else sub end push.1 swap drop end",
    ),
    (
        "if_with_checks",
        "begin dup.1 if.true dup.2 dup.4 assert_eq add.4 else dup.3 assertz dup.1 inv drop end end",
    ),
    (
        "if_with_checks_on_one_side",
        "begin dup eq.3 if.true dup.2 dup.4 assert_eq else add.4 end end",
    ),
    (
        "while",
        "begin while.true sub.1 dup.1 dup.3 mul swap.2 drop dup neq.0 end end",
    ),
    (
        "if_in_loop",
        "begin
            while.true
                dup eq.1 if.true dup.1 dup.3 mul swap.2 drop else dup.1 add.5 swap.2 drop end
                sub.1 dup neq.0
            end
        end",
    ),
    (
        "while_of_three_levels",
        "begin
            push.3 dup neq.0 while.true
                sub.1 push.2 dup neq.0 while.true
                    sub.1 dup.2 eq.1 while.true dup.3 add.1 swap.4 drop push.0 end
                    dup.5 dup.4 add swap.6 drop dup neq.0
                end drop dup neq.0
            end drop
        end",
    ),
    (
        "repeat",
        "begin repeat.200 dup.1 add swap dup.2 mul swap.3 end end",
    ),
    (
        "repeat_of_two_levels",
        "begin repeat.100 repeat.50 dup.1 add swap.2 end dup.3 mul swap.4 end end",
    ),
    (
        "conditional_loops",
        "begin
            dup.1 eq.7 while.true dup.1 add.1 swap.2 drop push.0 end
            dup.2 while.true swap sub.1 swap dup.1 neq.0 end
        end",
    ),
    (
        "counted_by_input",
        "begin
            dup.1 dup neq.0 while.true sub.1 dup.2 dup.2 mul swap.3 drop dup neq.0 end drop
        end",
    ),
    (
        "many_variables",
        "begin
            push.5 push.1 while.true
                sub.1
                dup.1 dup.3 add swap.2 drop dup.2 dup.4 add swap.3 drop dup.3 dup.5 add swap.4 drop
                dup.4 dup.6 add swap.5 drop dup.5 dup.7 add swap.6 drop dup.6 dup.8 mul swap.7 drop
                dup.7 dup.1 mul swap.8 drop dup neq.0
            end drop
        end",
    ),
    (
        "integers",
        "begin
            u32assert2 dup.1 dup.1 u32overflowing_madd u32wrapping_mul.5 u32xor dup.2 u32split u32and
            u32rotl.3 dup.3 u32shl u32popcnt dup.1 u32divmod add is_odd
            if.true u32wrapping_add.1 else u32cast u32divmod.7 u32max end u32clz
        end",
    ),
    (
        "extension",
        "begin
            dup.5 dup.5 dup.5 dup.5 dup.5 dup.5 ext3mul dup.8 dup.8 dup.8 ext3add ext3inv ext3sub
            push.5.0.0 ext3mul dup.2 dup.2 dup.2 ext3inv drop drop drop
        end",
    ),
    (
        "sums",
        "begin
            dup.10 dup.10 dup.10 dup.10 dup.10 dup.10 dup.10 dup.10 dup.10 dup.10 dup.10
            sum_preimage.3 ext3mul dup.13 movdn.3 movup.3 sum_preimage
        end",
    ),
    (
        "integers_in_a_loop",
        "begin
            u32assert push.9 push.1 while.true
                sub.1 swap u32wrapping_mul.5 dup u32shr.3 u32or swap dup neq.0
            end drop
        end",
    ),
    (
        "procedure",
        "proc.p
            dup.1 mul dup.2 add dup.3 mul dup.4 add dup.1 mul dup.2 add dup.3 mul dup.4 add
            dup.5 mul dup.2 add dup.6 mul dup.4 add dup.7 mul dup.2 add dup.8 mul dup.4 add
            dup.1 eq.3 if.true dup.2 assertz else dup.2 mul end
            dup.1 mul dup.2 add dup.3 mul dup.4 add dup.1 mul dup.2 add dup.3 mul dup.4 add
            dup.1 inv add dup.2 mul swap.9 mul
        end
        begin exec.p swap.3 exec.p repeat.30 exec.p end end",
    ),
    (
        "memory",
        "begin
            dup.1 mem_store mem_load.7 add mem_storew.9 swap mem_store.9 mem_loadw.9 add
            dup eq.0 if.true dup.1 mem_store.7 else mem_load.9 add end
            dup.2 while.true dup.1 mem_load add swap.2 sub.1 dup eq.0 end
        end",
    ),
];

pub(crate) fn program(source: &str) -> Program {
    let parsed = parse_program(source, "test", &NoModules).expect("parses");
    compile(&parsed).expect("compiles").program
}

pub(crate) fn programs() -> Vec<(&'static str, Program)> {
    PROGRAMS
        .iter()
        .map(|&(name, source)| (name, program(source)))
        .collect()
}

#[test]
fn compiled_programs_are_valid() {
    for (name, program) in programs() {
        assert_eq!(validate(&program), Ok(()), "{name}");
        assert!(is_well_formed(&program), "{name}");
    }
}

/// The programs have what the mutants are about.
#[test]
fn programs_are_varied() {
    let programs = programs();
    let count = |test: &dyn Fn(&Entry) -> bool| {
        let entries = programs.iter().flat_map(|(_, program)| &program.entries);
        entries.filter(|entry| test(entry)).count()
    };
    let copies = |test: fn(CopyKind) -> bool| {
        count(&move |entry| matches!(entry, Entry::Copy(copy) if test(copy.kind)))
    };
    assert!(copies(|kind| kind == CopyKind::Pull) > 5);
    assert!(copies(|kind| kind == CopyKind::Push) > 5);
    assert!(copies(|kind| matches!(kind, CopyKind::Gate { .. })) > 10);
    assert!(count(&|entry| matches!(entry, Entry::Inverse(e) if e.ops[0].invert)) > 2);
    assert!(count(&|entry| matches!(entry, Entry::Single(_))) > 5);
    assert!(count(&|entry| matches!(entry, Entry::Leave(LeaveEntry::Branch { .. }))) > 5);
    assert!(count(&|entry| matches!(entry, Entry::Leave(LeaveEntry::Jump { .. }))) > 0);
    assert!(count(&|entry| matches!(entry, Entry::Leave(LeaveEntry::Return { .. }))) > 0);
    let terminators = || {
        programs
            .iter()
            .flat_map(|(_, p)| &p.blocks)
            .map(|b| b.terminator)
    };
    assert!(terminators().any(|t| matches!(t, Terminator::Select { .. })));
    assert!(terminators().any(|t| matches!(t, Terminator::EnterIf { .. })));
    let procedures = programs.iter().flat_map(|(_, p)| &p.regions);
    assert!(
        procedures
            .filter(|r| r.kind == RegionKind::Procedure)
            .count()
            > 0
    );
}
