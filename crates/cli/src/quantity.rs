//! Spans of time and sizes as they are typed: `2h`, `1d12h`, `10k`, `5M`.

/// The text is no span or no size; says what would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantityError(&'static str);

impl std::fmt::Display for QuantityError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for QuantityError {}

/// The seconds of a span of time: numbers with the units of postconf(5) (s, m, h, d, w), as `90s`, `2h`, `1d12h`. A
/// value parser for clap.
///
/// # Errors
/// Anything else, a number without a unit too, and what is over 64 bits.
pub fn parse_span(text: &str) -> Result<u64, QuantityError> {
    let error = QuantityError("not a span of time such as 90s, 30m, 2h, 3d, 1w or 1d12h");
    let mut seconds = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = leading_number(rest).ok_or_else(|| error.clone())?;
        let mut letters = after.chars();
        let unit = match letters.next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            _ => return Err(error),
        };
        rest = letters.as_str();
        seconds = number
            .checked_mul(unit)
            .and_then(|more| seconds.checked_add(more))
            .ok_or_else(|| error.clone())?;
    }
    if text.is_empty() {
        Err(error)
    } else {
        Ok(seconds)
    }
}

/// The bytes of a size: a number, perhaps with k, M or G (of 1024), perhaps with `B` or `iB` behind it. A value parser
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
    fn spans() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(parse_span(text).ok(), expected, "{text}");
        };
        check("90s", Some(90));
        check("30m", Some(1800));
        check("2h", Some(7200));
        check("3d", Some(259_200));
        check("1w", Some(604_800));
        check("1d12h", Some(129_600));
        check("0s", Some(0));
        for junk in ["", "5", "h", "-2h", "2 h", "2H", "2y", "1.5h", "2h3", "+2h"] {
            check(junk, None);
        }
        check("99999999999999999999s", None);
        check("9999999999999999w", None);
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
