//! mail-stats-print --check, as a monitoring system runs it. The logs are counted by hand.

use std::fs;

use regex::Regex;
use tempfile::TempDir;
use testkit::tools::{seconds, set_mtime, stats, stats_with};

/// Outlook's answer to a host that is on its list, for good.
const S3150: &str = "host hotmail-com.olc.protection.outlook.com[104.47.18.97] said: 550 5.7.1 Unfortunately, messages \
    from \
[203.0.113.25] weren't sent. Please contact your Internet service provider since part of their network is on our block \
list \
(S3150). (in reply to MAIL FROM command)";
/// Gmail's, for now.
const LOW_REPUTATION: &str = "host gmail-smtp-in.l.google.com[142.250.102.27] refused to talk to me: 421-4.7.0 \
    [203.0.113.25      15] \
Our system has detected that this message is suspicious 421-4.7.0 due to the very low reputation of the sending IP \
address.";
const NO_MAILBOX: &str =
    "host mx3.hotmail.com[65.55.37.104] said: 550 Requested action not taken: mailbox unavailable";
const TIMEOUT: &str = "connect to mx.example.com[192.0.2.99]:25: Connection timed out";

/// `n` deliveries of `instance` in the hour after `hour`, to one message's recipients.
fn lines(instance: &str, hour: u8, n: u64, status: &str, dsn: &str, reply: &str) -> String {
    let line = |n: u64| {
        format!(
            "2026-09-19T{hour:02}:{:02}:{:02}Z rustin postfix-{instance}/smtp[9]: 4F9A1: to=<u{n}@example.com>, \
             relay=none, \
             delay=1, delays=0/0/1/0, dsn={dsn}, status={status} ({reply})\n",
            n / 60,
            n % 60
        )
    };
    (0..n).map(line).collect()
}

/// - postfix-aol-a: 100 deliveries, 90 sent, 6 bounced (2 blocked), 4 deferred (1 blocked); 3 blocked in all. The
///   blocked ones are from 11 o'clock on.
/// - postfix-msn-a: 40 deliveries, 10 sent, 25 bounced (21 blocked), 5 deferred.
/// - postfix-yahoo-a: 2 deliveries, both deferred.
/// - postfix-idle-a: none; postfix-off-a: not enabled, none.
fn host() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let etc = |name: &str, text: &str| {
        let dir = root.path().join("etc").join(name);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("main.cf"), text).unwrap();
    };
    let names = ["aol-a", "idle-a", "msn-a", "off-a", "yahoo-a"];
    let directories = names.map(|n| format!("/etc/postfix-{n}")).join(" ");
    etc(
        "postfix",
        &format!("multi_instance_enable = yes\nmulti_instance_directories = {directories}\n"),
    );
    for name in names {
        let enable = if name == "off-a" { "no" } else { "yes" };
        etc(
            &format!("postfix-{name}"),
            &format!("multi_instance_name = postfix-{name}\nmulti_instance_enable = {enable}\n"),
        );
    }
    let log = [
        lines("aol-a", 10, 90, "sent", "2.0.0", "250 ok"),
        lines("aol-a", 10, 4, "bounced", "5.5.0", NO_MAILBOX),
        lines("aol-a", 10, 3, "deferred", "4.4.1", TIMEOUT),
        lines("aol-a", 11, 2, "bounced", "5.7.1", S3150),
        lines("aol-a", 11, 1, "deferred", "4.7.0", LOW_REPUTATION),
        lines("msn-a", 11, 10, "sent", "2.0.0", "250 ok"),
        lines("msn-a", 11, 21, "bounced", "5.7.1", S3150),
        lines("msn-a", 11, 4, "bounced", "5.5.0", NO_MAILBOX),
        lines("msn-a", 11, 5, "deferred", "4.4.1", TIMEOUT),
        lines("yahoo-a", 11, 2, "deferred", "4.4.1", TIMEOUT),
    ];
    fs::create_dir_all(root.path().join("var/log")).unwrap();
    let path = root.path().join("var/log/mail.log");
    fs::write(&path, log.concat()).unwrap();
    set_mtime(&path, seconds("2026-09-19T12:00:00Z"));
    root
}

/// Runs a check; returns the line before the performance data, and those.
#[track_caller]
fn check(root: &TempDir, args: &[&str], status: i32) -> (String, String) {
    let root = root.path().to_str().unwrap();
    let ran = stats([&["--check", "--root", root], args].concat()).ended(status);
    assert_eq!(
        (ran.out.lines().count(), ran.err.as_str()),
        (1, ""),
        "{}",
        ran.out
    );
    let (text, perf) = ran.out.trim_end().split_once(" | ").unwrap();
    grammar(perf);
    (text.to_owned(), perf.to_owned())
}

