//! The beginning of a move: its journal, with the whole plan on disk before anything is done.

use std::io;
use std::path::Path;
use std::sync::Arc;

use postfix::Time;

use crate::journal::{Header, Intent, Line, LogMark, SCHEMA, Track, Writer};
use crate::moves::{Means, Move, MoveError};
use crate::plan::Plan;

/// Who does it, when, and under which name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// The move's name; a number is added if there is a move of that name.
    pub name: String,
    /// When.
    pub started: Time,
    /// Who started it.
    pub user: String,
    /// By which command.
    pub command: String,
    /// Messages a minute, if it is not to be as fast as possible.
    pub rate: Option<u32>,
    /// Of a deletion: until when its messages are kept.
    pub keep_until: Option<Time>,
    /// Where TO's log ends now.
    pub log: Option<LogMark>,
}

impl<'a> Move<'a> {
    /// Begins a plan. The journal is in `dir`, which is made if need be.
    ///
    /// # Errors
    /// The journal cannot be written. Nothing has been done then.
    pub fn begin(
        means: Means<'a>,
        dir: &Path,
        plan: &Plan,
        begin: Begin,
    ) -> Result<Self, MoveError> {
        let not_begun = |e| MoveError::NotBegun(dir.to_owned(), e);
        let numbered = (0..).zip(plan.moves());
        let intents: Vec<Arc<Intent>> = numbered
            .map(|(n, item)| {
                let mut intent = item.message.clone();
                intent.n = n;
                Arc::new(intent)
            })
            .collect();
        let (name, mut writer) = create(&means, dir, &begin.name).map_err(not_begun)?;
        let path = dir.join(format!("{name}.jsonl"));
        let header = Header {
            schema: SCHEMA.to_owned(),
            mark: mark(&name),
            name,
            started: begin.started.seconds(),
            started_microseconds: microseconds(begin.started),
            user: begin.user,
            command: begin.command,
            rate: begin.rate,
            keep_until: begin.keep_until.map(Time::seconds),
            from: plan.from.clone(),
            to: plan.to.clone(),
            cross_device: plan.cross_device,
            boot: means.boot.clone(),
            log: begin.log,
        };
        if let Err(e) = prepare(&mut writer, &header, &intents) {
            writer.discard();
            return Err(not_begun(e));
        }
        let tracks = intents.into_iter().map(Track::new).collect();
        Self::planned(means, writer, header, path, tracks).map_err(not_begun)
    }
}

/// Those of its second.
fn microseconds(time: Time) -> u32 {
    u32::try_from(time.micros().rem_euclid(1_000_000)).unwrap_or(0)
}

fn prepare(journal: &mut Writer<'_>, header: &Header, intents: &[Arc<Intent>]) -> io::Result<()> {
    journal.write(&[Line::Begin(Box::new(header.clone()))])?;
    for some in intents.chunks(1000) {
        let lines: Vec<Line> = some.iter().cloned().map(Line::Intent).collect();
        journal.write(&lines)?;
    }
    let count = u32::try_from(intents.len()).map_err(io::Error::other)?;
    journal.commit(&[Line::Planned(count)])?;
    journal.sync_directory()
}

fn create<'a>(means: &Means<'a>, dir: &Path, name: &str) -> io::Result<(String, Writer<'a>)> {
    for more in 1.. {
        let name = match more {
            1 => name.to_owned(),
            more => format!("{name}-{more}"),
        };
        match Writer::create(means.fs, means.root, &dir.join(format!("{name}.jsonl"))) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && more < 1000 => {}
            made => return Ok((name, made?)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Nanoseconds that mark this move's files (FNV-1a); never 0, which is what Postfix leaves.
fn mark(name: &str) -> u32 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash % 999_999_998 + 1
}
