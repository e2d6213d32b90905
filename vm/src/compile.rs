//! From a resolved program to machine code that can be run and proven.

use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceSpan};
use plica_air::code::{Layout, Program, validate};
use plica_air::record::Execution;
use plica_field::Felt;
use thiserror::Error;
use tracing::instrument;

use crate::inputs::Start;
use crate::ir::{CompileError, Origin, Trap, translate};
use crate::lower::{EntryInfo, lower};
use crate::processor::{self, Fault, HostFailure, MerkleStore, RunOutcome};
use crate::syntax::{self, Sources};

/// A program ready to run, with what is needed to explain a failure.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub program: Program,
    pub layout: Layout,
    /// Origin of each entry of the program table.
    pub info: Vec<EntryInfo>,
    /// Origin of each action of the host.
    pub actions: Vec<Origin>,
    /// Names for the origins; the first is the program's body.
    pub procedures: Vec<String>,
    /// The texts that origins point into.
    pub sources: Sources,
}

/// Compiles a resolved program.
///
/// # Errors
/// See [`CompileError`].
#[instrument(name = "compile", skip_all)]
pub fn compile(source: &syntax::Program) -> Result<Compiled, Box<CompileError>> {
    let ir = translate(source)?;
    let lowered = lower(&ir);
    debug_assert_eq!(validate(&lowered.program), Ok(()));
    Ok(Compiled {
        layout: Layout::new(&lowered.program),
        program: lowered.program,
        info: lowered.info,
        actions: lowered.actions,
        procedures: ir.procedures,
        sources: source.sources.clone(),
    })
}

/// Why an execution failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RunErrorKind {
    #[error("assertion failed with error code {code}")]
    Assertion { code: u32 },
    #[error("expected 0 or 1 as a condition or Boolean operand, found {value}")]
    NotBinary { value: Felt },
    #[error("division by zero")]
    DivisionByZero,
    #[error("expected a 32-bit number, found {value}{}", with_code(*.code))]
    NotU32 { value: Felt, code: u32 },
    #[error("a shift or rotation by more bits than a 32-bit number has")]
    Shift,
    #[error("the exponent is not below 2^{bits}")]
    Exponent { bits: u8 },
    #[error("logarithm of zero")]
    LogOfZero,
    #[error("a memory address must be below 2^32, found {value}")]
    MemoryAddress { value: Felt },
    #[error("the advice stack has too few values")]
    AdviceStack,
    #[error("a domain segment must be below 4")]
    FriSegment,
    #[error("the value is not what the layer before was folded to")]
    FriFolding,
    #[error("the node is not in the Merkle tree at this place{}", with_code(*.code))]
    MerklePath { code: u32 },
    #[error("a called procedure must leave 16 elements on the stack, this one leaves {}", or_more(*.depth))]
    CallDepth { depth: Option<usize> },
    #[error("no procedure of the program has this root")]
    UnknownProcedure,
    #[error("the program ends with more than 16 elements on the stack")]
    FinalDepth,
    /// What the host cannot do has no other name here.
    #[error("{0}")]
    Host(HostFailure),
    #[error("the program did not halt within {limit} cycles")]
    CycleLimit { limit: u64 },
}

fn or_more(depth: Option<usize>) -> String {
    depth.map_or_else(|| "more".to_owned(), |depth| depth.to_string())
}

/// The error code of an assertion, if it was given one.
fn with_code(code: u32) -> String {
    if code == 0 {
        String::new()
    } else {
        format!(" (error code {code})")
    }
}

/// A failed execution, with the place in the source.
#[derive(Clone, Debug, Error)]
#[error("{kind}")]
pub struct RunError {
    pub kind: RunErrorKind,
    at: Option<(Arc<NamedSource<String>>, SourceSpan)>,
}

impl Diagnostic for RunError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        matches!(self.kind, RunErrorKind::CycleLimit { .. })
            .then(|| Box::new("--max-cycles sets the limit") as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.at
            .as_ref()
            .map(|(source, _)| &**source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (_, span) = self.at.as_ref()?;
        let label = LabeledSpan::new_with_span(Some("failed here".to_owned()), *span);
        Some(Box::new(std::iter::once(label)))
    }
}

