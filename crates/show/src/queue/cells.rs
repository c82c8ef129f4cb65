//! What tables of messages are made of: ages in the tone that they call for, and times.

use figures::queue::Report;
use legible::grid::{Cell, Tone};
use legible::human;
use postfix::{Span, Time, Zone};

/// Ages from which a message is worth a look, and from which it will soon be given up (maximal_queue_lifetime is five
/// days by default).
const OLD: Span = Span::from_days(1);
const VERY_OLD: Span = Span::from_days(4);

/// The age of what arrived at `arrival`, in the tone that it calls for.
pub(super) fn age(report: &Report, arrival: Option<Time>, tone: Tone) -> Cell {
    let Some(arrival) = arrival else {
        return Cell::new("-").tone(tone);
    };
    let tone = match report.age(arrival) {
        None => Tone::Bad,
        Some(age) if age >= VERY_OLD => Tone::Bad,
        Some(age) if age >= OLD => Tone::Warning,
        Some(_) => tone,
    };
    Cell::new(age_text(report, arrival)).tone(tone)
}

/// The age of what arrived at `arrival`; `?` where that is yet to come.
pub(super) fn age_text(report: &Report, arrival: Time) -> String {
    report
        .age(arrival)
        .map_or_else(|| "?".to_owned(), human::age)
}

/// A time on the zone's clock.
pub(super) fn clock(zone: Zone, time: Time, form: &str) -> String {
    zone.at(time).map_or_else(
        || time.seconds().to_string(),
        |local| local.format(form).to_string(),
    )
}

/// When something is due: `in 5m`, or `now` where its time has passed.
pub(super) fn due(report: &Report, time: Time) -> String {
    match time.since(Time::from_seconds(report.time.seconds())) {
        Span::ZERO => "now".to_owned(),
        span => format!("in {}", human::age(span)),
    }
}
