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

    /// What a final code that fits has behind its `5.`, as a regular expression; `None` where none fits.
    pub(super) fn final_code(self) -> Option<String> {
        let [class, subject, detail] = self.0;
        let part = |part: Option<u16>| part.map_or("[0-9]+".to_owned(), |n| n.to_string());
        let fits = class.is_none_or(|class| class == 5);
        fits.then(|| format!("{}[.]{}", part(subject), part(detail)))
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

    /// The final codes that fit, as a regular expression; `None` where none does.
    pub(super) fn final_codes(self) -> Option<String> {
        let [first, ..] = self.0;
        let digit = |digit: Option<u8>| match digit {
            Some(digit) => char::from(digit).to_string(),
            None => "[0-9]".to_owned(),
        };
        let fits = first.is_none_or(|first| first == b'5');
        fits.then(|| format!("5{}{}", digit(self.0[1]), digit(self.0[2])))
    }

    pub(super) fn fits(self, status: &[u8]) -> bool {
        let mut digits = self.0.iter().zip(status);
        digits.all(|(pattern, digit)| pattern.is_none_or(|p| p == *digit))
    }
}