impl Compiled {
    /// Runs the program without a record; inputs and outputs have the top of the stack first.
    ///
    /// # Errors
    /// See [`RunErrorKind`].
    pub fn run<'a>(
        &self,
        inputs: impl Into<Start<'a>>,
        max_cycles: u64,
    ) -> Result<RunOutcome, Box<RunError>> {
        self.run_with(inputs, None, max_cycles)
    }

    /// The same with a Merkle store, which afterwards knows the trees that the run made.
    ///
    /// # Errors
    /// See [`RunErrorKind`].
    pub fn run_with<'a>(
        &self,
        inputs: impl Into<Start<'a>>,
        store: Option<&mut MerkleStore>,
        max_cycles: u64,
    ) -> Result<RunOutcome, Box<RunError>> {
        let inputs = inputs.into();
        processor::run(&self.program, &self.layout, &inputs, store, max_cycles)
            .map_err(|fault| self.explain(fault))
    }

    /// Runs the program and records what a proof needs.
    ///
    /// # Errors
    /// See [`RunErrorKind`].
    pub fn record<'a>(
        &self,
        inputs: impl Into<Start<'a>>,
        max_cycles: u64,
    ) -> Result<Execution, Box<RunError>> {
        self.record_with(inputs, None, max_cycles)
    }

    /// The same with a Merkle store, which afterwards knows the trees that the run made.
    ///
    /// # Errors
    /// See [`RunErrorKind`].
    pub fn record_with<'a>(
        &self,
        inputs: impl Into<Start<'a>>,
        store: Option<&mut MerkleStore>,
        max_cycles: u64,
    ) -> Result<Execution, Box<RunError>> {
        let inputs = inputs.into();
        processor::record(&self.program, &self.layout, &inputs, store, max_cycles)
            .map_err(|fault| self.explain(fault))
    }

    fn explain(&self, fault: Fault) -> Box<RunError> {
        let (kind, place) = match fault {
            Fault::Check { entry, value } | Fault::Fact { entry, value } => {
                let kind = match self.info[entry as usize].trap {
                    Some(Trap::Assertion { code }) => RunErrorKind::Assertion { code },
                    Some(Trap::NotBinary) => RunErrorKind::NotBinary { value },
                    Some(Trap::NotU32 { code }) => RunErrorKind::NotU32 { value, code },
                    Some(Trap::Shift) => RunErrorKind::Shift,
                    Some(Trap::Exponent { bits }) => RunErrorKind::Exponent { bits },
                    Some(Trap::LogOfZero) => RunErrorKind::LogOfZero,
                    Some(Trap::MemoryAddress) => RunErrorKind::MemoryAddress { value },
                    Some(Trap::AdviceStack) => RunErrorKind::AdviceStack,
                    Some(Trap::MerklePlace) => RunErrorKind::Host(HostFailure::Position),
                    Some(Trap::FriSegment) => RunErrorKind::FriSegment,
                    Some(Trap::FriFolding) => RunErrorKind::FriFolding,
                    Some(Trap::MerklePath { code }) => RunErrorKind::MerklePath { code },
                    Some(Trap::CallDepth { depth }) => RunErrorKind::CallDepth { depth },
                    Some(Trap::UnknownProcedure) => RunErrorKind::UnknownProcedure,
                    Some(Trap::FinalDepth) => RunErrorKind::FinalDepth,
                    Some(Trap::DivisionByZero) | None => RunErrorKind::DivisionByZero,
                };
                (kind, Some((entry, 0)))
            }
            Fault::DivisionByZero { entry, lane } => {
                (RunErrorKind::DivisionByZero, Some((entry, lane)))
            }
            Fault::Unknown { entry, failure } => {
                let kind = match failure {
                    HostFailure::Limit { limit } => RunErrorKind::CycleLimit { limit },
                    other => RunErrorKind::Host(other),
                };
                (kind, Some((entry, 0)))
            }
            Fault::Host { action, failure } => {
                let kind = match failure {
                    HostFailure::Address(value) => RunErrorKind::MemoryAddress { value },
                    HostFailure::NotU32(value) => RunErrorKind::NotU32 { value, code: 0 },
                    HostFailure::DivisionByZero => RunErrorKind::DivisionByZero,
                    HostFailure::Limit { limit } => RunErrorKind::CycleLimit { limit },
                    other => RunErrorKind::Host(other),
                };
                let origin = self.actions[action as usize];
                return Box::new(RunError {
                    kind,
                    at: Some(self.place(origin)),
                });
            }
            Fault::CycleLimit { limit } => (RunErrorKind::CycleLimit { limit }, None),
        };
        let at = place.and_then(|(entry, lane)| {
            let origins = self.info[entry as usize].origins;
            let origin = origins[usize::from(lane)].or(origins[0])?;
            Some(self.place(origin))
        });
        Box::new(RunError { kind, at })
    }

    fn place(&self, origin: Origin) -> (Arc<NamedSource<String>>, SourceSpan) {
        let source = self.sources.file(origin.span.source);
        (Arc::clone(source), origin.span.range().into())
    }
}
