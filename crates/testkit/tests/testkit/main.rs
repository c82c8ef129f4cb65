//! The kit does what its users rely on.
#![allow(clippy::unwrap_used, reason = "tests")]

mod hosts;
mod instances;
