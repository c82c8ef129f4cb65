//! resume and undo: which move, what it does, and what came of it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use cli::{Context, Failure, Outcome};
use postfix::Time;
use postfix::queue::QueueId;
use transfer::preflight::Objection;
use transfer::protocol::Goal;
use transfer::verify::{Follower, Log};
use transfer::{
    Header, Journal, Move, MoveError, Side, State, Summary, Survey, Totals, Watch as _, survey,
};

use crate::args::Again;
use crate::canary;
use crate::course::Course;
use crate::drip::{Clock, carry};
use crate::goal::read_again;
use crate::outcome::{Led, Shown, concluded, half_way};
use crate::planned::Planned;
use crate::planning;
use crate::result::RunResult;
use crate::setup;
use crate::unfinished::{moves, named, read, written};
use crate::waiting::{self, Verified};
use crate::watch::{About, MoveWatch};

/// How long TO's log is waited for, in all, and how often it is read meanwhile.
const LOG_PATIENCE: Duration = Duration::from_secs(5);
const LOG_ROUND: Duration = Duration::from_millis(100);

pub(crate) fn run(again: &Again, cx: &Context, asked: Goal) -> anyhow::Result<Outcome> {
    let host = host::instances::discover(cx.site());
    setup::report(cx, &host.problems);
    let mut journal = written(choose(again, cx, asked)?)?;
    // An undo that was interrupted continues, unless --forward is given.
    let kept = journal.state() == State::Unfinished && journal.goal == Goal::Back;
    let goal = match (asked, kept && !again.forward) {
        (Goal::Finish, true) => Goal::Back,
        (goal, _) => goal,
    };
    let course = Course::now(cx, &host, &journal.header)?;
    let findings = match goal {
        // Whether mail may go from one provider's instance to another's was decided when it began.
        Goal::Finish => course.findings(cx, true, false)?,
        Goal::Back => Vec::new(),
    };
    setup::must_be_clear(&findings)?;
    journal.header.from.clone_from(&course.from_side);
    journal.header.to.clone_from(&course.to_side);
    let before = Totals::of_ends(journal.ends());
    let (plan, rest) = plan(again, cx, (&course, &journal), goal, findings)?;
    if again.manner.dry_run {
        cx.print(plan.as_bytes())?;
        return Ok(Outcome::Done);
    }
    setup::must_be_root()?;
    let out = cx.stream()?;
    let header = journal.header.clone();
    let locks = setup::lock(cx, &[(&header.from, true), (&header.to, false)])?;
    if !cx.is_quiet() || !again.manner.yes {
        cx.say(&plan);
    }
    again.manner.confirm(cx, "Do it?")?;
    // What another run has written in the meantime counts.
    let mut journal = read_again(&journal)?;
    (journal.header.from, journal.header.to) = (header.from.clone(), header.to.clone());
    let shown = execute(again, cx, &course, journal, rest.as_ref(), before)?;
    drop(locks);
    shown.hand_over(cx, out)
}

/// TO's log since the move began: the file where it was then, or else the journal.
fn log_since(cx: &Context, course: &Course<'_>, header: &Header) -> Option<Log> {
    match &header.log {
        Some(mark) => Log::behind(mark, cx.zone()),
        None => {
            let started = Time::from_seconds(header.started);
            let log = setup::log_of(cx, course.host, course.to, started)?;
            // Where a file ends now says nothing of then.
            log.mark().is_none().then_some(log)
        }
    }
}

