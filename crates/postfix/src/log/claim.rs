//! Whose a delivery line is whose head cannot be read: what its first words say.
//!
//! Only the words in front of the queue id are looked at, and no tag may stand among them but the one before it: what
//! follows a program's tag is its message, which may quote what strangers wrote.

use std::net::IpAddr;

use super::delivery::{self, Message, Word};
use super::event::{Agent, Event};
use super::extract::Extractor;
use super::filtered;
use super::header::{self, Header, Headless};
use super::unread::{Why, has_clock, looks_like_delivery};

/// So many words may stand in front of `to=`: a time of five, host, facility, tag and queue id, and a few that are not
/// known.
const FEW: usize = 12;

/// They are no longer than this.
const LONGEST: usize = 512;

/// Whose line it is, by its own words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Claim<'a> {
    /// The host; empty where none is named.
    host: &'a [u8],
    /// `NAME` of `NAME/SERVICE[PID]:`; empty where no tag stands there.
    tag: &'a [u8],
    /// Does the tag name a service?
    has_service: bool,
}

/// The claim of a line that is a delivery's by its first words; nothing where a delivery is only quoted in it.
fn of(line: &[u8]) -> Option<Claim<'_>> {
    let at = memchr::memmem::find(line, b": to=").filter(|at| *at <= LONGEST)?;
    let words = line.get(..at)?.split(|b| b.is_ascii_whitespace());
    let words = words.filter(|word| !word.is_empty()).take(FEW + 1);
    let mut words: Vec<&[u8]> = words.collect();
    let queue_id = words.pop().filter(|_| words.len() < FEW)?;
    let message = line.get(at.checked_sub(queue_id.len())?..)?;
    match delivery::parse(message) {
        Message::Other => return None,
        Message::Attempt(attempt) if attempt.status == Word::Probe => return None,
        Message::Attempt(_) | Message::Broken(_) => {}
    }
    // A process id, or a colon, may be a word of its own.
    let mut program: &[u8] = b"";
    let mut is_tag = false;
    while let Some(&word) = words.last().filter(|_| program.is_empty()) {
        program = word.split(|b| matches!(b, b'[' | b':')).next()?;
        is_tag |= program.len() < word.len() || program.contains(&b'/');
        words.pop();
    }
    if words.iter().any(|word| is_another_tag(word)) {
        return None;
    }
    let slash = memchr::memrchr(b'/', program);
    let tag = program.get(..slash.unwrap_or(program.len()))?;
    let is_tag = is_tag && tag.iter().any(u8::is_ascii_alphabetic) && !is_time(program);
    let is_known = |word: &[u8]| header::is_facility(bare(word)) || is_level(word);
    words.retain(|word| !is_known(word));
    if !is_head(&words) {
        return None;
    }
    let host = match words.as_slice() {
        [.., before, host] if before.iter().any(u8::is_ascii_digit) => host,
        [host] => host,
        _ => &b""[..],
    };
    Some(Claim {
        host: if is_host(host) { host } else { b"" },
        tag: if is_tag { tag } else { b"" },
        has_service: slash.is_some(),
    })
}

/// Can these words be a time, in whatever form, and a host? Of a program's own words (`Invalid user NAME`, a request in
/// a web server's log) the rest may be what strangers chose.
fn is_head(words: &[&[u8]]) -> bool {
    let Some((_, time)) = words.split_last() else {
        return true;
    };
    let has_digit = |word: &[u8]| word.iter().any(u8::is_ascii_digit);
    let is_weekday = |word: &[u8]| {
        let days = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
        days.iter().any(|day| word.starts_with(*day))
    };
    // The month's name stands beside the day.
    let is_part = |(at, word): (usize, &&[u8])| {
        let next = time.get(at.saturating_add(1));
        has_digit(word) || is_weekday(word) || next.is_some_and(|next| has_digit(next))
    };
    time.iter().enumerate().all(is_part)
}

