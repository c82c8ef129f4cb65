//! The flags, and what the manual page says beside them.

use clap::{Parser, ValueEnum};
use cli::instances::RequiredInstanceArgs;
use cli::selectors::SelectorArgs;
use cli::{Block, Common, Manual, Section, Tool};
use figures::queue::{Dimension, Sort};

use crate::mode::Mode;

/// Show what is in a Postfix instance's mailq, and why it is stuck
///
/// A summary, the recipients grouped by where they are and why they wait, the senders with the most mail, then the messages
/// themselves, the oldest first. It reads the queue directory itself, and needs no running Postfix.
#[derive(Debug, Parser)]
#[command(name = "queue-report", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) instances: RequiredInstanceArgs,

    /// How to show it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub(crate) format: Format,

    /// What to group recipients by; several by commas
    ///
    /// provider, domain, relay (the server that put the mail off), reason (with queue ids, addresses and the like put out of
    /// the way), reason-class, dsn, sender, sender-domain, queue, instance.
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = dimension(), default_value = "provider,domain,reason")]
    pub(crate) group_by: Vec<Dimension>,

    /// Show the N biggest groups and senders
    ///
    /// Of table and text, 10 if not given, and all with --all; of json, all.
    #[arg(long, value_name = "N")]
    pub(crate) top: Option<usize>,

    /// In which order to list messages
    ///
    /// arrival and age (the oldest first), size (the biggest first), next (the next to be tried first), recipients (the most
    /// first), sender, queue, id.
    #[arg(long, value_name = "KEY", value_parser = sort())]
    pub(crate) sort: Option<Sort>,

    /// List messages the other way round
    #[arg(long)]
    pub(crate) reverse: bool,

    /// List all messages on a terminal too
    ///
    /// There, table and text list the first 20. In a pipe or a file they list all, and the other formats always do. --limit N
    /// lists the first N, wherever they go.
    #[arg(long, conflicts_with = "limit")]
    pub(crate) all: bool,

    /// Print queue ids alone, one a line, for postsuper -h -
    ///
    /// Of one instance: postsuper(1) works on one, and short queue ids are unique only there.
    #[arg(long)]
    pub(crate) ids: bool,

    #[command(flatten)]
    pub(crate) selectors: SelectorArgs,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// Messages listed on a terminal.
const ON_A_TERMINAL: usize = 20;

/// Groups and senders shown to people.
const TOP: usize = 10;

impl Args {
    /// How many messages are listed at most.
    pub(crate) fn limit(&self, mode: Mode, to_terminal: bool) -> usize {
        match self.selectors.limit {
            Some(limit) => limit,
            None if mode.is_for_people() && to_terminal && !self.all => ON_A_TERMINAL,
            None => usize::MAX,
        }
    }

    /// How many groups and senders are shown at most.
    pub(crate) fn top(&self, mode: Mode) -> Option<usize> {
        let usual = (mode.is_for_people() && !self.all).then_some(TOP);
        self.top.or(usual)
    }

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
            && s.larger_than.is_none()
            && s.smaller_than.is_none()
    }
}

/// The values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables for people
    Table,
    /// Lines for people, nothing cut: each message with all its recipients
    Text,
    /// One JSON object with everything, schema relay-tools/queue-report/1
    Json,
    /// One JSON object a message: what postqueue -j prints, and more
    Jsonl,
    /// Comma-separated values with a header: a row for each recipient
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
                        "The mail in maildrop, incoming, active, deferred and hold, as postqueue(1) lists it: a message's recipients are \
                         those who have not got it yet, and a reason is the one that the defer log has. Files in the corrupt queue are \
                         counted, and not looked into. Mail moves while it is read: a message that passes from one queue to another \
                         meanwhile may be shown twice or not at all. That files vanish is normal, and not told.",
                    ),
                    Block::Text(
                        "With selectors, the figures are of the messages that are meant, and the groups of those of their recipients who \
                         are. Conditions on recipients (--recipient, --domain, --provider, --reason, --reason-class, --dsn) must hold for \
                         one and the same recipient. --limit counts from the oldest message on, or in the order of --sort.",
                    ),
                    Block::Text(
                        "A group is of recipients, not of deferrals alone: who was not tried yet has the reason \"-\". In a reason, what \
                         differs from message to message is replaced by a word in capitals: IP, ADDRESS, HOST, ID, TIME, N; and the name of \
                         the server that gave it is left out. The list of messages has the reasons as they are.",
                    ),
                    Block::Text(
                        "A mailing list that codes each recipient into its sender address (VERP) is one sender, news+*@lists.example: a \
                         glob that --sender takes as well.",
                    ),
                    Block::Text(
                        "\"next\" is the time of the next attempt. \"now\" means that the time has come, and the queue manager will take \
                         the message at its next look; \"expire\", that postsuper -e or -f has asked for the message to be returned.",
                    ),
                    Block::Text(
                        "An unreadable or damaged file is told on standard error (and under \"problems\" in json), the rest is shown, and the \
                         exit status is 1. A file without a sender, such as an empty one, is no message here, as for postqueue(1); \
                         mailq-distribution(8) counts the file.",
                    ),
                ],
            },
            Section {
                title: "JSON LINES",
                body: &[
                    Block::Text(
                        "Without --sort and --limit, --format jsonl and --ids write messages as they find them, in no order, and need the same \
                         little memory for any mailq. An object of --format jsonl has what postqueue -j prints, under the same names with the \
                         same values (queue_name, queue_id, arrival_time, message_size, forced_expire, sender, recipients with address and \
                         delay_reason), and also:",
                    ),
                    Block::Item("instance", "The instance's name."),
                    Block::Item(
                        "next_attempt",
                        "Of a deferred message, when it is tried again, in seconds since 1970; else null.",
                    ),
                    Block::Item(
                        "recipients[].orig_address, dsn, reason_class",
                        "The address as the sender gave it, the enhanced status code, the class of the reason; null where not known.",
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
                    Block::Text("What AOL says, how often, in all of its instances:"),
                    Block::Code("queue-report 'aol-*' --group-by instance,reason --limit 0"),
                    Block::Text("Put on hold what is blocked, and nothing else:"),
                    Block::Code(
                        "queue-report aol-b --queue deferred --reason-class blocked --ids | postsuper -c /etc/postfix-aol-b -h -",
                    ),
                    Block::Text("The ten biggest messages that wait for more than a day:"),
                    Block::Code("queue-report aol-b --older-than 1d --sort size --limit 10"),
                    Block::Text("Each sender's recipients, with jq(1):"),
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
