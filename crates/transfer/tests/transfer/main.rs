//! Moves between two spools: none lost, none doubled.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests, on files of their own; they print what they tried"
)]

mod common;
mod crash;
mod deletion;
mod hazards;
mod logs;
mod others;
mod owner;
mod races;
mod restarts;
mod slow_pickup;
mod wakes;
