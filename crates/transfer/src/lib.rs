//! Moving mail between Postfix instances: the only code of these tools that changes a spool.
//!
//! snapshot → select → [`plan`] → journal → [`carry_out`] → [`verify`]; journal and disk → [`Recovery`].
//! Silent, and without a clock: times are arguments, and what happens on the way is told to a [`Watch`].

mod batch;
mod carry_out;
mod execute;
mod fsops;
pub mod hold;
mod journal;
mod lock;
#[cfg(test)]
mod model;
mod mover;
mod observe;
pub mod plan;
pub mod preflight;
pub mod protocol;
mod recover;
mod sending;
mod tree;
pub mod verify;
mod workers;

pub use carry_out::{Begin, Done, MOVES, MoveError, carry_out};
pub use execute::{Pace, Watch};
pub use fsops::{Fs, Hook, NoHook, Op};
pub use journal::{
    Ended, Fate, Header, Intent, Journal, JournalError, LogMark, Rcpt, SCHEMA, Side,
};
pub use lock::{Claim, Holder, LockError, Locks};
pub use recover::{Accepted, Recovery};
pub use workers::Workers;
