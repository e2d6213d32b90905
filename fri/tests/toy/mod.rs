//! A toy machine: a state (clk, s) walks from s = p0 to s = p1.
//!
//! Kinds: `program` (preprocessed pairs x, x²; provides them), `boundary` (one row; starts and ends the walk at the public
//! values), `square` (steps s → s + x², x² looked up) and `double` (steps s → 2s).

#![allow(dead_code, unreachable_pub, missing_docs)]

use std::sync::Arc;

use p3_air::{Air, AirBuilder, BaseAir, WindowAccess};
use p3_field::{PrimeCharacteristicRing, TwoAdicField};
use p3_lookup::{Count, InteractionBuilder, LookupBus, PermutationCheckBus};
use plica_fri::*;

const TABLE: LookupBus<'static> = LookupBus::new("table");
const STATE: PermutationCheckBus<'static> = PermutationCheckBus::new("state");

pub const PROGRAM: usize = 0;
pub const BOUNDARY: usize = 1;
pub const SQUARE: usize = 2;
pub const DOUBLE: usize = 3;
/// Of the machine with optional tables only.
pub const MORE: usize = 4;

#[derive(Clone)]
pub enum Toy {
    Program(Option<Arc<Matrix>>),
    Boundary(Option<Arc<Matrix>>),
    Square,
    Double,
    /// A table of many columns, half of its interactions sent and half received.
    Wide,
    /// Breaks the rule of one width per bus.
    Narrow,
    /// Constraints of degree 6.
    Steep,
    /// The same, with a preprocessed column.
    SteepTable,
    /// A row selector inside an interaction.
    Selector,
    /// Fibonacci numbers: the first two and the last one are public values.
    Sequence,
    /// Powers of an element of order 32, around the end: x′ = g·x on every row, and x is not zero.
    Cycle,
    /// Looks the next row up, on every row.
    Ahead,
}

/// The parts of a batch proof.
pub fn batch_parts(proof: Proof) -> (ProfileId, InstanceList, BatchProof) {
    match proof.into_parts() {
        (profile, instances, ProofBody::Batch(batch)) => (profile, instances, batch),
        _ => panic!("not a batch proof"),
    }
}

pub const WIDE_COLUMNS: usize = 40;
pub const WIDE_INTERACTIONS: usize = 12;

impl BaseAir<Felt> for Toy {
    fn width(&self) -> usize {
        match self {
            Self::Program(_)
            | Self::Boundary(_)
            | Self::Narrow
            | Self::Steep
            | Self::SteepTable
            | Self::Selector => 1,
            Self::Sequence | Self::Cycle | Self::Ahead => 2,
            Self::Square => 5,
            Self::Double => 3,
            Self::Wide => WIDE_COLUMNS,
        }
    }

    fn preprocessed_width(&self) -> usize {
        match self {
            Self::Program(_) => 2,
            Self::Boundary(_) | Self::SteepTable => 1,
            _ => 0,
        }
    }

    fn preprocessed_trace(&self) -> Option<Matrix> {
        match self {
            Self::Program(trace) | Self::Boundary(trace) => Some(
                trace
                    .as_ref()
                    .expect("only p3's prover asks")
                    .as_ref()
                    .clone(),
            ),
            _ => None,
        }
    }

    fn num_public_values(&self) -> usize {
        match self {
            Self::Boundary(_) => 2,
            Self::Sequence => 3,
            _ => 0,
        }
    }

    fn main_next_row_columns(&self) -> Vec<usize> {
        match self {
            Self::Sequence | Self::Ahead => vec![0, 1],
            Self::Cycle => vec![0],
            _ => vec![],
        }
    }

    fn preprocessed_next_row_columns(&self) -> Vec<usize> {
        vec![]
    }
}

