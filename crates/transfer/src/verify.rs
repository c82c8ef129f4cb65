//! What became of the mail after it was handed over: TO's maildrop drains, and TO's log shows the new queue ids.
//!
//! pickup(8) logs `NEWID: uid=… from=<…> orig_id=OLDID` for mail that was requeued, and the queue manager logs
//! `NEWID: from=<…>` once the message is its own (pickup.c, qmgr_message.c).

use std::collections::{HashMap, HashSet};
use std::io;

use postfix::log::{
    self, Action, Bookmark, Event, Filtered, LogPlace, Options, Sink, Status, Wanted,
};
use postfix::queue::Queue;
use postfix::{Problem, Time, Zone};

use crate::journal::{LogMark, Side};

mod still;

pub use still::Still;

/// TO's log, and how far it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    place: LogPlace,
    known: Bookmark,
    /// That of the host: times of lines may say none.
    zone: Zone,
}

impl Log {
    /// The log at this place from now on; `None`, where it cannot be said where it ends. `zone`: the host's.
    pub fn at(place: LogPlace, now: Time, zone: Zone) -> Option<Self> {
        let known = place.at_end(now).ok()?;
        Some(Self { place, known, zone })
    }

    /// The log behind a mark; `None`, if that is one of an older version, by which no place is found again.
    pub fn behind(mark: &LogMark, zone: Zone) -> Option<Self> {
        Some(Self {
            place: LogPlace::File(mark.path.clone()),
            known: mark.known()?,
            zone,
        })
    }

    /// The mark of a file.
    pub fn mark(&self) -> Option<LogMark> {
        match &self.place {
            LogPlace::File(path) => Some(LogMark::new(path, &self.known)),
            LogPlace::Journal(_) => None,
        }
    }
}

/// A delivery attempt of TO's, as logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// To whom.
    pub recipient: String,
    /// How it ended.
    pub status: Status,
    /// The enhanced status code.
    pub dsn: Option<String>,
    /// The server's reply, or what Postfix says itself.
    pub reply: String,
}

/// That TO's cleanup(8) stopped a message on its way from maildrop to the queue manager, as logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Thrown away, refused (returned to the sender), or put on hold.
    pub action: Action,
    /// The text of the rule.
    pub reason: String,
}

/// Follows TO's log.
#[derive(Debug)]
pub struct Follower {
    log: Log,
    /// The instance's syslog name.
    tag: Vec<u8>,
    /// Those of the host's other instances.
    others: HashSet<Vec<u8>>,
    found: Requeued,
}

/// What a log says of requeued mail of one instance.
#[derive(Debug, Default)]
struct Requeued {
    /// By the name in maildrop: the new queue ids, in the order of the log.
    new_ids: HashMap<String, Vec<String>>,
    /// New queue ids that TO's queue manager has taken over.
    accepted: HashSet<String>,
    /// New queue ids that are done with.
    removed: HashSet<String>,
    /// By the new queue id: what cleanup did not let through.
    stopped: HashMap<String, Stopped>,
    /// By the new queue id: the attempts, in the order of the log.
    attempts: HashMap<String, Vec<Attempt>>,
}

/// What is new in the log.
struct New<'a> {
    tag: &'a [u8],
    others: &'a HashSet<Vec<u8>>,
    before: &'a Requeued,
    found: Requeued,
}

impl Sink for New<'_> {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Requeued {
                tag,
                queue_id,
                orig_id,
            } if *tag == self.tag => {
                let ids = self.found.new_ids.entry(text(orig_id)).or_default();
                ids.push(text(queue_id));
                self.found.attempts.entry(text(queue_id)).or_default();
            }
            Event::Sender { tag, queue_id, .. }
            | Event::Expired(log::Expired { tag, queue_id, .. })
                if *tag == self.tag =>
            {
                self.found.accepted.insert(text(queue_id));
            }
            // It had been there.
            Event::Removed { tag, queue_id, .. } if *tag == self.tag => {
                self.found.accepted.insert(text(queue_id));
                self.found.removed.insert(text(queue_id));
            }
            Event::Filtered(Filtered::Stop(stop)) if stop.whole && stop.tag == self.tag => {
                let stopped = Stopped {
                    action: stop.kind.action(),
                    reason: text(stop.reason),
                };
                let id = stop.queue_id.map(text);
                self.found.stopped.extend(id.map(|id| (id, stopped)));
            }
            // A transport may have a syslog_name of its own: Debian's master.cf gives relay one.
            Event::Delivery(delivery) if !self.others.contains(delivery.tag) => {
                let id = text(delivery.queue_id);
                if self.before.attempts.contains_key(&id) || self.found.attempts.contains_key(&id) {
                    let attempts = self.found.attempts.entry(id).or_default();
                    attempts.push(Attempt {
                        recipient: text(delivery.recipient),
                        status: delivery.status,
                        dsn: delivery.dsn.map(text),
                        reply: text(delivery.reply),
                    });
                }
            }
            _ => {}
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Requeued {
    /// Takes in what came later.
    fn join(&mut self, later: Self) {
        for (name, ids) in later.new_ids {
            self.new_ids.entry(name).or_default().extend(ids);
        }
        self.accepted.extend(later.accepted);
        self.removed.extend(later.removed);
        self.stopped.extend(later.stopped);
        for (id, attempts) in later.attempts {
            let known = self.attempts.entry(id).or_default();
            for attempt in attempts {
                add(known, attempt);
            }
        }
    }
}

