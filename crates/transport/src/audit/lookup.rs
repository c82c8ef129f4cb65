//! Asking tables as Postfix asks them (transport(5), TABLE SEARCH ORDER; `src/trivial-rewrite/transport.c`,
//! transport_lookup).
//!
//! The whole address is put to every table before its domain is to any; the domain, and then its parents, only to those
//! that are not patterns; `*` to all of them, last. A table that fails ends the search, and the mail is deferred.

use std::collections::BTreeSet;

use super::{Failed, Table};
use crate::{Domain, Map, Route, TableName};

/// Made-up local parts: what answers to one of them answers to most. Two, since a pattern may look at how they are
/// made.
pub const PROBES: [&str; 2] = ["somebody", "user.1234"];

/// What the search comes to.
#[derive(Clone, Copy)]
pub(super) enum Answer<'a> {
    /// This table has an answer.
    Value {
        /// Its place.
        table: usize,
        /// The right-hand side.
        value: &'a str,
    },
    /// This table has one, each time another.
    Random {
        /// Its place.
        table: usize,
        /// Its name.
        name: &'a TableName,
    },
    /// This table fails.
    Fails {
        /// Its place.
        table: usize,
        /// Its name.
        name: &'a TableName,
    },
}

impl Answer<'_> {
    /// Which table decides.
    pub(super) fn table(&self) -> usize {
        match *self {
            Self::Value { table, .. } | Self::Random { table, .. } | Self::Fails { table, .. } => {
                table
            }
        }
    }

    /// The right-hand side, if there is the one.
    pub(super) fn value(&self) -> Option<&str> {
        match self {
            Self::Value { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The table's name, of those that have no value.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Value { value, .. } => (*value).to_owned(),
            Self::Random { name, .. } | Self::Fails { name, .. } => name.to_string(),
        }
    }

    /// What is done with mail, as the end of a sentence.
    pub(super) fn does(&self) -> String {
        match self {
            Self::Value { value, .. } => format!("sends to {value}"),
            Self::Random { name, .. } => format!("goes to a random choice of {name}"),
            Self::Fails { name, .. } => format!("is deferred: {name} fails"),
        }
    }

    /// Does mail go to this relay, and nowhere else?
    pub(super) fn leads_to(&self, relay: &str) -> bool {
        match self {
            Self::Value { value, .. } => Route::parse(value).leads_to(relay),
            Self::Random { name, .. } => {
                let all = name.choices();
                !all.is_empty() && all.iter().all(|value| Route::parse(value).leads_to(relay))
            }
            Self::Fails { .. } => false,
        }
    }

    /// Does it come to the same as this right-hand side?
    pub(super) fn leads_as(&self, own: &str) -> bool {
        self.value()
            .is_some_and(|value| Route::parse(value) == Route::parse(own))
    }
}

impl Table {
    /// What it alone says of a domain's mail: of the domain, of its parents or `*`, or, if it is a pattern's, of an
    /// address.
    pub(super) fn own_answer(&self, domain: &str, parents_match: bool) -> Option<&str> {
        let [probe, _] = PROBES;
        let mut keys = vec![format!("{probe}@{domain}")];
        if !self.name.is_pattern() {
            keys.extend(domain_keys(domain, parents_match));
        }
        keys.push("*".to_owned());
        keys.iter()
            .find_map(|key| self.answers.get(key))
            .map(String::as_str)
    }

    /// Its line for the domain itself.
    pub(super) fn own_line(&self, domain: &str) -> Option<&str> {
        let [probe, _] = PROBES;
        let key = match self.name.is_pattern() {
            true => format!("{probe}@{domain}"),
            false => domain.to_owned(),
        };
        self.answers.get(&key).map(String::as_str)
    }
}

/// The keys that a domain is looked up by, in order.
fn domain_keys(domain: &str, parents_match: bool) -> Vec<String> {
    let mut keys = vec![domain.to_owned()];
    let parents = domain
        .match_indices('.')
        .filter_map(|(at, _)| domain.get(at..));
    keys.extend(parents.map(|parent| match parents_match {
        true => parent.trim_start_matches('.').to_owned(),
        false => parent.to_owned(),
    }));
    keys
}

