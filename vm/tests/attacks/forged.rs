//! Whole-machine traces in the hands of an attacker.
//!
//! An attacker starts from an honest run, changes rows, and then does all that the rules leave free: carries a wrong value
//! through everything computed from it ([`Forged::poison`]) and chooses the multiplicities that fit
//! ([`Forged::rebalance`]). What the checker still finds is what stops the attack.

use std::collections::BTreeMap;

use p3_field::{Field, PrimeCharacteristicRing, PrimeField64};
use plica_air::check::{Findings, Message, RowReport, check, check_row};
use plica_air::chip::{ChipKind, preprocessed};
use plica_air::chips::{
    absorb, absorb_compact, advice, arith, assert, bit_length, bits, bitwise, boundary, change,
    clock, copy, ext3, frame, inverse, leave, memory_element, memory_word, node, node_compact,
    pack, power, program, rpo, rpo_compact, single, sum, tree, u32_add, u32_check, u32_div,
    u32_mul, u32_shift, unpack, word_copy,
};
use plica_air::code::{INPUT, OUTPUT, Program, STACK_SIZE, param};
use plica_air::trace::{Table, generate_with};
use plica_field::Felt;
use plica_fri::Profile;
use plica_vm::compile::{Compiled, compile};
use plica_vm::inputs::{Inputs, Start};
use plica_vm::prover::{exists_under, heights_under};
use plica_vm::syntax::{NoModules, parse_program};

pub(crate) const MAX_CYCLES: u64 = 1 << 20;

pub(crate) fn felt(value: i64) -> Felt {
    Felt::from_i64(value)
}

pub(crate) fn int(value: Felt) -> i64 {
    i64::try_from(value.as_canonical_u64()).expect("a small value")
}

/// The message with these fields, filled up with zeros.
pub(crate) fn message(fields: &[Felt]) -> Message {
    let mut message = Message::default();
    for (slot, field) in message.iter_mut().zip(fields) {
        *slot = field.as_canonical_u64();
    }
    message
}

/// The cell (frame, id) = value on the bus.
pub(crate) fn cell(frame: Felt, id: u32, value: Felt) -> Message {
    message(&[Felt::ONE, frame, Felt::from_u32(id), value])
}

/// A state on the bus.
pub(crate) fn state(clk: Felt, pc: u32, fp: Felt) -> Message {
    message(&[Felt::TWO, clk, Felt::from_u32(pc), fp])
}

/// A CALL cell on the bus.
pub(crate) fn call(frame: Felt, parent: Felt, return_pc: Felt) -> Message {
    message(&[Felt::ONE, frame, Felt::ZERO, parent, return_pc])
}

pub(crate) fn compiled(source: &str) -> Compiled {
    let parsed = parse_program(source, "attacked", &NoModules).expect("parses");
    compile(&parsed).expect("compiles")
}

pub(crate) fn stack(values: &[u64]) -> [Felt; STACK_SIZE] {
    let values: Vec<Felt> = values.iter().map(|&v| Felt::new(v)).collect();
    Inputs::from_stack(values).initial_stack()
}

