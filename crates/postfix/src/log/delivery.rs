//! The message of a delivery attempt, read strictly from the left.
//!
//! Written by Postfix `src/global/log_adhoc.c`; fields came and went: `conn_use`, `delays` and `dsn` are absent before
//! 2.3, `tls` came with 3.11. Whatever a stranger chose (the addresses, the reply) stands in brackets that are closed
//! before the next field is looked for, so that no text can pass for a field.

use super::cursor::Cursor;
use super::event::{Delays, Relay, Status};

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
    /// `QUEUEID: to=<` is there, but what follows cannot be read: cut short, say.
    Broken,
    /// Something else that the agent had to say.
    Other,
}

/// `QUEUEID: `, in front of all that concerns one message: hexadecimal, or letters and digits where long queue ids are
/// in use (Postfix `src/global/mail_queue.h`).
pub(super) fn queue_id<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let mut probe = *c;
    let (id, rest) = probe.0.split_at_checked(memchr::memchr(b':', probe.0)?)?;
    probe.0 = rest;
    if id.is_empty() || !id.iter().all(u8::is_ascii_alphanumeric) || !probe.eat(b": ") {
        return None;
    }
    *c = probe;
    Some(id)
}

/// Takes `message repeated N times: [ ` (rsyslog, `$RepeatedMsgReduction`) off, and the bracket at the end.
/// Returns N, or 1.
pub(super) fn repeated(c: &mut Cursor<'_>) -> u64 {
    let mut probe = *c;
    if !probe.eat(b"message repeated ") {
        return 1;
    }
    let Some(times) = probe.number(1, 9) else {
        return 1;
    };
    if !probe.eat(b" times: [") {
        return 1;
    }
    probe.blanks();
    // Cut short, the line lacks the bracket.
    probe.0 = probe.0.strip_suffix(b"]").unwrap_or(probe.0);
    *c = probe;
    times
}

/// Reads the message of a delivery agent.
pub(super) fn parse(message: &[u8]) -> Message<'_> {
    let mut c = Cursor(message);
    let repeat = repeated(&mut c);
    let Some(queue_id) = queue_id(&mut c) else {
        return Message::Other;
    };
    if !c.eat(b"to=<") {
        return Message::Other;
    }
    match fields(c, queue_id, repeat) {
        Some(attempt) => Message::Attempt(attempt),
        None => Message::Broken,
    }
}

fn fields<'a>(mut c: Cursor<'a>, queue_id: &'a [u8], repeat: u64) -> Option<Attempt<'a>> {
    let recipient = address(&mut c)?;
    let orig_recipient = if c.eat(b"orig_to=<") {
        Some(address(&mut c)?)
    } else {
        None
    };
    let (mut relay, mut delay, mut delays, mut dsn) = (None, None, None, None);
    loop {
        let mut skipped = None;
        let field = match () {
            () if c.eat(b"status=") => break,
            () if c.eat(b"relay=") => &mut relay,
            () if c.eat(b"delay=") => &mut delay,
            () if c.eat(b"delays=") => &mut delays,
            () if c.eat(b"dsn=") => &mut dsn,
            // conn_use, tls, and what a later Postfix may add.
            () if name(&mut c) => &mut skipped,
            () => return None,
        };
        let (value, rest) = c.0.split_at_checked(memchr::memchr2(b',', b' ', c.0)?)?;
        c.0 = rest.strip_prefix(b", ")?;
        *field = Some(value);
    }
    let status = match c.until(|b| !b.is_ascii_alphabetic() && b != b'-') {
        b"sent" => Word::Delivery(Status::Sent),
        b"bounced" => Word::Delivery(Status::Bounced),
        b"deferred" | b"SOFTBOUNCE" => Word::Delivery(Status::Deferred),
        // Also `undeliverable-but-not-cached`.
        word if word.starts_with(b"deliverable") || word.starts_with(b"undeliverable") => {
            Word::Probe
        }
        _ => return None,
    };
    if !c.eat(b" (") {
        return None;
    }
    // Syslog daemons cut long lines: the reply may lack its end.
    let reply = c.0.strip_suffix(b")").unwrap_or(c.0);
    Some(Attempt {
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
    })
}

