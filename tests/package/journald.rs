//! Debian 12 and 13 as they are installed: mail is in the journal alone, and systemd runs what the package schedules.

use std::process::Command;
use std::time::Duration;

use testkit::debian::Debian;
use testkit::wait_until;

use crate::{METRICS, package};

/// What the admin of such a host has done: two relays beside the default instance, and the package.
const INSTANCES: &str = r#"
dpkg -i /root/relay-tools.deb
[ -e /etc/postfix/main.cf ] || cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf
postconf -e inet_interfaces=loopback-only inet_protocols=ipv4 mydestination=
postmulti -e init
for name in aol-a msn-a; do
    postmulti -I postfix-$name -G relays -e create
    postmulti -i postfix-$name -x postconf -e master_service_disable=inet authorized_submit_users=static:anyone \
        default_transport=discard 'transport_maps=inline:{gone.example=error:5.1.1, full.example=retry:4.2.2}'
    postmulti -i postfix-$name -e enable
done
systemctl daemon-reload
systemctl restart postfix
# On Debian 13 the unit of the default instance starts no others.
if ! systemctl -q is-active postfix@-; then
    for name in aol-a msn-a; do systemctl enable -q --now "postfix@$(systemd-escape $name)"; done
fi
"#;

/// A host of a release.
struct Host(Debian);

impl Host {
    fn new(release: &str) -> Self {
        let debian = Debian::boot(release, &["rsyslog"]);
        // It is installed only to be started later.
        debian.ok("systemctl mask -q --now rsyslog.service syslog.socket; rm -f /var/log/mail.log /var/log/syslog");
        debian.copy(package(), "root/relay-tools.deb");
        debian.ok(INSTANCES);
        Self(debian)
    }

    /// Hands mail for these domains to an instance, and waits for its deliveries.
    fn send(&self, instance: &str, domains: &[&str]) {
        let deliveries = || {
            let all = self.0.ok(&format!(
                "journalctl -q -o cat SYSLOG_IDENTIFIER=postfix-{instance}/discard \
                 SYSLOG_IDENTIFIER=postfix-{instance}/error \
                 SYSLOG_IDENTIFIER=postfix-{instance}/retry | grep -c ' to=<u@' || :"
            ));
            all.trim().parse::<usize>().unwrap()
        };
        let before = deliveries();
        for domain in domains {
            self.0.ok(&format!(
                "printf 'Subject: x\n\nx\n' | MAIL_CONFIG=/etc/postfix-{instance} sendmail -f '<>' u@{domain}"
            ));
        }
        wait_until(Duration::from_secs(180), "the deliveries", || {
            deliveries() >= before + domains.len()
        });
    }

    /// How many deliveries of aol-a are counted, and what is said beside.
    fn counted(&self) -> (String, String) {
        let ran = self.0.run("mail-stats-print aol-a");
        let first = ran.out.lines().next().unwrap_or_default().to_owned();
        (first, ran.err)
    }

    fn metrics(&self, file: &str) -> String {
        self.0.ok(&format!("cat /{METRICS}/{file}"))
    }
}

#[test]
fn debian_12_keeps_mail_in_the_journal() {
    journald_alone("bookworm");
}

#[test]
fn debian_13_keeps_mail_in_the_journal() {
    journald_alone("trixie");
}

fn journald_alone(release: &str) {
    drop(testkit::host_or_skip!());
    let host = Host::new(release);
    host.send(
        "aol-a",
        &["aol.com", "aol.com", "gone.example", "full.example"],
    );
    host.send("msn-a", &["msn.com"]);
    let counts = host.0.ok("mail-stats-print");
    assert_eq!(
        counts,
        "postfix-aol-a:total:4\npostfix-aol-a:bounced:1\npostfix-aol-a:deferred:1\npostfix-aol-a:sent:2\n\n\
         postfix-msn-a:total:1\npostfix-msn-a:bounced:0\npostfix-msn-a:deferred:0\npostfix-msn-a:sent:1\n\n"
    );
    every_tool_reads_it(&host);
    the_jobs_run(&host);
    moved_mail_is_followed(&host);
    strangers_do_not_count(&host);
    the_rate_limit(&host);
    beside_rsyslog(&host);
    purged(&host);
}

