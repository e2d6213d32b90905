//! What code costs, in cells: the estimate behind unrolling and inlining.
//!
//! The constants follow the cell table of the chips (`docs/chips.md`); they steer decisions and carry no soundness.

use plica_air::code::{Class, EffectOp, FactOp};

use super::{End, Ir, PureOp, RegionId, Stmt};

/// Cells per field instruction.
const ARITH: f64 = 16.5;
const INVERSE: f64 = 14.0;
const COPY_ROW: f64 = 45.0;
const FRAME_ROW: f64 = 54.0;
const LEAVE_ROW: f64 = 33.0;
const ASSERT_ROW: f64 = 39.0;
/// Cells of a row of the program table, preprocessed columns included.
const PROGRAM_ROW: f64 = 23.0;
/// Parameters that fit a frame row beside the tested one.
pub(super) const PARAMS_IN_ROW: usize = 3;

/// Cells of one pass through a piece of code, and of its entries in the program table.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Weight {
    pub(super) run: f64,
    pub(super) table: f64,
    /// Statements, as a measure of the work of compiling it.
    pub(super) stmts: f64,
}

impl Weight {
    fn add(&mut self, run: f64, table: f64) {
        self.run += run;
        self.table += table;
        self.stmts += 1.0;
    }
}

/// Cells of the row that opens a frame with `values` parameters beside the tested one, overflow copies included.
pub(super) fn opening(values: usize) -> f64 {
    FRAME_ROW + COPY_ROW * values.saturating_sub(PARAMS_IN_ROW).div_ceil(4) as f64
}

/// From here on a region runs often enough to pay for one more table in the proof. In the profile `fast` a table costs about
/// 100 kB of opened values (73 per query), whatever its height; an instruction in the chip for single ones saves 15 cells per run.
const OFTEN: u64 = 1 << 12;

/// What is assumed of a loop whose trip count is not known, where something must be.
const UNKNOWN_TRIPS: u64 = 8;

/// Entries of a loop besides its body.
pub(super) const LOOP_TABLE: f64 = 6.0 * PROGRAM_ROW;

/// Cells of a call and return with `results` results.
pub(super) fn call(params: usize, results: usize) -> f64 {
    opening(params) + LEAVE_ROW + COPY_ROW * results.div_ceil(4) as f64
}

/// Cells per instruction of the chips of facts.
const fn fact(op: FactOp) -> f64 {
    match op.class() {
        Class::U32Check => 18.25,
        Class::U32Add | Class::BitLength => 28.25,
        Class::U32Mul => 39.25,
        Class::U32Div => 40.25,
        Class::U32Shift => 29.75,
        Class::Bitwise => 43.25,
        Class::Power => 14.25,
        Class::Bits => 131.0,
        Class::Pack => 26.25,
        Class::Unpack => 22.25,
        Class::Ext3 => 27.25,
        Class::Rpo => 294.0,
        // Not of these chips.
        Class::Arith
        | Class::Inverse
        | Class::Copy
        | Class::Frame
        | Class::Leave
        | Class::Assert
        | Class::Single
        | Class::MemoryElement
        | Class::MemoryWord
        | Class::Advice
        | Class::Tree
        | Class::Sum
        | Class::Clock
        | Class::WordCopy => 0.0,
    }
}

/// Cells per ordered instruction.
const fn effect(op: EffectOp) -> f64 {
    match op.class() {
        Class::MemoryElement => 43.0,
        Class::MemoryWord => 46.0,
        Class::Advice => 35.0,
        // With the nodes of a path of some length, if no other one has them.
        Class::Tree => 59.0 + 16.0 * 268.0,
        // With the rows of a message of some length.
        Class::Sum => 60.0 + 8.0 * 292.0,
        Class::Clock => 18.0,
        _ => 0.0,
    }
}

