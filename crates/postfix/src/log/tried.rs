//! A delivery agent's line about one recipient, alone: for those who follow single messages.

use super::delivery::{Message, Word, parse};
use super::event::Status;

/// A delivery attempt: which message, to whom, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried<'a> {
    /// The queue id.
    pub queue_id: &'a [u8],
    /// `to=<…>`, without the brackets.
    pub recipient: &'a [u8],
    /// The enhanced status code, as logged.
    pub dsn: Option<&'a [u8]>,
    /// How it ended.
    pub status: Status,
    /// The text in the parentheses behind the status.
    pub reply: &'a [u8],
}

/// The attempt that a delivery agent's message is about ([`super::Header::message`]); `None` for all else.
pub fn tried(message: &[u8]) -> Option<Tried<'_>> {
    let Message::Attempt(attempt) = parse(message) else {
        return None;
    };
    let Word::Delivery(status) = attempt.status else {
        return None;
    };
    Some(Tried {
        queue_id: attempt.queue_id,
        recipient: attempt.recipient,
        dsn: attempt.dsn,
        status,
        reply: attempt.reply,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_attempts_are_read() {
        let line = b"4F2A: to=<a@aol.com>, relay=x[192.0.2.1]:25, delay=1, delays=0/0/1/0, dsn=4.7.0, status=deferred (421 no)";
        let found = tried(line).unwrap();
        assert_eq!(found.queue_id, b"4F2A");
        assert_eq!(found.recipient, b"a@aol.com");
        assert_eq!(found.dsn, Some(&b"4.7.0"[..]));
        assert_eq!(
            (found.status, found.reply),
            (Status::Deferred, &b"421 no"[..])
        );
        for other in [
            &b"4F2A: removed"[..],
            b"4F2A: from=<status=sent (x)>, size=1, nrcpt=1 (queue active)",
            b"4F2A: to=<a@aol.com>, relay=none, delay=1, dsn=2.0.0, status=deliverable (ok)",
            b"",
        ] {
            assert_eq!(tried(other), None);
        }
    }
}
