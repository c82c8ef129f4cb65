//! How figures are shown: a directory a subject, a file a format.
//!
//! - [`mail_stats`], [`totals`]: deliveries of a window, and counters that grow from run to run;
//! - [`daily`]: the daily report, as text, HTML and mail;
//! - [`distribution`], [`queue`]: what waits in the queues, counted and listed;
//! - [`instances`]: which instance sends from which address, and what is wrong there.
//!
//! Knows the published formats (JSON schemas, csv columns, metric names, table columns) and how a day is put into
//! words. The structs of JSON live here, beside the domain's own types, and bear the schema's number: docs/schemas.md
//! says what may change without a new one.
//!
//! Must not know where figures come from, judge them, read a clock, or write anywhere but into what it is given. Every
//! format says what is missing. What every format is made of (grids, numbers for people, JSON that a terminal may see)
//! is in [`legible`].
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests, on files of their own")
)]

pub mod daily;
pub mod distribution;
mod filtered;
mod held;
pub mod instances;
pub mod mail_stats;
pub mod queue;
pub mod totals;
mod troubles;
