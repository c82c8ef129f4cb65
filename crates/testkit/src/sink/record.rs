//! What a sink remembers.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

/// A recipient that the sink accepted a message for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The envelope sender; empty for the null sender.
    pub sender: String,
    /// The envelope recipient.
    pub recipient: String,
    /// What followed the recipient in its command: `NOTIFY=…`, `ORCPT=…`.
    pub rcpt_params: String,
    /// The message, one for all its recipients in a transaction.
    pub message: Arc<Message>,
    /// Where it came from.
    pub client: SocketAddr,
    /// When it was accepted.
    pub when: SystemTime,
}

/// A message that the sink accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What followed the sender in its command: `BODY=8BITMIME`, `SMTPUTF8`, `RET=…`, `ENVID=…`.
    pub mail_params: String,
    /// The header, lines ended by CR LF.
    pub header: Vec<u8>,
    /// The Message-ID, with its angle brackets.
    pub message_id: Option<String>,
    /// The length of header, empty line and body.
    pub size: usize,
    /// [`hash_body`] of the body.
    pub body_hash: u64,
}

impl Message {
    pub(super) fn new(mail_params: String, content: &[u8]) -> Self {
        let (header, body) = split(content);
        let message_id = header.split(|&byte| byte == b'\n').find_map(|line| {
            let (name, value) = line.split_at_checked("Message-ID:".len())?;
            let is_id = name.eq_ignore_ascii_case(b"Message-ID:");
            is_id.then(|| String::from_utf8_lossy(value).trim().to_owned())
        });
        Self {
            mail_params,
            header: header.to_vec(),
            message_id,
            size: content.len(),
            body_hash: hash_body(body),
        }
    }
}

/// Header (with its last line's end) and body of a message with CR LF line ends.
pub(super) fn split(content: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    for line in content.split_inclusive(|&byte| byte == b'\n') {
        if line == b"\r\n" {
            let (header, rest) = content.split_at(end);
            return (header, rest.strip_prefix(b"\r\n").unwrap_or(rest));
        }
        end += line.len();
    }
    (content, b"")
}

/// A number for a body, the same for equal bodies whether lines end in LF or CR LF. Good within one test run.
pub fn hash_body(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line).hash(&mut hasher);
    }
    hasher.finish()
}

/// A RCPT and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The envelope sender; empty for the null sender.
    pub sender: String,
    /// The recipient asked for.
    pub recipient: String,
    /// The reply's code; 0 where there was none, since the connection was dropped or hung.
    pub code: u16,
    /// Where it came from.
    pub client: SocketAddr,
    /// When it was answered.
    pub when: SystemTime,
}

#[derive(Default)]
pub(super) struct Seen {
    pub(super) deliveries: Vec<Delivery>,
    pub(super) answered: Vec<Answered>,
}

/// The wall clock, so that what the sink saw can be compared with a log.
#[expect(
    clippy::disallowed_methods,
    reason = "a witness notes the time of what it saw"
)]
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::{Message, hash_body};

    #[test]
    fn a_message_is_split_at_its_first_empty_line() {
        let message = Message::new(
            String::new(),
            b"message-id: <a@b>\r\nX: y\r\n\r\none\r\n\r\ntwo\r\n",
        );
        assert_eq!(message.header, b"message-id: <a@b>\r\nX: y\r\n");
        assert_eq!(message.message_id.as_deref(), Some("<a@b>"));
        assert_eq!(message.body_hash, hash_body(b"one\n\ntwo\n"));
    }

    #[test]
    fn a_message_may_lack_a_header() {
        let message = Message::new(String::new(), b"\r\nbody\r\n");
        assert_eq!(
            (message.header.as_slice(), message.message_id),
            (&b""[..], None)
        );
        assert_eq!(message.body_hash, hash_body(b"body\n"));
    }
}