/// The columns that count how often a row's cells or entries are read.
pub(crate) fn mult_columns(kind: ChipKind) -> Vec<usize> {
    let at: Vec<usize> = (0..kind.width()).collect();
    match kind {
        ChipKind::Boundary => boundary::Cols::of(&at).mults.to_vec(),
        ChipKind::Program => program::Cols::of(&at).mults.to_vec(),
        ChipKind::Arith => arith::Cols::of(&at)
            .bundles
            .iter()
            .flat_map(|b| b.lanes.map(|lane| lane.mult))
            .collect(),
        ChipKind::ArithNarrow => arith::narrow::Cols::of(&at)
            .bundles
            .iter()
            .flat_map(|b| b.lanes.map(|lane| lane.mult))
            .collect(),
        ChipKind::Inverse => inverse::Cols::of(&at)
            .bundles
            .iter()
            .flat_map(|b| b.lanes.map(|lane| lane.mult))
            .collect(),
        ChipKind::InverseNarrow => inverse::narrow::Cols::of(&at)
            .bundles
            .iter()
            .flat_map(|b| b.lanes.map(|lane| lane.mult))
            .collect(),
        ChipKind::Copy => copy::Cols::of(&at).lanes.map(|lane| lane.mult).to_vec(),
        ChipKind::Frame => {
            let cols = frame::Cols::of(&at);
            let mut columns = cols.params.map(|p| p.mult).to_vec();
            columns.push(cols.handle_mult);
            columns
        }
        ChipKind::Leave => vec![leave::Cols::of(&at).link_mult],
        ChipKind::Assert | ChipKind::Addresses => Vec::new(),
        ChipKind::MemoryElement => vec![memory_element::Cols::of(&at).access.count],
        ChipKind::MemoryWord => vec![memory_word::Cols::of(&at).access.count],
        ChipKind::Advice => {
            let cols = advice::Cols::of(&at);
            [&[cols.word_mult], cols.mults.as_slice()].concat()
        }
        ChipKind::Tree => tree::Cols::of(&at).mults.to_vec(),
        ChipKind::Node => node::Cols::of(&at).head.mults.to_vec(),
        ChipKind::NodeCompact => node_compact::Cols::of(&at).head.mults.to_vec(),
        ChipKind::Change => vec![change::Cols::of(&at).mult],
        ChipKind::Sum => {
            let cols = sum::Cols::of(&at);
            [cols.mults.as_slice(), &[cols.starts]].concat()
        }
        ChipKind::Absorb => vec![absorb::Cols::of(&at).head.mult],
        ChipKind::AbsorbCompact => vec![absorb_compact::Cols::of(&at).head.mult],
        ChipKind::Clock => vec![clock::Cols::of(&at).mult],
        ChipKind::Limbs => (0..kind.width()).collect(),
        ChipKind::U32Check => u32_check::Cols::of(&at)
            .facts
            .map(|fact| fact.mult)
            .to_vec(),
        ChipKind::U32Add => {
            let facts = u32_add::Cols::of(&at).facts;
            facts.iter().flat_map(|fact| fact.mults).collect()
        }
        ChipKind::U32Mul => {
            let facts = u32_mul::Cols::of(&at).facts;
            facts.iter().flat_map(|fact| fact.mults).collect()
        }
        ChipKind::U32Div => {
            let facts = u32_div::Cols::of(&at).facts;
            facts.iter().flat_map(|fact| fact.mults).collect()
        }
        ChipKind::U32Shift => {
            let facts = u32_shift::Cols::of(&at).facts;
            facts.map(|fact| fact.mult).to_vec()
        }
        ChipKind::Bitwise => bitwise::Cols::of(&at).facts.map(|fact| fact.mult).to_vec(),
        ChipKind::Power => power::Cols::of(&at).facts.map(|fact| fact.mult).to_vec(),
        ChipKind::BitLength => {
            let facts = bit_length::Cols::of(&at).facts;
            facts.map(|fact| fact.mult).to_vec()
        }
        ChipKind::U32CheckNarrow => u32_check::narrow::Cols::of(&at)
            .facts
            .map(|fact| fact.mult)
            .to_vec(),
        ChipKind::U32AddNarrow => {
            let facts = u32_add::narrow::Cols::of(&at).facts;
            facts.iter().flat_map(|fact| fact.mults).collect()
        }
        ChipKind::U32MulNarrow => {
            let facts = u32_mul::narrow::Cols::of(&at).facts;
            facts.iter().flat_map(|fact| fact.mults).collect()
        }
        ChipKind::U32DivNarrow => {
            let facts = u32_div::narrow::Cols::of(&at).facts;
            facts.iter().flat_map(|fact| fact.mults).collect()
        }
        ChipKind::U32ShiftNarrow => {
            let facts = u32_shift::narrow::Cols::of(&at).facts;
            facts.map(|fact| fact.mult).to_vec()
        }
        ChipKind::BitwiseNarrow => bitwise::narrow::Cols::of(&at)
            .facts
            .map(|fact| fact.mult)
            .to_vec(),
        ChipKind::PowerNarrow => power::narrow::Cols::of(&at)
            .facts
            .map(|fact| fact.mult)
            .to_vec(),
        ChipKind::BitLengthNarrow => {
            let facts = bit_length::narrow::Cols::of(&at).facts;
            facts.map(|fact| fact.mult).to_vec()
        }
        ChipKind::Bits => bits::Cols::of(&at).facts[0].mults.to_vec(),
        ChipKind::Pack => pack::Cols::of(&at).facts.map(|fact| fact.mult).to_vec(),
        ChipKind::PackNarrow => {
            let facts = pack::narrow::Cols::of(&at).facts;
            facts.map(|fact| fact.mult).to_vec()
        }
        ChipKind::UnpackNarrow => {
            let facts = unpack::narrow::Cols::of(&at).facts;
            facts.iter().flat_map(|fact| fact.mults).collect()
        }
        ChipKind::Ext3Narrow => {
            let facts = ext3::narrow::Cols::of(&at).facts;
            facts.map(|fact| fact.mult).to_vec()
        }
        ChipKind::Unpack => {
            let facts = unpack::Cols::of(&at).facts;
            facts.iter().flat_map(|fact| fact.mults).collect()
        }
        ChipKind::Ext3 => ext3::Cols::of(&at).facts.map(|fact| fact.mult).to_vec(),
        ChipKind::WordCopy => vec![word_copy::Cols::of(&at).mult],
        ChipKind::Rpo => rpo::Cols::of(&at).head.mults.to_vec(),
        ChipKind::RpoCompact => rpo_compact::Cols::of(&at).head.mults.to_vec(),
        ChipKind::Single => single::Cols::of(&at)
            .instructions
            .map(|instruction| instruction.lane.mult)
            .to_vec(),
        ChipKind::SingleNarrow => single::narrow::Cols::of(&at)
            .instructions
            .map(|instruction| instruction.lane.mult)
            .to_vec(),
    }
}

