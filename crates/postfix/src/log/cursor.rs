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
        self.until(|b| b != b' ' && b != b'\t');
    }

    /// Takes what stands before the next blank. Empty at a blank and at the end.
    #[inline]
    pub(super) fn word(&mut self) -> &'a [u8] {
        let end = memchr::memchr(b' ', self.0).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
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
