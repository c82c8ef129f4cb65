//! delete: mail is taken out of an instance's queue, and kept for an undo until its time is over.

use std::path::{Path, PathBuf};

use cli::{Context, Failure, Interrupts, Outcome};
use postfix::queue::{Message, Queue};
use postfix::{Time, either};
use transfer::hold::ItemResult;
use transfer::plan::{Plan, all as all_of};
use transfer::protocol::Goal;
use transfer::{
    Begin, Done, Fate, Fs, Journal, Move, MoveError, NoHook, Purged, Side, State, Summary, Totals,
};

use crate::args::{Again, Delete};
use crate::course::now as side_now;
use crate::outcome::{half_way, shown};
use crate::result::RunResult;
use crate::setup::{self, readable};
use crate::single::{act, choose};
use crate::unfinished::{deletions, deletions_dir, read, written};
use crate::waiting::Verified;
use crate::watch::{About, MoveWatch};

/// What the lines of the mail log say of where deleted messages go.
const KEPT: &str = "what is kept of deleted mail";

/// Deletes mail.
pub(crate) fn delete(delete: &Delete, cx: &Context) -> anyhow::Result<Outcome> {
    let one = &delete.one;
    let asked = one.selectors.selector(cx, &[Queue::Deferred])?.queues;
    let queue = match asked.as_slice() {
        [Queue::Hold] => Queue::Hold,
        _ => Queue::Deferred,
    };
    let mut chosen = choose(one, cx, "delete", queue)?;
    chosen.leave_moves(cx, queue)?;
    let until = cx.now().plus(delete.keep);
    let now = cx.now();
    let name = new_name(cx, now, &chosen.side);
    chosen.notes.push(format!(
        "the senders get no notice; until {}, queue-move undo {name} puts the messages back; queue-move prune removes them \
         for good after that",
        readable(cx, until)
    ));
    let interrupts = cx.catch_interrupts()?;
    act(one, cx, ("delete", "delete"), &chosen, |messages| {
        let begin = Begin {
            name,
            started: now,
            user: cli::person::user(),
            command: cli::person::command_line(),
            rate: None,
            keep_until: Some(until),
            log: None,
        };
        take(cx, &chosen.side, messages, begin, interrupts)
    })
}

/// As the journal of a deletion will be called: what is said of the undo must lead to it.
fn new_name(cx: &Context, now: Time, side: &Side) -> String {
    let first = format!("{}-delete-{}", setup::stamp(now), setup::plain(side));
    let more = (2..1000).map(|more| format!("{first}-{more}"));
    let mut names = std::iter::once(first.clone()).chain(more);
    let name = names.find(|name| named(cx, Some(name)).is_none());
    name.unwrap_or(first)
}

/// Takes them out of the queue, into what is kept. What came of each.
fn take(
    cx: &Context,
    side: &Side,
    messages: &[&Message],
    begin: Begin,
    interrupts: Interrupts,
) -> std::io::Result<Vec<ItemResult>> {
    let ids: Vec<_> = messages.iter().map(|one| one.file.id.clone()).collect();
    let name = begin.name.clone();
    let about = About {
        name: &name,
        ids: &ids,
        to: KEPT,
    };
    let watch = MoveWatch::new(cx, interrupts, None, about);
    let nothing = |_: &str| None;
    let means = setup::means(cx, &watch, &nothing);
    let plan = plan(side, messages);
    let done = Move::begin(means, &deletions_dir(cx), &plan, begin).and_then(|mut one| {
        one.delete()?;
        one.end()
    });
    let done = done.map_err(std::io::Error::other)?;
    let why = format!(
        "interrupted: it is where it was, or on hold: queue-move undo {} puts all of it back",
        done.name
    );
    let mut results = vec![ItemResult::Failed(why); ids.len()];
    for end in done.ended {
        let why = end.why.unwrap_or_default();
        if let Some(result) = results.get_mut(end.n as usize) {
            *result = match end.fate {
                Fate::Moved => ItemResult::Done,
                Fate::Skipped | Fate::Restored => ItemResult::Skipped(why),
                Fate::Failed | Fate::Doubt => ItemResult::Failed(why),
            };
        }
    }
    Ok(results)
}

