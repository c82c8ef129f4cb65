//! How mail comes in: smtpd's clients, and what pickup takes up again.

use super::cursor::Cursor;
use super::delivery;
use super::event::Event;
use crate::queue::QueueId;

/// Name and address of smtpd's `connect from NAME[ADDRESS]`, which has `:PORT` behind it with
/// smtpd_client_port_logging (Postfix `src/smtpd/smtpd.c`; `src/smtpd/smtpd_peer.c`). An address holds no bracket.
pub(super) fn client(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut c = Cursor(message);
    delivery::repeated(&mut c, delivery::MOST_STOPS);
    if !c.eat(b"connect from ") {
        return None;
    }
    let (name, rest) = c.0.split_at_checked(memchr::memchr(b'[', c.0)?)?;
    let (address, _) = rest.split_at_checked(memchr::memchr(b']', rest)?)?;
    let address = address.get(1..)?;
    (!name.is_empty() && !address.is_empty()).then_some((name, address))
}

/// pickup's `QUEUEID: uid=… from=<…> orig_id=QUEUEID` (Postfix `src/pickup/pickup.c`).
pub(super) fn requeued<'a>(message: &'a [u8], tag: &'a [u8]) -> Option<Event<'a>> {
    let mut c = Cursor(message);
    let queue_id = delivery::queue_id(&mut c)?;
    if !c.eat(b"uid=") {
        return None;
    }
    // The sender's address may hold anything; the id is last, and holds no blank.
    let key = b" orig_id=";
    let at = memchr::memmem::rfind(c.0, key)?;
    let orig_id = c.0.get(at.saturating_add(key.len())..)?;
    QueueId::from_bytes(orig_id)?;
    Some(Event::Requeued {
        tag,
        queue_id,
        orig_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_a_name_and_an_address() {
        let check = |message: &str, expected: Option<(&str, &str)>| {
            let expected = expected.map(|(name, address)| (name.as_bytes(), address.as_bytes()));
            assert_eq!(client(message.as_bytes()), expected, "{message}");
        };
        let assata = Some(("assata.example.org", "192.0.2.7"));
        check("connect from assata.example.org[192.0.2.7]", assata);
        check("connect from assata.example.org[192.0.2.7]:40312", assata);
        check(
            "connect from unknown[2001:db8::7]",
            Some(("unknown", "2001:db8::7")),
        );
        check(
            "connect from unknown[unknown]",
            Some(("unknown", "unknown")),
        );
        check(
            "disconnect from assata.example.org[192.0.2.7] quit=1 commands=1",
            None,
        );
        check(
            "lost connection after connect from assata.example.org[192.0.2.7]",
            None,
        );
        check(
            "message repeated 2 times: [ connect from assata.example.org[192.0.2.7]]",
            assata,
        );
        check("connect from ", None);
        check("connect from assata.example.org", None);
        check("connect from assata.example.org[192.0.2.7", None);
        check("connect from [192.0.2.7]", None);
        check("connect from assata.example.org[]", None);
    }
}
