//! Which columns are where: trees, their segments, and the order in which openings are batched.

use core::ops::Range;

use plica_hash_rpo::constants::RATE;

use crate::airs::{AirSet, Table};
use crate::instances::InstanceList;
use crate::profile::Profile;
use crate::types::EXT_DEGREE;

/// The commitments of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeKind {
    Main,
    Bus,
    Quotient,
    /// Of the key.
    Preprocessed,
}

/// The columns that one table has in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Index of the table in the proof; of no meaning for the quotient.
    pub table: usize,
    /// Columns.
    pub width: usize,
    pub log_height: usize,
}

/// A commitment: a Merkle tree whose leaf at an index is the row there of every segment, lower tables first. Behind the last segment of
/// each height zeros fill up the block of the sponge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeLayout {
    /// Which commitment.
    pub kind: TreeKind,
    /// By ascending height, of equals the earlier table first.
    pub segments: Vec<Segment>,
    /// log2 of the rows of the tallest.
    pub log_height: usize,
    /// Whether the columns are opened at the next point as well.
    pub next: bool,
}

impl TreeLayout {
    fn new(kind: TreeKind, mut segments: Vec<Segment>, next: bool) -> Option<Self> {
        segments.sort_by_key(|segment| (segment.log_height, segment.table));
        let log_height = segments.last()?.log_height;
        Some(Self {
            kind,
            segments,
            log_height,
            next,
        })
    }

    /// Columns of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.segments.iter().map(|segment| segment.width).sum()
    }

    /// Elements of a leaf.
    #[must_use]
    pub fn padded(&self) -> usize {
        self.starts().last().map_or(0, |(_, segment, start)| {
            (start + segment.width).next_multiple_of(RATE)
        })
    }

    /// Each segment, and where its columns begin in a leaf.
    pub fn starts(&self) -> impl Iterator<Item = (usize, &Segment, usize)> {
        let mut end = 0;
        let mut below = None;
        self.segments
            .iter()
            .enumerate()
            .map(move |(index, segment)| {
                let height = segment.log_height;
                if below.replace(height).is_some_and(|below| below != height) {
                    end = usize::next_multiple_of(end, RATE);
                }
                let start = end;
                end += segment.width;
                (index, segment, start)
            })
    }

    /// The points where its columns are opened: 0 for ζ, 1 for the next.
    #[must_use]
    pub const fn points(&self) -> Range<usize> {
        0..1 + self.next as usize
    }

    /// Where the columns of each segment are in a row, in the order of segments.
    pub fn ranges(&self) -> impl Iterator<Item = (&Segment, Range<usize>)> {
        self.segments.iter().scan(0, |start, segment| {
            let from = *start;
            *start += segment.width;
            Some((segment, from..*start))
        })
    }

    /// The columns of a table in a row, those that fill up left out.
    #[must_use]
    pub fn range_of(&self, table: usize) -> Option<Range<usize>> {
        self.ranges()
            .find(|(segment, _)| segment.table == table)
            .map(|(_, range)| range)
    }

    /// Puts a row into the form of a leaf.
    #[must_use]
    pub fn pad<F: Copy>(&self, row: &[F], zero: F) -> Vec<F> {
        let mut out = Vec::with_capacity(self.padded());
        for ((_, range), (_, _, start)) in self.ranges().zip(self.starts()) {
            out.resize(start, zero);
            out.extend_from_slice(&row[range]);
        }
        out.resize(self.padded(), zero);
        out
    }
}

/// What the tables of a proof determine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// log2 of N, to which all tables are lifted.
    pub log_height: usize,
    /// log2 of the quotient's chunks.
    pub log_chunks: usize,
    /// Main, bus (if there is one), quotient, preprocessed.
    pub trees: Vec<TreeLayout>,
    /// log2 of the length of the final polynomial.
    pub log_final: usize,
}

/// log2 of the folding arity.
pub const LOG_ARITY: usize = 3;

