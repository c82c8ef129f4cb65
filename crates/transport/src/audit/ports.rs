//! The relays' ports: does anything listen there, and does it take mail from this server?

use std::collections::{BTreeMap, BTreeSet};

use super::relays::asked;
use super::{Asks, AuditRow, Check, Grade, Input, PortState, RelayAnswers, Table};
use crate::{Domain, Hop, Route};
use postfix::{count, either};

/// One kind of what relays answer that do not take the mail.
struct Kind {
    grade: Grade,
    /// The verb for one relay, that for several, and the rest of the sentence.
    words: [&'static str; 3],
    of: fn(&RelayAnswers) -> &[String],
}

const KINDS: [Kind; 4] = [
    Kind {
        grade: Grade::Critical,
        words: [
            "refuses",
            "refuse",
            "this server's mail: it comes back to its senders",
        ],
        of: |said| &said.bounces,
    },
    Kind {
        grade: Grade::Critical,
        words: [
            "does not",
            "do not",
            "relay for this server: its mail waits",
        ],
        of: |said| &said.denies,
    },
    Kind {
        grade: Grade::Warning,
        words: ["takes", "take", "no mail from this server now: it waits"],
        of: |said| &said.defers,
    },
    Kind {
        grade: Grade::Unknown,
        words: [
            "could",
            "could",
            "not be asked whether this server's mail is taken",
        ],
        of: |said| &said.unasked,
    },
];

/// Does anything listen where the map leads to?
pub(super) fn ports(input: &Input<'_>, table: &Table) -> Vec<AuditRow> {
    let Some(found) = &input.ports else {
        return vec![row(Grade::Skipped, "no connection was tried".to_owned())];
    };
    let tried = Tried::of(found, asked(table, input.transports.as_ref()));
    let mut rows = tried.closed();
    rows.extend(KINDS.iter().filter_map(|kind| tried.said(kind)));
    if rows.is_empty() {
        rows.push(tried.in_order());
    }
    rows
}

fn row(grade: Grade, text: String) -> AuditRow {
    AuditRow::new(Check::Ports, grade, text)
}

/// What came of the connections.
#[derive(Default)]
struct Tried<'a> {
    /// Relays that accepted one, and were not asked.
    open: usize,
    /// Relays that take this server's mail.
    takes: usize,
    /// The answers of those that do not, at one of their addresses at least.
    said: BTreeMap<Hop, &'a RelayAnswers>,
    refused: Vec<String>,
    unreached: Vec<String>,
}

impl<'a> Tried<'a> {
    fn of(found: &'a BTreeMap<(Hop, Asks), PortState>, all: BTreeSet<(Hop, Asks)>) -> Self {
        let mut tried = Self::default();
        for asked in all {
            let state = found.get(&asked);
            let (hop, _) = asked;
            match state {
                Some(PortState::Open) => tried.open += 1,
                Some(PortState::Asked(said)) if *said == RelayAnswers::default() => {
                    tried.takes += 1;
                }
                Some(PortState::Asked(said)) => {
                    tried.said.insert(hop, said);
                }
                Some(PortState::Refused) => tried.refused.push(hop.to_string()),
                Some(PortState::Unreached(why)) => tried.unreached.push(format!("{hop}: {why}")),
                // Its name is reported elsewhere.
                None => {}
            }
        }
        tried
    }

    /// The relays that nothing could be asked of.
    fn closed(&self) -> Vec<AuditRow> {
        let mut rows = Vec::new();
        if !self.refused.is_empty() {
            let text = format!(
                "nothing is listening on {}: mail for it is deferred",
                count(self.refused.len(), "relay")
            );
            rows.push(row(Grade::Critical, text).about(&self.refused));
        }
        // Whether that is the relay, the way there, or this host's fault cannot be known from here.
        if !self.unreached.is_empty() {
            let text = format!("no answer from {}", count(self.unreached.len(), "relay"));
            rows.push(row(Grade::Skipped, text).about(&self.unreached));
        }
        rows
    }

    /// The relays that gave an answer of this kind, if any did.
    fn said(&self, kind: &Kind) -> Option<AuditRow> {
        let all = self.said.iter().map(|(hop, said)| (hop, (kind.of)(said)));
        let all = all.filter(|(_, texts)| !texts.is_empty());
        let n = all.clone().count();
        let items = all.flat_map(|(hop, texts)| {
            let texts = texts.iter();
            texts.map(move |text| format!("{hop}: {text}"))
        });
        let [one, many, what] = kind.words;
        let text = format!("{} {} {what}", count(n, "relay"), either(n, one, many));
        (n > 0).then(|| row(kind.grade, text).about(items))
    }

    /// That nothing is wrong.
    fn in_order(&self) -> AuditRow {
        let Self { open, takes, .. } = *self;
        if takes > 0 {
            let takes = (count(takes, "relay"), either(takes, "takes", "take"));
            row(
                Grade::Ok,
                format!("{} {} mail from this server", takes.0, takes.1),
            )
        } else if open == 0 {
            row(Grade::Skipped, "no relay was connected to".to_owned())
        } else {
            let accepts = either(open, "accepts", "accept");
            row(
                Grade::Ok,
                format!("{} {accepts} connections", count(open, "relay")),
            )
        }
    }
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
