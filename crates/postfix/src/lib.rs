//! Read-only knowledge of Postfix: configuration, queue files, logs.
//!
//! Knows what main.cf and master.cf come to ([`config`], with Postfix's own defaults and expansion), what queue files
//! and defer logs say ([`queue`]), what a log line says and when it was written ([`log`]); and the types of time that
//! all other crates use: [`Time`], [`Span`], [`Day`], [`Window`], [`Zone`].
//!
//! Must not know providers, figures or what a reply means. Nothing here writes to disk, prints, reads the clock or the
//! environment: the time, the zone and the host's root directory are arguments. Parsing never fails as a whole: see
//! [`Parsed`]. A file that is gone was lost to the queue manager in a race, which is no error.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests, on files of their own")
)]
#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

pub mod config;
mod day;
mod escape;
pub mod log;
mod problem;
pub mod queue;
mod root;
mod time;
mod window;
mod words;
mod zone;

pub use day::{Day, DayError};
pub use escape::{Escaped, escape, is_plain};
pub use problem::{Parsed, Position, Problem};
pub use root::Root;
pub use time::{Span, SpanError, Time};
pub use window::{Fold, Window, instant};
pub use words::{count, either};
pub use zone::Zone;
