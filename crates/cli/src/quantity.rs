//! Sizes as they are typed: `10k`, `5M`.

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
