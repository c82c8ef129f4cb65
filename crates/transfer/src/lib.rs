//! Moving mail between Postfix instances: the only code of these tools that changes a spool.
//!
//! snapshot → select → [`plan`] → journal → [`Move`] → [`verify`]; journal and disk → [`Move`] again.
//! Silent, and without a clock: times are arguments, and what happens on the way is told to a [`Watch`].
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests, on files of their own")
)]

mod begin;
mod deletion;
mod engine;
mod execute;
mod finder;
mod fsops;
pub mod hold;
mod job;
mod journal;
mod lock;
#[cfg(test)]
mod model;
mod mover;
mod moves;
mod observe;
mod pickup;
pub mod plan;
pub mod preflight;
pub mod protocol;
mod steps;
mod strays;
mod survey;
mod tree;
mod verdict;
pub mod verify;
mod workers;

pub use begin::Begin;
pub use deletion::{DELETED, Purged, purge};
pub use execute::{Done, Watch};
pub use fsops::{Fs, Hook, NoHook, Op};
pub use journal::{
    Became, Ended, Fate, Header, Intent, Journal, JournalError, LogMark, Rcpt, SCHEMA, Side, State,
    Summary, Totals, Trial, close, prune, summaries, unfinished,
};
pub use lock::{Claim, Holder, LockError, Locks};
pub use mover::is_passing;
pub use moves::{MOVES, Means, Move, MoveError, Past};
pub use pickup::wake_pickup;
pub use survey::{Left, Survey, survey};
pub use verdict::Accepted;
pub use workers::Workers;
