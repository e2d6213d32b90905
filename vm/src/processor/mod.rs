//! Runs machine code: fast without a record, or recording what the trace generator needs.
//!
//! Both modes are one interpreter. Without a record a loop step reuses the frame it leaves; with one every frame
//! stays.

mod decode;
mod falcon;
mod host;
mod memory;
mod store;
mod sums;

use p3_field::{Field, PrimeCharacteristicRing, PrimeField64};
use plica_air::code::{
    EffectOp, FactOp, INPUT, Layout, MAX_COMPONENTS, MAX_OPERANDS, OUTPUT, PARAMS, Program,
    STACK_SIZE, Type,
};
use plica_air::record::{
    Access, Execution, Frame, FrameIndex, Outcome, Step, SumAccess, TreeAccess,
};
use plica_field::Felt;
use thiserror::Error;
use tracing::instrument;

use decode::{Decoded, Exit, FactOperand, Op, Opening, decode};
use host::Host;
use memory::Memory;
use sums::Messages;

pub use host::HostFailure;
pub use store::MerkleStore;

use crate::inputs::Start;

/// Why a program stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// A check failed; the entry of the program table says which.
    #[error("check of entry {entry} failed")]
    Check { entry: u32, value: Felt },
    #[error("division by zero in entry {entry}")]
    DivisionByZero { entry: u32, lane: u8 },
    /// An instruction has no result for its operands.
    #[error("entry {entry} has no result")]
    Fact { entry: u32, value: Felt },
    /// The host does not know the place of a Merkle tree, or the message with a digest.
    #[error("entry {entry}: {failure}")]
    Unknown { entry: u32, failure: HostFailure },
    /// The host does not do what it is asked for.
    #[error("action {action}: {failure}")]
    Host { action: u32, failure: HostFailure },
    #[error("the program did not halt within {limit} cycles")]
    CycleLimit { limit: u64 },
}

/// The result of a run without a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOutcome {
    /// Top of the stack first.
    pub outputs: [Felt; STACK_SIZE],
    /// Machine instructions and ordered steps executed.
    pub cycles: u64,
}

/// Runs `program` on `inputs`. A store is used in place of an empty one, and then knows the trees that the run made: all of
/// them if it succeeds, and whatever it came to if not.
///
/// # Errors
/// The first [`Fault`] of the execution.
#[instrument(skip_all)]
pub fn run(
    program: &Program,
    layout: &Layout,
    inputs: &Start<'_>,
    mut store: Option<&mut MerkleStore>,
    max_cycles: u64,
) -> Result<RunOutcome, Fault> {
    let decoded = decode(program, layout, false);
    let host = host(inputs, &mut store);
    let mut interpreter = Interpreter::<false>::new(&decoded, layout, host, max_cycles);
    let outputs = interpreter.run(layout, &inputs.stack);
    give_back(interpreter.state.host, store);
    Ok(RunOutcome {
        outputs: outputs?,
        cycles: interpreter.cycles,
    })
}

/// The same, recording what the trace generator needs.
///
/// # Errors
/// The first [`Fault`] of the execution.
#[instrument(skip_all)]
pub fn record(
    program: &Program,
    layout: &Layout,
    inputs: &Start<'_>,
    mut store: Option<&mut MerkleStore>,
    max_cycles: u64,
) -> Result<Execution, Fault> {
    let decoded = decode(program, layout, true);
    let host = host(inputs, &mut store);
    let mut interpreter = Interpreter::<true>::new(&decoded, layout, host, max_cycles);
    let outputs = interpreter.run(layout, &inputs.stack);
    give_back(interpreter.state.host, store);
    Ok(Execution {
        frames: interpreter.frames,
        values: interpreter.values,
        steps: interpreter.steps,
        accesses: interpreter.state.accesses.unwrap_or_default(),
        touched: interpreter.state.memory.touched(),
        trees: interpreter.state.trees.unwrap_or_default(),
        sums: interpreter.state.sums.unwrap_or_default(),
        messages: interpreter.state.messages.into_list(),
        clk: interpreter.clk,
        inputs: inputs.stack,
        outputs: outputs?,
    })
}

/// The host of a run; it has the store until [`give_back`].
fn host(inputs: &Start<'_>, store: &mut Option<&mut MerkleStore>) -> Host {
    let host = inputs.advice.map(Host::new).unwrap_or_default();
    match store {
        Some(store) => host.with_store(std::mem::take(*store)),
        None => host,
    }
}

