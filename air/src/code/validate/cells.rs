//! Names and definitions: who provides a cell, and from where on it may be read.
//!
//! Each cell gets one *definition*, a place in the block graph of its region. A read is legal where the definition lies
//! on every path to it. For most cells that place is the one entry that provides it. The others:
//!
//! * parameters and pushed cells: the start of the region, because every row that opens its frames gives them;
//! * joins: the block where their sides meet, not the sides themselves. Behind its own side a join would be readable by
//!   the source of another join, and with keys that disagree the two would support each other;
//! * links: where the frame that they name has been left. Before that its cells may depend on what is read here.

use std::collections::{BTreeMap, HashMap};

use super::flow::Flow;
use super::graph::Graph;
use super::{BlockId, CellId, Entry, Program, RegionId, ValidateError as E};
use crate::code::{
    ArithOp, CopyEntry, CopyKind, INPUT, OUTPUT, Operand, PARAMS, STACK_SIZE, Terminator,
    exit_link, first_pure_id, handle, param,
};
use plica_field::Felt;

/// Behind all entries of a block, where its terminator stands.
const END: u32 = u32::MAX;

/// A place in a block: 0 is its start, i + 1 its entry i.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) block: BlockId,
    position: u32,
}

#[derive(Clone, Copy)]
enum Kind {
    Value,
    /// The name of a frame of this region.
    Link(RegionId),
}

struct Definition {
    region: RegionId,
    place: Place,
    kind: Kind,
}

/// One side of a join.
pub(super) struct Side {
    pub(super) entry: u32,
    pub(super) place: Place,
    pub(super) key: CellId,
    pub(super) bit: Felt,
    /// Destinations: four elements or a word.
    count: CellId,
}

/// Gates with one destination.
pub(super) struct Join {
    /// Where the sides meet.
    pub(super) block: BlockId,
    pub(super) sides: Vec<Side>,
}

/// A copy in front of a row that opens a frame.
struct Push {
    entry: u32,
    block: BlockId,
    region: RegionId,
    /// Destinations: four elements or a word.
    count: CellId,
}

/// All definitions of a program.
pub(super) struct Cells<'a> {
    program: &'a Program,
    graph: &'a Graph,
    first_free: CellId,
    /// Results of all entries together.
    results: u64,
    definitions: HashMap<CellId, Definition>,
    /// Gates that have a partner.
    pub(super) joins: Vec<Join>,
}

impl<'a> Cells<'a> {
    /// Finds the definition of every cell; fails where there is more than one.
    pub(super) fn define(program: &'a Program, graph: &'a Graph, flow: &Flow) -> Result<Self, E> {
        let mut cells = Self {
            program,
            graph,
            first_free: first_pure_id(program.halt),
            results: program
                .entries
                .iter()
                .filter_map(Entry::results)
                .map(|(_, count)| u64::from(count))
                .sum(),
            definitions: HashMap::with_capacity(4 * program.entries.len()),
            joins: Vec::new(),
        };
        cells.fixed(flow);
        let mut joins: BTreeMap<CellId, Vec<Side>> = BTreeMap::new();
        let mut pushes: BTreeMap<CellId, Vec<Push>> = BTreeMap::new();
        for (b, block) in program.blocks.iter().enumerate() {
            let b = b as BlockId;
            for (i, entry) in block.entries.clone().enumerate() {
                let place = Place {
                    block: b,
                    position: i as u32 + 1,
                };
                match &program.entries[entry as usize] {
                    Entry::Copy(e) => match e.kind {
                        CopyKind::Gate { bit } => joins.entry(e.base).or_default().push(Side {
                            entry,
                            place,
                            key: e.key,
                            bit,
                            count: e.sources().len() as CellId,
                        }),
                        CopyKind::Pull | CopyKind::Push => {
                            cells.results(entry, place, e.base, e.sources().len() as CellId)?;
                        }
                    },
                    other => {
                        if let Some((base, count)) = other.results() {
                            cells.results(entry, place, base, count)?;
                        }
                    }
                }
            }
            let (region, opener) = match block.terminator {
                Terminator::Enter { entry, region, .. }
                | Terminator::EnterIf { entry, region, .. } => (region, entry),
                Terminator::Loop { back, .. } => (block.region, back),
                _ => continue,
            };
            let opener = program.entries[opener as usize].pc().map(handle);
            for entry in block.pushes.clone() {
                if let Entry::Copy(e) = &program.entries[entry as usize] {
                    if opener != Some(e.key) {
                        return Err(E::PushKey { entry, cell: e.key });
                    }
                    pushes.entry(e.base).or_default().push(Push {
                        entry,
                        block: b,
                        region,
                        count: e.sources().len() as CellId,
                    });
                }
            }
        }
        for (base, sides) in joins {
            let place = cells.join(&sides)?;
            cells.results(sides[0].entry, place, base, sides[0].count)?;
            if sides.len() > 1 {
                let block = place.block;
                cells.joins.push(Join { block, sides });
            }
        }
        for (&base, pushes) in &pushes {
            cells.pushed(base, pushes, flow)?;
        }
        Ok(cells)
    }

