//! Where in a plain log a time is: binary search over the lines' own times, a few small reads instead of the file.

use crate::{Span, Time};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use memchr::{memchr, memrchr};

use super::clock::{Clock, DISORDER};
use super::events;
use super::parts::behind_hole;
use super::stamp::Stamp;
use crate::zone::Zone;

/// How much one look reads: some twenty lines.
const LOOK: usize = 4 * 1024;

/// A look goes on until it has met a line with a time, but not for ever.
const LONGEST_LOOK: u64 = 8 * 1024 * 1024;

/// Nearer than this, reading is as cheap as searching.
const NEAR: u64 = 64 * 1024;

/// How many looks it takes to be sure of the years: a year-less log that spans years must not pass one unseen.
const YEARS: u64 = 16;

/// A log's lines are nearly in the order of time: daemons write a little late, and in logs that give the host's own
/// clock an hour comes twice when summer time ends.
const EXACT_SLACK: Span = Span::from_minutes(10);
const LOCAL_SLACK: Span = Span::from_minutes(75);

/// A plain log file, to be looked at here and there.
pub(super) struct Timeline<'a> {
    file: &'a File,
    size: u64,
    zone: Zone,
    /// The file's mtime.
    latest: Time,
    /// How many bytes the looks have read.
    pub(super) read: u64,
}

/// In a quiet log one look spans days. A line that is older by more has a wrong clock.
const QUIET: Span = Span::from_days(35);

/// What a look at one place found.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// The middle one of the times of the lines there: one line with a wrong clock does not mislead.
    middle: Time,
    /// The earliest, except for lines with a wrong clock: no line from here on is older.
    earliest: Time,
    /// The latest, likewise.
    latest: Time,
    /// Do the lines say the time exactly, year and zone?
    exact: bool,
}

/// A place in the file, and the time there as far as it is known.
#[derive(Debug, Clone, Copy)]
struct Mark {
    offset: u64,
    look: Option<Look>,
}

impl Mark {
    fn earliest(self) -> Option<Time> {
        self.look.map(|look| look.earliest)
    }
}

