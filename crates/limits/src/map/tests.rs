//! Maps: our lines and those of others, as postmap(1) would read them.

use super::*;
use crate::limit::{Hold, Pause};
use proptest::prelude::*;

fn block(id: &str, until: Option<i64>, keys: &[&str]) -> Block {
    Block {
        id: id.to_owned(),
        until: until.map(Time::from_seconds),
        text: format!("{MARK} until noon: {id}"),
        keys: keys.iter().map(|&key| key.to_owned()).collect(),
    }
}

fn check(form: Form, blocks: &[Block], others: &str, expected: &str) {
    let text = render(form, blocks, &[], others.as_bytes());
    assert_eq!(String::from_utf8(text.clone()).unwrap(), expected);
    // And back.
    let map = MapText::parse(&text);
    assert_eq!(map.others, others.as_bytes());
    assert_eq!(map.blocks.len(), blocks.len());
}

#[test]
fn ours_stand_first_and_those_that_last_longest_before_all() {
    check(
        Form::Keys,
        &[],
        "",
        "# relay-limit(8): the lines between its marks are its own; any others are kept as they are.\n",
    );
    check(
        Form::Keys,
        &[
            block("a", Some(1_795_000_000), &["aol.com", "aim.com"]),
            block("b", Some(1_796_000_000), &["aol.com"]),
            block("c", None, &["boss@aol.com"]),
        ],
        "# by hand\naol.com smtp:[x]\n",
        "# relay-limit(8): the lines between its marks are its own; any others are kept as they are.\n\
         # relay-limit begin c until further notice\n\
         boss@aol.com\tretry:4.7.0 paused by relay-limit until noon: c\n\
         # relay-limit end c\n\
         # relay-limit begin b until 2026-11-30T00:53:20Z\n\
         aol.com\tretry:4.7.0 paused by relay-limit until noon: b\n\
         # relay-limit end b\n\
         # relay-limit begin a until 2026-11-18T11:06:40Z\n\
         aim.com\tretry:4.7.0 paused by relay-limit until noon: a\n\
         # relay-limit end a\n\
         # by hand\naol.com smtp:[x]\n",
    );
    let patterns = block("a", None, &["aol.com", ".aol.com", "a+b@aol.com", "*"]);
    check(
        Form::Patterns,
        &[Block {
            text: format!("{MARK}: costs $1"),
            ..patterns
        }],
        "",
        "# relay-limit(8): the lines between its marks are its own; any others are kept as they are.\n\
         # relay-limit begin a until further notice\n\
         /^(.*@)?aol\\.com$/\tretry:4.7.0 paused by relay-limit: costs $$1\n\
         /^(.*[@.])?[^@]+\\.aol\\.com$/\tretry:4.7.0 paused by relay-limit: costs $$1\n\
         /^a\\+b@aol\\.com$/\tretry:4.7.0 paused by relay-limit: costs $$1\n\
         /^/\tretry:4.7.0 paused by relay-limit: costs $$1\n\
         # relay-limit end a\n",
    );
}

#[test]
fn hand_written_lines_are_kept_whatever_they_are() {
    let check = |text: &[u8], blocks: &[(&str, Option<i64>)], others: &[u8]| {
        let map = MapText::parse(text);
        let found = map
            .blocks
            .iter()
            .map(|b| (b.id.as_str(), b.until.map(Time::seconds)));
        let found: Vec<(&str, Option<i64>)> = found.collect();
        assert_eq!(found, blocks);
        assert_eq!(map.others, others, "{}", text.escape_ascii());
    };
    check(b"a.example smtp:", &[], b"a.example smtp:\n");
    check(
        b"# text\r\n\xff\xfe x\n\n",
        &[],
        b"# text\r\n\xff\xfe x\n\n",
    );
    // Between the marks; its end mark gone; without any.
    let ours = "aol.com\tretry:4.7.0 paused by relay-limit until noon: x";
    let text = format!(
        "# relay-limit begin a until 2026-11-30T14:13:20Z\n{ours}\nb.example smtp:[y]\n# relay-limit end a\n\
         # relay-limit begin b until further notice\n{ours}\nc.example smtp:[z]\n{ours}"
    );
    let both = [("a", Some(1_796_048_000)), ("b", None)];
    check(
        text.as_bytes(),
        &both,
        b"b.example smtp:[y]\nc.example smtp:[z]\n",
    );
    // An admin's own pauses.
    let own = "aol.com retry:4.7.0 paused by hand\n# aol.com retry:4.7.0 paused by relay-limit\n";
    check(own.as_bytes(), &[], own.as_bytes());
    // Commented out, ours is nobody's entry; edited, it is not ours any more.
    check(
        b"aol.com smtp:[x] paused by relay-limit\n",
        &[],
        b"aol.com smtp:[x] paused by relay-limit\n",
    );
}

