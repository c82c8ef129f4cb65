//! Where logs come from: compressed files, pipes, JSON, the journal, an instance's own file.

use std::fs;
use std::path::Path;

use testkit::maillog::{MailLog, Stamps, Traffic};
use testkit::tools::{sh, stats, stats_with};

const COUNTS: &str = "postfix-aol-a:total:330\npostfix-aol-a:bounced:20\npostfix-aol-a:deferred:10\npostfix-aol-a:sent:300\n\n";

fn log() -> Vec<u8> {
    let mut log = Vec::new();
    let traffic = vec![Traffic::new("postfix-aol-a", 300, 20, 10)];
    MailLog::day(traffic, Stamps::Rfc3339)
        .write(&mut log)
        .unwrap();
    log
}

#[track_caller]
fn check(path: &Path) {
    let ran = stats(["--log".as_ref(), path.as_os_str()]).ended(0);
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        (COUNTS, ""),
        "{}",
        path.display()
    );
    // As a stream, and with a window that it lies in.
    let bytes = fs::read(path).unwrap();
    let ran = stats_with(["--log", "-", "--since", "2026-01-01"], &bytes).ended(0);
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        (COUNTS, ""),
        "{}",
        path.display()
    );
}

#[test]
fn every_compression_by_its_content() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path().display();
    fs::write(dir.path().join("plain"), log()).unwrap();
    // Members one after another, as logrotate and savelog leave them; and a name that lies.
    sh(&format!(
        "cd {d}; half=$(($(wc -l < plain) / 2)); head -n $half plain > a; tail -n +$((half + 1)) plain > b
         (gzip -c a; gzip -c b) > m.gz; (xz -c a; xz -c b) > m.xz; (zstd -qc a; zstd -qc b) > m.zst
         (bzip2 -c a; bzip2 -c b) > m.bz2; gzip -c plain > mail.log.3; cp m.xz lies.gz"
    ));
    for name in [
        "plain",
        "m.gz",
        "m.xz",
        "m.zst",
        "m.bz2",
        "mail.log.3",
        "lies.gz",
    ] {
        check(&dir.path().join(name));
    }
}

#[test]
fn process_substitution_and_an_empty_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plain");
    fs::write(&path, log()).unwrap();
    let tool = env!("CARGO_BIN_EXE_mail-stats-print");
    assert_eq!(
        sh(&format!("{tool} --log <(cat {})", path.display())),
        COUNTS
    );
    assert_eq!(
        sh(&format!("{tool} --log {0} {0} 2>/dev/null", path.display())),
        COUNTS
    );
    // By two names, too.
    let other = dir.path().join("link");
    std::os::unix::fs::symlink(&path, &other).unwrap();
    for (one, other) in [(&path, &other), (&other, &path)] {
        let names = ["--log".as_ref(), one.as_os_str(), other.as_os_str()];
        assert_eq!(stats(names).ended(0).out, COUNTS);
    }
    // A copy between two names of the other.
    let copy = dir.path().join("copy");
    fs::copy(&path, &copy).unwrap();
    let names = [&path, &copy, &other].map(|name| name.as_os_str());
    let ran = stats(["--log".as_ref()].into_iter().chain(names));
    assert_eq!(ran.ended(0).out, COUNTS);
    assert_eq!(stats_with(["--log", "-"], b"").ended(0).out, "");
    fs::write(&path, "").unwrap();
    assert_eq!(stats(["--log".as_ref(), path.as_os_str()]).ended(0).out, "");
}

/// The log as a container runtime and journald have it.
#[test]
fn lines_of_json() {
    let dir = tempfile::tempdir().unwrap();
    let text = String::from_utf8(log()).unwrap();
    let docker: String = text
        .lines()
        .map(|l| {
            let quoted = serde_json::to_string(&format!("{l}\n")).unwrap().replace('<', "\\u003c").replace('>', "\\u003e");
            format!("{{\"log\":{quoted},\"stream\":\"stdout\",\"time\":\"2026-07-15T01:02:03.456789Z\"}}\n")
        })
        .collect();
    let path = dir.path().join("x-json.log");
    fs::write(&path, docker).unwrap();
    check(&path);
    // journalctl -o json, some messages as arrays of bytes.
    let journal: String = text
        .lines()
        .enumerate()
        .map(|(n, l)| {
            let (head, message) = l.split_once("]: ").unwrap_or((l, ""));
            let (tag, pid) = head.rsplit_once('[').unwrap_or((head, "1"));
            let tag = tag.rsplit(' ').next().unwrap();
            let message = match n % 7 {
                0 => serde_json::to_string(message.as_bytes()).unwrap(),
                _ => serde_json::to_string(message).unwrap(),
            };
            format!(
                "{{\"__REALTIME_TIMESTAMP\":\"1784080000000000\",\"_HOSTNAME\":\"rustin\",\"SYSLOG_IDENTIFIER\":\"{tag}\",\"SYSLOG_PID\":\"{pid}\",\"_CAP_EFFECTIVE\":\"0\",\"MESSAGE\":{message}}}\n"
            )
        })
        .collect();
    let path = dir.path().join("journal.json");
    fs::write(&path, &journal).unwrap();
    check(&path);
    // What is no JSON among it is told, and the rest counts.
    fs::write(&path, format!("{journal}half a li")).unwrap();
    let ran = stats(["--log".as_ref(), path.as_os_str()]).ended(1);
    assert_eq!(ran.out, COUNTS);
    assert!(ran.err.contains("journal.json: 1 "), "{}", ran.err);
}

