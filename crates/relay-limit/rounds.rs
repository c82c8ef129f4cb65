//! What queue-move says of its runs for `out`, taken together, and whether there may be another one.

use std::collections::BTreeMap;

use cli::Outcome;
use postfix::count;
use serde::Deserialize;
use transfer::{State, is_passing};

/// The result of queue-move (relay-tools/queue-move/1), as far as it matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MoveReport {
    state: Option<State>,
    this_run: ThisRun,
    messages: Vec<Message>,
    canary: Option<Canary>,
    so_far: Option<SoFar>,
    busy: usize,
    problems: Vec<String>,
    /// Was all of FROM's mail seen? What does not say so has not seen it.
    complete: bool,
    missing: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ThisRun {
    moved: usize,
}

#[derive(Debug, Deserialize)]
struct Message {
    result: Option<String>,
    why: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Canary {
    stopped: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct SoFar {
    sent: usize,
    deferred: usize,
    bounced: usize,
    discarded: usize,
    held: usize,
    not_tried: usize,
    not_known: usize,
    replies: Vec<String>,
}

/// A run of queue-move.
#[derive(Debug)]
pub(crate) struct Round {
    /// Its exit status, if it had one.
    code: Option<i32>,
    /// Its result, or why there is none.
    said: Result<MoveReport, String>,
}

impl Round {
    /// A run that ended with `code`, and wrote `out`; `reason` is the last line that it wrote to standard error.
    pub(crate) fn read(code: Option<i32>, out: &[u8], reason: &str) -> Self {
        let said = match out.is_empty() {
            true => Err(reason.to_owned()),
            false => {
                serde_json::from_slice(out).map_err(|e| format!("its result cannot be read: {e}"))
            }
        };
        Self { code, said }
    }

    /// One that could not be run.
    pub(crate) fn failed(why: &str) -> Self {
        Self {
            code: None,
            said: Err(why.to_owned()),
        }
    }

    /// Did all go well but for what the queue manager had in hand just then? Only then may another run follow: after a
    /// canary that stopped, a bounce, a failure or an interruption it would do the harm again.
    pub(crate) fn leaves_only_busy(&self) -> bool {
        let Ok(said) = &self.said else {
            return false;
        };
        let is_busy = |why: &Option<String>| why.as_deref().is_some_and(is_passing);
        let mut left = said.left().peekable();
        let some = left.peek().is_some() || said.busy > 0;
        matches!(self.code, Some(0 | 1)) && some && said.is_sound() && left.all(is_busy)
    }

    /// As far as it can be seen: is nothing wrong with it, whether something is left or not?
    fn is_sound(&self) -> bool {
        matches!(self.code, Some(0 | 1)) && self.said.as_ref().is_ok_and(MoveReport::is_sound)
    }
}

impl MoveReport {
    fn is_sound(&self) -> bool {
        let is_stopped = self
            .canary
            .as_ref()
            .is_some_and(|one| one.stopped.is_some());
        let fates = self.so_far.as_ref();
        let is_lost = fates.is_some_and(|fates| fates.bounced + fates.discarded + fates.held > 0);
        let is_bad =
            |one: &Message| !matches!(one.result.as_deref(), Some("moved" | "skipped") | None);
        !is_stopped
            && !is_lost
            && self.state != Some(State::Unfinished)
            && self.problems.is_empty()
            && !self.messages.iter().any(is_bad)
    }

    /// Why each message that is not at TO now is not.
    fn left(&self) -> impl Iterator<Item = &Option<String>> {
        let left = |one: &&Message| one.result.as_deref() != Some("moved");
        self.messages.iter().filter(left).map(|one| &one.why)
    }

    /// The same, with how many messages that means: the most frequent first.
    fn causes(&self) -> Vec<(&str, usize)> {
        let mut causes: BTreeMap<&str, usize> = BTreeMap::new();
        for why in self.left() {
            *causes
                .entry(why.as_deref().unwrap_or("not moved"))
                .or_default() += 1;
        }
        if self.busy > 0 {
            causes.insert("the queue manager has it in hand", self.busy);
        }
        let mut causes: Vec<(&str, usize)> = causes.into_iter().collect();
        causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        causes
    }

    /// What was not moved, and what was not seen.
    fn rest(&self, causes: &[(&str, usize)]) -> String {
        let mut text = String::new();
        if let Some((why, _)) = causes.first() {
            let left: usize = causes.iter().map(|(_, count)| count).sum();
            let more = if causes.len() > 1 { ", …" } else { "" };
            text.push_str(&format!("; {left} not moved: {why}{more}"));
        }
        let stopped = self.canary.as_ref().and_then(|one| one.stopped.as_ref());
        for why in stopped.into_iter().chain(&self.problems) {
            text.push_str(&format!("; {why}"));
        }
        if !self.complete {
            text.push_str("; not all that waits was seen");
            for why in self.missing.iter().take(3) {
                text.push_str(&format!(": {why}"));
            }
        }
        text
    }
}

/// The runs of one move, in order.
pub(crate) struct Rounds(pub(crate) Vec<Round>);

impl Rounds {
    /// All of it in a line. `what`: `to postfix-aol-a`; `again`: the command that goes on with it.
    pub(crate) fn summary(&self, what: &str, again: &str) -> Ran {
        let read = || self.0.iter().filter_map(|round| round.said.as_ref().ok());
        let moved: usize = read().map(|said| said.this_run.moved).sum();
        let mut text = format!(
            "moved {what}: {}{}",
            count(moved, "message"),
            self.fates().unwrap_or_default()
        );
        let mut is_done = self.0.iter().all(Round::is_sound);
        match self.0.last().map(|round| (&round.said, round.code)) {
            Some((Ok(said), code)) => {
                let causes = said.causes();
                is_done &= code == Some(0) && said.complete && causes.is_empty();
                text.push_str(&said.rest(&causes));
            }
            Some((Err(why), _)) if moved == 0 => text = format!("NOT moved {what}: {why}"),
            Some((Err(why), _)) => text.push_str(&format!("; the rest NOT: {why}")),
            None => {}
        }
        if !is_done {
            text.push_str(&format!("; {again}"));
        }
        Ran {
            text,
            outcome: if is_done {
                Outcome::Done
            } else {
                Outcome::Partial
            },
            goes_on: self.0.iter().all(Round::is_sound),
            moves: Vec::new(),
        }
    }

    /// What became of the mail that was moved, in brackets.
    fn fates(&self) -> Option<String> {
        let read = || self.0.iter().filter_map(|round| round.said.as_ref().ok());
        let mut fates = SoFar::default();
        read()
            .filter_map(|said| said.so_far.as_ref())
            .for_each(|one| fates.add(one));
        let unseen = read().filter(|said| said.so_far.is_none());
        let unseen: usize = unseen.map(|said| said.this_run.moved).sum();
        let parts = fates.parts();
        let so_far = (!parts.is_empty()).then(|| format!("so far {parts}"));
        let unseen = (unseen > 0).then(|| format!("what became of {unseen} was not seen"));
        let parts: Vec<String> = so_far.into_iter().chain(unseen).collect();
        (!parts.is_empty()).then(|| format!(" ({})", parts.join("; ")))
    }
}

impl SoFar {
    fn add(&mut self, one: &Self) {
        self.sent += one.sent;
        self.deferred += one.deferred;
        self.bounced += one.bounced;
        self.discarded += one.discarded;
        self.held += one.held;
        self.not_tried += one.not_tried;
        self.not_known += one.not_known;
        self.replies.extend(one.replies.iter().cloned());
    }

    fn parts(&self) -> String {
        let counts = [
            (self.sent, "sent"),
            (self.deferred, "deferred"),
            (self.bounced, "returned to their senders"),
            (self.discarded, "thrown away"),
            (self.held, "put on hold"),
            (self.not_tried, "not tried yet"),
            (self.not_known, "of unknown fate"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts = counts.map(|(count, what)| format!("{count} {what}"));
        let replies = self.replies.iter().take(2).cloned();
        let parts: Vec<String> = counts.collect();
        let all = std::iter::once(parts.join(", ")).chain(replies);
        let all: Vec<String> = all.filter(|part| !part.is_empty()).collect();
        all.join("; ")
    }
}

/// What another tool of ours did.
pub(crate) struct Ran {
    pub(crate) text: String,
    pub(crate) outcome: Outcome,
    /// May more be moved after it?
    pub(crate) goes_on: bool,
    /// The moves of which it says that they are unfinished, if they are.
    pub(crate) moves: Vec<String>,
}

impl Ran {
    /// What is left as it is, and must be looked at first.
    pub(crate) fn left(text: String) -> Self {
        Self {
            text,
            outcome: Outcome::Partial,
            goes_on: false,
            moves: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
