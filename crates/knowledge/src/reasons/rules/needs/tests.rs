//! What patterns need, by hand, and that nothing in which a pattern is found lacks it.

use proptest::prelude::*;
use proptest::string::string_regex;
use regex::bytes::RegexBuilder;

use super::*;

#[track_caller]
fn check(pattern: &str, expected: &str) {
    let mut named = Named::default();
    named.insert("box".to_owned(), of_word("\\bmail|post"));
    named.insert("any".to_owned(), None);
    let text = |need: &Need| {
        let runs = need.iter().map(|run| String::from_utf8_lossy(run.bytes()));
        runs.collect::<Vec<_>>().join("/")
    };
    let alternatives = of_pattern(pattern, &named);
    let found = alternatives.iter().map(|needs| {
        let needs: Vec<String> = needs.iter().map(text).collect();
        needs.join(" & ")
    });
    assert_eq!(found.collect::<Vec<_>>().join(" | "), expected, "{pattern}");
}

#[test]
fn what_a_text_must_hold() {
    check(r"\bno such\b", "no such");
    check(r"^\d+ (?:\S+ )?unknown$", "unknown");
    check(r"n[^a-z]t accept\w* (?:\S+ ){0,3}from", "t accept & from");
    check(r"(?:\bnot|n[^a-z]t) known", " known");
    check(
        r"recogni[sz]ed?|colou?r",
        "recognise/recognize | color/colour",
    );
    check(r"{box}{any}full", "full & mail/post");
    check(r"{box}?full", "full");
    check(r"(?:{box}|a long word) x*", "a long word/mail/post");
    check(r"(?:{box})", "mail/post");
    check(r"(?:ab|c)?", "");
    check(r"[a-z]{3}|ab{2,}c", " | ab");
    check(r"a{0,2}bcd", "bcd");
    check("če[?n][[?a][?b]]", "če??/če?a/če?b/čen?/čena/čenb");
    check(r"(?i)abc", "");
    check(r"\x{41}bc", "");
    check(r"[]x]yz[ab", "");
    check("abcdefghijklmnop", "abcdefghijkl & nop");
    // What is more than this reader knows.
    for pattern in ["[[:alpha:]]xyz", r"\<abc", "a+*bc", "(?:ab)**cd"] {
        check(pattern, "");
    }
}

/// Is the text one that the pattern is run on?
fn is_worth(pattern: &str, text: &[u8]) -> bool {
    let holds = |need: &Need| {
        let mut runs = need.iter();
        runs.any(|run| memchr::memmem::find(text, run.bytes()).is_some())
    };
    let alternatives = of_pattern(pattern, &Named::default());
    alternatives.iter().any(|needs| needs.iter().all(holds))
}

/// Patterns of all that this reader knows, but for what finds no letter (`^`, `\\b`).
fn patterns() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        6 => "[a-d ]{1,3}",
        1 => "[a-d]{9,14}",
        1 => Just("é".to_owned()),
        1 => prop::sample::select(vec![
            "[ab]", "[^a]", "[a-c]", "[ab[cd]]", "[]a]", "[a-]", "[^]a]", "[?é]", ".", r"\w", r"\d", r"\.", r"[\d]",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        let repeats = [
            "", "?", "*", "+", "{2}", "{0,2}", "{1,3}", "??", "+?", "{2}?",
        ];
        let group = (
            inner.clone(),
            prop::sample::select(vec!["(", "(?:"]),
            prop::sample::select(repeats.to_vec()),
        )
            .prop_map(|(inner, open, repeat)| format!("{open}{inner}){repeat}"));
        prop_oneof![
            2 => prop::collection::vec(inner.clone(), 1..5).prop_map(|all| all.concat()),
            1 => prop::collection::vec(inner.clone(), 2..9).prop_map(|all| all.join("|")),
            2 => group,
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What the pattern makes is found by it, and by what it needs.
    #[test]
    fn no_match_is_passed_over(
        (pattern, text) in patterns().prop_flat_map(|pattern| {
            let made = string_regex(&pattern).expect(&pattern);
            (Just(pattern), made)
        }),
        before in "[a-d ]{0,3}",
    ) {
        let regex = RegexBuilder::new(&pattern).unicode(false).build();
        let text = before + &text;
        // Where letters are bytes, some are no patterns, and some find less.
        let is_found = regex.is_ok_and(|regex| regex.is_match(text.as_bytes()));
        prop_assert!(!is_found || is_worth(&pattern, text.as_bytes()), "{} in {:?}: {:?}", pattern, text, of_pattern(&pattern, &Named::default()));
    }
}
