//! Checks traces row by row, without a proof: which constraint fails where, and which messages do not balance.
//!
//! The forged-trace tests are built on it (a forgery must be caught by the constraint it is aimed at and by nothing
//! else), and it explains a rejected proof to whoever develops a chip. It evaluates the same `eval` functions as
//! the prover and the verifier.

use std::collections::BTreeMap;

use p3_air::{Air, AirBuilder, RowWindow};
use p3_field::{PrimeCharacteristicRing, PrimeField64};
use p3_lookup::{Count, InteractionBuilder};
use p3_matrix::Matrix;
use plica_field::Felt;

use crate::bus::{BUS, WIDTH};
use crate::chip::{self, ChipKind};
use crate::code::Program;
use crate::trace::Table;

/// A message on the bus.
pub type Message = [u64; WIDTH];

/// A constraint that a row violates.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    pub chip: ChipKind,
    /// Position of the table in the list that was checked.
    pub table: usize,
    pub row: usize,
    /// One of [`ChipKind::constraints`].
    pub constraint: &'static str,
}

/// What is wrong with a set of traces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub violations: Vec<Violation>,
    /// Messages whose counts do not sum to zero, with the sum.
    pub unbalanced: Vec<(Message, Felt)>,
}

impl Findings {
    pub fn is_empty(&self) -> bool {
        self.violations.is_empty() && self.unbalanced.is_empty()
    }

    /// Names of the violated constraints, each once.
    pub fn constraints(&self) -> Vec<(ChipKind, &'static str)> {
        let mut names: Vec<_> = self
            .violations
            .iter()
            .map(|v| (v.chip, v.constraint))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Result of evaluating one row.
#[derive(Clone, Debug, Default)]
pub struct RowReport {
    /// Values of the constraints, in order.
    pub constraints: Vec<Felt>,
    /// Messages with their counts, in order.
    pub messages: Vec<(Message, Felt)>,
}

/// Evaluates one row of a chip.
pub fn check_row(
    chip: ChipKind,
    main: &[Felt],
    preprocessed: &[Felt],
    public_values: &[Felt],
) -> RowReport {
    let mut builder = RowChecker {
        main: RowWindow::from_two_rows(main, main),
        preprocessed: RowWindow::from_two_rows(preprocessed, preprocessed),
        public_values,
        report: RowReport::default(),
    };
    chip.eval(&mut builder);
    builder.report
}

/// Checks all tables of an execution of `code` with these public values.
pub fn check(code: &Program, tables: &[Table], public_values: &[Felt]) -> Findings {
    let mut findings = Findings::default();
    let mut balance: BTreeMap<Message, Felt> = BTreeMap::new();
    for (t, table) in tables.iter().enumerate() {
        let preprocessed = chip::preprocessed(code, table.kind);
        let names = table.kind.constraints();
        for (r, row) in table.trace.row_slices().enumerate() {
            let fixed = preprocessed
                .as_ref()
                .map(|m| {
                    m.row_slice(r)
                        .expect("one preprocessed row per row")
                        .to_vec()
                })
                .unwrap_or_default();
            let report = check_row(table.kind, row, &fixed, public_values);
            assert_eq!(report.constraints.len(), names.len());
            for (&constraint, value) in names.iter().zip(report.constraints) {
                if value != Felt::ZERO {
                    findings.violations.push(Violation {
                        chip: table.kind,
                        table: t,
                        row: r,
                        constraint,
                    });
                }
            }
            for (message, count) in report.messages {
                *balance.entry(message).or_default() += count;
            }
        }
    }
    findings.unbalanced = balance
        .into_iter()
        .filter(|(_, sum)| *sum != Felt::ZERO)
        .collect();
    findings
}

struct RowChecker<'a> {
    main: RowWindow<'a, Felt>,
    preprocessed: RowWindow<'a, Felt>,
    public_values: &'a [Felt],
    report: RowReport,
}

impl<'a> AirBuilder for RowChecker<'a> {
    type F = Felt;
    type Expr = Felt;
    type Var = Felt;
    type PreprocessedWindow = RowWindow<'a, Felt>;
    type MainWindow = RowWindow<'a, Felt>;
    type PublicVar = Felt;
    type PeriodicVar = Felt;

    fn main(&self) -> Self::MainWindow {
        self.main
    }

    fn preprocessed(&self) -> &Self::PreprocessedWindow {
        &self.preprocessed
    }

    // Chips are row-local: the selectors of a one-row window.
    fn is_first_row(&self) -> Felt {
        Felt::ONE
    }

    fn is_last_row(&self) -> Felt {
        Felt::ONE
    }

    fn is_transition(&self) -> Felt {
        Felt::ZERO
    }

    fn public_values(&self) -> &[Felt] {
        self.public_values
    }

    fn assert_zero<I: Into<Felt>>(&mut self, x: I) {
        self.report.constraints.push(x.into());
    }
}

impl InteractionBuilder for RowChecker<'_> {
    fn push_interaction<E: Into<Felt>>(
        &mut self,
        bus_name: &str,
        fields: impl IntoIterator<Item = E>,
        count: impl Into<Count<Felt>>,
    ) {
        assert_eq!(bus_name, BUS);
        let mut message = [0; WIDTH];
        let mut fields = fields.into_iter();
        for field in &mut message {
            *field = fields
                .next()
                .expect("messages have WIDTH fields")
                .into()
                .as_canonical_u64();
        }
        assert!(fields.next().is_none());
        let (count, _) = count.into().into_parts();
        if count != Felt::ZERO {
            self.report.messages.push((message, count));
        }
    }

    fn push_local_interaction(
        &mut self,
        tuples: impl IntoIterator<Item = (Vec<Felt>, Count<Felt>)>,
    ) {
        assert!(
            tuples.into_iter().next().is_none(),
            "the machine has no local lookups"
        );
    }
}
