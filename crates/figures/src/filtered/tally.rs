//! The counting.

use postfix::Time;
use std::collections::{BTreeMap, VecDeque};

use hashbrown::{HashMap, HashSet};
use postfix::log::{Action, Delivery, Kind, Scan, Stage, Status, Stop};

use super::join::{Arrival, Ids, Scored, join};
use super::message::Message;
use super::reasons::{Folder, Reasons};
use super::scores::{Disposition, Score, Scores};
use super::{DiscardedBy, Discards, Filtered, Stops, discarded};
use crate::bounds::OTHER_INSTANCES;
use crate::mail_stats::MailStats;

/// How many reasons are shown by default.
const TOP: usize = 10;

/// How many names of instances are kept distinct while counting: whoever may write to the log makes them up.
const MOST_NAMES: usize = 4096;

/// How many of spamd's first lines wait for their second.
const SUMMARIES_MAX: usize = 10_000;

/// The counts of a log, read from its beginning to its end.
#[derive(Debug, Clone, Default)]
pub struct FilterTally {
    instances: Vec<Instance>,
    places: HashMap<Vec<u8>, usize>,
    folder: Folder,
    ids: Ids,
    messages: Vec<Message>,
    /// Messages in the queue or on their way into it: by instance, a NUL, queue id.
    live: HashMap<Vec<u8>, usize>,
    name: Vec<u8>,
    /// spamd's first lines, by what is the same in the second.
    summaries: HashMap<(bool, u64, u64), VecDeque<f64>>,
    waiting: usize,
    scored: Vec<Scored>,
    /// spamd's lines that could not be read.
    unparsed: u64,
}

/// The counts of one instance.
#[derive(Debug, Clone, Default)]
struct Instance {
    name: Vec<u8>,
    stops: Table,
    reasons: Reasons,
    discards: Discards,
    unparsed: u64,
    accepted: u64,
}

impl FilterTally {
    /// Gives each instance another name in the figures. No two of them must have the same.
    pub fn rename(&mut self, name: impl Fn(&[u8]) -> Vec<u8>) {
        for instance in &mut self.instances {
            instance.name = name(&instance.name);
        }
    }

    /// Counts mail of `instance` that was stopped.
    pub fn stop(&mut self, instance: &[u8], stop: &Stop<'_>) {
        let place = self.place(instance);
        let counted = &mut self.instances[place];
        let stops = counted.stops.entry((stop.kind, stop.stage)).or_default();
        stops.count = stops.count.saturating_add(stop.repeat);
        if stop.temporary {
            stops.temporary = stops.temporary.saturating_add(stop.repeat);
        }
        let reason = self.folder.fold(stop);
        counted.reasons.add(stop.kind, reason, stop.repeat);
        let Some(queue_id) = stop.queue_id.filter(|_| stop.whole) else {
            return;
        };
        let at = self.entry(place, instance, queue_id);
        let message = &mut self.messages[at];
        match stop.kind.action() {
            Action::Hold => message.held = true,
            Action::Discard => message.discarded = true,
            Action::Reject if stop.temporary => message.temporary = true,
            Action::Reject => message.rejected = true,
        }
        if message.is_over() {
            message.arrival.settled = message.arrival.settled.or(stop.time);
            if message.arrival.key.is_some() {
                self.live.remove(self.name.as_slice());
            }
        }
    }

    /// The header of a message is there.
    pub fn arrived(
        &mut self,
        instance: &[u8],
        queue_id: &[u8],
        time: Option<Time>,
        message_id: &[u8],
    ) {
        let place = self.place(instance);
        let key = self.ids.key(message_id);
        let mut at = self.entry(place, instance, queue_id);
        if self.messages[at].queued {
            // The queue id is in use again, and the log has lost the message's end.
            self.live.remove(self.name.as_slice());
            at = self.entry(place, instance, queue_id);
        }
        let arrival = &mut self.messages[at].arrival;
        // A header may come twice; the first counts, as for spamd.
        if arrival.key.is_none() {
            arrival.key = Some(key);
            arrival.arrived = time.unwrap_or_default();
        }
    }

    /// The queue manager has a message. `inside`: in the window.
    pub fn queued(&mut self, instance: &[u8], queue_id: &[u8], time: Option<Time>, inside: bool) {
        let Some(message) = self.find(instance, queue_id) else {
            return;
        };
        if message.queued {
            return;
        }
        message.queued = true;
        message.arrival.settled = message.arrival.settled.or(time);
        let place = message.instance;
        let accepted = &mut self.instances[place].accepted;
        *accepted = accepted.saturating_add(u64::from(inside));
    }