#[test]
fn no_line_continues_ours() {
    let check = |others: &str, guarded: bool| {
        let blocks = [block("a", None, &["aol.com"])];
        let text = render(Form::Keys, &blocks, &[], others.as_bytes());
        let entries = Source::parse(Path::new("/m"), &text).value.entries;
        assert_eq!(
            entries[0].value,
            "retry:4.7.0 paused by relay-limit until noon: a"
        );
        assert_eq!(
            entries.iter().any(|e| e.key == GUARD),
            guarded,
            "{others:?}"
        );
        assert_eq!(MapText::parse(&text).others, others.as_bytes());
    };
    check("  more\n", true);
    check("# comment\n\n \t# comment\n\tmore\n", true);
    check("   \n# comment\na.example smtp:\n  more\n", false);
    check("", false);
}

#[test]
fn whoever_would_be_asked_before_is_paused_by_name() {
    let elsewhere: BTreeSet<String> = [
        "boss@aol.com",
        "aol.com",
        "x@msn.com",
        "msn.com",
        ".aol.com",
        "\"a b\"@aol.com",
        "*",
    ]
    .map(str::to_owned)
    .into();
    let check = |scope: Scope, expected: &[&str], odd_ones: usize| {
        let limit = Limit {
            id: "a".to_owned(),
            instance: String::new(),
            config_directory: "/".into(),
            begun: Time::EPOCH,
            until: None,
            by: String::new(),
            command: String::new(),
            reason: None,
            hold: Hold::Pause(Pause {
                scope,
                provider: None,
                text: MARK.to_owned(),
                flush: false,
            }),
        };
        let (blocks, odd) = blocks(&[&limit], &elsewhere);
        assert_eq!(blocks[0].keys, expected);
        assert_eq!(odd.len(), odd_ones);
    };
    let domains = |list: &[&str]| Scope::Domains(list.iter().map(|&d| d.to_owned()).collect());
    check(domains(&["aol.com"]), &["aol.com", "boss@aol.com"], 1);
    check(domains(&["aim.com"]), &["aim.com"], 0);
    check(
        Scope::All,
        &[
            "*",
            ".aol.com",
            "aol.com",
            "boss@aol.com",
            "msn.com",
            "x@msn.com",
        ],
        1,
    );
}

#[test]
fn scopes() {
    let domains = |list: &[&str]| Scope::Domains(list.iter().map(|&d| d.to_owned()).collect());
    let below = domains(&[".aol.com"]);
    assert!(
        below.covers("x@mail.aol.com") && below.covers("mail.aol.com") && !below.covers("aol.com")
    );
    assert!(!below.covers("x@maol.com"));
    assert!(domains(&["aol.com"]).overlaps(&Scope::All));
    assert!(domains(&["a.aol.com"]).overlaps(&below) && below.overlaps(&domains(&["a.aol.com"])));
    assert!(!domains(&["aol.com"]).overlaps(&domains(&["aim.com"])));
}

#[test]
fn an_answer_is_one_plain_line() {
    let check = |until, reason, expected: &str| assert_eq!(answer(until, reason), expected);
    check(None, None, "paused by relay-limit");
    check(
        Some("14:00"),
        Some(" TSS04 "),
        "paused by relay-limit until 14:00: TSS04",
    );
    check(
        None,
        Some("a\nb\tc\u{202e}\x1b[2J"),
        "paused by relay-limit: a?b?c??[2J",
    );
    assert!(answer(None, Some(&"x".repeat(500))).len() < 150);
}

proptest! {
    #[test]
    fn any_text_is_kept_through_pause_and_lift(text in "([a-z@.* \t#/\\\\]{0,12}\r?\n|retry:4.7.0 |paused by \
        relay-limit|# relay-limit begin x\n){0,12}") {
        let map = MapText::parse(text.as_bytes());
        let blocks = [block("a", Some(5), &["aol.com"])];
        let paused = render(Form::Keys, &blocks, &map.blocks, &map.others);
        let again = MapText::parse(&paused);
        prop_assert_eq!(&again.others, &map.others);
        prop_assert_eq!(&again.blocks[1..], &map.blocks[..]);
        let lifted = render(Form::Keys, &[], &[], &again.others);
        prop_assert_eq!(&MapText::parse(&lifted).others, &map.others);
    }
}
