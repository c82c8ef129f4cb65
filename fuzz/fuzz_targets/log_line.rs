//! A log: whatever the bytes, each event's text is part of them, and one reading or many parts count the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postfix::Zone;
use postfix::log::{Event, Filtered, Options, Sink, Wanted, read_stream};

#[derive(Default)]
struct Count {
    deliveries: u64,
    unparsed: u64,
}

impl Sink for Count {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Delivery(delivery) => {
                self.deliveries += 1;
                assert!(!delivery.queue_id.is_empty());
                assert!(!delivery.tag.is_empty());
                assert!(delivery.delay.is_none_or(f64::is_finite));
            }
            Event::Unparsed { .. } => self.unparsed += 1,
            Event::Filtered(Filtered::Stop(stop)) => {
                assert!(stop.queue_id.is_none_or(|id| !id.is_empty()));
                assert!(stop.repeat > 0);
            }
            Event::Filtered(Filtered::Scan(scan)) => {
                assert!(scan.score.is_finite() && scan.threshold.is_finite());
            }
            Event::Filtered(_) => {}
            Event::Expired(_) | Event::Sender { .. } | Event::Removed { .. } => {}
        }
    }

    fn fork(&self) -> Self {
        Self::default()
    }

    fn join(&mut self, later: Self) {
        self.deliveries += later.deliveries;
        self.unparsed += later.unparsed;
    }
}

fn count(log: &[u8], wanted: Wanted) -> Count {
    let options = Options {
        zone: Zone::named("America/New_York").unwrap_or(Zone::Process),
        now: 1_784_200_000_000_000,
        window: None,
        wanted,
        threads: 1,
        progress: &|_| (),
    };
    let mut count = Count::default();
    read_stream(log, "-", &options, &mut count);
    count
}

fuzz_target!(|log: &[u8]| {
    let all = Wanted {
        expired: true,
        senders: true,
        relays: true,
        delays: true,
        filtered: true,
        times: true,
    };
    let plain = count(log, Wanted::default());
    let whole = count(log, all);
    // What else is asked for changes no count, but for lines whose time only looks like one.
    assert!(whole.deliveries <= plain.deliveries);
});
