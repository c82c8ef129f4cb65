//! The protocol of a move: what is seen of one message, and what to do next. Pure. A move, `resume` and `undo` all take
//! their steps from here (`engine.rs`), and the model (`model/`) checks them against everything Postfix does meanwhile.
//!
//! On one file system a message is one file, which is renamed: deferred, FROM's hold, TO's maildrop. Between two, a
//! copy is made in TO's maildrop, closed (mode 0600: Postfix ignores it); the source is covered, that is, renamed in
//! FROM's hold directory to a name that is not a queue id, which neither Postfix nor postsuper(1) touches; it is
//! removed; then the copy is opened (0700). A file is removed only while another complete one of the same message is in
//! sight.
//!
//! On the way back a file in TO's maildrop is first taken out of pickup(8)'s reach: in one system call it changes
//! places with a decoy that pickup cannot open, and lies covered in TO's hold directory. Only then is it asked whether
//! pickup had it in hand. What pickup has copied it removes by name, so that the decoy goes; while the decoy is there,
//! and pickup is past it, nobody has the message. That the decoy is gone proves nothing: pickup also removes, without
//! having copied it, what is another file under its name than the one that it has just opened (safe_open(3);
//! pickup_file: anything but EACCES). So what is withdrawn is then kept, and reported as in doubt.

/// Where a run is to lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goal {
    /// To TO: a move, or `resume`.
    Finish,
    /// Back to FROM: `undo`.
    Back,
}

/// The message's own file, in FROM's queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Own {
    /// None there.
    No,
    /// It waits where the plan saw it, untouched since but for the mark.
    AsPlanned,
    /// It waits in the deferred queue, tried again since the plan or released by an admin.
    Retried,
    /// In incoming, active or maildrop: FROM has it in hand.
    Busy,
    /// On hold with this move's mark.
    Held,
    /// On hold without the mark: somebody else put it there.
    HeldByOthers,
    /// In the hold directory, covered: nobody delivers, releases or renames it.
    Covered,
}

/// What is in TO: the message's own file on one file system, the copy between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Nothing.
    No,
    /// A copy that this run has begun, closed.
    Begun,
    /// A copy that an earlier run has left incomplete, closed.
    Partial,
    /// Complete, in maildrop, closed.
    Closed,
    /// Complete, in maildrop, open: pickup(8) may take it.
    Open,
    /// Complete, covered in TO's hold directory; its decoy took its place.
    Withdrawn,
}

/// A copy on its way back, covered in FROM's hold directory. Once uncovered it is [`Own::Held`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BackCopy {
    /// None.
    No,
    /// One that this run has begun.
    Begun,
    /// One that an earlier run has left incomplete.
    Partial,
    /// Complete.
    Complete,
}

/// What takes the place of a file that is withdrawn from TO's maildrop: an empty file that nobody but root can open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decoy {
    /// None; where a file is withdrawn: pickup(8) has removed it, whether it has copied the message or not.
    No,
    /// Made, but not in its place yet.
    Ready,
    /// In its place.
    InPlace,
    /// Somewhere else in maildrop: TO's postsuper(1) has renamed it as TO was started, when no pickup was at work.
    Astray,
}

impl Decoy {
    /// It was not removed: pickup, once it is past the exchange, has not taken the message.
    fn is_proof(self) -> bool {
        matches!(self, Self::InPlace | Self::Astray)
    }
}

/// What is seen of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Observation {
    /// Its own file in FROM.
    pub own: Own,
    /// What is in TO.
    pub target: Target,
    /// A copy on its way back.
    pub back: BackCopy,
    /// The decoy in TO's maildrop.
    pub decoy: Decoy,
    /// Does the journal say that the source was covered, on disk? Only between two file systems.
    pub sealed: bool,
    /// Has TO's pickup been seen past the moment in which all was withdrawn? Known to one run only.
    pub settled: bool,
    /// Are the spools on two file systems?
    pub cross_device: bool,
}

impl Observation {
    /// As the plan saw it.
    pub fn planned(cross_device: bool) -> Self {
        Self {
            own: Own::AsPlanned,
            target: Target::No,
            back: BackCopy::No,
            decoy: Decoy::No,
            sealed: false,
            settled: false,
            cross_device,
        }
    }
}

