//! Reading a line from the left, a piece at a time.

/// What is left of a line. Every method either takes something off the front or leaves the line as it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    /// Takes `literal`, if the line goes on with it.
    #[inline]
    pub(super) fn eat(&mut self, literal: &[u8]) -> bool {
        match self.0.strip_prefix(literal) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Takes the bytes up to the first that `stop` is true for, or all.
    #[inline]
    pub(super) fn until(&mut self, stop: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|&b| stop(b)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    /// Takes blanks.
    #[inline]
    pub(super) fn blanks(&mut self) {
        // Nearly always it is one.
        if let [b' ', rest @ ..] = self.0
            && rest.first().is_some_and(|b| *b > b' ')
        {
            self.0 = rest;
            return;
        }
        self.until(|b| b != b' ' && b != b'\t');
    }

    /// Takes what comes before the next blank. Empty at a blank and at the end.
    #[inline]
    pub(super) fn word(&mut self) -> &'a [u8] {
        self.to([b' ', b' '])
    }

    /// Takes the bytes up to the first of the two, or all.
    #[inline]
    pub(super) fn to(&mut self, stops: [u8; 2]) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(near(self.0, stops));
        self.0 = rest;
        taken
    }

    /// Takes a decimal number of `min` to `max` digits (at most 18).
    #[inline]
    pub(super) fn number(&mut self, min: usize, max: usize) -> Option<u64> {
        let digits = self
            .0
            .iter()
            .take(max)
            .take_while(|b| b.is_ascii_digit())
            .count();
        if digits < min {
            return None;
        }
        let (taken, rest) = self.0.split_at(digits);
        self.0 = rest;
        Some(taken.iter().fold(0, |n: u64, b| {
            n.wrapping_mul(10)
                .wrapping_add(u64::from(b.wrapping_sub(b'0')))
        }))
    }

    /// The first byte.
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }
}

/// Where the first of two bytes is, or the length: eight bytes at a time, since most words and values are shorter than
/// a vector search takes to begin.
#[inline]
pub(super) fn near(text: &[u8], stops: [u8; 2]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const TOPS: u64 = u64::from_le_bytes([0x80; 8]);
    let [one, two] = stops.map(|stop| u64::from_le_bytes([stop; 8]));
    // The top bit of each byte that is zero, and perhaps of some after it, where the subtraction borrowed.
    let zeros = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes & TOPS;
    let (chunks, _) = text.as_chunks();
    let mut at = 0_usize;
    for chunk in chunks {
        let bytes = u64::from_le_bytes(*chunk);
        let found = zeros(bytes ^ one) | zeros(bytes ^ two);
        if found != 0 {
            return at.wrapping_add((found.trailing_zeros() >> 3) as usize);
        }
        at = at.wrapping_add(8);
    }
    let tail = text.get(at..).unwrap_or_default();
    let end = tail.iter().position(|b| stops.contains(b));
    at.wrapping_add(end.unwrap_or(tail.len()))
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn the_nearest_is_found_wherever_it_stands() {
        // Bytes one below and one above a stop, and their like with the top bit, are what the arithmetic could mistake.
        let others = [b'+', b'-', b'\x1f', b'!', 0xac, 0xa0, 0, 0xff];
        for length in 0..40 {
            let text: Vec<u8> = others.iter().cycle().take(length).copied().collect();
            assert_eq!(near(&text, [b',', b' ']), length);
            for at in 0..length {
                for stop in [b',', b' '] {
                    let mut text = text.clone();
                    text[at] = stop;
                    assert_eq!(near(&text, [b',', b' ']), at, "{text:?}");
                    text[length - 1] = b',';
                    assert_eq!(near(&text, [b',', b' ']), at, "{text:?}");
                }
            }
        }
    }
}
