//! The flags, and what the manual page says beside them.

use clap::{Parser, ValueEnum};
use cli::instances::RequiredInstanceArgs;
use cli::selectors::SelectorArgs;
use cli::{Block, Common, Manual, Section, Tool};
use figures::queue::{Dimension, Sort};

/// Show what is in a Postfix instance's mailq, and why it is stuck
///
/// A summary, the recipients grouped by provider, domain and reason, the senders with the most mail, then the messages
/// themselves, oldest first. It reads the queue directory directly, and works without a running Postfix.
#[derive(Debug, Parser)]
#[command(name = "queue-report", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) instances: RequiredInstanceArgs,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub(crate) format: Format,

    /// What to group recipients by; separate several with commas
    ///
    /// provider, domain, relay (the server that deferred the mail), reason (with queue ids, addresses and similar
    /// details masked), reason-class, dsn, sender, sender-domain, queue, instance.
    #[arg(
        long,
        value_name = "WHAT",
        value_delimiter = ',',
        value_parser = dimension(),
        default_value = "provider,domain,reason"
    )]
    pub(crate) group_by: Vec<Dimension>,

    /// Show the N largest groups and senders
    ///
    /// Default: 10 with --format table and text (all with --all), all with json.
    #[arg(long, value_name = "N")]
    pub(crate) top: Option<usize>,

    /// Order of the messages
    ///
    /// arrival or age (oldest first), size (largest first), next (earliest next attempt first), recipients (most
    /// first), sender, queue, id.
    #[arg(long, value_name = "KEY", value_parser = sort())]
    pub(crate) sort: Option<Sort>,

    /// Reverse the order of the messages
    #[arg(long)]
    pub(crate) reverse: bool,

    /// List all messages, on a terminal too
    ///
    /// On a terminal, table and text list the first 20 messages. In a pipe or a file they list all, as the other
    /// formats always do. --limit N lists the first N in any case.
    #[arg(long, conflicts_with = "limit")]
    pub(crate) all: bool,

    /// Print only queue ids, one per line, for postsuper -h -
    ///
    /// Takes one instance: postsuper(1) works on one, and short queue ids are only unique within it.
    #[arg(long)]
    pub(crate) ids: bool,

    #[command(flatten)]
    pub(crate) selectors: SelectorArgs,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Args {
    /// Are messages written in an order, and not as they are found?
    pub(crate) fn is_ordered(&self) -> bool {
        self.sort.is_some() || self.reverse || self.selectors.limit.is_some()
    }

    /// Are all messages meant?
    pub(crate) fn selects_all(&self) -> bool {
        let s = &self.selectors;
        s.queue.is_empty()
            && s.id.is_empty()
            && s.sender.is_empty()
            && s.recipient.is_empty()
            && s.domain.is_empty()
            && s.provider.is_empty()
            && s.reason.is_empty()
            && s.reason_class.is_empty()
            && s.dsn.is_empty()
            && s.older_than.is_none()
            && s.younger_than.is_none()
            && s.expires_within.is_none()
            && s.larger_than.is_none()
            && s.smaller_than.is_none()
    }
}

/// The values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables for people
    Table,
    /// Lines for people, nothing truncated: each message with all its recipients
    Text,
    /// One JSON object with everything, schema relay-tools/queue-report/1
    Json,
    /// One JSON object per message: what postqueue -j prints, and more
    Jsonl,
    /// Comma-separated values with a header: one row per recipient
    Csv,
}

/// Names a dimension; clap shows the names in its messages and completes them.
fn dimension() -> impl clap::builder::TypedValueParser<Value = Dimension> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    PossibleValuesParser::new(Dimension::ALL.iter().map(|d| d.as_str()))
        .try_map(|name| name.parse::<Dimension>())
}

/// Names an order likewise.
fn sort() -> impl clap::builder::TypedValueParser<Value = Sort> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    PossibleValuesParser::new(Sort::ALL.iter().map(|s| s.as_str()))
        .try_map(|name| name.parse::<Sort>())
}

