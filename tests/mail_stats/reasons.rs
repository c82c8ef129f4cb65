//! What a reply is taken for, as a user sees it: `--events`, csv, `-v`, `--explain`.

use serde_json::Value;
use testkit::tools::{stats, stats_with};

const LOGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/reasons");

fn events(log: &str) -> Vec<Value> {
    let ran = stats(["--events", "--log", &format!("{LOGS}/{log}.log")]).ended(0);
    let lines = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

fn classes(log: &str) -> Vec<String> {
    let class = |event: &Value| event["reason_class"].as_str().unwrap().to_owned();
    events(log).iter().map(class).collect()
}

#[test]
fn a_recipients_name_decides_nothing() {
    assert_eq!(
        classes("recipient-name-decides-the-reason"),
        ["bad-mailbox"; 12]
    );
}

#[test]
fn a_lists_name_decides_nothing() {
    assert_eq!(classes("list-name-decides-the-reason"), ["policy"; 4]);
}

#[test]
fn a_domain_that_is_not_found_is_no_sender_that_is_refused() {
    assert_eq!(classes("domain-not-found"), ["bad-domain"]);
}

#[test]
fn the_command_decides_nothing() {
    let events = events("stage-decides");
    assert!(events.len() > 10);
    for event in &events {
        let words = |event: &Value| {
            let reason = event["reason"]
                .as_str()
                .unwrap()
                .split(" (in reply to ")
                .next();
            reason.unwrap().to_owned()
        };
        let alike = events.iter().filter(|other| words(other) == words(event));
        for other in alike {
            assert_eq!(
                other["reason_class"],
                event["reason_class"],
                "{}",
                words(event)
            );
        }
    }
}

/// Two replies of Microsoft's, one that its own code alone explains, and one of our own.
const LOG: &str = "\
Nov 27 10:00:01 mx1 postfix-a/smtp[1]: 4HnkK60lBRz1: to=<u@outlook.com>, relay=mx.example[198.51.100.1]:25, delay=1, \
dsn=5.7.1, status=bounced (host mx.example[198.51.100.1] said: 550 5.7.1 Unfortunately, messages from [203.0.113.25] \
weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150). \
(in reply to MAIL FROM command))
Nov 27 10:00:02 mx1 postfix-a/smtp[1]: 4HnkK60lBRz2: to=<u@example.com>, relay=mx.example[198.51.100.1]:25, delay=1, \
dsn=5.1.1, status=bounced (host mx.example[198.51.100.1] said: 550 5.1.1 No (in reply to RCPT TO command))
Nov 27 10:00:03 mx1 postfix-a/smtp[1]: 4HnkK60lBRz3: to=<u@example.com>, relay=mx.example[198.51.100.1]:25, delay=1, \
dsn=5.0.0, status=bounced (host mx.example[198.51.100.1] said: 503 x (in reply to DATA command))
Nov 27 10:00:04 mx1 postfix-a/smtp[1]: 4HnkK60lBRz4: to=<u@example.com>, relay=mx.example[198.51.100.1]:25, delay=1, \
dsn=5.0.0, status=bounced (host mx.example[198.51.100.1] said: 554 x (in reply to DATA command))
Nov 27 10:00:05 mx1 postfix-a/retry[1]: 4HnkK60lBRz5: to=<u@aol.com>, relay=none, delay=1, dsn=4.7.0, status=deferred \
(paused until 14:00: TSS04)
Nov 27 10:00:06 mx1 postfix-a/smtp[1]: 4HnkK60lBRz6: to=<u@example.com>, relay=mx.example[198.51.100.1]:25, delay=1, \
dsn=2.0.0, status=sent (250 2.0.0 Ok)
";

fn with_log(args: &[&str]) -> testkit::tools::Ran {
    stats_with([&["--log", "-"], args].concat(), LOG.as_bytes()).ended(0)
}

#[test]
fn an_event_says_what_the_class_rests_on() {
    let ran = with_log(&["--events"]);
    let found: Vec<[Value; 4]> = ran
        .out
        .lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).unwrap();
            ["reason_class", "reason_by", "code", "blamed_ip"].map(|field| event[field].clone())
        })
        .collect();
    let none = Value::Null;
    let row = |class: &str, by: &str| [class.into(), by.into(), none.clone(), none.clone()];
    let expected = vec![
        [
            "blocked".into(),
            "words".into(),
            "S3150".into(),
            "203.0.113.25".into(),
        ],
        row("bad-mailbox", "code"),
        row("protocol", "reply-code"),
        row("other", "none"),
        row("paused", "words"),
        [none.clone(), none.clone(), none.clone(), none.clone()],
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_csv_has_codes_and_blamed_addresses() {
    let ran = with_log(&["--by", "reason", "--format", "csv"]);
    let mut lines = ran.out.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .ends_with(",code,blamed_ip,oldest_deferred")
    );
    let blocked = lines
        .find(|line| line.contains(",reason,blocked,"))
        .unwrap();
    assert!(blocked.ends_with(",S3150,203.0.113.25,"), "{blocked}");
}

#[test]
fn words_and_code_that_disagree_are_reported() {
    let ran = with_log(&["--by", "reason", "-v"]);
    let says = "1 attempt is blocked by the server's words but policy by the enhanced status code";
    assert!(ran.err.contains(says), "{}", ran.err);
    let quiet = with_log(&["--by", "reason"]);
    assert!(!quiet.err.contains("enhanced"), "{}", quiet.err);
}

#[test]
fn a_reply_is_explained() {
    let ran = stats(["--explain", "550 5.2.2 <u@example.com>: No, see 192.0.2.9"]).ended(0);
    for says in [
        "class:    mailbox-full, by its enhanced status code\n",
        "rule:     (compiled in) crates/knowledge/data/reasons.toml, line ",
        "blamed:   192.0.2.9\n",
        "seen as:  550 5.2.2 <~address~>: no, see ~ip~\n",
    ] {
        assert!(ran.out.contains(says), "{says} is not in\n{}", ran.out);
    }
    // A line of a log, on standard input.
    let ran = stats_with(["--explain"], LOG.lines().next().unwrap().as_bytes()).ended(0);
    assert!(ran.out.contains("code:     S3150\n"), "{}", ran.out);
    let ran = stats_with(["--explain"], b"\n").ended(2);
    assert!(ran.err.contains("hint: "), "{}", ran.err);
}

#[test]
fn the_hosts_own_rule_is_named_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("r.toml");
    std::fs::write(
        &rules,
        "[[rule]]\nclass = 'greylisted'\nreply = [\n  'x',\n  'COME back',\n]\n",
    )
    .unwrap();
    let path = rules.to_str().unwrap();
    let ran = stats(["--reasons", path, "--explain", "550 5.1.1 Come Back"]).ended(0);
    let says = format!("rule:     {path}, line 5: COME back\n");
    assert!(ran.out.contains(&says), "{}", ran.out);
    assert!(
        ran.out
            .contains("by the enhanced status code alone it would be bad-mailbox"),
        "{}",
        ran.out
    );
}
