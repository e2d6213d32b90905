//! The chips as one AIR type.
//!
//! A chip is a file in [`crate::chips`]: a column struct, `eval`, and trace generation. Adding one is adding that
//! file, a line to the list here, and its arm in [`crate::trace`].

use p3_air::{Air, BaseAir, WindowAccess};
use p3_matrix::dense::RowMajorMatrix;
use plica_field::Felt;

use crate::bus::ChipBuilder;
use crate::chips::arith::narrow as arith_narrow;
use crate::chips::bit_length::narrow as bit_length_narrow;
use crate::chips::bitwise::narrow as bitwise_narrow;
use crate::chips::ext3::narrow as ext3_narrow;
use crate::chips::inverse::narrow as inverse_narrow;
use crate::chips::pack::narrow as pack_narrow;
use crate::chips::power::narrow as power_narrow;
use crate::chips::single::narrow as single_narrow;
use crate::chips::u32_add::narrow as u32_add_narrow;
use crate::chips::u32_check::narrow as u32_check_narrow;
use crate::chips::u32_div::narrow as u32_div_narrow;
use crate::chips::u32_mul::narrow as u32_mul_narrow;
use crate::chips::u32_shift::narrow as u32_shift_narrow;
use crate::chips::unpack::narrow as unpack_narrow;
use crate::chips::{
    absorb, absorb_compact, addresses, advice, arith, assert, bit_length, bits, bitwise, boundary,
    change, clock, copy, ext3, frame, inverse, leave, limbs, memory_element, memory_word, node,
    node_compact, pack, power, program, rpo, rpo_compact, single, sum, tree, u32_add, u32_check,
    u32_div, u32_mul, u32_shift, unpack, word_copy,
};
use crate::code::{Class, Program};

/// What the rows of a chip are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Preprocessed: fixed by the key, which also pins the height.
    Fixed,
    /// Facts without a place in time, so many per row.
    Facts(usize),
    /// Effects in the chain of states, one per row.
    Ordered,
    /// The addresses that a run touches, one per row.
    Addresses,
    /// Facts about Merkle trees, one per row. They belong to no frame and no entry: their arguments name them.
    Trees,
    /// Facts about messages and their digests, one per row. The same is true of them.
    Messages,
}

/// Declares the chips: variant, module, name, role.
macro_rules! chips {
    ($($kind:ident $module:ident $name:literal $role:expr;)*) => {
        /// The chips, in the order in which a proof lists its instances.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum ChipKind {
            $($kind,)*
        }

        impl ChipKind {
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$kind,)*];

            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            pub const fn role(self) -> Role {
                match self {
                    $(Self::$kind => $role,)*
                }
            }

            /// Names of the constraints, in the order in which `eval` asserts them.
            pub const fn constraints(self) -> &'static [&'static str] {
                match self {
                    $(Self::$kind => $module::CONSTRAINTS,)*
                }
            }

            /// Main columns.
            pub const fn width(self) -> usize {
                match self {
                    $(Self::$kind => $module::WIDTH,)*
                }
            }
        }

        impl<AB: ChipBuilder> Air<AB> for ChipKind {
            fn eval(&self, builder: &mut AB) {
                let main = builder.main();
                let row = main.current_slice();
                match self {
                    $(Self::$kind => $module::eval(row, builder),)*
                }
            }
        }
    };
}

