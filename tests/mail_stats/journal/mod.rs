//! Hosts whose mail is in the systemd journal.

mod days;
mod followed;
mod host;
mod others;

use std::fs;

use host::{Host, SECOND, damage};
use testkit::journal::Sender;

/// Debian 12 as it is installed: nothing has to be said.
#[test]
fn without_a_log_file_the_journal_is_read() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent (250 ok)");
    host.deliver("msn-a", 2, "bounced (550 no)");
    let line = host.line("own-a", "sent (250 ok)");
    host.write("var/log/own.log", &line);
    host.flush();
    let ran = host.run(&[]).ended(0);
    assert_eq!(ran.err, "");
    assert_eq!(
        ran.out,
        "postfix-aol-a:total:3\npostfix-aol-a:bounced:0\npostfix-aol-a:deferred:0\npostfix-aol-a:sent:3\n\n\
         postfix-msn-a:total:2\npostfix-msn-a:bounced:2\npostfix-msn-a:deferred:0\npostfix-msn-a:sent:0\n\n\
         postfix-own-a:total:1\npostfix-own-a:bounced:0\npostfix-own-a:deferred:0\npostfix-own-a:sent:1\n\n"
    );
    let found = host.json(&[]);
    let sources = found["sources"].as_array().unwrap();
    let kinds: Vec<&str> = sources
        .iter()
        .map(|s| s["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["file", "journal"], "{sources:?}");
    for mode in [&["-v"][..], &["-v", "--events"], &["-v", "--check"]] {
        let ran = host.run(mode);
        assert_eq!(ran.err.matches("there is no ").count(), 1, "{}", ran.err);
    }
    // A window, and the first instance alone.
    assert_eq!(host.sent("aol-a", &["--since", "2h", "aol-a"]), 3);
    assert_eq!(host.sent("aol-a", &["--until", "2h"]), 0);
}

/// Of the hour before the journal's first entry, nothing was seen.
#[test]
fn a_check_of_more_than_the_journal_holds_is_unknown() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent (250 ok)");
    host.flush();
    let ran = host.run(&["aol-a", "--check", "--since", "2h"]).ended(3);
    let says = ran.out.contains("they begin at ") && ran.out.starts_with("UNKNOWN: ");
    assert!(says, "{}", ran.out);
    host.run(&["aol-a", "--check", "--since", "50m"]).ended(0);
}

#[test]
fn beside_rsyslog_each_line_counts_once() {
    let mut host = Host::new();
    host.clock += 3590 * SECOND;
    let mut log = String::new();
    for _ in 0..4 {
        log += &host.line("aol-a", "sent (250 ok)");
    }
    host.write("var/log/mail.log", &log);
    // The same in the journal, and more: the file says which is read.
    host.deliver("aol-a", 7, "sent (250 ok)");
    host.flush();
    let check = |args: &[&str], expected: u64, kind: &str| {
        let found = host.json(args);
        let of_syslog = found["sources"].as_array().unwrap().last().unwrap();
        assert_eq!(of_syslog["kind"], kind, "{args:?}");
        assert_eq!(host.sent("aol-a", args), expected, "{args:?}");
    };
    check(&[], 4, "file");
    check(&["--log-source", "auto"], 4, "file");
    check(&["--log-source", "files"], 4, "file");
    check(&["--log-source", "journal"], 7, "journal");
    check(&["--journal"], 7, "journal");
    let set = |text: &str| host.write("etc/default/relay-tools", text);
    set("METRICS_DIR=/x\nLOG_SOURCE=\"journal\"  # no rsyslog here\n");
    check(&[], 7, "journal");
    check(&["--log-source", "files"], 4, "file");
    set("LOG_SOURCE=journal\nLOG_SOURCE=files\n");
    check(&[], 4, "file");
    set("LOG_SOURCE=\n#LOG_SOURCE=journal\n");
    check(&[], 4, "file");
    set("# x\nLOG_SOURCE=journald\n");
    let ran = host.run(&[]).ended(2);
    assert!(
        ran.err.contains("line 2: LOG_SOURCE=journald"),
        "{}",
        ran.err
    );
}

/// rsyslog was removed, or the host upgraded to a release without it: its last file is left.
#[test]
fn a_file_that_is_no_longer_written_to_is_not_read() {
    let mut host = Host::new();
    let line = host.line("aol-a", "sent (250 ok)");
    host.write("var/log/mail.log", &line);
    host.clock += 600 * SECOND;
    host.deliver("aol-a", 7, "sent (250 ok)");
    host.flush();
    assert_eq!(host.sent("aol-a", &[]), 7);
    let ran = host.run(&["-v"]).ended(0);
    assert!(ran.err.contains("mail.log ends at "), "{}", ran.err);
    // Rotated just before: empty, or with its last lines in the file before.
    fs::rename(
        host.path("var/log/mail.log"),
        host.path("var/log/mail.log.1"),
    )
    .unwrap();
    host.write("var/log/mail.log", "");
    assert_eq!(host.sent("aol-a", &[]), 7);
}

