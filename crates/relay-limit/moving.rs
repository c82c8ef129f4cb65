//! What waits is moved by queue-move. The moves of `out` are named after its pause, `aol-b-20261124T093012Z-out-1`: by
//! that it knows its own again after an interruption, and takes up no other.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cli::{Context, Failure, Outcome};
use guarded::Program;
use legible::shell::quoted;
use transfer::protocol::Goal;
use transfer::{Journal, MOVES, State};

/// How long another tool may take: a move of a full mailq. One that is killed can be resumed.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Bytes that it may say.
const MOST_SAID: usize = 16 << 20;

/// How often what waits is moved, where some of it was just being tried.
const ROUNDS: u32 = 5;

/// No pause has more moves.
const MOST: u32 = 1000;

/// A tool of the same package, from beside this one.
fn tool(name: &str) -> PathBuf {
    let beside = std::env::current_exe().ok();
    let beside = beside.map(|path| path.with_file_name(name));
    beside
        .filter(|path| path.is_file())
        .unwrap_or_else(|| PathBuf::from("/usr/sbin").join(name))
}

/// Runs a tool of the same package: its exit status, if it had one, and what it said.
pub(crate) fn run(name: &str, args: &[&OsStr]) -> anyhow::Result<(Option<i32>, String)> {
    let program = tool(name);
    let ran = Program::new(&program, PATIENCE).args(args).run(MOST_SAID);
    let ran = ran.map_err(|e| Failure::io("cannot run", &program, e))?;
    let said = match ran.out.is_empty() {
        true => ran.ended.reason(),
        false => String::from_utf8_lossy(&ran.out).into_owned(),
    };
    Ok((ran.ended.status.code(), said))
}

/// The moves of a pause.
pub(crate) struct Moves {
    /// Those that were interrupted.
    unfinished: Vec<Journal>,
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
                Err(e) => cx.warn(e.to_string()),
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
        self.unfinished.iter().map(line).collect()
    }

    /// Finishes those that were interrupted.
    pub(crate) fn finish(&mut self) -> anyhow::Result<Vec<Ran>> {
        let mut all = Vec::new();
        for one in std::mem::take(&mut self.unfinished) {
            let name = one.header.name.as_str();
            let again = format!("queue-move resume {}", quoted(name));
            if one.goal == Goal::Back {
                all.push(Ran {
                    text: format!("{name} is being undone, and was left alone: {again}"),
                    outcome: Outcome::Partial,
                });
                continue;
            }
            let args = ["resume", name, "--yes"].map(OsStr::new);
            let (code, said) = run("queue-move", &args)?;
            all.push(ran(
                code,
                &said,
                &format!("in {name}, which was interrupted"),
                &again,
            ));
        }
        Ok(all)
    }

    /// Moves what waits at `from`, in a move that bears the pause's name. `note`: told what is begun, before it is.
    pub(crate) fn begin(
        &mut self,
        (from, to): (&str, &str),
        mut note: impl FnMut(String) -> anyhow::Result<()>,
    ) -> anyhow::Result<Ran> {
        let first = name(&self.pause, self.next);
        note(format!("moving what waits to {to}: queue-move {first}"))?;
        let (mut code, mut said) = self.round(from, to)?;
        for _ in 1..ROUNDS {
            // What the queue manager had in hand meanwhile is back in the deferred queue by now, for the pause's
            // reason.
            if code == Some(1) {
                std::thread::sleep(Duration::from_secs(1));
                (code, said) = self.round(from, to)?;
            }
        }
        let again = format!("queue-move {} {}", quoted(from), quoted(to));
        Ok(ran(code, &said, &format!("to {to}"), &again))
    }

    fn round(&mut self, from: &str, to: &str) -> anyhow::Result<(Option<i32>, String)> {
        let name = name(&self.pause, self.next);
        self.next += 1;
        run(
            "queue-move",
            &[from, to, "--yes", "--name", &name].map(OsStr::new),
        )
    }
}

/// What another tool of ours did.
pub(crate) struct Ran {
    pub(crate) text: String,
    pub(crate) outcome: Outcome,
}

fn ran(code: Option<i32>, said: &str, what: &str, again: &str) -> Ran {
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    let last = last.unwrap_or("nothing waits");
    match code {
        Some(0) => Ran {
            text: format!("moved {what}: {last}"),
            outcome: Outcome::Done,
        },
        Some(1) => Ran {
            text: format!("moved {what}, but not all: {last}; {again}"),
            outcome: Outcome::Partial,
        },
        _ => Ran {
            text: format!("NOT moved {what}: {last}; {again}"),
            outcome: Outcome::Partial,
        },
    }
}
