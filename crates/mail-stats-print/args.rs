//! The flags, and what the manual page says beside them.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Parser, ValueEnum};
use cli::instances::InstanceArgs;
use cli::log_args::LogArgs;
use cli::{Block, Common, Context, Manual, Section, Tool, WindowArgs, WindowError};
use figures::bounds::MOST_ROWS;
use figures::mail_stats::{Count, Dimension};
use postfix::{Day, Window};

use crate::check_args::{CheckArgs, MONITORING};
use crate::days_args::{DaysArgs, RECORDS};
use crate::filter_args::{FILTERS, FilterArgs};
use crate::follow_args::{FOLLOWING, FollowArgs};
use crate::mode::Mode;
use crate::report_args::{REPORT, ReportArgs};

/// Show how well mail is being delivered, per Postfix instance
///
/// Counts the delivery attempts in Postfix's logs by result: sent, bounced, deferred. Without a window it reads the
/// whole current log file; with one (--date, --since, --until) it also reads the rotated logs, and only the parts of
/// them that it needs. Text inside an address or a server's reply is never taken for a result.
#[derive(Debug, Parser)]
#[command(name = "mail-stats-print", version, group(clap::ArgGroup::new("rows").args(["by", "filtered"]).multiple(true)))]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) instances: InstanceArgs,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Shape::Figures(Format::Text))]
    pub(crate) format: Shape,

    /// Break the figures down by this; repeat it or separate several with commas
    ///
    /// instance, domain (the recipient's), provider (the recipient's), relay (the server that took or refused the
    /// mail), reason (what the server's reply means), dsn (the enhanced status code), sender-domain, hour, day.
    #[arg(long, value_name = "DIMENSION", value_delimiter = ',', value_parser = dimension())]
    pub(crate) by: Vec<Dimension>,

    /// Show the N largest rows of each breakdown (and of --filtered's reasons), and the rest as one row
    ///
    /// Default: 5000, and of more than 20 instances fewer: 100000 of all together. Hours and days are the last 10000,
    /// and of more than 50 instances fewer, whatever N is.
    #[arg(long, value_name = "N", requires = "rows")]
    pub(crate) top: Option<usize>,

    /// What to count
    ///
    /// attempts: every delivery attempt. recipients: every recipient of a message once, by its last status in the
    /// window.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = CountArg::Attempts)]
    pub(crate) count: CountArg,

    /// Leave out what was handed to a program of this host, such as a content filter
    ///
    /// What was sent to a loopback address comes back as another message, whose delivery counts.
    #[arg(long)]
    pub(crate) skip_handed: bool,

    /// Print one JSON object per delivery attempt instead of figures
    #[arg(long)]
    pub(crate) events: bool,

    /// With --events: include the sender and the recipient
    #[arg(long, requires = "events")]
    pub(crate) with_recipients: bool,

    /// Show which class a reply is put in, and by which rule; "-" (or no REPLY) reads replies or log lines from
    /// standard input
    #[arg(long, value_name = "REPLY", num_args = 0..=1, default_missing_value = "-")]
    pub(crate) explain: Option<String>,

    #[command(flatten)]
    pub(crate) window: WindowArgs,

    #[command(flatten)]
    pub(crate) logs: LogArgs,

    /// Read additional reason rules from FILE instead of /etc/relay-tools/reasons.toml
    #[arg(long, value_name = "FILE", help_heading = "Tables", value_hint = clap::ValueHint::FilePath)]
    pub(crate) reasons: Option<PathBuf>,

    /// Read additions to the provider table from FILE instead of /etc/relay-tools/providers.toml
    #[arg(long, value_name = "FILE", help_heading = "Tables", value_hint = clap::ValueHint::FilePath)]
    pub(crate) providers: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) check: CheckArgs,

    #[command(flatten)]
    pub(crate) days: DaysArgs,

    #[command(flatten)]
    pub(crate) filters: FilterArgs,

    #[command(flatten)]
    pub(crate) follow: FollowArgs,

    #[command(flatten)]
    pub(crate) report: ReportArgs,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Args {
    /// Does the user say what to read? Then it may be another host's.
    pub(crate) fn names_its_logs(&self) -> bool {
        self.logs.source().is_named() || !self.days.merge.is_empty()
    }

    /// The day that is kept or reported: the last one that is over, unless another is named.
    pub(crate) fn day(&self, cx: &Context) -> Result<Day, WindowError> {
        let named = self.window.day(cx.now(), cx.zone())?;
        Ok(named.unwrap_or_else(|| Day::at(cx.now(), cx.zone()).minus(1)))
    }

    /// The window that is asked for in `mode`.
    pub(crate) fn window(&self, mode: Mode<'_>, cx: &Context) -> Result<Window, WindowError> {
        match mode {
            Mode::SaveDay | Mode::Report(_) => Ok(self.day(cx)?.window(cx.zone())),
            _ => self.window.window(cx.now(), cx.zone()),
        }
    }
}

