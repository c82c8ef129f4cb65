//! Which messages wait in TO's queues: what no line of a log can make up.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use postfix::queue::{Detail, Queue, QueueId, ScanError, ScanOptions, Spool};

use super::{Follower, still_there};
use crate::journal::{Intent, Side};

/// Where a message is that is not done with, in the order in which it gets there. One that is tried again leaves the
/// deferred queue for the active one.
const QUEUES: [Queue; 5] = [
    Queue::Incoming,
    Queue::Active,
    Queue::Deferred,
    Queue::Active,
    Queue::Hold,
];

/// Looks for messages in TO's queues.
#[derive(Debug)]
pub struct Still<'a> {
    side: &'a Side,
    spool: Spool,
    /// By the number of a message: the queue id under which it was found.
    found: HashMap<u32, QueueId>,
}

impl<'a> Still<'a> {
    /// In the queues of this instance.
    pub fn new(side: &'a Side) -> Self {
        Self {
            side,
            spool: side.spool(),
            found: HashMap::new(),
        }
    }

    /// Which of these messages, with their names in TO's maildrop, are in a queue of TO's: those that are there by a
    /// queue id that is known or logged; where there is none, all files are asked whether they are one of them.
    ///
    /// # Errors
    /// A queue cannot be read: nothing is known.
    pub fn waiting(
        &mut self,
        follower: &Follower,
        messages: &[(&Intent, &str)],
    ) -> Result<HashSet<u32>, ScanError> {
        if messages.is_empty() {
            return Ok(HashSet::new());
        }
        let maildrop: HashSet<&str> =
            still_there(self.side, messages.iter().map(|(_, name)| *name))
                .into_iter()
                .collect();
        let mut waiting: HashSet<u32> = messages
            .iter()
            .filter(|(message, name)| {
                maildrop.contains(name) || self.is_known(follower, message.n, name)
            })
            .map(|(message, _)| message.n)
            .collect();
        if waiting.is_empty() {
            // Those that were found before are gone.
            self.found = self.search(messages)?;
            waiting.extend(self.found.keys());
        }
        Ok(waiting)
    }

    /// Is it in a queue, by an id that is known? What cannot be examined is.
    fn is_known(&self, follower: &Follower, n: u32, name: &str) -> bool {
        let logged = follower.new_ids(name).iter();
        let logged = logged.filter_map(|id| QueueId::new(id));
        let mut ids = logged.chain(self.found.get(&n).cloned());
        ids.any(|id| {
            let is_there = |queue: Queue| self.spool.holds(queue, &id).unwrap_or(true);
            QUEUES.into_iter().any(is_there)
        })
    }

    /// A message keeps its time of arrival, with microseconds, when it is requeued.
    fn search(&self, messages: &[(&Intent, &str)]) -> Result<HashMap<u32, QueueId>, ScanError> {
        let wanted: HashMap<(i64, u32), u32> = messages
            .iter()
            .map(|(one, _)| ((one.arrival, one.arrival_microseconds), one.n))
            .collect();
        let found = Mutex::new(HashMap::new());
        for queue in QUEUES {
            // What is damaged is not what TO will send.
            self.spool
                .scan(queue, Detail::Times, &ScanOptions::default(), |file| {
                    let arrival = file.envelope.arrival.map(postfix::Time::seconds);
                    let micros = file.envelope.arrival_microseconds;
                    if let Some(n) = arrival.and_then(|seconds| wanted.get(&(seconds, micros))) {
                        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                        found.insert(*n, file.id);
                    }
                    ControlFlow::Continue(())
                })?;
        }
        Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}