/// What to do next. In the order in which a batch does them: each for all messages that are there, then the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Mark it, and rename it from deferred to hold.
    Hold,
    /// Between file systems: make an empty closed file in TO's maildrop, and name it for its inode.
    Begin,
    /// Copy into it, and put it on disk.
    Fill,
    /// Cover the source: from here on nobody can release it.
    Cover,
    /// Journal that it is covered, on disk.
    NoteCovered,
    /// Remove the covered source: TO's copy is complete.
    DropSource,
    /// Exchange what is in TO's maildrop with a decoy.
    Withdraw,
    /// Wait until TO's pickup(8) is past the moment in which it was withdrawn.
    Settle,
    /// Rename the withdrawn file into TO's maildrop again, under another name than the decoy's.
    PutBack,
    /// One file system: rename the withdrawn file to FROM's hold queue, with the mark.
    Return,
    /// Between two: make an empty covered file in FROM's hold directory.
    BeginBack,
    /// Copy into it, and put it on disk.
    FillBack,
    /// Remove the copy on its way back: there is another complete one.
    DropBack,
    /// Remove the copy in TO, which pickup cannot have in hand: there is another complete one.
    DropTarget,
    /// Remove the decoy.
    DropDecoy,
    /// Name the copy on its way back for its inode, with the mark: it is the only one.
    OpenBack,
    /// Give the covered source its name back.
    Uncover,
    /// Open the copy in TO's maildrop: it is the only one.
    Publish,
    /// One file system: remove the defer log, then rename it into TO's maildrop.
    Send,
    /// Write the defer log anew, and rename it from hold to deferred.
    Release,
    /// Nothing.
    End(End),
}

/// Why there is nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// It is TO's.
    Moved,
    /// It is where it was.
    Home,
    /// FROM's queue manager has retried it since the plan: it is FROM's.
    Retried,
    /// FROM has it in hand.
    Busy,
    /// Somebody else has put it on hold.
    HeldByOthers,
    /// It is in none of these places.
    Gone,
    /// What is there cannot be distinguished from a copy of mail that was delivered: left alone, and shown.
    InDoubt,
}

/// What to do with a message in this state.
pub fn next(seen: Observation, goal: Goal) -> Step {
    if seen.back != BackCopy::No {
        return with_back_copy(seen, goal);
    }
    if seen.target == Target::Withdrawn {
        return withdrawn(seen, goal);
    }
    let in_maildrop = matches!(seen.target, Target::Open | Target::Closed);
    let needed = seen.decoy == Decoy::Ready && in_maildrop && goal == Goal::Back;
    if seen.decoy != Decoy::No && !needed {
        return Step::DropDecoy;
    }
    match goal {
        Goal::Finish => finish(seen),
        Goal::Back => back(seen),
    }
}

fn with_back_copy(seen: Observation, goal: Goal) -> Step {
    let complete = seen.back == BackCopy::Complete;
    match seen.target {
        _ if seen.own != Own::No => Step::DropBack,
        Target::Withdrawn if complete && !seen.decoy.is_proof() => Step::End(End::InDoubt),
        Target::Withdrawn if goal == Goal::Back && complete => Step::DropTarget,
        Target::Withdrawn if goal == Goal::Back && seen.back == BackCopy::Begun => Step::FillBack,
        Target::Withdrawn | Target::Closed | Target::Open => Step::DropBack,
        Target::No if complete && seen.decoy != Decoy::No => Step::DropDecoy,
        Target::No if complete => Step::OpenBack,
        Target::No | Target::Begun | Target::Partial => Step::End(End::InDoubt),
    }
}

fn withdrawn(seen: Observation, goal: Goal) -> Step {
    match (seen.decoy, goal) {
        _ if seen.own != Own::No => Step::End(End::InDoubt),
        (decoy, _) if !decoy.is_proof() => Step::End(End::InDoubt),
        _ if !seen.settled => Step::Settle,
        (_, Goal::Finish) => Step::PutBack,
        (_, Goal::Back) if seen.cross_device => Step::BeginBack,
        (_, Goal::Back) => Step::Return,
    }
}

