//! Days that are over: the figures of an instance's day as a record that outlives its logs, and records of many days
//! and hosts added up again.
//!
//! The record is a wire format, `relay-tools/instance-day/1`: one JSON object a line. It holds what [`DIMENSIONS`]
//! distinguish, delays by their values, and no address.

mod lacking;
mod merge;
mod record;
mod store;
mod wire;

pub(crate) use lacking::is_daily;
pub(crate) use merge::counted;
pub use merge::{Days, Merged};
pub use record::{DayRecord, Input, Period, records};
pub use store::{Update, replaces, stored, update};

use crate::mail_stats::Dimension;

/// The schema's name.
pub const SCHEMA: &str = "relay-tools/instance-day/1";

/// The breakdowns that a record holds. Of an instance and a day there is one record, so that they can be distinguished,
/// too.
pub const DIMENSIONS: [Dimension; 4] = [
    Dimension::Provider,
    Dimension::Reason,
    Dimension::Dsn,
    Dimension::Hour,
];

#[cfg(test)]
mod tests;
