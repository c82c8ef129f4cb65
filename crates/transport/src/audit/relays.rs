//! The relays: are their transports and their names in order?

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{
    Asks, AuditRow, Check, Doubt, Grade, HostState, Input, RelayHost, Service, SharedBy, Table,
};
use crate::{Hop, Route};
use postfix::count;

/// Services that are SMTP clients where master.cf cannot say.
const SMTP: [&str; 3] = ["smtp", "relay", "lmtp"];

/// The SMTP client that a right-hand side names; `None` if it names another program.
fn smtp_client<'a>(
    transports: Option<&'a BTreeMap<String, Service>>,
    transport: &str,
) -> Option<Cow<'a, Service>> {
    let unknown = || Some(Cow::Owned(Service::default()));
    match transports {
        Some(known) => match known.get(transport) {
            Some(service) => service.is_smtp().then_some(Cow::Borrowed(service)),
            // Without a name: default_transport.
            None if transport.is_empty() => unknown(),
            None => None,
        },
        None if transport.is_empty() || SMTP.contains(&transport) => unknown(),
        None => None,
    }
}

/// The hosts that a table's entries lead to by SMTP; addresses are left out.
pub fn hosts(table: &Table, transports: Option<&BTreeMap<String, Service>>) -> BTreeSet<RelayHost> {
    let hops = asked(table, transports).into_iter();
    let names = hops.filter(|(hop, _)| !is_address(hop));
    names
        .map(|(hop, asks)| RelayHost {
            name: hop.host,
            asks,
        })
        .collect()
}

/// Where a table's entries lead to by SMTP: hosts and addresses, with their ports, and what is looked up of them.
pub fn asked(
    table: &Table,
    transports: Option<&BTreeMap<String, Service>>,
) -> BTreeSet<(Hop, Asks)> {
    let values = table.entries.iter().flat_map(BTreeMap::values);
    let values: BTreeSet<&String> = values.chain(table.answers.values()).collect();
    let mut all = BTreeSet::new();
    for route in values.into_iter().map(|value| Route::parse(value)) {
        let Some(client) = smtp_client(transports, &route.transport) else {
            continue;
        };
        all.extend(route.hops.into_iter().map(|hop| {
            let asks = client.asks(&hop);
            (hop, asks)
        }));
    }
    all
}

/// An address, or lmtp(8)'s `unix:` and `inet:` destinations: not to be looked up.
fn is_address(hop: &Hop) -> bool {
    let bare = hop.host.strip_prefix("ipv6:").unwrap_or(&hop.host);
    bare.parse::<IpAddr>().is_ok() || hop.host == "unix" || hop.host.starts_with("inet:")
}

/// Is every transport of the map in master.cf?
pub(super) fn transports(input: &Input<'_>, table: &Table) -> Vec<AuditRow> {
    let Some(known) = &input.transports else {
        let text = "master.cf cannot be read".to_owned();
        return vec![AuditRow::new(Check::Transports, Grade::Unknown, text)];
    };
    let values = table
        .entries
        .iter()
        .flat_map(BTreeMap::values)
        .chain(table.answers.values());
    let used: BTreeSet<String> = values
        .map(|value| Route::parse(value).transport)
        .filter(|transport| !transport.is_empty())
        .collect();
    let unknown: Vec<&String> = used.iter().filter(|t| !known.contains_key(*t)).collect();
    let mut rows = misled(&used, known);
    if unknown.is_empty() && rows.is_empty() {
        let used: Vec<&str> = used.iter().map(String::as_str).collect();
        let text = format!("in master.cf: {}", used.join(", "));
        rows.push(AuditRow::new(Check::Transports, Grade::Ok, text));
    }
    if !unknown.is_empty() {
        let text = format!(
            "{} not in master.cf: mail for it is deferred",
            match unknown.len() {
                1 => "1 transport is".to_owned(),
                n => format!("{n} transports are"),
            }
        );
        rows.push(AuditRow::new(Check::Transports, Grade::Critical, text).about(unknown));
    }
    rows
}

/// Transports that do not deliver what their name says: their program destroys or returns mail, or is held back. What a
/// line sends to `discard:`, `error:` or `retry:` by name is meant so.
fn misled(used: &BTreeSet<String>, known: &BTreeMap<String, Service>) -> Vec<AuditRow> {
    let is_meant = |name: &str| matches!(name, "discard" | "error" | "retry");
    let by = |wanted: &dyn Fn(&Service) -> bool| -> Vec<String> {
        let fit = used.iter().filter(|name| !is_meant(name));
        fit.filter(|name| known.get(*name).is_some_and(wanted))
            .cloned()
            .collect()
    };
    let kinds = [
        (
            "discard(8) runs for",
            "all its mail is destroyed",
            by(&|s| s.command == "discard"),
        ),
        (
            "error(8) runs for",
            "all its mail is returned or deferred",
            by(&|s| s.command == "error"),
        ),
        (
            "defer_transports has",
            "its mail waits",
            by(&|s| s.is_deferred),
        ),
    ];
    let rows = kinds.into_iter().filter(|(.., names)| !names.is_empty());
    rows.map(|(what, so, names)| {
        let text = format!("{what} {}: {so}", names.join(", "));
        AuditRow::new(Check::Transports, Grade::Critical, text)
    })
    .collect()
}

