//! Where mail goes: what each domain's lookup comes to, over all tables.

use std::collections::BTreeMap;

use knowledge::providers::Provider;
use postfix::{count, either};

use super::lookup::{Answer, PROBES, find, is_never_asked};
use super::{AuditRow, Check, Failed, Grade, Input, Table};
use crate::Route;

/// Groups of domains, each with what they have in common.
type Groups = BTreeMap<String, Vec<String>>;

/// Does another table answer where ours has a line?
pub(super) fn order(input: &Input<'_>) -> Vec<AuditRow> {
    let Some((ours, own_table)) = input.ours.zip(input.our_table()) else {
        return Vec::new();
    };
    let silent = silent(input, ours);
    let mut rows: Vec<AuditRow> = shadowed(input, ours, own_table)
        .into_iter()
        .map(|(what, domains)| {
            let text = format!(
                "{} count: {what}",
                either(
                    domains.len(),
                    "1 line of the map does not",
                    &format!("{} lines of the map do not", domains.len())
                )
            );
            AuditRow::new(Check::Order, Grade::Critical, text).about(domains)
        })
        .collect();
    if rows.is_empty() && !silent.is_empty() {
        let text = "tables that are asked for whole addresses first could not be asked here and may answer differently";
        rows.push(AuditRow::new(Check::Order, Grade::Unknown, text).about(silent));
    }
    if rows.is_empty() {
        let text = match input.tables.len() {
            1 => "it is the only table",
            _ => "no other table gives an answer for an address of a provider",
        };
        rows.push(AuditRow::new(Check::Order, Grade::Ok, text));
    }
    rows
}

/// The domains of our lines that another table has an answer for, by what it does.
fn shadowed(input: &Input<'_>, ours: usize, own_table: &Table) -> Groups {
    let mut shadowed = Groups::new();
    for domain in input.wanted.lines.keys() {
        let Some(own) = own_table.own_line(domain) else {
            continue;
        };
        let mut others = PROBES.iter().filter_map(|probe| {
            let found = find(&input.tables, domain, probe, input.parents_match)?;
            (found.table() != ours && !found.leads_as(own)).then_some(found)
        });
        if let Some(found) = others.next() {
            let who = input.tables.get(found.table()).map(|table| &table.name);
            let when = match found.table() < ours {
                true => "which comes first",
                false => {
                    "which is asked for the whole address before the map is asked for its domain"
                }
            };
            let who = who.map_or_else(String::new, ToString::to_string);
            shadowed
                .entry(format!("{who}, {when}, {}", found.does()))
                .or_default()
                .push(domain.clone());
        }
    }
    shadowed
}

/// The other tables whose answers are not known: every table is asked for the whole address before any is for its
/// domain.
fn silent(input: &Input<'_>, ours: usize) -> Vec<String> {
    let others = input
        .tables
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != ours);
    others
        .filter(|(_, table)| matches!(table.failed, Some(Failed::Unknown(_))))
        .map(|(_, table)| table.name.to_string())
        .collect()
}

/// Where mail of a domain goes, if not to its relay.
pub(super) enum Astray {
    /// No table has a line; with what chooses instead, by chance, if anything does.
    NoLine(Option<String>),
    /// There: what a message says of it, and the right-hand side if it is one.
    There(String, Option<String>),
}

/// Does every domain lead to its provider's relay?
pub(super) fn domains(input: &Input<'_>) -> Vec<AuditRow> {
    let mut right = 0_usize;
    // By provider: those with no answer at all, and those with a wrong one.
    let mut missing: BTreeMap<(String, Option<String>), Vec<String>> = BTreeMap::new();
    let mut wrong: BTreeMap<(String, String, Option<String>), Vec<String>> = BTreeMap::new();
    for (domain, line) in &input.wanted.lines {
        let provider = line.provider.clone();
        match astray(input, domain, &line.relay) {
            None => right += 1,
            Some(Astray::NoLine(by)) => {
                missing
                    .entry((provider, by))
                    .or_default()
                    .push(domain.clone());
            }
            Some(Astray::There(what, value)) => {
                wrong
                    .entry((provider, what, value))
                    .or_default()
                    .push(domain.clone());
            }
        }
    }
    let mut rows = Vec::new();
    let all = input.wanted.lines.len();
    if right == all {
        let text = format!(
            "{} of {} go to their relays",
            count(all, "domain"),
            count(input.wanted.relays.len(), "provider")
        );
        rows.push(AuditRow::new(Check::Domains, Grade::Ok, text));
    }
    rows.extend(wrong.into_iter().map(|((provider, what, value), domains)| {
        let whose = value.and_then(|value| other_provider(input, &provider, &value));
        let whose = whose.map_or_else(String::new, |other| format!(", {other}'s relay"));
        let of = some_of(input, &provider, &domains);
        let text = format!("{of} of {provider}: {what}{whose}");
        AuditRow::new(Check::Domains, Grade::Critical, text).about(domains)
    }));
    rows.extend(missing.into_iter().map(|((provider, by), domains)| {
        let to = match (by, Route::parse(&input.fallback).hops.as_slice()) {
            (Some(random), _) => format!("what {random} chooses"),
            (None, []) => "its own mail exchangers".to_owned(),
            (None, _) => input.fallback.clone(),
        };
        let of = some_of(input, &provider, &domains);
        let text = format!("{of} of {provider} in no table: their mail goes to {to}");
        AuditRow::new(Check::Domains, Grade::Critical, text).about(domains)
    }));
    rows
}

