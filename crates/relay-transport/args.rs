//! The flags.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use cli::instances::InstanceArgs;
use cli::log_args::LogArgs;
use cli::lookups::{ResolverArgs, parse_domain, parse_server, parse_timeout};
use cli::{Common, WindowArgs};
use postfix::Span;

/// Keep the transport map that sends each provider's mail to its relay
///
/// The map is used on the servers that hand mail to the relays: aol.com goes to aol.smtp.example.org, and so on. It is
/// made from the provider table, which the statistics use too. relay-transport prints the map, checks the one in use,
/// and finds domains that a provider hosts but the table does not list yet. It changes no files.
#[derive(Debug, Parser)]
#[command(name = "relay-transport", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the map for the provider table, ready for postmap
    ///
    /// One line for each domain of each provider, sorted by domain. The same table always gives the same output.
    /// Domains of no provider are not in the map: their mail goes where relayhost or default_transport send it.
    Print(Print),

    /// Check that the map is complete, correct and in use
    ///
    /// The exit status is that of a monitoring plugin. See CHECKS.
    Check(Check),

    /// Find domains that use the catch-all relay although a provider hosts them
    ///
    /// Reads Postfix's logs, either those of the catch-all relay (which delivers to the providers' hosts itself) or
    /// those of a server that hands mail to it (then use --mx to ask the DNS). Domains are shown with their volume, the
    /// largest first, as lines for the map and for the provider table. See DISCOVERY.
    Discover(Discover),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Print {
    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = MapFormat::Map)]
    pub(crate) format: MapFormat,

    #[command(flatten)]
    pub(crate) map: MapArgs,

    #[command(flatten)]
    pub(crate) resolver: ResolverArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Check {
    /// The instance whose transport_maps to check [default: the default instance]
    ///
    /// The name with or without "postfix-", the configuration directory, the address it sends from, or "-" or "postfix"
    /// for the default instance.
    #[arg(
        value_name = "INSTANCE",
        default_value = "-",
        hide_default_value = true
    )]
    pub(crate) instance: String,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = CheckFormat::Table)]
    pub(crate) format: CheckFormat,

    /// Answer as a monitoring plugin: one line, and its exit status
    #[arg(long, conflicts_with = "format")]
    pub(crate) check: bool,

    #[command(flatten)]
    pub(crate) map: MapArgs,

    /// The table of transport_maps that is the map: hash:/etc/postfix/transport.relay, or just its path
    ///
    /// Default: the table that sends most of the providers' domains to their relays.
    #[arg(long = "map", value_name = "TABLE")]
    pub(crate) table: Option<String>,

    /// Accept lines with this key as the site's own; a glob, can be repeated
    #[arg(long, value_name = "GLOB", value_parser = globset::Glob::new)]
    pub(crate) accept: Vec<globset::Glob>,

    /// Do not look up the relay hosts in the DNS
    #[arg(long, help_heading = "DNS options")]
    pub(crate) no_dns: bool,

    #[command(flatten)]
    pub(crate) resolver: ResolverArgs,

    /// Ask each relay whether it takes mail from this server: MAIL FROM:<>, RCPT TO:<postmaster@DOMAIN>, RSET, QUIT
    ///
    /// No message is sent. Each of a relay's addresses is asked, from the address that Postfix would use, and counts it
    /// as a recipient against its limits of a client, such as those of a warm-up.
    #[arg(long, help_heading = "Network options", conflicts_with = "no_dns")]
    pub(crate) ask_relays: bool,

    /// The relays' configuration: a directory with a main.cf, or the image of a relay host; can be repeated
    ///
    /// For an image (a directory with etc/postfix-NAME below it), every instance named for a provider. Checks that its
    /// mynetworks includes this server's address.
    #[arg(long, value_name = "DIR", help_heading = "Network options", value_hint = clap::ValueHint::DirPath)]
    pub(crate) relay_config: Vec<PathBuf>,

    /// The address that the relays see this server connect from; can be repeated
    ///
    /// Default: the address that INSTANCE sends from, or else the IPv4 addresses of this machine's interfaces.
    #[arg(
        long,
        value_name = "ADDR",
        help_heading = "Network options",
        requires = "relay_config"
    )]
    pub(crate) from: Vec<IpAddr>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Discover {
    #[command(flatten)]
    pub(crate) instances: InstanceArgs,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = DiscoverFormat::Table)]
    pub(crate) format: DiscoverFormat,

    /// Show only domains with at least N deliveries
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) min: u64,

    /// Show only the N domains with the most deliveries
    #[arg(long, value_name = "N")]
    pub(crate) top: Option<usize>,

    #[command(flatten)]
    pub(crate) window: WindowArgs,

    #[command(flatten)]
    pub(crate) logs: LogArgs,

    #[command(flatten)]
    pub(crate) mx: MxArgs,

    #[command(flatten)]
    pub(crate) map: MapArgs,
}

