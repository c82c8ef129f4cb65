//! What Postfix says of itself is counted in every format, and judged.

use std::fs;

use serde_json::{Value, json};
use testkit::tools::{stats, stats_with};

/// Two instances: master of aol-a cannot bind and qmgr of aol-b panics; warnings of strangers' doing; what people do by
/// hand.
fn log() -> Vec<u8> {
    let lines = [
        "postfix-aol-a/master[7]: fatal: bind 192.0.2.41 port 25: Address already in use",
        "postfix-aol-a/master[8]: fatal: bind 192.0.2.41 port 25: Address already in use",
        "postfix-aol-b/qmgr[9]: panic: qmgr_deliver: no recipients",
        "postfix-aol-b/smtpd[10]: error: open database /etc/postfix/x.db: No such file or directory",
        "postfix-aol-b/smtpd[10]: warning: hostname a.example does not resolve to address 203.0.113.9",
        "postfix-aol-b/smtpd[10]: warning: hostname b.example does not resolve to address 203.0.113.10",
        "postfix-aol-b/sendmail[11]: fatal: user(1000): No recipient addresses found in message header",
        "postfix-aol-b/cleanup[12]: 4X: message-id=<fatal: x>",
        "postfix-aol-b/smtp[13]: 4HnkK60lBRz6tl1: to=<a@aol.com>, relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, \
         dsn=2.0.0, status=sent (fatal: ok)",
        "other/qmgrx[13]: said fatal: nothing",
    ];
    let line = |line: &&str| format!("2026-11-28T06:00:00Z relay1 {line}\n");
    lines.iter().map(line).collect::<String>().into_bytes()
}

const MASTER: &str = "bind 192.0.2.41 port 25: Address already in use";
const FOLDED: &str = "hostname HOST does not resolve to address ADDRESS";