/// Performance data as the monitoring-plugin guidelines have them: `'label'=value[UOM];[warn];[crit];[min];[max]`,
/// apart by blanks. A label with a blank in it is quoted and none holds an equals sign, a value is of `[-0-9.]` or U.
#[track_caller]
fn grammar(perf: &str) {
    let value = r"-?\d+(\.\d+)?";
    let word = format!(
        r"^(?:'[^'=]+'|[^'= ]+)=(?:U|{value}(?:us|ms|s|%|B|KB|MB|TB|c)?)(?:;(?:{value})?){{0,4}}$"
    );
    let word = Regex::new(&word).unwrap();
    for found in perf.split(' ') {
        assert!(word.is_match(found), "{found}");
    }
}

#[test]
fn the_worst_instance_decides() {
    let root = host();
    let text = |args: &[&str], status| check(&root, args, status).0;
    // The rules of judge.toml, unless something else is said: more than 10% blocked are critical.
    assert_eq!(
        text(&[], 2),
        "CRITICAL: postfix-msn-a: blocked 52.5% (21 of 40) (S3150, 203.0.113.25), more than 10% beyond chance"
    );
    assert_eq!(
        text(&["aol-a", "yahoo-a"], 0),
        "OK: 102 deliveries of 2 instances: 5.9% bounced, 5.9% deferred, 3 blocked; judged without 1 repeated attempt: \
         5.0% deferred"
    );
    assert_eq!(
        text(&["--crit-blocked", "21", "aol-a"], 0),
        "OK: 100 deliveries of postfix-aol-a: 6.0% bounced, 4.0% deferred, 3 blocked; judged without 1 repeated \
         attempt: 3.0% deferred"
    );
    // A limit that is asked for takes the place of the rule.
    assert_eq!(
        text(&["--warn-blocked", "2"], 1),
        "WARNING: postfix-msn-a: 21 blocked (S3150, 203.0.113.25), more than 2; \
         postfix-aol-a: 3 blocked (S3150, 203.0.113.25), more than 2"
    );
    let bounced = [
        "--crit-blocked",
        "100%",
        "--warn-bounced",
        "5%",
        "--crit-bounced",
        "60%",
    ];
    assert_eq!(
        text(&bounced, 2),
        "CRITICAL: postfix-msn-a: 62.5% bounced (25 of 40), more than 60%; \
         postfix-aol-a: 6.0% bounced (6 of 100), more than 5%"
    );
    assert_eq!(
        text(&[&bounced[..], &["aol-a"]].concat(), 1),
        "WARNING: postfix-aol-a: 6.0% bounced (6 of 100), more than 5%"
    );
}

#[test]
fn numbers_and_rates_both_hold() {
    let root = host();
    let text = |args: &[&str], status| check(&root, args, status).0;
    let both = [
        "--warn-deferred",
        "90%",
        "--warn-deferred",
        "4",
        "--crit-blocked",
        "100%",
    ];
    assert_eq!(
        text(&both, 1),
        "WARNING: postfix-msn-a: 5 deferred, more than 4; \
         postfix-yahoo-a: 100.0% deferred (2 of 2), more than 90%"
    );
    // Two deliveries are too few to judge by.
    let few = [&both[..], &["--min-volume", "3"]].concat();
    let found = "WARNING: postfix-msn-a: 5 deferred, more than 4";
    assert_eq!(text(&few, 1), found);
    assert_eq!(
        text(&[&few[..], &["yahoo-a"]].concat(), 0),
        "OK: 2 deliveries of postfix-yahoo-a: 0.0% bounced, 100.0% deferred, 0 blocked; \
         1 not judged, with fewer than 3"
    );
    assert_eq!(
        text(&["--warn-blocked", "2.5%", "aol-a"], 1),
        "WARNING: postfix-aol-a: 3.0% blocked (3 of 100, S3150, 203.0.113.25), more than 2.5%"
    );
    check(&root, &["--warn-blocked", "3%", "aol-a"], 0);
}

