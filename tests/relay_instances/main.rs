//! relay-instances: each file is a subject, and says which.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests, on files of their own"
)]

mod detours;
mod dns;
mod outlets;
mod queue;
mod states;
mod unfit;

/// The tool under test.
const TOOL: &str = env!("CARGO_BIN_EXE_relay-instances");
