//! Events and snapshots in, figures and verdicts out. Pure: no output, no clock, no files.
//!
//! - [`mail_stats`]: delivery events in, counts out;
//! - [`totals`]: counters that only rise, and where in the logs the counting continues;
//! - [`daily`]: a day beside those before, and what needs attention;
//! - [`days`]: a day's figures kept as records, and added up again;
//! - [`history`]: how it was on the days before;
//! - [`complaints`]: what Postfix says of itself;
//! - [`gaps`]: what the logs lack;
//! - [`filtered`]: what filters stopped and scored;
//! - [`distribution`]: queue files in, counts out;
//! - [`instances`]: how a host's instances are set up, and what is wrong;
//! - [`judge`]: shares of deliveries held against limits, with a confidence that fits their number;
//! - [`queue`]: queued messages in, groups and lists out;
//! - [`held`], [`mod@advice`]: what relay-limit holds, and what to do about refusals;
//! - [`verdict`]: what was found, in one line for a monitoring system.
//!
//! Must not know formats: how a figure is shown is the crate `show`'s to say.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests, on files of their own")
)]

pub mod advice;
mod age;
pub mod bounds;
pub mod complaints;
pub mod daily;
pub mod days;
mod dimensions;
pub mod distribution;
pub mod filtered;
pub mod gaps;
pub mod held;
pub mod history;
pub mod instances;
pub mod judge;
pub mod keyed;
pub mod mail_stats;
pub mod places;
pub mod queue;
pub mod totals;
pub mod verdict;
