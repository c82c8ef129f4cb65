//! flush and bounce: mail is tried now, one message after another, as `postqueue -i` asks the queue manager to.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use cli::{Context, Failure, Interrupts, Outcome};
use host::programs::Program;
use postfix::either;
use postfix::queue::{Message, Queue, QueueId, Spool};
use transfer::hold::{ItemResult, NOT_IT, expire};
use transfer::preflight::refuse;
use transfer::{Fs, NoHook};

use crate::args::{Flush, Tries};
use crate::planned::most_first;
use crate::selected::Chosen;
use crate::setup;
use crate::single::{act, choose, seen_as};

/// How long the first messages may take until all of them were tried, and how often that is looked at.
const PATIENCE: Duration = Duration::from_secs(120);
const ROUND: Duration = Duration::from_millis(200);
/// Senders that are named.
const SENDERS: usize = 5;

/// Tries mail now.
pub(crate) fn flush(flush: &Flush, cx: &Context) -> anyhow::Result<Outcome> {
    let mut chosen = choose(&flush.tries.one, cx, "flush", Queue::Deferred)?;
    if !flush.tries.one.manner.dry_run {
        must_run(cx, &chosen)?;
    }
    let minutes = chosen
        .messages
        .len()
        .div_ceil(flush.tries.rate.max(1) as usize);
    if minutes > 1 {
        let rate = flush.tries.rate;
        chosen.notes.push(format!(
            "at {rate} a minute, this takes {} (--rate)",
            postfix::count(minutes, "minute")
        ));
    }
    let interrupts = cx.catch_interrupts()?;
    act(&flush.tries.one, cx, ("flush", "try"), &chosen, |all| {
        let canary = match all.len() > flush.canary {
            true => flush.canary,
            false => 0,
        };
        let pace = (flush.tries.rate, canary);
        Ok(each(cx, &chosen, all, pace, &interrupts))
    })
}

/// Returns mail to its senders.
pub(crate) fn bounce(bounce: &Tries, cx: &Context) -> anyhow::Result<Outcome> {
    let mut chosen = choose(&bounce.one, cx, "bounce", Queue::Deferred)?;
    chosen.leave_moves(cx, Queue::Deferred)?;
    if !bounce.one.manner.dry_run {
        must_run(cx, &chosen)?;
        must_know_expiry(cx, &chosen)?;
    }
    chosen.notes.push(what_senders_get(&chosen.messages));
    let interrupts = cx.catch_interrupts()?;
    act(&bounce.one, cx, ("bounce", "return"), &chosen, |all| {
        let marked = expire(Fs::new(&NoHook), &chosen.side, &seen_as(all))?;
        let tried = each(cx, &chosen, all, (bounce.rate, 0), &interrupts);
        // What is marked is returned at its next attempt, whenever that is.
        let both = marked.into_iter().zip(tried);
        Ok(both
            .map(|(marked, tried)| match (marked, tried) {
                (ItemResult::Done, ItemResult::Failed(why) | ItemResult::Skipped(why)) => ItemResult::Failed(format!(
                    "it is marked as expired, and is returned at its next attempt; it could not be tried now: {why}"
                )),
                (ItemResult::Done, ItemResult::Done) => ItemResult::Done,
                (marked, _) => marked,
            })
            .collect())
    })
}

fn must_run(cx: &Context, chosen: &Chosen) -> anyhow::Result<()> {
    if !cx.root().is_this_host() {
        return Err(
            Failure::new("a host image has no queue manager: nothing would try the mail")
                .hint("run it on that host, without --root")
                .into(),
        );
    }
    if setup::runs(cx, &chosen.instance)? {
        return Ok(());
    }
    let name = chosen.instance.name();
    let config = chosen.instance.config_directory().display();
    let what = format!("{name} is not running: nothing would try the mail");
    let finding = refuse(what, format!("start it first: postfix -c {config} start"));
    Err(setup::refused(&[finding]))
}

/// Postfix before 3.5 does not know the mark.
fn must_know_expiry(cx: &Context, chosen: &Chosen) -> anyhow::Result<()> {
    let program = Program::new(cx.root(), &chosen.instance, "postconf");
    let said = program.run(&["-d", "-h", "mail_version"]);
    let said = said.map_err(|e| Failure::new(format!("cannot find out Postfix's version: {e}")))?;
    let version = String::from_utf8_lossy(&said).trim().to_owned();
    let mut parts = version
        .split(['.', '-'])
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if (major, minor) >= (3, 5) {
        return Ok(());
    }
    let what = format!("Postfix {version} cannot return single messages (3.5 and later can)");
    Err(Failure::new(what)
        .hint("set maximal_queue_lifetime lower for a while")
        .into())
}