fn bare(word: &[u8]) -> &[u8] {
    word.strip_suffix(b":").unwrap_or(word)
}

/// Does a word end as a tag does, that is no facility (`mail.info:`) and no time?
fn is_another_tag(word: &[u8]) -> bool {
    word.ends_with(b":") && !header::is_facility(bare(word)) && !is_time(bare(word))
}

/// Has it a time's signs, digits and no letters but `T` and `Z`?
fn is_time(word: &[u8]) -> bool {
    let is_of_time = |b: &u8| b.is_ascii_digit() || b":.,-+TZ/".contains(b);
    word.iter().all(is_of_time) && word.iter().any(|b| b":.-".contains(b))
}

/// `INFO`.
fn is_level(word: &[u8]) -> bool {
    word.iter().all(u8::is_ascii_uppercase)
}

/// `rustin`, `mx.example.org`, an address: no time, and no month.
fn is_host(word: &[u8]) -> bool {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    word.iter().all(is_name) && word.iter().any(u8::is_ascii_lowercase)
        || std::str::from_utf8(word).is_ok_and(|word| word.parse::<IpAddr>().is_ok())
}

impl Extractor {
    /// A line that has no header of Postfix's.
    pub(super) fn headless<'a>(
        &mut self,
        line: &'a [u8],
        headless: Headless<'a>,
    ) -> Option<Event<'a>> {
        if self.wanted.filtered
            && let Some(header) = filtered::own_line(line)
        {
            return self.message(&header);
        }
        let claim = || of(line).filter(|_| looks_like_delivery(line));
        let why = match headless {
            Headless::Foreign(stamp, program, message) => {
                let Some(claim) = claim().filter(|claim| claim.has_service) else {
                    let header = Header {
                        stamp,
                        host: b"",
                        program,
                        message,
                    };
                    self.doubt(&header);
                    return self.lost(&header);
                };
                let header = Header {
                    stamp,
                    host: claim.host,
                    program,
                    message,
                };
                return self.unparsed(&header, claim.tag, Why::Tag);
            }
            Headless::NoTime if has_clock(line) => Why::Time,
            Headless::NoTime => Why::NoTime,
            Headless::NoTag => Why::NoTag,
        };
        if !looks_like_delivery(line) {
            return None;
        }
        let (Claim { host, tag, .. }, why) = match claim() {
            Some(claim) if claim.tag.is_empty() || claim.has_service => (claim, why),
            Some(claim) => (claim, Why::NoService),
            None => (Claim::default(), Why::Quoted),
        };
        Some(Event::Unparsed {
            host,
            tag,
            time: None,
            why,
        })
    }

    /// An entry of a delivery agent without its text.
    pub(super) fn textless<'a>(&mut self, header: &Header<'a>) -> Option<Event<'a>> {
        let slash = memchr::memrchr(b'/', header.program)?;
        let (tag, service) = header.program.split_at_checked(slash)?;
        Agent::from_service(service.get(1..)?)?;
        self.unparsed(header, tag, Why::NoText)
    }

    /// A delivery under a tag that names no service, as rsyslog's `%programname%` is, or that names only one.
    pub(super) fn serviceless<'a>(&mut self, header: &Header<'a>) -> Option<Event<'a>> {
        let program = header.program;
        if program.is_empty() || !is_delivery(header.message) {
            return None;
        }
        match Agent::from_service(program) {
            Some(_) => self.unparsed(header, b"", Why::NoTag),
            None => self.unparsed(header, program, Why::NoService),
        }
    }

    /// A delivery under the tag of a service that makes none.
    pub(super) fn strange_service<'a>(
        &mut self,
        header: &Header<'a>,
        tag: &'a [u8],
    ) -> Option<Event<'a>> {
        is_delivery(header.message).then(|| self.unparsed(header, tag, Why::Service))?
    }
}

