//! Where mail goes: what each domain's look-up comes to, over all tables.

use std::collections::{BTreeMap, BTreeSet};

use knowledge::providers::Provider;

use super::{Check, Input, Outcome, Row, Table, count};
use crate::{Domain, Map, Route};

/// The keys that Postfix looks a domain up by, in order (transport(5), TABLE SEARCH ORDER): those of its addresses, which
/// are not known here, come before them.
fn keys(domain: &str, parents_match: bool) -> Vec<String> {
    let mut keys = vec![domain.to_owned()];
    let parents = domain
        .match_indices('.')
        .filter_map(|(at, _)| domain.get(at..));
    keys.extend(parents.map(|parent| match parents_match {
        true => parent.trim_start_matches('.').to_owned(),
        false => parent.to_owned(),
    }));
    keys.push("*".to_owned());
    keys
}

/// The keys to ask every table for: those of the domains that are wanted, and of what `listed` (keys of tables that can
/// list them) has beside.
pub fn questions<'a>(
    wanted: &'a Map,
    parents_match: bool,
    listed: impl Iterator<Item = &'a str>,
) -> BTreeSet<String> {
    let wanted = wanted.lines.keys().map(String::as_str);
    // What is no domain is for other look-ups, and might be no line of its own.
    let listed = listed.filter(|key| Domain::new(key.trim_start_matches('.').as_bytes()).is_ok());
    wanted
        .chain(listed)
        .flat_map(|domain| keys(domain, parents_match))
        .collect()
}

/// Which of the tables is the map: the one that leads most domains to their relays; or else the only one with entries.
pub fn choose(wanted: &Map, tables: &[Table], parents_match: bool) -> Option<usize> {
    let right = |table: &Table| {
        let lines = wanted.lines.iter();
        let leads = |(domain, line): &(&String, &crate::Line)| {
            let mut answers = keys(domain, parents_match).into_iter();
            let answer = answers.find_map(|key| table.answers.get(&key));
            answer.is_some_and(|value| Route::parse(value).leads_to(&line.relay))
        };
        lines.filter(leads).count()
    };
    let all = tables.iter().map(right).enumerate();
    // Of two alike, the first is asked first.
    let best = all.rev().max_by_key(|&(_, right)| right)?;
    match best {
        (at, 1..) => Some(at),
        _ => {
            let mut listing =
                (0..tables.len()).filter(|&at| tables.get(at).is_some_and(|t| t.entries.is_some()));
            listing.next().filter(|_| listing.next().is_none())
        }
    }
}

/// An answer: which table's, to which key, and what.
struct Answer<'a> {
    table: usize,
    value: &'a str,
}

/// The first answer over all tables. An empty one is as good as none: `:` says so.
fn answer<'a>(input: &'a Input<'_>, domain: &str) -> Option<Answer<'a>> {
    for key in keys(domain, input.parents_match) {
        for (at, table) in input.tables.iter().enumerate() {
            if let Some(value) = table.answers.get(&key) {
                return Some(Answer { table: at, value });
            }
        }
    }
    None
}

/// Groups of domains, each with what they have in common.
type Groups = BTreeMap<String, Vec<String>>;

/// Does another table answer where ours has a line?
pub(super) fn order(input: &Input<'_>) -> Vec<Row> {
    let Some(ours) = input.ours else {
        return Vec::new();
    };
    let mut shadowed = Groups::new();
    for domain in input.wanted.lines.keys() {
        let own = input
            .tables
            .get(ours)
            .and_then(|table| table.answers.get(domain));
        let (Some(own), Some(first)) = (own, answer(input, domain)) else {
            continue;
        };
        let Some(other) = input.tables.get(first.table) else {
            continue;
        };
        if first.table != ours && Route::parse(first.value) != Route::parse(own) {
            let what = format!(
                "{}, which is asked first, sends to {}",
                other.name, first.value
            );
            shadowed.entry(what).or_default().push(domain.clone());
        }
    }
    let silent = input
        .tables
        .iter()
        .take(ours)
        .filter(|t| t.failed.is_some());
    let silent: Vec<String> = silent.map(|table| table.name.to_string()).collect();
    if shadowed.is_empty() && !silent.is_empty() {
        let text = "what is asked first and could not be asked here may have other answers";
        return vec![Row::new(Check::Order, Outcome::Unknown, text).about(silent)];
    }
    if shadowed.is_empty() {
        let text = match ours {
            0 => "it is asked first",
            _ => "no table that is asked before it has another answer for a provider's domain",
        };
        return vec![Row::new(Check::Order, Outcome::Ok, text)];
    }
    let rows = shadowed.into_iter().map(|(what, domains)| {
        let text = format!(
            "{} count: {what}",
            match domains.len() {
                1 => "1 line of the map does not".to_owned(),
                n => format!("{n} lines of the map do not"),
            }
        );
        Row::new(Check::Order, Outcome::Critical, text).about(domains)
    });
    rows.collect()
}

