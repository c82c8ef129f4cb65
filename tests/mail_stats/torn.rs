//! Lines that were torn into one.

use super::unread::{SENT, views, written};
use testkit::tools::stats;

/// What a syslog daemon never writes: a crash or a wrong line end made it. What a receiver says is another matter.
#[test]
fn lines_that_are_torn_into_one_are_not_one_delivery() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("2026-11-28T06:00:00Z relay1 postfix/smtp[706]: {SENT}");
    for torn in [format!("{line}\r{line}\r{line}"), format!("{line}\0{line}")] {
        let log = written(dir.path(), format!("{line}\n{torn}\n{line}\n").as_bytes());
        let ran = stats(["--log", &log]).ended(1);
        assert!(ran.out.starts_with("postfix:total:2\n"), "{}", ran.out);
        let why = "mail.log, line 2: a control character, which Postfix never writes: ";
        assert!(ran.err.contains(why), "{}", ran.err);
    }
    let said = "2026-11-28T06:00:00Z relay1 postfix/smtp[706]: 4J: host mx.evil.example[192.0.2.9] said: 450 4.2.0 x: \
                to=<a@b.example>, relay=none, status=sent (in reply to RCPT TO command)";
    let log = written(dir.path(), format!("{line}\n{said}\n").as_bytes());
    let ran = stats(["--log", &log]).ended(0);
    assert!(
        ran.out.starts_with("postfix:total:1\n") && ran.err.is_empty(),
        "{}",
        ran.err
    );
}

/// A writer that was cut in the middle of its line, and the next line behind it: where nobody but Postfix writes that
/// is certain, and nothing of it counts. In an address or an answer it may be a stranger's text: it is named, and
/// decides nothing.
#[test]
fn a_line_behind_half_a_line_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("2026-11-28T06:00:00Z relay1 postfix/smtp[706]: {SENT}");
    let next = "Nov 28 06:00:01 relay1 postfix/smtp[707]: 4B: to=<c@d.example>, relay=mx.d.example[192.0.2.9]:25, delay=1, \
                delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)";
    let cut = |after: &str| {
        let at = line.find(after).unwrap() + after.len();
        format!("{}{next}", &line[..at])
    };
    let run = |torn: &str| {
        let log = written(dir.path(), format!("{line}\n{torn}\n{line}\n").as_bytes());
        views(&log)
    };
    for (torn, why) in [
        (cut(" relay=mx"), "cut in relay="),
        (cut(", delay="), "cut in delay="),
        (cut("status=s"), "status=sNov is not a status"),
        (
            cut("postfix/smtp[706]: "),
            "another line begins in the middle of it",
        ),
    ] {
        for ran in run(&torn) {
            let ran = ran.ended(1);
            let why = format!("mail.log, line 2: {why}: 2026-11-28T06:00:00Z");
            assert!(ran.err.contains(&why), "{torn}: {}", ran.err);
        }
    }
    let answer = cut("status=sent (2");
    let quoted = line.replace("status=sent (", &format!("status=sent (said {next} "));
    for torn in [answer, quoted] {
        let log = written(dir.path(), format!("{line}\n{torn}\n{line}\n").as_bytes());
        let ran = stats(["--log", &log]).ended(0);
        let why =
            "mail.log, line 2: another line may begin in the middle of it: 2026-11-28T06:00:00Z";
        assert!(ran.err.contains(why), "{torn}: {}", ran.err);
        assert!(ran.out.starts_with("postfix:total:3\n"), "{}", ran.out);
        let json = stats(["--log", &log, "--format", "json"]).ended(0);
        assert!(json.out.contains("\"doubtful\":[\""), "{}", json.out);
        let check = stats(["--log", &log, "--check"]).ended(0);
        assert!(check.out.starts_with("OK: 3 deliveries"), "{}", check.out);
        assert!(check.out.contains(why), "{}", check.out);
    }
}

/// A line of another program, or of another of Postfix's, that was cut off, with a delivery behind the cut: what others
/// log may quote one, so it is not counted, and said.
#[test]
fn a_delivery_behind_half_a_line_of_others_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("2026-11-28T06:00:00Z relay1 postfix/smtp[706]: {SENT}");
    for other in [
        "CRON[9]: (root) CMD (comma",
        "postfix/smtpd[9]: connect from unknown[192.0",
        "postfix/qmgr[9]: 4HnkK60lBRz6tl1: from=<a@b.exam",
        "postfix/cleanup[9]: warning: read timeou",
    ] {
        let torn = format!("2026-11-28T06:00:00Z relay1 {other}{line}");
        let log = written(dir.path(), format!("{line}\n{torn}\n{line}\n").as_bytes());
        let ran = stats(["--log", &log]).ended(0);
        assert!(ran.out.starts_with("postfix:total:2\n"), "{}", ran.out);
        let why = "mail.log, line 2: another line may begin in the middle of it: 2026-11-28T06";
        assert!(ran.err.contains(why), "{other}: {}", ran.err);
    }
    let quoted = "2026-11-28T06:00:00Z relay1 sshd[9]: Invalid user x: to=<a@b.example> status=sent from 192.0.2.1";
    let log = written(dir.path(), format!("{line}\n{quoted}\n").as_bytes());
    assert_eq!(stats(["--log", &log]).ended(0).err, "");
}
