//! The prover of the inner batch proof.
//!
//! It produces the proof that `p3_batch_stark::prove_batch` produces, byte for byte (tested), and is verified by p3's verifier.
//! Ours differs in what it keeps in memory and in speed:
//!
//! * traces are copied one at a time, each copy becoming that table's LDE, and dropped as soon as the bus columns exist;
//! * preprocessed values come from the proving key, not from the AIR, and are not copied;
//! * what follows from the AIRs alone (quotient sizes, packed interactions) is not derived again;
//! * the bus argument is compiled, see [`crate::bus`].
//!
//! No table is ever randomized: the commitment scheme does not hide.

use p3_batch_stark::proof::{BatchCommitments, BatchOpenedValues, OpenedValuesWithLookups};
use p3_batch_stark::{BatchProverTranscript, BatchShape};
use p3_commit::{OpeningRequest, Pcs as _, PolynomialSpace, UnivariateStarkPcs};
use p3_lookup::{LogUpGadget, Lookup, LookupTerminal};
use p3_matrix::Matrix as _;
use p3_uni_stark::{OpenedValues, PreprocessedOpenedValues, StarkGenericConfig};
use tracing::{info_span, instrument};

use crate::airs::{KindInfo, Table};
use crate::hash::{Cap, Challenger, Tree};
use crate::table::{Argument, Columns, Domain, Input};
use crate::types::{BatchProof, Config, Ext, Felt, Matrix, Pcs};

/// What is left of an input after its trace has been used.
struct Shape<'a, T> {
    table: &'a T,
    info: &'a KindInfo,
    log_chunks: usize,
    public_values: &'a [Felt],
    domain: Domain,
    /// Index of its matrix under the preprocessed commitment.
    preprocessed: Option<usize>,
    /// Index of its matrix under the bus commitment.
    bus: Option<usize>,
}

impl<T: Table> Shape<'_, T> {
    fn lookups(&self) -> &[Lookup<Felt>] {
        &self.info.lookups
    }

    /// The points where the columns of a matrix are opened.
    fn points(&self, zeta: Ext, next: bool) -> Vec<Ext> {
        if next {
            vec![zeta, self.next(zeta)]
        } else {
            vec![zeta]
        }
    }

    fn next(&self, zeta: Ext) -> Ext {
        self.domain
            .next_point(zeta)
            .expect("cosets have a next point")
    }
}

