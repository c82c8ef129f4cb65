//! The protocol of a move, as states of one message and what to do in each. Pure: this is what recovery obeys, and
//! what the model (`model.rs`) checks exhaustively.
//!
//! On one file system a message is one file, which is renamed: deferred, FROM's hold, TO's maildrop. Between two, a
//! copy is made that pickup(8) ignores (mode 0600, "closed"); the source is removed; the copy is opened (0700).
//! A file is only ever removed while another complete one of the same message is in sight.

/// Where recovery is to lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goal {
    /// To TO: `resume`.
    Finish,
    /// Back to FROM: `undo`.
    Back,
}

/// The message's own file in FROM's deferred queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Waiting {
    /// None.
    No,
    /// Untouched since the plan, but perhaps for the mark.
    AsPlanned,
    /// The queue manager has had it in the meantime.
    Retried,
}

/// The message's own file in FROM's hold queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Held {
    /// None.
    No,
    /// With this move's mark.
    ByUs,
    /// Without: somebody else put it there.
    ByOthers,
}

/// A copy: in TO's maildrop, or on its way back in FROM's hold queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Copy {
    /// None.
    No,
    /// Perhaps not complete; closed.
    Partial,
    /// Complete; closed: Postfix ignores it.
    Closed,
    /// Complete and open: Postfix may take it.
    Open,
}

/// What is seen of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seen {
    /// In FROM's deferred queue.
    pub deferred: Waiting,
    /// In FROM's hold queue.
    pub hold: Held,
    /// In TO's maildrop: the file itself on one file system, a copy between two.
    pub target: Copy,
    /// A copy on its way back, in FROM's hold queue. Once open it is [`Held::ByUs`].
    pub back: Copy,
    /// Are the spools on two file systems?
    pub cross_device: bool,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Mark it, and rename it from deferred to hold.
    Hold,
    /// Remove the defer log, then rename it into TO's maildrop, or copy it there.
    Send,
    /// Remove the source: TO's copy is complete.
    DropSource,
    /// Open what is in TO's maildrop.
    Publish,
    /// Close what is in TO's maildrop, and wait until pickup(8) has nothing of it in hand.
    Close,
    /// Remove the closed copy in TO's maildrop: there is another complete one.
    DropTarget,
    /// Rename it from TO's maildrop back to hold, or copy it there.
    Return,
    /// Remove the closed copy in FROM's hold queue: there is another complete one.
    DropBack,
    /// Open the copy in FROM's hold queue: it is the only one.
    OpenBack,
    /// Write the defer log anew, and rename it from hold to deferred.
    Release,
    /// Nothing.
    End(End),
}

/// Why there is nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// It is TO's.
    Moved,
    /// It is where it was, or FROM has it in hand.
    Home,
    /// FROM's queue manager has retried it since the plan: it is FROM's.
    Retried,
    /// Somebody else has put it on hold.
    HeldByOthers,
    /// It is in none of these places: TO has taken it, or FROM.
    Gone,
    /// There is a copy of which nobody knows whether it is complete, and no other: left alone.
    InDoubt,
}

/// What to do with a message in this state.
pub fn next(seen: Seen, goal: Goal) -> Step {
    match goal {
        Goal::Finish => finish(seen),
        Goal::Back => back(seen),
    }
}

fn finish(seen: Seen) -> Step {
    match (seen.target, seen.hold, seen.back) {
        // A copy on its way back is not needed if any other is complete.
        (Copy::Open | Copy::Closed, _, Copy::Partial | Copy::Closed)
        | (_, Held::ByUs, Copy::Partial | Copy::Closed) => Step::DropBack,
        (Copy::Open, Held::ByUs, _) | (Copy::Closed, Held::ByUs, _) => Step::DropSource,
        (Copy::Open, ..) => Step::End(End::Moved),
        (Copy::Closed, ..) => Step::Publish,
        (Copy::Partial, Held::ByUs, _) => Step::DropTarget,
        (Copy::Partial, ..) | (_, _, Copy::Partial) => Step::End(End::InDoubt),
        (Copy::No, _, Copy::Closed) => Step::OpenBack,
        (Copy::No, Held::ByUs, _) => Step::Send,
        (Copy::No, Held::ByOthers, _) => Step::End(End::HeldByOthers),
        (Copy::No, Held::No, _) => match seen.deferred {
            Waiting::AsPlanned => Step::Hold,
            Waiting::Retried => Step::End(End::Retried),
            Waiting::No => Step::End(End::Gone),
        },
    }
}

fn back(seen: Seen) -> Step {
    match (seen.target, seen.hold, seen.back) {
        (Copy::Open, ..) => Step::Close,
        (_, Held::ByUs, Copy::Partial | Copy::Closed) => Step::DropBack,
        (Copy::Partial | Copy::Closed, Held::ByUs, _) if seen.cross_device => Step::DropTarget,
        (Copy::Closed, _, Copy::Closed) => Step::DropTarget,
        (Copy::Closed, _, Copy::Partial) => Step::DropBack,
        (Copy::Closed, ..) => Step::Return,
        (Copy::Partial, ..) | (_, _, Copy::Partial) => Step::End(End::InDoubt),
        (Copy::No, _, Copy::Closed) => Step::OpenBack,
        (Copy::No, Held::ByUs, _) => Step::Release,
        (Copy::No, Held::ByOthers, _) => Step::End(End::HeldByOthers),
        (Copy::No, Held::No, _) => match seen.deferred {
            Waiting::AsPlanned | Waiting::Retried => Step::End(End::Home),
            Waiting::No => Step::End(End::Gone),
        },
    }
}