/// The first answer over all tables for an address. What could not be asked is skipped.
pub(super) fn find<'a>(
    tables: &'a [Table],
    domain: &str,
    probe: &str,
    parents_match: bool,
) -> Option<Answer<'a>> {
    let ask = |key: &str, is_whole: bool| {
        let asked = tables.iter().enumerate();
        let mut asked = asked.filter(|(_, table)| is_whole || !table.name.is_pattern());
        asked.find_map(|(at, table)| answer(at, table, key))
    };
    let whole = format!("{probe}@{domain}");
    ask(&whole, true)
        .or_else(|| {
            domain_keys(domain, parents_match)
                .iter()
                .find_map(|key| ask(key, false))
        })
        .or_else(|| ask("*", true))
}

fn answer<'a>(at: usize, table: &'a Table, key: &str) -> Option<Answer<'a>> {
    let name = &table.name;
    match &table.failed {
        Some(Failed::Broken(_)) => return Some(Answer::Fails { table: at, name }),
        Some(Failed::Unknown(_)) => return None,
        None => {}
    }
    if name.is_random() {
        return Some(Answer::Random { table: at, name });
    }
    let value = table.answers.get(key)?;
    Some(Answer::Value { table: at, value })
}

/// The keys to ask every table for: those of the domains that are wanted, and of what `listed` (keys of tables that can
/// list them) has beside.
pub fn questions<'a>(
    wanted: &'a Map,
    parents_match: bool,
    listed: impl Iterator<Item = &'a str>,
) -> BTreeSet<String> {
    let wanted = wanted.lines.keys().map(String::as_str);
    // What is not a domain is for other lookups, and might not be a line of its own.
    let listed = listed.filter(|key| Domain::new(key.trim_start_matches('.').as_bytes()).is_ok());
    let whole = |domain: &str| PROBES.map(|probe| format!("{probe}@{domain}"));
    let addresses: BTreeSet<String> = wanted.clone().flat_map(whole).collect();
    let domains = wanted
        .chain(listed)
        .flat_map(|domain| domain_keys(domain, parents_match));
    let mut keys: BTreeSet<String> = domains.chain(addresses).collect();
    keys.insert("*".to_owned());
    keys
}

/// Which of the tables is the map: the one that leads most domains to their relays; or else the only one with entries.
pub fn choose(wanted: &Map, tables: &[Table], parents_match: bool) -> Option<usize> {
    let right = |table: &Table| {
        let lines = wanted.lines.iter();
        let leads = |(domain, line): &(&String, &crate::Line)| {
            let answer = table.own_answer(domain, parents_match);
            answer.is_some_and(|value| Route::parse(value).leads_to(&line.relay))
        };
        match table.name.is_random() {
            true => 0,
            false => lines.filter(leads).count(),
        }
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

/// Why a line of a table is never looked up, if so: Postfix asks for addresses, domains, `.DOMAIN` (or, with
/// parent_domain_matches_subdomains, the parent itself) and `*`.
pub(super) fn is_never_asked(key: &str, parents_match: bool) -> bool {
    if key == "*" {
        return false;
    }
    match key.rsplit_once('@') {
        Some((local, domain)) => local.is_empty() || !is_domain(domain),
        None => match key.strip_prefix('.') {
            Some(parent) => parents_match || !is_domain(parent),
            None => !is_domain(key),
        },
    }
}

/// As the resolver leaves it: no dot at its end, no port, no wildcard. A single label is one, and an address literal.
fn is_domain(text: &str) -> bool {
    let is_literal = text.starts_with('[') && text.ends_with(']');
    let labels = || text.split('.');
    is_literal
        || labels().all(|label| {
            !label.is_empty() && !label.contains(|c: char| c.is_whitespace() || "*:@/".contains(c))
        })
}
