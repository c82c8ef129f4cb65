//! What spamd(8p) says of a message it has scored (SpamAssassin `spamd/spamd.raw`, `check`):
//!
//! ```text
//! spamd: identified spam (1000.0/5.0) for USER:UID in 1.2 seconds, 812 bytes.
//! spamd: result: Y 1000 - GTUBE,… scantime=1.2,size=812,user=USER,uid=UID,required_score=5.0,…,mid=<…>,autolearn=no
//! ```
//!
//! USER may be a recipient's name, which a stranger chose: what comes before it is read from the left, what comes after
//! it from the right, where no later field may hold a comma.

use memchr::memmem;

use super::super::cursor::Cursor;
use super::super::header::Header;
use super::super::stamp;
use super::Scan;

/// The head of a line that spamd wrote into a file of its own (`spamd -s FILE`): a time, `[PID]`, `info:`.
pub(in super::super) fn own_line(line: &[u8]) -> Option<Header<'_>> {
    let mut c = Cursor(line);
    let stamp = stamp::take(&mut c)?;
    if !c.eat(b" [") {
        return None;
    }
    c.number(1, 10)?;
    c.eat(b"] info: ").then_some(Header {
        stamp: Some(stamp),
        host: b"",
        program: b"spamd",
        message: c.0,
    })
}

/// Reads a message of spamd. The inner `None` is a line that begins as one of the two and cannot be read: cut short,
/// say.
pub(in super::super) fn scanned(message: &[u8]) -> Option<Option<Scan<'_>>> {
    let mut c = Cursor(message);
    if c.eat(b"spamd: result: ") {
        let found = result(c);
        return (found.is_some() || !is_foreign(c)).then_some(found);
    }
    if c.eat(b"spamd: identified spam (") {
        return Some(summary(c, true));
    }
    if c.eat(b"spamd: clean message (") {
        return Some(summary(c, false));
    }
    None
}

/// `1000.0/5.0) for USER:UID in 1.2 seconds, 812 bytes.`
fn summary(mut c: Cursor<'_>, spam: bool) -> Option<Scan<'_>> {
    let score = number(c.to([b'/', b' ']))?;
    if !c.eat(b"/") {
        return None;
    }
    let threshold = number(c.to([b')', b' ']))?;
    if !c.eat(b") for ") {
        return None;
    }
    let (_, timed) = split_last(c.0, b" in ")?;
    let mut c = Cursor(timed);
    let seconds = tenths(c.word())?;
    if !c.eat(b" seconds, ") {
        return None;
    }
    let size = c.number(1, 18)?;
    (c.0 == b" bytes.").then_some(Scan {
        time: None,
        spam,
        score,
        threshold,
        took: (seconds, size),
        message_id: None,
    })
}

/// `Y 1000 - TESTS scantime=1.2,size=812,…`
fn result(mut c: Cursor<'_>) -> Option<Scan<'_>> {
    let spam = c.eat(b"Y");
    if !spam && !c.eat(b".") {
        return None;
    }
    c.blanks();
    let score = number(c.word())?;
    if !c.eat(b" - ") {
        return None;
    }
    // Names of tests, by commas; none, perhaps.
    c.word();
    if !c.eat(b" scantime=") {
        return None;
    }
    let seconds = tenths(c.to([b',', b' ']))?;
    if !c.eat(b",size=") {
        return None;
    }
    let size = c.number(1, 18)?;
    let (fields, last) = split_last(c.0, b",mid=")?;
    let (_, threshold) = split_last(fields, b",required_score=")?;
    let message_id = Cursor(last).to([b',', b' ']);
    Some(Scan {
        time: None,
        spam,
        score,
        threshold: number(Cursor(threshold).to([b',', b' ']))?,
        took: (seconds, size),
        message_id: Some(message_id),
    })
}

/// Is it whole, and another program's? SpamAssassin says the size ahead of the Message-Id, since it began such a line
/// with `spamd:` (3.1).
fn is_foreign(c: Cursor<'_>) -> bool {
    let holds = |mark: &[u8]| memmem::find(c.0, mark).is_some();
    holds(b",mid=") && !holds(b",size=")
}

fn split_last<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memmem::rfind(text, mark)?;
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, rest.strip_prefix(mark)?))
}

/// `-0.1`, `1002`: a sign perhaps, digits, a fraction perhaps.
fn number(text: &[u8]) -> Option<f64> {
    const LONGEST: usize = 20;
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let plain = digits.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    if !plain || text.len() > LONGEST || !digits.first()?.is_ascii_digit() {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Seconds with one digit of fraction, in tenths.
fn tenths(text: &[u8]) -> Option<u64> {
    let mut c = Cursor(text);
    let whole = c.number(1, 12)?;
    let tenth = match c.eat(b".") {
        true => c.number(1, 1)?,
        false => 0,
    };
    c.0.is_empty()
        .then(|| whole.saturating_mul(10).saturating_add(tenth))
}
