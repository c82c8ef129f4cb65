//! The flags of `--check`, and what the manual page says of it.

use std::collections::BTreeMap;

use clap::Args;
use cli::{Block, Failure, Section};
use figures::judge::Rules;
use figures::mail_stats::check::{Limit, Limits, Thresholds, Watched};

/// `--check`, and its limits.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Monitoring options")]
pub(crate) struct CheckArgs {
    /// Answer as a monitoring plugin
    ///
    /// The limits apply to each instance separately; the worst result decides. The answer is UNKNOWN if a log could not
    /// be read, unless an instance is CRITICAL.
    #[arg(long)]
    pub(crate) check: bool,

    /// WARNING if more than this of an instance's deliveries were blocked
    ///
    /// LIMIT is a number (20), or a share of the instance's deliveries (5%, 0.5%). Give the option twice to set both.
    #[arg(long, value_name = "LIMIT", requires = "check")]
    warn_blocked: Vec<Limit>,

    /// CRITICAL if more than this were blocked
    ///
    /// 100% turns judging by what is blocked off.
    #[arg(long, value_name = "LIMIT", requires = "check")]
    crit_blocked: Vec<Limit>,

    /// WARNING if more than this bounced
    #[arg(long, value_name = "LIMIT", requires = "check")]
    warn_bounced: Vec<Limit>,

    /// CRITICAL if more than this bounced
    #[arg(long, value_name = "LIMIT", requires = "check")]
    crit_bounced: Vec<Limit>,

    /// WARNING if more than this were deferred
    #[arg(long, value_name = "LIMIT", requires = "check")]
    warn_deferred: Vec<Limit>,

    /// CRITICAL if more than this were deferred
    #[arg(long, value_name = "LIMIT", requires = "check")]
    crit_deferred: Vec<Limit>,

    /// Ignore limits for instances with fewer than N deliveries
    #[arg(long, value_name = "N", requires = "check", default_value_t = 0)]
    min_volume: u64,

    /// WARNING if an instance has no deliveries at all
    ///
    /// Applies to each instance that is named; if none is, to each that is enabled (see relay-instances(8)) except the
    /// default one, which has little to deliver if there are others.
    #[arg(long, requires = "check")]
    pub(crate) warn_idle: bool,
}

impl CheckArgs {
    /// The limits that are asked for, but for the instances that must not be idle.
    ///
    /// # Errors
    /// Limits that make no sense together.
    pub(crate) fn limits(&self, rules: Rules) -> Result<Limits, Failure> {
        let thresholds = |watched: Watched, warn: &[Limit], crit: &[Limit]| {
            Thresholds::new(warn, crit).map_err(|why| {
                let word = watched.as_str();
                Failure::new(format!("--warn-{word}, --crit-{word}: {why}"))
            })
        };
        let given = [
            (Watched::Blocked, &self.warn_blocked, &self.crit_blocked),
            (Watched::Bounced, &self.warn_bounced, &self.crit_bounced),
            (Watched::Deferred, &self.warn_deferred, &self.crit_deferred),
        ];
        let given = given.iter();
        let given = given.filter(|(_, warn, crit)| !warn.is_empty() || !crit.is_empty());
        Ok(Limits {
            blocked: thresholds(Watched::Blocked, &self.warn_blocked, &self.crit_blocked)?,
            bounced: thresholds(Watched::Bounced, &self.warn_bounced, &self.crit_bounced)?,
            deferred: thresholds(Watched::Deferred, &self.warn_deferred, &self.crit_deferred)?,
            min_volume: self.min_volume,
            idle: Vec::new(),
            came: BTreeMap::new(),
            rules,
            given: given.map(|(watched, ..)| *watched).collect(),
        })
    }
}

/// A section of the manual page.
pub(crate) const MONITORING: Section = Section {
    title: "MONITORING",
    body: &[
        Block::Text(
            "--check judges deliveries that bounced, that were deferred, and that were blocked: failed, permanently \
             or temporarily, for a reason of the class blocked (the sending host's reputation, a blocklist; see --by \
             reason). A blocked delivery is also a bounced or a deferred one. Against limits that are given each attempt \
             counts, so a message that is tried repeatedly counts several times; against those of judge.toml a \
             recipient that is put off counts once. With --count recipients each counts once, by its last status.",
        ),
        Block::Text(
            "Without a window the whole current log is judged; use --since 1h for what is new. Where no \
             limit is given, those of /etc/relay-tools/judge.toml apply, or else the built-in ones: more than 1.5% \
             blocked, 10% bounced or 20% deferred is a WARNING, more than 10%, 50% and 50% is CRITICAL, each beyond \
             chance: the lower end of the share's 95% interval must be above the limit, so 4 of 4 is, and 1 of 2 is \
             not. The daily report judges by the same, and so do the alert rules, but each attempt. A limit replaces those of its own kind, \
             and is held against the number or the share itself: --warn-bounced leaves what is deferred to judge.toml.",
        ),
        Block::Text(
            "Without options of their own, three more are judged by judge.toml: messages that became too old in the \
             queue and went back to their senders (more than 5% is a WARNING, more than 25% CRITICAL, of the attempts \
             of the time when they came, as long before the window as the instance keeps mail, see \
             maximal_queue_lifetime; of those of the window, where these are more or the host's logs do not have \
             the others), what the discard(8) agent threw away, which Postfix counts as sent (10% and 50%), and how \
             long half of what was sent took (60 and 480 minutes).",
        ),
        Block::Text(
            "Postfix's own complaints are judged too: fatal or panic from master or the queue manager is CRITICAL; \
             from another daemon, like error from any, it is a WARNING. UNKNOWN means not seen: a log that cannot be \
             read, is empty or is not Postfix's, a window that no log covers, or not from \
             its beginning on, more than half an hour without a line of any program where each of the last days had 20 \
             deliveries or more (a host that was down, a log that was cut), a named log that ends before the window \
             does though there was mail all the time, messages that a syslog daemon dropped, \
             and more than 10% of an instance's delivery lines unreadable (more than 1% is a WARNING), each beyond \
             chance, or all of them, however few. A line is an instance's if that is what its first words say, even if its \
             time is in no form that is known; lines under names of no instance, which anyone may write, are only \
             counted.",
        ),
        Block::Text(
            "The performance data for each instance are: INSTANCE, its deliveries; INSTANCE_blocked, INSTANCE_bounced \
             and INSTANCE_deferred, the number of each; and, if a limit is a share, INSTANCE_blocked_rate and so on, \
             in percent, or U if the instance has no deliveries. An instance that is named or enabled is included \
             even without deliveries.",
        ),
        Block::Code(
            "# mail-stats-print --check --since 1h --warn-bounced 5% --min-volume 100 aol-a\n\
             WARNING: postfix-aol-a: 9.7% bounced (62 of 642), more than 5% | postfix-aol-a=642;;;0 \
             postfix-aol-a_blocked=4;;;0 postfix-aol-a_bounced=62;;;0 postfix-aol-a_bounced_rate=9.66%;5;;0 \
             postfix-aol-a_deferred=7;;;0",
        ),
    ],
};
