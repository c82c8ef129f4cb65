//! relay-instances beside real Postfix: who runs, where addresses are, what is wrong.

use std::process::Command;

use crate::TOOL;
use serde_json::Value;
use testkit::{Cmd, Host, Ran, host_or_skip};

pub(crate) fn tool(host: &Host) -> Cmd {
    host.command(TOOL).env("TZ", "UTC")
}

/// The instances of the JSON format, and its findings as `SEVERITY KIND TEXT`.
pub(crate) fn json(host: &Host, args: &[&str]) -> (Vec<Value>, Vec<String>) {
    let ran = tool(host).args(["--format", "json"]).args(args).run().ok();
    let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(json["schema"], "relay-tools/relay-instances/1");
    let findings = json["findings"].as_array().unwrap().iter().map(|finding| {
        let text = |field: &str| finding[field].as_str().unwrap().to_owned();
        format!("{} {} {}", text("severity"), text("kind"), text("text"))
    });
    (
        json["instances"].as_array().unwrap().clone(),
        findings.collect(),
    )
}

/// The line of `--check`, up to its performance data.
#[track_caller]
pub(crate) fn verdict(host: &Host, args: &[&str], status: i32, expected: &str) -> Ran {
    let ran = tool(host).arg("--check").args(args).run().exit(status);
    let text = ran.text();
    assert_eq!(text.lines().count(), 1, "{ran}");
    let (line, _) = text.split_once(" | ").unwrap();
    assert_eq!(line, expected, "{ran}");
    ran
}

