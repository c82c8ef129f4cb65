//! relay-limit: each file is a subject, and says which.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests, on files of their own"
)]

mod crash;
mod filter;
mod force;
mod guide;
mod hosts;
mod idle;
mod image;
mod killed;
mod late;
mod main_cf;
mod missing;
mod news;
mod out;
mod pausing;
mod rates;
mod react;
mod recipients;
mod refusals;
mod repeated;
mod seen;
mod strays;
mod tables;
mod terminated;
mod unapplied;
mod watched;

/// The tool under test.
const TOOL: &str = env!("CARGO_BIN_EXE_relay-limit");
