//! What is drawn of a mailq, or of a log, that has more domains, senders and reasons than anyone would read.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::floods::check_series;
use crate::image::{DAY, Image, delivery};

const MESSAGES: usize = 12;
const RECIPIENTS: usize = 500;

/// A record of a queue file: its type, its length in seven bits a byte, and the text.
fn record(kind: char, text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (kind.to_string().into_bytes(), text.len());
    while rest >= 0x80 {
        bytes.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes.extend(text.bytes());
    bytes
}

/// Deferred messages, each recipient of which has a domain, and a reason, of its own.
fn mailq() -> Image {
    let image = Image::new([]);
    let spool = image.path("var/spool/aol-a");
    for n in 0..MESSAGES {
        let (mut recipients, mut log) = (Vec::new(), String::new());
        for m in n * RECIPIENTS..(n + 1) * RECIPIENTS {
            let address = format!("u@d{m}.example");
            recipients.extend(record('O', &address));
            recipients.extend(record('R', &address));
            // In letters: numbers are masked.
            let word: String = m.to_string().bytes().map(|b| char::from(b + 49)).collect();
            let reason =
                format!("host mx.d{m}.example[192.0.2.1] said: 421 4.7.0 {word} is not here");
            write!(
                log,
                "<{address}>: {reason}\nrecipient={address}\noffset={m}\nstatus=4.7.0\naction=delayed\n\
                 diag_type=smtp\ndiag_text=421 4.7.0 {word} is not here\nmta_type=dns\nmta_mname=mx.d{m}.example\n\
                 reason={reason}\n\n"
            )
            .unwrap();
        }
        let content = [record('N', "Subject: x"), record('N', ""), record('N', "x")].concat();
        let file = |offset: usize| {
            let size = content.len();
            let numbers = format!(
                "{size:15} {offset:15} {RECIPIENTS:15} {:15} {size:15} {:15}",
                0, 0
            );
            let sender = record('S', &format!("s@sd{n}.example"));
            let head = [record('C', &numbers), record('T', "1789776000 1"), sender];
            [head.concat(), recipients.clone(), record('M', "")].concat()
        };
        let envelope = file(file(0).len());
        let whole = [envelope, content.clone(), record('X', ""), record('E', "")].concat();
        let (new, deferred, defer) = (
            spool.join("new"),
            spool.join("deferred/0"),
            spool.join("defer/0"),
        );
        fs::create_dir_all(&deferred).unwrap();
        fs::create_dir_all(&defer).unwrap();
        fs::write(&new, whole).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o700)).unwrap();
        let id = format!("{n:05X}{:X}", fs::metadata(&new).unwrap().ino());
        fs::rename(&new, deferred.join(&id)).unwrap();
        fs::write(defer.join(&id), log).unwrap();
    }
    image
}

/// The numbers of a column of a table's rows, added up: the first, of the rows whose last word is a domain of these.
fn lines(text: &str) -> usize {
    text.lines().count()
}

