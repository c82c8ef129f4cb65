//! What cannot be done is said in one line, with exit status 2 and nothing on standard output.

use testkit::tools::{path, run_with, stats, stats_with};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/rustin");

/// The first line on standard error holds all of `says`.
#[track_caller]
fn check(args: &[&str], says: &[&str]) {
    let ran = stats(args).ended(2);
    assert_eq!(ran.out, "", "{args:?}");
    let first = ran.err.lines().next().unwrap_or_default();
    for word in says {
        assert!(first.contains(word), "{args:?}: {word} is not in {first}");
    }
    // A line and a hint at most.
    assert!(ran.err.lines().count() <= 2, "{args:?}: {}", ran.err);
}

/// All of standard error holds all of `says`.
#[track_caller]
fn check_hint(args: &[&str], says: &[&str]) {
    let ran = stats(args).ended(2);
    for word in says {
        assert!(ran.err.contains(word), "{args:?}: {word}: {}", ran.err);
    }
    assert_eq!(ran.err.lines().count(), 2, "{args:?}: {}", ran.err);
}

#[test]
fn a_hint_says_what_was_most_likely_meant() {
    let did_you = "hint: did you mean postfix-aol-b?";
    check_hint(&["--root", ROOT, "AOL-B"], &["\"AOL-B\"", did_you]);
    check_hint(&["--root", ROOT, "aolb"], &["\"aolb\"", did_you]);
    let log = tempfile::NamedTempFile::new().unwrap();
    let log = log.path().to_str().unwrap();
    let no_log = "is an instance, and no log file";
    let put_it = "hint: to name an instance, put it before --log";
    for name in ["aol-b", "postfix-aol-b", "/etc/postfix-aol-b", "aol-*"] {
        check_hint(
            &["--root", ROOT, "--log", log, name],
            &[name, no_log, put_it],
        );
    }
    check_hint(&["--root", ROOT, "--log", "aol-b"], &[no_log, put_it]);
    let state = [
        "--follow-state",
        "/nonexistent/dir/state",
        "--format",
        "prom",
    ];
    check_hint(
        &[&state[..], &["--root", ROOT, "--log", log]].concat(),
        &[
            "cannot use",
            "No such file or directory",
            "hint: mkdir -p /nonexistent/dir",
        ],
    );
    check_hint(
        &["--root", ROOT, "aol"],
        &["\"aol\"", "hint: did you mean 'aol-*'?"],
    );
    check_hint(&["--root", ROOT, "AOL-*"], &["hint: did you mean 'aol-*'?"]);
    check_hint(
        &["--root", ROOT, "--log", log, "nosuch"],
        &["nosuch: cannot read this log", "name it before --log"],
    );
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("a b/figures.txt");
    let typed = format!("mkdir -p '{}'", output.parent().unwrap().display());
    check_hint(
        &["--log", log, "--output", output.to_str().unwrap()],
        &["cannot write", "No such file or directory", &typed],
    );
    let metrics = "metrics are by provider and by reason";
    check_hint(
        &["--log", log, "--format", "prom", "--by", "reason,domain"],
        &["--by domain cannot be used with --format prom", metrics],
    );
    check_hint(
        &["--merge", log, "--format", "prom", "--by", "day"],
        &["--by day cannot be used with --format prom", metrics],
    );
    check_hint(
        &["--by", "domain", "--top", "three"],
        &["'three'", "not a whole number"],
    );
}

/// A file may be called as an instance is.
#[test]
fn a_log_that_is_called_as_an_instance_is_not_read_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("aol-b"), "").unwrap();
    let mut command = std::process::Command::new(path("mail-stats-print"));
    let args = ["--root", ROOT, "--log", "aol-b"];
    let ran = run_with(command.args(args).current_dir(dir.path()), b"").ended(0);
    assert!(
        ran.err
            .contains("aol-b is read as a log, and is an instance too"),
        "{}",
        ran.err
    );
}

