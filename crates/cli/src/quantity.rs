//! Sizes and spans of time as they are typed: `10k`, `5M`; `15m`, `2`.

use postfix::{Span, SpanError};

/// The text is not a size; says what would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantityError(&'static str);

impl std::fmt::Display for QuantityError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for QuantityError {}

/// The bytes of a size: a number, perhaps with k, M or G (of 1024), perhaps with `B` or `iB` after it. A value parser
/// for clap.
///
/// # Errors
/// Anything else, and what is over 64 bits.
pub fn parse_size(text: &str) -> Result<u64, QuantityError> {
    let error = || QuantityError("not a size such as 2000, 10k, 5M or 1G");
    let (number, unit) = leading_number(text).ok_or_else(error)?;
    let unit = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err(error()),
    };
    number.checked_mul(unit).ok_or_else(error)
}

/// How long to wait for something: with a unit, or in seconds, as in `dig +time=` and `watch -n`. A value parser for
/// clap. Where a number alone may be meant for hours or days (`--for`, `--older-than`), [`Span`] asks for the unit.
///
/// # Errors
/// No span of time.
pub fn parse_span(text: &str) -> Result<Span, SpanError> {
    match text.parse::<u32>() {
        Ok(seconds) => Ok(Span::from_seconds(u64::from(seconds))),
        Err(_) => text.parse(),
    }
}

fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_without_a_unit_are_of_seconds() {
        let check = |text: &str, expected: Option<u64>| {
            let seconds = parse_span(text).ok().map(Span::seconds);
            assert_eq!(seconds, expected, "{text}");
        };
        check("2", Some(2));
        check("2s", Some(2));
        check("15m", Some(900));
        check("1d12h", Some(129_600));
        check("0", Some(0));
        for junk in ["", "-2", "2.5", "2x", " 2", "99999999999"] {
            check(junk, None);
        }
    }

    #[test]
    fn sizes() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(parse_size(text).ok(), expected, "{text}");
        };
        check("0", Some(0));
        check("2000", Some(2000));
        check("10k", Some(10_240));
        check("5M", Some(5_242_880));
        check("1G", Some(1_073_741_824));
        check("10KiB", Some(10_240));
        check("3B", Some(3));
        for junk in ["", "k", "-1", "1.5M", "1T5", "10 k", "1kk"] {
            check(junk, None);
        }
        check("99999999999999G", None);
    }
}
