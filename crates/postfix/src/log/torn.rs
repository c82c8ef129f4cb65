//! Two lines in one: a writer was cut off in the middle of its line, and the next line follows without a line end.
//!
//! What stands behind the cut is a whole line with a head of its own. Where nobody but Postfix writes, that is
//! certain, and in the fields between the recipient and the reply no delivery can be read. An address and a receiver's
//! answer are strangers' text, and may quote such a line: there it is in doubt, and the line counts as the delivery it
//! begins with.

use memchr::{memchr_iter, memchr2_iter};

use super::delivery::{Attempt, Message, holds_fields, parse};
use super::header;

/// What stands behind a delivery's queue id.
const TO: &[u8] = b": to=<";

/// A line's head, from its time to its tag, is no longer than this, and neither is anything in front of `: to=<` that
/// is looked at.
const HEAD: usize = 200;

/// So many places are looked at.
const PLACES: usize = 4;

/// No line is shorter: `May 1 1:00:00 a/b[1]:A: to=<`.
const SHORTEST: usize = 28;

/// Does the text hold the head of a Postfix line, and a delivery behind it?
pub(super) fn holds_line(text: &[u8]) -> bool {
    // Every delivery is asked: most addresses are shorter, and most replies hold no bracket.
    if text.len() < SHORTEST {
        return false;
    }
    let ends = memchr_iter(b'<', text).filter_map(|at| text.get(..=at));
    let fronts = ends.filter_map(|end| end.strip_suffix(TO));
    let mut places = fronts.map(<[u8]>::len).take(PLACES);
    places.any(|at| is_line_before(text, at))
}

/// Is what stands around `: to=<` a queue id behind the head of a line?
fn is_line_before(text: &[u8], at: usize) -> bool {
    let Some((front, _)) = text.split_at_checked(at) else {
        return false;
    };
    let from = front.len().saturating_sub(HEAD);
    if !front.get(from..).is_some_and(has_time) {
        return false;
    }
    // The head begins with its time, a digit or a month's letter, wherever the cut was.
    (from..at).any(|start| {
        let begins = front.get(start).is_some_and(u8::is_ascii_alphanumeric);
        let line = text.get(start..).filter(|_| begins);
        let header = line.and_then(|line| header::read(line).ok());
        header.is_some_and(|header| {
            let whole = header.stamp.is_some() && header.program.contains(&b'/');
            whole && !matches!(parse(header.message), Message::Other)
        })
    })
}

/// Is there a time of day, or seconds since 1970 with their fraction, as in the head of every line? To read a head from
/// each place where one may begin takes a hundred times longer.
fn has_time(text: &[u8]) -> bool {
    let mut marks = memchr2_iter(b':', b'.', text).filter_map(|at| text.get(at..));
    marks.any(|rest| match rest {
        [b':', m, mm, b':', s, ss, ..] => [m, mm, s, ss].iter().all(|b| b.is_ascii_digit()),
        [b'.', micros @ ..] => micros.iter().take_while(|b| b.is_ascii_digit()).count() == 6,
        _ => false,
    })
}

/// What else the line of this delivery may say, by what strangers wrote in it.
#[inline]
pub(super) fn holds_more(attempt: &Attempt<'_>) -> Option<&'static str> {
    // Most deliveries are short of what it takes.
    let is_short = attempt.recipient.len() < SHORTEST && attempt.orig_recipient.is_none();
    if is_short && !attempt.has_brackets {
        return None;
    }
    said_more(attempt)
}

fn said_more(attempt: &Attempt<'_>) -> Option<&'static str> {
    let reply = Some(attempt.reply).filter(|_| attempt.has_brackets);
    let texts = [Some(attempt.recipient), attempt.orig_recipient, reply];
    if texts.into_iter().flatten().any(holds_line) {
        return Some(ANOTHER_LINE);
    }
    let why = "its address may end further behind, with another status";
    reply.is_some_and(holds_fields).then_some(why)
}

/// Why a line is in doubt that may hold another one.
pub(super) const ANOTHER_LINE: &str = "another line may begin in the middle of it";

/// Is the message of a line another line? Its writer was cut off behind the tag.
pub(super) fn begins_line(message: &[u8]) -> bool {
    memchr::memmem::find(message, TO).is_some()
        && header::read(message).is_ok_and(|header| {
            header.stamp.is_some() && !matches!(parse(header.message), Message::Other)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "Nov 28 06:00:01 relay1 postfix-aol-a/smtp[707]: 4B: to=<c@d.example>, relay=mx.d.example[192.0.2.9]:25, \
                        delay=1, dsn=2.0.0, status=sent (250 Ok)";

    #[test]
    fn a_head_and_a_delivery_behind_it() {
        let check =
            |text: &str, expected| assert_eq!(holds_line(text.as_bytes()), expected, "{text}");
        check(&format!("250 2.0.0 O{LINE}"), true);
        check(
            &format!(
                "250 2.0.0 O{}",
                LINE.replace("Nov 28 06:00:01", "2026-11-28T06:00:01Z")
            ),
            true,
        );
        check("May 1 1:00:00 a/b[1]:A: to=<", true);
        let unix = LINE.replace("Nov 28 06:00:01", "1789776000.123456");
        check(&format!("250 2.0.0 O{unix}"), true);
        check("250 2.0.0 Ok: queued as 4B", false);
        check(
            "450 4.2.0 4B: to=<c@d.example>, relay=none, status=sent (x)",
            false,
        );
        check(&format!("250 {}", LINE.replace("/smtp[707]", "")), false);
        check(&format!("250 {}", LINE.replace("to=", "from=")), false);
        check(&": to=<".repeat(9999), false);
    }
}