/// A quiet host: no line for an hour is in either.
#[test]
fn a_file_is_alive_while_the_journal_has_no_later_mail() {
    let mut host = Host::new();
    host.deliver("aol-a", 2, "sent (250 ok)");
    let line = host.line("aol-a", "sent (250 ok)");
    host.write("var/log/mail.log.1", &line);
    host.write("var/log/mail.log", "");
    // Other programs log on.
    host.clock += 1800 * SECOND;
    let clock = host.clock;
    host.journal.entry(
        clock,
        "SYSLOG_FACILITY=9\nSYSLOG_IDENTIFIER=CRON\nMESSAGE=x\n_UID=0\n",
    );
    host.flush();
    assert_eq!(host.sent("aol-a", &["--since", "1d"]), 1);
}

/// Anyone can write to the journal with logger(1); journald says who it was.
#[test]
fn what_others_than_postfix_wrote_does_not_count() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent (250 ok)");
    host.deliver_as(&Sender::user(), "aol-a", 30, "bounced (550 no)");
    let in_unit = Sender {
        unit: "postfix@postfix-aol-a.service".to_owned(),
        ..Sender::user()
    };
    // A command of a ~/.forward file.
    host.deliver_as(&in_unit, "aol-a", 20, "bounced (550 no)");
    let clock = host.clock;
    let forged = "MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e\nSYSLOG_IDENTIFIER=systemd-journald\n_TRANSPORT=journal\n_UID=1000\n\
                  N_DROPPED=9\nMESSAGE=Suppressed 9 messages from postfix@postfix-aol-a.service\n";
    host.journal.entry(clock, forged);
    host.flush();
    let ran = host.run(&["--check", "--crit-bounced", "10%", "--min-volume", "1"]);
    assert_eq!(ran.status, Some(0), "{}", ran.out);
    let ran = host.run(&[]).ended(0);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:3\n"),
        "{}",
        ran.out
    );
    assert_eq!(ran.err, "");
    let ran = host.run(&["-v"]).ended(0);
    assert!(ran.err.contains("50 events"), "{}", ran.err);
}

/// Of a process that has ended, journald may know the user alone. Such entries are not counted, and not passed over.
#[test]
fn what_cannot_be_shown_to_be_postfix_is_reported() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent (250 ok)");
    let ended = Sender {
        uid: Sender::OWNER,
        unit: String::new(),
        exe: String::new(),
    };
    host.deliver_as(&ended, "aol-a", 2, "sent (250 ok)");
    host.flush();
    let ran = host.run(&[]).ended(1);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:3\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains("2 entries of root or the mail owner"),
        "{}",
        ran.err
    );
}

/// By default journald keeps 10,000 messages of a unit in 30 seconds, and drops the others.
#[test]
fn what_journald_dropped_is_reported() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent (250 ok)");
    let clock = host.clock;
    host.journal
        .dropped(clock, 225, "postfix@postfix-aol-a.service");
    host.journal
        .dropped(clock + 1, 1000, "postfix@postfix-aol-a.service");
    host.journal.dropped(clock + 2, 7, "user@1000.service");
    host.flush();
    let ran = host.run(&[]).ended(1);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:3\n"),
        "{}",
        ran.out
    );
    let expected = "rate limit dropped 1225 messages of postfix@postfix-aol-a.service";
    assert!(ran.err.contains(expected), "{}", ran.err);
    assert!(!ran.err.contains("user@1000"), "{}", ran.err);
    let ran = host.run(&["--check"]).ended(3);
    assert!(ran.out.contains(expected), "{}", ran.out);
    // Of a time without a loss, nothing is said.
    assert_eq!(host.run(&["--since", "30m"]).ended(0).err, "");
}

/// journalctl passes over what it cannot read, and ends well.
#[test]
fn a_damaged_journal_file_is_reported() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent (250 ok)");
    let old = host.journal.write("system@old.journal");
    host.deliver("aol-a", 40, "sent (250 ok)");
    let new = host.flush();
    assert_eq!(host.sent("aol-a", &[]), 43);
    damage(&new);
    let ran = host.run(&[]).ended(1);
    assert!(
        ran.err
            .contains("system.journal: this journal file is damaged"),
        "{}",
        ran.err
    );
    let found = host.sent("aol-a", &[]);
    assert!((3..43).contains(&found), "{found}");
    host.run(&["--check"]).ended(3);
    // One that is cut short is not read at all; the others are.
    fs::File::options()
        .write(true)
        .open(&new)
        .unwrap()
        .set_len(2000)
        .unwrap();
    let ran = host.run(&[]).ended(1);
    assert!(
        ran.err
            .contains("system.journal: cannot read this journal file"),
        "{}",
        ran.err
    );
    assert!(
        ran.out.starts_with("postfix-aol-a:total:3\n"),
        "{}",
        ran.out
    );
    fs::write(&old, "no journal").unwrap();
    host.run(&[]).ended(1);
    let ran = host.run(&["aol-a"]).ended(2);
    assert!(
        ran.err.contains("cannot read this journal file"),
        "{}",
        ran.err
    );
    host.run(&["--check"]).ended(3);
}