#[test]
fn wrong_arguments() {
    check(
        &["--root", ROOT, "nosuch"],
        &["nosuch", "postfix-aol-a", "postfix-yahoo-a"],
    );
    check(&["--root", ROOT, "aol-[z"], &["aol-[z"]);
    check(
        &["--log", "/nonexistent/mail.log"],
        &["/nonexistent/mail.log", "No such file"],
    );
    check(&["--log", "/etc"], &["/etc", "directory"]);
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("mail.log");
    let state = dir.path().join("state.json");
    check(
        &[
            "--format",
            "prom",
            "--log",
            log.to_str().unwrap(),
            "--follow-state",
            state.to_str().unwrap(),
        ],
        &["mail.log: cannot read this log: No such file"],
    );
    check(&["--root", "/nonexistent"], &["/nonexistent"]);
    check(
        &["--root", "/proc"],
        &["/proc/var/log/mail.log", "No such file"],
    );
    check(
        &["--root", ROOT, "--date", "2026-02-30"],
        &["--date", "2026-02-30", "YYYY-MM-DD"],
    );
    check(&["--root", ROOT, "--since", "soon"], &["--since", "soon"]);
    check(
        &[
            "--root",
            ROOT,
            "--since",
            "2026-09-19",
            "--until",
            "2026-09-18",
        ],
        &["2026-09-18"],
    );
    check(&["--root", ROOT, "--by", "colour"], &["colour"]);
    check(&["--root", ROOT, "--format", "xml"], &["xml"]);
    check(&["--root", ROOT, "--top", "3"], &["--by"]);
    check(&["--root", ROOT, "--journal", "--log", "x"], &["--log"]);
    check(&["--journal-dir", "/nonexistent"], &["/nonexistent"]);
    check(&["--root", ROOT, "--with-recipients"], &["--events"]);
}

#[test]
fn bad_tables_of_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("reasons.toml");
    let path = rules.to_str().unwrap();
    for bad in [
        "[[rule",
        "[[rule]]\nclass = \"nonsense\"\nreply = \"x\"",
        "[[rule]]\nclass = \"blocked\"\nreply = \"(\"",
    ] {
        std::fs::write(&rules, bad).unwrap();
        check(
            &["--root", ROOT, "--by", "reason", "--reasons", path],
            &["reasons.toml"],
        );
        check(&["--root", ROOT, "--reasons", path], &["reasons.toml"]);
    }
    check(
        &["--root", ROOT, "--reasons", "/nonexistent.toml"],
        &["/nonexistent.toml"],
    );
    check(&["--root", ROOT, "--providers", "/etc"], &["/etc"]);
}

#[test]
fn a_name_that_only_the_logs_know() {
    let line = "2026-09-19T12:22:57Z h postfix-x-a/smtp[1]: 4F9A1: to=<u@x.y>, relay=none, delay=1, dsn=2.0.0, \
        status=sent (ok)\n";
    let known = |name: &str| stats_with(["--root", "/proc", name, "--log", "-"], line.as_bytes());
    for name in ["x-a", "postfix-x-a", "/etc/postfix-x-a/", "x-*"] {
        assert!(
            known(name)
                .ended(0)
                .out
                .starts_with("postfix-x-a:total:1\n"),
            "{name}"
        );
    }
    let ran = known("x-b").ended(2);
    assert_eq!(ran.out, "");
    assert!(
        ran.err.contains("x-b") && ran.err.contains("postfix-x-a"),
        "{}",
        ran.err
    );
}

#[test]
fn a_damaged_archive_is_counted_as_far_as_it_goes() {
    let packed = std::fs::read(format!("{ROOT}/var/log/mail.log.2.gz")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.gz");
    std::fs::write(&path, &packed[..packed.len() / 2]).unwrap();
    let ran = stats(["--log".as_ref(), path.as_os_str()]).ended(1);
    assert!(
        ran.err.contains("cut.gz") && ran.err.contains("damaged"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("postfix-aol-a:total:"), "{}", ran.out);
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let script = format!(
        "{} --root {ROOT} --events | head -1",
        env!("CARGO_BIN_EXE_mail-stats-print")
    );
    assert_eq!(
        testkit::tools::sh(&format!("({script}) 2>&1"))
            .lines()
            .count(),
        1
    );
}

#[test]
fn a_pipe_in_place_of_the_hosts_log_is_refused_and_never_waited_for() {
    let root = tempfile::tempdir().unwrap();
    let logs = root.path().join("var/log");
    std::fs::create_dir_all(&logs).unwrap();
    std::fs::create_dir(root.path().join("etc")).unwrap();
    testkit::tools::sh(&format!(
        "mkfifo {0}/mail.log {0}/mail.log.1",
        logs.display()
    ));
    let tool = env!("CARGO_BIN_EXE_mail-stats-print");
    for window in ["", "--date 2026-09-19"] {
        let root = root.path().display();
        let ran = testkit::tools::sh(&format!(
            "timeout 180 {tool} --root {root} {window} 2>&1 || echo status $?"
        ));
        assert!(
            ran.contains("mail.log: a pipe or a device, not a log file"),
            "{ran}"
        );
        assert!(ran.ends_with("status 2\n"), "{ran}");
    }
}
