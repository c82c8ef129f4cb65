//! What filters stopped on the way in, and how spamd scored what came through: events in, figures out.
//!
//! These are not deliveries and not in the counts of [`crate::mail_stats`]. [`FilterTally`] counts; its
//! [`FilterTally::finish`] puts the figures beside those of the deliveries.

mod join;
mod message;
mod reasons;
mod scores;
mod tally;

use std::collections::BTreeMap;

use postfix::log::{Action, Agent, Delivery, Kind, Stage, Status};

pub use scores::{BANDS, Disposition, Scores};
pub use tally::FilterTally;

use crate::mail_stats::Key;

/// What filters did to the mail of an instance, or of all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filtered {
    /// Messages that entered the queue, held ones among them: each time one did.
    pub accepted: u64,
    /// What was stopped, by who, how and where: a connection, a recipient or a message each.
    pub stops: BTreeMap<(Kind, Stage), Stops>,
    /// Why: the most frequent first, what is not among the top in one row at the end.
    pub reasons: Vec<ReasonRow>,
    /// `status=sent` that was none.
    pub discards: Discards,
    /// Lines that could not be read: in no other figure.
    pub unparsed: u64,
    /// How spamd scored the instance's messages.
    pub scores: Scores,
}

/// How often something was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stops {
    /// In all.
    pub count: u64,
    /// The client was asked to try again (`4xx`).
    pub temporary: u64,
}

/// Stopped for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonRow {
    /// By who, and how; absent for what is not among the top.
    pub kind: Option<Kind>,
    /// The reply to the client, or the rule's text, without what differs from message to message: a stranger's words.
    pub reason: Key,
    /// How often.
    pub count: u64,
}

/// Deliveries with `status=sent` whose mail went nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Discards {
    /// To discard(8).
    pub transport: u64,
    /// A content filter after the queue took it and says that it was discarded.
    pub filter: u64,
}

/// Who discarded mail that was "delivered".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiscardedBy {
    Transport,
    Filter,
}

impl Filtered {
    /// How often mail was stopped so: refused for good, refused for now, discarded, put on hold.
    pub fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for ((kind, _), stops) in &self.stops {
            match kind.action() {
                Action::Reject => {
                    sums.rejected = sums
                        .rejected
                        .saturating_add(stops.count.saturating_sub(stops.temporary));
                    sums.temporary = sums.temporary.saturating_add(stops.temporary);
                }
                Action::Discard => sums.discarded = sums.discarded.saturating_add(stops.count),
                Action::Hold => sums.held = sums.held.saturating_add(stops.count),
            }
        }
        sums
    }
}

/// Stops by what became of the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Refused for good.
    pub rejected: u64,
    /// Refused for now.
    pub temporary: u64,
    /// Accepted and thrown away.
    pub discarded: u64,
    /// Put on hold.
    pub held: u64,
}

/// Did this delivery go nowhere? discard(8) says so by being what it is; a filter by its reply, as amavis does:
/// `250 2.7.0 Ok, discarded, id=…`. What is in angle brackets, an address perhaps, does not say it.
pub(crate) fn discarded(delivery: &Delivery<'_>) -> Option<DiscardedBy> {
    if delivery.status != Status::Sent {
        return None;
    }
    if delivery.agent == Agent::Discard {
        return Some(DiscardedBy::Transport);
    }
    let mut depth = 0_u32;
    let outside: Vec<u8> = delivery
        .reply
        .iter()
        .map(|&b| {
            match b {
                b'<' => depth = depth.saturating_add(1),
                b'>' => depth = depth.saturating_sub(1),
                b if depth == 0 => return b.to_ascii_lowercase(),
                _ => {}
            }
            b' '
        })
        .collect();
    let is_part =
        |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || b"@._-=".contains(b));
    memchr::memmem::find_iter(&outside, b"discarded")
        .any(|at| {
            let before = at.checked_sub(1).and_then(|at| outside.get(at));
            !is_part(before) && !is_part(outside.get(at + 9))
        })
        .then_some(DiscardedBy::Filter)
}

#[cfg(test)]
mod tests;
