//! hold, release and clean: for one instance, without a journal, for each is undone by another.

use std::collections::HashMap;

use cli::{Context, Failure, Outcome};
use postfix::config::Instance;
use postfix::either;
use postfix::queue::{Lifetimes, Message, Queue, QueueId, ShowqOptions};
use transfer::hold::{ItemResult, SeenAs, clean as clean_logs, orphans, requeue, shift};
use transfer::plan::snapshot;
use transfer::preflight::shared_queue;
use transfer::{Fs, NoHook, Side};

use crate::args::{One, Release};
use crate::outcome::shown;
use crate::result::{Message as Shown, RunResult};
use crate::selected::{Chosen, Strangers};
use crate::setup;
use crate::syslog::Syslog;

/// The messages as they were seen.
pub(crate) fn seen_as<'m>(messages: &[&'m Message]) -> Vec<SeenAs<'m>> {
    let files = messages.iter().map(|message| &message.file);
    files.map(|file| (&file.id, file.info.inode)).collect()
}

/// The instance and its spool, if that is its own.
fn spool(one: &One, cx: &Context) -> anyhow::Result<(Instance, Side)> {
    let host = host::instances::discover(cx.site());
    setup::report(cx, &host.problems);
    let instance = host::instances::select_one(cx.site(), &host, &one.instance)?;
    let side = setup::spool_of(cx, instance, one.manner.dry_run)?;
    let asked = transfer::preflight::Circumstances {
        root: cx.root(),
        host: &host.value,
        provider: &|_| None,
        to_runs: true,
        cross_provider: false,
        is_plan: one.manner.dry_run,
    };
    if let Some(finding) = shared_queue(&asked, &side) {
        return Err(setup::refused(&[finding]));
    }
    if !one.manner.dry_run {
        setup::must_be_root()?;
    }
    Ok((instance.clone(), side))
}

/// The messages in this queue that are meant.
pub(crate) fn choose(one: &One, cx: &Context, verb: &str, queue: Queue) -> anyhow::Result<Chosen> {
    let (instance, side) = spool(one, cx)?;
    let selector = one.selectors.selector(cx, &[queue])?;
    if selector.queues != [queue] {
        let what = format!("{verb} only takes mail in the {queue} queue");
        return Err(Failure::new(what).hint("leave out --queue").into());
    }
    let showq = ShowqOptions {
        duplicate_filter_limit: 0,
        ..ShowqOptions::of(instance.parameters())
    };
    let mut found = snapshot(&side.spool(), &[queue], &selector, &showq)?;
    found.problems.extend(setup::absent(&side, &[queue]));
    cx.problems(&found.problems);
    let others = Strangers::find(&selector, one.part.whole, &mut found.messages);
    let most = one.selectors.limit.unwrap_or(usize::MAX);
    found.messages.truncate(most);
    let notes = others.note(found.messages.iter().map(|message| &message.file.id));
    Ok(Chosen {
        instance,
        side,
        messages: found.messages,
        skipped: Vec::new(),
        leaves_moves: None,
        notes: notes.into_iter().collect(),
        unread: found.problems.iter().map(ToString::to_string).collect(),
    })
}

pub(crate) fn hold(one: &One, cx: &Context) -> anyhow::Result<Outcome> {
    let chosen = choose(one, cx, "hold", Queue::Deferred)?;
    let queues = (Queue::Deferred, Queue::Hold);
    act(one, cx, ("hold", "hold"), &chosen, |all| {
        shift(Fs::new(&NoHook), &chosen.side, &seen_as(all), queues)
    })
}

pub(crate) fn release(release: &Release, cx: &Context) -> anyhow::Result<Outcome> {
    let one = &release.one;
    let mut chosen = choose(one, cx, "release", Queue::Hold)?;
    chosen.leave_moves(cx, Queue::Hold)?;
    if release.fresh {
        chosen.notes.push(
            "each message gets a new queue id and a new queue lifetime, and passes the maps and header checks again"
                .to_owned(),
        );
        let now = cx.now();
        return act(one, cx, ("release", "requeue"), &chosen, |all| {
            let done = requeue(Fs::new(&NoHook), &chosen.side, &seen_as(all), now);
            // It wakes by itself, too, every minute.
            drop(transfer::wake_pickup(&chosen.side));
            done
        });
    }
    chosen.notes.extend(expired(cx, &chosen));
    let queues = (Queue::Hold, Queue::Deferred);
    act(one, cx, ("release", "release"), &chosen, |all| {
        shift(Fs::new(&NoHook), &chosen.side, &seen_as(all), queues)
    })
}

