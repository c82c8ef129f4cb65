//! What to do with an event: count it, or print it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;

use figures::mail_stats::{Settings, Slot, Tally};
use host::logs::{Filter, Hosts, LogScope, Selection};
use postfix::Time;
use postfix::log::{Delivery, Event, Scope, Sink, Status};
use show::mail_stats::events::Events;

/// Counts the events of the instances that are asked for.
pub(crate) struct Counting<'a> {
    filter: Filter<'a>,
    settings: Arc<Settings>,
    pub(crate) tally: Tally,
    /// Is what was handed to a program of this host left out?
    pub(crate) skips_handed: bool,
    /// Where the tally keeps the instance of each tag that the filter knows.
    places: Vec<Option<Slot>>,
}

impl<'a> Counting<'a> {
    pub(crate) fn new(selection: &'a Selection<'a>, settings: Arc<Settings>) -> Self {
        let tally = Tally::new(Arc::clone(&settings));
        Self {
            filter: Filter::new(selection),
            settings,
            tally,
            skips_handed: false,
            places: Vec::new(),
        }
    }

    /// The same, with the instances of each host apart; see [`Filter::by_host`].
    pub(crate) fn by_host(mut self, hosts: Hosts) -> Self {
        self.filter = self.filter.by_host(hosts);
        self
    }

    /// The hosts that were met.
    pub(crate) fn hosts(&self) -> &Hosts {
        self.filter.hosts()
    }

    /// What was counted, with the hosts that were met in the instances' names, if there are several.
    pub(crate) fn finish(self) -> (Tally, Hosts) {
        let (mut tally, hosts) = (self.tally, self.filter.hosts().clone());
        tally.rename(|name| hosts.name(name));
        (tally, hosts)
    }

    /// The names that the logs know, asked for or not.
    pub(crate) fn seen(&self) -> BTreeSet<Vec<u8>> {
        self.filter.seen()
    }

    /// Some of the names that belong to no instance of this host.
    pub(crate) fn strays(&self) -> &[Vec<u8>] {
        self.filter.strays()
    }

    /// The instance of a host's `tag`, if its events count; it is then among the figures.
    pub(crate) fn instance<'t>(&mut self, host: &[u8], tag: &'t [u8]) -> Option<Cow<'t, [u8]>>
    where
        'a: 't,
    {
        let (at, instance) = self.filter.known(host, tag)?;
        self.place(at, &instance);
        Some(instance)
    }

    /// Nothing counted yet of a later part of the log.
    pub(crate) fn later(&self) -> Self {
        Self {
            filter: self.filter.clone(),
            settings: Arc::clone(&self.settings),
            tally: Tally::new(Arc::clone(&self.settings)),
            skips_handed: self.skips_handed,
            places: Vec::new(),
        }
    }

    /// Counts a delivery, if its instance's place is known and its name does not matter: nearly all of a log.
    #[inline]
    fn counts_nameless(&mut self, event: &Event<'_>) -> bool {
        let Event::Delivery(delivery) = event else {
            return false;
        };
        if self.skips_handed || !self.tally.is_nameless() {
            return false;
        }
        let at = self.filter.met(delivery.host, delivery.tag);
        let place = at.and_then(|at| *self.places.get(at)?);
        place.is_some_and(|place| self.tally.add_nameless(place, delivery))
    }

    /// Where the tally keeps `instance`, the name of the filter's tag number `at`.
    fn place(&mut self, at: Option<usize>, instance: &[u8]) -> Slot {
        let Some(at) = at else {
            return self.tally.place(instance);
        };
        if let Some(Some(place)) = self.places.get(at) {
            return *place;
        }
        let place = self.tally.place(instance);
        self.places.resize(self.places.len().max(at + 1), None);
        if let Some(entry) = self.places.get_mut(at) {
            *entry = Some(place);
        }
        place
    }
}

/// Was it sent to a loopback address, where a program of this host takes it?
fn is_handed(delivery: &Delivery<'_>) -> bool {
    let address = delivery.relay.and_then(|relay| relay.address);
    let address =
        address.and_then(|address| std::str::from_utf8(address).ok()?.parse::<IpAddr>().ok());
    delivery.status == Status::Sent && address.is_some_and(|address| address.is_loopback())
}

