//! The relays' ports: does anything listen there, and does it take mail from this server?

use std::collections::BTreeMap;

use super::relays::asked;
use super::{Asked, AuditRow, Check, Grade, Input, PortState, Table};
use crate::{Domain, Hop, Route};
use postfix::{count, either};

/// One kind of what a relay's addresses answered.
type Of = fn(&Asked) -> &[String];

/// Does anything listen where the map leads to?
pub(super) fn ports(input: &Input<'_>, table: &Table) -> Vec<AuditRow> {
    let row = |outcome, text: String| AuditRow::new(Check::Ports, outcome, text);
    let Some(found) = &input.ports else {
        return vec![row(Grade::Skipped, "no connection was tried".to_owned())];
    };
    let (mut open, mut refused, mut unreached) = (0_usize, Vec::new(), Vec::new());
    let (mut takes, mut said) = (0_usize, BTreeMap::new());
    for asked in asked(table, input.transports.as_ref()) {
        let (hop, _) = &asked;
        match found.get(&asked) {
            Some(PortState::Open) => open += 1,
            Some(PortState::Asked(answers)) if *answers == Asked::default() => takes += 1,
            Some(PortState::Asked(answers)) => {
                said.insert(hop.clone(), answers);
            }
            Some(PortState::Refused) => refused.push(hop.to_string()),
            Some(PortState::Unreached(why)) => unreached.push(format!("{hop}: {why}")),
            // Its name is reported elsewhere.
            None => {}
        }
    }
    let mut rows = Vec::new();
    if !refused.is_empty() {
        let text = format!(
            "nothing is listening on {}: mail for it is deferred",
            count(refused.len(), "relay")
        );
        rows.push(row(Grade::Critical, text).about(refused));
    }
    // Whether that is the relay, the way there, or this host's fault cannot be known from here.
    if !unreached.is_empty() {
        let text = format!("no answer from {}", count(unreached.len(), "relay"));
        rows.push(row(Grade::Skipped, text).about(unreached));
    }
    let kinds: [(Grade, [&str; 3], Of); 4] = [
        (
            Grade::Critical,
            [
                "refuses",
                "refuse",
                "this server's mail: it comes back to its senders",
            ],
            |said| &said.bounces,
        ),
        (
            Grade::Critical,
            [
                "does not",
                "do not",
                "relay for this server: its mail waits",
            ],
            |said| &said.denies,
        ),
        (
            Grade::Warning,
            ["takes", "take", "no mail from this server now: it waits"],
            |said| &said.defers,
        ),
        (
            Grade::Unknown,
            [
                "could",
                "could",
                "not be asked whether this server's mail is taken",
            ],
            |said| &said.unasked,
        ),
    ];
    for (grade, [one, many, what], of) in kinds {
        let all = said.iter().filter(|(_, said)| !of(said).is_empty());
        let n = all.clone().count();
        let items =
            all.flat_map(|(hop, said)| of(said).iter().map(move |text| format!("{hop}: {text}")));
        if n > 0 {
            let text = format!("{} {} {what}", count(n, "relay"), either(n, one, many));
            rows.push(row(grade, text).about(items));
        }
    }
    if takes > 0 && rows.is_empty() {
        let takes = (count(takes, "relay"), either(takes, "takes", "take"));
        let text = format!("{} {} mail from this server", takes.0, takes.1);
        rows.push(row(Grade::Ok, text));
    } else if rows.is_empty() && open == 0 {
        rows.push(row(Grade::Skipped, "no relay was connected to".to_owned()));
    } else if rows.is_empty() {
        let text = format!(
            "{} {} connections",
            count(open, "relay"),
            either(open, "accepts", "accept")
        );
        rows.push(row(Grade::Ok, text));
    }
    rows
}

/// A domain whose mail a line of the table sends to `hop`, and the line's transport; the table's own words.
pub fn recipient<'a>(table: &'a Table, hop: &Hop) -> Option<(&'a str, String)> {
    let lines = table.entries.iter().flatten();
    lines
        .filter(|(key, _)| Domain::new(key.as_bytes()).is_ok())
        .map(|(key, value)| (key.as_str(), Route::parse(value)))
        .find(|(_, route)| route.hops.contains(hop))
        .map(|(key, route)| (key, route.transport))
}
