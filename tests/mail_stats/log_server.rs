//! Logs that hold the lines of several hosts, as on a log server.

use std::fs;
use std::path::Path;

use testkit::tools::{seconds, set_mtime, stats};

/// Two hosts whose instances have one name, and messages with one queue id; the second is written in two ways.
const LINES: &str = "\
2026-11-27T06:00:01+00:00 relay1 postfix-aol-a/smtp[706]: 4HnkK60lBRz6tl1: to=<a@aol.com>, \
relay=mx.aol.com[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)
2026-11-27T06:00:02+00:00 relay2.example.org postfix-aol-a/smtp[706]: 4HnkK60lBRz6tl1: to=<a@aol.com>, \
relay=mx.aol.com[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=4.0.0, status=deferred (450 later)
2026-11-27T06:00:03+00:00 relay2.example.org postfix-aol-a/smtp[706]: 4HnkK60lBRz6tl1: to=<a@aol.com>, \
relay=mx.aol.com[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)
2026-11-27T06:00:04+00:00 relay2.example.org postfix-msn-a/smtp[706]: 4HnkK60lBRz6tl1: to=<a@aol.com>, \
relay=mx.aol.com[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=5.0.0, status=bounced (550 no)
";

fn written(dir: &Path, text: &str) -> String {
    let path = dir.join("mail.log");
    fs::write(&path, text).unwrap();
    set_mtime(&path, seconds("2026-11-28T12:00:00Z"));
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_message_is_one_of_its_host() {
    let dir = tempfile::tempdir().unwrap();
    let log = written(dir.path(), LINES);
    let counted = |more: &[&str]| {
        let log = ["--log", &log];
        stats(more.iter().chain(&log)).ended(0).out
    };
    let expected = |one: [u8; 3], two: [u8; 3], three: [u8; 3]| {
        let of = |name: &str, [bounced, deferred, sent]: [u8; 3]| {
            let total = bounced + deferred + sent;
            format!(
                "{name}:total:{total}\n{name}:bounced:{bounced}\n{name}:deferred:{deferred}\n{name}:sent:{sent}\n\n"
            )
        };
        [
            of("postfix-aol-a@relay1", one),
            of("postfix-aol-a@relay2.example.org", two),
            of("postfix-msn-a@relay2.example.org", three),
        ]
        .concat()
    };
    let attempts = expected([0, 0, 1], [0, 1, 1], [1, 0, 0]);
    assert_eq!(counted(&[]), attempts);
    let recipients = expected([0, 0, 1], [0, 0, 1], [1, 0, 0]);
    assert_eq!(counted(&["--count", "recipients"]), recipients);
    let one = counted(&["aol-a"]);
    assert!(one.contains("postfix-aol-a@relay1:total:1\n"), "{one}");
    assert!(!one.contains("msn"), "{one}");
    let json = counted(&["--format", "json", "--by", "host"]);
    assert!(
        json.contains(r#""host":"relay1, relay2.example.org""#),
        "{json}"
    );
    assert!(
        json.contains(r#"{"key":"relay2.example.org","total":2"#),
        "{json}"
    );
    // An event has the host in a place of its own.
    let events = counted(&["--events"]);
    let first = events.lines().nth(1).unwrap();
    assert!(
        first.contains(r#""host":"relay2.example.org","instance":"postfix-aol-a""#),
        "{first}"
    );
}

#[test]
fn the_report_of_another_hosts_log_bears_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let day = ["--format", "report", "--date", "2026-11-27"];
    let report = |log: &str| stats(["--log", log].iter().chain(&day)).out;
    let log = written(dir.path(), LINES);
    let both = report(&log);
    assert!(
        both.starts_with("relay1, relay2.example.org, Friday 2026-11-27"),
        "{both}"
    );
    assert!(both.contains("postfix-aol-a@relay1 "), "{both}");
    let log = written(dir.path(), &LINES[..LINES.find('\n').unwrap() + 1]);
    let one = report(&log);
    assert!(one.starts_with("relay1, Friday 2026-11-27"), "{one}");
    assert!(one.contains("postfix-aol-a "), "{one}");
}

/// A host's own logs, whose lines may bear another name than the host has.
#[test]
fn a_hosts_own_lines_are_its_own_whatever_name_they_bear() {
    let root = tempfile::tempdir().unwrap();
    for dir in ["etc/postfix-aol-a", "var/log"] {
        fs::create_dir_all(root.path().join(dir)).unwrap();
    }
    let main_cf = "syslog_name = postfix-aol-a\nqueue_directory = /var/spool/postfix-aol-a\n";
    fs::write(root.path().join("etc/postfix-aol-a/main.cf"), main_cf).unwrap();
    let line = |host: &str| {
        format!(
            "2026-11-27T06:00:01+00:00 {host} postfix-aol-a/smtp[706]: 4HnkK60lBRz6tl1: to=<a@aol.com>, \
             relay=mx.aol.com[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)\n"
        )
    };
    let check = |hostname: &str, hosts: &[&str], expected: &[(&str, u64)]| {
        fs::write(root.path().join("etc/hostname"), format!("{hostname}\n")).unwrap();
        let lines: String = hosts.iter().map(|host| line(host)).collect();
        written(&root.path().join("var/log"), &lines);
        let path = root.path().to_str().unwrap();
        let out = stats(["--root", path, "--date", "2026-11-27"]).out;
        let totals: Vec<&str> = out.lines().filter(|l| l.contains(":total:")).collect();
        let expected: Vec<String> = expected
            .iter()
            .map(|(name, n)| format!("{name}:total:{n}"))
            .collect();
        assert_eq!(totals, expected, "{hostname} {hosts:?}");
    };
    // A container, say.
    check("rustin", &["c0ffee", "c0ffee"], &[("postfix-aol-a", 2)]);
    // Renamed, and written with its domain.
    check("rustin", &["rustin.example.org"], &[("postfix-aol-a", 1)]);
    // A log server's: whichever line comes first, and however many there are of others.
    let both = [("postfix-aol-a", 1), ("postfix-aol-a@cleveland", 2)];
    check("rustin", &["cleveland", "cleveland", "rustin"], &both);
    check("rustin", &["rustin", "cleveland", "cleveland"], &both);
}

/// The syslog daemon goes on with the name that the host had before: whose deliveries these are is not seen.
#[test]
fn a_log_that_is_of_another_host_alone_is_no_quiet_hour() {
    let root = crate::lists_host::host(&["postfix-aol-a"], "");
    fs::write(root.path().join("etc/hostname"), "relay1\n").unwrap();
    let lines = |host: &str, day: &str, n: usize| {
        let line = |i| {
            format!(
                "2026-11-{day}T06:00:{i:02}+00:00 {host} postfix-aol-a/smtp[706]: 4A{i}: to=<a@aol.com>, \
                 relay=mx.aol.com[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=4.0.0, status=deferred (450 later)\n"
            )
        };
        (10..10 + n).map(line).collect::<String>()
    };
    let check = |log: String, status: i32, said: &str| {
        let path = root.path().join("var/log/mail.log");
        fs::write(&path, log).unwrap();
        set_mtime(&path, seconds("2026-11-28T00:00:00Z"));
        let root = root.path().to_str().unwrap();
        let ran = stats(["--root", root, "--date", "2026-11-27", "--check"]).ended(status);
        assert!(ran.out.contains(said), "{}", ran.out);
    };
    let before = lines("relay1", "26", 40);
    let said = "UNKNOWN: the log's deliveries are of host relay9, none is of relay1";
    check(before.clone() + &lines("relay9", "27", 2), 3, said);
    // Its instances' names are judged under any host's, as the report does.
    let said = "CRITICAL: postfix-aol-a@relay9: deferred 100.0% (40 of 40)";
    check(before.clone() + &lines("relay9", "27", 40), 2, said);
    // Beside its own they are a log server's.
    let said = "; postfix-aol-a: deferred 100.0% (5 of 5)";
    check(
        before + &lines("relay1", "27", 5) + &lines("relay9", "27", 40),
        2,
        said,
    );
}
