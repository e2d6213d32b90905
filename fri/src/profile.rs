//! Profiles: which hash, which rate, how much grinding. Data, not code.
//!
//! The parameters were chosen by measurement: `cargo run --release -p plica-fri --example sweep`.
//!
//! * Folding arity 4 in Plonky3's format: arity 2 makes larger proofs. 8 gains little, because folding stops at every distinct height of a table.
//!   The lifted format folds by 8.
//! * No cap: multi-openings share the top of the tree anyway, so caps make proofs no smaller.
//! * Grinding up to where it becomes noticeable beside the rest of the prover.

use crate::airs::LOOKUP_DEGREE;
use crate::hash::HashKind;
use crate::lifted::MAX_LOG_SIZE;

/// Largest log2 of a blow-up.
pub(crate) const MAX_LOG_BLOWUP: usize = 7;

/// A number that names a profile in files and transcripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProfileId(pub u16);

/// How a proof is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// As Plonky3's batch-STARK: every table at its own height, with its own quotient.
    Batch,
    /// All tables lifted to one height, one quotient, a transcript of digests: with RPO only, made to be verified inside the machine
    /// (`docs/lifted.md`).
    Lifted,
}

impl Format {
    /// Number in key digests.
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Batch => 1,
            Self::Lifted => 2,
        }
    }
}

/// The parameters of a proof that do not depend on the proven instance.
///
/// Keys and proofs of other parameters than those of [`Profile::ALL`] work in memory, for measuring, but not as files.
///
/// The number of queries is not among them: it is computed from the profile, the security target and the instance
/// ([`crate::security`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Number in files. Never reused for other parameters.
    pub id: ProfileId,
    /// Name on the command line.
    pub name: &'static str,
    /// How it is built.
    pub format: Format,
    /// Hash of Merkle trees and transcript.
    pub hash: HashKind,
    /// log2 of the blow-up: the LDE has 2^`log_blowup` times the rows of the trace.
    pub log_blowup: usize,
    /// log2 of the largest folding arity of FRI. Folding stops at each distinct table height, so a round may fold less.
    pub max_log_arity: usize,
    /// Commitments are the layer of 2^`cap_height` digests of their tree.
    pub cap_height: usize,
    /// Bits of grinding before the query indices are drawn.
    pub query_pow_bits: usize,
    /// Bits of grinding before the challenge that batches the openings.
    pub batch_pow_bits: usize,
    /// Bits of grinding before each folding challenge.
    pub commit_pow_bits: usize,
    /// Bits of grinding before the out-of-domain point.
    pub ood_pow_bits: usize,
    /// Bits of grinding before the challenges of the bus argument.
    pub lookup_pow_bits: usize,
    /// Largest log2 of the rows of one table.
    pub max_log_height: usize,
    /// Largest file of a proof, in bytes.
    pub max_proof_bytes: usize,
    /// In the lifted format, whether programs verify the proofs: what is cheap then is not what is small.
    pub for_programs: bool,
    /// In the lifted format, whether columns are what counts, as they do for whoever verifies a proof, or cells, as they do for whoever makes it.
    pub few_columns: bool,
}

impl Profile {
    /// log2 of the final polynomial's length: folding goes down to a constant, so that tables of any height may be present.
    pub const LOG_FINAL_POLY_LEN: usize = 0;

    const BASE: Self = Self {
        id: ProfileId(0),
        name: "",
        format: Format::Batch,
        hash: HashKind::Rpo,
        log_blowup: 1,
        max_log_arity: 2,
        cap_height: 0,
        query_pow_bits: 0,
        batch_pow_bits: 0,
        commit_pow_bits: 0,
        ood_pow_bits: 0,
        lookup_pow_bits: 0,
        max_log_height: 28,
        max_proof_bytes: 64 << 20,
        for_programs: false,
        few_columns: false,
    };

    /// RPO at blow-up 2, with little grinding: the fastest proof with an arithmetic hash.
    ///
    /// 12 bits cost about 10 ms and save a ninth of the queries.
    pub const FAST: Self = Self {
        id: ProfileId(7),
        name: "fast",
        format: Format::Lifted,
        max_log_arity: 3,
        query_pow_bits: 12,
        for_programs: true,
        ..Self::BASE
    };

    /// BLAKE3 at blow-up 2: the fastest stand-alone proof.
    ///
    /// 16 bits of grinding cost a few milliseconds; 20 bits would save eight queries and cost 70 ms on average, as much as a
    /// small proof, with a deviation as large.
    pub const BLAKE3: Self = Self {
        id: ProfileId(3),
        name: "blake3",
        hash: HashKind::Blake3,
        query_pow_bits: 16,
        ..Self::BASE
    };