impl Args {
    /// How many rows of a breakdown are shown at most.
    pub(crate) fn top(&self) -> usize {
        self.top.unwrap_or(MOST_ROWS)
    }
}

/// The values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// INSTANCE:STATUS:COUNT lines, with a blank line after each instance
    Text,
    /// Tables for people
    Table,
    /// One JSON object, schema relay-tools/mail-stats/1
    Json,
    /// One JSON object per instance, one a line
    Jsonl,
    /// Comma-separated values with a header
    Csv,
    /// Prometheus text format
    Prom,
}

/// How a day's report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// As text.
    Text,
    /// As a page for a browser.
    Html,
}

impl Page {
    /// The word for it, as in `--format`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Text => "report",
            Self::Html => "html",
        }
    }
}

/// The values of `--format`: figures in a format, or the report of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Figures.
    Figures(Format),
    /// The daily report.
    Report(Page),
}

impl ValueEnum for Shape {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Figures(Format::Text),
            Self::Figures(Format::Table),
            Self::Figures(Format::Json),
            Self::Figures(Format::Jsonl),
            Self::Figures(Format::Csv),
            Self::Figures(Format::Prom),
            Self::Report(Page::Text),
            Self::Report(Page::Html),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Figures(format) => format.to_possible_value(),
            Self::Report(page) => Some(PossibleValue::new(page.as_str()).help(match page {
                Page::Text => {
                    "The daily report: one day compared with the days before, with what needs attention first"
                }
                Page::Html => "The daily report as an HTML page",
            })),
        }
    }
}

/// The values of `--count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CountArg {
    /// Every delivery attempt
    Attempts,
    /// Every recipient of a message once, by its last status
    Recipients,
}

