//! The relays' networks: do they take mail from this server?

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Acceptance, AuditRow, Check, Grade, Input, Networks};
use crate::Listed;
use postfix::count;

/// Do the relays take mail from this server?
pub(super) fn networks(input: &Input<'_>) -> Vec<AuditRow> {
    let (known, unread) = match &input.networks {
        Networks::NotAsked => {
            let text = "not checked: name the relays' main.cf with --relay-config".to_owned();
            return vec![row(Grade::Skipped, text)];
        }
        Networks::Unknown(why) => return vec![row(Grade::Unknown, why.clone())],
        Networks::Known(known, unread) => (known.as_slice(), unread),
    };
    let refused = named(known, |listed| matches!(listed, Listed::No(_)));
    let broken = named(known, |listed| matches!(listed, Listed::Broken(_)));
    let mut unknown = named(known, |listed| matches!(listed, Listed::Unknown(_)));
    unknown.extend(unread.iter().cloned());
    let unused = unused(known);
    let mut rows = Vec::new();
    if !refused.is_empty() {
        let refusing = relays(known, |listed| matches!(listed, Listed::No(_)));
        let text = format!(
            "mynetworks of {} refuses this server's mail",
            count(refusing.len(), "relay")
        );
        rows.push(row(Grade::Critical, text).about(refused));
    }
    if !broken.is_empty() {
        let text = "mynetworks that a relay cannot read: it defers all mail".to_owned();
        rows.push(row(Grade::Critical, text).about(broken));
    }
    if !unused.is_empty() {
        let text = format!(
            "mynetworks of {} has this server, but is not consulted",
            count(unused.len(), "relay")
        );
        rows.push(row(Grade::Warning, text).about(unused));
    }
    if !unknown.is_empty() {
        rows.push(row(Grade::Unknown, "not known for all relays".to_owned()).about(unknown));
    }
    if rows.is_empty() {
        rows.push(in_order(known));
    }
    rows
}

fn row(grade: Grade, text: String) -> AuditRow {
    AuditRow::new(Check::Networks, grade, text)
}

/// Relay, address and what mynetworks has of it, where that `is_so`.
fn named(known: &[Acceptance], is_so: impl Fn(&Listed) -> bool) -> Vec<String> {
    let fit = known.iter().filter(|a| is_so(&a.listed));
    fit.map(|a| format!("{}: {} is {}", a.relay, a.from, a.listed))
        .collect()
}

/// The relays of which that `is_so`.
fn relays(known: &[Acceptance], is_so: impl Fn(&Listed) -> bool) -> BTreeSet<&str> {
    let fit = known.iter().filter(|a| is_so(&a.listed));
    fit.map(|a| a.relay.as_str()).collect()
}

/// The relays that have this server in mynetworks, and do not consult it.
fn unused(known: &[Acceptance]) -> BTreeSet<String> {
    let listing = known.iter().filter(|a| matches!(a.listed, Listed::Yes(_)));
    listing
        .filter_map(|a| {
            let bar = a.barred.as_ref()?;
            let relay = &a.relay;
            Some(format!(
                "{relay}: {bar}, and no permit_mynetworks before it"
            ))
        })
        .collect()
}

/// That all have this server.
fn in_order(known: &[Acceptance]) -> AuditRow {
    let addresses: BTreeSet<IpAddr> = known.iter().map(|a| a.from).collect();
    let addresses: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    let text = format!(
        "{} {} in mynetworks",
        match relays(known, |_| true).len() {
            1 => "1 relay has".to_owned(),
            n => format!("{n} relays have"),
        },
        addresses.join(", ")
    );
    row(Grade::Ok, text)
}
