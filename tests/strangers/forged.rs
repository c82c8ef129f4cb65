//! Lines that any local user can have syslogd write: what they do, and what they do not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use testkit::{Host, Mail, host_or_skip};

use crate::image::{DAY, Image, delivery};

/// Ten deliveries, and what someone else has logged.
fn host(forged: impl IntoIterator<Item = String>) -> Image {
    let own = (0..10).map(|_| delivery("postfix-aol-a", "x.example", "sent", "250 ok"));
    Image::new(own.chain(forged))
}

fn blocked(tag: &str) -> String {
    let reply = "host mx.aol.com[192.0.2.1] said: 554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using \
        zen.spamhaus.org";
    delivery(tag, "aol.com", "bounced", reply)
}

#[test]
fn names_of_no_instance_are_one_row_and_in_no_verdict() {
    let image = host((0..300).map(|n| blocked(&format!("made-up-{n}"))));
    let ran = image.stats(&[]).ended(0);
    assert_eq!(
        ran.out,
        "(other):total:300\n(other):bounced:300\n(other):deferred:0\n(other):sent:0\n\n\
         postfix-aol-a:total:10\npostfix-aol-a:bounced:0\npostfix-aol-a:deferred:0\npostfix-aol-a:sent:10\n\n"
    );
    assert!(
        ran.err.contains("300 deliveries") && ran.err.contains("made-up-0"),
        "{}",
        ran.err
    );
    // The check says that there are such, and is not swayed.
    let check = [
        "--check",
        "--date",
        DAY,
        "--crit-bounced",
        "5%",
        "--crit-blocked",
        "1",
    ];
    let ran = image.stats(&check).ended(0);
    assert!(
        ran.out.starts_with("OK: 10 deliveries") && ran.out.contains("; 300 more deliveries"),
        "{}",
        ran.out
    );
    // Nor the report.
    let ran = image.stats(&["--format", "report", "--date", DAY]);
    let first = ran.out.lines().next().unwrap_or_default();
    // The image has no queue to be read.
    assert!(
        first.contains(": nothing found, but not all queues"),
        "{}",
        ran.out
    );
    // A forged delivery does not hide that an instance is idle.
    let image = Image::new([delivery("made-up", "x.example", "sent", "250 ok")]);
    let ran = image.stats(&["--check", "--date", DAY, "--warn-idle", "aol-a"]);
    assert_ne!(ran.status, Some(0), "{ran:?}");
}

#[test]
fn a_line_that_stands_for_many_is_reported_and_not_counted() {
    let tag = "postfix-aol-a/smtp[1]: ";
    let (_, message) = blocked("postfix-aol-a")
        .split_once(": ")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let repeated = |times: u32| format!("{tag}message repeated {times} times: [ {message}]");
    let image = host([repeated(999), repeated(6)]);
    let ran = image.stats(&[]).ended(1);
    assert!(ran.out.contains("postfix-aol-a:total:10\n"), "{}", ran.out);
    assert!(
        ran.err.contains("2 delivery lines could not be read"),
        "{}",
        ran.err
    );
    let ran = image.stats(&["--check", "--date", DAY, "--crit-blocked", "1"]);
    assert!(!ran.out.starts_with("CRITICAL"), "{}", ran.out);
    // What rsyslog really writes counts.
    let image = host([repeated(5)]);
    assert!(
        image
            .stats(&[])
            .ended(0)
            .out
            .contains("postfix-aol-a:bounced:5\n")
    );
}

/// An instance with one delivery, and a user who logs thirty refusals in its name.
fn with_a_forger(host: &Host, own_file: bool) -> String {
    let sink = host.sink();
    let instance = host.instance("postfix-aol-a").relay_to(&sink).create();
    if own_file {
        instance.set("maillog_file", "/var/log/postfix.log");
    }
    instance.start();
    instance.sendmail(&Mail::new("list@example.org", "u@aol.com"));
    let log = if own_file {
        "/var/log/postfix.log"
    } else {
        "/var/log/mail.log"
    };
    let has = |text: &str| String::from_utf8_lossy(&host.read(log)).contains(text);
    host.wait_until(testkit::PATIENCE, "the delivery", || has("status=sent"));
    let (_, message) = blocked("x")
        .split_once(": ")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    host.command("sh")
        .args([
            "-c",
            "for n in $(seq 30); do logger -p mail.info -t 'postfix-aol-a/smtp[1]' -- \"$0\"; done
             for n in $(seq 5); do logger -p mail.info -t \"made-up-$n/smtp[1]\" -- \"$0\"; done
             logger -p mail.info -t 'postfix-aol-a/smtp[1]' -- \"message repeated 999 times: [ $0]\"",
        ])
        .arg(&message)
        .user("nobody")
        .run()
        .ok();
    let forged = || host.mail_log().matches("blocked using").count();
    host.wait_until(testkit::PATIENCE, "the forged lines", || forged() == 36);
    host.command(env!("CARGO_BIN_EXE_mail-stats-print"))
        .run()
        .text()
}

