//! The events of many days, counted by day in one pass.

use postfix::Time;
use std::sync::Arc;

use figures::days::{DIMENSIONS, DayRecord, Input, Period, records};
use figures::mail_stats::{Count, Settings, Tally};
use postfix::Zone;
use postfix::log::{Event, Scope, Sink, Wanted};

use crate::logs::{Filter, Hosts, LogScope, Selection};
use crate::tables::Tables;

/// What is to be counted of each day.
#[derive(Debug, Clone)]
pub struct DaySettings {
    /// The zone of the host's clock.
    pub zone: Zone,
    /// Instances that have a record of each day even if nothing is counted for them.
    pub instances: Vec<String>,
    /// Whose lines they may be.
    pub hosts: Hosts,
    /// What replies and domains are looked up in.
    pub tables: Tables,
    /// Are recipients to be counted too, and delays, for records that are kept? Takes much more memory.
    pub whole: bool,
}

/// Counts the attempts of each of some days.
#[derive(Debug, Clone)]
pub struct DayCounts<'a> {
    filter: Filter<'a>,
    days: Arc<[Period]>,
    attempts: Arc<Settings>,
    recipients: Arc<Settings>,
    whole: bool,
    /// One a day.
    tallies: Vec<DayTally>,
    /// The day of the last event.
    last: usize,
}

#[derive(Debug, Clone)]
struct DayTally {
    attempts: Tally,
    recipients: Tally,
}

impl<'a> DayCounts<'a> {
    /// Nothing counted yet. `days` must be in order.
    pub fn new(selection: &'a Selection<'a>, days: &[Period], settings: &DaySettings) -> Self {
        let of = |count, delays, instances: &[String]| {
            Arc::new(Settings {
                by: DIMENSIONS.to_vec(),
                count,
                delays,
                zone: settings.zone,
                instances: instances.to_vec(),
                most_instances: figures::bounds::MOST_INSTANCES,
                most_keys: figures::bounds::SOME_KEYS,
                providers: Arc::clone(&settings.tables.providers),
                reasons: settings.tables.reasons.clone(),
            })
        };
        let attempts = of(Count::Attempts, settings.whole, &settings.instances);
        let recipients = of(Count::Recipients, false, &[]);
        let none = DayTally {
            attempts: Tally::new(Arc::clone(&attempts)),
            recipients: Tally::new(Arc::clone(&recipients)),
        };
        Self {
            filter: Filter::new(selection).by_host(settings.hosts.clone()),
            tallies: vec![none; days.len()],
            days: days.into(),
            attempts,
            recipients,
            whole: settings.whole,
            last: 0,
        }
    }

    /// Which lines it needs to be shown, in the time from the first day's begin to the last one's end.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            expired: true,
            relays: true,
            delays: true,
            times: true,
            ..Wanted::default()
        }
    }

    /// Names instances as if these hosts had been met too.
    pub fn set_hosts(&mut self, hosts: &Hosts) {
        self.filter.join_hosts(hosts);
    }

    /// The hosts that were met.
    pub fn hosts(&self) -> &Hosts {
        self.filter.hosts()
    }

    /// A record of each instance and day. `read` says of a day and an instance what was read, and why that is not all
    /// of the day.
    pub fn records(
        self,
        read: impl Fn(&Period, &[u8]) -> (Vec<Input>, Vec<String>),
    ) -> Vec<DayRecord> {
        let hosts = self.filter.hosts();
        let days = self.days.iter().zip(self.tallies);
        let of_day = |(day, mut tally): (&Period, DayTally)| {
            tally.attempts.rename(|name| hosts.name(name));
            tally.recipients.rename(|name| hosts.name(name));
            records(day, tally.attempts, tally.recipients, |instance| {
                read(day, instance)
            })
        };
        days.flat_map(of_day).collect()
    }

    /// The place of the day that `time` is in. A line without a time may be of any day: it is reported with the last.
    fn place(&mut self, time: Option<Time>) -> Option<usize> {
        let Some(time) = time else {
            return self.days.len().checked_sub(1);
        };
        let is_in = |at: usize| {
            let day = self.days.get(at)?;
            (day.since..day.until).contains(&time).then_some(at)
        };
        let found = is_in(self.last).or_else(|| {
            let behind = self.days.partition_point(|day| day.since <= time);
            is_in(behind.checked_sub(1)?)
        })?;
        self.last = found;
        Some(found)
    }
}

impl Sink for DayCounts<'_> {
    fn event(&mut self, event: &Event<'_>) {
        let time = match event {
            Event::Delivery(delivery) => delivery.time,
            Event::Expired(expired) => expired.time,
            Event::Unparsed { time, .. } => *time,
            Event::Complaint(complaint) => complaint.time,
            Event::Requeued { .. }
            | Event::Connected { .. }
            | Event::Dropped(_)
            | Event::Sender { .. }
            | Event::Removed { .. }
            | Event::Filtered(_) => return,
        };
        let Some(at) = self.place(time) else {
            return;
        };
        let Some((host, tag)) = event.origin() else {
            return;
        };
        let instance = self.filter.instance(host, tag);
        let (Some(instance), Some(day)) = (instance, self.tallies.get_mut(at)) else {
            return;
        };
        let instance = instance.as_ref();
        match event {
            Event::Delivery(delivery) => {
                day.attempts.add(instance, delivery);
                if self.whole {
                    day.recipients.add(instance, delivery);
                }
            }
            Event::Expired(expired) => day.attempts.expired(instance, expired.repeat),
            Event::Unparsed { .. } => day.attempts.unparsed(instance, 1),
            // Only records that are kept say it.
            Event::Complaint(complaint) if self.whole => {
                day.attempts.complaint(instance, complaint);
            }
            _ => {}
        }
    }

    fn counts(&mut self, tag: &[u8], time: Option<Time>) -> bool {
        self.place(time).is_some() && self.filter.wants(tag)
    }

    fn knows(&self, tag: &[u8]) -> bool {
        self.filter.knows(tag)
    }

    fn fork(&self) -> Option<Self> {
        let none = DayTally {
            attempts: Tally::new(Arc::clone(&self.attempts)),
            recipients: Tally::new(Arc::clone(&self.recipients)),
        };
        Some(Self {
            filter: self.filter.clone(),
            days: Arc::clone(&self.days),
            attempts: Arc::clone(&self.attempts),
            recipients: Arc::clone(&self.recipients),
            whole: self.whole,
            tallies: vec![none; self.days.len()],
            last: self.last,
        })
    }

    fn join(&mut self, later: Self) {
        self.filter.join(later.filter);
        for (mine, theirs) in self.tallies.iter_mut().zip(later.tallies) {
            mine.attempts.merge(theirs.attempts);
            mine.recipients.merge(theirs.recipients);
        }
    }
}

impl LogScope for DayCounts<'_> {
    fn scope(&mut self, scope: Scope) {
        self.filter.scope(scope);
    }
}