chips! {
    Boundary boundary "boundary" Role::Fixed;
    Program program "program" Role::Fixed;
    Limbs limbs "limbs" Role::Fixed;
    Arith arith "arith" Role::Facts(arith::BUNDLES);
    ArithNarrow arith_narrow "arith narrow" Role::Facts(arith_narrow::PER_ROW);
    Inverse inverse "inverse" Role::Facts(inverse::BUNDLES);
    InverseNarrow inverse_narrow "inverse narrow" Role::Facts(inverse_narrow::PER_ROW);
    U32Check u32_check "u32 check" Role::Facts(u32_check::FACTS);
    U32CheckNarrow u32_check_narrow "u32 check narrow" Role::Facts(u32_check_narrow::PER_ROW);
    U32Add u32_add "u32 add" Role::Facts(u32_add::FACTS);
    U32AddNarrow u32_add_narrow "u32 add narrow" Role::Facts(u32_add_narrow::PER_ROW);
    U32Mul u32_mul "u32 mul" Role::Facts(u32_mul::FACTS);
    U32MulNarrow u32_mul_narrow "u32 mul narrow" Role::Facts(u32_mul_narrow::PER_ROW);
    U32Div u32_div "u32 div" Role::Facts(u32_div::FACTS);
    U32DivNarrow u32_div_narrow "u32 div narrow" Role::Facts(u32_div_narrow::PER_ROW);
    U32Shift u32_shift "u32 shift" Role::Facts(u32_shift::FACTS);
    U32ShiftNarrow u32_shift_narrow "u32 shift narrow" Role::Facts(u32_shift_narrow::PER_ROW);
    Bitwise bitwise "bitwise" Role::Facts(bitwise::FACTS);
    BitwiseNarrow bitwise_narrow "bitwise narrow" Role::Facts(bitwise_narrow::PER_ROW);
    Power power "power" Role::Facts(power::FACTS);
    PowerNarrow power_narrow "power narrow" Role::Facts(power_narrow::PER_ROW);
    BitLength bit_length "bit length" Role::Facts(bit_length::FACTS);
    BitLengthNarrow bit_length_narrow "bit length narrow" Role::Facts(bit_length_narrow::PER_ROW);
    Bits bits "bits" Role::Facts(bits::FACTS);
    Pack pack "pack" Role::Facts(pack::FACTS);
    PackNarrow pack_narrow "pack narrow" Role::Facts(pack_narrow::PER_ROW);
    Unpack unpack "unpack" Role::Facts(unpack::FACTS);
    UnpackNarrow unpack_narrow "unpack narrow" Role::Facts(unpack_narrow::PER_ROW);
    Rpo rpo "rpo" Role::Facts(rpo::FACTS);
    RpoCompact rpo_compact "rpo compact" Role::Facts(rpo_compact::FACTS);
    Single single "single" Role::Facts(single::INSTRUCTIONS);
    SingleNarrow single_narrow "single narrow" Role::Facts(single_narrow::PER_ROW);
    Copy copy "copy" Role::Facts(1);
    WordCopy word_copy "word copy" Role::Facts(1);
    Frame frame "frame" Role::Ordered;
    Leave leave "leave" Role::Ordered;
    Assert assert "assert" Role::Ordered;
    MemoryElement memory_element "memory element" Role::Ordered;
    MemoryWord memory_word "memory word" Role::Ordered;
    Advice advice "advice" Role::Ordered;
    Clock clock "clock" Role::Ordered;
    Addresses addresses "addresses" Role::Addresses;
    Ext3 ext3 "ext3" Role::Facts(ext3::FACTS);
    Ext3Narrow ext3_narrow "ext3 narrow" Role::Facts(ext3_narrow::PER_ROW);
    Tree tree "tree" Role::Ordered;
    Node node "node" Role::Trees;
    NodeCompact node_compact "node compact" Role::Trees;
    Change change "change" Role::Trees;
    Sum sum "sum" Role::Ordered;
    Absorb absorb "absorb" Role::Messages;
    AbsorbCompact absorb_compact "absorb compact" Role::Messages;
}

impl ChipKind {
    /// The chip that has the rows of a class of entries; in some profiles it is its [`Self::twin`].
    pub const fn of(class: Class) -> Self {
        match class {
            Class::Arith => Self::Arith,
            Class::Single => Self::Single,
            Class::Inverse => Self::Inverse,
            Class::U32Check => Self::U32Check,
            Class::U32Add => Self::U32Add,
            Class::U32Mul => Self::U32Mul,
            Class::U32Div => Self::U32Div,
            Class::U32Shift => Self::U32Shift,
            Class::Bitwise => Self::Bitwise,
            Class::Power => Self::Power,
            Class::BitLength => Self::BitLength,
            Class::Bits => Self::Bits,
            Class::Pack => Self::Pack,
            Class::Unpack => Self::Unpack,
            Class::Rpo => Self::Rpo,
            Class::Ext3 => Self::Ext3,
            Class::Copy => Self::Copy,
            Class::WordCopy => Self::WordCopy,
            Class::Frame => Self::Frame,
            Class::Leave => Self::Leave,
            Class::Assert => Self::Assert,
            Class::MemoryElement => Self::MemoryElement,
            Class::MemoryWord => Self::MemoryWord,
            Class::Advice => Self::Advice,
            Class::Tree => Self::Tree,
            Class::Sum => Self::Sum,
            Class::Clock => Self::Clock,
        }
    }

