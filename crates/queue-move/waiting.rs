//! After a move: TO's maildrop drains, and TO's log shows the new queue ids.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use cli::Context;
use postfix::log::{Action, Status};
use postfix::{count, either};
use serde::Serialize;
use transfer::verify::{Follower, Log, Stopped, still_there};
use transfer::{Became, Done, Fs, Intent, NoHook, Side, Watch as _};

use crate::args::Pace;
use crate::course::Course;
use crate::watch::MoveWatch;
use crate::weighing::recipients;

/// How often it is looked.
const ROUND: Duration = Duration::from_millis(200);
/// Without any progress for so many rounds, nobody takes the mail.
const PATIENCE: u32 = 150;
/// Pickup is woken again after so many.
const WAKE: u32 = 25;
/// The log is read once in so many: of a journal, that starts a program.
const LOG_EVERY: u32 = 5;
/// Log lines come a moment after what they are about: rounds after the last file is gone.
const LOG_ROUNDS: u32 = 25;
/// The same where pickup's lines are there, and the queue manager's are not: it may be slow.
const QMGR_ROUNDS: u32 = 150;

/// What is known in the end.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    /// New queue ids by the names in maildrop.
    pub(crate) new_ids: HashMap<String, String>,
    /// What is not as it should be.
    pub(crate) problems: Vec<String>,
    /// What is not known.
    pub(crate) notes: Vec<String>,
    /// What TO has done with them, where its log can be read.
    pub(crate) so_far: Option<SoFar>,
}

/// A message that was moved.
#[derive(Debug, Clone)]
struct Moved {
    /// Its name in TO's maildrop.
    name: String,
    /// How many deliveries it needs.
    recipients: usize,
}

impl Moved {
    /// Those of a run's messages that are in TO's maildrop, or were.
    fn of<'m>(done: &Done, messages: impl Iterator<Item = &'m Intent>) -> Vec<Self> {
        let messages: HashMap<u32, &Intent> = messages.map(|one| (one.n, one)).collect();
        let moved = done.ended.iter().filter_map(|end| {
            Some(Self {
                name: end.name.as_ref()?.to_string(),
                recipients: recipients(messages.get(&end.n)?),
            })
        });
        moved.collect()
    }
}

/// What TO has done with messages up to now, by its log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct SoFar {
    #[serde(flatten)]
    pub(crate) became: Became,
    /// A reply of each kind.
    pub(crate) replies: Vec<String>,
}

impl SoFar {
    fn of(follower: &Follower, moved: &[Moved]) -> Self {
        let mut so_far = Self::default();
        for Moved { name, recipients } in moved {
            let attempts = follower.attempts(name);
            let with = |status: Status| attempts.iter().find(|attempt| attempt.status == status);
            let stopped = follower.stopped(name);
            if let Some(stopped) = stopped.filter(|_| attempts.is_empty()) {
                so_far.stop(stopped);
                continue;
            }
            let (count, attempt) = match (with(Status::Bounced), with(Status::Deferred)) {
                (Some(attempt), _) => (&mut so_far.became.bounced, Some(attempt)),
                (None, Some(attempt)) => (&mut so_far.became.deferred, Some(attempt)),
                (None, None) if attempts.len() >= *recipients => (&mut so_far.became.sent, None),
                (None, None) if follower.is_removed(name) => (&mut so_far.became.not_known, None),
                (None, None) => (&mut so_far.became.not_tried, None),
            };
            *count += 1;
            let reply = attempt.filter(|_| *count == 1);
            so_far.replies.extend(reply.map(|attempt| {
                format!(
                    "{} {}: {}",
                    attempt.status.as_str(),
                    attempt.recipient,
                    attempt.reply
                )
            }));
        }
        so_far
    }

