//! Why mail was stopped: like reasons put together, and a bound on how many there are.

use hashbrown::HashMap;
use postfix::log::{Kind, Stage, Stop};

use super::ReasonRow;
use crate::mail_stats::Key;
use knowledge::reasons::fold;

/// How many reasons are distinguished. Strangers can make up any number.
const DISTINCT_MAX: usize = 10_000;

/// How many raw reasons are remembered with what they were folded to.
const CACHE_MAX: usize = 2_048;

/// Counts by reason. The empty reason is for those beyond the bound.
#[derive(Debug, Clone, Default)]
pub(super) struct Reasons(HashMap<(Kind, String), u64>);

/// What reasons were folded to: a spammer gets the same reply a thousand times.
#[derive(Debug, Clone, Default)]
pub(super) struct Folder {
    known: HashMap<Vec<u8>, String>,
    raw: Vec<u8>,
}

impl Folder {
    /// The reason of a stop without what differs from message to message.
    pub(super) fn fold(&mut self, stop: &Stop<'_>) -> &str {
        self.raw.clear();
        self.raw.extend_from_slice(stop.stage.as_str().as_bytes());
        self.raw.push(b'\n');
        self.raw.extend_from_slice(stop.header.unwrap_or_default());
        self.raw.push(b'\n');
        self.raw.extend_from_slice(stop.reason);
        if self.known.len() >= CACHE_MAX && !self.known.contains_key(self.raw.as_slice()) {
            self.known.clear();
        }
        self.known
            .entry_ref(self.raw.as_slice())
            .or_insert_with(|| text(stop))
    }
}

/// `header Subject: 5.7.1 We sell nothing` for what a check found in a message's content, else the reply alone.
fn text(stop: &Stop<'_>) -> String {
    let reason = fold(&String::from_utf8_lossy(stop.reason));
    let place = match (stop.stage, stop.header) {
        (Stage::Header, Some(name)) => format!("header {}", String::from_utf8_lossy(name)),
        (Stage::Header | Stage::Body | Stage::Content | Stage::MimeError, _) => {
            stop.stage.as_str().to_owned()
        }
        _ => return reason,
    };
    match reason.is_empty() {
        true => place,
        false => format!("{place}: {reason}"),
    }
}

impl Reasons {
    pub(super) fn add(&mut self, kind: Kind, reason: &str, n: u64) {
        let full = self.0.len() >= DISTINCT_MAX;
        let mut key = (kind, reason.to_owned());
        if full && !self.0.contains_key(&key) {
            key.1.clear();
        }
        let count = self.0.entry(key).or_default();
        *count = count.saturating_add(n);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for ((kind, reason), n) in &other.0 {
            self.add(*kind, reason, *n);
        }
    }

    /// The `top` most frequent, and the others as one.
    pub(super) fn rows(self, top: usize) -> Vec<ReasonRow> {
        let (others, named): (Vec<_>, Vec<_>) = self
            .0
            .into_iter()
            .partition(|((_, reason), _)| reason.is_empty());
        let mut others = others
            .into_iter()
            .fold(0, |sum: u64, (_, n)| sum.saturating_add(n));
        let mut rows: Vec<ReasonRow> = named
            .into_iter()
            .map(|((kind, reason), count)| ReasonRow {
                kind: Some(kind),
                reason: Key::Named(reason.into_bytes()),
                count,
            })
            .collect();
        rows.sort_by(|a, b| {
            let by_count = b.count.cmp(&a.count);
            by_count.then_with(|| (a.kind, &a.reason).cmp(&(b.kind, &b.reason)))
        });
        let keys = rows.len().saturating_sub(top);
        for row in rows.drain(top.min(rows.len())..) {
            others = others.saturating_add(row.count);
        }
        if others > 0 {
            rows.push(ReasonRow {
                kind: None,
                reason: Key::Others(keys),
                count: others,
            });
        }
        rows
    }
}