#[test]
fn running_instances_and_their_addresses() {
    let host = host_or_skip!();
    host.sh("ip address add 192.0.2.42/32 dev lo label lo:relay");
    let a = host
        .instance("postfix-aol-a")
        .address([192, 0, 2, 41].into())
        .param("smtp_helo_name", "aol-a.example.org")
        .param("smtp_destination_rate_delay", "2s")
        .param("smtp_destination_concurrency_limit", "5")
        .service("587 inet n - n - - smtpd")
        .start();
    let b = host
        .instance("postfix-aol-b")
        .group("")
        .param("smtp_bind_address", "192.0.2.42")
        .param("maillog_file", "/var/log/postfix-aol-b.log")
        .without_service("pickup", "unix")
        .create();
    host.instance("postfix-msn-a")
        .param("smtp_bind_address", "192.0.2.43")
        .create();

    // Whoever looks does not end what is looked at, nor keep it from starting.
    for _ in 0..20 {
        tool(&host).run();
    }
    assert!(a.is_running());
    b.start();
    let table = tool(&host).arg("aol-*").run().ok().text();
    let since = |name: &str| {
        host.sh(&format!(
            "TZ=UTC stat -c %y /var/spool/{name}/pid/master.pid | cut -c1-16"
        ))
        .text()
        .trim()
        .to_owned()
    };
    let expected = format!(
        "instance       group  enabled  running since     bind address  interface  HELO name                         queue directory\n\
         postfix-aol-a  relay  yes      {}  192.0.2.41    lo         aol-a.example.org                 /var/spool/postfix-aol-a\n\
         postfix-aol-b  -      yes      {}  192.0.2.42    lo:relay   postfix-aol-b.rustin.example.org  /var/spool/postfix-aol-b\n",
        since("postfix-aol-a"),
        since("postfix-aol-b"),
    );
    assert_eq!(table, expected);

    let (instances, findings) = json(&host, &["192.0.2.41", "192.0.2.42"]);
    assert_eq!(findings, [""; 0]);
    let (a_json, b_json) = (&instances[0], &instances[1]);
    let master = a
        .processes()
        .iter()
        .find(|(_, name)| name == "master")
        .unwrap()
        .0;
    assert_eq!(a_json["pid"], master);
    assert_eq!(a_json["running"], true);
    assert_eq!(a_json["addresses"][0]["state"], "present");
    assert_eq!(a_json["addresses"][0]["interface"], "lo");
    let listens: Vec<String> = a_json["listens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| format!("{}:{} {}", l["host"], l["port"], l["command"]).replace('"', ""))
        .collect();
    assert_eq!(listens, ["192.0.2.41:smtp smtpd", "192.0.2.41:587 smtpd"]);
    // As Postfix has them.
    for (field, parameter) in [
        (
            "destination_concurrency_limit",
            "smtp_destination_concurrency_limit",
        ),
        (
            "destination_recipient_limit",
            "default_destination_recipient_limit",
        ),
        ("destination_rate_delay", "smtp_destination_rate_delay"),
        ("transport_rate_delay", "default_transport_rate_delay"),
        ("process_limit", "default_process_limit"),
    ] {
        let limits = &a_json["rate_limits"][0];
        assert_eq!(limits["transport"], "smtp");
        let shown = limits[field].to_string().replace('"', "");
        assert_eq!(shown, a.postconf(parameter), "{field}");
    }
    assert_eq!(a_json["pickup"], true);
    assert_eq!(b_json["pickup"], false);
    assert_eq!(b_json["maillog_file"], "/var/log/postfix-aol-b.log");
    assert_eq!(b_json["group"], Value::Null);
    for field in [
        "queue_directory",
        "data_directory",
        "mail_owner",
        "syslog_name",
    ] {
        assert_eq!(b_json[field], b.postconf(field).as_str(), "{field}");
    }
    let wide = tool(&host).args(["--wide", "aol-a"]).run().ok().text();
    assert!(
        wide.contains("smtp: 5 at a time, 50 recipients, 100 processes, one every 2s per destination; relay: 20 at a time"),
        "{wide}"
    );

    verdict(&host, &["aol-*"], 0, "OK: 2 instances, 2 running: in order");
    let ran = verdict(
        &host,
        &["msn-a"],
        2,
        "CRITICAL: postfix-msn-a: 192.0.2.43 is on no interface; postfix-msn-a is enabled but not running",
    );
    assert!(
        ran.text().ends_with(
            " | instances=1;;;0 running=0;;;0 critical=2;;;0 warning=0;;;0 unknown=0;;;0\n"
        ),
        "{ran}"
    );
    host.sh("ip link set lo down");
    verdict(
        &host,
        &["aol-b"],
        2,
        "CRITICAL: postfix-aol-b: 192.0.2.42 is on lo:relay, which is down",
    );
    host.sh("ip link set lo up");

    // A crash leaves the file behind, with the id of a process that may live again as another.
    host.sh("kill -9 $(cat /var/spool/postfix-aol-a/pid/master.pid)");
    host.wait_until(testkit::PATIENCE, "its lock to go", || !a.is_running());
    host.sh("echo 1 >/var/spool/postfix-aol-a/pid/master.pid");
    verdict(
        &host,
        &["aol-a"],
        2,
        "CRITICAL: postfix-aol-a is enabled but not running",
    );
    b.set("multi_instance_enable", "no");
    verdict(
        &host,
        &["aol-b"],
        1,
        "WARNING: postfix-aol-b is running but not enabled: postfix start does not start it",
    );
}

#[test]
fn a_start_is_not_hindered_by_looking() {
    let host = host_or_skip!();
    let a = host.instance("postfix-aol-a").create();
    let script = format!("while :; do {TOOL} aol-a; done >/dev/null 2>&1");
    let looking = host.command("bash").args(["-c", &script]).spawn();
    // flock(2) cannot ask without taking: a start fails in the microseconds of a look, and, repeated, does not.
    let mut met = 0;
    for _ in 0..5 {
        if a.postfix("start").code() != Some(0) {
            met += 1;
            a.start();
        }
        assert!(a.is_running());
        a.stop();
    }
    drop(looking);
    assert!(met < 3, "{met} of 5 starts were hindered");
}

#[test]
fn what_two_claim_and_what_is_missing() {
    let host = host_or_skip!();
    let write = |name: &str, more: &str| {
        host.write(format!("/etc/{name}/master.cf"), "");
        host.write(
            format!("/etc/{name}/main.cf"),
            format!(
                "multi_instance_name = {name}\nqueue_directory = /var/spool/{name}\ndata_directory = /var/lib/{name}\n{more}"
            ),
        );
        host.sh(&format!("mkdir -p /var/spool/{name} /var/lib/{name}"));
    };
    host.sh("ln -s postfix-aol-a /var/spool/linked");
    write("postfix-aol-a", "smtp_bind_address = 127.0.0.7\n");
    write(
        "postfix-aol-b",
        "queue_directory = /var/spool/linked/\nsmtp_bind_address = 127.0.0.7\n",
    );
    write(
        "postfix-aol-c",
        "data_directory = /var/lib/postfix-aol-a\nsyslog_name = postfix-aol-a\n",
    );
    write("postfix-aol-d", "queue_directory = /var/spool/gone\n");
    write("postfix-aol-e", "data_directory = /etc/hostname\n");
    let (_, findings) = json(&host, &["aol-*"]);
    assert_eq!(
        findings,
        [
            "CRITICAL queue-shared postfix-aol-a and postfix-aol-b share the queue directory /var/spool/postfix-aol-a",
            "CRITICAL data-shared postfix-aol-a and postfix-aol-c share the data directory /var/lib/postfix-aol-a",
            "WARNING address-shared postfix-aol-a and postfix-aol-b send from the same address, 127.0.0.7",
            "WARNING syslog-name-shared postfix-aol-a and postfix-aol-c log under the same syslog_name, postfix-aol-a",
            "WARNING syslog-name-differs postfix-aol-c logs under another name, syslog_name postfix-aol-a",
            "WARNING directory-missing postfix-aol-d: queue_directory /var/spool/gone: no such directory",
            "WARNING directory-missing postfix-aol-e: data_directory /etc/hostname: not a directory",
        ]
    );
    // Asked for one of the two.
    verdict(
        &host,
        &["aol-b"],
        2,
        "CRITICAL: postfix-aol-a and postfix-aol-b share the queue directory /var/spool/postfix-aol-a; \
         postfix-aol-a and postfix-aol-b send from the same address, 127.0.0.7",
    );
    let text = tool(&host).args(["--format", "text", "aol-d"]).run().ok();
    assert_eq!(
        text.text(),
        "postfix-aol-d:group:\n\
         postfix-aol-d:enabled:no\n\
         postfix-aol-d:running:no\n\
         postfix-aol-d:helo_name:rustin.localdomain\n\
         postfix-aol-d:queue_directory:/var/spool/gone\n\
         postfix-aol-d:finding:WARNING directory-missing postfix-aol-d: queue_directory /var/spool/gone: no such directory\n\n"
    );
    let csv = tool(&host)
        .args(["--format", "csv", "aol-e"])
        .run()
        .ok()
        .text();
    assert!(
        csv.ends_with(
            "\npostfix-aol-e,,no,no,,,,rustin.localdomain,/var/spool/postfix-aol-e,/etc/postfix-aol-e,/etc/hostname,postfix,\
             postfix-aol-e,syslog,,,no,,WARNING postfix-aol-e: data_directory /etc/hostname: not a directory,\n"
        ),
        "{csv}"
    );
}

#[test]
fn an_instance_that_cannot_be_read_is_reported_beside_the_others() {
    let host = host_or_skip!();
    host.instance("postfix-aol-a").start();
    host.sh("mkdir -p /etc/postfix-aol-b/main.cf");
    let table = tool(&host).run().exit(1);
    assert!(
        table.text().contains("postfix-aol-a  relay  yes"),
        "{table}"
    );
    assert!(
        table
            .errors()
            .contains("/etc/postfix-aol-b/main.cf: cannot read it"),
        "{table}"
    );
    let check = tool(&host).arg("--check").run();
    assert!(
        check
            .text()
            .contains("/etc/postfix-aol-b/main.cf: cannot read it"),
        "{check}"
    );
    assert!(check.text().contains(" unknown=1;;;0"), "{check}");
    // It is no concern of one that is asked for by name.
    verdict(&host, &["aol-a"], 0, "OK: 1 instance, 1 running: in order");
}

#[test]
fn who_may_not_look_gets_a_hint() {
    let host = host_or_skip!();
    host.instance("postfix-aol-a").start();
    // Where everybody may run it.
    host.sh(&format!("install -m 755 {TOOL} /run/relay-instances"));
    let ran = host
        .command("/run/relay-instances")
        .args(["--check", "aol-a"])
        .user("nobody")
        .run()
        .exit(3);
    assert!(ran.text().starts_with("UNKNOWN: "), "{ran}");
    assert!(ran.text().contains("run it as root"), "{ran}");
    let ran = host
        .command("/run/relay-instances")
        .arg("aol-a")
        .user("nobody")
        .run()
        .exit(1);
    assert!(ran.text().contains("  unknown  "), "{ran}");
}

#[test]
fn an_image_has_nothing_that_runs() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/rustin");
    let run = |args: &[&str]| {
        Command::new(TOOL)
            .args(["--root", root])
            .args(args)
            .output()
            .unwrap()
    };
    let out = run(&["192.0.2.42"]);
    assert_eq!(
        String::from_utf8_lossy(&out.stdout),
        "instance       group  enabled  running since  bind address  interface  HELO name               queue directory\n\
         postfix-aol-b  relay  yes      unknown        192.0.2.42    unknown    aol-b.mayfirst.example  /var/spool/postfix-aol-b\n"
    );
    assert_eq!(out.status.code(), Some(0));
    assert_eq!(
        String::from_utf8_lossy(&out.stderr),
        "relay-instances: warning: --root: what is running on another host, and which of its interfaces has which \
         address, is not known\n"
    );
    let out = run(&["--check", "aol-b"]);
    assert_eq!(out.status.code(), Some(3));
    let out = run(&["192.0.2.99"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("postfix-aol-b"));
}

#[test]
fn flags_that_are_wrong_are_refused() {
    for args in [
        &["--resolver", "192.0.2.53"][..],
        &["--check-dns", "--resolver", "resolver.example.org"],
        &["--check-dns", "--resolver", "192.0.2.53:99999"],
        &["--check-dns", "--domain", "org"],
        &["--check-dns", "--timeout", "0s"],
        &["--check-dns", "--timeout", "1w"],
        &["--check", "--format", "json"],
    ] {
        let out = Command::new(TOOL).args(args).output().unwrap();
        let expected = if args.contains(&"--check") { 3 } else { 2 };
        assert_eq!(out.status.code(), Some(expected), "{args:?}");
    }
}

#[test]
fn the_master_locks_as_the_tool_expects() {
    let host = host_or_skip!();
    let a = host.instance("postfix-aol-a").create();
    host.sh("touch /run/before");
    a.start();
    // Written at the start, so that its time is the start's.
    let pid = a.queue_dir().join("pid/master.pid");
    host.sh(&format!("test {} -nt /run/before", pid.display()));
    // The kernel's own list: a flock(2), and no fcntl(2) lock, of the master.
    let locks = host.sh("cat /proc/locks").text();
    let master = a
        .processes()
        .iter()
        .find(|(_, name)| name == "master")
        .unwrap()
        .0;
    let of_master: Vec<&str> = locks
        .lines()
        .filter(|line| line.split_whitespace().nth(4) == Some(&master.to_string()))
        .collect();
    assert!(!of_master.is_empty(), "{locks}");
    assert!(
        of_master
            .iter()
            .all(|line| line.contains(" FLOCK  ADVISORY  WRITE ")),
        "{locks}"
    );
}
