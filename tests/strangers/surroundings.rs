//! What a process is given by whoever starts it: its environment, directory, open files and limits.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::{Command, Stdio};

use testkit::tools;

use crate::image::{CLOCK, DAY, Image, delivery};
use crate::{is_root, repository};

/// A run of each tool that reads what it is about, and changes nothing.
const RUNS: [&[&str]; 11] = [
    &["mail-stats-print", "--by", "domain", "--format", "table"],
    &["mail-stats-print", "--format", "report", "--date", DAY],
    &["mailq-distribution", "--by", "domain"],
    &["queue-report", "aol-a"],
    &["queue-move", "history"],
    &["relay-instances"],
    &["relay-limit", "list"],
    &["relay-transport", "print"],
    &["relay-transport", "discover"],
    &["relay-warmup", "list"],
    &["relay-warmup", "status", "aol-a"],
];

/// A host with mail in its log and in its queue.
fn host() -> Image {
    let reply =
        "host mx.aol.com[192.0.2.1] said: 421 4.7.0 (TSS04) messages from 192.0.2.9 deferred";
    let image = Image::new((0..200).map(|n| {
        let domain = format!("d{}.example", n % 7);
        delivery("postfix-aol-a", &domain, "deferred", reply)
    }));
    fs::create_dir_all(image.path("var/spool")).unwrap();
    copy_spool(&image);
    image
}

fn copy_spool(image: &Image) {
    let spool = repository().join("fixtures/spools/real-default/spool");
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(spool).arg(image.path("var/spool/aol-a"));
    assert!(copy.status().unwrap().success());
}

/// Runs one of [`RUNS`] after `before` in a shell, in `timeout`: its status, and what it says.
fn run(image: &Image, of: &[&str], before: &str) -> (Option<i32>, String, String) {
    let (tool, args) = of.split_first().unwrap();
    let ran = Command::new("bash")
        .args([
            "-c",
            &format!("{before} /usr/bin/timeout --kill-after=1 60 \"$0\" \"$@\""),
        ])
        .arg(tools::path(tool))
        .arg(format!("--clock={CLOCK}"))
        .args(args)
        .args(["--root".as_ref(), image.root()])
        .stdin(Stdio::null())
        .env("TZ", "UTC")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

/// What is found in peace, of each of [`RUNS`].
fn in_peace(image: &Image) -> Vec<(Option<i32>, String, String)> {
    let plain = RUNS.map(|of| run(image, of, ""));
    for (of, plain) in RUNS.iter().zip(&plain) {
        assert!(
            plain.0.is_some_and(|status| status < 2),
            "{of:?}: {plain:?}"
        );
    }
    plain.into()
}

/// Runs all of them after `before`: each ends by itself, and where it `is_alike` finds what it did in peace.
fn check(image: &Image, in_peace: &[(Option<i32>, String, String)], before: &str, is_alike: bool) {
    for (of, plain) in RUNS.iter().zip(in_peace) {
        let (status, out, err) = run(image, of, before);
        assert!(
            status.is_some_and(|status| status <= 2),
            "{before} {of:?}: {status:?} {err}"
        );
        for word in ["internal error", "panicked", "overflowed"] {
            assert!(!err.contains(word), "{before} {of:?}: {err}");
        }
        if is_alike {
            assert_eq!(
                (status, &out),
                (plain.0, &plain.1),
                "{before} {of:?}: {err}"
            );
        }
    }
}

#[test]
fn an_environment_decides_neither_figures_nor_whether_they_end() {
    let image = host();
    let plain = in_peace(&image);
    for before in [
        "export PATH=/nonexistent HOME=/dev/null XDG_CONFIG_HOME=/dev/full TMPDIR=/dev/full PAGER=/bin/false;",
        "export LANG=$'\\xff' LC_ALL=xx_YY.UTF-99 COLUMNS=99999999999999999999 LINES=-1 TERM=$'\\e[2J';",
        "export COLUMNS=0 NO_COLOR=$'\\xff' MAIL_CONFIG=/tmp MAIL_LOGTAG=x HOSTALIASES=/etc/shadow RES_OPTIONS=x;",
        "export RUST_MIN_STACK=1 RUST_BACKTRACE=full RUST_LOG=trace;",
        // Of no zone, and so of UTC.
        "export TZ=:/dev/zero;",
        "export TZ=$'\\xff\\xfe';",
        "export TZ=$(printf %0100000d 0) LANG=$(printf %0100000d 0);",
    ] {
        check(&image, &plain, before, !before.contains("TZ="));
    }
}

/// chrono reads what TZ names to its end. A move is begun, so that its times are shown.
#[test]
fn tz_names_no_file_that_a_tool_reads_to_its_end() {
    let image = host();
    let run_with = |tz: &str, of: &[&str]| {
        let before = format!("ulimit -v 1500000; export TZ={tz};");
        let mut shell = Command::new("bash");
        shell.args([
            "-c",
            &format!("{before} exec timeout -s KILL 60 \"$0\" \"$@\""),
        ]);
        let tool = shell.arg(tools::path(of[0])).args(&of[1..]);
        let ran = tool
            .args(["--root".as_ref(), image.root()])
            .output()
            .unwrap();
        (
            ran.status.code(),
            String::from_utf8_lossy(&ran.stdout).into_owned(),
        )
    };
    let side = serde_json::json!({
        "instance": "postfix-aol-a", "config_directory": "/etc/postfix-aol-a", "syslog_name": "postfix-aol-a",
        "queue_directory": "/var/spool/aol-a", "hash_queue_names": "", "hash_queue_depth": 1, "owner": [0, 0],
        "identity": [0, 0],
    });
    let header = serde_json::json!({"begin": {
        "schema": "relay-tools/move/2", "move": "one", "started": 1_789_819_200, "user": "root", "command": "",
        "from": side, "to": side, "cross_device": false, "mark": 1, "log": null,
    }});
    image.write(
        "var/lib/relay-tools/moves/one.jsonl",
        &format!("{header}\n"),
    );
    let history = ["queue-move", "history"];
    let expected = run_with("UTC", &history);
    assert!(expected.1.contains("+0000"), "{expected:?}");
    for tz in [
        ":/dev/zero",
        "/dev/zero",
        ":/proc/kmsg",
        "/var/tmp",
        ":/etc/shadow",
        "../../../dev/zero",
    ] {
        assert_eq!(run_with(tz, &history), expected, "{tz}");
    }
}

#[test]
fn a_directory_that_is_gone_and_files_that_are_closed_stop_nothing() {
    let image = host();
    let plain = in_peace(&image);
    for before in [
        "mkdir -p /tmp/gone.$$ && cd /tmp/gone.$$ && rmdir /tmp/gone.$$;",
        "exec <&-;",
        "exec 2>&-;",
        "exec 2>/dev/full;",
    ] {
        check(&image, &plain, before, true);
    }
    for before in [
        "exec >&-;",
        "exec <&- >&- 2>&-;",
        "exec >/dev/full;",
        "ulimit -n 9;",
    ] {
        check(&image, &plain, before, false);
    }
    // What was not written is not called written.
    let (status, _, err) = run(&image, RUNS[0], "exec >/dev/full;");
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("standard output: No space left"), "{err}");
}

