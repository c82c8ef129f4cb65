//! queue-move: move deferred mail to another instance on this host, losing nothing.
//!
//! Glue: `args` and `mode` what is asked for, `setup` the instances and what stands against a move, `planning` a plan,
//! `selected` what else the selectors take, `canary` the few that go first, `weighing` what TO's attempts at them say,
//! `drip` the clock by which the others follow, `outlook` what would become of the mail in TO, `moving` a move from its
//! plan to its end, `again` resume and undo, `single` hold, release and clean, `deleting` delete and its undo, `trying`
//! flush and bounce, `shown` what came of those, `history` and `closing` the moves of this host, `result` what came of
//! it and `text` how people read that. What changes a spool is in crate transfer.

mod again;
mod args;
mod canary;
mod closing;
mod deleting;
mod drip;
mod goal;
mod history;
mod manual;
mod mode;
mod moving;
mod outlook;
mod planning;
mod result;
mod selected;
mod setup;
mod shown;
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
