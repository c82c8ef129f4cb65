//! resume and undo: which move, where its spools are now, and what came of it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use cli::{Context, Failure, Outcome};
use postfix::Parsed;
use postfix::config::{Host, Instance};
use serde::Serialize;
use transfer::protocol::Goal;
use transfer::verify::Follower;
use transfer::{Ended, Fate, Fs, Journal, NoHook, Recovery, Side, Watch as _};

use crate::args::Again;
use crate::history::{is_unfinished, journals};
use crate::moving::{is_json, moves_dir};
use crate::output::{Counts, to_line, word};
use crate::setup;
use crate::syslog::Syslog;
use crate::waiting::{self, Verified};
use crate::watch;

pub(crate) fn run(again: &Again, cx: &Context, goal: Goal) -> anyhow::Result<Outcome> {
    let host = host::instances::discover(cx.site());
    setup::tell(cx, &host.problems);
    let mut journal = choose(again, cx, goal)?;
    let (_, from_side) = now(cx, &host, &journal.header.from)?;
    let (to, to_side) = now(cx, &host, &journal.header.to)?;
    let to_runs = setup::runs(cx, to)?;
    journal.header.from = from_side;
    journal.header.to = to_side;
    let (name, intents) = (journal.header.name.clone(), ids(&journal));
    if again.manner.dry_run {
        let word = if goal == Goal::Finish {
            "resume"
        } else {
            "undo"
        };
        let text = format!("would {word} {name}: {} messages\n", intents.len());
        cx.print(text.as_bytes())?;
        return Ok(Outcome::Done);
    }
    setup::must_be_root()?;
    let header = journal.header.clone();
    let locks = setup::lock(cx, &[(&header.from, true), (&header.to, false)])?;
    // What another run has written in the meantime counts.
    let mut journal = Journal::read(&journal.path).map_err(|e| Failure::new(e.to_string()))?;
    journal.header.from = header.from.clone();
    journal.header.to = header.to.clone();
    let interrupts = cx.catch_interrupts()?;
    let progress = cx.progress_items("moving", Some(intents.len() as u64));
    let wake = to_runs.then_some(&header.to);
    let told = watch::Told::new(cx, &interrupts, Some(progress), wake);
    let follower = header
        .log
        .clone()
        .map(|mark| Follower::new(mark, &header.to));
    let follower = RefCell::new(follower);
    if let Some(follower) = follower.borrow_mut().as_mut()
        && let Err(e) = follower.read()
    {
        cx.warn(format!("{}'s log cannot be read: {e}", header.to.instance));
    }
    let accepted = |name: &str| {
        let mut follower = follower.borrow_mut();
        let follower = follower.as_mut()?;
        // What cannot be read now has been warned of.
        drop(follower.read());
        follower.accepted(name).map(str::to_owned)
    };
    let boot = setup::boot();
    let recovery = Recovery {
        fs: Fs::new(&NoHook),
        goal,
        pace: setup::pace(again.pace.rate),
        accepted: &accepted,
        pickup: None,
        boot: &boot,
        watch: &told,
    };
    let ends = recovery.run(journal).map_err(|e| {
        Failure::new(format!("{name} stopped half-way, with nothing lost"))
            .because(e)
            .hint("queue-move resume goes on, queue-move undo goes back")
    })?;
    drop(locks);
    let mut verified = Verified::default();
    if goal == Goal::Finish && to_runs && !again.pace.no_wait {
        let names: Vec<String> = ends
            .iter()
            .filter_map(|end| Some(end.name.as_ref()?.to_string()))
            .collect();
        let told = watch::Told::new(cx, &interrupts, None, wake);
        verified = waiting::verify(cx, &header.to, header.log.clone(), &names, &told);
    }
    let result = Recovered {
        schema: "relay-tools/queue-move/1",
        name: &name,
        from: &header.from.instance,
        to: &header.to.instance,
        dry_run: false,
        undo: goal == Goal::Back,
        counts: counts(&ends, intents.len()),
        restored: ends.iter().filter(|e| e.fate == Fate::Restored).count(),
        messages: messages(&ends, &intents, &verified),
        notes: &verified.notes,
    };
    say(cx, &told, &result);
    let text = match is_json(again.manner.format) {
        true => to_line(&result),
        false => text(&result),
    };
    cx.print(text.as_bytes())?;
    let wanted = match goal {
        Goal::Finish => Fate::Moved,
        Goal::Back => Fate::Restored,
    };
    let all = ends.len() == intents.len() && ends.iter().all(|end| end.fate == wanted);
    if ends.len() < intents.len() {
        cx.warn(format!(
            "interrupted; to go on: queue-move resume {name}; to go back: queue-move undo {name}"
        ));
    }
    Ok(if all && verified.notes.is_empty() {
        Outcome::Done
    } else {
        Outcome::Partial
    })
}

