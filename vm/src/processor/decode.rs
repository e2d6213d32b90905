//! Machine code with cells resolved to frame slots, in the form the interpreter runs.

use std::collections::HashSet;

use p3_field::PrimeCharacteristicRing;
use plica_air::code::{
    ArithOp, Block, BlockId, CellId, CopyEntry, CopyKind, EffectEntry, EffectOp, Entry, FactEntry,
    FactOp, HostOp, InverseOp, Layout, LeaveEntry, OUTPUT, Operand, PARAMS, Pc, Program, RegionId,
    STACK_SIZE, Terminator, exit_link, handle, param,
};
use plica_field::Felt;

/// Slot in a frame.
pub(super) type Slot = u32;

/// One step of a block.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Add {
        a: Slot,
        b: Slot,
        out: Slot,
    },
    Sub {
        a: Slot,
        b: Slot,
        out: Slot,
    },
    Mul {
        a: Slot,
        b: Slot,
        out: Slot,
    },
    /// (a + w)·b
    Product {
        a: Slot,
        b: Slot,
        w: Felt,
        out: Slot,
    },
    /// a + w·b
    Sum {
        a: Slot,
        b: Slot,
        w: Felt,
        out: Slot,
    },
    /// slope·a + offset
    Affine {
        a: Slot,
        slope: Felt,
        offset: Felt,
        out: Slot,
    },
    IsZero {
        a: Slot,
        k: Felt,
        out: Slot,
    },
    /// 1/(a − k)
    Invert {
        a: Slot,
        k: Felt,
        out: Slot,
        entry: u32,
        lane: u8,
    },
    /// An instruction of the chips of facts; its operands start at `first` of [`Decoded::operands`].
    Fact {
        op: FactOp,
        first: u32,
        out: Slot,
        entry: u32,
    },
    /// An ordered instruction with operands as those of a fact.
    Effect {
        op: EffectOp,
        first: u32,
        out: Slot,
        entry: u32,
        /// Ordered entries before it in the block.
        step: u32,
    },
    /// What the host does; operands as those of a fact.
    Host {
        op: HostOp,
        first: u32,
        count: u32,
        action: u32,
    },
    Copy {
        src: Slot,
        out: Slot,
    },
    /// From the frame that the link names.
    Pull {
        link: Slot,
        src: Slot,
        out: Slot,
    },
    /// Fails unless a = b; what it means is told by the entry.
    CheckCells {
        a: Slot,
        b: Slot,
        entry: u32,
    },
    CheckImm {
        a: Slot,
        value: Felt,
        entry: u32,
    },
    /// A check between constants that differ.
    Fail {
        entry: u32,
    },
}

/// An operand of a fact or effect.
#[derive(Clone, Copy, Debug)]
pub(super) enum FactOperand {
    Scalar(Slot),
    /// The first of four.
    Word(Slot),
    Imm(Felt),
}

/// A tested value: slot + step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Test {
    pub(super) slot: Slot,
    pub(super) step: Felt,
}

/// How a frame is opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    pub(super) region: RegionId,
    pub(super) block: BlockId,
    pub(super) step: Felt,
    pub(super) sources: [Slot; PARAMS],
    /// Slot of the handle in the opening frame.
    pub(super) handle: Slot,
    pub(super) return_pc: Pc,
    /// First and last of the pushes, in [`Decoded::pushes`].
    pub(super) pushes: (u32, u32),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Exit {
    Goto(BlockId),
    Select {
        cond: Slot,
        nonzero: BlockId,
        zero: BlockId,
    },
    Branch {
        test: Test,
        nonzero: BlockId,
        zero: BlockId,
    },
    Jump(BlockId),
    Enter {
        opening: Opening,
        next: BlockId,
    },
    EnterIf {
        test: Test,
        opening: Opening,
        next: BlockId,
        skipped: BlockId,
    },
    /// `link` is the slot of the exit link in the parent.
    Loop {
        test: Test,
        opening: Opening,
        link: Slot,
    },
    Return,
    Halt,
}

#[derive(Clone, Debug)]
pub(super) struct DecodedBlock {
    pub(super) ops: (u32, u32),
    /// Checks and effects among them, each of which takes one clock.
    pub(super) ordered: u64,
    /// Instructions, for the cycle limit.
    pub(super) cycles: u64,
    pub(super) exit: Exit,
}

