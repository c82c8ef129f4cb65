//! After the end of a pause: until Postfix no longer refuses its mail, which is asked of it, and not known by the
//! clock.

use std::time::{Duration, Instant};

use cli::Context;
use host::machine::{self, Process};
use host::programs::Program;
use host::rewrite::Rewrite;
use limits::{Hold, JournalEntry, Limit, Pause, Standing};
use postfix::config::{Host, Instance};
use postfix::{Parsed, Span, Time};

use crate::desk::{self, Clock, Desk};
use crate::mapped::{self, MappedInstance};
use crate::probe::{self, RcptAnswer, Sent};
use crate::processes::{self, changed, is_after};
use crate::recipients;
use crate::reload;
use crate::waiting::{ASKED, PATIENCE, PauseProbe, RELOAD, REMEMBERS, ROUND};

/// Later than this, a pause is ended in the second run after its end: the one before was killed, or could not do it.
/// There is no more time to wait until trivial-rewrite looks by itself.
const LATE: Span = Span::from_seconds(60);

/// Sees to what comes after the end of a limit whose map is in order, and closes it; or why it is not seen to be over.
pub(crate) fn closed(
    cx: &Context,
    clock: &Clock,
    host: &Parsed<Host>,
    one: &Standing,
    (flush, written): (bool, Instant),
) -> anyhow::Result<Result<String, String>> {
    let limit = &one.limit;
    let how = one
        .ended
        .as_ref()
        .map_or("ended", |(_, how, _)| how.as_str());
    let instance = mapped::of_directory(&host.value, &limit.config_directory);
    let journal = desk::look(cx)?.value;
    let line = match &limit.hold {
        Hold::Rate(rate) => format!(
            "{}: {how}: no longer slowed down to {}",
            limit.id, rate.text
        ),
        Hold::Pause(pause) => {
            let others = journal.overlapping(limit, clock.now());
            let others: Vec<&Standing> = others.collect();
            let wait = time_for_postfix(one, clock.now());
            let end = instance.map(|one| over(cx, one, pause, (&others, written, wait)));
            if let Some(End::NotSeen(why)) = end {
                return Ok(Err(format!("{}: {how}, but {why}", limit.id)));
            }
            let mut line = format!("{}: {how}{}", limit.id, mail_then(pause, &others));
            if let Some(End::Lingers(why)) = end {
                line.push_str("; for a while perhaps not for recipients that an smtpd remembers");
                cx.warn(why);
            }
            match instance.filter(|_| flush || pause.flush) {
                Some(instance) => line.push_str(flushed(cx, instance)),
                None => line.push_str(&format!(
                    "; to try waiting mail now: {}",
                    flush_command(limit)
                )),
            }
            line
        }
    };
    Desk::open(cx, clock)?.write(vec![JournalEntry::Closed {
        id: limit.id.clone(),
    }])?;
    Ok(Ok(line))
}

/// Is mail no longer refused for a pause that stands in no map any more? What `others` hold is not asked about.
fn over(
    cx: &Context,
    instance: &Instance,
    pause: &Pause,
    (others, written, wait): (&[&Standing], Instant, Duration),
) -> End {
    let is_held = |key: &String| {
        let mut pauses = others.iter().filter_map(|one| one.limit.pause());
        pauses.any(|other| other.scope.covers(key))
    };
    let mut keys = pause.scope.keys();
    keys.retain(|key| !is_held(key));
    if keys.is_empty() {
        return End::Seen;
    }
    let mapped = MappedInstance::of(cx, instance);
    // Recipients of aliases may lead to what others hold.
    let reach = mapped.as_ref().filter(|_| others.is_empty());
    let reach = reach.map(|mapped| recipients::reach(cx, mapped, &pause.scope).refused);
    let asked = PauseProbe {
        keys: &keys,
        recipients: &reach.unwrap_or_default(),
        text: &pause.text,
    };
    until_lifted(cx, (instance, mapped.as_ref()), asked, (written, wait))
}

/// Tries waiting mail at once.
fn flushed(cx: &Context, instance: &Instance) -> &'static str {
    match Program::new(cx.root(), instance, "postqueue").run(&["-f"]) {
        Ok(_) => "; waiting mail is tried now",
        Err(why) => {
            cx.warn(format!(
                "{}: cannot flush the queue: {why}",
                instance.name()
            ));
            ""
        }
    }
}

fn flush_command(limit: &Limit) -> String {
    let directory = limit.config_directory.to_string_lossy();
    format!("postqueue -c {} -f", legible::shell::quoted(&directory))
}

/// What Postfix does of a pause that was taken out of the maps.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// It does not refuse the mail for the pause's sake any more, or does not run.
    Seen,
    /// The same, but smtpds are left that may for a while refuse recipients that they know, since Postfix was not
    /// reloaded: why.
    Lingers(String),
    /// It still does, or that is not known: why.
    NotSeen(String),
}

