//! Entries into events, and an account of those that are not.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read};
use std::ops::Range;

use super::export::{self, Entry, number};
use super::trust::{Origin, is_postfix_unit};
use super::{DROPPED, Journal};
use crate::log::event::{Event, Sink};
use crate::log::extract::Extractor;
use crate::log::header::Header;
use crate::log::lines::BLOCK;
use crate::log::read::{self, Lost, Options, Reading};
use crate::log::seen::Seen;
use crate::log::stamp::Stamp;
use crate::problem::Problem;
use crate::time::Time;
use crate::words::{count, either};
use crate::zone::Zone;

/// At most this many units whose messages were dropped are distinguished.
const MOST_UNITS: usize = 500;

/// Messages of a unit that journald dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dropped {
    messages: u64,
    /// When journald first and last said so.
    first: Time,
    last: Time,
}

/// Takes the entries of one run of journalctl.
pub(super) struct Intake<'a> {
    journal: &'a Journal,
    extractor: Extractor,
    /// The window of which this is a share.
    asked: Option<Range<Time>>,
    /// Units that Postfix logs from here, and units whose messages were dropped.
    units: BTreeSet<Vec<u8>>,
    lost: BTreeMap<Vec<u8>, Dropped>,
    bytes: u64,
    /// Was there an entry, beside what is said of those that were dropped?
    pub(super) has_mail: bool,
    unknown: u64,
    strangers: u64,
    seen: Seen,
    zone: Zone,
}

impl<'a> Intake<'a> {
    pub(super) fn new(journal: &'a Journal, options: &Options<'_>, window: Range<Time>) -> Self {
        let asked = options.window.clone();
        let options = Options {
            window: Some(window),
            ..options.clone()
        };
        Self {
            journal,
            asked,
            extractor: read::extractor(&options, options.now),
            units: BTreeSet::new(),
            lost: BTreeMap::new(),
            bytes: 0,
            has_mail: false,
            unknown: 0,
            strangers: 0,
            seen: Seen::default(),
            zone: options.zone,
        }
    }

    /// Takes all that journalctl prints; what went wrong.
    pub(super) fn all<S: Sink>(&mut self, output: impl Read, sink: &mut S) -> Option<Problem> {
        self.each(output, |intake, entry| {
            intake.entry(entry, sink);
            !sink.is_done()
        })
    }

