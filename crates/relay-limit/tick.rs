//! What is due is ended, and what was interrupted is finished.

use cli::{Context, Outcome};
use limits::{Ending, JournalEntry, Standing};
use postfix::Span;

use crate::args::Tick as Args;
use crate::desk::{self, Clock, Desk};
use crate::settle::{end, settle};
use crate::stale;

/// What ends so soon is waited for.
const SOON: Span = Span::from_seconds(6);

pub(crate) fn run(_: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    desk::must_be_able(cx, "relay-limit list shows what is in force")?;
    let clock = Clock::new(cx);
    let read = desk::look(cx)?;
    // Nearly always there is nothing to do, and nobody to wait for.
    if !read.value.limits.iter().any(Standing::is_open) && read.problems.is_empty() {
        let host = host::instances::discover(cx.site());
        let (strays, is_whole) = stale::instances(cx, &host.value, &read.value, clock.now());
        if strays.is_empty() {
            return Ok(match is_whole {
                true => Outcome::Done,
                false => Outcome::Partial,
            });
        }
    }
    // What is due in a moment would have to wait for the next run, and that may be killed.
    let ends = read.value.limits.iter().filter(|one| one.ended.is_none());
    let ends = ends.filter_map(|one| one.limit.until);
    let left = ends.map(|until| until.since(clock.exact()));
    let soon = left.filter(|left| (Span::from_micros(1)..=SOON).contains(left));
    if let Some(left) = soon.max() {
        std::thread::sleep(left.duration());
    }
    let mut desk = Desk::open(cx, &clock)?;
    // Under the lock: a configuration that was read before it may be an old one.
    let host = host::instances::discover(cx.site());
    let now = clock.now();
    let due = desk
        .journal
        .limits
        .iter()
        .filter(|one| one.ended.is_none() && one.is_due(now));
    let ends: Vec<JournalEntry> = due.map(|one| end(one, Ending::Due)).collect();
    if !ends.is_empty() {
        desk.write(ends)?;
    }
    let (strays, is_whole) = stale::instances(cx, &host.value, &desk.journal, now);
    let outcome = settle(cx, &clock, &host, desk, (|_| true, &strays), false)?;
    Ok(match is_whole {
        true => outcome,
        false => Outcome::Partial,
    })
}
