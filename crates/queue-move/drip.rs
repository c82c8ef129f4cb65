//! Leads a move to its end: at once, or by the clock. Mail that goes by the clock is followed in TO's log, and the rest
//! stays where it is when TO begins to refuse it.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use cli::Context;
use postfix::queue::{Queue, QueueId};
use postfix::{count, either};
use transfer::verify::{Follower, Log};
use transfer::{Done, Ended, Intent, Move, MoveError, Side, Watch as _};

use crate::canary::trial;
use crate::course::{Course, domain};
use crate::planned::Planned;
use crate::setup;
use crate::watch::MoveWatch;
use crate::weighing::{Came, is_tried, recipients, weigh};

/// How often TO is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Of the last messages to a domain that TO has tried, so many were refused: it is not the recipients.
const LAST: usize = 5;
const REFUSED: usize = 3;

/// By which clock a move goes, and what it is followed by.
pub(crate) struct Clock<'a> {
    /// Messages a minute.
    pub(crate) rate: u32,
    pub(crate) course: &'a Course<'a>,
    pub(crate) planned: &'a Planned,
    /// TO's log from now on, where it can be read.
    pub(crate) log: Option<Log>,
    /// How long TO may take until it tries a message.
    pub(crate) patience: Duration,
}

/// Leads a move to its end. Why it stopped early, if it did.
pub(crate) fn carry(
    cx: &Context,
    mut one: Move<'_>,
    clock: Option<Clock<'_>>,
    watch: &MoveWatch<'_>,
) -> Result<(Done, Option<String>), MoveError> {
    let Some(clock) = clock else {
        one.run()?;
        return Ok((one.end()?, None));
    };
    // FROM does not try any of it meanwhile.
    one.hold()?;
    let rate = clock.rate.max(1);
    let count = rate.div_ceil(600);
    let between = Duration::from_secs(60) * count / rate;
    let (mut due, mut looked) = (Instant::now(), Instant::now());
    let mut sent = Sent::new(cx, &clock);
    let mut stopped = None;
    while one.held() > 0 && stopped.is_none() && !watch.interrupted() {
        sent.add(one.send(count as usize)?);
        due += between;
        while one.held() > 0 && stopped.is_none() && !watch.interrupted() {
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                stopped = against(cx, &clock).or_else(|| sent.against());
            }
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            watch.pause(left.min(LOOK));
        }
    }
    let stopped = stopped.map(|(why, is_refused)| {
        let (name, from) = (one.name(), clock.course.from.name());
        let what = format!(
            "{why}: {} {} on hold in {from}; to continue at this rate: queue-move resume {name}; to go \
             back: queue-move undo {name}",
            postfix::count(one.held(), "message"),
            either(one.held(), "stays", "stay")
        );
        (what, is_refused)
    });
    if let Some((why, is_refused)) = &stopped {
        cx.warn(why);
        watch.say(why);
        if *is_refused {
            // What an earlier canary has shown is no longer so.
            one.note_trial(trial(cx, clock.course.to, watch, false))?;
        }
    }
    Ok((one.end()?, stopped.map(|(why, _)| why)))
}

/// Why TO is to get no more, and is it that it refuses the mail?
type Why = (String, bool);

fn against(cx: &Context, clock: &Clock<'_>) -> Option<Why> {
    let to = clock.course.to;
    let is_gone = matches!(setup::runs(cx, to), Ok(false));
    is_gone.then(|| (format!("{} has stopped; start it", to.name()), false))
}

/// Is what was in TO's maildrop under `name` in TO's deferred queue, by an id that is logged for it?
fn is_deferred(to: &Side, follower: &Follower, name: &str) -> bool {
    let ids = follower.new_ids(name).iter();
    ids.filter_map(|id| QueueId::new(id))
        .any(|id| to.spool().holds(Queue::Deferred, &id).unwrap_or(true))
}

/// What this run has sent, as TO's log shows what becomes of it.
struct Sent<'a> {
    clock: &'a Clock<'a>,
    follower: Option<Follower>,
    messages: HashMap<u32, &'a Intent>,
    /// Not tried yet: their names in TO's maildrop, and since when.
    open: Vec<(&'a Intent, String, Instant)>,
    /// By domain: was each of the last ones refused?
    last: HashMap<String, VecDeque<bool>>,
}

impl<'a> Sent<'a> {
    fn new(cx: &Context, clock: &'a Clock<'a>) -> Self {
        let log = clock.log.clone();
        let tags = || crate::waiting::tags(cx);
        let moves = clock.planned.plan.moves();
        Self {
            clock,
            follower: log.map(|log| Follower::new(log, &clock.course.to_side, tags())),
            messages: moves.map(|item| (item.message.n, &item.message)).collect(),
            open: Vec::new(),
            last: HashMap::new(),
        }
    }

    fn add(&mut self, ended: &[Ended]) {
        let sent = ended.iter().filter_map(|end| {
            let message = *self.messages.get(&end.n)?;
            Some((message, end.name.as_ref()?.to_string(), Instant::now()))
        });
        self.open.extend(sent);
    }

    /// What has been tried since the last look, and whether that speaks against sending more.
    fn against(&mut self) -> Option<Why> {
        let to = self.clock.course.to.name();
        let follower = self.follower.as_mut()?;
        // What cannot be read now is read the next time; what never is, was not tried for all that is known.
        drop(follower.read());
        let (tried, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|(message, name, _)| is_tried(follower, message, name));
        self.open = open;
        for (message, name, _) in tried {
            let attempts = follower.attempts(&name);
            let mut weighed = weigh(&self.clock.planned.reasons, message, &attempts);
            if weighed.came == Came::Sent
                && is_deferred(&self.clock.course.to_side, follower, &name)
            {
                // Any user of the host can write such a line to a log of syslogd's, but not move the file.
                weighed.came = Came::Deferred;
                weighed.is_greylisted = false;
                let what = "its log says that it was sent, but it is in the deferred queue";
                weighed.against.push(what.to_owned());
            }
            let is_refused = weighed.came != Came::Sent && !weighed.is_greylisted;
            if weighed.came == Came::Sent && attempts.len() < recipients(message) {
                // It left TO's queue, and nothing shows how.
                continue;
            }
            let first = message.recipients.first();
            let domain = first.map_or_else(String::new, |rcpt| domain(&rcpt.address));
            let last = self.last.entry(domain.clone()).or_default();
            last.push_back(is_refused);
            if last.len() > LAST {
                last.pop_front();
            }
            let many = last.iter().filter(|refused| **refused).count() >= REFUSED;
            if is_refused && (weighed.is_of_address || many) {
                let said = weighed.against.into_iter().chain(weighed.notes).next();
                let said = said.unwrap_or_default();
                let what = format!("{to} has begun to refuse mail for {domain}: {said}");
                return Some((what, true));
            }
        }
        let patience = self.clock.patience;
        let late = |(_, _, since): &&(&Intent, String, Instant)| since.elapsed() > patience;
        let late = self.open.iter().filter(late).count();
        (late > 0).then(|| {
            let seconds = patience.as_secs();
            let what = format!(
                "{} {} not tried by {to} within {seconds} s",
                count(late, "message"),
                either(late, "was", "were")
            );
            (what, true)
        })
    }
}