    fn stop(&mut self, stopped: &Stopped) {
        let (count, what) = match stopped.action {
            Action::Discard => (&mut self.became.discarded, "thrown away"),
            Action::Hold => (&mut self.became.held, "put on hold"),
            Action::Reject => (&mut self.became.bounced, "refused"),
        };
        *count += 1;
        let reply = (*count == 1).then(|| format!("{what} by cleanup: {}", stopped.reason));
        self.replies.extend(reply);
    }

    pub(crate) fn said(&self, to: &str) -> String {
        let counts = [
            (self.became.sent, "sent"),
            (self.became.deferred, "deferred"),
            (self.became.bounced, "returned to their senders"),
            (self.became.discarded, "thrown away"),
            (self.became.held, "put on hold by it"),
            (self.became.not_tried, "not tried yet"),
            (self.became.not_known, "of unknown fate"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let mut text = format!("so far, by {to}'s log: {}", counts.join(", "));
        for reply in &self.replies {
            text.push_str(&format!("; {reply}"));
        }
        text
    }
}

/// What of it should not be so.
pub(crate) fn bad(became: &Became, to: &str) -> Vec<String> {
    let bad = [
        (became.bounced, "returned", "to the sender"),
        (became.discarded, "thrown away", "(its cleanup's discard)"),
        (became.held, "put", "on hold"),
    ];
    let bad = bad.iter().filter(|(count, ..)| *count > 0);
    bad.map(|(n, did, where_to)| format!("{to} has {did} {} {where_to}", count(*n, "message")))
        .collect()
}

/// Waits until TO has taken what this run has moved, where TO runs and that is wanted; what is seen, the journal keeps.
pub(crate) fn verified<'m>(
    cx: &Context,
    course: &Course<'_>,
    pace: &Pace,
    (log, done): (Option<Log>, &Done),
    messages: impl Iterator<Item = &'m Intent>,
    watch: &MoveWatch<'_>,
) -> Verified {
    if !course.to_runs || pace.no_wait {
        return Verified::default();
    }
    let moved = Moved::of(done, messages);
    let mut verified = verify(cx, &course.to_side, log, &moved, watch);
    keep(cx, done, &mut verified);
    verified
}

/// Keeps in the journal what TO has done with the mail: a log is rotated away.
fn keep(cx: &Context, done: &Done, verified: &mut Verified) {
    let Some(so_far) = &verified.so_far else {
        return;
    };
    if let Err(e) = so_far.became.note(Fs::new(&NoHook), cx.root().dir(), done) {
        let what = format!("queue-move history will not show what became of the mail: {e}");
        verified.notes.push(what);
    }
}

/// The syslog names of the host's instances.
pub(crate) fn tags(cx: &Context) -> Vec<String> {
    let host = host::instances::discover(cx.site()).value;
    let names = host.instances().iter().map(|i| i.syslog_name().to_owned());
    names.collect()
}

/// Does TO's log say that its queue manager has the message, or that its cleanup stopped it?
fn has_come(follower: &Follower, name: &str) -> bool {
    follower.accepted(name).is_some() || follower.stopped(name).is_some()
}

/// What TO's pickup has taken, and nothing has come of that.
fn not_taken(follower: &Follower, to: &Side, names: &[&str]) -> Option<String> {
    let is_open = |name: &&&str| follower.new_id(name).is_some() && !has_come(follower, name);
    let open: Vec<&str> = names
        .iter()
        .filter(is_open)
        .filter_map(|name| follower.new_id(name))
        .collect();
    let some: Vec<&str> = open.iter().take(5).copied().collect();
    let more = if open.len() > some.len() { ", …" } else { "" };
    (!open.is_empty()).then(|| {
        format!(
            "{to}'s pickup has taken {}, but its log does not show that its queue manager has {}: {}{more}; see \
             whether {to} runs, and look for {} in its log and queue",
            count(open.len(), "message"),
            either(open.len(), "it", "them"),
            some.join(", "),
            either(open.len(), "it", "them"),
            to = to.instance,
        )
    })
}

/// Waits until TO's pickup has taken all that had these `names` in its maildrop, or nothing moves any more.
fn verify(
    cx: &Context,
    to: &Side,
    log: Option<Log>,
    moved: &[Moved],
    watch: &MoveWatch<'_>,
) -> Verified {
    if moved.is_empty() {
        return Verified::default();
    }
    let names: Vec<&str> = moved.iter().map(|one| one.name.as_str()).collect();
    let mut follower = log.map(|log| Follower::new(log, to, tags(cx)));
    let (left, unread) = wait(cx, to, &names, follower.as_mut(), watch);
    let follower = follower.as_ref();
    let mut verified = Verified::default();
    for name in &names {
        if let Some(new) = follower.and_then(|f| f.new_id(name)) {
            verified.new_ids.insert((*name).to_owned(), new.to_owned());
        }
    }
    let (instance, all) = (&to.instance, names.len());
    if let Some(follower) = follower.filter(|_| !unread) {
        let so_far = SoFar::of(follower, moved);
        verified.notes.push(so_far.said(instance));
        verified.problems.extend(bad(&so_far.became, instance));
        verified.problems.extend(not_taken(follower, to, &names));
        verified.so_far = Some(so_far);
    }
    if !left.is_empty() {
        verified.problems.push(format!(
            "{} {} still in {instance}'s maildrop; its pickup takes {} when it can",
            count(left.len(), "message"),
            either(left.len(), "is", "are"),
            either(left.len(), "it", "them")
        ));
    }
    let unknown = all.saturating_sub(left.len() + verified.new_ids.len());
    if unread {
        verified.notes.push(format!(
            "{instance}'s log cannot be read, so the new queue ids are not known"
        ));
    } else if unknown > 0 {
        verified.problems.push(format!(
            "{} {} left {instance}'s maildrop, but its log does not show {}",
            count(unknown, "message"),
            either(unknown, "has", "have"),
            either(unknown, "the new queue id", "their new queue ids")
        ));
    }
    verified
}

/// Waits for pickup, and for the lines of the log: what is left in the maildrop, and whether the log could not be read.
fn wait<'n>(
    cx: &Context,
    to: &Side,
    names: &[&'n str],
    mut follower: Option<&mut Follower>,
    watch: &MoveWatch<'_>,
) -> (HashSet<&'n str>, bool) {
    let progress = cx.progress_items("waiting for pickup", Some(names.len() as u64));
    let mut left: HashSet<&str> = names.iter().copied().collect();
    let (mut quiet, mut rounds_after) = (0, 0);
    let mut rounds = (0..LOG_EVERY).cycle();
    let mut unread = follower.is_none();
    while !watch.interrupted() {
        let before = left.len();
        left = still_there(to, left.into_iter()).into_iter().collect();
        progress.set((names.len() - left.len()) as u64);
        let is_due = rounds.next() == Some(0) || left.is_empty();
        if let Some(follower) = follower.as_deref_mut().filter(|_| is_due) {
            unread = follower.read().is_err();
        }
        let known = follower
            .as_deref()
            .is_none_or(|f| names.iter().all(|n| has_come(f, n)));
        if left.is_empty() {
            // Of a log that shows nothing of them, nothing is awaited for so long.
            let is_slow = |f: &Follower| {
                names
                    .iter()
                    .any(|n| f.new_id(n).is_some() && !has_come(f, n))
            };
            let most = match follower.as_deref().is_some_and(is_slow) && !unread {
                true => QMGR_ROUNDS,
                false => LOG_ROUNDS,
            };
            if known || rounds_after >= most {
                break;
            }
            rounds_after += 1;
        } else if left.len() < before {
            quiet = 0;
        } else {
            quiet += 1;
            if quiet >= PATIENCE {
                break;
            }
            if quiet % WAKE == 0 {
                watch.wake();
            }
        }
        watch.pause(ROUND);
    }
    drop(progress);
    (left, unread)
}