#[test]
fn json_has_all_of_them() {
    let ran = stats_with(["--log", "-", "--format", "json"], &log()).ended(0);
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    let [a, b] = [0, 1].map(|at| &found["instances"][at]["complaints"]);
    assert_eq!(
        *a,
        json!([{"service": "master", "severity": "fatal", "text": MASTER, "count": 2}])
    );
    let of_b: Vec<(&str, &str, u64)> = b
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap();
            (
                text("service"),
                text("severity"),
                row["count"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        of_b,
        [
            ("qmgr", "panic", 1),
            ("sendmail", "fatal", 1),
            ("smtpd", "error", 1),
            ("smtpd", "warning", 2)
        ]
    );
    assert_eq!(b[3]["text"], FOLDED);
    assert_eq!(found["total"]["complaints"].as_array().unwrap().len(), 5);
}

#[test]
fn the_other_formats_have_them() {
    let run = |format: &str| {
        stats_with(["--log", "-", "--format", format], &log())
            .ended(0)
            .out
    };
    let csv = run("csv");
    assert!(
        csv.contains(&format!(
            "postfix-aol-a,complaint,master fatal: {MASTER},2,"
        )),
        "{csv}"
    );
    assert!(
        csv.contains(&format!(
            "postfix-aol-b,complaint,smtpd warning: {FOLDED},2,"
        )),
        "{csv}"
    );
    let prom = run("prom");
    for line in [
        "relay_mail_complaints{postfix_instance=\"postfix-aol-a\",service=\"master\",severity=\"fatal\"} 2",
        "relay_mail_complaints{postfix_instance=\"postfix-aol-b\",service=\"smtpd\",severity=\"warning\"} 2",
    ] {
        assert!(prom.lines().any(|l| l == line), "{line} is not in {prom}");
    }
    assert!(run("jsonl").contains(MASTER));
    let table = run("table");
    let row = table.lines().find(|line| line.contains(MASTER)).unwrap();
    let words: Vec<&str> = row.split_whitespace().take(4).collect();
    assert_eq!(words, ["postfix-aol-a", "master", "fatal", "2"]);
    // The old script's output is what it was.
    assert_eq!(
        run("text")
            .lines()
            .filter(|l| l.ends_with(":total:1"))
            .count(),
        1
    );
}

#[test]
fn what_stops_an_instance_is_critical() {
    let check = |args: &[&str], log: &[u8], status: i32| {
        let ran = stats_with(["--log", "-", "--check"].iter().chain(args), log).ended(status);
        ran.out
    };
    let whole = check(&[], &log(), 2);
    assert!(
        whole.starts_with("CRITICAL: postfix-aol-a: master fatal: bind 192.0.2.41 port 25: Address already in use (2 \
            times)"),
        "{whole}"
    );
    assert!(whole.contains("postfix-aol-b: qmgr panic: "), "{whole}");
    // Limits of deliveries do not change that.
    check(&["--crit-blocked", "100%"], &log(), 2);
    let only = |what: &str| -> Vec<u8> {
        let text = String::from_utf8(log()).unwrap();
        let lines = text
            .lines()
            .filter(|l| l.contains(what) || l.contains("status=sent"));
        lines
            .map(|l| format!("{l}\n"))
            .collect::<String>()
            .into_bytes()
    };
    assert!(
        check(&[], &only(" error: "), 1)
            .starts_with("WARNING: postfix-aol-b: smtpd error: open database")
    );
    for fine in [" warning: ", "sendmail["] {
        assert!(
            check(&[], &only(fine), 0).starts_with("OK: 1 delivery"),
            "{fine}"
        );
    }
}

/// A local user has logger(1); the list of texts is full before Postfix says its own.
#[test]
fn a_flood_of_made_up_texts_hides_no_dead_queue_manager() {
    let line = |said: &str| format!("2026-11-28T06:00:00Z relay1 postfix-aol-a/{said}\n");
    let flood: String = (0..600)
        .map(|n| line(&format!("master[7]: warning: made up {n}x")))
        .collect();
    let check = |said: &str, status: i32| {
        let log = flood.clone() + &line(said);
        let ran = stats_with(["--log", "-", "--check"], log.as_bytes());
        ran.ended(status).out
    };
    let killed = "process /usr/lib/postfix/sbin/qmgr pid 9 killed by signal 11";
    let out = check(&format!("master[8]: warning: {killed}"), 2);
    let says = "CRITICAL: postfix-aol-a: master warning: …/qmgr killed by signal (other texts)";
    assert!(out.starts_with(says), "{out}");
    let out = check("qmgr[8]: fatal: open active 4F9A1B2: Permission denied", 2);
    assert!(
        out.starts_with("CRITICAL: postfix-aol-a: qmgr fatal: "),
        "{out}"
    );
    check("master[8]: warning: odd", 0);
}

/// A host says otherwise in /etc/relay-tools/judge.toml.
#[test]
fn the_rules_are_in_a_file() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("etc/relay-tools")).unwrap();
    fs::create_dir_all(root.path().join("etc/postfix")).unwrap();
    fs::write(root.path().join("etc/postfix/main.cf"), "").unwrap();
    let own = root.path().join("etc/relay-tools/judge.toml");
    let dir = root.path().to_str().unwrap();
    let log_file = root.path().join("log");
    fs::write(&log_file, log()).unwrap();
    let args = [
        "--root",
        dir,
        "--log",
        log_file.to_str().unwrap(),
        "--check",
    ];
    fs::write(
        &own,
        "[complaints]\ncritical = []\nignored = [\"qmgr\", \"smtpd\", \"sendmail\"]\n",
    )
    .unwrap();
    let ran = stats(args).ended(1);
    assert!(
        ran.out
            .starts_with("WARNING: postfix-aol-a: master fatal: "),
        "{}",
        ran.out
    );
    fs::write(&own, "[complaints]\nignore = []\n").unwrap();
    let ran = stats(args).ended(3);
    assert!(
        ran.out
            .contains("judge.toml, line 2: unknown field `ignore`"),
        "{} {}",
        ran.out,
        ran.err
    );
}

