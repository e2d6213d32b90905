//! Program inputs and outputs.
