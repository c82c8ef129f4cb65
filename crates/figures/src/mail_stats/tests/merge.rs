//! Parts of a log, counted apart and merged, count as the whole.

use proptest::prelude::*;

use super::*;

/// What a log tells, one line after the other.
#[derive(Debug, Clone)]
enum Event {
    Delivery(u8, u8, u8, Status, u8),
    Expired(u8),
    Unparsed(u8),
}

fn event() -> impl Strategy<Value = Event> {
    let status = prop_oneof![Just(Sent), Just(Bounced), Just(Deferred)];
    prop_oneof![
        6 => (0..3u8, 0..4u8, 0..4u8, status, 0..4u8).prop_map(|(i, q, r, s, n)| Event::Delivery(i, q, r, s, n)),
        1 => (0..3u8).prop_map(Event::Expired),
        1 => (0..3u8).prop_map(Event::Unparsed),
    ]
}

fn apply(tally: &mut Tally, event: &Event) {
    let instances: [&[u8]; 3] = [b"postfix-aol-a", b"postfix-aol-b", b"postfix-idle-a"];
    let ids = ["A1", "A2", "A3", "A4"];
    match *event {
        Event::Delivery(i, q, r, status, n) => {
            let recipient = ["a@aol.com", "b@gmail.com", "c@example.org", "root"][usize::from(r)];
            let line = delivery(ids[usize::from(q)], recipient, status);
            let delay = Some(f64::from(n) * 1.5);
            let line = Delivery {
                time: Some(Time::from_seconds(i64::from(n) * 3600)),
                delay,
                repeat: u64::from(n),
                ..line
            };
            tally.add(instances[usize::from(i)], &line);
        }
        Event::Expired(i) => tally.expired(instances[usize::from(i)], 1),
        Event::Unparsed(i) => tally.unparsed(instances[usize::from(i)], 2),
    }
}

proptest! {
    #[test]
    fn parts_merged_in_order_count_as_the_whole(
        events in prop::collection::vec(event(), 0..60),
        mut cuts in prop::collection::vec(0..60usize, 0..4),
        recipients: bool,
        right_first: bool,
    ) {
        let count = if recipients { Count::Recipients } else { Count::Attempts };
        let mut by = Dimension::ALL.to_vec();
        by.retain(|dimension| *dimension != Dimension::SenderDomain);
        let settings = settings(&by, count);
        let mut whole = Tally::new(Arc::clone(&settings));
        events.iter().for_each(|e| apply(&mut whole, e));
        cuts.iter_mut().for_each(|cut| *cut = (*cut).min(events.len()));
        cuts.extend([0, events.len()]);
        cuts.sort_unstable();
        let mut parts: Vec<Tally> = Vec::new();
        for bounds in cuts.windows(2) {
            let mut part = Tally::new(Arc::clone(&settings));
            events[bounds[0]..bounds[1]].iter().for_each(|e| apply(&mut part, e));
            parts.push(part);
        }
        let mut merged = if right_first {
            // As a tree: the last two parts first.
            while parts.len() > 2 {
                let last = parts.pop().unwrap();
                parts.last_mut().unwrap().merge(last);
            }
            parts.remove(0)
        } else {
            parts.remove(0)
        };
        for part in parts {
            merged.merge(part);
        }
        prop_assert_eq!(merged.finish(Frame::default()), whole.finish(Frame::default()));
    }
}
