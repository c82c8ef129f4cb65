//! What of a log is not understood is said, in every view: nothing that was not read is an empty log, or OK.

use std::fs;
use std::path::Path;

use testkit::tools::{Ran, seconds, set_mtime, stats, stats_with};

const LOGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/logs");

/// A delivery, as the default instance logs it.
pub(super) const SENT: &str = "4HnkK60lBRz6tl1: to=<a@aol.com>, relay=mx.aol.com[192.0.2.1]:25, delay=1, delays=0/0/0/1, \
    dsn=2.0.0, status=sent (250 ok)";
const ONE: &str = "postfix:total:1\npostfix:bounced:0\npostfix:deferred:0\npostfix:sent:1\n\n";

/// `log` in the views of the deliveries: counts, by the hour, in a window, as events.
pub(super) fn views(log: &str) -> Vec<Ran> {
    let views: [&[&str]; 4] = [
        &[],
        &["--by", "hour", "--format", "csv"],
        &["--since", "2020-01-01"],
        &["--events"],
    ];
    let run = |view: &&[&str]| stats(["--log", log].iter().chain(*view));
    views.iter().map(run).collect()
}

/// A file of this text, last written when the logs of the tests were.
pub(super) fn written(dir: &Path, text: &[u8]) -> String {
    let path = dir.join("mail.log");
    fs::write(&path, text).unwrap();
    set_mtime(&path, seconds("2026-11-28T12:00:00Z"));
    path.to_str().unwrap().to_owned()
}

/// Every view has the delivery, and nothing is left out.
#[track_caller]
fn read(log: &str) {
    let [counts, hours, window, events] = views(log).try_into().unwrap();
    assert_eq!(counts.ended(0).out, ONE);
    assert_eq!(window.ended(0).out, ONE);
    assert_eq!(events.ended(0).out.lines().count(), 1);
    let hours = hours.ended(0).out;
    assert_eq!(
        hours
            .lines()
            .filter(|l| l.starts_with("postfix,hour,"))
            .count(),
        1,
        "{hours}"
    );
}

/// Every view has nothing, ends with 1 and says `says`; `--check` is UNKNOWN.
#[track_caller]
fn refused(log: &str, says: &[&str]) {
    let check = stats(["--log", log, "--check"]).ended(3);
    assert!(check.out.starts_with("UNKNOWN: "), "{}", check.out);
    for ran in views(log) {
        let ran = ran.ended(1);
        assert!(!ran.out.contains("postfix:total:1"), "{}", ran.out);
        for word in says {
            assert!(ran.err.contains(word), "{word} is not in: {}", ran.err);
        }
    }
}

#[test]
fn months_in_the_hosts_language() {
    for name in ["german", "austrian", "greek", "french"] {
        read(&format!("{LOGS}/month-{name}.log"));
    }
}

/// November in Poland, October in Croatia.
#[test]
fn a_month_of_two_meanings_is_not_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("lis 15 12:20:28 relay1 postfix/smtp[706]: {SENT}\n").repeat(3);
    let log = written(dir.path(), line.as_bytes());
    refused(
        &log,
        &["mail.log, line 1: its time is in no form that is known: lis 15 12:20:28"],
    );
}

#[test]
fn lines_that_grep_names_the_file_of() {
    let log = format!("{LOGS}/grep-with-names.log");
    let ran = stats(["--log", &log]).ended(0);
    assert!(
        ran.out
            .starts_with("postfix:total:60\npostfix:bounced:60\n"),
        "{}",
        ran.out
    );
    let check = stats(["--log", &log, "--check"]).ended(2);
    assert!(check.out.starts_with("CRITICAL: "), "{}", check.out);
}

#[test]
fn json_of_a_syslog_daemon() {
    read(&format!("{LOGS}/json-of-rsyslog.log"));
    let dir = tempfile::tempdir().unwrap();
    for line in [
        // rsyslog's `jsonmesg`.
        format!(
            r#"{{"msg":" {SENT}","rawmsg":"<22>x","timereported":"2026-11-28T06:00:00.1+00:00","hostname":"relay1","syslogtag":"postfix/smtp[706]:","programname":"postfix","app-name":"postfix","procid":"706"}}"#
        ),
        // syslog-ng's `format-json`, with its own time.
        format!(
            r#"{{"PROGRAM":"postfix/smtp","PID":"706","MESSAGE":"{SENT}","HOST":"relay1","DATE":"Nov 28 06:00:00"}}"#
        ),
        // A file that began as text.
        format!(
            r#"{{"timestamp":"2026-11-28T06:00:00Z","host":"relay1","appname":"postfix/smtp","procid":706,"message":"{SENT}"}}"#
        ),
    ] {
        let log = written(dir.path(), format!("{line}\n").as_bytes());
        read(&log);
        let mixed = format!("Nov 28 05:00:00 relay1 postfix/qmgr[1]: 4X: removed\n{line}\n");
        read(&written(dir.path(), mixed.as_bytes()));
    }
}