fn give_back(host: Host, store: Option<&mut MerkleStore>) {
    if let (Some(place), Some(store)) = (store, host.into_store()) {
        *place = store;
    }
}

/// Computes a fact; the first operand if it traps.
fn fact(op: FactOp, sources: &[FactOperand], cells: &mut [Felt], out: u32) -> Result<(), Felt> {
    // Integer instructions, which are many, have few operands and no words.
    let mut operands = [Felt::ZERO; MAX_OPERANDS];
    for (operand, source) in operands
        .iter_mut()
        .zip(&sources[..op.signature().operands.len()])
    {
        *operand = match *source {
            FactOperand::Scalar(slot) => cells[slot as usize],
            FactOperand::Imm(value) => value,
            FactOperand::Word(_) => return word_fact(op, sources, cells, out),
        };
    }
    if op.eval(&operands, &mut cells[out as usize..]) {
        Ok(())
    } else {
        Err(operands[0])
    }
}

/// The same for operands of which some are words.
fn word_fact(
    op: FactOp,
    sources: &[FactOperand],
    cells: &mut [Felt],
    out: u32,
) -> Result<(), Felt> {
    let signature = op.signature();
    let operands = gather(signature.operands, sources, cells);
    let count: usize = signature.results.iter().map(|ty| ty.components()).sum();
    let results = &mut cells[out as usize..out as usize + count];
    if op.eval(&operands, results) {
        Ok(())
    } else {
        Err(operands[0])
    }
}

/// The operands of a fact or effect, one element after the other.
fn gather(types: &[Type], sources: &[FactOperand], cells: &[Felt]) -> [Felt; MAX_COMPONENTS] {
    let mut operands = [Felt::ZERO; MAX_COMPONENTS];
    let mut at = 0;
    for source in &sources[..types.len()] {
        match *source {
            FactOperand::Scalar(slot) => operands[at] = cells[slot as usize],
            FactOperand::Imm(value) => operands[at] = value,
            FactOperand::Word(slot) => {
                let slot = slot as usize;
                operands[at..at + 4].copy_from_slice(&cells[slot..slot + 4]);
                at += 3;
            }
        }
        at += 1;
    }
    operands
}

/// What the instructions of a run change beside its cells.
#[derive(Debug)]
struct State {
    memory: Memory,
    /// If they are recorded.
    accesses: Option<Vec<Access>>,
    /// The same.
    trees: Option<Vec<TreeAccess>>,
    /// The same.
    sums: Option<Vec<SumAccess>>,
    messages: Messages,
    host: Host,
    max_cycles: u64,
}

/// Why an effect fails.
enum Refusal {
    /// The first operand is not as it must be, or there are only so many values.
    Value(Felt),
    Host(HostFailure),
}

impl From<Felt> for Refusal {
    fn from(value: Felt) -> Self {
        Self::Value(value)
    }
}

impl Refusal {
    const fn of(self, entry: u32) -> Fault {
        match self {
            Self::Value(value) => Fault::Fact { entry, value },
            Self::Host(failure) => Fault::Unknown { entry, failure },
        }
    }
}

impl State {
    /// Runs an effect.
    fn effect(
        &mut self,
        op: EffectOp,
        clk: u64,
        operands: &[Felt; MAX_COMPONENTS],
        results: &mut [Felt],
    ) -> Result<(), Refusal> {
        match op {
            EffectOp::Advice { count } => {
                return Ok(self.pop_advice(usize::from(count), results)?);
            }
            EffectOp::ReadNode => return self.tree(operands, false, results),
            EffectOp::ReplaceNode => return self.tree(operands, true, results),
            EffectOp::SumPreimage => return self.sum_preimage(clk, operands, results),
            EffectOp::Clock => {
                results[0] = Felt::from_u64(clk);
                return Ok(());
            }
            _ => {}
        }
        let address = u32::try_from(operands[0].as_canonical_u64()).map_err(|_| operands[0])?;
        let mut context = 0;
        if op.has_context() {
            context = operands[1].as_canonical_u64();
            // No row reads such an address: the other elements are zero, and the contexts of a run lie close together.
            if operands[2..4] != [Felt::ZERO; 2] || context > 1 << 32 {
                return Err(operands[0].into());
            }
        }
        let place = self.memory.at(context, address);
        let found = *place;
        place.clk = clk;
        let stored = op.stored_at();
        match op {
            EffectOp::LoadElement | EffectOp::LoadElementIn => results[0] = found.word[0],
            EffectOp::StoreElement | EffectOp::StoreElementIn => place.word[0] = operands[stored],
            EffectOp::LoadWord | EffectOp::LoadWordIn => {
                results[..4].copy_from_slice(&found.word);
            }
            EffectOp::StoreWord | EffectOp::StoreWordIn => {
                place.word.copy_from_slice(&operands[stored..stored + 4]);
            }
            EffectOp::Advice { .. }
            | EffectOp::Clock
            | EffectOp::ReadNode
            | EffectOp::ReplaceNode
            | EffectOp::SumPreimage => unreachable!("handled above"),
        }
        if let Some(accesses) = &mut self.accesses {
            accesses.push(Access { clk, found });
        }
        Ok(())
    }