    /// The chip that does the same work in fewer columns: in constraints of a higher degree, which need more quotient chunks, or with
    /// fewer facts per row ([`Self::few_columns`]).
    pub const fn twin(self) -> Option<Self> {
        match self {
            Self::Arith => Some(Self::ArithNarrow),
            Self::Inverse => Some(Self::InverseNarrow),
            Self::U32Check => Some(Self::U32CheckNarrow),
            Self::U32Add => Some(Self::U32AddNarrow),
            Self::U32Mul => Some(Self::U32MulNarrow),
            Self::U32Div => Some(Self::U32DivNarrow),
            Self::U32Shift => Some(Self::U32ShiftNarrow),
            Self::Bitwise => Some(Self::BitwiseNarrow),
            Self::Power => Some(Self::PowerNarrow),
            Self::BitLength => Some(Self::BitLengthNarrow),
            Self::Pack => Some(Self::PackNarrow),
            Self::Unpack => Some(Self::UnpackNarrow),
            Self::Single => Some(Self::SingleNarrow),
            Self::Ext3 => Some(Self::Ext3Narrow),
            Self::Rpo => Some(Self::RpoCompact),
            Self::Node => Some(Self::NodeCompact),
            Self::Absorb => Some(Self::AbsorbCompact),
            _ => None,
        }
    }

    /// A chip that exists only under profiles where columns count. There whoever verifies a proof in the machine pays for them, whatever the height of
    /// a table; elsewhere several facts per row cost fewer cells each.
    pub const fn few_columns(self) -> bool {
        matches!(
            self,
            Self::ArithNarrow
                | Self::InverseNarrow
                | Self::U32CheckNarrow
                | Self::U32AddNarrow
                | Self::U32MulNarrow
                | Self::U32DivNarrow
                | Self::U32ShiftNarrow
                | Self::BitwiseNarrow
                | Self::PowerNarrow
                | Self::BitLengthNarrow
                | Self::PackNarrow
                | Self::UnpackNarrow
                | Self::SingleNarrow
                | Self::Ext3Narrow
        )
    }

    /// Its twin if there is one and it is allowed, else the chip itself.
    #[must_use]
    pub fn or_twin(self, allowed: impl Fn(Self) -> bool) -> Self {
        self.twin().filter(|&twin| allowed(twin)).unwrap_or(self)
    }

    /// Rows of this chip take part in the chain of states.
    pub const fn ordered(self) -> bool {
        matches!(self.role(), Role::Ordered)
    }

    /// Rows of this chip are links of a chain, of states or of addresses, that closes nowhere but in the boundary because there are
    /// fewer than 2^32 of them (rules R1 and R10): a proof system must count them.
    pub const fn chained(self) -> bool {
        matches!(self.role(), Role::Ordered | Role::Addresses)
    }

    /// Fixed by the key: its preprocessed columns pin its height.
    pub const fn preprocessed(self) -> bool {
        matches!(self.role(), Role::Fixed)
    }

    /// Entries of the program that one row holds.
    pub const fn per_row(self) -> usize {
        match self.role() {
            Role::Facts(per_row) => per_row,
            Role::Fixed | Role::Ordered | Role::Addresses | Role::Trees | Role::Messages => 1,
        }
    }

    /// Whether rows of this chip look the limb table up.
    pub const fn needs_limbs(self) -> bool {
        matches!(
            self,
            Self::U32Check
                | Self::U32CheckNarrow
                | Self::U32Add
                | Self::U32AddNarrow
                | Self::U32Mul
                | Self::U32MulNarrow
                | Self::U32Div
                | Self::U32DivNarrow
                | Self::U32Shift
                | Self::U32ShiftNarrow
                | Self::Bitwise
                | Self::BitwiseNarrow
                | Self::Power
                | Self::PowerNarrow
                | Self::BitLength
                | Self::BitLengthNarrow
                | Self::MemoryElement
                | Self::MemoryWord
        )
    }

    pub const fn preprocessed_width(self) -> usize {
        match self {
            Self::Boundary => boundary::PREPROCESSED_WIDTH,
            Self::Program => program::PREPROCESSED_WIDTH,
            Self::Limbs => limbs::PREPROCESSED_WIDTH,
            _ => 0,
        }
    }
}

/// Whether the key of `code` has this preprocessed chip.
pub fn has_table(code: &Program, kind: ChipKind) -> bool {
    match kind {
        ChipKind::Limbs => code
            .entries
            .iter()
            .any(|entry| ChipKind::of(entry.class()).needs_limbs()),
        other => other.preprocessed(),
    }
}

