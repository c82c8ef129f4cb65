//! The daily report as a mail: read by Python's parser, and delivered by a real Postfix.

mod clipped;

use std::io::Write;
use std::process::{Command, Stdio};

use crate::TOOL;
use crate::lists_host::{BLOCKED, Lines, begins, host};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::tools::{sh, stats};
use testkit::{Host, Instance};

/// What Python reads in the message.
fn parsed(message: &[u8]) -> Value {
    let mut python = Command::new("python3")
        .arg("tests/mail_stats/mail/parse.py")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(message).unwrap();
    let out = python.wait_with_output().unwrap();
    assert!(out.status.success());
    serde_json::from_slice(&out.stdout).unwrap()
}

/// A host's log, in which an instance that is called `name` is blocked.
fn log_of(name: &str) -> (TempDir, String) {
    let of = |status, reply, n| Lines {
        instance: name,
        status,
        reply,
        n,
        ..Lines::default()
    };
    let log = begins("18T00:00:00")
        + &of("sent", "250 ok", 60).text()
        + &of("bounced", BLOCKED, 40).text();
    let root = host(&[], &log);
    let path = root
        .path()
        .join("var/log/mail.log")
        .to_str()
        .unwrap()
        .to_owned();
    (root, path)
}

/// Without a mailq, whose ages change.
fn report(log: &str, args: &[&str]) -> String {
    let all = [&["--log", log, "--date", "2026-09-19"], args].concat();
    stats(all).ended(0).out
}

#[test]
fn the_mail_holds_text_and_page_and_no_defect() {
    let (_root, log) = log_of("postfix-a");
    let to = [
        "--print-mail",
        "--mail-to",
        "a@x.example,b.c@y.example",
        "--mail-to",
        "postmaster",
    ];
    let text = report(&log, &["--format", "report"]);
    let page = report(&log, &["--format", "html"]);
    let mail = report(&log, &[&["--format", "report"], &to[..]].concat());
    let now: f64 = sh("date +%s").trim().parse().unwrap();
    let found = parsed(mail.as_bytes());
    assert_eq!(found["defects"], json!([]));
    assert_eq!(found["type"], "multipart/alternative");
    // The last part is what is shown where it can be.
    assert_eq!(found["parts"][0], json!(["text/plain", "7bit", text]));
    assert_eq!(found["parts"][1][0], "text/html");
    assert_eq!(
        found["parts"][1][2].as_str().unwrap().trim_end(),
        page.trim_end()
    );
    assert_eq!(found["parts"].as_array().unwrap().len(), 2);
    let subject = found["subject"].as_str().unwrap();
    assert!(
        subject.ends_with(" 2026-09-19: ATTENTION postfix-a: 40 blocked (40.0%) and 1 more"),
        "{subject}"
    );
    let names = [
        "auto-submitted",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "subject",
        "to",
    ];
    let mut given: Vec<String> = found["names"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_str().unwrap().to_lowercase())
        .collect();
    given.sort();
    assert_eq!(given, names);
    let to = found["to"].as_array().unwrap();
    assert_eq!(to[..2], [json!("a@x.example"), json!("b.c@y.example")]);
    let origin = found["from"][0]
        .as_str()
        .unwrap()
        .strip_prefix("root@")
        .unwrap();
    assert_eq!(to[2], format!("postmaster@{origin}"));
    assert_eq!(found["auto"], "auto-generated");
    assert!((now - found["date"].as_f64().unwrap()).abs() < 60.0);
    assert!(found["longest_head"].as_u64().unwrap() <= 78);
    assert!(found["longest"].as_u64().unwrap() <= 998);
    assert_eq!(found["ascii"], true);
    assert!(!mail.contains('\r'));
    // It is the same mail whichever format is named, but no two mails have one id.
    let again = parsed(report(&log, &["--format", "html", "--print-mail"]).as_bytes());
    assert_eq!(again["parts"], found["parts"]);
    assert_ne!(again["id"], found["id"]);
    assert_eq!(again["to"], json!([]));
}

/// The name of an instance is a tag in a log, which others may write: in the head it must stay what it is.
#[test]
fn a_name_in_the_subject_is_only_a_name() {
    for name in [
        "=?utf-8?q?Bcc:_x=40y.example?=",
        "caf\u{e9}",
        "a\u{202e}b",
        "x\\r\\nBcc:y",
    ] {
        let (_root, log) = log_of(name);
        for utf8 in [&[][..], &["--utf8"]] {
            let mail = report(
                &log,
                &[&["--format", "report", "--print-mail"], utf8].concat(),
            );
            let found = parsed(mail.as_bytes());
            assert_eq!(found["defects"], json!([]), "{name}");
            assert_eq!(found["names"].as_array().unwrap().len(), 7, "{name}");
            assert_eq!(found["ascii"], true, "{name}");
            let shown = name
                .replace('\u{e9}', "\\u{e9}")
                .replace('\u{202e}', "\\u{202e}");
            let subject = found["subject"].as_str().unwrap();
            assert!(
                subject.contains(&format!("ATTENTION {shown}: 40 blocked")),
                "{name}: {subject}"
            );
        }
    }
}

/// What is said to be 7bit has lines of 998 octets at most (RFC 2045, 2.7).
#[test]
fn a_long_name_makes_no_long_line() {
    let name = "A".repeat(1500);
    let (_root, log) = log_of(&name);
    let mail = report(&log, &["--format", "report", "--print-mail"]);
    let found = parsed(mail.as_bytes());
    assert_eq!(found["defects"], json!([]));
    assert!(found["longest"].as_u64().unwrap() <= 998, "{mail}");
    assert!(found["longest_head"].as_u64().unwrap() <= 998, "{mail}");
}