#[test]
fn a_mailq_of_six_thousand_domains_is_a_few_rows_and_the_rest_is_counted() {
    let image = mailq();
    let all = MESSAGES * RECIPIENTS;
    let ran = image
        .tool("mailq-distribution", &["aol-a", "--by", "domain"])
        .ended(0);
    assert!(
        (5_000..5_020).contains(&lines(&ran.out)),
        "{}",
        lines(&ran.out)
    );
    let more = format!("({} more)", all - 5_000);
    let rest = ran.out.lines().find(|line| line.contains(&more)).unwrap();
    assert!(
        rest.split_whitespace()
            .any(|word| word == (all - 5_000).to_string()),
        "{rest}"
    );
    // As a program reads it; all, where that is asked for.
    let by_domain = |more: &[&str]| {
        let args = ["aol-a", "--by", "domain"];
        image
            .tool("mailq-distribution", &[&args, more].concat())
            .out
    };
    let csv = by_domain(&["--format", "csv"]);
    assert_eq!(csv.matches(".example,").count(), 5_000);
    assert!(csv.contains(&format!("domain,{more},")), "{more}");
    let text = by_domain(&["--format", "text"]);
    assert_eq!(text.matches(".example:total:").count(), 5_000);
    assert!(text.contains(&format!(":by:domain:{more}:total:{}\n", all - 5_000)));
    let json: serde_json::Value = serde_json::from_str(&by_domain(&["--format", "json"])).unwrap();
    check_json(&json["instances"][0]["by"]["domain"], all - 5_000);
    let csv = by_domain(&["--format", "csv", "--top", "100000"]);
    assert_eq!(csv.matches(".example,").count(), all);
    for by in ["provider", "age", "provider,age"] {
        let args = ["-q", "--format", "prom", "--by", by];
        check_series(&image.tool("mailq-distribution", &args).out);
    }
    // The report has the mailq, too.
    let mail = image.stats(&["-q", "--format", "report", "--print-mail", "--date", DAY]);
    assert!(mail.out.len() <= 100_000, "{}", mail.out.len());

    for by in ["domain", "sender,domain", "reason", "relay"] {
        let ran = image
            .tool("queue-report", &["aol-a", "--group-by", by])
            .ended(0);
        assert!(lines(&ran.out) < 70, "{by}: {}", lines(&ran.out));
        let rest = format!("and {0} more, with {0} recipients", all - 10);
        assert!(ran.out.contains(&rest), "{by}: {}", ran.out);
    }
    let ran = image
        .tool("queue-report", &["aol-a", "--format", "csv"])
        .ended(0);
    assert_eq!(lines(&ran.out), all + 1, "a recipient is a row");
}

#[test]
fn a_log_of_six_thousand_domains_is_a_table_that_ends() {
    let of = |n| {
        delivery(
            "postfix-aol-a",
            &format!("d{n}.example"),
            "bounced",
            "550 no",
        )
    };
    let image = Image::new((0..6_000).map(of));
    let table = ["-q", "--date", DAY, "--format", "table", "--by"];
    for by in ["domain", "relay"] {
        let ran = image.stats(&[&table[..], &[by]].concat()).ended(0);
        assert!(
            (5_000..5_020).contains(&lines(&ran.out)),
            "{by}: {}",
            lines(&ran.out)
        );
        let rest = ran.out.lines().find(|line| line.contains("(1000 more)"));
        assert!(rest.is_some_and(|rest| rest.contains(" 1000 ")), "{rest:?}");
    }
}

/// The rows of an instance, and what is left out, in each format.
#[test]
fn every_format_of_a_breakdown_ends_and_says_what_it_leaves_out() {
    let of = |n| delivery("postfix-aol-a", &format!("d{n}.example"), "sent", "250 ok");
    let image = Image::new((0..6_000).map(of));
    let log = image.path("var/log/mail.log").display().to_string();
    let by_domain = |more: &[&str]| {
        let args = ["--log", &log, "--by", "domain"];
        image.stats(&[&args, more].concat()).ended(0)
    };
    let text = by_domain(&[]);
    // The instance, 5,000 rows and the rest, four lines each, and the blank line.
    assert_eq!(lines(&text.out), 4 * 5_002 + 1);
    assert!(text.out.contains(":by:domain:(1000 more):total:1000\n"));
    assert!(
        text.err.contains("--by domain has 1000 rows more"),
        "{}",
        text.err
    );
    assert_eq!(lines(&by_domain(&["--format", "csv"]).out), 1 + 1 + 5_001);
    assert_eq!(lines(&by_domain(&["--format", "jsonl"]).out), 1 + 5_001);
    let json: serde_json::Value =
        serde_json::from_str(&by_domain(&["--format", "json"]).out).unwrap();
    check_json(&json["instances"][0]["by"]["domain"], 1_000);
    check_json(&json["total"]["by"]["domain"], 1_000);
    // All, where that is asked for.
    let all = by_domain(&["--top", "6000"]);
    assert_eq!(lines(&all.out), 4 * 6_001 + 1);
    assert!(!all.err.contains("more"), "{}", all.err);
}

