//! What comes before the message in a log line: prefixes, a time, perhaps a host and a facility word, the tag.
//!
//! The first word after the time that is a tag is the tag; nothing behind it is looked at, so that no text inside a
//! message can pass for a line of Postfix.

use super::cursor::Cursor;
use super::stamp::{self, Stamp};

/// The head of a line, and its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// The line's own time; absent where RFC 5424 says `-`.
    pub stamp: Option<Stamp>,
    /// The host; empty where the line names none.
    pub host: &'a [u8],
    /// The tag without `[PID]:`, as in `postfix-aol-a/smtp` (Postfix `src/global/mail_task.c`).
    pub program: &'a [u8],
    /// What the program said.
    pub message: &'a [u8],
}

/// Splits a line (without its line end). `None` for a line without a time or without a tag that has a process id:
/// Postfix always logs one (`LOG_PID`, `src/util/msg_syslog.c`).
pub fn parse(line: &[u8]) -> Option<Header<'_>> {
    let mut c = Cursor(line);
    let mut outer = None;
    // A container runtime's time may stand before the line's own: each round takes prefixes and one time.
    for _ in 0..3 {
        if outer.is_none() && prefixes(&mut c) {
            return rfc5424(c);
        }
        let Some(found) = stamp::take(&mut c) else {
            break;
        };
        outer = Some(prefer(outer, found));
        c.blanks();
        if stream(&mut c) && prefixes(&mut c) {
            return rfc5424(c);
        }
    }
    behind(c, Some(outer?))
}

/// The same where the time does not matter: the header's `stamp` may be absent.
pub(super) fn parse_untimed(line: &[u8]) -> Option<Header<'_>> {
    let mut c = Cursor(line);
    // Nearly every line begins with its time, and goes on with host and tag.
    if stamp::pass(&mut c)
        && let Some(header) = behind(c, None)
    {
        return Some(header);
    }
    parse(line)
}

/// The same for a line whose time stands elsewhere.
pub(super) fn behind_time(line: &[u8], stamp: Stamp) -> Option<Header<'_>> {
    behind(Cursor(line), Some(stamp))
}

/// The time of any line, Postfix's or not.
pub(super) fn stamp_of(line: &[u8]) -> Option<Stamp> {
    let mut c = Cursor(line);
    if prefixes(&mut c) {
        return stamp::take(&mut c);
    }
    let first = stamp::take(&mut c)?;
    c.blanks();
    if stream(&mut c) {
        prefixes(&mut c);
    }
    Some(stamp::take(&mut c).map_or(first, |inner| prefer(Some(first), inner)))
}

/// What follows the time.
fn behind(mut c: Cursor<'_>, stamp: Option<Stamp>) -> Option<Header<'_>> {
    let mut host: &[u8] = b"";
    for _ in 0..3 {
        c.blanks();
        if let Some((program, message)) = tag(c) {
            return Some(Header {
                stamp,
                host,
                program,
                message,
            });
        }
        let word = c.word();
        // The tag of a program without a process id: not Postfix.
        if word.ends_with(b":") {
            return None;
        }
        // A host may be called `mail`: the bare word is a facility only behind a host.
        if is_facility(word) && (!host.is_empty() || word != facility_of(word)) {
            continue;
        }
        if word.is_empty() || !host.is_empty() {
            return None;
        }
        host = word;
    }
    None
}

/// Of two times at the head of a line, the inner is the program's, unless only the outer says when exactly.
fn prefer(outer: Option<Stamp>, inner: Stamp) -> Stamp {
    match (outer, inner) {
        (Some(exact @ Stamp::Instant(_)), Stamp::Local(_) | Stamp::Yearless(..)) => exact,
        _ => inner,
    }
}

/// Takes what may stand before a time. True where an RFC 5424 header follows (its `<PRI>VERSION ` is taken too).
fn prefixes(c: &mut Cursor<'_>) -> bool {
    for _ in 0..8 {
        // After a crash, file systems leave runs of NUL where a block was never written.
        c.until(|b| !matches!(b, 0 | b' ' | b'\t'));
        if c.eat(b"\xef\xbb\xbf") || colour(c) || priority(c) || compose(c) || kubectl(c) {
            continue;
        }
        break;
    }
    let mut version = *c;
    if version.eat(b"1 ") && matches!(version.peek(), Some(b'0'..=b'9' | b'-')) {
        *c = version;
        return true;
    }
    false
}

/// A colour sequence, as compose puts around its prefix: ESC `[` digits `m`.
fn colour(c: &mut Cursor<'_>) -> bool {
    let mut probe = *c;
    if !probe.eat(b"\x1b[") {
        return false;
    }
    probe.until(|b| !b.is_ascii_digit() && b != b';');
    let is_colour = probe.eat(b"m");
    if is_colour {
        *c = probe;
    }
    is_colour
}

/// `<22>`, perhaps with the octet count of RFC 6587 before it.
fn priority(c: &mut Cursor<'_>) -> bool {
    let mut probe = *c;
    if probe.peek() != Some(b'<') {
        let counted = probe.number(1, 6).is_some() && probe.eat(b" ");
        if !counted || probe.peek() != Some(b'<') {
            return false;
        }
    }
    let found = probe.eat(b"<") && probe.number(1, 3).is_some() && probe.eat(b">");
    if found {
        *c = probe;
    }
    found
}

/// `postfix-1  | `, as compose puts before every line; `relay_postfix.1.x2m@rustin    | `, as `docker service logs` does.
fn compose(c: &mut Cursor<'_>) -> bool {
    let mut probe = *c;
    let name =
        probe.until(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'_' | b'.' | b'-' | b'@'));
    probe.blanks();
    let found = !name.is_empty() && (probe.eat(b"| ") || probe.eat(b"|\x1b[0m "));
    if found {
        *c = probe;
    }
    found
}