    fn add(&mut self, id: CellId, region: RegionId, place: Place, kind: Kind) -> bool {
        let definition = Definition {
            region,
            place,
            kind,
        };
        self.definitions.insert(id, definition).is_none()
    }

    /// Cells whose ids are fixed or follow from pcs. They cannot collide: pcs are unique.
    fn fixed(&mut self, flow: &Flow) {
        for (r, region) in self.program.regions.iter().enumerate() {
            let r = r as RegionId;
            let start = Place {
                block: region.entry_block,
                position: 0,
            };
            let ids = if r == Program::ROOT {
                INPUT..INPUT + STACK_SIZE as CellId
            } else {
                let first = param(region.entry_pc, 0);
                first..first + PARAMS as CellId
            };
            for id in ids {
                self.add(id, r, start, Kind::Value);
            }
            for opener in flow.openers[r as usize].iter().filter(|o| !o.back) {
                let block = &self.program.blocks[opener.block as usize];
                let place = match block.terminator {
                    Terminator::EnterIf { next, .. } => {
                        if self.graph.predecessors[next as usize] != [opener.block] {
                            // No place from which on the frame is known to have been opened.
                            continue;
                        }
                        Place {
                            block: next,
                            position: 0,
                        }
                    }
                    // Whatever lies behind the block lies behind the frame.
                    _ => Place {
                        block: opener.block,
                        position: END,
                    },
                };
                let link = Kind::Link(r);
                self.add(handle(opener.pc), block.region, place, link);
                if let Some(pc) = flow.exits[r as usize] {
                    self.add(exit_link(pc), block.region, place, link);
                }
            }
        }
    }

    /// Defines the results `base..base + count` of `entry`.
    fn results(&mut self, entry: u32, place: Place, base: CellId, count: CellId) -> Result<(), E> {
        let region = self.program.blocks[place.block as usize].region;
        let reserved = E::Reserved { entry, cell: base };
        let end = base.checked_add(count).ok_or(reserved)?;
        let is_output =
            region == Program::ROOT && base >= OUTPUT && end <= OUTPUT + STACK_SIZE as CellId;
        // Ids beyond what all results need would only make a processor's tables sparse.
        let bound = u64::from(self.first_free) + self.results;
        if base < self.first_free && !is_output || u64::from(end) > bound {
            return Err(reserved);
        }
        for cell in base..end {
            if !self.add(cell, region, place, Kind::Value) {
                return Err(E::SharedCell { entry, cell });
            }
        }
        Ok(())
    }

    /// Where a join is defined: all its sides read one key, with different bits, and stand in blocks that are exactly
    /// the ways into one block. Like that, at most one side has a row, and none is read before all are behind.
    fn join(&self, sides: &[Side]) -> Result<Place, E> {
        let [first, others @ ..] = sides else {
            unreachable!("a join has a side")
        };
        if others.is_empty() {
            return Ok(first.place);
        }
        let successor = |side: &Side| {
            let terminator = &self.program.blocks[side.place.block as usize].terminator;
            match *terminator {
                Terminator::Goto { block } | Terminator::Jump { block, .. } => Some(block),
                _ => None,
            }
        };
        let meet = successor(first);
        let mut bits = std::collections::HashSet::new();
        for side in sides {
            let exclusive = side.key == first.key && bits.insert(side.bit);
            let alike = side.count == first.count;
            if !exclusive || !alike || meet.is_none() || successor(side) != meet {
                return Err(E::Join { entry: side.entry });
            }
        }
        let block = meet.unwrap_or_default();
        let mut blocks: Vec<BlockId> = sides.iter().map(|side| side.place.block).collect();
        blocks.sort_unstable();
        let mut ways = self.graph.predecessors[block as usize].clone();
        ways.sort_unstable();
        // Equality also says that no two sides share a block.
        if blocks.windows(2).any(|pair| pair[0] == pair[1]) || blocks != ways {
            return Err(E::Join { entry: first.entry });
        }
        Ok(Place { block, position: 0 })
    }

    /// Defines cells that are pushed: once by each row that opens a frame of the region. Two pushes into one frame would
    /// be two values; none leaves the frame without the cell.
    fn pushed(&mut self, base: CellId, pushes: &[Push], flow: &Flow) -> Result<(), E> {
        let Push {
            entry,
            region,
            count,
            ..
        } = pushes[0];
        let missing = E::PushMissing { region, cell: base };
        let foreign = |push: &&Push| push.region != region || push.count != count;
        if let Some(other) = pushes.iter().find(foreign) {
            return Err(E::SharedCell {
                entry: other.entry,
                cell: base,
            });
        }
        let mut blocks: Vec<BlockId> = pushes.iter().map(|push| push.block).collect();
        blocks.sort_unstable();
        let mut openers: Vec<BlockId> = flow.openers[region as usize]
            .iter()
            .map(|opener| opener.block)
            .collect();
        openers.sort_unstable();
        if blocks != openers {
            return Err(missing);
        }
        let start = Place {
            block: self.program.regions[region as usize].entry_block,
            position: 0,
        };
        self.results(entry, start, base, count)
    }