    /// Looks at a tree: root, depth, index and the new node, if there is one.
    fn tree(
        &mut self,
        operands: &[Felt; MAX_COMPONENTS],
        replaces: bool,
        results: &mut [Felt],
    ) -> Result<(), Refusal> {
        let word = |start: usize| std::array::from_fn(|j| operands[start + j]);
        let place = [operands[4], operands[5]].map(|value| value.as_canonical_u64());
        let new = replaces.then(|| word(6));
        let store = self.host.store();
        let access = store.access(word(0), place, new).map_err(Refusal::Host)?;
        let node = access.path.levels.last().expect("not the root").node;
        results[..4].copy_from_slice(&node);
        if let Some(replaced) = &access.replaced {
            results[4..8].copy_from_slice(&replaced.root);
        }
        if let Some(trees) = &mut self.trees {
            trees.push(access);
        }
        Ok(())
    }

    /// Pops values: the word of them first, then each; zeros for those that are not asked for.
    fn pop_advice(&mut self, count: usize, results: &mut [Felt]) -> Result<(), Felt> {
        let mut values = [Felt::ZERO; 4];
        let popped = self.host.pop(&mut values[..count]);
        popped.map_err(Felt::from_usize)?;
        results[..4].copy_from_slice(&values);
        results[4..8].copy_from_slice(&values);
        Ok(())
    }
}

struct Interpreter<'a, const RECORD: bool> {
    code: &'a Decoded,
    values: Vec<Felt>,
    frames: Vec<Frame>,
    /// Where each frame continues in its parent.
    continuations: Vec<u32>,
    steps: Vec<Step>,
    state: State,
    clk: u64,
    cycles: u64,
    max_cycles: u64,
}

impl<'a, const RECORD: bool> Interpreter<'a, RECORD> {
    fn new(code: &'a Decoded, layout: &Layout, host: Host, max_cycles: u64) -> Self {
        let size = layout.frame_sizes[Program::ROOT as usize] as usize;
        Self {
            code,
            values: vec![Felt::ZERO; size],
            frames: vec![Frame {
                region: Program::ROOT,
                name: 0,
                base: 0,
                parent: 0,
                return_pc: 0,
            }],
            continuations: vec![0],
            steps: Vec::new(),
            state: State {
                memory: Memory::default(),
                accesses: RECORD.then(Vec::new),
                trees: RECORD.then(Vec::new),
                sums: RECORD.then(Vec::new),
                messages: Messages::default(),
                max_cycles,
                host,
            },
            clk: 1,
            cycles: 0,
            max_cycles,
        }
    }

