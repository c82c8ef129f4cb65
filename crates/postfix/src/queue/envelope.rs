//! The envelope of a queue file: all that Postfix keeps about a message except its content.

use std::path::Path;

use super::ctype::{atol, c_str, scan_long, split_nameval};
use super::record::{Records, Source, Stop};
use crate::{Parsed, Position, Problem};

/// Record types that may stand before or after the message content (REC_TYPE_ENVELOPE and REC_TYPE_EXTRACT in
/// global/rec_type.h; the queue manager takes them in either place).
const ENVELOPE_TYPES: &[u8] = b"MCTcFILSDRO/WVA>K<ionEPre";
/// Types of the first record of a sound file.
const FIRST_TYPES: &[u8] = b"CTFILSRA>cW";
/// A file of nothing but recipients must not fill the memory.
const MOST_RECIPIENTS: usize = 1_000_000;
/// Problems told about one file.
const MOST_PROBLEMS: usize = 8;

/// What was recorded about a message. Addresses are in Postfix's internal form: not quoted, perhaps not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// `C`: the size record. A local submission that waits in maildrop has none.
    pub size: Option<SizeRecord>,
    /// `T`: when the message arrived, seconds since 1970 (UTC). Kept when mail is requeued.
    pub arrival: Option<i64>,
    /// Microseconds of [`Self::arrival`], where recorded.
    pub arrival_microseconds: u32,
    /// `c` or `create_time=`: when this queue file was made, seconds since 1970 (UTC). The expiry clock starts here.
    pub create_time: Option<i64>,
    /// `F`: the sender's full name.
    pub full_name: Option<Vec<u8>>,
    /// `S`: the sender; empty for a notification.
    pub sender: Option<Vec<u8>>,
    /// `R`, `D`, `/`: the recipients in the order of the file.
    pub recipients: Vec<Recipient>,
    /// `L`: TRANSPORT:NEXTHOP of a content filter (FILTER action or content_filter).
    pub filter: Option<Vec<u8>>,
    /// `>`: where a REDIRECT action sends the message instead.
    pub redirect: Option<Vec<u8>>,
    /// `V`: VERP delimiters.
    pub verp: Option<Vec<u8>>,
    /// `W`: when the sender is to be warned of the delay, seconds since 1970 (UTC); negative once that was done.
    pub warn_time: Option<i64>,
    /// `envelope_id=`: the sender's DSN envelope id, xtext-encoded.
    pub dsn_envid: Option<Vec<u8>>,
    /// `ret_flags=`: what a bounce is to return: 1 the message, 2 its header.
    pub dsn_ret: Option<u8>,
    /// `A`: `name=value`, each with a NUL behind it: one allocation for all.
    attributes: Vec<u8>,
    /// Was the end record reached? If not, the queue manager takes the file for corrupt.
    pub complete: bool,
}

/// The `C` record (REC_TYPE_SIZE_FORMAT in global/rec_type.h). What an older Postfix did not write is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SizeRecord {
    /// Bytes from the first content record to the extracted segment: what showq(8) gives as the message's size.
    pub data_size: u64,
    /// Offset of the first content record.
    pub data_offset: u64,
    /// Recipients when the file was made.
    pub recipients: u64,
    /// Hints for the queue manager (global/qmgr_user.h).
    pub qmgr_flags: u64,
    /// Bytes of the message itself, as logged by the queue manager.
    pub content_length: u64,
    /// SMTPUTF8 and REQUIRETLS flags (global/sendopts.h); bit 0: SMTPUTF8 was asked for.
    pub sendopts: u64,
}

/// A recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The address that mail goes to, after rewriting and aliases.
    pub address: Vec<u8>,
    /// `O`: the address as the sender gave it.
    pub orig_address: Option<Vec<u8>>,
    /// `dsn_orig_rcpt=`: ORCPT, `rfc822;user@example.com`.
    pub dsn_orig_recipient: Option<Vec<u8>>,
    /// `notify_flags=`: NOTIFY; bits are 1 NEVER, 2 SUCCESS, 4 FAILURE, 8 DELAY (global/dsn_mask.h).
    pub dsn_notify: Option<u8>,
    /// Is there anything left to do?
    pub state: RecipientState,
    /// Offset of the recipient's record, by which defer logs name it.
    pub offset: u64,
}

