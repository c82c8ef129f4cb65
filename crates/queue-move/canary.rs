//! The canary: a few messages go first, and are followed in TO's log until TO has tried them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use cli::{Context, Failure};
use postfix::config::Instance;
use postfix::queue::ScanError;
use postfix::{Span, Time};
use serde::Serialize;
use transfer::verify::{Follower, Log, Still};
use transfer::{Intent, Move, MoveError, Trial, Watch as _};

use crate::args::{CanaryArgs, Pace};
use crate::course::{Course, domain};
use crate::planned::Planned;
use crate::watch::MoveWatch;
use crate::weighing::{Came, is_served, is_tried, recipients, weigh};

/// Messages that go first where so many are to be moved.
const USUAL: usize = 5;
const FROM_THAT_MANY: usize = 20;
/// How often TO's log is read.
const ROUND: Duration = Duration::from_millis(200);
/// TO's pickup is woken again after so many.
const WAKE: u32 = 25;
/// Bytes that a configuration file cannot exceed.
const MOST_CONFIG: u64 = 16 << 20;

/// What became of the messages that went first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Canary {
    pub(crate) messages: usize,
    pub(crate) sent: usize,
    pub(crate) deferred: usize,
    pub(crate) bounced: usize,
    pub(crate) not_tried: usize,
    /// They left TO's queue, and its log does not say how.
    pub(crate) not_known: usize,
    /// Why the others are not to follow.
    pub(crate) stopped: Option<String>,
    /// What is to be known, though they may follow.
    #[serde(skip)]
    pub(crate) notes: Vec<String>,
}

/// How many go first.
///
/// # Errors
/// Some are asked for that cannot be followed.
pub(crate) fn size(
    (args, pace): (&CanaryArgs, &Pace),
    course: &Course<'_>,
    count: usize,
    log: Option<&Log>,
) -> anyhow::Result<usize> {
    let blind = if pace.no_wait {
        Some("--no-wait was given".to_owned())
    } else if !course.to_runs {
        Some(format!("{} does not run", course.to.name()))
    } else if log.is_none() {
        Some(format!("{}'s log cannot be read", course.to.name()))
    } else {
        None
    };
    match (args.canary, blind) {
        (Some(0), _) | (None, Some(_)) => Ok(0),
        (Some(_), Some(why)) => Err(Failure::new(format!("a canary cannot be followed: {why}"))
            .hint("--canary 0 moves without one")
            .into()),
        (Some(wanted), None) => Ok(wanted.min(count)),
        (None, None) if count > FROM_THAT_MANY => Ok(USUAL),
        (None, None) => Ok(0),
    }
}

/// The messages that go first, by their numbers: of each of the biggest domains in turn.
fn choose(planned: &Planned, wanted: usize) -> Vec<u32> {
    let mut of: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for item in planned.plan.moves() {
        let first = item.message.recipients.first();
        let domain = first.map_or_else(String::new, |rcpt| domain(&rcpt.address));
        of.entry(domain).or_default().push(item.message.n);
    }
    let mut chosen = Vec::new();
    for round in 0..wanted {
        for (domain, _) in &planned.domains {
            if chosen.len() < wanted
                && let Some(&n) = of.get(domain).and_then(|all| all.get(round))
            {
                chosen.push(n);
            }
        }
    }
    chosen
}

