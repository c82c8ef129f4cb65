//! How much of what strangers choose is kept distinct: in one place for all.
//!
//! Anyone who may write to a log, or whose server answers, makes up names, domains, codes and addresses without number.
//! What is beyond these bounds is counted, and not kept distinct.

/// Instances that are kept distinct in a log of which no configuration is known. The busiest are; a host's own logs
/// know its configured instances and [`OTHER_INSTANCES`].
pub const MOST_INSTANCES: usize = 200;

/// The name of what belongs to no instance that is kept distinct.
pub const OTHER_INSTANCES: &str = "(other)";

/// Keys of a breakdown that are kept distinct where all its rows are wanted.
pub const MOST_KEYS: usize = 1 << 20;

/// The same where only the biggest rows are shown, or few are kept: those of which there are more than one in this many
/// are certain to be among them.
pub const SOME_KEYS: usize = 1 << 14;

/// Keys that are kept distinct where the `top` rows are shown, or all.
pub fn keys(top: Option<usize>) -> usize {
    match top {
        Some(top) => SOME_KEYS.max(top.saturating_mul(64)),
        None => MOST_KEYS,
    }
}

/// Keys that are kept distinct of all instances and all breakdowns of a log together: some hundreds of megabytes.
pub const MOST_KEYS_IN_ALL: usize = 1 << 21;

/// The same of a mailq, of which more is known: each key has a file on the disk.
pub fn queued_keys(top: Option<usize>) -> usize {
    match top {
        Some(top) => (SOME_KEYS * 8).max(top.saturating_mul(64)).min(MOST_KEYS),
        None => MOST_KEYS,
    }
}

/// Rows that a breakdown has at most where nothing else is asked for (`--top`), in every format: a program that reads
/// them has no more use for a million made-up hosts than a person.
pub const MOST_ROWS: usize = 5_000;

/// The same of all instances together: a host has hundreds of instances, and a log as many names as are made up.
pub const MOST_ROWS_IN_ALL: usize = 100_000;

/// Rows that a breakdown has at most of each of so many instances, where nothing else is asked for.
pub fn rows(instances: usize) -> usize {
    MOST_ROWS.min(MOST_ROWS_IN_ALL / instances.max(1)).max(1)
}

/// Hours, or days, that a breakdown has at most: more than a year of hours.
pub const MOST_TIMES: usize = 10_000;

/// The same of all instances together: a year of hours of fifty of them.
pub const MOST_TIMES_IN_ALL: usize = 500_000;

/// The same of each of so many instances.
pub fn times(instances: usize) -> usize {
    MOST_TIMES.min(MOST_TIMES_IN_ALL / instances.max(1)).max(1)
}

/// Codes, addresses and the like that the record of a day keeps of an instance's breakdown.
pub const MOST_IN_RECORD: usize = 100;

/// The same of all instances of a day together.
pub const MOST_IN_DAY: usize = 2_000;

/// Series that a file of metrics has at most.
pub const MOST_SERIES: usize = 5_000;

/// How many instances are kept distinct in a file of metrics that has `each` series of every one.
pub fn instances(each: usize) -> usize {
    // One more for what is not kept distinct.
    let most = MOST_SERIES / each.max(1);
    most.saturating_sub(1).clamp(1, MOST_INSTANCES)
}

/// Instances that a report lists one by one, where there are more: those that need attention, and the busiest. What is
/// well is a line.
pub const LISTED: usize = 32;

/// Bytes that a report has at most as a mail.
pub const MOST_MAIL: usize = 100_000;
