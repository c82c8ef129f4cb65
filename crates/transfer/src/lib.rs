//! Moving mail between Postfix instances: the only code of these tools that changes a spool.
//!
//! snapshot → select → [`plan`] → journal → [`Move`] → [`verify`]; journal and disk → [`Move`] again.
//!
//! Knows the order of the steps ([`protocol`], which both a move and a recovery obey, and the model checks), what each
//! does to files, the journal that has it before it is done, the locks, and what stands against a move. Every change
//! goes through [`Fs`], where tests pull the power.
//!
//! Must not know a terminal, the clock or the environment: times are arguments, and a [`Watch`] hears of what happens
//! on the way. Nothing here decides by the text of a log or a reply that a message may be removed.
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
mod watch;
mod workers;

pub use begin::Begin;
pub use deletion::{Purged, purge};
pub use fsops::{Fs, Hook, NoHook, Op};
pub use journal::{
    Became, DELETED, Done, Ended, Fate, Header, Intent, Journal, JournalError, LogMark, MOVES,
    Rcpt, SCHEMA, Side, State, Summary, Totals, Trial, close, prune, summaries, unfinished,
};
pub use lock::{Claim, Holder, LockError, Locks};
pub use mover::is_passing;
pub use moves::{Means, Move, MoveError};
pub use pickup::wake_pickup;
pub use survey::{Left, Survey, survey};
pub use verdict::Accepted;
pub use watch::{Past, Watch};
pub use workers::Workers;
