//! A mailq with hostile text, in every format.

use postfix::Time;
use std::sync::Arc;

use postfix::Zone;
use postfix::queue::{Queue, QueueId};

use super::{csv, json, jsonl, table, text};
use figures::queue::{InstanceSummary, ListedMessage, ListedRecipient, Report, Rows, Summary, Why};
use knowledge::reasons::Class;
use legible::grid::TableStyle;

/// A message by strangers who would like to write on the admin's terminal.
fn hostile() -> Report {
    let why = Why {
        reason: "host mx[192.0.2.1] said: 450 \u{1b}[2J\u{202e}, \"x\"\nmore".into(),
        dsn: "4.2.1".into(),
        class: Class::Other,
        code: None,
    };
    let entry = ListedMessage {
        instance: 0,
        queue: Queue::Deferred,
        id: QueueId::new("A1").unwrap(),
        arrival: Time::from_seconds(1_000),
        size: 2048,
        next_attempt: Some(Time::from_seconds(4_600)),
        expires: Time::from_seconds(433_000),
        forced_expire: true,
        sender: "a\u{202e}b@example.org".into(),
        recipient_count: 2,
        recipients: [ListedRecipient {
            address: "\u{9b}31m@example.com".into(),
            orig_address: Some("c\u{200b}@example.com".into()),
            why: Some(Arc::new(why)),
        }]
        .into(),
    };
    let mut summary = Summary {
        recipients: 2,
        bytes: 2048,
        oldest: Some(Time::from_seconds(1_000)),
        next_attempt: Some(Time::from_seconds(4_600)),
        forced_expire: 1,
        ..Summary::default()
    };
    summary.counts.add(Queue::Deferred, 1);
    let none = || (Vec::new(), 0, 0);
    let (rows, others, others_count) = none();
    Report {
        advice: Vec::new(),
        limits: Vec::new(),
        troubles: Vec::new(),
        host: "rustin".to_owned(),
        time: Time::from_seconds(1_060),
        instances: vec![InstanceSummary {
            instance: "postfix-\u{1b}c".to_owned(),
            summary: summary.clone(),
        }],
        total: summary,
        by: Vec::new(),
        groups: Rows {
            rows,
            others,
            others_count,
        },
        senders: Rows {
            rows: Vec::new(),
            others: 0,
            others_count: 0,
        },
        expires_by: Time::from_seconds(44_260),
        messages: vec![entry],
        problems: vec![postfix::Problem::new("/q/\u{1b}[2J", "is empty")],
    }
}

fn shown(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn utc() -> Zone {
    Zone::named("UTC").unwrap()
}

#[test]
fn text_has_everything() {
    let text = shown(|out| text::write(out, &hostile(), utc()));
    let expected = "\
postfix-\\x1bc: 1 message (1 deferred), 2 recipients, 2.0 KiB, oldest 1m (1970-01-01 00:16:40), next attempt in 59m

messages
A1 deferred arrived 1970-01-01 00:16:40 (1m), 2.0 KiB, from <a\\u{202e}b@example.org>, next attempt in 59m, expires \
in 4d 23h, to be returned at the next attempt
    to <\\u{9b}31m@example.com> (original address <c\\u{200b}@example.com>): other 4.2.1: host mx[192.0.2.1] said: \
    450 \\x1b[2J\\u{202e}, \"x\"\\nmore
";
    assert_eq!(text, expected);
}

#[test]
fn csv_has_a_row_for_each_recipient() {
    let expected = "instance,queue_name,queue_id,arrival_time,age_seconds,message_size,forced_expire,sender,recipients,next_attempt,address,orig_address,dsn,reason_class,delay_reason,expires\n\
        postfix-\\x1bc,deferred,A1,1970-01-01T00:16:40Z,60,2048,true,a\\u{202e}b@example.org,2,1970-01-01T01:16:40Z,\\u{9b}31m@example.com,c\\u{200b}@example.com,4.2.1,other,\"host mx[192.0.2.1] said: 450 \\x1b[2J\\u{202e}, \"\"x\"\"\\nmore\",1970-01-06T00:16:40Z\n\
        ,missing,,,,,,,,,,,,,/q/\\x1b[2J: is empty,\n";
    assert_eq!(shown(|out| csv::write(out, &hostile())), expected);
}

#[test]
fn jsonl_has_what_postqueue_has_first() {
    let expected = r#"{"queue_name":"deferred","queue_id":"A1","arrival_time":1000,"message_size":2048,"forced_expire":true,"sender":"a\u202eb@example.org","recipients":[{"address":"\u009b31m@example.com","delay_reason":"host mx[192.0.2.1] said: 450 \u001b[2J\u202e, \"x\"\nmore","orig_address":"c\u200b@example.com","dsn":"4.2.1","reason_class":"other"}],"instance":"postfix-\u001bc","next_attempt":4600,"expires":433000}"#;
    let found = shown(|out| jsonl::write(out, &hostile()));
    let missing = r#"{"missing":"/q/\\x1b[2J: is empty"}"#;
    assert_eq!(found, format!("{expected}\n{missing}\n"));
    let whole = shown(|out| json::write(out, &hostile()));
    assert!(whole.contains(expected), "{whole}");
    let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
    assert_eq!(whole["complete"], false);
    assert_eq!(whole["missing"], whole["problems"]);
    assert_eq!(whole["problems"][0], "/q/\\x1b[2J: is empty");
    assert_eq!(whole["instances"][0]["forced_expire"], 1);
}

#[test]
fn nothing_in_any_format_reaches_a_terminal_raw() {
    let style = |width| TableStyle {
        boxes: width > 90,
        width: Some(width),
        ..TableStyle::default()
    };
    let mut all = vec![
        shown(|out| text::write(out, &hostile(), utc())),
        shown(|out| csv::write(out, &hostile())),
        shown(|out| json::write(out, &hostile())),
        shown(|out| table::write(out, &hostile(), utc(), TableStyle::default())),
    ];
    all.extend(
        [40, 80, 100, 200]
            .map(|width| shown(|out| table::write(out, &hostile(), utc(), style(width)))),
    );
    for text in all {
        let hazard =
            |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{202e}' | '\u{200b}'));
        assert!(!text.contains(hazard), "{text:?}");
    }
}

#[test]
fn a_plain_table() {
    let expected = "\
instance       maildrop  incoming  active  deferred  hold  corrupt  total  recipients     size  oldest    next
postfix-\\x1bc         0         0       0         1     0        0      1           2  2.0 KiB      1m  in 59m

messages
id  queue     arrival           age     size    next    expires  sender                  recipients                \
reason
A1  deferred  1970-01-01 00:16   1m  2.0 KiB  expire  in 4d 23h  a\\u{202e}b@example.org  \\u{9b}31m@example.com +1  \
host mx[192.0.2.1] said: 450 \\x1b[2J\\u{202e}, \"x\"\\nmore
";
    assert_eq!(
        shown(|out| table::write(out, &hostile(), utc(), TableStyle::default())),
        expected
    );
}