#[test]
fn a_journal_as_journald_stores_it() {
    let dir = tempfile::tempdir().unwrap();
    let text = String::from_utf8(log()).unwrap();
    // systemd's export format: one field a line, an empty line behind each entry.
    let mut export = String::new();
    for (n, line) in text.lines().enumerate() {
        let Some((head, message)) = line.split_once("]: ") else {
            continue;
        };
        let (tag, pid) = head.rsplit_once('[').unwrap();
        let tag = tag.rsplit(' ').next().unwrap();
        let micros = 1_784_073_600_000_000_u64 + n as u64 * 1_000_000;
        export += &format!(
            "__REALTIME_TIMESTAMP={micros}\n__MONOTONIC_TIMESTAMP={n}\n_BOOT_ID=0123456789abcdef0123456789abcdef\n_HOSTNAME=rustin\nSYSLOG_IDENTIFIER={tag}\nSYSLOG_PID={pid}\nMESSAGE={message}\n\n"
        );
    }
    fs::write(dir.path().join("in.export"), &export).unwrap();
    let journal = dir.path().join("journal");
    fs::create_dir(&journal).unwrap();
    sh(&format!(
        "/lib/systemd/systemd-journal-remote -o {}/t.journal {}/in.export 2>/dev/null",
        journal.display(),
        dir.path().display()
    ));
    let journal = journal.to_str().unwrap();
    assert_eq!(stats(["--journal-dir", journal]).ended(0).out, COUNTS);
    // The first 100 seconds hold the first 100 lines.
    let first: String = text
        .lines()
        .take(100)
        .filter(|l| l.contains("/smtp[") && l.contains(": to=<user"))
        .fold(String::new(), |all, l| all + l + "\n");
    let ran = stats(["--journal-dir", journal, "--until", "2026-07-15T00:01:40Z"]).ended(0);
    let expected = format!("postfix-aol-a:total:{}\n", first.lines().count());
    assert!(
        ran.out.starts_with(&expected),
        "{} is not {expected}",
        ran.out
    );
}

