//! Delivery lines whose head is not as Postfix and the usual syslog daemons write it: each is read, or counted as
//! unread of the instance that its first words name, however many other lines can be read. What is quoted behind
//! another program's tag counts for nothing.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use testkit::tools::{Ran, seconds, set_mtime, stats};

const TAG: &str = "postfix-aol-a/smtp[9]:";
const HEAD: &str = "2026-11-27T06:00:01Z relay1 ";

fn delivery(id: usize, status: &str, reply: &str) -> String {
    format!(
        "4A{id}: to=<a{id}@aol.com>, relay=mx.aol.com[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=5.0.0, \
         status={status} ({reply})"
    )
}

/// A host with one instance, whose log has 60 deliveries and then 20 lines that `line` makes of a delivery that was
/// blocked.
fn host(line: impl Fn(&str) -> String) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for dir in ["etc/postfix-aol-a", "var/log"] {
        fs::create_dir_all(root.path().join(dir)).unwrap();
    }
    let main_cf = "syslog_name = postfix-aol-a\nqueue_directory = /var/spool/postfix-aol-a\n";
    fs::write(root.path().join("etc/postfix-aol-a/main.cf"), main_cf).unwrap();
    fs::write(root.path().join("etc/hostname"), "relay1\n").unwrap();
    let good = (100..160).map(|id| format!("{HEAD}{TAG} {}\n", delivery(id, "sent", "250 ok")));
    let blocked = "host mx.aol.com[192.0.2.1] said: 550 5.7.1 blocked using zen.spamhaus.org";
    let bad = (200..220).map(|id| format!("{}\n", line(&delivery(id, "bounced", blocked))));
    log(root.path(), &good.chain(bad).collect::<String>());
    root
}

fn log(root: &Path, text: &str) {
    let path = root.join("var/log/mail.log");
    fs::write(&path, text).unwrap();
    set_mtime(&path, seconds("2026-11-28T00:00:00Z"));
}

fn run(root: &TempDir, args: &[&str]) -> Ran {
    let root = ["--root", root.path().to_str().unwrap()];
    stats(root.iter().chain(args))
}

