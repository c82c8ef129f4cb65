//! The kit does what its users rely on.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests, on files of their own"
)]

mod hosts;
mod instances;