/// Lowest log2 of N.
pub const MIN_LOG_HEIGHT: usize = 8;

/// log2 of the final polynomial's length is this or up to two more, so that all foldings have full arity.
const MIN_LOG_FINAL: usize = 2;
/// The same where no program reads it: a folding less takes more off the paths than its coefficients are.
const MIN_LOG_FINAL_OUTSIDE: usize = 5;
/// The largest log2 of the final polynomial's length in proofs that programs verify.
pub const MAX_LOG_FINAL: usize = MIN_LOG_FINAL + LOG_ARITY - 1;

impl Layout {
    /// For a list of tables that has been checked.
    #[must_use]
    pub fn new<T: Table>(airs: &AirSet<T>, profile: &Profile, instances: &InstanceList) -> Self {
        let (mut main, mut bus, mut preprocessed) = (vec![], vec![], vec![]);
        let (mut log_height, mut log_chunks) = (MIN_LOG_HEIGHT, 0);
        let (mut main_next, mut preprocessed_next) = (false, false);
        for (table, instance) in instances.tables().iter().enumerate() {
            let info = airs.info_under(instance.kind.into(), profile);
            let segment = |width| Segment {
                table,
                width,
                log_height: instance.log_height.into(),
            };
            main.push(segment(info.width));
            if !info.lookups.is_empty() {
                bus.push(segment(info.permutation_width()));
            }
            if info.preprocessed_width > 0 {
                preprocessed.push(segment(info.preprocessed_width));
            }
            main_next |= info.main_next;
            preprocessed_next |= info.preprocessed_next;
            log_height = log_height.max(instance.log_height.into());
            log_chunks = log_chunks.max(info.log_chunks);
        }
        if !bus.is_empty() {
            // As many as the densest packing of interactions needs, so that they do not depend on which tables are there.
            log_chunks = profile.most_log_chunks();
        }
        let quotient = vec![Segment {
            table: 0,
            width: EXT_DEGREE << log_chunks,
            log_height,
        }];
        let trees = [
            TreeLayout::new(TreeKind::Main, main, main_next),
            TreeLayout::new(TreeKind::Bus, bus, true),
            TreeLayout::new(TreeKind::Quotient, quotient, false),
            TreeLayout::new(TreeKind::Preprocessed, preprocessed, preprocessed_next),
        ];
        let min_log_final = match profile.for_programs {
            true => MIN_LOG_FINAL,
            false => MIN_LOG_FINAL_OUTSIDE,
        };
        Self {
            log_height,
            log_chunks,
            trees: trees.into_iter().flatten().collect(),
            log_final: min_log_final + (log_height - min_log_final) % LOG_ARITY,
        }
    }

    /// Foldings of the low-degree test.
    #[must_use]
    pub const fn rounds(&self) -> usize {
        (self.log_height - self.log_final) / LOG_ARITY
    }

    /// log2 of the domain on which the low-degree test starts.
    #[must_use]
    pub const fn log_domain(&self, profile: &Profile) -> usize {
        self.log_height + profile.log_blowup
    }

    #[must_use]
    pub fn tree(&self, kind: TreeKind) -> Option<&TreeLayout> {
        self.trees.iter().find(|tree| tree.kind == kind)
    }

    /// Tables of the proof.
    pub(crate) fn tables(&self) -> usize {
        self.tree(TreeKind::Main)
            .map_or(0, |main| main.segments.len())
    }

    /// Elements of all leaves, once per point: no less than the powers in all ladders.
    pub(crate) fn batched(&self) -> usize {
        self.openings().map(|(tree, _)| tree.padded()).sum()
    }

    /// Trees with the points where they are opened, in the order of the batching.
    pub fn openings(&self) -> impl Iterator<Item = (&TreeLayout, usize)> {
        self.trees
            .iter()
            .flat_map(|tree| tree.points().map(move |point| (tree, point)))
    }
}
