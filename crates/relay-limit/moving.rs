//! What waits is moved by queue-move. The moves of `out` are named after its pause, `aol-b-20261124T093012Z-out-1`: by
//! that it knows its own again after an interruption, and takes up no other.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use cli::{Context, Failure};
use guarded::Program;
use legible::shell::quoted;
use transfer::protocol::Goal;
use transfer::{Journal, MOVES, State};

use crate::rounds::{Ran, Round, Rounds};

/// How long another tool may take: a move of a full mailq. One that is killed can be resumed.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Bytes that it may say: of a move, some hundred for each message.
const MOST_SAID: usize = 512 << 20;

/// How often what waits is moved, where some of it was just being tried.
const ROUNDS: u32 = 5;

/// No pause has more moves.
const MOST: u32 = 1000;

fn start(name: &str, args: &[&OsStr]) -> anyhow::Result<guarded::Said> {
    let program = cli::person::other_tool(name);
    let ran = Program::own(&program, PATIENCE).args(args).run(MOST_SAID);
    Ok(ran.map_err(|e| Failure::io("cannot run", &program, e))?)
}

/// Why a tool of the same package failed: its error, and what to do about it.
fn reason(ended: &guarded::Ended) -> String {
    let lines = ended.errors.lines().map(str::trim);
    let mut last = lines.filter(|line| !line.is_empty()).rev();
    match (last.next(), last.next()) {
        (Some(hint), Some(error)) if hint.starts_with("hint: ") => format!("{error}; {hint}"),
        _ => ended.reason(),
    }
}

/// Runs a tool of the same package: its exit status, if it had one, and what it said.
pub(crate) fn run(name: &str, args: &[&OsStr]) -> anyhow::Result<(Option<i32>, String)> {
    let ran = start(name, args)?;
    let said = match ran.out.is_empty() {
        true => reason(&ran.ended),
        false => String::from_utf8_lossy(&ran.out).into_owned(),
    };
    Ok((ran.ended.status.code(), said))
}

/// Runs queue-move, and reads its result. That it cannot be run, or says nothing that can be read, is one too.
fn queue_move(args: &[&str]) -> Round {
    let args: Vec<&OsStr> = args
        .iter()
        .chain(&["--yes", "--format", "json"])
        .map(OsStr::new)
        .collect();
    match start("queue-move", &args) {
        Ok(ran) => Round::read(ran.ended.status.code(), &ran.out, &reason(&ran.ended)),
        Err(e) => Round::failed(&format!("{e:#}")),
    }
}

/// The moves of a pause.
pub(crate) struct Moves {
    /// Those that were interrupted.
    unfinished: Vec<Journal>,
    /// Why the journals of others cannot be read: what became of their mail is not known.
    unread: Vec<String>,
    /// The number of the next one.
    next: u32,
    pause: String,
}

fn name(pause: &str, n: u32) -> String {
    format!("{pause}-out-{n}")
}

impl Moves {
    /// The moves that `out` has begun for this pause. One whose journal cannot be read is reported: queue-move touches
    /// none of its messages either.
    pub(crate) fn of(cx: &Context, pause: &str) -> Self {
        let directory = cx.root().under(Path::new(MOVES));
        let mut found = Self {
            unfinished: Vec::new(),
            unread: Vec::new(),
            next: 1,
            pause: pause.to_owned(),
        };
        while found.next < MOST {
            let path = directory.join(format!("{}.jsonl", name(pause, found.next)));
            if path.symlink_metadata().is_err() {
                break;
            }
            match Journal::read(&path) {
                Ok(journal) if journal.state() == State::Unfinished => {
                    found.unfinished.push(journal);
                }
                Ok(_) => {}
                Err(e) => {
                    let why =
                        format!("{e}; its mail is touched by no move: see queue-move history");
                    found.unread.push(why);
                }
            }
            found.next += 1;
        }
        found
    }

    /// The plan's lines about those that were interrupted.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |one: &Journal| match one.goal {
            Goal::Finish => format!(
                "3. finish the move {}, which was interrupted",
                one.header.name
            ),
            Goal::Back => format!("3. leave {}: it is being undone", one.header.name),
        };
        let unread = self.unread.iter();
        let unread = unread.map(|why| format!("3. left alone: {why}"));
        self.unfinished.iter().map(line).chain(unread).collect()
    }

    /// Finishes those that were interrupted.
    pub(crate) fn finish(&mut self) -> Vec<Ran> {
        let mut all = Vec::new();
        for one in std::mem::take(&mut self.unfinished) {
            let name = one.header.name.as_str();
            let again = format!("queue-move resume {}", quoted(name));
            if one.goal == Goal::Back {
                all.push(Ran {
                    moves: vec![name.to_owned()],
                    ..Ran::left(format!(
                        "{name} is being undone, and was left alone: {again}"
                    ))
                });
                continue;
            }
            let what = format!("in {name}, which was interrupted");
            let rounds = Rounds(vec![queue_move(&["resume", name])]);
            all.push(Ran {
                moves: vec![name.to_owned()],
                ..rounds.summary(&what, &again)
            });
        }
        all
    }

    /// Moves what waits at `from`, in moves that bear the pause's name. `note` is given what is begun, before it is.
    pub(crate) fn begin(
        &mut self,
        cx: &Context,
        (from, to): (&str, &str),
        mut note: impl FnMut(String) -> anyhow::Result<()>,
    ) -> anyhow::Result<Ran> {
        let mut rounds = Rounds(Vec::new());
        let first = name(&self.pause, self.next);
        let mut again = format!("queue-move {} {}", quoted(from), quoted(to));
        let mut moves = Vec::new();
        note(format!("moving what waits to {to}: queue-move {first}"))?;
        for n in 0..ROUNDS {
            if n > 0 {
                // What the queue manager had in hand meanwhile is back in the deferred queue by now, for the pause's
                // reason.
                std::thread::sleep(Duration::from_secs(1));
            }
            let name = name(&self.pause, self.next);
            let round = queue_move(&[from, to, "--name", &name]);
            // Where nothing waited, the name is still free: a gap would hide the moves after it.
            let journal = cx
                .root()
                .under(Path::new(MOVES))
                .join(format!("{name}.jsonl"));
            self.next += u32::from(journal.symlink_metadata().is_ok());
            let goes_on = round.leaves_only_busy();
            if Journal::read(&journal).is_ok_and(|one| one.state() == State::Unfinished) {
                again = format!("queue-move resume {}", quoted(&name));
                moves.push(name);
            }
            rounds.0.push(round);
            if !goes_on {
                break;
            }
        }
        Ok(Ran {
            moves,
            ..rounds.summary(&format!("to {to}"), &again)
        })
    }

    /// Those that are still unfinished, after all that was tried, or of which that is not known: but for those of which
    /// `ran` says it.
    pub(crate) fn left(cx: &Context, pause: &str, ran: &[Ran]) -> Vec<Ran> {
        let all = Self::of(cx, pause);
        let is_said = |name: &String| ran.iter().any(|one| one.moves.contains(name));
        let names = all.unfinished.into_iter().map(|one| one.header.name);
        let left = names.filter(|name| !is_said(name)).map(|name| {
            let again = quoted(&name);
            format!("the move {name} is unfinished: queue-move resume {again}")
        });
        left.chain(all.unread).map(Ran::left).collect()
    }
}
