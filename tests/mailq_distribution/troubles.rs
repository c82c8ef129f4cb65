//! What stops an instance's mail though its figures look well: each that looks into queues says it, in every format.

use serde_json::Value;
use testkit::{Host, Instance, Mail, host_or_skip};

use crate::TOOL;

const QUEUE: &str = "/var/spool/postfix-aol-a";

/// `--check` has it at this level, and so have prom, JSON, the warnings of queue-report and the daily report.
#[track_caller]
fn is_said(host: &Host, level: &str, text: &str) {
    let line = host.command(TOOL).args(["--check", "aol-a"]).run().text();
    let status = match level {
        "critical" => "CRITICAL: ",
        _ => "WARNING: ",
    };
    assert!(line.starts_with(status) && line.contains(text), "{line}");
    let metrics = host
        .command(TOOL)
        .args(["--format", "prom", "aol-a"])
        .run()
        .text();
    let series =
        format!(r#"relay_mailq_troubles{{postfix_instance="postfix-aol-a",level="{level}"}} "#);
    let value = metrics.lines().find_map(|line| line.strip_prefix(&series));
    assert!(value.is_some_and(|n| n != "0"), "{metrics}");
    for tool in [TOOL, env!("CARGO_BIN_EXE_queue-report")] {
        let ran = host.command(tool).args(["aol-a", "--format", "json"]).run();
        assert!(ran.errors().contains(text), "{tool}: {}", ran.errors());
        let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let troubles = json["instances"][0]["troubles"].as_array().unwrap();
        let is_it = |t: &&Value| t["level"] == level && t["text"].as_str().unwrap().contains(text);
        assert!(troubles.iter().any(|t| is_it(&t)), "{tool}: {json}");
    }
    let daily = host.command(env!("CARGO_BIN_EXE_mail-stats-print")).args([
        "aol-a",
        "--format",
        "report",
        "--print-mail",
        "--mail-to",
        "root",
    ]);
    let page = daily.run().text().replace("\n   ", " ");
    assert!(page.contains(text), "{page}");
    assert!(page.contains("attention\n"), "{page}");
}

#[track_caller]
fn is_well(host: &Host) {
    let line = host
        .command(TOOL)
        .args(["--check", "aol-a"])
        .run()
        .ok()
        .text();
    assert!(line.starts_with("OK: "), "{line}");
    let metrics = host
        .command(TOOL)
        .args(["--format", "prom", "aol-a"])
        .run()
        .ok()
        .text();
    let all = metrics
        .lines()
        .filter(|l| l.starts_with("relay_mailq_troubles{"));
    assert!(
        all.clone().count() == 3 && all.clone().all(|l| l.ends_with(" 0")),
        "{metrics}"
    );
    let report = host
        .command(env!("CARGO_BIN_EXE_queue-report"))
        .arg("aol-a")
        .run()
        .ok();
    assert_eq!(report.errors(), "");
}

fn instance(host: &Host) -> Instance {
    host.instance("postfix-aol-a").start()
}

#[test]
fn what_others_own() {
    let host = host_or_skip!();
    let _a = instance(&host);
    is_well(&host);
    let cases = [
        (
            "deferred",
            "install -d -o root -m 700",
            "critical",
            "the queue manager stops at each",
        ),
        (
            "hold",
            "install -m 700 /dev/null",
            "warning",
            "once released, it stops the queue manager",
        ),
        (
            "defer",
            "install -m 600 /dev/null",
            "warning",
            "the bounce service cannot write",
        ),
    ];
    for (queue, make, level, why) in cases {
        host.sh(&format!(
            "install -d -o postfix -m 700 {QUEUE}/{queue}/A; {make} {QUEUE}/{queue}/A/A1"
        ));
        is_said(
            &host,
            level,
            &format!(
                "{queue}: 1 file belongs to others than postfix ({QUEUE}/{queue}/A/A1: uid 0)"
            ),
        );
        is_said(&host, level, why);
        host.sh(&format!("rm -r {QUEUE}/{queue}/A/A1"));
    }
    is_well(&host);
}

/// Of a master daemon that is gone, a process that it started may still hold what the next one needs.
#[test]
fn stale_locks() {
    let host = host_or_skip!();
    let a = instance(&host);
    a.stop();
    for lock in [
        format!("{QUEUE}/pid/master.pid"),
        "/var/lib/postfix-aol-a/master.lock".to_owned(),
    ] {
        let held = host
            .command("flock")
            .args(["-F", lock.as_str(), "sleep", "300"])
            .spawn();
        host.wait_until(testkit::PATIENCE, "the lock to be held", || {
            host.run(["flock", "-n", &lock, "true"]).code() == Some(1)
        });
        // The next start fails at it, as is said.
        assert_ne!(a.postfix("start").code(), Some(0));
        is_said(&host, "critical", &format!("{lock}: a stale lock: "));
        held.kill();
    }
    a.start();
    is_well(&host);
}

#[test]
fn mail_that_nobody_takes() {
    let host = host_or_skip!();
    let a = host
        .instance("postfix-aol-a")
        .without_service("pickup", "unix")
        .start();
    is_well(&host);
    a.sendmail(&Mail::new("news@example.org", "u@aol.example"));
    // At once, not when it has waited long.
    is_said(
        &host,
        "critical",
        "master.cf has no service pickup: mail that sendmail hands in stays in maildrop",
    );
    a.stop();
    is_said(
        &host,
        "critical",
        "it does not run, and mail waits in maildrop: nobody takes it",
    );
}

/// No program behind the transport: the message stays in active, under a queue manager that runs.
#[test]
fn mail_in_active_without_an_agent() {
    let host = host_or_skip!();
    let a = instance(&host);
    host.sh("postconf -c /etc/postfix-aol-a -F smtp/unix/command=no-such-agent");
    a.reload();
    a.sendmail(&Mail::new("news@example.org", "u@aol.example"));
    a.wait_for("active", 1);
    is_well(&host);
    let library = format!(
        "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1",
        std::env::consts::ARCH
    );
    let later = host
        .command(TOOL)
        .args(["--check", "aol-a"])
        .env("LD_PRELOAD", library);
    let line = later
        .env("FAKETIME", "+1h")
        .env("NO_FAKE_STAT", "1")
        .run()
        .text();
    let wanted = "active: 1 message has waited for a delivery agent, the oldest for ";
    assert!(
        line.starts_with("CRITICAL: postfix-aol-a: ") && line.contains(wanted),
        "{line}"
    );
}

#[test]
fn file_systems() {
    let host = host_or_skip!();
    let _a = host
        .instance("postfix-aol-a")
        .param("message_size_limit", "1000000")
        .queue_on_tmpfs("8m,nr_inodes=300")
        .start();
    is_well(&host);
    host.sh(&format!("mkdir {QUEUE}/many; cd {QUEUE}/many; i=0; while : 2>/dev/null > $i; do i=$((i+1)); done; true"));
    is_said(&host, "critical", &format!("{QUEUE}: no inode is free"));
    host.sh(&format!(
        "rm -r {QUEUE}/many; dd if=/dev/zero of={QUEUE}/big bs=1M count=7 2>/dev/null"
    ));
    is_said(&host, "critical", "and Postfix refuses mail below 1500000");
    host.sh(&format!(
        "rm {QUEUE}/big; mount --bind {QUEUE} {QUEUE}; mount -o remount,bind,ro {QUEUE}"
    ));
    is_said(
        &host,
        "critical",
        &format!("{QUEUE}: its file system is read-only"),
    );
}

#[test]
fn what_the_queue_manager_never_takes() {
    let host = host_or_skip!();
    let a = instance(&host);
    let cases = [
        (
            "incoming/A1",
            "+1 day",
            700,
            "incoming: 1 message has a time in the future",
        ),
        (
            "deferred/A/A2",
            "+400 days",
            700,
            "a next attempt later than maximal_backoff_time allows",
        ),
        (
            "deferred/A/A3",
            "-1 hour",
            600,
            "deferred/A/A3: not ready (mode 0700)",
        ),
    ];
    for (path, time, mode, text) in cases {
        let path = format!("{QUEUE}/{path}");
        host.sh(&format!(
            "install -d -o postfix -m 700 $(dirname {path}); install -o postfix -m {mode} /dev/null {QUEUE}/new; touch -d \
             '{time}' {QUEUE}/new; mv {QUEUE}/new {path}"
        ));
        is_said(&host, "warning", text);
        host.sh(&format!("rm {path}"));
    }
    // Directories of queues.
    host.sh(&format!("chmod 500 {QUEUE}/deferred/A"));
    is_said(
        &host,
        "critical",
        "deferred/A: its owner may not use this directory",
    );
    host.sh(&format!(
        "chmod 700 {QUEUE}/deferred/A; mv {QUEUE}/incoming {QUEUE}/incoming.x"
    ));
    is_said(
        &host,
        "critical",
        "incoming: no such directory, though the instance runs",
    );
    host.sh(&format!(
        "mv {QUEUE}/incoming.x {QUEUE}/incoming; chown root /var/lib/postfix-aol-a"
    ));
    is_said(
        &host,
        "critical",
        "data_directory /var/lib/postfix-aol-a: uid 0 owns it",
    );
    host.sh("chown postfix /var/lib/postfix-aol-a");
    is_well(&host);
    let qmgr = a
        .processes()
        .into_iter()
        .find(|(_, name)| name == "qmgr")
        .unwrap()
        .0;
    host.sh(&format!("kill -STOP {qmgr}"));
    is_said(&host, "critical", "its queue manager is stopped (SIGSTOP)");
    host.sh(&format!("kill -CONT {qmgr}"));
    // Its number in master.pid is of no matter: who holds the lock is.
    host.sh(&format!("echo 999999 > {QUEUE}/pid/master.pid"));
    is_well(&host);
}

/// The mount point of a spool that is not mounted, and an instance whose main.cf is gone: neither was seen to be empty.
#[test]
fn what_was_not_seen_is_not_empty() {
    let image = crate::image::Image::new();
    image.instance("aol-a", "real-default");
    std::fs::create_dir_all(image.path("var/spool/postfix-msn-a")).unwrap();
    image.configure("msn-a", "/var/spool/postfix-msn-a");
    let ran = image.run(["--check"]).ended(3);
    assert!(
        ran.out.starts_with("UNKNOWN: postfix-msn-a cannot be read"),
        "{}",
        ran.out
    );
    let ran = image.run(["--format", "json"]).ended(1);
    assert!(
        ran.out.contains("it has none of Postfix's queues"),
        "{}",
        ran.out
    );
    std::fs::create_dir_all(image.path("etc/postfix")).unwrap();
    std::fs::write(
        image.path("etc/postfix/main.cf"),
        "multi_instance_directories = /etc/postfix-aol-a /etc/postfix-gone\n",
    )
    .unwrap();
    let ran = image.run(["--check", "aol-a"]).ended(0);
    assert!(ran.out.starts_with("OK: "), "{}", ran.out);
    let ran = image.run(["--check"]).ended(3);
    assert!(
        ran.out.contains("/etc/postfix-gone cannot be read"),
        "{}",
        ran.out
    );
}