/// On the host itself and, with --root, on the machine that it runs on: four deliveries of aol-a, one of them returned
/// and one deferred.
fn every_tool_reads_it(host: &Host) {
    let root = host.0.path("");
    let built = |tool: &str| match tool {
        "mail-stats-print" => env!("CARGO_BIN_EXE_mail-stats-print"),
        "queue-report" => env!("CARGO_BIN_EXE_queue-report"),
        "relay-transport" => env!("CARGO_BIN_EXE_relay-transport"),
        _ => env!("CARGO_BIN_EXE_relay-warmup"),
    };
    let check = |tool: &str, args: &str, status: i32, expected: &str| {
        let there = host.0.run(&format!("{tool} {args}")).ended(status);
        let out = Command::new(built(tool))
            .args(args.split_whitespace())
            .arg("--root")
            .arg(&root)
            .env("TZ", "UTC")
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(status), "{tool} {args}: {out:?}");
        for (place, said) in [("there", there.out.into_bytes()), ("here", out.stdout)] {
            let said = String::from_utf8(said).unwrap();
            let found = said.lines().any(|line| line.starts_with(expected));
            assert!(found, "{tool} {args}, {place}: {said}");
        }
    };
    // The journal is on the disk before it is looked at from outside.
    host.0.ok("journalctl --sync");
    let shares = "4 deliveries of postfix-aol-a: 25.0% bounced, 25.0% deferred, 0 blocked | ";
    check(
        "mail-stats-print",
        "--check aol-a",
        0,
        &format!("OK: {shares}"),
    );
    let limit = "--check --crit-bounced 20% aol-a";
    check("mail-stats-print", limit, 2, "CRITICAL: postfix-aol-a: ");
    check(
        "mail-stats-print",
        "--events aol-a",
        0,
        "{\"schema\":\"relay-tools/delivery/1\"",
    );
    check(
        "mail-stats-print",
        "--filtered aol-a",
        0,
        "postfix-aol-a:filtered:accepted:4",
    );
    let hold = "WARNING: postfix-aol-a: hold (";
    check("relay-warmup", "status --check aol-a", 1, hold);
    check("relay-warmup", "status aol-a", 0, "postfix-aol-a: HOLD");
    check(
        "relay-transport",
        "discover aol-a --relays all",
        0,
        "aol.com smtp:[aol.smtp.",
    );
    check(
        "queue-report",
        "aol-a --format jsonl",
        0,
        "{\"queue_name\":\"deferred\"",
    );
    // Files alone are not enough for a verdict here.
    let files = "--check --log-source files aol-a";
    check("mail-stats-print", files, 3, "UNKNOWN: ");
}

fn the_jobs_run(host: &Host) {
    host.0.ok(&format!("mkdir -p /{METRICS}"));
    for job in ["day", "report", "metrics", "mailq"] {
        host.0
            .ok(&format!("systemctl start relay-tools-{job}.service"));
    }
    assert_eq!(
        host.0
            .ok("systemctl list-units --failed --no-legend 'relay-tools-*'"),
        ""
    );
    let bounced =
        r#"relay_mail_deliveries_total{postfix_instance="postfix-aol-a",status="bounced"} 1"#;
    let mail = host.metrics("relay_mail.prom");
    assert!(mail.lines().any(|line| line == bounced), "{mail}");
    host.send("aol-a", &["gone.example"]);
    host.0.ok("systemctl start relay-tools-metrics.service");
    let mail = host.metrics("relay_mail.prom");
    assert!(mail.contains(&bounced.replace(" 1", " 2")), "{mail}");
    // Where no log can be read, the mailq is known nevertheless, and systemd that a job failed.
    host.0.ok(&format!(
        "echo LOG_SOURCE=nowhere >>/etc/default/relay-tools; rm /{METRICS}/*"
    ));
    assert_ne!(
        host.0
            .run("systemctl start relay-tools-metrics.service")
            .status,
        Some(0)
    );
    host.0.ok("systemctl start relay-tools-mailq.service");
    assert!(host.metrics("relay_mailq.prom").contains("postfix-aol-a"));
    host.0
        .ok("sed -i '$d' /etc/default/relay-tools; systemctl reset-failed");
}

/// What became of it is in the journal alone. Nobody listens where the target sends: there it waits, and is not thrown
/// away.
fn moved_mail_is_followed(host: &Host) {
    host.0.ok(
        "postconf -c /etc/postfix-msn-a -e transport_maps= default_transport=smtp:[127.0.0.1]:9
         postmulti -i postfix-msn-a -x postfix reload",
    );
    let moved = host
        .0
        .ok("queue-move aol-a msn-a --cross-provider --yes --format json");
    let moved: serde_json::Value = serde_json::from_str(&moved).unwrap();
    assert_eq!(moved["counts"]["moved"], 1, "{moved}");
    let new = moved["messages"][0]["new_queue_id"].as_str().unwrap();
    let told = host.0.ok(&format!(
        "journalctl --sync
         journalctl -q -o cat SYSLOG_IDENTIFIER=postfix-msn-a/pickup | grep -c '^{new}: uid=.* orig_id='"
    ));
    assert_eq!(told, "1\n");
}

