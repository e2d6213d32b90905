//! Names: program counters and cell ids share one number space.
//!
//! ```text
//! id 0              CALL cell of a frame: (parent, return pc), given by the row that opened it
//! ids 1..=16        public inputs, in frame 0
//! ids 17..=32       public outputs, in frame 0
//! ids 8·pc + 0..=3  parameters of the region that is entered at `pc`
//! id  8·pc + 4      handle of the frame that the row at `pc` opens, a cell of the frame it stands in
//! id  8·pc + 5      exit link that the exit row at `pc` gives to the parent: the name of the last iteration
//! ids above         results of instructions
//! ```
//! Deriving these ids from the pc saves their columns; [`super::validate()`] checks that nothing else uses them.

/// Name of a cell within its frame.
pub type CellId = u32;

/// Program counter; only ordered instructions have one.
pub type Pc = u32;

/// Elements of the public stack, at entry and at halt.
pub const STACK_SIZE: usize = 16;

/// The CALL cell.
pub const CALL: CellId = 0;
/// First public input; input j (from the top of the stack) is the cell `INPUT + j` of frame 0.
pub const INPUT: CellId = 1;
/// First public output.
pub const OUTPUT: CellId = 17;
/// The smallest pc of a program.
pub const FIRST_PC: Pc = 5;
/// Ids that belong to one pc.
pub const PC_STRIDE: u32 = 8;
/// The first id that is neither fixed nor CALL.
pub const FIRST_FREE_ID: CellId = FIRST_PC * PC_STRIDE;

const _: () = assert!(FIRST_FREE_ID > OUTPUT + STACK_SIZE as u32 - 1);

/// Parameter `j` of the region entered at `pc`.
pub const fn param(pc: Pc, j: usize) -> CellId {
    pc * PC_STRIDE + j as u32
}

/// The handle of the frame opened by the row at `pc`.
pub const fn handle(pc: Pc) -> CellId {
    pc * PC_STRIDE + 4
}

/// The link given to the parent frame by the exit row at `pc`.
pub const fn exit_link(pc: Pc) -> CellId {
    pc * PC_STRIDE + 5
}

/// The first id for results in a program whose largest pc (the halt) is `halt`.
pub const fn first_pure_id(halt: Pc) -> CellId {
    (halt + 1) * PC_STRIDE
}