#[test]
fn in_a_file_that_syslogd_writes_a_forged_line_counts() {
    let host = host_or_skip!();
    let figures = with_a_forger(&host, false);
    assert!(figures.contains("postfix-aol-a:total:31\n"), "{figures}");
    // By other names they are one row; and one line is one delivery.
    assert!(figures.starts_with("(other):total:5\n"), "{figures}");
}

#[test]
fn in_a_file_that_postlogd_writes_there_is_none() {
    let host = host_or_skip!();
    let figures = with_a_forger(&host, true);
    assert!(figures.contains("postfix-aol-a:total:1\n"), "{figures}");
    assert!(figures.contains("postfix-aol-a:sent:1\n"), "{figures}");
}

/// postlog(1) is set-gid where `postfix set-permissions` has been run (Postfix 3.7 and later).
#[test]
fn where_postlog_is_set_gid_postlogds_file_is_open_to_all() {
    let host = host_or_skip!();
    let instance = host.instance("postfix-aol-a").create();
    instance.set("maillog_file", "/var/log/postfix.log");
    instance.start();
    let (_, message) = blocked("x")
        .split_once(": ")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    // As it is in the Debian package, on a copy.
    host.sh(
        "mkdir /run/bin && cp -a /usr/sbin/post* /run/bin && mount --bind -o suid /run/bin /run/bin",
    )
    .ok();
    instance.set("command_directory", "/run/bin");
    let forge = || {
        let postlog = host
            .command("/run/bin/postlog")
            .arg("-c")
            .arg(instance.config_dir());
        let postlog = postlog.args(["-t", "postfix-aol-a/smtp"]).arg(&message);
        postlog.user("nobody").run()
    };
    let figures = || {
        let ran = host.command(env!("CARGO_BIN_EXE_mail-stats-print")).run();
        ran.text()
    };
    assert_ne!(forge().code(), Some(0));
    host.sh("chgrp postdrop /run/bin/postlog && chmod 2755 /run/bin/postlog")
        .ok();
    let forged = forge();
    assert_eq!(forged.code(), Some(0), "{forged}");
    host.wait_until(testkit::PATIENCE, "the forged line", || {
        figures().contains("postfix-aol-a:total:1\n")
    });
}

#[test]
fn react_says_whose_lines_a_log_may_have() {
    let reply = "host mx.aol.com[192.0.2.1] said: 421 4.7.0 [TSS04] Messages deferred";
    let line = |n| {
        let line = delivery("postfix-aol-a", "aol.com", "deferred", reply);
        line.replace("<u@", &format!("<u{n}@"))
    };
    let lines = || (0..9).map(line);
    let says = |maillog_file: Option<&str>, postlog: u32, log: u32| {
        let image = Image::new(lines());
        let path = maillog_file.unwrap_or("/var/log/mail.log");
        if let Some(file) = maillog_file {
            let text = fs::read_to_string(image.path("etc/postfix-aol-a/main.cf")).unwrap();
            let text = format!("{text}maillog_file = {file}\n");
            image.write("etc/postfix-aol-a/main.cf", &text);
            let log = fs::read_to_string(image.path("var/log/mail.log")).unwrap();
            image.write(&file[1..], &log);
        }
        image.write("usr/sbin/postlog", "");
        let mode = |path: &str, mode| {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(image.path(path), mode).unwrap();
        };
        mode("usr/sbin/postlog", postlog);
        mode(&path[1..], log);
        image.write(
            "rules.toml",
            "most = '100%'\n[[rule]]\ncode = 'TSS04'\nat_least = 5\nwithin = '10m'\ndo = 'pause'\nfor = '2h'\n",
        );
        let rules = image.path("rules.toml").display().to_string();
        let args = ["react", "--dry-run", "--date", DAY, "--rules", &rules];
        let ran = image.tool("relay-limit", &args).ended(0);
        assert!(
            ran.out.contains("pause postfix-aol-a for aol"),
            "{}",
            ran.out
        );
        let notes: Vec<&str> = ran
            .out
            .lines()
            .filter(|line| line.starts_with("note: "))
            .collect();
        notes.join("\n").replace(image.root().to_str().unwrap(), "")
    };
    let see = "; see relay-limit(8), REACTING BY ITSELF";
    let own = Some("/var/log/postfix.log");
    assert_eq!(
        says(None, 0o755, 0o640),
        format!("note: any user can write to /var/log/mail.log: syslogd writes it{see}")
    );
    assert_eq!(says(own, 0o755, 0o640), "");
    assert_eq!(
        says(own, 0o2755, 0o640),
        format!(
            "note: any user can write to /var/log/postfix.log: /usr/sbin/postlog is set-gid{see}"
        )
    );
    assert_eq!(
        says(own, 0o755, 0o666),
        format!("note: any user can write to /var/log/postfix.log: its mode lets them{see}")
    );
    // The same file as syslogd's.
    assert_ne!(says(Some("/var/log/mail.log"), 0o755, 0o640), "");
}
