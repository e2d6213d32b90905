//! The chips as one AIR type.
//!
//! A chip is a file in [`crate::chips`]: a column struct, `eval`, and trace generation. Adding one is adding that
//! file and an arm to each `match` here.

use p3_air::{Air, BaseAir, WindowAccess};
use p3_matrix::dense::RowMajorMatrix;
use plica_field::Felt;

use crate::bus::{ChipBuilder, WIDTH};
use crate::chips::{arith, assert, boundary, copy, frame, inverse, leave, program, single};
use crate::code::Program;

/// The chips, in the order in which a proof lists its instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ChipKind {
    Boundary,
    Program,
    Arith,
    Inverse,
    Copy,
    Frame,
    Leave,
    Assert,
    Single,
}

impl ChipKind {
    pub const ALL: [Self; 9] = [
        Self::Boundary,
        Self::Program,
        Self::Arith,
        Self::Inverse,
        Self::Copy,
        Self::Frame,
        Self::Leave,
        Self::Assert,
        Self::Single,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Boundary => "boundary",
            Self::Program => "program",
            Self::Arith => "arith",
            Self::Inverse => "inverse",
            Self::Copy => "copy",
            Self::Frame => "frame",
            Self::Leave => "leave",
            Self::Assert => "assert",
            Self::Single => "single",
        }
    }

    /// Rows of this chip take part in the chain of states.
    pub const fn ordered(self) -> bool {
        matches!(self, Self::Frame | Self::Leave | Self::Assert)
    }

    /// Fixed by the key: exactly one instance, whose preprocessed columns pin its height.
    pub const fn preprocessed(self) -> bool {
        matches!(self, Self::Boundary | Self::Program)
    }

    /// Names of the constraints, in the order in which `eval` asserts them.
    pub const fn constraints(self) -> &'static [&'static str] {
        match self {
            Self::Boundary => boundary::CONSTRAINTS,
            Self::Program => program::CONSTRAINTS,
            Self::Arith => arith::CONSTRAINTS,
            Self::Inverse => inverse::CONSTRAINTS,
            Self::Copy => copy::CONSTRAINTS,
            Self::Frame => frame::CONSTRAINTS,
            Self::Leave => leave::CONSTRAINTS,
            Self::Assert => assert::CONSTRAINTS,
            Self::Single => single::CONSTRAINTS,
        }
    }

    pub const fn width(self) -> usize {
        match self {
            Self::Boundary => boundary::WIDTH,
            Self::Program => program::WIDTH,
            Self::Arith => arith::WIDTH,
            Self::Inverse => inverse::WIDTH,
            Self::Copy => copy::WIDTH,
            Self::Frame => frame::WIDTH,
            Self::Leave => leave::WIDTH,
            Self::Assert => assert::WIDTH,
            Self::Single => single::WIDTH,
        }
    }

    pub const fn preprocessed_width(self) -> usize {
        match self {
            Self::Boundary => boundary::PREPROCESSED_WIDTH,
            Self::Program => program::PREPROCESSED_WIDTH,
            _ => 0,
        }
    }
}

/// The preprocessed columns of `code`, one matrix per preprocessed chip, in order.
pub fn preprocessed(code: &Program) -> Vec<RowMajorMatrix<Felt>> {
    ChipKind::ALL
        .into_iter()
        .filter_map(|kind| match kind {
            ChipKind::Boundary => Some(boundary::preprocessed(code)),
            ChipKind::Program => Some(program::preprocessed(code)),
            _ => None,
        })
        .collect()
}

/// A chip is an AIR without state: its preprocessed columns are given to key generation, its constraints need none.
impl BaseAir<Felt> for ChipKind {
    fn width(&self) -> usize {
        (*self).width()
    }

    fn preprocessed_width(&self) -> usize {
        (*self).preprocessed_width()
    }

    fn main_next_row_columns(&self) -> Vec<usize> {
        Vec::new()
    }

    fn preprocessed_next_row_columns(&self) -> Vec<usize> {
        Vec::new()
    }

    fn num_public_values(&self) -> usize {
        match self {
            Self::Boundary => boundary::NUM_PUBLIC_VALUES,
            _ => 0,
        }
    }

    /// Degree 3 everywhere: leaves run at blow-up 2, and the lookups of every chip pack two per column.
    fn max_constraint_degree(&self) -> Option<usize> {
        Some(3)
    }
}

impl<AB: ChipBuilder> Air<AB> for ChipKind {
    fn eval(&self, builder: &mut AB) {
        let main = builder.main();
        let row = main.current_slice();
        match self {
            Self::Boundary => boundary::eval(row, builder),
            Self::Program => program::eval(row, builder),
            Self::Arith => arith::eval(row, builder),
            Self::Inverse => inverse::eval(row, builder),
            Self::Copy => copy::eval(row, builder),
            Self::Frame => frame::eval(row, builder),
            Self::Leave => leave::eval(row, builder),
            Self::Assert => assert::eval(row, builder),
            Self::Single => single::eval(row, builder),
        }
    }
}

/// The preprocessed row as expressions.
pub(crate) fn preprocessed_row<AB: ChipBuilder, const N: usize>(builder: &AB) -> [AB::Expr; N] {
    let window = builder.preprocessed();
    let row = window.current_slice();
    std::array::from_fn(|i| row[i].into())
}

const _: () = assert!(program::PREPROCESSED_WIDTH == WIDTH);

/// Views a row slice as its column struct and counts the columns.
///
/// `repr(C)` structs of one generic field type are arrays of it, which is what makes the cast sound; the length is
/// checked on every cast.
macro_rules! columns {
    ($cols:ident) => {
        /// Columns of this chip.
        pub const WIDTH: usize = std::mem::size_of::<$cols<u8>>();

        impl<T> $cols<T> {
            /// The row as named columns.
            pub fn of(row: &[T]) -> &Self {
                assert_eq!(row.len(), WIDTH);
                // SAFETY: `repr(C)` with fields of type T or arrays of T only, so size = WIDTH · size_of::<T>()
                // without padding, the alignment is T's, and the length was checked.
                unsafe { &*row.as_ptr().cast::<Self>() }
            }

            /// The row as named columns, to be written.
            pub fn of_mut(row: &mut [T]) -> &mut Self {
                assert_eq!(row.len(), WIDTH);
                // SAFETY: as in `of`; the borrow is unique.
                unsafe { &mut *row.as_mut_ptr().cast::<Self>() }
            }
        }
    };
}
pub(crate) use columns;