/// An address up to the `>, ` that closes it, the bracket's content only.
///
/// Postfix 3.5 and later quote a local part as RFC 5321 does, and then the whole of it (`info_log_addr_form`); older
/// ones log it bare. A quoted local part is passed over first; where it has no end the address is a bare one, which
/// ends at the first `>, ` that a field follows.
pub(super) fn address<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let start = c.0;
    let quoted = quoted_local_part(start);
    [quoted, Some(0)].into_iter().flatten().find_map(|from| {
        let ends = start
            .iter()
            .enumerate()
            .skip(from)
            .filter(|(_, b)| **b == b'>');
        ends.map(|(at, _)| at).find_map(|at| close(c, start, at))
    })
}

/// The length of a quoted local part at the front of an address, up to the `@` (or the end of the address) behind it.
fn quoted_local_part(address: &[u8]) -> Option<usize> {
    if address.first() != Some(&b'"') {
        return None;
    }
    let mut escaped = false;
    let (close, _) = address.iter().enumerate().skip(1).find(|&(_, &b)| {
        let ends = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        ends
    })?;
    let behind = close.checked_add(1)?;
    matches!(address.get(behind), Some(b'@' | b'>')).then_some(behind)
}

/// Takes a field's name and the `=` behind it.
fn name(c: &mut Cursor<'_>) -> bool {
    let name = c.until(|b| !b.is_ascii_lowercase() && b != b'_');
    !name.is_empty() && c.eat(b"=")
}

