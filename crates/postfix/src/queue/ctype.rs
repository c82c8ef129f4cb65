//! C's idea of a string and a number, which is what Postfix applies to the bytes of a record.

/// The bytes before the first NUL: all that Postfix sees of a record's text.
pub(super) fn c_str(text: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, text).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// White space as isspace(3) in the C locale, vertical tab included.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The number at the start of `text`, after white space: what atol(3) returns; 0 where there is none, the nearest
/// limit where it does not fit.
pub(super) fn atol(text: &[u8]) -> i64 {
    scan_long(text).map_or(0, |(value, _)| value)
}

/// The number at the start of `text`, after white space, and what follows it: `%ld` of sscanf(3).
pub(super) fn scan_long(text: &[u8]) -> Option<(i64, &[u8])> {
    let blanks = text.iter().take_while(|&&b| is_space(b)).count();
    let text = text.get(blanks..)?;
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let length = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let (number, rest) = digits.split_at_checked(length)?;
    if number.is_empty() {
        return None;
    }
    let value = number.iter().fold(0_i64, |sum, &b| {
        let digit = i64::from(b.wrapping_sub(b'0'));
        sum.saturating_mul(10).saturating_add(digit)
    });
    Some((
        if negative {
            value.saturating_neg()
        } else {
            value
        },
        rest,
    ))
}

/// Splits `name = value`, trimming blanks as util/split_nameval.c does. `None` where there is no name or no `=`.
pub(super) fn split_nameval(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = trim_start(text);
    let name_end = text.iter().position(|&b| is_space(b) || b == b'=')?;
    let (name, rest) = text.split_at_checked(name_end)?;
    let value = trim_start(rest).strip_prefix(b"=")?;
    if name.is_empty() {
        return None;
    }
    let value = trim_start(value);
    let kept = value
        .iter()
        .rposition(|&b| !is_space(b))
        .map_or(0, |last| last.saturating_add(1));
    Some((name, value.get(..kept)?))
}

fn trim_start(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|&&b| is_space(b)).count();
    text.get(blanks..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        let check = |text: &[u8], expected: i64| assert_eq!(atol(text), expected, "{text:?}");
        check(b"1790000000 123456", 1_790_000_000);
        check(b"             42", 42);
        check(b"-7x", -7);
        check(b"+7", 7);
        check(b"", 0);
        check(b"x1", 0);
        check(b"- 1", 0);
        check(b"99999999999999999999", i64::MAX);
        check(b"\x0b5", 5);
    }

    #[test]
    fn attributes_are_split_as_split_nameval_does() {
        let check = |text: &[u8], expected: Option<(&[u8], &[u8])>| {
            assert_eq!(split_nameval(text), expected, "{text:?}");
        };
        check(b"a=b", Some((b"a", b"b")));
        check(b"  a  =  b c  ", Some((b"a", b"b c")));
        check(b"a=", Some((b"a", b"")));
        check(b"a==b", Some((b"a", b"=b")));
        check(b"=b", None);
        check(b"a b=c", None);
        check(b"a", None);
        check(b"", None);
    }
}