    /// An attempt to deliver a message.
    pub fn delivery(&mut self, instance: &[u8], delivery: &Delivery<'_>) {
        let nowhere = discarded(delivery);
        if let Some(by) = nowhere {
            let place = self.place(instance);
            let discards = &mut self.instances[place].discards;
            let count = match by {
                DiscardedBy::Transport => &mut discards.transport,
                DiscardedBy::Filter => &mut discards.filter,
            };
            *count = count.saturating_add(delivery.repeat);
        }
        if let Some(message) = self.find(instance, delivery.queue_id) {
            match delivery.status {
                Status::Sent if nowhere.is_some() => message.discarded = true,
                Status::Sent => message.delivered = true,
                Status::Bounced => message.bounced = true,
                Status::Deferred => {}
            }
        }
    }

    /// The message has left the queue; its queue id may come again.
    pub fn removed(&mut self, instance: &[u8], queue_id: &[u8]) {
        self.name(instance, queue_id);
        self.live.remove(self.name.as_slice());
    }

    /// spamd has scored a message.
    pub fn scan(&mut self, scan: &Scan<'_>) {
        let same = (scan.spam, scan.took.0, scan.took.1);
        let Some(message_id) = scan.message_id else {
            if self.waiting >= SUMMARIES_MAX {
                self.summaries.clear();
                self.waiting = 0;
            }
            self.waiting += 1;
            let waiting = self.summaries.entry(same).or_default();
            waiting.push_back(scan.score);
            return;
        };
        // Of several, the first whose whole part the second line has. (The first line is rounded, the second is not.)
        let exact = self.summaries.get_mut(&same).and_then(|waiting| {
            let fits = |score: &f64| {
                let part = score.abs() - scan.score.abs();
                (-0.1..=1.1).contains(&part)
            };
            let at = waiting.iter().position(fits)?;
            self.waiting = self.waiting.saturating_sub(1);
            waiting.remove(at)
        });
        self.scored.push(Scored {
            key: self.ids.key(message_id),
            time: scan.time.unwrap_or_default(),
            score: Score {
                spam: scan.spam,
                score: exact.unwrap_or(scan.score),
                threshold: scan.threshold,
            },
        });
    }

    /// Counts a line that could not be read; without an instance, one of spamd's.
    pub fn unparsed(&mut self, instance: Option<&[u8]>) {
        let count = match instance {
            Some(instance) => {
                let place = self.place(instance);
                &mut self.instances[place].unparsed
            }
            None => &mut self.unparsed,
        };
        *count = count.saturating_add(1);
    }

    /// Makes the figures, and puts them beside those of the deliveries. Instances that are not there are not asked for.
    /// Of the reasons, `top` are shown. Scores of messages that no instance knows are shown if `unmatched`: where all
    /// instances were asked for.
    pub fn finish(mut self, top: Option<usize>, unmatched: bool, stats: &mut MailStats) {
        let top = top.unwrap_or(TOP);
        let (scores, strangers) = self.joined();
        for message in &self.messages {
            if message.held && !message.queued && !message.is_over() {
                let accepted = &mut self.instances[message.instance].accepted;
                *accepted = accepted.saturating_add(1);
            }
        }
        let names = stats.instances.iter().map(|i| i.instance.clone());
        let shown: HashSet<Vec<u8>> = names.collect();
        let mut total = Filtered {
            unparsed: self.unparsed,
            ..Filtered::default()
        };
        let mut reasons = Reasons::default();
        let mut of_instance: HashMap<Vec<u8>, Filtered> = HashMap::new();
        let instances = fold(self.instances, &scores, &shown, unmatched);
        for (counted, scores) in instances {
            reasons.merge(&counted.reasons);
            let one = Filtered {
                accepted: counted.accepted,
                stops: counted.stops,
                reasons: counted.reasons.rows(top),
                discards: counted.discards,
                unparsed: counted.unparsed,
                scores,
            };
            total.add(&one);
            of_instance.insert(counted.name, one);
        }
        total.reasons = reasons.rows(top);
        for instance in &mut stats.instances {
            let one = of_instance.remove(&instance.instance).unwrap_or_default();
            instance.figures.filtered = Some(Box::new(one));
        }
        if unmatched {
            total.scores.merge(&strangers);
            stats.unmatched = Some(Box::new(strangers));
        }
        stats.total.filtered = Some(Box::new(total));
    }

