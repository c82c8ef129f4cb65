//! The moves of this host, by their journals.

use cli::{Context, Outcome};
use legible::wrap::folded;
use postfix::{Time, escape};
use serde::Serialize;
use transfer::{Became, State, Summary};

use crate::args::Listing;
use crate::deleting;
use crate::result::{self, to_line};
use crate::setup::{is_json, readable};
use crate::text;
use crate::unfinished::{deletions, moves};
use crate::waiting::{SoFar, Verified, bad};

#[derive(Serialize)]
struct ListedMove<'a> {
    #[serde(rename = "move")]
    name: &'a str,
    started: i64,
    user: &'a str,
    command: &'a str,
    from: &'a str,
    to: &'a str,
    state: &'static str,
    messages: usize,
    moved: usize,
    skipped: usize,
    failed: usize,
    restored: usize,
    in_doubt: usize,
    /// What TO had done with the moved messages when its log was last read.
    #[serde(skip_serializing_if = "Option::is_none")]
    so_far: Option<Became>,
}

#[derive(Serialize)]
struct History<'a> {
    schema: &'static str,
    moves: Vec<ListedMove<'a>>,
    deletions: Vec<ListedMove<'a>>,
    /// Could all journals be read?
    complete: bool,
}

pub(crate) fn word(state: State) -> &'static str {
    match state {
        State::NotBegun => "not started",
        State::Unfinished => "unfinished",
        State::Done => "done",
        State::Undone => "undone",
        State::Closed => "closed",
    }
}

fn entry(summary: &Summary) -> ListedMove<'_> {
    let (header, totals) = (&summary.header, summary.totals);
    ListedMove {
        name: &header.name,
        started: header.started,
        user: &header.user,
        command: &header.command,
        from: &header.from.instance,
        to: &header.to.instance,
        state: word(summary.state),
        messages: totals.messages,
        moved: totals.moved,
        skipped: totals.skipped,
        failed: totals.failed,
        restored: totals.restored,
        in_doubt: totals.in_doubt,
        so_far: summary.became,
    }
}

fn line(cx: &Context, entry: &ListedMove<'_>) -> String {
    let line = format!(
        "{}  {}  {} -> {}  {}: {}  ({})",
        entry.name,
        readable(cx, Time::from_seconds(entry.started)),
        entry.from,
        entry.to,
        entry.state,
        counts(entry, "moved"),
        entry.user
    );
    format!("{}\n", folded(&escape(&line).to_string(), cx.width()))
}

/// What became of its messages; `done`: what the verb is about.
fn counts(entry: &ListedMove<'_>, done: &str) -> String {
    let mut counts = format!(
        "{}, {} {done}, {} skipped, {} failed, {} put back",
        postfix::count(entry.messages, "message"),
        entry.moved,
        entry.skipped,
        entry.failed,
        entry.restored
    );
    if entry.in_doubt > 0 {
        counts.push_str(&format!(", {} in doubt", entry.in_doubt));
    }
    for what in entry.so_far.iter().flat_map(|became| bad(became, entry.to)) {
        counts.push_str(&format!(", {what}"));
    }
    counts
}

/// Of a deletion, which leads from an instance to itself.
fn deletion_line(cx: &Context, entry: &ListedMove<'_>, keep_until: Time) -> String {
    let line = format!(
        "{}  {}  deleted from {}  {}: {}, kept until {}  ({})",
        entry.name,
        readable(cx, Time::from_seconds(entry.started)),
        entry.from,
        entry.state,
        counts(entry, "deleted"),
        readable(cx, keep_until),
        entry.user
    );
    format!("{}\n", folded(&escape(&line).to_string(), cx.width()))
}

pub(crate) fn run(listing: &Listing, cx: &Context) -> anyhow::Result<Outcome> {
    if let Some(name) = &listing.name {
        return one(listing, cx, name);
    }
    let (summaries, mut is_whole) = moves(cx);
    let (deleted, is_read) = deletions(cx);
    is_whole &= is_read;
    let moves: Vec<ListedMove<'_>> = summaries.iter().map(entry).collect();
    let text = if is_json(listing.format) {
        to_line(&History {
            schema: "relay-tools/queue-move-history/1",
            moves,
            deletions: deleted.iter().map(entry).collect(),
            complete: is_whole,
        })
    } else {
        let lines = moves.iter().map(|entry| line(cx, entry));
        let deletions = deleted.iter().map(|one| {
            let until = one.header.kept_until().unwrap_or(Time::EPOCH);
            deletion_line(cx, &entry(one), until)
        });
        lines.chain(deletions).collect()
    };
    cx.print(text.as_bytes())?;
    Ok(if is_whole {
        Outcome::Done
    } else {
        Outcome::Partial
    })
}

/// A move, message by message.
fn one(listing: &Listing, cx: &Context, name: &str) -> anyhow::Result<Outcome> {
    let journal = deleting::any_named(cx, name)?;
    let totals = Summary::read(&journal.path).map(|summary| summary.totals);
    let totals = totals.unwrap_or_default();
    let so_far = journal.became.map(|became| SoFar {
        became,
        replies: Vec::new(),
    });
    let notes = so_far
        .iter()
        .map(|so_far| so_far.said(&journal.header.to.instance));
    let verified = Verified {
        notes: notes.collect(),
        so_far,
        ..Verified::default()
    };
    let mut outcome = result::RunResult::of_journal(&journal, "history", totals, &verified);
    outcome.notes.extend(verified.notes);
    let text = if is_json(listing.format) {
        to_line(&outcome)
    } else {
        text::outcome(&outcome, cx.is_verbose(), cx.width())
    };
    cx.print(text.as_bytes())?;
    Ok(Outcome::Done)
}