impl<AB: AirBuilder<F = Felt> + InteractionBuilder> Air<AB> for Toy {
    fn eval(&self, builder: &mut AB) {
        let main = builder.main();
        let col = |i: usize| -> AB::Expr { main.current(i).expect("in range").into() };
        let next = |i: usize| -> AB::Expr { main.next(i).expect("in range").into() };
        match self {
            Self::Program(_) => {
                let pre = builder.preprocessed().clone();
                let pre = |i: usize| -> AB::Expr { pre.current(i).expect("in range").into() };
                TABLE.table_entry(builder, [pre(0), pre(1)], col(0));
            }
            Self::Boundary(_) => {
                let public: Vec<AB::Expr> =
                    builder.public_values().iter().map(|&p| p.into()).collect();
                let pre = builder.preprocessed().clone();
                let first: AB::Expr = pre.current(0).expect("in range").into();
                STATE.send(builder, [first, public[0].clone()], 1);
                STATE.receive(builder, [col(0), public[1].clone()], 1);
            }
            Self::Square => {
                let [real, clk, s, x, y] = core::array::from_fn(col);
                builder.assert_bool(real.clone());
                builder.assert_zero(real.clone() * (x.clone() * x.clone() - y.clone()));
                TABLE.lookup_key(builder, [x, y.clone()], Count::bounded(real.clone(), 1));
                STATE.receive(
                    builder,
                    [clk.clone(), s.clone()],
                    Count::bounded(real.clone(), 1),
                );
                STATE.send(
                    builder,
                    [clk + AB::Expr::ONE, s + y],
                    Count::bounded(real, 1),
                );
            }
            Self::Double => {
                let [real, clk, s] = core::array::from_fn(col);
                builder.assert_bool(real.clone());
                STATE.receive(
                    builder,
                    [clk.clone(), s.clone()],
                    Count::bounded(real.clone(), 1),
                );
                STATE.send(
                    builder,
                    [clk + AB::Expr::ONE, s.double()],
                    Count::bounded(real, 1),
                );
            }
            Self::Wide => {
                let bus = PermutationCheckBus::new("wide");
                for i in 0..WIDE_INTERACTIONS {
                    let tuple: [AB::Expr; 6] =
                        core::array::from_fn(|j| col(((i / 2) * 6 + j) % WIDE_COLUMNS));
                    if i % 2 == 0 {
                        bus.send(builder, tuple, 1);
                    } else {
                        bus.receive(builder, tuple, 1);
                    }
                }
                for i in 0..WIDE_COLUMNS - 2 {
                    builder.assert_zero(col(i + 2) - col(i + 1) * col(i) * col(i));
                }
            }
            Self::Narrow => TABLE.lookup_key(builder, [col(0)], 1),
            Self::Selector => {
                let first = builder.is_first_row();
                TABLE.lookup_key(builder, [first, col(0)], 1);
            }
            Self::Sequence => {
                let public: Vec<AB::Expr> =
                    builder.public_values().iter().map(|&p| p.into()).collect();
                let [a, b, last] = [0, 1, 2].map(|i| public[i].clone());
                builder.when_first_row().assert_eq(col(0), a);
                builder.when_first_row().assert_eq(col(1), b);
                builder.when_transition().assert_eq(next(0), col(1));
                builder
                    .when_transition()
                    .assert_eq(next(1), col(0) + col(1));
                builder.when_last_row().assert_eq(col(1), last);
            }
            Self::Cycle => {
                let step = <Felt as TwoAdicField>::two_adic_generator(5);
                builder.assert_eq(next(0), col(0) * AB::Expr::from(step));
                builder.assert_one(col(0) * col(1));
            }
            Self::Ahead => TABLE.lookup_key(builder, [next(0), next(1)], 1),
            Self::Steep | Self::SteepTable => builder.assert_zero(col(0).exp_u64(6)),
        }
    }
}

impl Toy {
    /// This AIR with its preprocessed columns, as p3's own prover wants it.
    pub fn with_preprocessed(&self, trace: &Matrix) -> Self {
        match self {
            Self::Program(_) => Self::Program(Some(Arc::new(trace.clone()))),
            Self::Boundary(_) => Self::Boundary(Some(Arc::new(trace.clone()))),
            other => other.clone(),
        }
    }
}

pub fn kind(name: &'static str, table: Toy, presence: Presence, ordered: bool) -> Kind<Toy> {
    Kind {
        name,
        table,
        presence,
        ordered,
        twin: None,
        few_columns: false,
    }
}

pub fn kinds() -> Vec<Kind<Toy>> {
    vec![
        kind("program", Toy::Program(None), Presence::Pinned, false),
        kind("boundary", Toy::Boundary(None), Presence::Pinned, false),
        kind(
            "square",
            Toy::Square,
            Presence::Dynamic { max_instances: 3 },
            true,
        ),
        kind(
            "double",
            Toy::Double,
            Presence::Dynamic { max_instances: 1 },
            true,
        ),
    ]
}

pub fn toy() -> Arc<AirSet<Toy>> {
    Arc::new(AirSet::new(kinds()).expect("a machine"))
}

fn matrix(rows: Vec<Vec<u64>>, width: usize) -> Matrix {
    Matrix::new(rows.into_iter().flatten().map(Felt::new).collect(), width)
}

/// Squares of `first`, `first` + 1, … (8 of them).
fn squares(first: u64) -> Matrix {
    matrix((first..first + 8).map(|x| vec![x, x * x]).collect(), 2)
}

