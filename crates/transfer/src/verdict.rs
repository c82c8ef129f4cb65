//! How a message ended, and the words for it. Nothing is called taken, moved or back that was not seen to be.

use postfix::queue::Queue;

use crate::job::Job;
use crate::journal::{Ended, Fate};
use crate::mover::{Mover, RETRIED, TAKEN};
use crate::protocol::{Decoy, End, Goal, Step, Target};
use crate::steps::hold::clear_mark;

/// What TO's log says has become of a name in its maildrop: the new queue id, once its queue manager has the message.
/// Anybody on the host can write such lines: they are reported, and never lead to a change.
pub type Accepted<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Decides ends by what was seen.
pub(crate) struct Verdict<'e> {
    pub(crate) accepted: Accepted<'e>,
    /// Where this run leads.
    pub(crate) goal: Goal,
    /// Was the machine started again since? Then a file may be back that TO has taken.
    pub(crate) power_cut: bool,
    /// Is it a deletion, of which what is called moved was kept for an undo?
    pub(crate) is_deletion: bool,
}

const DELIVERED_ON_HOLD: &str =
    "it is being delivered, and on hold: somebody released it and put it on hold again";

const LOST_SIGHT: &str = "by its inode it is in none of FROM's queues and no longer in TO's maildrop, and nothing shows \
who has it: look for it in both logs; queue-move close ends the move, and names files that may be it";

impl Verdict<'_> {
    /// The end of a message that the protocol has come to.
    pub(crate) fn of(&self, mover: &Mover<'_>, job: Job, end: End) -> Ended {
        if matches!(end, End::Home | End::Retried) {
            clear_mark(mover, &job);
        }
        let is_from_s = matches!(
            end,
            End::Home | End::Retried | End::Busy | End::HeldByOthers
        );
        match (&job.because, end) {
            (Some((Fate::Skipped, why)), end) if is_from_s || end == End::Gone => {
                return job.ended(Fate::Skipped, Some(why.clone()));
            }
            (Some((_, why)), _) if is_from_s => {
                return job.ended(
                    Fate::Failed,
                    Some(format!("{why}; it is back where it was")),
                );
            }
            (Some((_, why)), _) => return self.left(&job, why.clone()),
            (None, _) => {}
        }
        let back = self.goal == Goal::Back;
        let (fate, why) = match end {
            End::Moved => (Fate::Moved, None),
            End::Home => (Fate::Restored, None),
            End::Busy if back => (Fate::Restored, None),
            End::Busy => (Fate::Skipped, Some(TAKEN.to_owned())),
            End::Retried => (Fate::Skipped, Some(RETRIED.to_owned())),
            End::HeldByOthers => {
                let why = match job.locked {
                    true => DELIVERED_ON_HOLD,
                    false => "it is on hold, but not by this move",
                };
                (Fate::Skipped, Some(why.to_owned()))
            }
            End::InDoubt => (Fate::Doubt, Some(doubt(mover, &job))),
            End::Gone => self.gone(&job),
        };
        job.ended(fate, why)
    }

    /// Would this step let somebody deliver a message that TO has taken already, by its log? After a power cut, some
    /// file systems (btrfs, or ext4 without a journal) have it twice: as it was, and in TO's queue.
    pub(crate) fn is_contradicted(&self, job: &Job, step: Step) -> bool {
        let delivers = matches!(
            step,
            Step::Send
                | Step::Begin
                | Step::Publish
                | Step::PutBack
                | Step::Return
                | Step::BeginBack
                | Step::Release
        );
        let asked = self.power_cut && delivers && job.because.is_none();
        asked && (self.accepted)(job.track.name.as_str()).is_some()
    }

    /// Such a message stays as it is: a log is no proof, and the only copy may be here.
    pub(crate) fn contradicted(&self, job: &Job) -> Ended {
        let new = (self.accepted)(job.track.name.as_str()).unwrap_or_default();
        let why = format!(
            "TO's log says that TO took it as {new} before this machine was restarted, but it is in {} too. Any user \
             of this host can write such a line: compare the two; queue-move resume --despite-log continues with this \
             one",
            places(job)
        );
        job.ended(Fate::Doubt, Some(why))
    }

    /// In neither spool: what is known of where it went?
    fn gone(&self, job: &Job) -> (Fate, Option<String>) {
        let was = job.track.ended.as_ref();
        if let Some(was) = was.filter(|was| matches!(was.fate, Fate::Restored | Fate::Skipped)) {
            // It was out of this move's hands already, and what others did with it since is theirs.
            return (was.fate, was.why.clone());
        }
        let was_moved = was.map(|ended| ended.fate) == Some(Fate::Moved);
        if self.is_deletion && was_moved {
            let why = "it is no longer kept: it was removed from the directory \"deleted\", or an undo that was \
                       interrupted had put it back; look for its queue id in FROM's log";
            return (Fate::Skipped, Some(why.to_owned()));
        }
        let new = (self.accepted)(job.track.name.as_str());
        let taken = was_moved || new.is_some();
        match (self.goal, new) {
            (Goal::Finish, _) if taken => (Fate::Moved, None),
            (Goal::Back, Some(new)) => {
                let why = format!("TO already has it, as {new}: move it back from there");
                (Fate::Moved, Some(why))
            }
            (Goal::Back, None) if taken => {
                let why = "TO already has it: move it back from there";
                (Fate::Moved, Some(why.to_owned()))
            }
            _ if !job.track.touched => {
                let why = "it left FROM's queue before this move had begun with it";
                (Fate::Skipped, Some(why.to_owned()))
            }
            _ => (Fate::Doubt, Some(LOST_SIGHT.to_owned())),
        }
    }

    /// A message that nothing more can be done with now: why, and where it is.
    pub(crate) fn left(&self, job: &Job, why: String) -> Ended {
        let places = places(job);
        let again = match self.is_deletion {
            true => "queue-move undo puts it back",
            false => "queue-move resume tries again",
        };
        let why = match places.is_empty() {
            true => why,
            false => format!("{why}; it is in {places}; {again}"),
        };
        job.ended(Fate::Failed, Some(why))
    }
}

fn doubt(mover: &Mover<'_>, job: &Job) -> String {
    if let (Target::Withdrawn, Decoy::No, Some(at)) =
        (job.seen.target, job.seen.decoy, &job.places.target)
    {
        let (name, path) = (&job.track.name, at.path.display());
        let maildrop = mover.to.spool().queue_dir(Queue::Maildrop);
        return format!(
            "TO's pickup had it in hand as it was taken back, and nothing shows whether TO has it: it is kept out of \
             Postfix's reach in {path}. Look for orig_id={name} in TO's log: if TO has it, rm {path}; if not, mv {path} \
             {}/{name} hands it to TO; then queue-move undo, or queue-move close",
            maildrop.display()
        );
    }
    format!(
        "it was released, deleted or delivered while this move was interrupted, or by TO while it was being taken \
         back: what is left of it is kept out of Postfix's reach in {}",
        places(job)
    )
}

/// Where the message's files are.
fn places(job: &Job) -> String {
    let places = &job.places;
    let all = [&places.own, &places.target, &places.back];
    let paths: Vec<String> = all
        .into_iter()
        .flatten()
        .map(|at| at.path.display().to_string())
        .collect();
    paths.join(" and ")
}
