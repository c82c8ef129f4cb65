//! Shares, sizes, ages and delays as people read them.

use postfix::Span;

/// A share in percent, with one digit: `89.3%`. Neither none nor all of it is rounded to: `<0.1%`, `>99.9%`. A `-`
/// where there is no whole.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let share = part as f64 * 100.0 / whole as f64;
    match (part, whole) {
        (1.., _) if share < 0.05 => "<0.1%".to_owned(),
        (_, _) if part < whole && share >= 99.95 => ">99.9%".to_owned(),
        _ => format!("{share:.1}%"),
    }
}

/// A size, with three digits at most: `812 B`, `1.4 KiB`, `37 MiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    // 1023.5 of a unit would be shown as 1024.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(value < 9.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// An age in its two biggest units: `42s`, `5m 3s`, `2h 15m`, `3d 4h`.
pub fn age(age: Span) -> String {
    let seconds = age.seconds();
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let Some(first) = UNITS.iter().position(|(length, _)| seconds >= *length) else {
        return "0s".to_owned();
    };
    let (length, unit) = UNITS[first];
    let big = format!("{}{unit}", seconds / length);
    match UNITS.get(first + 1) {
        Some((next, small)) if seconds % length >= *next => {
            format!("{big} {}{small}", seconds % length / next)
        }
        _ => big,
    }
}

/// A delay in seconds: to two digits below ten seconds, as Postfix logs them (`0.13s`, `5.3s`), and as an [`age`] from
/// there on.
pub fn delay(seconds: f64) -> String {
    if seconds >= 10.0 {
        return age(Span::from_seconds(seconds.round() as u64));
    }
    let digits = if seconds < 1.0 { 2 } else { 1 };
    let text = format!("{seconds:.digits$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{text}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        let check = |part, whole, expected: &str| assert_eq!(percent(part, whole), expected);
        check(573, 642, "89.3%");
        check(0, 642, "0.0%");
        check(642, 642, "100.0%");
        check(1, 1_000_000, "<0.1%");
        check(999_999, 1_000_000, ">99.9%");
        check(1, 1000, "0.1%");
        check(0, 0, "-");
    }

    #[test]
    fn sizes() {
        let check = |bytes, expected: &str| assert_eq!(size(bytes), expected);
        check(0, "0 B");
        check(1023, "1023 B");
        check(1024, "1.0 KiB");
        check(1434, "1.4 KiB");
        check(10_240, "10 KiB");
        check(1_048_575, "1.0 MiB");
        check(38_797_312, "37 MiB");
        check(u64::MAX, "16 EiB");
    }

    #[test]
    fn ages() {
        let check =
            |seconds, expected: &str| assert_eq!(age(Span::from_seconds(seconds)), expected);
        check(0, "0s");
        check(42, "42s");
        check(60, "1m");
        check(303, "5m 3s");
        check(3600, "1h");
        check(3659, "1h");
        check(8100, "2h 15m");
        check(273_600, "3d 4h");
        check(86_400 + 3599, "1d");
    }

    #[test]
    fn delays() {
        let check = |seconds, expected: &str| assert_eq!(delay(seconds), expected);
        check(0.0, "0s");
        check(0.13, "0.13s");
        check(0.5, "0.5s");
        check(5.3, "5.3s");
        check(9.99, "10s");
        check(42.0, "42s");
        check(303.0, "5m 3s");
        check(432_123.0, "5d");
    }
}