#[test]
fn a_directory_without_a_journal_is_no_empty_log() {
    let dir = tempfile::tempdir().unwrap();
    let ran = testkit::tools::stats(["--journal-dir".as_ref(), dir.path().as_os_str()]).ended(2);
    assert!(
        ran.err.contains("there are no journal files"),
        "{}",
        ran.err
    );
}

/// postconf(5), syslog_facility.
#[test]
fn a_facility_of_its_own_is_found() {
    let mut host = Host::new();
    let main = "multi_instance_name = postfix-aol-a\nmulti_instance_enable = yes\nsyslog_facility = local3\n";
    host.write("etc/postfix-aol-a/main.cf", main);
    let message = host.message("sent (250 ok)");
    let clock = host.clock;
    let entry = format!(
        "SYSLOG_FACILITY=19\nSYSLOG_IDENTIFIER=postfix-aol-a/smtp\n_TRANSPORT=syslog\n_UID=0\n\
         _SYSTEMD_UNIT=postfix@postfix-aol-a.service\nMESSAGE={message}\n"
    );
    host.journal.entry(clock, &entry);
    host.deliver("msn-a", 1, "sent (250 ok)");
    host.flush();
    assert_eq!(host.sent("aol-a", &[]), 1);
    assert_eq!(host.sent("msn-a", &[]), 1);
}

/// What filters did is in the same journal; spamd is another user's.
#[test]
fn filters_and_the_spam_filter() {
    let mut host = Host::new();
    let clock = host.clock;
    let smtpd = Sender::postfix("postfix-aol-a");
    let spamd = Sender {
        uid: 115,
        unit: "spamd.service".to_owned(),
        exe: "/usr/bin/perl".to_owned(),
    };
    let result = "spamd: result: Y 9 - BAYES_99 \
        scantime=0.1,size=900,user=x,uid=115,required_score=5.0,rhost=::1,raddr=::1,rport=1,mid=<m1@x.org>,autolearn=no";
    host.journal.mail(clock, &spamd, "spamd", result);
    host.journal.mail(clock, &Sender::user(), "spamd", result);
    let reject = "NOQUEUE: reject: RCPT from unknown[198.51.100.9]: 554 5.7.1 <a@b.c>: Relay access denied; \
        from=<x@y.z> to=<a@b.c> proto=ESMTP helo=<h>";
    host.journal
        .mail(clock, &smtpd, "postfix-aol-a/smtpd", reject);
    host.journal
        .mail(clock, &Sender::user(), "postfix-aol-a/smtpd", reject);
    host.flush();
    let found = host.json(&["--filtered"]);
    assert_eq!(found["total"]["filtered"]["rejected"], 1);
    assert_eq!(found["unmatched_scores"]["spam"], 1);
}

#[test]
fn a_day_is_kept_and_reported() {
    let mut host = Host::new();
    // Three days ago, and yesterday at noon.
    let now = host.clock + 3600 * SECOND;
    let noon = now - now % (86_400 * SECOND) - 43_200 * SECOND;
    host.clock = noon - 2 * 86_400 * SECOND;
    let line = host.line("own-a", "sent (250 ok)");
    host.write("var/log/own.log", &line);
    host.deliver("aol-a", 5, "sent (250 ok)");
    host.clock = noon;
    host.deliver("aol-a", 4, "sent (250 ok)");
    host.deliver(
        "aol-a",
        1,
        "deferred (host mx.aol.com[192.0.2.1] said: 421 4.7.0 later)",
    );
    host.flush();
    host.run(&["--save-day"]).ended(0);
    let days = host.path("var/lib/relay-tools/days");
    let file = fs::read_dir(days).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(file).unwrap();
    let of_aol = text.lines().find(|line| line.contains("\"postfix-aol-a\""));
    let record: serde_json::Value = serde_json::from_str(of_aol.unwrap()).unwrap();
    assert_eq!(record["complete"], true, "{record}");
    assert_eq!(record["attempts"]["sent"], 4, "{record}");
    let report = host.run(&["--format", "report"]);
    assert!(!report.err.contains("journal"), "{}", report.err);
    assert!(report.out.contains("postfix-aol-a"), "{}", report.out);
    // A loss of the day makes it incomplete, and no other day.
    host.journal
        .dropped(noon + 600 * SECOND, 9, "postfix@postfix-aol-a.service");
    host.flush();
    let ran = host.run(&["--save-day", "--date", "yesterday"]);
    assert_eq!(ran.status, Some(1), "{}", ran.err);
}

/// A daily mail that does not come is missed by nobody.
#[test]
fn the_daily_mail_says_that_no_log_was_found() {
    let host = Host::new();
    fs::remove_dir_all(host.path("var/log")).unwrap();
    let report = ["--format", "report"];
    let ran = host.run(&report).ended(2);
    assert!(ran.err.contains("nothing is known about "), "{}", ran.err);
    let ran = host.run(&[&report[..], &["--mail-to", "root", "--print-mail"]].concat());
    assert_eq!(ran.status, Some(1), "{}", ran.err);
    let subject = ran.out.lines().find(|line| line.starts_with("Subject: "));
    assert!(
        subject.unwrap().contains("UNKNOWN, no log found"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("no deliveries"), "{}", ran.out);
}
