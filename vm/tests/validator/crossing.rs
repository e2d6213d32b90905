//! Attacks by name: links, pulls, pushes and gates.

use super::*;

#[test]
fn link_from_a_computed_value() {
    let mut p = named_program("repeat");
    let pull = find_copies(&p, |kind| kind == CopyKind::Pull)[0];
    copy(&mut p, pull).key = INPUT;
    rejected!(p, E::ValueAsLink { .. });
}

#[test]
fn link_as_a_value() {
    let mut p = named_program("repeat");
    let pull = find_copies(&p, |kind| kind == CopyKind::Pull)[0];
    let link = copy(&mut p, pull).key;
    let (block, id) = (block_of(&p, pull), fresh(&p));
    append(&mut p, block, double_of(link, id));
    rejected!(p, E::LinkAsValue { .. });
}

#[test]
fn call_cell_as_a_value_or_link() {
    let mut p = named_program("while");
    let body = p.regions[1].entry_block as usize;
    let id = fresh(&p);
    append(&mut p, body, double_of(CALL, id));
    rejected!(p, E::Unknown { cell: CALL, .. });

    // The parent's frame through the CALL cell.
    let mut p = named_program("while");
    let entry = CopyEntry {
        kind: CopyKind::Pull,
        key: CALL,
        base: id,
        src: [INPUT; 4],
        word: false,
    };
    append(&mut p, body, Entry::Copy(entry));
    rejected!(p, E::Unknown { cell: CALL, .. });
}

/// Results of a loop, read before it is entered: they could be its start values.
#[test]
fn pull_from_the_future() {
    let mut p = named_program("repeat");
    let pull = find_copies(&p, |kind| kind == CopyKind::Pull)[0];
    let mut early = *copy(&mut p, pull);
    early.base = fresh(&p);
    let start = p.regions[0].entry_block as usize;
    append(&mut p, start, Entry::Copy(early));
    rejected!(p, E::Undefined { .. });
}

/// The way around a loop knows nothing of its last iteration.
#[test]
fn pull_where_the_loop_was_skipped() {
    let mut p = named_program("counted_by_input");
    let skipped = p.blocks.iter().find_map(|block| match block.terminator {
        Terminator::EnterIf { skipped, .. } => Some(skipped as usize),
        _ => None,
    });
    let skipped = skipped.expect("a conditional loop");
    let pulls = find_copies(&p, |kind| kind == CopyKind::Pull);
    for pull in pulls {
        let mut p = p.clone();
        let mut other = *copy(&mut p, pull);
        other.base = fresh(&p);
        append(&mut p, skipped, Entry::Copy(other));
        rejected!(p, E::Undefined { .. });
    }
    let id = fresh(&p);
    append(&mut p, skipped, double_of(INPUT, id));
    assert_eq!(validate(&p), Ok(()));
}

#[test]
fn pull_of_a_source_that_is_not_on_every_path() {
    let mut p = named_program("procedure");
    let pull = find_copies(&p, |kind| kind == CopyKind::Pull)
        .into_iter()
        .find(|&e| {
            named(&p, copy(&mut p.clone(), e).key)
                .is_some_and(|end| matches!(p.blocks[end].terminator, Terminator::Return { .. }))
        })
        .expect("a pull from the procedure");
    let link = copy(&mut p, pull).key;
    let end = named(&p, link).expect("a link");
    let region = p.blocks[end].region;
    let behind = available(&p).expect("unique providers");
    let somewhere = p
        .blocks
        .iter()
        .filter(|block| block.region == region)
        .flat_map(|block| block.entries.clone())
        .flat_map(|entry| results(&p.entries[entry as usize]))
        .find(|cell| !behind[end].contains(cell))
        .expect("a cell of a branch");
    copy(&mut p, pull).src[0] = somewhere;
    rejected!(p, E::Undefined { .. });
}

#[test]
fn push_through_another_link() {
    let p = named_program("many_variables");
    let pull = find_copies(&p, |kind| kind == CopyKind::Pull)[0];
    let exit = copy(&mut p.clone(), pull).key;
    for push in find_copies(&p, |kind| kind == CopyKind::Push) {
        let own = copy(&mut p.clone(), push).key;
        let pcs = p.entries.iter().filter_map(Entry::pc);
        for key in pcs
            .map(handle)
            .chain([CALL, exit])
            .filter(|&key| key != own)
        {
            let mut p = p.clone();
            copy(&mut p, push).key = key;
            rejected!(p, E::PushKey { .. });
        }
    }
    // A result pushed to the parent instead of pulled by it.
    let mut p = named_program("many_variables");
    copy(&mut p, pull).kind = CopyKind::Push;
    rejected!(p, E::Misplaced { .. });
}

#[test]
fn pushes_that_some_rows_leave_out() {
    let p = named_program("many_variables");
    for push in find_copies(&p, |kind| kind == CopyKind::Push) {
        let mut p = p.clone();
        let base = fresh(&p);
        copy(&mut p, push).base = base;
        rejected!(p, E::PushMissing { .. });
    }
}

#[test]
fn gates_with_equal_bits() {
    let p = named_program("gates");
    for gate in find_copies(&p, |kind| matches!(kind, CopyKind::Gate { .. })) {
        let mut p = p.clone();
        if let CopyKind::Gate { bit } = &mut copy(&mut p, gate).kind {
            *bit = Felt::ONE - *bit;
        }
        rejected!(p, E::Join { .. });
    }
}

#[test]
fn gates_with_different_keys() {
    let mut p = named_program("gates");
    let gate = find_copies(&p, |kind| matches!(kind, CopyKind::Gate { .. }))[0];
    copy(&mut p, gate).key = INPUT + 1;
    rejected!(p, E::Join { .. });
}

/// Exclusive, but by a value that the branch does not test.
#[test]
fn gates_of_another_condition() {
    let mut p = named_program("gates");
    for gate in find_copies(&p, |kind| matches!(kind, CopyKind::Gate { .. })) {
        copy(&mut p, gate).key = INPUT + 1;
    }
    rejected!(p, E::Gate { .. });
    let mut p = named_program("gates");
    for gate in find_copies(&p, |kind| matches!(kind, CopyKind::Gate { .. })) {
        if let CopyKind::Gate { bit } = &mut copy(&mut p, gate).kind {
            *bit = Felt::ONE - *bit;
        }
    }
    rejected!(p, E::Gate { .. });
}

/// Two joins, each read on one side by the other's source, support each other if their keys disagree.
#[test]
fn join_read_on_its_own_side() {
    let p = named_program("gates");
    for gate in find_copies(&p, |kind| matches!(kind, CopyKind::Gate { .. })) {
        let mut p = p.clone();
        let joined = copy(&mut p, gate).base;
        let (block, id) = (block_of(&p, gate), fresh(&p));
        append(&mut p, block, double_of(joined, id));
        rejected!(p, E::Undefined { .. });
    }
}
