//! Figures from Postfix events and queue snapshots, and their renderings. Pure: no output, no clock, no files.
//!
//! - [`providers`]: the table of big mailbox providers;
//! - [`reasons`]: what a server's reply means;
//! - [`mail_stats`]: delivery events in, counts out;
//! - [`totals`]: counters that only rise, and where in the logs they go on;
//! - [`daily`]: a day beside those before, and what needs attention;
//! - [`days`]: a day's figures kept as records, and added up again;
//! - [`history`]: how it was on the days before;
//! - [`filtered`]: what filters stopped and scored;
//! - [`distribution`]: queue files in, counts out;
//! - [`instances`]: how a host's instances are set up, and what is wrong;
//! - [`judge`]: shares of deliveries held against limits, with a confidence that fits their number;
//! - [`queue`]: queued messages in, groups and lists out;
//! - [`human`]: numbers, sizes and ages as people read them;
//! - [`toml_text`]: files that an admin wrote;
//! - [`render`]: one small module a format.

pub mod daily;
pub mod days;
pub mod distribution;
pub mod filtered;
pub mod history;
pub mod human;
pub mod instances;
pub mod judge;
pub mod mail_stats;
pub mod providers;
pub mod queue;
pub mod reasons;
pub mod render;
pub mod toml_text;
pub mod totals;
