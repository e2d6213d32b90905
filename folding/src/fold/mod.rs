//! A fold: K instances of a shape become one claim about one commitment.
//!
//! An *instance* is a commitment and public values, and says: I know digits −1, 0, 1 under this commitment that are the columns of tables of the shape on which every
//! constraint holds, with these public values, and whose fractions on the bus sum to zero. The steps, each a message and the challenges behind it:
//!
//! 1. shape, parameters, K, public values, commitments;
//! 2. α, β; the sums of all instances' fractions as GKR ([`crate::fractions`]), down to a claim about all fractions at one point ρ;
//! 3. μ, λ; a sum-check over rows and instances of what the fractions are made of at ρ, and of all constraints: down to the columns at one point r;
//! 4. η, γ, θ; a sum-check over ring elements of what the columns are made of, and of z³ − z for each digit: down to the 54 planes of each instance at one point;
//! 5. a challenge ρᵢ for each instance: commitments, planes and witnesses are combined by them.
//!
//! What comes out is *undecided*: a commitment, a point, and the planes' values there, which some witness with coefficients below B must have. Nothing is proven before that is
//! decided ([`Undecided::decide`]).

mod decide;
mod digits;
#[cfg(test)]
mod literal;
mod prove;
mod rows;
#[cfg(test)]
mod tests;
mod verify;

use p3_field::PrimeCharacteristicRing;
use plica_field::{Ext, Felt, Word};
use plica_hash_rpo::transcript::Transcript;
use plica_hash_rpo::{hash_elements, merge};
use thiserror::Error;

use crate::commit::Commitment;
use crate::fractions::{Fraction, FractionsError, FractionsProof};
use crate::params::{NormError, Parameters};
use crate::ring::{DEGREE, RingElement};
use crate::shape::{Shape, TraceError};
use crate::sumcheck::{SumcheckError, SumcheckProof};

pub use decide::{DecideError, FoldedWitness};
pub use prove::{Instance, prove};
pub use verify::verify;

/// Version of the protocol, part of every transcript.
const VERSION: u64 = 1;
const DOMAIN: u64 = u64::from_le_bytes(*b"fold\0\0\0\0");

/// The values of all planes at a point.
pub type Planes = RingElement<Ext>;

/// What a fold sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldProof {
    /// Of each instance.
    pub commitments: Vec<Commitment>,
    /// The sum of each instance's fractions.
    pub roots: Vec<Fraction>,
    pub fractions: FractionsProof,
    /// The sum-check over rows and instances.
    pub rows: SumcheckProof,
    /// The columns of each table at its point.
    pub columns: Vec<Vec<Ext>>,
    /// The sum-check over ring elements.
    pub digits: SumcheckProof,
    /// The planes of each instance at its point.
    pub planes: Vec<Planes>,
}

/// A claim that nothing has been proven of yet: that a commitment has a witness with coefficients below B whose planes have these values at a point.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a fold proves nothing before what comes out of it is decided"]
pub struct Undecided {
    pub(crate) parameters: Parameters,
    pub(crate) commitment: Commitment,
    pub(crate) point: Vec<Ext>,
    pub(crate) planes: Planes,
}

/// Why a fold was not made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProveError {
    #[error("there is nothing to fold")]
    Nothing,
    #[error(transparent)]
    Norm(#[from] NormError),
    #[error("instance {instance}: {reason}")]
    Trace { instance: usize, reason: TraceError },
    #[error("instance {instance}: {got} public values, not {expected}")]
    PublicValues {
        instance: usize,
        got: usize,
        expected: usize,
    },
    #[error("witnesses of the shape have 2^{shape} ring elements, those of the key 2^{parameters}")]
    Length { shape: usize, parameters: usize },
    #[error("the key is one of other parameters")]
    Key,
}

/// Why a fold is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FoldError {
    #[error("there is nothing in it")]
    Nothing,
    #[error(transparent)]
    Norm(#[from] NormError),
    #[error("witnesses of the shape have 2^{shape} ring elements, those of the key 2^{parameters}")]
    Length { shape: usize, parameters: usize },
    #[error("{part}: {got}, not {expected}")]
    Count {
        part: &'static str,
        got: usize,
        expected: usize,
    },
    #[error("instance {0}: its messages do not cancel")]
    Bus(usize),
    #[error(transparent)]
    Fractions(#[from] FractionsError),
    #[error("the sum over rows: {0}")]
    Rows(SumcheckError),
    #[error("constraints or messages do not hold")]
    Relation,
    #[error("the sum over digits: {0}")]
    Digits(SumcheckError),
    #[error("columns are not made of digits −1, 0, 1 under the commitments")]
    Planes,
}

/// The degree of the sum over digits: eq·z³.
const DIGITS_DEGREE: usize = 4;

/// Before the first challenge: everything that is said about the instances.
fn start(
    parameters: &Parameters,
    shape: &Shape,
    public_values: &[&[Felt]],
    commitments: &[Commitment],
) -> Transcript {
    let numbers = [
        DOMAIN,
        VERSION,
        parameters.rows as u64,
        parameters.log_length as u64,
        parameters.log_bound.into(),
        parameters.challenges.values(),
        public_values.len() as u64,
    ];
    let mut transcript = Transcript::new(&numbers.map(Felt::new));
    transcript.absorb(shape.digest());
    for (public_values, commitment) in public_values.iter().zip(commitments) {
        transcript.absorb(instance_digest(public_values, commitment));
    }
    transcript
}

fn instance_digest(public_values: &[Felt], commitment: &Commitment) -> Word {
    let elements: Vec<Felt> = commitment.0.iter().flat_map(|c| c.0).collect();
    merge([hash_elements(public_values), hash_elements(&elements)])
}

/// Challenges of the bus: α, and powers of β.
struct Bus {
    alpha: Ext,
    powers: Vec<Ext>,
}

impl Bus {
    fn draw(shape: &Shape, transcript: &mut Transcript) -> Self {
        let alpha = transcript.challenge();
        let beta = transcript.challenge();
        Self {
            alpha,
            powers: powers(beta, shape.width()),
        }
    }
}

fn powers(base: Ext, count: usize) -> Vec<Ext> {
    base.powers().take(count).collect()
}

/// Weights of the instances at a point: those beyond the last one are copies of the first.
fn weights_of_instances(point: &[Ext], instances: usize) -> Vec<Ext> {
    let mut weights = crate::multilinear::eq_table(point);
    let copies: Ext = weights.drain(instances..).sum();
    weights[0] += copies;
    weights
}

/// A challenge's powers in the order in which digits of instances are checked. They begin with the first: what is added to this sum has no power of the
/// challenge, so neither makes up for the other.
fn digit_powers(gamma: Ext, instances: usize) -> Vec<[Ext; DEGREE]> {
    let all = gamma.shifted_powers(gamma);
    let all: Vec<Ext> = all.take(DEGREE * instances).collect();
    let chunks = all.as_chunks::<DEGREE>().0;
    chunks.to_vec()
}

/// Factors of all columns, table by table: powers of a challenge.
fn column_factors(shape: &Shape, eta: Ext) -> Vec<Vec<Ext>> {
    let mut powers = eta.powers();
    let tables = shape.tables().iter();
    tables
        .map(|table| powers.by_ref().take(table.relation.columns()).collect())
        .collect()
}
