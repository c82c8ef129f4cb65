//! After a change of a map: until Postfix goes by it.
//!
//! trivial-rewrite looks every ten seconds whether a table was replaced, and begins anew then (Postfix
//! `src/trivial-rewrite/trivial-rewrite.c`, check_table_stats); there may be several, of which a question reaches
//! any. smtpd keeps the answer about a recipient for 30 seconds, and longer while it is asked for it
//! (`src/smtpd/smtpd_resolve.c`). So one answer is no proof: the processes that are older than the change must be gone.
//! Where smtpds stay, Postfix is reloaded, upon which each of them ends with its client; but not where main.cf or
//! master.cf was changed meanwhile, which may be half of what somebody is about to do.

use std::time::{Duration, Instant};

use cli::{Context, Interrupts};
use host::machine::{self, Process};
use host::programs::Program;
use host::rewrite::Rewrite;
use limits::Pause;
use postfix::config::Instance;
use postfix::{Span, Time};

use crate::mapped::MappedInstance;
use crate::probe::{self, RcptAnswer, Sent};
use crate::processes::{self, changed, is_after};
use crate::recipients;
use crate::reload;

/// How often Postfix is asked.
pub(crate) const ROUND: Duration = Duration::from_millis(250);
/// Up to so many seconds after a change, a trivial-rewrite may go by the old map; and an smtpd that was started until
/// then may remember what that said, for as long as it is asked for it.
pub(crate) const REMEMBERS: u64 = 12;
/// If processes are left by then that may go by the old map, Postfix is reloaded: early enough for all to end in time.
pub(crate) const RELOAD: Duration = Duration::from_secs(15);
/// So long after its order, a pause is in force, or not known to be.
pub(crate) const PATIENCE: Duration = Duration::from_secs(45);
/// How long a process is waited for that is to begin anew, on a machine that may be busy.
const RESTART: Duration = Duration::from_secs(75);
/// How often a program that does not start by itself is woken.
const WAKE: Duration = Duration::from_secs(3);
/// A pause that is not seen in force after so long has nobody who waits for it any more: longer than [`PATIENCE`].
pub(crate) const ALONE: Span = Span::from_seconds(90);
/// So long after the change, Postfix is no longer reloaded for its sake.
const ALONE_FOR: Span = Span::from_minutes(5);
/// While such are left, a pause that nobody has seen in force is not known to be.
pub(crate) const OLDER: &str = "Postfix processes that are older than the pause still serve clients, and may take mail \
    for recipients that they know";
/// As many recipients are asked about at each smtpd.
pub(crate) const ASKED: usize = 3;

/// What Postfix does of a pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Force {
    /// It holds: what was asked, and what it said.
    Holds(Vec<String>),
    /// It does not run: the pause will hold when it is started.
    NotRunning,
    /// It takes the mail in spite of the pause.
    Taken(String),
    /// That could not be found out.
    Unknown(String),
}

/// What is asked of a pause.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PauseProbe<'a> {
    /// The keys of the map.
    pub(crate) keys: &'a [String],
    /// Recipients that the access table refuses: trivial-rewrite does not know of them.
    pub(crate) recipients: &'a [String],
    /// What the answer must say.
    pub(crate) text: &'a str,
}