fn execute(
    again: &Again,
    cx: &Context,
    course: &Course<'_>,
    journal: Journal,
    rest: Option<&Planned>,
    before: Totals,
) -> anyhow::Result<Shown> {
    let (header, path) = (journal.header.clone(), journal.path.clone());
    let goal = match rest {
        Some(_) => Goal::Finish,
        None => Goal::Back,
    };
    let ids: Vec<QueueId> = journal.intents().map(|one| one.queue_id.clone()).collect();
    let about = About {
        name: &header.name,
        ids: &ids,
        to: &header.to.instance,
    };
    let wake = course.to_runs.then_some(&header.to);
    let watch = MoveWatch::new(cx, cx.catch_interrupts()?, wake, about);
    let word = word(goal);
    watch.say(&format!("{word} by {}", cli::person::user()));
    let log = log_since(cx, course, &header);
    let taken = Taken::new(cx, log.clone(), &header.to, &watch);
    let accepted = |name: &str| taken.id(name);
    let mut means = setup::means(cx, &watch, &accepted);
    if again.despite_log {
        means.boot.clone_from(&header.boot);
    }
    let now = rest.and_then(|_| setup::log_of(cx, course.host, course.to, cx.now()));
    let wanted = match rest {
        // What TO does with this mail was seen, and TO is what it was.
        Some(_) if canary::has_passed(cx, journal.trial.as_ref(), course.to) => 0,
        Some(rest) => {
            let flags = (&again.canary, &again.pace);
            canary::size(flags, course, rest.count(), now.as_ref())?
        }
        None => 0,
    };
    let rate = again.pace.rate.or(header.rate);
    let led = Move::reopen(means, journal, goal)
        .and_then(|one| lead(again, cx, (course, rest), (wanted, rate, now), one, &watch));
    let led = match led {
        Ok(led) => led,
        Err(e) => return half_way(cx, (again.format, word), &path, (&e, &[])),
    };
    let journal = read(&path)?;
    let verified = match goal {
        Goal::Finish => {
            let messages = journal.intents().map(Arc::as_ref);
            waiting::verified(cx, course, &again.pace, (log, &led.done), messages, &watch)
        }
        Goal::Back => Verified::default(),
    };
    let outcome = RunResult::of_journal(&journal, word, before, &verified);
    Ok(concluded(cx, again.format, outcome, led, &verified, &watch))
}

/// Leads the move to its end: what is to go to TO, with `wanted` messages as a canary first, and at this rate. Why it
/// stopped early, if it did.
fn lead(
    again: &Again,
    cx: &Context,
    (course, rest): (&Course<'_>, Option<&Planned>),
    (wanted, rate, log): (usize, Option<u32>, Option<Log>),
    mut one: Move<'_>,
    watch: &MoveWatch<'_>,
) -> Result<Led, MoveError> {
    let canary = match (rest, log.clone().filter(|_| wanted > 0)) {
        (Some(rest), Some(log)) => {
            let (size, may_ask) = ((wanted, &again.canary, log), !again.manner.yes);
            let canary = canary::first(cx, (course, rest), size, &mut one, watch, may_ask);
            Some(canary?)
        }
        _ => None,
    };
    if canary.as_ref().is_some_and(|one| one.stopped.is_some()) {
        // Some of it is on hold already, or copied: it stays where it is, for an undo or another resume.
        let done = one.end()?;
        let what = format!(
            "the rest stays where it is: to continue without a canary: queue-move resume {name} --canary 0; to go \
             back: queue-move undo {name}",
            name = done.name
        );
        cx.warn(&what);
        return Ok(Led {
            canary,
            done,
            stopped: Some(what),
        });
    }
    let clock = rest.zip(rate).map(|(planned, rate)| Clock {
        rate,
        course,
        planned,
        log,
        patience: again.canary.canary_wait.duration(),
    });
    let (done, stopped) = carry(cx, one, clock, watch)?;
    Ok(Led {
        canary,
        done,
        stopped,
    })
}

/// What TO has taken over, by its log.
struct Taken<'a> {
    follower: RefCell<Option<Follower>>,
    /// Lines come a moment after what they are about: so long, in all, they are waited for.
    patience: Cell<Duration>,
    watch: &'a MoveWatch<'a>,
}

impl<'a> Taken<'a> {
    fn new(cx: &Context, log: Option<Log>, to: &Side, watch: &'a MoveWatch<'a>) -> Self {
        let mut follower = log.map(|log| Follower::new(log, to, waiting::tags(cx)));
        if let Some(follower) = follower.as_mut()
            && let Err(e) = follower.read()
        {
            cx.warn(format!("{}'s log cannot be read: {e}", to.instance));
        }
        Self {
            follower: RefCell::new(follower),
            patience: Cell::new(LOG_PATIENCE),
            watch,
        }
    }

    /// The queue id under which TO has what was in its maildrop under `name`.
    fn id(&self, name: &str) -> Option<String> {
        let mut follower = self.follower.borrow_mut();
        let follower = follower.as_mut()?;
        loop {
            let mut found = follower.accepted(name).map(str::to_owned);
            if found.is_none() {
                // What cannot be read now has been warned of.
                drop(follower.read());
                found = follower.accepted(name).map(str::to_owned);
            }
            if found.is_some() || self.patience.get().is_zero() || self.watch.interrupted() {
                return found;
            }
            self.watch.pause(LOG_ROUND);
            self.patience
                .set(self.patience.get().saturating_sub(LOG_ROUND));
        }
    }
}