/// A program ready to run.
#[derive(Clone, Debug)]
pub(super) struct Decoded {
    pub(super) ops: Vec<Op>,
    /// Operands of facts and effects.
    pub(super) operands: Vec<FactOperand>,
    pub(super) pushes: Vec<(Slot, Slot)>,
    pub(super) blocks: Vec<DecodedBlock>,
    pub(super) frame_sizes: Vec<u32>,
}

/// Resolves the cells of `program`. Without `recording`, instructions that only fill bundles are left out.
pub(super) fn decode(program: &Program, layout: &Layout, recording: bool) -> Decoded {
    let mut decoder = Decoder {
        program,
        layout,
        actions: vec![Vec::new(); program.blocks.len()],
        read: (!recording).then(|| cells_read(program)),
        out: Decoded {
            ops: Vec::new(),
            operands: Vec::new(),
            pushes: Vec::new(),
            blocks: Vec::new(),
            frame_sizes: layout.frame_sizes.clone(),
        },
    };
    for (action, host) in program.actions.iter().enumerate() {
        decoder.actions[host.block as usize].push(action as u32);
    }
    for (b, block) in program.blocks.iter().enumerate() {
        decoder.block(b, block);
    }
    decoder.out
}

/// Every cell that an entry reads, and the outputs.
fn cells_read(program: &Program) -> HashSet<CellId> {
    let mut read: HashSet<CellId> = (OUTPUT..).take(STACK_SIZE).collect();
    for entry in &program.entries {
        entry.for_each_read(|id| {
            read.insert(id);
        });
    }
    for operand in program.actions.iter().flat_map(|action| &action.operands) {
        if let Operand::Cell(id) = *operand {
            read.insert(id);
        }
    }
    read
}

struct Decoder<'a> {
    program: &'a Program,
    layout: &'a Layout,
    /// By block: what the host does there.
    actions: Vec<Vec<u32>>,
    /// Cells that something reads; `None` if all results are recorded anyway.
    read: Option<HashSet<CellId>>,
    out: Decoded,
}

