//! The machine: code, buses, chips.
//!
//! The machine has no CPU table. A value is a *cell* named by (frame, id) and written once; the row that
//! computes it provides the cell, every reader consumes one copy of it. Instructions whose result is a function
//! of their operands are *facts* without a clock; only effects (frames, branches, assertions) are *ordered* by
//! the state (clk, pc, fp), which travels from row to row over the bus. `docs/machine.md` is the long form.
//!
//! * [`code`]: what a program is: entries of the program table, blocks and regions, and the validator.
//! * [`bus`]: the one bus of the machine, a function per kind of message.
//! * [`chips`]: a file per chip: columns, constraints, interactions, trace generation.
//! * [`chip`]: [`chip::ChipKind`], the chips as the one AIR type that the proof system is given.
//! * [`record`]: what an execution leaves behind; [`trace`]: from that record to the matrices of all chips.
//! * [`check`]: row-by-row constraint and bus checker, for tests and debugging.

pub mod bus;
pub mod check;
pub mod chip;
pub mod chips;
pub mod code;
pub mod record;
#[cfg(test)]
mod testing;
pub mod trace;