/// A host gives no more threads (`ulimit -u`, a unit's TasksMax): all that is found is the same, only later.
#[test]
fn without_a_second_thread_all_is_found() {
    if !is_root() {
        return;
    }
    const USER: u32 = 54_321;
    let reply =
        "host mx.aol.com[192.0.2.1] said: 421 4.7.0 (TSS04) messages from 192.0.2.9 deferred";
    // Enough to be read in parts.
    let lines = (0..60_000).map(|n| {
        let domain = format!("d{}.example", n % 7);
        delivery("postfix-aol-a", &domain, "deferred", reply)
    });
    let image = Image::new(lines);
    let before = delivery("postfix-aol-a", "x.example", "sent", "250 ok");
    image.write(
        "var/log/mail.log.1",
        &format!("{DAY}T00:00:00Z rustin {before}\n"),
    );
    let mut gzip = Command::new("gzip");
    assert!(
        gzip.arg(image.path("var/log/mail.log.1"))
            .status()
            .unwrap()
            .success()
    );
    fs::create_dir_all(image.path("var/spool")).unwrap();
    copy_spool(&image);
    for entry in walkdir::WalkDir::new(image.path("var")) {
        chown(entry.unwrap().path(), Some(USER), Some(USER)).unwrap();
    }
    fs::set_permissions(image.root(), fs::Permissions::from_mode(0o755)).unwrap();
    let be = format!("exec setpriv --reuid={USER} --regid={USER} --clear-groups");
    for of in [
        RUNS[0],
        RUNS[1],
        &["mail-stats-print", "--date", DAY],
        RUNS[2],
        RUNS[3],
        RUNS[8],
        RUNS[10],
    ] {
        let plain = run(&image, of, &be);
        let alone = run(&image, of, &format!("{be} prlimit --nproc=2"));
        assert!(
            plain.0.is_some_and(|status| status < 2),
            "{of:?}: {plain:?}"
        );
        assert_eq!(alone, plain, "{of:?}");
    }
}