    fn defined(&self, cell: CellId, at: Place) -> Result<&Definition, E> {
        let block = at.block;
        let definition = self
            .definitions
            .get(&cell)
            .ok_or(E::Unknown { block, cell })?;
        if definition.region != self.program.blocks[block as usize].region {
            return Err(E::ForeignCell { block, cell });
        }
        let place = definition.place;
        let before = if place.block == block {
            place.position < at.position
        } else {
            self.graph.dominators.is_above(place.block, block)
        };
        if before {
            Ok(definition)
        } else {
            Err(E::Undefined { block, cell })
        }
    }

    fn value(&self, cell: CellId, at: Place) -> Result<(), E> {
        match self.defined(cell, at)?.kind {
            Kind::Value => Ok(()),
            Kind::Link(_) => Err(E::LinkAsValue {
                block: at.block,
                cell,
            }),
        }
    }

    fn copy(&self, copy: &CopyEntry, at: Place) -> Result<(), E> {
        let mut from = at;
        match copy.kind {
            CopyKind::Pull => {
                let Kind::Link(region) = self.defined(copy.key, at)?.kind else {
                    return Err(E::ValueAsLink {
                        block: at.block,
                        cell: copy.key,
                    });
                };
                from = Place {
                    block: self.graph.ends[region as usize],
                    position: END,
                };
            }
            CopyKind::Gate { .. } => self.value(copy.key, at)?,
            // The key is the handle that the row of this very place gives.
            CopyKind::Push => {}
        }
        copy.sources()
            .iter()
            .try_for_each(|&src| self.value(src, from))
    }

    /// Checks that whatever is read is defined before, and is a value or a link as the reader needs it.
    pub(super) fn check_reads(&self) -> Result<(), E> {
        for (b, block) in self.program.blocks.iter().enumerate() {
            let block_id = b as BlockId;
            for (i, entry) in block.entries.clone().enumerate() {
                let at = Place {
                    block: block_id,
                    position: i as u32 + 1,
                };
                self.entry(&self.program.entries[entry as usize], at)?;
            }
            let at = Place {
                block: block_id,
                position: END,
            };
            for entry in block.pushes.clone() {
                self.entry(&self.program.entries[entry as usize], at)?;
            }
            let row = |entry: u32| self.entry(&self.program.entries[entry as usize], at);
            match block.terminator {
                Terminator::Goto { .. } | Terminator::Halt => {}
                Terminator::Select { cond, .. } => self.value(cond, at)?,
                Terminator::Branch { nonzero, zero } => {
                    row(nonzero.0)?;
                    row(zero.0)?;
                }
                Terminator::Jump { entry, .. }
                | Terminator::Enter { entry, .. }
                | Terminator::Return { entry } => row(entry)?,
                Terminator::EnterIf { entry, skip, .. } => {
                    row(entry)?;
                    row(skip)?;
                }
                Terminator::Loop { back, exit } => {
                    row(back)?;
                    row(exit)?;
                }
            }
        }
        let halt = Place {
            block: self.graph.ends[Program::ROOT as usize],
            position: END,
        };
        for cell in OUTPUT..OUTPUT + STACK_SIZE as CellId {
            self.value(cell, halt).map_err(|error| match error {
                E::Unknown { .. } => E::NoOutput { cell },
                other => other,
            })?;
        }
        Ok(())
    }

    fn entry(&self, entry: &Entry, at: Place) -> Result<(), E> {
        // `own`: a result of the same row that may be read.
        let lane = |op: &ArithOp, own: Option<CellId>| {
            let b = match op.b() {
                Operand::Cell(id) => Some(id),
                Operand::Imm(_) => None,
            };
            std::iter::once(op.a())
                .chain(b)
                .filter(|&id| own != Some(id))
                .try_for_each(|id| self.value(id, at))
        };
        match entry {
            Entry::Arith(e) => {
                lane(&e.ops[0], None)?;
                // The second instruction may read the result of the first.
                lane(&e.ops[1], Some(e.id))
            }
            Entry::Single(e) => lane(&e.op, None),
            Entry::Inverse(e) => {
                self.value(e.ops[0].a, at)?;
                if e.ops[1].a == e.id {
                    Ok(())
                } else {
                    self.value(e.ops[1].a, at)
                }
            }
            Entry::Fact(_) | Entry::Effect(_) => {
                let mut operands = entry.typed_operands().into_iter().flatten();
                operands.try_for_each(|(operand, _)| match operand {
                    Operand::Cell(id) => self.value(id, at),
                    Operand::Imm(_) => Ok(()),
                })
            }
            Entry::Copy(e) => self.copy(e, at),
            Entry::Frame(e) => e.src.iter().try_for_each(|&src| self.value(src, at)),
            Entry::Leave(e) => match e.tested() {
                Some((src, _)) => self.value(src, at),
                None => Ok(()),
            },
            Entry::Assert(e) => e.slots.iter().try_for_each(|slot| match *slot {
                Operand::Cell(id) => self.value(id, at),
                Operand::Imm(_) => Ok(()),
            }),
        }
    }
}
