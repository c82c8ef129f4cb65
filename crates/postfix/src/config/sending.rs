//! Which address mail leaves from: by each SMTP client of master.cf that mail is sent by, with the `-o` of its line.
//!
//! Which clients those are, default_transport, relay_transport and the tables that choose a transport say. A table on a
//! server is not asked: what it chooses is not known here.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use super::lines::logical_lines;
use super::master_cf::{MasterCf, Service, ServiceType};
use super::parameters::{Parameters, address};
use super::resolve::{read_regular, resolve};
use crate::Root;

/// Where the mail of one address family leaves from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// Not at all: inet_protocols is without it.
    Off,
    /// This address.
    Address(IpAddr),
    /// One that the system chooses.
    System,
    /// The parameter has no address of the family: the client ends, and the mail is deferred.
    Invalid(String),
}

/// An SMTP client that mail leaves by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlet {
    /// The service's name in master.cf: the transport.
    pub service: String,
    /// What leads to it: `default_transport`, `transport_maps`.
    pub led_by: &'static str,
    /// Over IPv4.
    pub v4: From,
    /// Over IPv6.
    pub v6: From,
    /// smtp_helo_name, or lmtp_lhlo_name.
    pub helo_name: String,
}

impl Outlet {
    /// The addresses that are set.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        [&self.v4, &self.v6]
            .into_iter()
            .filter_map(|from| match from {
                From::Address(address) => Some(*address),
                _ => None,
            })
    }
}

/// A table's text beyond this is not read.
const MAX_TEXT: u64 = 64 << 20;

/// The parameters that name tables of transports.
const TABLES: [&str; 2] = ["transport_maps", "sender_dependent_default_transport_maps"];

/// The SMTP clients that mail of an instance leaves by, the one of default_transport first. Empty where master.cf has
/// none.
pub(super) fn outlets(root: &Root, parameters: &Parameters, services: &MasterCf) -> Vec<Outlet> {
    let is_client = |service: &&Service| {
        service.kind == ServiceType::Unix && matches!(service.command.as_str(), "smtp" | "lmtp")
    };
    let clients: Vec<&Service> = services.services().iter().filter(is_client).collect();
    let mut found: Vec<Outlet> = Vec::new();
    let mut add = |name: &str, led_by| {
        let service = clients.iter().find(|service| service.name == name);
        if let Some(service) = service
            && found.iter().all(|outlet| outlet.service != name)
        {
            found.push(outlet(parameters, service, led_by));
        }
    };
    add(
        &transport(parameters, "default_transport"),
        "default_transport",
    );
    if !parameters.list("relay_domains").is_empty() {
        add(&transport(parameters, "relay_transport"), "relay_transport");
    }
    let others: Vec<&str> = clients
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    for name in TABLES {
        for chosen in named_in(root, parameters, name, &others) {
            add(&chosen, name);
        }
    }
    found
}

/// `smtp` of `smtp:[192.0.2.1]`.
fn transport(parameters: &Parameters, name: &str) -> String {
    let value = parameters.get(name);
    value
        .split(':')
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// Which of the `transports` the tables of a parameter lead to: a word `NAME:` in the parameter, or in a table's text.
fn named_in(
    root: &Root,
    parameters: &Parameters,
    name: &str,
    transports: &[&str],
) -> BTreeSet<String> {
    let list = parameters.get(name);
    let mut found = BTreeSet::new();
    // Where all of them are known by now, no file is read.
    if transports.len() < 2 || list.is_empty() {
        return found;
    }
    let mut look = |text: &str| {
        let is_end = |c: char| c.is_whitespace() || "{},=".contains(c);
        let words = text.split(is_end).filter_map(|word| word.split_once(':'));
        for (transport, _) in words {
            if transports.contains(&transport) {
                found.insert(transport.to_owned());
            }
        }
    };
    look(&list);
    let is_end = |c: char| c.is_whitespace() || "{},".contains(c);
    let paths = list.split(is_end).filter_map(|element| {
        let (_, path) = element.split_once(":/")?;
        Some(format!("/{path}"))
    });
    for path in paths.collect::<BTreeSet<String>>() {
        let Ok(path) = resolve(root, Path::new(&path)).map(|path| root.under(&path)) else {
            continue;
        };
        let is_small = path
            .metadata()
            .is_ok_and(|metadata| metadata.len() <= MAX_TEXT);
        if let Some(text) = is_small.then(|| read_regular(&path).ok()).flatten() {
            for line in logical_lines(&path, &text).value {
                // Behind the key, or the pattern.
                let line = String::from_utf8_lossy(&line.text);
                look(
                    line.split_once(char::is_whitespace)
                        .map_or("", |(_, value)| value),
                );
            }
        }
    }
    found
}

fn outlet(parameters: &Parameters, service: &Service, led_by: &'static str) -> Outlet {
    let own = parameters.of_service(service);
    let (v4, v6) = sources(&own, &service.command);
    Outlet {
        service: service.name.clone(),
        led_by,
        v4,
        v6,
        helo_name: own.get(match service.command.as_str() {
            "lmtp" => "lmtp_lhlo_name",
            _ => "smtp_helo_name",
        }),
    }
}

/// Where a client's mail leaves from: PROGRAM_bind_address and PROGRAM_bind_address6, or else, a family each, the one
/// address that inet_interfaces names, unless that is a loopback address (Postfix `src/smtp/smtp_connect.c`,
/// smtp_connect_addr).
pub(super) fn sources(parameters: &Parameters, program: &str) -> (From, From) {
    let protocols = parameters.list("inet_protocols");
    let speaks = |family: &str| {
        protocols.is_empty() || protocols.iter().any(|word| word == "all" || word == family)
    };
    let interfaces = parameters.list("inet_interfaces");
    let listed: Vec<IpAddr> = interfaces.iter().filter_map(|text| address(text)).collect();
    let from = |name: String, is_of: fn(&IpAddr) -> bool, family: &str| {
        if !speaks(family) {
            return From::Off;
        }
        let set = parameters.get(&name);
        if !set.is_empty() {
            let own = address(&set).filter(is_of);
            return own.map_or(From::Invalid(format!("{name} = {set}")), From::Address);
        }
        let mut own = listed.iter().filter(|ip| is_of(ip));
        match (own.next(), own.next()) {
            (Some(only), None) if !only.is_loopback() => From::Address(*only),
            _ => From::System,
        }
    };
    (
        from(format!("{program}_bind_address"), IpAddr::is_ipv4, "ipv4"),
        from(format!("{program}_bind_address6"), IpAddr::is_ipv6, "ipv6"),
    )
}
