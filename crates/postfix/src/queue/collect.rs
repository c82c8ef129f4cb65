//! Making an envelope of a queue file's records.

use crate::Time;
use std::path::Path;

use super::ctype::{atol, c_str, scan_long, split_nameval};
use super::record::{Records, SHORT_READ, SHORT_READ_OF_TIMES, Source, Stop};
use super::{Envelope, Recipient, RecipientState, SizeRecord};
use crate::{Parsed, Position, Problem};

/// Record types that may come before or after the message content (REC_TYPE_ENVELOPE and REC_TYPE_EXTRACT in
/// global/rec_type.h; the queue manager takes them in either place).
const ENVELOPE_TYPES: &[u8] = b"MCTcFILSDRO/WVA>K<ionEPre";
/// Types of the first record of a sound file.
const FIRST_TYPES: &[u8] = b"CTFILSRA>cW";
/// A file of nothing but recipients must not fill the memory.
const MOST_RECIPIENTS: usize = 1_000_000;
/// Problems reported about one file.
const MOST_PROBLEMS: usize = 8;
/// Records that no envelope has, before the rest of a file is not read: it may be gigabytes of zero bytes.
const MOST_UNEXPECTED: usize = 8;

/// How far to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// To the arrival time, which the size comes before.
    Times,
    /// To the sender: sizes, times, sender, but no recipient.
    Head,
    /// To the end record.
    Whole,
    /// The same, and each record of the content is looked at, too.
    Content,
}

/// Reads the envelope of a queue file of `size` bytes.
///
/// The content is skipped unread where the size record says how long it is; where there is none (local
/// submissions), record by record. `path` is for messages only. `buffer` is working memory for reuse.
pub fn read_envelope<S: Source + ?Sized>(
    source: &S,
    size: u64,
    path: &Path,
    buffer: &mut Vec<u8>,
) -> Parsed<Envelope> {
    read(source, size, path, buffer, Extent::Whole)
}

/// When the message in a queue file of `size` bytes arrived, seconds since 1970 (UTC) and microseconds: what its
/// envelope says, which no later change of the file does. `None`: it does not say.
pub fn read_arrival<S: Source + ?Sized>(source: &S, size: u64) -> Option<(i64, u32)> {
    let envelope = read(source, size, Path::new(""), &mut Vec::new(), Extent::Times).value;
    let arrival = envelope.arrival.filter(|time| time.seconds() > 0)?;
    Some((arrival.seconds(), envelope.arrival_microseconds))
}

/// Why pickup(8) and cleanup(8) would not take a queue file of `size` bytes, but remove it (pickup.c, copy_segment;
/// cleanup_envelope.c), be it that there is no such reason: a record that they do not expect where it is, or do not
/// understand, in the envelope or in the content. Reads all of the file.
pub fn damage<S: Source + ?Sized>(source: &S, size: u64) -> Option<String> {
    let read = read(
        source,
        size,
        Path::new(""),
        &mut Vec::new(),
        Extent::Content,
    );
    if let Some(problem) = read.problems.first() {
        return Some(problem.what.clone());
    }
    let mut contexts = read.value.attributes();
    let context = contexts.find(|(name, value)| {
        *name == b"rewrite_context" && !matches!(*value, b"local" | b"remote")
    });
    context.map(|(_, value)| format!("unknown rewrite_context {}", value.escape_ascii()))
}

pub(super) fn read<S: Source + ?Sized>(
    source: &S,
    size: u64,
    path: &Path,
    buffer: &mut Vec<u8>,
    extent: Extent,
) -> Parsed<Envelope> {
    let short_read = match extent {
        Extent::Times => SHORT_READ_OF_TIMES,
        Extent::Head | Extent::Whole | Extent::Content => SHORT_READ,
    };
    let mut records = Records::new(source, size, buffer).short_read(short_read);
    let mut collector = Collector {
        path,
        extent,
        found: Parsed::default(),
        next: NextRecipient::default(),
    };
    match collector.read(&mut records) {
        Ok(()) => collector.is_long_enough(size),
        Err(Stop::End) if size == 0 => collector.problem(None, "is empty"),
        Err(stop) => {
            let problem = stop.problem(path, "has no end record: the file was cut short");
            collector.found.problems.push(problem);
        }
    }
    collector.found
}

/// Makes an envelope of records.
struct Collector<'a> {
    path: &'a Path,
    extent: Extent,
    found: Parsed<Envelope>,
    next: NextRecipient,
}

