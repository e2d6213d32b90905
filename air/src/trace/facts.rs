//! Rows of facts.

use p3_field::PrimeCharacteristicRing;
use plica_field::Felt;
use rayon::prelude::*;

use super::instances::Fact;
use super::row::FactRow;
use super::{Generator, Table, chunks, rows};
use crate::chip::ChipKind;
use crate::chips::{
    arith, bit_length, bits, bitwise, copy, ext3, inverse, pack, power, rpo, rpo_compact, single,
    u32_add, u32_check, u32_div, u32_mul, u32_shift, unpack, word_copy,
};
use crate::code::{
    ArithOp, CopyEntry, CopyKind, Entry, MAX_COMPONENTS, MAX_RESULTS, Operand, Type,
};
use crate::record::Frame;

impl Generator<'_> {
    pub(super) fn facts(&self, kind: ChipKind, facts: &[Fact], heights: &[usize]) -> Vec<Table> {
        let Some(last) = facts.last() else {
            return Vec::new();
        };
        let per_row = kind.per_row();
        let mut done = 0;
        heights
            .iter()
            .map(|&height| {
                let rest = &facts[done.min(facts.len())..];
                done += height * per_row;
                let mut trace = rows(kind, height, |r, row| {
                    for j in 0..per_row {
                        let fact = rest.get(r * per_row + j);
                        self.fill_fact(kind, row, j, fact.unwrap_or(last), fact.is_some());
                    }
                });
                let fill_hints: fn(&mut [Felt]) = match kind {
                    ChipKind::Inverse => inverse::fill_hints::<{ inverse::BUNDLES }>,
                    ChipKind::InverseNarrow => inverse::fill_hints::<{ inverse::narrow::PER_ROW }>,
                    ChipKind::U32Mul => u32_mul::fill_hints::<{ u32_mul::FACTS }>,
                    ChipKind::U32MulNarrow => u32_mul::fill_hints::<{ u32_mul::narrow::PER_ROW }>,
                    ChipKind::Rpo => rpo::fill_rounds,
                    ChipKind::RpoCompact => rpo_compact::fill_rounds,
                    _ => |_| {},
                };
                chunks(&mut trace.values, kind.width()).for_each(fill_hints);
                Table { kind, trace }
            })
            .collect()
    }

    /// Fills place `j` of a row of facts.
    pub(super) fn fill_fact(
        &self,
        kind: ChipKind,
        row: &mut [Felt],
        j: usize,
        fact: &Fact,
        real: bool,
    ) {
        let limbs = &self.limbs;
        match kind {
            ChipKind::Arith => {
                self.arith_row(&mut arith::Cols::of_mut(row).bundles[j], fact, real);
            }
            ChipKind::ArithNarrow => {
                let cols = &mut arith::narrow::Cols::of_mut(row).bundles[j];
                self.arith_row(cols, fact, real);
            }
            ChipKind::Inverse => {
                self.inverse_row(&mut inverse::Cols::of_mut(row).bundles[j], fact, real);
            }
            ChipKind::InverseNarrow => {
                let cols = &mut inverse::narrow::Cols::of_mut(row).bundles[j];
                self.inverse_row(cols, fact, real);
            }
            ChipKind::Single => {
                let cols = &mut single::Cols::of_mut(row).instructions[j];
                self.single_row(cols, fact, real);
            }
            ChipKind::SingleNarrow => {
                let cols = &mut single::narrow::Cols::of_mut(row).instructions[j];
                self.single_row(cols, fact, real);
            }
            ChipKind::Copy => self.copy_row(copy::Cols::of_mut(row), fact, real),
            ChipKind::WordCopy => {
                self.word_copy_row(word_copy::Cols::of_mut(row), fact, real);
            }
            ChipKind::U32Check => self.fact_row(fact, real, |values| {
                u32_check::fill(&mut u32_check::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::U32CheckNarrow => self.fact_row(fact, real, |values| {
                u32_check::fill(
                    &mut u32_check::narrow::Cols::of_mut(row).facts[j],
                    values,
                    limbs,
                );
            }),
            ChipKind::U32Add => self.fact_row(fact, real, |values| {
                u32_add::fill(&mut u32_add::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::U32AddNarrow => self.fact_row(fact, real, |values| {
                u32_add::fill(
                    &mut u32_add::narrow::Cols::of_mut(row).facts[j],
                    values,
                    limbs,
                );
            }),
            ChipKind::U32Mul => self.fact_row(fact, real, |values| {
                u32_mul::fill(&mut u32_mul::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::U32MulNarrow => self.fact_row(fact, real, |values| {
                u32_mul::fill(
                    &mut u32_mul::narrow::Cols::of_mut(row).facts[j],
                    values,
                    limbs,
                );
            }),
            ChipKind::U32Div => self.fact_row(fact, real, |values| {
                u32_div::fill(&mut u32_div::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::U32DivNarrow => self.fact_row(fact, real, |values| {
                u32_div::fill(
                    &mut u32_div::narrow::Cols::of_mut(row).facts[j],
                    values,
                    limbs,
                );
            }),
            ChipKind::U32Shift => self.fact_row(fact, real, |values| {
                u32_shift::fill(&mut u32_shift::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::U32ShiftNarrow => self.fact_row(fact, real, |values| {
                u32_shift::fill(
                    &mut u32_shift::narrow::Cols::of_mut(row).facts[j],
                    values,
                    limbs,
                );
            }),
            ChipKind::Bitwise => self.fact_row(fact, real, |values| {
                bitwise::fill(&mut bitwise::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::BitwiseNarrow => self.fact_row(fact, real, |values| {
                bitwise::fill(
                    &mut bitwise::narrow::Cols::of_mut(row).facts[j],
                    values,
                    limbs,
                );
            }),
            ChipKind::Power => self.fact_row(fact, real, |values| {
                power::fill(&mut power::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::PowerNarrow => self.fact_row(fact, real, |values| {
                power::fill(
                    &mut power::narrow::Cols::of_mut(row).facts[j],
                    values,
                    limbs,
                );
            }),
            ChipKind::BitLength => self.fact_row(fact, real, |values| {
                bit_length::fill(&mut bit_length::Cols::of_mut(row).facts[j], values, limbs);
            }),
            ChipKind::BitLengthNarrow => self.fact_row(fact, real, |values| {
                bit_length::fill(
                    &mut bit_length::narrow::Cols::of_mut(row).facts[j],
                    values,
                    limbs,
                );
            }),
            ChipKind::Bits => self.fact_row(fact, real, |values| {
                bits::fill(&mut bits::Cols::of_mut(row).facts[j], values);
            }),
            ChipKind::Pack => self.fact_row(fact, real, |values| {
                pack::fill(&mut pack::Cols::of_mut(row).facts[j], values);
            }),
            ChipKind::PackNarrow => self.fact_row(fact, real, |values| {
                pack::fill(&mut pack::narrow::Cols::of_mut(row).facts[j], values);
            }),
            ChipKind::Unpack => self.fact_row(fact, real, |values| {
                unpack::fill(&mut unpack::Cols::of_mut(row).facts[j], values);
            }),
            ChipKind::UnpackNarrow => self.fact_row(fact, real, |values| {
                unpack::fill(&mut unpack::narrow::Cols::of_mut(row).facts[j], values);
            }),
            ChipKind::Ext3 => self.fact_row(fact, real, |values| {
                ext3::fill(&mut ext3::Cols::of_mut(row).facts[j], values);
            }),
            ChipKind::Ext3Narrow => self.fact_row(fact, real, |values| {
                ext3::fill(&mut ext3::narrow::Cols::of_mut(row).facts[j], values);
            }),
            ChipKind::Rpo => self.fact_row(fact, real, |values| {
                rpo::fill(rpo::Cols::of_mut(row), values);
            }),
            ChipKind::RpoCompact => self.fact_row(fact, real, |values| {
                rpo_compact::fill(rpo_compact::Cols::of_mut(row), values);
            }),
            ChipKind::Boundary
            | ChipKind::Program
            | ChipKind::Limbs
            | ChipKind::Frame
            | ChipKind::Leave
            | ChipKind::Assert
            | ChipKind::MemoryElement
            | ChipKind::MemoryWord
            | ChipKind::Advice
            | ChipKind::Tree
            | ChipKind::Node
            | ChipKind::NodeCompact
            | ChipKind::Change
            | ChipKind::Sum
            | ChipKind::Absorb
            | ChipKind::AbsorbCompact
            | ChipKind::Clock
            | ChipKind::Addresses => unreachable!("{kind:?} has no facts"),
        }
    }

    /// Collects what a row of a [`FactEntry`] says.
    pub(super) fn fact_row(&self, fact: &Fact, real: bool, fill: impl FnOnce(&FactRow<'_>)) {
        let Entry::Fact(entry) = &self.program.entries[fact.entry as usize] else {
            unreachable!("chips of facts have their own entries")
        };
        let frame = self.frame(fact.frame);
        let typed = &self.program.entries[fact.entry as usize];
        let [results, mults] = self.results(frame, typed, real);
        fill(&FactRow {
            fp: Felt::from_u64(frame.name),
            entry,
            operands: self.operands(frame, typed),
            results: &results,
            mults: &mults[..entry.op.signature().results.len()],
        });
    }

    /// The components of a cell of the frame.
    pub(super) fn components(&self, frame: &Frame, id: u32, ty: Type) -> &[Felt] {
        let start = self.position(frame, id);
        &self.execution.values[start..start + ty.components()]
    }

    /// Operands of a fact or effect, one element after the other.
    pub(super) fn operands(&self, frame: &Frame, entry: &Entry) -> [Felt; MAX_COMPONENTS] {
        let mut values = [Felt::ZERO; MAX_COMPONENTS];
        let mut at = 0;
        for (operand, ty) in entry.typed_operands().into_iter().flatten() {
            match operand {
                Operand::Cell(id) => {
                    let value = self.components(frame, id, ty);
                    values[at..at + ty.components()].copy_from_slice(value);
                }
                Operand::Imm(value) => values[at] = value,
            }
            at += ty.components();
        }
        values
    }

    /// Results of a fact or effect, one element after the other, and how often each is read.
    pub(super) fn results(
        &self,
        frame: &Frame,
        entry: &Entry,
        real: bool,
    ) -> [[Felt; MAX_RESULTS]; 2] {
        let mut values = [Felt::ZERO; MAX_RESULTS];
        let mut mults = [Felt::ZERO; MAX_RESULTS];
        let mut at = 0;
        for (k, (id, ty)) in entry.typed_results().into_iter().flatten().enumerate() {
            let value = self.components(frame, id, ty);
            values[at..at + ty.components()].copy_from_slice(value);
            at += ty.components();
            mults[k] = self.mult_if(real, frame, id);
        }
        [values, mults]
    }

    pub(super) fn mult_if(&self, real: bool, frame: &Frame, id: u32) -> Felt {
        if real {
            self.mult(frame, id)
        } else {
            Felt::ZERO
        }
    }

    pub(super) fn arith_row(&self, cols: &mut arith::Bundle<Felt>, fact: &Fact, real: bool) {
        let Entry::Arith(entry) = &self.program.entries[fact.entry as usize] else {
            unreachable!()
        };
        let frame = self.frame(fact.frame);
        let values =
            std::array::from_fn(|j| self.arith_values(frame, entry.ops[j], entry.id + j as u32));
        let mults = std::array::from_fn(|j| self.mult_if(real, frame, entry.id + j as u32));
        arith::fill(cols, Felt::from_u64(frame.name), entry, values, mults);
    }

    pub(super) fn single_row(&self, cols: &mut single::Instruction<Felt>, fact: &Fact, real: bool) {
        let Entry::Single(entry) = &self.program.entries[fact.entry as usize] else {
            unreachable!()
        };
        let frame = self.frame(fact.frame);
        let values = self.arith_values(frame, entry.op, entry.id);
        let mult = self.mult_if(real, frame, entry.id);
        single::fill(cols, Felt::from_u64(frame.name), entry, values, mult);
    }

    /// Operands and result of a field instruction.
    pub(super) fn arith_values(&self, frame: &Frame, op: ArithOp, id: u32) -> [Felt; 3] {
        [
            self.value(frame, op.a()),
            self.operand(frame, op.b()),
            self.value(frame, id),
        ]
    }

    pub(super) fn inverse_row(&self, cols: &mut inverse::Bundle<Felt>, fact: &Fact, real: bool) {
        let Entry::Inverse(entry) = &self.program.entries[fact.entry as usize] else {
            unreachable!()
        };
        let frame = self.frame(fact.frame);
        let values = std::array::from_fn(|j| {
            [
                self.value(frame, entry.ops[j].a),
                self.value(frame, entry.id + j as u32),
            ]
        });
        let mults = std::array::from_fn(|j| self.mult_if(real, frame, entry.id + j as u32));
        inverse::fill(cols, Felt::from_u64(frame.name), entry, values, mults);
    }

    /// The entry of a copy, the frames that it reads and writes, and the value of its key.
    pub(super) fn route(&self, fact: &Fact) -> (&CopyEntry, &Frame, &Frame, Felt) {
        let Entry::Copy(entry) = &self.program.entries[fact.entry as usize] else {
            unreachable!()
        };
        let frame = self.frame(fact.frame);
        let (from, to, y) = match entry.kind {
            CopyKind::Pull => {
                let other = self.linked(frame, entry.key);
                (other, frame, Felt::from_u64(other.name))
            }
            CopyKind::Push => {
                let other = self.linked(frame, entry.key);
                (frame, other, Felt::from_u64(other.name))
            }
            CopyKind::Gate { .. } => (frame, frame, self.value(frame, entry.key)),
        };
        (entry, from, to, y)
    }

    pub(super) fn copy_row(&self, cols: &mut copy::Cols<Felt>, fact: &Fact, real: bool) {
        let fp = Felt::from_u64(self.frame(fact.frame).name);
        let (entry, from, to, y) = self.route(fact);
        let values = entry.src.map(|src| self.value(from, src));
        let mults = std::array::from_fn(|j| self.mult_if(real, to, entry.base + j as u32));
        copy::fill(cols, fp, y, entry, values, mults);
    }

    pub(super) fn word_copy_row(&self, cols: &mut word_copy::Cols<Felt>, fact: &Fact, real: bool) {
        let fp = Felt::from_u64(self.frame(fact.frame).name);
        let (entry, from, to, y) = self.route(fact);
        let start = self.position(from, entry.src[0]);
        let value = std::array::from_fn(|j| self.execution.values[start + j]);
        let mult = self.mult_if(real, to, entry.base);
        word_copy::fill(cols, fp, y, entry, value, mult);
    }
}