    /// Hands entry after entry to `take`, which says whether to go on.
    pub(super) fn each(
        &mut self,
        output: impl Read,
        mut take: impl FnMut(&mut Self, &Entry<'_>) -> bool,
    ) -> Option<Problem> {
        let mut counted = Counted(output, 0);
        let reader = BufReader::with_capacity(BLOCK, &mut counted);
        let read = export::entries(reader, |entry| take(self, entry));
        self.bytes = self.bytes.saturating_add(counted.1);
        let what = |e| format!("reading what journalctl prints stopped: {e}");
        read.err()
            .map(|e| Problem::new(self.journal.place(), what(e)))
    }

    /// Hands on the event in an entry, if it is one that is asked for and its sender is to be believed.
    pub(super) fn entry<S: Sink>(&mut self, entry: &Entry<'_>, sink: &mut S) {
        if let (Some(time), Some(asked)) = (entry.time, &self.asked) {
            self.seen.silences.line(time, asked);
        }
        self.has_mail |= entry.id != DROPPED.as_bytes();
        // Anyone may send this message id; only journald itself is its own driver.
        if entry.id == DROPPED.as_bytes() && entry.sender.transport == b"driver" {
            self.dropped(entry);
            return;
        }
        let header = Header {
            stamp: entry.time.map(Stamp::Instant),
            host: entry.host,
            program: entry.identifier,
            message: entry.message,
        };
        let event = match self.extractor.message(&header) {
            // journald's own reports were met above.
            None | Some(Event::Dropped(_)) => return,
            Some(Event::Unparsed { tag, why, .. })
                if tag.is_empty() || why.may_be_foreign() && !sink.knows(tag) =>
            {
                return;
            }
            Some(event) => event,
        };
        match self.journal.trust.origin(entry.identifier, &entry.sender) {
            Origin::Own => {
                if !self.units.contains(entry.sender.unit) {
                    self.units.insert(entry.sender.unit.to_vec());
                }
                self.seen.is_postfix = true;
                if let Event::Unparsed { tag, time, why, .. } = event
                    && sink.counts(tag, time)
                {
                    self.seen.unread(None, &line(entry, self.zone), why, false);
                }
                sink.event(&event);
            }
            Origin::Unknown => self.unknown = self.unknown.saturating_add(1),
            Origin::Stranger => self.strangers = self.strangers.saturating_add(1),
        }
    }

    /// `Suppressed 225 messages from postfix@aol\x2da.service`, and the number once more in a field.
    fn dropped(&mut self, entry: &Entry<'_>) {
        let window = self.extractor.window.as_ref();
        let Some(time) = entry
            .time
            .filter(|time| window.is_none_or(|w| w.contains(time)))
        else {
            return;
        };
        let from = b" messages from ";
        let at = memchr::memmem::find(entry.message, from);
        let unit = at.and_then(|at| entry.message.get(at.saturating_add(from.len())..));
        let unit = unit.unwrap_or_default();
        if !self.lost.contains_key(unit) && self.lost.len() >= MOST_UNITS {
            return;
        }
        let lost = self.lost.entry(unit.to_vec()).or_insert(Dropped {
            messages: 0,
            first: time,
            last: time,
        });
        lost.messages = lost
            .messages
            .saturating_add(number(entry.dropped).unwrap_or(1));
        lost.first = lost.first.min(time);
        lost.last = lost.last.max(time);
    }

    /// Adds what it met to those of other runs over the same journal.
    pub(super) fn add(&mut self, other: Self) {
        self.units.extend(other.units);
        for (unit, theirs) in other.lost {
            self.lost
                .entry(unit)
                .and_modify(|mine| {
                    mine.messages = mine.messages.saturating_add(theirs.messages);
                    mine.first = mine.first.min(theirs.first);
                    mine.last = mine.last.max(theirs.last);
                })
                .or_insert(theirs);
        }
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.has_mail |= other.has_mail;
        self.unknown = self.unknown.saturating_add(other.unknown);
        self.strangers = self.strangers.saturating_add(other.strangers);
        self.seen.join(other.seen);
    }

    /// What was read, and what of it does not count.
    pub(super) fn report(self, zone: Zone, mut problems: Vec<Problem>) -> Reading {
        let place = self.journal.place();
        let ours = self
            .lost
            .iter()
            .filter(|(unit, _)| is_postfix_unit(unit) || self.units.contains(*unit));
        let lost: Vec<Lost> = ours
            .map(|(unit, dropped)| Lost {
                messages: dropped.messages,
                reported: (dropped.first, dropped.last),
                problem: Problem::new(place, what_is_lost(unit, dropped, zone)),
            })
            .collect();
        problems.extend(lost.iter().map(|lost| lost.problem.clone()));
        if self.unknown > 0 {
            problems.push(Problem::new(place, what_is_unknown(self.unknown)));
        }
        Reading {
            read: self.bytes,
            lost,
            strangers: self.strangers,
            seen: self.seen,
            problems,
            ..Reading::new(place, None)
        }
    }
}

/// An entry as the line of a log, for people. Its time is journald's.
fn line(entry: &Entry<'_>, zone: Zone) -> Vec<u8> {
    let time = entry.time.and_then(|time| zone.at(time));
    let time = time.map_or_else(String::new, |time| time.to_rfc3339());
    let parts = [
        time.as_bytes(),
        b" ",
        entry.identifier,
        b": ",
        entry.message,
    ];
    parts.concat()
}

fn what_is_lost(unit: &[u8], dropped: &Dropped, zone: Zone) -> String {
    let time = |at: Time| match zone.at(at) {
        Some(local) => local.format("%Y-%m-%d %H:%M:%S").to_string(),
        None => "an unknown time".to_owned(),
    };
    let (first, last) = (time(dropped.first), time(dropped.last));
    let when = match first == last {
        true => format!("before {last}"),
        false => format!("before {first} and until {last}"),
    };
    format!(
        "journald's rate limit dropped {} of {} {when}, which {} not counted. hint: systemctl edit postfix@.service, \
         LogRateLimitBurst=100000000 under [Service], and restart the instance",
        count(dropped.messages, "message"),
        String::from_utf8_lossy(unit),
        either(dropped.messages, "is", "are")
    )
}

fn what_is_unknown(entries: u64) -> String {
    format!(
        "{} of root or the mail owner, with Postfix's tags, cannot be shown to be Postfix's (journald noted neither a \
         unit nor a program) and {} not counted",
        count(entries, "entry"),
        either(entries, "is", "are")
    )
}

/// Counts the bytes that pass.
struct Counted<R>(R, u64);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(to)?;
        self.1 = self.1.saturating_add(u64::try_from(read).unwrap_or(0));
        Ok(read)
    }
}
