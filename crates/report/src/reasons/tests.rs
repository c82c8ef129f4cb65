use std::path::Path;

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
        "line 3: `a(b` is not a regular expression that can be used: unclosed group",
    );
    check(
        "[[code]]\nreply = ['[z-a]']\n",
        "line 2: `[z-a]` is not a regular expression",
    );
    check(
        "[[rule]]\nclass = 'spam'\nreply = ['x']\n",
        "line 2: `spam` is not a class of reasons; the classes are bad-mailbox,",
    );
    check(
        "\n[[rule]]\nclass = 'blocked'\n",
        "line 2: the rule matches nothing",
    );
    check(
        "[[rule]]\nclass = 'blocked'\ndsn = ['5.7']\n",
        "line 3: `5.7` is no enhanced status code; write it like 5.1.1 or 5.7.*",
    );
    check(
        "[[rule]]\nclass = 'blocked'\nregex = ['x']\n",
        "line 3: unknown field `regex`, expected one of `class`, `reply`, `dsn`",
    );
    check("[[rule]]\nclass = 'blocked'\nreply = 'x'\n", "line 3: ");
    check("[[rule]\n", "line 1: ");
    check(
        "[[rule]]\nclass = 'blocked'\nreply = ['(a{1000}){1000}']\n",
        "line 3: `(a{1000}){1000}` is not a regular expression that can be used: ",
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
        let found = reasons.classify(reply.as_bytes(), Some(dsn.as_bytes()));
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