/// A trace that may be forged.
#[derive(Clone)]
pub(crate) struct Forged {
    pub(crate) compiled: Compiled,
    pub(crate) tables: Vec<Table>,
    pub(crate) public: Vec<Felt>,
    /// By chip.
    fixed: Vec<Option<plica_fri::Matrix>>,
}

impl Forged {
    /// The trace of an honest run, on some advice.
    pub(crate) fn honest(source: &str, inputs: &[u64]) -> Self {
        Self::honest_under(source, inputs, &Profile::FAST)
    }

    /// The same with the chips that a profile has.
    pub(crate) fn honest_under(source: &str, inputs: &[u64], profile: &Profile) -> Self {
        let advice_stack = (20..30).map(Felt::new).collect();
        let inputs = Inputs {
            advice_stack,
            ..Inputs::from_stack(stack(inputs))
        };
        Self::under(compiled(source), &inputs, profile).expect("runs")
    }

    /// The trace of an honest run, if there is one.
    pub(crate) fn of<'a>(compiled: Compiled, inputs: impl Into<Start<'a>>) -> Option<Self> {
        Self::under(compiled, inputs, &Profile::FAST)
    }

    fn under<'a>(
        compiled: Compiled,
        inputs: impl Into<Start<'a>>,
        profile: &Profile,
    ) -> Option<Self> {
        let execution = compiled.record(inputs, MAX_CYCLES).ok()?;
        let tables = generate_with(
            &compiled.program,
            &compiled.layout,
            &execution,
            heights_under(profile, crate::proofs::TARGET),
            exists_under(profile),
        );
        let forged = Self {
            fixed: ChipKind::ALL
                .map(|kind| preprocessed(&compiled.program, kind))
                .to_vec(),
            compiled,
            tables,
            public: execution.public_values(),
        };
        assert!(forged.findings().is_empty());
        Some(forged)
    }

    pub(crate) fn code(&self) -> &Program {
        &self.compiled.program
    }

    pub(crate) fn findings(&self) -> Findings {
        check(self.code(), &self.tables, &self.public)
    }

    /// (table, row) of every row of a chip, padding included.
    pub(crate) fn rows(&self, kind: ChipKind) -> Vec<(usize, usize)> {
        let tables = self
            .tables
            .iter()
            .enumerate()
            .filter(|(_, t)| t.kind == kind);
        tables
            .flat_map(|(t, table)| {
                (0..table.trace.values.len() / kind.width()).map(move |r| (t, r))
            })
            .collect()
    }

    pub(crate) fn row(&self, (t, r): (usize, usize)) -> &[Felt] {
        let table = &self.tables[t];
        let width = table.kind.width();
        &table.trace.values[r * width..(r + 1) * width]
    }

    pub(crate) fn row_mut(&mut self, (t, r): (usize, usize)) -> &mut [Felt] {
        let table = &mut self.tables[t];
        let width = table.kind.width();
        &mut table.trace.values[r * width..(r + 1) * width]
    }

    /// Constraint values and messages of a row.
    pub(crate) fn report(&self, (t, r): (usize, usize), row: &[Felt]) -> RowReport {
        let kind = self.tables[t].kind;
        let width = kind.preprocessed_width();
        let fixed = self.fixed[kind as usize]
            .as_ref()
            .map_or(&[][..], |fixed| &fixed.values[r * width..(r + 1) * width]);
        check_row(kind, row, fixed, &self.public)
    }

    /// Rows of the chain (not padding) of an ordered chip.
    pub(crate) fn steps(&self, kind: ChipKind) -> Vec<(usize, usize)> {
        let rows = self.rows(kind).into_iter();
        rows.filter(|&at| self.row(at)[0] == Felt::ONE).collect()
    }

    /// Puts another row into a chip: a table of its own.
    pub(crate) fn push(&mut self, kind: ChipKind, row: Vec<Felt>) -> (usize, usize) {
        let trace = plica_fri::Matrix::new(row, kind.width());
        self.tables.push(Table { kind, trace });
        (self.tables.len() - 1, 0)
    }

    /// Takes a row away.
    pub(crate) fn remove(&mut self, (t, r): (usize, usize)) {
        let table = &mut self.tables[t];
        let width = table.kind.width();
        table.trace.values.drain(r * width..(r + 1) * width);
    }

    /// What a row provides, by multiplicity column.
    pub(crate) fn provided(&self, at: (usize, usize)) -> Vec<(usize, Message)> {
        let kind = self.tables[at.0].kind;
        let mut row = self.row(at).to_vec();
        let columns = mult_columns(kind);
        for &column in &columns {
            row[column] = Felt::ZERO;
        }
        let sums = |row: &[Felt]| {
            let mut sums: BTreeMap<Message, Felt> = BTreeMap::new();
            for (message, count) in self.report(at, row).messages {
                *sums.entry(message).or_default() += count;
            }
            sums
        };
        let silent = sums(&row);
        columns
            .into_iter()
            .filter_map(|column| {
                row[column] = Felt::ONE;
                let mut changed = sums(&row);
                for (message, count) in &silent {
                    *changed.entry(*message).or_default() -= *count;
                }
                changed.retain(|_, count| *count != Felt::ZERO);
                row[column] = Felt::ZERO;
                // Rows of the limb table do not have every message.
                assert!(changed.len() == 1 || changed.is_empty() && kind == ChipKind::Limbs);
                let (message, count) = changed.pop_first()?;
                assert_eq!(count, Felt::ONE);
                Some((column, message))
            })
            .collect()
    }

    /// Chooses the multiplicities of all facts, steps, inputs and program entries so that as many messages as possible
    /// balance.
    pub(crate) fn rebalance(&mut self) {
        let mut open: BTreeMap<Message, Felt> = self.findings().unbalanced.into_iter().collect();
        for kind in ChipKind::ALL {
            for at in self.rows(kind) {
                if kind.ordered() && self.row(at)[0] != Felt::ONE {
                    continue;
                }
                for (column, message) in self.provided(at) {
                    if let Some(sum) = open.remove(&message) {
                        self.row_mut(at)[column] -= sum;
                    }
                }
            }
        }
    }

    /// Makes everyone who reads the cell (frame, id) read `value`, and carries on with what is computed from it, to the public
    /// outputs.
    pub(crate) fn poison(&mut self, frame: Felt, id: u32, value: Felt) {
        let mut pending = vec![(frame, Felt::from_u32(id), value)];
        while let Some((frame, id, value)) = pending.pop() {
            if frame == Felt::ZERO {
                for (first, base) in [(INPUT, 0), (OUTPUT, STACK_SIZE)] {
                    for j in 0..STACK_SIZE {
                        if id == Felt::from_u32(first) + Felt::from_usize(j) {
                            self.public[base + j] = value;
                        }
                    }
                }
            }
            for table in &mut self.tables {
                let kind = table.kind;
                for row in table.trace.values.chunks_exact_mut(kind.width()) {
                    poison_row(kind, row, frame, id, value, &mut pending);
                }
            }
        }
    }
}

