//! The lines of a log, handed on as events, and what is seen of the log on the way.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use super::clock::Clock;
use super::event::{Event, Sink};
use super::extract::Extractor;
use super::header;
use super::json;
use super::lines::{self, Needles};
use super::seen::{Seen, line_ends};
use super::stamp::Stamp;
use super::unread::Why;
use super::unread::looks_like_delivery;
use crate::Time;
use crate::problem::Position;

/// This many lines in a row after the window end the reading of a compressed log; one with a wrong clock does not.
const PAST: u64 = 5_000;

/// Line numbers are counted in so much of a file: more would take longer than the figures did.
const COUNTED: u64 = 1 << 30;

/// How the lines of a stretch are counted.
#[derive(Debug, Clone, Copy)]
pub(super) enum From {
    /// It begins at this byte of its file.
    Byte(u64),
    /// It is read from front to back, from the first line on.
    Start,
}

impl From {
    /// The place of a byte of a block, which begins so many bytes, and lines, behind the beginning.
    fn place(self, (bytes, lines): (u64, u64), block: &[u8], at: usize) -> Position {
        match self {
            Self::Byte(start) => {
                let at = u64::try_from(at).unwrap_or(0);
                Position::Byte(start.saturating_add(bytes).saturating_add(at))
            }
            Self::Start => {
                let above = line_ends(block.get(..at).unwrap_or_default());
                Position::Line(lines.saturating_add(above).saturating_add(1))
            }
        }
    }
}

/// Hands on the events of a stretch of whole lines, and takes note in `seen`.
pub(super) fn events<S: Sink>(
    reader: impl Read,
    json: bool,
    from: From,
    extractor: &mut Extractor,
    sink: &mut S,
    seen: &mut Seen,
) -> io::Result<()> {
    let needles = match json {
        true => Needles::new(&[]),
        false => extractor.wanted.needles(),
    };
    let mut before = 0_u64;
    let mut ends = Ends::default();
    let mut clock = extractor.clock.clone();
    // Nothing but zero bytes so far.
    let mut is_front = matches!(from, From::Start | From::Byte(0));
    let outcome = lines::blocks(reader, |offset, block| {
        let mut met = false;
        // Up to here, it was looked for silences.
        let mut heard = 0;
        let place_of = |at: usize| from.place((offset, before), block, at);
        seen.look_for_blanks(block, is_front, place_of);
        is_front = is_front && block.iter().all(|byte| *byte == 0);
        needles.each(block, |at, line, controls| {
            let place = || place_of(at);
            let mut on = |event: &Event<'_>| met |= hand_on(event, line, place, sink, seen);
            extractor.may_hold_controls = controls;
            if is_plain(line) && !json {
                if let Some(event) = extractor.line(line) {
                    on(&event);
                }
            } else if of_any_form(line, json, extractor, on).is_none() {
                seen.broken(place());
            }
            let is_strangers = std::mem::take(&mut extractor.is_strangers);
            seen.strangers = seen.strangers.saturating_add(is_strangers.into());
            if let Some(why) = extractor.doubt.take() {
                seen.doubtful(place(), line, why);
            }
            if let Some(time) = extractor.met.take() {
                let unheard = block.get(heard..at).unwrap_or_default();
                seen.silences.until(time, unheard, extractor);
                heard = at;
            }
        });
        let unheard = block.get(heard..).unwrap_or_default();
        seen.silences.rest(unheard, extractor);
        seen.is_postfix |= met;
        seen.look(block, extractor.wanted.filtered);
        if matches!(from, From::Start) {
            before = before.saturating_add(line_ends(block));
            ends.look(block);
        }
        !(sink.is_done() || matches!(from, From::Start) && extractor.past > PAST)
    });
    if extractor.is_timed() {
        seen.add_times(ends.times(&mut clock, extractor));
    }
    outcome
}

