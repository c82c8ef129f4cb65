//! queue-move: each file is a subject, and says which.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests, on files of their own"
)]

mod bad_targets;
mod bundled;
mod canary;
mod crash;
mod crowd;
mod deleted;
mod followed;
mod hosts;
mod image;
mod live;
mod part;
mod prompt;
mod refusals;
mod restarts;
mod resumed;
mod spool;
mod unwritten;
mod upset;

/// The tool under test.
const TOOL: &str = env!("CARGO_BIN_EXE_queue-move");
