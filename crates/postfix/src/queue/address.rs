//! Addresses and texts as showq(8) puts them: queue files hold them raw.

use std::borrow::Cow;

/// Quotes the local part of `address` where RFC 5321 wants it quoted: `"a b"@example.com`.
///
/// Follows global/quote_822_local.c as Postfix calls it: text that is not ASCII stays as it is, a source route
/// (`@relay:`) and the domain are not looked at.
pub fn quote_822_local(address: &[u8]) -> Vec<u8> {
    let route = match address.first() {
        Some(b'@') => address.iter().position(|&b| b == b':'),
        _ => None,
    };
    let start = route.map_or(0, |colon| colon.saturating_add(1));
    let (route, mailbox) = address.split_at_checked(start).unwrap_or((b"", address));
    let at = mailbox.iter().rposition(|&b| b == b'@');
    let (local, domain) = mailbox
        .split_at_checked(at.unwrap_or(mailbox.len()))
        .unwrap_or((mailbox, b""));
    if is_dot_string(local) {
        return address.to_vec();
    }
    let mut quoted = route.to_vec();
    quoted.push(b'"');
    for &byte in local {
        if matches!(byte, b'"' | b'\\' | b'\r') {
            quoted.push(b'\\');
        }
        quoted.push(byte);
    }
    quoted.push(b'"');
    quoted.extend_from_slice(domain);
    quoted
}

/// Is this a sequence of atoms with dots between?
fn is_dot_string(local: &[u8]) -> bool {
    let special = |&b: &u8| b == b' ' || b.is_ascii_control() || b"()<>@,;:\\\"[]".contains(&b);
    !local.is_empty()
        && local.first() != Some(&b'.')
        && local.last() != Some(&b'.')
        && !local.windows(2).any(|pair| pair == b"..")
        && !local.iter().any(special)
}

/// `text` with every byte that is neither printable ASCII nor part of an UTF-8 character beyond ASCII replaced by
/// `?` (util/printable.c). Where `smtputf8_enable` is off, so is everything beyond ASCII.
///
/// The result may still hold characters that a terminal acts upon; see [`crate::escape`].
pub fn printable(text: &[u8], smtputf8_enable: bool) -> String {
    shown(text, smtputf8_enable).into_owned()
}

/// The same, without a copy where nothing is to be replaced.
pub(super) fn shown(text: &[u8], smtputf8_enable: bool) -> Cow<'_, str> {
    // Looked at for every line of every log: without a way out of the loop, many bytes are compared at a time.
    let has_control = text
        .iter()
        .fold(false, |found, &b| found | (b < b' ') | (b == 0x7f));
    if !has_control
        && (smtputf8_enable || text.is_ascii())
        && let Ok(whole) = std::str::from_utf8(text)
    {
        return Cow::Borrowed(whole);
    }
    let mut shown = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                ' '..='~' => shown.push(c),
                c if !c.is_ascii() && smtputf8_enable => shown.push(c),
                c => shown.extend(std::iter::repeat_n('?', c.len_utf8())),
            }
        }
        shown.extend(chunk.invalid().iter().map(|_| '?'));
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The first block is postconf-independent output of `sendmail` and `postqueue -j` of Postfix 3.7 for these
    // recipients; the rest follows RFC 5321, section 4.1.2.
    #[test]
    fn local_parts_are_quoted_where_they_must_be() {
        let check = |address: &str, expected: &str| {
            let quoted = quote_822_local(address.as_bytes());
            assert_eq!(String::from_utf8(quoted).unwrap(), expected);
        };
        check("user@example.com", "user@example.com");
        check("a b@example.com", "\"a b\"@example.com");
        check("a\"b\\c@example.com", "\"a\\\"b\\\\c\"@example.com");
        check("a@b@example.com", "\"a@b\"@example.com");
        check(".a@example.com", "\".a\"@example.com");
        check("a.@example.com", "\"a.\"@example.com");
        check("a..b@example.com", "\"a..b\"@example.com");
        check("a.b+c=d@example.com", "a.b+c=d@example.com");
        check("jos\u{e9}@example.com", "jos\u{e9}@example.com");
        check("@example.com", "\"\"@example.com");
        check("MAILER-DAEMON", "MAILER-DAEMON");
        check("two words", "\"two words\"");
        check("@relay:a b@example.com", "@relay:\"a b\"@example.com");
        check("a\rb@example.com", "\"a\\\rb\"@example.com");
        check("", "\"\"");
    }

    #[test]
    fn what_cannot_be_printed_becomes_a_question_mark() {
        let check = |text: &[u8], utf8: bool, expected: &str| {
            assert_eq!(printable(text, utf8), expected, "{text:?}");
        };
        check(b"plain ~", true, "plain ~");
        check(b"a\tb\nc\x7f\x1b", true, "a?b?c??");
        check("jos\u{e9}".as_bytes(), true, "jos\u{e9}");
        check("jos\u{e9}".as_bytes(), false, "jos??");
        check(b"jos\xe9 x", true, "jos? x");
        check(b"\xe2\x82", true, "??");
        check(b"\xed\xa0\x80", true, "???");
    }
}
