//! Whether a line begins with a time, without reading it: every line asks.

use super::super::cursor::Cursor;
use super::super::month;

/// The last time that was passed over, to its minute and in either form: the next line's is mostly the same, and need
/// not be looked at again.
#[derive(Debug, Clone, Copy)]
pub(in crate::log) struct Minute {
    rfc3339: [u8; 16],
    traditional: [u8; 12],
}

impl Default for Minute {
    fn default() -> Self {
        // Whatever stands here passes: it must be a time.
        Self {
            rfc3339: *b"2000-01-01T00:00",
            traditional: *b"Jan  1 00:00",
        }
    }
}

impl Minute {
    /// Takes a time of the two usual forms off the front without working out when it was: to know that a line has one
    /// is enough, and that takes longer than all the rest of a line. False for any other form, and for what may be no
    /// time: [`super::take`] decides then, so that no view of a log counts a line that another passes over.
    #[inline]
    pub(in crate::log) fn pass(&mut self, at: &mut Cursor<'_>) -> bool {
        let mut c = *at;
        if let Some((head, rest)) = c.0.split_first_chunk()
            && self.is_rfc3339(head)
        {
            c.0 = rest;
            if !fraction_and_offset(&mut c) {
                return false;
            }
        } else if let Some((head, rest)) = c.0.split_first_chunk()
            && self.is_traditional(head)
        {
            c.0 = rest;
        } else {
            return false;
        }
        let is_word = c.peek() == Some(b' ');
        if is_word {
            *at = c;
        }
        is_word
    }

    #[inline]
    fn is_rfc3339(&mut self, t: &[u8; 19]) -> bool {
        let [minute @ .., colon, s, ss] = *t;
        if minute == self.rfc3339 {
            return is_seconds([colon, s, ss]);
        }
        let is_one = is_rfc3339(t);
        if is_one {
            self.rfc3339 = minute;
        }
        is_one
    }

    #[inline]
    fn is_traditional(&mut self, t: &[u8; 15]) -> bool {
        let [minute @ .., colon, s, ss] = *t;
        if minute == self.traditional {
            return is_seconds([colon, s, ss]);
        }
        let is_one = is_traditional(t);
        if is_one {
            self.traditional = minute;
        }
        is_one
    }
}

/// `:57`
fn is_seconds([colon, s, ss]: [u8; 3]) -> bool {
    colon == b':' && (b'0'..b'6').contains(&s) && ss.is_ascii_digit()
}

/// `.123456+02:00`, either of which may be missing.
fn fraction_and_offset(c: &mut Cursor<'_>) -> bool {
    // As rsyslog writes them: `.123456+02:00 `.
    const FRACTION: Shape = Shape::new(*b".000000+");
    const OFFSET: Shape = Shape::new(*b"0+00:00 ");
    if let Some(text) = c.0.first_chunk::<14>()
        && FRACTION.fits(eight(text, 0))
        && OFFSET.fits(eight(text, 6))
    {
        c.0 = c.0.get(13..).unwrap_or_default();
        return true;
    }
    if c.eat(b".") && c.until(|b| !b.is_ascii_digit()).is_empty() {
        return false;
    }
    if c.peek() == Some(b' ') || c.eat(b"Z") {
        return true;
    }
    let Some(([b'+' | b'-', h, hh, b':', m, mm], rest)) = c.0.split_first_chunk() else {
        return false;
    };
    c.0 = rest;
    [h, hh, m, mm].iter().all(|b| b.is_ascii_digit())
}

/// Eight bytes of a text that has them.
#[inline]
fn eight(text: &[u8], at: usize) -> [u8; 8] {
    let bytes = text.get(at..).and_then(|text| text.first_chunk());
    bytes.copied().unwrap_or_default()
}

/// Can it be a time of day, by the first digits of its parts?
fn is_clock(t: [u8; 6]) -> bool {
    let [h, hh, m, _, s, _] = t;
    (h < b'2' || h == b'2' && hh < b'4') && m < b'6' && s < b'6'
}

/// Two digits.
fn two(tens: u8, ones: u8) -> u32 {
    let digit = |b: u8| u32::from(b.wrapping_sub(b'0'));
    digit(tens).wrapping_mul(10).wrapping_add(digit(ones))
}

/// Is it a day of every year?
fn is_day(month: u32, day: u32) -> bool {
    let last = match month {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=last).contains(&day)
}

/// `2026-09-19T12:22:57`
fn is_rfc3339(t: &[u8; 19]) -> bool {
    const DATE: Shape = Shape::new(*b"0000-00-");
    const DAY: Shape = Shape::new(*b"00T00:00");
    const TIME: Shape = Shape::new(*b"00:00:00");
    DATE.fits([t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]])
        && DAY.fits([t[8], t[9], t[10], t[11], t[12], t[13], t[14], t[15]])
        && TIME.fits([t[11], t[12], t[13], t[14], t[15], t[16], t[17], t[18]])
        && is_day(two(t[5], t[6]), two(t[8], t[9]))
        && is_clock([t[11], t[12], t[14], t[15], t[17], t[18]])
}

/// Eight bytes, each a digit or a given character, compared at once: every line asks.
struct Shape {
    /// The high half of a digit, all of any other character.
    mask: u64,
    /// What is there.
    is: u64,
    /// 6 for each digit: what is above 9 then shows in the high half.
    six: u64,
}

impl Shape {
    /// `0` stands for any digit, every other character for itself.
    #[allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "in a constant: a wrong index does not compile"
    )]
    const fn new(form: [u8; 8]) -> Self {
        let (mut mask, mut is, mut six) = ([0xff; 8], form, [0; 8]);
        let mut at = 0;
        while at < 8 {
            if form[at] == b'0' {
                (mask[at], is[at], six[at]) = (0xf0, b'0', 6);
            }
            at += 1;
        }
        Self {
            mask: u64::from_le_bytes(mask),
            is: u64::from_le_bytes(is),
            six: u64::from_le_bytes(six),
        }
    }

    #[inline]
    const fn fits(&self, bytes: [u8; 8]) -> bool {
        let bytes = u64::from_le_bytes(bytes);
        // Where the first holds, no byte of the sum reaches its neighbour.
        bytes & self.mask == self.is && bytes.wrapping_add(self.six) & self.mask == self.is
    }
}

/// `Sep  9 12:22:57`
fn is_traditional(t: &[u8; 15]) -> bool {
    let digits = [t[5], t[7], t[8], t[10], t[11], t[13], t[14]];
    [t[3], t[6], t[9], t[12]] == *b"  ::"
        && (t[4] == b' ' || t[4].is_ascii_digit())
        && digits.iter().all(u8::is_ascii_digit)
        && month::english([t[0], t[1], t[2]])
            .is_some_and(|month| is_day(month, two(t[4].max(b'0'), t[5])))
        && is_clock([t[7], t[8], t[10], t[11], t[13], t[14]])
}