#[test]
fn tags_without_a_process_id() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("Nov 28 06:00:00 relay1 postfix/smtp: {SENT}\n");
    read(&written(dir.path(), line.as_bytes()));
}

#[test]
fn addresses_without_brackets() {
    let dir = tempfile::tempdir().unwrap();
    let bare = SENT.replace(['<', '>'], "");
    let line = format!("Nov 28 06:00:00 relay1 postfix/smtp[706]: {bare}\n");
    read(&written(dir.path(), line.as_bytes()));
    // A stranger's address passes for no field.
    // So many that it is no matter of a cut line.
    let line = line.repeat(3);
    for forged in ["a b, relay=x, delay=1, status=sent (ok", "a,relay=x"] {
        let line = line.replace("a@aol.com", forged);
        let log = written(dir.path(), line.as_bytes());
        refused(
            &log,
            &[
                "3 delivery lines could not be read",
                "mail.log, line 1: cut in to=",
            ],
        );
    }
}

#[test]
fn logs_of_something_else() {
    let dir = tempfile::tempdir().unwrap();
    let head = "Nov 28 06:00:00 relay1 postfix/smtp[706]: ";
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(
            format!("{head}{SENT}\r\n")
                .encode_utf16()
                .flat_map(u16::to_le_bytes),
        )
        .collect();
    let cases: [(&[u8], &str); 5] = [
        (
            b"root:x:0:0:root:/root:/bin/bash\nsync:x:4:65534\n",
            "it has 2 lines, none is a line of Postfix; the first: root:x:0:0",
        ),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\x01\n", "it is no text"),
        (&utf16, "it is UTF-16: iconv -f UTF-16 -t UTF-8"),
        (
            b"Nov 28 06:00:00 relay1 CRON[7]: (root) CMD (true)\n",
            "it has 1 line, which is no line of Postfix; the first: Nov 28",
        ),
        (
            b"{\"a\":1}\n{\"a\":2}\n",
            "it has 2 lines, none is a line of Postfix",
        ),
    ];
    for (text, says) in cases {
        refused(&written(dir.path(), text), &["mail.log: ", says]);
    }
    // Lines that were cut by columns: no time, so no window can have them.
    let cut = format!("relay1 postfix/smtp[706]: {SENT}\n").repeat(3);
    let log = written(dir.path(), cut.as_bytes());
    refused(
        &log,
        &[
            "3 delivery lines could not be read",
            "mail.log, line 1: no time in front: relay1 postfix",
        ],
    );
    // The same from a pipe.
    let ran = stats_with(["--log", "-"], cut.as_bytes()).ended(1);
    assert!(
        ran.err.contains("-, line 2: no time in front"),
        "{}",
        ran.err
    );
}

#[test]
fn an_empty_log_is_not_ok() {
    let dir = tempfile::tempdir().unwrap();
    let log = written(dir.path(), b"");
    let check = stats(["--log", &log, "--check"]).ended(3);
    assert!(
        check.out.starts_with("UNKNOWN: ") && check.out.contains("it has no line"),
        "{}",
        check.out
    );
    let ran = stats(["--log", &log]).ended(0);
    assert!(ran.err.contains("mail.log: it has no line"), "{}", ran.err);
}

#[test]
fn a_time_that_no_log_holds() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("2026-11-28T06:00:00Z relay1 postfix/smtp[706]: {SENT}\n");
    let log = written(dir.path(), line.as_bytes());
    for (day, says) in [
        (
            "2019-01-01",
            "no log holds the time that is asked for: the first line is of 2026-11-28T06:00:00",
        ),
        (
            "2027-01-01",
            "no log holds the time that is asked for: the last line is of 2026-11-28T06:00:00",
        ),
    ] {
        let ran = stats(["--log", &log, "--date", day]).ended(1);
        assert!(ran.err.contains(says), "{}", ran.err);
        let check = stats(["--log", &log, "--date", day, "--check"]).ended(3);
        assert!(check.out.contains(says), "{}", check.out);
        let gz = testkit::tools::sh(&format!("gzip -kf {log}; echo {log}.gz"));
        stats(["--log", gz.trim(), "--date", day, "--check"]).ended(3);
    }
    // On the host's own logs, those that are rotated too.
    fs::create_dir_all(dir.path().join("var/log")).unwrap();
    fs::create_dir_all(dir.path().join("etc/postfix")).unwrap();
    fs::write(dir.path().join("etc/postfix/main.cf"), "").unwrap();
    fs::copy(&log, dir.path().join("var/log/mail.log")).unwrap();
    let root = dir.path().to_str().unwrap();
    let check = stats(["--root", root, "--date", "2019-01-01", "--check"]).ended(3);
    assert!(
        check.out.contains("mail.log: no log holds the time"),
        "{}",
        check.out
    );
    // What began later is said, and counts; of what was before, a check knows nothing.
    let ran = stats(["--root", root, "--since", "2026-11-01"]).ended(0);
    assert_eq!(ran.out, ONE);
    assert!(
        ran.err.contains("they begin at 2026-11-28T06:00:00"),
        "{}",
        ran.err
    );
    let check = stats(["--root", root, "--since", "2026-11-01", "--check"]).ended(3);
    assert!(
        check.out.starts_with("UNKNOWN: ")
            && check.out.contains("they begin at 2026-11-28T06:00:00"),
        "{}",
        check.out
    );
}