/// Proves the tables, whose heights and widths have been checked. `preprocessed` is the key's commitment and its tree.
#[instrument(name = "batch proof", skip_all)]
pub(crate) fn prove<T: Table>(
    config: &Config,
    inputs: Vec<Input<'_, T>>,
    preprocessed: (&Cap, &Tree<Matrix>),
) -> BatchProof {
    let pcs = config.pcs();
    let gadget = LogUpGadget::new();
    let (mut num_preprocessed, mut num_bus) = (0, 0);
    let count = |present: bool, counter: &mut usize| {
        present.then(|| {
            *counter += 1;
            *counter - 1
        })
    };
    let mut shapes = Vec::with_capacity(inputs.len());
    let mut traces = Vec::with_capacity(inputs.len());
    for input in inputs {
        shapes.push(Shape {
            table: input.table,
            info: input.info,
            log_chunks: input.log_chunks,
            public_values: input.public_values,
            domain: domain(pcs, input.trace.height()),
            preprocessed: count(input.info.preprocessed_width > 0, &mut num_preprocessed),
            bus: count(!input.info.lookups.is_empty(), &mut num_bus),
        });
        traces.push((input.trace, input.preprocessed));
    }
    let degree_bits: Vec<usize> = shapes.iter().map(|shape| shape.domain.log_size()).collect();
    let lookups: Vec<&[Lookup<Felt>]> = shapes.iter().map(Shape::lookups).collect();
    let public_values: Vec<&[Felt]> = shapes.iter().map(|shape| shape.public_values).collect();

    let mut challenger = config.initialise_challenger();
    let mut transcript = BatchProverTranscript::<Challenger, Felt, Ext, Cap>::new(
        &mut challenger,
        BatchShape {
            trace_widths: shapes.iter().map(|shape| shape.info.width).collect(),
            public_value_counts: public_values.iter().map(|values| values.len()).collect(),
            preprocessed_widths: shapes
                .iter()
                .map(|shape| shape.info.preprocessed_width)
                .collect(),
            has_preprocessed_commitment: true,
            num_lookup_instances: num_bus,
            lookup_pow_bits: config.lookup_proof_of_work_bits(),
            has_randomization_commitment: false,
            ood_pow_bits: config.ood_proof_of_work_bits(),
        },
    );
    transcript.instance_bindings(&degree_bits);

    // Main columns. The commitment takes the traces one by one, so only one copy exists beside the LDEs.
    let (main, main_tree) = info_span!("commit to main columns").in_scope(|| {
        commit(
            pcs,
            shapes
                .iter()
                .zip(&traces)
                .map(|(shape, (trace, _))| (shape.domain, trace.clone())),
        )
    });
    transcript.main_phase(main.clone(), &public_values);
    transcript.preprocessed_phase(Some(preprocessed.0.clone()));

    // The bus argument. Afterwards no trace is needed.
    let (challenges, lookup_pow_witness) = transcript.lookup_phase(&lookups, &gadget);
    let mut terminals = Vec::with_capacity(shapes.len());
    let mut arguments = Vec::with_capacity(shapes.len());
    let bus = info_span!("bus columns").in_scope(|| {
        let mut columns = Vec::with_capacity(num_bus);
        for ((shape, (trace, preprocessed)), challenges) in
            shapes.iter().zip(traces).zip(&challenges)
        {
            let argument = Argument::new(shape.table, shape.info, shape.public_values, challenges);
            let (permutation, terminal) = argument.bus_columns(&trace, preprocessed);
            arguments.push(argument);
            terminals.push(terminal);
            if shape.bus.is_some() {
                columns.push((shape.domain, permutation.flatten_to_base()));
            }
        }
        (!columns.is_empty()).then(|| commit(pcs, columns))
    });
    let (bus_cap, bus_tree) = bus.unzip();
    let terminal_values: Vec<Ext> = terminals.iter().copied().flatten().collect();
    let alpha: Ext = transcript.permutation_phase(bus_cap.clone(), &terminal_values);

    // Quotients.
    let mut chunk_counts = Vec::with_capacity(shapes.len());
    let mut chunks = Vec::new();
    for (index, ((shape, argument), &terminal)) in
        shapes.iter().zip(&arguments).zip(&terminals).enumerate()
    {
        let _span = info_span!("quotient", table = index).entered();
        let quotient_domain = shape
            .domain
            .create_disjoint_domain(shape.domain.size() << shape.log_chunks);
        let on_quotient = |tree, matrix| {
            <Pcs as UnivariateStarkPcs<Ext, Challenger>>::get_evaluations_on_domain(
                pcs,
                tree,
                matrix,
                quotient_domain,
            )
        };
        let columns = Columns {
            main: on_quotient(&main_tree, index),
            preprocessed: shape
                .preprocessed
                .map(|matrix| on_quotient(preprocessed.1, matrix)),
            bus: shape
                .bus
                .zip(bus_tree.as_ref())
                .map(|(matrix, tree)| on_quotient(tree, matrix)),
        };
        let domains = (shape.domain, quotient_domain);
        let values = argument.quotient(pcs, &columns, terminal, domains, alpha);
        let count = 1 << shape.log_chunks;
        let flat = p3_matrix::dense::RowMajorMatrix::new_col(values).flatten_to_base();
        let evaluations = quotient_domain
            .split_domains(count)
            .into_iter()
            .zip(quotient_domain.split_evals(count, flat));
        let ldes = <Pcs as UnivariateStarkPcs<Ext, Challenger>>::get_quotient_ldes(
            pcs,
            evaluations,
            count,
        );
        chunks.extend(ldes.unwrap_or_else(never));
        chunk_counts.push(count);
    }
    let (quotient, quotient_tree) = info_span!("commit to quotients").in_scope(|| {
        <Pcs as UnivariateStarkPcs<Ext, Challenger>>::commit_ldes(pcs, chunks).unwrap_or_else(never)
    });
    transcript.quotient_phase(quotient.clone(), None);

    // Openings.
    let (zeta, ood_pow_witness) = transcript.ood_phase();
    let mut rounds = vec![
        (
            &main_tree,
            shapes
                .iter()
                .map(|shape| shape.points(zeta, shape.info.main_next))
                .collect::<Vec<_>>(),
        ),
        (&quotient_tree, vec![vec![zeta]; chunk_counts.iter().sum()]),
        (
            preprocessed.1,
            shapes
                .iter()
                .filter(|shape| shape.preprocessed.is_some())
                .map(|shape| shape.points(zeta, shape.info.preprocessed_next))
                .collect(),
        ),
    ];
    if let Some(tree) = &bus_tree {
        let with_bus = shapes.iter().filter(|shape| shape.bus.is_some());
        rounds.push((
            tree,
            with_bus.map(|shape| shape.points(zeta, true)).collect(),
        ));
    }
    let (opened, opening_proof) = transcript.delegate(|challenger| {
        let requests: Vec<OpeningRequest<'_, Tree<Matrix>, Ext>> =
            rounds.into_iter().map(Into::into).collect();
        info_span!("open")
            .in_scope(|| pcs.open(requests, challenger))
            .unwrap_or_else(|error| {
                // Only a table that is too low for the final polynomial fails, and ours is a constant.
                unreachable!("opening: {error}")
            })
    });
    transcript.finish();

    let mut opened = opened.into_iter();
    let mut round = || opened.next().unwrap_or_default().into_iter();
    let (mut main_values, mut quotient_values, mut preprocessed_values, mut bus_values) =
        (round(), round(), round(), round());
    let pair = |values: Vec<Vec<Ext>>| {
        let mut values = values.into_iter();
        (values.next().unwrap_or_default(), values.next())
    };
    let instances = shapes
        .iter()
        .zip(&chunk_counts)
        .map(|(shape, &chunks)| {
            let (trace_local, trace_next) = pair(main_values.next().unwrap_or_default());
            let preprocessed = shape.preprocessed.map(|_| {
                let (local, next) = pair(preprocessed_values.next().unwrap_or_default());
                PreprocessedOpenedValues { local, next }
            });
            let quotient_chunks = quotient_values
                .by_ref()
                .take(chunks)
                .map(|values| pair(values).0)
                .collect();
            let (permutation_local, permutation_next) =
                shape.bus.map_or_else(Default::default, |_| {
                    pair(bus_values.next().unwrap_or_default())
                });
            OpenedValuesWithLookups {
                base_opened_values: OpenedValues {
                    trace_local,
                    trace_next,
                    preprocessed,
                    quotient_chunks,
                    random: None,
                },
                permutation_local,
                permutation_next: permutation_next.unwrap_or_default(),
            }
        })
        .collect();

    BatchProof {
        commitments: BatchCommitments {
            main,
            permutation: bus_cap,
            quotient_chunks: quotient,
            random: None,
        },
        opened_values: BatchOpenedValues { instances },
        opening_proof,
        lookup_terminals: terminals
            .into_iter()
            .map(|terminal| terminal.map(LookupTerminal))
            .collect(),
        degree_bits,
        lookup_pow_witness,
        ood_pow_witness,
    }
}

fn domain(pcs: &Pcs, height: usize) -> Domain {
    <Pcs as p3_commit::Pcs<Ext, Challenger>>::natural_domain_for_degree(pcs, height)
}

fn commit(
    pcs: &Pcs,
    evaluations: impl IntoIterator<Item = (Domain, Matrix)>,
) -> (Cap, Tree<Matrix>) {
    <Pcs as p3_commit::Pcs<Ext, Challenger>>::commit(pcs, evaluations).unwrap_or_else(never)
}

/// Committing has an error type and no error.
fn never<E: core::fmt::Display, V>(error: E) -> V {
    unreachable!("committing: {error}")
}
