//! What a run of characters is, by its form alone.

use std::net::IpAddr;

/// `2xx` to `5xx`.
pub(super) fn is_status_code(code: &str) -> bool {
    let bytes = code.as_bytes();
    bytes.len() == 3
        && matches!(bytes.first(), Some(b'2'..=b'5'))
        && bytes.iter().all(u8::is_ascii_digit)
}

/// `5.1.1`.
pub(super) fn is_enhanced_code(core: &str) -> bool {
    let mut parts = core.split('.');
    let class = parts.next().is_some_and(|c| matches!(c, "2" | "4" | "5"));
    let number = |p: Option<&str>| {
        p.is_some_and(|p| (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
    };
    class && number(parts.next()) && number(parts.next()) && parts.next().is_none()
}

/// An address with or without `IPv6:` in front.
pub(super) fn is_ip(text: &str) -> bool {
    let may_be = text
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_hexdigit() || b == b':' || b == b'I');
    let text = text.strip_prefix("IPv6:").unwrap_or(text);
    may_be && text.contains(['.', ':']) && text.parse::<IpAddr>().is_ok()
}

/// `192.0.2.1:25`.
pub(super) fn is_ip_and_port(text: &str) -> bool {
    let parts = text.split_once(':');
    parts.is_some_and(|(ip, port)| is_ip(ip) && port.bytes().all(|b| b.is_ascii_digit()))
}

/// Of the form of a host's full name.
pub(super) fn is_name(core: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let Some((_, top)) = core.rsplit_once('.') else {
        return false;
    };
    core.bytes().all(is_letter) && top.len() > 1 && top.bytes().all(|b| b.is_ascii_alphabetic())
}

/// A name whose last label is a top-level domain, or one that is kept out of the DNS (RFC 2606, RFC 6761, RFC 9476): so
/// `exist.Please` is not one.
pub(super) fn is_host(core: &str) -> bool {
    const RESERVED: [&str; 11] = [
        "example",
        "test",
        "invalid",
        "localhost",
        "local",
        "lan",
        "internal",
        "intra",
        "home",
        "corp",
        "localdomain",
    ];
    let core = core.strip_suffix('.').unwrap_or(core);
    let Some((rest, top)) = core.rsplit_once('.') else {
        return false;
    };
    let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let spelt = !rest.is_empty()
        && !rest.starts_with('.')
        && rest.chars().all(is_letter)
        && rest.contains(|c: char| c.is_alphanumeric());
    spelt
        && top.len() > 1
        && (RESERVED.iter().any(|name| top.eq_ignore_ascii_case(name))
            || psl::suffix(top.to_ascii_lowercase().as_bytes()).is_some_and(|s| s.is_known()))
}

/// A server's name: before its address, or of a form that only one of many has (`mtain-dk03.mx.aol.com`). A
/// blocklist's name stays.
pub(super) fn is_one_of_many(before: &str, core: &str, after: &str, has_digit: bool) -> bool {
    if !is_name(core) {
        return false;
    }
    if after.starts_with('[') || before.ends_with("name=") {
        return true;
    }
    let first = core.split('.').next().unwrap_or_default();
    let numbered = has_digit && first.bytes().any(|b| b.is_ascii_digit());
    numbered && core.split('.').count() > 2 && !before.ends_with("using ")
}

/// A time of day or a date in figures.
pub(super) fn is_time(core: &str) -> bool {
    let bytes = core.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let dashes = || bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    bytes.first().is_some_and(u8::is_ascii_digit)
        && bytes
            .iter()
            .all(|b| b.is_ascii_digit() || b":.TZ+-".contains(b))
        && ((bytes.contains(&b':') && digits >= 3) || (digits >= 8 && dashes()))
}

/// A queue id or the like: letters and digits, mixed more than a code's are.
pub(super) fn is_id(core: &str) -> bool {
    let (mut kinds, mut changes, mut digits) = (0, 0, 0);
    let mut last = None;
    for b in core.bytes().filter(u8::is_ascii_alphanumeric) {
        let is_digit = b.is_ascii_digit();
        kinds += 1;
        digits += usize::from(is_digit);
        changes += usize::from(last.is_some_and(|last| last != is_digit));
        last = Some(is_digit);
    }
    (kinds >= 7 && changes >= 2) || (kinds >= 10 && changes >= 1 && digits >= 3)
}
