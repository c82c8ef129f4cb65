//! What comes before the message in a log line: prefixes, a time, perhaps a host and a facility word, the tag.
//!
//! The first word after the time that is a tag is the tag; nothing after it is looked at, so that no text inside a
//! message can pass for a line of Postfix.

use super::cursor::Cursor;
use super::stamp::{self, Minute, Stamp};

mod prefix;

pub(super) use prefix::behind_file;
use prefix::{prefixes, stream};

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

/// Why a line has no header of Postfix's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Headless<'a> {
    /// Its tag has no process id, and is not Postfix's: the program, and what it said.
    Foreign(Option<Stamp>, &'a [u8], &'a [u8]),
    /// It does not begin with a time.
    NoTime,
    /// Behind the time is no tag.
    NoTag,
}

/// Splits a line (without its line end). `None` for a line without a time or without a tag that has a process id
/// (Postfix always logs one: `LOG_PID`, `src/util/msg_syslog.c`) or is the name of a Postfix daemon.
pub fn parse(line: &[u8]) -> Option<Header<'_>> {
    read(line).ok()
}

/// As [`parse`]; the error says what is missing.
pub(super) fn read(line: &[u8]) -> Result<Header<'_>, Headless<'_>> {
    match front(Cursor(line)) {
        Err(Headless::NoTime) => front(behind_file(line).ok_or(Headless::NoTime)?),
        found => found,
    }
}

fn front(mut c: Cursor<'_>) -> Result<Header<'_>, Headless<'_>> {
    let mut outer = None;
    // A container runtime's time may come before the line's own: each round takes prefixes and one time.
    for _ in 0..3 {
        if outer.is_none() && prefixes(&mut c) {
            return rfc5424(c).ok_or(Headless::NoTag);
        }
        let Some(found) = stamp::take(&mut c) else {
            break;
        };
        outer = Some(prefer(outer, found));
        c.blanks();
        if stream(&mut c) && prefixes(&mut c) {
            return rfc5424(c).ok_or(Headless::NoTag);
        }
    }
    behind(c, Some(outer.ok_or(Headless::NoTime)?))
}

/// The same where the time does not matter: the header's `stamp` may be absent. `last` is of the lines before it.
#[inline]
pub(super) fn read_untimed<'a>(
    line: &'a [u8],
    last: &mut Minute,
) -> Result<Header<'a>, Headless<'a>> {
    let mut c = Cursor(line);
    // Nearly every line begins with its time, and goes on with host and tag.
    match last.pass(&mut c) {
        true => behind(c, None).or_else(|_| read(line)),
        false => read(line),
    }
}

/// The same for a line whose time is elsewhere.
pub(super) fn behind_time(line: &[u8], stamp: Stamp) -> Option<Header<'_>> {
    behind(Cursor(line), Some(stamp)).ok()
}

/// The time of any line, Postfix's or not.
pub(super) fn stamp_of(line: &[u8]) -> Option<Stamp> {
    stamp_at(Cursor(line)).or_else(|| stamp_at(behind_file(line)?))
}

fn stamp_at(mut c: Cursor<'_>) -> Option<Stamp> {
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
fn behind(mut c: Cursor<'_>, stamp: Option<Stamp>) -> Result<Header<'_>, Headless<'_>> {
    let mut host: &[u8] = b"";
    for _ in 0..3 {
        c.blanks();
        let start = c;
        let mut word = c.to([b'[', b' ']);
        if c.peek() == Some(b'[') {
            if let Some(message) = behind_id(c) {
                return Ok(Header {
                    stamp,
                    host,
                    program: word,
                    message,
                });
            }
            c = start;
            word = c.word();
        }
        // A tag without a process id.
        if let Some(program) = word.strip_suffix(b":") {
            // rsyslog's `%syslogfacility-text%.%syslogseverity-text%: `.
            if program != facility_of(program) && is_facility(program) {
                continue;
            }
            c.blanks();
            return match is_daemon(program) {
                true => Ok(Header {
                    stamp,
                    host,
                    program,
                    message: c.0,
                }),
                false => Err(Headless::Foreign(stamp, program, c.0)),
            };
        }
        // A host may be called `mail`: the bare word is a facility only behind a host.
        if is_facility(word) && (!host.is_empty() || word != facility_of(word)) {
            continue;
        }
        if word.is_empty() || !host.is_empty() {
            return Err(Headless::NoTag);
        }
        host = word;
    }
    Err(Headless::NoTag)
}

/// Is it the tag of one of Postfix's programs: of a daemon, or of a command (`postfix/postfix-script`,
/// `postfix/sendmail`)?
pub(super) fn is_postfix(program: &[u8]) -> bool {
    let name = program.rsplit(|b| *b == b'/').next().unwrap_or_default();
    is_daemon(program)
        || name.len() < program.len() && (name.starts_with(b"post") || name == b"sendmail")
}

/// `postfix-aol-a/smtp`: is it the tag of one of Postfix's daemons (master(8), DAEMON PROGRAMS)?
fn is_daemon(program: &[u8]) -> bool {
    const DAEMONS: &str = "anvil bounce cleanup discard dnsblog error flush lmtp local master nqmgr oqmgr pickup pipe \
        postlogd postscreen proxymap qmgr qmqpd retry scache showq smtp smtpd spawn tlsmgr tlsproxy trivial-rewrite \
        verify virtual";
    let Some(slash) = memchr::memrchr(b'/', program).filter(|slash| *slash > 0) else {
        return false;
    };
    let name = program.get(slash.saturating_add(1)..).unwrap_or_default();
    DAEMONS.split(' ').any(|daemon| daemon.as_bytes() == name)
}

/// Of two times at the head of a line, the inner is the program's, unless only the outer says when exactly.
fn prefer(outer: Option<Stamp>, inner: Stamp) -> Stamp {
    match (outer, inner) {
        (Some(exact @ Stamp::Instant(_)), Stamp::Local(_) | Stamp::Yearless(..)) => exact,
        _ => inner,
    }
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

/// The message behind `[123]:`, if that follows: with or without a blank between them. The word in front is a tag then.
#[inline]
fn behind_id(mut c: Cursor<'_>) -> Option<&[u8]> {
    c.eat(b"[");
    let id = c.until(|b| !b.is_ascii_digit());
    if !(1..=18).contains(&id.len()) || !c.eat(b"]:") {
        return None;
    }
    c.blanks();
    Some(solaris(c).0)
}

/// Solaris puts `[ID 197553 mail.info] ` after the tag.
fn solaris(c: Cursor<'_>) -> Cursor<'_> {
    let mut probe = c;
    let found = probe.eat(b"[ID ") && probe.number(1, 10).is_some() && probe.eat(b" ");
    if !found || !is_facility(probe.until(|b| matches!(b, b']' | b' '))) || !probe.eat(b"] ") {
        return c;
    }
    probe
}

/// `mail.info`, `mail:info`, `<mail.info>`, `<2.6>` (FreeBSD's numbers), `mail`: what syslogd can be set to write.
pub(super) fn is_facility(word: &[u8]) -> bool {
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
    // A word of its own, which programs without a tag write: `Invalid user NAME`.
    if word == b"user" {
        return false;
    }
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