/// Shares are held against the rules where no limit is given: beyond chance, so that few deliveries are judged as well.
#[test]
fn deliveries_are_judged_by_the_rules() {
    let lines = |status: &str, reply: &str, n: usize| -> String {
        let line = |n| {
            format!(
                "2026-11-28T06:00:00Z relay1 postfix/smtp[13]: 4H{n}: to=<a{n}@aol.com>, relay=none, delay=1, \
                 dsn=4.0.0, status={status} ({reply})\n"
            )
        };
        (0..n).map(line).collect()
    };
    let check = |log: String, status: i32, says: &str| {
        let ran = stats_with(["--log", "-", "--check"], log.as_bytes()).ended(status);
        assert!(ran.out.starts_with(says), "{}", ran.out);
    };
    let blocked =
        "host mx[192.0.2.1] said: 550 5.7.1 Client host [192.0.2.9] blocked using bl.example";
    check(
        lines("sent", "ok", 13) + &lines("deferred", "x", 9),
        1,
        "WARNING: postfix: deferred 40.9% (9 of 22), more than 20% beyond chance",
    );
    check(
        lines("deferred", "x", 4),
        2,
        "CRITICAL: postfix: deferred 100.0% (4 of 4), more than 50% beyond chance",
    );
    check(lines("deferred", "x", 3), 0, "OK: ");
    check(
        lines("sent", "ok", 90) + &lines("bounced", "x", 10),
        0,
        "OK: ",
    );
    check(
        lines("sent", "ok", 70) + &lines("bounced", "x", 30),
        1,
        "WARNING: postfix: bounced 30.0%",
    );
    // 1.1 % of many is no alarm, however many that is.
    check(
        lines("sent", "ok", 1978) + &lines("bounced", blocked, 22),
        0,
        "OK: ",
    );
    check(
        lines("sent", "ok", 900) + &lines("bounced", blocked, 100),
        1,
        "WARNING: postfix: blocked 10.0% (100 of 1000)",
    );
    check(
        lines("sent", "ok", 800) + &lines("bounced", blocked, 200),
        2,
        "CRITICAL: postfix: blocked 20.0% (200 of 1000)",
    );
}

/// Nothing is OK of a log that was hardly read.
#[test]
fn a_share_of_unread_lines_is_a_verdict() {
    let head = "2026-11-28T06:00:00Z relay1 postfix/smtp[13]: ";
    let read =
        format!("{head}4H: to=<a@aol.com>, relay=none, delay=1, dsn=2.0.0, status=sent (ok)\n");
    let unread = format!("{head}4H: to=<a@aol.com>, relay=none, delay=1, dsn=2.0.0\n");
    let check = |good: usize, bad: usize, status: i32, says: &str| {
        let log = read.repeat(good) + &unread.repeat(bad);
        let ran = stats_with(["--log", "-", "--check"], log.as_bytes()).ended(status);
        assert!(ran.out.starts_with(says), "{}", ran.out);
    };
    check(
        0,
        402,
        3,
        "UNKNOWN: postfix: 100.0% (402 of 402) delivery lines cannot be read",
    );
    check(
        297,
        843,
        3,
        "UNKNOWN: postfix: 73.9% (843 of 1140) delivery lines cannot be read",
    );
    check(
        950,
        50,
        1,
        "WARNING: postfix: 5.0% (50 of 1000) delivery lines cannot be read",
    );
    check(
        1000,
        1,
        0,
        "OK: 1000 deliveries of postfix: 0.0% bounced, 0.0% deferred, 0 blocked; 1 delivery line cannot be read",
    );
}

/// In the words of a real Postfix 3.7 whose certificate is not there: TLS is off on the first day.
#[test]
fn a_certificate_that_cannot_be_used_is_named() {
    let lines = [
        "smtpd[8665]: warning: cannot get RSA certificate from file \"/etc/ssl/none.pem\": disabling TLS support",
        "smtpd[8665]: warning: TLS library problem: error:80000002:system library::No such file or directory:\
         ../crypto/bio/bss_file.c:297:calling fopen(/etc/ssl/none.pem, r):",
        "smtp[9]: 4HnkK60lBRz6tl1: to=<a@aol.com>, relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, \
         status=sent (250 ok)",
    ];
    let log: String = lines
        .iter()
        .map(|line| format!("2026-11-28T06:00:00Z relay1 postfix-aol-a/{line}\n"))
        .collect();
    let check = stats_with(["--log", "-", "--check"], log.as_bytes()).ended(1);
    let what =
        "postfix-aol-a: smtpd warning: cannot get RSA certificate from file \"/etc/ssl/none.pem\"";
    assert!(
        check.out.starts_with("WARNING: ") && check.out.contains(what),
        "{}",
        check.out
    );
    let report = ["--format", "report", "--date", "2026-11-28", "--log", "-"];
    let report = stats_with(report, log.as_bytes()).ended(0).out;
    let report = report.replace("\n   ", " ");
    assert!(
        report.contains("\n!  postfix-aol-a: smtpd warning: TLS library problem: error:80000002:"),
        "{report}"
    );
}