/// What has been on hold for so long that the next refusal returns it.
fn expired(cx: &Context, chosen: &Chosen) -> Option<String> {
    let parameters = chosen.instance.parameters();
    let lifetimes = Lifetimes::of(parameters);
    let is_over = |message: &&Message| lifetimes.expiry(&message.file) <= cx.now();
    let mut by: HashMap<&str, usize> = HashMap::new();
    for message in chosen.messages.iter().filter(is_over) {
        let is_null = message.sender.address().is_empty();
        let name = match is_null {
            true => "bounce_queue_lifetime",
            false => "maximal_queue_lifetime",
        };
        *by.entry(name).or_default() += 1;
    }
    let count: usize = by.values().sum();
    let mut names: Vec<String> = by
        .keys()
        .map(|name| format!("{name} = {}", parameters.get(name)))
        .collect();
    names.sort();
    (count > 0).then(|| {
        format!(
            "{count} of the messages {} older than the queue lifetime ({}): the next refusal returns {them} to the \
             sender; release --fresh requeues {them}, so that the lifetime starts again",
            either(count, "is", "are"),
            names.join(", "),
            them = either(count, "it", "them")
        )
    })
}

pub(crate) fn clean(one: &One, cx: &Context) -> anyhow::Result<Outcome> {
    let (instance, side) = spool(one, cx)?;
    let selector = one.selectors.selector(cx, &[])?;
    let wanted = |id: &QueueId| selector.ids.as_ref().is_none_or(|ids| ids.contains(id));
    let found = orphans(&side, &wanted);
    let mut ids = found.map_err(|e| Failure::io("cannot read", &side.queue_directory, e))?;
    ids.truncate(one.selectors.limit.unwrap_or(usize::MAX));
    let what = format!(
        "remove {} without a message of {}",
        postfix::count(ids.len(), "defer log"),
        side.instance
    );
    let chosen = Chosen {
        instance,
        side,
        messages: Vec::new(),
        skipped: Vec::new(),
        leaves_moves: None,
        notes: Vec::new(),
        unread: Vec::new(),
    };
    carry_out(one, cx, ("clean", &what), &chosen, &ids, |ids| {
        clean_logs(Fs::new(&NoHook), &chosen.side, ids).map_err(|e| chosen.failure(e).into())
    })
}

/// Shows what is meant, asks, and does it: `work` has a result for each message that it is given. `verbs`: the command,
/// and what it does, in a word.
pub(crate) fn act(
    one: &One,
    cx: &Context,
    (verb, does): (&'static str, &str),
    chosen: &Chosen,
    work: impl FnOnce(&[&Message]) -> std::io::Result<Vec<ItemResult>>,
) -> anyhow::Result<Outcome> {
    let ids = chosen.ids();
    let what = format!(
        "{does} {} of {}",
        postfix::count(ids.len(), "message"),
        chosen.side.instance
    );
    carry_out(one, cx, (verb, &what), chosen, &ids, |_| {
        let left = chosen.left_now(cx)?;
        let both = chosen.messages.iter().zip(&left);
        let free: Vec<&Message> = both
            .filter_map(|(one, left)| left.is_none().then_some(one))
            .collect();
        let done = match free.is_empty() {
            true => Vec::new(),
            false => work(&free).map_err(|e| chosen.failure(e))?,
        };
        let mut done = done.into_iter();
        let results = left
            .into_iter()
            .map(|left| left.map(ItemResult::Skipped).or_else(|| done.next()));
        Ok(results.flatten().collect())
    })
}

fn carry_out(
    one: &One,
    cx: &Context,
    (verb, what): (&'static str, &str),
    chosen: &Chosen,
    ids: &[QueueId],
    work: impl FnOnce(&[QueueId]) -> anyhow::Result<Vec<ItemResult>>,
) -> anyhow::Result<Outcome> {
    let side = &chosen.side;
    if !ids.is_empty() {
        chosen.notes.iter().for_each(|note| cx.warn(note));
    }
    if one.manner.dry_run || ids.is_empty() {
        return show(
            one,
            cx,
            verb,
            chosen,
            ids.iter().zip(std::iter::repeat(None)),
        );
    }
    one.manner.confirm(cx, &format!("{what}?"))?;
    let locks = setup::lock(cx, &[(side, true)])?;
    let outcomes = work(ids)?;
    drop(locks);
    let now = cx.now();
    let count = outcomes.iter().filter(|o| **o == ItemResult::Done).count();
    let text = format!(
        "{verb} {}: {count} of {}, by {}",
        side.instance,
        ids.len(),
        cli::person::user()
    );
    Syslog::open(cx).say(now, &text);
    show(
        one,
        cx,
        verb,
        chosen,
        ids.iter().zip(outcomes.into_iter().map(Some)),
    )
}

/// What came of these messages, and which others were left alone.
fn show<'m>(
    one: &One,
    cx: &Context,
    verb: &'static str,
    chosen: &'m Chosen,
    ends: impl Iterator<Item = (&'m QueueId, Option<ItemResult>)>,
) -> anyhow::Result<Outcome> {
    let left = chosen.skipped.iter();
    let left = left.map(|(id, why)| (id, Some(ItemResult::Skipped(why.clone()))));
    let messages = ends.chain(left).map(|(id, end)| Shown::of(id, verb, end));
    let (dry_run, messages) = (one.manner.dry_run, messages.collect());
    let instance = &chosen.side.instance;
    let result = RunResult::of_instance(verb, instance, dry_run, messages, &chosen.unread);
    cx.print(shown(cx, one.format, &result).as_bytes())?;
    let all = dry_run || result.is_all_done();
    Ok(if all { Outcome::Done } else { Outcome::Partial })
}
