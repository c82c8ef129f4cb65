//! The flags of day records, and what the manual page says of them.

use std::path::PathBuf;

use clap::Args;
use cli::{Block, Section};

/// `--save-day`, `--merge`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Day records")]
pub(crate) struct DaysArgs {
    /// Keep the figures of a day (--date; yesterday if it is not given) in /var/lib/relay-tools/days
    ///
    /// One record an instance, in the file DAY.HOST.jsonl. A record of the whole day is never replaced by one of a part of
    /// it, so that it can be run as often as one likes. Prints nothing.
    #[arg(long)]
    pub(crate) save_day: bool,

    /// Show the figures of these files of day records, added up, instead of those of logs
    ///
    /// Of many days, and of many hosts. See DAY RECORDS.
    #[arg(long, value_name = "FILE", num_args = 1.., value_hint = clap::ValueHint::FilePath)]
    pub(crate) merge: Vec<PathBuf>,
}

/// A section of the manual page.
pub(crate) const RECORDS: Section = Section {
    title: "DAY RECORDS",
    body: &[
        Block::Text(
            "A record is a line of JSON, schema relay-tools/instance-day/1: the figures of an instance on one day of the host's clock, \
             attempts and recipients, by provider, reason, dsn and hour, delays, which logs they are from, and whether all of the day is in it. \
             It holds no address and no domain. It is not complete if the day was not over, if a log could not be read, or if the logs \
             that are left begin later than the day; the exit status is then 1. Of a day that the logs know nothing of, and do not reach, nothing is kept.",
        ),
        Block::Text(
            "--save-day replaces a record only by a better one: one of the whole day replaces any other that says something else, and \
             one of a part of the day replaces another of a part that has fewer deliveries. Lines of the file that are no records stay.",
        ),
        Block::Text(
            "--merge counts each host, instance and day once: the same record again is passed over, and of two that differ the one \
             counts that --save-day would have kept. If both are of the whole day, that is the one read last, and a problem is told. An instance's \
             figures are those of all hosts that have one of its name. --date, --since and --until choose among the days; \
             one that is only partly in the window is left out. --by takes instance, provider, reason, dsn, hour and \
             day. With --count recipients, a recipient counts once on each day. Damaged lines and incomplete records are told of, and make the exit status 1.",
        ),
    ],
};
