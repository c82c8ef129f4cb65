//! The flags, and what the manual page says beside them.

use std::net::SocketAddr;

use clap::Parser;
use cli::instances::InstanceArgs;
use cli::lookups::{parse_domain, parse_server, parse_timeout};
use cli::{Block, Common, Manual, Section, Tool};
use postfix::Span;

use crate::output::Format;

/// Show which Postfix instance sends from which IP address, and whether its DNS is in order
///
/// Lists the host's instances: group, enabled or not, running since when, the addresses they send from and the
/// interfaces that have them, HELO name, queue directory; and below, what is wrong with them. Give an address as
/// INSTANCE to find the instance that sends from it.
#[derive(Debug, Parser)]
#[command(name = "relay-instances", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) instances: InstanceArgs,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub(crate) format: Format,

    /// Show more about each instance
    ///
    /// Its configuration and data directories, mail_owner, syslog_name, log, what it listens on (master.cf), the rate
    /// limits in effect, and whether pickup is enabled. JSON and CSV always include all of this.
    #[arg(long)]
    pub(crate) wide: bool,

    /// Check the DNS records of each address
    ///
    /// All queries are sent at once. See DNS.
    #[arg(long, help_heading = "DNS options")]
    pub(crate) check_dns: bool,

    /// Ask this resolver instead of those in /etc/resolv.conf
    #[arg(long, value_name = "ADDR[:PORT]", help_heading = "DNS \
        options", requires = "check_dns", value_parser = parse_server)]
    pub(crate) resolver: Option<SocketAddr>,

    /// The site's domain, which the providers' relay names are in (aol.smtp.DOMAIN)
    ///
    /// Default: the registrable domain of an instance's HELO name (example.org for aol-a.smtp.example.org), or else its
    /// mydomain.
    #[arg(long, value_name = "DOMAIN", help_heading = "DNS \
        options", requires = "check_dns", value_parser = parse_domain)]
    pub(crate) domain: Option<String>,

    /// The most time that all lookups together may take
    #[arg(long, value_name = "SPAN", help_heading = "DNS \
        options", requires = "check_dns", default_value = "10s", value_parser = parse_timeout)]
    pub(crate) timeout: Span,

    /// Answer as a monitoring plugin: one line, and its exit status
    ///
    /// With --check-dns, the answer includes the DNS.
    #[arg(long, help_heading = "Monitoring options")]
    pub(crate) check: bool,

    /// Accept a filter or table as the site's own; a glob, can be repeated
    ///
    /// One of the words that the finding begins with: content_filter (where a service takes the mail back),
    /// header_checks, regexp:/etc/postfix/headers.
    #[arg(long, value_name = "GLOB", help_heading = "Monitoring options", value_parser = globset::Glob::new)]
    pub(crate) accept: Vec<globset::Glob>,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Args {
    /// Is what master.cf lists part of the answer?
    pub(crate) fn wants_services(&self) -> bool {
        self.wide || self.check || matches!(self.format, Format::Json | Format::Csv)
    }
}