/// `2 of 3 domains`, of all that the provider has.
fn some_of(input: &Input<'_>, provider: &str, some: &[String]) -> String {
    let lines = input.wanted.lines.values();
    let all = lines.filter(|line| line.provider == provider).count();
    format!("{} of {}", some.len(), count(all, "domain"))
}

/// Where mail of a domain goes, unless to its relay. Of several made-up addresses, the first that goes astray.
pub(super) fn astray(input: &Input<'_>, domain: &str, relay: &str) -> Option<Astray> {
    let fallback = || !Route::parse(&input.fallback).leads_to(relay);
    PROBES.iter().find_map(
        |probe| match find(&input.tables, domain, probe, input.parents_match) {
            None => fallback().then_some(Astray::NoLine(None)),
            Some(Answer::Value { value: ":", .. }) => fallback().then_some(Astray::NoLine(None)),
            Some(found) if found.leads_to(relay) => None,
            Some(found @ Answer::Random { .. }) => Some(match has_line(input, domain) {
                true => Astray::There(format!("their mail {}", found.does()), None),
                false => Astray::NoLine(Some(found.name())),
            }),
            Some(found) => {
                let value = found.value().map(str::to_owned);
                Some(Astray::There(fate(input, &found), value))
            }
        },
    )
}

/// Has any table a line for the domain, whatever answers first?
fn has_line(input: &Input<'_>, domain: &str) -> bool {
    input
        .tables
        .iter()
        .any(|table| table.own_line(domain).is_some())
}

/// What becomes of mail that this is the answer for.
fn fate(input: &Input<'_>, found: &Answer<'_>) -> String {
    let Some(value) = found.value() else {
        return format!("their mail {}", found.does());
    };
    let transport = Route::parse(value).transport;
    let command = input
        .transports
        .as_ref()
        .and_then(|all| all.get(&transport));
    let what = match command.map_or(transport.as_str(), |service| service.command.as_str()) {
        "discard" => "is discarded",
        "error" if transport == "retry" => "is deferred",
        "error" => "bounces to its sender",
        _ => return format!("their mail goes to {value}"),
    };
    format!("their mail {what} ({value})")
}

/// Whose relay it is that mail of `provider` goes to, if it is one. The catch-all relay takes anyone's.
fn other_provider(input: &Input<'_>, provider: &str, value: &str) -> Option<String> {
    let route = Route::parse(value);
    let leads_to = |other: &Provider| route.leads_to(&relay_of(input, other));
    if leads_to(input.providers.get(input.providers.the_rest())) {
        return None;
    }
    let all = input.providers.all().iter();
    let mut others = all.filter(|other| other.name != provider);
    others
        .find(|other| leads_to(other))
        .map(|other| other.name.clone())
}

/// A provider's relay at the site, in lower case.
fn relay_of(input: &Input<'_>, provider: &Provider) -> String {
    provider.relay_at(&input.wanted.site).to_lowercase()
}

/// Are there lines that no provider explains?
pub(super) fn lines(input: &Input<'_>, table: &Table) -> Vec<AuditRow> {
    let Some(entries) = &table.entries else {
        return vec![AuditRow::new(
            Check::Lines,
            Grade::Skipped,
            "the table cannot list its entries",
        )];
    };
    let never = entries
        .keys()
        .filter(|key| is_never_asked(key, input.parents_match));
    let never: Vec<&String> = never.collect();
    let unexplained = entries.iter().filter(|(key, value)| {
        !never.contains(key) && !explains(input, key, value) && !(input.is_accepted)(key)
    });
    let unexplained: Vec<String> = unexplained
        .map(|(key, value)| format!("{key} {value}"))
        .collect();
    let mut rows = Vec::new();
    if !never.is_empty() {
        let text = format!(
            "{} that Postfix never looks up: transport(5) looks up user@domain, domain, {} and *",
            count(never.len(), "line"),
            match input.parents_match {
                true => "the domain's parents",
                false => ".domain for its subdomains",
            }
        );
        rows.push(AuditRow::new(Check::Lines, Grade::Warning, text).about(never));
        if unexplained.is_empty() {
            return rows;
        }
    }
    rows.push(match unexplained.len() {
        0 => AuditRow::new(
            Check::Lines,
            Grade::Ok,
            "every line is for a provider's domain",
        ),
        n => {
            let text = format!(
                "{} without a provider: add them to the provider table, or use --accept",
                count(n, "line")
            );
            AuditRow::new(Check::Lines, Grade::Warning, text).about(unexplained)
        }
    });
    rows
}

/// Is the line of a provider's domain, a subdomain or an address there? Or `*`, for all others, to a relay of ours?
/// Where a provider's own domain is sent is judged elsewhere.
fn explains(input: &Input<'_>, key: &str, value: &str) -> bool {
    if input.wanted.lines.contains_key(key) {
        return true;
    }
    let route = Route::parse(value);
    if key == "*" {
        return input
            .providers
            .all()
            .iter()
            .any(|p| route.leads_to(&relay_of(input, p)));
    }
    let domain = key.rsplit_once('@').map_or(key, |(_, domain)| domain);
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    let provider = input.providers.by_domain(domain.as_bytes());
    provider.is_some_and(|id| route.leads_to(&relay_of(input, input.providers.get(id))))
}