impl Sink for Counting<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if matches!(event, Event::Filtered(_)) || self.counts_nameless(event) {
            return;
        }
        let found = event.origin();
        let Some((at, instance)) = found.and_then(|(host, tag)| self.filter.known(host, tag))
        else {
            return;
        };
        let instance = instance.as_ref();
        match event {
            Event::Delivery(delivery) if self.skips_handed && is_handed(delivery) => {}
            Event::Delivery(delivery) => {
                let place = self.place(at, instance);
                self.tally.add_at(place, instance, delivery);
            }
            Event::Expired(expired) => self.tally.expired(instance, expired.repeat),
            Event::Sender {
                queue_id, sender, ..
            } => self.tally.sender(instance, queue_id, sender),
            Event::Removed { queue_id, .. } => self.tally.removed(instance, queue_id),
            Event::Unparsed { .. } => self.tally.unparsed(instance, 1),
            Event::Complaint(complaint) => self.tally.complaint(instance, complaint),
            Event::Requeued { .. }
            | Event::Connected { .. }
            | Event::Filtered(_)
            | Event::Dropped(_) => {}
        }
    }

    fn counts(&mut self, tag: &[u8], _: Option<Time>) -> bool {
        self.filter.wants(tag)
    }

    fn knows(&self, tag: &[u8]) -> bool {
        self.filter.knows(tag)
    }

    fn fork(&self) -> Option<Self> {
        // Who sent a message is said in an earlier line.
        (!self.tally.wants_senders()).then(|| self.later())
    }

    fn join(&mut self, later: Self) {
        self.filter.join(later.filter);
        self.tally.merge(later.tally);
    }
}

impl LogScope for Counting<'_> {
    fn scope(&mut self, scope: Scope) {
        self.filter.scope(scope);
    }
}

/// Prints the deliveries of the instances that are asked for.
pub(crate) struct EventLines<'a, W> {
    filter: Filter<'a>,
    events: Events,
    out: W,
    kept: Vec<u8>,
    /// Who sent the messages in the queue, if that is asked for: instance and queue id, sender.
    senders: HashMap<Vec<u8>, Vec<u8>>,
    /// The name of the message at hand.
    message: Vec<u8>,
    unparsed: u64,
    failed: Option<io::Error>,
}

impl<'a, W: Write + Send> EventLines<'a, W> {
    pub(crate) fn new(selection: &'a Selection<'a>, hosts: Hosts, events: Events, out: W) -> Self {
        Self {
            filter: Filter::new(selection).by_host(hosts),
            events,
            out,
            kept: Vec::new(),
            senders: HashMap::new(),
            message: Vec::new(),
            unparsed: 0,
            failed: None,
        }
    }

    /// How many delivery lines could not be read, and the names that the logs know.
    pub(crate) fn finish(mut self) -> io::Result<(u64, BTreeSet<Vec<u8>>)> {
        self.flush();
        match self.failed {
            Some(error) => Err(error),
            None => Ok((self.unparsed, self.filter.seen())),
        }
    }

    fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(&self.kept).err();
            self.kept.clear();
        }
    }
}

/// Makes `name` a message's name over all instances.
fn name_message(name: &mut Vec<u8>, instance: &[u8], queue_id: &[u8]) {
    name.clear();
    for part in [instance, b"/", queue_id] {
        name.extend_from_slice(part);
    }
}

impl<W: Write + Send> Sink for EventLines<'_, W> {
    fn event(&mut self, event: &Event<'_>) {
        let Some((host, tag)) = event.origin() else {
            return;
        };
        let Some(instance) = self.filter.instance(host, tag) else {
            return;
        };
        match event {
            Event::Delivery(delivery) => {
                let mut sender = None;
                if !self.senders.is_empty() {
                    name_message(&mut self.message, &instance, delivery.queue_id);
                    sender = self.senders.get(&self.message).map(Vec::as_slice);
                }
                // The host has a place of its own.
                let name = self.filter.without_host(host, &instance);
                if let Err(e) = self.events.write(&mut self.kept, name, delivery, sender) {
                    self.failed = Some(e);
                }
                if self.kept.len() > 64 * 1024 {
                    self.flush();
                }
            }
            Event::Sender {
                queue_id, sender, ..
            } => {
                name_message(&mut self.message, &instance, queue_id);
                self.senders.insert(self.message.clone(), sender.to_vec());
            }
            Event::Removed { queue_id, .. } => {
                name_message(&mut self.message, &instance, queue_id);
                self.senders.remove(&self.message);
            }
            Event::Unparsed { .. } => self.unparsed += 1,
            _ => {}
        }
    }

    fn counts(&mut self, tag: &[u8], _: Option<Time>) -> bool {
        self.filter.wants(tag)
    }

    fn knows(&self, tag: &[u8]) -> bool {
        self.filter.knows(tag)
    }

    fn is_done(&self) -> bool {
        self.failed.is_some()
    }
}

impl<W: Write + Send> LogScope for EventLines<'_, W> {
    fn scope(&mut self, scope: Scope) {
        self.filter.scope(scope);
    }
}