/// What became of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientState {
    /// `R`: waits for delivery.
    ToDo,
    /// `D`: delivered or bounced.
    Done,
    /// `/`: taken out by a milter.
    Canceled,
}

impl Envelope {
    /// The recipients that wait for delivery.
    pub fn to_do(&self) -> impl Iterator<Item = &Recipient> {
        self.recipients
            .iter()
            .filter(|r| r.state == RecipientState::ToDo)
    }

    /// All attributes (`A`) in the order of the file, but for those that have a field of their own.
    pub fn attributes(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        self.attributes.split(|&b| b == 0).filter_map(split_nameval)
    }

    /// The value of the last attribute `name`, such as `log_client_address` or `sasl_username`.
    pub fn attribute(&self, name: &str) -> Option<&[u8]> {
        let mut found = self.attributes().rev();
        found
            .find(|(n, _)| *n == name.as_bytes())
            .map(|(_, value)| value)
    }

    /// Was SMTPUTF8 asked for by the sender?
    pub fn smtputf8(&self) -> bool {
        self.size.is_some_and(|size| size.sendopts & 1 != 0)
    }
}

/// How far to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// To the sender: sizes, times, sender, but no recipient.
    Head,
    /// To the end record.
    Whole,
}

/// Reads the envelope of a queue file of `size` bytes.
///
/// The content is passed over unread where the size record says how long it is; where there is none (local
/// submissions), record by record. `path` is for messages only. `buffer` is working memory for reuse.
pub fn read_envelope<S: Source + ?Sized>(
    source: &S,
    size: u64,
    path: &Path,
    buffer: &mut Vec<u8>,
) -> Parsed<Envelope> {
    read(source, size, path, buffer, Extent::Whole)
}

pub(super) fn read<S: Source + ?Sized>(
    source: &S,
    size: u64,
    path: &Path,
    buffer: &mut Vec<u8>,
    extent: Extent,
) -> Parsed<Envelope> {
    let mut records = Records::new(source, size, buffer);
    let mut collector = Collector {
        path,
        extent,
        found: Parsed::default(),
        next: NextRecipient::default(),
    };
    match collector.read(&mut records) {
        Ok(()) => {}
        Err(Stop::End) if size == 0 => collector.problem(None, "is empty"),
        Err(stop) => {
            let problem = stop.problem(path, "has no end record: it was cut short");
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
                    if kind == b'S' && self.extent == Extent::Head {
                        return Ok(());
                    }
                }
                kind => {
                    let kind = kind.escape_ascii();
                    let what = format!("unexpected record of type {kind}");
                    self.problem(Some(record.offset), what);
                }
            }
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
                    None if self.extent == Extent::Head => {}
                    None => {
                        let attributes = &mut self.found.value.attributes;
                        attributes.extend_from_slice(text);
                        attributes.push(0);
                    }
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
            b'T' if envelope.arrival.unwrap_or(0) == 0 => {
                let (seconds, rest) = scan_long(text).unwrap_or_default();
                envelope.arrival = Some(seconds);
                envelope.arrival_microseconds = atol(rest).try_into().unwrap_or(0);
            }
            b'c' if envelope.create_time.is_none() => envelope.create_time = Some(atol(text)),
            b'F' => envelope.full_name = Some(text.to_vec()),
            b'L' => envelope.filter = Some(text.to_vec()),
            b'>' => envelope.redirect = Some(text.to_vec()),
            b'V' if envelope.verp.is_none() => envelope.verp = Some(text.to_vec()),
            b'W' if envelope.warn_time.is_none() => envelope.warn_time = Some(atol(text)),
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
        if let Some(size) = self.found.value.size.filter(|size| size.data_offset > 0) {
            let end = start.saturating_add(size.data_size);
            if size.data_offset == start && records.extracted_at(end) {
                records.jump(end)?;
            } else {
                self.problem(Some(start), "the size record does not fit the content");
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
