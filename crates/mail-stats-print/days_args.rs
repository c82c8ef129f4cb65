//! The flags of day records, and what the manual page says of them.

use std::path::PathBuf;

use clap::Args;
use cli::{Block, Section};

/// `--save-day`, `--merge`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Day records")]
pub(crate) struct DaysArgs {
    /// Keep a day's figures in /var/lib/relay-tools/days (--date; default: yesterday)
    ///
    /// Writes one record per instance to the file DAY.HOST.jsonl. A record of the whole day is never replaced by one of
    /// part of it, so this can be run any number of times. Prints nothing.
    #[arg(long)]
    pub(crate) save_day: bool,

    /// Show the added-up figures of these day record files instead of those of logs
    ///
    /// The files may be of many days and many hosts. See DAY RECORDS.
    #[arg(long, value_name = "FILE", num_args = 1.., value_hint = clap::ValueHint::FilePath)]
    pub(crate) merge: Vec<PathBuf>,
}

/// A section of the manual page.
pub(crate) const RECORDS: Section = Section {
    title: "DAY RECORDS",
    body: &[
        Block::Text(
            "A record is a line of JSON, schema relay-tools/instance-day/1: an instance's figures for one day of the \
             host's clock (attempts and recipients, by provider, reason, dsn and hour, and delays), which logs they \
             are from, and whether they cover the whole day. It holds no address and no domain. It is incomplete if \
             the day was not over, if a log could not be read, if the remaining logs begin after the day did, if \
             messages were thrown away, or if the log has no line for more than half an hour in which each of the \
             days before has many deliveries; the exit status is then 1, and the record says why. Nothing is kept for \
             a day that the logs do not reach.",
        ),
        Block::Text(
            "--save-day replaces a record only with a better one: a record of the whole day replaces any that differs \
             from it, and a record of part of the day replaces another partial one with fewer deliveries. Lines of \
             the file that are not records are kept.",
        ),
        Block::Text(
            "--merge counts each host, instance and day once: a repeated record is ignored, and of two that differ \
             the one that --save-day would have kept counts. If both are of the whole day, that is the one read last, \
             and a problem is reported. An instance's figures are the sum over all hosts that have an instance of \
             that name. --date, --since and --until select days; a day only partly in the window is left out. --by \
             takes instance, provider, reason, dsn, hour and day. With --count recipients, a recipient counts once on \
             each day. Damaged lines and incomplete records are reported, and the exit status is then 1.",
        ),
    ],
};
