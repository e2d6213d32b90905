//! From the intermediate form to machine code: cells, frames, blocks, program entries.
//!
//! Regions are lowered callees and loop bodies first, so that a region knows the pcs and parameter cells of every
//! frame that it opens. Results are numbered with provisional ids while pcs are still being given out, and moved
//! behind the ids that belong to pcs at the end.

mod anchor;
mod block;
mod branches;
mod frames;
mod need;
mod region;
mod schedule;

use plica_air::code::{self, CellId, Entry, FIRST_PC, Program, RegionKind, first_pure_id};
use plica_field::Felt;

use crate::ir::liveness::Liveness;
use crate::ir::{End, Ir, Origin, RegionId, Stmt, Trap};

/// First provisional id.
const PROVISIONAL: CellId = 1 << 31;
/// Ids that stand for the results of the dispatcher, which is lowered behind those who call it, and its entry.
const LATER: CellId = 1 << 30;
const LATER_PC: code::Pc = code::Pc::MAX;

/// Where an entry of the program table comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryInfo {
    /// For a bundle, of each of its instructions.
    pub origins: [Option<Origin>; 2],
    /// For a check: what it means when it fails.
    pub trap: Option<Trap>,
}

/// Machine code with its origins, one [`EntryInfo`] per entry of the program.
#[derive(Clone, Debug)]
pub struct Lowered {
    pub program: Program,
    pub info: Vec<EntryInfo>,
    /// Origins of the program's actions.
    pub actions: Vec<Origin>,
}

/// Where a value of another region's frame is, once that region has been lowered.
#[derive(Clone, Copy, Debug)]
enum Passed {
    Cell(CellId),
    /// The cell of a word.
    Word(CellId),
    Const(Felt),
    /// Nobody asks for it.
    Dead,
}

/// Where a parameter goes when its frame is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// One of the four values of the frame row.
    Row(usize),
    /// Pushed into this cell.
    Pushed(CellId),
    /// A word, pushed into this cell.
    PushedWord(CellId),
    Dead,
}

/// What a lowered region looks like to those who enter it.
#[derive(Clone, Debug)]
struct Interface {
    id: code::RegionId,
    entry_pc: code::Pc,
    /// By parameter.
    places: Vec<Place>,
    /// By result (procedure) or parameter (loop).
    results: Vec<Passed>,
    /// Loops: pc of the exit row.
    exit_pc: code::Pc,
}

/// State shared by all regions.
struct Lowering<'a> {
    ir: &'a Ir,
    live: &'a Liveness,
    program: Program,
    info: Vec<EntryInfo>,
    actions: Vec<Origin>,
    next_pc: code::Pc,
    next_id: CellId,
    interfaces: Vec<Option<Interface>>,
    /// By region and index: results that somebody asks for.
    wanted: Vec<Vec<bool>>,
    /// By region: it runs often enough that a filler in a bundle costs more than another table does.
    often: Vec<bool>,
}

/// Lowers a translated program.
pub fn lower(ir: &Ir) -> Lowered {
    let live = Liveness::of(ir);
    let mut lowering = Lowering {
        ir,
        live: &live,
        program: Program {
            entries: Vec::new(),
            blocks: Vec::new(),
            regions: Vec::new(),
            actions: Vec::new(),
            entry: 0,
            halt: 0,
        },
        info: Vec::new(),
        actions: Vec::new(),
        next_pc: FIRST_PC,
        next_id: PROVISIONAL,
        interfaces: vec![None; ir.regions.len()],
        wanted: wanted(ir, &live),
        often: ir.runs_often(),
    };
    // The root is region 0 of the machine, whatever its place in the intermediate form.
    let mut ids = vec![0; ir.regions.len()];
    lowering.add_region(ir.root());
    for r in 0..ir.regions.len() as u32 - 1 {
        if live.region(RegionId(r)) {
            ids[r as usize] = lowering.add_region(RegionId(r));
        }
    }
    let dispatcher = ir.dispatcher.filter(|&r| live.region(r));
    if let Some(r) = dispatcher {
        let interface = lowering.announced(r, ids[r.index()]);
        lowering.interfaces[r.index()] = Some(interface);
    }
    let others = (0..ir.regions.len() as u32 - 1).map(RegionId);
    let order = others.filter(|&r| Some(r) != dispatcher).chain(dispatcher);
    for r in order.chain([ir.root()]) {
        if live.region(r) {
            let interface = region::lower(&mut lowering, r, ids[r.index()]);
            lowering.interfaces[r.index()] = Some(interface);
        }
    }
    lowering.program.halt = lowering.next_pc;
    lowering.relocate(dispatcher);
    Lowered {
        program: lowering.program,
        info: lowering.info,
        actions: lowering.actions,
    }
}