/// The move that is meant.
fn choose(again: &Again, cx: &Context, goal: Goal) -> anyhow::Result<Journal> {
    let dir = moves_dir(cx.root());
    if let Some(name) = &again.name {
        let name = name.strip_suffix(".jsonl").unwrap_or(name);
        let is_plain = !name.is_empty() && !name.contains('/') && !name.starts_with('.');
        let path = dir.join(format!("{name}.jsonl"));
        if !is_plain || !path.exists() {
            return Err(Failure::new(format!("no move is called \"{name}\""))
                .hint("queue-move history lists them")
                .into());
        }
        return Journal::read(&path).map_err(|e| Failure::new(e.to_string()).into());
    }
    let (journals, problems) = journals(&dir)?;
    cx.problems(&problems);
    let meant = |journal: &&Journal| goal == Goal::Back || is_unfinished(journal);
    let mut found = journals.iter().rev().filter(|j| j.planned).filter(meant);
    found.next().cloned().ok_or_else(|| {
        let what = match goal {
            Goal::Finish => "no move is unfinished",
            Goal::Back => "there is no move to undo",
        };
        let hint = "queue-move history lists all; name one to look at it again";
        Failure::new(what).hint(hint).into()
    })
}

/// The instance, and its spool as it is laid out now.
fn now<'h>(
    cx: &Context,
    host: &'h Parsed<Host>,
    then: &Side,
) -> anyhow::Result<(&'h Instance, Side)> {
    let mut all = host.value.instances().iter();
    let instance = all.find(|i| i.config_directory() == then.config_directory);
    let instance = instance.ok_or_else(|| {
        let dir = then.config_directory.display();
        Failure::new(format!(
            "{}: no instance is configured in {dir}",
            then.instance
        ))
        .hint("put its configuration back")
    })?;
    let side = setup::spool_of(cx, instance)?;
    if side.identity.1 != then.identity.1 {
        let what = format!(
            "{}: {} is not the queue directory of that move",
            then.instance,
            side.queue_directory.display()
        );
        return Err(Failure::new(what)
            .hint("mount or name the one that it was")
            .into());
    }
    Ok((instance, side))
}

fn ids(journal: &Journal) -> Vec<String> {
    journal
        .intents()
        .map(|intent| intent.queue_id.to_string())
        .collect()
}

fn counts(ends: &[Ended], selected: usize) -> Counts {
    let count = |fate| ends.iter().filter(|end| end.fate == fate).count();
    Counts {
        selected,
        moved: count(Fate::Moved),
        skipped: count(Fate::Skipped) + selected.saturating_sub(ends.len()),
        failed: count(Fate::Failed),
        in_doubt: count(Fate::Doubt),
    }
}

#[derive(Serialize)]
struct Recovered<'a> {
    schema: &'static str,
    #[serde(rename = "move")]
    name: &'a str,
    from: &'a str,
    to: &'a str,
    dry_run: bool,
    undo: bool,
    counts: Counts,
    restored: usize,
    messages: Vec<Message<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Message<'a> {
    queue_id: &'a str,
    action: &'static str,
    result: &'static str,
    why: Option<&'a str>,
    new_queue_id: Option<&'a str>,
}

fn messages<'a>(ends: &'a [Ended], ids: &'a [String], verified: &'a Verified) -> Vec<Message<'a>> {
    let new_id = |end: &Ended| {
        verified
            .new_ids
            .get(end.name.as_ref()?.as_str())
            .map(String::as_str)
    };
    let of = |end: &'a Ended| Message {
        queue_id: ids.get(end.n as usize).map_or("", String::as_str),
        action: "move",
        result: word(end.fate),
        why: end.why.as_deref(),
        new_queue_id: new_id(end),
    };
    ends.iter().map(of).collect()
}

fn text(result: &Recovered<'_>) -> String {
    let counts = result.counts;
    let mut lines = vec![format!(
        "move {}: {} selected, {} moved, {} skipped, {} failed, {} put back",
        result.name, counts.selected, counts.moved, counts.skipped, counts.failed, result.restored
    )];
    let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for message in &result.messages {
        if let Some(why) = message.why {
            let ids = reasons.entry((message.result, why)).or_default();
            ids.push(message.queue_id);
        }
    }
    for ((word, why), ids) in reasons {
        let some = ids.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let more = if ids.len() > 5 { ", …" } else { "" };
        lines.push(format!("{word}: {why}: {} ({some}{more})", ids.len()));
    }
    lines.extend(result.notes.iter().cloned());
    let escaped = lines
        .iter()
        .map(|line| format!("{}\n", postfix::escape(line)));
    escaped.collect()
}

fn say(cx: &Context, told: &watch::Told<'_>, result: &Recovered<'_>) {
    let syslog = Syslog::open(cx);
    let word = if result.undo { "undo" } else { "resume" };
    let counts = result.counts;
    syslog.say(
        told.now(),
        &format!(
            "{word} of move {}: {} moved, {} skipped, {} failed, {} put back, by {}",
            result.name,
            counts.moved,
            counts.skipped,
            counts.failed,
            result.restored,
            setup::user()
        ),
    );
}
