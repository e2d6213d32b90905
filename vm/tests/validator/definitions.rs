//! Attacks by name: definitions, providers and single instructions.

use super::*;

#[test]
fn backward_jump() {
    let mut p = named_program("if_with_checks");
    let (jump, to) = p
        .blocks
        .iter()
        .enumerate()
        .find_map(|(b, block)| match block.terminator {
            Terminator::Jump { entry, .. } => Some((b, entry)),
            _ => None,
        })
        .expect("a jump");
    let start = p.regions[0].entry_block;
    p.blocks[jump].terminator = Terminator::Jump {
        entry: to,
        block: start,
    };
    let entry_pc = p.entry;
    if let Entry::Leave(LeaveEntry::Jump { target, .. }) = &mut p.entries[to as usize] {
        *target = entry_pc;
    }
    rejected!(p, E::Backward { .. });
    // The table alone, with the old schedule.
    let mut p = named_program("if_with_checks");
    if let Entry::Leave(LeaveEntry::Jump { target, .. }) = &mut p.entries[to as usize] {
        *target = entry_pc;
    }
    rejected!(p, E::Target { .. });
}

#[test]
fn use_before_definition() {
    let mut p = named_program("straight");
    let facts = find(&p, |e| matches!(e, Entry::Arith(_)));
    let later = results(&p.entries[facts[1]]).start;
    if let Entry::Arith(first) = &mut p.entries[facts[0]] {
        first.ops[0] = ArithOp::add(later, INPUT);
    }
    rejected!(p, E::Undefined { .. });
}

#[test]
fn a_bundle_that_supports_itself() {
    for lane in 0..2 {
        let mut p = named_program("straight");
        let fact = find(&p, |e| matches!(e, Entry::Arith(_)))[0];
        if let Entry::Arith(bundle) = &mut p.entries[fact] {
            // The second may read the first, nothing else of its bundle.
            bundle.ops[lane] = ArithOp::mul(bundle.id + 1, INPUT);
        }
        rejected!(p, E::Undefined { .. });
    }
}

/// The instruction of a loop body that has no partner, the first of the program.
fn single(program: &mut Program) -> &mut ArithSingle {
    let singles = program.entries.iter_mut().filter_map(|entry| match entry {
        Entry::Single(single) => Some(single),
        _ => None,
    });
    singles.into_iter().next().expect("a single instruction")
}

#[test]
fn a_single_instruction_that_supports_itself() {
    let mut p = named_program("while");
    let entry = single(&mut p);
    // There is no other lane whose result it could read, so not even its own id.
    entry.op = ArithOp::mul(entry.id, entry.op.a());
    rejected!(p, E::Undefined { .. });
}

#[test]
fn a_single_instruction_before_its_operand() {
    let mut p = named_program("if_in_loop");
    let singles = find(&p, |e| matches!(e, Entry::Single(_)));
    let block = block_of(&p, singles[0]);
    // A result of the other side of the branch.
    let other = singles.iter().find(|&&at| block_of(&p, at) != block);
    let foreign = results(&p.entries[*other.expect("two sides")]).start;
    let entry = single(&mut p);
    entry.op = ArithOp::add(foreign, entry.op.a());
    rejected!(p, E::Undefined { .. });
}

#[test]
fn a_single_instruction_on_a_link() {
    let mut p = named_program("while_of_three_levels");
    let pull = find_copies(&p, |kind| kind == CopyKind::Pull)
        .into_iter()
        .find(|&at| {
            let region = p.blocks[block_of(&p, at)].region;
            region != Program::ROOT
        })
        .expect("a loop in a loop");
    let link = copy(&mut p, pull).key;
    let (block, id) = (block_of(&p, pull), fresh(&p));
    let op = ArithOp::add(link, link);
    append(&mut p, block, Entry::Single(ArithSingle { id, op }));
    rejected!(p, E::LinkAsValue { .. });
}

#[test]
fn a_single_instruction_on_a_cell_of_another_region() {
    let mut p = named_program("while");
    single(&mut p).op = ArithOp::add(INPUT, INPUT);
    rejected!(p, E::ForeignCell { .. });
}

#[test]
fn a_single_instruction_beside_another_provider() {
    let mut p = named_program("if_in_loop");
    let (block, id) = (
        block_of(&p, find(&p, |e| matches!(e, Entry::Single(_)))[0]),
        single(&mut p).id,
    );
    let op = single(&mut p).op;
    for entry in [
        Entry::Single(ArithSingle { id, op }),
        Entry::Arith(ArithBundle { id, ops: [op; 2] }),
        Entry::Arith(ArithBundle {
            id: id - 1,
            ops: [op; 2],
        }),
    ] {
        let mut p = p.clone();
        append(&mut p, block, entry);
        rejected!(p, E::SharedCell { .. });
    }
}

#[test]
fn a_single_result_in_the_place_of_names() {
    let p = named_program("while");
    let loop_pc = p.regions[1].entry_pc;
    for id in [
        CALL,
        INPUT,
        OUTPUT,
        param(loop_pc, 0),
        handle(p.entry),
        exit_link(loop_pc),
    ] {
        let mut p = p.clone();
        single(&mut p).id = id;
        rejected!(p, E::Reserved { .. });
    }
}

#[test]
fn a_single_instruction_among_the_pushes() {
    let mut p = named_program("many_variables");
    let at = find_copies(&p, |kind| kind == CopyKind::Push)[0];
    let id = fresh(&p);
    p.entries[at] = Entry::Single(ArithSingle {
        id,
        op: ArithOp::add(INPUT, INPUT),
    });
    rejected!(p, E::Misplaced { .. });
}

#[test]
fn two_providers() {
    let mut p = named_program("straight");
    let facts = find(&p, |e| matches!(e, Entry::Arith(_)));
    let id = results(&p.entries[facts[0]]).start;
    if let Entry::Arith(second) = &mut p.entries[facts[1]] {
        second.id = id;
    }
    rejected!(p, E::SharedCell { .. });
}

#[test]
fn overlapping_results() {
    let mut p = named_program("straight");
    let facts = find(&p, |e| matches!(e, Entry::Arith(_)));
    let id = results(&p.entries[facts[0]]).start;
    if let Entry::Arith(second) = &mut p.entries[facts[1]] {
        second.id = id + 1;
    }
    rejected!(p, E::SharedCell { .. });
}

#[test]
fn results_in_the_place_of_names() {
    let mut p = named_program("many_variables");
    let fact = find(&p, |e| matches!(e, Entry::Arith(_)))[0];
    assert_ne!(p.blocks[block_of(&p, fact)].region, Program::ROOT);
    let loop_pc = p.regions[1].entry_pc;
    for id in [
        CALL,
        INPUT,
        param(loop_pc, 0),
        handle(p.entry),
        exit_link(loop_pc),
        33,
        31,
    ] {
        if let Entry::Arith(bundle) = &mut p.entries[fact] {
            bundle.id = id;
        }
        rejected!(p, E::Reserved { .. });
    }
}