fn word(goal: Goal) -> &'static str {
    match goal {
        Goal::Finish => "resume",
        Goal::Back => "undo",
    }
}

/// What is to be done, in lines; and what TO is to get yet, unless all goes back.
fn plan(
    again: &Again,
    cx: &Context,
    (course, journal): (&Course<'_>, &Journal),
    goal: Goal,
    findings: Vec<Objection>,
) -> anyhow::Result<(String, Option<Planned>)> {
    let survey = survey(journal);
    let survey =
        survey.map_err(|e| Failure::new("cannot find out where the mail is").because(e))?;
    let rate = again.pace.rate.or(journal.header.rate);
    let mut plan = lines(cx, journal, goal, rate, &survey);
    if goal == Goal::Back {
        return Ok((plan, None));
    }
    // TO may have been changed since: it is asked again what would become of these.
    let cross_device = journal.header.cross_device;
    let rest = planning::rest(cx, course, cross_device, &survey.left, findings)?;
    for warning in &rest.warnings {
        plan.push_str(&format!("warning: {}\n", postfix::escape(warning)));
    }
    Ok((plan, Some(rest)))
}

/// What is to be done, from where the messages are now.
fn lines(
    cx: &Context,
    journal: &Journal,
    goal: Goal,
    rate: Option<u32>,
    survey: &Survey,
) -> String {
    let &Survey {
        waiting,
        held,
        in_target,
        back,
        gone,
        ..
    } = survey;
    let header = &journal.header;
    let (from, to) = (&header.from.instance, &header.to.instance);
    let mut lines = vec![format!(
        "{} {}: {} from {from} to {to}, begun {} by {}",
        word(goal),
        header.name,
        postfix::count(journal.intents().len(), "message"),
        setup::readable(cx, header.started()),
        header.user
    )];
    let counts = [
        (waiting, format!("wait in {from}, as the move found them")),
        (held, format!("are on hold in {from} by this move")),
        (
            in_target,
            format!("are in {to}'s maildrop, or kept out of pickup's reach"),
        ),
        (
            back,
            format!("belong to {from} again, or never were part of this move"),
        ),
        (gone, "are no longer in either queue".to_owned()),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    lines.extend(counts.map(|(count, what)| format!("  {count:>7}  {what}")));
    lines.push(match goal {
        Goal::Finish => match rate {
            Some(rate) => format!("what waits or is on hold goes to {to}, at {rate} a minute"),
            None => format!("what waits or is on hold goes to {to}"),
        },
        Goal::Back => format!("what {to} has not taken goes back to {from}"),
    });
    let lines = lines
        .iter()
        .map(|line| format!("{}\n", postfix::escape(line)));
    lines.collect()
}

/// The move that is meant.
fn choose(again: &Again, cx: &Context, goal: Goal) -> anyhow::Result<Journal> {
    if let Some(name) = &again.name {
        return named(cx, name);
    }
    let (mut found, is_whole) = moves(cx);
    if !is_whole {
        return Err(Failure::new(
            "it is not clear which move is meant: not all journals can be read",
        )
        .hint(format!("name it: queue-move {} MOVE", word(goal)))
        .into());
    }
    let meant = |one: &Summary| match goal {
        Goal::Finish => one.is_unfinished(),
        Goal::Back => one.is_unfinished() || (one.state == State::Done && one.totals.moved > 0),
    };
    found.retain(meant);
    if found.iter().filter(|one| one.is_unfinished()).count() == 1 {
        // What is half-way is what is meant, before what is done.
        found.retain(Summary::is_unfinished);
    }
    crate::deleting::must_not_be_meant(cx, goal, &found)?;
    match found.as_slice() {
        [one] => read(&one.path),
        [] => {
            let what = match goal {
                Goal::Finish => "there is no unfinished move",
                Goal::Back => "there is no move to undo",
            };
            let hint = "queue-move history lists all moves; name one to check it again";
            Err(Failure::new(what).hint(hint).into())
        }
        several => {
            let last = several.iter().rev().take(5);
            let names: Vec<&str> = last.map(|one| one.header.name.as_str()).collect();
            let what = format!(
                "it is not clear which of {} moves is meant: {}",
                several.len(),
                names.join(", ")
            );
            let hint = format!("name one: queue-move {} MOVE", word(goal));
            Err(Failure::new(what).hint(hint).into())
        }
    }
}