/// Whoever may call logger(1) can write what looks like Postfix's.
fn strangers_do_not_count(host: &Host) {
    let before = host.counted();
    host.0.ok("useradd joe
         line='4F9A1: to=<u@aol.com>, relay=none, delay=1, dsn=5.0.0, status=bounced (forged)'
         for n in 1 2 3; do setpriv --reuid joe --regid joe --clear-groups logger -p mail.info -t \
         'postfix-aol-a/smtp[7]' \"$line\"; done
         journalctl --sync
         journalctl -q -o cat SYSLOG_IDENTIFIER=postfix-aol-a/smtp | grep -c forged | grep -qx 3");
    assert_eq!(host.counted(), before);
}

/// Of the package's drop-in, and without it.
fn the_rate_limit(host: &Host) {
    let limit = "mkdir -p /run/systemd/journald.conf.d
        printf '[Journal]\nRateLimitIntervalSec=30s\nRateLimitBurst=20\n' >/run/systemd/journald.conf.d/low.conf
        systemctl restart systemd-journald";
    host.0.ok(limit);
    let (before, _) = host.counted();
    let number = |counted: &str| counted.rsplit(':').next().unwrap().parse::<u32>().unwrap();
    host.send("aol-a", &["aol.com"; 30]);
    let (after, said) = host.counted();
    assert_eq!((number(&after), said.as_str()), (number(&before) + 30, ""));
    host.0.ok(
        "for unit in postfix postfix@; do
             mkdir -p /etc/systemd/system/$unit.service.d
             : >/etc/systemd/system/$unit.service.d/relay-tools.conf
         done
         systemctl daemon-reload
         systemctl restart 'postfix@*aol*'
         printf '[Journal]\nRateLimitIntervalSec=2s\nRateLimitBurst=20\n' >/run/systemd/journald.conf.d/low.conf
         systemctl restart systemd-journald
         for n in $(seq 30); do
             printf 'Subject: x\n\nx\n' | MAIL_CONFIG=/etc/postfix-aol-a sendmail -f '<>' u@aol.com
         done",
    );
    // It says so with the next message after the interval.
    let reported =
        "printf 'Subject: x\n\nx\n' | MAIL_CONFIG=/etc/postfix-aol-a sendmail -f '<>' u@aol.com
         journalctl -q -o cat MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e";
    let patience = Duration::from_secs(180);
    wait_until(patience, "journald to report what it dropped", || {
        !host.0.ok(reported).is_empty()
    });
    let (_, said) = host.counted();
    assert!(said.contains("journald's rate limit dropped "), "{said}");
    host.0
        .ok("rm /run/systemd/journald.conf.d/low.conf; systemctl restart systemd-journald");
}

/// Then each line is in both.
fn beside_rsyslog(host: &Host) {
    let source = |expected: &str| {
        let json = host.0.run("mail-stats-print --format json aol-a").out;
        let found: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(found["sources"][0]["kind"], expected, "{json}");
        found["instances"][0]["total"].as_u64().unwrap()
    };
    source("journal");
    host.0
        .ok("systemctl unmask -q rsyslog.service syslog.socket; systemctl start rsyslog.service");
    host.send("aol-a", &["aol.com", "aol.com", "aol.com"]);
    wait_until(Duration::from_secs(180), "rsyslog to write", || {
        host.0
            .run("grep -c 'postfix-aol-a/discard.*status=sent' /var/log/mail.log")
            .out
            == "3\n"
    });
    assert_eq!(source("file"), 3);
    assert!(
        source("file") < {
            let json = host
                .0
                .run("mail-stats-print --journal --format json aol-a")
                .out;
            let found: serde_json::Value = serde_json::from_str(&json).unwrap();
            found["instances"][0]["total"].as_u64().unwrap()
        }
    );
    host.0.ok("systemctl stop rsyslog.service syslog.socket");
}

/// Nothing is left but what the admin made, and the journals of moves.
fn purged(host: &Host) {
    host.0.ok("dpkg -P relay-tools");
    let left = host.0.ok(
        "find / -xdev \\( -name '*relay-tools*' -o -name 'relay_mail*' \\) -not -path '/root/*' -not -path \
         '/etc/systemd/system/postfix*'",
    );
    assert_eq!(left, "/var/lib/relay-tools\n");
    assert_eq!(host.0.ok("ls /var/lib/relay-tools"), "moves\n");
    assert_eq!(
        host.0
            .ok("systemctl list-units --all --no-legend 'relay-tools*'"),
        ""
    );
}