/// Path, line, reason and the line itself of the first few; how many there are of all.
#[test]
fn delivery_lines_that_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let broken = [
        ("4A: to=<a@b.example>, relay=none", "cut in relay="),
        ("4B: to=<a@b.exam", "cut in to="),
        (
            "4C: to=<a@b.example>, relay=none, delay=1, dsn=2.0.0",
            "cut in dsn=",
        ),
        (
            "4D: to=<a@b.example>, relay=none, delay=1, dsn=2.0.0, status=failed (x)",
            "status=failed is not a status",
        ),
        (
            "4E: to=<a@b.example>, relay=none, delay=1, dsn=2.0.0, (x)",
            "no status=",
        ),
        ("4F: to=<a\x1b[2J@b.exam", "cut in to="),
        (
            "@cee: 4G: to=<a@b.example>, relay=none, delay=1, dsn=2.0.0, status=sent (x)",
            "no queue id behind the tag",
        ),
        (
            "<4H>: to=<a@b.example>, relay=none, delay=1, dsn=2.0.0, status=sent (x)",
            "no queue id behind the tag",
        ),
    ];
    for (bad, why) in broken {
        let head = "2026-11-28T06:00:00Z relay1 postfix/smtp[706]: ";
        let text = format!("{head}{SENT}\n\n{head}{bad}\n{head}4X: removed\n{head}{bad}\n");
        let shown = bad.replace('\x1b', "\\x1b");
        let expected = [
            "2 delivery lines could not be read and are not counted".to_owned(),
            format!("mail.log, line 3: {why}: {head}{shown}"),
            format!("mail.log, line 5: {why}: {head}{shown}"),
        ];
        for ran in views(&written(dir.path(), text.as_bytes())) {
            let ran = ran.ended(1);
            for line in &expected {
                assert!(ran.err.contains(line), "{line} is not in {}", ran.err);
            }
        }
        let gz = dir.path().join("mail.log");
        let gz = testkit::tools::sh(&format!("gzip -c {0} > {0}.gz; echo {0}.gz", gz.display()));
        let ran = stats(["--log", gz.trim()]).ended(1);
        assert!(
            ran.err.contains(&format!("mail.log.gz, line 5: {why}")),
            "{}",
            ran.err
        );
    }
}

#[test]
fn messages_that_were_thrown_away_are_missing() {
    let dir = tempfile::tempdir().unwrap();
    let lines = [
        "2026-11-28T06:00:00Z relay1 systemd-journald[200]: Suppressed 6160 messages from postfix@-.service",
        "2026-11-28T06:00:00Z relay1 rsyslogd: imuxsock[pid 706]: begin to drop messages due to rate-limiting",
        "2026-11-28T06:00:00Z relay1 rsyslogd[7]: imjournal: 6160 messages lost due to rate-limiting (20000 allowed \
         within 600 seconds)",
        r#"{"__REALTIME_TIMESTAMP":"1795845600000000","_HOSTNAME":"relay1","SYSLOG_IDENTIFIER":"systemd-journald","MESSAGE":"Suppressed 6160 messages from postfix@-.service"}"#,
    ];
    for lost in lines {
        let text = format!("2026-11-28T05:00:00Z relay1 postfix/smtp[706]: {SENT}\n{lost}\n");
        let log = written(dir.path(), text.as_bytes());
        for ran in views(&log) {
            let ran = ran.ended(1);
            assert!(
                ran.err.contains("mail.log, line 2: ")
                    && ran.err.contains("thrown away for coming too fast"),
                "{}",
                ran.err
            );
        }
        let check = stats(["--log", &log, "--check"]).ended(3);
        assert!(check.out.contains("thrown away"), "{}", check.out);
    }
    // Another service's, and a line of Postfix's that only says so.
    let text = format!(
        "2026-11-28T05:00:00Z relay1 postfix/smtp[706]: {SENT}\n\
         2026-11-28T05:00:00Z relay1 systemd-journald[2]: Suppressed 9 messages from nginx.service\n\
         2026-11-28T05:00:00Z relay1 postfix/cleanup[2]: 4X: warning: header Subject: 9 messages lost due to \
         rate-limiting\n"
    );
    read(&written(dir.path(), text.as_bytes()));
}