/// An undo without a name is of moves: not where a deletion that can be put back came after them.
pub(crate) fn must_not_be_meant(cx: &Context, goal: Goal, moves: &[Summary]) -> anyhow::Result<()> {
    let newest = moves.iter().map(|one| one.header.started()).max();
    let is_later = |one: &&Summary| {
        let keeps = one.is_unfinished() || (one.state == State::Done && one.totals.moved > 0);
        keeps && Some(one.header.started()) >= newest
    };
    let deletions = match goal {
        Goal::Back => deletions(cx).0,
        Goal::Finish => Vec::new(),
    };
    let Some(later) = deletions.iter().rev().find(is_later) else {
        return Ok(());
    };
    let name = &later.header.name;
    let what =
        format!("it is not clear what is meant: the deletion {name} is later than the moves");
    let hint = format!("name it: queue-move undo {name}; queue-move history lists the moves");
    Err(Failure::new(what).hint(hint).into())
}

/// A deletion that is closed gives nothing back: what it has must have been put back before.
pub(crate) fn must_keep_nothing(journal: &Journal) -> anyhow::Result<()> {
    if journal.header.keep_until.is_none() {
        return Ok(());
    }
    let found = transfer::survey(journal);
    let found = found.map_err(|e| Failure::new("cannot find out where the mail is").because(e))?;
    if found.held == 0 {
        return Ok(());
    }
    let name = &journal.header.name;
    let what = format!(
        "{name} still keeps messages, or has them on hold: {}",
        found.held
    );
    Err(Failure::new(what)
        .hint(format!(
            "queue-move undo {name} puts them back; then close it"
        ))
        .into())
}

fn plan(side: &Side, messages: &[&Message]) -> Plan {
    Plan {
        from: side.clone(),
        to: side.clone(),
        cross_device: false,
        items: all_of(messages),
    }
}

/// The journal of the deletion of this name, if there is one.
pub(crate) fn named(cx: &Context, name: Option<&str>) -> Option<PathBuf> {
    let name = name?;
    let name = name.strip_suffix(".jsonl").unwrap_or(name);
    let is_plain = !name.is_empty() && !name.contains('/') && !name.starts_with('.');
    let path = deletions_dir(cx).join(format!("{name}.jsonl"));
    (is_plain && path.exists()).then_some(path)
}

/// The journal of the deletion or move of this name.
pub(crate) fn any_named(cx: &Context, name: &str) -> anyhow::Result<Journal> {
    match named(cx, Some(name)) {
        Some(path) => read(&path),
        None => crate::unfinished::named(cx, name),
    }
}

/// Puts back what a deletion keeps.
pub(crate) fn undo(
    again: &Again,
    cx: &Context,
    goal: Goal,
    path: &Path,
) -> anyhow::Result<Outcome> {
    let mut journal = written(read(path)?)?;
    let name = journal.header.name.clone();
    if goal == Goal::Finish {
        return Err(
            Failure::new(format!("{name} is a deletion, which cannot be resumed"))
                .hint(format!(
                    "queue-move undo {name} puts back what it has taken"
                ))
                .into(),
        );
    }
    must_be_kept(&journal)?;
    let host = host::instances::discover(cx.site());
    setup::report(cx, &host.problems);
    let (_, side) = side_now(cx, &host, &journal.header.from)?;
    (journal.header.from, journal.header.to) = (side.clone(), side.clone());
    let before = Totals::of_ends(journal.ends());
    let what = format!(
        "put back {} that {} deleted from {}",
        postfix::count(journal.intents().len(), "message"),
        either(journal.intents().len(), "was", "were"),
        side.instance
    );
    if again.manner.dry_run {
        cx.print_lines(&[format!("would {what}")])?;
        return Ok(Outcome::Done);
    }
    setup::must_be_root()?;
    let locks = setup::lock(cx, &[(&side, true)])?;
    again.manner.confirm(cx, &format!("{what}?"))?;
    // What another run has written in the meantime counts.
    let mut journal = read(path)?;
    must_be_kept(&journal)?;
    (journal.header.from, journal.header.to) = (side.clone(), side);
    if let Err(e) = put_back(cx, journal)? {
        return half_way(cx, (again.format, "undo"), path, (&e, &[]))?.hand_over(cx, cx.stream()?);
    }
    drop(locks);
    let outcome = RunResult::of_journal(&read(path)?, "undo", before, &Verified::default());
    cx.print(shown(cx, again.format, &outcome).as_bytes())?;
    Ok(match outcome.is_all_done() {
        true => Outcome::Done,
        false => Outcome::Partial,
    })
}

