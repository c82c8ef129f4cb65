//! relay-warmup: each file is a subject, and says which.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests, on files of their own"
)]

mod apply;
mod check;
mod dns;
mod outflow;
mod pace;
mod shares;
mod status;

/// The tool under test.
const TOOL: &str = env!("CARGO_BIN_EXE_relay-warmup");