impl Ir {
    pub(super) fn weigh(&self, stmts: &[Stmt]) -> Weight {
        let mut total = Weight::default();
        for stmt in stmts {
            match stmt {
                Stmt::Op { op, .. } => {
                    let cells = match op {
                        PureOp::Product { .. } | PureOp::Sum { .. } | PureOp::Affine { .. } => {
                            ARITH
                        }
                        PureOp::IsZero { .. } | PureOp::Invert { .. } => INVERSE,
                    };
                    total.add(cells, PROGRAM_ROW / 2.0);
                }
                Stmt::Fact { op, .. } => total.add(fact(*op), PROGRAM_ROW),
                Stmt::Effect { op, .. } => total.add(effect(*op), PROGRAM_ROW),
                Stmt::Host { .. } => total.add(0.0, 0.0),
                Stmt::Assert { .. } => total.add(ASSERT_ROW, PROGRAM_ROW),
                Stmt::If {
                    then,
                    otherwise,
                    joins,
                    ..
                } => {
                    let (t, o) = (self.weigh(then), self.weigh(otherwise));
                    let gates = joins.len().div_ceil(4) as f64;
                    total.add(
                        (t.run + o.run) / 2.0 + gates * COPY_ROW,
                        t.table + o.table + 2.0 * gates * PROGRAM_ROW,
                    );
                    total.stmts += t.stmts + o.stmts;
                }
                Stmt::Loop {
                    region, results, ..
                } => {
                    let body = self.weigh_region(*region);
                    let r = self.region(*region);
                    let trips = r.trip_count.unwrap_or(UNKNOWN_TRIPS) as f64;
                    let pulls = results.len().div_ceil(4) as f64;
                    total.add(
                        trips * (body.run + opening(r.params.len())) + pulls * COPY_ROW,
                        body.table + LOOP_TABLE + pulls * PROGRAM_ROW,
                    );
                    total.stmts += body.stmts;
                }
                Stmt::Call {
                    region, results, ..
                } => {
                    // The callee's own entries are shared by all calls.
                    let body = self.weigh_region(*region);
                    let params = self.region(*region).params.len();
                    total.add(body.run + call(params, results.len()), 3.0 * PROGRAM_ROW);
                }
            }
        }
        total
    }

    /// By region: does it run often? That is an upper estimate from the trip counts of the loops around it and around the
    /// calls of it, with both sides of each `if` taken. A loop whose trip count is not known counts as running often, but not in a verifier
    /// of proofs: its loops follow tables and layers, and whoever verifies its own proof pays for each table many times.
    pub(crate) fn runs_often(&self) -> Vec<bool> {
        let unknown = if self.sums_messages() {
            UNKNOWN_TRIPS
        } else {
            OFTEN
        };
        let mut runs = vec![0u64; self.regions.len()];
        runs[self.root().index()] = 1;
        // Callees and loop bodies come before those who enter them.
        for r in (0..self.regions.len()).rev() {
            let own = runs[r];
            let mut pending = vec![self.regions[r].body.as_slice()];
            while let Some(stmts) = pending.pop() {
                for stmt in stmts {
                    let (region, times) = match stmt {
                        Stmt::If {
                            then, otherwise, ..
                        } => {
                            pending.extend([then.as_slice(), otherwise.as_slice()]);
                            continue;
                        }
                        Stmt::Loop { region, .. } => {
                            (region, self.region(*region).trip_count.unwrap_or(unknown))
                        }
                        Stmt::Call { region, .. } => (region, 1),
                        Stmt::Op { .. }
                        | Stmt::Fact { .. }
                        | Stmt::Effect { .. }
                        | Stmt::Host { .. }
                        | Stmt::Assert { .. } => continue,
                    };
                    let runs = &mut runs[region.index()];
                    *runs = runs.saturating_add(own.saturating_mul(times));
                }
            }
        }
        runs.into_iter().map(|runs| runs >= OFTEN).collect()
    }

    /// Whether any code sums over messages, as verifiers of proofs do.
    fn sums_messages(&self) -> bool {
        let mut pending: Vec<&[Stmt]> = self.regions.iter().map(|r| r.body.as_slice()).collect();
        while let Some(stmts) = pending.pop() {
            for stmt in stmts {
                match stmt {
                    Stmt::Effect { op, .. } if *op == EffectOp::SumPreimage => return true,
                    Stmt::If {
                        then, otherwise, ..
                    } => pending.extend([then.as_slice(), otherwise.as_slice()]),
                    _ => {}
                }
            }
        }
        false
    }

    pub(super) fn weigh_region(&self, region: RegionId) -> Weight {
        debug_assert!(!matches!(self.region(region).end, End::Root { .. }));
        self.weigh(&self.region(region).body)
    }
}
