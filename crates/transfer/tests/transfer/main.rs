//! Moves between two spools: none lost, none doubled.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;
mod crash;
mod hazards;
mod races;