/// What was said of the recipient whose record comes next.
#[derive(Default)]
struct NextRecipient {
    orig_address: Option<Vec<u8>>,
    dsn_orig_recipient: Option<Vec<u8>>,
    dsn_notify: Option<u8>,
}

impl Collector<'_> {
    fn problem(&mut self, at: Option<u64>, what: impl Into<String>) {
        if self.found.problems.len() < MOST_PROBLEMS {
            let mut problem = Problem::new(self.path, what);
            problem.at = at.map(Position::Byte);
            self.found.problems.push(problem);
        }
    }

    fn read<S: Source + ?Sized>(&mut self, records: &mut Records<'_, S>) -> Result<(), Stop> {
        let mut first = true;
        let mut unexpected: usize = 0;
        loop {
            let record = records.next()?;
            if first && !FIRST_TYPES.contains(&record.kind) {
                return Err(Stop::Bad(0, "is not a queue file".into()));
            }
            first = false;
            match record.kind {
                b'E' => {
                    self.found.value.complete = true;
                    self.missing_records();
                    return Ok(());
                }
                b'M' => self.skip_content(records)?,
                kind if ENVELOPE_TYPES.contains(&kind) => {
                    let text = c_str(records.data(&record)?);
                    self.record(kind, text, record.offset)?;
                    if self.is_enough(kind) {
                        return Ok(());
                    }
                }
                kind => {
                    let kind = kind.escape_ascii();
                    let what = format!("unexpected record of type {kind}");
                    unexpected = unexpected.saturating_add(1);
                    if unexpected > MOST_UNEXPECTED {
                        return Err(Stop::Bad(
                            record.offset,
                            format!("{what}; the rest is not read"),
                        ));
                    }
                    self.problem(Some(record.offset), what);
                }
            }
        }
    }

    /// Was the record just read the last one that is wanted?
    fn is_enough(&self, kind: u8) -> bool {
        match self.extent {
            Extent::Times => {
                kind == b'T' && self.found.value.arrival.is_some_and(|t| t > Time::EPOCH)
            }
            Extent::Head => kind == b'S',
            Extent::Whole | Extent::Content => false,
        }
    }

    /// A file that is not read to its end is held against what its size record says: behind the content come an empty
    /// record of the extracted segment and the end record, of two bytes each, at least. That costs no further read.
    /// What is cut behind the content is seen by [`Extent::Whole`] alone.
    fn is_long_enough(&mut self, size: u64) {
        let record = self.found.value.size.filter(|size| size.data_offset > 0);
        let Some(record) = record.filter(|_| !self.found.value.complete) else {
            return;
        };
        let least = record
            .data_offset
            .saturating_add(record.data_size)
            .saturating_add(4);
        if size < least {
            self.problem(
                None,
                format!("has {size} bytes, and by its size record {least} at least: the file was cut short"),
            );
        }
    }

    /// A file with an end may still lack what every message has.
    fn missing_records(&mut self) {
        if self.found.value.sender.is_none() {
            self.problem(None, "has no sender record");
        }
        if self.found.value.arrival.is_none() {
            self.problem(None, "has no arrival time record");
        }
    }

    fn record(&mut self, kind: u8, text: &[u8], offset: u64) -> Result<(), Stop> {
        let at = Some(offset);
        match kind {
            b'R' | b'D' | b'/' => return self.recipient(kind, text, offset),
            b'S' if self.found.value.sender.is_some() => {
                self.problem(at, "has more than one sender record");
            }
            b'S' => self.found.value.sender = Some(text.to_vec()),
            b'A' => match split_nameval(text) {
                Some((name, value)) => match attribute_kind(name) {
                    Some(kind) => self.value(kind, value, at),
                    None if matches!(self.extent, Extent::Times | Extent::Head) => {}
                    None => self.found.value.push_attribute(text),
                },
                None => self.problem(at, "malformed attribute record"),
            },
            _ => self.value(kind, text, at),
        }
        Ok(())
    }

    fn recipient(&mut self, kind: u8, address: &[u8], offset: u64) -> Result<(), Stop> {
        let next = std::mem::take(&mut self.next);
        let recipients = &mut self.found.value.recipients;
        if recipients.len() >= MOST_RECIPIENTS {
            let why = format!("has more than {MOST_RECIPIENTS} recipients");
            return Err(Stop::Bad(offset, why));
        }
        recipients.push(Recipient {
            address: address.to_vec(),
            orig_address: next.orig_address,
            dsn_orig_recipient: next.dsn_orig_recipient,
            dsn_notify: next.dsn_notify,
            state: match kind {
                b'R' => RecipientState::ToDo,
                b'D' => RecipientState::Done,
                _ => RecipientState::Canceled,
            },
            offset,
        });
        Ok(())
    }

    fn value(&mut self, kind: u8, text: &[u8], at: Option<u64>) {
        let envelope = &mut self.found.value;
        match kind {
            b'C' => self.size(text, at),
            b'T' if envelope.arrival.unwrap_or_default() == Time::EPOCH => {
                let (seconds, rest) = scan_long(text).unwrap_or_default();
                envelope.arrival = Some(Time::from_seconds(seconds));
                envelope.arrival_microseconds = atol(rest).try_into().unwrap_or(0);
            }
            b'c' if envelope.create_time.is_none() => {
                envelope.create_time = Some(Time::from_seconds(atol(text)));
            }
            b'F' => envelope.full_name = Some(text.to_vec()),
            b'L' => envelope.filter = Some(text.to_vec()),
            b'>' => envelope.redirect = Some(text.to_vec()),
            b'V' if envelope.verp.is_none() => envelope.verp = Some(text.to_vec()),
            b'W' if envelope.warn_time.is_none() => {
                envelope.warn_time = Some(Time::from_seconds(atol(text)));
            }
            b'i' => envelope.dsn_envid = Some(text.to_vec()),
            b'<' => match atol(text) {
                ret @ (1 | 2) => envelope.dsn_ret = ret.try_into().ok(),
                _ => self.problem(at, "malformed DSN RET flags"),
            },
            b'O' => self.next.orig_address = Some(text.to_vec()),
            b'o' => self.next.dsn_orig_recipient = Some(text.to_vec()),
            b'n' => match u8::try_from(atol(text)) {
                Ok(flags @ 1..=15) => self.next.dsn_notify = Some(flags),
                _ => self.problem(at, "malformed DSN NOTIFY flags"),
            },
            _ => {}
        }
    }

    fn size(&mut self, text: &[u8], at: Option<u64>) {
        // Requeued mail of old Postfix versions may have a second, obsolete one (showq.c).
        if self.found.value.size.is_some() {
            return;
        }
        if !text.iter().all(|&b| b == b' ' || b.is_ascii_digit()) {
            self.problem(at, "malformed size record");
            return;
        }
        let mut rest = text;
        let mut number = || {
            let (value, after) = scan_long(rest)?;
            rest = after;
            u64::try_from(value).ok()
        };
        self.found.value.size = Some(SizeRecord {
            data_size: number().unwrap_or(0),
            data_offset: number().unwrap_or(0),
            recipients: number().unwrap_or(0),
            qmgr_flags: number().unwrap_or(0),
            content_length: number().unwrap_or(0),
            sendopts: number().unwrap_or(0),
        });
    }

    /// From the first content record to the extracted segment.
    fn skip_content<S: Source + ?Sized>(
        &mut self,
        records: &mut Records<'_, S>,
    ) -> Result<(), Stop> {
        let start = records.position();
        let size = self.found.value.size.filter(|size| size.data_offset > 0);
        if let Some(size) = size.filter(|_| self.extent != Extent::Content) {
            let end = start.saturating_add(size.data_size);
            if size.data_offset == start && records.extracted_at(end) {
                records.jump(end)?;
            } else {
                self.problem(Some(start), "the size record does not match the content");
            }
        }
        loop {
            let record = records.next()?;
            match record.kind {
                b'X' => return Ok(()),
                b'L' | b'N' => {}
                kind => {
                    let kind = kind.escape_ascii();
                    let why = format!("unexpected record of type {kind} in the content");
                    return Err(Stop::Bad(record.offset, why));
                }
            }
        }
    }
}

/// Attributes that stand for a record type (global/rec_attr_map.c).
fn attribute_kind(name: &[u8]) -> Option<u8> {
    match name {
        b"dsn_orig_rcpt" => Some(b'o'),
        b"notify_flags" => Some(b'n'),
        b"envelope_id" => Some(b'i'),
        b"ret_flags" => Some(b'<'),
        b"create_time" => Some(b'c'),
        _ => None,
    }
}
