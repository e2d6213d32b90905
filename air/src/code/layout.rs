//! Where cells live in a processor's memory: frames are arrays, and each id has one slot in the frames of the
//! region that owns it; a word has four, one after the other.

use super::{
    BlockId, CellId, Entry, FIRST_FREE_ID, INPUT, LeaveEntry, OUTPUT, PARAMS, Program, RegionId,
    RegionKind, STACK_SIZE, Terminator, exit_link, handle, param,
};

/// No cell of the program has this id.
pub const NO_SLOT: u32 = u32::MAX;

/// Slots of all cells of a program.
#[derive(Clone, Debug)]
pub struct Layout {
    slots: Vec<u32>,
    owners: Vec<RegionId>,
    /// Slots per frame, by region.
    pub frame_sizes: Vec<u32>,
    /// Where a processor starts.
    pub root_block: BlockId,
}

impl Layout {
    /// Numbers every cell that an entry or a frame of `program` defines.
    pub fn new(program: &Program) -> Self {
        let mut layout = Self {
            slots: vec![NO_SLOT; FIRST_FREE_ID as usize],
            owners: vec![0; FIRST_FREE_ID as usize],
            frame_sizes: vec![0; program.regions.len()],
            root_block: program.regions[Program::ROOT as usize].entry_block,
        };
        for j in 0..STACK_SIZE as u32 {
            layout.define(Program::ROOT, INPUT + j);
        }
        for j in 0..STACK_SIZE as u32 {
            layout.define(Program::ROOT, OUTPUT + j);
        }
        for (r, region) in program.regions.iter().enumerate() {
            if !matches!(region.kind, RegionKind::Root) {
                for j in 0..PARAMS {
                    layout.define(r as RegionId, param(region.entry_pc, j));
                }
            }
        }
        for block in &program.blocks {
            for entry in &program.entries[to_range(&block.entries)] {
                layout.define_results(block.region, entry);
            }
            match block.terminator {
                Terminator::Enter { entry, region, .. }
                | Terminator::EnterIf { entry, region, .. } => {
                    layout.define_opening(program, block.region, entry);
                    for push in &program.entries[to_range(&block.pushes)] {
                        layout.define_results(region, push);
                    }
                }
                Terminator::Loop { back, exit } => {
                    layout.define_opening(program, block.region, back);
                    for push in &program.entries[to_range(&block.pushes)] {
                        layout.define_results(block.region, push);
                    }
                    if let Entry::Leave(LeaveEntry::Exit { pc, .. }) =
                        program.entries[exit as usize]
                        && let RegionKind::Loop { parent } =
                            program.regions[block.region as usize].kind
                    {
                        layout.define(parent, exit_link(pc));
                    }
                }
                _ => {}
            }
        }
        layout
    }

    fn define_opening(&mut self, program: &Program, region: RegionId, entry: u32) {
        if let Entry::Frame(frame) = &program.entries[entry as usize] {
            self.define(region, handle(frame.pc));
        }
    }

    fn define_results(&mut self, region: RegionId, entry: &Entry) {
        if let Some(results) = entry.typed_results() {
            for (id, ty) in results {
                self.define_sized(region, id, ty.components() as u32);
            }
        } else if let Some((base, count)) = entry.results() {
            let components = match entry {
                Entry::Copy(copy) => copy.components(),
                _ => 1,
            };
            for id in base..base + count {
                self.define_sized(region, id, components as u32);
            }
        }
    }

    fn define(&mut self, region: RegionId, id: CellId) {
        self.define_sized(region, id, 1);
    }

    fn define_sized(&mut self, region: RegionId, id: CellId, components: u32) {
        let id = id as usize;
        if id >= self.slots.len() {
            self.slots.resize(id + 1, NO_SLOT);
            self.owners.resize(id + 1, 0);
        }
        if self.slots[id] == NO_SLOT {
            let next = &mut self.frame_sizes[region as usize];
            self.slots[id] = *next;
            self.owners[id] = region;
            *next += components;
        }
    }

    /// Slot of a cell, or [`NO_SLOT`].
    pub fn slot(&self, id: CellId) -> u32 {
        self.slots.get(id as usize).copied().unwrap_or(NO_SLOT)
    }

    /// The region whose frames have this cell.
    pub fn owner(&self, id: CellId) -> Option<RegionId> {
        (self.slot(id) != NO_SLOT).then(|| self.owners[id as usize])
    }
}

pub(super) fn to_range(range: &std::ops::Range<u32>) -> std::ops::Range<usize> {
    range.start as usize..range.end as usize
}
