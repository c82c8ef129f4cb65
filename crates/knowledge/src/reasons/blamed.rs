//! The IP address that a server's words blame.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first address in `words` that stands on its own and is not `server`, the remote server's.
///
/// Loopback addresses are ignored: blocklists answer with them (127.0.0.2), no one is blamed by them. So is the
/// address of a mailbox (`user@[192.0.2.1]`) and what is part of a longer name or number.
pub(super) fn address(words: &[u8], server: Option<IpAddr>) -> Option<IpAddr> {
    let mut at = 0;
    while at < words.len() {
        if !is_address_byte(words[at]) {
            at += 1;
            continue;
        }
        let len = words[at..]
            .iter()
            .take_while(|&&b| is_address_byte(b))
            .count();
        let (before, run, after) = (&words[..at], &words[at..at + len], &words[at + len..]);
        at += len;
        if let Some(found) = whole_address(before, run, after)
            && Some(found) != server
        {
            return Some(found);
        }
    }
    None
}

fn is_address_byte(b: u8) -> bool {
    b.is_ascii_hexdigit() || b == b':' || b == b'.'
}

/// The address that `run` is, if what is around it does not make it a part of something else.
fn whole_address(before: &[u8], run: &[u8], after: &[u8]) -> Option<IpAddr> {
    // Most runs are a few letters of a word.
    memchr::memchr2(b'.', b':', run)?;
    // `[IPv6:2001:db8::1]`: the 6 and its colon are in the run.
    let (before, run) = match run.strip_prefix(b"6:") {
        Some(rest) if before.to_ascii_lowercase().ends_with(b"ipv") => (&before[..0], rest),
        _ => (before, run),
    };
    // A sentence's full stop, and the colon of `192.0.2.1: blocked` and `192.0.2.1:25`.
    let dots = run.iter().rev().take_while(|&&b| b == b'.').count();
    let run = &run[..run.len() - dots];
    let run = match (run.ends_with(b"::"), run.strip_suffix(b":")) {
        (false, Some(rest)) => rest,
        _ => run,
    };
    // `IP:192.0.2.1`
    let (before, run) = match run.strip_prefix(b":") {
        Some(rest) if !rest.contains(&b':') => (&before[..0], rest),
        _ => (before, run),
    };
    if is_of_server(before, after) || is_called(before) {
        return None;
    }
    let joins =
        |b: Option<&u8>| b.is_some_and(|&b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    // `<192.0.2.1>_is_blocked` is AT&T's; a name goes on with a letter or `-`.
    // `host 192.0.2.1[192.0.2.1] said: …`: the first is its name.
    if after.starts_with(b"[") {
        return None;
    }
    // `192.0.2.0/24` is a network.
    let is_network = after.starts_with(b"/") && after.get(1).is_some_and(u8::is_ascii_digit);
    if is_network {
        return None;
    }
    // `RFC 2821 section 4.1.1.1` is no address, though it has the form of one.
    let counts = [
        &b"section "[..],
        b"policy ",
        b"policy (",
        b"version ",
        b"release ",
    ];
    let before_lower = before.to_ascii_lowercase();
    let is_section = counts.iter().any(|word| before_lower.ends_with(word));
    let joined = joins(before.last()) && !ends_with_status(before);
    if joined || before.ends_with(b"@[") || joins(after.first()) || is_section {
        return None;
    }
    let found = parse(run).or_else(|| {
        let colon = memchr::memchr(b':', run)?;
        let port = run.get(colon + 1..)?;
        port.iter()
            .all(u8::is_ascii_digit)
            .then(|| parse(&run[..colon]))?
    })?;
    let is_no_one = found.is_loopback() || found.is_unspecified() || found.is_multicast();
    (!is_no_one).then_some(found)
}

/// `host NAME[192.0.2.1] said: …` in the words: is it a server that the server asked?
fn is_of_server(before: &[u8], after: &[u8]) -> bool {
    let is_server = |rest: &[u8]| {
        let says = [
            &b" said: "[..],
            b" refused ",
            b" while ",
            b" timed out",
            b":25: ",
            b": ",
        ];
        says.iter().any(|verb| rest.starts_with(verb))
    };
    let asks = |word: &[u8]| {
        let verbs = [&b"host"[..], b"to", b"with"];
        verbs.iter().any(|verb| word.eq_ignore_ascii_case(verb))
    };
    let mut words = before.rsplit(|b| *b == b' ');
    let name = words.next().unwrap_or_default();
    let is_named = name.ends_with(b"[") && name.len() > 1;
    is_named && after.strip_prefix(b"]").is_some_and(is_server) && words.next().is_some_and(asks)
}

/// Whom the server itself called: `connect to mx.example.net [192.0.2.1]:25`, Exim's `Called:   192.0.2.1`.
fn is_called(before: &[u8]) -> bool {
    let last: Vec<&[u8]> = before
        .trim_ascii_end()
        .rsplit(|b| *b == b' ')
        .take(5)
        .collect();
    // Backwards: `not allowed to connect from 192.0.2.1` is about the client.
    last.iter().any(|word| word.eq_ignore_ascii_case(b"called:"))
        || last.windows(2).any(|two| {
            matches!(two, [to, verb] if to.eq_ignore_ascii_case(b"to") && verb.eq_ignore_ascii_case(b"connect"))
        })
}

/// Does `before` end with the reply code of a line that is not the last, as in `550-192.0.2.1 is blocked`?
fn ends_with_status(before: &[u8]) -> bool {
    let Some(code) = before.strip_suffix(b"-") else {
        return false;
    };
    let digits = code.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (front, code) = code.split_at(code.len() - digits);
    digits == 3
        && matches!(code.first(), Some(b'4' | b'5'))
        && front.last().is_none_or(|b| *b == b' ')
}

fn parse(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let v4 = text.parse::<Ipv4Addr>().map(IpAddr::V4);
    v4.or_else(|_| text.parse::<Ipv6Addr>().map(IpAddr::V6))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_stands_alone_and_is_not_the_servers() {
        let check = |words: &str, expected: Option<&str>| {
            let found = address(words.as_bytes(), "192.0.2.99".parse().ok());
            assert_eq!(found, expected.map(|e| e.parse().unwrap()), "{words}");
        };
        check("from [192.0.2.1] weren't sent", Some("192.0.2.1"));
        check("421 [192.0.2.1      15] Our system", Some("192.0.2.1"));
        check("uses MX in test address space (192.0.2.0/24)", None);
        check(
            "unable to connect to remote server [192.0.2.1:25]: timed out",
            None,
        );
        check("Called:   192.0.2.1 Sent: RCPT", None);
        check("You may not connect from 192.0.2.1", Some("192.0.2.1"));
        check("[2001:db8::7      12] Our system", Some("2001:db8::7"));
        check("[IPv6:2001:db8::7] is listed", Some("2001:db8::7"));
        check("listed: 192.0.2.1. See", Some("192.0.2.1"));
        check("for 192.0.2.1... See", Some("192.0.2.1"));
        check("192.0.2.1: listed", Some("192.0.2.1"));
        check("554 IP:192.0.2.1 - listed", Some("192.0.2.1"));
        check(
            "records for [example.org:192.0.2.1], see",
            Some("192.0.2.1"),
        );
        check("192.0.2.1:49309 listed", Some("192.0.2.1"));
        check("query/ip/192.0.2.1", Some("192.0.2.1"));
        check("http://x.example/?ip=192.0.2.1&c=rdns", Some("192.0.2.1"));
        check("521< 192.0.2.1 >_is_blocked", Some("192.0.2.1"));
        check("521-192.0.2.1 blocked by ldap", Some("192.0.2.1"));
        check("550-listed 550-192.0.2.1 550 See", Some("192.0.2.1"));
        check("id 1550-192.0.2.1, a553-192.0.2.1", None);
        check("mx 192.0.2.99 refuses 192.0.2.1", Some("192.0.2.1"));
        check("192.0.2.99 is me", None);
        check("1.2.0.192.zen.spamhaus.org", None);
        check("ip-192.0.2.1 and 192.0.2.1-static.example", None);
        check("listed (127.0.0.2)", None);
        check("<user@[192.0.2.1]>: unknown", None);
        check("at 12:22:57, id 192.0.2, 192.0.2.1.5, 999.0.2.1", None);
        check("Mail::SpamAssassin :: ::1 dead", None);
        check("HELO is no FQDN, see RFC 2821 section 4.1.1.1", None);
        check("spam, policy (3.2.1.1) ID (a1b2)", None);
        check("refused by policy 3.2.1.1", None);
        check(
            "filter version 8.17.1.22 refuses 192.0.2.1",
            Some("192.0.2.1"),
        );
        check("against our policy: 192.0.2.1", Some("192.0.2.1"));
        check(
            "undeliverable: host mx.example[192.0.2.7] said: 550 no",
            None,
        );
        check(
            "unverified: connect to mx.example[192.0.2.7]:25: Connection refused",
            None,
        );
        check(
            "undeliverable: host 192.0.2.7[192.0.2.7] said: 550 no",
            None,
        );
        check("Client host [192.0.2.7]: rejected", Some("192.0.2.7"));
        check("", None);
    }
}
