//! The logs that a tool reads, and whose lines in them count.
//!
//! [`Selection`] knows whose lines are asked for, [`log_sets`] where the host's logs are, [`Inputs`] which logs to
//! read; a tool's sink asks its [`Filter`] whose a line is.

mod filter;
mod follow;
pub(crate) mod gaps;
pub(crate) mod holes;
mod hosts;
mod inputs;
mod named;
mod places;
mod rotated;
mod selection;
mod writers;

pub use filter::Filter;
pub use follow::read_new;
pub(crate) use gaps::{followed, gone};
pub use gaps::{gaps, lost, warn_empty, warn_unread};
pub use hosts::Hosts;
pub use inputs::{Inputs, LogScope, LogSource, no_instances, refused, source_of};
pub use places::{Preference, log_of, log_sets};
pub(crate) use rotated::Listed;
pub use selection::Selection;
pub use writers::open_to_others;
