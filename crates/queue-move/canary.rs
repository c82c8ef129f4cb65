//! The canary: a few messages go first, and are followed in TO's log until TO has tried them.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use cli::{Context, Failure};
use knowledge::providers::domain_of;
use knowledge::reasons::Class;
use postfix::log::Status;
use serde::Serialize;
use transfer::plan::Item;
use transfer::verify::{Attempt, Follower, Log};
use transfer::{Move, MoveError, Watch as _};

use crate::args::Args;
use crate::planning::{Course, Planned, domain};
use crate::watch::MoveWatch;

/// Messages that go first where so many are to be moved.
const USUAL: usize = 5;
const FROM_THAT_MANY: usize = 20;
/// How often TO's log is read.
const ROUND: Duration = Duration::from_millis(200);
/// TO's pickup is woken again after so many.
const WAKE: u32 = 25;

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
    args: &Args,
    course: &Course<'_>,
    count: usize,
    log: Option<&Log>,
) -> anyhow::Result<usize> {
    let blind = if args.pace.no_wait {
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
    for (n, item) in (0..).zip(planned.plan.moves()) {
        let first = item.message.recipients.first();
        let domain = first.map_or_else(String::new, |rcpt| domain(&rcpt.address));
        of.entry(domain).or_default().push(n);
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

/// Moves them, and waits until TO has tried them.
///
/// # Errors
/// As [`Move::send_first`].
pub(crate) fn send(
    cx: &Context,
    (course, planned): (&Course<'_>, &Planned),
    (wanted, patience): (usize, Duration),
    log: Log,
    one: &mut Move<'_>,
    watch: &MoveWatch<'_>,
) -> Result<Canary, MoveError> {
    let ended = one.send_first(&choose(planned, wanted))?;
    let items: Vec<&Item> = planned.plan.moves().collect();
    let moved: Vec<(&Item, String)> = ended
        .iter()
        .filter_map(|end| Some((*items.get(end.n as usize)?, end.name.as_ref()?.to_string())))
        .collect();
    let mut follower = Follower::new(log, &course.to_side, crate::waiting::tags(cx));
    let progress = cx.progress_items(
        "waiting until the canary is tried",
        Some(moved.len() as u64),
    );
    let (begun, mut round) = (Instant::now(), 0);
    let is_tried = |follower: &Follower, (item, name): &(&Item, String)| {
        follower.is_removed(name) || follower.attempts(name).len() >= recipients(item)
    };
    loop {
        // What cannot be read now is read the next time; what never is, was not tried for all that is known.
        drop(follower.read());
        let tried = moved.iter().filter(|one| is_tried(&follower, one)).count();
        progress.set(tried as u64);
        if tried == moved.len() || begun.elapsed() > patience || watch.interrupted() {
            break;
        }
        round += 1;
        if round % WAKE == 0 {
            watch.wake();
        }
        watch.pause(ROUND);
    }
    drop(progress);
    let mut canary = Canary {
        messages: moved.len(),
        ..Canary::default()
    };
    let mut against: Vec<String> = Vec::new();
    for one in &moved {
        let (item, name) = one;
        if !is_tried(&follower, one) {
            canary.not_tried += 1;
            continue;
        }
        let attempts = follower.attempts(name);
        if attempts.len() < recipients(item) {
            canary.not_known += 1;
            continue;
        }
        weigh(planned, item, attempts, &mut canary, &mut against);
    }
    if canary.not_known > 0 {
        against.push(format!(
            "{} of them left {}'s queue, and its log does not say for all recipients how",
            canary.not_known,
            course.to.name()
        ));
    }
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

/// How many deliveries a message needs: one that is twice among its recipients gets it once.
fn recipients(item: &Item) -> usize {
    let all = item.message.recipients.iter();
    all.map(|rcpt| &rcpt.address).collect::<HashSet<_>>().len()
}

/// What the attempts at one message say.
fn weigh(
    planned: &Planned,
    item: &Item,
    attempts: &[Attempt],
    canary: &mut Canary,
    against: &mut Vec<String>,
) {
    let class = |reply: &str, dsn: Option<&str>, address: &str| {
        let dsn = dsn.map(str::as_bytes);
        planned
            .reasons
            .classify(reply.as_bytes(), dsn, domain_of(address.as_bytes()))
            .class
    };
    let was: HashSet<Class> = item
        .message
        .recipients
        .iter()
        .filter_map(|rcpt| {
            Some(class(
                rcpt.reason.as_deref()?,
                rcpt.dsn.as_deref(),
                &rcpt.address,
            ))
        })
        .collect();
    let with = |wanted: Status| attempts.iter().filter(move |one| one.status == wanted);
    if let Some(attempt) = with(Status::Bounced).next() {
        canary.bounced += 1;
        against.push(format!(
            "{} was returned to its sender: {}",
            attempt.recipient, attempt.reply
        ));
        return;
    }
    if with(Status::Deferred).next().is_none() {
        canary.sent += 1;
        return;
    }
    canary.deferred += 1;
    for attempt in with(Status::Deferred) {
        let now = class(&attempt.reply, attempt.dsn.as_deref(), &attempt.recipient);
        let what = format!("{} was deferred: {}", attempt.recipient, attempt.reply);
        if was.contains(&now) {
            against.push(format!("{what} (as before: {now})"));
        } else if matches!(now, Class::Blocked | Class::RateLimited) {
            against.push(format!("{what} ({now})"));
        } else {
            canary.notes.push(format!(
                "canary: {what} ({now}, which is not what it was deferred for before)"
            ));
        }
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
            "canary: {} messages went first: {}",
            self.messages,
            parts.join(", ")
        );
        match &self.stopped {
            Some(why) => format!("{result}: {why}"),
            None => result,
        }
    }
}
