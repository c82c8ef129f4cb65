//! Compatibility levels, such as 3.6 (postconf(5), compatibility_level).

/// Major version, minor version and patch level, in the order in which levels compare.
pub(super) type Level = (i64, i64, i64);

/// Reads a level (Postfix `src/global/compat_level.c`, `compat_level_from_string`).
pub(super) fn level(text: &[u8]) -> Option<Level> {
    let text = std::str::from_utf8(text).ok()?;
    let mut parts = text.split('.').map(strtol);
    let mut next = |max: i64| match parts.next() {
        None => Some(0),
        Some(part) => part.filter(|n| (0..=max).contains(n)),
    };
    let level = (next(i64::MAX >> 20)?, next(0x3ff)?, next(0x3ff)?);
    parts.next().is_none().then_some(level)
}

/// A number as strtol(3) reads it: leading white space and a sign are fine, anything behind the digits is not.
fn strtol(text: &str) -> Option<i64> {
    text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b')
        .parse()
        .ok()
}
