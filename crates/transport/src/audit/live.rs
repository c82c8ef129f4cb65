//! What Postfix itself says: its trivial-rewrite decides where mail goes, by the tables as it has them open.

use std::collections::BTreeMap;

use super::routes::{Astray, astray};
use super::{AuditRow, Check, Grade, Input};
use crate::Route;
use postfix::count;

/// What Postfix says of the domains' mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// It was not asked: why.
    NotAsked(String),
    /// It could not be asked: why.
    Unknown(String),
    /// It runs, and gives no answer: why.
    Broken(String),
    /// What it says of an address of each domain.
    Known(BTreeMap<String, Resolved>),
}

/// Where Postfix sends an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// By this transport to this next hop.
    To(String, String),
    /// Nowhere: a table failed, and mail is deferred.
    Fails,
}

impl Resolved {
    fn leads_to(&self, relay: &str) -> bool {
        matches!(self, Self::To(transport, nexthop) if Route::parse(&format!("{transport}:{nexthop}")).leads_to(relay))
    }

    /// `their mail goes to smtp:[x]`.
    fn what(&self) -> String {
        match self {
            Self::To(transport, nexthop) => format!("their mail goes to {transport}:{nexthop}"),
            Self::Fails => {
                "their mail is deferred: lookup failure (the mail log names the table)".to_owned()
            }
        }
    }
}

/// Does Postfix do as the tables say?
pub(super) fn live(input: &Input<'_>) -> Vec<AuditRow> {
    let row = |outcome, text: String| AuditRow::new(Check::Postfix, outcome, text);
    let known = match &input.live {
        Live::NotAsked(why) => return vec![row(Grade::Skipped, why.clone())],
        Live::Unknown(why) => return vec![row(Grade::Unknown, why.clone())],
        Live::Broken(why) => return vec![row(Grade::Critical, why.clone())],
        Live::Known(known) => known,
    };
    let mut elsewhere: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut still = Vec::new();
    for (domain, line) in &input.wanted.lines {
        let Some(resolved) = known.get(domain) else {
            continue;
        };
        let is_there = resolved.leads_to(&line.relay);
        match (is_there, astray(input, domain, &line.relay)) {
            (false, None) => elsewhere
                .entry(resolved.what())
                .or_default()
                .push(domain.clone()),
            (true, Some(Astray::NoLine(_) | Astray::There(..))) => still.push(domain.clone()),
            _ => {}
        }
    }
    if elsewhere.is_empty() && still.is_empty() {
        let text = format!(
            "asked about {}, it does what the tables say",
            count(known.len(), "domain")
        );
        return vec![row(Grade::Ok, text)];
    }
    let mut rows: Vec<AuditRow> = elsewhere
        .into_iter()
        .map(|(what, domains)| {
            let text = format!(
                "{} not as the tables say: {what}; postfix reload makes it read them again",
                count(domains.len(), "domain")
            );
            row(Grade::Critical, text).about(domains)
        })
        .collect();
    if !still.is_empty() {
        let text = format!(
            "Postfix still sends the mail of {} to their relays: the tables have changed since it read them",
            count(still.len(), "domain")
        );
        rows.push(row(Grade::Warning, text).about(still));
    }
    rows
}
