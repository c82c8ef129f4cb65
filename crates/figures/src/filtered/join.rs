//! Which message a score is of: by Message-Id, and by time where several have the same, or none.

use postfix::{Span, Time};
use std::hash::BuildHasher;

use hashbrown::HashSet;

use super::scores::Score;

/// A message, as far as joining needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    /// [`Ids::key`] of its Message-Id; absent before its header was seen.
    pub(super) key: Option<u64>,
    /// When its header was seen.
    pub(super) arrived: Time,
    /// When it was let in or refused.
    pub(super) settled: Option<Time>,
}

/// A score that belongs to some message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scored {
    pub(super) key: u64,
    pub(super) time: Time,
    pub(super) score: Score,
}

/// Two daemons' clocks are one, but some logs cut times to whole seconds. In microseconds.
const SLACK: Span = Span::from_seconds(1);

/// How many messages with one Message-Id are looked at for a score: strangers may send any number.
const OPEN_MAX: usize = 64;

/// Message-Ids as numbers: they are many and long. The numbers differ from run to run, so that nobody can prepare two
/// that are alike.
#[derive(Debug, Clone, Default)]
pub(super) struct Ids(std::hash::RandomState);

impl Ids {
    /// What stands for a Message-Id, as a header has it or as spamd logs it.
    pub(super) fn key(&self, message_id: &[u8]) -> u64 {
        self.0.hash_one(plain(message_id))
    }

    /// What stands for a message without one.
    pub(super) fn none(&self) -> u64 {
        self.key(b"")
    }
}

/// What is left of a Message-Id after all that Postfix (`src/util/msg_output.c`, `printable`) and spamd
/// (`parse_msgids`, and the escaping of its logger) may have put in place of odd characters, so that both give the
/// same.
fn plain(id: &[u8]) -> Vec<u8> {
    if id == b"(unknown)" {
        return Vec::new();
    }
    let mut text = without_comments(id);
    if let Some(open) = memchr::memchr(b'<', &text)
        && let Some(length) = memchr::memchr(b'>', &text[open + 1..])
    {
        text = text[open + 1..open + 1 + length].to_vec();
    }
    let text = text.trim_ascii();
    let odd = |b: u8| !b.is_ascii_graphic() || b"<>,?_".contains(&b);
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        // spamd's logger: `\\` and `\x{E9}`.
        rest = match behind {
            [b'x', b'{', _, _, b'}', tail @ ..] if first == b'\\' => {
                plain.push(b'?');
                tail
            }
            [b'\\', tail @ ..] if first == b'\\' => {
                plain.push(b'\\');
                tail
            }
            _ => {
                plain.push(if odd(first) { b'?' } else { first });
                behind
            }
        };
    }
    plain
}

/// Takes `(…)` out, innermost first, as spamd does.
fn without_comments(id: &[u8]) -> Vec<u8> {
    let mut text = id.to_vec();
    // One that is nested deeper is nobody's.
    for _ in 0..4 {
        let Some(close) = memchr::memchr(b')', &text) else {
            break;
        };
        let Some(open) = memchr::memrchr(b'(', &text[..close]) else {
            break;
        };
        text.drain(open..=close);
    }
    text
}

/// The message of each score, by its place in `arrivals`.
pub(super) fn join(arrivals: &[Arrival], scored: &[Scored], none: u64) -> Vec<Option<usize>> {
    let wanted: HashSet<u64> = scored.iter().map(|s| s.key).collect();
    let mut messages: Vec<(u64, Time, usize)> = arrivals
        .iter()
        .enumerate()
        .filter_map(|(at, a)| Some((a.key.filter(|key| wanted.contains(key))?, a.arrived, at)))
        .collect();
    messages.sort_unstable();
    let mut order: Vec<usize> = (0..scored.len()).collect();
    order.sort_by_key(|&at| (scored[at].key, scored[at].time, at));
    let mut found = vec![None; scored.len()];
    let mut coming = messages.iter().peekable();
    let mut open: Vec<usize> = Vec::new();
    let mut key = None;
    for at in order {
        let score = &scored[at];
        if key != Some(score.key) {
            key = Some(score.key);
            open.clear();
            while coming.next_if(|(key, ..)| *key < score.key).is_some() {}
        }
        let by = score.time.plus(SLACK);
        while let Some((.., message)) =
            coming.next_if(|(key, arrived, _)| *key == score.key && *arrived <= by)
        {
            open.push(*message);
        }
        let excess = open.len().saturating_sub(OPEN_MAX);
        open.drain(..excess);
        found[at] = pick(arrivals, &open, score, score.key == none).map(|place| open.remove(place));
    }
    found
}

/// The one that waited for this score: that was settled next after it. A message that was let in before it was scored,
/// by a filter behind the queue, is known only by its id.
fn pick(arrivals: &[Arrival], open: &[usize], score: &Scored, nameless: bool) -> Option<usize> {
    let settled = |place: usize| arrivals[open[place]].settled;
    let since = score.time.minus(SLACK);
    let waited = (0..open.len()).filter(|&place| settled(place).is_some_and(|time| time >= since));
    if let Some(place) = waited.min_by_key(|&place| settled(place)) {
        return Some(place);
    }
    match nameless {
        true => None,
        false => open.len().checked_sub(1),
    }
}
