//! Programs that nobody would write.

use super::*;

/// A root region of these blocks, with an empty end that halts.
fn root_of(mut blocks: Vec<Block>) -> Program {
    let copies = |j: u32| double_of(INPUT, OUTPUT + 2 * j);
    let entries: Vec<Entry> = (0..STACK_SIZE as u32 / 2).map(copies).collect();
    blocks.push(Block {
        region: 0,
        entries: 0..entries.len() as u32,
        pushes: 0..0,
        terminator: Terminator::Halt,
    });
    Program {
        entries,
        blocks,
        regions: vec![Region {
            kind: RegionKind::Root,
            entry_pc: FIRST_PC,
            entry_block: 0,
            name: String::new(),
        }],
        actions: Vec::new(),
        entry: FIRST_PC,
        halt: FIRST_PC,
    }
}

const fn empty(terminator: Terminator) -> Block {
    Block {
        region: 0,
        entries: 0..0,
        pushes: 0..0,
        terminator,
    }
}

/// Chains, ladders and fans of many blocks: no recursion, no quadratic time.
#[test]
fn large_programs_are_quick() {
    const N: u32 = 200_000;
    let shapes: [fn(u32) -> (u32, u32); 4] = [
        |i| (i + 1, i + 1),
        |i| (i + 1, (i + 2).min(N)),
        |i| (i + 1, N),
        |i| ((2 * i + 1).min(N), (2 * i + 2).min(N)),
    ];
    for shape in shapes {
        let block = |i| {
            let (nonzero, zero) = shape(i);
            empty(Terminator::Select {
                cond: INPUT,
                nonzero,
                zero,
            })
        };
        assert_eq!(validate(&root_of((0..N).map(block).collect())), Ok(()));
    }
    let mut cycle = root_of(
        (0..N)
            .map(|i| empty(Terminator::Goto { block: i + 1 }))
            .collect(),
    );
    cycle.blocks[N as usize - 1].terminator = Terminator::Select {
        cond: INPUT,
        nonzero: N,
        zero: 1,
    };
    rejected!(cycle, E::Backward { .. });
}

#[test]
fn nonsense_is_rejected() {
    let good = || root_of(vec![empty(Terminator::Goto { block: 1 })]);
    assert_eq!(validate(&good()), Ok(()));
    let change = |f: fn(&mut Program)| {
        let mut p = good();
        f(&mut p);
        validate(&p).expect_err("nonsense")
    };
    assert_eq!(change(|p| p.regions.clear()), E::Root { region: 0 });
    change(|p| p.blocks.clear());
    change(|p| p.entries.clear());
    change(|p| p.halt = u32::MAX);
    change(|p| (p.entry, p.halt) = (0, 0));
    change(|p| p.regions[0].entry_block = 9);
    change(|p| p.blocks[0].region = 9);
    change(|p| p.blocks[0].terminator = Terminator::Goto { block: 9 });
    change(|p| p.blocks[0].terminator = Terminator::Return { entry: u32::MAX });
    change(|p| p.blocks[0].entries = 0..u32::MAX);
    change(|p| p.blocks[0].pushes = u32::MAX - 1..u32::MAX);
    change(|p| p.blocks[1].pushes = 0..8);
    change(|p| p.blocks.push(empty(Terminator::Halt)));
    change(|p| p.regions[0].kind = RegionKind::Procedure);
    change(|p| p.regions.push(p.regions[0].clone()));
}
