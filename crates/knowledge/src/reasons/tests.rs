//! Rules and a host's own before them; replies no rule was written for.

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_wrong_in_a_rules_file_is_said_with_its_line() {
    let check = |text: &str, expected: &str| {
        let problem = Reasons::load(Some((text, Path::new("/etc/r.toml")))).unwrap_err();
        let shown = problem.to_string();
        assert!(
            shown.starts_with("/etc/r.toml, line ") && shown.contains(expected),
            "{shown}"
        );
    };
    check(
        "[[rule]]\nclass = \"blocked\"\nreply = ['ok', 'a(b']\n",
        "line 3: `a(b` is not a usable regular expression: unclosed group",
    );
    check(
        "[[code]]\nreply = ['[z-a]']\n",
        "line 2: `[z-a]` is not a usable regular expression",
    );
    check(
        "[[rule]]\nclass = 'spam'\nreply = ['x']\n",
        "line 2: `spam` is not a reason class; use one of bad-mailbox,",
    );
    check(
        "\n[[rule]]\nclass = 'blocked'\n",
        "line 2: the rule matches nothing",
    );
    check(
        "[[rule]]\nclass = 'blocked'\ndsn = ['5.7']\n",
        "line 3: `5.7` is not an enhanced status code; write it like 5.1.1 or 5.7.*",
    );
    check(
        "[[rule]]\nclass = 'blocked'\nregex = ['x']\n",
        "line 3: unknown field `regex`, expected one of `class`, `reply`, `unless`, `dsn`, `status`, `stage`, `last`",
    );
    check("[[rule]]\nclass = 'blocked'\nreply = 'x'\n", "line 3: ");
    check("[[rule]\n", "line 1: ");
    check(
        "[[rule]]\nclass = 'blocked'\nreply = ['(a{1000}){1000}']\n",
        "line 3: `(a{1000}){1000}` is not a usable regular expression: ",
    );
}

#[test]
fn a_hosts_own_rules_come_first() {
    let text = r"
        [[rule]]
        class = 'policy'
        dsn = ['5.2.*']
        [[rule]]
        class = 'greylisted'
        reply = ['COME BACK']
        [[rule]]
        class = 'rate-limited'
        reply = ['busy']
        dsn = ['4.*.*']
        [[code]]
        reply = ['ref=(\w+)', 'code \d+']
    ";
    let reasons = Reasons::load(Some((text, Path::new("/etc/r.toml")))).unwrap();
    let check = |reply: &str, dsn: &str, class: Class, code: Option<&str>| {
        let found = reasons.classify(reply.as_bytes(), Some(dsn.as_bytes()), None);
        assert_eq!(
            (found.class, found.code.as_deref()),
            (class, code),
            "{reply}"
        );
    };
    check(
        "550 come back, mailbox full",
        "5.0.0",
        Class::Greylisted,
        None,
    );
    check(
        "552 mailbox full ref=X7",
        "5.2.2",
        Class::Policy,
        Some("X7"),
    );
    check("452 mailbox full", "4.2.2", Class::MailboxFull, None);
    check(
        "450 busy code 12",
        "4.3.2",
        Class::RateLimited,
        Some("code 12"),
    );
    check("550 busy", "5.1.1", Class::BadMailbox, None);
    check("421 [TSS04] no", "4.7.0", Class::RateLimited, Some("TSS04"));
}

static REASONS: LazyLock<Reasons> = LazyLock::new(|| Reasons::load(None).unwrap());

#[test]
fn a_cache_answers_as_its_rules_do() {
    let mut cache = Cache::default();
    for n in 0..10_000 {
        let reply = format!("550 5.1.1 [203.0.113.{}] user {n} unknown", n % 7);
        let dsn: Option<&[u8]> = (n % 2 == 0).then_some(b"5.1.1");
        let expected = (
            Class::BadMailbox,
            format!("203.0.113.{}", n % 7).parse().ok(),
        );
        let found = cache.classify(&REASONS, reply.as_bytes(), dsn, None);
        assert_eq!((found.class, found.ip), expected);
    }
}

#[test]
fn without_words_that_say_more_the_enhanced_status_code_decides() {
    let check = |reply: &str, dsn: Option<&str>, expected: Class| {
        let found = REASONS.classify(reply.as_bytes(), dsn.map(str::as_bytes), None);
        assert_eq!(found.class, expected, "{reply} {dsn:?}");
    };
    check("550 No", Some("5.1.1"), Class::BadMailbox);
    check("550 5.1.1 No", None, Class::BadMailbox);
    check(
        "host mx.example[192.0.2.1] said: 550-5.2.2 No",
        None,
        Class::MailboxFull,
    );
    check("550 5.1.1.1 No", None, Class::Other);
    check("550 5.1.1 No", Some("5.2.1"), Class::InactiveMailbox);
    check("554 No", Some("5.7.1"), Class::Policy);
    check("554 No", Some("5.7.26"), Class::Authentication);
    check("554 No", Some("5.0.0"), Class::Other);
    check("554 No", Some("5.4.7"), Class::Expired);
    check("554 No", Some("5.x.1"), Class::Other);
    check("554 No", Some(""), Class::Other);
    check("", None, Class::Other);
}

/// Postfix's tables know no lazy search, so its `?` is left out: but that of a plus sign is how often the sign is
/// found.
#[test]
fn an_escaped_sign_stays_optional_in_postfixs_table() {
    let rules = "[[rule]]\nclass = 'blocked'\nreply = ['rbl\\+?(?:-|$)', 'a.*?b']\n";
    let reasons = Reasons::load(Some((rules, Path::new("/etc/r.toml")))).unwrap();
    let table = reasons.filter(&[Class::Blocked]).join("\n");
    assert!(table.contains(r".*(rbl\+?(-|"), "{table:.900}");
    assert!(table.contains(".*(a.*b)"), "{table:.900}");
}

proptest! {
    #[test]
    fn no_reply_is_too_strange(
        reply in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..6000),
            "(delivery temporarily suspended: )?(host |connect to )?[a-z.]{0,9}\\[?[0-9a-f:.]{0,12}\\]?( said: |: \
             )?[45]?[0-9 .-]{0,12}.{0,99}"
                .prop_map(String::into_bytes),
        ],
        dsn in prop::option::of("[0-9.]{0,9}"),
    ) {
        let found = REASONS.classify(&reply, dsn.as_ref().map(|d| d.as_bytes()), None);
        prop_assert!(found.code.is_none_or(|code| !code.is_empty()));
    }
}
