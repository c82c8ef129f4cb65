//! What a log has at the same hours of other days.

use std::ops::Range;

use postfix::log::{self, Event, Options, Sink, Wanted};
use postfix::{Span, Time};

use super::{DAY, Log, Looked, length};

/// So many events at these hours of each other day, and none now, is no chance.
pub(super) const MANY: u64 = 20;
/// Other days that are looked at, by how many days earlier. What is usual at night, the day before shows; what is on
/// this day of the week, the one a week before.
const EARLIER: [u64; 7] = [1, 7, 2, 3, 4, 5, 6];
/// They do not count so near the ends: a list that goes out each day takes now longer, now shorter.
const NEAR: Span = Span::from_hours(2);
/// With fewer other days, nothing is known of what is usual.
const FEWEST: usize = 2;

impl Looked<'_> {
    /// Did each other day have many deliveries at these hours? Nothing where too few days are known.
    pub(super) fn is_unusual(&self, span: &Range<Time>) -> Option<bool> {
        let length = length(span).min(DAY);
        let near = NEAR.min(Span::from_micros(length.micros() / 4));
        let mut days = 0;
        for earlier in EARLIER {
            let start = span.start.minus(Span::from_days(earlier));
            match self.events(&(start.plus(near)..start.plus(length).minus(near))) {
                Some(n) if n < MANY => return Some(false),
                Some(_) => days += 1,
                None => {}
            }
        }
        (days >= FEWEST).then_some(true)
    }

    /// How many events the log has of a time; nothing if it begins later, or cannot be read twice.
    fn events(&self, span: &Range<Time>) -> Option<u64> {
        let options = Options {
            window: Some(span.clone()),
            wanted: Wanted::default(),
            progress: &|_| (),
            ..self.options.clone()
        };
        let mut events = Events(0);
        let files = match self.log {
            Log::Journal(journal) => {
                let begins = self.times.as_ref().map(|times| times.start);
                begins.filter(|begins| *begins <= span.start)?;
                journal.read(&options, &mut events).ok()?;
                return Some(events.0);
            }
            Log::Own(files) | Log::Named(files) => files,
        };
        if !files.iter().all(|path| path.is_file()) {
            return None;
        }
        let oldest = log::first_time(files.first()?, options.zone);
        oldest.ok().flatten().filter(|first| *first <= span.start)?;
        for path in log::needed(files, span, options.zone) {
            log::read_file(&path, &options, &mut events).ok()?;
        }
        Some(events.0)
    }
}

/// Counts.
pub(super) struct Events(pub(super) u64);

impl Sink for Events {
    fn event(&mut self, event: &Event<'_>) {
        if matches!(event, Event::Delivery(_)) {
            self.0 = self.0.saturating_add(1);
        }
    }

    fn fork(&self) -> Option<Self> {
        Some(Self(0))
    }

    fn join(&mut self, later: Self) {
        self.0 = self.0.saturating_add(later.0);
    }
}