/// Waits until mail is refused as it should. `changed`: a map was just replaced.
pub(crate) fn until_paused(
    cx: &Context,
    instance: &Instance,
    asked: PauseProbe<'_>,
    changed: bool,
    interrupts: Option<&Interrupts>,
) -> Force {
    let begun = Instant::now();
    let old = match processes::all(cx, instance) {
        Ok(None) => return Force::NotRunning,
        Ok(Some(processes)) => processes,
        Err(why) => return Force::Unknown(why),
    };
    let progress = cx.progress_items("waiting for Postfix", None);
    let mut client = Rewrite::new(instance);
    let is_left = |name: &str, old: &[Process]| is_left(cx, instance, name, old);
    let mut turn = 0;
    // smtpds that may remember the answer of an old trivial-rewrite, once none of those is left.
    let mut remembering: Option<Vec<Process>> = None;
    // After the time for it: done, or why not.
    let mut reloaded: Option<Result<(), String>> = None;
    loop {
        turn += 1;
        let sent = probe::resolve(&mut client, &probe::addresses(asked.keys, turn), asked.text);
        let resolved = sent == Sent::Kept && (!changed || !is_left("trivial-rewrite", &old));
        if resolved
            && remembering.is_none()
            && let Ok(now) = processes::all(cx, instance)
        {
            remembering = Some(now.unwrap_or_default());
        }
        if let Some(smtpds) = &remembering
            && (!changed || !is_left("smtpd", smtpds))
        {
            return by_smtpd(cx, instance, asked, turn);
        }
        if changed && reloaded.is_none() && begun.elapsed() > RELOAD {
            reloaded = Some(reload::safely(cx, instance));
        }
        if begun.elapsed() > PATIENCE
            || interrupts.is_some_and(Interrupts::came)
            || (!changed && !resolved)
        {
            return not_seen(sent, reloaded.and_then(Result::err));
        }
        progress.advance(1);
        std::thread::sleep(ROUND);
    }
}

/// Is any of these processes of that name still there? What cannot be seen may be.
fn is_left(cx: &Context, instance: &Instance, name: &str, old: &[Process]) -> bool {
    let Ok(now) = processes::all(cx, instance) else {
        return true;
    };
    let now = now.unwrap_or_default();
    old.iter()
        .any(|process| process.name == name && now.contains(process))
}

/// A pause that was not seen to hold in time: what trivial-rewrite says last, and why Postfix was not reloaded.
fn not_seen(sent: Sent, why_not: Option<String>) -> Force {
    let with = |what: String| match &why_not {
        Some(why) => format!("{what}; {why}"),
        None => what,
    };
    match sent {
        Sent::Kept => Force::Unknown(with(OLDER.to_owned())),
        Sent::Elsewhere(address, resolved) => {
            Force::Taken(with(format!("mail for {address} goes to {resolved}")))
        }
        Sent::Unknown(why) => Force::Unknown(with(why)),
    }
}

/// When the maps of `place` were last replaced, if a process is left that may go by what they said before.
///
/// # Errors
/// That cannot be seen: why.
pub(crate) fn older_left(
    cx: &Context,
    mapped: &MappedInstance<'_>,
) -> Result<Option<Time>, String> {
    let changed = changed(mapped)?;
    let Some(all) = processes::all(cx, mapped.instance)? else {
        return Ok(None);
    };
    // Whatever was there before the master was, ended with the one before.
    let master = machine::master(cx.root(), mapped.instance).ok().flatten();
    if is_after(master.map(|master| master.since), changed, 1) {
        return Ok(None);
    }
    // A reload since then has ended all that waited for a client, and every trivial-rewrite.
    let managers = all.iter().filter(|one| one.name == "qmgr");
    let new = managers.filter(|one| is_after(machine::started(one), changed, 1));
    let reloaded = new.map(|one| one.started).max();
    let is_left = |process: &Process| {
        let seconds = match process.name.as_str() {
            "trivial-rewrite" => 1,
            "smtpd" => REMEMBERS,
            _ => return false,
        };
        reloaded.is_none_or(|reloaded| process.started < reloaded)
            && !is_after(machine::started(process), changed, seconds)
    };
    Ok(all.iter().any(is_left).then_some(changed))
}