/// The lines are counted as unread in each view, and by `--check`: a quarter of 80.
#[track_caller]
fn unread(why: &str, line: impl Fn(&str) -> String) {
    let root = host(line);
    for view in [&["--date", "2026-11-27"][..], &["--format", "json"]] {
        let ran = run(&root, view).ended(1);
        for said in [
            "20 delivery lines could not be read",
            "mail.log, line 61: ",
            why,
        ] {
            assert!(ran.err.contains(said), "{said} is not in {}", ran.err);
        }
    }
    let json = run(&root, &["--format", "json"]).out;
    assert!(json.contains(r#""complete":false"#), "{json}");
    let said = "UNKNOWN: postfix-aol-a: 25.0% (20 of 80) delivery lines cannot be read";
    let check = run(&root, &["--check"]).ended(3);
    assert!(check.out.starts_with(said), "{}", check.out);
    let report = run(&root, &["--format", "report", "--date", "2026-11-27"]).ended(1);
    let said = "25.0% (20 of 80) delivery lines could not be read";
    assert!(report.out.contains(said), "{}", report.out);
}

/// They are read, and the blocks are found.
#[track_caller]
fn read(line: impl Fn(&str) -> String) {
    let root = host(line);
    let ran = run(&root, &["--date", "2026-11-27"]).ended(0);
    assert!(ran.out.contains("postfix-aol-a:total:80\n"), "{}", ran.out);
    let check = run(&root, &["--check"]).ended(2);
    let said = "CRITICAL: postfix-aol-a: blocked 25.0% (20 of 80)";
    assert!(check.out.starts_with(said), "{}", check.out);
}

/// They are none of Postfix's: nothing is counted, nothing is said.
#[track_caller]
fn quoted(line: impl Fn(&str) -> String) {
    let root = host(line);
    for view in [&["--date", "2026-11-27"][..], &["--check"]] {
        let ran = run(&root, view).ended(0);
        let words = [&ran.out, &ran.err];
        let is_silent = !words.iter().any(|text| text.contains("be read"));
        assert!(is_silent, "{words:?}");
        let counted = [
            "postfix-aol-a:total:60\n",
            "OK: 60 deliveries of postfix-aol-a:",
        ];
        assert!(
            counted.iter().any(|text| ran.out.contains(text)),
            "{}",
            ran.out
        );
    }
}

#[test]
fn times_of_other_forms_are_read() {
    // 2026-11-27T06:00:01Z
    for time in [
        "1795759201",
        "1795759201.000",
        "20261127T060001Z",
        "20261127T060001.5+0000",
    ] {
        read(|delivery| format!("{time} relay1 {TAG} {delivery}"));
    }
    read(|delivery| format!("{HEAD}mail.info: {TAG} {delivery}"));
}

#[test]
fn lines_without_a_time_that_is_known() {
    let none = "no time in front: ";
    unread(none, |delivery| format!("relay1 {TAG} {delivery}"));
    unread(none, |delivery| format!("{TAG} {delivery}"));
    unread(none, |delivery| {
        format!("Nov\t27\t06:00:01 relay1 {TAG} {delivery}")
    });
    unread(none, |delivery| {
        format!("27/Nov/2026:06:00:01 relay1 {TAG} {delivery}")
    });
    let form = "its time is in no form that is known: ";
    unread(form, |delivery| {
        format!("lis 27 06:00:01 relay1 {TAG} {delivery}")
    });
}

#[test]
fn tags_that_are_not_whole() {
    let tag = "its tag is not NAME/SERVICE[PID]:: ";
    for odd in ["smtp[9-3]:", "smtp[x]:"] {
        unread(tag, |delivery| {
            format!("{HEAD}postfix-aol-a/{odd} {delivery}")
        });
    }
    let tag = "no tag NAME/SERVICE[PID]: behind the time: ";
    for odd in ["smtp [9]:", "smtp[9] :", "smtp[9]"] {
        unread(tag, |delivery| {
            format!("{HEAD}postfix-aol-a/{odd} {delivery}")
        });
    }
    let service =
        "its tag names no service (rsyslog writes it whole as %syslogtag%, not as %programname%)";
    unread(service, |delivery| {
        format!("{HEAD}postfix-aol-a[9]: {delivery}")
    });
    let id = "no queue id behind the tag: ";
    unread(id, |delivery| {
        let (_, fields) = delivery.split_once(": ").unwrap();
        format!("{HEAD}{TAG} {fields}")
    });
    let service = "its tag names no delivery agent of Postfix's";
    unread(service, |delivery| {
        format!("{HEAD}postfix-aol-a/10025[9]: {delivery}")
    });
}

/// What others write, and what strangers send, makes no line unread.
#[test]
fn a_quoted_delivery_is_none() {
    let quotes = [
        // Programs of other names that log lines of a mail log.
        "mailwatch[7]: ",
        "mailwatch: ",
        "opt/mailwatch[7]: ",
        // A subject, a client's name, a reply.
        "postfix-aol-a/cleanup[9]: 4X: warning: header Subject: ",
        "postfix-aol-a/smtpd[9]: NOQUEUE: reject: RCPT from unknown[192.0.2.9]: 550 x; helo=<",
        "postfix-aol-a/smtp[9]: 4X: host mx.aol.com[192.0.2.1] said: 450 ",
        // A certificate.
        "postfix-aol-a/smtp[9]: mx.aol.com[192.0.2.1]:25: subject_CN=",
    ];
    for quote in quotes {
        quoted(|delivery| format!("{HEAD}{quote}{delivery}"));
        quoted(|delivery| format!("{HEAD}{quote}{TAG} {delivery}"));
        // The same in lines whose time is in no form that is known.
        quoted(|delivery| format!("27/Nov/2026:06:00:01 relay1 {quote}{TAG} {delivery}"));
        quoted(|delivery| format!("lis 27 06:00:01 relay1 {quote}{TAG} {delivery}"));
    }
    // Programs that write to the same standard output without a tag: names that clients log in with.
    quoted(|delivery| format!("Invalid user {TAG} {delivery} from 192.0.2.9 port 22"));
    quoted(|delivery| format!("2026-11-27T06:00:01Z Invalid user {TAG} {delivery}"));
    // What a program wrote in several lines.
    quoted(|delivery| format!("the reply was: {TAG} {delivery}"));
}

/// Lines under a name of no instance, which anyone may write, are said, and page nobody.
#[test]
fn names_of_no_instance_are_no_verdict() {
    let root = host(|delivery| format!("27/Nov/2026:06:00:01 relay1 other/smtp[9]: {delivery}"));
    let check = run(&root, &["--check"]).ended(0);
    assert!(
        check.out.starts_with("OK: 60 deliveries of postfix-aol-a:"),
        "{}",
        check.out
    );
    let said = "; 20 delivery lines of no configured instance's name cannot be read, not judged";
    assert!(check.out.contains(said), "{}", check.out);
    let ran = run(&root, &[]).ended(1);
    assert!(
        ran.err.contains("20 delivery lines could not be read"),
        "{}",
        ran.err
    );
}

/// However few they are, where none can be read nothing was seen.
#[test]
fn no_line_that_can_be_read() {
    let root = host(|_| String::new());
    for n in [1, 2] {
        let cut = format!("{HEAD}{TAG} 4A: to=<a@aol.com>, relay=none, delay=1\n");
        log(root.path(), &cut.repeat(n));
        let check = run(&root, &["--check"]).ended(3);
        let said =
            format!("UNKNOWN: postfix-aol-a: 100.0% ({n} of {n}) delivery lines cannot be read");
        assert!(check.out.starts_with(&said), "{}", check.out);
    }
}

/// `journalctl -o json` without `-a` writes null for what is longer than 4096 bytes.
#[test]
fn entries_whose_text_is_left_out() {
    let root = host(|_| String::new());
    for text in ["null", "[1,2,300]", "[300]", "{}", "true"] {
        let entry = |service: &str, n: usize| {
            let entry = format!(
                r#"{{"__REALTIME_TIMESTAMP":"1795759201000000","_HOSTNAME":"relay1","SYSLOG_IDENTIFIER":"postfix-aol-a/{service}","MESSAGE":{text}}}"#
            );
            format!("{entry}\n").repeat(n)
        };
        log(root.path(), &entry("smtp", 20));
        let check = run(&root, &["--check"]).ended(3);
        let said = "UNKNOWN: postfix-aol-a: 100.0% (20 of 20) delivery lines cannot be read";
        assert!(check.out.starts_with(said), "{text}: {}", check.out);
        let ran = run(&root, &["--date", "2026-11-27"]).ended(1);
        let said = "mail.log, line 1: its text is left out (journalctl -o json needs -a): ";
        assert!(ran.err.contains(said), "{text}: {}", ran.err);
        // Of what is no delivery agent's nothing is missing.
        log(root.path(), &entry("qmgr", 20));
        run(&root, &["--date", "2026-11-27"]).ended(0);
    }
}

/// A line that is yet to come is none of the last hour.
#[test]
fn lines_of_a_clock_that_is_ahead() {
    let root = host(|_| String::new());
    let lines = |time: &str| format!("{time} relay1 {TAG} {}\n", delivery(1, "sent", "250 ok"));
    let now = ["--clock=2026-11-27T12:00:00Z", "--since", "1h"];
    for before in ["", "2026-11-27T10:30:00Z"] {
        let before = match before {
            "" => String::new(),
            time => lines(time),
        };
        log(
            root.path(),
            &(before + &lines("2027-01-02T06:00:00Z").repeat(20)),
        );
        let check = run(&root, &[&now[..], &["--check"]].concat()).ended(3);
        let said = "postfix-aol-a: 100.0% (20 of 20) delivery lines cannot be read";
        assert!(check.out.contains(said), "{}", check.out);
        let ran = run(&root, &now).ended(1);
        assert!(ran.err.contains("its time is yet to come"), "{}", ran.err);
    }
    // Whoever asks for that time gets it, and the report of a day has them as it had.
    let then = ["--clock=2026-11-27T12:00:00Z", "--date", "2027-01-02"];
    let ran = run(&root, &then).ended(0);
    assert!(ran.out.contains("postfix-aol-a:total:20\n"), "{}", ran.out);
}

/// This host's own lines under another name are judged, as the report judges them.
#[test]
fn a_host_under_another_name() {
    for name in ["localhost", "cleveland"] {
        let root = host(|delivery| format!("2026-11-27T06:00:02Z {name} {TAG} {delivery}"));
        let check = run(&root, &["--check"]).ended(2);
        let said = format!("CRITICAL: postfix-aol-a@{name}: blocked 100.0% (20 of 20)");
        assert!(check.out.starts_with(&said), "{}", check.out);
        let report = run(&root, &["--format", "report", "--date", "2026-11-27"]);
        let said = format!("!! postfix-aol-a@{name}: 20 blocked (100.0%)");
        assert!(report.out.contains(&said), "{}", report.out);
    }
}
