//! Makes a queue directory with N deferred messages and their defer logs, and leaves it: for benchmarks.
//!
//! `cargo run --release -p postfix --example make_spool -- N DIR`
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "for benchmarks"
)]

mod spool_maker;

use postfix::queue::{Layout, Spool};

fn main() {
    let mut args = std::env::args().skip(1);
    let count = args.next().unwrap().parse().unwrap();
    spool_maker::fill(&Spool::new(args.next().unwrap(), Layout::default()), count);
}