#[test]
fn windows_and_other_logs_are_judged_too() {
    let root = host();
    let first = ["--until", "2026-09-19T11:00:00Z", "--warn-blocked", "0"];
    assert_eq!(
        check(&root, &[&first[..], &["aol-a"]].concat(), 0).0,
        "OK: 97 deliveries of postfix-aol-a: 4.1% bounced, 3.1% deferred, 0 blocked"
    );
    // By their last lines u0 is deferred and blocked, u1 bounced and blocked, u2 deferred, u3 bounced, u4 to u89 have
    // it.
    assert_eq!(
        check(&root, &["--count", "recipients", "aol-a"], 0).0,
        "OK: 90 recipients of postfix-aol-a: 2.2% bounced, 2.2% deferred, 2 blocked"
    );
    let log = lines("aol-c", 10, 21, "bounced", "5.7.1", S3150);
    let ran = stats_with(["--check", "--log", "-"], log.as_bytes()).ended(2);
    assert_eq!(
        ran.out,
        "CRITICAL: postfix-aol-c: blocked 100.0% (21 of 21) (S3150, 203.0.113.25), more than 10% beyond chance \
         | postfix-aol-c=21;;;0 postfix-aol-c_blocked=21;;;0 postfix-aol-c_bounced=21;;;0 \
         postfix-aol-c_deferred=0;;;0\n"
    );
}

#[test]
fn an_instance_without_traffic() {
    let root = host();
    let text = |args: &[&str], status| check(&root, args, status).0;
    assert_eq!(text(&["idle-a"], 0), "OK: no deliveries of postfix-idle-a");
    let idle = "WARNING: postfix-idle-a: no deliveries";
    assert_eq!(
        text(&["--warn-idle", "--min-volume", "5", "idle-a"], 1),
        idle
    );
    // Of all, those that are to run; the default instance has nothing to do here.
    assert_eq!(
        text(
            &[
                "--warn-idle",
                "--crit-blocked",
                "50",
                "--crit-bounced",
                "90%"
            ],
            1
        ),
        idle
    );
    // Named, it is one like any other.
    assert_eq!(
        text(&["--warn-idle", "-", "off-a"], 1),
        "WARNING: postfix: no deliveries; postfix-off-a: no deliveries"
    );
    check(&root, &["--warn-idle", "aol-a"], 0);
}

#[test]
fn the_performance_data_are_as_the_guidelines_have_them() {
    let root = host();
    let limits = [
        "--warn-blocked",
        "50",
        "--crit-blocked",
        "200",
        "--warn-bounced",
        "70%",
        "--crit-bounced",
        "80.5%",
        "--crit-bounced",
        "1000",
    ];
    let (_, perf) = check(&root, &limits, 0);
    let of = |name: &str, values: [&str; 5]| {
        let [total, blocked, bounced, rate, deferred] = values;
        format!(
            "{name}={total};;;0 {name}_blocked={blocked};50;200;0 {name}_bounced={bounced};;1000;0 \
             {name}_bounced_rate={rate};70;80.5;0 {name}_deferred={deferred};;;0"
        )
    };
    let expected = [
        of("postfix", ["0", "0", "0", "U", "0"]),
        of("postfix-aol-a", ["100", "3", "6", "6%", "4"]),
        of("postfix-idle-a", ["0", "0", "0", "U", "0"]),
        of("postfix-msn-a", ["40", "21", "25", "62.5%", "5"]),
        of("postfix-yahoo-a", ["2", "0", "0", "0%", "2"]),
    ];
    assert_eq!(perf, expected.join(" "));
}

#[test]
fn quiet_speaks_only_of_what_is_not_fine() {
    let root = host();
    let root = root.path().to_str().unwrap();
    let quiet = |name: &str| stats(["--check", "-q", "--root", root, name]);
    let fine = quiet("aol-a").ended(0);
    assert_eq!((fine.out.as_str(), fine.err.as_str()), ("", ""));
    let bad = quiet("msn-a").ended(2);
    assert!(bad.out.starts_with("CRITICAL: ") && bad.err.is_empty());
}

