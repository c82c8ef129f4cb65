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
/// The map lives on the servers that hand mail to the relays: aol.com's goes to aol.smtp.example.org, and so on. It is made
/// from the table of providers, which the statistics use, too; relay-transport prints it, checks the one in use, and
/// discovers domains that a provider hosts and the table does not know yet. It changes no file.
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
    /// Print the map that the provider table asks for, ready for postmap
    ///
    /// A line for each domain of each provider, sorted by domain. The same table gives the same bytes. A domain that no
    /// provider has is not in the map: its mail goes where relayhost or default_transport say.
    Print(Print),

    /// Check that the map in use is whole, right, and in use
    ///
    /// Ends as a monitoring plugin does. See CHECKS.
    Check(Check),

    /// Find domains that go through the relay for the rest, though a provider hosts them
    ///
    /// Reads Postfix's logs, of the relay for the rest (it delivers to the providers' hosts itself) or of a server that hands
    /// mail to it (then --mx asks the DNS). What is found is shown with its volume, the biggest first, as lines for the
    /// map and for the provider table. See DISCOVERY.
    Discover(Discover),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Print {
    #[command(flatten)]
    pub(crate) map: MapArgs,

    #[command(flatten)]
    pub(crate) resolver: ResolverArgs,

    /// How to print it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = MapFormat::Map)]
    pub(crate) format: MapFormat,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Check {
    /// Whose transport_maps; the default instance's if none is named
    ///
    /// The name with or without "postfix-", the configuration directory, the address that it sends from, or "-" or "postfix"
    /// for the default instance.
    #[arg(value_name = "INSTANCE", default_value = "-")]
    pub(crate) instance: String,

    #[command(flatten)]
    pub(crate) map: MapArgs,

    /// Which table of transport_maps is the map: hash:/etc/postfix/transport.relay, or its path alone
    ///
    /// If it is not given: the one that leads most of the providers' domains to their relays.
    #[arg(long = "map", value_name = "TABLE")]
    pub(crate) table: Option<String>,

    /// Lines with this key are the site's own; a glob, several times
    #[arg(long, value_name = "GLOB", value_parser = globset::Glob::new)]
    pub(crate) accept: Vec<globset::Glob>,

    /// Do not ask the DNS for the relay hosts
    #[arg(long, help_heading = "DNS options")]
    pub(crate) no_dns: bool,

    #[command(flatten)]
    pub(crate) resolver: ResolverArgs,

    /// The relays' configuration: a directory with a main.cf, or the image of a relay host; several times
    ///
    /// Of an image (a directory with etc/postfix-NAME below it), every instance that is named for a provider. Whether its
    /// mynetworks has this server's address is looked at.
    #[arg(long, value_name = "DIR", help_heading = "Network options", value_hint = clap::ValueHint::DirPath)]
    pub(crate) relay_config: Vec<PathBuf>,

    /// The address that the relays see this server's mail come from; several times
    ///
    /// If it is not given: what INSTANCE sends from, or else the IPv4 addresses of this machine's interfaces.
    #[arg(
        long,
        value_name = "ADDR",
        help_heading = "Network options",
        requires = "relay_config"
    )]
    pub(crate) from: Vec<IpAddr>,

    /// How to show it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = CheckFormat::Table)]
    pub(crate) format: CheckFormat,

    /// One line, as monitoring plugins answer
    #[arg(long, conflicts_with = "format")]
    pub(crate) check: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Discover {
    #[command(flatten)]
    pub(crate) instances: InstanceArgs,

    /// How to show what is found
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = DiscoverFormat::Table)]
    pub(crate) format: DiscoverFormat,

    /// Only domains with N deliveries or more
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) min: u64,

    /// Only the N domains with most deliveries
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

/// MX look-ups.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "MX options")]
pub(crate) struct MxArgs {
    /// Ask the DNS for the mail exchangers of domains that the logs do not tell about
    #[arg(long)]
    pub(crate) mx: bool,

    /// Ask this resolver instead of those in /etc/resolv.conf
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = parse_server)]
    pub(crate) resolver: Option<SocketAddr>,

    /// How long all look-ups together may take
    #[arg(long, value_name = "SPAN", requires = "mx", default_value = "60s", value_parser = parse_timeout)]
    pub(crate) timeout: Span,

    /// Look up N domains at most, those with most deliveries first
    #[arg(long, value_name = "N", requires = "mx", default_value_t = 1000)]
    pub(crate) max_lookups: usize,

    /// Have N look-ups under way at a time
    #[arg(long, value_name = "N", requires = "mx", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) concurrency: u8,

    /// Begin N look-ups a second at most
    #[arg(long, value_name = "N", requires = "mx", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rate: u32,

    /// Where answers are kept, as long as their times to live allow
    #[arg(long, value_name = "FILE", requires = "mx", default_value = "/var/lib/relay-tools/mx-cache.json", value_hint = clap::ValueHint::FilePath)]
    pub(crate) cache: PathBuf,

    /// Neither use nor keep answers
    #[arg(long, requires = "mx", conflicts_with = "cache")]
    pub(crate) no_cache: bool,
}

/// The values of `discover --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiscoverFormat {
    /// A table for people, and below it what map and toml print
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
    /// The domain that the relays' names are in: smtp.example.org of aol.smtp.example.org; or the site's, example.org
    ///
    /// It stands for DOMAIN in the provider table. If it is not given: the registrable domain of the default instance's HELO
    /// name, or else of another instance's.
    #[arg(long, value_name = "DOMAIN", value_parser = parse_domain)]
    pub(crate) domain: Option<String>,

    /// Only these providers, by name; several by commas
    ///
    /// For a site that has no relay for some of the table's providers. (A relay = "therest.smtp.DOMAIN" in the provider
    /// table sends a provider's mail to the relay for all others.)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) provider: Vec<String>,

    /// These relays exist, whatever the DNS says: a provider's or a host's name, or all; several by commas
    ///
    /// print and discover leave out the lines of a relay name that the DNS does not have: mail for it would come back. Those
    /// of providers that --provider names, and whose relay /etc/relay-tools/providers.toml names, are taken to exist.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) relays: Vec<String>,

    /// The transport of the lines: a service of master.cf
    #[arg(long, value_name = "NAME", default_value = "smtp", value_parser = transport)]
    pub(crate) transport: String,

    /// Write smtp:aol.smtp.example.org, without brackets
    ///
    /// Postfix then asks for MX records of the relay's name first. In brackets it asks for the addresses alone, and spreads
    /// the mail over all of them. A relay name whose MX records lead to all of its own addresses is written so in any case: they
    /// share its mail, as in a warm-up (relay-warmup(8), RECORDS).
    #[arg(long)]
    pub(crate) no_brackets: bool,

    /// The relays' port, if it is not 25
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,

    /// The provider table's additions, instead of /etc/relay-tools/providers.toml
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) providers: Option<PathBuf>,
}

impl MapArgs {
    /// The command that makes the same map again. All of it is in the values' narrow forms, so that it can be pasted.
    pub(crate) fn told(&self, site: &str) -> String {
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
