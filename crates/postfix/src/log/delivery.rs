//! The message of a delivery attempt, read strictly from the left.
//!
//! Written by Postfix `src/global/log_adhoc.c`; fields came and went: `conn_use`, `delays` and `dsn` are absent before
//! 2.3, `tls` came with 3.11. Whatever a stranger chose (the addresses, the reply) is in brackets that are closed
//! before the next field is looked for, so that no text can pass for a field.

use super::attempt::{Delays, Relay, Status};
use super::cursor::{Cursor, near};
use super::unread::{MOST_DELIVERIES, Why};

/// What the message says, before it is known whose it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Attempt<'a> {
    pub(super) queue_id: &'a [u8],
    pub(super) recipient: &'a [u8],
    pub(super) orig_recipient: Option<&'a [u8]>,
    pub(super) relay: Option<&'a [u8]>,
    pub(super) delay: Option<&'a [u8]>,
    pub(super) delays: Option<&'a [u8]>,
    pub(super) dsn: Option<&'a [u8]>,
    pub(super) status: Word,
    pub(super) reply: &'a [u8],
    pub(super) repeat: u64,
    /// Does the reply hold an angle bracket? Where it holds none, it quotes no line and no field.
    pub(super) has_brackets: bool,
}

/// `status=WORD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// A delivery attempt.
    Delivery(Status),
    /// `deliverable`, `undeliverable`: an address probe (ADDRESS_VERIFICATION_README), no mail.
    Probe,
}

/// What a message of a delivery agent is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Message<'a> {
    /// A complete delivery attempt.
    Attempt(Attempt<'a>),
    /// `QUEUEID: to=` is there, but what follows cannot be read: cut short, say.
    Broken(Why<'a>),
    /// Something else that the agent had to say.
    Other,
}

/// `QUEUEID: `, in front of all that concerns one message: hexadecimal, or letters and digits where long queue ids are
/// in use (Postfix `src/global/mail_queue.h`).
pub(super) fn queue_id<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let mut probe = *c;
    let id = probe.until(|b| !is_alphanumeric(b));
    if id.is_empty() || !probe.eat(b": ") {
        return None;
    }
    *c = probe;
    Some(id)
}

/// As [`MOST_DELIVERIES`], of what clients do: one that is turned away tries again at once.
pub(super) const MOST_STOPS: u64 = 1_000;

/// [`u8::is_ascii_alphanumeric`] by table, for the eleven bytes of every line's queue id.
#[inline]
fn is_alphanumeric(byte: u8) -> bool {
    #[allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "in a constant: a wrong index does not compile"
    )]
    const TABLE: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            let is = (byte as u8).is_ascii_alphanumeric();
            table[byte] = is;
            byte += 1;
        }
        table
    };
    TABLE.get(usize::from(byte)).copied().unwrap_or(false)
}

/// Takes `message repeated N times: [ ` (rsyslog, `$RepeatedMsgReduction`) off, and the bracket at the end.
/// Returns N, or 1; nothing where N is more than `most`.
#[inline]
pub(super) fn repeated(c: &mut Cursor<'_>, most: u64) -> Option<u64> {
    let mut probe = *c;
    if c.peek() != Some(b'm') || !probe.eat(b"message repeated ") {
        return Some(1);
    }
    let Some(times) = probe.number(1, 18) else {
        return Some(1);
    };
    if !probe.eat(b" times: [") {
        return Some(1);
    }
    probe.blanks();
    // Cut short, the line lacks the bracket.
    probe.0 = probe.0.strip_suffix(b"]").unwrap_or(probe.0);
    *c = probe;
    (times <= most).then_some(times)
}

/// Reads the message of a delivery agent.
pub(super) fn parse(message: &[u8]) -> Message<'_> {
    parse_inlined(message)
}

/// [`parse`], inlined where every delivery of a log is read.
#[inline(always)]
pub(super) fn parse_inlined(message: &[u8]) -> Message<'_> {
    let mut c = Cursor(message);
    let repeat = repeated(&mut c, MOST_DELIVERIES);
    let Some(queue_id) = queue_id(&mut c) else {
        return Message::Other;
    };
    if !c.eat(b"to=") {
        return Message::Other;
    }
    match repeat
        .ok_or(Why::Repeated)
        .and_then(|repeat| fields(c, queue_id, repeat))
    {
        Ok(attempt) => Message::Attempt(attempt),
        Err(why) => Message::Broken(why),
    }
}