    fn run(
        &mut self,
        layout: &Layout,
        inputs: &[Felt; STACK_SIZE],
    ) -> Result<[Felt; STACK_SIZE], Fault> {
        for (&input, id) in inputs.iter().zip(INPUT..) {
            self.values[layout.slot(id) as usize] = input;
        }
        // The root region starts with the first block that the lowering gave it.
        let mut block = layout.root_block;
        let mut frame: FrameIndex = 0;
        loop {
            let code = &self.code.blocks[block as usize];
            self.cycles += code.cycles;
            if self.cycles > self.max_cycles {
                return Err(Fault::CycleLimit {
                    limit: self.max_cycles,
                });
            }
            let base = self.frames[frame as usize].base;
            self.ops(code.ops, base)?;
            let clk = self.clk;
            self.clk += code.ordered;
            let value = |slot: u32| self.values[base + slot as usize];
            let (next, next_frame, outcome) = match code.exit {
                Exit::Goto(next) => (next, frame, Outcome::Next),
                Exit::Select {
                    cond,
                    nonzero,
                    zero,
                } => {
                    let next = if value(cond) == Felt::ZERO {
                        zero
                    } else {
                        nonzero
                    };
                    (next, frame, Outcome::Next)
                }
                Exit::Branch {
                    test,
                    nonzero,
                    zero,
                } => {
                    let holds = value(test.slot) + test.step != Felt::ZERO;
                    self.clk += 1;
                    if holds {
                        (nonzero, frame, Outcome::NonZero)
                    } else {
                        (zero, frame, Outcome::Zero)
                    }
                }
                Exit::Jump(next) => {
                    self.clk += 1;
                    (next, frame, Outcome::Next)
                }
                Exit::Enter { opening, next } => {
                    let opened = self.open(frame, &opening, next);
                    (opening.block, opened, Outcome::Opened(opened))
                }
                Exit::EnterIf {
                    test,
                    opening,
                    next,
                    skipped,
                } => {
                    if value(test.slot) + test.step == Felt::ZERO {
                        self.clk += 1;
                        (skipped, frame, Outcome::Zero)
                    } else {
                        let opened = self.open(frame, &opening, next);
                        (opening.block, opened, Outcome::Opened(opened))
                    }
                }
                Exit::Loop {
                    test,
                    opening,
                    link,
                } => {
                    if value(test.slot) + test.step == Felt::ZERO {
                        let (next, parent) = self.leave(frame);
                        let parent_base = self.frames[parent as usize].base;
                        self.values[parent_base + link as usize] = Felt::from_u32(frame);
                        (next, parent, Outcome::Zero)
                    } else {
                        let opened = self.step(frame, &opening);
                        (opening.block, opened, Outcome::Opened(opened))
                    }
                }
                Exit::Return => {
                    let (next, parent) = self.leave(frame);
                    (next, parent, Outcome::Next)
                }
                Exit::Halt => {
                    if RECORD {
                        self.steps.push(Step {
                            frame,
                            block,
                            clk,
                            outcome: Outcome::Next,
                        });
                    }
                    return Ok(std::array::from_fn(|j| {
                        self.values[layout.slot(OUTPUT + j as u32) as usize]
                    }));
                }
            };
            if RECORD {
                self.steps.push(Step {
                    frame,
                    block,
                    clk,
                    outcome,
                });
            }
            block = next;
            frame = next_frame;
        }
    }

    fn ops(&mut self, range: (u32, u32), base: usize) -> Result<(), Fault> {
        let ops = &self.code.ops[range.0 as usize..range.1 as usize];
        // Cells of this frame and of those opened from it; pulls read the latter.
        let cells = &mut self.values[base..];
        for &op in ops {
            let (out, value) = match op {
                Op::Add { a, b, out } => (out, cells[a as usize] + cells[b as usize]),
                Op::Sub { a, b, out } => (out, cells[a as usize] - cells[b as usize]),
                Op::Mul { a, b, out } => (out, cells[a as usize] * cells[b as usize]),
                Op::Product { a, b, w, out } => (out, (cells[a as usize] + w) * cells[b as usize]),
                Op::Sum { a, b, w, out } => (out, cells[a as usize] + w * cells[b as usize]),
                Op::Affine {
                    a,
                    slope,
                    offset,
                    out,
                } => (out, slope * cells[a as usize] + offset),
                Op::IsZero { a, k, out } => (out, Felt::from_bool(cells[a as usize] == k)),
                Op::Invert {
                    a,
                    k,
                    out,
                    entry,
                    lane,
                } => match (cells[a as usize] - k).try_inverse() {
                    Some(inverse) => (out, inverse),
                    None => return Err(Fault::DivisionByZero { entry, lane }),
                },
                Op::Fact {
                    op,
                    first,
                    out,
                    entry,
                } => {
                    fact(op, &self.code.operands[first as usize..], cells, out)
                        .map_err(|value| Fault::Fact { entry, value })?;
                    continue;
                }
                Op::Effect {
                    op,
                    first,
                    out,
                    entry,
                    step,
                } => {
                    let sources = &self.code.operands[first as usize..];
                    let operands = gather(op.signature().operands, sources, cells);
                    let clk = self.clk + u64::from(step);
                    let results = &mut cells[out as usize..];
                    self.state
                        .effect(op, clk, &operands, results)
                        .map_err(|refusal| refusal.of(entry))?;
                    continue;
                }
                Op::Host {
                    op,
                    first,
                    count,
                    action,
                } => {
                    let mut operands = [Felt::ZERO; MAX_COMPONENTS];
                    let sources = &self.code.operands[first as usize..][..count as usize];
                    for (slot, source) in operands.iter_mut().zip(sources) {
                        *slot = match *source {
                            FactOperand::Imm(value) => value,
                            FactOperand::Scalar(cell) | FactOperand::Word(cell) => {
                                cells[cell as usize]
                            }
                        };
                    }
                    let State { host, memory, .. } = &mut self.state;
                    host.act(op, &operands[..count as usize], memory, self.max_cycles)
                        .map_err(|failure| Fault::Host { action, failure })?;
                    continue;
                }
                Op::Copy { src, out } => (out, cells[src as usize]),
                Op::Pull { link, src, out } => {
                    let other = cells[link as usize].as_canonical_u64() as usize;
                    let other = self.frames[other].base - base;
                    (out, cells[other + src as usize])
                }
                Op::CheckCells { a, b, entry } => {
                    let value = cells[a as usize];
                    if value != cells[b as usize] {
                        // A Boolean check compares a square with its root, which is the second operand.
                        let value = cells[b as usize];
                        return Err(Fault::Check { entry, value });
                    }
                    continue;
                }
                Op::CheckImm { a, value, entry } => {
                    if cells[a as usize] != value {
                        return Err(Fault::Check {
                            entry,
                            value: cells[a as usize],
                        });
                    }
                    continue;
                }
                Op::Fail { entry } => {
                    return Err(Fault::Check {
                        entry,
                        value: Felt::ZERO,
                    });
                }
            };
            cells[out as usize] = value;
        }
        Ok(())
    }