    /// The scores of each instance's messages, and of those that are none's.
    fn joined(&self) -> (Vec<Scores>, Scores) {
        let mut scores = vec![Scores::default(); self.instances.len()];
        let mut strangers = Scores::default();
        let arrivals: Vec<Arrival> = self.messages.iter().map(|m| m.arrival).collect();
        let found = join(&arrivals, &self.scored, self.ids.none());
        for (scored, found) in self.scored.iter().zip(found) {
            match found.and_then(|at| self.messages.get(at)) {
                Some(message) => scores[message.instance].add(scored.score, message.outcome()),
                None => strangers.add(scored.score, Disposition::Unknown),
            }
        }
        (scores, strangers)
    }

    fn place(&mut self, instance: &[u8]) -> usize {
        let is_new = || !self.places.contains_key(instance);
        let instance = match self.instances.len() >= MOST_NAMES && is_new() {
            true => OTHER_INSTANCES.as_bytes(),
            false => instance,
        };
        *self.places.entry_ref(instance).or_insert_with(|| {
            self.instances.push(Instance {
                name: instance.to_vec(),
                ..Instance::default()
            });
            self.instances.len() - 1
        })
    }

    fn name(&mut self, instance: &[u8], queue_id: &[u8]) {
        self.name.clear();
        self.name.extend_from_slice(instance);
        self.name.push(0);
        self.name.extend_from_slice(queue_id);
    }

    /// A message that is known.
    fn find(&mut self, instance: &[u8], queue_id: &[u8]) -> Option<&mut Message> {
        self.name(instance, queue_id);
        let at = self.live.get(self.name.as_slice())?;
        self.messages.get_mut(*at)
    }

    /// The place of a message, known or new.
    fn entry(&mut self, place: usize, instance: &[u8], queue_id: &[u8]) -> usize {
        self.name(instance, queue_id);
        *self
            .live
            .entry_ref(self.name.as_slice())
            .or_insert_with(|| {
                self.messages.push(Message {
                    instance: place,
                    arrival: Arrival {
                        key: None,
                        arrived: Time::EPOCH,
                        settled: None,
                    },
                    held: false,
                    queued: false,
                    discarded: false,
                    rejected: false,
                    temporary: false,
                    delivered: false,
                    bounced: false,
                });
                self.messages.len() - 1
            })
    }
}

/// The instances that are shown, and their scores. Where all are asked for, those that are not kept apart are together.
fn fold(
    all: Vec<Instance>,
    scores: &[Scores],
    shown: &HashSet<Vec<u8>>,
    all_asked_for: bool,
) -> Vec<(Instance, Scores)> {
    let (mut kept, mut others) = (Vec::new(), (Instance::default(), Scores::default()));
    for (instance, scores) in all.into_iter().zip(scores) {
        if shown.contains(&instance.name) && instance.name != OTHER_INSTANCES.as_bytes() {
            kept.push((instance, scores.clone()));
        } else {
            others.0.merge(&instance);
            others.1.merge(scores);
        }
    }
    others.0.name = OTHER_INSTANCES.into();
    if all_asked_for && shown.contains(&others.0.name) {
        kept.push(others);
    }
    kept
}

impl Instance {
    fn merge(&mut self, other: &Self) {
        add_stops(&mut self.stops, &other.stops);
        self.reasons.merge(&other.reasons);
        self.discards.add(other.discards);
        self.unparsed = self.unparsed.saturating_add(other.unparsed);
        self.accepted = self.accepted.saturating_add(other.accepted);
    }
}

type Table = BTreeMap<(Kind, Stage), Stops>;

fn add_stops(mine: &mut Table, theirs: &Table) {
    for (key, stops) in theirs {
        let mine = mine.entry(*key).or_default();
        mine.count = mine.count.saturating_add(stops.count);
        mine.temporary = mine.temporary.saturating_add(stops.temporary);
    }
}

impl Discards {
    fn add(&mut self, other: Self) {
        self.transport = self.transport.saturating_add(other.transport);
        self.filter = self.filter.saturating_add(other.filter);
    }
}

impl Filtered {
    /// Adds another's figures, except its reasons.
    fn add(&mut self, other: &Self) {
        self.accepted = self.accepted.saturating_add(other.accepted);
        self.unparsed = self.unparsed.saturating_add(other.unparsed);
        self.discards.add(other.discards);
        add_stops(&mut self.stops, &other.stops);
        self.scores.merge(&other.scores);
    }
}
