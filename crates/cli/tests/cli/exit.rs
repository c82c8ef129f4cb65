//! Exit status, standard output and standard error of a tool in all the ways it can end.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::specimen::{check, command, run};

const HELP: &str = "hint: see 'specimen --help'\n";
const DEFECT: &str = "hint: this is a bug in the tool; please report that line\n";

#[test]
fn done() {
    check(&["print", "hello"], 0, "hello\n", "");
}

#[test]
fn something_left_out() {
    let told = |count: usize| -> String {
        (0..count)
            .map(|n| format!("specimen: /spool/{n}: cut short\n"))
            .collect()
    };
    let warning = "specimen: warning: a warning\n";
    check(&["problems", "0"], 0, "the rest\n", warning);
    check(&["problems", "2"], 1, "the rest\n", &(told(2) + warning));
    let more = "specimen: ... and 5 more (-v shows all)\n";
    check(
        &["problems", "25"],
        1,
        "the rest\n",
        &(told(20) + more + warning),
    );
    check(
        &["-v", "problems", "25"],
        1,
        "the rest\n",
        &(told(25) + warning + "specimen: a note\n"),
    );
    check(&["problems", "25", "--quiet"], 1, "the rest\n", "");
}

#[test]
fn failures_say_what_and_what_next() {
    check(
        &["fail", "cannot\x1b[2Jdo"],
        2,
        "",
        "specimen: cannot\\x1b[2Jdo\nhint: do\\x1b[2Jbetter\n",
    );
    check(
        &["read", "/no/such/file"],
        2,
        "",
        "specimen: cannot read: /no/such/file: No such file or directory\n",
    );
    check(
        &["print", "x", "--root", "/no/such"],
        2,
        "",
        "specimen: --root: cannot read: /no/such: No such file or directory\n",
    );
    check(
        &["print", "x", "--root", "/etc/passwd"],
        2,
        "",
        "specimen: --root: cannot read: /etc/passwd: not a directory\n",
    );
    check(
        &["stream-then-fail"],
        2,
        "",
        "specimen: the second half is missing\n",
    );
}

#[test]
fn wrong_usage() {
    let missing = "the following required arguments were not provided: <DEED>...";
    check(&[], 2, "", &format!("specimen: {missing}\n{HELP}"));
    check(
        &["x", "--outptu", "f"],
        2,
        "",
        "specimen: unexpected argument '--outptu' found\nhint: a similar argument exists: '--output'\n",
    );
    check(
        &["x", "--color", "\x1b[31mred\x07"],
        2,
        "",
        &format!(
            "specimen: invalid value '\\x1b[31mred\\x07' for '--color <WHEN>' [possible values: auto, always, \
             never]\n{HELP}"
        ),
    );
    check(
        &["x", "-q", "-v"],
        2,
        "",
        &format!("specimen: the argument '--quiet' cannot be used with '--verbose'\n{HELP}"),
    );
    let bytes = run(command(&[]).arg(OsStr::from_bytes(b"caf\xe9")));
    assert_eq!(
        (bytes.status, bytes.stdout.as_str()),
        (Some(2), ""),
        "{bytes:?}"
    );
    assert_eq!(bytes.stderr.lines().count(), 2);
}

#[test]
fn wrong_windows() {
    let junk = run(&mut command(&["window", "--since", "5y"]));
    assert_eq!(junk.status, Some(2));
    assert!(
        junk.stderr
            .starts_with("specimen: --since: not a time: '5y'; use 14:30, "),
        "{junk:?}"
    );
    check(
        &["window", "--date", "today", "--since", "2h"],
        2,
        "",
        &format!(
            "specimen: the argument '--date <DAY>' cannot be used with '--since <TIME>'\n{HELP}"
        ),
    );
}

#[test]
fn windows_by_rules_in_tz() {
    // The zone has no name, so that chrono's own reading of TZ is used; 02:30 is skipped.
    for (flag, expected) in [
        ("2026-03-29 02:30", "Some(1774746000000000) None\n"),
        ("2026-07-01 14:00", "Some(1782907200000000) None\n"),
    ] {
        let mut command = command(&["window", "--since", flag]);
        let ran = run(command.env("TZ", "CET-1CEST,M3.5.0,M10.5.0/3"));
        assert_eq!(ran.stdout, expected, "{flag}: {ran:?}");
    }
}

#[test]
fn a_panic_is_one_line() {
    let ran = run(&mut command(&["panic", "a\nb\x1b[2J"]));
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
    assert!(
        ran.stderr.starts_with(
            r"specimen: internal error: a\nb\x1b[2J (crates/cli/examples/specimen.rs:"
        ),
        "{ran:?}"
    );
    assert!(ran.stderr.ends_with(DEFECT) && ran.stderr.lines().count() == 2);
}