/// A stretch of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// In bytes. May begin inside a line, which is then not part of it, and end inside one, which is.
    pub(super) bytes: Range<u64>,
    /// The time at its beginning or before.
    pub(super) after: Option<Time>,
    /// Do the lines say the time exactly? Then they can be placed in any order.
    pub(super) exact: bool,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(file: &'a File, size: u64, zone: Zone, latest: Time) -> Self {
        Self {
            file,
            size,
            zone,
            latest,
            read: 0,
        }
    }

    /// The stretch that holds every line of `window` (the whole file without one), and the time where it begins.
    pub(super) fn stretch(&mut self, window: Option<&Range<Time>>) -> io::Result<Stretch> {
        let Some(first) = self.look(0, self.latest)? else {
            return Ok(Stretch {
                bytes: 0..self.size,
                after: None,
                exact: false,
            });
        };
        let marks = self.marks(first.exact)?;
        let after = marks.first().and_then(|m| m.earliest());
        let Some(window) = window else {
            return Ok(Stretch {
                bytes: 0..self.size,
                after,
                exact: first.exact,
            });
        };
        let slack = if first.exact {
            EXACT_SLACK
        } else {
            LOCAL_SLACK
        };
        // Where most lines are older, all before are; and where none is older, none behind is.
        let (start, _) = self.search(&marks, window.start.minus(slack), |l| l.middle)?;
        let (_, end) = self.search(&marks, window.end.plus(slack), |l| l.earliest)?;
        Ok(Stretch {
            bytes: start.offset..end.offset.max(start.offset),
            after: start.earliest().or(after),
            exact: first.exact,
        })
    }

    /// The time of the first lines.
    pub(super) fn first(&mut self) -> io::Result<Option<Time>> {
        let Some(first) = self.look(0, self.latest)? else {
            return Ok(None);
        };
        Ok(self.marks(first.exact)?.first().and_then(|m| m.earliest()))
    }

    /// When the file's first and its last lines were written.
    pub(super) fn times(&mut self) -> io::Result<Option<Range<Time>>> {
        let Some(first) = self.look(0, self.latest)? else {
            return Ok(None);
        };
        let marks = self.marks(first.exact)?;
        let looks = marks.first().zip(marks.last());
        Ok(looks.and_then(|(a, b)| Some(a.look?.earliest..b.look?.latest)))
    }

    /// Places spread over the file, from its beginning. Going back from the end, each year-less time is the latest that
    /// is not later than the one after it.
    fn marks(&mut self, exact: bool) -> io::Result<Vec<Mark>> {
        let steps = if exact || self.size < NEAR { 1 } else { YEARS };
        let step = self.size.checked_div(steps).unwrap_or(0);
        let look = u64::try_from(LOOK).unwrap_or(u64::MAX);
        let mut offsets: Vec<u64> = (0..steps).map(|n| step.saturating_mul(n)).collect();
        offsets.push(self.size.saturating_sub(look));
        // Where the name says when the file ended, its last lines may be of the second in which the next one began.
        let mut latest = self.latest.plus(DISORDER);
        let mut marks = Vec::new();
        for offset in offsets.into_iter().rev() {
            if let Some(look) = self.look(offset, latest)? {
                latest = look.middle;
                marks.push(Mark {
                    offset,
                    look: Some(look),
                });
            }
        }
        marks.reverse();
        Ok(marks)
    }

    /// The last place known to lie before `time`, and the first known not to, close together. `of`: which time of a
    /// look says so.
    fn search(
        &mut self,
        marks: &[Mark],
        time: Time,
        of: impl Fn(&Look) -> Time,
    ) -> io::Result<(Mark, Mark)> {
        let before = |m: &&Mark| m.look.is_some_and(|look| of(&look) < time);
        let mut low = marks.iter().rev().find(before).copied();
        let mut high = marks.iter().find(|m| !before(m)).copied();
        if let (Some(l), Some(h)) = (low, high)
            && l.offset > h.offset
        {
            // Lines out of order by more than the slack: be generous.
            low = marks
                .iter()
                .rev()
                .find(|m| before(m) && m.offset < h.offset)
                .copied();
            high = None;
        }
        let mut low = low.unwrap_or(Mark {
            offset: 0,
            look: None,
        });
        let mut high = high.unwrap_or(Mark {
            offset: self.size,
            look: None,
        });
        while high.offset.saturating_sub(low.offset) > NEAR {
            let offset = low.offset.midpoint(high.offset);
            let latest = high
                .look
                .map_or(self.latest.plus(DISORDER), |look| look.middle);
            let Some(look) = self.look(offset, latest)? else {
                break;
            };
            let mark = Mark {
                offset,
                look: Some(look),
            };
            if of(&look) < time {
                low = mark;
            } else {
                high = mark;
            }
        }
        Ok((low, high))
    }

    /// The time of the lines behind `offset`. `latest`: when the lines behind those were written.
    fn look(&mut self, offset: u64, latest: Time) -> io::Result<Option<Look>> {
        let mut buffer = vec![0; LOOK];
        // From the beginning of a line. Each byte is looked at once: a log may hold megabytes that are no lines of it.
        let mut text = Vec::new();
        let mut is_inside = offset > 0;
        let mut at = offset;
        let limit = offset.saturating_add(LONGEST_LOOK).min(self.size);
        while at < limit {
            let read = self.file.read_at(&mut buffer, at)?;
            if read == 0 {
                break;
            }
            let bytes = u64::try_from(read).unwrap_or(u64::MAX);
            self.read = self.read.saturating_add(bytes);
            let new = buffer.get(..read).unwrap_or_default();
            at = behind_hole(self.file, new, at.saturating_add(bytes));
            let from = match is_inside {
                false => Some(0),
                true => memchr(b'\n', new).map(|end| end.saturating_add(1)),
            };
            let Some(from) = from else {
                continue;
            };
            is_inside = false;
            text.extend_from_slice(new.get(from..).unwrap_or_default());
            if let Some(look) = self.middle(&text, latest) {
                return Ok(Some(look));
            }
            // The last may have been cut within its time; but not when it is long.
            let whole = memrchr(b'\n', &text).map_or(0, |end| end.saturating_add(1));
            text.drain(..whole);
            if text.len() > LOOK {
                text.clear();
                is_inside = true;
            }
        }
        Ok(None)
    }

    fn middle(&self, lines: &[u8], latest: Time) -> Option<Look> {
        let mut times = Vec::new();
        let mut exact = 0_usize;
        // The last piece may be half a line, whose time would be whole or not be read.
        for line in lines.split(|b| *b == b'\n') {
            let Some(stamp) = events::stamp_of(line) else {
                continue;
            };
            if matches!(stamp, Stamp::Instant(_)) {
                exact = exact.saturating_add(1);
            }
            times.extend(Clock::new(self.zone, latest).place(stamp));
        }
        times.sort_unstable();
        let middle = *times.get(times.len().div_euclid(2))?;
        let near = middle.minus(QUIET)..=middle.plus(QUIET);
        Some(Look {
            middle,
            earliest: *times.iter().find(|time| near.contains(time))?,
            latest: *times.iter().rfind(|time| near.contains(time))?,
            exact: exact.saturating_mul(2) > times.len(),
        })
    }
}

#[cfg(test)]
mod tests;
