//! The flags.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use cli::instances::{InstanceArgs, RequiredInstanceArgs};
use cli::log_args::LogSourceArgs;
use cli::lookups::{ResolverArgs, parse_domain};
use cli::{Common, Context, Failure};
use host::lookups::Questions;
use postfix::Day;

/// Warm up a new address: is it ready, how much may it send today, is it going well?
///
/// Providers judge an address by what it has sent. An address that is new and suddenly sends a lot gets blocked; so its
/// volume is raised in steps, over weeks. relay-warmup checks that everything is ready (check), plans the steps (plan),
/// with the Postfix settings that enforce them and the A records that direct mail to the address, and judges each
/// sending day by the logs (status). It prints the commands and the zone lines; only apply changes Postfix, and nothing
/// changes the DNS.
#[derive(Debug, Parser)]
#[command(name = "relay-warmup", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check that an instance is ready to send from its address
    ///
    /// Each step passes, fails or is unknown, with what to do. The exit status is that of a check, with or without
    /// --check: 0 all pass, 2 something fails, 3 something could not be determined.
    Check(Check),
    /// Plan the warm-up: how much to send on which sending day
    ///
    /// Shows the plan, with what to apply before the first day, and saves it for show and status.
    Plan(Planning),
    /// Show a saved plan, and what to apply on a sending day
    Show(Show),
    /// List the saved plans
    List(List),
    /// Judge how a warm-up is going: go on, hold, or step back, and why
    ///
    /// Uses the logs and, for days that they no longer hold, the day records of mail-stats-print --save-day.
    Status(Standing),
    /// Apply the settings of the next sending day; for cron, after midnight
    ///
    /// Applies what status says with postconf and a reload: the level's settings, or those of the level before. The
    /// zone is not changed: its lines are printed when they change. The exit status is 1 if a person must decide: the
    /// verdict is unknown, there is no lower level to step back to, the zone needs a change, or the address is warm.
    Apply(Apply),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) instances: RequiredInstanceArgs,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub(crate) format: Format,

    /// Answer as a monitoring plugin: one line, and its exit status
    #[arg(long, conflicts_with = "format")]
    pub(crate) check: bool,

    #[command(flatten)]
    pub(crate) dns: DnsArgs,
}

/// The DNS servers to ask.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "DNS options")]
pub(crate) struct DnsArgs {
    #[command(flatten)]
    pub(crate) resolver: ResolverArgs,

    /// The site's domain, which the providers' relay names are in (aol.smtp.DOMAIN)
    ///
    /// Default: the registrable domain of the instance's HELO name (example.org for aol-c.smtp.example.org), or else
    /// its mydomain.
    #[arg(long, value_name = "DOMAIN", value_parser = parse_domain)]
    pub(crate) domain: Option<String>,
}

impl DnsArgs {
    /// # Errors
    /// No server to ask is known.
    pub(crate) fn questions(&self) -> anyhow::Result<Questions> {
        Ok(Questions {
            servers: self.resolver.servers()?,
            domain: self.domain.clone(),
            timeout: self.resolver.timeout(),
        })
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Planning {
    /// The instance that sends from the new address
    ///
    /// Its name with or without "postfix-" (aol-c, postfix-aol-c), its configuration directory (/etc/postfix-aol-c), or
    /// the address.
    #[arg(value_name = "INSTANCE")]
    pub(crate) instance: String,

    /// The volume that the address should send once it is warm
    #[arg(long, value_name = "N/day", value_parser = volume)]
    pub(crate) volume: u64,

    /// The first day: YYYY-MM-DD, today or tomorrow; earlier days do not count
    #[arg(long, value_name = "DATE", default_value = "today")]
    pub(crate) start: String,

    /// The schedule: doubling, gentle, or a file of your own
    ///
    /// doubling: 200 on the first days, twice as much on each level up to 50,000 a day, then 50% more up to 100,000,
    /// 20% more above that and 10% more above 250,000; each level for three sending days, or four above 50,000. gentle:
    /// 100 on the first days, and steps half as large, each for four sending days. See SCHEDULES for files; for a file
    /// with one of these names write ./doubling.
    #[arg(long, value_name = "doubling|gentle|FILE", default_value = "doubling")]
    pub(crate) schedule: String,

    /// The volume on the first days, instead of the schedule's own
    #[arg(long, value_name = "N/day", value_parser = volume)]
    pub(crate) first: Option<u64>,

    /// Show the plan without saving it
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Replace the saved plan
    #[arg(long)]
    pub(crate) replace: bool,

    /// What each row of the table is
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = By::Day)]
    pub(crate) by: By,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub(crate) format: Format,

    #[command(flatten)]
    pub(crate) traffic: Traffic,

    #[command(flatten)]
    pub(crate) dns: DnsArgs,
}

/// What is known of the mail, and of the relay name that brings it.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Traffic options")]
pub(crate) struct Traffic {
    /// The volume of all addresses of the relay name together
    ///
    /// Default: as if all of them will send VOLUME in the end.
    #[arg(long, value_name = "N/day", value_parser = volume)]
    pub(crate) total: Option<u64>,

    /// The number of hosts that hand mail to the instance
    ///
    /// If the relay name's share is more than the instance may send, the limit for each host is set so that together
    /// they stay within it.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) clients: u32,