type Cell = (Felt, Felt, Felt);

/// A field instruction's part: its result, if that changes.
fn poison_lane(lane: &mut arith::Lane<Felt>, id: Felt, value: Felt) -> Option<Felt> {
    if lane.a_id == id {
        lane.a = value;
    }
    if lane.b_id == id && lane.s != Felt::TWO {
        lane.b = value;
    }
    let c = (Felt::ONE - lane.s) * lane.a * lane.b + lane.s * lane.a + lane.w * lane.b;
    (c != lane.c).then(|| {
        lane.c = c;
        c
    })
}

/// One row's part of [`Forged::poison`]; cells that change because of it are added to `pending`.
fn poison_row(
    kind: ChipKind,
    row: &mut [Felt],
    frame: Felt,
    id: Felt,
    value: Felt,
    pending: &mut Vec<Cell>,
) {
    match kind {
        // Attacks on memory, trees and messages change their rows themselves.
        ChipKind::Tree
        | ChipKind::Sum
        | ChipKind::Absorb
        | ChipKind::Node
        | ChipKind::Change
        | ChipKind::Boundary
        | ChipKind::Program
        | ChipKind::Limbs
        | ChipKind::MemoryElement
        | ChipKind::Clock
        | ChipKind::Addresses => {}
        ChipKind::Arith => {
            for bundle in &mut arith::Cols::of_mut(row).bundles {
                for (j, lane) in bundle.lanes.iter_mut().enumerate() {
                    if bundle.fp == frame
                        && let Some(c) = poison_lane(lane, id, value)
                    {
                        pending.push((frame, bundle.id + Felt::from_usize(j), c));
                    }
                }
            }
        }
        ChipKind::Single => {
            for cols in &mut single::Cols::of_mut(row).instructions {
                if cols.fp == frame
                    && let Some(c) = poison_lane(&mut cols.lane, id, value)
                {
                    pending.push((frame, cols.id, c));
                }
            }
        }
        ChipKind::Inverse => {
            for bundle in &mut inverse::Cols::of_mut(row).bundles {
                for (j, lane) in bundle.lanes.iter_mut().enumerate() {
                    if bundle.fp == frame && lane.a_id == id {
                        lane.a = value;
                        let d = value - lane.k;
                        lane.hint = d.try_inverse().unwrap_or(lane.hint);
                        let out = if lane.inv == Felt::ONE {
                            lane.hint
                        } else {
                            Felt::from_bool(d == Felt::ZERO)
                        };
                        if out != lane.out {
                            lane.out = out;
                            pending.push((frame, bundle.id + Felt::from_usize(j), out));
                        }
                    }
                }
            }
        }
        ChipKind::Copy => {
            let cols = copy::Cols::of_mut(row);
            if cols.fp == frame && cols.key == id {
                cols.y = value;
            }
            for (j, lane) in cols.lanes.iter_mut().enumerate() {
                if cols.from == frame && lane.src == id && lane.value != value {
                    lane.value = value;
                    pending.push((cols.to, cols.base + Felt::from_usize(j), value));
                }
            }
        }
        // Words are not poisoned, but what opens a gate is an element.
        ChipKind::WordCopy => {
            let cols = word_copy::Cols::of_mut(row);
            if cols.fp == frame && cols.key == id {
                cols.y = value;
            }
        }
        ChipKind::Pack | ChipKind::Unpack | ChipKind::Rpo | ChipKind::Advice => {}
        ChipKind::Frame => {
            let cols = frame::Cols::of_mut(row);
            if cols.real != Felt::ONE || cols.fp != frame {
                return;
            }
            for j in 0..cols.params.len() {
                if cols.params[j].src == id && cols.params[j].value != value {
                    cols.params[j].value = value;
                    let step = if j == 0 { cols.step } else { Felt::ZERO };
                    let target = u32::try_from(int(cols.target)).expect("a pc");
                    pending.push((cols.clk, Felt::from_u32(param(target, j)), value + step));
                    if j == 0 && cols.test == Felt::ONE {
                        cols.inv = (value + step).try_inverse().unwrap_or(Felt::ZERO);
                    }
                }
            }
        }
        ChipKind::Leave => {
            let cols = leave::Cols::of_mut(row);
            if cols.real == Felt::ONE
                && cols.fp == frame
                && cols.test == Felt::ONE
                && cols.src == id
            {
                cols.value = value;
                if cols.nonzero == Felt::ONE {
                    cols.inv = (value + cols.step).try_inverse().unwrap_or(Felt::ZERO);
                }
            }
        }
        ChipKind::Assert => {
            let cols = assert::Cols::of_mut(row);
            if cols.real == Felt::ONE && cols.fp == frame {
                for slot in &mut cols.slots {
                    if slot.is_cell == Felt::ONE && slot.id == id {
                        slot.value = value;
                    }
                }
            }
        }
        _ => unreachable!("the poisoned programs have no {kind:?} rows"),
    }
}

/// The attack fails, and only because these messages do not balance.
#[track_caller]
pub(crate) fn stopped_by_bus(forged: &Forged, expected: &[(Message, i64)]) {
    let findings = forged.findings();
    assert_eq!(findings.constraints(), []);
    let expected: BTreeMap<Message, Felt> = expected.iter().map(|&(m, n)| (m, felt(n))).collect();
    let found: BTreeMap<Message, Felt> = findings.unbalanced.into_iter().collect();
    assert_eq!(found, expected);
}

/// The attack fails, and only because of this constraint.
#[track_caller]
pub(crate) fn stopped_by(forged: &Forged, kind: ChipKind, constraint: &str) {
    let findings = forged.findings();
    assert_eq!(findings.constraints(), [(kind, constraint)]);
    assert_eq!(findings.unbalanced, []);
}