impl Tool for Args {
    const MANUAL: Manual = Manual {
        sections: &[
            Section {
                title: "WHAT IS SHOWN",
                body: &[
                    Block::Text(
                        "The mail in maildrop, incoming, active, deferred and hold, as listed by postqueue(1): a \
                         message's recipients are those who have not received it yet, and the reason is the one in \
                         the defer log. Files in the corrupt queue are counted but not opened. Mail moves while it is \
                         being read: a message that changes queues meanwhile may be shown twice or not at all. Files \
                         that vanish are normal and are not reported.",
                    ),
                    Block::Text(
                        "With selectors, the figures cover the selected messages, and the groups their selected \
                         recipients. Conditions on recipients (--recipient, --domain, --provider, --reason, \
                         --reason-class, --dsn) must all match the same recipient. --limit counts from the oldest \
                         message, or in the order of --sort.",
                    ),
                    Block::Text(
                        "Groups contain all recipients, not just deferred ones: a recipient that was not tried yet \
                         has the reason \"-\". In a reason, details that differ from message to message are replaced \
                         by a word in capitals (IP, ADDRESS, HOST, ID, TIME, N), and the name of the server that gave \
                         it is left out. The list of messages shows the reasons as they are.",
                    ),
                    Block::Text(
                        "A mailing list that encodes each recipient in its sender address (VERP) is shown as one \
                         sender, news+*@lists.example, a glob that --sender also takes.",
                    ),
                    Block::Text(
                        "\"next\" is the time of the next attempt. \"now\" means that it is due and the queue manager \
                         will pick up the message on its next scan; \"expire\" means that postsuper -e or -f has \
                         marked the message to be returned.",
                    ),
                    Block::Text(
                        "\"expires\" is the time from which on a failed attempt returns the message to its sender, by \
                         the instance's maximal_queue_lifetime (bounce_queue_lifetime for the null sender). The clock \
                         runs from when the queue file was made: requeued and moved mail starts again. The summary \
                         counts what expires within 12 hours, or within --expires-within.",
                    ),
                    Block::Text(
                        "An unreadable or damaged file is reported on standard error (and under \"problems\" in \
                         json), the rest is shown, and the exit status is 1. A file without a sender, such as an \
                         empty one, is not listed as a message, just as with postqueue(1); mailq-distribution(8) \
                         counts the file.",
                    ),
                ],
            },
            Section {
                title: "JSON LINES",
                body: &[
                    Block::Text(
                        "Without --sort and --limit, --format jsonl and --ids write messages as they are found, in no \
                         particular order, and use the same small amount of memory for any mailq. An object of \
                         --format jsonl has what postqueue -j prints, with the same names and values (queue_name, \
                         queue_id, arrival_time, message_size, forced_expire, sender, recipients with address and \
                         delay_reason), and also:",
                    ),
                    Block::Item("instance", "The instance's name."),
                    Block::Item(
                        "next_attempt",
                        "When a deferred message will be tried again, in seconds since 1970; null for others.",
                    ),
                    Block::Item(
                        "expires",
                        "From when on a failed attempt returns it, in seconds since 1970.",
                    ),
                    Block::Item(
                        "recipients[].orig_address, dsn, reason_class",
                        "The address as given by the sender, the enhanced status code, and the reason class; null if \
                         not known.",
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
                        "/etc/relay-tools/providers.toml, /etc/relay-tools/reasons.toml",
                        "Additions to the table of mailbox providers and to the rules for reasons.",
                    ),
                ],
            },
            Section {
                title: "EXAMPLES",
                body: &[
                    Block::Text("Why is aol-b stuck?"),
                    Block::Code("queue-report aol-b"),
                    Block::Text("What does AOL say, how often, in all of its instances?"),
                    Block::Code("queue-report 'aol-*' --group-by instance,reason --limit 0"),
                    Block::Text("Put only the blocked mail on hold:"),
                    Block::Code(
                        "queue-report aol-b --queue deferred --reason-class blocked --ids | postsuper -c \
                         /etc/postfix-aol-b -h -",
                    ),
                    Block::Text("The ten largest messages that have waited for more than a day:"),
                    Block::Code("queue-report aol-b --older-than 1d --sort size --limit 10"),
                    Block::Text("The number of recipients for each sender, with jq(1):"),
                    Block::Code(
                        "queue-report aol-b --format jsonl | jq -r '[.sender, (.recipients | length)] | @tsv'",
                    ),
                ],
            },
        ],
        see_also: &[
            "mailq-distribution(8)",
            "queue-move(8)",
            "mail-stats-print(8)",
            "postqueue(1)",
            "postsuper(1)",
            "postcat(1)",
        ],
        checks: false,
    };

    fn common(&self) -> &Common {
        &self.common
    }
}
