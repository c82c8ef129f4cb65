//! ^C, and the like: SIGINT, SIGTERM, SIGHUP.
//!
//! They end a tool as they end any program, but for two things: a tool may ask to be notified instead ([`Interrupts`]),
//! and the temporary file of `--output` does not stay behind.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use guarded::{Draft, Leftover};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

/// Has a signal come?
static COME: AtomicBool = AtomicBool::new(false);
/// Does the tool handle signals itself, so that they must not end it?
static NOTIFIED: AtomicBool = AtomicBool::new(false);
/// The temporary files that are not to stay behind.
static LEFTOVERS: Mutex<Vec<Leftover>> = Mutex::new(Vec::new());
static WATCHER: Once = Once::new();

/// Signals that no longer end the tool: it asks between one piece of work and the next. The second one ends it at once.
#[derive(Debug)]
pub struct Interrupts(());

impl Interrupts {
    /// From now on, the first SIGINT, SIGTERM or SIGHUP only sets a mark.
    pub(crate) fn catch() -> io::Result<Self> {
        NOTIFIED.store(true, Ordering::SeqCst);
        for signal in wanted() {
            // In this order: what the second signal does is decided before the first has set the mark.
            flag::register_conditional_default(signal, &COME)?;
            flag::register(signal, &COME)?;
        }
        Ok(Self(()))
    }

    /// Has one come? Then finish what is in hand, say how to go on later, and end.
    pub fn came(&self) -> bool {
        COME.load(Ordering::SeqCst)
    }
}

/// The signals, except those that the tool was started with ignored: nohup(1), a shell's background jobs.
fn wanted() -> impl Iterator<Item = i32> {
    let status = guarded::read_text(Path::new("/proc/self/status"), 1 << 20).unwrap_or_default();
    let ignored = ignored(&status);
    [SIGINT, SIGTERM, SIGHUP]
        .into_iter()
        .filter(move |signal| ignored & (1 << (signal - 1)) == 0)
}

/// `SigIgn:` of proc_pid_status(5): a bit a signal.
fn ignored(status: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

/// Removes the temporary file of a draft should a signal end the tool before this is dropped.
#[derive(Debug)]
pub(crate) struct Remover(Option<Leftover>);

impl Remover {
    pub(crate) fn new(draft: &Draft) -> Self {
        let leftover = draft.leftover();
        leftovers().extend(leftover.clone());
        WATCHER.call_once(watch);
        Self(leftover)
    }
}

impl Drop for Remover {
    fn drop(&mut self) {
        leftovers().retain(|leftover| Some(leftover) != self.0.as_ref());
    }
}

fn leftovers() -> MutexGuard<'static, Vec<Leftover>> {
    LEFTOVERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread that waits for signals. Where that cannot be had, signals end the tool as they always do.
fn watch() {
    let Ok(mut signals) = Signals::new(wanted()) else {
        return;
    };
    let wait = move || {
        for signal in signals.forever() {
            if NOTIFIED.load(Ordering::SeqCst) {
                continue;
            }
            let leftovers = leftovers();
            leftovers.iter().for_each(Leftover::remove);
            drop(low_level::emulate_default_handler(signal));
        }
    };
    drop(guarded::threads::thread().spawn(wait));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_known() {
        let check = |status: &str, expected: u64| assert_eq!(ignored(status), expected);
        // nohup: SIGHUP is 1. A background job of sh: SIGINT (2) and SIGQUIT (3).
        check("Name:\tx\nSigIgn:\t0000000000000001\n", 0b1);
        check("SigBlk:\t00ff\nSigIgn:\t0000000000001006\n", 0x1006);
        check("", 0);
    }
}