impl From<CountArg> for Count {
    fn from(count: CountArg) -> Self {
        match count {
            CountArg::Attempts => Self::Attempts,
            CountArg::Recipients => Self::Recipients,
        }
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
                        "A delivery attempt is a line TAG/SERVICE[PID]: QUEUEID: to=<...>, ... status=WORD (...) from \
                         smtp, lmtp, local, virtual, pipe, error, retry or discard. sent, bounced and deferred are \
                         counted, with SOFTBOUNCE as deferred; total is their sum. Address probes (deliverable, \
                         undeliverable) are not deliveries. A message that the queue manager gives up on is counted \
                         as expired, in every format but text, and is not part of the total.",
                    ),
                    Block::Text(
                        "The instance is the configured syslog_name that the tag begins with, the longest one; where \
                         none fits, what \
                         stands before the first slash. Delivery lines that are cut short, or say that they were \
                         repeated more than five times, \
                         are reported on standard error (how many, and of the first ones path, line, reason and text), \
                         counted as \
                         unparsed, and make the exit status 1. So do a log none of whose lines is Postfix's, messages \
                         that a syslog \
                         daemon threw away for coming too fast, and a window that no log holds, or of whose \
                         usual hours it has no line (see MONITORING).",
                    ),
                ],
            },
            MONITORING,
            RECORDS,
            FILTERS,
            FOLLOWING,
            REPORT,
            Section {
                title: "FILES",
                body: &[
                    Block::Item(
                        "/var/log/mail.log, /var/log/maillog",
                        "The log and its rotated files, named in any of the ways of logrotate and Postfix. An \
                         instance with maillog_file set is read from there instead.",
                    ),
                    Block::Item(
                        "/var/log/journal, /run/log/journal",
                        "The systemd journal, read with journalctl(1) where no syslog daemon writes the log (see \
                         --log-source). Only entries that journald itself attributes to Postfix count: written by \
                         root or the mail owner, from a unit or program of Postfix.",
                    ),
                    Block::Item(
                        "/etc/default/relay-tools",
                        "LOG_SOURCE=auto, files or journal: the default of --log-source.",
                    ),
                    Block::Item(
                        "/etc/relay-tools/reasons.toml",
                        "Rules for what a server's reply means; they are tried before the built-in ones.",
                    ),
                    Block::Item(
                        "/etc/relay-tools/judge.toml",
                        "What calls for attention: limits of shares, changes, volume, the mailq and Postfix's own \
                         complaints, over \
                         those compiled in. The report and --check judge by it.",
                    ),
                    Block::Item(
                        "/etc/relay-tools/providers.toml",
                        "Additions to the table of mailbox providers.",
                    ),
                    Block::Item(
                        "/var/lib/relay-tools/days/DAY.HOST.jsonl",
                        "The records of a day, one line per instance.",
                    ),
                ],
            },
            Section {
                title: "EXAMPLES",
                body: &[
                    Block::Text("How well is mail being delivered today?"),
                    Block::Code("mail-stats-print --date today --format table"),
                    Block::Text("Why has AOL refused mail in the last two hours?"),
                    Block::Code(
                        "mail-stats-print 'aol-*' --since 2h --by reason,dsn --format table",
                    ),
                    Block::Text("Yesterday's report, and that of another day:"),
                    Block::Code(
                        "mail-stats-print --format report\nmail-stats-print --format report --date 2026-09-19",
                    ),
                    Block::Text(
                        "Yesterday's report by mail, and day records that outlive the logs (in /etc/cron.d):",
                    ),
                    Block::Code(
                        "15 0 * * *  root  mail-stats-print --save-day\n\
                         0 7 * * *   root  mail-stats-print --format report --mail-to postmaster",
                    ),
                    Block::Text("The ten domains with the most undelivered mail:"),
                    Block::Code(
                        "mail-stats-print --count recipients --by domain --top 10 --format table",
                    ),
                    Block::Text(
                        "For a monitoring system: is AOL blocking an instance, or has one gone silent?",
                    ),
                    Block::Code("mail-stats-print --check --since 1h --warn-idle 'aol-*'"),
                    Block::Text(
                        "Keep yesterday's figures (from cron), and show those of two hosts for September:",
                    ),
                    Block::Code(
                        "mail-stats-print --save-day\n\
                         mail-stats-print --merge 2026-09-*.rustin.jsonl 2026-09-*.cleveland.jsonl --by day --format \
                         table",
                    ),
                    Block::Text(
                        "Counters for node_exporter's textfile directory (from cron, every minute):",
                    ),
                    Block::Code(
                        "mail-stats-print --follow-state /var/lib/relay-tools/follow.json --format prom --output \
                         /var/lib/prometheus/node-exporter/relay_mail.prom",
                    ),
                    Block::Text("Why is this reply classed as blocked?"),
                    Block::Code(
                        "mail-stats-print --explain '550 5.7.1 Mail from 192.0.2.1 was refused, see example.org'",
                    ),
                    Block::Text(
                        "What did the spam filter stop yesterday, and what came close to it?",
                    ),
                    Block::Code("mail-stats-print --date yesterday --filtered --format table"),
                    Block::Text("All logs of another host:"),
                    Block::Code("mail-stats-print --log cleveland/mail.log*"),
                ],
            },
        ],
        see_also: &[
            "mailq-distribution(8)",
            "queue-report(8)",
            "postconf(5)",
            "qmgr(8)",
            "smtp(8)",
            "journalctl(1)",
        ],
        checks: true,
    };

    fn common(&self) -> &Common {
        &self.common
    }
}
