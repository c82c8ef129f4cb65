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
    let rest = ran
        .out
        .lines()
        .find(|line| line.contains("(other)"))
        .unwrap();
    assert!(
        rest.split_whitespace()
            .any(|word| word == (all - 5_000).to_string()),
        "{rest}"
    );
    // What a program reads has them all.
    let ran = image.tool(
        "mailq-distribution",
        &["aol-a", "--by", "domain", "--format", "csv"],
    );
    assert_eq!(ran.out.matches(".example,").count(), all);
    for by in ["domain", "sender-domain", "provider", "age"] {
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
        let rest = ran
            .out
            .lines()
            .find(|line| line.contains("(other)"))
            .unwrap();
        assert!(rest.contains("1000"), "{rest}");
    }
}