/// Carries out the undo of a deletion; or why it stopped half-way.
fn put_back(cx: &Context, journal: Journal) -> anyhow::Result<Result<Done, MoveError>> {
    let name = journal.header.name.clone();
    let ids: Vec<_> = journal.intents().map(|one| one.queue_id.clone()).collect();
    let about = About {
        name: &name,
        ids: &ids,
        to: KEPT,
    };
    let watch = MoveWatch::new(cx, cx.catch_interrupts()?, None, about);
    watch.say(&format!("undo by {}", cli::person::user()));
    let nothing = |_: &str| None;
    let ran = Move::reopen(setup::means(cx, &watch, &nothing), journal, Goal::Back);
    Ok(ran.and_then(|mut one| {
        one.run()?;
        one.end()
    }))
}

fn must_be_kept(journal: &Journal) -> anyhow::Result<()> {
    if journal.state() != State::Closed {
        return Ok(());
    }
    let what = format!("what {} had deleted is no longer kept", journal.header.name);
    Err(Failure::new(what)
        .hint("queue-move history lists what is")
        .into())
}

/// Removes for good what deletions keep beyond their time: how many messages, of which deletions.
pub(crate) fn purge(cx: &Context, dry_run: bool) -> anyhow::Result<(Vec<(String, usize)>, bool)> {
    let (found, mut is_whole) = deletions(cx);
    let now = cx.now();
    let is_over = |one: &&Summary| {
        let kept = matches!(one.state, State::Done | State::Undone);
        kept && one.header.kept_until().is_some_and(|until| until <= now)
    };
    let mut purged = Vec::new();
    for one in found.iter().filter(is_over) {
        let name = one.header.name.clone();
        if dry_run {
            purged.push((name, one.totals.moved));
            continue;
        }
        match purge_one(cx, one, now) {
            Ok(done) => {
                if done.others > 0 {
                    is_whole = false;
                    cx.warn(still_kept(&name, &done));
                }
                purged.push((name, done.removed));
            }
            Err(e) => {
                is_whole = false;
                cx.warn(format!("what {name} has deleted is still kept: {e:#}"));
            }
        }
    }
    Ok((purged, is_whole))
}

/// Removes what one deletion keeps, and closes its journal if nothing is left.
fn purge_one(cx: &Context, one: &Summary, now: Time) -> anyhow::Result<Purged> {
    let host = host::instances::discover(cx.site());
    let mut journal = read(&one.path)?;
    let (_, side) = side_now(cx, &host, &journal.header.from)?;
    let locks = setup::lock(cx, &[(&side, true)])?;
    journal = read(&one.path)?;
    if !matches!(journal.state(), State::Done | State::Undone) {
        return Err(Failure::new("another run has begun to put it back").into());
    }
    (journal.header.from, journal.header.to) = (side.clone(), side);
    let purged = transfer::purge(Fs::new(&NoHook), &journal)?;
    if purged.others == 0 {
        let why = "its time was over: what it kept is removed";
        let (user, root) = (cli::person::user(), cx.root().dir());
        transfer::close(Fs::new(&NoHook), root, &journal, now, (&user, why))?;
    }
    drop(locks);
    Ok(purged)
}

fn still_kept(name: &str, purged: &Purged) -> String {
    format!(
        "{} that {name} keeps {} not as it left {them}, as after a copy of the queue directory, and {} still kept: look \
         at {} and remove {them} by hand",
        postfix::count(purged.others, "deleted message"),
        either(purged.others, "is", "are"),
        either(purged.others, "is", "are"),
        postfix::escape(&purged.pattern.display().to_string()),
        them = either(purged.others, "it", "them"),
    )
}
