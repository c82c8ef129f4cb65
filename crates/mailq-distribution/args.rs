//! The flags, and what the manual page says beside them.

use clap::{Parser, ValueEnum};
use cli::instances::InstanceArgs;
use cli::{Block, Common, Manual, Section, Tool};
use figures::distribution::Dimension;
use postfix::Span;

/// Show which Postfix instance is filling the mailq
///
/// One row an instance, the fullest first: how many messages are in each of its queues, its share of all mail, the size of
/// it, and the age of the oldest message. It reads the queue directories themselves, and needs no running Postfix.
#[derive(Debug, Parser)]
#[command(name = "mailq-distribution", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) instances: InstanceArgs,

    /// How to show the figures
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub(crate) format: Format,

    /// Break the figures down; several times, or several by commas
    ///
    /// domain, provider (of the recipients who wait), sender-domain, age (of messages, in the steps of qshape(1)). With age
    /// among several, the others are shown by age: domain,age is what qshape(1) shows.
    #[arg(long, value_name = "DIMENSION", value_delimiter = ',', value_parser = dimension())]
    pub(crate) by: Vec<Dimension>,

    /// Show the N biggest rows of each breakdown, and the others as one
    #[arg(long, value_name = "N", requires = "by")]
    pub(crate) top: Option<usize>,

    /// Count the files, and open none of them: no sizes, no ages
    ///
    /// Much faster where there is much mail. Files in maildrop and incoming are examined (stat) all the same: their
    /// mode tells those that are still being written from mail.
    #[arg(long, conflicts_with = "by")]
    pub(crate) counts_only: bool,

    /// Look again every SECONDS (5 if not given), and show by how much the mailq has changed
    ///
    /// On a terminal the table is redrawn in place until q or ^C is pressed; the space bar looks again at
    /// once. Elsewhere each round is printed: tables with an
    /// empty line between them, or with --format json one object a line.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "5")]
    pub(crate) watch: Option<String>,

    /// Answer as a monitoring plugin
    ///
    /// The limits hold for each instance by itself; the worst one decides. The answer is UNKNOWN where a queue could not be
    /// read, unless another is CRITICAL.
    #[arg(long, help_heading = "Monitoring options")]
    pub(crate) check: bool,

    /// WARNING where an instance has more than N messages
    #[arg(
        long,
        value_name = "N",
        help_heading = "Monitoring options",
        requires = "check"
    )]
    pub(crate) warn_count: Option<u64>,

    /// CRITICAL where an instance has more than N messages
    #[arg(
        long,
        value_name = "N",
        help_heading = "Monitoring options",
        requires = "check"
    )]
    pub(crate) crit_count: Option<u64>,

    /// WARNING where an instance's oldest message is older than AGE, such as 2h or 1d12h
    #[arg(
        long,
        value_name = "AGE",
        help_heading = "Monitoring options",
        requires = "check",
        conflicts_with = "counts_only"
    )]
    pub(crate) warn_age: Option<Span>,

    /// CRITICAL where an instance's oldest message is older than AGE
    #[arg(
        long,
        value_name = "AGE",
        help_heading = "Monitoring options",
        requires = "check",
        conflicts_with = "counts_only"
    )]
    pub(crate) crit_age: Option<Span>,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// The values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables for people
    Table,
    /// INSTANCE:QUEUE:COUNT lines
    Text,
    /// One JSON object, schema relay-tools/mailq-distribution/1
    Json,
    /// Comma-separated values with a header
    Csv,
    /// Prometheus text format
    Prom,
}

/// Names a dimension; clap shows the names in its messages and completes them.
fn dimension() -> impl clap::builder::TypedValueParser<Value = Dimension> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    PossibleValuesParser::new(Dimension::ALL.iter().map(|d| d.as_str()))
        .try_map(|name| name.parse::<Dimension>())
}

impl Tool for Args {
    const MANUAL: Manual = Manual {
        sections: &[
            Section {
                title: "WHAT IS COUNTED",
                body: &[
                    Block::Text(
                        "The rows of instances count messages. A file in maildrop counts when it is complete (mode rwx for its owner), \
                         and so does one in incoming. total is the sum \
                         of all six queues, corrupt included.",
                    ),
                    Block::Text(
                        "The age of a message is the time since it arrived, by its own record. (The time of a deferred file is that of \
                         its next attempt.) Its size is that of its content, as postqueue(1) shows it. Files in the corrupt queue are not \
                         looked into: they have a size, but no age, and are in no breakdown.",
                    ),
                    Block::Text(
                        "Breakdowns by domain and provider count recipients who have not got the message yet; those by sender-domain \
                         and age count messages. So --by domain,age counts as qshape does, and --by sender-domain,age as qshape -s. (qshape \
                         passes over messages that postsuper -e or -f has marked; here they count.) An address without a domain is \"-\", the \
                         sender of bounces \"<>\".",
                    ),
                    Block::Text(
                        "Mail moves while it is counted: a message that passes from one queue to another meanwhile may be counted in \
                         both or in neither. That files vanish is normal, and not told.",
                    ),
                    Block::Text(
                        "Where two instances claim one queue directory, both show its mail, the total counts it once, and a warning tells \
                         of it. An instance whose queue directory is not there, or cannot be read, has a row of zeros and is told of as a \
                         problem (but not the default instance of a host with several, where it is not enabled). Symbolic links in a queue are not followed, and anything else that is no queue file is told of.",
                    ),
                ],
            },
            Section {
                title: "MONITORING",
                body: &[
                    Block::Text(
                        "With --check, the performance data have two values for each instance: INSTANCE, the messages in all of its \
                         queues, and INSTANCE_oldest, the age of the oldest one in seconds (0 where there is none; left out with \
                         --counts-only). Damaged files are mentioned, but do not change the answer.",
                    ),
                    Block::Code(
                        "# mailq-distribution --check --warn-count 200 --crit-count 500 --crit-age 2d\n\
                         WARNING: postfix-aol-b: 312 in the mailq, more than 200 | postfix-aol-b=312;200;500;0 postfix-aol-b_oldest=8100s;;172800;0",
                    ),
                ],
            },
            Section {
                title: "FILES",
                body: &[
                    Block::Item(
                        "/var/spool/postfix, /var/spool/postfix-*",
                        "The queue directories, by default; main.cf says where they are.",
                    ),
                    Block::Item(
                        "/etc/relay-tools/providers.toml",
                        "Additions to the table of mailbox providers.",
                    ),
                ],
            },
            Section {
                title: "EXAMPLES",
                body: &[
                    Block::Text("Which instance is filling the mailq, and is it getting better?"),
                    Block::Code("mailq-distribution --watch"),
                    Block::Text("Whose mail waits in AOL's instances, and for how long?"),
                    Block::Code("mailq-distribution 'aol-*' --by domain,age --top 20"),
                    Block::Text("A number for a script:"),
                    Block::Code(
                        "mailq-distribution --counts-only --format text | awk -F: '$2 == \"deferred\" { n += $3 } END { print n }'",
                    ),
                    Block::Text("For node_exporter's textfile directory, from cron:"),
                    Block::Code(
                        "mailq-distribution --format prom --output /var/lib/prometheus/node-exporter/mailq.prom",
                    ),
                ],
            },
        ],
        see_also: &[
            "queue-report(8)",
            "queue-move(8)",
            "mail-stats-print(8)",
            "postqueue(1)",
            "qshape(1)",
            "qmgr(8)",
        ],
        checks: true,
    };

    fn common(&self) -> &Common {
        &self.common
    }
}
