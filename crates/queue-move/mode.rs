//! What is asked for: one of these.

use cli::{Context, Failure, Outcome};
use transfer::protocol::Goal;

use crate::args::{
    Again, Args, Close, Command, Delete, Flush, Listing, One, Prune, Release, Tries,
};
use crate::{again, closing, deleting, history, moving, single, trying, unfinished};

/// What is asked for.
pub(crate) enum Mode<'a> {
    Move(&'a Args, &'a str, &'a str),
    Hold(&'a One),
    Release(&'a Release),
    Flush(&'a Flush),
    Bounce(&'a Tries),
    Delete(&'a Delete),
    Clean(&'a One),
    Again(&'a Again, Goal),
    Close(&'a Close),
    History(&'a Listing),
    Prune(&'a Prune),
}

impl<'a> Mode<'a> {
    /// Decides it.
    pub(crate) fn of(args: &'a Args) -> Result<Self, Failure> {
        if let (Some(_), Some(from)) = (&args.command, &args.from) {
            return Err(
                Failure::new(format!("\"{from}\" comes before a subcommand"))
                    .hint("queue-move FROM TO moves mail; queue-move --help lists the subcommands"),
            );
        }
        if let Some(Command::Undo(Again { forward: true, .. })) = &args.command {
            return Err(Failure::new("--forward cannot be used with undo").hint(
                "use queue-move resume --forward to send to TO what an undo would have put back",
            ));
        }
        if let Some(Command::Undo(again)) = &args.command
            && again.canary.canary.is_some()
        {
            return Err(Failure::new("--canary cannot be used with undo")
                .hint("nothing is sent to TO: leave it out"));
        }
        Ok(match (&args.command, &args.from, &args.to) {
            (Some(Command::Hold(one)), ..) => Self::Hold(one),
            (Some(Command::Release(release)), ..) => Self::Release(release),
            (Some(Command::Flush(flush)), ..) => Self::Flush(flush),
            (Some(Command::Bounce(bounce)), ..) => Self::Bounce(bounce),
            (Some(Command::Delete(delete)), ..) => Self::Delete(delete),
            (Some(Command::Clean(one)), ..) => Self::Clean(one),
            (Some(Command::Resume(again)), ..) => Self::Again(again, Goal::Finish),
            (Some(Command::Undo(again)), ..) => Self::Again(again, Goal::Back),
            (Some(Command::Close(close)), ..) => Self::Close(close),
            (Some(Command::History(listing)), ..) => Self::History(listing),
            (Some(Command::Prune(prune)), ..) => Self::Prune(prune),
            (None, Some(from), Some(to)) => Self::Move(args, from, to),
            (None, ..) => return Err(Failure::new("FROM and TO are required")),
        })
    }

    /// Does it. Moves that are unfinished are reported first, whatever is asked for.
    pub(crate) fn run(&self, cx: &Context) -> anyhow::Result<Outcome> {
        let meant = match self {
            Self::Again(again, _) => again.name.as_deref(),
            Self::Close(close) => Some(close.name.as_str()),
            _ => None,
        };
        // It lists them itself.
        if !matches!(self, Self::History(_)) {
            unfinished::report(cx, &unfinished::moves(cx).0, meant);
        }
        unfinished::report(cx, &unfinished::deletions(cx).0, meant);
        match self {
            Self::Move(args, from, to) => moving::run(args, cx, from, to),
            Self::Hold(one) => single::hold(one, cx),
            Self::Release(release) => single::release(release, cx),
            Self::Flush(flush) => trying::flush(flush, cx),
            Self::Bounce(bounce) => trying::bounce(bounce, cx),
            Self::Delete(delete) => deleting::delete(delete, cx),
            Self::Clean(one) => single::clean(one, cx),
            Self::Again(again, goal) => match deleting::named(cx, again.name.as_deref()) {
                Some(path) => deleting::undo(again, cx, *goal, &path),
                None => again::run(again, cx, *goal),
            },
            Self::Close(close) => closing::close(close, cx),
            Self::History(listing) => history::run(listing, cx),
            Self::Prune(prune) => closing::prune(prune, cx),
        }
    }
}