/// Does every domain lead to its provider's relay?
pub(super) fn domains(input: &Input<'_>) -> Vec<Row> {
    let mut right = 0_usize;
    // By provider: those with no answer at all, and those with a wrong one.
    let mut missing = Groups::new();
    let mut wrong: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (domain, line) in &input.wanted.lines {
        match answer(input, domain).filter(|answer| answer.value != ":") {
            Some(answer) if Route::parse(answer.value).leads_to(&line.relay) => right += 1,
            Some(answer) => {
                let key = (line.provider.clone(), answer.value.to_owned());
                wrong.entry(key).or_default().push(domain.clone());
            }
            // A relayhost may well be the relay.
            None if Route::parse(&input.fallback).leads_to(&line.relay) => right += 1,
            None => missing
                .entry(line.provider.clone())
                .or_default()
                .push(domain.clone()),
        }
    }
    let mut rows = Vec::new();
    let all = input.wanted.lines.len();
    if right == all {
        let text = format!(
            "{} of {} lead to their relays",
            count(all, "domain"),
            count(input.wanted.relays.len(), "provider")
        );
        rows.push(Row::new(Check::Domains, Outcome::Ok, text));
    }
    let has = |provider: &str| {
        input
            .wanted
            .lines
            .values()
            .filter(|l| l.provider == provider)
            .count()
    };
    for ((provider, value), domains) in wrong {
        let whose = other_provider(input, &provider, &value);
        let outcome = match whose {
            Some(_) => Outcome::Critical,
            None => Outcome::Warning,
        };
        let whose = whose.map_or_else(String::new, |other| format!(", {other}'s relay"));
        let text = format!(
            "{} of {provider}: their mail goes to {value}{whose}",
            of(domains.len(), has(&provider))
        );
        rows.push(Row::new(Check::Domains, outcome, text).about(domains));
    }
    for (provider, domains) in missing {
        let to = match Route::parse(&input.fallback).hops.as_slice() {
            [] => "its own mail exchangers",
            _ => &input.fallback,
        };
        let text = format!(
            "{} of {provider} in no table: their mail goes to {to}",
            of(domains.len(), has(&provider)),
        );
        rows.push(Row::new(Check::Domains, Outcome::Warning, text).about(domains));
    }
    rows
}

fn of(some: usize, all: usize) -> String {
    format!("{some} of {}", count(all, "domain"))
}

/// Whose relay it is that mail of `provider` goes to, if it is one. That for the rest takes anyone's, and is no other's.
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
pub(super) fn lines(input: &Input<'_>, table: &Table) -> Vec<Row> {
    let Some(entries) = &table.entries else {
        return vec![Row::new(
            Check::Lines,
            Outcome::Skipped,
            "the table cannot list its entries",
        )];
    };
    let unexplained = entries
        .iter()
        .filter(|(key, value)| !explains(input, key, value) && !(input.is_accepted)(key));
    let unexplained: Vec<String> = unexplained
        .map(|(key, value)| format!("{key} {value}"))
        .collect();
    vec![match unexplained.len() {
        0 => Row::new(
            Check::Lines,
            Outcome::Ok,
            "every line is of a provider's domain",
        ),
        n => {
            let text = format!(
                "{} that no provider explains: into the provider table with them, or --accept them",
                count(n, "line")
            );
            Row::new(Check::Lines, Outcome::Warning, text).about(unexplained)
        }
    }]
}

/// Is the line of a provider's domain, a subdomain or an address there? Or `*`, for all others, to a relay of ours? Where a
/// provider's own domain is sent is judged elsewhere.
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