impl Lowering<'_> {
    fn add_region(&mut self, region: RegionId) -> code::RegionId {
        let r = self.ir.region(region);
        let procedure = &self.ir.procedures[r.origin.procedure as usize];
        let (kind, name) = match r.end {
            End::Root { .. } => (RegionKind::Root, procedure.clone()),
            // The parent is filled in when it is lowered.
            End::Loop { .. } => (
                RegionKind::Loop { parent: 0 },
                format!("loop in {procedure}"),
            ),
            End::Procedure { .. } => (RegionKind::Procedure, procedure.clone()),
        };
        self.program.regions.push(code::Region {
            kind,
            entry_pc: 0,
            entry_block: 0,
            name,
        });
        self.program.regions.len() as code::RegionId - 1
    }

    /// What the dispatcher looks like to callers before it is lowered: all parameters have their places, and the results
    /// stand-ins.
    fn announced(&mut self, region: RegionId, id: code::RegionId) -> Interface {
        let r = self.ir.region(region);
        let mut group = 0;
        let places = (0..r.params.len())
            .map(|i| {
                if i < code::PARAMS {
                    return Place::Row(i);
                }
                let lane = (i - code::PARAMS) as u32 % 4;
                if lane == 0 {
                    group = self.take_ids(4);
                }
                Place::Pushed(group + lane)
            })
            .collect();
        let End::Procedure { results } = &r.end else {
            unreachable!("the dispatcher is a procedure")
        };
        Interface {
            id,
            entry_pc: LATER_PC,
            places,
            results: (LATER..).take(results.len()).map(Passed::Cell).collect(),
            exit_pc: 0,
        }
    }

    fn interface(&self, region: RegionId) -> &Interface {
        self.interfaces[region.index()]
            .as_ref()
            .expect("regions are lowered before those that enter them")
    }

    fn take_pc(&mut self) -> code::Pc {
        self.next_pc += 1;
        self.next_pc - 1
    }

    fn take_ids(&mut self, count: u32) -> CellId {
        self.next_id += count;
        self.next_id - count
    }

    fn push_entry(&mut self, entry: Entry, info: EntryInfo) -> u32 {
        self.program.entries.push(entry);
        self.info.push(info);
        self.program.entries.len() as u32 - 1
    }

    fn push_row(&mut self, entry: Entry, origin: Origin) -> u32 {
        let info = EntryInfo {
            origins: [Some(origin), None],
            trap: None,
        };
        self.push_entry(entry, info)
    }

    /// Moves provisional ids behind those that belong to pcs, and puts the dispatcher's results and entry in their places.
    fn relocate(&mut self, dispatcher: Option<RegionId>) {
        let first = first_pure_id(self.program.halt);
        let later = dispatcher.map(|r| self.interface(r).clone());
        let place = |id: CellId| {
            let mut id = id;
            if (LATER..PROVISIONAL).contains(&id) {
                let results = later.as_ref().map(|interface| &interface.results);
                let result = results.map(|results| results[(id - LATER) as usize]);
                let Some(Passed::Cell(cell)) = result else {
                    unreachable!("results of the dispatcher are cells")
                };
                id = cell;
            }
            if id >= PROVISIONAL {
                id - PROVISIONAL + first
            } else {
                id
            }
        };
        for entry in &mut self.program.entries {
            entry.map_cells(place);
            if let (Entry::Frame(frame), Some(later)) = (entry, &later)
                && frame.target == LATER_PC
            {
                frame.target = later.entry_pc;
            }
        }
        for operand in self
            .program
            .actions
            .iter_mut()
            .flat_map(|a| &mut a.operands)
        {
            if let code::Operand::Cell(id) = operand {
                *id = place(*id);
            }
        }
        for block in &mut self.program.blocks {
            if let code::Terminator::Select { cond, .. } = &mut block.terminator {
                *cond = place(*cond);
            }
        }
    }
}

/// Which results of each region are asked for by live code.
fn wanted(ir: &Ir, live: &Liveness) -> Vec<Vec<bool>> {
    let mut wanted: Vec<Vec<bool>> = ir
        .regions
        .iter()
        .map(|r| match &r.end {
            End::Root { .. } => Vec::new(),
            End::Loop { next, .. } => vec![false; next.len()],
            End::Procedure { results } => vec![false; results.len()],
        })
        .collect();
    for (r, region) in ir.regions.iter().enumerate() {
        if !live.region(RegionId(r as u32)) {
            continue;
        }
        let mut pending = vec![region.body.as_slice()];
        while let Some(stmts) = pending.pop() {
            for stmt in stmts {
                match stmt {
                    Stmt::If {
                        then, otherwise, ..
                    } => pending.extend([then.as_slice(), otherwise.as_slice()]),
                    Stmt::Loop {
                        region, results, ..
                    }
                    | Stmt::Call {
                        region, results, ..
                    } => {
                        for result in results {
                            if live.value(result.out) {
                                wanted[region.index()][result.index] = true;
                            }
                        }
                    }
                    Stmt::Op { .. }
                    | Stmt::Fact { .. }
                    | Stmt::Effect { .. }
                    | Stmt::Host { .. }
                    | Stmt::Assert { .. } => {}
                }
            }
        }
    }
    wanted
}