    /// Keccak-256 at blow-up 8: the last layer before a contract.
    pub const EVM: Self = Self {
        id: ProfileId(4),
        name: "evm",
        hash: HashKind::Keccak,
        log_blowup: 3,
        query_pow_bits: 16,
        ..Self::BASE
    };

    /// RPO at blow-up 4 in the lifted format: proofs that programs verify.
    ///
    /// At blow-up 8 a layer of recursion has a sixth fewer cells and takes 1.4 times as long.
    pub const LIFTED: Self = Self {
        id: ProfileId(8),
        name: "lifted",
        format: Format::Lifted,
        log_blowup: 2,
        max_log_arity: 3,
        query_pow_bits: 16,
        for_programs: true,
        few_columns: true,
        ..Self::BASE
    };

    /// RPO at blow-up 8: few queries, for small proofs. Grinding is cheap beside proving.
    pub const COMPACT: Self = Self {
        id: ProfileId(9),
        name: "compact",
        log_blowup: 3,
        query_pow_bits: 16,
        ..Self::FAST
    };

    /// RPO at blow-up 128 in the lifted format: the fewest queries, for the last proof of an aggregate. It takes thirty-two times the hashes of
    /// [`Self::LIFTED`], beside which more grinding is cheap.
    pub const SMALL: Self = Self {
        id: ProfileId(10),
        name: "small",
        max_log_height: 25,
        log_blowup: 7,
        query_pow_bits: 24,
        for_programs: false,
        ..Self::LIFTED
    };

    /// Every profile.
    pub const ALL: [Self; 6] = [
        Self::FAST,
        Self::BLAKE3,
        Self::EVM,
        Self::LIFTED,
        Self::COMPACT,
        Self::SMALL,
    ];

    /// The profile with this number.
    #[must_use]
    pub fn by_id(id: ProfileId) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.id == id)
    }

    /// The profile with this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name == name)
    }

    /// Degree up to which interactions share a column of the bus argument.
    pub(crate) const fn lookup_degree(&self) -> usize {
        match self.format {
            Format::Batch => LOOKUP_DEGREE,
            Format::Lifted => (1 << self.most_log_chunks()) + 1,
        }
    }

    /// log2 of a quotient's chunks, at most. Where columns count, interactions are packed up to this degree whatever the blow-up: the quotient is
    /// computed on a domain of its own, of which nothing is committed. More of them in a column would not pay for the chunks.
    pub(crate) const fn most_log_chunks(&self) -> usize {
        match self.format {
            Format::Lifted if self.few_columns => 3,
            Format::Lifted | Format::Batch => self.log_blowup,
        }
    }

    /// Largest log2 of the rows of one table, as far as the field has domains.
    pub(crate) fn max_log_rows(&self) -> usize {
        let log_domain = self.log_blowup.max(self.most_log_chunks());
        self.max_log_height.min(MAX_LOG_SIZE - log_domain)
    }

    /// Whether the parameters are in the range that the rest of the crate relies on. True of every profile of [`Self::ALL`];
    /// asked again at setup because the fields are public.
    #[must_use]
    pub const fn is_sane(&self) -> bool {
        const MAX_POW: usize = 40;
        self.log_blowup >= 1
            && self.log_blowup <= MAX_LOG_BLOWUP
            && self.max_log_arity >= 1
            && self.max_log_arity <= 4
            && self.cap_height <= 10
            && self.query_pow_bits <= MAX_POW
            && self.batch_pow_bits <= MAX_POW
            && self.commit_pow_bits <= MAX_POW
            && self.ood_pow_bits <= MAX_POW
            && self.lookup_pow_bits <= MAX_POW
            && self.max_log_height + self.log_blowup <= 32
            && (self.is_batch() || self.is_lifted())
    }

    /// Whether no parameter is set that only the lifted format has.
    const fn is_batch(&self) -> bool {
        matches!(self.format, Format::Batch) && !self.for_programs && !self.few_columns
    }

    /// Whether the parameters are those that the lifted format fixes.
    const fn is_lifted(&self) -> bool {
        matches!(self.format, Format::Lifted)
            && matches!(self.hash, HashKind::Rpo)
            && self.max_log_arity == crate::lifted::LOG_ARITY
            && self.cap_height == 0
            && self.batch_pow_bits == 0
            && self.commit_pow_bits == 0
            && self.ood_pow_bits == 0
            && self.lookup_pow_bits == 0
    }
}
