//! Numbers of things, in sentences.

use std::fmt::Display;

/// A number and its noun: `1 message`, `2 messages`, `0 deliveries`, `1 more entry`. `noun` is the singular.
pub fn count<N: Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    match number == N::from(1) {
        true => format!("1 {noun}"),
        false => format!("{number} {}", plural(noun)),
    }
}

/// What agrees with a number: `one` with 1, else `many`.
pub fn either<'a, N: PartialEq + From<u8>>(number: N, one: &'a str, many: &'a str) -> &'a str {
    match number == N::from(1) {
        true => one,
        false => many,
    }
}

/// Regular nouns, of which the last word changes.
fn plural(noun: &str) -> String {
    let is_vowel = |before: &str| before.ends_with(['a', 'e', 'i', 'o', 'u']);
    match noun.strip_suffix('y') {
        Some(stem) if !is_vowel(stem) => format!("{stem}ies"),
        _ if noun.ends_with(['s', 'x']) || noun.ends_with("ch") => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_agrees_with_its_number() {
        let check = |found: String, expected: &str| assert_eq!(found, expected);
        check(count(0_u64, "message"), "0 messages");
        check(count(1_usize, "message"), "1 message");
        check(count(2_u32, "more message"), "2 more messages");
        check(count(21, "day"), "21 days");
        check(count(11_u64, "delivery"), "11 deliveries");
        check(count(3_u64, "entry"), "3 entries");
        check(count(2_u64, "address"), "2 addresses");
        check(count(2_u64, "mailbox"), "2 mailboxes");
        check(count(2_u64, "batch"), "2 batches");
        assert_eq!(either(1_u64, "is", "are"), "is");
        assert_eq!(either(0_u64, "is", "are"), "are");
    }
}
