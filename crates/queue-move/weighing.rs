//! What TO's attempts at a message say of those that are to follow it.

use std::collections::HashSet;

use knowledge::providers::domain_of;
use knowledge::reasons::{Class, Reasons};
use postfix::log::Status;
use transfer::Intent;
use transfer::verify::{Attempt, Follower};

/// How TO's attempts at a message ended, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// All recipients were served.
    Sent,
    /// Some were deferred, none was bounced.
    Deferred,
    /// Some were bounced.
    Bounced,
}

/// What TO's attempts at a message say.
#[derive(Debug)]
pub(crate) struct Weighed {
    pub(crate) came: Came,
    /// Why the others are not to follow.
    pub(crate) against: Vec<String>,
    /// What is to be known, though they may follow.
    pub(crate) notes: Vec<String>,
    /// Was TO refused for its own sake, not for that of the message or its recipients?
    pub(crate) is_of_address: bool,
    /// Was it only asked to come again (greylisting)?
    pub(crate) is_greylisted: bool,
}

/// How many deliveries a message needs: one that is twice among its recipients gets it once.
pub(crate) fn recipients(message: &Intent) -> usize {
    let all = message.recipients.iter();
    all.map(|rcpt| &rcpt.address).collect::<HashSet<_>>().len()
}

/// Has TO tried all recipients of the message that was in its maildrop under `name`, or is it done with it?
pub(crate) fn is_tried(follower: &Follower, message: &Intent, name: &str) -> bool {
    follower.is_removed(name) || follower.attempts(name).len() >= recipients(message)
}

/// Does TO's log say that all its recipients were served?
pub(crate) fn is_served(follower: &Follower, message: &Intent, name: &str) -> bool {
    let attempts = follower.attempts(name);
    attempts.len() >= recipients(message)
        && attempts
            .iter()
            .all(|attempt| attempt.status == Status::Sent)
}

/// Weighs the attempts at one message.
pub(crate) fn weigh(reasons: &Reasons, message: &Intent, attempts: &[Attempt]) -> Weighed {
    let class = |reply: &str, dsn: Option<&str>, address: &str| {
        let dsn = dsn.map(str::as_bytes);
        let of = domain_of(address.as_bytes());
        reasons.classify(reply.as_bytes(), dsn, of).class
    };
    let was: HashSet<Class> = message
        .recipients
        .iter()
        .filter_map(|rcpt| {
            let reason = rcpt.reason.as_deref()?;
            Some(class(reason, rcpt.dsn.as_deref(), &rcpt.address))
        })
        .collect();
    let now = |attempt: &Attempt| class(&attempt.reply, attempt.dsn.as_deref(), &attempt.recipient);
    let with = |wanted: Status| attempts.iter().filter(move |one| one.status == wanted);
    let is_of_address =
        |attempt: &Attempt| matches!(now(attempt), Class::Blocked | Class::RateLimited);
    let mut weighed = Weighed {
        came: Came::Sent,
        against: Vec::new(),
        notes: Vec::new(),
        is_of_address: with(Status::Deferred)
            .chain(with(Status::Bounced))
            .any(is_of_address),
        is_greylisted: with(Status::Deferred).all(|one| now(one) == Class::Greylisted),
    };
    if let Some(attempt) = with(Status::Bounced).next() {
        weighed.came = Came::Bounced;
        weighed.is_greylisted = false;
        weighed.against.push(format!(
            "{} was returned to its sender: {}",
            attempt.recipient, attempt.reply
        ));
        return weighed;
    }
    for attempt in with(Status::Deferred) {
        weighed.came = Came::Deferred;
        let now = now(attempt);
        let what = format!("{} was deferred: {}", attempt.recipient, attempt.reply);
        if was.contains(&now) {
            weighed.against.push(format!("{what} (as before: {now})"));
        } else if is_of_address(attempt) {
            weighed.against.push(format!("{what} ({now})"));
        } else {
            weighed.notes.push(format!(
                "{what} ({now}, which is not what it was deferred for before)"
            ));
        }
    }
    weighed
}
