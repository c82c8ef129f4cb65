//! The flags, and what the manual page says beside them.

use clap::Parser;
use cli::instances::InstanceArgs;
use cli::{Block, Common, Manual, Section, Tool};
use figures::bounds::rows;
use figures::distribution::Dimension;
use postfix::Span;

use crate::output::Format;

/// Show which Postfix instance is filling the mailq
///
/// One row per instance, the fullest first: how many messages are in each of its queues, its share of all mail, their
/// size, and the age of the oldest message. It reads the queue directories directly, and works without a running
/// Postfix.
#[derive(Debug, Parser)]
#[command(name = "mailq-distribution", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) instances: InstanceArgs,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub(crate) format: Format,

    /// Break the figures down by this; repeat it or separate several with commas
    ///
    /// domain and provider (of the recipients still waiting), sender-domain, age (of messages, in the age groups of
    /// qshape(1)). Combined with age, the others are shown by age: domain,age is what qshape(1) shows.
    #[arg(long, value_name = "DIMENSION", value_delimiter = ',', value_parser = dimension())]
    pub(crate) by: Vec<Dimension>,

    /// Show the N largest rows of each breakdown, and the rest as one row
    ///
    /// Default: 5000, and of more than 20 instances fewer: 100000 of all together.
    #[arg(long, value_name = "N", requires = "by")]
    pub(crate) top: Option<usize>,

    /// Only count the files, without opening them: no sizes, no ages
    ///
    /// Much faster with a large mailq. Files in maildrop and incoming are still examined (stat), because only their
    /// mode shows whether they are complete.
    #[arg(long, conflicts_with = "by")]
    pub(crate) counts_only: bool,

    /// Repeat every SECONDS (default 5; also 30s or 1m), and show by how much the mailq has changed
    ///
    /// On a terminal the table is redrawn in place until q or ^C is pressed; the space bar refreshes at once. Elsewhere
    /// each round is printed: tables separated by an empty line, or with --format json one object per line.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "5")]
    pub(crate) watch: Option<String>,

    /// Answer as a monitoring plugin
    ///
    /// The limits apply to each instance separately; the worst result decides. The answer is UNKNOWN if a queue could
    /// not be read, unless an instance is CRITICAL.
    #[arg(long, help_heading = "Monitoring options")]
    pub(crate) check: bool,

    /// WARNING if an instance has more than N messages
    #[arg(
        long,
        value_name = "N",
        help_heading = "Monitoring options",
        requires = "check"
    )]
    pub(crate) warn_count: Option<u64>,

    /// CRITICAL if an instance has more than N messages
    #[arg(
        long,
        value_name = "N",
        help_heading = "Monitoring options",
        requires = "check"
    )]
    pub(crate) crit_count: Option<u64>,

    /// WARNING if an instance's oldest message is older than AGE, such as 2h or 1d12h
    #[arg(
        long,
        value_name = "AGE",
        help_heading = "Monitoring options",
        requires = "check",
        conflicts_with = "counts_only"
    )]
    pub(crate) warn_age: Option<Span>,

    /// CRITICAL if an instance's oldest message is older than AGE
    #[arg(
        long,
        value_name = "AGE",
        help_heading = "Monitoring options",
        requires = "check",
        conflicts_with = "counts_only"
    )]
    pub(crate) crit_age: Option<Span>,

    /// WARNING if Postfix returns mail of an instance to its sender within SPAN, such as 12h, unless it is delivered
    ///
    /// By the instance's own maximal_queue_lifetime and bounce_queue_lifetime. Mail on hold is not tried, and so not
    /// returned.
    #[arg(
        long,
        value_name = "SPAN",
        help_heading = "Monitoring options",
        requires = "check",
        conflicts_with = "counts_only"
    )]
    pub(crate) warn_expiring: Option<Span>,

    /// CRITICAL if Postfix returns mail of an instance to its sender within SPAN
    #[arg(
        long,
        value_name = "SPAN",
        help_heading = "Monitoring options",
        requires = "check",
        conflicts_with = "counts_only"
    )]
    pub(crate) crit_expiring: Option<Span>,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Args {
    /// How many rows of a breakdown are shown at most.
    pub(crate) fn top(&self, instances: usize) -> usize {
        self.top.unwrap_or_else(|| rows(instances))
    }
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
                        "The instance rows count messages. Files in maildrop and incoming count once they are \
                         complete (mode rwx for the owner). total is the sum of all six queues, corrupt included.",
                    ),
                    Block::Text(
                        "A message's age is the time since its arrival, as recorded in the queue file. (The \
                         modification time of a deferred file is that of its next attempt.) Its size is that of its \
                         content, as shown by postqueue(1). Files in the corrupt queue are not opened: they have a \
                         size but no age, and are in no breakdown. Of mail whose arrival time is yet to come, by a \
                         clock that is or was wrong, no age is known: it is reported, and the exit status is 1.",
                    ),
                    Block::Text(
                        "Of each file no more is read than is asked for: its size and times, with --by sender-domain \
                         or --warn-expiring its sender, with --by domain or provider all of the envelope, with \
                         --counts-only nothing. A file that is shorter than its own size record says is reported in \
                         each case but the last. Other damage is seen where it is read: that a file ends behind its \
                         content, among the recipients that a filter has added, only with --by domain or provider, \
                         and in queue-report(8).",
                    ),
                    Block::Text(
                        "Breakdowns by domain and provider count recipients who have not received the message yet; \
                         those by sender-domain and age count messages. So --by domain,age counts as qshape does, and \
                         --by sender-domain,age as qshape -s does. (qshape skips messages marked by postsuper -e or \
                         -f; here they count.) An address without a domain is shown as \"-\", the null sender as \
                         \"<>\".",
                    ),
                    Block::Text(
                        "Mail moves while it is being counted: a message that changes queues meanwhile may be counted \
                         twice or not at all. Files that vanish are normal and are not reported.",
                    ),
                    Block::Text(
                        "If two instances claim the same queue directory, both show its mail, the total counts it \
                         once, and that is reported as a problem. An instance whose queue directory is missing or cannot be \
                         read has a row of zeros and is reported as a problem (except for the default instance of a \
                         host with several, if it is not enabled). Symbolic links in a queue are not followed, and \
                         anything else that is not a queue file is reported.",
                    ),
                ],
            },
            Section {
                title: "MONITORING",
                body: &[
                    Block::Text(
                        "With --check, the performance data have two values for each instance: INSTANCE, the number \
                         of messages in all of its queues, and INSTANCE_oldest, the age of the oldest in seconds (0 \
                         if there are none, U if that is not known; omitted with --counts-only). With --warn-expiring or --crit-expiring, \
                         INSTANCE_expires is the seconds until the first message is returned to its sender; it is \
                         omitted if there are none, and negative if that is due at the next attempt. Files that are damaged or cannot be \
                         opened are a WARNING, mail of no known age is UNKNOWN, and an instance whose queue directory \
                         another has, too, is CRITICAL.",
                    ),
                    Block::Code(
                        "# mailq-distribution --check --warn-count 200 --crit-count 500 --crit-age 240h\n\
                         WARNING: postfix-aol-b: 312 in the mailq, more than 200 | postfix-aol-b=312;200;500;0 \
                         postfix-aol-b_oldest=8100s;;864000;0",
                    ),
                ],
            },
            Section {
                title: "FILES",
                body: &[
                    Block::Item(
                        "/var/spool/postfix, /var/spool/postfix-*",
                        "The default queue directories; main.cf may name others.",
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
                    Block::Text("Which domains is AOL's mail waiting for, and for how long?"),
                    Block::Code("mailq-distribution 'aol-*' --by domain,age --top 20"),
                    Block::Text("A number for a script:"),
                    Block::Code(
                        "mailq-distribution --counts-only --format text | awk -F: '$2 == \"deferred\" { n += $3 } END \
                         { print n }'",
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