    /// Opens a frame below `frame`; the clock names it.
    fn open(&mut self, frame: FrameIndex, opening: &Opening, next: u32) -> FrameIndex {
        let opener = self.frames[frame as usize];
        self.new_frame(
            frame,
            opening,
            Frame {
                region: opening.region,
                name: self.clk,
                base: 0,
                parent: frame,
                return_pc: opening.return_pc,
            },
            next,
            opener.base,
        )
    }

    /// The next iteration of a loop. Without a record it takes the place of the last one.
    fn step(&mut self, frame: FrameIndex, opening: &Opening) -> FrameIndex {
        let last = self.frames[frame as usize];
        if RECORD {
            let next = self.continuations[frame as usize];
            let opened = Frame {
                name: self.clk,
                ..last
            };
            return self.new_frame(frame, opening, opened, next, last.base);
        }
        let size = self.code.frame_sizes[last.region as usize] as usize;
        self.frames.truncate(frame as usize + 1);
        self.continuations.truncate(frame as usize + 1);
        self.values.truncate(last.base + size);
        let cells = &mut self.values[last.base..];
        let mut row: [Felt; PARAMS] = opening.sources.map(|src| cells[src as usize]);
        row[0] += opening.step;
        let pushes = &self.code.pushes[opening.pushes.0 as usize..opening.pushes.1 as usize];
        // Destinations may be sources of later copies: read all before writing.
        if pushes.is_empty() {
            cells[..PARAMS].copy_from_slice(&row);
        } else {
            let pushed: Vec<Felt> = pushes.iter().map(|&(src, _)| cells[src as usize]).collect();
            cells[..PARAMS].copy_from_slice(&row);
            for (&(_, dst), value) in pushes.iter().zip(pushed) {
                cells[dst as usize] = value;
            }
        }
        self.clk += 1;
        frame
    }

    fn new_frame(
        &mut self,
        opener: FrameIndex,
        opening: &Opening,
        opened: Frame,
        next: u32,
        opener_base: usize,
    ) -> FrameIndex {
        debug_assert_eq!(self.frames[opener as usize].base, opener_base);
        let index = self.frames.len() as FrameIndex;
        let base = self.values.len();
        let size = self.code.frame_sizes[opened.region as usize] as usize;
        self.values.resize(base + size, Felt::ZERO);
        let (before, cells) = self.values.split_at_mut(base);
        let source = |src: u32| before[opener_base + src as usize];
        for (cell, src) in cells.iter_mut().zip(opening.sources) {
            *cell = source(src);
        }
        cells[0] += opening.step;
        for &(src, dst) in &self.code.pushes[opening.pushes.0 as usize..opening.pushes.1 as usize] {
            cells[dst as usize] = source(src);
        }
        before[opener_base + opening.handle as usize] = Felt::from_u32(index);
        self.frames.push(Frame { base, ..opened });
        self.continuations.push(next);
        self.clk += 1;
        index
    }

    fn leave(&mut self, frame: FrameIndex) -> (u32, FrameIndex) {
        self.clk += 1;
        let parent = self.frames[frame as usize].parent;
        (self.continuations[frame as usize], parent)
    }
}