/// MX lookups.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "MX options")]
pub(crate) struct MxArgs {
    /// Look up the mail exchangers of domains that the logs cannot place
    #[arg(long)]
    pub(crate) mx: bool,

    /// Ask this resolver instead of those in /etc/resolv.conf
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = parse_server)]
    pub(crate) resolver: Option<SocketAddr>,

    /// The most time that all lookups together may take
    #[arg(long, value_name = "SPAN", default_value = "60s", value_parser = parse_timeout)]
    pub(crate) timeout: Span,

    /// Look up at most N domains, those with the most deliveries first
    #[arg(long, value_name = "N", requires = "mx", default_value_t = 1000)]
    pub(crate) max_lookups: usize,

    /// Run at most N lookups at a time
    #[arg(long, value_name = "N", requires = "mx", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) concurrency: u8,

    /// Start at most N lookups per second
    #[arg(long, value_name = "N", requires = "mx", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rate: u32,

    /// Cache answers in this file for as long as their TTLs allow
    #[arg(long, value_name = "FILE", requires = "mx", default_value = "/var/lib/relay-tools/mx-cache.json", value_hint = clap::ValueHint::FilePath)]
    pub(crate) cache: PathBuf,

    /// Do not use or write the cache
    #[arg(long, requires = "mx", conflicts_with = "cache")]
    pub(crate) no_cache: bool,
}

/// The values of `discover --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiscoverFormat {
    /// A table for people, followed by what map and toml print
    Table,
    /// Lines for the transport map
    Map,
    /// Entries for /etc/relay-tools/providers.toml
    Toml,
    /// One JSON object, schema relay-tools/transport-discover/1
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// The values of `check --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// A table for people
    Table,
    /// One JSON object, schema relay-tools/transport-check/1
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// Which map the table asks for.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Map options")]
pub(crate) struct MapArgs {
    /// The domain of the relays' names: smtp.example.org for aol.smtp.example.org; or the site's, example.org
    ///
    /// It replaces DOMAIN in the provider table. Default: the registrable domain of the default instance's HELO name,
    /// or else of another instance's.
    #[arg(long, value_name = "DOMAIN", value_parser = parse_domain)]
    pub(crate) domain: Option<String>,

    /// Only these providers; separate several with commas
    ///
    /// For a site that has no relay for some of the table's providers. (relay = "therest.smtp.DOMAIN" in the provider
    /// table sends a provider's mail to the catch-all relay.)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) provider: Vec<String>,

    /// Assume that these relays exist, whatever the DNS says: names of providers or hosts, or "all"; separate several
    /// with commas
    ///
    /// print and discover leave out lines for relay names that are not in the DNS, since mail for those would bounce,
    /// and for those that it says nothing of.
    /// Relays named in /etc/relay-tools/providers.toml are assumed to exist.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) relays: Vec<String>,

    /// The transport in the lines: a service in master.cf
    #[arg(long, value_name = "NAME", default_value = "smtp", value_parser = transport)]
    pub(crate) transport: String,

    /// Write smtp:aol.smtp.example.org, without brackets
    ///
    /// Postfix then looks up MX records of the relay's name first. With brackets it only looks up addresses, and
    /// spreads the mail over all of them. A relay name whose MX records lead to all of its own addresses is written so
    /// in any case: they share its mail, as in a warm-up (relay-warmup(8), RECORDS).
    #[arg(long)]
    pub(crate) no_brackets: bool,

    /// The relays' port, if it is not 25
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,

    /// Read additions to the provider table from FILE instead of /etc/relay-tools/providers.toml
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) providers: Option<PathBuf>,
}

impl MapArgs {
    /// The command that makes the same map again. All of it is in the values' narrow forms, so that it can be pasted.
    pub(crate) fn command(&self, site: &str) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let mut line = format!("relay-transport {version}: relay-transport print --domain {site}");
        if !self.provider.is_empty() {
            line.push_str(&format!(" --provider {}", self.provider.join(",")));
        }
        let is_plain = |name: &&String| {
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
            name.bytes().all(is_plain)
        };
        let relays: Vec<&str> = self
            .relays
            .iter()
            .filter(is_plain)
            .map(String::as_str)
            .collect();
        if !relays.is_empty() {
            line.push_str(&format!(" --relays {}", relays.join(",")));
        }
        if self.transport != "smtp" {
            line.push_str(&format!(" --transport {}", self.transport));
        }
        if self.no_brackets {
            line.push_str(" --no-brackets");
        }
        if let Some(port) = self.port {
            line.push_str(&format!(" --port {port}"));
        }
        line
    }
}

/// The values of `print --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MapFormat {
    /// The text that postmap reads
    Map,
    /// One JSON object, schema relay-tools/transport-map/1
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// The name of a service in master.cf, without what would end it in a map.
fn transport(text: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    match !text.is_empty() && text.bytes().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("not the name of a transport such as smtp or relay".to_owned()),
    }
}
