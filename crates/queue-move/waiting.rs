//! After a move: TO's maildrop drains, and TO's log tells the new queue ids.

use std::collections::HashSet;
use std::time::Duration;

use cli::Context;
use transfer::verify::{Follower, still_there};
use transfer::{LogMark, Side, Watch as _};

use crate::output::Shown;
use crate::watch::Told;

/// How often it is looked.
const ROUND: Duration = Duration::from_millis(200);
/// Without any progress for so long, nobody takes the mail.
const PATIENCE: u32 = 150;
/// Log lines come a moment after what they tell of: rounds after the last file is gone.
const LOG_ROUNDS: u32 = 25;

pub(crate) struct Wait<'a> {
    pub(crate) to: &'a Side,
    pub(crate) log: Option<LogMark>,
    pub(crate) waits: bool,
    /// Some may have been taken long ago.
    pub(crate) rate_limited: bool,
}

/// Waits until TO's pickup has taken all, or nothing moves any more; fills in the new queue ids.
pub(crate) fn verify(cx: &Context, wait: &Wait<'_>, shown: &mut Shown, told: &Told<'_>) {
    let names: Vec<String> = shown.moved_names();
    if names.is_empty() || !wait.waits {
        return;
    }
    let mut follower = wait.log.clone().map(|mark| Follower::new(mark, wait.to));
    let progress = cx.progress_items("waiting for pickup", Some(names.len() as u64));
    let mut left: HashSet<&str> = names.iter().map(String::as_str).collect();
    let mut quiet = 0;
    let mut rounds_after = 0;
    let mut unread = false;
    while !told.interrupted() {
        let before = left.len();
        left = still_there(wait.to, left.into_iter()).into_iter().collect();
        progress.set((names.len() - left.len()) as u64);
        if let Some(follower) = &mut follower {
            unread = follower.read().is_err();
        }
        if left.is_empty() {
            let known = follower
                .as_ref()
                .is_none_or(|f| names.iter().all(|name| f.new_id(name).is_some()));
            if known || rounds_after >= LOG_ROUNDS {
                break;
            }
            rounds_after += 1;
        } else if left.len() == before {
            quiet += 1;
            if quiet >= PATIENCE {
                break;
            }
            if quiet % 25 == 0 {
                told.delivered();
            }
        } else {
            quiet = 0;
        }
        told.pause(ROUND);
    }
    drop(progress);
    if let Some(follower) = &follower {
        shown.set_new_ids(|name| follower.new_id(name).map(str::to_owned));
    }
    tell(
        wait,
        shown,
        &names,
        left.len(),
        follower.is_none() || unread,
    );
}

fn tell(wait: &Wait<'_>, shown: &mut Shown, names: &[String], left: usize, no_log: bool) {
    let instance = &wait.to.instance;
    if left > 0 {
        shown.unverified = true;
        shown.notes.push(format!(
            "{left} messages are still in {instance}'s maildrop; its pickup takes them when it can (mailq-distribution shows them)"
        ));
    }
    let known = shown.new_id_count();
    if no_log {
        shown.notes.push(format!(
            "{instance}'s log cannot be read: the new queue ids are not known"
        ));
    } else if known + left < names.len() && !wait.rate_limited {
        shown.unverified = true;
        let unknown = names.len() - left - known;
        shown.notes.push(format!(
            "{unknown} messages have left {instance}'s maildrop, but its log does not tell their new queue ids"
        ));
    }
}
