//! The flags, and what the manual page says beside them.

use std::net::SocketAddr;

use clap::{Parser, ValueEnum};
use cli::instances::InstanceArgs;
use cli::lookups::{parse_domain, parse_server, parse_timeout};
use cli::{Block, Common, Manual, Section, Tool};
use postfix::Span;

/// Show which Postfix instance sends from which IP address, and whether its DNS is in order
///
/// Lists the host's instances: group, enabled or not, running since when, the addresses that they send from and the
/// interfaces that have these, HELO name, queue directory; and below, what is wrong with them. An address as INSTANCE
/// finds the instance that sends from it.
#[derive(Debug, Parser)]
#[command(name = "relay-instances", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) instances: InstanceArgs,

    /// How to show them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub(crate) format: Format,

    /// Show more of each instance
    ///
    /// Its configuration and data directories, mail_owner, syslog_name, log, what it listens on (master.cf), the rate limits
    /// in force, and whether pickup is on. JSON and CSV always have all of it.
    #[arg(long)]
    pub(crate) wide: bool,

    /// Ask the DNS whether it is in order for each address
    ///
    /// All questions are asked at once. See DNS.
    #[arg(long, help_heading = "DNS options")]
    pub(crate) check_dns: bool,

    /// Ask this resolver instead of those in /etc/resolv.conf
    #[arg(long, value_name = "ADDR[:PORT]", help_heading = "DNS options", requires = "check_dns", value_parser = parse_server)]
    pub(crate) resolver: Option<SocketAddr>,

    /// The site's domain, in which the providers' relay names are (aol.smtp.DOMAIN)
    ///
    /// If it is not given: the registrable domain of an instance's HELO name (example.org of aol-a.smtp.example.org), or
    /// else its mydomain.
    #[arg(long, value_name = "DOMAIN", help_heading = "DNS options", requires = "check_dns", value_parser = parse_domain)]
    pub(crate) domain: Option<String>,

    /// How long all look-ups together may take
    #[arg(long, value_name = "SPAN", help_heading = "DNS options", requires = "check_dns", default_value = "10s", value_parser = parse_timeout)]
    pub(crate) timeout: Span,

    /// Answer as a monitoring plugin: one line, and its exit status
    ///
    /// With --check-dns, the DNS is part of the answer.
    #[arg(long, help_heading = "Monitoring options")]
    pub(crate) check: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Args {
    /// Is what master.cf lists part of the answer?
    pub(crate) fn wants_services(&self) -> bool {
        self.wide || self.check || matches!(self.format, Format::Json | Format::Csv)
    }
}

/// The values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table for people
    Table,
    /// INSTANCE:WORD:VALUE lines, a blank line after each instance
    Text,
    /// One JSON object, schema relay-tools/relay-instances/1
    Json,
    /// Comma-separated values with a header
    Csv,
}

impl Tool for Args {
    const MANUAL: Manual = Manual {
        sections: &[
            Section {
                title: "WHAT IS SHOWN",
                body: &[
                    Block::Item(
                        "enabled",
                        "Whether postfix start, given to the default instance, starts it: multi_instance_enable, and a place in the \
                         default instance's multi_instance_directories.",
                    ),
                    Block::Item(
                        "running since",
                        "When its master daemon was started, or no. A master holds a lock on pid/master.pid in the queue directory as \
                         long as it lives; no process is signalled. Needs root.",
                    ),
                    Block::Item(
                        "bind address",
                        "smtp_bind_address and smtp_bind_address6, or else the one address in inet_interfaces, of each SMTP client that mail \
                         leaves by: default_transport's, and those that transport_maps leads to, with the -o of their lines in \
                         master.cf. A - where the system chooses.",
                    ),
                    Block::Item(
                        "interface",
                        "The interface that has the address, or MISSING: Postfix then warns in its log, and mail leaves from \
                         another address.",
                    ),
                    Block::Text(
                        "Of a host image (--root) it is not known what runs, nor which interface has which address; unknown is shown. \
                         The DNS is asked all the same.",
                    ),
                ],
            },
            Section {
                title: "FINDINGS",
                body: &[
                    Block::Text(
                        "Below the table, and in the answer of --check, is told what is wrong:",
                    ),
                    Block::Item(
                        "CRITICAL",
                        "Two instances have one queue or data directory. Postfix does not run with a main.cf. Of an instance that is enabled \
                         or runs: an address is on no interface, or on one that is down, has no carrier, or has it in vain \
                         (tentative, dadfailed); mail of one address family leaves from the machine's own address, since only the \
                         other has one; its HELO name is no full host name; a queue or data directory is missing. An instance is \
                         enabled but does not run. The DNS is wrong in host, ptr or spf.",
                    ),
                    Block::Item(
                        "UNKNOWN",
                        "A main.cf, master.cf or directory cannot be read; it \
                         cannot be told whether an instance runs; the DNS did not answer. With --check-dns: the system chooses \
                         the address that an instance sends from.",
                    ),
                    Block::Item(
                        "WARNING",
                        "Two instances send from one address, call themselves by one HELO name, or log under one syslog_name. A syslog_name is not the instance's name. \
                         An instance runs that is not enabled. What would be CRITICAL above, of an instance that is neither enabled \
                         nor running. The DNS is poor in ttl or provider.",
                    ),
                    Block::Text(
                        "The performance data of --check: instances, running, and the number of findings of each kind.",
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
                        "That record may be kept for 86400 seconds or more, as the zone's own servers give it: where the resolver only \
                         remembers the record, they are asked.",
                    ),
                    Block::Item(
                        "ptr",
                        "The PTR record of the address names the HELO name, which resolves back to the address.",
                    ),
                    Block::Item(
                        "provider",
                        "The relay name of the provider that the instance is named for (aol.smtp.DOMAIN of postfix-aol-b) lists the \
                         address, and may be kept for 600 seconds at most: an address that is taken out of it gets mail for as long. \
                         Skipped for an instance that is named for none.",
                    ),
                    Block::Item(
                        "spf",
                        "The SPF records of the HELO name, if it has one, and of DOMAIN, which must have one, let the address send \
                         (RFC 7208): receivers judge the domain of the sender's address.",
                    ),
                    Block::Text(
                        "A look-up that fails, or takes too long, is unknown and not wrong; the exit status is then 1 (with --check, 3).",
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
                    Block::Text("Is the DNS of all AOL relays in order?"),
                    Block::Code("relay-instances --check-dns 'aol-*'"),
                    Block::Text(
                        "As the zone's own server has it now, whatever resolvers remember:",
                    ),
                    Block::Code("relay-instances --check-dns --resolver 192.0.2.53 aol-c"),
                    Block::Text("For a monitoring system:"),
                    Block::Code("relay-instances --check --check-dns --timeout 20s"),
                    Block::Text("The addresses of all instances that run:"),
                    Block::Code(
                        "relay-instances --format json | jq -r '.instances[] | select(.running) | .addresses[].address'",
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
