//! `--format csv`: a row for each recipient to do, with a heading.
//!
//! Times are RFC 3339 in UTC. Control characters in texts are escaped. A message without a recipient to do has one row.
//! Where not all messages could be read, the last rows say why: their `queue_name` is `missing`, the text is in
//! `delay_reason`, and they have no instance.

use std::io::{self, Write};

use ::csv::Writer;

use figures::queue::{ListedMessage, ListedRecipient, Report};
use legible::wire::{csv_cell, time};

const HEADING: [&str; 16] = [
    "instance",
    "queue_name",
    "queue_id",
    "arrival_time",
    "age_seconds",
    "message_size",
    "forced_expire",
    "sender",
    "recipients",
    "next_attempt",
    "address",
    "orig_address",
    "dsn",
    "reason_class",
    "delay_reason",
    "expires",
];

/// Writes the messages of a report's list.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(HEADING)?;
    for entry in &report.messages {
        let message = message(report, entry);
        let expires = [time(entry.expires).unwrap_or_default()];
        for recipient in &entry.recipients {
            let recipient = self::recipient(Some(recipient));
            csv.write_record(message.iter().chain(&recipient).chain(&expires))?;
        }
        if entry.recipients.is_empty() {
            csv.write_record(message.iter().chain(&recipient(None)).chain(&expires))?;
        }
    }
    for why in report.missing() {
        let cell = |heading: &str| match heading {
            "queue_name" => "missing".to_owned(),
            "delay_reason" => csv_cell(&why),
            _ => String::new(),
        };
        csv.write_record(HEADING.map(cell))?;
    }
    csv.flush()
}

fn message(report: &Report, entry: &ListedMessage) -> [String; 10] {
    let age = report.age(entry.arrival);
    [
        csv_cell(report.instance(entry)),
        entry.queue.name().to_owned(),
        entry.id.as_str().to_owned(),
        time(entry.arrival).unwrap_or_default(),
        age.map_or_else(String::new, |age| age.seconds().to_string()),
        entry.size.to_string(),
        entry.forced_expire.to_string(),
        csv_cell(&*entry.sender),
        entry.recipient_count.to_string(),
        entry.next_attempt.and_then(time).unwrap_or_default(),
    ]
}

fn recipient(recipient: Option<&ListedRecipient>) -> [String; 5] {
    let text = |text: Option<&str>| text.map_or(String::new(), csv_cell);
    let why = recipient.and_then(|r| r.why.as_deref());
    [
        text(recipient.map(|r| &*r.address)),
        text(recipient.and_then(|r| r.orig_address.as_deref())),
        text(why.map(|why| &*why.dsn)),
        text(why.map(|why| why.class.as_str())),
        text(why.map(|why| &*why.reason)),
    ]
}
