//! What is put on an instance for a time, and taken off again: pauses and rates.
//!
//! Knows the map that a pause stands in, line by line; the journal that says what holds until when; how a map is
//! replaced so that nobody ever sees half of one. Must not know a terminal, the clock or the environment, and starts
//! no program: who calls brings the time, what Postfix says, and a way to run postmap(1).
//!
//! Nothing is held without an end, but a rate that an admin wants so; an end is never later than [`LONGEST`].
//!
//! The journal is the truth: it holds what is meant before anything is changed, and [`map::render`] makes of it what
//! a map must say. So whatever was interrupted is put right by doing it again.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests, on files of their own")
)]

pub mod aliases;
pub mod filter;
pub mod health;
pub mod journal;
mod limit;
pub mod map;
mod marks;
pub mod pace;
pub mod plan;
pub mod react;
mod replace;
pub mod setup;
mod stamp;

pub use journal::{Journal, JournalEntry, Record};
pub use limit::{
    Change, Ending, Hold, Limit, ParameterEdit, Pause, Rate, Removal, Scope, Standing,
};
pub use marks::{Marks, pauses};
pub use replace::{MakeIndex, MapError, MapFile, MapKind, MapSnapshot, must_be_safe};

/// Nothing is held for longer: what is to last is no pause.
pub const LONGEST: postfix::Span = postfix::Span::from_days(366);

/// Where a host keeps the journal and the lock, as the host itself names it.
pub const DIRECTORY: &str = "/var/lib/relay-tools/limits";