/// `[pod/NAME/CONTAINER] `, as `kubectl logs --prefix` puts before every line.
fn kubectl(c: &mut Cursor<'_>) -> bool {
    let mut probe = *c;
    if !probe.eat(b"[pod/") {
        return false;
    }
    probe.until(|b| b == b']' || b == b' ');
    let found = probe.eat(b"] ");
    if found {
        *c = probe;
    }
    found
}

/// `stdout F `: the stream and the mark (full, partial) that follow the time in a CRI log file.
fn stream(c: &mut Cursor<'_>) -> bool {
    let mut probe = *c;
    let found =
        (probe.eat(b"stdout ") || probe.eat(b"stderr ")) && (probe.eat(b"F ") || probe.eat(b"P "));
    if found {
        *c = probe;
    }
    found
}

/// RFC 5424, behind `<PRI>1 `: TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG.
fn rfc5424(mut c: Cursor<'_>) -> Option<Header<'_>> {
    let stamp = match c.eat(b"- ") {
        true => None,
        false => {
            let stamp = stamp::take(&mut c)?;
            if !c.eat(b" ") {
                return None;
            }
            Some(stamp)
        }
    };
    let mut field = || {
        let word = c.word();
        (!word.is_empty() && c.eat(b" ")).then_some(word)
    };
    let host = field()?;
    let program = field()?;
    field()?;
    field()?;
    if !c.eat(b"-") {
        while c.eat(b"[") {
            element(&mut c)?;
        }
    }
    if !c.eat(b" ") {
        return None;
    }
    c.eat(b"\xef\xbb\xbf");
    c.blanks();
    let host = if host == b"-" { b"" } else { host };
    Some(Header {
        stamp,
        host,
        program,
        message: c.0,
    })
}

/// The rest of one SD-ELEMENT: quoted values may hold `]`, and `\` takes the meaning from what follows it.
fn element(c: &mut Cursor<'_>) -> Option<()> {
    let mut quoted = false;
    let mut escaped = false;
    let end = c.0.iter().position(|&b| {
        let ends = b == b']' && !quoted;
        if b == b'"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && b == b'\\' && !escaped;
        ends
    })?;
    c.0 = c.0.get(end..)?.get(1..)?;
    Some(())
}

/// `program[123]:`, if the line goes on with one, and the message behind it: with or without a blank between them.
#[inline]
fn tag(mut c: Cursor<'_>) -> Option<(&[u8], &[u8])> {
    let program = c.to([b'[', b' ']);
    if !c.eat(b"[") {
        return None;
    }
    let id = c.until(|b| !b.is_ascii_digit());
    if !(1..=18).contains(&id.len()) || !c.eat(b"]:") {
        return None;
    }
    c.blanks();
    Some((program, solaris(c).0))
}

/// Solaris puts `[ID 197553 mail.info] ` behind the tag.
fn solaris(c: Cursor<'_>) -> Cursor<'_> {
    let mut probe = c;
    let found = probe.eat(b"[ID ") && probe.number(1, 10).is_some() && probe.eat(b" ");
    if !found || !is_facility(probe.until(|b| matches!(b, b']' | b' '))) || !probe.eat(b"] ") {
        return c;
    }
    probe
}

/// `mail.info`, `mail:info`, `<mail.info>`, `<2.6>` (FreeBSD's numbers), `mail`: what syslogd may be told to write.
fn is_facility(word: &[u8]) -> bool {
    // Nearly every word that is asked about is a host.
    if !matches!(
        word.first(),
        Some(b'<' | b'a' | b'd' | b'k' | b'l' | b'm' | b's' | b'u')
    ) {
        return false;
    }
    let word = match word.strip_prefix(b"<").and_then(|w| w.strip_suffix(b">")) {
        Some(inner) if inner.iter().all(|b| b.is_ascii_digit() || *b == b'.') => return true,
        Some(inner) => inner,
        None => word,
    };
    let facility = facility_of(word);
    let severity = word.get(facility.len()..).and_then(|rest| rest.get(1..));
    let known = facility
        .strip_prefix(b"local")
        .is_some_and(|n| matches!(n, [b'0'..=b'7']))
        || matches!(
            facility,
            b"mail" | b"user" | b"daemon" | b"auth" | b"authpriv" | b"syslog" | b"kern"
        );
    known
        && severity.is_none_or(|s| {
            matches!(
                s,
                b"emerg"
                    | b"panic"
                    | b"alert"
                    | b"crit"
                    | b"err"
                    | b"error"
                    | b"warning"
                    | b"warn"
                    | b"notice"
                    | b"info"
                    | b"debug"
            )
        })
}

/// The word before the severity.
fn facility_of(word: &[u8]) -> &[u8] {
    let end = word
        .iter()
        .position(|b| matches!(b, b'.' | b':'))
        .unwrap_or(word.len());
    word.get(..end).unwrap_or(word)
}

#[cfg(test)]
mod tests;