impl Tool for Args {
    const MANUAL: Manual = Manual {
        sections: &[
            Section {
                title: "WHAT IS SHOWN",
                body: &[
                    Block::Item(
                        "enabled",
                        "Whether \"postfix start\" in the default instance starts it: multi_instance_enable is set, \
                         and the default instance's multi_instance_directories lists it.",
                    ),
                    Block::Item(
                        "running since",
                        "When its master daemon was started, or \"no\". A running master holds a lock on \
                         pid/master.pid in the queue directory; no process is signalled. Needs root.",
                    ),
                    Block::Item(
                        "bind address",
                        "smtp_bind_address and smtp_bind_address6, or else the only address in inet_interfaces, for \
                         each SMTP client that mail leaves through: that of default_transport and those that \
                         transport_maps leads to, with the -o options of their lines in master.cf. \"-\" means that \
                         the system chooses.",
                    ),
                    Block::Item(
                        "interface",
                        "The interface that has the address, or MISSING: Postfix then logs a warning, and mail leaves \
                         from another address.",
                    ),
                    Block::Text(
                        "For a host image (--root), what is running and which interface has which address cannot be \
                         known and is shown as unknown. The DNS is still queried.",
                    ),
                ],
            },
            Section {
                title: "FINDINGS",
                body: &[
                    Block::Text(
                        "The table is followed by what is wrong; the answer of --check has the same:",
                    ),
                    Block::Item(
                        "CRITICAL",
                        "Two instances share a queue or data directory. Postfix does not start with a main.cf. For an \
                         instance that is enabled or running: an address is on no interface, or on one that is down, \
                         has no carrier, or cannot use it (tentative, dadfailed); mail of one address family leaves \
                         from the machine's own address, because only the other family has one; its HELO name is not \
                         a full host name; a queue or data directory is missing. An instance is enabled but not \
                         running. Of an instance that is named for a provider: a filter that no service takes mail \
                         back from, a check or an address table that takes all mail, or all to a domain of the \
                         provider, elsewhere, or such a table that cannot be opened (--accept). The DNS is wrong in \
                         host, ptr or spf.",
                    ),
                    Block::Item(
                        "UNKNOWN",
                        "A main.cf, master.cf or directory cannot be read; it is not known whether an instance is \
                         running; such a table cannot be queried, or its \
                         entries cannot be listed (--accept); the DNS did not answer. With --check-dns: the system chooses the address that an \
                         instance sends from.",
                    ),
                    Block::Item(
                        "WARNING",
                        "Two instances share an address, a HELO name or a syslog_name. A syslog_name differs from the \
                         instance's name. An instance is running but not enabled. A filter takes \
                         mail that some service takes back; single lines of a check send mail elsewhere. Anything that would be CRITICAL \
                         above, for an instance that is neither enabled nor running. The DNS falls short in ttl or \
                         provider.",
                    ),
                    Block::Text(
                        "Milters, smtpd_proxy_filter and policy services are not looked at, as only they know what they \
                         do with a message; -v names them.",
                    ),
                    Block::Text(
                        "The performance data of --check are instances, running, and the number of findings of each \
                         kind.",
                    ),
                ],
            },
            Section {
                title: "DNS",
                body: &[
                    Block::Text(
                        "With --check-dns, for each address that is not a loopback address:",
                    ),
                    Block::Item(
                        "host",
                        "The HELO name has an A (AAAA) record with the address.",
                    ),
                    Block::Item(
                        "ttl",
                        "That record has a TTL of 86400 seconds or more on the zone's own servers; they are asked if \
                         the resolver answers from its cache.",
                    ),
                    Block::Item(
                        "ptr",
                        "The PTR record of the address is the HELO name, which resolves back to the address.",
                    ),
                    Block::Item(
                        "provider",
                        "The relay name of the provider that the instance is named for (aol.smtp.DOMAIN for \
                         postfix-aol-b) lists the address, with a TTL of at most 600 seconds: an address that is \
                         removed gets mail for that long; relay-warmup check has the records to replace. Skipped for \
                         an instance that is not named for a provider. What else the name lists is looked at too: an \
                         address where no relay can be (0.0.0.0, 127.0.0.1) is CRITICAL; a name that only a wildcard \
                         record provides, and an address where port 25 refuses or does not answer, are WARNING, with \
                         the record to take out. A connection is made to each.",
                    ),
                    Block::Item(
                        "spf",
                        "The SPF records of the HELO name (if it has one) and of DOMAIN (which must have one) allow \
                         the address to send (RFC 7208): receivers judge the domain of the sender's address.",
                    ),
                    Block::Text(
                        "A lookup that fails or times out is unknown, not wrong; the exit status is then 1 (with \
                         --check, 3).",
                    ),
                ],
            },
            Section {
                title: "FILES",
                body: &[Block::RESOLVERS_FILE, Block::PROVIDERS_FILE],
            },
            Section {
                title: "EXAMPLES",
                body: &[
                    Block::Text("Which instance sends from the address that AOL has blocked?"),
                    Block::Code("relay-instances 216.66.23.44"),
                    Block::Text("Is the DNS of all AOL relays correct?"),
                    Block::Code("relay-instances --check-dns 'aol-*'"),
                    Block::Text("Ask the zone's own server, whatever resolvers have cached:"),
                    Block::Code("relay-instances --check-dns --resolver 192.0.2.53 aol-c"),
                    Block::Text("For a monitoring system:"),
                    Block::Code("relay-instances --check --check-dns --timeout 20s"),
                    Block::Text("The addresses of all running instances:"),
                    Block::Code(
                        "relay-instances --format json | jq -r '.instances[] | select(.running) | \
                         .addresses[].address'",
                    ),
                ],
            },
        ],
        see_also: &[
            "relay-warmup(8)",
            "queue-move(8)",
            "postmulti(1)",
            "postconf(5)",
            "master(8)",
            "resolv.conf(5)",
        ],
        checks: true,
    };

    fn common(&self) -> &Common {
        &self.common
    }
}