/// Are the relay hosts in the DNS?
pub(super) fn relays(input: &Input<'_>, table: &Table) -> Vec<AuditRow> {
    let all = hosts(table, input.transports.as_ref());
    let Some(found) = &input.hosts else {
        return vec![AuditRow::new(
            Check::Relays,
            Grade::Skipped,
            "not looked up in the DNS",
        )];
    };
    let mut missing = Vec::new();
    let mut unknown = Vec::new();
    for host in &all {
        let name = &host.name;
        match found.get(host) {
            Some(HostState::Found(_) | HostState::Offered(_)) => {}
            Some(HostState::Missing(what)) => missing.push(format!("{name}: {what}")),
            Some(HostState::Unknown(why)) => unknown.push(format!("{name}: {why}")),
            None => unknown.push(format!("{name}: not asked")),
        }
    }
    let mut rows = Vec::new();
    if all.is_empty() {
        let text = "no line leads to a host that is looked up".to_owned();
        rows.push(AuditRow::new(Check::Relays, Grade::Skipped, text));
    } else if missing.is_empty() && unknown.is_empty() {
        let text = format!(
            "{} in the DNS",
            match all.len() {
                1 => "1 relay host is".to_owned(),
                n => format!("{n} relay hosts are"),
            }
        );
        rows.push(AuditRow::new(Check::Relays, Grade::Ok, text));
    }
    if !missing.is_empty() {
        let text = format!(
            "{} in the DNS: mail for it is deferred or bounces",
            match missing.len() {
                1 => "1 relay host is not".to_owned(),
                n => format!("{n} relay hosts are not"),
            }
        );
        rows.push(AuditRow::new(Check::Relays, Grade::Critical, text).about(missing));
    }
    if !unknown.is_empty() {
        let text = format!(
            "{} could not be looked up",
            count(unknown.len(), "relay host")
        );
        rows.push(AuditRow::new(Check::Relays, Grade::Unknown, text).about(unknown));
    }
    rows.extend(doubtful(input, &all));
    rows.extend(passed_over(input, &all));
    rows
}

/// Relays that are in the DNS, and may be none.
fn doubtful(input: &Input<'_>, all: &BTreeSet<RelayHost>) -> Vec<AuditRow> {
    let names: BTreeSet<&String> = all.iter().map(|host| &host.name).collect();
    let found = |is_nobody: bool| -> Vec<String> {
        let fit = input.doubts.iter().filter(|(name, doubt)| {
            names.contains(name) && matches!(doubt, Doubt::Nobody(_)) == is_nobody
        });
        fit.map(|(name, doubt)| format!("{name}: {doubt}"))
            .collect()
    };
    let row = |grade, items: Vec<String>, what: &str| {
        let text = format!("{} {what}", count(items.len(), "relay host"));
        (!items.is_empty()).then(|| AuditRow::new(Check::Relays, grade, text).about(items))
    };
    let nobody = "with an address that leads back to this server or nowhere";
    let wildcard = "that may not exist: any name has the same addresses";
    let rows = [
        row(Grade::Critical, found(true), nobody),
        row(Grade::Warning, found(false), wildcard),
    ];
    rows.into_iter().flatten().collect()
}

/// Relays whose records share the mail in parts that these lines do not ask for.
fn passed_over(input: &Input<'_>, all: &BTreeSet<RelayHost>) -> Vec<AuditRow> {
    // A host that is asked for by such records, too, is in the other form already where that matters.
    let hidden = |by: SharedBy| {
        let is_hidden = move |host: &&RelayHost| match (&host.asks, by) {
            (Asks::Addresses, _) => true,
            (Asks::Exchangers, SharedBy::Srv) => true,
            (Asks::Exchangers, SharedBy::Mx) | (Asks::Services { .. }, _) => false,
        };
        all.iter()
            .filter(move |host| input.shared.get(&host.name) == Some(&by))
            .filter(is_hidden)
    };
    let share = |n: usize| match n {
        1 => "1 relay host shares its mail".to_owned(),
        n => format!("{n} relay hosts share their mail"),
    };
    let mut rows = Vec::new();
    let by_mx: Vec<String> = hidden(SharedBy::Mx)
        .map(|host| format!("{0}: smtp:{0} asks for them", host.name))
        .collect();
    if !by_mx.is_empty() {
        let text = format!(
            "{} by MX records, which lines in brackets pass over",
            share(by_mx.len())
        );
        rows.push(AuditRow::new(Check::Relays, Grade::Warning, text).about(by_mx));
    }
    let by_srv: Vec<String> = hidden(SharedBy::Srv)
        .map(|host| {
            let name = &host.name;
            format!("{name}: smtp:{name} asks for them with use_srv_lookup = smtp (Postfix 3.8 and later)")
        })
        .collect();
    if !by_srv.is_empty() {
        let text = format!(
            "{} by SRV records, which this instance does not ask for",
            share(by_srv.len())
        );
        rows.push(AuditRow::new(Check::Relays, Grade::Warning, text).about(by_srv));
    }
    rows
}