/// Of 200 instances, 500 rows each, whatever their names: all together are 100,000.
#[test]
fn the_rows_of_all_instances_together_end() {
    let of = |n| {
        let tag = format!("postfix-{}", n % 200);
        delivery(&tag, &format!("d{}.example", n / 200), "sent", "250 ok")
    };
    let image = Image::new((0..200 * 510).map(of));
    let log = image.path("var/log/mail.log").display().to_string();
    let csv = ["--log", &log, "--by", "domain", "--format", "csv"];
    let ran = image.stats(&csv);
    let of_instance = |name: &str| {
        let rows = ran.out.lines().filter(|row| row.starts_with(name));
        rows.filter(|row| row.contains(",domain,")).count()
    };
    assert_eq!(of_instance("postfix-7,"), 501, "{}", ran.err);
    assert!(ran.out.contains("postfix-7,domain,(10 more),10,"));
    assert!(ran.err.contains("has 10 rows more"), "{}", ran.err);
    assert!((100_000..106_000).contains(&lines(&ran.out)));
    // All, where that is asked for.
    let all = image.stats(&[&csv[..], &["--top", "510"]].concat());
    assert!(lines(&all.out) > 102_000 && !all.err.contains("more"));
}

/// Each host has instances of its own: 200 rows of these, and what the others come to.
#[test]
fn the_hosts_that_a_stranger_makes_up_end_too() {
    let line = delivery("postfix-aol-a", "x.example", "sent", "250 ok");
    let image = Image::new((0..12_000).map(|n| format!("h{n}\0{line}")));
    let log = image.path("var/log/mail.log").display().to_string();
    let ran = image.stats(&["--log", &log]);
    assert_eq!(lines(&ran.out), 5 * 201);
    let totals = ran
        .out
        .lines()
        .filter_map(|line| line.split_once(":total:"));
    let all: u64 = totals.map(|(_, n)| n.parse::<u64>().unwrap()).sum();
    assert_eq!(all, 12_000);
    let ran = image.stats(&["--log", &log, "--by", "host", "--format", "csv"]);
    let rows = |instance: &str| {
        let rows = ran.out.lines().filter(|line| line.starts_with(instance));
        rows.filter(|line| line.contains(",host,")).count()
    };
    assert_eq!(
        rows("postfix-aol-a@(other),"),
        100_000 / 201 + 1,
        "{}",
        ran.err
    );
    assert!(rows("") < 5_001 + 500 + 200);
}

#[test]
fn the_hours_that_a_stranger_makes_up_end_too() {
    let image = Image::new([]);
    let of = |n: u32| {
        let (year, month, day, hour) = (1970 + n / 288, n / 24 % 12 + 1, 1 + n % 2, n / 2 % 24);
        let line = delivery("postfix-aol-a", "x.example", "sent", "250 ok");
        format!("{year}-{month:02}-{day:02}T{hour:02}:00:00Z rustin {line}\n")
    };
    let log: String = (0..12_000).map(of).collect();
    image.write("var/log/other.log", &log);
    let path = image.path("var/log/other.log").display().to_string();
    let ran = image.stats(&["--log", &path, "--by", "hour", "--format", "csv"]);
    let hours: Vec<&str> = ran
        .out
        .lines()
        .filter(|line| line.contains(",hour,"))
        .collect();
    assert_eq!(hours.len(), 10_001, "{}", ran.err);
    // The last ones are told apart.
    assert!(!ran.out.contains(",hour,1970-") && ran.out.contains(",hour,2011-"));
    assert!(
        hours.last().unwrap().contains(" more),"),
        "{:?}",
        hours.last()
    );
}

/// The rows of a breakdown as JSON: all that are told apart, and what the rest comes to.
fn check_json(rows: &serde_json::Value, left_out: usize) {
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 5_001);
    let last = rows.last().unwrap();
    assert_eq!(
        (&last["key"], &last["keys"], &last["total"]),
        (&"(other)".into(), &left_out.into(), &left_out.into())
    );
    assert!(rows[0].get("keys").is_none());
}
