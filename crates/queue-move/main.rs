//! queue-move: move deferred mail to another instance on this host, losing nothing.
//!
//! Glue: `args` what is asked for, `setup` the instances and what stands against a move, `moving` a move from its plan
//! to its end, `again` resume and undo, `single` hold, release and clean, `history` the moves of this host,
//! `output` how all of it is shown. What changes a spool is in crate transfer.

mod again;
mod args;
mod history;
mod moving;
mod output;
mod setup;
mod single;
mod syslog;
mod waiting;
mod watch;

use std::process::ExitCode;

use cli::{Context, Failure, Outcome};
use transfer::protocol::Goal;

use args::{Args, Command};

fn main() -> ExitCode {
    cli::run(work)
}

fn work(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    if let (Some(_), Some(from)) = (&args.command, &args.from) {
        return Err(
            Failure::new(format!("\"{from}\" stands before a subcommand"))
                .hint("queue-move FROM TO moves mail; queue-move --help lists the subcommands")
                .into(),
        );
    }
    match (&args.command, &args.from, &args.to) {
        (Some(Command::Hold(one)), ..) => single::hold(one, cx),
        (Some(Command::Release(one)), ..) => single::release(one, cx),
        (Some(Command::Clean(one)), ..) => single::clean(one, cx),
        (Some(Command::Resume(again)), ..) => again::run(again, cx, Goal::Finish),
        (Some(Command::Undo(again)), ..) => again::run(again, cx, Goal::Back),
        (Some(Command::History(listing)), ..) => history::run(listing, cx),
        (None, Some(from), Some(to)) => moving::run(args, cx, from, to),
        _ => Err(Failure::new("FROM and TO must be named").into()),
    }
}
