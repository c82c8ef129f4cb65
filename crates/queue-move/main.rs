//! queue-move: move deferred mail to another instance on this host, losing nothing.
//!
//! Glue: `args` and `mode` what is asked for, `course` from where to where, `setup` what a run needs, `planning` a
//! plan, which is a value in `planned`, `selected` what the selectors take, `canary` the few that go first,
//! `weighing` what TO's attempts at them say, `drip` the clock by which the others follow, `outlook` what would
//! become of the mail in TO, `moving` a move from its plan to its end, `again` resume and undo, `single` hold,
//! release and clean, `deleting` delete and its undo, `trying` flush and bounce, `shown` what came of those,
//! `history` and `closing` the moves of this host, `unfinished` their journals, `result` what came of a run,
//! `outcome` how it ends, and `text` how people read it. What changes a spool is in crate transfer.

mod again;
mod args;
mod canary;
mod closing;
mod course;
mod deleting;
mod drip;
mod goal;
mod history;
mod manual;
mod mode;
mod moving;
mod outcome;
mod outlook;
mod planned;
mod planning;
mod result;
mod selected;
mod setup;
mod single;
mod syslog;
mod text;
mod trying;
mod unfinished;
mod waiting;
mod watch;
mod weighing;

use std::process::ExitCode;

use args::Args;
use mode::Mode;

fn main() -> ExitCode {
    cli::run(|args: &Args, cx| Mode::of(args)?.run(cx))
}