/// The canary, and whether the others are to follow: where not, an admin at a terminal may say otherwise.
///
/// # Errors
/// As [`Move::send_first`].
pub(crate) fn first(
    cx: &Context,
    (course, planned): (&Course<'_>, &Planned),
    (wanted, args, log): (usize, &CanaryArgs, Log),
    one: &mut Move<'_>,
    watch: &MoveWatch<'_>,
    may_ask: bool,
) -> Result<Canary, MoveError> {
    let size = (wanted, args.canary_wait.duration());
    let mut canary = send(cx, (course, planned), size, log, one, watch)?;
    if canary.stopped.is_some() && !watch.interrupted() {
        cx.warn(canary.said());
        let rest = planned.count().saturating_sub(canary.messages);
        let question = format!("Move the other {rest} all the same?");
        if may_ask && rest > 0 && cx.confirm(&question, "--canary 0").unwrap_or(false) {
            canary.stopped = None;
        } else {
            watch.say(&canary.said());
        }
    }
    one.note_trial(trial(cx, course.to, watch, canary.stopped.is_none()))?;
    Ok(canary)
}

/// What the journal is to know of a canary.
pub(crate) fn trial(cx: &Context, to: &Instance, watch: &MoveWatch<'_>, passed: bool) -> Trial {
    Trial {
        time: watch.now().seconds(),
        passed,
        config: fingerprint(cx, to).unwrap_or_default(),
    }
}

/// For so long, what a canary has shown is taken to be so still: a provider may block TO meanwhile.
const FRESH: Span = Span::from_hours(1);

/// Has a canary of this move been delivered by TO within the last hour, as it is configured now?
pub(crate) fn has_passed(cx: &Context, trial: Option<&Trial>, to: &Instance) -> bool {
    let is_fresh = |trial: &Trial| {
        let (then, now) = (Time::from_seconds(trial.time), cx.now());
        then <= now && now.since(then) < FRESH
    };
    trial.is_some_and(|trial| {
        trial.passed && is_fresh(trial) && Some(&trial.config) == fingerprint(cx, to).as_ref()
    })
}

/// By which a change of TO's configuration is seen. Another build may make it differ: then there is a canary more.
fn fingerprint(cx: &Context, to: &Instance) -> Option<String> {
    let mut hasher = DefaultHasher::new();
    for name in ["main.cf", "master.cf"] {
        let path = cx.root().under(to.config_directory()).join(name);
        guarded::read(&path, MOST_CONFIG).ok()?.hash(&mut hasher);
    }
    Some(format!("{:016x}", hasher.finish()))
}

/// Moves them, and waits until TO has tried them.
fn send(
    cx: &Context,
    (course, planned): (&Course<'_>, &Planned),
    (wanted, patience): (usize, Duration),
    log: Log,
    one: &mut Move<'_>,
    watch: &MoveWatch<'_>,
) -> Result<Canary, MoveError> {
    let ended = one.send_first(&choose(planned, wanted))?;
    let messages: HashMap<u32, &Intent> = planned
        .plan
        .moves()
        .map(|item| (item.message.n, &item.message))
        .collect();
    let moved = ended
        .iter()
        .filter_map(|end| Some((*messages.get(&end.n)?, end.name.as_ref()?.to_string())));
    let mut first = First {
        course,
        planned,
        moved: moved.collect(),
        follower: Follower::new(log, &course.to_side, crate::waiting::tags(cx)),
    };
    let begun = Instant::now();
    let waiting = first.wait(cx, (begun, patience), watch);
    let (mut canary, mut against, still) = first.count(&waiting);
    against.extend(first.doubts(&canary, still, &waiting));
    canary.not_known += still;
    if canary.not_tried > 0 {
        let to = course.to.name();
        let after = begun.elapsed().as_secs();
        against.push(format!(
            "{} of them were not tried by {to} within {after} s",
            canary.not_tried
        ));
    }
    if canary.messages == 0 {
        against.push("none of them could be moved".to_owned());
    } else if canary.sent == 0 && against.is_empty() {
        against.push(format!("{} has delivered none of them", course.to.name()));
    }
    // One of each suffices: the log has them all.
    let more = against.len().saturating_sub(2);
    against.truncate(2);
    if more > 0 {
        against.push(format!("and {more} more"));
    }
    canary.stopped = (!against.is_empty()).then(|| against.join("; "));
    Ok(canary)
}

/// The messages that went first, and TO's log of them.
struct First<'a> {
    course: &'a Course<'a>,
    planned: &'a Planned,
    /// With their names in TO's maildrop.
    moved: Vec<(&'a Intent, String)>,
    follower: Follower,
}

/// Which of them are in TO's queues still, or why that is not known.
type Waiting = Result<HashSet<u32>, ScanError>;

impl First<'_> {
    /// Waits until TO has tried all of them, for so long since this time.
    fn wait(
        &mut self,
        cx: &Context,
        (begun, patience): (Instant, Duration),
        watch: &MoveWatch<'_>,
    ) -> Waiting {
        let (moved, follower) = (&self.moved, &mut self.follower);
        let progress = cx.progress_items(
            "waiting until the canary is tried",
            Some(moved.len() as u64),
        );
        let mut round = 0;
        let mut queues = Still::new(&self.course.to_side);
        // As many were served and gone at the last look.
        let mut gone = None;
        loop {
            // What cannot be read now is read the next time; what never is, was not tried for all that is known.
            drop(follower.read());
            let is_tried = |(message, name): &&(&Intent, String)| is_tried(follower, message, name);
            let tried = moved.iter().filter(is_tried).count();
            progress.set(tried as u64);
            let is_over = begun.elapsed() > patience || watch.interrupted();
            if tried == moved.len() || is_over {
                // A line is no proof: any user can write one to a log of syslogd's, but not move the file.
                let logged: Vec<(&Intent, &str)> = moved
                    .iter()
                    .filter(|(message, name)| is_served(follower, message, name))
                    .map(|(message, name)| (*message, name.as_str()))
                    .collect();
                let waiting = queues.waiting(follower, &logged);
                // One that was returned since the log was read is not in the queues either: the next look shows that.
                let is_gone = waiting.as_ref().is_ok_and(HashSet::is_empty);
                if is_over || (is_gone && gone == Some(logged.len())) {
                    return waiting;
                }
                gone = is_gone.then_some(logged.len());
            }
            round += 1;
            if round % WAKE == 0 {
                watch.wake();
            }
            watch.pause(ROUND);
        }
    }

    /// What became of each; what speaks against sending the others; and how many are said to be sent, but may be there.
    fn count(&self, waiting: &Waiting) -> (Canary, Vec<String>, usize) {
        let follower = &self.follower;
        let mut canary = Canary {
            messages: self.moved.len(),
            ..Canary::default()
        };
        let mut against: Vec<String> = Vec::new();
        let mut still = 0;
        for (message, name) in &self.moved {
            if !is_tried(follower, message, name) {
                canary.not_tried += 1;
                continue;
            }
            let attempts = follower.attempts(name);
            if attempts.len() < recipients(message) {
                canary.not_known += 1;
                continue;
            }
            let weighed = weigh(&self.planned.reasons, message, &attempts);
            let is_there = waiting.as_ref().is_ok_and(|all| all.contains(&message.n));
            if weighed.came == Came::Sent && (is_there || waiting.is_err()) {
                still += 1;
                continue;
            }
            *match weighed.came {
                Came::Sent => &mut canary.sent,
                Came::Deferred => &mut canary.deferred,
                Came::Bounced => &mut canary.bounced,
            } += 1;
            against.extend(weighed.against);
            let notes = weighed.notes.into_iter();
            canary
                .notes
                .extend(notes.map(|note| format!("canary: {note}")));
        }
        (canary, against, still)
    }

    /// What TO's log says of them, and its queues do not bear out.
    fn doubts(&self, canary: &Canary, still: usize, waiting: &Waiting) -> Vec<String> {
        let to = self.course.to.name();
        let mut doubts = Vec::new();
        if still > 0 {
            doubts.push(match waiting {
                Ok(_) => format!(
                    "{to}'s log says that {still} of them were sent, but they are in its queues: any user of this host \
                     may have written that"
                ),
                Err(e) => format!(
                    "{to}'s log says that {still} of them were sent, but its queues cannot be read: {}",
                    e.problem()
                ),
            });
        }
        if canary.not_known > 0 {
            doubts.push(format!(
                "{} of them left {to}'s queue, and its log does not say for all recipients how",
                canary.not_known,
            ));
        }
        doubts
    }
}

impl Canary {
    /// In a line.
    pub(crate) fn said(&self) -> String {
        let mut parts = vec![format!("{} sent", self.sent)];
        for (count, what) in [
            (self.deferred, "deferred"),
            (self.bounced, "bounced"),
            (self.not_tried, "not tried"),
            (self.not_known, "of unknown fate"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        let result = format!(
            "canary: {} went first: {}",
            postfix::count(self.messages, "message"),
            parts.join(", ")
        );
        match &self.stopped {
            Some(why) => format!("{result}: {why}"),
            None => result,
        }
    }
}