/// The program: squares of `first`, `first` + 1, …; and the boundary's first clock.
pub fn program(first: u64) -> Vec<Option<Matrix>> {
    vec![Some(squares(first)), Some(matrix(vec![vec![1]], 1))]
}

/// A walk, and its filled tables.
pub struct Run {
    pub public: Vec<Felt>,
    pub traces: Vec<Trace>,
}

/// `instances`: the rows of each `square` table, all real but the last one's last; `doubles`: rows of `double`, if any.
pub fn run(first: u64, squares: &[usize], doubles: Option<usize>) -> Run {
    let mut state = 3u64;
    let mut clk = 1u64;
    let mut counts = [0u64; 8];
    let mut traces = vec![];
    for (i, &rows) in squares.iter().enumerate() {
        let real = if i + 1 == squares.len() && rows > 1 {
            rows - 1
        } else {
            rows
        };
        let mut out = vec![];
        for _ in 0..real {
            let x = first + clk % 8;
            counts[(clk % 8) as usize] += 1;
            out.push(vec![1, clk, state, x, x * x]);
            state += x * x;
            clk += 1;
        }
        out.resize(rows, vec![0; 5]);
        traces.push(Trace {
            kind: SQUARE,
            matrix: matrix(out, 5),
        });
    }
    if let Some(rows) = doubles {
        let mut out = vec![];
        for i in 0..rows {
            if i < 3 {
                out.push(vec![1, clk, state]);
                state *= 2;
                clk += 1;
            } else {
                out.push(vec![0; 3]);
            }
        }
        traces.push(Trace {
            kind: DOUBLE,
            matrix: matrix(out, 3),
        });
    }
    traces.push(Trace {
        kind: PROGRAM,
        matrix: matrix(counts.iter().map(|&c| vec![c]).collect(), 1),
    });
    traces.push(Trace {
        kind: BOUNDARY,
        matrix: matrix(vec![vec![clk]], 1),
    });
    Run {
        public: vec![Felt::new(3), Felt::new(state)],
        traces,
    }
}

/// A target that small tables reach with few queries, to keep tests fast.
pub const LOW: SecurityTarget = SecurityTarget {
    model: Model::Conjectured,
    bits: 40,
};

/// Keys of the toy program for a profile.
pub fn keys(profile: &Profile, target: SecurityTarget) -> (ProvingKey<Toy>, VerifyingKey) {
    setup(&toy(), program(2), profile, target, b"toy".to_vec()).expect("keys")
}

/// The toy machine with two tables of squares, before and after the boundary, both of them optional.
pub fn optional_kinds() -> Vec<Kind<Toy>> {
    let mut kinds = kinds();
    kinds[PROGRAM].presence = Presence::Optional;
    kinds.push(kind("more", Toy::Program(None), Presence::Optional, false));
    kinds
}

/// Which optional tables a program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subset {
    pub program: bool,
    pub more: bool,
}

impl Subset {
    pub const ALL: [Self; 4] = {
        const fn subset(program: bool, more: bool) -> Subset {
            Subset { program, more }
        }
        [
            subset(false, false),
            subset(true, false),
            subset(false, true),
            subset(true, true),
        ]
    };

    /// The preprocessed traces: the squares that runs use are in the first table that there is.
    pub fn program(self) -> Vec<Option<Matrix>> {
        let mut traces = program(2);
        if !self.program {
            traces[PROGRAM] = None;
        }
        let first = if self.program { 20 } else { 2 };
        traces.push(self.more.then(|| squares(first)));
        traces
    }

    pub fn keys(self, profile: &Profile) -> (ProvingKey<Toy>, VerifyingKey) {
        let airs = Arc::new(AirSet::new(optional_kinds()).expect("a machine"));
        setup(&airs, self.program(), profile, LOW, vec![]).expect("keys")
    }

    /// A walk, with squares if there are any to look up.
    pub fn run(self) -> Run {
        let steps: &[usize] = if self.program || self.more {
            &[16, 8]
        } else {
            &[]
        };
        let mut run = run(2, steps, Some(4));
        if self.program && self.more {
            run.traces.push(Trace {
                kind: MORE,
                matrix: matrix(vec![vec![0]; 8], 1),
            });
        } else if self.more {
            for trace in &mut run.traces {
                if trace.kind == PROGRAM {
                    trace.kind = MORE;
                }
            }
        } else if !self.program {
            run.traces.retain(|trace| trace.kind != PROGRAM);
        }
        run
    }
}
