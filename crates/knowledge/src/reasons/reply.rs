//! Telling the remote server's words from what Postfix writes around them.
//!
//! `src/smtp/smtp_proto.c` and `smtp_connect.c` log `host NAME[ADDRESS] said: REPLY (in reply to COMMAND)` and `host
//! NAME[ADDRESS] refused to talk to me: REPLY`, the lines of a reply joined by blanks; `src/qmgr/qmgr_queue.c` and
//! `qmgr_deliver.c` put `delivery temporarily suspended: ` before the reason of an earlier attempt.

use std::borrow::Cow;

/// A reply taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply<'a> {
    /// The server's words, from the status code on, with `(in reply to …)` behind; else Postfix's own.
    pub(super) text: Cow<'a, [u8]>,
    /// Are they a server's?
    pub(super) from_server: bool,
    /// The server's address.
    pub(super) server: Option<&'a [u8]>,
}

pub(super) fn read(reply: &[u8]) -> Reply<'_> {
    let mut rest = reply;
    while let Some(inner) = rest.strip_prefix(b"delivery temporarily suspended: ") {
        rest = inner;
    }
    let (server, said) = match server_and_words(rest) {
        Some((address, words)) => (Some(address), words),
        None => (None, rest),
    };
    let from_server = server.is_some() || status_code(said).is_some();
    Reply {
        text: join_lines(said),
        from_server,
        server,
    }
}

impl Reply<'_> {
    /// The enhanced status code right behind the status code (`550 5.1.1 …`).
    pub(super) fn enhanced_code(&self) -> Option<&[u8]> {
        let rest = self.text.get(status_code(&self.text)?.len() + 1..)?;
        let end = rest.iter().position(|&b| b != b'.' && !b.is_ascii_digit());
        let code = &rest[..end.unwrap_or(rest.len())];
        let parts = code.split(|&b| b == b'.');
        let is_code = parts.clone().count() == 3 && parts.clone().all(|p| matches!(p.len(), 1..=3));
        is_code.then_some(code)
    }
}

/// The address in brackets and the words of `host NAME[ADDRESS] said: WORDS`. Older versions of Postfix write
/// `connect to NAME[ADDRESS]: server refused to talk to me: WORDS`.
fn server_and_words(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let named = text
        .strip_prefix(b"host ")
        .or_else(|| text.strip_prefix(b"connect to "))?;
    let open = memchr::memchr(b'[', named)?;
    let close = open + memchr::memchr(b']', &named[open..])?;
    if named[..open].contains(&b' ') {
        return None;
    }
    let address = &named[open + 1..close];
    let rest = &named[close + 1..];
    // The port is there in some messages, from Postfix 2.3 on.
    let rest = rest.strip_prefix(b":").map_or(rest, |port| {
        let digits = port.iter().take_while(|b| b.is_ascii_digit()).count();
        &port[digits..]
    });
    let words = [
        &b" said: "[..],
        b" refused to talk to me: ",
        b": server refused to talk to me: ",
        b" server refused to talk to me: ",
    ]
    .iter()
    .find_map(|verb| rest.strip_prefix(*verb))?;
    Some((address, words))
}

/// The three digits that a server's reply begins with, if they are followed by a blank, a `-` or nothing.
fn status_code(text: &[u8]) -> Option<&[u8]> {
    let code = text.get(..3)?;
    let is_code = matches!(code[0], b'2'..=b'5') && code[1..].iter().all(u8::is_ascii_digit);
    (is_code && matches!(text.get(3), None | Some(b' ' | b'-'))).then_some(code)
}

/// Leaves out the codes at the beginning of a reply's second and later lines: `550-5.1.1 a b 550 5.1.1 c` is
/// `550-5.1.1 a b c`. A phrase may go on from one line to the next.
fn join_lines(words: &[u8]) -> Cow<'_, [u8]> {
    let Some(code) = status_code(words) else {
        return Cow::Borrowed(words);
    };
    let mut joined: Option<Vec<u8>> = None;
    let mut done = 0;
    for at in memchr::memmem::find_iter(&words[3..], code).map(|at| at + 3) {
        let separator = words.get(at + 3);
        if at < done || words[at - 1] != b' ' || !matches!(separator, Some(b' ' | b'-')) {
            continue;
        }
        let out = joined.get_or_insert_with(|| Vec::with_capacity(words.len()));
        out.extend_from_slice(&words[done..at]);
        done = at + 4 + enhanced_code_len(&words[at + 4..]);
    }
    match joined {
        Some(mut out) => {
            out.extend_from_slice(&words[done..]);
            Cow::Owned(out)
        }
        None => Cow::Borrowed(words),
    }
}

/// The length of `5.1.1 ` at the beginning of `text`, blank included; 0 if something else is there.
fn enhanced_code_len(text: &[u8]) -> usize {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut len = 0;
    for part in 0..3 {
        let found = digits(&text[len..]);
        let end = if part < 2 { b'.' } else { b' ' };
        if found == 0 || found > 3 || text.get(len + found) != Some(&end) {
            return 0;
        }
        len += found + 1;
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_words_are_told_from_what_is_around_them() {
        let check = |reply: &str, text: &str, from_server: bool, server: Option<&str>| {
            let expected = Reply {
                text: Cow::Borrowed(text.as_bytes()),
                from_server,
                server: server.map(str::as_bytes),
            };
            assert_eq!(read(reply.as_bytes()), expected, "{reply}");
        };
        check(
            "host mx.example[192.0.2.1] said: 550 5.1.1 No (in reply to RCPT TO command)",
            "550 5.1.1 No (in reply to RCPT TO command)",
            true,
            Some("192.0.2.1"),
        );
        check(
            "host mx.example[2001:db8::1]:25 refused to talk to me: 421 Busy",
            "421 Busy",
            true,
            Some("2001:db8::1"),
        );
        check(
            "delivery temporarily suspended: host mx.example[192.0.2.1] refused to talk to me: 421 Busy",
            "421 Busy",
            true,
            Some("192.0.2.1"),
        );
        check(
            "delivery temporarily suspended: connect to mx.example[192.0.2.1]: server refused to talk to me: 421 Busy",
            "421 Busy",
            true,
            Some("192.0.2.1"),
        );
        check(
            "connect to mx.example[192.0.2.1]:25: Connection refused",
            "connect to mx.example[192.0.2.1]:25: Connection refused",
            false,
            None,
        );
        check(
            "550-5.1.1 a b 550-5.1.1 c 550 5.1.1 d",
            "550-5.1.1 a b c d",
            true,
            None,
        );
        check("554-x 554-No 554 IP [550]", "554-x No IP [550]", true, None);
        check(
            "550 more than 550 of 5505",
            "550 more than of 5505",
            true,
            None,
        );
        check("550", "550", true, None);
        check("5500 x", "5500 x", false, None);
        check(
            "host a b[1] said: 550 x",
            "host a b[1] said: 550 x",
            false,
            None,
        );
        check("host [1", "host [1", false, None);
        check("", "", false, None);
    }
}
