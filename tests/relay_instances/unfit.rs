//! Configurations that Postfix, or a part of it, does not run with: each as it was seen on a real one.

use testkit::{Host, Instance, host_or_skip};

use crate::TOOL;

const MAILQ: &str = env!("CARGO_BIN_EXE_mailq-distribution");

fn instance(host: &Host) -> Instance {
    host.instance("postfix-aol-a")
        .param("smtp_helo_name", "aol-a.smtp.example.org")
        .start()
}

#[test]
fn a_configuration_that_is_gone_or_empty() {
    let host = host_or_skip!();
    let _a = instance(&host);
    // After a reload, nothing is left but the master daemon.
    host.sh(": >/etc/postfix-aol-a/master.cf; postfix -c /etc/postfix-aol-a reload");
    for tool in [TOOL, MAILQ] {
        let ran = host.command(tool).args(["--check", "aol-a"]).run().exit(2);
        let said = "master.cf has no service qmgr";
        assert!(ran.text().contains(said), "{tool}: {ran}");
    }
    host.sh("rm /etc/postfix-aol-a/master.cf");
    for format in ["table", "text", "csv", "json"] {
        let ran = host.command(TOOL).args(["--format", format]).run().exit(1);
        assert!(ran.errors().contains("/master.cf: "), "{format}: {ran}");
    }
    host.sh("mv /etc/postfix-aol-a/main.cf /root/");
    for tool in [MAILQ, env!("CARGO_BIN_EXE_mail-stats-print")] {
        let ran = host.command(tool).arg("--check").run();
        let line = ran.exit(3).text();
        assert!(line.contains("/etc/postfix-aol-a"), "{tool}: {line}");
    }
}

/// Postfix says the same of itself.
#[test]
fn a_host_without_a_wrapper_for_its_instances() {
    let host = host_or_skip!();
    let _a = instance(&host);
    host.sh("postconf -X multi_instance_wrapper");
    let ran = host.command("postfix").arg("status").run();
    assert_ne!(ran.code(), Some(0), "{ran}");
    let ran = host.command(TOOL).arg("--check").run().exit(2);
    let said = "multi_instance_wrapper is empty: postmulti -e init";
    assert!(ran.text().contains(said), "{ran}");
}

/// One directory by two mounts.
#[test]
fn a_queue_that_is_mounted_twice() {
    let host = host_or_skip!();
    let a = instance(&host);
    let _b = host
        .instance("postfix-aol-b")
        .param("smtp_helo_name", "aol-b.smtp.example.org")
        .start();
    a.postfix("stop").ok();
    host.sh("mkdir /var/spool/twice && mount --bind /var/spool/postfix-aol-b /var/spool/twice");
    a.set("queue_directory", "/var/spool/twice");
    let ran = host.command(TOOL).arg("--check").run().exit(2);
    let said = "postfix-aol-a and postfix-aol-b share the queue directory /var/spool/";
    assert!(ran.text().contains(said), "{ran}");
}

/// Postfix follows a link there.
#[test]
fn a_data_directory_behind_a_link() {
    let host = host_or_skip!();
    let a = instance(&host);
    a.postfix("stop").ok();
    host.sh("mv /var/lib/postfix-aol-a /var/lib/data-of-a && ln -s /var/lib/data-of-a /var/lib/postfix-aol-a");
    a.postfix("start").ok();
    for tool in [TOOL, MAILQ] {
        let ran = host.command(tool).args(["--check", "aol-a"]).run().exit(0);
        assert!(ran.text().starts_with("OK: "), "{tool}: {ran}");
    }
}

/// The lock of one that does not run is held by the master daemon of another: that one is not to be killed.
#[test]
fn a_data_directory_of_another_instance_that_runs() {
    let host = host_or_skip!();
    let _a = instance(&host);
    let c = host.instance("postfix-aol-c").start();
    c.stop();
    c.set("data_directory", "/var/lib/postfix-aol-a");
    for tool in [TOOL, MAILQ] {
        let ran = host.command(tool).args(["--check", "aol-c"]).run().exit(2);
        let line = ran.text();
        assert!(line.contains("data_directory"), "{tool}: {line}");
        assert!(!line.contains("kill"), "{tool}: {line}");
    }
}