    /// The most recipients of one delivery
    ///
    /// Use 1 if each recipient gets a message of their own, as lists send it.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) recipients: u32,

    /// The time that a delivery takes
    ///
    /// The delivery time is added to the delay between deliveries, so the daily volume depends on it. mail-stats-print
    /// --format table shows it.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) delivery_time: u32,

    /// The relay name whose records direct mail here, if it is not the provider's, aol.smtp.DOMAIN
    #[arg(long, value_name = "NAME", value_parser = parse_domain)]
    pub(crate) relay_name: Option<String>,

    /// An old address of the relay name; can be repeated [default: as in the DNS]
    #[arg(long, value_name = "ADDR")]
    pub(crate) old: Vec<IpAddr>,

    /// The records of the relay name that share the mail
    ///
    /// a: equal shares for all addresses. mx: any share, for sending hosts whose transport map has the relay name
    /// without brackets. srv: any share, for those that run Postfix 3.8 or later with use_srv_lookup. See RECORDS.
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Records::A)]
    pub(crate) records: Records,

    /// Take old addresses out of the relay name as the new one can take over their share
    ///
    /// Without this option they stay: an address that is taken out sends nothing, and must be warmed up again when it
    /// is needed.
    #[arg(long, conflicts_with = "records")]
    pub(crate) replace_old: bool,

    /// The TTL of the records, in seconds [default: that of the name's records, 600 at most]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=604_800))]
    pub(crate) ttl: Option<u32>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Show {
    /// The instance
    #[arg(value_name = "INSTANCE")]
    pub(crate) instance: String,

    /// The sending day to show settings for, from 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) day: u32,

    /// Show the commands that restore everything to what it was before the warm-up
    #[arg(long, conflicts_with_all = ["day", "by", "format"])]
    pub(crate) undo: bool,

    /// What each row of the table is
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = By::Day)]
    pub(crate) by: By,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub(crate) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct List {
    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ListFormat::Table)]
    pub(crate) format: ListFormat,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Standing {
    #[command(flatten)]
    pub(crate) instances: InstanceArgs,

    /// The number of sending days to show
    #[arg(long, value_name = "N", default_value_t = 14)]
    pub(crate) days: usize,

    /// Judge days by the rules in FILE instead of /etc/relay-tools/warmup.toml
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) rules: Option<PathBuf>,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub(crate) format: Format,

    /// Answer as a monitoring plugin: one line, and its exit status
    ///
    /// OK to go on, WARNING to hold or restart, CRITICAL to step back, UNKNOWN if the last days are in no log or record
    /// that could be read. With -q, nothing is printed if it is OK, for use in cron.
    #[arg(long, conflicts_with = "format")]
    pub(crate) check: bool,

    #[command(flatten)]
    pub(crate) log_source: LogSourceArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(crate) instances: RequiredInstanceArgs,

    /// Show what would be changed, without changing anything
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Restore everything to what it was before the first apply
    #[arg(long)]
    pub(crate) undo: bool,

    /// Apply even if others have changed what was applied
    ///
    /// Without this option that is refused: a configuration manager would change it back again.
    #[arg(long)]
    pub(crate) force: bool,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ApplyFormat::Table)]
    pub(crate) format: ApplyFormat,

    /// Judge days by the rules in FILE instead of /etc/relay-tools/warmup.toml
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) rules: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) log_source: LogSourceArgs,
}

/// The values of `--records`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Records {
    /// A or AAAA records
    A,
    /// MX records
    Mx,
    /// SRV records
    Srv,
}

/// The values of `--by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// A sending day
    Day,
    /// A level: the sending days that have the same cap
    Level,
}

/// The values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// INSTANCE:WORD:VALUE lines; for a plan, the commands of a day for a shell
    Text,
    /// One JSON object
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// The values of `apply --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ApplyFormat {
    /// For people
    Table,
    /// One JSON object
    Json,
}

/// The values of `list --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// For people
    Table,
    /// The plans, one JSON object per line
    Jsonl,
}

/// `5000`, `5000/day`.
fn volume(text: &str) -> Result<u64, String> {
    let number = text.strip_suffix("/day").unwrap_or(text);
    let number = number.parse().ok();
    number
        .filter(|number| (1..=1_000_000_000).contains(number))
        .ok_or_else(|| "not a number of messages per day such as 5000/day".to_owned())
}

/// `1`, `0.4`: in milliseconds.
fn seconds(text: &str) -> Result<u32, String> {
    let seconds: Option<f64> = text.trim_end_matches('s').parse().ok();
    let fits = |seconds: &f64| (0.001..=3600.0).contains(seconds);
    match seconds.filter(fits) {
        Some(seconds) => Ok((seconds * 1000.0).round() as u32),
        None => Err("not a number of seconds such as 0.4".to_owned()),
    }
}

/// The day that `--start` names.
///
/// # Errors
/// It names none.
pub(crate) fn start(text: &str, cx: &Context) -> anyhow::Result<Day> {
    let today = host::history::today(cx.site());
    let day = match text {
        "today" => Some(today),
        "tomorrow" => Some(today.plus(1)),
        _ => text.parse().ok(),
    };
    day.ok_or_else(|| {
        Failure::new(format!(
            "--start: not a day: '{text}'; use today, tomorrow or YYYY-MM-DD"
        ))
        .into()
    })
}
