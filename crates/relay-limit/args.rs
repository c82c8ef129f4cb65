//! The flags.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use cli::Common;
use cli::WindowArgs;
use cli::instances::RequiredInstanceArgs;
use cli::lookups::ResolverArgs;
use cli::manner::Manner;
use limits::pace::Pace;
use postfix::Span;

/// Pause an instance that a provider has blocked, with an end, and bring it back
///
/// While a provider is paused at an instance, the instance's smtpd answers 450 to new mail for that provider, so that
/// list servers keep it or try the next address of the relay's name; mail already in the queue stays where it is. When
/// the pause ends, everything is as it was. Pauses are kept in a small map of their own, which must come first in the
/// instance's transport_maps (see setup); in an emergency main.cf is not touched. If
/// Postfix's processes still go by the old map after 15 seconds, pause reloads it.
///
/// relay-limit tick, run every minute by cron or a timer, ends what is due.
#[derive(Debug, Parser)]
#[command(name = "relay-limit", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check whether instances are ready to be paused; with --apply, make them ready
    ///
    /// Shows each step with what to do about it. The exit status is 1 if anything is missing.
    Setup(Setup),
    /// Pause an instance, for all its mail or one provider's, until a given time
    ///
    /// The plan is shown first, and confirmation is asked for. The command waits until Postfix is seen to refuse the
    /// mail, which takes up to 45 seconds.
    Pause(Pause),
    /// Limit an instance to N messages per minute, hour or day
    ///
    /// Sets parameters in main.cf and reloads Postfix. At the end they are put back, unless somebody has changed them
    /// meanwhile. Without --for and --until, the limit lasts until it is lifted. Refused where main.cf or master.cf was
    /// changed since Postfix was last reloaded.
    Rate(Rate),
    /// List the limits in force: since when, until when, why, and by whom
    List(List),
    /// End pauses and rate limits early
    ///
    /// Waits until Postfix is seen to take the mail again, which takes up to 45 seconds.
    Lift(Lift),
    /// List all limits ever set on this host, and how each ended
    History(History),
    /// Take an instance out of use: zone, pause, what waits, and who still comes
    ///
    /// Prints the zone's line to remove and until when resolvers hold it, pauses the instance, moves what waits to
    /// another instance of the provider that is well, and watches until no list server connects any more. If it is
    /// interrupted, the same command goes on where it stopped. The DNS is never changed.
    Out(Out),
    /// Bring an instance back: checked, its pauses lifted, and the zone's line to add
    ///
    /// All mail that waits there is then tried at once, as with lift --flush. To go more slowly, lift the pause without
    /// --flush, or set a rate first.
    In(In),
    /// Print a table by which Postfix defers 5xx refusals that are blocks
    ///
    /// Without it, mail that is refused with 5xx is returned to its sender at once, and a pause has nothing left to
    /// keep. The table is for smtp_delivery_status_filter; its first lines say how it is put in force. The cost: such
    /// mail waits up to maximal_queue_lifetime before it is returned. relay-instances --check reports a table that is
    /// not in force, or not made from the rules of today.
    Filter(Filter),
    /// Pause or slow down by rules, from what is new in the logs; for cron
    ///
    /// Does nothing unless /etc/relay-tools/react.toml has rules. With --dry-run, shows what the rules would have done
    /// over past logs: react --dry-run --date yesterday.
    React(React),
    /// End what is due, and repair what was interrupted; for cron
    ///
    /// Prints nothing if there is nothing to do. Can be run at any time, any number of times.
    Tick(Tick),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Setup {
    #[command(flatten)]
    pub(crate) instances: RequiredInstanceArgs,

    /// Make the map, add it to transport_maps with postconf, and reload Postfix
    #[arg(long)]
    pub(crate) apply: bool,

    /// Use a map of patterns (regexp), for instances with tables that answer for whole addresses
    ///
    /// Postfix does not notice changes to such a map, so it is reloaded at the beginning and the end of each pause.
    #[arg(long)]
    pub(crate) patterns: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Pause {
    /// The instance
    ///
    /// Its name with or without "postfix-" (aol-b, postfix-aol-b), its configuration directory (/etc/postfix-aol-b),
    /// the address it sends from, or "-" or "postfix" for the default instance.
    #[arg(value_name = "INSTANCE")]
    pub(crate) instance: String,

    #[command(flatten)]
    pub(crate) scope: ScopeArgs,

    #[command(flatten)]
    pub(crate) end: EndArgs,

    /// The reason, shown in list, in the log and in the 450 reply: TSS04
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,

    /// Pause even the last address of the provider, so that its mail waits at the list servers
    #[arg(long)]
    pub(crate) last: bool,

    /// Reload Postfix, so that the pause is in force at once
    #[arg(long)]
    pub(crate) reload: bool,

    /// When the pause ends, try waiting mail at once instead of at its next attempt
    #[arg(long)]
    pub(crate) flush: bool,

    #[command(flatten)]
    pub(crate) manner: Manner,

    #[command(flatten)]
    pub(crate) resolver: ResolverArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Rate {
    /// The instance
    ///
    /// Its name with or without "postfix-" (aol-b, postfix-aol-b), its configuration directory (/etc/postfix-aol-b),
    /// the address it sends from, or "-" or "postfix" for the default instance.
    #[arg(value_name = "INSTANCE")]
    pub(crate) instance: String,

    /// The limit: 600/h, 10/min or 5000/d; at most one message per second
    #[arg(value_name = "RATE")]
    pub(crate) pace: Pace,

    #[command(flatten)]
    pub(crate) end: PerhapsEnd,

    /// The reason, shown in list and in the log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,

    #[command(flatten)]
    pub(crate) manner: Manner,
}

/// Whose mail.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct ScopeArgs {
    /// Only mail for this provider's domains (aol, msn, ...); can be repeated
    ///
    /// Without --provider and --domain, all mail of the instance is paused.
    #[arg(long, value_name = "PROVIDER")]
    pub(crate) provider: Vec<String>,

    /// Only mail for this domain; can be repeated. With a leading dot, for all its subdomains
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) domain: Vec<String>,
}