/// A line about the notices that go out.
fn what_senders_get(messages: &[Message]) -> String {
    let (mut senders, mut null) = (HashMap::new(), 0);
    for message in messages {
        match message.sender.address() {
            "" => null += 1,
            sender => *senders.entry(sender.to_owned()).or_insert(0) += 1,
        }
    }
    let senders: Vec<(String, usize)> = most_first(senders);
    let first: Vec<String> = senders
        .iter()
        .take(SENDERS)
        .map(|(sender, count)| format!("{sender} ({count})"))
        .collect();
    let more = match senders.len().saturating_sub(SENDERS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let mut what = format!(
        "the senders get a notice that each message could not be delivered: {}{more}; this cannot be undone",
        match first.is_empty() {
            true => "none".to_owned(),
            false => first.join(", "),
        }
    );
    if null > 0 {
        what.push_str(&format!(
            "; {}: nobody hears of those but 2bounce_notice_recipient",
            either(
                null,
                "1 message is a notice itself",
                &format!("{null} messages are notices themselves")
            )
        ));
    }
    what
}

/// Tries one after another, so many a minute. The first `canary` are watched.
fn each(
    cx: &Context,
    chosen: &Chosen,
    messages: &[&Message],
    (rate, canary): (u32, usize),
    interrupts: &Interrupts,
) -> Vec<ItemResult> {
    let program = Program::new(cx.root(), &chosen.instance, "postqueue");
    let spool = chosen.side.spool();
    let progress = cx.progress_items("trying", Some(messages.len() as u64));
    let between = Duration::from_secs(60) / rate.max(1);
    let mut due = Instant::now();
    let (mut done, mut stopped) = (Vec::with_capacity(messages.len()), None);
    for (n, message) in messages.iter().enumerate() {
        if n == canary && canary > 0 {
            stopped = refused_again(&spool, &messages[..n], interrupts);
        }
        if interrupts.came() {
            stopped = Some("interrupted before its turn".to_owned());
        }
        if let Some(why) = &stopped {
            done.push(ItemResult::Skipped(why.clone()));
            continue;
        }
        wait_until(due, interrupts);
        due = due.max(Instant::now()) + between;
        done.push(try_one(&program, &spool, message));
        progress.set(n as u64 + 1);
    }
    done
}

fn try_one(program: &Program, spool: &Spool, message: &Message) -> ItemResult {
    let id = &message.file.id;
    match inode(spool, Queue::Deferred, id) {
        Ok(Some(inode)) if inode == message.file.info.inode => {}
        Ok(Some(_)) => return ItemResult::Skipped(NOT_IT.to_owned()),
        Ok(None) => return ItemResult::Skipped("the queue manager took it".to_owned()),
        Err(e) => return ItemResult::Failed(format!("cannot examine it: {e}")),
    }
    match program.run(&["-i", id.as_str()]) {
        Ok(_) => ItemResult::Done,
        Err(why) => ItemResult::Failed(why),
    }
}

/// The inode number of a queue file.
fn inode(spool: &Spool, queue: Queue, id: &QueueId) -> io::Result<Option<u64>> {
    match std::fs::symlink_metadata(spool.path(queue, id)) {
        Ok(meta) => Ok(Some(meta.ino())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Waits until the queue manager is done with these. Why no more should follow: all of them are deferred again.
fn refused_again(spool: &Spool, first: &[&Message], interrupts: &Interrupts) -> Option<String> {
    let is_in = |message: &&&Message, queues: &[Queue]| {
        let id = &message.file.id;
        queues
            .iter()
            .any(|&queue| matches!(inode(spool, queue, id), Ok(Some(_))))
    };
    let begun = Instant::now();
    loop {
        let busy = first
            .iter()
            .filter(|one| is_in(one, &[Queue::Incoming, Queue::Active]))
            .count();
        if busy == 0 || interrupts.came() {
            break;
        }
        if begun.elapsed() > PATIENCE {
            return Some(format!(
                "{busy} of the first {} were not tried in time",
                first.len()
            ));
        }
        wait_until(Instant::now() + ROUND, interrupts);
    }
    // What was asked for a moment ago may be on its way from one queue to another.
    wait_until(Instant::now() + ROUND, interrupts);
    let again = first
        .iter()
        .filter(|one| is_in(one, &[Queue::Deferred]))
        .count();
    (again == first.len()).then(|| {
        format!("the first {again} were deferred again: --canary 0 tries the others nevertheless")
    })
}

fn wait_until(time: Instant, interrupts: &Interrupts) {
    while !interrupts.came() {
        let left = time.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
}
