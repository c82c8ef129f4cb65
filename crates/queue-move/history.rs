//! The moves of this host, by their journals.

use std::path::{Path, PathBuf};

use cli::{Context, Failure, Outcome};
use postfix::{Problem, escape};
use serde::Serialize;
use transfer::Journal;

use crate::args::Listing;
use crate::moving::{is_json, moves_dir};
use crate::output::to_line;
use crate::setup::readable;

/// All journals that can be read, the oldest first; and what could not.
pub(crate) fn journals(dir: &Path) -> anyhow::Result<(Vec<Journal>, Vec<Problem>)> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), Vec::new())),
        Err(e) => return Err(Failure::io("cannot read the journals", dir, e).into()),
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "jsonl"));
    paths.sort();
    let mut journals = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        match Journal::read(&path) {
            Ok(journal) => journals.push(journal),
            Err(error) => problems.push(Problem::new(path, error.to_string())),
        }
    }
    journals.sort_by(|a, b| {
        let key = |j: &Journal| {
            (
                j.header.started,
                j.header.started_microseconds,
                j.header.name.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    Ok((journals, problems))
}

#[derive(Serialize)]
struct Entry<'a> {
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
}

#[derive(Serialize)]
struct History<'a> {
    schema: &'static str,
    moves: Vec<Entry<'a>>,
}

/// Is there anything left to do?
pub(crate) fn is_unfinished(journal: &Journal) -> bool {
    journal.planned && !journal.finished
}

fn entry(journal: &Journal) -> Entry<'_> {
    let header = &journal.header;
    let (messages, [moved, skipped, failed, restored, in_doubt]) = journal.counts();
    let state = match (journal.planned, journal.finished) {
        (false, _) => "not begun",
        (true, false) => "unfinished",
        (true, true) if restored > 0 => "undone",
        (true, true) => "done",
    };
    Entry {
        name: &header.name,
        started: header.started,
        user: &header.user,
        command: &header.command,
        from: &header.from.instance,
        to: &header.to.instance,
        state,
        messages,
        moved,
        skipped,
        failed,
        restored,
        in_doubt,
    }
}

pub(crate) fn run(listing: &Listing, cx: &Context) -> anyhow::Result<Outcome> {
    let (journals, problems) = journals(&moves_dir(cx.root()))?;
    let moves: Vec<Entry<'_>> = journals.iter().map(entry).collect();
    let text = if is_json(listing.format) {
        to_line(&History {
            schema: "relay-tools/queue-move-history/1",
            moves,
        })
    } else {
        let line = |entry: &Entry<'_>| {
            let told = format!(
                "{}  {}  {} -> {}  {}: {} messages, {} moved, {} skipped, {} failed, {} put back, {} in doubt  ({})",
                entry.name,
                readable(entry.started),
                entry.from,
                entry.to,
                entry.state,
                entry.messages,
                entry.moved,
                entry.skipped,
                entry.failed,
                entry.restored,
                entry.in_doubt,
                entry.user
            );
            format!("{}\n", escape(&told))
        };
        moves.iter().map(line).collect()
    };
    cx.print(text.as_bytes())?;
    cx.problems(&problems);
    Ok(Outcome::Done)
}
