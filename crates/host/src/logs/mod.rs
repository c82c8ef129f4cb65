//! The logs that a tool reads, and whose lines in them count.
//!
//! [`Selection`] knows whose lines are asked for, [`Inputs`] which logs to read; a tool's sink asks its [`Filter`] whose a
//! line is.

mod filter;
mod inputs;
mod selection;

pub use filter::Filter;
pub use inputs::{Inputs, LogScope, LogSource, log_sets, refused};
pub use selection::Selection;