#[test]
fn an_instance_with_a_log_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let line = |tag: &str| {
        format!(
            "2026-09-19T12:00:00Z h {tag}/smtp[1]: 4F9A1: to=<u@x.y>, relay=none, delay=1, dsn=2.0.0, status=sent \
             (ok)\n"
        )
    };
    write(
        "etc/postfix/main.cf",
        "multi_instance_directories = /etc/postfix-own /etc/postfix-sys\n",
    );
    write(
        "etc/postfix-own/main.cf",
        "multi_instance_name = postfix-own\nqueue_directory=/q1\ndata_directory=/d1\nmaillog_file = /var/log/own.log\n",
    );
    write(
        "etc/postfix-sys/main.cf",
        "multi_instance_name = postfix-sys\nqueue_directory=/q2\ndata_directory=/d2\n",
    );
    write("var/log/own.log", &line("postfix-own").repeat(3));
    // What its syslog still has of it from before is not counted twice.
    write(
        "var/log/mail.log",
        &[
            line("postfix-sys"),
            line("postfix-own"),
            line("postfix-gone"),
        ]
        .concat(),
    );
    let path = root.path().to_str().unwrap();
    let totals = |args: &[&str]| -> Vec<String> {
        let ran = stats(["--root", path].iter().chain(args)).ended(0);
        ran.out
            .lines()
            .filter(|l| l.contains(":total:"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(
        totals(&[]),
        [
            "(other):total:1",
            "postfix-own:total:3",
            "postfix-sys:total:1"
        ]
    );
    assert_eq!(totals(&["own"]), ["postfix-own:total:3"]);
    assert_eq!(totals(&["sys"]), ["postfix-sys:total:1"]);
    assert_eq!(
        totals(&["own", "--since", "2026-09-19"]),
        ["postfix-own:total:3"]
    );
    // Nothing has ever been written to it: the lines are elsewhere, or nowhere.
    write("var/log/own.log", "");
    let says = "own.log: it has no line, though maillog_file names it";
    let ran = stats(["--root", path]).ended(1);
    assert!(ran.err.contains(says), "{}", ran.err);
    let ran = stats(["--root", path, "--check", "--date", "2026-09-19"]).ended(3);
    assert!(ran.out.contains(says), "{}", ran.out);
    for format in ["report", "html"] {
        let report = ["--format", format, "--date", "2026-09-19"];
        let ran = stats(["--root", path].iter().chain(&report)).ended(1);
        assert!(ran.err.contains(says), "{}", ran.err);
    }
    // It was rotated just now.
    write("var/log/own.log.1", &line("postfix-own"));
    stats(["--root", path]).ended(0);
}

/// Two instances name one log, and nobody writes it: neither is quiet, and it is said once.
#[test]
fn an_empty_log_that_two_instances_name() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "etc/postfix/main.cf",
        "multi_instance_enable = yes\nmulti_instance_directories = /etc/postfix-a /etc/postfix-b\n\
         maillog_file = /var/log/own.log\n",
    );
    for name in ["a", "b"] {
        write(
            &format!("etc/postfix-{name}/main.cf"),
            &format!(
                "multi_instance_name = postfix-{name}\nmulti_instance_enable = yes\nqueue_directory=/q{name}\n\
                 data_directory=/d{name}\nmaillog_file = /var/log/own.log\n"
            ),
        );
    }
    write("var/log/own.log", "");
    let path = root.path().to_str().unwrap();
    let says = "own.log: it has no line, though maillog_file names it";
    for instance in [&[][..], &["a"], &["b"]] {
        let run = |args: &[&str]| stats([&["--root", path], instance, args].concat());
        let ran = run(&[]).ended(1);
        assert_eq!(ran.err.matches("it has no line").count(), 1, "{}", ran.err);
        assert!(ran.err.contains(says), "{}", ran.err);
        for window in [&[][..], &["--since", "1h"], &["--date", "2026-11-20"]] {
            let ran = run(&[&["--check"], window].concat()).ended(3);
            assert!(
                ran.out.starts_with("UNKNOWN: ") && ran.out.matches("it has no line").count() == 1,
                "{}",
                ran.out
            );
        }
        let state = root.path().join("state.json");
        for _ in 0..2 {
            let ran = run(&["--follow-state", state.to_str().unwrap()]).ended(1);
            assert_eq!(ran.err.matches(says).count(), 1, "{}", ran.err);
        }
        fs::remove_file(&state).unwrap();
        let ran = run(&["--format", "report"]);
        assert!(
            ran.status != Some(0) && !ran.out.contains("all is well"),
            "{}{}",
            ran.out,
            ran.err
        );
    }
}

/// Amavis and its like: the message comes back under another queue id, and what becomes of that is what counts.
#[test]
fn what_is_handed_to_a_content_filter_is_left_out_if_that_is_asked() {
    let line = |id: &str, relay: &str, dsn: &str, status: &str| {
        format!(
            "2026-11-28T06:00:01Z relay1 postfix-aol-a/smtp[706]: {id}: to=<a@aol.com>, relay={relay}, delay=1.9, \
             delays=1.7/0/0.05/0.18, dsn={dsn}, status={status}\n"
        )
    };
    let log = [
        line(
            "AAA1",
            "127.0.0.1[127.0.0.1]:10024",
            "2.0.0",
            "sent (250 2.0.0 Ok: queued as AAA2)",
        ),
        line(
            "AAA2",
            "mx.aol.com[198.51.100.1]:25",
            "5.1.1",
            "bounced (host mx.aol.com[198.51.100.1] said: 550 no)",
        ),
        line(
            "AAA3",
            "filter[::1]:10024",
            "2.0.0",
            "sent (250 2.0.0 Ok: queued as AAA4)",
        ),
        line(
            "AAA4",
            "mx.aol.com[198.51.100.1]:25",
            "2.0.0",
            "sent (250 ok)",
        ),
        // The filter is down: nobody has it.
        line(
            "AAA5",
            "127.0.0.1[127.0.0.1]:10024",
            "4.4.1",
            "deferred (connect to 127.0.0.1[127.0.0.1]:10024: refused)",
        ),
    ];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    fs::write(&path, log.concat()).unwrap();
    let path = path.to_str().unwrap();
    let text = |args: &[&str]| stats([args, &["--log", path]].concat()).ended(0).out;
    let rows = |[total, bounced, deferred, sent]: [u8; 4]| {
        format!(
            "postfix-aol-a:total:{total}\npostfix-aol-a:bounced:{bounced}\npostfix-aol-a:deferred:{deferred}\n\
             postfix-aol-a:sent:{sent}\n\n"
        )
    };
    assert_eq!(text(&[]), rows([5, 1, 1, 3]));
    assert_eq!(text(&["--skip-handed"]), rows([3, 1, 1, 1]));
    assert_eq!(
        text(&["--skip-handed", "--count", "recipients"]),
        rows([3, 1, 1, 1])
    );
    let ran = stats(["--skip-handed", "--check", "--log", path]);
    assert!(ran.out.contains("postfix-aol-a=3;"), "{}", ran.out);
    stats(["--skip-handed", "--events", "--log", path]).ended(2);
}
