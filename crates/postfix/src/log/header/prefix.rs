//! What may stand in front of a line's time: a priority, what container runtimes, compose and grep put there.

use super::super::cursor::Cursor;
use super::super::stamp;

/// Takes what may come before a time. True where an RFC 5424 header follows (its `<PRI>VERSION ` is taken too).
pub(super) fn prefixes(c: &mut Cursor<'_>) -> bool {
    // Nearly every line begins with its time: to see that here is quicker than to find that each of these is missing.
    if begins_with_date(c.0) {
        return false;
    }
    for _ in 0..8 {
        // After a crash, file systems leave runs of NUL where a block was never written.
        c.until(|b| !matches!(b, 0 | b' ' | b'\t'));
        if c.eat(b"\xef\xbb\xbf") || colour(c) || priority(c) || compose(c) || kubectl(c) {
            continue;
        }
        break;
    }
    let mut version = *c;
    if version.eat(b"1 ") && matches!(version.peek(), Some(b'0'..=b'9' | b'-')) {
        *c = version;
        return true;
    }
    false
}

/// `2026-11-24T12:`, `Nov 4`, `Nov  4`: no prefix begins so.
#[inline]
fn begins_with_date(line: &[u8]) -> bool {
    match line {
        [
            y,
            e,
            a,
            r,
            b'-',
            _,
            _,
            b'-',
            _,
            _,
            b'T' | b' ',
            _,
            _,
            b':',
            ..,
        ] => [y, e, a, r].iter().all(|b| b.is_ascii_digit()),
        [m, o, n, b' ', b' ', d, ..] | [m, o, n, b' ', d, ..] => {
            let month = m.is_ascii_uppercase() && o.is_ascii_lowercase() && n.is_ascii_lowercase();
            month && d.is_ascii_digit()
        }
        _ => false,
    }
}

/// A colour sequence, as compose puts around its prefix: ESC `[` digits `m`.
fn colour(c: &mut Cursor<'_>) -> bool {
    let mut probe = *c;
    if !probe.eat(b"\x1b[") {
        return false;
    }
    probe.until(|b| !b.is_ascii_digit() && b != b';');
    let is_colour = probe.eat(b"m");
    if is_colour {
        *c = probe;
    }
    is_colour
}

/// `<22>`, perhaps with the octet count of RFC 6587 before it.
fn priority(c: &mut Cursor<'_>) -> bool {
    let mut probe = *c;
    if probe.peek() != Some(b'<') {
        let counted = probe.number(1, 6).is_some() && probe.eat(b" ");
        if !counted || probe.peek() != Some(b'<') {
            return false;
        }
    }
    let found = probe.eat(b"<") && probe.number(1, 3).is_some() && probe.eat(b">");
    if found {
        *c = probe;
    }
    found
}

/// `postfix-1  | `, as compose puts before every line; `relay_postfix.1.x2m@rustin    | `, as `docker service logs`
/// does.
fn compose(c: &mut Cursor<'_>) -> bool {
    let mut probe = *c;
    let name =
        probe.until(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'_' | b'.' | b'-' | b'@'));
    probe.blanks();
    let found = !name.is_empty() && (probe.eat(b"| ") || probe.eat(b"|\x1b[0m "));
    if found {
        *c = probe;
    }
    found
}

/// `[pod/NAME/CONTAINER] `, as `kubectl logs --prefix` puts before every line.
fn kubectl(c: &mut Cursor<'_>) -> bool {
    let mut probe = *c;
    if !probe.eat(b"[pod/") {
        return false;
    }
    probe.until(|b| b == b']' || b == b' ');
    let found = probe.eat(b"] ");
    if found {
        *c = probe;
    }
    found
}

/// `stdout F `: the stream and the mark (full, partial) that follow the time in a CRI log file.
pub(super) fn stream(c: &mut Cursor<'_>) -> bool {
    let mut probe = *c;
    let found =
        (probe.eat(b"stdout ") || probe.eat(b"stderr ")) && (probe.eat(b"F ") || probe.eat(b"P "));
    if found {
        *c = probe;
    }
    found
}

/// The line without what grep puts in front of it (`FILE:`, `FILE:12:`, `12:`; `-` instead of `:` for what `-C` adds),
/// or what `cat -n` does. A file's name with a blank in it is not understood.
pub(in crate::log) fn behind_file(line: &[u8]) -> Option<Cursor<'_>> {
    let line = line.trim_ascii_start();
    let word = Cursor(line).word();
    let ends = word.iter().enumerate().take(512);
    let ends = ends.filter(|(_, byte)| matches!(byte, b':' | b'-' | b'\t'));
    let rests = ends.filter_map(|(at, _)| line.get(at.checked_add(1)?..));
    let mut rests = rests.map(Cursor);
    rests.find(|rest| {
        let mut c = *rest;
        c.peek() == Some(b'{') || prefixes(&mut c) || stamp::take(&mut c).is_some()
    })
}
