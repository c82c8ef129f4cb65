//! Enhanced status codes and reply codes, and patterns of them.

/// An enhanced status code: class, subject, detail (RFC 3463).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct Dsn(pub(super) [u16; 3]);

impl Dsn {
    pub(in super::super) fn parse(code: &[u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(code).ok()?.split('.');
        let mut next = || parts.next()?.parse().ok();
        let found = [next()?, next()?, next()?];
        parts.next().is_none().then_some(Self(found))
    }

    /// `x.0.0`: what Postfix puts where the server gave none (src/global/dsn_util.c), and what says no more than the
    /// reply code.
    pub(in super::super) fn says_nothing(self) -> bool {
        self.0[1] == 0 && self.0[2] == 0
    }
}

/// `5.1.1`, `5.7.*`, `*.4.7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DsnPattern([Option<u16>; 3]);

impl DsnPattern {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let mut next = || match parts.next()? {
            "*" => Some(None),
            number => number.parse().ok().map(Some),
        };
        let found = [next()?, next()?, next()?];
        parts.next().is_none().then_some(Self(found))
    }

    pub(super) fn fits(self, dsn: Dsn) -> bool {
        let mut parts = self.0.iter().zip(dsn.0);
        parts.all(|(pattern, part)| pattern.is_none_or(|p| p == part))
    }
}

/// `550`, `55*`, `4**`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StatusPattern([Option<u8>; 3]);

impl StatusPattern {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 3] = text.as_bytes().try_into().ok()?;
        let is_known = |b: &u8| b.is_ascii_digit() || *b == b'*';
        bytes
            .iter()
            .all(is_known)
            .then(|| Self(bytes.map(|b| b.is_ascii_digit().then_some(b))))
    }

    pub(super) fn fits(self, status: &[u8]) -> bool {
        let mut digits = self.0.iter().zip(status);
        digits.all(|(pattern, digit)| pattern.is_none_or(|p| p == *digit))
    }
}