/// How long Postfix has to notice the end by itself, before it is reloaded: not at all where it had its time already.
fn time_for_postfix(one: &Standing, now: Time) -> Duration {
    let ends = [one.ended.as_ref().map(|(at, ..)| *at), one.limit.until];
    let end = ends.into_iter().flatten().min();
    match end.is_some_and(|end| now.since(end) > LATE) {
        true => Duration::ZERO,
        false => RELOAD,
    }
}

/// What becomes of a pause's mail when it is over, and `others` hold.
fn mail_then(pause: &Pause, others: &[&Standing]) -> String {
    match others.first() {
        Some(other) => format!("; some of its mail is still paused: {}", other.limit.id),
        None => format!(
            ": mail is taken again, {}",
            pause.scope.whose(pause.provider.as_deref())
        ),
    }
}

/// Waits until mail is no longer refused for a pause that is over, for [`PATIENCE`] from `begun` on at most. Where it
/// is after `wait`, or smtpds are left then that may remember the pause, Postfix is reloaded.
fn until_lifted(
    cx: &Context,
    (instance, mapped): (&Instance, Option<&MappedInstance<'_>>),
    asked: PauseProbe<'_>,
    (begun, wait): (Instant, Duration),
) -> End {
    let old = match processes::all(cx, instance) {
        Ok(None) => return End::Seen,
        Ok(Some(processes)) => processes,
        Err(why) => return End::NotSeen(why),
    };
    let changed = mapped.map(changed).transpose().ok().flatten();
    let is_left = |name: &str, seconds: u64| {
        let now = processes::all(cx, instance).ok().flatten();
        let mut old = old.iter();
        old.any(|one| {
            is_old(one, name, (changed, seconds))
                && now.as_ref().is_none_or(|now| now.contains(one))
        })
    };
    let reloaded = match no_longer_refused(cx, instance, asked, (begun, wait), is_left) {
        Ok(reloaded) => reloaded,
        Err(why) => return End::NotSeen(why),
    };
    if !is_left("smtpd", REMEMBERS) {
        return End::Seen;
    }
    let reloaded = reloaded.unwrap_or_else(|| reload::safely(cx, instance));
    reloaded.map_or_else(End::Lingers, |()| End::Seen)
}

/// Is it a process of that name that may have been there until so many seconds after the map `changed`? Without a map
/// that is known, all may have been.
fn is_old(process: &Process, name: &str, (changed, seconds): (Option<Time>, u64)) -> bool {
    let is_new = |changed| is_after(machine::started(process), changed, seconds);
    process.name == name && !changed.is_some_and(is_new)
}

/// Asks until the mail is taken again and no old trivial-rewrite is left: what came of the reload, if one was needed
/// for that. Or why it is not so.
fn no_longer_refused(
    cx: &Context,
    instance: &Instance,
    asked: PauseProbe<'_>,
    (begun, wait): (Instant, Duration),
    is_left: impl Fn(&str, u64) -> bool,
) -> Result<Option<Result<(), String>>, String> {
    let mut client = Rewrite::new(instance);
    let progress = cx.progress_items("waiting for Postfix", None);
    let mut turn = 0;
    // After the time for it: done, or why not.
    let mut reloaded: Option<Result<(), String>> = None;
    loop {
        turn += 1;
        let why = match still_refused(cx, instance, &mut client, (asked, turn)) {
            None if !is_left("trivial-rewrite", 1) => return Ok(reloaded),
            None => {
                "a trivial-rewrite that is older than the end of the pause still runs".to_owned()
            }
            Some(why) => why,
        };
        let passed = begun.elapsed();
        if passed > PATIENCE {
            let why_not = reloaded.and_then(Result::err);
            let why_not = why_not.map(|why| format!("; {why}"));
            return Err(why + &why_not.unwrap_or_default());
        }
        if passed >= wait && reloaded.is_none() {
            reloaded = Some(reload::safely(cx, instance));
        }
        progress.advance(1);
        std::thread::sleep(ROUND);
    }
}

/// Does Postfix still refuse the mail with this answer, or is that not known? What it says.
fn still_refused(
    cx: &Context,
    instance: &Instance,
    client: &mut Rewrite,
    (asked, turn): (PauseProbe<'_>, u32),
) -> Option<String> {
    let mut addresses = probe::addresses(asked.keys, turn);
    for address in &addresses {
        match probe::resolve(client, std::slice::from_ref(address), asked.text) {
            Sent::Elsewhere(..) => {}
            Sent::Kept => return Some(format!("mail for {address} is still kept")),
            Sent::Unknown(why) => return Some(why),
        }
    }
    addresses.truncate(ASKED);
    addresses.extend(asked.recipients.iter().take(ASKED).cloned());
    for server in probe::listeners(cx, instance) {
        for address in &addresses {
            // It may refuse it for a reason that is none of ours, or not answer.
            if let RcptAnswer::Refused(reply) = probe::ask(server, address, asked.text) {
                return Some(format!(
                    "smtpd at {server} still refuses {address}: {reply}"
                ));
            }
        }
    }
    None
}