impl Decoder<'_> {
    fn wanted(&self, id: CellId) -> bool {
        self.read.as_ref().is_none_or(|read| read.contains(&id))
    }

    fn slot(&self, id: CellId) -> Slot {
        self.layout.slot(id)
    }

    fn block(&mut self, b: usize, block: &Block) {
        let first = self.out.ops.len() as u32;
        let mut steps = 0;
        let mut actions = std::mem::take(&mut self.actions[b]).into_iter().peekable();
        let mut act = |this: &mut Self, before: u32| {
            while let Some(action) = actions.next_if(|&action| this.is_before(action, before)) {
                this.action(action);
            }
        };
        for index in block.entries.clone() {
            act(self, index);
            self.entry(index, steps);
            steps += u32::from(self.program.entries[index as usize].pc().is_some());
        }
        act(self, block.entries.end);
        let last = self.out.ops.len() as u32;
        let exit = self.exit(block);
        let ordered = !matches!(exit, Exit::Goto(_) | Exit::Select { .. } | Exit::Halt);
        self.out.blocks.push(DecodedBlock {
            ops: (first, last),
            ordered: u64::from(steps),
            cycles: u64::from(last - first) + u64::from(ordered),
            exit,
        });
    }

    /// Decodes an entry; `step` is the number of ordered ones before it in the block.
    fn entry(&mut self, index: u32, step: u32) {
        match self.program.entries[index as usize] {
            Entry::Arith(bundle) => {
                for (op, id) in bundle.ops.into_iter().zip(bundle.id..) {
                    if self.wanted(id) {
                        let op = self.arith(op, id);
                        self.out.ops.push(op);
                    }
                }
            }
            Entry::Single(single) => {
                if self.wanted(single.id) {
                    let op = self.arith(single.op, single.id);
                    self.out.ops.push(op);
                }
            }
            Entry::Inverse(bundle) => {
                for (lane, op) in bundle.ops.into_iter().enumerate() {
                    if op.invert || self.wanted(bundle.id + lane as u32) {
                        let op = self.inverse(op, bundle.id + lane as u32, index, lane as u8);
                        self.out.ops.push(op);
                    }
                }
            }
            Entry::Fact(fact) => {
                if fact.traps() || fact.results().any(|(id, _)| self.wanted(id)) {
                    let op = self.fact(&fact, index);
                    self.out.ops.push(op);
                }
            }
            Entry::Effect(effect) => {
                let op = self.effect(&effect, index, step);
                self.out.ops.push(op);
            }
            Entry::Copy(copy) => {
                for (&src, id) in copy.sources().iter().zip(copy.base..) {
                    if !self.wanted(id) {
                        continue;
                    }
                    for (src, out) in self.slots_of_copy(&copy, src, id) {
                        self.out.ops.push(match copy.kind {
                            CopyKind::Pull => Op::Pull {
                                link: self.slot(copy.key),
                                src,
                                out,
                            },
                            CopyKind::Gate { .. } => Op::Copy { src, out },
                            CopyKind::Push => unreachable!("pushes belong to terminators"),
                        });
                    }
                }
            }
            Entry::Assert(check) => {
                for (i, equal) in check.equal.into_iter().enumerate() {
                    if equal {
                        let (a, b) = (check.slots[2 * i], check.slots[2 * i + 1]);
                        if let Some(op) = self.check(a, b, index) {
                            self.out.ops.push(op);
                        }
                    }
                }
            }
            Entry::Frame(_) | Entry::Leave(_) => unreachable!("rows of terminators"),
        }
    }

    /// Slots from and to which a cell is copied, one per field element.
    fn slots_of_copy(
        &self,
        copy: &CopyEntry,
        src: CellId,
        to: CellId,
    ) -> impl Iterator<Item = (Slot, Slot)> + use<> {
        (self.slot(src)..)
            .zip(self.slot(to)..)
            .take(copy.components())
    }

    fn arith(&self, op: ArithOp, id: CellId) -> Op {
        let out = self.slot(id);
        match op {
            ArithOp::Product { a, b, w } => {
                let (a, b) = (self.slot(a), self.slot(b));
                if w == Felt::ZERO {
                    Op::Mul { a, b, out }
                } else {
                    Op::Product { a, b, w, out }
                }
            }
            ArithOp::Sum { a, b, w } => {
                let (a, b) = (self.slot(a), self.slot(b));
                if w == Felt::ONE {
                    Op::Add { a, b, out }
                } else if w == Felt::NEG_ONE {
                    Op::Sub { a, b, out }
                } else {
                    Op::Sum { a, b, w, out }
                }
            }
            ArithOp::Affine { a, b, w } => Op::Affine {
                a: self.slot(a),
                slope: Felt::TWO - b,
                offset: w * b,
                out,
            },
        }
    }

    fn inverse(&self, op: InverseOp, id: CellId, entry: u32, lane: u8) -> Op {
        let (a, out) = (self.slot(op.a), self.slot(id));
        if op.invert {
            Op::Invert {
                a,
                k: op.k,
                out,
                entry,
                lane,
            }
        } else {
            Op::IsZero { a, k: op.k, out }
        }
    }

    fn fact(&mut self, fact: &FactEntry, entry: u32) -> Op {
        Op::Fact {
            op: fact.op,
            first: self.operands(&Entry::Fact(*fact)),
            out: self.slot(fact.id),
            entry,
        }
    }

    fn is_before(&self, action: u32, entry: u32) -> bool {
        self.program.actions[action as usize].before <= entry
    }

    fn action(&mut self, action: u32) {
        let program = self.program;
        let host = &program.actions[action as usize];
        let first = self.out.operands.len() as u32;
        for operand in &host.operands {
            let operand = match *operand {
                Operand::Imm(value) => FactOperand::Imm(value),
                Operand::Cell(id) => FactOperand::Scalar(self.slot(id)),
            };
            self.out.operands.push(operand);
        }
        self.out.ops.push(Op::Host {
            op: host.op,
            first,
            count: host.operands.len() as u32,
            action,
        });
    }

    fn effect(&mut self, effect: &EffectEntry, entry: u32, step: u32) -> Op {
        let has_results = !effect.op.signature().results.is_empty();
        Op::Effect {
            op: effect.op,
            first: self.operands(&Entry::Effect(*effect)),
            out: if has_results { self.slot(effect.id) } else { 0 },
            entry,
            step,
        }
    }

    /// Decodes the operands of a fact or effect; where they start.
    fn operands(&mut self, entry: &Entry) -> u32 {
        let first = self.out.operands.len() as u32;
        for (operand, ty) in entry.typed_operands().into_iter().flatten() {
            let operand = match operand {
                Operand::Imm(value) => FactOperand::Imm(value),
                Operand::Cell(id) if ty.components() > 1 => FactOperand::Word(self.slot(id)),
                Operand::Cell(id) => FactOperand::Scalar(self.slot(id)),
            };
            self.out.operands.push(operand);
        }
        let (id, _) = entry.results().unwrap_or_default();
        debug_assert!(
            entry
                .typed_results()
                .into_iter()
                .flatten()
                .scan(self.slot(id), |next, (id, ty)| {
                    let here = *next;
                    *next += ty.components() as u32;
                    Some(here == self.slot(id))
                })
                .all(|in_place| in_place),
            "results lie one behind the other"
        );
        first
    }

    fn check(&self, a: Operand, b: Operand, entry: u32) -> Option<Op> {
        match (a, b) {
            (Operand::Cell(a), Operand::Cell(b)) => Some(Op::CheckCells {
                a: self.slot(a),
                b: self.slot(b),
                entry,
            }),
            (Operand::Cell(a), Operand::Imm(value)) | (Operand::Imm(value), Operand::Cell(a)) => {
                Some(Op::CheckImm {
                    a: self.slot(a),
                    value,
                    entry,
                })
            }
            (Operand::Imm(a), Operand::Imm(b)) => (a != b).then_some(Op::Fail { entry }),
        }
    }

    fn test(&self, leave: u32) -> Test {
        let Entry::Leave(entry) = &self.program.entries[leave as usize] else {
            unreachable!("tests are rows of the leave chip")
        };
        let (src, step) = entry.tested().expect("a branch or exit");
        Test {
            slot: self.slot(src),
            step,
        }
    }

    fn opening(&mut self, block: &Block, entry: u32, region: RegionId) -> Opening {
        let Entry::Frame(frame) = self.program.entries[entry as usize] else {
            unreachable!("frames are opened by frame rows")
        };
        debug_assert_eq!(frame.target, self.program.regions[region as usize].entry_pc);
        debug_assert!((0..PARAMS).all(|j| self.slot(param(frame.target, j)) == j as u32));
        let first = self.out.pushes.len() as u32;
        for index in block.pushes.clone() {
            let Entry::Copy(copy) = self.program.entries[index as usize] else {
                unreachable!("pushes are copies")
            };
            for (&src, to) in copy.sources().iter().zip(copy.base..) {
                let slots = self.slots_of_copy(&copy, src, to);
                self.out.pushes.extend(slots);
            }
        }
        Opening {
            region,
            block: self.program.regions[region as usize].entry_block,
            step: frame.step,
            sources: frame.src.map(|src| self.slot(src)),
            handle: self.slot(handle(frame.pc)),
            return_pc: frame.pc + 1,
            pushes: (first, self.out.pushes.len() as u32),
        }
    }

    fn exit(&mut self, block: &Block) -> Exit {
        match block.terminator {
            Terminator::Goto { block } => Exit::Goto(block),
            Terminator::Select {
                cond,
                nonzero,
                zero,
            } => Exit::Select {
                cond: self.slot(cond),
                nonzero,
                zero,
            },
            Terminator::Branch { nonzero, zero } => Exit::Branch {
                test: self.test(nonzero.0),
                nonzero: nonzero.1,
                zero: zero.1,
            },
            Terminator::Jump { block, .. } => Exit::Jump(block),
            Terminator::Enter {
                entry,
                region,
                next,
            } => Exit::Enter {
                opening: self.opening(block, entry, region),
                next,
            },
            Terminator::EnterIf {
                entry,
                region,
                skip,
                next,
                skipped,
            } => Exit::EnterIf {
                test: self.test(skip),
                opening: self.opening(block, entry, region),
                next,
                skipped,
            },
            Terminator::Loop { back, exit } => {
                let Entry::Leave(LeaveEntry::Exit { pc, .. }) = self.program.entries[exit as usize]
                else {
                    unreachable!("loops end with an exit row")
                };
                Exit::Loop {
                    test: self.test(exit),
                    opening: self.opening(block, back, block.region),
                    link: self.slot(exit_link(pc)),
                }
            }
            Terminator::Return { .. } => Exit::Return,
            Terminator::Halt => Exit::Halt,
        }
    }
}
