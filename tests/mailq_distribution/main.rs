//! mailq-distribution: each file is a subject, and says which.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests, on files of their own"
)]

mod check;
mod counts;
mod hostile;
mod image;
mod live;
mod troubles;
mod unseen;
mod watch;

/// The tool under test.
const TOOL: &str = env!("CARGO_BIN_EXE_mailq-distribution");
