//! What Postfix stumbles over in a queue, beside what it says of that itself.

use testkit::{Host, Instance, Mail, host_or_skip};

use crate::TOOL;

/// The line of `--check`, and its exit status.
fn check(host: &Host) -> (String, Option<i32>) {
    let ran = host.command(TOOL).args(["--check", "aol-a"]).run();
    (ran.text().trim_end().to_owned(), ran.code())
}

#[track_caller]
fn is_critical(host: &Host, text: &str) {
    let (line, status) = check(host);
    assert!(
        line.starts_with("CRITICAL: ") && line.contains(text),
        "{line}"
    );
    assert_eq!(status, Some(2));
}

fn instance(host: &Host) -> Instance {
    host.instance("postfix-aol-a")
        .param("smtp_helo_name", "aol-a.smtp.example.org")
        .start()
}

#[test]
fn a_queue_in_order() {
    let host = host_or_skip!();
    let a = instance(&host);
    a.sendmail(&Mail::new("news@example.org", "u@aol.example"));
    let (line, status) = check(&host);
    assert_eq!(status, Some(0), "{line}");
}

/// One file of root's stops the queue manager, once a minute, for good.
#[test]
fn a_file_of_another_owner() {
    let host = host_or_skip!();
    let a = instance(&host);
    host.sh(
        "install -d -o postfix -m 700 /var/spool/postfix-aol-a/deferred/A
             install -m 700 /dev/null /var/spool/postfix-aol-a/deferred/A/A1B2C3D4E5",
    );
    is_critical(&host, ": 1 file belongs to others than postfix");
    a.postfix("flush");
    host.wait_for_log("fatal: open active A1B2C3D4E5: Permission denied");
    let (line, _) = check(&host);
    assert!(line.contains("A1B2C3D4E5: uid 0"), "{line}");
    // Whoever looks at the queue alone is to know, too.
    let ran = host.command(env!("CARGO_BIN_EXE_mailq-distribution"));
    let line = ran.args(["--check", "aol-a"]).run().exit(2).text();
    assert!(line.starts_with("CRITICAL: postfix-aol-a: "), "{line}");
    assert!(line.contains("A1B2C3D4E5: uid 0"), "{line}");
    host.sh("find /var/spool/postfix-aol-a/active /var/spool/postfix-aol-a/deferred -user root -type f -delete");
}

#[test]
fn a_directory_of_another_owner_or_mode() {
    let host = host_or_skip!();
    let _a = instance(&host);
    host.sh("chown root /var/spool/postfix-aol-a/deferred");
    is_critical(
        &host,
        "/var/spool/postfix-aol-a/deferred: uid 0 owns it, not postfix",
    );
    host.sh("chown postfix /var/spool/postfix-aol-a/deferred; chmod 500 /var/spool/postfix-aol-a/active");
    is_critical(
        &host,
        "/var/spool/postfix-aol-a/active: mode 0500, not 0700",
    );
    host.sh(
        "chmod 700 /var/spool/postfix-aol-a/active; chgrp root /var/spool/postfix-aol-a/maildrop",
    );
    is_critical(&host, "are what sendmail needs to hand in mail");
}

#[test]
fn a_full_file_system() {
    let host = host_or_skip!();
    let _a = host
        .instance("postfix-aol-a")
        .param("smtp_helo_name", "aol-a.smtp.example.org")
        .param("message_size_limit", "1000000")
        .queue_on_tmpfs("8m")
        .start();
    assert_eq!(check(&host).1, Some(0), "{}", check(&host).0);
    host.sh("dd if=/dev/zero of=/var/spool/postfix-aol-a/big bs=1M count=7 2>/dev/null");
    is_critical(&host, "and Postfix refuses mail below 1500000");
}

#[test]
fn no_queue_manager_and_no_pickup() {
    let host = host_or_skip!();
    let a = host
        .instance("postfix-aol-a")
        .param("smtp_helo_name", "aol-a.smtp.example.org")
        .without_service("pickup", "unix")
        .start();
    a.sendmail(&Mail::new("news@example.org", "u@aol.example"));
    host.sh("touch -d '10 minutes ago' /var/spool/postfix-aol-a/maildrop/*");
    is_critical(
        &host,
        "maildrop: 1 message has waited for pickup, the oldest for 10 min",
    );
    // What the queue manager dies of is nothing that master dies of.
    host.sh("postconf -c /etc/postfix-aol-a -MX qmgr/unix; postfix -c /etc/postfix-aol-a stop; postfix -c \
        /etc/postfix-aol-a start");
    is_critical(&host, "master.cf has no service qmgr");
}

#[test]
fn a_queue_manager_that_dies() {
    let host = host_or_skip!();
    let a = instance(&host);
    let qmgr = a.processes().into_iter().find(|(_, name)| name == "qmgr");
    let (pid, _) = qmgr.unwrap();
    // It cannot start again: there is no program. A reload may have ended it already.
    host.sh(&format!(
        "postconf -c /etc/postfix-aol-a -F qmgr/unix/command=no-such-qmgr
        postfix -c /etc/postfix-aol-a reload; kill {pid} 2>/dev/null || true"
    ));
    is_critical(&host, "runs without a queue manager");
}

/// What a cleaner of old files takes away, `postfix check` passes over, and nobody reaches any more.
#[test]
fn sockets_that_are_gone() {
    let host = host_or_skip!();
    let a = instance(&host);
    let of = |name: &str| format!("the socket of service {name} is not there");
    host.sh("rm /var/spool/postfix-aol-a/private/defer");
    is_critical(&host, &of("defer"));
    a.postfix("stop");
    a.postfix("start");
    assert_eq!(check(&host).1, Some(0));
    // A transport of the site's own that master does not know yet.
    host.sh("postconf -c /etc/postfix-aol-a -M 'slow/unix=slow unix - - n - - smtp'");
    let (line, status) = check(&host);
    assert!(
        line.starts_with("WARNING: ") && line.contains(&of("slow")),
        "{line}"
    );
    assert_eq!(status, Some(1));
    a.postfix("reload");
    host.wait_until(std::time::Duration::from_secs(60), "its socket", || {
        check(&host).1 == Some(0)
    });
}
