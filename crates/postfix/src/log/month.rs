//! The names of months in the languages of hosts: what strftime(3) writes for `%b` and `%B` depends on the locale.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::cursor::Cursor;

const NAMES: &str = include_str!("../../data/months.txt");

/// Takes a month's name or its abbreviation, with or without a dot, up to the blank behind it.
pub(super) fn take(c: &mut Cursor<'_>) -> Option<u32> {
    if let Some((name, [b' ', ..])) = c.0.split_first_chunk()
        && let Some(month) = english(*name)
    {
        c.0 = c.0.get(3..)?;
        return Some(month);
    }
    let mut probe = *c;
    let word = probe.word();
    let mut behind = probe;
    behind.blanks();
    // A day, a year or a time. Each line has words behind its time that are not worth a look among all names.
    if !behind.peek()?.is_ascii_digit() {
        return None;
    }
    let month = foreign(word)?;
    *c = probe;
    Some(month)
}

/// The month that syslogd writes so.
#[inline]
pub(super) fn english(name: [u8; 3]) -> Option<u32> {
    Some(match &name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

/// The month of a name in any of the languages.
fn foreign(word: &[u8]) -> Option<u32> {
    static MONTHS: OnceLock<HashMap<&str, u32>> = OnceLock::new();
    // The longest has 24 bytes.
    if !(3..=32).contains(&word.len()) {
        return None;
    }
    let months = MONTHS.get_or_init(|| {
        let lines = NAMES.lines().filter(|line| !line.starts_with('#'));
        let of_line = |line: &'static str| {
            let (month, names) = line.split_once(' ').unwrap_or_default();
            let month = month.parse().unwrap_or_default();
            names.split(' ').map(move |name| (name, month))
        };
        lines.flat_map(of_line).collect()
    });
    let text = match std::str::from_utf8(word) {
        Ok(text) => text.to_lowercase(),
        // ISO 8859-1, which has Unicode's first 256 characters.
        Err(_) => word.iter().copied().map(char::from).collect(),
    };
    let text = text.strip_suffix('.').unwrap_or(&text);
    months.get(text.to_lowercase().as_str()).copied()
}

/// What stands behind the number of a month in Chinese, Japanese and Korean.
pub(super) fn eat_counter(c: &mut Cursor<'_>) -> bool {
    c.eat("月".as_bytes()) || c.eat("월".as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_in_the_languages_of_hosts() {
        let check = |text: &[u8], expected: Option<u32>| {
            let mut c = Cursor(text);
            assert_eq!(take(&mut c), expected, "{}", text.escape_ascii());
            assert!(expected.is_none() || c.0.starts_with(b" "));
        };
        check(b"Sep 19", Some(9));
        check(b"Sept 19", Some(9));
        check(b"Okt 15", Some(10));
        check(b"mai 15", Some(5));
        check("Mär 15".as_bytes(), Some(3));
        check(b"M\xe4r 15", Some(3));
        check("Απρ 15".as_bytes(), Some(4));
        check("ΑΠΡΙΛΊΟΥ 15".as_bytes(), Some(4));
        check(b"avril 12:00:00", Some(4));
        check(b"juil. 15", Some(7));
        check(b"Dic 15", Some(12));
        check("дек 15".as_bytes(), Some(12));
        // November in Poland, October in Croatia.
        check(b"lis 15", None);
        check(b"Foo 15", None);
        check(b"mai postfix/smtp[9]:", None);
        check(b"", None);
        check(b" 15", None);
    }

    #[test]
    fn every_name_has_one_month() {
        let mut seen = HashMap::new();
        for line in NAMES.lines().filter(|line| !line.starts_with('#')) {
            let (month, names) = line.split_once(' ').unwrap();
            assert!((1..=12).contains(&month.parse().unwrap()), "{line}");
            for name in names.split(' ') {
                assert_eq!(name.to_lowercase(), name);
                assert!(seen.insert(name, month).is_none(), "{name} twice");
            }
        }
        assert!(seen.len() > 500);
    }
}