/// The address that ends at `at`, if a field follows there.
fn close<'a>(c: &mut Cursor<'a>, start: &'a [u8], at: usize) -> Option<&'a [u8]> {
    let (found, rest) = start.split_at_checked(at)?;
    let rest = rest.strip_prefix(b">, ")?;
    if !rest.starts_with(b"relay=") && !name(&mut Cursor(rest)) {
        return None;
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
mod tests {
    use super::*;

    /// `expected` is `REPEATxSTATUS RECIPIENT`, `probe`, `broken` or `other`.
    fn check(message: &str, expected: &str) {
        let found = match parse(message.as_bytes()) {
            Message::Broken => "broken".to_owned(),
            Message::Other => "other".to_owned(),
            Message::Attempt(Attempt {
                status: Word::Probe,
                ..
            }) => "probe".to_owned(),
            Message::Attempt(Attempt {
                status: Word::Delivery(s),
                repeat,
                recipient,
                ..
            }) => {
                format!(
                    "{repeat}x{} {}",
                    s.as_str(),
                    String::from_utf8_lossy(recipient)
                )
            }
        };
        assert_eq!(found, expected, "{message}");
    }

    #[test]
    fn deliveries_of_old_and_new_postfix() {
        check(
            "4F9A1: to=<u@aol.com>, relay=mx.aol.com[1.2.3.4]:25, delay=1.2, delays=0.1/0/0.5/0.6, dsn=2.0.0, status=sent (250 2.0.0 Ok)",
            "1xsent u@aol.com",
        );
        check(
            "4F9A1: to=<u@aol.com>, relay=mx[1.2.3.4], delay=3, status=bounced (host said: 550)",
            "1xbounced u@aol.com",
        );
        check(
            "3Pt2mN2VXxznjll: to=<u@a.b>, orig_to=<root>, relay=local, delay=0.01, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to mailbox)",
            "1xsent u@a.b",
        );
        check(
            "4F9A1: to=<u@x.y>, relay=mx[::1]:25, conn_use=3, delay=1, delays=0/0/0/1, tls=verified, dsn=4.2.2, status=deferred (full)",
            "1xdeferred u@x.y",
        );
        check(
            "4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=5.1.1, status=SOFTBOUNCE (no)",
            "1xdeferred u@x.y",
        );
        check(
            "4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=2.1.5, status=deliverable (ok)",
            "probe",
        );
        check(
            "4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=5.1.1, status=undeliverable (no)",
            "probe",
        );
        check(
            "3E29030F8637E: to=<u@x.y>, relay=none, delay=0.01, delays=0.01/0/0/0, dsn=5.1.1, status=undeliverable-but-not-cached (User unknown in virtual alias table)",
            "probe",
        );
        check(
            "4F9A1: to=<>, relay=none, delay=0, dsn=5.1.3, status=bounced (bad)",
            "1xbounced ",
        );
        check(
            "4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=2.0.0, status=sent (cut by syslo",
            "1xsent u@x.y",
        );
        check(
            "message repeated 3 times: [ 4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=4.0.0, status=deferred (x)]",
            "3xdeferred u@x.y",
        );
    }

    #[test]
    fn no_text_of_a_stranger_passes_for_a_field() {
        check(
            "4F9A1: to=<\">, relay=none, delay=0, status=sent (\"@x.y>, relay=mx[1.2.3.4]:25, delay=1, dsn=5.1.1, status=bounced (no)",
            "1xbounced \">, relay=none, delay=0, status=sent (\"@x.y",
        );
        check(
            "4F9A1: to=<\"a\\\">, status=sent (\"@x.y>, relay=none, delay=0, dsn=5.1.1, status=bounced (no)",
            "1xbounced \"a\\\">, status=sent (\"@x.y",
        );
        check(
            "4F9A1: to=<u@x.y>, orig_to=<\"b>, status=sent (\"@z>, relay=none, delay=0, dsn=4.1.1, status=deferred (no)",
            "1xdeferred u@x.y",
        );
        check(
            "4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=5.0.0, status=bounced (said: status=sent (250 ok))",
            "1xbounced u@x.y",
        );
        // Bare local parts, as Postfix before 3.5 logs them.
        check(
            "4F9A1: to=<a\"b@x.y>, relay=none, delay=0, dsn=5.1.1, status=bounced (no)",
            "1xbounced a\"b@x.y",
        );
        check(
            "4F9A1: to=<a>b@x.y>, relay=none, delay=0, dsn=5.1.1, status=bounced (no)",
            "1xbounced a>b@x.y",
        );
    }

    #[test]
    fn lines_cut_short_are_broken_and_other_talk_is_not() {
        let whole = "4F9A1: to=<u@x.y>, relay=mx[1.2.3.4]:25, delay=1, dsn=2.0.0, status=sent (";
        for cut in "4F9A1: to=<".len()..whole.len() {
            check(&whole[..cut], "broken");
        }
        check(
            "4F9A1: to=<u@x.y>, relay=none, delay=0, dsn=2.0.0, status=frobbed (x)",
            "broken",
        );
        for message in [
            "4F9A1: host mx.aol.com[1.2.3.4] said: 421 to=<x> status=sent (x)",
            "warning: 4F9A1: to=<u@x.y>, relay=none, status=sent (x)",
            "connect to mx[1.2.3.4]:25: Connection refused",
            "4F9A1: from=<u@x.y>, status=expired, returned to sender",
            "",
            "4F9A1: ",
        ] {
            check(message, "other");
        }
    }

    #[test]
    fn the_parts_of_a_relay_and_of_delays() {
        let check = |value: &str, host: &str, address: Option<&str>, port| {
            let r = relay(value.as_bytes());
            assert_eq!(
                (r.host, r.address, r.port),
                (host.as_bytes(), address.map(str::as_bytes), port)
            );
        };
        check(
            "mx.aol.com[1.2.3.4]:25",
            "mx.aol.com",
            Some("1.2.3.4"),
            Some(25),
        );
        check("mx[2001:db8::1]:587", "mx", Some("2001:db8::1"), Some(587));
        check("mx[1.2.3.4]", "mx", Some("1.2.3.4"), None);
        check(
            "lmtp[private/dovecot-lmtp]",
            "lmtp",
            Some("private/dovecot-lmtp"),
            None,
        );
        check("none", "none", None, None);
        check("a]b[c", "a]b[c", None, None);
        assert_eq!(
            delays(b"0.1/0/12/3.05"),
            Some(Delays {
                a: 0.1,
                b: 0.0,
                c: 12.0,
                d: 3.05
            })
        );
        assert_eq!(delays(b"0.1/0/12"), None);
        assert_eq!(delays(b"0/0/0/0/0"), None);
        assert_eq!(seconds(b"1e9"), None);
        assert_eq!(seconds(b"inf"), None);
    }
}