/// May the address end in what follows it here, since that holds the fields of a delivery once more? A Postfix before
/// 3.5 logs a local part without its quotes (`info_log_address_format`), and whoever chose it may have put `>, relay=`
/// and a status of his own there; so may a server into its answer. Which of the two it is the line does not say.
#[inline]
pub(super) fn holds_fields(reply: &[u8]) -> bool {
    const PLACES: usize = 8;
    let ends =
        memchr::memchr_iter(b'>', reply).filter_map(|at| reply.get(at..)?.strip_prefix(b">, "));
    ends.take(PLACES)
        .any(|rest| reaches_status(Cursor(rest)).is_some())
}

/// All that Postfix writes between an address and the status, in its order.
fn reaches_status(mut c: Cursor<'_>) -> Option<()> {
    if c.eat(b"orig_to=") {
        recipient(&mut c)?;
    }
    field(&mut c, b"relay=")?;
    field(&mut c, b"conn_use=");
    field(&mut c, b"delay=").and_then(seconds)?;
    for name in [&b"delays="[..], b"tls=", b"dsn="] {
        field(&mut c, name);
    }
    (c.eat(b"status=") && status(&mut c).is_ok()).then_some(())
}

#[inline(always)]
fn fields<'a>(mut c: Cursor<'a>, queue_id: &'a [u8], repeat: u64) -> Result<Attempt<'a>, Why<'a>> {
    let recipient = recipient(&mut c).ok_or(Why::Cut(b"to"))?;
    let orig_recipient = if c.eat(b"orig_to=") {
        Some(self::recipient(&mut c).ok_or(Why::Cut(b"orig_to"))?)
    } else {
        None
    };
    let behind_address = c.0;
    // Searched for once: most lines hold none from here on.
    let bracket = memchr::memchr2(b'<', b'>', behind_address);
    let relay = field(&mut c, b"relay=");
    if c.peek() == Some(b'c') {
        field(&mut c, b"conn_use=");
    }
    let delay = field(&mut c, b"delay=");
    let delays = field(&mut c, b"delays=");
    if c.peek() == Some(b't') {
        field(&mut c, b"tls=");
    }
    let dsn = field(&mut c, b"dsn=");
    while !c.eat(b"status=") {
        // What a later Postfix may add.
        let name = name(&mut c).ok_or(Why::NoStatus)?;
        value(&mut c).ok_or(Why::Cut(name))?;
    }
    // No field holds one: whoever chose the address put what looks like fields into it.
    let length = behind_address.len().saturating_sub(c.0.len());
    let between = bracket.and_then(|from| behind_address.get(from..length));
    if between.is_some_and(|between| between.contains(&b'>')) {
        return Err(Why::Address);
    }
    let status = status(&mut c)?;
    // Syslog daemons cut long lines: the reply may lack its end.
    let reply = c.0.strip_suffix(b")").unwrap_or(c.0);
    Ok(Attempt {
        queue_id,
        recipient,
        orig_recipient,
        relay,
        delay,
        delays,
        dsn,
        status,
        reply,
        repeat,
        has_brackets: bracket.is_some(),
    })
}

/// The word after `status=`, and the ` (` after it.
fn status<'a>(c: &mut Cursor<'a>) -> Result<Word, Why<'a>> {
    // Nearly every line has one of these.
    let usual = [
        (&b"sent ("[..], Status::Sent),
        (b"deferred (", Status::Deferred),
        (b"bounced (", Status::Bounced),
    ];
    if let Some((_, status)) = usual.into_iter().find(|(text, _)| c.eat(text)) {
        return Ok(Word::Delivery(status));
    }
    let word = c.until(|b| !b.is_ascii_alphabetic() && b != b'-');
    if c.0.is_empty() {
        return Err(Why::Cut(b"status"));
    }
    let found = match word {
        b"SOFTBOUNCE" => Word::Delivery(Status::Deferred),
        // Also `undeliverable-but-not-cached`.
        word if word.starts_with(b"deliverable") || word.starts_with(b"undeliverable") => {
            Word::Probe
        }
        _ => return Err(Why::Status(word)),
    };
    match c.eat(b" (") {
        true => Ok(found),
        false => Err(Why::Status(word)),
    }
}

/// The address behind `to=`: in brackets, as Postfix writes it, or bare, as scripts that take the brackets away leave
/// it.
#[inline]
fn recipient<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    match c.eat(b"<") {
        true => address(c),
        false => bare_address(c),
    }
}

/// An address without brackets, and the `, ` after it. Nothing closes it, so only a quoted local part may hold a blank
/// or a comma: no stranger's address can pass for the fields behind it.
fn bare_address<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let start = c.0;
    let from = bare_local_part(start).unwrap_or(0);
    let length = near(start.get(from..)?, [b',', b' ']).checked_add(from)?;
    let (found, rest) = start.split_at_checked(length)?;
    let rest = rest.strip_prefix(b", ")?;
    name(&mut Cursor(rest))?;
    c.0 = rest;
    Some(found)
}

