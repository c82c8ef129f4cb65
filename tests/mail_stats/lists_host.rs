//! A small host whose days are counted by hand, for the tests of the daily report.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use testkit::tools::{Ran, seconds, set_mtime, stats_in};

/// The bundled host.
pub(crate) const RUSTIN: &str = "fixtures/rustin";

/// What the tool says of the bundled host's 2026-09-19.
pub(crate) fn rustin(args: &[&str]) -> Ran {
    // Its spools are of fifteen minutes before.
    let clock = "--clock=2026-11-24T07:30:00Z";
    let day = ["--root", RUSTIN, clock, "--date", "2026-09-19"];
    stats_in("America/New_York", [&day[..], args].concat(), b"")
}

/// What Outlook says of a host on its blocklist.
pub(crate) const BLOCKED: &str = "host hotmail-com.olc.protection.outlook.com[104.47.18.97] said: 550 5.7.1 \
    Unfortunately, messages from \
[203.0.113.25] weren't sent. Please contact your Internet service provider since part of their network is on our block \
list \
(S3150). (in reply to MAIL FROM command)";

/// What a server without the mailbox says.
pub(crate) const UNKNOWN: &str = "550 5.1.1 <x@y.example>: Recipient address rejected: User unknown (in reply to RCPT \
    TO command)";

/// A kind of deliveries on a day of September 2026.
pub(crate) struct Lines<'a> {
    pub(crate) instance: &'a str,
    pub(crate) time: &'a str,
    pub(crate) to: &'a str,
    pub(crate) from: &'a str,
    pub(crate) status: &'a str,
    pub(crate) reply: &'a str,
    pub(crate) n: usize,
}

impl Default for Lines<'_> {
    fn default() -> Self {
        Self {
            instance: "postfix-a",
            time: "19T10:00:00",
            to: "u@aol.com",
            from: "news@lists.example",
            status: "sent",
            reply: "250 ok",
            n: 1,
        }
    }
}

impl Lines<'_> {
    /// As Postfix logs them: who sends the message, then each delivery.
    pub(crate) fn text(&self) -> String {
        let Self {
            instance,
            time,
            to,
            from,
            status,
            reply,
            n,
        } = self;
        let time = format!("2026-09-{time}Z host");
        let dsn = match *status {
            "sent" => "2.0.0",
            "bounced" => "5.1.1",
            _ => "4.2.0",
        };
        let sender = format!(
            "{time} {instance}/qmgr[1]: 4A1B: from=<{from}>, size=900, nrcpt=1 (queue active)\n"
        );
        // To so many recipients: what is put off again for the same one is no more of it.
        let delivery = |at: usize| {
            let other = match at {
                0 => String::new(),
                _ => format!("{at}.{}.", reply.len()),
            };
            format!(
                "{time} {instance}/smtp[2]: 4A1B: to=<{other}{to}>, relay=mx.example[192.0.2.1]:25, delay=2, \
                 delays=0.1/0/0.9/1, dsn={dsn}, status={status} ({reply})\n"
            )
        };
        sender + &(0..*n).map(delivery).collect::<String>()
    }
}

/// Shows that a log begins at this time.
pub(crate) fn begins(time: &str) -> String {
    format!("2026-09-{time}Z host postfix-a/anvil[5]: statistics: max cache size 1\n").repeat(40)
}

/// A host in zone UTC with these instances (the default instance has the first name), and this log of September 2026.
pub(crate) fn host(instances: &[&str], log: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = |below: &str| root.path().join(below);
    let put = |below: String, text: String| {
        let path = at(&below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let others: Vec<String> = (1..instances.len())
        .map(|n| format!("/etc/postfix-{n}"))
        .collect();
    for (n, name) in instances.iter().enumerate() {
        let directory = match n {
            0 => "postfix".to_owned(),
            n => format!("postfix-{n}"),
        };
        let listed = match n {
            0 => format!("multi_instance_directories = {}\n", others.join(" ")),
            _ => String::new(),
        };
        put(
            format!("etc/{directory}/main.cf"),
            listed
                + &format!(
                    "multi_instance_name = {name}\nsyslog_name = {name}\nmulti_instance_enable = yes\nqueue_directory \
                     = /var/spool/{name}\n"
                ),
        );
        fs::create_dir_all(at(&format!("var/spool/{name}/deferred"))).unwrap();
    }
    put("etc/hostname".to_owned(), "host\n".to_owned());
    put("etc/timezone".to_owned(), "Etc/UTC\n".to_owned());
    write_log(root.path(), log);
    root
}

pub(crate) fn write_log(root: impl AsRef<Path>, log: &str) {
    let path = root.as_ref().join("var/log/mail.log");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, log).unwrap();
    set_mtime(&path, seconds("2026-09-21T00:00:00Z"));
}
