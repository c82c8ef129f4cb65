//! The flags of `--check`, and what the manual page says of it.

use clap::Args;
use cli::{Block, Failure, Section};
use figures::judge::Rules;
use figures::mail_stats::check::{Limit, Limits, Thresholds, Watched};

/// More blocked deliveries than this are critical, where no limit for them is given.
const CRIT_BLOCKED: Limit = Limit::Count(20);

/// `--check`, and its limits.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Monitoring options")]
pub(crate) struct CheckArgs {
    /// Answer as a monitoring plugin
    ///
    /// The limits hold for each instance by itself; the worst one decides. The answer is UNKNOWN where a log could not be
    /// read, unless an instance is CRITICAL.
    #[arg(long)]
    pub(crate) check: bool,

    /// WARNING where more than this of an instance's deliveries are blocked
    ///
    /// LIMIT is a number (20), or a share of the instance's deliveries (5%, 0.5%). Given twice, once as each, both hold.
    #[arg(long, value_name = "LIMIT", requires = "check")]
    warn_blocked: Vec<Limit>,

    /// CRITICAL where more than this are blocked; 20 if neither is given
    ///
    /// 100% is no limit: more cannot be.
    #[arg(long, value_name = "LIMIT", requires = "check")]
    crit_blocked: Vec<Limit>,

    /// WARNING where more than this have bounced
    #[arg(long, value_name = "LIMIT", requires = "check")]
    warn_bounced: Vec<Limit>,

    /// CRITICAL where more than this have bounced
    #[arg(long, value_name = "LIMIT", requires = "check")]
    crit_bounced: Vec<Limit>,

    /// WARNING where more than this were deferred
    #[arg(long, value_name = "LIMIT", requires = "check")]
    warn_deferred: Vec<Limit>,

    /// CRITICAL where more than this were deferred
    #[arg(long, value_name = "LIMIT", requires = "check")]
    crit_deferred: Vec<Limit>,

    /// Hold an instance with fewer than N deliveries against no limit
    #[arg(long, value_name = "N", requires = "check", default_value_t = 0)]
    min_volume: u64,

    /// WARNING where an instance has no deliveries at all
    ///
    /// Each instance that is named; if none is, each that is enabled (as relay-instances(8) shows it) but the default
    /// one, which has little to deliver where there are others.
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
            &self.warn_blocked,
            &self.crit_blocked,
            &self.warn_bounced,
            &self.crit_bounced,
            &self.warn_deferred,
            &self.crit_deferred,
        ];
        let crit_blocked = match (&*self.warn_blocked, &*self.crit_blocked) {
            ([], []) => &[CRIT_BLOCKED],
            (_, given) => given,
        };
        Ok(Limits {
            blocked: thresholds(Watched::Blocked, &self.warn_blocked, crit_blocked)?,
            bounced: thresholds(Watched::Bounced, &self.warn_bounced, &self.crit_bounced)?,
            deferred: thresholds(Watched::Deferred, &self.warn_deferred, &self.crit_deferred)?,
            min_volume: self.min_volume,
            idle: Vec::new(),
            rules,
            is_given: given.iter().any(|limits| !limits.is_empty()),
        })
    }
}

/// A section of the manual page.
pub(crate) const MONITORING: Section = Section {
    title: "MONITORING",
    body: &[
        Block::Text(
            "With --check, deliveries are judged that bounced, that were deferred, and that are blocked: failed, for good or for \
             now, for a reason of the class blocked (the sending host's reputation, a blocklist; see --by reason). A delivery that \
             is blocked is a bounced or a deferred one, too. Each attempt counts, so a message that is tried again and \
             again does so several times; with --count recipients it counts once, by its last status.",
        ),
        Block::Text(
            "Without a window the current log is judged, whole; --since 1h judges what is new. Where no limit is given, \
             /etc/relay-tools/judge.toml holds, over what is compiled in: more than 1.5 % blocked, 10 % bounced or 20 % deferred are \
             a WARNING, more than 10 %, 50 % and 50 % CRITICAL, beyond chance: the lower end of the share's 95 % interval must be \
             above, so that 4 of 4 are, and 1 of 2 are not.",
        ),
        Block::Text(
            "What Postfix says of itself is judged too: fatal or panic of master or the queue manager is CRITICAL, of another daemon, \
             and error, a WARNING. UNKNOWN is what was not seen: a log that cannot be read, is empty or none of Postfix's, a window \
             that no log holds, messages that a syslog daemon threw away, and more than 10 % of an instance's delivery lines \
             unreadable (more than 1 % is a WARNING).",
        ),
        Block::Text(
            "The performance data have for each instance: INSTANCE, its deliveries; INSTANCE_blocked, INSTANCE_bounced, \
             INSTANCE_deferred, how many of them are so; and where a limit is a share, INSTANCE_blocked_rate and so on, in \
             percent, U where the instance has no deliveries. An instance that is named or enabled has them even if it has no deliveries.",
        ),
        Block::Code(
            "# mail-stats-print --check --since 1h --warn-bounced 5% --min-volume 100 aol-a\n\
             WARNING: postfix-aol-a: 9.7% bounced (62 of 642), more than 5% | postfix-aol-a=642;;;0 \
             postfix-aol-a_blocked=4;;20;0 postfix-aol-a_bounced=62;;;0 postfix-aol-a_bounced_rate=9.66%;5;;0 postfix-aol-a_deferred=7;;;0",
        ),
    ],
};