/// Until when.
#[derive(Debug, Clone, ClapArgs)]
#[group(required = true, multiple = false)]
pub(crate) struct EndArgs {
    /// For how long: 90m, 4h, 1d
    #[arg(long = "for", value_name = "SPAN")]
    pub(crate) span: Option<Span>,

    /// Until when: 14:00, 2026-11-24, "2026-11-24 14:00"
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

/// Until when, if there is to be an end.
#[derive(Debug, Clone, ClapArgs)]
#[group(multiple = false)]
pub(crate) struct PerhapsEnd {
    /// For how long: 90m, 4h, 2d
    #[arg(long = "for", value_name = "SPAN")]
    pub(crate) span: Option<Span>,

    /// Until when: 14:00, 2026-11-24, "2026-11-24 14:00"
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

impl PerhapsEnd {
    /// The end, if one was given.
    pub(crate) fn given(&self) -> Option<EndArgs> {
        let is_given = self.span.is_some() || self.until.is_some();
        is_given.then(|| EndArgs {
            span: self.span,
            until: self.until.clone(),
        })
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct List {
    /// Answer as a monitoring plugin: one line, and its exit status
    ///
    /// CRITICAL: a pause is over but still in force (relay-limit tick is not running), or is not in force. WARNING: a
    /// pause is older than a day, or will not end by itself. UNKNOWN: Postfix processes are left that are older than a
    /// pause that nobody has seen in force.
    #[arg(long, conflicts_with = "format")]
    pub(crate) check: bool,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ListFormat::Text)]
    pub(crate) format: ListFormat,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Lift {
    /// What to end: an instance, for all its pauses, or one pause by its id in list
    #[arg(value_name = "INSTANCE|PAUSE")]
    pub(crate) target: String,

    /// Try waiting mail at once instead of at its next attempt
    #[arg(long)]
    pub(crate) flush: bool,

    #[command(flatten)]
    pub(crate) manner: Manner,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct History {
    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Filter {
    /// The instance, as for pause
    #[arg(value_name = "INSTANCE")]
    pub(crate) instance: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Out {
    /// The instance, as for pause
    #[arg(value_name = "INSTANCE")]
    pub(crate) instance: String,

    /// Move what waits to this instance of the same provider; by default to the one that did best in the last hour
    #[arg(long, value_name = "INSTANCE")]
    pub(crate) to: Option<String>,

    #[command(flatten)]
    pub(crate) end: EndArgs,

    /// The reason, as for pause
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,

    /// Take out even the last address of the provider
    #[arg(long)]
    pub(crate) last: bool,

    /// For how long to watch who still connects, if they do
    #[arg(long, value_name = "SPAN", default_value = "15m", value_parser = cli::parse_span)]
    pub(crate) watch: Span,

    #[command(flatten)]
    pub(crate) manner: Manner,

    #[command(flatten)]
    pub(crate) resolver: ResolverArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct In {
    /// The instance, as for pause
    #[arg(value_name = "INSTANCE")]
    pub(crate) instance: String,

    /// Bring it back although something is not in order
    #[arg(long)]
    pub(crate) anyway: bool,

    #[command(flatten)]
    pub(crate) manner: Manner,

    #[command(flatten)]
    pub(crate) resolver: ResolverArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct React {
    /// Show what the rules would have done in the window, without changing anything; by default in the last day
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Read these rules instead of /etc/relay-tools/react.toml
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) window: WindowArgs,

    #[command(flatten)]
    pub(crate) resolver: ResolverArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Tick {}

/// The values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[value(help = None)]
    Text,
    /// For programs.
    #[value(help = None)]
    Json,
}

/// The values of `list --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// For people.
    #[value(help = None)]
    Text,
    /// For programs.
    #[value(help = None)]
    Json,
    /// For node_exporter.
    #[value(help = None)]
    Prom,
}