fn is_delivery(message: &[u8]) -> bool {
    matches!(
        delivery::parse(message),
        Message::Attempt(attempt) if attempt.status != Word::Probe
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "4A: to=<a@b.example>, relay=none, delay=1, dsn=2.0.0, status=sent (x)";

    #[track_caller]
    fn check(front: &str, expected: Option<(&str, &str, bool)>) {
        let line = format!("{front}{SENT}");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let found = of(line.as_bytes()).map(|c| (text(c.host), text(c.tag), c.has_service));
        let expected = expected.map(|(host, tag, of)| (host.to_owned(), tag.to_owned(), of));
        assert_eq!(found, expected, "{front}");
    }

    #[test]
    fn the_tag_in_front_of_the_queue_id() {
        for time in [
            "",
            "24/Nov/2026:13:00:00 ",
            "Nov\t24\t13:00:00 ",
            "lis 15 12:20:28 ",
        ] {
            let claim = |tag: &str, of: Option<(&str, &str, bool)>| {
                check(&format!("{time}rustin {tag} "), of);
                let of = of.map(|(_, tag, has_service)| ("192.0.2.1", tag, has_service));
                check(&format!("{time}192.0.2.1 {tag} "), of);
            };
            let whole = Some(("rustin", "postfix-aol-a", true));
            claim("postfix-aol-a/smtp[9]:", whole);
            claim("postfix-aol-a/smtp[9-3]:", whole);
            claim("postfix-aol-a/smtp[x]:", whole);
            claim("postfix-aol-a/smtp:", whole);
            claim("postfix-aol-a/smtp[9] :", whole);
            claim("postfix-aol-a/smtp [9]:", whole);
            claim("postfix-aol-a/smtp[9]", whole);
            claim("mail.info: postfix-aol-a/smtp[9]:", whole);
            claim("mail.info postfix-aol-a/smtp[9]:", whole);
            claim("INFO postfix-aol-a/smtp[9]:", whole);
            claim("mx/out/smtp[9]:", Some(("rustin", "mx/out", true)));
            claim(
                "postfix-aol-a[9]:",
                Some(("rustin", "postfix-aol-a", false)),
            );
        }
        check("postfix/smtp[9]: ", Some(("", "postfix", true)));
        check(
            "Tue lis 24 13:00:00 a postfix/smtp[9]: ",
            Some(("a", "postfix", true)),
        );
        check("17955234001 postfix/smtp[9]: ", Some(("", "postfix", true)));
    }

    #[test]
    fn no_tag_at_all() {
        check("", Some(("", "", false)));
        check("13:00:00 ", Some(("", "", false)));
        check("rustin ", Some(("", "", false)));
    }

    /// What stands behind another tag is that program's text.
    #[test]
    fn a_quotation() {
        for quoted in [
            "postfix/cleanup[9]: 4X: warning: header Subject: ",
            "mailwatch[7]: ",
            "mailwatch: ",
            "4X: host mx.example.org[192.0.2.1] said: 450 ",
            "one two three four five six seven eight nine ten eleven ",
        ] {
            check(&format!("{quoted}postfix/smtp[9]: "), None);
            check(&format!("{quoted}rustin postfix/smtp[9]: "), None);
        }
        check("postfix/smtp[9]: @cee: ", None);
        // What programs write beside Postfix on a container's standard output, without a tag of their own.
        for words in [
            "Invalid user ",
            "Invalid user 24 13:00:00 rustin ",
            "192.0.2.9 - - [24/Nov/2026:13:00:00 +0100] \"GET / HTTP/1.1\" 200 5 \"x ",
            "2026-11-24T13:00:00Z Invalid user ",
            "2026-11-24T13:00:00Z rustin Invalid user ",
        ] {
            check(&format!("{words}postfix/smtp[9]: "), None);
        }
        assert_eq!(
            of(b"postfix/smtp[9]: 4A: from=<a@b>, x: to=<a> status=sent"),
            None
        );
        let probe = SENT.replace("=sent", "=deliverable");
        assert_eq!(of(format!("postfix/smtp[9]: {probe}").as_bytes()), None);
    }
}