/// Is a pause in force of which nobody has seen that it is? Asked once, and not waited for: it is not while any process
/// is left that is older than the map. Where such stay, Postfix is reloaded.
pub(crate) fn is_paused(
    cx: &Context,
    mapped: &MappedInstance<'_>,
    pause: &Pause,
    now: Time,
) -> bool {
    let instance = mapped.instance;
    match older_left(cx, mapped) {
        Ok(None) => {}
        Ok(Some(changed)) => {
            // A client that never ends would have it done every minute.
            if (ALONE..ALONE_FOR).contains(&now.since(changed))
                && let Err(why) = reload::safely(cx, instance)
            {
                cx.warn(why);
            }
            return false;
        }
        Err(_) => return false,
    }
    // Another pause of the same mail that lasts longer has its own text.
    let mut client = Rewrite::new(instance);
    let keys = pause.scope.keys();
    let asked = PauseProbe {
        keys: &keys,
        recipients: &recipients::reach(cx, mapped, &pause.scope).refused,
        text: limits::map::MARK,
    };
    probe::resolve(&mut client, &probe::addresses(&keys, 0), asked.text) == Sent::Kept
        && matches!(by_smtpd(cx, instance, asked, 0), Force::Holds(_))
}

/// trivial-rewrite says what it should; does smtpd refuse the mail, too? Only then does it hold. Where a server at
/// which the instance takes mail refuses the probe for another reason, or does not answer, it is not known what it
/// does of the mail of others.
pub(crate) fn by_smtpd(
    cx: &Context,
    instance: &Instance,
    PauseProbe {
        keys,
        recipients,
        text,
    }: PauseProbe<'_>,
    turn: u32,
) -> Force {
    let mut asked = vec!["trivial-rewrite: retry".to_owned()];
    let mut silent = Vec::new();
    let mut addresses = probe::addresses(keys, turn);
    addresses.truncate(ASKED);
    let more = recipients.get(..ASKED).unwrap_or(recipients);
    addresses.extend(probe::addresses(more, turn));
    for server in probe::listeners(cx, instance) {
        for (n, address) in addresses.iter().enumerate() {
            match probe::ask(server, address, text) {
                RcptAnswer::Refused(reply) if n == 0 => {
                    asked.push(format!("smtpd at {server}: {reply}"));
                }
                RcptAnswer::Refused(_) => {}
                RcptAnswer::Taken(reply) => {
                    return Force::Taken(format!(
                        "smtpd at {server} takes mail for {address}: {reply}"
                    ));
                }
                RcptAnswer::Other(reply) => {
                    silent.push(format!(
                        "smtpd at {server} cannot be asked whether it refuses mail for {address}: {reply}"
                    ));
                    break;
                }
            }
        }
    }
    if asked.len() == 1 && silent.is_empty() {
        silent.push("no smtpd was found to be asked: see inet_interfaces and master.cf".to_owned());
    }
    match silent.is_empty() {
        true => Force::Holds(asked),
        false => Force::Unknown(silent.join("; ")),
    }
}

/// Waits until the instance runs `program` anew, after a reload: one that is none of `old`.
pub(crate) fn until_restarted(
    cx: &Context,
    instance: &Instance,
    program: &str,
    old: &[Process],
) -> Force {
    let begun = Instant::now();
    let mut woken = begun;
    loop {
        match processes::all(cx, instance) {
            Ok(None) => return Force::NotRunning,
            Err(why) => return Force::Unknown(why),
            Ok(Some(now)) => {
                let mut own = now.iter().filter(|process| process.name == program);
                if own.clone().next().is_some() && own.all(|process| !old.contains(process)) {
                    return Force::Holds(vec![format!("{program} was started anew")]);
                }
            }
        }
        if begun.elapsed() > RESTART {
            return Force::Unknown(format!("no new {program} was seen"));
        }
        // The old one may have read the request that was to start a new one, and the master's next is minutes away.
        if woken.elapsed() > WAKE {
            woken = Instant::now();
            let wake = Program::new(cx.root(), instance, "postkick");
            // Where nobody listens yet, it is done again.
            drop(wake.run(&["public", program, "W"]));
        }
        std::thread::sleep(ROUND);
    }
}
