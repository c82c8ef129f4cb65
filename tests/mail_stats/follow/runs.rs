//! What becomes of a run, and of what it keeps; what it costs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::TOOL;

use super::host::{Host, deliveries};
use testkit::tools::sh;
use testkit::traced::{calls, killed};

#[test]
fn a_state_that_cannot_be_gone_on_with_is_refused_and_kept() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent", "250 ok");
    host.counters();
    let good = fs::read_to_string(host.state()).unwrap();
    let damaged = [
        String::new(),
        good[..good.len() / 2].to_owned(),
        good.replace("follow/1", "follow/9"),
        good.replacen("\"sent\":3", "\"sent\":4", 1),
    ];
    for text in damaged {
        fs::write(host.state(), &text).unwrap();
        let ran = host.run(&["--format", "prom"]).ended(2);
        assert_eq!(ran.out, "");
        assert!(ran.err.contains("cannot continue from"), "{}", ran.err);
        assert!(
            ran.err.contains("hint: to start afresh: mv "),
            "{}",
            ran.err
        );
        assert_eq!(fs::read_to_string(host.state()).unwrap(), text);
    }
    fs::write(host.state(), good).unwrap();
    assert_eq!(deliveries(&host.counters(), "aol-a", "sent"), 3.0);
}

#[test]
fn two_runs_at_once_are_refused() {
    let host = Host::new();
    host.counters();
    let lock = format!("{}.lock", host.state().display());
    let mut holder = Command::new("flock")
        .args([&lock, "cat"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    // Taken once a try to take it fails.
    sh(&format!(
        "while flock --nonblock {lock} true; do sleep 0.01; done"
    ));
    let ran = host.run(&["--format", "prom"]).ended(2);
    assert!(ran.err.contains("is using"), "{}", ran.err);
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
    host.counters();
}

#[test]
fn a_run_that_is_killed_has_happened_or_has_not() {
    let mut host = Host::new();
    host.counters();
    let state = host.state().display().to_string();
    let root = host.root.path().to_owned();
    let run = ["--format", "prom", "--follow-state", &state];
    host.deliver("aol-a", 200, "sent", "250 ok");
    let mut sent = 200;
    // Before each call that changes something.
    let calls = calls(TOOL, &root, &run);
    assert!(calls.iter().any(|call| call.name.starts_with("rename")));
    for call in &calls {
        host.deliver("aol-a", 200, "sent", "250 ok");
        sent += 200;
        killed(TOOL, &root, &run, call);
        if call.nth % 2 == 0 {
            let prom = host.counters();
            assert_eq!(
                deliveries(&prom, "aol-a", "sent"),
                f64::from(sent),
                "{call:?}"
            );
        }
    }
    assert_eq!(
        deliveries(&host.counters(), "aol-a", "sent"),
        f64::from(sent)
    );
}

#[test]
fn a_state_that_cannot_be_written_leaves_all_as_it_was() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent", "250 ok");
    host.counters();
    let before = fs::read(host.state()).unwrap();
    host.deliver("aol-a", 4, "sent", "250 ok");
    // As on a full disk: no file may grow, and the write says so.
    let out = Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""])
        .args([TOOL, "--root"])
        .arg(host.root.path())
        .arg("--follow-state")
        .arg(host.state())
        .output()
        .unwrap();
    let told = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{told}");
    assert!(told.contains("cannot write: "), "{told}");
    assert!(told.contains("/follow.json: "), "{told}");
    assert!(out.stdout.is_empty());
    assert_eq!(fs::read(host.state()).unwrap(), before);
    assert_eq!(deliveries(&host.counters(), "aol-a", "sent"), 7.0);
}

/// How many bytes the tool reads from the logs of a directory, by strace.
fn bytes_read(host: &Host, logs: &Path) -> u64 {
    let trace = host.root.path().join("trace");
    let run = Command::new("strace")
        .args(["-f", "-y", "-e", "trace=read,pread64", "-o"])
        .arg(&trace)
        .arg(TOOL)
        .args(["--format", "prom", "--root"])
        .arg(host.root.path())
        .arg("--follow-state")
        .arg(host.state())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(run.success());
    let trace = fs::read_to_string(&trace).unwrap();
    let of_logs = trace
        .lines()
        .filter(|line| line.contains(logs.to_str().unwrap()));
    of_logs
        .filter_map(|line| line.rsplit_once("= ")?.1.trim().parse::<u64>().ok())
        .sum()
}

#[test]
fn a_run_reads_what_is_new_and_little_else() {
    let mut host = Host::new();
    host.deliver("aol-a", 20_000, "sent", "250 ok");
    host.counters();
    let logs = fs::canonicalize(host.root.path().join("var/log")).unwrap();
    let before = fs::metadata(host.log()).unwrap().len();
    assert!(before > 2_000_000);
    assert!(bytes_read(&host, &logs) < 20_000);
    host.deliver("aol-a", 100, "sent", "250 ok");
    let new = fs::metadata(host.log()).unwrap().len() - before;
    let read = bytes_read(&host, &logs);
    assert!((new..new * 2 + 20_000).contains(&read), "{read} for {new}");
    assert_eq!(deliveries(&host.counters(), "aol-a", "sent"), 20_100.0);
}

#[test]
fn node_exporter_never_sees_a_file_half_written() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent", "250 ok");
    let dir = host.root.path();
    let script = format!(
        "umask 022; strace -f -o {0}/trace -e trace=openat,rename,renameat,renameat2 {1} --root {0} --follow-state \
         {0}/state \
         --format prom --output {0}/relay_mail.prom",
        dir.display(),
        TOOL
    );
    sh(&script);
    let trace = fs::read_to_string(dir.join("trace")).unwrap();
    let touches = |call: &str| {
        let lines = trace.lines().filter(move |line| line.contains(call));
        lines.filter(|line| line.contains(".prom\"")).count()
    };
    // The collector takes what ends in .prom: that name is given once, to the whole file.
    assert_eq!((touches("O_CREAT"), touches("O_TRUNC")), (0, 0), "{trace}");
    assert_eq!(touches("rename"), 1, "{trace}");
    let mode = fs::metadata(dir.join("relay_mail.prom")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o644);
}