#[test]
fn a_panic_in_a_thread_is_no_success() {
    let ran = run(&mut command(&["panic-in-thread"]));
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
    assert!(
        ran.stderr
            .starts_with("specimen: internal error: in a thread ("),
        "{ran:?}"
    );
}

#[test]
fn monitoring() {
    check(&["--check", "ok"], 0, "OK: all well\n", "");
    check(&["--check", "-q", "ok"], 0, "", "");
    let critical = "CRITICAL: too much | mail=600;;;0\n";
    check(&["--check", "critical"], 2, critical, "");
    check(&["--check", "-q", "critical"], 2, critical, "");
    check(
        &["--check"],
        3,
        "UNKNOWN: the following required arguments were not provided: <DEED>...\n",
        "",
    );
    check(
        &["--check", "--bogus=|"],
        3,
        "UNKNOWN: unexpected argument '--bogus' found\n",
        "",
    );
    check(&["fail", "a|b\nc", "--check"], 3, "UNKNOWN: a/b c\n", "");
    let panic = run(&mut command(&["--check", "panic", "x"]));
    assert_eq!((panic.status, panic.stderr.as_str()), (Some(3), ""));
    assert!(
        panic.stdout.starts_with("UNKNOWN: internal error: x"),
        "{panic:?}"
    );
    assert_eq!(panic.stdout.lines().count(), 1);
}

#[test]
fn version_and_help() {
    check(
        &["--version"],
        0,
        &format!("specimen {}\n", env!("CARGO_PKG_VERSION")),
        "",
    );
    let help = run(&mut command(&["--help"]));
    assert_eq!((help.status, help.stderr.as_str()), (Some(0), ""));
    assert!(
        help.stdout
            .contains("Usage: specimen [OPTIONS] <DEED>...\n")
    );
    assert!(!help.stdout.contains('\x1b'));
}

#[test]
fn generates_without_the_arguments_it_needs_otherwise() {
    for (what, begins) in [
        ("man", ".ie"),
        ("bash", "_specimen() {"),
        ("zsh", "#compdef specimen"),
        ("fish", "complete -c specimen"),
    ] {
        let ran = run(&mut command(&["--generate", what]));
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{what}");
        assert!(ran.stdout.starts_with(begins), "{what}: {}", ran.stdout);
        let again = run(&mut command(&[&format!("--generate={what}")]));
        assert_eq!(ran, again);
    }
    let mut bash = std::process::Command::new("bash");
    bash.args([
        "-c",
        r#"source <("$0" --generate bash) && complete -p specimen"#,
    ]);
    let sourced = run(bash.arg(crate::specimen::specimen()));
    assert_eq!((sourced.status, sourced.stderr.as_str()), (Some(0), ""));
    let unknown = run(&mut command(&["--generate", "powershell"]));
    assert_eq!((unknown.status, unknown.stdout.as_str()), (Some(2), ""));
    check(
        &["--", "--generate"],
        2,
        "",
        "specimen: no such deed: [\"--generate\"]\n",
    );
}

#[test]
fn instances_are_named_or_the_known_ones_listed() {
    let image = tempfile::tempdir().unwrap();
    let root = image.path().to_str().unwrap();
    let none = run(&mut command(&["instances", "--root", root]));
    assert_eq!((none.status, none.stdout.as_str()), (Some(2), ""));
    assert!(
        none.stderr
            .contains("specimen: no Postfix instance found: ")
            && none.stderr.contains("hint: use --root DIR"),
        "{none:?}"
    );
    for name in ["postfix-aol-a", "postfix-aol-b", "postfix-msn-a"] {
        let directory = image.path().join("etc").join(name);
        fs::create_dir_all(&directory).unwrap();
        fs::write(
            directory.join("main.cf"),
            format!(
                "multi_instance_name={name}\nqueue_directory=/var/spool/{name}\ndata_directory=/var/lib/{name}\n"
            ),
        )
        .unwrap();
    }
    check(
        &["instances", "--root", root],
        0,
        "postfix-aol-a postfix-aol-b postfix-msn-a\n",
        "",
    );
    check(
        &["instances", "msn-a", "aol-*", "--root", root],
        0,
        "postfix-aol-a postfix-aol-b postfix-msn-a\n",
        "",
    );
    let unknown = run(&mut command(&["instances", "aol-z\x1b[2J", "--root", root]));
    assert_eq!((unknown.status, unknown.stdout.as_str()), (Some(2), ""));
    assert!(
        unknown.stderr.starts_with(
            r#"specimen: unknown instance "aol-z\x1b[2J": this host has postfix-aol-a, postfix-aol-b, postfix-msn-a"#
        ),
        "{unknown:?}"
    );
}