/// The last attempt at a recipient counts, but what was returned is not served later: only a line that somebody else
/// wrote can say so.
fn add(known: &mut Vec<Attempt>, attempt: Attempt) {
    let is_of_it = |earlier: &Attempt| earlier.recipient == attempt.recipient;
    if known
        .iter()
        .any(|earlier| is_of_it(earlier) && earlier.status == Status::Bounced)
    {
        return;
    }
    known.retain(|earlier| !is_of_it(earlier));
    known.push(attempt);
}

impl Follower {
    /// Of the log of an instance. `tags`: the syslog names of all instances of the host; what another one delivers is
    /// none of this one's.
    pub fn new(log: Log, side: &Side, tags: impl IntoIterator<Item = String>) -> Self {
        let tag = side.syslog_name.clone().into_bytes();
        let tags = tags.into_iter().map(String::into_bytes);
        Self {
            log,
            others: tags.filter(|other| *other != tag).collect(),
            tag,
            found: Requeued::default(),
        }
    }

    /// Reads what has been logged since the last time, through rotation, compression and truncation.
    ///
    /// # Errors
    /// A log cannot be read, or what was in it is lost. What could be read counts.
    pub fn read(&mut self) -> io::Result<()> {
        let known = &self.log.known;
        let options = Options {
            zone: self.log.zone,
            now: known.seen.unwrap_or(Time::EPOCH),
            window: None,
            wanted: Wanted {
                expired: true,
                senders: true,
                requeued: true,
                filtered: true,
                ..Wanted::default()
            },
            threads: 1,
            progress: &|_| {},
        };
        let empty = || New {
            tag: &self.tag,
            others: &self.others,
            before: &self.found,
            found: Requeued::default(),
        };
        let followed = self.log.place.follow(known, &options, empty);
        let failed = |problem: Problem| io::Error::other(problem.to_string());
        let (followed, new) = followed.map_err(failed)?;
        let new = new.found;
        self.found.join(new);
        self.log.known = followed.known;
        let problems = followed.readings.into_iter().flat_map(|r| r.problems);
        match followed.gap.into_iter().chain(problems).next() {
            Some(problem) => Err(failed(problem)),
            None => Ok(()),
        }
    }

    /// The last attempt at each recipient of what was in maildrop under `name`. Where several new ids are logged for
    /// it, the attempts at each count: one of them is what somebody else has made up, perhaps.
    pub fn attempts(&self, name: &str) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        for new in self.new_ids(name) {
            for attempt in self.found.attempts.get(new).into_iter().flatten() {
                add(&mut attempts, attempt.clone());
            }
        }
        attempts
    }

    /// All new queue ids that are logged for what was in maildrop under `name`.
    pub fn new_ids(&self, name: &str) -> &[String] {
        self.found.new_ids.get(name).map_or(&[], Vec::as_slice)
    }

    /// Is TO done with it?
    pub fn is_removed(&self, name: &str) -> bool {
        self.new_id(name)
            .is_some_and(|new| self.found.removed.contains(new))
    }

    /// The new queue id of what was in maildrop under `name`: the last one that pickup logged.
    pub fn new_id(&self, name: &str) -> Option<&str> {
        Some(self.new_ids(name).last()?.as_str())
    }

    /// The same, if TO's queue manager has taken the message over.
    pub fn accepted(&self, name: &str) -> Option<&str> {
        let ids = self.new_ids(name);
        let taken = ids.iter().find(|id| self.found.accepted.contains(*id));
        taken.map(String::as_str)
    }

    /// What TO's cleanup did instead of letting it through to the queue manager.
    pub fn stopped(&self, name: &str) -> Option<&Stopped> {
        let mut ids = self.new_ids(name).iter();
        ids.find_map(|id| self.found.stopped.get(id))
    }
}

/// Which of the names are still in TO's maildrop.
pub fn still_there<'n>(side: &Side, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let dir = side.queue_directory.join(Queue::Maildrop.name());
    let is_there = |name: &&str| std::fs::symlink_metadata(dir.join(name)).is_ok();
    names.filter(is_there).collect()
}

#[cfg(test)]
mod tests;
