//! A move from its plan to its end.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::engine::Engine;
use crate::execute::{Pace, Watch, run};
use crate::fsops::Fs;
use crate::job::Job;
use crate::journal::{Ended, Fate, Header, Intent, Line, LogMark, SCHEMA, Track, Writer};
use crate::mover::Mover;
use crate::plan::Plan;
use crate::protocol::Goal;
use crate::verdict::Verdict;

/// Where a host keeps the journals of moves, as the host itself names it.
pub const MOVES: &str = "/var/lib/relay-tools/moves";

/// Who does it, when, and under which name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// The move's name; a number is added if there is a move of that name.
    pub name: String,
    /// Seconds since 1970 (UTC).
    pub started: i64,
    /// And the microseconds of that.
    pub started_microseconds: u32,
    /// Who started it.
    pub user: String,
    /// By which command.
    pub command: String,
    /// The id of this boot (proc(5), random/boot_id).
    pub boot: String,
    /// Where TO's log ends now.
    pub log: Option<LogMark>,
}

/// A move that has ended, or was interrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Its name.
    pub name: String,
    /// Its journal.
    pub journal: PathBuf,
    /// What was to be moved, in the order of the journal.
    pub intents: Vec<Intent>,
    /// How those that were reached ended.
    pub ended: Vec<Ended>,
}

impl Done {
    /// Were all reached, and did none fail?
    pub fn is_complete(&self) -> bool {
        let open = |ended: &Ended| matches!(ended.fate, Fate::Failed | Fate::Doubt);
        self.ended.len() == self.intents.len() && !self.ended.iter().any(open)
    }
}

/// Why a move was not carried out to its end.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// Nothing was done.
    #[error("{}: cannot write the journal, and nothing is moved without one: {}", .0.display(), .1)]
    NotBegun(PathBuf, io::Error),
    /// Something may have been done; the journal knows.
    #[error("the move {} stopped half-way, with nothing lost: {}", .0, .1)]
    Stopped(String, io::Error),
}

/// Carries out a plan. The journal is in `dir`, which is made if need be.
///
/// # Errors
/// The journal or the directories cannot be written; see [`MoveError`] for what was done by then.
pub fn carry_out(
    fs: Fs<'_>,
    dir: &Path,
    plan: &Plan,
    begin: Begin,
    pace: Pace,
    watch: &dyn Watch,
) -> Result<Done, MoveError> {
    let not_begun = |e| MoveError::NotBegun(dir.to_owned(), e);
    make_private(dir).map_err(not_begun)?;
    let mut intents: Vec<Intent> = plan.moves().map(|item| item.message.clone()).collect();
    for (n, intent) in (0..).zip(&mut intents) {
        intent.n = n;
    }
    let (name, mut journal) = create(fs, dir, &begin.name).map_err(not_begun)?;
    let path = dir.join(format!("{name}.jsonl"));
    let header = Header {
        schema: SCHEMA.to_owned(),
        mark: mark(&name),
        name,
        started: begin.started,
        started_microseconds: begin.started_microseconds,
        user: begin.user,
        command: begin.command,
        from: plan.from.clone(),
        to: plan.to.clone(),
        cross_device: plan.cross_device,
        boot: begin.boot,
        log: begin.log,
    };
    let prepared = prepare(fs, dir, &mut journal, &header, &intents);
    let mover = prepared.map_err(not_begun)?;
    let stopped = |e| MoveError::Stopped(header.name.clone(), e);
    let mut tracks: Vec<Track> = intents.iter().cloned().map(Track::new).collect();
    let jobs = tracks.iter_mut();
    let jobs = jobs
        .map(|track| Job::fresh(track, mover.cross_device))
        .collect();
    let mut engine = Engine {
        mover: &mover,
        journal: &mut journal,
        verdict: Verdict {
            // Nothing has been logged of what has not been moved.
            accepted: &|_| None,
            goal: Goal::Finish,
            power_cut: false,
        },
        pickup: None,
        known: HashMap::new(),
        to: &header.to,
        workers: pace.workers,
        watch,
    };
    let (ended, _) = run(&mut engine, jobs, pace, None).map_err(stopped)?;
    let done = Done {
        name: header.name.clone(),
        journal: path,
        intents,
        ended,
    };
    if done.is_complete() {
        let finished = journal.commit(&[Line::Finished(watch.now())]);
        finished.map_err(stopped)?;
    }
    Ok(done)
}

/// The journal with the whole plan in it, on disk; and the spools, open.
fn prepare<'a>(
    fs: Fs<'a>,
    dir: &Path,
    journal: &mut Writer<'_>,
    header: &Header,
    intents: &[Intent],
) -> io::Result<Mover<'a>> {
    let mover = Mover::open(fs, header)?;
    journal.write(&[Line::Begin(Box::new(header.clone()))])?;
    for some in intents.chunks(1000) {
        let lines: Vec<Line> = some
            .iter()
            .map(|intent| Line::Intent(Box::new(intent.clone())))
            .collect();
        journal.write(&lines)?;
    }
    let count = u32::try_from(intents.len()).map_err(io::Error::other)?;
    journal.commit(&[Line::Planned(count)])?;
    let open = std::fs::File::open(dir)?;
    fs.sync(&open, dir)?;
    Ok(mover)
}

fn create<'a>(fs: Fs<'a>, dir: &Path, name: &str) -> io::Result<(String, Writer<'a>)> {
    for more in 1.. {
        let name = match more {
            1 => name.to_owned(),
            more => format!("{name}-{more}"),
        };
        match Writer::create(fs, &dir.join(format!("{name}.jsonl"))) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && more < 1000 => {}
            made => return Ok((name, made?)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Makes a directory that only its owner can read: journals hold addresses.
fn make_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(dir)
}

/// Nanoseconds that tell this move's files from others (FNV-1a); never 0, which is what Postfix leaves.
fn mark(name: &str) -> u32 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    hash % 999_999_998 + 1
}
