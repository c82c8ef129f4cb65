//! `--format json`: schema `relay-tools/relay-instances/1`, one object, with all that is known.
//!
//! The structs are the wire format; within version 1, fields are added and never changed. What is not known is null.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::is_running;
use crate::held::{self, HeldObject};
use figures::held::Held;
use figures::instances::{AddressPlace, DnsCheck, Facts, Finding, Listing, Running, Sender};
use legible::wire::time;
use legible::wire::write_json;

/// The schema's name.
pub const SCHEMA: &str = "relay-tools/relay-instances/1";

/// Writes them, and a newline.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, listing: &Listing) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        host: &listing.host,
        time: time(listing.time),
        instances: listing
            .instances
            .iter()
            .map(|facts| InstanceObject::new(facts, &listing.limits))
            .collect(),
        findings: listing.findings.iter().map(FindingObject::new).collect(),
        complete: listing.missing().is_empty(),
        missing: listing.missing(),
        problems: listing.problems.iter().map(ToString::to_string).collect(),
    };
    write_json(out, &document)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    host: &'a str,
    time: Option<String>,
    instances: Vec<InstanceObject<'a>>,
    findings: Vec<FindingObject<'a>>,
    /// Is all in the figures that was asked for, and if not, why not.
    complete: bool,
    missing: Vec<String>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct InstanceObject<'a> {
    instance: &'a str,
    group: Option<&'a str>,
    enabled: bool,
    running: Option<bool>,
    running_since: Option<String>,
    pid: Option<u32>,
    addresses: Vec<AddressObject<'a>>,
    helo_name: &'a str,
    config_directory: Cow<'a, str>,
    queue_directory: Cow<'a, str>,
    data_directory: Cow<'a, str>,
    mail_owner: &'a str,
    syslog_name: &'a str,
    maillog_file: Option<Cow<'a, str>>,
    listens: Vec<ListenObject<'a>>,
    rate_limits: Vec<LimitsObject<'a>>,
    pickup: Option<bool>,
    /// What relay-limit holds it to.
    limits: Vec<HeldObject<'a>>,
}

#[derive(Serialize)]
struct AddressObject<'a> {
    address: String,
    /// `present`, `down`, `missing` or `unknown`.
    state: &'static str,
    interface: Option<&'a str>,
    /// Left out if not asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dns: Vec<DnsObject<'a>>,
}

#[derive(Serialize)]
struct DnsObject<'a> {
    check: &'static str,
    /// `ok`, `poor`, `wrong`, `unknown` or `skipped`.
    result: &'static str,
    name: &'a str,
    detail: &'a str,
}

#[derive(Serialize)]
struct ListenObject<'a> {
    host: &'a str,
    port: &'a str,
    command: &'a str,
}

#[derive(Serialize)]
struct LimitsObject<'a> {
    transport: &'a str,
    /// Numbers; null for an invalid value.
    destination_concurrency_limit: Option<u32>,
    destination_recipient_limit: Option<u32>,
    /// As Postfix writes times: `2s`.
    destination_rate_delay: &'a str,
    transport_rate_delay: &'a str,
    process_limit: Option<u32>,
}

#[derive(Serialize)]
struct FindingObject<'a> {
    severity: &'static str,
    kind: &'static str,
    instances: &'a [String],
    text: &'a str,
}

impl<'a> InstanceObject<'a> {
    fn new(facts: &'a Facts, limits: &'a [Held]) -> Self {
        let (since, pid) = match facts.running {
            Running::Yes { since, pid } => (time(since), pid),
            _ => (None, None),
        };
        Self {
            instance: &facts.name,
            group: facts.group.as_deref(),
            enabled: facts.is_enabled,
            running: is_running(&facts.running),
            running_since: since,
            pid,
            addresses: facts.senders.iter().map(AddressObject::new).collect(),
            helo_name: &facts.helo_name,
            config_directory: text(&facts.config_directory),
            queue_directory: text(&facts.queue.path),
            data_directory: text(&facts.data.path),
            mail_owner: &facts.mail_owner,
            syslog_name: &facts.syslog_name,
            maillog_file: facts.maillog_file.as_deref().map(text),
            listens: facts
                .listens
                .iter()
                .map(|listen| ListenObject {
                    host: &listen.host,
                    port: &listen.port,
                    command: &listen.command,
                })
                .collect(),
            rate_limits: facts
                .rate_limits
                .iter()
                .map(|limits| LimitsObject {
                    transport: &limits.transport,
                    destination_concurrency_limit: limits.concurrency.parse().ok(),
                    destination_recipient_limit: limits.recipients.parse().ok(),
                    destination_rate_delay: &limits.rate_delay,
                    transport_rate_delay: &limits.transport_rate_delay,
                    process_limit: limits.processes.parse().ok(),
                })
                .collect(),
            pickup: facts.pickup,
            limits: held::of(limits, &facts.name),
        }
    }
}

impl<'a> AddressObject<'a> {
    fn new(sender: &'a Sender) -> Self {
        let (state, interface) = match &sender.place {
            AddressPlace::Interface { name, is_up: true } => ("present", Some(name.as_str())),
            AddressPlace::Interface { name, is_up: false } => ("down", Some(name.as_str())),
            AddressPlace::Unusable { name, .. } => ("unusable", Some(name.as_str())),
            AddressPlace::Missing => ("missing", None),
            AddressPlace::Unknown => ("unknown", None),
        };
        Self {
            address: sender.address.to_string(),
            state,
            interface,
            dns: sender.dns.iter().map(DnsObject::new).collect(),
        }
    }
}

impl<'a> DnsObject<'a> {
    fn new(check: &'a DnsCheck) -> Self {
        Self {
            check: check.check,
            result: check.outcome.as_str(),
            name: &check.asked,
            detail: &check.detail,
        }
    }
}

impl<'a> FindingObject<'a> {
    fn new(finding: &'a Finding) -> Self {
        Self {
            severity: finding.level.as_str(),
            kind: finding.kind.as_str(),
            instances: &finding.instances,
            text: &finding.text,
        }
    }
}

fn text(path: &Path) -> Cow<'_, str> {
    path.as_os_str().to_string_lossy()
}