#[test]
fn what_is_no_address_or_no_report_is_refused() {
    let (_root, log) = log_of("postfix-a");
    let check = |args: &[&str], expected: &str| {
        let ran = stats([&["--log", &log, "--date", "2026-09-19"], args].concat());
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{args:?}");
        assert!(ran.err.contains(expected), "{args:?}: {}", ran.err);
    };
    let report = |to| ["--format", "report", "--print-mail", "--mail-to", to];
    check(&report("a@b\nBcc: c@d"), "not a plain mail address");
    check(&report("a b@c.example"), "not a plain mail address");
    check(&report("<a@b.example>"), "not a plain mail address");
    let to_a_file = [
        "--format",
        "report",
        "--output",
        "/nowhere/file",
        "--mail-to",
        "a@b.example",
    ];
    check(&to_a_file, "--output cannot be used with --format report");
    check(&["--print-mail"], "--print-mail cannot be used");
    check(
        &["--format", "json", "--mail-to", "a@b.example"],
        "--mail-to cannot be used",
    );
}

/// The default instance of a host, which puts mail for rustin.example into maildirs.
fn mailing(host: &Host) -> Instance {
    host.write("/etc/mailname", "rustin.example\n");
    host.sh("mkdir -m 1777 /var/spool/mbox");
    host.default_instance()
        .param("myhostname", "mx.rustin.example")
        .param("myorigin", "/etc/mailname")
        .param("mydestination", "rustin.example")
        .param("mail_spool_directory", "/var/spool/mbox/")
        .param("alias_maps", "")
        .start()
}

#[test]
fn postfix_delivers_it_to_all_who_are_named() {
    let host = testkit::host_or_skip!();
    let instance = mailing(&host);
    let (_root, log) = log_of("postfix-a");
    let args = ["--log", &log, "--date", "2026-09-19", "--format", "report"];
    let ran = host
        .command(TOOL)
        .args(args)
        .args(["--mail-to", "root,daemon@rustin.example"])
        .run()
        .exit(0);
    assert_eq!((ran.text(), ran.errors()), (String::new(), String::new()));
    let text = host.command(TOOL).args(args).run().exit(0).text();
    let mut ids = Vec::new();
    for user in ["root", "daemon"] {
        let directory = format!("/var/spool/mbox/{user}/new");
        instance.wait_until(testkit::PATIENCE, "delivery", || {
            !host
                .sh(&format!("ls {directory} 2>/dev/null || true"))
                .text()
                .is_empty()
        });
        let names = host.sh(&format!("ls {directory}")).text();
        assert_eq!(names.lines().count(), 1, "{names}");
        let mail = host.read(format!("{directory}/{}", names.trim()));
        let found = parsed(&mail);
        assert_eq!(found["defects"], json!([]));
        assert_eq!(found["parts"][0], json!(["text/plain", "7bit", text]));
        assert_eq!(found["parts"][1][0], "text/html");
        // Postfix gives the same domain to what has none.
        assert_eq!(
            found["to"],
            json!(["root@rustin.example", "daemon@rustin.example"])
        );
        assert_eq!(found["from"], json!(["root@rustin.example"]));
        ids.push(found["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn a_sendmail_that_fails_is_reported_and_nothing_is_sent() {
    let host = testkit::host_or_skip!();
    let instance = mailing(&host);
    let (_root, log) = log_of("postfix-a");
    let mail = |to: &str| {
        let args = ["--log", &log, "--date", "2026-09-19", "--format", "html"];
        host.command(TOOL)
            .args(args)
            .arg(format!("--mail-to={to}"))
            .run()
    };
    let program = |script: &str| {
        host.write("/run/sendmail", format!("#!/bin/bash\n{script}\n"));
        host.sh("chmod 755 /run/sendmail");
    };
    instance.set("sendmail_path", "/run/sendmail");
    program("echo first >&2; printf 'no \\e[31mroom\\n' >&2; exit 75");
    let ran = mail("root").exit(2);
    let told = ran.errors();
    assert_eq!(ran.text(), "");
    assert!(
        told.starts_with(
            "mail-stats-print: the report was not sent: /run/sendmail: exit status: 75: \
            no \\x1b[31mroom\nhint: "
        ),
        "{told}"
    );
    // What it is called with, and given.
    program("printf '%s\\n' \"$@\" >/run/args; cat >/run/mail");
    mail("-oQ/tmp@x.example,root").exit(0);
    assert_eq!(
        host.sh("cat /run/args").text(),
        "-oi\n--\n-oQ/tmp@x.example\nroot\n"
    );
    assert_eq!(parsed(&host.read("/run/mail"))["defects"], json!([]));
    // Nothing is where main.cf says: then it is where Postfix has it by default; and there is nothing either.
    instance.set("sendmail_path", "/nowhere/sendmail");
    host.sh("mount --bind /dev/null /usr/sbin/sendmail");
    let told = mail("root").exit(2).errors();
    assert!(
        told.starts_with(
            "mail-stats-print: the report was not sent: cannot run: /usr/sbin/sendmail: it is not a \
            regular file\nhint: "
        ),
        "{told}"
    );
    let queued = host
        .sh("find /var/spool/postfix/{maildrop,incoming,active,deferred} /var/spool/mbox -type f")
        .text();
    assert_eq!(queued, "");
}