fn finish(seen: Observation) -> Step {
    let unsealed = seen.cross_device && !seen.sealed;
    match (seen.target, seen.own) {
        (Target::Open, Own::No) => Step::End(End::Moved),
        (Target::Open, _) => Step::End(End::InDoubt),
        (Target::Closed, Own::Held) => Step::Cover,
        (Target::Closed, Own::Covered) if unsealed => Step::NoteCovered,
        (Target::Closed, Own::Covered) => Step::DropSource,
        (Target::Closed, Own::No) if unsealed => Step::End(End::InDoubt),
        (Target::Closed, Own::No) => Step::Publish,
        (Target::Begun, Own::Held) => Step::Fill,
        (Target::Partial | Target::Begun, Own::No) => Step::End(End::InDoubt),
        (Target::Closed | Target::Partial | Target::Begun, _) => Step::DropTarget,
        (_, Own::Covered) if seen.sealed => Step::End(End::InDoubt),
        (_, Own::Covered) => Step::Uncover,
        (_, Own::Held) if seen.cross_device => Step::Begin,
        (_, Own::Held) => Step::Send,
        (_, Own::AsPlanned) => Step::Hold,
        (_, Own::Retried) => Step::End(End::Retried),
        (_, Own::HeldByOthers) => Step::End(End::HeldByOthers),
        (_, Own::Busy) => Step::End(End::Busy),
        (_, Own::No) => Step::End(End::Gone),
    }
}

fn back(seen: Observation) -> Step {
    match (seen.target, seen.own) {
        (Target::Closed, Own::No) if seen.cross_device && !seen.sealed => Step::End(End::InDoubt),
        (Target::Open | Target::Closed, Own::No) => Step::Withdraw,
        (Target::Open, _) => Step::End(End::InDoubt),
        (Target::Partial | Target::Begun, Own::No) => Step::End(End::InDoubt),
        (Target::Closed | Target::Partial | Target::Begun, _) => Step::DropTarget,
        (_, Own::Covered) if seen.sealed => Step::End(End::InDoubt),
        (_, Own::Covered) => Step::Uncover,
        (_, Own::Held) => Step::Release,
        (_, Own::HeldByOthers) => Step::End(End::HeldByOthers),
        (_, Own::AsPlanned | Own::Retried) => Step::End(End::Home),
        (_, Own::Busy) => Step::End(End::Busy),
        (_, Own::No) => Step::End(End::Gone),
    }
}

/// What is there once the step is done.
pub fn after(mut seen: Observation, step: Step) -> Observation {
    match step {
        Step::Hold | Step::Uncover => seen.own = Own::Held,
        Step::Begin => seen.target = Target::Begun,
        Step::Fill => seen.target = Target::Closed,
        Step::Cover => seen.own = Own::Covered,
        Step::NoteCovered => seen.sealed = true,
        Step::DropSource => seen.own = Own::No,
        Step::Withdraw => (seen.target, seen.decoy) = (Target::Withdrawn, Decoy::InPlace),
        Step::Settle => seen.settled = true,
        // The source is the message again: that it was covered no longer says anything.
        Step::DropTarget => {
            (seen.target, seen.sealed) = (Target::No, seen.sealed && seen.own == Own::No);
        }
        Step::PutBack | Step::Publish => seen.target = Target::Open,
        Step::Return => (seen.target, seen.own) = (Target::No, Own::Held),
        Step::BeginBack => seen.back = BackCopy::Begun,
        Step::FillBack => seen.back = BackCopy::Complete,
        Step::DropBack => seen.back = BackCopy::No,
        Step::DropDecoy => seen.decoy = Decoy::No,
        Step::OpenBack => (seen.back, seen.own, seen.sealed) = (BackCopy::No, Own::Held, false),
        Step::Send => (seen.own, seen.target) = (Own::No, Target::Open),
        Step::Release => seen.own = Own::AsPlanned,
        Step::End(_) => {}
    }
    seen
}