#[test]
fn what_cannot_be_found_out_is_unknown() {
    let root = host();
    let broken = root.path().join("etc/postfix-zzz-a/main.cf");
    fs::create_dir_all(&broken).unwrap();
    let (text, _) = check(&root, &["--crit-blocked", "50", "--crit-bounced", "90%"], 3);
    assert_eq!(text, "UNKNOWN: /etc/postfix-zzz-a cannot be read");
    // What is known to be critical is told first.
    let (text, _) = check(&root, &[], 2);
    assert!(
        text.starts_with("CRITICAL: postfix-msn-a: blocked 52.5% (21 of 40)")
            && text.ends_with("; /etc/postfix-zzz-a cannot be read"),
        "{text}"
    );
    check(&root, &["aol-a"], 0);
    // Cut short in the middle of a line.
    let log = root.path().join("var/log/mail.log");
    let whole = fs::read(&log).unwrap();
    let cut = whole.iter().rposition(|&b| b == b',').unwrap();
    fs::write(&log, &whole[..cut]).unwrap();
    let (text, _) = check(&root, &["yahoo-a"], 0);
    assert!(text.ends_with("; 1 delivery line cannot be read"), "{text}");
    // A log that is damaged may hide anything.
    let packed = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/rustin/var/log/mail.log.2.gz"
    ));
    fs::write(&log, &packed.unwrap()[..1000]).unwrap();
    let (text, _) = check(&root, &["yahoo-a"], 3);
    assert!(
        text.starts_with("UNKNOWN: ") && text.contains("mail.log: ") && text.contains("damaged"),
        "{text}"
    );
    fs::remove_file(&log).unwrap();
    let root = root.path().to_str().unwrap();
    let ran = stats(["--check", "--root", root]).ended(3);
    assert!(
        ran.out.starts_with("UNKNOWN: ") && ran.out.contains("mail.log"),
        "{}",
        ran.out
    );
    assert_eq!(ran.err, "");
}

#[test]
fn wrong_usage_is_unknown_on_standard_output() {
    let root = host();
    let root = root.path().to_str().unwrap();
    for args in [
        &["--warn-blocked", "many"][..],
        &["--warn-bounced", "5,5%"],
        &["--warn-bounced", "101%"],
        &["--crit-bounced", "-1"],
        &["--warn-bounced", "5", "--warn-bounced", "7"],
        &["--warn-bounced", "5%", "--crit-bounced", "3%"],
        &["--warn-deferred", "5", "--crit-deferred", "3"],
        &["--min-volume", "1%"],
        &["--by", "domain"],
        &["--format", "json"],
        &["--events"],
        &["--date", "2026-02-30"],
        &["--log", "/nonexistent"],
        &["nosuch"],
    ] {
        let ran = stats([&["--check", "--root", root], args].concat()).ended(3);
        assert!(
            ran.out.starts_with("UNKNOWN: ") && ran.out.lines().count() == 1 && ran.err.is_empty(),
            "{args:?}: {}{}",
            ran.out,
            ran.err
        );
    }
    // A limit without a check is a mistake.
    stats(["--root", root, "--warn-idle"]).ended(2);
    stats(["--root", root, "--crit-blocked", "20"]).ended(2);
}

#[test]
fn strangers_text_keeps_to_its_place() {
    let log = lines("x|y'z=\u{202e}", 10, 21, "bounced", "5.7.1", S3150);
    let ran = stats_with(["--check", "--log", "-"], log.as_bytes()).ended(2);
    assert!(ran.out.is_ascii(), "{}", ran.out);
    let (text, perf) = ran.out.trim_end().split_once(" | ").unwrap();
    assert!(
        text.starts_with("CRITICAL: postfix-x/y'z=\\u{202e}: blocked 100.0% (21 of 21)"),
        "{text}"
    );
    assert!(!perf.contains('|'), "{perf}");
    grammar(perf);
}

#[test]
fn what_a_paused_instance_kept_is_held_against_nobody() {
    let root = host();
    let paused = "paused by relay-limit until 2026-09-19 14:00 +0000: TSS04";
    let log = root.path().join("var/log/mail.log");
    let mut text = fs::read_to_string(&log).unwrap();
    text.push_str(&lines("aol-a", 11, 400, "deferred", "4.7.0", paused));
    // A server that says so itself is no pause of ours.
    let said = "host mx.example.com[192.0.2.9] said: 451 4.7.0 paused by relay-limit (in reply to RCPT TO command)";
    text.push_str(&lines("yahoo-a", 11, 98, "deferred", "4.7.0", said));
    fs::write(&log, text).unwrap();
    set_mtime(&log, seconds("2026-09-19T12:00:00Z"));
    let limits = ["--warn-deferred", "5%", "--crit-deferred", "50%"];
    let run = |instance: &str, status| check(&root, &[&[instance][..], &limits].concat(), status).0;
    run("aol-a", 0);
    assert_eq!(
        run("yahoo-a", 2),
        "CRITICAL: postfix-yahoo-a: 100.0% deferred (100 of 100), more than 50%"
    );
}