/// An address up to the `>, ` that closes it, the bracket's content only.
///
/// Postfix 3.5 and later quote a local part as RFC 5321 does, and then the whole of it (`info_log_addr_form`); older
/// ones log it bare. A quoted local part is skipped first; where it has no end the address is a bare one, which
/// ends at the first `>, ` that a field follows.
pub(super) fn address<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let start = c.0;
    if let Some(behind) = quoted_local_part(start)
        && let Some(found) = ends_behind(c, start, behind)
    {
        return Some(found);
    }
    ends_behind(c, start, 0)
}

/// The address whose end is the first after `from` bytes.
fn ends_behind<'a>(c: &mut Cursor<'a>, start: &'a [u8], from: usize) -> Option<&'a [u8]> {
    let mut from = from;
    loop {
        let at = near(start.get(from..)?, [b'>', b'>']).saturating_add(from);
        if let Some(found) = close(c, start, at) {
            return Some(found);
        }
        from = at.saturating_add(1);
    }
}

/// The length of a quoted local part at the front of an address, up to the `@` (or the end of the address) after it.
pub(super) fn quoted_local_part(address: &[u8]) -> Option<usize> {
    let behind = quoted(address)?;
    matches!(address.get(behind), Some(b'@' | b'>')).then_some(behind)
}

/// The same for an address without brackets.
fn bare_local_part(address: &[u8]) -> Option<usize> {
    let behind = quoted(address)?;
    matches!(address.get(behind), Some(b'@' | b',')).then_some(behind)
}

/// The length of the quoted string at the front.
fn quoted(text: &[u8]) -> Option<usize> {
    if text.first() != Some(&b'"') {
        return None;
    }
    let mut escaped = false;
    let (close, _) = text.iter().enumerate().skip(1).find(|&(_, &b)| {
        let ends = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        ends
    })?;
    close.checked_add(1)
}

/// Takes the field of this name (with the `=`), if it is the next, and the `, ` after it.
#[inline]
fn field<'a>(c: &mut Cursor<'a>, name: &[u8]) -> Option<&'a [u8]> {
    let mut probe = *c;
    if !probe.eat(name) {
        return None;
    }
    let found = value(&mut probe)?;
    *c = probe;
    Some(found)
}

/// Takes a value, none of which holds a blank or a comma, and the `, ` after it.
#[inline]
fn value<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let (found, rest) = c.0.split_at_checked(near(c.0, [b',', b' ']))?;
    let ([b',', b' '], rest) = rest.split_first_chunk()? else {
        return None;
    };
    c.0 = rest;
    Some(found)
}

/// Takes a field's name and the `=` after it.
fn name<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let name = c.until(|b| !b.is_ascii_lowercase() && b != b'_');
    (!name.is_empty() && c.eat(b"=")).then_some(name)
}

/// The address that ends at `at`, if a field follows there.
fn close<'a>(c: &mut Cursor<'a>, start: &'a [u8], at: usize) -> Option<&'a [u8]> {
    let (found, rest) = start.split_at_checked(at)?;
    let rest = rest.strip_prefix(b">, ")?;
    if !rest.starts_with(b"relay=") {
        name(&mut Cursor(rest))?;
    }
    c.0 = rest;
    Some(found)
}

/// `host[address]:port`, `host[path]`, `none`.
pub(super) fn relay(value: &[u8]) -> Relay<'_> {
    let whole = Relay {
        host: value,
        address: None,
        port: None,
    };
    let Some(open) = memchr::memchr(b'[', value) else {
        return whole;
    };
    let Some(close) = memchr::memrchr(b']', value) else {
        return whole;
    };
    let Some(address) = value.get(open.saturating_add(1)..close) else {
        return whole;
    };
    let port = value
        .get(close.saturating_add(1)..)
        .and_then(|rest| rest.strip_prefix(b":"));
    Relay {
        host: value.get(..open).unwrap_or_default(),
        address: Some(address),
        port: port.and_then(|p| std::str::from_utf8(p).ok()?.parse().ok()),
    }
}

/// Seconds, as `delay=` gives them: digits, perhaps with a fraction.
pub(super) fn seconds(value: &[u8]) -> Option<f64> {
    if value.is_empty() || !value.iter().all(|b| b.is_ascii_digit() || *b == b'.') {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The four parts of `delays=`.
pub(super) fn delays(value: &[u8]) -> Option<Delays> {
    let mut parts = value.split(|b| *b == b'/').map(seconds);
    let found = Delays {
        a: parts.next()??,
        b: parts.next()??,
        c: parts.next()??,
        d: parts.next()??,
    };
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests;