/// Takes note of an event, and hands it on if it is one. Is it Postfix's?
#[inline]
fn hand_on<S: Sink>(
    event: &Event<'_>,
    line: &[u8],
    place: impl Fn() -> Position,
    sink: &mut S,
    seen: &mut Seen,
) -> bool {
    match event {
        Event::Delivery(_) => {
            seen.deliveries = seen.deliveries.saturating_add(1);
            sink.event(event);
            true
        }
        Event::Unparsed { tag: b"", why, .. } => {
            seen.unread(Some(place()), line, *why, true);
            false
        }
        Event::Unparsed { tag, why, .. } if why.may_be_foreign() && !sink.knows(tag) => false,
        Event::Unparsed { tag, time, why, .. } => {
            if sink.counts(tag, *time) {
                seen.unread(Some(place()), line, *why, false);
            }
            sink.event(event);
            !why.may_be_foreign()
        }
        Event::Dropped(lost) => {
            seen.lost(place(), lost);
            false
        }
        event => {
            sink.event(event);
            true
        }
    }
}

/// Is there certainly no object of JSON in the line? Nearly every line that is looked at begins with its time, and ends
/// as a delivery does.
#[inline]
fn is_plain(line: &[u8]) -> bool {
    line.first().is_some_and(u8::is_ascii_alphanumeric) && line.last() != Some(&b'}')
}

/// Hands on the events of a line, which may be an object of JSON. Nothing if the line is not of the log's kind.
fn of_any_form(
    line: &[u8],
    json: bool,
    extractor: &mut Extractor,
    mut on: impl FnMut(&Event<'_>),
) -> Option<()> {
    let object = match json::is_object(line) {
        true => Some(line),
        // grep puts the file's name in front.
        false if json || !line.ends_with(b"}") => None,
        false => header::behind_file(line)
            .map(|c| c.0)
            .filter(|l| json::is_object(l)),
    };
    // An object's text may have them as escapes.
    extractor.may_hold_controls |= object.is_some();
    if let Some(object) = object {
        if !json::line(object, extractor, &mut on) {
            if !looks_like_delivery(line) {
                return None;
            }
            let why = Why::NoJson;
            let (host, tag, time) = (&b""[..], &b""[..], None);
            on(&Event::Unparsed {
                host,
                tag,
                time,
                why,
            });
        }
    } else if json && header::read(line).is_err() && !looks_like_delivery(line) {
        return line.trim_ascii().is_empty().then_some(());
    } else if let Some(event) = extractor.line(line) {
        on(&event);
    }
    Some(())
}

/// The times at the two ends of what is read from front to back.
#[derive(Default)]
struct Ends {
    first: Option<Stamp>,
    last: Option<Stamp>,
}

impl Ends {
    /// The first and the last line with a time, of a block's first and last few.
    fn look(&mut self, block: &[u8]) {
        const FEW: usize = 20;
        if self.first.is_none() {
            self.first = block.split(|b| *b == b'\n').take(FEW).find_map(stamp_of);
        }
        let last = block.rsplit(|b| *b == b'\n').take(FEW).find_map(stamp_of);
        self.last = last.or(self.last);
    }

    /// `before` is the clock at the beginning.
    fn times(&self, before: &mut Clock, extractor: &Extractor) -> Option<std::ops::Range<Time>> {
        let first = before.place(self.first?)?;
        let last = extractor.clock.clone().place(self.last?)?;
        Some(first.min(last)..last.max(first))
    }
}

/// The time of any line.
pub(super) fn stamp_of(line: &[u8]) -> Option<Stamp> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match line.first() {
        Some(b'{') => json::stamp_of(line),
        _ => header::stamp_of(line),
    }
}

/// The numbers of the lines of a file that `seen` names by their bytes.
pub(super) fn number_lines(file: &File, seen: &mut Seen) -> io::Result<()> {
    let mut buffer = vec![0; lines::BLOCK];
    let (mut at, mut lines) = (0_u64, 1_u64);
    for position in seen.positions() {
        let Position::Byte(byte) = *position else {
            continue;
        };
        if byte > COUNTED || byte < at {
            continue;
        }
        while at < byte {
            let left = usize::try_from(byte.saturating_sub(at)).unwrap_or(usize::MAX);
            let want = left.min(buffer.len());
            let read = file.read_at(buffer.get_mut(..want).unwrap_or_default(), at)?;
            if read == 0 {
                return Ok(());
            }
            let text = buffer.get(..read).unwrap_or_default();
            lines = lines.saturating_add(line_ends(text));
            at = at.saturating_add(u64::try_from(read).unwrap_or(0));
        }
        *position = Position::Line(lines);
    }
    Ok(())
}