/// The preprocessed columns of a chip, if the key of `code` has any.
pub fn preprocessed(code: &Program, kind: ChipKind) -> Option<RowMajorMatrix<Felt>> {
    has_table(code, kind).then(|| match kind {
        ChipKind::Boundary => boundary::preprocessed(code),
        ChipKind::Program => program::preprocessed(code),
        ChipKind::Limbs => limbs::preprocessed(),
        _ => unreachable!("{kind:?} has no preprocessed columns"),
    })
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

    /// Degree 3 for all but the compact twins: leaves run at blow-up 2, and the lookups of every chip pack two per column.
    fn max_constraint_degree(&self) -> Option<usize> {
        match self {
            Self::RpoCompact | Self::NodeCompact | Self::AbsorbCompact => None,
            _ => Some(3),
        }
    }
}

/// The preprocessed row as expressions.
pub(crate) fn preprocessed_row<AB: ChipBuilder, const N: usize>(builder: &AB) -> [AB::Expr; N] {
    let window = builder.preprocessed();
    let row = window.current_slice();
    std::array::from_fn(|i| row[i].into())
}

/// Views a row slice as its column struct and counts the columns.
///
/// `repr(C)` structs of one generic field type are arrays of it, which is what makes the cast sound; the length is
/// checked on every cast.
macro_rules! columns {
    ($cols:ident) => {
        /// Columns of this chip.
        pub const WIDTH: usize = std::mem::size_of::<$cols<u8>>();

        crate::chip::columns!([T] $cols<T>, $cols<u8>);
    };
    ([$($generics:tt)*] $cols:ty, $bytes:ty) => {
        impl<$($generics)*> $cols {
            /// The row as named columns.
            pub fn of(row: &[T]) -> &Self {
                assert_eq!(row.len(), std::mem::size_of::<$bytes>());
                // SAFETY: `repr(C)` with fields of type T or arrays of T only, so size = columns · size_of::<T>()
                // without padding, the alignment is T's, and the length was checked.
                unsafe { &*row.as_ptr().cast::<Self>() }
            }

            /// The row as named columns, to be written.
            pub fn of_mut(row: &mut [T]) -> &mut Self {
                assert_eq!(row.len(), std::mem::size_of::<$bytes>());
                // SAFETY: as in `of`; the borrow is unique.
                unsafe { &mut *row.as_mut_ptr().cast::<Self>() }
            }
        }
    };
}
pub(crate) use columns;

/// The columns of a chip and of its narrow twin. `Row<T, N>` has N facts; `eval_row` is written once for all N.
macro_rules! columns_with_narrow_twin {
    ($wide:ident, narrow: $narrow:literal) => {
        crate::chip::columns!([T, const N: usize] Row<T, N>, Row<u8, N>);

        pub type Cols<T> = Row<T, $wide>;

        const fn width<const N: usize>() -> usize {
            std::mem::size_of::<Row<u8, N>>()
        }

        /// Columns of this chip.
        pub const WIDTH: usize = width::<$wide>();

        pub fn eval<AB: crate::bus::ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
            eval_row(Cols::of(row), builder);
        }

        /// The twin with fewer facts per row.
        pub mod narrow {
            /// Facts per row.
            pub const PER_ROW: usize = $narrow;

            pub type Cols<T> = super::Row<T, PER_ROW>;

            /// Columns of this chip.
            pub const WIDTH: usize = super::width::<PER_ROW>();

            /// Names of the constraints: those of the first facts of a wide row.
            pub const CONSTRAINTS: &[&str] = {
                let per_fact = super::CONSTRAINTS.len() / super::$wide;
                super::CONSTRAINTS.split_at(per_fact * PER_ROW).0
            };

            pub fn eval<AB: crate::bus::ChipBuilder>(row: &[AB::Var], builder: &mut AB) {
                super::eval_row(Cols::of(row), builder);
            }
        }
    };
}
pub(crate) use columns_with_narrow_twin;

/// Names of the constraints of a row of four facts from those of one.
macro_rules! four_facts {
    ($($name:literal),* $(,)?) => {
        &[
            $(concat!("fact 0: ", $name),)*
            $(concat!("fact 1: ", $name),)*
            $(concat!("fact 2: ", $name),)*
            $(concat!("fact 3: ", $name),)*
        ]
    };
}
pub(crate) use four_facts;
